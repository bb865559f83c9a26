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

#define READ_ARGS	const struct kvm_vcpu *vcpu __maybe_unused, const struct vgic_irq *irq
typedef u32 (*irq_read_fn)(READ_ARGS);
typedef void (*irq_write_fn)(struct kvm_vcpu *vcpu, struct vgic_irq *irq, u32 val);

static u32 rd_group(READ_ARGS) { return irq->group1; }
static u32 rd_enable(READ_ARGS) { return irq->enabled; }
static u32 rd_active(READ_ARGS) { return irq->active; }
static u32 rd_prio(READ_ARGS) { return irq->priority; }
static u32 rd_cfg(READ_ARGS) { return irq->edge ? 2 : 0; }

/* While it is active, only the physical GIC knows the level of a hw interrupt's input. */
static u32 rd_pend(READ_ARGS)
{
	return vgic_irq_is_pending(irq) || (irq->hw && gic_irq_is_pending(vcpu, irq->hwintid));
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

/* An access to a few bits each of some interrupts. False: none has such a register. */
struct irq_access {
	const struct irq_reg *reg;
	bool gicr;		/* of a redistributor: private interrupts; else SPIs */
	u32 first, n;		/* INTIDs; n is 0 for a size that the register does not have */
};

static bool find_irqs(bool gicr, u64 offset, unsigned int size, struct irq_access *a)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(irq_regs); i++) {
		const struct irq_reg *r = &irq_regs[i];

		if (offset < r->offset || offset >= r->offset + 1024U * r->bits / 8)
			continue;
		a->reg = r;
		a->gicr = gicr;
		a->first = (u32)(offset - r->offset) * 8 / r->bits;
		a->n = size == 4 || (size == 1 && r->bits == 8) ? size * 8 / r->bits : 0;
		return true;
	}
	return false;
}

/* Number @k of them as @vcpu sees it, NULL if it is of the other kind or not there. */
static struct vgic_irq *nth_irq(struct kvm_vcpu *vcpu, const struct irq_access *a, u32 k)
{
	return (a->first + k < VGIC_NR_PRIVATE) == a->gicr ? vgic_get_irq(vcpu, a->first + k) :
							     NULL;
}

static void irqs_access(struct kvm_vcpu *vcpu, const struct irq_access *a, bool is_write, u64 *val)
{
	unsigned int bits = a->reg->bits;
	u32 mask = (1U << bits) - 1;
	u64 out = 0;

	for (u32 k = 0; k < a->n; k++) {
		struct vgic_irq *irq = nth_irq(vcpu, a, k);

		if (!irq)
			continue;
		if (!is_write) {
			out |= (u64)a->reg->read(vcpu, irq) << k * bits;
			continue;
		}
		a->reg->write(vcpu, irq, (u32)(*val >> k * bits) & mask);
		if (vgic_irq_in_flight(irq))
			vgic_irq_kick(vcpu, irq);
	}
	if (!is_write)
		*val = out;
}

/* Private interrupts are in @vcpu's redistributor (@gicr), SPIs in the distributor. */
static bool irq_reg_access(struct kvm_vcpu *vcpu, bool gicr, u64 offset, bool is_write,
			   unsigned int size, u64 *val)
{
	struct irq_access a;

	if (!find_irqs(gicr, offset, size, &a))
		return false;
	irqs_access(vcpu, &a, is_write, val);
	return true;
}

/* PIDR/CIDR of a GICv3 distributor or redistributor, 0xffd0..0xffff. */
static u32 id_reg(u64 offset, u32 pidr0)
{
	static const u8 ids[12] = { 0x44, 0, 0, 0, 0, 0xb4, 0x3b, 0, 0x0d, 0xf0, 0x05, 0xb1 };
	unsigned int n = (unsigned int)(offset - 0xffd0) / 4;

	return n == 4 ? pidr0 : ids[n];
}

/* --- distributor --- */

static bool is_irouter(u64 offset)
{
	return offset >= 0x6100 && offset < 0x6100 + VGIC_NR_SPIS * 8;
}

static struct vgic_irq *irouter_irq(struct kvm *kvm, u64 offset)
{
	return &kvm->vgic.spi[(offset - 0x6100) / 8];
}

