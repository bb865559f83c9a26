// SPDX-License-Identifier: GPL-2.0-only
/*
 * Shadow state: which registers the hardware EL1 bank holds for a virtual EL, in which format, and
 * where the current value of a register is meanwhile. EL2, interrupts masked.
 *
 * A bank is loaded for as long as it is the right one. What changes it is an exception or ERET
 * between vEL2 and vEL1/0, and a flip of HCR_EL2.E2H, which L1 may do by a store that L0 only finds
 * at the next exit.
 */
#include <ablation.h>
#include <debug.h>
#include <kvm_hyp.h>
#include <log.h>
#include <nested.h>
#include <string.h>
#include <sysreg-sr.h>
#include <ttlb.h>

/*
 * The mechanisms' difference is data: the HCR_EL2 bits at vEL2. With NV alone, the EL1 names
 * that an nVHE vEL2 uses for its guest's registers would hit its own, so they trap (TVM, TRVM,
 * TCPAC; NV1 adds VBAR, ELR and SPSR). Without any of FEAT_NV, pv has those three and all of EL2's
 * names rewritten (nested/pv.c), and vEL2's SPSR never shows EL2. The last row is vel2.pv=page, which
 * has EL1's names rewritten, too.
 */
const struct nested_mech nested_mechs[] = {
	{ "nv2", HCR_NV | HCR_NV2 | HCR_AT, HCR_NV | HCR_NV2 | HCR_NV1 | HCR_AT, 0, true, 2, false,
	  false },
	{ "nv", HCR_NV | HCR_AT, HCR_NV | HCR_NV1 | HCR_AT | HCR_TVM | HCR_TRVM, CPTR_TCPAC, false,
	  1, false, false },
	{ "pv", 0, HCR_TVM | HCR_TRVM, CPTR_TCPAC, false, 0, true, false },
	{ "pv", 0, 0, 0, false, 0, true, true },
};
const struct nested_mech *nested_mech = &nested_mechs[0];

/* ------------------------------------------------------------------ E2H=0 formats to EL1's */

static u64 nvhe_sctlr(u64 sctlr)
{
	u64 same = SCTLR_M | SCTLR_A | SCTLR_C | SCTLR_SA | SCTLR_NAA | SCTLR_I | SCTLR_WXN |
		   SCTLR_EE | SCTLR_IESB | SCTLR_ENIA | SCTLR_ENIB | SCTLR_ENDA | SCTLR_ENDB |
		   SCTLR_BT1 | SCTLR_DSSBS | SCTLR_ITFSB;

	/* Nothing runs at EL0 under this SCTLR; its EL0 controls only must not trap. */
	return (sctlr & same) | SCTLR_EL1_RES1 | SCTLR_NTWI | SCTLR_NTWE | SCTLR_UCI | SCTLR_UCT |
	       SCTLR_DZE;
}

static u64 move_bits(u64 val, u64 from, unsigned int to)
{
	return ((val & from) >> __builtin_ctzll(from)) << to;
}

/*
 * One VA range: TTBR1's walks are off. Its size, granule and tags are TTBR0's, for a PAC of an address
 * in the upper half depends on them (CalculateBottomPACBit(), EffectiveTBI()), and at EL2 on the only ones.
 */
static u64 nvhe_tcr(u64 tcr)
{
	u64 size = tcr & TCR_EL2_T0SZ, tg0 = FIELD_GET(TCR_EL2_TG0, tcr);
	u64 tg1 = tg0 ^ (2 | tg0 >> 1);		/* other codes for the same granules */
	u64 tbi = tcr & TCR_EL2_TBI ? TCR_TBI0 | TCR_TBI1 : 0;
	u64 tbid = tcr & TCR_EL2_TBID ? TCR_TBID0 | TCR_TBID1 : 0;

	return (tcr & (TCR_EL2_T0SZ | TCR_EL2_IRGN0 | TCR_EL2_ORGN0 | TCR_EL2_SH0 | TCR_EL2_TG0)) |
	       TCR_EPD1 | tg1 << TCR_TG1_SHIFT | size << TCR_T1SZ_SHIFT | tbi | tbid |
	       move_bits(tcr, TCR_EL2_PS, TCR_IPS_SHIFT) | move_bits(tcr, TCR_EL2_HA, 39) |
	       move_bits(tcr, TCR_EL2_HD, 40) | move_bits(tcr, TCR_EL2_HPD, 41);
}

static __always_inline u64 nvhe_cpacr(u64 cptr, bool sve)
{
	return (sve && !(cptr & CPTR_TZ) ? CPACR_ZEN : 0) |
	       (cptr & CPTR_TFP ? 0 : CPACR_FPEN) | (cptr & CPTR_TTA ? CPACR_TTA : 0);
}

/*
 * With NV and NV1 but not NV2, or with none of them, the hardware shows EL1h/t in SPSR_EL1.M after an
 * exception from vEL2 to itself, which is also what L1 writes to return to vEL1. So what L1 (or L0 for it) writes stays
 * in memory, and the hardware gets it with an M that no exception leaves there; unless it is one
 * that means the same either way.
 */
#define SPSR_IN_MEMORY	0xeUL

