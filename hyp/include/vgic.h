/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * L1's GICv3: distributor and redistributors in software, CPU interface in the hardware's list
 * registers; and L1's own ICH_* interface, which its L2 runs with.
 *
 * Two sets of list registers share the hardware:
 *
 *   VGIC_HW_L1   vgic_cpu.lr[], L1's own interrupts. Loaded at vEL2, at vEL0 under TGE, and at
 *                vEL1/0 while the virtual HCR_EL2.{IMO,FMO} are 0.
 *   VGIC_HW_L2   what stands in the ICH_LRn_EL2 of L1 (sys_regs[]), with the INTIDs of HW=1 ones
 *                translated. Loaded at vEL1/0 while the virtual HCR_EL2.IMO or FMO is 1.
 *
 * Invariants: struct vgic_irq is up to date for an interrupt that is in no list register; between
 * vgic_flush and vgic_sync lr[] is, for those that are in one. A physical interrupt is active
 * exactly while the virtual interrupt that it belongs to is in flight (pending or active). For the
 * timers' PPIs, that is the virtual interrupt of the bank that is loaded.
 *
 * Who may change what, without waiting for whom: between vgic_begin and vgic_end a vCPU is its CPU's,
 * which runs it, loads it or puts it. Then lr[] and all that EL2 touches (inflight, line of the
 * maintenance interrupt, active of a PPI that found no list register) is that CPU's alone, with no lock;
 * the rest of struct vgic_irq and the candidates are the vgic_dist's lock's. Everybody may raise an input at any
 * time: that is line or latch of an interrupt, under the lock. Whoever wants more of another vCPU's interrupts
 * (L1 writes its redistributor, or an SPI that it has in a list register) pauses that vCPU first: it leaves
 * its guest, which brings everything back to struct vgic_irq, and does not begin again.
 */
#ifndef VGIC_H
#define VGIC_H

#include <sysreg.h>
#include <types.h>

struct kvm;
struct kvm_vcpu;

#define VGIC_NR_PRIVATE		32
#define VGIC_NR_SPIS		256
#define VGIC_NR_IRQS		(VGIC_NR_PRIVATE + VGIC_NR_SPIS)
#define VGIC_MAX_LRS		16
#define VGIC_MAX_APRS		4
#define VGIC_MAX_HW		8	/* SPIs handed through */

/* Where L1 sees its GIC (IPA): as the virt machine has it. */
#define VGIC_GICD_IPA		0x08000000ULL
#define VGIC_GICD_SIZE		0x10000ULL
#define VGIC_GICR_IPA		0x080a0000ULL
#define VGIC_GICR_STRIDE	0x20000ULL

/* L1's own maintenance interrupt. */
#define VGIC_PPI_MAINT		25

/* One interrupt of L1. */
struct vgic_irq {
	u16 intid;
	u16 hwintid;		/* physical INTID while hw */
	u8 priority;
	u8 target;		/* SPI: vcpu_id from IROUTER, VGIC_NO_TARGET if none has it */
	u8 owner;		/* vcpu_id of whoever acknowledged it, while active */
	u8 in_lr;		/* vcpu_id of whose list register has it, or VGIC_NO_TARGET */
	bool enabled;
	bool group1;
	bool edge;
	bool line;		/* level of the input; hw: taken from the physical GIC, not in an LR yet */
	bool latch;		/* edge seen, or set by GICx_ISPENDR; not in an LR yet */
	bool lr_latch;		/* what latch was when it went into the LR */
	bool active;
	bool hw;		/* backed by the physical interrupt hwintid at this moment */
	u64 irouter;
};

#define VGIC_NO_TARGET	0xff

/* Which set of list registers the hardware has. */
enum vgic_hw {
	VGIC_HW_NONE = 0,
	VGIC_HW_L1,
	VGIC_HW_L2,
};

/* vgic_cpu.state while @hw is loaded and no list register is used. */
#define VGIC_STATE_IDLE(hw)	((u64)(hw) | (u64)(hw) << 8)

/* vgic_cpu.l1_pending */
#define VGIC_L1_IRQ	BIT(0)
#define VGIC_L1_FIQ	BIT(1)

