// SPDX-License-Identifier: GPL-2.0-only
/* unit: hyp/host/loader.c -Ihyp/include */
/* L1 kernels: good ones, damaged ones, and where they and the rest go. */
#include <elf64.h>
#include <loader.h>
#include <string.h>

#include "check.h"

#define RAM	0x40000000ULL
#define IMAGE	0x644d5241U

static struct l1_image img;
static char err[256];

/* Exact-size copies: the sanitizer sees every byte too far. */
static int parse(const void *data, size_t size)
{
	void *copy = malloc(size ? size : 1);
	int ret;

	memcpy(copy, data, size);
	ret = l1_image_parse(copy, size, RAM, &img, err, sizeof(err));
	free(copy);
	return ret;
}

static void put(unsigned char *p, unsigned long long v, int n)
{
	while (n--) {
		*p++ = (unsigned char)v;
		v >>= 8;
	}
}

static void make_image(unsigned char *p, u64 offset, u64 size, u64 flags)
{
	memset(p, 0, 64);
	put(p + 8, offset, 8);
	put(p + 16, size, 8);
	put(p + 24, flags, 8);
	put(p + 56, IMAGE, 4);
}

static void images(void)
{
	unsigned char p[4096] = { 0 };

	make_image(p, 0, 0x10000, 0xa);
	CHECK(!parse(p, sizeof(p)));
	CHECK(img.nr_segments == 1 && img.entry == RAM + 0x200000 && !img.elf);
	CHECK(img.seg[0].dst == img.entry && img.seg[0].mem_size == 0x10000);
	make_image(p, 0x80000, 0, 0xa);
	CHECK(!parse(p, sizeof(p)) && img.entry == RAM + 0x80000 && img.seg[0].mem_size == 4096);
	make_image(p, 0x80000, 64, 0xa);
	CHECK(!parse(p, sizeof(p)) && img.seg[0].mem_size == 4096);
	CHECK(!parse(p, 64));
	CHECK(parse(p, 63) < 0);
	CHECK(parse(p, 0) < 0);
	make_image(p, 0, 0x10000, 1);
	CHECK(parse(p, sizeof(p)) < 0 && strstr(err, "big-endian"));
	make_image(p, ~0ULL, 0x10000, 0xa);
	CHECK(parse(p, sizeof(p)) < 0 && strstr(err, "damaged"));
	make_image(p, 0, ~0ULL, 0xa);
	CHECK(parse(p, sizeof(p)) < 0 && strstr(err, "damaged"));
	memset(p, 0x1f, 64); /* gzip, say */
	CHECK(parse(p, sizeof(p)) < 0 && strstr(err, "neither"));
}

static void make_elf(unsigned char *p, unsigned int segments)
{
	struct elf64_ehdr eh = { .e_ident = "\177ELF\2\1\1", .e_type = ET_EXEC, .e_machine = EM_AARCH64,
				 .e_entry = 0xffff000000000010, .e_phoff = 64,
				 .e_phentsize = sizeof(struct elf64_phdr),
				 .e_phnum = (u16)segments };
	unsigned int i;

	memcpy(p, &eh, sizeof(eh));
	for (i = 0; i < segments; i++) {
		struct elf64_phdr ph = { .p_type = PT_LOAD, .p_offset = 0x1000,
					 .p_vaddr = 0xffff000000000000 + i * 0x10000,
					 .p_paddr = RAM + 0x200000 + i * 0x10000,
					 .p_filesz = 0x100, .p_memsz = 0x1000 };

		memcpy(p + 64 + i * sizeof(ph), &ph, sizeof(ph));
	}
}

static struct elf64_phdr *phdr(unsigned char *p, unsigned int i)
{
	return (struct elf64_phdr *)(p + 64) + i;
}

static void elfs(void)
{
	static unsigned char p[0x2000] __attribute__((aligned(8)));
	struct elf64_ehdr *eh = (struct elf64_ehdr *)p;

	make_elf(p, 2);
	CHECK(!parse(p, sizeof(p)));
	CHECK(img.elf && img.nr_segments == 2 && img.entry == RAM + 0x200010);
	CHECK(img.seg[1].dst == RAM + 0x210000 && img.seg[1].file_off == 0x1000);
	CHECK(parse(p, 0x1050) < 0); /* truncated: in a segment */
	CHECK(parse(p, 100) < 0);    /* in the program headers */
	make_elf(p, L1_MAX_SEGMENTS + 1);
	CHECK(parse(p, sizeof(p)) < 0 && strstr(err, "more than"));
	make_elf(p, 1);
	phdr(p, 0)->p_filesz = 0x2000;
	CHECK(parse(p, sizeof(p)) < 0);
	make_elf(p, 1);
	phdr(p, 0)->p_offset = ~0ULL;
	CHECK(parse(p, sizeof(p)) < 0);
	make_elf(p, 1);
	phdr(p, 0)->p_memsz = ~0ULL;
	CHECK(parse(p, sizeof(p)) < 0);
	make_elf(p, 1);
	eh->e_entry = 0x10;
	CHECK(parse(p, sizeof(p)) < 0 && strstr(err, "entry point"));
	make_elf(p, 1);
	eh->e_phoff = ~0ULL - 8;
	CHECK(parse(p, sizeof(p)) < 0);
	make_elf(p, 1);
	eh->e_machine = 62;
	CHECK(parse(p, sizeof(p)) < 0 && strstr(err, "AArch64"));
	make_elf(p, 0);
	CHECK(parse(p, sizeof(p)) < 0);
}

