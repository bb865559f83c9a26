// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exceptions into the guest: to vEL2 and to vEL1. EL2, interrupts masked.
 *
 * The registers are written where they now live; if the exception changes the bank, the entry path
 * sees it from PSTATE. Spec-shaped after AArch64.TakeException.
 */
#include <kvm_hyp.h>
#include <nested.h>

#define PSR_NZCV	(0xfUL << 28)
#define PSR_TCO		BIT(25)
#define PSR_DIT		BIT(24)
#define PSR_PAN		BIT(22)
#define PSR_SSBS	BIT(12)
#define PSR_IL		BIT(20)

#define VECTOR_CURRENT_SP0	0x000
#define VECTOR_CURRENT_SPX	0x200
#define VECTOR_LOWER_64		0x400
#define VECTOR_LOWER_32		0x600

/*
 * From @el or from the level whose register width counts: EL0 for an exception to EL1, and to EL2 while
 * HCR_EL2.{E2H,TGE} = {1,1} (IsInHost). Otherwise EL2 looks at EL1's width, which is always AArch64.
 */
static u64 vector_group(u64 pstate, u64 el)
{
	u64 mode = pstate & PSR_MODE_MASK;

	if (pstate & PSR_MODE32)
		return VECTOR_LOWER_32;
	if (mode >> 2 != el)
		return VECTOR_LOWER_64;
	return mode & 1 ? VECTOR_CURRENT_SPX : VECTOR_CURRENT_SP0;
}

/* PSTATE at the vector of a target whose SCTLR is @sctlr; @span: SCTLR.SPAN applies to it. */
static u64 entry_pstate(u64 old, u64 mode, u64 sctlr, bool span)
{
	u64 pstate = (old & (PSR_NZCV | PSR_DIT | PSR_PAN)) | PSR_DAIF | mode;

	if (span && !(sctlr & SCTLR_SPAN))
		pstate |= PSR_PAN;
	if (sctlr & SCTLR_DSSBS)
		pstate |= PSR_SSBS;
	return pstate;
}

/* What an exception to vEL2 leaves in place of the interrupted state. */
static inline void take_to_vel2(struct kvm_vcpu *vcpu, u64 vbar, u64 sctlr, u64 group,
				enum except_type type)
{
	u64 hcr = vcpu_hcr_el2(vcpu);
	bool span = (hcr & (HCR_E2H | HCR_TGE)) == (HCR_E2H | HCR_TGE);

	*vcpu_pc(vcpu) = vbar + group + type;
	*vcpu_cpsr(vcpu) = entry_pstate(*vcpu_cpsr(vcpu), PSR_MODE_EL2h, sctlr, span);
}

/* From vEL1&0: vEL2's registers are all in memory. */
static inline void inject_from_vel1(struct kvm_vcpu *vcpu, u64 esr, enum except_type type)
{
	u64 *r = vcpu->arch.ctxt.sys_regs;

	r[SPSR_EL2] = *vcpu_cpsr(vcpu);
	r[ELR_EL2] = *vcpu_pc(vcpu);
	if (type == EXCEPT_SYNC || type == EXCEPT_SERROR)
		r[ESR_EL2] = esr;
	take_to_vel2(vcpu, r[VBAR_EL2], r[SCTLR_EL2], VECTOR_LOWER_64, type);
}

static noinline void inject_from_vel2(struct kvm_vcpu *vcpu, u64 esr, enum except_type type)
{
	u64 pstate = *vcpu_cpsr(vcpu);

	vcpu_write_sys_reg(vcpu, pstate, SPSR_EL2);
	vcpu_write_sys_reg(vcpu, *vcpu_pc(vcpu), ELR_EL2);
	if (type == EXCEPT_SYNC || type == EXCEPT_SERROR)
		vcpu_write_sys_reg(vcpu, esr, ESR_EL2);
	take_to_vel2(vcpu, vcpu_read_sys_reg(vcpu, VBAR_EL2), vcpu_read_sys_reg(vcpu, SCTLR_EL2),
		     vector_group(pstate, PSR_MODE_EL2t >> 2), type);
}

