/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Instructions that the image replaces in itself at boot, by what the CPU and the options say.
 *
 * An entry of .altinstructions names an original sequence, its replacement (as long as it) and the
 * capability under which the replacement is written. Replacements run where the original stood, so
 * of the PC-relative instructions only B and BL (which apply_alternatives() relocates) may stand in
 * them. Patching happens once, on the boot CPU, with the MMU off, before any secondary runs.
 */
#ifndef ALTERNATIVE_H
#define ALTERNATIVE_H

#define CAP_VHE		0	/* the host runs at EL2 with E2H=1 */
#define CAP_NV2		1	/* mechanism nv2 */
#define CAP_TRACE	2	/* the exit trace ring is on */
#define CAP_INSN	3	/* instructions are counted for each exit */
#define CAP_PV		4	/* mechanism pv */
#define CAP_ABLATE	5	/* vel2.trap= or vel2.notrap= */
#define CAP_SVE		6	/* L1 is offered SVE */
#define CAP_PROTECT	7	/* vel2.protect=on, so the host is an nVHE one */
#define CAP_PAUTH	8	/* PAUTH=1, and the CPU has pointer authentication */
#define CAP_RAS		9	/* the CPU has VDISR_EL2 */
#define NR_CAPS		10

#ifdef __ASSEMBLER__

.macro alternative_insn old, new, cap
661:	\old
662:	.pushsection .altinstructions, "a"
	.word	661b - .
	.word	663f - .
	.hword	\cap
	.byte	662b - 661b
	.byte	664f - 663f
	.popsection
	.pushsection .altinstr_replacement, "ax"
663:	\new
664:	.popsection
	.org	. - (664b - 663b) + (662b - 661b)
	.org	. - (662b - 661b) + (664b - 663b)
.endm

#else

#include <types.h>

struct alt_instr {
	s32 orig_offset;	/* from this field to the original */
	s32 alt_offset;		/* from this field to the replacement */
	u16 cap;
	u8 orig_len, alt_len;	/* bytes, equal */
};

#define __ALT_STR(x)	#x
#define ALT_STR(x)	__ALT_STR(x)

/* The two .org lines make unequal lengths an assembly error. */
#define ALTERNATIVE(old, new, cap)					\
	"661:\n\t" old "\n662:\n"					\
	".pushsection .altinstructions,\"a\"\n"				\
	" .word 661b - .\n .word 663f - .\n"				\
	" .hword " ALT_STR(cap) "\n"					\
	" .byte 662b - 661b\n .byte 664f - 663f\n"			\
	".popsection\n"							\
	".pushsection .altinstr_replacement,\"ax\"\n"			\
	"663:\n\t" new "\n664:\n"					\
	".popsection\n"							\
	".org . - (664b-663b) + (662b-661b)\n"				\
	".org . - (662b-661b) + (664b-663b)\n"

/* What a BL in an alternative may change. */
#define CALL_CLOBBERS							\
	"x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13",	\
	"x14", "x15", "x16", "x17", "x18", "x30", "cc", "memory"

/* True after patching iff @cap is set; costs one instruction. @cap must be a constant. */
#define alternative_has_cap(cap)					\
	({								\
		__label__ __no;						\
		bool __has = true;					\
		asm goto(ALTERNATIVE("b %l[__no]", "nop", cap)		\
			 : : : : __no);					\
		if (0) {						\
		__no:							\
			__has = false;					\
		}							\
		__has;							\
	})

/* Write the replacements of the capabilities in @caps (bitmap). Boot CPU, MMU off. */
void apply_alternatives(unsigned long caps);

#endif
#endif
