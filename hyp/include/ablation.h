/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ablation: registers whose accesses trap although the mechanism would not trap them, and registers whose
 * accesses do trap here but are counted as what an architecture that does not exist would make of them.
 *
 * vel2.trap=LIST: an access from vEL2 really traps. By FEAT_FGT for EL1's own names, which the architecture
 * looks at before NV2 makes them memory accesses; what traps anyway may be named, too. NV2 redirects EL2's
 * names, EL12 and EL02 names before any trap (pseudocode of each register): those cannot be had under nv2.
 *
 * vel2.notrap=LIST, for a mechanism that traps everything: the access traps and is emulated as always, but
 * counts as "served": as from memory, not as an exit. What it cost L0 is not what the modelled machine
 * would spend, so instructions of a region with one are not given. vel2.trap= takes away from the list:
 * nv with notrap=nv2 trap=VTTBR_EL2 is FEAT_NV2 without a slot for VTTBR_EL2.
 *
 * LIST: names of registers (with their EL12 and EL02 names) or groups, by commas; :r or :w behind one is
 * that direction only. Groups are the pgroup column of sysregs.def, in small letters; nv2 (what FEAT_NV2
 * keeps from trapping, and L0 does not trap all the same) and neve (what NEVE's hardware would).
 */
#ifndef ABLATION_H
#define ABLATION_H

#include <sysreg-defs.h>
#include <types.h>

#define REG_SET_WORDS	((NR_SYS_DESCS + 63) / 64)

/* Row numbers of sysregs.def, of aliases too: [0] reads, [1] writes. */
struct reg_set {
	u64 bits[2][REG_SET_WORDS];
};

static inline bool reg_set_has(const struct reg_set *set, unsigned int nr, bool write)
{
	return set->bits[write][nr / 64] & BIT(nr % 64);
}

bool reg_set_is_empty(const struct reg_set *set);

/* "A,B:r,group" of @n characters into @set, which may hold some already. The first that is wrong: -EINVAL. */
int reg_set_parse(const char *s, size_t n, struct reg_set *set, const char **wrong,
		  size_t *wrong_len);

/* Fine-grained traps of L0's own while vEL2 runs: HFGRTR_EL2, HFGWTR_EL2, HDFGRTR_EL2, HDFGWTR_EL2. */
struct fgt_bits {
	u64 hfgrtr, hfgwtr, hdfgrtr, hdfgwtr;
};
extern struct fgt_bits ablation_fgt;

/*
 * Both lists into effect, EL2 or earlier. NULL, or why that cannot be; then @name is a register's.
 * @nv2: the mechanism keeps registers in memory; @fgt: the CPU has FEAT_FGT.
 */
const char *ablation_init(const struct reg_set *trap, const struct reg_set *notrap, bool nv2,
			  bool fgt, const char **name);

/* Is a trapped access of row @nr from vEL2 one that only the model serves? */
bool ablation_serves(unsigned int nr, bool write);

#endif
