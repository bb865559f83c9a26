// SPDX-License-Identifier: GPL-2.0-only
/*
 * Eight CPUs, an L2 on each under one VMID, all of them at the same time: hypercalls, and faults of the
 * same pages of stage 2, which CPU 0 takes away again with broadcast TLBIs. mark=1: only the hypercalls,
 * as marked regions: those of CPU n are number 200 + n, those of CPU 0 before the others start number 190.
 */
#include "gic.h"
#include "l2.h"
#include "smp.h"

#define MAX_CPUS	8
#define CALLS		20
#define ROUNDS		30
#define STACK_SIZE	8192
#define ALONE		190
#define TOGETHER	200
#define SHARED		0x60000000UL	/* IPA that only this test's stage 2 has */
#define SHARED_PAGES	4
#define PAGE		4096UL

u64 secondary_hcr;

enum { WAIT, CALL, FAULT, NR_PHASES };

static u8 stacks[MAX_CPUS][STACK_SIZE] __attribute__((aligned(16)));
static u8 frames[2][SHARED_PAGES * PAGE] __attribute__((aligned(4096)));
static struct pgtable s2;
static volatile u64 phase, nr_cpus = 1, stop;
static volatile u64 calls[MAX_CPUS], reads[MAX_CPUS], bad[MAX_CPUS], at_phase[MAX_CPUS];

/* x0: whether to mark, x1: the region. An HVC of L2's own between the markers. */
L2_ASM(l2_call1,
       "mov x3, x0\n mov x2, #1\n cbz x3, 1f\n mov x0, #1\n hvc #0x4e56\n"
       "1: hvc #1\n"
       "cbz x3, 2f\n mov x0, #2\n hvc #0x4e56\n 2:\n")
L2_ASM(l2_load, "ldr x0, [x0]\n")

static void prepare(struct vcpu *v, l2_fn fn, u64 a, u64 b)
{
	memset(v, 0, sizeof(*v));
	v->x[0] = a;
	v->x[1] = b;
	v->x[30] = (u64)l2_return_el1;
	v->pc = (u64)fn;
	v->pstate = L2_EL1;
}

/* To the end of the function. How many exits were HVC #1? */
static u64 run(struct vcpu *v)
{
	u64 hcr = read_sysreg(hcr_el2), n = 0;

	write_sysreg(l2_hcr, hcr_el2);
	isb();
	do {
		guest_enter(v);
		/* A page that CPU 0 has just taken away: it will be there again. */
		if (v->vec != VEC(GROUP_A64, KIND_SYNC))
			bad[cpu_id()]++;
		else if (ESR_EC(v->esr) == EC_HVC && FIELD(v->esr, 15, 0) == 1)
			n++;
	} while (!l2_done(v));
	write_sysreg(hcr, hcr_el2);
	isb();
	return n;
}

static void hypercalls(u64 cpu, u64 region)
{
	u64 mark = arg_u64("mark", 0);
	struct vcpu v;

	for (unsigned int i = 0; i < CALLS; i++) {
		prepare(&v, l2_call1, mark, region);
		calls[cpu] += run(&v);
	}
}

/* What CPU 0 writes is one of two values; half the pages have the one that stays. */
static void loads(u64 cpu)
{
	struct vcpu v;

	for (unsigned int i = 0; !stop; i++) {
		unsigned int page = i % SHARED_PAGES;

		prepare(&v, l2_load, SHARED + page * PAGE, 0);
		run(&v);
		bad[cpu] += v.x[0] != 100 + page && v.x[0] != 200 + page;
		reads[cpu]++;
	}
	/* CPU 0 has made the last change known before it said stop. */
	for (unsigned int page = 0; page < SHARED_PAGES; page++) {
		prepare(&v, l2_load, SHARED + page * PAGE, 0);
		run(&v);
		bad[cpu] += v.x[0] != 200 + page;
	}
}

static void map_shared(unsigned int which)
{
	for (u64 i = 0; i < SHARED_PAGES; i++)
		pt_map_at(&s2, SHARED + i * PAGE, (u64)frames[which] + i * PAGE,
			  S2_RW | S2_NORMAL, 3);
}

