// SPDX-License-Identifier: GPL-2.0-only
/*
 * Breakpoints and watchpoints where EL2 itself meets them: MDCR_EL2.TDE (or HCR_EL2.TGE) routes them to EL2,
 * MDSCR_EL1.KDE and PSTATE.D let them through, and HMC, SSC and PMC (PAC) say at which ELs each matches; what
 * is written to the registers is what is read, whoever runs with them.
 */
#include "l2.h"

#define MDCR_TDE   BIT(8)
#define MDSCR_SS   BIT(0)
#define MDSCR_KDE  BIT(13)
#define MDSCR_MDE  BIT(15)
/* E, all bytes */
#define BCR	   (1UL | 0xfUL << 5)
/* E, loads and stores, eight bytes */
#define WCR	   (1UL | 3UL << 3 | 0xffUL << 5)
#define BCR_LINK   (1UL << 20)
#define BCR_CTX    (3UL << 20)		/* linked: whoever is linked matches with CONTEXTIDR, too */
#define BCR_CTX1   (7UL << 20)		/* ... CONTEXTIDR_EL1 */
#define BCR_CTX2   (13UL << 20)		/* ... CONTEXTIDR_EL2 */
#define ELS(hmc, ssc, pmc) ((hmc) << 13 | (ssc) << 14 | (pmc) << 1)

/* Those that are not reserved where there is EL2 and neither EL3 nor Secure state. */
static const struct {
	const char *name;
	u64 bits;
} els[] = {
	{ "EL1", ELS(0UL, 0UL, 1UL) },	     { "EL0", ELS(0UL, 0UL, 2UL) },
	{ "EL1, EL0", ELS(0UL, 0UL, 3UL) },  { "EL2, EL1", ELS(1UL, 0UL, 1UL) },
	{ "EL2, EL1, EL0", ELS(1UL, 0UL, 3UL) }, { "EL2", ELS(1UL, 3UL, 0UL) },
};

static u64 word __attribute__((aligned(8)));
static unsigned int hits;

L2_ASM(do_nop, "nop")
L2_ASM(do_set_mdscr, "msr mdscr_el1, x0")
L2_ASM(do_load, "ldr x0, [x0]")

static bool on_debug(struct vcpu *c)
{
	u64 ec = ESR_EC(c->esr);

	hits++;
	if (hits == 1) {
		printf(" hit: %s class %lx iss %lx", vec_name(c->vec), ec, c->esr & 0x1ffffff);
		if (ec == 0x35)
			printf(" far %s", c->far == (u64)&word ? "right" : "wrong");
		if (ec == 0x31)
			printf(" pc %s", c->pc == (u64)do_nop ? "right" : "elsewhere");
	}
	/* It would be taken again: the same instruction, with nothing changed. */
	write_sysreg(0, dbgbcr0_el1);
	write_sysreg(0, dbgwcr0_el1);
	if (ec == 0x33)
		write_sysreg(0, mdscr_el1);
	isb();
	return true;
}

/* MDCR_EL2 last: at the latest there all of it takes effect. */
static void control(u64 mdscr, u64 mdcr)
{
	write_sysreg(mdscr, mdscr_el1);
	isb();
	write_sysreg((read_sysreg(mdcr_el2) & ~MDCR_TDE) | mdcr, mdcr_el2);
	isb();
}

static void run_at_el2(l2_fn fn, bool masked)
{
	l2_fn volatile as_it_stands = fn; /* not a copy of the compiler's */

	hits = 0;
	exc_set_hook(on_debug);
	if (!masked)
		asm volatile("msr daifclr, #8\n isb" : : : "memory");
	as_it_stands((u64)&word, 0);
	asm volatile("msr daifset, #8\n isb" : : : "memory");
	exc_set_hook(NULL);
	printf("%s\n", hits ? "" : " no");
}

static void at_el2(const char *name, l2_fn fn, bool masked)
{
	printf("%s:", name);
	run_at_el2(fn, masked);
}

static void below(const char *name, l2_fn fn, u64 pstate)
{
	struct vcpu v = l2_first_exit(fn, (u64)&word, 0, pstate, 0);

	if (l2_done(&v))
		printf("%s: not hit\n", name);
	else
		l2_print_exit(name, &v);
}

static void set(u64 bcr, u64 wcr)
{
	write_sysreg((u64)do_nop, dbgbvr0_el1);
	write_sysreg((u64)&word, dbgwvr0_el1);
	write_sysreg(bcr, dbgbcr0_el1);
	write_sysreg(wcr, dbgwcr0_el1);
	isb();
}

