// SPDX-License-Identifier: GPL-2.0-only
/*
 * The trap bits of HCR_EL2, each with its instructions, clear and set, from EL1 and where it matters
 * from EL0. Every row leaves the state of L2 as it was, trapped or not.
 */
#include "gic.h"
#include "l2.h"

#define SGI		3

/* name: of the row; insns may use x0 (an address L2 has) and x1 */
#define RW(reg)		"mrs x1, " #reg "\n msr " #reg ", x1"
#define RO(reg)		"mrs x1, " #reg

#define EL1_ROWS(R)								\
	R(TWI, wfi, "wfi")							\
	R(TSC, smc_fid, "mov x0, #0x84000000\n smc #3")				\
	R(TVM, sctlr, RW(sctlr_el1))						\
	R(TVM, ttbr0, RW(ttbr0_el1))						\
	R(TVM, ttbr1, RW(ttbr1_el1))						\
	R(TVM, tcr, RW(tcr_el1))						\
	R(TVM, esr, RW(esr_el1))						\
	R(TVM, far, RW(far_el1))						\
	R(TVM, afsr0, RW(afsr0_el1))						\
	R(TVM, afsr1, RW(afsr1_el1))						\
	R(TVM, mair, RW(mair_el1))						\
	R(TVM, amair, RW(amair_el1))						\
	R(TVM, contextidr, RW(contextidr_el1))					\
	R(TVM, vbar, RW(vbar_el1))						\
	R(TRVM, rsctlr, RO(sctlr_el1))						\
	R(TRVM, rttbr0, RO(ttbr0_el1))						\
	R(TRVM, rttbr1, RO(ttbr1_el1))						\
	R(TRVM, rtcr, RO(tcr_el1))						\
	R(TRVM, resr, RO(esr_el1))						\
	R(TRVM, rfar, RO(far_el1))						\
	R(TRVM, rafsr0, RO(afsr0_el1))						\
	R(TRVM, rafsr1, RO(afsr1_el1))						\
	R(TRVM, rmair, RO(mair_el1))						\
	R(TRVM, ramair, RO(amair_el1))						\
	R(TRVM, rcontextidr, RO(contextidr_el1))				\
	R(TID1, revidr, RO(revidr_el1))						\
	R(TID1, aidr, RO(aidr_el1))						\
	R(TID1, midr, RO(midr_el1))						\
	R(TID2, ctr, RO(ctr_el0))						\
	R(TID2, clidr, RO(clidr_el1))						\
	R(TID2, csselr, RW(csselr_el1))						\
	R(TID2, ccsidr, RO(ccsidr_el1))						\
	R(TID4, clidr4, RO(clidr_el1))						\
	R(TID4, ctr4, RO(ctr_el0))						\
	R(TID4, csselr4, RW(csselr_el1))					\
	R(TID4, ccsidr4, RO(ccsidr_el1))					\
	R(TID3, aa64pfr0, RO(id_aa64pfr0_el1))					\
	R(TID3, aa64pfr1, RO(S3_0_C0_C4_1))					\
	R(TID3, aa64zfr0, RO(S3_0_C0_C4_4))					\
	R(TID3, aa64dfr0, RO(id_aa64dfr0_el1))					\
	R(TID3, aa64dfr1, RO(id_aa64dfr1_el1))					\
	R(TID3, aa64afr0, RO(id_aa64afr0_el1))					\
	R(TID3, aa64isar0, RO(id_aa64isar0_el1))				\
	R(TID3, aa64isar1, RO(id_aa64isar1_el1))				\
	R(TID3, aa64isar2, RO(S3_0_C0_C6_2))					\
	R(TID3, aa64mmfr0, RO(id_aa64mmfr0_el1))				\
	R(TID3, aa64mmfr1, RO(id_aa64mmfr1_el1))				\
	R(TID3, aa64mmfr2, RO(S3_0_C0_C7_2))					\
	R(TID3, aa64mmfr4, RO(S3_0_C0_C7_4))					\
	R(TID3, pfr0, RO(id_pfr0_el1))						\
	R(TID3, dfr0, RO(id_dfr0_el1))						\
	R(TID3, isar5, RO(id_isar5_el1))					\
	R(TID3, mvfr0, RO(mvfr0_el1))						\
	R(TID3, unallocated, RO(S3_0_C0_C7_7))					\
	R(TID3, mpidr, RO(mpidr_el1))						\
	R(TACR, actlr, RO(actlr_el1))						\
	R(TIDCP, impdef, RO(S3_0_C15_C0_0))					\
	R(TSW, isw, "dc isw, xzr")						\
	R(TSW, csw, "dc csw, xzr")						\
	R(TSW, cisw, "dc cisw, xzr")						\
	R(TPCP, ivac, "dc ivac, x0")						\
	R(TPCP, cvac, "dc cvac, x0")						\
	R(TPCP, civac, "dc civac, x0")						\
	R(TPU, cvau, "dc cvau, x0")						\
	R(TPU, ivau, "ic ivau, x0")						\
	R(TPU, iallu, "ic iallu")						\
	R(TPU, ialluis, "ic ialluis")						\
	R(TOCU, ocvau, "dc cvau, x0")						\
	R(TOCU, oivau, "ic ivau, x0")						\
	R(TOCU, oiallu, "ic iallu")						\
	R(TOCU, oialluis, "ic ialluis")						\
	R(TICAB, tiallu, "ic iallu")						\
	R(TICAB, tialluis, "ic ialluis")					\
	R(TDZ, zva, "dc zva, x0")						\
	R(TDZ, dczid, RO(dczid_el0))						\
	R(TTLB, vmalle1, "tlbi vmalle1")					\
	R(TTLB, vae1, "tlbi vae1, x1")						\
	R(TTLB, aside1, "tlbi aside1, x1")					\
	R(TTLB, vaae1, "tlbi vaae1, x1")					\
	R(TTLB, vale1, "tlbi vale1, x1")					\
	R(TTLB, vaale1, "tlbi vaale1, x1")					\
	R(TTLB, vmalle1is, "tlbi vmalle1is")					\
	R(TTLB, vae1is, "tlbi vae1is, x1")					\
	R(TTLB, aside1is, "tlbi aside1is, x1")					\
	R(TTLB, vaale1is, "tlbi vaale1is, x1")					\
	R(TTLB, vmalle1os, "sys #0, c8, c1, #0")				\
	R(TTLB, vae1os, "sys #0, c8, c1, #1, x1")				\
	R(TTLB, rvae1, "sys #0, c8, c6, #1, x1")				\
	R(TTLB, rvae1is, "sys #0, c8, c2, #1, x1")				\
	R(TTLB, rvaae1os, "sys #0, c8, c5, #3, x1")				\
	R(TTLBIS, ivmalle1, "tlbi vmalle1")					\
	R(TTLBIS, ivmalle1is, "tlbi vmalle1is")					\
	R(TTLBIS, ivaae1is, "tlbi vaae1is, x1")					\
	R(TTLBIS, irvae1is, "sys #0, c8, c2, #1, x1")				\
	R(TTLBOS, ovmalle1is, "tlbi vmalle1is")					\
	R(TTLBOS, ovmalle1os, "sys #0, c8, c1, #0")				\
	R(TTLBOS, orvae1os, "sys #0, c8, c5, #1, x1")