static u64 spsr_to_hw(u64 spsr)
{
	u64 mode = spsr & (PSR_MODE32 | PSR_MODE_MASK);

	if (mode == PSR_MODE_EL0t || mode == PSR_MODE_EL2t || mode == PSR_MODE_EL2h)
		return spsr;
	return (spsr & ~(PSR_MODE32 | PSR_MODE_MASK)) | SPSR_IN_MEMORY;
}

/* @mem: what was written last. */
static u64 spsr_from_hw(u64 spsr, u64 mem)
{
	u64 mode = spsr & (PSR_MODE32 | PSR_MODE_MASK);

	if (mode == SPSR_IN_MEMORY)
		return mem;
	if (mode == PSR_MODE_EL1t || mode == PSR_MODE_EL1h)
		return spsr ^ PSR_MODE_EL_SWAP;
	return spsr;
}

/* Where what was written last is kept while it is coded: pv's veneers write it, too. */
static unsigned int spsr_written(void)
{
	return nested_mech->page ? PV_SLOT_SPSR : SPSR_EL2;
}

static bool spsr_is_coded(const struct kvm_vcpu *vcpu)
{
	if (vcpu->arch.loaded_bank == BANK_VEL2_NVHE)
		return !nested_mech->vncr;
	return nested_mech->plain && vcpu->arch.loaded_bank == BANK_VEL2_E2H;
}

/* Rows of EL2 that an nVHE vEL2 has in the hardware unchanged: X in the third place of LOC. */
#define LOC(v1, e2h, nvhe)	nvhe
#define SYSALIAS(...)
#define SYSREG(name, op0, op1, n, m, o2, loc, peer, fmt, vncr, redir, reset, group, ...) \
	NVHE(loc, group, name, peer)
#define NVHE(loc, group, name, peer)	NVHE_##loc(group, name, peer)
#define NVHE_M(...)
#define NVHE_H(...)
#define NVHE_A(...)

#define NVHE_X(group, name, peer)	shadow[peer] = sys_regs[name];
static void build_nvhe(u64 *shadow, const u64 *sys_regs)
{
#include <sysregs.def>
	shadow[SCTLR_EL1] = nvhe_sctlr(sys_regs[SCTLR_EL2]);
	shadow[TCR_EL1] = nvhe_tcr(sys_regs[TCR_EL2]);
	shadow[TTBR0_EL1] = sys_regs[TTBR0_EL2] & TTBR_BADDR;
	shadow[TTBR1_EL1] = 0;
	shadow[CPACR_EL1] = nvhe_cpacr(sys_regs[CPTR_EL2], alternative_has_cap(CAP_SVE));
	shadow[CONTEXTIDR_EL1] = 0;
}
#undef NVHE_X

#define NVHE_X(group, name, peer)	sys_regs[name] = shadow[peer];
static void fold_nvhe(const u64 *shadow, u64 *sys_regs)
{
#include <sysregs.def>
}
#undef NVHE_X
#undef SYSREG
#undef SYSALIAS
#undef LOC

/* ------------------------------------------------------------------ stage 1 of an nVHE vEL2 */

/*
 * Descriptors of EL2 with E2H=0 mean something else in the EL1&0 regime: AP[1], RES1, lets EL0 write, and what
 * EL0 can write EL1 does not execute; XN is EL0's alone. HCR_EL2.{NV,NV1} would make the hardware read
 * them as EL2's. Without, its stage 1 stays off, and HCR_EL2.DC makes all memory what stage 2 says: that
 * is then L1's stage 1 and the canonical stage 2 in one, filled by faults.
 */
static inline bool stage1_is_shadowed(const struct kvm_vcpu *vcpu, enum loaded_bank bank)
{
	return bank == BANK_VEL2_NVHE && nested_mech->plain &&
	       (__vcpu_sys_reg(vcpu, SCTLR_EL2) & SCTLR_M);
}

/*
 * With the hardware's stage 1 off, an address above its physical ones is an address size fault that L0 never
 * sees; L1 knows that no table of its own has it.
 */
static u64 esr_from_hw(const struct kvm_vcpu *vcpu, u64 esr)
{
	u64 ec = ESR_EC(esr);

	if (!stage1_is_shadowed(vcpu, vcpu->arch.loaded_bank) || (esr & ESR_FSC) ||
	    (ec != ESR_EC_IABT_CUR && ec != ESR_EC_DABT_CUR))
		return esr;
	return esr | ESR_FSC_FAULT;
}

/* ------------------------------------------------------------------ current values */

/* The hardware register that holds @reg now, or SYSREG_NONE. */
static unsigned int current_hw(const struct kvm_vcpu *vcpu, enum vcpu_sysreg reg)
{
	const struct sysreg_desc *desc;

	if (!vcpu->arch.sysregs_loaded_on_cpu)
		return SYSREG_NONE;
	desc = sysreg_by_idx(reg);
	if (!desc)
		return SYSREG_NONE;
	switch (desc->loc[vcpu->arch.loaded_bank - BANK_VEL1]) {
	case LOC_H:
		return desc->idx;
	case LOC_X:
		return desc->peer;
	default:
		return SYSREG_NONE;
	}
}

/* Bits of CNTHCTL_EL2 with E2H=1 that CNTKCTL_EL1 has not. */
#define CNTHCTL_ONLY	GENMASK_ULL(16, 10)

