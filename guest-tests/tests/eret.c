// SPDX-License-Identifier: GPL-2.0-only
/*
 * ERET from EL2: to every legal mode, with every PSTATE bit, and the illegal returns (PSTATE.IL set,
 * level unchanged, execution at ELR stopped by the Illegal Execution state exception). MMU on. At last every
 * value of SPSR_EL2.M with every other bit of it: a line for each. append show=1: for each bit, too.
 */
#include "l2.h"

/* Read at the level returned to; asm because nothing else may run between. */
struct state {
	u64 currentel, spsel, daif, nzcv;
};

/*
 * ERET with spsr to "1:" at EL2, where PSTATE is read; SP is the same memory for EL2t, so that the
 * compiler's view of it holds.
 */
static struct exc eret_quietly(u64 spsr, struct state *s)
{
	u64 el, sel, daif, nzcv;

	exc_arm(0);
	asm volatile("adr x9, 1f\n"
		     "msr elr_el2, x9\n"
		     "msr spsr_el2, %4\n"
		     "mov x9, sp\n"
		     "msr sp_el0, x9\n"
		     "eret\n"
		     "mov x9, #0\n"
		     "1: nop\n"			/* an illegal return is caught here */
		     "mrs %0, CurrentEL\n"
		     "mrs %1, SPSel\n"
		     "mrs %2, DAIF\n"
		     "mrs %3, NZCV\n"
		     "msr spsel, #1\n"
		     "msr daifset, #0xf"
		     : "=&r"(el), "=&r"(sel), "=&r"(daif), "=&r"(nzcv)
		     : "r"(spsr)
		     : "x9", "memory", "cc");
	*s = (struct state){ .currentel = el >> 2, .spsel = sel, .daif = daif, .nzcv = nzcv };
	return exc_take();
}

static void eret_el2(const char *name, u64 spsr)
{
	struct state s;
	struct exc e = eret_quietly(spsr, &s);

	printf("eret %s spsr %lx: EL%lu spsel %lu daif %lx nzcv %lx\n", name, spsr, s.currentel,
	       s.spsel, s.daif, s.nzcv);
	if (e.count) {
		exc_show("  exception", e);
		printf("  all of its spsr: %lx\n", e.pstate);
	}
}

static void legal(void)
{
	eret_el2("EL2h", PSR_EL2h | PSR_DAIF);
	eret_el2("EL2t", PSR_EL2t | PSR_DAIF);
	eret_el2("EL2h nzcv", 0xfUL << 28 | PSR_EL2h | PSR_DAIF);
	eret_el2("EL2h nz", 0xcUL << 28 | PSR_EL2h | PSR_DAIF);
	eret_el2("EL2h D", PSR_EL2h | PSR_D);
	eret_el2("EL2h A", PSR_EL2h | PSR_A);
	eret_el2("EL2h F", PSR_EL2h | PSR_F);
	eret_el2("EL2h IL", PSR_EL2h | PSR_DAIF | PSR_IL);
	eret_el2("EL2t IL", PSR_EL2t | PSR_DAIF | PSR_IL);
}

static void illegal(void)
{
	static const struct {
		const char *name;
		u64 m;
	} rows[] = {
		{ "EL3h", 0xd }, { "EL3t", 0xc }, { "EL0 M[0]", 0x1 }, { "EL0 M[1]", 0x2 },
		{ "M 3", 0x3 }, { "EL1 M[1]", 0x6 }, { "M 7", 0x7 }, { "EL2 M[1]", 0xa },
		{ "M b", 0xb }, { "M f", 0xf }, { "A32 svc, EL1 is A64", 0x13 },
		{ "A32 hyp", 0x1a }, { "A32 mon", 0x16 }, { "A32 reserved", 0x14 },
		{ "A32 sys", 0x1f }, { "A32 abt", 0x17 },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		eret_el2(rows[i].name, rows[i].m | PSR_DAIF);
		eret_el2(rows[i].name, rows[i].m | PSR_D | 0x5UL << 28);
	}
}

