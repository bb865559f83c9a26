// SPDX-License-Identifier: GPL-2.0-only
/*
 * CPU 1's L2 is at its virtual EL2 and reads a register that FEAT_NV2 keeps in the page of VNCR_EL2, again
 * and again and without an exit; CPU 0 gives CPU 1 another page by a TLBI. From then on L2 reads the other one.
 */
#include "l2.h"
#include "smp.h"

#define HCR_NV		BIT(42)
#define HCR_NV1		BIT(43)
#define HCR_NV2		BIT(45)
#define SYS_VNCR_EL2	S3_4_C2_C2_0
#define TPIDR_SLOT	(0x90 / 8)
#define WINDOW		0x50000000UL
#define ROUNDS		20
#define STACK_SIZE	16384

u64 secondary_hcr;

static u8 stack[STACK_SIZE] __attribute__((aligned(16)));
static u64 page[2][SZ_4K / 8] __attribute__((aligned(4096)));
static volatile u64 ended, strange;
static volatile struct {
	u64 value, stop, reads;
} shared;

/* x0: where shared is. */
L2_ASM(read_forever,
       "1: mrs x2, tpidr_el2\n str x2, [x0]\n"
       "ldr x3, [x0, #16]\n add x3, x3, #1\n str x3, [x0, #16]\n"
       "ldr x3, [x0, #8]\n cbz x3, 1b\n")

static void set_page(u64 desc)
{
	*(volatile u64 *)pt_leaf(&el2_low, WINDOW, NULL) = desc;
	dsb(ishst);
	asm volatile("tlbi vae2is, %0\n dsb ish\n isb" : : "r"(WINDOW >> 12) : "memory");
}

static void map(unsigned int n)
{
	/* Break before make: L2's access may fault in between. */
	set_page(0);
	set_page((u64)page[n] | PTE_VALID | PTE_TABLE | el2_normal());
}

void secondary_main(void)
{
	u64 nv = HCR_NV | HCR_NV2 | (vhe_mode ? 0 : HCR_NV1);
	struct vcpu v;

	mmu_init_el2();
	l2_reset_el1();
	l2_set_stage2(&l2_s2, 1);
	write_sysreg(WINDOW, SYS_VNCR_EL2);
	isb();
	l2_prepare(&v, read_forever, (u64)&shared, 0, L2_EL1);
	do {
		l2_enter(&v, nv);
		/* Nothing but the page that is away: the same instruction again. */
		strange += !l2_done(&v) && ESR_EC(v.esr) != EC_DABT_CUR;
	} while (!l2_done(&v));
	barrier_write(&ended, 1);
	for (;;)
		asm volatile("wfi");
}

/* L2 reads twice: once it may have begun before. */
static bool two_more(void)
{
	u64 before = shared.reads, end = read_sysreg(cntpct_el0) + 10 * read_sysreg(cntfrq_el0);

	dsb(ish);
	while (shared.reads < before + 2 && read_sysreg(cntpct_el0) < end)
		asm volatile("yield");
	dsb(ish);
	return shared.reads >= before + 2;
}

void guest_main(void)
{
	u64 old = 0, silent = 0;

	page[0][TPIDR_SLOT] = 0x1111;
	page[1][TPIDR_SLOT] = 0x2222;
	secondary_hcr = read_sysreg(hcr_el2);
	mmu_init_el2();
	l2_init();
	pt_map_at(&el2_low, WINDOW, (u64)page[0], el2_normal(), 3);
	dsb(ish);
	if (smccc(PSCI_CPU_ON, 1, (u64)secondary_entry, (u64)stack + STACK_SIZE))
		fail("CPU_ON");
	while (!shared.reads)
		asm volatile("yield");
	for (unsigned int i = 1; i <= ROUNDS; i++) {
		map(i % 2);
		silent += !two_more();
		old += shared.value != (i % 2 ? 0x2222 : 0x1111);
	}
	barrier_write(&shared.stop, 1);
	wait_not(&ended, 0);
	check_eq("rounds without a read", silent, 0);
	check_eq("reads of a page that is gone", old, 0);
	check_eq("other exits", strange, 0);
}
