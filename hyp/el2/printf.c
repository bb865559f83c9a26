// SPDX-License-Identifier: GPL-2.0-only
/*
 * A printf small enough to be right: integers, strings and characters.
 *
 * Pure: runs at any EL and on the build machine. An unknown conversion is printed as it stands, so that it is seen.
 */
#include <log.h>
#include <string.h>

struct spec {
	bool left, zero, alt, upper;
	int width, prec;	/* prec -1: none */
	int longs;		/* 0 int, 1 long, 2 long long */
};

struct sink {
	void (*out)(void *arg, char c);
	void *arg;
};

static void pad(const struct sink *s, char c, int n)
{
	while (n-- > 0)
		s->out(s->arg, c);
}

static void put_str(const struct sink *s, const struct spec *f, const char *str)
{
	int len, i;

	if (!str)
		str = "(null)";
	len = f->prec >= 0 ? (int)strnlen(str, (size_t)f->prec) : (int)strlen(str);
	if (!f->left)
		pad(s, ' ', f->width - len);
	for (i = 0; i < len; i++)
		s->out(s->arg, str[i]);
	if (f->left)
		pad(s, ' ', f->width - len);
}

static void put_num(const struct sink *s, const struct spec *f, u64 val, bool neg,
		    unsigned int base)
{
	const char *digits = f->upper ? "0123456789ABCDEF" : "0123456789abcdef";
	char buf[20];
	int n = 0, len, extra = neg + (f->alt && base == 16 ? 2 : 0);

	do {
		buf[n++] = digits[val % base];
		val /= base;
	} while (val);
	len = n + extra;
	if (!f->left && !f->zero)
		pad(s, ' ', f->width - len);
	if (neg)
		s->out(s->arg, '-');
	if (f->alt && base == 16) {
		s->out(s->arg, '0');
		s->out(s->arg, 'x');
	}
	if (!f->left && f->zero)
		pad(s, '0', f->width - len);
	while (n)
		s->out(s->arg, buf[--n]);
	if (f->left)
		pad(s, ' ', f->width - len);
}

static int parse_int(const char **fmt)
{
	int n = 0;

	for (; **fmt >= '0' && **fmt <= '9'; (*fmt)++) {
		if (n < 1000)
			n = n * 10 + (**fmt - '0');
	}
	return n;
}

/* Flags, width, precision and length, up to the conversion. */
static const char *parse_spec(struct spec *f, const char *fmt)
{
	*f = (struct spec){ .prec = -1 };
	for (;; fmt++) {
		if (*fmt == '-')
			f->left = true;
		else if (*fmt == '0')
			f->zero = true;
		else if (*fmt == '#')
			f->alt = true;
		else
			break;
	}
	f->width = parse_int(&fmt);
	if (*fmt == '.') {
		fmt++;
		f->prec = parse_int(&fmt);
	}
	for (; *fmt == 'l' || *fmt == 'z'; fmt++)
		f->longs++;
	return fmt;
}

static u64 arg_unsigned(const struct spec *f, va_list *ap)
{
	if (f->longs >= 2)
		return va_arg(*ap, unsigned long long);
	if (f->longs == 1)
		return va_arg(*ap, unsigned long);
	return va_arg(*ap, unsigned int);
}

static s64 arg_signed(const struct spec *f, va_list *ap)
{
	if (f->longs >= 2)
		return va_arg(*ap, long long);
	if (f->longs == 1)
		return va_arg(*ap, long);
	return va_arg(*ap, int);
}

static void convert(const struct sink *s, struct spec *f, char conv, va_list *ap)
{
	char c[2] = { 0, 0 };
	s64 v;

	switch (conv) {
	case 's':
		put_str(s, f, va_arg(*ap, const char *));
		break;
	case 'c':
		c[0] = (char)va_arg(*ap, int);
		put_str(s, f, c);
		break;
	case 'd':
	case 'i':
		v = arg_signed(f, ap);
		put_num(s, f, v < 0 ? 0 - (u64)v : (u64)v, v < 0, 10);
		break;
	case 'u':
		put_num(s, f, arg_unsigned(f, ap), false, 10);
		break;
	case 'X':
		f->upper = true;
		put_num(s, f, arg_unsigned(f, ap), false, 16);
		break;
	case 'x':
		put_num(s, f, arg_unsigned(f, ap), false, 16);
		break;
	case 'p':
		f->alt = true;
		put_num(s, f, (u64)(uintptr_t)va_arg(*ap, void *), false, 16);
		break;
	case '%':
		s->out(s->arg, '%');
		break;
	default:
		s->out(s->arg, '%');
		s->out(s->arg, conv);
	}
}

void vformat(void (*out)(void *arg, char c), void *arg, const char *fmt, va_list args)
{
	const struct sink s = { out, arg };
	struct spec f;
	va_list ap;

	va_copy(ap, args);
	for (; *fmt; fmt++) {
		if (*fmt != '%') {
			out(arg, *fmt);
			continue;
		}
		fmt = parse_spec(&f, fmt + 1);
		if (!*fmt)
			break;
		convert(&s, &f, *fmt, &ap);
	}
	va_end(ap);
}

struct buffer {
	char *buf;
	size_t size, len;
};

static void buffer_out(void *arg, char c)
{
	struct buffer *b = arg;

	if (b->len + 1 < b->size)
		b->buf[b->len] = c;
	b->len++;
}

int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
{
	struct buffer b = { buf, size, 0 };

	vformat(buffer_out, &b, fmt, ap);
	if (size)
		buf[b.len < size ? b.len : size - 1] = '\0';
	return (int)b.len;
}

int snprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(buf, size, fmt, ap);
	va_end(ap);
	return n;
}
