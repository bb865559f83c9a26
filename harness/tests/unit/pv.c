// SPDX-License-Identifier: GPL-2.0-only
/* unit: hyp/host/pv.c -Ihyp/include */
/* What of an ELF file is code that may run at vEL2: by sections and mapping symbols; room in it; damaged files. */
#include <elf64.h>
#include <pv.h>
#include <string.h>

#include "check.h"

#define MSR	0xd51c1100U	/* msr hcr_el2, x0 */
#define ERET	0xd69f03e0U
#define NOP	0xd503201fU
#define VA	0xffff000000080000ULL	/* of .text: where it is linked, not where it lies */

#define TEXT	0x100
#define VEL1	0x140
#define STRINGS	0x180
#define SYMBOLS	0x200
#define HEADERS	0x300

enum { S_NULL, S_TEXT, S_VEL1, S_DATA, S_SYMTAB, S_STRTAB, NR_SECTIONS };
/* In the place of others, for room: */
enum { S_VENEERS = S_VEL1, S_PAGE = S_DATA };

static unsigned char file[0x300 + NR_SECTIONS * sizeof(struct elf64_shdr)];
static struct elf64_shdr *const sections = (struct elf64_shdr *)(file + HEADERS);
static struct elf64_sym *const symbols = (struct elf64_sym *)(file + SYMBOLS);
static char err[256];

static struct {
	unsigned long long off[32];
	u32 insn[32];
	unsigned int n, stop_at;
} found;

static int note(void *ctx, u64 file_off, u32 insn)
{
	CHECK(ctx == &found && found.n < 32);
	found.off[found.n] = file_off;
	found.insn[found.n++] = insn;
	return found.n == found.stop_at ? -7 : 0;
}

/* An exact-size copy: the sanitizer sees every byte too far. */
static int find(size_t size)
{
	const struct pv_finder f = { .insn = note, .ctx = &found };
	void *copy = malloc(size ? size : 1);
	int ret;

	memcpy(copy, file, size);
	found.n = 0;
	err[0] = '\0';
	ret = pv_find_elf(copy, size, &f, err, sizeof(err));
	free(copy);
	return ret;
}

static void word(size_t at, u32 insn)
{
	memcpy(file + at, &insn, 4);
}

static void make(void)
{
	static const char strings[] = "\0$x\0$d\0$x.1\0.text\0.text.vel1.l2\0name\0.vel2.veneers\0.vel2.page";
	struct elf64_ehdr *eh = (struct elf64_ehdr *)file;

	memset(file, 0, sizeof(file));
	memcpy(eh->e_ident, ELFMAG, SELFMAG);
	eh->e_shoff = HEADERS;
	eh->e_shentsize = sizeof(struct elf64_shdr);
	eh->e_shnum = NR_SECTIONS;
	eh->e_shstrndx = S_STRTAB;
	/* code, data that looks like code, code; then the same where vEL2 never is */
	word(TEXT, MSR);
	word(TEXT + 4, NOP);
	word(TEXT + 8, MSR);
	word(TEXT + 12, ERET);
	word(VEL1, ERET);
	memcpy(file + STRINGS, strings, sizeof(strings));
	sections[S_TEXT] = (struct elf64_shdr){ .sh_name = 12,
						.sh_type = SHT_PROGBITS,
						.sh_flags = SHF_ALLOC | SHF_EXECINSTR,
						.sh_addr = VA,
						.sh_offset = TEXT,
						.sh_size = 16 };
	sections[S_VEL1] = sections[S_TEXT];
	sections[S_VEL1].sh_name = 18;
	sections[S_VEL1].sh_offset = VEL1;
	sections[S_VEL1].sh_size = 4;
	sections[S_DATA] = sections[S_TEXT];
	sections[S_DATA].sh_flags = SHF_ALLOC;
	sections[S_SYMTAB] = (struct elf64_shdr){ .sh_type = SHT_SYMTAB, .sh_link = S_STRTAB,
		.sh_offset = SYMBOLS, .sh_size = 6 * sizeof(struct elf64_sym) };
	sections[S_STRTAB] = (struct elf64_shdr){ .sh_type = SHT_STRTAB, .sh_offset = STRINGS,
		.sh_size = sizeof(strings) };
	/* in no order, as a linker leaves them */
	symbols[1] = (struct elf64_sym){ .st_name = 7, .st_shndx = S_TEXT, .st_value = VA + 12 };
	symbols[2] = (struct elf64_sym){ .st_name = 4, .st_shndx = S_TEXT, .st_value = VA + 8 };
	symbols[3] = (struct elf64_sym){ .st_name = 1, .st_shndx = S_TEXT, .st_value = VA };
	symbols[4] = (struct elf64_sym){ .st_name = 1, .st_shndx = S_DATA, .st_value = VA };
	symbols[5] = (struct elf64_sym){ .st_name = 33, .st_shndx = S_TEXT, .st_value = VA + 10 };
}

