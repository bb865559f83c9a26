// SPDX-License-Identifier: GPL-2.0-only
/*
 * The MMUs of an L1 on a modelled machine: faults, blocks, permissions, attributes, recycling, reclaim,
 * and that after every TLBI of L1's neither a shadow table nor a TLB has anything that L1 took away.
 *
 * unit: harness/tests/unit/unit.c harness/tests/unit/tlb_model.c shadow/page_pool.c shadow/s2_walk.c shadow/s2_table.c shadow/s2_mmu.c shadow/s2_fault.c shadow/s2_tlbi.c -idirafter hyp/include -Ishadow
 */
#include "unit.h"

#include <s2.h>
#include "tlb_model.h"

/*
 * L1's memory: real bytes at IPA 1 GiB, for its tables; and 3 GiB from 4 GiB on that nobody reads, which L1
 * gives to its guests. PA is not IPA, and agrees with it modulo 2M and not modulo 1G.
 */
#define RAM_IPA 0x40000000ULL
#define RAM_SIZE 0x2000000ULL
#define FAR_IPA 0x100000000ULL
#define FAR_SIZE 0xc0000000ULL
#define FAR_PA (FAR_IPA + 0x600000)
#define DEV_IPA 0x9000000ULL
#define POOL_PAGES 3000

#define AF BIT(10)
#define S2_R BIT(6)
#define S2_W BIT(7)
#define ATTR (AF | S2_R | S2_W | 0xfULL << 2 | 3ULL << 8)

#define HCR_VM BIT(0)
#define HCR_DC BIT(12)
#define HCR_TGE BIT(27)
#define HCR_E2H BIT(34)

static struct gmem ram;
static u8 *pool_mem;
static struct page_pool pool;
static struct s2_vm vm;

static void start(u32 shadow_pages, unsigned int nr_shadows, unsigned int hw_pa_bits)
{
	struct s2_config cfg = {
		.pool = &pool,
		.caps = { .pa_bits = hw_pa_bits < 44 ? 42 : 44,
			  .tgran4 = true,
			  .tgran16 = true,
			  .tgran64 = true,
			  .xnx = true,
			  .vmid16 = true,
			  .ttl = true,
			  .tlbirange = true },
		.l1_ipa_bits = 40,
		.hw_pa_bits = (u8)hw_pa_bits,
		.hw_vmid_bits = 8,
		.hw_xnx = true,
		.nr_shadows = (u8)nr_shadows,
		.vmid_base = 3,
		.shadow_pages = shadow_pages,
	};

	CHECK_EQ(page_pool_init(&pool, pool_mem, pool_mem + POOL_PAGES * HYP_PAGE_SIZE), 0);
	gmem_reset(&ram);
	tlb_reset();
	CHECK_EQ(s2_vm_init(&vm, &cfg), 0);
	CHECK_EQ(s2_vm_map_ram(&vm, RAM_IPA, (u64)(uintptr_t)ram.mem, RAM_SIZE), 0);
	CHECK_EQ(s2_vm_map_ram(&vm, FAR_IPA, FAR_PA, FAR_SIZE), 0);
	CHECK_EQ(s2_vm_map_device(&vm, DEV_IPA, DEV_IPA, 4096), 0);
}

/* ---- a stage 2 of L1's ---- */

struct stage2 {
	struct shape s;
	u64 vtcr;
	unsigned int vmid;
};

static u64 vtcr_of(const struct shape *s)
{
	u64 tg0 = s->page_shift == 12 ? 0 : s->page_shift == 14 ? 2 : 1;
	u64 sl0 = (u64)((s->page_shift == 12 ? 2 : 3) - s->start_level);

	return (64 - s->ia_bits) | sl0 << 6 | tg0 << 14 | 4ULL << 16 | BIT(19) | BIT(31);
}

static struct stage2 new_stage2(unsigned int page_shift, unsigned int ia_bits, int level,
				unsigned int vmid)
{
	struct stage2 x = {
		.s = { .page_shift = page_shift, .ia_bits = ia_bits, .start_level = level },
		.vmid = vmid,
	};

	x.s.root = gmem_take(&ram, shape_root_size(&x.s), 0x10000);
	x.vtcr = vtcr_of(&x.s);
	return x;
}

