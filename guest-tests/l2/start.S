/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Entry and vectors of the bundled L2, at EL1. x0 = iterations, x1 = warm-ups, MMU off.
 * IRQ: acknowledged and ended by l2_irq(). SVC from EL0: back to whoever called l2_user().
 */
#include "entry.h"

	.section .head, "ax"
	.global _head
_head:
	adrp	x2, _stack_top
	mov	sp, x2
	set_vectors_el1 l2_vectors
	bl	l2_main
1:	b	1b

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