static void code_and_data(void)
{
	make();
	CHECK(!find(sizeof(file)) && found.n == 3);
	CHECK(found.off[0] == TEXT && found.insn[0] == MSR);
	CHECK(found.off[1] == TEXT + 4 && found.insn[1] == NOP);
	CHECK(found.off[2] == TEXT + 12 && found.insn[2] == ERET);
	/* without a symbol before it nothing is known to be code */
	symbols[3].st_value = VA + 12;
	CHECK(!find(sizeof(file)) && found.n == 1 && found.off[0] == TEXT + 12);
	/* a section of another name may run at vEL2 */
	make();
	sections[S_VEL1].sh_name = 12;
	symbols[4].st_shndx = S_VEL1;
	CHECK(!find(sizeof(file)) && found.n == 4 && found.off[3] == VEL1);
	found.stop_at = 2;
	CHECK(find(sizeof(file)) == -7 && found.n == 2);
	found.stop_at = 0;
}

static void damaged(void)
{
	unsigned long long seed = 88172645463325252ULL;

	make();
	sections[S_SYMTAB].sh_type = SHT_PROGBITS;
	CHECK(find(sizeof(file)) < 0 && strstr(err, "strip"));
	make();
	((struct elf64_ehdr *)file)->e_shnum = 0;
	CHECK(find(sizeof(file)) < 0 && strstr(err, "strip"));
	make();
	sections[S_TEXT].sh_size = ~0ULL;
	CHECK(find(sizeof(file)) < 0 && strstr(err, "damaged"));
	make();
	sections[S_TEXT].sh_offset = 2;
	CHECK(find(sizeof(file)) < 0 && strstr(err, "damaged"));
	make();
	for (size_t size = 0; size < sizeof(file); size++)
		CHECK(find(size) < 0 && err[0]);
	for (unsigned int i = 0; i < 20000; i++) {
		make();
		for (unsigned int k = 0; k < 3; k++)
			file[unit_random(&seed) % sizeof(file)] = (unsigned char)unit_random(&seed);
		find(sizeof(file));
	}
}

static void images(void)
{
	static const struct opt_range ranges[] = { { TEXT + 4, TEXT + 12 }, { TEXT, TEXT + 4 } };
	const struct pv_finder f = { .insn = note, .ctx = &found };

	make();
	found.n = 0;
	CHECK(!pv_find_image(file, VEL1 + 4, ranges, 2, true, &f, err, sizeof(err)));
	CHECK(found.n == 3 && found.off[2] == TEXT + 8);
	found.n = 0;
	CHECK(!pv_find_image(file, VEL1 + 4, ranges, 2, false, &f, err, sizeof(err)));
	CHECK(found.n == 2 && found.off[0] == TEXT + 12 && found.off[1] == VEL1);
	CHECK(pv_find_image(file, TEXT + 8, ranges, 2, true, &f, err, sizeof(err)) < 0 &&
	      strstr(err, "104-10c"));
}

/* A file of @size bytes with room; the sections' and segments' own numbers are the caller's to spoil. */
static unsigned char roomy[0x4000];
static struct elf64_shdr *room_section(unsigned int i)
{
	return (struct elf64_shdr *)(roomy + HEADERS) + i;
}

static struct elf64_phdr *segments(void)
{
	return (struct elf64_phdr *)(roomy + 0x800);
}

static void make_room(void)
{
	struct elf64_ehdr *eh = (struct elf64_ehdr *)roomy;

	make();
	memset(roomy, 0, sizeof(roomy));
	memcpy(roomy, file, sizeof(file));
	eh->e_phoff = 0x800;
	eh->e_phnum = 2;
	segments()[0] = (struct elf64_phdr){ .p_type = PT_LOAD, .p_vaddr = VA, .p_memsz = 4096 };
	segments()[1] = (struct elf64_phdr){ .p_type = PT_LOAD, .p_vaddr = VA + 0x2000,
					     .p_paddr = 0x2000, .p_memsz = 4096 };
	*room_section(S_VENEERS) = (struct elf64_shdr){ .sh_name = 37, .sh_type = SHT_PROGBITS,
		.sh_addr = VA, .sh_offset = 0x1000, .sh_size = 0x2000 };
	*room_section(S_PAGE) = (struct elf64_shdr){ .sh_name = 51, .sh_type = SHT_PROGBITS,
		.sh_addr = VA + 0x2000, .sh_offset = 0x3000, .sh_size = 0x1000 };
}

static int find_room(struct pv_section *veneers, struct pv_section *page)
{
	err[0] = '\0';
	return pv_find_room(roomy, sizeof(roomy), veneers, page, err, sizeof(err));
}

static void room(void)
{
	struct pv_section v, p;

	make_room();
	CHECK(!find_room(&v, &p) && v.off == 0x1000 && v.size == 0x2000 && p.off == 0x3000);
	room_section(S_PAGE)->sh_name = 12;
	CHECK(find_room(&v, &p) < 0 && strstr(err, "no section .vel2.page"));
	make_room();
	room_section(S_VENEERS)->sh_addr += 4;
	CHECK(find_room(&v, &p) < 0 && strstr(err, "no whole pages"));
	make_room();
	room_section(S_PAGE)->sh_size = 0x2000;
	CHECK(find_room(&v, &p) < 0 && strstr(err, ".vel2.page of L1's ELF file is not in the file"));
	make_room();
	segments()[1].p_paddr = 0x3000;
	CHECK(find_room(&v, &p) < 0 && strstr(err, "other distances"));
	make_room();
	((struct elf64_ehdr *)roomy)->e_phnum = 0xffff;
	CHECK(find_room(&v, &p) < 0 && strstr(err, "damaged"));
}

int main(void)
{
	room();
	code_and_data();
	images();
	damaged();
	return 0;
}
