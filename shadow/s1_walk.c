// SPDX-License-Identifier: GPL-2.0-only
/*
 * Walker of L1's (and its guests') stage-1 tables.
 *
 * Pure: registers in a struct, memory through callbacks; runs at EL2 and on the build machine. Follows
 * AArch64.S1Translate of the Arm ARM's pseudocode; rule ids stand where a choice may surprise. In EL1&0 under
 * a stage 2 of L1's each table address goes through s2_walk first.
 */
#include <at.h>
#include <errno.h>

#include "vmsa.h"

/* TCR_EL1, and TCR_EL2 with E2H: two ranges. */
#define TCR_EPD0 BIT(7)
#define TCR_EPD1 BIT(23)
#define TCR_IPS GENMASK_ULL(34, 32)
#define TCR_TBI0 BIT(37)
#define TCR_TBI1 BIT(38)
#define TCR_HA BIT(39)
#define TCR_HD BIT(40)
#define TCR_HPD0 BIT(41)
#define TCR_HPD1 BIT(42)
#define TCR_E0PD0 BIT(55)
#define TCR_E0PD1 BIT(56)
#define TCR_DS BIT(59)
/* TCR_EL2 without E2H: one range. T0SZ and TG0 are where VTCR_EL2 has them. */
#define TCR2_PS GENMASK_ULL(18, 16)
#define TCR2_TBI BIT(20)
#define TCR2_HA BIT(21)
#define TCR2_HD BIT(22)
#define TCR2_HPD BIT(24)
#define TCR2_DS BIT(32)

#define S1_PTE_ATTR GENMASK_ULL(4, 2)
#define S1_PTE_USER BIT(6)
#define S1_PTE_PXN BIT(53)
#define S1_PTE_UXN BIT(54) /* XN in a regime of one privilege level */
#define S1_TABLE_PXN BIT(59)
#define S1_TABLE_UXN BIT(60)
#define S1_TABLE_USER BIT(61) /* takes EL0's access away */
#define S1_TABLE_RDONLY BIT(62)

#define MAIR_NORMAL_NC 0x44
#define MAIR_NORMAL_WB 0xff

/* A regime as one set of values, whatever the format of its registers. */
struct regime {
	enum s1_regime id;
	u64 sctlr, mair, ttbr;
	unsigned int tsz;
	struct vmsa_geometry g;
	bool high;      /* VA bit 55: the range of TTBR1 */
	bool tbi, hpd, epd, e0pd;
	bool ha, hd;
	bool stage2;    /* its output goes through L1's stage 2 */
	bool nv1;       /* descriptors as for {NV,NV1} == {1,1} */
	bool off;
	bool dc;
};

static int fault(struct s1_walk_result *res, enum s2_fault_kind kind, int level)
{
	res->fault = kind;
	res->level = (s8)level;
	return -EFAULT;
}

static u8 pick_granule(const struct s1_caps *c, u8 shift)
{
	if ((shift == 12 && c->tgran4) || (shift == 14 && c->tgran16) ||
	    (shift == 16 && c->tgran64))
		return shift;
	/*
	 * Reserved or not implemented: one that is, an IMPLEMENTATION DEFINED choice (DecodeTGx). It
	 * must be the hardware's, whose walks of the same tables AT answers for; QEMU has the smallest.
	 */
	return c->tgran4 ? 12 : c->tgran16 ? 14 : 16;
}

static void two_ranges(const struct s1_caps *c, u64 tcr, struct regime *r)
{
	static const u8 tg0[4] = { 12, 16, 14 }, tg1[4] = { 0, 14, 12, 16 };
	bool hi = r->high;

	r->tsz = hi ? FIELD_GET(GENMASK_ULL(21, 16), tcr) : FIELD_GET(GENMASK_ULL(5, 0), tcr);
	r->g.page_shift = pick_granule(c, hi ? tg1[FIELD_GET(GENMASK_ULL(31, 30), tcr)] :
					       tg0[FIELD_GET(GENMASK_ULL(15, 14), tcr)]);
	r->g.oa_bits = ps_to_bits(FIELD_GET(TCR_IPS, tcr));
	r->g.ds = tcr & TCR_DS;
	r->tbi = tcr & (hi ? TCR_TBI1 : TCR_TBI0);
	r->hpd = tcr & (hi ? TCR_HPD1 : TCR_HPD0);
	r->epd = tcr & (hi ? TCR_EPD1 : TCR_EPD0);
	r->e0pd = c->e0pd && (tcr & (hi ? TCR_E0PD1 : TCR_E0PD0));
	r->ha = tcr & TCR_HA;
	r->hd = tcr & TCR_HD;
}

