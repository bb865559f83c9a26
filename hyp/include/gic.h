/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The physical GICv3, driven by the host: EL2 under VHE, EL1 under nVHE, IRQs always masked.
 *
 * Invariant: EOImode is 1 on every CPU. EOIR only drops the priority; an interrupt that was given
 * to a guest stays active until the guest's own EOI (HW=1 list register) or L0 deactivates it.
 */
#ifndef GIC_H
#define GIC_H

#include <percpu.h>
#include <sysreg.h>
#include <types.h>

struct kvm_vcpu;

/* Physical interrupts that L0 knows (INTIDs of the virt machine). */
#define GIC_SGI_KICK		0	/* makes another CPU leave its guest */
#define GIC_PPI_MAINT		25	/* virtual CPU interface maintenance */
#define GIC_PPI_CNTHP		26	/* L0's own timer */
#define GIC_PPI_CNTV		27
#define GIC_PPI_CNTHV		28
#define GIC_PPI_CNTP		30
#define GIC_SPI_UART0		33	/* L1's */
#define GIC_SPI_UART1		40	/* L0's */

#define GIC_SPURIOUS		1020	/* and above: no interrupt */

/* Frames of one redistributor. */
#define GICR_STRIDE		0x20000ULL
#define GICR_SGI_OFFSET		0x10000ULL

/* Distributor, once, on the boot CPU. Returns 0 or -ENODEV if this is no GICv3. */
int gic_init(void);

/* SPI @intid comes to the calling CPU from now on; @edge: edge-triggered, else by its level. */
void gic_enable_spi(u32 intid, bool edge);

/*
 * Redistributor and CPU interface of the calling CPU, and EL2's part of GIC and timers. Returns 0,
 * or -ENODEV if no redistributor has this CPU's affinity.
 */
int gic_init_cpu(void);

/*
 * Takes all pending physical interrupts of this CPU. @vcpu is the one that was interrupted (its
 * timers are in the hardware), or NULL: then a timer's interrupt is only silenced.
 */
void gic_handle_irq(struct kvm_vcpu *vcpu);

/*
 * Sends GIC_SGI_KICK to physical CPU @cpu, unless that is the calling one: it leaves its guest or its WFI and
 * finds what was written before.
 */
void gic_kick_cpu(unsigned int cpu);

/* The same by affinity, from EL2 or the host. */
static inline void gic_send_kick(u64 mpidr)
{
	u64 val = (mpidr >> 32 & 0xff) << 48 | (mpidr >> 16 & 0xff) << 32 |
		  (mpidr >> 8 & 0xff) << 16 | (mpidr & 0xf0) << 40 | (u64)GIC_SGI_KICK << 24 |
		  BIT(mpidr & 0xf);

	/* What the other CPU is to find must be there first; and it is sent now, not some time later. */
	asm volatile("dsb ishst\n\tmsr S3_0_C12_C11_5, %0\n\tisb" : : "r"(val) : "memory");
}

/* Physical state of an interrupt; PPIs: of the CPU that @vcpu is loaded on, which may be another one. */
bool gic_irq_is_pending(const struct kvm_vcpu *vcpu, u32 intid);
void gic_irq_set_active(const struct kvm_vcpu *vcpu, u32 intid, bool active);

#endif
