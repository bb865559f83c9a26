// SPDX-License-Identifier: GPL-2.0-only
/*
 * L1's distributor and redistributor registers (one security state, affinity routing always on, no
 * LPIs, no message-based SPIs).
 *
 * Host, interrupts masked, interrupt state synced (no interrupt is in a list register). Registers
 * that hold a few bits for each interrupt are rows of a table: they differ only in the number of
 * bits and in two functions on one interrupt. Everything not listed is RAZ/WI, as are accesses of a
 * size that a register does not have. Pure; unit-tested on the build machine.
 */
#include <gic.h>
#include <kvm_host.h>

#include "vgic-priv.h"

#define GICD_CTLR_ENABLES	0x3U
#define GICD_CTLR_ARE		BIT(4)
#define GICD_CTLR_DS		BIT(6)
#define GIC_IIDR		0x43bU		/* implementer: Arm */
#define GICR_WAKER_SLEEP	BIT(1)
#define GICR_WAKER_CHILDREN	BIT(2)

/* --- one interrupt's part of a register --- */

typedef u32 (*irq_read_fn)(const struct vgic_irq *irq);
typedef void (*irq_write_fn)(struct kvm_vcpu *vcpu, struct vgic_irq *irq, u32 val);

static u32 rd_group(const struct vgic_irq *irq) { return irq->group1; }
static u32 rd_enable(const struct vgic_irq *irq) { return irq->enabled; }
static u32 rd_active(const struct vgic_irq *irq) { return irq->active; }
static u32 rd_prio(const struct vgic_irq *irq) { return irq->priority; }
static u32 rd_cfg(const struct vgic_irq *irq) { return irq->edge ? 2 : 0; }

/* While it is active, only the physical GIC knows the level of a hw interrupt's input. */
static u32 rd_pend(const struct vgic_irq *irq)
{
	return vgic_irq_is_pending(irq) || (irq->hw && gic_irq_is_pending(irq->hwintid));
}

static void wr_group(struct kvm_vcpu *vcpu, struct vgic_irq *irq, u32 val)
{
	(void)vcpu;
	irq->group1 = val;
}

static void wr_set_enable(struct kvm_vcpu *vcpu, struct vgic_irq *irq, u32 val)
{
	(void)vcpu;
	irq->enabled |= val;
}

static void wr_clear_enable(struct kvm_vcpu *vcpu, struct vgic_irq *irq, u32 val)
{
	(void)vcpu;
	irq->enabled &= !val;
}

static void wr_pend(struct kvm_vcpu *vcpu, struct vgic_irq *irq, bool latch)
{
	bool was = vgic_irq_in_flight(irq);

	irq->latch = latch;
	vgic_irq_changed(vcpu, irq, was);
}

static void wr_active(struct kvm_vcpu *vcpu, struct vgic_irq *irq, bool active)
{
	bool was = vgic_irq_in_flight(irq);

	irq->active = active;
	irq->owner = (u8)vcpu->vcpu_id;
	vgic_irq_changed(vcpu, irq, was);
}

static void wr_set_pend(struct kvm_vcpu *vcpu, struct vgic_irq *irq, u32 val)
{
	if (val && !irq->latch)
		wr_pend(vcpu, irq, true);
}

static void wr_clear_pend(struct kvm_vcpu *vcpu, struct vgic_irq *irq, u32 val)
{
	if (val && irq->latch)
		wr_pend(vcpu, irq, false);
}

static void wr_set_active(struct kvm_vcpu *vcpu, struct vgic_irq *irq, u32 val)
{
	if (val && !irq->active)
		wr_active(vcpu, irq, true);
}

static void wr_clear_active(struct kvm_vcpu *vcpu, struct vgic_irq *irq, u32 val)
{
	if (val && irq->active)
		wr_active(vcpu, irq, false);
}

