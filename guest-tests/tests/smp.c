// SPDX-License-Identifier: GPL-2.0-only
/*
 * how=reset, how=off: CPU 1 ends the machine. bit31=1: CPU_ON and AFFINITY_INFO are given an MPIDR with its
 * RES1 bit, which QEMU's own PSCI does not take.
 *
 * Two CPUs: CPU_ON, CPU_OFF, AFFINITY_INFO; both check all registers they own while they run at the
 * same time, with L2s of their own; SGIs between them; TLBIs that reach the other one. Run with two
 * CPUs, which a hypervisor below may well serve by turns on one.
 */
#include "gic.h"
#include "l2.h"
#include "smp.h"

#define ROUNDS		300
#define STACK_SIZE	16384
#define ALIAS		0x50000000UL
#define SGI_PING	6

u64 secondary_hcr;

enum { CMD_CHECK, CMD_PONG, CMD_READ, CMD_OFF, CMD_SYSTEM_OFF, CMD_SYSTEM_RESET };

static u8 stack[STACK_SIZE] __attribute__((aligned(16)));
static volatile u64 command, answer, started;
static volatile u64 data[2][512] __attribute__((aligned(4096)));

/* A leaf function of L2, which needs no stack: x0 is 0 at the end if nothing was lost. */
#define COMPARE(reg)	"mrs x2, " reg "\n eor x2, x2, x1\n orr x0, x0, x2\n"
L2_ASM(l2_regs,
       "msr tpidr_el1, x0\n msr tpidr_el0, x0\n msr contextidr_el1, x0\n msr far_el1, x0\n"
       "msr mair_el1, x0\n isb\n mov x1, x0\n hvc #1\n mov x0, xzr\n" COMPARE("tpidr_el1")
	       COMPARE("tpidr_el0") COMPARE("far_el1") COMPARE("mair_el1"))

/* A command is a number that grows, its low digit what to do: nothing is lost, nothing done twice. */
static void tell(u64 cmd)
{
	barrier_write(&answer, 0);
	barrier_write(&command, command / 10 * 10 + 10 + cmd);
}

static u64 ask(u64 cmd)
{
	tell(cmd);
	return wait_not(&answer, 0);
}

/* There with FEAT_RAS, or where a hypervisor that does not offer it cannot take it away. */
#define SYS_DISR_EL1	S3_0_C12_C1_1
static bool has_disr;

static void look_for_disr(void)
{
	exc_arm(0);
	read_sysreg(SYS_DISR_EL1);
	has_disr = !exc_take().count;
}

/* A rounding mode. */
#define FPCR_OF(seed) (((seed) & 3) << 22)

/* Values that differ between the CPUs, in registers of EL2, EL1 and EL0. How many do not hold? */
static u64 own_registers(u64 seed)
{
	u64 bad = 0;

	write_sysreg(seed, tpidr_el2);
	write_sysreg(seed * 3, tpidr_el1);
	write_sysreg(seed * 5, tpidrro_el0);
	write_sysreg(seed * 7, sp_el0);
	write_sysreg(seed * 16, sp_el1);
	write_sysreg(seed << 4, cntvoff_el2);
	write_sysreg(seed * 9, vmpidr_el2);
	guest_write(seed * 11, CONTEXTIDR);
	guest_write(seed << 12, TTBR0);
	guest_write(seed << 11, VBAR);
	guest_write(seed * 13, MAIR);
	write_sysreg(seed * 15, SYS_ICH_VMCR_EL2);
	if (has_disr)
		write_sysreg(seed * 19, SYS_DISR_EL1);
	asm volatile(WITH_FP "fmov d7, %0\n msr fpcr, %1" : : "r"(seed * 17 ^ FPCR_OF(seed)), "r"(FPCR_OF(seed)));
	if (seed & 1)
		smccc(PSCI_VERSION, 0, 0, 0);
	else
		gicd_read(GICD_TYPER);
	if (has_disr)
		bad += read_sysreg(SYS_DISR_EL1) != seed * 19;
	bad += read_sysreg(tpidr_el2) != seed;
	bad += read_sysreg(tpidr_el1) != seed * 3;
	bad += read_sysreg(tpidrro_el0) != seed * 5;
	bad += read_sysreg(sp_el0) != seed * 7;
	bad += read_sysreg(sp_el1) != seed * 16;
	bad += read_sysreg(cntvoff_el2) != seed << 4;
	bad += read_sysreg(vmpidr_el2) != seed * 9;
	bad += guest_read(CONTEXTIDR) != seed * 11;
	bad += guest_read(TTBR0) != seed << 12;
	bad += guest_read(VBAR) != seed << 11;
	bad += guest_read(MAIR) != seed * 13;
	return bad;
}

static u64 d7(void)
{
	u64 v, fpcr;

	asm volatile(WITH_FP "fmov %0, d7\n mrs %1, fpcr" : "=r"(v), "=r"(fpcr));
	return v ^ fpcr;
}

/* One visit of an L2 that fills its registers, leaves, and compares when it is back. */
static u64 own_l2(u64 seed, u64 vmid)
{
	struct vcpu v = { .x = { seed }, .pc = (u64)l2_regs, .pstate = L2_EL1 };
	u64 hcr = read_sysreg(hcr_el2);
	u64 bad;

	l2_set_stage2(&l2_s2, vmid);
	guest_write(SCTLR_EL1_RES1, SCTLR);
	v.x[30] = (u64)l2_return_el1;
	write_sysreg(l2_hcr, hcr_el2);
	isb();
	guest_enter(&v);
	bad = FIELD(v.esr, 15, 0) != 1;
	guest_enter(&v);
	bad += !l2_done(&v) || v.x[0] != 0;
	write_sysreg(hcr, hcr_el2);
	isb();
	return bad;
}

