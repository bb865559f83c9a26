/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fields of system registers: constants only, for C and assembly, of L0 and of what else reads the
 * tables (their conditions name fields by these macros). Includes nothing.
 */
#ifndef SYSREG_FIELDS_H
#define SYSREG_FIELDS_H

#ifdef __ASSEMBLER__
#define __UL(x) x
#else
#define __UL(x) x##UL
#endif
#define __B(n)		   (__UL(1) << (n))
#define __FIELD(h, l)	   (((__UL(1) << ((h) - (l) + 1)) - 1) << (l))

/* HCR_EL2 */
#define HCR_VM		   __B(0)
#define HCR_SWIO	   __B(1)
#define HCR_PTW		   __B(2)
#define HCR_FMO		   __B(3)
#define HCR_IMO		   __B(4)
#define HCR_AMO		   __B(5)
#define HCR_VF		   __B(6)
#define HCR_VI		   __B(7)
#define HCR_VSE		   __B(8)
#define HCR_FB		   __B(9)
#define HCR_BSU		   __FIELD(11, 10)
#define HCR_BSU_IS	   __B(10)
#define HCR_DC		   __B(12)
#define HCR_TWI		   __B(13)
#define HCR_TWE		   __B(14)
#define HCR_TID0	   __B(15)
#define HCR_TID1	   __B(16)
#define HCR_TID2	   __B(17)
#define HCR_TID3	   __B(18)
#define HCR_TSC		   __B(19)
#define HCR_TIDCP	   __B(20)
#define HCR_TACR	   __B(21)
#define HCR_TSW		   __B(22)
#define HCR_TPCP	   __B(23)
#define HCR_TPU		   __B(24)
#define HCR_TTLB	   __B(25)
#define HCR_TVM		   __B(26)
#define HCR_TGE		   __B(27)
#define HCR_TDZ		   __B(28)
#define HCR_HCD		   __B(29)
#define HCR_TRVM	   __B(30)
#define HCR_RW		   __B(31)
#define HCR_CD		   __B(32)
#define HCR_ID		   __B(33)
#define HCR_E2H		   __B(34)
#define HCR_TLOR	   __B(35)
#define HCR_TERR	   __B(36)
#define HCR_TEA		   __B(37)
#define HCR_MIOCNCE	   __B(38)
#define HCR_TME		   __B(39)
#define HCR_APK		   __B(40)
#define HCR_API		   __B(41)
#define HCR_NV		   __B(42)
#define HCR_NV1		   __B(43)
#define HCR_AT		   __B(44)
#define HCR_NV2		   __B(45)
#define HCR_FWB		   __B(46)
#define HCR_FIEN	   __B(47)
#define HCR_GPF		   __B(48)
#define HCR_TID4	   __B(49)
#define HCR_TICAB	   __B(50)
#define HCR_AMVOFFEN	   __B(51)
#define HCR_TOCU	   __B(52)
#define HCR_ENSCXT	   __B(53)
#define HCR_TTLBIS	   __B(54)
#define HCR_TTLBOS	   __B(55)
#define HCR_ATA		   __B(56)
#define HCR_DCT		   __B(57)
#define HCR_TID5	   __B(58)
#define HCR_TWED	   __FIELD(63, 59) /* TWEDEL, TWEDEn */

