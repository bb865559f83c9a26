// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whoever is below has other guests: this one reaches for what is theirs. The memory behind its own, read, written
 * and executed by EL2, by EL1 and EL0 of its L2, through pages and through blocks that are larger than its memory;
 * interrupts and power-on to every CPU that there could be; its own UART's interrupt. What the architecture
 * answers where there is nothing is what is printed.
 */
#include "gic.h"
#include "l2.h"
#include "mmio.h"

#define RAM		0x40000000UL
#define RAM_END		0x50000000UL
#define WINDOW		0x200000000UL	/* a page of EL2's and of L2's */
#define BLOCKS		0x240000000UL	/* of L2's: RAM as a gigabyte */
#define FIRST_SPI	40
#define NSPIS		32
#define UART_ROUNDS	40
#define UART		0x09000000UL
#define UARTDR		0x00
#define UARTIMSC	0x38
#define UARTICR		0x44
#define UART_TX		BIT(5)

/* From RAM's end, where the next one's memory would begin, and from there to four of them. */
static const u64 places[] = {
	0x0,	  0x1ff000, 0x200000,  0x400000,  0x5ff000,  0x600000,	 0x680000,  0x7ff000,
	0x800000, 0xa00000, 0x2000000, 0x8000000, 0xffff000, 0x10000000, 0x10600000, 0x10800000,
	0x20000000, 0x20800000, 0x2ffff000,
};

L2_ASM(do_load, "ldr x0, [x0]")
L2_ASM(do_store, "str x1, [x0]")
L2_ASM(do_pair, "stp x1, x1, [x0]")
L2_ASM(do_exec, "br x0")

static struct pgtable s2;

static void set_window(u64 pa)
{
	*pt_leaf(&el2_low, WINDOW, NULL) = pa | PTE_VALID | PTE_TABLE | el2_normal();
	*pt_leaf(&s2, WINDOW, NULL) = pa | PTE_VALID | PTE_TABLE | S2_RW | S2_NORMAL;
	dsb(ishst);
	asm volatile("tlbi alle2is\n tlbi alle1is\n dsb ish\n isb" : : : "memory");
}

static void by_el2(void)
{
	exc_arm(0);
	asm volatile("ldr x9, [%0]" : : "r"(WINDOW) : "x9", "memory");
	exc_show("EL2 reads", exc_take());
	exc_arm(0);
	asm volatile("str %0, [%0]" : : "r"(WINDOW) : "memory");
	exc_show("EL2 writes", exc_take());
	exc_arm(0);
	asm volatile("stp %0, %0, [%0]" : : "r"(WINDOW) : "memory");
	exc_show("EL2 writes two", exc_take());
	exc_arm((u64)jump_resume);
	jump_to(WINDOW);
	exc_show("EL2 executes", exc_take());
}

static void attempt(const char *what, l2_fn fn, u64 ipa, u64 pstate)
{
	struct vcpu v = l2_first_exit(fn, ipa, ipa, pstate, 0);

	if (l2_done(&v))
		printf("%s: %lx\n", what, v.x[0]);
	else
		l2_print_exit(what, &v);
}

static void by_l2(u64 ipa, u64 pstate)
{
	printf("L2's %s\n", pstate == L2_EL0 ? "EL0" : "EL1");
	attempt("reads", do_load, ipa, pstate);
	attempt("writes", do_store, ipa, pstate);
	attempt("writes two", do_pair, ipa, pstate);
	attempt("executes", do_exec, ipa, pstate);
}

static void memory(void)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(places); i++) {
		printf("RAM's end and %lx\n", places[i]);
		set_window(RAM_END + places[i]);
		by_el2();
		by_l2(WINDOW, L2_EL1);
		by_l2(WINDOW, L2_EL0);
		/* once the block itself is in use */
		l2_call(do_load, BLOCKS + RAM_END - RAM - 8, 0);
		printf("through a block, ");
		by_l2(BLOCKS + RAM_END - RAM + places[i], L2_EL1);
	}
}

/* Those that reach this CPU: one of each number. */
static unsigned int taken(unsigned int from, unsigned int n)
{
	unsigned int count = 0;

	for (unsigned int intid; (intid = gic_ack()) - from < n; count++)
		gic_eoi(intid);
	return count;
}

static void interrupts(void)
{
	for (unsigned int i = 0; i < 16; i++)
		gic_enable(i);
	for (u64 i = 0; i < 16; i++) {
		for (u64 aff = 0; aff < 16; aff++)
			write_sysreg((aff >> 3) << 48 | (aff >> 2 & 1) << 32 | i << 24 |
					     (aff & 3) << 16 | 0xffff, SYS_ICC_SGI1R_EL1);
		write_sysreg(BIT(40) | i << 24, SYS_ICC_SGI1R_EL1);
	}
	isb();
	printf("SGIs to all: %u\n", taken(0, 16));
	for (unsigned int i = 0; i < NSPIS; i++) {
		unsigned int intid = FIRST_SPI + i;

		mmio_write32(GICD_BASE + GICD_IROUTER(intid), (i & 7) | (i >> 3) << 8);
		mmio_write32(GICD_BASE + GICD_IROUTER(intid) + 4, 0);
		gic_set_edge(intid, true);
		gic_enable(intid);
		gic_set_pending(intid, true);
	}
	printf("SPIs to all: %u\n", taken(FIRST_SPI, NSPIS));
	for (unsigned int i = 0; i < NSPIS; i++)
		gic_disable(FIRST_SPI + i);
}

/* Each character is an interrupt of this UART, and of nobody else's. */
static void uart(void)
{
	unsigned int n = 0;

	gic_enable(SPI_UART0);
	mmio_write32(UART + UARTICR, UART_TX);
	mmio_write32(UART + UARTIMSC, UART_TX);
	for (unsigned int i = 0; i < UART_ROUNDS; i++) {
		u64 end = read_sysreg(cntpct_el0) + read_sysreg(cntfrq_el0);
		unsigned int intid;

		mmio_write32(UART + UARTDR, '.');
		do {
			intid = gic_ack();
		} while (intid == INTID_SPURIOUS && read_sysreg(cntpct_el0) < end);
		if (intid != SPI_UART0)
			break;
		mmio_write32(UART + UARTICR, UART_TX);
		gic_eoi(intid);
		n++;
	}
	mmio_write32(UART + UARTIMSC, 0);
	gic_disable(SPI_UART0);
	printf("\nthe UART's interrupts: %u\n", n);
}

static void power(void)
{
	for (u64 i = 1; i < 9; i++)
		printf("CPU %lu: %ld %ld\n", i, smccc(PSCI_AFFINITY_INFO, i, 0, 0),
		       smccc(PSCI_CPU_ON, i, (u64)_text_start, 0));
}

void guest_main(void)
{
	mmu_init_el2();
	gic_init_el2();
	l2_init();
	pt_init(&s2, 12, 40, 1);
	pt_map(&s2, RAM, RAM, RAM_END - RAM, S2_RW | S2_NORMAL);
	pt_map_at(&s2, WINDOW, RAM, S2_RW | S2_NORMAL, 3);
	pt_map_at(&s2, BLOCKS, RAM, S2_RW | S2_NORMAL, 1);
	pt_map_at(&el2_low, WINDOW, RAM, el2_normal(), 3);
	l2_set_stage2(&s2, 3);
	memory();
	interrupts();
	uart();
	power();
}
