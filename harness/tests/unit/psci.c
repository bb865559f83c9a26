// SPDX-License-Identifier: GPL-2.0-only
/* unit: hyp/host/psci.c nested/psci.c -Ihyp/include */
/* PSCI as L1 sees it: every function, its errors, and what it does to the vCPUs. */
#include <gic.h>
#include <host.h>
#include <l1.h>
#include <psci.h>
#include <string.h>

#include "check.h"

static struct kvm vm;

static struct kvm_vcpu *vcpu; /* the caller: vCPU 0 */
static struct {
	struct kvm_vcpu *vcpu;
	u64 entry, arg;
} started;
static int kicked;
static const char *ended;

void l1_vcpu_start(struct kvm_vcpu *v, ipa_t entry, u64 arg)
{
	CHECK(v->arch.powered_off && v->cpu < 0);
	started.vcpu = v;
	started.entry = entry;
	started.arg = arg;
}

void l1_end(struct kvm *kvm, enum l1_end how)
{
	CHECK(kvm == &vm);
	ended = how == L1_RESET ? "reset" : "system_off";
}

void kvm_vcpu_kick(struct kvm_vcpu *v)
{
	kicked = v->vcpu_id;
}

static void reset(void)
{
	int i;

	vm.ram_base = 0x40000000;
	vm.ram_size = 0x10000000;
	vm.nr_vcpus = 3;
	for (i = 0; i < 3; i++) {
		if (!vm.vcpus[i])
			vm.vcpus[i] = aligned_alloc(4096, (sizeof(*vcpu) + 4095) & ~4095UL);
		memset(vm.vcpus[i], 0, sizeof(*vcpu));
		vm.vcpus[i]->kvm = &vm;
		vm.vcpus[i]->vcpu_id = i;
		vm.vcpus[i]->cpu = -1;
		vm.vcpus[i]->arch.mpidr = BIT(31) | (i == 2 ? 0x100 : i);
		vm.vcpus[i]->arch.powered_off = i > 0;
	}
	vcpu = vm.vcpus[0];
	memset(&started, 0, sizeof(started));
	kicked = -1;
	ended = NULL;
}

/* x0 after the call; *go: whether the vCPU runs on. */
static s64 call(u64 fn, u64 a1, u64 a2, u64 a3, bool *go)
{
	u64 *x = vcpu->arch.ctxt.regs.regs;
	bool ret;

	x[0] = fn;
	x[1] = a1;
	x[2] = a2;
	x[3] = a3;
	ret = psci_call(vcpu);
	if (go)
		*go = ret;
	CHECK(x[1] == a1 && x[2] == a2 && x[3] == a3);
	return (s64)x[0];
}

static void constants(void)
{
	static const u32 known[] = {
		PSCI_VERSION, PSCI_CPU_SUSPEND, PSCI_CPU_SUSPEND64, PSCI_CPU_OFF, PSCI_CPU_ON,
		PSCI_CPU_ON64, PSCI_AFFINITY_INFO, PSCI_AFFINITY_INFO64, PSCI_MIGRATE_INFO_TYPE,
		PSCI_SYSTEM_OFF, PSCI_SYSTEM_RESET, PSCI_FEATURES, PSCI_SYSTEM_RESET2,
		PSCI_SYSTEM_RESET2_64, SMCCC_VERSION,
	};
	size_t i;

	CHECK(call(PSCI_VERSION, 0, 0, 0, NULL) == 0x10001);
	CHECK(call(SMCCC_VERSION, 0, 0, 0, NULL) == 0x10001);
	CHECK(call(PSCI_MIGRATE_INFO_TYPE, 0, 0, 0, NULL) == 2);
	for (i = 0; i < ARRAY_SIZE(known); i++)
		CHECK(call(PSCI_FEATURES, known[i], 0, 0, NULL) == 0);
	CHECK(call(PSCI_FEATURES, 0x84000005, 0, 0, NULL) == PSCI_NOT_SUPPORTED);
	CHECK(call(SMCCC_ARCH_FEATURES, 0x80008000, 0, 0, NULL) == PSCI_NOT_SUPPORTED);
	CHECK(call(SMCCC_ARCH_FEATURES, SMCCC_ARCH_FEATURES, 0, 0, NULL) == 0);
	CHECK(call(SMCCC_ARCH_FEATURES, SMCCC_PV_TIME_FEATURES, 0, 0, NULL) == 0);
	CHECK(call(SMCCC_PV_TIME_FEATURES, SMCCC_PV_TIME_ST, 0, 0, NULL) == 0);
	CHECK(call(SMCCC_PV_TIME_FEATURES, PSCI_CPU_ON, 0, 0, NULL) == PSCI_NOT_SUPPORTED);
	CHECK(call(SMCCC_PV_TIME_ST, 0, 0, 0, NULL) == PVTIME_IPA);
	CHECK(call(0, 0, 0, 0, NULL) == PSCI_NOT_SUPPORTED);
	CHECK(call(0xffffffff, 0, 0, 0, NULL) == PSCI_NOT_SUPPORTED);
	CHECK(call(0x84000005, 0, 0, 0, NULL) == PSCI_NOT_SUPPORTED);
}

