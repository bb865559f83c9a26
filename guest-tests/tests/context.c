// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two L2s time-sliced by this EL2: the whole EL1 context of each is saved and restored by the names
 * a hypervisor of this mode uses, and each L2 checks its own. Different VMIDs, interleaved with what
 * makes a hypervisor below leave its fast path.
 */
#include "gic.h"
#include "l2.h"

#define EL1_REGS(R)								\
	R(TTBR0) R(TTBR1) R(TCR) R(MAIR) R(FAR) R(ESR) R(CONTEXTIDR) R(CPACR) R(CNTKCTL)	\
	R(ELR) R(SPSR) R(AMAIR) R(AFSR0) R(AFSR1) R(VBAR) R(SCTLR)

/* Registers that have one name only. */
#define SHARED_REGS(R)								\
	R(TPIDR_EL1) R(TPIDR_EL0) R(TPIDRRO_EL0) R(PAR_EL1) R(SP_EL1) R(SP_EL0) R(CSSELR_EL1)	\
	R(MDSCR_EL1)

#define INDEX(r) IDX_##r,
enum { EL1_REGS(INDEX) SHARED_REGS(INDEX) NREGS };

struct guest {
	struct vcpu v;
	u64 regs[NREGS];
	u64 slices;
};

static struct guest guests[2];

static void save(struct guest *g)
{
#define SAVE_EL1(r)	g->regs[IDX_##r] = guest_read(r);
#define SAVE(r)		g->regs[IDX_##r] = read_sysreg(r);
	EL1_REGS(SAVE_EL1)
	SHARED_REGS(SAVE)
}

static void restore(const struct guest *g)
{
#define RESTORE_EL1(r)	guest_write(g->regs[IDX_##r], r);
#define RESTORE(r)	write_sysreg(g->regs[IDX_##r], r);
	EL1_REGS(RESTORE_EL1)
	SHARED_REGS(RESTORE)
	isb();
}

/* L2: set everything it may from a seed, then yield by HVC #1 and check, until something is wrong. */
#define L2_SET(reg, v) asm volatile("msr " #reg ", %0" : : "r"((u64)(v)))
#define L2_BAD(reg, v) ({ u64 r_; asm volatile("mrs %0, " #reg : "=r"(r_)); r_ != (u64)(v); })

static u64 l2_body(u64 seed, u64 sctlr)
{
	u64 bad, flags;

	L2_SET(ttbr0_el1, seed << 12);
	L2_SET(ttbr1_el1, seed << 13);
	L2_SET(tcr_el1, seed & 0x3f);
	L2_SET(mair_el1, seed * 3);
	L2_SET(far_el1, seed * 5);
	L2_SET(esr_el1, seed * 7);
	L2_SET(contextidr_el1, seed * 9);
	L2_SET(elr_el1, seed * 4);
	L2_SET(spsr_el1, seed & 0xf);
	L2_SET(tpidr_el1, seed * 11);
	L2_SET(tpidr_el0, seed * 13);
	L2_SET(tpidrro_el0, seed * 15);
	L2_SET(sp_el0, seed * 16);
	L2_SET(cntkctl_el1, seed & 3);
	for (;;) {
		bad = L2_BAD(ttbr0_el1, seed << 12) + L2_BAD(ttbr1_el1, seed << 13) +
		      L2_BAD(tcr_el1, seed & 0x3f) + L2_BAD(mair_el1, seed * 3) +
		      L2_BAD(far_el1, seed * 5) + L2_BAD(esr_el1, seed * 7) +
		      L2_BAD(contextidr_el1, seed * 9) + L2_BAD(elr_el1, seed * 4) +
		      L2_BAD(spsr_el1, seed & 0xf) + L2_BAD(tpidr_el1, seed * 11) +
		      L2_BAD(tpidr_el0, seed * 13) + L2_BAD(tpidrro_el0, seed * 15) +
		      L2_BAD(sp_el0, seed * 16) + L2_BAD(cntkctl_el1, seed & 3) +
		      L2_BAD(sctlr_el1, sctlr);

		if (bad)
			return bad;
		/* with flags of its own, which no call clobbers */
		asm volatile("msr nzcv, %1\n hvc #1\n mrs %0, nzcv"
			     : "=r"(flags) : "r"(seed << 24 & 0xf0000000) : "memory", "cc");
		if (flags != (seed << 24 & 0xf0000000))
			return flags;
	}
}

static u8 stacks[2][8192] __attribute__((aligned(16)));

static void disturb(unsigned int i)
{
	switch (i % 4) {
	case 0:
		smccc(PSCI_VERSION, 0, 0, 0);
		break;
	case 1:
		gicd_read(GICD_TYPER);
		break;
	case 2:
		asm volatile("tlbi vmalls12e1is\n dsb ish\n isb" : : : "memory");
	}
}

static bool slice(struct guest *g, unsigned int i)
{
	l2_set_stage2(&l2_s2, 1 + (g - guests));
	restore(g);
	l2_enter(&g->v, 0);
	save(g);
	disturb(i);
	if (g->v.vec != VEC(GROUP_A64, KIND_SYNC) || ESR_EC(g->v.esr) != EC_HVC)
		return false;
	g->slices++;
	return FIELD(g->v.esr, 15, 0) == 1;
}

void guest_main(void)
{
	bool good = true;

	mmu_init_el2();
	l2_init();
	for (unsigned int n = 0; n < 2; n++) {
		l2_prepare(&guests[n].v, l2_body, 0x1230 + 0x4560 * n, guest_read(SCTLR), L2_EL1);
		save(&guests[n]);
		guests[n].regs[IDX_SP_EL1] = (u64)stacks[n] + sizeof(stacks[n]);
	}
	for (unsigned int i = 0; i < 100 && good; i++) {
		unsigned int n = i % 5 < 2 ? 0 : i & 1;

		good = slice(&guests[n], i);
		if (!good)
			l2_print_exit(n ? "second" : "first", &guests[n].v);
	}
	printf("slices %lu and %lu\n", guests[0].slices, guests[1].slices);
	check(good, "each L2 found its own registers");
}
