// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lists of registers, as options name them, into sets. Pure: also runs on the build machine; with the MMU
 * off, so no unaligned access.
 */
#include <ablation.h>
#include <errno.h>
#include <string.h>

#define MAX_NAME	32

/* What a list can name: the rows, by name and by the groups that they are in. */
#define SYSREG(name, op0, op1, n, m, o2, loc, peer, fmt, vncr, redir, reset, group, pgroup, ...) \
	[DESC_##name] = { #name, DESC_##name, REDIR_##redir, GROUP_##group, PGROUP_##pgroup },
#define SYSALIAS(name, op0, op1, n, m, o2, target, via) \
	[DESC_##name] = { #name, DESC_##target, 0, 0, 0 },
static const struct row {
	const char *name;
	u16 base;
	u8 redir, group, pgroup;
} rows[NR_SYS_DESCS] = {
#include <sysregs.def>
};
#undef SYSREG
#undef SYSALIAS

#define PGROUP(name)	[PGROUP_##name] = #name
static const char *const pgroups[] = {
	PGROUP(VMTRAP), PGROUP(VMEXEC), PGROUP(THREADID), PGROUP(REDIRECT), PGROUP(REDIRECT_VHE),
	PGROUP(REDIRECT_OR_TRAP), PGROUP(TRAPW), PGROUP(GICH), PGROUP(TIMER),
};
#undef PGROUP

/* Small letters of a list against capitals of a table. */
static bool same_group(const char *s, size_t n, const char *name)
{
	size_t i;

	for (i = 0; i < n && name[i]; i++) {
		if ((s[i] >= 'a' && s[i] <= 'z' ? s[i] - 'a' + 'A' : s[i]) != name[i] ||
		    (s[i] >= 'A' && s[i] <= 'Z'))
			return false;
	}
	return i == n && !name[i];
}

static bool same(const char *s, size_t n, const char *name)
{
	return strlen(name) == n && !memcmp(s, name, n);
}

/* L0 traps the timers' names itself, to show L1 their ISTATUS. */
static bool in_nv2(const struct row *row)
{
	return row->redir != REDIR_NEVER && row->group != GROUP_TIMER;
}

/*
 * NEVE, section 6 [from memory, unchecked]: VM registers, the thread ID and hypervisor registers with an
 * EL1 counterpart are served both ways; what takes effect when written is served for reads alone.
 */
static bool in_neve(const struct row *row, bool write)
{
	switch (row->pgroup) {
	case PGROUP_VMTRAP:
	case PGROUP_VMEXEC:
	case PGROUP_THREADID:
	case PGROUP_REDIRECT:
	case PGROUP_REDIRECT_VHE:
		return row->group != GROUP_TIMER;
	case PGROUP_TRAPW:
	case PGROUP_REDIRECT_OR_TRAP:
	case PGROUP_GICH:
		return !write;
	default:
		return false;
	}
}

static bool is_in(const struct row *row, const char *s, size_t n, bool write)
{
	if (same(s, n, "nv2"))
		return in_nv2(row);
	if (same(s, n, "neve"))
		return in_neve(row, write);
	return row->pgroup != PGROUP_NONE && same_group(s, n, pgroups[row->pgroup]);
}

/* Is @s the register's name, or that of one whose other name this is, or a group's? */
static bool is_named(unsigned int nr, const char *s, size_t n, bool write)
{
	const struct row *row = &rows[nr], *base = &rows[row->base];

	return same(s, n, row->name) || same(s, n, base->name) || is_in(base, s, n, write);
}

static bool add(const char *s, size_t n, struct reg_set *set)
{
	bool dir[2] = { true, true }, found = false;

	if (n > 2 && s[n - 2] == ':' && (s[n - 1] == 'r' || s[n - 1] == 'w')) {
		dir[s[n - 1] == 'r'] = false;
		n -= 2;
	}
	for (unsigned int i = 0; i < NR_SYS_DESCS; i++) {
		for (unsigned int write = 0; write < 2; write++) {
			if (!dir[write] || !is_named(i, s, n, write))
				continue;
			set->bits[write][i / 64] |= BIT(i % 64);
			found = true;
		}
	}
	return found;
}

int reg_set_parse(const char *s, size_t n, struct reg_set *set, const char **wrong,
		  size_t *wrong_len)
{
	for (;;) {
		const char *comma = memchr(s, ',', n);
		size_t len = comma ? (size_t)(comma - s) : n;

		if (!len || len > MAX_NAME || !add(s, len, set)) {
			*wrong = s;
			*wrong_len = len;
			return -EINVAL;
		}
		if (!comma)
			return 0;
		s += len + 1;
		n -= len + 1;
	}
}
