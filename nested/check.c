// SPDX-License-Identifier: GPL-2.0-only
/*
 * Checking build: does a vCPU leave the CPU with all that the CPU had of it, and are its counters right?
 *
 * EL2, interrupts masked. The registers are named here one by one, by their EL1 and EL2 names, and not
 * from the table by which they are saved.
 */
#include <check.h>
#include <gic.h>
#include <kvm_hyp.h>
#include <mmu.h>
#include <nested.h>

static u64 taken[NR_VCPUS];
static enum loaded_bank bank_before[NR_VCPUS];

void check_exit(struct kvm_vcpu *vcpu)
{
	taken[vcpu_number(vcpu)]++;
}

void check_uncounted(struct kvm_vcpu *vcpu)
{
	taken[vcpu_number(vcpu)]--;
}

static void check_counters(const struct kvm_vcpu *vcpu)
{
	const struct vcpu_stats *st = &vcpu->arch.stats;
	const u64 *count = &st->exits[0][0][0];
	u64 exits = 0, sysreg_exits = 0, sysregs = 0;

	for (unsigned int i = 0; i < sizeof(st->exits) / sizeof(*count); i++)
		exits += count[i];
	for (unsigned int l = 0; l < NR_LEVELS; l++) {
		for (unsigned int o = 0; o < NR_OUTCOMES; o++)
			sysreg_exits += st->exits[l][EXIT_SYSREG][o];
	}
	for (unsigned int i = 0; i < NR_SYS_DESCS; i++)
		sysregs += (u64)st->sysregs[i][0] + st->sysregs[i][1];
	CHECK_IS("counters: exits", exits, taken[vcpu_number(vcpu)]);
	/* A register that has no row is an exit all the same. */
	if (sysregs > sysreg_exits)
		check_failed("counters: accesses to registers", sysregs, sysreg_exits);
}

/* Where the hardware's VNCR page must be. */
static u64 vncr_of(const struct kvm_vcpu *vcpu)
{
	if (!vcpu->arch.l1_vncr)
		return (u64)vcpu->arch.ctxt.sys_regs;
	return vcpu->arch.l1_vncr_pa ? vcpu->arch.l1_vncr_pa : HYP_NOWHERE;
}

/* pv: is an nVHE vEL2's stage 1 part of stage 2? */
static bool stage1_off(const struct kvm_vcpu *vcpu, enum loaded_bank bank)
{
	return nested_mech->plain && bank == BANK_VEL2_NVHE &&
	       (__vcpu_sys_reg(vcpu, SCTLR_EL2) & SCTLR_M);
}

void check_loaded(struct kvm_vcpu *vcpu)
{
	enum loaded_bank bank = vcpu->arch.loaded_bank;
	u64 hcr = vcpu->arch.hcr_el2, hw = read_sysreg(HCR_EL2);
	u64 ignored = HCR_TGE | HCR_VSE | HCR_UNDER_TGE;

	/* RES0 on CPUs before ARMv8.1 to v8.4, and written everywhere. */
	ignored |= HCR_TLOR | HCR_TERR | HCR_TEA | HCR_API | HCR_APK | HCR_AT;

	bank_before[vcpu_number(vcpu)] = bank;
	CHECK_IS("vcpu: sysregs_loaded_on_cpu", vcpu->arch.sysregs_loaded_on_cpu,
		 bank != BANK_NONE);
	if (nested_mech->vncr)
		CHECK_IS("vcpu: VNCR_EL2", read_sysreg_s(SYS_VNCR_EL2), vncr_of(vcpu));
	if (bank == BANK_NONE)
		return;
	/* A VHE host runs under TGE; a virtual SError that was taken clears VSE. One bit is a note of ours. */
	CHECK_IS("vcpu: HCR_EL2", hw & ~ignored, hcr & ~ignored);
	CHECK_IS("vcpu: VTTBR_EL2", read_sysreg(VTTBR_EL2), vcpu->arch.hw_mmu->hw_vttbr);
	CHECK_IS("vcpu: VTCR_EL2", read_sysreg(VTCR_EL2), vcpu->arch.hw_mmu->hw_vtcr);
	CHECK_IS("vcpu: bank of VTTBR_EL2",
		 vcpu->arch.hw_mmu == (stage1_off(vcpu, bank) ?
					       &vcpu->kvm->s2.stage1[vcpu->vcpu_id] :
					       (nested_mech->page ?
							&vcpu->kvm->s2.owns->mmu[vcpu->vcpu_id] :
							&vcpu->kvm->s2.canonical)),
		 bank != BANK_VEL1);
	CHECK_IS("vcpu: HCR_EL2.DC at vEL2", bank != BANK_VEL1 && (hcr & HCR_DC),
		 stage1_off(vcpu, bank));
}

