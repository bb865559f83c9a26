// SPDX-License-Identifier: GPL-2.0-only
/* See tlb_model.h. Its walker is written from the architecture, not from shadow/. */
#include "tlb_model.h"

#define MAX_ENTRIES 65536

struct tlb_stats tlb_stats;

static struct tlb_entry entries[MAX_ENTRIES];
static size_t used;

void tlb_reset(void)
{
	used = 0;
	memset(&tlb_stats, 0, sizeof(tlb_stats));
}

size_t tlb_count(void)
{
	return used;
}

const struct tlb_entry *tlb_entry(size_t i)
{
	return &entries[i];
}

static u16 vmid_of(u64 vttbr)
{
	return (u16)(vttbr >> 48);
}

bool tlb_walk(u64 hw_vttbr, u64 hw_vtcr, u64 ia, struct tlb_entry *out, unsigned int *leaf_shift)
{
	unsigned int t0sz = hw_vtcr & 0x3f, sl0 = hw_vtcr >> 6 & 3, bits = 64 - t0sz;
	unsigned int shift = sl0 == 2 ? 39 : 30;
	const u64 *table = (const u64 *)(uintptr_t)(hw_vttbr & 0xfffffffffffeULL);
	u64 desc;

	/* Ours are always 4K tables that start at level 0 or 1, and stay within the architecture. */
	CHECK_EQ(hw_vtcr >> 14 & 3, 0);
	CHECK(sl0 == 1 || sl0 == 2);
	CHECK(bits > shift && bits <= shift + 9 + 4 && bits <= 48);
	CHECK_EQ((uintptr_t)table & ((8ULL << (bits - shift)) - 1), 0);
	if (ia >> bits)
		return false;
	desc = table[ia >> shift];
	for (;;) {
		if (!(desc & 1))
			return false;
		if (shift == 12) {
			CHECK(desc & 2);
			break;
		}
		if (!(desc & 2)) {
			CHECK(shift == 21 || shift == 30);
			break;
		}
		shift -= 9;
		desc = ((const u64 *)(uintptr_t)(desc & 0xfffffffff000ULL))[ia >> shift & 511];
	}
	CHECK(desc & BIT(10));
	/* Bits of the output address below the leaf's size are RES0. */
	CHECK_EQ(desc & (BIT(shift) - 1) & 0xfffffffff000ULL, 0);
	out->vmid = vmid_of(hw_vttbr);
	out->page = ia >> 12;
	out->pa = ((desc & 0xfffffffff000ULL) | (ia & (BIT(shift) - 1))) & ~0xfffULL;
	out->perm = (desc >> 6 & 1 ? S2_PERM_R : 0) | (desc >> 7 & 1 ? S2_PERM_W : 0);
	switch (desc >> 53 & 3) {
	case 0:
		out->perm |= S2_PERM_PX | S2_PERM_UX;
		break;
	case 1:
		out->perm |= S2_PERM_UX;
		break;
	case 3:
		out->perm |= S2_PERM_PX;
		break;
	}
	out->memattr = desc >> 2 & 15;
	out->sh = desc >> 8 & 3;
	*leaf_shift = shift;
	return true;
}

static bool allowed(u8 perm, u32 access)
{
	u8 x = access & S2_ACC_EL0 ? S2_PERM_UX : S2_PERM_PX;

	return !(access & S2_ACC_READ && !(perm & S2_PERM_R)) &&
	       !(access & S2_ACC_WRITE && !(perm & S2_PERM_W)) &&
	       !(access & S2_ACC_EXEC && !(perm & x));
}

bool tlb_access(u64 hw_vttbr, u64 hw_vtcr, u64 ia, u32 access, struct tlb_entry *out)
{
	unsigned int shift;

	for (size_t i = 0; i < used; i++) {
		if (entries[i].vmid == vmid_of(hw_vttbr) && entries[i].page == ia >> 12) {
			*out = entries[i];
			return allowed(out->perm, access);
		}
	}
	if (!tlb_walk(hw_vttbr, hw_vtcr, ia, out, &shift))
		return false;
	CHECK(used < MAX_ENTRIES);
	entries[used++] = *out;
	return allowed(out->perm, access);
}

static void drop(u16 vmid, bool any_vmid, u64 first_page, u64 last_page)
{
	for (size_t i = 0; i < used;) {
		const struct tlb_entry *e = &entries[i];

		if ((any_vmid || e->vmid == vmid) && e->page >= first_page && e->page <= last_page)
			entries[i] = entries[--used];
		else
			i++;
	}
}

void s2_hw_publish(void)
{
}

void s2_hw_tlbi_range(u64 hw_vttbr, u64 ia, u64 size)
{
	CHECK(size && !(ia & 0xfff) && !(size & 0xfff));
	tlb_stats.range++;
	drop(vmid_of(hw_vttbr), false, ia >> 12, (ia + size - 1) >> 12);
}

void s2_hw_tlbi_vmid(u64 hw_vttbr)
{
	tlb_stats.vmid++;
	drop(vmid_of(hw_vttbr), false, 0, ~0ULL);
}

void s2_hw_tlbi_all(void)
{
	tlb_stats.all++;
	drop(0, true, 0, ~0ULL);
}

/* L1's devices: they use the canonical table alone. */
void smmu_tlbi(void)
{
	tlb_stats.devices++;
}

void s2_hw_tlbi_all_local(void)
{
	s2_hw_tlbi_all();
}

/* Entries here have stage 2 alone, which a stage-1 operation leaves. */
void s2_hw_tlbi_stage1(u64 hw_vttbr, bool range, unsigned int op2, u64 val)
{
	tlb_stats.stage1++;
	tlb_stats.last_vttbr = hw_vttbr;
	tlb_stats.last_range = range;
	tlb_stats.last_op2 = op2;
	tlb_stats.last_val = val;
}
