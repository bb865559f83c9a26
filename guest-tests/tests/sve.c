// SPDX-License-Identifier: GPL-2.0-only
/*
 * SVE: the vector length at each level and what limits it, registers that EL2 and L2 share whatever
 * somebody below does lazily, and the traps of CPTR_EL2 in both formats and of CPACR_EL1.
 */
#include "l2.h"

#define WITH_SVE	".arch_extension sve\n"
#define ZCR_EL1_NAME	"s3_0_c1_c2_0"
#define ZCR_EL2_NAME	"s3_4_c1_c2_0"
#define ZCR_EL12_NAME	"s3_5_c1_c2_0"
#define CPTR_TZ		BIT(8)
#define CPTR_TFP	BIT(10)
#define MAX_VL		256
#define ROUNDS		2000

extern char secondary_entry[];
extern u64 secondary_hcr;
u64 secondary_hcr;
void secondary_main(void);

static u8 stack[8192] __attribute__((aligned(16)));
static volatile u64 other_wrong = ~0UL;

#define Z_REGS(R) R(0) R(1) R(2) R(3) R(4) R(5) R(6) R(7) R(8) R(9) R(10) R(11) R(12) R(13)	\
	R(14) R(15) R(16) R(17) R(18) R(19) R(20) R(21) R(22) R(23) R(24) R(25) R(26) R(27)	\
	R(28) R(29) R(30) R(31)
#define P_REGS(R) R(0) R(1) R(2) R(3) R(4) R(5) R(6) R(7) R(8) R(9) R(10) R(11) R(12) R(13)	\
	R(14) R(15)

#define Z_LOAD(n) "ldr z" #n ", [%0]\n add %0, %0, #16\n"
#define P_LOAD(n) "ldr p" #n ", [%0]\n add %0, %0, #2\n"
#define Z_STORE(n) "str z" #n ", [%0, #" #n ", mul vl]\n"
#define P_STORE(n) "str p" #n ", [%1, #" #n ", mul vl]\n"

/* L2 has its MMU off: aligned accesses only. Each register gets another piece. */
static u8 pattern[MAX_VL + 33 * 16] __attribute__((aligned(16)));
static u8 zs[32 * MAX_VL] __attribute__((aligned(16)));
static u8 ps[17 * MAX_VL / 8] __attribute__((aligned(16)));

static u64 vector_length(void)
{
	u64 vl;

	asm volatile(WITH_SVE "rdvl %0, #1" : "=r"(vl));
	return vl;
}

/* These run at EL1 and EL2, and at EL0. */
static u64 sve_fill(u64 seed, u64 unused)
{
	const u8 *p = pattern;

	(void)unused;
	for (unsigned int i = 0; i < sizeof(pattern); i++)
		pattern[i] = (u8)(seed + i * 7 + (i >> 4));
	asm volatile(WITH_SVE "ldr p0, [%0]\n wrffr p0.b\n" Z_REGS(Z_LOAD) P_REGS(P_LOAD)
		     : "+r"(p) : : "memory");
	return 0;
}

static u64 sve_sum(u64 a, u64 b)
{
	u64 sum = 0, vl = vector_length();

	(void)a;
	(void)b;
	asm volatile(WITH_SVE Z_REGS(Z_STORE) P_REGS(P_STORE)
		     "rdffr p0.b\n str p0, [%1, #16, mul vl]\n ldr p0, [%1]\n"
		     : : "r"(zs), "r"(ps) : "memory");
	for (unsigned int i = 0; i < 32 * vl; i++)
		sum = (sum << 7 | sum >> 57) ^ zs[i];
	for (unsigned int i = 0; i < 17 * vl / 8; i++)
		sum = (sum << 7 | sum >> 57) ^ ps[i];
	return sum ^ vl;
}

L2_ASM(use_sve, WITH_SVE "rdvl x0, #1")
L2_ASM(use_ffr, WITH_SVE "setffr")
L2_ASM(use_fp, WITH_FP "fmov x0, d0")
L2_ASM(read_zcr, "mrs x0, " ZCR_EL1_NAME)
L2_ASM(write_zcr, "msr " ZCR_EL1_NAME ", x0\n isb")

