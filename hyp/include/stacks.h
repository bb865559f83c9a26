/* SPDX-License-Identifier: GPL-2.0-only */
/* L0's stacks, and the pages below them that are mapped to nothing (hyp/host/mmu.c). */
#ifndef STACKS_H
#define STACKS_H

#include <limits.h>
#include <percpu.h>

/* A stack grows down, into its guard. */
struct hyp_stack {
	char guard[GUARD_SIZE];
	char stack[HYP_STACK_SIZE];
};
struct panic_stack {
	char guard[GUARD_SIZE];
	char stack[PANIC_STACK_SIZE];
};
DECLARE_PER_CPU(struct hyp_stack, hyp_stack);
DECLARE_PER_CPU(struct hyp_stack, host_stack);	/* of an nVHE host */
DECLARE_PER_CPU(struct panic_stack, panic_stack);

#endif
