// SPDX-License-Identifier: GPL-2.0-only
/*
 * The editor of hardware tables against a flat model, page by page, with a TLB that may have cached every
 * valid leaf after every operation: break-before-make, TLBIs that cover all that changed, no table freed before
 * its TLBI, exact counts, exhaustion.
 *
 * unit: harness/tests/unit/unit.c shadow/page_pool.c shadow/s2_table.c harness/tests/unit/tlb_model.c -idirafter hyp/include -Ishadow
 */
#include "unit.h"

#include <s2.h>
#include "tlb_model.h"

#define POOL_PAGES 2000
#define AREA_PAGES 4096ULL /* 16 MiB, eight blocks of 2M */

static u8 *pool_mem;
static struct page_pool pool;

/* One page of the model, and of what a TLB may hold. */
struct page {
	bool valid;
	u64 pa;
	u8 perm, memattr;
};

static struct page model[AREA_PAGES], cached[AREA_PAGES];
static u64 area; /* where the pages of the model are */
static u32 free_at_start;
static bool only_frees;
static unsigned int tlbis;

static struct page now(const struct s2_table *t, u64 ia)
{
	struct s2_leaf leaf;

	if (!s2_table_lookup(t, ia, &leaf))
		return (struct page){ 0 };
	return (struct page){ true, leaf.pa, leaf.perm, leaf.memattr };
}

static bool same(const struct page *a, const struct page *b)
{
	return a->valid == b->valid && (!a->valid || (a->pa == b->pa && a->perm == b->perm &&
						      a->memattr == b->memattr));
}

static void tlbi(struct s2_table *t, u64 ia, u64 size)
{
	CHECK(size && !((ia | size) & 0xfff));
	tlbis++;
	if (only_frees)
		CHECK(pool.nr_free <= free_at_start);
	for (u64 i = 0; i < AREA_PAGES; i++) {
		struct page p = now(t, area + i * 4096);

		if (area + i * 4096 < ia || area + i * 4096 - ia >= size)
			continue;
		/*
		 * Break before make: what may be cached is still there unchanged (its neighbour is being
		 * removed), or is invalid, never already something else.
		 */
		if (cached[i].valid && p.valid) {
			CHECK_EQ(p.pa, cached[i].pa);
			CHECK_EQ(p.memattr, cached[i].memattr);
			CHECK_EQ(p.perm, cached[i].perm);
		}
		cached[i].valid = false;
	}
}

static void publish(struct s2_table *t)
{
	(void)t;
}

static const struct s2_table_ops ops = { .tlbi = tlbi, .publish = publish };

/* Table and model agree, and no TLB holds what is not there. */
static void compare(const struct s2_table *t)
{
	u64 leaves = 0;
	unsigned int shift = 0;

	for (u64 i = 0; i < AREA_PAGES; i++) {
		u64 ia = area + i * 4096;
		struct page p = now(t, ia);
		struct s2_leaf leaf;

		CHECK(same(&p, &model[i]));
		CHECK(!cached[i].valid || same(&p, &cached[i]));
		cached[i] = p;
		if (p.valid) {
			CHECK(s2_table_lookup(t, ia, &leaf));
			shift = leaf.shift;
			leaves += !(ia & (BIT(shift) - 1));
		}
	}
	CHECK_EQ(t->leaves, leaves);
	CHECK_EQ(pool.nr_pages - pool.nr_free, t->pages + (1U << t->root_order));
}

static void set(u64 first, u64 n, u64 pa, const struct s2_leaf *a)
{
	for (u64 i = first; i < first + n; i++, pa += 4096)
		model[i] = (struct page){ a != NULL, pa, a ? a->perm : 0, a ? a->memattr : 0 };
}

static void pick(u64 *first, u64 *n)
{
	switch (below(4)) {
	case 0:
		*first = below(8) * 512;
		*n = 512 * (1 + below(8 - *first / 512));
		break;
	case 1:
		*first = below(AREA_PAGES);
		*n = 1;
		break;
	default:
		*first = below(AREA_PAGES);
		*n = 1 + below(one_in(2) ? 40 : AREA_PAGES);
	}
	if (*n > AREA_PAGES - *first)
		*n = AREA_PAGES - *first;
}

