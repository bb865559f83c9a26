// SPDX-License-Identifier: GPL-2.0-only
/*
 * Address translation instructions at EL2: S1E0, S1E1 and S12 for L2's tables (stage 1 on and off,
 * stage 2 on and off), S1E2 for its own, the EL1 forms under TGE, and AT by L2 itself. PAR_EL1 is
 * printed but for the fields that are UNKNOWN or IMPLEMENTATION DEFINED.
 */
#include "l2.h"

#define RAM		0x40000000UL
#define RAM_SIZE	0x10000000UL
#define VA		0x1000000000UL
#define IPA		0x200000000UL

#define AT_ROWS(R)								\
	R(s1e1r, 0, 8, 0) R(s1e1w, 0, 8, 1) R(s1e0r, 0, 8, 2) R(s1e0w, 0, 8, 3)	\
	R(s12e1r, 4, 8, 4) R(s12e1w, 4, 8, 5) R(s12e0r, 4, 8, 6) R(s12e0w, 4, 8, 7)
#define AT_OWN_ROWS(R) R(s1e2r, 4, 8, 0) R(s1e2w, 4, 8, 1)
#define AT_PAN_ROWS(R) R(s1e1rp, 0, 9, 0) R(s1e1wp, 0, 9, 1)

/* PAR_EL1 is {F, FST, PTW, S} of a fault, else PA, ATTR, SH; NS is UNKNOWN in Non-secure state. */
typedef void (*at_fn)(u64 va);

#define DEFINE(n, op1, crm, op2)						\
	static void at_##n(u64 va)						\
	{									\
		asm volatile("sys #" #op1 ", c7, c" #crm ", #" #op2 ", %0"	\
			     : : "r"(va) : "memory");				\
	}
AT_ROWS(DEFINE)
AT_OWN_ROWS(DEFINE)
AT_PAN_ROWS(DEFINE)

struct at_row {
	const char *name;
	at_fn fn;
};

#define ROW(n, op1, crm, op2) { #n, at_##n },
static const struct at_row rows[] = { AT_ROWS(ROW) };
static const struct at_row own_rows[] = { AT_OWN_ROWS(ROW) };
static const struct at_row pan_rows[] = { AT_PAN_ROWS(ROW) };
static const struct at_row el1_rows[] = {
	{ "s1e1r", at_s1e1r }, { "s1e1w", at_s1e1w }, { "s1e0r", at_s1e0r }, { "s1e0w", at_s1e0w },
};

static void show_par(const char *name, u64 par)
{
	if (par & 1)
		printf(" %s fst %02lx%s%s", name, FIELD(par, 6, 1), par & BIT(8) ? " ptw" : "",
		       par & BIT(9) ? " s2" : "");
	else
		printf(" %s pa %lx attr %02lx sh %lu", name, par & MASK(47, 12), FIELD(par, 63, 56),
		       FIELD(par, 8, 7));
}

/*
 * QEMU 10.0 aborts on an AT S12 that meets a stage 2 permission fault, so those are left out:
 * allowed bit 0 reads, bit 1 writes of S12.
 */
#define ALL_S12		3

static bool left_out(const struct at_row *r, unsigned int allowed)
{
	unsigned int n = strlen(r->name);

	return r->name[2] == '2' && n == 6 && !(allowed & (r->name[5] == 'r' ? 1 : 2));
}

static void at(const char *what, const struct at_row *r, unsigned int n, u64 va,
	       unsigned int allowed)
{
	printf("%s:", what);
	for (unsigned int i = 0; i < n; i++) {
		if (left_out(&r[i], allowed))
			continue;
		write_sysreg(0xbad, par_el1);
		exc_arm(0);
		r[i].fn(va);
		if (exc_take().count)
			printf(" %s exception", r[i].name);
		else
			show_par(r[i].name, read_sysreg(par_el1));
	}
	printf("\n");
}

static void all_but(const char *what, u64 va, u64 hcr_set, u64 hcr_clear, unsigned int allowed)
{
	u64 hcr = read_sysreg(hcr_el2);

	write_sysreg((l2_hcr | hcr_set) & ~hcr_clear, hcr_el2);
	isb();
	at(what, rows, ARRAY_SIZE(rows), va, allowed);
	write_sysreg(hcr, hcr_el2);
	isb();
}

static void all(const char *what, u64 va, u64 hcr_set, u64 hcr_clear)
{
	all_but(what, va, hcr_set, hcr_clear, ALL_S12);
}

