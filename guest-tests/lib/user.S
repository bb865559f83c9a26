/* SPDX-License-Identifier: GPL-2.0-only */
/* Code for EL0, in pages that EL0 may execute. It keeps no memory of its own. */
	.section .user.text, "ax"
	/* SVC #0 for ever: every entry is one system call. */
	.global	user_svc_loop
user_svc_loop:
	svc	#0
	b	user_svc_loop

	/* Two system calls, the second of which ends a function of a test's L2. */
	.global	user_svc_then_done
user_svc_then_done:
	svc	#1
	svc	#0x7ff
	b	.

	/* Uses an FP register, then one system call. */
	.global	user_fp
user_fp:
	fmov	x0, d0
	svc	#2
	b	.
