// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pointer authentication of ERETAA and ERETAB, which L0 executes for vEL2 (and under pv for vEL1). EL2,
 * interrupts masked.
 *
 * The AUT instructions would do it for EL2's own address sizes and SCTLR_EL2. PACGA depends on neither:
 * it gives bits 63:32 of ComputePAC() for any pointer, modifier and key. What surrounds it here is
 * Auth(), CalculateBottomPACBit() and EffectiveTBI() of the pseudocode for the guest's regime. Where a range
 * of addresses is smaller than 4 GiB, the PAC's bits below 32 are taken for right.
 */
#include <idregs.h>
#include <kvm_hyp.h>
#include <nested.h>
#include <pauth.h>

/* ID_AA64ISAR1_EL1.APA, API and ID_AA64ISAR2_EL1.APA3: one of them is not 0. */
#define PAUTH2		3
#define FPACCOMBINE	5
#define APA_SHIFT	4
#define API_SHIFT	8
#define APA3_SHIFT	12
#define MMFR2_ST	__FIELD(31, 28)

#define TXSZ_MIN	16
#define TXSZ_MAX	39
#define TXSZ_MAX_ST	48	/* FEAT_TTST; one less with 64 KiB pages */

#define BIT_SELECT	55	/* which range of addresses; never part of a PAC */

/* One address, as the translation regime of the guest sees it. */
struct pac_params {
	unsigned int bottom;	/* lowest bit of the PAC */
	bool tbi;		/* bits 63:56 are no part of it */
};

static u64 level_of_pauth(const struct kvm_vcpu *vcpu)
{
	u64 isar1 = idreg_read(vcpu, SYS_ID_AA64ISAR1_EL1);
	u64 isar2 = idreg_read(vcpu, SYS_ID_AA64ISAR2_EL1);

	return ((isar1 >> APA_SHIFT) | (isar1 >> API_SHIFT) | (isar2 >> APA3_SHIFT)) & 0xf;
}

/* AArch64.PACEffectiveTxSZ(); an IMPLEMENTATION DEFINED size out of range is forced into it. */
static u64 effective_txsz(const struct kvm_vcpu *vcpu, u64 txsz, bool granule_64k)
{
	bool st = idreg_read(vcpu, SYS_ID_AA64MMFR2_EL1) & MMFR2_ST;
	u64 max = st ? TXSZ_MAX_ST - granule_64k : TXSZ_MAX;

	if (txsz < TXSZ_MIN)
		return TXSZ_MIN;
	return txsz > max ? max : txsz;
}

static struct pac_params pac_params(const struct kvm_vcpu *vcpu, bool upper)
{
	bool el1 = vcpu->arch.loaded_bank == BANK_VEL1, granule_64k;
	u64 tcr = vcpu_read_sys_reg(vcpu, el1 ? TCR_EL1 : TCR_EL2), txsz;
	struct pac_params p;

	if (!el1 && !vcpu_el2_e2h_is_set(vcpu)) {
		txsz = FIELD_GET(TCR_EL2_T0SZ, tcr);
		granule_64k = FIELD_GET(TCR_EL2_TG0, tcr) == TCR_TG0_64K;
		p.tbi = (tcr & TCR_EL2_TBI) && !(tcr & TCR_EL2_TBID);
	} else if (upper) {
		txsz = FIELD_GET(TCR_T1SZ, tcr);
		granule_64k = FIELD_GET(TCR_TG1, tcr) == TCR_TG1_64K;
		p.tbi = (tcr & TCR_TBI1) && !(tcr & TCR_TBID1);
	} else {
		txsz = FIELD_GET(TCR_T0SZ, tcr);
		granule_64k = FIELD_GET(TCR_TG0, tcr) == TCR_TG0_64K;
		p.tbi = (tcr & TCR_TBI0) && !(tcr & TCR_TBID0);
	}
	p.bottom = 64 - (unsigned int)effective_txsz(vcpu, txsz, granule_64k);
	return p;
}

/* pacga x0, x0, x1: an encoding that plain armv8-a has no name for */
static u64 pacga(u64 ptr, u64 modifier)
{
	register u64 x0 asm("x0") = ptr;
	register u64 x1 asm("x1") = modifier;

	asm volatile(".inst 0x9ac13000" : "+r"(x0) : "r"(x1));
	return x0;
}

/* The guest's: a build in which L0 has key A itself keeps the guest's in memory while L0 runs. */
#define IA_KEY(vcpu, half) \
	(L0_PAUTH ? __vcpu_sys_reg(vcpu, APIAKEY##half##_EL1) : \
		    read_sysreg_s(SYS_APIAKEY##half##_EL1))

/* ComputePAC() with the guest's IA or IB key, bits 63:32. The guest's GA key stays what it is. */
static u64 compute_pac(const struct kvm_vcpu *vcpu, u64 ptr, u64 modifier, bool key_b)
{
	u64 lo = read_sysreg_s(SYS_APGAKEYLO_EL1), hi = read_sysreg_s(SYS_APGAKEYHI_EL1), pac;

	write_sysreg_s(key_b ? read_sysreg_s(SYS_APIBKEYLO_EL1) : IA_KEY(vcpu, LO),
		       SYS_APGAKEYLO_EL1);
	write_sysreg_s(key_b ? read_sysreg_s(SYS_APIBKEYHI_EL1) : IA_KEY(vcpu, HI),
		       SYS_APGAKEYHI_EL1);
	isb();	/* the key before its use */
	pac = pacga(ptr, modifier);
	write_sysreg_s(lo, SYS_APGAKEYLO_EL1);
	write_sysreg_s(hi, SYS_APGAKEYHI_EL1);
	isb();
	return pac;
}

/* Auth() with is_combined: false where it ends in AArch64.PACFailException(). */
static bool auth(const struct kvm_vcpu *vcpu, u64 *ptr, u64 modifier, bool key_b)
{
	bool upper = *ptr & BIT(BIT_SELECT);
	struct pac_params p = pac_params(vcpu, upper);
	u64 field = GENMASK_ULL(p.tbi ? BIT_SELECT : 63, p.bottom);
	u64 original = upper ? *ptr | field : *ptr & ~field;
	u64 pac = compute_pac(vcpu, original, modifier, key_b);
	u64 known = field & ~BIT(BIT_SELECT) & GENMASK_ULL(63, 32);
	u64 level = level_of_pauth(vcpu), code = key_b ? 2 : 1, at = p.tbi ? 53 : 61;

	if (level >= PAUTH2) {
		/* The PAC lies over the address's extension by XOR: what is left of it is wrong. */
		*ptr = ((*ptr ^ pac) & known) | (original & ~known);
		return level < FPACCOMBINE || *ptr == original;
	}
	if ((pac ^ *ptr) & known)
		original = (original & ~(3ULL << at)) | (code << at);
	*ptr = original;
	return true;
}

bool pauth_eret_target(const struct kvm_vcpu *vcpu, u64 esr, u64 *target)
{
	bool key_b = esr & ESR_ERET_AB;
	bool el1 = vcpu->arch.loaded_bank == BANK_VEL1;
	u64 sctlr = vcpu_read_sys_reg(vcpu, el1 ? SCTLR_EL1 : SCTLR_EL2);
	u64 sp = *vcpu_cpsr(vcpu) & 1 ? read_sysreg(sp_el1) : read_sysreg(sp_el0);

	if (!(sctlr & (key_b ? SCTLR_ENIB : SCTLR_ENIA)))
		return true;
	return auth(vcpu, target, sp, key_b);
}
