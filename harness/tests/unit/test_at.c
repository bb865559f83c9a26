// SPDX-License-Identifier: GPL-2.0-only
/*
 * AT and the stage-1 walker: regimes, granules, permissions against a table, faults, both stages, PAR_EL1.
 *
 * unit: harness/tests/unit/unit.c shadow/s2_walk.c shadow/s1_walk.c shadow/at.c -idirafter hyp/include
 */
#include "unit.h"

#include <at.h>

#define MEM_SIZE 0x4000000ULL

#define AF BIT(10)
#define NG BIT(11)
#define ISH (3ULL << 8)
#define AP_EL0 BIT(6)
#define AP_RO BIT(7)
#define PXN BIT(53)
#define UXN BIT(54)
#define DBM BIT(51)
#define ATTR(n) ((u64)(n) << 2)

#define HCR_VM BIT(0)
#define HCR_PTW BIT(2)
#define HCR_DC BIT(12)
#define HCR_TGE BIT(27)
#define HCR_CD BIT(32)
#define HCR_E2H BIT(34)
#define HCR_NV BIT(42)
#define HCR_NV1 BIT(43)
#define SCTLR_M BIT(0)
#define SCTLR_C BIT(2)
#define SCTLR_WXN BIT(19)
#define SCTLR_EE BIT(25)
#define SCTLR_EPAN BIT(57)

/* MAIR: 0 Device-nGnRnE, 1 Device-GRE, 2 NC, 3 WB, 4 WT, 5 tagged, 6 WT outer WB inner, 7 Device-nGnRE */
#define MAIR 0x04bff0bbff440c00ULL

static struct gmem mem;
static struct at_ctx ctx;

static void fresh(void)
{
	gmem_reset(&mem);
	ctx = (struct at_ctx){
		.regs = { .sctlr_el1 = SCTLR_M | SCTLR_C,
			  .sctlr_el2 = SCTLR_M | SCTLR_C,
			  .mair_el1 = MAIR,
			  .mair_el2 = MAIR },
		.s1 = { .tgran4 = true,
			.tgran16 = true,
			.tgran64 = true,
			.hpds = true,
			.e0pd = true,
			.pan = true,
			.pan3 = true },
		.s2 = { .pa_bits = 48,
			.tgran4 = true,
			.tgran16 = true,
			.tgran64 = true,
			.xnx = true },
		.mem = { .read = gmem_read, .ctx = &mem },
	};
}

static u64 at(u32 sys, u64 va)
{
	struct at_result res;

	mem.reads = 0;
	CHECK_EQ(at_emulate(&ctx, sys, va, &res), 0);
	return res.par;
}

static u64 good(u64 pa, u8 attr, u8 sh)
{
	return BIT(11) | BIT(9) | (pa & 0xffffffffff000ULL) | (u64)attr << 56 | (u64)sh << 7;
}

static u64 bad(u8 fst, bool s, bool ptw)
{
	return BIT(11) | 1 | (u64)fst << 1 | (s ? BIT(9) : 0) | (ptw ? BIT(8) : 0);
}

/* ---- regimes ---- */

struct kind {
	const char *name;
	u64 hcr;
	u32 read, write;
	bool el1; /* registers of EL1 */
	bool high;
	bool single;
};

static const struct kind kinds[] = {
	{ "EL1&0 low", 0, AT_S1E1R, AT_S1E1W, true, false, false },
	{ "EL1&0 high", HCR_E2H, AT_S1E1R, AT_S1E1W, true, true, false },
	{ "EL1&0 low, S12", HCR_TGE & 0, AT_S12E1R, AT_S12E1W, true, false, false },
	{ "EL2&0 low", HCR_E2H, AT_S1E2R, AT_S1E2W, false, false, false },
	{ "EL2&0 high", HCR_E2H, AT_S1E2R, AT_S1E2W, false, true, false },
	{ "EL2&0 as EL1", HCR_E2H | HCR_TGE, AT_S1E1R, AT_S1E1W, false, true, false },
	{ "EL2&0 as S12", HCR_E2H | HCR_TGE | HCR_VM, AT_S12E1R, AT_S12E1W, false, false, false },
	{ "EL2", 0, AT_S1E2R, AT_S1E2W, false, false, true },
	{ "EL2 with TGE", HCR_TGE, AT_S1E2R, AT_S1E2W, false, false, true },
};

