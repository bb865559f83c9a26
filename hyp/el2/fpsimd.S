/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * FP/SIMD and SVE registers of a vCPU. EL2, CPTR_EL2 lets them through. The only such instructions of
 * L0.
 */
#include <asm-offsets.h>

	.arch	armv8-a+fp+simd+sve
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

/* x0 = struct sve_state; becomes its predicates */
.macro sve_z op
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, \
		24, 25, 26, 27, 28, 29, 30, 31
	\op	z\n, [x0, #\n, mul vl]
	.endr
	add	x0, x0, #SVE_P
.endm

.macro sve_p op
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	\op	p\n, [x0, #\n, mul vl]
	.endr
.endm

	/* The FFR stands behind P15 and can only be reached through a predicate. */
	.globl	__sve_save
__sve_save:
	sve_z	str
	sve_p	str
	rdffr	p0.b
	str	p0, [x0, #16, mul vl]
	mrs	x2, fpsr
	mrs	x3, fpcr
	add	x1, x1, #FP_FPSR
	stp	x2, x3, [x1]
	ret

	.globl	__sve_restore
__sve_restore:
	sve_z	ldr
	ldr	p0, [x0, #16, mul vl]
	wrffr	p0.b
	sve_p	ldr
	add	x1, x1, #FP_FPSR
	ldp	x2, x3, [x1]
	msr	fpsr, x2
	msr	fpcr, x3
	ret
