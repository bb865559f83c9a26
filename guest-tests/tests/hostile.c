// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stage 2 as an enemy of whoever is below would write it: roots anywhere, tables that contain
 * themselves and each other, every shape of VTCR_EL2, VMIDs by the thousand, TLBIs with every operand. What the
 * architecture answers to that is what is printed. append all=1: each operand with each TLBI, not by turns.
 */
#include "l2.h"
#include "tlbi.h"

#define RAM		0x40000000UL
#define RAM_SIZE	0x10000000UL	/* all that there is */
#define WINDOW		0x200000000UL
#define NVMIDS		3000
#define TAG		0x7a61UL

TLBI_EL1_ROWS(TLBI_DEFINE_ALL, TLBI_DEFINE_VA, TLBI_DEFINE_VA)
TLBI_EL2_ROWS(TLBI_DEFINE_ALL, TLBI_DEFINE_VA, TLBI_DEFINE_VA)
TLBI_S2_ROWS(TLBI_DEFINE_ALL, TLBI_DEFINE_VA, TLBI_DEFINE_VA)
TLBI_S12_ROWS(TLBI_DEFINE_ALL, TLBI_DEFINE_VA, TLBI_DEFINE_VA)

#define ROWS(list) list(TLBI_ROW_ALL, TLBI_ROW_VA, TLBI_ROW_RANGE)
static const struct tlbi_row tlbi_rows[] = {
	ROWS(TLBI_EL1_ROWS) ROWS(TLBI_EL2_ROWS) ROWS(TLBI_S2_ROWS) ROWS(TLBI_S12_ROWS)
};

/* The same without waiting for accesses with the XS attribute: CRn is 9. */
#define NXS(n, op1, crm, op2)							\
	static void nxs_##n(u64 operand)					\
	{									\
		asm volatile("sys #" #op1 ", c9, c" #crm ", #" #op2 ", %0"	\
			     : : "r"(operand) : "memory");			\
	}