#define EL0_ROWS(R)								\
	R(TWI, u_wfi, "wfi")							\
	R(TSC, u_smc, "smc #3")							\
	R(TID2, u_ctr, RO(ctr_el0))						\
	R(TID3, u_mmfr0, RO(id_aa64mmfr0_el1))					\
	R(TPCP, u_cvac, "dc cvac, x0")						\
	R(TPCP, u_civac, "dc civac, x0")					\
	R(TPU, u_cvau, "dc cvau, x0")						\
	R(TPU, u_ivau, "ic ivau, x0")						\
	R(TOCU, u_ocvau, "dc cvau, x0")						\
	R(TDZ, u_zva, "dc zva, x0")						\
	R(TDZ, u_dczid, RO(dczid_el0))						\
	R(TTLB, u_vmalle1, "tlbi vmalle1")					\
	R(TVM, u_sctlr, RO(sctlr_el1))

#define DEFINE(bit, name, insns) L2_ASM(do_##name, insns)
EL1_ROWS(DEFINE)
#undef DEFINE
/* EL0 is not where a rewritten instruction does what stood there. */
#define DEFINE(bit, name, insns) VEL1_CODE L2_ASM(do_##name, insns)
EL0_ROWS(DEFINE)

struct row {
	const char *bit_name, *name;
	u64 bit;
	l2_fn fn;
};

#define ROW(b, n, insns) { #b, #n, HCR_##b, do_##n },
static const struct row el1_rows[] = { EL1_ROWS(ROW) };
static const struct row el0_rows[] = { EL0_ROWS(ROW) };

static u8 buffer[SZ_4K] __attribute__((aligned(4096)));

/*
 * Instructions that stop the machine, ask PSCI for something or have an IMPLEMENTATION DEFINED
 * effect run only with their trap.
 */
