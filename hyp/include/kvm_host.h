/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The vCPU: what a level's state is, and where its current value lives.
 *
 * Invariant: sys_regs[] holds virtual state only, never hardware formats. What the hardware
 * EL1 bank is loaded with is found through hw_sys_regs:
 *
 *   bank VEL1       hw_sys_regs = &sys_regs[0]           EL1 registers, the VNCR page itself
 *   bank VEL2_E2H   hw_sys_regs = &sys_regs[EL2_BANK]    EL2 registers; the format is EL1's own
 *   bank VEL2_NVHE  hw_sys_regs = shadow_sys_regs        EL2 registers translated to EL1 format
 *
 * An EL2 register with an EL1 counterpart has the index EL2_BANK + (index of the counterpart), so
 * that with E2H=1, where both have one format, the pointer alone is the translation.
 */
#ifndef KVM_HOST_H
#define KVM_HOST_H

#include <types.h>
#include <bug.h>
#include <exits.h>
#include <s2.h>
#include <sched.h>
#include <sysreg-defs.h>
#include <sysreg.h>
#include <vgic.h>
#include <timer.h>

/* PSTATE/SPSR modes (Arm ARM, SPSR_ELx.M). */
#define PSR_MODE_EL0t	0x0UL
#define PSR_MODE_EL1t	0x4UL
#define PSR_MODE_EL1h	0x5UL
#define PSR_MODE_EL2t	0x8UL
#define PSR_MODE_EL2h	0x9UL
#define PSR_MODE_MASK	0xfUL
#define PSR_MODE32	BIT(4)
#define PSR_F		BIT(6)
#define PSR_I		BIT(7)
#define PSR_A		BIT(8)
#define PSR_D		BIT(9)
#define PSR_A32_E	BIT(9)	/* in AArch32 state: data is big-endian */
#define PSR_SS		BIT(21)
#define PSR_DAIF	(PSR_D | PSR_A | PSR_I | PSR_F)
#define PSR_ALLINT	BIT(13)
/* What PSTATE of AArch64 has, as SPSR shows it; exceptions set ALLINT although FEAT_NMI is not offered. */
#define PSR_AARCH64                                                                         \
	((0xfUL << 28) | (0x1fUL << 20) | PSR_ALLINT | (7UL << 10) | PSR_DAIF | PSR_MODE_MASK)
#define PSR_AIF		(PSR_A | PSR_I | PSR_F)

/* Which virtual EL's registers the hardware EL1 bank holds. */
enum loaded_bank {
	BANK_NONE = 0,
	BANK_VEL1,	/* vEL1/0, of L1 itself or of L2; vEL0 under TGE with E2H=0 */
	BANK_VEL2_E2H,	/* vEL2 with E2H=1, and its vEL0 under TGE */
	BANK_VEL2_NVHE,	/* vEL2 with E2H=0 */
};

/* Who an exit came from. */
enum level {
	LEVEL_HOST = 0,	/* nVHE host's own HVCs */
	LEVEL_L1,	/* vEL2, vEL0 under TGE, and vEL1/0 while HCR_EL2.VM=0 */
	LEVEL_L2,	/* vEL1/0 while HCR_EL2.VM=1 */
	NR_LEVELS,
};

/* Who dealt with an exit. */
enum outcome {
	OUT_HANDLED = 0,	/* L0 emulated it */
	OUT_FORWARDED,		/* became an exception to vEL2 */
	OUT_REFLECTED,		/* became an exception to the level it came from (UNDEF, vEL1 abort...) */
	OUT_SERVED,		/* L0 emulated it, and it counts as no trap: see ablation.h */
	NR_OUTCOMES,
};

struct user_pt_regs {
	u64 regs[31];
	u64 pstate;	/* virtual PSTATE: M says EL2h/EL2t at vEL2 */
	u64 pc;		/* virtual PC */
};

struct fpsimd_state {
	__uint128_t vregs[32];
	u64 fpsr;
	u64 fpcr;
};

