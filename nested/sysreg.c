// SPDX-License-Identifier: GPL-2.0-only
/*
 * Trapped MSR, MRS and SYS: which row, whose business, which handler. EL2.
 */
#include <ablation.h>
#include <kvm_hyp.h>
#include <log.h>
#include <nested.h>

#include "sysreg-access.h"

#define MAX_UNKNOWN_LOGGED	64	/* a guest may probe for ever; the log need not */

static unsigned int unknown_logged;

/* HCR_EL2.{E2H,TGE}={1,1} switches L1's fine-grained traps off; at vEL1&0 that is not the case. */
static bool fwd_applies(const struct kvm_vcpu *vcpu, const struct sysreg_fwd *f)
{
	switch (f->when) {
	case WHEN_E2H0:
		return !vcpu_el2_e2h_is_set(vcpu);
	case WHEN_E2H1:
		return vcpu_el2_e2h_is_set(vcpu);
	case WHEN_FGT:
		return vcpu->kvm->vcpu_features & BIT(FEAT_FGT);
	default:
		return true;
	}
}

static bool l1_wants(const struct kvm_vcpu *vcpu, const struct sysreg_fwd *f, bool is_write)
{
	u8 dir = is_write ? FWD_W : FWD_R;

	if (vcpu->arch.loaded_bank != BANK_VEL1)
		return false;
	for (; f->dir; f++) {
		if ((f->dir & dir) &&
		    (vcpu_read_sys_reg(vcpu, (enum vcpu_sysreg)f->ctrl) & f->mask) == f->val &&
		    fwd_applies(vcpu, f))
			return true;
	}
	return false;
}

/*
 * L1's guest thinks that it is at EL2 (HCR_EL2.NV): what then traps to EL2 by its name alone is
 * L1's. With NV1 that is VBAR, ELR and SPSR of EL1 too (NVMem()/trap rules of each register).
 */
static bool l1_nests(const struct kvm_vcpu *vcpu, u32 enc)
{
	unsigned int op1 = sys_reg_Op1(enc);
	u64 hcr;

	if (vcpu->arch.loaded_bank != BANK_VEL1)
		return false;
	hcr = vcpu->arch.hcr_el2;
	if (!(hcr & HCR_NV))
		return false;
	if (op1 == 4 || (op1 == 5 && sys_reg_Op0(enc) == 3))
		return true;
	return (hcr & HCR_NV1) &&
	       (enc == SYS_VBAR_EL1 || enc == SYS_ELR_EL1 || enc == SYS_SPSR_EL1);
}

static void log_unknown(const struct kvm_vcpu *vcpu, u32 enc, bool is_write)
{
	if (unknown_logged++ >= MAX_UNKNOWN_LOGGED)
		return;
	log_warn("no row for %s S%u_%u_C%u_C%u_%u at 0x%llx: UNDEF",
		 is_write ? "write of" : "read of", sys_reg_Op0(enc), sys_reg_Op1(enc),
		 sys_reg_CRn(enc), sys_reg_CRm(enc), sys_reg_Op2(enc), *vcpu_pc(vcpu));
}

/* EL2's encodings are UNDEFINED below EL2; EL12 and EL02 names also at an EL2 with E2H=0. */
static bool name_exists(const struct kvm_vcpu *vcpu, u32 enc)
{
	unsigned int op1 = sys_reg_Op1(enc);

	if (op1 == 4)
		return vcpu_mode_el2(vcpu);
	if (op1 == 5 && sys_reg_Op0(enc) == 3)
		return vcpu_mode_el2(vcpu) && vcpu_el2_e2h_is_set(vcpu);
	return true;
}

