// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rows of hyp/sysregs.def and hyp/sysinsns.def as data, and the decode of an encoding to a row.
 *
 * EL2 only. Constant after sysreg_table_init(), which the boot CPU runs before any other CPU is up:
 * no locks. A duplicate encoding, VNCR slot or index, and a redirection rule without an offset, do
 * not compile. The rows' handlers are in nested/sysreg-access.h, a room further right.
 */
#include <types.h>
#include <exits.h>
#include <kvm_host.h>
#include <sysreg.h>
#include <sysreg-defs.h>

/* --- the rows check themselves: never called, only compiled --- */

#define REDIR_OK_NEVER(vncr)  1
#define REDIR_OK_TOREG(vncr)  ((vncr) == NOVNCR)
#define REDIR_OK_ALWAYS(vncr) ((vncr) < 4096 && (vncr) % 8 == 0)
#define REDIR_OK_NV1(vncr)    ((vncr) < 4096 && (vncr) % 8 == 0)

#define SYSREG(name, op0, op1, crn, crm, op2, loc, peer, fmt, vncr, redir, ...)               \
	_Static_assert(REDIR_OK_##redir(vncr), #name ": " #redir " does not fit its offset"); \
	_Static_assert((op0) >= 2 && (op0) < 4 && (op1) < 8 && (crn) < 16 && (crm) < 16 &&    \
			       (op2) < 8,                                                     \
		       #name ": no such encoding");
#define SYSALIAS(...)
#include <sysregs.def>
#undef SYSREG
#undef SYSALIAS

/* Two rows of one encoding, or of one index, are two equal case labels. */
static inline __maybe_unused void encodings_differ(enum sysreg_encoding enc)
{
	switch ((int)enc) {
#define SYSREG(name, ...)   case SYS_##name:
#define SYSALIAS(name, ...) case SYS_##name:
#define SYSINSN(name, ...)  case SYS_##name:
#include <sysregs.def>
#include <sysinsns.def>
#undef SYSREG
#undef SYSALIAS
#undef SYSINSN
		break;
	}
}

static inline __maybe_unused void indices_differ(enum vcpu_sysreg idx)
{
	switch ((int)idx) {
#define SYSREG(name, ...) case name:
#define SYSALIAS(...)
#include <sysregs.def>
#undef SYSREG
#undef SYSALIAS
		break;
	}
}

/* --- the rows --- */

#define POL_SET(mask) (mask)
#define POL_CLR(mask) 0
#define UNKNOWN	      RESET_UNKNOWN
#define T(c, field, pol, d, w)                                              \
	{                                                                   \
		.ctrl = c, .dir = FWD_##d, .when = WHEN_##w, .mask = field, \
		.val = POL_##pol(field)                                     \
	}
#define NOFWD            \
	{                \
		.dir = 0 \
	}
#define FWD(...) ((const struct sysreg_fwd[]){ __VA_ARGS__, { .dir = 0 } })
#define LOC(a, b, c)                      \
	{                                 \
		LOC_##a, LOC_##b, LOC_##c \
	}
#define PEER_IDX(p) ((int)(p) < 0 ? SYSREG_NONE : (int)(p))

/* An alias needs what its target needs, and E2H. */
#define SYSREG(n, op0, op1, crn, crm, op2, l, p, fm, vn, rd, rs, gr, pg, ft, ...) \
	FEAT_OF_##n = FEAT_##ft,
#define SYSALIAS(...)
enum sysreg_feat {
#include <sysregs.def>
};
#undef SYSREG
#undef SYSALIAS
#define ALIAS_FEAT(f) ((int)(f) == FEAT_ALWAYS ? FEAT_VHE : (int)(f))

#define SYSREG(n, op0, op1, crn, crm, op2, l, p, fm, vn, rd, rs, gr, pg, ft, handler, fw, ru) \
	[DESC_##n] = {                                                                        \
		.name = #n,                                                                   \
		.rule = ru,                                                                   \
		.reset = rs,                                                                  \
		.fwd = fw,                                                                    \
		.enc = SYS_##n,                                                               \
		.idx = n,                                                                     \
		.base = DESC_##n,                                                             \
		.peer = PEER_IDX(p),                                                          \
		.vncr = vn,                                                                   \
		.loc = l,                                                                     \
		.fmt = FMT_##fm,                                                              \
		.redir = REDIR_##rd,                                                          \
		.group = GROUP_##gr,                                                          \
		.pgroup = PGROUP_##pg,                                                        \
		.feat = FEAT_##ft,                                                            \
		.via = VIA_NAME,                                                              \
	},
#define SYSALIAS(n, op0, op1, crn, crm, op2, target, v) \
	[DESC_##n] = {                                  \
		.name = #n,                             \
		.rule = #n,                             \
		.fwd = FWD(NOFWD),                      \
		.enc = SYS_##n,                         \
		.idx = target,                          \
		.base = DESC_##target,                  \
		.peer = SYSREG_NONE,                    \
		.vncr = NOVNCR,                         \
		.feat = ALIAS_FEAT(FEAT_OF_##target),   \
		.via = VIA_##v,                         \
	},
const struct sysreg_desc sysreg_descs[NR_SYS_DESCS] = {
#include <sysregs.def>
};
#undef SYSREG
#undef SYSALIAS

#define SYSINSN(n, op0, op1, crn, crm, op2, cl, ft, handler, fw, ru) \
	[INSN_##n] = {                                               \
		.name = #n,                                          \
		.rule = ru,                                          \
		.fwd = fw,                                           \
		.enc = SYS_##n,                                      \
		.class = INSN_CLASS_##cl,                            \
		.feat = FEAT_##ft,                                   \
	},
const struct sysinsn_desc sysinsn_descs[NR_SYS_INSNS] = {
#include <sysinsns.def>
};
#undef SYSINSN

/* --- fields with a fixed value --- */

/* In the order of sysfields.def, where those of one register stand together. */
struct sysreg_field {
	u16 idx;
	u8 unless; /* enum vcpu_feature */
	bool res1;
	u64 mask;
};

#define RES0 false
#define RES1 true
#define SYSFIELD(reg, res, bits, feat) \
	{ .idx = reg, .unless = FEAT_##feat, .res1 = res, .mask = bits },
static const struct sysreg_field sysreg_fields[] = {
	{ .idx = SYSREG_NONE },
#include <sysfields.def>
	{ .idx = SYSREG_NONE },
};
#undef SYSFIELD
#undef RES0
#undef RES1

/* The fields of each register together, as this virtual CPU has them. */
static struct {
	u64 res0, res1;
} sysreg_res[NR_SYS_REGS];

/* --- decode --- */

/* Row number + 1 by encoding, 0 for none. op0 is 1 for instructions, 2 or 3 for registers. */
static u16 sysinsn_by_enc[1 << 14];
static u16 sysreg_by_enc[1 << 15];
/* Row number + 1 by index; what an EL1 name means with E2H=1, by index, 0 for itself. */
static u16 sysreg_row[NR_SYS_REGS];
static u16 sysreg_e2h_idx[NR_SYS_REGS];

_Static_assert(NR_SYS_REGS < SYSREG_NONE, "indices are u16");

void sysreg_table_init(void)
{
	bool renamed[NR_SYS_REGS] = { false };

	for (unsigned int i = 0; i < NR_SYS_DESCS; i++) {
		const struct sysreg_desc *desc = &sysreg_descs[i];

		sysreg_by_enc[desc->enc & 0x7fff] = (u16)(i + 1);
		if (desc->via == VIA_NAME)
			sysreg_row[desc->idx] = (u16)(i + 1);
		else
			renamed[desc->idx] = true;
	}
	/* The names that have an EL12 or EL02 form are those that E2H=1 gives to EL2's register. */
	for (unsigned int i = 0; i < NR_SYS_DESCS; i++) {
		const struct sysreg_desc *desc = &sysreg_descs[i];

		if (desc->peer != SYSREG_NONE && renamed[desc->peer])
			sysreg_e2h_idx[desc->peer] = desc->idx;
	}
	for (unsigned int i = 0; i < NR_SYS_INSNS; i++)
		sysinsn_by_enc[sysinsn_descs[i].enc & 0x3fff] = (u16)(i + 1);
}

const struct sysreg_desc *sysreg_lookup(u32 enc)
{
	unsigned int row = enc & 0x8000 ? sysreg_by_enc[enc & 0x7fff] : 0;

	if (row)
		return &sysreg_descs[row - 1];
	/* op0 3, CRn 11 and 15 are IMPLEMENTATION DEFINED: one row for all of them. */
	if (sys_reg_Op0(enc) == 3 && (sys_reg_CRn(enc) & 11) == 11)
		return &sysreg_descs[DESC_IMPDEF];
	return NULL;
}

const struct sysinsn_desc *sysinsn_lookup(u32 enc)
{
	unsigned int row = sys_reg_Op0(enc) == 1 ? sysinsn_by_enc[enc & 0x3fff] : 0;

	return row ? &sysinsn_descs[row - 1] : NULL;
}

const struct sysreg_desc *sysreg_by_idx(enum vcpu_sysreg idx)
{
	unsigned int row = sysreg_row[idx];

	return row ? &sysreg_descs[row - 1] : NULL;
}

enum vcpu_sysreg sysreg_e2h(enum vcpu_sysreg idx)
{
	return sysreg_e2h_idx[idx] ? (enum vcpu_sysreg)sysreg_e2h_idx[idx] : idx;
}

void sysreg_fields_init(u64 features)
{
	for (const struct sysreg_field *f = &sysreg_fields[1]; f->idx != SYSREG_NONE; f++) {
		if (features & BIT(f->unless))
			continue;
		if (f->res1)
			sysreg_res[f->idx].res1 |= f->mask;
		else
			sysreg_res[f->idx].res0 |= f->mask;
	}
}

u64 sysreg_sanitize(enum vcpu_sysreg idx, u64 val)
{
	return (val | sysreg_res[idx].res1) & ~sysreg_res[idx].res0;
}

u64 sysreg_reset_value(const struct sysreg_desc *desc)
{
	/* The row number in the low bits tells in a dump which register was never written. */
	if (desc->reset == RESET_UNKNOWN)
		return (RESET_UNKNOWN & ~0xffffULL) | desc->idx;
	return desc->reset;
}

/* --- exit reasons --- */

#define NOEC		   (-1)
#define EXIT(id, name, ec) [EXIT_##id] = name,
const char *const exit_names[NR_EXITS] = {
#include <exits.def>
};
#undef EXIT

/* Classes without a row read as 0, EXIT_OTHER; reasons without a class lie beyond the 64 classes. */
#define EXIT(id, name, ec) [(ec) == NOEC ? 64 + EXIT_##id : (ec)] = EXIT_##id,
const u8 exit_reason_by_ec[64 + NR_EXITS] = {
#include <exits.def>
};
#undef EXIT

_Static_assert(EXIT_OTHER == 0, "what no row names must count as other");
