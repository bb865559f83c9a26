// SPDX-License-Identifier: GPL-2.0-only
/*
 * TLBIs of L1's on a modelled machine: the encodings, the VMIDs they reach, and that afterwards neither a
 * shadow table nor a TLB has anything that L1 took away.
 *
 * unit: harness/tests/unit/unit.c harness/tests/unit/l1_model.c harness/tests/unit/tlb_model.c shadow/page_pool.c shadow/s1_walk.c shadow/s2_walk.c shadow/s2_table.c shadow/s2_mmu.c shadow/s2_fault.c shadow/s2_tlbi.c -idirafter hyp/include -Ishadow
 */
#include "l1_model.h"

#include "s2_hw.h"

#define TLBI(op1, crm, op2) S2_SYS(op1, 8, crm, op2)
#define IPAS2E1IS TLBI(4, 0, 1)
#define RIPAS2E1IS TLBI(4, 0, 2)
#define VMALLS12E1IS TLBI(4, 3, 6)
#define ALLE1IS TLBI(4, 3, 4)
#define ALLE2IS TLBI(4, 3, 0)
#define VAE2IS TLBI(4, 3, 1)
#define VALE2IS TLBI(4, 3, 5)
#define RVAE2IS TLBI(4, 2, 1)
#define VMALLE1IS TLBI(0, 3, 0)
#define VAE1IS TLBI(0, 3, 1)
#define VAALE1IS TLBI(0, 3, 7)
#define RVAAE1IS TLBI(0, 2, 3)

/* The encodings: every one of the architecture's, and nothing else. */
static void encodings(void)
{
	static const char *const e1 = "0123.5.7", *const e1r = ".1.3.5.7", *const none = "........";
	static const char *const e2 = "01..456.", *const e2r = ".1...5..";
	const char *const rows[2][8] = {
		{ none, e1, e1r, e1, none, e1r, e1r, e1 },
		{ ".12..56.", e2, e2r, e2, "01234567", e2r, e2r, e2 },
	};
	struct s2_guest g = { 0 };

	unit_case = "TLBI encodings";
	for (int range = 0; range < 2; range++) {
		l1_start(0, 2, 48);
		vm.cfg.caps.tlbirange = range;
		for (u32 sys = 0; sys < 1 << 14; sys++) {
			unsigned int op1 = sys >> 11, crn = sys >> 7 & 15, crm = sys >> 3 & 15;
			unsigned int op2 = sys & 7;
			bool ok = (op1 == 0 || op1 == 4) && (crn == 8 || crn == 9) && crm < 8 &&
				  rows[op1 / 4][crm][op2] != '.';
			bool is_range = op1 == 0 || (crm != 0 && crm != 4) ?
						crm == 2 || crm == 5 || crm == 6 :
						op2 == 2 || op2 == 6 || (crm == 4 && (op2 == 3 ||
										      op2 == 7));

			if (is_range && !range)
				ok = false;
			CHECK_EQ(s2_emulate_tlbi(&vm, &g, sys, 0), ok ? 0 : -EINVAL);
		}
	}
}