/*
 * CNTHCTL_EL2 of a VHE L1 from the CNTKCTL_EL1 that the hardware has at vEL2. If nothing else is to be
 * written, switch_bank() leaves vEL1's there in the bits that are CNTHCTL_EL2's only: then memory has them.
 */
static __always_inline u64 cnthctl_from_hw(const struct kvm_vcpu *vcpu, u64 hw)
{
	const u64 *r = vcpu->arch.ctxt.sys_regs;

	if ((hw ^ r[CNTKCTL_EL1]) & CNTHCTL_ONLY)
		return hw;
	return (hw & ~CNTHCTL_ONLY) | (r[CNTHCTL_EL2] & CNTHCTL_ONLY);
}

u64 vcpu_read_sys_reg(const struct kvm_vcpu *vcpu, enum vcpu_sysreg reg)
{
	unsigned int hw = current_hw(vcpu, reg);
	u64 val;

	if (hw == SYSREG_NONE || !sysreg_hw_read((enum vcpu_sysreg)hw, &val))
		return READ_ONCE(__vcpu_sys_reg(vcpu, reg));
	if (reg == SPSR_EL2 && spsr_is_coded(vcpu))
		val = spsr_from_hw(val, __vcpu_sys_reg(vcpu, spsr_written()));
	if (reg == ESR_EL2)
		val = esr_from_hw(vcpu, val);
	return reg == CNTHCTL_EL2 ? cnthctl_from_hw(vcpu, val) : val;
}

void vcpu_write_sys_reg(struct kvm_vcpu *vcpu, u64 val, enum vcpu_sysreg reg)
{
	unsigned int hw = current_hw(vcpu, reg);

	if (reg == SPSR_EL2 && hw != SYSREG_NONE && spsr_is_coded(vcpu)) {
		__vcpu_sys_reg(vcpu, spsr_written()) = val;
		val = spsr_to_hw(val);
	}
	if (reg == CNTHCTL_EL2)
		__vcpu_sys_reg(vcpu, reg) = val;
	if (hw == SYSREG_NONE || !sysreg_hw_write((enum vcpu_sysreg)hw, val))
		__vcpu_sys_reg(vcpu, reg) = val;
}

/* ------------------------------------------------------------------ traps of a bank */

static __always_inline u64 bank_hcr(const struct kvm_vcpu *vcpu, enum loaded_bank bank)
{
	u64 hcr = vcpu->arch.hcr_base, v;

	switch (bank) {
	case BANK_VEL2_E2H:
		/* AT and, while it can matter, TLBI of EL1 mean another regime if TGE=0. */
		return vcpu->arch.hcr_e2h | (vcpu->arch.ttlb == TTLB_TRAPS ? HCR_TTLB : 0);
	case BANK_VEL2_NVHE:
		return hcr | nested_mech->hcr_nvhe | HCR_TTLB |
		       (stage1_is_shadowed(vcpu, bank) ? HCR_DC : 0);
	default:
		v = vcpu_hcr_el2(vcpu);
		/* vEL0, E2H=0: there are no virtual interrupts; see shadow_is_tge(). */
		if (unlikely(v & HCR_TGE)) {
			v &= ~(HCR_VI | HCR_VF | HCR_VSE);
			hcr |= HCR_UNDER_TGE;
		}
		/*
		 * A virtual interrupt is one only where its physical kind goes to vEL2. ACTLR_EL1 of L1's
		 * guest at virtual EL2 is in L1's page, from where L0's own trap would keep it.
		 */
		if (unlikely(v & (HCR_VI | HCR_VF | HCR_VSE | HCR_NV2))) {
			v &= ~((v & HCR_IMO ? 0 : HCR_VI) | (v & HCR_FMO ? 0 : HCR_VF) |
			       (v & HCR_AMO ? 0 : HCR_VSE));
			if (!(~(v & vcpu->arch.hcr_l1_bits) & (HCR_NV | HCR_NV2)))
				hcr &= ~HCR_TACR;
		}
		/* Keys and instructions of pointer authentication trap when clear. */
		return (hcr & ~((v & (HCR_API | HCR_APK)) ^ (HCR_API | HCR_APK))) |
		       (v & vcpu->arch.hcr_l1_bits);
	}
}

static __always_inline void load_hcr(struct kvm_vcpu *vcpu, enum loaded_bank bank)
{
	u64 hcr = bank_hcr(vcpu, bank);

	vcpu->arch.hcr_el2 = hcr;
	write_sysreg(hcr, HCR_EL2);
}

void shadow_refresh_hcr(struct kvm_vcpu *vcpu)
{
	load_hcr(vcpu, vcpu->arch.loaded_bank);
}

/*
 * L1's CPTR_EL2 for its guest, as FP and trace traps and TCPAC of the E2H=1 format. FPEN=0b01 traps
 * EL0 under TGE only, and there is no TGE at vEL1&0.
 */
static __always_inline u64 l1_cptr(const struct kvm_vcpu *vcpu, bool sve)
{
	u64 cptr = __vcpu_sys_reg(vcpu, CPTR_EL2);
	u64 keep = cptr & (CPTR_TCPAC | CPTR_TAM);

	if (!vcpu_el2_e2h_is_set(vcpu))
		return keep | nvhe_cpacr(cptr, sve);
	return keep | (cptr & CPACR_TTA) | (cptr & CPACR_FPEN_EL1 ? CPACR_FPEN : 0) |
	       (sve && (cptr & CPACR_ZEN_EL1) ? CPACR_ZEN : 0);
}

