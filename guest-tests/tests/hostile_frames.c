// SPDX-License-Identifier: GPL-2.0-only
/*
 * The places of a GIC in memory as an enemy of whoever is below would use them: each byte of the distributor's frame and
 * of the redistributors', a second CPU's too, and what lies where other GICs have something: loads, and stores
 * of zeros, ones and anything, in every size, aligned and not, with and without a syndrome; while the second CPU
 * is off, and while it runs.
 *
 * A line for each size and value: what was read and which aborts there were, as one number for each KiB, where
 * that is not all 0. append all=1: each offset in each size with each value; without it, each offset once,
 * the sizes and values taking turns, and where there are registers all sizes. append show=1: what each number is made of.
 */
#include "gic.h"
#include "lib.h"
#include "pgtable.h"
#include "smp.h"

#define FRAME		0x10000UL
#define BLOCK		0x400UL
#define WINDOW		0x300000000UL	/* the same places as normal memory */
#define GIC_END		0x09000000UL	/* of what the virt machine keeps for redistributors */
#define NCPUS		2
#define NVALUES		3
#define TURNS		16		/* a size that means: all, in turn */

u64 secondary_hcr;

static u8 stack[4096] __attribute__((aligned(16)));
static volatile u64 started;
static const char *const values[NVALUES] = { "zeros", "ones", "anything" };
static bool all, show;

/*
 * What is read there and is not compared: where two GICs may differ (Arm IHI 0069). @size is that of a register,
 * @mask has its bits that are compared.
 */
struct open {
	u64 first, last;
	unsigned int size;
	u64 mask;
};

#define OPEN_OF_GICR(base)								\
	/* GICR_CTLR, GICR_PROPBASER, GICR_PENDBASER: of LPIs, which L1 has not */	\
	{ (base), (base) + 3, 4, 0 },							\
	{ (base) + 0x70, (base) + 0x7f, 8, 0 },						\
	/* GICR_TYPER.{CommonLPIAff, PLPIS} */						\
	{ (base) + 0x8, (base) + 0xf, 8, ~(MASK(25, 24) | BIT(0)) },			\
	/* GICR_INMIR0: of FEAT_GICv3_NMI, which L1 has not */				\
	{ (base) + GICR_SGI + 0xf80, (base) + GICR_SGI + 0xf83, 4, 0 }

static const struct open open[] = {
	/* GICD_TYPER: how many there are of what, and which options */
	{ GICD_BASE + 0x4, GICD_BASE + 0x7, 4, 0 },
	/* GICD_INMIR<n> */
	{ GICD_BASE + 0xf80, GICD_BASE + 0xfff, 4, 0 },
	/* GICD_IROUTER<n>: QEMU keeps the RES0 bits, and Interrupt_Routing_Mode, which is RES0 without 1 of N */
	{ GICD_BASE + 0x6000, GICD_BASE + 0x7fff, 8, MASK(39, 32) | MASK(23, 0) },
	OPEN_OF_GICR(GICR_BASE),
	OPEN_OF_GICR(GICR_BASE + GICR_STRIDE),
};

/* The bits that are compared of what was read. */
static u64 compared(u64 addr, u64 v)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(open); i++) {
		const struct open *o = &open[i];

		if (addr >= o->first && addr <= o->last)
			return v & o->mask >> (addr & (o->size - 1)) * 8;
	}
	return v;
}

static u64 load(u64 addr, unsigned int size)
{
	u64 v = 0;

	switch (size) {
	case 1:
		asm volatile("ldrb %w0, [%1]" : "+r"(v) : "r"(addr) : "memory");
		break;
	case 2:
		asm volatile("ldrh %w0, [%1]" : "+r"(v) : "r"(addr) : "memory");
		break;
	case 4:
		asm volatile("ldr %w0, [%1]" : "+r"(v) : "r"(addr) : "memory");
		break;
	default:
		asm volatile("ldr %0, [%1]" : "+r"(v) : "r"(addr) : "memory");
	}
	return v;
}

