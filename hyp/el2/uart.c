// SPDX-License-Identifier: GPL-2.0-only
/*
 * PL011 driver of L0's own serial port. Any EL, any context; no lock: log.c orders whole lines.
 *
 * Register offsets: Arm PL011 TRM (DDI 0183).
 */
#include <uart.h>

#define UARTDR		0x00
#define UARTFR		0x18
#define UARTLCR_H	0x2c
#define UARTCR		0x30
#define UARTIMSC	0x38
#define UARTICR		0x44

#define FR_RXFE		BIT(4)
#define FR_TXFF		BIT(5)
#define LCR_H_FEN	BIT(4)
#define LCR_H_WLEN8	(BIT(5) | BIT(6))
#define CR_UARTEN	BIT(0)
#define CR_TXE		BIT(8)
#define CR_RXE		BIT(9)
#define INT_RX		BIT(4)
#define INT_RT		BIT(6)	/* receive timeout: fewer bytes than the FIFO's trigger level */
#define INT_ALL		0x7ff

static u64 base __host_ro = L0_UART_BASE;

static u32 rd(unsigned int off)
{
	return *(volatile u32 *)(base + off);
}

static void wr(unsigned int off, u32 val)
{
	*(volatile u32 *)(base + off) = val;
}

void uart_init(u64 uart)
{
	base = uart;
	wr(UARTIMSC, 0);
	wr(UARTICR, INT_ALL);
	wr(UARTLCR_H, LCR_H_WLEN8 | LCR_H_FEN);
	wr(UARTCR, CR_UARTEN | CR_TXE | CR_RXE);
}

void uart_putc(char c)
{
	while (rd(UARTFR) & FR_TXFF)
		;
	wr(UARTDR, (u8)c);
}

int uart_getc(void)
{
	if (rd(UARTFR) & FR_RXFE)
		return -1;
	return rd(UARTDR) & 0xff;
}

void uart_enable_rx_irq(void)
{
	wr(UARTICR, INT_RX | INT_RT);
	wr(UARTIMSC, INT_RX | INT_RT);
}
