// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every exit of a guest comes through here: whose business is it? EL2, interrupts masked.
 *
 * A handler either deals with the exit (emulates it, or turns it into an exception to vEL2 or
 * vEL1), counts it with exit_done() and returns HOST_EXIT_RESUME; or leaves it to the host. Exits
 * taken at vEL2 are L0's to emulate; of those from vEL1&0 L1 gets what its control registers ask.
 */
#include <abi.h>
#include <check.h>
#include <insn.h>
#include <psci.h>
#include <pv.h>
#include <trace.h>

#include <kvm_hyp.h>
#include <nested.h>

#include "sysreg-access.h"

#define PSR_IT_HIGH	GENMASK_ULL(15, 10)
#define PSR_IT_LOW	GENMASK_ULL(26, 25)

typedef enum host_exit (*sync_handler)(struct kvm_vcpu *vcpu, u64 esr);

static bool from_vel1(const struct kvm_vcpu *vcpu)
{
	return vcpu->arch.loaded_bank == BANK_VEL1;
}

/* ITSTATE (AArch32 SPSR: IT[7:2] in bits 15:10, IT[1:0] in 26:25) goes on by AArch32.ITAdvance(). */
__shared_text void skip_instr_aa32(struct kvm_vcpu *vcpu, u64 esr)
{
	u64 pstate = *vcpu_cpsr(vcpu);
	u64 it = FIELD_GET(PSR_IT_HIGH, pstate) << 2 | FIELD_GET(PSR_IT_LOW, pstate);

	it = it & 7 ? (it & 0xe0) | (it << 1 & 0x1f) : 0;
	*vcpu_cpsr(vcpu) = (pstate & ~(PSR_IT_HIGH | PSR_IT_LOW | PSR_SS)) |
			   FIELD_PREP(PSR_IT_HIGH, it >> 2) | FIELD_PREP(PSR_IT_LOW, it & 3);
	*vcpu_pc(vcpu) += esr & ESR_IL ? 4 : 2;
}

static inline enum host_exit forward(struct kvm_vcpu *vcpu, enum exit_reason reason, u64 esr)
{
	exit_done(vcpu, reason, OUT_FORWARDED);
	kvm_inject_nested_sync(vcpu, esr);
	return HOST_EXIT_RESUME;
}

static enum host_exit undefined(struct kvm_vcpu *vcpu, u64 esr)
{
	exit_done(vcpu, exit_reason_sync(esr), OUT_REFLECTED);
	kvm_inject_undefined(vcpu);
	return HOST_EXIT_RESUME;
}

static enum host_exit handle_hvc(struct kvm_vcpu *vcpu, u64 esr)
{
	if (unlikely((esr & ESR_IMM16) == MARKER_HVC) && markers_on) {
		marker_hvc(vcpu);
		return HOST_EXIT_RESUME;
	}
	if (unlikely(vcpu_hcr_el2(vcpu) & HCR_HCD)) {
		*vcpu_pc(vcpu) -= 4;	/* UNDEFINED: the exception is on the HVC, not after it */
		return undefined(vcpu, esr);
	}
	return forward(vcpu, EXIT_HVC, esr);
}

static enum host_exit handle_smc(struct kvm_vcpu *vcpu, u64 esr)
{
	if (from_vel1(vcpu) && (vcpu_hcr_el2(vcpu) & HCR_TSC))
		return forward(vcpu, EXIT_SMC, esr);
	exit_done(vcpu, EXIT_SMC, OUT_HANDLED);
	kvm_skip_instr(vcpu);
	return psci_fast(vcpu) ? HOST_EXIT_RESUME : HOST_EXIT_SMC;
}

static enum host_exit handle_wfx(struct kvm_vcpu *vcpu, u64 esr)
{
	bool wfe = esr & ESR_WFX_WFE;

	if (from_vel1(vcpu) && (vcpu_hcr_el2(vcpu) & (wfe ? HCR_TWE : HCR_TWI)))
		return forward(vcpu, EXIT_WFX, esr);
	exit_done(vcpu, EXIT_WFX, OUT_HANDLED);
	kvm_skip_any_instr(vcpu, esr);
	return wfe ? HOST_EXIT_RESUME : HOST_EXIT_WFI;
}

