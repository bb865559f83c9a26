/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The virtual CPU's debug registers (nested/debug.c; as the hardware has them: shadow/debug.c). EL2.
 */
#ifndef DEBUG_H
#define DEBUG_H

#include <kvm_host.h>
#include <sysreg-fields.h>

/* Once a vCPU: what MDCR_EL2 of the hardware is at vEL1&0 and at vEL2. */
void debug_hyp_init(struct kvm_vcpu *vcpu);

/* What traps debug registers: L0's own at vEL2, L1's at vEL1&0. */
#define MDCR_DEBUG_TRAPS (MDCR_TDA | MDCR_TDOSA | MDCR_TDRA)

/* MDCR_EL2 of L1 is 0, as at reset. */
static inline void debug_hyp_reset(struct kvm_vcpu *vcpu)
{
	vcpu->arch.mdcr_vel1 = vcpu->arch.mdcr_vel2 & ~MDCR_DEBUG_TRAPS;
}

/* op2 of DBGBVR<n>_EL1, DBGBCR<n>_EL1, DBGWVR<n>_EL1, DBGWCR<n>_EL1 */
enum dbg_kind {
	DBG_BVR = 4,
	DBG_BCR,
	DBG_WVR,
	DBG_WCR,
};

/* Before the first vCPU is loaded: how many there are, as ID_AA64DFR0_EL1 says. */
void dbg_init(unsigned int breakpoints, unsigned int watchpoints);

/*
 * Breakpoint and watchpoint registers: all of them at vcpu_load and vcpu_put; one of them as L1 sees it, @control:
 * DBGBCR<n>_EL1 or DBGWCR<n>_EL1.
 */
void dbg_load_all(struct kvm_vcpu *vcpu);
void dbg_save_all(struct kvm_vcpu *vcpu);
u64 dbg_read_l1(const struct kvm_vcpu *vcpu, enum vcpu_sysreg reg, bool control);
void dbg_write_l1(struct kvm_vcpu *vcpu, enum vcpu_sysreg reg, bool control, u64 val);

/* vcpu_load, vcpu_put: those, and the OS Lock. */
void debug_hyp_load(struct kvm_vcpu *vcpu);
void debug_hyp_put(struct kvm_vcpu *vcpu);

/*
 * @mdscr, the virtual MDSCR_EL1, has KDE, and vEL2 runs next: the hardware's, with its breakpoints and watchpoints,
 * becomes what that means there.
 */
void debug_vel2_kde(struct kvm_vcpu *vcpu, u64 mdscr);

/* Breakpoints and watchpoints are as L1 wrote them again: anything but vEL2 runs next. */
void debug_hyp_disarm(struct kvm_vcpu *vcpu);

/* Does L1 have debug exceptions of vEL1&0, and of vEL2, at vEL2? */
static inline bool debug_routed_to_vel2(const struct kvm_vcpu *vcpu)
{
	return (__vcpu_sys_reg(vcpu, MDCR_EL2) & MDCR_TDE) || (vcpu_hcr_el2(vcpu) & HCR_TGE);
}

/* Is software step enabled at vEL1&0 in the state @pstate (DebugExceptionReturnSS)? */
bool debug_steps_vel1(const struct kvm_vcpu *vcpu, u64 pstate);

/* vEL1&0 runs next, and breakpoints act there: what they compare with. vEL2's registers are in memory. */
void debug_vel1_mde(const struct kvm_vcpu *vcpu);

/* Each entry to vEL1&0. */
static inline void debug_hyp_enter_vel1(const struct kvm_vcpu *vcpu)
{
	u64 mdscr = READ_ONCE(__vcpu_sys_reg(vcpu, MDSCR_EL1));

	if (unlikely(mdscr & MDSCR_MDE))
		debug_vel1_mde(vcpu);
	write_sysreg(mdscr, mdscr_el1);
}

/* Each entry to vEL2: L1 may have stored to MDSCR_EL1's slot, which acts wherever it runs. */
static inline void debug_hyp_enter_vel2(struct kvm_vcpu *vcpu)
{
	u64 mdscr = READ_ONCE(__vcpu_sys_reg(vcpu, MDSCR_EL1));

	if (unlikely(mdscr & MDSCR_KDE))
		debug_vel2_kde(vcpu, mdscr);
	else
		write_sysreg(mdscr, mdscr_el1);
}

#endif
