/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the unit tests of L0's pure parts share: checks, random numbers, and a piece of guest memory in
 * which tables of any granule can be built. For the build machine only.
 *
 * Each test_*.c is a program: `test_x [SEED [ROUNDS]]`, status 0 or a message and 1.
 */
#ifndef VEL2_UNIT_H
#define VEL2_UNIT_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <types.h>

extern const char *unit_case; /* named in a failure's message */

#define CHECK(cond)                                                                       \
	do {                                                                              \
		if (!(cond)) {                                                            \
			fprintf(stderr, "%s:%d: [%s] %s\n", __FILE__, __LINE__, unit_case, \
				#cond);                                                   \
			abort();                                                          \
		}                                                                         \
	} while (0)

#define CHECK_EQ(got, want)                                                                 \
	do {                                                                                \
		u64 got_ = (u64)(got), want_ = (u64)(want);                                 \
		if (got_ != want_) {                                                        \
			fprintf(stderr, "%s:%d: [%s] %s is 0x%llx, not 0x%llx\n", __FILE__, \
				__LINE__, unit_case, #got, got_, want_);                    \
			abort();                                                            \
		}                                                                           \
	} while (0)

/* Random numbers, the same for the same seed. */
void unit_seed(u64 seed);
u64 rnd(void);
u64 below(u64 n);             /* 0..n-1 */
bool one_in(unsigned int n);

/* SEED and ROUNDS of the command line. */
u64 unit_args(int argc, char **argv, u64 rounds);

/* ---- guest memory ---- */

/* [base, base+size) of a guest's physical memory; tables are taken from its start, upwards. */
struct gmem {
	u8 *mem;
	u64 base;
	u64 size;
	u64 next;        /* offset of the first byte not given away */
	u64 reads;
	u64 fail_at;     /* a read of this address takes an external abort; ~0: none */
	u64 writes;
	bool big_endian; /* descriptors are */
};

void gmem_init(struct gmem *m, u64 base, u64 size);
void gmem_free(struct gmem *m);
void gmem_reset(struct gmem *m);
/* Zeroed, aligned to `align`; its address. */
u64 gmem_take(struct gmem *m, u64 size, u64 align);
u64 gmem_get(const struct gmem *m, u64 addr);
void gmem_put(struct gmem *m, u64 addr, u64 desc);
/* For struct s2_mem_ops. */
int gmem_read(void *m, u64 addr, u64 *val);
int gmem_cmpxchg(void *m, u64 addr, u64 old, u64 new);

/* ---- tables of any shape ---- */

struct shape {
	unsigned int page_shift;
	unsigned int ia_bits;
	int start_level;
	bool ds;    /* descriptor format with bits 51:50 in 9:8 */
	bool oa52;  /* 64K format with bits 51:48 in 15:12 */
	u64 root;
};

unsigned int shape_shift(const struct shape *s, int level); /* log2 of a descriptor's reach */
u64 shape_root_size(const struct shape *s);                 /* bytes */
/* An address as a descriptor of this shape holds it. */
u64 shape_addr(const struct shape *s, u64 addr);
/*
 * Writes `desc` (complete) as ia's descriptor of `level`, with table descriptors (plus `table_bits`) on the
 * way. Returns the address of the descriptor.
 */
u64 shape_map(struct gmem *m, const struct shape *s, u64 ia, int level, u64 desc, u64 table_bits);
/* The address of ia's descriptor of `level`, or of the last one above it that is no table. */
u64 shape_find(struct gmem *m, const struct shape *s, u64 ia, int *level);

#endif /* VEL2_UNIT_H */
