// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pointer authentication at EL2: sign and authenticate with each key, keys shared with L2, traps of
 * the keys and instructions, ERETAA and ERETAB from EL2. The PACs themselves are not printed.
 */
#include "l2.h"

#define SCTLR_EnIA	BIT(31)
#define SCTLR_EnIB	BIT(30)
#define SCTLR_EnDA	BIT(27)
#define SCTLR_EnDB	BIT(13)
#define TCR_TBI0	BIT(37)
#define TCR_TBID0	BIT(51)
#define TCR_NVHE_TBI	BIT(20)
#define TCR_NVHE_TBID	BIT(29)
#define EN_ALL		(SCTLR_EnIA | SCTLR_EnIB | SCTLR_EnDA | SCTLR_EnDB)
#define POINTER		0x40201230UL

/* DP1 instructions on x0 with modifier x1: pacia, autia and so on, by opcode */
#define PAC(name, opcode)							\
	static u64 name(u64 a, u64 b)						\
	{									\
		register u64 x0 asm("x0") = a;					\
		register u64 x1 asm("x1") = b;					\
		asm volatile(".inst " #opcode : "+r"(x0) : "r"(x1) : "memory");	\
		return x0;							\
	}
PAC(pacia, 0xdac10020)
PAC(pacib, 0xdac10420)
PAC(pacda, 0xdac10820)
PAC(pacdb, 0xdac10c20)
PAC(autia, 0xdac11020)
PAC(autib, 0xdac11420)
PAC(autda, 0xdac11820)
PAC(autdb, 0xdac11c20)
PAC(xpaci, 0xdac143e0)

static const struct {
	const char *name;
	l2_fn sign, auth;
} keys[] = {
	{ "ia", pacia, autia }, { "ib", pacib, autib }, { "da", pacda, autda },
	{ "db", pacdb, autdb },
};

static void set_keys(u64 seed)
{
	write_sysreg(seed, S3_0_C2_C1_0);
	write_sysreg(seed * 3, S3_0_C2_C1_1);
	write_sysreg(seed * 5, S3_0_C2_C1_2);
	write_sysreg(seed * 7, S3_0_C2_C1_3);
	write_sysreg(seed * 9, S3_0_C2_C2_0);
	write_sysreg(seed * 11, S3_0_C2_C2_1);
	write_sysreg(seed * 13, S3_0_C2_C2_2);
	write_sysreg(seed * 17, S3_0_C2_C2_3);
	isb();
}

static void at_el2(void)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(keys); i++) {
		u64 s = keys[i].sign(POINTER, 0x77);
		u64 other;
		struct exc e;

		printf("%s: signed %u stripped %u good %u", keys[i].name, s != POINTER,
		       xpaci(s, 0) == POINTER, keys[i].auth(s, 0x77) == POINTER);
		exc_arm(0);
		other = keys[i].auth(s, 0x78);
		e = exc_take();
		printf(" wrong modifier %s\n",
		       e.count ? ec_name(e.esr) : other == POINTER ? "accepted" : "poisoned");
	}
}

/* Which bits of an address a PAC changes, with any modifier. */
static void covered(const char *what, u64 address)
{
	u64 changed = 0;

	for (u64 modifier = 0; modifier < 256; modifier++)
		changed |= pacia(address, modifier) ^ address;
	printf("%s: a PAC is in %lx\n", what, changed);
}

/* The upper half too, though EL2 with E2H=0 has nothing there: with its one TBI and size. */
static void both_halves(void)
{
	u64 tcr = read_sysreg(tcr_el2);
	u64 tbi = vhe_mode ? TCR_TBI0 : TCR_NVHE_TBI;

	covered("lower half", POINTER);
	covered("upper half", POINTER | ~0UL << 48);
	write_sysreg(tcr | tbi, tcr_el2);
	isb();
	covered("lower half, TBI", POINTER);
	covered("upper half, TBI", POINTER | ~0UL << 48);
	write_sysreg(tcr, tcr_el2);
	isb();
}

/* What was written last is what signs, before an exit and after it; both halves of a key. */
static void across_exits(void)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(keys); i++) {
		u64 s;

		set_keys(0x1111111111111111UL * (i + 1));
		s = keys[i].sign(POINTER, 3);
		l2_call(pacia, POINTER, 0);
		printf("%s: signs as before an exit %u\n", keys[i].name,
		       keys[i].sign(POINTER, 3) == s);
	}
	set_keys(0x123456789abcdefUL);
}

