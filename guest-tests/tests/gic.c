// SPDX-License-Identifier: GPL-2.0-only
/*
 * The physical GIC as EL2 sees it: SGIs, PPIs, SPIs (one of them the UART's own), enable, pending,
 * active, priorities and preemption, masking, both EOI modes, group 0. Interrupts stay masked at
 * PSTATE: ISR_EL1 says what would be taken, ICC_IAR1_EL1 what it is. HCR_EL2 routes them to EL2.
 */
#include "gic.h"
#include "lib.h"
#include "mmio.h"

#define SGI_A		2
#define SGI_B		5
#define SGI_C		7
#define PPI_FREE	22
#define SPI_FREE	77
#define SPI_MANY	96
#define MANY		12
#define UART_IMSC	0x09000038UL
#define UART_ICR	0x09000044UL
#define UART_TX		BIT(5)
#define SYS_ICC_IAR0_EL1	S3_0_C12_C8_0
#define SYS_ICC_EOIR0_EL1	S3_0_C12_C8_1
#define SYS_ICC_HPPIR0_EL1	S3_0_C12_C8_2
#define SYS_ICC_IGRPEN0_EL1	S3_0_C12_C12_6
#define CTLR_EOIMODE	BIT(1)

static void state(const char *what)
{
	isb();
	printf("%s: isr %lx hppir %lu rpr %02lx\n", what, read_sysreg(isr_el1),
	       read_sysreg(SYS_ICC_HPPIR1_EL1), read_sysreg(SYS_ICC_RPR_EL1));
}

static void bits(const char *what, unsigned int intid)
{
	printf("%s: enabled %u pending %u active %u\n", what, gic_is_enabled(intid),
	       gic_is_pending(intid), gic_is_active(intid));
}

static unsigned int ack(const char *what)
{
	unsigned int intid = gic_ack();

	isb();
	printf("%s: ack %u rpr %02lx\n", what, intid, read_sysreg(SYS_ICC_RPR_EL1));
	return intid;
}

static void eoi(const char *what, unsigned int intid)
{
	gic_eoi(intid);
	printf("%s: eoi %u rpr %02lx\n", what, intid, read_sysreg(SYS_ICC_RPR_EL1));
}

static void identity(void)
{
	printf("arch %lu ctlr %x ds %u\n", FIELD(gicd_read(GICD_PIDR2), 7, 4),
	       gicd_read(GICD_CTLR) & 0x13, gicd_read(GICD_CTLR) >> 6 & 1);
	printf("lines at least 288: %u\n", (gicd_read(GICD_TYPER) & 0x1f) >= 8);
	printf("redistributor processor %u last %u affinity %x\n",
	       gicr_read(GICR_TYPER) >> 8 & 0xffff, gicr_read(GICR_TYPER) >> 4 & 1,
	       gicr_read(GICR_TYPER + 4));
	printf("sre_el2 %lx sre_el1 %lx\n", read_sysreg(SYS_ICC_SRE_EL2) & 9,
	       read_sysreg(SYS_ICC_SRE_EL1) & 1);
}

static void sgi(void)
{
	state("nothing");
	printf("spurious %u\n", gic_ack());
	gic_send_sgi(SGI_A);
	bits("disabled sgi sent", SGI_A);
	state("disabled sgi sent");
	gic_enable(SGI_A);
	state("enabled");
	ack("sgi");
	bits("acknowledged", SGI_A);
	state("acknowledged");
	gic_send_sgi(SGI_A);
	bits("sent again", SGI_A);
	state("active and pending");
	eoi("sgi", SGI_A);
	state("pending again");
	ack("sgi");
	eoi("sgi", SGI_A);
	bits("done", SGI_A);
	gic_send_sgi(SGI_A);
	gic_set_pending(SGI_A, false);
	state("pending cleared");
}