static void stage1_ops(void)
{
	struct stage2 x;
	struct s2_guest g, v;
	struct s2_mmu *mmu, *off, *other;
	u64 before;

	unit_case = "stage-1 TLBIs";
	l1_start(0, 4, 48);
	x = l1_stage2(12, 40, 1, 7);
	g = l1_guest(&x);
	mmu = lookup_s2_mmu(&vm, &g);
	v = g;
	v.hcr = 0;
	off = lookup_s2_mmu(&vm, &v);
	x.vmid = 8;
	v = l1_guest(&x);
	other = lookup_s2_mmu(&vm, &v);
	CHECK(mmu && off && other);

	/* TGE clear: EL1&0 of that VMID, with and without a stage 2. */
	tlb_reset();
	CHECK_EQ(s2_emulate_tlbi(&vm, &g, VAE1IS, 0x1234000000055555), 0);
	CHECK_EQ(tlb_stats.stage1, 2);
	CHECK_EQ(tlb_stats.last_vttbr >> 48, off->vmid);
	CHECK_EQ(tlb_stats.last_op2, S2_HW_VAE1);
	CHECK_EQ(tlb_stats.last_val, 0x1234000000055555);
	/* {E2H,TGE} == {1,1}: vEL2's own regime, nothing else. */
	v = g;
	v.hcr |= HCR_E2H | HCR_TGE;
	tlb_reset();
	CHECK_EQ(s2_emulate_tlbi(&vm, &v, VMALLE1IS, 0), 0);
	CHECK_EQ(tlb_stats.stage1, 1);
	CHECK_EQ(tlb_stats.last_vttbr, vm.canonical.hw_vttbr);
	CHECK_EQ(s2_emulate_tlbi(&vm, &v, RVAAE1IS, 0x123), 0);
	CHECK(tlb_stats.last_range);
	CHECK_EQ(tlb_stats.last_op2, S2_HW_VAAE1);
	/* EL2: with E2H by ASID, without for all ASIDs. */
	CHECK_EQ(s2_emulate_tlbi(&vm, &v, VAE2IS, 0x0012000000000345), 0);
	CHECK_EQ(tlb_stats.last_op2, S2_HW_VAE1);
	CHECK_EQ(tlb_stats.last_val, 0x0012000000000345);
	CHECK_EQ(s2_emulate_tlbi(&vm, &g, VALE2IS, 0x0012000000000345), 0);
	CHECK_EQ(tlb_stats.last_op2, S2_HW_VAALE1);
	CHECK_EQ(tlb_stats.last_val, 0x345);
	CHECK_EQ(tlb_stats.last_vttbr, vm.canonical.hw_vttbr);
	CHECK_EQ(s2_emulate_tlbi(&vm, &g, RVAE2IS, 0x345), 0);
	CHECK(tlb_stats.last_range && tlb_stats.last_op2 == S2_HW_VAAE1);
	CHECK_EQ(s2_emulate_tlbi(&vm, &g, ALLE2IS, 0x345), 0);
	CHECK_EQ(tlb_stats.last_op2, S2_HW_VMALLE1);
	/* 8-bit VMIDs: the upper byte does not count. */
	v = g;
	v.vtcr &= ~BIT(19);
	v.vttbr |= 0x55ULL << 56;
	before = tlb_stats.stage1;
	CHECK_EQ(s2_emulate_tlbi(&vm, &v, VAALE1IS, 0), 0);
	CHECK_EQ(tlb_stats.stage1 - before, 2);
	before = tlb_stats.stage1;
	s2_flush_guest_stage1(&vm);
	CHECK_EQ(tlb_stats.stage1 - before, 3);
	CHECK_EQ(s2_emulate_tlbi_vel1(other, VAE1IS, 5), 0);
	CHECK_EQ(tlb_stats.last_vttbr, other->hw_vttbr);
	CHECK_EQ((s64)s2_emulate_tlbi_vel1(other, ALLE1IS, 5), -EINVAL);
}

/*
 * The coverage model. L1 keeps a list of what it has mapped for a guest; the guest touches pages; L1 takes
 * leaves away and invalidates them in one of the architecture's ways. Afterwards whatever is in a table of
 * ours or in the TLB must still be what L1's list says.
 */
struct mapping {
	u64 ia, out;
	int level;
	bool live;
};

#define MAPPINGS 48

struct world {
	struct stage2 x[2];
	struct s2_mmu *mmu[2];
	struct s2_guest g[2];
	struct mapping map[2][MAPPINGS];
};

static bool allows(const struct world *w, unsigned int i, u64 ia, u64 pa)
{
	for (unsigned int k = 0; k < MAPPINGS; k++) {
		const struct mapping *m = &w->map[i][k];
		unsigned int shift;

		if (!m->live)
			continue;
		shift = shape_shift(&w->x[i].s, m->level);
		if (m->ia >> shift == ia >> shift)
			return pa == m->out + (ia - m->ia) + 0x600000;
	}
	return false;
}

static void nothing_stale(const struct world *w)
{
	for (size_t e = 0; e < tlb_count(); e++) {
		const struct tlb_entry *t = tlb_entry(e);

		for (unsigned int i = 0; i < 2; i++) {
			if (t->vmid == w->mmu[i]->hw_vttbr >> 48)
				CHECK(allows(w, i, t->page << 12, t->pa));
		}
	}
	for (unsigned int i = 0; i < 2; i++) {
		for (u64 ia = 0; ia < 3 * SZ_1G; ia += one_in(50) ? 0x1000 : 0x200000) {
			struct tlb_entry t;
			unsigned int shift;

			if (tlb_walk(w->mmu[i]->hw_vttbr, w->mmu[i]->hw_vtcr, ia, &t, &shift))
				CHECK(allows(w, i, ia, t.pa));
		}
	}
}