/* Under TGE there is no EL1 to return to. */
static void tge(void)
{
	u64 hcr = read_sysreg(hcr_el2);

	write_sysreg(hcr | HCR_TGE, hcr_el2);
	isb();
	eret_el2("EL1h under TGE", PSR_EL1h | PSR_DAIF);
	eret_el2("EL1t under TGE", PSR_EL1t | PSR_DAIF);
	eret_el2("EL2h under TGE", PSR_EL2h | PSR_DAIF);
	write_sysreg(hcr, hcr_el2);
	isb();
}

L2_ASM(read_el, "mrs x0, CurrentEL\n mrs x1, SPSel\n orr x0, x0, x1")
L2_ASM(read_daif, "mrs x0, DAIF")
L2_ASM(read_nzcv, "mrs x0, NZCV")
L2_ASM(read_pan, "mrs x0, S3_0_C4_C2_3")
L2_ASM(read_uao, "mrs x0, S3_0_C4_C2_4")
L2_ASM(read_dit, "mrs x0, S3_3_C4_C2_5")
L2_ASM(read_ssbs, "mrs x0, S3_3_C4_C2_6")
L2_ASM(set_all, "mov x0, #0xf0000000\n msr NZCV, x0\n msr daifclr, #0xf\n hvc #1\n mrs x0, NZCV")
L2_ASM(nothing, "nop")

static void show_l2(const char *name, l2_fn fn, u64 pstate)
{
	struct vcpu v = l2_first_exit(fn, 0, 0, pstate, 0);

	if (l2_done(&v))
		printf("%s: %lx\n", name, v.x[0]);
	else
		l2_print_exit(name, &v);
}

static void lower(void)
{
	struct vcpu v;

	show_l2("EL1h", read_el, PSR_EL1h | PSR_DAIF);
	show_l2("EL1t", read_el, PSR_EL1t | PSR_DAIF);
	show_l2("EL0t, EL1 register", read_el, PSR_EL0t | PSR_DAIF);
	show_l2("EL1h daif", read_daif, PSR_EL1h | PSR_A | PSR_F);
	show_l2("EL1h daif", read_daif, PSR_EL1h | PSR_D | PSR_I);
	show_l2("EL1h nzcv", read_nzcv, PSR_EL1h | 0x9UL << 28);
	show_l2("EL0t nzcv", read_nzcv, PSR_EL0t | 0x6UL << 28);
	show_l2("EL1h pan", read_pan, PSR_EL1h | PSR_PAN);
	show_l2("EL1h no pan", read_pan, PSR_EL1h);
	show_l2("EL1h uao", read_uao, PSR_EL1h | BIT(23));
	show_l2("EL1h dit", read_dit, PSR_EL1h | BIT(24));
	show_l2("EL1h ssbs", read_ssbs, PSR_EL1h | BIT(12));
	show_l2("EL1h IL", nothing, PSR_EL1h | PSR_DAIF | PSR_IL);
	show_l2("EL0t IL", nothing, PSR_EL0t | PSR_DAIF | PSR_IL);

	v = l2_first_exit(set_all, 0, 0, PSR_EL1h | PSR_DAIF, 0);
	l2_print_exit("PSTATE of L2", &v);
	printf("nzcv in its spsr: %lx\n", FIELD(v.pstate, 31, 28));
	v.pstate &= ~BIT(30);
	l2_enter(&v, 0);
	printf("and changed by EL2: %lx\n", v.x[0]);
}

