// SPDX-License-Identifier: GPL-2.0-only
/* See unit.h. Deliberately shares no code with shadow/: what it builds is the test's own reading. */
#include "unit.h"

const char *unit_case = "";

static u64 state = 88172645463325252ULL;

void unit_seed(u64 seed)
{
	state = seed * 0x9e3779b97f4a7c15ULL + 88172645463325252ULL;
	for (int i = 0; i < 8; i++)
		rnd();
}

u64 rnd(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state * 0x2545f4914f6cdd1dULL;
}

u64 below(u64 n)
{
	return (rnd() >> 8) % n;
}

bool one_in(unsigned int n)
{
	return below(n) == 0;
}

u64 unit_args(int argc, char **argv, u64 rounds)
{
	unit_seed(argc > 1 ? strtoull(argv[1], NULL, 0) : 1);
	return argc > 2 ? strtoull(argv[2], NULL, 0) : rounds;
}

void gmem_init(struct gmem *m, u64 base, u64 size)
{
	*m = (struct gmem){ .base = base, .size = size, .fail_at = ~0ULL };
	m->mem = aligned_alloc(0x200000, size);
	CHECK(m->mem);
	memset(m->mem, 0, size);
}

void gmem_free(struct gmem *m)
{
	free(m->mem);
}

void gmem_reset(struct gmem *m)
{
	memset(m->mem, 0, m->next);
	m->next = m->reads = m->writes = 0;
	m->fail_at = ~0ULL;
	m->big_endian = false;
}

u64 gmem_take(struct gmem *m, u64 size, u64 align)
{
	u64 at = (m->base + m->next + align - 1) / align * align;

	m->next = at - m->base + size;
	CHECK(m->next <= m->size);
	return at;
}

static u64 *word(const struct gmem *m, u64 addr)
{
	if (addr < m->base || addr - m->base > m->size - 8 || addr % 8)
		return NULL;
	return (u64 *)(void *)(m->mem + (addr - m->base));
}

u64 gmem_get(const struct gmem *m, u64 addr)
{
	u64 *p = word(m, addr);

	CHECK(p);
	return m->big_endian ? __builtin_bswap64(*p) : *p;
}

void gmem_put(struct gmem *m, u64 addr, u64 desc)
{
	u64 *p = word(m, addr);

	CHECK(p);
	*p = m->big_endian ? __builtin_bswap64(desc) : desc;
}

int gmem_read(void *ctx, u64 addr, u64 *val)
{
	struct gmem *m = ctx;
	u64 *p = word(m, addr);

	CHECK(addr % 8 == 0);
	m->reads++;
	if (!p || addr == m->fail_at)
		return -EFAULT;
	*val = *p;
	return 0;
}

int gmem_cmpxchg(void *ctx, u64 addr, u64 old, u64 new)
{
	struct gmem *m = ctx;
	u64 *p = word(m, addr);

	if (!p)
		return -EFAULT;
	if (*p != old)
		return -EAGAIN;
	*p = new;
	m->writes++;
	return 0;
}

unsigned int shape_shift(const struct shape *s, int level)
{
	unsigned int shift = s->page_shift;

	for (; level < 3; level++)
		shift += s->page_shift - 3;
	return shift;
}

u64 shape_root_size(const struct shape *s)
{
	return 8ULL << (s->ia_bits - shape_shift(s, s->start_level));
}

u64 shape_addr(const struct shape *s, u64 addr)
{
	u64 low48 = addr & 0xffffffffffffULL;

	if (s->ds)
		return (addr & 0x3ffffffffffffULL) | (addr >> 50 & 3) << 8;
	if (s->oa52)
		return low48 | (addr >> 48 & 15) << 12;
	return low48;
}

u64 shape_find(struct gmem *m, const struct shape *s, u64 ia, int *level)
{
	u64 table = s->root;
	int want = *level;

	for (int l = s->start_level;; l++) {
		unsigned int shift = shape_shift(s, l);
		u64 index = ia >> shift, at, desc;

		if (l != s->start_level)
			index %= 1ULL << (s->page_shift - 3);
		at = table + 8 * index;
		desc = gmem_get(m, at);
		*level = l;
		if (l == want || (desc & 3) != 3)
			return at;
		table = desc & 0xffffffffffffULL & ~((1ULL << s->page_shift) - 1);
	}
}

u64 shape_map(struct gmem *m, const struct shape *s, u64 ia, int level, u64 desc, u64 table_bits)
{
	for (;;) {
		int got = level;
		u64 at = shape_find(m, s, ia, &got);

		if (got == level) {
			gmem_put(m, at, desc);
			return at;
		}
		CHECK(!(gmem_get(m, at) & 1));
		gmem_put(m, at,
			 shape_addr(s, gmem_take(m, 1ULL << s->page_shift, 1ULL << s->page_shift)) |
				 3 | table_bits);
	}
}