/* Registers of the bank that was unloaded: the hardware still has them, memory must. */
#define IS_SAVED(hw, reg) \
	CHECK_IS("vcpu: " #reg " in memory", __vcpu_sys_reg(vcpu, reg), read_sysreg_el1(hw))

#define EACH_OF_BANK(X, el)                                                                   \
	X(SCTLR, SCTLR_##el) X(TTBR0, TTBR0_##el) X(TTBR1, TTBR1_##el) X(TCR, TCR_##el)       \
	X(ELR, ELR_##el) X(ESR, ESR_##el) X(FAR, FAR_##el)                 \
	X(MAIR, MAIR_##el) X(AMAIR, AMAIR_##el) X(AFSR0, AFSR0_##el) X(AFSR1, AFSR1_##el)     \
	X(VBAR, VBAR_##el) X(CONTEXTIDR, CONTEXTIDR_##el)

static void check_vel1(const struct kvm_vcpu *vcpu)
{
#define X(hw, reg) IS_SAVED(hw, reg);
	EACH_OF_BANK(X, EL1)
	X(CPACR, CPACR_EL1) X(SPSR, SPSR_EL1)
#undef X
		CHECK_IS("vcpu: SP_EL1 in memory", __vcpu_sys_reg(vcpu, SP_EL1),
			 read_sysreg(sp_el1));
}

/* SPSR.M stands for the mode that L1 sees where the hardware shows another. */
static void check_spsr(const struct kvm_vcpu *vcpu, u64 ignored)
{
	CHECK_IS("vcpu: SPSR_EL2 in memory", __vcpu_sys_reg(vcpu, SPSR_EL2) & ~ignored,
		 read_sysreg_el1(SPSR) & ~ignored);
}

static void check_vel2_e2h(const struct kvm_vcpu *vcpu)
{
	check_spsr(vcpu, nested_mech->plain ? 0x1f : 0);
#define X(hw, reg) IS_SAVED(hw, reg);
	EACH_OF_BANK(X, EL2)
	X(CPACR, CPTR_EL2)
#undef X
	CHECK_IS("vcpu: SP_EL2 in memory", __vcpu_sys_reg(vcpu, SP_EL2), read_sysreg(sp_el1));
}

/* Of those in another format some fields. */
static void check_vel2_nvhe(const struct kvm_vcpu *vcpu)
{
	u64 tcr = __vcpu_sys_reg(vcpu, TCR_EL2), hw_tcr = read_sysreg_el1(TCR);
	u64 sctlr = __vcpu_sys_reg(vcpu, SCTLR_EL2) ^ read_sysreg_el1(SCTLR);
	/* Of a fault beyond all addresses L0 changes the kind, of stage 1 in stage 2 the bit is clear. */
	bool off = stage1_off(vcpu, BANK_VEL2_NVHE);
	u64 esr = __vcpu_sys_reg(vcpu, ESR_EL2) ^ read_sysreg_el1(ESR);

#define X(hw, reg) IS_SAVED(hw, reg);
	X(ELR, ELR_EL2) X(FAR, FAR_EL2) X(MAIR, MAIR_EL2) X(AMAIR, AMAIR_EL2)
	X(AFSR0, AFSR0_EL2) X(AFSR1, AFSR1_EL2) X(VBAR, VBAR_EL2)
#undef X
			CHECK_IS("vcpu: ESR_EL2 in memory", esr & ~(off ? 4ULL : 0), 0);
	CHECK_IS("vcpu: SCTLR_EL2 of an nVHE vEL2", sctlr & (SCTLR_M | SCTLR_A | SCTLR_C),
		 off ? SCTLR_M : 0);
	/* T0SZ, and PS where IPS is */
	CHECK_IS("vcpu: TCR_EL2.T0SZ of an nVHE vEL2", hw_tcr & 0x3f, tcr & 0x3f);
	CHECK_IS("vcpu: TCR_EL2.PS of an nVHE vEL2", (hw_tcr >> 32) & 7, (tcr >> 16) & 7);
	CHECK_IS("vcpu: TTBR0_EL2 of an nVHE vEL2", read_sysreg_el1(TTBR0),
		 __vcpu_sys_reg(vcpu, TTBR0_EL2) & GENMASK_ULL(47, 1));
	CHECK_IS("vcpu: SP_EL2 in memory", __vcpu_sys_reg(vcpu, SP_EL2), read_sysreg(sp_el1));
}

void check_put(struct kvm_vcpu *vcpu)
{
	bool tge = vcpu->arch.hcr_el2 & HCR_UNDER_TGE;

	CHECK_IS("vcpu: bank after vcpu_put", vcpu->arch.loaded_bank, BANK_NONE);
	CHECK_IS("vcpu: list registers after vcpu_put", vcpu->arch.vgic.hw_lrs, 0);
	CHECK_IS("vcpu: ICH_LR0_EL2 after vcpu_put", read_sysreg(ICH_LR0_EL2), 0);
	CHECK_IS("vcpu: timers after vcpu_put",
		 (read_sysreg_el0(CNTV_CTL) | read_sysreg_el0(CNTP_CTL)) & 1, 0);
	switch (bank_before[vcpu_number(vcpu)]) {
	case BANK_VEL1:
		if (!tge)	/* nothing of it is L1's then */
			check_vel1(vcpu);
		break;
	case BANK_VEL2_E2H:
		check_vel2_e2h(vcpu);
		break;
	case BANK_VEL2_NVHE:
		check_vel2_nvhe(vcpu);
		break;
	default:
		break;
	}
	check_counters(vcpu);
}