/* SVE at the largest vector length that there is, one register behind the other at the CPU's own. */
#define SVE_VL_MAX	256
struct sve_state {
	u8 z[32][SVE_VL_MAX];
	u8 p[16][SVE_VL_MAX / 8];
	u8 ffr[SVE_VL_MAX / 8];
};

struct kvm_vcpu;

struct kvm_cpu_context {
	struct user_pt_regs regs;
	u64 hw_pstate;			/* what SPSR_EL2 is loaded with: EL1h/t for EL2h/t */
	u64 *hw_sys_regs;		/* see the top of this file */
	struct kvm_vcpu *__hyp_running_vcpu;	/* host context only */
	u64 near[80];			/* see struct kvm_vcpu_arch */
	struct fpsimd_state fp;
	u64 sys_regs[NR_SYS_REGS] __aligned(4096);
	u64 shadow_sys_regs[VNCR_SLOTS] __aligned(64);
};

/* One entry of the exit trace ring. */
struct exit_trace {
	u64 pc, far;
	u32 esr;
	u8 level, reason, outcome, pad;
	u64 hpfar;
	u64 taken, returned;	/* CNTPCT_EL0 at the exit and on the way back (0: not yet) */
};
#define TRACE_RING	256	/* power of two */

/* The counters at the begin of a marked region. */
struct sample_base {
	u64 exits[NR_EXITS];
	u64 served;
	u64 host_calls;
	u32 sysregs[NR_SYS_DESCS][2];
};

struct vcpu_stats {
	u64 exits[NR_LEVELS][NR_EXITS][NR_OUTCOMES];
	u64 instructions[NR_LEVELS][NR_EXITS];	/* under CAP_INSN, see insn.h */
	u32 sysregs[NR_SYS_DESCS][2];		/* [][0] reads, [][1] writes */
	struct sample_base base;
	u64 trace_seq;
	struct exit_trace trace[TRACE_RING];
};

/* An abort that the host has to emulate, decoded at EL2. */
struct vcpu_fault {
	u64 esr;	/* ESR_EL2 as taken */
	u64 far;	/* FAR_EL2: VA */
	u64 hpfar;	/* HPFAR_EL2 << 8: faulting IPA of the regime that ran (L2 IPA while in L2) */
	u64 l1_ipa;	/* for EXIT_TO_HOST_MMIO: the L1 IPA to emulate */
	bool big_endian;	/* the same: order of the bytes in the register */
};

struct s2_mmu;
struct kvm;

/* How an L1 ended. */
enum l1_end {
	L1_OFF,
	L1_RESET,
	L1_FAILED,	/* a vCPU of it could not go on */
};

/*
 * What every exit looks at lies in the context's first page, in the room that it keeps (near[]):
 * one instruction reaches it from the vCPU's address. The rest stands behind the register file.
 */
