/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Access to system registers; their fields are in sysreg-fields.h.
 *
 * The encodings come from the tables (SYS_<name>), so that everything assembles with -march=armv8-a
 * and a name cannot mean one register to the decoder and another to the accessor.
 * Assembly takes what it needs from the AS_<name> strings at the end. Compiles alone.
 */
#ifndef SYSREG_H
#define SYSREG_H

#include <types.h>

#ifndef __ASSEMBLER__

#include <sysreg-defs.h>

/* By a name that -march=armv8-a assembles, or S<op0>_<op1>_C<n>_C<m>_<op2>. */
#define read_sysreg(r)                                      \
	({                                                  \
		u64 __sr_v;                                 \
		asm volatile("mrs %0, " #r : "=r"(__sr_v)); \
		__sr_v;                                     \
	})

#define write_sysreg(v, r)                                        \
	do {                                                      \
		u64 __sr_w = (u64)(v);                            \
		asm volatile("msr " #r ", %x0" : : "rZ"(__sr_w)); \
	} while (0)

/* By encoding, of any row or alias: read_sysreg_s(SYS_SCTLR_EL12). @e is a constant. */
#define __SYS_OPERANDS(e)                                                                   \
	"i"(sys_reg_Op0(e)), "i"(sys_reg_Op1(e)), "i"(sys_reg_CRn(e)), "i"(sys_reg_CRm(e)), \
		"i"(sys_reg_Op2(e))

#define read_sysreg_s(e)                                                                           \
	({                                                                                         \
		u64 __sr_v;                                                                        \
		asm volatile("mrs %0, s%c1_%c2_c%c3_c%c4_%c5" : "=r"(__sr_v) : __SYS_OPERANDS(e)); \
		__sr_v;                                                                            \
	})

#define write_sysreg_s(v, e)                                     \
	do {                                                     \
		u64 __sr_w = (u64)(v);                           \
		asm volatile("msr s%c1_%c2_c%c3_c%c4_%c5, %x0"   \
			     :                                   \
			     : "rZ"(__sr_w), __SYS_OPERANDS(e)); \
	} while (0)

/* System instructions (TLBI, AT, DC, IC) by name of a row of sysinsns.def. */
#define sys_insn(i, arg)                                                                           \
	do {                                                                                       \
		u64 __si_w = (u64)(arg);                                                           \
		asm volatile("sys #%c1, c%c2, c%c3, #%c4, %x0"                                     \
			     :                                                                     \
			     : "rZ"(__si_w), "i"(sys_reg_Op1(SYS_##i)), "i"(sys_reg_CRn(SYS_##i)), \
			       "i"(sys_reg_CRm(SYS_##i)), "i"(sys_reg_Op2(SYS_##i))                \
			     : "memory");                                                          \
	} while (0)

#endif /* !__ASSEMBLER__ */

#include <sysreg-fields.h>

/* For assembly: names that -march=armv8-a does not know. */
#define AS_SCTLR_EL12	  S3_5_C1_C0_0
#define AS_CPACR_EL12	  S3_5_C1_C0_2
#define AS_TTBR0_EL12	  S3_5_C2_C0_0
#define AS_TTBR1_EL12	  S3_5_C2_C0_1
#define AS_TCR_EL12	  S3_5_C2_C0_2
#define AS_SPSR_EL12	  S3_5_C4_C0_0
#define AS_ELR_EL12	  S3_5_C4_C0_1
#define AS_ESR_EL12	  S3_5_C5_C2_0
#define AS_FAR_EL12	  S3_5_C6_C0_0
#define AS_MAIR_EL12	  S3_5_C10_C2_0
#define AS_VBAR_EL12	  S3_5_C12_C0_0
#define AS_CNTKCTL_EL12	  S3_5_C14_C1_0
#define AS_TTBR1_EL2	  S3_4_C2_C0_1
#define AS_CONTEXTIDR_EL2 S3_4_C13_C0_1
#define AS_VNCR_EL2	  S3_4_C2_C2_0
#define AS_ICC_SRE_EL2	  S3_4_C12_C9_5
#define AS_ICH_HCR_EL2	  S3_4_C12_C11_0
#define AS_APIAKEYLO_EL1  S3_0_C2_C1_0
#define AS_APIAKEYHI_EL1  S3_0_C2_C1_1
#define AS_APIBKEYLO_EL1  S3_0_C2_C1_2
#define AS_APIBKEYHI_EL1  S3_0_C2_C1_3
#define AS_APDAKEYLO_EL1  S3_0_C2_C2_0
#define AS_APDAKEYHI_EL1  S3_0_C2_C2_1
#define AS_APDBKEYLO_EL1  S3_0_C2_C2_2
#define AS_APDBKEYHI_EL1  S3_0_C2_C2_3
#define AS_APGAKEYLO_EL1  S3_0_C2_C3_0
#define AS_APGAKEYHI_EL1  S3_0_C2_C3_1

#endif