static void one_range(const struct s1_caps *c, u64 tcr, struct regime *r)
{
	static const u8 tg0[4] = { 12, 16, 14 };

	r->tsz = FIELD_GET(GENMASK_ULL(5, 0), tcr);
	r->g.page_shift = pick_granule(c, tg0[FIELD_GET(GENMASK_ULL(15, 14), tcr)]);
	r->g.oa_bits = ps_to_bits(FIELD_GET(TCR2_PS, tcr));
	r->g.ds = tcr & TCR2_DS;
	r->tbi = tcr & TCR2_TBI;
	r->hpd = tcr & TCR2_HPD;
	r->ha = tcr & TCR2_HA;
	r->hd = tcr & TCR2_HD;
}

static void get_regime(const struct at_ctx *ctx, enum s1_regime id, va_t va, struct regime *r)
{
	const struct at_regs *regs = &ctx->regs;
	const struct s1_caps *c = &ctx->s1;
	bool el1 = id == S1_EL10;

	*r = (struct regime){ .id = id, .high = id != S1_EL2 && (va & BIT(55)) };
	r->sctlr = el1 ? regs->sctlr_el1 : regs->sctlr_el2;
	r->mair = el1 ? regs->mair_el1 : regs->mair_el2;
	if (r->high)
		r->ttbr = el1 ? regs->ttbr1_el1 : regs->ttbr1_el2;
	else
		r->ttbr = el1 ? regs->ttbr0_el1 : regs->ttbr0_el2;
	if (id == S1_EL2)
		one_range(c, regs->tcr_el2, r);
	else
		two_ranges(c, el1 ? regs->tcr_el1 : regs->tcr_el2, r);

	r->g.stride = r->g.page_shift - 3;
	r->g.ds &= c->ds && r->g.page_shift != 16;
	if (r->g.oa_bits > ctx->s2.pa_bits)
		r->g.oa_bits = ctx->s2.pa_bits;
	r->g.oa52 = r->g.page_shift == 16 && r->g.oa_bits == 52;
	if (r->g.oa_bits > 48 && !r->g.oa52 && !r->g.ds)
		r->g.oa_bits = 48;
	r->hpd &= c->hpds;
	r->ha &= c->hafdbs_af;
	r->hd &= r->ha && c->hafdbs_db;

	r->off = !(r->sctlr & SCTLR_ELx_M);
	if (el1) {
		r->dc = regs->hcr & HCR_DC;
		/* {E2H,TGE} == {1,1} is EL2&0; with E2H 0, TGE turns this stage off. */
		r->off |= r->dc || (regs->hcr & HCR_TGE);
		r->stage2 = regs->hcr & (HCR_VM | HCR_DC);
		r->nv1 = c->nv && (regs->hcr & HCR_NV) && (regs->hcr & HCR_NV1);
	}
}

/* Stage 1 is off: the address goes through, as AArch64.S1DisabledOutput says. */
static int identity(const struct at_ctx *ctx, const struct regime *r, va_t va,
		    struct s1_walk_result *res)
{
	u64 addr = r->tbi ? va & GENMASK_ULL(55, 0) : va;

	res->mmu_off = true;
	if (above_bits(addr, ctx->s2.pa_bits))
		return fault(res, S2_FAULT_ADDRESS_SIZE, 0);
	res->pa = addr;
	res->shift = 12;
	res->attr = r->dc ? MAIR_NORMAL_WB : 0;
	res->sh = r->dc ? SH_NON : SH_OUTER;
	res->pr = res->pw = res->px = res->ur = res->uw = res->ux = true;
	return 0;
}

