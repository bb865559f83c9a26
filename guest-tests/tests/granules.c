// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stage 1 of L2 and stage 2 of this EL2, every granule under every other: what L2 reads and writes,
 * what AT says, faults and their levels, and TLBI with what it may say of granule and level. Where no
 * 52-bit addresses are offered, TCR_EL2.DS and VTCR_EL2.DS do nothing.
 */
#include "l2.h"
#include "tlbi.h"

#define RAM		0x40000000UL
#define RAM_SIZE	0x10000000UL
#define VA		0x100000000UL
#define VA_BLOCK	0x180000000UL	/* aligned to every level 2 block */
#define IPA		0x200000000UL
#define NPAGES		6		/* of 64K, in IPAs and in memory; the last is not in stage 2 */
#define TAG(n)		(0x7a60000000000000UL + (n))
#define VTCR_DS		BIT(32)

TLBI_DEFINE_VA(vaae1is, 0, 3, 3)
TLBI_DEFINE_VA(rvaae1is, 0, 2, 3)
TLBI_DEFINE_VA(ipas2e1is, 4, 0, 1)
TLBI_DEFINE_VA(ripas2e1is, 4, 0, 2)

L2_ASM(do_load, "ldr x0, [x0]")
L2_ASM(do_store, "str x1, [x0]")

static const struct geometry {
	unsigned int granule, va_bits, ipa_start, mmfr0_lo;
	bool odd;			/* 0xf says "none" in its field of ID_AA64MMFR0_EL1, not 0 */
} geometries[] = {
	{ 12, 39, 1, 28, true },	/* stage 2: two tables concatenated */
	{ 14, 36, 2, 20, false },	/* sixteen */
	{ 16, 42, 2, 24, true },
};

static u64 pool;			/* each 4K of its pages begins with its tag */
static struct pgtable s1, s2;

static bool exists(const struct geometry *g)
{
	u64 v = FIELD(read_sysreg(id_aa64mmfr0_el1), g->mmfr0_lo + 3, g->mmfr0_lo);

	return g->odd ? v != 0xf : v != 0;
}

static u64 memory(unsigned int n)
{
	return pool + n * SZ_64K;
}

static u64 tag_at(u64 pa)
{
	return TAG((pa - pool) / SZ_4K);
}

static u64 va_of(unsigned int n)
{
	return VA + ((u64)n << s1.granule);
}

/* IPA of a page of stage 1: at the beginning of 64K, whatever the granules. */
static u64 ipa_of(unsigned int n)
{
	return IPA + n * SZ_64K;
}

/* 64K of IPA from page @n on are @pa. */
static void stage2_map(unsigned int n, u64 pa)
{
	for (u64 off = 0; off < SZ_64K; off += 1UL << s2.granule)
		pt_map_at(&s2, ipa_of(n) + off, pa + off, S2_RW | S2_NORMAL, 3);
}

static u64 block_of(u64 pa)
{
	return pa & ~((1UL << pt_shift(&s1, 2)) - 1);
}

static void build(const struct geometry *g1, const struct geometry *g2)
{
	pt_init(&s2, g2->granule, 40, (int)g2->ipa_start);
	pt_map(&s2, RAM, RAM, RAM_SIZE, S2_RW | S2_NORMAL);
	for (unsigned int n = 0; n + 1 < NPAGES; n++)
		stage2_map(n, memory(n));
	pt_init(&s1, g1->granule, g1->va_bits, -1);
	pt_map(&s1, RAM, RAM, RAM_SIZE, PTE_NORMAL);
	for (unsigned int n = 0; n < NPAGES; n++)
		pt_map_at(&s1, va_of(n), ipa_of(n), PTE_NORMAL, 3);
	pt_map_at(&s1, VA_BLOCK, block_of((u64)_text_start), PTE_NORMAL | PTE_RDONLY, 2);
	l2_set_stage2(&s2, 7);
	l2_mmu_on(&s1);
	asm volatile("tlbi alle1" : : : "memory");
	dsb(ish);
	isb();
}

/* Every 4K of a page of stage 1 is the memory that begins at @pa. */
static bool is_at(unsigned int n, u64 pa)
{
	unsigned int wrong = 0;

	for (u64 off = 0; off < 1UL << s1.granule; off += SZ_4K)
		wrong += l2_call(do_load, va_of(n) + off, 0) != tag_at(pa + off);
	return !wrong;
}

static void reads(const char *what, unsigned int n, u64 pa)
{
	check(is_at(n, pa), what);
}

static void contents(void)
{
	u64 last = (1UL << s1.granule) - 8, magic = (u64)_text_start + 0x38;

	for (unsigned int n = 0; n + 1 < NPAGES; n++)
		reads("page", n, memory(n));
	l2_call(do_store, va_of(0) + last, 0x1234);
	check_eq("stored", *(volatile u64 *)(memory(0) + last), 0x1234);
	check_eq("block", l2_call(do_load, VA_BLOCK + magic - block_of(magic), 0), *(u64 *)magic);
	l2_trace("store to a read-only block", do_store, VA_BLOCK + 0x1000, 0, L2_EL1, 0);
	l2_trace("not in stage 1", do_load, va_of(NPAGES), 0, L2_EL1, 0);
	l2_trace("level 2 of stage 1", do_load, VA + (1UL << pt_shift(&s1, 2)), 0, L2_EL1, 0);
	l2_trace("not in stage 2", do_load, va_of(NPAGES - 1) + last, 0, L2_EL1, 0);
}

