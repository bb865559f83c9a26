// SPDX-License-Identifier: GPL-2.0-only
/*
 * A plugin of QEMU's (TCG) that counts what L0 executes, whoever L0 is: instructions at EL2, instructions of L0's own
 * host below EL2, and how many of them read or write a system register. It knows nothing of vel2 or of Linux but the
 * marker HVC of the guests, and needs neither icount nor the PMU.
 *
 * Whose an instruction is follows from the CPU alone: at EL2 it is L0's; below EL2 it is L0's host's (an nVHE host's
 * at EL1, a VHE host's programs at EL0) while HCR_EL2.VM is clear, and a guest's while it is set. HCR_EL2 is read
 * where the CPU leaves EL2; nobody below can change it.
 *
 * -plugin count.so,out=FILE writes a line of JSON for each region that two markers enclose and one a CPU at the end.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qemu-api.h"

#define MAX_CPUS    8
#define BLOCKS	    4096 /* of one allocation */

int qemu_plugin_version = API_VERSION;

/* ---- what is counted ---- */

enum what { INSNS, READS, WRITES, WHATS };
enum whose { L0_EL2, L0_HOST, GUEST, WHOSE };
enum { ENTRIES = WHOSE * WHATS, OWN_ENTRIES, TOTALS };

/* Element of the scoreboard: translated code adds to it. */
struct counts {
	uint64_t n[WHATS];
};

struct cpu {
	const void *env; /* QEMU's state of it; NULL: it has not run yet */
	struct reg_descriptor regs[6];
	struct array *bytes;
	struct counts called; /* in place of the scoreboard's, where `call` */
	struct counts mark; /* counts where the CPU came to be what it is */
	int el;		    /* of the block that runs */
	enum whose whose;
	uint64_t total[TOTALS]; /* WHOSE x WHATS, then exceptions to EL2 of guests, of L0's own */
	uint64_t begin[TOTALS]; /* of the open region */
	uint64_t region;	/* ~0: none is open */
};

enum { CPSR, HCR_EL2, VMPIDR_EL2, X0, X1, X2 };
static const char *const names[] = { "cpsr", "HCR_EL2", "VMPIDR_EL2", "x0", "x1", "x2" };

static struct cpu cpus[MAX_CPUS];
static struct qemu_plugin_scoreboard *board;
static bool call; /* several CPUs: a callback for each instruction, in place of translated code */
static FILE *out;

/*
 * Where translated code has the state of the CPU that it runs for: TCG_AREG0 of QEMU's for this machine, which it calls us with.
 * Under icount all CPUs share a thread and their translations, and what QEMU 10.0 says of the CPU is then the one that was
 * the first to run the block (accel/tcg/plugin-gen.c, gen_cpu_index()).
 */
register const void *env asm("rbp");
static __thread const void *running_env;
/* The number of that CPU: read at each instruction. */
static __thread unsigned int running __attribute__((tls_model("initial-exec")));

#define HCR_VM	      1u
#define CPSR_EL(cpsr) ((int)((cpsr) >> 2 & 3))
#define HVC(imm)      (0xd4000002u | (imm) << 5)
#define MARKER	      HVC(0x4e56u)
#define IS_MRS(insn)  (((insn)&0xfff00000u) == 0xd5300000u)
#define IS_MSR(insn)  (((insn)&0xfff00000u) == 0xd5100000u)

static struct counts *counts(unsigned int cpu)
{
	return call ? &cpus[cpu].called : qemu_plugin_scoreboard_find(board, cpu);
}

static uint64_t read_reg(struct cpu *c, int which)
{
	uint64_t value = 0;

	g_byte_array_set_size(c->bytes, 0);
	if (!c->regs[which].handle ||
	    qemu_plugin_read_register(c->regs[which].handle, c->bytes) <= 0) {
		fprintf(stderr, "count: QEMU does not let %s be read\n", names[which]);
		exit(1);
	}
	memcpy(&value, c->bytes->data, c->bytes->len < 8 ? c->bytes->len : 8);
	return value;
}

/* Another CPU than before runs in this thread. Before its first instruction VMPIDR_EL2 is still what it is after reset: MPIDR. */
static void switch_cpu(void)
{
	running_env = env;
	for (running = 0; running < MAX_CPUS; running++)
		if (cpus[running].env == env)
			return;
	running = read_reg(&cpus[0], VMPIDR_EL2) & 0xff;
	if (running >= MAX_CPUS || cpus[running].env) {
		fprintf(stderr, "count: which CPU this is cannot be told\n");
		exit(1);
	}
	cpus[running].env = env;
}

/* The CPU that a callback is for; `said`: by QEMU. What comes before a block's first instruction looks for it. */
static unsigned int cpu_of(unsigned int said)
{
	return call ? running : said;
}

/* What was executed since the last time belongs to who ran until now. */
static void settle(struct cpu *c, const struct counts *now)
{
	for (int i = 0; i < WHATS; i++)
		c->total[c->whose * WHATS + i] += now->n[i] - c->mark.n[i];
	c->mark = *now;
}

/* The CPU is at another EL than before. */
static void moved(struct cpu *c, const struct counts *now, int el)
{
	settle(c, now);
	if (el == 2) {
		if (c->el >= 0)
			c->total[c->whose == GUEST ? ENTRIES : OWN_ENTRIES]++;
		c->whose = L0_EL2;
	} else if (c->el == 2) {
		c->whose = read_reg(c, HCR_EL2) & HCR_VM ? GUEST : L0_HOST;
	}
	c->el = el;
}