/* @cptr in the E2H=1 format, which an nVHE host's CPTR_EL2 has not. */
static __always_inline u64 cptr_for_host(u64 cptr, bool sve)
{
	if (has_vhe())
		return cptr;
	return (sve && (cptr & CPACR_ZEN) ? CPTR_RES1 & ~CPTR_TZ : CPTR_RES1) |
	       (cptr & (CPTR_TCPAC | CPTR_TAM)) | (cptr & CPACR_FPEN ? 0 : CPTR_TFP) |
	       (cptr & CPACR_TTA ? CPTR_TTA : 0);
}

/*
 * The vector lengths of @bank: ZCR_EL1 is the bank's own, ZCR_EL2 L1's limit for vEL1&0 and none for vEL2.
 * They are in the hardware only while CPTR_EL2 lets SVE through, because otherwise EL2 cannot reach them
 * either, and nobody below can have changed or used them.
 */
static void load_zcr(struct kvm_vcpu *vcpu, enum loaded_bank bank)
{
	const struct kvm_cpu_context *ctxt = &vcpu->arch.ctxt;

	isb(); /* CPTR_EL2 before what it lets through */
	write_sysreg_el1(ctxt->hw_sys_regs[ZCR_EL1] & ZCR_LEN, ZCR);
	write_sysreg_s(bank == BANK_VEL1 ? ctxt->sys_regs[ZCR_EL2] & ZCR_LEN : ZCR_LEN,
		       SYS_ZCR_EL2);
	vcpu->arch.sve_open = true;
}

static void unload_zcr(struct kvm_vcpu *vcpu)
{
	if (vcpu->arch.sve_open)
		vcpu->arch.ctxt.hw_sys_regs[ZCR_EL1] = read_sysreg_el1(ZCR);
	vcpu->arch.sve_open = false;
}

u64 shadow_read_zcr_el2(const struct kvm_vcpu *vcpu)
{
	return vcpu->arch.sve_open ? read_sysreg_el1(ZCR) : vcpu->arch.ctxt.hw_sys_regs[ZCR_EL1];
}

void shadow_write_zcr_el2(struct kvm_vcpu *vcpu, u64 val)
{
	vcpu->arch.ctxt.hw_sys_regs[ZCR_EL1] = val;
	if (vcpu->arch.sve_open)
		write_sysreg_el1(val, ZCR);
}

static __always_inline void write_cptr(struct kvm_vcpu *vcpu, enum loaded_bank bank, bool sve)
{
	u64 cptr = CPACR_FPEN | (sve ? CPACR_ZEN : 0);

	if (bank == BANK_VEL1)
		cptr = l1_cptr(vcpu, sve);
	else if (bank == BANK_VEL2_NVHE)
		cptr |= nested_mech->tcpac_nvhe;
	if (!vcpu->arch.fp_loaded)
		cptr &= ~CPACR_FPEN;
	/* One without the other would only make two kinds of closed. */
	if (sve && !(cptr & CPACR_FPEN))
		cptr &= ~CPACR_ZEN;
	cptr = cptr_for_host(cptr, sve);
	/* Under another L0 each write is a trap, and it is nearly always the same value. */
	if (unlikely(cptr != vcpu->arch.hw_cptr)) {
		vcpu->arch.hw_cptr = cptr;
		write_sysreg(cptr, CPTR_EL2);
	}
}

static noinline void load_cptr_sve(struct kvm_vcpu *vcpu, enum loaded_bank bank)
{
	write_cptr(vcpu, bank, true);
	if (!vcpu->arch.sve_open &&
	    (has_vhe() ? vcpu->arch.hw_cptr & CPACR_ZEN : !(vcpu->arch.hw_cptr & CPTR_TZ)))
		load_zcr(vcpu, bank);
}

static __always_inline void load_cptr(struct kvm_vcpu *vcpu, enum loaded_bank bank)
{
	if (alternative_has_cap(CAP_SVE))
		load_cptr_sve(vcpu, bank);
	else
		write_cptr(vcpu, bank, false);
}

void shadow_refresh_cptr(struct kvm_vcpu *vcpu)
{
	load_cptr(vcpu, vcpu->arch.loaded_bank);
	if (vcpu->arch.loaded_bank == BANK_VEL2_NVHE)
		write_sysreg_el1(nvhe_cpacr(__vcpu_sys_reg(vcpu, CPTR_EL2),
					    alternative_has_cap(CAP_SVE)), CPACR);
}

/*
 * Bits that trap when clear guard registers of features that are not offered: clear, whatever L1 has
 * written there.
 */
#define HFGRTR_NBITS	GENMASK_ULL(63, 50)
#define HFGITR_NBITS	GENMASK_ULL(59, 55)
#define HDFGRTR_NBITS	GENMASK_ULL(62, 59)

