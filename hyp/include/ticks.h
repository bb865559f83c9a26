/* SPDX-License-Identifier: GPL-2.0-only */
/* The physical counter as L0 reads it: time of the host part, in ticks. */
#ifndef TICKS_H
#define TICKS_H

#include <types.h>

/* Not before what stands before it. */
static inline u64 ticks_now(void)
{
	u64 now;

	asm volatile("isb\n\tmrs %0, cntpct_el0" : "=r"(now) : : "memory");
	return now;
}

static inline u64 ticks_per_second(void)
{
	u64 freq;

	asm("mrs %0, cntfrq_el0" : "=r"(freq));
	return freq;
}

#endif
