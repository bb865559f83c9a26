// SPDX-License-Identifier: GPL-2.0-only
/* The few string functions the compiler and the programs need; safe with the MMU off. */
#include "lib.h"

void *memcpy(void *dst, const void *src, size_t n)
{
	u8 *d = dst;
	const u8 *s = src;

	if (!(((u64)d | (u64)s) & 7))
		for (; n >= 8; n -= 8, d += 8, s += 8)
			*(u64 *)d = *(const u64 *)s;
	while (n--)
		*d++ = *s++;
	return dst;
}

void *memset(void *dst, int c, size_t n)
{
	u64 word = 0x0101010101010101UL * (u8)c;
	u8 *d = dst;

	if (!((u64)d & 7))
		for (; n >= 8; n -= 8, d += 8)
			*(u64 *)d = word;
	while (n--)
		*d++ = (u8)c;
	return dst;
}

int strcmp(const char *a, const char *b)
{
	for (; *a && *a == *b; a++, b++)
		;
	return (u8)*a - (u8)*b;
}

size_t strlen(const char *s)
{
	size_t n = 0;

	while (s[n])
		n++;
	return n;
}
