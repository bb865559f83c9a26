/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The geometry of a VMSAv8-64 translation table, common to both stages: where addresses sit in
 * registers and descriptors for each granule, with and without 52 bits.
 */
#ifndef VEL2_SHADOW_VMSA_H
#define VEL2_SHADOW_VMSA_H

#include <s2.h>

#include "s2_pte.h"

/* log2 of what one descriptor of `level` covers. */
static inline unsigned int vmsa_shift(const struct vmsa_geometry *g, int level)
{
	return (unsigned int)(3 - level) * g->stride + g->page_shift;
}

/* Address of the start table in a TTBR, VTTBR_EL2 included. */
static inline u64 vmsa_root(const struct vmsa_geometry *g, u64 ttbr)
{
	unsigned int align = g->ia_bits - vmsa_shift(g, g->start_level) + 3;
	u64 base = ttbr & VTTBR_BADDR;

	if (g->oa_bits == 52) {
		/* Bits 5:2 are address bits 51:48, which makes 64 bytes the least alignment. */
		base &= ~GENMASK_ULL(5, 0);
		base |= FIELD_GET(GENMASK_ULL(5, 2), ttbr) << 48;
	}
	return base & ~(BIT(align) - 1);
}

/* Address of the descriptor for ia in a table of `level`, of which `top` address bits are resolved. */
static inline u64 vmsa_desc_at(const struct vmsa_geometry *g, u64 table, int level,
			       unsigned int top, u64 ia)
{
	unsigned int low = vmsa_shift(g, level);

	return table + ((ia & GENMASK_ULL(top - 1, low)) >> low << 3);
}

/* The address that a descriptor holds, from bit `low` up. */
static inline u64 vmsa_desc_address(const struct vmsa_geometry *g, u64 desc, unsigned int low)
{
	u64 addr;

	if (g->ds) {
		addr = desc & GENMASK_ULL(49, low);
		return addr | FIELD_GET(GENMASK_ULL(9, 8), desc) << 50;
	}
	addr = desc & GENMASK_ULL(47, low);
	if (g->oa52)
		addr |= FIELD_GET(GENMASK_ULL(15, 12), desc) << 48;
	return addr;
}

/* May a valid descriptor of this level and type be a leaf? */
static inline bool vmsa_leaf_allowed(const struct vmsa_geometry *g, int level, u64 desc)
{
	if (level == 3)
		return desc & PTE_TABLE;
	switch (g->page_shift) {
	case 12:
		return level == 1 || level == 2 || (level == 0 && g->ds);
	case 14:
		return level == 2 || (level == 1 && g->ds);
	default:
		return level == 2 || (level == 1 && g->oa52);
	}
}

#endif /* VEL2_SHADOW_VMSA_H */