/* What a rough unmap takes: whole blocks. */
static void widen(const struct s2_table *t, u64 *first, u64 *n)
{
	u64 last = *first + *n - 1;
	struct s2_leaf leaf;

	if (s2_table_lookup(t, area + *first * 4096, &leaf) && leaf.shift == 21)
		*first &= ~511ULL;
	if (s2_table_lookup(t, area + last * 4096, &leaf) && leaf.shift == 21)
		last |= 511;
	*n = last - *first + 1;
}

static void one_operation(struct s2_table *t)
{
	static const u8 perms[] = { S2_PERM_R, S2_PERM_RWX, S2_PERM_R | S2_PERM_W,
				    S2_PERM_R | S2_PERM_PX, S2_PERM_RWX & ~S2_PERM_PX };
	struct s2_leaf attr = { .perm = perms[below(5)], .memattr = one_in(4) ? 1 : 15, .sh = 3 };
	u64 first, n, pa;

	pick(&first, &n);
	tlbis = 0;
	free_at_start = pool.nr_free;
	only_frees = false;
	switch (below(7)) {
	case 0:
	case 1:
	case 2:
		/* Aligned to the input address or not. */
		pa = (one_in(3) ? below(BIT(30)) << 12 : (below(BIT(20)) << 21) + first * 4096);
		CHECK_EQ(s2_table_map(t, area + first * 4096, pa, n * 4096, &attr,
				      one_in(4) ? 12 : 30), 0);
		set(first, n, pa, &attr);
		break;
	case 3:
	case 4:
	case 5:
		only_frees = true;
		widen(t, &first, &n);
		s2_table_unmap(t, area + first * 4096 + below(4096), n * 4096 - 4095);
		set(first, n, 0, NULL);
		break;
	default:
		if (!one_in(8))
			break;
		only_frees = true;
		s2_table_clear(t);
		CHECK(tlbis <= 1);
		CHECK_EQ(t->pages, 0);
		CHECK_EQ(t->leaves, 0);
		set(0, AREA_PAGES, 0, NULL);
	}
}

static void destroy(struct s2_table *t)
{
	free_at_start = pool.nr_free;
	s2_table_clear(t);
	page_pool_free(&pool, t->root, t->root_order);
}

static void random_edits(unsigned int bits, u64 rounds)
{
	struct s2_table t;

	unit_case = "random edits";
	memset(model, 0, sizeof(model));
	memset(cached, 0, sizeof(cached));
	/* Across a 1G boundary as often as not, and at the ends of the input. */
	area = one_in(3) ? 0 : one_in(2) ? BIT(bits) - (AREA_PAGES << 12) :
					   (1 + below(3)) * SZ_1G - (AREA_PAGES << 11);
	CHECK_EQ(s2_table_init(&t, bits, &pool, NULL, &ops), 0);
	while (rounds--) {
		one_operation(&t);
		compare(&t);
	}
	destroy(&t);
	CHECK_EQ(pool.nr_free, pool.nr_pages);
}

