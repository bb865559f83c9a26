/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tables that are built once, at EL2 with the MMU off, and never change: 4K granule, start level 1, of either
 * stage. Private to mmu.c and protect.c.
 */
#ifndef PAGE_TABLES_H
#define PAGE_TABLES_H

#include <protect.h>
#include <types.h>

struct page_tables {
	u64 (*tables)[DESC_ENTRIES];	/* zero; the first is the root */
	unsigned int nr, used;
	u64 leaf;			/* bits of every leaf */
};

/* Takes the root; @leaf: see above, AF and valid come with it. */
void page_tables_init(struct page_tables *t, u64 leaf);

/*
 * Map [pa, end) with @attr at @alias plus its own address, in the largest blocks that fit. 4K aligned; @alias by
 * 1 GiB. Does not return if there are too few tables.
 */
void page_tables_map(struct page_tables *pt, u64 alias, u64 pa, u64 end, u64 attr);

#endif
