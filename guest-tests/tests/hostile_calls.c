// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls and returns as an enemy of whoever is below would make them: ERET to every PSTATE, hypercalls without
 * end, a guest that never does anything but wait.
 */
#include "gic.h"
#include "l2.h"

#define FLOOD 5000

L2_ASM(nothing, "nop")
L2_ASM(hvc_flood, "1: hvc #3\n subs x0, x0, #1\n b.ne 1b")
L2_ASM(wait_forever, "1: wfi\n b 1b")
/* FEAT_WFxT's, until a moment that never comes; undefined without it */
L2_ASM(wfit_forever, "mov x2, #-1\n1: .inst 0xd5031022\n b 1b")
L2_ASM(wfe_forever, "1: wfe\n b 1b")
L2_ASM(spin_forever, "1: b 1b")

/* Bits of SPSR that no CPU gives a meaning are left out: they may stick or not. */
#define SPSR_BITS (MASK(31, 28) | MASK(25, 20) | MASK(12, 6) | MASK(4, 0))

static void enter(u64 pstate)
{
	struct vcpu v;

	/* back into this EL2: eret.c has those */
	if ((pstate & 0xf) == 8 || (pstate & 0xf) == 9)
		return;
	/* illegal returns stay at EL2, in an illegal state */
	if ((pstate & PSR_M) != PSR_EL0t && (pstate & PSR_M & ~1UL) != PSR_EL1t)
		return;
	v = l2_first_exit(nothing, 0, 0, pstate, 0);
	printf("SPSR %lx: ", pstate);
	if (l2_done(&v))
		printf("ran, %lx\n", v.pstate & SPSR_BITS);
	else
		l2_print_exit("exit", &v);
}

static void returns(void)
{
	static const u64 modes[] = { PSR_EL0t, PSR_EL1t, PSR_EL1h };

	for (unsigned int m = 0; m < ARRAY_SIZE(modes); m++) {
		for (unsigned int bit = 0; bit < 32; bit++) {
			/* single step is selfdebug.c's; interrupts are masked or there is none */
			if ((SPSR_BITS & BIT(bit)) && bit > 4 && bit != 21)
				enter(modes[m] | BIT(bit));
		}
		for (unsigned int i = 0; i < 60; i++)
			enter(modes[m] | (rnd() & SPSR_BITS & ~(PSR_M | PSR_SS)));
	}
}

static void floods(void)
{
	struct vcpu v;
	u64 n = 0;

	l2_prepare(&v, hvc_flood, FLOOD, 0, L2_EL1);
	for (l2_enter(&v, 0); !l2_done(&v); l2_enter(&v, 0))
		n += ESR_EC(v.esr) == EC_HVC && FIELD(v.esr, 15, 0) == 3;
	check_eq("hypercalls of L2", n, FLOOD);
	exc_arm(0);
	for (unsigned int i = 0; i < FLOOD; i++)
		asm volatile("hvc #5" : : : "memory");
	check_eq("of EL2 to itself", exc_take().count, FLOOD);
}

/* Whatever L2 does, EL2's timer ends it. */
static void endless(const char *name, l2_fn fn, u64 pstate)
{
	struct vcpu v;
	unsigned int intid;

	for (unsigned int i = 0; i < 20; i++) {
		l2_prepare(&v, fn, 0, 0, pstate);
		write_sysreg(read_sysreg(cntfrq_el0) / 2000, cnthp_tval_el2);
		write_sysreg(1, cnthp_ctl_el2);
		isb();
		l2_enter(&v, 0);
		intid = gic_ack();
		write_sysreg(0, cnthp_ctl_el2);
		isb();
		gic_eoi(intid);
		if (v.vec != VEC(GROUP_A64, KIND_IRQ) || intid != PPI_CNTHP)
			break;
		if (i == 19)
			printf("%s: ended by EL2's timer\n", name);
	}
}

void guest_main(void)
{
	mmu_init_el2();
	gic_init_el2();
	l2_init();
	returns();
	floods();
	gic_enable(PPI_CNTHP);
	endless("WFI", wait_forever, L2_EL1);
	endless("WFI at EL0", wait_forever, L2_EL0);
	endless("WFIT", wfit_forever, L2_EL1);
	endless("WFE", wfe_forever, L2_EL1);
	endless("WFE at EL0", wfe_forever, L2_EL0);
	endless("spin", spin_forever, L2_EL1);
	endless("spin at EL0", spin_forever, L2_EL0);
}
