// SPDX-License-Identifier: GPL-2.0-only
/*
 * A CPU's EL2 registers, for both kinds of host. EL2, MMU off, interrupts masked.
 */
#include <insn.h>
#include <kvm_hyp.h>
#include <pauth.h>
#include <protect.h>
#include <stacks.h>

u64 boot_fdt;
unsigned long hyp_caps;
u64 hyp_pgd;
u64 host_vttbr;
unsigned int host_at_el1;
u64 hyp_pmu __host_ro;

DEFINE_PER_CPU_HOST_RO(unsigned int, cpu_number);
DEFINE_PER_CPU(u64, cpu_mpidr);
DEFINE_PER_CPU(u64, host_hvcs);
DEFINE_PER_CPU(struct kvm_cpu_context, kvm_host_cpu_state);
DEFINE_PER_CPU(struct hyp_stack, hyp_stack) __aligned(GUARD_SIZE);
DEFINE_PER_CPU_HOST(struct hyp_stack, host_stack) __aligned(GUARD_SIZE);
DEFINE_PER_CPU(struct panic_stack, panic_stack) __aligned(GUARD_SIZE);

extern char hyp_vectors[], host_vectors[];

/* TCR fields that the EL1 format (EL1&0, EL2&0) and the EL2 one share. */
#define TCR_SHARED	((64 - HYP_VA_BITS) | (1 << 8) | (1 << 10) | (3 << 12))
#define TCR_EL1_FMT	(TCR_SHARED | BIT(23) | (2ULL << 32))	/* EPD1, IPS 40 bits */
#define TCR_EL2_FMT	(TCR_SHARED | BIT(23) | BIT(31) | (2ULL << 16))	/* RES1, PS 40 bits */

#define SCTLR_ON	(BIT(0) | BIT(2) | BIT(12) | BIT(19))	/* M, C, I, WXN */
#define SCTLR_EL2_SANE	0x30c50830ULL				/* RES1 of the E2H=0 format */
#define SCTLR_EL1_SANE	0x30d00980ULL				/* RES1 of the EL1 format */

void hyp_patch(void)
{
	host_at_el1 = !(hyp_caps & BIT(CAP_VHE));
	apply_alternatives(hyp_caps);
}

/* The nVHE host's EL1: the same identity map, @sctlr's bits besides, and vectors that only report. */
static void init_host_el1(u64 sctlr)
{
	struct hyp_stack *stack = __hyp_this_cpu_ptr(host_stack);

	write_sysreg(HYP_MAIR, MAIR_EL1);
	write_sysreg(TCR_EL1_FMT, TCR_EL1);
	write_sysreg(hyp_pgd, TTBR0_EL1);
	write_sysreg(0, TTBR1_EL1);
	write_sysreg(SCTLR_EL1_SANE | SCTLR_ON | sctlr, SCTLR_EL1);
	write_sysreg(3UL << 20, CPACR_EL1);
	write_sysreg((u64)host_vectors, VBAR_EL1);
	write_sysreg(read_sysreg(TPIDR_EL2), TPIDR_EL1);
	write_sysreg((u64)(stack + 1), SP_EL1);
}

/* INST_RETIRED exists under icount only. */
static bool has_inst_retired(void)
{
	u64 ver = (read_sysreg(ID_AA64DFR0_EL1) >> 8) & 0xf;

	return ver && ver != 0xf && (read_sysreg(PMCEID0_EL0) & BIT(8));
}

/* insn.h says what the two counters count. */
static void init_pmu(void)
{
	/* P, U: not EL1, not EL0; NSH: EL2. */
	write_sysreg(BIT(31) | BIT(30) | BIT(27) | 8, PMEVTYPER0_EL0);
	write_sysreg(BIT(30) | 8, PMEVTYPER1_EL0);
	write_sysreg(0, PMEVCNTR0_EL0);
	write_sysreg(0, PMEVCNTR1_EL0);
	write_sysreg(1, PMCNTENSET_EL0);
	write_sysreg(read_sysreg(PMCR_EL0) | 1, PMCR_EL0);
	insn_host_runs(true);
}