static void add_mapping(struct world *w, unsigned int i)
{
	struct mapping *m = &w->map[i][below(MAPPINGS)];
	const struct shape *s = &w->x[i].s;
	int level = one_in(2) ? 3 : 2, got;
	unsigned int shift = shape_shift(s, level);
	u64 at;

	if (m->live || shift > 29)
		return;
	m->ia = (one_in(2) ? below(3 * SZ_1G) : below(BIT(23))) >> shift << shift;
	m->level = got = level;
	m->out = FAR_IPA + (below(FAR_SIZE) >> shift << shift);
	at = shape_find(&ram, s, m->ia, &got);
	if ((gmem_get(&ram, at) & 1))
		return;
	l1_map(&w->x[i], m->ia, level, m->out, ATTR);
	m->live = true;
}

static u64 ttl_of(const struct shape *s, int level)
{
	u64 tg = s->page_shift == 12 ? 1 : s->page_shift == 14 ? 2 : 3;

	return tg << 2 | (u64)level;
}

/* Takes some leaves away and invalidates them as L1 may. */
static void take_away(struct world *w, unsigned int i)
{
	const struct shape *s = &w->x[i].s;
	unsigned int way = (unsigned int)below(6), n = way < 2 ? 1 : 1 + (unsigned int)below(6);
	u64 lo = ~0ULL, hi = 0, mem_vmid = w->g[i].vttbr;

	(void)mem_vmid;
	for (unsigned int tries = 0; tries < 200 && n; tries++) {
		struct mapping *m = &w->map[i][below(MAPPINGS)];
		unsigned int shift = shape_shift(s, m->level);
		int got = m->level;
		u64 inside, val;

		if (!m->live)
			continue;
		n--;
		m->live = false;
		gmem_put(&ram, shape_find(&ram, s, m->ia, &got), 0);
		CHECK_EQ(got, m->level);
		/* Any address of the leaf will do. */
		inside = m->ia + (below(BIT(shift)) >> s->page_shift << s->page_shift);
		val = inside >> 12;
		if (way == 0)
			val |= ttl_of(s, m->level) << 44;
		if (way < 2)
			CHECK_EQ(s2_emulate_tlbi(&vm, &w->g[i],
						 one_in(2) ? IPAS2E1IS : TLBI(4, 4, 5), val),
				 0);
		lo = inside < lo ? inside : lo;
		hi = inside > hi ? inside : hi;
	}
	if (lo > hi)
		return;
	if (way == 2 || way == 3) {
		/* Ranges of up to (NUM + 1) << (5 * SCALE + 1) pages until all is covered. */
		u64 tg = s->page_shift == 12 ? 1 : s->page_shift == 14 ? 2 : 3;

		while (lo <= hi) {
			u64 pages = ((hi - lo) >> s->page_shift) + 1;
			unsigned int scale = (unsigned int)below(4);
			u64 unit = 1ULL << (5 * scale + 1), num = pages / unit;

			num = num > 32 ? 32 : num ? num : 1;
			CHECK_EQ(s2_emulate_tlbi(&vm, &w->g[i],
						 one_in(2) ? RIPAS2E1IS : TLBI(4, 4, 6),
						 tg << 46 | (u64)scale << 44 | (num - 1) << 39 |
							 lo >> s->page_shift), 0);
			lo += num * unit << s->page_shift;
		}
	} else if (way == 4) {
		CHECK_EQ(s2_emulate_tlbi(&vm, &w->g[i], VMALLS12E1IS, 0), 0);
	} else if (way == 5) {
		CHECK_EQ(s2_emulate_tlbi(&vm, &w->g[1 - i], ALLE1IS, 0), 0);
	}
}

