// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every register that EL2 owns: what reads back after writing ones (but for bits that would pull the
 * ground away), zeros and a pattern, by EL2 name, by EL12 or EL02 name (UNDEFINED without E2H), and
 * by EL1 name. One line a register: "REG name wrote .. read .. .." or "REG name undefined".
 * MMU off, nothing enabled that could interrupt. Not here: what depends on features that a hypervisor
 * below may reasonably not offer (AArch32, FEAT_ECV, FEAT_HCX, FEAT_CSV2_2).
 */
#include "lib.h"

#define PATTERN		0x5a5aa5a55a5aa5a5UL

static u64 got[3];

struct reg {
	const char *name;
	u64 avoid;			/* bits kept as they are */
	void (*probe)(u64 avoid);
};

/* Old value back before anything else happens, so that no other code runs under a test value. */
#define PROBE(name, enc, avoid_bits)						\
	static void probe_##name(u64 avoid)					\
	{									\
		const u64 values[3] = { ~0UL, 0, PATTERN };			\
										\
		for (unsigned int i = 0; i < 3; i++) {				\
			u64 old = 0, v = 0, new;				\
										\
			asm volatile("mrs %0, " STR(enc) : "+r"(old) : : "memory");	\
			new = (values[i] & ~avoid) | (old & avoid);		\
			asm volatile("msr " STR(enc) ", %1\n"			\
				     "isb\n"					\
				     "mrs %0, " STR(enc) "\n"			\
				     "msr " STR(enc) ", %2\n"			\
				     "isb"					\
				     : "+r"(v) : "r"(new), "r"(old) : "memory");	\
			got[i] = v;						\
		}								\
	}
#define ROW(name, enc, avoid_bits) { #name, avoid_bits, probe_##name },
#define EL12_ROW(name, enc, avoid_bits) { #name "_EL1 by EL12 name", avoid_bits, probe_##name },
#define EL02_ROW(name, enc, avoid_bits) { #name "_EL0 by EL02 name", avoid_bits, probe_##name },

/*
 * E2H stays; RW is not writable without AArch32; the rest belongs to features: LOR (35), RAS (36, 37,
 * 47), NV (42, 43, 45), S2FWB (46), TIDCP1 and others above 49, but for FEAT_EVT's.
 */
#define HCR_AVOID	(HCR_RW | HCR_E2H | MASK(39, 35) | MASK(48, 42) | BIT(51) | BIT(53) | \
			 MASK(63, 56))
/* FEAT_GICv3_NMI, and RES0 */
#define AP_AVOID	MASK(63, 32)
#define LR_AVOID	(BIT(59) | MASK(47, 45))
/* VPMR, VBPR1 and VBPR0 do not take every value */
#define VMCR_AVOID	(MASK(26, 24) | MASK(23, 18))
/* the MMU and the byte orders */
#define SCTLR_AVOID	(SCTLR_M | BIT(24) | BIT(25))

/* DS of FEAT_LPA2, in either format */
#define TCR_AVOID	(BIT(59) | BIT(32))
/* those of FEAT_ECV */
#define CNTHCTL_AVOID	MASK(19, 12)
/* with E2H=1 CNTHCTL_EL2; nothing can trap this name at vEL2, and EL1's register keeps RES0 bits */
#define CNTKCTL_AVOID	MASK(63, 12)

