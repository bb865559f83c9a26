// SPDX-License-Identifier: GPL-2.0-only
/*
 * L1's kernel: what it is, whether it may be believed, and where everything goes.
 *
 * Pure: also runs on the build machine. The file may be hostile: every number from it is checked
 * before it is added to anything.
 */
#include <elf64.h>
#include <errno.h>
#include <loader.h>
#include <log.h>
#include <string.h>

/* Documentation/arch/arm64/booting.rst (Linux): the 64 bytes before an Image. Little endian. */
struct image_header {
	u32 code[2];
	u64 text_offset;
	u64 image_size;	/* from the first byte to the end of BSS; 0 in kernels before 3.17 */
	u64 flags;	/* bit 0: big endian */
	u64 res[3];
	u32 magic;
	u32 pe;
};
_Static_assert(sizeof(struct image_header) == 64, "Image header");

#define IMAGE_MAGIC	0x644d5241U	/* "ARM\x64" */
#define IMAGE_BE	BIT(0)

static bool in_range(u64 base, u64 size, const struct range *r)
{
	return base >= r->base && size <= r->size && base - r->base <= r->size - size;
}

static bool overlap(const struct range *a, const struct range *b)
{
	return a->size && b->size && a->base < b->base + b->size && b->base < a->base + a->size;
}

static int parse_image(const struct image_header *h, u64 size, ipa_t ram_base,
		       struct l1_image *img, char *err, size_t errlen)
{
	u64 extent = h->image_size > size ? h->image_size : size;
	u64 offset = h->text_offset;

	if (h->flags & IMAGE_BE) {
		snprintf(err, errlen, "L1 kernel is a big-endian Image: not supported");
		return -ENOEXEC;
	}
	if (offset >= SZ_2M || offset & 0xfff || extent > 1ULL << 40) {
		snprintf(err, errlen, "L1 kernel's Image header is damaged: text_offset 0x%llx, image_size 0x%llx",
			 offset, h->image_size);
		return -ENOEXEC;
	}
	if (offset < SZ_4K)
		offset += SZ_2M;
	*img = (struct l1_image){
		.entry = ram_base + offset,
		.nr_segments = 1,
		.seg[0] = { 0, size, ram_base + offset, extent },
	};
	return 0;
}

/* False if the segment's numbers cannot be meant, with the file @size bytes long. */
static bool segment_sane(const struct elf64_phdr *ph, u64 size)
{
	return ph->p_filesz <= ph->p_memsz && ph->p_offset <= size &&
	       ph->p_filesz <= size - ph->p_offset && ph->p_paddr + ph->p_memsz >= ph->p_paddr;
}

static int add_segment(const struct elf64_phdr *ph, u64 size, struct l1_image *img, char *err,
		       size_t errlen)
{
	if (ph->p_type != PT_LOAD || !ph->p_memsz)
		return 0;
	if (!segment_sane(ph, size)) {
		snprintf(err, errlen, "L1 kernel's ELF file is damaged: a segment is outside of the file");
		return -ENOEXEC;
	}
	if (img->nr_segments == L1_MAX_SEGMENTS) {
		snprintf(err, errlen, "L1 kernel's ELF file has more than %d segments",
			 L1_MAX_SEGMENTS);
		return -ENOEXEC;
	}
	img->seg[img->nr_segments++] =
		(struct l1_segment){ ph->p_offset, ph->p_filesz, ph->p_paddr, ph->p_memsz };
	return 0;
}

static bool executable_here(const struct elf64_ehdr *eh)
{
	return eh->e_ident[EI_CLASS] == ELFCLASS64 && eh->e_ident[EI_DATA] == ELFDATA2LSB &&
	       eh->e_type == ET_EXEC && eh->e_machine == EM_AARCH64;
}

/* The entry point is a virtual address: where its segment goes says which physical one. */
static bool find_entry(const struct elf64_phdr *ph, u64 entry, ipa_t *out)
{
	if (ph->p_type != PT_LOAD || entry < ph->p_vaddr || entry - ph->p_vaddr >= ph->p_memsz)
		return false;
	*out = ph->p_paddr + (entry - ph->p_vaddr);
	return true;
}

