// SPDX-License-Identifier: GPL-2.0-only
/*
 * PSCI and SMCCC calls of L1 whose answer is a constant. At EL2 on the exit path, or in the host; touches
 * nothing but x0 of the vCPU.
 */
#include <kvm_host.h>
#include <psci.h>

static bool host_function(u32 fn)
{
	switch (fn) {
	case PSCI_CPU_SUSPEND:
	case PSCI_CPU_SUSPEND64:
	case PSCI_CPU_OFF:
	case PSCI_CPU_ON:
	case PSCI_CPU_ON64:
	case PSCI_AFFINITY_INFO:
	case PSCI_AFFINITY_INFO64:
	case PSCI_SYSTEM_OFF:
	case PSCI_SYSTEM_RESET:
	case PSCI_SYSTEM_RESET2:
	case PSCI_SYSTEM_RESET2_64:
		return true;
	default:
		return false;
	}
}

static s64 psci_features(u32 fn)
{
	switch (fn) {
	case PSCI_VERSION:
	case PSCI_FEATURES:
	case PSCI_MIGRATE_INFO_TYPE:
	case SMCCC_VERSION:
		return PSCI_SUCCESS;
	default:
		/* CPU_SUSPEND: 0 is the original format of power_state, platform coordinated. */
		return host_function(fn) ? PSCI_SUCCESS : PSCI_NOT_SUPPORTED;
	}
}

static s64 arch_features(u32 fn)
{
	switch (fn) {
	case SMCCC_VERSION:
	case SMCCC_ARCH_FEATURES:
	case SMCCC_PV_TIME_FEATURES:
		return PSCI_SUCCESS;
	default:
		return PSCI_NOT_SUPPORTED;
	}
}

static s64 pv_time_features(u32 fn)
{
	return fn == SMCCC_PV_TIME_FEATURES || fn == SMCCC_PV_TIME_ST ? PSCI_SUCCESS :
									 PSCI_NOT_SUPPORTED;
}

bool psci_fast(struct kvm_vcpu *vcpu)
{
	u64 *regs = vcpu->arch.ctxt.regs.regs;
	u32 fn = (u32)regs[0];

	if (host_function(fn))
		return false;
	switch (fn) {
	case PSCI_VERSION:
		regs[0] = PSCI_VERSION_1_1;
		break;
	case PSCI_FEATURES:
		regs[0] = (u64)psci_features((u32)regs[1]);
		break;
	case PSCI_MIGRATE_INFO_TYPE:
		regs[0] = PSCI_MIGRATE_NOT_NEEDED;
		break;
	case SMCCC_VERSION:
		regs[0] = SMCCC_VERSION_1_1;
		break;
	case SMCCC_ARCH_FEATURES:
		regs[0] = (u64)arch_features((u32)regs[1]);
		break;
	case SMCCC_PV_TIME_FEATURES:
		regs[0] = (u64)pv_time_features((u32)regs[1]);
		break;
	case SMCCC_PV_TIME_ST:
		regs[0] = PVTIME_IPA + (u64)vcpu->vcpu_id * sizeof(struct pvtime);
		break;
	default:
		regs[0] = (u64)(s64)PSCI_NOT_SUPPORTED;
	}
	return true;
}