/* TCR for a shape: 40 bits of output. */
static u64 tcr_of(const struct kind *k, const struct shape *s, unsigned int ps)
{
	static const u8 tg0[] = { [12] = 0, [14] = 2, [16] = 1 },
			tg1[] = { [12] = 2, [14] = 1, [16] = 3 };
	u64 tsz = 64 - s->ia_bits;

	if (k->single)
		return tsz | (u64)tg0[s->page_shift] << 14 | (u64)ps << 16;
	/* The other range is always something else. */
	if (k->high)
		return tsz << 16 | (u64)tg1[s->page_shift] << 30 | (u64)ps << 32 | 25 | 1 << 7;
	return tsz | (u64)tg0[s->page_shift] << 14 | (u64)ps << 32 | 33 << 16 | 2ULL << 30 |
	       1 << 23;
}

static void use(const struct kind *k, const struct shape *s, unsigned int ps)
{
	u64 tcr = tcr_of(k, s, ps), root = s->root | 0x77ULL << 48 | 1;

	unit_case = k->name;
	ctx.regs.hcr = k->hcr;
	ctx.regs.tcr_el1 = k->el1 ? tcr : ~tcr & 0xffffffff;
	ctx.regs.tcr_el2 = k->el1 ? ~tcr & 0xffffffff : tcr;
	ctx.regs.ttbr0_el1 = k->el1 && !k->high ? root : 0xdead000;
	ctx.regs.ttbr1_el1 = k->el1 && k->high ? root : 0xdead000;
	ctx.regs.ttbr0_el2 = !k->el1 && !k->high ? root : 0xdead000;
	ctx.regs.ttbr1_el2 = !k->el1 && k->high ? root : 0xdead000;
}

static u64 in_range(const struct kind *k, u64 va, unsigned int bits)
{
	va &= BIT(bits) - 1;
	return k->high ? va | ~(BIT(bits) - 1) : va;
}

static int first_level(unsigned int page_shift, unsigned int ia_bits)
{
	int level = 3;

	for (unsigned int bits = page_shift; bits + page_shift - 3 < ia_bits; level--)
		bits += page_shift - 3;
	return level;
}

static bool leaf_level(unsigned int page_shift, int level)
{
	return level == 3 || level == 2 || (level == 1 && page_shift == 12);
}

/* One leaf at one level of one shape: success, and every fault of the walk. */
static void one_leaf(const struct kind *k, struct shape *s, int level)
{
	unsigned int shift = shape_shift(s, level), oa = 40;
	u64 va, out = rnd() & (BIT(oa) - 1), slot, attr = AF | NG | ISH | ATTR(3);
	u64 type = level == 3 ? 3 : 1;

	fresh();
	s->root = gmem_take(&mem, shape_root_size(s) < 64 ? 64 : shape_root_size(s), 0x10000);
	use(k, s, 2);
	va = in_range(k, rnd(), s->ia_bits);
	out = out >> shift << shift;
	slot = shape_map(&mem, s, va & (BIT(s->ia_bits) - 1), level, out | attr | type, 0);
	if (!leaf_level(s->page_shift, level)) {
		CHECK_EQ(at(k->read, va), bad((u8)(4 | level), false, false));
		return;
	}
	CHECK_EQ(at(k->read, va), good(out | (va & (BIT(shift) - 1)), 0xff, 3));
	CHECK_EQ(at(k->write, va), good(out | (va & (BIT(shift) - 1)), 0xff, 3));
	CHECK_EQ(mem.reads, level - s->start_level + 1);
	gmem_put(&mem, slot, out | attr | AP_RO | type);
	CHECK_EQ(at(k->read, va) & 1, 0);
	CHECK_EQ(at(k->write, va), bad((u8)(0xc | level), false, false));
	gmem_put(&mem, slot, (out | attr | type) & ~AF);
	CHECK_EQ(at(k->read, va), bad((u8)(8 | level), false, false));
	gmem_put(&mem, slot, (out | attr | type) & ~1ULL);
	CHECK_EQ(at(k->read, va), bad((u8)(4 | level), false, false));
	gmem_put(&mem, slot, out | BIT(oa) | type);
	CHECK_EQ(at(k->read, va), bad((u8)level, false, false));
	if (level < 3) {
		gmem_put(&mem, slot, BIT(oa) | 3);
		CHECK_EQ(at(k->read, va), bad((u8)level, false, false));
	} else {
		gmem_put(&mem, slot, out | attr | 1);
		CHECK_EQ(at(k->read, va), bad(7, false, false));
	}
	struct at_result res;

	mem.fail_at = slot;
	CHECK_EQ((s64)at_emulate(&ctx, k->read, va, &res), -EFAULT);
	CHECK_EQ(res.fsc, 0x14 | level);
	CHECK(!res.s2);
	mem.fail_at = ~0ULL;
	/* Not a canonical address of the range. */
	CHECK_EQ(at(k->read, va ^ BIT(s->ia_bits)), bad(4, false, false));
	CHECK_EQ(at(k->read, va ^ BIT(63)), bad(4, false, false));
	CHECK_EQ(mem.reads, 0);
}

