/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * arm64 Image header and entry of an L1 program. Entered at EL2 (or virtual EL2), MMU off, x0 = DTB.
 * Leaves for guest_start(dtb) with a stack, zeroed .bss and VBAR_EL2 set.
 */
#include "entry.h"

	.section .head, "ax"
	.global _head
_head:
	image_header start
start:
	msr	daifset, #0xf
	mrs	x1, CurrentEL
	cmp	x1, #(2 << 2)
	b.ne	not_el2

	msr	spsel, #1
	adrp	x1, vectors
	add	x1, x1, #:lo12:vectors
	msr	vbar_el2, x1
	isb
not_el2:
	enter_c	guest_start
