// SPDX-License-Identifier: GPL-2.0-only
/*
 * The virtual CPU interface: list registers reach L2, L2's acknowledge, EOI and DIR reach the list
 * registers and, for linked ones, the physical interrupt; maintenance interrupts; ICH_VMCR_EL2 both
 * ways; the traps of ICH_HCR_EL2. Physical interrupts are masked at EL2.
 */
#include "gic.h"
#include "l2.h"

#define VINT_A		40
#define VINT_B		41
#define VINT_C		42
#define PPI_LINKED	22
#define SYS_ICC_IAR0_EL1	S3_0_C12_C8_0
#define SYS_ICC_EOIR0_EL1	S3_0_C12_C8_1

L2_ASM(l2_init_cpuif, "mov x0, #1\n msr S3_0_C12_C12_5, x0\n isb\n"
       "mov x1, #0xff\n msr S3_0_C4_C6_0, x1\n msr S3_0_C12_C12_7, x0\n msr S3_0_C12_C12_6, x0\n"
       "msr S3_0_C12_C12_4, xzr\n msr S3_0_C12_C12_3, xzr\n isb")
L2_ASM(l2_ack, "mrs x0, S3_0_C12_C12_0\n dsb sy\n isb")
L2_ASM(l2_ack0, "mrs x0, S3_0_C12_C8_0\n dsb sy\n isb")
L2_ASM(l2_eoi, "msr S3_0_C12_C12_1, x0\n isb")
L2_ASM(l2_eoi0, "msr S3_0_C12_C8_1, x0\n isb")
L2_ASM(l2_dir, "msr S3_0_C12_C11_1, x0\n isb")
L2_ASM(l2_hppir, "mrs x0, S3_0_C12_C12_2")
L2_ASM(l2_rpr, "mrs x0, S3_0_C12_C11_3")
L2_ASM(l2_isr, "mrs x0, isr_el1")
L2_ASM(l2_set_pmr, "msr S3_0_C4_C6_0, x0\n isb")
L2_ASM(l2_get_pmr, "mrs x0, S3_0_C4_C6_0")
L2_ASM(l2_set_ctlr, "msr S3_0_C12_C12_4, x0\n isb")
L2_ASM(l2_set_bpr1, "msr S3_0_C12_C12_3, x0\n isb")
L2_ASM(l2_set_igrpen1, "msr S3_0_C12_C12_7, x0\n isb")
L2_ASM(l2_get_igrpen1, "mrs x0, S3_0_C12_C12_7")
L2_ASM(l2_get_sre, "mrs x0, S3_0_C12_C12_5")
L2_ASM(l2_sgi1, "msr S3_0_C12_C11_5, x0")
L2_ASM(l2_unmask, "msr daifclr, #3\n isb\n msr daifset, #3")
L2_ASM(l2_wfi, "wfi")

static u64 lr_read(unsigned int n)
{
	switch (n) {
	case 0:
		return read_sysreg(SYS_ICH_LR0_EL2);
	case 1:
		return read_sysreg(SYS_ICH_LR1_EL2);
	case 2:
		return read_sysreg(SYS_ICH_LR2_EL2);
	default:
		return read_sysreg(SYS_ICH_LR3_EL2);
	}
}

static void lr_write(unsigned int n, u64 v)
{
	switch (n) {
	case 0:
		write_sysreg(v, SYS_ICH_LR0_EL2);
		break;
	case 1:
		write_sysreg(v, SYS_ICH_LR1_EL2);
		break;
	case 2:
		write_sysreg(v, SYS_ICH_LR2_EL2);
		break;
	default:
		write_sysreg(v, SYS_ICH_LR3_EL2);
	}
}

static u64 lr(unsigned int vintid, u64 prio)
{
	return ICH_LR_PENDING | ICH_LR_GROUP1 | ICH_LR_PRIO(prio) | vintid;
}

static void pend(unsigned int n, unsigned int vintid, u64 prio)
{
	lr_write(n, lr(vintid, prio));
	isb();
}

static void show(const char *what)
{
	isb();
	printf("%s: lr", what);
	for (unsigned int i = 0; i < 4; i++)
		printf(" %c%lu", "-pab"[FIELD(lr_read(i), 63, 62)],
		       lr_read(i) & ICH_LR_STATE ? FIELD(lr_read(i), 31, 0) : 0);
	printf(" elrsr %lx eisr %lx misr %lx ap1r0 %lx eoicount %lu\n",
	       read_sysreg(SYS_ICH_ELRSR_EL2) & 0xf, read_sysreg(SYS_ICH_EISR_EL2) & 0xf,
	       read_sysreg(SYS_ICH_MISR_EL2), read_sysreg(SYS_ICH_AP1R0_EL2),
	       FIELD(read_sysreg(SYS_ICH_HCR_EL2), 31, 27));
}

