// SPDX-License-Identifier: GPL-2.0-only
/*
 * HCR_EL2.E2H changed at run time, as a kernel does that boots nVHE and then turns VHE: registers
 * keep their values, EL1 names change their meaning, EL12 names come and go. MMU off.
 */
#include "l2.h"

static void names(const char *what)
{
	u64 mair = read_sysreg(mair_el1), tpidr = read_sysreg(tpidr_el1);
	struct exc e;

	printf("%s: mair_el1 %lx mair_el2 %lx far_el1 %lx far_el2 %lx tpidr_el1 %lx\n", what, mair,
	       read_sysreg(mair_el2), read_sysreg(far_el1), read_sysreg(far_el2), tpidr);
	printf("%s: ttbr0_el1 %lx ttbr0_el2 %lx elr_el1 %lx elr_el2 %lx\n", what,
	       read_sysreg(ttbr0_el1), read_sysreg(ttbr0_el2), read_sysreg(elr_el1),
	       read_sysreg(elr_el2));
	exc_arm(0);
	asm volatile("mrs x9, S3_5_C10_C2_0" : : : "x9", "memory");
	e = exc_take();
	printf("%s: mair_el12 %s\n", what, e.count ? ec_name(e.esr) : "is there");
}

static void fill(u64 seed)
{
	write_sysreg(seed + 0x01, mair_el1);
	write_sysreg(seed + 0x10, far_el1);
	write_sysreg(seed + 0x1000, ttbr0_el1);
	write_sysreg(seed + 0x2000, elr_el1);
	write_sysreg(seed + 0x03, tpidr_el1);
}

L2_ASM(get_mair, "mrs x0, mair_el1")
L2_ASM(get_ttbr0, "mrs x0, ttbr0_el1")
L2_ASM(set_mair, "msr mair_el1, x0")

static void l2_view(void)
{
	l2_init();
	guest_write(0x1111, MAIR);
	guest_write(0x3000, TTBR0);
	isb();
	printf("L2: mair %lx ttbr0 %lx\n", l2_call(get_mair, 0, 0), l2_call(get_ttbr0, 0, 0));
	l2_call(set_mair, 0x2222, 0);
	printf("set by L2: %lx\n", guest_read(MAIR));
}

void guest_main(void)
{
	/* the program starts nVHE: mode=nvhe */
	write_sysreg(0xa0a0, mair_el2);
	write_sysreg(0xb0b0, far_el2);
	write_sysreg(0xc000, ttbr0_el2);
	write_sysreg(0xd000, elr_el2);
	fill(0x100000);
	names("nvhe");
	l2_view();
	for (unsigned int i = 0; i < 3; i++) {
		u64 cptr;

		set_e2h(true);
		names("vhe");
		fill(0x200000 + i * 0x100000);
		names("vhe, written");
		write_sysreg(3UL << 20, cptr_el2);
		isb();
		cptr = read_sysreg(cpacr_el1);
		printf("cptr by its EL1 name %lx\n", cptr);
		l2_view();
		set_e2h(false);
		names("nvhe again");
		write_sysreg(0x33ff, cptr_el2);
		isb();
		l2_view();
		fill(0x900000 + i * 0x100000);
	}
}
