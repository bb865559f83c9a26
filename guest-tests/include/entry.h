/* SPDX-License-Identifier: GPL-2.0-only */
/* Macros of the guests' entries and of the vectors of those at EL1. Assembly only. */
#ifndef GUEST_ENTRY_H
#define GUEST_ENTRY_H

#ifdef __ASSEMBLER__
/* clang-format off */

	/* The arm64 Image header [Linux: Documentation/arch/arm64/booting.rst], then \start. */
	.macro	image_header start
	b	\start
	.long	0
	.quad	0			// text_offset
	.quad	_image_size
	.quad	0xa			// little endian, 4K pages, anywhere in memory
	.quad	0, 0, 0
	.ascii	"ARM\x64"
	.long	0
	.endm

	/* With a stack and zeroed .bss to \main, which gets what was in x0. Not back. */
	.macro	enter_c main
	adrp	x1, _stack_top
	add	x1, x1, #:lo12:_stack_top
	mov	sp, x1
	adrp	x1, _bss_start
	add	x1, x1, #:lo12:_bss_start
	adrp	x2, _bss_end
	add	x2, x2, #:lo12:_bss_end
1:	cmp	x1, x2
	b.hs	2f
	stp	xzr, xzr, [x1], #16
	b	1b
2:	mov	x29, xzr
	bl	\main
3:	wfi
	b	3b
	.endm

	/* Sets VBAR_EL1 before anything that may fault. Changes x9. */
	.macro	set_vectors_el1 vectors
	adrp	x9, \vectors
	add	x9, x9, #:lo12:\vectors
	msr	vbar_el1, x9
	isb
	.endm

	/* What a C function may change but x0 and x1, in the 176 bytes at sp: stp and str, or ldp and ldr. */
	.macro	call_clobbered pair, one
	\pair	x2, x3, [sp, #16]
	\pair	x4, x5, [sp, #32]
	\pair	x6, x7, [sp, #48]
	\pair	x8, x9, [sp, #64]
	\pair	x10, x11, [sp, #80]
	\pair	x12, x13, [sp, #96]
	\pair	x14, x15, [sp, #112]
	\pair	x16, x17, [sp, #128]
	\pair	x18, x29, [sp, #144]
	\one	x30, [sp, #160]
	.endm

	/*
	 * EL1's vectors \name: IRQ of EL1h calls \irq and returns, a synchronous exception of EL0
	 * goes to \svc, anything else to \bad.
	 */
	.macro	el1_vectors name, irq, svc, bad
	.balign	0x800
\name:
	.set	slot, 0
	.rept	16
	.org	\name + slot * 0x80
	.if	slot == 5
	b	\name\()_irq
	.elseif	slot == 8
	b	\svc
	.else
	b	\bad
	.endif
	.set	slot, slot + 1
	.endr
	.org	\name + 0x800

\name\()_irq:
	stp	x0, x1, [sp, #-176]!
	call_clobbered stp, str
	bl	\irq
	call_clobbered ldp, ldr
	ldp	x0, x1, [sp], #176
	eret
	.endm
/* clang-format on */
#endif

#endif
