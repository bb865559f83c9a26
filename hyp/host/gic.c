// SPDX-License-Identifier: GPL-2.0-only
/*
 * The physical GICv3. Host: EL2 under VHE, EL1 under nVHE (where HCR_EL2.IMO is 0 while the host
 * runs, so that ICC_* are the physical registers). Interrupts are always masked in PSTATE: the run
 * loop polls ICC_IAR1_EL1 after a guest was interrupted or the CPU woke.
 */
#include <errno.h>
#include <gic.h>
#include <host.h>
#include <kvm_hyp.h>
#include <l1.h>
#include <pcie.h>
#include <timer.h>
#include <vgic.h>

#include "vgic-priv.h"

#define GICD_CTLR		0x0000
#define GICD_CTLR_G1		BIT(1)
#define GICD_CTLR_ARE		BIT(4)
#define GICD_CTLR_RWP		BIT(31)
#define GICD_TYPER		0x0004
#define GICD_IROUTER		0x6000
#define GIC_PIDR2		0xffe8
#define GICR_CTLR_RWP		BIT(3)
#define GICR_TYPER		0x0008
#define GICR_TYPER_LAST		BIT(4)
#define GICR_WAKER		0x0014
#define GICR_WAKER_SLEEP	BIT(1)
#define GICR_WAKER_CHILDREN	BIT(2)
/* The same in a distributor and in an SGI frame. */
#define GIC_IGROUPR		0x0080
#define GIC_ISENABLER		0x0100
#define GIC_ICENABLER		0x0180
#define GIC_ISPENDR		0x0200
#define GIC_ISACTIVER		0x0300
#define GIC_ICACTIVER		0x0380
#define GIC_IPRIORITYR		0x0400

#define GICD_ICFGR		0x0c00

#define GIC_PRIO		0xa0	/* all of L0's interrupts */
#define ICC_CTLR_EOIMODE	BIT(1)

#define OUR_PPIS	(BIT(GIC_SGI_KICK) | BIT(GIC_PPI_MAINT) | BIT(GIC_PPI_CNTHP) | \
			 BIT(GIC_PPI_CNTV) | BIT(GIC_PPI_CNTP))

static inline u32 rd32(unsigned long addr)
{
	u32 v;

	asm volatile("ldr %w0, [%1]" : "=r"(v) : "r"(addr) : "memory");
	return v;
}

static inline u64 rd64(unsigned long addr)
{
	return rd32(addr) | (u64)rd32(addr + 4) << 32;
}

static inline void wr32(u32 v, unsigned long addr)
{
	asm volatile("str %w0, [%1]" : : "rZ"(v), "r"(addr) : "memory");
}

static inline void wr64(u64 v, unsigned long addr)
{
	asm volatile("str %x0, [%1]" : : "rZ"(v), "r"(addr) : "memory");
}

/* Affinity fields of an MPIDR, and the same as GICR_TYPER[63:32] has them. */
#define MPIDR_AFF	0xff00ffffffULL

static u64 my_mpidr(void)
{
	return read_sysreg(mpidr_el1) & MPIDR_AFF;
}

static u32 packed_affinity(u64 mpidr)
{
	return (u32)((mpidr & 0xffffff) | (mpidr >> 8 & 0xff000000));
}

static void wait_rwp(unsigned long ctlr, u64 bit)
{
	/* Bounded by hardware: a write takes effect in finite time. */
	while (rd32(ctlr) & bit)
		;
}

void gic_enable_spi(u32 intid, bool edge)
{
	unsigned long d = plat.gicd, cfg = d + GICD_ICFGR + intid / 16 * 4;
	u32 bit = 2U << intid % 16 * 2;

	wr32(edge ? rd32(cfg) | bit : rd32(cfg) & ~bit, cfg);
	asm volatile("strb %w0, [%1]" : : "r"(GIC_PRIO), "r"(d + GIC_IPRIORITYR + intid) : "memory");
	wr64(my_mpidr(), d + GICD_IROUTER + 8UL * intid);
	wr32(1U << intid % 32, d + GIC_ISENABLER + intid / 32 * 4);
}

int gic_init(void)
{
	unsigned long d = plat.gicd;
	unsigned int lines;

	if (!d || ((rd32(d + GIC_PIDR2) >> 4) & 0xf) < 3)
		return -ENODEV;
	lines = ((rd32(d + GICD_TYPER) & 0x1f) + 1) * 32;
	wr32(0, d + GICD_CTLR);
	wait_rwp(d + GICD_CTLR, GICD_CTLR_RWP);
	for (unsigned int i = 32; i < lines; i += 32) {
		wr32(~0U, d + GIC_ICENABLER + i / 8);
		wr32(~0U, d + GIC_ICACTIVER + i / 8);
		wr32(~0U, d + GIC_IGROUPR + i / 8);
	}
	wait_rwp(d + GICD_CTLR, GICD_CTLR_RWP);
	/* Affinity routing first: enabling groups and it at once is UNPREDICTABLE. */
	wr32(GICD_CTLR_ARE, d + GICD_CTLR);
	wait_rwp(d + GICD_CTLR, GICD_CTLR_RWP);
	wr32(GICD_CTLR_ARE | GICD_CTLR_G1, d + GICD_CTLR);
	wait_rwp(d + GICD_CTLR, GICD_CTLR_RWP);
	gic_enable_spi(plat.uart0_intid, false);
	gic_enable_spi(plat.uart1_intid, false);
	return 0;
}

