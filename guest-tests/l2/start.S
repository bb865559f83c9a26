/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Entry and vectors of the bundled L2, at EL1. x0 = iterations, x1 = warm-ups, MMU off.
 * IRQ: acknowledged and ended by l2_irq(). SVC from EL0: back to whoever called l2_user().
 */
	.section .head, "ax"
	.global _head
_head:
	adrp	x2, _stack_top
	mov	sp, x2
	adrp	x2, l2_vectors
	add	x2, x2, #:lo12:l2_vectors
	msr	vbar_el1, x2
	isb
	bl	l2_main
1:	b	1b

	.macro	slot n, to
	.org	l2_vectors + \n * 0x80
	b	\to
	.endm

	.text
	.balign	0x800
l2_vectors:
	slot 0, l2_bad
	slot 1, l2_bad
	slot 2, l2_bad
	slot 3, l2_bad
	slot 4, l2_bad
	slot 5, irq
	slot 6, l2_bad
	slot 7, l2_bad
	slot 8, svc
	slot 9, l2_bad
	slot 10, l2_bad
	slot 11, l2_bad
	slot 12, l2_bad
	slot 13, l2_bad
	slot 14, l2_bad
	slot 15, l2_bad
	.org	l2_vectors + 0x800

irq:
	stp	x0, x1, [sp, #-176]!
	stp	x2, x3, [sp, #16]
	stp	x4, x5, [sp, #32]
	stp	x6, x7, [sp, #48]
	stp	x8, x9, [sp, #64]
	stp	x10, x11, [sp, #80]
	stp	x12, x13, [sp, #96]
	stp	x14, x15, [sp, #112]
	stp	x16, x17, [sp, #128]
	stp	x18, x29, [sp, #144]
	str	x30, [sp, #160]
	bl	l2_irq
	ldp	x2, x3, [sp, #16]
	ldp	x4, x5, [sp, #32]
	ldp	x6, x7, [sp, #48]
	ldp	x8, x9, [sp, #64]
	ldp	x10, x11, [sp, #80]
	ldp	x12, x13, [sp, #96]
	ldp	x14, x15, [sp, #112]
	ldp	x16, x17, [sp, #128]
	ldp	x18, x29, [sp, #144]
	ldr	x30, [sp, #160]
	ldp	x0, x1, [sp], #176
	eret

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