#define EL2_REGS(R)								\
	R(ACTLR_EL2, S3_4_C1_C0_1, 0)						\
	R(AFSR0_EL2, S3_4_C5_C1_0, 0)						\
	R(AFSR1_EL2, S3_4_C5_C1_1, 0)						\
	R(AMAIR_EL2, S3_4_C10_C3_0, 0)						\
	R(CONTEXTIDR_EL2, S3_4_C13_C0_1, 0)					\
	R(CPTR_EL2, S3_4_C1_C1_2, 0)						\
	R(ELR_EL2, S3_4_C4_C0_1, 0)						\
	R(ESR_EL2, S3_4_C5_C2_0, 0)						\
	R(FAR_EL2, S3_4_C6_C0_0, 0)						\
	R(HACR_EL2, S3_4_C1_C1_7, 0)						\
	R(HCR_EL2, S3_4_C1_C1_0, HCR_AVOID)					\
	R(HPFAR_EL2, S3_4_C6_C0_4, 0)						\
	R(HSTR_EL2, S3_4_C1_C1_3, 0)						\
	R(MAIR_EL2, S3_4_C10_C2_0, 0)						\
	R(MDCR_EL2, S3_4_C1_C1_1, 0)						\
	R(SCTLR_EL2, S3_4_C1_C0_0, SCTLR_AVOID)					\
	R(SP_EL1, S3_4_C4_C1_0, 0)						\
	R(SPSR_EL2, S3_4_C4_C0_0, PSR_M)						\
	R(TCR_EL2, S3_4_C2_C0_2, TCR_AVOID)					\
	R(TCR2_EL2, S3_4_C2_C0_3, 0)						\
	R(TPIDR_EL2, S3_4_C13_C0_2, 0)						\
	R(TTBR0_EL2, S3_4_C2_C0_0, 0)						\
	R(TTBR1_EL2, S3_4_C2_C0_1, 0)						\
	R(VBAR_EL2, S3_4_C12_C0_0, 0)						\
	R(VMPIDR_EL2, S3_4_C0_C0_5, 0)						\
	R(VPIDR_EL2, S3_4_C0_C0_0, 0)						\
	R(VTCR_EL2, S3_4_C2_C1_2, 0)						\
	R(VTTBR_EL2, S3_4_C2_C1_0, 0)						\
	R(ZCR_EL2, S3_4_C1_C2_0, 0)						\
	R(TRFCR_EL2, S3_4_C1_C2_1, 0)						\
	R(PIR_EL2, S3_4_C10_C2_3, 0)						\
	R(SCTLR2_EL2, S3_4_C1_C0_3, 0)						\
	R(HFGRTR_EL2, S3_4_C1_C1_4, 0)						\
	R(HFGWTR_EL2, S3_4_C1_C1_5, 0)						\
	R(HFGITR_EL2, S3_4_C1_C1_6, 0)						\
	R(HDFGRTR_EL2, S3_4_C3_C1_4, 0)						\
	R(HDFGWTR_EL2, S3_4_C3_C1_5, 0)						\
	R(HAFGRTR_EL2, S3_4_C3_C1_6, 0)						\
	R(CNTHCTL_EL2, S3_4_C14_C1_0, CNTHCTL_AVOID)					\
	R(CNTVOFF_EL2, S3_4_C14_C0_3, 0)					\
	R(CNTHP_CVAL_EL2, S3_4_C14_C2_2, 0)					\
	R(CNTHV_CVAL_EL2, S3_4_C14_C3_2, 0)					\
	R(ICH_AP0R0_EL2, S3_4_C12_C8_0, AP_AVOID)					\
	R(ICH_AP1R0_EL2, S3_4_C12_C9_0, AP_AVOID)					\
	R(ICH_HCR_EL2, S3_4_C12_C11_0, 0)					\
	R(ICH_VMCR_EL2, S3_4_C12_C11_7, VMCR_AVOID)					\
	R(ICH_LR0_EL2, S3_4_C12_C12_0, LR_AVOID)					\
	R(ICH_LR1_EL2, S3_4_C12_C12_1, LR_AVOID)					\
	R(ICH_LR2_EL2, S3_4_C12_C12_2, LR_AVOID)					\
	R(ICH_LR3_EL2, S3_4_C12_C12_3, LR_AVOID)

