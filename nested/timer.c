// SPDX-License-Identifier: GPL-2.0-only
/*
 * The four timers of a virtual CPU on the hardware's CNTV and CNTP, and L0's own CNTHP for those that
 * the hardware does not have. EL2, interrupts masked, on the CPU that the vCPU is loaded on.
 *
 * timer.h says where each timer's state lives. hw_bank is the bank whose timers the hardware has;
 * CNTHP_EL2 never fires later than the earliest background timer (it may fire earlier: it is not
 * stopped when a timer returns to the hardware).
 */
#include <gic.h>
#include <kvm_hyp.h>

/* VA of the SGI frame of this CPU's redistributor. */
static DEFINE_PER_CPU(unsigned long, gic_sgi_frame);

/* What this CPU's CNTHP_EL2 is set to, TIMER_NEVER if it is disabled. */
static DEFINE_PER_CPU(u64, cnthp_deadline);

#define CTL_MASK	(TIMER_CTL_ENABLE | TIMER_CTL_IMASK)

/* CNTHCTL_EL2, here always in the E2H=1 format: nothing of the counters and timers traps. */
#define CNTHCTL_OPEN	(CNTHCTL_E2H_EL1PCTEN | CNTHCTL_E2H_EL1PTEN)

static inline bool in_hw(enum timer_id id, unsigned int bank)
{
	if (bank == BANK_NONE)
		return false;
	return (bank == BANK_VEL2_E2H) == (id >= TIMER_HV);
}

/* NV2 without FEAT_ECV: at a vEL2 with E2H=0 the memory copy of vCNTV and vCNTP is the current one. */
static inline bool nvhe_memory(const struct kvm_vcpu *vcpu, unsigned int bank)
{
	return bank == BANK_VEL2_NVHE && vcpu->arch.timer.nvhe_memory;
}

static inline u64 *mem_ctl(struct kvm_vcpu *vcpu, enum timer_id id)
{
	static const u16 reg[NR_TIMERS] = {
		CNTV_CTL_EL0, CNTP_CTL_EL0, CNTHV_CTL_EL2, CNTHP_CTL_EL2
	};

	return &__vcpu_sys_reg(vcpu, reg[id]);
}

static inline u64 *mem_cval(struct kvm_vcpu *vcpu, enum timer_id id)
{
	static const u16 reg[NR_TIMERS] = {
		CNTV_CVAL_EL0, CNTP_CVAL_EL0, CNTHV_CVAL_EL2, CNTHP_CVAL_EL2
	};

	return &__vcpu_sys_reg(vcpu, reg[id]);
}

static inline u64 offset_of(struct kvm_vcpu *vcpu, enum timer_id id)
{
	return id == TIMER_V ? __vcpu_sys_reg(vcpu, CNTVOFF_EL2) : 0;
}

static inline u64 now(void)
{
	isb();		/* or the counter may be read early */
	return read_sysreg(CNTPCT_EL0);
}

static void set_deadline(u64 deadline)
{
	*__hyp_this_cpu_ptr(cnthp_deadline) = deadline;
	if (deadline == TIMER_NEVER) {
		write_sysreg(0, CNTHP_CTL_EL2);
		return;
	}
	write_sysreg(deadline, CNTHP_CVAL_EL2);
	write_sysreg(TIMER_CTL_ENABLE, CNTHP_CTL_EL2);
}

/* CNTHP_EL2 fires no later than @deadline. */
static inline void lower_deadline(u64 deadline)
{
	if (deadline < *__hyp_this_cpu_ptr(cnthp_deadline))
		set_deadline(deadline);
}

/* --- physical active state of the two PPIs --- */

static u32 owner_virq(unsigned int bank, bool virt)
{
	if (bank == BANK_VEL2_E2H)
		return timer_virq(virt ? TIMER_HV : TIMER_HP);
	return timer_virq(virt ? TIMER_V : TIMER_P);
}