/* Before each block. All of a block runs at the EL for which it was translated; -1: not known yet. */
static void on_block(unsigned int cpu, void *data)
{
	struct cpu *c;
	int8_t *el = data;

	if (call && running_env != env)
		switch_cpu();
	cpu = cpu_of(cpu);
	c = &cpus[cpu];
	if (*el < 0)
		*el = CPSR_EL(read_reg(c, CPSR));
	if (*el != c->el)
		moved(c, counts(cpu), *el);
}

static void print_counts(const uint64_t *now, const uint64_t *then)
{
	static const char *const who[] = { "el2", "host", "guest" };
	static const char *const what[] = { "", "_reads", "_writes" };

	for (int i = 0; i < WHOSE * WHATS; i++)
		fprintf(out, ", \"%s%s\": %lu", who[i / WHATS], what[i % WHATS], now[i] - then[i]);
	fprintf(out, ", \"traps\": %lu, \"own_traps\": %lu}\n", now[ENTRIES] - then[ENTRIES],
		now[OWN_ENTRIES] - then[OWN_ENTRIES]);
	fflush(out);
}

/* Before an HVC of a marker: a region begins or ends with what the HVC leads to. */
static void on_marker(unsigned int cpu, void *data)
{
	struct cpu *c = &cpus[cpu = cpu_of(cpu)];
	uint64_t region = read_reg(c, X1);

	(void)data;
	settle(c, counts(cpu));
	if (read_reg(c, X0) == 1) {
		memcpy(c->begin, c->total, sizeof(c->begin));
		c->region = region;
	} else if (c->region == region) {
		fprintf(out, "{\"t\": \"region\", \"cpu\": %u, \"region\": %lu, \"ops\": %lu", cpu,
			region, read_reg(c, X2));
		print_counts(c->total, c->begin);
		c->region = ~0ul;
	}
}

/* Where `call`. */
static void on_insn(unsigned int cpu, void *data)
{
	(void)cpu;
	cpus[running].called.n[(enum what)(uintptr_t)data]++;
}

static void count(struct qemu_plugin_insn *insn, enum what what)
{
	struct entry entry = { board, offsetof(struct counts, n) + what * sizeof(uint64_t) };

	if (call)
		qemu_plugin_register_vcpu_insn_exec_cb(insn, on_insn, NO_REGS,
						       (void *)(uintptr_t)what);
	else
		qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(insn, INLINE_ADD, entry, 1);
}

/* Where the EL of a block is kept: as long as QEMU runs, since translated code may outlive any moment known here. */
static int8_t *new_block(void)
{
	static __thread int8_t *free_blocks;
	static __thread int left;

	if (!left) {
		free_blocks = malloc(BLOCKS);
		if (!free_blocks)
			abort();
		memset(free_blocks, -1, BLOCKS);
		left = BLOCKS;
	}
	return &free_blocks[--left];
}

static void on_translation(uint64_t id, struct qemu_plugin_tb *tb)
{
	(void)id;
	qemu_plugin_register_vcpu_tb_exec_cb(tb, on_block, READ_REGS, new_block());
	for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		uint32_t code = 0;

		qemu_plugin_insn_data(insn, &code, sizeof(code));
		count(insn, INSNS);
		if (IS_MRS(code))
			count(insn, READS);
		else if (IS_MSR(code))
			count(insn, WRITES);
		else if (code == MARKER)
			qemu_plugin_register_vcpu_insn_exec_cb(insn, on_marker, READ_REGS, NULL);
	}
}

static void on_cpu(uint64_t id, unsigned int cpu)
{
	struct array *regs = qemu_plugin_get_registers();
	const struct reg_descriptor *found = regs->data;
	struct cpu *c = &cpus[cpu];

	(void)id;
	for (unsigned int i = 0; i < regs->len; i++)
		for (unsigned int j = 0; j < sizeof(names) / sizeof(*names); j++)
			if (!strcmp(found[i].name, names[j]))
				c->regs[j] = found[i];
	g_array_free(regs, 1);
	c->bytes = g_byte_array_new();
	c->el = -1;
	c->whose = L0_EL2;
	c->region = ~0ul;
}

static void on_end(uint64_t id, void *data)
{
	static const uint64_t zero[TOTALS];

	(void)id;
	(void)data;
	for (unsigned int cpu = 0; cpu < MAX_CPUS; cpu++) {
		if (!cpus[cpu].bytes)
			continue;
		settle(&cpus[cpu], counts(cpu));
		fprintf(out, "{\"t\": \"end\", \"cpu\": %u", cpu);
		print_counts(cpus[cpu].total, zero);
	}
}

/* QEMU calls it once; anything but 0 ends QEMU. */
__attribute__((visibility("default"))) int qemu_plugin_install(uint64_t id,
							       const struct qemu_info *info,
							       int argc, char **argv)
{
	const char *path = argc == 1 && !strncmp(argv[0], "out=", 4) ? argv[0] + 4 : NULL;

	if (!path || !info->system_emulation || strcmp(info->target_name, "aarch64") ||
	    info->system.max_vcpus > MAX_CPUS) {
		fprintf(stderr, "count: for qemu-system-aarch64 with up to %d CPUs, out=FILE\n",
			MAX_CPUS);
		return 1;
	}
	out = fopen(path, "w");
	if (!out) {
		perror(path);
		return 1;
	}
	/* QEMU 10.0 crashes where translated code counts for more than one CPU under icount. */
	call = info->system.smp_vcpus > 1;
	board = qemu_plugin_scoreboard_new(sizeof(struct counts));
	qemu_plugin_register_vcpu_init_cb(id, on_cpu);
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
	qemu_plugin_register_atexit_cb(id, on_end, NULL);
	return 0;
}