static void store(u64 addr, unsigned int size, u64 v)
{
	switch (size) {
	case 1:
		asm volatile("strb %w1, [%0]" : : "r"(addr), "r"(v) : "memory");
		break;
	case 2:
		asm volatile("strh %w1, [%0]" : : "r"(addr), "r"(v) : "memory");
		break;
	case 4:
		asm volatile("str %w1, [%0]" : : "r"(addr), "r"(v) : "memory");
		break;
	default:
		asm volatile("str %1, [%0]" : : "r"(addr), "r"(v) : "memory");
	}
}

static u64 value(unsigned int which)
{
	return which == 0 ? 0 : which == 1 ? ~0UL : rnd();
}

/* What was seen in a block, as one number. */
static u64 sum;
static unsigned int aborts;

static void add(u64 v)
{
	sum = (sum ^ v) * 0x9e3779b97f4a7c15UL;
	sum ^= sum >> 29;
}

static void saw(u64 addr, unsigned int size, u64 v)
{
	v = compared(addr, v);
	if (!v)
		return;
	if (show)
		printf(" [%lx %u %lx]", addr, size, v);
	add(addr);
	add(v);
}

/* An abort: that of the architecture, with what it says of its address. */
static bool aborted(struct vcpu *ctx)
{
	if (ESR_EC(ctx->esr) != EC_DABT_CUR)
		return false;
	if (show)
		printf(" [abort %lx]", ESR_ISS(ctx->esr));
	add(ESR_ISS(ctx->esr));
	aborts++;
	ctx->pc += 4;
	return true;
}

static bool misaligned(struct vcpu *ctx)
{
	if (ESR_EC(ctx->esr) != EC_DABT_CUR || FIELD(ctx->esr, 5, 0) != 0x21)
		return false;
	aborts++;
	ctx->pc += 4;
	return true;
}

/* A store between two loads of each @size bytes from @addr to @end. */
static void sweep_size(u64 addr, u64 end, unsigned int size, unsigned int which)
{
	for (; addr < end; addr += size) {
		saw(addr, size, load(addr, size));
		store(addr, size, value(which));
		saw(addr, size, load(addr, size));
	}
}

/* The sizes and values take turns, by doublewords, and not in step with the registers. */
static void sweep_turns(u64 addr, u64 end)
{
	for (; addr < end; addr += 8) {
		u64 n = addr >> 3;
		unsigned int size = 1U << (n + (n >> 7)) % 4;

		for (u64 at = addr; at < addr + 8; at += size) {
			store(at, size, value(n % NVALUES));
			saw(at, size, load(at, size));
		}
	}
}

/* One line: each block from @base of which something was read, or that is not there. */
static void sweep(const char *name, u64 base, u64 bytes, unsigned int size, unsigned int which)
{
	if (size == TURNS)
		printf("%s %lx by turns:", name, base);
	else
		printf("%s %lx by %u bytes, %s:", name, base, size, values[which]);
	aborts = 0;
	for (u64 at = base; at < base + bytes; at += BLOCK) {
		u64 end = at + BLOCK < base + bytes ? at + BLOCK : base + bytes;

		sum = 0;
		if (size == TURNS)
			sweep_turns(at, end);
		else
			sweep_size(at, end, size, which);
		if (sum)
			printf(" %lx=%lx", at - base, sum);
	}
	printf(aborts ? " %u aborts\n" : "\n", aborts);
}

static void sweep_sizes(const char *name, u64 base, u64 bytes, unsigned int first)
{
	for (unsigned int size = 1; size <= 8; size *= 2) {
		for (unsigned int which = first; which < NVALUES; which++)
			sweep(name, base, bytes, size, which);
	}
}

static void frame(const char *name, u64 base)
{
	static const struct {
		u64 first, bytes;
	} registers[] = { { 0, 0x100 }, { 0x300, 0x100 }, { 0x400, 0x40 }, { 0xc00, 0x40 },
			  { 0x6100, 0x80 }, { 0xffc0, 0x40 } };

	if (all) {
		sweep_sizes(name, base, FRAME, 0);
		return;
	}
	sweep(name, base, FRAME, TURNS, 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(registers); i++)
		sweep_sizes(name, base + registers[i].first, registers[i].bytes, 1);
}