/* A PPI changes its owner: active iff the new owner's virtual interrupt is in flight. */
static void hand_over_ppi(struct kvm_vcpu *vcpu, unsigned int from, unsigned int to, u32 ppi)
{
	u32 inflight = vcpu->arch.vgic.inflight;
	bool was = false, is = false;

	if (from != BANK_NONE) {
		u32 virq = owner_virq(from, ppi == GIC_PPI_CNTV);

		was = inflight & BIT(virq);
		if (was)
			vgic_hyp_link_lr(vcpu, virq, 0);
	}
	if (to != BANK_NONE) {
		u32 virq = owner_virq(to, ppi == GIC_PPI_CNTV);

		is = inflight & BIT(virq);
		if (is)
			vgic_hyp_link_lr(vcpu, virq, ppi);
	}
	if (was != is) {
		unsigned long reg = vcpu->arch.timer.gicr + (is ? 0x300 : 0x380);

		*(volatile u32 *)reg = 1U << ppi;
		dsb(sy);	/* the redistributor has it before the timer's output changes */
	}
}

static noinline void hand_over(struct kvm_vcpu *vcpu, unsigned int from, unsigned int to)
{
	vgic_hyp_save_l1_lrs(vcpu);
	hand_over_ppi(vcpu, from, to, GIC_PPI_CNTV);
	hand_over_ppi(vcpu, from, to, GIC_PPI_CNTP);
}

/* --- the hardware's two timers --- */

static inline void save_hw(struct kvm_vcpu *vcpu, enum timer_id v, enum timer_id p)
{
	*mem_ctl(vcpu, v) = read_sysreg_el0(CNTV_CTL);
	*mem_cval(vcpu, v) = read_sysreg_el0(CNTV_CVAL);
	*mem_ctl(vcpu, p) = read_sysreg_el0(CNTP_CTL);
	*mem_cval(vcpu, p) = read_sysreg_el0(CNTP_CVAL);
}

/* A comparison that is briefly wrong can raise the level, but not for longer than interrupts are masked. */
static inline void load_hw(struct kvm_vcpu *vcpu, enum timer_id v, enum timer_id p)
{
	write_sysreg_el0(*mem_cval(vcpu, v), CNTV_CVAL);
	write_sysreg_el0(*mem_ctl(vcpu, v), CNTV_CTL);
	write_sysreg_el0(*mem_cval(vcpu, p), CNTP_CVAL);
	write_sysreg_el0(*mem_ctl(vcpu, p), CNTP_CTL);
}

static inline void set_cntvoff(struct timer_cpu *t, u64 off)
{
	if (t->hw_cntvoff != off) {
		write_sysreg(off, CNTVOFF_EL2);
		t->hw_cntvoff = off;
	}
}

static inline void write_cnthctl(u64 val)
{
	if (!has_vhe())
		val = (val & CNTHCTL_ECV_TRAPS) | (val >> 10 & 3);
	write_sysreg(val, CNTHCTL_EL2);
}

static inline void set_cnthctl(struct timer_cpu *t, u64 val)
{
	if (t->hw_cnthctl != val) {
		write_cnthctl(val);
		t->hw_cnthctl = val;
	}
}

/* What L1 lets vEL1&0 do. */
static inline u64 cnthctl_vel1(struct kvm_vcpu *vcpu)
{
	u64 v = __vcpu_sys_reg(vcpu, CNTHCTL_EL2);

	if (!vcpu_el2_e2h_is_set(vcpu))
		v = (v & CNTHCTL_ECV_TRAPS) | (v & 3) << 10;
	return v & vcpu->arch.timer.cnthctl_l1;
}

static inline u64 cnthctl_of(struct kvm_vcpu *vcpu, unsigned int bank)
{
	if (bank == BANK_VEL1)
		return cnthctl_vel1(vcpu);
	return bank == BANK_VEL2_E2H ? vcpu->arch.timer.cnthctl_e2h :
				       vcpu->arch.timer.cnthctl_nvhe;
}

static inline void set_controls(struct kvm_vcpu *vcpu, unsigned int bank)
{
	struct timer_cpu *t = &vcpu->arch.timer;

	set_cntvoff(t, bank == BANK_VEL2_E2H ? 0 : __vcpu_sys_reg(vcpu, CNTVOFF_EL2));
	set_cnthctl(t, cnthctl_of(vcpu, bank));
}

/*
 * NV2, bank VEL2_NVHE: L1 changed the memory copy, or the hardware's CVAL through TVAL, whose _EL0
 * name is not redirected. The two agree again afterwards, and ISTATUS is what the hardware says.
 */
