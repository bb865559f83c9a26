// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fine-grained traps, one bit at a time: HFGRTR, HFGWTR, HFGITR, HDFGRTR, HDFGWTR. Each row runs in
 * L2 with its bit clear (no exit) and set (a trap with the right syndrome, and only that access).
 */
#include "l2.h"

#define SYS_HFGRTR	S3_4_C1_C1_4
#define SYS_HFGWTR	S3_4_C1_C1_5
#define SYS_HFGITR	S3_4_C1_C1_6
#define SYS_HDFGRTR	S3_4_C3_C1_4
#define SYS_HDFGWTR	S3_4_C3_C1_5

#define RO(reg)	"mrs x1, " #reg
#define RW(reg)	"mrs x1, " #reg "\n msr " #reg ", x1"

/* Registers that can be read and written back: R(bit, name, instructions) */
#define RW_ROWS(R)								\
	R(0, afsr0, RW(afsr0_el1)) R(1, afsr1, RW(afsr1_el1))			\
	R(3, amair, RW(amair_el1)) R(11, contextidr, RW(contextidr_el1))	\
	R(12, cpacr, RW(cpacr_el1)) R(13, csselr, RW(csselr_el1))		\
	R(16, esr, RW(esr_el1)) R(17, far, RW(far_el1))				\
	R(24, mair, RW(mair_el1)) R(27, par, RW(par_el1))			\
	R(29, sctlr, RW(sctlr_el1)) R(32, tcr, RW(tcr_el1))			\
	R(33, tpidr, RW(tpidr_el1)) R(34, tpidrro, RW(tpidrro_el0))		\
	R(35, tpidr0, RW(tpidr_el0)) R(36, ttbr0, RW(ttbr0_el1))		\
	R(37, ttbr1, RW(ttbr1_el1)) R(38, vbar, RW(vbar_el1))			\
	R(4, apdakey, RW(S3_0_C2_C2_0)) R(7, apiakey, RW(S3_0_C2_C1_0))

#define RO_ROWS(R)								\
	R(2, aidr, RO(aidr_el1)) R(9, ccsidr, RO(ccsidr_el1))			\
	R(10, clidr, RO(clidr_el1)) R(14, ctr, RO(ctr_el0))			\
	R(15, dczid, RO(dczid_el0)) R(18, isr, RO(isr_el1))			\
	R(25, midr, RO(midr_el1)) R(26, mpidr, RO(mpidr_el1))			\
	R(28, revidr, RO(revidr_el1))

#define IT_ROWS(R)								\
	R(0, icialluis, "ic ialluis") R(1, iciallu, "ic iallu")			\
	R(2, icivau, "ic ivau, x0") R(3, dcivac, "dc ivac, x0")			\
	R(4, dcisw, "dc isw, xzr") R(5, dccsw, "dc csw, xzr")			\
	R(6, dccisw, "dc cisw, xzr") R(7, dccvau, "dc cvau, x0")		\
	R(10, dccivac, "dc civac, x0") R(11, dczva, "dc zva, x0")		\
	R(12, ats1e1r, "at s1e1r, x0") R(13, ats1e1w, "at s1e1w, x0")		\
	R(14, ats1e0r, "at s1e0r, x0") R(15, ats1e0w, "at s1e0w, x0")		\
	R(18, vmalle1os, "sys #0, c8, c1, #0") R(19, vae1os, "sys #0, c8, c1, #1, x1")	\
	R(28, vmalle1is, "tlbi vmalle1is") R(29, vae1is, "tlbi vae1is, x1")	\
	R(30, aside1is, "tlbi aside1is, x1") R(31, vaae1is, "tlbi vaae1is, x1")	\
	R(34, rvae1is, "sys #0, c8, c2, #1, x1") R(38, rvae1, "sys #0, c8, c6, #1, x1")	\
	R(42, vmalle1, "tlbi vmalle1") R(43, vae1, "tlbi vae1, x1")		\
	R(44, aside1, "tlbi aside1, x1") R(45, vaae1, "tlbi vaae1, x1")		\
	R(46, vale1, "tlbi vale1, x1") R(47, vaale1, "tlbi vaale1, x1")		\
	R(54, dccvac, "dc cvac, x0")

#define DEBUG_ROWS(R)								\
	R(0, dbgbcr, RW(dbgbcr0_el1)) R(1, dbgbvr, RW(dbgbvr0_el1))		\
	R(2, dbgwcr, RW(dbgwcr0_el1)) R(3, dbgwvr, RW(dbgwvr0_el1))		\
	R(4, mdscr, RW(mdscr_el1)) R(9, oslsr, RO(oslsr_el1))			\
	R(11, osdlr, RW(osdlr_el1))

