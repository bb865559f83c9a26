/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pages of 4 KiB for L0's own tables, from one bounded piece of memory.
 *
 * A pool keeps, beside its free map, one 16-bit number for each page, which belongs to the page's
 * owner (shadow/s2_table.c counts valid descriptors there). The pool takes its own bookkeeping out of the
 * memory it is given. It takes its lock itself; it may be used wherever its memory is
 * mapped, in L0 that is EL2.
 */
#ifndef VEL2_PAGE_POOL_H
#define VEL2_PAGE_POOL_H

#include <types.h>

#define HYP_PAGE_SIZE SZ_4K
#define PAGE_POOL_MAX_PAGES 65534 /* a number + 1 fits a note */

struct page_pool {
	u8 *base;      /* first page handed out */
	u32 nr_pages;  /* pages that can be handed out */
	u32 nr_free;   /* now free */
	u32 low_water; /* smallest nr_free ever seen */
	u32 hint;      /* where the next search starts */
	u64 *used;     /* one bit a page */
	u16 *note;     /* one number a page */
	u32 lock;
};

/*
 * Takes over [base, end), host-virtual (in L0 equal to physical). Returns 0, or -EINVAL if nothing
 * would be left after the bookkeeping.
 */
int page_pool_init(struct page_pool *pool, void *base, void *end);

/*
 * 2^order pages, zeroed, contiguous and aligned to their size (order 0..4); NULL if there are none.
 * The memory is aligned by physical address, which is what VTTBR_EL2 wants.
 */
void *page_pool_alloc(struct page_pool *pool, unsigned int order);
void page_pool_free(struct page_pool *pool, void *page, unsigned int order);

/* The number kept for a page that is allocated; 0 after the allocation. */
u16 *page_pool_note(struct page_pool *pool, const void *page);
/* A page's number, below PAGE_POOL_MAX_PAGES, and back. */
u32 page_pool_number(const struct page_pool *pool, const void *page);
void *page_pool_page(const struct page_pool *pool, u32 number);

/*
 * The pool of L0 itself. Boot code calls hyp_page_pool_init() once, before any other CPU runs.
 * hyp_page_alloc() returns one zeroed page or NULL.
 */
extern struct page_pool hyp_page_pool;

int hyp_page_pool_init(void *base, void *end);
void *hyp_page_alloc(void);
u32 hyp_pages_free(void);

#endif /* VEL2_PAGE_POOL_H */
