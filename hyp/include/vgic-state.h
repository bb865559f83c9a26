/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a GICv3 virtual CPU interface would say of itself, computed from the values of its ICH_*
 * registers. Pure functions: EL2 uses them for L1's ICH_* interface, the host to know what wakes a
 * vCPU, the unit tests run them on the build machine.
 */
#ifndef VGIC_STATE_H
#define VGIC_STATE_H

#include <types.h>
#include <vgic.h>

/* The registers of one virtual CPU interface. */
struct ich_state {
	u64 hcr, vmcr;
	const u64 *lr, *ap0r, *ap1r;
	unsigned int nr_lrs, nr_aprs;
};

static inline bool ich_lr_is_free(u64 lr)
{
	/* ICH_ELRSR_EL2: invalid, and no EOI maintenance to report. */
	return !(lr & ICH_LR_STATE) && ((lr & ICH_LR_HW) || !(lr & ICH_LR_EOI));
}

static inline bool ich_lr_has_eoi_maint(u64 lr)
{
	return (lr & (ICH_LR_STATE | ICH_LR_HW | ICH_LR_EOI)) == ICH_LR_EOI;
}

static inline u64 ich_elrsr(const struct ich_state *s)
{
	u64 v = 0;

	for (unsigned int i = 0; i < s->nr_lrs; i++)
		if (ich_lr_is_free(s->lr[i]))
			v |= BIT(i);
	return v;
}

static inline u64 ich_eisr(const struct ich_state *s)
{
	u64 v = 0;

	for (unsigned int i = 0; i < s->nr_lrs; i++)
		if (ich_lr_has_eoi_maint(s->lr[i]))
			v |= BIT(i);
	return v;
}

/* ICH_MISR_EL2 (pseudocode MaintenanceInterruptStatus); the interrupt also needs ICH_HCR_EL2.En. */
static inline u64 ich_misr(const struct ich_state *s)
{
	unsigned int valid = 0, pending = 0;
	u64 v = 0;

	for (unsigned int i = 0; i < s->nr_lrs; i++) {
		valid += (s->lr[i] & ICH_LR_STATE) != 0;
		pending += (s->lr[i] & ICH_LR_STATE) == ICH_LR_PENDING;
		if (ich_lr_has_eoi_maint(s->lr[i]))
			v |= ICH_MISR_EOI;
	}
	if ((s->hcr & ICH_HCR_UIE) && valid <= 1)
		v |= ICH_MISR_U;
	if ((s->hcr & ICH_HCR_LRENPIE) && (s->hcr & ICH_HCR_EOICOUNT))
		v |= ICH_MISR_LRENP;
	if ((s->hcr & ICH_HCR_NPIE) && !pending)
		v |= ICH_MISR_NP;
	if ((s->hcr & ICH_HCR_VGRP0EIE) && (s->vmcr & ICH_VMCR_VENG0))
		v |= ICH_MISR_VGRP0E;
	if ((s->hcr & ICH_HCR_VGRP0DIE) && !(s->vmcr & ICH_VMCR_VENG0))
		v |= ICH_MISR_VGRP0D;
	if ((s->hcr & ICH_HCR_VGRP1EIE) && (s->vmcr & ICH_VMCR_VENG1))
		v |= ICH_MISR_VGRP1E;
	if ((s->hcr & ICH_HCR_VGRP1DIE) && !(s->vmcr & ICH_VMCR_VENG1))
		v |= ICH_MISR_VGRP1D;
	return v;
}

/*
 * Group priority of the highest active priority, 0x100 if none is. One APR has 32 preemption
 * levels of 8 priorities each, two have 64 of 4, four have 128 of 2.
 */
static inline unsigned int ich_running_priority(const struct ich_state *s)
{
	unsigned int step = 8 / s->nr_aprs;

	for (unsigned int i = 0; i < s->nr_aprs; i++) {
		u32 active = (u32)(s->ap0r[i] | s->ap1r[i]);

		if (active)
			return (i * 32 + (unsigned int)__builtin_ctz(active)) * step;
	}
	return 0x100;
}

/* What a write of ICH_VMCR_EL2 leaves there: a binary point below its minimum becomes that. */
static inline u64 ich_vmcr_written(u64 vmcr, u64 vtr)
{
	u64 min0 = 6 - ((vtr >> ICH_VTR_PREBITS_SHIFT) & 7), min1 = min0 + 1;

	if ((vmcr & ICH_VMCR_VBPR0) >> ICH_VMCR_VBPR0_SHIFT < min0)
		vmcr = (vmcr & ~ICH_VMCR_VBPR0) | min0 << ICH_VMCR_VBPR0_SHIFT;
	if ((vmcr & ICH_VMCR_VBPR1) >> ICH_VMCR_VBPR1_SHIFT < min1)
		vmcr = (vmcr & ~ICH_VMCR_VBPR1) | min1 << ICH_VMCR_VBPR1_SHIFT;
	return vmcr;
}

/* The part of a priority that decides preemption: above the binary point of the group. */
static inline u32 ich_group_priority_mask(u64 vmcr, bool group1)
{
	unsigned int bpr = (vmcr >> ICH_VMCR_VBPR0_SHIFT) & 7;

	if (group1 && !(vmcr & ICH_VMCR_VCBPR)) {
		bpr = (vmcr >> ICH_VMCR_VBPR1_SHIFT) & 7;
		/* Group 1's binary point counts from one bit higher (0 is not possible). */
		bpr = bpr ? bpr - 1 : 0;
	}
	return 0xffU & ~((2U << bpr) - 1);
}

/* VGIC_L1_IRQ and VGIC_L1_FIQ: what this interface signals to its PE (En is the caller's). */
static inline unsigned int ich_signals(const struct ich_state *s)
{
	u32 pmr = (s->vmcr >> ICH_VMCR_VPMR_SHIFT) & 0xff;
	unsigned int best = 0x100, running;
	bool best_group1 = false;

	for (unsigned int i = 0; i < s->nr_lrs; i++) {
		u64 lr = s->lr[i];
		unsigned int prio = (lr & ICH_LR_PRIO) >> ICH_LR_PRIO_SHIFT;
		bool group1 = lr & ICH_LR_GROUP;

		if ((lr & ICH_LR_STATE) != ICH_LR_PENDING || prio >= best)
			continue;
		if (!(s->vmcr & (group1 ? ICH_VMCR_VENG1 : ICH_VMCR_VENG0)))
			continue;
		best = prio;
		best_group1 = group1;
	}
	if (best >= pmr)
		return 0;
	running = ich_running_priority(s);
	if (running != 0x100) {
		u32 mask = ich_group_priority_mask(s->vmcr, best_group1);

		if ((best & mask) >= (running & mask))
			return 0;
	}
	return best_group1 ? VGIC_L1_IRQ : VGIC_L1_FIQ;
}

#endif
