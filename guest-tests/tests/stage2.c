// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stage 2 as this EL2 builds it, for every granule the CPU has and several start levels: what L2
 * reads through pages and blocks, and class, level, address, IPA of every fault.
 */
#include "l2.h"

#define RAM		0x40000000UL
#define RAM_SIZE	0x10000000UL
#define WINDOW		0x200000000UL	/* IPA, aligned to every block but level 1 of 16K, 64K */
#define BLOCK2		(WINDOW + 0x40000000UL)
#define BLOCK1		(WINDOW + 0x80000000UL)
#define HOLE2		(WINDOW + 0x100000000UL)	/* level 2 table without this entry */
#define TAG(n)		(0x7a60000000000000UL + (n))
#define BAD_OA		BIT(42)

enum { P_RW, P_RO, P_WO, P_NONE, P_XN, P_NOAF, P_INVALID, P_DEVICE, P_BADOA, P_RX, NPAGES };

static const char *const page_names[NPAGES] = {
	"rw", "ro", "wo", "none", "xn", "no-af", "invalid", "device", "bad-oa", "rx",
};
static const u64 page_attrs[NPAGES] = {
	S2_RW | S2_NORMAL, S2_R | S2_NORMAL, S2_W | S2_NORMAL, S2_NORMAL, S2_RW | S2_NORMAL | S2_XN,
	(S2_RW | S2_NORMAL) & ~PTE_AF, 0, S2_RW | S2_DEVICE | PTE_AF, S2_RW | S2_NORMAL,
	S2_R | S2_NORMAL,
};

L2_ASM(do_load, "ldr x0, [x0]")
L2_ASM(do_store, "str x1, [x0]")
L2_ASM(do_load_b, "ldrb w0, [x0]")
L2_ASM(do_swap, "ldxr x2, [x0]\n stxr w3, x1, [x0]\n mov x0, x2")
L2_ASM(do_zva, "dc zva, x0")
L2_ASM(do_call, "str x30, [sp, #-16]!\n blr x0\n ldr x30, [sp], #16")

static void *pool;			/* NPAGES pages of 64K, tagged, each starting with RET */

static u64 tagged(unsigned int n)
{
	return (u64)pool + n * SZ_64K;
}

static void map_pages(struct pgtable *s2)
{
	u64 page = 1UL << s2->granule;

	for (unsigned int i = 0; i < NPAGES; i++) {
		u64 out = i == P_BADOA ? BAD_OA : tagged(i);

		if (i != P_INVALID)
			pt_map_at(s2, WINDOW + i * page, out, page_attrs[i], 3);
	}
}

static void access_page(const char *name, u64 ipa)
{
	u64 v;

	v = l2_trace("load", do_load, ipa + 8, 0, L2_EL1, 0);
	if (v >> 48 == TAG(0) >> 48)
		printf("%s: loaded tag %lu\n", name, v - TAG(0));
	l2_trace("store", do_store, ipa + 16, 0x1234, L2_EL1, 0);
	l2_trace("store at EL0", do_store, ipa + 24, 0x5678, L2_EL0, 0);
	l2_trace("byte", do_load_b, ipa + 3, 0, L2_EL1, 0);
	l2_trace("zva", do_zva, ipa + 0x400, 0, L2_EL1, 0);
}

static void call_page(u64 ipa)
{
	struct vcpu v = l2_first_exit(do_call, ipa, 0, L2_EL1, 0);

	if (l2_done(&v))
		printf("fetch: ok\n");
	else
		l2_print_exit("fetch", &v);
}

