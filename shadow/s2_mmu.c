// SPDX-License-Identifier: GPL-2.0-only
/*
 * The MMUs of one L1: its canonical stage 2, and a bounded set of shadows of those that it wrote.
 *
 * Runs at EL2, interrupts masked; public functions take vm->lock. Slots and their hardware VMIDs are
 * fixed for the life of the VM, so no pointer to an mmu ever dangles and no VMID can be used twice.
 * Invariants: a shadow leaf never allows what L1's leaf or L0's does not; a shadow holds nothing that was
 * not in L1's tables after the last TLBI for it; max_l1_shift bounds the L1 leaves it came from.
 */
#include <check.h>
#include <errno.h>
#include <s2.h>
#include <smmu.h>

#include <lock.h>
#include "s2_hw.h"
#include "s2_internal.h"
#include "s2_pte.h"

/* ---- hardware tables' view of the machine ---- */

static void shadow_tlbi(struct s2_table *t, u64 ia, u64 size)
{
	s2_hw_tlbi_range(container_of(t, struct s2_mmu, table)->hw_vttbr, ia, size);
}

/* The canonical table serves several VMIDs (vEL2, and vEL1 without a stage 2), so all must go; and L1's devices. */
static void canonical_tlbi(struct s2_table *t, u64 ia, u64 size)
{
	(void)t;
	(void)ia;
	(void)size;
	s2_hw_tlbi_all();
	smmu_tlbi();
}

static void publish(struct s2_table *t)
{
	(void)t;
	s2_hw_publish();
}

static const struct s2_table_ops shadow_ops = { .tlbi = shadow_tlbi, .publish = publish };
static const struct s2_table_ops canonical_ops = { .tlbi = canonical_tlbi, .publish = publish };

static u64 make_vtcr(const struct s2_vm *vm, const struct s2_table *t)
{
	u64 ps = 0;

	while (ps < 5 && ps_to_bits(ps) < vm->cfg.hw_pa_bits)
		ps++;
	/* Walks of our tables: Inner Shareable, write-back, write-allocate; 4K granule. */
	return VTCR_RES1 | FIELD_PREP(VTCR_T0SZ, 64 - t->ia_bits) |
	       FIELD_PREP(VTCR_SL0, 2 - t->start_level) | FIELD_PREP(VTCR_IRGN0, 1) |
	       FIELD_PREP(VTCR_ORGN0, 1) | FIELD_PREP(VTCR_SH0, SH_INNER) |
	       FIELD_PREP(VTCR_PS, ps) | (vm->cfg.hw_vmid_bits == 16 ? VTCR_VS : 0);
}

static void set_hw(struct s2_mmu *mmu, const struct s2_table *t)
{
	mmu->hw_vttbr = (u64)(uintptr_t)t->root | FIELD_PREP(VTTBR_VMID, mmu->vmid);
	mmu->hw_vtcr = make_vtcr(mmu->vm, t);
}

/* As large as the CPU's stage 2 can be: what of vEL2's addresses lies above cannot be reached. */
static int init_stage1(struct s2_vm *vm, struct s2_mmu *mmu, u16 vmid)
{
	int ret;

	mmu->vm = vm;
	mmu->vmid = vmid;
	mmu->stage1 = true;
	ret = s2_table_init(&mmu->table, vm->cfg.hw_pa_bits, vm->cfg.pool, &vm->budget,
			    &shadow_ops);
	if (ret)
		return ret;
	set_hw(mmu, &mmu->table);
	s2_hw_tlbi_vmid(mmu->hw_vttbr);
	return 0;
}

/*
 * TLBIs of L1's reach all its vCPUs by the VMID, so that is the canonical one's: the tables differ from CPU to CPU
 * (no CnP), and what one vCPU leaves in a CPU's TLB goes before the next one runs there.
 */
static int init_own(struct s2_vm *vm, unsigned int i)
{
	struct s2_mmu *mmu = &vm->owns->mmu[i];
	int ret;

	mmu->vm = vm;
	mmu->vmid = vm->canonical.vmid;
	ret = s2_table_init(&mmu->table, vm->cfg.l1_ipa_bits, vm->cfg.pool, NULL, &canonical_ops);
	if (ret)
		return ret;
	set_hw(mmu, &mmu->table);
	return 0;
}