static void wr_prio(struct kvm_vcpu *vcpu, struct vgic_irq *irq, u32 val)
{
	(void)vcpu;
	irq->priority = (u8)val;
}

static void wr_cfg(struct kvm_vcpu *vcpu, struct vgic_irq *irq, u32 val)
{
	if (irq->intid < 16)
		return;		/* SGIs are always edge-triggered */
	irq->edge = val & 2;
	vgic_irq_update(vcpu, irq);
}

struct irq_reg {
	u16 offset;
	u8 bits;	/* for each interrupt */
	irq_read_fn read;
	irq_write_fn write;
};

/* The same offsets in the distributor (SPIs) and in a redistributor's SGI frame (SGIs and PPIs). */
static const struct irq_reg irq_regs[] = {
	{ 0x080, 1, rd_group, wr_group },
	{ 0x100, 1, rd_enable, wr_set_enable },
	{ 0x180, 1, rd_enable, wr_clear_enable },
	{ 0x200, 1, rd_pend, wr_set_pend },
	{ 0x280, 1, rd_pend, wr_clear_pend },
	{ 0x300, 1, rd_active, wr_set_active },
	{ 0x380, 1, rd_active, wr_clear_active },
	{ 0x400, 8, rd_prio, wr_prio },
	{ 0xc00, 2, rd_cfg, wr_cfg },
};

/* Private interrupts are in @vcpu's redistributor (@gicr), SPIs in the distributor. */
static bool irq_reg_access(struct kvm_vcpu *vcpu, bool gicr, u64 offset, bool is_write,
			   unsigned int size, u64 *val)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(irq_regs); i++) {
		const struct irq_reg *r = &irq_regs[i];
		u32 mask = (1U << r->bits) - 1, first, n;
		u64 out = 0;

		if (offset < r->offset || offset >= r->offset + 1024U * r->bits / 8)
			continue;
		if (size != 4 && !(size == 1 && r->bits == 8))
			return true;
		first = (u32)(offset - r->offset) * 8 / r->bits;
		n = size * 8 / r->bits;
		for (u32 k = 0; k < n; k++) {
			u32 intid = first + k;
			struct vgic_irq *irq = vgic_get_irq(vcpu, intid);

			if (!irq || (intid < VGIC_NR_PRIVATE) != gicr)
				continue;
			if (!is_write) {
				out |= (u64)r->read(irq) << k * r->bits;
				continue;
			}
			r->write(vcpu, irq, (u32)(*val >> k * r->bits) & mask);
			if (vgic_irq_in_flight(irq))
				vgic_irq_kick(vcpu, irq);
		}
		if (!is_write)
			*val = out;
		return true;
	}
	return false;
}

/* PIDR/CIDR of a GICv3 distributor or redistributor, 0xffd0..0xffff. */
static u32 id_reg(u64 offset, u32 pidr0)
{
	static const u8 ids[12] = { 0x44, 0, 0, 0, 0, 0xb4, 0x3b, 0, 0x0d, 0xf0, 0x05, 0xb1 };
	unsigned int n = (unsigned int)(offset - 0xffd0) / 4;

	return n == 4 ? pidr0 : ids[n];
}

/* --- distributor --- */

static void irouter_access(struct kvm *kvm, u64 offset, bool is_write, unsigned int size, u64 *val)
{
	struct vgic_irq *irq = &kvm->vgic.spi[(offset - 0x6100) / 8];
	unsigned int shift = offset & 4 ? 32 : 0;
	u64 mask = size == 8 ? ~0ULL : 0xffffffffULL << shift;

	if (size < 4)
		return;
	if (!is_write) {
		*val = (irq->irouter & mask) >> shift;
		return;
	}
	/* Affinities only: Interrupt_Routing_Mode is RES0 without 1 of N. */
	irq->irouter = ((irq->irouter & ~mask) | (*val << shift & mask)) & 0xff00ffffffULL;
	vgic_irq_route(kvm, irq);
	if (vgic_irq_in_flight(irq))
		vgic_irq_kick(kvm->vcpus[0], irq);
}