/*
 * Would L1's own CPTR_EL2 trap, from where the guest is, what bit @tfp of it (E2H=0) or field @fpen
 * (E2H=1) is for? At vEL2 CPACR_EL1 says so by itself.
 */
static bool l1_traps_fp(const struct kvm_vcpu *vcpu, u64 tfp, u64 fpen)
{
	u64 cptr = __vcpu_sys_reg(vcpu, CPTR_EL2);
	bool el0 = (*vcpu_cpsr(vcpu) & PSR_MODE_MASK) == PSR_MODE_EL0t;

	if (!from_vel1(vcpu))
		return false;
	if (!vcpu_el2_e2h_is_set(vcpu))
		return cptr & tfp;
	switch ((cptr & fpen) >> __builtin_ctzll(fpen)) {
	case 3:
		return false;
	case 1:
		return el0 && (vcpu_hcr_el2(vcpu) & HCR_TGE);
	default:
		return true;
	}
}

/* The registers are not this vCPU's: hand them over, and let it try again. */
static enum host_exit load_fp(struct kvm_vcpu *vcpu, enum exit_reason reason)
{
	exit_done(vcpu, reason, OUT_HANDLED);
	hyp_fpsimd_load(vcpu);
	shadow_refresh_cptr(vcpu);
	return HOST_EXIT_RESUME;
}

static enum host_exit handle_fp(struct kvm_vcpu *vcpu, u64 esr)
{
	if (l1_traps_fp(vcpu, CPTR_TFP, CPACR_FPEN))
		return forward(vcpu, EXIT_FP, esr);
	return load_fp(vcpu, EXIT_FP);
}

/*
 * ZEN is asked before FPEN. L0 closes both where L1 closes FPEN alone, so a ZCR_EL1 of that guest is a
 * trap of FP to L1, as it is on QEMU's EL2 (the register's pseudocode does not ask FPEN).
 */
static enum host_exit handle_sve(struct kvm_vcpu *vcpu, u64 esr)
{
	if (!(vcpu->kvm->vcpu_features & BIT(FEAT_SVE)))
		return undefined(vcpu, esr);
	if (l1_traps_fp(vcpu, CPTR_TZ, CPACR_ZEN))
		return forward(vcpu, EXIT_SVE, esr);
	if (l1_traps_fp(vcpu, CPTR_TFP, CPACR_FPEN))
		return forward(vcpu, EXIT_SVE, ESR_OF_FP);
	return load_fp(vcpu, EXIT_SVE);
}

static enum host_exit handle_pauth(struct kvm_vcpu *vcpu, u64 esr)
{
	return from_vel1(vcpu) && (vcpu->kvm->vcpu_features & BIT(FEAT_PAUTH)) ?
	       forward(vcpu, EXIT_PAUTH, esr) : undefined(vcpu, esr);
}

/* Routed to EL2 only by controls that L1 alone can have set (HFGITR_EL2.SVC_EL0/1, of A32 too). */
static enum host_exit handle_svc(struct kvm_vcpu *vcpu, u64 esr)
{
	return forward(vcpu, exit_reason_sync(esr), esr);
}

/* Debug exceptions come to EL2 only by L1's MDCR_EL2.TDE (or TGE, where vEL2 takes them untrapped). */
static enum host_exit handle_debug(struct kvm_vcpu *vcpu, u64 esr)
{
	if (!from_vel1(vcpu))
		return undefined(vcpu, esr);
	if (ESR_EC(esr) == ESR_EC_WATCHPT_LOW)
		vcpu_write_sys_reg(vcpu, read_sysreg(far_el2), FAR_EL2);
	return forward(vcpu, exit_reason_sync(esr), esr);
}

