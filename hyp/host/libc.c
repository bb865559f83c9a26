// SPDX-License-Identifier: GPL-2.0-only
/*
 * What Debian's libfdt was compiled to expect of a C library beyond string.h: a stack protector.
 */
#include <log.h>

extern unsigned long __stack_chk_guard;
void __noreturn __stack_chk_fail(void);

unsigned long __stack_chk_guard = 0x5bd1e995a5a50a0dUL;

void __stack_chk_fail(void)
{
	log_error("stack overrun in libfdt");
	l0_exit(2);
}