static u64 check_all(u64 cpu)
{
	u64 bad = 0;

	write_sysreg(vhe_mode ? 3UL << 20 : 0x33ff, cptr_el2);
	isb();
	for (u64 i = 1; i <= ROUNDS; i++) {
		u64 seed = i * 2 + cpu + (cpu << 20);

		bad += own_registers(seed);
		bad += own_l2(seed * 8, 10 + cpu);
		bad += d7() != seed * 17;
	}
	return bad;
}

static void send_to(u64 cpu)
{
	dsb(ishst);
	write_sysreg((u64)SGI_PING << 24 | BIT(cpu), SYS_ICC_SGI1R_EL1);
	isb();
}

static void wait_ping(void)
{
	while (gic_ack() != SGI_PING)
		;
	gic_eoi(SGI_PING);
}

static void obey(u64 cmd)
{
	switch (cmd) {
	case CMD_CHECK:
		barrier_write(&answer, check_all(1) + 1);
		break;
	case CMD_PONG:
		for (unsigned int i = 0; i < 20; i++) {
			wait_ping();
			send_to(0);
		}
		barrier_write(&answer, 1);
		break;
	case CMD_READ:
		barrier_write(&answer, *(volatile u64 *)ALIAS);
		break;
	case CMD_SYSTEM_OFF:
		smccc(PSCI_SYSTEM_OFF, 0, 0, 0);
		fail("SYSTEM_OFF came back");
	case CMD_SYSTEM_RESET:
		smccc(PSCI_SYSTEM_RESET, 0, 0, 0);
		fail("SYSTEM_RESET came back");
	case CMD_OFF:
		/* What a CPU that comes again must not find: reset clears it. */
		write_sysreg(0x10, SYS_ICC_PMR_EL1);
		barrier_write(&answer, 1);
		smccc(PSCI_CPU_OFF, 0, 0, 0);
		fail("CPU_OFF came back");
	}
}

void secondary_main(void)
{
	u64 last = command;

	mmu_init_el2();
	write_sysreg(0xf, SYS_ICC_SRE_EL2);
	isb();
	if (read_sysreg(SYS_ICC_PMR_EL1) || read_sysreg(SYS_ICC_IGRPEN1_EL1))
		fail("the CPU interface is not as after reset");
	gic_init_cpu(1, 1U << SGI_PING);
	barrier_write(&started, started + 1);
	for (;;) {
		last = wait_not(&command, last);
		obey(last % 10);
	}
}

/* CPU 1 as PSCI knows it. */
static u64 second(void)
{
	return arg_u64("bit31", 0) << 31 | 1;
}

static s64 start(void)
{
	s64 ret = smccc(PSCI_CPU_ON, second(), (u64)secondary_entry, (u64)stack + STACK_SIZE);

	if (ret == -2)
		fail("there is no second CPU");
	return ret;
}

static void at_the_same_time(void)
{
	u64 here;

	tell(CMD_CHECK);
	here = check_all(0);
	check_eq("values lost on CPU 0", here, 0);
	check_eq("values lost on CPU 1", wait_not(&answer, 0) - 1, 0);
}

static void ping_pong(void)
{
	tell(CMD_PONG);
	for (unsigned int i = 0; i < 20; i++) {
		send_to(1);
		wait_ping();
	}
	wait_not(&answer, 0);
	printf("20 SGIs there and back\n");
}

static void broadcast(void)
{
	data[0][0] = 0x111;
	data[1][0] = 0x222;
	pt_map_at(&el2_low, ALIAS, (u64)data[0], el2_normal(), 3);
	dsb(ish);
	check_eq("CPU 1 reads the first page", ask(CMD_READ), 0x111);
	pt_map_at(&el2_low, ALIAS, (u64)data[1], el2_normal(), 3);
	asm volatile("tlbi vae2is, %0\n dsb ish\n isb" : : "r"(ALIAS >> 12) : "memory");
	check_eq("and after VAE2IS the second", ask(CMD_READ), 0x222);
}

static void off_and_on(void)
{
	ask(CMD_OFF);
	while (smccc(PSCI_AFFINITY_INFO, second(), 0, 0) == 0)
		asm volatile("yield");
	printf("AFFINITY_INFO after CPU_OFF: %ld\n", smccc(PSCI_AFFINITY_INFO, second(), 0, 0));
	printf("CPU_ON again: %ld\n", start());
	wait_not(&started, 1);
	printf("started twice\n");
	ask(CMD_OFF);
	/* At once: it may be off, on its way, or not yet gone. */
	while (start() != 0)
		asm volatile("yield");
	wait_not(&started, 2);
	printf("started three times\n");
}

/* The other CPU ends the machine, this one waits for it. */
static void end_by_other(u64 cmd)
{
	printf("ALL PASS\n");
	tell(cmd);
	for (;;)
		asm volatile("yield");
}

void guest_main(void)
{
	s64 ret;

	mmu_init_el2();
	gic_init_el2();
	secondary_hcr = read_sysreg(hcr_el2);
	gic_enable(SGI_PING);
	l2_init();
	look_for_disr();
	ret = start();
	printf("CPU_ON: %ld\n", ret);
	wait_not(&started, 0);
	printf("AFFINITY_INFO: %ld\n", smccc(PSCI_AFFINITY_INFO, second(), 0, 0));
	printf("CPU_ON while on: %ld\n", start());
	at_the_same_time();
	ping_pong();
	broadcast();
	off_and_on();
	if (arg_is("how", "reset"))
		end_by_other(CMD_SYSTEM_RESET);
	if (arg_is("how", "off"))
		end_by_other(CMD_SYSTEM_OFF);
}
