/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The conditions of the tables under which an EL2 wants a trap (columns FWD of hyp/sysregs.def and
 * hyp/sysinsns.def), as data.
 */
#ifndef GUEST_FORWARD_H
#define GUEST_FORWARD_H

#include "types.h"

enum fwd_ctrl {
	CTRL_HCR_EL2,
	CTRL_CPTR_EL2,
	CTRL_MDCR_EL2,
	CTRL_CNTHCTL_EL2,
	CTRL_ICH_HCR_EL2,
	CTRL_ICC_SRE_EL2,
	CTRL_HFGRTR_EL2,
	CTRL_HFGWTR_EL2,
	CTRL_HFGITR_EL2,
	CTRL_HDFGRTR_EL2,
	CTRL_HDFGWTR_EL2,
};

enum fwd_pol { POL_SET, POL_CLR };
enum fwd_dir { DIR_END, DIR_R, DIR_W, DIR_RW };
enum fwd_when { WHEN_ANY, WHEN_E2H0, WHEN_E2H1, WHEN_FGT };

struct fwd {
	const char *field;
	u64 mask;
	u8 ctrl, pol, dir, when;
};

struct fwd_row {
	const char *name;
	u16 enc;	       /* op0 << 14 | op1 << 11 | CRn << 7 | CRm << 3 | op2 */
	const struct fwd *fwd; /* ends with DIR_END */
};

/* Rows that every CPU has (feature ALWAYS), or that go with what the tests ask for by name. */
extern const struct fwd_row fwd_rows[];
extern const unsigned int nr_fwd_rows;

#endif
