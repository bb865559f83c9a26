// SPDX-License-Identifier: GPL-2.0-only
/*
 * The walker of L1's stage 2: every granule and start level, every fault, random tables, any bytes.
 * As a fuzz target: clang -DFUZZ -fsanitize=fuzzer,address,undefined with the sources below.
 *
 * unit: harness/tests/unit/unit.c shadow/page_pool.c shadow/s2_walk.c -idirafter hyp/include -Ishadow
 */
#include "unit.h"

#include <s2.h>

#define MEM_SIZE 0x4000000ULL
#define AF BIT(10)
#define RW (BIT(6) | BIT(7))
#define WB (0xfULL << 2)
#define ISH (3ULL << 8)
#define LEAF_ATTR (AF | RW | WB | ISH)

static struct gmem mem;
static struct s2_mem_ops ops = { .read = gmem_read, .cmpxchg = gmem_cmpxchg, .ctx = &mem };

static const struct s2_caps full = {
	.pa_bits = 48, .tgran4 = true, .tgran16 = true, .tgran64 = true, .ttst = true, .xnx = true,
	.vmid16 = true, .ttl = true, .tlbirange = true,
};

/* What VTCR_EL2 says of a start level: the test's own table. */
static int level_of(unsigned int page_shift, unsigned int sl0)
{
	static const s8 four_k[4] = { 2, 1, 0, 3 }, other[4] = { 3, 2, 1, 0 };

	return page_shift == 12 ? four_k[sl0] : other[sl0];
}

static u64 vtcr_of(unsigned int page_shift, unsigned int ia_bits, unsigned int sl0, unsigned int ps)
{
	u64 tg0 = page_shift == 12 ? 0 : page_shift == 14 ? 2 : 1;

	return (64 - ia_bits) | sl0 << 6 | tg0 << 14 | (u64)ps << 16 | BIT(31);
}

static unsigned int ps_of(unsigned int bits)
{
	static const u8 sizes[] = { 32, 36, 40, 42, 44, 48, 52 };
	unsigned int ps = 0;

	while (sizes[ps] != bits)
		ps++;
	return ps;
}

static u64 leaf(const struct shape *s, u64 out, int level, u64 attr)
{
	return shape_addr(s, out) | attr | (level == 3 ? 3 : 1);
}

static bool block_level(const struct shape *s, int level)
{
	if (level == 3)
		return true;
	if (s->page_shift == 12)
		return level == 1 || level == 2;
	return level == 2;
}

static u64 clip(u64 addr, unsigned int bits)
{
	return addr & (BIT(bits) - 1);
}

static int go(u64 root, u64 vtcr, const struct s2_caps *caps, u64 ipa, u32 access,
	      struct s2_walk_result *res)
{
	struct s2_walk_info info = {
		.vttbr = root | 0x12ULL << 48 | 1, .vtcr = vtcr, .big_endian = mem.big_endian,
	};

	mem.reads = 0;
	return s2_walk(&info, caps, &ops, ipa, access, res);
}

#define EXPECT_FAULT(call, kind, lvl)         \
	do {                                  \
		CHECK_EQ((call), -EFAULT);    \
		CHECK_EQ(res.fault, (kind));  \
		CHECK_EQ((s64)res.level, (lvl)); \
	} while (0)