/* The hardware's reading of what we write, at the ends of every input size. */
static void shapes(void)
{
	const struct s2_leaf attr = {
		.perm = S2_PERM_R | S2_PERM_UX, .memattr = 5, .sh = 2, .note = 9
	};
	unsigned int shift;

	for (unsigned int bits = 32; bits <= 48; bits++) {
		u64 top = BIT(bits),
		    ends[] = { 0, top - 4096, top / 2, SZ_2M, top - SZ_2M, top - SZ_1G };
		struct s2_table t;

		unit_case = "shapes";
		CHECK_EQ(s2_table_init(&t, bits, &pool, NULL, &ops), 0);
		for (unsigned int i = 0; i < ARRAY_SIZE(ends); i++) {
			u64 vtcr = (64 - bits) | (u64)(2 - t.start_level) << 6;
			u64 size = i < 3 ? 4096 : i < 5 ? SZ_2M : SZ_1G;
			struct tlb_entry e;
			struct s2_leaf leaf;

			area = 0;
			CHECK_EQ(s2_table_map(&t, ends[i], 0x7fc0000000, size, &attr, 30), 0);
			CHECK(tlb_walk((u64)(uintptr_t)t.root, vtcr, ends[i] + size - 1, &e,
				       &shift));
			CHECK_EQ(BIT(shift), size);
			CHECK_EQ(e.pa, 0x7fc0000000 + size - 4096);
			CHECK_EQ(e.perm, attr.perm);
			CHECK_EQ(e.memattr, 5);
			CHECK_EQ(e.sh, 2);
			CHECK(s2_table_lookup(&t, ends[i], &leaf));
			CHECK_EQ(leaf.note, 9);
			CHECK(!tlb_walk((u64)(uintptr_t)t.root, vtcr, top, &e, &shift));
			CHECK(!s2_table_lookup(&t, top, &leaf));
		}
		CHECK_EQ(s2_table_map(&t, top, 0, 4096, &attr, 30), -EINVAL);
		CHECK_EQ(s2_table_map(&t, top - 4096, 0, 8192, &attr, 30), -EINVAL);
		CHECK_EQ(s2_table_map(&t, 0, 0x800, 4096, &attr, 30), -EINVAL);
		CHECK_EQ(s2_table_map(&t, 0, BIT(48), 4096, &attr, 30), -EINVAL);
		CHECK_EQ(s2_table_unmap(&t, top, 4096), 0);
		CHECK(s2_table_unmap(&t, 0, ~0ULL) >= 4);
		CHECK_EQ(t.pages, 0);
		destroy(&t);
		CHECK_EQ(pool.nr_free, pool.nr_pages);
	}
	CHECK_EQ(s2_table_init(&(struct s2_table){ 0 }, 31, &pool, NULL, &ops), -EINVAL);
	CHECK_EQ(s2_table_init(&(struct s2_table){ 0 }, 49, &pool, NULL, &ops), -EINVAL);
}

/* A budget: -ENOMEM leaves a table that is right, and no page is lost. */
static void exhaustion(void)
{
	const struct s2_leaf attr = { .perm = S2_PERM_RWX, .memattr = 15 };

	unit_case = "exhaustion";
	memset(model, 0, sizeof(model));
	memset(cached, 0, sizeof(cached));
	area = 0;
	for (u32 max = 0; max < 12; max++) {
		struct s2_budget budget = { .max = max };
		struct s2_table t;
		int ret;

		CHECK_EQ(s2_table_init(&t, 40, &pool, &budget, &ops), 0);
		/* One table of level 2, and one of level 3 for each 2M. */
		ret = s2_table_map(&t, 0, 0x1000, 8 * SZ_2M, &attr, 12);
		CHECK_EQ(ret, max >= 9 ? 0 : -ENOMEM);
		CHECK_EQ(budget.used, max < 9 ? max : 9);
		CHECK_EQ(t.pages, budget.used);
		set(0, max >= 9 ? 4096 : max > 1 ? (max - 1) * 512ULL : 0, 0x1000, &attr);
		compare(&t);
		/* Taking away never needs memory. */
		s2_table_unmap(&t, 0x3000, SZ_2M);
		set(3, 512, 0, NULL);
		compare(&t);
		s2_table_clear(&t);
		CHECK_EQ(budget.used, 0);
		set(0, AREA_PAGES, 0, NULL);
		memset(cached, 0, sizeof(cached));
		if (max >= 1) {
			CHECK_EQ(s2_table_map(&t, 0, 0, SZ_2M, &attr, 30), 0);
			CHECK_EQ(s2_table_unmap(&t, 0, 4096), 1);
		}
		destroy(&t);
		CHECK_EQ(budget.used, 0);
		CHECK_EQ(pool.nr_free, pool.nr_pages);
		memset(model, 0, sizeof(model));
		memset(cached, 0, sizeof(cached));
	}
}

int main(int argc, char **argv)
{
	u64 rounds = unit_args(argc, argv, 400);

	pool_mem = aligned_alloc(HYP_PAGE_SIZE, POOL_PAGES * HYP_PAGE_SIZE);
	CHECK(pool_mem);
	CHECK_EQ(page_pool_init(&pool, pool_mem, pool_mem + POOL_PAGES * HYP_PAGE_SIZE), 0);
	shapes();
	exhaustion();
	for (unsigned int bits = 33; bits <= 48; bits += 3)
		random_edits(bits, rounds);
	free(pool_mem);
	return 0;
}