/* Fine-grained traps of what AArch32 EL0 reaches through CP15: TPIDRURW, TPIDRURO; the RCTX instructions. */
static bool fgt_wants_cp15(const struct kvm_vcpu *vcpu, u64 esr)
{
	unsigned int n = (esr >> 10) & 15, op2 = (esr >> 17) & 7;
	enum vcpu_sysreg reg = ESR_SYS_IS_READ(esr) ? HFGRTR_EL2 : HFGWTR_EL2;

	if (!(vcpu->kvm->vcpu_features & BIT(FEAT_FGT)) || ESR_EC(esr) != ESR_EC_CP15_32)
		return false;
	if (n == 7)
		return __vcpu_sys_reg(vcpu, HFGITR_EL2) &
		       (HFGITR_CFPRCTX | HFGITR_DVPRCTX | HFGITR_CPPRCTX);
	return n == 13 && (__vcpu_sys_reg(vcpu, reg) &
			   (op2 == 2 ? HFGRTR_TPIDR_EL0 : op2 == 3 ? HFGRTR_TPIDRRO_EL0 : 0));
}

/*
 * AArch32 EL0's accesses to CP15: L1's by HSTR_EL2.T<n> (n is CRn, of a 64-bit access CRm), by
 * CNTHCTL_EL2 (c14: L0 lets those through), by HCR_EL2.TIDCP or by a fine-grained trap. Everything else is not there.
 */
static enum host_exit handle_cp15(struct kvm_vcpu *vcpu, u64 esr)
{
	unsigned int n = (esr >> (ESR_EC(esr) == ESR_EC_CP15_32 ? 10 : 1)) & 15;

	if (from_vel1(vcpu) && ((__vcpu_sys_reg(vcpu, HSTR_EL2) & BIT(n)) || n == 14 ||
				(vcpu_hcr_el2(vcpu) & HCR_TIDCP) || fgt_wants_cp15(vcpu, esr)))
		return forward(vcpu, exit_reason_sync(esr), esr);
	return undefined(vcpu, esr);
}

/* AArch32 EL0's debug registers (CP14): only by L1's MDCR_EL2, which is all that can trap them at vEL1. */
static enum host_exit handle_cp14(struct kvm_vcpu *vcpu, u64 esr)
{
	if (!from_vel1(vcpu) ||
	    !(__vcpu_sys_reg(vcpu, MDCR_EL2) & (MDCR_TDE | MDCR_TDA | MDCR_TDRA)))
		return undefined(vcpu, esr);
	return forward(vcpu, exit_reason_sync(esr), esr);
}

/* A data abort "from EL2" that was taken from EL1: on the VNCR page. L0's own never faults. */
static enum host_exit handle_vncr(struct kvm_vcpu *vcpu, u64 esr)
{
	BUG_ON(!from_vel1(vcpu) || !(esr & ESR_VNCR));
	return nested_vncr_exit(vcpu, esr);
}

/* Every class has a handler: what nobody routes to EL2 is UNDEFINED where it was executed. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpragmas"
#pragma GCC diagnostic ignored "-Wunknown-warning-option"
#pragma GCC diagnostic ignored "-Winitializer-overrides"
#pragma GCC diagnostic ignored "-Woverride-init"
static const sync_handler sync_handlers[64] = {
	[0 ... 63] = undefined,
	[ESR_EC_WFX] = handle_wfx,
	[ESR_EC_CP15_32] = handle_cp15,
	[ESR_EC_CP15_64] = handle_cp15,
	[ESR_EC_CP14_32] = handle_cp14,
	[ESR_EC_CP14_LS] = handle_cp14,
	[ESR_EC_FP_ASIMD] = handle_fp,
	[ESR_EC_SVE] = handle_sve,
	[ESR_EC_PAC] = handle_pauth,
	[ESR_EC_CP14_64] = handle_cp14,
	[ESR_EC_SVC32] = handle_svc,
	[ESR_EC_SVC64] = handle_svc,
	[ESR_EC_HVC64] = handle_hvc,
	[ESR_EC_SMC64] = handle_smc,
	[ESR_EC_SYS64] = nested_sys64_exit,
	[ESR_EC_ERET] = nested_eret_exit,
	[ESR_EC_IABT_LOW] = nested_abort_exit,
	[ESR_EC_DABT_LOW] = nested_abort_exit,
	[ESR_EC_DABT_CUR] = handle_vncr,
	[ESR_EC_BREAKPT_LOW] = handle_debug,
	[ESR_EC_SOFTSTP_LOW] = handle_debug,
	[ESR_EC_WATCHPT_LOW] = handle_debug,
	[ESR_EC_BKPT32] = handle_debug,
	[ESR_EC_BRK64] = handle_debug,
};
#pragma GCC diagnostic pop

/* Has the hardware taken an exception to EL1 that is vEL2's? Then the exit is its first instruction. */
static inline bool tge_at_vector(const struct kvm_vcpu *vcpu)
{
	return shadow_is_tge(vcpu) && (*vcpu_cpsr(vcpu) & PSR_MODE_MASK) == PSR_MODE_EL1h;
}

