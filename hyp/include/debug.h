/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The virtual CPU's debug registers (nested/debug.c). EL2.
 */
#ifndef DEBUG_H
#define DEBUG_H

#include <kvm_host.h>

/* Bits of the hardware's MDCR_EL2 while @bank runs, besides those that L0 always has. */
u64 debug_mdcr(const struct kvm_vcpu *vcpu, enum loaded_bank bank);

/* vcpu_load, vcpu_put: breakpoint and watchpoint registers. */
void debug_hyp_load(struct kvm_vcpu *vcpu);
void debug_hyp_put(struct kvm_vcpu *vcpu);

/* Each entry: L1 may have stored to MDSCR_EL1's slot, which acts wherever it runs. */
static inline void debug_hyp_enter(const struct kvm_vcpu *vcpu)
{
	u64 mdscr = READ_ONCE(__vcpu_sys_reg(vcpu, MDSCR_EL1));

	if (read_sysreg(mdscr_el1) != mdscr)
		write_sysreg(mdscr, mdscr_el1);
}

#endif
