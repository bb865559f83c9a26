// SPDX-License-Identifier: GPL-2.0-only
/*
 * Between exit and entry: which virtual EL runs next, and everything that follows from it. EL2.
 */
#include <check.h>
#include <debug.h>
#include <insn.h>
#include <kvm_hyp.h>
#include <nested.h>
#include <trace.h>
#include <ttlb.h>

/* Whose translations this CPU's TLB has. */
static DEFINE_PER_CPU(struct kvm_vcpu *, last_vcpu);

void nested_bank_changed(struct kvm_vcpu *vcpu, enum loaded_bank from)
{
	enum loaded_bank to = vcpu->arch.loaded_bank;

	if (from == BANK_NONE) {
		/* nested_load() has set GIC and timers for @to, and VNCR_EL2 for vEL2. */
		if (to == BANK_VEL1 && (vcpu->arch.hcr_el2 & HCR_NV2))
			nested_vncr_load(vcpu);
		return;
	}
	if (shadow_is_tge(vcpu))
		timer_hyp_switch(vcpu, from, to);	/* interrupts stay L1's */
	else if (to == BANK_VEL1)
		nested_devices_to_vel1(vcpu, from);
	else if (from == BANK_VEL1)
		nested_devices_to_vel2(vcpu, to);
	else
		timer_hyp_switch(vcpu, from, to);
}

void nested_set_bank(struct kvm_vcpu *vcpu)
{
	enum loaded_bank from = kvm_arm_setup_shadow_state(vcpu);

	if (vcpu->arch.loaded_bank != from)
		nested_bank_changed(vcpu, from);
}

/* L1 has just handled a stage-2 fault of its guest: fill the shadow before it is asked for. */
void nested_prefill(struct kvm_vcpu *vcpu)
{
	/* Its host kernel runs first, at vEL1: the guest is still to come. */
	if (vcpu->arch.hw_mmu != vcpu->arch.prefill_mmu)
		return;
	vcpu->arch.prefill = false;
	/* It went on behind the access: that was emulated, there is no page to look for. */
	if (*vcpu_pc(vcpu) != vcpu->arch.prefill_pc)
		return;
	s2_shadow_prefill(vcpu->arch.hw_mmu, vcpu->arch.prefill_ipa);
}

/*
 * What the ERET before it, had the hardware executed it, would not have taken from SPSR_EL2: reserved bits, and SS
 * unless software step is enabled.
 */
static void as_if_returned(struct kvm_vcpu *vcpu)
{
	u64 pstate = *vcpu_cpsr(vcpu);

	if (!(pstate & PSR_MODE32))
		pstate &= PSR_AARCH64;
	if ((pstate & PSR_SS) && !debug_steps_vel1(vcpu, pstate))
		pstate &= ~PSR_SS;
	*vcpu_cpsr(vcpu) = pstate;
}

/*
 * An interrupt of L1's own ends its guest's run, whatever that guest masks (R_FZNQF). After the bank
 * is loaded: only the switch from vEL2 finds out which of L1's interrupts are still pending.
 *
 * vEL2 itself takes them from the list registers, even where HCR_EL2.{IMO,TGE} = {0,0} makes them EL1's,
 * to stay pending: under NV2 L1 changes these bits by a store, and one that is too early does less harm
 * than one held back until an exit that need not come.
 */
void nested_deliver_to_l1(struct kvm_vcpu *vcpu)
{
	u64 hcr = vcpu_hcr_el2(vcpu);

	if (is_hyp_ctxt(vcpu))
		return;
	as_if_returned(vcpu);
	if ((vgic_irq_pending_for_l1(vcpu) & VGIC_L1_IRQ) && (hcr & (HCR_IMO | HCR_TGE)))
		kvm_inject_nested(vcpu, 0, EXCEPT_IRQ);
	else if ((vgic_irq_pending_for_l1(vcpu) & VGIC_L1_FIQ) && (hcr & (HCR_FMO | HCR_TGE)))
		kvm_inject_nested(vcpu, 0, EXCEPT_FIQ);
	else
		return;
	nested_set_bank(vcpu);
}