static struct s2_guest guest(const struct stage2 *x)
{
	return (struct s2_guest){
		.hcr = HCR_VM, .vttbr = x->s.root | (u64)x->vmid << 48 | 1, .vtcr = x->vtcr,
	};
}

static void map(const struct stage2 *x, u64 ia, int level, u64 out, u64 attr)
{
	unsigned int shift = shape_shift(&x->s, level);

	CHECK_EQ(out & (BIT(shift) - 1), 0);
	shape_map(&ram, &x->s, ia, level, out | attr | (level == 3 ? 3 : 1), 0);
}

static int fault(struct s2_mmu *mmu, u64 ia, u32 access, struct s2_fault_result *out)
{
	return s2_shadow_fault(mmu, ia, access, out);
}

/* The guest touches ia, L0 does its part; the TLB entry it ends with. */
static struct tlb_entry touch(struct s2_mmu *mmu, u64 ia, u32 access)
{
	struct s2_fault_result out;
	struct tlb_entry e = { 0 };

	if (tlb_access(mmu->hw_vttbr, mmu->hw_vtcr, ia, access, &e))
		return e;
	CHECK_EQ(fault(mmu, ia, access, &out), S2_RETRY);
	CHECK(tlb_access(mmu->hw_vttbr, mmu->hw_vtcr, ia, access, &e));
	return e;
}

static unsigned int leaf_shift(const struct s2_mmu *mmu, u64 ia)
{
	struct tlb_entry e;
	unsigned int shift;

	return tlb_walk(mmu->hw_vttbr, mmu->hw_vtcr, ia, &e, &shift) ? shift : 0;
}

/* ---- faults and what is mapped ---- */

static void blocks(void)
{
	static const struct {
		unsigned int page_shift, ia_bits;
		int start, level;
		u64 out;
		unsigned int want;
	} cases[] = {
		{ 12, 40, 1, 3, FAR_IPA, 12 },
		{ 12, 40, 1, 2, FAR_IPA, 21 },
		{ 12, 40, 1, 1, FAR_IPA + SZ_1G, 21 }, /* L0's 1G does not fit: PA and IPA differ */
		{ 14, 40, 2, 3, FAR_IPA, 12 },
		{ 14, 40, 2, 2, FAR_IPA, 21 },         /* 32M */
		{ 16, 40, 2, 3, FAR_IPA, 12 },
		{ 16, 40, 2, 2, FAR_IPA, 21 },         /* 512M */
		{ 12, 40, 1, 2, RAM_IPA, 21 },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		struct stage2 x;
		struct s2_guest g;
		struct s2_mmu *mmu;
		struct tlb_entry e;
		u64 ia = 5ULL << 32, off;

		unit_case = "blocks";
		start(0, 4, 48);
		x = new_stage2(cases[i].page_shift, cases[i].ia_bits, cases[i].start, 7);
		g = guest(&x);
		map(&x, ia, cases[i].level, cases[i].out, ATTR);
		mmu = lookup_s2_mmu(&vm, &g);
		CHECK(mmu && s2_mmu_matches(mmu, &g));
		off = below(BIT(shape_shift(&x.s, cases[i].level)));
		e = touch(mmu, ia + off, S2_ACC_WRITE);
		CHECK_EQ(leaf_shift(mmu, ia + off), cases[i].want);
		if (cases[i].out == RAM_IPA)
			CHECK_EQ(e.pa, (u64)(uintptr_t)ram.mem + (off & ~0xfffULL));
		else
			CHECK_EQ(e.pa, cases[i].out + 0x600000 + (off & ~0xfffULL));
		CHECK_EQ(e.perm, S2_PERM_RWX);
		/* A page of L1's granule comes whole. */
		if (cases[i].level == 3)
			CHECK(leaf_shift(mmu, ia) &&
			      leaf_shift(mmu, ia + BIT(cases[i].page_shift) - 1));
		CHECK_EQ(leaf_shift(mmu, ia + BIT(shape_shift(&x.s, cases[i].level))), 0);
		CHECK_EQ(vm.stats.mapped, 1);
		CHECK_EQ(vm.stats.mapped_blocks, cases[i].want >= 21);
		s2_mmu_put(mmu);
	}
	unit_case = "a whole gigabyte";
	start(0, 4, 48);
	CHECK_EQ(s2_vm_map_ram(&vm, 0x4000000000, 0x5000000000, SZ_1G), 0);
	struct stage2 x = new_stage2(12, 40, 1, 7);
	struct s2_guest g = guest(&x);
	struct s2_mmu *mmu = lookup_s2_mmu(&vm, &g);

	map(&x, 0, 1, 0x4000000000, ATTR);
	touch(mmu, 0x12345678, S2_ACC_READ);
	CHECK_EQ(leaf_shift(mmu, 0), 30);
}

