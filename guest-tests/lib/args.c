// SPDX-License-Identifier: GPL-2.0-only
/* Looks up KEY=VALUE words in the boot arguments. The string stays where the device tree has it. */
#include "lib.h"

static char args[512];

void args_init(const char *bootargs)
{
	size_t n = strlen(bootargs);

	if (n >= sizeof(args))
		n = sizeof(args) - 1;
	memcpy(args, bootargs, n);
	args[n] = 0;
}

static const char *find(const char *key)
{
	size_t n = strlen(key);

	for (const char *p = args; *p; p++) {
		size_t i = 0;

		if (p != args && p[-1] != ' ')
			continue;
		while (i < n && p[i] == key[i])
			i++;
		if (i == n && p[n] == '=')
			return p + n + 1;
	}
	return NULL;
}

bool arg_is(const char *key, const char *value)
{
	const char *v = find(key);

	if (!v)
		return false;
	for (; *value; v++, value++)
		if (*v != *value)
			return false;
	return *v == 0 || *v == ' ';
}

u64 arg_u64(const char *key, u64 def)
{
	const char *v = find(key);
	u64 n = 0;

	if (!v || *v < '0' || *v > '9')
		return def;
	for (; *v >= '0' && *v <= '9'; v++)
		n = n * 10 + (*v - '0');
	return n;
}
