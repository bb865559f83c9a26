/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * When TLBIs of E1 type trap at a VHE L1's vEL2 (HCR_EL2.TTLB). EL2.
 *
 * With TGE=1 they mean L1's own regime, which is what the hardware does with them; with TGE=0 they mean
 * the guest's. L0 cannot see TGE, so they trap while translations of vEL1&0 of this VM may be in any TLB:
 * from the first entry of any vCPU to vEL1&0 until L0 has thrown all of them away.
 *
 * vcpu.arch.ttlb is the vCPU's state; its bit in kvm.ttlb_off is set while that is not TTLB_TRAPS.
 * Rules:
 *   - a vCPU enters vEL1&0 only when it has seen ttlb_off empty after it said so in loaded_bank;
 *   - a vCPU stops trapping only when no other vCPU's loaded_bank said so after its bit was set.
 * So one of the two always sees the other. Who enters vEL1&0 makes all others trap: those that are in
 * their guests leave them for it. ttlb_off is written when a state changes, never on the exit path.
 */
#ifndef TTLB_H
#define TTLB_H

#include <kvm_host.h>

enum ttlb_state {
	TTLB_TRAPS = 0,
	TTLB_OFF_HOST,	/* not trapping, not in the guest: anybody may make it TTLB_TRAPS */
	TTLB_OFF_GUEST,	/* not trapping, in the guest or at EL2 for it: its own CPU must */
	TTLB_OFF_ASKED,	/* the same, and it does when it leaves: somebody waits for that */
};

/* All vCPUs of @vcpu's VM trap, from the return on. @vcpu's loaded_bank is BANK_VEL1. */
void ttlb_arm_all(struct kvm_vcpu *vcpu);

/* @vcpu trapped such a TLBI, and its TGE is 1: stop trapping if nothing of vEL1&0 can be live. */
void ttlb_disarm(struct kvm_vcpu *vcpu);

/* @vcpu's loaded_bank becomes BANK_VEL1, before the guest runs in it. */
static __always_inline void ttlb_enter_vel1(struct kvm_vcpu *vcpu)
{
	/* Sequentially consistent, both: a store that is ordered before the load. */
	__atomic_store_n(&vcpu->arch.loaded_bank, BANK_VEL1, __ATOMIC_SEQ_CST);
	if (unlikely(__atomic_load_n(&vcpu->kvm->ttlb_off, __ATOMIC_SEQ_CST)))
		ttlb_arm_all(vcpu);
}

/* From the host, before the guest runs. */
static inline void ttlb_hyp_enter(struct kvm_vcpu *vcpu)
{
	u8 old = TTLB_OFF_HOST;

	if (vcpu->arch.ttlb != TTLB_TRAPS)
		__atomic_compare_exchange_n(&vcpu->arch.ttlb, &old, TTLB_OFF_GUEST, false,
					    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

/* @vcpu's own CPU makes it trap. */
void ttlb_trap_again(struct kvm_vcpu *vcpu);

/* To the host: the guest does not run. */
static inline void ttlb_hyp_leave(struct kvm_vcpu *vcpu)
{
	u8 old = TTLB_OFF_GUEST;

	if (vcpu->arch.ttlb != TTLB_TRAPS &&
	    !__atomic_compare_exchange_n(&vcpu->arch.ttlb, &old, TTLB_OFF_HOST, false,
					 __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		ttlb_trap_again(vcpu);
}

#endif
