// SPDX-License-Identifier: GPL-2.0-only
/*
 * State of L1's interrupts: from their inputs into list registers and back.
 *
 * Host (EL2 under VHE, EL1 under nVHE), interrupts masked. Who may change what when: vgic.h.
 * Pure: reaches hardware only through gic_*() and vgic_fetch_vmcr(), so that the unit tests run it
 * on the build machine.
 *
 * vgic_flush() gives each interrupt in a list register away: what was pending moves into the
 * register (line of a hw interrupt, latch -> lr_latch) and vgic_sync() brings back what the guest
 * left. What arrives in between is kept apart in line and latch, so that it cannot be lost.
 */
#include <gic.h>
#include <kvm_host.h>
#include <vgic-state.h>

#include "vgic-priv.h"

void vgic_irq_update(struct kvm_vcpu *vcpu, struct vgic_irq *irq)
{
	struct vgic_dist *dist = &vcpu->kvm->vgic;
	bool candidate = vgic_irq_in_flight(irq);
	unsigned int word, n;

	if (irq->intid < VGIC_NR_PRIVATE) {
		u32 bit = 1U << irq->intid;
		struct vgic_cpu *vgic = &vcpu->arch.vgic;

		vgic->candidates = candidate ? vgic->candidates | bit : vgic->candidates & ~bit;
		if (bit & TIMER_PPIS)
			vgic->inflight = candidate ? vgic->inflight | bit : vgic->inflight & ~bit;
		return;
	}
	n = irq->intid - VGIC_NR_PRIVATE;
	word = n / 32;
	if (candidate)
		dist->candidates[word] |= 1U << n % 32;
	else
		dist->candidates[word] &= ~(1U << n % 32);
	if (dist->candidates[word])
		dist->candidate_words |= 1U << word;
	else
		dist->candidate_words &= ~(1U << word);
}

void vgic_irq_changed(struct kvm_vcpu *vcpu, struct vgic_irq *irq, bool was_in_flight)
{
	bool is = vgic_irq_in_flight(irq);

	/* Physically active exactly while in flight. */
	if (irq->hw && was_in_flight != is)
		gic_irq_set_active(vcpu, irq->hwintid, is);
	vgic_irq_update(vcpu, irq);
}

static void deactivate(struct kvm_vcpu *vcpu, struct vgic_irq *irq)
{
	irq->active = false;
	vgic_irq_changed(vcpu, irq, true);
}

void vgic_irq_route(struct kvm *kvm, struct vgic_irq *irq)
{
	irq->target = VGIC_NO_TARGET;
	for (int i = 0; i < kvm->nr_vcpus; i++)
		if (((kvm->vcpus[i]->arch.vgic.mpidr ^ irq->irouter) & 0xff00ffffffULL) == 0)
			irq->target = (u8)i;
}

static void irq_init(struct vgic_irq *irq, unsigned int intid)
{
	*irq = (struct vgic_irq){ .intid = (u16)intid, .in_lr = VGIC_NO_TARGET };
	irq->edge = intid < 16;
}

/* Reset state is that of a GIC with one security state: everything Group 0 and disabled. */
void vgic_init(struct kvm *kvm)
{
	struct vgic_dist *dist = &kvm->vgic;

	dist->lock = 0;
	dist->ctlr = 0;
	dist->candidate_words = 0;
	for (unsigned int i = 0; i < VGIC_NR_SPIS; i++) {
		irq_init(&dist->spi[i], VGIC_NR_PRIVATE + i);
		dist->candidates[i / 32] = 0;
	}
	dist->nr_hw = 0;
}

void vgic_hand_through(struct kvm *kvm, u32 intid)
{
	struct vgic_dist *dist = &kvm->vgic;
	struct vgic_irq *irq = &dist->spi[intid - VGIC_NR_PRIVATE];

	BUG_ON(dist->nr_hw == VGIC_MAX_HW || intid >= VGIC_NR_IRQS);
	irq->hw = true;
	irq->hwintid = (u16)intid;
	dist->hw[dist->nr_hw++] = (u16)intid;
}

