// SPDX-License-Identifier: GPL-2.0-only
/*
 * Registers and traps of features that a hypervisor below may leave out of its virtual CPU: AArch32,
 * FEAT_LOR, FEAT_RAS, FEAT_CSV2_2, FEAT_HCX, FEAT_ECV, the PMU. Each is used if the ID registers
 * offer it and must be UNDEFINED if they do not.
 */
#include "l2.h"

#define HCRX_MSCEn	BIT(11)

#define PROBE(name, enc)							\
	static void probe_##name(void)						\
	{									\
		u64 old;							\
										\
		asm volatile("mrs %0, " STR(enc) "\n msr " STR(enc) ", %0"	\
			     : "=r"(old) : : "memory");				\
	}

#define REGS(R)									\
	R(DACR32_EL2, S3_4_C3_C0_0) R(IFSR32_EL2, S3_4_C5_C0_1)			\
	R(SPSR_abt, S3_4_C4_C3_1) R(SPSR_und, S3_4_C4_C3_2)			\
	R(VSESR_EL2, S3_4_C5_C2_3) R(VDISR_EL2, S3_4_C12_C1_1)			\
	R(SCXTNUM_EL2, S3_4_C13_C0_7) R(HCRX_EL2, S3_4_C1_C2_2)			\
	R(CNTPOFF_EL2, S3_4_C14_C0_6) R(LORSA_EL1, S3_0_C10_C4_0)		\
	R(PMCR_EL0, S3_3_C9_C12_0)

REGS(PROBE)

static bool has_a32(void)
{
	return FIELD(read_sysreg(id_aa64pfr0_el1), 7, 4) == 2;
}

static bool has_ras(void)
{
	return FIELD(read_sysreg(id_aa64pfr0_el1), 31, 28) != 0;
}

static bool has_csv2_2(void)
{
	return FIELD(read_sysreg(id_aa64pfr0_el1), 59, 56) >= 2;
}

static bool has_hcx(void)
{
	return FIELD(read_sysreg(id_aa64mmfr1_el1), 43, 40) != 0;
}

static bool has_ecv2(void)
{
	return FIELD(read_sysreg(id_aa64mmfr0_el1), 63, 60) >= 2;
}

static bool has_lor(void)
{
	return FIELD(read_sysreg(id_aa64mmfr1_el1), 19, 16) != 0;
}

static bool has_pmu(void)
{
	u64 v = FIELD(read_sysreg(id_aa64dfr0_el1), 11, 8);

	return v && v != 0xf;
}

static const struct {
	const char *name;
	void (*probe)(void);
	bool (*has)(void);
	bool in_page;	/* NV2 makes its accesses memory accesses, which cannot be made UNDEFINED */
} rows[] = {
	{ "DACR32_EL2", probe_DACR32_EL2, has_a32, false },
	{ "IFSR32_EL2", probe_IFSR32_EL2, has_a32, false },
	{ "SPSR_abt", probe_SPSR_abt, has_a32, false },
	{ "SPSR_und", probe_SPSR_und, has_a32, false },
	{ "VSESR_EL2", probe_VSESR_EL2, has_ras, true },
	{ "VDISR_EL2", probe_VDISR_EL2, has_ras, true },
	{ "SCXTNUM_EL2", probe_SCXTNUM_EL2, has_csv2_2, false },
	{ "HCRX_EL2", probe_HCRX_EL2, has_hcx, true },
	{ "CNTPOFF_EL2", probe_CNTPOFF_EL2, has_ecv2, true },
	{ "LORSA_EL1", probe_LORSA_EL1, has_lor, false },
	{ "PMCR_EL0", probe_PMCR_EL0, has_pmu, false },
};

/* setp, setm, sete [x0]!, x1!, x2: fill no bytes */
L2_ASM(fill, "mov x1, #0\n .inst 0x19c20420, 0x19c24420, 0x19c28420")
L2_ASM(read_lorsa, "mrs x0, S3_0_C10_C4_0")
L2_ASM(read_erridr, "mrs x0, S3_0_C5_C3_0")
L2_ASM(read_pmcr, "mrs x0, S3_3_C9_C12_0")
L2_ASM(read_pmccntr, "mrs x0, S3_3_C9_C13_0")

static bool has_mops(void)
{
	return FIELD(read_sysreg(S3_0_C0_C6_2), 19, 16) != 0;
}

/* An enable bit of HCRX_EL2: UNDEFINED in L2 without it, and with it where there is no FEAT_MOPS. */
static void mops(void)
{
	u64 vec;

	for (unsigned int on = 0; on <= has_hcx(); on++) {
		struct vcpu v;

		if (has_hcx())
			write_sysreg(on ? HCRX_MSCEn : 0, S3_4_C1_C2_2);
		isb();
		v = l2_first_exit(fill, (u64)rows, 0, L2_EL1, 0);
		if (on && has_mops())
			check(l2_done(&v), "MSCEn=1");
		else
			check(l2_at_el1_vector(&v, &vec) && ESR_EC(guest_read(ESR)) == EC_UNKNOWN,
			      on ? "MSCEn=1" : "MSCEn=0");
	}
}

/* A trap bit of a feature: forwarded with it, UNDEFINED in L2 without it. */
static void trap(const char *what, l2_fn fn, bool has, u64 hcr)
{
	struct vcpu v = l2_first_exit(fn, 0, 0, L2_EL1, hcr);
	u64 vec;

	if (has)
		check(ESR_EC(v.esr) == EC_SYS, what);
	else
		check(l2_at_el1_vector(&v, &vec) && ESR_EC(guest_read(ESR)) == EC_UNKNOWN, what);
}

void guest_main(void)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		struct exc e;

		exc_arm(0);
		rows[i].probe();
		e = exc_take();
		check(rows[i].has() || (rows[i].in_page && !e.count) ?
			      !e.count : e.count == 2 && ESR_EC(e.esr) == EC_UNKNOWN,
		      rows[i].name);
	}
	mmu_init_el2();
	l2_init();
	trap("TLOR", read_lorsa, has_lor(), HCR_TLOR);
	trap("TERR", read_erridr, has_ras(), HCR_TERR);
	write_sysreg(read_sysreg(mdcr_el2) | BIT(5) | BIT(6), mdcr_el2);
	isb();
	trap("TPMCR", read_pmcr, has_pmu(), 0);
	trap("TPM", read_pmccntr, has_pmu(), 0);
	mops();
}