static void irouter_access(struct kvm *kvm, u64 offset, bool is_write, unsigned int size, u64 *val)
{
	struct vgic_irq *irq = irouter_irq(kvm, offset);
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

/* A group that is let through now may have what somebody waits for. */
static void write_ctlr(struct kvm *kvm, u32 ctlr)
{
	bool more = ctlr & ~kvm->vgic.ctlr;

	kvm->vgic.ctlr = ctlr;
	for (int i = 0; i < kvm->nr_vcpus && more; i++)
		kvm_vcpu_kick(kvm->vcpus[i]);
}

static void gicd_access(struct kvm_vcpu *vcpu, u64 offset, bool is_write, unsigned int size,
			u64 *val)
{
	struct vgic_dist *dist = &vcpu->kvm->vgic;

	if (irq_reg_access(vcpu, false, offset, is_write, size, val))
		return;
	if (is_irouter(offset)) {
		irouter_access(vcpu->kvm, offset, is_write, size, val);
		return;
	}
	if (size != 4)
		return;
	if (offset == 0x0) {
		if (is_write)
			write_ctlr(vcpu->kvm, (u32)*val & GICD_CTLR_ENABLES);
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

/* --- interrupts that another CPU has in its hands --- */

static bool recall_irqs(struct kvm_vcpu *vcpu, struct kvm_vcpu *owner, const struct irq_access *a,
			u32 *paused)
{
	for (u32 k = 0; k < a->n; k++) {
		struct vgic_irq *irq = nth_irq(owner, a, k);

		if (irq && vgic_recall(vcpu, irq, paused))
			return true;
	}
	return false;
}

/*
 * One more vCPU that must pause for @vcpu's access to the distributor, or to @owner's redistributor
 * (NULL: the distributor): see vgic.h. False: all do.
 */
static bool pause_one(struct kvm_vcpu *vcpu, struct kvm_vcpu *owner, u64 offset, bool is_write,
		      unsigned int size, u32 *paused)
{
	struct kvm *kvm = vcpu->kvm;
	struct irq_access a;

	if (owner) {
		if (offset < GICR_SGI_OFFSET ||
		    !find_irqs(true, offset - GICR_SGI_OFFSET, size, &a))
			return false;
		return is_write ? vgic_pause(vcpu, owner, paused) :
				  recall_irqs(vcpu, owner, &a, paused);
	}
	if (find_irqs(false, offset, size, &a))
		return recall_irqs(vcpu, vcpu, &a, paused);
	if (!is_write)
		return false;
	if (is_irouter(offset))
		return vgic_recall(vcpu, irouter_irq(kvm, offset), paused);
	/* GICD_CTLR: what its groups no longer let through must not be in a list register. */
	for (int i = 0; i < kvm->nr_vcpus && !offset; i++) {
		if (vgic_pause(vcpu, kvm->vcpus[i], paused))
			return true;
	}
	return false;
}

bool vgic_mmio(struct kvm_vcpu *vcpu, u64 ipa, bool is_write, unsigned int size, u64 *val)
{
	struct kvm_vcpu *owner = NULL;
	struct kvm *kvm = vcpu->kvm;
	u64 offset = ipa - VGIC_GICD_IPA;
	u32 paused = 0;

	if (offset >= VGIC_GICD_SIZE) {
		offset = ipa - VGIC_GICR_IPA;
		if (offset >= VGIC_GICR_STRIDE * (unsigned int)kvm->nr_vcpus)
			return false;
		owner = kvm->vcpus[offset / VGIC_GICR_STRIDE];
		offset %= VGIC_GICR_STRIDE;
	}
	if (!is_write)
		*val = 0;
	if (ipa & (size - 1))
		return true;
	vgic_lock(kvm);
	while (pause_one(vcpu, owner, offset, is_write, size, &paused))
		;
	if (owner) {
		gicr_access(owner, offset, is_write, size, val);
	} else {
		vgic_retract_spis(vcpu);
		gicd_access(vcpu, offset, is_write, size, val);
	}
	vgic_unlock(kvm);
	vgic_resume(kvm, paused);
	return true;
}
