// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random code at EL1 and EL0 under random EL1 registers, traps, list registers and debug registers, cut
 * short by EL2's timer. Nothing of it is compared but that it ends: neither a hypervisor below nor a
 * timer of this one may be lost. append seed=N n=ROUNDS.
 *
 * What L2 could stop this program with is kept from it: SMC traps, devices are read-only.
 */
#include "gic.h"
#include "l2.h"

#define CODE_WORDS	24
#define MDCR_TRAPS	0xfe0UL
#define MDSCR_BITS	(BIT(0) | BIT(12) | BIT(15))
#define ICH(crm, op2)	S3_4_C12_C##crm##_##op2

/* Four pages: VNCR_EL2 points at any of them, and what L2 then does to its registers is written there. */
#define CODE_PAGES	4
static u32 code[CODE_PAGES * 1024] __attribute__((aligned(4096)));
static bool has_fgt, has_nv2;

/* No bit, one, a few, or many. */
static u64 some(void)
{
	switch (rnd() & 3) {
	case 0:
		return 0;
	case 1:
		return 1UL << (rnd() & 63);
	case 2:
		return rnd() & rnd() & rnd();
	default:
		return rnd();
	}
}

static u64 near_code_or_some(void)
{
	return rnd() & 1 ? (u64)code + (rnd() & 0x7c) : some();
}

static u32 instruction(void)
{
	u32 r = (u32)rnd();

	switch (rnd() % 12) {
	case 0 ... 3:
		return 0xd5100000u | (r & 0x2fffffu);	/* MSR, MRS */
	case 4 ... 5:
		return 0xd5080000u | (r & 0x27ffffu);	/* SYS, SYSL */
	case 6:
		return 0xd4000002u | (r & 0x1fffe0u);	/* HVC */
	case 7:
		return 0xd4000001u | (r & 0x1fffe0u);	/* SVC */
	case 8:
		return 0xd69f03e0u;			/* ERET */
	case 9:
		return 0xd503201fu | (r & 0xfe0u);	/* hints */
	case 10:
		return 0xf9400000u | (r & 0x3fffffu);	/* LDR */
	default:
		return 0xf9000000u | (r & 0x3fffffu);	/* STR */
	}
}

static void new_code(void)
{
	for (unsigned int i = 0; i < CODE_WORDS; i++)
		code[i] = instruction();
	code[CODE_WORDS] = 0xd503207f;			/* wfi */
	code[CODE_WORDS + 1] = 0x17ffffff;		/* and again */
	asm volatile("dsb ish\n ic ialluis\n dsb ish\n isb" : : : "memory");
}

static void el1_registers(void)
{
	guest_write(rnd() & 3 ? SCTLR_EL1_RES1 : some(), SCTLR);
	guest_write(some(), TCR);
	guest_write(near_code_or_some(), TTBR0);
	guest_write(some(), TTBR1);
	guest_write(some(), MAIR);
	guest_write(near_code_or_some(), VBAR);
	guest_write(some(), CPACR);
	guest_write(near_code_or_some(), ELR);
	guest_write(some(), SPSR);
	guest_write(some(), CNTKCTL);
}

static void el2_registers(u64 mdcr)
{
	write_sysreg(some(), cntvoff_el2);
	write_sysreg(vhe_mode ? some() & 0xc00 : some() & 3, cnthctl_el2);
	write_sysreg(some(), hstr_el2);
	write_sysreg(some(), vpidr_el2);
	write_sysreg(some(), vmpidr_el2);
	write_sysreg(mdcr | (some() & MDCR_TRAPS), mdcr_el2);
	write_sysreg(vhe_mode ? some() & 0xf0300000 : some(), cptr_el2);
	if (!(rnd() & 3))
		write_sysreg(some(), vtcr_el2);
	if (!(rnd() & 3))
		write_sysreg(rnd() & 1 ? some() : (u64)l2_s2.root ^ rnd() << 48, vttbr_el2);
	if (has_fgt) {
		write_sysreg(some(), S3_4_C1_C1_4);	/* HFGRTR_EL2, HFGWTR_EL2, HFGITR_EL2 */
		write_sysreg(some(), S3_4_C1_C1_5);
		write_sysreg(some(), S3_4_C1_C1_6);
		write_sysreg(some(), S3_4_C3_C1_4);	/* HDFGRTR_EL2, HDFGWTR_EL2 */
		write_sysreg(some(), S3_4_C3_C1_5);
	}
	if (has_nv2)
		write_sysreg(rnd() & 1 ? (u64)code + 4096 * (rnd() % CODE_PAGES) : some(),
			     S3_4_C2_C2_0);
}

