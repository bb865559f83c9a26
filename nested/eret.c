// SPDX-License-Identifier: GPL-2.0-only
/*
 * ERET executed at vEL2: the most frequent trap of all. EL2, interrupts masked.
 */
#include <kvm_hyp.h>
#include <nested.h>

#define PSR_IL		BIT(20)
/* What an illegal return still takes from SPSR (AArch64.ExceptionReturn, SetPSTATEFromPSR). */
#define PSR_KEPT	((0xfUL << 28) | PSR_DAIF | BIT(12) | BIT(22) | BIT(23) | BIT(24) | BIT(25))

/* SPSR.M[4:0] of a legal return from EL2 to an AArch64 EL, one bit each. */
#define MODES_EL2	(BIT(PSR_MODE_EL2h) | BIT(PSR_MODE_EL2t) | BIT(PSR_MODE_EL0t))
#define MODES_EL1	(BIT(PSR_MODE_EL1h) | BIT(PSR_MODE_EL1t))

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

enum host_exit nested_eret_exit(struct kvm_vcpu *vcpu, u64 esr)
{
	u64 target;

	/* HFGITR_EL2.ERET of L1: nothing else traps one executed at vEL1. */
	if (unlikely(vcpu->arch.loaded_bank == BANK_VEL1)) {
		exit_done(vcpu, EXIT_ERET, OUT_FORWARDED);
		kvm_inject_nested_sync(vcpu, esr);
		return HOST_EXIT_RESUME;
	}
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
		kvm_inject_nested_sync(vcpu, ((u64)ESR_EC_FPAC << ESR_EC_SHIFT) | ESR_IL |
						     (esr & ESR_ERET_AB));
		return HOST_EXIT_RESUME;
	}
	exit_done(vcpu, EXIT_ERET, OUT_HANDLED);
	emulate_eret(vcpu, target);
	return HOST_EXIT_RESUME;
}