/* ESR_ELx */
#define ESR_EC_SHIFT	   26
#define ESR_EC(esr)	   (((esr) >> ESR_EC_SHIFT) & 0x3f)
#define ESR_IL		   __B(25)
#define ESR_ISS_MASK	   __FIELD(24, 0)
#define ESR_EC_UNKNOWN	   0x00
#define ESR_EC_WFX	   0x01
#define ESR_EC_CP15_32	   0x03
#define ESR_EC_CP15_64	   0x04
#define ESR_EC_CP14_32	   0x05
#define ESR_EC_CP14_LS	   0x06
#define ESR_EC_FP_ASIMD	   0x07
#define ESR_EC_PAC	   0x09
#define ESR_EC_LS64	   0x0a
#define ESR_EC_CP14_64	   0x0c
#define ESR_EC_BTI	   0x0d
#define ESR_EC_ILL	   0x0e
#define ESR_EC_SVC32	   0x11
#define ESR_EC_SVC64	   0x15
#define ESR_EC_HVC64	   0x16
#define ESR_EC_SMC64	   0x17
#define ESR_EC_SYS64	   0x18
#define ESR_EC_SVE	   0x19
#define ESR_EC_ERET	   0x1a
#define ESR_EC_FPAC	   0x1c
#define ESR_EC_SME	   0x1d
#define ESR_EC_IABT_LOW	   0x20
#define ESR_EC_IABT_CUR	   0x21
#define ESR_EC_PC_ALIGN	   0x22
#define ESR_EC_DABT_LOW	   0x24
#define ESR_EC_DABT_CUR	   0x25
#define ESR_EC_SP_ALIGN	   0x26
#define ESR_EC_FP_EXC	   0x2c
#define ESR_EC_SERROR	   0x2f
#define ESR_EC_BREAKPT_LOW 0x30
#define ESR_EC_BREAKPT_CUR 0x31
#define ESR_EC_SOFTSTP_LOW 0x32
#define ESR_EC_SOFTSTP_CUR 0x33
#define ESR_EC_WATCHPT_LOW 0x34
#define ESR_EC_WATCHPT_CUR 0x35
#define ESR_EC_BKPT32	   0x38
#define ESR_EC_BRK64	   0x3c
/* Data and instruction aborts */
#define ESR_FSC		   __FIELD(5, 0)
#define ESR_FSC_TYPE	   __FIELD(5, 2)
#define ESR_FSC_LEVEL	   __FIELD(1, 0)
#define ESR_FSC_ADDRSZ	   0x00
#define ESR_FSC_FAULT	   0x04
#define ESR_FSC_ACCESS	   0x08
#define ESR_FSC_PERM	   0x0c
#define ESR_FSC_EXTABT	   0x10
#define ESR_FSC_SEA_TTW(l) (0x14 + (l))
#define ESR_FSC_ALIGN	   0x21
#define ESR_WNR		   __B(6)
#define ESR_S1PTW	   __B(7)
#define ESR_CM		   __B(8)
#define ESR_EA		   __B(9)
#define ESR_FNV		   __B(10)
#define ESR_SET		   __FIELD(12, 11)
#define ESR_VNCR	   __B(13)
#define ESR_AR		   __B(14)
#define ESR_SF		   __B(15)
#define ESR_SRT_SHIFT	   16
#define ESR_SRT(esr)	   (((esr) >> ESR_SRT_SHIFT) & 31)
#define ESR_SSE		   __B(21)
#define ESR_SAS_SHIFT	   22
#define ESR_SAS(esr)	   (((esr) >> ESR_SAS_SHIFT) & 3)
#define ESR_ISV		   __B(24)
/* WFx, ERET, HVC/SMC/SVC, FP */
#define ESR_WFX_TI	   __FIELD(1, 0)
#define ESR_WFX_WFE	   __B(0)
#define ESR_ERET_A	   __B(1) /* ERETAA/AB */
#define ESR_ERET_AB	   __B(0)
#define ESR_IMM16	   __FIELD(15, 0)
#define ESR_CV		   __B(24)
#define ESR_COND_AL	   (__UL(0xe) << 20)
#define ESR_SYS_READ	   __B(0)

/* HPFAR_EL2 */
#define HPFAR_FIPA	   __FIELD(43, 4)
#define HPFAR_NS	   __B(63)

/* SCTLR_ELx */
#define SCTLR_M		   __B(0)
#define SCTLR_A		   __B(1)
#define SCTLR_C		   __B(2)
#define SCTLR_SA	   __B(3)
#define SCTLR_SA0	   __B(4)
#define SCTLR_CP15BEN	   __B(5)
#define SCTLR_NAA	   __B(6)
#define SCTLR_ITD	   __B(7)
#define SCTLR_SED	   __B(8)
#define SCTLR_UMA	   __B(9)
#define SCTLR_ENRCTX	   __B(10)
#define SCTLR_EOS	   __B(11)
#define SCTLR_I		   __B(12)
#define SCTLR_ENDB	   __B(13)
#define SCTLR_DZE	   __B(14)
#define SCTLR_UCT	   __B(15)
#define SCTLR_NTWI	   __B(16)
#define SCTLR_NTWE	   __B(18)
#define SCTLR_WXN	   __B(19)
#define SCTLR_TSCXT	   __B(20)
#define SCTLR_IESB	   __B(21)
#define SCTLR_EIS	   __B(22)
#define SCTLR_SPAN	   __B(23)
#define SCTLR_E0E	   __B(24)
#define SCTLR_EE	   __B(25)
#define SCTLR_UCI	   __B(26)
#define SCTLR_ENDA	   __B(27)
#define SCTLR_NTLSMD	   __B(28)
#define SCTLR_LSMAOE	   __B(29)
#define SCTLR_ENIB	   __B(30)
#define SCTLR_ENIA	   __B(31)
#define SCTLR_CMOW	   __B(32)
#define SCTLR_MSCEN	   __B(33)
#define SCTLR_BT0	   __B(35)
#define SCTLR_BT1	   __B(36)
#define SCTLR_BT	   __B(36) /* EL2 with E2H=0 */
#define SCTLR_ITFSB	   __B(37)
#define SCTLR_TCF0	   __FIELD(39, 38)
#define SCTLR_TCF	   __FIELD(41, 40)
#define SCTLR_ATA0	   __B(42)
#define SCTLR_ATA	   __B(43)
#define SCTLR_DSSBS	   __B(44)
#define SCTLR_EPAN	   __B(57)
/* RES1 of SCTLR_EL1 with AArch32 EL0 absent or not, and of SCTLR_EL2 with E2H=0. */
#define SCTLR_EL1_RES1 \
	(SCTLR_NTLSMD | SCTLR_LSMAOE | SCTLR_EIS | SCTLR_EOS | SCTLR_SPAN | SCTLR_TSCXT)
