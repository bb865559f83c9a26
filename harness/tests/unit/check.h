/* SPDX-License-Identifier: GPL-2.0-only */
/* As much of a test framework as pure C of L0 needs on the build machine. */
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>
#include <stdlib.h>

#define CHECK(cond)                                                                        \
	do {                                                                               \
		if (!(cond)) {                                                             \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond);         \
			exit(1);                                                           \
		}                                                                          \
	} while (0)

/* Reproducible numbers: xorshift64. */
static inline unsigned long long unit_random(unsigned long long *state)
{
	unsigned long long x = *state;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return *state = x;
}

#endif
