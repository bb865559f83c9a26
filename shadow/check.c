// SPDX-License-Identifier: GPL-2.0-only
/*
 * Checking build: is the shadow stage 2 what L1's tables and L0's map make of it?
 *
 * EL2 and the build machine; the caller holds the VM's lock. Shares no code with what it checks: the tables
 * are found as the hardware finds them, from VTTBR_EL2 and VTCR_EL2, the hardware's and L1's. A shadow leaf
 * may be older than L1's tables (L1 owes a TLBI), so only what has just been mapped is compared with them;
 * what every leaf must be at all times is memory of L1's.
 */
#include <check.h>

#define VALID		BIT(0)
#define TABLE_OR_PAGE	BIT(1)
#define ADDRESS		GENMASK_ULL(47, 12)
#define ENTRIES		512U

/* A shadow with more table pages than this is looked at as a whole every so many changes only. */
#define MANY_PAGES	24
#define SELDOM		64

/* What a table says of one address. */
struct mapping {
	bool there;
	bool unknown;	/* a configuration that this walk does not know */
	u64 out;
	unsigned int shift;
	u64 desc;
};

static u64 bits(u64 val, unsigned int hi, unsigned int lo)
{
	return (val >> lo) & ((2ULL << (hi - lo)) - 1);
}

/* Reads a descriptor at an address of the table's own address space; false: there is no memory. */
typedef bool (*load_fn)(const struct s2_vm *vm, u64 addr, u64 *desc);

static bool load_l0(const struct s2_vm *vm, u64 addr, u64 *desc)
{
	(void)vm;
	*desc = __atomic_load_n((u64 *)(uintptr_t)addr, __ATOMIC_RELAXED);
	return true;
}

/*
 * Walks a stage 2 of granule 2^@g bytes from its registers. Bits that resolve nothing more than a
 * level's index are taken from the top of the input address downwards.
 */
static struct mapping walk(const struct s2_vm *vm, load_fn load, u64 vttbr, u64 vtcr,
			   unsigned int g, bool swap, u64 in)
{
	unsigned int left = 64 - (unsigned int)bits(vtcr, 5, 0),
		     sl0 = (unsigned int)bits(vtcr, 7, 6);
	int level = g == 12 ? (sl0 == 3 ? 3 : 2 - (int)sl0) : 3 - (int)sl0;
	struct mapping m = { 0 };
	u64 table = vttbr & GENMASK_ULL(47, 1), desc;

	if (left > 48 || in >> left)
		return m;
	for (;; level++) {
		unsigned int below = g + (unsigned int)(3 - level) * (g - 3);
		unsigned int width = left - below;

		/* The first table is aligned to its size, the others are a page. */
		table &= ~((8ULL << width) - 1);
		if (!load(vm, table + bits(in, left - 1, below) * 8, &desc))
			return m;
		if (swap)
			desc = __builtin_bswap64(desc);
		if (!(desc & VALID))
			return m;
		if (level == 3 || !(desc & TABLE_OR_PAGE)) {
			if ((level == 3) != !!(desc & TABLE_OR_PAGE))
				return m;
			m.there = true;
			m.shift = below;
			m.desc = desc;
			m.out = (bits(desc, 47, below) << below) | bits(in, below - 1, 0);
			return m;
		}
		table = bits(desc, 47, g) << g;
		left = below;
	}
}

static struct mapping by_hardware(const struct s2_mmu *mmu, u64 in)
{
	return walk(mmu->vm, load_l0, mmu->hw_vttbr & ADDRESS, mmu->hw_vtcr, 12, false, in);
}

static bool load_l1(const struct s2_vm *vm, u64 addr, u64 *desc)
{
	struct mapping m = by_hardware(&vm->canonical, addr);

	return m.there && load_l0(vm, m.out, desc);
}

static struct mapping by_l1(const struct s2_mmu *mmu, l2ipa_t ipa)
{
	static const u8 granule[4] = { 12, 16, 14, 12 };
	const struct s2_caps *caps = &mmu->vm->cfg.caps;
	unsigned int g = granule[bits(mmu->tlb_vtcr, 15, 14)];
	bool offered = g == 12 ? caps->tgran4 : g == 14 ? caps->tgran16 : caps->tgran64;

	if (!offered || (caps->ds && bits(mmu->tlb_vtcr, 32, 32)) ||
	    64 - bits(mmu->tlb_vtcr, 5, 0) > caps->pa_bits)
		return (struct mapping){ .unknown = true };
	return walk(mmu->vm, load_l1, mmu->tlb_vttbr & GENMASK_ULL(47, 0), mmu->tlb_vtcr, g,
		    mmu->plan.big_endian, ipa);
}