static unsigned long find_redistributor(void)
{
	u32 aff = packed_affinity(my_mpidr());

	for (u64 off = 0; off + GICR_STRIDE <= plat.gicr_size; off += GICR_STRIDE) {
		unsigned long r = plat.gicr + off;
		u64 typer = rd64(r + GICR_TYPER);

		if (typer >> 32 == aff)
			return r;
		if (typer & GICR_TYPER_LAST)
			break;
	}
	return 0;
}

int gic_init_cpu(void)
{
	unsigned long r = find_redistributor(), sgi = r + GICR_SGI_OFFSET;

	if (!r || !kvm_call_hyp(vgic_hyp_init))
		return -ENODEV;
	kvm_call_hyp(timer_hyp_init, sgi);
	wr32(rd32(r + GICR_WAKER) & ~(u32)GICR_WAKER_SLEEP, r + GICR_WAKER);
	wait_rwp(r + GICR_WAKER, GICR_WAKER_CHILDREN);
	wr32(~0U, sgi + GIC_ICENABLER);
	wr32(~0U, sgi + GIC_ICACTIVER);
	wr32(~0U, sgi + GIC_IGROUPR);
	for (unsigned int i = 0; i < 32; i += 4)
		wr32(GIC_PRIO * 0x01010101U, sgi + GIC_IPRIORITYR + i);
	wr32((u32)OUR_PPIS, sgi + GIC_ISENABLER);
	wait_rwp(r, GICR_CTLR_RWP);

	write_sysreg(ICC_SRE_SRE | ICC_SRE_DFB | ICC_SRE_DIB, ICC_SRE_EL1);
	isb();		/* the other ICC_* need SRE */
	write_sysreg(0xff, ICC_PMR_EL1);
	write_sysreg(0, ICC_BPR1_EL1);
	write_sysreg(ICC_CTLR_EOIMODE, ICC_CTLR_EL1);
	write_sysreg(1, ICC_IGRPEN1_EL1);
	isb();		/* interrupts may come from here on */
	return 0;
}

static void deactivate(u32 intid)
{
	write_sysreg(intid, ICC_DIR_EL1);
}

static void handle_one(struct kvm_vcpu *vcpu, u32 intid)
{
	if (intid == GIC_PPI_CNTV || intid == GIC_PPI_CNTP) {
		/* Given to the guest, it stays active until the guest's own EOI. */
		if (!vcpu || !timer_handle_irq(vcpu, intid))
			deactivate(intid);
	} else if (vgic_is_handed_through(&vms[0], intid)) {
		/* Of the L1 that has the machine's devices; if it is over, this one is heard no more. */
		vgic_hw_irq_taken(&vms[0], NULL, intid);
	} else if (intid == GIC_PPI_CNTHP) {
		if (vcpu) {
			kvm_call_hyp(timer_hyp_sync, vcpu);
			timer_sync(vcpu);
		} else {
			kvm_call_hyp(timer_hyp_stop);
		}
		deactivate(intid);
	} else {
		/*
		 * Maintenance: vgic_hyp_exit has lowered it, vgic_sync looks at the list registers.
		 * Kick: the exit was all it wanted.
		 */
		if (intid == plat.uart1_intid)
			l0_console_irq();
		else if (intid == plat.pcie.smmu_event || intid == plat.pcie.smmu_error)
			pcie_irq();
		deactivate(intid);
	}
}

void gic_handle_irq(struct kvm_vcpu *vcpu)
{
	for (;;) {
		u32 intid = (u32)read_sysreg(ICC_IAR1_EL1);

		if (intid >= GIC_SPURIOUS)
			return;
		/* Only the priority drops; what the device must see first comes before it. */
		write_sysreg(intid, ICC_EOIR1_EL1);
		isb();		/* before the deactivation, which must come second */
		handle_one(vcpu, intid);
	}
}

void gic_kick_cpu(unsigned int cpu)
{
	if (cpu != *this_cpu_ptr(cpu_number))
		gic_send_kick(plat.mpidr[cpu]);
}

/* Of a vCPU that is loaded: the frame of the CPU that it is loaded on. */
static unsigned long frame_of(const struct kvm_vcpu *vcpu, u32 intid)
{
	return intid < 32 ? vcpu->arch.timer.gicr : (unsigned long)plat.gicd;
}

bool gic_irq_is_pending(const struct kvm_vcpu *vcpu, u32 intid)
{
	return rd32(frame_of(vcpu, intid) + GIC_ISPENDR + intid / 32 * 4) & (1U << intid % 32);
}

void gic_irq_set_active(const struct kvm_vcpu *vcpu, u32 intid, bool active)
{
	wr32(1U << intid % 32,
	     frame_of(vcpu, intid) + (active ? GIC_ISACTIVER : GIC_ICACTIVER) + intid / 32 * 4);
}

/* --- the host's ways to EL2 for the pure files --- */

void vgic_fetch_vmcr(struct kvm_vcpu *vcpu)
{
	kvm_call_hyp(vgic_hyp_sync_vmcr, vcpu);
}