static void reset(u64 hcr)
{
	for (unsigned int i = 0; i < 4; i++)
		lr_write(i, 0);
	write_sysreg(0, SYS_ICH_AP1R0_EL2);
	write_sysreg(0, SYS_ICH_AP0R0_EL2);
	write_sysreg(ICH_HCR_EN | hcr, SYS_ICH_HCR_EL2);
	isb();
}

static void one(void)
{
	printf("no interrupt: ack %lu isr %lx\n", l2_call(l2_ack, 0, 0), l2_call(l2_isr, 0, 0));
	pend(0, VINT_A, 0xa0);
	show("one pending");
	printf("L2: isr %lx hppir %lu rpr %02lx\n", l2_call(l2_isr, 0, 0), l2_call(l2_hppir, 0, 0),
	       l2_call(l2_rpr, 0, 0));
	printf("L2: ack %lu\n", l2_call(l2_ack, 0, 0));
	show("active");
	printf("L2: isr %lx rpr %02lx\n", l2_call(l2_isr, 0, 0), l2_call(l2_rpr, 0, 0));
	l2_call(l2_eoi, VINT_A, 0);
	show("ended");
	reset(0);
}

/* The first vIRQ stays pending, so it is taken again and again until L2 acknowledges it. */
static void taken(void)
{
	struct vcpu v;

	pend(1, VINT_C, 0x60);
	v = l2_first_exit(l2_unmask, 0, 0, L2_EL1, 0);
	l2_print_exit("L2 unmasks", &v);
	pend(1, VINT_C, 0x60);
	v = l2_first_exit(l2_wfi, 0, 0, L2_EL1, HCR_TWI);
	printf("WFI with one pending and TWI: %s\n", l2_done(&v) ? "goes on" : "traps");
	reset(0);
	v = l2_first_exit(l2_wfi, 0, 0, L2_EL1, HCR_TWI);
	l2_print_exit("WFI with none pending and TWI", &v);
}

static void several(void)
{
	pend(0, VINT_A, 0xc0);
	pend(1, VINT_B, 0x80);
	pend(3, VINT_C, 0xc0);
	show("three pending");
	printf("L2: ack %lu\n", l2_call(l2_ack, 0, 0));
	printf("L2: ack %lu (80 is running)\n", l2_call(l2_ack, 0, 0));
	l2_call(l2_eoi, VINT_B, 0);
	printf("L2: ack %lu\n", l2_call(l2_ack, 0, 0));
	pend(2, 43, 0x40);
	printf("L2: ack %lu preempts\n", l2_call(l2_ack, 0, 0));
	show("nested");
	l2_call(l2_eoi, 43, 0);
	l2_call(l2_eoi, VINT_A, 0);
	l2_call(l2_set_pmr, 0xc0, 0);
	printf("L2: pmr c0, ack %lu\n", l2_call(l2_ack, 0, 0));
	l2_call(l2_set_pmr, 0xff, 0);
	l2_call(l2_set_igrpen1, 0, 0);
	printf("L2: group off, ack %lu isr %lx\n", l2_call(l2_ack, 0, 0), l2_call(l2_isr, 0, 0));
	l2_call(l2_set_igrpen1, 1, 0);
	printf("L2: ack %lu\n", l2_call(l2_ack, 0, 0));
	lr_write(3, lr_read(3) | ICH_LR_PENDING);
	show("pending and active");
	l2_call(l2_eoi, VINT_C, 0);
	show("pending");
	reset(0);
}

static void vmcr(void)
{
	u64 v;

	l2_call(l2_set_pmr, 0x50, 0);
	l2_call(l2_set_bpr1, 5, 0);
	l2_call(l2_set_ctlr, 2, 0);
	v = read_sysreg(SYS_ICH_VMCR_EL2);
	printf("vmcr after L2: pmr %lx bpr1 %lu eoim %lu eng1 %lu\n", FIELD(v, 31, 24),
	       FIELD(v, 20, 18), FIELD(v, 9, 9), FIELD(v, 1, 1));
	write_sysreg(ICH_VMCR_PMR(0x38) | 7UL << 18, SYS_ICH_VMCR_EL2);
	isb();
	printf("L2 after vmcr: pmr %lx igrpen1 %lu sre %lx\n", l2_call(l2_get_pmr, 0, 0),
	       l2_call(l2_get_igrpen1, 0, 0), l2_call(l2_get_sre, 0, 0) & 1);
	l2_call(l2_init_cpuif, 0, 0);
}