#define EL12_REGS(R)								\
	R(SCTLR, S3_5_C1_C0_0, 0)						\
	R(CPACR, S3_5_C1_C0_2, 0)						\
	R(TTBR0, S3_5_C2_C0_0, 0)						\
	R(TTBR1, S3_5_C2_C0_1, 0)						\
	R(TCR, S3_5_C2_C0_2, 0)						\
	R(SPSR, S3_5_C4_C0_0, 0)						\
	R(ELR, S3_5_C4_C0_1, 0)						\
	R(AFSR0, S3_5_C5_C1_0, 0)						\
	R(AFSR1, S3_5_C5_C1_1, 0)						\
	R(ESR, S3_5_C5_C2_0, 0)						\
	R(FAR, S3_5_C6_C0_0, 0)						\
	R(MAIR, S3_5_C10_C2_0, 0)						\
	R(AMAIR, S3_5_C10_C3_0, 0)						\
	R(VBAR, S3_5_C12_C0_0, 0)						\
	R(CONTEXTIDR, S3_5_C13_C0_1, 0)					\
	R(CNTKCTL, S3_5_C14_C1_0, 0)

#define EL02_REGS(R)								\
	R(CNTP_CVAL, S3_5_C14_C2_2, 0)						\
	R(CNTV_CVAL, S3_5_C14_C3_2, 0)

/* EL1 names; what they reach depends on E2H. Not those that would change this program's own regime. */
#define EL1_REGS(R)								\
	R(SCTLR_EL1, sctlr_el1, SCTLR_AVOID)					\
	R(ACTLR_EL1, actlr_el1, 0)						\
	R(CPACR_EL1, cpacr_el1, 0)						\
	R(TTBR0_EL1, ttbr0_el1, 0)						\
	R(TTBR1_EL1, ttbr1_el1, 0)						\
	R(TCR_EL1, tcr_el1, 0)							\
	R(SPSR_EL1, spsr_el1, 0)						\
	R(ELR_EL1, elr_el1, 0)							\
	R(AFSR0_EL1, afsr0_el1, 0)						\
	R(AFSR1_EL1, afsr1_el1, 0)						\
	R(ESR_EL1, esr_el1, 0)							\
	R(FAR_EL1, far_el1, 0)							\
	R(MAIR_EL1, mair_el1, 0)						\
	R(AMAIR_EL1, amair_el1, 0)						\
	R(VBAR_EL1, vbar_el1, 0)						\
	R(CONTEXTIDR_EL1, contextidr_el1, 0)					\
	R(TPIDR_EL1, tpidr_el1, 0)						\
	R(TPIDR_EL0, tpidr_el0, 0)						\
	R(TPIDRRO_EL0, tpidrro_el0, 0)						\
	R(SP_EL0, sp_el0, 0)							\
	R(CSSELR_EL1, csselr_el1, 0)						\
	R(PAR_EL1, par_el1, 0)							\
	R(CNTKCTL_EL1, cntkctl_el1, CNTKCTL_AVOID)				\
	R(CNTV_CVAL_EL0, cntv_cval_el0, 0)					\
	R(CNTP_CVAL_EL0, cntp_cval_el0, 0)

EL2_REGS(PROBE)
EL12_REGS(PROBE)
EL02_REGS(PROBE)
EL1_REGS(PROBE)

static const struct reg el2_regs[] = { EL2_REGS(ROW) };
static const struct reg el12_regs[] = { EL12_REGS(EL12_ROW) EL02_REGS(EL02_ROW) };
static const struct reg el1_regs[] = { EL1_REGS(ROW) };

static void run(const struct reg *r, unsigned int n)
{
	for (; n; n--, r++) {
		struct exc e;

		exc_arm(0);
		r->probe(r->avoid);
		e = exc_take();
		if (e.count && ESR_EC(e.esr) == EC_UNKNOWN)
			printf("REG %s undefined\n", r->name);
		else if (e.count)
			printf("REG %s %s\n", r->name, ec_name(e.esr));
		else
			printf("REG %s wrote ones read %016lx zeros read %016lx pattern read %016lx\n",
			       r->name, got[0] & ~r->avoid, got[1] & ~r->avoid, got[2] & ~r->avoid);
	}
}