static int parse_elf(const u8 *data, u64 size, struct l1_image *img, char *err, size_t errlen)
{
	struct elf64_ehdr eh;
	struct elf64_phdr ph;
	bool have_entry = false;
	unsigned int i;
	int ret;

	memcpy(&eh, data, sizeof(eh));
	if (!executable_here(&eh)) {
		snprintf(err, errlen,
			 "L1 kernel is an ELF file, but no little-endian AArch64 executable");
		return -ENOEXEC;
	}
	if (eh.e_phentsize != sizeof(ph) || eh.e_phoff > size ||
	    (u64)eh.e_phnum * sizeof(ph) > size - eh.e_phoff) {
		snprintf(err, errlen, "L1 kernel's ELF file is damaged: program headers");
		return -ENOEXEC;
	}
	*img = (struct l1_image){ .elf = true };
	for (i = 0; i < eh.e_phnum; i++) {
		memcpy(&ph, data + eh.e_phoff + i * sizeof(ph), sizeof(ph));
		ret = add_segment(&ph, size, img, err, errlen);
		if (ret)
			return ret;
		have_entry = have_entry || find_entry(&ph, eh.e_entry, &img->entry);
	}
	if (have_entry)
		return 0;
	snprintf(err, errlen, "L1 kernel's ELF file has no segment with its entry point 0x%llx",
		 (u64)eh.e_entry);
	return -ENOEXEC;
}

int l1_image_parse(const void *data, u64 size, ipa_t ram_base, struct l1_image *img, char *err,
		   size_t errlen)
{
	struct image_header h;

	if (size >= sizeof(h)) {
		memcpy(&h, data, sizeof(h));
		if (h.magic == IMAGE_MAGIC)
			return parse_image(&h, size, ram_base, img, err, errlen);
		if (!memcmp(data, ELFMAG, SELFMAG))
			return parse_elf(data, size, img, err, errlen);
	}
	snprintf(err, errlen,
		 "L1 kernel is neither an arm64 Image nor an ELF file (a compressed Image must be unpacked first)");
	return -ENOEXEC;
}

static int check_segment(const struct l1_image *img, unsigned int i, const struct l1_place *pl,
			 char *err, size_t errlen)
{
	const struct l1_segment *s = &img->seg[i];
	struct range r = { s->dst, s->mem_size }, o;
	unsigned int k;

	if (!in_range(r.base, r.size, &pl->ram)) {
		snprintf(err, errlen,
			 "L1 kernel does not fit: it needs 0x%llx-0x%llx, L1's memory is 0x%llx-0x%llx (give it more with --mem)",
			 r.base, r.base + r.size, pl->ram.base, pl->ram.base + pl->ram.size);
		return -ENOSPC;
	}
	if (overlap(&r, &pl->initrd)) {
		snprintf(err, errlen,
			 "L1 kernel needs 0x%llx-0x%llx, where the initrd (0x%llx-0x%llx) lies: load that higher",
			 r.base, r.base + r.size, pl->initrd.base,
			 pl->initrd.base + pl->initrd.size);
		return -ENOSPC;
	}
	for (k = 0; k < pl->nr_modules; k++) {
		if (!overlap(&r, &pl->modules[k]))
			continue;
		snprintf(err, errlen,
			 "L1 kernel needs 0x%llx-0x%llx, where a module (0x%llx-0x%llx) lies: load that higher",
			 r.base, r.base + r.size, pl->modules[k].base,
			 pl->modules[k].base + pl->modules[k].size);
		return -ENOSPC;
	}
	/* An Image is moved as a whole; the segments of an ELF file are copied one by one out of it. */
	if (img->elf && overlap(&r, &pl->module)) {
		snprintf(err, errlen,
			 "L1 kernel's ELF file lies at 0x%llx-0x%llx, where its segment 0x%llx-0x%llx goes: load the file elsewhere",
			 pl->module.base, pl->module.base + pl->module.size, r.base,
			 r.base + r.size);
		return -ENOSPC;
	}
	for (k = 0; k < i; k++) {
		o = (struct range){ img->seg[k].dst, img->seg[k].mem_size };
		if (overlap(&r, &o)) {
			snprintf(err, errlen, "L1 kernel's ELF file has overlapping segments");
			return -ENOSPC;
		}
	}
	return 0;
}