void kvm_inject_nested(struct kvm_vcpu *vcpu, u64 esr, enum except_type type)
{
	if (likely(vcpu->arch.loaded_bank == BANK_VEL1))
		inject_from_vel1(vcpu, esr, type);
	else
		inject_from_vel2(vcpu, esr, type);
}

/* The commonest kind, without the choices that kvm_inject_nested() has left. */
void kvm_inject_nested_sync(struct kvm_vcpu *vcpu, u64 esr)
{
	if (likely(vcpu->arch.loaded_bank == BANK_VEL1))
		inject_from_vel1(vcpu, esr, EXCEPT_SYNC);
	else
		inject_from_vel2(vcpu, esr, EXCEPT_SYNC);
}

void kvm_inject_el1(struct kvm_vcpu *vcpu, u64 esr, enum except_type type)
{
	u64 pstate = *vcpu_cpsr(vcpu), spsr = pstate, hcr = vcpu->arch.hcr_el2;

	/*
	 * Virtual EL2 of L1's guest: HCR_EL2.{NV,NV1} = {1,0}, and NV2 with either NV1, shows EL1 as EL2
	 * (AArch64.TakeException).
	 */
	if (unlikely(hcr & HCR_NV) && (!(hcr & HCR_NV1) || (hcr & HCR_NV2)) &&
	    (pstate & PSR_MODE_EL1t))
		spsr ^= PSR_MODE_EL_SWAP;
	vcpu_write_sys_reg(vcpu, spsr, SPSR_EL1);
	vcpu_write_sys_reg(vcpu, *vcpu_pc(vcpu), ELR_EL1);
	vcpu_write_sys_reg(vcpu, esr, ESR_EL1);
	*vcpu_pc(vcpu) = vcpu_read_sys_reg(vcpu, VBAR_EL1) +
			 vector_group(pstate, PSR_MODE_EL1t >> 2) + type;
	*vcpu_cpsr(vcpu) = entry_pstate(pstate, PSR_MODE_EL1h,
					vcpu_read_sys_reg(vcpu, SCTLR_EL1), true);
}

void kvm_inject_undefined(struct kvm_vcpu *vcpu)
{
	u64 esr = ESR_IL | ((u64)ESR_EC_UNKNOWN << ESR_EC_SHIFT);

	/* AArch64.Undefined: to EL2 from EL2, and from EL0 under TGE; else to EL1. */
	if (is_hyp_ctxt(vcpu))
		kvm_inject_nested_sync(vcpu, esr);
	else
		kvm_inject_el1(vcpu, esr, EXCEPT_SYNC);
}

void kvm_inject_abort(struct kvm_vcpu *vcpu, u64 esr, u64 far)
{
	u64 mode = *vcpu_cpsr(vcpu) & PSR_MODE_MASK;
	u64 ec = ESR_EC(esr);
	bool same;

	/* Stage-1 and external aborts: AArch64.Abort; HCR_EL2.TEA sends external ones to EL2. */
	if (is_hyp_ctxt(vcpu) || (vcpu_hcr_el2(vcpu) & HCR_TEA)) {
		same = mode >= PSR_MODE_EL2t;
	} else {
		same = mode >= PSR_MODE_EL1t;
	}
	ec = (ec & ~1ULL) | same;
	esr = (esr & ~(0x3fULL << ESR_EC_SHIFT)) | (ec << ESR_EC_SHIFT);
	if (is_hyp_ctxt(vcpu) || (vcpu_hcr_el2(vcpu) & HCR_TEA)) {
		vcpu_write_sys_reg(vcpu, far, FAR_EL2);
		kvm_inject_nested_sync(vcpu, esr);
	} else {
		vcpu_write_sys_reg(vcpu, far, FAR_EL1);
		kvm_inject_el1(vcpu, esr, EXCEPT_SYNC);
	}
}
