// SPDX-License-Identifier: GPL-2.0-only
/*
 * The checking build's oracle of the shadow stage 2: silent where all is well, through faults, TLBIs and
 * reclaims; and it speaks when a shadow is not what it should be.
 *
 * unit: harness/tests/unit/unit.c harness/tests/unit/l1_model.c harness/tests/unit/tlb_model.c shadow/page_pool.c shadow/s1_walk.c shadow/s2_walk.c shadow/s2_table.c shadow/s2_mmu.c shadow/s2_fault.c shadow/s2_tlbi.c shadow/check.c -DCONFIG_CHECK -idirafter hyp/include -Ishadow
 */
#include "l1_model.h"

#include <check.h>
#include <setjmp.h>

#define S2_SYS_ALLE1IS S2_SYS(4, 8, 3, 4)
#define S2_SYS_IPAS2E1IS S2_SYS(4, 8, 0, 1)

static jmp_buf spoke;
static bool expected;
static const char *said;

void __noreturn check_failed(const char *what, u64 is, u64 should_be)
{
	if (!expected) {
		fprintf(stderr, "[%s] %s: 0x%llx, 0x%llx\n", unit_case, what, is, should_be);
		abort();
	}
	said = what;
	longjmp(spoke, 1);
}

/* @call must make the oracle say something that begins with @words. */
#define SPEAKS(words, call)                                            \
	do {                                                           \
		expected = true;                                       \
		said = "";                                             \
		if (!setjmp(spoke))                                    \
			call;                                          \
		expected = false;                                      \
		CHECK_EQ(strncmp(said, words, sizeof(words) - 1), 0);  \
	} while (0)

/* The hardware's descriptor of @ia, a page. */
static u64 *leaf_of(const struct s2_mmu *mmu, u64 ia)
{
	u64 *table = mmu->table.root;

	for (int level = mmu->table.start_level;; level++) {
		unsigned int shift = 12 + 9 * (unsigned int)(3 - level);
		u64 *p = &table[level == mmu->table.start_level ? ia >> shift :
								  (ia >> shift) & 511];

		if (level == 3)
			return p;
		table = (u64 *)(uintptr_t)(*p & GENMASK_ULL(47, 12));
	}
}

static void silent(u64 rounds)
{
	static const struct {
		unsigned int page_shift, ia_bits;
		int start;
	} shapes[] = { { 12, 40, 1 }, { 12, 44, 0 }, { 14, 40, 2 }, { 16, 40, 2 }, { 12, 39, 1 } };
	struct s2_mmu *mmu[ARRAY_SIZE(shapes)];
	struct stage2 x[ARRAY_SIZE(shapes)];
	struct s2_guest g[ARRAY_SIZE(shapes)];

	unit_case = "silent";
	l1_start(60, ARRAY_SIZE(shapes), 48);
	for (unsigned int i = 0; i < ARRAY_SIZE(shapes); i++) {
		x[i] = l1_stage2(shapes[i].page_shift, shapes[i].ia_bits, shapes[i].start, 7 + i);
		g[i] = l1_guest(&x[i]);
		for (u64 n = 0; n < 40; n++)
			l1_map(&x[i], n << 25, (n & 1) && shapes[i].page_shift == 12 ? 2 : 3,
			       FAR_IPA + (n << 25),
			       AF | (rnd() & (S2_R | S2_W | 3ULL << 53)) | (n & 15) << 2 | 3 << 8);
		mmu[i] = lookup_s2_mmu(&vm, &g[i]);
	}
	for (u64 n = 0; n < rounds; n++) {
		unsigned int i = (unsigned int)below(ARRAY_SIZE(shapes));
		u64 ia = below(40) << 25;
		struct s2_fault_result out;

		l1_fault(mmu[i], ia, one_in(2) ? S2_ACC_READ : S2_ACC_WRITE, &out);
		if (one_in(8))
			s2_emulate_tlbi(&vm, &g[i], S2_SYS_IPAS2E1IS, ia >> 12);
		if (one_in(100))
			s2_emulate_tlbi(&vm, &g[i], S2_SYS_ALLE1IS, 0);
	}
	CHECK(vm.stats.mapped > 100 && vm.stats.tlbi > 10);
}

static void speaks(void)
{
	struct stage2 x;
	struct s2_guest g;
	struct s2_mmu *mmu;
	u64 ia = 0x10000, *leaf, good;

	unit_case = "speaks";
	l1_start(0, 4, 48);
	x = l1_stage2(12, 40, 1, 7);
	g = l1_guest(&x);
	l1_map(&x, ia, 3, FAR_IPA, AF | S2_R | 0xf << 2 | 3 << 8);
	mmu = lookup_s2_mmu(&vm, &g);
	SPEAKS("shadow: a fresh leaf", check_mapped(mmu, ia));
	l2_touch(mmu, ia, S2_ACC_READ);
	leaf = leaf_of(mmu, ia);
	good = *leaf;
	check_mapped(mmu, ia);
	check_shadow(mmu);

	*leaf = good + SZ_4K;
	SPEAKS("shadow: address", check_mapped(mmu, ia));
	*leaf = good | S2_W;
	SPEAKS("shadow: permissions", check_mapped(mmu, ia));
	*leaf = good ^ 2ULL << 53;
	SPEAKS("shadow: permissions", check_mapped(mmu, ia));
	*leaf = good ^ 2 << 2;
	SPEAKS("shadow: memory type", check_mapped(mmu, ia));
	/* L0's own: the pool that the tables themselves are from. */
	*leaf = (good & ~GENMASK_ULL(47, 12)) | (u64)(uintptr_t)pool.base;
	SPEAKS("shadow: leaf of memory", check_shadow(mmu));
	*leaf = good;
	leaf[1] = good;
	SPEAKS("shadow: valid descriptors", check_shadow(mmu));
	leaf[1] = 0;
	mmu->table.leaves++;
	SPEAKS("shadow: leaves", check_shadow(mmu));
	mmu->table.leaves--;
	check_shadow(mmu);
	SPEAKS("shadow: leaf after", check_tlbi(&vm, &g, S2_SYS_IPAS2E1IS, ia >> 12));
	SPEAKS("shadow: leaves after", check_tlbi(&vm, &g, S2_SYS_ALLE1IS, 0));
	/* L1 took it away without a TLBI: nothing wrong, but not to be mapped now. */
	l1_map(&x, ia, 3, 0, 0);
	check_shadow(mmu);
	s2_mmu_put(mmu);
}

int main(int argc, char **argv)
{
	u64 rounds = unit_args(argc, argv, 3000);

	l1_create();
	silent(rounds);
	speaks();
	l1_destroy();
	return 0;
}
