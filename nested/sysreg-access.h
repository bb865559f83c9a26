/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The handlers that the tables name: access_<handler>(), and which row has which.
 */
#ifndef NESTED_SYSREG_ACCESS_H
#define NESTED_SYSREG_ACCESS_H

#include <sysreg-defs.h>

#define SYSREG(name, op0, op1, crn, crm, op2, loc, peer, fmt, vncr, redir, reset, group, pgroup, \
	       feat, handler, ...)                                                               \
	sysreg_access_fn access_##handler;
#define SYSALIAS(...)
#define SYSINSN(name, op0, op1, crn, crm, op2, class, feat, handler, ...) \
	sysreg_access_fn access_##handler;
#include <sysregs.def>
#include <sysinsns.def>
#undef SYSREG
#undef SYSALIAS
#undef SYSINSN

/* By row number; an alias has none of its own, see sysreg_base(). */
extern sysreg_access_fn *const sysreg_access[NR_SYS_DESCS];
extern sysreg_access_fn *const sysinsn_access[NR_SYS_INSNS];

#endif
