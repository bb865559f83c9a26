// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tables of registers, of any encoding and value; what the virtual CPU says of itself on any hardware; and what
 * mechanism pv makes of any instruction, and back.
 *
 * unit: -include harness/tests/unit/fake_cpu.h harness/tests/unit/unit.c harness/tests/unit/fake_cpu.c hyp/el2/sysreg-table.c -Ihyp/include
 */
#include <stdlib.h>

#include "fuzz.h"

/* Their state begins anew with each input. */
#include "../../../../nested/idregs.c"
#include "../../../../nested/pv.c"

#define PAGES 4 /* as many as the sites of an input need */
#define HVC   0x5a000000ULL

struct l0_options opts;
static const struct nested_mech mech = { .nv = 2 };
const struct nested_mech *nested_mech = &mech;
static struct pv_site pages[PAGES][SITES_PER_PAGE];
static unsigned int pages_used;

void *hyp_page_alloc(void)
{
	return pages_used < PAGES ? pages[pages_used++] : NULL;
}

/* Flavour trap: nothing is served from a page, and nobody's stage 1 is shadowed. */
bool pv_page_serves(u64 esr)
{
	(void)esr;
	return false;
}

bool pv_page_make(pa_t site, u64 esr, u32 fallback, struct pv_veneer *v)
{
	(void)site;
	(void)esr;
	(void)fallback;
	(void)v;
	return false;
}

/* Of the page, and of a stage 1 that L0 shadows: not reached. */
int pv_page_word(pa_t pa)
{
	(void)pa;
	abort();
}

pa_t pv_page_ram(unsigned int word)
{
	(void)word;
	abort();
}

unsigned int pv_page_borrowed(u64 esr)
{
	(void)esr;
	abort();
}

u32 pv_insn_b(pa_t pa, pa_t to)
{
	(void)pa;
	(void)to;
	abort();
}

/* Which accesses are nobody's business but their handlers': no handler is here. */
void sysreg_plain_init(u64 features)
{
	(void)features;
}

void nested_at_context(const struct kvm_vcpu *vcpu, struct at_ctx *ctx)
{
	(void)vcpu;
	(void)ctx;
	abort();
}

int s1_walk(const struct at_ctx *ctx, enum s1_regime regime, va_t va, u32 access, bool pan,
	    struct s1_walk_result *res)
{
	(void)ctx;
	(void)regime;
	(void)va;
	(void)access;
	(void)pan;
	(void)res;
	abort();
}

bool s1_update_leaf(const struct at_ctx *ctx, struct s1_walk_result *s1, u32 access)
{
	(void)ctx;
	(void)s1;
	(void)access;
	abort();
}

bool s2_table_lookup(const struct s2_table *t, u64 ia, struct s2_leaf *leaf)
{
	(void)t;
	(void)ia;
	(void)leaf;
	abort();
}

const struct s2_table *s2_vm_map_of(const struct s2_mmu *mmu)
{
	(void)mmu;
	abort();
}

static void check_tables(u32 enc, u64 val)
{
	const struct sysreg_desc *desc = sysreg_lookup(enc);
	const struct sysinsn_desc *insn = sysinsn_lookup(enc);
	u64 once;

	CHECK(!insn || insn->enc == enc);
	if (!desc)
		return;
	CHECK(desc->enc == enc || (sys_reg_Op0(enc) == 3 && (sys_reg_CRn(enc) & 11) == 11));
	CHECK(desc->idx < NR_SYS_REGS && sysreg_by_idx((enum vcpu_sysreg)desc->idx));
	CHECK(sysreg_e2h((enum vcpu_sysreg)desc->idx) < NR_SYS_REGS);
	once = sysreg_sanitize((enum vcpu_sysreg)desc->idx, val);
	CHECK_EQ(sysreg_sanitize((enum vcpu_sysreg)desc->idx, once), once);
}

/* Nothing is offered that the hardware has not, but that E2H may be fixed. */
static void check_policy(u32 enc, u64 hw, bool vhe_only, u64 off)
{
	u64 val = idreg_policy(enc, hw, vhe_only, off);

	for (unsigned int shift = 0; shift < 64; shift += 4)
		CHECK(field(val, shift) <= field(hw, shift) ||
		      (enc == SYS_ID_AA64MMFR4_EL1 && shift == E2H0_SHIFT));
	CHECK_EQ(idreg_policy(enc, val, vhe_only, off), val);
}

