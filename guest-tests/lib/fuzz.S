/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Vectors of tests/fuzz.c: every exception to EL2, from whatever level and stack pointer, saves all of
 * it on the stack of EL2h, has fuzz_exception(ctx) decide, and returns. Nothing here relies on a
 * register of the code that was interrupted. Programs never write SP of EL2h.
 */
#include "asm-offsets.h"

	.macro	slot vec
	.org	fuzz_vectors + \vec * 0x80
	sub	sp, sp, #CTX_SIZE
	stp	x0, x1, [sp, #CTX_X(0)]
	mov	x0, #\vec
	b	common
	.endm

	.section .text.fuzz, "ax"
	.balign	0x800
	.global	fuzz_vectors
fuzz_vectors:
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	slot	\n
	.endr
	.org	fuzz_vectors + 0x800

common:
	stp	x2, x3, [sp, #CTX_X(2)]
	stp	x4, x5, [sp, #CTX_X(4)]
	stp	x6, x7, [sp, #CTX_X(6)]
	stp	x8, x9, [sp, #CTX_X(8)]
	stp	x10, x11, [sp, #CTX_X(10)]
	stp	x12, x13, [sp, #CTX_X(12)]
	stp	x14, x15, [sp, #CTX_X(14)]
	stp	x16, x17, [sp, #CTX_X(16)]
	stp	x18, x19, [sp, #CTX_X(18)]
	stp	x20, x21, [sp, #CTX_X(20)]
	stp	x22, x23, [sp, #CTX_X(22)]
	stp	x24, x25, [sp, #CTX_X(24)]
	stp	x26, x27, [sp, #CTX_X(26)]
	stp	x28, x29, [sp, #CTX_X(28)]
	str	x30, [sp, #CTX_X(30)]
	mrs	x2, elr_el2
	mrs	x3, spsr_el2
	stp	x2, x3, [sp, #CTX_PC]
	mrs	x2, esr_el2
	mrs	x3, far_el2
	stp	x2, x3, [sp, #CTX_ESR]
	str	x0, [sp, #CTX_VEC]
	mov	x0, sp
	bl	fuzz_exception
	ldp	x2, x3, [sp, #CTX_PC]
	msr	elr_el2, x2
	msr	spsr_el2, x3
	ldp	x0, x1, [sp, #CTX_X(0)]
	ldp	x2, x3, [sp, #CTX_X(2)]
	ldp	x4, x5, [sp, #CTX_X(4)]
	ldp	x6, x7, [sp, #CTX_X(6)]
	ldp	x8, x9, [sp, #CTX_X(8)]
	ldp	x10, x11, [sp, #CTX_X(10)]
	ldp	x12, x13, [sp, #CTX_X(12)]
	ldp	x14, x15, [sp, #CTX_X(14)]
	ldp	x16, x17, [sp, #CTX_X(16)]
	ldp	x18, x19, [sp, #CTX_X(18)]
	ldp	x20, x21, [sp, #CTX_X(20)]
	ldp	x22, x23, [sp, #CTX_X(22)]
	ldp	x24, x25, [sp, #CTX_X(24)]
	ldp	x26, x27, [sp, #CTX_X(26)]
	ldp	x28, x29, [sp, #CTX_X(28)]
	ldr	x30, [sp, #CTX_X(30)]
	add	sp, sp, #CTX_SIZE
	eret

	/*
	 * void fuzz_run(u64 entry, u64 log): runs code at EL2h until fuzz_exception() makes it return to
	 * fuzz_done. x27: where an ERET's continuation is (the code's own), x28: log.
	 */
	.global	fuzz_run, fuzz_done
fuzz_run:
	stp	x29, x30, [sp, #-96]!
	stp	x19, x20, [sp, #16]
	stp	x21, x22, [sp, #32]
	stp	x23, x24, [sp, #48]
	stp	x25, x26, [sp, #64]
	stp	x27, x28, [sp, #80]
	adrp	x2, saved_sp
	mov	x3, sp
	str	x3, [x2, #:lo12:saved_sp]
	mov	x28, x1
	br	x0
fuzz_done:
	adrp	x2, saved_sp
	ldr	x3, [x2, #:lo12:saved_sp]
	mov	sp, x3
	ldp	x19, x20, [sp, #16]
	ldp	x21, x22, [sp, #32]
	ldp	x23, x24, [sp, #48]
	ldp	x25, x26, [sp, #64]
	ldp	x27, x28, [sp, #80]
	ldp	x29, x30, [sp], #96
	ret

	/* Copied to FUZZ_STUBS: EL1's vectors, and what code below EL2 returns to. */
	.macro	tell n
	.org	fuzz_stubs + \n * 0x80
	hvc	#(0x700 + \n)
	eret
	.endm
	.balign	0x800
	.global	fuzz_stubs, fuzz_stubs_end
fuzz_stubs:
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	tell	\n
	.endr
	.org	fuzz_stubs + 0x800
	hvc	#0x7ff
	svc	#0x7ff			// at EL0, where HVC is UNDEFINED
	b	.
	nop
	svc	#0x7ff
	hvc	#0x7ff			// at EL1 when its vectors are lost
	b	.
	nop
	.inst	0xef0007ff		// A32: svc #0x7ff
	.inst	0xeafffffe
fuzz_stubs_end:

	.bss
	.balign	8
saved_sp:
	.quad	0
