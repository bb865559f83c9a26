/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Address translation as an AT instruction does it: a software walk of stage 1, then of L1's stage 2.
 *
 * Pure: registers come in a struct, memory by the callbacks of s2.h. Runs anywhere.
 */
#ifndef VEL2_AT_H
#define VEL2_AT_H

#include <s2.h>
#include <types.h>

/* Stage-1 features offered to L1; the rest of struct s2_caps also counts (pa_bits, ttst). */
struct s1_caps {
	bool tgran4;
	bool tgran16;
	bool tgran64;
	bool ds;     /* 52-bit addresses with 4K and 16K (FEAT_LPA2 at stage 1) */
	bool lva;    /* 52-bit VAs with 64K (FEAT_LVA) */
	bool hpds;   /* TCR.HPD */
	bool e0pd;   /* TCR.E0PD */
	bool pan;    /* PSTATE.PAN, ATS1E1RP */
	bool pan3;   /* SCTLR.EPAN */
	bool hafdbs_af; /* TCR.HA works: AF = 0 is no fault (the bit is left to the hardware) */
	bool hafdbs_db; /* TCR.HD: likewise for the dirty state */
	bool nv;     /* HCR_EL2.{NV,NV1} change the descriptor format of EL1&0 */
};

/*
 * Everything of a vCPU that AT depends on: virtual values, whichever bank holds them now.
 * The EL2 ones in the format that HCR_EL2.E2H selects.
 */
struct at_regs {
	u64 hcr;
	u64 vttbr;
	u64 vtcr;
	u64 sctlr_el1;
	u64 tcr_el1;
	u64 ttbr0_el1;
	u64 ttbr1_el1;
	u64 mair_el1;
	u64 sctlr_el2;
	u64 tcr_el2;
	u64 ttbr0_el2;
	u64 ttbr1_el2;
	u64 mair_el2;
	bool pan; /* PSTATE.PAN of the instruction's execution */
};

struct at_ctx {
	struct at_regs regs;
	struct s1_caps s1;
	struct s2_caps s2;
	struct s2_mem_ops mem; /* L1's physical memory */
};

/* The instructions, by their encoding: op0 1, CRn 7. */
enum at_op {
	AT_S1E1R = S2_SYS(0, 7, 8, 0),
	AT_S1E1W = S2_SYS(0, 7, 8, 1),
	AT_S1E0R = S2_SYS(0, 7, 8, 2),
	AT_S1E0W = S2_SYS(0, 7, 8, 3),
	AT_S1E1RP = S2_SYS(0, 7, 9, 0),
	AT_S1E1WP = S2_SYS(0, 7, 9, 1),
	AT_S1E2R = S2_SYS(4, 7, 8, 0),
	AT_S1E2W = S2_SYS(4, 7, 8, 1),
	AT_S12E1R = S2_SYS(4, 7, 8, 4),
	AT_S12E1W = S2_SYS(4, 7, 8, 5),
	AT_S12E0R = S2_SYS(4, 7, 8, 6),
	AT_S12E0W = S2_SYS(4, 7, 8, 7),
};

struct at_result {
	u64 par;     /* PAR_EL1 */
	u8 fsc;      /* -EFAULT: FSC of the external abort; else, with s1ptw, of stage 2's fault */
	bool s1ptw;  /* stage 2 refused a stage-1 table at fipa: executed at EL1, that is an abort to EL2 */
	l2ipa_t fipa;
	bool s2;     /* -EFAULT: met while reading a stage-2 table */
};

/*
 * Executes `sys` (S2_SYS(op1, CRn, CRm, op2), one of enum at_op) for address `va` as at vEL2.
 * 0: write res->par to the PAR_EL1 of L1 (success or fault).
 * -EFAULT: a table read takes a synchronous external abort; the architecture takes it as an exception (Data Abort
 * to vEL2 with res->fsc), and leaves PAR_EL1 alone.
 * -EINVAL: not an AT that the caps offer (UNDEF).
 */
int at_emulate(const struct at_ctx *ctx, u32 sys, va_t va, struct at_result *res);

/* ---- the stage-1 walker itself ---- */

enum s1_regime {
	S1_EL10, /* EL1&0 */
	S1_EL20, /* EL2&0, HCR_EL2.E2H = 1 */
	S1_EL2,  /* EL2, E2H = 0 */
};

struct s1_walk_result {
	enum s2_fault_kind fault;
	s8 level;
	bool s2;       /* the fault is stage 2's ... */
	bool s1ptw;    /* ... met on a stage-1 table */
	l2ipa_t fipa;  /* s2: the address that stage 2 was asked for */
	bool mmu_off;
	u8 shift;      /* the leaf maps 2^shift bytes */
	u8 attr;       /* as in MAIR, SCTLR.C applied */
	u8 sh;         /* SH[1:0] */
	bool pr, pw, px, ur, uw, ux; /* before PAN */
	bool pan_hides; /* a privileged data access is refused if PAN is set */
	u64 pa;        /* output: l2ipa_t in EL1&0 with a stage 2, else ipa_t */
	u64 desc;
	u64 desc_at;   /* where it is: as pa, before a stage 2 */
	bool big_endian; /* it is, in memory */
	bool set_af;   /* an access sets AF in it, which is clear (TCR.HA) */
	bool set_dirty; /* a write clears AP[2] in it (TCR.HD) */
};

/* Access of a stage-1 walk. */
#define S1_ACC_READ S2_ACC_READ
#define S1_ACC_WRITE S2_ACC_WRITE
#define S1_ACC_EXEC S2_ACC_EXEC
#define S1_ACC_EL0 S2_ACC_EL0

/*
 * Stage 1 of a regime for one access (0: no permission check). 0 or -EFAULT with res->fault; with
 * `pan` privileged data accesses to what EL0 may reach are refused. Also for L0's own use, e.g. to read
 * through a VA of vEL2's.
 */
int s1_walk(const struct at_ctx *ctx, enum s1_regime regime, va_t va, u32 access, bool pan,
	    struct s1_walk_result *res);

/*
 * Writes back to the leaf what the hardware's walker would for `access`, which s1_walk() has just allowed, and
 * desc_at, which is an ipa_t by now: the access flag, and for a write the dirty state. A leaf that a write would change and
 * this access does not loses s1->pw: the first write has to come here. False: it has changed meanwhile,
 * walk again.
 */
bool s1_update_leaf(const struct at_ctx *ctx, struct s1_walk_result *s1, u32 access);

#endif /* VEL2_AT_H */