#define DEFINE(bit, name, insns) L2_ASM(do_##name, insns)
RW_ROWS(DEFINE)
RO_ROWS(DEFINE)
IT_ROWS(DEFINE)
DEBUG_ROWS(DEFINE)
L2_ASM(do_svc, "svc #5")
L2_ASM(do_eret, "adr x1, 1f\n msr elr_el1, x1\n mov x1, #0x3c5\n msr spsr_el1, x1\n eret\n 1: nop")

struct row {
	unsigned int bit;
	const char *name;
	l2_fn fn;
};

#define ROW(b, n, insns) { b, #n, do_##n },
static const struct row rw_rows[] = { RW_ROWS(ROW) };
static const struct row ro_rows[] = { RO_ROWS(ROW) };
static const struct row it_rows[] = { IT_ROWS(ROW) };
static const struct row debug_rows[] = { DEBUG_ROWS(ROW) };

enum which { HFGRTR, HFGWTR, HFGITR, HDFGRTR, HDFGWTR };

static void set_fgt(enum which w, u64 v)
{
	switch (w) {
	case HFGRTR:
		write_sysreg(v, SYS_HFGRTR);
		break;
	case HFGWTR:
		write_sysreg(v, SYS_HFGWTR);
		break;
	case HFGITR:
		write_sysreg(v, SYS_HFGITR);
		break;
	case HDFGRTR:
		write_sysreg(v, SYS_HDFGRTR);
		break;
	case HDFGWTR:
		write_sysreg(v, SYS_HDFGWTR);
	}
	isb();
}

static u8 buffer[SZ_4K] __attribute__((aligned(4096)));

static void run(const char *what, enum which w, const struct row *r, unsigned int n)
{
	for (; n; n--, r++) {
		printf("%s bit %u\n", what, r->bit);
		l2_trace(r->name, r->fn, (u64)buffer, 0, L2_EL1, 0);
		set_fgt(w, BIT(r->bit));
		l2_trace(r->name, r->fn, (u64)buffer, 0, L2_EL1, 0);
		set_fgt(w, 0);
	}
	/* a row whose read was trapped and skipped has written what x1 held */
	l2_reset_el1();
}

static void calls(void)
{
	struct vcpu v;

	set_fgt(HFGITR, BIT(52));
	v = l2_first_exit(do_svc, 0, 0, L2_EL0, 0);
	l2_print_exit("svc of EL0 trapped", &v);
	v = l2_first_exit(do_svc, 0, 0, L2_EL1, 0);
	l2_print_exit("svc of EL1 not", &v);
	set_fgt(HFGITR, BIT(53));
	v = l2_first_exit(do_svc, 0, 0, L2_EL1, 0);
	l2_print_exit("svc of EL1 trapped", &v);
	set_fgt(HFGITR, BIT(51));
	l2_trace("eret trapped", do_eret, 0, 0, L2_EL1, 0);
	set_fgt(HFGITR, 0);
	l2_trace("eret not trapped", do_eret, 0, 0, L2_EL1, 0);
}

/* The bits mean nothing for EL2 itself. */
static void not_el2(void)
{
	set_fgt(HFGRTR, ~0UL & ~MASK(63, 50));
	exc_arm(0);
	asm volatile("mrs x9, tpidr_el1\n mrs x9, midr_el1\n mrs x9, par_el1" : : : "x9", "memory");
	exc_show("EL2 with all read traps", exc_take());
	set_fgt(HFGRTR, 0);
}

void guest_main(void)
{
	if (!FIELD(read_sysreg(id_aa64mmfr0_el1), 59, 56)) {
		printf("no FEAT_FGT\n");
		return;
	}
	mmu_init_el2();
	l2_init();
	for (unsigned int w = HFGRTR; w <= HDFGWTR; w++)
		set_fgt(w, 0);
	run("HFGRTR", HFGRTR, rw_rows, ARRAY_SIZE(rw_rows));
	run("HFGWTR", HFGWTR, rw_rows, ARRAY_SIZE(rw_rows));
	run("HFGRTR", HFGRTR, ro_rows, ARRAY_SIZE(ro_rows));
	run("HFGITR", HFGITR, it_rows, ARRAY_SIZE(it_rows));
	run("HDFGRTR", HDFGRTR, debug_rows, ARRAY_SIZE(debug_rows));
	run("HDFGWTR", HDFGWTR, debug_rows, ARRAY_SIZE(debug_rows));
	calls();
	not_el2();
}