static void regimes(void)
{
	static const u8 shifts[] = { 12, 14, 16 };

	for (unsigned int i = 0; i < ARRAY_SIZE(kinds); i++) {
		for (unsigned int j = 0; j < 3; j++) {
			for (unsigned int bits = 25; bits <= 48; bits++) {
				struct shape s = { .page_shift = shifts[j], .ia_bits = bits };

				s.start_level = first_level(s.page_shift, bits);
				for (int level = s.start_level; level <= 3; level++)
					one_leaf(&kinds[i], &s, level);
			}
		}
	}
}

/* ---- a small EL1&0 and EL2&0 world for the rest ---- */

static struct shape small = { .page_shift = 12, .ia_bits = 39, .start_level = 1 };

static u64 world(const struct kind *k, u64 va, u64 desc, u64 table_bits)
{
	fresh();
	small.root = gmem_take(&mem, 4096, 4096);
	use(k, &small, 2);
	return shape_map(&mem, &small, va & (BIT(39) - 1), 3, desc, table_bits);
}

/* All of the permission bits. The expected result is written as the architecture's tables read. */
static void permissions(void)
{
	static const struct { u32 sys; bool write, el0, pan; } ops[] = {
		{ AT_S1E1R, false, false, false }, { AT_S1E1W, true, false, false },
		{ AT_S1E0R, false, true, false },  { AT_S1E0W, true, true, false },
		{ AT_S1E1RP, false, false, true }, { AT_S1E1WP, true, false, true },
	};

	for (unsigned int i = 0; i < 1 << 12; i++) {
		bool ro = i & 1, user = i & 2, uxn = i & 4, ro_table = i & 8, no_el0 = i & 16;
		bool hpd = i & 32, epan = i & 64, pan = i & 128, uxn_table = i & 256;
		bool el2 = i & 512, wxn = i & 1024;
		const struct kind *k = &kinds[el2 ? 5 : 1];
		u64 va = ~0ULL << 39 | 0x5000, sctlr = SCTLR_M | SCTLR_C;
		u64 desc = 0x7000 | AF | 3 | ATTR(3) | (ro ? AP_RO : 0) | (user ? AP_EL0 : 0) |
			   (uxn ? UXN : 0);

		world(k, va, desc, (ro_table ? BIT(62) : 0) | (no_el0 ? BIT(61) : 0) |
					   (uxn_table ? BIT(60) : 0));
		unit_case = "permissions";
		sctlr |= (epan ? SCTLR_EPAN : 0) | (wxn ? SCTLR_WXN : 0);
		ctx.regs.sctlr_el1 = ctx.regs.sctlr_el2 = sctlr;
		ctx.regs.pan = pan;
		if (hpd)
			*(el2 ? &ctx.regs.tcr_el2 : &ctx.regs.tcr_el1) |= BIT(42);
		ctx.s1.hpds = !(i & 2048);
		if (!ctx.s1.hpds)
			hpd = false;
		for (unsigned int j = 0; j < ARRAY_SIZE(ops); j++) {
			bool w = !ro && !(ro_table && !hpd);
			bool u = user && !(no_el0 && !hpd);
			bool ux = !uxn && !(uxn_table && !hpd) && !(wxn && u && w);
			bool ok = ops[j].el0 ? u && (w || !ops[j].write) : w || !ops[j].write;

			if (ops[j].pan && pan && (u || (epan && ux)))
				ok = false;
			CHECK_EQ(at(ops[j].sys, va), ok ? good(0x7000, 0xff, 2 & 0) :
							  bad(0x0f, false, false));
		}
	}
}

/* Execution, which no AT asks for. */
static void execution(void)
{
	for (unsigned int i = 0; i < 1 << 7; i++) {
		bool ro = i & 1, user = i & 2, uxn = i & 4, pxn = i & 8, wxn = i & 16, el2 = i & 32;
		bool nv1 = !el2 && (i & 64);
		const struct kind *k = &kinds[el2 ? 7 : 0];
		struct s1_walk_result res;
		bool uw, px, ux;

		world(k, 0x5000, 0x7000 | AF | 3 | (ro ? AP_RO : 0) | (user ? AP_EL0 : 0) |
					 (uxn ? UXN : 0) | (pxn ? PXN : 0), 0);
		unit_case = "execution";
		ctx.regs.sctlr_el1 = ctx.regs.sctlr_el2 = SCTLR_M | (wxn ? SCTLR_WXN : 0);
		ctx.s1.nv = nv1;
		ctx.regs.hcr |= HCR_NV | HCR_NV1;
		CHECK_EQ(s1_walk(&ctx, el2 ? S1_EL2 : S1_EL10, 0x5000, 0, false, &res), 0);
		uw = user && !ro && !nv1 && !el2;
		if (el2)
			px = !uxn, ux = false;
		else if (nv1)
			px = !uxn, ux = true;
		else
			px = !pxn && !uw, ux = !uxn;
		px &= !(wxn && !ro);
		ux &= !(wxn && uw);
		CHECK_EQ(res.px, px);
		CHECK_EQ(res.ux, ux);
		CHECK_EQ(res.ur, user && !nv1 && !el2);
		CHECK_EQ(s1_walk(&ctx, el2 ? S1_EL2 : S1_EL10, 0x5000, S1_ACC_EXEC, true, &res),
			 px ? 0 : -EFAULT);
		CHECK_EQ(s1_walk(&ctx, el2 ? S1_EL2 : S1_EL10, 0x5000, S1_ACC_EXEC | S1_ACC_EL0,
				 true, &res),
			 ux ? 0 : -EFAULT);
	}
}

