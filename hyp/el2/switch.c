// SPDX-License-Identifier: GPL-2.0-only
/*
 * The world switch between host and guest. EL2, interrupts masked.
 *
 * VHE host: it needs no EL1 register of its own, so the guest's stay in the hardware from vcpu_load
 * to vcpu_put (deferred) and a plain exit moves none of them. nVHE host: it lives on the same EL1
 * registers, so every __kvm_vcpu_run() is a load, a run and a put around a save of the host's.
 */
#include <kvm_hyp.h>
#include <options.h>
#include <sysreg-sr.h>

/*
 * Does each run of a guest load and unload all of it? vel2.eager=on makes a VHE host do what an nVHE one must,
 * to see what deferring saves.
 */
static bool is_eager(void)
{
	return !has_vhe() || unlikely(opts.eager);
}

static bool has_pauth(const struct kvm_vcpu *vcpu)
{
	return vcpu->kvm->vcpu_features & BIT(FEAT_PAUTH);
}

/* nVHE host: what it has in EL1 registers, its per-CPU distance and its stack included. */
static void save_host_el1(struct kvm_cpu_context *host)
{
	__sysreg_save_el1_bank(host->sys_regs);
	host->sys_regs[CNTKCTL_EL1] = read_sysreg_el1(CNTKCTL);
	host->sys_regs[TPIDR_EL1] = read_sysreg(TPIDR_EL1);
}

static void restore_host_el1(const struct kvm_cpu_context *host)
{
	__sysreg_restore_el1_bank(host->sys_regs);
	write_sysreg_el1(host->sys_regs[CNTKCTL_EL1], CNTKCTL);
	write_sysreg(host->sys_regs[TPIDR_EL1], TPIDR_EL1);
}

/* The guest's traps: HCR_EL2 of the bank it last ran in, or what fits any until one is chosen. */
static void __activate_traps(struct kvm_vcpu *vcpu)
{
	write_sysreg(vcpu->arch.hcr_el2, HCR_EL2);
	isb();	/* E2H and TGE decide what the next accesses mean */
}

/*
 * The host's. Under VHE TGE alone makes the difference: it overrides what the guest's other bits
 * would do to EL2&0, and leaving them saves a TLB flush on machines that flush when they change.
 * An nVHE host runs at EL1, which they all act on.
 */
static void __deactivate_traps(struct kvm_vcpu *vcpu)
{
	if (has_vhe()) {
		write_sysreg(vcpu->arch.hcr_el2 | HCR_TGE, HCR_EL2);
	} else {
		/* If stage 2 is off, TLB entries of this host get a VMID all the same: not a guest's. */
		asm volatile(ALTERNATIVE("msr hcr_el2, %0\n\tmsr vttbr_el2, xzr",
					 "bl hyp_protect_host\n\tnop", CAP_PROTECT)
			     : : "r"(HCR_HOST_NVHE_FLAGS) : CALL_CLOBBERS);
		write_sysreg(CPTR_HOST_NVHE_FLAGS, CPTR_EL2);
		write_sysreg(read_sysreg(MPIDR_EL1), VMPIDR_EL2);
	}
	isb();
}

/* EL2's own use of FP and SVE, whatever the guest may. */
static void fp_allow(struct kvm_vcpu *vcpu)
{
	bool sve = alternative_has_cap(CAP_SVE);

	vcpu->arch.hw_cptr = ~0ULL;	/* the next one that is wanted is written, whatever it is */
	if (has_vhe())
		write_sysreg(read_sysreg(CPTR_EL2) | CPACR_FPEN | (sve ? CPACR_ZEN : 0), CPTR_EL2);
	else
		write_sysreg(read_sysreg(CPTR_EL2) & ~(CPTR_TFP | (sve ? CPTR_TZ : 0)), CPTR_EL2);
	isb();
	if (sve) {
		write_sysreg_s(ZCR_LEN, SYS_ZCR_EL2);
		isb();	/* the vector length of what follows */
	}
}

static void save_fp(struct kvm_vcpu *vcpu)
{
	fp_allow(vcpu);
	if (alternative_has_cap(CAP_SVE))
		__sve_save(&vcpu->arch.sve, &vcpu->arch.ctxt.fp);
	else
		__fpsimd_save(&vcpu->arch.ctxt.fp);
	vcpu->arch.fp_loaded = false;
}

/*
 * FEAT_RAS is not offered, but what DISR_EL1 reaches while HCR_EL2.AMO is 1 does not trap: VDISR_EL2, which an ESB
 * writes, too. So that nobody finds what another one left there, it goes with the vCPU.
 */
static void load_disr(const struct kvm_vcpu *vcpu)
{
	if (alternative_has_cap(CAP_RAS))
		write_sysreg_s(__vcpu_sys_reg(vcpu, DISR_EL1), SYS_VDISR_EL2);
}

static void save_disr(struct kvm_vcpu *vcpu)
{
	if (alternative_has_cap(CAP_RAS))
		__vcpu_sys_reg(vcpu, DISR_EL1) = read_sysreg_s(SYS_VDISR_EL2);
}

static void load_vcpu(struct kvm_vcpu *vcpu)
{
	vcpu->arch.hw_cptr = ~0ULL;	/* somebody else's may be there */
	vcpu->arch.hw_mdcr = ~0ULL;
	load_disr(vcpu);
	__sysreg_restore_shared(vcpu->arch.ctxt.sys_regs, has_pauth(vcpu));
	hyp_exit_handlers.load(vcpu);
}

static void put_vcpu(struct kvm_vcpu *vcpu)
{
	hyp_exit_handlers.put(vcpu);
	__sysreg_save_shared(vcpu->arch.ctxt.sys_regs, has_pauth(vcpu));
	save_disr(vcpu);
	if (vcpu->arch.fp_loaded)
		save_fp(vcpu);
}

void __kvm_vcpu_load(struct kvm_vcpu *vcpu)
{
	if (!is_eager())
		load_vcpu(vcpu);
}

void __kvm_vcpu_put(struct kvm_vcpu *vcpu)
{
	if (!is_eager())
		put_vcpu(vcpu);
}

int __kvm_vcpu_run(struct kvm_vcpu *vcpu)
{
	struct kvm_cpu_context *host = __hyp_this_cpu_ptr(kvm_host_cpu_state);
	int ret;

	if (!has_vhe())
		save_host_el1(host);
	host->__hyp_running_vcpu = vcpu;
	__activate_traps(vcpu);
	if (is_eager())
		load_vcpu(vcpu);
	hyp_exit_handlers.enter(vcpu);

	if (unlikely(opts.test == TEST_CORRUPT_STACK))
		ret = __guest_enter_corrupt(vcpu);
	else
		ret = __guest_enter(vcpu);

	hyp_exit_handlers.leave(vcpu);
	if (is_eager())
		put_vcpu(vcpu);
	__deactivate_traps(vcpu);
	host->__hyp_running_vcpu = NULL;
	if (!has_vhe())
		restore_host_el1(host);
	return ret;
}

void hyp_fpsimd_load(struct kvm_vcpu *vcpu)
{
	fp_allow(vcpu);
	if (alternative_has_cap(CAP_SVE))
		__sve_restore(&vcpu->arch.sve, &vcpu->arch.ctxt.fp);
	else
		__fpsimd_restore(&vcpu->arch.ctxt.fp);
	vcpu->arch.fp_loaded = true;
}
