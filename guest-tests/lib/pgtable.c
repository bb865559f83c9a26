// SPDX-License-Identifier: GPL-2.0-only
/* Builds translation tables. Invariant: tables only grow; a block is never split. */
#include "lib.h"
#include "pgtable.h"

static u64 next_page;

void *pages_alloc(u64 size, u64 align)
{
	u64 p;

	if (!next_page)
		next_page = ALIGN_UP((u64)_end, SZ_64K);
	p = ALIGN_UP(next_page, align);
	next_page = p + size;
	return memset((void *)p, 0, size);
}

unsigned int pt_shift(const struct pgtable *pt, unsigned int level)
{
	return pt->granule + (3 - level) * (pt->granule - 3);
}

void pt_init(struct pgtable *pt, unsigned int granule, unsigned int in_bits, int start)
{
	u64 size;

	pt->granule = granule;
	pt->in_bits = in_bits;
	pt->pages_only = false;
	for (pt->start = 3; start < 0 && pt->start > 0; pt->start--)
		if (pt_shift(pt, pt->start) + granule - 3 >= in_bits)
			break;
	if (start >= 0)
		pt->start = start;
	size = 8UL << (in_bits - pt_shift(pt, pt->start));
	if (size < (1UL << granule))
		size = 1UL << granule;
	pt->root = pages_alloc(size, size);
}

static u64 *slot(const struct pgtable *pt, u64 *table, u64 in, unsigned int level)
{
	unsigned int lo = pt_shift(pt, level);
	unsigned int hi = level == pt->start ? pt->in_bits : lo + pt->granule - 3;

	return &table[FIELD(in, hi - 1, lo)];
}

static u64 *next_table(const struct pgtable *pt, u64 desc)
{
	return (u64 *)(desc & MASK(47, pt->granule));
}

void pt_map_at(struct pgtable *pt, u64 in, u64 out, u64 attrs, unsigned int level)
{
	u64 *table = pt->root;
	u64 *d;

	for (unsigned int l = pt->start; l < level; l++) {
		d = slot(pt, table, in, l);
		if (!(*d & PTE_VALID))
			*d = (u64)pages_alloc(1UL << pt->granule, 1UL << pt->granule) |
			     PTE_TABLE | PTE_VALID;
		table = next_table(pt, *d);
	}
	d = slot(pt, table, in, level);
	*d = out | attrs | PTE_VALID | (level == 3 ? PTE_TABLE : 0);
	/* the walker must see it before whatever the caller does next; no break-before-make here */
	asm volatile("dsb ishst" : : : "memory");
}

/* Level 1 blocks exist for 4K only, and no level 0 block without FEAT_LPA2. */
static bool block_allowed(const struct pgtable *pt, unsigned int level)
{
	return level >= (pt->granule == 12 ? 1U : 2U) && level >= pt->start;
}

static bool table_there(const struct pgtable *pt, u64 in, unsigned int level)
{
	unsigned int l;
	u64 d = *pt_leaf(pt, in, &l);

	return l > level || (l == level && (d & 3) == 3 && level < 3);
}

void pt_map(struct pgtable *pt, u64 in, u64 out, u64 size, u64 attrs)
{
	while (size) {
		unsigned int level = 3;
		u64 step;

		for (unsigned int l = 1; l < 3 && !pt->pages_only; l++) {
			step = 1UL << pt_shift(pt, l);
			if (block_allowed(pt, l) && !((in | out) & (step - 1)) && size >= step &&
			    !table_there(pt, in, l)) {
				level = l;
				break;
			}
		}
		step = 1UL << pt_shift(pt, level);
		pt_map_at(pt, in, out, attrs, level);
		in += step;
		out += step;
		size -= size < step ? size : step;
	}
}

u64 *pt_leaf(const struct pgtable *pt, u64 in, unsigned int *level)
{
	u64 *table = pt->root;
	unsigned int l = pt->start;
	u64 *d = slot(pt, table, in, l);

	while (l < 3 && (*d & 3) == 3) {
		table = next_table(pt, *d);
		d = slot(pt, table, in, ++l);
	}
	if (level)
		*level = l;
	return d;
}

u64 s2_vtcr(const struct pgtable *pt)
{
	/* SL0 counts differently for 4K: 2 is level 0; for 16K and 64K, 3 - level */
	u64 sl0 = pt->granule == 12 ? 2 - pt->start : 3 - pt->start;
	u64 tg0 = pt->granule == 12 ? 0 : pt->granule == 16 ? 1 : 2;

	return BIT(31) | 2UL << 16 | tg0 << 14 | 3UL << 12 | 1UL << 10 | 1UL << 8 | sl0 << 6 |
	       (64 - pt->in_bits);
}

u64 s1_tcr(const struct pgtable *pt)
{
	u64 tg0 = pt->granule == 12 ? 0 : pt->granule == 16 ? 1 : 2;

	return 2UL << 32 | BIT(23) | 16UL << 16 | tg0 << 14 | 3UL << 12 | 1UL << 10 | 1UL << 8 |
	       (64 - pt->in_bits);
}

void mmu_on_el1(const struct pgtable *pt)
{
	write_sysreg(MAIR_VALUE, mair_el1);
	write_sysreg(s1_tcr(pt), tcr_el1);
	write_sysreg((u64)pt->root, ttbr0_el1);
	isb(); /* the registers before the invalidation under them */
	asm volatile("tlbi vmalle1" : : : "memory");
	dsb(nsh);
	isb(); /* nothing older than the tables is used once the MMU is on */
	write_sysreg(SCTLR_EL1_RES1 | SCTLR_M | SCTLR_C | SCTLR_I, sctlr_el1);
	isb();
}