int s2_vm_init(struct s2_vm *vm, const struct s2_config *cfg)
{
	u32 vmid = cfg->vmid_base ? cfg->vmid_base : 1;
	u32 last = vmid + cfg->nr_shadows + cfg->nr_stage1s;
	u8 pa_bits = cfg->hw_pa_bits > 48 ? 48 : cfg->hw_pa_bits;
	int ret;

	if (!cfg->nr_shadows || cfg->nr_shadows > S2_MAX_SHADOWS ||
	    cfg->nr_stage1s > S2_MAX_STAGE1S || cfg->nr_owns > S2_MAX_STAGE1S ||
	    (cfg->hw_vmid_bits != 8 && cfg->hw_vmid_bits != 16) || last >> cfg->hw_vmid_bits ||
	    cfg->l1_ipa_bits > pa_bits || cfg->caps.pa_bits > pa_bits)
		return -EINVAL;
	check_vmids(vm, vmid, last);
	*vm = (struct s2_vm){ .cfg = *cfg };
	vm->cfg.hw_pa_bits = pa_bits;
	vm->mem = (struct s2_mem_ops){
		.read = s2_vm_read64, .cmpxchg = s2_vm_cmpxchg64, .ctx = vm,
	};
	vm->budget.max = cfg->shadow_pages ? cfg->shadow_pages : S2_SHADOW_PAGES;
	ret = s2_table_init(&vm->canonical.table, cfg->l1_ipa_bits, cfg->pool, NULL,
			    &canonical_ops);
	if (ret)
		return ret;
	vm->canonical.vm = vm;
	vm->canonical.vmid = (u16)vmid;
	set_hw(&vm->canonical, &vm->canonical.table);
	/* The VMIDs may have been somebody's before. */
	s2_hw_tlbi_vmid(vm->canonical.hw_vttbr);
	/* Of the sizes that shadow_ia_bits() gives, the one with the largest root. */
	vm->root_order = (u8)s2_table_root_order(pa_bits < 44 ? pa_bits : 40);
	for (unsigned int i = 0; i < cfg->nr_shadows; i++) {
		struct s2_mmu *mmu = &vm->shadow[i];

		mmu->vm = vm;
		mmu->vmid = (u16)(vmid + 1 + i);
		mmu->root_pages = page_pool_alloc(cfg->pool, vm->root_order);
		if (!mmu->root_pages)
			return -ENOMEM;
	}
	for (unsigned int i = 0; i < cfg->nr_stage1s; i++) {
		ret = init_stage1(vm, &vm->stage1[i], (u16)(vmid + 1 + cfg->nr_shadows + i));
		if (ret)
			return ret;
	}
	if (cfg->nr_owns) {
		vm->owns = page_pool_alloc(cfg->pool, 0);
		if (!vm->owns)
			return -ENOMEM;
	}
	for (unsigned int i = 0; i < cfg->nr_owns; i++) {
		ret = init_own(vm, i);
		if (ret)
			return ret;
	}
	return 0;
}

/* ---- L1's physical address space ---- */

/* Notes a range of RAM, to be found without the table; one too many is found by the table alone. */
static void note_ram(struct s2_vm *vm, ipa_t ipa, pa_t pa, u64 size)
{
	struct s2_ram *last = vm->nr_ram ? &vm->ram[vm->nr_ram - 1] : NULL;

	if (last && ipa == last->ipa + last->size && pa == last->pa + last->size)
		last->size += size;
	else if (vm->nr_ram < S2_RAM_RANGES)
		vm->ram[vm->nr_ram++] = (struct s2_ram){ ipa, size, pa };
}

/* The range is about to mean something else: if any of it is noted, only the table knows what. */
static void forget_ram(struct s2_vm *vm, ipa_t ipa, u64 size)
{
	for (unsigned int i = 0; i < vm->nr_ram; i++) {
		const struct s2_ram *r = &vm->ram[i];

		if (ipa - r->ipa < r->size || r->ipa - ipa < size)
			vm->nr_ram = 0;
	}
}

static int map_canonical(struct s2_vm *vm, ipa_t ipa, pa_t pa, u64 size,
			 const struct s2_leaf *attr)
{
	int ret;

	lock(&vm->lock);
	forget_ram(vm, ipa, size);
	ret = s2_table_map(&vm->canonical.table, ipa, pa, size, attr, 30);
	for (unsigned int i = 0; !ret && i < vm->cfg.nr_owns; i++)
		ret = s2_table_map(&vm->owns->mmu[i].table, ipa, pa, size, attr, 30);
	if (!ret && attr->memattr == S2_MEMATTR_NORMAL_WB)
		note_ram(vm, ipa, pa, size);
	unlock(&vm->lock);
	return ret;
}

int s2_vm_map_ram(struct s2_vm *vm, ipa_t ipa, pa_t pa, u64 size)
{
	const struct s2_leaf ram = {
		.perm = S2_PERM_RWX, .memattr = S2_MEMATTR_NORMAL_WB, .sh = SH_INNER,
	};

	return map_canonical(vm, ipa, pa, size, &ram);
}

