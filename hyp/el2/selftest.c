// SPDX-License-Identifier: GPL-2.0-only
/*
 * Self test of the per-CPU accessors, the part that runs at EL2, on each CPU.
 */
#include <percpu.h>
#include <selftest.h>

#define COOKIE(cpu)	(0xc0c0a00000000000ULL | (cpu))

DEFINE_PER_CPU(u64, selftest_cookie);

void selftest_percpu_asm(u64 out[2]);

int selftest_percpu_set(unsigned int cpu)
{
	if (__hyp_this_cpu_read(cpu_number) != cpu)
		return 1;
	if (__hyp_this_cpu_ptr(selftest_cookie) != per_cpu_ptr(selftest_cookie, cpu))
		return 2;
	*__hyp_this_cpu_ptr(selftest_cookie) = COOKIE(cpu);
	return 0;
}

int selftest_percpu_check(unsigned int cpu, unsigned int nr_cpus)
{
	unsigned int i;
	u64 out[2];

	if (__hyp_this_cpu_read(selftest_cookie) != COOKIE(cpu))
		return 3;
	selftest_percpu_asm(out);
	if (out[0] != (u64)__hyp_this_cpu_ptr(selftest_cookie))
		return 4;
	if (out[1] != COOKIE(cpu))
		return 5;
	for (i = 0; i < nr_cpus; i++) {
		if (*per_cpu_ptr(selftest_cookie, i) != COOKIE(i))
			return 6;
	}
	/* The link-time copy is nobody's. */
	return *(volatile u64 *)&selftest_cookie ? 7 : 0;
}

u64 selftest_overflow(u64 depth)
{
	volatile u64 frame[32];

	frame[depth & 31] = depth;
	if (!~frame[depth & 31])	/* never; but the compiler must not know */
		return 0;
	return selftest_overflow(depth + 1) + frame[(depth + 1) & 31];
}

u64 selftest_overrun(unsigned int n)
{
	volatile u8 array[16];

	for (unsigned int i = 0; i < n; i++)
		array[i] = (u8)i;
	return array[0];
}
