/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What was counted, as JSON lines: counters of a vCPU, samples of a marked region, traces, state. EL2.
 *
 * The counters belong to the CPU that runs the vCPU; others may read them while they change, and then
 * see some exits and not the ones after.
 */
#ifndef STATS_H
#define STATS_H

#include <kvm_host.h>

/* All counters of @vcpu, at the @end or in between. */
void stats_emit(struct kvm_vcpu *vcpu, bool end);

/*
 * A marked region of @vcpu begins: remember the counters. At EL2, on the CPU that runs the vCPU. The marker's
 * own exit must be in the counters of neither call, or of both.
 */
void sample_begin(struct kvm_vcpu *vcpu);

/* L0's instructions are not counted. */
#define NO_INSTRUCTIONS	(~0ULL)

/*
 * It ends: what was counted since sample_begin(), for @ops operations of region @region. @level: who
 * executed the marker. @instructions of L0 in between, or NO_INSTRUCTIONS.
 */
void sample_emit(struct kvm_vcpu *vcpu, u64 region, enum level level, u64 ops, u64 instructions);

/* The last @n exits in the ring of @vcpu, oldest first, one line each. */
void trace_emit(const struct kvm_vcpu *vcpu, unsigned int n);

/* Where @vcpu is: level, PC, bank, last exit. As of its last exit if it runs on another CPU. */
void vcpu_emit(const struct kvm_vcpu *vcpu);

#endif
