// SPDX-License-Identifier: GPL-2.0-only
/*
 * Walker of the stage-2 tables that L1 wrote.
 *
 * Pure: memory through callbacks, no state, no lock; runs at EL2 and on the build machine. Follows
 * AArch64.S2Translate and AArch64.S2Walk of the Arm ARM's pseudocode; where that is CONSTRAINED
 * UNPREDICTABLE, the choice is a level-0 translation fault, as QEMU's.
 * Invariant: a walk reads at most five descriptors, whatever they hold.
 */
#include <errno.h>
#include <s2.h>

#include "s2_pte.h"
#include "vmsa.h"

/* How often a hardware update of a descriptor is tried when somebody else changes it meanwhile. */
#define MAX_UPDATE_TRIES 8

u8 s2_fault_fsc(enum s2_fault_kind kind, int level)
{
	static const u8 base[] = {
		[S2_FAULT_ADDRESS_SIZE] = 0x00, [S2_FAULT_TRANSLATION] = 0x04,
		[S2_FAULT_ACCESS_FLAG] = 0x08,  [S2_FAULT_PERMISSION] = 0x0c,
		[S2_FAULT_EXTERNAL] = 0x14,
	};

	if (level >= 0)
		return base[kind] | (u8)(level & 3);
	switch (kind) {
	case S2_FAULT_ADDRESS_SIZE:
		return 0x29;
	case S2_FAULT_EXTERNAL:
		return 0x13;
	default:
		return 0x2b;
	}
}

unsigned int s2_vtcr_granule_shift(u64 vtcr, const struct s2_caps *caps)
{
	u64 tg0 = FIELD_GET(VTCR_TG0, vtcr);

	if (tg0 == 1 && caps->tgran64)
		return 16;
	if (tg0 == 2 && caps->tgran16)
		return 14;
	/* Reserved or not implemented: one that is, by QEMU's choice the smallest (DecodeTGx). */
	return caps->tgran4 ? 12 : caps->tgran16 ? 14 : 16;
}

/* AArch64.S2StartLevel, with the cases of AArch64.S2InvalidSL; below -1 if invalid. */
static int start_level(const struct s2_caps *caps, const struct vmsa_geometry *g, u64 vtcr)
{
	unsigned int sl0 = FIELD_GET(VTCR_SL0, vtcr);

	switch (g->page_shift) {
	case 12:
		if (g->ds && (vtcr & VTCR_SL2))
			return sl0 ? -2 : -1;
		if (sl0 == 3)
			return caps->ttst ? 3 : -2;
		if (sl0 == 2 && caps->pa_bits < 44)
			return -2;
		return 2 - (int)sl0;
	case 14:
		if (sl0 == 3)
			return g->ds ? 0 : -2;
		if (sl0 == 2 && caps->pa_bits < 42)
			return -2;
		return 3 - (int)sl0;
	default:
		if (sl0 == 3 || (sl0 == 2 && caps->pa_bits < 44))
			return -2;
		return 3 - (int)sl0;
	}
}

/* False where the configuration itself is a level-0 translation fault. */
static bool get_geometry(u64 vtcr, const struct s2_caps *caps, struct vmsa_geometry *g)
{
	unsigned int tsz = FIELD_GET(VTCR_T0SZ, vtcr);
	unsigned int max_tsz, max_ia, low;

	g->page_shift = (u8)s2_vtcr_granule_shift(vtcr, caps);
	g->stride = g->page_shift - 3;
	g->ds = caps->ds && g->page_shift != 16 && (vtcr & VTCR_DS);
	g->oa_bits = (u8)ps_to_bits(FIELD_GET(VTCR_PS, vtcr));
	if (g->oa_bits > caps->pa_bits)
		g->oa_bits = caps->pa_bits;
	g->oa52 = g->page_shift == 16 && g->oa_bits == 52;
	if (g->oa_bits > 48 && !g->oa52 && !g->ds)
		g->oa_bits = 48;

	max_tsz = !caps->ttst ? 39 : g->page_shift == 16 ? 47 : 48;
	max_ia = caps->pa_bits;
	if (max_ia > 48 && g->page_shift != 16 && !g->ds)
		max_ia = 48;
	if (tsz > max_tsz || 64 - tsz > max_ia)
		return false;
	g->ia_bits = (u8)(64 - tsz);

	g->start_level = (s8)start_level(caps, g, vtcr);
	if (g->start_level < -1)
		return false;
	/*
	 * AArch64.S2InconsistentSL: the start table resolves at least one bit, and at most a level's
	 * and the four of sixteen concatenated tables.
	 */
	low = vmsa_shift(g, g->start_level);
	return g->ia_bits > low && g->ia_bits <= low + g->stride + 4;
}