struct kvm_vcpu_arch {
	union {
		struct kvm_cpu_context ctxt;
		struct {
			u8 __before[offsetof(struct kvm_cpu_context, near)];
			enum loaded_bank loaded_bank;
			bool sysregs_loaded_on_cpu; /* loaded_bank != BANK_NONE */
			bool fp_loaded;		/* the FP/SIMD registers are this vCPU's */
			u8 ttlb;		/* enum ttlb_state: whether TLBIs at vEL2 trap, see ttlb.h */
			bool prefill;		/* L1 was given a stage-2 fault at prefill_ipa (L2 IPA) */
			bool sve_open;		/* CPTR_EL2 lets SVE through and ZCR_EL1/2 are the bank's */
			bool fgt_loaded;	/* the hardware's fine-grained traps are L1's, not 0 */
			u8 exit_level;		/* enum level that the last exit came from */
			u8 exit_reason;		/* enum exit_reason and enum outcome of the last exit, */
			u8 exit_outcome;	/* if exits are traced */
			u64 hcr_el2;		/* HCR_EL2 of the hardware for the loaded bank */
			u64 hcr_base;		/* HCR_EL2 bits that every bank runs with */
			u64 hcr_res1;		/* of the virtual HCR_EL2: E2H if E2H0=NI */
			u64 hw_cptr, hw_mdcr;	/* of the hardware, as last written */
			u64 hcr_e2h;		/* hcr_base with what vEL2 adds under E2H=1 */
			u64 hcr_l1_bits;	/* of L1's HCR_EL2: act on vEL1&0 as written */
			u64 hfgitr;		/* HFGITR_EL2 bits that every bank runs with */
			bool l1_vncr;		/* VNCR_EL2 is L1's, for its guest's virtual EL2 */
			va_t l1_vncr_va;	/* L1's VNCR_EL2, and where that page is */
			pa_t l1_vncr_pa;	/* 0: not known */
			u64 mpidr, midr;	/* MPIDR_EL1 and MIDR_EL1 of the virtual CPU */
			u64 mdcr_vel1, mdcr_vel2; /* MDCR_EL2 of the hardware for vEL1&0, vEL2 */
			struct s2_mmu
				*l2_mmu; /* referenced: the stage 2 that vEL1&0 last ran with */
			struct s2_guest l2_key;	/* the registers that l2_mmu was looked up with */
			struct s2_mmu *l2_last;	/* referenced: the one before, and its registers */
			struct s2_guest l2_last_key;
			struct s2_mmu *hw_mmu;	/* stage 2 in VTTBR_EL2 */
			struct s2_mmu *vel2_mmu; /* that of vEL2 */
			u64 el1_bank_switches;	/* how often a bank was loaded */
			u64 ttlb_seen;		/* that of all vCPUs, and TLBIs trapped since it grew */
			u32 ttlb_quiet;
			l2ipa_t prefill_ipa;
			u64 prefill_pc;		/* where it was taken */
			const struct s2_mmu
				*prefill_mmu; /* and under which; compared, never followed */
			struct vcpu_fault fault;
			bool powered_off;	/* PSCI state */
			bool wfi_waiting;
			u64 smccc_args[4];	/* HOST_EXIT_SGI: value, enum vcpu_sysreg */
		};
	};
	struct vgic_cpu vgic __aligned(SZ_4K);
	struct timer_cpu timer;
	u64 l1_vncr_gen;		/* of what l1_vncr_pa came from, and what the */
	u64 vncr_live;			/* hardware runs with: see nested/vncr.c */
	u64 l1_vncr_ttbr0, l1_vncr_ttbr1; /* tables that l1_vncr_pa came from */
	u8 dbgclaim;			/* not loaded: claim tags, */
	bool os_locked;			/* OSLSR_EL1.OSLK */
	bool dbg_armed;			/* DBGBCR<n> and DBGWCR<n> of the hardware are vEL2's, see debug.c */
	u8 nr_ended;			/* L1's SPIs that L2 has deactivated, and that are not this vCPU's: */
	u16 ended[VGIC_MAX_LRS];	/* their INTIDs, for the host */
	struct vcpu_stats stats;
	struct sve_state sve __aligned(16);	/* under CAP_SVE, in place of ctxt.fp.vregs */
};
_Static_assert(offsetof(struct kvm_vcpu_arch, smccc_args) + 32 <=
		       offsetof(struct kvm_cpu_context, fp),
	       "near[] is too small");

/*
 * Under vel2.protect=on an nVHE host may write its first page (regs and near[]) and what begins with vgic; it may
 * read the registers in between.
 */
struct kvm_vcpu {
	struct kvm_vcpu_arch arch;	/* first: a vcpu and its context have one address in entry.S */
	struct kvm *kvm;
	int vcpu_id;
	int cpu;			/* physical CPU it is loaded on, -1 if none: run.c's */
	bool starting;			/* somebody turns it on: psci.c's */
	struct sched_entity sched;
};

#define MAX_VCPUS	8	/* of an L1 */
_Static_assert(S2_MAX_SHADOWS >= 2 * MAX_VCPUS, "a vCPU keeps two of them");

#define MAX_VMS		4

