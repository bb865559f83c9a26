/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Waking CPUs that wait in WFE for something in memory. Any EL; nothing on the build machine.
 */
#ifndef WAKE_H
#define WAKE_H

#ifdef __aarch64__
/* What was written before is there for whoever wakes. */
static inline void wake_cpus(void)
{
	__asm__ volatile("dsb ish\n\tsev" : : : "memory");
}
#else
static inline void wake_cpus(void)
{
}
#endif

#endif
