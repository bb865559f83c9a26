/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The memory and string functions of C that the compiler, libfdt and L0 call. At any EL, with the
 * MMU off too: no unaligned access is ever made.
 *
 * A hosted compiler (unit tests) gets its own C library's header instead.
 */
#ifndef VEL2_STRING_H
#define VEL2_STRING_H

#if __STDC_HOSTED__
#include_next <string.h>
#else

#include <stddef.h>

void *memcpy(void *dst, const void *src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
void *memchr(const void *s, int c, size_t n);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strrchr(const char *s, int c);

#endif

#endif /* VEL2_STRING_H */