static enum host_exit finish(struct kvm_vcpu *vcpu, unsigned int reason,
			     const struct sys_reg_params *p, enum trap_result result)
{
	exit_done(vcpu, reason, result != TRAP_HANDLED && result != TRAP_TO_HOST ? OUT_REFLECTED :
				p->served ? OUT_SERVED : OUT_HANDLED);
	switch (result) {
	case TRAP_UNDEF:
		kvm_inject_undefined(vcpu);
		return HOST_EXIT_RESUME;
	case TRAP_VEL2:
		kvm_inject_nested_sync(vcpu, p->val);
		return HOST_EXIT_RESUME;
	case TRAP_INJECTED:
		return HOST_EXIT_RESUME;
	case TRAP_TO_HOST:
		kvm_skip_instr(vcpu);
		return (enum host_exit)p->host_exit;
	default:
		if (!p->is_write)
			vcpu_set_reg(vcpu, p->rt, p->val);
		kvm_skip_instr(vcpu);
		return HOST_EXIT_RESUME;
	}
}

static enum host_exit forward(struct kvm_vcpu *vcpu, unsigned int reason, u64 esr)
{
	exit_done(vcpu, reason, OUT_FORWARDED);
	kvm_inject_nested_sync(vcpu, esr);
	return HOST_EXIT_RESUME;
}

static enum host_exit insn_exit(struct kvm_vcpu *vcpu, u64 esr, struct sys_reg_params *p)
{
	const struct sysinsn_desc *insn = sysinsn_lookup(p->enc);
	unsigned int reason = exit_reason_sync(esr);

	if (l1_nests(vcpu, p->enc))
		return forward(vcpu, reason, esr);
	if (!insn || !(vcpu->kvm->vcpu_features & BIT(insn->feat))) {
		if (!insn)
			log_unknown(vcpu, p->enc, true);
		return finish(vcpu, reason, p, TRAP_UNDEF);
	}
	if (l1_wants(vcpu, insn->fwd, true))
		return forward(vcpu, reason, esr);
	if (!name_exists(vcpu, p->enc))
		return finish(vcpu, reason, p, TRAP_UNDEF);
	return finish(vcpu, reason, p, sysinsn_access[sysinsn_nr(insn)](vcpu, NULL, p));
}

static enum host_exit reg_exit(struct kvm_vcpu *vcpu, u64 esr, struct sys_reg_params *p)
{
	const struct sysreg_desc *desc = sysreg_lookup(p->enc);

	if (!desc && l1_nests(vcpu, p->enc))
		return forward(vcpu, EXIT_SYSREG, esr);
	if (!desc) {
		log_unknown(vcpu, p->enc, p->is_write);
		return finish(vcpu, EXIT_SYSREG, p, TRAP_UNDEF);
	}
	p->served = sysreg_is_served(vcpu, desc, p->is_write);
	if (!p->served)
		vcpu->arch.stats.sysregs[sysreg_nr(desc)][p->is_write]++;
	if (l1_nests(vcpu, p->enc))
		return forward(vcpu, EXIT_SYSREG, esr);
	if (!name_exists(vcpu, p->enc) || !(vcpu->kvm->vcpu_features & BIT(desc->feat)))
		return finish(vcpu, EXIT_SYSREG, p, TRAP_UNDEF);
	if (l1_wants(vcpu, desc->fwd, p->is_write))
		return forward(vcpu, EXIT_SYSREG, esr);
	p->via = desc->via;
	desc = sysreg_base(desc);
	/* EL1's and EL0's plain names mean EL2's registers at an EL2 with E2H=1 (R_HDZHJ). */
	if (p->via == VIA_NAME && vcpu->arch.loaded_bank == BANK_VEL2_E2H && vcpu_mode_el2(vcpu))
		desc = sysreg_by_idx(sysreg_e2h((enum vcpu_sysreg)desc->idx));
	return finish(vcpu, EXIT_SYSREG, p, sysreg_access[sysreg_nr(desc)](vcpu, desc, p));
}

enum host_exit nested_sys64_exit(struct kvm_vcpu *vcpu, u64 esr)
{
	struct sys_reg_params p = {
		.enc = esr_sys_enc(esr),
		.rt = ESR_SYS_RT(esr),
		.is_write = !ESR_SYS_IS_READ(esr),
	};

	if (p.is_write)
		p.val = vcpu_get_reg(vcpu, p.rt);
	return sys_reg_Op0(p.enc) == 1 ? insn_exit(vcpu, esr, &p) : reg_exit(vcpu, esr, &p);
}
