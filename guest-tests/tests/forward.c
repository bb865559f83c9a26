// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every condition of the tables under which EL2 wants a trap: with its control set, and without, from
 * EL1 of an L2. Prints where each access went: nowhere, EL1 (UNDEFINED), or EL2.
 *
 * Run on real EL2 it checks the tables, at vEL2 that L0 forwards by them. MMU of L2 off.
 */
#include "forward.h"
#include "l2.h"

#define ICC_SRE_EL2 S3_4_C12_C9_5
#define ICH_HCR_EL2 S3_4_C12_C11_0
#define HFGRTR_EL2  S3_4_C1_C1_4
#define HFGWTR_EL2  S3_4_C1_C1_5
#define HFGITR_EL2  S3_4_C1_C1_6
#define HDFGRTR_EL2 S3_4_C3_C1_4
#define HDFGWTR_EL2 S3_4_C3_C1_5

#define CRN(enc)    ((enc) >> 7 & 15)
#define OP0(enc)    ((enc) >> 14)
#define OP1(enc)    ((enc) >> 11 & 7)

/* What would say nothing, or do damage. Writes put back what was read, so most are harmless. */
static const char *const not_done[] = {
	"DC_ISW",      "DC_CSW", "DC_CISW", /* by set/way: a trap is L0's choice too */
	"DC_ZVA",			    /* writes memory */
	"IMPDEF",			    /* exists or not as the CPU likes, without the trap */
	"ICC_SRE_EL1", /* ICC_SRE_EL2.Enable is RAO/WI where EL1 must use registers */
};

static bool has_fgt;

/* ------------------------------------------------------------------ L2's access */

static u32 code[4] __attribute__((aligned(64)));
static u8 buffer[256] __attribute__((aligned(256)));

/* The access with x0, then back to whoever called. */
static void patch(unsigned int enc, bool write)
{
	u32 insn = write ? 0xd5000000U : 0xd5200000U;

	insn |= (u32)(OP0(enc) == 1 ? 0x080000U : OP0(enc) == 2 ? 0x100000U : 0x180000U);
	code[0] = insn | (u32)(enc & 0x3fff) << 5;
	code[1] = 0xd5033fdfU; /* isb */
	code[2] = 0xd65f03c0U; /* ret */
	asm volatile("dc cvau, %0\n dsb ish\n ic ivau, %0\n dsb ish\n isb"
		     :
		     : "r"(code)
		     : "memory");
}

enum where { NOWHERE, AT_EL1, AT_EL2, ELSEWHERE };
static const char *const where_names[] = { "-", "EL1", "EL2", "?" };

static enum where went(const struct vcpu *v, unsigned int enc, bool write)
{
	u64 vec;

	if (l2_done(v))
		return NOWHERE;
	if (l2_at_el1_vector(v, &vec))
		return AT_EL1;
	if (ESR_EC(v->esr) == EC_PAC || ESR_EC(v->esr) == EC_WFX)
		return AT_EL2;
	if (ESR_EC(v->esr) != EC_SYS || FIELD(v->esr, 0, 0) == write)
		return ELSEWHERE;
	/* the syndrome names the access: op0 op2 op1 CRn CRm */
	return FIELD(v->esr, 21, 20) == OP0(enc) && FIELD(v->esr, 16, 14) == OP1(enc) &&
			       FIELD(v->esr, 13, 10) == CRN(enc) &&
			       FIELD(v->esr, 4, 1) == (enc >> 3 & 15) &&
			       FIELD(v->esr, 19, 17) == (enc & 7)
		       ? AT_EL2
		       : ELSEWHERE;
}

static enum where try(unsigned int enc, bool write, u64 *x0)
{
	struct vcpu v;

	patch(enc, write);
	l2_prepare(&v, (l2_fn)(u64)code, *x0, 0, L2_EL1);
	l2_enter(&v, 0);
	if (!write && l2_done(&v))
		*x0 = v.x[0];
	return went(&v, enc, write);
}

/* ------------------------------------------------------------------ L1's controls */

/* Sets (clears) bits of a control register; returns what it held. */
static u64 control(enum fwd_ctrl ctrl, u64 set, u64 clear)
{
	u64 old;

#define CASE(reg)                                        \
	case CTRL_##reg:                                 \
		old = read_sysreg(reg);                  \
		write_sysreg((old & ~clear) | set, reg); \
		break;
	switch (ctrl) {
		CASE(CPTR_EL2)
		CASE(MDCR_EL2)
		CASE(CNTHCTL_EL2)
		CASE(ICH_HCR_EL2)
		CASE(ICC_SRE_EL2)
		CASE(HFGRTR_EL2)
		CASE(HFGWTR_EL2)
		CASE(HFGITR_EL2)
		CASE(HDFGRTR_EL2)
		CASE(HDFGWTR_EL2)
	default:
		old = l2_hcr;
		l2_hcr = (old & ~clear) | set;
	}
#undef CASE
	isb();
	return old;
}

static void control_restore(enum fwd_ctrl ctrl, u64 old)
{
	control(ctrl, old, ~0UL);
}

