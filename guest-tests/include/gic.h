/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * GICv3 of the virt machine as one CPU at EL2 uses it: distributor, this CPU's redistributor,
 * CPU interface, list registers. One security state (GICD_CTLR.DS = 1), affinity routing on.
 */
#ifndef GUEST_GIC_H
#define GUEST_GIC_H

#include "sysreg.h"
#include "types.h"

#define GICD_BASE		0x08000000UL
#define GICR_BASE		0x080a0000UL
#define GICD_CTLR		0x0000
#define GICD_TYPER		0x0004
#define GICD_IIDR		0x0008
#define GICD_IGROUPR(n)		(0x0080 + 4 * (n))
#define GICD_ISENABLER(n)	(0x0100 + 4 * (n))
#define GICD_ICENABLER(n)	(0x0180 + 4 * (n))
#define GICD_ISPENDR(n)		(0x0200 + 4 * (n))
#define GICD_ICPENDR(n)		(0x0280 + 4 * (n))
#define GICD_ISACTIVER(n)	(0x0300 + 4 * (n))
#define GICD_ICACTIVER(n)	(0x0380 + 4 * (n))
#define GICD_IPRIORITYR(n)	(0x0400 + (n))
#define GICD_ICFGR(n)		(0x0c00 + 4 * (n))
#define GICD_IROUTER(n)		(0x6000 + 8 * (n))
#define GICD_PIDR2		0xffe8
#define GICR_WAKER		0x0014
#define GICR_TYPER		0x0008
#define GICR_STRIDE		0x20000UL
#define GICR_SGI		0x10000		/* the SGI frame: GICD-like offsets from here */

#define INTID_SPURIOUS		1023
#define PPI_MAINTENANCE		25
#define PPI_CNTHP		26
#define PPI_CNTV		27
#define PPI_CNTHV		28
#define PPI_CNTP		30
#define SPI_UART0		33
#define SPI_RTC			34

#define ICH_HCR_EN		BIT(0)
#define ICH_HCR_UIE		BIT(1)
#define ICH_HCR_LRENPIE		BIT(2)
#define ICH_HCR_NPIE		BIT(3)
#define ICH_HCR_VGRP0EIE	BIT(4)
#define ICH_HCR_VGRP0DIE	BIT(5)
#define ICH_HCR_VGRP1EIE	BIT(6)
#define ICH_HCR_VGRP1DIE	BIT(7)
#define ICH_LR_PENDING		BIT(62)
#define ICH_LR_ACTIVE		BIT(63)
#define ICH_LR_STATE		(ICH_LR_PENDING | ICH_LR_ACTIVE)
#define ICH_LR_HW		BIT(61)
#define ICH_LR_GROUP1		BIT(60)
#define ICH_LR_EOI		BIT(41)		/* maintenance interrupt on EOI, when HW = 0 */
#define ICH_LR_PRIO(p)		((u64)(p) << 48)
#define ICH_LR_PINTID(n)	((u64)(n) << 32)
#define ICH_VMCR_ENG1		BIT(1)
#define ICH_VMCR_EOIM		BIT(9)
#define ICH_VMCR_PMR(p)		((u64)(p) << 24)

void gic_init(void);			/* everything group 1, disabled, priority 0xa0; CPU interface on */
void gic_init_el2(void);		/* the same, and physical interrupts go to EL2 */
/* Another CPU's own part: that of redistributor @cpu, with the SGIs and PPIs in @enabled, priority 0. */
void gic_init_cpu(u64 cpu, u32 enabled);
void gic_init_cpu_el1(u64 cpu, u32 enabled);	/* the same without what only EL2 may write */
void gic_init_el1(void);			/* the same without what only EL2 may touch */
void gic_enable(unsigned int intid);
void gic_disable(unsigned int intid);
void gic_set_priority(unsigned int intid, u8 prio);
void gic_set_pending(unsigned int intid, bool pending);
void gic_set_active(unsigned int intid, bool active);
void gic_set_edge(unsigned int intid, bool edge);
bool gic_is_pending(unsigned int intid);
bool gic_is_active(unsigned int intid);
bool gic_is_enabled(unsigned int intid);
void gic_random_l2(
	void); /* L2's interface and two list registers, none of which has HW; by rnd() */
void gic_send_sgi(unsigned int intid);	/* to this CPU */
u32 gicd_read(unsigned int off);
void gicd_write(unsigned int off, u32 v);
u32 gicr_read(unsigned int off);
void gicr_write(unsigned int off, u32 v);

static inline unsigned int gic_ack(void)
{
	unsigned int intid = (unsigned int)read_sysreg(SYS_ICC_IAR1_EL1);

	dsb(sy);			/* acknowledge before the handler's own accesses */
	return intid;
}

static inline void gic_eoi(unsigned int intid)
{
	write_sysreg(intid, SYS_ICC_EOIR1_EL1);
	isb();
}

#endif
