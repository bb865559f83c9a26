/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * L0's self tests (vel2.test=NAME): run by the host on every CPU before L1 is made.
 */
#ifndef SELFTEST_H
#define SELFTEST_H

#include <options.h>

/* Boot CPU, all CPUs up. True: the test is over and was reported, L0 may end; false: L1 is part of it. */
bool self_test_early(enum opt_test test);

/* A secondary that waits for L1, each time it was woken (SEV). */
void self_test_secondary(unsigned int cpu);

#endif
