// SPDX-License-Identifier: GPL-2.0-only
/*
 * MDCR_EL2 and HSTR_EL2 traps, debug exceptions of L2: breakpoint instructions routed by TDE,
 * software step and hardware breakpoints that L2 sets up for itself, and that EL2 sets up for L2.
 */
#include "l2.h"

#define MDCR_TDE	BIT(8)
#define MDCR_TDA	BIT(9)
#define MDCR_TDOSA	BIT(10)
#define MDCR_TDRA	BIT(11)
#define MDSCR_SS	BIT(0)
#define MDSCR_KDE	BIT(13)
#define MDSCR_MDE	BIT(15)

L2_ASM(do_mdscr, "mrs x1, mdscr_el1\n msr mdscr_el1, x1")
L2_ASM(do_dbgbvr, "mrs x1, dbgbvr0_el1\n msr dbgbvr0_el1, x1")
L2_ASM(do_dbgwcr, "mrs x1, dbgwcr0_el1\n msr dbgwcr0_el1, x1")
L2_ASM(do_oslar, "msr oslar_el1, xzr")
L2_ASM(do_oslsr, "mrs x1, oslsr_el1")
L2_ASM(do_osdlr, "mrs x1, osdlr_el1\n msr osdlr_el1, x1")
L2_ASM(do_mdrar, "mrs x1, mdrar_el1")
L2_ASM(do_mdccsr, "mrs x1, mdccsr_el0")
L2_ASM(do_brk, "brk #0x61")
L2_ASM(do_nop, "nop")
L2_ASM(do_nops, "nop\n nop\n nop")

static const struct {
	const char *name;
	l2_fn fn;
} rows[] = {
	{ "mdscr", do_mdscr }, { "dbgbvr", do_dbgbvr }, { "dbgwcr", do_dbgwcr },
	{ "oslar", do_oslar }, { "oslsr", do_oslsr }, { "osdlr", do_osdlr },
	{ "mdrar", do_mdrar }, { "mdccsr", do_mdccsr }, { "brk", do_brk },
};

static void traps(const char *name, u64 bits)
{
	u64 old = read_sysreg(mdcr_el2);

	printf("MDCR %s\n", name);
	write_sysreg(old | bits, mdcr_el2);
	isb();
	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++)
		l2_trace(rows[i].name, rows[i].fn, 0, 0, L2_EL1, 0);
	l2_trace("brk at EL0", do_brk, 0, 0, L2_EL0, 0);
	write_sysreg(old, mdcr_el2);
	isb();
}

/* Software step of L2 by EL2 (TDE, as a debugger's stub does) or by L2's own EL1. */
static void step(const char *name, u64 mdcr, u64 pstate)
{
	u64 old = read_sysreg(mdcr_el2);
	struct vcpu v;

	write_sysreg(old | mdcr, mdcr_el2);
	write_sysreg(MDSCR_SS | MDSCR_KDE, mdscr_el1);
	isb();
	l2_prepare(&v, do_nops, 0, 0, pstate | PSR_SS);
	for (unsigned int i = 0; i < 3; i++) {
		u64 vec;

		l2_enter(&v, 0);
		printf("%s %u: ", name, i);
		if (l2_at_el1_vector(&v, &vec)) {
			printf("EL1 ");
			print_syndrome(vec, guest_read(ESR), 0);
			printf(" pc +%lx\n", guest_read(ELR) - (u64)do_nops);
			break;
		}
		print_syndrome(v.vec, v.esr, 0);
		printf(" pc +%lx ss %lu\n", v.pc - (u64)do_nops, FIELD(v.pstate, 21, 21));
		v.pstate |= PSR_SS;
	}
	write_sysreg(0, mdscr_el1);
	write_sysreg(old, mdcr_el2);
	isb();
}

static void breakpoint(const char *name, u64 mdcr, u64 pstate)
{
	u64 old = read_sysreg(mdcr_el2);
	struct vcpu v;

	write_sysreg(old | mdcr, mdcr_el2);
	write_sysreg((u64)do_nop, dbgbvr0_el1);
	/* enabled, EL1 and EL0, all four bytes */
	write_sysreg(0xfUL << 5 | 3UL << 1 | 1, dbgbcr0_el1);
	write_sysreg(MDSCR_MDE | MDSCR_KDE, mdscr_el1);
	isb();
	v = l2_first_exit(do_nop, 0, 0, pstate, 0);
	if (l2_done(&v))
		printf("%s: not hit\n", name);
	else
		l2_print_exit(name, &v);
	write_sysreg(0, dbgbcr0_el1);
	write_sysreg(0, mdscr_el1);
	write_sysreg(old, mdcr_el2);
	isb();
}

static void hstr(void)
{
	write_sysreg(0xffff, hstr_el2);
	isb();
	l2_trace("HSTR set, AArch64", do_mdscr, 0, 0, L2_EL1, 0);
	write_sysreg(0, hstr_el2);
	isb();
}

void guest_main(void)
{
	mmu_init_el2();
	l2_init();
	write_sysreg(0, oslar_el1);
	isb();
	traps("none", 0);
	traps("TDE", MDCR_TDE | MDCR_TDA | MDCR_TDOSA | MDCR_TDRA);
	traps("TDA", MDCR_TDA);
	traps("TDOSA", MDCR_TDOSA);
	traps("TDRA", MDCR_TDRA);
	step("step by EL2", MDCR_TDE, PSR_EL1h | PSR_I | PSR_F | PSR_A | PSR_D);
	step("step by EL1 of EL0", 0, PSR_EL0t);
	step("step by EL1 of EL1", 0, PSR_EL1h | PSR_I | PSR_F | PSR_A);
	breakpoint("breakpoint by EL2", MDCR_TDE, L2_EL1);
	breakpoint("breakpoint by EL1", 0, PSR_EL1h | PSR_I | PSR_F | PSR_A);
	breakpoint("breakpoint of EL0", 0, PSR_EL0t);
	hstr();
}
