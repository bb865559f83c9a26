// SPDX-License-Identifier: GPL-2.0-only
/*
 * The hardware's virtual CPU interface, shared by L1's own interrupts and by those that L1 gives to
 * its L2 through ICH_*_EL2. EL2, interrupts masked, on the vCPU's own CPU: no lock.
 *
 * vgic_cpu.loaded says whose VMCR and APRs the hardware has, lrs_loaded whose list registers;
 * hw_lrs which of the hardware's are not 0, whoever wrote them. L1 writes its ICH_* registers
 * unseen under NV2: they are read again at each switch to L2, and used within what L0 allows.
 */
#include <gic.h>
#include <kvm_hyp.h>
#include <vgic-state.h>

struct vgic_hw_info vgic_hw __host_ro;

/* What of L1's ICH_HCR_EL2 reaches the hardware while L2 runs. */
#define L2_HCR_MASK	(ICH_HCR_EN | ICH_HCR_UIE | ICH_HCR_LRENPIE | ICH_HCR_NPIE |	\
			 ICH_HCR_VGRP0EIE | ICH_HCR_VGRP0DIE | ICH_HCR_VGRP1EIE |	\
			 ICH_HCR_VGRP1DIE | ICH_HCR_TC | ICH_HCR_TALL0 | ICH_HCR_TALL1 | \
			 ICH_HCR_TSEI | ICH_HCR_TDIR | ICH_HCR_EOICOUNT)
#define ICH_HCR_TRAPS (ICH_HCR_TC | ICH_HCR_TALL0 | ICH_HCR_TALL1 | ICH_HCR_TDIR)
/* Of that, what the maintenance interrupt is asserted for. */
#define L2_HCR_ENABLES	(ICH_HCR_UIE | ICH_HCR_LRENPIE | ICH_HCR_NPIE | ICH_HCR_VGRP0EIE | \
			 ICH_HCR_VGRP0DIE | ICH_HCR_VGRP1EIE | ICH_HCR_VGRP1DIE)

#define EACH_LR(X)	X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) \
			X(12) X(13) X(14) X(15)

static u64 read_lr(unsigned int n)
{
	switch (n) {
#define X(i) case i: return read_sysreg(ICH_LR##i##_EL2);
		EACH_LR(X)
#undef X
	}
	return 0;
}

static void write_lr(unsigned int n, u64 val)
{
	switch (n) {
#define X(i) case i: write_sysreg(val, ICH_LR##i##_EL2); break;
		EACH_LR(X)
#undef X
	}
}

unsigned int vgic_hyp_init(void)
{
	u64 vtr;

	/* System registers at every EL, and lower ELs may see that in their own ICC_SRE. */
	write_sysreg(ICC_SRE_SRE | ICC_SRE_DFB | ICC_SRE_DIB | ICC_SRE_ENABLE, ICC_SRE_EL2);
	isb();		/* before that ICH_* may be UNDEFINED */
	if (!(read_sysreg(ICC_SRE_EL2) & ICC_SRE_SRE))
		return 0;
	vtr = read_sysreg(ICH_VTR_EL2);
	vgic_hw.nr_lrs = (u8)(FIELD_GET(ICH_VTR_LISTREGS, vtr) + 1);
	/* PREbits 5, 6, 7 (field: minus one): 32, 64, 128 preemption levels. */
	vgic_hw.nr_aprs = (u8)(1U << (((vtr >> ICH_VTR_PREBITS_SHIFT) & 7) - 4));
	write_sysreg(0, ICH_HCR_EL2);
	for (unsigned int i = 0; i < vgic_hw.nr_lrs; i++)
		write_lr(i, 0);
	isb();
	return vgic_hw.nr_lrs;
}

static bool virtual_imo(const struct kvm_vcpu *vcpu)
{
	return __vcpu_sys_reg(vcpu, HCR_EL2) & (HCR_IMO | HCR_FMO);
}

static enum vgic_hw wanted(const struct kvm_vcpu *vcpu)
{
	return virtual_imo(vcpu) && !is_hyp_ctxt(vcpu) ? VGIC_HW_L2 : VGIC_HW_L1;
}

