/* SPDX-License-Identifier: GPL-2.0-only */
/* Layouts shared by C and assembly; lib/vcpu.c asserts that they agree. */
#ifndef GUEST_ASM_OFFSETS_H
#define GUEST_ASM_OFFSETS_H

#define CTX_X(n)	((n) * 8)
#define CTX_PC		248
#define CTX_PSTATE	256
#define CTX_ESR		264
#define CTX_FAR		272
#define CTX_VEC		280
#define CTX_SIZE	288

#endif
