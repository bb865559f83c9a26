/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The lock of shadow/: a word, taken with interrupts masked. Works wherever the memory it lies in is
 * Normal cacheable, that is at EL2 with its MMU on, and on the build machine.
 */
#ifndef VEL2_SHADOW_LOCK_H
#define VEL2_SHADOW_LOCK_H

#include <types.h>

static inline void lock(u32 *l)
{
	while (__atomic_exchange_n(l, 1, __ATOMIC_ACQUIRE)) {
		while (__atomic_load_n(l, __ATOMIC_RELAXED))
			;
	}
}

static inline void unlock(u32 *l)
{
	__atomic_store_n(l, 0, __ATOMIC_RELEASE);
}

#endif /* VEL2_SHADOW_LOCK_H */
