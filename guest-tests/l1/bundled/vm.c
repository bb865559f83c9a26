// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rows of level vm: what L1 asks of whoever is below it. At EL2, interrupts routed to EL2 and
 * masked except where one is waited for. VHE only: L1's own user space at EL0 under TGE.
 */
#include "bundled.h"
#include "gic.h"
#include "pgtable.h"

#define WFI_US		500

static volatile unsigned int irqs, timer_irqs, ipis;
static volatile u64 ready, done;	/* rounds of the ipi operation, by its receiver */
static u64 round;			/* the same, by its sender */

/* VHE: CNTP_*_EL0 is the EL2 physical timer, nVHE: its own name. Both raise the same PPI. */
static void timer_set(u64 ticks, bool on)
{
	if (vhe_mode) {
		write_sysreg(ticks, cntp_tval_el0);
		write_sysreg(on, cntp_ctl_el0);
	} else {
		write_sysreg(ticks, cnthp_tval_el2);
		write_sysreg(on, cnthp_ctl_el2);
	}
	isb();
}

static bool on_irq(struct vcpu *ctx)
{
	unsigned int intid;

	if (ctx->vec != VEC(GROUP_SPX, KIND_IRQ))
		return false;
	intid = gic_ack();
	if (intid == PPI_CNTHP)
		timer_set(0, false);
	gic_eoi(intid);
	irqs += intid == SGI_SELF;
	timer_irqs += intid == PPI_CNTHP;
	ipis += intid == SGI_IPI;
	return true;
}

static void irq_unmask(void)
{
	asm volatile("msr daifclr, #2" : : : "memory");
}

static void irq_mask(void)
{
	asm volatile("msr daifset, #2" : : : "memory");
}

static u64 op_hypercall(void)
{
	return smccc(PSCI_VERSION, 0, 0, 0) > 0;
}

static u64 op_mmio(void)
{
	return gicd_read(GICD_TYPER) != 0;
}

static u64 op_sysreg(void)
{
	return read_sysreg(id_aa64mmfr0_el1) != 0;
}

static u64 op_wfi(void)
{
	wfi();
	return 1;
}

static u64 op_virq(void)
{
	unsigned int before = irqs;

	gic_send_sgi(SGI_SELF);
	while (irqs == before)
		;
	return 1;
}

static u64 op_veoi(void)
{
	unsigned int intid = gic_ack();

	gic_eoi(intid);
	return intid == SGI_SELF;
}

static u64 op_timer(void)
{
	unsigned int before = timer_irqs;

	timer_set(0, true);
	while (timer_irqs == before)
		;
	return 1;
}

/* Another address space: VHE as a process of its user space has it, nVHE as EL2 has one, without ASIDs. */
static u64 op_ctxsw(void)
{
	static u64 switches;
	u64 asid = (1 + (++switches & 1)) << 48;

	if (vhe_mode) {
		write_sysreg((u64)el2_low.root | asid, ttbr0_el1);
		isb();		/* the table first, then what another one left */
		asm volatile("tlbi aside1, %0" : : "r"(asid) : "memory");
	} else {
		write_sysreg((u64)el2_low.root, ttbr0_el2);
		isb();
		asm volatile("tlbi alle2" : : : "memory");
	}
	dsb(nsh);
	isb();
	return 1;
}

static u64 op_ipi(void)
{
	smp_send_sgi(1, SGI_IPI);
	smp_wait(&done, round);
	return 1;
}

static void no_prep(void)
{
}

static void prep_wfi(void)
{
	timer_set(read_sysreg(cntfrq_el0) / 1000000 * WFI_US, true);
}

/* The interrupt is taken in full, or it would still be pending at the next WFI. */
static void after_wfi(void)
{
	unsigned int intid;

	do {
		intid = gic_ack();
	} while (intid != PPI_CNTHP);
	timer_set(0, false);
	gic_eoi(intid);
}

static void prep_veoi(void)
{
	irq_mask();
	gic_send_sgi(SGI_SELF);
}

