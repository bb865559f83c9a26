// SPDX-License-Identifier: GPL-2.0-only
/* unit: hyp/el2/string.c -Dmemcpy=l0_memcpy -Dmemmove=l0_memmove -Dmemset=l0_memset -Dmemcmp=l0_memcmp -Dmemchr=l0_memchr -Dstrlen=l0_strlen -Dstrnlen=l0_strnlen -Dstrcmp=l0_strcmp -Dstrncmp=l0_strncmp -Dstrchr=l0_strchr -Dstrrchr=l0_strrchr -Ihyp/include */
/* L0's memory functions, at every alignment, against loops that are plainly right. */
#include <string.h>

#include "check.h"

static unsigned char a[64], b[64], want[64];

static void fill(void)
{
	unsigned int i;

	for (i = 0; i < 64; i++)
		a[i] = b[i] = want[i] = (unsigned char)(i * 7 + 3);
}

static int same(const unsigned char *x, const unsigned char *y)
{
	unsigned int i;

	for (i = 0; i < 64; i++) {
		if (x[i] != y[i])
			return 0;
	}
	return 1;
}

static void moves(unsigned int d, unsigned int s, unsigned int n)
{
	unsigned int i;

	fill();
	for (i = 0; i < n; i++)
		want[d + i] = b[s + i];
	CHECK(memcpy(a + d, b + s, n) == a + d);
	CHECK(same(a, want));
	fill();
	for (i = 0; i < n; i++)
		want[d + i] = b[s + i];
	CHECK(memmove(a + d, a + s, n) == a + d);
	CHECK(same(a, want));
}

static void sets(unsigned int d, unsigned int n)
{
	unsigned int i;

	fill();
	for (i = 0; i < n; i++)
		want[d + i] = 0xa5;
	CHECK(memset(a + d, 0x1a5, n) == a + d);
	CHECK(same(a, want));
}

static void strings(void)
{
	CHECK(strlen("") == 0 && strlen("abc") == 3);
	CHECK(strnlen("abc", 2) == 2 && strnlen("abc", 9) == 3 && strnlen("x", 0) == 0);
	CHECK(!strcmp("abc", "abc") && strcmp("abc", "abd") < 0 && strcmp("b", "abc") > 0);
	CHECK(strcmp("ab", "abc") < 0 && strcmp("\x80", "a") > 0);
	CHECK(!strncmp("abcx", "abcy", 3) && strncmp("abcx", "abcy", 4) < 0 && !strncmp("a", "b", 0));
	CHECK(!strncmp("ab", "ab", 9));
	CHECK(!memcmp("abc", "abd", 2) && memcmp("abc", "abd", 3) < 0 && memcmp("\x80", "a", 1) > 0);
	CHECK(strrchr("a/b/c", '/')[1] == 'c' && !strrchr("abc", '/'));
	CHECK(*(const char *)memchr("abc", 'b', 3) == 'b' && !memchr("abc", 'c', 2));
}

int main(void)
{
	unsigned int d, s, n;

	for (d = 0; d < 18; d++) {
		for (n = 0; n < 36; n++) {
			sets(d, n);
			for (s = 0; s < 18; s++)
				moves(d, s, n);
		}
	}
	strings();
	return 0;
}
