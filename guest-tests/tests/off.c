// SPDX-License-Identifier: GPL-2.0-only
/*
 * Three CPUs that share two: one goes off while its timer's interrupt is active and the timer still fires, and from
 * then on the other two must have one each. The hypervisor below says what time it has stolen from them.
 */
#include "gic.h"
#include "lib.h"
#include "smp.h"

#define NR_CPUS		3
#define STACK_SIZE	4096
#define WINDOW_HZ	5	/* looked at for 200 ms */

u64 secondary_hcr;
static u8 stacks[NR_CPUS][STACK_SIZE] __attribute__((aligned(16)));
static volatile u64 up, stolen_at;

static void go_off(void)
{
	gic_init_cpu(cpu_id(), 1U << PPI_CNTHP);
	write_sysreg(0UL, cnthp_cval_el2);
	write_sysreg(1UL, cnthp_ctl_el2);
	isb();
	while (gic_ack() != PPI_CNTHP)
		;
	smccc(PSCI_CPU_OFF, 0, 0, 0);
	fail("CPU_OFF came back");
}

void secondary_main(void)
{
	if (cpu_id() == 2)
		go_off();
	stolen_at = (u64)smccc(PV_TIME_ST, 0, 0, 0) + 8;
	barrier_write(&up, 1);
	for (;;)
		;
}

static u64 now(void)
{
	isb();
	return read_sysreg(cntpct_el0);
}

static void spin(u64 ticks)
{
	u64 start = now();

	while (now() - start < ticks)
		;
}

static void start(u64 cpu)
{
	s64 ret = smccc(PSCI_CPU_ON, cpu, (u64)secondary_entry, (u64)stacks[cpu] + STACK_SIZE);

	check_eq("CPU_ON", (u64)ret, 0);
}

void guest_main(void)
{
	u64 freq = read_sysreg(cntfrq_el0), here, there, before, most;

	gic_init_el2();
	secondary_hcr = read_sysreg(hcr_el2);
	start(2);
	while (smccc(PSCI_AFFINITY_INFO, 2, 0, 0) == 0)
		asm volatile("yield");
	/* Until it is put: nothing tells when. */
	spin(freq / 50);
	start(1);
	wait_not(&up, 0);
	here = (u64)smccc(PV_TIME_ST, 0, 0, 0) + 8;
	there = stolen_at;
	before = *(volatile u64 *)here + *(volatile u64 *)there;
	spin(freq / WINDOW_HZ);
	most = *(volatile u64 *)here + *(volatile u64 *)there - before;
	check(most < 1000000000 / WINDOW_HZ / 4, "two busy CPUs have two");
}
