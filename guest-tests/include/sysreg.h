/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * System register accessors and the fields that the guest programs use.
 * Names newer than the ARMv8.0 assembler knows are given by encoding, so that every compiler takes them.
 */
#ifndef GUEST_SYSREG_H
#define GUEST_SYSREG_H

#include "types.h"

#define STR_(x)	#x
#define STR(x)	STR_(x)

#define read_sysreg(r) ({					\
	u64 r_;							\
	asm volatile("mrs %0, " STR(r) : "=r"(r_) : : "memory");	\
	r_;							\
})

#define write_sysreg(v, r) do {					\
	u64 v_ = (u64)(v);					\
	asm volatile("msr " STR(r) ", %x0" : : "rZ"(v_) : "memory");	\
} while (0)

/* Starts an asm that names FP registers; -mgeneral-regs-only keeps the compiler itself from them. */
#define WITH_FP		".arch_extension fp\n .arch_extension simd\n"

#define isb()		asm volatile("isb" : : : "memory")
#define dsb(o)		asm volatile("dsb " #o : : : "memory")
#define wfi()		asm volatile("wfi" : : : "memory")
#define wfe()		asm volatile("wfe" : : : "memory")

/* HCR_EL2 */
#define HCR_VM		BIT(0)
#define HCR_SWIO	BIT(1)
#define HCR_PTW		BIT(2)
#define HCR_FMO		BIT(3)
#define HCR_IMO		BIT(4)
#define HCR_AMO		BIT(5)
#define HCR_VF		BIT(6)
#define HCR_VI		BIT(7)
#define HCR_VSE		BIT(8)
#define HCR_FB		BIT(9)
#define HCR_DC		BIT(12)
#define HCR_TWI		BIT(13)
#define HCR_TWE		BIT(14)
#define HCR_TID0	BIT(15)
#define HCR_TID1	BIT(16)
#define HCR_TID2	BIT(17)
#define HCR_TID3	BIT(18)
#define HCR_TSC		BIT(19)
#define HCR_TIDCP	BIT(20)
#define HCR_TACR	BIT(21)
#define HCR_TSW		BIT(22)
#define HCR_TPCP	BIT(23)
#define HCR_TPU		BIT(24)
#define HCR_TTLB	BIT(25)
#define HCR_TVM		BIT(26)
#define HCR_TGE		BIT(27)
#define HCR_TDZ		BIT(28)
#define HCR_HCD		BIT(29)
#define HCR_TRVM	BIT(30)
#define HCR_RW		BIT(31)
#define HCR_E2H		BIT(34)
#define HCR_TLOR	BIT(35)
#define HCR_TERR	BIT(36)
#define HCR_APK		BIT(40)
#define HCR_API		BIT(41)
#define HCR_TID4	BIT(49)
#define HCR_TICAB	BIT(50)
#define HCR_TOCU	BIT(52)
#define HCR_TTLBIS	BIT(54)
#define HCR_TTLBOS	BIT(55)
#define HCR_TID5	BIT(58)

/* SCTLR */
#define SCTLR_M		BIT(0)
#define SCTLR_A		BIT(1)
#define SCTLR_C		BIT(2)
#define SCTLR_SA	BIT(3)
#define SCTLR_SA0	BIT(4)
#define SCTLR_nAA	BIT(6)
#define SCTLR_I		BIT(12)
#define SCTLR_DZE	BIT(14)
#define SCTLR_UCT	BIT(15)
#define SCTLR_nTWI	BIT(16)
#define SCTLR_nTWE	BIT(18)
#define SCTLR_WXN	BIT(19)
#define SCTLR_SPAN	BIT(23)
#define SCTLR_UCI	BIT(26)
/* RES1 where the extensions that give them a meaning are absent; harmless where they are present. */
#define SCTLR_EL2_RES1	(BIT(4) | BIT(5) | BIT(11) | BIT(16) | BIT(18) | BIT(22) | BIT(23) | \
			 BIT(28) | BIT(29))
#define SCTLR_EL1_RES1	(BIT(11) | BIT(20) | BIT(22) | BIT(23) | BIT(28) | BIT(29))

/* PSTATE / SPSR */
#define PSR_EL0t	0x0UL
#define PSR_EL1t	0x4UL
#define PSR_EL1h	0x5UL
#define PSR_EL2t	0x8UL
#define PSR_EL2h	0x9UL
#define PSR_M		0x1fUL
#define PSR_F		BIT(6)
#define PSR_I		BIT(7)
#define PSR_A		BIT(8)
#define PSR_D		BIT(9)
#define PSR_DAIF	(PSR_D | PSR_A | PSR_I | PSR_F)
#define PSR_IL		BIT(20)
#define PSR_SS		BIT(21)
#define PSR_PAN		BIT(22)

/* ESR */
#define ESR_EC(e)	FIELD(e, 31, 26)
#define ESR_ISS(e)	FIELD(e, 24, 0)
#define EC_UNKNOWN	0x00
#define EC_WFX		0x01
#define EC_FP		0x07
#define EC_PAC		0x09
#define EC_ILLEGAL	0x0e
#define EC_SVC		0x15
#define EC_HVC		0x16
#define EC_SMC		0x17
#define EC_SYS		0x18
#define EC_SVE		0x19
#define EC_ERET		0x1a
#define EC_IABT_LOW	0x20
#define EC_IABT_CUR	0x21
#define EC_PC_ALIGN	0x22
#define EC_DABT_LOW	0x24
#define EC_DABT_CUR	0x25
#define EC_SP_ALIGN	0x26
#define EC_SERROR	0x2f
#define EC_BRK		0x3c
#define ISS_WNR		BIT(6)
#define ISS_S1PTW	BIT(7)
#define ISS_ISV		BIT(24)

