// SPDX-License-Identifier: GPL-2.0-only
/*
 * EL2's own translation: granules, input sizes, both halves under E2H, permissions, PAN and
 * unprivileged accesses, tagged addresses, ASIDs, the MMU going off and on.
 */
#include "lib.h"
#include "pgtable.h"

#define RAM		0x40000000UL
#define RAM_SIZE	0x10000000UL
#define WINDOW		0x100000000UL	/* 4 GiB up: aligned to every block used */
#define TAG(n)		(0x7a60000000000000UL + (n))
#define TCR_TBI0	(vhe_mode ? BIT(37) : BIT(20))

enum { P_RW, P_RO, P_XN, P_NOAF, P_INVALID, P_USER, P_USER_RO, NPAGES };
static const char *const names[NPAGES] = {
	"rw", "ro", "xn", "no-af", "invalid", "user", "user ro",
};

static u64 pool;

static u64 page_attrs(unsigned int p)
{
	u64 base = el2_normal() & ~(vhe_mode ? 0 : PTE_UXN);

	switch (p) {
	case P_RO:
		return base | PTE_RDONLY;
	case P_XN:
		return base | (vhe_mode ? PTE_PXN : PTE_UXN);
	case P_NOAF:
		return base & ~PTE_AF;
	case P_USER:
		return base | PTE_USER | PTE_PXN;
	case P_USER_RO:
		return base | PTE_USER | PTE_RDONLY | PTE_PXN;
	default:
		return base;
	}
}

static u64 tagged(unsigned int n)
{
	return pool + n * SZ_64K;
}

static u64 tcr_for(const struct pgtable *pt)
{
	u64 tg0 = pt->granule == 12 ? 0 : pt->granule == 16 ? 1 : 2;
	u64 tcr = tg0 << 14 | 3UL << 12 | 1UL << 10 | 1UL << 8 | (64 - pt->in_bits);

	/* 40-bit PA; EPD1 where there is a second half, RES1 bits where there is not */
	return vhe_mode ? tcr | 2UL << 32 | BIT(23) | 16UL << 16
			: tcr | 2UL << 16 | BIT(31) | BIT(23);
}

static void use(const struct pgtable *pt, u64 tcr_bits)
{
	mmu_off_el2();
	write_sysreg(MAIR_VALUE, mair_el2);
	write_sysreg(tcr_for(pt) | tcr_bits, tcr_el2);
	write_sysreg((u64)pt->root, ttbr0_el2);
	isb();
	write_sysreg(SCTLR_EL2_RES1 | SCTLR_M | SCTLR_C | SCTLR_I | SCTLR_SA, sctlr_el2);
	isb();
}

static void load(const char *name, u64 va)
{
	u64 v = 0;
	struct exc e;

	exc_arm(0);
	asm volatile("ldr %0, [%1]" : "+r"(v) : "r"(va) : "memory");
	e = exc_take();
	if (e.count)
		exc_show(name, e);
	else
		printf("%s: %lx\n", name, v);
}

static void store(const char *name, u64 va)
{
	exc_arm(0);
	asm volatile("str xzr, [%0]" : : "r"(va) : "memory");
	exc_show(name, exc_take());
}

static void jump(const char *name, u64 va)
{
	exc_arm((u64)jump_resume);
	asm volatile("mov x0, %0\n adr x30, 1f\n mov x1, x30\n bl jump_to\n 1:"
		     : : "r"(va) : "x0", "x1", "x30", "memory");
	exc_show(name, exc_take());
}

static void build(struct pgtable *pt, unsigned int granule, unsigned int in_bits)
{
	u64 page = 1UL << granule;

	pt_init(pt, granule, in_bits, -1);
	pt_map(pt, 0x08000000, 0x08000000, 0x08000000,
	       PTE_DEVICE | (vhe_mode ? PTE_PXN : PTE_USER));
	pt_map(pt, RAM, RAM, RAM_SIZE, el2_normal());
	for (unsigned int i = 0; i < NPAGES; i++)
		if (i != P_INVALID)
			pt_map_at(pt, WINDOW + i * page, tagged(i), page_attrs(i), 3);
}

static void pages(const struct pgtable *pt)
{
	u64 page = 1UL << pt->granule;

	for (unsigned int i = 0; i < NPAGES; i++) {
		u64 va = WINDOW + i * page;

		printf("page %s\n", names[i]);
		load("load", va + 8);
		store("store", va + 16);
		jump("jump", va);
	}
	load("across two pages", WINDOW + P_INVALID * page - 4);
	load("level 2", WINDOW + (1UL << pt_shift(pt, 2)));
	load("beyond", 1UL << pt->in_bits);
	load("beyond, upper half", ~0UL << pt->in_bits);
}

static void granule(unsigned int g, unsigned int in_bits)
{
	struct pgtable pt;

	printf("granule %lu in_bits %u\n", 1UL << g, in_bits);
	build(&pt, g, in_bits);
	use(&pt, 0);
	pages(&pt);
	printf("tagged addresses\n");
	load("TBI clear", (0xabUL << 56) | (WINDOW + 8));
	use(&pt, TCR_TBI0);
	load("TBI set", (0xabUL << 56) | (WINDOW + 8));
	load("TBI set, fault", (0xabUL << 56) | (WINDOW + (P_INVALID << g)));
}

