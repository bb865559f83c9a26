/* SPDX-License-Identifier: GPL-2.0-only */
/* A struct vcpu in memory, to and from the registers of the vectors' code. Assembly only. */
#ifndef GUEST_CONTEXT_H
#define GUEST_CONTEXT_H

#include "asm-offsets.h"

#ifdef __ASSEMBLER__
/* clang-format off */

	/* stp or ldp of all but the registers that a vector uses first, and x30. */
	.macro	x2_x29 pair, base
	\pair	x2, x3, [\base, #CTX_X(2)]
	\pair	x4, x5, [\base, #CTX_X(4)]
	\pair	x6, x7, [\base, #CTX_X(6)]
	\pair	x8, x9, [\base, #CTX_X(8)]
	\pair	x10, x11, [\base, #CTX_X(10)]
	\pair	x12, x13, [\base, #CTX_X(12)]
	\pair	x14, x15, [\base, #CTX_X(14)]
	\pair	x16, x17, [\base, #CTX_X(16)]
	\pair	x18, x19, [\base, #CTX_X(18)]
	\pair	x20, x21, [\base, #CTX_X(20)]
	\pair	x22, x23, [\base, #CTX_X(22)]
	\pair	x24, x25, [\base, #CTX_X(24)]
	\pair	x26, x27, [\base, #CTX_X(26)]
	\pair	x28, x29, [\base, #CTX_X(28)]
	.endm

	.macro	save_x2_x29 base
	x2_x29	stp, \base
	.endm

	.macro	load_x2_x30 base
	x2_x29	ldp, \base
	ldr	x30, [\base, #CTX_X(30)]
	.endm

	/* What an exception to EL2 was, after save_x2_x29; x0: its vector. */
	.macro	save_exception base
	str	x30, [\base, #CTX_X(30)]
	mrs	x2, elr_el2
	mrs	x3, spsr_el2
	stp	x2, x3, [\base, #CTX_PC]
	mrs	x2, esr_el2
	mrs	x3, far_el2
	stp	x2, x3, [\base, #CTX_ESR]
	str	x0, [\base, #CTX_VEC]
	.endm

	/* The way back, from the stack. */
	.macro	return_from_sp
	ldp	x2, x3, [sp, #CTX_PC]
	msr	elr_el2, x2
	msr	spsr_el2, x3
	ldp	x0, x1, [sp, #CTX_X(0)]
	load_x2_x30 sp
	add	sp, sp, #CTX_SIZE
	eret
	.endm

	/* Callee-saved registers of a function that returns from another place than it was left at. */
	.macro	push_callee_saved
	stp	x29, x30, [sp, #-96]!
	stp	x19, x20, [sp, #16]
	stp	x21, x22, [sp, #32]
	stp	x23, x24, [sp, #48]
	stp	x25, x26, [sp, #64]
	stp	x27, x28, [sp, #80]
	.endm

	.macro	pop_callee_saved
	ldp	x19, x20, [sp, #16]
	ldp	x21, x22, [sp, #32]
	ldp	x23, x24, [sp, #48]
	ldp	x25, x26, [sp, #64]
	ldp	x27, x28, [sp, #80]
	ldp	x29, x30, [sp], #96
	.endm

/* clang-format on */
#endif
#endif
