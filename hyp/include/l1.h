/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The L1s of this L0: making them, and ending them.
 */
#ifndef L1_H
#define L1_H

#include <kvm_host.h>

/* The L1s; constant once they are made, but for what their own vCPUs change. */
extern struct kvm vms[MAX_VMS];
extern unsigned int nr_vms;

/*
 * Make all of them: memory, interrupt controllers, vCPUs, kernels, device trees; vCPU 0 of each is ready to run, the
 * others are off. In the host, once, boot CPU. What is wrong with the modules ends L0 with one line.
 */
void l1_create(void);

/* (Re)start @vcpu, which is not loaded, at @entry (IPA) with x0 = @arg, at vEL2. */
void l1_vcpu_start(struct kvm_vcpu *vcpu, ipa_t entry, u64 arg);

/* L1 is to see that @vcpu has waited for a CPU for so long. */
void l1_set_stolen(const struct kvm_vcpu *vcpu, u64 ns);

/*
 * @kvm is over: its counters are printed, and none of its vCPUs enters it again; the caller is one of them, or acts for
 * one. With the last L1 the machine ends, too: by a reset if all of them wanted one; with an error line and exit
 * status 1 if one failed, which a line of the log explains. Any CPU, any number of times.
 */
void l1_end(struct kvm *kvm, enum l1_end how);

/* State and last exits of every vCPU of @kvm, counters of every vCPU. */
void l1_dump(const struct kvm *kvm);
void l1_counters(const struct kvm *kvm, bool end);

/* --- the run loop, hyp/host/run.c --- */

/* Run vCPUs on this CPU, number @cpu, for good. */
void __noreturn vcpu_run_loop(unsigned int cpu);
/* For sched_init(): ticks of CNTPCT_EL0. */
u64 vcpu_slice_ticks(void);

#endif
