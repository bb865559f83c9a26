// SPDX-License-Identifier: GPL-2.0-only
/* unit: hyp/host/sched.c harness/tests/unit/unit.c -Ihyp/include */
/*
 * The scheduler in a machine of this program's: CPUs that visit it when their slice or the deadline that it named
 * is over or somebody kicked them, and vCPUs that are busy, or sleep and wait for interrupts.
 */
#include <gic.h>
#include <kvm_host.h>
#include <sched.h>

#include "unit.h"

#define SLICE	100

static struct kvm vms[MAX_VMS];
static struct kvm_vcpu vcpu[NR_VCPUS];	/* of one L1 after the other */
static int nr_vcpus;			/* of all */
static u64 now;

static struct {
	struct kvm_vcpu *cur, *loaded;
	u64 end;
	bool kicked;
} cpu[MAX_CPUS];
static unsigned int nr_cpus;

static struct {
	bool sleeper;		/* else busy for good */
	bool waits, pending;	/* for an interrupt; there is one */
	u64 timer;		/* raises one then */
	u64 got, owed;		/* ticks run; ticks since it could have run */
} v[NR_VCPUS];

void gic_kick_cpu(unsigned int n)
{
	cpu[n].kicked = true;
}

u64 sched_clock(void)
{
	return now;
}

static int number(const struct kvm_vcpu *one)
{
	return (int)(one - vcpu);
}

/* So many vCPUs has each of the L1s. */
static void reset_l1s(const char *name, unsigned int cpus, unsigned int nr_vms, const int *vcpus)
{
	unit_case = name;
	memset(vms, 0, sizeof(vms));
	memset(vcpu, 0, sizeof(vcpu));
	memset(cpu, 0, sizeof(cpu));
	memset(v, 0, sizeof(v));
	now = 1;
	nr_cpus = cpus;
	nr_vcpus = 0;
	for (unsigned int m = 0; m < nr_vms; m++) {
		vms[m].id = m;
		vms[m].nr_vcpus = vcpus[m];
		for (int i = 0; i < vcpus[m]; i++) {
			vms[m].vcpus[i] = &vcpu[nr_vcpus];
			vcpu[nr_vcpus].kvm = &vms[m];
			vcpu[nr_vcpus++].vcpu_id = i;
		}
	}
	sched_init(vms, nr_vms, cpus, SLICE);
	for (unsigned int n = 0; n < cpus; n++)
		cpu[n].kicked = true;
}

static void reset(const char *name, unsigned int cpus, int vcpus)
{
	reset_l1s(name, cpus, 1, &vcpus);
}

static bool runnable(int i)
{
	if (v[i].waits && v[i].timer <= now) {
		v[i].pending = true;
		v[i].timer = TIMER_NEVER;
	}
	if (v[i].waits && v[i].pending)
		v[i].waits = v[i].pending = false;
	return !v[i].waits;
}

/* What run.c does; a vCPU that stays loaded is woken by its timer's own interrupt, here in fire(). */
static void visit(unsigned int n)
{
	struct kvm_vcpu *next;

	cpu[n].kicked = false;
	while ((next = sched_next(n))) {
		if (cpu[n].loaded && cpu[n].loaded != next) {
			sched_sleep(cpu[n].loaded, v[number(cpu[n].loaded)].timer);
			cpu[n].loaded = NULL;
		}
		sched_looks(next);
		if (runnable(number(next))) {
			cpu[n].loaded = next;
			break;
		}
		sched_block(n, cpu[n].loaded ? TIMER_NEVER : v[number(next)].timer);
	}
	cpu[n].cur = next;
	cpu[n].end = sched_deadline(n);
	if (next && sched_shares() && now + SLICE < cpu[n].end)
		cpu[n].end = now + SLICE;
}

/* The hardware's timer of a vCPU that is loaded. */
static void fire(unsigned int n)
{
	struct kvm_vcpu *l = cpu[n].loaded;

	if (!cpu[n].cur && l && v[number(l)].waits && v[number(l)].timer <= now)
		kvm_vcpu_kick(l);
}

static void run(unsigned int n)
{
	int i = number(cpu[n].cur);

	v[i].got++;
	v[i].owed = 0;
	if (!v[i].sleeper || !one_in(20))
		return;
	v[i].waits = true;
	v[i].timer = one_in(3) ? TIMER_NEVER : now + below(5 * SLICE);
	sched_block(n, TIMER_NEVER);
	visit(n);
}

