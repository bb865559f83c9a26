// SPDX-License-Identifier: GPL-2.0-only
/*
 * The scheduler's queue and its decisions: see sched.h. Host, interrupts masked.
 *
 * The lock guards all but `kicked` and `look`, which are single words. A kick says so in `kicked`, then
 * looks at the state; a vCPU that blocks does so in its state, then looks at `kicked`: one of the two
 * sees the other. Invariant: while a CPU has no vCPU, none waits.
 *
 * Pure: reaches hardware only through gic_kick_cpu() and sched_clock(); the unit tests run it on the build machine.
 */
#include <gic.h>
#include <kvm_host.h>
#include <limits.h>
#include <lock.h>
#include <sched.h>

static struct {
	u32 lock;
	struct kvm *vms;
	unsigned int nr_vms;
	unsigned int nr_cpus;
	u64 slice;
	struct kvm_vcpu *vcpu[NR_VCPUS];	/* of all L1s */
	unsigned int nr;
	struct kvm_vcpu *running[MAX_CPUS];
	u32 look[MAX_CPUS];
} sched;

static enum sched_state state_of(const struct kvm_vcpu *vcpu)
{
	return (enum sched_state)__atomic_load_n(&vcpu->sched.state, __ATOMIC_SEQ_CST);
}

static void set_state(struct kvm_vcpu *vcpu, enum sched_state state)
{
	__atomic_store_n(&vcpu->sched.state, (u32)state, __ATOMIC_SEQ_CST);
}