/* One shape: a leaf at each level that may have one, and every fault on the way. */
static void one_shape(struct shape *s, u64 vtcr, const struct s2_caps *caps, unsigned int oa)
{
	struct s2_walk_result res;

	for (int level = s->start_level; level <= 3; level++) {
		unsigned int shift = shape_shift(s, level);
		u64 ia = clip(rnd(), s->ia_bits), out = clip(rnd(), oa) >> shift << shift, at;

		gmem_reset(&mem);
		s->root = gmem_take(&mem, shape_root_size(s), 0x10000);
		at = shape_map(&mem, s, ia, level, leaf(s, out, level, LEAF_ATTR), 0);
		if (!block_level(s, level)) {
			EXPECT_FAULT(go(s->root, vtcr, caps, ia, S2_ACC_READ, &res),
				     S2_FAULT_TRANSLATION, level);
			continue;
		}
		CHECK_EQ(go(s->root, vtcr, caps, ia, S2_ACC_READ | S2_ACC_WRITE, &res), 0);
		CHECK_EQ(res.ipa, out | clip(ia, shift));
		CHECK_EQ(res.level, level);
		CHECK_EQ(res.shift, shift);
		CHECK_EQ(res.perm, S2_PERM_RWX);
		CHECK_EQ(res.memattr, 0xf);
		CHECK_EQ(res.sh, 3);
		CHECK_EQ(mem.reads, level - s->start_level + 1);

		mem.fail_at = at;
		EXPECT_FAULT(go(s->root, vtcr, caps, ia, S2_ACC_READ, &res), S2_FAULT_EXTERNAL,
			     level);
		mem.fail_at = ~0ULL;
		gmem_put(&mem, at, leaf(s, out, level, LEAF_ATTR & ~AF));
		EXPECT_FAULT(go(s->root, vtcr, caps, ia, S2_ACC_READ, &res), S2_FAULT_ACCESS_FLAG,
			     level);
		gmem_put(&mem, at, leaf(s, out, level, LEAF_ATTR) & ~1ULL);
		EXPECT_FAULT(go(s->root, vtcr, caps, ia, S2_ACC_READ, &res), S2_FAULT_TRANSLATION,
			     level);
		if (level == 3) {
			gmem_put(&mem, at, leaf(s, out, 2, LEAF_ATTR));
			EXPECT_FAULT(go(s->root, vtcr, caps, ia, 0, &res), S2_FAULT_TRANSLATION, 3);
		}
		if (oa < 48) {
			gmem_put(&mem, at, leaf(s, out | BIT(oa), level, LEAF_ATTR & ~AF));
			EXPECT_FAULT(go(s->root, vtcr, caps, ia, S2_ACC_READ, &res),
				     S2_FAULT_ADDRESS_SIZE, level);
		}
		if (level < 3 && oa < 48) {
			gmem_put(&mem, at, leaf(s, BIT(oa), 3, LEAF_ATTR));
			EXPECT_FAULT(go(s->root, vtcr, caps, ia, S2_ACC_READ, &res),
				     S2_FAULT_ADDRESS_SIZE, level);
			EXPECT_FAULT(go(s->root | BIT(oa), vtcr, caps, ia, S2_ACC_READ, &res),
				     S2_FAULT_ADDRESS_SIZE, 0);
		}
		if (s->ia_bits < 63)
			EXPECT_FAULT(go(s->root, vtcr, caps, ia | BIT(s->ia_bits), S2_ACC_READ,
					&res),
				     S2_FAULT_TRANSLATION, 0);
	}
}

/* All of VTCR_EL2: which combinations are tables, and that the others fault at level 0. */
static void all_shapes(void)
{
	static const u8 shifts[] = { 12, 14, 16 }, sizes[] = { 32, 36, 40, 42, 44, 48 };
	struct s2_walk_result res;
	unsigned int good = 0;

	for (unsigned int i = 0; i < ARRAY_SIZE(shifts) * ARRAY_SIZE(sizes) * 4 * 64; i++) {
		struct s2_caps caps = full;
		unsigned int oa = sizes[i / 768], sl0 = i / 3 % 4, tsz = i / 12 % 64;
		struct shape s = { .page_shift = shifts[i % 3], .ia_bits = 64 - tsz };
		unsigned int stride = s.page_shift - 3, low;
		u64 vtcr = vtcr_of(s.page_shift, s.ia_bits, sl0, ps_of(oa));
		bool ok;

		caps.pa_bits = sizes[below(6)] >= oa && one_in(2) ? 48 : (u8)oa;
		caps.ttst = one_in(2);
		s.start_level = level_of(s.page_shift, sl0);
		low = shape_shift(&s, s.start_level);
		ok = tsz <= (caps.ttst ? (s.page_shift == 16 ? 47 : 48) : 39) &&
		     s.ia_bits <= caps.pa_bits && s.ia_bits > low && s.ia_bits <= low + stride + 4;
		if (s.page_shift == 12) {
			ok &= !(sl0 == 2 && caps.pa_bits < 44) && !(sl0 == 3 && !caps.ttst);
		} else {
			ok &= sl0 != 3;
			ok &= !(sl0 == 2 && caps.pa_bits < (s.page_shift == 14 ? 42 : 44));
		}
		unit_case = ok ? "shape" : "no shape";
		if (ok) {
			good++;
			one_shape(&s, vtcr, &caps, oa);
		} else {
			EXPECT_FAULT(go(0, (vtcr & ~0x3fULL) | tsz, &caps, 0, S2_ACC_READ, &res),
				     S2_FAULT_TRANSLATION, 0);
			CHECK_EQ(mem.reads, 0);
		}
	}
	CHECK(good > 200);
}

