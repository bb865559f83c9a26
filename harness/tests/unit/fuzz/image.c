// SPDX-License-Identifier: GPL-2.0-only
/*
 * An L1 of any bytes: recognised, placed, and searched for what mechanism pv must rewrite. Nothing is read outside of
 * the file, nothing placed outside of L1's RAM, and no two things at one place.
 *
 * unit: harness/tests/unit/unit.c hyp/host/loader.c hyp/host/pv.c -idirafter hyp/include
 */
#include "fuzz.h"

#include <loader.h>
#include <pv.h>

#define RAM 0x40000000ULL

static const u8 *file;
static size_t file_size;

static int check_insn(void *ctx, u64 off, u32 insn)
{
	u32 is;

	(void)ctx;
	CHECK(off % 4 == 0 && off <= file_size && file_size - off >= 4);
	memcpy(&is, file + off, 4);
	CHECK_EQ(insn, is);
	return 0;
}

static bool apart(struct range a, struct range b)
{
	return !a.size || !b.size || a.base + a.size <= b.base || b.base + b.size <= a.base;
}

static void check_place(const struct l1_image *img, const struct l1_place *pl)
{
	struct range tree = { pl->fdt, pl->fdt_size };

	CHECK(tree.base >= RAM && tree.base + tree.size <= RAM + pl->ram.size &&
	      tree.base % 8 == 0);
	CHECK(apart(tree, pl->initrd) && apart(tree, pl->module) && apart(tree, pl->l0_fdt));
	for (unsigned int i = 0; i < img->nr_segments; i++) {
		struct range seg = { img->seg[i].dst, img->seg[i].mem_size };

		CHECK(seg.base >= RAM && seg.size <= pl->ram.size);
		CHECK(seg.base - RAM <= pl->ram.size - seg.size);
		CHECK(apart(seg, tree) && apart(seg, pl->initrd));
		for (unsigned int k = 0; k < i; k++)
			CHECK(apart(seg, (struct range){ img->seg[k].dst, img->seg[k].mem_size }));
	}
}

/* The first 8 bytes say what else is in RAM; the rest is the file. */
int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct input in = { data, data + size };
	struct l1_place pl = { .ram = { RAM, (1 + take(&in, 2)) << 18 } };
	struct opt_range code = { .start = (u32)take(&in, 1) };
	const struct pv_finder finder = { .insn = check_insn };
	struct l1_image img;
	char err[256] = "";
	u8 *copy;

	pl.initrd = (struct range){ RAM + (take(&in, 2) << 16), take(&in, 1) << 20 };
	pl.fdt_size = 0x20000;
	code.end = code.start + 4 + (u32)take(&in, 2);
	file_size = (size_t)(in.end - in.at);
	pl.module = (struct range){ RAM + 0x200000, file_size };
	pl.l0_fdt = (struct range){ RAM + pl.ram.size - 0x100000, 0x10000 };
	file = copy = malloc(file_size ? file_size : 1);
	memcpy(copy, in.at, file_size);
	if (l1_image_parse(file, file_size, RAM, &img, err, sizeof(err))) {
		CHECK(err[0] && !strchr(err, '\n'));
	} else {
		CHECK(img.nr_segments && img.nr_segments <= L1_MAX_SEGMENTS);
		for (unsigned int i = 0; i < img.nr_segments; i++) {
			CHECK(img.seg[i].file_size <= img.seg[i].mem_size);
			CHECK(img.seg[i].file_off <= file_size);
			CHECK(img.seg[i].file_size <= file_size - img.seg[i].file_off);
		}
		if (l1_place(&img, &pl, err, sizeof(err)))
			CHECK(err[0] && !strchr(err, '\n'));
		else
			check_place(&img, &pl);
	}
	pv_find_elf(file, file_size, &finder, err, sizeof(err));
	pv_find_image(file, file_size, &code, 1, true, &finder, err, sizeof(err));
	pv_find_image(file, file_size, &code, 1, false, &finder, err, sizeof(err));
	free(copy);
	return 0;
}
