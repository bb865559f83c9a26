// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stage-2 aborts: fill the table that ran, tell L1, or have the host emulate a device. EL2.
 */
#include <errno.h>
#include <kvm_hyp.h>
#include <log.h>
#include <nested.h>

static bool is_iabt(u64 esr)
{
	return ESR_EC(esr) == ESR_EC_IABT_LOW;
}

static u32 access_of(const struct kvm_vcpu *vcpu, u64 esr)
{
	u32 access = (*vcpu_cpsr(vcpu) & PSR_MODE_MASK) == PSR_MODE_EL0t ? S2_ACC_EL0 : 0;

	/*
	 * A walk that may read its table and faults on permission wanted to write an access flag or a
	 * dirty state; WnR is the access's own.
	 */
	if (esr & ESR_S1PTW)
		return access | S2_ACC_S1PTW | S2_ACC_READ |
		       ((esr & ESR_FSC_TYPE) == ESR_FSC_PERM ? S2_ACC_WRITE : 0);
	if (is_iabt(esr))
		return access | S2_ACC_EXEC;
	/* Cache maintenance reports WnR=1 but needs to read only. */
	if ((esr & ESR_WNR) && !(esr & ESR_CM))
		return access | S2_ACC_WRITE;
	return access | S2_ACC_READ;
}

/* Stage 1 of what ran. False: it has no translation any more; the guest will find that out by itself. */
static bool stage1_of(u64 va, l2ipa_t *ipa)
{
	u64 guest = read_sysreg(par_el1), par;

	asm volatile("at s1e1r, %0" : : "r"(va));
	isb();
	par = read_sysreg(par_el1);
	write_sysreg(guest, par_el1);
	*ipa = par & PAR_PA;
	return !(par & PAR_F);
}

/*
 * HPFAR_EL2 has the page, but is UNKNOWN after a permission fault that is not a walk's. The rest is in
 * FAR_EL2, unless the address is that of a table.
 */
static bool fault_ipa(u64 esr, u64 far, l2ipa_t *ipa)
{
	if (!(esr & ESR_S1PTW) && (esr & ESR_FSC_TYPE) == ESR_FSC_PERM) {
		if (!stage1_of(far, ipa))
			return false;
	} else {
		*ipa = FIELD_GET(HPFAR_FIPA, read_sysreg(HPFAR_EL2)) << 12;
	}
	if (!(esr & ESR_S1PTW))
		*ipa |= far & 0xfff;
	return true;
}

/* What of the syndrome of a stage-2 abort an abort of stage 1 has, too. */
static u64 stage1_syndrome(u64 esr)
{
	u64 keep = ESR_IL | (0x3fULL << ESR_EC_SHIFT);

	if (!is_iabt(esr))
		keep |= ESR_WNR | ESR_CM;
	return esr & keep;
}

/*
 * Fault status code for a stage-1 table that is nowhere. The syndrome has the level of the walk of stage 2, which is
 * not the guest's business.
 */
static noinline u64 no_table(const struct kvm_vcpu *vcpu, u64 far)
{
	enum s1_regime regime = S1_EL10;
	struct s1_walk_result s1;
	struct at_ctx ctx;

	nested_at_context(vcpu, &ctx);
	if (is_hyp_ctxt(vcpu))
		regime = ctx.regs.hcr & HCR_E2H ? S1_EL20 : S1_EL2;
	s1_walk(&ctx, regime, far, 0, false, &s1);
	/* Changed since: the abort is one of the access itself, and the guest will look. */
	return s1.fault == S2_FAULT_EXTERNAL && !s1.s2 ? s2_fault_fsc(s1.fault, s1.level) :
							 ESR_FSC_EXTABT;
}

/* Nothing is there: what the bus answers on the real machine. */
static void external_abort(struct kvm_vcpu *vcpu, u64 esr, u64 far)
{
	u64 fsc = esr & ESR_S1PTW ? no_table(vcpu, far) : ESR_FSC_EXTABT;

	kvm_inject_abort(vcpu, stage1_syndrome(esr) | fsc, far);
}

/* L1's own stage 2 refused: it sees what it would have seen with nobody below it. */
static void give_to_l1(struct kvm_vcpu *vcpu, u64 esr, u64 far, const struct s2_fault_result *res)
{
	vcpu_write_sys_reg(vcpu, far, FAR_EL2);
	vcpu_write_sys_reg(vcpu, (res->fipa >> 12) << 4, HPFAR_EL2);
	vcpu->arch.prefill = true;
	vcpu->arch.prefill_pc = *vcpu_pc(vcpu);
	vcpu->arch.prefill_ipa = res->fipa;
	vcpu->arch.prefill_mmu = vcpu->arch.hw_mmu;
	kvm_inject_nested_sync(vcpu, (esr & ~(u64)ESR_FSC) | res->fsc);
}

