/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Between the files of L1's emulated GIC. Host only; the dist lock is held where that matters.
 */
#ifndef VGIC_PRIV_H
#define VGIC_PRIV_H

#include <kvm_host.h>

static inline void vgic_lock(struct kvm *kvm)
{
	while (__atomic_exchange_n(&kvm->vgic.lock, 1, __ATOMIC_ACQUIRE))
		;
}

static inline void vgic_unlock(struct kvm *kvm)
{
	__atomic_store_n(&kvm->vgic.lock, 0, __ATOMIC_RELEASE);
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

/* SPI: irouter changed. */
void vgic_irq_route(struct kvm *kvm, struct vgic_irq *irq);

/* L1's ICH_VMCR and APRs as of now, L2's too: brought to memory by EL2 (hyp/host/vgic-hyp.c). */
void vgic_fetch_vmcr(struct kvm_vcpu *vcpu);

#endif