/* TCR_EL2's output size: an address beyond it is a fault, one within it is not. */
static void output_size(void)
{
	static const u64 out[] = { 0xfffff000, 0x100000000, 0xffffff000, 0x1000000000 };
	u64 ps = vhe_mode ? 3UL << 32 : 3UL << 16;
	struct pgtable pt;

	build(&pt, 12, 39);
	for (unsigned int i = 0; i < ARRAY_SIZE(out); i++)
		pt_map_at(&pt, 2 * WINDOW + i * SZ_4K, out[i], page_attrs(P_RW), 3);
	for (u64 size = 0; size < 2; size++) {
		use(&pt, 0);
		write_sysreg((tcr_for(&pt) & ~ps) | (vhe_mode ? size << 32 : size << 16), tcr_el2);
		isb();
		asm volatile("tlbi alle2\n dsb nsh\n isb" : : : "memory");
		printf("output size %lu\n", size);
		for (unsigned int i = 0; i < ARRAY_SIZE(out); i++)
			load("load", 2 * WINDOW + i * SZ_4K);
	}
}

static void off_and_on(void)
{
	struct pgtable pt;

	build(&pt, 12, 39);
	use(&pt, 0);
	load("on", WINDOW + 8);
	mmu_off_el2();
	load("off, where the page is", tagged(P_RW) + 8);
	use(&pt, 0);
	load("on again", WINDOW + 8);
}

/* VHE: accesses by EL2 to pages of EL0, as a kernel's copy_from_user. */
static void user_access(void)
{
	struct pgtable pt;
	u64 hcr = read_sysreg(hcr_el2);

	build(&pt, 12, 39);
	use(&pt, 0);
	write_sysreg(hcr | HCR_TGE, hcr_el2);
	isb();
	for (unsigned int pan = 0; pan < 2; pan++) {
		if (pan)
			asm volatile("msr S0_0_C4_C1_4, xzr" : : : "memory");
		printf("PAN %u\n", pan);
		load("kernel page", WINDOW + 8);
		load("user page", WINDOW + P_USER * SZ_4K + 8);
		store("user page", WINDOW + P_USER * SZ_4K + 16);
		exc_arm(0);
		asm volatile("ldtr x9, [%0]" : : "r"(WINDOW + P_USER * SZ_4K + 8) : "x9", "memory");
		exc_show("ldtr user page", exc_take());
		exc_arm(0);
		asm volatile("sttr xzr, [%0]" : : "r"(WINDOW + P_USER_RO * SZ_4K + 8) : "memory");
		exc_show("sttr user ro page", exc_take());
		exc_arm(0);
		asm volatile("ldtr x9, [%0]" : : "r"(WINDOW + 8) : "x9", "memory");
		exc_show("ldtr kernel page", exc_take());
	}
	asm volatile("msr S0_0_C4_C0_4, xzr" : : : "memory");
	write_sysreg(hcr, hcr_el2);
	isb();
}

static void upper_half(void)
{
	u64 high = HIGH_BASE + tagged(P_RW) - RAM;

	mmu_init_el2();
	load("upper half", high + 8);
	store("upper half", high + 24);
	load("upper half, unmapped", HIGH_BASE + 0x700000000);
	load("between the halves", 0x00ffff0000000000UL);
	*(u64 *)(tagged(P_RW) + 24) = TAG(99);
	load("the same memory", high + 24);
	mmu_off_el2();
}

static void asids(void)
{
	struct pgtable pt[2];
	unsigned int good = 0;

	for (unsigned int i = 0; i < 2; i++) {
		build(&pt[i], 12, 39);
		*pt_leaf(&pt[i], WINDOW, NULL) =
			tagged(i) | page_attrs(P_RW) | PTE_NG | PTE_TABLE | PTE_VALID;
	}
	use(&pt[0], 0);
	for (unsigned int i = 0; i < 20; i++) {
		unsigned int n = i % 3 == 0;

		write_sysreg((u64)pt[n].root | (u64)(n + 1) << 48, ttbr0_el2);
		isb();
		good += *(volatile u64 *)(WINDOW + 8) == TAG(n);
	}
	printf("two ASIDs alternating: %u of 20\n", good);
}

/* SCTLR_EL2.nAA: may a load-acquire that crosses 16 bytes be unaligned (FEAT_LSE2)? */
static void unaligned_acquire(void)
{
	static u8 buffer[32] __attribute__((aligned(32)));
	u64 sctlr = read_sysreg(sctlr_el2), v;

	if (!FIELD(read_sysreg(SYS_ID_AA64MMFR2_EL1), 35, 32))
		return;
	for (unsigned int i = 0; i < 2; i++) {
		write_sysreg(i ? sctlr | SCTLR_nAA : sctlr & ~SCTLR_nAA, sctlr_el2);
		isb();
		exc_arm(0);
		asm volatile("ldar %0, [%1]" : "=r"(v) : "r"(buffer + 12) : "memory");
		exc_show(i ? "unaligned LDAR, nAA" : "unaligned LDAR", exc_take());
	}
	write_sysreg(sctlr, sctlr_el2);
	isb();
}

void guest_main(void)
{
	u64 mmfr0 = read_sysreg(id_aa64mmfr0_el1);

	pool = (u64)pages_alloc(NPAGES * SZ_64K, SZ_64K);
	for (unsigned int i = 0; i < NPAGES; i++) {
		*(u32 *)tagged(i) = 0xd61f0020;		/* br x1 */
		*(u64 *)(tagged(i) + 8) = TAG(i);
	}
	asm volatile("ic iallu\n dsb nsh\n isb" : : : "memory");
	granule(12, 39);
	granule(12, 48);
	granule(12, 34);
	if (FIELD(mmfr0, 23, 20)) {
		granule(14, 47);
		granule(14, 36);
	}
	if (FIELD(mmfr0, 27, 24) != 0xf) {
		granule(16, 42);
		granule(16, 48);
	}
	output_size();
	off_and_on();
	unaligned_acquire();
	if (vhe_mode) {
		user_access();
		asids();
		upper_half();
	}
	mmu_off_el2();
}
