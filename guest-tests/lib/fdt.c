// SPDX-License-Identifier: GPL-2.0-only
/* Finds /chosen/bootargs in a flattened device tree; every offset is checked against totalsize. */
#include "lib.h"

#define FDT_MAGIC	0xd00dfeed
#define FDT_BEGIN_NODE	1
#define FDT_END_NODE	2
#define FDT_PROP	3
#define FDT_NOP		4

static u32 be32(const u8 *p)
{
	return (u32)p[0] << 24 | (u32)p[1] << 16 | (u32)p[2] << 8 | p[3];
}

const char *fdt_bootargs(const void *dtb)
{
	const u8 *base = dtb;
	const u8 *p, *end, *strings;
	bool in_chosen = false;
	int depth = 0;

	if (!base || ((u64)base & 7) || be32(base) != FDT_MAGIC)
		return "";
	p = base + be32(base + 8);
	strings = base + be32(base + 12);
	end = p + be32(base + 36);
	if (end > base + be32(base + 4))
		return "";

	while (p + 4 <= end) {
		u32 tag = be32(p);

		p += 4;
		if (tag == FDT_BEGIN_NODE) {
			in_chosen = ++depth == 2 && !strcmp((const char *)p, "chosen");
			p += ALIGN_UP(strlen((const char *)p) + 1, 4);
		} else if (tag == FDT_END_NODE) {
			depth--;
			in_chosen = false;
		} else if (tag == FDT_PROP) {
			const char *name = (const char *)strings + be32(p + 4);

			if (in_chosen && !strcmp(name, "bootargs"))
				return (const char *)p + 8;
			p += 8 + ALIGN_UP(be32(p), 4);
		} else if (tag != FDT_NOP) {
			break;
		}
	}
	return "";
}
