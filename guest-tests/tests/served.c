// SPDX-License-Identifier: GPL-2.0-only
/*
 * Accesses of EL2's registers with interrupts between them: each is done as a whole or not yet, nothing but
 * its own register changes, and the interrupt is seen where the program is. Where a hypervisor below makes more than one
 * instruction of such an access, or takes away the memory that it needs for it, this is where it shows.
 */
#include "gic.h"
#include "l2.h"

#define INTERRUPTS	800U
#define SPSR_A		(PSR_EL1h | PSR_DAIF)
#define SPSR_B		(PSR_EL2h | PSR_DAIF)

extern char _text_end[];

static volatile unsigned int taken;
static unsigned int wrong_place, wrong_value;

/* Every register twice: by one name, so that what was written is read, with the register that lends itself least. */
struct round {
	u64 in, out[10], spsr, after[4];
};
void served_round(struct round *r);
asm(".pushsection .text.served, \"ax\"\n"
    ".global served_round\n"
    "served_round:\n"
    "	mov	x16, x0\n"
    "	ldr	x17, [x16]\n"
    "	mov	x0, x17\n"		/* x0 is written, and borrowed by the others */
    "	add	x1, x17, #1\n"
    "	add	x2, x17, #2\n"
    "	msr	tpidr_el2, x0\n"
    "	msr	vpidr_el2, x1\n"
    "	msr	tpidr_el1, x2\n"
    "	msr	far_el2, x1\n"
    "	msr	sp_el1, x2\n"
    "	mrs	x3, tpidr_el2\n"
    "	mrs	x4, vpidr_el2\n"
    "	mrs	x5, tpidr_el1\n"
    "	mrs	x6, far_el2\n"
    "	mrs	x7, sp_el1\n"
    "	msr	vpidr_el2, xzr\n"
    "	mrs	xzr, vpidr_el2\n"
    "	mrs	x8, vpidr_el2\n"
    "	stp	x3, x4, [x16, #8]\n"
    "	stp	x5, x6, [x16, #24]\n"
    "	stp	x7, x8, [x16, #40]\n"
    "	add	x3, x16, #96\n"
    "	stp	x0, x1, [x3]\n"
    "	stp	x2, x17, [x3, #16]\n"
    "	ret\n"
    ".popsection");

/* In 50 us and some ticks: time enough for some rounds under any hypervisor. */
static void next_interrupt(u64 ticks)
{
	u64 now = read_sysreg(cntpct_el0);

	write_sysreg(now + read_sysreg(cntfrq_el0) / 20000 + ticks, cnthp_cval_el2);
}

/* An interrupt's own accesses are of the same registers; what it finds is what it leaves. */
static bool interrupt(struct vcpu *ctx)
{
	u64 thread, guest;

	if (ctx->vec != VEC(GROUP_SPX, KIND_IRQ))
		return false;
	if (ctx->pc - (u64)_text_start >= (u64)(_text_end - _text_start))
		wrong_place++;
	thread = read_sysreg(tpidr_el2);
	guest = read_sysreg(tpidr_el1);
	write_sysreg(~0UL, tpidr_el2);
	write_sysreg(~1UL, tpidr_el1);
	if (read_sysreg(tpidr_el2) != ~0UL || read_sysreg(tpidr_el1) != ~1UL)
		wrong_value++;
	write_sysreg(thread, tpidr_el2);
	write_sysreg(guest, tpidr_el1);
	/* Once more after a time that is never the same. */
	taken++;
	next_interrupt(taken * 13 % 1021);
	write_sysreg(taken < INTERRUPTS, cnthp_ctl_el2);
	isb();
	gic_eoi(gic_ack());
	return true;
}

/* FAR_EL2 is an interrupt's to change, and so are the registers that an exception writes. */
static void compare(const struct round *r, u64 v)
{
	const u64 want[] = { v, v + 1, v + 2, v + 1, v + 2, 0 };
	const u64 after[] = { v, v + 1, v + 2, v };

	for (unsigned int i = 0; i < ARRAY_SIZE(want); i++)
		wrong_value += r->out[i] != want[i];
	for (unsigned int i = 0; i < ARRAY_SIZE(after); i++)
		wrong_value += r->after[i] != after[i];
}

/* What was written to SPSR_EL2 is what is read, mode by mode, and what an exception leaves there is EL2's. */
static void modes(void)
{
	static const u64 spsr[] = { SPSR_A, SPSR_B, PSR_EL0t, PSR_EL1t, PSR_EL2t,
				    0x10,   0xd,    0xe,      0x1e };

	for (unsigned int i = 0; i < ARRAY_SIZE(spsr); i++) {
		write_sysreg(spsr[i], spsr_el2);
		printf("SPSR_EL2 written %lx read %lx\n", spsr[i], read_sysreg(spsr_el2));
	}
	exc_arm(0);
	asm volatile("hvc #0x33");
	printf("after an exception: mode %lx\n", read_sysreg(spsr_el2) & 0x1f);
	printf("as it was taken: mode %lx\n", exc_take().pstate & 0x1f);
}

static void rounds(const char *name, bool forget)
{
	struct round r;

	taken = wrong_place = wrong_value = 0;
	next_interrupt(0);
	write_sysreg(1, cnthp_ctl_el2);
	isb();
	asm volatile("msr daifclr, #2");
	for (u64 v = 0x1234567800000001UL; taken < INTERRUPTS; v += 0x1000000010UL) {
		r.in = v;
		served_round(&r);
		compare(&r, v);
		/* Translations of this EL2 are gone: the next access is a walk, here or below. */
		if (forget && !(v & 0x70))
			asm volatile("tlbi alle2\n dsb nsh\n isb" : : : "memory");
	}
	asm volatile("msr daifset, #2");
	printf("%s: ", name);
	check_eq("interrupts elsewhere than in the program", wrong_place, 0);
	check_eq("wrong values", wrong_value, 0);
}

void guest_main(void)
{
	modes();
	gic_init();
	gic_enable(PPI_CNTHP);
	write_sysreg(read_sysreg(hcr_el2) | HCR_IMO | HCR_FMO | HCR_AMO, hcr_el2);
	isb();
	exc_set_hook(interrupt);
	rounds("MMU off", false);
	mmu_init_el2();
	rounds("MMU on", false);
	rounds("MMU on, with TLBIs", true);
}
