// SPDX-License-Identifier: GPL-2.0-only
/*
 * More of an L2's address space in use than a hypervisor below has pages for tables of its own. L1 needs few: each
 * entry of the root leads to the same table, and each of that to the same pages, so that 2048 regions of 2 MiB are
 * 512 pages. One page of each region is touched, under two VMIDs; what is touched must be what L1's tables say,
 * however often whoever is below has given up a table to make another.
 */
#include "l2.h"

#define RAM		0x40000000UL
#define RAM_SIZE	0x10000000UL
#define IPA		0x200000000UL
#define GIBS		4
#define REGION		0x200000UL
#define NREGIONS	(GIBS * 512)
#define TAG(n)		(0x77dd000000000000UL + (n))

L2_ASM(do_load, "ldr x0, [x0]")
L2_ASM(do_store, "str x1, [x0]")

static struct pgtable s2[2];
static u64 *regions, *leaves;
static u8 *pages;

static u64 *page(unsigned int n)
{
	return (u64 *)(pages + n % 512 * SZ_4K);
}

/* Another page of each region. */
static u64 address(unsigned int n)
{
	return IPA + n * REGION + n % 512 * SZ_4K;
}

static void load_all(const char *name, unsigned int step, unsigned int flip)
{
	unsigned int good = 0;

	for (unsigned int i = 0; i < NREGIONS; i++) {
		unsigned int n = i * step % NREGIONS;

		if (flip)
			l2_set_stage2(&s2[i / flip % 2], i / flip % 2 + 1);
		good += l2_call(do_load, address(n), 0) == TAG(n % 512);
	}
	printf("%s: %u\n", name, good);
}

static void store_all(void)
{
	unsigned int good = 0;

	for (unsigned int n = 0; n < NREGIONS; n++)
		l2_call(do_store, address(n) + 8 + n / 512 * 8, n);
	for (unsigned int n = 0; n < NREGIONS; n++)
		good += page(n)[1 + n / 512] == n;
	printf("stores: %u\n", good);
}

/* A page that leaves all regions at once is gone from each, known or given up and known again. */
static void take_one(unsigned int gone)
{
	unsigned int left = 0, faults = 0;
	u64 was = leaves[gone];

	leaves[gone] = 0;
	dsb(ishst);
	asm volatile("tlbi vmalls12e1is\n dsb ish\n isb" : : : "memory");
	for (unsigned int i = 0; i < GIBS; i++) {
		struct vcpu v = l2_first_exit(do_load, address(gone + i * 512), 0, L2_EL1, 0);

		if (l2_done(&v))
			left++;
		else
			faults++;
	}
	printf("page %u taken away: left %u faults %u\n", gone, left, faults);
	leaves[gone] = was;
	dsb(ishst);
}

void guest_main(void)
{
	mmu_init_el2();
	l2_init();
	pages = pages_alloc(512 * SZ_4K, SZ_4K);
	regions = pages_alloc(SZ_4K, SZ_4K);
	leaves = pages_alloc(SZ_4K, SZ_4K);
	for (unsigned int n = 0; n < 512; n++) {
		*page(n) = TAG(n);
		regions[n] = (u64)leaves | PTE_TABLE | PTE_VALID;
		leaves[n] = (u64)page(n) | S2_RW | S2_NORMAL | PTE_TABLE | PTE_VALID;
	}
	for (unsigned int i = 0; i < 2; i++) {
		pt_init(&s2[i], 12, 40, 1);
		pt_map(&s2[i], RAM, RAM, RAM_SIZE, S2_RW | S2_NORMAL);
		for (unsigned int g = 0; g < GIBS; g++)
			s2[i].root[(IPA >> 30) + g] = (u64)regions | PTE_TABLE | PTE_VALID;
	}
	l2_set_stage2(&s2[0], 1);
	load_all("one after another", 1, 0);
	load_all("in leaps", 389, 0);
	store_all();
	take_one(5);
	load_all("all again", 1, 0);
	load_all("two VMIDs in turn", 1, 1);
	load_all("two VMIDs, 300 of each", 389, 300);
}
