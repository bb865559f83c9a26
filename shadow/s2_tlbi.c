// SPDX-License-Identifier: GPL-2.0-only
/*
 * TLBIs of L1: which shadow leaves go, and which VMIDs of the hardware.
 *
 * Runs at EL2, interrupts masked; public functions take vm->lock. Invariant: what is dropped is never
 * less than what the instruction names; where an L1 leaf's size is not known, it counts as the largest
 * that the shadow was made from. All hardware TLBIs are Inner Shareable whatever L1's form is: its CPUs
 * are ours, and a vCPU may move.
 */
#include <check.h>
#include <errno.h>
#include <s2.h>

#include <lock.h>
#include "s2_hw.h"
#include "s2_internal.h"
#include "s2_pte.h"

enum kind {
	TLBI_STAGE1,   /* EL1&0, or EL2&0 under TGE */
	TLBI_E2,       /* the regime of EL2 */
	TLBI_IPA,      /* stage 2 by IPA */
	TLBI_VMALLS12,
	TLBI_ALLE1,
};

struct tlbi {
	enum kind kind;
	bool range;
	u8 op2; /* S2_HW_*: the E1 form of a stage-1 operation */
};

/* Fields of a range operation's register. */
#define RANGE_BASE GENMASK_ULL(36, 0)
#define RANGE_TTL GENMASK_ULL(38, 37)
#define RANGE_NUM GENMASK_ULL(43, 39)
#define RANGE_SCALE GENMASK_ULL(45, 44)
#define RANGE_TG GENMASK_ULL(47, 46)
#define TLBI_TTL GENMASK_ULL(47, 44)
#define TLBI_ASID GENMASK_ULL(63, 48)
#define TLBI_IPA_PAGE GENMASK_ULL(39, 0)
#define TLBI_VA_PAGE GENMASK_ULL(43, 0)

/* op1 0: CRm 1 OS, 3 IS, 7 local; ranges 5 OS, 2 IS, 6 local. */
static bool decode_e1(unsigned int crm, unsigned int op2, struct tlbi *t)
{
	t->kind = TLBI_STAGE1;
	t->op2 = (u8)op2;
	switch (crm) {
	case 1:
	case 3:
	case 7:
		t->range = false;
		return op2 != 4 && op2 != 6;
	case 2:
	case 5:
	case 6:
		t->range = true;
		return op2 & 1;
	default:
		return false;
	}
}

/* op1 4: stage 2 by IPA is CRm 0 (IS) and 4 (local, OS); the rest has the CRm of op1 0. */
static bool decode_e2(unsigned int crm, unsigned int op2, struct tlbi *t)
{
	if (crm == 0 || crm == 4) {
		t->kind = TLBI_IPA;
		t->range = (op2 & 3) >= 2;
		/* CRm 0: 1, 2, 5, 6. CRm 4: OS 0, 3, 4, 7, local 1, 2, 5, 6. */
		return crm == 4 || (op2 & 3) == 1 || (op2 & 3) == 2;
	}
	if (crm > 7)
		return false;
	t->range = crm == 2 || crm == 5 || crm == 6;
	if (t->range && op2 != 1 && op2 != 5)
		return false;
	switch (op2) {
	case 0:
	case 1:
	case 5:
		t->kind = TLBI_E2;
		t->op2 = (u8)op2;
		return true;
	case 4:
		t->kind = TLBI_ALLE1;
		return true;
	case 6:
		t->kind = TLBI_VMALLS12;
		return true;
	default:
		return false;
	}
}

static bool decode(const struct s2_caps *caps, u32 sys, struct tlbi *t)
{
	unsigned int op1 = sys >> 11, crn = (sys >> 7) & 0xf, crm = (sys >> 3) & 0xf;
	bool ok;

	*t = (struct tlbi){ 0 };
	/* CRn 9: the nXS forms, which may complete earlier and so need nothing more. */
	if (crn != 8 && crn != 9)
		return false;
	if (op1 == 0)
		ok = decode_e1(crm, sys & 7, t);
	else
		ok = op1 == 4 && decode_e2(crm, sys & 7, t);
	return ok && (!t->range || caps->tlbirange);
}

/* The VMID that VTTBR_EL2 and VTCR_EL2 select: of eight bits the upper half counts as zero (VTCR_EL2.VS). */
static u64 vmid_of(const struct s2_vm *vm, u64 vttbr, u64 vtcr)
{
	return FIELD_GET(VTTBR_VMID, vttbr) &
	       (vm->cfg.caps.vmid16 && (vtcr & VTCR_VS) ? 0xffff : 0xff);
}

static bool same_vmid(const struct s2_vm *vm, const struct s2_mmu *mmu, const struct s2_guest *g)
{
	return mmu->valid && vmid_of(vm, mmu->tlb_vttbr, mmu->tlb_vtcr) ==
				     vmid_of(vm, g->vttbr, g->vtcr);
}

/* ---- stage 2 by IPA ---- */

/* log2 of what a leaf of L1's maps at `level`, for its granule. */
static unsigned int l1_leaf_shift(unsigned int granule, int level)
{
	return granule + (unsigned int)(3 - level) * (granule - 3);
}

