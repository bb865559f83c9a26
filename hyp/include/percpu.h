/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Per-CPU variables, usable at EL2 whatever the stack holds.
 *
 * TPIDR_EL2 of a CPU holds the distance from the link-time copy of the per-CPU section to that
 * CPU's own; at EL2 it is never anything else. The nVHE host at EL1 finds the same distance in
 * TPIDR_EL1 (switched with the guest's), hence this_cpu_ptr() and __hyp_this_cpu_ptr().
 */
#ifndef PERCPU_H
#define PERCPU_H

#include <limits.h>


#ifdef __ASSEMBLER__

/* \reg = address of \sym. */
.macro adr_l reg, sym
	adrp	\reg, \sym
	add	\reg, \reg, :lo12:\sym
.endm

.macro hyp_adr_this_cpu reg, sym, tmp
	adr_l	\reg, \sym
	mrs	\tmp, tpidr_el2
	add	\reg, \reg, \tmp
.endm

.macro hyp_ldr_this_cpu reg, sym, tmp
	adr_l	\reg, \sym
	mrs	\tmp, tpidr_el2
	ldr	\reg, [\reg, \tmp]
.endm

.macro get_host_ctxt reg, tmp
	hyp_adr_this_cpu \reg, kvm_host_cpu_state, \tmp
.endm

/* \vcpu = the vcpu that runs on this CPU, NULL while the host does; \ctxt is clobbered. */
.macro get_vcpu_ptr vcpu, ctxt
	get_host_ctxt \ctxt, \vcpu
	ldr	\vcpu, [\ctxt, #HOST_CONTEXT_VCPU]
.endm

#else

#include <types.h>
#include <alternative.h>

/* EL2's alone; one that an nVHE host reads; one that it writes. */
#define DEFINE_PER_CPU(type, name)	__section(".data..percpu") __typeof__(type) name
#define DEFINE_PER_CPU_HOST_RO(type, name) __section(".data..percpu..host_ro") __typeof__(type) name
#define DEFINE_PER_CPU_HOST(type, name)	__section(".data..percpu..host") __typeof__(type) name
#define DECLARE_PER_CPU(type, name)	extern __typeof__(type) name

/* At EL2 only. */
#define __hyp_this_cpu_ptr(sym)						\
	({								\
		unsigned long __off;					\
		asm("mrs %0, tpidr_el2" : "=r"(__off));			\
		(__typeof__(&(sym)))((unsigned long)&(sym) + __off);	\
	})
#define __hyp_this_cpu_read(sym)	(*__hyp_this_cpu_ptr(sym))

/* In the host, at EL2 (VHE) or EL1 (nVHE). */
#define this_cpu_ptr(sym)						\
	({								\
		unsigned long __off;					\
		asm(ALTERNATIVE("mrs %0, tpidr_el1",			\
				"mrs %0, tpidr_el2", CAP_VHE)		\
		    : "=r"(__off));					\
		(__typeof__(&(sym)))((unsigned long)&(sym) + __off);	\
	})

extern char __per_cpu_start[], __per_cpu_end[], __per_cpu_areas[];

/* Another CPU's copy: anywhere. */
#define per_cpu_size()	((unsigned long)(__per_cpu_end - __per_cpu_start))
#define per_cpu_offset(cpu) \
	((unsigned long)(__per_cpu_areas - __per_cpu_start) + (cpu) * per_cpu_size())
#define per_cpu_ptr(sym, cpu) \
	((__typeof__(&(sym)))((unsigned long)&(sym) + per_cpu_offset(cpu)))

DECLARE_PER_CPU(unsigned int, cpu_number);
DECLARE_PER_CPU(u64, cpu_mpidr);

#endif
#endif
