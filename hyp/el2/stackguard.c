// SPDX-License-Identifier: GPL-2.0-only
/*
 * The stack protector of L0's own code and of Debian's libfdt. Any EL; head.S sets the word before any C.
 */
#include <log.h>

extern unsigned long __stack_chk_guard;
void __noreturn __stack_chk_fail(void);

unsigned long __stack_chk_guard __host_ro = 1;

void __stack_chk_fail(void)
{
	struct json j;

	json_begin(&j, "panic");
	json_fmt(&j, "msg", "stack overrun, found on return to 0x%llx",
		 (u64)(uintptr_t)__builtin_return_address(0));
	json_end(&j);
	l0_exit(STATUS_PANIC);
}
