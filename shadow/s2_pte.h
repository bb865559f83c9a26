/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bits of VMSAv8-64 descriptors and of the registers that select them: what L1 writes and what the
 * hardware reads, so one set of names serves walker and editor. [Arm ARM, "Translation table descriptor
 * formats", VTCR_EL2, VTTBR_EL2]
 */
#ifndef VEL2_SHADOW_S2_PTE_H
#define VEL2_SHADOW_S2_PTE_H

#include <types.h>

/* Any descriptor. */
#define PTE_VALID BIT(0)
#define PTE_TABLE BIT(1) /* levels above 3: table; level 3: page */
#define PTE_AF BIT(10)
#define PTE_SH GENMASK_ULL(9, 8)
#define PTE_DBM BIT(51)
#define PTE_CONT BIT(52)
#define PTE_ADDR_48 GENMASK_ULL(47, 12)

/* Stage 1. */
#define S1_PTE_RDONLY BIT(7)

/* Stage 2. */
#define S2_PTE_MEMATTR GENMASK_ULL(5, 2)
#define S2_PTE_AP_R BIT(6)
#define S2_PTE_AP_W BIT(7)
#define S2_PTE_XN GENMASK_ULL(54, 53)
#define S2_PTE_SW GENMASK_ULL(58, 55) /* ignored by the hardware */

/* MemAttr[3:0] without FWB: outer and inner cacheability, or 00 and a kind of Device. */
#define S2_MEMATTR_DEV_nGnRE 0x1
#define S2_MEMATTR_NORMAL_NC 0x5
#define S2_MEMATTR_NORMAL_WB 0xf

/* SH[1:0] */
#define SH_NON 0
#define SH_OUTER 2
#define SH_INNER 3

#define VTCR_T0SZ GENMASK_ULL(5, 0)
#define VTCR_SL0 GENMASK_ULL(7, 6)
#define VTCR_IRGN0 GENMASK_ULL(9, 8)
#define VTCR_ORGN0 GENMASK_ULL(11, 10)
#define VTCR_SH0 GENMASK_ULL(13, 12)
#define VTCR_TG0 GENMASK_ULL(15, 14)
#define VTCR_PS GENMASK_ULL(18, 16)
#define VTCR_VS BIT(19)
#define VTCR_HA BIT(21)
#define VTCR_HD BIT(22)
#define VTCR_RES1 BIT(31)
#define VTCR_DS BIT(32)
#define VTCR_SL2 BIT(33)

#define VTTBR_CNP BIT(0)
#define VTTBR_BADDR GENMASK_ULL(47, 1)
#define VTTBR_VMID GENMASK_ULL(63, 48)

#define HCR_VM BIT(0)
#define HCR_PTW BIT(2)
#define HCR_DC BIT(12)
#define HCR_TGE BIT(27)
#define HCR_CD BIT(32)
#define HCR_E2H BIT(34)
#define HCR_NV BIT(42)
#define HCR_NV1 BIT(43)

#define SCTLR_ELx_M BIT(0)
#define SCTLR_ELx_C BIT(2)
#define SCTLR_ELx_WXN BIT(19)
#define SCTLR_ELx_EE BIT(25)
#define SCTLR_EPAN BIT(57)

/* Bits of physical address for an encoding of PARange, PS or IPS; reserved ones count as the largest. */
static inline unsigned int ps_to_bits(u64 ps)
{
	static const u8 bits[8] = { 32, 36, 40, 42, 44, 48, 52, 52 };

	return bits[ps & 7];
}

static inline bool above_bits(u64 addr, unsigned int bits)
{
	return bits < 64 && (addr >> bits) != 0;
}

#endif /* VEL2_SHADOW_S2_PTE_H */
