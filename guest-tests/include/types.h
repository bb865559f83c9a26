/* SPDX-License-Identifier: GPL-2.0-only */
/* Fixed-width types and small macros of every guest program; freestanding. */
#ifndef GUEST_TYPES_H
#define GUEST_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int64_t s64;

#define BIT(n)			(1UL << (n))
#define MASK(hi, lo)		(((~0UL) << (lo)) & (~0UL >> (63 - (hi))))
#define FIELD(v, hi, lo)	(((u64)(v) & MASK(hi, lo)) >> (lo))
#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))
#define ALIGN_UP(v, a)		(((v) + (a) - 1) & ~((u64)(a) - 1))
#define SZ_4K			0x1000UL
#define SZ_16K			0x4000UL
#define SZ_64K			0x10000UL
#define SZ_2M			0x200000UL
#define SZ_1G			0x40000000UL

#endif
