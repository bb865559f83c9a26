// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mechanism pv: which words of L1's file are code that may run at vEL2. An ELF file says it, of an Image
 * the user has to.
 *
 * Pure: also runs on the build machine. The file may be hostile: every number from it is checked before
 * it is added to anything.
 */
#include <elf64.h>
#include <errno.h>
#include <log.h>
#include <pv.h>
#include <string.h>

#define VEL1_TEXT	".text.vel1"
#define NO_SYMBOLS \
	"vel2.mech=pv: L1's ELF file has no symbols, which tell its code from its data: do not strip it"

struct elf_file {
	const u8 *data;
	u64 size;
	u64 shoff;
	unsigned int nr_sections;
	struct elf64_shdr names;	/* of sections */
	struct elf64_shdr symbols, strings;
};

static bool in_file(const struct elf_file *e, u64 off, u64 size)
{
	return off <= e->size && size <= e->size - off;
}

static void section(const struct elf_file *e, unsigned int i, struct elf64_shdr *sh)
{
	memcpy(sh, e->data + e->shoff + i * sizeof(*sh), sizeof(*sh));
}

/* The string at @off of a string table, NULL if it does not end inside. */
static const char *string(const struct elf_file *e, const struct elf64_shdr *table, u64 off)
{
	const char *s;

	if (table->sh_type != SHT_STRTAB || !in_file(e, table->sh_offset, table->sh_size) ||
	    off >= table->sh_size)
		return NULL;
	s = (const char *)e->data + table->sh_offset + off;
	return memchr(s, '\0', table->sh_size - off) ? s : NULL;
}

static bool find_symbols(struct elf_file *e)
{
	for (unsigned int i = 0; i < e->nr_sections; i++) {
		section(e, i, &e->symbols);
		if (e->symbols.sh_type != SHT_SYMTAB)
			continue;
		if (e->symbols.sh_link >= e->nr_sections ||
		    !in_file(e, e->symbols.sh_offset, e->symbols.sh_size))
			return false;
		section(e, e->symbols.sh_link, &e->strings);
		return true;
	}
	return false;
}

static bool open_file(struct elf_file *e)
{
	struct elf64_ehdr eh;

	if (e->size < sizeof(eh))
		return false;
	memcpy(&eh, e->data, sizeof(eh));
	e->shoff = eh.e_shoff;
	e->nr_sections = eh.e_shnum;
	if (!eh.e_shnum || eh.e_shentsize != sizeof(struct elf64_shdr) ||
	    eh.e_shstrndx >= eh.e_shnum ||
	    !in_file(e, eh.e_shoff, eh.e_shnum * sizeof(struct elf64_shdr)))
		return false;
	section(e, eh.e_shstrndx, &e->names);
	return find_symbols(e);
}

static bool is_mapping(const char *name, char kind)
{
	return name[0] == '$' && name[1] == kind && (!name[2] || name[2] == '.');
}

/*
 * The last mapping symbol of section @index at or before @addr: is it that of code? *@found if there is
 * one at all.
 */
static bool is_code(const struct elf_file *e, unsigned int index, u64 addr)
{
	u64 best = 0, n = e->symbols.sh_size / sizeof(struct elf64_sym);
	bool code = false;

	for (u64 i = 0; i < n; i++) {
		struct elf64_sym sym;
		const char *name;

		memcpy(&sym, e->data + e->symbols.sh_offset + i * sizeof(sym), sizeof(sym));
		if (sym.st_shndx != index || sym.st_value > addr || sym.st_value < best)
			continue;
		name = string(e, &e->strings, sym.st_name);
		if (!name || !(is_mapping(name, 'x') || is_mapping(name, 'd')))
			continue;
		best = sym.st_value;
		code = name[1] == 'x';
	}
	return code;
}

/* Only these first bytes can be MSR, MRS, SYS or ERET: nothing else is worth a look at the symbols. */
static bool may_matter(u32 insn)
{
	return insn >> 24 == 0xd5 || insn >> 24 == 0xd6;
}

static int find_in(const struct elf_file *e, unsigned int index, const struct elf64_shdr *sh,
		   const struct pv_finder *f)
{
	for (u64 off = 0; off + 4 <= sh->sh_size; off += 4) {
		u32 insn;
		int ret;

		memcpy(&insn, e->data + sh->sh_offset + off, sizeof(insn));
		if (!may_matter(insn) || !is_code(e, index, sh->sh_addr + off))
			continue;
		ret = f->insn(f->ctx, sh->sh_offset + off, insn);
		if (ret)
			return ret;
	}
	return 0;
}

/* Code that may run at vEL2? */
static bool is_vel2_text(const struct elf_file *e, const struct elf64_shdr *sh)
{
	u64 flags = SHF_ALLOC | SHF_EXECINSTR;
	const char *name = string(e, &e->names, sh->sh_name);

	return sh->sh_type == SHT_PROGBITS && (sh->sh_flags & flags) == flags &&
	       !(name && !strncmp(name, VEL1_TEXT, sizeof(VEL1_TEXT) - 1));
}