bool vgic_is_handed_through(const struct kvm *kvm, u32 intid)
{
	return intid - VGIC_NR_PRIVATE < VGIC_NR_SPIS && kvm->vgic.spi[intid - VGIC_NR_PRIVATE].hw;
}

void vgic_reset_interface(struct kvm_vcpu *vcpu)
{
	struct vgic_cpu *vgic = &vcpu->arch.vgic;

	vgic->hcr = ICH_HCR_EN;
	/* Smallest binary points; the hardware raises them to what it has. */
	vgic->vmcr = ICH_VMCR_VFIQEN | BIT(ICH_VMCR_VBPR1_SHIFT);
	for (unsigned int i = 0; i < VGIC_MAX_APRS; i++)
		vgic->ap0r[i] = vgic->ap1r[i] = 0;
}

void vgic_vcpu_init(struct kvm_vcpu *vcpu, u64 mpidr)
{
	struct vgic_cpu *vgic = &vcpu->arch.vgic;

	*vgic = (struct vgic_cpu){ .mpidr = mpidr, .waker_sleep = true };
	vgic_reset_interface(vcpu);
	for (unsigned int i = 0; i < VGIC_NR_PRIVATE; i++)
		irq_init(&vgic->private[i], i);
	/* vCPUs come one by one: SPIs routed to affinity 0 find the first one. */
	for (unsigned int i = 0; i < VGIC_NR_SPIS; i++)
		vgic_irq_route(vcpu->kvm, &vcpu->kvm->vgic.spi[i]);
}

/* --- whose a vCPU's interrupts are --- */

void vgic_begin(struct kvm_vcpu *vcpu)
{
	struct vgic_cpu *vgic = &vcpu->arch.vgic;

	vgic->hcr = ICH_HCR_EN;
	/*
	 * Sequentially consistent, here, in vgic_pause and in trap_dir_of_others: one of the two sees the
	 * other.
	 */
	__atomic_store_n(&vgic->begun, 1, __ATOMIC_SEQ_CST);
	while (unlikely(__atomic_load_n(&vgic->paused, __ATOMIC_SEQ_CST))) {
		__atomic_store_n(&vgic->begun, 0, __ATOMIC_RELEASE);
		while (__atomic_load_n(&vgic->paused, __ATOMIC_RELAXED))
			;
		__atomic_store_n(&vgic->begun, 1, __ATOMIC_SEQ_CST);
	}
}

void vgic_end(struct kvm_vcpu *vcpu)
{
	__atomic_store_n(&vcpu->arch.vgic.begun, 0, __ATOMIC_RELEASE);
}

bool vgic_pause(struct kvm_vcpu *vcpu, struct kvm_vcpu *other, u32 *paused)
{
	struct vgic_cpu *vgic = &other->arch.vgic;
	u32 bit = 1U << other->vcpu_id;

	if (other == vcpu || (*paused & bit))
		return false;
	*paused |= bit;
	vgic_unlock(vcpu->kvm);
	__atomic_fetch_add(&vgic->paused, 1, __ATOMIC_SEQ_CST);
	/* Its CPU is in the guest, and then leaves it, or soon at the end of what it began. */
	if (__atomic_load_n(&vgic->begun, __ATOMIC_SEQ_CST))
		kvm_vcpu_kick(other);
	while (__atomic_load_n(&vgic->begun, __ATOMIC_ACQUIRE))
		;
	vgic_lock(vcpu->kvm);
	return true;
}

bool vgic_recall(struct kvm_vcpu *vcpu, const struct vgic_irq *irq, u32 *paused)
{
	return irq->in_lr != VGIC_NO_TARGET &&
	       vgic_pause(vcpu, vcpu->kvm->vcpus[irq->in_lr], paused);
}