#define NXS_ALL(n, op1, crm, op2)						\
	static void nxs_##n(u64 operand)					\
	{									\
		(void)operand;							\
		asm volatile("sys #" #op1 ", c9, c" #crm ", #" #op2 : : : "memory");	\
	}
TLBI_EL1_ROWS(NXS_ALL, NXS, NXS)
TLBI_EL2_ROWS(NXS_ALL, NXS, NXS)
TLBI_S2_ROWS(NXS_ALL, NXS, NXS)
TLBI_S12_ROWS(NXS_ALL, NXS, NXS)

#define NXS_FN(n, op1, crm, op2) nxs_##n,
#define NXS_FNS(list) list(NXS_FN, NXS_FN, NXS_FN)
static const tlbi_fn nxs_fns[] = {
	NXS_FNS(TLBI_EL1_ROWS) NXS_FNS(TLBI_EL2_ROWS) NXS_FNS(TLBI_S2_ROWS) NXS_FNS(TLBI_S12_ROWS)
};

static struct pgtable s2;
static u64 *page;

L2_ASM(do_load, "ldr x0, [x0]")
L2_ASM(do_store, "str x1, [x0]")

static void all_gone(void)
{
	dsb(ishst);
	asm volatile("tlbi alle1is\n dsb ish\n isb" : : : "memory");
}

/* The first exit of L2 that only fetches its first instruction, or what it loads. */
static void attempt(const char *name, u64 ipa)
{
	struct vcpu v = l2_first_exit(do_load, ipa, 0, L2_EL1, 0);

	if (l2_done(&v))
		printf("%s: %lx\n", name, v.x[0]);
	else
		l2_print_exit(name, &v);
}

static void roots(void)
{
	static const u64 at[] = {
		0x3ffff000,		/* before RAM */
		RAM + RAM_SIZE,		/* right behind it: where the machine below goes on, if there is one */
		RAM + RAM_SIZE + 0x600000, RAM + 2 * RAM_SIZE, 0x60000000, 0x100000000,
		0x10000000000, 0xfffffffff000,
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(at); i++) {
		l2_set_stage2(&s2, 5);
		write_sysreg(at[i] | 5UL << 48, vttbr_el2);
		isb();
		printf("root at %lx\n", at[i]);
		attempt("load", page[0]);
		/* as an output and as a table, too */
		l2_set_stage2(&s2, 5);
		*pt_leaf(&s2, WINDOW, NULL) = (at[i] & PTE_ADDR) | S2_RW | S2_NORMAL | 3;
		all_gone();
		attempt("leaf", WINDOW);
	}
	/* not aligned to its size, and with every bit that is no address */
	for (unsigned int bit = 0; bit < 64; bit++) {
		if (bit == 39)		/* the virt machine has PCIe devices there */
			continue;
		write_sysreg((u64)s2.root | 5UL << 48 | BIT(bit), vttbr_el2);
		isb();
		printf("VTTBR bit %u ", bit);
		attempt("load", WINDOW + SZ_4K);
	}
}

/* Entries that lead back to their own table: each walk ends, at the latest at level 3. */
static void loops(void)
{
	const u64 ipas[] = { 0, (u64)page, 0x8040201000, 0x40201000, 0x201000, 0x1000, 0x3000 };
	u64 *a = pages_alloc(SZ_64K, SZ_64K), *b = a + 512, *root = pages_alloc(SZ_4K, SZ_4K);
	struct pgtable pt = s2;

	/* 39 bits: one root of a page, level 1 */
	pt.in_bits = 39;
	pt.root = root;
	root[1] = (RAM & PTE_ADDR) | S2_RW | S2_NORMAL | PTE_VALID;	/* the code, as a gigabyte */
	root[0] = (u64)root | 3;
	root[2] = (u64)a | 3;
	for (unsigned int i = 0; i < 512; i++) {
		a[i] = (u64)(i & 1 ? a : b) | S2_RW | S2_NORMAL | 3;
		b[i] = (u64)(i & 2 ? a : root) | S2_RW | S2_NORMAL | 3;
	}
	l2_set_stage2(&pt, 6);
	all_gone();
	for (unsigned int i = 0; i < ARRAY_SIZE(ipas); i++) {
		printf("loop at %lx ", ipas[i]);
		attempt("load", ipas[i]);
		printf("loop at %lx ", 2UL << 30 | ipas[i]);
		attempt("load", 2UL << 30 | (ipas[i] & 0x3fffffff));
	}
	/* L2 rewrites the table that it runs on: root[0] with what maps nothing */
	root[0] = (u64)a | 3;
	a[0] = (u64)b | 3;
	b[0] = (u64)root | S2_RW | S2_NORMAL | 3;
	all_gone();
	printf("L2 writes its own root: ");
	l2_trace("store", do_store, 0, 0, L2_EL1, 0);
	attempt("before the TLBI", (u64)page);
	all_gone();
	attempt("after it", 0);
	l2_set_stage2(&s2, 5);
}

/* Every size, start level, granule and output size; bits of one number a line where all agree. */
static void shapes(void)
{
	for (u64 tg = 0; tg < 4; tg++) {
		for (u64 sl = 0; sl < 4; sl++) {
			printf("TG0 %lu SL0 %lu:", tg, sl);
			for (u64 tsz = 16; tsz < 64; tsz += 2) {
				struct vcpu v;

				write_sysreg(BIT(31) | 2UL << 16 | tg << 14 | 3UL << 12 | 5UL << 8 |
						     sl << 6 | tsz, vtcr_el2);
				isb();
				v = l2_first_exit(do_load, WINDOW, 0, L2_EL1, 0);
				printf(" %lx", l2_done(&v) ? 0 : FIELD(v.esr, 5, 0));
			}
			printf("\n");
		}
	}
	for (u64 ps = 0; ps < 8; ps++) {
		write_sysreg((s2_vtcr(&s2) & ~(7UL << 16)) | ps << 16, vtcr_el2);
		isb();
		printf("PS %lu ", ps);
		attempt("load", WINDOW + SZ_4K);
	}
	for (unsigned int bit = 19; bit < 64; bit++) {
		write_sysreg(s2_vtcr(&s2) ^ BIT(bit), vtcr_el2);
		isb();
		printf("VTCR bit %u ", bit);
		attempt("load", WINDOW + SZ_4K);
	}
	l2_set_stage2(&s2, 5);
}

static void vmids(void)
{
	unsigned int good = 0;

	for (u64 i = 0; i < NVMIDS; i++) {
		l2_set_stage2(&s2, (i * 257) & 0xff);
		write_sysreg(s2_vtcr(&s2) | (i & 1 ? BIT(19) : 0), vtcr_el2);
		write_sysreg((u64)s2.root | (i * 257) << 48, vttbr_el2);
		isb();
		good += l2_call(do_load, WINDOW + (i & 7) * SZ_4K, 0) == TAG + (i & 7);
	}
	printf("%u VMIDs: %u right\n", NVMIDS, good);
	l2_set_stage2(&s2, 5);
}

/* --- TLBIs: nothing but more walks follows from one, whatever it says --- */

static unsigned int tlbis, wrong;
static bool all;

static bool undefined(struct vcpu *ctx)
{
	if (ESR_EC(ctx->esr) != EC_UNKNOWN)
		return false;
	ctx->pc += 4;
	return true;
}

/* And now and then the other one, and an L2 whose translations they may have been about. */
static void tlbi(unsigned int row, const struct tlbi_row *r, u64 operand)
{
	u64 page_no = tlbis++ % 8;

	r->fn(operand);
	if (tlbis % 16 == 0)
		nxs_fns[row](operand);
	dsb(ish);
	isb();
	if (tlbis % 32 == 0)
		wrong += l2_call(do_load, WINDOW + page_no * SZ_4K, 0) != TAG + page_no;
}

/* Number @i of what row @row would do with all=1; without, each row takes its share of them, and all rows together all. */
static bool turn(unsigned int row, unsigned int i, unsigned int of)
{
	return all || i % of == row % of;
}

/* Each bit, none, all; ASIDs and TTL hints with addresses that are mapped; anything. */
static void operands_of_va(unsigned int row, const struct tlbi_row *r)
{
	static const u64 addrs[] = { WINDOW >> 12, RAM >> 12, (RAM + RAM_SIZE) >> 12, 0,
				     MASK(43, 0) };

	for (unsigned int bit = 0; bit < 64; bit++)
		if (turn(row, bit, 2))
			tlbi(row, r, BIT(bit));
	for (unsigned int i = 0; i < 16 * ARRAY_SIZE(addrs); i++) {
		u64 ttl = i % 16, addr = addrs[i / 16];

		if (turn(row, i, 8)) {
			tlbi(row, r, ttl << 44 | addr);
			tlbi(row, r, 0xffffUL << 48 | ttl << 44 | addr);
		}
	}
	tlbi(row, r, 0);
	tlbi(row, r, ~0UL);
	tlbi(row, r, rnd());
}

/* Each granule (the one that is none, too), scale and TTL hint, with numbers at the limits, from each place. */
static void operands_of_range(unsigned int row, const struct tlbi_row *r)
{
	static const u64 nums[] = { 0, 1, 15, 30, 31 }, bases[] = { WINDOW >> 12, 0, MASK(36, 0) };

	for (unsigned int i = 0; i < 4 * 4 * 4 * ARRAY_SIZE(nums) * ARRAY_SIZE(bases); i++) {
		u64 num = nums[i / 64 % ARRAY_SIZE(nums)], base = bases[i / 64 / ARRAY_SIZE(nums)];
		u64 tg = i & 3, scale = i >> 2 & 3, ttl = i >> 4 & 3;

		if (turn(row, i, 31))
			tlbi(row, r, tg << 46 | scale << 44 | num << 39 | ttl << 37 | base);
	}
	for (unsigned int bit = 0; bit < 64; bit++)
		if (turn(row, bit, 4))
			tlbi(row, r, BIT(bit));
	tlbi(row, r, ~0UL);
	tlbi(row, r, rnd());
}

/* Those that the CPU does not have are undefined; FEAT_XS gives each a second one. */
static void operands(void)
{
	all = arg_is("all", "1");
	exc_set_hook(undefined);
	for (unsigned int i = 0; i < ARRAY_SIZE(tlbi_rows); i++) {
		const struct tlbi_row *r = &tlbi_rows[i];

		if (r->kind == TLBI_ALL)
			tlbi(i, r, 0);
		else if (r->kind == TLBI_VA)
			operands_of_va(i, r);
		else
			operands_of_range(i, r);
	}
	exc_set_hook(NULL);
	printf("TLBIs of every operand: %u, %u wrong afterwards\n", tlbis, wrong);
}

void guest_main(void)
{
	/* What a loader left at RAM's beginning, where some of these tables lead, is not ours. */
	memset((void *)RAM, 0, SZ_64K);
	mmu_init_el2();
	l2_init();
	page = pages_alloc(8 * SZ_4K, SZ_4K);
	pt_init(&s2, 12, 40, 1);
	pt_map(&s2, RAM, RAM, RAM_SIZE, S2_RW | S2_NORMAL);
	for (unsigned int i = 0; i < 8; i++) {
		page[i * 512] = TAG + i;
		pt_map_at(&s2, WINDOW + i * SZ_4K, (u64)page + i * SZ_4K, S2_RW | S2_NORMAL, 3);
	}
	roots();
	loops();
	shapes();
	pt_map_at(&s2, WINDOW, (u64)page, S2_RW | S2_NORMAL, 3);
	all_gone();
	vmids();
	operands();
}