/* Break, tell everybody, make: what a hypervisor does to move a page. */
static void move_pages(unsigned int which)
{
	unsigned int level;

	for (u64 i = 0; i < SHARED_PAGES; i++) {
		*(volatile u64 *)pt_leaf(&s2, SHARED + i * PAGE, &level) = 0;
		dsb(ishst);
		asm volatile("tlbi ipas2e1is, %0\n dsb ish\n tlbi vmalle1is\n dsb ish\n isb"
			     : : "r"((SHARED >> 12) + i) : "memory");
	}
	map_shared(which);
	dsb(ish);
}

static void work(u64 cpu)
{
	u64 now = 0;

	write_sysreg(vhe_mode ? 3UL << 20 : 0x33ff, cptr_el2);
	write_sysreg(vhe_mode ? 3UL << 10 : 3, cnthctl_el2);
	write_sysreg(0, cntvoff_el2);
	l2_reset_el1();
	l2_set_stage2(&s2, 7);
	for (;;) {
		while (phase == now)
			asm volatile("yield");
		now = phase;
		if (now == CALL)
			hypercalls(cpu, TOGETHER + cpu);
		else if (now == FAULT)
			loads(cpu);
		barrier_write(&at_phase[cpu], now);
		if (now == NR_PHASES) {
			smccc(PSCI_CPU_OFF, 0, 0, 0);
			fail("CPU_OFF came back");
		}
	}
}

void secondary_main(void)
{
	u64 cpu = cpu_id();

	mmu_init_el2();
	barrier_write(&at_phase[cpu], NR_PHASES + 1);
	work(cpu);
}

static void wait_all(u64 what)
{
	for (u64 i = 1; i < nr_cpus; i++) {
		while (at_phase[i] != what)
			asm volatile("yield");
	}
	dsb(ish);
}

static void start_all(void)
{
	for (u64 i = 1; i < MAX_CPUS; i++) {
		if (smccc(PSCI_CPU_ON, i, (u64)secondary_entry, (u64)stacks[i] + STACK_SIZE))
			break;
		nr_cpus = i + 1;
	}
	printf("%lu CPUs\n", nr_cpus);
	wait_all(NR_PHASES + 1);
}

static u64 sum(const volatile u64 *v)
{
	u64 s = 0;

	for (u64 i = 0; i < MAX_CPUS; i++)
		s += v[i];
	return s;
}

static void call_together(void)
{
	barrier_write(&phase, CALL);
	hypercalls(0, TOGETHER);
	wait_all(CALL);
	check_eq("hypercalls of all and of CPU 0 alone", sum(calls), CALLS * (nr_cpus + 1));
}

static void fault_together(void)
{
	barrier_write(&phase, FAULT);
	for (unsigned int i = 1; i <= ROUNDS; i++) {
		u64 before = reads[1];

		move_pages(i % 2);
		for (unsigned int spin = 0; reads[1] == before && spin < 100000; spin++)
			asm volatile("yield");
	}
	move_pages(1);
	barrier_write(&stop, 1);
	wait_all(FAULT);
	check(sum(reads) >= nr_cpus - 1, "all CPUs have read");
	check_eq("values that nobody wrote", sum(bad), 0);
}

static void all_off(void)
{
	barrier_write(&phase, NR_PHASES);
	for (u64 i = 1; i < nr_cpus; i++) {
		while (smccc(PSCI_AFFINITY_INFO, i, 0, 0) == 0)
			asm volatile("yield");
	}
	printf("all are off\n");
}

void guest_main(void)
{
	mmu_init_el2();
	gic_init_el2();
	secondary_hcr = read_sysreg(hcr_el2);
	l2_init();
	pt_init(&s2, 12, 40, 1);
	pt_map(&s2, 0x40000000UL, 0x40000000UL, 0x10000000UL, S2_RW | S2_NORMAL);
	for (u64 i = 0; i < SHARED_PAGES; i++) {
		*(volatile u64 *)(frames[0] + i * PAGE) = 100 + i;
		*(volatile u64 *)(frames[1] + i * PAGE) = 200 + i;
	}
	map_shared(0);
	l2_set_stage2(&s2, 7);
	hypercalls(0, ALONE);
	start_all();
	call_together();
	if (!arg_u64("mark", 0))
		fault_together();
	all_off();
}
