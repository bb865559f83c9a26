/* SPDX-License-Identifier: GPL-2.0-only */
/* Every TLBI of AArch64 EL2 by name: TLBI(name)(operand). The operand of an ALL form is ignored. */
#ifndef GUEST_TLBI_H
#define GUEST_TLBI_H

#include "sysreg.h"

typedef void (*tlbi_fn)(u64 operand);

/* ALL(name, op1, CRm, op2): no operand. VA(..): VA, ASID or IPA. RANGE(..): FEAT_TLBIRANGE. */
#define TLBI_EL1_ROWS(ALL, VA, RANGE)						\
	ALL(vmalle1, 0, 7, 0) VA(vae1, 0, 7, 1) VA(aside1, 0, 7, 2)		\
	VA(vaae1, 0, 7, 3) VA(vale1, 0, 7, 5) VA(vaale1, 0, 7, 7)		\
	ALL(vmalle1is, 0, 3, 0) VA(vae1is, 0, 3, 1) VA(aside1is, 0, 3, 2)	\
	VA(vaae1is, 0, 3, 3) VA(vale1is, 0, 3, 5) VA(vaale1is, 0, 3, 7)		\
	ALL(vmalle1os, 0, 1, 0) VA(vae1os, 0, 1, 1) VA(aside1os, 0, 1, 2)	\
	VA(vaae1os, 0, 1, 3) VA(vale1os, 0, 1, 5) VA(vaale1os, 0, 1, 7)		\
	RANGE(rvae1, 0, 6, 1) RANGE(rvaae1, 0, 6, 3)				\
	RANGE(rvale1, 0, 6, 5) RANGE(rvaale1, 0, 6, 7)				\
	RANGE(rvae1is, 0, 2, 1) RANGE(rvaae1is, 0, 2, 3)			\
	RANGE(rvale1is, 0, 2, 5) RANGE(rvaale1is, 0, 2, 7)			\
	RANGE(rvae1os, 0, 5, 1) RANGE(rvaae1os, 0, 5, 3)			\
	RANGE(rvale1os, 0, 5, 5) RANGE(rvaale1os, 0, 5, 7)

#define TLBI_EL2_ROWS(ALL, VA, RANGE)						\
	ALL(alle2, 4, 7, 0) VA(vae2, 4, 7, 1) VA(vale2, 4, 7, 5)		\
	ALL(alle2is, 4, 3, 0) VA(vae2is, 4, 3, 1) VA(vale2is, 4, 3, 5)		\
	ALL(alle2os, 4, 1, 0) VA(vae2os, 4, 1, 1) VA(vale2os, 4, 1, 5)		\
	RANGE(rvae2, 4, 6, 1) RANGE(rvale2, 4, 6, 5)				\
	RANGE(rvae2is, 4, 2, 1) RANGE(rvale2is, 4, 2, 5)			\
	RANGE(rvae2os, 4, 5, 1) RANGE(rvale2os, 4, 5, 5)

#define TLBI_S2_ROWS(ALL, VA, RANGE)						\
	VA(ipas2e1, 4, 4, 1) VA(ipas2le1, 4, 4, 5)				\
	VA(ipas2e1is, 4, 0, 1) VA(ipas2le1is, 4, 0, 5)				\
	VA(ipas2e1os, 4, 4, 0) VA(ipas2le1os, 4, 4, 4)				\
	RANGE(ripas2e1, 4, 4, 2) RANGE(ripas2le1, 4, 4, 6)			\
	RANGE(ripas2e1is, 4, 0, 2) RANGE(ripas2le1is, 4, 0, 6)			\
	RANGE(ripas2e1os, 4, 4, 3) RANGE(ripas2le1os, 4, 4, 7)

#define TLBI_S12_ROWS(ALL, VA, RANGE)						\
	ALL(vmalls12e1, 4, 7, 6) ALL(alle1, 4, 7, 4)				\
	ALL(vmalls12e1is, 4, 3, 6) ALL(alle1is, 4, 3, 4)			\
	ALL(vmalls12e1os, 4, 1, 6) ALL(alle1os, 4, 1, 4)

#define TLBI_DEFINE_ALL(n, op1, crm, op2)					\
	static void tlbi_##n(u64 operand)					\
	{									\
		(void)operand;							\
		asm volatile("sys #" #op1 ", c8, c" #crm ", #" #op2 : : : "memory");	\
	}
#define TLBI_DEFINE_VA(n, op1, crm, op2)					\
	static void tlbi_##n(u64 operand)					\
	{									\
		asm volatile("sys #" #op1 ", c8, c" #crm ", #" #op2 ", %0"	\
			     : : "r"(operand) : "memory");			\
	}

struct tlbi_row {
	const char *name;
	tlbi_fn fn;
	enum { TLBI_ALL, TLBI_VA, TLBI_RANGE } kind;
};

#define TLBI_ROW_ALL(n, op1, crm, op2)		{ #n, tlbi_##n, TLBI_ALL },
#define TLBI_ROW_VA(n, op1, crm, op2)		{ #n, tlbi_##n, TLBI_VA },
#define TLBI_ROW_RANGE(n, op1, crm, op2)	{ #n, tlbi_##n, TLBI_RANGE },

#define TLBI_TABLE(name, list)							\
	list(TLBI_DEFINE_ALL, TLBI_DEFINE_VA, TLBI_DEFINE_VA)			\
	static const struct tlbi_row name[] = { list(TLBI_ROW_ALL, TLBI_ROW_VA, TLBI_ROW_RANGE) };

/* All of them, in a table for each regime that they are for. */
#define TLBI_TABLES(el1, el2, s2, s12)						\
	TLBI_TABLE(el1, TLBI_EL1_ROWS)						\
	TLBI_TABLE(el2, TLBI_EL2_ROWS)						\
	TLBI_TABLE(s2, TLBI_S2_ROWS)						\
	TLBI_TABLE(s12, TLBI_S12_ROWS)

/* Operand of one 4K page (ASID 0), and of a range of them: 2..64, even, or a multiple of 64. */
static inline u64 tlbi_page(u64 addr)
{
	return FIELD(addr, 47, 12);
}

static inline u64 tlbi_range(u64 addr, u64 pages)
{
	u64 scale = pages > 64;
	u64 num = (scale ? pages / 64 : pages / 2) - 1;

	return 1UL << 46 | scale << 44 | num << 39 | FIELD(addr, 48, 12);
}

#endif