static void priorities(void)
{
	gic_enable(SGI_B);
	gic_enable(SGI_C);
	gic_send_sgi(SGI_C);
	gic_send_sgi(SGI_B);
	gic_send_sgi(SGI_A);
	state("three of one priority");
	for (unsigned int i = 0; i < 3; i++)
		eoi("in order", ack("in order"));
	gic_set_priority(SGI_A, 0xc0);
	gic_set_priority(SGI_B, 0x80);
	gic_set_priority(SGI_C, 0x40);
	gic_send_sgi(SGI_A);
	ack("low");
	gic_send_sgi(SGI_B);
	state("higher one pending");
	ack("preempts");
	gic_send_sgi(SGI_C);
	ack("preempts again");
	eoi("innermost", SGI_C);
	eoi("middle", SGI_B);
	eoi("outermost", SGI_A);
	gic_set_priority(SGI_B, 0xa8);
	gic_set_priority(SGI_C, 0xa0);
	gic_send_sgi(SGI_B);
	ack("a8");
	gic_send_sgi(SGI_C);
	state("a0 pending, bpr 0");
	write_sysreg(4, SYS_ICC_BPR1_EL1);
	state("a0 pending, bpr 4");
	/* An EOI under another binary point than the acknowledge need not deactivate a virtual one. */
	write_sysreg(0, SYS_ICC_BPR1_EL1);
	eoi("a8", SGI_B);
	write_sysreg(0xa0, SYS_ICC_PMR_EL1);
	state("pmr a0");
	write_sysreg(0xa8, SYS_ICC_PMR_EL1);
	state("pmr a8");
	write_sysreg(0xff, SYS_ICC_PMR_EL1);
	write_sysreg(0, SYS_ICC_IGRPEN1_EL1);
	state("group disabled");
	write_sysreg(1, SYS_ICC_IGRPEN1_EL1);
	eoi("a0", ack("a0"));
	gic_set_priority(SGI_A, 0xa0);
	gic_set_priority(SGI_B, 0xa0);
}

static void eoi_mode(void)
{
	write_sysreg(CTLR_EOIMODE, SYS_ICC_CTLR_EL1);
	isb();
	printf("eoimode %lu\n", FIELD(read_sysreg(SYS_ICC_CTLR_EL1), 1, 1));
	gic_send_sgi(SGI_A);
	eoi("priority drop", ack("split"));
	bits("dropped", SGI_A);
	gic_send_sgi(SGI_A);
	state("again while active");
	gic_send_sgi(SGI_B);
	eoi("another", ack("another"));
	write_sysreg(SGI_B, SYS_ICC_DIR_EL1);
	write_sysreg(SGI_A, SYS_ICC_DIR_EL1);
	isb();
	bits("deactivated", SGI_A);
	eoi("split", ack("split"));
	write_sysreg(SGI_A, SYS_ICC_DIR_EL1);
	isb();
	bits("deactivated", SGI_A);
	write_sysreg(0, SYS_ICC_CTLR_EL1);
	isb();
}

static void by_software(const char *name, unsigned int intid)
{
	printf("%s\n", name);
	gic_set_edge(intid, true);
	gic_set_pending(intid, true);
	bits("pending by software", intid);
	state("disabled");
	gic_enable(intid);
	state("enabled");
	gic_disable(intid);
	state("disabled again");
	gic_enable(intid);
	ack("");
	gic_set_pending(intid, true);
	bits("active, pending by software", intid);
	eoi("", intid);
	eoi("", ack(""));
	bits("done", intid);
	gic_set_active(intid, true);
	gic_set_pending(intid, true);
	state("active by software, pending");
	gic_set_active(intid, false);
	state("inactive by software");
	eoi("", ack(""));
	gic_disable(intid);
}

/* Level: pending follows the line. */
static void timer_ppi(void)
{
	gic_enable(PPI_CNTHP);
	write_sysreg(0, cnthp_cval_el2);
	write_sysreg(1, cnthp_ctl_el2);
	isb();
	bits("timer fires", PPI_CNTHP);
	state("timer fires");
	ack("timer");
	bits("acknowledged", PPI_CNTHP);
	eoi("still firing", PPI_CNTHP);
	state("still firing");
	ack("timer");
	write_sysreg(0, cnthp_ctl_el2);
	isb();
	bits("stopped", PPI_CNTHP);
	eoi("timer", PPI_CNTHP);
	state("stopped");
	gic_disable(PPI_CNTHP);
}

/* The PL011 raises its transmit interrupt with each character it has sent. */
static void uart_spi(void)
{
	unsigned int tries = 0;

	mmio_write32(UART_ICR, 0x7ff);
	gic_set_edge(SPI_UART0, false);
	gic_enable(SPI_UART0);
	printf("uart: ");
	mmio_write32(UART_IMSC, UART_TX);
	putc('.');
	while (gic_ack() == INTID_SPURIOUS && tries++ < 1000000)
		;
	mmio_write32(UART_IMSC, 0);
	mmio_write32(UART_ICR, UART_TX);
	printf("\ninterrupt %s\n", tries < 1000000 ? "taken" : "lost");
	bits("acknowledged", SPI_UART0);
	gic_eoi(SPI_UART0);
	bits("done", SPI_UART0);
	state("done");
	gic_disable(SPI_UART0);
}