/* --- VMCR and active priorities --- */

static void save_more_aprs(u64 *ap0r, u64 *ap1r)
{
	ap0r[1] = read_sysreg(ICH_AP0R1_EL2);
	ap1r[1] = read_sysreg(ICH_AP1R1_EL2);
	if (vgic_hw.nr_aprs < 4)
		return;
	ap0r[2] = read_sysreg(ICH_AP0R2_EL2);
	ap1r[2] = read_sysreg(ICH_AP1R2_EL2);
	ap0r[3] = read_sysreg(ICH_AP0R3_EL2);
	ap1r[3] = read_sysreg(ICH_AP1R3_EL2);
}

static void load_more_aprs(const u64 *ap0r, const u64 *ap1r)
{
	write_sysreg(ap0r[1], ICH_AP0R1_EL2);
	write_sysreg(ap1r[1], ICH_AP1R1_EL2);
	if (vgic_hw.nr_aprs < 4)
		return;
	write_sysreg(ap0r[2], ICH_AP0R2_EL2);
	write_sysreg(ap1r[2], ICH_AP1R2_EL2);
	write_sysreg(ap0r[3], ICH_AP0R3_EL2);
	write_sysreg(ap1r[3], ICH_AP1R3_EL2);
}

static inline void save_prio(u64 *vmcr, u64 *ap0r, u64 *ap1r)
{
	*vmcr = read_sysreg(ICH_VMCR_EL2);
	ap0r[0] = read_sysreg(ICH_AP0R0_EL2);
	ap1r[0] = read_sysreg(ICH_AP1R0_EL2);
	if (unlikely(vgic_hw.nr_aprs > 1))
		save_more_aprs(ap0r, ap1r);
}

static inline void load_prio(u64 vmcr, const u64 *ap0r, const u64 *ap1r)
{
	write_sysreg(vmcr, ICH_VMCR_EL2);
	write_sysreg(ap0r[0], ICH_AP0R0_EL2);
	write_sysreg(ap1r[0], ICH_AP1R0_EL2);
	if (unlikely(vgic_hw.nr_aprs > 1))
		load_more_aprs(ap0r, ap1r);
}

static inline void save_prio_l1(struct kvm_vcpu *vcpu)
{
	struct vgic_cpu *vgic = &vcpu->arch.vgic;

	save_prio(&vgic->vmcr, vgic->ap0r, vgic->ap1r);
}

static inline void load_prio_l1(struct kvm_vcpu *vcpu)
{
	struct vgic_cpu *vgic = &vcpu->arch.vgic;

	load_prio(vgic->vmcr, vgic->ap0r, vgic->ap1r);
	vgic->loaded = VGIC_HW_L1;
}

static inline void save_prio_l2(struct kvm_vcpu *vcpu)
{
	save_prio(&__vcpu_sys_reg(vcpu, ICH_VMCR_EL2), &__vcpu_sys_reg(vcpu, ICH_AP0R0_EL2),
		  &__vcpu_sys_reg(vcpu, ICH_AP1R0_EL2));
}

static inline void load_prio_l2(struct kvm_vcpu *vcpu)
{
	load_prio(__vcpu_sys_reg(vcpu, ICH_VMCR_EL2), &__vcpu_sys_reg(vcpu, ICH_AP0R0_EL2),
		  &__vcpu_sys_reg(vcpu, ICH_AP1R0_EL2));
	vcpu->arch.vgic.loaded = VGIC_HW_L2;
}

/* --- L1's own list registers --- */

static void load_l1_lrs(struct kvm_vcpu *vcpu)
{
	struct vgic_cpu *vgic = &vcpu->arch.vgic;
	u32 old = vgic->hw_lrs;

	for (unsigned int i = 0; i < vgic->used_lrs; i++)
		write_lr(i, vgic->lr[i]);
	vgic->hw_lrs = (1U << vgic->used_lrs) - 1;
	for (old &= ~vgic->hw_lrs; old; old &= old - 1)
		write_lr((unsigned int)__builtin_ctz(old), 0);
}

