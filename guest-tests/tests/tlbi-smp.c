// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every TLBI that is for all CPUs, by CPU 0, while CPU 1 reads by the translation that goes: again and again,
 * without an exit or an instruction of its own that would make it look. Stage 2 of CPU 1's L2, its stage 1 (by EL2,
 * and by an L2 of CPU 0 with the same VMID), and EL2's own.
 */
#include "l2.h"
#include "smp.h"
#include "tlbi.h"

#define RAM		0x40000000UL
#define RAM_SIZE	0x10000000UL
#define WINDOW		0x200000000UL	/* two pages, as IPA and as VA of L2 */
#define ALIAS		0x50000000UL	/* the same as VA of EL2 */
#define PAGES		2
#define TAG(n)		(0x7a60000000000000UL + (n))
#define VMID		3
#define STACK_SIZE	16384

TLBI_TABLES(el1_rows, el2_rows, s2_rows, s12_rows)

u64 secondary_hcr;

enum { NOTHING, L2_PLAIN, L2_MMU, OWN };

static u8 stack[STACK_SIZE] __attribute__((aligned(16)));
static u64 pages[2][PAGES][SZ_4K / 8] __attribute__((aligned(4096)));
static struct pgtable s1, s2;
static volatile u64 phase, at_phase, strange;
static volatile struct {
	u64 value, stop, reads;
} shared;

/* x0: where shared is, x1: what to read. */
L2_ASM(read_forever,
       "1: ldr x2, [x1]\n str x2, [x0]\n"
       "ldr x3, [x0, #16]\n add x3, x3, #1\n str x3, [x0, #16]\n"
       "ldr x3, [x0, #8]\n cbz x3, 1b\n")

/* --- CPU 1 --- */

static void read_in_l2(void)
{
	struct vcpu v;

	l2_prepare(&v, read_forever, (u64)&shared, WINDOW, L2_EL1);
	l2_enter(&v, 0);
	strange += !l2_done(&v);
}

void secondary_main(void)
{
	mmu_init_el2();
	l2_reset_el1();
	l2_set_stage2(&s2, VMID);
	for (u64 last = NOTHING;;) {
		last = wait_not(&phase, last);
		if (last == L2_MMU)
			l2_mmu_on(&s1);
		if (last == OWN)
			read_forever((u64)&shared, ALIAS);
		else
			read_in_l2();
		barrier_write(&at_phase, last);
	}
}

/* --- CPU 0 --- */

static void begin(u64 what)
{
	shared.reads = 0;
	shared.stop = 0;
	barrier_write(&phase, what);
	while (!shared.reads)
		asm volatile("yield");
}

static void end(void)
{
	u64 what = phase;

	barrier_write(&shared.stop, 1);
	while (at_phase != what)
		asm volatile("yield");
	dsb(ish);
}

/* Whether the last but one read from now on has @tag: one may have begun before. */
static bool reads(u64 tag)
{
	u64 before = shared.reads, give_up = read_sysreg(cntpct_el0) + 10 * read_sysreg(cntfrq_el0);

	dsb(ish);
	while (shared.reads < before + 2 && read_sysreg(cntpct_el0) < give_up)
		asm volatile("yield");
	dsb(ish);
	return shared.reads >= before + 2 && shared.value == tag;
}

static bool for_all(const struct tlbi_row *r)
{
	unsigned int n = strlen(r->name), tlb = FIELD(read_sysreg(id_aa64isar0_el1), 59, 56);

	return r->name[n - 1] == 's' &&
	       (r->name[n - 2] == 'i' || (r->name[n - 2] == 'o' && tlb >= 1)) &&
	       (r->kind != TLBI_RANGE || tlb >= 2);
}

static u64 operand(const struct tlbi_row *r, u64 addr)
{
	if (r->name[0] == 'a' && r->name[1] == 's')
		return 0;
	return r->kind == TLBI_RANGE ? tlbi_range(addr, PAGES) : tlbi_page(addr);
}

static void change(struct pgtable *pt, u64 in, unsigned int set, u64 attrs,
		   const struct tlbi_row *r)
{
	for (unsigned int i = 0; i < PAGES; i++)
		*(volatile u64 *)pt_leaf(pt, in + i * SZ_4K, NULL) =
			(u64)pages[set][i] | attrs | PTE_VALID | PTE_TABLE;
	dsb(ishst);
	r->fn(operand(r, in));
	dsb(ish);
	isb();
}