static void check_cpu(struct input *in)
{
	static struct kvm vm;
	static struct kvm_vcpu vcpu;
	struct s1_caps caps;
	u64 features;

	memset(id_values, 0, sizeof(id_values));
	vcpu.kvm = &vm;
	vcpu.arch.hcr_res1 = take(in, 1) & 1 ? HCR_E2H : 0;
	opts.features_off = take(in, 8);
	for (u32 i = 8; i < 64; i++)
		*fake_reg_s(sys_reg(3, 0, 0, i / 8, i % 8)) = take(in, 8);
	nested_idregs_init(&vcpu);
	features = vm.vcpu_features;
	CHECK(features & BIT(FEAT_ALWAYS));
	CHECK(!(features & BIT(FEAT_NV2)) || (features & BIT(FEAT_NV)));
	CHECK(!(features & BIT(FEAT_TLBIRANGE)) || (features & BIT(FEAT_TLBIOS)));
	CHECK(!(features & BIT(FEAT_E2H0)) || !vcpu.arch.hcr_res1);
	for (unsigned int i = 0; i < 16; i++)
		idreg_read(&vcpu, (u32)take(in, 2));
	idregs_s1_caps(&caps);
	idregs_hfgitr();
	CHECK(idregs_breakpoints() <= 16 && idregs_watchpoints() <= 16);
}

/* The instruction that would trap with this syndrome. */
static u32 insn_of(u64 esr)
{
	static const u32 erets[4] = { INSN_ERET, INSN_ERET, INSN_ERETAA, INSN_ERETAB };
	u32 iss = (u32)esr & 0x1ffffff;

	if (esr >> ESR_EC_SHIFT == ESR_EC_ERET)
		return erets[iss & 3];
	return INSN_SYS | (iss >> 20 & 3) << 19 | (iss >> 14 & 7) << 16 | (iss >> 10 & 15) << 12 |
	       (iss >> 1 & 15) << 8 | (iss >> 17 & 7) << 5 | (iss >> 5 & 31) | (iss & 1) << 21;
}

/* Its stage 1 is the hardware's own: what it fetched is what an AT says, or cannot be seen. */
static struct s2_mmu canonical;
static const struct kvm_vcpu vel2 = { .arch = { .hw_mmu = &canonical,
						.loaded_bank = BANK_VEL2_NVHE } };

static void check_site(struct input *in)
{
	u32 insn = (u32)take(in, 4);
	u64 pa = take(in, 6) & ~3ULL & PAR_PA, va = pa | take(in, 2) << 48, esr;
	unsigned long now = nested_pv_site(pa, insn), imm = now >> 5 & 0xffff;

	CHECK_EQ(now != PV_KEEP, nested_pv_matters(insn));
	if (now == PV_KEEP || now == PV_FULL)
		return;
	CHECK_EQ(now, INSN_HVC(imm));
	CHECK(imm < MAX_SITES && imm != MARKER_HVC);
	*fake_reg("par_el1") = ~0ULL;
	fake_at = pa & ~0xfffULL;
	*fake_reg("elr_el2") = va + 4;
	esr = nested_pv_syndrome(&vel2, HVC | imm);
	CHECK_EQ(insn_of(esr), insn);
	CHECK_EQ(*fake_reg("elr_el2"), va);
	CHECK_EQ(*fake_reg("par_el1"), ~0ULL);
	/* The same number, or address, elsewhere is L1's own HVC; so is one that cannot be seen. */
	*fake_reg("elr_el2") = va + 8;
	CHECK_EQ(nested_pv_syndrome(&vel2, HVC | imm), HVC | imm);
	*fake_reg("elr_el2") = va + 4;
	fake_at ^= SZ_4K;
	CHECK_EQ(nested_pv_syndrome(&vel2, HVC | imm), HVC | imm);
	fake_at ^= SZ_4K | PAR_F;
	CHECK_EQ(nested_pv_syndrome(&vel2, HVC | imm), HVC | imm);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct input in = { data, data + size };
	u64 op;

	if (!sysreg_lookup(SYS_HCR_EL2))
		sysreg_table_init();
	memset(sites, 0, sizeof(sites));
	memset(pages, 0, sizeof(pages));
	next_imm = 1;
	pages_used = 0;
	while (more(&in)) {
		op = take(&in, 1);
		switch (op & 3) {
		case 0:
			check_tables((u32)take(&in, 2), take(&in, 8));
			break;
		case 1:
			check_policy(sys_reg(3, 0, 0, 1 + (op >> 2 & 7) % 7, op >> 5), take(&in, 8),
				     take(&in, 1) & 1, take(&in, 8));
			break;
		case 2:
			check_cpu(&in);
			break;
		default:
			opts.l1_mode = op >> 2 & 3 ? L1_NVHE : L1_VHE;
			check_site(&in);
		}
	}
	return 0;
}
