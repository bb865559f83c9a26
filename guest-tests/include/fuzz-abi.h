/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What tests/fuzz.c and harness/vel2lib/fuzzrun.py agree on: the memory through which programs come and
 * go, as IPAs of the L1 that runs them. Python reads this file: plain decimal or hexadecimal numbers only.
 *
 * The harness writes a batch and sends a byte to the UART; the guest runs it and sends FUZZ_BELL back.
 */
#ifndef GUEST_FUZZ_ABI_H
#define GUEST_FUZZ_ABI_H

#define FUZZ_MAGIC	0x66757a32	/* mailbox: u32 magic, u32 programs, u32 finished, u32 mode, */
#define FUZZ_MODE_ANY	2		/* mode: programs change E2H; otherwise it is 1 for E2H, 0 without */
#define FUZZ_MAILBOX	0x45000000	/* u64 ticks of the watchdog for one program */
#define FUZZ_IN		0x45010000
#define FUZZ_OUT	0x46000000
#define FUZZ_OUT_END	0x47800000
#define FUZZ_READY	82		/* 'R' */
#define FUZZ_BELL	68		/* 'D' */

/* Code of one program, copied here from FUZZ_IN. */
#define FUZZ_CODE2	0x45200000	/* at EL2 */
#define FUZZ_STUBS2	0x45207000	/* functions of EL2, which the harness writes before the first program */
#define FUZZ_CODE1	0x45208000	/* at EL1 or EL0, or wherever an ERET leads */
#define FUZZ_STUBS	0x45210000	/* EL1's vectors, and ends of code; a page */
#define FUZZ_STUB_HVC	0x45210800	/* hvc #FUZZ_IMM_DONE */
#define FUZZ_STUB_SVC	0x45210810	/* svc #FUZZ_IMM_DONE */
#define FUZZ_STUB_A32	0x45210820	/* the same for AArch32 */
#define FUZZ_CODE_END	0x45211000

/* FEAT_NV2's page of an EL2 that gives its guest a virtual EL2; zeros when a program begins. */
#define FUZZ_VNCR	0x45300000
#define FUZZ_VNCR_SIZE	4096

/* Data: pages of 64 KiB, of which programs use the first bytes of every 4 KiB. */
#define FUZZ_PAGES	0x45400000
#define FUZZ_NR_PAGES	16		/* pages of 4 KiB */
#define FUZZ_PAGE_RET	0		/* offset: a RET, so that it can be called */
#define FUZZ_PAGE_TAG	8		/* offset: FUZZ_TAG | page */
#define FUZZ_PAGE_SLOTS	16		/* offset: FUZZ_NR_SLOTS u64 that programs write */
#define FUZZ_NR_SLOTS	2
#define FUZZ_PAGE_USED	64		/* bytes that programs write */
#define FUZZ_VNCR_PAGE	3		/* but all of this one, which may be the page of FEAT_NV2, too */
#define FUZZ_TAG	0x7a670000

#define FUZZ_IMM_DONE	0x7ff		/* HVC, SVC: end of code below EL2 */
#define FUZZ_IMM_VEC	0x700		/* HVC of EL1's vector <imm - 0x700> */
#define FUZZ_IMM_END	0x7fe		/* HVC: end of the program */

/* A program: u32 size of all of it, words at EL2, words below, pairs (address, value) stored at its end, pairs
 * (function at FUZZ_STUBS2, argument) called then; then all those, pairs 8-byte aligned. */
#define FUZZ_HEADER	20

/* An output: u32 size of all of it, u32 how it ended; then records (u64 words). */
#define FUZZ_END_OK	0
#define FUZZ_END_EVENTS	1		/* too many exceptions */
#define FUZZ_END_WATCH	2		/* the watchdog */
#define FUZZ_END_LOG	3		/* more records than there is room for */

/* A record begins with kind << 56 | what << 32 | words that follow. */
#define FUZZ_REC_VALUE	1		/* what: index of the operation; its values */
#define FUZZ_REC_EXC	2		/* what: vector; ESR, ELR, SPSR, FAR, HPFAR (0: UNKNOWN) */
#define FUZZ_REC_EXC1	3		/* what: EL1's vector; the same of EL1, HPFAR 0 */
#define FUZZ_REC_IRQ	4		/* what: INTID << 8 | vector (+ 16: of EL1); the interrupted ELR, SPSR */
#define FUZZ_REC_GPRS	5		/* x0-x15 at the end of code below EL2 */
#define FUZZ_REC_PAGES	6		/* the slots of all pages, at the end */
#define FUZZ_REC_VNCR	7		/* what: offset in FUZZ_VNCR of a word that is not 0, at the end */

#define FUZZ_LOG_WORDS	1024		/* of one program */
#define FUZZ_MAX_EXC	96		/* of one program */
#define FUZZ_MAX_EXC1	24		/* of one entry below EL2 */
#define FUZZ_NR_GPRS	16

#endif