/* Everything that makes a walk end before its first read: level-0 translation faults. */
static bool in_range(const struct at_ctx *ctx, struct regime *r, va_t va, bool el0)
{
	/* Bits that must all be equal to bit 55, or zero for a single range, up to the tag if any. */
	unsigned int top = r->tbi ? 55 : 63;
	unsigned int max_tsz = !ctx->s2.ttst ? 39 : r->g.page_shift == 16 ? 47 : 48;
	bool va52 = r->g.page_shift == 16 ? ctx->s1.lva : r->g.ds;
	u64 ext;

	/* R_PLCGL, R_YXNYW; R_GTJBY, R_SXWGM */
	if (r->tsz > max_tsz || r->tsz < (va52 ? 12 : 16))
		return false;
	r->g.ia_bits = (u8)(64 - r->tsz);
	r->g.start_level = (s8)(3 - (r->g.ia_bits - 1 - r->g.page_shift) / r->g.stride);
	ext = va & GENMASK_ULL(top, r->g.ia_bits);
	if (ext != (r->high ? GENMASK_ULL(top, r->g.ia_bits) : 0))
		return false;
	return !r->epd && !(el0 && r->e0pd);
}

/* Reads a descriptor of stage 1, through stage 2 if there is one. */
static int read_desc(const struct at_ctx *ctx, const struct regime *r, u64 at, int level,
		     u64 *desc, struct s1_walk_result *res)
{
	const struct s2_walk_info info = {
		.vttbr = ctx->regs.vttbr,
		.vtcr = ctx->regs.vtcr,
		.big_endian = ctx->regs.sctlr_el2 & SCTLR_ELx_EE,
		.ptw = ctx->regs.hcr & HCR_PTW,
	};
	struct s2_walk_result s2;

	if (r->stage2) {
		if (s2_walk(&info, &ctx->s2, &ctx->mem, at, S2_ACC_READ | S2_ACC_S1PTW, &s2)) {
			res->s2 = true;
			res->s1ptw = true;
			res->fipa = at;
			return fault(res, s2.fault, s2.level);
		}
		at = s2.ipa;
	}
	if (ctx->mem.read(ctx->mem.ctx, at, desc))
		return fault(res, S2_FAULT_EXTERNAL, level);
	if (r->sctlr & SCTLR_ELx_EE)
		*desc = __builtin_bswap64(*desc);
	return 0;
}

/* The walk proper: leaf descriptor and level into res, hierarchical bits into *tables. */
static int walk(const struct at_ctx *ctx, const struct regime *r, va_t va, u64 *tables,
		struct s1_walk_result *res)
{
	unsigned int top = r->g.ia_bits, low;
	int level = r->g.start_level;
	u64 table = vmsa_root(&r->g, r->ttbr), at, desc, out;

	*tables = 0;
	/* R_VPBBF */
	if (above_bits(table, r->g.oa_bits))
		return fault(res, S2_FAULT_ADDRESS_SIZE, 0);
	for (;; level++, top = low) {
		low = vmsa_shift(&r->g, level);
		at = vmsa_desc_at(&r->g, table, level, top, va);
		if (read_desc(ctx, r, at, level, &desc, res))
			return -EFAULT;
		if (!(desc & PTE_VALID))
			return fault(res, S2_FAULT_TRANSLATION, level);
		if (level == 3 || !(desc & PTE_TABLE))
			break;
		if (!r->hpd)
			*tables |= desc;
		table = vmsa_desc_address(&r->g, desc, r->g.page_shift);
		if (above_bits(table, r->g.oa_bits))
			return fault(res, S2_FAULT_ADDRESS_SIZE, level);
	}
	if (!vmsa_leaf_allowed(&r->g, level, desc))
		return fault(res, S2_FAULT_TRANSLATION, level);
	out = vmsa_desc_address(&r->g, desc, low);
	if (above_bits(out, r->g.oa_bits))
		return fault(res, S2_FAULT_ADDRESS_SIZE, level);
	if (!(desc & PTE_AF) && !r->ha)
		return fault(res, S2_FAULT_ACCESS_FLAG, level);
	res->level = (s8)level;
	res->shift = (u8)low;
	res->desc = desc;
	res->desc_at = at;
	res->big_endian = r->sctlr & SCTLR_ELx_EE;
	res->set_af = !(desc & PTE_AF);
	res->set_dirty = r->hd && (desc & PTE_DBM) && (desc & S1_PTE_RDONLY);
	res->pa = out | (va & (BIT(low) - 1));
	return 0;
}

/* AArch64.S1DirectBasePermissions */
static void permissions(const struct regime *r, u64 desc, u64 tables, bool epan,
			struct s1_walk_result *res)
{
	bool two = r->id != S1_EL2, writable, wxn = r->sctlr & SCTLR_ELx_WXN;

