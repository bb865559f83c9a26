// SPDX-License-Identifier: GPL-2.0-only
/*
 * Filling shadow tables: stage-2 faults of L1's guests, and prefilling before they happen.
 *
 * Runs at EL2, interrupts masked; takes vm->lock, which also keeps a TLBI by another vCPU of L1's from
 * passing between the walk of L1's tables and the new leaf: either the walk sees L1's change, or the
 * TLBI sees the leaf.
 */
#include <at.h>
#include <check.h>
#include <errno.h>
#include <s2.h>

#include <lock.h>
#include "s2_internal.h"
#include "s2_pte.h"

static int walk(struct s2_mmu *mmu, l2ipa_t ipa, u32 access, struct s2_walk_result *res)
{
	return s2_walk_planned(&mmu->plan, &mmu->vm->mem, ipa, access, res);
}

/* MemAttr[3:0] of L1 and of L0: the weaker memory type, and cacheability level by level. */
static u8 combine_memattr(u8 a, u8 b)
{
	u8 outer, inner;

	if (a < 4 || b < 4)
		return a < b ? a : b;
	outer = (a >> 2) < (b >> 2) ? a >> 2 : b >> 2;
	inner = (a & 3) < (b & 3) ? a & 3 : b & 3;
	/* Inner 00 of Normal memory is reserved: Non-cacheable. */
	return (u8)(outer << 2 | (inner ? inner : 1));
}

static u8 combine_sh(u8 a, u8 b)
{
	if (a == SH_OUTER || b == SH_OUTER)
		return SH_OUTER;
	return a == SH_INNER || b == SH_INNER ? SH_INNER : SH_NON;
}

/*
 * Does L0's @leaf? A table walk that was refused although it may read (S2_ACC_WRITE, then) is refused again on
 * what L0 has for a device, by the HCR_EL2.PTW that L1 has set.
 */
static bool leaf_allows(const struct s2_leaf *leaf, u32 access)
{
	u8 x = access & S2_ACC_EL0 ? S2_PERM_UX : S2_PERM_PX;

	if ((access & S2_ACC_S1PTW) && (access & S2_ACC_WRITE) &&
	    leaf->memattr != S2_MEMATTR_NORMAL_WB)
		return false;
	return !((access & S2_ACC_READ) && !(leaf->perm & S2_PERM_R)) &&
	       !((access & S2_ACC_WRITE) && !(leaf->perm & S2_PERM_W)) &&
	       !((access & S2_ACC_EXEC) && !(leaf->perm & x));
}

/*
 * Maps what L1's leaf (res) and L0's (l0) have in common around ipa: a block if both are. Returns
 * log2 of its size, or -ENOMEM.
 */
static int map_shadow(struct s2_mmu *mmu, l2ipa_t ipa, const struct s2_walk_result *res,
		      const struct s2_leaf *l0)
{
	unsigned int shift = res->shift < l0->shift ? res->shift : l0->shift;
	u64 mask = BIT(shift) - 1;
	struct s2_leaf leaf = {
		.perm = res->perm & l0->perm,
		.memattr = combine_memattr(res->memattr, l0->memattr),
		.sh = combine_sh(res->sh, l0->sh),
		/* For TLBIs without a level hint: which leaf of L1's this is a part of. */
		.note = (u8)(res->level + 1),
	};
	unsigned int tries = mmu->vm->cfg.nr_shadows + 1U;
	int ret;

	/* Each try but the last empties another shadow; the mmu's own comes last. */
	do {
		ret = s2_table_map(&mmu->table, ipa & ~mask, l0->pa & ~mask, mask + 1, &leaf, 30);
	} while (ret == -ENOMEM && tries-- && s2_reclaim(mmu->vm, mmu));
	/* Also if only a part was mapped. */
	if (res->shift > mmu->max_l1_shift)
		mmu->max_l1_shift = res->shift;
	return ret ? ret : (int)shift;
}

static int emulate(struct s2_fault_result *out, ipa_t l1_ipa)
{
	out->l1_ipa = l1_ipa;
	return S2_EMULATE;
}

/* A fault on a context whose table is the canonical one, or a vCPU's own. */
static int canonical_fault(const struct s2_mmu *mmu, ipa_t ipa, u32 access,
			   struct s2_fault_result *out)
{
	struct s2_leaf leaf;

	out->perm = S2_PERM_RWX;
	if (!s2_table_lookup(s2_vm_map_of(mmu), ipa, &leaf) || !leaf_allows(&leaf, access))
		return emulate(out, ipa);
	out->shift = leaf.shift;
	return S2_RETRY;
}

