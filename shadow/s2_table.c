// SPDX-License-Identifier: GPL-2.0-only
/*
 * Editor of the stage-2 tables that the hardware walks: 4K granule, start at level 0 or at a level 1 of up
 * to 16 concatenated tables.
 *
 * Runs at EL2 and on the build machine; the caller holds the VM's lock. Tables may be in use by any CPU
 * at any moment, hence break-before-make everywhere, in the order that s2.h writes down.
 * Invariants: a table page's note in the pool is its number of valid descriptors; no table page goes
 * back to the pool before a tlbi() that follows its unlinking; t->leaves and t->pages are exact.
 */
#include <errno.h>
#include <s2.h>

#include "s2_pte.h"

#define ENTRIES 512
#define LAST_LEVEL 3

/* Level of a leaf of 2^shift bytes, and back. */
static unsigned int level_shift(unsigned int level)
{
	return 12 + 9 * (LAST_LEVEL - level);
}

static unsigned int shift_level(unsigned int shift)
{
	return LAST_LEVEL - (shift - 12) / 9;
}

static bool is_table(u64 desc, unsigned int level)
{
	return level < LAST_LEVEL && (desc & (PTE_VALID | PTE_TABLE)) == (PTE_VALID | PTE_TABLE);
}

static u64 *table_of(u64 desc)
{
	return (u64 *)(uintptr_t)(desc & PTE_ADDR_48);
}

/* A descriptor is read by the table walkers of all CPUs: one access, never torn or repeated. */
static void set_desc(u64 *p, u64 desc)
{
	__atomic_store_n(p, desc, __ATOMIC_RELAXED);
}

/* Index of ia in a table of that level; the root of concatenated tables has more than 512 entries. */
static size_t index_at(const struct s2_table *t, unsigned int level, u64 ia)
{
	u64 i = ia >> level_shift(level);

	return level == t->start_level ? i : i & (ENTRIES - 1);
}

static size_t entries_at(const struct s2_table *t, unsigned int level)
{
	return level == t->start_level ? BIT(t->ia_bits - level_shift(level)) : ENTRIES;
}

/* The root has no count: it is never freed for being empty. */
static void count(struct s2_table *t, u64 *table, int change)
{
	if (table != t->root)
		*page_pool_note(t->pool, table) += change;
}

static u64 leaf_desc(unsigned int level, pa_t pa, const struct s2_leaf *a)
{
	/* Indexed by S2_PERM_PX and S2_PERM_UX: both, only EL1, only EL0, none. */
	unsigned int px = !!(a->perm & S2_PERM_PX), ux = !!(a->perm & S2_PERM_UX);
	unsigned int xn = px ? (ux ? 0 : 3) : (ux ? 1 : 2);
	u64 desc = PTE_VALID | PTE_AF | (pa & PTE_ADDR_48);

	desc |= level == LAST_LEVEL ? PTE_TABLE : 0;
	desc |= a->perm & S2_PERM_R ? S2_PTE_AP_R : 0;
	desc |= a->perm & S2_PERM_W ? S2_PTE_AP_W : 0;
	desc |= FIELD_PREP(S2_PTE_XN, xn) | FIELD_PREP(S2_PTE_MEMATTR, a->memattr);
	return desc | FIELD_PREP(PTE_SH, a->sh) | FIELD_PREP(S2_PTE_SW, a->note);
}

static void *table_alloc(struct s2_table *t)
{
	void *page;

	if (t->budget && t->budget->used >= t->budget->max)
		return NULL;
	page = page_pool_alloc(t->pool, 0);
	if (!page)
		return NULL;
	if (t->budget)
		t->budget->used++;
	t->pages++;
	return page;
}

static void table_free(struct s2_table *t, void *page)
{
	if (t->budget)
		t->budget->used--;
	t->pages--;
	page_pool_free(t->pool, page, 0);
}

/* Frees a table that no walker can reach any more, and all below it. */
static void tree_free(struct s2_table *t, u64 *table, unsigned int level)
{
	for (size_t i = 0; i < ENTRIES; i++) {
		if (is_table(table[i], level))
			tree_free(t, table_of(table[i]), level + 1);
		else if (table[i] & PTE_VALID)
			t->leaves--;
	}
	table_free(t, table);
}

/* Makes descriptor *p of `table` point to the new table `child`, whose content is written. */
static void link_table(struct s2_table *t, u64 *table, u64 *p, u64 *child)
{
	/* The child's content before the way to it, for walkers on other CPUs. */
	t->ops->publish(t);
	set_desc(p, (u64)(uintptr_t)child | PTE_VALID | PTE_TABLE);
	count(t, table, 1);
}

