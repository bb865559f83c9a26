// SPDX-License-Identifier: GPL-2.0-only
/*
 * ID register policy: of what the hardware has, what an L1 (and through it an L2) is offered.
 *
 * EL2, once a VM; read-only afterwards. The policy itself is hyp/features.def, with what the user
 * turned off. Invariant: what is hidden has FEAT_<x> clear, and the rows that need it are UNDEF.
 */
#include <errno.h>
#include <idfeatures.h>
#include <idregs.h>
#include <kvm_hyp.h>
#include <nested.h>
#include <options.h>
#include <sysreg.h>

#include "sysreg-access.h"

#define ANY 0xe /* as the hardware has it; never the negative 0xf */

/* Fields are four bits. */
struct id_field {
	u32 enc;
	u8 shift;
	u8 max;
	u8 feature; /* enum id_feature */
};

#define IDFIELD(reg, field, shift, max, id) { SYS_##reg, shift, max, IDF_##id },
/* Up to max; 0 while the feature is off. */
static const struct id_field id_fields[] = {
#include <idfeature-each.h>
};

#define IDLIMIT(reg, shift, max, id)	 { SYS_##reg, shift, max, IDF_##id },
/* No more than max while the feature is off. */
static const struct id_field id_limits[] = {
#include <idfeature-each.h>
};

#define IDSIGNED(reg, field, shift, max) { SYS_##reg, shift, max, IDF_BASE },
/* 0xf is "none" and 0 is "there": passed on, larger values made plain. */
static const struct id_field id_signed[] = {
#include <idfeature-each.h>
};

#define FEATURE(id, name, hfgitr, ...)	 [IDF_##id] = hfgitr,
/* HFGITR_EL2 bits that make a feature's instructions UNDEFINED. */
static const u64 id_hfgitr[NR_ID_FEATURES] = {
#include <idfeature-each.h>
};

/*
 * AArch32's own ID registers (CRm 1 to 3) matter to an AArch64 EL1 only as a description of its EL0:
 * passed on, but for what would promise registers or traps that are not offered.
 */
struct id_hidden {
	u32 enc;
	u64 mask;
};

static const struct id_hidden id_hidden[] = {
	{ SYS_ID_PFR0_EL1, 0xf0f00000 }, /* RAS, AMU */
	{ SYS_ID_DFR0_EL1, 0xffff0000 }, /* TraceFilt, PerfMon, MProfDbg, MMapTrc, CopTrc */
	{ SYS_ID_AFR0_EL1, 0xffffffff }, { SYS_ID_PFR2_EL1, 0x00000f00 }, /* RAS_frac */
	{ SYS_ID_DFR1_EL1, 0xffffffff },				  /* MTPMU */
};

#define E2H0_NI	   0xfULL /* ID_AA64MMFR4_EL1.E2H0: HCR_EL2.E2H is RES1 */
#define E2H0_SHIFT 24
#define VH_SHIFT   8	   /* ID_AA64MMFR1_EL1.VH */
#define NV_SHIFT   24	   /* ID_AA64MMFR2_EL1.NV */
#define FGT_SHIFT  56	   /* ID_AA64MMFR0_EL1.FGT */

static u64 field(u64 reg, unsigned int shift)
{
	return (reg >> shift) & 0xf;
}

static bool is_aa32(u32 enc)
{
	return sys_reg_CRm(enc) >= 1 && sys_reg_CRm(enc) <= 3;
}

/* @val, or less by what is off. */
static u64 limited(u32 enc, unsigned int shift, u64 val, u64 off)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(id_limits); i++) {
		if (id_limits[i].enc == enc && id_limits[i].shift == shift &&
		    (off & BIT(id_limits[i].feature)) && val > id_limits[i].max)
			val = id_limits[i].max;
	}
	return val;
}

static u64 aa32_policy(u32 enc, u64 hw)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(id_hidden); i++) {
		if (id_hidden[i].enc == enc)
			hw &= ~id_hidden[i].mask;
	}
	return hw;
}

u64 idreg_policy(u32 enc, u64 hw, bool vhe_only, u64 off)
{
	u64 val = 0, f;

	if (is_aa32(enc))
		return aa32_policy(enc, hw);

	for (unsigned int i = 0; i < ARRAY_SIZE(id_fields); i++) {
		if (id_fields[i].enc != enc || (off & BIT(id_fields[i].feature)))
			continue;
		f = limited(enc, id_fields[i].shift, field(hw, id_fields[i].shift), off);
		val |= (f > id_fields[i].max ? id_fields[i].max : f) << id_fields[i].shift;
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(id_signed); i++) {
		if (id_signed[i].enc != enc)
			continue;
		f = field(hw, id_signed[i].shift);
		if (f != 0xf && f > id_signed[i].max)
			f = id_signed[i].max;
		val |= f << id_signed[i].shift;
	}
	if (enc == SYS_ID_AA64MMFR4_EL1) {
		/* Hardware that has no E2H=0 cannot give it to L1 either. */
		if (vhe_only || (field(hw, E2H0_SHIFT) & 8))
			val |= E2H0_NI << E2H0_SHIFT;
	}
	return val;
}

