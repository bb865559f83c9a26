/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Shadow state, as far as every exit needs it: short functions that the exit path has inline. What
 * happens when the bank does change is in shadow/sysregs.c. EL2 only.
 */
#ifndef SHADOW_H
#define SHADOW_H

#include <kvm_hyp.h>

/* EL2t, EL2h and EL1t, EL1h differ in M[3:2] alone: 0b10 and 0b01. */
#define PSR_MODE_EL_SWAP	0xcUL

/* The bank that the hardware must hold for virtual PSTATE @pstate and virtual HCR_EL2 @hcr. */
static inline enum loaded_bank kvm_arm_wanted_bank(u64 pstate, u64 hcr)
{
	bool hyp = (pstate & PSR_MODE_EL2t) ||
		   (!(pstate & PSR_MODE_MASK) && !(~hcr & (HCR_E2H | HCR_TGE)));

	if (!hyp)
		return BANK_VEL1;
	return hcr & HCR_E2H ? BANK_VEL2_E2H : BANK_VEL2_NVHE;
}

/*
 * Is the bank VEL1 loaded for vEL0 under TGE with E2H=0? HCR_EL2.TID5 tells, which means nothing to EL0
 * and is no bit of L1's.
 */
#define HCR_UNDER_TGE	HCR_TID5
static inline bool shadow_is_tge(const struct kvm_vcpu *vcpu)
{
	return (vcpu->arch.hcr_el2 & HCR_UNDER_TGE) && vcpu->arch.loaded_bank == BANK_VEL1;
}

/* What SP_EL1 of the hardware was loaded with: SP_EL2 at vEL2, SP_EL1 at vEL1. */
static inline u64 hw_sp_el1(const struct kvm_vcpu *vcpu)
{
	return vcpu->arch.ctxt.hw_sys_regs[SP_EL1];
}

/* Unload the bank that is loaded and load @bank, with all that depends on it but GIC and timers. */
void kvm_arm_switch_bank(struct kvm_vcpu *vcpu, enum loaded_bank bank);
/* The same where both banks are known. */
void kvm_arm_vel1_to_vel2_e2h(struct kvm_vcpu *vcpu);
void kvm_arm_vel2_e2h_to_vel1(struct kvm_vcpu *vcpu);

/**
 * kvm_arm_setup_shadow_state - before entry: hw_pstate, and the bank, fit the virtual state.
 * Returns the bank that was loaded until now; next to nothing happens if it is the wanted one.
 */
static inline enum loaded_bank kvm_arm_setup_shadow_state(struct kvm_vcpu *vcpu)
{
	u64 pstate = vcpu->arch.ctxt.regs.pstate;
	enum loaded_bank old = vcpu->arch.loaded_bank;
	enum loaded_bank bank = kvm_arm_wanted_bank(pstate, vcpu_hcr_el2(vcpu));

	/* EL2h/t run as EL1h/t. */
	vcpu->arch.ctxt.hw_pstate = pstate & PSR_MODE_EL2t ? pstate ^ PSR_MODE_EL_SWAP : pstate;
	if (unlikely(bank != old))
		kvm_arm_switch_bank(vcpu, bank);
	/* Its interrupts are vEL2's, which no mask of EL0 keeps away. */
	if (unlikely(shadow_is_tge(vcpu)))
		vcpu->arch.ctxt.hw_pstate &= ~PSR_AIF;
	return old;
}

/**
 * kvm_arm_restore_shadow_state - after an exit: virtual PC, PSTATE and level from the hardware's.
 * True if L1 changed HCR_EL2.E2H by a store that L0 did not see: the loaded bank must be converted
 * before anything that the guest asks for is looked at.
 */
static inline bool kvm_arm_restore_shadow_state(struct kvm_vcpu *vcpu)
{
	enum loaded_bank bank = vcpu->arch.loaded_bank;
	u64 spsr = read_sysreg(SPSR_EL2), hcr = vcpu_hcr_el2(vcpu);

	vcpu->arch.ctxt.regs.pc = read_sysreg(ELR_EL2);
	if (bank == BANK_VEL1) {
		if (unlikely(vcpu->arch.hcr_el2 & HCR_UNDER_TGE))
			spsr = (spsr & ~PSR_AIF) | (vcpu->arch.ctxt.regs.pstate & PSR_AIF);
		vcpu->arch.ctxt.regs.pstate = spsr;
		vcpu->arch.exit_level = hcr & (HCR_VM | HCR_DC) ? LEVEL_L2 : LEVEL_L1;
		return false;
	}
	vcpu->arch.exit_level = LEVEL_L1;
	vcpu->arch.ctxt.regs.pstate = spsr & PSR_MODE_EL1t ? spsr ^ PSR_MODE_EL_SWAP : spsr;
	return !(hcr & HCR_E2H) == (bank == BANK_VEL2_E2H);
}

#endif
