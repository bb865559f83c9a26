// SPDX-License-Identifier: GPL-2.0-only
/*
 * More CPUs than a hypervisor below may have: all of them sleep and wake, work, send each other SGIs and run each
 * other's L2s, while each checks that its own registers stay what they are. cpus=N, rounds=N.
 *
 * Timers, EL2's and L2's: none fires earlier than asked, and none is lost. L2's count never goes back, whoever runs
 * it, and is not ahead of EL2's. An SGI that is pending but masked, and a list
 * register of L2's, wait from the first round to the last. Two vcpus of one L2 are run by whoever is free.
 *
 * fair=MS: only work, for so many milliseconds; turns=1: all get as much done as each other, which is only sure
 * where they share one CPU, whose time is counted in instructions. pv=1 of=N: N CPUs are below, and the
 * hypervisor there says what time it has stolen.
 */
#include "gic.h"
#include "l2.h"
#include "mmio.h"
#include "smp.h"

#define MAX_CPUS	4
#define STACK_SIZE	8192
#define SGI_PING	6
#define SGI_MASKED	7
#define PMR		0xf0UL
#define NR_L2		2
#define L2_OFFSET	0x12345UL	/* of its count */

u64 secondary_hcr;

static u8 stacks[MAX_CPUS][STACK_SIZE] __attribute__((aligned(16)));
static volatile u64 done[MAX_CPUS], up;
static volatile u64 changed[MAX_CPUS], early[MAX_CPUS], lost[MAX_CPUS], strange[MAX_CPUS];
static volatile u64 mail[MAX_CPUS][MAX_CPUS];	/* [to][from]: an SGI is on its way */

/* --- registers of EL2, EL1 and EL0 that the L2s leave alone --- */

static void write_fp(u64 v)
{
	asm volatile(WITH_FP "fmov d7, %0\n fmov d31, %1" : : "r"(v), "r"(~v));
	asm volatile(WITH_FP "msr fpcr, %0" : : "r"((v & 3) << 22));
}

static u64 fp_differs(u64 v)
{
	u64 a, b, c;

	asm volatile(WITH_FP "fmov %0, d7\n fmov %1, d31\n mrs %2, fpcr"
		     : "=r"(a), "=r"(b), "=r"(c));
	return (a != v) + (b != ~v) + (c != (v & 3) << 22);
}

static void fill(u64 s)
{
	write_sysreg(s, tpidr_el2);
	write_sysreg(s << 4, cntvoff_el2);
	write_sysreg(s * 5, tpidrro_el0);
	write_sysreg(s * 7, sp_el0);
	write_sysreg(s * 16, sp_el1);
	write_sysreg(s << 2, dbgbvr0_el1);
	write_sysreg(s << 3, dbgwvr0_el1);
	write_sysreg(s & 1, oslar_el1);
	guest_write(s << 12, TTBR0);
	guest_write(s << 13, TTBR1);
	guest_write(s << 11, VBAR);
	guest_write(s * 11, CONTEXTIDR);
	write_sysreg(PMR, SYS_ICC_PMR_EL1);
	write_sysreg(ICH_LR_PENDING | ICH_LR_GROUP1 | (40 + s % 8), SYS_ICH_LR0_EL2);
	if (vhe_mode)
		write_sysreg(s << 33, SYS_CNTV_CVAL_EL02);
	else
		write_sysreg(s << 33, cntv_cval_el0);
	write_fp(s * 17);
	isb();
}

static u64 differ(u64 s)
{
	u64 n = 0;

	n += read_sysreg(tpidr_el2) != s;
	n += read_sysreg(cntvoff_el2) != s << 4;
	n += read_sysreg(tpidrro_el0) != s * 5;
	n += read_sysreg(sp_el0) != s * 7;
	n += read_sysreg(sp_el1) != s * 16;
	n += read_sysreg(dbgbvr0_el1) != s << 2;
	n += read_sysreg(dbgwvr0_el1) != s << 3;
	n += (read_sysreg(oslsr_el1) >> 1 & 1) != (s & 1);
	n += guest_read(TTBR0) != s << 12;
	n += guest_read(TTBR1) != s << 13;
	n += guest_read(VBAR) != s << 11;
	n += guest_read(CONTEXTIDR) != s * 11;
	n += read_sysreg(SYS_ICC_PMR_EL1) != PMR;
	n += read_sysreg(SYS_ICH_LR0_EL2) !=
	     (ICH_LR_PENDING | ICH_LR_GROUP1 | (40 + s % 8));
	n += (vhe_mode ? read_sysreg(SYS_CNTV_CVAL_EL02) : read_sysreg(cntv_cval_el0)) != s << 33;
	return n + fp_differs(s * 17);
}

