// SPDX-License-Identifier: GPL-2.0-only
/*
 * The MMUs of an L1 on a modelled machine: faults, blocks, permissions, attributes, recycling, reclaim.
 *
 * unit: harness/tests/unit/unit.c harness/tests/unit/l1_model.c harness/tests/unit/tlb_model.c shadow/page_pool.c shadow/s1_walk.c shadow/s2_walk.c shadow/s2_table.c shadow/s2_mmu.c shadow/s2_fault.c shadow/s2_tlbi.c -idirafter hyp/include -Ishadow
 */
#include "l1_model.h"

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
		l1_start(0, 4, 48);
		x = l1_stage2(cases[i].page_shift, cases[i].ia_bits, cases[i].start, 7);
		g = l1_guest(&x);
		l1_map(&x, ia, cases[i].level, cases[i].out, ATTR);
		mmu = lookup_s2_mmu(&vm, &g);
		CHECK(mmu && s2_mmu_matches(mmu, &g));
		off = below(BIT(shape_shift(&x.s, cases[i].level)));
		e = l2_touch(mmu, ia + off, S2_ACC_WRITE);
		CHECK_EQ(l2_leaf_shift(mmu, ia + off), cases[i].want);
		if (cases[i].out == RAM_IPA)
			CHECK_EQ(e.pa, (u64)(uintptr_t)ram.mem + (off & ~0xfffULL));
		else
			CHECK_EQ(e.pa, cases[i].out + 0x600000 + (off & ~0xfffULL));
		CHECK_EQ(e.perm, S2_PERM_RWX);
		/* A page of L1's granule comes whole. */
		if (cases[i].level == 3)
			CHECK(l2_leaf_shift(mmu, ia) &&
			      l2_leaf_shift(mmu, ia + BIT(cases[i].page_shift) - 1));
		CHECK_EQ(l2_leaf_shift(mmu, ia + BIT(shape_shift(&x.s, cases[i].level))), 0);
		CHECK_EQ(vm.stats.mapped, 1);
		CHECK_EQ(vm.stats.mapped_blocks, cases[i].want >= 21);
		s2_mmu_put(mmu);
	}
	unit_case = "a whole gigabyte";
	l1_start(0, 4, 48);
	CHECK_EQ(s2_vm_map_ram(&vm, 0x4000000000, 0x5000000000, SZ_1G), 0);
	struct stage2 x = l1_stage2(12, 40, 1, 7);
	struct s2_guest g = l1_guest(&x);
	struct s2_mmu *mmu = lookup_s2_mmu(&vm, &g);

	l1_map(&x, 0, 1, 0x4000000000, ATTR);
	l2_touch(mmu, 0x12345678, S2_ACC_READ);
	CHECK_EQ(l2_leaf_shift(mmu, 0), 30);
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
	l1_start(0, 4, 48);
	x = l1_stage2(12, 40, 1, 7);
	g = l1_guest(&x);
	mmu = lookup_s2_mmu(&vm, &g);
	for (unsigned int i = 0; i < 16; i++) {
		u64 ia = 0x10000 + i * 4096, ap = (i & 3) << 6, xn = (u64)(i >> 2) << 53;
		u8 perm = (i & 1 ? S2_PERM_R : 0) | (i & 2 ? S2_PERM_W : 0);
		static const u8 exec[] = { S2_PERM_PX | S2_PERM_UX, S2_PERM_UX, 0, S2_PERM_PX };

		perm |= exec[i >> 2];
		l1_map(&x, ia, 3, FAR_IPA + i * 4096, AF | ap | xn | 0xf << 2);
		CHECK_EQ(l1_fault(mmu, ia, 0, &out), S2_RETRY);
		CHECK(tlb_access(mmu->hw_vttbr, mmu->hw_vtcr, ia, 0, &e));
		CHECK_EQ(e.perm, perm);
		CHECK_EQ(l1_fault(mmu, ia, S2_ACC_WRITE, &out), i & 2 ? S2_RETRY : S2_INJECT);
		if (!(i & 2)) {
			CHECK_EQ(out.kind, S2_FAULT_PERMISSION);
			CHECK_EQ(out.fsc, 0x0f);
			CHECK_EQ(out.fipa, ia);
		}
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(attrs); i++) {
		u64 ia = 0x100000 + i * 8192, attr = AF | S2_R | (u64)attrs[i][0] << 2;

		l1_map(&x, ia, 3, FAR_IPA + ia, attr | 3 << 8);
		l1_map(&x, ia + 4096, 3, DEV_IPA, attr);
		CHECK_EQ(l2_touch(mmu, ia, S2_ACC_READ).memattr, attrs[i][1]);
		e = l2_touch(mmu, ia + 4096, S2_ACC_READ);
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
	l1_start(0, 4, 48);
	x = l1_stage2(12, 40, 1, 7);
	g = l1_guest(&x);
	mmu = lookup_s2_mmu(&vm, &g);
	CHECK_EQ(l1_fault(mmu, 0x123456789, S2_ACC_READ, &out), S2_INJECT);
	CHECK_EQ(out.kind, S2_FAULT_TRANSLATION);
	CHECK_EQ((s64)out.level, 1);
	CHECK_EQ(out.fsc, 0x05);
	CHECK_EQ(out.fipa, 0x123456789);
	l1_map(&x, 0x123456000, 3, FAR_IPA, ATTR & ~AF);
	CHECK_EQ(l1_fault(mmu, 0x123456789, S2_ACC_READ, &out), S2_INJECT);
	CHECK_EQ(out.fsc, 0x0b);
	CHECK_EQ(s2_shadow_prefill(mmu, 0x123456789), -ENOENT);
	CHECK_EQ(l2_leaf_shift(mmu, 0x123456000), 0);
	/* No memory of L1's there: an emulated device, with the exact address. */
	l1_map(&x, 0x200000000, 3, 0x8000000, ATTR);
	CHECK_EQ(l1_fault(mmu, 0x200000123, S2_ACC_WRITE, &out), S2_EMULATE);
	CHECK_EQ(out.l1_ipa, 0x8000123);
	CHECK_EQ(s2_shadow_prefill(mmu, 0x200000123), -ENOENT);
	/* ... but L1's own refusal comes first. */
	l1_map(&x, 0x200001000, 3, 0x8000000, ATTR & ~S2_W);
	CHECK_EQ(l1_fault(mmu, 0x200001123, S2_ACC_WRITE, &out), S2_INJECT);
	/* Beyond L1's input size; beyond its output size. */
	CHECK_EQ(l1_fault(mmu, BIT(40), S2_ACC_READ, &out), S2_INJECT);
	CHECK_EQ(out.fsc, 0x04);
	l1_map(&x, 0x300000000, 3, BIT(44), ATTR);
	CHECK_EQ(l1_fault(mmu, 0x300000000, S2_ACC_READ, &out), S2_INJECT);
	CHECK_EQ(out.fsc, 0x03);
	/* A device that passes through is not fetched from. */
	l1_map(&x, 0x400000000, 3, DEV_IPA, ATTR);
	CHECK_EQ(l1_fault(mmu, 0x400000000, S2_ACC_EXEC, &out), S2_EMULATE);
	/* A table of L1's where there is no memory. */
	x.s.root = 0x8000000;
	g = l1_guest(&x);
	s2_mmu_put(mmu);
	mmu = lookup_s2_mmu(&vm, &g);
	CHECK_EQ(l1_fault(mmu, 0, S2_ACC_READ, &out), S2_INJECT);
	CHECK_EQ(out.kind, S2_FAULT_EXTERNAL);
	CHECK_EQ(out.fsc, 0x15);

	unit_case = "faults of vEL2 and of vEL1 without a stage 2";
	CHECK_EQ(l1_fault(&vm.canonical, 0x8000010, S2_ACC_READ, &out), S2_EMULATE);
	CHECK_EQ(out.l1_ipa, 0x8000010);
	CHECK_EQ(l1_fault(&vm.canonical, RAM_IPA, S2_ACC_READ, &out), S2_RETRY);
	CHECK_EQ(l1_fault(&vm.canonical, BIT(45), S2_ACC_READ, &out), S2_EMULATE);
	g.hcr = 0;
	mmu = lookup_s2_mmu(&vm, &g);
	CHECK(mmu && !mmu->nested_stage2_enabled);
	CHECK_EQ(mmu->hw_vttbr & 0xffffffffffffULL, vm.canonical.hw_vttbr & 0xffffffffffffULL);
	CHECK(mmu->hw_vttbr >> 48 != vm.canonical.hw_vttbr >> 48);
	CHECK_EQ(l2_touch(mmu, FAR_IPA + 0x1234, S2_ACC_READ).pa, FAR_PA + 0x1000);
	CHECK_EQ(l1_fault(mmu, 0x8000010, S2_ACC_READ, &out), S2_EMULATE);
	CHECK_EQ(s2_shadow_prefill(mmu, FAR_IPA), -ENOENT);
}

