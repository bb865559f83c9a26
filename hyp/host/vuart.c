// SPDX-License-Identifier: GPL-2.0-only
/*
 * PL011s for L1s, output only: the UART of an L1 that has not the machine's devices, and a second one for each
 * (vel2.uart1=on), which is what an L1 that is vel2 itself writes its records to. In the host.
 *
 * Lines come out as {"t":"uart0","vm":1,"line":..} and {"t":"uart1","line":..}: nothing that L1 says there can be
 * taken for L0's own. One vCPU's characters do not mix with another's as long as L1 sees to it that its own CPUs' do not.
 */
#include <gic.h>
#include <host.h>
#include <lock.h>
#include <log.h>
#include <options.h>
#include <run.h>
#include <uart.h>
#include <vgic.h>

#define UARTDR		0x00
#define UARTFR		0x18
#define UARTIMSC	0x38
#define UARTRIS		0x3c
#define UARTMIS		0x40
#define UARTICR		0x44
#define UARTPERIPHID0	0xfe0

#define FR_IDLE		0x90	/* TXFE | RXFE: all sent, nothing received */
#define INT_TX		BIT(5)
#define LINE_MAX	2048

struct vuart {
	u32 lock;
	u32 fill;
	bool sent;	/* UARTRIS.TXRIS: what was written is gone already */
	bool level;	/* of the interrupt */
	/* From UARTIBRD to UARTDMACR they keep what is written; something follows from UARTIMSC alone. */
	u32 regs[0x4c / 4];
	char line[LINE_MAX];
};

/* UART0 and UART1 of each L1. */
static struct vuart vuarts[MAX_VMS][2];

/* @more: the next record goes on with this line. */
static void flush_line(const struct kvm *kvm, unsigned int number, bool more)
{
	struct vuart *u = &vuarts[kvm->id][number];
	struct json j;

	json_begin(&j, number ? "uart1" : "uart0");
	json_vm(&j, kvm->id);
	json_strn(&j, "line", u->line, u->fill);
	if (more)
		json_bool(&j, "more", true);
	json_end(&j);
	u->fill = 0;
}

static void put(const struct kvm *kvm, unsigned int number, char c)
{
	struct vuart *u = &vuarts[kvm->id][number];

	if (c == '\r')
		return;
	if (c == '\n') {
		flush_line(kvm, number, false);
		return;
	}
	if (u->fill == LINE_MAX)
		flush_line(kvm, number, true);
	u->line[u->fill++] = c;
}

static u32 read_reg(const struct vuart *u, unsigned int off)
{
	/* PrimeCell identification: PL011 r1p4, then the fixed words. */
	static const u8 id[8] = { 0x11, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };

	if (off >= UARTPERIPHID0 && off < 0x1000)
		return id[(off - UARTPERIPHID0) / 4 % ARRAY_SIZE(id)];
	switch (off) {
	case UARTFR:
		return FR_IDLE;
	case UARTRIS:
		return u->sent ? INT_TX : 0;
	case UARTMIS:
		return u->sent ? INT_TX & u->regs[UARTIMSC / 4] : 0;
	}
	return off / 4 < ARRAY_SIZE(u->regs) ? u->regs[off / 4] : 0;
}

static void write_reg(const struct kvm *kvm, unsigned int number, unsigned int off, u32 val)
{
	struct vuart *u = &vuarts[kvm->id][number];

	if (off == UARTDR) {
		put(kvm, number, (char)val);
		u->sent = true;
	} else if (off == UARTICR) {
		u->sent = u->sent && !(val & INT_TX);
	} else if (off / 4 < ARRAY_SIZE(u->regs)) {
		u->regs[off / 4] = val;
	}
}

/* UART0's interrupt; UART1 has none. */
static void update_irq(struct kvm *kvm)
{
	struct vuart *u = &vuarts[kvm->id][0];
	bool level = read_reg(u, UARTMIS) != 0;

	if (level == u->level)
		return;
	u->level = level;
	vgic_set_irq(kvm, NULL, GIC_SPI_UART0, level);
}

/* Which UART is at @ipa; negative: none. */
static int uart_at(const struct kvm *kvm, ipa_t ipa)
{
	if ((ipa & ~0xfffULL) == plat.uart0 && !kvm->has_devices)
		return 0;
	return (ipa & ~0xfffULL) == L0_UART_BASE && opts.uart1 ? 1 : -1;
}

bool vuart_mmio(struct kvm_vcpu *vcpu, ipa_t ipa, bool is_write, unsigned int size, u64 *val)
{
	struct kvm *kvm = vcpu->kvm;
	int number = uart_at(kvm, ipa);
	unsigned int off = (unsigned int)(ipa & 0xfff);
	struct vuart *u;

	if (number < 0)
		return false;
	if (size > 4)
		return true;	/* the bus has 32 bits: RAZ/WI */
	u = &vuarts[kvm->id][number];
	lock(&u->lock);
	if (is_write)
		write_reg(kvm, (unsigned int)number, off, (u32)*val);
	else
		*val = read_reg(u, off & ~3U);
	if (!number)
		update_irq(kvm);
	unlock(&u->lock);
	return true;
}

void vuart_end(const struct kvm *kvm)
{
	for (unsigned int i = 0; i < 2; i++) {
		struct vuart *u = &vuarts[kvm->id][i];

		lock(&u->lock);
		if (u->fill)
			flush_line(kvm, i, false);
		unlock(&u->lock);
	}
}
