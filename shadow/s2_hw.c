// SPDX-License-Identifier: GPL-2.0-only
/*
 * TLB maintenance by VMID on the real machine.
 *
 * Runs at EL2, interrupts masked, under both hosts. Invariant: VTTBR_EL2 and HCR_EL2 are on return
 * what they were on entry.
 */
#include "s2_hw.h"

#include "s2_pte.h"

/* Above this many pages one VMID-wide TLBI is cheaper than one by address for each. */
#define MAX_PAGES_BY_ADDRESS 16

#define read_el2(reg)                                           \
	({                                                      \
		u64 val_;                                       \
		asm volatile("mrs %0, " #reg : "=r"(val_));     \
		val_;                                           \
	})
#define write_el2(reg, val) asm volatile("msr " #reg ", %0" ::"r"((u64)(val)) : "memory")
#define tlbi(op) asm volatile("tlbi " #op ::: "memory")
#define tlbi_reg(op, val) asm volatile("tlbi " #op ", %0" ::"r"((u64)(val)) : "memory")
/* Range TLBIs are newer than the -march of this image: by encoding. */
#define tlbi_range_e1is(op2, val) \
	asm volatile("sys #0, c8, c2, #" #op2 ", %0" ::"r"((u64)(val)) : "memory")

struct context {
	u64 hcr;
	u64 vttbr;
};

static void isb(void)
{
	asm volatile("isb" ::: "memory");
}

/*
 * Makes TLBIs of EL1&0 mean the guest with this VTTBR: with {E2H,TGE} == {1,1} they would mean L0's own
 * EL2&0 regime. Every write is skipped if it changes nothing; emulators flush on it.
 */
static struct context enter(u64 hw_vttbr)
{
	struct context c = { .hcr = read_el2(hcr_el2), .vttbr = read_el2(vttbr_el2) };

	/* Descriptors changed before, before the invalidation that makes the change visible. */
	asm volatile("dsb ishst" ::: "memory");
	if (c.vttbr != hw_vttbr)
		write_el2(vttbr_el2, hw_vttbr);
	if (c.hcr & HCR_TGE)
		write_el2(hcr_el2, c.hcr & ~HCR_TGE);
	/* The TLBI below must see both registers. */
	if (c.vttbr != hw_vttbr || (c.hcr & HCR_TGE))
		isb();
	return c;
}

static void leave(const struct context *c, u64 hw_vttbr)
{
	/* Complete on all CPUs, and for this one's own next walks, before the old context comes back. */
	asm volatile("dsb ish" ::: "memory");
	if (c->hcr & HCR_TGE)
		write_el2(hcr_el2, c->hcr);
	if (c->vttbr != hw_vttbr)
		write_el2(vttbr_el2, c->vttbr);
	isb();
}

void s2_hw_publish(void)
{
	/* The walker of this CPU needs the completion (DSB, not DMB); the ERET to come is the ISB. */
	asm volatile("dsb ishst" ::: "memory");
}

void s2_hw_tlbi_range(u64 hw_vttbr, u64 ia, u64 size)
{
	struct context c;

	if (size > MAX_PAGES_BY_ADDRESS * SZ_4K) {
		s2_hw_tlbi_vmid(hw_vttbr);
		return;
	}
	c = enter(hw_vttbr);
	for (u64 at = ia; at < ia + size; at += SZ_4K)
		tlbi_reg(ipas2e1is, at >> 12);
	/*
	 * IPAS2E1 need not touch entries that combine both stages: only when stage 2 is known to be gone
	 * everywhere may those be thrown away, or they could be made again from it.
	 */
	asm volatile("dsb ish" ::: "memory");
	tlbi(vmalle1is);
	leave(&c, hw_vttbr);
}

void s2_hw_tlbi_vmid(u64 hw_vttbr)
{
	struct context c = enter(hw_vttbr);

	tlbi(vmalls12e1is);
	leave(&c, hw_vttbr);
}

void s2_hw_tlbi_all(void)
{
	asm volatile("dsb ishst" ::: "memory");
	tlbi(alle1is);
	/* Complete before the caller frees or reuses anything. */
	asm volatile("dsb ish" ::: "memory");
	isb();
}

void s2_hw_tlbi_all_local(void)
{
	tlbi(alle1);
	asm volatile("dsb nsh" ::: "memory");
	isb();
}

static void one_stage1(unsigned int op2, u64 val)
{
	switch (op2) {
	case S2_HW_VAE1:
		tlbi_reg(vae1is, val);
		break;
	case S2_HW_ASIDE1:
		tlbi_reg(aside1is, val);
		break;
	case S2_HW_VAAE1:
		tlbi_reg(vaae1is, val);
		break;
	case S2_HW_VALE1:
		tlbi_reg(vale1is, val);
		break;
	case S2_HW_VAALE1:
		tlbi_reg(vaale1is, val);
		break;
	default:
		tlbi(vmalle1is);
	}
}

static void range_stage1(unsigned int op2, u64 val)
{
	switch (op2) {
	case S2_HW_VAE1:
		tlbi_range_e1is(1, val);
		break;
	case S2_HW_VAAE1:
		tlbi_range_e1is(3, val);
		break;
	case S2_HW_VALE1:
		tlbi_range_e1is(5, val);
		break;
	case S2_HW_VAALE1:
		tlbi_range_e1is(7, val);
		break;
	default:
		tlbi(vmalle1is);
	}
}

void s2_hw_tlbi_stage1(u64 hw_vttbr, bool range, unsigned int op2, u64 val)
{
	struct context c = enter(hw_vttbr);

	if (range)
		range_stage1(op2, val);
	else
		one_stage1(op2, val);
	leave(&c, hw_vttbr);
}
