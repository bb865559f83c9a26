// SPDX-License-Identifier: GPL-2.0-only
/*
 * vel2.pv=page: of what pv rewrites, the accesses that FEAT_NV2 would make loads and stores become loads and stores, as
 * the authors of NEVE did on ARMv8.0. EL2; all of it before L1 runs.
 *
 * One instruction can hold no address, and no general register is free. So a site becomes a branch to a veneer
 * in room that L1's image has for that, which works on a page that is L1's as well: code and page keep their
 * distance wherever L1 maps its image. vEL2 finds something else in that room than everybody else:
 *
 *   vEL2       veneers: code of L0's that it can execute but not write; page: its vCPU's VNCR page
 *   the others HVCs of pv where veneers begin; RAM
 *
 * which is one stage 2 for each vCPU's vEL2 (s2_vm_map_window()). Code that runs at vEL1 traps as ever.
 *
 * A store needs a base register. What was in it waits in TPIDR_EL1, all of whose 64 bits are software's: vEL2's own
 * accesses of TPIDR_EL1 are served from a slot of the page, too, and vEL1 gets it back with its bank. An interrupt taken
 * by vEL2 in the midst of that would be followed by other veneers. It cannot be: it becomes pending by an
 * entry from L0, and L0 never enters a veneer (nested_pv_leave() makes of that an entry before or behind the
 * instruction); or by vEL2 itself unmasking it before, and then the ISB at a veneer's beginning is the last
 * place where it is taken (a pending interrupt that is not masked is taken before the first instruction after a
 * context synchronization event completes). Nothing else in a veneer can be, if L1 maps the room as it does
 * its code and its data, privileged; an abort of the store is an abort of the MSR.
 *
 * SPSR_EL2 of vEL2 shows EL1h in the hardware: see spsr_to_hw() in shadow/sysregs.c. What a veneer writes is always coded.
 *
 * A debugger of vEL2's own that steps through a site sees each instruction of its veneer.
 *
 * Timers trap: L0 has them do so under nv2 as well, where the CPU can.
 */
#include <errno.h>
#include <kvm_hyp.h>
#include <nested.h>
#include <options.h>
#include <page_pool.h>
#include <pv.h>

#include "pv-page.h"

#define MAX_WORDS	16

static struct {
	const struct kvm *kvm;
	pa_t ram, page;		/* of L1's */
	u32 *code;		/* what vEL2 executes in place of the room's RAM */
	unsigned int nr_words, next;
	unsigned int served, unserved;
} room;

int nested_pv_room(struct kvm *kvm, const struct pv_room *r)
{
	struct s2_ram window = { r->veneers - kvm->ram_offset, 0, 0 };
	unsigned int order = 0;
	int ret;

	while (order < 4 && SZ_4K << (order + 1) <= r->size)
		order++;
	room.code = page_pool_alloc(&hyp_page_pool, order);
	if (!room.code)
		return -ENOMEM;
	room.kvm = kvm;
	room.ram = r->veneers;
	room.page = r->page;
	window.size = SZ_4K << order;
	room.nr_words = (unsigned int)window.size / sizeof(u32);
	for (unsigned int i = 0; i < (unsigned int)kvm->nr_vcpus; i++) {
		const struct s2_ram page = { r->page - kvm->ram_offset, SZ_4K,
					     (pa_t)kvm->vcpus[i]->arch.ctxt.sys_regs };

		window.pa = (pa_t)room.code;
		ret = s2_vm_map_window(&kvm->s2, i, &window,
				       S2_PERM_R | S2_PERM_PX | S2_PERM_UX);
		if (!ret)
			ret = s2_vm_map_window(&kvm->s2, i, &page, S2_PERM_R | S2_PERM_W);
		if (ret)
			return ret;
		kvm->vcpus[i]->arch.vel2_mmu = &kvm->s2.owns->mmu[i];
	}
	return 0;
}

unsigned int nested_pv_served(void)
{
	return room.served;
}

unsigned int nested_pv_unserved(void)
{
	return room.unserved;
}

/* ------------------------------------------------------------------ what is served, and how */

