/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Between nested/pv.c and nested/pv-page.c: a site that is served.
 */
#ifndef NESTED_PV_PAGE_H
#define NESTED_PV_PAGE_H

#include <types.h>

struct pv_veneer {
	u16 first, words;	/* in the room; the last word is the branch back. 0 words: none */
	bool scratch;		/* a register is in TPIDR_EL1 from its third word to the last but one */
};

/* Would an access with this syndrome be served, if there is room? */
bool pv_page_serves(u64 esr);

/**
 * pv_page_make - code for the instruction at @site (L1's RAM) whose syndrome, had it trapped, would be @esr. Who is not
 * vEL2 finds @fallback where it begins. False: it is not served, or there is no room left.
 */
bool pv_page_make(pa_t site, u64 esr, u32 fallback, struct pv_veneer *v);

/* Where in the room the guest is that fetches from @pa: a word, or -1. */
int pv_page_word(pa_t pa);
/* A word of the room where everybody but vEL2 finds it. */
pa_t pv_page_ram(unsigned int word);
/* The register that a veneer for @esr borrows. */
unsigned int pv_page_borrowed(u64 esr);

/* B from @pa to @to. */
u32 pv_insn_b(pa_t pa, pa_t to);

#endif
