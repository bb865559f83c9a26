// SPDX-License-Identifier: GPL-2.0-only
/*
 * FEAT_HAFDBS at stage 2: what VTCR_EL2.{HA,HD} let the hardware write into this EL2's tables when L2 loads, stores,
 * fetches and walks its own tables. After each access: the exit, if there was one, and the leaf's AF, S2AP and DBM.
 */
#include "l2.h"

#define RAM		0x40000000UL
#define RAM_SIZE	0x10000000UL
#define IPA		0x200000000UL
#define IPA_BLOCK	0x240000000UL
#define S1_VA		0x300000000UL
#define VTCR_HA		BIT(21)
#define VTCR_HD		BIT(22)
#define RET		0xd65f03c0U

L2_ASM(do_load, "ldr x0, [x0]")
L2_ASM(do_store, "str x1, [x0]")
L2_ASM(do_swap, "ldxr x2, [x0]\n stxr w3, x1, [x0]")

static struct pgtable s2, s1;
static u64 *data, *block, *code;

static void set(u64 ipa, unsigned int level, u64 out, u64 attrs)
{
	u64 *leaf = pt_leaf(&s2, ipa, NULL);

	*leaf = 0;
	dsb(ishst);
	asm volatile("tlbi vmalls12e1is\n dsb ish\n isb" : : : "memory");
	pt_map_at(&s2, ipa, out, attrs, level);
}

static void leaf_state(u64 ipa)
{
	u64 desc = *(volatile u64 *)pt_leaf(&s2, ipa, NULL);

	printf(" af %lu s2ap %lu dbm %lu\n", FIELD(desc, 10, 10), FIELD(desc, 7, 6),
	       FIELD(desc, 51, 51));
}

static void access(const char *name, l2_fn fn, u64 a, u64 b, u64 leaf)
{
	struct vcpu v = l2_first_exit(fn, a, b, L2_EL1, 0);

	if (l2_done(&v))
		printf("%s: done", name);
	else
		printf("%s: esr %lx far %lx hpfar %lx", name, v.esr, v.far, read_sysreg(hpfar_el2));
	leaf_state(leaf);
}

/* One page of data, each access on a leaf that is fresh, and each after the others. */
static void pages(const char *what)
{
	static const struct {
		const char *name;
		u64 attrs;
	} leaves[] = {
		{ "old", S2_RW }, { "clean", S2_R | PTE_DBM | PTE_AF }, { "old and clean", S2_R | PTE_DBM },
		{ "read only", S2_R | PTE_AF }, { "old, read only", S2_R }, { "nothing", PTE_DBM | PTE_AF },
		{ "write only", S2_W }, { "old, nothing", PTE_DBM },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(leaves); i++) {
		u64 attrs = leaves[i].attrs | S2_WB | PTE_SH_INNER;

		printf("%s, %s\n", what, leaves[i].name);
		set(IPA, 3, (u64)data, attrs);
		access("  load", do_load, IPA + 8, 0, IPA);
		access("  then store", do_store, IPA + 16, 1, IPA);
		access("  then load", do_load, IPA + 16, 0, IPA);
		set(IPA, 3, (u64)data, attrs);
		access("  store", do_store, IPA + 24, 2, IPA);
		set(IPA, 3, (u64)data, attrs);
		access("  swap", do_swap, IPA + 32, 3, IPA);
	}
}

/* A block: one descriptor for what may be many below. */
static void blocks(void)
{
	u64 attrs = S2_R | PTE_DBM | S2_WB | PTE_SH_INNER;

	set(IPA_BLOCK, 2, (u64)block, attrs);
	access("block, load", do_load, IPA_BLOCK + 0x1000, 0, IPA_BLOCK);
	access("block, load elsewhere", do_load, IPA_BLOCK + 0x100000, 0, IPA_BLOCK);
	access("block, store", do_store, IPA_BLOCK + 0x3008, 4, IPA_BLOCK);
	access("block, store elsewhere", do_store, IPA_BLOCK + 0x1ff008, 5, IPA_BLOCK);
	printf("stored %lu %lu\n", block[0x3008 / 8], block[0x1ff008 / 8]);
}

/* Who looks for dirty pages cleans them again: the next store must be seen, too. */
static void harvest(void)
{
	unsigned int seen = 0;

	set(IPA, 3, (u64)data, S2_R | PTE_DBM | PTE_AF | S2_WB | PTE_SH_INNER);
	for (unsigned int i = 0; i < 5; i++) {
		u64 *leaf = pt_leaf(&s2, IPA, NULL);

		l2_call(do_store, IPA + 8 * i, i);
		seen += !!(*(volatile u64 *)leaf & S2_W);
		*leaf &= ~S2_W;
		dsb(ishst);
		asm volatile("tlbi ipas2e1is, %0\n dsb ish\n tlbi vmalle1is\n dsb ish\n isb"
			     : : "r"(IPA >> 12) : "memory");
	}
	printf("seen dirty %u of 5\n", seen);
}

static void fetch(void)
{
	u64 attrs = S2_R | S2_WB | PTE_SH_INNER;

	set(IPA, 3, (u64)code, attrs);
	access("fetch", (l2_fn)IPA, 0, 0, IPA);
	set(IPA, 3, (u64)code, attrs | PTE_DBM);
	access("fetch, clean", (l2_fn)IPA, 0, 0, IPA);
}

