// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the harness may ask on L0's serial port, a byte each: 's' the counters, 'd' the state of every vCPU with
 * its last exits. In the host, interrupts masked. Anything else is ignored: a terminal sends newlines.
 */
#include <gic.h>
#include <host.h>
#include <kvm_hyp.h>
#include <l1.h>
#include <options.h>
#include <percpu.h>
#include <ticks.h>
#include <uart.h>

#define KICK_MS	5	/* a guest leaves within microseconds of its kick */

/* Makes the other CPUs leave their guests, so that what is known of those vCPUs is of now. */
static void kick_others(void)
{
	u64 start;
	unsigned int cpu, me = *this_cpu_ptr(cpu_number);

	if (nr_online_cpus == 1)
		return;
	for (cpu = 0; cpu < nr_online_cpus; cpu++) {
		if (cpu != me)
			gic_kick_cpu(cpu);
	}
	start = ticks_now();
	while (ticks_now() - start < ticks_per_second() / 1000 * KICK_MS)
		;
}

void l1_dump(const struct kvm *kvm)
{
	int i;

	kick_others();
	for (i = 0; i < kvm->nr_vcpus; i++) {
		kvm_call_hyp(vcpu_emit, kvm->vcpus[i]);
		kvm_call_hyp(trace_emit, kvm->vcpus[i], opts.trace);
	}
}

void l1_counters(const struct kvm *kvm, bool end)
{
	int i;

	for (i = 0; i < kvm->nr_vcpus; i++)
		kvm_call_hyp(stats_emit, kvm->vcpus[i], end);
}

void l0_console_irq(void)
{
	int c;

	while ((c = uart_getc()) >= 0) {
		for (unsigned int i = 0; i < nr_vms; i++) {
			if (c == 's')
				l1_counters(&vms[i], false);
			else if (c == 'd')
				l1_dump(&vms[i]);
		}
	}
}