static const struct {
	const char *name;
	u64 attrs;			/* 0: invalid */
} s1_pages[] = {
	{ "kernel rw", PTE_NORMAL }, { "kernel ro", PTE_NORMAL | PTE_RDONLY },
	{ "user rw", PTE_NORMAL | PTE_USER }, { "user ro", PTE_NORMAL | PTE_USER | PTE_RDONLY },
	{ "no af", PTE_NORMAL & ~PTE_AF }, { "invalid", 0 }, { "device", PTE_DEVICE },
	{ "non-cacheable", PTE_ATTR(ATTR_NC) | PTE_AF },
};

static const struct {
	const char *name;
	u64 attrs;
} s2_pages[] = {
	{ "rw", S2_RW | S2_NORMAL }, { "ro", S2_R | S2_NORMAL }, { "wo", S2_W | S2_NORMAL },
	{ "none", S2_NORMAL }, { "no af", (S2_RW | S2_NORMAL) & ~PTE_AF }, { "invalid", 0 },
	{ "device", S2_RW | S2_DEVICE | PTE_AF },
	{ "non-cacheable", S2_RW | PTE_AF | 0x5UL << 2 },
};

static struct pgtable s1, s2;

static u64 va_of(unsigned int i, unsigned int j)
{
	return VA + (i * ARRAY_SIZE(s2_pages) + j) * SZ_4K;
}

static u64 ipa_of(unsigned int j)
{
	return IPA + j * SZ_4K;
}

static void build(void)
{
	pt_init(&s2, 12, 40, 1);
	pt_map(&s2, RAM, RAM, RAM_SIZE, S2_RW | S2_NORMAL);
	for (unsigned int j = 0; j < ARRAY_SIZE(s2_pages); j++)
		if (s2_pages[j].attrs)
			pt_map_at(&s2, ipa_of(j), RAM + 0x2000000 + j * SZ_4K, s2_pages[j].attrs,
				  3);
	pt_init(&s1, 12, 39, -1);
	pt_map(&s1, RAM, RAM, RAM_SIZE, PTE_NORMAL);
	for (unsigned int i = 0; i < ARRAY_SIZE(s1_pages); i++)
		for (unsigned int j = 0; j < ARRAY_SIZE(s2_pages); j++)
			if (s1_pages[i].attrs)
				pt_map_at(&s1, va_of(i, j), ipa_of(j), s1_pages[i].attrs, 3);
	pt_map_at(&s1, VA + SZ_1G, RAM, PTE_NORMAL, 1);		/* a 1 GiB block */
	/* a table that stage 2 does not have, one it may not read */
	*pt_leaf(&s1, VA + 2 * SZ_1G, NULL) = ipa_of(5) | 3;
	*pt_leaf(&s1, VA + 3 * SZ_1G, NULL) = ipa_of(3) | 3;
	*pt_leaf(&s1, VA + 4 * SZ_1G, NULL) = BIT(42) | 3;
	dsb(ishst);
	l2_set_stage2(&s2, 4);
}

static unsigned int s2_allowed(unsigned int j)
{
	return !s2_pages[j].attrs ? ALL_S12 : FIELD(s2_pages[j].attrs, 7, 6);
}

static void combined(void)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(s1_pages); i++)
		for (unsigned int j = 0; j < ARRAY_SIZE(s2_pages); j++) {
			printf("s1 %s, s2 %s\n", s1_pages[i].name, s2_pages[j].name);
			all_but("", va_of(i, j) + 0x123, 0, 0, s2_allowed(j));
		}
	all("block", VA + SZ_1G + 0x2345678, 0, 0);
	all("table not in stage 2", VA + 2 * SZ_1G, 0, 0);
	all_but("table without permission", VA + 3 * SZ_1G, 0, 0, 0);
	all("table beyond the IPA size", VA + 4 * SZ_1G, 0, 0);
	all("level 1 invalid", VA + 6 * SZ_1G, 0, 0);
	all("level 2 invalid", va_of(0, 0) + SZ_2M, 0, 0);
	all("beyond the VA size", BIT(40), 0, 0);
	all("TTBR1, disabled", ~0UL << 40, 0, 0);
	all("VM clear: user rw", va_of(2, 1), 0, HCR_VM);
	all("VM clear: invalid in stage 2", va_of(0, 5), 0, HCR_VM);
	all("DC", va_of(0, 0), HCR_DC, 0);
}