/* A granule that is not offered is read as one that is. */
static void granules_not_offered(void)
{
	struct s2_caps caps = full;

	unit_case = "granule not offered";
	CHECK_EQ(s2_vtcr_granule_shift(0, &caps), 12);
	CHECK_EQ(s2_vtcr_granule_shift(1 << 14, &caps), 16);
	CHECK_EQ(s2_vtcr_granule_shift(2 << 14, &caps), 14);
	CHECK_EQ(s2_vtcr_granule_shift(3 << 14, &caps), 12);
	caps.tgran64 = caps.tgran16 = false;
	for (u64 tg = 0; tg < 4; tg++)
		CHECK_EQ(s2_vtcr_granule_shift(tg << 14, &caps), 12);
}

static void permissions(void)
{
	struct shape s = { .page_shift = 12, .ia_bits = 40, .start_level = 1 };
	u64 vtcr = vtcr_of(12, 40, 1, ps_of(40)), at;
	struct s2_walk_result res;

	unit_case = "permissions";
	gmem_reset(&mem);
	s.root = gmem_take(&mem, shape_root_size(&s), 0x10000);
	at = shape_map(&mem, &s, 0x5000, 3, 0, 0);
	for (unsigned int i = 0; i < 16 * 64 * 2; i++) {
		unsigned int ap = i & 3, xn = i >> 2 & 3;
		u32 access = i >> 4 & 31;
		struct s2_caps caps = full;
		bool r = ap & 1, w = ap & 2, px, ux, ok;

		caps.xnx = i >> 10;
		px = caps.xnx ? xn == 0 || xn == 3 : xn < 2;
		ux = caps.xnx ? xn == 0 || xn == 1 : xn < 2;
		gmem_put(&mem, at, leaf(&s, 0x7000, 3, AF | WB | ap << 6 | (u64)xn << 53));
		ok = !(access & S2_ACC_READ && !r) && !(access & S2_ACC_WRITE && !w);
		if (access & S2_ACC_EXEC)
			ok &= access & S2_ACC_EL0 ? ux : px;
		CHECK_EQ(go(s.root, vtcr, &caps, 0x5008, access, &res), ok ? 0 : -EFAULT);
		CHECK_EQ(res.fault, ok ? S2_FAULT_NONE : S2_FAULT_PERMISSION);
		CHECK_EQ(res.level, 3);
		CHECK_EQ(res.ipa, 0x7008);
		CHECK_EQ(res.perm, (r ? S2_PERM_R : 0) | (w ? S2_PERM_W : 0) |
					   (px ? S2_PERM_PX : 0) | (ux ? S2_PERM_UX : 0));
	}
}

