// SPDX-License-Identifier: GPL-2.0-only
/*
 * A second CPU that never yields and never stops to change the stage-2 tables that the first one's L2 runs on,
 * at each level, to anything, with a TLBI now and then. Each access ends as one of the tables that
 * there were says. Run with two CPUs, and with two that share one below.
 */
#include "l2.h"

#define RAM		0x40000000UL
#define RAM_SIZE	0x10000000UL
#define BEYOND		0x80000000UL	/* whatever the level */
#define WINDOW		0x200000000UL
#define LOADS		3000
#define STACK_SIZE	16384
#define TAG(n)		(0x7a60000000000000UL + (n))

extern char secondary_entry[];
extern u64 secondary_hcr;
u64 secondary_hcr;
void secondary_main(void);

static u8 stack[STACK_SIZE] __attribute__((aligned(16)));
static struct pgtable s2;
static volatile u64 *desc[4];	/* of WINDOW, by level */
static u64 table[4];		/* what a walk needs there */
static u64 *pages;
static volatile u64 changes, stop;

L2_ASM(do_load, "ldr x0, [x0]")
L2_ASM(do_store, "str x1, [x0]\n mov x0, x1")

/* Changes that leave L2 with a tag or a fault. */
static u64 something(unsigned int level, u64 r)
{
	u64 leaf = S2_RW | S2_NORMAL | (level == 3 ? 3 : 1);

	switch (r % 8) {
	case 0:
		return 0;
	case 1:
		return 2;			/* no valid bit */
	case 2:
		return (u64)desc[level] & PTE_ADDR ? ((u64)s2.root & PTE_ADDR) | 3 : 0;
	case 3:
		return BEYOND | leaf;
	case 4:
		return level == 3 ? (u64)pages | (leaf & ~PTE_AF) : BEYOND | 3;
	case 5:
		return level == 3 ? (u64)pages | (leaf & ~S2_RW) : 0xfffff0000000 | leaf;
	case 6:
		return level == 3 ? ((u64)pages + SZ_4K) | leaf : table[level];
	default:
		return table[level];
	}
}

void secondary_main(void)
{
	u64 seed = 0x9e3779b97f4a7c15;

	mmu_init_el2();
	for (; !stop; changes = changes + 1) {
		unsigned int level = 1 + seed % 3;

		seed ^= seed << 13;
		seed ^= seed >> 7;
		seed ^= seed << 17;
		*desc[level] = something(level, seed >> 8);
		if (seed >> 60 == 1)
			asm volatile("dsb ishst\n tlbi ipas2e1is, %0\n dsb ish\n isb"
				     : : "r"(WINDOW >> 12) : "memory");
		else if (seed >> 60 == 2)
			asm volatile("dsb ishst\n tlbi alle1is\n dsb ish\n isb" : : : "memory");
		*desc[level] = table[level];
	}
	dsb(ish);
	stop = 2;
	for (;;)
		asm volatile("" : : : "memory");	/* masked, and never a WFI */
}

/* What L2's access came to: its value, or a stage-2 fault (or an abort of a walk) on it. */
static bool plausible(const struct vcpu *v, bool write)
{
	u64 fsc = FIELD(v->esr, 5, 0);

	if (l2_done(v))
		return write || v->x[0] == TAG(0) || v->x[0] == TAG(1) || v->x[0] == (u64)pages;
	if (v->vec != VEC(GROUP_A64, KIND_SYNC))
		return false;
	if (l2_at_el1_vector(v, &(u64){ 0 }))
		return FIELD(guest_read(ESR), 5, 0) == 0x10;	/* nothing answers at BEYOND */
	return ESR_EC(v->esr) == EC_DABT_LOW && (fsc < 0x10 || (fsc >= 0x10 && fsc < 0x18));
}

void guest_main(void)
{
	unsigned int good = 0, n = 0;

	secondary_hcr = read_sysreg(hcr_el2) | HCR_IMO | HCR_FMO | HCR_AMO;
	write_sysreg(secondary_hcr, hcr_el2);
	isb();
	mmu_init_el2();
	l2_init();
	pages = pages_alloc(2 * SZ_4K, SZ_4K * 2);
	pages[0] = TAG(0);
	pages[512] = TAG(1);
	pt_init(&s2, 12, 40, 1);
	pt_map(&s2, RAM, RAM, RAM_SIZE, S2_RW | S2_NORMAL);
	pt_map_at(&s2, WINDOW, (u64)pages, S2_RW | S2_NORMAL, 3);
	desc[1] = &s2.root[WINDOW >> 30];
	desc[2] = (u64 *)(*desc[1] & PTE_ADDR) + (WINDOW >> 21 & 511);
	desc[3] = (u64 *)(*desc[2] & PTE_ADDR) + (WINDOW >> 12 & 511);
	for (unsigned int level = 1; level < 4; level++)
		table[level] = *desc[level];
	l2_set_stage2(&s2, 9);
	if (smccc(PSCI_CPU_ON, 1, (u64)secondary_entry, (u64)stack + STACK_SIZE) == -2)
		fail("there is no second CPU");
	while (changes < 100)
		asm volatile("yield");
	for (unsigned int i = 0; i < LOADS; i++) {
		struct vcpu v = l2_first_exit(i % 8 ? do_load : do_store, WINDOW + (i % 8 ? 0 : 64),
					      i, L2_EL1, 0);

		n++;
		good += plausible(&v, i % 8 == 0);
		if (i % 16 == 0)
			asm volatile("tlbi vmalls12e1is\n dsb ish\n isb" : : : "memory");
	}
	stop = 1;
	while (stop != 2)
		asm volatile("yield");
	dsb(ish);
	check_eq("accesses that ended as some table said", good, n);
	asm volatile("dsb ishst\n tlbi alle1is\n dsb ish\n isb" : : : "memory");
	check_eq("afterwards", l2_call(do_load, WINDOW, 0), TAG(0));
}