/* S2AP and who may execute: bit 0 read, 1 write, 2 EL1, 3 EL0. */
static u64 allows(u64 desc, bool xnx)
{
	u64 xn = bits(desc, 54, 53);

	if (!xnx)
		xn &= 2;
	return bits(desc, 7, 6) | (xn == 0 || xn == 3 ? 4 : 0) | (xn == 0 || xn == 1 ? 8 : 0);
}

/* Without FWB. Device is the least; of Normal memory each of the two cacheabilities counts. */
static u64 weaker_type(u64 a, u64 b)
{
	u64 outer = bits(a, 3, 2), inner = bits(a, 1, 0);

	if (!bits(a, 3, 2) || !bits(b, 3, 2))
		return a < b ? a : b;
	if (bits(b, 3, 2) < outer)
		outer = bits(b, 3, 2);
	if (bits(b, 1, 0) < inner)
		inner = bits(b, 1, 0);
	return outer << 2 | (inner ? inner : 1);
}

void check_mapped(const struct s2_mmu *mmu, l2ipa_t ipa)
{
	struct mapping l1 = by_l1(mmu, ipa), hw = by_hardware(mmu, ipa), l0;
	unsigned int shift;

	CHECK_IS("shadow: a fresh leaf", hw.there, true);
	if (l1.unknown)
		return;
	/* Another vCPU of L1's may be changing it this very moment; then its TLBI is to come. */
	if (!l1.there && mmu->vm->cfg.nr_vcpus > 1)
		return;
	CHECK_IS("shadow: L1's leaf", l1.there, true);
	l0 = by_hardware(&mmu->vm->canonical, l1.out);
	if ((!l0.there || hw.out != l0.out) && mmu->vm->cfg.nr_vcpus > 1)
		return;
	CHECK_IS("shadow: L0's leaf", l0.there, true);
	CHECK_IS("shadow: address", hw.out, l0.out);
	shift = l1.shift < l0.shift ? l1.shift : l0.shift;
	CHECK_IS("shadow: log2 of a leaf", hw.shift, shift >= 30 ? 30 : shift >= 21 ? 21 : 12);
	if (mmu->vm->cfg.nr_vcpus > 1)
		return;
	CHECK_IS("shadow: permissions", allows(hw.desc, true),
		 allows(l1.desc, mmu->vm->cfg.caps.xnx) & allows(l0.desc, true));
	CHECK_IS("shadow: memory type", bits(hw.desc, 5, 2),
		 weaker_type(bits(l1.desc, 5, 2), bits(l0.desc, 5, 2)));
}

/* Does L1 own 2^shift bytes at @pa? Its RAM is noted; the rest is where L0 has it, too. */
static bool is_of_l1(const struct s2_vm *vm, pa_t pa, unsigned int shift)
{
	for (unsigned int i = 0; i < vm->nr_ram; i++) {
		const struct s2_ram *r = &vm->ram[i];

		if (pa >= r->pa && pa + BIT(shift) <= r->pa + r->size)
			return by_hardware(&vm->canonical, r->ipa + (pa - r->pa)).out == pa;
	}
	for (unsigned int i = 0; vm->owns && i < vm->owns->nr_windows; i++) {
		const struct s2_ram *r = &vm->owns->window[i];

		if (pa >= r->pa && pa + BIT(shift) <= r->pa + r->size)
			return true;
	}
	for (u64 at = pa; at < pa + BIT(shift); at += SZ_4K) {
		struct mapping m = by_hardware(&vm->canonical, at);

		if (!m.there || m.out != at)
			return false;
	}
	return true;
}

struct books {
	u32 leaves, tables;
};

static void check_table(const struct s2_mmu *mmu, const u64 *table, unsigned int n, int level,
			struct books *books)
{
	const struct page_pool *pool = mmu->table.pool;
	unsigned int valid = 0;

	for (unsigned int i = 0; i < n; i++) {
		u64 desc = table[i], child = desc & ADDRESS;

		if (!(desc & VALID))
			continue;
		valid++;
		if (level < 3 && (desc & TABLE_OR_PAGE)) {
			CHECK_IS("shadow: a table outside of the pool",
				 (child - (u64)(uintptr_t)pool->base) / SZ_4K < pool->nr_pages,
				 true);
			books->tables++;
			check_table(mmu, (const u64 *)(uintptr_t)child, ENTRIES, level + 1, books);
			continue;
		}
		books->leaves++;
		if (!is_of_l1(mmu->vm, child, 12 + 9 * (unsigned int)(3 - level)))
			check_failed("shadow: leaf of memory that is not L1's", desc, 0);
	}
	if (table != mmu->table.root)
		CHECK_IS("shadow: valid descriptors of a table",
			 *page_pool_note((struct page_pool *)pool, table), valid);
}