/* An interrupt of L1 that has left the list register: no longer in flight. */
static void lr_done(struct vgic_cpu *vgic, u64 lr)
{
	u64 intid = lr & ICH_LR_VINTID;

	if (!(lr & ICH_LR_STATE) && intid < VGIC_NR_PRIVATE)
		vgic->inflight &= ~(1U << intid);
}

void vgic_hyp_save_l1_lrs(struct kvm_vcpu *vcpu)
{
	struct vgic_cpu *vgic = &vcpu->arch.vgic;

	if (vgic->lrs_loaded != VGIC_HW_L1)
		return;
	for (unsigned int i = 0; i < vgic->used_lrs; i++) {
		vgic->lr[i] = read_lr(i);
		lr_done(vgic, vgic->lr[i]);
	}
}

void vgic_hyp_link_lr(struct kvm_vcpu *vcpu, u32 intid, u32 pintid)
{
	struct vgic_cpu *vgic = &vcpu->arch.vgic;

	for (unsigned int i = 0; i < vgic->used_lrs; i++) {
		u64 lr = vgic->lr[i];

		if ((lr & ICH_LR_VINTID) != intid || !(lr & ICH_LR_STATE))
			continue;
		lr &= ~(ICH_LR_HW | ICH_LR_PINTID);
		if (pintid) {
			lr |= ICH_LR_HW | FIELD_PREP(ICH_LR_PINTID, pintid);
			/* Not both with HW=1; the physical interrupt comes again. */
			if (lr & ICH_LR_ACTIVE)
				lr &= ~ICH_LR_PENDING;
		} else {
			lr |= ICH_LR_EOI;	/* a level: to be looked at again */
		}
		vgic->lr[i] = lr;
		if (vgic->lrs_loaded == VGIC_HW_L1)
			write_lr(i, lr);
		return;
	}
}

/* --- L2's list registers: L1's ICH_LR<n>_EL2 --- */

static struct vgic_irq *l1_irq(struct kvm_vcpu *vcpu, u64 intid)
{
	if (intid < VGIC_NR_PRIVATE)
		return &vcpu->arch.vgic.private[intid];
	if (intid < VGIC_NR_IRQS)
		return &vcpu->kvm->vgic.spi[intid - VGIC_NR_PRIVATE];
	return NULL;
}

/* The physical interrupt behind L1's @intid while the bank is VEL1, 0 if there is none. */
static u32 physical_of(struct kvm_vcpu *vcpu, u64 intid)
{
	struct vgic_irq *irq;

	if (intid == GIC_PPI_CNTV || intid == GIC_PPI_CNTP)
		return (u32)intid;
	irq = l1_irq(vcpu, intid);
	return intid >= VGIC_NR_PRIVATE && irq && irq->hw ? irq->hwintid : 0;
}

/* Hardware value for L1's @lr. */
static u64 translate_lr(struct kvm_vcpu *vcpu, u64 lr)
{
	u64 intid = FIELD_GET(ICH_LR_PINTID, lr);
	u32 pintid;

	if (!(lr & ICH_LR_HW))
		return lr;
	pintid = physical_of(vcpu, intid);
	lr &= ~ICH_LR_PINTID;
	/* L1's may be pending again: L0 must hear of its end. */
	if (!pintid)
		return (lr & ~ICH_LR_HW) | (l1_irq(vcpu, intid) ? ICH_LR_EOI : 0);
	if (lr & ICH_LR_ACTIVE)
		lr &= ~ICH_LR_PENDING;	/* UNPREDICTABLE with HW=1 */
	return lr | FIELD_PREP(ICH_LR_PINTID, pintid);
}

