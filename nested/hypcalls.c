// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the host may call at EL2 (hypcalls.def): one wrapper and one table slot each. EL2.
 */
#include <kvm_hyp.h>
#include <idregs.h>
#include <nested.h>
#include <protect.h>
#include <pv.h>
#include <selftest.h>
#include <smmu.h>
#include <stats.h>

#define HYPCALL(name, call)							\
	unsigned long hyp_call_##name(unsigned long a0 __maybe_unused,		\
				      unsigned long a1 __maybe_unused,		\
				      unsigned long a2 __maybe_unused,		\
				      unsigned long a3 __maybe_unused)		\
	{									\
		return (unsigned long)(call);					\
	}
#include <hypcalls.def>
#undef HYPCALL

#define HYPCALL(name, call)	[__HYPCALL_##name] = hyp_call_##name,
const hypcall_fn hyp_call_table[NR_HYPCALLS] = {
#include <hypcalls.def>
};