static void split_eoi(void)
{
	l2_call(l2_set_ctlr, 2, 0);
	pend(0, VINT_A, 0xa0);
	printf("split: ack %lu\n", l2_call(l2_ack, 0, 0));
	l2_call(l2_eoi, VINT_A, 0);
	show("split, priority dropped");
	l2_call(l2_dir, VINT_A, 0);
	show("split, deactivated");
	l2_call(l2_set_ctlr, 0, 0);
	reset(0);
}

/* LR.HW: L2's EOI ends the physical interrupt, too. */
static void linked(void)
{
	write_sysreg(BIT(1), SYS_ICC_CTLR_EL1);
	gic_set_edge(PPI_LINKED, true);
	gic_enable(PPI_LINKED);
	gic_set_pending(PPI_LINKED, true);
	printf("physical ack %u\n", gic_ack());
	gic_eoi(PPI_LINKED);
	printf("physical active %u\n", gic_is_active(PPI_LINKED));
	lr_write(0, lr(VINT_B, 0x90) | ICH_LR_HW | ICH_LR_PINTID(PPI_LINKED));
	isb();
	printf("L2: ack %lu\n", l2_call(l2_ack, 0, 0));
	printf("physical active %u\n", gic_is_active(PPI_LINKED));
	l2_call(l2_eoi, VINT_B, 0);
	show("linked, ended");
	printf("physical active %u\n", gic_is_active(PPI_LINKED));
	gic_set_pending(PPI_LINKED, true);
	printf("physical ack %u\n", gic_ack());
	gic_eoi(PPI_LINKED);
	write_sysreg(PPI_LINKED, SYS_ICC_DIR_EL1);
	write_sysreg(0, SYS_ICC_CTLR_EL1);
	isb();
	gic_disable(PPI_LINKED);
	reset(0);
}

static void maintenance(const char *what)
{
	show(what);
	printf("%s: ppi pending %u", what, gic_is_pending(PPI_MAINTENANCE));
	printf(" ack %u", gic_ack());
	gic_eoi(PPI_MAINTENANCE);
	printf("\n");
}

static void maintenance_interrupts(void)
{
	struct vcpu v;

	gic_enable(PPI_MAINTENANCE);
	lr_write(0, lr(VINT_A, 0xa0) | ICH_LR_EOI);
	isb();
	printf("EOI: ack %lu\n", l2_call(l2_ack, 0, 0));
	l2_prepare(&v, l2_eoi, VINT_A, 0, L2_EL1);
	l2_enter(&v, 0);
	printf("EOI exits L2: %s\n", vec_name(v.vec));
	maintenance("EOI");
	reset(0);
	show("cleared");
	write_sysreg(ICH_HCR_EN | ICH_HCR_UIE, SYS_ICH_HCR_EL2);
	maintenance("underflow");
	pend(0, VINT_A, 0xa0);
	pend(1, VINT_B, 0xa0);
	show("no underflow");
	reset(0);
	write_sysreg(ICH_HCR_EN | ICH_HCR_NPIE, SYS_ICH_HCR_EL2);
	maintenance("none pending");
	pend(0, VINT_A, 0xa0);
	show("one pending");
	reset(0);
	write_sysreg(1, SYS_ICH_AP1R0_EL2);
	write_sysreg(ICH_HCR_EN | ICH_HCR_LRENPIE, SYS_ICH_HCR_EL2);
	isb();
	l2_prepare(&v, l2_eoi, 99, 0, L2_EL1);
	l2_enter(&v, 0);
	printf("EOI without list register: %s\n", vec_name(v.vec));
	maintenance("no list register");
	reset(0);
	write_sysreg(ICH_HCR_EN | ICH_HCR_VGRP1DIE, SYS_ICH_HCR_EL2);
	isb();
	show("group 1 enabled");
	l2_prepare(&v, l2_set_igrpen1, 0, 0, L2_EL1);
	l2_enter(&v, 0);
	printf("group 1 disabled by L2: %s\n", vec_name(v.vec));
	maintenance("group 1 disabled");
	write_sysreg(ICH_HCR_EN | ICH_HCR_VGRP1EIE, SYS_ICH_HCR_EL2);
	isb();
	l2_prepare(&v, l2_set_igrpen1, 1, 0, L2_EL1);
	l2_enter(&v, 0);
	printf("group 1 enabled by L2: %s\n", vec_name(v.vec));
	maintenance("group 1 enabled");
	reset(0);
	gic_disable(PPI_MAINTENANCE);
}

