/* SPDX-License-Identifier: GPL-2.0-only */
/* Code for EL0, in pages that EL0 may execute. It keeps no memory of its own. */
	.section .user.text, "ax"
	/* SVC #0 for ever: every entry is one system call. */
	.global	user_svc_loop
user_svc_loop:
	svc	#0
	b	user_svc_loop

	/* A PL011's registers for ever: x0 = offset (l2-abi.h), then SVC with the value in x0. */
	.global	user_device
user_device:
	mov	x1, #0x11
	cmp	x0, #0xfe0
	csel	x0, x1, xzr, eq
	svc	#0
	b	user_device

	/* Two system calls, the second of which ends a function of a test's L2. */
	.global	user_svc_then_done
user_svc_then_done:
	svc	#1
	svc	#0x7ff
	b	.

	/* Uses an FP register, then one system call. */
	.global	user_fp
	.arch_extension fp
user_fp:
	fmov	x0, d0
	svc	#2
	b	.

	/* name: instructions on x0, x1, then the end. */
	.macro	piece name, insn:vararg
	.global	\name
\name:
	\insn
	svc	#0x7ff
	b	.
	.endm

	piece user_load, ldr x0, [x0]
	piece user_store, str x1, [x0]
	piece user_wfi, wfi
	piece user_ctr, mrs x0, ctr_el0
	piece user_zva, dc zva, x0
	piece user_ivau, ic ivau, x0
	piece user_cntvct, mrs x0, cntvct_el0
	piece user_cntpct, mrs x0, cntpct_el0
	piece user_timer, mrs x0, cntv_ctl_el0
	piece user_tpidr, msr tpidr_el0, x0
	piece user_tpidrro, msr tpidrro_el0, x0
	piece user_daif, msr daifset, #2
	piece user_udf, .inst 0
	piece user_brk, brk #0x12
	piece user_el1, mrs x0, sctlr_el1
	piece user_jump, br x0
	piece user_spin, b .
	piece user_sp, mov x0, sp

	/* Adds one to each general register, so that the caller can see all of them. */
	.global	user_regs
user_regs:
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, \
		23, 24, 25, 26, 27, 28, 29, 30
	add	x\n, x\n, #1
	.endr
	svc	#0x7ff
	b	.