/* HCR_EL2.PTW: stage-1 tables in Device memory. */
static void device_tables(void)
{
	struct shape s = { .page_shift = 12, .ia_bits = 40, .start_level = 1 };
	struct s2_walk_info info = { .vtcr = vtcr_of(12, 40, 1, ps_of(40)), .ptw = true };
	struct s2_walk_result res;
	u64 at;

	unit_case = "PTW";
	gmem_reset(&mem);
	info.vttbr = s.root = gmem_take(&mem, shape_root_size(&s), 0x10000);
	at = shape_map(&mem, &s, 0, 3, 0, 0);
	for (u64 attr = 0; attr < 16; attr++) {
		u32 access = S2_ACC_READ | S2_ACC_S1PTW;

		gmem_put(&mem, at, leaf(&s, 0x7000, 3, AF | RW | attr << 2));
		CHECK_EQ(s2_walk(&info, &full, &ops, 0, access, &res), attr < 4 ? -EFAULT : 0);
		CHECK_EQ(s2_walk(&info, &full, &ops, 0, S2_ACC_READ, &res), 0);
		info.ptw = false;
		CHECK_EQ(s2_walk(&info, &full, &ops, 0, access, &res), 0);
		info.ptw = true;
	}
}

static void hardware_updates(void)
{
	struct shape s = { .page_shift = 12, .ia_bits = 40, .start_level = 1 };
	u64 vtcr = vtcr_of(12, 40, 1, ps_of(40)), at;
	const u64 dbm = BIT(51), clean = AF | BIT(6) | WB;
	struct s2_caps caps = full;
	struct s2_walk_result res;

	gmem_reset(&mem);
	s.root = gmem_take(&mem, shape_root_size(&s), 0x10000);
	for (int be = 0; be < 2; be++) {
		unit_case = be ? "hardware AF and dirty, big-endian" : "hardware AF and dirty";
		gmem_reset(&mem);
		s.root = gmem_take(&mem, shape_root_size(&s), 0x10000);
		mem.big_endian = be;
		at = shape_map(&mem, &s, 0, 3, leaf(&s, 0x7000, 3, clean & ~AF), 0);
		/* VTCR_EL2.HA without the feature: an access flag fault, and nothing is written. */
		caps.hafdbs_af = caps.hafdbs_db = false;
		EXPECT_FAULT(go(s.root, vtcr | BIT(21), &caps, 0, S2_ACC_READ, &res),
			     S2_FAULT_ACCESS_FLAG, 3);
		caps.hafdbs_af = caps.hafdbs_db = true;
		EXPECT_FAULT(go(s.root, vtcr, &caps, 0, S2_ACC_READ, &res), S2_FAULT_ACCESS_FLAG,
			     3);
		CHECK_EQ(mem.writes, 0);
		CHECK_EQ(go(s.root, vtcr | BIT(21), &caps, 0, S2_ACC_READ, &res), 0);
		CHECK_EQ(gmem_get(&mem, at), leaf(&s, 0x7000, 3, clean));

		/* Dirty: only a write sets it, only with HD and DBM. */
		gmem_put(&mem, at, leaf(&s, 0x7000, 3, clean | dbm));
		EXPECT_FAULT(go(s.root, vtcr | BIT(21), &caps, 0, S2_ACC_WRITE, &res),
			     S2_FAULT_PERMISSION, 3);
		CHECK_EQ(go(s.root, vtcr | BIT(21) | BIT(22), &caps, 0, S2_ACC_READ, &res), 0);
		CHECK(!(res.perm & S2_PERM_W));
		CHECK_EQ(go(s.root, vtcr | BIT(21) | BIT(22), &caps, 0, S2_ACC_WRITE, &res), 0);
		CHECK(res.perm & S2_PERM_W);
		CHECK_EQ(gmem_get(&mem, at), leaf(&s, 0x7000, 3, clean | dbm | BIT(7)));
		gmem_put(&mem, at, leaf(&s, 0x7000, 3, clean));
		EXPECT_FAULT(go(s.root, vtcr | BIT(21) | BIT(22), &caps, 0, S2_ACC_WRITE, &res),
			     S2_FAULT_PERMISSION, 3);
	}
}