static void permissions_and_types(void)
{
	/* MemAttr of L1 -> of RAM, of a device page of L0's. */
	static const u8 attrs[][3] = {
		{ 0xf, 0xf, 1 }, { 0x5, 0x5, 1 }, { 0xa, 0xa, 1 }, { 0x0, 0x0, 0 },
		{ 0x1, 0x1, 1 }, { 0x3, 0x3, 1 }, { 0x7, 0x7, 1 }, { 0xd, 0xd, 1 },
	};
	struct stage2 x;
	struct s2_guest g;
	struct s2_mmu *mmu;
	struct s2_fault_result out;
	struct tlb_entry e;

	unit_case = "permissions and memory types";
	start(0, 4, 48);
	x = new_stage2(12, 40, 1, 7);
	g = guest(&x);
	mmu = lookup_s2_mmu(&vm, &g);
	for (unsigned int i = 0; i < 16; i++) {
		u64 ia = 0x10000 + i * 4096, ap = (i & 3) << 6, xn = (u64)(i >> 2) << 53;
		u8 perm = (i & 1 ? S2_PERM_R : 0) | (i & 2 ? S2_PERM_W : 0);
		static const u8 exec[] = { S2_PERM_PX | S2_PERM_UX, S2_PERM_UX, 0, S2_PERM_PX };

		perm |= exec[i >> 2];
		map(&x, ia, 3, FAR_IPA + i * 4096, AF | ap | xn | 0xf << 2);
		CHECK_EQ(fault(mmu, ia, 0, &out), S2_RETRY);
		CHECK(tlb_access(mmu->hw_vttbr, mmu->hw_vtcr, ia, 0, &e));
		CHECK_EQ(e.perm, perm);
		CHECK_EQ(fault(mmu, ia, S2_ACC_WRITE, &out), i & 2 ? S2_RETRY : S2_INJECT);
		if (!(i & 2)) {
			CHECK_EQ(out.kind, S2_FAULT_PERMISSION);
			CHECK_EQ(out.fsc, 0x0f);
			CHECK_EQ(out.fipa, ia);
		}
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(attrs); i++) {
		u64 ia = 0x100000 + i * 8192, attr = AF | S2_R | (u64)attrs[i][0] << 2;

		map(&x, ia, 3, FAR_IPA + ia, attr | 3 << 8);
		map(&x, ia + 4096, 3, DEV_IPA, attr);
		CHECK_EQ(touch(mmu, ia, S2_ACC_READ).memattr, attrs[i][1]);
		e = touch(mmu, ia + 4096, S2_ACC_READ);
		CHECK_EQ(e.memattr, attrs[i][2]);
		CHECK_EQ(e.pa, DEV_IPA);
		/* L0's device is neither executable nor anything but Outer Shareable. */
		CHECK_EQ(e.perm, S2_PERM_R);
		CHECK_EQ(e.sh, 2);
	}
}