void vgic_resume(struct kvm *kvm, u32 paused)
{
	for (; paused; paused &= paused - 1)
		__atomic_fetch_sub(&kvm->vcpus[__builtin_ctz(paused)]->arch.vgic.paused, 1,
				   __ATOMIC_RELEASE);
}

/* --- after an exit --- */

static void fold_lr(struct kvm_vcpu *vcpu, u64 lr)
{
	struct vgic_irq *irq = vgic_get_irq(vcpu, (u32)(lr & ICH_LR_VINTID));

	if (!irq)
		return;
	irq->active = lr & ICH_LR_ACTIVE;
	if (lr & ICH_LR_PENDING) {
		if (irq->lr_latch)
			irq->latch = true;
		else if (lr & ICH_LR_HW)
			irq->line = true;
	}
	irq->lr_latch = false;
	irq->in_lr = VGIC_NO_TARGET;
	vgic_irq_update(vcpu, irq);
	/* It became pending for another vCPU while this one had it active. */
	if (irq->intid >= VGIC_NR_PRIVATE && !irq->active && irq->target != vcpu->vcpu_id &&
	    vgic_irq_is_pending(irq))
		vgic_irq_kick(vcpu, irq);
}

static bool had_lr(const struct vgic_cpu *vgic, u32 intid)
{
	for (unsigned int i = 0; i < vgic->used_lrs; i++)
		if ((vgic->lr[i] & ICH_LR_VINTID) == intid)
			return true;
	return false;
}

/*
 * More active interrupts than list registers: the CPU interface counts EOIs that found none. The
 * guest deactivates in order of priority (EOImode 0; with 1, DIR traps and is exact).
 */
static void eoi_without_lr(struct kvm_vcpu *vcpu)
{
	struct vgic_cpu *vgic = &vcpu->arch.vgic;
	unsigned int count = (unsigned int)FIELD_GET(ICH_HCR_EOICOUNT, vgic->hcr);

	vgic->hcr &= ~ICH_HCR_EOICOUNT;
	vgic_fetch_vmcr(vcpu);
	if (vgic->vmcr & ICH_VMCR_VEOIM)
		return;
	while (count--) {
		struct vgic_irq *best = NULL;

		for (u32 intid = 0; intid < VGIC_NR_IRQS; intid++) {
			struct vgic_irq *irq = vgic_get_irq(vcpu, intid);

			if (irq->active && irq->owner == vcpu->vcpu_id && !had_lr(vgic, intid) &&
			    (!best || irq->priority < best->priority))
				best = irq;
		}
		if (!best)
			return;
		deactivate(vcpu, best);
	}
}

/* L1's maintenance interrupt is the level of its own ICH_MISR_EL2. */
static void update_maintenance(struct kvm_vcpu *vcpu)
{
	struct vgic_cpu *vgic = &vcpu->arch.vgic;
	u64 hcr = __vcpu_sys_reg(vcpu, ICH_HCR_EL2);
	bool level = false;

	if (hcr & ICH_HCR_EN) {
		struct ich_state s = {
			.hcr = hcr,
			.vmcr = __vcpu_sys_reg(vcpu, ICH_VMCR_EL2),
			.lr = &__vcpu_sys_reg(vcpu, ICH_LR0_EL2),
			.nr_lrs = vgic_hw.nr_lrs,
		};

		/* VMCR matters to few of the conditions, and is in the hardware while L2 is loaded. */
		if (hcr &
		    (ICH_HCR_VGRP0EIE | ICH_HCR_VGRP0DIE | ICH_HCR_VGRP1EIE | ICH_HCR_VGRP1DIE)) {
			vgic_fetch_vmcr(vcpu);
			s.vmcr = __vcpu_sys_reg(vcpu, ICH_VMCR_EL2);
		}
		level = ich_misr(&s);
	}
	if (level != vgic->maint) {
		vgic->maint = level;
		vgic_set_irq(vcpu->kvm, vcpu, VGIC_PPI_MAINT, level);
	}
}