static int nested_fault(struct s2_mmu *mmu, l2ipa_t ipa, u32 access, struct s2_fault_result *out)
{
	struct s2_stats *stats = &mmu->vm->stats;
	struct s2_walk_result res;
	struct s2_leaf l0;
	int ret;

	stats->shadow_faults++;
	if (walk(mmu, ipa, access, &res)) {
		stats->injected++;
		out->kind = res.fault;
		out->level = res.level;
		out->fsc = s2_fault_fsc(res.fault, res.level);
		return S2_INJECT;
	}
	out->perm = res.perm;
	if (!s2_table_lookup(&mmu->vm->canonical.table, res.ipa, &l0) || !leaf_allows(&l0, access))
		return emulate(out, res.ipa);
	/* An input the table cannot hold does not get here: its size is that of L1's stage 2. */
	ret = map_shadow(mmu, ipa, &res, &l0);
	if (ret < 0)
		return ret;
	check_mapped(mmu, ipa);
	check_shadow(mmu);
	stats->mapped++;
	stats->mapped_blocks += ret >= 21;
	out->shift = (u8)ret;
	return S2_RETRY;
}

int s2_shadow_fault(struct s2_mmu *mmu, l2ipa_t ipa, u32 access, struct s2_fault_result *out)
{
	int ret;

	*out = (struct s2_fault_result){ .fipa = ipa };
	lock(&mmu->vm->lock);
	if (mmu->nested_stage2_enabled)
		ret = nested_fault(mmu, ipa, access, out);
	else
		ret = canonical_fault(mmu, ipa, access, out);
	unlock(&mmu->vm->lock);
	return ret;
}

/* MemAttr[3:0] of a byte of MAIR: the type alone, hints have no place in it. */
static u8 memattr_of_mair(u8 attr)
{
	/* Nibbles of Normal memory: 0b0100 is Non-cacheable, others with bit 2 write-back. */
	static const u8 cache[16] = { 2, 2, 2, 2, 1, 3, 3, 3, 2, 2, 2, 2, 3, 3, 3, 3 };

	if (!(attr >> 4))
		return attr >> 2 & 3;
	return (u8)(cache[attr >> 4] << 2 | cache[attr & 15]);
}

static int stage1_fault(struct s2_mmu *mmu, const struct at_ctx *ctx, va_t va, u32 access,
			struct s2_fault_result *out)
{
	u64 ia = va & (BIT(mmu->table.ia_bits) - 1);
	struct s2_walk_result leaf;
	struct s1_walk_result s1;
	struct s2_leaf l0;
	int ret;

	if (s1_walk(ctx, S1_EL2, va, access, false, &s1)) {
		out->kind = s1.fault;
		out->level = s1.level;
		out->fsc = s2_fault_fsc(s1.fault, s1.level);
		return S2_INJECT;
	}
	if (!s2_table_lookup(s2_vm_map_of(mmu), s1.pa, &l0) || !leaf_allows(&l0, access))
		return emulate(out, s1.pa);
	if (!s1_update_leaf(ctx, &s1, access))
		return S2_RETRY;
	leaf = (struct s2_walk_result){
		.level = s1.level,
		.shift = s1.shift,
		.perm = (u8)(S2_PERM_R | (s1.pw ? S2_PERM_W : 0) |
			     (s1.px ? S2_PERM_PX | S2_PERM_UX : 0)),
		.memattr = memattr_of_mair(s1.attr),
		.sh = s1.sh,
	};
	ret = map_shadow(mmu, ia, &leaf, &l0);
	if (ret < 0)
		return ret;
	check_shadow(mmu);
	out->shift = (u8)ret;
	return S2_RETRY;
}

int s2_stage1_fault(struct s2_mmu *mmu, const struct at_ctx *ctx, va_t va, u32 access,
		    struct s2_fault_result *out)
{
	int ret;

	*out = (struct s2_fault_result){ .fipa = va };
	lock(&mmu->vm->lock);
	ret = stage1_fault(mmu, ctx, va, access, out);
	unlock(&mmu->vm->lock);
	return ret;
}

int s2_shadow_prefill(struct s2_mmu *mmu, l2ipa_t ipa)
{
	struct s2_vm *vm = mmu->vm;
	struct s2_walk_result res;
	struct s2_leaf l0;
	int ret = -ENOENT;

	lock(&vm->lock);
	if (mmu->nested_stage2_enabled && !walk(mmu, ipa, 0, &res) && res.perm &&
	    s2_table_lookup(&vm->canonical.table, res.ipa, &l0) &&
	    l0.memattr == S2_MEMATTR_NORMAL_WB && map_shadow(mmu, ipa, &res, &l0) >= 0) {
		check_mapped(mmu, ipa);
		check_shadow(mmu);
		vm->stats.prefilled++;
		ret = 0;
	}
	unlock(&vm->lock);
	return ret;
}
