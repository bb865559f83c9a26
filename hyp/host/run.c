// SPDX-License-Identifier: GPL-2.0-only
/*
 * The host's run loop: each CPU runs what the scheduler gives it. In the host, interrupts masked;
 * physical ones are taken when a guest was interrupted or the CPU idles.
 *
 * A vCPU stays loaded, also while it waits for an interrupt, until its CPU gets another one. vcpu->cpu
 * says where; whoever is given a vCPU waits until it is loaded nowhere else. That takes finitely long:
 * each CPU puts what it has before it waits for what it gets.
 */
#include <gic.h>
#include <host.h>
#include <l1.h>
#include <log.h>
#include <psci.h>
#include <run.h>
#include <sched.h>
#include <ticks.h>
#include <timer.h>
#include <vgic.h>

#include <kvm_hyp.h>
#include <nested.h>

enum run_state {
	RUN_ON,		/* go on with this vCPU */
	RUN_BLOCKED,	/* off, or waiting for an interrupt */
};

/* By PSCI, or with all of its L1. */
static bool is_off(const struct kvm_vcpu *vcpu)
{
	return __atomic_load_n(&vcpu->arch.powered_off, __ATOMIC_ACQUIRE) ||
	       __atomic_load_n(&vcpu->kvm->ended, __ATOMIC_ACQUIRE);
}

/* A vCPU that waits in WFI goes on when an interrupt is deliverable, masked by PSTATE or not. */
static bool is_runnable(struct kvm_vcpu *vcpu)
{
	if (is_off(vcpu))
		return false;
	if (!vcpu->arch.wfi_waiting)
		return true;
	vgic_begin(vcpu);
	kvm_call_hyp(timer_hyp_sync, vcpu);
	timer_sync(vcpu);
	vcpu->arch.wfi_waiting = !vgic_has_pending(vcpu);
	vgic_sync(vcpu);
	vgic_end(vcpu);
	return !vcpu->arch.wfi_waiting;
}

/* A trapped write to the CPU interface that concerns L1's distributor. */
static void icc_write(struct kvm_vcpu *vcpu)
{
	u64 val = vcpu->arch.smccc_args[0], reg = vcpu->arch.smccc_args[1];

	if (reg == ICC_DIR_EL1)
		vgic_write_dir(vcpu, val);
	else
		vgic_send_sgi(vcpu, val, reg == ICC_SGI1R_EL1);
}

static enum run_state handle_exit(struct kvm_vcpu *vcpu, enum host_exit exit)
{
	switch (exit) {
	case HOST_EXIT_IRQ:
		gic_handle_irq(vcpu);
		/* Its L1 has ended on another CPU, which kicked this one. */
		return is_off(vcpu) ? RUN_BLOCKED : RUN_ON;
	case HOST_EXIT_MMIO:
		mmio_emulate(vcpu);
		return RUN_ON;
	case HOST_EXIT_WFI:
		vcpu->arch.wfi_waiting = true;
		return RUN_BLOCKED;
	case HOST_EXIT_SMC:
		return psci_call(vcpu) ? RUN_ON : RUN_BLOCKED;
	case HOST_EXIT_SGI:
		icc_write(vcpu);
		return RUN_ON;
	case HOST_EXIT_SERROR:
		log_warn("physical SError while vCPU %d of L1 number %u ran", vcpu->vcpu_id,
			 vcpu->kvm->id);
		return RUN_ON;
	case HOST_EXIT_SHUTDOWN:
		l1_end(vcpu->kvm, L1_FAILED);
		return RUN_BLOCKED;
	default:
		return RUN_ON;
	}
}

static enum run_state run_once(struct kvm_vcpu *vcpu)
{
	enum host_exit exit;

	vgic_begin(vcpu);
	timer_sync(vcpu);
	vgic_flush(vcpu);
	exit = (enum host_exit)kvm_call_hyp(__kvm_vcpu_run, vcpu);
	vgic_sync(vcpu);
	timer_sync(vcpu);	/* before an access to the GIC shows what it says */
	vgic_end(vcpu);
	if (unlikely(vcpu->arch.nr_ended))
		vgic_finish_ended(vcpu);
	return handle_exit(vcpu, exit);
}

u64 sched_clock(void)
{
	return ticks_now();
}