static noinline void write_fgt(struct kvm_vcpu *vcpu, bool l1, u64 hfgitr,
			       const struct fgt_bits *own)
{
	const u64 *r = vcpu->arch.ctxt.sys_regs;

	write_sysreg(l1 ? r[HSTR_EL2] : 0, HSTR_EL2);
	vcpu->arch.fgt_loaded = l1 || hfgitr || own;
	/* L0's own HFGITR_EL2 is 0 on a CPU without them. */
	if (!(vcpu->kvm->vcpu_features & BIT(FEAT_FGT))) {
		const struct fgt_bits *f = &ablation_fgt;

		/* Nor can anything be ablated by them. */
		if (!vcpu->arch.hfgitr &&
		    !(f->hfgrtr | f->hfgwtr | f->hdfgrtr | f->hdfgwtr))
			return;
		l1 = false;
	}
	write_sysreg_s(l1 ? r[HFGRTR_EL2] & ~HFGRTR_NBITS : own ? own->hfgrtr : 0, SYS_HFGRTR_EL2);
	write_sysreg_s(l1 ? r[HFGWTR_EL2] & ~HFGRTR_NBITS : own ? own->hfgwtr : 0, SYS_HFGWTR_EL2);
	write_sysreg_s((l1 ? r[HFGITR_EL2] & ~HFGITR_NBITS : 0) | hfgitr, SYS_HFGITR_EL2);
	write_sysreg_s(l1    ? r[HDFGRTR_EL2] & ~HDFGRTR_NBITS
		       : own ? own->hdfgrtr
			     : 0,
		       SYS_HDFGRTR_EL2);
	write_sysreg_s(l1    ? r[HDFGWTR_EL2] & ~HDFGRTR_NBITS
		       : own ? own->hdfgwtr
			     : 0,
		       SYS_HDFGWTR_EL2);
}

/* Fine-grained traps: L0's own make UNDEFINED what is turned off, L1's apply to vEL1&0. */
static __always_inline void load_fgt(struct kvm_vcpu *vcpu, enum loaded_bank bank)
{
	const u64 *r = vcpu->arch.ctxt.sys_regs;
	u64 own = bank == BANK_NONE ? 0 : vcpu->arch.hfgitr, want = 0;
	const struct fgt_bits *ablated = NULL;

	if (bank == BANK_VEL1)
		want = r[HFGRTR_EL2] | r[HFGWTR_EL2] | r[HFGITR_EL2] | r[HDFGRTR_EL2] |
		       r[HDFGWTR_EL2] | r[HSTR_EL2];
	if (alternative_has_cap(CAP_ABLATE) && bank > BANK_VEL1)
		ablated = &ablation_fgt;
	if (likely(!(want | own) && !ablated && !vcpu->arch.fgt_loaded))
		return;
	write_fgt(vcpu, want != 0, own, ablated);
}

struct s2_guest nested_s2_guest(const struct kvm_vcpu *vcpu)
{
	return (struct s2_guest) {
		.hcr = vcpu_hcr_el2(vcpu),
		.vttbr = READ_ONCE(__vcpu_sys_reg(vcpu, VTTBR_EL2)),
		.vtcr = READ_ONCE(__vcpu_sys_reg(vcpu, VTCR_EL2)),
		.sctlr = vcpu_read_sys_reg(vcpu, SCTLR_EL2),
	};
}

/* Do both select the same stage 2? */
static inline bool same_stage2(const struct s2_guest *a, const struct s2_guest *b)
{
	u64 diff = (a->hcr ^ b->hcr) & (HCR_VM | HCR_DC | HCR_PTW);

	diff |= (a->vttbr ^ b->vttbr) | (a->vtcr ^ b->vtcr) | ((a->sctlr ^ b->sctlr) & SCTLR_EE);
	return !diff;
}

/*
 * Another one than the last: the one before that, as where an nVHE L1 goes to and fro between its host and
 * its guest, which takes no lock; or one of the VM's.
 */
static noinline __no_stack_protector struct s2_mmu *find_l2_mmu(struct kvm_vcpu *vcpu)
{
	struct s2_mmu *mmu = vcpu->arch.l2_last;
	struct s2_guest key = vcpu->arch.l2_last_key, g;
	bool loaded = vcpu->arch.sysregs_loaded_on_cpu;

	/* The old bank is out and the new one not in: every register's current value is in memory. */
	vcpu->arch.sysregs_loaded_on_cpu = false;
	g = nested_s2_guest(vcpu);
	vcpu->arch.sysregs_loaded_on_cpu = loaded;
	vcpu->arch.l2_last = vcpu->arch.l2_mmu;
	vcpu->arch.l2_last_key = vcpu->arch.l2_key;
	if (!mmu || !same_stage2(&key, &g)) {
		if (mmu)
			s2_mmu_put(mmu);
		mmu = lookup_s2_mmu(&vcpu->kvm->s2, &g);
		/* Every vCPU keeps two, this one only one now: of two for each, one is free. */
		BUG_ON(!mmu);
	}
	vcpu->arch.l2_mmu = mmu;
	vcpu->arch.l2_key = g;
	return mmu;
}

/* The stage 2 that L1's registers select: the last one, as long as it is the same registers. */
static inline struct s2_mmu *vel1_mmu(struct kvm_vcpu *vcpu)
{
	const struct s2_guest *key = &vcpu->arch.l2_key;
	const u64 *r = vcpu->arch.ctxt.sys_regs;
	u64 diff = (r[HCR_EL2] ^ key->hcr) & (HCR_VM | HCR_DC | HCR_PTW);

	diff |= (r[VTTBR_EL2] ^ key->vttbr) | (r[VTCR_EL2] ^ key->vtcr) |
		((r[SCTLR_EL2] ^ key->sctlr) & SCTLR_EE);
	if (likely(!diff && vcpu->arch.l2_mmu))
		return vcpu->arch.l2_mmu;
	return find_l2_mmu(vcpu);
}

