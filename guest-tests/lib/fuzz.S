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
	 * void fuzz_run(u64 entry, u64 log, const u64 *pairs, u64 n): runs code at EL2h until it or
	 * fuzz_exception() goes to fuzz_done. x27: where an ERET's continuation is (the code's own), x28: log;
	 * x19 and x20 for fuzz_call_pairs: that many pairs of a function and its argument.
	 */
	.global	fuzz_run, fuzz_call_pairs, fuzz_done
fuzz_run:
	push_callee_saved
	adrp	x4, saved_sp
	mov	x5, sp
	str	x5, [x4, #:lo12:saved_sp]
	mov	x28, x1
	mov	x19, x2
	mov	x20, x3
	br	x0
fuzz_call_pairs:
	cbz	x20, 1f
	ldp	x16, x0, [x19], #16
	blr	x16
	sub	x20, x20, #1
	b	fuzz_call_pairs
1:	hvc	#0x7fe			// ESR, ELR and SPSR of EL2 are the same for the next program, too
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
