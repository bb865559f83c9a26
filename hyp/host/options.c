// SPDX-License-Identifier: GPL-2.0-only
/*
 * L0's options. Pure: also runs on the build machine; with the MMU off, so no unaligned access.
 */
#include <errno.h>
#include <idfeatures.h>
#include <log.h>
#include <options.h>
#include <string.h>

struct choice {
	const char *name;
	int value;
};

static const struct choice hosts[] = { { "vhe", HOST_VHE }, { "nvhe", HOST_NVHE }, {} };
static const struct choice mechs[] = { { "nv2", MECH_NV2 }, { "nv", MECH_NV },
				       { "pv", MECH_PV }, {} };
static const struct choice pv_ways[] = { { "trap", false }, { "page", true }, {} };
static const struct choice l1_modes[] = {
	{ "any", L1_ANY }, { "vhe", L1_VHE }, { "nvhe", L1_NVHE }, {}
};
static const struct choice switches[] = { { "on", 1 }, { "off", 0 }, {} };
static const struct choice tests[] = {
	{ "percpu", TEST_PERCPU },
	{ "corrupt-stack", TEST_CORRUPT_STACK },
	{ "stack-overflow", TEST_OVERFLOW },
	{ "stack-overrun", TEST_OVERRUN },
	{ "write-text", TEST_WRITE_TEXT },
	{ "exec-data", TEST_EXEC_DATA },
	{ "host-write-text", TEST_HOST_WRITE_TEXT },
	{ "host-exec-data", TEST_HOST_EXEC_DATA },
	{ "host-write", TEST_HOST_WRITE },
	{ "host-reach", TEST_HOST_REACH },
	{ "return-address", TEST_RETURN_ADDRESS },
	{ "landing-pad", TEST_LANDING_PAD },
	{},
};

/* An option takes one of @choices, or if that is NULL a number from @min to @max. */
struct option {
	const char *name;
	const struct choice *choices;
	unsigned int min, max;
};

#define FEATURE(id, name, ...) [IDF_##id] = name,
static const char *const feature_names[NR_ID_FEATURES] = {
#include <idfeature-each.h>
};

enum {
	O_HOST,
	O_MECH,
	O_PV,
	O_L1_MODE,
	O_TEST,
	O_MARKERS,
	O_UART1,
	O_EAGER,
	O_PROTECT,
	O_L1S,
	O_SMP,
	O_TRACE,
	NR_OPTIONS
};

static const struct option options[NR_OPTIONS] = {
	[O_HOST] = { "vel2.host", hosts, 0, 0 },
	[O_MECH] = { "vel2.mech", mechs, 0, 0 },
	[O_PV] = { "vel2.pv", pv_ways, 0, 0 },
	[O_L1_MODE] = { "vel2.l1_mode", l1_modes, 0, 0 },
	[O_TEST] = { "vel2.test", tests, 0, 0 },
	[O_MARKERS] = { "vel2.markers", switches, 0, 0 },
	[O_UART1] = { "vel2.uart1", switches, 0, 0 },
	[O_EAGER] = { "vel2.eager", switches, 0, 0 },
	[O_PROTECT] = { "vel2.protect", switches, 0, 0 },
	[O_L1S] = { "vel2.l1s", NULL, 1, OPT_L1S_MAX },
	[O_SMP] = { "vel2.smp", NULL, 1, OPT_SMP_MAX },
	[O_TRACE] = { "vel2.trace", NULL, 0, OPT_TRACE_MAX },
};

static bool same(const char *s, size_t n, const char *name)
{
	return strlen(name) == n && !memcmp(s, name, n);
}

static int parse_number(const char *s, size_t n, const struct option *opt)
{
	unsigned int v = 0;
	size_t i;

	if (!n || n > 9)
		return -EINVAL;
	for (i = 0; i < n; i++) {
		if (s[i] < '0' || s[i] > '9')
			return -EINVAL;
		v = v * 10 + (unsigned int)(s[i] - '0');
	}
	return v < opt->min || v > opt->max ? -EINVAL : (int)v;
}

/* The value of @opt that @s of @n characters says, or -EINVAL. */
static int parse_value(const char *s, size_t n, const struct option *opt)
{
	const struct choice *c;

	if (!opt->choices)
		return parse_number(s, n, opt);
	for (c = opt->choices; c->name; c++) {
		if (same(s, n, c->name))
			return c->value;
	}
	return -EINVAL;
}

