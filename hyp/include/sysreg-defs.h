/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What hyp/sysregs.def and hyp/sysinsns.def become in C: indices, encodings, and the row as data.
 *
 * Compiles alone, for arm64 and for the build machine. The index space:
 *
 *   [0, VNCR_SLOTS)                 the VNCR page: slot = byte offset / 8
 *   EL2_BANK + [0, VNCR_SLOTS)      EL2 registers, at the slot of their EL1 counterpart
 *   SOFT_BANK + row                 everything else
 */
#ifndef SYSREG_DEFS_H
#define SYSREG_DEFS_H

#include <pauth.h>
#include <types.h>

#define VNCR_SLOTS	    512
#define EL2_BANK	    512
#define SOFT_BANK	    1024

#define NOVNCR		    0xffff
#define NOPEER		    (-1)

/* A row's number, aliases included: what trap counters are indexed with. */
#define SYSREG(name, ...)   DESC_##name,
#define SYSALIAS(name, ...) DESC_##name,
enum sysreg_desc_nr {
#include <sysregs.def>
	NR_SYS_DESCS,
};
#undef SYSREG
#undef SYSALIAS

#define __SYSREG_IDX(desc, peer, vncr)                                           \
	((vncr) != NOVNCR				? (int)(vncr) / 8        \
	 : (int)(peer) >= 0 && (int)(peer) < VNCR_SLOTS ? EL2_BANK + (int)(peer) \
							: SOFT_BANK + (int)(desc))