static void ranges_and_tags(void)
{
	const struct kind *lo = &kinds[0], *hi = &kinds[1], *el2 = &kinds[7];

	world(lo, 0x5000, 0x7000 | AF | ISH | ATTR(3) | 3, 0);
	unit_case = "tags";
	CHECK_EQ(at(AT_S1E1R, 0xab00000000005123), bad(4, false, false));
	ctx.regs.tcr_el1 |= BIT(37);
	CHECK_EQ(at(AT_S1E1R, 0xab00000000005123), good(0x7000, 0xff, 3));
	CHECK_EQ(at(AT_S1E1R, 0xab40000000005123), bad(4, false, false));
	unit_case = "EPD0";
	ctx.regs.tcr_el1 |= BIT(7);
	CHECK_EQ(at(AT_S1E1R, 0x5123), bad(4, false, false));
	ctx.regs.tcr_el1 &= ~BIT(7);
	unit_case = "E0PD0";
	gmem_put(&mem, shape_map(&mem, &small, 0x5000, 3, 0, 0),
		 0x7000 | AF | AP_EL0 | ATTR(3) | 3);
	ctx.regs.tcr_el1 |= BIT(55);
	CHECK_EQ(at(AT_S1E1R, 0x5123) & 1, 0);
	CHECK_EQ(at(AT_S1E0R, 0x5123), bad(4, false, false));
	ctx.s1.e0pd = false;
	CHECK_EQ(at(AT_S1E0R, 0x5123) & 1, 0);

	world(hi, 0x5000, 0x7000 | AF | AP_EL0 | ISH | ATTR(3) | 3, 0);
	unit_case = "TBI1, E0PD1";
	ctx.regs.tcr_el1 |= BIT(38) | BIT(56);
	CHECK_EQ(at(AT_S1E1R, 0x00ffff8000005000), good(0x7000, 0xff, 3));
	CHECK_EQ(at(AT_S1E0R, 0x00ffff8000005000), bad(4, false, false));

	world(el2, 0x5000, 0x7000 | AF | ISH | ATTR(3) | 3, 0);
	unit_case = "one range";
	CHECK_EQ(at(AT_S1E2R, ~0ULL << 39 | 0x5000), bad(4, false, false));
	CHECK_EQ(at(AT_S1E2R, 0xff00000000005000), bad(4, false, false));
	ctx.regs.tcr_el2 |= BIT(20);
	CHECK_EQ(at(AT_S1E2R, 0xff00000000005000), good(0x7000, 0xff, 3));

	unit_case = "T0SZ";
	for (u64 tsz = 0; tsz < 64; tsz++) {
		for (int ttst = 0; ttst < 2; ttst++) {
			bool ok = tsz >= 16 && tsz <= (ttst ? 48 : 39);

			world(lo, 0, 0, 0);
			ctx.s2.ttst = ttst;
			ctx.regs.tcr_el1 = (ctx.regs.tcr_el1 & ~0x3fULL) | tsz;
			ctx.regs.ttbr0_el1 = 0;
			at(AT_S1E1R, 0);
			CHECK_EQ(mem.reads != 0, ok);
		}
	}
	unit_case = "start table too high";
	world(lo, 0x5000, 0x7000 | AF | 3, 0);
	ctx.regs.ttbr0_el1 |= BIT(41);
	CHECK_EQ(at(AT_S1E1R, 0x5000), bad(0, false, false));
}

