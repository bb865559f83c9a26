/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A machine for the tests of the shadow stage 2: it walks the hardware tables by itself, keeps whatever
 * it found in a TLB that never forgets, and forgets exactly what a TLBI of s2_hw.h names, no more.
 */
#ifndef VEL2_TLB_MODEL_H
#define VEL2_TLB_MODEL_H

#include <s2.h>
#include <smmu.h>
#include "s2_hw.h"
#include "unit.h"

struct tlb_entry {
	u16 vmid;
	u64 page;     /* input address >> 12 */
	u64 pa;       /* of the page */
	u8 perm;      /* S2_PERM_* */
	u8 memattr;
	u8 sh;
};

struct tlb_stats {
	u64 range, vmid, all, stage1;    /* operations */
	u64 devices;			 /* of the SMMU */
	u64 last_vttbr, last_val;        /* of the last stage-1 operation */
	unsigned int last_op2;
	bool last_range;
};

extern struct tlb_stats tlb_stats;

void tlb_reset(void);
size_t tlb_count(void);
const struct tlb_entry *tlb_entry(size_t i);

/*
 * An access by a guest that runs with these registers: from the TLB, or by a walk that fills it. False:
 * a stage-2 fault.
 */
bool tlb_access(u64 hw_vttbr, u64 hw_vtcr, u64 ia, u32 access, struct tlb_entry *out);
/* The walk alone. *leaf_shift: log2 of the leaf. */
bool tlb_walk(u64 hw_vttbr, u64 hw_vtcr, u64 ia, struct tlb_entry *out, unsigned int *leaf_shift);

#endif /* VEL2_TLB_MODEL_H */
