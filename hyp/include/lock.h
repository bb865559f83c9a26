/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A spinlock: a word, taken with interrupts masked. Works wherever the memory it lies in is Normal
 * cacheable, that is with L0's MMU on, and on the build machine.
 */
#ifndef LOCK_H
#define LOCK_H

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

#endif
