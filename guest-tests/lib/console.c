// SPDX-License-Identifier: GPL-2.0-only
/* PL011 at the virt machine's first UART; polled, works with the MMU off and on. */
#include "lib.h"

#define UART_BASE	0x09000000UL
#define UART_DR		0x00
#define UART_FR		0x18
#define UART_FR_TXFF	BIT(5)

static volatile u32 *uart(unsigned int reg)
{
	return (volatile u32 *)(UART_BASE + reg);
}

void putc(char c)
{
	if (c == '\n')
		putc('\r');
	while (*uart(UART_FR) & UART_FR_TXFF)
		;
	*uart(UART_DR) = (u8)c;
}