static void prefill(void)
{
	struct stage2 x;
	struct s2_guest g;
	struct s2_mmu *mmu;
	struct tlb_entry e;

	unit_case = "prefill";
	l1_start(0, 4, 48);
	x = l1_stage2(12, 40, 1, 7);
	g = l1_guest(&x);
	mmu = lookup_s2_mmu(&vm, &g);
	CHECK_EQ(s2_shadow_prefill(mmu, 0x5123), -ENOENT);
	l1_map(&x, 0x5000, 3, FAR_IPA, ATTR & ~S2_W);
	CHECK_EQ(s2_shadow_prefill(mmu, 0x5123), 0);
	CHECK(tlb_access(mmu->hw_vttbr, mmu->hw_vtcr, 0x5123, S2_ACC_READ, &e));
	CHECK_EQ(e.perm, S2_PERM_RWX & ~S2_PERM_W);
	CHECK_EQ(vm.stats.prefilled, 1);
	CHECK_EQ(vm.stats.shadow_faults, 0);
	/* L1 adds a permission: no TLBI needed from a fault to its repair, ours to do. */
	l1_map(&x, 0x5000, 3, FAR_IPA, ATTR);
	CHECK_EQ(s2_shadow_prefill(mmu, 0x5123), 0);
	CHECK_EQ(tlb_count(), 0);
	CHECK_EQ(l2_touch(mmu, 0x5123, S2_ACC_WRITE).perm, S2_PERM_RWX);
}

