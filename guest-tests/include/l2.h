/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An L2 for tests: functions of the same image, run at EL1 or EL0 under an identity stage 2.
 * Whatever reaches this EL2, or the EL1 of L2, becomes a line of output; then the instruction is
 * skipped and L2 goes on until its function returns.
 */
#ifndef GUEST_L2_H
#define GUEST_L2_H

#include "guest-regs.h"
#include "lib.h"
#include "pgtable.h"

#define L2_DONE_IMM	0x7ff		/* HVC at EL1, SVC at EL0: the function has returned */
#define L2_VEC_IMM	0x700		/* HVC of EL1's vector <imm - 0x700> */

typedef u64 (*l2_fn)(u64 a, u64 b);

extern u64 l2_hcr;			/* HCR_EL2 while L2 runs; l2_init() sets its base */
extern struct pgtable l2_s2;		/* identity, 2 MiB blocks, VMID 1 */

extern char l2_return_el1[], l2_return_el0[];	/* what a function of L2 returns to */

void l2_init(void);			/* stage 2, EL1 registers, no traps; leaves HCR_EL2 alone */
void l2_reset_el1(void);		/* EL1 registers only: MMU off */
void l2_set_stage2(const struct pgtable *s2, u64 vmid);
void l2_mmu_on(const struct pgtable *s1);	/* EL1&0 stage 1 of L2, TTBR0 */
void l2_mmu_off(void);

/* A vcpu that will run fn(a, b) at pstate's level. */
void l2_prepare(struct vcpu *v, l2_fn fn, u64 a, u64 b, u64 pstate);
/* One run with l2_hcr | extra in HCR_EL2; what was there comes back. Returns the vector. */
u64 l2_enter(struct vcpu *v, u64 extra);
bool l2_done(const struct vcpu *v);
/* Is the exit an exception that L2's own EL1 took? Then which vector. */
bool l2_at_el1_vector(const struct vcpu *v, u64 *vec);
/* Skip the instruction that made the exit, as the architecture's preferred return asks. */
void l2_skip(struct vcpu *v);
void l2_print_exit(const char *name, const struct vcpu *v);
/* Run fn to its end and print every exit; returns its result. limit exits at most. */
u64 l2_trace(const char *name, l2_fn fn, u64 a, u64 b, u64 pstate, u64 extra_hcr);
/* Same, silently: the first exit that is not the end, or the end. */
struct vcpu l2_first_exit(l2_fn fn, u64 a, u64 b, u64 pstate, u64 extra_hcr);
u64 l2_call(l2_fn fn, u64 a, u64 b);	/* no exit allowed; its result */
/*
 * Registers that EL2 and L2 share: sum(0, 0) says what is in them, fill(seed, 0) as L2 changes them.
 * Each must see what the other left, after an SMC too. Returns the sum of what is left.
 */
u64 l2_check_shared(l2_fn fill, l2_fn sum, u64 seed);

#define L2_EL1	(PSR_EL1h | PSR_DAIF)
#define L2_EL0	(PSR_EL0t | PSR_DAIF)

/* A function that never runs at vEL2. */
#define VEL1_CODE __attribute__((noinline, section(".vel1.text")))

/* A function of L2 that is one or more instructions; operands x0, x1, result x0. */
#define L2_ASM(name, insns)						\
	static u64 name(u64 a, u64 b)					\
	{								\
		register u64 x0 asm("x0") = a;				\
		register u64 x1 asm("x1") = b;				\
		asm volatile(insns : "+r"(x0), "+r"(x1) : : "x2", "x3", "memory", "cc");	\
		return x0;						\
	}

#endif
