// SPDX-License-Identifier: GPL-2.0-only
/* PSCI by SMC, the conduit of a program that owns EL2. */
#include "lib.h"

s64 smccc(u64 fn, u64 a1, u64 a2, u64 a3)
{
	register u64 x0 asm("x0") = fn;
	register u64 x1 asm("x1") = a1;
	register u64 x2 asm("x2") = a2;
	register u64 x3 asm("x3") = a3;

	asm volatile("smc #0"
		     : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)
		     :
		     : "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14",
		       "x15", "x16", "x17", "memory");
	return (s64)x0;
}

u64 stolen_ns(void)
{
	return *(volatile u64 *)(smccc(PV_TIME_ST, 0, 0, 0) + 8);
}

void system_off(void)
{
	smccc(PSCI_SYSTEM_OFF, 0, 0, 0);
	for (;;)
		wfi();
}