static __always_inline void load_mmu(struct kvm_vcpu *vcpu, enum loaded_bank bank)
{
	struct s2_mmu *mmu = bank == BANK_VEL1 ? vel1_mmu(vcpu) : vcpu->arch.vel2_mmu;

	if (bank == BANK_VEL2_NVHE && stage1_is_shadowed(vcpu, bank))
		mmu = &vcpu->kvm->s2.stage1[vcpu->vcpu_id];
	vcpu->arch.hw_mmu = mmu;
	write_sysreg(mmu->hw_vtcr, VTCR_EL2);
	write_sysreg(mmu->hw_vttbr, VTTBR_EL2);
}

/* ------------------------------------------------------------------ loading and unloading */

/* CNTKCTL_EL1 has no slot, so it does not move with the pointer. */
static __always_inline enum vcpu_sysreg cntkctl_home(enum loaded_bank bank)
{
	return bank == BANK_VEL2_E2H ? CNTHCTL_EL2 : CNTKCTL_EL1;
}

static __always_inline u64 *bank_regs(struct kvm_cpu_context *ctxt, enum loaded_bank bank)
{
	switch (bank) {
	case BANK_VEL2_E2H:
		return &ctxt->sys_regs[EL2_BANK];
	case BANK_VEL2_NVHE:
		return ctxt->shadow_sys_regs;
	default:
		return ctxt->sys_regs;
	}
}

/*
 * vEL0 under TGE with E2H=0 has stage 1 off (SCTLR_EL1.M is taken for 0) and no EL1: what the hardware
 * takes there goes on to L0 by a fetch from the last page that an address can name, see nested/tge.c.
 * Nothing that EL0 does changes the registers of this bank, so none of it is folded back.
 */
static noinline u64 *shadow_tge_regs(struct kvm_cpu_context *ctxt)
{
	static const u8 bits[] = { 32, 36, 40, 42, 44, 48 };
	u64 parange = read_sysreg(id_aa64mmfr0_el1) & 0xf;
	u64 *shadow = ctxt->shadow_sys_regs;

	memcpy(shadow, ctxt->sys_regs, sizeof(ctxt->shadow_sys_regs));
	shadow[SCTLR_EL1] &= ~(SCTLR_M | SCTLR_UMA);
	shadow[VBAR_EL1] = BIT(bits[parange < ARRAY_SIZE(bits) ? parange : ARRAY_SIZE(bits) - 1]) -
			   0x1000;
	return shadow;
}

/* Translations of one VMID with and without a stage 1: none may outlive the change. */
static noinline void flush_stage1(void)
{
	isb();		/* VTTBR_EL2 and HCR_EL2 select what is invalidated */
	asm volatile("tlbi vmalle1" : : : "memory");
	dsb(nsh);	/* the ERET orders the guest's fetches */
}

static noinline void unload_special(struct kvm_vcpu *vcpu, enum loaded_bank bank)
{
	struct kvm_cpu_context *ctxt = &vcpu->arch.ctxt;

	if (bank == BANK_VEL2_NVHE) {
		u64 spsr = ctxt->sys_regs[spsr_written()];

		fold_nvhe(ctxt->shadow_sys_regs, ctxt->sys_regs);
		ctxt->sys_regs[ESR_EL2] = esr_from_hw(vcpu, ctxt->sys_regs[ESR_EL2]);
		if (spsr_is_coded(vcpu))
			ctxt->sys_regs[SPSR_EL2] =
				spsr_from_hw(ctxt->shadow_sys_regs[SPSR_EL1], spsr);
	} else if (vcpu->arch.hcr_el2 & HCR_UNDER_TGE) {
		flush_stage1();
	} else if (!(read_sysreg(HCR_EL2) & HCR_VSE)) {
		/* The virtual SError was taken: the architecture clears HCR_EL2.VSE (R_GXWRC). */
		ctxt->sys_regs[HCR_EL2] &= ~HCR_VSE;
	}
}

/* Returns what CNTKCTL_EL1 holds. */
static __always_inline u64 unload(struct kvm_vcpu *vcpu, enum loaded_bank bank)
{
	struct kvm_cpu_context *ctxt = &vcpu->arch.ctxt;
	u64 cntkctl, spsr = 0;

	if (bank == BANK_VEL2_E2H && alternative_has_cap(CAP_PV))
		spsr = ctxt->sys_regs[spsr_written()];
	__sysreg_save_el1_bank(ctxt->hw_sys_regs);
	if (bank == BANK_VEL2_E2H && alternative_has_cap(CAP_PV))
		ctxt->sys_regs[SPSR_EL2] = spsr_from_hw(ctxt->sys_regs[SPSR_EL2], spsr);
	if (bank != BANK_VEL1 && alternative_has_cap(CAP_PV) && nested_mech->page)
		write_sysreg(ctxt->sys_regs[PV_SLOT_TPIDR], tpidr_el1);
	if (alternative_has_cap(CAP_SVE))
		unload_zcr(vcpu);
	cntkctl = read_sysreg_el1(CNTKCTL);
	if (bank == BANK_VEL2_E2H)
		ctxt->sys_regs[CNTHCTL_EL2] = cnthctl_from_hw(vcpu, cntkctl);
	else
		ctxt->sys_regs[CNTKCTL_EL1] = cntkctl;
	if (bank == BANK_VEL1) {
		u64 mdscr = read_sysreg(mdscr_el1);

		ctxt->sys_regs[MDSCR_EL1] = mdscr;
		/* It means something else at vEL2: load_mdcr() is to come by. */
		if (unlikely(mdscr & MDSCR_KDE))
			vcpu->arch.hw_mdcr = ~0ULL;
	}
	if (bank != BANK_VEL2_E2H &&
	    unlikely(bank == BANK_VEL2_NVHE ||
		     (vcpu->arch.hcr_el2 & (HCR_VSE | HCR_UNDER_TGE))))
		unload_special(vcpu, bank);
	return cntkctl;
}