	if (r->nv1) {
		/* EL0 has nothing, and what is UXN elsewhere means PXN. */
		bool pxn = desc & S1_PTE_UXN, pxn_table = tables & S1_TABLE_UXN;

		desc &= ~(S1_PTE_USER | S1_PTE_UXN | S1_PTE_PXN);
		desc |= pxn ? S1_PTE_PXN : 0;
		tables &= ~(S1_TABLE_USER | S1_TABLE_UXN | S1_TABLE_PXN);
		tables |= pxn_table ? S1_TABLE_PXN : 0;
	}
	writable = !(desc & S1_PTE_RDONLY) || (r->hd && (desc & PTE_DBM));
	writable &= !(tables & S1_TABLE_RDONLY);
	res->pr = true;
	res->pw = writable;
	if (two) {
		bool user = (desc & S1_PTE_USER) && !(tables & S1_TABLE_USER);

		res->ur = user;
		res->uw = user && writable;
		res->ux = !(desc & S1_PTE_UXN) && !(tables & S1_TABLE_UXN);
		/* What EL0 can write, EL1 never executes. */
		res->px = !(desc & S1_PTE_PXN) && !(tables & S1_TABLE_PXN) && !res->uw;
	} else {
		res->px = !(desc & S1_PTE_UXN) && !(tables & S1_TABLE_UXN);
	}
	res->px &= !(wxn && res->pw);
	res->ux &= !(wxn && res->uw);
	res->pan_hides = res->ur || res->uw || (epan && res->ux);
}

static bool permitted(const struct s1_walk_result *res, u32 access, bool pan)
{
	bool el0 = access & S1_ACC_EL0;
	bool rw = access & (S1_ACC_READ | S1_ACC_WRITE);

	if ((access & S1_ACC_READ) && !(el0 ? res->ur : res->pr))
		return false;
	if ((access & S1_ACC_WRITE) && !(el0 ? res->uw : res->pw))
		return false;
	if ((access & S1_ACC_EXEC) && !(el0 ? res->ux : res->px))
		return false;
	return !(rw && !el0 && pan && res->pan_hides);
}

int s1_walk(const struct at_ctx *ctx, enum s1_regime regime, va_t va, u32 access, bool pan,
	    struct s1_walk_result *res)
{
	struct regime r;
	u64 tables;
	u8 attr;

	*res = (struct s1_walk_result){ 0 };
	get_regime(ctx, regime, va, &r);
	if (r.off)
		return identity(ctx, &r, va, res);
	if (!in_range(ctx, &r, va, access & S1_ACC_EL0))
		return fault(res, S2_FAULT_TRANSLATION, 0);
	if (walk(ctx, &r, va, &tables, res))
		return -EFAULT;

	attr = (u8)(r.mair >> (8 * FIELD_GET(S1_PTE_ATTR, res->desc)));
	if (attr >> 4 && !(r.sctlr & SCTLR_ELx_C))
		attr = MAIR_NORMAL_NC;
	res->attr = attr;
	res->sh = (u8)FIELD_GET(PTE_SH, res->desc);
	if (r.g.ds)
		res->sh = (u8)FIELD_GET(GENMASK_ULL(13, 12) << (r.high ? 16 : 0),
					regime == S1_EL10 ? ctx->regs.tcr_el1 :
							    ctx->regs.tcr_el2);
	/* The reserved encoding counts as Non-shareable; these types are Outer Shareable always. */
	if (res->sh == 1)
		res->sh = SH_NON;
	if (!(attr >> 4) || attr == MAIR_NORMAL_NC)
		res->sh = SH_OUTER;

	permissions(&r, res->desc, tables, ctx->s1.pan3 && (r.sctlr & SCTLR_EPAN), res);
	if (!permitted(res, access, pan))
		return fault(res, S2_FAULT_PERMISSION, res->level);
	return 0;
}

bool s1_update_leaf(const struct at_ctx *ctx, struct s1_walk_result *s1, u32 access)
{
	u64 old = s1->desc, new = old;

	if (s1->set_af)
		new |= PTE_AF;
	if (s1->set_dirty && (access & S2_ACC_WRITE))
		new &= ~S1_PTE_RDONLY;
	else if (s1->set_dirty)
		s1->pw = false;	/* the first write has to come here */
	if (new == old)
		return true;
	if (s1->big_endian) {
		old = __builtin_bswap64(old);
		new = __builtin_bswap64(new);
	}
	return !ctx->mem.cmpxchg(ctx->mem.ctx, s1->desc_at, old, new);
}
