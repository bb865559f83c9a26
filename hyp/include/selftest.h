/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * L0's self tests (vel2.test=NAME): run by the host on every CPU before L1 is made.
 */
#ifndef SELFTEST_H
#define SELFTEST_H

#include <options.h>

/*
 * Boot CPU, all CPUs up. True: the test is over and passed, L0 may end; false: L1 is part of it. A test that fails
 * does not return.
 */
bool self_test_early(enum opt_test test);

/* A secondary that waits for L1, each time it was woken (SEV). */
void self_test_secondary(unsigned int cpu);

/* --- at EL2, hyp/el2/selftest.c: 0, or the number of the check that failed --- */

/* This CPU knows itself as @cpu, and writes its own copy of a variable. */
int selftest_percpu_set(unsigned int cpu);
/* After all CPUs did: each has kept its own, by C and by assembly, whatever the stack. */
int selftest_percpu_check(unsigned int cpu, unsigned int nr_cpus);

/* Recurses until the stack is at its end, and then ends in a panic. */
u64 selftest_overflow(u64 depth);
/*
 * What each of these does must be refused; where it is not, they return. EL2; the first two in the host, too: they
 * are no part of EL2's text.
 */
void selftest_write(u32 *text);		/* the word that is there already */
void selftest_execute(u32 *data);	/* a RET that it writes there */
void selftest_write_text(void);		/* EL2's own */
void selftest_exec_data(void);
void selftest_return_address(void);	/* changes the one on its stack */
void selftest_landing_pad(void);	/* calls a function that no pointer leads to */

/* A word of EL2's. */
u64 *selftest_private(void);

/* Writes @n bytes over an array of 16: a panic on its return. */
u64 selftest_overrun(unsigned int n);

#endif