void vgic_sync(struct kvm_vcpu *vcpu)
{
	struct vgic_cpu *vgic = &vcpu->arch.vgic;

	if (vgic->used_lrs) {
		vgic_lock(vcpu->kvm);
		for (unsigned int i = 0; i < vgic->used_lrs; i++)
			fold_lr(vcpu, vgic->lr[i]);
		if (vgic->hcr & ICH_HCR_EOICOUNT)
			eoi_without_lr(vcpu);
		vgic->used_lrs = 0;
		vgic_unlock(vcpu->kvm);
	}
	if (__vcpu_sys_reg(vcpu, ICH_HCR_EL2) | vgic->maint)
		update_maintenance(vcpu);
}

/* --- before an entry --- */

/*
 * A hw interrupt whose source fell silent before the guest took it is withdrawn. Nobody tells: it is looked at
 * whenever its state is about to matter, whether L1 has it enabled or not.
 */
static void retract_spi(struct kvm_vcpu *vcpu, u32 intid)
{
	struct vgic_irq *irq = vgic_get_irq(vcpu, intid);

	if (!irq->line || irq->active || gic_irq_is_pending(vcpu, irq->hwintid))
		return;
	irq->line = false;
	vgic_irq_changed(vcpu, irq, true);
}

void vgic_retract_spis(struct kvm_vcpu *vcpu)
{
	const struct vgic_dist *dist = &vcpu->kvm->vgic;

	for (unsigned int i = 0; i < dist->nr_hw; i++)
		retract_spi(vcpu, dist->hw[i]);
}

struct lr_pick {
	struct vgic_irq *irq[VGIC_MAX_LRS];
	u32 key[VGIC_MAX_LRS];
	unsigned int n, max;
	struct vgic_irq *best;		/* the pending one of the highest priority */
	u32 best_key;
	bool dropped_active, dropped_pending;
	bool elsewhere;			/* an SPI is, or may be by now, another vCPU's active one */
};

static void pick_dropped(struct lr_pick *p, const struct vgic_irq *irq)
{
	p->dropped_active |= irq->active;
	p->dropped_pending |= !irq->active;
}

/* Active ones first, because the guest is going to end them; then by priority. */
static void pick_add(struct lr_pick *p, struct vgic_irq *irq)
{
	u32 key = (irq->active ? 0 : 0x100000U) | (u32)irq->priority << 10 | irq->intid;
	unsigned int at = p->n;

	if (!irq->active && (!p->best || key < p->best_key)) {
		p->best = irq;
		p->best_key = key;
	}
	while (at && p->key[at - 1] > key)
		at--;
	if (p->n == p->max) {
		pick_dropped(p, at == p->n ? irq : p->irq[p->n - 1]);
		if (at == p->n)
			return;
		p->n--;
	}
	for (unsigned int i = p->n; i > at; i--) {
		p->irq[i] = p->irq[i - 1];
		p->key[i] = p->key[i - 1];
	}
	p->irq[at] = irq;
	p->key[at] = key;
	p->n++;
}

/* Whatever is active, the highest pending one must have its chance to preempt it. */
static void pick_finish(struct lr_pick *p)
{
	unsigned int last = p->max - 1;

	if (!p->best || p->n < p->max || !p->irq[last]->active)
		return;
	pick_dropped(p, p->irq[last]);
	p->irq[last] = p->best;
}

/* Does the distributor let it through to @vcpu? */
static bool is_forwarded(const struct kvm_vcpu *vcpu, const struct vgic_irq *irq)
{
	return irq->enabled && (vcpu->kvm->vgic.ctlr & (irq->group1 ? 2 : 1)) &&
	       (irq->intid < VGIC_NR_PRIVATE || irq->target == vcpu->vcpu_id);
}

