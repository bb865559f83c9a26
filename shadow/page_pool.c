// SPDX-License-Identifier: GPL-2.0-only
/*
 * A bounded pool of 4 KiB pages with a free map and one number a page.
 *
 * Runs at EL2 (and on the build machine), interrupts masked; takes the pool's own lock.
 * Invariant: a page is zero when it is handed out, and nr_free is the number of clear bits in `used`.
 */
#include <errno.h>
#include <page_pool.h>

#include <lock.h>

#define WORD_BITS 64

struct page_pool hyp_page_pool;

static void zero_words(void *p, size_t bytes)
{
	u64 *w = p;

	for (size_t i = 0; i < bytes / sizeof(*w); i++)
		w[i] = 0;
}

int page_pool_init(struct page_pool *pool, void *base, void *end)
{
	uintptr_t start = ALIGN_UP((uintptr_t)base, (uintptr_t)HYP_PAGE_SIZE);
	uintptr_t stop = ALIGN_DOWN((uintptr_t)end, (uintptr_t)HYP_PAGE_SIZE);
	size_t pages, map, notes, meta;

	if (stop <= start + HYP_PAGE_SIZE)
		return -EINVAL;
	pages = (stop - start) / HYP_PAGE_SIZE;
	map = ALIGN_UP(pages, WORD_BITS) / 8;
	notes = ALIGN_UP(pages * sizeof(u16), sizeof(u64));
	meta = ALIGN_UP(map + notes, (size_t)HYP_PAGE_SIZE);
	if (meta / HYP_PAGE_SIZE >= pages)
		return -EINVAL;
	zero_words((void *)start, meta);
	pages -= meta / HYP_PAGE_SIZE;
	if (pages > PAGE_POOL_MAX_PAGES)
		pages = PAGE_POOL_MAX_PAGES;
	*pool = (struct page_pool){
		.base = (u8 *)start + meta,
		.nr_pages = (u32)pages,
		.nr_free = (u32)pages,
		.low_water = (u32)pages,
		.used = (u64 *)start,
		.note = (u16 *)(start + map),
	};
	return 0;
}

static bool is_used(const struct page_pool *pool, u32 i)
{
	return pool->used[i / WORD_BITS] & BIT(i % WORD_BITS);
}

/* First page of 2^order free ones whose address is aligned to their size; nr_pages if there are none. */
static u32 find_run(const struct page_pool *pool, u32 from, u32 to, unsigned int order)
{
	u32 n = 1U << order;
	u32 skew = (u32)((uintptr_t)pool->base / HYP_PAGE_SIZE) & (n - 1);
	u32 i = ALIGN_UP(from + skew, n) - skew;

	while (i < to && i + n <= pool->nr_pages) {
		u32 k = 0;

		if (!order && pool->used[i / WORD_BITS] == ~0ULL) {
			i = ALIGN_DOWN(i, WORD_BITS) + WORD_BITS;
			continue;
		}
		while (k < n && !is_used(pool, i + k))
			k++;
		if (k == n)
			return i;
		i += n;
	}
	return pool->nr_pages;
}

void *page_pool_alloc(struct page_pool *pool, unsigned int order)
{
	u32 n = 1U << order, i;
	void *page;

	lock(&pool->lock);
	i = find_run(pool, pool->hint, pool->nr_pages, order);
	if (i == pool->nr_pages)
		i = find_run(pool, 0, pool->hint, order);
	if (i == pool->nr_pages) {
		unlock(&pool->lock);
		return NULL;
	}
	for (u32 k = i; k < i + n; k++) {
		pool->used[k / WORD_BITS] |= BIT(k % WORD_BITS);
		pool->note[k] = 0;
	}
	pool->nr_free -= n;
	if (pool->nr_free < pool->low_water)
		pool->low_water = pool->nr_free;
	/* A multi-page run is rare: do not let it leave a hole behind the hint. */
	if (!order)
		pool->hint = i + 1 < pool->nr_pages ? i + 1 : 0;
	unlock(&pool->lock);

	page = pool->base + (size_t)i * HYP_PAGE_SIZE;
	zero_words(page, (size_t)n * HYP_PAGE_SIZE);
	return page;
}

u32 page_pool_number(const struct page_pool *pool, const void *page)
{
	return (u32)((size_t)((const u8 *)page - pool->base) / HYP_PAGE_SIZE);
}

void page_pool_free(struct page_pool *pool, void *page, unsigned int order)
{
	u32 first = page_pool_number(pool, page), n = 1U << order;

	lock(&pool->lock);
	for (u32 k = first; k < first + n; k++)
		pool->used[k / WORD_BITS] &= ~BIT(k % WORD_BITS);
	pool->nr_free += n;
	if (first < pool->hint)
		pool->hint = first;
	unlock(&pool->lock);
}

u16 *page_pool_note(struct page_pool *pool, const void *page)
{
	return &pool->note[page_pool_number(pool, page)];
}

void *page_pool_page(const struct page_pool *pool, u32 number)
{
	return pool->base + (size_t)number * HYP_PAGE_SIZE;
}

int hyp_page_pool_init(void *base, void *end)
{
	return page_pool_init(&hyp_page_pool, base, end);
}

void *hyp_page_alloc(void)
{
	return page_pool_alloc(&hyp_page_pool, 0);
}

u32 hyp_pages_free(void)
{
	return hyp_page_pool.nr_free;
}
