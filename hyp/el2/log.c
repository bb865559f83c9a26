// SPDX-License-Identifier: GPL-2.0-only
/*
 * JSON lines on L0's serial port.
 *
 * Runs at EL1 and EL2, MMU on or off, from any context. A line is written under one lock that knows
 * its owner, with interrupts masked. Whoever finds that its own CPU owns the lock (an exception in
 * the middle of a line), or waits longer than any line takes (the owner is stuck), writes without
 * it, beginning with a newline: a panic must get out.
 */
#include <log.h>
#include <string.h>
#include <uart.h>

#define SPIN_LIMIT	(1UL << 26)

static bool smp;
static u32 line_owner;	/* 0: free, else the owner's this_cpu() */

static u64 daif_save_mask(void)
{
	u64 daif;

	asm volatile("mrs %0, daif\n\tmsr daifset, #3" : "=r"(daif) : : "memory");
	return daif;
}

static void daif_restore(u64 daif)
{
	asm volatile("msr daif, %0" : : "r"(daif) : "memory");
}

/* Anything but 0 that differs between CPUs: no per-CPU data, which may not be set up. */
static u32 this_cpu(void)
{
	u64 mpidr;

	asm("mrs %0, mpidr_el1" : "=r"(mpidr));
	return (u32)((mpidr & 0xffffff) | ((mpidr >> 32) & 0xff) << 24) + 1;
}

static bool line_lock(void)
{
	u32 me = this_cpu(), none;
	unsigned long i;

	for (i = 0; i < SPIN_LIMIT; i++) {
		none = 0;
		if (__atomic_compare_exchange_n(&line_owner, &none, me, true, __ATOMIC_ACQUIRE,
						__ATOMIC_RELAXED))
			return true;
		if (none == me)
			break;
	}
	uart_putc('\n');
	return false;
}

static void line_unlock(void)
{
	__atomic_store_n(&line_owner, 0, __ATOMIC_RELEASE);
}

void log_smp_init(void)
{
	smp = true;
}

static void puts_raw(const char *s)
{
	while (*s)
		uart_putc(*s++);
}

static void out_raw(void *arg, char c)
{
	(void)arg;
	uart_putc(c);
}

static void __printf(1, 2) put_fmt(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vformat(out_raw, NULL, fmt, ap);
	va_end(ap);
}

/* One byte of a JSON string. Bytes from a guest or a file may be anything: all but ASCII is escaped. */
static void out_escaped(void *arg, char ch)
{
	u8 c = (u8)ch;

	(void)arg;
	if (c == '"' || c == '\\') {
		uart_putc('\\');
		uart_putc((char)c);
	} else if (c == '\n') {
		puts_raw("\\n");
	} else if (c < 0x20 || c >= 0x7f) {
		put_fmt("\\u%04x", c);
	} else {
		uart_putc((char)c);
	}
}

static void put_key(struct json *j, const char *key)
{
	if (j->comma)
		uart_putc(',');
	j->comma = true;
	if (key)
		put_fmt("\"%s\":", key);
}

void json_begin(struct json *j, const char *type)
{
	j->daif = daif_save_mask();
	j->locked = smp && line_lock();
	j->comma = false;
	uart_putc('{');
	json_str(j, "t", type);
}

void json_end(struct json *j)
{
	puts_raw("}\n");
	if (j->locked)
		line_unlock();
	daif_restore(j->daif);
}

void json_u64(struct json *j, const char *key, u64 val)
{
	put_key(j, key);
	put_fmt("%llu", val);
}

void json_vm(struct json *j, unsigned int id)
{
	if (id)
		json_u64(j, "vm", id);
}

void json_hex(struct json *j, const char *key, u64 val)
{
	put_key(j, key);
	put_fmt("\"0x%llx\"", val);
}

void json_strn(struct json *j, const char *key, const char *val, size_t n)
{
	put_key(j, key);
	uart_putc('"');
	while (n--)
		out_escaped(NULL, *val++);
	uart_putc('"');
}

void json_str(struct json *j, const char *key, const char *val)
{
	json_strn(j, key, val, strlen(val));
}

void json_bool(struct json *j, const char *key, bool val)
{
	put_key(j, key);
	puts_raw(val ? "true" : "false");
}

void json_null(struct json *j, const char *key)
{
	put_key(j, key);
	puts_raw("null");
}

static void open(struct json *j, const char *key, char c)
{
	put_key(j, key);
	uart_putc(c);
	j->comma = false;
}

static void close(struct json *j, char c)
{
	uart_putc(c);
	j->comma = true;
}

void json_obj(struct json *j, const char *key)
{
	open(j, key, '{');
}

void json_obj_end(struct json *j)
{
	close(j, '}');
}

void json_arr(struct json *j, const char *key)
{
	open(j, key, '[');
}

void json_arr_end(struct json *j)
{
	close(j, ']');
}

static __printf(3, 0) void json_vfmt(struct json *j, const char *key, const char *fmt, va_list ap)
{
	put_key(j, key);
	uart_putc('"');
	vformat(out_escaped, NULL, fmt, ap);
	uart_putc('"');
}

void json_fmt(struct json *j, const char *key, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	json_vfmt(j, key, fmt, ap);
	va_end(ap);
}

#define LOG_LEVEL(name, level)                 \
	void name(const char *fmt, ...)        \
	{                                      \
		struct json j;                 \
		va_list ap;                    \
                                               \
		json_begin(&j, "log");         \
		json_str(&j, "level", level);  \
		va_start(ap, fmt);             \
		json_vfmt(&j, "msg", fmt, ap); \
		va_end(ap);                    \
		json_end(&j);                  \
	}

LOG_LEVEL(log_info, "info")
LOG_LEVEL(log_warn, "warn")
LOG_LEVEL(log_error, "error")

void l0_fatal_user(const char *fmt, ...)
{
	struct json j;
	va_list ap;

	json_begin(&j, "error");
	va_start(ap, fmt);
	json_vfmt(&j, "msg", fmt, ap);
	va_end(ap);
	json_end(&j);
	l0_exit(1);
}
