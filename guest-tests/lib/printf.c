// SPDX-License-Identifier: GPL-2.0-only
/* A small printf: %c %s %d %u %x %p %%, a width with zero or space padding, l and ll, -. */
#include <stdarg.h>
#include "lib.h"

struct spec {
	unsigned int width;
	bool zero, left, wide;
};

static void pad(unsigned int used, unsigned int width, char with)
{
	for (; used < width; used++)
		putc(with);
}

static void put_string(const char *s, const struct spec *sp)
{
	unsigned int n = strlen(s);

	if (!sp->left)
		pad(n, sp->width, ' ');
	while (*s)
		putc(*s++);
	if (sp->left)
		pad(n, sp->width, ' ');
}

static void put_number(u64 v, unsigned int base, bool negative, const struct spec *sp)
{
	char buf[24];
	unsigned int n = 0;
	unsigned int len;

	do {
		buf[n++] = "0123456789abcdef"[v % base];
		v /= base;
	} while (v);
	len = n + negative;
	if (!sp->zero && !sp->left)
		pad(len, sp->width, ' ');
	if (negative)
		putc('-');
	if (sp->zero)
		pad(len, sp->width, '0');
	while (n)
		putc(buf[--n]);
	if (sp->left)
		pad(len, sp->width, ' ');
}

static const char *parse_spec(const char *f, struct spec *sp)
{
	*sp = (struct spec){ 0 };
	for (; *f == '0' || *f == '-'; f++) {
		sp->zero |= *f == '0';
		sp->left |= *f == '-';
	}
	for (; *f >= '0' && *f <= '9'; f++)
		sp->width = sp->width * 10 + (*f - '0');
	for (; *f == 'l' || *f == 'z'; f++)
		sp->wide = true;
	return f;
}

static void put_signed(s64 v, const struct spec *sp)
{
	put_number(v < 0 ? -(u64)v : (u64)v, 10, v < 0, sp);
}

void printf(const char *fmt, ...)
{
	struct spec sp;
	va_list ap;

	va_start(ap, fmt);
	for (; *fmt; fmt++) {
		if (*fmt != '%') {
			putc(*fmt);
			continue;
		}
		fmt = parse_spec(fmt + 1, &sp);
		switch (*fmt) {
		case 'c':
			putc((char)va_arg(ap, int));
			break;
		case 's':
			put_string(va_arg(ap, const char *), &sp);
			break;
		case 'd':
			put_signed(sp.wide ? va_arg(ap, s64) : va_arg(ap, int), &sp);
			break;
		case 'u':
			put_number(sp.wide ? va_arg(ap, u64) : va_arg(ap, unsigned int), 10, false,
				   &sp);
			break;
		case 'x':
			put_number(sp.wide ? va_arg(ap, u64) : va_arg(ap, unsigned int), 16, false,
				   &sp);
			break;
		case 'p':
			put_number((u64)va_arg(ap, void *), 16, false, &sp);
			break;
		case 0:
			fmt--;
			break;
		default:
			putc(*fmt);
		}
	}
	va_end(ap);
}