static bool only_trapped(const struct row *r)
{
	return r->bit == HCR_TWI || r->bit == HCR_TSC || r->bit == HCR_TIDCP;
}

static void run(const struct row *rows, unsigned int n, u64 pstate)
{
	for (unsigned int i = 0; i < n; i++) {
		const struct row *r = &rows[i];

		printf("%s %s\n", r->bit_name, (pstate & PSR_M) == PSR_EL0t ? "at EL0" : "at EL1");
		if (!only_trapped(r))
			l2_trace(r->name, r->fn, (u64)buffer, 0, pstate, 0);
		l2_trace(r->name, r->fn, (u64)buffer, 0, pstate, r->bit);
	}
}

L2_ASM(read_isr, "mrs x0, isr_el1")
L2_ASM(unmask, "msr daifclr, #7\n isb\n msr daifset, #7\n mov x0, #1")
L2_ASM(do_svc, "svc #1")
L2_ASM(do_hvc, "hvc #2")
L2_ASM(do_brk, "brk #3")
L2_ASM(do_udf, ".inst 0")
L2_ASM(do_load, "ldr x0, [x0]")
L2_ASM(do_fp, "mrs x0, fpcr")

/* Runs with a virtual interrupt until the first exit; says what HCR_EL2 holds of it afterwards. */
static void virtual_one(const char *name, u64 bit)
{
	u64 hcr = read_sysreg(hcr_el2);
	struct vcpu v;
	u64 after;

	printf("%s, masked: isr %lx\n", name,
	       l2_first_exit(read_isr, 0, 0, L2_EL1, bit).x[0]);
	l2_prepare(&v, unmask, 0, 0, L2_EL1);
	write_sysreg(l2_hcr | bit, hcr_el2);
	isb();
	guest_enter(&v);
	after = read_sysreg(hcr_el2);
	write_sysreg(hcr, hcr_el2);
	isb();
	l2_print_exit(name, &v);
	printf("%s: still set %u\n", name, (after & bit) != 0);
	l2_enter(&v, 0);
	printf("%s: then %s\n", name, l2_done(&v) ? "done" : "another exit");
	printf("%s without its routing bit: isr %lx\n", name,
	       l2_first_exit(read_isr, 0, 0, L2_EL1, 0).x[0]);
}

static void virtual_interrupts(void)
{
	u64 base = l2_hcr;

	virtual_one("VI", HCR_VI);
	virtual_one("VF", HCR_VF);
	virtual_one("VSE", HCR_VSE);
	l2_hcr = base & ~(HCR_IMO | HCR_FMO | HCR_AMO);
	printf("no routing: isr %lx\n",
	       l2_first_exit(read_isr, 0, 0, L2_EL1, HCR_VI | HCR_VF | HCR_VSE).x[0]);
	l2_hcr = base;
	printf("all: isr %lx\n",
	       l2_first_exit(read_isr, 0, 0, L2_EL1, HCR_VI | HCR_VF | HCR_VSE).x[0]);
}

/* EL0 has no mask against them, and EL1's registers show nothing of what EL2 took. */
static void tge_interrupts(u64 pstate)
{
	struct vcpu v;

	gic_send_sgi(SGI);
	v = l2_first_exit(do_svc, 0, 0, pstate, HCR_TGE | HCR_VI);
	l2_print_exit("TGE irq", &v);
	printf("intid %u, at its first instruction %u\n", gic_ack(), v.pc == (u64)do_svc);
	gic_eoi(SGI);
	l2_enter(&v, HCR_TGE | HCR_VI);
	l2_print_exit("TGE after it", &v);
}

static void tge_nvhe(void)
{
	u64 base = l2_hcr;
	struct vcpu v;

	guest_write(0x1230, ELR);
	guest_write(0x4560, FAR);
	guest_write(0x5a000000, ESR);
	v = l2_first_exit((l2_fn)((u64)do_svc + 2), 0, 0, L2_EL0, HCR_TGE);
	l2_print_exit("TGE jump misaligned", &v);
	guest_write(0, CPACR);
	v = l2_first_exit(do_fp, 0, 0, L2_EL0, HCR_TGE);
	l2_print_exit("TGE fp without CPACR_EL1", &v);
	guest_write(3UL << 20, CPACR);
	v = l2_first_exit(do_u_cvau, (u64)buffer, 0, L2_EL0, HCR_TGE);
	l2_print_exit("TGE dc cvau", &v);
	guest_write(guest_read(SCTLR) & ~SCTLR_UCI, SCTLR);
	v = l2_first_exit(do_u_cvau, (u64)buffer, 0, L2_EL0, HCR_TGE);
	l2_print_exit("TGE dc cvau without UCI", &v);
	printf("EL1 has elr %lx far %lx esr %lx\n", guest_read(ELR), guest_read(FAR),
	       guest_read(ESR));
	l2_reset_el1();
	gic_init();
	gic_enable(SGI);
	tge_interrupts(L2_EL0);
	tge_interrupts(PSR_EL0t);
	l2_hcr = base & ~(HCR_IMO | HCR_FMO | HCR_AMO);
	tge_interrupts(L2_EL0);
	l2_hcr = base;
}

