// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupts as an enemy of whoever is below would use them: list registers with every bit pattern, storms of
 * SGIs and of a level that never falls. Physical interrupts stay masked at EL2.
 */
#include "gic.h"
#include "l2.h"

#define STORM		2000

L2_ASM(l2_look, "mrs x0, isr_el1\n mrs x1, S3_0_C12_C12_2\n orr x0, x0, x1, lsl #16")
L2_ASM(l2_unmask, "msr daifclr, #3\n isb\n msr daifset, #3\n mov x0, #1")

static void quiet(void)
{
	write_sysreg(0, SYS_ICH_LR0_EL2);
	write_sysreg(0, SYS_ICH_LR1_EL2);
	write_sysreg(0, SYS_ICH_LR2_EL2);
	write_sysreg(0, SYS_ICH_LR3_EL2);
	write_sysreg(0, SYS_ICH_AP1R0_EL2);
	write_sysreg(0, SYS_ICH_AP0R0_EL2);
	write_sysreg(ICH_HCR_EN, SYS_ICH_HCR_EL2);
	write_sysreg(ICH_VMCR_PMR(0xf8) | 3, SYS_ICH_VMCR_EL2);
	isb();
}

/* Bits that the architecture keeps, and no physical interrupt that would be deactivated. */
#define LR_BITS	(~ICH_LR_HW & ~(MASK(59, 56) | MASK(47, 42) | MASK(40, 32)))

static void list_register(const char *name, u64 lr)
{
	struct vcpu v;

	quiet();
	write_sysreg(lr & LR_BITS, SYS_ICH_LR0_EL2);
	isb();
	printf("%s elrsr %lx eisr %lx misr %lx", name, read_sysreg(SYS_ICH_ELRSR_EL2) & 1,
	       read_sysreg(SYS_ICH_EISR_EL2) & 1, read_sysreg(SYS_ICH_MISR_EL2));
	printf(" L2 %lx", l2_call(l2_look, 0, 0));
	v = l2_first_exit(l2_unmask, 0, 0, L2_EL1, 0);
	printf(" %s\n", l2_done(&v) ? "nothing" : "interrupt");
}

static void list_registers(void)
{
	for (unsigned int bit = 0; bit < 64; bit++) {
		printf("bit %u ", bit);
		list_register("pending, and", BIT(bit) | ICH_LR_PENDING | 40);
		printf("bit %u ", bit);
		list_register("alone", BIT(bit));
	}
	for (unsigned int i = 0; i < 200; i++) {
		printf("%u ", i);
		list_register("random", rnd());
	}
	/* with HW, whatever physical interrupt that names: only that it ends */
	for (unsigned int i = 0; i < 200; i++) {
		quiet();
		write_sysreg(rnd() | ICH_LR_HW, SYS_ICH_LR0_EL2);
		write_sysreg(rnd(), SYS_ICH_LR1_EL2);
		write_sysreg(rnd(), SYS_ICH_LR2_EL2);
		write_sysreg(rnd(), SYS_ICH_LR3_EL2);
		isb();
		l2_first_exit(l2_unmask, 0, 0, L2_EL1, 0);
	}
	quiet();
	check(true, "list registers with HW");
}

#define FOLD		"add x0, x0, x2\n ror x0, x0, #7\n"
#define READ(reg)	"mrs x2, " reg "\n" FOLD
/* All that an L2 does with an interrupt, of both groups, whether there is one or not; x0 is what it saw. */
L2_ASM(l2_handle, READ("S3_0_C12_C12_2") READ("S3_0_C12_C8_2") READ("S3_0_C12_C12_0")
	"mov x3, x2\n" READ("S3_0_C12_C11_3") READ("S3_0_C12_C12_2") "msr S3_0_C12_C12_1, x3\n"
	READ("S3_0_C12_C8_0") "msr S3_0_C12_C8_1, x2\n" READ("S3_0_C12_C11_3") READ("S3_0_C12_C12_2")
	"msr S3_0_C12_C11_1, x3\n" READ("S3_0_C12_C12_2") READ("S3_0_C12_C11_3"))

