// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whoever is below has other guests, and this one does nothing to anybody: for so many milliseconds (ms=) its memory
 * stays as it left it, and no interrupt comes, though it waits for all.
 */
#include "gic.h"
#include "l2.h"

#define RAM		0x40000000UL
#define RAM_END		0x50000000UL
#define EDGE		0x400000UL	/* at both ends all words are looked at, in between some of each page */
#define SOME		128UL
#define NSPIS		256

static u64 interrupts, first;

/* Not what anything else in memory looks like, and no instruction. */
static u64 pattern(u64 at)
{
	return at * 0x9e3779b97f4a7c15UL >> 16;
}

static bool count(struct vcpu *ctx)
{
	unsigned int intid;

	if ((ctx->vec & 3) != KIND_IRQ)
		return false;
	intid = gic_ack();
	if (!interrupts++)
		first = intid;
	gic_eoi(intid);
	return true;
}

static void listen(void)
{
	for (unsigned int i = 0; i < 32; i++)
		gic_enable(i);
	for (unsigned int i = 32; i < 32 + NSPIS; i++)
		gic_enable(i);
	exc_set_hook(count);
	asm volatile("msr daifclr, #2" : : : "memory");
}

/* Words that are not what they were; @fill: make them so. */
static u64 visit(bool fill)
{
	u64 start = ALIGN_UP((u64)_end, SZ_2M) + SZ_2M, bad = 0;	/* behind the tables */

	for (u64 at = start; at < RAM_END; at += sizeof(u64)) {
		if (at >= start + EDGE && at < RAM_END - EDGE && at % SZ_4K == SOME)
			at += SZ_4K - SOME;
		if (fill)
			*(volatile u64 *)at = pattern(at);
		else
			bad += *(volatile u64 *)at != pattern(at);
	}
	return bad;
}

/* A stage 2 of its own, too. */
L2_ASM(do_load, "ldr x0, [x0]")

void guest_main(void)
{
	u64 end = read_sysreg(cntpct_el0) +
		  arg_u64("ms", 50) * (read_sysreg(cntfrq_el0) / 1000), bad = 0;

	mmu_init_el2();
	gic_init_el2();
	l2_init();
	visit(true);
	listen();
	do {
		bad += visit(false);
		bad += l2_call(do_load, RAM_END - 8, 0) != pattern(RAM_END - 8);
	} while (read_sysreg(cntpct_el0) < end);
	asm volatile("msr daifset, #2" : : : "memory");
	check_eq("words that changed", bad, 0);
	check_eq("interrupts", interrupts, 0);
	if (interrupts)
		printf("the first is %lu\n", first);
}
