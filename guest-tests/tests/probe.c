// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every system register encoding, read and written at EL2: what exists, and (by L0's count of the
 * marked access) what trapped. MMU off.
 *
 * The encodings are tried blindly, so that one that the tables forgot is found too. The table only
 * says which accesses get a marker of their own (id: encoding << 1 | write), and which have side
 * effects that the program would not survive. A write puts back what was read, so a row that cannot be
 * read is written as 0.
 *
 * Boot argument all=1: not only EL2's encodings (op0 3, op1 4-7) but all of op0 2 and 3, without markers.
 */
#include "lib.h"

#define ENC(op0, op1, crn, crm, op2) ((op0) << 14 | (op1) << 11 | (crn) << 7 | (crm) << 3 | (op2))

/* What the tables say, reduced to what is needed here. */
static const u16 rows[] = {
#define SYSREG(name, op0, op1, crn, crm, op2, ...)   ENC(op0, op1, crn, crm, op2),
#define SYSALIAS(name, op0, op1, crn, crm, op2, ...) ENC(op0, op1, crn, crm, op2),
#include "../../hyp/sysregs.def"
#undef SYSREG
#undef SYSALIAS
};

static bool has_row[1 << 16];

/* Writing even the value read would end the program, or say nothing. */
static const u16 not_written[] = {
	ENC(3, 0, 12, 0, 2),  ENC(3, 4, 12, 0, 2),  ENC(3, 6, 12, 0, 2),  /* RMR: reset */
	ENC(3, 0, 12, 8, 1),  ENC(3, 0, 12, 12, 1), ENC(3, 0, 12, 11, 1), /* EOIR0, EOIR1, DIR */
	ENC(3, 0, 12, 11, 5), ENC(3, 0, 12, 11, 6), ENC(3, 0, 12, 11, 7), /* SGIs */
	ENC(2, 0, 1, 0, 4),   ENC(2, 0, 1, 4, 4),			  /* OSLAR, DBGPRCR */
};

/* One instruction and a return; rewritten for each access. */
static u32 code[2] __attribute__((aligned(64)));
#define INSN_RET 0xd65f03c0U

static void patch(u32 insn)
{
	code[0] = insn;
	code[1] = INSN_RET;
	asm volatile("dc cvau, %0\n dsb ish\n ic ivau, %0\n dsb ish\n isb"
		     :
		     : "r"(code)
		     : "memory");
}

/* MRS X0 / MSR X0: the encoding stands at bit 5, op0 without its upper bit. */
static u32 insn_of(unsigned int enc, bool write)
{
	return (write ? 0xd5000000U : 0xd5200000U) | 0x100000U | (enc & 0x7fff) << 5;
}

static u64 run(u64 x0)
{
	register u64 r0 asm("x0") = x0;

	asm volatile("blr %1" : "+r"(r0) : "r"(code) : "x30", "memory");
	return r0;
}

/* True if the access exists; *val is what was read. */
static bool access(unsigned int enc, bool write, u64 *val, bool marked)
{
	u64 id = enc << 1 | (unsigned int)write, v;
	struct exc e;

	patch(insn_of(enc, write));
	exc_arm(0);
	if (marked)
		marker_begin(id);
	v = run(*val);
	if (marked)
		marker_end(id, 1);
	e = exc_take();
	if (!e.count) {
		if (!write)
			*val = v;
		return true;
	}
	if (ESR_EC(e.esr) != EC_UNKNOWN)
		printf("PROBE %x %c esr %lx\n", enc, write ? 'w' : 'r', e.esr);
	return false;
}

static bool writable(unsigned int enc)
{
	for (size_t i = 0; i < ARRAY_SIZE(not_written); i++) {
		if (not_written[i] == enc)
			return false;
	}
	return true;
}

static void probe(unsigned int enc, bool marked)
{
	bool r, w = false;
	u64 val = 0;

	r = access(enc, false, &val, marked && has_row[enc]);
	if (writable(enc))
		w = access(enc, true, &val, marked && has_row[enc]);
	if (r || w)
		printf("PROBE %x %s%s\n", enc, r ? "r" : "", w ? "w" : "");
}

static void probe_op(unsigned int op0, unsigned int op1, bool marked)
{
	for (unsigned int rest = 0; rest < 1 << 11; rest++) {
		/* op0=3, CRn=4, CRm 2 and 4: PSTATE and its like, which are no registers of a vCPU. */
		if (op0 == 3 && rest >> 7 == 4 && op1 == 3)
			continue;
		if (op0 == 3 && op1 == 0 && rest >> 7 == 4 && ((rest >> 3) & 15) == 2)
			continue;
		probe(op0 << 14 | op1 << 11 | rest, marked);
	}
}

void guest_main(void)
{
	bool all = arg_u64("all", 0);

	/* FPEXC32_EL2 is FP's: no trap by FPEN or TFP. */
	write_sysreg(vhe_mode ? 3UL << 20 : 0x33ffUL & ~BIT(10), cptr_el2);
	isb();

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		has_row[rows[i]] = true;
	probe_op(3, 4, !all);
	probe_op(3, 5, !all);
	probe_op(3, 6, !all);
	probe_op(3, 7, !all);
	if (all) {
		for (unsigned int op1 = 0; op1 < 8; op1++)
			probe_op(2, op1, false);
		for (unsigned int op1 = 0; op1 < 4; op1++)
			probe_op(3, op1, false);
	}
	check(true, "probe");
}