static void big_endian(void)
{
	struct shape s = { .page_shift = 16, .ia_bits = 42, .start_level = 2 };
	struct s2_walk_result res;

	unit_case = "big-endian tables";
	gmem_reset(&mem);
	mem.big_endian = true;
	s.root = gmem_take(&mem, shape_root_size(&s), 0x10000);
	shape_map(&mem, &s, 0x123450000, 3, leaf(&s, 0xabcd0000, 3, LEAF_ATTR), 0);
	CHECK_EQ(go(s.root, vtcr_of(16, 42, 1, ps_of(42)), &full, 0x123451238, S2_ACC_READ, &res),
		 0);
	CHECK_EQ(res.ipa, 0xabcd1238);
}

/* 52 bits: 64K, and 4K and 16K with DS. */
static void wide(void)
{
	static const struct {
		struct shape s;
		unsigned int sl0;
		u64 more;
		int leaf_level;
	} cases[] = {
		{ { .page_shift = 16, .ia_bits = 52, .start_level = 1, .oa52 = true }, 2, 0, 1 },
		{ { .page_shift = 16, .ia_bits = 52, .start_level = 1, .oa52 = true }, 2, 0, 3 },
		{ { .page_shift = 12, .ia_bits = 52, .start_level = -1, .ds = true },
		  0,
		  BIT(32) | BIT(33),
		  0 },
		{ { .page_shift = 12, .ia_bits = 52, .start_level = -1, .ds = true },
		  0,
		  BIT(32) | BIT(33),
		  3 },
		{ { .page_shift = 12, .ia_bits = 48, .start_level = 0, .ds = true },
		  2,
		  BIT(32),
		  1 },
		{ { .page_shift = 14, .ia_bits = 50, .start_level = 0, .ds = true },
		  3,
		  BIT(32),
		  1 },
		{ { .page_shift = 14, .ia_bits = 50, .start_level = 1, .ds = true },
		  2,
		  BIT(32),
		  2 },
	};
	struct s2_caps caps = full;
	struct s2_walk_result res;

	caps.pa_bits = 52;
	caps.ds = true;
	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		struct shape s = cases[i].s;
		int level = cases[i].leaf_level;
		unsigned int shift = shape_shift(&s, level);
		u64 ia = clip(~0ULL, s.ia_bits) - 0x1238, out = clip(0xa5a5a5a5a5a5a5a5, 52);
		u64 sh = s.ds ? 0 : ISH, vtcr;

		unit_case = "52 bits";
		out = out >> shift << shift;
		gmem_reset(&mem);
		s.root = gmem_take(&mem, shape_root_size(&s), 0x10000);
		shape_map(&mem, &s, ia, level, leaf(&s, out, level, AF | RW | WB | sh), 0);
		/* Under DS shareability is VTCR_EL2.SH0. */
		vtcr = vtcr_of(s.page_shift, s.ia_bits, cases[i].sl0, 6) | cases[i].more | 2 << 12;
		CHECK_EQ(go(s.root, vtcr, &caps, ia, S2_ACC_READ, &res), 0);
		CHECK_EQ(res.ipa, out | clip(ia, shift));
		CHECK_EQ((s64)res.level, level);
		CHECK_EQ(res.sh, s.ds ? 2 : 3);
		/* The start table's bits 51:48 are VTTBR_EL2's 5:2: it is not there. */
		EXPECT_FAULT(go(s.root | 4, vtcr, &caps, ia, S2_ACC_READ, &res), S2_FAULT_EXTERNAL,
			     s.start_level);
		/* Not offered: no 52 bits anywhere. */
		caps.pa_bits = 48;
		caps.ds = false;
		if (go(s.root, vtcr, &caps, ia, S2_ACC_READ, &res) == 0)
			CHECK(s.ia_bits <= 48 && !(res.ipa >> 48));
		caps.pa_bits = 52;
		caps.ds = true;
	}
}

