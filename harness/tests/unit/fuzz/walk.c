// SPDX-License-Identifier: GPL-2.0-only
/*
 * The walkers of L1's tables, and AT, over memory that another CPU changes all the while: each read gets the next
 * word of the input. They end, after so many reads as the architecture's levels allow, with a result that it knows.
 *
 * unit: harness/tests/unit/unit.c shadow/s1_walk.c shadow/s2_walk.c shadow/at.c -idirafter hyp/include
 */
#include "fuzz.h"

#include <at.h>

/* Five levels, each leaf at most eight times; and a walk of stage 2 for each table of stage 1's five and its output. */
#define S2_READS (5 * 8)
#define S1_READS (6 * S2_READS + 5)

static struct input *memory;
static unsigned int reads;

static int read_word(void *ctx, ipa_t addr, u64 *val)
{
	(void)ctx;
	CHECK_EQ(addr % 8, 0);
	reads++;
	*val = take(memory, 8);
	/* One that no hardware makes of a valid descriptor stands for memory that is not there. */
	return *val == 0xbad0bad0bad0bad1 ? -EFAULT : 0;
}

static int cmpxchg_word(void *ctx, ipa_t addr, u64 old, u64 new)
{
	static const int says[4] = { 0, 0, -EAGAIN, -EFAULT };

	(void)ctx;
	CHECK(addr % 8 == 0 && old != new);
	return says[take(memory, 1) & 3];
}

static struct at_ctx context(struct input *in)
{
	static const u8 pa_bits[] = { 32, 36, 40, 42, 44, 48, 52, 48 };
	u32 caps = (u32)take(in, 4);
	struct at_ctx c = {
		.s2 = { .pa_bits = pa_bits[caps & 7],
			.tgran4 = caps >> 3 & 1,
			.tgran16 = caps >> 4 & 1,
			.tgran64 = true,
			.ds = caps >> 5 & 1,
			.ttst = caps >> 6 & 1,
			.xnx = caps >> 7 & 1,
			.hafdbs_af = caps >> 8 & 1,
			.hafdbs_db = caps >> 9 & 1 },
		.s1 = { .tgran4 = caps >> 10 & 1,
			.tgran16 = caps >> 11 & 1,
			.tgran64 = true,
			.ds = caps >> 12 & 1,
			.lva = caps >> 13 & 1,
			.hpds = caps >> 14 & 1,
			.e0pd = caps >> 15 & 1,
			.pan = caps >> 16 & 1,
			.pan3 = caps >> 17 & 1,
			.hafdbs_af = caps >> 18 & 1,
			.hafdbs_db = caps >> 19 & 1,
			.nv = caps >> 20 & 1 },
		.mem = { .read = read_word, .cmpxchg = caps >> 21 & 1 ? NULL : cmpxchg_word },
	};
	u64 *regs[] = { &c.regs.hcr,	   &c.regs.vttbr,     &c.regs.vtcr,	 &c.regs.sctlr_el1,
			&c.regs.tcr_el1,   &c.regs.ttbr0_el1, &c.regs.ttbr1_el1, &c.regs.mair_el1,
			&c.regs.sctlr_el2, &c.regs.tcr_el2,   &c.regs.ttbr0_el2, &c.regs.ttbr1_el2,
			&c.regs.mair_el2 };

	for (unsigned int i = 0; i < ARRAY_SIZE(regs); i++)
		*regs[i] = take(in, 8);
	c.regs.pan = caps >> 22 & 1;
	return c;
}

static void check_s2(const struct at_ctx *c, l2ipa_t ipa, u32 access, bool big_endian)
{
	const struct s2_walk_info info = { .vttbr = c->regs.vttbr, .vtcr = c->regs.vtcr,
					   .big_endian = big_endian, .ptw = c->regs.hcr & BIT(2) };
	struct s2_walk_result r;

	reads = 0;
	if (s2_walk(&info, &c->s2, &c->mem, ipa, access, &r)) {
		CHECK(r.fault > S2_FAULT_NONE && r.fault <= S2_FAULT_EXTERNAL);
		CHECK(r.level >= -1 && r.level <= 3 && s2_fault_fsc(r.fault, r.level) < 64);
	} else {
		CHECK(r.level >= 0 && r.level <= 3 && r.shift >= 12 && r.shift < 48 && r.perm < 16);
		CHECK(!(r.ipa >> c->s2.pa_bits) && !((r.ipa ^ ipa) & (BIT(r.shift) - 1)));
	}
	CHECK(reads <= S2_READS);
}

static void check_s1(const struct at_ctx *c, enum s1_regime regime, va_t va, u32 access)
{
	struct s1_walk_result r;

	reads = 0;
	if (s1_walk(c, regime, va, access & 15, c->regs.pan, &r)) {
		CHECK(r.fault > S2_FAULT_NONE && r.fault <= S2_FAULT_EXTERNAL);
		CHECK(r.level >= -1 && r.level <= 3 && (!r.s1ptw || r.s2));
	} else {
		CHECK(r.shift >= 12 && r.shift < 48);
		CHECK(r.mmu_off || !(r.pa >> c->s2.pa_bits));
		CHECK(r.mmu_off || !((r.pa ^ va) & (BIT(r.shift) - 1)));
	}
	CHECK(reads <= S1_READS);
}

static void check_at(const struct at_ctx *c, u32 sys, va_t va)
{
	struct at_result r;
	int ret;

	reads = 0;
	ret = at_emulate(c, sys, va, &r);
	CHECK(ret == 0 || ret == -EFAULT || ret == -EINVAL);
	CHECK(reads <= S1_READS + S2_READS);
	if (ret)
		return;
	/* R_PAR: bit 11 is RES1, F is bit 0; of a fault FST, of none the address. */
	CHECK(r.par & BIT(11));
	if (!(r.par & 1))
		CHECK(!((r.par & GENMASK_ULL(51, 12)) >>
			(c->s2.pa_bits > 48 ? 52 : c->s2.pa_bits)));
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static const u32 ops[] = { AT_S1E1R,  AT_S1E1W,	 AT_S1E0R,  AT_S1E0W,  AT_S1E1RP, AT_S1E1WP,
				   AT_S1E2R,  AT_S1E2W,	 AT_S12E1R, AT_S12E1W, AT_S12E0R, AT_S12E0W };
	struct input in = { data, data + size };
	struct at_ctx c = context(&in);
	u64 what = take(&in, 2), va = take(&in, 8);

	memory = &in;
	switch (what & 3) {
	case 0:
		check_s2(&c, va, what >> 2 & 31, what >> 8 & 1);
		break;
	case 1:
		check_s1(&c, (what >> 8) % 3, va, what >> 2 & 15);
		break;
	case 2:
		check_at(&c, ops[(what >> 2) % ARRAY_SIZE(ops)], va);
		break;
	default:
		check_at(&c, what >> 2 & 0x3fff, va);
	}
	return 0;
}
