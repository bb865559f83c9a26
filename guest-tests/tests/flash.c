// SPDX-License-Identifier: GPL-2.0-only
/*
 * The virt machine's flash and clock, as firmware uses them: two banks of CFI flash (two 16-bit chips of Intel's command
 * set side by side, so commands come twice in a word), of which the second is erased, written, read and run from;
 * and a PL031. append how=reset: what was written is there after a reset.
 */
#include "gic.h"
#include "lib.h"
#include "mmio.h"

#define BANK	     0x04000000UL
#define BLOCK	     0x00040000UL /* what one erase command clears */
#define PAIR(v)	     ((v) << 16 | (v))
#define READ_ARRAY   PAIR(0xffU)
#define READ_STATUS  PAIR(0x70U)
#define CLEAR_STATUS PAIR(0x50U)
#define ERASE	     PAIR(0x20U)
#define CONFIRM	     PAIR(0xd0U)
#define PROGRAM	     PAIR(0x40U)
#define QUERY	     PAIR(0x98U)
#define READY	     PAIR(0x80U)

#define RTC	     0x09010000UL
#define RTC_DR	     (RTC + 0x00)
#define RTC_MR	     (RTC + 0x04)
#define RTC_LR	     (RTC + 0x08)
#define RTC_CR	     (RTC + 0x0c)
#define RTC_IMSC     (RTC + 0x10)
#define RTC_RIS	     (RTC + 0x14)
#define RTC_ICR	     (RTC + 0x1c)
#define RTC_ID	     (RTC + 0xfe0)

static u32 get(u64 addr)
{
	return mmio_read32(addr);
}

static void put(u64 addr, u32 v)
{
	mmio_write32(addr, v);
}

/* Waits until both chips are ready; their status, and reads give data again. */
static u32 done(u64 block)
{
	u32 status;

	do {
		put(block, READ_STATUS);
		status = get(block);
	} while ((status & READY) != READY);
	put(block, CLEAR_STATUS);
	put(block, READ_ARRAY);
	return status;
}

static u32 erase(u64 block)
{
	put(block, ERASE);
	put(block, CONFIRM);
	return done(block);
}

static u32 program(u64 addr, u32 v)
{
	put(addr, PROGRAM);
	put(addr, v);
	return done(addr & ~(BLOCK - 1));
}

static void identity(void)
{
	u32 c[3];

	for (unsigned int bank = 0; bank < 2; bank++) {
		put(bank * BANK, QUERY);
		for (unsigned int i = 0; i < 3; i++)
			c[i] = get(bank * BANK + 4 * (0x10 + i)) & 0xff;
		printf("bank %u: query %c%c%c\n", bank, c[0], c[1], c[2]);
		put(bank * BANK, READ_ARRAY);
	}
	printf("clock:");
	for (u64 reg = RTC_ID; reg < RTC + 0x1000; reg += 4)
		printf(" %x", get(reg));
	printf("\n");
}

static void contents(void)
{
	u64 block = BANK + 3 * BLOCK;

	printf("erase: %x\n", erase(block));
	printf("erased: %x %x\n", get(block), get(block + BLOCK - 4));
	printf("program: %x\n", program(block + 8, 0x12345678));
	printf("programmed: %x %x %x\n", get(block + 4), get(block + 8), get(block + 12));
	put(block, QUERY);
	printf("a query hides it: %x\n", get(block + 8) != 0x12345678);
	put(block, READ_ARRAY);
	printf("and it is back: %x\n", get(block + 8));
	erase(block);
	printf("erased: %x\n", get(block + 8));
}

/* mov x0, #42; ret */
static void code(u64 block)
{
	erase(block);
	program(block, 0xd2800540);
	program(block + 4, 0xd65f03c0);
	asm volatile("ic iallu" : : : "memory");
	dsb(sy);
	isb(); /* what is fetched from here on is what was written */
	printf("run from flash: %lu\n", ((u64(*)(void))block)());
}

static void clock(void)
{
	u32 now = get(RTC_DR);

	printf("the clock is past 2020: %d\n", now > 1577836800);
	put(RTC_IMSC, 0);
	put(RTC_LR, 1000000);
	now = get(RTC_DR);
	printf("it was set: %d, it runs: %u\n", now >= 1000000 && now < 1000100, get(RTC_CR));
}

/* An alarm for now, through the GIC: a level that stays until it is cleared. */
static void alarm(void)
{
	unsigned int intid;

	/* This EL2 takes physical interrupts. */
	write_sysreg(read_sysreg(hcr_el2) | HCR_IMO, hcr_el2);
	isb();
	gic_init();
	gic_enable(SPI_RTC);
	printf("alarm pending: %u\n", get(RTC_RIS));
	put(RTC_IMSC, 1);
	while (!get(RTC_RIS))
		put(RTC_MR, get(RTC_DR));	/* again, if it has just moved on */
	do {
		intid = gic_ack();
	} while (intid == INTID_SPURIOUS);
	printf("alarm: interrupt %u, status %u, pending %u\n", intid, get(RTC_RIS),
	       gic_is_pending(intid));
	put(RTC_ICR, 1);
	gic_eoi(intid);
	printf("cleared: status %u, pending %u, active %u, then %u\n", get(RTC_RIS),
	       gic_is_pending(intid), gic_is_active(intid), gic_ack());
}

/* Written in one life, found in the next. */
static void reset(u64 block)
{
	if (get(block) == 0x600dc0de) {
		printf("found after the reset\n");
		return;
	}
	erase(block);
	program(block, 0x600dc0de);
	printf("reset\n");
	smccc(PSCI_SYSTEM_RESET, 0, 0, 0);
	fail("reset came back");
}

void guest_main(void)
{
	if (arg_is("how", "reset")) {
		reset(BANK + 4 * BLOCK);
	} else {
		identity();
		contents();
		code(BANK + 5 * BLOCK);
		clock();
		alarm();
	}
	check(true, "flash");
}
