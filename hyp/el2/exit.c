// SPDX-License-Identifier: GPL-2.0-only
/*
 * The end of the machine. Any EL, any context, any CPU; nothing here depends on memory but the
 * stack.
 */
#include <log.h>
#include <psci.h>

#define SYS_EXIT		     0x18
#define ADP_STOPPED_APPLICATION_EXIT 0x20026

extern char l0_exit_vectors[];

/* @fn: a PSCI call without arguments that ends it, tried first; 0: none. */
static void __noreturn end(u32 fn, int status)
{
	u64 block[2] = { ADP_STOPPED_APPLICATION_EXIT, (u64)(unsigned int)status };
	register u64 x0 asm("x0") = fn;
	register u64 *x1 asm("x1");
	u64 el;

	asm volatile("msr daifset, #15\n\tmrs %0, CurrentEL" : "=r"(el) : : "memory");
	if (el == 2 << 2)
		asm volatile("msr vbar_el2, %0" : : "r"(l0_exit_vectors));
	else
		asm volatile("msr vbar_el1, %0" : : "r"(l0_exit_vectors));
	/* ISB: an SMC or HLT that does not exist must find the new vectors. */
	asm volatile("isb");
	if (fn)
		asm volatile("smc #0" : "+r"(x0) : : "x1", "x2", "x3", "memory");
	x0 = SYS_EXIT;
	x1 = block;
	/* The block must be in memory: "m". */
	asm volatile("hlt #0xf000" : "+r"(x0) : "r"(x1), "m"(block) : "memory");
	for (;;)
		asm volatile("wfi");
}

/*
 * Only a status needs the debugger, which ends the real machine: an L0 that is itself L1 of another one ends its
 * own machine when all is well.
 */
void l0_exit(int status)
{
	end(status ? 0 : PSCI_SYSTEM_OFF, status);
}

void l0_reset(void)
{
	end(PSCI_SYSTEM_RESET, 0);
}