static noinline bool pick_consider(struct kvm_vcpu *vcpu, struct lr_pick *p, struct vgic_irq *irq)
{
	if (irq->active ? irq->owner != vcpu->vcpu_id :
			  !vgic_irq_is_pending(irq) || !is_forwarded(vcpu, irq))
		return false;
	pick_add(p, irq);
	return true;
}

static void pick_spi(struct kvm_vcpu *vcpu, struct lr_pick *p, struct vgic_irq *irq)
{
	if (!pick_consider(vcpu, p, irq) && (irq->active || irq->in_lr != VGIC_NO_TARGET))
		p->elsewhere = true;
}

static u64 make_lr(struct kvm_vcpu *vcpu, struct vgic_irq *irq)
{
	/* An active one that is pending, too, may be disabled by now, or routed away. */
	bool pending = vgic_irq_is_pending(irq) && is_forwarded(vcpu, irq);
	u64 lr = irq->intid | FIELD_PREP(ICH_LR_PRIO, irq->priority);

	if (irq->group1)
		lr |= ICH_LR_GROUP;
	irq->in_lr = (u8)vcpu->vcpu_id;
	if (irq->active)
		lr |= ICH_LR_ACTIVE;
	if (irq->hw) {
		lr |= ICH_LR_HW | FIELD_PREP(ICH_LR_PINTID, irq->hwintid);
		irq->line = false;
		/*
		 * HW=1 cannot be active and pending. The physical interrupt raises the line again
		 * after its deactivation; what software latched waits.
		 */
		if (irq->active)
			return lr;
	} else if ((irq->line && !irq->edge) || (irq->latch && !pending)) {
		lr |= ICH_LR_EOI;	/* to look at the level, or at whose it is, again */
	}
	irq->owner = (u8)vcpu->vcpu_id;
	if (!pending)
		return lr;
	irq->lr_latch = irq->latch;
	irq->latch = false;
	return lr | ICH_LR_PENDING;
}

/* Deliverable to L1 while L2 runs. While L1 itself runs nobody asks: the hardware decides. */
static unsigned int l1_signals(const struct vgic_cpu *vgic)
{
	struct ich_state s = {
		.vmcr = vgic->vmcr, .lr = vgic->lr, .ap0r = vgic->ap0r, .ap1r = vgic->ap1r,
		.nr_lrs = vgic->used_lrs, .nr_aprs = vgic_hw.nr_aprs,
	};

	return ich_signals(&s);
}

static bool has_spi(const struct vgic_cpu *vgic)
{
	for (unsigned int i = 0; i < vgic->used_lrs; i++)
		if ((vgic->lr[i] & ICH_LR_VINTID) >= VGIC_NR_PRIVATE)
			return true;
	return false;
}

static bool runs_without_trap(const struct vgic_cpu *vgic)
{
	return __atomic_load_n(&vgic->begun, __ATOMIC_SEQ_CST) &&
	       !(__atomic_load_n(&vgic->hcr, __ATOMIC_RELAXED) & ICH_HCR_TDIR);
}

/*
 * @vcpu is about to get an SPI, which any CPU deactivates by ICC_DIR_EL1: from now on that traps on all others
 * (elsewhere), and those that are in their guest without that trap leave it first. Of two vCPUs that come here at once
 * the one that had the lock later has the trap, so that nobody waits for it.
 */
static noinline void trap_dir_of_others(struct kvm_vcpu *vcpu)
{
	if (!has_spi(&vcpu->arch.vgic))
		return;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	for (int i = 0; i < vcpu->kvm->nr_vcpus; i++) {
		struct kvm_vcpu *other = vcpu->kvm->vcpus[i];

		if (other == vcpu || !runs_without_trap(&other->arch.vgic))
			continue;
		kvm_vcpu_kick(other);
		while (runs_without_trap(&other->arch.vgic))
			;
	}
}