static void set(struct l0_options *o, int which, int v)
{
	switch (which) {
	case O_HOST:
		o->host = (enum opt_host)v;
		break;
	case O_MECH:
		o->mech = (enum opt_mech)v;
		break;
	case O_PV:
		o->pv_page = v;
		break;
	case O_L1_MODE:
		o->l1_mode = (enum opt_l1_mode)v;
		break;
	case O_TEST:
		o->test = (enum opt_test)v;
		break;
	case O_MARKERS:
		o->markers = v;
		break;
	case O_UART1:
		o->uart1 = v;
		break;
	case O_EAGER:
		o->eager = v;
		break;
	case O_PROTECT:
		o->protect = v;
		break;
	case O_L1S:
		o->l1s = (unsigned int)v;
		break;
	case O_SMP:
		o->smp = (unsigned int)v;
		break;
	case O_TRACE:
		o->trace = (unsigned int)v;
		break;
	}
}

/* "a|b|c" or "1..8", for the message. */
static void describe(const struct option *opt, char *buf, size_t size)
{
	const struct choice *c;
	size_t n = 0;

	buf[0] = '\0';
	if (!opt->choices) {
		snprintf(buf, size, "%u..%u", opt->min, opt->max);
		return;
	}
	for (c = opt->choices; c->name && n < size; c++)
		n += (size_t)snprintf(buf + n, size - n, "%s%s", n ? "|" : "", c->name);
}

size_t options_feature_names(char *buf, size_t size)
{
	size_t n = 0;

	buf[0] = '\0';
	for (unsigned int i = IDF_BASE + 1; i < NR_ID_FEATURES && n < size; i++)
		n += (size_t)snprintf(buf + n, size - n, "%s%s", n ? " " : "", feature_names[i]);
	return n < size ? n : size - 1;
}

const char *options_feature_name(unsigned int feature)
{
	return feature_names[feature];
}

/* "+x" or "-y", @n characters: the last word on a feature counts. */
static bool set_feature(const char *s, size_t n, struct l0_options *o)
{
	if (n < 2 || (*s != '+' && *s != '-'))
		return false;
	for (unsigned int i = IDF_BASE + 1; i < NR_ID_FEATURES; i++) {
		if (!same(s + 1, n - 1, feature_names[i]))
			continue;
		o->features_on &= ~BIT(i);
		o->features_off &= ~BIT(i);
		*(*s == '+' ? &o->features_on : &o->features_off) |= BIT(i);
		return true;
	}
	return false;
}

/* How much of a word a message shows. */
static int shown(size_t n)
{
	return n < 48 ? (int)n : 48;
}

/* "+x,-y,..." of @n characters. */
static int parse_features(const char *s, size_t n, struct l0_options *o, char *err, size_t errlen)
{
	char text[49];

	for (;;) {
		const char *comma = memchr(s, ',', n);
		size_t len = comma ? (size_t)(comma - s) : n, told;

		if (!set_feature(s, len, o)) {
			memcpy(text, s, (size_t)shown(len));
			text[shown(len)] = '\0';
			told = (size_t)snprintf(err, errlen,
						"bad feature '%s' in vel2.features=: + or - and one of ",
						text);
			if (told < errlen)
				options_feature_names(err + told, errlen - told);
			return -EINVAL;
		}
		if (!comma)
			return 0;
		s += len + 1;
		n -= len + 1;
	}
}

/* "A,B,..." of @n characters, for option @name. */
static int parse_registers(const char *name, const char *s, size_t n, struct reg_set *set,
			   char *err, size_t errlen)
{
	const char *wrong;
	size_t len;
	char text[49];

	if (!reg_set_parse(s, n, set, &wrong, &len))
		return 0;
	memcpy(text, wrong, (size_t)shown(len));
	text[shown(len)] = '\0';
	snprintf(err, errlen,
		 "bad register '%s' in %s=: names of registers, or vmtrap vmexec threadid redirect redirect_vhe redirect_or_trap trapw gich timer nv2 neve, each with :r or :w or neither",
		 text, name);
	return -EINVAL;
}