/* The keys are one set for all levels; what a PAC covers depends on the level's address size. */
static void with_l2(void)
{
	u64 first, second;

	guest_write(guest_read(SCTLR) | EN_ALL, SCTLR);
	isb();
	for (unsigned int i = 0; i < ARRAY_SIZE(keys); i++) {
		u64 s = l2_call(keys[i].sign, POINTER, 9);

		printf("%s: L2 signed %u good %u\n", keys[i].name, s != POINTER,
		       l2_call(keys[i].auth, s, 9) == POINTER);
	}
	first = l2_call(pacia, POINTER, 5);
	set_keys(0x9999999999UL);
	second = l2_call(pacia, POINTER, 5);
	printf("other keys, L2 signs as before: %u\n", first == second);
	l2_trace("L2 authenticates with other keys", autia, first, 5, L2_EL1, 0);
	set_keys(0x123456789abcdefUL);
	printf("first keys, L2 signs as at first: %u\n", l2_call(pacia, POINTER, 5) == first);
	guest_write(guest_read(SCTLR) & ~EN_ALL, SCTLR);
	isb();
	printf("disabled in L2: %u\n", l2_call(pacia, POINTER, 5) == POINTER);
	guest_write(guest_read(SCTLR) | EN_ALL, SCTLR);
	isb();
}

L2_ASM(read_key, "mrs x0, S3_0_C2_C1_0")
L2_ASM(write_key, "msr S3_0_C2_C2_3, x0")

static void traps(void)
{
	u64 base = l2_hcr;

	l2_hcr = base & ~HCR_API;
	l2_trace("API clear: pacia", pacia, POINTER, 1, L2_EL1, 0);
	l2_trace("API clear: pacia at EL0", pacia, POINTER, 1, L2_EL0, 0);
	l2_trace("API clear: key", read_key, 0, 0, L2_EL1, 0);
	l2_hcr = base & ~HCR_APK;
	l2_trace("APK clear: pacia", pacia, POINTER, 1, L2_EL1, 0);
	l2_trace("APK clear: read key", read_key, 0, 0, L2_EL1, 0);
	l2_trace("APK clear: write key", write_key, 0, 0, L2_EL1, 0);
	l2_hcr = base;
}

/* ERETAA (0xd69f0bff) or ERETAB to the next instruction of EL2; the modifier is SP. */
#define ERETA(name, opcode, pac_opcode)						\
	static struct exc name(bool good)					\
	{									\
		u64 flip = good ? 0 : BIT(50);					\
										\
		exc_arm((u64)jump_resume);					\
		asm volatile("adr x0, 1f\n"					\
			     "mov x1, sp\n"					\
			     ".inst " #pac_opcode "\n"				\
			     "eor x0, x0, %0\n"					\
			     "msr elr_el2, x0\n"				\
			     "mov x0, #0x3c9\n"					\
			     "msr spsr_el2, x0\n"				\
			     "adr x30, 1f\n"					\
			     ".inst " #opcode "\n"				\
			     "nop\n"						\
			     "1:"						\
			     : : "r"(flip) : "x0", "x1", "x30", "memory");	\
		return exc_take();						\
	}
ERETA(eretaa, 0xd69f0bff, 0xdac10020)
ERETA(eretab, 0xd69f0fff, 0xdac10420)

static void show_bad(const char *name, struct exc e)
{
	printf("%s of a bad ELR: %s\n", name, e.count ? ec_name(e.esr) : "accepted");
}

static void returns(void)
{
	exc_show("eretaa", eretaa(true));
	exc_show("eretab", eretab(true));
	show_bad("eretaa", eretaa(false));
	show_bad("eretab", eretab(false));
}

/* Tagged addresses have a smaller PAC; without the enables an address is what it is. */
static void returns_otherwise(void)
{
	u64 tcr = read_sysreg(tcr_el2), sctlr = read_sysreg(sctlr_el2);
	u64 tbi = vhe_mode ? TCR_TBI0 : TCR_NVHE_TBI;
	u64 tbid = vhe_mode ? TCR_TBID0 : TCR_NVHE_TBID;

	write_sysreg(tcr | tbi, tcr_el2);
	isb();
	printf("TBI\n");
	returns();
	write_sysreg(tcr | tbi | tbid, tcr_el2);
	isb();
	printf("TBI for data only\n");
	returns();
	write_sysreg(tcr, tcr_el2);
	write_sysreg(sctlr & ~SCTLR_EnIA, sctlr_el2);
	isb();
	printf("key A disabled\n");
	returns();
	write_sysreg(sctlr & ~SCTLR_EnIB, sctlr_el2);
	isb();
	printf("key B disabled\n");
	returns();
	write_sysreg(sctlr, sctlr_el2);
	isb();
}

void guest_main(void)
{
	u64 isar1 = read_sysreg(id_aa64isar1_el1);

	if (!FIELD(isar1, 7, 4) && !FIELD(isar1, 11, 8) &&
	    !FIELD(read_sysreg(SYS_ID_AA64ISAR2_EL1), 15, 12)) {
		printf("no pointer authentication\n");
		return;
	}
	mmu_init_el2();
	l2_init();
	set_keys(0x123456789abcdefUL);
	write_sysreg(read_sysreg(sctlr_el2) | EN_ALL, sctlr_el2);
	isb();
	at_el2();
	both_halves();
	across_exits();
	with_l2();
	traps();
	returns();
	returns_otherwise();
}
