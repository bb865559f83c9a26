// SPDX-License-Identifier: GPL-2.0-only
/*
 * Many VMIDs live at once: each with its own stage 2 and its own page behind the same IPA. Switching
 * VTTBR_EL2 needs no TLBI; what one VMID's TLBI removes, the others may keep, and ALLE1 removes all.
 */
#include "l2.h"

#define RAM		0x40000000UL
#define RAM_SIZE	0x10000000UL
#define IPA		0x200000000UL
#define NVMIDS		40
#define VTCR_VS		BIT(19)
#define TAG(n)		(0x7a60000000000000UL + (n))

L2_ASM(do_load, "ldr x0, [x0]")
L2_ASM(do_store, "str x1, [x0]")

static struct pgtable s2[NVMIDS];
static u64 *pages;

static u64 page_of(unsigned int n)
{
	return (u64)pages + n * SZ_4K;
}

static void use(unsigned int n)
{
	l2_set_stage2(&s2[n], n + 1);
}

static unsigned int count(unsigned int base, unsigned int step)
{
	unsigned int good = 0;

	for (unsigned int i = 0; i < NVMIDS; i += step) {
		use(i);
		good += l2_call(do_load, IPA, 0) == TAG(base + i);
	}
	return good;
}

static void retarget(unsigned int base)
{
	for (unsigned int i = 0; i < NVMIDS; i++)
		*pt_leaf(&s2[i], IPA, NULL) = page_of(base + i) | S2_RW | S2_NORMAL | 3;
	dsb(ishst);
}

static void alternate(void)
{
	unsigned int good = 0;

	for (unsigned int i = 0; i < 100; i++) {
		unsigned int n = i % 3 == 0 ? 5 : 6;

		use(n);
		good += l2_call(do_load, IPA, 0) == TAG(n);
	}
	printf("two alternating: %u of 100\n", good);
}

static void one_of_them(void)
{
	struct vcpu v;

	*pt_leaf(&s2[7], IPA, NULL) = 0;
	dsb(ishst);
	use(7);
	asm volatile("tlbi vmalls12e1is\n dsb ish\n isb" : : : "memory");
	use(8);
	printf("8 after VMALLS12E1IS of 7: %lx\n", l2_call(do_load, IPA, 0));
	use(7);
	v = l2_first_exit(do_load, IPA, 0, L2_EL1, 0);
	l2_print_exit("7", &v);
	pt_map_at(&s2[7], IPA, page_of(7), S2_RW | S2_NORMAL, 3);
	l2_enter(&v, 0);
	printf("7 mapped again: %lx\n", v.x[0]);
}

/* Another table under a VMID that was used: VMALLS12E1 between. */
static void reuse(void)
{
	use(9);
	l2_call(do_load, IPA, 0);
	l2_set_stage2(&s2[10], 9 + 1);
	asm volatile("tlbi vmalls12e1\n dsb nsh\n isb" : : : "memory");
	printf("VMID 10 with the table of 11: %lx\n", l2_call(do_load, IPA, 0));
	l2_set_stage2(&s2[9], 9 + 1);
	asm volatile("tlbi vmalls12e1\n dsb nsh\n isb" : : : "memory");
	printf("and back: %lx\n", l2_call(do_load, IPA, 0));
}

/* VTCR_EL2.VS: with eight bits the upper half of VTTBR_EL2.VMID counts as zero. */
static void eight_bits(void)
{
	u64 ipas2 = IPA >> 12, vttbr = (u64)s2[12].root | 3UL << 48;

	if (FIELD(read_sysreg(id_aa64mmfr1_el1), 7, 4) != 2)
		return;
	l2_set_stage2(&s2[12], 0x1203);
	printf("VMID 0x1203 of eight bits: %lx\n", l2_call(do_load, IPA, 0));
	*pt_leaf(&s2[12], IPA, NULL) = page_of(13) | S2_RW | S2_NORMAL | 3;
	dsb(ishst);
	write_sysreg(s2_vtcr(&s2[12]) | VTCR_VS, vtcr_el2);
	write_sysreg(vttbr, vttbr_el2);
	isb();
	asm volatile("tlbi ipas2e1is, %0\n dsb ish\n tlbi vmalle1is\n dsb ish\n isb"
		     : : "r"(ipas2) : "memory");
	l2_set_stage2(&s2[12], 0x1203);
	printf("after TLBIs of VMID 3 of sixteen: %lx\n", l2_call(do_load, IPA, 0));
	*pt_leaf(&s2[12], IPA, NULL) = page_of(12) | S2_RW | S2_NORMAL | 3;
	dsb(ishst);
	asm volatile("tlbi vmalls12e1is\n dsb ish\n isb" : : : "memory");
	printf("and back: %lx\n", l2_call(do_load, IPA, 0));
}

static void stores(void)
{
	unsigned int good = 0;

	for (unsigned int i = 0; i < NVMIDS; i++) {
		use(i);
		l2_call(do_store, IPA + 8, 0x5000 + i);
	}
	for (unsigned int i = 0; i < NVMIDS; i++)
		good += *(u64 *)(page_of(i) + 8) == 0x5000 + i;
	printf("stores at their pages: %u\n", good);
}

void guest_main(void)
{
	mmu_init_el2();
	l2_init();
	pages = pages_alloc(2 * NVMIDS * SZ_4K, SZ_4K);
	for (unsigned int i = 0; i < 2 * NVMIDS; i++)
		*(u64 *)page_of(i) = TAG(i);
	for (unsigned int i = 0; i < NVMIDS; i++) {
		pt_init(&s2[i], 12, 40, 1);
		pt_map(&s2[i], RAM, RAM, RAM_SIZE, S2_RW | S2_NORMAL);
		pt_map_at(&s2[i], IPA, page_of(i), S2_RW | S2_NORMAL, 3);
	}
	printf("first: %u\n", count(0, 1));
	printf("again: %u\n", count(0, 1));
	printf("every third: %u\n", count(0, 3));
	alternate();
	one_of_them();
	reuse();
	eight_bits();
	stores();
	retarget(NVMIDS);
	asm volatile("tlbi alle1is\n dsb ish\n isb" : : : "memory");
	printf("all changed, ALLE1IS: %u\n", count(NVMIDS, 1));
	retarget(0);
	for (unsigned int i = 0; i < NVMIDS; i++) {
		use(i);
		asm volatile("tlbi ipas2e1is, %0\n dsb ish\n tlbi vmalle1is\n dsb ish\n isb"
			     : : "r"(IPA >> 12) : "memory");
	}
	printf("all changed, IPAS2E1IS each: %u\n", count(0, 1));
}
