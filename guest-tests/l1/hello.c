// SPDX-License-Identifier: GPL-2.0-only
/* The smallest L1: says at which level and in which mode it runs, marks a region, HVCs to itself. */
#include "lib.h"

void guest_main(void)
{
	struct exc e;

	printf("hello from EL%lu\n", FIELD(read_sysreg(CurrentEL), 3, 2));
	printf("mode %s\n", vhe_mode ? "vhe" : "nvhe");

	marker_begin(REGION_empty_vm);
	marker_end(REGION_empty_vm, 1);

	exc_arm(0);
	asm volatile("hvc #0x123" : : : "memory");
	e = exc_take();
	check_eq("hvc to itself: exceptions", e.count, 1);
	check_eq("hvc to itself: vector", e.vec, VEC(GROUP_SPX, KIND_SYNC));
	check_eq("hvc to itself: class", ESR_EC(e.esr), EC_HVC);
	check_eq("hvc to itself: immediate", FIELD(e.esr, 15, 0), 0x123);
	check_eq("hvc to itself: mode", e.pstate & PSR_M, PSR_EL2h);
}