static void mmu_off(void)
{
	fresh();
	unit_case = "stage 1 off";
	ctx.regs.sctlr_el1 = ctx.regs.sctlr_el2 = 0;
	CHECK_EQ(at(AT_S1E1W, 0x123456789abc), good(0x123456789000, 0, 2));
	CHECK_EQ(at(AT_S1E0R, 0x123456789abc), good(0x123456789000, 0, 2));
	CHECK_EQ(at(AT_S1E2R, 0x123456789abc), good(0x123456789000, 0, 2));
	CHECK_EQ(at(AT_S12E1R, 0x123456789abc), good(0x123456789000, 0, 2));
	CHECK_EQ(at(AT_S1E1R, BIT(48)), bad(0, false, false));
	CHECK_EQ(at(AT_S1E1R, 0x5500000000001000), bad(0, false, false));
	ctx.regs.tcr_el1 = BIT(37);
	CHECK_EQ(at(AT_S1E1R, 0x5500000000001000), good(0x1000, 0, 2));
	ctx.s2.pa_bits = 40;
	CHECK_EQ(at(AT_S1E1R, BIT(40)), bad(0, false, false));
	CHECK_EQ(mem.reads, 0);
	unit_case = "stage 1 off by TGE or DC";
	ctx.regs.sctlr_el1 = ctx.regs.sctlr_el2 = SCTLR_M;
	ctx.regs.hcr = HCR_TGE;
	CHECK_EQ(at(AT_S1E1R, 0x1000), good(0x1000, 0, 2));
	ctx.regs.hcr = HCR_DC;
	CHECK_EQ(at(AT_S1E1R, 0x1000), good(0x1000, 0xff, 0));
	CHECK_EQ(mem.reads, 0);
}

static void attributes(void)
{
	/* Index, SCTLR.C, SH -> attr, SH. */
	static const struct { u8 index; bool c; u8 sh, attr, want_sh; } cases[] = {
		{ 0, true, 3, 0x00, 2 }, { 1, true, 0, 0x0c, 2 }, { 2, true, 3, 0x44, 2 },
		{ 3, true, 3, 0xff, 3 }, { 3, true, 2, 0xff, 2 }, { 3, true, 0, 0xff, 0 },
		{ 3, true, 1, 0xff, 0 }, { 4, true, 3, 0xbb, 3 }, { 5, true, 3, 0xf0, 3 },
		{ 6, true, 3, 0xbf, 3 }, { 7, true, 3, 0x04, 2 }, { 3, false, 3, 0x44, 2 },
		{ 7, false, 3, 0x04, 2 }, { 6, false, 0, 0x44, 2 },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		for (unsigned int j = 0; j < ARRAY_SIZE(kinds); j++) {
			const struct kind *k = &kinds[j];
			u64 va = in_range(k, 0x5000, 39);

			world(k, va, 0x7000 | AF | 3 | ATTR(cases[i].index) | (u64)cases[i].sh << 8,
			      0);
			if (!cases[i].c)
				*(k->el1 ? &ctx.regs.sctlr_el1 : &ctx.regs.sctlr_el2) = SCTLR_M;
			*(k->el1 ? &ctx.regs.mair_el2 : &ctx.regs.mair_el1) = 0;
			CHECK_EQ(at(k->read, va), good(0x7000, cases[i].attr, cases[i].want_sh));
		}
	}
}

/* ---- two stages ---- */

static struct shape second = { .page_shift = 12, .ia_bits = 40, .start_level = 1 };

#define S2_LEAF(out, attr) ((out) | 3 | AF | BIT(6) | BIT(7) | (u64)(attr) << 2 | ISH)

/* VA 0x5000 -> IPA 0x80007000 -> 0x9000; stage 1's tables are where IPA and address differ by this. */
#define TABLES 0x40000000ULL

static void two_stages(u64 s1_leaf, u64 s2_leaf)
{
	world(&kinds[0], 0x5000, s1_leaf, 0);
	for (int level = 1; level < 3; level++) {
		u64 slot = level == 1 ? small.root : (gmem_get(&mem, small.root) & 0xffff000);

		gmem_put(&mem, slot, gmem_get(&mem, slot) + TABLES);
	}
	ctx.regs.ttbr0_el1 += TABLES;
	second.root = gmem_take(&mem, 0x2000, 0x2000);
	ctx.regs.hcr = HCR_VM;
	ctx.regs.vttbr = second.root;
	ctx.regs.vtcr = 24 | 1 << 6 | 2 << 16;
	shape_map(&mem, &second, TABLES, 2, S2_LEAF(0, 0xf) & ~2ULL, 0);
	shape_map(&mem, &second, 0x80007000, 3, s2_leaf, 0);
}