/* ISS of a trapped MSR, MRS or system instruction, direction bit apart. */
#define SYS_ISS(op0, op1, crn, crm, op2) \
	(((u64)(op0) << 20) | ((u64)(op2) << 17) | ((u64)(op1) << 14) | ((u64)(crn) << 10) | \
	 ((u64)(crm) << 1))
#define SYS_ISS_MASK	(MASK(21, 10) | MASK(4, 1))
#define SYS_ISS_RT(i)	FIELD(i, 9, 5)
#define SYS_ISS_READ	BIT(0)

/* Registers by encoding. */
#define SYS_SCTLR_EL12		S3_5_C1_C0_0
#define SYS_CPACR_EL12		S3_5_C1_C0_2
#define SYS_TTBR0_EL12		S3_5_C2_C0_0
#define SYS_TTBR1_EL12		S3_5_C2_C0_1
#define SYS_TCR_EL12		S3_5_C2_C0_2
#define SYS_SPSR_EL12		S3_5_C4_C0_0
#define SYS_ELR_EL12		S3_5_C4_C0_1
#define SYS_AFSR0_EL12		S3_5_C5_C1_0
#define SYS_AFSR1_EL12		S3_5_C5_C1_1
#define SYS_ESR_EL12		S3_5_C5_C2_0
#define SYS_FAR_EL12		S3_5_C6_C0_0
#define SYS_MAIR_EL12		S3_5_C10_C2_0
#define SYS_AMAIR_EL12		S3_5_C10_C3_0
#define SYS_VBAR_EL12		S3_5_C12_C0_0
#define SYS_CONTEXTIDR_EL12	S3_5_C13_C0_1
#define SYS_CNTKCTL_EL12	S3_5_C14_C1_0
#define SYS_CNTP_TVAL_EL02	S3_5_C14_C2_0
#define SYS_CNTP_CTL_EL02	S3_5_C14_C2_1
#define SYS_CNTP_CVAL_EL02	S3_5_C14_C2_2
#define SYS_CNTV_TVAL_EL02	S3_5_C14_C3_0
#define SYS_CNTV_CTL_EL02	S3_5_C14_C3_1
#define SYS_CNTV_CVAL_EL02	S3_5_C14_C3_2
#define SYS_TTBR1_EL2		S3_4_C2_C0_1
#define SYS_CONTEXTIDR_EL2	S3_4_C13_C0_1
#define SYS_CNTHV_TVAL_EL2	S3_4_C14_C3_0
#define SYS_CNTHV_CTL_EL2	S3_4_C14_C3_1
#define SYS_CNTHV_CVAL_EL2	S3_4_C14_C3_2
#define SYS_ID_AA64MMFR2_EL1	S3_0_C0_C7_2
#define SYS_ID_AA64MMFR3_EL1	S3_0_C0_C7_3
#define SYS_ID_AA64MMFR4_EL1	S3_0_C0_C7_4
#define SYS_ID_AA64ISAR2_EL1	S3_0_C0_C6_2
#define SYS_HFGRTR_EL2		S3_4_C1_C1_4
#define SYS_HFGWTR_EL2		S3_4_C1_C1_5
#define SYS_HFGITR_EL2		S3_4_C1_C1_6
#define SYS_HDFGRTR_EL2		S3_4_C3_C1_4
#define SYS_HDFGWTR_EL2		S3_4_C3_C1_5
#define SYS_HAFGRTR_EL2		S3_4_C3_C1_6
#define SYS_HCRX_EL2		S3_4_C1_C2_2
#define SYS_ICC_PMR_EL1		S3_0_C4_C6_0
#define SYS_ICC_DIR_EL1		S3_0_C12_C11_1
#define SYS_ICC_RPR_EL1		S3_0_C12_C11_3
#define SYS_ICC_SGI1R_EL1	S3_0_C12_C11_5
#define SYS_ICC_IAR1_EL1	S3_0_C12_C12_0
#define SYS_ICC_EOIR1_EL1	S3_0_C12_C12_1
#define SYS_ICC_HPPIR1_EL1	S3_0_C12_C12_2
#define SYS_ICC_BPR1_EL1	S3_0_C12_C12_3
#define SYS_ICC_CTLR_EL1	S3_0_C12_C12_4
#define SYS_ICC_SRE_EL1		S3_0_C12_C12_5
#define SYS_ICC_IGRPEN1_EL1	S3_0_C12_C12_7
#define SYS_ICC_SRE_EL2		S3_4_C12_C9_5
#define SYS_ICH_AP0R0_EL2	S3_4_C12_C8_0
#define SYS_ICH_AP1R0_EL2	S3_4_C12_C9_0
#define SYS_ICH_HCR_EL2		S3_4_C12_C11_0
#define SYS_ICH_VTR_EL2		S3_4_C12_C11_1
#define SYS_ICH_MISR_EL2	S3_4_C12_C11_2
#define SYS_ICH_EISR_EL2	S3_4_C12_C11_3
#define SYS_ICH_ELRSR_EL2	S3_4_C12_C11_5
#define SYS_ICH_VMCR_EL2	S3_4_C12_C11_7
#define SYS_ICH_LR0_EL2		S3_4_C12_C12_0
#define SYS_ICH_LR1_EL2		S3_4_C12_C12_1
#define SYS_ICH_LR2_EL2		S3_4_C12_C12_2
#define SYS_ICH_LR3_EL2		S3_4_C12_C12_3

#endif
