/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What L0 says: one JSON object a line on the second PL011.
 *
 * All of it may be called at EL1 and EL2, with the MMU on or off, from any context, panic included.
 * Lines of different CPUs do not mix; a line that interrupts another one on the same CPU (a panic in
 * the middle of a line) begins on a line of its own and the reader drops the broken one.
 */
#ifndef LOG_H
#define LOG_H

#include <stdarg.h>
#include <types.h>

/* A line under construction: between json_begin() and json_end() this CPU's interrupts are masked. */
struct json {
	u64 daif;
	bool locked;	/* we hold the line's lock, and give it back */
	bool comma;	/* the next member needs one */
};

/* Begin {"t":"@type"...; every other call adds one member, or (in an array) an element if @key is NULL. */
void json_begin(struct json *j, const char *type);
void json_end(struct json *j);
/* Which L1 the record is about: "vm" and its number, nothing for the first one. */
void json_vm(struct json *j, unsigned int id);
void json_u64(struct json *j, const char *key, u64 val);
void json_hex(struct json *j, const char *key, u64 val); /* as a string, "0x.." */
void json_str(struct json *j, const char *key, const char *val);
void json_strn(struct json *j, const char *key, const char *val, size_t n);
void json_bool(struct json *j, const char *key, bool val);
void json_null(struct json *j, const char *key);
void json_obj(struct json *j, const char *key);
void json_obj_end(struct json *j);
void json_arr(struct json *j, const char *key);
void json_arr_end(struct json *j);
void json_fmt(struct json *j, const char *key, const char *fmt, ...) __printf(3, 4);

void log_info(const char *fmt, ...) __printf(1, 2);
void log_warn(const char *fmt, ...) __printf(1, 2);
void log_error(const char *fmt, ...) __printf(1, 2);

/* From now on other CPUs may log too: the line's lock is taken. MMU on (exclusives need it). */
void log_smp_init(void);

/* The user asked for what cannot be: {"t":"error","msg":..} and exit status 1. */
void __noreturn l0_fatal_user(const char *fmt, ...) __printf(1, 2);

#define STATUS_PANIC	2	/* L0 itself went wrong */

/*
 * End the machine. @status is what QEMU exits with if it offers semihosting; without, and on real
 * hardware, it powers off through PSCI.
 */
void __noreturn l0_exit(int status);

/* Reset the machine, L0 with it, through PSCI; power it off where that cannot be. */
void __noreturn l0_reset(void);

/*
 * Formatting: %s %c %d %i %u %x %p %% with l, ll, z, zero padding, width, '-', '#' (0x) and precision for
 * %s. The result is always terminated if @size is not 0; returns the length it wanted to have.
 */
int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap) __printf(3, 0);
int snprintf(char *buf, size_t size, const char *fmt, ...) __printf(3, 4);
void vformat(void (*out)(void *arg, char c), void *arg, const char *fmt, va_list ap) __printf(3, 0);

#endif
