/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Exit reasons, from hyp/exits.def. Compiles alone, for arm64 and for the build machine.
 *
 * EC 0x18 counts as "sysreg", except system instructions, which count as tlbi, at or cache: the
 * caller says which with the encoding (exit_reason_sys).
 */
#ifndef EXITS_H
#define EXITS_H

#include <types.h>

#define EXIT(id, name, ec) EXIT_##id,
enum exit_reason {
#include <exits.def>
	NR_EXITS,
};
#undef EXIT

/* By ESR_EL2.EC, and the names that counters and traces print. */
extern const u8 exit_reason_by_ec[64 + NR_EXITS];
extern const char *const exit_names[NR_EXITS];

/* Reason of a synchronous exit. @esr: ESR_EL2. */
static inline enum exit_reason exit_reason_sync(u64 esr)
{
	unsigned int ec = (esr >> 26) & 63, crn = (esr >> 10) & 15;

	/* SYS instructions: op0=1; CRn 8 and 9 are TLBI, 7 the caches and AT (CRm 8, 9). */
	if (ec == 0x18 && ((esr >> 20) & 3) == 1) {
		if (crn == 8 || crn == 9)
			return EXIT_TLBI;
		if (crn == 7)
			return ((esr >> 2) & 7) == 4 ? EXIT_AT : EXIT_CACHE;
	}
	if (ec == 0x25 && (esr & BIT(13)))
		return EXIT_VNCR;
	return (enum exit_reason)exit_reason_by_ec[ec];
}

#endif