static void nvhe_reconcile(struct kvm_vcpu *vcpu)
{
	struct timer_cpu *t = &vcpu->arch.timer;
	u64 v = read_sysreg_el0(CNTV_CVAL), p = read_sysreg_el0(CNTP_CVAL);

	if (v != t->nvhe_cval[TIMER_V])
		*mem_cval(vcpu, TIMER_V) = v;
	if (p != t->nvhe_cval[TIMER_P])
		*mem_cval(vcpu, TIMER_P) = p;
	set_cntvoff(t, __vcpu_sys_reg(vcpu, CNTVOFF_EL2));
	load_hw(vcpu, TIMER_V, TIMER_P);
	t->nvhe_cval[TIMER_V] = *mem_cval(vcpu, TIMER_V);
	t->nvhe_cval[TIMER_P] = *mem_cval(vcpu, TIMER_P);
	isb();		/* ISTATUS of the new values */
	*mem_ctl(vcpu, TIMER_V) = read_sysreg_el0(CNTV_CTL);
	*mem_ctl(vcpu, TIMER_P) = read_sysreg_el0(CNTP_CTL);
}

static void save_bank(struct kvm_vcpu *vcpu, unsigned int bank)
{
	if (bank == BANK_VEL2_E2H)
		save_hw(vcpu, TIMER_HV, TIMER_HP);
	else if (nvhe_memory(vcpu, bank))
		nvhe_reconcile(vcpu);
	else if (bank != BANK_NONE)
		save_hw(vcpu, TIMER_V, TIMER_P);
}

static void load_bank(struct kvm_vcpu *vcpu, unsigned int bank)
{
	struct timer_cpu *t = &vcpu->arch.timer;

	t->hw_bank = (u8)bank;
	set_controls(vcpu, bank);
	if (bank == BANK_VEL2_E2H) {
		load_hw(vcpu, TIMER_HV, TIMER_HP);
	} else {
		load_hw(vcpu, TIMER_V, TIMER_P);
		/* Only bank VEL2_NVHE looks at them. */
		t->nvhe_cval[TIMER_V] = *mem_cval(vcpu, TIMER_V);
		t->nvhe_cval[TIMER_P] = *mem_cval(vcpu, TIMER_P);
	}
}

/* --- background timers --- */

/*
 * Publishes ISTATUS of a background timer. Returns when it is going to fire, TIMER_NEVER if it has
 * or is disabled. A masked one counts: software may poll ISTATUS in memory.
 */
static inline u64 bg_update(struct kvm_vcpu *vcpu, enum timer_id id, u64 time, u8 *level)
{
	u64 *ctl = mem_ctl(vcpu, id), left, count = time - offset_of(vcpu, id);

	if (!(*ctl & TIMER_CTL_ENABLE)) {
		*ctl &= CTL_MASK;
		return TIMER_NEVER;
	}
	/* Compared as the hardware does, before the offset: a sum of the two may wrap around. */
	if (*mem_cval(vcpu, id) > count) {
		left = *mem_cval(vcpu, id) - count;
		*ctl &= CTL_MASK;
		return left < TIMER_NEVER - time ? time + left : TIMER_NEVER;
	}
	*ctl = (*ctl & CTL_MASK) | TIMER_CTL_ISTATUS;
	if (!(*ctl & TIMER_CTL_IMASK))
		*level |= (u8)BIT(id);
	return TIMER_NEVER;
}

/* Whether all is at rest: nothing counts down in the background, and nothing was published as high. */
static inline bool bg_idle(struct kvm_vcpu *vcpu)
{
	struct timer_cpu *t = &vcpu->arch.timer;
	const u64 *r = vcpu->arch.ctxt.sys_regs;
	u64 ctl = r[CNTV_CTL_EL0] | r[CNTP_CTL_EL0];

	if (t->hw_bank == BANK_VEL1)
		ctl = r[CNTHV_CTL_EL2] | r[CNTHP_CTL_EL2];
	else if (t->hw_bank != BANK_VEL2_E2H)
		return false;
	return !(ctl & TIMER_CTL_ENABLE) && !t->level &&
	       *__hyp_this_cpu_ptr(cnthp_deadline) == TIMER_NEVER;
}

