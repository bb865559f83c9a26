// SPDX-License-Identifier: GPL-2.0-only
/*
 * L0's instructions by exit. EL2, interrupts masked.
 *
 * An exit's cost is known when the next one begins on the same CPU: everything between the two, the
 * guest excepted. The first exit of a CPU only begins.
 */
#include <insn.h>

static DEFINE_PER_CPU(struct {
	struct kvm_vcpu *vcpu;
	u32 begin;
	u32 reason;
}, last_exit);

void insn_account(struct kvm_vcpu *vcpu, unsigned int reason)
{
	__typeof__(&last_exit) last = __hyp_this_cpu_ptr(last_exit);
	u32 now = insn_now();

	if (last->vcpu)
		last->vcpu->arch.stats.instructions[last->vcpu->arch.exit_level][last->reason] +=
			now - last->begin;
	last->vcpu = vcpu;
	last->begin = now;
	last->reason = reason;
}