static void check(void)
{
	u32 seen = 0;
	bool idle = false;

	for (unsigned int n = 0; n < nr_cpus; n++) {
		if (!cpu[n].cur) {
			idle = true;
			continue;
		}
		CHECK(!(seen & 1u << number(cpu[n].cur)));
		seen |= 1u << number(cpu[n].cur);
	}
	for (int i = 0; i < nr_vcpus; i++) {
		bool wants = !v[i].waits || v[i].pending || v[i].timer <= now;

		if (seen & 1u << i)
			continue;
		/* One tick for the kick to arrive; nobody waits while a CPU has nothing to do. */
		v[i].owed = wants ? v[i].owed + 1 : 0;
		CHECK(!idle || v[i].owed < 3);
		CHECK(v[i].owed < 3 * SLICE * (u64)nr_vcpus);
	}
}

static void tick(void)
{
	now++;
	for (unsigned int n = 0; n < nr_cpus; n++) {
		fire(n);
		if (cpu[n].kicked || now >= cpu[n].end)
			visit(n);
		if (cpu[n].cur)
			run(n);
	}
	check();
}

static void start_all(void)
{
	for (int i = 1; i < nr_vcpus; i++)
		kvm_vcpu_kick(&vcpu[i]);
}

/* Busy vCPUs: nobody is more than two slices ahead, at any time. */
static void test_fair(void)
{
	for (unsigned int m = 1; m <= 4; m++) {
		for (int n = 1; n <= MAX_VCPUS; n++) {
			u64 total = 0;

			reset("fair", m, n);
			start_all();
			for (u64 t = 0; t < 200 * SLICE; t++) {
				u64 least = ~0ull, most = 0;

				tick();
				for (int i = 0; i < n; i++) {
					least = v[i].got < least ? v[i].got : least;
					most = v[i].got > most ? v[i].got : most;
				}
				CHECK(most - least <= 2 * SLICE + 2);
			}
			for (int i = 0; i < n; i++) {
				total += v[i].got;
				/* What it did not have was stolen, or is yet to be counted. */
				CHECK(vcpu[i].sched.ran + vcpu[i].sched.stolen <= now);
				CHECK((int)m >= n || vcpu[i].sched.ran + vcpu[i].sched.stolen +
								     (u64)(n + 2) * SLICE >=
							     now);
			}
			CHECK(total >= ((int)m < n ? m : (unsigned int)n) * (200 * SLICE - 4));
		}
	}
}

/* Ticks that the vCPUs of an L1 had. */
static u64 got_of(unsigned int m)
{
	u64 sum = 0;

	for (int i = 0; i < vms[m].nr_vcpus; i++)
		sum += v[number(vms[m].vcpus[i])].got;
	return sum;
}

/* Busy L1s with different numbers of vCPUs, on no more CPUs than the smallest can use: all have had the same. */
static void test_l1s(void)
{
	static const struct {
		unsigned int cpus, nr_vms;
		int vcpus[MAX_VMS];
	} rows[] = {
		{ 1, 2, { 1, 4 } },	  { 1, 2, { 8, 1 } },	    { 1, 3, { 1, 2, 8 } },
		{ 1, 4, { 1, 2, 3, 4 } }, { 2, 2, { 1, 4 } },	    { 2, 4, { 2, 8, 1, 1 } },
		{ 3, 3, { 1, 1, 8 } },	  { 4, 4, { 1, 8, 8, 8 } },
	};

	for (unsigned int r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
		u64 due = 200 * SLICE * rows[r].cpus / rows[r].nr_vms;

		reset_l1s("l1s", rows[r].cpus, rows[r].nr_vms, rows[r].vcpus);
		start_all();
		for (u64 t = 0; t < 200 * SLICE; t++)
			tick();
		for (unsigned int m = 0; m < rows[r].nr_vms; m++)
			CHECK(got_of(m) + 4 * SLICE >= due);
	}
}

/*
 * One CPU; an L1 with one vCPU that is always busy, and one whose vCPUs hand each other the CPU: each runs for a
 * while, wakes the next one and sleeps. They get together what one of them would.
 */
static void test_token(void)
{
	for (u64 turn = 1; turn < 3 * SLICE; turn += SLICE / 4) {
		const int vcpus[] = { 1, 4 };
		int holder = 1;
		u64 since = 0;

		reset_l1s("token", 1, 2, vcpus);
		for (int i = 2; i < nr_vcpus; i++) {
			v[i].waits = true;
			v[i].timer = TIMER_NEVER;
		}
		start_all();
		for (u64 t = 0; t < 400 * SLICE; t++) {
			tick();
			if (v[holder].got - since < turn || cpu[0].cur != &vcpu[holder])
				continue;
			v[holder].waits = true;
			v[holder].timer = TIMER_NEVER;
			holder = holder % 4 + 1;
			since = v[holder].got;
			v[holder].pending = true;
			kvm_vcpu_kick(&vcpu[holder]);
			sched_block(0, TIMER_NEVER);
			visit(0);
		}
		CHECK(got_of(0) >= 190 * SLICE);
		CHECK(got_of(1) >= 190 * SLICE);
	}
}

