// SPDX-License-Identifier: GPL-2.0-only
/*
 * Self-hosted debug of an L2: BRK, single step, breakpoint and watchpoint, to EL2 (MDCR_EL2.TDE) and to
 * L2's own EL1; MDSCR_EL1 is one register for both. EL2 steps its own EL0 where it has one. MMU of L2 off.
 */
#include "l2.h"

#define MDCR_TDE   BIT(8)
#define MDCR_TDA   BIT(9)
#define MDSCR_SS   BIT(0)
#define MDSCR_TDCC BIT(12)
#define MDSCR_KDE  BIT(13)
#define MDSCR_MDE  BIT(15)
#define PSR_SS	   BIT(21)

/* E, any of EL1 and EL0, all four bytes */
#define BCR	   (1UL | 3UL << 1 | 0xfUL << 5)
/* E, EL1 and EL0, loads and stores, eight bytes */
#define WCR	   (1UL | 3UL << 1 | 3UL << 3 | 0xffUL << 5)

static u64 word __attribute__((aligned(8)));

L2_ASM(do_brk, "brk #5")
L2_ASM(do_nops, "nop\n nop\n nop")
L2_ASM(do_load, "ldr x0, [x0]")
L2_ASM(do_swap_mdscr, "mrs x1, mdscr_el1\n msr mdscr_el1, x0\n mov x0, x1")
L2_ASM(do_read_bvr, "mrs x0, dbgbvr1_el1")
/* at EL1, debug exceptions of its own need KDE and PSTATE.D clear */
L2_ASM(do_load_unmasked, "msr daifclr, #8\n ldr x0, [x0]\n msr daifset, #8")

static void tde(bool on)
{
	u64 mdcr = read_sysreg(mdcr_el2) & ~MDCR_TDE;

	write_sysreg(mdcr | (on ? MDCR_TDE : 0), mdcr_el2);
	isb();
}

/* The first exit, and where it was, as an offset from fn. */
static void first(const char *name, l2_fn fn, u64 a, u64 pstate)
{
	struct vcpu v = l2_first_exit(fn, a, 0, pstate, 0);

	l2_print_exit(name, &v);
	if (ESR_EC(v.esr) != EC_HVC)
		printf("  at +%lx, spsr.ss %lu\n", v.pc - (u64)fn, FIELD(v.pstate, 21, 21));
}

static void to_el2(void)
{
	tde(true);
	first("brk", do_brk, 0, L2_EL1);
	first("brk of EL0", do_brk, 0, L2_EL0);

	write_sysreg(MDSCR_SS, mdscr_el1);
	first("step", do_nops, 0, L2_EL1 | PSR_SS);
	first("step of EL0", do_nops, 0, L2_EL0 | PSR_SS);
	first("step without SPSR.SS", do_nops, 0, L2_EL1);

	write_sysreg((u64)do_nops + 4, dbgbvr0_el1);
	write_sysreg(BCR, dbgbcr0_el1);
	write_sysreg(MDSCR_MDE, mdscr_el1);
	first("breakpoint", do_nops, 0, L2_EL1);
	write_sysreg(0, dbgbcr0_el1);
	first("breakpoint off", do_nops, 0, L2_EL1);

	write_sysreg((u64)&word, dbgwvr0_el1);
	write_sysreg(WCR, dbgwcr0_el1);
	first("watchpoint", do_load, (u64)&word, L2_EL1);
	check(read_sysreg(far_el2) == (u64)&word, "FAR_EL2 of the watchpoint");
	write_sysreg(0, mdscr_el1);
	first("watchpoint, MDE clear", do_load, (u64)&word, L2_EL1);
	tde(false);
}

static void to_el1(void)
{
	first("brk to EL1", do_brk, 0, L2_EL1);
	write_sysreg(MDSCR_MDE, mdscr_el1);
	first("watchpoint without KDE", do_load_unmasked, (u64)&word, L2_EL1);
	write_sysreg(MDSCR_MDE | MDSCR_KDE, mdscr_el1);
	first("watchpoint to EL1, masked", do_load, (u64)&word, L2_EL1);
	first("watchpoint to EL1", do_load_unmasked, (u64)&word, L2_EL1);
	first("watchpoint of EL0 to EL1", do_load, (u64)&word, L2_EL0);
	write_sysreg(0, mdscr_el1);
	write_sysreg(0, dbgwcr0_el1);
}

/* What L2 writes is what EL2 reads, and the other way round. */
static void shared(void)
{
	write_sysreg(MDSCR_TDCC, mdscr_el1);
	check_eq("L2 reads EL2's MDSCR_EL1", l2_call(do_swap_mdscr, MDSCR_KDE, 0), MDSCR_TDCC);
	check_eq("EL2 reads L2's MDSCR_EL1", read_sysreg(mdscr_el1), MDSCR_KDE);
	check_eq("L2 reads it again", l2_call(do_swap_mdscr, 0, 0), MDSCR_KDE);
	check_eq("and 0 is left", read_sysreg(mdscr_el1), 0);
	write_sysreg(0x123450, dbgbvr1_el1);
	check_eq("L2 reads DBGBVR1_EL1", l2_call(do_read_bvr, 0, 0), 0x123450);
	l2_trace("mdscr with TDA", do_swap_mdscr, 0, 0, L2_EL1, 0);
	write_sysreg(read_sysreg(mdcr_el2) | MDCR_TDA, mdcr_el2);
	isb();
	l2_trace("mdscr with TDA", do_swap_mdscr, 0, 0, L2_EL1, 0);
	write_sysreg(read_sysreg(mdcr_el2) & ~MDCR_TDA, mdcr_el2);
	isb();
}

/* A VHE host's user space: debug exceptions of EL0 go to EL2 by TGE. */
static void own_el0(void)
{
	struct vcpu v = { .pc = (u64)user_svc_loop, .pstate = L2_EL0 | PSR_SS };

	write_sysreg(MDSCR_SS, mdscr_el1);
	for (unsigned int i = 0; i < 2; i++) {
		l2_enter(&v, HCR_TGE);
		l2_print_exit("step of EL2's own EL0", &v);
		printf("  at +%lx\n", v.pc - (u64)user_svc_loop);
		v.pstate |= PSR_SS;
	}
	write_sysreg(0, mdscr_el1);
}

static bool stop_stepping(struct vcpu *c)
{
	printf("exception class %lx\n", ESR_EC(c->esr));
	write_sysreg(0, mdscr_el1);
	isb();
	return true;
}

/* EL2 itself, PSTATE.D clear: debug exceptions that belong to EL1 are disabled. */
static void own_el2(void)
{
	printf("EL2 does not step itself:\n");
	exc_set_hook(stop_stepping);
	write_sysreg(MDSCR_SS | MDSCR_KDE, mdscr_el1);
	isb();
	asm volatile("msr daifclr, #8\n isb\n nop\n msr daifset, #8" : : : "memory");
	write_sysreg(0, mdscr_el1);
	isb();
	exc_set_hook(NULL);
}

void guest_main(void)
{
	mmu_init_el2();
	l2_init();
	write_sysreg(0, oslar_el1);
	isb();
	to_el2();
	to_el1();
	shared();
	own_el2();
	if (vhe_mode)
		own_el0();
}
