// SPDX-License-Identifier: GPL-2.0-only
/*
 * Trapping of TLBIs at vEL2, armed and disarmed: see ttlb.h. EL2, interrupts masked.
 */
#include <gic.h>
#include <kvm_hyp.h>
#include <nested.h>
#include <s2.h>
#include <ttlb.h>

/*
 * With other vCPUs, so many TLBIs trap without any vCPU entering vEL1&0 between them before it is worth
 * stopping: the next entry costs an interrupt to each vCPU that has.
 */
#define QUIET_TLBIS	4

static u32 bit_of(const struct kvm_vcpu *vcpu)
{
	return 1U << vcpu->vcpu_id;
}

/* The state has just become TTLB_TRAPS. */
static void clear_bit(struct kvm_vcpu *vcpu)
{
	__atomic_fetch_and(&vcpu->kvm->ttlb_off, ~bit_of(vcpu), __ATOMIC_SEQ_CST);
}

void ttlb_trap_again(struct kvm_vcpu *vcpu)
{
	__atomic_store_n(&vcpu->arch.ttlb, TTLB_TRAPS, __ATOMIC_SEQ_CST);
	clear_bit(vcpu);
}

/* True: it does now. False: its CPU sees to it when it leaves the guest. */
static bool make_trap(struct kvm_vcpu *other)
{
	u8 old = TTLB_OFF_HOST;

	while (!__atomic_compare_exchange_n(&other->arch.ttlb, &old,
					    old == TTLB_OFF_HOST ? TTLB_TRAPS : TTLB_OFF_ASKED,
					    false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
		if (old == TTLB_TRAPS)
			return true;
		if (old == TTLB_OFF_ASKED)
			return false;
	}
	if (old != TTLB_OFF_HOST)
		return false;
	/* It cannot have set the bit again: loaded_bank of the caller forbids it. */
	clear_bit(other);
	return true;
}

static void make_other_trap(struct kvm_vcpu *other)
{
	int cpu;

	if (make_trap(other))
		return;
	/* Where it is: it cannot go to another CPU without leaving its guest. */
	cpu = READ_ONCE(other->cpu);
	if (cpu >= 0)
		gic_send_kick(*per_cpu_ptr(cpu_mpidr, (unsigned int)cpu));
	/* It is in the host soon: interrupts are not masked in a guest, and nothing here waits for us. */
	while (__atomic_load_n(&other->arch.ttlb, __ATOMIC_ACQUIRE) == TTLB_OFF_ASKED)
		;
}

noinline void ttlb_arm_all(struct kvm_vcpu *vcpu)
{
	struct kvm *kvm = vcpu->kvm;
	u32 off;

	/* First: two that enter at the same time must not wait for each other. */
	if (vcpu->arch.ttlb != TTLB_TRAPS)
		ttlb_trap_again(vcpu);
	while ((off = __atomic_load_n(&kvm->ttlb_off, __ATOMIC_SEQ_CST)))
		make_other_trap(kvm->vcpus[__builtin_ctz(off)]);
}

static bool others_in_vel1(const struct kvm_vcpu *vcpu)
{
	const struct kvm *kvm = vcpu->kvm;

	for (int i = 0; i < kvm->nr_vcpus; i++) {
		const struct kvm_vcpu *other = kvm->vcpus[i];

		if (other != vcpu &&
		    __atomic_load_n(&other->arch.loaded_bank, __ATOMIC_SEQ_CST) == BANK_VEL1)
			return true;
	}
	return false;
}

/*
 * Grows whenever a vCPU enters vEL1&0 (and at other changes of bank): after it has got past
 * ttlb_enter_vel1(), so not while a bit in ttlb_off stays set.
 */
static u64 all_entries(const struct kvm *kvm)
{
	u64 sum = 0;

	for (int i = 0; i < kvm->nr_vcpus; i++)
		sum += __atomic_load_n(&kvm->vcpus[i]->arch.el1_bank_switches, __ATOMIC_RELAXED);
	return sum;
}

/* Is it worth it? A single vCPU pays nothing for the next entry. */
static bool is_quiet(struct kvm_vcpu *vcpu)
{
	u64 sum;

	if (vcpu->kvm->nr_vcpus == 1)
		return true;
	sum = all_entries(vcpu->kvm);
	if (sum != vcpu->arch.ttlb_seen) {
		vcpu->arch.ttlb_seen = sum;
		vcpu->arch.ttlb_quiet = 0;
	}
	return ++vcpu->arch.ttlb_quiet >= QUIET_TLBIS;
}

void ttlb_disarm(struct kvm_vcpu *vcpu)
{
	struct kvm *kvm = vcpu->kvm;
	u64 sum;

	if (vcpu->arch.ttlb != TTLB_TRAPS || others_in_vel1(vcpu) || !is_quiet(vcpu))
		return;
	__atomic_store_n(&vcpu->arch.ttlb, TTLB_OFF_GUEST, __ATOMIC_SEQ_CST);
	__atomic_fetch_or(&kvm->ttlb_off, bit_of(vcpu), __ATOMIC_SEQ_CST);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (others_in_vel1(vcpu)) {
		ttlb_trap_again(vcpu);
		return;
	}
	/* Whoever wants to enter vEL1&0 now waits until this vCPU has left its guest. */
	sum = all_entries(kvm);
	if (__atomic_load_n(&kvm->ttlb_flushed, __ATOMIC_ACQUIRE) != sum) {
		s2_flush_guest_stage1(&kvm->s2);
		__atomic_store_n(&kvm->ttlb_flushed, sum, __ATOMIC_RELEASE);
	}
	shadow_refresh_hcr(vcpu);
}
