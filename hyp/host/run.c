// SPDX-License-Identifier: GPL-2.0-only
/*
 * The host's run loop: each CPU gives its vCPUs the processor in turn. In the host, interrupts
 * masked; physical ones are taken when a guest was interrupted or the CPU idles.
 *
 * CPU n runs the vCPUs n, n + CPUs, ... A vCPU that is alone stays loaded for good.
 */
#include <gic.h>
#include <host.h>
#include <l1.h>
#include <log.h>
#include <psci.h>
#include <run.h>
#include <timer.h>
#include <vgic.h>

#include <kvm_hyp.h>
#include <nested.h>

#define SLICE_HZ	500	/* slices a second, where vCPUs share a CPU */

enum run_state {
	RUN_ON,		/* go on with this vCPU */
	RUN_BLOCKED,	/* off, or waiting for an interrupt */
	RUN_DEAD,	/* cannot go on */
};

static bool is_off(const struct kvm_vcpu *vcpu)
{
	return __atomic_load_n(&vcpu->arch.powered_off, __ATOMIC_ACQUIRE);
}

static bool is_loaded(const struct kvm_vcpu *vcpu)
{
	return vcpu->cpu >= 0;
}

/* A vCPU that waits in WFI goes on when an interrupt is deliverable, masked by PSTATE or not. */
static bool is_runnable(struct kvm_vcpu *vcpu)
{
	if (is_off(vcpu))
		return false;
	if (!vcpu->arch.wfi_waiting)
		return true;
	kvm_call_hyp(timer_hyp_sync, vcpu);
	timer_sync(vcpu);
	if (!vgic_has_pending(vcpu))
		return false;
	vcpu->arch.wfi_waiting = false;
	return true;
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
		return RUN_ON;
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
		log_warn("physical SError while vCPU %d ran", vcpu->vcpu_id);
		return RUN_ON;
	case HOST_EXIT_SHUTDOWN:
		return RUN_DEAD;
	default:
		return RUN_ON;
	}
}

static enum run_state run_once(struct kvm_vcpu *vcpu)
{
	enum host_exit exit;

	timer_sync(vcpu);
	vgic_flush(vcpu);
	exit = (enum host_exit)kvm_call_hyp(__kvm_vcpu_run, vcpu);
	vgic_sync(vcpu);
	timer_sync(vcpu);	/* before an access to the GIC shows what it says */
	return handle_exit(vcpu, exit);
}

/* The next runnable vCPU of this CPU after @vcpu; @vcpu itself last; NULL if none is. */
static struct kvm_vcpu *next_vcpu(struct kvm_vcpu *vcpu)
{
	struct kvm *kvm = vcpu->kvm;
	int id = vcpu->vcpu_id, step = (int)nr_online_cpus;

	do {
		id += step;
		if (id >= kvm->nr_vcpus)
			id %= step;
		if (is_runnable(kvm->vcpus[id]))
			return kvm->vcpus[id];
	} while (id != vcpu->vcpu_id);
	return NULL;
}

static void switch_to(struct kvm_vcpu *old, struct kvm_vcpu *next)
{
	if (old != next && is_loaded(old))
		kvm_call_hyp(__kvm_vcpu_put, old);
	if (!is_loaded(next))
		kvm_call_hyp(__kvm_vcpu_load, next);
}

static u64 counter(void)
{
	u64 now;

	asm volatile("isb\n\tmrs %0, cntpct_el0" : "=r"(now) : : "memory");
	return now;
}

static u64 slice_ticks(void)
{
	u64 freq;

	asm("mrs %0, cntfrq_el0" : "=r"(freq));
	return freq / SLICE_HZ;
}

/* Run @vcpu until it blocks or, if it shares its CPU, its slice is over. */
static enum run_state run_slice(struct kvm_vcpu *vcpu)
{
	bool shared = vcpu->kvm->nr_vcpus > (int)nr_online_cpus;
	u64 end = shared ? counter() + slice_ticks() : TIMER_NEVER;
	enum run_state state;

	vcpu->arch.timer.host_deadline = end;
	do {
		state = run_once(vcpu);
	} while (state == RUN_ON && (!shared || counter() < end));
	vcpu->arch.timer.host_deadline = TIMER_NEVER;
	return state;
}

int vcpu_run_loop(struct kvm_vcpu *vcpu)
{
	struct kvm_vcpu *next;

	for (;;) {
		next = next_vcpu(vcpu);
		if (!next) {
			/* Whoever turns it on again resets its registers: none may be loaded. */
			if (is_off(vcpu) && is_loaded(vcpu))
				kvm_call_hyp(__kvm_vcpu_put, vcpu);
			asm volatile("wfi" : : : "memory");
			gic_handle_irq(is_loaded(vcpu) ? vcpu : NULL);
			continue;
		}
		switch_to(vcpu, next);
		vcpu = next;
		if (run_slice(vcpu) == RUN_DEAD)
			return -1;
	}
}