/*
 * log2 of the largest leaf of L1's that may have covered `ipa`: the hint and what is known of it in the
 * shadow, whichever is larger; else the largest ever seen.
 */
static unsigned int covering_shift(const struct s2_mmu *mmu, unsigned int granule, l2ipa_t ipa,
				   unsigned int hint_shift)
{
	unsigned int shift = hint_shift;
	struct s2_leaf leaf;

	if (s2_table_lookup(&mmu->table, ipa, &leaf)) {
		unsigned int seen = l1_leaf_shift(granule, (int)leaf.note - 1);

		if (seen > shift)
			shift = seen;
	} else if (!shift) {
		shift = mmu->max_l1_shift;
	}
	return shift > granule ? shift : granule;
}

/* log2 of the leaf that a TTL hint promises; 0 if it promises nothing. */
static unsigned int hint_shift(const struct s2_caps *caps, unsigned int granule, unsigned int tg,
			       unsigned int level)
{
	static const u8 shift_of_tg[4] = { 0, 12, 14, 16 };

	if (!caps->ttl || shift_of_tg[tg] != granule)
		return 0;
	/* Level 0 is no hint (a leaf at level 0 exists under DS alone, where 0 says it: unknown, too). */
	return level ? l1_leaf_shift(granule, (int)level) : 0;
}

static void unmap_around(struct s2_mmu *mmu, l2ipa_t first, unsigned int first_shift,
			 l2ipa_t last, unsigned int last_shift)
{
	l2ipa_t lo = first_shift > 63 ? 0 : ALIGN_DOWN(first, BIT(first_shift));
	l2ipa_t hi = last_shift > 63 ? ~0ULL : last | (BIT(last_shift) - 1);
	u64 size = hi - lo + 1 ? hi - lo + 1 : ~0ULL;

	mmu->vm->stats.tlbi_unmapped += s2_table_unmap(&mmu->table, lo, size);
	if (!mmu->table.leaves)
		mmu->max_l1_shift = 0;
}

static void ipa_single(struct s2_mmu *mmu, u64 val)
{
	const struct s2_caps *caps = &mmu->vm->cfg.caps;
	unsigned int granule = s2_vtcr_granule_shift(mmu->tlb_vtcr, caps);
	unsigned int ttl = FIELD_GET(TLBI_TTL, val);
	/* Xt[39:36] is IPA[51:48] where addresses have such bits, else RES0: ignored. */
	u64 page = FIELD_GET(TLBI_IPA_PAGE, val) & GENMASK_ULL(caps->pa_bits > 48 ? 39 : 35, 0);
	l2ipa_t ipa = ALIGN_DOWN(page << 12, BIT(granule));
	unsigned int shift = covering_shift(mmu, granule, ipa,
					    hint_shift(caps, granule, ttl >> 2, ttl & 3));

	unmap_around(mmu, ipa, shift, ipa, shift);
}

static void ipa_range(struct s2_mmu *mmu, u64 val)
{
	static const u8 shift_of_tg[4] = { 16, 12, 14, 16 };
	const struct s2_caps *caps = &mmu->vm->cfg.caps;
	unsigned int granule = s2_vtcr_granule_shift(mmu->tlb_vtcr, caps);
	unsigned int tg = FIELD_GET(RANGE_TG, val);
	bool ds = caps->ds && (mmu->tlb_vtcr & VTCR_DS);
	u64 pages = (FIELD_GET(RANGE_NUM, val) + 1) << (5 * FIELD_GET(RANGE_SCALE, val) + 1);
	l2ipa_t first = FIELD_GET(RANGE_BASE, val) << (ds ? 16 : shift_of_tg[tg]);
	l2ipa_t last = first + (pages << shift_of_tg[tg]) - 1;
	unsigned int hint = hint_shift(caps, granule, tg, FIELD_GET(RANGE_TTL, val));

	if (shift_of_tg[tg] != granule || !tg) {
		/* The architecture promises nothing for a wrong granule; all is never too little. */
		unmap_around(mmu, 0, 64, 0, 64);
		return;
	}
	unmap_around(mmu, first, covering_shift(mmu, granule, first, hint), last,
		     covering_shift(mmu, granule, ALIGN_DOWN(last, BIT(granule)), hint));
}

static void by_ipa(struct s2_vm *vm, const struct s2_guest *g, const struct tlbi *t, u64 val)
{
	for (unsigned int i = 0; i < vm->cfg.nr_shadows; i++) {
		struct s2_mmu *mmu = &vm->shadow[i];

		/*
		 * An empty shadow has nothing in any TLB: every leaf that left it took its TLB entries with
		 * it. And without a stage 2 there is nothing of stage 2 to invalidate.
		 */
		if (!same_vmid(vm, mmu, g) || !mmu->nested_stage2_enabled || !mmu->table.leaves)
			continue;
		if (t->range)
			ipa_range(mmu, val);
		else
			ipa_single(mmu, val);
	}
}

/* ---- the others ---- */