static void faults(void)
{
	struct s2_fault_result out;
	struct s2_mmu *mmu;
	struct s2_guest g;
	struct stage2 x;

	unit_case = "faults";
	start(0, 4, 48);
	x = new_stage2(12, 40, 1, 7);
	g = guest(&x);
	mmu = lookup_s2_mmu(&vm, &g);
	CHECK_EQ(fault(mmu, 0x123456789, S2_ACC_READ, &out), S2_INJECT);
	CHECK_EQ(out.kind, S2_FAULT_TRANSLATION);
	CHECK_EQ((s64)out.level, 1);
	CHECK_EQ(out.fsc, 0x05);
	CHECK_EQ(out.fipa, 0x123456789);
	map(&x, 0x123456000, 3, FAR_IPA, ATTR & ~AF);
	CHECK_EQ(fault(mmu, 0x123456789, S2_ACC_READ, &out), S2_INJECT);
	CHECK_EQ(out.fsc, 0x0b);
	CHECK_EQ(s2_shadow_prefill(mmu, 0x123456789), -ENOENT);
	CHECK_EQ(leaf_shift(mmu, 0x123456000), 0);
	/* No memory of L1's there: an emulated device, with the exact address. */
	map(&x, 0x200000000, 3, 0x8000000, ATTR);
	CHECK_EQ(fault(mmu, 0x200000123, S2_ACC_WRITE, &out), S2_EMULATE);
	CHECK_EQ(out.l1_ipa, 0x8000123);
	CHECK_EQ(s2_shadow_prefill(mmu, 0x200000123), -ENOENT);
	/* ... but L1's own refusal comes first. */
	map(&x, 0x200001000, 3, 0x8000000, ATTR & ~S2_W);
	CHECK_EQ(fault(mmu, 0x200001123, S2_ACC_WRITE, &out), S2_INJECT);
	/* Beyond L1's input size; beyond its output size. */
	CHECK_EQ(fault(mmu, BIT(40), S2_ACC_READ, &out), S2_INJECT);
	CHECK_EQ(out.fsc, 0x04);
	map(&x, 0x300000000, 3, BIT(44), ATTR);
	CHECK_EQ(fault(mmu, 0x300000000, S2_ACC_READ, &out), S2_INJECT);
	CHECK_EQ(out.fsc, 0x03);
	/* A device that passes through is not fetched from. */
	map(&x, 0x400000000, 3, DEV_IPA, ATTR);
	CHECK_EQ(fault(mmu, 0x400000000, S2_ACC_EXEC, &out), S2_EMULATE);
	/* A table of L1's where there is no memory. */
	x.s.root = 0x8000000;
	g = guest(&x);
	s2_mmu_put(mmu);
	mmu = lookup_s2_mmu(&vm, &g);
	CHECK_EQ(fault(mmu, 0, S2_ACC_READ, &out), S2_INJECT);
	CHECK_EQ(out.kind, S2_FAULT_EXTERNAL);
	CHECK_EQ(out.fsc, 0x15);

	unit_case = "faults of vEL2 and of vEL1 without a stage 2";
	CHECK_EQ(fault(&vm.canonical, 0x8000010, S2_ACC_READ, &out), S2_EMULATE);
	CHECK_EQ(out.l1_ipa, 0x8000010);
	CHECK_EQ(fault(&vm.canonical, RAM_IPA, S2_ACC_READ, &out), S2_RETRY);
	CHECK_EQ(fault(&vm.canonical, BIT(45), S2_ACC_READ, &out), S2_EMULATE);
	g.hcr = 0;
	mmu = lookup_s2_mmu(&vm, &g);
	CHECK(mmu && !mmu->nested_stage2_enabled);
	CHECK_EQ(mmu->hw_vttbr & 0xffffffffffffULL, vm.canonical.hw_vttbr & 0xffffffffffffULL);
	CHECK(mmu->hw_vttbr >> 48 != vm.canonical.hw_vttbr >> 48);
	CHECK_EQ(touch(mmu, FAR_IPA + 0x1234, S2_ACC_READ).pa, FAR_PA + 0x1000);
	CHECK_EQ(fault(mmu, 0x8000010, S2_ACC_READ, &out), S2_EMULATE);
	CHECK_EQ(s2_shadow_prefill(mmu, FAR_IPA), -ENOENT);
}

static void prefill(void)
{
	struct stage2 x;
	struct s2_guest g;
	struct s2_mmu *mmu;
	struct tlb_entry e;

	unit_case = "prefill";
	start(0, 4, 48);
	x = new_stage2(12, 40, 1, 7);
	g = guest(&x);
	mmu = lookup_s2_mmu(&vm, &g);
	CHECK_EQ(s2_shadow_prefill(mmu, 0x5123), -ENOENT);
	map(&x, 0x5000, 3, FAR_IPA, ATTR & ~S2_W);
	CHECK_EQ(s2_shadow_prefill(mmu, 0x5123), 0);
	CHECK(tlb_access(mmu->hw_vttbr, mmu->hw_vtcr, 0x5123, S2_ACC_READ, &e));
	CHECK_EQ(e.perm, S2_PERM_RWX & ~S2_PERM_W);
	CHECK_EQ(vm.stats.prefilled, 1);
	CHECK_EQ(vm.stats.shadow_faults, 0);
	/* L1 adds a permission: no TLBI needed from a fault to its repair, ours to do. */
	map(&x, 0x5000, 3, FAR_IPA, ATTR);
	CHECK_EQ(s2_shadow_prefill(mmu, 0x5123), 0);
	CHECK_EQ(tlb_count(), 0);
	CHECK_EQ(touch(mmu, 0x5123, S2_ACC_WRITE).perm, S2_PERM_RWX);
}

