// SPDX-License-Identifier: GPL-2.0-only
/* See fake_cpu.h. */
#include "unit.h"

#define NAMES 256

u32 fake_caps;
u64 fake_at;

static struct {
	const char *name;
	u64 val;
} by_name[NAMES];
static u64 by_enc[1 << 16];

u64 *fake_reg(const char *name)
{
	for (unsigned int i = 0; i < NAMES; i++) {
		if (!by_name[i].name)
			by_name[i].name = name;
		if (!strcmp(by_name[i].name, name))
			return &by_name[i].val;
	}
	CHECK(!"more names than fit");
	return NULL;
}

u64 *fake_reg_s(u32 enc)
{
	CHECK(enc < ARRAY_SIZE(by_enc));
	return &by_enc[enc];
}