enum how {
	TRAPS,
	IN_SLOT,	/* of the page */
	IN_REGISTER,	/* the hardware's of EL1, as NV2 redirects it */
	IN_ESR,		/* ESR_EL1, but see esr_from_hw() in shadow/sysregs.c */
	IN_SPSR,
};

struct access {
	enum how how;
	unsigned int slot;
	u32 enc;	/* of the hardware's register */
	unsigned int rt;
	bool is_write;
};

/* Handlers for which the register is not all. */
static bool is_simple(const struct sysreg_desc *desc, bool is_write)
{
	u64 vtr = vgic_read_ich_vtr(room.kvm->vcpus[0]);

	if (desc->group == GROUP_TIMER) {
		/* CNTVOFF_EL2 with E2H=0 acts on vEL2's own CNTVCT_EL0 at once. */
		return desc->idx == CNTVOFF_EL2 && (!is_write || opts.l1_mode == L1_VHE);
	}
	if (desc->idx >= ICH_LR0_EL2 && desc->idx <= ICH_LR15_EL2)
		return desc->idx - ICH_LR0_EL2 <= (int)(vtr & ICH_VTR_LISTREGS);
	/* The first of each kind is there whatever ICH_VTR_EL2.PREbits says. */
	if (desc->idx >= ICH_AP0R0_EL2 && desc->idx <= ICH_AP1R3_EL2)
		return desc->idx == ICH_AP0R0_EL2 || desc->idx == ICH_AP1R0_EL2;
	/* It acts on vEL2 itself, which traps for that (MDCR_EL2.TDA). */
	return desc->idx != MDSCR_EL1;
}

/* NVMem(): does an access by the name of @desc become one of the page? */
static bool is_redirected(const struct sysreg_desc *desc, const struct sysreg_desc *base)
{
	bool vhe = opts.l1_mode == L1_VHE;

	if (base->vncr == NOVNCR)
		return false;
	if (desc->via != VIA_NAME)
		return vhe && base->redir == REDIR_NV1;
	return base->redir == REDIR_ALWAYS || (base->redir == REDIR_NV1 && !vhe);
}

static struct access to_register(struct access a, const struct sysreg_desc *desc)
{
	a.enc = sysreg_by_idx((enum vcpu_sysreg)desc->peer)->enc;
	a.how = IN_REGISTER;
	if (a.enc == SYS_SPSR_EL1)
		a.how = IN_SPSR;
	else if (a.enc == SYS_ESR_EL1 && !a.is_write && opts.l1_mode != L1_VHE)
		a.how = IN_ESR;
	return a;
}

static struct access decode(u64 esr)
{
	struct access a = { .rt = ESR_SYS_RT(esr), .is_write = !ESR_SYS_IS_READ(esr) };
	u32 enc = esr_sys_enc(esr);
	const struct sysreg_desc *desc, *base;
	u64 features;

	if (!nested_mech->page || ESR_EC(esr) != ESR_EC_SYS64 || sys_reg_Op0(enc) == 1)
		return a;
	desc = sysreg_lookup(enc);
	if (!desc || reg_set_has(&opts.trap, sysreg_nr(desc), a.is_write))
		return a;
	base = sysreg_base(desc);
	features = room.kvm->vcpu_features;
	if (!(features & BIT(desc->feat)) || !(features & BIT(base->feat)))
		return a;
	a.slot = base->idx;
	if (enc == SYS_TPIDR_EL1) {
		a.how = IN_SLOT;
		a.slot = PV_SLOT_TPIDR;
	} else if (enc == SYS_SPSR_EL1 && opts.l1_mode == L1_VHE) {
		a.how = IN_SPSR;	/* SPSR_EL2 by its other name */
	} else if (base->redir == REDIR_TOREG && desc->via == VIA_NAME) {
		a = to_register(a, base);
	} else if (is_redirected(desc, base) && is_simple(base, a.is_write)) {
		a.how = IN_SLOT;
	}
	return a;
}

bool pv_page_serves(u64 esr)
{
	return decode(esr).how != TRAPS;
}

