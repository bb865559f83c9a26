/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The end: vectors for the one instruction that may not exist.
 *
 * l0_exit() asks a semihosting debugger to end the machine, with HLT. Where there is none HLT is
 * UNDEFINED; whichever of these vectors it then takes powers off through PSCI. No stack is used.
 */
	.arch	armv8-a
	.text
	.balign	2048
	.globl	l0_exit_vectors
l0_exit_vectors:
	.rept	16
	.balign	128
	movz	x0, #0x0008		/* PSCI_SYSTEM_OFF */
	movk	x0, #0x8400, lsl #16
	smc	#0
1:	wfi				/* no firmware either */
	b	1b
	.endr
	.balign	128
