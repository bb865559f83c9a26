// SPDX-License-Identifier: GPL-2.0-only
/*
 * For two L1s that share a CPU. what=work: so many (n=) rounds of work, and how many ticks that took. Anything else: for
 * so many ticks (ticks=) what keeps whoever is below busiest. what=leave: it ends, and its second CPU does not.
 */
#include "gic.h"
#include "lib.h"
#include "smp.h"

#define DEVICE		0x08000004UL	/* GICD_TYPER */
#define TIMER_TICKS	20000

void secondary_main(void);
u64 secondary_hcr;
static u8 stack[4096] __attribute__((aligned(16)));
static volatile u64 up;

void secondary_main(void)
{
	barrier_write(&up, 1);
	for (;;)
		;
}

/* Leaves a busy CPU behind. */
static void leave(void)
{
	secondary_hcr = read_sysreg(hcr_el2);
	check_eq("CPU_ON", (u64)smccc(PSCI_CPU_ON, 1, (u64)secondary_entry,
				      (u64)stack + sizeof(stack)), 0);
	wait_not(&up, 0);
}

static u64 now(void)
{
	isb();
	return read_sysreg(cntpct_el0);
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

static const struct {
	const char *name;
	void (*fn)(void);
} storms[] = {
	{ "spin", work },	 { "smc", storm_smc },	 { "mmio", storm_mmio },
	{ "sgi", storm_sgi },	 { "tlbi", storm_tlbi }, { "vmid", storm_vmid },
	{ "uart", storm_uart }, { "timer", storm_timer },
};

void guest_main(void)
{
	u64 start = now(), rounds = 0;

	gic_init_el2();
	gic_enable(1);
	gic_enable(26);
	if (arg_is("what", "work")) {
		for (u64 n = arg_u64("n", 1000); n; n--)
			work();
		printf("took %lu\n", now() - start);
		return;
	}
	if (arg_is("what", "leave")) {
		leave();
		return;
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(storms); i++) {
		if (!arg_is("what", storms[i].name))
			continue;
		for (; now() - start < arg_u64("ticks", 10000000); rounds++)
			storms[i].fn();
	}
	check(rounds > 0, "rounds");
}