/* Replaces the block at *p, which maps ia's neighbourhood, by a table of 512 smaller leaves. */
static u64 *split_block(struct s2_table *t, u64 *table, u64 *p, unsigned int level, u64 ia)
{
	unsigned int shift = level_shift(level), below = level_shift(level + 1);
	u64 *child = table_alloc(t), desc = *p;

	if (!child)
		return NULL;
	if (level + 1 == LAST_LEVEL)
		desc |= PTE_TABLE;
	for (size_t i = 0; i < ENTRIES; i++)
		child[i] = desc + ((u64)i << below);
	*page_pool_note(t->pool, child) = ENTRIES;
	t->leaves += ENTRIES - 1;
	set_desc(p, 0);
	count(t, table, -1);
	t->ops->tlbi(t, ALIGN_DOWN(ia, BIT(shift)), BIT(shift));
	link_table(t, table, p, child);
	return child;
}

/*
 * The table of `level` that holds ia's descriptor, made if need be. NULL: no memory.
 */
static u64 *descend(struct s2_table *t, u64 ia, unsigned int level)
{
	u64 *table = t->root;

	for (unsigned int l = t->start_level; l < level; l++) {
		u64 *p = &table[index_at(t, l, ia)], *child;

		if (is_table(*p, l)) {
			child = table_of(*p);
		} else if (*p & PTE_VALID) {
			child = split_block(t, table, p, l, ia);
			if (!child)
				return NULL;
		} else {
			child = table_alloc(t);
			if (!child)
				return NULL;
			link_table(t, table, p, child);
		}
		table = child;
	}
	return table;
}

static int map_leaf(struct s2_table *t, u64 ia, pa_t pa, unsigned int shift,
		    const struct s2_leaf *attr)
{
	unsigned int level = shift_level(shift);
	u64 new = leaf_desc(level, pa, attr), old, *table, *p;

	table = descend(t, ia, level);
	if (!table)
		return -ENOMEM;
	p = &table[index_at(t, level, ia)];
	old = *p;
	if (old == new)
		return 0;
	if (old & PTE_VALID) {
		/* Break before make: nobody may hold the old translation when the new one appears. */
		set_desc(p, 0);
		count(t, table, -1);
		t->ops->tlbi(t, ia, BIT(shift));
		if (is_table(old, level))
			tree_free(t, table_of(old), level + 1);
		else
			t->leaves--;
	}
	set_desc(p, new);
	count(t, table, 1);
	t->leaves++;
	return 0;
}

int s2_table_map(struct s2_table *t, u64 ia, pa_t pa, u64 size, const struct s2_leaf *attr,
		 unsigned int max_shift)
{
	u64 limit = BIT(t->ia_bits);
	int ret = 0;

	if (!IS_ALIGNED(ia | pa | size, SZ_4K) || ia >= limit || size > limit - ia ||
	    above_bits(pa, 48) || above_bits(pa + size - !!size, 48))
		return -EINVAL;
	while (size && !ret) {
		unsigned int shift = 30;

		while (shift > 12 && (shift > max_shift || BIT(shift) > size ||
				      !IS_ALIGNED(ia | pa, BIT(shift))))
			shift -= 9;
		ret = map_leaf(t, ia, pa, shift, attr);
		if (ret)
			break;
		ia += BIT(shift);
		pa += BIT(shift);
		size -= BIT(shift);
	}
	/* The new leaves before the guest that will use them. */
	t->ops->publish(t);
	return ret;
}

/* ---- taking away ---- */

struct unmap {
	struct s2_table *t;
	u64 first, last;               /* what is asked for, both included */
	u64 lo, hi;                    /* what was touched, hi not included */
	u64 *graves[LAST_LEVEL + 1];   /* unlinked tables by level, chained by their notes */
	u64 leaves;
};

/*
 * Remembers a table that was unlinked, with all below it. Walkers may be in it until the tlbi(), so
 * nothing may be written into the page itself: its note takes the chain, a page's number in the pool + 1.
 */
static void bury(struct unmap *u, u64 *table, unsigned int level)
{
	struct page_pool *pool = u->t->pool;
	u64 *next = u->graves[level];

	*page_pool_note(pool, table) = next ? (u16)(page_pool_number(pool, next) + 1) : 0;
	u->graves[level] = table;
}

static void free_graves(struct unmap *u)
{
	struct page_pool *pool = u->t->pool;

	for (unsigned int level = 0; level <= LAST_LEVEL; level++) {
		u64 *table = u->graves[level];

		while (table) {
			u16 next = *page_pool_note(pool, table);

			tree_free(u->t, table, level);
			table = next ? page_pool_page(pool, next - 1U) : NULL;
		}
	}
}

static void touched(struct unmap *u, u64 base, unsigned int shift)
{
	if (base < u->lo)
		u->lo = base;
	if (base + BIT(shift) > u->hi)
		u->hi = base + BIT(shift);
}

static u64 count_leaves(const u64 *table, unsigned int level)
{
	u64 n = 0;

	for (size_t i = 0; i < ENTRIES; i++) {
		if (is_table(table[i], level))
			n += count_leaves(table_of(table[i]), level + 1);
		else
			n += table[i] & PTE_VALID;
	}
	return n;
}

static void unmap_table(struct unmap *u, u64 *table, unsigned int level, u64 base);

