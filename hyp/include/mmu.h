/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * L0's own stage 1: one identity-mapped set of tables for every regime L0 runs in.
 *
 * 4K granule, 39-bit VA, start level 1. The same tables serve EL2&0 (VHE host), EL2 and EL1 (nVHE).
 * Under an nVHE host AP[1] is 1 in every leaf, as the EL2 regime demands, which for EL1 means "EL0
 * may too": nothing runs at EL0, but SCTLR_EL1.SPAN must be 1 and PSTATE.PAN 0 there. Under VHE AP[1] is 0.
 */
#ifndef MMU_H
#define MMU_H

#include <types.h>

#define MMU_VA_BITS		39

#define MAIR_IDX_DEVICE		0
#define MAIR_IDX_NORMAL		1
/* Device-nGnRE, Normal write-back read/write-allocate. */
#define MMU_MAIR		0xff04UL

/* Values for the registers of the regime; valid after mmu_init(). */
extern u64 mmu_ttbr;
extern u64 mmu_tcr_el2;	/* format by the host mode: with E2H=1 that of TCR_EL1 */
extern u64 mmu_tcr_el1;	/* nVHE host */

/*
 * Build the tables: L0's image by section, [ram, ram + size) RW, the devices. EL2, MMU off, boot
 * CPU. @vhe: see above. Does not return if the machine is larger than the tables.
 */
void mmu_init(bool vhe);

/* Clean and invalidate to the point of coherency, for readers whose caches are off. Any EL. */
void cache_flush(const void *va, u64 size);

#endif