void s2_walk_make_plan(const struct s2_walk_info *info, const struct s2_caps *caps,
		       struct s2_walk_plan *plan)
{
	*plan = (struct s2_walk_plan){
		.ha = caps->hafdbs_af && (info->vtcr & VTCR_HA),
		.xnx = caps->xnx,
		.big_endian = info->big_endian,
		.ptw = info->ptw,
		.sh = (u8)FIELD_GET(VTCR_SH0, info->vtcr),
	};
	plan->hd = plan->ha && caps->hafdbs_db && (info->vtcr & VTCR_HD);
	plan->valid = get_geometry(info->vtcr, caps, &plan->g);
	if (plan->valid)
		plan->root = vmsa_root(&plan->g, info->vttbr);
}

static u8 leaf_perm(u64 desc, bool xnx)
{
	static const u8 exec[4] = {
		[0] = S2_PERM_PX | S2_PERM_UX, [1] = S2_PERM_UX, [2] = 0, [3] = S2_PERM_PX,
	};
	unsigned int xn = FIELD_GET(S2_PTE_XN, desc);
	u8 perm = 0;

	if (desc & S2_PTE_AP_R)
		perm |= S2_PERM_R;
	if (desc & S2_PTE_AP_W)
		perm |= S2_PERM_W;
	/* Without FEAT_XNX bit 53 is RES0. */
	return perm | exec[xnx ? xn : xn & 2];
}

static bool permitted(u8 perm, u8 memattr, bool ptw, u32 access)
{
	if ((access & S2_ACC_READ) && !(perm & S2_PERM_R))
		return false;
	if ((access & S2_ACC_WRITE) && !(perm & S2_PERM_W))
		return false;
	if (access & S2_ACC_EXEC) {
		u8 x = access & S2_ACC_EL0 ? S2_PERM_UX : S2_PERM_PX;

		/* Whether it may be read does not matter (S2DirectBasePermissions). */
		if (!(perm & x))
			return false;
	}
	return !((access & S2_ACC_S1PTW) && ptw && memattr < 4);
}

static int fault(struct s2_walk_result *res, enum s2_fault_kind kind, int level)
{
	res->fault = kind;
	res->level = (s8)level;
	return -EFAULT;
}

/* What the hardware makes of a leaf when this access is permitted. */
static u64 updated(const struct s2_walk_plan *p, u64 desc, u32 access)
{
	if (!p->ha)
		return desc;
	if (p->hd && (desc & PTE_DBM) && (access & S2_ACC_WRITE))
		desc |= S2_PTE_AP_W;
	return desc | PTE_AF;
}

/* -EAGAIN: the leaf changed meanwhile, walk again. The value in memory has the byte order that L1 chose. */
static int update_leaf(const struct s2_walk_plan *p, const struct s2_mem_ops *mem, ipa_t addr,
		       u64 old, u64 new)
{
	if (p->big_endian) {
		old = __builtin_bswap64(old);
		new = __builtin_bswap64(new);
	}
	return mem->cmpxchg(mem->ctx, addr, old, new);
}

