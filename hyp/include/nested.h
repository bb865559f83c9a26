/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Virtual EL2: routing of exits, injection, ERET, the mechanism, and the shadow state under it.
 * All of it runs at EL2.
 */
#ifndef NESTED_H
#define NESTED_H

#include <ablation.h>
#include <at.h>
#include <debug.h>
#include <kvm_hyp.h>
#include <shadow.h>
#include <s2.h>

/* Types of exception, by vector offset (Arm ARM, AArch64.TakeException). */
enum except_type {
	EXCEPT_SYNC = 0x000,
	EXCEPT_IRQ = 0x080,
	EXCEPT_FIQ = 0x100,
	EXCEPT_SERROR = 0x180,
};

/*
 * How L1's EL2 accesses reach L0. One is chosen at boot; adding one means adding a row.
 */
struct nested_mech {
	const char *name;
	u64 hcr_e2h;	/* HCR_EL2 bits at vEL2 with E2H=1 */
	u64 hcr_nvhe;	/* ... with E2H=0 */
	u64 tcpac_nvhe;	/* CPTR_EL2.TCPAC at a vEL2 with E2H=0 */
	bool vncr;	/* VNCR_EL2 points at sys_regs[] */
	u8 nv;		/* ID_AA64MMFR2_EL1.NV of L1, at most */
	bool plain;	/* the hardware knows of no vEL2: it is EL1 in all that the CPU shows of it */
	bool page;	/* vEL2 itself reads and writes the first page of sys_regs[] */
};
extern const struct nested_mech nested_mechs[];
extern const struct nested_mech *nested_mech;	/* the one in use */

/* --- shadow/sysregs.c: shadow state --- */

/* Unload the bank: everything of it back into sys_regs[]. */
void kvm_arm_unload_bank(struct kvm_vcpu *vcpu);

/* Reset: hw_sys_regs, registers of sys_regs[] to their rows' reset values. */
void kvm_arm_init_cpu_context(struct kvm_vcpu *vcpu);

/* Things that a change of a loaded EL2 register's virtual value must also change in the hardware. */
void shadow_refresh_nvhe(struct kvm_vcpu *vcpu);
/* HCR_EL2 of the hardware for the loaded bank, again: L1 wrote its own or armed TLBI trapping. */
void shadow_refresh_hcr(struct kvm_vcpu *vcpu);
void shadow_refresh_cptr(struct kvm_vcpu *vcpu);
/* What an SVE instruction or a ZCR gets for CPTR_EL2.ZEN and FPEN. ISS: CV and COND of AArch64. */
#define ESR_OF_SVE	(((u64)ESR_EC_SVE << ESR_EC_SHIFT) | ESR_IL)
#define ESR_OF_FP	(((u64)ESR_EC_FP_ASIMD << ESR_EC_SHIFT) | ESR_IL | (0x1eULL << 20))
/* ZCR_EL2 at vEL2, where it is the bank's vector length. Under CAP_SVE. */
u64 shadow_read_zcr_el2(const struct kvm_vcpu *vcpu);
void shadow_write_zcr_el2(struct kvm_vcpu *vcpu, u64 val);

/* What selects the stage 2 of vEL1&0: L1's current registers. */
struct s2_guest nested_s2_guest(const struct kvm_vcpu *vcpu);

/* --- nested/bank.c --- */

/* The bank that the virtual state wants, with its GIC and timers, and what is pending for L1. */
void nested_set_bank(struct kvm_vcpu *vcpu);
void nested_bank_changed(struct kvm_vcpu *vcpu, enum loaded_bank from);
void nested_deliver_to_l1(struct kvm_vcpu *vcpu);
void nested_prefill(struct kvm_vcpu *vcpu);

/* --- nested/vncr.c: L1's guest at its own virtual EL2 --- */
void nested_vncr_load(struct kvm_vcpu *vcpu);
void nested_vncr_leave(struct kvm_vcpu *vcpu);
void nested_vncr_tlbi(struct kvm_vcpu *vcpu);
void nested_vncr_unload(struct kvm_vcpu *vcpu);
enum host_exit nested_vncr_exit(struct kvm_vcpu *vcpu, u64 esr);

/*
 * What follows a change of bank. The order: registers of the old bank are saved and those of the new
 * loaded first, then the GIC's list registers change hands, then the timers, whose interrupts'
 * physical state follows the lists.
 */
static inline void nested_devices_to_vel2(struct kvm_vcpu *vcpu, enum loaded_bank to)
{
	vgic_hyp_switch_to_vel2(vcpu);
	timer_hyp_switch(vcpu, BANK_VEL1, to);
	if (unlikely(vcpu->arch.l1_vncr))
		nested_vncr_unload(vcpu);
}

static inline void nested_devices_to_vel1(struct kvm_vcpu *vcpu, enum loaded_bank from)
{
	vgic_hyp_switch_to_l2(vcpu);
	timer_hyp_switch(vcpu, from, BANK_VEL1);
	if (unlikely(vcpu->arch.prefill))
		nested_prefill(vcpu);
	if (unlikely(vcpu->arch.hcr_el2 & HCR_NV2))
		nested_vncr_load(vcpu);
}

/* Before every entry. */
static inline void nested_prepare_entry(struct kvm_vcpu *vcpu)
{
	enum loaded_bank from = kvm_arm_setup_shadow_state(vcpu);

	if (unlikely(from != vcpu->arch.loaded_bank))
		nested_bank_changed(vcpu, from);
	/* At vEL1&0 the hardware's MDSCR_EL1 is the current one. */
	if (vcpu->arch.loaded_bank != BANK_VEL1)
		debug_hyp_enter_vel2(vcpu);
	if (unlikely(vgic_irq_pending_for_l1(vcpu)))
		nested_deliver_to_l1(vcpu);
}

