/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What programs with several CPUs share: secondary.S brings a CPU to secondary_main(), and words in memory
 * by which CPUs tell each other that something is done.
 */
#ifndef GUEST_SMP_H
#define GUEST_SMP_H

#include "sysreg.h"
#include "types.h"

extern char secondary_entry[];	/* for PSCI CPU_ON; the context id is the top of the CPU's stack */
extern u64 secondary_hcr;	/* the program's: HCR_EL2 that the other CPUs start with */
void secondary_main(void);

static inline u64 cpu_id(void)
{
	return read_sysreg(mpidr_el1) & 0xff;
}

static inline void barrier_write(volatile u64 *p, u64 v)
{
	dsb(ish);
	*p = v;
	dsb(ish);
}

static inline u64 wait_not(volatile u64 *p, u64 v)
{
	u64 got;

	while ((got = *p) == v)
		asm volatile("yield");
	dsb(ish);
	return got;
}

#endif
