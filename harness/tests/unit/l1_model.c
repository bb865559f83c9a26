// SPDX-License-Identifier: GPL-2.0-only
/* See l1_model.h. */
#include "l1_model.h"

struct gmem ram;
static u8 *pool_mem;
struct page_pool pool;
struct s2_vm vm;
u8 l1_stage1s;

void l1_create(void)
{
	pool_mem = aligned_alloc(HYP_PAGE_SIZE, POOL_PAGES * HYP_PAGE_SIZE);
	CHECK(pool_mem);
	gmem_init(&ram, RAM_IPA, RAM_SIZE);
}

void l1_destroy(void)
{
	gmem_free(&ram);
	free(pool_mem);
}

void l1_start(u32 shadow_pages, unsigned int nr_shadows, unsigned int hw_pa_bits)
{
	struct s2_config cfg = {
		.pool = &pool,
		.caps = { .pa_bits = hw_pa_bits < 44 ? 42 : 44,
			  .tgran4 = true,
			  .tgran16 = true,
			  .tgran64 = true,
			  .xnx = true,
			  .vmid16 = true,
			  .ttl = true,
			  .tlbirange = true },
		.l1_ipa_bits = 40,
		.hw_pa_bits = (u8)hw_pa_bits,
		.hw_vmid_bits = 8,
		.hw_xnx = true,
		.nr_vcpus = 1,
		.nr_shadows = (u8)nr_shadows,
		.nr_stage1s = l1_stage1s,
		.vmid_base = 3,
		.shadow_pages = shadow_pages,
	};

	CHECK_EQ(page_pool_init(&pool, pool_mem, pool_mem + POOL_PAGES * HYP_PAGE_SIZE), 0);
	gmem_reset(&ram);
	tlb_reset();
	CHECK_EQ(s2_vm_init(&vm, &cfg), 0);
	CHECK_EQ(s2_vm_map_ram(&vm, RAM_IPA, (u64)(uintptr_t)ram.mem, RAM_SIZE), 0);
	CHECK_EQ(s2_vm_map_ram(&vm, FAR_IPA, FAR_PA, FAR_SIZE), 0);
	CHECK_EQ(s2_vm_map_device(&vm, DEV_IPA, DEV_IPA, 4096), 0);
}

static u64 vtcr_of(const struct shape *s)
{
	u64 tg0 = s->page_shift == 12 ? 0 : s->page_shift == 14 ? 2 : 1;
	u64 sl0 = (u64)((s->page_shift == 12 ? 2 : 3) - s->start_level);

	return (64 - s->ia_bits) | sl0 << 6 | tg0 << 14 | 4ULL << 16 | BIT(19) | BIT(31);
}

struct stage2 l1_stage2(unsigned int page_shift, unsigned int ia_bits, int level,
				unsigned int vmid)
{
	struct stage2 x = {
		.s = { .page_shift = page_shift, .ia_bits = ia_bits, .start_level = level },
		.vmid = vmid,
	};

	x.s.root = gmem_take(&ram, shape_root_size(&x.s), 0x10000);
	x.vtcr = vtcr_of(&x.s);
	return x;
}

struct s2_guest l1_guest(const struct stage2 *x)
{
	return (struct s2_guest){
		.hcr = HCR_VM, .vttbr = x->s.root | (u64)x->vmid << 48 | 1, .vtcr = x->vtcr,
	};
}

void l1_map(const struct stage2 *x, u64 ia, int level, u64 out, u64 attr)
{
	unsigned int shift = shape_shift(&x->s, level);

	CHECK_EQ(out & (BIT(shift) - 1), 0);
	shape_map(&ram, &x->s, ia, level, out | attr | (level == 3 ? 3 : 1), 0);
}

int l1_fault(struct s2_mmu *mmu, u64 ia, u32 access, struct s2_fault_result *out)
{
	return s2_shadow_fault(mmu, ia, access, out);
}

struct tlb_entry l2_touch(struct s2_mmu *mmu, u64 ia, u32 access)
{
	struct s2_fault_result out;
	struct tlb_entry e = { 0 };

	if (tlb_access(mmu->hw_vttbr, mmu->hw_vtcr, ia, access, &e))
		return e;
	CHECK_EQ(l1_fault(mmu, ia, access, &out), S2_RETRY);
	CHECK(tlb_access(mmu->hw_vttbr, mmu->hw_vtcr, ia, access, &e));
	return e;
}

unsigned int l2_leaf_shift(const struct s2_mmu *mmu, u64 ia)
{
	struct tlb_entry e;
	unsigned int shift;

	return tlb_walk(mmu->hw_vttbr, mmu->hw_vtcr, ia, &e, &shift) ? shift : 0;
}
