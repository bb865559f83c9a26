// SPDX-License-Identifier: GPL-2.0-only
/*
 * EL0 under EL2&0 (HCR_EL2.TGE with E2H): every exception of user space comes to EL2, with memory
 * permissions from TTBR0_EL2, the controls of SCTLR_EL2 and CNTHCTL_EL2, interrupts. VHE only.
 */
#include "gic.h"
#include "lib.h"
#include "pgtable.h"
#include "user.h"

#define DONE		0x7ff
#define SGI		4
#define UNMAPPED	0x200000000UL

static u8 page[SZ_4K] __attribute__((aligned(4096), section(".user.data")));
static u8 kernel_page[SZ_4K] __attribute__((aligned(4096)));

static struct vcpu run(void *pc, u64 x0, u64 x1)
{
	struct vcpu v = { .x = { x0, x1 }, .pc = (u64)pc, .pstate = PSR_EL0t };

	guest_enter(&v);
	return v;
}

static void show(const char *what, struct vcpu v)
{
	if (ESR_EC(v.esr) == EC_SVC && FIELD(v.esr, 15, 0) == DONE && (v.vec & 3) == KIND_SYNC) {
		printf("%s: done\n", what);
		return;
	}
	printf("%s: ", what);
	print_syndrome(v.vec, v.esr, v.far);
	printf(" spsr %lx\n", v.pstate & (PSR_M | PSR_DAIF | PSR_IL));
}

static void memory(void)
{
	struct vcpu v = run(user_store, (u64)page + 8, 0x1234);

	show("store to its own", v);
	check_eq("stored", *(u64 *)(page + 8), 0x1234);
	v = run(user_load, (u64)page + 8, 0);
	check_eq("loaded", v.x[0], 0x1234);
	show("load from the kernel's", run(user_load, (u64)kernel_page, 0));
	show("store to the kernel's", run(user_store, (u64)kernel_page, 0));
	show("store to its own text", run(user_store, (u64)user_load, 0));
	show("load from nowhere", run(user_load, UNMAPPED, 0));
	show("store to nowhere", run(user_store, UNMAPPED, 0));
	show("load from the upper half", run(user_load, HIGH_BASE + 0x200000, 0));
	show("jump to the kernel", run(user_jump, (u64)kernel_page, 0));
	show("jump to data", run(user_jump, (u64)page, 0));
	show("jump to nowhere", run(user_jump, UNMAPPED, 0));
	show("jump to an odd address", run(user_jump, (u64)user_load + 1, 0));
}

static void instructions(void)
{
	show("udf", run(user_udf, 0, 0));
	show("brk", run(user_brk, 0, 0));
	show("EL1 register", run(user_el1, 0, 0));
	show("daifset", run(user_daif, 0, 0));
	show("tpidr", run(user_tpidr, 0x55, 0));
	check_eq("tpidr", read_sysreg(tpidr_el0), 0x55);
	show("tpidrro", run(user_tpidrro, 0, 0));
}

static void control(const char *name, u64 clear)
{
	u64 old = read_sysreg(sctlr_el2);

	write_sysreg(old & ~clear, sctlr_el2);
	isb();
	printf("SCTLR %s\n", name);
	show("ctr", run(user_ctr, 0, 0));
	show("dc zva", run(user_zva, (u64)page, 0));
	show("ic ivau", run(user_ivau, (u64)page, 0));
	if (clear & SCTLR_nTWI)
		show("wfi", run(user_wfi, 0, 0));
	write_sysreg(old, sctlr_el2);
	isb();
}

static void counters(const char *name, u64 bits)
{
	u64 old = read_sysreg(cnthctl_el2);

	write_sysreg(bits, cnthctl_el2);
	isb();
	printf("CNTHCTL %s\n", name);
	show("cntvct", run(user_cntvct, 0, 0));
	show("cntpct", run(user_cntpct, 0, 0));
	show("cntv_ctl", run(user_timer, 0, 0));
	write_sysreg(old, cnthctl_el2);
	isb();
}

static void registers(void)
{
	struct vcpu v = { .pc = (u64)user_regs, .pstate = PSR_EL0t };
	unsigned int good = 0;

	for (unsigned int i = 0; i < 31; i++)
		v.x[i] = 0x1000 + i;
	guest_enter(&v);
	for (unsigned int i = 0; i < 31; i++)
		good += v.x[i] == 0x1001 + i;
	printf("general registers: %u of 31\n", good);
	write_sysreg(0xabc0, sp_el0);
	check_eq("SP_EL0", run(user_sp, 0, 0).x[0], 0xabc0);
}

static void interrupts(void)
{
	struct vcpu v;

	gic_init();
	gic_enable(SGI);
	gic_send_sgi(SGI);
	v = run(user_spin, 0, 0);
	show("sgi pending at entry", v);
	printf("pc +%lx ack %u\n", v.pc - (u64)user_spin, gic_ack());
	gic_eoi(SGI);
	gic_enable(PPI_CNTHP);
	write_sysreg(read_sysreg(cntfrq_el0) / 2000, cnthp_tval_el2);
	write_sysreg(1, cnthp_ctl_el2);
	v = run(user_spin, 0, 0);
	show("timer while it runs", v);
	printf("pc +%lx ack %u\n", v.pc - (u64)user_spin, gic_ack());
	write_sysreg(0, cnthp_ctl_el2);
	isb();
	gic_eoi(PPI_CNTHP);
	v = run(user_svc_loop, 0, 0);
	show("and on", v);
}

void guest_main(void)
{
	u64 hcr = read_sysreg(hcr_el2);

	if (!vhe_mode)
		fail("EL0 under EL2 needs VHE");
	mmu_init_el2();
	write_sysreg(hcr | HCR_TGE | HCR_IMO | HCR_FMO | HCR_AMO, hcr_el2);
	write_sysreg(3UL << 20, cptr_el2);
	isb();
	memory();
	instructions();
	control("all", 0);
	control("UCT clear", SCTLR_UCT);
	control("DZE clear", SCTLR_DZE);
	control("UCI clear", SCTLR_UCI);
	control("nTWI clear", SCTLR_nTWI);
	counters("none", 0);
	counters("EL0PCTEN", BIT(0));
	counters("EL0VCTEN", BIT(1));
	counters("EL0VTEN", BIT(8));
	registers();
	interrupts();
	write_sysreg(hcr, hcr_el2);
	isb();
}
