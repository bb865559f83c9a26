/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * L0's own PL011, the machine's second one. Polled for output; input raises its interrupt.
 * At EL1 and EL2, MMU on or off.
 */
#ifndef UART_H
#define UART_H

#include <types.h>

#define L0_UART_BASE	0x09040000UL
#define L0_UART_SIZE	0x1000UL
#define L0_UART_SPI	8	/* INTID 32 + 8 */

/* Speak on the PL011 at @uart (PA): L0's own, or, to say that there is none, any other. */
void uart_init(u64 uart);
/* Waits for room in the FIFO. */
void uart_putc(char c);
/* The next byte received, -1 if there is none. */
int uart_getc(void);
/* Raise the interrupt when a byte arrives. */
void uart_enable_rx_irq(void);

#endif
