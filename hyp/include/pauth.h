/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pointer authentication and BTI of L0's own (make PAUTH=1), where the CPU has them.
 *
 * The compiler signs return addresses with key A in instructions that are NOPs without FEAT_PAuth, and marks where
 * indirect branches may land; L0's text is guarded. While L0 runs, APIAKey is L0's, of this boot: the guest's is in
 * sys_regs[] then, which the rows of sysregs.def call A, and entry.S exchanges the two. Other keys are the guest's.
 */
#ifndef PAUTH_H
#define PAUTH_H

#ifdef CONFIG_PAUTH
#define L0_PAUTH	1
#else
#define L0_PAUTH	0
#endif

/* SCTLR_EL1 and SCTLR_EL2, also with E2H=1. */
#define SCTLR_L0_ENIA	(1ULL << 31)	/* key A signs */
#define SCTLR_L0_BT	(1ULL << 36)	/* PACIASP is where calls land, and no other branch */
/* Of a page or block of stage 1: guarded. RES0 without FEAT_BTI. */
#define DESC_GP		(1ULL << 50)

#ifndef __ASSEMBLER__

#include <types.h>

/* L0's APIAKey: low and high half. Boot code writes it once; head.S and entry.S load it. */
extern u64 hyp_apia_key[2];

/* SCTLR_ELx bits for L0 on this CPU, whose key is L0's from now on. EL2. */
u64 pauth_cpu_init(void);

#endif
#endif