unsigned int pv_page_borrowed(u64 esr)
{
	return ESR_SYS_RT(esr) == 0;
}

/* ------------------------------------------------------------------ code */

/* Instructions (Arm ARM C6.2). Offsets of branches are in words from the branch. */
#define INSN_ISB		0xd5033fdfU
#define INSN_MRS(enc, t)	(0xd5200000U | (u32)(enc) << 5 | (t))
#define INSN_MSR(enc, t)	(0xd5000000U | (u32)(enc) << 5 | (t))
#define INSN_LDR(t, n, slot)	(0xf9400000U | (slot) << 10 | (n) << 5 | (t))
#define INSN_STR(t, n, slot)	(0xf9000000U | (slot) << 10 | (n) << 5 | (t))
#define INSN_TBZ(t, bit, off)	(0x36000000U | (bit) << 19 | ((off) & 0x3fffU) << 5 | (t))
#define INSN_TBNZ(t, bit, off)	(0x37000000U | (bit) << 19 | ((off) & 0x3fffU) << 5 | (t))
#define INSN_B(off)		(0x14000000U | ((u32)(off) & 0x3ffffffU))
/* Immediates of 64 bits: @ones bits set, rotated to the left by @left. */
#define LOGICAL(op, d, n, ones, left) \
	((op) | ((64U - (left)) & 63) << 16 | ((ones) - 1U) << 10 | (n) << 5 | (d))
#define INSN_AND(...)		LOGICAL(0x92400000U, __VA_ARGS__)
#define INSN_ORR(...)		LOGICAL(0xb2400000U, __VA_ARGS__)
#define INSN_EOR(...)		LOGICAL(0xd2400000U, __VA_ARGS__)

u32 pv_insn_b(pa_t pa, pa_t to)
{
	return INSN_B((to - pa) >> 2);
}

static u32 insn_adrp(unsigned int d, pa_t pa, pa_t to)
{
	u32 pages = (u32)((to >> 12) - (pa >> 12));

	return 0x90000000U | (pages & 3) << 29 | (pages >> 2 & 0x7ffffU) << 5 | d;
}

struct code {
	u32 insn[MAX_WORDS];
	unsigned int n;
	pa_t at;
};

static void emit(struct code *c, u32 insn)
{
	c->insn[c->n++] = insn;
}

static void page_into(struct code *c, unsigned int reg)
{
	emit(c, insn_adrp(reg, c->at + c->n * sizeof(u32), room.page));
}

/* Where the branch back is, of code of @words in all, from the next instruction. */
#define TO_LAST(c, words) ((words) - 1U - (c)->n)

/* SPSR_EL1 with EL2 for EL1 in M, unless M says that the page has all of it. */
static void read_spsr(struct code *c, unsigned int t)
{
	emit(c, INSN_MRS(SYS_SPSR_EL1, t));
	emit(c, INSN_TBNZ(t, 4U, TO_LAST(c, 10)));	/* AArch32 */
	emit(c, INSN_TBNZ(t, 3U, 4U));			/* EL2, or coded */
	emit(c, INSN_TBZ(t, 2U, TO_LAST(c, 10)));	/* EL0 */
	emit(c, INSN_EOR(t, t, 2U, 2U));
	emit(c, INSN_B(TO_LAST(c, 10)));
	emit(c, INSN_TBZ(t, 1U, TO_LAST(c, 10)));
	page_into(c, t);
	emit(c, INSN_LDR(t, t, (u32)PV_SLOT_SPSR));
}

/* A fault of kind 0 at level 0 of an abort from vEL2 is one of translation: see esr_from_hw(). */
static void read_esr(struct code *c, unsigned int t)
{
	emit(c, INSN_MRS(SYS_ESR_EL1, t));
	/* EC is 0x21 or 0x25 */
	emit(c, INSN_TBZ(t, 31U, TO_LAST(c, 14)));
	emit(c, INSN_TBNZ(t, 30U, TO_LAST(c, 14)));
	emit(c, INSN_TBNZ(t, 29U, TO_LAST(c, 14)));
	emit(c, INSN_TBNZ(t, 27U, TO_LAST(c, 14)));
	emit(c, INSN_TBZ(t, 26U, TO_LAST(c, 14)));
	for (unsigned int bit = 0; bit < 6; bit++)
		emit(c, INSN_TBNZ(t, bit, TO_LAST(c, 14)));
	emit(c, INSN_ORR(t, t, 1U, 2U));
}

