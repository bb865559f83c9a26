// SPDX-License-Identifier: GPL-2.0-only
/*
 * Emulation of trapped system instructions: TLBI and AT, and what else can arrive. EL2, interrupts
 * masked, the vCPU loaded. Handlers keep the contract of sysreg-access.c.
 */
#include <at.h>
#include <errno.h>
#include <idregs.h>
#include <kvm_hyp.h>
#include <nested.h>
#include <s2.h>
#include <sysreg.h>
#include <ttlb.h>

#include "sysreg-access.h"

#define PSR_PAN BIT(22)
#define E2H_TGE (HCR_E2H | HCR_TGE)

/* op1, CRn, CRm, op2 as s2.h and at.h number them: our encoding without op0. */
static u32 s2_sys(u32 enc)
{
	return enc & 0x3fff;
}

enum trap_result access_tlbi(struct kvm_vcpu *vcpu, const struct sysreg_desc *desc,
			     struct sys_reg_params *p)
{
	struct s2_guest g;
	int ret;

	(void)desc;
	if (!is_hyp_ctxt(vcpu)) {
		ret = s2_emulate_tlbi_vel1(vcpu->arch.hw_mmu, s2_sys(p->enc), p->val);
		return ret ? TRAP_UNDEF : TRAP_HANDLED;
	}
	nested_vncr_tlbi(vcpu);
	g = nested_s2_guest(vcpu);
	if (s2_emulate_tlbi(&vcpu->kvm->s2, &g, s2_sys(p->enc), p->val))
		return TRAP_UNDEF;
	if ((g.hcr & E2H_TGE) == E2H_TGE && vcpu->arch.loaded_bank == BANK_VEL2_E2H)
		ttlb_disarm(vcpu);
	return TRAP_HANDLED;
}

static void at_registers(const struct kvm_vcpu *vcpu, struct at_regs *r)
{
	*r = (struct at_regs){
		.hcr = vcpu_hcr_el2(vcpu),
		.vttbr = READ_ONCE(__vcpu_sys_reg(vcpu, VTTBR_EL2)),
		.vtcr = READ_ONCE(__vcpu_sys_reg(vcpu, VTCR_EL2)),
		.sctlr_el1 = vcpu_read_sys_reg(vcpu, SCTLR_EL1),
		.tcr_el1 = vcpu_read_sys_reg(vcpu, TCR_EL1),
		.ttbr0_el1 = vcpu_read_sys_reg(vcpu, TTBR0_EL1),
		.ttbr1_el1 = vcpu_read_sys_reg(vcpu, TTBR1_EL1),
		.mair_el1 = vcpu_read_sys_reg(vcpu, MAIR_EL1),
		.sctlr_el2 = vcpu_read_sys_reg(vcpu, SCTLR_EL2),
		.tcr_el2 = vcpu_read_sys_reg(vcpu, TCR_EL2),
		.ttbr0_el2 = vcpu_read_sys_reg(vcpu, TTBR0_EL2),
		.ttbr1_el2 = vcpu_read_sys_reg(vcpu, TTBR1_EL2),
		.mair_el2 = vcpu_read_sys_reg(vcpu, MAIR_EL2),
		.pan = *vcpu_cpsr(vcpu) & PSR_PAN,
	};
}

void nested_at_context(const struct kvm_vcpu *vcpu, struct at_ctx *ctx)
{
	at_registers(vcpu, &ctx->regs);
	idregs_s1_caps(&ctx->s1);
	ctx->s2 = vcpu->kvm->s2.cfg.caps;
	ctx->mem = (struct s2_mem_ops){
		.read = s2_vm_read64,
		.cmpxchg = s2_vm_cmpxchg64,
		.ctx = &vcpu->kvm->s2,
	};
}