static void translate(void)
{
	unsigned int wrong = 0;

	for (unsigned int n = 0; n < NPAGES; n++) {
		u64 va = va_of(n) + (1UL << s1.granule) - SZ_4K, hcr = read_sysreg(hcr_el2), ipa,
		    pa;

		write_sysreg(l2_hcr, hcr_el2);
		isb();
		asm volatile("at s1e1r, %0\n isb" : : "r"(va) : "memory");
		ipa = read_sysreg(par_el1);
		asm volatile("at s12e1r, %0\n isb" : : "r"(va) : "memory");
		pa = read_sysreg(par_el1);
		write_sysreg(hcr, hcr_el2);
		isb();
		wrong += (ipa & (PTE_ADDR | 1)) != ipa_of(n) + va - va_of(n);
		if (n + 1 < NPAGES)
			wrong += (pa & (PTE_ADDR | 1)) != memory(n) + va - va_of(n);
		else
			printf("AT S12: fst %lx stage 2 %lu\n", FIELD(pa, 6, 1), FIELD(pa, 9, 9));
	}
	check_eq("AT S1 and S12", wrong, 0);
}

/* Granule as TTL[3:2] and as TG of a range count it. */
static u64 tg_of(const struct pgtable *pt)
{
	return pt->granule == 12 ? 1 : pt->granule == 14 ? 2 : 3;
}

/* Of one address, with a hint: the granule and that the last level holds it. */
static u64 one(const struct pgtable *pt, u64 addr)
{
	return (tg_of(pt) << 2 | 3) << 44 | addr >> 12;
}

/* Two pages and more: BaseADDR counts granules. */
static u64 range(const struct pgtable *pt, u64 addr)
{
	u64 num = pt->granule == 12 ? 7 : pt->granule == 14 ? 1 : 0;

	return tg_of(pt) << 46 | num << 39 | addr >> pt->granule;
}

static bool has_range(void)
{
	return FIELD(read_sysreg(id_aa64isar0_el1), 59, 56) >= 2;
}

/* As a hypervisor moves a guest's page, and as a guest moves one of its own (by this EL's TLBI). */
static void moves(void)
{
	for (unsigned int way = 0; way < (has_range() ? 2U : 1U); way++) {
		u64 to = memory(way ? 4 : 3);

		reads("before", 1, memory(way ? 3 : 1));
		stage2_map(1, to);
		for (u64 off = 0; !way && off < SZ_64K; off += 1UL << s2.granule)
			tlbi_ipas2e1is(one(&s2, ipa_of(1) + off));
		if (way)
			tlbi_ripas2e1is(range(&s2, ipa_of(1)));
		dsb(ish);
		asm volatile("tlbi vmalle1is" : : : "memory");
		dsb(ish);
		isb();
		reads("after stage 2", 1, to);

		pt_map_at(&s1, va_of(2), ipa_of(way ? 2 : 0), PTE_NORMAL, 3);
		if (way)
			tlbi_rvaae1is(range(&s1, va_of(2)));
		else
			tlbi_vaae1is(one(&s1, va_of(2)));
		dsb(ish);
		isb();
		reads("after stage 1", 2, memory(way ? 2 : 0));
	}
}

/*
 * DS makes bits 9:8 of a descriptor address bits, which SH has set: an address far beyond. A CPU that
 * has 52-bit addresses says no more here than one that has not.
 */
static void no_52_bits(void)
{
	u64 mmfr0 = read_sysreg(id_aa64mmfr0_el1), ds = vhe_mode ? BIT(59) : BIT(32), old;

	if (FIELD(mmfr0, 43, 40) != 3 &&
	    !(FIELD(mmfr0, 43, 40) == 0 && FIELD(mmfr0, 31, 28) == 1)) {
		build(&geometries[0], &geometries[0]);
		write_sysreg(s2_vtcr(&s2) | VTCR_DS, vtcr_el2);
		isb();
		asm volatile("tlbi alle1" : : : "memory");
		dsb(ish);
		isb();
		if (!is_at(1, memory(1)))
			fail("VTCR_EL2.DS");
		l2_mmu_off();
	}
	if (FIELD(mmfr0, 31, 28) == 1)
		return;
	old = read_sysreg(tcr_el2);
	write_sysreg(old | ds, tcr_el2);
	isb();
	asm volatile("tlbi alle2\n dsb nsh\n isb" : : : "memory");
	if (*(volatile u64 *)memory(1) != tag_at(memory(1)))
		fail("TCR_EL2.DS");
	write_sysreg(old, tcr_el2);
	isb();
}

void guest_main(void)
{
	mmu_init_el2();
	l2_init();
	pool = (u64)pages_alloc(NPAGES * SZ_64K, SZ_64K);
	for (u64 at = pool; at < memory(NPAGES); at += SZ_4K)
		*(u64 *)at = tag_at(at);
	for (unsigned int i = 0; i < ARRAY_SIZE(geometries); i++)
		for (unsigned int j = 0; j < ARRAY_SIZE(geometries); j++) {
			if (!exists(&geometries[i]) || !exists(&geometries[j]))
				continue;
			printf("stage 1 of %lu, stage 2 of %lu\n", 1UL << geometries[i].granule,
			       1UL << geometries[j].granule);
			build(&geometries[i], &geometries[j]);
			contents();
			translate();
			moves();
			l2_mmu_off();
		}
	no_52_bits();
}
