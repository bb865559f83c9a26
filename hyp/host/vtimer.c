// SPDX-License-Identifier: GPL-2.0-only
/*
 * From the timers' outputs to L1's PPIs. Host, interrupts masked.
 *
 * A timer that the hardware has raises a physical interrupt, which is taken and then belongs to the
 * virtual one (irq->hw: list registers link the two). A background timer's PPI is a plain level,
 * computed by EL2 in timer.level.
 */
#include <gic.h>
#include <kvm_hyp.h>
#include <timer.h>
#include <vgic.h>

#include "vgic-priv.h"

void timer_vcpu_init(struct kvm_vcpu *vcpu, bool nv2)
{
	u64 pct = CNTHCTL_E2H_EL1PCTEN, pt = CNTHCTL_E2H_EL1PTEN;
	bool ecv = FIELD_GET(GENMASK_ULL(63, 60), read_sysreg(ID_AA64MMFR0_EL1));

	vcpu->arch.timer = (struct timer_cpu){
		.host_deadline = TIMER_NEVER,
		.hw_bank = BANK_NONE,
		.synced_bank = BANK_NONE,
		.nvhe_memory = nv2 && !ecv,
		.cnthctl_e2h = pct | pt | (nv2 && ecv ? CNTHCTL_NV_TRAPS : 0),
		.cnthctl_nvhe = nv2 && ecv ? pct | CNTHCTL_EL1TVT : pct | pt,
		.cnthctl_l1 = pct | pt |
			      (vcpu->kvm->vcpu_features & BIT(FEAT_ECV) ? CNTHCTL_ECV_TRAPS : 0),
	};
}

static struct vgic_irq *irq_of(struct kvm_vcpu *vcpu, enum timer_id id)
{
	return &vcpu->arch.vgic.private[timer_virq(id)];
}

static bool in_hw(const struct kvm_vcpu *vcpu, enum timer_id id)
{
	unsigned int bank = vcpu->arch.timer.hw_bank;

	return bank != BANK_NONE && (bank == BANK_VEL2_E2H) == (id >= TIMER_HV);
}

static u32 ppi_of(enum timer_id id)
{
	return id == TIMER_V || id == TIMER_HV ? GIC_PPI_CNTV : GIC_PPI_CNTP;
}

static bool hw_output(enum timer_id id)
{
	u64 ctl = ppi_of(id) == GIC_PPI_CNTV ? read_sysreg_el0(CNTV_CTL)
					     : read_sysreg_el0(CNTP_CTL);

	return (ctl & (TIMER_CTL_ENABLE | TIMER_CTL_IMASK | TIMER_CTL_ISTATUS)) ==
	       (TIMER_CTL_ENABLE | TIMER_CTL_ISTATUS);
}

/* The bank changed since the last look: which PPIs are linked to physical ones changed with it. */
static void update_links(struct kvm_vcpu *vcpu)
{
	struct timer_cpu *t = &vcpu->arch.timer;

	if (t->synced_bank == t->hw_bank)
		return;
	t->synced_bank = t->hw_bank;
	vgic_lock(vcpu->kvm);
	for (enum timer_id id = 0; id < NR_TIMERS; id++) {
		struct vgic_irq *irq = irq_of(vcpu, id);
		bool hw = in_hw(vcpu, id);

		irq->hwintid = (u16)ppi_of(id);
		/* An asserted level that is in flight is physically active by now; one that is active
		 * already is raised again by the hardware when it ends. */
		if (hw && !irq->hw && irq->active)
			irq->line = false;
		irq->hw = hw;
		vgic_irq_update(vcpu, irq);
	}
	vgic_unlock(vcpu->kvm);
}

static void sync_one(struct kvm_vcpu *vcpu, enum timer_id id)
{
	struct vgic_irq *irq = irq_of(vcpu, id);

	if (!irq->hw) {
		bool level = vcpu->arch.timer.level & BIT(id);

		if (level != irq->line)
			vgic_set_irq(vcpu->kvm, vcpu, irq->intid, level);
		return;
	}
	/* Taken, but the guest has stopped the timer before it took the interrupt: withdrawn. */
	if (irq->line && !irq->active && !irq->latch && !hw_output(id)) {
		vgic_lock(vcpu->kvm);
		irq->line = false;
		vgic_irq_changed(vcpu, irq, true);
		vgic_unlock(vcpu->kvm);
	}
}

void timer_sync(struct kvm_vcpu *vcpu)
{
	struct timer_cpu *t = &vcpu->arch.timer;
	struct vgic_cpu *vgic = &vcpu->arch.vgic;

	if (t->synced_bank == t->hw_bank && !t->level && !(vgic->inflight & TIMER_PPIS))
		return;
	/* A flush since the last exit has put them into list registers. */
	if (vgic->used_lrs)
		vgic_sync(vcpu);
	update_links(vcpu);
	for (enum timer_id id = 0; id < NR_TIMERS; id++)
		sync_one(vcpu, id);
}

bool timer_handle_irq(struct kvm_vcpu *vcpu, u32 intid)
{
	update_links(vcpu);
	for (enum timer_id id = 0; id < NR_TIMERS; id++) {
		if (ppi_of(id) != intid || !in_hw(vcpu, id))
			continue;
		/* The guest may have moved the deadline since; then nobody wants the interrupt. */
		if (!hw_output(id))
			return false;
		vgic_hw_irq_taken(vcpu->kvm, vcpu, timer_virq(id));
		return true;
	}
	return false;
}
