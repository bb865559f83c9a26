/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The virtual CPU's debug registers (nested/debug.c). EL2.
 */
#ifndef DEBUG_H
#define DEBUG_H

#include <kvm_host.h>

/* Once a vCPU: what MDCR_EL2 of the hardware is at vEL1&0 and at vEL2. */
void debug_hyp_init(struct kvm_vcpu *vcpu);

/* vcpu_load, vcpu_put: breakpoint and watchpoint registers. */
void debug_hyp_load(struct kvm_vcpu *vcpu);
void debug_hyp_put(struct kvm_vcpu *vcpu);

/* Each entry: L1 may have stored to MDSCR_EL1's slot, which acts wherever it runs. */
static inline void debug_hyp_enter(const struct kvm_vcpu *vcpu)
{
	write_sysreg(READ_ONCE(__vcpu_sys_reg(vcpu, MDSCR_EL1)), mdscr_el1);
}

#endif