/* ---- which MMU ---- */

static void keys(void)
{
	struct stage2 x, y;
	struct s2_guest g, h;
	struct s2_mmu *a, *b;

	unit_case = "keys";
	l1_start(0, 3, 48);
	x = l1_stage2(12, 40, 1, 7);
	y = l1_stage2(12, 39, 1, 7);
	l1_map(&x, 0, 3, FAR_IPA, ATTR);
	g = l1_guest(&x);
	a = lookup_s2_mmu(&vm, &g);
	l2_touch(a, 0, S2_ACC_READ);
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
	h = l1_guest(&y);
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
	CHECK_EQ(l2_leaf_shift(a, 0), 0);

	unit_case = "recycling one without a stage 2";
	l1_start(0, 1, 48);
	x = l1_stage2(12, 40, 1, 7);
	g = l1_guest(&x);
	g.hcr = 0;
	a = lookup_s2_mmu(&vm, &g);
	l2_touch(a, FAR_IPA, S2_ACC_READ);
	s2_mmu_put(a);
	g.vttbr += 1ULL << 48;
	CHECK(lookup_s2_mmu(&vm, &g) == a);
	CHECK_EQ(tlb_count(), 0);

	unit_case = "least recently used";
	l1_start(0, 3, 48);
	struct s2_mmu *m[3];

	x = l1_stage2(12, 40, 1, 0);
	for (unsigned int i = 0; i < 3; i++) {
		x.vmid = i;
		g = l1_guest(&x);
		m[i] = lookup_s2_mmu(&vm, &g);
		s2_mmu_put(m[i]);
	}
	x.vmid = 0;
	g = l1_guest(&x);
	CHECK(lookup_s2_mmu(&vm, &g) == m[0]);
	s2_mmu_put(m[0]);
	x.vmid = 9;
	g = l1_guest(&x);
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
	l1_start(budget, 3, hw_pa_bits);
	for (unsigned int i = 0; i < nr_guests; i++) {
		struct s2_guest g;

		x[i] = l1_stage2(12, ia_bits, level, i);
		g = l1_guest(&x[i]);
		mmu[i] = lookup_s2_mmu(&vm, &g);
		for (u64 k = 0; k < 40; k++)
			l1_map(&x[i], k << 21, 3, FAR_IPA + (k << 12), ATTR);
	}
	before = pool.nr_free;
	for (unsigned int r = 0; r < 300; r++) {
		unsigned int i = (unsigned int)below(nr_guests);
		u64 k = below(40);

		CHECK_EQ(l2_touch(mmu[i], k << 21, S2_ACC_READ).pa, FAR_PA + (k << 12));
		CHECK(vm.budget.used <= budget);
		CHECK_EQ(before - pool.nr_free, vm.budget.used);
		/* A TLB may only know what the tables still say. */
		for (size_t e = 0; e < tlb_count(); e++) {
			const struct tlb_entry *t = tlb_entry(e);
			bool found = false;

			for (unsigned int j = 0; j < nr_guests; j++)
				found |= t->vmid == mmu[j]->hw_vttbr >> 48 &&
					 l2_leaf_shift(mmu[j], t->page << 12);
			CHECK(found);
		}
	}
	CHECK(vm.stats.pages_reclaimed > 0);
	/* All there are: the shadows', the canonical one's, and the roots. */
	CHECK_EQ(vm.budget.used + vm.canonical.table.pages + (1U << vm.canonical.table.root_order) +
			 (vm.cfg.nr_shadows << vm.root_order),
		 pool.nr_pages - pool.nr_free);
}

