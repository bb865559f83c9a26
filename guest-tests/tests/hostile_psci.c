// SPDX-License-Identifier: GPL-2.0-only
/*
 * PSCI and what else SMCs are for, as an enemy of whoever is below would call it: every function of PSCI and many that
 * are none, with any argument, by EL2, by an L2 whose SMCs EL2 does not trap, and by HVC, which is no conduit
 * here. append book=1: each answer is what Arm DEN0022 (PSCI 1.1), DEN0028 (SMCCC) and DEN0057 say; without it, as
 * QEMU's own firmware knows less of them, only that all else is as it was. Two CPUs.
 */
#include "gic.h"
#include "l2.h"
#include "smp.h"

#define STACK_SIZE	4096
#define BATCH		256
#define ENTRY		0x40300000UL	/* aligned, in memory */
#define MPIDR_AFF	(MASK(39, 32) | MASK(23, 0))
#define MPIDR_RES1	BIT(31)		/* of MPIDR_EL1, not of an argument: some take it */
#define ANYTHING	12345		/* an answer that nobody specifies */
#define STARTS		12346		/* a call that would turn CPU 1 on */
#define FN64		BIT(30)

enum { NOT_SUPPORTED = -1, INVALID_PARAMETERS = -2, ALREADY_ON = -4, INVALID_ADDRESS = -9 };

#define SYSTEM_RESET2		0x84000012U
#define SMCCC_VERSION		0x80000000U
#define SMCCC_ARCH_FEATURES	0x80000001U

struct call {
	u64 x[4];
	u64 ret;
	u64 lost;		/* not 0: x4 to x17 are not what they were */
};

u64 secondary_hcr;

static u8 stack[STACK_SIZE] __attribute__((aligned(16)));
static struct call calls[BATCH], again[BATCH];
static unsigned int ncalls, wrong, made;
static bool book, other_on;
static volatile u64 started, go_off;

/*
 * Makes @n of the calls at @c; at EL2, or as L2, where there is no stack. SMCCC 1.1: registers from x4 on are
 * preserved.
 */
static u64 make_calls(u64 c, u64 n)
{
	register u64 x20 asm("x20") = c;
	register u64 x21 asm("x21") = n;

	asm volatile("mov x4, #4\n mov x5, #5\n mov x6, #6\n mov x7, #7\n mov x8, #8\n mov x9, #9\n"
		     "mov x10, #10\n mov x11, #11\n mov x12, #12\n mov x13, #13\n mov x14, #14\n"
		     "mov x15, #15\n mov x16, #16\n mov x17, #17\n"
		     "1: ldp x0, x1, [x20]\n ldp x2, x3, [x20, #16]\n"
		     "smc #0\n"
		     "str x0, [x20, #32]\n"
		     "add x0, x4, x5\n add x0, x0, x6\n add x0, x0, x7\n add x0, x0, x8\n"
		     "add x0, x0, x9\n add x0, x0, x10\n add x0, x0, x11\n add x0, x0, x12\n"
		     "add x0, x0, x13\n add x0, x0, x14\n add x0, x0, x15\n add x0, x0, x16\n"
		     "add x0, x0, x17\n sub x0, x0, #147\n"
		     "str x0, [x20, #40]\n"
		     "add x20, x20, #48\n subs x21, x21, #1\n b.ne 1b\n"
		     : "+r"(x20), "+r"(x21)
		     :
		     : "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11",
		       "x12", "x13", "x14", "x15", "x16", "x17", "memory", "cc");
	return x21;
}

/* --- what the books say --- */

static s64 cpu_suspend(u32 state)
{
	/* bits that must be zero, and levels: there is none above the CPU. A powerdown may be a standby. */
	return state & (MASK(31, 26) | MASK(25, 24) | MASK(23, 17)) ? INVALID_PARAMETERS : 0;
}

static s64 cpu_on(u64 mpidr, u64 entry)
{
	bool res1 = mpidr & MPIDR_RES1;

	mpidr &= ~MPIDR_RES1;
	if (mpidr > 1)
		return INVALID_PARAMETERS;
	if (mpidr && !other_on && res1)
		return STARTS;
	if (res1)
		return ANYTHING;
	if (entry & 3 || entry < 0x40000000 || entry >= 0x50000000)
		return INVALID_ADDRESS;
	return mpidr && !other_on ? STARTS : ALREADY_ON;
}

static s64 affinity_info(u64 mpidr, u32 level)
{
	u64 ignored = level < 4 ? BIT(8 * level) - 1 : 0;

	if (level > 3 || mpidr & ~(MPIDR_AFF | MPIDR_RES1))
		return INVALID_PARAMETERS;
	if (mpidr & MPIDR_RES1)
		return ANYTHING;
	if (level)
		return mpidr & ~ignored ? INVALID_PARAMETERS : 0;
	return mpidr > 1 ? INVALID_PARAMETERS : mpidr && !other_on;
}

