/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The assembly accessors of per-CPU variables, with a stack pointer that points nowhere: what the
 * panic path relies on. EL2, interrupts masked.
 */
#include <percpu.h>

	.text
/* void selftest_percpu_asm(u64 out[2]): the address of this CPU's selftest_cookie, and its value. */
	.globl	selftest_percpu_asm
selftest_percpu_asm:
	mov	x9, sp
	mov	x1, #0xbad0
	mov	sp, x1
	hyp_adr_this_cpu x2, selftest_cookie, x1
	hyp_ldr_this_cpu x3, selftest_cookie, x1
	mov	sp, x9
	stp	x2, x3, [x0]
	ret

/* No landing pad: nobody but a self test has its address. */
	.globl	selftest_no_pad
selftest_no_pad:
	ret
