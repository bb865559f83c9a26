/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * QEMU's plugin interface, and what of GLib it hands out. Debian's QEMU has it but no header for it: what is used of it is
 * declared here, as version 4 of the interface has it (QEMU 9.2 and newer).
 */
#ifndef QEMU_API_H
#define QEMU_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define API_VERSION 4

struct qemu_info {
	const char *target_name;
	struct {
		int min, cur;
	} version;
	bool system_emulation;
	struct {
		int smp_vcpus, max_vcpus;
	} system;
};

struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_plugin_register;
struct qemu_plugin_scoreboard;

/* A member of every CPU's element of a scoreboard. */
struct entry {
	struct qemu_plugin_scoreboard *board;
	size_t offset;
};

struct reg_descriptor {
	struct qemu_plugin_register *handle;
	const char *name;
	const char *feature;
};

struct array { /* GArray, GByteArray */
	void *data;
	unsigned int len;
};

enum cb_flags { NO_REGS, READ_REGS };
enum op { INLINE_ADD };

typedef void cpu_cb(uint64_t id, unsigned int cpu);
typedef void exec_cb(unsigned int cpu, void *data);

extern struct array *g_byte_array_new(void);
extern struct array *g_byte_array_set_size(struct array *bytes, unsigned int length);
extern char *g_array_free(struct array *array, int with_elements);
extern struct array *qemu_plugin_get_registers(void);
extern int qemu_plugin_read_register(struct qemu_plugin_register *handle, struct array *bytes);
extern void qemu_plugin_register_vcpu_init_cb(uint64_t id, cpu_cb *cb);
extern void qemu_plugin_register_atexit_cb(uint64_t id, void (*cb)(uint64_t, void *), void *data);
extern void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id,
						  void (*cb)(uint64_t, struct qemu_plugin_tb *));
extern size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
extern struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t i);
extern uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
extern void *qemu_plugin_insn_haddr(const struct qemu_plugin_insn *insn);
extern size_t qemu_plugin_insn_data(const struct qemu_plugin_insn *insn, void *to, size_t size);
extern void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb, exec_cb *cb,
						 enum cb_flags flags, void *data);
extern void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, exec_cb *cb,
						   enum cb_flags flags, void *data);
extern void qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(struct qemu_plugin_insn *insn,
								enum op op, struct entry entry,
								uint64_t value);
extern struct qemu_plugin_scoreboard *qemu_plugin_scoreboard_new(size_t size);
extern void *qemu_plugin_scoreboard_find(struct qemu_plugin_scoreboard *board, unsigned int cpu);

/* What a plugin has. */
extern int qemu_plugin_version;
int qemu_plugin_install(uint64_t id, const struct qemu_info *info, int argc, char **argv);

#endif