static void each_el(u64 mdcr)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(els); i++) {
		u64 bits = els[i].bits;

		printf("matches %s\n", els[i].name);
		control(MDSCR_MDE | MDSCR_KDE, mdcr);
		set(BCR | bits, WCR | bits);
		check_eq("DBGBCR0_EL1", read_sysreg(dbgbcr0_el1), BCR | bits);
		check_eq("DBGWCR0_EL1", read_sysreg(dbgwcr0_el1), WCR | bits);
		at_el2("EL2 executes", do_nop, false);
		set(BCR | bits, WCR | bits);
		at_el2("EL2 loads", do_load, false);
		set(BCR | bits, WCR | bits);
		below("EL1 executes", do_nop, L2_EL1);
		below("EL1 loads", do_load, L2_EL1);
		below("EL0 executes", do_nop, L2_EL0);
		below("EL0 loads", do_load, L2_EL0);
		check_eq("DBGBCR0_EL1 after L2", read_sysreg(dbgbcr0_el1), BCR | bits);
		at_el2("EL2 executes", do_nop, false);
	}
}

/* Each of the conditions, one by one. */
static void conditions(void)
{
	u64 bits = ELS(1UL, 3UL, 0UL);

	control(MDSCR_MDE | MDSCR_KDE, MDCR_TDE);
	set(BCR | bits, WCR | bits);
	at_el2("PSTATE.D", do_nop, true);
	control(MDSCR_MDE, MDCR_TDE);
	at_el2("no KDE", do_nop, false);
	control(MDSCR_KDE, MDCR_TDE);
	at_el2("no MDE", do_nop, false);
	control(MDSCR_MDE | MDSCR_KDE, 0);
	at_el2("no TDE", do_nop, false);
	control(MDSCR_MDE | MDSCR_KDE, MDCR_TDE);
	at_el2("all", do_nop, false);
	set(BCR | bits, 0);
	control(0, MDCR_TDE);
	check_eq("DBGBCR0_EL1 without MDE", read_sysreg(dbgbcr0_el1), BCR | bits);
	set(0, WCR | bits);
	control(MDSCR_MDE | MDSCR_KDE, MDCR_TDE);
	at_el2("set before MDE", do_load, false);
}

/* Without TDE MDSCR_EL1 is EL1's, too: nothing that it sets there may act on EL2, from its vector on. */
static void left_by_el1(void)
{
	control(0, 0);
	set(BCR | ELS(1UL, 0UL, 1UL), 0);
	printf("EL1 set MDE and KDE:");
	l2_call(do_set_mdscr, MDSCR_MDE | MDSCR_KDE, 0);
	run_at_el2(do_nop, false);
	control(0, 0);
	printf("EL1 set SS and KDE:");
	l2_call(do_set_mdscr, MDSCR_SS | MDSCR_KDE, 0);
	run_at_el2(do_nop, false);
	control(0, 0);
}

/*
 * The last breakpoint is one of those that know contexts. (At EL2 none matches CONTEXTIDR_EL1; QEMU's does.) Of
 * CONTEXTIDR_EL2 bits 63:32 are compared; QEMU compares the others.
 */
static void linked(const char *name, u64 type)
{
	unsigned int n = (unsigned int)FIELD(read_sysreg(id_aa64dfr0_el1), 15, 12);
	u64 el2 = ELS(1UL, 3UL, 0UL), all = ELS(1UL, 0UL, 3UL);

	printf("%s\n", name);
	control(MDSCR_MDE | MDSCR_KDE, MDCR_TDE);
	check_eq("breakpoints", n, 5);
	write_sysreg(0x7700000077, dbgbvr5_el1);
	write_sysreg(1UL | 0xfUL << 5 | type, dbgbcr5_el1);
	guest_write(0x77, CONTEXTIDR);
	if (vhe_mode)
		write_sysreg(0x88, SYS_CONTEXTIDR_EL2);
	for (unsigned int i = 0; i < 2; i++) {
		isb();
		set(BCR | BCR_LINK | (u64)n << 16 | (i ? el2 : all), 0);
		if (type != BCR_CTX1)
			at_el2("EL2", do_nop, false);
		set(BCR | BCR_LINK | (u64)n << 16 | all, 0);
		below("EL1", do_nop, L2_EL1);
		below("EL0", do_nop, L2_EL0);
		guest_write(0x88, CONTEXTIDR);
		if (vhe_mode)
			write_sysreg(0x77, SYS_CONTEXTIDR_EL2);
	}
	guest_write(0, CONTEXTIDR);
	write_sysreg(0, dbgbcr5_el1);
	set(0, 0);
}

void guest_main(void)
{
	mmu_init_el2();
	l2_init();
	write_sysreg(0, oslar_el1);
	isb();
	printf("TDE\n");
	each_el(MDCR_TDE);
	printf("no TDE\n");
	each_el(0);
	conditions();
	left_by_el1();
	linked("CONTEXTIDR", BCR_CTX);
	linked("CONTEXTIDR_EL1", BCR_CTX1);
	linked("CONTEXTIDR_EL2", BCR_CTX2);
	control(0, 0);
}