static void both_stages(void)
{
	const u64 leaf = 0x80007000 | AF | 3 | ATTR(3) | ISH;
	struct at_result res;
	u64 slot;

	unit_case = "both stages";
	two_stages(leaf, S2_LEAF(0x9000, 0xf));
	unit_case = "both stages";
	CHECK_EQ(at(AT_S12E1R, 0x5123), good(0x9000, 0xff, 3));
	CHECK_EQ(at(AT_S12E1W, 0x5123), good(0x9000, 0xff, 3));
	CHECK_EQ(at(AT_S12E0R, 0x5123), bad(0xf, false, false));
	/* Stage 1 alone gives an IPA, but reads its tables through stage 2. */
	CHECK_EQ(at(AT_S1E1R, 0x5123), good(0x80007000, 0xff, 3));
	CHECK_EQ(mem.reads, 3 + 3 * 2);
	/* {E2H,TGE} == {1,1} is another regime. */
	ctx.regs.hcr = HCR_VM | HCR_E2H | HCR_TGE;
	ctx.regs.sctlr_el2 = 0;
	CHECK_EQ(at(AT_S12E1R, 0x5123), good(0x5000, 0, 2));
	ctx.regs.hcr = HCR_DC;
	CHECK_EQ(at(AT_S12E1R, 0x80007123), good(0x9000, 0xff, 3));
	CHECK_EQ(at(AT_S1E1R, 0x80007123), good(0x80007000, 0xff, 0));

	unit_case = "stage-2 faults of the output";
	two_stages(leaf, 0);
	CHECK_EQ(at(AT_S12E1R, 0x5123), bad(7, true, false));
	CHECK_EQ(at(AT_S1E1R, 0x5123) & 1, 0);
	two_stages(leaf, S2_LEAF(0x9000, 0xf) & ~BIT(7));
	CHECK_EQ(at(AT_S12E1R, 0x5123) & 1, 0);
	CHECK_EQ(at(AT_S12E1W, 0x5123), bad(0xf, true, false));
	two_stages(leaf, S2_LEAF(0x9000, 0xf) & ~AF);
	CHECK_EQ(at(AT_S12E1R, 0x5123), bad(0xb, true, false));
	two_stages(leaf, S2_LEAF(BIT(40), 0xf));
	CHECK_EQ(at(AT_S12E1R, 0x5123), bad(3, true, false));
	two_stages(leaf | BIT(39), S2_LEAF(0x9000, 0xf));
	CHECK_EQ(at(AT_S12E1R, 0x5123), bad(5, true, false));

	unit_case = "stage-2 faults of a stage-1 table";
	for (unsigned int write = 0; write < 2; write++) {
		two_stages(leaf, S2_LEAF(0x9000, 0xf));
		gmem_put(&mem, shape_map(&mem, &second, TABLES, 2, 0, 0), 0);
		CHECK_EQ(at(write ? AT_S1E1W : AT_S1E1R, 0x5123), bad(6, true, true));
		CHECK_EQ(at(write ? AT_S12E1W : AT_S12E1R, 0x5123), bad(6, true, true));
		/* A table is read, whatever the access: read permission, no more. */
		shape_map(&mem, &second, TABLES, 2, (S2_LEAF(0, 0xf) & ~2ULL) & ~BIT(7), 0);
		CHECK_EQ(at(write ? AT_S12E1W : AT_S12E1R, 0x5123) & 1, 0);
		shape_map(&mem, &second, TABLES, 2, (S2_LEAF(0, 0xf) & ~2ULL) & ~BIT(6), 0);
		CHECK_EQ(at(write ? AT_S12E1W : AT_S12E1R, 0x5123), bad(0xe, true, true));
	}
	unit_case = "stage-1 tables in Device memory";
	two_stages(leaf, S2_LEAF(0x9000, 0xf));
	shape_map(&mem, &second, TABLES, 2, S2_LEAF(0, 1) & ~2ULL, 0);
	CHECK_EQ(at(AT_S1E1R, 0x5123) & 1, 0);
	ctx.regs.hcr |= HCR_PTW;
	CHECK_EQ(at(AT_S1E1R, 0x5123), bad(0xe, true, true));
	CHECK_EQ(at(AT_S12E1R, 0x5123), bad(0xe, true, true));

	unit_case = "external aborts of stage 2";
	two_stages(leaf, S2_LEAF(0x9000, 0xf));
	slot = 3;
	mem.fail_at = second.root + 8;
	CHECK_EQ((s64)at_emulate(&ctx, AT_S1E1R, 0x5123, &res), -EFAULT);
	CHECK(res.s2 && res.fsc == 0x15);
	mem.fail_at = shape_find(&mem, &second, 0x80007000, &(int){ (int)slot });
	CHECK_EQ(at(AT_S1E1R, 0x5123) & 1, 0);
	CHECK_EQ((s64)at_emulate(&ctx, AT_S12E1R, 0x5123, &res), -EFAULT);
	CHECK(res.s2 && res.fsc == 0x17);
}

