/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one L1 of this L0: making it, and ending it.
 */
#ifndef L1_H
#define L1_H

#include <kvm_host.h>

extern struct kvm l1;

/*
 * Make the machine: memory, interrupt controller, vCPUs, kernel, device tree; vCPU 0 is ready to run, the others
 * are off. In the host, once, boot CPU. What is wrong with the modules ends L0 with one line.
 */
void l1_create(void);

/* (Re)start @vcpu, which is not loaded, at @entry (IPA) with x0 = @arg, at vEL2. */
void l1_vcpu_start(struct kvm_vcpu *vcpu, ipa_t entry, u64 arg);

/* L1 is to see that @vcpu has waited for a CPU for so long. */
void l1_set_stolen(const struct kvm_vcpu *vcpu, u64 ns);

/* L1 ended itself, to be started again if @reset. Prints counters; the machine does the same. */
void __noreturn l1_end(bool reset);

/* A vCPU cannot go on: the state of all of them, an error line, exit status 1. */
void __noreturn l1_failed(void);

/* State and last exits of every vCPU, counters of every vCPU. */
void l1_dump(void);
void l1_counters(bool end);

/* --- the run loop, hyp/host/run.c --- */

/* Run vCPUs on this CPU, number @cpu, for good. Returns only if one of them cannot go on. */
int vcpu_run_loop(unsigned int cpu);
/* For sched_init(): ticks of CNTPCT_EL0. */
u64 vcpu_slice_ticks(void);

#endif