/* What an L1 could not use of several CPUs, or slept through, it does not get later at the cost of another one. */
static void test_no_claims(void)
{
	const int vcpus[] = { 8, 8, 1 };
	u64 got;

	reset_l1s("claims", 4, 3, vcpus);
	for (int i = 1; i < nr_vcpus; i++) {
		v[i].waits = i < 8 || i == 16;
		v[i].timer = TIMER_NEVER;
	}
	start_all();
	for (u64 t = 0; t < 300 * SLICE; t++)
		tick();
	/* One vCPU, and eight: the first has what it can use. */
	CHECK(got_of(0) >= 295 * SLICE);
	for (int i = 1; i < 8; i++) {
		v[i].pending = true;
		kvm_vcpu_kick(&vcpu[i]);
	}
	v[16].pending = true;
	kvm_vcpu_kick(&vcpu[16]);
	got = got_of(1);
	for (u64 t = 0; t < 20 * SLICE; t++)
		tick();
	/* A third of four CPUs, but what a slice of each CPU makes. */
	CHECK(got_of(1) >= got + 20 * SLICE * 4 / 3 - 6 * SLICE);
}

/* With a CPU for each, nobody moves and no time is cut into slices. */
static void test_alone(void)
{
	reset("alone", 4, 4);
	start_all();
	for (int i = 0; i < 4; i++)
		v[i].sleeper = true;
	for (u64 t = 0; t < 1000 * SLICE; t++) {
		tick();
		if (one_in(50))
			v[below(4)].pending = true;
		for (unsigned int n = 0; n < 4; n++) {
			CHECK(!cpu[n].cur || cpu[n].cur == &vcpu[n]);
			if (v[n].pending)
				kvm_vcpu_kick(&vcpu[n]);
		}
	}
}

/* Who sleeps gets on at once, but not at the cost of those who do not. */
static void test_random(u64 rounds)
{
	while (rounds--) {
		unsigned int m = 1 + (unsigned int)below(4), l1s = 1 + (unsigned int)below(MAX_VMS);
		int vcpus[MAX_VMS], n = 0;

		for (unsigned int i = 0; i < l1s; i++)
			n += vcpus[i] = 1 + (int)below(MAX_VCPUS);
		reset_l1s("random", m, l1s, vcpus);
		for (int i = 0; i < n; i++)
			v[i].sleeper = one_in(2);
		start_all();
		for (u64 t = 0; t < 20 * SLICE; t++) {
			tick();
			if (one_in(30)) {
				int i = (int)below((u64)n);

				if (v[i].waits) {
					v[i].pending = true;
					kvm_vcpu_kick(&vcpu[i]);
				}
			}
		}
		for (int i = 0; i < n; i++)
			for (int k = 0; k < n; k++)
				if (!v[i].sleeper && !v[k].sleeper && vcpu[i].kvm == vcpu[k].kvm)
					CHECK(v[i].got <= v[k].got + (l1s > 1 ? 4 : 3) * SLICE);
	}
}

/* Two on one CPU. Who slept long gets on at once, and not for as long as it slept. */
static void test_sleeper(void)
{
	u64 got;

	reset("sleeper", 1, 2);
	v[1].waits = v[1].sleeper = true;
	v[1].timer = TIMER_NEVER;
	start_all();
	for (u64 t = 0; t < 50 * SLICE + SLICE / 3; t++)
		tick();
	CHECK(v[0].got > 49 * SLICE);
	got = v[1].got;
	v[1].sleeper = false;
	v[1].pending = true;
	kvm_vcpu_kick(&vcpu[1]);
	tick();
	tick();
	CHECK(v[1].got > got);
	got = v[0].got;
	for (u64 t = 0; t < 4 * SLICE; t++)
		tick();
	CHECK(v[0].got > got + SLICE);
}

/* An interrupt that comes between the last look and the end of the run is not missed. */
static void test_kick_before_block(void)
{
	reset("kick", 1, 1);
	CHECK(sched_next(0) == &vcpu[0]);
	sched_looks(&vcpu[0]);
	kvm_vcpu_kick(&vcpu[0]);
	now++;
	sched_block(0, TIMER_NEVER);
	CHECK(sched_next(0) == &vcpu[0]);
	sched_looks(&vcpu[0]);
	sched_block(0, 7);
	CHECK(!sched_next(0));
	CHECK_EQ(sched_deadline(0), 7);
	now = 6;
	CHECK(!sched_next(0));
	now = 7;
	CHECK(sched_next(0) == &vcpu[0]);
}

int main(int argc, char **argv)
{
	u64 rounds = unit_args(argc, argv, 2000);

	test_fair();
	test_l1s();
	test_token();
	test_no_claims();
	test_alone();
	test_sleeper();
	test_kick_before_block();
	test_random(rounds);
	return 0;
}
