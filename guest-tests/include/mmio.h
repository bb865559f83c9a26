/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Device registers. One plain load or store each, without write-back: only those give a hypervisor
 * a syndrome (ESR_ELx.ISV) that it can emulate from (R_KMRZF).
 */
#ifndef MMIO_H
#define MMIO_H

#include "types.h"

static inline u32 mmio_read32(u64 addr)
{
	u32 val;

	asm volatile("ldr %w0, [%1]" : "=r"(val) : "r"(addr) : "memory");
	return val;
}

static inline void mmio_write32(u64 addr, u32 val)
{
	asm volatile("str %w0, [%1]" : : "rZ"(val), "r"(addr) : "memory");
}

static inline u8 mmio_read8(u64 addr)
{
	u8 val;

	asm volatile("ldrb %w0, [%1]" : "=r"(val) : "r"(addr) : "memory");
	return val;
}

static inline u16 mmio_read16(u64 addr)
{
	u16 val;

	asm volatile("ldrh %w0, [%1]" : "=r"(val) : "r"(addr) : "memory");
	return val;
}

static inline void mmio_write16(u64 addr, u16 val)
{
	asm volatile("strh %w0, [%1]" : : "rZ"(val), "r"(addr) : "memory");
}

static inline void mmio_write8(u64 addr, u8 val)
{
	asm volatile("strb %w0, [%1]" : : "rZ"(val), "r"(addr) : "memory");
}

#endif