/* Order of bytes of the access that was taken, by what the hardware ran it with. */
static bool is_big_endian(const struct kvm_vcpu *vcpu)
{
	u64 pstate = *vcpu_cpsr(vcpu);

	if (pstate & PSR_MODE32)
		return pstate & PSR_A32_E;
	return read_sysreg_el1(SCTLR) & (pstate & PSR_MODE_MASK ? SCTLR_EE : SCTLR_E0E);
}

static enum host_exit emulate(struct kvm_vcpu *vcpu, u64 esr, u64 far,
			      const struct s2_fault_result *res)
{
	if (is_iabt(esr) || (esr & (ESR_S1PTW | ESR_CM)) || !(esr & ESR_ISV)) {
		exit_done(vcpu, exit_reason_sync(esr), OUT_REFLECTED);
		external_abort(vcpu, esr, far);
		return HOST_EXIT_RESUME;
	}
	exit_done(vcpu, exit_reason_sync(esr), OUT_HANDLED);
	vcpu->arch.fault.esr = esr;
	vcpu->arch.fault.far = far;
	vcpu->arch.fault.l1_ipa = res->l1_ipa;
	vcpu->arch.fault.big_endian = is_big_endian(vcpu);
	return HOST_EXIT_MMIO;
}

/* At vEL2, with its stage 1 in the hardware's stage 2. */
static noinline int stage1_fault(struct kvm_vcpu *vcpu, u64 esr, u64 far,
				 struct s2_fault_result *res)
{
	struct at_ctx ctx;

	nested_at_context(vcpu, &ctx);
	return s2_stage1_fault(vcpu->arch.hw_mmu, &ctx, far, access_of(vcpu, esr), res);
}

enum host_exit nested_abort_exit(struct kvm_vcpu *vcpu, u64 esr)
{
	u64 far = read_sysreg(FAR_EL2), type = esr & ESR_FSC_TYPE;
	struct s2_fault_result res = { 0 };
	l2ipa_t ipa = 0;
	int ret;

	if (type != ESR_FSC_FAULT && type != ESR_FSC_ACCESS && type != ESR_FSC_PERM &&
	    type != ESR_FSC_ADDRSZ) {
		/*
		 * Not stage 2's: an external abort that L1's HCR_EL2.TEA routes to it, or what memory
		 * answers to an access it cannot do. It goes where a stage-1 abort would.
		 */
		exit_done(vcpu, exit_reason_sync(esr),
			  vcpu->arch.loaded_bank == BANK_VEL1 ? OUT_FORWARDED : OUT_REFLECTED);
		kvm_inject_abort(vcpu, esr, far);
		return HOST_EXIT_RESUME;
	}
	if (unlikely(vcpu->arch.hw_mmu->stage1))
		ret = stage1_fault(vcpu, esr, far, &res);
	else
		ret = fault_ipa(esr, far, &ipa) ?
		      s2_shadow_fault(vcpu->arch.hw_mmu, ipa, access_of(vcpu, esr), &res) :
		      S2_RETRY;
	switch (ret) {
	case S2_RETRY:
		exit_done(vcpu, exit_reason_sync(esr), OUT_HANDLED);
		return HOST_EXIT_RESUME;
	case S2_INJECT:
		exit_done(vcpu, exit_reason_sync(esr), OUT_FORWARDED);
		if (unlikely(vcpu->arch.hw_mmu->stage1))
			kvm_inject_abort(vcpu, stage1_syndrome(esr) | res.fsc, far);
		else
			give_to_l1(vcpu, esr, far, &res);
		return HOST_EXIT_RESUME;
	case S2_EMULATE:
		return emulate(vcpu, esr, far, &res);
	default:
		exit_done(vcpu, exit_reason_sync(esr), OUT_HANDLED);
		log_error("no page for a shadow stage-2 table of IPA 0x%llx", ipa);
		return HOST_EXIT_SHUTDOWN;
	}
}

void nested_external_abort(struct kvm_vcpu *vcpu)
{
	external_abort(vcpu, vcpu->arch.fault.esr, vcpu->arch.fault.far);
}