u64 vcpu_slice_ticks(void)
{
	return ticks_per_second() / SCHED_SLICE_HZ;
}

/* Run @vcpu until it blocks or, if vCPUs share CPUs, somebody else may have to run. */
static enum run_state run_slice(struct kvm_vcpu *vcpu, unsigned int cpu)
{
	bool shared = sched_shares();
	u64 end = TIMER_NEVER, deadline;
	enum run_state state;

	if (shared) {
		end = sched_clock() + vcpu_slice_ticks();
		deadline = sched_deadline(cpu);
		end = deadline < end ? deadline : end;
	}
	vcpu->arch.timer.host_deadline = end;
	do {
		state = run_once(vcpu);
	} while (state == RUN_ON && (!shared || (sched_clock() < end && !sched_must_look(cpu))));
	vcpu->arch.timer.host_deadline = TIMER_NEVER;
	return state;
}

/* Wait until @vcpu, which is this CPU's now, is loaded nowhere else. Is there something for it to do? */
static bool take(struct kvm_vcpu *vcpu, unsigned int cpu)
{
	int on;

	do {
		on = __atomic_load_n(&vcpu->cpu, __ATOMIC_ACQUIRE);
	} while (on >= 0 && on != (int)cpu);
	sched_looks(vcpu);
	return is_runnable(vcpu);
}

/* When a vCPU that is loaded nowhere has to be looked at again, if nobody kicks it. */
static u64 next_timer(const struct kvm_vcpu *vcpu)
{
	return is_off(vcpu) ? TIMER_NEVER : vcpu->arch.timer.next;
}

/* Nothing of @vcpu's is left on this CPU; from then on another one may have it. */
static void unload(struct kvm_vcpu *vcpu)
{
	vgic_begin(vcpu);
	kvm_call_hyp(__kvm_vcpu_put, vcpu);
	timer_sync(vcpu);	/* its timers' interrupts are no physical ones any more */
	vgic_end(vcpu);
	sched_sleep(vcpu, next_timer(vcpu));
	__atomic_store_n(&vcpu->cpu, -1, __ATOMIC_RELEASE);
}

static void load(struct kvm_vcpu *vcpu, unsigned int cpu)
{
	vcpu->cpu = (int)cpu;
	vgic_begin(vcpu);
	kvm_call_hyp(__kvm_vcpu_load, vcpu);
	timer_sync(vcpu);	/* and now they are */
	vgic_end(vcpu);
}

/* In seconds and a rest: the product of all ticks and 1e9 may be too large. */
static void tell_stolen(const struct kvm_vcpu *vcpu)
{
	u64 freq = ticks_per_second(), ticks = vcpu->sched.stolen;

	l1_set_stolen(vcpu, ticks / freq * 1000000000 + ticks % freq * 1000000000 / freq);
}

static void idle(struct kvm_vcpu *loaded, unsigned int cpu)
{
	kvm_call_hyp(timer_hyp_arm, sched_deadline(cpu));
	asm volatile("wfi" : : : "memory");
	gic_handle_irq(loaded);
}

void vcpu_run_loop(unsigned int cpu)
{
	struct kvm_vcpu *loaded = NULL, *vcpu;

	for (;;) {
		vcpu = sched_next(cpu);
		/* Whoever turns a vCPU on again resets its registers: none may be loaded. */
		if (loaded && loaded != vcpu && (vcpu || is_off(loaded))) {
			unload(loaded);
			loaded = NULL;
			/* A timer's output may have woken it, and then this CPU has a vCPU: see sched.h. */
			if (!vcpu)
				continue;
		}
		if (!vcpu) {
			idle(loaded, cpu);
			continue;
		}
		if (take(vcpu, cpu)) {
			if (!loaded)
				load(vcpu, cpu);
			loaded = vcpu;
			if (sched_shares())
				tell_stolen(vcpu);
			if (run_slice(vcpu, cpu) == RUN_ON)
				continue;
			/*
			 * A level that fell and rose again while the guest ran is pending by now, and
			 * nobody has seen it change: it is looked at once more before the vCPU sleeps.
			 */
			if (vgic_has_candidates(vcpu))
				kvm_vcpu_kick(vcpu);
		}
		sched_block(cpu, loaded ? TIMER_NEVER : next_timer(vcpu));
	}
}
