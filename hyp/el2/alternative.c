// SPDX-License-Identifier: GPL-2.0-only
/*
 * Self-patching. Boot CPU, EL2, MMU off (so what is written is what is fetched once the
 * instruction cache has been invalidated, which head.S does before the MMU goes on).
 */
#include <alternative.h>
#include <hyp_init.h>
#include <types.h>

#define INSN_B_MASK	0x7c000000U	/* B and BL */
#define INSN_B		0x14000000U
#define INSN_IMM26	0x03ffffffU

extern struct alt_instr __alt_instructions[], __alt_instructions_end[];

/* B and BL carry their target relative to themselves: keep the target. */
static u32 relocate(u32 insn, const u32 *from, const u32 *to)
{
	if ((insn & INSN_B_MASK) != INSN_B)
		return insn;
	return (insn & ~INSN_IMM26) | ((insn + (u32)(from - to)) & INSN_IMM26);
}

void apply_alternatives(unsigned long caps)
{
	for (struct alt_instr *a = __alt_instructions; a < __alt_instructions_end; a++) {
		u32 *orig = (u32 *)((char *)&a->orig_offset + a->orig_offset);
		u32 *alt = (u32 *)((char *)&a->alt_offset + a->alt_offset);

		if (!(caps & BIT(a->cap)))
			continue;
		for (unsigned int i = 0; i < a->alt_len / sizeof(u32); i++)
			orig[i] = relocate(alt[i], &alt[i], &orig[i]);
	}
}