static void gic_and_debug_registers(void)
{
	write_sysreg(some(), ICH(11, 0));		/* ICH_HCR_EL2, ICH_VMCR_EL2 */
	write_sysreg(some(), ICH(11, 7));
	write_sysreg(some(), ICH(12, 0));		/* ICH_LR<n>_EL2 */
	write_sysreg(some(), ICH(12, 1));
	write_sysreg(some(), ICH(12, 2));
	write_sysreg(some(), ICH(12, 3));
	write_sysreg(some(), ICH(9, 0));		/* ICH_AP1R0_EL2, ICH_AP0R0_EL2 */
	write_sysreg(some(), ICH(8, 0));
	write_sysreg(some(), dbgbvr0_el1);
	write_sysreg(some(), dbgbcr0_el1);
	write_sysreg(some(), dbgwvr0_el1);
	write_sysreg(some(), dbgwcr0_el1);
	write_sysreg(some() & MDSCR_BITS, mdscr_el1);
}

static void quiet(u64 mdcr)
{
	write_sysreg(0, cnthp_ctl_el2);
	write_sysreg(0, ICH(11, 0));
	write_sysreg(0, dbgbcr0_el1);
	write_sysreg(0, dbgwcr0_el1);
	write_sysreg(0, mdscr_el1);
	write_sysreg(mdcr, mdcr_el2);
	l2_set_stage2(&l2_s2, 1);
}

static void start_timer(void)
{
	write_sysreg(read_sysreg(cntfrq_el0) / 5000, cnthp_tval_el2);
	write_sysreg(1, cnthp_ctl_el2);
	isb();
}

/* Interrupts of EL2: true if it was the timer's. */
static bool end_interrupt(void)
{
	unsigned int intid = gic_ack();

	if (intid == PPI_CNTHP) {
		write_sysreg(0, cnthp_ctl_el2);
		isb();
	}
	if (intid < INTID_SPURIOUS)
		gic_eoi(intid);
	return intid == PPI_CNTHP;
}

static void run(struct vcpu *v, u64 extra_hcr)
{
	for (unsigned int n = 0; n < 6; n++) {
		start_timer();
		l2_enter(v, extra_hcr);
		if ((v->vec & 3) == KIND_IRQ && end_interrupt())
			return;
		l2_skip(v);
		if (rnd() & 1)
			v->pc = (u64)code + (rnd() & 0x3c);
	}
}

/* Maintenance of whatever, and translations that may well be external aborts. */
static void el2_instructions(void)
{
	if (!(rnd() & 15))
		asm volatile("tlbi alle1is\n dsb ish\n isb" : : : "memory");
	if (!(rnd() & 15))
		asm volatile("tlbi ipas2e1is, %0\n dsb ish\n tlbi vmalls12e1is\n dsb ish\n isb"
			     : : "r"(some()) : "memory");
	exc_arm(0);
	asm volatile("at s12e1r, %0\n at s1e2w, %0\n at s1e0r, %0\n isb"
		     : : "r"(some()) : "memory");
	exc_take();
}

static void one(void)
{
	static const u64 bases[] = {
		GICD_BASE, GICR_BASE, 0x09000000, 0x40000000, 0x4c000000, 0x4ffffff8, ~7UL, 0,
	};
	u64 pstate = PSR_EL1h | (rnd() & (PSR_DAIF | PSR_SS | PSR_PAN | PSR_IL));
	u64 hcr = HCR_TSC | (some() & ~(HCR_E2H | HCR_TGE)), mdcr = read_sysreg(mdcr_el2);
	struct vcpu v;

	if (!(rnd() & 3))
		pstate &= ~PSR_M;			/* EL0 */
	else if (!(rnd() & 3))
		pstate ^= PSR_EL1h ^ PSR_EL1t;
	if (!vhe_mode && (pstate & PSR_M) == PSR_EL0t && rnd() & 1)
		hcr |= HCR_TGE;
	new_code();
	l2_prepare(&v, (l2_fn)code, 0, 0, pstate);
	for (unsigned int i = 0; i < ARRAY_SIZE(v.x); i++)
		v.x[i] = rnd() & 1 ? bases[rnd() & 7] + (rnd() & 1 ? rnd() & 0xfff8 : 0) : some();
	el1_registers();
	el2_registers(mdcr);
	gic_and_debug_registers();
	run(&v, hcr);
	quiet(mdcr);
	el2_instructions();
}

void guest_main(void)
{
	u64 rounds = arg_u64("n", 1500);

	has_fgt = FIELD(read_sysreg(id_aa64mmfr0_el1), 59, 56);
	has_nv2 = FIELD(read_sysreg(S3_0_C0_C7_2), 27, 24) >= 2;
	rnd_seed = arg_u64("seed", 1) * 0x9e3779b97f4a7c15UL | 1;
	mmu_init_el2();
	l2_init();
	pt_map(&l2_s2, GICD_BASE, GICD_BASE, 0x2000000, S2_R | S2_DEVICE | PTE_AF);
	dsb(sy);
	gic_init();
	gic_enable(PPI_CNTHP);
	write_sysreg(read_sysreg(hcr_el2) | HCR_IMO | HCR_FMO | HCR_AMO, hcr_el2);
	write_sysreg(0, oslar_el1);
	while (rounds--)
		one();
	l2_init();
	check_eq("L2 still works", l2_call((l2_fn)(u64)l2_return_el1, 7, 0), 7);
}
