// SPDX-License-Identifier: GPL-2.0-only
/*
 * ID register policy: of what the hardware has, what an L1 (and through it an L2) is offered.
 *
 * EL2, once a VM; read-only afterwards. Invariant: a field that no line below names reads as "not
 * there", so that a feature of tomorrow's hardware stays hidden until somebody decides. What is
 * hidden here has FEAT_<x> clear, and the rows that need it are UNDEF.
 */
#include <errno.h>
#include <idregs.h>
#include <kvm_hyp.h>
#include <nested.h>
#include <sysreg.h>

/* Fields are four bits; in @max 0 means hidden, NI that only "none" (0xf) may be passed on. */
struct id_field {
	u32 enc;
	u8 shift;
	u8 max;
};

#define ANY 0xe /* as the hardware has it; never the negative 0xf */

static const struct id_field id_fields[] = {
	/* AArch32 at EL0 only: L0's own traps would have to be emulated for an AArch32 EL1 too. */
	{ SYS_ID_AA64PFR0_EL1, 0, 2 },	/* EL0 */
	{ SYS_ID_AA64PFR0_EL1, 4, 1 },	/* EL1 */
	{ SYS_ID_AA64PFR0_EL1, 8, 1 },	/* EL2 */
	{ SYS_ID_AA64PFR0_EL1, 24, 1 }, /* GIC: system registers of 3.0 */
	{ SYS_ID_AA64PFR0_EL1, 48, 1 }, /* DIT */
	{ SYS_ID_AA64PFR0_EL1, 56, 1 }, /* CSV2, without the SCXTNUM registers of 2 */
	{ SYS_ID_AA64PFR0_EL1, 60, 1 }, /* CSV3 */
	{ SYS_ID_AA64PFR1_EL1, 0, 1 },	/* BT */
	{ SYS_ID_AA64PFR1_EL1, 4, 2 },	/* SSBS */
	/* Debug registers are the hardware's own, so their numbers are. */
	{ SYS_ID_AA64DFR0_EL1, 0, 7 },	   /* DebugVer: v8.1, which VHE asks for */
	{ SYS_ID_AA64DFR0_EL1, 12, ANY },  /* BRPs */
	{ SYS_ID_AA64DFR0_EL1, 20, ANY },  /* WRPs */
	{ SYS_ID_AA64DFR0_EL1, 28, ANY },  /* CTX_CMPs */
	{ SYS_ID_AA64ISAR0_EL1, 4, ANY },  /* AES */
	{ SYS_ID_AA64ISAR0_EL1, 8, ANY },  /* SHA1 */
	{ SYS_ID_AA64ISAR0_EL1, 12, ANY }, /* SHA2 */
	{ SYS_ID_AA64ISAR0_EL1, 16, ANY }, /* CRC32 */
	{ SYS_ID_AA64ISAR0_EL1, 20, 2 },   /* Atomic */
	{ SYS_ID_AA64ISAR0_EL1, 28, ANY }, /* RDM */
	{ SYS_ID_AA64ISAR0_EL1, 32, ANY }, /* SHA3 */
	{ SYS_ID_AA64ISAR0_EL1, 36, ANY }, /* SM3 */
	{ SYS_ID_AA64ISAR0_EL1, 40, ANY }, /* SM4 */
	{ SYS_ID_AA64ISAR0_EL1, 44, ANY }, /* DP */
	{ SYS_ID_AA64ISAR0_EL1, 48, ANY }, /* FHM */
	{ SYS_ID_AA64ISAR0_EL1, 52, ANY }, /* TS */
	{ SYS_ID_AA64ISAR0_EL1, 56, 2 },   /* TLB: OS and range forms */
	{ SYS_ID_AA64ISAR0_EL1, 60, 1 },   /* RNDR */
	{ SYS_ID_AA64ISAR1_EL1, 0, 2 },	   /* DPB */
	{ SYS_ID_AA64ISAR1_EL1, 4, ANY },  /* APA */
	{ SYS_ID_AA64ISAR1_EL1, 8, ANY },  /* API */
	{ SYS_ID_AA64ISAR1_EL1, 12, ANY }, /* JSCVT */
	{ SYS_ID_AA64ISAR1_EL1, 16, ANY }, /* FCMA */
	{ SYS_ID_AA64ISAR1_EL1, 20, 2 },   /* LRCPC */
	{ SYS_ID_AA64ISAR1_EL1, 24, 1 },   /* GPA */
	{ SYS_ID_AA64ISAR1_EL1, 28, 1 },   /* GPI */
	{ SYS_ID_AA64ISAR1_EL1, 32, 1 },   /* FRINTTS */
	{ SYS_ID_AA64ISAR1_EL1, 36, 1 },   /* SB */
	{ SYS_ID_AA64ISAR1_EL1, 40, 1 },   /* SPECRES */
	{ SYS_ID_AA64ISAR1_EL1, 44, 2 },   /* BF16 */
	{ SYS_ID_AA64ISAR1_EL1, 48, 1 },   /* DGH */
	{ SYS_ID_AA64ISAR1_EL1, 52, 1 },   /* I8MM */
	{ SYS_ID_AA64ISAR2_EL1, 4, 1 },	   /* RPRES */
	{ SYS_ID_AA64ISAR2_EL1, 8, 1 },	   /* GPA3 */
	{ SYS_ID_AA64ISAR2_EL1, 12, ANY }, /* APA3 */
	{ SYS_ID_AA64ISAR2_EL1, 20, 1 },   /* BC */
	{ SYS_ID_AA64ISAR2_EL1, 24, 1 },   /* PAC_frac */
	{ SYS_ID_AA64ISAR2_EL1, 28, 1 },   /* CLRBHB */
	{ SYS_ID_AA64ISAR2_EL1, 52, 1 },   /* CSSC */
	/* 48 bits of address everywhere: no LPA2, no LVA, and the granules' values without them. */
	{ SYS_ID_AA64MMFR0_EL1, 0, 5 },	  /* PARange */
	{ SYS_ID_AA64MMFR0_EL1, 4, ANY }, /* ASIDBits */
	{ SYS_ID_AA64MMFR0_EL1, 8, 1 },	  /* BigEnd */
	{ SYS_ID_AA64MMFR0_EL1, 16, 1 },  /* BigEndEL0 */
	{ SYS_ID_AA64MMFR0_EL1, 20, 1 },  /* TGran16 */
	{ SYS_ID_AA64MMFR0_EL1, 32, 2 },  /* TGran16_2 */
	{ SYS_ID_AA64MMFR0_EL1, 36, 2 },  /* TGran64_2 */
	{ SYS_ID_AA64MMFR0_EL1, 40, 2 },  /* TGran4_2 */
	{ SYS_ID_AA64MMFR0_EL1, 56, 1 },  /* FGT */
	{ SYS_ID_AA64MMFR1_EL1, 0, 2 },	  /* HAFDBS */
	{ SYS_ID_AA64MMFR1_EL1, 4, 2 },	  /* VMIDBits */
	{ SYS_ID_AA64MMFR1_EL1, 8, 1 },	  /* VH */
	{ SYS_ID_AA64MMFR1_EL1, 12, 2 },  /* HPDS */
	{ SYS_ID_AA64MMFR1_EL1, 20, 3 },  /* PAN */
	{ SYS_ID_AA64MMFR1_EL1, 28, 1 },  /* XNX */
	{ SYS_ID_AA64MMFR1_EL1, 36, 3 },  /* ETS */
	{ SYS_ID_AA64MMFR1_EL1, 44, 1 },  /* AFP */
	{ SYS_ID_AA64MMFR2_EL1, 0, 1 },	  /* CnP */
	{ SYS_ID_AA64MMFR2_EL1, 4, 1 },	  /* UAO */
	{ SYS_ID_AA64MMFR2_EL1, 8, 1 },	  /* LSM */
	{ SYS_ID_AA64MMFR2_EL1, 20, 1 },  /* CCIDX: CCSIDR_EL1 is the hardware's */
	{ SYS_ID_AA64MMFR2_EL1, 24, 2 },  /* NV; 1 where L0 itself makes do with that */
	{ SYS_ID_AA64MMFR2_EL1, 28, 1 },  /* ST */
	{ SYS_ID_AA64MMFR2_EL1, 32, 1 },  /* AT (unaligned single-copy atomicity) */
	{ SYS_ID_AA64MMFR2_EL1, 36, 1 },  /* IDS */
	{ SYS_ID_AA64MMFR2_EL1, 48, 1 },  /* TTL */
	{ SYS_ID_AA64MMFR2_EL1, 52, 2 },  /* BBM */
	{ SYS_ID_AA64MMFR2_EL1, 56, 2 },  /* EVT */
	{ SYS_ID_AA64MMFR2_EL1, 60, 1 },  /* E0PD */
};

