// SPDX-License-Identifier: GPL-2.0-only
/*
 * The host: all CPUs up, the L1s made, and each CPU off into the run loop.
 *
 * Runs as the host (EL2 under VHE, EL1 under nVHE), MMU on, interrupts masked. The boot CPU
 * publishes the finished L1s through l1_ready; nothing of them changes afterwards but by their own vCPUs.
 */
#include <gic.h>
#include <host.h>
#include <hyp_init.h>
#include <l1.h>
#include <log.h>
#include <options.h>
#include <psci.h>
#include <sched.h>
#include <selftest.h>
#include <ticks.h>
#include <uart.h>
#include <wake.h>

#define CPU_ON_SECONDS	10	/* generous: TCG under load */

unsigned int nr_online_cpus = 1;
static bool l1_ready;

static unsigned int online(void)
{
	return __atomic_load_n(&nr_online_cpus, __ATOMIC_ACQUIRE);
}

/* One after the other: their boot code shares nothing, but a failure is then somebody's. */
static void start_cpu(unsigned int cpu)
{
	u64 deadline = ticks_now() + CPU_ON_SECONDS * ticks_per_second();
	long ret = smccc_call(PSCI_CPU_ON64, plat.mpidr[cpu], (u64)secondary_entry, cpu);

	if (ret)
		l0_fatal_user("CPU %u (0x%llx) cannot be turned on: PSCI says %ld", cpu,
			      plat.mpidr[cpu], ret);
	while (online() != cpu + 1) {
		if (ticks_now() > deadline)
			l0_fatal_user("CPU %u (0x%llx) was turned on but does not come", cpu,
				      plat.mpidr[cpu]);
	}
}

static void init_gic_cpu(unsigned int cpu)
{
	if (gic_init_cpu())
		l0_fatal_user("CPU %u has no GICv3 redistributor", cpu);
}

/* A record for each L1. */
static void say_boot(const struct kvm *kvm)
{
	struct json j;

	json_begin(&j, "boot");
	json_vm(&j, kvm->id);
	json_str(&j, "host", host_name(opts.host));
	json_str(&j, "mech", mech_name(opts.mech));
	if (opts.pv_page)
		json_str(&j, "pv", "page");
	json_u64(&j, "cpus", (u64)kvm->nr_vcpus);
	json_u64(&j, "l1_mem", kvm->ram_size);
	json_u64(&j, "l0_bytes", vms[0].ram_offset);
	json_bool(&j, "pmu", hyp_pmu);
	json_end(&j);
}

void host_main(void)
{
	unsigned int cpu;

	if (gic_init())
		l0_fatal_user("the interrupt controller is no GICv3: give QEMU -machine virt,gic-version=3");
	init_gic_cpu(0);
	log_smp_init();
	for (cpu = 1; cpu < plat.nr_cpus; cpu++)
		start_cpu(cpu);
	if (opts.test != TEST_NONE && self_test_early(opts.test))
		l0_exit(0);
	l1_create();
	sched_init(vms, nr_vms, nr_online_cpus, vcpu_slice_ticks());
	for (unsigned int i = 0; i < nr_vms; i++)
		say_boot(&vms[i]);
	uart_enable_rx_irq();
	__atomic_store_n(&l1_ready, true, __ATOMIC_RELEASE);
	wake_cpus();
	vcpu_run_loop(0);
}

void host_secondary(unsigned int cpu)
{
	init_gic_cpu(cpu);
	__atomic_store_n(&nr_online_cpus, cpu + 1, __ATOMIC_RELEASE);
	wake_cpus();
	while (!__atomic_load_n(&l1_ready, __ATOMIC_ACQUIRE)) {
		self_test_secondary(cpu);
		asm volatile("wfe");
	}
	vcpu_run_loop(cpu);
}