static void el2_zcr(u64 len)
{
	asm volatile("msr " ZCR_EL2_NAME ", %0\n isb" : : "r"(len) : "memory");
}

static void guest_zcr(u64 len)
{
	if (vhe_mode)
		asm volatile("msr " ZCR_EL12_NAME ", %0\n isb" : : "r"(len) : "memory");
	else
		asm volatile("msr " ZCR_EL1_NAME ", %0\n isb" : : "r"(len) : "memory");
}

static void cptr(u64 val)
{
	write_sysreg(val, cptr_el2);
	isb();
}

static u64 cptr_open(void)
{
	return vhe_mode ? 3UL << 20 | 3UL << 16 : 0x33ff & ~CPTR_TZ;
}

static void lengths(void)
{
	static const u64 lens[] = { 0, 1, 2, 3, 7, 15, 0x1f0 | 3 };
	u64 zcr;

	for (unsigned int i = 0; i < ARRAY_SIZE(lens); i++) {
		el2_zcr(lens[i]);
		asm volatile("mrs %0, " ZCR_EL2_NAME : "=r"(zcr));
		printf("ZCR_EL2 %lx: reads %lx, EL2 has %lu\n", lens[i], zcr, vector_length());
		for (unsigned int j = 0; j < ARRAY_SIZE(lens); j += 2) {
			guest_zcr(lens[j] & 0xf);
			printf("  ZCR_EL1 %lx: EL1 has %lu, reads %lx;", lens[j] & 0xf,
			       l2_call(use_sve, 0, 0), l2_call(read_zcr, 0, 0));
			printf(" EL2 still %lu\n", vector_length());
		}
		l2_call(write_zcr, 2, 0);
		printf("  set by EL1: %lu\n", l2_call(use_sve, 0, 0));
	}
	if (vhe_mode) {
		/* EL2's own register by EL1's name. */
		asm volatile("msr " ZCR_EL1_NAME ", %0\n isb" : : "r"(1UL) : "memory");
		asm volatile("mrs %0, " ZCR_EL2_NAME : "=r"(zcr));
		printf("by EL1's name: %lx, %lu\n", zcr, vector_length());
		asm volatile("mrs %0, " ZCR_EL12_NAME : "=r"(zcr));
		printf("EL12: %lx\n", zcr);
	}
	el2_zcr(15);
	guest_zcr(15);
}

static void sharing(void)
{
	for (unsigned int i = 0; i < 4; i++) {
		el2_zcr(i * 5);
		guest_zcr(15);
		sve_fill(0x10 * i + 1, 0);
		l2_check_shared(sve_fill, sve_sum, 0x77 + i);
	}
	el2_zcr(15);
}

static void try_el2(const char *name)
{
	u64 val = 0;

	exc_arm(0);
	asm volatile(WITH_SVE "rdvl %0, #1" : "+r"(val) : : "memory");
	printf("%s ", name);
	exc_show("sve at EL2", exc_take());
	exc_arm(0);
	asm volatile("mrs %0, " ZCR_EL2_NAME : "+r"(val) : : "memory");
	exc_show("ZCR_EL2 at EL2", exc_take());
	exc_arm(0);
	asm volatile("mrs %0, " ZCR_EL1_NAME : "+r"(val) : : "memory");
	/* ZCR_EL12 is a word of memory to FEAT_NV2, which nothing traps. */
	exc_show("ZCR_EL1 at EL2", exc_take());
}

static void trap_row(const char *name, u64 val)
{
	cptr(val);
	printf("CPTR %s\n", name);
	l2_trace("sve at EL1", use_sve, 0, 0, L2_EL1, 0);
	l2_trace("sve at EL0", use_sve, 0, 0, L2_EL0, 0);
	l2_trace("ffr at EL1", use_ffr, 0, 0, L2_EL1, 0);
	l2_trace("fp at EL1", use_fp, 0, 0, L2_EL1, 0);
	l2_trace("zcr at EL1", read_zcr, 0, 0, L2_EL1, 0);
	try_el2(name);
	cptr(cptr_open());
}

