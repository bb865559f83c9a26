// SPDX-License-Identifier: GPL-2.0-only
/*
 * PSCI calls of L1 that need another of its vCPUs, or end it. In the host, on the CPU of the caller.
 *
 * arch.powered_off of a vCPU is cleared by whoever turns it on, with release order after its registers were
 * set, and set by its own CPU. `starting` keeps two callers from turning on one vCPU at a time.
 */
#include <host.h>
#include <l1.h>
#include <psci.h>
#include <sched.h>

#define MPIDR_BIT31 BIT(31) /* RES1 in MPIDR_EL1: some pass it on */

static struct kvm_vcpu *find_vcpu(const struct kvm *kvm, u64 mpidr)
{
	int i;

	mpidr &= ~MPIDR_BIT31;
	for (i = 0; i < kvm->nr_vcpus; i++) {
		if ((kvm->vcpus[i]->arch.mpidr & MPIDR_AFF_MASK) == mpidr)
			return kvm->vcpus[i];
	}
	return NULL;
}

static bool is_off(const struct kvm_vcpu *vcpu)
{
	return __atomic_load_n(&vcpu->arch.powered_off, __ATOMIC_ACQUIRE);
}

static s64 cpu_on(const struct kvm *kvm, u64 mpidr, u64 entry, u64 context)
{
	struct kvm_vcpu *target = find_vcpu(kvm, mpidr);

	if (!target)
		return PSCI_INVALID_PARAMETERS;
	if (entry & 3 || entry < kvm->ram_base || entry - kvm->ram_base >= kvm->ram_size)
		return PSCI_INVALID_ADDRESS;
	if (__atomic_exchange_n(&target->starting, true, __ATOMIC_ACQUIRE))
		return PSCI_ON_PENDING;
	if (!is_off(target)) {
		__atomic_store_n(&target->starting, false, __ATOMIC_RELEASE);
		return PSCI_ALREADY_ON;
	}
	/* It said that it is off while it was still loaded: its CPU is on the way out. */
	while (__atomic_load_n(&target->cpu, __ATOMIC_ACQUIRE) >= 0)
		;
	l1_vcpu_start(target, entry, context);
	__atomic_store_n(&target->arch.powered_off, false, __ATOMIC_RELEASE);
	__atomic_store_n(&target->starting, false, __ATOMIC_RELEASE);
	kvm_vcpu_kick(target);
	return PSCI_SUCCESS;
}

/* ON if one of those is that @mpidr and @level stand for: affinity fields below @level do not count. */
static s64 affinity_info(const struct kvm *kvm, u64 mpidr, u32 level)
{
	static const u64 masks[] = { MPIDR_AFF_MASK, 0xff00ffff00ULL, 0xff00ff0000ULL,
				     0xff00000000ULL };
	s64 ret = PSCI_INVALID_PARAMETERS;

	if (level >= ARRAY_SIZE(masks) || mpidr & ~(MPIDR_AFF_MASK | MPIDR_BIT31))
		return ret;
	for (int i = 0; i < kvm->nr_vcpus; i++) {
		const struct kvm_vcpu *vcpu = kvm->vcpus[i];

		if ((vcpu->arch.mpidr ^ mpidr) & masks[level])
			continue;
		if (!is_off(vcpu))
			return PSCI_AFFINITY_ON;
		if (ret != PSCI_AFFINITY_ON_PENDING)
			ret = vcpu->starting ? PSCI_AFFINITY_ON_PENDING : PSCI_AFFINITY_OFF;
	}
	return ret;
}

/* Only standby states exist: that is WFI. */
static bool cpu_suspend(struct kvm_vcpu *vcpu, u64 state)
{
	u64 *x0 = &vcpu->arch.ctxt.regs.regs[0];

	if (state & 0xfffe0000) {
		*x0 = (u64)(s64)PSCI_INVALID_PARAMETERS;
		return true;
	}
	*x0 = PSCI_SUCCESS;
	vcpu->arch.wfi_waiting = true;
	return false;
}

/* Of the 32-bit form only the lower halves of the arguments count, of any form those of arguments of 32 bits. */
static u64 arg(const struct kvm_vcpu *vcpu, unsigned int n)
{
	const u64 *regs = vcpu->arch.ctxt.regs.regs;

	return regs[0] & SMCCC_FN_64BIT ? regs[n] : (u32)regs[n];
}

bool psci_call(struct kvm_vcpu *vcpu)
{
	u64 *x0 = &vcpu->arch.ctxt.regs.regs[0];

	if (psci_fast(vcpu))
		return true;
	switch ((u32)*x0) {
	case PSCI_CPU_SUSPEND:
	case PSCI_CPU_SUSPEND64:
		return cpu_suspend(vcpu, arg(vcpu, 1));
	case PSCI_CPU_OFF:
		__atomic_store_n(&vcpu->arch.powered_off, true, __ATOMIC_RELEASE);
		return false;
	case PSCI_CPU_ON:
	case PSCI_CPU_ON64:
		*x0 = (u64)cpu_on(vcpu->kvm, arg(vcpu, 1), arg(vcpu, 2), arg(vcpu, 3));
		return true;
	case PSCI_AFFINITY_INFO:
	case PSCI_AFFINITY_INFO64:
		*x0 = (u64)affinity_info(vcpu->kvm, arg(vcpu, 1), (u32)arg(vcpu, 2));
		return true;
	case PSCI_SYSTEM_OFF:
		l1_end(vcpu->kvm, L1_OFF);
		return false;
	case PSCI_SYSTEM_RESET:
		l1_end(vcpu->kvm, L1_RESET);
		return false;
	case PSCI_SYSTEM_RESET2:
	case PSCI_SYSTEM_RESET2_64:
		/* 0: warm reset of the whole system; the rest is the vendor's or reserved. */
		if ((u32)arg(vcpu, 1)) {
			*x0 = (u64)(s64)PSCI_INVALID_PARAMETERS;
			return true;
		}
		l1_end(vcpu->kvm, L1_RESET);
		return false;
	default:
		*x0 = (u64)(s64)PSCI_NOT_SUPPORTED;
		return true;
	}
}