static void coverage(u64 rounds)
{
	static const struct { unsigned int page_shift, ia_bits; int start; } shapes[] = {
		{ 12, 40, 1 }, { 12, 33, 1 }, { 14, 40, 2 }, { 16, 40, 2 }, { 12, 44, 0 },
	};

	for (u64 r = 0; r < rounds; r++) {
		static struct world w;
		unsigned int kind = (unsigned int)below(ARRAY_SIZE(shapes));

		unit_case = "TLBI coverage";
		memset(&w, 0, sizeof(w));
		/* Sometimes a budget so small that tables come and go meanwhile. */
		l1_start(one_in(3) ? 12 : 0, 4, 48);
		vm.cfg.caps.ttl = !one_in(3);
		/* Sometimes all of L0's mappings are pages: many shadow leaves for one of L1's. */
		for (unsigned int i = 0; i < 2; i++) {
			w.x[i] = l1_stage2(shapes[kind].page_shift, shapes[kind].ia_bits,
					   shapes[kind].start, 20 + i);
			w.g[i] = l1_guest(&w.x[i]);
			w.mmu[i] = lookup_s2_mmu(&vm, &w.g[i]);
		}
		for (unsigned int step = 0; step < 120; step++) {
			unsigned int i = (unsigned int)below(2);
			struct mapping *m = &w.map[i][below(MAPPINGS)];

			switch (below(10)) {
			case 0:
				take_away(&w, i);
				nothing_stale(&w);
				break;
			case 1:
			case 2:
			case 3:
				add_mapping(&w, i);
				break;
			default:
				if (m->live)
					l2_touch(w.mmu[i],
						 m->ia + below(BIT(
								 shape_shift(&w.x[i].s, m->level))),
						 S2_ACC_READ);
			}
		}
		/* L1 remaps in place after every one of these: nothing may be left by VMID. */
		CHECK_EQ(s2_emulate_tlbi(&vm, &w.g[0], VMALLS12E1IS, 0), 0);
		for (size_t e = 0; e < tlb_count(); e++)
			CHECK(tlb_entry(e)->vmid != w.mmu[0]->hw_vttbr >> 48);
		CHECK_EQ(w.mmu[0]->table.leaves, 0);
	}
}

/* A block of L1's that the shadow holds in pieces: no hint, and an address that is not mapped. */
static void block_in_pieces(void)
{
	static const u64 ask[] = { 0x5000, 0x0, 0x1fe000, 0x6000 };

	for (unsigned int i = 0; i < ARRAY_SIZE(ask) * 2; i++) {
		struct stage2 x;
		struct s2_guest g;
		struct s2_mmu *mmu;
		u64 val = (SZ_1G + ask[i / 2]) >> 12;

		unit_case = "block in pieces";
		l1_start(0, 2, 48);
		/* L0 has pages there. */
		for (u64 k = 0; k < SZ_2M; k += 4096)
			CHECK_EQ(s2_vm_map_ram(&vm, 0x200000000 + k, 0x300000000 + 2 * k, 4096), 0);
		x = l1_stage2(12, 40, 1, 7);
		g = l1_guest(&x);
		mmu = lookup_s2_mmu(&vm, &g);
		l1_map(&x, SZ_1G, 2, 0x200000000, ATTR);
		l1_map(&x, SZ_1G + SZ_2M, 3, FAR_IPA, ATTR);
		l2_touch(mmu, SZ_1G + 0x5000, S2_ACC_READ);
		l2_touch(mmu, SZ_1G + 0x9000, S2_ACC_READ);
		l2_touch(mmu, SZ_1G + SZ_2M, S2_ACC_READ);
		CHECK_EQ(l2_leaf_shift(mmu, SZ_1G + 0x5000), 12);
		if (i & 1)
			CHECK_EQ(s2_emulate_tlbi(&vm, &g, IPAS2E1IS, val), 0);
		else
			CHECK_EQ(s2_emulate_tlbi(&vm, &g, RIPAS2E1IS, 1ULL << 46 | val), 0);
		CHECK_EQ(l2_leaf_shift(mmu, SZ_1G + 0x5000), 0);
		CHECK_EQ(l2_leaf_shift(mmu, SZ_1G + 0x9000), 0);
		CHECK_EQ(l2_leaf_shift(mmu, SZ_1G + SZ_2M), 12);
		CHECK_EQ(tlb_count(), 1);
	}
}

int main(int argc, char **argv)
{
	u64 rounds = unit_args(argc, argv, 100);

	l1_create();
	encodings();
	stage1_ops();
	block_in_pieces();
	coverage(rounds);
	l1_destroy();
	return 0;
}
