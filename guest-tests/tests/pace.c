// SPDX-License-Identifier: GPL-2.0-only
/*
 * For two L1s that share a CPU. what=work: so many (n=) rounds of work, and how many ticks that took; stolen=1: without
 * those that it did not have, as the hypervisor below says. Anything else: for
 * so many ticks (ticks=) what keeps whoever is below busiest. cpus=N: so many CPUs are on, the others busy with
 * nothing. what=leave: it ends, and its second CPU does not.
 */
#include "gic.h"
#include "l2.h"
#include "mmio.h"
#include "smp.h"

#define DEVICE		0x08000004UL	/* GICD_TYPER */
#define NOTHING		0x60000000UL	/* nobody answers there */
#define TIMER_TICKS	20000
#define HCR_NV		BIT(42)
#define HCR_NV2		BIT(45)
#define SYS_VNCR_EL2	S3_4_C2_C2_0

void secondary_main(void);
u64 secondary_hcr;
static u8 stacks[8][1024] __attribute__((aligned(16)));
static volatile u64 up;

void secondary_main(void)
{
	barrier_write(&up, cpu_id());
	for (;;)
		;
}

/* CPUs that are busy until the power goes. */
static void turn_on(u64 cpus)
{
	secondary_hcr = read_sysreg(hcr_el2);
	for (u64 cpu = 1; cpu < cpus; cpu++) {
		check_eq("CPU_ON", (u64)smccc(PSCI_CPU_ON, cpu, (u64)secondary_entry,
					      (u64)stacks[cpu] + sizeof(stacks[0])), 0);
		wait_not(&up, cpu - 1);
	}
}

static u64 now(void)
{
	isb();
	return read_sysreg(cntpct_el0);
}

static u64 stolen_ticks(void)
{
	if (!arg_u64("stolen", 0))
		return 0;
	return stolen_ns() / 1000 * (read_sysreg(cntfrq_el0) / 1000000);
}

/* Without a trap. */
static void work(void)
{
	for (unsigned int i = 0; i < 1000; i++)
		asm volatile("" : : : "memory");
}

static void storm_smc(void)
{
	smccc(PSCI_VERSION, 0, 0, 0);
}

static void storm_mmio(void)
{
	(void)*(volatile u32 *)DEVICE;
}

/* Masked by PSTATE: one stays pending, and each is a trap. */
static void storm_sgi(void)
{
	gic_send_sgi(1);
}

static void storm_tlbi(void)
{
	asm volatile("tlbi alle1is\n dsb ish\n tlbi vmalls12e1is\n dsb ish" : : : "memory");
}

static void storm_vmid(void)
{
	static u64 vmid;

	write_sysreg(++vmid << 48, vttbr_el2);
	isb();
	asm volatile("tlbi vmalls12e1is\n dsb ish" : : : "memory");
}

static void storm_uart(void)
{
	printf("0123456789012345678901234567890123456789012345678901234567890123456789\n");
}

/* Asleep, and woken again and again. */
static void storm_timer(void)
{
	write_sysreg(TIMER_TICKS, cntp_tval_el0);
	write_sysreg(1UL, cntp_ctl_el0);
	isb();
	wfi();
	write_sysreg(0UL, cntp_ctl_el0);
	isb();
}

/* Once, for the hours to come. */
static void storm_wfi(void)
{
	u64 end = now() + arg_u64("ticks", 10000000);

	while (now() < end) {
		write_sysreg(end, cntp_cval_el0);
		write_sysreg(1UL, cntp_ctl_el0);
		isb();
		wfi();
	}
}

/* Any register of the distributor or a redistributor, in any size. */
static void storm_gic(void)
{
	u64 r = rnd(), at = (r & BIT(63) ? GICD_BASE : GICR_BASE) + (r & 0xfff8);

	if (r & BIT(62))
		mmio_write8(at + (r >> 32 & 7), (u8)r);
	else
		(void)mmio_read32(at);
}

static void storm_abort(void)
{
	exc_arm(0);
	(void)*(volatile u32 *)NOTHING;
	exc_take();
}

static void storm_hvc(void)
{
	exc_arm(0);
	asm volatile("hvc #5" : : : "memory");
	exc_take();
}

L2_ASM(l2_nothing, "nop")
L2_ASM(l2_load, "ldr x0, [x0]")
L2_ASM(l2_tpidr, "mrs x0, tpidr_el2")

static void storm_eret(void)
{
	l2_call(l2_nothing, 0, 0);
}

/* The shadow tables are made anew each time, and a fault besides. */
static void storm_fault(void)
{
	storm_tlbi();
	l2_first_exit(l2_load, NOTHING, 0, L2_EL1, 0);
}

static void storm_lr(void)
{
	gic_random_l2();
	l2_first_exit(l2_nothing, 0, 0, L2_EL1, 0);
}

static void storm_vncr(void)
{
	write_sysreg(rnd(), SYS_VNCR_EL2);
	isb();
	l2_first_exit(l2_tpidr, 0, 0, L2_EL1, HCR_NV | HCR_NV2);
}

static const struct storm {
	const char *name;
	void (*fn)(void);
	bool l2;
} storms[] = {
	{ "spin", work, false },
	{ "smc", storm_smc, false },
	{ "mmio", storm_mmio, false },
	{ "sgi", storm_sgi, false },
	{ "tlbi", storm_tlbi, false },
	{ "vmid", storm_vmid, false },
	{ "uart", storm_uart, false },
	{ "timer", storm_timer, false },
	{ "wfi", storm_wfi, false },
	{ "gic", storm_gic, false },
	{ "abort", storm_abort, false },
	{ "hvc", storm_hvc, false },
	{ "eret", storm_eret, true },
	{ "fault", storm_fault, true },
	{ "lr", storm_lr, true },
	{ "vncr", storm_vncr, true },
};

static void storm(const struct storm *s, u64 end)
{
	u64 rounds = 0;

	if (s->l2) {
		mmu_init_el2();
		l2_init();
	}
	for (; now() < end; rounds++)
		s->fn();
	check(rounds > 0, "rounds");
}

void guest_main(void)
{
	u64 start = now();

	gic_init_el2();
	gic_enable(1);
	gic_enable(26);
	if (arg_is("what", "work")) {
		u64 before = stolen_ticks();

		for (u64 n = arg_u64("n", 1000); n; n--)
			work();
		printf("took %lu\n", now() - start - (stolen_ticks() - before));
		return;
	}
	turn_on(arg_is("what", "leave") ? 2 : arg_u64("cpus", 1));
	for (unsigned int i = 0; i < ARRAY_SIZE(storms); i++)
		if (arg_is("what", storms[i].name))
			storm(&storms[i], start + arg_u64("ticks", 10000000));
}