static void gicd_access(struct kvm_vcpu *vcpu, u64 offset, bool is_write, unsigned int size,
			u64 *val)
{
	struct vgic_dist *dist = &vcpu->kvm->vgic;

	if (irq_reg_access(vcpu, false, offset, is_write, size, val))
		return;
	if (offset >= 0x6100 && offset < 0x6100 + VGIC_NR_SPIS * 8) {
		irouter_access(vcpu->kvm, offset, is_write, size, val);
		return;
	}
	if (size != 4)
		return;
	if (offset == 0x0) {
		if (is_write)
			dist->ctlr = (u32)*val & GICD_CTLR_ENABLES;
		else
			*val = dist->ctlr | GICD_CTLR_ARE | GICD_CTLR_DS;
		return;
	}
	if (is_write)
		return;
	if (offset == 0x4)	/* No1N, A3V, 16 INTID bits, lines */
		*val = BIT(25) | BIT(24) | 0xf << 19 | (VGIC_NR_IRQS / 32 - 1);
	else if (offset == 0x8)
		*val = GIC_IIDR;
	else if (offset >= 0xffd0)
		*val = id_reg(offset, 0x92);
}

/* --- redistributor --- */

static u64 gicr_typer(const struct kvm_vcpu *owner)
{
	u64 mpidr = owner->arch.vgic.mpidr;
	u64 typer = (mpidr & 0xffffff) << 32 | (mpidr >> 32 & 0xff) << 56 |
		    (u64)owner->vcpu_id << 8;

	if (owner->vcpu_id == owner->kvm->nr_vcpus - 1)
		typer |= BIT(4);	/* Last */
	return typer;
}

static void gicr_access(struct kvm_vcpu *owner, u64 offset, bool is_write, unsigned int size,
			u64 *val)
{
	struct vgic_cpu *vgic = &owner->arch.vgic;

	if (offset >= GICR_SGI_OFFSET) {
		irq_reg_access(owner, true, offset - GICR_SGI_OFFSET, is_write, size, val);
		return;
	}
	if (size == 4 && offset == 0x14) {
		if (is_write)
			vgic->waker_sleep = *val & GICR_WAKER_SLEEP;
		else
			*val = vgic->waker_sleep ? GICR_WAKER_SLEEP | GICR_WAKER_CHILDREN : 0;
		return;
	}
	if (is_write)
		return;
	if (size == 8 && offset == 0x8)
		*val = gicr_typer(owner);
	if (size != 4)
		return;
	if (offset == 0x4)
		*val = GIC_IIDR;
	else if (offset == 0x8)
		*val = gicr_typer(owner) & 0xffffffff;
	else if (offset == 0xc)
		*val = gicr_typer(owner) >> 32;
	else if (offset >= 0xffd0)
		*val = id_reg(offset, 0x93);
}

bool vgic_mmio(struct kvm_vcpu *vcpu, u64 ipa, bool is_write, unsigned int size, u64 *val)
{
	struct kvm *kvm = vcpu->kvm;
	u64 offset;
	bool gicd = ipa - VGIC_GICD_IPA < VGIC_GICD_SIZE;

	if (!gicd && ipa - VGIC_GICR_IPA >= VGIC_GICR_STRIDE * (unsigned int)kvm->nr_vcpus)
		return false;
	if (!is_write)
		*val = 0;
	if (ipa & (size - 1))
		return true;
	vgic_lock(kvm);
	if (gicd) {
		gicd_access(vcpu, ipa - VGIC_GICD_IPA, is_write, size, val);
	} else {
		offset = ipa - VGIC_GICR_IPA;
		gicr_access(kvm->vcpus[offset / VGIC_GICR_STRIDE], offset % VGIC_GICR_STRIDE,
			    is_write, size, val);
	}
	vgic_unlock(kvm);
	return true;
}
