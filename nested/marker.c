// SPDX-License-Identifier: GPL-2.0-only
/*
 * Marked regions: a guest of any level says HVC #0x4e56 where an operation begins and ends, and L0
 * says what lay between. EL2.
 *
 * Neither marker is an exit that anybody sees in the counts, nor an HVC that L1 sees. L0's
 * instructions between the two readings include the rest of the first marker's handling and the
 * beginning of the second's: a constant, which the guest's empty regions measure.
 */
#include <abi.h>
#include <check.h>
#include <insn.h>
#include <stats.h>

#include <kvm_hyp.h>
#include <nested.h>

bool markers_on;

/* Each CPU counts for itself: of a region that moved to another one, the instructions are not known. */
static struct {
	u32 insn;
	int cpu;
} begin[NR_VCPUS];

static u64 instructions(const struct kvm_vcpu *vcpu, u32 now)
{
	if (!hyp_pmu || begin[vcpu_number(vcpu)].cpu != vcpu->cpu)
		return NO_INSTRUCTIONS;
	return now - begin[vcpu_number(vcpu)].insn;
}

void marker_hvc(struct kvm_vcpu *vcpu)
{
	const u64 *regs = vcpu->arch.ctxt.regs.regs;
	u32 now = 0;

	if (hyp_pmu)
		now = insn_now();
	check_uncounted(vcpu);
	vcpu->arch.exit_reason = EXIT_HVC;
	vcpu->arch.exit_outcome = OUT_HANDLED;
	switch (regs[0]) {
	case MARKER_BEGIN:
		sample_begin(vcpu);
		begin[vcpu_number(vcpu)].cpu = vcpu->cpu;
		if (hyp_pmu)
			begin[vcpu_number(vcpu)].insn = insn_now();
		break;
	case MARKER_END:
		sample_emit(vcpu, regs[1], (enum level)vcpu->arch.exit_level, regs[2],
			    instructions(vcpu, now));
		break;
	}
}
