// SPDX-License-Identifier: GPL-2.0-only
/* GICv3, driven from EL2 (or EL1) of one CPU; the redistributor is the first one (CPU 0). */
#include "mmio.h"
#include "gic.h"
#include "lib.h"

#define GICD_CTLR_G0	BIT(0)
#define GICD_CTLR_G1	BIT(1)
#define GICD_CTLR_ARE	BIT(4)
#define GICD_CTLR_RWP	BIT(31)
#define WAKER_SLEEP	BIT(1)
#define WAKER_CHILDREN	BIT(2)
#define DEFAULT_PRIO	0xa0

u32 gicd_read(unsigned int off)
{
	return mmio_read32(GICD_BASE + off);
}

void gicd_write(unsigned int off, u32 v)
{
	mmio_write32(GICD_BASE + off, v);
}

u32 gicr_read(unsigned int off)
{
	return mmio_read32(GICR_BASE + off);
}

void gicr_write(unsigned int off, u32 v)
{
	mmio_write32(GICR_BASE + off, v);
}

/* SGIs and PPIs are the redistributor's, at the same offsets in its second frame. */
static void bit_write(unsigned int off, unsigned int intid)
{
	if (intid < 32)
		gicr_write(GICR_SGI + off, 1U << intid);
	else
		gicd_write(off + 4 * (intid / 32), 1U << (intid % 32));
	dsb(sy);
}

static bool bit_read(unsigned int off, unsigned int intid)
{
	u32 v = intid < 32 ? gicr_read(GICR_SGI + off) : gicd_read(off + 4 * (intid / 32));

	return v & (1U << (intid % 32));
}

void gic_enable(unsigned int intid)
{
	bit_write(GICD_ISENABLER(0), intid);
}

void gic_disable(unsigned int intid)
{
	bit_write(GICD_ICENABLER(0), intid);
	while (gicd_read(GICD_CTLR) & GICD_CTLR_RWP)
		;
}

void gic_set_pending(unsigned int intid, bool pending)
{
	bit_write(pending ? GICD_ISPENDR(0) : GICD_ICPENDR(0), intid);
}

void gic_set_active(unsigned int intid, bool active)
{
	bit_write(active ? GICD_ISACTIVER(0) : GICD_ICACTIVER(0), intid);
}

bool gic_is_pending(unsigned int intid)
{
	return bit_read(GICD_ISPENDR(0), intid);
}

bool gic_is_active(unsigned int intid)
{
	return bit_read(GICD_ISACTIVER(0), intid);
}

bool gic_is_enabled(unsigned int intid)
{
	return bit_read(GICD_ISENABLER(0), intid);
}

void gic_set_priority(unsigned int intid, u8 prio)
{
	u64 base = intid < 32 ? GICR_BASE + GICR_SGI : GICD_BASE;

	mmio_write8(base + GICD_IPRIORITYR(intid), prio);
	dsb(sy);
}

void gic_set_edge(unsigned int intid, bool edge)
{
	unsigned int off = GICD_ICFGR(intid / 16);
	u32 bit = 2U << (intid % 16 * 2);
	u32 v = intid < 32 ? gicr_read(GICR_SGI + off) : gicd_read(off);

	v = edge ? v | bit : v & ~bit;
	if (intid < 32)
		gicr_write(GICR_SGI + off, v);
	else
		gicd_write(off, v);
	dsb(sy);
}

void gic_send_sgi(unsigned int intid)
{
	u64 mpidr = read_sysreg(mpidr_el1);
	u64 v = FIELD(mpidr, 39, 32) << 48 | FIELD(mpidr, 23, 16) << 32 |
		FIELD(mpidr, 15, 8) << 16 | (u64)intid << 24 | BIT(FIELD(mpidr, 3, 0));

	dsb(ishst);
	write_sysreg(v, SYS_ICC_SGI1R_EL1);
	isb();
}

static void init_redist(void)
{
	gicr_write(GICR_WAKER, gicr_read(GICR_WAKER) & ~WAKER_SLEEP);
	while (gicr_read(GICR_WAKER) & WAKER_CHILDREN)
		;
	gicr_write(GICR_SGI + GICD_ICENABLER(0), ~0U);
	gicr_write(GICR_SGI + GICD_ICPENDR(0), ~0U);
	gicr_write(GICR_SGI + GICD_ICACTIVER(0), ~0U);
	gicr_write(GICR_SGI + GICD_IGROUPR(0), ~0U);
	for (unsigned int i = 0; i < 32; i += 4)
		gicr_write(GICR_SGI + GICD_IPRIORITYR(i), DEFAULT_PRIO * 0x01010101U);
}

static void init_dist(void)
{
	unsigned int lines = 32 * ((gicd_read(GICD_TYPER) & 0x1f) + 1);

	gicd_write(GICD_CTLR, GICD_CTLR_ARE);
	for (unsigned int i = 32; i < lines; i += 32) {
		gicd_write(GICD_ICENABLER(i / 32), ~0U);
		gicd_write(GICD_IGROUPR(i / 32), ~0U);
	}
	for (unsigned int i = 32; i < lines; i += 4)
		gicd_write(GICD_IPRIORITYR(i), DEFAULT_PRIO * 0x01010101U);
	gicd_write(GICD_CTLR, GICD_CTLR_ARE | GICD_CTLR_G1 | GICD_CTLR_G0);
	while (gicd_read(GICD_CTLR) & GICD_CTLR_RWP)
		;
}

void gic_init_el1(void)
{
	init_dist();
	init_redist();
	write_sysreg(0xff, SYS_ICC_PMR_EL1);
	write_sysreg(0, SYS_ICC_BPR1_EL1);
	write_sysreg(0, SYS_ICC_CTLR_EL1);
	write_sysreg(1, SYS_ICC_IGRPEN1_EL1);
	isb();
}

void gic_init(void)
{
	/* SRE, no bypass, and EL1 may use its own ICC_SRE_EL1 */
	write_sysreg(0xf, SYS_ICC_SRE_EL2);
	isb();
	gic_init_el1();
}

void gic_init_el2(void)
{
	write_sysreg(read_sysreg(hcr_el2) | HCR_IMO | HCR_FMO | HCR_AMO, hcr_el2);
	isb();
	gic_init();
}

void gic_init_cpu_el1(u64 cpu, u32 enabled)
{
	u64 base = GICR_BASE + cpu * GICR_STRIDE;

	mmio_write32(base + GICR_WAKER, 0);
	while (mmio_read32(base + GICR_WAKER) & WAKER_CHILDREN)
		;
	mmio_write32(base + GICR_SGI + GICD_IGROUPR(0), ~0U);
	mmio_write32(base + GICR_SGI + GICD_ISENABLER(0), enabled);
	write_sysreg(0xff, SYS_ICC_PMR_EL1);
	write_sysreg(1, SYS_ICC_IGRPEN1_EL1);
	isb();
}

void gic_init_cpu(u64 cpu, u32 enabled)
{
	write_sysreg(0xf, SYS_ICC_SRE_EL2);
	isb();
	gic_init_cpu_el1(cpu, enabled);
}

void gic_random_l2(void)
{
	write_sysreg(rnd() & ~ICH_LR_HW, SYS_ICH_LR0_EL2);
	write_sysreg(rnd() & ~ICH_LR_HW, SYS_ICH_LR1_EL2);
	write_sysreg(rnd(), SYS_ICH_VMCR_EL2);
	write_sysreg(rnd() & 0xff, SYS_ICH_HCR_EL2);
	isb();
}
