// SPDX-License-Identifier: GPL-2.0-only
/*
 * The bundled L1 as Linux/KVM is one without VHE: what emulates for L2 is a host kernel at EL1 with an MMU of
 * its own, and EL2 holds only what moves between the two. Host: HVC #HOST_RUN runs the l2cpu in x0 until an
 * exit that the host must see, HVC #HOST_END ends. Each owns all EL1 registers while it runs.
 *
 * The host runs with HCR_EL2.IMO clear, so an interrupt that ended L2's run waits for it and is taken by
 * its own CPU interface.
 */
#include "bundled.h"
#include "pgtable.h"

#define HOST_RUN	1
#define HOST_END	2
#define RAM_BASE	0x40000000UL
#define RAM_SIZE	0x10000000UL
#define DEVICE_BASE	0x08000000UL
#define DEVICE_SIZE	0x08000000UL
#define VA_BITS		32
#define STACK_SIZE	8192

/* What KVM's __sysreg_save_el1_state() has of an ARMv8.0 CPU. SP_EL1 and below are EL2's in any mode. */
#define EL1_REGS(F)							\
	F(sctlr_el1) F(cpacr_el1) F(ttbr0_el1) F(ttbr1_el1) F(tcr_el1) F(esr_el1) F(afsr0_el1)	\
	F(afsr1_el1) F(far_el1) F(mair_el1) F(vbar_el1) F(contextidr_el1) F(amair_el1)		\
	F(cntkctl_el1) F(par_el1) F(tpidr_el1) F(tpidr_el0) F(tpidrro_el0) F(sp_el0) F(sp_el1)	\
	F(elr_el1) F(spsr_el1)

struct el1_regs {
#define FIELD_OF(r)	u64 r;
	EL1_REGS(FIELD_OF)
#undef FIELD_OF
};

struct host {
	struct vcpu v;
	struct el1_regs regs, l2_regs;	/* of the one that does not run */
};

static struct host hosts[NR_CPUS];
static u8 stacks[NR_CPUS][STACK_SIZE] __attribute__((aligned(16)));
static struct pgtable host_tables;

static void save(struct el1_regs *regs)
{
#define SAVE(r)	regs->r = read_sysreg(r);
	EL1_REGS(SAVE)
#undef SAVE
}

static void restore(const struct el1_regs *regs)
{
#define RESTORE(r)	write_sysreg(regs->r, r);
	EL1_REGS(RESTORE)
#undef RESTORE
}

static void tables_init(void)
{
	pt_init(&host_tables, 12, VA_BITS, -1);
	pt_map(&host_tables, DEVICE_BASE, DEVICE_BASE, DEVICE_SIZE, PTE_DEVICE | PTE_PXN);
	pt_map(&host_tables, RAM_BASE, RAM_BASE, RAM_SIZE, PTE_NORMAL | PTE_UXN);
}

static __host_part void host_run(struct l2cpu *me)
{
	register u64 x0 asm("x0") = (u64)me;

	asm volatile("hvc %1" : "+r"(x0) : "i"(HOST_RUN) : "memory");
}

/* The host's kernel: at EL1, interrupts masked. */
static __host_part void host_main(struct l2cpu *me)
{
	mmu_on_el1(&host_tables);
	while (!me->ended) {
		host_run(me);
		exits_handle(me);
	}
	asm volatile("hvc %0" : : "i"(HOST_END) : "memory");
}

static void to_l2(struct host *host)
{
	save(&host->regs);
	restore(&host->l2_regs);
	write_sysreg((u64)l2_stage2.root | 1UL << 48, vttbr_el2);
	write_sysreg(L2_HCR, hcr_el2);
	isb();
}

static void to_host(struct host *host)
{
	save(&host->l2_regs);
	restore(&host->regs);
	write_sysreg(0, vttbr_el2);
	write_sysreg(HYP_HCR, hcr_el2);
	isb();
}

static void host_init(struct host *host, struct l2cpu *me)
{
	host->v.pc = (u64)host_main;
	host->v.pstate = PSR_EL1h | PSR_DAIF;
	host->v.x[0] = (u64)me;
	save(&host->regs);
	host->regs.sctlr_el1 = SCTLR_EL1_RES1;
	host->regs.sp_el1 = (u64)stacks[me->cpu] + STACK_SIZE;
	to_host(host);
	/* VMID 0 is the host's; what the TLB held before is not known */
	asm volatile("tlbi vmalls12e1" : : : "memory");
	dsb(nsh);
	isb();
}

void split_run(struct l2cpu *me)
{
	struct host *host = &hosts[me->cpu];

	if (!host_tables.root)
		tables_init();
	host_init(host, me);
	for (;;) {
		u64 vec = guest_enter(&host->v), esr = host->v.esr;

		if (vec != VEC(GROUP_A64, KIND_SYNC) || ESR_EC(esr) != EC_HVC)
			break;
		if (FIELD(esr, 15, 0) == HOST_END)
			return;
		to_l2(host);
		hyp_enter_l2((struct l2cpu *)host->v.x[0]);
		to_host(host);
	}
	printf("FAIL host at EL1: esr %lx pc %lx far %lx\n", host->v.esr, host->v.pc,
	       host->v.far);
	system_off();
}
