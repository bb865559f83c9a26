// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mechanism pv: what of L1's code must be rewritten, and what an HVC from such a place means. EL2.
 *
 * The table is written by the boot CPU before L1 runs and constant afterwards: no lock. A site is known
 * by its physical address: neither the number nor the virtual address alone tells it from an HVC of
 * L1's own, or of a guest of L1's that is no part of the file.
 */
#include <abi.h>
#include <kvm_hyp.h>
#include <nested.h>
#include <options.h>
#include <page_pool.h>
#include <pv.h>
#include <sysreg.h>

#include "pv-page.h"

struct pv_site {
	pa_t pa;	/* of the HVC: the site's, or its veneer's */
	u64 esr;	/* of the instruction that stood at the site, had it trapped */
	u64 back;	/* from the HVC to the site, modulo 2^64 */
	struct pv_veneer veneer;
};

#define SITES_PER_PAGE	(SZ_4K / sizeof(struct pv_site))
#define MAX_SITES	0x10000UL	/* an HVC's immediate */

static struct pv_site *sites[MAX_SITES / SITES_PER_PAGE];
/* Immediates below are taken. None is 0, which many an L1 uses, so that most HVCs of its own cost less. */
static unsigned long next_imm = 1;

/* ------------------------------------------------------------------ what must be rewritten */

#define INSN_ERET		0xd69f03e0U
#define INSN_ERETAA		0xd69f0bffU
#define INSN_ERETAB		0xd69f0fffU
/* MSR and MRS of a register, SYS: bits 31:22 are 1101010100, op0 is not 0. */
#define INSN_SYS_MASK		0xffc00000U
#define INSN_SYS		0xd5000000U
#define INSN_OP0		__FIELD(20, 19)
#define INSN_READ		BIT(21)

static bool traps_by_hcr(const struct sysreg_desc *desc)
{
	for (const struct sysreg_fwd *f = desc->fwd; f->dir; f++) {
		if ((f->ctrl == HCR_EL2 && (f->mask & (HCR_TVM | HCR_TRVM))) ||
		    (f->ctrl == CPTR_EL2 && (f->mask & CPTR_TCPAC)))
			return true;
	}
	return false;
}

/*
 * EL1's name of a register that vEL2 has in that place of the hardware for itself: with E2H=0 it means
 * the guest's. Most of them HCR_EL2.{TVM,TRVM} and CPTR_EL2.TCPAC trap there, on any CPU; with the veneers, which
 * reach the hardware by these names, they must not.
 */
static bool hides_vel1(const struct sysreg_desc *desc)
{
	return desc->group == GROUP_EL1BANK && desc->via == VIA_NAME &&
	       sys_reg_Op1(desc->enc) == 0 && desc->loc[BANK_VEL2_NVHE - BANK_VEL1] == LOC_M &&
	       (nested_mech->page || !traps_by_hcr(desc));
}

static bool reg_is_sensitive(u32 enc)
{
	const struct sysreg_desc *desc = sysreg_lookup(enc);
	unsigned int op1 = sys_reg_Op1(enc);

	/* UNDEFINED at EL1, whether there is a row or not. */
	if (op1 == 4 || (op1 == 5 && sys_reg_Op0(enc) == 3))
		return true;
	/* They show the EL that the hardware is at. */
	if (enc == SYS_CurrentEL || enc == SYS_SPSR_EL1)
		return true;
	return desc && opts.l1_mode != L1_VHE && hides_vel1(desc);
}

/* HCR_EL2.AT is FEAT_NV's, HCR_EL2.TTLB is on every CPU. */
static bool insn_is_sensitive(u32 enc)
{
	const struct sysinsn_desc *insn = sysinsn_lookup(enc);

	return sys_reg_Op1(enc) == 4 || (insn && insn->class == INSN_CLASS_AT);
}

static u64 syndrome(unsigned int ec, u64 iss)
{
	return ((u64)ec << ESR_EC_SHIFT) | ESR_IL | iss;
}

/* ISS of EC 0x18: op0 op2 op1 CRn Rt CRm direction. */
static u64 sys_iss(u32 enc, u32 insn)
{
	return (u64)sys_reg_Op0(enc) << 20 | (u64)sys_reg_Op2(enc) << 17 |
	       (u64)sys_reg_Op1(enc) << 14 | (u64)sys_reg_CRn(enc) << 10 | (insn & 31) << 5 |
	       (u64)sys_reg_CRm(enc) << 1 | !!(insn & INSN_READ);
}

