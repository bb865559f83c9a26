// SPDX-License-Identifier: GPL-2.0-only
/*
 * The page pool: alignment, zeroing, no page twice, exact counts, exhaustion.
 *
 * unit: harness/tests/unit/unit.c shadow/page_pool.c -idirafter hyp/include -Ishadow
 */
#include "unit.h"

#include <page_pool.h>

#define PAGES 300

struct piece {
	u8 *mem;
	unsigned int order;
};

static void check_new(const struct page_pool *pool, const u8 *p, unsigned int order,
		      const struct piece *have, unsigned int n)
{
	size_t size = HYP_PAGE_SIZE << order;

	CHECK_EQ((uintptr_t)p & (size - 1), 0);
	CHECK(p >= pool->base && p + size <= pool->base + (size_t)pool->nr_pages * HYP_PAGE_SIZE);
	for (size_t i = 0; i < size; i++)
		CHECK_EQ(p[i], 0);
	for (unsigned int i = 0; i < n; i++)
		CHECK(p + size <= have[i].mem ||
		      p >= have[i].mem + (HYP_PAGE_SIZE << have[i].order));
}

static void random_use(struct page_pool *pool, u64 rounds)
{
	struct piece have[PAGES];
	unsigned int n = 0, pages = 0, low = 0;

	unit_case = "random use";
	while (rounds--) {
		if (n && one_in(2)) {
			unsigned int i = (unsigned int)below(n);

			pages -= 1U << have[i].order;
			page_pool_free(pool, have[i].mem, have[i].order);
			have[i] = have[--n];
		} else {
			unsigned int order = one_in(4) ? (unsigned int)below(5) : 0;
			u8 *p = page_pool_alloc(pool, order);

			if (!p) {
				CHECK(order || pages == pool->nr_pages);
				continue;
			}
			check_new(pool, p, order, have, n);
			CHECK_EQ(*page_pool_note(pool, p), 0);
			*page_pool_note(pool, p) = 77;
			CHECK(page_pool_page(pool, page_pool_number(pool, p)) == p);
			memset(p, 0x5a, HYP_PAGE_SIZE << order);
			have[n++] = (struct piece){ p, order };
			pages += 1U << order;
			low = pages > low ? pages : low;
		}
		CHECK_EQ(pool->nr_free, pool->nr_pages - pages);
	}
	CHECK_EQ(pool->low_water, pool->nr_pages - low);
	while (n--)
		page_pool_free(pool, have[n].mem, have[n].order);
	CHECK_EQ(pool->nr_free, pool->nr_pages);
}

static void drain(struct page_pool *pool)
{
	u32 n = 0;
	void *p;

	unit_case = "drained";
	while ((p = page_pool_alloc(pool, 0)))
		n++;
	CHECK_EQ(n, pool->nr_pages);
	CHECK(!page_pool_alloc(pool, 0) && !page_pool_alloc(pool, 2));
	page_pool_free(pool, page_pool_page(pool, 17), 0);
	CHECK(page_pool_alloc(pool, 0) == page_pool_page(pool, 17));
}

int main(int argc, char **argv)
{
	u64 rounds = unit_args(argc, argv, 20000);
	u8 *mem = aligned_alloc(HYP_PAGE_SIZE, PAGES * HYP_PAGE_SIZE);
	struct page_pool pool;

	CHECK(mem);
	for (unsigned int skew = 0; skew < 20; skew++) {
		u8 *base = mem + skew * HYP_PAGE_SIZE / 3,
		   *end = mem + PAGES * HYP_PAGE_SIZE - skew;

		unit_case = "init";
		CHECK_EQ(page_pool_init(&pool, base, end), 0);
		CHECK(pool.nr_pages >= PAGES - 20 && pool.nr_pages < PAGES);
		CHECK(pool.base >= base);
		CHECK(pool.base + (size_t)pool.nr_pages * HYP_PAGE_SIZE <= end);
		random_use(&pool, rounds / 20);
		drain(&pool);
	}
	unit_case = "too small";
	CHECK_EQ(page_pool_init(&pool, mem, mem + HYP_PAGE_SIZE), -EINVAL);
	CHECK_EQ(page_pool_init(&pool, mem, mem), -EINVAL);
	CHECK_EQ(page_pool_init(&pool, mem, mem + 2 * HYP_PAGE_SIZE), 0);
	CHECK_EQ(pool.nr_pages, 1);
	free(mem);
	return 0;
}