static noinline enum host_exit tge_exit(struct kvm_vcpu *vcpu, u64 esr)
{
	exit_done(vcpu, exit_reason_sync(esr), OUT_FORWARDED);
	nested_tge_exception(vcpu);
	return HOST_EXIT_RESUME;
}

static noinline enum host_exit sync_exit(struct kvm_vcpu *vcpu, u64 esr)
{
	enum host_exit ret;

	if (unlikely(kvm_arm_restore_shadow_state(vcpu)))
		nested_set_bank(vcpu);
	trace_exit(vcpu, esr);
	if (unlikely(tge_at_vector(vcpu)))
		ret = tge_exit(vcpu, esr);
	else
		ret = sync_handlers[ESR_EC(esr)](vcpu, esr);
	trace_outcome(vcpu);
	if (ret == HOST_EXIT_RESUME) {
		nested_prepare_entry(vcpu);
		trace_return(vcpu);
	}
	return ret;
}

#define ESR_OF_ERET	(((u64)ESR_EC_ERET << ESR_EC_SHIFT) | ESR_IL)

/* The fast paths below are for a VHE L1 under nv2, and leave nothing in the trace ring. */
static inline bool fast_paths(u64 hcr)
{
	return alternative_has_cap(CAP_NV2) && !alternative_has_cap(CAP_TRACE) && (hcr & HCR_E2H);
}

static inline void count_fast(struct kvm_vcpu *vcpu, enum level level, enum exit_reason reason,
			      enum outcome outcome)
{
	vcpu->arch.exit_level = (u8)level;
	vcpu->arch.stats.exits[level][reason][outcome]++;
}

/*
 * ERET of vEL2: to itself or its user space, which is the same bank, or to vEL1&0. Everything that
 * sync_exit() would do for it, in a row. False: not an ERET of that kind.
 */
static __always_inline bool eret_of_vel2(struct kvm_vcpu *vcpu, u64 hcr)
{
	u64 spsr, mode, legal = BIT(PSR_MODE_EL0t) | BIT(PSR_MODE_EL2h);

	if (vcpu->arch.loaded_bank != BANK_VEL2_E2H)
		return false;
	if (!(hcr & HCR_TGE))
		legal |= BIT(PSR_MODE_EL1t) | BIT(PSR_MODE_EL1h);
	spsr = read_sysreg_el1(SPSR);
	mode = spsr & (PSR_MODE32 | PSR_MODE_MASK);
	if (!(BIT(mode) & legal))
		return false;
	vcpu->arch.ctxt.regs.pc = read_sysreg_el1(ELR);
	vcpu->arch.ctxt.regs.pstate = spsr;
	vcpu->arch.ctxt.hw_pstate = mode == PSR_MODE_EL2h ? spsr ^ PSR_MODE_EL_SWAP : spsr;
	count_fast(vcpu, LEVEL_L1, EXIT_ERET, OUT_HANDLED);
	if (mode == PSR_MODE_EL2h || (hcr & HCR_TGE)) {
		debug_hyp_enter_vel2(vcpu);
		return true;
	}
	kvm_arm_vel2_e2h_to_vel1(vcpu);
	nested_devices_to_vel1(vcpu, BANK_VEL2_E2H);
	if (unlikely(vgic_irq_pending_for_l1(vcpu)))
		nested_deliver_to_l1(vcpu);
	return true;
}

