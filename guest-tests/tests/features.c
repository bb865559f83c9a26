// SPDX-License-Identifier: GPL-2.0-only
/*
 * Instructions and registers that a hypervisor below may take out of its virtual CPU: used without an
 * exception where the ID registers offer them, UNDEFINED where they do not, at EL2 and in a guest of it.
 * With show=yes, "ID" lines say what is offered.
 */
#include "l2.h"

#define ID(name, reg, lo)							\
	static u64 id_##name(void)						\
	{									\
		return FIELD(read_sysreg(reg), (lo) + 3, lo);			\
	}
ID(apa, id_aa64isar1_el1, 4)
ID(api, id_aa64isar1_el1, 8)
ID(apa3, S3_0_C0_C6_2, 12)
ID(tlb, id_aa64isar0_el1, 56)
ID(dpb, id_aa64isar1_el1, 0)
ID(specres, id_aa64isar1_el1, 40)
ID(pan, id_aa64mmfr1_el1, 20)
ID(fgt, id_aa64mmfr0_el1, 56)
ID(nv, S3_0_C0_C7_2, 24)

static u64 id_pauth(void)
{
	return id_apa() | id_api() | id_apa3();
}

L2_ASM(pacga, ".inst 0x9ac13000")			/* pacga x0, x0, x1 */
L2_ASM(read_apiakey, "mrs x0, S3_0_C2_C1_0")
L2_ASM(tlbi_vmalle1os, "sys #0, c8, c1, #0")
L2_ASM(tlbi_vae1os, "mov x0, #0\n sys #0, c8, c1, #1, x0")
L2_ASM(tlbi_alle2os, "sys #4, c8, c1, #0")
L2_ASM(tlbi_rvae1, "mov x0, #0\n sys #0, c8, c6, #1, x0")
L2_ASM(tlbi_rvae1is, "mov x0, #0\n sys #0, c8, c2, #1, x0")
L2_ASM(tlbi_rvae1os, "mov x0, #0\n sys #0, c8, c5, #1, x0")
L2_ASM(tlbi_rvae2is, "mov x0, #0\n sys #4, c8, c2, #1, x0")
L2_ASM(dc_cvap, "sys #3, c7, c12, #1, x0")
L2_ASM(dc_cvadp, "sys #3, c7, c13, #1, x0")
L2_ASM(cfp_rctx, "mov x0, #0\n sys #3, c7, c3, #4, x0")
L2_ASM(dvp_rctx, "mov x0, #0\n sys #3, c7, c3, #5, x0")
L2_ASM(cpp_rctx, "mov x0, #0\n sys #3, c7, c3, #7, x0")
L2_ASM(at_s1e1rp, "sys #0, c7, c9, #0, x0")
L2_ASM(at_s1e1wp, "sys #0, c7, c9, #1, x0")
L2_ASM(read_hfgrtr, "mrs x0, S3_4_C1_C1_4")
L2_ASM(read_hfgitr, "mrs x0, S3_4_C1_C1_6")
L2_ASM(read_vncr, "mrs x0, S3_4_C2_C2_0")

static const struct {
	const char *name;
	l2_fn fn;
	u64 (*id)(void);
	u64 from;	/* value of the field from which on it exists */
	bool el2;	/* UNDEFINED below EL2 anyway */
	bool in_page;	/* NV2 makes it a memory access, which cannot be made UNDEFINED */
} rows[] = {
	{ "pacga", pacga, id_pauth, 1, false, false },
	{ "APIAKeyLo_EL1", read_apiakey, id_pauth, 1, false, false },
	{ "tlbi vmalle1os", tlbi_vmalle1os, id_tlb, 1, false, false },
	{ "tlbi vae1os", tlbi_vae1os, id_tlb, 1, false, false },
	{ "tlbi alle2os", tlbi_alle2os, id_tlb, 1, true, false },
	{ "tlbi rvae1", tlbi_rvae1, id_tlb, 2, false, false },
	{ "tlbi rvae1is", tlbi_rvae1is, id_tlb, 2, false, false },
	{ "tlbi rvae1os", tlbi_rvae1os, id_tlb, 2, false, false },
	{ "tlbi rvae2is", tlbi_rvae2is, id_tlb, 2, true, false },
	{ "dc cvap", dc_cvap, id_dpb, 1, false, false },
	{ "dc cvadp", dc_cvadp, id_dpb, 2, false, false },
	{ "cfp rctx", cfp_rctx, id_specres, 1, false, false },
	{ "dvp rctx", dvp_rctx, id_specres, 1, false, false },
	{ "cpp rctx", cpp_rctx, id_specres, 1, false, false },
	{ "at s1e1rp", at_s1e1rp, id_pan, 2, false, false },
	{ "at s1e1wp", at_s1e1wp, id_pan, 2, false, false },
	{ "HFGRTR_EL2", read_hfgrtr, id_fgt, 1, true, true },
	{ "HFGITR_EL2", read_hfgitr, id_fgt, 1, true, true },
	{ "VNCR_EL2", read_vncr, id_nv, 2, true, true },
};

static u64 scratch[8] __attribute__((aligned(64)));

#define SHOW(reg) printf("ID " #reg " %016lx\n", read_sysreg(reg))

static void show(void)
{
	SHOW(id_aa64pfr0_el1);
	SHOW(id_aa64pfr1_el1);
	SHOW(id_aa64isar0_el1);
	SHOW(id_aa64isar1_el1);
	SHOW(S3_0_C0_C6_2);
	SHOW(id_aa64mmfr0_el1);
	SHOW(id_aa64mmfr1_el1);
	SHOW(S3_0_C0_C7_2);
}

void guest_main(void)
{
	u64 a = (u64)scratch, vec;

	if (arg_is("show", "yes"))
		show();
	mmu_init_el2();
	l2_init();
	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		bool has = rows[i].id() >= rows[i].from;
		struct exc e;

		exc_arm(0);
		rows[i].fn(a, 0);
		e = exc_take();
		check(has || (rows[i].in_page && !e.count) ?
			      !e.count : e.count == 1 && ESR_EC(e.esr) == EC_UNKNOWN,
		      rows[i].name);
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		bool has = rows[i].id() >= rows[i].from && !rows[i].el2;
		struct vcpu v = l2_first_exit(rows[i].fn, a, 0, L2_EL1, HCR_API | HCR_APK);

		check(has ? l2_done(&v) :
			    l2_at_el1_vector(&v, &vec) && ESR_EC(guest_read(ESR)) == EC_UNKNOWN,
		      rows[i].name);
	}
}