static noinline void fill_lrs(struct kvm_vcpu *vcpu)
{
	struct vgic_cpu *vgic = &vcpu->arch.vgic;
	struct vgic_dist *dist = &vcpu->kvm->vgic;
	struct lr_pick p;
	u64 hcr;

	vgic_lock(vcpu->kvm);
	p.n = 0;
	p.max = vgic_hw.nr_lrs;
	p.best = NULL;
	p.dropped_active = p.dropped_pending = p.elsewhere = false;
	vgic_retract_spis(vcpu);
	for (u32 m = vgic->candidates; m; m &= m - 1)
		pick_consider(vcpu, &p, &vgic->private[__builtin_ctz(m)]);
	for (u32 w = dist->candidate_words; w; w &= w - 1) {
		unsigned int word = (unsigned int)__builtin_ctz(w);

		for (u32 m = dist->candidates[word]; m; m &= m - 1)
			pick_spi(vcpu, &p, &dist->spi[word * 32 + (unsigned int)__builtin_ctz(m)]);
	}
	pick_finish(&p);
	for (unsigned int i = 0; i < p.n; i++)
		vgic->lr[i] = make_lr(vcpu, p.irq[i]);
	vgic->used_lrs = (u8)p.n;
	/* Come back when all pending ones are taken, or when an EOI or DIR finds no list register. */
	hcr = vgic->hcr;
	if (p.dropped_pending)
		hcr |= ICH_HCR_NPIE;
	if (p.dropped_active)
		hcr |= ICH_HCR_LRENPIE | ICH_HCR_TDIR;
	if (p.elsewhere)
		hcr |= ICH_HCR_TDIR;
	__atomic_store_n(&vgic->hcr, hcr, __ATOMIC_RELAXED);
	vgic_unlock(vcpu->kvm);
	if (dist->candidate_words && vcpu->kvm->nr_vcpus > 1)
		trap_dir_of_others(vcpu);
	vgic->l1_pending = (u8)l1_signals(vgic);
}

bool vgic_has_candidates(const struct kvm_vcpu *vcpu)
{
	return vcpu->arch.vgic.candidates | vcpu->kvm->vgic.candidate_words;
}

void vgic_flush(struct kvm_vcpu *vcpu)
{
	struct vgic_cpu *vgic = &vcpu->arch.vgic;

	if (vgic->used_lrs)
		vgic_sync(vcpu);
	vgic->l1_pending = 0;
	if (vgic_has_candidates(vcpu))
		fill_lrs(vcpu);
}

/* --- inputs --- */

void vgic_irq_kick(struct kvm_vcpu *vcpu, const struct vgic_irq *irq)
{
	if (irq->intid < VGIC_NR_PRIVATE)
		kvm_vcpu_kick(vcpu);
	else if (irq->target != VGIC_NO_TARGET)
		kvm_vcpu_kick(vcpu->kvm->vcpus[irq->target]);
}

void vgic_set_irq(struct kvm *kvm, struct kvm_vcpu *vcpu, u32 intid, bool level)
{
	struct vgic_irq *irq;

	if (!vcpu)
		vcpu = kvm->vcpus[0];
	irq = vgic_get_irq(vcpu, intid);
	if (!irq)
		return;
	vgic_lock(kvm);
	if (irq->edge && level && !irq->line)
		irq->latch = true;
	irq->line = level;
	vgic_irq_update(vcpu, irq);
	if (level)
		vgic_irq_kick(vcpu, irq);
	vgic_unlock(kvm);
}

void vgic_hw_irq_taken(struct kvm *kvm, struct kvm_vcpu *vcpu, u32 intid)
{
	struct vgic_irq *irq;

	if (!vcpu)
		vcpu = kvm->vcpus[0];
	irq = vgic_get_irq(vcpu, intid);
	vgic_lock(kvm);
	irq->line = true;
	vgic_irq_update(vcpu, irq);
	vgic_irq_kick(vcpu, irq);
	vgic_unlock(kvm);
}