/* L2 has deactivated a HW=1 interrupt: so is L1's. The physical one already is, or there is none. */
static void deactivate_l1(struct kvm_vcpu *vcpu, u64 intid)
{
	struct vgic_cpu *vgic = &vcpu->arch.vgic;
	struct vgic_irq *irq = l1_irq(vcpu, intid);

	if (!irq)
		return;
	for (unsigned int i = 0; i < vgic->used_lrs; i++) {
		if ((vgic->lr[i] & ICH_LR_VINTID) == intid && (vgic->lr[i] & ICH_LR_STATE)) {
			vgic->lr[i] &= ~ICH_LR_ACTIVE;
			lr_done(vgic, vgic->lr[i]);
			return;
		}
	}
	if (intid < VGIC_NR_PRIVATE) {
		/* It had found no list register. */
		irq->active = false;
		if (!irq->latch && !irq->line)
			vgic->inflight &= ~(1U << intid);
		return;
	}
	/*
	 * Acknowledged on another vCPU, which may have it in a list register, or without one: the lock's, and so the
	 * host's. It is called before L1 executes anything.
	 */
	if ((!READ_ONCE(irq->active) && READ_ONCE(irq->in_lr) == VGIC_NO_TARGET) ||
	    vcpu->arch.nr_ended == ARRAY_SIZE(vcpu->arch.ended))
		return;
	vcpu->arch.ended[vcpu->arch.nr_ended++] = (u16)intid;
	gic_send_kick(read_sysreg(mpidr_el1));
}

static inline void load_l2_lrs(struct kvm_vcpu *vcpu)
{
	struct vgic_cpu *vgic = &vcpu->arch.vgic;
	const u64 *slot = &__vcpu_sys_reg(vcpu, ICH_LR0_EL2);
	u32 old = vgic->hw_lrs, now = 0;

	for (unsigned int i = 0; i < vgic_hw.nr_lrs; i++) {
		/* An EOI that L1 has been told of must not interrupt again and again: see vgic_hyp_enter(). */
		if (ich_lr_is_free(slot[i]) || (vgic->maint && !(slot[i] & ICH_LR_STATE)))
			continue;
		write_lr(i, translate_lr(vcpu, slot[i]));
		now |= 1U << i;
	}
	vgic->hw_lrs = now;
	for (old &= ~now; old; old &= old - 1)
		write_lr((unsigned int)__builtin_ctz(old), 0);
}

static void save_l2_lrs(struct kvm_vcpu *vcpu)
{
	u64 *slot = &__vcpu_sys_reg(vcpu, ICH_LR0_EL2);

	for (u32 m = vcpu->arch.vgic.hw_lrs; m; m &= m - 1) {
		unsigned int i = (unsigned int)__builtin_ctz(m);
		u64 old = slot[i], new = read_lr(i);

		slot[i] = (old & ~ICH_LR_STATE) | (new & ICH_LR_STATE);
		if ((old & ICH_LR_HW) && (old & ICH_LR_STATE) && !(new & ICH_LR_STATE))
			deactivate_l1(vcpu, FIELD_GET(ICH_LR_PINTID, old));
	}
}

/* Cheap when L1's list registers are all 0: nothing is read but memory. */
static inline bool l2_lrs_idle(struct kvm_vcpu *vcpu)
{
	const u64 *slot = &__vcpu_sys_reg(vcpu, ICH_LR0_EL2);
	u64 any = slot[0] | slot[1] | slot[2] | slot[3];

	if (unlikely(vgic_hw.nr_lrs > 4))
		for (unsigned int i = 4; i < vgic_hw.nr_lrs; i++)
			any |= slot[i];
	return !(any | vcpu->arch.vgic.hw_lrs);
}

static inline void set_hcr(struct vgic_cpu *vgic, u64 hcr)
{
	if (vgic->cached_hcr != hcr) {
		write_sysreg(hcr, ICH_HCR_EL2);
		vgic->cached_hcr = hcr;
	}
}

/* EOIcount is the only field that the hardware changes. */
static inline void save_l2_hcr(struct kvm_vcpu *vcpu)
{
	struct vgic_cpu *vgic = &vcpu->arch.vgic;
	u64 hcr = read_sysreg(ICH_HCR_EL2);

	if (unlikely(hcr != vgic->cached_hcr)) {
		u64 *slot = &__vcpu_sys_reg(vcpu, ICH_HCR_EL2);

		vgic->cached_hcr = hcr;
		*slot = (*slot & ~ICH_HCR_EOICOUNT) | (hcr & ICH_HCR_EOICOUNT);
	}
}