/* The receiver waits for the next round. */
static void prep_ipi(void)
{
	smp_wait(&ready, ++round);
}

/*
 * Its side of a round begins before it says that it waits, and ends before the sender may go on: of two
 * regions of one operation, the sender's always ends last.
 */
void vm_ipi_receive(void)
{
	for (u64 i = 1; i <= bench.warm + bench.iters; i++) {
		unsigned int before = ipis;

		irq_unmask();
		if (i > bench.warm)
			marker_begin(PEER_ipi_vm);
		smp_set(&ready, i);
		while (ipis == before)
			asm volatile("yield");
		if (i > bench.warm)
			marker_end(PEER_ipi_vm, 1);
		irq_mask();
		smp_set(&done, i);
	}
}

static void measure(const char *name, enum region id, void (*prep)(void), u64 (*op)(void),
		    void (*after)(void))
{
	bool good = true;

	for (unsigned int i = 0; i < bench.warm + bench.iters; i++) {
		prep();
		if (i >= bench.warm)
			marker_begin(id);
		good &= op() == 1;
		if (i >= bench.warm)
			marker_end(id, 1);
		after();
	}
	if (!good)
		fail(name);
	printf("op %s vm ok\n", name);
}

/* L1's user space does nothing but SVC. One iteration is ERET to it and the SVC back. */
static struct vcpu user;

static u64 op_syscall(void)
{
	return guest_enter(&user) == VEC(GROUP_A64, KIND_SYNC) && ESR_EC(user.esr) == EC_SVC;
}

/* What a VHE hypervisor does as the kernel of its user space, HCR_EL2.TGE set. */
static void measure_tge(void)
{
	u64 hcr = read_sysreg(hcr_el2);

	if (!vhe_mode) {
		printf("op syscall vm none: no EL0 under an nVHE EL2\n");
		measure("ctxsw", REGION_ctxsw_vm, no_prep, op_ctxsw, no_prep);
		return;
	}
	user.pc = (u64)user_svc_loop;
	user.pstate = PSR_EL0t | PSR_DAIF;
	write_sysreg(hcr | HCR_TGE, hcr_el2);
	isb();
	measure("syscall", REGION_syscall_vm, no_prep, op_syscall, no_prep);
	measure("ctxsw", REGION_ctxsw_vm, no_prep, op_ctxsw, no_prep);
	write_sysreg(hcr, hcr_el2);
	isb();
}

static void measure_alone(void)
{
	measure("hypercall", REGION_hypercall_vm, no_prep, op_hypercall, no_prep);
	measure("mmio", REGION_mmio_vm, no_prep, op_mmio, no_prep);
	measure("sysreg", REGION_sysreg_vm, no_prep, op_sysreg, no_prep);
	measure("wfi", REGION_wfi_vm, prep_wfi, op_wfi, after_wfi);
	measure("virq", REGION_virq_vm, irq_unmask, op_virq, irq_mask);
	measure("veoi", REGION_veoi_vm, prep_veoi, op_veoi, no_prep);
	measure("timer", REGION_timer_vm, irq_unmask, op_timer, irq_mask);
	measure_tge();
}

void vm_run(void)
{
	/* interrupts come to EL2; also what makes WFI wake up for them */
	write_sysreg(read_sysreg(hcr_el2) | HCR_IMO | HCR_FMO | HCR_AMO, hcr_el2);
	isb();
	exc_set_hook(on_irq);
	gic_enable(SGI_SELF);
	gic_enable(PPI_CNTHP);

	for (unsigned int i = 0; i < bench.iters; i++) {
		marker_begin(REGION_empty_vm);
		marker_end(REGION_empty_vm, 1);
	}
	printf("op empty vm ok\n");
	if (bench.second)
		measure("ipi", REGION_ipi_vm, prep_ipi, op_ipi, no_prep);
	if (!bench.only_ipi)
		measure_alone();
	gic_disable(PPI_CNTHP);
	exc_set_hook(NULL);
}
