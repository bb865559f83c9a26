// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupts at EL2 itself: without IMO and TGE of HCR_EL2 they are EL1's, and EL2 takes none whatever
 * its PSTATE says; either of the two, and it does.
 */
#include "gic.h"
#include "lib.h"
#include "pgtable.h"

#define SGI	3

static bool on_irq(struct vcpu *ctx)
{
	unsigned int intid;

	if ((ctx->vec & 3) != KIND_IRQ)
		return false;
	intid = gic_ack();
	printf("%s intid %u\n", vec_name(ctx->vec), intid);
	gic_eoi(intid);
	return true;
}

static void unmasked(const char *name, u64 hcr)
{
	write_sysreg(hcr, hcr_el2);
	isb();
	printf("%s:\n", name);
	asm volatile("msr daifclr, #2\n isb\n msr daifset, #2" : : : "memory");
}

void guest_main(void)
{
	u64 hcr = read_sysreg(hcr_el2) & ~(HCR_IMO | HCR_TGE);

	mmu_init_el2();
	gic_init();
	gic_enable(SGI);
	exc_set_hook(on_irq);
	gic_send_sgi(SGI);
	unmasked("neither", hcr);
	unmasked("IMO", hcr | HCR_IMO);
	gic_send_sgi(SGI);
	unmasked("neither", hcr);
	unmasked("TGE", hcr | HCR_TGE);
	exc_set_hook(NULL);
}