/* ---- which MMU ---- */

static void keys(void)
{
	struct stage2 x, y;
	struct s2_guest g, h;
	struct s2_mmu *a, *b;

	unit_case = "keys";
	start(0, 3, 48);
	x = new_stage2(12, 40, 1, 7);
	y = new_stage2(12, 39, 1, 7);
	map(&x, 0, 3, FAR_IPA, ATTR);
	g = guest(&x);
	a = lookup_s2_mmu(&vm, &g);
	touch(a, 0, S2_ACC_READ);
	/* CnP is not part of a key; VMID, BADDR, VTCR, EE, VM and PTW are. */
	h = g;
	h.vttbr ^= 1;
	CHECK(s2_mmu_matches(a, &h));
	CHECK(lookup_s2_mmu(&vm, &h) == a);
	CHECK_EQ(a->refcnt, 2);
	h = g;
	h.vttbr ^= 1ULL << 48;
	CHECK(!s2_mmu_matches(a, &h));
	h = g;
	h.hcr = 0;
	CHECK(!s2_mmu_matches(a, &h));
	h.hcr = HCR_DC;
	CHECK(s2_mmu_matches(a, &h));
	h.hcr = HCR_VM | BIT(2);
	CHECK(!s2_mmu_matches(a, &h));
	h = g;
	h.sctlr = BIT(25);
	CHECK(!s2_mmu_matches(a, &h));
	h = guest(&y);
	CHECK(!s2_mmu_matches(a, &h));
	b = lookup_s2_mmu(&vm, &h);
	CHECK(b && b != a);
	CHECK(b->hw_vttbr >> 48 != a->hw_vttbr >> 48);
	CHECK_EQ(64 - (b->hw_vtcr & 63), 39);

	unit_case = "recycling";
	h.hcr = 0;
	CHECK(lookup_s2_mmu(&vm, &h));
	CHECK_EQ(vm.stats.mmu_recycled, 0);
	/* All three are in use. */
	h.vttbr += 1ULL << 48;
	CHECK(!lookup_s2_mmu(&vm, &h));
	CHECK(s2_mmu_matches(a, &g));
	s2_mmu_put(a);
	CHECK(!lookup_s2_mmu(&vm, &h));
	s2_mmu_put(a);
	CHECK_EQ(tlb_count(), 1);
	h.hcr = HCR_VM;
	CHECK(lookup_s2_mmu(&vm, &h) == a);
	CHECK_EQ(vm.stats.mmu_recycled, 1);
	CHECK(!s2_mmu_matches(a, &g));
	CHECK_EQ(tlb_count(), 0);
	CHECK_EQ(leaf_shift(a, 0), 0);

	unit_case = "recycling one without a stage 2";
	start(0, 1, 48);
	x = new_stage2(12, 40, 1, 7);
	g = guest(&x);
	g.hcr = 0;
	a = lookup_s2_mmu(&vm, &g);
	touch(a, FAR_IPA, S2_ACC_READ);
	s2_mmu_put(a);
	g.vttbr += 1ULL << 48;
	CHECK(lookup_s2_mmu(&vm, &g) == a);
	CHECK_EQ(tlb_count(), 0);

	unit_case = "least recently used";
	start(0, 3, 48);
	struct s2_mmu *m[3];

	x = new_stage2(12, 40, 1, 0);
	for (unsigned int i = 0; i < 3; i++) {
		x.vmid = i;
		g = guest(&x);
		m[i] = lookup_s2_mmu(&vm, &g);
		s2_mmu_put(m[i]);
	}
	x.vmid = 0;
	g = guest(&x);
	CHECK(lookup_s2_mmu(&vm, &g) == m[0]);
	s2_mmu_put(m[0]);
	x.vmid = 9;
	g = guest(&x);
	CHECK(lookup_s2_mmu(&vm, &g) == m[1]);
}

