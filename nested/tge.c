// SPDX-License-Identifier: GPL-2.0-only
/*
 * vEL0 under HCR_EL2.{E2H,TGE} = {0,1}: whatever would go to EL1 goes to vEL2. EL2, interrupts masked.
 *
 * The hardware cannot be told so: TGE itself would make EL0 part of L0's own regime where the host is
 * VHE. It takes such an exception to EL1, whose vectors lie where no stage 2 has anything
 * (shadow_tge_regs()), and so comes here for want of the first instruction, the exception complete in
 * the EL1 registers. Those are the hardware's only: L1's own are in memory.
 *
 * What differs from the real thing: an L1 whose stage 2 does map the last page of all addresses runs
 * what it has there at vEL1; and with SCTLR_EL1.UMA set, EL0's accesses to DAIF trap.
 */
#include <kvm_hyp.h>
#include <nested.h>

#define VECTOR_TYPE	0x180UL

static bool is_abort(u64 ec)
{
	return ec == ESR_EC_IABT_LOW || ec == ESR_EC_DABT_LOW || ec == ESR_EC_PC_ALIGN ||
	       ec == ESR_EC_WATCHPT_LOW;
}

void nested_tge_exception(struct kvm_vcpu *vcpu)
{
	u64 esr = read_sysreg_el1(ESR), masks = *vcpu_cpsr(vcpu) & PSR_AIF;
	enum except_type type = (enum except_type)(*vcpu_pc(vcpu) & VECTOR_TYPE);

	*vcpu_pc(vcpu) = read_sysreg_el1(ELR);
	*vcpu_cpsr(vcpu) = (read_sysreg_el1(SPSR) & ~PSR_AIF) | masks;
	/* AArch64.AdvSIMDFPAccessTrap() tells EL2 no more than that under TGE. */
	if (ESR_EC(esr) == ESR_EC_FP_ASIMD)
		esr = ESR_IL | ((u64)ESR_EC_UNKNOWN << ESR_EC_SHIFT);
	if (type == EXCEPT_SYNC && is_abort(ESR_EC(esr)))
		vcpu_write_sys_reg(vcpu, read_sysreg_el1(FAR), FAR_EL2);
	kvm_inject_nested(vcpu, esr, type);
}
