// SPDX-License-Identifier: GPL-2.0-only
/*
 * Self tests: the boot CPU says which step it is, every CPU does it and says how it went.
 *
 * In the host. Invariant: step only grows; a secondary does each step once; the boot CPU goes on when all have.
 */
#include <host.h>
#include <kvm_hyp.h>
#include <log.h>
#include <protect.h>
#include <selftest.h>
#include <wake.h>

extern char _start[], __pool_end[];

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

/* Of L0's memory, the pieces that the host may at least read. */
static void test_reach(void)
{
	u64 at = (u64)_start, end = (u64)__pool_end, from, private;
	unsigned int can;
	struct json j;

	json_begin(&j, "test");
	json_str(&j, "name", "host-reach");
	json_arr(&j, "pieces");
	while (at < end) {
		from = at;
		can = (unsigned int)kvm_call_hyp(hyp_host_access, at);
		do
			at += SZ_4K;
		while (at < end && can == (unsigned int)kvm_call_hyp(hyp_host_access, at));
		if (!can)
			continue;
		json_obj(&j, NULL);
		json_hex(&j, "from", from);
		json_hex(&j, "to", at);
		json_bool(&j, "write", can & HOST_WRITES);
		json_obj_end(&j);
	}
	json_arr_end(&j);
	private = kvm_call_hyp(selftest_private);
	/* What it has no access to it cannot have by way of L1 either. */
	json_bool(&j, "gives", kvm_call_hyp(hyp_host_gives, private, 1) == 0);
	json_bool(&j, "ok", true);
	json_end(&j);
}

/* What must end in a panic; L1 is the rest of the test where it does not. */
static void try_forbidden(enum opt_test test)
{
	static u32 data;

	switch (test) {
	case TEST_OVERFLOW:
		kvm_call_hyp(selftest_overflow, 0);
		break;
	case TEST_OVERRUN:
		kvm_call_hyp(selftest_overrun, 64);
		break;
	case TEST_WRITE_TEXT:
		kvm_call_hyp(selftest_write_text);
		break;
	case TEST_EXEC_DATA:
		kvm_call_hyp(selftest_exec_data);
		break;
	case TEST_HOST_WRITE_TEXT:
		selftest_write((u32 *)try_forbidden);
		break;
	case TEST_HOST_EXEC_DATA:
		selftest_execute(&data);
		break;
	case TEST_HOST_WRITE:
		*(volatile u64 *)kvm_call_hyp(selftest_private) = 1;
		break;
	case TEST_RETURN_ADDRESS:
		kvm_call_hyp(selftest_return_address);
		break;
	case TEST_LANDING_PAD:
		kvm_call_hyp(selftest_landing_pad);
		break;
	default:
		break;
	}
}

bool self_test_early(enum opt_test test)
{
	if (test == TEST_PERCPU)
		test_percpu();
	else if (test == TEST_HOST_REACH)
		test_reach();
	else
		try_forbidden(test);
	return test == TEST_PERCPU || test == TEST_HOST_REACH;
}
