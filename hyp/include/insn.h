/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How many instructions L0 itself executes. EL2. Only where the PMU has INST_RETIRED, which under QEMU
 * means icount (hyp_pmu).
 *
 * Event counter 0 counts at EL2, always. Counter 1 counts at EL1, and only while an nVHE host runs
 * there: its instructions are L0's too.
 */
#ifndef INSN_H
#define INSN_H

#include <hyp_init.h>
#include <kvm_hyp.h>

#define INSN_EL1_COUNTER	BIT(1)

/* L0's instructions on this CPU so far, modulo 2^32. */
static inline u32 insn_now(void)
{
	u64 n;

	isb();		/* what was executed before is counted */
	n = read_sysreg(PMEVCNTR0_EL0);
	if (!has_vhe())
		n += read_sysreg(PMEVCNTR1_EL0);
	return (u32)n;
}

/* The nVHE host goes on (@on) or a guest does. */
static inline void insn_host_runs(bool on)
{
	if (has_vhe() || !hyp_pmu)
		return;
	if (on)
		write_sysreg(INSN_EL1_COUNTER, PMCNTENSET_EL0);
	else
		write_sysreg(INSN_EL1_COUNTER, PMCNTENCLR_EL0);
	isb();		/* no instruction of the guest is counted */
}

void insn_account(struct kvm_vcpu *vcpu, unsigned int reason);

/*
 * An exit of @vcpu for @reason begins: what L0 has executed on this CPU since the last one began was
 * that one's. Before exit_level changes. Nothing but a jump unless exits' instructions are counted.
 */
static inline void insn_exit_begins(struct kvm_vcpu *vcpu, unsigned int reason)
{
	if (alternative_has_cap(CAP_INSN))
		insn_account(vcpu, reason);
}

#endif
