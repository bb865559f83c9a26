// SPDX-License-Identifier: GPL-2.0-only
/*
 * The shadow stage 2 of an L1 that does anything: whatever is in its tables and registers, its guests' faults and its
 * TLBIs in any order. The checking build's oracle looks on (a fresh leaf is what L1's tables say, every leaf is memory
 * of L1's, after a TLBI nothing is left of what it names); this looks at the tables as the hardware walks them.
 *
 * unit: harness/tests/unit/unit.c harness/tests/unit/l1_model.c harness/tests/unit/tlb_model.c shadow/page_pool.c shadow/s1_walk.c shadow/s2_walk.c shadow/s2_table.c shadow/s2_mmu.c shadow/s2_fault.c shadow/s2_tlbi.c shadow/check.c -DCONFIG_CHECK -idirafter hyp/include -Ishadow
 */
#include "../l1_model.h"
#include "fuzz.h"

#include <at.h>
#include <check.h>

#define SHADOWS 4
#define HELD	2
#define TABLES	0x40000ULL /* bytes at RAM_IPA that L1's tables are in */
#define OPS	400

static struct s2_guest guest;
static struct at_ctx vel2;
static struct s2_mmu *held[HELD];

void __noreturn check_failed(const char *what, u64 is, u64 should_be)
{
	fprintf(stderr, "%s: 0x%llx, 0x%llx\n", what, is, should_be);
	abort();
}

static bool is_l1s(u64 pa, u64 size)
{
	u64 ram_pa = (u64)(uintptr_t)ram.mem;

	return (pa >= ram_pa && pa + size <= ram_pa + RAM_SIZE) ||
	       (pa >= FAR_PA && pa + size <= FAR_PA + FAR_SIZE) ||
	       (pa >= DEV_IPA && pa + size <= DEV_IPA + SZ_4K);
}

/* Of L1's memory only this piece has bytes. */
static int read_ram(void *ctx, ipa_t addr, u64 *val)
{
	return addr - RAM_IPA < RAM_SIZE ? s2_vm_read64(ctx, addr, val) : -EFAULT;
}

/* Addresses of interest: in L1's tables, in its memory, anywhere. */
static u64 address(struct input *in)
{
	u64 v = take(in, 2);

	switch (v & 3) {
	case 0:
		return RAM_IPA + (v >> 2 << 12) % TABLES;
	case 1:
		return FAR_IPA + (v >> 2 << 18) % FAR_SIZE;
	case 2:
		return (v >> 2) << (v >> 2 & 31);
	default:
		return take(in, 8);
	}
}

static void write_descriptor(struct input *in)
{
	u64 at = RAM_IPA + (take(in, 2) * 8) % TABLES, how = take(in, 1), desc = address(in);

	if (how & 0x80)
		desc = take(in, 8);
	else
		desc = (desc & GENMASK_ULL(47, 12)) | (how & 1 ? ATTR : AF) | (how & 6) << 5 |
		       (how & 8 ? 3 : how & 16 ? 1 : 0);
	gmem_put(&ram, at, desc);
}

static void set_guest(struct input *in)
{
	static const u64 vtcr[] = { 0x80080018 | 1 << 6, 0x80080018 | 2 << 6, 0x80088018 | 1 << 6,
				    0x80084018 | 1 << 6 };
	u64 how = take(in, 1);

	guest.hcr = how & 1 ? HCR_VM : how & 2 ? HCR_DC : how & 4 ? take(in, 8) : 0;
	guest.vtcr = how & 8 ? take(in, 8) : vtcr[how >> 4 & 3] | 4ULL << 16;
	guest.vttbr = address(in) | take(in, 1) << 48;
	guest.sctlr = how & 0x80 ? BIT(25) : 0;
}

static void look_up(unsigned int i)
{
	if (held[i])
		s2_mmu_put(held[i]);
	held[i] = lookup_s2_mmu(&vm, &guest);
	CHECK(held[i] && s2_mmu_matches(held[i], &guest));
}

/* What is to be done about a fault: never an error, and with what it takes. */
static void check_answer(int action, const struct s2_fault_result *out)
{
	CHECK(action >= S2_RETRY && action <= S2_EMULATE);
	if (action == S2_INJECT)
		CHECK(out->kind > S2_FAULT_NONE && out->kind <= S2_FAULT_EXTERNAL);
	if (action == S2_EMULATE)
		CHECK(out->l1_ipa < 1ULL << 48);
}

