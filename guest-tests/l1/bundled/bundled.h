/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The bundled L1: vm.c measures L1 itself, hyp.c runs the L2 that measures itself, exits.c emulates what
 * L2 asks for, split.c has that part at EL1 (an nVHE L1 as Linux/KVM is one), smp.c is the second CPU.
 */
#ifndef BUNDLED_H
#define BUNDLED_H

#include "lib.h"
#include "pgtable.h"
#include "types.h"

#define NR_CPUS	2

/* What runs at EL1 when L1 is split. A section of its own, for who must know. */
#define __host_part	__attribute__((section(".text.host_part"), noinline))

/* What is measured, the same for both CPUs. */
struct bench {
	unsigned int iters;
	unsigned int warm;
	bool only_ipi;		/* nothing but what needs two CPUs */
	bool split;		/* nVHE: exits.c runs at EL1 */
	bool second;		/* CPU 1 is on */
};
extern struct bench bench;

/* A vCPU of L2, which runs on the CPU of its number. */
struct l2cpu {
	struct vcpu v;
	u64 cpu;
	u64 ipa;		/* of the last abort, page */
	u64 lr;			/* what list register 0 gets at the next entry, 0: it stays */
	volatile u64 sgi;	/* the other one's, pending here: INTID, 0 is none. One at a time. */
	volatile u64 start;	/* where it starts, 0: not yet */
	volatile bool ended;
};
extern struct l2cpu l2cpus[NR_CPUS];
extern struct pgtable l2_stage2;

/* hyp.c, at EL2 */
void hyp_run(void);
void hyp_cpu_run(struct l2cpu *me);
void hyp_enter_l2(struct l2cpu *me);
#define HYP_HCR	(HCR_RW | (vhe_mode ? HCR_E2H : 0))
#define L2_HCR	(HYP_HCR | HCR_VM | HCR_IMO | HCR_FMO | HCR_AMO | HCR_TWI | HCR_TSC | HCR_TID3)

/* exits.c, at EL2 or, split, at EL1 */
void exits_init(void);
void exits_handle(struct l2cpu *me);
void exits_uart(struct l2cpu *me);

/* split.c */
void split_run(struct l2cpu *me);

/* smp.c: who rings whom. Numbers are of rounds, from 1. */
#define SGI_SELF	1	/* vm.c's own */
#define SGI_IPI		2	/* the vm-level ipi operation */
#define SGI_KICK	4	/* look at your l2cpu */
bool smp_start(void);
void smp_send_sgi(u64 cpu, unsigned int intid);
void smp_set(volatile u64 *p, u64 v);
void smp_wait(const volatile u64 *p, u64 v);

void vm_run(void);
void vm_ipi_receive(void);

#endif
