/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What every L1 program has: console, boot arguments, power-off, exceptions, lower levels, verdicts.
 * All of it runs at EL2 (or virtual EL2) on one CPU.
 */
#ifndef GUEST_LIB_H
#define GUEST_LIB_H

#include "marker.h"
#include "sysreg.h"
#include "types.h"

/* console.c, printf.c, string.c */
void putc(char c);
void printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void *memcpy(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int strcmp(const char *a, const char *b);
size_t strlen(const char *s);

/* rnd.c: xorshift64*; the seed is not 0 */
extern u64 rnd_seed;
u64 rnd(void);

/* fdt.c: the value of /chosen/bootargs in a flattened device tree, or "" */
const char *fdt_bootargs(const void *dtb);

/* args.c: KEY=VALUE words of the boot arguments */
void args_init(const char *bootargs);
bool arg_is(const char *key, const char *value);
u64 arg_u64(const char *key, u64 def);

/* psci.c: conduit SMC */
#define PSCI_VERSION		0x84000000U
#define PSCI_CPU_SUSPEND	0xc4000001U
#define PSCI_CPU_OFF		0x84000002U
#define PSCI_CPU_ON		0xc4000003U
#define PSCI_AFFINITY_INFO	0xc4000004U
#define PSCI_MIGRATE_INFO_TYPE	0x84000006U
#define PSCI_SYSTEM_OFF		0x84000008U
#define PSCI_SYSTEM_RESET	0x84000009U
#define PSCI_FEATURES		0x8400000aU
#define PV_TIME_FEATURES	0xc5000020U
#define PV_TIME_ST		0xc5000021U
s64 smccc(u64 fn, u64 a1, u64 a2, u64 a3);
u64 stolen_ns(void);	/* Arm DEN0057: that this CPU did not have; only where PV_TIME_ST is there */
void system_off(void) __attribute__((noreturn));

/* main.c: the mode that was chosen; e2h() is what HCR_EL2 had when the program started running */
extern bool vhe_mode;
void guest_start(const void *dtb);
void guest_main(void);			/* the program; returning ends it with a verdict */
void set_e2h(bool on);

/* Verdicts: each check prints one line; finish() prints the last one and powers off. */
void check(bool ok, const char *what);
void check_eq(const char *what, u64 got, u64 want);
void fail(const char *what) __attribute__((noreturn));
void finish(void) __attribute__((noreturn));

/* The registers of a lower level, or of EL2 itself when it took an exception. vectors.S knows it. */
struct vcpu {
	u64 x[31];
	u64 pc;
	u64 pstate;
	u64 esr;
	u64 far;
	u64 vec;
};

/* Vector numbers: group * 4 + kind, in the order of the table. */
enum { GROUP_SP0, GROUP_SPX, GROUP_A64, GROUP_A32 };
enum { KIND_SYNC, KIND_IRQ, KIND_FIQ, KIND_SERROR };
#define VEC(group, kind) ((group) * 4 + (kind))
const char *vec_name(u64 vec);
const char *ec_name(u64 esr);

extern char vectors[], vectors_vhe[];
extern char user_svc_loop[], user_device[], user_svc_then_done[], user_fp[];	/* user.S */
u64 guest_enter_el1(struct vcpu *vcpu);
u64 guest_enter_el2(struct vcpu *vcpu);

/* Run a lower level until its next exception to EL2; returns the vector's number. */
static inline u64 guest_enter(struct vcpu *vcpu)
{
	return vhe_mode ? guest_enter_el1(vcpu) : guest_enter_el2(vcpu);
}

static inline bool is_marker(u64 esr)
{
	return ESR_EC(esr) == EC_HVC && FIELD(esr, 15, 0) == MARKER_HVC_IMM;
}

/*
 * Exceptions from EL2 to EL2. Between exc_arm() and exc_take() the last one is recorded and
 * execution goes on after the instruction (or at resume when that is not 0). Outside it ends the
 * program. A hook sees every exception first and returns true when it has dealt with it.
 */
struct exc {
	unsigned int count;
	u64 vec, esr, far, pc, pstate;
};
void exc_el2(struct vcpu *ctx);
void exc_arm(u64 resume);
struct exc exc_take(void);
void exc_show(const char *name, struct exc e);
void print_syndrome(u64 vec, u64 esr, u64 far);
void jump_to(u64 target);		/* jump.S: arm with (u64)jump_resume first */
extern char jump_resume[];
void exc_set_hook(bool (*hook)(struct vcpu *ctx));

#endif