/* TGE: exceptions of EL0 come to EL2. VHE: EL0 runs in EL2&0; nVHE: under stage 2, stage 1 off. */
static void tge(void)
{
	static const struct {
		const char *name;
		l2_fn fn;
	} rows[] = {
		{ "svc", do_svc }, { "hvc", do_hvc }, { "brk", do_brk }, { "udf", do_udf },
		{ "load", do_load }, { "wfi with TWI", do_u_wfi }, { "ctr with TID2", do_u_ctr },
	};

	if (vhe_mode) {
		struct vcpu v = { .pc = (u64)user_svc_loop, .pstate = L2_EL0 };

		l2_enter(&v, HCR_TGE);
		l2_print_exit("TGE user svc", &v);
		v = (struct vcpu){ .pc = (u64)do_load, .pstate = L2_EL0 };
		l2_enter(&v, HCR_TGE);
		l2_print_exit("TGE user jumps to EL2's page", &v);
		return;
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		struct vcpu v = l2_first_exit(rows[i].fn, 0x200000000UL, 0, L2_EL0,
					      HCR_TGE | HCR_TWI | HCR_TID2);

		printf("TGE ");
		l2_print_exit(rows[i].name, &v);
	}
	tge_nvhe();
}

L2_ASM(read_ids, "mrs x0, midr_el1\n mrs x1, mpidr_el1\n eor x0, x0, x1")

/* What L2 takes for its CPU is what EL2 says. */
static void ids(void)
{
	for (u64 i = 0; i < 3; i++) {
		write_sysreg(0x410fd000 + i, vpidr_el2);
		write_sysreg(0x80000700 + i * 0x101, vmpidr_el2);
		isb();
		printf("VPIDR ^ VMPIDR as L2 sees them: %lx\n", l2_call(read_ids, 0, 0));
	}
	write_sysreg(read_sysreg(midr_el1), vpidr_el2);
	write_sysreg(read_sysreg(mpidr_el1), vmpidr_el2);
	isb();
}

/* SCTLR_EL2.SPAN counts under TGE alone. */
static void span(void)
{
	u64 sctlr = read_sysreg(sctlr_el2), pan;

	if (!FIELD(read_sysreg(id_aa64mmfr1_el1), 23, 20))
		return;
	write_sysreg(sctlr & ~SCTLR_SPAN, sctlr_el2);
	isb();
	l2_first_exit(do_hvc, 0, 0, L2_EL1, 0);
	pan = read_sysreg(S3_0_C4_C2_3);
	write_sysreg(sctlr, sctlr_el2);
	isb();
	printf("SPAN clear, PAN after an exit: %lx\n", pan);
	asm volatile("msr S0_0_C4_C0_4, xzr" : : : "memory");	/* PAN 0 again, if it was not */
}

static void others(void)
{
	u64 base = l2_hcr;

	l2_hcr &= ~HCR_VM;
	l2_trace("DC without VM: stage 2 still there", do_load, 0x200000000UL, 0, L2_EL1, HCR_DC);
	printf("VM clear, load: %s\n",
	       l2_call(do_load, (u64)&base, 0) == base ? "ok" : "wrong");
	l2_hcr = base;
	/* HVC is UNDEFINED: with the vector unmapped that is a stage 2 fault on its fetch */
	guest_write(0x300000000UL, VBAR);
	l2_print_exit("HCD",
		      &(struct vcpu[]){ l2_first_exit(do_hvc, 0, 0, L2_EL1, HCR_HCD) }[0]);
	l2_reset_el1();
	l2_trace("fpcr", do_fp, 0, 0, L2_EL1, 0);
	ids();
	span();
}

void guest_main(void)
{
	mmu_init_el2();
	l2_init();
	run(el1_rows, ARRAY_SIZE(el1_rows), L2_EL1);
	l2_reset_el1();
	run(el0_rows, ARRAY_SIZE(el0_rows), L2_EL0);
	virtual_interrupts();
	tge();
	others();
}