struct vgic_cpu {
	/* L1's own CPU interface; VMCR and APRs: the hardware has them while loaded == VGIC_HW_L1 */
	u64 lr[VGIC_MAX_LRS];
	u64 hcr;			/* ICH_HCR_EL2 to run L1 with */
	u64 vmcr;
	u64 ap0r[VGIC_MAX_APRS], ap1r[VGIC_MAX_APRS];
	u64 cached_hcr;			/* what ICH_HCR_EL2 is loaded with */
	union {
		struct {
			u8 loaded;	/* enum vgic_hw: VMCR and APRs in the hardware are whose */
			u8 lrs_loaded;	/* enum vgic_hw: the same for the list registers */
			u8 used_lrs;	/* lr[0..used_lrs-1] are in use */
			bool wide;	/* more than 4 list registers or one APR of each group */
			u32 hw_lrs;	/* bitmap: hardware list registers that are not 0 */
		};
		u64 state;		/* all of them: one comparison finds the simple case */
	};
	u32 inflight;			/* bitmap of L1's timer PPIs that are pending or active */
	u8 l1_pending;			/* VGIC_L1_*: deliverable to L1 while its L2 runs */
	bool maint;			/* level of L1's maintenance interrupt */
	u8 in_vain;			/* enables in L2's ICH_HCR_EL2 that would bring the next entry back at once */

	/* host only */
	u32 begun;			/* between vgic_begin and vgic_end */
	u32 paused;			/* so many others want it to stay outside */
	bool waker_sleep;		/* GICR_WAKER.ProcessorSleep */
	bool more_pending;		/* an interrupt found no list register at the last flush */
	u32 candidates;			/* private interrupts that are pending or active */
	u64 mpidr;			/* as L1 sees it */
	struct vgic_irq private[VGIC_NR_PRIVATE];
};

/* What the hardware's virtual CPU interface has; set by vgic_hyp_init, the same on all CPUs. */
struct vgic_hw_info {
	u8 nr_lrs;
	u8 nr_aprs;
};
extern struct vgic_hw_info vgic_hw;

struct vgic_dist {
	u32 lock;
	u32 ctlr;			/* GICD_CTLR: EnableGrp0, EnableGrp1 */
	u32 candidate_words;		/* bitmap: which words of candidates are not 0 */
	u32 candidates[VGIC_NR_SPIS / 32];	/* SPIs that are pending or active */
	u8 nr_hw;			/* SPIs with a physical interrupt behind them: its INTID, and theirs */
	u16 hw[VGIC_MAX_HW];
	struct vgic_irq spi[VGIC_NR_SPIS];
};

/* ---- EL2, nested/vgic.c ---- */

/* Once a CPU: ICC_SRE_EL2, ICH_VTR_EL2. Returns the number of list registers, 0 if no GICv3. */
unsigned int vgic_hyp_init(void);

/*
 * vcpu_load / vcpu_put (nVHE host: the same, at each world switch): VMCR and APRs of what will
 * run (virtual PSTATE and HCR_EL2 decide between L1 and L2).
 */
void vgic_hyp_load(struct kvm_vcpu *vcpu);
void vgic_hyp_put(struct kvm_vcpu *vcpu);

/*
 * Each entry from the host and each exit to it: list registers. If the virtual PSTATE or HCR_EL2
 * changed sides between L1 and L2 since vgic_hyp_load, enter switches VMCR and APRs as well.
 */
void vgic_hyp_enter(struct kvm_vcpu *vcpu);
void vgic_hyp_exit(struct kvm_vcpu *vcpu);

/*
 * The fast path between vEL2 and vEL1/0, without the host. Call them at each change of virtual EL
 * between those two: whether list registers change at all (virtual IMO|FMO) is decided inside.
 */
void vgic_hyp_switch_to_l2(struct kvm_vcpu *vcpu);
void vgic_hyp_switch_to_vel2(struct kvm_vcpu *vcpu);

/* Nonzero (VGIC_L1_*): while L2 runs, an interrupt of L1 must be taken to vEL2. */
#define vgic_irq_pending_for_l1(vcpu)	((vcpu)->arch.vgic.l1_pending)

/* Whether the level of L1's maintenance interrupt is not what ICH_MISR_EL2 and ICH_HCR_EL2.En say. At vEL2. */
bool vgic_maint_changed(struct kvm_vcpu *vcpu);

