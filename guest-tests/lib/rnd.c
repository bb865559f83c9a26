// SPDX-License-Identifier: GPL-2.0-only
/* Numbers that look random and are the same each time. */
#include "lib.h"

u64 rnd_seed = 0x9e3779b97f4a7c15;

u64 rnd(void)
{
	rnd_seed ^= rnd_seed << 13;
	rnd_seed ^= rnd_seed >> 7;
	rnd_seed ^= rnd_seed << 17;
	return rnd_seed * 0x2545f4914f6cdd1dUL;
}
