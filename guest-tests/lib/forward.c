// SPDX-License-Identifier: GPL-2.0-only
/* The tables' forwarding conditions as data. Knows the fields by the tables' own names. */
#include "forward.h"

#include "../../hyp/include/sysreg-fields.h"

#define ENC(op0, op1, crn, crm, op2) ((op0) << 14 | (op1) << 11 | (crn) << 7 | (crm) << 3 | (op2))

#define NOFWD                  \
	{                      \
		.dir = DIR_END \
	}
#define T(c, f, p, d, w)                                                                  \
	{                                                                                 \
		.field = #f, .mask = f, .ctrl = CTRL_##c, .pol = POL_##p, .dir = DIR_##d, \
		.when = WHEN_##w                                                          \
	}
#define FWD(...)	    ((const struct fwd[]){ __VA_ARGS__, NOFWD })

/* Of the features only those that QEMU's max and L0 both offer. */
#define WITH_ALWAYS(...)    __VA_ARGS__
#define WITH_PAUTH(...)	    __VA_ARGS__
#define WITH_TLBIOS(...)    __VA_ARGS__
#define WITH_TLBIRANGE(...) __VA_ARGS__
#define WITH_DPB(...)	    __VA_ARGS__
#define WITH_DPB2(...)	    __VA_ARGS__
#define WITH_PAN2(...)	    __VA_ARGS__
#define WITH_SPECRES(...)   __VA_ARGS__
#define WITH_VHE(...)
#define WITH_FGT(...)
#define WITH_FGT2(...)
#define WITH_HCX(...)
#define WITH_ECV(...)	    __VA_ARGS__
#define WITH_ECV2(...)
#define WITH_NV2(...)
#define WITH_RAS(...)
#define WITH_CSV2_2(...)
#define WITH_AA32EL1(...)
#define WITH_SEL2(...)
#define WITH_AMU(...)
#define WITH_MTE(...)
#define WITH_MTE2(...)
#define WITH_SME(...)
#define WITH_SVE(...)
#define WITH_PMU(...)
#define WITH_SPE(...)
#define WITH_TRBE(...)
#define WITH_TRF(...)
#define WITH_BRBE(...)
#define WITH_MPAM(...)
#define WITH_LOR(...)
#define WITH_CCIDX(...)
#define WITH_TCR2(...)
#define WITH_SCTLR2(...)
#define WITH_S1PIE(...)
#define WITH_S1POE(...)
#define WITH_S2PIE(...)
#define WITH_S2POE(...)
#define WITH_AIE(...)
#define WITH_MEC(...)
#define WITH_GCS(...)
#define WITH_RNG(...)
#define WITH_THE(...)
#define WITH_LS64(...)
#define WITH_GICNMI(...)
#define WITH_XS(...)
#define WITH_ATS1A(...)
#define WITH_SPECRES2(...)

const struct fwd_row fwd_rows[] = {
#define SYSREG(n, op0, op1, crn, crm, op2, loc, peer, fmt, vncr, redir, reset, group, pgroup, \
	       feat, handler, fw, rule)                                                       \
	WITH_##feat({ .name = #n, .enc = ENC(op0, op1, crn, crm, op2), .fwd = fw }, )
#define SYSALIAS(...)
#define SYSINSN(n, op0, op1, crn, crm, op2, kind, feat, handler, fw, rule) \
	WITH_##feat({ .name = #n, .enc = ENC(op0, op1, crn, crm, op2), .fwd = fw }, )
#include "../../hyp/sysregs.def"
#include "../../hyp/sysinsns.def"
};

const unsigned int nr_fwd_rows = ARRAY_SIZE(fwd_rows);