static s64 features(u32 fn)
{
	static const u32 there[] = {
		PSCI_VERSION, PSCI_CPU_SUSPEND, PSCI_CPU_SUSPEND ^ FN64, PSCI_CPU_OFF, PSCI_CPU_ON,
		PSCI_CPU_ON ^ FN64, PSCI_AFFINITY_INFO, PSCI_AFFINITY_INFO ^ FN64,
		PSCI_MIGRATE_INFO_TYPE, PSCI_SYSTEM_OFF, PSCI_SYSTEM_RESET, PSCI_FEATURES,
		SYSTEM_RESET2, SYSTEM_RESET2 | FN64, SMCCC_VERSION,
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(there); i++) {
		if (there[i] == fn)
			return 0;
	}
	return NOT_SUPPORTED;
}

static s64 answer(const u64 *x)
{
	u32 fn = (u32)x[0];
	u64 a1 = fn & FN64 ? x[1] : (u32)x[1];
	u64 a2 = fn & FN64 ? x[2] : (u32)x[2];

	switch (fn) {
	case PSCI_VERSION:
	case SMCCC_VERSION:
		return 0x10001;
	case PSCI_CPU_SUSPEND:
	case PSCI_CPU_SUSPEND ^ FN64:
		return cpu_suspend((u32)a1);
	case PSCI_CPU_ON:
	case PSCI_CPU_ON ^ FN64:
		return cpu_on(a1, a2);
	case PSCI_AFFINITY_INFO:
	case PSCI_AFFINITY_INFO ^ FN64:
		return affinity_info(a1, (u32)a2);
	case PSCI_MIGRATE_INFO_TYPE:
		return 2;
	case PSCI_FEATURES:
		return features((u32)a1);
	case SYSTEM_RESET2:
	case SYSTEM_RESET2 | FN64:
		return INVALID_PARAMETERS;	/* type 0 is not called */
	case SMCCC_ARCH_FEATURES:
		return (u32)a1 == SMCCC_VERSION || (u32)a1 == SMCCC_ARCH_FEATURES ||
				       (u32)a1 == PV_TIME_FEATURES ?
			       0 :
			       NOT_SUPPORTED;
	case PV_TIME_FEATURES:
		return (u32)a1 == PV_TIME_FEATURES || (u32)a1 == PV_TIME_ST ? 0 : NOT_SUPPORTED;
	case PV_TIME_ST:
		return ANYTHING;
	default:
		return NOT_SUPPORTED;
	}
}

/* --- calls --- */

/* Those that would end this program, or the machine; or, with a firmware that looks at nothing, start CPU 1 somewhere. */
static bool ends(const u64 *x)
{
	switch ((u32)x[0]) {
	case PSCI_CPU_OFF:
	case PSCI_SYSTEM_OFF:
	case PSCI_SYSTEM_RESET:
		return true;
	case SYSTEM_RESET2:
	case SYSTEM_RESET2 | FN64:
		return !(u32)x[1];
	case PSCI_CPU_ON:
	case PSCI_CPU_ON ^ FN64:
		return answer(x) == STARTS || (!book && (x[1] & 0xff) == 1);
	default:
		return false;
	}
}

static bool suspends(const u64 *x)
{
	return ((u32)x[0] | FN64) == PSCI_CPU_SUSPEND;
}

static void judge(const struct call *c, const char *who)
{
	s64 want = answer(c->x);

	made++;
	if (!c->lost && (!book || want == ANYTHING || (s64)c->ret == want))
		return;
	if (wrong++ < 20)
		printf("%s: %lx %lx %lx %lx: %ld, should be %ld%s\n", who, c->x[0], c->x[1], c->x[2],
		       c->x[3], (s64)c->ret, want, c->lost ? ", and registers are lost" : "");
}

/* What is pending for EL2 ends each CPU_SUSPEND, and would end its L2. */
static void hear(bool on)
{
	write_sysreg(on, SYS_ICC_IGRPEN1_EL1);
	isb();
}

/* All calls that were collected, by EL2, and those after which there is something to go on with by its L2. */
static void flush(void)
{
	unsigned int n = 0;

	if (ncalls)
		make_calls((u64)calls, ncalls);
	for (unsigned int i = 0; i < ncalls; i++) {
		judge(&calls[i], "EL2");
		if (!suspends(calls[i].x))
			again[n++] = calls[i];
	}
	ncalls = 0;
	if (!n)
		return;
	hear(false);
	if (l2_call(make_calls, (u64)again, n))
		fail("L2's calls");
	hear(true);
	for (unsigned int i = 0; i < n; i++)
		judge(&again[i], "L2");
}

