// SPDX-License-Identifier: GPL-2.0-only
/*
 * Self-patching: what is written where, under which capability, and branches that keep their target. The
 * table's end is a symbol of the linker.
 *
 * unit: harness/tests/unit/unit.c hyp/el2/alternative.c -idirafter hyp/include -Wl,--defsym,__alt_instructions_end=__alt_instructions+36
 */
#include "unit.h"

#include <alternative.h>

#define NOP	0xd503201fU
#define RET	0xd65f03c0U
#define B(n)	(0x14000000U | ((u32)(n) & 0x3ffffffU))
#define BL(n)	(0x94000000U | ((u32)(n) & 0x3ffffffU))

static u32 text[64];
struct alt_instr __alt_instructions[3];

static void entry(unsigned int n, unsigned int cap, unsigned int orig, unsigned int alt,
		  unsigned int insns)
{
	struct alt_instr *a = &__alt_instructions[n];

	a->orig_offset = (s32)((char *)&text[orig] - (char *)&a->orig_offset);
	a->alt_offset = (s32)((char *)&text[alt] - (char *)&a->alt_offset);
	a->cap = (u16)cap;
	a->orig_len = a->alt_len = (u8)(4 * insns);
}

static void fill(void)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(text); i++)
		text[i] = NOP;
	text[32] = RET;
	text[33] = RET;
	/* Forward to 60 and back to 2, seen from where the replacements are assembled. */
	text[40] = B(60 - 40);
	text[41] = BL(2 - 41);
	text[48] = RET;
	entry(0, CAP_VHE, 4, 32, 2);
	entry(1, CAP_NV2, 10, 40, 2);
	entry(2, CAP_TRACE, 20, 48, 1);
}

int main(void)
{
	_Static_assert(sizeof(__alt_instructions) == 36, "the end that the linker is told");

	unit_case = "nothing";
	fill();
	apply_alternatives(0);
	for (unsigned int i = 0; i < 32; i++)
		CHECK_EQ(text[i], NOP);

	unit_case = "one capability";
	apply_alternatives(BIT(CAP_VHE));
	CHECK_EQ(text[3], NOP);
	CHECK_EQ(text[4], RET);
	CHECK_EQ(text[5], RET);
	CHECK_EQ(text[6], NOP);
	CHECK_EQ(text[10], NOP);
	CHECK_EQ(text[20], NOP);

	unit_case = "branches";
	apply_alternatives(BIT(CAP_NV2) | BIT(CAP_TRACE));
	CHECK_EQ(text[10], B(60 - 10));
	CHECK_EQ(text[11], BL(2 - 11));
	CHECK_EQ(text[12], NOP);
	CHECK_EQ(text[20], RET);
	CHECK_EQ(text[21], NOP);
	return 0;
}
