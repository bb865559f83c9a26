/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Between the files of L1's emulated GIC. Host only; the dist lock is held where that matters.
 */
#ifndef VGIC_PRIV_H
#define VGIC_PRIV_H

#include <kvm_host.h>
#include <lock.h>

static inline void vgic_lock(struct kvm *kvm)
{
	lock(&kvm->vgic.lock);
}

static inline void vgic_unlock(struct kvm *kvm)
{
	unlock(&kvm->vgic.lock);
}

/* The interrupt @intid as @vcpu sees it, NULL if there is none. */
static inline struct vgic_irq *vgic_get_irq(struct kvm_vcpu *vcpu, u32 intid)
{
	if (intid < VGIC_NR_PRIVATE)
		return &vcpu->arch.vgic.private[intid];
	if (intid < VGIC_NR_IRQS)
		return &vcpu->kvm->vgic.spi[intid - VGIC_NR_PRIVATE];
	return NULL;
}

static inline bool vgic_irq_is_pending(const struct vgic_irq *irq)
{
	return irq->latch || (irq->line && (!irq->edge || irq->hw));
}

static inline bool vgic_irq_in_flight(const struct vgic_irq *irq)
{
	return irq->active || vgic_irq_is_pending(irq);
}

/* After any change of an interrupt's state: it becomes a candidate for a list register or not. */
void vgic_irq_update(struct kvm_vcpu *vcpu, struct vgic_irq *irq);

/* The same when software, not the physical interrupt, changed it: the physical state follows. */
void vgic_irq_changed(struct kvm_vcpu *vcpu, struct vgic_irq *irq, bool was_in_flight);

/* @irq, @vcpu's or an SPI, may have become pending: its CPU must look, if it is not this one. */
void vgic_irq_kick(struct kvm_vcpu *vcpu, const struct vgic_irq *irq);

/*
 * For an access of @vcpu to the interrupts of others, with the lock held: @other, or whoever has @irq in a list
 * register, stays outside of vgic_begin until vgic_resume. *@paused: bitmap of vcpu_ids for that. The lock
 * is given up meanwhile; true if it was, and then all has to be looked at again.
 */
bool vgic_pause(struct kvm_vcpu *vcpu, struct kvm_vcpu *other, u32 *paused);
bool vgic_recall(struct kvm_vcpu *vcpu, const struct vgic_irq *irq, u32 *paused);
void vgic_resume(struct kvm *kvm, u32 paused);

/* The interrupts that are handed through, as their physical inputs are now. With the lock held. */
void vgic_retract_spis(struct kvm_vcpu *vcpu);

/* SPI: irouter changed. */
void vgic_irq_route(struct kvm *kvm, struct vgic_irq *irq);

/* L1's ICH_VMCR and APRs as of now, L2's too: brought to memory by EL2 (hyp/host/vgic-hyp.c). */
void vgic_fetch_vmcr(struct kvm_vcpu *vcpu);

#endif
