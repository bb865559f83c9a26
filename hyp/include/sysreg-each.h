/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Straight-line expansion of one group of hyp/sysregs.def, for save and restore lists. No include
 * guard: define what you want, include, done.
 *
 *   #define EACH_EL1BANK(name, loc_v1, loc_e2h, loc_nvhe, peer, fmt, feat)	...;
 *   #include <sysreg-each.h>
 *
 * EACH_<group> for any of the groups; those not defined expand to nothing, all are undefined
 * afterwards. Registers of EL1 and of EL2 of one group come mixed; their locations tell which bank
 * has them.
 */
#ifndef EACH_NONE
#define EACH_NONE(...)
#endif
#ifndef EACH_EL1BANK
#define EACH_EL1BANK(...)
#endif
#ifndef EACH_SP
#define EACH_SP(...)
#endif
#ifndef EACH_SHARED
#define EACH_SHARED(...)
#endif
#ifndef EACH_PAUTH
#define EACH_PAUTH(...)
#endif
#ifndef EACH_SVE
#define EACH_SVE(...)
#endif
#ifndef EACH_DEBUG
#define EACH_DEBUG(...)
#endif
#ifndef EACH_TIMER
#define EACH_TIMER(...)
#endif
#ifndef EACH_GIC
#define EACH_GIC(...)
#endif

#define __EACH_CALL(m, ...) m(__VA_ARGS__)
#define LOC(v1, e2h, nvhe)  v1, e2h, nvhe
#define SYSREG(name, op0, op1, crn, crm, op2, loc, peer, fmt, vncr, redir, reset, group, pgroup, \
	       feat, ...)                                                                        \
	__EACH_CALL(EACH_##group, name, loc, peer, fmt, feat)
#define SYSALIAS(...)
#include <sysregs.def>
#undef SYSREG
#undef SYSALIAS
#undef LOC
#undef __EACH_CALL
#undef EACH_NONE
#undef EACH_EL1BANK
#undef EACH_SP
#undef EACH_SHARED
#undef EACH_PAUTH
#undef EACH_SVE
#undef EACH_DEBUG
#undef EACH_TIMER
#undef EACH_GIC
