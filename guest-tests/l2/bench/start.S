/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * arm64 Image header, entry and vectors of the benchmark L2, at EL1. x0 = DTB, MMU off, all masked.
 * Leaves for bench_main(dtb). An IRQ goes to bench_irq() and returns; anything else to bench_bad().
 */
	.section .head, "ax"
	.global _head
_head:
	b	1f
	.long	0
	.quad	0			// text_offset
	.quad	_image_size
	.quad	0xa			// little endian, 4K pages, anywhere in memory
	.quad	0, 0, 0
	.ascii	"ARM\x64"
	.long	0

1:	msr	daifset, #0xf
	adrp	x1, _stack_top
	mov	sp, x1
	adrp	x1, bench_vectors
	add	x1, x1, #:lo12:bench_vectors
	msr	vbar_el1, x1
	isb				// the vectors before anything that may fault
	adrp	x1, _bss_start
	add	x1, x1, #:lo12:_bss_start
	adrp	x2, _bss_end
	add	x2, x2, #:lo12:_bss_end
2:	cmp	x1, x2
	b.hs	3f
	stp	xzr, xzr, [x1], #16
	b	2b
3:	mov	x29, xzr
	bl	bench_main
4:	wfi
	b	4b

	.macro	slot n, to
	.org	bench_vectors + \n * 0x80
	b	\to
	.endm

	.text
	.balign	0x800
bench_vectors:
	slot 0, bench_bad
	slot 1, bench_bad
	slot 2, bench_bad
	slot 3, bench_bad
	slot 4, bench_bad
	slot 5, irq
	slot 6, bench_bad
	slot 7, bench_bad
	slot 8, bench_bad
	slot 9, bench_bad
	slot 10, bench_bad
	slot 11, bench_bad
	slot 12, bench_bad
	slot 13, bench_bad
	slot 14, bench_bad
	slot 15, bench_bad
	.org	bench_vectors + 0x800

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
	bl	bench_irq
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