/* What is left of one interrupt in LR0 after that, and what L2 and EL2 saw meanwhile. */
static u64 handled(u64 sum)
{
	/* without the bits of a priority that are RES0 with 32 of them */
	u64 done = l2_call(l2_handle, sum, 0);
	const u64 seen[] = { done,
			     read_sysreg(SYS_ICH_LR0_EL2) & ~ICH_LR_PRIO(7),
			     read_sysreg(SYS_ICH_AP0R0_EL2),  read_sysreg(SYS_ICH_AP1R0_EL2),
			     read_sysreg(SYS_ICH_ELRSR_EL2),  read_sysreg(SYS_ICH_EISR_EL2),
			     read_sysreg(SYS_ICH_MISR_EL2) };

	for (unsigned int i = 0; i < ARRAY_SIZE(seen); i++) {
		sum = (sum ^ seen[i]) * 0x9e3779b97f4a7c15UL;
		sum ^= sum >> 29;
	}
	return sum;
}

/* Every state and group, with priorities and INTIDs at all limits; the kinds of ICH_VMCR_EL2 take turns. */
static void patterns(void)
{
	static const u64 intids[] = { 0,    15,	  16,	31,   32,   1019, 1020,	  1021,
				      1022, 1023, 1024, 8191, 8192, 65535, 65536, 0xffffffff };
	static const u64 prios[] = { 0, 8, 0x78, 0x80, 0xf0, 0xf8, 0xff };
	static const u64 vmcrs[] = {
		ICH_VMCR_PMR(0xf8) | 3, ICH_VMCR_PMR(0xf8) | ICH_VMCR_EOIM | 3,
		ICH_VMCR_PMR(0x80) | 3, ICH_VMCR_PMR(0) | 3, ICH_VMCR_PMR(0xf8) | 1,
		ICH_VMCR_PMR(0xf8) | 2, ICH_VMCR_PMR(0xf8) | 7UL << 21 | 7UL << 18 | BIT(4) | 7,
	};

	unsigned int turn = 0;

	for (u64 kind = 0; kind < 16; kind++) {
		u64 lr = kind << 60 & ~ICH_LR_HW, sum;

		lr |= kind & 2 ? ICH_LR_EOI : 0;
		for (unsigned int p = 0; p < ARRAY_SIZE(prios); p++) {
			sum = 0;
			for (unsigned int i = 0; i < ARRAY_SIZE(intids); i++) {
				quiet();
				write_sysreg(vmcrs[turn++ % ARRAY_SIZE(vmcrs)], SYS_ICH_VMCR_EL2);
				write_sysreg(lr | ICH_LR_PRIO(prios[p]) | intids[i],
					     SYS_ICH_LR0_EL2);
				isb();
				sum = handled(sum);
			}
			printf("list register %lx priority %lx: %lx\n", lr, prios[p], sum);
		}
	}
	quiet();
}

/* Any maintenance interrupt is asserted, none is taken: L2 gets to its end. */
static void interfaces(void)
{
	for (unsigned int i = 0; i < 400; i++) {
		quiet();
		gic_random_l2();
		l2_first_exit(l2_unmask, 0, 0, L2_EL1, 0);
	}
	quiet();
	check(true, "VMCR and HCR with every bit");
}

static void storms(void)
{
	unsigned int taken = 0;

	gic_init();
	for (unsigned int i = 0; i < 16; i++)
		gic_enable(i);
	for (unsigned int i = 0; i < STORM; i++)
		gic_send_sgi(i & 15);
	for (unsigned int intid; (intid = gic_ack()) < 16; taken++)
		gic_eoi(intid);
	printf("SGIs of a storm, one each: %u\n", taken);
	/* a timer that nobody stops */
	gic_enable(PPI_CNTHP);
	write_sysreg(0, cnthp_cval_el2);
	write_sysreg(1, cnthp_ctl_el2);
	isb();
	taken = 0;
	for (unsigned int i = 0; i < STORM; i++) {
		unsigned int intid = gic_ack();

		taken += intid == PPI_CNTHP;
		if (intid != INTID_SPURIOUS)
			gic_eoi(intid);
	}
	write_sysreg(0, cnthp_ctl_el2);
	isb();
	printf("a level that stays high: %s\n", taken > STORM / 2 ? "again and again" : "lost");
	gic_disable(PPI_CNTHP);
}

void guest_main(void)
{
	mmu_init_el2();
	gic_init_el2();
	l2_init();
	list_registers();
	patterns();
	interfaces();
	storms();
}