/* There and back by each of them; how many were not seen. */
struct target {
	struct pgtable *pt;
	u64 in, attrs;
	bool also_s1;		/* what stage 1 has made of it must go, too */
	bool by_l2;		/* L2 does it */
};

static u64 change_in_l2(u64 row, u64 set)
{
	change(&s1, WINDOW, (unsigned int)set, PTE_NORMAL | PTE_NG, &el1_rows[row]);
	return 0;
}

static void each(const char *what, const struct target *t, const struct tlbi_row *rows, u64 n)
{
	u64 tried = 0, old = 0;

	for (u64 i = 0; i < 2 * n; i++) {
		const struct tlbi_row *r = &rows[i / 2];
		unsigned int set = i % 2 ? 0 : 1;

		if (!for_all(r))
			continue;
		if (t->by_l2)
			l2_call(change_in_l2, i / 2, set);
		else
			change(t->pt, t->in, set, t->attrs, r);
		if (t->also_s1) {
			tlbi_vmalle1is(0);
			dsb(ish);
			isb();
		}
		tried++;
		if (!reads(TAG(set))) {
			printf("old after %s\n", r->name);
			old++;
		}
	}
	printf("%s: %lu\n", what, tried);
	check_eq("old translations", old, 0);
}

static void tables(void)
{
	for (unsigned int set = 0; set < 2; set++)
		pages[set][0][0] = TAG(set);
	pt_init(&s2, 12, 40, 1);
	pt_map(&s2, RAM, RAM, RAM_SIZE, S2_RW | S2_NORMAL);
	pt_init(&s1, 12, 39, -1);
	pt_map(&s1, RAM, RAM, RAM_SIZE, PTE_NORMAL);
	for (unsigned int i = 0; i < PAGES; i++) {
		u64 page = (u64)pages[0][i];

		pt_map_at(&s2, WINDOW + i * SZ_4K, page, S2_RW | S2_NORMAL, 3);
		pt_map_at(&s1, WINDOW + i * SZ_4K, page, PTE_NORMAL | PTE_NG, 3);
		pt_map_at(&el2_low, ALIAS + i * SZ_4K, page, el2_normal(), 3);
	}
	dsb(ish);
	isb();
}

void guest_main(void)
{
	static const struct target stage2 = { &s2, WINDOW, S2_RW | S2_NORMAL, true, false };
	static const struct target both = { &s2, WINDOW, S2_RW | S2_NORMAL, false, false };
	static const struct target stage1 = { &s1, WINDOW, PTE_NORMAL | PTE_NG, false, false };
	static const struct target self = { &s1, WINDOW, 0, false, true };
	struct target own = { &el2_low, ALIAS, 0, false, false };
	u64 hcr;

	secondary_hcr = hcr = read_sysreg(hcr_el2);
	mmu_init_el2();
	l2_init();
	tables();
	own.attrs = el2_normal() | (vhe_mode ? PTE_NG : 0);
	l2_set_stage2(&s2, VMID);
	if (smccc(PSCI_CPU_ON, 1, (u64)secondary_entry, (u64)stack + STACK_SIZE))
		fail("CPU_ON");
	begin(L2_PLAIN);
	each("stage 2", &stage2, s2_rows, ARRAY_SIZE(s2_rows));
	each("stages 1 and 2", &both, s12_rows, ARRAY_SIZE(s12_rows));
	end();
	l2_mmu_on(&s1);
	begin(L2_MMU);
	each("stage 1 of L2", &stage1, el1_rows, ARRAY_SIZE(el1_rows));
	each("the same by L2", &self, el1_rows, ARRAY_SIZE(el1_rows));
	end();
	begin(OWN);
	each("EL2's own", &own, el2_rows, ARRAY_SIZE(el2_rows));
	if (vhe_mode) {
		write_sysreg(hcr | HCR_TGE, hcr_el2);
		isb();
		each("EL2's own under TGE", &own, el1_rows, ARRAY_SIZE(el1_rows));
		write_sysreg(hcr, hcr_el2);
		isb();
	}
	end();
	check_eq("other exits", strange, 0);
}