static void send_sgi_to(struct kvm_vcpu *vcpu, unsigned int intid, bool group1)
{
	struct vgic_irq *irq = &vcpu->arch.vgic.private[intid];

	/* With one security state an SGI is forwarded only by the register of its group. */
	if (irq->group1 != group1)
		return;
	irq->latch = true;
	vgic_irq_update(vcpu, irq);
	kvm_vcpu_kick(vcpu);
}

void vgic_send_sgi(struct kvm_vcpu *vcpu, u64 sgir, bool group1)
{
	struct kvm *kvm = vcpu->kvm;
	unsigned int intid = (sgir >> 24) & 0xf;
	bool all_but_self = sgir & BIT(40);
	unsigned int range = (sgir >> 44) & 0xf;

	vgic_lock(kvm);
	for (int i = 0; i < kvm->nr_vcpus; i++) {
		struct kvm_vcpu *to = kvm->vcpus[i];
		u64 mpidr = to->arch.vgic.mpidr;
		u64 aff = (sgir >> 16 & 0xff) << 8 | (sgir >> 32 & 0xff) << 16 |
			  (sgir >> 48 & 0xff) << 32;
		unsigned int aff0 = mpidr & 0xff;

		if (all_but_self ? to == vcpu :
		    (mpidr & 0xff00ffff00ULL) != aff || aff0 / 16 != range ||
		    !(sgir & BIT(aff0 % 16)))
			continue;
		send_sgi_to(to, intid, group1);
	}
	vgic_unlock(kvm);
}

static void deactivate_anywhere(struct kvm_vcpu *vcpu, struct vgic_irq *irq)
{
	u32 paused = 0;

	vgic_lock(vcpu->kvm);
	while (vgic_recall(vcpu, irq, &paused))
		;
	if (irq->active)
		deactivate(vcpu, irq);
	vgic_unlock(vcpu->kvm);
	vgic_resume(vcpu->kvm, paused);
}

void vgic_write_dir(struct kvm_vcpu *vcpu, u64 intid)
{
	struct vgic_irq *irq = vgic_get_irq(vcpu, intid < VGIC_NR_IRQS ? (u32)intid : VGIC_NR_IRQS);

	vgic_fetch_vmcr(vcpu);
	/* With EOImode 0 it is UNPREDICTABLE; here, as in QEMU, without effect. */
	if (irq && (vcpu->arch.vgic.vmcr & ICH_VMCR_VEOIM))
		deactivate_anywhere(vcpu, irq);
}

void vgic_finish_ended(struct kvm_vcpu *vcpu)
{
	while (vcpu->arch.nr_ended)
		deactivate_anywhere(vcpu,
				    vgic_get_irq(vcpu, vcpu->arch.ended[--vcpu->arch.nr_ended]));
}

/* --- what ends a WFI --- */

bool vgic_has_pending(struct kvm_vcpu *vcpu)
{
	struct vgic_cpu *vgic = &vcpu->arch.vgic;
	struct ich_state l2 = {
		.lr = &__vcpu_sys_reg(vcpu, ICH_LR0_EL2),
		.ap0r = &__vcpu_sys_reg(vcpu, ICH_AP0R0_EL2),
		.ap1r = &__vcpu_sys_reg(vcpu, ICH_AP1R0_EL2),
		.nr_lrs = vgic_hw.nr_lrs, .nr_aprs = vgic_hw.nr_aprs,
	};

	vgic_fetch_vmcr(vcpu);
	vgic_flush(vcpu);
	if (vgic->l1_pending)
		return true;
	if (!(__vcpu_sys_reg(vcpu, HCR_EL2) & (HCR_IMO | HCR_FMO)) || is_hyp_ctxt(vcpu) ||
	    !(__vcpu_sys_reg(vcpu, ICH_HCR_EL2) & ICH_HCR_EN))
		return false;
	l2.vmcr = __vcpu_sys_reg(vcpu, ICH_VMCR_EL2);
	return ich_signals(&l2);
}