/* ------------------------------------------------------------------ values */

/* op0=3, op1=0, CRn=0: by [CRm * 8 + op2]. Written once. */
static u64 id_values[64];

static unsigned int id_slot(u32 enc)
{
	return sys_reg_CRm(enc) * 8 + sys_reg_Op2(enc);
}

static u64 id_value(u32 enc)
{
	return id_values[id_slot(enc) % ARRAY_SIZE(id_values)];
}

u64 idreg_read(const struct kvm_vcpu *vcpu, u32 enc)
{
	switch (enc) {
	case SYS_MIDR_EL1:
		return vcpu->arch.midr;
	case SYS_MPIDR_EL1:
		return vcpu->arch.mpidr;
	case SYS_REVIDR_EL1:
		return read_sysreg(revidr_el1);
	case SYS_AIDR_EL1:
		return read_sysreg(aidr_el1);
	case SYS_CLIDR_EL1:
		return read_sysreg(clidr_el1);
	case SYS_CTR_EL0:
		return read_sysreg(ctr_el0);
	case SYS_DCZID_EL0:
		return read_sysreg(dczid_el0);
	}
	if (sys_reg_Op1(enc) || sys_reg_CRn(enc) || sys_reg_CRm(enc) > 7)
		return 0;
	return id_value(enc);
}

static void offer(u64 *features, bool cond, enum vcpu_feature f)
{
	if (cond)
		*features |= BIT(f);
}

/* The FEAT_ bits say the same as the values, never more. */
static u64 features_of_values(void)
{
	u64 pfr0 = id_value(SYS_ID_AA64PFR0_EL1), pfr1 = id_value(SYS_ID_AA64PFR1_EL1);
	u64 isar0 = id_value(SYS_ID_AA64ISAR0_EL1), isar1 = id_value(SYS_ID_AA64ISAR1_EL1);
	u64 isar2 = id_value(SYS_ID_AA64ISAR2_EL1);
	u64 mmfr0 = id_value(SYS_ID_AA64MMFR0_EL1), mmfr1 = id_value(SYS_ID_AA64MMFR1_EL1);
	u64 mmfr2 = id_value(SYS_ID_AA64MMFR2_EL1), mmfr4 = id_value(SYS_ID_AA64MMFR4_EL1);
	u64 feat = BIT(FEAT_ALWAYS);

	offer(&feat, field(pfr0, 0) == 2, FEAT_AA32EL0);
	offer(&feat, field(mmfr1, VH_SHIFT), FEAT_VHE);
	offer(&feat, field(pfr0, 32), FEAT_SVE);
	offer(&feat, field(isar1, 4) || field(isar1, 8) || field(isar2, 12), FEAT_PAUTH);
	offer(&feat, field(mmfr0, 56), FEAT_FGT);
	offer(&feat, field(mmfr0, 60), FEAT_ECV);
	offer(&feat, field(mmfr1, 40), FEAT_HCX);
	offer(&feat, field(mmfr2, 20), FEAT_CCIDX);
	offer(&feat, field(mmfr2, 56), FEAT_EVT);
	offer(&feat, field(mmfr2, NV_SHIFT) >= 1, FEAT_NV);
	offer(&feat, field(mmfr2, NV_SHIFT) >= 2, FEAT_NV2);
	offer(&feat, field(isar0, 56) >= 1, FEAT_TLBIOS);
	offer(&feat, field(isar0, 56) >= 2, FEAT_TLBIRANGE);
	offer(&feat, field(isar0, 60), FEAT_RNG);
	offer(&feat, field(isar1, 0) >= 1, FEAT_DPB);
	offer(&feat, field(isar1, 0) >= 2, FEAT_DPB2);
	offer(&feat, field(isar1, 36), FEAT_SB);
	offer(&feat, field(isar1, 40), FEAT_SPECRES);
	offer(&feat, field(mmfr1, 20) >= 1, FEAT_PAN);
	offer(&feat, field(mmfr1, 20) >= 2, FEAT_PAN2);
	offer(&feat, field(mmfr1, 0), FEAT_HAFDBS);
	offer(&feat, field(mmfr2, 4), FEAT_UAO);
	offer(&feat, field(pfr0, 48), FEAT_DIT);
	offer(&feat, field(pfr1, 4), FEAT_SSBS);
	offer(&feat, field(id_value(SYS_ID_AA64DFR0_EL1), 36) != 0xf, FEAT_DOUBLELOCK);
	offer(&feat, !field(mmfr4, E2H0_SHIFT), FEAT_E2H0);
	return feat;
}