#define SCTLR_EL2_RES1 \
	(__B(4) | __B(5) | __B(11) | __B(16) | __B(18) | __B(22) | __B(23) | __B(28) | __B(29))
#define SCTLR_EL1_RESET		  SCTLR_EL1_RES1
#define SCTLR_EL2_RESET		  SCTLR_EL2_RES1

/* TCR_EL1, and TCR_EL2 with E2H=1 */
#define TCR_T0SZ		  __FIELD(5, 0)
#define TCR_EPD0		  __B(7)
#define TCR_IRGN0		  __FIELD(9, 8)
#define TCR_ORGN0		  __FIELD(11, 10)
#define TCR_SH0			  __FIELD(13, 12)
#define TCR_TG0			  __FIELD(15, 14)
#define TCR_TG0_SHIFT		  14
#define TCR_TG0_4K		  0
#define TCR_TG0_64K		  1
#define TCR_TG0_16K		  2
#define TCR_T1SZ		  __FIELD(21, 16)
#define TCR_T1SZ_SHIFT		  16
#define TCR_A1			  __B(22)
#define TCR_EPD1		  __B(23)
#define TCR_IRGN1		  __FIELD(25, 24)
#define TCR_ORGN1		  __FIELD(27, 26)
#define TCR_SH1			  __FIELD(29, 28)
#define TCR_TG1			  __FIELD(31, 30)
#define TCR_TG1_SHIFT		  30
#define TCR_TG1_16K		  1
#define TCR_TG1_4K		  2
#define TCR_TG1_64K		  3
#define TCR_IPS			  __FIELD(34, 32)
#define TCR_IPS_SHIFT		  32
#define TCR_AS			  __B(36)
#define TCR_TBI0		  __B(37)
#define TCR_TBI1		  __B(38)
#define TCR_HA			  __B(39)
#define TCR_HD			  __B(40)
#define TCR_HPD0		  __B(41)
#define TCR_HPD1		  __B(42)
#define TCR_TBID0		  __B(51)
#define TCR_TBID1		  __B(52)
#define TCR_NFD0		  __B(53)
#define TCR_NFD1		  __B(54)
#define TCR_E0PD0		  __B(55)
#define TCR_E0PD1		  __B(56)
#define TCR_DS			  __B(59)
/* TCR_EL2 with E2H=0 */
#define TCR_EL2_T0SZ		  __FIELD(5, 0)
#define TCR_EL2_IRGN0		  __FIELD(9, 8)
#define TCR_EL2_ORGN0		  __FIELD(11, 10)
#define TCR_EL2_SH0		  __FIELD(13, 12)
#define TCR_EL2_TG0		  __FIELD(15, 14)
#define TCR_EL2_PS		  __FIELD(18, 16)
#define TCR_EL2_PS_SHIFT	  16
#define TCR_EL2_TBI		  __B(20)
#define TCR_EL2_HA		  __B(21)
#define TCR_EL2_HD		  __B(22)
#define TCR_EL2_HPD		  __B(24)
#define TCR_EL2_TBID		  __B(29)
#define TCR_EL2_DS		  __B(32)
#define TCR_EL2_RES1		  (__B(23) | __B(31))

/* TTBRn */
#define TTBR_CNP		  __B(0)
#define TTBR_BADDR		  __FIELD(47, 1)
#define TTBR_ASID		  __FIELD(63, 48)
#define TTBR_ASID_SHIFT		  48