static void fault_codes(void)
{
	unit_case = "fault status codes";
	CHECK_EQ(s2_fault_fsc(S2_FAULT_ADDRESS_SIZE, 0), 0x00);
	CHECK_EQ(s2_fault_fsc(S2_FAULT_ADDRESS_SIZE, -1), 0x29);
	CHECK_EQ(s2_fault_fsc(S2_FAULT_TRANSLATION, 0), 0x04);
	CHECK_EQ(s2_fault_fsc(S2_FAULT_TRANSLATION, 3), 0x07);
	CHECK_EQ(s2_fault_fsc(S2_FAULT_TRANSLATION, -1), 0x2b);
	CHECK_EQ(s2_fault_fsc(S2_FAULT_ACCESS_FLAG, 2), 0x0a);
	CHECK_EQ(s2_fault_fsc(S2_FAULT_PERMISSION, 1), 0x0d);
	CHECK_EQ(s2_fault_fsc(S2_FAULT_EXTERNAL, 2), 0x16);
	CHECK_EQ(s2_fault_fsc(S2_FAULT_EXTERNAL, -1), 0x13);
}

/* Random sets of leaves; what the list of them says is what the walker must say. */
static void random_tables(u64 rounds)
{
	static const struct {
		struct shape s;
		unsigned int sl0;
	} shapes[] = {
		{ { .page_shift = 12, .ia_bits = 40, .start_level = 1 }, 1 },
		{ { .page_shift = 12, .ia_bits = 48, .start_level = 0 }, 2 },
		{ { .page_shift = 12, .ia_bits = 32, .start_level = 2 }, 0 },
		{ { .page_shift = 14, .ia_bits = 40, .start_level = 2 }, 1 },
		{ { .page_shift = 14, .ia_bits = 47, .start_level = 1 }, 2 },
		{ { .page_shift = 16, .ia_bits = 40, .start_level = 2 }, 1 },
		{ { .page_shift = 16, .ia_bits = 48, .start_level = 1 }, 2 },
	};
	struct {
		u64 ia, out, attr;
		int level;
	} list[24];

	unit_case = "random tables";
	while (rounds--) {
		unsigned int k = (unsigned int)below(ARRAY_SIZE(shapes)), n = 0;
		struct shape s = shapes[k].s;
		u64 vtcr = vtcr_of(s.page_shift, s.ia_bits, shapes[k].sl0, 5);
		u64 area = rnd();

		gmem_reset(&mem);
		mem.big_endian = one_in(4);
		s.root = gmem_take(&mem, shape_root_size(&s), 0x10000);
		for (unsigned int tries = 0; tries < 200 && n < ARRAY_SIZE(list); tries++) {
			int level = 3 - (int)below(3), got;
			u64 ia = clip(one_in(2) ? rnd() : area ^ below(BIT(27)), s.ia_bits);
			u64 attr = (rnd() & (BIT(6) | BIT(7) | BIT(53) | BIT(54) | WB | ISH)) | AF;
			unsigned int shift;

			if (!block_level(&s, level) || level < s.start_level)
				continue;
			shift = shape_shift(&s, level);
			got = level;
			/* Where a leaf or a table already is, leave it. */
			if (gmem_get(&mem, shape_find(&mem, &s, ia, &got)) & 1)
				continue;
			list[n].ia = ia >> shift << shift;
			list[n].out = clip(rnd(), 48) >> shift << shift;
			list[n].level = level;
			list[n].attr = attr;
			shape_map(&mem, &s, ia, level, leaf(&s, list[n].out, level, attr), 0);
			n++;
		}
		for (unsigned int i = 0; i < 200; i++) {
			u64 ia =
				clip(one_in(3) ? rnd() : list[below(n ? n : 1)].ia + below(BIT(22)),
				     s.ia_bits);
			struct s2_walk_result res;
			unsigned int hit = n;

			for (unsigned int j = 0; j < n; j++) {
				unsigned int shift = shape_shift(&s, list[j].level);

				if (list[j].ia >> shift == ia >> shift)
					hit = j;
			}
			CHECK_EQ(go(s.root, vtcr, &full, ia, 0, &res), hit < n ? 0 : -EFAULT);
			CHECK_EQ(res.fault, hit < n ? S2_FAULT_NONE : S2_FAULT_TRANSLATION);
			if (hit == n)
				continue;
			CHECK_EQ(res.ipa, list[hit].out + (ia - list[hit].ia));
			CHECK_EQ(res.level, list[hit].level);
			CHECK_EQ(res.memattr, list[hit].attr >> 2 & 15);
			CHECK_EQ(res.sh, list[hit].attr >> 8 & 3);
		}
	}
}