/* HVC of vEL1: L1's, whatever it asks for. */
static __always_inline bool hvc_of_vel1(struct kvm_vcpu *vcpu, u64 esr, u64 hcr)
{
	if (vcpu->arch.loaded_bank != BANK_VEL1 || (hcr & HCR_HCD) ||
	    (esr & ESR_IMM16) == MARKER_HVC)
		return false;
	vcpu->arch.ctxt.regs.pc = read_sysreg(elr_el2);
	vcpu->arch.ctxt.regs.pstate = read_sysreg(spsr_el2);
	count_fast(vcpu, hcr & (HCR_VM | HCR_DC) ? LEVEL_L2 : LEVEL_L1, EXIT_HVC, OUT_FORWARDED);
	kvm_inject_nested_sync(vcpu, esr);
	vcpu->arch.ctxt.hw_pstate = vcpu->arch.ctxt.regs.pstate ^ PSR_MODE_EL_SWAP;
	kvm_arm_vel1_to_vel2_e2h(vcpu);
	nested_devices_to_vel2(vcpu, BANK_VEL2_E2H);
	return true;
}

/* Of a trapped MSR or MRS: one of EL2's own names (op0=3, op1=4), or an identification register. */
#define ESR_SYS_OP0_OP1		((3U << 20) | (7U << 14))
#define ESR_SYS_EL2_NAME	((3U << 20) | (4U << 14))
#define ESR_SYS_CRN		(15U << 10)
#define ESR_SYS_ID_NAME		(3U << 20)

static inline bool el2_or_id_name(u64 esr)
{
	return (esr & ESR_SYS_OP0_OP1) == ESR_SYS_EL2_NAME ||
	       (esr & (ESR_SYS_OP0_OP1 | ESR_SYS_CRN)) == ESR_SYS_ID_NAME;
}

/*
 * MSR or MRS at vEL2 of a register that only vEL2 has, or that it sees as itself: nobody's business
 * but the register's handler's. An nVHE L1 does a dozen of these for each exit of its L2; under nv
 * Linux reads its per-CPU offset like this two million times while it boots. What a handler
 * refuses, or leaves to the host, goes the general way from the beginning: the handler is called again.
 */
static noinline __no_stack_protector enum host_exit
vel2_reg_exit(struct kvm_vcpu *vcpu, u64 esr)
{
	u32 enc = esr_sys_enc(esr);
	const struct sysreg_desc *desc = sysreg_lookup(enc);
	u64 spsr = read_sysreg(spsr_el2), pc = read_sysreg(elr_el2);
	struct sys_reg_params p;
	sysreg_access_fn *access;

	if (!desc || !(spsr & PSR_MODE_EL1t) ||
	    !(vcpu_hcr_el2(vcpu) & HCR_E2H) == (vcpu->arch.loaded_bank == BANK_VEL2_E2H))
		return sync_exit(vcpu, esr);
	/* No alias has such an encoding: the row is the register's own. */
	access = sysreg_plain_access[desc->base];
	if (!access)
		return sync_exit(vcpu, esr);
	p.enc = enc;
	p.rt = ESR_SYS_RT(esr);
	p.is_write = !ESR_SYS_IS_READ(esr);
	p.via = VIA_NAME;
	vcpu->arch.ctxt.regs.pc = pc;
	vcpu->arch.ctxt.regs.pstate = (spsr & ~PSR_OF_ONE_INSN) ^ PSR_MODE_EL_SWAP;
	if (p.is_write)
		p.val = vcpu_get_reg(vcpu, p.rt);
	if (access(vcpu, desc, &p) != TRAP_HANDLED)
		return sync_exit(vcpu, esr);
	count_fast(vcpu, LEVEL_L1, EXIT_SYSREG, OUT_HANDLED);
	vcpu->arch.stats.sysregs[desc->base][p.is_write]++;
	trace_exit(vcpu, esr);
	exit_outcome(vcpu, EXIT_SYSREG, OUT_HANDLED);
	trace_outcome(vcpu);
	if (!p.is_write)
		vcpu_set_reg(vcpu, p.rt, p.val);
	vcpu->arch.ctxt.regs.pc = pc + 4;
	vcpu->arch.ctxt.hw_pstate = spsr & ~PSR_OF_ONE_INSN;
	debug_hyp_enter_vel2(vcpu);
	trace_return(vcpu);
	return HOST_EXIT_RESUME;
}

