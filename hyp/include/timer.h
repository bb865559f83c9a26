/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The four generic timers of a virtual CPU with EL2, on the two that a guest's hardware has.
 *
 * Where the state lives, by loaded bank:
 *
 *   bank VEL1        hardware CNTV = vCNTV (CNTVOFF_EL2 = vCNTVOFF), CNTP = vCNTP;
 *                    vCNTHV and vCNTHP in sys_regs[]
 *   bank VEL2_E2H    hardware CNTV = vCNTHV (CNTVOFF_EL2 = 0), CNTP = vCNTHP;
 *                    vCNTV and vCNTP in sys_regs[], which under NV2 is what _EL02 names reach
 *   bank VEL2_NVHE   hardware as for VEL1
 *   none             all four in sys_regs[]
 *
 * NV2 redirects _EL02 names (E2H=1) and _EL0 names (E2H=0) of vEL2 to sys_regs[], where an ISTATUS
 * cannot change and TVAL moves nothing. FEAT_ECV traps them instead, and then L1 sees what it would
 * see on real EL2. Without FEAT_ECV the memory copy is the current value at such a vEL2, and L0
 * publishes ISTATUS and follows the copy at each exit.
 *
 * A timer that is not in the hardware is a background timer. L0's own CNTHP_EL2 is set to the
 * earliest moment at which one of them fires, and its ISTATUS is then published in sys_regs[].
 * Times are in ticks of CNTPCT_EL0, except vCNTV's, which are CNTPCT_EL0 - vCNTVOFF.
 */
#ifndef TIMER_H
#define TIMER_H

#include <types.h>

struct kvm_vcpu;

enum timer_id {
	TIMER_V = 0,	/* CNTV_*_EL0 of vEL1, CNTV_*_EL02 at vEL2 */
	TIMER_P,	/* CNTP_*_EL0 of vEL1, CNTP_*_EL02 at vEL2 */
	TIMER_HV,	/* CNTHV_*_EL2 */
	TIMER_HP,	/* CNTHP_*_EL2 */
	NR_TIMERS,
};

enum timer_reg {
	TIMER_CTL = 0,
	TIMER_CVAL,
	TIMER_TVAL,
};

#define TIMER_CTL_ENABLE	BIT(0)
#define TIMER_CTL_IMASK		BIT(1)
#define TIMER_CTL_ISTATUS	BIT(2)

#define TIMER_NEVER		(~0ULL)

struct timer_cpu {
	u64 host_deadline;	/* L0 wants an exit at this time (time slice), or TIMER_NEVER */
	u64 next;		/* not loaded: when its next timer fires */
	u64 hw_cntvoff;		/* what CNTVOFF_EL2 and CNTHCTL_EL2 (E2H=1 format) are loaded with */
	u64 hw_cnthctl;
	u64 nvhe_cval[2];	/* bank VEL2_NVHE, NV2: CVALs that the hardware was given */
	unsigned long gicr;	/* VA of the SGI frame of the CPU it is loaded on */
	u8 hw_bank;		/* enum loaded_bank: whose timers the hardware has */
	u8 synced_bank;		/* hw_bank at the last timer_sync */
	u8 level;		/* BIT(timer_id): outputs of the background timers */
	bool nvhe_memory;	/* _EL0 names of bank VEL2_NVHE reach sys_regs[] */
	u64 cnthctl_e2h;	/* CNTHCTL_EL2 of the hardware at vEL2, by its E2H; E2H=1 format */
	u64 cnthctl_nvhe;
	u64 cnthctl_l1;		/* bits of L1's that act on vEL1&0; E2H=1 format */
};

/* L1's INTID of each timer's PPI. */
static inline u32 timer_virq(enum timer_id id)
{
	static const u8 virq[NR_TIMERS] = { 27, 30, 28, 26 };

	return virq[id];
}
#define TIMER_PPIS	(BIT(26) | BIT(27) | BIT(28) | BIT(30))

/* ---- EL2, nested/timer.c ---- */

/* Once a CPU. Stops the hardware timers and sets CNTHCTL_EL2 for the host. */
void timer_hyp_init(unsigned long gicr);

/* For a CPU that idles: CNTHP_EL2 fires no later than @deadline. */
void timer_hyp_arm(u64 deadline);

/* CNTHP_EL2 off, when it fired while no vCPU is loaded. */
void timer_hyp_stop(void);

/* vcpu_load: @bank (enum loaded_bank) is what will run first. After vgic_hyp_load. */
void timer_hyp_load(struct kvm_vcpu *vcpu, unsigned int bank);

/* vcpu_put: all four timers end in sys_regs[], CNTHP_EL2 fires at the earliest of them. */
void timer_hyp_put(struct kvm_vcpu *vcpu);

/*
 * The hardware EL1 bank goes from @from to @to (enum loaded_bank, neither BANK_NONE). The caller
 * has saved the old EL1 bank (CNTHCTL_EL2 of L1 may live in CNTKCTL_EL1) and has already called
 * vgic_hyp_switch_*; physical active states follow the list registers' state.
 */
void timer_hyp_switch(struct kvm_vcpu *vcpu, unsigned int from, unsigned int to);

/* Before each entry from the host: L0's own deadline and what the guest changed in memory. */
void timer_hyp_enter(struct kvm_vcpu *vcpu);

/*
 * At each exit to the host (the vCPU need not be loaded): publishes ISTATUS, computes the outputs of the background timers into
 * timer.level, sets CNTHP_EL2. Also called from the host when CNTHP_EL2 fired.
 */
void timer_hyp_sync(struct kvm_vcpu *vcpu);

/*
 * The trapped registers of timer @id as L1's software sees them: CNTHP_*, CNTHV_*, TVAL_EL02, and
 * with the mechanism nv all _EL02 names. Works whichever bank is loaded. EL2 only.
 */
u64 timer_read(struct kvm_vcpu *vcpu, enum timer_id id, enum timer_reg reg);
/* Returns true if the timer's output may have changed: the host must look (timer_sync). */
bool timer_write(struct kvm_vcpu *vcpu, enum timer_id id, enum timer_reg reg, u64 val);

/* L1 wrote CNTHCTL_EL2 or CNTVOFF_EL2 by a trapped access: the hardware follows. EL2 only. */
void timer_hyp_ctl_changed(struct kvm_vcpu *vcpu);

/* ---- host, hyp/host/vtimer.c ---- */

/* After nested_vcpu_init. @nv2: the mechanism redirects the timers' names to memory. */
void timer_vcpu_init(struct kvm_vcpu *vcpu, bool nv2);

/* After each exit, before vgic_flush: the timers' outputs become L1's PPI levels. */
void timer_sync(struct kvm_vcpu *vcpu);

/* Physical PPI 27 or 30 was taken while @vcpu was loaded. False: nobody's, deactivate it. */
bool timer_handle_irq(struct kvm_vcpu *vcpu, u32 intid);

#endif
