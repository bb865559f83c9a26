/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the host's boot code tells EL2, and what EL2 makes of it. Filled by l0_early(), before the
 * image patches itself and any CPU turns its MMU on.
 */
#ifndef HYP_INIT_H
#define HYP_INIT_H

#include <types.h>

extern u64 boot_fdt;			/* DTB (PA) that the boot loader gave */
extern unsigned long hyp_caps;		/* BIT(CAP_*): which alternatives apply */
extern u64 hyp_pgd;			/* identity tables (PA): EL2, EL2&0 and the nVHE host's EL1&0 */
extern u64 host_vttbr;			/* vel2.protect=on: VTTBR_EL2 while the host runs, else 0 */
extern unsigned int host_at_el1;	/* nVHE host: read by head.S */
extern u64 hyp_pmu;			/* nonzero: INST_RETIRED counts EL2's instructions */

/* MAIR of hyp_pgd: index 0 Normal write-back, 1 Device-nGnRE. */
#define HYP_MAIR		0x04ffULL
#define HYP_MAIR_NORMAL		0
#define HYP_MAIR_DEVICE		1
#define HYP_VA_BITS		39

/*
 * VTCR_EL2 of an nVHE host under vel2.protect=on: HYP_VA_BITS of input, so start level 1, 4K granule, 40 bits of
 * output, walks in Inner Shareable write-back memory.
 */
#define HOST_VTCR		((64 - HYP_VA_BITS) | 1ULL << 6 | 1ULL << 8 | 1ULL << 10 | 3ULL << 12 | \
				 2ULL << 16 | BIT(31))

/* Boot CPU, MMU off, after l0_early(): patches the image by hyp_caps. */
void hyp_patch(void);

/* Each CPU, at EL2, MMU off: everything but SCTLR_EL2, whose value it returns. */
u64 hyp_cpu_init(unsigned int cpu);

/* Entry point of secondaries for PSCI CPU_ON; context id = CPU number. */
extern char secondary_entry[];

#endif
