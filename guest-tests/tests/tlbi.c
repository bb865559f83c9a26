// SPDX-License-Identifier: GPL-2.0-only
/*
 * TLB invalidation: a translation is used, changed in memory and invalidated by each TLBI that must
 * reach it; afterwards the new one is seen. Stage 2 of L2, stage 1 of L2 (by EL2 and by L2 itself),
 * EL2's own stage 1, several VMIDs. All with a 4K granule.
 */
#include "l2.h"
#include "tlbi.h"

#define RAM		0x40000000UL
#define RAM_SIZE	0x10000000UL
#define WINDOW		0x200000000UL	/* 16 pages, both as IPA and as VA of L2 */
#define BLOCK		0x240000000UL
#define ALIAS		0x50000000UL	/* VA of EL2 */
#define WPAGES		16
#define TAG(n)		(0x7a60000000000000UL + (n))

TLBI_TABLES(el1_rows, el2_rows, s2_rows, s12_rows)

static struct pgtable s1, s2;
static u64 *tags;			/* two sets of 512 tagged pages, 2 MiB each */
static bool has_os, has_range;

L2_ASM(do_load, "ldr x0, [x0]")

static u64 page_of(unsigned int set, unsigned int n)
{
	return (u64)tags + set * SZ_2M + n * SZ_4K;
}

static bool usable(const struct tlbi_row *r)
{
	unsigned int n = strlen(r->name);

	if (r->kind == TLBI_RANGE && !has_range)
		return false;
	return r->name[n - 2] != 'o' || has_os;
}

static u64 operand(const struct tlbi_row *r, u64 addr, u64 pages)
{
	return r->kind == TLBI_RANGE ? tlbi_range(addr, pages) : tlbi_page(addr);
}

static void clean(void)
{
	dsb(ishst);
	asm volatile("tlbi alle1\n dsb ish\n isb" : : : "memory");
}

static void invalidate(const struct tlbi_row *r, u64 addr, u64 pages)
{
	dsb(ishst);			/* the new descriptors before the invalidation */
	r->fn(operand(r, addr, pages));
	dsb(ish);
	isb();
}

/* Load the first n pages of the window in L2; how many show set's tag. */
static unsigned int seen(u64 base, unsigned int n, unsigned int set, unsigned int first)
{
	unsigned int good = 0;

	for (unsigned int i = 0; i < n; i++)
		good += l2_call(do_load, base + i * SZ_4K, 0) == TAG(set * 512 + first + i);
	return good;
}

static void point(struct pgtable *pt, u64 in, unsigned int n, unsigned int set, u64 attrs)
{
	for (unsigned int i = 0; i < n; i++)
		*pt_leaf(pt, in + i * SZ_4K, NULL) = page_of(set, i) | attrs | 3;
}

/* A range form is given all its pages at once, the others one page, everything else is ALL. */
static unsigned int reach(const struct tlbi_row *r)
{
	return r->kind == TLBI_VA ? 1 : WPAGES;
}

static bool by_asid(const struct tlbi_row *r)
{
	return r->name[0] == 'a' && r->name[1] == 's';
}

static void stage2_row(const struct tlbi_row *r, bool also_s1)
{
	u64 attrs = S2_RW | S2_NORMAL;
	unsigned int n = reach(r), before, after;
	u64 block = S2_RW | S2_NORMAL | PTE_VALID;

	if (!usable(r))
		return;
	point(&s2, WINDOW, WPAGES, 0, attrs);
	*pt_leaf(&s2, BLOCK, NULL) = page_of(0, 0) | block;
	clean();
	before = seen(WINDOW, WPAGES, 0, 0) + seen(BLOCK, 2, 0, 0);
	point(&s2, WINDOW, WPAGES, 1, attrs);
	*pt_leaf(&s2, BLOCK, NULL) = page_of(1, 0) | block;
	invalidate(r, WINDOW, WPAGES);
	invalidate(r, BLOCK, 512);
	if (also_s1) {
		tlbi_vmalle1is(0);
		dsb(ish);
		isb();
	}
	after = seen(WINDOW, n, 1, 0) + seen(BLOCK, 2, 1, 0);
	printf("%s: %u old, %u of %u new\n", r->name, before, after, n + 2);
	/* and gone altogether */
	point(&s2, WINDOW, n, 1, attrs);
	*pt_leaf(&s2, WINDOW, NULL) = 0;
	invalidate(r, WINDOW, WPAGES);
	if (also_s1) {
		tlbi_vmalle1is(0);
		dsb(ish);
		isb();
	}
	l2_trace(" unmapped", do_load, WINDOW, 0, L2_EL1, 0);
}

static void stage2(void)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(s2_rows); i++)
		stage2_row(&s2_rows[i], true);
	for (unsigned int i = 0; i < ARRAY_SIZE(s12_rows); i++)
		stage2_row(&s12_rows[i], false);
}

/* L2's stage 1, changed and invalidated by EL2, VMID as in VTTBR_EL2. */
static void stage1_row(const struct tlbi_row *r)
{
	unsigned int n = reach(r), before, after;

	if (!usable(r))
		return;
	if (by_asid(r))
		n = WPAGES;
	point(&s1, WINDOW, WPAGES, 0, PTE_NORMAL | PTE_NG);
	clean();
	before = seen(WINDOW, WPAGES, 0, 0);
	point(&s1, WINDOW, WPAGES, 1, PTE_NORMAL | PTE_NG);
	dsb(ishst);
	r->fn(by_asid(r) ? 0 : operand(r, WINDOW, WPAGES));
	dsb(ish);
	isb();
	after = seen(WINDOW, n, 1, 0);
	printf("%s: %u old, %u of %u new\n", r->name, before, after, n);
}

