// SPDX-License-Identifier: GPL-2.0-only
/*
 * FEAT_NV2 for L1: its guest runs at *its* virtual EL2, and the hardware's VNCR page is L1's. EL2.
 *
 * VNCR_EL2 of L1 holds a VA of L1's own EL2 regime. What the hardware gets is where that page is in
 * L0's, which maps all memory one to one: the PA. The translation is kept from one entry to the
 * next, and dropped at each TLBI of L1's; TLBIs of E1 type trap for as long as it is kept (they do
 * anyhow while translations of vEL1&0 may be live, and both end together in access_tlbi()).
 */
#include <at.h>
#include <idregs.h>
#include <kvm_hyp.h>
#include <mmu.h>
#include <nested.h>

/* VNCR_EL2.BADDR with its sign extension (RESS); bits 11:0 are RES0. */
#define VNCR_BADDR	GENMASK_ULL(63, 12)

static void vel2_context(const struct kvm_vcpu *vcpu, struct at_ctx *ctx)
{
	*ctx = (struct at_ctx) {
		.regs = {
			.hcr = vcpu_hcr_el2(vcpu),
			.sctlr_el2 = vcpu_read_sys_reg(vcpu, SCTLR_EL2),
			.tcr_el2 = vcpu_read_sys_reg(vcpu, TCR_EL2),
			.ttbr0_el2 = vcpu_read_sys_reg(vcpu, TTBR0_EL2),
			.ttbr1_el2 = vcpu_read_sys_reg(vcpu, TTBR1_EL2),
			.mair_el2 = vcpu_read_sys_reg(vcpu, MAIR_EL2),
		},
		.s2 = vcpu->kvm->s2.cfg.caps,
		.mem = { .read = s2_vm_read64, .cmpxchg = s2_vm_cmpxchg64, .ctx = &vcpu->kvm->s2 },
	};
	idregs_s1_caps(&ctx->s1);
}

/*
 * Where L1's VNCR page is, for an access of kind @access (S1_ACC_*). 0, or the fault status code
 * that L1 is to see.
 */
static u8 translate(struct kvm_vcpu *vcpu, u32 access, pa_t *pa)
{
	va_t va = READ_ONCE(__vcpu_sys_reg(vcpu, VNCR_EL2)) & VNCR_BADDR;
	struct s1_walk_result res;
	struct at_ctx ctx;
	bool ram;

	vel2_context(vcpu, &ctx);
	if (s1_walk(&ctx, ctx.regs.hcr & HCR_E2H ? S1_EL20 : S1_EL2, va, access, false, &res))
		return s2_fault_fsc(res.fault, res.level);
	if (!s2_vm_ipa_to_pa(&vcpu->kvm->s2, res.pa, pa, &ram) || !ram)
		return ESR_FSC_EXTABT;
	return 0;
}

/* What VNCR_EL2 of the hardware is to be; 0: L1's page is not there. */
static va_t writable_or_not(struct kvm_vcpu *vcpu)
{
	pa_t pa;

	if (!translate(vcpu, S1_ACC_READ | S1_ACC_WRITE, &pa))
		return pa;
	return translate(vcpu, S1_ACC_READ, &pa) ? 0 : pa + HYP_RO_ALIAS;
}

/* The hardware is about to run vEL1 with HCR_EL2.{NV,NV2} of L1's. */
void nested_vncr_load(struct kvm_vcpu *vcpu)
{
	u64 va = READ_ONCE(__vcpu_sys_reg(vcpu, VNCR_EL2)) & VNCR_BADDR;
	struct kvm_vcpu_arch *arch = &vcpu->arch;

	if (!arch->l1_vncr_pa || arch->l1_vncr_va != va) {
		arch->l1_vncr_va = va;
		arch->l1_vncr_pa = writable_or_not(vcpu);
	}
	/* Where L0 maps nothing, or nothing writable, an access becomes an abort with ESR_EL2.VNCR. */
	write_sysreg_s(arch->l1_vncr_pa ? arch->l1_vncr_pa : HYP_NOWHERE, SYS_VNCR_EL2);
	arch->l1_vncr = true;
}

/* vEL2 of L1 again: its EL2 registers are in sys_regs[]. */
void nested_vncr_unload(struct kvm_vcpu *vcpu)
{
	write_sysreg_s((u64)vcpu->arch.ctxt.sys_regs, SYS_VNCR_EL2);
	vcpu->arch.l1_vncr = false;
}

/* L1's guest, at its virtual EL2, touched L1's VNCR page and there was nothing for it. */
enum host_exit nested_vncr_exit(struct kvm_vcpu *vcpu, u64 esr)
{
	u64 offset = read_sysreg(far_el2) & 0xfff;
	u32 access = esr & ESR_WNR ? S1_ACC_WRITE : S1_ACC_READ;
	pa_t pa;
	u8 fsc;

	/* L1 may have made a page valid without a TLBI. */
	vcpu->arch.l1_vncr_pa = writable_or_not(vcpu);
	fsc = translate(vcpu, access, &pa);
	if (!fsc && vcpu->arch.l1_vncr_pa) {
		exit_done(vcpu, EXIT_VNCR, OUT_HANDLED);
		write_sysreg_s(vcpu->arch.l1_vncr_pa, SYS_VNCR_EL2);
		return HOST_EXIT_RESUME;
	}
	exit_done(vcpu, EXIT_VNCR, OUT_FORWARDED);
	vcpu_write_sys_reg(vcpu, vcpu->arch.l1_vncr_va | offset, FAR_EL2);
	kvm_inject_nested_sync(vcpu, (esr & ~(u64)ESR_FSC) | fsc);
	return HOST_EXIT_RESUME;
}
