/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What an L1 kernel module is, and where everything of L1 goes.
 */
#ifndef LOADER_H
#define LOADER_H

#include <types.h>

#define L1_MAX_SEGMENTS	8

/* A piece of the file and where it is to be. File bytes are copied, the rest is zeroed (ELF only). */
struct l1_segment {
	u64 file_off, file_size;
	ipa_t dst;
	u64 mem_size;
};

struct l1_image {
	bool elf;
	ipa_t entry;
	unsigned int nr_segments;
	struct l1_segment seg[L1_MAX_SEGMENTS];
};

/*
 * Recognise and check the @size bytes at @data: an arm64 Image (goes where QEMU and U-Boot put it: @ram_base +
 * text_offset, 2 MiB further if that is less than a page) or an ELF64 executable for AArch64 (PT_LOAD
 * segments to their p_paddr). 0, or -ENOEXEC and one line in @err. Pure.
 */
int l1_image_parse(const void *data, u64 size, ipa_t ram_base, struct l1_image *img, char *err,
		   size_t errlen);

struct range {
	u64 base, size;
};

struct l1_place {
	/* in, all IPA */
	struct range ram;
	struct range module;	 /* the kernel module as it was loaded */
	struct range initrd;	 /* size 0: none; stays where it is */
	const struct range *modules; /* further ones; they stay where they are */
	unsigned int nr_modules;
	struct range l0_fdt;	 /* read until L1's tree is written */
	u64 fdt_size;
	/* out */
	ipa_t fdt;
};

/*
 * Check that the segments of @img, the initrd and the modules lie in RAM and apart from each other, and find a place for
 * L1's tree that overlaps nothing. 0, or -ENOSPC and one line in @err. Pure.
 */
int l1_place(const struct l1_image *img, struct l1_place *pl, char *err, size_t errlen);

#endif
