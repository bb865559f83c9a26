// SPDX-License-Identifier: GPL-2.0-only
/*
 * L0's own pointer authentication and BTI on a CPU: see pauth.h. EL2, MMU off.
 */
#include <hyp_init.h>
#include <kvm_hyp.h>
#include <pauth.h>

#define PFR1_BT		0xfULL

u64 hyp_apia_key[2];

u64 pauth_cpu_init(void)
{
	u64 sctlr = 0;

	if (hyp_caps & BIT(CAP_PAUTH)) {
		write_sysreg_s(hyp_apia_key[0], SYS_APIAKEYLO_EL1);
		write_sysreg_s(hyp_apia_key[1], SYS_APIAKEYHI_EL1);
		sctlr |= SCTLR_L0_ENIA;
	}
	if (read_sysreg(ID_AA64PFR1_EL1) & PFR1_BT)
		sctlr |= SCTLR_L0_BT;
	return sctlr;
}