/*
 * vCPUs share VMIDs, but each may give an ASID a meaning of its own (no CnP), and a stage 1 of one is not
 * the other's: what the last one left in this CPU's TLB must go. What a vCPU itself left here it finds again
 * when it comes back from another CPU, less all that it has invalidated there: none of its TLBIs is local, as
 * HCR_EL2.FB makes those broadcast that do not trap, s2_emulate_tlbi() the others, and
 * HCR_EL2.BSU the barriers with which it waits for them.
 */
static void take_over_tlb(struct kvm_vcpu *vcpu)
{
	struct kvm_vcpu **last = __hyp_this_cpu_ptr(last_vcpu);

	if (*last == vcpu)
		return;
	if (*last)
		s2_flush_this_cpu();
	*last = vcpu;
}

static void nested_load(struct kvm_vcpu *vcpu)
{
	take_over_tlb(vcpu);
	if (nested_mech->vncr)
		nested_vncr_unload(vcpu);
	debug_hyp_load(vcpu);
	vgic_hyp_load(vcpu);
	timer_hyp_load(vcpu, kvm_arm_wanted_bank(*vcpu_cpsr(vcpu), vcpu_hcr_el2(vcpu)));
}

static void nested_put(struct kvm_vcpu *vcpu)
{
	check_loaded(vcpu);
	timer_hyp_put(vcpu);
	vgic_hyp_put(vcpu);
	kvm_arm_unload_bank(vcpu);	/* with MDSCR_EL1, before it becomes the host's */
	debug_hyp_put(vcpu);
	check_put(vcpu);
}

static void nested_enter(struct kvm_vcpu *vcpu)
{
	bool fresh = vcpu->arch.loaded_bank == BANK_NONE;

	insn_host_runs(false);
	ttlb_hyp_enter(vcpu);
	if (!fresh) {
		/* What the host, or another vCPU, may have changed while this bank stayed loaded. */
		shadow_refresh_cptr(vcpu);
		if (vcpu->arch.loaded_bank == BANK_VEL2_E2H && vcpu->arch.ttlb == TTLB_TRAPS &&
		    !(vcpu->arch.hcr_el2 & HCR_TTLB))
			shadow_refresh_hcr(vcpu);
		if (unlikely(vcpu->arch.l1_vncr))
			nested_vncr_load(vcpu);
	}
	nested_prepare_entry(vcpu);
	vgic_hyp_enter(vcpu);
	timer_hyp_enter(vcpu);
	trace_return(vcpu);
}

/*
 * A virtual SError that the guest has taken is gone from HCR_EL2 (R_GXWRC): the host's way back into the
 * guest must not bring it again.
 */
static void forget_taken_serror(struct kvm_vcpu *vcpu)
{
	if (read_sysreg(HCR_EL2) & HCR_VSE)
		return;
	vcpu->arch.hcr_el2 &= ~HCR_VSE;
	__vcpu_sys_reg(vcpu, HCR_EL2) &= ~HCR_VSE;
}

static void nested_leave(struct kvm_vcpu *vcpu)
{
	if (unlikely(vcpu->arch.hcr_el2 & HCR_VSE))
		forget_taken_serror(vcpu);
	if (unlikely(vcpu->arch.l1_vncr))
		nested_vncr_leave(vcpu);
	timer_hyp_sync(vcpu);
	vgic_hyp_exit(vcpu);
	ttlb_hyp_leave(vcpu);
	insn_host_runs(true);
}

const struct hyp_upcalls hyp_exit_handlers = {
	.sync = nested_sync_exit,
	.irq = nested_irq_exit,
	.serror = nested_serror_exit,
	.enter = nested_enter,
	.leave = nested_leave,
	.load = nested_load,
	.put = nested_put,
};
