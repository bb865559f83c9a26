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

/*
 * The same for a row that this virtual CPU has, and whose handler has nothing to do but with the
 * register: at vEL2 an access by the register's own name needs no more than this. Else NULL.
 */
extern sysreg_access_fn *sysreg_plain_access[NR_SYS_DESCS];

/* @features: kvm.vcpu_features. Once, before any guest runs. */
void sysreg_plain_init(u64 features);

#endif