static void traps(void)
{
	static const struct {
		const char *name;
		u64 bit;
		l2_fn fn;
	} rows[] = {
		{ "TC pmr", BIT(10), l2_get_pmr }, { "TC rpr", BIT(10), l2_rpr },
		{ "TC iar1", BIT(10), l2_ack }, { "TALL1 iar1", BIT(12), l2_ack },
		{ "TALL1 hppir1", BIT(12), l2_hppir }, { "TALL1 igrpen1", BIT(12), l2_get_igrpen1 },
		{ "TALL1 iar0", BIT(12), l2_ack0 }, { "TALL0 iar0", BIT(11), l2_ack0 },
		{ "TDIR dir", BIT(14), l2_dir }, { "sgi1r", 0, l2_sgi1 },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		reset(rows[i].bit);
		l2_trace(rows[i].name, rows[i].fn, 0, 0, L2_EL1, 0);
	}
	reset(0);
	write_sysreg(0, SYS_ICH_HCR_EL2);
	pend(0, VINT_A, 0xa0);
	printf("En clear: isr %lx\n", l2_call(l2_isr, 0, 0));
	reset(0);
}

/* The traps ask for no HCR_EL2.{IMO,FMO}, without which L2 has the CPU interface of EL2. */
static void traps_of_own(void)
{
	static const char *const names[] = { "TC", "TALL0", "TALL1" };
	u64 hcr = l2_hcr;

	l2_hcr &= ~(HCR_IMO | HCR_FMO);
	for (unsigned int i = 0; i < ARRAY_SIZE(names); i++) {
		reset(BIT(10 + i));
		printf("%s without IMO\n", names[i]);
		l2_trace("pmr", l2_get_pmr, 0, 0, L2_EL1, 0);
		l2_trace("iar0", l2_ack0, 0, 0, L2_EL1, 0);
		l2_trace("igrpen1", l2_get_igrpen1, 0, 0, L2_EL1, 0);
		/* none of them is for EL2 itself */
		exc_arm(0);
		asm volatile("mrs x9, S3_0_C4_C6_0\n mrs x9, S3_0_C12_C8_0\n"
			     "mrs x9, S3_0_C12_C12_7" : : : "x9", "memory");
		exc_show("EL2", exc_take());
	}
	reset(BIT(14));
	l2_trace("TDIR without IMO", l2_dir, 0, 0, L2_EL1, 0);
	l2_hcr = hcr;
	reset(0);
}

/* An interrupt that waits for EL2 is none of L2's, nor is its place in a list register of somebody below. */
static void own_waits(void)
{
	gic_enable(5);
	write_sysreg(0, S3_0_C4_C6_0);			/* ICC_PMR_EL1: nothing passes */
	gic_send_sgi(5);
	printf("EL2 masks its own: isr %lx ack %lu\n", l2_call(l2_isr, 0, 0), l2_call(l2_ack, 0, 0));
	pend(1, VINT_B, 0xa0);
	printf("and L2 has one: isr %lx ack %lu", l2_call(l2_isr, 0, 0), l2_call(l2_ack, 0, 0));
	l2_call(l2_eoi, VINT_B, 0);
	write_sysreg(0xff, S3_0_C4_C6_0);
	isb();
	printf(" EL2's: %u\n", gic_ack());
	gic_eoi(5);
	gic_disable(5);
	reset(0);
}

static void group0(void)
{
	struct vcpu v;

	lr_write(0, lr(VINT_A, 0xa0) & ~ICH_LR_GROUP1);
	isb();
	printf("group 0: isr %lx ack1 %lu\n", l2_call(l2_isr, 0, 0), l2_call(l2_ack, 0, 0));
	v = l2_first_exit(l2_unmask, 0, 0, L2_EL1, 0);
	l2_print_exit("group 0", &v);
	printf("group 0: ack0 %lu\n", l2_call(l2_ack0, 0, 0));
	printf("group 0: ap0r0 %lx\n", read_sysreg(SYS_ICH_AP0R0_EL2));
	l2_call(l2_eoi0, VINT_A, 0);
	show("group 0, ended");
	reset(0);
}

void guest_main(void)
{
	mmu_init_el2();
	gic_init_el2();
	l2_init();
	reset(0);
	write_sysreg(0, SYS_ICH_VMCR_EL2);
	l2_call(l2_init_cpuif, 0, 0);
	one();
	taken();
	several();
	vmcr();
	split_eoi();
	linked();
	maintenance_interrupts();
	traps();
	traps_of_own();
	own_waits();
	group0();
}