void timer_hyp_sync(struct kvm_vcpu *vcpu)
{
	struct timer_cpu *t = &vcpu->arch.timer;
	u64 deadline = TIMER_NEVER, time;
	u8 level = 0;

	if (!has_vhe() && t->hw_bank != BANK_NONE)
		set_cnthctl(t, CNTHCTL_OPEN);		/* that host is at EL1 */
	if (bg_idle(vcpu))
		return;
	time = now();
	if (nvhe_memory(vcpu, t->hw_bank))
		nvhe_reconcile(vcpu);
	for (enum timer_id id = 0; id < NR_TIMERS; id++) {
		u64 d = in_hw(id, t->hw_bank) ? TIMER_NEVER : bg_update(vcpu, id, time, &level);

		if (d < deadline)
			deadline = d;
	}
	t->level = level;
	t->next = deadline;
	/* Others that wait on this CPU may want to be woken earlier. */
	if (vcpu->kvm->alone || *__hyp_this_cpu_ptr(cnthp_deadline) <= time)
		set_deadline(deadline);
	else
		lower_deadline(deadline);
	isb();		/* CNTHP_EL2's output has fallen before the host reads ICC_IAR1_EL1 */
}

void timer_hyp_enter(struct kvm_vcpu *vcpu)
{
	struct timer_cpu *t = &vcpu->arch.timer;

	/* The bank that was wanted at vcpu_load is not always the first to run. */
	if (unlikely(t->hw_bank != vcpu->arch.loaded_bank))
		timer_hyp_switch(vcpu, t->hw_bank, vcpu->arch.loaded_bank);
	/* Even if it has passed by now: then the guest leaves at once. */
	lower_deadline(t->host_deadline);
	set_cnthctl(t, cnthctl_of(vcpu, t->hw_bank));
}

void timer_hyp_arm(u64 deadline)
{
	lower_deadline(deadline);
}

void timer_hyp_stop(void)
{
	set_deadline(TIMER_NEVER);
	isb();		/* before the host reads ICC_IAR1_EL1 again */
}

void timer_hyp_init(unsigned long gicr)
{
	*__hyp_this_cpu_ptr(gic_sgi_frame) = gicr;
	set_deadline(TIMER_NEVER);
	write_sysreg_el0(0, CNTV_CTL);
	write_sysreg_el0(0, CNTP_CTL);
	write_sysreg(0, CNTVOFF_EL2);
	write_cnthctl(CNTHCTL_OPEN);
	isb();
}

void timer_hyp_load(struct kvm_vcpu *vcpu, unsigned int bank)
{
	struct timer_cpu *t = &vcpu->arch.timer;
	u8 seen = t->level;

	/* Another vCPU may have run here since: no copy of the hardware's state is known to be right. */
	write_sysreg(0, CNTVOFF_EL2);
	t->hw_cntvoff = 0;
	write_cnthctl(CNTHCTL_OPEN);
	t->hw_cnthctl = CNTHCTL_OPEN;
	t->gicr = *__hyp_this_cpu_ptr(gic_sgi_frame);
	if (vcpu->arch.vgic.inflight)
		hand_over(vcpu, BANK_NONE, bank);
	load_bank(vcpu, bank);
	timer_hyp_sync(vcpu);
	/* An nVHE host loads after its last look at the levels: what has risen since brings it back. */
	if (t->level & ~seen)
		lower_deadline(0);
}

void timer_hyp_put(struct kvm_vcpu *vcpu)
{
	struct timer_cpu *t = &vcpu->arch.timer;
	unsigned int bank = t->hw_bank;

	save_bank(vcpu, bank);
	write_sysreg_el0(0, CNTV_CTL);
	write_sysreg_el0(0, CNTP_CTL);
	if (vcpu->arch.vgic.inflight)
		hand_over(vcpu, bank, BANK_NONE);
	t->hw_bank = BANK_NONE;
	timer_hyp_sync(vcpu);
}

/* --- between banks, without the host --- */

/*
 * A timer with these values goes to the background. One that has just expired, its interrupt not taken
 * yet, loses it together with the hardware: CNTHP_EL2 fires at once in its place. @taken: it has been.
 */
