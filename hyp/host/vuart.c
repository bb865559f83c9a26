// SPDX-License-Identifier: GPL-2.0-only
/*
 * A second PL011 for L1, output only: what an L1 that is vel2 itself writes its records to. In the
 * host.
 *
 * Lines come out as {"t":"uart1","line":..}: nothing that L1 says there can be taken for L0's own. One
 * vCPU's characters do not mix with another's as long as L1 sees to it that its own CPUs' do not.
 */
#include <host.h>
#include <log.h>
#include <options.h>
#include <run.h>
#include <uart.h>

#define UARTDR		0x00
#define UARTFR		0x18
#define UARTPERIPHID0	0xfe0

#define FR_IDLE		0x90	/* TXFE | RXFE: all sent, nothing received */
#define LINE_MAX	2048

static char line[LINE_MAX];
static unsigned int fill;
/* From UARTIBRD to UARTDMACR they keep what is written; nothing follows from it. */
static u32 regs[0x4c / 4];

/* @more: the next record goes on with this line. */
static void flush_line(bool more)
{
	struct json j;

	json_begin(&j, "uart1");
	json_strn(&j, "line", line, fill);
	if (more)
		json_bool(&j, "more", true);
	json_end(&j);
	fill = 0;
}

static void put(char c)
{
	if (c == '\r')
		return;
	if (c == '\n') {
		flush_line(false);
		return;
	}
	if (fill == LINE_MAX)
		flush_line(true);
	line[fill++] = c;
}

static u32 read_reg(unsigned int off)
{
	/* PrimeCell identification: PL011 r1p4, then the fixed words. */
	static const u8 id[8] = { 0x11, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };

	if (off >= UARTPERIPHID0 && off < 0x1000)
		return id[(off - UARTPERIPHID0) / 4 % ARRAY_SIZE(id)];
	if (off == UARTFR)
		return FR_IDLE;
	return off / 4 < ARRAY_SIZE(regs) ? regs[off / 4] : 0;
}

bool vuart_mmio(u64 ipa, bool is_write, unsigned int size, u64 *val)
{
	unsigned int off = (unsigned int)(ipa & 0xfff);

	if ((ipa & ~0xfffULL) != L0_UART_BASE || !opts.uart1)
		return false;
	if (size > 4)
		return true;	/* the bus has 32 bits: RAZ/WI */
	if (!is_write)
		*val = read_reg(off & ~3U);
	else if (off == UARTDR)
		put((char)*val);
	else if (off / 4 < ARRAY_SIZE(regs))
		regs[off / 4] = (u32)*val;
	return true;
}
