// SPDX-License-Identifier: GPL-2.0-only
/*
 * The AT instructions of virtual EL2: which regime, which stages, and PAR_EL1.
 *
 * Pure; runs at EL2 and on the build machine. PAR_EL1.NS, UNKNOWN in Non-secure state, reads as one.
 */
#include <at.h>
#include <errno.h>

#include "s2_pte.h"

#define PAR_F BIT(0)
#define PAR_FST GENMASK_ULL(6, 1)
#define PAR_PTW BIT(8)
#define PAR_S BIT(9)
#define PAR_SH GENMASK_ULL(8, 7)
#define PAR_NS BIT(9)
#define PAR_RES1 BIT(11)
#define PAR_PA GENMASK_ULL(51, 12)
#define PAR_ATTR GENMASK_ULL(63, 56)

#define MAIR_NC 4 /* a nibble: Non-cacheable */

/* How often a descriptor is looked at again that another vCPU changes meanwhile. */
#define MAX_TRIES 8

/* What an AT asks. */
struct request {
	enum s1_regime regime;
	u32 access;
	bool pan;
	bool both; /* stage 2 too */
};

static bool decode(const struct at_ctx *ctx, u32 sys, struct request *rq)
{
	u64 hcr = ctx->regs.hcr;
	bool e2h = hcr & HCR_E2H;
	unsigned int op2 = sys & 7;

	*rq = (struct request){
		.regime = e2h && (hcr & HCR_TGE) ? S1_EL20 : S1_EL10,
		.access = op2 & 1 ? S1_ACC_WRITE : S1_ACC_READ,
	};
	switch ((enum at_op)sys) {
	case AT_S1E1R:
	case AT_S1E1W:
		return true;
	case AT_S1E0R:
	case AT_S1E0W:
		rq->access |= S1_ACC_EL0;
		return true;
	case AT_S1E1RP:
	case AT_S1E1WP:
		rq->pan = ctx->regs.pan;
		return ctx->s1.pan;
	case AT_S1E2R:
	case AT_S1E2W:
		rq->regime = e2h ? S1_EL20 : S1_EL2;
		return true;
	case AT_S12E0R:
	case AT_S12E0W:
		rq->access |= S1_ACC_EL0;
		rq->both = true;
		return true;
	case AT_S12E1R:
	case AT_S12E1W:
		rq->both = true;
		return true;
	}
	return false;
}

static u64 par_fault(enum s2_fault_kind kind, int level, bool s2, bool s1ptw)
{
	return PAR_F | PAR_RES1 | FIELD_PREP(PAR_FST, s2_fault_fsc(kind, level)) |
	       (s2 ? PAR_S : 0) | (s1ptw ? PAR_PTW : 0);
}

static u64 par_success(u64 pa, u8 attr, u8 sh)
{
	return PAR_RES1 | PAR_NS | (pa & PAR_PA) | FIELD_PREP(PAR_ATTR, attr) |
	       FIELD_PREP(PAR_SH, sh);
}

/* One nibble (inner or outer) of cacheability; hints come from stage 1. [S2CombineS1AttrHints] */
static u8 combine_nibble(u8 s1, u8 s2)
{
	bool s1_wt = (s1 >> 2) == 0 || (s1 >> 2) == 2;

	if (s1 == MAIR_NC || s2 == MAIR_NC)
		return MAIR_NC;
	if (!s1_wt && (s2 >> 2) == 2)
		return (u8)(2 << 2 | (s1 & 3));
	return s1;
}

/* MemAttr[3:0] of stage 2 (without FWB) in the format of MAIR; cd: HCR_EL2.CD. */
static u8 s2_attr(u8 memattr, bool cd)
{
	u8 outer = memattr >> 2, inner = memattr & 3;

	if (!outer)
		return (u8)(memattr << 2);
	if (cd)
		return MAIR_NC << 4 | MAIR_NC;
	outer = outer == 1 ? MAIR_NC : (u8)(outer << 2 | 3);
	inner = inner <= 1 ? MAIR_NC : (u8)(inner << 2 | 3);
	return (u8)(outer << 4 | inner);
}

static u8 combine_attr(u8 s1, u8 s2)
{
	if (!(s1 >> 4) || !(s2 >> 4))
		return s1 < s2 ? s1 : s2;
	/* Tagged memory is write-back, and no longer tagged if stage 2 makes it anything else. */
	if (s1 == 0xf0)
		return combine_attr(0xff, s2) == 0xff ? 0xf0 : combine_attr(0xff, s2);
	return (u8)(combine_nibble(s1 >> 4, s2 >> 4) << 4 | combine_nibble(s1 & 0xf, s2 & 0xf));
}

