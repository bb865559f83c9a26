// SPDX-License-Identifier: GPL-2.0-only
/*
 * From start.S to the program: boot arguments, VHE or nVHE, verdicts.
 * mode=vhe|nvhe; without it VHE wherever the CPU has it.
 */
#include "lib.h"

bool vhe_mode;
static unsigned int failures;

/*
 * HCR_EL2.E2H changes what EL1 names mean, and a hypervisor below may not have seen the store
 * (FEAT_NV2). VBAR_EL2 always traps there, so nothing after its write can be misread.
 */
void set_e2h(bool on)
{
	u64 hcr = read_sysreg(hcr_el2);

	hcr = on ? hcr | HCR_E2H : hcr & ~HCR_E2H;
	write_sysreg(hcr, hcr_el2);
	isb();
	write_sysreg(on ? (u64)vectors_vhe : (u64)vectors, vbar_el2);
	isb();
	vhe_mode = on;
}

static void choose_mode(void)
{
	bool has_vhe = FIELD(read_sysreg(id_aa64mmfr1_el1), 11, 8) != 0;
	bool is_vhe = (read_sysreg(hcr_el2) & HCR_E2H) != 0;

	/* no E2H bit at all in what follows: RW so that EL1 is AArch64 whatever is run there */
	write_sysreg(HCR_RW | (is_vhe ? HCR_E2H : 0), hcr_el2);
	isb();
	is_vhe = (read_sysreg(hcr_el2) & HCR_E2H) != 0;
	if (arg_is("mode", "nvhe")) {
		/* FEAT_E2H0 absent: E2H reads as 1 and cannot be cleared */
		if (FIELD(read_sysreg(S3_0_C0_C7_4), 27, 24) != 0)
			fail("mode=nvhe: E2H is RES1 on this CPU");
		set_e2h(false);
	} else if (has_vhe) {
		set_e2h(true);
	} else if (arg_is("mode", "vhe")) {
		fail("mode=vhe: this CPU has no VHE");
	}
}

void guest_start(const void *dtb)
{
	args_init(fdt_bootargs(dtb));
	if (FIELD(read_sysreg(CurrentEL), 3, 2) != 2) {
		printf("FAIL not entered at EL2\n");
		system_off();
	}
	choose_mode();
	guest_main();
	finish();
}

void check(bool ok, const char *what)
{
	printf("%s %s\n", ok ? "ok" : "FAIL", what);
	failures += !ok;
}

void check_eq(const char *what, u64 got, u64 want)
{
	if (got == want) {
		printf("ok %s %lx\n", what, got);
		return;
	}
	printf("FAIL %s: %lx, should be %lx\n", what, got, want);
	failures++;
}

void fail(const char *what)
{
	printf("FAIL %s\n", what);
	system_off();
}

void finish(void)
{
	if (failures)
		printf("%u FAILED\n", failures);
	else
		printf("ALL PASS\n");
	system_off();
}