#define HW(n)                         \
	id_values[id_slot(SYS_##n)] = \
		idreg_policy(SYS_##n, read_sysreg_s(SYS_##n), vhe_only, opts.features_off)

static void aa32_values(void)
{
	const bool vhe_only = false;

	HW(ID_PFR0_EL1);
	HW(ID_PFR1_EL1);
	HW(ID_DFR0_EL1);
	HW(ID_AFR0_EL1);
	HW(ID_MMFR0_EL1);
	HW(ID_MMFR1_EL1);
	HW(ID_MMFR2_EL1);
	HW(ID_MMFR3_EL1);
	HW(ID_ISAR0_EL1);
	HW(ID_ISAR1_EL1);
	HW(ID_ISAR2_EL1);
	HW(ID_ISAR3_EL1);
	HW(ID_ISAR4_EL1);
	HW(ID_ISAR5_EL1);
	HW(ID_MMFR4_EL1);
	HW(ID_ISAR6_EL1);
	HW(MVFR0_EL1);
	HW(MVFR1_EL1);
	HW(MVFR2_EL1);
	HW(ID_PFR2_EL1);
	HW(ID_DFR1_EL1);
	HW(ID_MMFR5_EL1);
}

int nested_idregs_init(struct kvm_vcpu *vcpu)
{
	bool vhe_only = vcpu->arch.hcr_res1 & HCR_E2H;
	u64 nv;

	HW(ID_AA64PFR0_EL1);
	if (field(id_value(SYS_ID_AA64PFR0_EL1), 0) == 2)
		aa32_values();
	HW(ID_AA64PFR1_EL1);
	HW(ID_AA64ZFR0_EL1);
	HW(ID_AA64DFR0_EL1);
	HW(ID_AA64ISAR0_EL1);
	HW(ID_AA64ISAR1_EL1);
	HW(ID_AA64ISAR2_EL1);
	HW(ID_AA64MMFR0_EL1);
	HW(ID_AA64MMFR1_EL1);
	/* The veneers of vel2.pv=page are made for one E2H. */
	if (nested_mech->page && opts.l1_mode == L1_NVHE)
		id_values[id_slot(SYS_ID_AA64MMFR1_EL1)] &= ~(0xfULL << VH_SHIFT);
	HW(ID_AA64MMFR2_EL1);
	nv = field(id_value(SYS_ID_AA64MMFR2_EL1), NV_SHIFT);
	if (nv > nested_mech->nv)
		id_values[id_slot(SYS_ID_AA64MMFR2_EL1)] -= (nv - nested_mech->nv) << NV_SHIFT;
	HW(ID_AA64MMFR4_EL1);
	vcpu->kvm->vcpu_features = features_of_values();
	sysreg_fields_init(vcpu->kvm->vcpu_features);
	sysreg_plain_init(vcpu->kvm->vcpu_features);
	if (!field(id_value(SYS_ID_AA64PFR0_EL1), 8) || !field(id_value(SYS_ID_AA64PFR0_EL1), 24))
		return -ENODEV;
	return 0;
}

u64 idregs_hfgitr(void)
{
	u64 bits = 0;

	/* Without fine-grained traps the hardware's instructions stay. */
	if (!field(read_sysreg_s(SYS_ID_AA64MMFR0_EL1), FGT_SHIFT))
		return 0;
	for (unsigned int i = 0; i < NR_ID_FEATURES; i++)
		bits |= opts.features_off & BIT(i) ? id_hfgitr[i] : 0;
	return bits;
}

void idregs_s1_caps(struct s1_caps *caps)
{
	u64 mmfr0 = id_value(SYS_ID_AA64MMFR0_EL1), mmfr1 = id_value(SYS_ID_AA64MMFR1_EL1);

	*caps = (struct s1_caps){
		.tgran4 = field(mmfr0, 28) != 0xf,
		.tgran16 = field(mmfr0, 20),
		.tgran64 = field(mmfr0, 24) != 0xf,
		.nv = field(id_value(SYS_ID_AA64MMFR2_EL1), NV_SHIFT),
		.hpds = field(mmfr1, 12),
		.e0pd = field(id_value(SYS_ID_AA64MMFR2_EL1), 60),
		.pan = field(mmfr1, 20) >= 2,
		.pan3 = field(mmfr1, 20) >= 3,
		.hafdbs_af = field(mmfr1, 0) >= 1,
		.hafdbs_db = field(mmfr1, 0) >= 2,
	};
}

unsigned int idregs_breakpoints(void)
{
	return (unsigned int)field(id_value(SYS_ID_AA64DFR0_EL1), 12) + 1;
}

unsigned int idregs_watchpoints(void)
{
	return (unsigned int)field(id_value(SYS_ID_AA64DFR0_EL1), 20) + 1;
}