/* What ESR_EL2 would have if @insn trapped, 0 if it need not. */
static u64 sensitive(u32 insn)
{
	u32 enc = insn >> 5 & 0xffff;	/* the same fields in the same order */
	u64 esr;

	switch (insn) {
	case INSN_ERET:
		return syndrome(ESR_EC_ERET, 0);
	case INSN_ERETAA:
		return syndrome(ESR_EC_ERET, ESR_ERET_A);
	case INSN_ERETAB:
		return syndrome(ESR_EC_ERET, ESR_ERET_A | ESR_ERET_AB);
	}
	if ((insn & INSN_SYS_MASK) != INSN_SYS || !(insn & INSN_OP0))
		return 0;
	esr = syndrome(ESR_EC_SYS64, sys_iss(enc, insn));
	if (sys_reg_Op0(enc) == 1)
		return insn_is_sensitive(enc) ? esr : 0;
	return reg_is_sensitive(enc) || pv_page_serves(esr) ? esr : 0;
}

bool nested_pv_matters(u32 insn)
{
	return sensitive(insn) != 0;
}

#define INSN_HVC(imm)		(0xd4000002U | (u32)(imm) << 5)

unsigned long nested_pv_site(pa_t pa, u32 insn)
{
	unsigned long imm = next_imm;
	struct pv_site site = { .pa = pa, .esr = sensitive(insn) };
	struct pv_site **page;
	u32 now;

	if (!site.esr)
		return PV_KEEP;
	if (imm == MARKER_HVC)
		imm++;
	if (imm == MAX_SITES)
		return PV_FULL;
	page = &sites[imm / SITES_PER_PAGE];
	if (!*page)
		*page = hyp_page_alloc();
	if (!*page)
		return PV_FULL;
	now = INSN_HVC(imm);
	if (pv_page_make(pa, site.esr, now, &site.veneer)) {
		site.pa = pv_page_ram(site.veneer.first);
		site.back = pa - site.pa;
		now = pv_insn_b(pa, site.pa);
	}
	(*page)[imm % SITES_PER_PAGE] = site;
	next_imm = imm + 1;
	return now;
}

/* ------------------------------------------------------------------ what an HVC means */

/*
 * Where vEL2 with its stage 1 in the hardware's stage 2 fetches @va from: another vCPU's TLBI, or want of pages, may
 * just have emptied that.
 */
static noinline pa_t fetched_by_tables(const struct kvm_vcpu *vcpu, u64 va)
{
	struct s1_walk_result s1;
	struct s2_leaf leaf;
	struct at_ctx ctx;

	if (vcpu->arch.loaded_bank == BANK_VEL1 || !vcpu->arch.hw_mmu->stage1)
		return ~0ULL;
	nested_at_context(vcpu, &ctx);
	if (s1_walk(&ctx, S1_EL2, va, S1_ACC_EXEC, false, &s1) ||
	    !s2_table_lookup(s2_vm_map_of(vcpu->arch.hw_mmu), s1.pa, &leaf))
		return ~0ULL;
	return leaf.pa;
}

/* Where the guest that just ran fetches @va from; all ones if it can be seen no more. */
static pa_t fetched_from(const struct kvm_vcpu *vcpu, u64 va)
{
	u64 guest = read_sysreg(par_el1), par;

	sys_insn(AT_S12E1R, va);
	isb();
	par = read_sysreg(par_el1);
	write_sysreg(guest, par_el1);
	return par & PAR_F ? fetched_by_tables(vcpu, va) : (par & PAR_PA) | (va & 0xfff);
}

u64 nested_pv_syndrome(const struct kvm_vcpu *vcpu, u64 esr)
{
	u64 imm = esr & ESR_IMM16, pc;
	const struct pv_site *site;

	if (!sites[imm / SITES_PER_PAGE])
		return esr;
	site = &sites[imm / SITES_PER_PAGE][imm % SITES_PER_PAGE];
	pc = read_sysreg(elr_el2) - 4;
	if (!site->esr || ((pc ^ site->pa) & 0xfff) || fetched_from(vcpu, pc) != site->pa)
		return esr;
	write_sysreg(pc + site->back, elr_el2);
	return site->esr;
}

/* ------------------------------------------------------------------ exits from veneers */

static const struct pv_site *site_of_word(unsigned int word)
{
	for (unsigned long imm = 1; imm < next_imm; imm++) {
		const struct pv_site *s = &sites[imm / SITES_PER_PAGE][imm % SITES_PER_PAGE];

		if (s->veneer.words && word - s->veneer.first < s->veneer.words)
			return s;
	}
	return NULL;
}

void nested_pv_leave(struct kvm_vcpu *vcpu)
{
	u64 pc = read_sysreg(elr_el2);
	const struct pv_site *site;
	unsigned int done;
	int word;

	if (!nested_mech->page || vcpu->arch.loaded_bank == BANK_VEL1)
		return;
	word = pv_page_word(fetched_from(vcpu, pc));
	site = word < 0 ? NULL : site_of_word((unsigned int)word);
	if (!site)
		return;
	done = (unsigned int)word - site->veneer.first;
	pc += site->back - done * sizeof(u32);
	if (done == site->veneer.words - 1U)
		pc += sizeof(u32);
	else if (site->veneer.scratch && done >= 2)
		vcpu_set_reg(vcpu, pv_page_borrowed(site->esr), read_sysreg(tpidr_el1));
	write_sysreg(pc, elr_el2);
}
