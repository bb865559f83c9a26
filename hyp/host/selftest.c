// SPDX-License-Identifier: GPL-2.0-only
/*
 * Self tests: the boot CPU says which step it is, every CPU does it and says how it went.
 *
 * In the host. Invariant: step only grows; a secondary does each step once; the boot CPU goes on when all have.
 */
#include <host.h>
#include <kvm_hyp.h>
#include <log.h>
#include <selftest.h>
#include <wake.h>

enum step { STEP_NONE = 0, STEP_SET, STEP_CHECK };

static unsigned int step, done;
static unsigned int step_of[MAX_CPUS];
static int result[MAX_CPUS];

static void do_step(unsigned int cpu, unsigned int s)
{
	int ret = 0;

	if (s == STEP_SET)
		ret = (int)kvm_call_hyp(selftest_percpu_set, cpu);
	else if (s == STEP_CHECK)
		ret = (int)kvm_call_hyp(selftest_percpu_check, cpu, plat.nr_cpus);
	if (!result[cpu])
		result[cpu] = ret;
	__atomic_fetch_add(&done, 1, __ATOMIC_RELEASE);
}

void self_test_secondary(unsigned int cpu)
{
	unsigned int s = __atomic_load_n(&step, __ATOMIC_ACQUIRE);

	if (s == step_of[cpu])
		return;
	step_of[cpu] = s;
	do_step(cpu, s);
}

static void all_cpus(enum step s)
{
	__atomic_store_n(&done, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&step, s, __ATOMIC_RELEASE);
	wake_cpus();
	do_step(0, s);
	while (__atomic_load_n(&done, __ATOMIC_ACQUIRE) != plat.nr_cpus)
		;
}

static void test_percpu(void)
{
	struct json j;
	unsigned int i;

	all_cpus(STEP_SET);
	all_cpus(STEP_CHECK);
	for (i = 0; i < plat.nr_cpus; i++) {
		if (result[i])
			l0_fatal_user("self test percpu: CPU %u failed check %d", i, result[i]);
	}
	json_begin(&j, "test");
	json_str(&j, "name", "percpu");
	json_str(&j, "host", host_name(opts.host));
	json_u64(&j, "cpus", plat.nr_cpus);
	json_bool(&j, "ok", true);
	json_end(&j);
}

bool self_test_early(enum opt_test test)
{
	if (test == TEST_OVERFLOW)
		kvm_call_hyp(selftest_overflow, 0);
	if (test == TEST_OVERRUN)
		kvm_call_hyp(selftest_overrun, 64);
	if (test != TEST_PERCPU)
		return false;
	test_percpu();
	return true;
}
