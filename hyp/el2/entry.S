/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * EL2 vectors, entry into a guest, exit from it, and the nVHE host's way in.
 *
 * At EL2 everything is masked, always. TPIDR_EL2 is the per-CPU distance. While a guest runs,
 * __hyp_running_vcpu of this CPU's host context is its vcpu; while an nVHE host runs it is NULL.
 * Nothing here trusts what the stack holds for finding the vcpu; a stack that faults ends in
 * hyp_panic, which has its own.
 */
#include <asm-offsets.h>
#include <alternative.h>
#include <limits.h>
#include <pauth.h>
#include <percpu.h>

#define XREG(n)		(CPU_XREG_0 + 8 * (n))

#define APIAKEYLO_EL1	s3_0_c2_c1_0
#define APIAKEYHI_EL1	s3_0_c2_c1_1

/*
 * Key A is the guest's while it runs and L0's in between (pauth.h). Both clobber x2 and x3, the first wants its ISB
 * before any signed return address; the ERET that follows the second is one.
 */
.macro take_key ctxt
#if L0_PAUTH
alternative_insn "b 9f", "nop", CAP_PAUTH
	mrs	x2, APIAKEYLO_EL1
	mrs	x3, APIAKEYHI_EL1
	str	x2, [\ctxt, #CPU_APIAKEYLO]
	str	x3, [\ctxt, #CPU_APIAKEYHI]
	adr_l	x2, hyp_apia_key
	ldp	x2, x3, [x2]
	msr	APIAKEYLO_EL1, x2
	msr	APIAKEYHI_EL1, x3
	isb
9:
#endif
.endm

.macro give_key ctxt
#if L0_PAUTH
alternative_insn "b 9f", "nop", CAP_PAUTH
	ldr	x2, [\ctxt, #CPU_APIAKEYLO]
	ldr	x3, [\ctxt, #CPU_APIAKEYHI]
	msr	APIAKEYLO_EL1, x2
	msr	APIAKEYHI_EL1, x3
9:
#endif
.endm

.macro save_x2_to_x29 ctxt
	stp	x2, x3, [\ctxt, #XREG(2)]
	stp	x4, x5, [\ctxt, #XREG(4)]
	stp	x6, x7, [\ctxt, #XREG(6)]
	stp	x8, x9, [\ctxt, #XREG(8)]
	stp	x10, x11, [\ctxt, #XREG(10)]
	stp	x12, x13, [\ctxt, #XREG(12)]
	stp	x14, x15, [\ctxt, #XREG(14)]
	stp	x16, x17, [\ctxt, #XREG(16)]
	stp	x18, x19, [\ctxt, #XREG(18)]
	stp	x20, x21, [\ctxt, #XREG(20)]
	stp	x22, x23, [\ctxt, #XREG(22)]
	stp	x24, x25, [\ctxt, #XREG(24)]
	stp	x26, x27, [\ctxt, #XREG(26)]
	stp	x28, x29, [\ctxt, #XREG(28)]
.endm

/*
 * An exception from a lower EL: EL1/EL0 of a guest, or the nVHE host at EL1.
 * In: SP = this CPU's hyp stack.
 */
.macro lower_el handler		/* offset into hyp_exit_handlers */
	stp	x0, x1, [sp, #-16]!
	/* get_vcpu_ptr, shorter: the image is small enough for ADR (the linker checks). */
	adr	x1, kvm_host_cpu_state + HOST_CONTEXT_VCPU
	mrs	x0, tpidr_el2
	ldr	x1, [x1, x0]
	cbz	x1, host_exception
	save_x2_to_x29 x1
	ldp	x2, x3, [sp], #16
	stp	x2, x3, [x1, #XREG(0)]
	str	x30, [x1, #XREG(30)]
	take_key x1
	mov	x19, x1
	mov	x0, x1
	ldr	x2, hyp_exit_handlers + \handler
	blr	x2
	cbnz	w0, guest_exit
.endm


	.section .text, "ax"
	.balign	2048
	.globl	hyp_vectors
hyp_vectors:
	.irp	slot, 0, 1, 2, 3, 4, 5, 6, 7
	.org	hyp_vectors + \slot * 0x80
	b	hyp_panic		/* current EL: L0 itself went wrong */
	.endr
	.org	hyp_vectors + 0x400
	b	lower_sync
	.org	hyp_vectors + 0x480
	b	lower_irq
	.org	hyp_vectors + 0x500
	b	lower_irq		/* FIQ: group 0 is not used, an IRQ exit looks at the GIC */
	.org	hyp_vectors + 0x580
	b	lower_serror
	.irp	slot, 0, 1, 2, 3
	.org	hyp_vectors + 0x600 + \slot * 0x80
	b	hyp_panic		/* AArch32 lower EL: never entered */
	.endr
	.org	hyp_vectors + 0x800

lower_irq:
	lower_el UPCALL_IRQ
	b	guest_resume
lower_serror:
	lower_el UPCALL_SERROR
	b	guest_resume

	.globl	__guest_enter_corrupt
__guest_enter_corrupt:
	mov	x1, #0x7000000000	/* within the VA range, mapped to nothing */
	mov	sp, x1

/*
 * int __guest_enter(struct kvm_vcpu *vcpu): run the guest as its context says. Returns the
 * host_exit for which an exit handler did not want to resume it.
 */
	.globl	__guest_enter
__guest_enter:
	get_host_ctxt x1, x2
	stp	x19, x20, [x1, #XREG(19)]
	stp	x21, x22, [x1, #XREG(21)]
	stp	x23, x24, [x1, #XREG(23)]
	stp	x25, x26, [x1, #XREG(25)]
	stp	x27, x28, [x1, #XREG(27)]
	stp	x29, x30, [x1, #XREG(29)]
	mov	x19, x0
	b	guest_resume

/* The commonest exit falls through to the entry. */
lower_sync:
	lower_el UPCALL_SYNC
/* In: x19 = the vcpu, SP as __guest_enter found it. */
guest_resume:
	ldp	x0, x1, [x19, #CPU_PC]		/* and hw_pstate */
	msr	elr_el2, x0
	msr	spsr_el2, x1
	give_key x19
	ldp	x0, x1, [x19, #XREG(0)]
	ldp	x2, x3, [x19, #XREG(2)]
	ldp	x4, x5, [x19, #XREG(4)]
	ldp	x6, x7, [x19, #XREG(6)]
	ldp	x8, x9, [x19, #XREG(8)]
	ldp	x10, x11, [x19, #XREG(10)]
	ldp	x12, x13, [x19, #XREG(12)]
	ldp	x14, x15, [x19, #XREG(14)]
	ldp	x16, x17, [x19, #XREG(16)]
	ldp	x20, x21, [x19, #XREG(20)]
	ldp	x22, x23, [x19, #XREG(22)]
	ldp	x24, x25, [x19, #XREG(24)]
	ldp	x26, x27, [x19, #XREG(26)]
	ldp	x28, x29, [x19, #XREG(28)]
	ldr	x30, [x19, #XREG(30)]
	ldp	x18, x19, [x19, #XREG(18)]
	eret
	dsb	nsh			/* no speculation past ERET */
	isb

/* In: w0 = host_exit, SP as __guest_enter found it. */
guest_exit:
	get_host_ctxt x1, x2
	ldp	x19, x20, [x1, #XREG(19)]
	ldp	x21, x22, [x1, #XREG(21)]
	ldp	x23, x24, [x1, #XREG(23)]
	ldp	x25, x26, [x1, #XREG(25)]
	ldp	x27, x28, [x1, #XREG(27)]
	ldp	x29, x30, [x1, #XREG(29)]
	ret

/*
 * The nVHE host at EL1: HVC #0 is kvm_call_hyp (x0 = function, x1-x4 its words; caller-saved
 * registers are the hypercall's to clobber). Anything else is L0's own fault.
 * In: x0, x1 of the host on the stack.
 */
host_exception:
	mrs	x0, esr_el2
	lsr	x1, x0, #26
	cmp	x1, #0x16
	b.ne	hyp_panic
	tst	x0, #0xffff
	b.ne	hyp_panic
	hyp_adr_this_cpu x1, host_hvcs, x0
	ldr	x0, [x1]
	add	x0, x0, #1
	str	x0, [x1]
	ldp	x0, x1, [sp], #16
	mrs	x5, elr_el2
	mrs	x6, spsr_el2
	stp	x5, x6, [sp, #-32]!
	stp	x29, x30, [sp, #16]
	cmp	x0, #NR_HYPCALLS
	b.hs	hyp_panic
	adr_l	x5, hyp_call_table
	ldr	x5, [x5, x0, lsl #3]
	mov	x0, x1
	mov	x1, x2
	mov	x2, x3
	mov	x3, x4
	blr	x5
	ldp	x29, x30, [sp, #16]
	ldp	x5, x6, [sp], #32
	msr	elr_el2, x5
	msr	spsr_el2, x6
	eret
	dsb	nsh
	isb

/*
 * L0 cannot go on. The stack may be what is wrong, so nothing is read from it: the per-CPU panic
 * stack serves, and the vcpu comes from the host context.
 */
	.globl	hyp_panic
hyp_panic:
	mrs	x0, esr_el2
	mrs	x1, elr_el2
	mrs	x2, far_el2
	mrs	x3, spsr_el2
	get_vcpu_ptr x4, x5
	mov	x6, sp
	hyp_adr_this_cpu x5, panic_stack, x7
	add	sp, x5, #(GUARD_SIZE + PANIC_STACK_SIZE)
	mov	x5, x6
	bl	hyp_panic_report
	b	.

/* What an nVHE host executes at EL1. */
	.section .shared.text, "ax"

/* unsigned long __kvm_call_hyp(fn, a0, a1, a2, a3): from the nVHE host. */
	.globl	__kvm_call_hyp
__kvm_call_hyp:
	hvc	#0
	ret

/* Its vectors: any exception there is L0's fault. */
	.balign	2048
	.globl	host_vectors
host_vectors:
	.rept	16
	.balign	0x80
	hvc	#HOST_EXCEPTION
	b	.
	.endr
