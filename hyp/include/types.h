/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Basic types of L0, and the address spaces that must never be mixed up.
 *
 * Compiles alone, for arm64 (freestanding) and for the build machine (unit tests).
 */
#ifndef VEL2_TYPES_H
#define VEL2_TYPES_H

#ifndef __ASSEMBLER__

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <compiler.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;

/* 64 bits are "long long" on every compiler we use, so that one printf format serves all. */
typedef unsigned long long u64;
typedef long long s64;

/*
 * Address spaces. The names are the check: a function says which one it takes, and a conversion
 * happens only in a function whose name says so.
 */
typedef u64 va_t;    /* a virtual address of some guest level; the context says of which */
typedef u64 l2ipa_t; /* output of L2's stage 1, input of the stage 2 that L1 wrote */
typedef u64 ipa_t;   /* L1's "physical" address: output of L1's stage 2, input of L0's stage 2 */
typedef u64 pa_t;    /* what the bus sees; equal to L0's own virtual addresses */

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define container_of(ptr, type, member) ((type *)((char *)(ptr) - offsetof(type, member)))

#endif /* !__ASSEMBLER__ */

#ifdef __ASSEMBLER__
#define BIT(n) (1 << (n))
#else
#define BIT(n) (1ULL << (n))
#endif

/* Bits h..l set, both included; h and l below 64. */
#define GENMASK_ULL(h, l) (((~0ULL) >> (63 - (h))) & ((~0ULL) << (l)))

/* Field of a register described by its mask: taken out, and put in. */
#define FIELD_GET(mask, reg) (((u64)(reg) & (mask)) >> __builtin_ctzll(mask))
#define FIELD_PREP(mask, val) (((u64)(val) << __builtin_ctzll(mask)) & (mask))

/* a is a power of two. */
#define ALIGN_DOWN(x, a) ((x) & ~((__typeof__(x))(a) - 1))
#define ALIGN_UP(x, a) ALIGN_DOWN((x) + ((__typeof__(x))(a) - 1), a)
#define IS_ALIGNED(x, a) (((x) & ((__typeof__(x))(a) - 1)) == 0)

#define SZ_4K 0x1000ULL
#define SZ_16K 0x4000ULL
#define SZ_64K 0x10000ULL
#define SZ_2M 0x200000ULL
#define SZ_1G 0x40000000ULL

#endif /* VEL2_TYPES_H */