void kvm_arm_unload_bank(struct kvm_vcpu *vcpu)
{
	if (vcpu->arch.loaded_bank == BANK_NONE)
		return;
	unload(vcpu, vcpu->arch.loaded_bank);
	vcpu->arch.loaded_bank = BANK_NONE;
	vcpu->arch.sysregs_loaded_on_cpu = false;
	/* They would act on an nVHE host, and on the next vCPU. */
	load_fgt(vcpu, BANK_NONE);
}

static noinline void build_special(struct kvm_vcpu *vcpu)
{
	struct kvm_cpu_context *ctxt = &vcpu->arch.ctxt;

	build_nvhe(ctxt->shadow_sys_regs, ctxt->sys_regs);
	if (!nested_mech->vncr)
		ctxt->shadow_sys_regs[SPSR_EL1] = spsr_to_hw(ctxt->shadow_sys_regs[SPSR_EL1]);
	if (stage1_is_shadowed(vcpu, BANK_VEL2_NVHE))
		ctxt->shadow_sys_regs[SCTLR_EL1] &= ~SCTLR_M;
}

/* MDCR_EL2, and what of debug differs between vEL2 and vEL1&0 only while L1 debugs. */
static noinline void load_mdcr(struct kvm_vcpu *vcpu, bool vel1)
{
	if (vcpu->arch.dbg_armed)
		debug_hyp_disarm(vcpu);
	vcpu->arch.hw_mdcr = vel1 ? vcpu->arch.mdcr_vel1 : vcpu->arch.mdcr_vel2;
	write_sysreg(vcpu->arch.hw_mdcr, MDCR_EL2);
	if (!vel1)
		debug_hyp_enter_vel2(vcpu);
}

static __always_inline void switch_bank(struct kvm_vcpu *vcpu, enum loaded_bank old,
					enum loaded_bank bank)
{
	struct kvm_cpu_context *ctxt = &vcpu->arch.ctxt;
	bool vel1 = bank == BANK_VEL1;
	u64 cntkctl, mdcr, hw_cntkctl = 0, shared = ~0ULL;
	bool tge = vel1 && old != BANK_VEL2_E2H && (vcpu_hcr_el2(vcpu) & HCR_TGE);

	if (old != BANK_NONE)
		hw_cntkctl = unload(vcpu, old);
	ctxt->hw_sys_regs = bank_regs(ctxt, bank);
	if (bank == BANK_VEL2_NVHE)
		build_special(vcpu);
	if (unlikely(tge))
		ctxt->hw_sys_regs = shadow_tge_regs(ctxt);
	load_mmu(vcpu, bank);
	__sysreg_restore_el1_bank(ctxt->hw_sys_regs);
	if (bank == BANK_VEL2_E2H && alternative_has_cap(CAP_PV))
		write_sysreg_el1(spsr_to_hw(ctxt->sys_regs[SPSR_EL2]), SPSR);
	if (bank != BANK_VEL1 && alternative_has_cap(CAP_PV) && nested_mech->page) {
		ctxt->sys_regs[PV_SLOT_SPSR] = ctxt->sys_regs[SPSR_EL2];
		ctxt->sys_regs[PV_SLOT_TPIDR] = read_sysreg(tpidr_el1);
	}
	cntkctl = ctxt->sys_regs[cntkctl_home(bank)];
	if (old == BANK_VEL1 && bank == BANK_VEL2_E2H)
		shared = ~CNTHCTL_ONLY;
	/* Where L0 is itself L1 this traps. */
	if (old == BANK_NONE || ((cntkctl ^ hw_cntkctl) & shared))
		write_sysreg_el1(cntkctl, CNTKCTL);
	write_sysreg(vel1 ? ctxt->sys_regs[VMPIDR_EL2] : vcpu->arch.mpidr, VMPIDR_EL2);
	write_sysreg(vel1 ? ctxt->sys_regs[VPIDR_EL2] : vcpu->arch.midr, VPIDR_EL2);
	mdcr = vel1 ? vcpu->arch.mdcr_vel1 : vcpu->arch.mdcr_vel2;
	if (unlikely(mdcr != vcpu->arch.hw_mdcr))
		load_mdcr(vcpu, vel1);
	if (vel1) {
		debug_hyp_enter_vel1(vcpu);
		ttlb_enter_vel1(vcpu);
	} else {
		vcpu->arch.loaded_bank = bank;
	}
	vcpu->arch.el1_bank_switches++;	/* for ttlb_disarm() after ttlb_enter_vel1() */
	if (old == BANK_NONE)
		vcpu->arch.sysregs_loaded_on_cpu = true;
	load_fgt(vcpu, bank);
	load_cptr(vcpu, bank);
	load_hcr(vcpu, bank);
	if (unlikely(tge))
		flush_stage1();
}

