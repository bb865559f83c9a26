// SPDX-License-Identifier: GPL-2.0-only
/*
 * FEAT_NV2 for L1: its guest runs at *its* virtual EL2, and the hardware's VNCR page is L1's. EL2.
 *
 * VNCR_EL2 of L1 holds a VA of L1's own EL2 regime. What the hardware gets is where that page is in
 * L0's, which maps all memory one to one: the PA. The translation is kept from one entry to the
 * next, and dropped at each TLBI of L1's, on whichever vCPU: kvm.vncr_gen counts them, and one that
 * another vCPU's hardware still runs with ends before the TLBI does. TLBIs of E1 type trap for as long
 * as a translation is kept (they do anyhow while translations of vEL1&0 may be live, and both end
 * together in access_tlbi()).
 *
 * arch.vncr_live is the generation that the hardware runs with, 0 in the host and at vEL2. A vCPU says it
 * there, and only then looks whether it is still the last one; a TLBI begins another one, and only then
 * looks there: one of the two sees the other.
 */
#include <at.h>
#include <gic.h>
#include <idregs.h>
#include <kvm_hyp.h>
#include <mmu.h>
#include <nested.h>

/* VNCR_EL2.BADDR with its sign extension (RESS); bits 11:0 are RES0. */
#define VNCR_BADDR	GENMASK_ULL(63, 12)

/* How often a descriptor is looked at again that another vCPU changes meanwhile. */
#define MAX_UPDATE_TRIES	8

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
 * Where L1's VNCR page is, for an access of kind @access (S1_ACC_*), and whether it may be written without
 * asking here again. 0, or the fault status code that L1 is to see. As by the hardware's walk, L1's table
 * gets its access flag and its dirty state.
 */
static u8 translate(struct kvm_vcpu *vcpu, u32 access, pa_t *pa, bool *writable)
{
	va_t va = READ_ONCE(__vcpu_sys_reg(vcpu, VNCR_EL2)) & VNCR_BADDR;
	unsigned int tries = MAX_UPDATE_TRIES;
	struct s1_walk_result res;
	struct at_ctx ctx;
	bool ram;

	vel2_context(vcpu, &ctx);
	do {
		if (!tries--)
			return s2_fault_fsc(S2_FAULT_ACCESS_FLAG, res.level);
		if (s1_walk(&ctx, ctx.regs.hcr & HCR_E2H ? S1_EL20 : S1_EL2, va, access, false,
			    &res))
			return s2_fault_fsc(res.fault, res.level);
	} while (!s1_update_leaf(&ctx, &res, access));
	if (!s2_vm_ipa_to_pa(&vcpu->kvm->s2, res.pa, pa, &ram) || !ram)
		return ESR_FSC_EXTABT;
	*writable = res.pw;
	return 0;
}

/* What VNCR_EL2 of the hardware is to be; 0: L1's page is not there. */
static va_t writable_or_not(struct kvm_vcpu *vcpu)
{
	bool writable;
	pa_t pa;

	if (translate(vcpu, S1_ACC_READ, &pa, &writable))
		return 0;
	return writable ? pa : pa + HYP_RO_ALIAS;
}

/*
 * What L1 may change without a TLBI: the tables, with the ASID, and whether they are used. Bit 0 of TTBR0_EL2
 * is CnP, that of SCTLR_EL2 is M.
 */
static bool same_tables(const struct kvm_vcpu *vcpu, u64 *ttbr0, u64 *ttbr1)
{
	const u64 *r = vcpu->arch.ctxt.sys_regs;

	*ttbr0 = (r[TTBR0_EL2] & ~TTBR_CNP) | (r[SCTLR_EL2] & SCTLR_M);
	*ttbr1 = r[TTBR1_EL2];
	return *ttbr0 == vcpu->arch.l1_vncr_ttbr0 && *ttbr1 == vcpu->arch.l1_vncr_ttbr1;
}

