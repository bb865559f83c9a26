/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * L0's own stage 1: one identity-mapped set of tables for every regime L0 runs in.
 *
 * 4K granule, HYP_VA_BITS (39), start level 1; attributes index HYP_MAIR. The same tables serve EL2&0 (VHE host), EL2 and EL1 (nVHE).
 * Under an nVHE host AP[1] is 1 in every leaf, as the EL2 regime demands, which for EL1 means "EL0
 * may too": nothing runs at EL0, but SCTLR_EL1.SPAN must be 1 and PSTATE.PAN 0 there. Under VHE AP[1] is 0.
 */
#ifndef MMU_H
#define MMU_H

#include <types.h>

/* [ram, ram + size) is there a second time, read-only, this much higher; all memory lies below. */
#define HYP_RO_ALIAS	0x2000000000ULL
/* Nothing is mapped from here on. */
#define HYP_NOWHERE	0x4000000000ULL

/*
 * Build the tables and set hyp_pgd: L0's image by section, [ram, ram + size) RW, the devices. EL2, MMU off, boot
 * CPU. @vhe: see above. Does not return if the machine is larger than the tables.
 */
void mmu_init(bool vhe);

/* Clean and invalidate to the point of coherency, for readers whose caches are off. Any EL. */
void cache_flush(const void *va, u64 size);

#endif