/* --- vcpus of an L2 that belong to no CPU --- */

static struct l2_vcpu {
	u64 taken;
	u64 seed;
	u64 tpidr, far, mair;		/* while it does not run */
	struct vcpu v;
} l2_vcpus[NR_L2];

/*
 * x19: its seed. x20: whatever of its registers was not that. x21: rounds. x22: its last count, x23: how often that
 * was less than the one before.
 */
extern char l2_loop[], l2_spin[];
#define COUNT	"isb\n mrs x0, cntvct_el0\n cmp x0, x22\n cinc x23, x23, lo\n mov x22, x0\n"
asm(".pushsection .text\n"
    "l2_spin: " COUNT "b l2_spin\n"
    "l2_loop: mrs x0, tpidr_el1\n eor x1, x0, x19\n orr x20, x20, x1\n"
    "mrs x0, far_el1\n eor x1, x0, x19\n orr x20, x20, x1\n"
    "mrs x0, mair_el1\n eor x1, x0, x19\n orr x20, x20, x1\n"
    COUNT "add x21, x21, #1\n hvc #1\n b l2_loop\n"
    ".popsection");

static void init_l2_vcpus(void)
{
	for (u64 i = 0; i < NR_L2; i++) {
		struct l2_vcpu *l2 = &l2_vcpus[i];

		l2->seed = l2->tpidr = l2->far = l2->mair = 0x1234 << (8 * i);
		l2->v.x[19] = l2->seed;
		l2->v.pc = (u64)l2_loop;
		l2->v.pstate = L2_EL1;
	}
}

static u64 now(void)
{
	isb();
	return read_sysreg(cntpct_el0);
}

/* One run under the count of L2's. Did that never go back, and is it not ahead of EL2's? */
static bool enter_l2(struct vcpu *v)
{
	u64 hcr = read_sysreg(hcr_el2), off = read_sysreg(cntvoff_el2);
	bool good;

	write_sysreg(L2_OFFSET, cntvoff_el2);
	write_sysreg(l2_hcr, hcr_el2);
	isb();
	guest_enter(v);
	good = !v->x[23] && v->x[22] <= now() - L2_OFFSET;
	write_sysreg(hcr, hcr_el2);
	write_sysreg(off, cntvoff_el2);
	isb();
	return good;
}

static void run_l2(u64 cpu, struct l2_vcpu *l2)
{
	u64 rounds;

	if (__atomic_exchange_n(&l2->taken, 1, __ATOMIC_ACQUIRE))
		return;
	rounds = l2->v.x[21];
	write_sysreg(l2->tpidr, tpidr_el1);
	guest_write(l2->far, FAR);
	guest_write(l2->mair, MAIR);
	strange[cpu] += !enter_l2(&l2->v);
	l2->tpidr = read_sysreg(tpidr_el1);
	l2->far = guest_read(FAR);
	l2->mair = guest_read(MAIR);
	/* The interrupt is still pending. */
	strange[cpu] += l2->v.vec != VEC(GROUP_A64, KIND_IRQ) &&
			(ESR_EC(l2->v.esr) != EC_HVC || l2->v.x[21] != rounds + 1);
	strange[cpu] += l2->v.x[20] || l2->tpidr != l2->seed || l2->far != l2->seed;
	__atomic_store_n(&l2->taken, 0, __ATOMIC_RELEASE);
}

/* --- interrupts --- */

/* SGI_MASKED has the lowest priority, which PMR keeps back. */
static void gicr_prio(u64 cpu)
{
	mmio_write8(GICR_BASE + cpu * GICR_STRIDE + GICR_SGI + GICD_IPRIORITYR(SGI_MASKED), 0xf0);
}

static void send(u64 from, u64 to)
{
	if (mail[to][from])
		return;
	barrier_write(&mail[to][from], 1);
	write_sysreg((u64)SGI_PING << 24 | BIT(to), SYS_ICC_SGI1R_EL1);
	isb();
}

static void take_mail(u64 cpu)
{
	for (u64 i = 0; i < MAX_CPUS; i++)
		mail[cpu][i] = 0;
	dsb(ish);
}

