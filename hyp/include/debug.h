/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The virtual CPU's debug registers (nested/debug.c). EL2.
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

/* vcpu_load, vcpu_put: breakpoint and watchpoint registers. */
void debug_hyp_load(struct kvm_vcpu *vcpu);
void debug_hyp_put(struct kvm_vcpu *vcpu);

/* @mdscr, which has KDE, as the hardware must have it at vEL2. */
u64 debug_vel2_mdscr(const struct kvm_vcpu *vcpu, u64 mdscr);

/* Is software step enabled at vEL1&0 in the state @pstate (DebugExceptionReturnSS)? */
bool debug_steps_vel1(const struct kvm_vcpu *vcpu, u64 pstate);

/* Each entry to vEL1&0. */
static inline void debug_hyp_enter_vel1(const struct kvm_vcpu *vcpu)
{
	write_sysreg(READ_ONCE(__vcpu_sys_reg(vcpu, MDSCR_EL1)), mdscr_el1);
}

/* Each entry to vEL2: L1 may have stored to MDSCR_EL1's slot, which acts wherever it runs. */
static inline void debug_hyp_enter_vel2(const struct kvm_vcpu *vcpu)
{
	u64 mdscr = READ_ONCE(__vcpu_sys_reg(vcpu, MDSCR_EL1));

	if (unlikely(mdscr & MDSCR_KDE))
		mdscr = debug_vel2_mdscr(vcpu, mdscr);
	write_sysreg(mdscr, mdscr_el1);
}

#endif