static struct l1_place typical(u64 ram)
{
	struct l1_place pl = {
		.ram = { RAM, ram },
		.module = { RAM + 0x200000, 0x100000 },
		.l0_fdt = { RAM + 0x7a00000, 0x10000 },
		.fdt_size = 0x10000,
	};

	return pl;
}

static bool apart(u64 a, u64 an, u64 b, u64 bn)
{
	return !an || !bn || a + an <= b || b + bn <= a;
}

static int place(struct l1_place *pl)
{
	int ret = l1_place(&img, pl, err, sizeof(err));

	if (ret)
		return ret;
	CHECK(pl->fdt >= pl->ram.base && pl->fdt + pl->fdt_size <= pl->ram.base + pl->ram.size);
	CHECK(apart(pl->fdt, pl->fdt_size, pl->initrd.base, pl->initrd.size));
	CHECK(apart(pl->fdt, pl->fdt_size, pl->module.base, pl->module.size));
	CHECK(apart(pl->fdt, pl->fdt_size, pl->l0_fdt.base, pl->l0_fdt.size));
	CHECK(apart(pl->fdt, pl->fdt_size, img.seg[0].dst, img.seg[0].mem_size));
	CHECK(!(pl->fdt & 7));
	return 0;
}

static void places(void)
{
	unsigned char p[4096] = { 0 };
	struct l1_place pl = typical(1ULL << 30);

	make_image(p, 0, 0x200000, 0xa);
	CHECK(!parse(p, sizeof(p)));
	CHECK(!place(&pl) && pl.fdt == RAM + 0x8000000);
	pl = typical(1ULL << 30);
	pl.initrd = (struct range){ RAM + 0x7e00000, 190 << 20 };
	CHECK(!place(&pl) && pl.fdt > RAM + 0x8000000);
	pl.initrd = (struct range){ RAM + 0x7e00000, (1ULL << 30) - 0x7e00000 };
	CHECK(!place(&pl) && pl.fdt < RAM + 0x7e00000);
	pl.initrd.size++;
	CHECK(place(&pl) < 0 && strstr(err, "initrd does not fit"));
	pl.initrd = (struct range){ ~0ULL - 4096, 8192 };
	CHECK(place(&pl) < 0);
	pl.initrd = (struct range){ RAM + 0x300000, 4096 };
	CHECK(place(&pl) < 0 && strstr(err, "initrd"));
	pl = typical(32 << 20);
	CHECK(!place(&pl));
	pl = typical(4 << 20);
	CHECK(!place(&pl) && pl.fdt == RAM);
	pl = typical(3 << 20);
	CHECK(place(&pl) < 0 && strstr(err, "does not fit"));
	pl = typical(1 << 30);
	pl.modules = (struct range[]){ { RAM + 0x8000000, 0x300000 }, { RAM + 0x9000000, 4096 } };
	pl.nr_modules = 2;
	CHECK(!place(&pl) && pl.fdt == RAM + 0x8400000);
	pl.modules = &(struct range){ RAM + 0x3ff000, 4096 };
	pl.nr_modules = 1;
	CHECK(place(&pl) < 0 && strstr(err, "where a module"));
	pl.modules = &(struct range){ ~0ULL - 4095, 4096 };
	CHECK(place(&pl) < 0 && strstr(err, "does not lie"));
	pl = typical(1 << 30);
	img.elf = true;
	pl.module.base = RAM + 0x10000000;
	CHECK(!place(&pl) && pl.fdt == RAM);
	img.elf = false;
	pl = typical(1 << 30);
	pl.module.base = RAM - 4096;
	CHECK(place(&pl) < 0 && strstr(err, "module"));
}

/* Damage headers in every way a byte can: nothing may read outside, nor accept what does not fit. */
static void fuzz(void)
{
	unsigned long long seed = 88172645463325252ULL;
	static unsigned char good[0x1200], p[0x1200];
	struct l1_place pl;
	unsigned int i, k;

	for (i = 0; i < 200000; i++) {
		if (i & 1)
			make_elf(good, 3);
		else
			make_image(good, 0x80000, 0x8000, 0xa);
		memcpy(p, good, sizeof(p));
		for (k = unit_random(&seed) % 4 + 1; k; k--)
			p[unit_random(&seed) % 240] = (unsigned char)unit_random(&seed);
		if (parse(p, sizeof(p)))
			continue;
		for (k = 0; k < img.nr_segments; k++) {
			CHECK(img.seg[k].file_off + img.seg[k].file_size <= sizeof(p));
			CHECK(img.seg[k].file_size <= img.seg[k].mem_size);
		}
		pl = typical(64 << 20);
		if (place(&pl))
			continue;
		for (k = 0; k < img.nr_segments; k++)
			CHECK(img.seg[k].dst >= RAM &&
			      img.seg[k].dst + img.seg[k].mem_size <= RAM + (64 << 20));
	}
}

int main(void)
{
	images();
	elfs();
	places();
	fuzz();
	return 0;
}
