// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the harness may ask on L0's serial port, a byte each: 's' the counters, 'd' the state of every vCPU with
 * its last exits. In the host, interrupts masked. Anything else is ignored: a terminal sends newlines.
 */
#include <host.h>
#include <l1.h>
#include <options.h>
#include <stats.h>
#include <uart.h>

void l1_dump(void)
{
	int i;

	for (i = 0; i < l1.nr_vcpus; i++) {
		vcpu_emit(l1.vcpus[i]);
		trace_emit(l1.vcpus[i], opts.trace);
	}
}

void l1_counters(const char *why)
{
	int i;

	for (i = 0; i < l1.nr_vcpus; i++)
		stats_emit(l1.vcpus[i], why);
}

void l0_console_irq(void)
{
	int c;

	while ((c = uart_getc()) >= 0) {
		if (c == 's')
			l1_counters("snapshot");
		else if (c == 'd')
			l1_dump();
	}
}