static inline void bg_arm_values(u64 ctl, u64 deadline, bool taken)
{
	if ((ctl & TIMER_CTL_ENABLE) &&
	    (!(ctl & TIMER_CTL_ISTATUS) || !(taken || (ctl & TIMER_CTL_IMASK))))
		lower_deadline(deadline);
}

/* The same for timer @id, whose saved state is in memory. */
static inline void bg_arm(struct kvm_vcpu *vcpu, enum timer_id id)
{
	bg_arm_values(*mem_ctl(vcpu, id), *mem_cval(vcpu, id) + offset_of(vcpu, id),
		      vcpu->arch.vgic.inflight & BIT(timer_virq(id)));
}

/* Whatever is not the common case; also E2H flips. */
static noinline void switch_other(struct kvm_vcpu *vcpu, unsigned int from, unsigned int to)
{
	struct timer_cpu *t = &vcpu->arch.timer;

	save_bank(vcpu, from);
	if ((from == BANK_VEL2_E2H) == (to == BANK_VEL2_E2H)) {
		/* The same timers stay; only which copy is current changes. */
		t->hw_bank = (u8)to;
		set_controls(vcpu, to);
		t->nvhe_cval[TIMER_V] = *mem_cval(vcpu, TIMER_V);
		t->nvhe_cval[TIMER_P] = *mem_cval(vcpu, TIMER_P);
		return;
	}
	if (vcpu->arch.vgic.inflight)
		hand_over(vcpu, from, to);
	bg_arm(vcpu, to == BANK_VEL2_E2H ? TIMER_V : TIMER_HV);
	bg_arm(vcpu, to == BANK_VEL2_E2H ? TIMER_P : TIMER_HP);
	load_bank(vcpu, to);
}

/* CNTHV and CNTHP stand in EL2's bank where CNTV and CNTP stand in EL1's. */
_Static_assert(CNTHV_CTL_EL2 == EL2_BANK + CNTV_CTL_EL0, "one pointer for both");
_Static_assert(CNTHV_CVAL_EL2 == EL2_BANK + CNTV_CVAL_EL0, "one pointer for both");
_Static_assert(CNTHP_CTL_EL2 == EL2_BANK + CNTP_CTL_EL0, "one pointer for both");
_Static_assert(CNTHP_CVAL_EL2 == EL2_BANK + CNTP_CVAL_EL0, "one pointer for both");

/*
 * Between the two banks of a VHE L1, with none of its timers' interrupts in flight: straight lines, a
 * leaf. @to is a constant. What L1 then does by _EL02 names is not trapped until the host has run: many
 * an L1 saves and restores its guest's timers by them each time, and the copies are right as of now.
 */
static __always_inline void switch_vhe(struct kvm_vcpu *vcpu, unsigned int to)
{
	struct timer_cpu *t = &vcpu->arch.timer;
	u64 *el1 = vcpu->arch.ctxt.sys_regs, *el2 = el1 + EL2_BANK;
	u64 *old = to == BANK_VEL1 ? el2 : el1, *new = to == BANK_VEL1 ? el1 : el2;
	u64 ctl = CNTHCTL_OPEN, old_off = t->hw_cntvoff;
	u64 v, vcval, p, pcval;

	t->hw_bank = (u8)to;
	old[CNTV_CTL_EL0] = v = read_sysreg_el0(CNTV_CTL);
	old[CNTV_CVAL_EL0] = vcval = read_sysreg_el0(CNTV_CVAL);
	old[CNTP_CTL_EL0] = p = read_sysreg_el0(CNTP_CTL);
	old[CNTP_CVAL_EL0] = pcval = read_sysreg_el0(CNTP_CVAL);
	set_cntvoff(t, to == BANK_VEL1 ? el1[CNTVOFF_EL2] : 0);
	if (to == BANK_VEL1)
		ctl = t->cnthctl_l1 & el1[CNTHCTL_EL2];
	set_cnthctl(t, ctl);
	write_sysreg_el0(new[CNTV_CVAL_EL0], CNTV_CVAL);
	write_sysreg_el0(new[CNTV_CTL_EL0], CNTV_CTL);
	write_sysreg_el0(new[CNTP_CVAL_EL0], CNTP_CVAL);
	write_sysreg_el0(new[CNTP_CTL_EL0], CNTP_CTL);
	if (unlikely((v | p) & TIMER_CTL_ENABLE)) {
		bg_arm_values(v, vcval + old_off, false);
		bg_arm_values(p, pcval, false);
	}
}

