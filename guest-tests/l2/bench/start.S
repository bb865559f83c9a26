/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * arm64 Image header, entry and vectors of the benchmark L2, at EL1. x0 = DTB, MMU off, all masked.
 * Leaves for bench_main(dtb). An IRQ goes to bench_irq() and returns; anything else to bench_bad().
 */
#include "entry.h"

	.section .head, "ax"
	.global _head
_head:
	image_header start
start:
	msr	daifset, #0xf
	set_vectors_el1 bench_vectors
	enter_c	bench_main

	/* the second CPU: x0 = top of its stack */
	.global	bench_second
bench_second:
	msr	daifset, #0xf
	mov	sp, x0
	set_vectors_el1 bench_vectors
	mov	x29, xzr
	bl	bench_second_main
	b	.

	.text
	el1_vectors bench_vectors, bench_irq, bench_bad, bench_bad