/* Any registers, any memory: bounded reads, and a result that makes sense. */
int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct { u64 vttbr, vtcr, ipa; u32 access, flags; } in;
	struct s2_walk_result res;
	struct s2_walk_info info;
	struct s2_caps caps;
	u8 offered;
	int ret;

	if (size < sizeof(in))
		return 0;
	if (!mem.mem)
		gmem_init(&mem, 0, MEM_SIZE);
	memcpy(&in, data, sizeof(in));
	memcpy(mem.mem, data + sizeof(in),
	       size - sizeof(in) < 0x20000 ? size - sizeof(in) : 0x20000);
	offered = (u8)(in.flags >> 8);
	caps = (struct s2_caps){
		.pa_bits = in.flags & 1 ? 52 : in.flags & 2 ? 48 : 40, .tgran4 = offered & 1,
		.tgran16 = offered & 2, .tgran64 = !(offered & 3) || offered & 4,
		.ds = offered & 8, .ttst = offered & 16, .xnx = offered & 32,
		.hafdbs_af = offered & 64, .hafdbs_db = offered & 128,
	};
	info = (struct s2_walk_info){
		.vttbr = in.vttbr, .vtcr = in.vtcr, .big_endian = in.flags & 4, .ptw = in.flags & 8,
	};
	mem.reads = 0;
	ret = s2_walk(&info, &caps, &ops, in.ipa, in.access & 31, &res);
	CHECK(mem.reads <= 5);
	CHECK((ret == 0) == (res.fault == S2_FAULT_NONE));
	CHECK(res.level >= -1 && res.level <= 3);
	if (!ret) {
		CHECK(res.shift >= 12 && res.shift <= 42);
		CHECK(res.ipa >> caps.pa_bits == 0);
		CHECK_EQ((res.ipa ^ in.ipa) & (BIT(res.shift) - 1), 0);
	}
	return 0;
}

#ifndef FUZZ
static void random_bytes(u64 rounds)
{
	static u8 data[0x10000];

	unit_case = "random bytes";
	while (rounds--) {
		u64 *w = (u64 *)(void *)data;
		unsigned int words = 4 + (unsigned int)below(2000);

		for (unsigned int i = 0; i < words; i++) {
			/* Mostly descriptors that lead somewhere. */
			w[i] = rnd();
			if (i >= 4 && !one_in(3))
				w[i] = (w[i] & 0x1f000) | LEAF_ATTR | (one_in(8) ? rnd() & 3 : 3);
		}
		if (one_in(2))
			w[0] &= 0x1f000;
		if (!one_in(3))
			w[1] = (w[1] & ~0x3fULL) | (16 + below(24));
		if (!one_in(3))
			w[2] &= BIT(20 + below(29)) - 1;
		LLVMFuzzerTestOneInput(data, words * 8);
	}
}

int main(int argc, char **argv)
{
	u64 rounds = unit_args(argc, argv, 400);

	gmem_init(&mem, 0, MEM_SIZE);
	fault_codes();
	granules_not_offered();
	all_shapes();
	permissions();
	device_tables();
	hardware_updates();
	big_endian();
	wide();
	random_tables(rounds);
	gmem_reset(&mem);
	random_bytes(rounds * 100);
	gmem_free(&mem);
	return 0;
}
#endif
