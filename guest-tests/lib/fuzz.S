/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Vectors of tests/fuzz.c: every exception to EL2, from whatever level and stack pointer, saves all of
 * it on the stack of EL2h, has fuzz_exception(ctx) decide, and returns. Nothing here relies on a
 * register of the code that was interrupted. Programs never write SP of EL2h.
 */
#include "context.h"

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
	save_x2_x29 sp
	save_exception sp
	mov	x0, sp
	bl	fuzz_exception
	return_from_sp

	/*
	 * void fuzz_run(u64 entry, u64 log): runs code at EL2h until fuzz_exception() makes it return to
	 * fuzz_done. x27: where an ERET's continuation is (the code's own), x28: log.
	 */
	.global	fuzz_run, fuzz_done
fuzz_run:
	push_callee_saved
	adrp	x2, saved_sp
	mov	x3, sp
	str	x3, [x2, #:lo12:saved_sp]
	mov	x28, x1
	br	x0
fuzz_done:
	adrp	x2, saved_sp
	ldr	x3, [x2, #:lo12:saved_sp]
	mov	sp, x3
	pop_callee_saved
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
