/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vel2.protect=on: an nVHE host runs under a stage 2 that maps what it shares with EL2, to itself, and nothing else.
 */
#ifndef PROTECT_H
#define PROTECT_H

#include <types.h>

/* VMSAv8-64 descriptors, 4K granule. */
#define DESC_ENTRIES	512
#define DESC_VALID	BIT(0)
#define DESC_TABLE	BIT(1)	/* level 1 and 2 */
#define DESC_PAGE	BIT(1)	/* level 3 */
#define DESC_ISH	(3ULL << 8)
#define DESC_AF		BIT(10)
#define DESC_ADDR	GENMASK_ULL(47, 12)
/* Stage 2. */
#define S2_MEMATTR_NORMAL	(0xfULL << 2)	/* write-back */
#define S2_MEMATTR_DEVICE	(0x1ULL << 2)	/* nGnRE */
#define S2AP_R			BIT(6)
#define S2AP_W			BIT(7)
#define S2_XN			BIT(54)

/*
 * Build the table and set host_vttbr. EL2, MMU off, boot CPU, after mmu_init() and with `opts` and `plat` known.
 */
void protect_init(void);

/* The host's stage 2, and the traps it runs with, into the hardware; the caller's ISB ends it. EL2. */
void hyp_protect_host(void);

/* What the host may do at @pa. EL2. */
#define HOST_READS	1
#define HOST_WRITES	2
unsigned int hyp_host_access(pa_t pa);

/* Whether the host may give these pages to a guest: 0, or -EPERM if one of them is EL2's. EL2. */
int hyp_host_gives(pa_t pa, u64 size);

#endif
