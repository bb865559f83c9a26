/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The exit trace ring of a vCPU: who left, where, why, and what became of it. EL2. Free when off
 * (an alternative), about twenty instructions an exit when on.
 */
#ifndef TRACE_H
#define TRACE_H

#include <kvm_hyp.h>

static inline struct exit_trace *trace_slot(struct kvm_vcpu *vcpu, u64 seq)
{
	return &vcpu->arch.stats.trace[seq % TRACE_RING];
}

static inline void trace_exit(struct kvm_vcpu *vcpu, u64 esr)
{
	struct exit_trace *t;

	if (!alternative_has_cap(CAP_TRACE))
		return;
	t = trace_slot(vcpu, vcpu->arch.stats.trace_seq++);
	t->pc = vcpu->arch.ctxt.regs.pc;
	t->far = read_sysreg(FAR_EL2);
	t->hpfar = read_sysreg(HPFAR_EL2);
	t->esr = (u32)esr;
	t->level = vcpu->arch.exit_level;
	t->reason = NR_EXITS;
	t->taken = read_sysreg(CNTPCT_EL0);
	t->returned = 0;
}

static inline void trace_outcome(struct kvm_vcpu *vcpu)
{
	struct exit_trace *t;

	if (!alternative_has_cap(CAP_TRACE))
		return;
	t = trace_slot(vcpu, vcpu->arch.stats.trace_seq - 1);
	t->reason = vcpu->arch.exit_reason;
	t->outcome = vcpu->arch.exit_outcome;
}

/* The guest is about to run on. The host may get here more than once for one exit: the last time counts. */
static inline void trace_return(struct kvm_vcpu *vcpu)
{
	if (!alternative_has_cap(CAP_TRACE) || !vcpu->arch.stats.trace_seq)
		return;
	trace_slot(vcpu, vcpu->arch.stats.trace_seq - 1)->returned = read_sysreg(CNTPCT_EL0);
}

#endif
