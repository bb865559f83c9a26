// SPDX-License-Identifier: GPL-2.0-only
/*
 * Self tests, the part that runs at EL2.
 */
#include <hyp_init.h>
#include <kvm_hyp.h>
#include <log.h>
#include <selftest.h>

#define INSN_RET	0xd65f03c0U

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

__shared_text void selftest_write(u32 *text)
{
	*(volatile u32 *)text = *text;
}

__shared_text void selftest_execute(u32 *data)
{
	void (*volatile call)(void) = (void (*)(void))data;

	*(volatile u32 *)data = INSN_RET;
	asm volatile("dsb sy\n\tisb" : : : "memory");	/* it would be there to be executed */
	call();
}

void selftest_write_text(void)
{
	selftest_write((u32 *)selftest_write_text);
}

void selftest_exec_data(void)
{
	static u32 data;

	selftest_execute(&data);
}

static void went_elsewhere(void)
{
	l0_fatal_user("a return address that was changed on the stack was followed");
}

/* Whether or not it is signed: the address itself is the same. */
static u64 plain(u64 address)
{
	return address & GENMASK_ULL(HYP_VA_BITS - 1, 0);
}

noinline void selftest_return_address(void)
{
	u64 here = plain((u64)__builtin_return_address(0));
	volatile u64 *slot;

	asm volatile("mov %0, sp" : "=r"(slot) : : "x30");	/* so it is on the stack */
	while (plain(*slot) != here)
		slot++;
	*slot = (*slot & ~GENMASK_ULL(HYP_VA_BITS - 1, 0)) | (u64)went_elsewhere;
}

void selftest_no_pad(void);

void selftest_landing_pad(void)
{
	void (*volatile call)(void) = selftest_no_pad;

	call();
}

u64 *selftest_private(void)
{
	static u64 word;

	return &word;
}
