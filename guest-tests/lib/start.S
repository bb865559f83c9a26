/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * arm64 Image header and entry of an L1 program. Entered at EL2 (or virtual EL2), MMU off, x0 = DTB.
 * Leaves for guest_start(dtb) with a stack, zeroed .bss and VBAR_EL2 set.
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
	mrs	x1, CurrentEL
	cmp	x1, #(2 << 2)
	b.ne	not_el2

	msr	spsel, #1
	adrp	x1, vectors
	add	x1, x1, #:lo12:vectors
	msr	vbar_el2, x1
	isb
not_el2:
	adrp	x1, _stack_top
	add	x1, x1, #:lo12:_stack_top
	mov	sp, x1

	adrp	x1, _bss_start
	add	x1, x1, #:lo12:_bss_start
	adrp	x2, _bss_end
	add	x2, x2, #:lo12:_bss_end
2:	cmp	x1, x2
	b.hs	3f
	stp	xzr, xzr, [x1], #16
	b	2b
3:	mov	x29, xzr
	bl	guest_start
4:	wfi
	b	4b