static __always_inline enum host_exit fast_or_sync_exit(struct kvm_vcpu *vcpu, u64 esr)
{
	u64 hcr = READ_ONCE(__vcpu_sys_reg(vcpu, HCR_EL2));

	/* All of the syndrome: ERETAA and ERETAB have work of their own. */
	if (esr == ESR_OF_ERET && fast_paths(hcr) && eret_of_vel2(vcpu, hcr))
		return HOST_EXIT_RESUME;
	if (esr >> ESR_EC_SHIFT == ESR_EC_HVC64 && fast_paths(hcr) && hvc_of_vel1(vcpu, esr, hcr))
		return HOST_EXIT_RESUME;
	if (esr >> ESR_EC_SHIFT == ESR_EC_SYS64 && vcpu->arch.loaded_bank != BANK_VEL1 &&
	    el2_or_id_name(esr))
		return vel2_reg_exit(vcpu, esr);
	return sync_exit(vcpu, esr);
}

/* Copies of their own, so that the plain one needs no stack for the calls. */
static noinline enum host_exit counted_sync_exit(struct kvm_vcpu *vcpu, u64 esr)
{
	insn_account(vcpu, exit_reason_sync(esr));
	return fast_or_sync_exit(vcpu, esr);
}

static noinline enum host_exit pv_sync_exit(struct kvm_vcpu *vcpu, u64 esr)
{
	if (ESR_EC(esr) == ESR_EC_HVC64)
		esr = nested_pv_syndrome(vcpu, esr);
	else if (ESR_EC(esr) == ESR_EC_IABT_LOW || ESR_EC(esr) == ESR_EC_DABT_LOW)
		nested_pv_leave(vcpu);
	if (alternative_has_cap(CAP_INSN))
		return counted_sync_exit(vcpu, esr);
	return fast_or_sync_exit(vcpu, esr);
}

enum host_exit nested_sync_exit(struct kvm_vcpu *vcpu)
{
	u64 esr = read_sysreg(esr_el2);

	check_exit(vcpu);
	if (alternative_has_cap(CAP_PV))
		return pv_sync_exit(vcpu, esr);
	if (alternative_has_cap(CAP_INSN))
		return counted_sync_exit(vcpu, esr);
	return fast_or_sync_exit(vcpu, esr);
}

enum host_exit nested_irq_exit(struct kvm_vcpu *vcpu)
{
	check_exit(vcpu);
	if (alternative_has_cap(CAP_PV))
		nested_pv_leave(vcpu);
	insn_exit_begins(vcpu, EXIT_IRQ);
	if (unlikely(kvm_arm_restore_shadow_state(vcpu)))
		nested_set_bank(vcpu);
	trace_exit(vcpu, 0);
	exit_done(vcpu, EXIT_IRQ, OUT_HANDLED);
	if (unlikely(tge_at_vector(vcpu)))
		nested_tge_exception(vcpu);
	trace_outcome(vcpu);
	return HOST_EXIT_IRQ;
}

enum host_exit nested_serror_exit(struct kvm_vcpu *vcpu)
{
	check_exit(vcpu);
	if (alternative_has_cap(CAP_PV))
		nested_pv_leave(vcpu);
	insn_exit_begins(vcpu, EXIT_SERROR);
	if (unlikely(kvm_arm_restore_shadow_state(vcpu)))
		nested_set_bank(vcpu);
	trace_exit(vcpu, read_sysreg(ESR_EL2));
	exit_done(vcpu, EXIT_SERROR, OUT_HANDLED);
	if (unlikely(tge_at_vector(vcpu)))
		nested_tge_exception(vcpu);
	trace_outcome(vcpu);
	return HOST_EXIT_SERROR;
}