static bool fdt_fits(const struct l1_image *img, const struct l1_place *pl, ipa_t at)
{
	struct range r = { at, pl->fdt_size }, o;
	unsigned int i;

	if (!in_range(at, pl->fdt_size, &pl->ram) || overlap(&r, &pl->initrd) ||
	    overlap(&r, &pl->module) || overlap(&r, &pl->l0_fdt))
		return false;
	for (i = 0; i < pl->nr_modules; i++) {
		if (overlap(&r, &pl->modules[i]))
			return false;
	}
	for (i = 0; i < img->nr_segments; i++) {
		o = (struct range){ img->seg[i].dst, img->seg[i].mem_size };
		if (overlap(&r, &o))
			return false;
	}
	return true;
}

/*
 * L1's tree goes where QEMU would put it, 128 MiB into RAM or in the middle of a small one, or to the first
 * free place above; below only if there is none. 2 MiB apart: Linux maps it with one block.
 */
static int place_fdt(const struct l1_image *img, struct l1_place *pl)
{
	u64 want = pl->ram.size > 128 * SZ_2M ? 64 * SZ_2M : ALIGN_DOWN(pl->ram.size / 2, SZ_2M);
	u64 off, steps = pl->ram.size / SZ_2M;

	/* An ELF file gets no address of a tree from QEMU's own loader: it looks where RAM begins. */
	if (img->elf && fdt_fits(img, pl, pl->ram.base)) {
		pl->fdt = pl->ram.base;
		return 0;
	}
	for (off = want; off < pl->ram.size; off += SZ_2M) {
		if (fdt_fits(img, pl, pl->ram.base + off)) {
			pl->fdt = pl->ram.base + off;
			return 0;
		}
	}
	for (off = want; steps && off >= SZ_2M; steps--) {
		off -= SZ_2M;
		if (fdt_fits(img, pl, pl->ram.base + off)) {
			pl->fdt = pl->ram.base + off;
			return 0;
		}
	}
	return -ENOSPC;
}

int l1_place(const struct l1_image *img, struct l1_place *pl, char *err, size_t errlen)
{
	unsigned int i;
	int ret;

	if (!in_range(pl->module.base, pl->module.size, &pl->ram)) {
		snprintf(err, errlen, "L1 kernel module lies outside of L1's memory");
		return -ENOSPC;
	}
	if (pl->initrd.size && !in_range(pl->initrd.base, pl->initrd.size, &pl->ram)) {
		snprintf(err, errlen, "initrd does not fit: it ends at 0x%llx, L1's memory at 0x%llx (give it more with --mem)",
			 pl->initrd.base + pl->initrd.size, pl->ram.base + pl->ram.size);
		return -ENOSPC;
	}
	if (overlap(&pl->initrd, &pl->module)) {
		snprintf(err, errlen, "initrd and L1 kernel were loaded over each other");
		return -ENOSPC;
	}
	for (i = 0; i < pl->nr_modules; i++) {
		if (!in_range(pl->modules[i].base, pl->modules[i].size, &pl->ram)) {
			snprintf(err, errlen, "module 0x%llx-0x%llx does not lie in L1's memory",
				 pl->modules[i].base, pl->modules[i].base + pl->modules[i].size);
			return -ENOSPC;
		}
	}
	for (i = 0; i < img->nr_segments; i++) {
		ret = check_segment(img, i, pl, err, errlen);
		if (ret)
			return ret;
	}
	ret = place_fdt(img, pl);
	if (ret)
		snprintf(err, errlen, "no room for L1's device tree (give it more with --mem)");
	return ret;
}