/* Everything of the shadows with that VMID (g) or of all (NULL). */
static void whole_vmids(struct s2_vm *vm, const struct s2_guest *g)
{
	for (unsigned int i = 0; i < vm->cfg.nr_shadows; i++) {
		struct s2_mmu *mmu = &vm->shadow[i];

		if (!mmu->valid || (g && !same_vmid(vm, mmu, g)))
			continue;
		vm->stats.tlbi_unmapped += mmu->table.root ? mmu->table.leaves : 0;
		s2_mmu_empty(mmu);
		/* Stage 1 may be cached on its own, so also when the shadow was empty. */
		s2_hw_tlbi_vmid(mmu->hw_vttbr);
	}
}

static u64 hw_stage1_val(const struct s2_caps *caps, const struct tlbi *t, u64 val)
{
	if (!t->range && !caps->ttl)
		val &= ~TLBI_TTL;
	return val;
}

static void stage1(struct s2_vm *vm, const struct s2_guest *g, const struct tlbi *t, u64 val)
{
	val = hw_stage1_val(&vm->cfg.caps, t, val);
	if ((g->hcr & (HCR_E2H | HCR_TGE)) == (HCR_E2H | HCR_TGE)) {
		s2_hw_tlbi_stage1(vm->canonical.hw_vttbr, t->range, t->op2, val);
		return;
	}
	for (unsigned int i = 0; i < vm->cfg.nr_shadows; i++) {
		struct s2_mmu *mmu = &vm->shadow[i];

		if (same_vmid(vm, mmu, g))
			s2_hw_tlbi_stage1(mmu->hw_vttbr, t->range, t->op2, val);
	}
}

/* Of the shadows of vEL2's stage 1: all vCPUs', since L0 keeps no track of who may have moved. */
static void stage1_shadows(struct s2_vm *vm, const struct tlbi *t, u64 val)
{
	for (unsigned int i = 0; i < vm->cfg.nr_stage1s; i++) {
		struct s2_mmu *mmu = &vm->stage1[i];
		unsigned int shift = mmu->max_l1_shift;
		u64 va = FIELD_GET(TLBI_VA_PAGE, val) << 12;

		if (!mmu->table.leaves)
			continue;
		if (t->range || t->op2 == S2_HW_VMALLE1)
			s2_mmu_empty(mmu);
		else
			unmap_around(mmu, va, shift, va, shift);
	}
}

/* A TLBI of vEL2's regime, which the hardware knows as EL1&0 of the canonical VMID. */
static void el2(struct s2_vm *vm, const struct s2_guest *g, const struct tlbi *t, u64 val)
{
	unsigned int op2 = t->op2;

	val = hw_stage1_val(&vm->cfg.caps, t, val);
	/* Without E2H the regime has no ASIDs: whatever ASID its entries got here, they must go. */
	if (op2 != S2_HW_VMALLE1 && !(g->hcr & HCR_E2H)) {
		op2 += S2_HW_VAAE1 - S2_HW_VAE1;
		val &= ~TLBI_ASID;
	}
	s2_hw_tlbi_stage1(vm->canonical.hw_vttbr, t->range, op2, val);
	if (vm->cfg.nr_stage1s && !(g->hcr & HCR_E2H))
		stage1_shadows(vm, t, val);
}

int s2_emulate_tlbi(struct s2_vm *vm, const struct s2_guest *g, u32 sys, u64 val)
{
	struct tlbi t;

	if (!decode(&vm->cfg.caps, sys, &t))
		return -EINVAL;
	lock(&vm->lock);
	vm->stats.tlbi++;
	switch (t.kind) {
	case TLBI_STAGE1:
		stage1(vm, g, &t, val);
		break;
	case TLBI_E2:
		el2(vm, g, &t, val);
		break;
	case TLBI_IPA:
		by_ipa(vm, g, &t, val);
		break;
	case TLBI_VMALLS12:
		whole_vmids(vm, g);
		break;
	case TLBI_ALLE1:
		whole_vmids(vm, NULL);
		break;
	}
	check_tlbi(vm, g, sys, val);
	unlock(&vm->lock);
	return 0;
}

int s2_emulate_tlbi_vel1(struct s2_mmu *mmu, u32 sys, u64 val)
{
	const struct s2_caps *caps = &mmu->vm->cfg.caps;
	struct tlbi t;

	if (!decode(caps, sys, &t) || t.kind != TLBI_STAGE1)
		return -EINVAL;
	s2_hw_tlbi_stage1(mmu->hw_vttbr, t.range, t.op2, hw_stage1_val(caps, &t, val));
	return 0;
}

void s2_flush_guest_stage1(struct s2_vm *vm)
{
	lock(&vm->lock);
	for (unsigned int i = 0; i < vm->cfg.nr_shadows; i++) {
		if (vm->shadow[i].valid)
			s2_hw_tlbi_stage1(vm->shadow[i].hw_vttbr, false, S2_HW_VMALLE1, 0);
	}
	unlock(&vm->lock);
}

void s2_flush_this_cpu(void)
{
	s2_hw_tlbi_all_local();
}
