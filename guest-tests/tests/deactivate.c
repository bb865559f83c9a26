// SPDX-License-Identifier: GPL-2.0-only
/*
 * Deactivation on another CPU: under EOImode 1 any CPU ends an SPI that CPU 1 has acknowledged, by ICC_DIR_EL1 or
 * by the EOI of an L2 whose list register is linked to it; the same with one that software made active. CPU 0 does so
 * without an exit in between, where that matters. Two CPUs.
 */
#include "gic.h"
#include "l2.h"
#include "smp.h"

#define STACK_SIZE	16384
#define SPI_FIRST	77
#define SPIS		6
#define ROUNDS		40
#define SPI_SOFT	90
#define VINT		40
#define CTLR_EOIMODE	BIT(1)
#define SGI_GO		4

L2_ASM(l2_take, "mov x0, #1\n msr S3_0_C12_C12_5, x0\n isb\n mov x1, #0xff\n msr S3_0_C4_C6_0, x1\n"
       "msr S3_0_C12_C12_7, x0\n msr S3_0_C12_C12_4, xzr\n isb\n mrs x0, S3_0_C12_C12_0\n dsb sy\n isb\n"
       "msr S3_0_C12_C12_1, x0\n isb")

u64 secondary_hcr;

static u8 stack[STACK_SIZE] __attribute__((aligned(16)));
static volatile u64 started, taken;

static void eoi_mode_1(void)
{
	write_sysreg(CTLR_EOIMODE, SYS_ICC_CTLR_EL1);
	isb();
}

/* CPU 1: acknowledges, drops the priority, and says which it was. */
void secondary_main(void)
{
	mmu_init_el2();
	write_sysreg(0xf, SYS_ICC_SRE_EL2);
	isb();
	gic_init_cpu(1, 1U << SGI_GO);
	eoi_mode_1();
	barrier_write(&started, 1);
	for (;;) {
		unsigned int intid = gic_ack();

		if (intid >= INTID_SPURIOUS)
			continue;
		gic_eoi(intid);
		barrier_write(&taken, intid);
	}
}

static void dir(unsigned int intid)
{
	write_sysreg(intid, SYS_ICC_DIR_EL1);
	isb();
}

static void route_to_cpu1(unsigned int intid)
{
	gicd_write(GICD_IROUTER(intid), 1);
	gicd_write(GICD_IROUTER(intid) + 4, 0);
	gic_set_edge(intid, true);
	gic_enable(intid);
}

static void wait_taken(unsigned int intid)
{
	while (taken != intid)
		;
	dsb(ish);
}

static void by_dir(void)
{
	unsigned int active = 0;

	for (unsigned int i = 0; i < ROUNDS; i++) {
		unsigned int intid = SPI_FIRST + i % SPIS;

		barrier_write(&taken, 0);
		gic_set_pending(intid, true);
		wait_taken(intid);
		dir(intid);
		active += gic_is_active(intid);
	}
	check_eq("still active after DIR of CPU 0", active, 0);
}

/* Several at once, which end in another order than they came. */
static void several(void)
{
	for (unsigned int i = 0; i < SPIS; i++) {
		barrier_write(&taken, 0);
		gic_set_pending(SPI_FIRST + i, true);
		wait_taken(SPI_FIRST + i);
	}
	for (unsigned int i = 0; i < SPIS; i++)
		printf("%u active: %u\n", SPI_FIRST + i, gic_is_active(SPI_FIRST + i));
	for (unsigned int i = 0; i < SPIS; i++) {
		dir(SPI_FIRST + (i * 5 + 3) % SPIS);
		printf("after %u DIR:", i + 1);
		for (unsigned int k = 0; k < SPIS; k++)
			printf(" %u", gic_is_active(SPI_FIRST + k));
		printf("\n");
	}
}

static void made_active(void)
{
	gic_set_active(SPI_SOFT, true);
	printf("made active: %u\n", gic_is_active(SPI_SOFT));
	dir(SPI_SOFT);
	printf("and DIR: %u\n", gic_is_active(SPI_SOFT));
}

/* A list register of CPU 0's L2, linked to what CPU 1 acknowledged. */
static void by_l2(void)
{
	unsigned int active = 0, lr = 0;

	write_sysreg(ICH_HCR_EN, SYS_ICH_HCR_EL2);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		unsigned int intid = SPI_FIRST + i % SPIS;

		barrier_write(&taken, 0);
		gic_set_pending(intid, true);
		wait_taken(intid);
		/* It comes again while it is active, so CPU 1 gets it as soon as it is not. */
		barrier_write(&taken, 0);
		gic_set_pending(intid, true);
		write_sysreg(ICH_LR_PENDING | ICH_LR_HW | ICH_LR_GROUP1 | ICH_LR_PINTID(intid) |
				     VINT,
			     SYS_ICH_LR0_EL2);
		isb();
		lr += l2_call(l2_take, 0, 0) != VINT;
		lr += (read_sysreg(SYS_ICH_LR0_EL2) & ICH_LR_STATE) != 0;
		wait_taken(intid);
		dir(intid);
		active += gic_is_active(intid);
	}
	write_sysreg(0, SYS_ICH_LR0_EL2);
	write_sysreg(0, SYS_ICH_HCR_EL2);
	check_eq("L2's list registers", lr, 0);
	check_eq("still active after L2's EOI", active, 0);
}

void guest_main(void)
{
	mmu_init_el2();
	gic_init_el2();
	secondary_hcr = read_sysreg(hcr_el2);
	eoi_mode_1();
	l2_init();
	l2_hcr |= HCR_IMO | HCR_FMO;
	if (smccc(PSCI_CPU_ON, 1, (u64)secondary_entry, (u64)stack + STACK_SIZE) != 0)
		fail("there is no second CPU");
	wait_not(&started, 0);
	for (unsigned int i = 0; i < SPIS; i++)
		route_to_cpu1(SPI_FIRST + i);
	by_dir();
	several();
	made_active();
	by_l2();
}