static inline u64 l2_hcr(struct kvm_vcpu *vcpu)
{
	return __vcpu_sys_reg(vcpu, ICH_HCR_EL2) & L2_HCR_MASK;
}

/*
 * While L2 has L1's own CPU interface: ICH_HCR_EL2's traps ask for no HCR_EL2.{IMO,FMO} (pseudocode of
 * ICC_PMR_EL1, ICC_IGRPEN1_EL1 and the others).
 */
static inline u64 l1_hcr_for_l2(struct kvm_vcpu *vcpu)
{
	return vcpu->arch.vgic.hcr | (__vcpu_sys_reg(vcpu, ICH_HCR_EL2) & ICH_HCR_TRAPS);
}

static struct ich_state l2_state(struct kvm_vcpu *vcpu)
{
	return (struct ich_state){
		.hcr = __vcpu_sys_reg(vcpu, ICH_HCR_EL2),
		.vmcr = __vcpu_sys_reg(vcpu, ICH_VMCR_EL2),
		.lr = &__vcpu_sys_reg(vcpu, ICH_LR0_EL2),
		.nr_lrs = vgic_hw.nr_lrs,
	};
}

/*
 * Enables that the hardware, which has L2's registers, asserts its maintenance interrupt for, and the architecture does
 * not: QEMU's VGrp0DIE goes by VENG1. L1 will never be told of these, so nothing else would ever lower it.
 */
static noinline u8 asserted_in_vain(struct kvm_vcpu *vcpu)
{
	struct ich_state s = l2_state(vcpu);

	s.vmcr = read_sysreg(ICH_VMCR_EL2);
	/* ICH_MISR_EL2 has each condition where ICH_HCR_EL2 has its enable. */
	return (u8)(read_sysreg(ICH_MISR_EL2) & L2_HCR_ENABLES & ~ich_misr(&s));
}

/* --- per entry and exit --- */

/*
 * L1 lowered its maintenance interrupt by a store that L0 did not see: withdraw it. And what remains
 * is either deliverable to L1 now or not until the host touches interrupts again.
 */
static void update_l1_pending(struct kvm_vcpu *vcpu)
{
	struct vgic_cpu *vgic = &vcpu->arch.vgic;
	struct ich_state l2 = l2_state(vcpu);
	struct ich_state l1 = {
		.vmcr = vgic->vmcr, .lr = vgic->lr, .ap0r = vgic->ap0r, .ap1r = vgic->ap1r,
		.nr_lrs = vgic->used_lrs, .nr_aprs = vgic_hw.nr_aprs,
	};

	if (vgic->maint && !((l2.hcr & ICH_HCR_EN) && ich_misr(&l2))) {
		struct vgic_irq *irq = &vgic->private[VGIC_PPI_MAINT];

		vgic->maint = false;
		irq->line = false;
		for (unsigned int i = 0; i < vgic->used_lrs; i++)
			if ((vgic->lr[i] & ICH_LR_VINTID) == VGIC_PPI_MAINT && !irq->lr_latch)
				vgic->lr[i] &= ~(ICH_LR_PENDING | ICH_LR_EOI);
	}
	vgic->l1_pending = (u8)ich_signals(&l1);
}

void vgic_hyp_load(struct kvm_vcpu *vcpu)
{
	struct vgic_cpu *vgic = &vcpu->arch.vgic;

	vgic->wide = vgic_hw.nr_lrs > 4 || vgic_hw.nr_aprs > 1;
	vgic->cached_hcr = read_sysreg(ICH_HCR_EL2);
	if (wanted(vcpu) == VGIC_HW_L2)
		load_prio_l2(vcpu);
	else
		load_prio_l1(vcpu);
}

void vgic_hyp_sync_vmcr(struct kvm_vcpu *vcpu)
{
	if (vcpu->arch.vgic.loaded == VGIC_HW_L1)
		save_prio_l1(vcpu);
	else if (vcpu->arch.vgic.loaded == VGIC_HW_L2)
		save_prio_l2(vcpu);
}

