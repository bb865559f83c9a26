/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Invariants of L0's own: a broken one ends the machine with a panic.
 */
#ifndef BUG_H
#define BUG_H

#include <types.h>

/* Nothing a guest or a file does may make @cond true. */
void __noreturn hyp_bug(const char *file, unsigned int line);
#define BUG_ON(cond)	do { if (unlikely(cond)) hyp_bug(__FILE__, __LINE__); } while (0)

#endif