int s2_vm_map_device(struct s2_vm *vm, ipa_t ipa, pa_t pa, u64 size)
{
	const struct s2_leaf device = {
		.perm = S2_PERM_R | S2_PERM_W, .memattr = S2_MEMATTR_DEV_nGnRE, .sh = SH_OUTER,
	};

	return map_canonical(vm, ipa, pa, size, &device);
}

int s2_vm_map_window(struct s2_vm *vm, unsigned int i, const struct s2_ram *window, u8 perm)
{
	const struct s2_leaf attr = {
		.perm = perm, .memattr = S2_MEMATTR_NORMAL_WB, .sh = SH_INNER,
	};
	int ret;

	if (i >= vm->cfg.nr_owns || vm->owns->nr_windows == ARRAY_SIZE(vm->owns->window))
		return -EINVAL;
	lock(&vm->lock);
	ret = s2_table_map(&vm->owns->mmu[i].table, window->ipa, window->pa, window->size, &attr,
			   12);
	if (!ret)
		vm->owns->window[vm->owns->nr_windows++] = *window;
	unlock(&vm->lock);
	return ret;
}

bool s2_vm_ipa_to_pa(struct s2_vm *vm, ipa_t ipa, pa_t *pa, bool *ram)
{
	struct s2_leaf leaf;

	if (!s2_table_lookup(&vm->canonical.table, ipa, &leaf))
		return false;
	*pa = leaf.pa;
	*ram = leaf.memattr == S2_MEMATTR_NORMAL_WB;
	return true;
}

const struct s2_table *s2_vm_map_of(const struct s2_mmu *mmu)
{
	const struct s2_vm *vm = mmu->vm;

	if (!vm->owns)
		return &vm->canonical.table;
	if (mmu->stage1)
		return &vm->owns->mmu[mmu - vm->stage1].table;
	return mmu >= vm->owns->mmu && mmu < vm->owns->mmu + S2_MAX_STAGE1S ? &mmu->table :
									       &vm->canonical.table;
}

/* L0's address of 8 aligned bytes of L1's RAM. */
static u64 *ram_word(struct s2_vm *vm, ipa_t ipa)
{
	bool ram;
	pa_t pa;

	for (unsigned int i = 0; i < vm->nr_ram; i++) {
		if (ipa - vm->ram[i].ipa < vm->ram[i].size)
			return (u64 *)(uintptr_t)(vm->ram[i].pa + (ipa - vm->ram[i].ipa));
	}
	if (!s2_vm_ipa_to_pa(vm, ipa, &pa, &ram) || !ram)
		return NULL;
	return (u64 *)(uintptr_t)pa;
}

int s2_vm_read64(void *vm, ipa_t addr, u64 *val)
{
	u64 *p = ram_word(vm, addr);

	if (!p)
		return -EFAULT;
	*val = __atomic_load_n(p, __ATOMIC_RELAXED);
	return 0;
}

int s2_vm_cmpxchg64(void *vm, ipa_t addr, u64 old, u64 new)
{
	u64 *p = ram_word(vm, addr);

	if (!p)
		return -EFAULT;
	return __atomic_compare_exchange_n(p, &old, new, false, __ATOMIC_RELAXED,
					   __ATOMIC_RELAXED) ? 0 : -EAGAIN;
}

/* ---- finding the shadow of a stage 2 ---- */

bool s2_mmu_matches(const struct s2_mmu *mmu, const struct s2_guest *g)
{
	bool nested = g->hcr & (HCR_VM | HCR_DC);

	if (!mmu->valid || mmu->nested_stage2_enabled != nested)
		return false;
	/* Without a stage 2 only the VMID counts: it is in the TLB's tags all the same. */
	if (!nested)
		return FIELD_GET(VTTBR_VMID, mmu->tlb_vttbr ^ g->vttbr) == 0;
	return mmu->tlb_vttbr == (g->vttbr & ~VTTBR_CNP) && mmu->tlb_vtcr == g->vtcr &&
	       mmu->plan.big_endian == !!(g->sctlr & SCTLR_ELx_EE) &&
	       mmu->plan.ptw == !!(g->hcr & HCR_PTW);
}

void s2_mmu_empty(struct s2_mmu *mmu)
{
	if (mmu->table.root)
		s2_table_clear(&mmu->table);
	mmu->max_l1_shift = 0;
}