static void pages(struct pgtable *s2)
{
	u64 page = 1UL << s2->granule;

	for (unsigned int i = 0; i < NPAGES; i++) {
		printf("page %s\n", page_names[i]);
		access_page(page_names[i], WINDOW + i * page);
		call_page(WINDOW + i * page);
	}
	l2_trace("across the end of a page", do_load, WINDOW + P_INVALID * page - 4, 0, L2_EL1, 0);
	printf("exclusive: %lx\n", l2_trace("exclusive", do_swap, WINDOW + 8, TAG(77), L2_EL1, 0));
	check_eq("stored by L2", *(u64 *)(tagged(P_RW) + 8), TAG(77));
	check_eq("stored by L2", *(u64 *)(tagged(P_RW) + 16), 0x1234);
	check_eq("not stored by L2", *(u64 *)(tagged(P_RO) + 16), 0);
	*(u64 *)(tagged(P_RW) + 8) = TAG(P_RW);
}

static void blocks(struct pgtable *s2)
{
	u64 size2 = 1UL << pt_shift(s2, 2);
	u64 magic = (u64)_text_start + 0x38;
	u64 off = magic & (size2 - 1);

	/* the image's own header, through blocks */
	pt_map_at(s2, BLOCK2, magic - off, S2_R | S2_NORMAL, 2);
	printf("level 2 block: %lx\n", l2_trace("block2", do_load, BLOCK2 + off, 0, L2_EL1, 0));
	l2_trace("block2 store", do_store, BLOCK2 + off, 0, L2_EL1, 0);
	off = magic - RAM;
	if (s2->granule == 12) {
		pt_map_at(s2, BLOCK1, RAM, S2_R | S2_NORMAL | S2_XN, 1);
		printf("level 1 block: %lx\n",
		       l2_trace("block1", do_load, BLOCK1 + off, 0, L2_EL1, 0));
		l2_trace("block1 store", do_store, BLOCK1 + off, 0, L2_EL1, 0);
		call_page(BLOCK1 + off);
	}
	pt_map_at(s2, HOLE2 + size2, RAM, (S2_R | S2_NORMAL) & ~PTE_AF, 2);
	l2_trace("hole beside a block", do_load, HOLE2 + 0x5008, 0, L2_EL1, 0);
	l2_trace("block without AF", do_load, HOLE2 + size2 + 0x5008, 0, L2_EL1, 0);
	l2_trace("hole further up", do_load, 0x8000000000UL + 0x123000, 0, L2_EL1, 0);
	l2_trace("beyond the IPA size", do_load, 1UL << s2->in_bits, 0, L2_EL1, 0);
}

/* A fault becomes a mapping, a mapping becomes another one: no stale answer without and with TLBI. */
static void remap(struct pgtable *s2)
{
	u64 ipa = WINDOW + P_INVALID * (1UL << s2->granule);
	struct vcpu v = l2_first_exit(do_load, ipa + 8, 0, L2_EL1, 0);

	l2_print_exit("before mapping", &v);
	pt_map_at(s2, ipa, tagged(P_RW), S2_R | S2_NORMAL, 3);
	l2_enter(&v, 0);
	printf("mapped on the fault: %lx\n", v.x[0]);
	l2_trace("read-only now", do_store, ipa + 32, 1, L2_EL1, 0);
	*pt_leaf(s2, ipa, NULL) |= S2_W;
	dsb(ishst);
	asm volatile("tlbi ipas2e1is, %0" : : "r"(ipa >> 12) : "memory");
	dsb(ish);
	asm volatile("tlbi vmalle1is" : : : "memory");
	dsb(ish);
	isb();
	l2_trace("writable now", do_store, ipa + 32, 1, L2_EL1, 0);
}

static void run(unsigned int granule, unsigned int in_bits, int start)
{
	struct pgtable s2;

	pt_init(&s2, granule, in_bits, start);
	printf("granule %lu in_bits %u start level %u\n", 1UL << granule, in_bits, s2.start);
	pt_map(&s2, RAM, RAM, RAM_SIZE, S2_RW | S2_NORMAL);
	map_pages(&s2);
	l2_set_stage2(&s2, granule);
	asm volatile("tlbi alle1" : : : "memory");
	dsb(nsh);
	isb();
	pages(&s2);
	blocks(&s2);
	remap(&s2);
}