static void combined_attributes(void)
{
	/* MAIR index, MemAttr of stage 2, HCR_EL2.CD -> attr, SH with Inner Shareable in both. */
	static const struct { u8 index, s2; bool cd; u8 attr, sh; } cases[] = {
		{ 3, 0xf, false, 0xff, 3 }, { 3, 0x5, false, 0x44, 2 }, { 3, 0xa, false, 0xbb, 3 },
		{ 3, 0x7, false, 0x4f, 3 }, { 3, 0xd, false, 0xf4, 3 }, { 3, 0x0, false, 0x00, 2 },
		{ 3, 0x1, false, 0x04, 2 }, { 3, 0x3, false, 0x0c, 2 }, { 1, 0xf, false, 0x0c, 2 },
		{ 1, 0x1, false, 0x04, 2 }, { 7, 0x3, false, 0x04, 2 }, { 2, 0xf, false, 0x44, 2 },
		{ 4, 0xf, false, 0xbb, 3 }, { 6, 0xf, false, 0xbf, 3 }, { 6, 0xa, false, 0xbb, 3 },
		{ 5, 0xf, false, 0xf0, 3 }, { 5, 0xa, false, 0xbb, 3 }, { 5, 0x5, false, 0x44, 2 },
		{ 3, 0xf, true, 0x44, 2 },  { 7, 0xf, true, 0x04, 2 },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		two_stages(0x80007000 | AF | 3 | ATTR(cases[i].index) | ISH,
			   S2_LEAF(0x9000, cases[i].s2));
		unit_case = "combined attributes";
		ctx.regs.hcr |= cases[i].cd ? HCR_CD : 0;
		CHECK_EQ(at(AT_S12E1R, 0x5000), good(0x9000, cases[i].attr, cases[i].sh));
	}
	unit_case = "combined shareability";
	for (unsigned int i = 0; i < 16; i++) {
		static const u8 want[4][4] = { { 0, 0, 2, 3 }, { 0, 0, 2, 3 },
					       { 2, 2, 2, 2 }, { 3, 3, 2, 3 } };

		two_stages(0x80007000 | AF | 3 | ATTR(3) | (u64)(i & 3) << 8,
			   (S2_LEAF(0x9000, 0xf) & ~ISH) | (u64)(i >> 2) << 8);
		CHECK_EQ(at(AT_S12E1R, 0x5000), good(0x9000, 0xff, want[i & 3][i >> 2]));
	}
}

/* ---- the rest ---- */

static void endianness(void)
{
	const struct kind *k = &kinds[0];

	unit_case = "big-endian stage 1";
	fresh();
	mem.big_endian = true;
	small.root = gmem_take(&mem, 4096, 4096);
	use(k, &small, 2);
	shape_map(&mem, &small, 0x5000, 3, 0x7000 | AF | 3 | ATTR(3), 0);
	ctx.regs.sctlr_el1 |= SCTLR_EE;
	CHECK_EQ(at(AT_S1E1R, 0x5000), good(0x7000, 0xff, 0));
	unit_case = "big-endian stage 2, little-endian stage 1";
	two_stages(0, 0);
	mem.big_endian = true;
	second.root = gmem_take(&mem, 0x2000, 0x2000);
	ctx.regs.vttbr = second.root;
	ctx.regs.hcr = HCR_DC;
	ctx.regs.sctlr_el2 |= SCTLR_EE;
	shape_map(&mem, &second, 0x80007000, 3, S2_LEAF(0x9000, 0xf), 0);
	CHECK_EQ(at(AT_S12E1R, 0x80007123), good(0x9000, 0xff, 3));
}

static void hardware_updates(void)
{
	const struct kind *k = &kinds[0];

	world(k, 0x5000, 0x7000 | 3 | ATTR(3) | AP_RO | DBM, 0);
	unit_case = "HA, HD";
	ctx.regs.tcr_el1 |= BIT(39) | BIT(40);
	CHECK_EQ(at(AT_S1E1R, 0x5000), bad(0xb, false, false));
	ctx.s1.hafdbs_af = true;
	CHECK_EQ(at(AT_S1E1R, 0x5000), good(0x7000, 0xff, 0));
	CHECK_EQ(at(AT_S1E1W, 0x5000), bad(0xf, false, false));
	ctx.s1.hafdbs_db = true;
	CHECK_EQ(at(AT_S1E1W, 0x5000), good(0x7000, 0xff, 0));
	ctx.regs.tcr_el1 &= ~BIT(40);
	CHECK_EQ(at(AT_S1E1W, 0x5000), bad(0xf, false, false));
}