/* Guests with more memory than the budget can map: old tables go, everything keeps running. */
static void reclaim(u32 budget, unsigned int nr_guests, unsigned int hw_pa_bits,
		    unsigned int ia_bits, int level)
{
	struct stage2 x[3];
	struct s2_mmu *mmu[3];
	u32 before;

	unit_case = "reclaim";
	start(budget, 3, hw_pa_bits);
	for (unsigned int i = 0; i < nr_guests; i++) {
		struct s2_guest g;

		x[i] = new_stage2(12, ia_bits, level, i);
		g = guest(&x[i]);
		mmu[i] = lookup_s2_mmu(&vm, &g);
		for (u64 k = 0; k < 40; k++)
			map(&x[i], k << 21, 3, FAR_IPA + (k << 12), ATTR);
	}
	before = pool.nr_free;
	for (unsigned int r = 0; r < 300; r++) {
		unsigned int i = (unsigned int)below(nr_guests);
		u64 k = below(40);

		CHECK_EQ(touch(mmu[i], k << 21, S2_ACC_READ).pa, FAR_PA + (k << 12));
		CHECK(s2_shadow_pages(&vm) <= budget);
		CHECK_EQ(before - pool.nr_free, s2_shadow_pages(&vm));
		/* A TLB may only know what the tables still say. */
		for (size_t e = 0; e < tlb_count(); e++) {
			const struct tlb_entry *t = tlb_entry(e);
			bool found = false;

			for (unsigned int j = 0; j < nr_guests; j++)
				found |= t->vmid == mmu[j]->hw_vttbr >> 48 &&
					 leaf_shift(mmu[j], t->page << 12);
			CHECK(found);
		}
	}
	CHECK(vm.stats.pages_reclaimed > 0);
	CHECK_EQ(s2_table_pages(&vm), pool.nr_pages - pool.nr_free);
}

static void no_memory_at_all(void)
{
	struct s2_fault_result out;
	struct stage2 x;
	struct s2_guest g;
	struct s2_mmu *mmu;

	unit_case = "budget below one page's tables";
	start(1, 2, 48);
	x = new_stage2(12, 40, 1, 1);
	g = guest(&x);
	map(&x, 0, 3, FAR_IPA, ATTR);
	mmu = lookup_s2_mmu(&vm, &g);
	CHECK_EQ((s64)fault(mmu, 0, S2_ACC_READ, &out), -ENOMEM);
	CHECK_EQ(s2_shadow_prefill(mmu, 0), -ENOENT);
}

/* L0 takes memory from L1. */
static void canonical_unmap(void)
{
	struct s2_fault_result out;
	struct stage2 x;
	struct s2_guest g;
	struct s2_mmu *mmu;

	unit_case = "canonical unmap";
	start(0, 2, 48);
	x = new_stage2(12, 40, 1, 1);
	g = guest(&x);
	map(&x, 0, 2, FAR_IPA, ATTR);
	mmu = lookup_s2_mmu(&vm, &g);
	touch(mmu, 0x5000, S2_ACC_READ);
	touch(&vm.canonical, FAR_IPA + 0x5000, S2_ACC_READ);
	CHECK_EQ(tlb_count(), 2);
	CHECK_EQ(s2_vm_unmap(&vm, FAR_IPA + 0x5000, 0x1000), 0);
	CHECK_EQ(tlb_count(), 0);
	CHECK_EQ(fault(mmu, 0x5000, S2_ACC_READ, &out), S2_EMULATE);
	CHECK_EQ(out.l1_ipa, FAR_IPA + 0x5000);
	/* Around it, L1's block is pages now. */
	CHECK_EQ(touch(mmu, 0x4000, S2_ACC_READ).pa, FAR_PA + 0x4000);
	CHECK_EQ(leaf_shift(mmu, 0x4000), 12);
}