static void stage1_off(void)
{
	all("MMU off, rw", ipa_of(0) + 0x234, 0, 0);
	all_but("MMU off, ro", ipa_of(1), 0, 0, 1);
	all("MMU off, invalid", ipa_of(5), 0, 0);
	all("MMU off, device", ipa_of(6), 0, 0);
	all("MMU off, VM clear", ipa_of(5), 0, HCR_VM);
	all("MMU off, DC", ipa_of(0), HCR_DC, 0);
	all("MMU off, DC, non-cacheable", ipa_of(7), HCR_DC, 0);
	all("MMU off, DC, VM clear", ipa_of(0), HCR_DC, HCR_VM);
	all("MMU off, too large", BIT(54), 0, 0);	/* for any PARange */
}

static void own(void)
{
	u64 hcr = read_sysreg(hcr_el2);
	u64 p = (u64)_text_start;

	pt_map_at(&el2_low, 0x50000000, p, el2_normal() | PTE_RDONLY, 3);
	pt_map_at(&el2_low, 0x50001000, p, el2_normal() & ~PTE_AF, 3);
	pt_map_at(&el2_low, 0x50002000, p, PTE_DEVICE | PTE_USER, 3);
	isb();
	at("EL2 rw", own_rows, 2, p + 0x567, ALL_S12);
	at("EL2 ro", own_rows, 2, 0x50000000, ALL_S12);
	at("EL2 no af", own_rows, 2, 0x50001000, ALL_S12);
	at("EL2 device", own_rows, 2, 0x50002000, ALL_S12);
	at("EL2 invalid", own_rows, 2, 0x50003000, ALL_S12);
	at("EL2 level 1", own_rows, 2, 0x3000000000, ALL_S12);
	at("EL2 beyond", own_rows, 2, BIT(45), ALL_S12);
	if (!vhe_mode)
		return;
	at("EL2 high", own_rows, 2, HIGH_BASE + 0x1234, ALL_S12);
	pt_map_at(&el2_low, 0x50004000, p, PTE_NORMAL | PTE_USER, 3);
	pt_map_at(&el2_low, 0x50005000, p, PTE_NORMAL | PTE_USER | PTE_RDONLY, 3);
	write_sysreg(hcr | HCR_TGE, hcr_el2);
	isb();
	at("TGE kernel", el1_rows, 4, p, ALL_S12);
	at("TGE user rw", el1_rows, 4, 0x50004000, ALL_S12);
	at("TGE user ro", el1_rows, 4, 0x50005000, ALL_S12);
	at("TGE invalid", el1_rows, 4, 0x50003000, ALL_S12);
	write_sysreg(hcr, hcr_el2);
	isb();
}

static void pan(void)
{
	if (FIELD(read_sysreg(id_aa64mmfr1_el1), 23, 20) < 2)
		return;
	for (unsigned int on = 0; on < 2; on++) {
		if (on)
			asm volatile("msr S0_0_C4_C1_4, xzr" : : : "memory");
		printf("PAN %u\n", on);
		at(" kernel", pan_rows, 2, va_of(0, 0), ALL_S12);
		at(" user rw", pan_rows, 2, va_of(2, 0), ALL_S12);
		at(" user ro", pan_rows, 2, va_of(3, 0), ALL_S12);
	}
	asm volatile("msr S0_0_C4_C0_4, xzr" : : : "memory");
}

static u64 l2_at(u64 va, u64 which)
{
	write_sysreg(0xbad, par_el1);
	if (which == 0)
		at_s1e1r(va);
	else if (which == 1)
		at_s1e1w(va);
	else
		at_s1e0r(va);
	isb();
	return read_sysreg(par_el1);
}

static void by_l2(const char *name, u64 va)
{
	printf("L2, %s:", name);
	for (unsigned int w = 0; w < 3; w++) {
		struct vcpu v = l2_first_exit(l2_at, va, w, L2_EL1, 0);

		if (l2_done(&v))
			show_par(el1_rows[w].name, v.x[0]);
		else
			l2_print_exit(el1_rows[w].name, &v);
	}
	printf("\n");
}

void guest_main(void)
{
	mmu_init_el2();
	l2_init();
	build();
	stage1_off();
	l2_mmu_on(&s1);
	asm volatile("tlbi alle1\n dsb nsh\n isb" : : : "memory");
	combined();
	pan();
	by_l2("user rw", va_of(2, 0));
	by_l2("kernel ro", va_of(1, 0));
	by_l2("stage 2 ro", va_of(0, 1));
	by_l2("invalid", va_of(5, 0));
	by_l2("table not in stage 2", VA + 2 * SZ_1G);
	l2_mmu_off();
	own();
}
