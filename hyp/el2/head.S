/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From reset to C: the Image header, the boot CPU, the secondaries.
 *
 * Runs at EL2 with the MMU off and everything masked, until hyp_cpu_init() has set the CPU up.
 */
#include <asm-offsets.h>
#include <limits.h>
#include <percpu.h>

#define CURRENT_EL2	(2 << 2)

	.section .head.text, "ax"
	.globl	_start
_start:
	b	primary_entry
	.long	0
	.quad	0x80000			/* text_offset: loaded at 0x40080000 */
	.quad	__pool_end - 0x40080000	/* image_size */
	.quad	0xa			/* little endian, 4K pages, anywhere */
	.quad	0, 0, 0
	.ascii	"ARM\x64"
	.long	0

/*
 * The boot CPU. x0 = DTB (physical). No stack yet, BSS and per-CPU areas hold garbage.
 */
primary_entry:
	mov	x21, x0
	msr	daifset, #0xf
	adr_l	x0, __bss_start
	adr_l	x1, __bss_end
1:	cmp	x0, x1
	b.hs	2f
	stp	xzr, xzr, [x0], #16
	b	1b

2:	/* Every CPU's area starts as a copy of the link-time one. */
	adr_l	x2, __per_cpu_areas
	mov	x3, #MAX_CPUS
3:	adr_l	x0, __per_cpu_start
	adr_l	x1, __per_cpu_end
4:	ldp	x4, x5, [x0], #16
	stp	x4, x5, [x2], #16
	cmp	x0, x1
	b.lo	4b
	subs	x3, x3, #1
	b.ne	3b

	adr_l	x0, boot_fdt
	str	x21, [x0]
	/* The stack protector's word, before any C: another one at each boot, with a byte that ends strings. */
	mrs	x1, cntpct_el0
	movz	x2, #0x9e37
	movk	x2, #0x79b9, lsl #16
	movk	x2, #0x7f4a, lsl #32
	movk	x2, #0x7c15, lsl #48
	add	x1, x1, x21
	mul	x1, x1, x2
	eor	x1, x1, x1, lsr #29
	lsl	x1, x1, #8
	adr_l	x0, __stack_chk_guard
	str	x1, [x0]
	mrs	x0, CurrentEL
	cmp	x0, #CURRENT_EL2
	b.ne	no_el2

	/* Entered with E2H=0 or 1, as firmware likes: l0_early() runs with it off where it can be. */
	mov	x0, #(1 << 31)		/* RW: EL1 is AArch64 */
	msr	hcr_el2, x0
	isb
	mov	x0, #0
	bl	this_cpu_setup
	bl	l0_early
	bl	hyp_patch
	mov	x0, #0
	bl	hyp_cpu_init
	adr_l	x16, host_main
	mov	x2, #0
	b	enter_host

no_el2:
	/* At EL1 TPIDR_EL2 is out of reach and not needed: the stack's address does. */
	adr_l	x0, __per_cpu_areas
	adr_l	x1, __per_cpu_start
	sub	x0, x0, x1
	msr	tpidr_el1, x0
	adr_l	x1, hyp_stack + GUARD_SIZE + HYP_STACK_SIZE
	add	sp, x1, x0
	bl	l0_no_el2
1:	wfi
	b	1b

/*
 * A secondary, from PSCI CPU_ON: at EL2, MMU off, x0 = context id = CPU number.
 */
	.globl	secondary_entry
secondary_entry:
	msr	daifset, #0xf
	mov	x20, x0
	mov	x1, #(1 << 31)
	msr	hcr_el2, x1
	isb
	bl	this_cpu_setup
	mov	x0, x20
	bl	hyp_cpu_init
	adr_l	x16, host_secondary
	mov	x2, x20
	b	enter_host

/* x0 = CPU number: TPIDR_EL2 and the stack. Clobbers x0-x3. */
this_cpu_setup:
	adr_l	x1, __per_cpu_start
	adr_l	x2, __per_cpu_end
	sub	x2, x2, x1
	mul	x2, x2, x0
	adr_l	x3, __per_cpu_areas
	add	x2, x2, x3
	sub	x2, x2, x1
	msr	tpidr_el2, x2
	hyp_adr_this_cpu x1, cpu_number, x2
	str	w0, [x1]
	hyp_adr_this_cpu x1, hyp_stack, x2
	add	sp, x1, #(GUARD_SIZE + HYP_STACK_SIZE)
	ret

/*
 * Turn the MMU on and go on as the host: x16 = where (a landing pad of calls), x2 = its argument. x0 = SCTLR_EL2, from
 * hyp_cpu_init(), which also says in host_el1 whether the host lives at EL1.
 */
enter_host:
	tlbi	alle2
	tlbi	vmalls12e1
	dsb	nsh			/* nothing stale is left when translation starts */
	ic	iallu			/* patched instructions */
	dsb	nsh
	isb
	msr	sctlr_el2, x0
	isb
	adr_l	x3, host_at_el1
	ldr	w3, [x3]
	mov	x0, x2
	cbnz	w3, 1f
	br	x16

1:	msr	elr_el2, x16
	mov	x3, #0x3c5		/* EL1h, DAIF */
	msr	spsr_el2, x3
	eret