void timer_hyp_switch(struct kvm_vcpu *vcpu, unsigned int from, unsigned int to)
{
	bool idle = !vcpu->arch.vgic.inflight;

	(void)from;	/* hw_bank says what the hardware has */
	from = vcpu->arch.timer.hw_bank;
	if (idle && from == BANK_VEL1 && to == BANK_VEL2_E2H)
		switch_vhe(vcpu, BANK_VEL2_E2H);
	else if (idle && from == BANK_VEL2_E2H && to == BANK_VEL1)
		switch_vhe(vcpu, BANK_VEL1);
	else if (from != to)
		switch_other(vcpu, from, to);
}

void timer_hyp_ctl_changed(struct kvm_vcpu *vcpu)
{
	set_controls(vcpu, vcpu->arch.timer.hw_bank);
}

/* --- trapped accesses --- */

/* Count that timer @id compares with. */
static u64 count_of(struct kvm_vcpu *vcpu, enum timer_id id)
{
	return now() - offset_of(vcpu, id);
}

u64 timer_read(struct kvm_vcpu *vcpu, enum timer_id id, enum timer_reg reg)
{
	struct timer_cpu *t = &vcpu->arch.timer;
	u64 ctl = *mem_ctl(vcpu, id), cval = *mem_cval(vcpu, id);

	if (in_hw(id, t->hw_bank) && !nvhe_memory(vcpu, t->hw_bank)) {
		bool virt = id == TIMER_V || id == TIMER_HV;

		ctl = virt ? read_sysreg_el0(CNTV_CTL) : read_sysreg_el0(CNTP_CTL);
		cval = virt ? read_sysreg_el0(CNTV_CVAL) : read_sysreg_el0(CNTP_CVAL);
	}
	switch (reg) {
	case TIMER_CVAL:
		return cval;
	case TIMER_TVAL:
		return (u32)(cval - count_of(vcpu, id));
	case TIMER_CTL:
		break;
	}
	ctl &= CTL_MASK;
	if ((ctl & TIMER_CTL_ENABLE) && count_of(vcpu, id) >= cval)
		ctl |= TIMER_CTL_ISTATUS;
	return ctl;
}

bool timer_write(struct kvm_vcpu *vcpu, enum timer_id id, enum timer_reg reg, u64 val)
{
	struct timer_cpu *t = &vcpu->arch.timer;
	bool hw = in_hw(id, t->hw_bank), virt = id == TIMER_V || id == TIMER_HV;
	u8 level = t->level;

	if (reg == TIMER_TVAL)
		val = count_of(vcpu, id) + (u64)(int64_t)(s32)val;
	/* Under NV2 L1 writes CNTVOFF_EL2 unseen; with the old one the new deadline might seem to have passed. */
	if (hw && id == TIMER_V)
		set_cntvoff(t, offset_of(vcpu, id));
	if (reg == TIMER_CTL) {
		*mem_ctl(vcpu, id) = val & CTL_MASK;
		if (hw && virt)
			write_sysreg_el0(val & CTL_MASK, CNTV_CTL);
		else if (hw)
			write_sysreg_el0(val & CTL_MASK, CNTP_CTL);
	} else {
		*mem_cval(vcpu, id) = val;
		if (hw && virt)
			write_sysreg_el0(val, CNTV_CVAL);
		else if (hw)
			write_sysreg_el0(val, CNTP_CVAL);
	}
	/* The hardware raises the interrupt, but cannot take back what L0 has passed on and L1 not yet seen. */
	if (hw)
		return vcpu->arch.vgic.inflight & BIT(timer_virq(id));
	timer_hyp_sync(vcpu);
	/* The guest may go on without the host: as timer_hyp_enter. */
	lower_deadline(t->host_deadline);
	set_cnthctl(t, cnthctl_of(vcpu, t->hw_bank));
	/* Taken when the hardware had the timer, it never was in @level: an EOI would have to trap for it. */
	return t->level != level ||
	       (vcpu->arch.vgic.inflight & BIT(timer_virq(id)) && !(level & BIT(id)));
}