/* --- nested/inject.c --- */

/* An exception to vEL2: L1 sees it with syndrome @esr. PC/PSTATE become the vector's. */
void kvm_inject_nested_sync(struct kvm_vcpu *vcpu, u64 esr);
void kvm_inject_nested(struct kvm_vcpu *vcpu, u64 esr, enum except_type type);
/* An exception to vEL1 (SP_EL1 etc. of whoever owns the VEL1 bank). */
void kvm_inject_el1(struct kvm_vcpu *vcpu, u64 esr, enum except_type type);
/* UNDEFINED instruction, to the EL that the architecture routes it to from here. */
void kvm_inject_undefined(struct kvm_vcpu *vcpu);
/* Data/instruction abort with syndrome and FAR, to the EL that a stage-1 abort goes to. */
void kvm_inject_abort(struct kvm_vcpu *vcpu, u64 esr, u64 far);

/* --- nested/eret.c --- */
/* ERET at vEL2: PC and PSTATE become what it returns to, or the illegal state. */
enum host_exit nested_eret_exit(struct kvm_vcpu *vcpu, u64 esr);

/* --- nested/tge.c --- */
/* What the hardware has taken to EL1 from vEL0 under TGE with E2H=0 becomes an exception to vEL2. */
void nested_tge_exception(struct kvm_vcpu *vcpu);

/* --- nested/pauth.c --- */
/*
 * ERETAA or ERETAB (@esr says which) to *@target, which is authenticated as the registers of the bank
 * that is loaded ask. False: it fails with an exception instead of a poisoned address.
 */
bool pauth_eret_target(const struct kvm_vcpu *vcpu, u64 esr, u64 *target);

/* --- nested/exit.c --- */

#define PSR_BTYPE	(3UL << 10)
/* What an instruction that is done leaves behind cleared: a step is over, too. */
#define PSR_OF_ONE_INSN	(PSR_BTYPE | PSR_SS)

static inline void kvm_skip_instr(struct kvm_vcpu *vcpu)
{
	vcpu->arch.ctxt.regs.pc += 4;
	vcpu->arch.ctxt.regs.pstate &= ~PSR_OF_ONE_INSN;
}

/* The same for instructions that AArch32 has, too, with the exit's syndrome. In the host as well. */
void skip_instr_aa32(struct kvm_vcpu *vcpu, u64 esr);
static inline void kvm_skip_any_instr(struct kvm_vcpu *vcpu, u64 esr)
{
	if (unlikely(vcpu->arch.ctxt.regs.pstate & PSR_MODE32))
		skip_instr_aa32(vcpu, esr);
	else
		kvm_skip_instr(vcpu);
}

/* What the trace ring is to say of the exit. */
static inline void exit_outcome(struct kvm_vcpu *vcpu, unsigned int reason, enum outcome outcome)
{
	if (alternative_has_cap(CAP_TRACE)) {
		vcpu->arch.exit_reason = (u8)reason;
		vcpu->arch.exit_outcome = (u8)outcome;
	}
}

/* Whether a trapped access by the name of @desc's row counts as served: only vEL2's do. */
static inline bool sysreg_is_served(const struct kvm_vcpu *vcpu, const struct sysreg_desc *desc,
				    bool is_write)
{
	return alternative_has_cap(CAP_ABLATE) && vcpu->arch.loaded_bank != BANK_VEL1 &&
	       ablation_serves((unsigned int)(desc - sysreg_descs), is_write);
}

/* The exit is dealt with: count it. */
static inline void exit_done(struct kvm_vcpu *vcpu, unsigned int reason, enum outcome outcome)
{
	vcpu->arch.stats.exits[vcpu->arch.exit_level][reason][outcome]++;
	exit_outcome(vcpu, reason, outcome);
}

enum host_exit nested_sync_exit(struct kvm_vcpu *vcpu);
enum host_exit nested_irq_exit(struct kvm_vcpu *vcpu);
enum host_exit nested_serror_exit(struct kvm_vcpu *vcpu);

/* --- nested/sysreg.c, nested/abort.c: exit handlers by class --- */
enum host_exit nested_sys64_exit(struct kvm_vcpu *vcpu, u64 esr);
enum host_exit nested_abort_exit(struct kvm_vcpu *vcpu, u64 esr);
/* The access in vcpu->arch.fault hit nothing: what the bus answers. For the host. */
void nested_external_abort(struct kvm_vcpu *vcpu);

/* --- nested/sysinsn.c --- */
/* What a walk of the vCPU's own tables depends on: registers, features, L1's memory. */
void nested_at_context(const struct kvm_vcpu *vcpu, struct at_ctx *ctx);

/* --- nested/setup.c --- */

/* A new vCPU of @kvm, number @id: all zero, in memory that the host has set aside. */
void nested_vcpu_create(struct kvm_vcpu *vcpu, struct kvm *kvm, int id);
/* EL2's one-time set-up of a vCPU, from the host: features, ID registers, reset values. */
int nested_vcpu_init(struct kvm_vcpu *vcpu);


/* --- nested/marker.c --- */
/* The marker HVC, while markers_on. */
void marker_hvc(struct kvm_vcpu *vcpu);
extern bool markers_on;

#endif
