// SPDX-License-Identifier: GPL-2.0-only
/*
 * The end of the machine. Any EL, any context, any CPU; nothing here depends on memory but the
 * stack.
 */
#include <log.h>

#define SYS_EXIT			0x18
#define ADP_STOPPED_APPLICATION_EXIT	0x20026
#define PSCI_SYSTEM_OFF			0x84000008

extern char l0_exit_vectors[];

void l0_exit(int status)
{
	u64 block[2] = { ADP_STOPPED_APPLICATION_EXIT, (u64)(unsigned int)status };
	register u64 x0 asm("x0") = SYS_EXIT;
	register u64 *x1 asm("x1") = block;
	u64 el;

	asm volatile("msr daifset, #15\n\tmrs %0, CurrentEL" : "=r"(el) : : "memory");
	if (el == 2 << 2)
		asm volatile("msr vbar_el2, %0" : : "r"(l0_exit_vectors));
	else
		asm volatile("msr vbar_el1, %0" : : "r"(l0_exit_vectors));
	/*
	 * Only a status needs the debugger, which ends the real machine: an L0 that is itself L1 of
	 * another one ends its own machine when all is well.
	 */
	if (!status) {
		register u64 fn asm("x0") = PSCI_SYSTEM_OFF;

		asm volatile("smc #0" : "+r"(fn) : : "x1", "x2", "x3", "memory");
	}
	/* ISB: the HLT must find the new vectors. The block must be in memory: "m". */
	asm volatile("isb\n\thlt #0xf000" : "+r"(x0) : "r"(x1), "m"(block) : "memory");
	for (;;)
		asm volatile("wfi");
}
