// SPDX-License-Identifier: GPL-2.0-only
/* Where BUG_ON() ends: one of L0's own invariants does not hold. Any EL, any context. */
#include <bug.h>
#include <log.h>

void __noreturn hyp_bug(const char *file, unsigned int line)
{
	struct json j;

	json_begin(&j, "panic");
	json_fmt(&j, "msg", "BUG at %s:%u", file, line);
	json_end(&j);
	l0_exit(STATUS_PANIC);
}