void vgic_hyp_put(struct kvm_vcpu *vcpu)
{
	struct vgic_cpu *vgic = &vcpu->arch.vgic;

	vgic_hyp_sync_vmcr(vcpu);
	vgic->loaded = VGIC_HW_NONE;
	/* The next vCPU on this CPU takes the hardware's list registers to be 0. */
	for (; vgic->hw_lrs; vgic->hw_lrs &= vgic->hw_lrs - 1)
		write_lr((unsigned int)__builtin_ctz(vgic->hw_lrs), 0);
}

void vgic_hyp_enter(struct kvm_vcpu *vcpu)
{
	struct vgic_cpu *vgic = &vcpu->arch.vgic;
	enum vgic_hw want = wanted(vcpu);

	if (vgic->loaded != want) {
		vgic_hyp_sync_vmcr(vcpu);
		vgic_hyp_load(vcpu);
	}
	vgic->lrs_loaded = (u8)want;
	if (want == VGIC_HW_L1) {
		if (vgic->used_lrs | vgic->hw_lrs)
			load_l1_lrs(vcpu);
		set_hcr(vgic, is_hyp_ctxt(vcpu) ? vgic->hcr : l1_hcr_for_l2(vcpu));
	} else {
		if (!l2_lrs_idle(vcpu))
			load_l2_lrs(vcpu);
		/*
		 * While L1's maintenance interrupt is asserted the hardware's has nothing to tell: where
		 * L1 does not take it (disabled, or masked by priority), it would bring the CPU back
		 * here before L2's first instruction, again and again.
		 */
		set_hcr(vgic, l2_hcr(vcpu) & ~(vgic->maint ? L2_HCR_ENABLES : (u64)vgic->in_vain));
	}
}

void vgic_hyp_exit(struct kvm_vcpu *vcpu)
{
	struct vgic_cpu *vgic = &vcpu->arch.vgic;

	vgic->in_vain = 0;
	if (vgic->lrs_loaded == VGIC_HW_L2) {
		save_l2_lrs(vcpu);
		save_l2_hcr(vcpu);
		if (unlikely(vgic->cached_hcr & L2_HCR_ENABLES))
			vgic->in_vain = asserted_in_vain(vcpu);
	} else {
		vgic_hyp_save_l1_lrs(vcpu);
		if (unlikely(vgic->cached_hcr & ICH_HCR_LRENPIE))
			vgic->hcr |= read_sysreg(ICH_HCR_EL2) & ICH_HCR_EOICOUNT;
	}
	vgic->lrs_loaded = VGIC_HW_NONE;
	/* No maintenance interrupt may reach the host again and again. */
	if (vgic->hw_lrs || (vgic->cached_hcr & ~ICH_HCR_EN)) {
		set_hcr(vgic, 0);
		isb();	/* the host may read ICC_IAR1_EL1 next */
	}
}

/* --- without the host --- */

static noinline void switch_to_l2(struct kvm_vcpu *vcpu)
{
	struct vgic_cpu *vgic = &vcpu->arch.vgic;

	if (vgic->loaded != VGIC_HW_L1)
		return;
	vgic_hyp_save_l1_lrs(vcpu);
	save_prio_l1(vcpu);
	update_l1_pending(vcpu);
	load_prio_l2(vcpu);
	if (vgic->lrs_loaded == VGIC_HW_NONE)
		return;		/* vgic_hyp_enter loads them */
	vgic->lrs_loaded = VGIC_HW_L2;
	load_l2_lrs(vcpu);
	set_hcr(vgic, l2_hcr(vcpu));
}

static noinline void switch_to_l1(struct kvm_vcpu *vcpu)
{
	struct vgic_cpu *vgic = &vcpu->arch.vgic;

	if (vgic->loaded != VGIC_HW_L2) {
		if (vgic->lrs_loaded == VGIC_HW_L1)
			set_hcr(vgic, vgic->hcr);
		return;
	}
	save_prio_l2(vcpu);
	load_prio_l1(vcpu);
	if (vgic->lrs_loaded == VGIC_HW_NONE)
		return;
	save_l2_lrs(vcpu);
	save_l2_hcr(vcpu);
	vgic->lrs_loaded = VGIC_HW_L1;
	load_l1_lrs(vcpu);
	set_hcr(vgic, vgic->hcr);
}