static u8 combine_sh(u8 attr, u8 s1, u8 s2)
{
	if (!(attr >> 4) || attr == (MAIR_NC << 4 | MAIR_NC) || s1 == SH_OUTER || s2 == SH_OUTER)
		return SH_OUTER;
	return s1 == SH_INNER || s2 == SH_INNER ? SH_INNER : SH_NON;
}

static struct s2_walk_info second_stage_info(const struct at_ctx *ctx)
{
	return (struct s2_walk_info){
		.vttbr = ctx->regs.vttbr,
		.vtcr = ctx->regs.vtcr,
		.big_endian = ctx->regs.sctlr_el2 & SCTLR_ELx_EE,
		.ptw = ctx->regs.hcr & HCR_PTW,
	};
}

/* Stage 2 of what stage 1 gave. */
static int second_stage(const struct at_ctx *ctx, const struct request *rq,
			const struct s1_walk_result *s1, struct at_result *res)
{
	const struct s2_walk_info info = second_stage_info(ctx);
	struct s2_walk_result s2;
	u8 attr;

	if (s2_walk(&info, &ctx->s2, &ctx->mem, s1->pa, rq->access, &s2)) {
		if (s2.fault == S2_FAULT_EXTERNAL) {
			res->fsc = s2_fault_fsc(s2.fault, s2.level);
			res->s2 = true;
			return -EFAULT;
		}
		res->par = par_fault(s2.fault, s2.level, true, false);
		return 0;
	}
	attr = combine_attr(s1->attr, s2_attr(s2.memattr, ctx->regs.hcr & HCR_CD));
	res->par = par_success(s2.ipa, attr, combine_sh(attr, s1->sh, s2.sh));
	return 0;
}

/*
 * What the hardware's walk writes into stage 1's leaf, an AT sets, too (whether it does is CONSTRAINED
 * UNPREDICTABLE; QEMU does): through stage 2, if there is one, which may refuse it. 0, -EFAULT with s1->fault,
 * -EAGAIN: it changed meanwhile.
 */
static int write_back(const struct at_ctx *ctx, const struct request *rq, struct s1_walk_result *s1)
{
	const struct s2_walk_info info = second_stage_info(ctx);
	struct s2_walk_result s2;

	if (!ctx->mem.cmpxchg || !(s1->set_af || (s1->set_dirty && (rq->access & S1_ACC_WRITE))))
		return 0;
	if (rq->regime == S1_EL10 && (ctx->regs.hcr & (HCR_VM | HCR_DC))) {
		if (s2_walk(&info, &ctx->s2, &ctx->mem, s1->desc_at,
			    S2_ACC_WRITE | S2_ACC_S1PTW, &s2)) {
			s1->fault = s2.fault;
			s1->level = s2.level;
			s1->s2 = s1->s1ptw = true;
			s1->fipa = s1->desc_at;
			return -EFAULT;
		}
		s1->desc_at = s2.ipa;
	}
	return s1_update_leaf(ctx, s1, rq->access) ? 0 : -EAGAIN;
}

static int first_stage(const struct at_ctx *ctx, const struct request *rq, va_t va,
		       struct s1_walk_result *s1)
{
	int ret = -EAGAIN;

	for (unsigned int i = 0; i < MAX_TRIES && ret == -EAGAIN; i++) {
		ret = s1_walk(ctx, rq->regime, va, rq->access, rq->pan, s1);
		if (!ret)
			ret = write_back(ctx, rq, s1);
	}
	return ret == -EFAULT ? ret : 0;
}

int at_emulate(const struct at_ctx *ctx, u32 sys, va_t va, struct at_result *res)
{
	struct s1_walk_result s1;
	struct request rq;

	*res = (struct at_result){ 0 };
	if (!decode(ctx, sys, &rq))
		return -EINVAL;
	if (first_stage(ctx, &rq, va, &s1)) {
		if (s1.fault == S2_FAULT_EXTERNAL) {
			res->fsc = s2_fault_fsc(s1.fault, s1.level);
			res->s2 = s1.s2;
			return -EFAULT;
		}
		res->par = par_fault(s1.fault, s1.level, s1.s2, s1.s1ptw);
		res->s1ptw = s1.s1ptw;
		res->fipa = s1.fipa;
		res->fsc = s2_fault_fsc(s1.fault, s1.level);
		return 0;
	}
	if (rq.both && rq.regime == S1_EL10 && (ctx->regs.hcr & (HCR_VM | HCR_DC)))
		return second_stage(ctx, &rq, &s1, res);
	res->par = par_success(s1.pa, s1.attr, s1.sh);
	return 0;
}
