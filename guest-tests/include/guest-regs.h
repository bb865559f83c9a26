/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A hypervisor's access to its guest's EL1 registers: by EL12 name under E2H, by EL1 name otherwise.
 * name is the register without its suffix, in capitals: guest_write(v, SCTLR).
 */
#ifndef GUEST_GUEST_REGS_H
#define GUEST_GUEST_REGS_H

#include "lib.h"

#define guest_write(v, name) do {			\
	if (vhe_mode)					\
		write_sysreg(v, SYS_##name##_EL12);	\
	else						\
		write_sysreg(v, name##_EL1);		\
} while (0)

#define guest_read(name) \
	(vhe_mode ? read_sysreg(SYS_##name##_EL12) : read_sysreg(name##_EL1))

#endif
