// SPDX-License-Identifier: GPL-2.0-only
/*
 * The GIC's system registers as an enemy of whoever is below would write them: every encoding where the architecture
 * has or could have one of the CPU interface or of the hypervisor's control (op0 3, CRn 12, CRm 8 to 15, and
 * ICC_PMR_EL1), with 0, ones and each single bit. A line for each: whether it is there, and what it gave. Those that
 * FEAT_NV2 keeps in memory are written too, but regs.c compares them. append show=1: each value.
 * Physical interrupts stay masked at EL2.
 */
#include "gic.h"
#include "lib.h"
#include "pgtable.h"

struct reg {
	u16 op1, crn, crm, op2;
	u64 (*read)(void);
	void (*write)(u64 v);
};

#define FUNCTIONS(op1, crn, crm, op2)							\
	static u64 read_##op1##_##crn##_##crm##_##op2(void)				\
	{										\
		return read_sysreg(S3_##op1##_C##crn##_C##crm##_##op2);			\
	}										\
	static void write_##op1##_##crn##_##crm##_##op2(u64 v)				\
	{										\
		write_sysreg(v, S3_##op1##_C##crn##_C##crm##_##op2);			\
	}
#define ROW(op1, crn, crm, op2)								\
	{ op1, crn, crm, op2, read_##op1##_##crn##_##crm##_##op2,			\
	  write_##op1##_##crn##_##crm##_##op2 },

#define EACH_OP2(X, op1, crm)								\
	X(op1, 12, crm, 0) X(op1, 12, crm, 1) X(op1, 12, crm, 2) X(op1, 12, crm, 3)	\
	X(op1, 12, crm, 4) X(op1, 12, crm, 5) X(op1, 12, crm, 6) X(op1, 12, crm, 7)
#define EACH_CRM(X, op1)								\
	EACH_OP2(X, op1, 8) EACH_OP2(X, op1, 9) EACH_OP2(X, op1, 10) EACH_OP2(X, op1, 11)	\
	EACH_OP2(X, op1, 12) EACH_OP2(X, op1, 13) EACH_OP2(X, op1, 14) EACH_OP2(X, op1, 15)
#define EACH(X) X(0, 4, 6, 0) EACH_CRM(X, 0) EACH_CRM(X, 4) EACH_CRM(X, 6)

EACH(FUNCTIONS)
static const struct reg regs[] = { EACH(ROW) };

static u64 sum;
static bool show;

/* ICH_AP<g>R<n>_EL2, ICH_HCR_EL2, ICH_VMCR_EL2, ICH_LR<n>_EL2. */
static bool in_memory(const struct reg *r)
{
	if (r->op1 != 4)
		return false;
	return r->crm == 12 || r->crm == 13 || ((r->crm == 8 || r->crm == 9) && r->op2 < 4) ||
	       (r->crm == 11 && (r->op2 == 0 || r->op2 == 7));
}

/*
 * Bits of @r that are compared, after writes of nothing else. ICC_BPR<g>_EL1: QEMU lets RES0 bits that are written
 * decide whether the field is below the minimum, and not in the same way for a virtual CPU interface.
 */
static u64 bits(const struct reg *r)
{
	return r->op1 == 0 && r->op2 == 3 && (r->crm == 8 || r->crm == 12) ? 7 : ~0UL;
}

static void add(u64 v)
{
	sum = (sum ^ v) * 0x9e3779b97f4a7c15UL;
	sum ^= sum >> 29;
}

static void write_one(const struct reg *r, bool readable, u64 v)
{
	r->write(v);
	isb();
	if (!readable || v & ~bits(r))
		return;
	v = r->read();
	if (show)
		printf(" %lx", v);
	add(v);
}

static bool one(const struct reg *r)
{
	struct exc e;
	bool readable, writable;
	u64 v;

	exc_arm(0);
	v = r->read();
	readable = !(e = exc_take()).count;
	if (e.count && ESR_EC(e.esr) != EC_UNKNOWN)
		fail("a read that is not undefined");
	exc_arm(0);
	r->write(readable ? v : 0);
	writable = !(e = exc_take()).count;
	if (e.count && ESR_EC(e.esr) != EC_UNKNOWN)
		fail("a write that is not undefined");
	sum = 0;
	if (writable) {
		write_one(r, readable, 0);
		write_one(r, readable, ~0UL);
		for (unsigned int bit = 0; bit < 64; bit++)
			write_one(r, readable, BIT(bit));
	}
	if (!in_memory(r))
		printf("S3_%u_C%u_C%u_%u: %s%s %lx\n", r->op1, r->crn, r->crm, r->op2,
		       readable ? "r" : "-", writable ? "w" : "-", sum);
	return readable || writable;
}

void guest_main(void)
{
	show = arg_is("show", "1");
	mmu_init_el2();
	gic_init_el2();
	for (unsigned int i = 0; i < ARRAY_SIZE(regs); i++) {
		if (one(&regs[i]))
			gic_init();
	}
}