/* EL0 of EL2&0: there and back, SPSR keeps what EL0 had. */
static void user(void)
{
	u64 hcr = read_sysreg(hcr_el2);
	struct vcpu v = { .pc = (u64)user_svc_loop, .pstate = PSR_EL0t | PSR_DAIF | 0xaUL << 28 };

	if (!vhe_mode)
		return;
	write_sysreg(hcr | HCR_TGE, hcr_el2);
	isb();
	for (unsigned int i = 0; i < 2; i++) {
		v.x[5] = i;
		guest_enter(&v);
		printf("user: ");
		print_syndrome(v.vec, v.esr, v.far);
		printf(" spsr %lx x5 %lu pc +%lx\n", v.pstate, v.x[5], v.pc - (u64)user_svc_loop);
	}
	v.pstate |= PSR_IL;
	guest_enter(&v);
	printf("user with IL: ");
	print_syndrome(v.vec, v.esr, v.far);
	printf(" spsr %lx\n", v.pstate);
	write_sysreg(hcr, hcr_el2);
	isb();
}

/* --- every PSTATE --- */

static u64 sum;
static bool show;

static void saw(u64 v)
{
	if (show)
		printf(" %lx", v);
	sum = (sum ^ v) * 0x9e3779b97f4a7c15UL;
	sum ^= sum >> 29;
}

/*
 * What of an SPSR is compared: not the bits that only a feature gives a meaning that a hypervisor may not offer, or
 * none at all: ALLINT (13), BTYPE, TCO (25), what is above 31.
 */
#define SPSR_KNOWN (MASK(31, 26) | MASK(24, 20) | BIT(12) | MASK(9, 6) | MASK(4, 0))

/*
 * Of an illegal return less: it leaves SSBS, UAO and DIT UNKNOWN, and takes PAN from the SPSR, which QEMU does not
 * (SetPSTATEFromPSR()).
 */
#define SPSR_ILLEGAL (MASK(31, 26) | MASK(21, 20) | MASK(9, 6) | MASK(4, 0))

/* SVC of A32 and of T32, whichever it is. */
static const u32 svc32[] __attribute__((aligned(8))) = { 0xef00df00, 0xef00df00 };

static void to_el2(u64 spsr)
{
	struct state s;
	struct exc e = eret_quietly(spsr, &s);

	saw(s.currentel << 60 | s.spsel << 56 | s.daif | s.nzcv);
	saw(e.count);
	if (e.count) {
		saw(e.vec);
		saw(e.esr);
		saw(e.pstate & SPSR_ILLEGAL);
	}
	/* nothing of it is left */
	eret_quietly(PSR_EL2h | PSR_DAIF, &s);
}

static void to_lower(u64 spsr)
{
	bool a32 = spsr & BIT(4);
	struct vcpu v;

	l2_prepare(&v, a32 ? (l2_fn)svc32 : nothing, 0, 0, spsr);
	l2_enter(&v, 0);
	saw(v.vec);
	saw(v.esr);
	saw(v.pc);
	saw(v.pstate & SPSR_KNOWN);
	if (!l2_done(&v) && l2_at_el1_vector(&v, &(u64){ 0 })) {
		saw(guest_read(ESR));
		saw(guest_read(ELR));
		saw(guest_read(SPSR) & SPSR_KNOWN);
	}
}

static void every(void)
{
	static const u64 some[] = { 0, ~PSR_SS, MASK(31, 28) | PSR_DAIF };
	bool has_a32 = FIELD(read_sysreg(id_aa64pfr0_el1), 3, 0) == 2;

	for (u64 m = 0; m < 32; m++) {
		bool lower_el = m == PSR_EL0t || m == PSR_EL1t || m == PSR_EL1h ||
				(m == 0x10 && has_a32);

		sum = 0;
		for (unsigned int i = 0; i < 64 + ARRAY_SIZE(some); i++) {
			u64 spsr = i < 64 ? BIT(i) : some[i - 64];

			spsr = (spsr & ~PSR_M) | m;
			if (show)
				printf("%lx:", spsr);
			if (lower_el)
				to_lower(spsr);
			else
				to_el2(spsr);
			if (show)
				printf("\n");
		}
		printf("M %lx and every other bit: %lx\n", m, sum);
	}
}

void guest_main(void)
{
	show = arg_is("show", "1");
	mmu_init_el2();
	legal();
	illegal();
	tge();
	l2_init();
	lower();
	user();
	every();
}