static void read_slot(struct code *c, unsigned int t, unsigned int slot)
{
	page_into(c, t);
	emit(c, INSN_LDR(t, t, slot));
}

/* SPSR_IN_MEMORY in M: the page has it. */
static void write_spsr(struct code *c, unsigned int t, unsigned int s)
{
	page_into(c, s);
	emit(c, INSN_STR(t, s, (u32)PV_SLOT_SPSR));
	emit(c, INSN_AND(s, t, 59U, 5U));
	emit(c, INSN_ORR(s, s, 3U, 1U));
	emit(c, INSN_MSR(SYS_SPSR_EL1, s));
}

static void write_slot(struct code *c, unsigned int t, unsigned int s, unsigned int slot)
{
	page_into(c, s);
	emit(c, INSN_STR(t, s, slot));
}

static void make_read(struct code *c, const struct access *a)
{
	if (a->rt == 31)
		return;		/* XZR would be SP */
	switch (a->how) {
	case IN_SPSR:
		read_spsr(c, a->rt);
		break;
	case IN_ESR:
		read_esr(c, a->rt);
		break;
	case IN_REGISTER:
		emit(c, INSN_MRS(a->enc, a->rt));
		break;
	default:
		read_slot(c, a->rt, a->slot);
	}
}

static void make_write(struct code *c, const struct access *a, unsigned int s)
{
	if (a->how == IN_REGISTER) {
		emit(c, INSN_MSR(a->enc, a->rt));
		return;
	}
	emit(c, INSN_ISB);
	emit(c, INSN_MSR(SYS_TPIDR_EL1, s));
	if (a->how == IN_SPSR)
		write_spsr(c, a->rt, s);
	else
		write_slot(c, a->rt, s, a->slot);
	emit(c, INSN_MRS(SYS_TPIDR_EL1, s));
}

/* As the loader does with all that it writes of L1. */
static void clean(const void *p)
{
	asm volatile("dc civac, %0" : : "r"(p) : "memory");
}

static void put(const struct code *c, u32 fallback)
{
	u32 *ram = (u32 *)pv_page_ram(room.next);

	*ram = fallback;
	clean(ram);
	for (unsigned int i = 0; i < c->n; i++) {
		room.code[room.next + i] = c->insn[i];
		clean(&room.code[room.next + i]);
	}
	dsb(sy);
}

/* B reaches 128 MiB, ADRP more. */
static bool in_reach(pa_t site)
{
	u64 far = site > room.ram ? site - room.ram : room.ram - site;

	return far < (120UL << 20);
}

bool pv_page_make(pa_t site, u64 esr, u32 fallback, struct pv_veneer *v)
{
	struct code c = { .at = pv_page_ram(room.next) };
	struct access a = decode(esr);

	if (a.how == TRAPS)
		return false;
	if (a.is_write)
		make_write(&c, &a, pv_page_borrowed(esr));
	else
		make_read(&c, &a);
	emit(&c, pv_insn_b(c.at + c.n * sizeof(u32), site + sizeof(u32)));
	if (room.next + c.n > room.nr_words || !in_reach(site)) {
		room.unserved++;
		return false;
	}
	put(&c, fallback);
	*v = (struct pv_veneer){ (u16)room.next, (u16)c.n, a.is_write && a.how != IN_REGISTER };
	room.next += c.n;
	room.served++;
	return true;
}

int pv_page_word(pa_t pa)
{
	u64 size = room.nr_words * sizeof(u32);

	if (pa - (pa_t)room.code < size)
		return (int)((pa - (pa_t)room.code) / sizeof(u32));
	return pa - room.ram < size ? (int)((pa - room.ram) / sizeof(u32)) : -1;
}

pa_t pv_page_ram(unsigned int word)
{
	return room.ram + word * sizeof(u32);
}
