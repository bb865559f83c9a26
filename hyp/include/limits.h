/* SPDX-License-Identifier: GPL-2.0-only */
/* Sizes that C, assembly and the linker script share. */
#ifndef LIMITS_H
#define LIMITS_H

#define MAX_CPUS	8	/* physical CPUs that L0 can use */
#define HYP_STACK_SIZE	16384	/* bytes, each CPU; the VHE host runs on it too */
#define PANIC_STACK_SIZE 4096
#define GUARD_SIZE	4096	/* below each stack: mapped to nothing */

#endif