/* Until the timer's interrupt comes; asleep or not. Others are taken meanwhile. */
static void wait_timer(u64 cpu, u64 deadline, bool sleep)
{
	u64 give_up = deadline + 20 * read_sysreg(cntfrq_el0);

	for (;;) {
		unsigned int intid;

		if (sleep)
			asm volatile("wfi" : : : "memory");
		intid = gic_ack();
		if (intid == PPI_CNTHP) {
			early[cpu] += now() < deadline;
			write_sysreg(0, cnthp_ctl_el2);
			isb();
			gic_eoi(intid);
			return;
		}
		if (intid == SGI_PING) {
			take_mail(cpu);
			gic_eoi(intid);
		} else if (intid != INTID_SPURIOUS) {
			strange[cpu]++;
			gic_eoi(intid);
		}
		if (now() > give_up) {
			lost[cpu]++;
			return;
		}
	}
}

static void set_cntv(u64 cval, u64 ctl)
{
	if (vhe_mode) {
		write_sysreg(cval, SYS_CNTV_CVAL_EL02);
		write_sysreg(ctl, SYS_CNTV_CTL_EL02);
	} else {
		write_sysreg(cval, cntv_cval_el0);
		write_sysreg(ctl, cntv_ctl_el0);
	}
	isb();
}

/* An L2 that only counts, until its own timer's interrupt comes to EL2. */
static void l2_timer(u64 cpu, u64 ticks)
{
	struct vcpu v = { .pc = (u64)l2_spin, .pstate = L2_EL1 };
	u64 deadline = now() + ticks, give_up = deadline + 20 * read_sysreg(cntfrq_el0);
	u64 cval = vhe_mode ? read_sysreg(SYS_CNTV_CVAL_EL02) : read_sysreg(cntv_cval_el0);
	unsigned int intid = INTID_SPURIOUS;

	set_cntv(deadline - L2_OFFSET, 1);
	while (intid != PPI_CNTV && now() < give_up) {
		strange[cpu] += !enter_l2(&v) || v.vec != VEC(GROUP_A64, KIND_IRQ);
		intid = gic_ack();
		if (intid == PPI_CNTV)
			set_cntv(cval, 0);
		else if (intid == SGI_PING)
			take_mail(cpu);
		if (intid != INTID_SPURIOUS)
			gic_eoi(intid);
	}
	early[cpu] += now() < deadline;
	lost[cpu] += intid != PPI_CNTV;
}

static void rounds(u64 cpu, u64 nr_cpus)
{
	u64 seed = 0x101 * (cpu + 1), unit = read_sysreg(cntfrq_el0) / 50000;
	u64 n = arg_u64("rounds", 300);

	fill(seed);
	write_sysreg((u64)SGI_MASKED << 24 | BIT(cpu), SYS_ICC_SGI1R_EL1);
	isb();
	for (u64 i = 0; i < n; i++) {
		u64 deadline = now() + unit * (1 + (i + cpu) % 3);

		write_sysreg(deadline, cnthp_cval_el2);
		write_sysreg(1, cnthp_ctl_el2);
		isb();
		if (i % 4 == cpu)
			send(cpu, (cpu + 1) % nr_cpus);
		run_l2(cpu, &l2_vcpus[(i + cpu) % NR_L2]);
		wait_timer(cpu, deadline, i % 2);
		if (i % 4 == 2)
			l2_timer(cpu, unit * (1 + i % 3));
		changed[cpu] += differ(seed);
	}
	write_sysreg(0xff, SYS_ICC_PMR_EL1);
	isb();
}

/* The masked SGI, once, and what of the others' is still on its way: 20 seconds from when nobody works any more. */
static void last_interrupts(u64 cpu, u64 nr_cpus)
{
	u64 masked = 0, wait = 20 * read_sysreg(cntfrq_el0), give_up = now() + wait, left;

	do {
		unsigned int intid = gic_ack();

		masked += intid == SGI_MASKED;
		if (intid == SGI_PING)
			take_mail(cpu);
		if (intid != INTID_SPURIOUS)
			gic_eoi(intid);
		left = 0;
		for (u64 i = 0; i < nr_cpus; i++) {
			left += mail[cpu][i] || !done[i];
			if (!done[i])
				give_up = now() + wait;
		}
	} while (left && now() < give_up);
	lost[cpu] += (left != 0) + (masked != 1);
}

static void work(u64 cpu, u64 nr_cpus)
{
	write_sysreg(vhe_mode ? 3UL << 20 : 0x33ff, cptr_el2);
	write_sysreg(vhe_mode ? 3UL << 10 : 3, cnthctl_el2);
	l2_reset_el1();
	l2_set_stage2(&l2_s2, 5);
	rounds(cpu, nr_cpus);
	barrier_write(&done[cpu], 1);
	last_interrupts(cpu, nr_cpus);
	barrier_write(&done[cpu], 2);
}