static noinline void fill_l2_lrs(struct kvm_vcpu *vcpu)
{
	load_l2_lrs(vcpu);
}

/* Straight lines for the common case: 4 list registers, none used by L1, one APR of each group. */
void vgic_hyp_switch_to_l2(struct kvm_vcpu *vcpu)
{
	struct vgic_cpu *vgic = &vcpu->arch.vgic;
	u64 *r = vcpu->arch.ctxt.sys_regs;

	if (!virtual_imo(vcpu)) {
		if (vgic->lrs_loaded == VGIC_HW_L1)
			set_hcr(vgic, l1_hcr_for_l2(vcpu));
		return;
	}
	if (unlikely(vgic->state != VGIC_STATE_IDLE(VGIC_HW_L1)))
		return switch_to_l2(vcpu);
	vgic->state = VGIC_STATE_IDLE(VGIC_HW_L2);
	vgic->vmcr = read_sysreg(ICH_VMCR_EL2);
	vgic->ap0r[0] = read_sysreg(ICH_AP0R0_EL2);
	vgic->ap1r[0] = read_sysreg(ICH_AP1R0_EL2);
	write_sysreg(r[ICH_VMCR_EL2], ICH_VMCR_EL2);
	write_sysreg(r[ICH_AP0R0_EL2], ICH_AP0R0_EL2);
	write_sysreg(r[ICH_AP1R0_EL2], ICH_AP1R0_EL2);
	set_hcr(vgic, l2_hcr(vcpu));
	if (unlikely((r[ICH_LR0_EL2] | r[ICH_LR1_EL2] | r[ICH_LR2_EL2] | r[ICH_LR3_EL2]) &
		     (ICH_LR_STATE | ICH_LR_EOI)))
		fill_l2_lrs(vcpu);
}

void vgic_hyp_switch_to_vel2(struct kvm_vcpu *vcpu)
{
	struct vgic_cpu *vgic = &vcpu->arch.vgic;
	u64 *r = vcpu->arch.ctxt.sys_regs;

	if (unlikely(vgic->state != VGIC_STATE_IDLE(VGIC_HW_L2)))
		return switch_to_l1(vcpu);
	vgic->state = VGIC_STATE_IDLE(VGIC_HW_L1);
	save_l2_hcr(vcpu);
	r[ICH_VMCR_EL2] = read_sysreg(ICH_VMCR_EL2);
	r[ICH_AP0R0_EL2] = read_sysreg(ICH_AP0R0_EL2);
	r[ICH_AP1R0_EL2] = read_sysreg(ICH_AP1R0_EL2);
	write_sysreg(vgic->vmcr, ICH_VMCR_EL2);
	write_sysreg(vgic->ap0r[0], ICH_AP0R0_EL2);
	write_sysreg(vgic->ap1r[0], ICH_AP1R0_EL2);
	set_hcr(vgic, vgic->hcr);
}

/* --- L1's reads of what its interface says --- */

u64 vgic_read_ich_vtr(struct kvm_vcpu *vcpu)
{
	(void)vcpu;
	/* No GICv4, as in the ID registers: direct injection stays with L0. */
	return read_sysreg(ICH_VTR_EL2) | ICH_VTR_NV4;
}

bool vgic_maint_changed(struct kvm_vcpu *vcpu)
{
	struct ich_state s = l2_state(vcpu);
	bool level = (s.hcr & ICH_HCR_EN) && ich_misr(&s);

	return level != vcpu->arch.vgic.maint;
}

u64 vgic_read_ich_misr(struct kvm_vcpu *vcpu)
{
	struct ich_state s = l2_state(vcpu);

	return ich_misr(&s);
}

u64 vgic_read_ich_eisr(struct kvm_vcpu *vcpu)
{
	struct ich_state s = l2_state(vcpu);

	return ich_eisr(&s);
}

u64 vgic_read_ich_elrsr(struct kvm_vcpu *vcpu)
{
	struct ich_state s = l2_state(vcpu);

	return ich_elrsr(&s);
}
