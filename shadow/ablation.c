// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which accesses of vEL2 trap by request, and which are counted as if they did not: see ablation.h. Before
 * the MMU is on and at EL2; nothing of it changes once a vCPU runs.
 */
#include <ablation.h>

struct fgt_bits ablation_fgt;
static struct reg_set served;

bool reg_set_is_empty(const struct reg_set *set)
{
	u64 any = 0;

	for (unsigned int i = 0; i < REG_SET_WORDS; i++)
		any |= set->bits[0][i] | set->bits[1][i];
	return !any;
}

/* Does it trap at vEL2 by its name alone? */
static bool traps_by_name(const struct sysreg_desc *desc, bool nv2)
{
	bool el2 = desc->via != VIA_NAME || sys_reg_Op1(desc->enc) == 4;

	return el2 && !(nv2 && desc->redir != REDIR_NEVER);
}

/* Registers whose handlers emulate what vEL2 sees under EL1's name. */
static bool can_emulate(const struct sysreg_desc *desc)
{
	return desc->group == GROUP_EL1BANK || desc->group == GROUP_SHARED ||
	       desc->group == GROUP_PAUTH || desc->idx == MDSCR_EL1;
}

static u64 *fgt_of(u16 ctrl)
{
	switch (ctrl) {
	case HFGRTR_EL2:
		return &ablation_fgt.hfgrtr;
	case HFGWTR_EL2:
		return &ablation_fgt.hfgwtr;
	case HDFGRTR_EL2:
		return &ablation_fgt.hdfgrtr;
	case HDFGWTR_EL2:
		return &ablation_fgt.hdfgwtr;
	default:
		return NULL;
	}
}

/* The bit that traps it, among the conditions under which L1 may trap it. */
static bool trap_by_fgt(const struct sysreg_desc *desc, bool write)
{
	const struct sysreg_fwd *f;

	for (f = desc->fwd; f->dir; f++) {
		u64 *bits = fgt_of(f->ctrl);

		if (bits && f->when == WHEN_FGT && f->val == f->mask &&
		    (f->dir & (write ? FWD_W : FWD_R))) {
			*bits |= f->mask;
			return true;
		}
	}
	return false;
}

static const char *trap_one(const struct sysreg_desc *desc, bool write, bool nv2, bool fgt)
{
	/* Other names of a register trap where they do; nobody has asked for them. */
	if (desc->via != VIA_NAME || traps_by_name(desc, nv2))
		return NULL;
	if (sys_reg_Op1(desc->enc) == 4)
		return "FEAT_NV2 makes it a memory access before any trap (vel2.mech=nv vel2.notrap=nv2 models it)";
	if (!fgt)
		return "this CPU has no FEAT_FGT";
	if (!can_emulate(desc) || !trap_by_fgt(desc, write))
		return "no fine-grained trap has it";
	return NULL;
}

const char *ablation_init(const struct reg_set *trap, const struct reg_set *notrap, bool nv2,
			  bool fgt, const char **name)
{
	const char *problem;

	*name = "vel2.notrap";
	if (nv2 && !reg_set_is_empty(notrap))
		return "is for a mechanism that traps everything: vel2.mech=nv";
	for (unsigned int i = 0; i < NR_SYS_DESCS; i++) {
		for (unsigned int write = 0; write < 2; write++) {
			if (!reg_set_has(trap, i, write))
				continue;
			*name = sysreg_descs[i].name;
			problem = trap_one(&sysreg_descs[i], write, nv2, fgt);
			if (problem)
				return problem;
		}
	}
	for (unsigned int i = 0; i < REG_SET_WORDS; i++) {
		served.bits[0][i] = notrap->bits[0][i] & ~trap->bits[0][i];
		served.bits[1][i] = notrap->bits[1][i] & ~trap->bits[1][i];
	}
	return NULL;
}

bool ablation_serves(unsigned int nr, bool write)
{
	return reg_set_has(&served, nr, write);
}
