// SPDX-License-Identifier: GPL-2.0-only
/* unit: hyp/el2/printf.c -Dsnprintf=l0_snprintf -Dvsnprintf=l0_vsnprintf -Ihyp/include */
/* L0's printf against the C library's. */
#include <log.h>
#include <string.h>

#undef snprintf
#undef vsnprintf
#include "check.h"

int l0_snprintf(char *buf, size_t size, const char *fmt, ...);

#define SAME(...)                                                \
	do {                                                     \
		char a[128], b[128];                             \
		int n = l0_snprintf(a, sizeof(a), __VA_ARGS__);  \
		int m = (snprintf)(b, sizeof(b), __VA_ARGS__);   \
		CHECK(n == m && !strcmp(a, b));                  \
	} while (0)

int main(void)
{
	char buf[8];

	SAME("plain %% text");
	SAME("%d %d %d %i", 0, 2147483647, -2147483647 - 1, -7);
	SAME("%u %lu %llu", ~0U, ~0UL, ~0ULL);
	SAME("%ld %lld", -0x7fffffffffffffffL - 1, -0x7fffffffffffffffLL - 1);
	SAME("%x %X %lx %llx %#x %#llx", 0xabcu, 0xabcu, 0xdeadbeefUL, ~0ULL, 0x12u, 1ULL << 63);
	SAME("%08x|%8x|%-8x|%04x|%02x", 0x12u, 0x12u, 0x12u, 0xfffffu, 0u);
	SAME("%5d|%-5d|%05d", -12, -12, -12);
	SAME("%s|%10s|%-10s|%.2s|%c", "abc", "abc", "abc", "abc", 'x');
	SAME("%zu", (size_t)77);
	SAME("%p", (void *)0x1234);
	CHECK(l0_snprintf(buf, sizeof(buf), "0123456789") == 10 && !strcmp(buf, "0123456"));
	CHECK(l0_snprintf(buf, 1, "x") == 1 && !buf[0]);
	CHECK(l0_snprintf(NULL, 0, "abc%d", 5) == 4);
	return 0;
}