static void cpu_on(void)
{
	struct kvm_vcpu *one = vm.vcpus[1];

	CHECK(call(PSCI_CPU_ON64, 1, 0x40001000, 0xabcdef0123456789, NULL) == 0);
	CHECK(started.vcpu == one && started.entry == 0x40001000);
	CHECK(started.arg == 0xabcdef0123456789 && kicked == 1 && !one->arch.powered_off);
	CHECK(call(PSCI_CPU_ON64, 1, 0x40001000, 0, NULL) == PSCI_ALREADY_ON);
	CHECK(call(PSCI_CPU_ON64, 0, 0x40001000, 0, NULL) == PSCI_ALREADY_ON);
	/* Bit 31 is part of some callers' MPIDR. */
	CHECK(call(PSCI_CPU_ON64, 0x80000100, 0x40001000, 0, NULL) == 0);
	CHECK(started.vcpu == vm.vcpus[2]);
	reset();
	CHECK(call(PSCI_CPU_ON, 0xdead00000001, 0x40001000, 0xffffffff12345678, NULL) == 0);
	CHECK(started.vcpu == vm.vcpus[1] && started.arg == 0x12345678);
	reset();
	CHECK(call(PSCI_CPU_ON64, 2, 0x40001000, 0, NULL) == PSCI_INVALID_PARAMETERS);
	CHECK(call(PSCI_CPU_ON64, 0xdead00000001, 0x40001000, 0, NULL) == PSCI_INVALID_PARAMETERS);
	CHECK(call(PSCI_CPU_ON64, 1, 0x3ffffffc, 0, NULL) == PSCI_INVALID_ADDRESS);
	CHECK(call(PSCI_CPU_ON64, 1, 0x50000000, 0, NULL) == PSCI_INVALID_ADDRESS);
	CHECK(call(PSCI_CPU_ON64, 1, 0x40001002, 0, NULL) == PSCI_INVALID_ADDRESS);
	CHECK(call(PSCI_CPU_ON64, 1, ~0ULL & ~3ULL, 0, NULL) == PSCI_INVALID_ADDRESS);
	CHECK(!started.vcpu && vm.vcpus[1]->arch.powered_off);
}

static void the_rest(void)
{
	bool go;

	CHECK(call(PSCI_AFFINITY_INFO64, 0, 0, 0, NULL) == PSCI_AFFINITY_ON);
	CHECK(call(PSCI_AFFINITY_INFO64, 1, 0, 0, NULL) == PSCI_AFFINITY_OFF);
	CHECK(call(PSCI_AFFINITY_INFO, 0x100, 0, 0, NULL) == PSCI_AFFINITY_OFF);
	CHECK(call(PSCI_AFFINITY_INFO64, 7, 0, 0, NULL) == PSCI_INVALID_PARAMETERS);
	CHECK(call(PSCI_AFFINITY_INFO64, 0, 4, 0, NULL) == PSCI_INVALID_PARAMETERS);
	CHECK(call(PSCI_AFFINITY_INFO64, 1, 0xffffffff00000000, 0, NULL) == PSCI_AFFINITY_OFF);
	CHECK(call(PSCI_AFFINITY_INFO64, 1ULL << 40, 0, 0, NULL) == PSCI_INVALID_PARAMETERS);
	CHECK(call(PSCI_AFFINITY_INFO64, 1 << 24, 3, 0, NULL) == PSCI_INVALID_PARAMETERS);
	/* Two of the first cluster, one of them on; one of the second; the first package; another one. */
	CHECK(call(PSCI_AFFINITY_INFO64, 0x17, 1, 0, NULL) == PSCI_AFFINITY_ON);
	CHECK(call(PSCI_AFFINITY_INFO64, 0x17f, 1, 0, NULL) == PSCI_AFFINITY_OFF);
	CHECK(call(PSCI_AFFINITY_INFO64, 0x217, 1, 0, NULL) == PSCI_INVALID_PARAMETERS);
	CHECK(call(PSCI_AFFINITY_INFO64, 0x217, 2, 0, NULL) == PSCI_AFFINITY_ON);
	CHECK(call(PSCI_AFFINITY_INFO64, 0x10000, 2, 0, NULL) == PSCI_INVALID_PARAMETERS);
	CHECK(call(PSCI_AFFINITY_INFO64, 0x10000, 3, 0, NULL) == PSCI_AFFINITY_ON);
	CHECK(call(PSCI_AFFINITY_INFO64, 1ULL << 32, 3, 0, NULL) == PSCI_INVALID_PARAMETERS);
	CHECK(call(PSCI_CPU_SUSPEND64, 0, 0, 0, &go) == 0 && !go && vcpu->arch.wfi_waiting);
	CHECK(call(PSCI_CPU_SUSPEND, 0x100000, 0, 0, &go) == PSCI_INVALID_PARAMETERS && go);
	call(PSCI_CPU_OFF, 0, 0, 0, &go);
	CHECK(!go && vcpu->arch.powered_off);
	call(PSCI_SYSTEM_OFF, 0, 0, 0, &go);
	CHECK(!go && ended && !strcmp(ended, "system_off"));
	ended = NULL;
	call(PSCI_SYSTEM_RESET, 0, 0, 0, &go);
	CHECK(!go && ended && !strcmp(ended, "reset"));
	ended = NULL;
	CHECK(call(PSCI_SYSTEM_RESET2_64, 1, 0, 0, &go) == PSCI_INVALID_PARAMETERS && go && !ended);
	call(PSCI_SYSTEM_RESET2_64, 1ULL << 32, 0, 0, &go);
	CHECK(!go && ended && !strcmp(ended, "reset"));
	ended = NULL;
	call(PSCI_SYSTEM_RESET2, 0, 0, 0, &go);
	CHECK(!go && ended && !strcmp(ended, "reset"));
}

int main(void)
{
	reset();
	constants();
	reset();
	cpu_on();
	reset();
	the_rest();
	return 0;
}