/* L1's trapped reads of its ICH_VTR, MISR, EISR and ELRSR _EL2. */
u64 vgic_read_ich_vtr(struct kvm_vcpu *vcpu);
u64 vgic_read_ich_misr(struct kvm_vcpu *vcpu);
u64 vgic_read_ich_eisr(struct kvm_vcpu *vcpu);
u64 vgic_read_ich_elrsr(struct kvm_vcpu *vcpu);

/* Brings L1's and L2's VMCR and APRs to memory and leaves them loaded. */
void vgic_hyp_sync_vmcr(struct kvm_vcpu *vcpu);

/*
 * For nested/timer.c. L1's list registers as of now into lr[] (they stay loaded), inflight
 * corrected; and L1's interrupt @intid, if a list register has it, becomes linked to the physical
 * @pintid, or to none (0).
 */
void vgic_hyp_save_l1_lrs(struct kvm_vcpu *vcpu);
void vgic_hyp_link_lr(struct kvm_vcpu *vcpu, u32 intid, u32 pintid);

/* ---- host, hyp/host/vgic*.c ---- */

void vgic_init(struct kvm *kvm);
/*
 * L1's SPI @intid is the physical one of that INTID from now on, level-triggered. Before L1 runs; at most
 * VGIC_MAX_HW.
 */
void vgic_hand_through(struct kvm *kvm, u32 intid);
/* Whether it is. */
bool vgic_is_handed_through(const struct kvm *kvm, u32 intid);
/* After vcpu->vcpu_id and vcpu->kvm are set. @mpidr: MPIDR_EL1 as L1 sees it. */
void vgic_vcpu_init(struct kvm_vcpu *vcpu, u64 mpidr);
/* The CPU interface of a vCPU that is turned on; what the redistributor has stays. Not while it is loaded. */
void vgic_reset_interface(struct kvm_vcpu *vcpu);

/*
 * After each exit: vgic_sync, then gic_handle_irq and timer_sync and whatever else changes
 * interrupts; before each entry: vgic_flush. sync: lr[] -> interrupt state, flush: back, and
 * l1_pending. Twice the same is harmless.
 */
void vgic_flush(struct kvm_vcpu *vcpu);
void vgic_sync(struct kvm_vcpu *vcpu);

/*
 * The calling CPU is about to run, load or put @vcpu: until vgic_end, all of its interrupt state is this
 * CPU's. Waits while it is paused, which lasts as long as one access of L1 to its GIC.
 */
void vgic_begin(struct kvm_vcpu *vcpu);
void vgic_end(struct kvm_vcpu *vcpu);

/* The input of interrupt @intid changes; edge-triggered: @level true is an edge. */
void vgic_set_irq(struct kvm *kvm, struct kvm_vcpu *vcpu, u32 intid, bool level);

/* A physical interrupt that belongs to L1 was taken; it stays active. */
void vgic_hw_irq_taken(struct kvm *kvm, struct kvm_vcpu *vcpu, u32 intid);

/*
 * An access of L1 to the distributor or to a redistributor. Returns false if @ipa (L1 IPA) is
 * neither. @size in bytes (1, 2, 4, 8). The caller has called vgic_sync, and vgic_end.
 */
bool vgic_mmio(struct kvm_vcpu *vcpu, u64 ipa, bool is_write, unsigned int size, u64 *val);

/* A trapped write of ICC_SGI1R_EL1 (@group1) or ICC_SGI0R_EL1/ICC_ASGI1R_EL1. */
void vgic_send_sgi(struct kvm_vcpu *vcpu, u64 sgir, bool group1);

/*
 * A trapped write of ICC_DIR_EL1 by L1: there are more active interrupts than list registers, or another vCPU has an SPI.
 * Outside of vgic_begin.
 */
void vgic_write_dir(struct kvm_vcpu *vcpu, u64 intid);

/* What L2 of @vcpu deactivated, which other vCPUs of L1 have (nr_ended). Outside of vgic_begin. */
void vgic_finish_ended(struct kvm_vcpu *vcpu);

/* Whether any interrupt that may be @vcpu's is pending or active. */
bool vgic_has_candidates(const struct kvm_vcpu *vcpu);

/*
 * Whether a WFI of the vCPU must end: an interrupt is deliverable whatever PSTATE masks. Between
 * vgic_hyp_exit and vgic_hyp_enter only; leaves the vCPU flushed.
 */
bool vgic_has_pending(struct kvm_vcpu *vcpu);

#endif