/* Read-only at EL2. */
static void read_only(void)
{
	struct exc e;

	printf("VTR: list registers %lu, priority bits %lu, preemption bits %lu\n",
	       FIELD(read_sysreg(SYS_ICH_VTR_EL2), 4, 0) + 1,
	       FIELD(read_sysreg(SYS_ICH_VTR_EL2), 31, 29) + 1,
	       FIELD(read_sysreg(SYS_ICH_VTR_EL2), 28, 26) + 1);
	exc_arm(0);
	asm volatile("msr S3_4_C12_C11_1, %0" : : "r"(0UL) : "memory");
	e = exc_take();
	exc_show("write to ICH_VTR_EL2", e);
	exc_arm(0);
	asm volatile("msr S3_0_C0_C7_0, %0" : : "r"(0UL) : "memory");
	exc_show("write to ID_AA64MMFR0_EL1", exc_take());
	exc_arm(0);
	asm volatile("mrs x9, S3_6_C1_C1_0" : : : "x9", "memory");
	exc_show("read of SCR_EL3", exc_take());
	exc_arm(0);
	asm volatile("msr S3_4_C15_C1_7, %0" : : "r"(0UL) : "memory");
	exc_show("write to nothing at EL2", exc_take());
}

/* E2H: an EL1 name is the EL2 register; else it is not. */
#define ALIAS(el1, el2, el12, v) do {							\
	u64 e2 = read_sysreg(el2), e1 = read_sysreg(el1), both;				\
											\
	write_sysreg(v, el1);								\
	isb();										\
	both = read_sysreg(el2);							\
	printf("ALIAS " #el1 ": " #el2 " %s\n", both == read_sysreg(el1) && both != e2 ?	\
	       "is it" : both == e2 ? "is another" : "is odd");				\
	write_sysreg(e1, el1);								\
	write_sysreg(e2, el2);								\
	isb();										\
} while (0)

static void aliases(void)
{
	ALIAS(afsr0_el1, afsr0_el2, S3_5_C5_C1_0, 0x11);
	ALIAS(far_el1, far_el2, S3_5_C6_C0_0, 0x1234560);
	ALIAS(esr_el1, esr_el2, S3_5_C5_C2_0, 0x2345);
	ALIAS(elr_el1, elr_el2, S3_5_C4_C0_1, 0x3456780);
	ALIAS(spsr_el1, spsr_el2, S3_5_C4_C0_0, 0x3c4);
	ALIAS(mair_el1, mair_el2, S3_5_C10_C2_0, 0x4455);
	ALIAS(ttbr0_el1, ttbr0_el2, S3_5_C2_C0_0, 0x7000);
	ALIAS(tcr_el1, tcr_el2, S3_5_C2_C0_2, 0x19);
	ALIAS(tpidr_el1, tpidr_el2, S3_0_C13_C0_4, 0x99);
	if (!vhe_mode)
		return;
	ALIAS(contextidr_el1, SYS_CONTEXTIDR_EL2, S3_5_C13_C0_1, 0x88);
	ALIAS(ttbr1_el1, SYS_TTBR1_EL2, S3_5_C2_C0_1, 0x8000);
	ALIAS(cpacr_el1, cptr_el2, S3_5_C1_C0_2, 3UL << 20);
	ALIAS(cntkctl_el1, cnthctl_el2, S3_5_C14_C1_0, 0x202);
	ALIAS(cntp_cval_el0, cnthp_cval_el2, S3_5_C14_C2_2, 0x123456789abUL);
	ALIAS(cntv_cval_el0, SYS_CNTHV_CVAL_EL2, S3_5_C14_C3_2, 0x223456789abUL);
}

void guest_main(void)
{
	run(el2_regs, ARRAY_SIZE(el2_regs));
	run(el12_regs, ARRAY_SIZE(el12_regs));
	run(el1_regs, ARRAY_SIZE(el1_regs));
	read_only();
	aliases();
}