/* MDCR_EL2.HPMN that leaves all counters to PMCR_EL0.E: as many as there are, if there is a PMU. */
static u64 pmu_counters(void)
{
	u64 ver = (read_sysreg(ID_AA64DFR0_EL1) >> 8) & 0xf;

	return ver && ver != 0xf ? (read_sysreg(PMCR_EL0) >> 11) & 0x1f : 0;
}

/*
 * Controls of features that few CPUs have and no guest is offered: off, so that what they enable is
 * UNDEFINED below EL2. Their reset values are UNKNOWN.
 */
static void init_optional(void)
{
	if ((read_sysreg_s(SYS_ID_AA64MMFR1_EL1) >> 40) & 0xf)	/* FEAT_HCX */
		write_sysreg_s(0, SYS_HCRX_EL2);
	if (!(read_sysreg(ID_AA64MMFR0_EL1) >> 56 & 0xf))	/* FEAT_FGT */
		return;
	write_sysreg_s(0, SYS_HFGRTR_EL2);
	write_sysreg_s(0, SYS_HFGWTR_EL2);
	write_sysreg_s(0, SYS_HFGITR_EL2);
	write_sysreg_s(0, SYS_HDFGRTR_EL2);
	write_sysreg_s(0, SYS_HDFGWTR_EL2);
}

u64 hyp_cpu_init(unsigned int cpu)
{
	bool vhe = hyp_caps & BIT(CAP_VHE);
	u64 sctlr = L0_PAUTH ? pauth_cpu_init() : 0;

	*__hyp_this_cpu_ptr(cpu_mpidr) = read_sysreg(MPIDR_EL1);
	if (cpu == 0)
		hyp_pmu = has_inst_retired();
	if (hyp_pmu)
		init_pmu();
	write_sysreg(vhe ? HCR_HOST_VHE_FLAGS : HCR_HOST_NVHE_FLAGS, HCR_EL2);
	isb();		/* E2H decides the format of all that follows */
	write_sysreg((u64)hyp_vectors, VBAR_EL2);
	write_sysreg(HYP_MAIR, MAIR_EL2);
	write_sysreg(vhe ? TCR_EL1_FMT : TCR_EL2_FMT, TCR_EL2);
	write_sysreg(hyp_pgd, TTBR0_EL2);
	write_sysreg(vhe ? CPACR_FPEN : CPTR_HOST_NVHE_FLAGS, CPTR_EL2);
	write_sysreg(0, HSTR_EL2);
	/* The syndrome of virtual SErrors. L1 has no FEAT_RAS, so this is IMPLEMENTATION DEFINED: always the same. */
	if (hyp_caps & BIT(CAP_RAS))
		write_sysreg_s(0, SYS_VSESR_EL2);
	init_optional();
	write_sysreg(vhe ? 3UL << 10 : 3UL, CNTHCTL_EL2);
	write_sysreg(0, CNTVOFF_EL2);
	/* Physical GIC through system registers, at EL1 too. */
	write_sysreg(0xf, ICC_SRE_EL2);
	isb();
	write_sysreg(0, ICH_HCR_EL2);	/* ICH_HCR_EL2: no virtual interrupts yet */
	/* Guests reach no debug or PMU register of the hardware; L0 keeps all the counters. */
	write_sysreg(MDCR_GUEST_FLAGS | pmu_counters(), MDCR_EL2);
	write_sysreg(read_sysreg(MIDR_EL1), VPIDR_EL2);
	write_sysreg(read_sysreg(MPIDR_EL1), VMPIDR_EL2);
	if (!vhe)
		init_host_el1(sctlr);
	if (hyp_caps & BIT(CAP_PROTECT))
		hyp_protect_host();
	isb();
	return SCTLR_EL2_SANE | SCTLR_ON | sctlr;
}
