/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * EL2 vectors and the switch to a lower exception level.
 *
 * Current EL: the whole context goes to the stack of EL2h, exc_el2(ctx) decides, ERET.
 * Lower EL: only between guest_enter() and its return, so [SP] is the running vcpu; the guest's
 * registers go there and guest_enter() returns to its caller with the vector's number.
 *
 * The lower path exists twice: a VHE hypervisor uses the EL1 names, which a CPU with FEAT_NV alone
 * serves without a trap, and an nVHE one the EL2 names. vectors (nVHE names) are valid in both modes.
 */
#include "context.h"

	/* At entry: SP is EL2h's. Every slot is 0x80 bytes; .org stops the build if one grows over. */
	.macro	el2_slot table, vec
	.org	\table + \vec * 0x80
	sub	sp, sp, #CTX_SIZE
	stp	x0, x1, [sp, #CTX_X(0)]
	mov	x0, #\vec
	b	el2_common
	.endm

	.macro	lower_slot table, vec, names
	.org	\table + \vec * 0x80
	stp	x0, x1, [sp, #-16]!
	ldr	x0, [sp, #16]			// the running vcpu, pushed by guest_enter
	mov	x1, #\vec
	b	lower_common_\names
	.endm

	.macro	vector_table table, names
	.balign	0x800
	.global	\table
\table:
	el2_slot \table, 0
	el2_slot \table, 1
	el2_slot \table, 2
	el2_slot \table, 3
	el2_slot \table, 4
	el2_slot \table, 5
	el2_slot \table, 6
	el2_slot \table, 7
	lower_slot \table, 8, \names
	lower_slot \table, 9, \names
	lower_slot \table, 10, \names
	lower_slot \table, 11, \names
	lower_slot \table, 12, \names
	lower_slot \table, 13, \names
	lower_slot \table, 14, \names
	lower_slot \table, 15, \names
	.org	\table + 0x800
	.endm

	.section .text.vectors, "ax"
	vector_table vectors, el2
	vector_table vectors_vhe, el1

el2_common:
	save_x2_x29 sp
	save_exception sp
	mov	x0, sp
	bl	exc_el2
	return_from_sp

	.macro	switch names
	/* u64 guest_enter_NAMES(struct vcpu *): runs it until the next exception to this EL2. */
	.global	guest_enter_\names
guest_enter_\names:
	push_callee_saved
	str	x0, [sp, #-16]!
	ldp	x2, x3, [x0, #CTX_PC]
	msr	elr_\names, x2
	msr	spsr_\names, x3
	load_x2_x30 x0
	ldp	x0, x1, [x0, #CTX_X(0)]
	eret

lower_common_\names:
	save_x2_x29 x0
	str	x30, [x0, #CTX_X(30)]
	str	x1, [x0, #CTX_VEC]
	ldp	x2, x3, [sp], #32
	stp	x2, x3, [x0, #CTX_X(0)]
	mrs	x2, elr_\names
	mrs	x3, spsr_\names
	stp	x2, x3, [x0, #CTX_PC]
	mrs	x2, esr_\names
	mrs	x3, far_\names
	stp	x2, x3, [x0, #CTX_ESR]
	mov	x0, x1
	pop_callee_saved
	ret
	.endm

	switch	el2
	switch	el1