/* VTCR_EL2 */
#define VTCR_T0SZ		  __FIELD(5, 0)
#define VTCR_SL0		  __FIELD(7, 6)
#define VTCR_SL0_SHIFT		  6
#define VTCR_IRGN0		  __FIELD(9, 8)
#define VTCR_ORGN0		  __FIELD(11, 10)
#define VTCR_SH0		  __FIELD(13, 12)
#define VTCR_TG0		  __FIELD(15, 14)
#define VTCR_TG0_SHIFT		  14
#define VTCR_PS			  __FIELD(18, 16)
#define VTCR_PS_SHIFT		  16
#define VTCR_VS			  __B(19)
#define VTCR_HA			  __B(21)
#define VTCR_HD			  __B(22)
#define VTCR_HWU		  __FIELD(28, 25)
#define VTCR_NSW		  __B(29)
#define VTCR_NSA		  __B(30)
#define VTCR_RES1		  __B(31)
#define VTCR_DS			  __B(32)
#define VTCR_SL2		  __B(33)

/* VTTBR_EL2 */
#define VTTBR_CNP		  __B(0)
#define VTTBR_BADDR		  __FIELD(47, 1)
#define VTTBR_VMID		  __FIELD(63, 48)
#define VTTBR_VMID_SHIFT	  48

/* CPACR_EL1, and CPTR_EL2 with E2H=1 */
#define CPACR_ZEN		  __FIELD(17, 16)
#define CPACR_ZEN_EL1		  __B(16)
#define CPACR_FPEN		  __FIELD(21, 20)
#define CPACR_FPEN_EL1		  __B(20)
#define CPACR_FPEN_EL0		  __B(21)
#define CPACR_SMEN		  __FIELD(25, 24)
#define CPACR_TTA		  __B(28)
#define CPACR_E0POE		  __B(29)
/* ZCR_EL1, ZCR_EL2 */
#define ZCR_LEN			  __FIELD(3, 0)
/* CPTR_EL2; TCPAC and TAM stand at the same place in both formats */
#define CPTR_TZ			  __B(8)
#define CPTR_TFP		  __B(10)
#define CPTR_TSM		  __B(12)
#define CPTR_TTA		  __B(20)
#define CPTR_TAM		  __B(30)
#define CPTR_TCPAC		  __B(31)
#define CPTR_RES1		  (__B(13) | __B(12) | __B(9) | __B(8) | __FIELD(7, 0))
#define CPTR_EL2_RESET		  0

/* MDCR_EL2 */
#define MDCR_HPMN		  __FIELD(4, 0)
#define MDCR_TPMCR		  __B(5)
#define MDCR_TPM		  __B(6)
#define MDCR_HPME		  __B(7)
#define MDCR_TDE		  __B(8)
#define MDCR_TDA		  __B(9)
#define MDCR_TDOSA		  __B(10)
#define MDCR_TDRA		  __B(11)
#define MDCR_E2PB		  __FIELD(13, 12)
#define MDCR_TPMS		  __B(14)
#define MDCR_HPMD		  __B(17)
#define MDCR_TTRF		  __B(19)
#define MDCR_HCCD		  __B(23)
#define MDCR_E2TB		  __FIELD(25, 24)
#define MDCR_HLP		  __B(26)
#define MDCR_TDCC		  __B(27)
#define MDCR_MTPME		  __B(28)
#define MDCR_HPMFZO		  __B(29)
/* MDSCR_EL1 */
#define MDSCR_SS		  __B(0)
#define MDSCR_TDCC		  __B(12)
#define MDSCR_KDE		  __B(13)
#define MDSCR_MDE		  __B(15)
#define OSLSR_OSLK		  __B(1)
#define OSLSR_EL1_RESET		  (__B(3) | __B(1)) /* OS Lock implemented, locked */