void check_shadow(const struct s2_mmu *mmu)
{
	static u32 changes;
	unsigned int start = 2 - (unsigned int)bits(mmu->hw_vtcr, 7, 6);
	unsigned int in_bits = 64 - (unsigned int)bits(mmu->hw_vtcr, 5, 0);
	struct books books = { 0 };

	if (!mmu->table.root || (mmu->table.pages > MANY_PAGES && ++changes % SELDOM))
		return;
	CHECK_IS("shadow: root", mmu->hw_vttbr & ADDRESS, (u64)(uintptr_t)mmu->table.root);
	check_table(mmu, mmu->table.root, 1U << (in_bits - 12 - 9 * (3 - start)), (int)start,
		    &books);
	CHECK_IS("shadow: leaves", mmu->table.leaves, books.leaves);
	CHECK_IS("shadow: tables", mmu->table.pages, books.tables);
}

/* ---- after a TLBI ---- */

static bool vmid_is(const struct s2_vm *vm, const struct s2_mmu *mmu, const struct s2_guest *g)
{
	unsigned int width = vm->cfg.caps.vmid16 && bits(g->vtcr, 19, 19) ? 16 : 8;

	return bits(mmu->tlb_vttbr, 47 + width, 48) == bits(g->vttbr, 47 + width, 48);
}

static void check_gone(const struct s2_mmu *mmu, u64 ipa)
{
	if (by_hardware(mmu, ipa).there)
		check_failed("shadow: leaf after its TLBI", ipa, 0);
}

static void check_tlbi_of(const struct s2_mmu *mmu, unsigned int crm, unsigned int op2, u64 val)
{
	static const u8 granule[4] = { 0, 12, 14, 16 };
	unsigned int in_bits = 64 - (unsigned int)bits(mmu->hw_vtcr, 5, 0), tg;
	u64 ipa = bits(val, 35, 0) << 12;
	bool by_ipa = crm == 0 || crm == 4;

	if (!by_ipa) {
		if (mmu->table.leaves)
			check_failed("shadow: leaves after a TLBI of all", mmu->table.leaves, 0);
		return;
	}
	/* IPAS2E1 and IPAS2LE1 in their forms; the others are ranges. */
	if (crm == 4 ? (op2 & 3) >= 2 : (op2 & 3) != 1) {
		tg = granule[bits(val, 47, 46)];
		if (!tg || mmu->vm->cfg.caps.ds)
			return;
		ipa = bits(val, 36, 0) << tg;
	}
	if (!(ipa >> in_bits))
		check_gone(mmu, ipa);
}

void check_tlbi(const struct s2_vm *vm, const struct s2_guest *g, u32 sys, u64 val)
{
	unsigned int op1 = sys >> 11, crm = (sys >> 3) & 0xf, op2 = sys & 7;
	bool by_ipa = crm == 0 || crm == 4;

	for (unsigned int i = 0; i < vm->cfg.nr_shadows; i++) {
		const struct s2_mmu *mmu = &vm->shadow[i];

		if (!mmu->valid || !mmu->table.root)
			continue;
		check_shadow(mmu);
		/* ALLE1: op2 4; VMALLS12E1: 6; by IPA */
		if (op1 == 4 && (by_ipa || op2 == 4 || op2 == 6) &&
		    ((!by_ipa && op2 == 4) || vmid_is(vm, mmu, g)))
			check_tlbi_of(mmu, crm, op2, val);
	}
}

/* ---- several L1s ---- */

void check_vmids(const struct s2_vm *vm, u32 first, u32 last)
{
	static struct {
		const struct s2_vm *vm;
		u32 first, last;
	} known[8];

	for (unsigned int i = 0; i < ARRAY_SIZE(known); i++) {
		if (!known[i].vm || known[i].vm == vm) {
			known[i].vm = vm;
			known[i].first = first;
			known[i].last = last;
			return;
		}
		/* Emulators flush so often that two which share a VMID may never notice. */
		if (first <= known[i].last && last >= known[i].first)
			check_failed("shadow: a VMID of two L1s", first, known[i].last + 1ULL);
	}
}