static void call(u64 fn, u64 a1, u64 a2, u64 a3)
{
	struct call *c = &calls[ncalls];

	*c = (struct call){ .x = { fn, a1, a2, a3 } };
	if (ends(c->x))
		return;
	if (++ncalls == BATCH)
		flush();
}

/* Function @fn with each argument in turn anything. */
static void arguments(u64 fn)
{
	static const u64 some[] = { 0, ~0UL, ENTRY, 0x84000003, 0xc4000003, 0xdead0000c0ffee00 };

	for (unsigned int i = 0; i < 64 + ARRAY_SIZE(some); i++) {
		u64 v = i < 64 ? BIT(i) : some[i - 64];

		call(fn, v, 0, 0);
		call(fn, v, ENTRY, v);
		call(fn, 1, v, 0);
		call(fn, 0, v, ~0UL);
		call(fn, 0, 0, v);
	}
}

static void functions(void)
{
	static const u32 bases[] = {
		0x84000000, 0xc4000000,		/* PSCI, then SDEI, TRNG, FF-A */
		0x04000000, 0x44000000,		/* the same, yielding */
		0x84010000, 0xc4020000,		/* with the hint of SMCCC 1.3, with a reserved bit */
		0x80000000, 0xc0000000,		/* Arm's architecture calls */
		0xc5000000, 0x85000000,		/* standard hypervisor services */
		0x86000000, 0xc6000000,		/* the vendor's */
		0x81000000, 0x82000000, 0x83000000, 0xc2000000, 0xb0000000, 0xb2000000, 0xff000000,
		0,
	};
	static const u32 more[] = {
		0x83ffffff, 0x8400ffff, 0x84000020, 0x84000050, 0x84000053, 0xc4000053, 0x84000060,
		0x80008000, 0x80007fff, 0x80003fff, 0x8000ffff, 0x8600ff01, 0x8600ff00, 0x8600ff03,
		0x8400ff01, 0xc5000022, 0xc5000030, 0x7fffffff, 0xffffffff,
	};

	for (unsigned int b = 0; b < ARRAY_SIZE(bases); b++) {
		for (u32 i = 0; i < 0x80; i++) {
			/* all of PSCI with any argument; of the others, that they are not there */
			if (b < 2 && i < 0x20)
				arguments(bases[b] + i);
			call(bases[b] + i, 0, 0, 0);
			/* the id is 32 bits */
			call(0xdeadbeef00000000 + bases[b] + i, i, ~0UL, rnd());
		}
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(more); i++)
		arguments(more[i]);
	arguments(PV_TIME_FEATURES);
	arguments(SMCCC_ARCH_FEATURES);
	/* each function is asked for */
	for (unsigned int b = 0; b < ARRAY_SIZE(bases); b++) {
		for (u32 i = 0; i < 0x80; i++) {
			call(PSCI_FEATURES, bases[b] + i, 0, 0);
			call(PSCI_FEATURES, 0xdeadbeef00000000 + bases[b] + i, 0, 0);
			call(SMCCC_ARCH_FEATURES, (rnd() << 32) + bases[b] + i, 0, 0);
		}
	}
	for (unsigned int i = 0; i < 1000; i++)
		call(rnd(), rnd(), rnd(), rnd());
	flush();
}

/* The CPUs that there are, with what else is in that number, those that there are not; and where they would start. */
static void cpus(void)
{
	static const u64 mpidrs[] = { 0,
				      1,
				      2,
				      0xff,
				      0x100,
				      0x101,
				      0x10000,
				      0x10001,
				      0x1000001,
				      0x2000000,
				      0x40000001,
				      0x80000000,
				      0x80000001,
				      0x80000002,
				      1UL << 32,
				      1UL << 32 | 1,
				      1UL << 40,
				      1UL << 40 | 1,
				      1UL << 63 | 1,
				      0xff00ffffff,
				      ~0UL,
				      0xdead000000000001 };
	static const u64 entries[] = {
		ENTRY,
		ENTRY + 1,
		ENTRY + 2,
		ENTRY + 3,
		0x40000000,
		0x3ffffffc,
		0x4ffffffc,
		0x50000000,
		/* what lies below: L0's own memory has no address here, but has these in its own */
		0x40080000, 0x50080000, 0x50600000, 0x505ffffc,
		/* devices, nothing, the other end */
		0x08000000,
		0x09000000,
		0x090a0000,
		0,
		4,
		0x0a000000,
		0x4010000000,
		1UL << 40,
		1UL << 52,
		1UL << 63,
		0xffff000040300000,
		~3UL,
		~0UL,
		1UL << 32 | ENTRY,
	};

	for (unsigned int m = 0; m < ARRAY_SIZE(mpidrs); m++) {
		for (unsigned int e = 0; e < ARRAY_SIZE(entries); e++) {
			call(PSCI_CPU_ON, mpidrs[m], entries[e], ~0UL);
			call(PSCI_CPU_ON ^ FN64, mpidrs[m], entries[e], 0);
		}
		for (u64 level = 0; level < 6; level++) {
			call(PSCI_AFFINITY_INFO, mpidrs[m], level, ~0UL);
			call(PSCI_AFFINITY_INFO, mpidrs[m], level | rnd() << 32, 0);
			call(PSCI_AFFINITY_INFO ^ FN64, mpidrs[m], level | rnd() << 32, 0);
		}
		call(PSCI_AFFINITY_INFO, mpidrs[m], ~0UL, 0);
	}
	flush();
}