/* CNTHCTL_EL2 with E2H=0 */
#define CNTHCTL_EL1PCTEN	  __B(0)
#define CNTHCTL_EL1PCEN		  __B(1)
#define CNTHCTL_EVNTEN		  __B(2)
#define CNTHCTL_EVNTDIR		  __B(3)
#define CNTHCTL_EVNTI		  __FIELD(7, 4)
#define CNTHCTL_EL2_RESET	  (CNTHCTL_EL1PCTEN | CNTHCTL_EL1PCEN)
/* CNTHCTL_EL2 with E2H=1; 9:0 as in CNTKCTL_EL1 */
#define CNTKCTL_EL0PCTEN	  __B(0)
#define CNTKCTL_EL0VCTEN	  __B(1)
#define CNTKCTL_EVNTEN		  __B(2)
#define CNTKCTL_EVNTDIR		  __B(3)
#define CNTKCTL_EVNTI		  __FIELD(7, 4)
#define CNTKCTL_EL0VTEN		  __B(8)
#define CNTKCTL_EL0PTEN		  __B(9)
#define CNTHCTL_E2H_EL1PCTEN	  __B(10)
#define CNTHCTL_E2H_EL1PTEN	  __B(11)
/* Either format (FEAT_ECV) */
#define CNTHCTL_ECV		  __B(12)
#define CNTHCTL_EL1TVT		  __B(13)
#define CNTHCTL_EL1TVCT		  __B(14)
#define CNTHCTL_EL1NVPCT	  __B(15)
#define CNTHCTL_EL1NVVCT	  __B(16)
#define CNTHCTL_NV_TRAPS	  (CNTHCTL_EL1NVPCT | CNTHCTL_EL1NVVCT)
#define CNTHCTL_ECV_TRAPS	  (CNTHCTL_EL1TVT | CNTHCTL_EL1TVCT | CNTHCTL_NV_TRAPS)
#define CNTHCTL_EVNTIS		  __B(17)
#define CNTHCTL_ABOVE_ECV	  __FIELD(63, 18)
/* CNTx_CTL */
#define CNT_CTL_ENABLE		  __B(0)
#define CNT_CTL_IMASK		  __B(1)
#define CNT_CTL_ISTATUS		  __B(2)

/* ICC_SRE_ELx */
#define ICC_SRE_SRE		  __B(0)
#define ICC_SRE_DFB		  __B(1)
#define ICC_SRE_DIB		  __B(2)
#define ICC_SRE_ENABLE		  __B(3)
#define ICC_SRE_EL2_RESET	  0xf
/* ICH_HCR_EL2 */
#define ICH_HCR_EN		  __B(0)
#define ICH_HCR_UIE		  __B(1)
#define ICH_HCR_LRENPIE		  __B(2)
#define ICH_HCR_NPIE		  __B(3)
#define ICH_HCR_VGRP0EIE	  __B(4)
#define ICH_HCR_VGRP0DIE	  __B(5)
#define ICH_HCR_VGRP1EIE	  __B(6)
#define ICH_HCR_VGRP1DIE	  __B(7)
#define ICH_HCR_VSGIEOICOUNT	  __B(8)
#define ICH_HCR_TC		  __B(10)
#define ICH_HCR_TALL0		  __B(11)
#define ICH_HCR_TALL1		  __B(12)
#define ICH_HCR_TSEI		  __B(13)
#define ICH_HCR_TDIR		  __B(14)
#define ICH_HCR_DVIM		  __B(15)
#define ICH_HCR_EOICOUNT	  __FIELD(31, 27)
#define ICH_HCR_EOICOUNT_SHIFT	  27
/* ICH_LRn_EL2 */
#define ICH_LR_VINTID		  __FIELD(31, 0)
#define ICH_LR_PINTID		  __FIELD(44, 32)
#define ICH_LR_PINTID_SHIFT	  32
#define ICH_LR_EOI		  __B(41) /* HW=0: maintenance interrupt on EOI */
#define ICH_LR_PRIO_SHIFT	  48
#define ICH_LR_PRIO		  __FIELD(55, 48)
#define ICH_LR_PRIO_RES0	  __FIELD(50, 48) /* five bits of priority (ICH_VTR_EL2.PRIbits = 4) */
#define ICH_LR_NMI		  __B(59)
#define ICH_LR_GROUP		  __B(60)
#define ICH_LR_HW		  __B(61)
#define ICH_LR_STATE		  __FIELD(63, 62)
#define ICH_LR_PENDING		  __B(62)
#define ICH_LR_ACTIVE		  __B(63)
/* ICH_VTR_EL2 */
#define ICH_VTR_LISTREGS	  __FIELD(4, 0)
#define ICH_VTR_TDS		  __B(19)
#define ICH_VTR_NV4		  __B(20)
#define ICH_VTR_A3V		  __B(21)
#define ICH_VTR_SEIS		  __B(22)
#define ICH_VTR_IDBITS_SHIFT	  23
#define ICH_VTR_PREBITS_SHIFT	  26
#define ICH_VTR_PRIBITS_SHIFT	  29
/* ICH_MISR_EL2 */
#define ICH_MISR_EOI		  __B(0)
#define ICH_MISR_U		  __B(1)
#define ICH_MISR_LRENP		  __B(2)
#define ICH_MISR_NP		  __B(3)
#define ICH_MISR_VGRP0E		  __B(4)
#define ICH_MISR_VGRP0D		  __B(5)
#define ICH_MISR_VGRP1E		  __B(6)
#define ICH_MISR_VGRP1D		  __B(7)
/* ICH_VMCR_EL2 */
#define ICH_VMCR_VENG0		  __B(0)
#define ICH_VMCR_VENG1		  __B(1)
#define ICH_VMCR_VACKCTL	  __B(2)
#define ICH_VMCR_VFIQEN		  __B(3)
#define ICH_VMCR_VCBPR		  __B(4)
#define ICH_VMCR_VEOIM		  __B(9)
#define ICH_VMCR_VBPR1_SHIFT	  18
#define ICH_VMCR_VBPR1		  __FIELD(20, 18)
#define ICH_VMCR_VBPR0_SHIFT	  21
#define ICH_VMCR_VBPR0		  __FIELD(23, 21)
#define ICH_VMCR_VPMR_SHIFT	  24
#define ICH_VMCR_VPMR		  __FIELD(31, 24)

