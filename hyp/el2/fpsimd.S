/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * FP/SIMD registers of a vCPU. EL2, CPTR_EL2 lets FP through. The only FP instructions of L0.
 */
#include <asm-offsets.h>

	.arch	armv8-a+fp+simd
	.section .text, "ax"

/* x0 = struct fpsimd_state */
.macro fp_regs op
	\op	q0, q1, [x0, #16 * 0]
	\op	q2, q3, [x0, #16 * 2]
	\op	q4, q5, [x0, #16 * 4]
	\op	q6, q7, [x0, #16 * 6]
	\op	q8, q9, [x0, #16 * 8]
	\op	q10, q11, [x0, #16 * 10]
	\op	q12, q13, [x0, #16 * 12]
	\op	q14, q15, [x0, #16 * 14]
	\op	q16, q17, [x0, #16 * 16]
	\op	q18, q19, [x0, #16 * 18]
	\op	q20, q21, [x0, #16 * 20]
	\op	q22, q23, [x0, #16 * 22]
	\op	q24, q25, [x0, #16 * 24]
	\op	q26, q27, [x0, #16 * 26]
	\op	q28, q29, [x0, #16 * 28]
	\op	q30, q31, [x0, #16 * 30]
.endm

	.globl	__fpsimd_save
__fpsimd_save:
	fp_regs	stp
	mrs	x1, fpsr
	mrs	x2, fpcr
	add	x0, x0, #16 * 32
	stp	x1, x2, [x0]
	ret

	.globl	__fpsimd_restore
__fpsimd_restore:
	fp_regs	ldp
	add	x0, x0, #16 * 32
	ldp	x1, x2, [x0]
	msr	fpsr, x1
	msr	fpcr, x2
	ret