/* --- HVC is no conduit: L2's is EL2's to take, and EL2's own too --- */

L2_ASM(l2_hvc, "mov x2, #0x2222\n mov x3, #0x3333\n hvc #0")
static u64 hvcs;

static bool own_hvc(struct vcpu *ctx)
{
	if (ESR_EC(ctx->esr) != EC_HVC || FIELD(ctx->esr, 15, 0) != 0)
		return false;
	hvcs += ctx->x[0] >> 31 & (ctx->x[1] == 1) & (ctx->x[2] == ENTRY);
	return true;
}

static void no_conduit(void)
{
	static const u32 bases[] = { 0x84000000, 0xc4000000, 0x80000000, 0xc5000020 };
	u64 n = 0, good = 0;

	hear(false);
	exc_set_hook(own_hvc);
	for (unsigned int b = 0; b < ARRAY_SIZE(bases); b++) {
		for (u32 i = 0; i < 0x20; i++, n++) {
			struct vcpu v = l2_first_exit(l2_hvc, bases[b] + i, 1, L2_EL1, 0);
			register u64 x0 asm("x0") = bases[b] + i;
			register u64 x1 asm("x1") = 1;
			register u64 x2 asm("x2") = ENTRY;

			good += ESR_EC(v.esr) == EC_HVC && v.x[0] == bases[b] + i && v.x[1] == 1 &&
				v.x[2] == 0x2222 && v.x[3] == 0x3333;
			asm volatile("hvc #0" : "+r"(x0), "+r"(x1), "+r"(x2) : : "memory");
			good += x0 == bases[b] + i && x1 == 1 && x2 == ENTRY;
		}
	}
	exc_set_hook(NULL);
	hear(true);
	check_eq("HVCs of L2 and EL2 that were theirs", good, 2 * n);
	check_eq("taken by EL2", hvcs, n);
}

/* --- CPU 1 --- */

void secondary_main(void)
{
	started = read_sysreg(mpidr_el1) & MPIDR_AFF;
	dsb(ish);
	while (!go_off)
		asm volatile("yield");
	go_off = 0;
	dsb(ish);
	/* with arguments that it does not have */
	smccc(PSCI_CPU_OFF | (book ? 0xdeadbeef00000000 : 0), ~0UL, ENTRY, rnd());
	printf("FAIL CPU_OFF came back\n");
}

static void turn_on(u64 fn, u64 mpidr, u64 entry)
{
	printf("CPU_ON: %ld\n", smccc(fn, mpidr, entry, (u64)stack + STACK_SIZE));
	while (!started)
		asm volatile("yield");
	check_eq("it runs", started, 1);
	started = 0;
	other_on = true;
}

static void turn_off(void)
{
	go_off = 1;
	while (smccc(PSCI_AFFINITY_INFO, 1, 0, 0) != 1)
		asm volatile("yield");
	check_eq("it is off", go_off, 0);
	other_on = false;
}

void guest_main(void)
{
	book = arg_is("book", "1");
	mmu_init_el2();
	gic_init_el2();
	l2_init();
	secondary_hcr = read_sysreg(hcr_el2);
	gic_enable(1);
	gic_send_sgi(1);
	functions();
	cpus();
	turn_on(PSCI_CPU_ON, 1, (u64)secondary_entry);
	cpus();
	turn_off();
	no_conduit();
	cpus();
	/* upper halves do not count for the 32-bit form */
	turn_on(PSCI_CPU_ON ^ FN64, book ? 0xdead000000000001 : 1,
		(u64)secondary_entry | (book ? 0xbeef000000000000 : 0));
	turn_off();
	check_eq("the interrupt is still there", gic_ack(), 1);
	gic_eoi(1);
	printf("%u calls\n", made);
	check_eq("wrong answers", wrong, 0);
}