/* An AT of vEL1 found no stage-1 table where stage 2 should have it (an abort to EL2, unlike at EL2 itself). */
static enum trap_result at_refused_table(struct kvm_vcpu *vcpu, va_t va,
					 const struct at_result *res)
{
	vcpu_write_sys_reg(vcpu, va, FAR_EL2);
	vcpu_write_sys_reg(vcpu, (res->fipa >> 12) << 4, HPFAR_EL2);
	kvm_inject_nested_sync(vcpu, ((u64)ESR_EC_DABT_LOW << ESR_EC_SHIFT) | ESR_IL | ESR_CM |
					     ESR_WNR | ESR_S1PTW | res->fsc);
	return TRAP_INJECTED;
}

/*
 * Only vEL2 traps AT for L0's own needs, and pv also where vEL1 shares its code; L1's HCR_EL2.AT and
 * HFGITR_EL2 are forwarded before.
 */
enum trap_result access_at(struct kvm_vcpu *vcpu, const struct sysreg_desc *desc,
			   struct sys_reg_params *p)
{
	struct at_result res;
	struct at_ctx ctx;

	(void)desc;
	nested_at_context(vcpu, &ctx);
	switch (at_emulate(&ctx, s2_sys(p->enc), p->val, &res)) {
	case 0:
		if (res.s1ptw && !is_hyp_ctxt(vcpu))
			return at_refused_table(vcpu, p->val, &res);
		vcpu_write_sys_reg(vcpu, res.par, PAR_EL1);
		return TRAP_HANDLED;
	case -EFAULT:
		/* An external abort on a table is an exception of the AT itself, shown as a write (CM, WnR). */
		kvm_inject_abort(vcpu,
				 ((u64)ESR_EC_DABT_CUR << ESR_EC_SHIFT) | ESR_IL | ESR_CM |
					 ESR_WNR | res.fsc,
				 p->val);
		return TRAP_INJECTED;
	default:
		return TRAP_UNDEF;
	}
}

/*
 * Cache maintenance and prediction restriction are never trapped by L0 alone (HCR_EL2.TSW apart):
 * with L1's traps forwarded, set/way operations of a guest arrive here. They name caches that other
 * levels share, and nothing can rely on them (the Arm ARM advises against their use outside of
 * power management); memory is coherent without them.
 */
enum trap_result access_cache(struct kvm_vcpu *vcpu, const struct sysreg_desc *desc,
			      struct sys_reg_params *p)
{
	(void)vcpu, (void)desc;
	switch (p->enc) {
	case SYS_DC_ISW:
	case SYS_DC_CSW:
	case SYS_DC_CISW:
		return TRAP_HANDLED;
	default:
		return TRAP_UNDEF;
	}
}

/* Operand of CFP, DVP and CPP RCTX. */
#define RCTX_GASID	BIT(16)
#define RCTX_EL		__FIELD(25, 24)
#define RCTX_EL1	BIT(24)
#define RCTX_NS		BIT(26)
#define RCTX_GVMID	BIT(48)

/*
 * Prediction restriction by vEL2, which NV traps. What vEL2 calls EL2 and EL1 is EL1 in the hardware,
 * and its VMIDs and ASIDs are others there: all of them. Complete by the DSB that L1 needs anyhow.
 */
enum trap_result access_rctx(struct kvm_vcpu *vcpu, const struct sysreg_desc *desc,
			     struct sys_reg_params *p)
{
	u64 context = RCTX_GASID | RCTX_GVMID | RCTX_NS | (p->val & RCTX_EL ? RCTX_EL1 : 0);

	(void)vcpu, (void)desc;
	switch (p->enc) {
	case SYS_CFP_RCTX:
		asm volatile("sys #3, c7, c3, #4, %0" : : "r"(context));
		return TRAP_HANDLED;
	case SYS_DVP_RCTX:
		asm volatile("sys #3, c7, c3, #5, %0" : : "r"(context));
		return TRAP_HANDLED;
	case SYS_CPP_RCTX:
		asm volatile("sys #3, c7, c3, #7, %0" : : "r"(context));
		return TRAP_HANDLED;
	default:	/* COSP: FEAT_SPECRES2 is not offered */
		return TRAP_UNDEF;
	}
}