/* Fields in which 0xf is "none" and 0 is "there": passed on, larger values made plain. */
struct id_signed {
	u32 enc;
	u8 shift;
	u8 max;
};

static const struct id_signed id_signed[] = {
	{ SYS_ID_AA64PFR0_EL1, 16, 1 },	 /* FP */
	{ SYS_ID_AA64PFR0_EL1, 20, 1 },	 /* AdvSIMD */
	{ SYS_ID_AA64DFR0_EL1, 36, 0 },	 /* DoubleLock */
	{ SYS_ID_AA64MMFR0_EL1, 24, 0 }, /* TGran64 */
	{ SYS_ID_AA64MMFR0_EL1, 28, 0 }, /* TGran4 */
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
#define NV_SHIFT   24	   /* ID_AA64MMFR2_EL1.NV */

static u64 field(u64 reg, unsigned int shift)
{
	return (reg >> shift) & 0xf;
}

static bool is_aa32(u32 enc)
{
	return sys_reg_CRm(enc) >= 1 && sys_reg_CRm(enc) <= 3;
}

static u64 aa32_policy(u32 enc, u64 hw)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(id_hidden); i++) {
		if (id_hidden[i].enc == enc)
			hw &= ~id_hidden[i].mask;
	}
	return hw;
}

u64 idreg_policy(u32 enc, u64 hw, bool vhe_only)
{
	u64 val = 0, f;

	if (is_aa32(enc))
		return aa32_policy(enc, hw);

	for (unsigned int i = 0; i < ARRAY_SIZE(id_fields); i++) {
		if (id_fields[i].enc != enc)
			continue;
		f = field(hw, id_fields[i].shift);
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
	offer(&feat, field(mmfr1, 8), FEAT_VHE);
	offer(&feat, field(isar1, 4) || field(isar1, 8) || field(isar2, 12), FEAT_PAUTH);
	offer(&feat, field(mmfr0, 56), FEAT_FGT);
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

#define HW(n) id_values[id_slot(SYS_##n)] = idreg_policy(SYS_##n, read_sysreg_s(SYS_##n), vhe_only)

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

	HW(ID_AA64PFR0_EL1);
	if (field(id_value(SYS_ID_AA64PFR0_EL1), 0) == 2)
		aa32_values();
	HW(ID_AA64PFR1_EL1);
	HW(ID_AA64DFR0_EL1);
	HW(ID_AA64ISAR0_EL1);
	HW(ID_AA64ISAR1_EL1);
	HW(ID_AA64ISAR2_EL1);
	HW(ID_AA64MMFR0_EL1);
	HW(ID_AA64MMFR1_EL1);
	HW(ID_AA64MMFR2_EL1);
	if (!nested_mech->vncr && field(id_value(SYS_ID_AA64MMFR2_EL1), NV_SHIFT) > 1)
		id_values[id_slot(SYS_ID_AA64MMFR2_EL1)] -= BIT(NV_SHIFT);
	HW(ID_AA64MMFR4_EL1);
	vcpu->kvm->vcpu_features = features_of_values();
	if (!field(id_value(SYS_ID_AA64PFR0_EL1), 8) || !field(id_value(SYS_ID_AA64PFR0_EL1), 24))
		return -ENODEV;
	return 0;
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
