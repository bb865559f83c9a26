/* SPDX-License-Identifier: GPL-2.0-only */
/* EL1 of a test's L2: every vector tells EL2 its number and returns; and the ends of functions. */
	.macro	tell n
	.org	l2_vectors + \n * 0x80
	hvc	#(0x700 + \n)
	eret
	.endm

	.section .text.l2, "ax"
	.balign	0x800
	.global	l2_vectors
l2_vectors:
	tell	0
	tell	1
	tell	2
	tell	3
	tell	4
	tell	5
	tell	6
	tell	7
	tell	8
	tell	9
	tell	10
	tell	11
	tell	12
	tell	13
	tell	14
	tell	15
	.org	l2_vectors + 0x800

	.global	l2_return_el1
l2_return_el1:
	hvc	#0x7ff
	b	.

	.global	l2_return_el0
l2_return_el0:
	svc	#0x7ff
	b	.