static void wide(void)
{
	struct shape lva = { .page_shift = 16, .ia_bits = 52, .start_level = 1, .oa52 = true };
	struct shape ds = { .page_shift = 12, .ia_bits = 52, .start_level = -1, .ds = true };
	const struct kind *k = &kinds[0];
	u64 va = 0xf123456789000;

	fresh();
	ctx.s2.pa_bits = 52;
	lva.root = gmem_take(&mem, 0x10000, 0x10000);
	use(k, &lva, 6);
	unit_case = "52 bits with 64K";
	shape_map(&mem, &lva, va, 3, shape_addr(&lva, 0xa5a5a5a5a0000) | AF | 3 | ATTR(3) | ISH, 0);
	CHECK_EQ(at(AT_S1E1R, va), bad(4, false, false));
	ctx.s1.lva = true;
	CHECK_EQ(at(AT_S1E1R, va), good(0xa5a5a5a5a9000, 0xff, 3));

	fresh();
	ctx.s2.pa_bits = 52;
	ds.root = gmem_take(&mem, 0x1000, 0x1000);
	use(k, &ds, 6);
	unit_case = "52 bits with DS";
	ctx.regs.tcr_el1 |= BIT(59) | 3 << 12;
	shape_map(&mem, &ds, va, 3, shape_addr(&ds, 0xea5a5a5a5a000) | AF | 3 | ATTR(3), 0);
	CHECK_EQ(at(AT_S1E1R, va), bad(4, false, false));
	ctx.s1.ds = true;
	CHECK_EQ(at(AT_S1E1R, va), good(0xea5a5a5a5a000, 0xff, 3));
	gmem_put(&mem, ds.root + 8 * (va >> 48), 0);
	CHECK_EQ(at(AT_S1E1R, va), bad(0x2b, false, false));
}

static void instructions(void)
{
	struct at_result res;

	fresh();
	unit_case = "instructions";
	ctx.regs.sctlr_el1 = ctx.regs.sctlr_el2 = 0;
	for (u32 sys = 0; sys < 1 << 14; sys++) {
		unsigned int op1 = sys >> 11, crn = sys >> 7 & 15, crm = sys >> 3 & 15,
			     op2 = sys & 7;
		bool pan = op1 == 0 && crn == 7 && crm == 9 && op2 < 2, ok = pan;

		ok |= crn == 7 && crm == 8 && op1 == 0 && op2 < 4;
		ok |= crn == 7 && crm == 8 && op1 == 4 && op2 != 2 && op2 != 3;
		ctx.s1.pan = true;
		CHECK_EQ((s64)at_emulate(&ctx, sys, 0, &res), ok ? 0 : -EINVAL);
		ctx.s1.pan = false;
		CHECK_EQ((s64)at_emulate(&ctx, sys, 0, &res), ok && !pan ? 0 : -EINVAL);
	}
}

/* Any registers and memory: it ends, with a PAR_EL1 of the right form or an external abort. */
static void random_state(u64 rounds)
{
	static const u32 ops[] = { AT_S1E1R, AT_S1E0W, AT_S1E1RP, AT_S1E2W, AT_S12E1W, AT_S12E0R };

	unit_case = "random state";
	fresh();
	while (rounds--) {
		u64 *regs = (u64 *)(void *)&ctx.regs;
		struct at_result res;
		int ret;

		if (one_in(50)) {
			for (unsigned int i = 0; i < 0x8000; i++) {
				u64 desc = (rnd() & 0x3f000) | (one_in(6) ? rnd() : AF | 3);

				gmem_put(&mem, i * 8, desc);
			}
			mem.next = 0x40000;
		}
		for (unsigned int i = 0; i < offsetof(struct at_regs, pan) / 8; i++)
			regs[i] = one_in(3) ? rnd() : rnd() & 0x3f03f;
		ctx.regs.sctlr_el1 |= one_in(2);
		ctx.regs.sctlr_el2 |= one_in(2);
		ctx.s2.pa_bits = one_in(2) ? 48 : one_in(2) ? 52 : 40;
		ctx.s1.ds = ctx.s2.ds = one_in(2);
		ctx.s1.lva = one_in(2);
		ctx.s2.ttst = one_in(2);
		mem.reads = 0;
		ret = at_emulate(&ctx, ops[below(6)], one_in(2) ? rnd() : below(BIT(40)), &res);
		CHECK(mem.reads <= 6 * 5 + 5);
		if (ret) {
			CHECK_EQ((s64)ret, -EFAULT);
			CHECK((res.fsc & 0x3c) == 0x14 || res.fsc == 0x13);
		} else {
			CHECK(res.par & BIT(11));
			CHECK(!(res.par & 1) || !(res.par >> 10 & ~2ULL));
		}
	}
}

int main(int argc, char **argv)
{
	u64 rounds = unit_args(argc, argv, 100000);

	gmem_init(&mem, 0, MEM_SIZE);
	regimes();
	permissions();
	execution();
	ranges_and_tags();
	mmu_off();
	attributes();
	both_stages();
	combined_attributes();
	endianness();
	hardware_updates();
	wide();
	instructions();
	random_state(rounds);
	gmem_free(&mem);
	return 0;
}