static void frames(void)
{
	frame("GICD", GICD_BASE);
	for (u64 cpu = 0; cpu < NCPUS; cpu++) {
		if (cpu && !all) {
			sweep("GICR", GICR_BASE + cpu * GICR_STRIDE + GICR_SGI, BLOCK, TURNS, 0);
			continue;
		}
		frame("GICR", GICR_BASE + cpu * GICR_STRIDE);
		frame("GICR", GICR_BASE + cpu * GICR_STRIDE + GICR_SGI);
	}
}

/* The second CPU, from now on: masked, and never a trap. */
void secondary_main(void)
{
	started = 1;
	for (;;)
		asm volatile("" : : : "memory");
}

/* The redistributor of a CPU that runs: whoever emulates it has to get at what that CPU has in its hands. */
static void frame_of_a_running_cpu(void)
{
	secondary_hcr = read_sysreg(hcr_el2);
	if (smccc(PSCI_CPU_ON, 1, (u64)secondary_entry, (u64)stack + sizeof(stack)))
		fail("there is no second CPU");
	while (!started)
		asm volatile("yield");
	gic_init();
	for (unsigned int which = 1; which < NVALUES; which++)
		sweep("GICR of a CPU that runs", GICR_BASE + GICR_STRIDE + GICR_SGI, BLOCK, 4, which);
}

/* Where a GICv2 and an ITS have theirs, and behind the last redistributor: there is nothing. */
static void nobody(void)
{
	static const struct {
		const char *name;
		u64 base, bytes;
	} places[] = {
		{ "GICC", 0x08010000, FRAME },
		{ "GICv2m", 0x08020000, FRAME },
		{ "GICH", 0x08030000, FRAME },
		{ "GICV", 0x08040000, FRAME },
		{ "ITS", 0x08080000, 2 * FRAME },
		{ "GICR of nobody", GICR_BASE + NCPUS * GICR_STRIDE, GICR_STRIDE },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(places); i++) {
		u64 base = places[i].base;

		if (all) {
			sweep(places[i].name, base, places[i].bytes, TURNS, 0);
			continue;
		}
		sweep(places[i].name, base, 0x40, TURNS, 0);
		sweep(places[i].name, base + places[i].bytes - 0x40, 0x40, TURNS, 0);
	}
	/* the rest of what would be redistributors, a bit of each page */
	for (u64 at = GICR_BASE + (NCPUS + 1) * GICR_STRIDE; at < GIC_END; at += SZ_64K) {
		sum = 0;
		aborts = 0;
		sweep_turns(at + (at >> 12 & 0xff8), at + (at >> 12 & 0xff8) + 8);
		if (!aborts)
			printf("something at %lx\n", at);
	}
}

/*
 * Not aligned to their size: alignment faults, memory there is a device. QEMU does not check that while one of its
 * threads runs all CPUs: then none faults, and what is read is not compared.
 */
static void unaligned(u64 base, u64 bytes, u64 step)
{
	unsigned int n = 0;

	exc_set_hook(misaligned);
	aborts = 0;
	for (u64 off = 0; off < bytes; off += step) {
		for (unsigned int size = 2; size <= 8; size *= 2) {
			if (!(off & (size - 1)))
				continue;
			if (off / step & 1)
				store(base + off, size, rnd());
			else
				load(base + off, size);
			n++;
		}
	}
	exc_set_hook(aborted);
	printf("from %lx %u accesses: ", base, n);
	check(aborts == 0 || aborts == n, "not aligned");
}

/*
 * What gives no syndrome that an access could be emulated from, or not the one of a single register. What QEMU
 * does itself a hypervisor may refuse, so nobody compares: each must end.
 */