/* HCR_EL2.PTW: no walk may use Device memory. The level is left out, QEMU 10.0 reports 0. */
static void protected_walk(void)
{
	u64 va = 0x1000000000UL + 5 * SZ_1G + 0x203008;	/* by way of "table device" */
	struct vcpu v;

	/* a load by address is allowed, so that the translation of the table is known */
	l2_mmu_off();
	l2_trace("table device by address", do_load, WINDOW + P_DEVICE * SZ_4K + 8, 0, L2_EL1,
		 HCR_PTW);
	guest_write(guest_read(SCTLR) | SCTLR_M | SCTLR_C | SCTLR_I, SCTLR);
	isb();
	v = l2_first_exit(do_load, va, 0, L2_EL1, HCR_PTW);
	printf("protected walk: %s %s s1ptw %lu fsc type %lx far %lx ipa %lx\n", vec_name(v.vec),
	       ec_name(v.esr), FIELD(v.esr, 7, 7), FIELD(v.esr, 5, 2), v.far,
	       FIELD(read_sysreg(hpfar_el2), 43, 4) << 12);
}

/* Faults of L2's stage 1 walk in stage 2. L2's tables lie where stage 2 has nothing, or too little. */
static void walks(void)
{
	static const struct {
		const char *name;
		unsigned int page;
	} rows[] = {
		{ "table invalid", P_INVALID }, { "table none", P_NONE }, { "table wo", P_WO },
		{ "table no-af", P_NOAF }, { "table ro", P_RO }, { "table device", P_DEVICE },
		{ "table xn", P_XN },
	};
	struct pgtable s2, s1;

	pt_init(&s2, 12, 40, 1);
	pt_map(&s2, RAM, RAM, RAM_SIZE, S2_RW | S2_NORMAL);
	map_pages(&s2);
	pt_init(&s1, 12, 39, -1);
	pt_map(&s1, RAM, RAM, RAM_SIZE, PTE_NORMAL);
	l2_set_stage2(&s2, 5);
	l2_mmu_on(&s1);
	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		u64 table = WINDOW + rows[i].page * SZ_4K;
		u64 va = 0x1000000000UL + i * SZ_1G;

		/* the level 2 table of va is that page; what it holds is no descriptor */
		*pt_leaf(&s1, va, NULL) = table | 3;
		dsb(ishst);
		l2_trace(rows[i].name, do_load, va + 0x3008, 0, L2_EL1, 0);
		l2_trace(rows[i].name, do_store, va + 0x3008, 0, L2_EL1, 0);
		call_page(va + 0x403000);
	}
	protected_walk();
	guest_write((WINDOW + P_INVALID * SZ_4K), TTBR0);
	isb();
	asm volatile("tlbi alle1" : : : "memory");
	dsb(nsh);
	isb();
	call_page(0x40201000);
	l2_mmu_off();
	l2_reset_el1();
}

void guest_main(void)
{
	u64 mmfr0 = read_sysreg(id_aa64mmfr0_el1);

	mmu_init_el2();
	l2_init();
	pool = pages_alloc(NPAGES * SZ_64K, SZ_64K);
	for (unsigned int i = 0; i < NPAGES; i++) {
		*(u32 *)tagged(i) = 0xd65f03c0;
		*(u64 *)(tagged(i) + 8) = TAG(i);
	}
	asm volatile("ic ialluis\n dsb ish\n isb" : : : "memory");
	run(12, 40, 1);
	run(12, 36, 1);
	run(12, 44, 0);
	if (FIELD(mmfr0, 23, 20))
		run(14, 40, -1);
	if (FIELD(mmfr0, 23, 20))
		run(14, 40, 2);
	if (FIELD(mmfr0, 27, 24) != 0xf)
		run(16, 40, -1);
	if (FIELD(mmfr0, 27, 24) != 0xf)
		run(16, 44, 1);
	walks();
}
