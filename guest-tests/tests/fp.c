// SPDX-License-Identifier: GPL-2.0-only
/*
 * FP and SIMD state: EL2 and L2 share the registers, whatever somebody below does lazily; the traps
 * of CPTR_EL2 in both formats, of CPACR_EL1 and those of EL2 itself.
 */
#include "l2.h"

#define FP_REGS(R) R(0) R(1) R(2) R(3) R(4) R(5) R(6) R(7) R(8) R(9) R(10) R(11) R(12) R(13)	\
	R(14) R(15) R(16) R(17) R(18) R(19) R(20) R(21) R(22) R(23) R(24) R(25) R(26) R(27)	\
	R(28) R(29) R(30) R(31)

#define SET(n) "ins v" #n ".d[0], %0\n add %0, %0, #1\n ins v" #n ".d[1], %0\n add %0, %0, #1\n"
#define SUM(n) "umov x9, v" #n ".d[0]\n eor %0, %0, x9\n ror %0, %0, #7\n"			\
	       "umov x9, v" #n ".d[1]\n eor %0, %0, x9\n ror %0, %0, #7\n"

/* Both run at EL1 and EL2. */
static u64 fp_fill(u64 seed, u64 fpcr)
{
	u64 s = seed;

	asm volatile(WITH_FP FP_REGS(SET) "msr fpcr, %1\n msr fpsr, %2"
		     : "+r"(s) : "r"(fpcr), "r"(seed & 0x1f) : "memory");
	return s;
}

static u64 fp_sum(u64 a, u64 b)
{
	u64 s = 0, fpcr, fpsr;

	(void)a;
	(void)b;
	asm volatile(WITH_FP FP_REGS(SUM) "mrs %1, fpcr\n mrs %2, fpsr"
		     : "+r"(s), "=r"(fpcr), "=r"(fpsr) : : "x9", "memory");
	return s ^ (fpcr << 20) ^ fpsr;
}

L2_ASM(use_fp, WITH_FP "fmov x0, d0")
L2_ASM(use_fpcr, "mrs x0, fpcr")
L2_ASM(use_cpacr, "mrs x0, cpacr_el1")

static void sharing(void)
{
	u64 want;

	for (unsigned int i = 0; i < 4; i++) {
		fp_fill(0x1000 * i + 1, (u64)(i & 3) << 22);
		want = l2_check_shared(fp_fill, fp_sum, 0x77000 + i);
		/* and what its host does, which has a use for the registers itself */
		smccc(PSCI_AFFINITY_INFO, read_sysreg(mpidr_el1) & 0xff00ffffffUL, 0, 0);
		check(fp_sum(0, 0) == want, "still after its host was asked");
	}
}

static void trap_row(const char *name, u64 cptr)
{
	u64 old = read_sysreg(cptr_el2);

	write_sysreg(cptr, cptr_el2);
	isb();
	printf("CPTR %s\n", name);
	l2_trace("fp at EL1", use_fp, 0, 0, L2_EL1, 0);
	l2_trace("fp at EL0", use_fp, 0, 0, L2_EL0, 0);
	l2_trace("fpcr at EL1", use_fpcr, 0, 0, L2_EL1, 0);
	l2_trace("cpacr", use_cpacr, 0, 0, L2_EL1, 0);
	exc_arm(0);
	asm volatile(WITH_FP "fmov x9, d0" : : : "x9", "memory");
	exc_show("fp at EL2", exc_take());
	exc_arm(0);
	asm volatile("mrs x9, fpsr" : : : "x9", "memory");
	exc_show("fpsr at EL2", exc_take());
	write_sysreg(old, cptr_el2);
	isb();
}

static void traps(void)
{
	if (vhe_mode) {
		trap_row("FPEN 0", 0);
		trap_row("FPEN 1", 1UL << 20);
		trap_row("FPEN 2", 2UL << 20);
		trap_row("FPEN 3", 3UL << 20);
		trap_row("TCPAC", BIT(31) | 3UL << 20);
	} else {
		trap_row("none", 0x33ff);
		trap_row("TFP", 0x33ff | BIT(10));
		trap_row("TCPAC", 0x33ff | BIT(31));
	}
	for (u64 fpen = 0; fpen < 4; fpen++) {
		guest_write(fpen << 20, CPACR);
		isb();
		printf("L2's CPACR FPEN %lu\n", fpen);
		l2_trace("fp at EL1", use_fp, 0, 0, L2_EL1, 0);
		l2_trace("fp at EL0", use_fp, 0, 0, L2_EL0, 0);
	}
}

/* As a hypervisor does: trap the first use, then hand the registers over. */
static void lazily(void)
{
	u64 off = vhe_mode ? 0 : 0x33ff | BIT(10);
	u64 on = read_sysreg(cptr_el2);
	struct vcpu v;

	fp_fill(0x4242, 0);
	write_sysreg(off, cptr_el2);
	isb();
	v = l2_first_exit(use_fp, 0, 0, L2_EL1, 0);
	l2_print_exit("first use", &v);
	write_sysreg(on, cptr_el2);
	isb();
	fp_fill(0x8888, 0);
	l2_enter(&v, 0);
	check_eq("value", v.x[0], 0x8888);
}

static void user(void)
{
	u64 hcr = read_sysreg(hcr_el2);

	if (!vhe_mode)
		return;
	for (u64 fpen = 0; fpen < 4; fpen++) {
		struct vcpu v = { .pc = (u64)user_fp, .pstate = L2_EL0 };

		write_sysreg(hcr | HCR_TGE, hcr_el2);
		write_sysreg(fpen << 20, cptr_el2);
		isb();
		guest_enter(&v);
		printf("FPEN %lu, TGE: user ", fpen);
		print_syndrome(v.vec, v.esr, v.far);
		printf("\n");
	}
	write_sysreg(3UL << 20, cptr_el2);
	write_sysreg(hcr, hcr_el2);
	isb();
}

void guest_main(void)
{
	mmu_init_el2();
	l2_init();
	guest_write(3UL << 20, CPACR);
	isb();
	sharing();
	traps();
	guest_write(3UL << 20, CPACR);
	isb();
	lazily();
	user();
}