/* L2's own tables: read by its walks, and written where TCR_EL1.HA has the walk set the access flag. */
static void walks(const char *name, bool ha)
{
	u64 table, attrs = S2_R | PTE_DBM | S2_WB | PTE_SH_INNER;
	u64 *leaf = pt_leaf(&s1, S1_VA, NULL);

	table = (u64)leaf & ~0xfffUL;
	*leaf &= ~PTE_AF;
	*leaf |= ha ? 0 : PTE_AF;
	pt_map_at(&s2, IPA, (u64)data, S2_RW | S2_NORMAL, 3);
	set(table, 3, table, attrs);
	l2_mmu_on(&s1);
	if (ha)
		guest_write(guest_read(TCR) | BIT(39), TCR);
	isb();
	access(name, do_load, S1_VA, 0, table);
	l2_mmu_off();
	printf("its own leaf: af %lu\n", FIELD(*(volatile u64 *)leaf, 10, 10));
	set(table, 3, table, S2_RW | S2_NORMAL);
}

/*
 * What EL2's own AT instructions say of such leaves, and leave in them. (Of one that they may not write QEMU 10
 * says that it aborts.)
 */
static void say_at(const char *name, u64 ipa, const u64 *leaf)
{
	u64 desc = *(const volatile u64 *)leaf, par;

	isb();
	par = read_sysreg(par_el1);
	printf("%s %lx: par %lx af %lu ap %lu dbm %lu\n", name, ipa, par & ~(par & 1 ? 0 : 0xff00000000000380UL),
	       FIELD(desc, 10, 10), FIELD(desc, 7, 6), FIELD(desc, 51, 51));
}

static void ats(u64 va, u64 *leaf, const u64 *fresh, unsigned int nr)
{
	u64 hcr = read_sysreg(hcr_el2), out = *leaf & 0xfffffffff000UL;

	for (unsigned int i = 0; i < 2 * nr; i++) {
		*leaf = 0;
		dsb(ishst);
		asm volatile("tlbi vmalls12e1is\n dsb ish\n isb" : : : "memory");
		*leaf = out | fresh[i / 2] | PTE_SH_INNER | 3;
		dsb(ish);
		printf("leaf %lx ", fresh[i / 2]);
		write_sysreg(l2_hcr, hcr_el2);
		isb();
		if (i & 1)
			asm volatile("at s12e1w, %0" : : "r"(va) : "memory");
		else
			asm volatile("at s12e1r, %0" : : "r"(va) : "memory");
		isb();
		write_sysreg(hcr, hcr_el2);
		isb();
		say_at(i & 1 ? "s12e1w" : "s12e1r", va, leaf);
	}
}

static void address_translation(void)
{
	static const u64 second[] = {
		S2_RW | S2_WB, S2_R | S2_WB | PTE_DBM | PTE_AF, S2_R | S2_WB | PTE_DBM,
	};
	static const u64 first[] = {
		PTE_ATTR(ATTR_NORMAL),
		PTE_ATTR(0) | PTE_RDONLY | PTE_DBM | PTE_AF,
		PTE_ATTR(0) | PTE_RDONLY | PTE_DBM,
		PTE_ATTR(ATTR_NORMAL) | PTE_RDONLY | PTE_AF,
	};
	u64 *leaf = pt_leaf(&s1, S1_VA, NULL);

	ats(IPA, pt_leaf(&s2, IPA, NULL), second, ARRAY_SIZE(second));
	pt_map_at(&s2, IPA, (u64)data, S2_RW | S2_NORMAL, 3);
	l2_mmu_on(&s1);
	ats(S1_VA, leaf, first, ARRAY_SIZE(first));
	guest_write(guest_read(TCR) | 3UL << 39, TCR);
	isb();
	printf("TCR_EL1.{HA,HD}\n");
	ats(S1_VA, leaf, first, ARRAY_SIZE(first));
	l2_mmu_off();
	pt_map_at(&s1, S1_VA, IPA, PTE_NORMAL, 3);
}

static void with(const char *name, u64 vtcr)
{
	l2_set_stage2(&s2, 1);
	write_sysreg(s2_vtcr(&s2) | vtcr, vtcr_el2);
	isb();
	asm volatile("tlbi vmalls12e1is\n dsb ish\n isb" : : : "memory");
	pages(name);
}

void guest_main(void)
{
	u64 hafdbs = FIELD(read_sysreg(id_aa64mmfr1_el1), 3, 0);

	printf("HAFDBS %lu\n", hafdbs);
	mmu_init_el2();
	l2_init();
	data = pages_alloc(SZ_4K, SZ_4K);
	code = pages_alloc(SZ_4K, SZ_4K);
	block = pages_alloc(0x200000, 0x200000);
	*(u32 *)code = RET;
	pt_init(&s2, 12, 40, 1);
	s2.pages_only = true;
	pt_map(&s2, RAM, RAM, RAM_SIZE, S2_RW | S2_NORMAL);
	pt_map_at(&s2, IPA, (u64)data, S2_RW | S2_NORMAL, 3);
	pt_map_at(&s2, IPA_BLOCK, (u64)block, S2_RW | S2_NORMAL, 2);
	pt_init(&s1, 12, 39, 1);
	pt_map(&s1, RAM, RAM, RAM_SIZE, PTE_NORMAL);
	pt_map_at(&s1, S1_VA, IPA, PTE_NORMAL, 3);
	with("neither", 0);
	if (!hafdbs)
		return;
	with("HA", VTCR_HA);
	fetch();
	walks("walk", false);
	if (hafdbs < 2)
		return;
	with("HD alone", VTCR_HD);
	with("HA and HD", VTCR_HA | VTCR_HD);
	blocks();
	harvest();
	fetch();
	walks("walk", false);
	walks("walk that writes", true);
	address_translation();
}