/* --- shares --- */

static volatile u64 turns[MAX_CPUS], had[MAX_CPUS], fair_end;

static void busy(u64 cpu)
{
	bool pv = arg_u64("pv", 0);
	u64 end = wait_not(&fair_end, 0), n = 0, begin = now();
	u64 before = pv ? stolen_ns() : 0;

	while (now() < end)
		n++;
	if (pv)
		had[cpu] = (now() - begin) * 1000 / (read_sysreg(cntfrq_el0) / 1000000) -
			   (stolen_ns() - before);
	barrier_write(&turns[cpu], n);
}

/* All that there is belongs to somebody, and to all alike. */
static void check_stolen(u64 nr_cpus)
{
	u64 least = ~0UL, most = 0;

	for (u64 i = 0; i < nr_cpus; i++) {
		least = had[i] < least ? had[i] : least;
		most = had[i] > most ? had[i] : most;
	}
	check(smccc(PV_TIME_FEATURES, PV_TIME_ST, 0, 0) == 0, "PV_TIME_ST is a feature");
	check(smccc(PV_TIME_FEATURES, 0x80000000, 0, 0) == -1, "another function is not");
	check(most * 100 <= least * 110, "stolen time tells of equal shares");
	check(least * nr_cpus <= arg_u64("of", 1) * arg_u64("fair", 0) * 1000000,
	      "and of no more time than there was");
}

static void check_shares(u64 nr_cpus)
{
	u64 least = ~0UL, most = 0;

	barrier_write(&fair_end, now() + arg_u64("fair", 0) * (read_sysreg(cntfrq_el0) / 1000));
	busy(0);
	for (u64 i = 0; i < nr_cpus; i++) {
		u64 n = wait_not(&turns[i], 0);

		least = n < least ? n : least;
		most = n > most ? n : most;
	}
	if (arg_u64("pv", 0))
		check_stolen(nr_cpus);
	if (arg_u64("turns", 0))
		check(most * 100 <= least * 110, "shares within a tenth of each other");
}

void secondary_main(void)
{
	mmu_init_el2();
	gic_init_cpu(cpu_id(),
		     1U << SGI_PING | 1U << SGI_MASKED | 1U << PPI_CNTHP | 1U << PPI_CNTV);
	gicr_prio(cpu_id());
	__atomic_fetch_add(&up, 1, __ATOMIC_SEQ_CST);
	if (arg_u64("fair", 0)) {
		busy(cpu_id());
		for (;;)
			asm volatile("wfi");
	}
	/* An SGI to a CPU that has not yet set up its redistributor may get lost. */
	while (up != arg_u64("cpus", 3) - 1)
		asm volatile("yield");
	work(cpu_id(), arg_u64("cpus", 3));
	smccc(PSCI_CPU_OFF, 0, 0, 0);
	fail("CPU_OFF came back");
}

static u64 sum(const volatile u64 *v)
{
	u64 n = 0;

	for (u64 i = 0; i < MAX_CPUS; i++)
		n += v[i];
	return n;
}

void guest_main(void)
{
	u64 nr_cpus = arg_u64("cpus", 3);

	mmu_init_el2();
	gic_init_el2();
	secondary_hcr = read_sysreg(hcr_el2);
	l2_init();
	init_l2_vcpus();
	gic_init_cpu(0, 1U << SGI_PING | 1U << SGI_MASKED | 1U << PPI_CNTHP | 1U << PPI_CNTV);
	gicr_prio(0);
	for (u64 i = 1; i < nr_cpus; i++) {
		if (smccc(PSCI_CPU_ON, i, (u64)secondary_entry, (u64)stacks[i] + STACK_SIZE))
			fail("CPU_ON");
	}
	while (up != nr_cpus - 1)
		asm volatile("yield");
	if (arg_u64("fair", 0)) {
		check_shares(nr_cpus);
		return;
	}
	work(0, nr_cpus);
	for (u64 i = 0; i < nr_cpus; i++) {
		while (done[i] != 2)
			asm volatile("yield");
	}
	check_eq("registers that changed", sum(changed), 0);
	check_eq("timers that fired early", sum(early), 0);
	check_eq("interrupts lost", sum(lost), 0);
	check_eq("what nobody sent, or L2 did not do", sum(strange), 0);
}