/* A valid leaf of this level, read from `at`. */
static int leaf(const struct s2_walk_plan *p, const struct s2_mem_ops *mem, ipa_t at, u64 old,
		int level, l2ipa_t ipa, u32 access, struct s2_walk_result *res)
{
	u64 desc = mem->cmpxchg ? updated(p, old, access) : old;
	unsigned int low = vmsa_shift(&p->g, level);
	u64 out = vmsa_desc_address(&p->g, desc, low);
	int ret;

	if (above_bits(out, p->g.oa_bits))
		return fault(res, S2_FAULT_ADDRESS_SIZE, level);
	if (!(desc & PTE_AF))
		return fault(res, S2_FAULT_ACCESS_FLAG, level);

	res->level = (s8)level;
	res->shift = (u8)low;
	res->perm = leaf_perm(desc, p->xnx);
	res->memattr = (u8)FIELD_GET(S2_PTE_MEMATTR, desc);
	res->sh = p->g.ds ? p->sh : (u8)FIELD_GET(PTE_SH, desc);
	res->contiguous = desc & PTE_CONT;
	res->ipa = out | (ipa & (BIT(low) - 1));
	res->desc = desc;
	/* FaultAllowsSetAccessFlag(): whether AF is set all the same is CONSTRAINED UNPREDICTABLE; QEMU does not. */
	if (!permitted(res->perm, res->memattr, p->ptw, access))
		return fault(res, S2_FAULT_PERMISSION, level);
	ret = desc == old ? 0 : update_leaf(p, mem, at, old, desc);
	return ret && ret != -EAGAIN ? fault(res, S2_FAULT_EXTERNAL, level) : ret;
}

/* One descent. -EAGAIN if the leaf was changed under us. */
static int walk_once(const struct s2_walk_plan *p, const struct s2_mem_ops *mem, l2ipa_t ipa,
		     u32 access, struct s2_walk_result *res)
{
	unsigned int top = p->g.ia_bits;
	u64 table = p->root, desc;

	if (above_bits(table, p->g.oa_bits))
		return fault(res, S2_FAULT_ADDRESS_SIZE, 0);
	for (int level = p->g.start_level;; level++) {
		ipa_t at = vmsa_desc_at(&p->g, table, level, top, ipa);

		if (mem->read(mem->ctx, at, &desc))
			return fault(res, S2_FAULT_EXTERNAL, level);
		if (p->big_endian)
			desc = __builtin_bswap64(desc);
		if (!(desc & PTE_VALID))
			return fault(res, S2_FAULT_TRANSLATION, level);
		if (level == 3 || !(desc & PTE_TABLE)) {
			if (!vmsa_leaf_allowed(&p->g, level, desc))
				return fault(res, S2_FAULT_TRANSLATION, level);
			return leaf(p, mem, at, desc, level, ipa, access, res);
		}
		table = vmsa_desc_address(&p->g, desc, p->g.page_shift);
		if (above_bits(table, p->g.oa_bits))
			return fault(res, S2_FAULT_ADDRESS_SIZE, level);
		top = vmsa_shift(&p->g, level);
	}
}

int s2_walk_planned(const struct s2_walk_plan *plan, const struct s2_mem_ops *mem, l2ipa_t ipa,
		    u32 access, struct s2_walk_result *res)
{
	int ret;

	*res = (struct s2_walk_result){ 0 };
	if (!plan->valid || above_bits(ipa, plan->g.ia_bits))
		return fault(res, S2_FAULT_TRANSLATION, 0);
	for (int i = 0; i < MAX_UPDATE_TRIES; i++) {
		ret = walk_once(plan, mem, ipa, access, res);
		if (ret != -EAGAIN)
			return ret;
	}
	/* Somebody keeps writing the descriptor. The hardware, too, may report what it saw. */
	return fault(res, S2_FAULT_ACCESS_FLAG, 3);
}

int s2_walk(const struct s2_walk_info *info, const struct s2_caps *caps,
	    const struct s2_mem_ops *mem, l2ipa_t ipa, u32 access, struct s2_walk_result *res)
{
	struct s2_walk_plan plan;

	s2_walk_make_plan(info, caps, &plan);
	return s2_walk_planned(&plan, mem, ipa, access, res);
}
