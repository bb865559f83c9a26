/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Entry and vectors of the bundled L2, at EL1. x0 = iterations, x1 = warm-ups, x2 = L2_HAS_*, MMU off.
 * IRQ: acknowledged and ended by l2_irq(). SVC from EL0: back to whoever called l2_user().
 */
#include "entry.h"

	.section .head, "ax"
	.global _head
_head:
	adrp	x9, _stack_top
	mov	sp, x9
	adr	x10, l2_main
2:	set_vectors_el1 l2_vectors
	blr	x10
1:	b	1b

	/* the second vCPU */
	.global	l2_second
l2_second:
	adrp	x9, l2_second_stack_top
	add	x9, x9, #:lo12:l2_second_stack_top
	mov	sp, x9
	adr	x10, l2_second_main
	b	2b

	.bss
	.balign	16
	.space	8192
l2_second_stack_top:

	.text
	el1_vectors l2_vectors, l2_irq, svc, l2_bad

	/* u64 l2_user(void): one system call of EL0; its ESR. EL0 keeps nothing but x0. */
	.global	l2_user
l2_user:
	str	x30, [sp, #-16]!
	adrp	x1, user_svc_loop
	add	x1, x1, #:lo12:user_svc_loop
	msr	elr_el1, x1
	mov	x1, #0x3c0		// EL0t, all masked
	msr	spsr_el1, x1
	eret
svc:
	mrs	x0, esr_el1
	ldr	x30, [sp], #16
	ret