/* HFGRTR_EL2 and HFGWTR_EL2 */
#define HFGRTR_AFSR0_EL1	  __B(0)
#define HFGRTR_AFSR1_EL1	  __B(1)
#define HFGRTR_AIDR_EL1		  __B(2)
#define HFGRTR_AMAIR_EL1	  __B(3)
#define HFGRTR_APDAKEY		  __B(4)
#define HFGRTR_APDBKEY		  __B(5)
#define HFGRTR_APGAKEY		  __B(6)
#define HFGRTR_APIAKEY		  __B(7)
#define HFGRTR_APIBKEY		  __B(8)
#define HFGRTR_CCSIDR_EL1	  __B(9)
#define HFGRTR_CLIDR_EL1	  __B(10)
#define HFGRTR_CONTEXTIDR_EL1	  __B(11)
#define HFGRTR_CPACR_EL1	  __B(12)
#define HFGRTR_CSSELR_EL1	  __B(13)
#define HFGRTR_CTR_EL0		  __B(14)
#define HFGRTR_DCZID_EL0	  __B(15)
#define HFGRTR_ESR_EL1		  __B(16)
#define HFGRTR_FAR_EL1		  __B(17)
#define HFGRTR_ISR_EL1		  __B(18)
#define HFGRTR_LORC_EL1		  __B(19)
#define HFGRTR_LOREA_EL1	  __B(20)
#define HFGRTR_LORID_EL1	  __B(21)
#define HFGRTR_LORN_EL1		  __B(22)
#define HFGRTR_LORSA_EL1	  __B(23)
#define HFGRTR_MAIR_EL1		  __B(24)
#define HFGRTR_MIDR_EL1		  __B(25)
#define HFGRTR_MPIDR_EL1	  __B(26)
#define HFGRTR_PAR_EL1		  __B(27)
#define HFGRTR_REVIDR_EL1	  __B(28)
#define HFGRTR_SCTLR_EL1	  __B(29)
#define HFGRTR_SCXTNUM_EL1	  __B(30)
#define HFGRTR_SCXTNUM_EL0	  __B(31)
#define HFGRTR_TCR_EL1		  __B(32)
#define HFGRTR_TPIDR_EL1	  __B(33)
#define HFGRTR_TPIDRRO_EL0	  __B(34)
#define HFGRTR_TPIDR_EL0	  __B(35)
#define HFGRTR_TTBR0_EL1	  __B(36)
#define HFGRTR_TTBR1_EL1	  __B(37)
#define HFGRTR_VBAR_EL1		  __B(38)
#define HFGRTR_ICC_IGRPENN_EL1	  __B(39)
#define HFGRTR_ERRIDR_EL1	  __B(40)
#define HFGRTR_ERRSELR_EL1	  __B(41)
#define HFGRTR_ERXFR_EL1	  __B(42)
#define HFGRTR_ERXCTLR_EL1	  __B(43)
#define HFGRTR_ERXSTATUS_EL1	  __B(44)
#define HFGRTR_ERXMISCN_EL1	  __B(45)
#define HFGRTR_ERXPFGF_EL1	  __B(46)
#define HFGRTR_ERXPFGCTL_EL1	  __B(47)
#define HFGRTR_ERXPFGCDN_EL1	  __B(48)
#define HFGRTR_ERXADDR_EL1	  __B(49)
#define HFGRTR_NACCDATA_EL1	  __B(50)
#define HFGRTR_NGCS_EL0		  __B(52)
#define HFGRTR_NGCS_EL1		  __B(53)
#define HFGRTR_NSMPRI_EL1	  __B(54)
#define HFGRTR_NTPIDR2_EL0	  __B(55)
#define HFGRTR_NRCWMASK_EL1	  __B(56)
#define HFGRTR_NPIRE0_EL1	  __B(57)
#define HFGRTR_NPIR_EL1		  __B(58)
#define HFGRTR_NPOR_EL0		  __B(59)
#define HFGRTR_NPOR_EL1		  __B(60)
#define HFGRTR_NS2POR_EL1	  __B(61)
#define HFGRTR_NMAIR2_EL1	  __B(62)
#define HFGRTR_NAMAIR2_EL1	  __B(63)
/* HDFGRTR_EL2 and HDFGWTR_EL2; of a name with N the bit covers all registers n */
#define HDFGRTR_DBGBCRN_EL1	  __B(0)
#define HDFGRTR_DBGBVRN_EL1	  __B(1)
#define HDFGRTR_DBGWCRN_EL1	  __B(2)
#define HDFGRTR_DBGWVRN_EL1	  __B(3)
#define HDFGRTR_MDSCR_EL1	  __B(4)
#define HDFGRTR_DBGCLAIM	  __B(5)
#define HDFGRTR_DBGAUTHSTATUS_EL1 __B(6)
#define HDFGRTR_DBGPRCR_EL1	  __B(7)
#define HDFGRTR_OSLAR_EL1	  __B(8)
#define HDFGRTR_OSLSR_EL1	  __B(9)
#define HDFGRTR_OSECCR_EL1	  __B(10)
#define HDFGRTR_OSDLR_EL1	  __B(11)
#define HDFGRTR_PMEVCNTRN_EL0	  __B(12)
#define HDFGRTR_PMEVTYPERN_EL0	  __B(13)
#define HDFGRTR_PMCCFILTR_EL0	  __B(14)
#define HDFGRTR_PMCCNTR_EL0	  __B(15)
#define HDFGRTR_PMCNTEN		  __B(16)
#define HDFGRTR_PMINTEN		  __B(17)
#define HDFGRTR_PMOVS		  __B(18)
#define HDFGRTR_PMSELR_EL0	  __B(19)
#define HDFGRTR_PMSWINC_EL0	  __B(20)
#define HDFGRTR_PMCR_EL0	  __B(21)
#define HDFGRTR_PMMIR_EL1	  __B(22)
#define HDFGRTR_PMBLIMITR_EL1	  __B(23)
#define HDFGRTR_PMBPTR_EL1	  __B(24)
#define HDFGRTR_PMBSR_EL1	  __B(25)
#define HDFGRTR_PMSCR_EL1	  __B(26)
#define HDFGRTR_PMSEVFR_EL1	  __B(27)
#define HDFGRTR_PMSFCR_EL1	  __B(28)
#define HDFGRTR_PMSICR_EL1	  __B(29)
#define HDFGRTR_PMSIDR_EL1	  __B(30)
#define HDFGRTR_PMSIRR_EL1	  __B(31)
#define HDFGRTR_PMSLATFR_EL1	  __B(32)
#define HDFGRTR_TRC		  __B(33)
#define HDFGRTR_TRCAUTHSTATUS	  __B(34)
#define HDFGRTR_TRCAUXCTLR	  __B(35)
#define HDFGRTR_TRCCLAIM	  __B(36)
#define HDFGRTR_TRCCNTVRN	  __B(37)
#define HDFGRTR_TRCID		  __B(40)
#define HDFGRTR_TRCIMSPECN	  __B(41)
#define HDFGRTR_TRCOSLSR	  __B(43)
#define HDFGRTR_TRCPRGCTLR	  __B(44)
#define HDFGRTR_TRCSEQSTR	  __B(45)
#define HDFGRTR_TRCSSCSRN	  __B(46)
#define HDFGRTR_TRCSTATR	  __B(47)
#define HDFGRTR_TRCVICTLR	  __B(48)
#define HDFGRTR_TRFCR_EL1	  __B(49)
#define HDFGRTR_TRBBASER_EL1	  __B(50)
#define HDFGRTR_TRBIDR_EL1	  __B(51)
#define HDFGRTR_TRBLIMITR_EL1	  __B(52)
#define HDFGRTR_TRBMAR_EL1	  __B(53)
#define HDFGRTR_TRBPTR_EL1	  __B(54)
#define HDFGRTR_TRBSR_EL1	  __B(55)
#define HDFGRTR_TRBTRG_EL1	  __B(56)
#define HDFGRTR_PMUSERENR_EL0	  __B(57)
#define HDFGRTR_PMCEIDN_EL0	  __B(58)
#define HDFGRTR_NBRBIDR		  __B(59)
#define HDFGRTR_NBRBCTL		  __B(60)
#define HDFGRTR_NBRBDATA	  __B(61)
#define HDFGRTR_NPMSNEVFR_EL1	  __B(62)
#define HDFGRTR_PMBIDR_EL1	  __B(63)
/* HFGITR_EL2 */
#define HFGITR_ICIALLUIS	  __B(0)
#define HFGITR_ICIALLU		  __B(1)
#define HFGITR_ICIVAU		  __B(2)
#define HFGITR_DCIVAC		  __B(3)
#define HFGITR_DCISW		  __B(4)
#define HFGITR_DCCSW		  __B(5)
#define HFGITR_DCCISW		  __B(6)
#define HFGITR_DCCVAU		  __B(7)
#define HFGITR_DCCVAP		  __B(8)
#define HFGITR_DCCVADP		  __B(9)
#define HFGITR_DCCIVAC		  __B(10)
#define HFGITR_DCZVA		  __B(11)
#define HFGITR_ATS1E1R		  __B(12)
#define HFGITR_ATS1E1W		  __B(13)
#define HFGITR_ATS1E0R		  __B(14)
#define HFGITR_ATS1E0W		  __B(15)
#define HFGITR_ATS1E1RP		  __B(16)
#define HFGITR_ATS1E1WP		  __B(17)
#define HFGITR_TLBIVMALLE1OS	  __B(18)
#define HFGITR_TLBIVAE1OS	  __B(19)
#define HFGITR_TLBIASIDE1OS	  __B(20)
#define HFGITR_TLBIVAAE1OS	  __B(21)
#define HFGITR_TLBIVALE1OS	  __B(22)
#define HFGITR_TLBIVAALE1OS	  __B(23)
#define HFGITR_TLBIRVAE1OS	  __B(24)
#define HFGITR_TLBIRVAAE1OS	  __B(25)
#define HFGITR_TLBIRVALE1OS	  __B(26)
#define HFGITR_TLBIRVAALE1OS	  __B(27)
#define HFGITR_TLBIVMALLE1IS	  __B(28)
#define HFGITR_TLBIVAE1IS	  __B(29)
#define HFGITR_TLBIASIDE1IS	  __B(30)
#define HFGITR_TLBIVAAE1IS	  __B(31)
#define HFGITR_TLBIVALE1IS	  __B(32)
#define HFGITR_TLBIVAALE1IS	  __B(33)
#define HFGITR_TLBIRVAE1IS	  __B(34)
#define HFGITR_TLBIRVAAE1IS	  __B(35)
#define HFGITR_TLBIRVALE1IS	  __B(36)
#define HFGITR_TLBIRVAALE1IS	  __B(37)
#define HFGITR_TLBIRVAE1	  __B(38)
#define HFGITR_TLBIRVAAE1	  __B(39)
#define HFGITR_TLBIRVALE1	  __B(40)
#define HFGITR_TLBIRVAALE1	  __B(41)
#define HFGITR_TLBIVMALLE1	  __B(42)
#define HFGITR_TLBIVAE1		  __B(43)
#define HFGITR_TLBIASIDE1	  __B(44)
#define HFGITR_TLBIVAAE1	  __B(45)
#define HFGITR_TLBIVALE1	  __B(46)
#define HFGITR_TLBIVAALE1	  __B(47)
#define HFGITR_CFPRCTX		  __B(48)
#define HFGITR_DVPRCTX		  __B(49)
#define HFGITR_CPPRCTX		  __B(50)
#define HFGITR_ERET		  __B(51)
#define HFGITR_SVC_EL0		  __B(52)
#define HFGITR_SVC_EL1		  __B(53)
#define HFGITR_DCCVAC		  __B(54)
#define HFGITR_NBRBINJ		  __B(55)
#define HFGITR_NBRBIALL		  __B(56)
#define HFGITR_NGCSPUSHM_EL1	  __B(57)
#define HFGITR_NGCSSTR_EL1	  __B(58)
#define HFGITR_NGCSEPP		  __B(59)
#define HFGITR_COSPRCTX		  __B(60)
#define HFGITR_ATS1E1A		  __B(62)
#define HFGITR_PSBCSYNC		  __B(63)
/* all ..OS with its range forms, and all range forms */
#define HFGITR_TLBI_OS		  __FIELD(27, 18)
#define HFGITR_TLBI_RANGE	  (__FIELD(27, 24) | __FIELD(41, 34))
/* PAR_EL1 */
#define PAR_F			  __B(0)
#define PAR_FST			  __FIELD(6, 1)
#define PAR_PTW			  __B(8)
#define PAR_S			  __B(9)
#define PAR_PA			  __FIELD(51, 12)

#endif