static void traps(void)
{
	if (vhe_mode) {
		for (u64 zen = 0; zen < 4; zen++) {
			for (u64 fpen = 0; fpen < 4; fpen++) {
				printf("FPEN %lu ZEN %lu\n", fpen, zen);
				trap_row("of both", fpen << 20 | zen << 16);
			}
		}
	} else {
		trap_row("none", cptr_open());
		trap_row("TZ", cptr_open() | CPTR_TZ);
		trap_row("TFP", cptr_open() | CPTR_TFP);
		trap_row("TZ and TFP", cptr_open() | CPTR_TZ | CPTR_TFP);
	}
	for (u64 zen = 0; zen < 4; zen++) {
		guest_write(zen << 16 | 3UL << 20, CPACR);
		isb();
		printf("L2's CPACR ZEN %lu\n", zen);
		l2_trace("sve at EL1", use_sve, 0, 0, L2_EL1, 0);
		l2_trace("sve at EL0", use_sve, 0, 0, L2_EL0, 0);
		l2_trace("zcr at EL1", read_zcr, 0, 0, L2_EL1, 0);
	}
	guest_write(3UL << 16 | 3UL << 20, CPACR);
	isb();
}

/* As a hypervisor does: trap the first use, then hand the registers over. */
static void lazily(void)
{
	u64 closed = vhe_mode ? 0 : 0x33ff | CPTR_TFP;
	struct vcpu v;
	u64 want;

	sve_fill(0x42, 0);
	want = sve_sum(0, 0);
	cptr(closed);
	v = l2_first_exit(sve_sum, 0, 0, L2_EL1, 0);
	l2_print_exit("first use", &v);
	cptr(cptr_open());
	l2_enter(&v, 0);
	check_eq("sum", v.x[0], want);
}

/* One predicate and three vectors of this CPU only, changed while another CPU does the same. */
static u64 rounds(u64 seed)
{
	u64 wrong = 0, a, b;

	for (u64 i = 0; i < ROUNDS; i++) {
		asm volatile(WITH_SVE "mov z0.d, %2\n index z17.d, %2, #3\n mov z31.d, %2\n"
			     "ptrue p7.b\n isb\n"
			     "add z0.d, z0.d, z17.d\n sub z0.d, z0.d, z31.d\n lastb %0, p7, z0.d\n"
			     "lastb %1, p7, z31.d\n"
			     : "=r"(a), "=r"(b) : "r"(seed + i) : "memory");
		wrong += a != seed + i + 3 * (vector_length() / 8 - 1) || b != seed + i;
	}
	return wrong;
}

void secondary_main(void)
{
	u64 wrong;

	write_sysreg(vhe_mode ? 3UL << 20 | 3UL << 16 : 0x33ff & ~CPTR_TZ, cptr_el2);
	isb();
	el2_zcr(3);
	wrong = rounds(0x5000000);
	dsb(ish);
	other_wrong = wrong;
	dsb(ish);
	smccc(PSCI_CPU_OFF, 0, 0, 0);
}

static void two_cpus(void)
{
	secondary_hcr = read_sysreg(hcr_el2);
	check(!smccc(PSCI_CPU_ON, 1, (u64)secondary_entry, (u64)stack + sizeof(stack)), "CPU 1");
	check(!rounds(0x1000), "CPU 0's registers");
	while (other_wrong == ~0UL)
		;
	check(!other_wrong, "CPU 1's registers");
}

void guest_main(void)
{
	u64 pfr0 = read_sysreg(id_aa64pfr0_el1), zfr0;

	printf("ID_AA64PFR0_EL1.SVE %lu\n", FIELD(pfr0, 35, 32));
	if (!FIELD(pfr0, 35, 32))
		return;
	asm volatile("mrs %0, s3_0_c0_c4_4" : "=r"(zfr0));
	printf("ID_AA64ZFR0_EL1 %lx\n", zfr0);
	mmu_init_el2();
	l2_init();
	cptr(cptr_open());
	guest_write(3UL << 16 | 3UL << 20, CPACR);
	isb();
	lengths();
	sharing();
	traps();
	lazily();
	if (arg_u64("cpus", 1) > 1)
		two_cpus();
}
