// SPDX-License-Identifier: GPL-2.0-only
/*
 * ERET executed at vEL2: the most frequent trap of all. Under pv also at vEL1, where the code that was
 * rewritten is vEL1's, too. EL2, interrupts masked.
 */
#include <kvm_hyp.h>
#include <nested.h>

#define PSR_IL		BIT(20)
/* What an illegal return still takes from SPSR (AArch64.ExceptionReturn, SetPSTATEFromPSR). */
#define PSR_KEPT	((0xfUL << 28) | PSR_DAIF | BIT(12) | BIT(22) | BIT(23) | BIT(24) | BIT(25))

/* SPSR.M[4:0] of a legal return from EL2 to an AArch64 EL, one bit each. */
#define MODES_EL2	(BIT(PSR_MODE_EL2h) | BIT(PSR_MODE_EL2t) | BIT(PSR_MODE_EL0t))
#define MODES_EL1	(BIT(PSR_MODE_EL1h) | BIT(PSR_MODE_EL1t))

/* Does L1 want the ERET of its guest? Nothing but HFGITR_EL2.ERET or pv brings it here. */
static bool wanted_by_l1(const struct kvm_vcpu *vcpu)
{
	if (!alternative_has_cap(CAP_PV))
		return true;
	return (vcpu->kvm->vcpu_features & BIT(FEAT_FGT)) &&
	       (__vcpu_sys_reg(vcpu, HFGITR_EL2) & HFGITR_ERET);
}

/*
 * AArch64 IllegalExceptionReturn() for what is no legal return to AArch64: to an AArch32 EL0, or
 * illegal. R_SRZSR: there is no EL1 under TGE.
 */
static noinline u64 other_return(const struct kvm_vcpu *vcpu, u64 spsr)
{
	if ((spsr & (PSR_MODE32 | PSR_MODE_MASK)) == PSR_MODE32 &&
	    (vcpu->kvm->vcpu_features & BIT(FEAT_AA32EL0)))
		return spsr;
	/* PSTATE.{EL,SP} stay; the illegal state is vEL2's to take an exception for. */
	return (spsr & PSR_KEPT) | PSR_IL | (*vcpu_cpsr(vcpu) & PSR_MODE_MASK);
}

static void emulate_vel1_eret(struct kvm_vcpu *vcpu, u64 target)
{
	u64 spsr = read_sysreg_el1(SPSR), mode = spsr & (PSR_MODE32 | PSR_MODE_MASK);

	if (!((MODES_EL1 | BIT(PSR_MODE_EL0t)) & BIT(mode)))
		spsr = other_return(vcpu, spsr);
	*vcpu_pc(vcpu) = target;
	*vcpu_cpsr(vcpu) = spsr;
}

static inline void emulate_eret(struct kvm_vcpu *vcpu, u64 target)
{
	/* Both live in the hardware in either vEL2 bank. */
	u64 spsr = read_sysreg_el1(SPSR), hcr, mode;

	if (!alternative_has_cap(CAP_NV2))
		spsr = vcpu_read_sys_reg(vcpu, SPSR_EL2);
	mode = spsr & (PSR_MODE32 | PSR_MODE_MASK);
	hcr = vcpu_hcr_el2(vcpu);
	if (unlikely(!((MODES_EL2 | (hcr & HCR_TGE ? 0 : MODES_EL1)) & BIT(mode))))
		spsr = other_return(vcpu, spsr);
	*vcpu_pc(vcpu) = target;
	*vcpu_cpsr(vcpu) = spsr;
}

__no_stack_protector enum host_exit nested_eret_exit(struct kvm_vcpu *vcpu, u64 esr)
{
	bool vel1 = vcpu->arch.loaded_bank == BANK_VEL1;
	u64 target;

	if (unlikely(vel1) && wanted_by_l1(vcpu)) {
		exit_done(vcpu, EXIT_ERET, OUT_FORWARDED);
		kvm_inject_nested_sync(vcpu, esr);
		return HOST_EXIT_RESUME;
	}
	if (!vel1)
		vcpu->arch.exit_level = LEVEL_L1;
	target = read_sysreg_el1(ELR);
	if (unlikely(esr & ESR_ERET_A) && !(vcpu->kvm->vcpu_features & BIT(FEAT_PAUTH))) {
		exit_done(vcpu, EXIT_ERET, OUT_REFLECTED);
		kvm_inject_undefined(vcpu);
		return HOST_EXIT_RESUME;
	}
	if (unlikely(esr & ESR_ERET_A) && !pauth_eret_target(vcpu, esr, &target)) {
		exit_done(vcpu, EXIT_ERET, OUT_REFLECTED);
		/* AArch64.PACFailException(): an instruction key, A or B. */
		esr = ((u64)ESR_EC_FPAC << ESR_EC_SHIFT) | ESR_IL | (esr & ESR_ERET_AB);
		if (vel1)
			kvm_inject_el1(vcpu, esr, EXCEPT_SYNC);
		else
			kvm_inject_nested_sync(vcpu, esr);
		return HOST_EXIT_RESUME;
	}
	exit_done(vcpu, EXIT_ERET, OUT_HANDLED);
	if (unlikely(vel1))
		emulate_vel1_eret(vcpu, target);
	else
		emulate_eret(vcpu, target);
	return HOST_EXIT_RESUME;
}
