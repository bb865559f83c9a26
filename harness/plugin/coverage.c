// SPDX-License-Identifier: GPL-2.0-only
/*
 * A TCG plugin of QEMU's that notes which instructions of L0 were executed, and which ways its conditional branches
 * went. On the build machine, in QEMU's process; any vCPU's thread.
 *
 *   -plugin FILE,map=FILE,start=PA,size=BYTES
 *
 * `map` has a byte for each instruction of [start, start+size), COVERAGE_*; several QEMUs may share it, and it is what
 * it should be whenever one is killed. Instructions are told from those of guests by where they are in the machine's
 * RAM, whatever their virtual address.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "qemu-api.h"

#define RAM_BASE     0x40000000ULL /* of QEMU's machine virt */
#define MAX_VCPUS    64
#define BRANCH_NONE  (~(size_t)0)

enum { COVERAGE_RUN = 1, COVERAGE_TAKEN = 2, COVERAGE_NOT_TAKEN = 4 };

int qemu_plugin_version = API_VERSION;

static uint64_t start, size;
static uint8_t *map;
static const uint32_t
	*code; /* [start, start+size) as QEMU has it; NULL until the first translation */

/* The conditional branch that a vCPU executed last, if that was its last instruction in L0. */
static struct {
	size_t at;
	uint8_t pad[56];
} last[MAX_VCPUS];

static void note(size_t at, uint8_t what)
{
	if (!(__atomic_load_n(&map[at], __ATOMIC_RELAXED) & what))
		__atomic_fetch_or(&map[at], what, __ATOMIC_RELAXED);
}

/* Signed field of an instruction, in instructions. */
static int64_t field(uint32_t insn, unsigned int low, unsigned int width)
{
	return (int64_t)((uint64_t)insn << (64 - low - width)) >> (64 - width);
}

/* Where a conditional branch goes, relative to itself; 0 for what is none. */
static int64_t branch(uint32_t insn)
{
	if ((insn & 0xff000010) == 0x54000000 || (insn & 0x7e000000) == 0x34000000)
		return field(insn, 5, 19); /* B.cond; CBZ, CBNZ */
	if ((insn & 0x7e000000) == 0x36000000)
		return field(insn, 5, 14); /* TBZ, TBNZ */
	return 0;
}

static void executed(unsigned int vcpu, void *data)
{
	size_t at = (size_t)data, *from = &last[vcpu % MAX_VCPUS].at;

	note(at, COVERAGE_RUN);
	if (*from != BRANCH_NONE) {
		/* Neither: an exception was taken between them. */
		if (at == *from + (size_t)branch(code[*from]))
			note(*from, COVERAGE_TAKEN);
		else if (at == *from + 1)
			note(*from, COVERAGE_NOT_TAKEN);
	}
	*from = branch(code[at]) ? at : BRANCH_NONE;
}

static void translated(uint64_t id, struct qemu_plugin_tb *tb)
{
	(void)id;
	for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		const uint8_t *host = qemu_plugin_insn_haddr(insn);
		uint64_t off;

		/* The first of all is of QEMU's own few at the beginning of RAM, without an MMU. */
		if (!code)
			code = (const void *)(host - qemu_plugin_insn_vaddr(insn) + start);
		off = (uint64_t)(host - (const uint8_t *)code);
		if (off < size)
			qemu_plugin_register_vcpu_insn_exec_cb(insn, executed, 0,
							       (void *)(off / 4));
	}
}

static const char *value(const char *arg, const char *name)
{
	size_t n = strlen(name);

	return strncmp(arg, name, n) || arg[n] != '=' ? NULL : arg + n + 1;
}

int qemu_plugin_install(uint64_t id, const struct qemu_info *info, int argc, char **argv)
{
	int fd = -1;

	(void)info;
	for (int i = 0; i < argc; i++) {
		if (value(argv[i], "map"))
			fd = open(value(argv[i], "map"), O_RDWR);
		else if (value(argv[i], "start"))
			start = strtoull(value(argv[i], "start"), NULL, 0);
		else if (value(argv[i], "size"))
			size = strtoull(value(argv[i], "size"), NULL, 0);
	}
	for (int i = 0; i < MAX_VCPUS; i++)
		last[i].at = BRANCH_NONE;
	map = fd < 0 ? MAP_FAILED : mmap(NULL, size / 4, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED || start < RAM_BASE) {
		fprintf(stderr, "coverage: no map of L0's instructions\n");
		return -1;
	}
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	return 0;
}
