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

/* AArch64 IllegalExceptionReturn() for what is no return to AArch64 EL2 or EL0. */
static noinline u64 other_return(const struct kvm_vcpu *vcpu, u64 spsr, u64 hcr)
{
	u64 mode = spsr & (PSR_MODE32 | PSR_MODE_MASK);

	/* R_SRZSR: there is no EL1 under TGE. */
	if (!(hcr & HCR_TGE) && mode < PSR_MODE32 && (BIT(mode) & MODES_EL1))
		return spsr;
	if (mode == PSR_MODE32 && (vcpu->kvm->vcpu_features & BIT(FEAT_AA32EL0)))
		return spsr;
	/* PSTATE.{EL,SP} stay; the illegal state is vEL2's to take an exception for. */
	return (spsr & PSR_KEPT) | PSR_IL | (*vcpu_cpsr(vcpu) & PSR_MODE_MASK);
}

void kvm_emulate_nested_eret(struct kvm_vcpu *vcpu)
{
	/* Both live in the hardware in either vEL2 bank. */
	u64 spsr = read_sysreg_el1(SPSR);

	if (!alternative_has_cap(CAP_NV2))
		spsr = vcpu_read_sys_reg(vcpu, SPSR_EL2);
	if (!(BIT(spsr & (PSR_MODE32 | PSR_MODE_MASK)) & MODES_EL2))
		spsr = other_return(vcpu, spsr, vcpu_hcr_el2(vcpu));
	*vcpu_pc(vcpu) = read_sysreg_el1(ELR);
	*vcpu_cpsr(vcpu) = spsr;
}