/* Input size of the shadow for a stage 2 with this VTCR_EL2. */
static unsigned int shadow_ia_bits(const struct s2_vm *vm, u64 vtcr)
{
	unsigned int bits = 64 - (unsigned int)FIELD_GET(VTCR_T0SZ, vtcr);

	if (bits < 32)
		bits = 32;
	if (bits > vm->cfg.hw_pa_bits)
		bits = vm->cfg.hw_pa_bits;
	/* A fourth level costs a page; concatenation would take up to sixteen contiguous ones. */
	if (bits > 40 && bits < 44 && vm->cfg.hw_pa_bits >= 44)
		bits = 44;
	return bits;
}

/* Gives a slot that nobody runs on another key. */
static void assign(struct s2_mmu *mmu, const struct s2_guest *g)
{
	struct s2_vm *vm = mmu->vm;
	bool nested = g->hcr & (HCR_VM | HCR_DC);
	const struct s2_walk_info info = {
		.vttbr = g->vttbr,
		.vtcr = g->vtcr,
		.big_endian = g->sctlr & SCTLR_ELx_EE,
		.ptw = g->hcr & HCR_PTW,
	};

	/* Leaves the root's pages zeroed, as the next table needs them. */
	s2_mmu_empty(mmu);
	mmu->table.root = NULL;
	if (nested)
		s2_table_init_at(&mmu->table, shadow_ia_bits(vm, g->vtcr), mmu->root_pages,
				 vm->cfg.pool, &vm->budget, &shadow_ops);
	set_hw(mmu, nested ? &mmu->table : &vm->canonical.table);
	mmu->tlb_vttbr = g->vttbr & ~VTTBR_CNP;
	mmu->tlb_vtcr = g->vtcr;
	s2_walk_make_plan(&info, &vm->cfg.caps, &mmu->plan);
	mmu->nested_stage2_enabled = nested;
	/* What the VMID's former life left in TLBs, stage 1 included. */
	s2_hw_tlbi_vmid(mmu->hw_vttbr);
	mmu->valid = true;
}

struct s2_mmu *lookup_s2_mmu(struct s2_vm *vm, const struct s2_guest *g)
{
	struct s2_mmu *found = NULL, *victim = NULL;

	lock(&vm->lock);
	for (unsigned int i = 0; i < vm->cfg.nr_shadows && !found; i++) {
		struct s2_mmu *mmu = &vm->shadow[i];

		if (s2_mmu_matches(mmu, g))
			found = mmu;
		else if (!mmu->refcnt && (!victim || mmu->last_used < victim->last_used))
			victim = mmu;
	}
	if (found) {
		vm->stats.mmu_switches++;
	} else if (victim) {
		vm->stats.mmu_recycled += victim->valid;
		assign(victim, g);
		found = victim;
	}
	if (found) {
		found->refcnt++;
		found->last_used = ++vm->tick;
	}
	unlock(&vm->lock);
	return found;
}

void s2_mmu_put(struct s2_mmu *mmu)
{
	lock(&mmu->vm->lock);
	if (mmu->refcnt)
		mmu->refcnt--;
	unlock(&mmu->vm->lock);
}

/* Any that has tables to give. */
static struct s2_mmu *richest_stage1(struct s2_vm *vm, const struct s2_mmu *needy)
{
	struct s2_mmu *victim = NULL;

	for (unsigned int i = 0; i < vm->cfg.nr_stage1s; i++) {
		struct s2_mmu *mmu = &vm->stage1[i];

		if (mmu != needy && mmu->table.pages &&
		    (!victim || mmu->table.pages > victim->table.pages))
			victim = mmu;
	}
	return victim;
}

/*
 * Takes all tables of one shadow: the least recently used one that nobody runs on, else one that
 * somebody does (its guest only faults again), then a stage 1, `needy` last. Returns the pages freed.
 */
u32 s2_reclaim(struct s2_vm *vm, struct s2_mmu *needy)
{
	struct s2_mmu *victim = NULL;
	u32 pages;

	for (unsigned int i = 0; i < vm->cfg.nr_shadows; i++) {
		struct s2_mmu *mmu = &vm->shadow[i];

		if (mmu == needy || !mmu->table.root || !mmu->table.pages)
			continue;
		if (!victim || !mmu->refcnt > !victim->refcnt ||
		    (!mmu->refcnt == !victim->refcnt && mmu->last_used < victim->last_used))
			victim = mmu;
	}
	if (!victim)
		victim = richest_stage1(vm, needy);
	if (!victim)
		victim = needy;
	if (!victim->table.root)
		return 0;
	pages = victim->table.pages;
	s2_mmu_empty(victim);
	check_shadow(victim);
	vm->stats.pages_reclaimed += pages;
	return pages;
}

void s2_stage1_clear(struct s2_mmu *mmu)
{
	lock(&mmu->vm->lock);
	s2_mmu_empty(mmu);
	unlock(&mmu->vm->lock);
}
