/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The scheduler: which vCPU runs on which CPU. Host, hyp/host/sched.c.
 *
 * One queue for all CPUs. Where there are no more vCPUs than CPUs, none ever waits and each stays
 * where it was; else a CPU takes, of the L1 that has had the least time, the vCPU that has had the least, when
 * its own blocks, and every 1/SCHED_SLICE_HZ seconds. So L1s that have something to do all the time have had the
 * same time, however many vCPUs do it, and vCPUs of one L1 that are busy all the time, to within two slices. One that
 * slept may be at most a slice behind the others: that much it gets at once. An L1 of which nobody waits has all
 * that it asks for, and may be a slice of each CPU behind.
 *
 * The lock is taken when a vCPU blocks, is woken or has used up its slice: on no exit besides.
 */
#ifndef SCHED_H
#define SCHED_H

#include <types.h>

struct kvm;
struct kvm_vcpu;

#define SCHED_SLICE_HZ	500

enum sched_state {
	SCHED_BLOCKED = 0,	/* off, or waiting for an interrupt */
	SCHED_READY,		/* waits for a CPU */
	SCHED_RUNNING,		/* a CPU's own, which alone may touch it */
};

struct sched_entity {
	u32 state;		/* enum sched_state */
	u32 kicked;		/* somebody had something for it since its CPU last looked */
	unsigned int cpu;	/* whose it is, or was last */
	bool sleeps;		/* BLOCKED, on no CPU: @cpu wakes it at wake_at (CNTPCT_EL0) */
	u64 wake_at;
	u64 ran;		/* ticks that it had */
	u64 vtime;		/* the same, but at most a slice behind the others' of its L1 */
	u64 stolen;		/* ticks that it was READY */
	u64 migrations;		/* how often it came to another CPU */
	u64 since;		/* RUNNING, READY: charged until then; 0: its CPU has not yet seen it */
};

/* CNTPCT_EL0. The run loop's; the unit tests have their own. */
u64 sched_clock(void);

/*
 * Once. vCPU 0 of each of the @nr_vms machines in @vms is to run, that of the first on CPU 0; all others are blocked.
 * @slice in ticks of CNTPCT_EL0.
 */
void sched_init(struct kvm *vms, unsigned int nr_vms, unsigned int nr_cpus, u64 slice);

/* Whether vCPUs share CPUs. */
bool sched_shares(void);

/*
 * What @cpu, the calling one, is to run from now on: what it has, or what waits and has had no more. NULL:
 * nothing. The vCPU may still be loaded on another CPU, which is about to put it.
 */
struct kvm_vcpu *sched_next(unsigned int cpu);

/*
 * The vCPU of @cpu has nothing to run for. If it is loaded nowhere, it is to be woken at @wake_at (or
 * TIMER_NEVER); if it is, the hardware does that.
 */
void sched_block(unsigned int cpu, u64 wake_at);

/* @vcpu was put, by the CPU that it ran on: if it is blocked, that CPU wakes it at @wake_at. */
void sched_sleep(struct kvm_vcpu *vcpu, u64 wake_at);

/* When @cpu has to call sched_next() for the sake of others: the next wake_at. */
u64 sched_deadline(unsigned int cpu);

/* Somebody with less time waits for @cpu: its slice is over. */
bool sched_must_look(unsigned int cpu);

/* Forget the kicks of before: what they were about is looked at after this. The vCPU's CPU. */
void sched_looks(struct kvm_vcpu *vcpu);

/*
 * There is something for @vcpu in memory, written before: it leaves its guest if it runs on another CPU, and
 * runs again if it is blocked. Any CPU; may be called with the vgic_dist's lock held.
 */
void kvm_vcpu_kick(struct kvm_vcpu *vcpu);

#endif