/* One L1 virtual machine. Under vel2.protect=on an nVHE host may only read what stands before vgic. */
struct kvm {
	u32 ttlb_off;			/* bitmap of vCPUs, see ttlb.h; first, for the exit path */
	struct s2_vm s2;		/* canonical and shadow stage 2 */
	u64 vncr_gen;			/* L1's TLBIs, see nested/vncr.c; 0: it has used no VNCR page */
	u64 ttlb_flushed;		/* sum of el1_bank_switches when vEL1&0 was last flushed */
	u64 vcpu_features;		/* bitmap of what the virtual CPU offers, see FEAT_* */
	struct vgic_dist vgic __aligned(SZ_4K);
	struct kvm_vcpu *vcpus[MAX_VCPUS];
	u64 ram_base, ram_size;		/* L1 IPA, bytes */
	u64 ram_offset;			/* PA = IPA + ram_offset for RAM */
	int nr_vcpus;
	unsigned int id;		/* its place in vms[] */
	u64 vtime;			/* sched.c: what its vCPUs have had, see sched.h */
	bool alone;			/* its vCPU is the only one of all L1s */
	bool ended;			/* set once: none of its vCPUs runs any more */
	enum l1_end how;		/* then */
	bool has_devices;		/* the machine's are its own: UART0, flash, clock and PCIe */
	bool has_pcie;			/* the machine's PCIe root is L1's */
};

/* A vCPU's number among those of all L1s. */
#define NR_VCPUS	(MAX_VMS * MAX_VCPUS)
static inline unsigned int vcpu_number(const struct kvm_vcpu *vcpu)
{
	return vcpu->kvm->id * MAX_VCPUS + (unsigned int)vcpu->vcpu_id;
}

#define vcpu_gp_regs(v)		(&(v)->arch.ctxt.regs)
#define vcpu_pc(v)		(&(v)->arch.ctxt.regs.pc)
#define vcpu_cpsr(v)		(&(v)->arch.ctxt.regs.pstate)
/* The memory copy, whatever the CPU holds. */
#define __vcpu_sys_reg(v, r)	((v)->arch.ctxt.sys_regs[(r)])

static inline u64 vcpu_get_reg(const struct kvm_vcpu *vcpu, unsigned int rt)
{
	return rt == 31 ? 0 : vcpu->arch.ctxt.regs.regs[rt];
}

static inline void vcpu_set_reg(struct kvm_vcpu *vcpu, unsigned int rt, u64 val)
{
	if (rt != 31)
		vcpu->arch.ctxt.regs.regs[rt] = val;
}

/**
 * vcpu_read_sys_reg - the current value of a register, wherever it lives.
 * EL2 only. Which place is a function of (@reg, loaded_bank) and stands in the register's row.
 */
u64 vcpu_read_sys_reg(const struct kvm_vcpu *vcpu, enum vcpu_sysreg reg);
void vcpu_write_sys_reg(struct kvm_vcpu *vcpu, u64 val, enum vcpu_sysreg reg);

/*
 * Virtual HCR_EL2 with the RES1 bits of the virtual CPU (E2H0=NI makes E2H RES1). Read afresh each
 * time: under NV2 L1 writes it with plain stores of its own.
 */
static inline u64 vcpu_hcr_el2(const struct kvm_vcpu *vcpu)
{
	return READ_ONCE(__vcpu_sys_reg(vcpu, HCR_EL2)) | vcpu->arch.hcr_res1;
}

static inline bool vcpu_el2_e2h_is_set(const struct kvm_vcpu *vcpu)
{
	return vcpu_hcr_el2(vcpu) & BIT(34);
}

static inline bool vcpu_mode_el2(const struct kvm_vcpu *vcpu)
{
	return (vcpu->arch.ctxt.regs.pstate & 0xc) == PSR_MODE_EL2t;
}

/* vEL2, or vEL0 while HCR_EL2.{E2H,TGE} = {1,1} or TGE=1 (Arm ARM R_NPPZT: EL0 then belongs to EL2). */
static inline bool is_hyp_ctxt(const struct kvm_vcpu *vcpu)
{
	u64 pstate = vcpu->arch.ctxt.regs.pstate;

	return (pstate & PSR_MODE_EL2t) ||
	       (!(pstate & PSR_MODE_MASK) && (vcpu_hcr_el2(vcpu) & HCR_TGE));
}

#endif