/* A level that falls before anybody has taken the interrupt leaves nothing behind, also while it is disabled. */
static void uart_withdrawn(void)
{
	unsigned int tries = 0;

	mmio_write32(UART_IMSC, UART_TX);
	while (!gic_is_pending(SPI_UART0) && tries++ < 1000000)
		;
	bits("uart raised, disabled", SPI_UART0);
	mmio_write32(UART_IMSC, 0);
	bits("uart lowered", SPI_UART0);
	mmio_write32(UART_IMSC, UART_TX);
	while (!gic_is_pending(SPI_UART0) && tries++ < 1000000)
		;
	mmio_write32(UART_IMSC, 0);
	gic_enable(SPI_UART0);
	state("uart enabled after it was lowered");
	gic_disable(SPI_UART0);
}

static void group0(void)
{
	gicr_write(GICR_SGI + GICD_IGROUPR(0), ~(1U << SGI_A));
	write_sysreg(1, SYS_ICC_IGRPEN0_EL1);
	gic_set_pending(SGI_A, true);
	state("group 0 pending");
	printf("hppir0 %lu\n", read_sysreg(SYS_ICC_HPPIR0_EL1));
	printf("iar0 %lu\n", read_sysreg(SYS_ICC_IAR0_EL1));
	write_sysreg(SGI_A, SYS_ICC_EOIR0_EL1);
	isb();
	state("group 0 done");
	gicr_write(GICR_SGI + GICD_IGROUPR(0), ~0U);
	write_sysreg(0, SYS_ICC_IGRPEN0_EL1);
}

/* More interrupts active at once than any CPU interface has list registers. */
static unsigned int active_ones(void)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < MANY; i++)
		n += gic_is_active(SPI_MANY + i);
	return n;
}

static void many(void)
{
	unsigned int acked = 0;

	for (unsigned int i = 0; i < MANY; i++) {
		gic_set_edge(SPI_MANY + i, true);
		gic_set_priority(SPI_MANY + i, 0xf0 - 8 * i);
		gicd_write(GICD_IROUTER(SPI_MANY + i), 0);
		gicd_write(GICD_IROUTER(SPI_MANY + i) + 4, 0);
		gic_enable(SPI_MANY + i);
	}
	for (unsigned int i = 0; i < MANY; i++) {
		gic_set_pending(SPI_MANY + i, true);
		acked += gic_ack() == SPI_MANY + i;
		isb();
	}
	printf("many: %u preempted each other, %u active\n", acked, active_ones());
	for (unsigned int i = MANY; i-- > 0;)
		eoi("many", SPI_MANY + i);
	printf("many: %u active\n", active_ones());
	write_sysreg(CTLR_EOIMODE, SYS_ICC_CTLR_EL1);
	isb();
	for (unsigned int i = 0; i < MANY; i++)
		gic_set_pending(SPI_MANY + i, true);
	acked = 0;
	for (unsigned int i = 0; i < MANY; i++) {
		unsigned int intid = gic_ack();

		acked += intid == SPI_MANY + MANY - 1 - i;
		gic_eoi(intid);
	}
	printf("split: %u in order, %u active\n", acked, active_ones());
	for (unsigned int i = 0; i < MANY; i++) {
		write_sysreg(SPI_MANY + i * 5 % MANY, SYS_ICC_DIR_EL1);
		isb();
		printf("split: %u active\n", active_ones());
	}
	write_sysreg(0, SYS_ICC_CTLR_EL1);
	isb();
	for (unsigned int i = 0; i < MANY; i++)
		gic_disable(SPI_MANY + i);
}

void guest_main(void)
{
	gic_init_el2();
	identity();
	sgi();
	priorities();
	eoi_mode();
	by_software("ppi", PPI_FREE);
	gicd_write(GICD_IROUTER(SPI_FREE), 0);
	gicd_write(GICD_IROUTER(SPI_FREE) + 4, 0);
	by_software("spi", SPI_FREE);
	timer_ppi();
	uart_spi();
	uart_withdrawn();
	group0();
	many();
}
