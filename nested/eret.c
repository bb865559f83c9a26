// SPDX-License-Identifier: GPL-2.0-only
/*
 * ERET executed at vEL2: the most frequent trap of all. EL2, interrupts masked.
 */
#include <kvm_hyp.h>
#include <nested.h>

#define PSR_IL		BIT(20)
#define PSR_SS		BIT(21)
/* What an illegal return still takes from SPSR (AArch64.ExceptionReturn, SetPSTATEFromPSR). */
#define PSR_KEPT	((0xfUL << 28) | PSR_DAIF | BIT(12) | BIT(22) | BIT(23) | BIT(24) | BIT(25))

/* AArch64 IllegalExceptionReturn(), for a return from EL2. */
static bool illegal_return(const struct kvm_vcpu *vcpu, u64 spsr, u64 hcr)
{
	u64 mode = spsr & PSR_MODE_MASK;

	if (unlikely(spsr & PSR_MODE32))
		return mode != 0 || !(vcpu->kvm->vcpu_features & BIT(FEAT_AA32EL0));
	switch (mode) {
	case PSR_MODE_EL0t:
	case PSR_MODE_EL2t:
	case PSR_MODE_EL2h:
		return false;
	case PSR_MODE_EL1t:
	case PSR_MODE_EL1h:
		return hcr & HCR_TGE;	/* R_SRZSR: no EL1 under TGE */
	default:
		return true;		/* EL3, or M[1] */
	}
}

void kvm_emulate_nested_eret(struct kvm_vcpu *vcpu)
{
	/* Both live in the hardware in either vEL2 bank. */
	u64 spsr = read_sysreg_el1(SPSR);
	u64 elr = read_sysreg_el1(ELR);

	if (unlikely(!nested_mech->vncr && vcpu->arch.loaded_bank == BANK_VEL2_NVHE))
		spsr = vcpu_read_sys_reg(vcpu, SPSR_EL2);
	if (unlikely(illegal_return(vcpu, spsr, vcpu_hcr_el2(vcpu))))
		spsr = (spsr & PSR_KEPT) | PSR_IL | (*vcpu_cpsr(vcpu) & PSR_MODE_MASK);
	*vcpu_pc(vcpu) = elr;
	*vcpu_cpsr(vcpu) = spsr;
}