static void fault(struct s2_mmu *mmu, u64 ia, u32 access)
{
	struct s2_fault_result out;
	int action;
	struct tlb_entry e;
	unsigned int shift;

	action = s2_shadow_fault(mmu, ia, access, &out);
	switch (action) {
	case S2_RETRY:
		CHECK(tlb_walk(mmu->hw_vttbr, mmu->hw_vtcr, ia, &e, &shift));
		CHECK(is_l1s(e.pa, SZ_4K) && out.shift >= 12);
		break;
	case S2_INJECT:
		CHECK(out.level >= -1 && out.level <= 3 && mmu->nested_stage2_enabled);
		break;
	default:
		break;
	}
	check_answer(action, &out);
}

/* vEL2's own stage 1 in a shadow: its registers, and a fault. */
static void set_vel2(struct input *in)
{
	u64 how = take(in, 1);

	vel2.regs.sctlr_el2 = how & 1 ? take(in, 8) : 1 | (how & 2) << 24;
	vel2.regs.tcr_el2 = how & 4 ? take(in, 8)
				    : (how & 8 ? 0x40019 : 0x600019) | (how & 0x30) << 10;
	vel2.regs.mair_el2 = how & 0x40 ? take(in, 8) : 0xff4400;
	vel2.regs.ttbr0_el2 = address(in);
	s2_stage1_clear(&vm.stage1[0]);
}

static void vel2_fault(u64 va, u32 access)
{
	const struct s2_mmu *mmu = &vm.stage1[0];
	u64 ia = va & (BIT(mmu->table.ia_bits) - 1);
	struct s2_fault_result out;
	int action;
	struct tlb_entry e;
	unsigned int shift;

	action = s2_stage1_fault(&vm.stage1[0], &vel2, va, access, &out);
	if (action == S2_RETRY && tlb_walk(mmu->hw_vttbr, mmu->hw_vtcr, ia, &e, &shift))
		CHECK(is_l1s(e.pa, SZ_4K));
	check_answer(action, &out);
}

static void step(struct input *in)
{
	u64 op = take(in, 1);
	struct s2_mmu *mmu = held[op >> 4 & 1];

	switch (op & 15) {
	case 0:
	case 1:
	case 2:
	case 3:
		write_descriptor(in);
		break;
	case 4:
		set_guest(in);
		look_up(op >> 4 & 1);
		break;
	case 5:
		look_up(op >> 4 & 1);
		break;
	case 6:
	case 7:
	case 8:
	case 9:
		/* What is above the table's input size cannot get as far as a stage-2 fault that L0 sees. */
		if (mmu)
			fault(mmu, address(in) & GENMASK_ULL(39, 0),
			      1U << (op >> 5 & 1) | (op >> 6 & 1) << 4);
		break;
	case 10:
		if (mmu)
			s2_shadow_prefill(mmu, address(in));
		break;
	case 11:
		s2_emulate_tlbi(&vm, &guest, (u32)take(in, 2) & 0x3fff, take(in, 8));
		break;
	case 12:
		s2_emulate_tlbi(&vm, &guest, S2_SYS(4, 8, op >> 5, 1 + (op >> 4 & 1) * 4),
				address(in) >> 12 | (take(in, 1) & 15) << 44);
		break;
	case 13:
		if (mmu)
			s2_emulate_tlbi_vel1(mmu, (u32)take(in, 2) & 0x3fff, take(in, 8));
		break;
	case 14:
		if (op & 0x80)
			set_vel2(in);
		else if (op & 0x40)
			s2_flush_guest_stage1(&vm);
		break;
	default:
		vel2_fault(address(in), 1U << (op >> 5 & 1));
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct input in = { data, data + size };

	if (!ram.mem)
		l1_create();
	l1_stage1s = 1;
	l1_start(40, SHADOWS, 48);
	vel2 = (struct at_ctx){
		.regs = { .sctlr_el2 = 1,
			  .tcr_el2 = 0x40019,
			  .ttbr0_el2 = RAM_IPA,
			  .mair_el2 = 0xff4400 },
		.s1 = { .tgran4 = true,
			.tgran16 = true,
			.tgran64 = true,
			.hafdbs_af = true,
			.hafdbs_db = true },
		.s2 = vm.cfg.caps,
		.mem = { read_ram, s2_vm_cmpxchg64, &vm },
	};
	vm.mem.read = read_ram;
	ram.next = TABLES; /* what l1_start() clears */
	memset(held, 0, sizeof(held));
	guest = (struct s2_guest){ .hcr = HCR_VM,
				   .vttbr = RAM_IPA,
				   .vtcr = 0x80080058 | 4ULL << 16 };
	look_up(0);
	for (unsigned int i = 0; i < OPS && more(&in); i++) {
		step(&in);
		CHECK(vm.budget.used <= 40);
	}
	return 0;
}