/* Hexadecimal digits, all @n of them. */
static bool hex(const char *s, size_t n, u32 *val)
{
	*val = 0;
	if (!n || n > 8)
		return false;
	for (; n; n--, s++) {
		u32 digit = *s >= '0' && *s <= '9' ? (u32)(*s - '0') :
			    *s >= 'a' && *s <= 'f' ? (u32)(*s - 'a' + 10) : 16;

		if (digit == 16)
			return false;
		*val = *val << 4 | digit;
	}
	return true;
}

/* "START-END" of @n characters. */
static bool add_range(const char *s, size_t n, struct l0_options *o)
{
	const char *dash = memchr(s, '-', n);
	struct opt_range r;

	if (!dash || o->nr_pv_code == OPT_CODE_MAX || !hex(s, (size_t)(dash - s), &r.start) ||
	    !hex(dash + 1, n - (size_t)(dash - s) - 1, &r.end) || r.start >= r.end ||
	    ((r.start | r.end) & 3))
		return false;
	o->pv_code[o->nr_pv_code++] = r;
	return true;
}

/* "START-END,START-END,..." of @n characters. */
static int parse_ranges(const char *s, size_t n, struct l0_options *o, char *err, size_t errlen)
{
	char text[49];

	for (;;) {
		const char *comma = memchr(s, ',', n);
		size_t len = comma ? (size_t)(comma - s) : n;

		if (!add_range(s, len, o)) {
			memcpy(text, s, (size_t)shown(len));
			text[shown(len)] = '\0';
			snprintf(err, errlen,
				 "bad range '%s' in vel2.pv_code=: START-END in hexadecimal, multiples of 4 from the beginning of L1's Image, at most %d of them",
				 text, OPT_CODE_MAX);
			return -EINVAL;
		}
		if (!comma)
			return 0;
		s += len + 1;
		n -= len + 1;
	}
}

static int parse_word(const char *word, size_t n, struct l0_options *o, char *err, size_t errlen)
{
	const char *eq = memchr(word, '=', n);
	size_t name_len = eq ? (size_t)(eq - word) : n;
	char buf[64], text[49];
	int i, v;

	if (eq && same(word, name_len, "vel2.features"))
		return parse_features(eq + 1, n - name_len - 1, o, err, errlen);
	if (eq && same(word, name_len, "vel2.trap"))
		return parse_registers("vel2.trap", eq + 1, n - name_len - 1, &o->trap, err, errlen);
	if (eq && same(word, name_len, "vel2.notrap"))
		return parse_registers("vel2.notrap", eq + 1, n - name_len - 1, &o->notrap, err,
				       errlen);
	if (eq && same(word, name_len, "vel2.pv_code"))
		return parse_ranges(eq + 1, n - name_len - 1, o, err, errlen);
	memcpy(text, word, (size_t)shown(n));
	text[shown(n)] = '\0';
	for (i = 0; i < NR_OPTIONS; i++) {
		if (!same(word, name_len, options[i].name))
			continue;
		v = eq ? parse_value(eq + 1, n - name_len - 1, &options[i]) : -EINVAL;
		if (v >= 0) {
			set(o, i, v);
			return 0;
		}
		describe(&options[i], buf, sizeof(buf));
		snprintf(err, errlen, "bad value in option '%s': %s takes %s", text,
			 options[i].name, buf);
		return -EINVAL;
	}
	snprintf(err, errlen,
		 "unknown option '%s': known are vel2.{host,mech,pv,l1_mode,features,trap,notrap,l1s,smp,markers,eager,protect,uart1,trace,test,pv_code}",
		 text);
	return -EINVAL;
}

int options_parse(const char *args, struct l0_options *o, char *err, size_t errlen)
{
	const char *p = args;

	*o = (struct l0_options){ .l1s = 1 };
	for (;;) {
		size_t n = 0;
		int ret;

		while (*p == ' ' || *p == '\t' || *p == '\n')
			p++;
		if (!*p)
			return 0;
		while (p[n] && p[n] != ' ' && p[n] != '\t' && p[n] != '\n')
			n++;
		ret = parse_word(p, n, o, err, errlen);
		if (ret)
			return ret;
		p += n;
	}
}

const char *host_name(enum opt_host host)
{
	return host == HOST_VHE ? "vhe" : host == HOST_NVHE ? "nvhe" : "auto";
}

const char *mech_name(enum opt_mech mech)
{
	static const char *const names[] = { "auto", "nv2", "nv", "pv", "none" };

	return names[mech];
}