int pv_find_elf(const void *data, u64 size, const struct pv_finder *f, char *err, size_t errlen)
{
	struct elf_file e = { .data = data, .size = size };

	if (!open_file(&e)) {
		snprintf(err, errlen, NO_SYMBOLS);
		return -ENOEXEC;
	}
	for (unsigned int i = 0; i < e.nr_sections; i++) {
		struct elf64_shdr sh;
		int ret;

		section(&e, i, &sh);
		if (!is_vel2_text(&e, &sh))
			continue;
		if (!in_file(&e, sh.sh_offset, sh.sh_size) || (sh.sh_offset & 3)) {
			snprintf(err, errlen,
				 "vel2.mech=pv: L1's ELF file is damaged: a section is outside of the file");
			return -ENOEXEC;
		}
		ret = find_in(&e, i, &sh, f);
		if (ret)
			return ret;
	}
	return 0;
}

/* ------------------------------------------------------------------ room for veneers */

static bool named(const struct elf_file *e, const struct elf64_shdr *sh, const char *want)
{
	const char *name = string(e, &e->names, sh->sh_name);

	return name && !strcmp(name, want);
}

static int find_section(const struct elf_file *e, const char *want, struct pv_section *found,
			char *err, size_t errlen)
{
	struct elf64_shdr sh;

	for (unsigned int i = 0; i < e->nr_sections; i++) {
		section(e, i, &sh);
		if (!named(e, &sh, want))
			continue;
		if (sh.sh_type != SHT_PROGBITS || !in_file(e, sh.sh_offset, sh.sh_size) ||
		    (sh.sh_addr & 0xfff) || sh.sh_size < SZ_4K || (sh.sh_size & 0xfff)) {
			snprintf(err, errlen,
				 "vel2.pv=page: section %s of L1's ELF file is not in the file, or no whole pages",
				 want);
			return -ENOEXEC;
		}
		*found = (struct pv_section){ sh.sh_offset, sh.sh_size };
		return 0;
	}
	snprintf(err, errlen,
		 "vel2.pv=page: L1's ELF file has no section %s: of .vel2.veneers (code) and .vel2.page (data) it needs some pages each",
		 want);
	return -ENOEXEC;
}

/* What of the file is loaded keeps its distances. */
static bool loads_as_linked(const struct elf_file *e, const struct elf64_ehdr *eh)
{
	bool first = true;
	u64 shift = 0;

	for (unsigned int i = 0; i < eh->e_phnum; i++) {
		struct elf64_phdr ph;

		memcpy(&ph, e->data + eh->e_phoff + i * sizeof(ph), sizeof(ph));
		if (ph.p_type != PT_LOAD || !ph.p_memsz)
			continue;
		if (!first && ph.p_vaddr - ph.p_paddr != shift)
			return false;
		shift = ph.p_vaddr - ph.p_paddr;
		first = false;
	}
	return true;
}

int pv_find_room(const void *data, u64 size, struct pv_section *veneers, struct pv_section *page,
		 char *err, size_t errlen)
{
	struct elf_file e = { .data = data, .size = size };
	struct elf64_ehdr eh;
	int ret;

	if (!open_file(&e)) {
		snprintf(err, errlen, NO_SYMBOLS);
		return -ENOEXEC;
	}
	memcpy(&eh, data, sizeof(eh));
	if (!in_file(&e, eh.e_phoff, eh.e_phnum * sizeof(struct elf64_phdr))) {
		snprintf(err, errlen, "vel2.pv=page: L1's ELF file is damaged: its segments are outside of the file");
		return -ENOEXEC;
	}
	if (!loads_as_linked(&e, &eh)) {
		snprintf(err, errlen,
			 "vel2.pv=page: segments of L1's ELF file are loaded at other distances than they are linked");
		return -ENOEXEC;
	}
	ret = find_section(&e, ".vel2.veneers", veneers, err, errlen);
	if (!ret)
		ret = find_section(&e, ".vel2.page", page, err, errlen);
	return ret;
}

static bool in_ranges(const struct opt_range *ranges, unsigned int n, u64 off)
{
	for (unsigned int i = 0; i < n; i++) {
		if (off >= ranges[i].start && off < ranges[i].end)
			return true;
	}
	return false;
}

int pv_find_image(const void *data, u64 size, const struct opt_range *ranges, unsigned int n,
		  bool inside, const struct pv_finder *f, char *err, size_t errlen)
{
	for (unsigned int i = 0; i < n; i++) {
		if (ranges[i].end <= size)
			continue;
		snprintf(err, errlen,
			 "vel2.pv_code=%x-%x: L1's Image has 0x%llx bytes", ranges[i].start,
			 ranges[i].end, size);
		return -EINVAL;
	}
	for (u64 off = 0; off + 4 <= size; off += 4) {
		u32 insn;
		int ret;

		memcpy(&insn, (const u8 *)data + off, sizeof(insn));
		if (!may_matter(insn) || in_ranges(ranges, n, off) != inside)
			continue;
		ret = f->insn(f->ctx, off, insn);
		if (ret)
			return ret;
	}
	return 0;
}