#define SYSREG(name, op0, op1, crn, crm, op2, loc, peer, fmt, vncr, ...) \
	name = __SYSREG_IDX(DESC_##name, peer, vncr),
#define SYSALIAS(...)
enum vcpu_sysreg {
#include <sysregs.def>
	NR_SYS_REGS = SOFT_BANK + NR_SYS_DESCS,
};
#undef SYSREG
#undef SYSALIAS

/*
 * Slots of that page that the architecture does not use, for what vEL2 must find there under pv (nested/pv-page.c):
 * SPSR_EL2 as it was written last, and TPIDR_EL1, which is the veneers' own meanwhile.
 */
#define PV_SLOT_SPSR	    510
#define PV_SLOT_TPIDR	    511

/* Encoding of an access as one number: op0[15:14] op1[13:11] CRn[10:7] CRm[6:3] op2[2:0]. */
#define sys_reg(op0, op1, crn, crm, op2) \
	(((op0) << 14) | ((op1) << 11) | ((crn) << 7) | ((crm) << 3) | (op2))
#define sys_reg_Op0(e)				     (((e) >> 14) & 3)
#define sys_reg_Op1(e)				     (((e) >> 11) & 7)
#define sys_reg_CRn(e)				     (((e) >> 7) & 15)
#define sys_reg_CRm(e)				     (((e) >> 3) & 15)
#define sys_reg_Op2(e)				     ((e)&7)

/* SYS_<name>: encodings of registers, their aliases, and system instructions. */
#define SYSREG(name, op0, op1, crn, crm, op2, ...)   SYS_##name = sys_reg(op0, op1, crn, crm, op2),
#define SYSALIAS(name, op0, op1, crn, crm, op2, ...) SYS_##name = sys_reg(op0, op1, crn, crm, op2),
#define SYSINSN(name, op0, op1, crn, crm, op2, ...)  SYS_##name = sys_reg(op0, op1, crn, crm, op2),
enum sysreg_encoding {
#include <sysregs.def>
#include <sysinsns.def>
};
#undef SYSREG
#undef SYSALIAS
#undef SYSINSN

#define SYSINSN(name, ...) INSN_##name,
enum sysinsn_nr {
#include <sysinsns.def>
	NR_SYS_INSNS,
};
#undef SYSINSN

/* ISS of EC 0x18 -> encoding. */
static inline u32 esr_sys_enc(u64 esr)
{
	/* op1 and CRn are neighbours in both. */
	return sys_reg((esr >> 20) & 3, 0, 0, (esr >> 1) & 15, (esr >> 17) & 7) |
	       (u32)((esr >> 10) & 0x7f) << 7;
}

#define ESR_SYS_RT(esr)	     (((esr) >> 5) & 31)
#define ESR_SYS_IS_READ(esr) ((esr)&1)

/* Where the current value of a register is. */
enum sysreg_loc {
	LOC_M, /* sys_regs[] */
	LOC_H, /* the hardware register of its own name */
	LOC_X, /* the hardware register of its peer */
	LOC_A = L0_PAUTH ? LOC_M : LOC_H,
};

enum sysreg_fmt {
	FMT_NOFMT,
	FMT_SAME, /* as the peer */
	FMT_XLAT, /* as the peer with E2H=1 only */
};

enum sysreg_redir {
	REDIR_NEVER,
	REDIR_ALWAYS,
	REDIR_NV1,
	REDIR_TOREG,
};

enum sysreg_group {
	GROUP_NONE,
	GROUP_EL1BANK,
	GROUP_SP,
	GROUP_SHARED,
	GROUP_PAUTH,
	GROUP_SVE,
	GROUP_DEBUG,
	GROUP_TIMER,
	GROUP_GIC,
};

/* The NEVE paper's groups. */
enum sysreg_pgroup {
	PGROUP_NONE,
	PGROUP_VMTRAP,
	PGROUP_VMEXEC,
	PGROUP_THREADID,
	PGROUP_REDIRECT,
	PGROUP_REDIRECT_VHE,
	PGROUP_REDIRECT_OR_TRAP,
	PGROUP_TRAPW,
	PGROUP_GICH,
	PGROUP_TIMER,
};

/* By which name an access was made. */
enum sysreg_via {
	VIA_NAME,
	VIA_EL12,
	VIA_EL02,
};

/* Bits of kvm.vcpu_features: what the virtual CPU has. A row whose feature is not set is UNDEF. */
#define FEATURES(F)                                                                                \
	F(ALWAYS)                                                                                  \
	F(VHE) F(PAUTH) F(FGT) F(FGT2) F(HCX) F(ECV) F(ECV2) F(NV2) F(RAS) F(CSV2_2) F(AA32EL0)    \
		F(AA32EL1) F(SEL2) F(AMU) F(MTE) F(MTE2) F(SME) F(SVE) F(PMU) F(SPE) F(TRBE)       \
			F(TRF) F(ETE) F(BRBE) F(MPAM) F(LOR) F(CCIDX) F(TCR2) F(SCTLR2) F(S1PIE)   \
				F(S1POE) F(S2PIE) F(S2POE) F(AIE) F(MEC) F(GCS) F(RNG) F(THE)      \
					F(D128) F(LS64) F(GICNMI) F(TLBIOS) F(TLBIRANGE) F(XS)     \
						F(DPB) F(DPB2) F(PAN2) F(ATS1A) F(SPECRES)         \
							F(SPECRES2) F(DIT) F(SSBS) F(UAO) F(PAN)   \
								F(FPMR) F(DOUBLELOCK) F(SB) F(NV) F(EVT) \
									F(E2H0) F(HAFDBS) F(NEVER)

#define F(name) FEAT_##name,
enum vcpu_feature {
	FEATURES(F) NR_VCPU_FEATURES,
};
#undef F
_Static_assert(NR_VCPU_FEATURES <= 64, "kvm.vcpu_features is one word");

/* What an emulated access came to. */
enum trap_result {
	TRAP_HANDLED,  /* done; a read's value is in sys_reg_params.val */
	TRAP_UNDEF,    /* the caller injects UNDEF into the level the access came from */
	TRAP_INJECTED, /* an exception is already injected */
	TRAP_VEL2,     /* the caller injects an exception to vEL2: its syndrome is sys_reg_params.val */
	TRAP_TO_HOST,  /* as TRAP_HANDLED, but the host has to follow: sys_reg_params.host_exit */
};

struct kvm_vcpu;
struct sysreg_desc;

/* One trapped access. */
struct sys_reg_params {
	u32 enc;
	u8 rt;
	bool is_write;
	u8 via;	      /* enum sysreg_via */
	u8 host_exit; /* TRAP_TO_HOST: enum host_exit */
	bool served;  /* counts as served by the modelled architecture, see ablation.h */
	u64 val;      /* write: the value; read: where the handler puts it */
};

/* Handler of a row (nested/sysreg-access.h); @desc is NULL for an instruction, p->enc says which. */
typedef enum trap_result sysreg_access_fn(struct kvm_vcpu *vcpu, const struct sysreg_desc *desc,
					  struct sys_reg_params *p);

/* One condition under which L1 wants the trap. A list ends with .dir == 0. */
struct sysreg_fwd {
	u16 ctrl; /* enum vcpu_sysreg */
	u8 dir;	  /* FWD_R | FWD_W */
	u8 when;  /* enum fwd_when */
	u64 mask;
	u64 val; /* the access is forwarded if (ctrl & mask) == val */
};

#define FWD_R  1
#define FWD_W  2
#define FWD_RW 3

enum fwd_when {
	WHEN_ANY,
	WHEN_E2H0, /* the control register has the format of HCR_EL2.E2H=0 */
	WHEN_E2H1,
	WHEN_FGT, /* fine-grained: only if offered, and not under HCR_EL2.{E2H,TGE}={1,1} */
};

/* One row. Of an alias, the row of the other name, with idx and base of its target. */
struct sysreg_desc {
	const char *name;
	const char *rule;
	u64 reset; /* RESET_UNKNOWN: see sysreg_reset_value() */
	const struct sysreg_fwd *fwd;
	u32 enc;
	u16 idx;   /* enum vcpu_sysreg */
	u16 base;  /* DESC_ of the target; its own number for a plain row */
	u16 peer;  /* idx of the EL1 counterpart, or SYSREG_NONE */
	u16 vncr;  /* byte offset or NOVNCR */
	u8 loc[3]; /* enum sysreg_loc, by bank: VEL1, VEL2_E2H, VEL2_NVHE */
	u8 fmt, redir, group, pgroup, feat, via;
};

#define SYSREG_NONE   0xffff
#define RESET_UNKNOWN 0x1de7ec7edbadc0deULL

/* One system instruction (SYS): TLBI, AT, DC, IC. */
struct sysinsn_desc {
	const char *name;
	const char *rule;
	const struct sysreg_fwd *fwd;
	u32 enc;
	u8 class; /* enum sysinsn_class */
	u8 feat;
};

enum sysinsn_class {
	INSN_CLASS_TLBI_EL1,  /* by ASID/VA of the current VMID, or of EL2 under E2H,TGE */
	INSN_CLASS_TLBI_EL2,  /* EL2's or EL2&0's own translations */
	INSN_CLASS_TLBI_VMID, /* stage 1 and 2 of the current VMID, or by IPA */
	INSN_CLASS_TLBI_ALL,  /* all VMIDs */
	INSN_CLASS_AT,
	INSN_CLASS_CACHE,
	INSN_CLASS_OTHER,
};

extern const struct sysreg_desc sysreg_descs[NR_SYS_DESCS];
extern const struct sysinsn_desc sysinsn_descs[NR_SYS_INSNS];

/* Build the decode tables. Once, on the boot CPU, before anything below is used. */
void sysreg_table_init(void);

/* Row of an encoding (a register's own name or an alias), NULL if no row has it. */
const struct sysreg_desc *sysreg_lookup(u32 enc);
const struct sysinsn_desc *sysinsn_lookup(u32 enc);

/* The row that describes an alias's target; the row itself for a plain name. */
static inline const struct sysreg_desc *sysreg_base(const struct sysreg_desc *desc)
{
	return &sysreg_descs[desc->base];
}

/* Row number: index of the trap counters. */
static inline unsigned int sysreg_nr(const struct sysreg_desc *desc)
{
	return (unsigned int)(desc - sysreg_descs);
}

static inline unsigned int sysinsn_nr(const struct sysinsn_desc *insn)
{
	return (unsigned int)(insn - sysinsn_descs);
}

/* Row of an index, NULL if the index is a hole. */
const struct sysreg_desc *sysreg_by_idx(enum vcpu_sysreg idx);

/*
 * What the plain name of EL1/EL0 register @idx means at EL2 with E2H=1: the EL2 register (SCTLR_EL1
 * -> SCTLR_EL2, CNTP_CTL_EL0 -> CNTHP_CTL_EL2), or @idx itself where E2H changes nothing.
 */
enum vcpu_sysreg sysreg_e2h(enum vcpu_sysreg idx);

/* Reset value of a row; UNKNOWN ones get a poison that differs by register. */
u64 sysreg_reset_value(const struct sysreg_desc *desc);

/* RES0 bits cleared, RES1 bits set, by hyp/sysfields.def and what sysreg_fields_init() was told. */
u64 sysreg_sanitize(enum vcpu_sysreg idx, u64 val);

/* Once: @features are those of the virtual CPU, bits FEAT_*. */
void sysreg_fields_init(u64 features);

#endif
