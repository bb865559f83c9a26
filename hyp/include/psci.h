/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * PSCI: what L0 asks of the firmware, and what L1 asks of L0.
 *
 * Function ids and return values: Arm DEN0022 (PSCI 1.1), DEN0028 (SMCCC).
 */
#ifndef PSCI_H
#define PSCI_H

#include <types.h>

#define PSCI_VERSION			0x84000000U
#define PSCI_CPU_SUSPEND		0x84000001U
#define PSCI_CPU_SUSPEND64		0xc4000001U
#define PSCI_CPU_OFF			0x84000002U
#define PSCI_CPU_ON			0x84000003U
#define PSCI_CPU_ON64			0xc4000003U
#define PSCI_AFFINITY_INFO		0x84000004U
#define PSCI_AFFINITY_INFO64		0xc4000004U
#define PSCI_MIGRATE_INFO_TYPE		0x84000006U
#define PSCI_SYSTEM_OFF			0x84000008U
#define PSCI_SYSTEM_RESET		0x84000009U
#define PSCI_FEATURES			0x8400000aU
#define PSCI_SYSTEM_RESET2		0x84000012U
#define PSCI_SYSTEM_RESET2_64		0xc4000012U

#define SMCCC_VERSION			0x80000000U
#define SMCCC_ARCH_FEATURES		0x80000001U

/* Arm DEN0057, stolen time. */
#define SMCCC_PV_TIME_FEATURES		0xc5000020U
#define SMCCC_PV_TIME_ST		0xc5000021U

#define SMCCC_FN_64BIT			BIT(30)

/*
 * Where L1 finds its stolen time (IPA; a page, as QEMU's virt machine has it): a structure for each vCPU, in which
 * revision and attributes are 0. L0 never reads it.
 */
#define PVTIME_IPA			0x090a0000ULL
#define PVTIME_PAGE			4096

struct pvtime {
	u32 revision, attributes;
	u64 stolen_ns;
	u8 reserved[48];
};

#define PSCI_SUCCESS			0
#define PSCI_NOT_SUPPORTED		(-1)
#define PSCI_INVALID_PARAMETERS		(-2)
#define PSCI_DENIED			(-3)
#define PSCI_ALREADY_ON			(-4)
#define PSCI_ON_PENDING			(-5)
#define PSCI_INTERNAL_FAILURE		(-6)
#define PSCI_INVALID_ADDRESS		(-9)

#define PSCI_AFFINITY_ON		0
#define PSCI_AFFINITY_OFF		1
#define PSCI_AFFINITY_ON_PENDING	2

#define PSCI_VERSION_1_1		0x00010001U
#define SMCCC_VERSION_1_1		0x00010001U
#define PSCI_MIGRATE_NOT_NEEDED		2	/* no Trusted OS that would need migration */

struct kvm_vcpu;

/*
 * Answer the call in x0.. of @vcpu if it needs neither another vCPU nor the host (versions,
 * features, unknown functions). Pure but for x0..x3 of @vcpu. False: psci_call() must be asked.
 */
bool psci_fast(struct kvm_vcpu *vcpu);

/*
 * Answer the SMC in x0.. of @vcpu, which has been skipped already. In the host. False: the vCPU is
 * not to run on (it is off, or waits for an interrupt: arch.powered_off, arch.wfi_waiting).
 * SYSTEM_OFF and SYSTEM_RESET do not return.
 */
bool psci_call(struct kvm_vcpu *vcpu);

#ifdef __aarch64__
/* One call to the firmware; its conduit is SMC, for a host at EL1 too (HCR_EL2.TSC is 0 there). */
static inline long smccc_call(u32 fn, u64 a1, u64 a2, u64 a3)
{
	register u64 x0 asm("x0") = fn;
	register u64 x1 asm("x1") = a1;
	register u64 x2 asm("x2") = a2;
	register u64 x3 asm("x3") = a3;

	asm volatile("smc #0"
		     : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)
		     :
		     : "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15",
		       "x16", "x17", "memory");
	return (long)x0;
}
#endif

#endif
