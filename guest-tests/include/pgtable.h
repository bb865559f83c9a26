/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * VMSAv8-64 translation tables, stage 1 and stage 2, granules 4K, 16K, 64K; and the MMU of the level
 * that runs. Tables are in identity-mapped memory: their address is what goes into TTBR.
 */
#ifndef GUEST_PGTABLE_H
#define GUEST_PGTABLE_H

#include "types.h"

struct pgtable {
	u64 *root;
	unsigned int granule;		/* log2 of the page size: 12, 14, 16 */
	unsigned int in_bits;		/* size of the input address space */
	unsigned int start;		/* first level of the walk */
	bool pages_only;		/* pt_map() uses no blocks */
};

/* Zeroed memory, never freed. size and alignment are powers of two. */
void *pages_alloc(u64 size, u64 align);

/* start < 0: the level at which a table of one page resolves in_bits, no concatenation. */
void pt_init(struct pgtable *pt, unsigned int granule, unsigned int in_bits, int start);
unsigned int pt_shift(const struct pgtable *pt, unsigned int level);
/* attrs: descriptor bits apart from address and type. Blocks where alignment allows them. */
void pt_map(struct pgtable *pt, u64 in, u64 out, u64 size, u64 attrs);
void pt_map_at(struct pgtable *pt, u64 in, u64 out, u64 attrs, unsigned int level);
/* The descriptor that a walk of in ends with, and its level. */
u64 *pt_leaf(const struct pgtable *pt, u64 in, unsigned int *level);

#define PTE_VALID	BIT(0)
#define PTE_TABLE	BIT(1)		/* also: page at level 3 */
#define PTE_AF		BIT(10)
#define PTE_NG		BIT(11)
#define PTE_DBM		BIT(51)
#define PTE_ADDR	MASK(47, 12)

/* Stage 1 */
#define PTE_ATTR(n)	((u64)(n) << 2)
#define PTE_USER	BIT(6)		/* AP[1]; RES1 in the one-VA-range regime of nVHE EL2 */
#define PTE_RDONLY	BIT(7)
#define PTE_SH_INNER	(3UL << 8)
#define PTE_PXN		BIT(53)
#define PTE_UXN		BIT(54)		/* XN in a regime without EL0 */
#define ATTR_DEVICE	0
#define ATTR_NORMAL	1
#define ATTR_NC		2
#define MAIR_VALUE	0x44ff04UL	/* Device-nGnRE, Normal WB, Normal NC */
#define PTE_NORMAL	(PTE_ATTR(ATTR_NORMAL) | PTE_SH_INNER | PTE_AF)
#define PTE_DEVICE	(PTE_ATTR(ATTR_DEVICE) | PTE_AF | PTE_UXN)

/* Stage 2 */
#define S2_R		BIT(6)
#define S2_W		BIT(7)
#define S2_RW		(S2_R | S2_W)
#define S2_XN		BIT(54)
#define S2_WB		(0xfUL << 2)
#define S2_DEVICE	(0x1UL << 2)
#define S2_NORMAL	(S2_WB | PTE_SH_INNER | PTE_AF)

/* VTCR_EL2 for pt; 40-bit physical addresses. */
u64 s2_vtcr(const struct pgtable *pt);
/* TCR_EL1 (and TCR_EL2 under E2H): TTBR0 walks pt, TTBR1 is disabled. */
u64 s1_tcr(const struct pgtable *pt);

/* Runs EL1, where it executes now, with @pt under TTBR0. */
void mmu_on_el1(const struct pgtable *pt);

/* The MMU of EL2: identity map, RAM cached. VHE: the same RAM again under TTBR1 at HIGH_BASE. */
#define HIGH_BASE	0xffffff8000000000UL
extern struct pgtable el2_low, el2_high;
void mmu_init_el2(void);
void mmu_off_el2(void);
u64 el2_normal(void);			/* attributes of EL2 read-write-execute memory, this mode */

extern char _text_start[], _end[], _stack_top[];
extern char _user_text_start[], _user_text_end[], _user_data_start[], _user_data_end[];

#endif
