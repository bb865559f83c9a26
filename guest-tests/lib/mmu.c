// SPDX-License-Identifier: GPL-2.0-only
/*
 * EL2's own stage 1. The user sections are the only ones that EL0 may use; EL2 never executes from
 * them. nVHE has no EL0 under EL2: there they are ordinary data.
 */
#include "lib.h"
#include "pgtable.h"

#define DEVICE_BASE	0x08000000UL
#define DEVICE_SIZE	0x08000000UL
#define RAM_BASE	0x40000000UL
#define RAM_SIZE	0x10000000UL
#define VA_BITS		39
/* nVHE TCR_EL2: RES1 bits 31 and 23 */
#define TCR_EL2_RES1	(BIT(31) | BIT(23))

struct pgtable el2_low, el2_high;

u64 el2_normal(void)
{
	return PTE_NORMAL | (vhe_mode ? PTE_UXN : PTE_USER);
}

static u64 el2_device(void)
{
	return PTE_DEVICE | (vhe_mode ? PTE_PXN : PTE_USER);
}

static void map_user(u64 start, u64 end, u64 attrs)
{
	if (end > start)
		pt_map(&el2_low, start, start, end - start,
		       vhe_mode ? PTE_NORMAL | attrs : el2_normal());
}

static void build(void)
{
	u64 image_end = ALIGN_UP((u64)_end, SZ_2M);

	pt_init(&el2_low, 12, VA_BITS, -1);
	pt_map(&el2_low, DEVICE_BASE, DEVICE_BASE, DEVICE_SIZE, el2_device());
	/* the image in pages, so that the user sections can have their own attributes */
	el2_low.pages_only = true;
	pt_map(&el2_low, (u64)_text_start, (u64)_text_start, image_end - (u64)_text_start,
	       el2_normal());
	map_user((u64)_user_text_start, (u64)_user_text_end, PTE_USER | PTE_RDONLY | PTE_PXN);
	map_user((u64)_user_data_start, (u64)_user_data_end, PTE_USER | PTE_PXN | PTE_UXN);
	el2_low.pages_only = false;
	pt_map(&el2_low, RAM_BASE, RAM_BASE, (u64)_text_start - RAM_BASE, el2_normal());
	pt_map(&el2_low, image_end, image_end, RAM_BASE + RAM_SIZE - image_end, el2_normal());
	if (!vhe_mode)
		return;
	pt_init(&el2_high, 12, VA_BITS, -1);
	pt_map(&el2_high, HIGH_BASE, RAM_BASE, RAM_SIZE, PTE_NORMAL | PTE_PXN | PTE_UXN);
}

void mmu_init_el2(void)
{
	u64 tcr;

	if (!el2_low.root)
		build();
	if (vhe_mode)
		/* both halves 39 bits, 4K (TG1 = 2), write-back, inner shareable, 40-bit PA */
		tcr = 2UL << 32 | 2UL << 30 | 3UL << 28 | 1UL << 26 | 1UL << 24 |
		      (64UL - VA_BITS) << 16 | 3UL << 12 | 1UL << 10 | 1UL << 8 | (64 - VA_BITS);
	else
		tcr = TCR_EL2_RES1 | 2UL << 16 | 3UL << 12 | 1UL << 10 | 1UL << 8 | (64 - VA_BITS);
	write_sysreg(MAIR_VALUE, mair_el2);
	write_sysreg(tcr, tcr_el2);
	write_sysreg((u64)el2_low.root, ttbr0_el2);
	if (vhe_mode)
		write_sysreg((u64)el2_high.root, SYS_TTBR1_EL2);
	isb();				/* the registers before the invalidation under them */
	asm volatile("tlbi alle2" : : : "memory");
	dsb(nsh);			/* no old entry survives the MMU going on */
	isb();
	write_sysreg(SCTLR_EL2_RES1 | SCTLR_M | SCTLR_C | SCTLR_I | SCTLR_SA | SCTLR_DZE |
			     SCTLR_UCT | SCTLR_UCI,
		     sctlr_el2);
	isb();
}

void mmu_off_el2(void)
{
	write_sysreg(SCTLR_EL2_RES1, sctlr_el2);
	isb();
	asm volatile("tlbi alle2" : : : "memory");
	dsb(nsh);
	isb();
}
