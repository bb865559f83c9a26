/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where PSCI CPU_ON lets another CPU start: EL2, MMU off, x0 = top of its stack. Takes the mode of
 * the first CPU and leaves for secondary_main(). After E2H the vectors are written again: an access
 * that a hypervisor below sees, before any EL1 name is used.
 */
	.text
	.global	secondary_entry
secondary_entry:
	msr	daifset, #0xf
	msr	spsel, #1
	mov	sp, x0
	adrp	x1, secondary_hcr
	ldr	x1, [x1, #:lo12:secondary_hcr]
	msr	hcr_el2, x1
	isb
	adrp	x2, vectors
	add	x2, x2, #:lo12:vectors
	adrp	x3, vectors_vhe
	add	x3, x3, #:lo12:vectors_vhe
	tst	x1, #(1 << 34)
	csel	x2, x2, x3, eq
	msr	vbar_el2, x2
	isb
	mov	x29, xzr
	bl	secondary_main
	b	.