/* What an L1 does for each L2's exit has code of its own, with the choices made at build time. */
void kvm_arm_vel1_to_vel2_e2h(struct kvm_vcpu *vcpu)
{
	switch_bank(vcpu, BANK_VEL1, BANK_VEL2_E2H);
}

void kvm_arm_vel2_e2h_to_vel1(struct kvm_vcpu *vcpu)
{
	switch_bank(vcpu, BANK_VEL2_E2H, BANK_VEL1);
}

/* From none, and where E2H is flipped. */
static noinline void switch_rarely(struct kvm_vcpu *vcpu, enum loaded_bank old,
				   enum loaded_bank bank)
{
	switch_bank(vcpu, old, bank);
	/* EL2 and EL2&0 are regimes that share no TLB entries, but here they share a VMID. */
	if (old <= BANK_VEL1 || bank <= BANK_VEL1)
		return;
	flush_stage1();
	if (nested_mech->plain)
		s2_stage1_clear(&vcpu->kvm->s2.stage1[vcpu->vcpu_id]);
}

void kvm_arm_switch_bank(struct kvm_vcpu *vcpu, enum loaded_bank bank)
{
	enum loaded_bank old = vcpu->arch.loaded_bank;

	if (old == BANK_VEL1 && bank == BANK_VEL2_E2H)
		kvm_arm_vel1_to_vel2_e2h(vcpu);
	else if (old == BANK_VEL2_E2H && bank == BANK_VEL1)
		kvm_arm_vel2_e2h_to_vel1(vcpu);
	else if (old == BANK_VEL1 && bank == BANK_VEL2_NVHE)
		switch_bank(vcpu, BANK_VEL1, BANK_VEL2_NVHE);
	else if (old == BANK_VEL2_NVHE && bank == BANK_VEL1)
		switch_bank(vcpu, BANK_VEL2_NVHE, BANK_VEL1);
	else
		switch_rarely(vcpu, old, bank);
}

/* Addresses of vEL2 that its stage 1 may have and the hardware's stage 2 has not. */
static void warn_of_size(const struct kvm_vcpu *vcpu)
{
	static bool warned;
	unsigned int bits = vcpu->kvm->s2.stage1[vcpu->vcpu_id].table.ia_bits;
	u64 tsz = FIELD_GET(TCR_EL2_T0SZ, __vcpu_sys_reg(vcpu, TCR_EL2));

	if (warned || !stage1_is_shadowed(vcpu, BANK_VEL2_NVHE) || tsz + bits >= 64)
		return;
	warned = true;
	log_warn("pv: vEL2 has %u bits of addresses, of which this CPU lets it reach %u",
		 64 - (unsigned int)tsz, bits);
}

void shadow_refresh_nvhe(struct kvm_vcpu *vcpu)
{
	const u64 *r = vcpu->arch.ctxt.sys_regs;
	bool shadowed = stage1_is_shadowed(vcpu, vcpu->arch.loaded_bank);

	if (vcpu->arch.loaded_bank != BANK_VEL2_NVHE)
		return;
	write_sysreg_el1(nvhe_sctlr(r[SCTLR_EL2]) & ~(shadowed ? SCTLR_M : 0), SCTLR);
	write_sysreg_el1(nvhe_tcr(r[TCR_EL2]), TCR);
	write_sysreg_el1(r[TTBR0_EL2] & TTBR_BADDR, TTBR0);
	write_sysreg_el1(nvhe_cpacr(r[CPTR_EL2], alternative_has_cap(CAP_SVE)), CPACR);
	if (!nested_mech->plain)
		return;
	warn_of_size(vcpu);
	s2_stage1_clear(&vcpu->kvm->s2.stage1[vcpu->vcpu_id]);
	load_mmu(vcpu, BANK_VEL2_NVHE);
	load_hcr(vcpu, BANK_VEL2_NVHE);
}

void kvm_arm_init_cpu_context(struct kvm_vcpu *vcpu)
{
	struct kvm_cpu_context *ctxt = &vcpu->arch.ctxt;

	for (unsigned int i = 0; i < NR_SYS_DESCS; i++) {
		const struct sysreg_desc *desc = &sysreg_descs[i];

		if (desc->base == i)
			ctxt->sys_regs[desc->idx] =
				sysreg_sanitize((enum vcpu_sysreg)desc->idx,
						sysreg_reset_value(desc));
	}
	vcpu->arch.os_locked = OSLSR_EL1_RESET & OSLSR_OSLK;
	vcpu->arch.dbgclaim = 0;
	/* What was worked out from registers that now have their reset values. */
	if (nested_mech->plain)
		s2_stage1_clear(&vcpu->kvm->s2.stage1[vcpu->vcpu_id]);
	debug_hyp_reset(vcpu);
	vcpu->arch.l1_vncr_pa = 0;
	vcpu->arch.prefill = false;
	ctxt->hw_sys_regs = ctxt->sys_regs;
	vcpu->arch.loaded_bank = BANK_NONE;
	vcpu->arch.sysregs_loaded_on_cpu = false;
}