/* The generation that a translation made from now on belongs to. */
static u64 join_generation(struct kvm_vcpu *vcpu)
{
	u64 *last = &vcpu->kvm->vncr_gen, gen = 0;

	/* From the first one on TLBIs count. */
	__atomic_compare_exchange_n(last, &gen, 1, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
	do {
		gen = __atomic_load_n(last, __ATOMIC_SEQ_CST);
		__atomic_store_n(&vcpu->arch.vncr_live, gen, __ATOMIC_SEQ_CST);
	} while (__atomic_load_n(last, __ATOMIC_SEQ_CST) != gen);
	return gen;
}

static void load(struct kvm_vcpu *vcpu, bool again)
{
	u64 va = READ_ONCE(__vcpu_sys_reg(vcpu, VNCR_EL2)) & VNCR_BADDR;
	struct kvm_vcpu_arch *arch = &vcpu->arch;
	u64 gen = join_generation(vcpu), ttbr0, ttbr1;

	if (!same_tables(vcpu, &ttbr0, &ttbr1) || again || !arch->l1_vncr_pa ||
	    arch->l1_vncr_va != va || arch->l1_vncr_gen != gen) {
		arch->l1_vncr_va = va;
		arch->l1_vncr_ttbr0 = ttbr0;
		arch->l1_vncr_ttbr1 = ttbr1;
		arch->l1_vncr_gen = gen;
		arch->l1_vncr_pa = writable_or_not(vcpu);
	}
	/* Where L0 maps nothing, or nothing writable, an access becomes an abort with ESR_EL2.VNCR. */
	write_sysreg_s(arch->l1_vncr_pa ? arch->l1_vncr_pa : HYP_NOWHERE, SYS_VNCR_EL2);
	arch->l1_vncr = true;
}

/* The hardware is about to run vEL1 with HCR_EL2.{NV,NV2} of L1's, or goes on with that after the host. */
void nested_vncr_load(struct kvm_vcpu *vcpu)
{
	load(vcpu, false);
}

static void not_live(struct kvm_vcpu *vcpu)
{
	__atomic_store_n(&vcpu->arch.vncr_live, 0, __ATOMIC_RELEASE);
}

/* To the host: nothing runs with the page. */
void nested_vncr_leave(struct kvm_vcpu *vcpu)
{
	not_live(vcpu);
}

/* vEL2 of L1 again: its EL2 registers are in sys_regs[]. */
void nested_vncr_unload(struct kvm_vcpu *vcpu)
{
	write_sysreg_s((u64)vcpu->arch.ctxt.sys_regs, SYS_VNCR_EL2);
	vcpu->arch.l1_vncr = false;
	not_live(vcpu);
}

/* Does the hardware of @vcpu run with a translation from before @gen? */
static bool is_stale(const struct kvm_vcpu *vcpu, u64 gen)
{
	u64 live = __atomic_load_n(&vcpu->arch.vncr_live, __ATOMIC_SEQ_CST);

	return live && live < gen;
}

/* L1 executed a TLBI at vEL2: it may be its mapping of a VNCR page that goes. */
void nested_vncr_tlbi(struct kvm_vcpu *vcpu)
{
	struct kvm *kvm = vcpu->kvm;
	u64 gen;

	if (!__atomic_load_n(&kvm->vncr_gen, __ATOMIC_SEQ_CST))
		return;
	gen = __atomic_add_fetch(&kvm->vncr_gen, 1, __ATOMIC_SEQ_CST);
	for (int i = 0; i < kvm->nr_vcpus; i++) {
		struct kvm_vcpu *other = kvm->vcpus[i];
		int cpu;

		if (other == vcpu || !is_stale(other, gen))
			continue;
		/* As long as it is stale it has not left its guest, and is where it was. */
		cpu = READ_ONCE(other->cpu);
		if (cpu >= 0)
			gic_send_kick(*per_cpu_ptr(cpu_mpidr, (unsigned int)cpu));
		while (is_stale(other, gen))
			;
	}
}

/* L1's guest, at its virtual EL2, touched L1's VNCR page and there was nothing for it. */
enum host_exit nested_vncr_exit(struct kvm_vcpu *vcpu, u64 esr)
{
	u64 offset = read_sysreg(far_el2) & 0xfff;
	u32 access = esr & ESR_WNR ? S1_ACC_WRITE : S1_ACC_READ;
	bool writable;
	pa_t pa;
	u8 fsc;

	/* L1 may have made a page valid without a TLBI; and the first write may make one dirty. */
	fsc = translate(vcpu, access, &pa, &writable);
	load(vcpu, true);
	if (!fsc && vcpu->arch.l1_vncr_pa) {
		exit_done(vcpu, EXIT_VNCR, OUT_HANDLED);
		return HOST_EXIT_RESUME;
	}
	exit_done(vcpu, EXIT_VNCR, OUT_FORWARDED);
	vcpu_write_sys_reg(vcpu, vcpu->arch.l1_vncr_va | offset, FAR_EL2);
	kvm_inject_nested_sync(vcpu, (esr & ~(u64)ESR_FSC) | fsc);
	return HOST_EXIT_RESUME;
}