/* ---- TLBIs ---- */

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
		start(0, 2, 48);
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
	start(0, 4, 48);
	x = new_stage2(12, 40, 1, 7);
	g = guest(&x);
	mmu = lookup_s2_mmu(&vm, &g);
	v = g;
	v.hcr = 0;
	off = lookup_s2_mmu(&vm, &v);
	x.vmid = 8;
	v = guest(&x);
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
	s2_flush_vel2(&vm);
	CHECK_EQ(tlb_stats.last_vttbr, vm.canonical.hw_vttbr);
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
	map(&w->x[i], m->ia, level, m->out, ATTR);
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
		start(one_in(3) ? 12 : 0, 4, 48);
		vm.cfg.caps.ttl = !one_in(3);
		/* Sometimes all of L0's mappings are pages: many shadow leaves for one of L1's. */
		for (unsigned int i = 0; i < 2; i++) {
			w.x[i] = new_stage2(shapes[kind].page_shift, shapes[kind].ia_bits,
					    shapes[kind].start, 20 + i);
			w.g[i] = guest(&w.x[i]);
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
					touch(w.mmu[i],
					      m->ia + below(BIT(shape_shift(&w.x[i].s, m->level))),
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
		start(0, 2, 48);
		/* L0 has pages there. */
		for (u64 k = 0; k < SZ_2M; k += 4096)
			CHECK_EQ(s2_vm_map_ram(&vm, 0x200000000 + k, 0x300000000 + 2 * k, 4096), 0);
		x = new_stage2(12, 40, 1, 7);
		g = guest(&x);
		mmu = lookup_s2_mmu(&vm, &g);
		map(&x, SZ_1G, 2, 0x200000000, ATTR);
		map(&x, SZ_1G + SZ_2M, 3, FAR_IPA, ATTR);
		touch(mmu, SZ_1G + 0x5000, S2_ACC_READ);
		touch(mmu, SZ_1G + 0x9000, S2_ACC_READ);
		touch(mmu, SZ_1G + SZ_2M, S2_ACC_READ);
		CHECK_EQ(leaf_shift(mmu, SZ_1G + 0x5000), 12);
		if (i & 1)
			CHECK_EQ(s2_emulate_tlbi(&vm, &g, IPAS2E1IS, val), 0);
		else
			CHECK_EQ(s2_emulate_tlbi(&vm, &g, RIPAS2E1IS, 1ULL << 46 | val), 0);
		CHECK_EQ(leaf_shift(mmu, SZ_1G + 0x5000), 0);
		CHECK_EQ(leaf_shift(mmu, SZ_1G + 0x9000), 0);
		CHECK_EQ(leaf_shift(mmu, SZ_1G + SZ_2M), 12);
		CHECK_EQ(tlb_count(), 1);
	}
}

static void configurations(void)
{
	struct s2_config good = {
		.pool = &pool, .caps = { .pa_bits = 40, .tgran4 = true }, .l1_ipa_bits = 40,
		.hw_pa_bits = 44, .hw_vmid_bits = 8, .nr_shadows = 3,
	}, bad;

	unit_case = "configurations";
	CHECK_EQ(s2_vm_init(&vm, &good), 0);
	CHECK_EQ(vm.canonical.hw_vttbr >> 48, 1);
	CHECK_EQ(vm.canonical.hw_vtcr & BIT(19), 0);
	CHECK_EQ(vm.canonical.hw_vtcr >> 16 & 7, 4);
	bad = good;
	bad.nr_shadows = S2_MAX_SHADOWS + 1;
	CHECK_EQ((s64)s2_vm_init(&vm, &bad), -EINVAL);
	bad = good;
	bad.vmid_base = 253;
	CHECK_EQ((s64)s2_vm_init(&vm, &bad), -EINVAL);
	bad = good;
	bad.caps.pa_bits = 48;
	CHECK_EQ((s64)s2_vm_init(&vm, &bad), -EINVAL);
	bad = good;
	bad.l1_ipa_bits = 31;
	CHECK_EQ((s64)s2_vm_init(&vm, &bad), -EINVAL);
}

int main(int argc, char **argv)
{
	u64 rounds = unit_args(argc, argv, 60);

	pool_mem = aligned_alloc(HYP_PAGE_SIZE, POOL_PAGES * HYP_PAGE_SIZE);
	gmem_init(&ram, RAM_IPA, RAM_SIZE);
	blocks();
	permissions_and_types();
	faults();
	prefill();
	keys();
	reclaim(5, 1, 48, 40, 1);
	reclaim(7, 3, 48, 40, 1);
	reclaim(3, 2, 48, 44, 0);
	reclaim(20, 3, 42, 42, 1);
	no_memory_at_all();
	canonical_unmap();
	encodings();
	stage1_ops();
	block_in_pieces();
	coverage(rounds);
	configurations();
	gmem_free(&ram);
	free(pool_mem);
	return 0;
}