static void no_memory_at_all(void)
{
	struct s2_fault_result out;
	struct stage2 x;
	struct s2_guest g;
	struct s2_mmu *mmu;

	unit_case = "budget below one page's tables";
	l1_start(1, 2, 48);
	x = l1_stage2(12, 40, 1, 1);
	g = l1_guest(&x);
	l1_map(&x, 0, 3, FAR_IPA, ATTR);
	mmu = lookup_s2_mmu(&vm, &g);
	CHECK_EQ((s64)l1_fault(mmu, 0, S2_ACC_READ, &out), -ENOMEM);
	CHECK_EQ(s2_shadow_prefill(mmu, 0), -ENOENT);
}

/* A page of L1's RAM becomes a device: nobody's TLB keeps what it was, L1's devices', which go by the same table, included. */
static void canonical_change(void)
{
	u64 devices, pa;
	bool is_ram;

	unit_case = "canonical change";
	l1_start(0, 2, 48);
	l2_touch(&vm.canonical, FAR_IPA + 0x5000, S2_ACC_READ);
	CHECK_EQ(tlb_count(), 1);
	devices = tlb_stats.devices;
	CHECK_EQ(s2_vm_map_device(&vm, FAR_IPA + 0x5000, 0xa000000, 0x1000), 0);
	CHECK_EQ(tlb_count(), 0);
	CHECK(tlb_stats.devices > devices);
	CHECK(s2_vm_ipa_to_pa(&vm, FAR_IPA + 0x5004, &pa, &is_ram) && !is_ram && pa == 0xa000004);
	/* Around it, a block is pages now. */
	CHECK_EQ(l2_touch(&vm.canonical, FAR_IPA + 0x4000, S2_ACC_READ).pa, FAR_PA + 0x4000);
	CHECK_EQ(l2_leaf_shift(&vm.canonical, FAR_IPA + 0x4000), 12);
}

/* L1's memory as L0 reads it, while ranges come, change and go. */
static void reading_memory(void)
{
	u64 *word = (u64 *)(void *)(ram.mem + 0x10008), val, pa;
	bool is_ram;

	unit_case = "reading L1's memory";
	l1_start(0, 2, 48);
	*word = 0x1122334455667788;
	CHECK_EQ(s2_vm_read64(&vm, RAM_IPA + 0x10008, &val), 0);
	CHECK_EQ(val, 0x1122334455667788);
	CHECK_EQ(s2_vm_cmpxchg64(&vm, RAM_IPA + 0x10008, 1, 2), -EAGAIN);
	CHECK_EQ(s2_vm_cmpxchg64(&vm, RAM_IPA + 0x10008, val, 2), 0);
	CHECK_EQ(*word, 2);
	CHECK_EQ((s64)s2_vm_read64(&vm, RAM_IPA - 8, &val), -EFAULT);
	CHECK_EQ((s64)s2_vm_read64(&vm, RAM_IPA + RAM_SIZE, &val), -EFAULT);
	CHECK_EQ((s64)s2_vm_read64(&vm, DEV_IPA, &val), -EFAULT);
	CHECK_EQ((s64)s2_vm_cmpxchg64(&vm, DEV_IPA, 0, 0), -EFAULT);
	CHECK(s2_vm_ipa_to_pa(&vm, DEV_IPA + 4, &pa, &is_ram) && !is_ram && pa == DEV_IPA + 4);
	CHECK(!s2_vm_ipa_to_pa(&vm, 0x1000, &pa, &is_ram));
	/* Another page, a device, nothing. */
	CHECK_EQ(s2_vm_map_ram(&vm, RAM_IPA + 0x10000, (u64)(uintptr_t)ram.mem + 0x20000, 0x1000),
		 0);
	word = (u64 *)(void *)(ram.mem + 0x20008);
	*word = 3;
	CHECK_EQ(s2_vm_read64(&vm, RAM_IPA + 0x10008, &val), 0);
	CHECK_EQ(val, 3);
	CHECK_EQ(s2_vm_map_device(&vm, RAM_IPA + 0x10000, 0xa000000, 0x1000), 0);
	CHECK_EQ((s64)s2_vm_read64(&vm, RAM_IPA + 0x10008, &val), -EFAULT);
	for (unsigned int i = 0; i < 6; i++) {
		u64 ipa = 0x7000000000 + i * 0x2000;

		CHECK_EQ(s2_vm_map_ram(&vm, ipa, (u64)(uintptr_t)ram.mem + 0x1000 * i, 0x1000), 0);
		*(u64 *)(void *)(ram.mem + 0x1000 * i) = i;
		CHECK_EQ(s2_vm_read64(&vm, ipa, &val), 0);
		CHECK_EQ(val, i);
		CHECK_EQ((s64)s2_vm_read64(&vm, ipa + 0x1000, &val), -EFAULT);
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
	unit_args(argc, argv, 0);
	l1_create();
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
	canonical_change();
	reading_memory();
	configurations();
	l1_destroy();
	return 0;
}