static bool applies(const struct fwd *f)
{
	switch (f->when) {
	case WHEN_E2H0:
		return !vhe_mode;
	case WHEN_E2H1:
		return vhe_mode;
	case WHEN_FGT:
		return has_fgt;
	default:
		return true;
	}
}

static unsigned int surprises;

static void one(const struct fwd_row *row, bool write)
{
	u64 x0 = OP0(row->enc) == 1 ? (u64)buffer : 0;
	enum where base = ELSEWHERE, got;

	if (write && OP0(row->enc) != 1)
		try(row->enc, false, &x0); /* what is there is what is written */
	base = try(row->enc, write, &x0);
	printf("%s %c: %s", row->name, write ? 'w' : 'r', where_names[base]);
	for (const struct fwd *f = row->fwd; f->dir; f++) {
		u64 old;

		if (!(f->dir & (write ? DIR_W : DIR_R)) || !applies(f))
			continue;
		old = control(f->ctrl, f->pol == POL_SET ? f->mask : 0,
			      f->pol == POL_CLR ? f->mask : 0);
		got = try(row->enc, write, &x0);
		control_restore(f->ctrl, old);
		printf(" %s %s", f->field, where_names[got]);
		/* what is UNDEFINED without the trap may stay so: a register that is only read */
		if (got != AT_EL2 && base != AT_EL1)
			surprises++;
	}
	printf("\n");
}

static bool done(const struct fwd_row *row)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(not_done); i++) {
		if (!strcmp(not_done[i], row->name))
			return false;
	}
	/* EL2's own are UNDEFINED here whatever is set. */
	return OP1(row->enc) < 4 && row->fwd[0].dir;
}

/*
 * What each control traps of everything, whatever the tables think: a condition that is missing there
 * is in no loop over them.
 */
static const struct {
	const char *name;
	enum fwd_ctrl ctrl;
	u64 set, clear;
} controls[] = {
#define HCR_SET(bit)	{ #bit, CTRL_HCR_EL2, HCR_##bit, 0 }
	HCR_SET(TID1), HCR_SET(TID2), HCR_SET(TID3), HCR_SET(TACR), HCR_SET(TSW), HCR_SET(TPCP),
	HCR_SET(TPU), HCR_SET(TTLB), HCR_SET(TVM), HCR_SET(TRVM), HCR_SET(TID4), HCR_SET(TICAB),
	HCR_SET(TOCU), HCR_SET(TTLBIS), HCR_SET(TTLBOS),
	{ "not APK", CTRL_HCR_EL2, 0, HCR_APK },
	{ "TCPAC", CTRL_CPTR_EL2, BIT(31), 0 },
	{ "TDA", CTRL_MDCR_EL2, BIT(9), 0 },
	{ "TDOSA", CTRL_MDCR_EL2, BIT(10), 0 },
	{ "TDRA", CTRL_MDCR_EL2, BIT(11), 0 },
	{ "TDCC", CTRL_MDCR_EL2, BIT(27), 0 },
	{ "TC", CTRL_ICH_HCR_EL2, BIT(10), 0 },
	{ "TALL0", CTRL_ICH_HCR_EL2, BIT(11), 0 },
	{ "TALL1", CTRL_ICH_HCR_EL2, BIT(12), 0 },
	{ "HFGRTR", CTRL_HFGRTR_EL2, MASK(49, 0), 0 },
	{ "HFGWTR", CTRL_HFGWTR_EL2, MASK(49, 0), 0 },
	{ "HFGITR", CTRL_HFGITR_EL2, MASK(51, 0), 0 },
	{ "HDFGRTR", CTRL_HDFGRTR_EL2, MASK(58, 0), 0 },
	{ "HDFGWTR", CTRL_HDFGWTR_EL2, MASK(58, 0), 0 },
};

static void all_of(unsigned int n)
{
	printf("%s:", controls[n].name);
	for (unsigned int i = 0; i < nr_fwd_rows; i++) {
		const struct fwd_row *row = &fwd_rows[i];

		for (unsigned int write = OP0(row->enc) == 1; done(row) && write < 2; write++) {
			u64 x0 = OP0(row->enc) == 1 ? (u64)buffer : 0, old;
			enum where got;

			if (write && OP0(row->enc) != 1)
				try(row->enc, false, &x0);
			old = control(controls[n].ctrl, controls[n].set, controls[n].clear);
			got = try(row->enc, write, &x0);
			control_restore(controls[n].ctrl, old);
			if (got == AT_EL2)
				printf(" %s%s", row->name, write ? "/w" : "/r");
		}
	}
	printf("\n");
}

void guest_main(void)
{
	mmu_init_el2();
	l2_init();
	has_fgt = FIELD(read_sysreg(id_aa64mmfr0_el1), 59, 56);
	for (unsigned int i = 0; i < nr_fwd_rows; i++) {
		const struct fwd_row *row = &fwd_rows[i];

		if (!done(row))
			continue;
		l2_init();
		if (OP0(row->enc) != 1)
			one(row, false);
		one(row, true);
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(controls); i++) {
		l2_init();
		if (has_fgt || controls[i].ctrl < CTRL_HFGRTR_EL2)
			all_of(i);
	}
	check_eq("conditions that made no trap", surprises, 0);
}
