/* SPDX-License-Identifier: GPL-2.0-only */
/* Code for EL0, in pages that EL0 may execute. It keeps no memory of its own. */
	.section .user.text, "ax"
	/* SVC #0 for ever: every entry is one system call. */
	.global	user_svc_loop
user_svc_loop:
	svc	#0
	b	user_svc_loop
