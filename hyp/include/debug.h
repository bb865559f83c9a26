/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The virtual CPU's debug registers (nested/debug.c). EL2.
 */
#ifndef DEBUG_H
#define DEBUG_H

#include <kvm_host.h>

/* The hardware EL1 bank goes from @from to @to (either may be BANK_NONE): MDSCR_EL1 changes homes. */
void debug_hyp_switch(struct kvm_vcpu *vcpu, enum loaded_bank from, enum loaded_bank to);

/* Each entry at vEL2: L1 may have stored to MDSCR_EL1's slot, which acts at vEL2 too. */
static inline void debug_hyp_enter(const struct kvm_vcpu *vcpu)
{
	u64 mdscr = READ_ONCE(__vcpu_sys_reg(vcpu, MDSCR_EL1));

	if (vcpu->arch.loaded_bank != BANK_VEL1 && read_sysreg(mdscr_el1) != mdscr)
		write_sysreg(mdscr, mdscr_el1);
}

#endif
