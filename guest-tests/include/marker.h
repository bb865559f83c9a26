/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Marks a measured region to L0 (or to nobody: the HVC is then ignored by the EL2 vector it reaches).
 * Callable at EL1 and EL2, never at EL0. L0 preserves all registers; where it does not take markers, the
 * hypervisor of L2 may answer as SMCCC has it, in x0 to x3.
 */
#ifndef GUEST_MARKER_H
#define GUEST_MARKER_H

#include "types.h"

#define MARKER_HVC_IMM	0x4e56
#define MARKER_BEGIN	1
#define MARKER_END	2

enum region {
#define REGION(id, op, level) REGION_##op##_##level = id,
#define PEER(id, op, level) PEER_##op##_##level = id,
#include "regions.def"
#undef REGION
#undef PEER
};

static inline void marker_begin(u64 region)
{
	register u64 x0 asm("x0") = MARKER_BEGIN;
	register u64 x1 asm("x1") = region;

	asm volatile("hvc #0x4e56" : "+r"(x0), "+r"(x1) : : "x2", "x3", "memory");
}

static inline void marker_end(u64 region, u64 ops)
{
	register u64 x0 asm("x0") = MARKER_END;
	register u64 x1 asm("x1") = region;
	register u64 x2 asm("x2") = ops;

	asm volatile("hvc #0x4e56" : "+r"(x0), "+r"(x1), "+r"(x2) : : "x3", "memory");
}

#endif