/* One descriptor, which maps [base, base + 2^shift) and is valid. */
static void unmap_entry(struct unmap *u, u64 *table, u64 *p, unsigned int level, u64 base)
{
	unsigned int shift = level_shift(level);
	bool whole = u->first <= base && u->last >= base + BIT(shift) - 1;
	u64 *child;

	if (!is_table(*p, level)) {
		set_desc(p, 0);
		count(u->t, table, -1);
		u->t->leaves--;
		u->leaves++;
		touched(u, base, shift);
		return;
	}
	child = table_of(*p);
	if (!whole) {
		unmap_table(u, child, level + 1, base);
		if (*page_pool_note(u->t->pool, child))
			return;
	} else {
		u->leaves += count_leaves(child, level + 1);
	}
	set_desc(p, 0);
	count(u->t, table, -1);
	touched(u, base, shift);
	bury(u, child, level + 1);
}

/* The descriptors of one table, which starts to map at `base`. */
static void unmap_table(struct unmap *u, u64 *table, unsigned int level, u64 base)
{
	unsigned int shift = level_shift(level);
	size_t n = entries_at(u->t, level), i = 0;

	if (u->first > base)
		i = (u->first - base) >> shift;
	for (; i < n; i++) {
		u64 at = base + ((u64)i << shift);

		if (at > u->last)
			break;
		if (table[i] & PTE_VALID)
			unmap_entry(u, table, &table[i], level, at);
	}
}

u64 s2_table_unmap(struct s2_table *t, u64 ia, u64 size)
{
	struct unmap u = { .t = t, .first = ALIGN_DOWN(ia, SZ_4K), .lo = ~0ULL };
	u64 top = BIT(t->ia_bits) - 1;

	if (!size || ia > top)
		return 0;
	u.last = (size - 1 > top - ia ? top : ia + size - 1) | (SZ_4K - 1);
	unmap_table(&u, t->root, t->start_level, 0);
	if (u.hi)
		t->ops->tlbi(t, u.lo, u.hi - u.lo);
	free_graves(&u);
	return u.leaves;
}

void s2_table_clear(struct s2_table *t)
{
	if (t->leaves || t->pages)
		s2_table_unmap(t, 0, ~0ULL);
}

/* ---- looking ---- */

bool s2_table_lookup(const struct s2_table *t, u64 ia, struct s2_leaf *leaf)
{
	static const u8 exec[4] = {
		[0] = S2_PERM_PX | S2_PERM_UX, [1] = S2_PERM_UX, [2] = 0, [3] = S2_PERM_PX,
	};
	const u64 *table = t->root;
	unsigned int level = t->start_level, shift;
	u64 desc;

	if (above_bits(ia, t->ia_bits))
		return false;
	while (is_table(desc = table[index_at(t, level, ia)], level)) {
		table = table_of(desc);
		level++;
	}
	if (!(desc & PTE_VALID))
		return false;
	shift = level_shift(level);
	leaf->pa = (desc & PTE_ADDR_48) | (ia & (BIT(shift) - 1));
	leaf->level = (u8)level;
	leaf->shift = (u8)shift;
	leaf->perm = exec[FIELD_GET(S2_PTE_XN, desc)];
	leaf->perm |= desc & S2_PTE_AP_R ? S2_PERM_R : 0;
	leaf->perm |= desc & S2_PTE_AP_W ? S2_PERM_W : 0;
	leaf->memattr = (u8)FIELD_GET(S2_PTE_MEMATTR, desc);
	leaf->sh = (u8)FIELD_GET(PTE_SH, desc);
	leaf->note = (u8)FIELD_GET(S2_PTE_SW, desc);
	return true;
}

/* ---- life ---- */

unsigned int s2_table_root_order(unsigned int ia_bits)
{
	/* Up to 43 bits start at level 1, with 2 to 16 tables side by side above 39. */
	return ia_bits > level_shift(0) && ia_bits <= level_shift(0) + 4 ? ia_bits - level_shift(0)
									 : 0;
}

int s2_table_init_at(struct s2_table *t, unsigned int ia_bits, u64 *root, struct page_pool *pool,
		     struct s2_budget *budget, const struct s2_table_ops *ops)
{
	if (ia_bits < 32 || ia_bits > 48)
		return -EINVAL;
	*t = (struct s2_table){
		.root = root,
		.ia_bits = (u8)ia_bits,
		.start_level = ia_bits > level_shift(0) + 4 ? 0 : 1,
		.root_order = (u8)s2_table_root_order(ia_bits),
		.pool = pool,
		.budget = budget,
		.ops = ops,
	};
	return 0;
}

int s2_table_init(struct s2_table *t, unsigned int ia_bits, struct page_pool *pool,
		  struct s2_budget *budget, const struct s2_table_ops *ops)
{
	int ret = s2_table_init_at(t, ia_bits, NULL, pool, budget, ops);

	if (ret)
		return ret;
	t->root = page_pool_alloc(pool, t->root_order);
	return t->root ? 0 : -ENOMEM;
}