static void release(void)
{
	unlock(&sched.lock);
	/* Who runs a vCPU from now on sees what was written before a kick that found it elsewhere. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static void give(struct kvm_vcpu *vcpu, unsigned int cpu)
{
	sched.running[cpu] = vcpu;
	vcpu->sched.migrations += vcpu->sched.cpu != cpu;
	vcpu->sched.cpu = cpu;
	vcpu->sched.since = 0;
	set_state(vcpu, SCHED_RUNNING);
}

static void charge(struct kvm_vcpu *vcpu, u64 now)
{
	struct sched_entity *e = &vcpu->sched;

	if (e->since) {
		vcpu->kvm->vtime += now - e->since;
		e->vtime += now - e->since;
		e->ran += now - e->since;
	}
	e->since = now;
}

static void wait_for_cpu(struct kvm_vcpu *vcpu, u64 now)
{
	vcpu->sched.since = now;
	set_state(vcpu, SCHED_READY);
}

/* The least time that one of @kvm which wants to run has had. */
static u64 least_vtime(const struct kvm *kvm, u64 otherwise)
{
	u64 least = ~0ULL;

	for (int i = 0; i < kvm->nr_vcpus; i++) {
		const struct kvm_vcpu *v = kvm->vcpus[i];

		if (state_of(v) != SCHED_BLOCKED && v->sched.vtime < least)
			least = v->sched.vtime;
	}
	return least == ~0ULL ? otherwise : least;
}

static bool waits(const struct kvm *kvm)
{
	for (int i = 0; i < kvm->nr_vcpus; i++)
		if (state_of(kvm->vcpus[i]) == SCHED_READY)
			return true;
	return false;
}

/*
 * What an L1 has not had because it did not ask for it is not owed to it. So who waits for nothing is at most a slice of
 * each CPU behind the first of those that wait, or, if nobody does, behind the one that has had the most.
 */
static void forgive(void)
{
	u64 lag = sched.slice * sched.nr_cpus, first = ~0ULL, most = 0;
	struct kvm *kvm;

	if (sched.nr_vms == 1)
		return;
	for (kvm = sched.vms; kvm < sched.vms + sched.nr_vms; kvm++) {
		most = kvm->vtime > most ? kvm->vtime : most;
		if (waits(kvm) && kvm->vtime < first)
			first = kvm->vtime;
	}
	first = first == ~0ULL ? most : first;
	for (kvm = sched.vms; kvm < sched.vms + sched.nr_vms; kvm++)
		if (kvm->vtime + lag < first && !waits(kvm))
			kvm->vtime = first - lag;
}

/* How much more time @a has had than @b: its L1, or if they are of one, itself. */
static s64 ahead(const struct kvm_vcpu *a, const struct kvm_vcpu *b)
{
	if (a->kvm == b->kvm)
		return (s64)(a->sched.vtime - b->sched.vtime);
	return (s64)(a->kvm->vtime - b->kvm->vtime);
}

/* A CPU without a vCPU, @last if that is one. nr_cpus: none. */
static unsigned int idle_cpu(unsigned int last)
{
	if (!sched.running[last])
		return last;
	for (unsigned int cpu = 0; cpu < sched.nr_cpus; cpu++)
		if (!sched.running[cpu])
			return cpu;
	return sched.nr_cpus;
}

/* The one that has had the most, by half a slice and more, makes room at once. */
static void preempt_for(const struct kvm_vcpu *vcpu)
{
	s64 most = (s64)sched.slice / 2;
	unsigned int found = sched.nr_cpus;

	for (unsigned int cpu = 0; cpu < sched.nr_cpus; cpu++) {
		s64 by = ahead(sched.running[cpu], vcpu);

		if (by > most) {
			most = by;
			found = cpu;
		}
	}
	if (found == sched.nr_cpus)
		return;
	__atomic_store_n(&sched.look[found], 1, __ATOMIC_RELAXED);
	gic_kick_cpu(found);
}

static void wake(struct kvm_vcpu *vcpu)
{
	struct sched_entity *e = &vcpu->sched;
	u64 least = least_vtime(vcpu->kvm, e->vtime);
	unsigned int cpu = idle_cpu(e->cpu);

	forgive();
	if (least > sched.slice && e->vtime < least - sched.slice)
		e->vtime = least - sched.slice;
	e->sleeps = false;
	if (cpu < sched.nr_cpus) {
		give(vcpu, cpu);
		gic_kick_cpu(cpu);
	} else {
		wait_for_cpu(vcpu, sched_clock());
		preempt_for(vcpu);
	}
}

static void wake_sleepers(unsigned int cpu, u64 now)
{
	for (unsigned int i = 0; i < sched.nr; i++) {
		struct kvm_vcpu *v = sched.vcpu[i];

		if (v->sched.sleeps && v->sched.cpu == cpu && v->sched.wake_at <= now)
			wake(v);
	}
}

/* One that comes from another CPU leaves its caches there. */
static s64 migration_cost(const struct kvm_vcpu *vcpu, unsigned int cpu)
{
	return vcpu->sched.cpu == cpu ? 0 : (s64)(sched.slice / 2);
}

/* @b, or @a if it is to run on @cpu before it. Either may be NULL. */
static struct kvm_vcpu *first_of(struct kvm_vcpu *a, struct kvm_vcpu *b, unsigned int cpu)
{
	if (!a || !b)
		return a ? a : b;
	return ahead(a, b) + migration_cost(a, cpu) - migration_cost(b, cpu) < 0 ? a : b;
}

/* Of those that wait: of each L1 one, and of these one. */
static struct kvm_vcpu *next_ready(unsigned int cpu)
{
	struct kvm_vcpu *best = NULL;

	for (struct kvm *kvm = sched.vms; kvm < sched.vms + sched.nr_vms; kvm++) {
		struct kvm_vcpu *own = NULL;

		for (int i = 0; i < kvm->nr_vcpus; i++)
			if (state_of(kvm->vcpus[i]) == SCHED_READY)
				own = first_of(kvm->vcpus[i], own, cpu);
		best = first_of(own, best, cpu);
	}
	return best;
}

struct kvm_vcpu *sched_next(unsigned int cpu)
{
	struct kvm_vcpu *vcpu, *next;
	u64 now;

	lock(&sched.lock);
	now = sched_clock();
	__atomic_store_n(&sched.look[cpu], 0, __ATOMIC_RELAXED);
	if (sched.running[cpu])
		charge(sched.running[cpu], now);
	wake_sleepers(cpu, now);
	forgive();
	vcpu = sched.running[cpu];
	next = next_ready(cpu);
	if (next && (!vcpu || ahead(next, vcpu) <= 0)) {
		if (vcpu)
			wait_for_cpu(vcpu, now);
		next->sched.stolen += now - next->sched.since;
		give(next, cpu);
		vcpu = next;
	}
	if (vcpu)
		charge(vcpu, now);
	release();
	return vcpu;
}

void sched_block(unsigned int cpu, u64 wake_at)
{
	struct kvm_vcpu *vcpu;
	struct sched_entity *e;

	lock(&sched.lock);
	vcpu = sched.running[cpu];
	e = &vcpu->sched;
	charge(vcpu, sched_clock());
	set_state(vcpu, SCHED_BLOCKED);
	if (__atomic_load_n(&e->kicked, __ATOMIC_SEQ_CST)) {
		set_state(vcpu, SCHED_RUNNING);
	} else {
		sched.running[cpu] = NULL;
		e->wake_at = wake_at;
		e->sleeps = true;
	}
	release();
}

void sched_sleep(struct kvm_vcpu *vcpu, u64 wake_at)
{
	lock(&sched.lock);
	if (state_of(vcpu) == SCHED_BLOCKED) {
		vcpu->sched.wake_at = wake_at;
		vcpu->sched.sleeps = true;
	}
	release();
}

u64 sched_deadline(unsigned int cpu)
{
	u64 first = TIMER_NEVER;

	lock(&sched.lock);
	for (unsigned int i = 0; i < sched.nr; i++) {
		const struct sched_entity *e = &sched.vcpu[i]->sched;

		if (e->sleeps && e->cpu == cpu && e->wake_at < first)
			first = e->wake_at;
	}
	release();
	return first;
}

bool sched_must_look(unsigned int cpu)
{
	return __atomic_load_n(&sched.look[cpu], __ATOMIC_RELAXED);
}

void sched_looks(struct kvm_vcpu *vcpu)
{
	__atomic_exchange_n(&vcpu->sched.kicked, 0, __ATOMIC_SEQ_CST);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void kvm_vcpu_kick(struct kvm_vcpu *vcpu)
{
	__atomic_store_n(&vcpu->sched.kicked, 1, __ATOMIC_SEQ_CST);
	switch (state_of(vcpu)) {
	case SCHED_RUNNING:
		gic_kick_cpu(READ_ONCE(vcpu->sched.cpu));
		break;
	case SCHED_BLOCKED:
		lock(&sched.lock);
		if (state_of(vcpu) == SCHED_BLOCKED)
			wake(vcpu);
		release();
		break;
	case SCHED_READY:
		break;
	}
}

bool sched_shares(void)
{
	return sched.nr > sched.nr_cpus;
}

static void add_vm(struct kvm *kvm)
{
	for (int i = 0; i < kvm->nr_vcpus; i++) {
		kvm->vcpus[i]->sched = (struct sched_entity){ .cpu = sched.nr % sched.nr_cpus };
		sched.vcpu[sched.nr++] = kvm->vcpus[i];
	}
}

void sched_init(struct kvm *vms, unsigned int nr_vms, unsigned int nr_cpus, u64 slice)
{
	sched = (__typeof__(sched)){
		.vms = vms, .nr_vms = nr_vms, .nr_cpus = nr_cpus, .slice = slice
	};
	for (unsigned int i = 0; i < nr_vms; i++)
		add_vm(&vms[i]);
	for (unsigned int i = 0; i < nr_vms; i++)
		wake(vms[i].vcpus[0]);
}
