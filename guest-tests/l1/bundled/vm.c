// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rows of level vm: what L1 asks of whoever is below it. At EL2, interrupts routed to EL2 and
 * masked except where virq takes one. VHE only: L1's own user space at EL0 under TGE.
 */
#include "bundled.h"
#include "gic.h"
#include "lib.h"

#define SGI_SELF	1
#define WFI_US		500

static volatile unsigned int irqs;

static bool on_irq(struct vcpu *ctx)
{
	unsigned int intid;

	if (ctx->vec != VEC(GROUP_SPX, KIND_IRQ))
		return false;
	intid = gic_ack();
	gic_eoi(intid);
	irqs += intid == SGI_SELF;
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

static void no_prep(void)
{
}

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

static void measure(const struct bench *b, const char *name, enum region id, void (*prep)(void),
		    u64 (*op)(void), void (*after)(void))
{
	bool good = true;

	for (unsigned int i = 0; i < b->warm + b->iters; i++) {
		prep();
		if (i >= b->warm)
			marker_begin(id);
		good &= op() == 1;
		if (i >= b->warm)
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

static void measure_syscall(const struct bench *b)
{
	u64 hcr = read_sysreg(hcr_el2);

	if (!vhe_mode) {
		printf("op syscall vm none: no EL0 under an nVHE EL2\n");
		return;
	}
	user.pc = (u64)user_svc_loop;
	user.pstate = PSR_EL0t | PSR_DAIF;
	write_sysreg(hcr | HCR_TGE, hcr_el2);
	isb();
	measure(b, "syscall", REGION_syscall_vm, no_prep, op_syscall, no_prep);
	write_sysreg(hcr, hcr_el2);
	isb();
}

void vm_run(const struct bench *b)
{
	/* interrupts come to EL2; also what makes WFI wake up for them */
	write_sysreg(read_sysreg(hcr_el2) | HCR_IMO | HCR_FMO | HCR_AMO, hcr_el2);
	isb();
	exc_set_hook(on_irq);
	gic_enable(SGI_SELF);
	gic_enable(PPI_CNTHP);

	for (unsigned int i = 0; i < b->iters; i++) {
		marker_begin(REGION_empty_vm);
		marker_end(REGION_empty_vm, 1);
	}
	printf("op empty vm ok\n");
	measure(b, "hypercall", REGION_hypercall_vm, no_prep, op_hypercall, no_prep);
	measure(b, "mmio", REGION_mmio_vm, no_prep, op_mmio, no_prep);
	measure(b, "sysreg", REGION_sysreg_vm, no_prep, op_sysreg, no_prep);
	measure(b, "wfi", REGION_wfi_vm, prep_wfi, op_wfi, after_wfi);
	measure(b, "virq", REGION_virq_vm, irq_unmask, op_virq, irq_mask);
	measure(b, "veoi", REGION_veoi_vm, prep_veoi, op_veoi, no_prep);
	measure_syscall(b);
	gic_disable(PPI_CNTHP);
	exc_set_hook(NULL);
}