#define ODD(x) asm volatile(x : "+r"(at) : "r"(addr) : "x9", "x10", "x11", "memory")
static void odd(u64 addr)
{
	u64 at = addr;

	ODD("ldp x9, x10, [%1]");
	ODD("stp x9, x10, [%1]");
	ODD("ldp w9, w10, [%1]");
	ODD("stp w9, w10, [%1, #8]");
	ODD("ldnp x9, x10, [%1]");
	ODD("ldr x9, [%0], #8");
	ODD("str w9, [%0, #-4]!");
	ODD("ldrb w9, [%0], #1");
	ODD("strh w9, [%0, #-1]!");
	at = addr;
	ODD("ldxr w9, [%1]\n stxr w10, w9, [%1]");
	ODD("ldaxr x9, [%1]\n stlxr w10, x9, [%1]");
	ODD("ldxp x9, x10, [%1]\n stxp w11, x9, x10, [%1]");
	ODD("ldar w9, [%1]");
	ODD("stlr w9, [%1]");
	ODD("ldarb w9, [%1]");
	ODD("ldtr w9, [%1]");
	ODD("sttr w9, [%1]");
	ODD("ldrsb x9, [%1]");
	ODD("ldrsw x9, [%1]");
	ODD("ldr xzr, [%1]");
	ODD("prfm pstl1keep, [%1]");
	ODD("dc civac, %1");
	ODD("dc zva, %1");
	ODD(".arch_extension fp\n.arch_extension simd\n ldr q0, [%1]\n str q0, [%1]\n str b0, [%1]");
	ODD(".arch_extension lse\n ldadd w9, w10, [%1]");
	ODD(".arch_extension lse\n swp x9, x10, [%1]");
	ODD(".arch_extension lse\n stclr w9, [%1]");
}

static bool went_on(struct vcpu *ctx)
{
	if ((ctx->vec & 3) != KIND_SYNC)
		return false;
	ctx->pc += 4;
	return true;
}

static void odd_ones(void)
{
	static const u64 bases[] = { GICD_BASE, GICR_BASE, GICR_BASE + GICR_SGI };
	u64 step = all ? 0x28 : 0x3f0;

	exc_set_hook(went_on);
	for (unsigned int i = 0; i < ARRAY_SIZE(bases); i++) {
		u64 window = WINDOW + i * SZ_64K;

		for (u64 off = 0; off < FRAME; off += step)
			odd(bases[i] + off);
		/* as normal memory: now the offset need not be a multiple of anything */
		for (u64 off = 0; off < FRAME; off += SZ_4K)
			pt_map_at(&el2_low, window + off, bases[i] + off, el2_normal(), 3);
		dsb(ish);
		isb();
		for (u64 off = 0; off < FRAME; off += all ? 1 : 0x3d) {
			unsigned int size = 1U << (off + (off >> 3)) % 4;

			store(window + off, size, rnd());
			load(window + off, size);
			if (off % 64 == 0)
				odd(window + off);
		}
	}
	exc_set_hook(aborted);
	check(true, "accesses without a syndrome, and to normal memory");
}

/* Afterwards it is a GIC again: for whoever sets it up. */
static void works(void)
{
	unsigned int taken = 0;

	for (unsigned int i = 0; i < 32; i++) {
		gicd_write(GICD_ICACTIVER(0) + 4 * i, ~0U);
		gicd_write(GICD_ICPENDR(0) + 4 * i, ~0U);
		gic_set_edge(i, false);
	}
	gic_init();
	for (unsigned int i = 0; i < 16; i++) {
		gic_enable(i);
		gic_send_sgi(i);
	}
	for (unsigned int intid; (intid = gic_ack()) < 16; taken++)
		gic_eoi(intid);
	check_eq("SGIs taken afterwards", taken, 16);
	gic_enable(PPI_CNTHP);
	write_sysreg(0, cnthp_cval_el2);
	write_sysreg(1, cnthp_ctl_el2);
	isb();
	check_eq("the timer's interrupt", gic_ack(), PPI_CNTHP);
	write_sysreg(0, cnthp_ctl_el2);
	isb();
	gic_eoi(PPI_CNTHP);
}

void guest_main(void)
{
	mmu_init_el2();
	gic_init_el2();
	all = arg_is("all", "1");
	show = arg_is("show", "1");
	exc_set_hook(aborted);
	frames();
	nobody();
	frame_of_a_running_cpu();
	unaligned(GICD_BASE, FRAME, all ? 1 : 37);
	unaligned(GICR_BASE, 2 * FRAME, all ? 1 : 41);
	odd_ones();
	works();
}
