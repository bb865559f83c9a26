// SPDX-License-Identifier: GPL-2.0-only
/*
 * PSCI by SMC from EL2, and by SMC of L2 when EL2 does not trap it. Ends with SYSTEM_OFF, as every
 * program does. append how=reset: SYSTEM_RESET instead.
 */
#include "gic.h"
#include "l2.h"

static void features(void)
{
	static const struct {
		const char *name;
		u32 fn;
	} rows[] = {
		{ "PSCI_VERSION", PSCI_VERSION }, { "CPU_SUSPEND", PSCI_CPU_SUSPEND },
		{ "CPU_OFF", PSCI_CPU_OFF }, { "CPU_ON", PSCI_CPU_ON },
		{ "AFFINITY_INFO", PSCI_AFFINITY_INFO }, { "SYSTEM_OFF", PSCI_SYSTEM_OFF },
		{ "SYSTEM_RESET", PSCI_SYSTEM_RESET }, { "PSCI_FEATURES", PSCI_FEATURES },
		{ "nothing", 0x8400ffff },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++)
		printf("feature %s: %s\n", rows[i].name,
		       smccc(PSCI_FEATURES, rows[i].fn, 0, 0) >= 0 ? "yes" : "no");
}

/* Standby: comes back when something is pending for this CPU. */
static void suspend(void)
{
	write_sysreg(read_sysreg(hcr_el2) | HCR_IMO | HCR_FMO, hcr_el2);
	isb();
	gic_init();
	gic_enable(PPI_CNTHP);
	write_sysreg(read_sysreg(cntfrq_el0) / 2000, cnthp_tval_el2);
	write_sysreg(1, cnthp_ctl_el2);
	isb();
	printf("CPU_SUSPEND to standby: %ld\n", smccc(PSCI_CPU_SUSPEND, 0, 0, 0));
	while (gic_ack() == INTID_SPURIOUS)
		;
	write_sysreg(0, cnthp_ctl_el2);
	isb();
	gic_eoi(PPI_CNTHP);
}

/* Callee-saved registers and those above x3 come back as they were (SMCCC 1.1). */
static u64 preserved(void)
{
	u64 sum;

	asm volatile("mov x0, #0x84000000\n"
		     "mov x1, xzr\n"
		     "mov x4, #4\n mov x5, #5\n mov x6, #6\n mov x7, #7\n mov x8, #8\n"
		     "mov x17, #17\n mov x18, #18\n mov x19, #19\n mov x28, #28\n"
		     "smc #0\n"
		     "add %0, x4, x5\n add %0, %0, x6\n add %0, %0, x7\n add %0, %0, x8\n"
		     "add %0, %0, x17\n add %0, %0, x18\n add %0, %0, x19\n add %0, %0, x28\n"
		     : "=&r"(sum)
		     :
		     : "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x17", "x18", "x19",
		       "x28", "memory");
	return sum;
}

L2_ASM(l2_smc, "smc #0")

static void from_l2(void)
{
	struct vcpu v;

	mmu_init_el2();
	l2_init();
	v = l2_first_exit(l2_smc, PSCI_VERSION, 0, L2_EL1, 0);
	printf("L2, no TSC: %s\n", l2_done(&v) && (s64)v.x[0] == smccc(PSCI_VERSION, 0, 0, 0) ?
	       "the same version" : "something else");
	v = l2_first_exit(l2_smc, PSCI_VERSION, 0, L2_EL1, HCR_TSC);
	l2_print_exit("L2, TSC", &v);
	check_eq("x0", v.x[0], PSCI_VERSION);
}

void guest_main(void)
{
	u64 mpidr = read_sysreg(mpidr_el1) & 0xff00ffffffUL;

	printf("version 1.0 or later: %u\n", smccc(PSCI_VERSION, 0, 0, 0) >= 0x10000);
	features();
	printf("CPU_ON of this CPU: %ld\n", smccc(PSCI_CPU_ON, mpidr, (u64)guest_main, 0));
	printf("CPU_ON of none: %ld\n", smccc(PSCI_CPU_ON, 0xfe00, (u64)guest_main, 0));
	printf("AFFINITY_INFO of this CPU: %ld\n", smccc(PSCI_AFFINITY_INFO, mpidr, 0, 0));
	printf("unknown function: %ld\n", smccc(0x8400ffff, 0, 0, 0));
	printf("registers preserved: %lu\n", preserved());
	suspend();
	from_l2();
	if (arg_is("how", "reset")) {
		printf("ALL PASS\n");
		smccc(PSCI_SYSTEM_RESET, 0, 0, 0);
		printf("FAIL SYSTEM_RESET came back\n");
	}
}