/* The same by L2 itself. */
static u64 self_row(u64 row, u64 unused)
{
	const struct tlbi_row *r = &el1_rows[row];
	unsigned int n = by_asid(r) ? WPAGES : reach(r);
	u64 old = 0, new = 0;

	(void)unused;
	point(&s1, WINDOW, WPAGES, 0, PTE_NORMAL | PTE_NG);
	asm volatile("dsb ishst\n tlbi vmalle1is\n dsb ish\n isb" : : : "memory");
	for (unsigned int i = 0; i < WPAGES; i++)
		old += *(volatile u64 *)(WINDOW + i * SZ_4K) == TAG(i);
	point(&s1, WINDOW, WPAGES, 1, PTE_NORMAL | PTE_NG);
	dsb(ishst);
	r->fn(by_asid(r) ? 0 : operand(r, WINDOW, WPAGES));
	dsb(ish);
	isb();
	for (unsigned int i = 0; i < n; i++)
		new += *(volatile u64 *)(WINDOW + i * SZ_4K) == TAG(512 + i);
	return old << 32 | new << 16 | n;
}

static void stage1(void)
{
	printf("by EL2\n");
	for (unsigned int i = 0; i < ARRAY_SIZE(el1_rows); i++)
		stage1_row(&el1_rows[i]);
	for (unsigned int i = 0; i < ARRAY_SIZE(s12_rows); i++)
		stage1_row(&s12_rows[i]);
	printf("by L2\n");
	for (unsigned int i = 0; i < ARRAY_SIZE(el1_rows); i++) {
		u64 v;

		if (!usable(&el1_rows[i]))
			continue;
		v = l2_call(self_row, i, 0);
		printf("%s: %lu old, %lu of %lu new\n", el1_rows[i].name, FIELD(v, 63, 32),
		       FIELD(v, 31, 16), FIELD(v, 15, 0));
	}
}

/* EL2's own tables. extra: what of EL1 TLBIs means EL2&0 under E2H and TGE. */
static void own_row(const struct tlbi_row *r)
{
	unsigned int n = by_asid(r) ? WPAGES : reach(r);
	unsigned int before = 0, after = 0;
	u64 attrs = el2_normal() | (vhe_mode ? PTE_NG : 0);

	if (!usable(r))
		return;
	point(&el2_low, ALIAS, WPAGES, 0, attrs);
	asm volatile("dsb ishst\n tlbi alle2is\n dsb ish\n isb" : : : "memory");
	for (unsigned int i = 0; i < WPAGES; i++)
		before += *(volatile u64 *)(ALIAS + i * SZ_4K) == TAG(i);
	point(&el2_low, ALIAS, WPAGES, 1, attrs);
	dsb(ishst);
	r->fn(by_asid(r) ? 0 : operand(r, ALIAS, WPAGES));
	dsb(ish);
	isb();
	for (unsigned int i = 0; i < n; i++)
		after += *(volatile u64 *)(ALIAS + i * SZ_4K) == TAG(512 + i);
	printf("%s: %u old, %u of %u new\n", r->name, before, after, n);
}

static void own(void)
{
	u64 hcr = read_sysreg(hcr_el2);

	for (unsigned int i = 0; i < WPAGES; i++)
		pt_map_at(&el2_low, ALIAS + i * SZ_4K, page_of(0, i), el2_normal(), 3);
	for (unsigned int i = 0; i < ARRAY_SIZE(el2_rows); i++)
		own_row(&el2_rows[i]);
	if (!vhe_mode)
		return;
	printf("EL1 forms under TGE\n");
	write_sysreg(hcr | HCR_TGE, hcr_el2);
	isb();
	for (unsigned int i = 0; i < ARRAY_SIZE(el1_rows); i++)
		own_row(&el1_rows[i]);
	write_sysreg(hcr, hcr_el2);
	isb();
}

void guest_main(void)
{
	unsigned int tlb = FIELD(read_sysreg(id_aa64isar0_el1), 59, 56);

	has_os = tlb >= 1;
	has_range = tlb >= 2;
	printf("OS %u range %u\n", has_os, has_range);
	mmu_init_el2();
	l2_init();
	tags = pages_alloc(2 * SZ_2M, SZ_2M);
	for (unsigned int i = 0; i < 1024; i++)
		tags[i * 512] = TAG(i);
	pt_init(&s2, 12, 40, 1);
	pt_map(&s2, RAM, RAM, RAM_SIZE, S2_RW | S2_NORMAL);
	pt_map_at(&s2, BLOCK, page_of(0, 0), S2_RW | S2_NORMAL, 2);
	for (unsigned int i = 0; i < WPAGES; i++)
		pt_map_at(&s2, WINDOW + i * SZ_4K, page_of(0, i), S2_RW | S2_NORMAL, 3);
	pt_init(&s1, 12, 39, -1);
	pt_map(&s1, RAM, RAM, RAM_SIZE, PTE_NORMAL);
	pt_map(&s1, BLOCK, BLOCK, SZ_2M, PTE_NORMAL);
	for (unsigned int i = 0; i < WPAGES; i++)
		pt_map_at(&s1, WINDOW + i * SZ_4K, WINDOW + i * SZ_4K, PTE_NORMAL, 3);
	l2_set_stage2(&s2, 3);
	printf("stage 2, L2's MMU off\n");
	stage2();
	printf("stage 2, L2's MMU on\n");
	l2_mmu_on(&s1);
	stage2();
	printf("stage 1 of L2\n");
	point(&s2, WINDOW, WPAGES, 0, S2_RW | S2_NORMAL);
	stage1();
	l2_mmu_off();
	printf("stage 1 of EL2\n");
	own();
}
