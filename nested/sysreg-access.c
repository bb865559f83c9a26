// SPDX-License-Identifier: GPL-2.0-only
/*
 * Emulation of trapped system register accesses: the access_<handler>() that rows of sysregs.def
 * name. EL2, interrupts masked, the vCPU loaded.
 *
 * The dispatcher has already refused what is not offered, forwarded what L1 wants itself, and turned
 * a plain EL1 name at a vEL2 with E2H=1 into the row of the EL2 register. What arrives here is an
 * access to the register desc->idx, whatever its name was.
 *
 * Contract of a handler: it never moves the PC. TRAP_HANDLED and TRAP_TO_HOST mean that the access is
 * complete but for the host's part (params->host_exit says which), so that the caller skips the
 * instruction.
 */
#include <idregs.h>
#include <kvm_hyp.h>
#include <nested.h>
#include <sysreg.h>
#include <timer.h>
#include <vgic-state.h>
#include <vgic.h>

#include "sysreg-access.h"

#define SYSREG(name, op0, op1, crn, crm, op2, loc, peer, fmt, vncr, redir, reset, group, pgroup, \
	       feat, handler, ...)                                                               \
	[DESC_##name] = access_##handler,
#define SYSALIAS(...)
sysreg_access_fn *const sysreg_access[NR_SYS_DESCS] = {
#include <sysregs.def>
};
#undef SYSREG
#undef SYSALIAS

#define SYSINSN(name, op0, op1, crn, crm, op2, class, feat, handler, ...) \
	[INSN_##name] = access_##handler,
sysreg_access_fn *const sysinsn_access[NR_SYS_INSNS] = {
#include <sysinsns.def>
};
#undef SYSINSN

sysreg_access_fn *sysreg_plain_access[NR_SYS_DESCS];

/* A timer may need the host, HCR_EL2 another bank; what ablation says depends on who asks. */
void sysreg_plain_init(u64 features)
{
	for (unsigned int i = 0; i < NR_SYS_DESCS; i++) {
		sysreg_access_fn *access = sysreg_access[i];

		if (!alternative_has_cap(CAP_ABLATE) && sysreg_descs[i].base == i &&
		    (features & BIT(sysreg_descs[i].feat)) && access != access_timer &&
		    access != access_hcr_el2)
			sysreg_plain_access[i] = access;
	}
}

static enum trap_result read_as(struct sys_reg_params *p, u64 val)
{
	p->val = val;
	return TRAP_HANDLED;
}

static enum vcpu_sysreg idx_of(const struct sysreg_desc *desc)
{
	return (enum vcpu_sysreg)desc->idx;
}

enum trap_result access_rw(struct kvm_vcpu *vcpu, const struct sysreg_desc *desc,
			   struct sys_reg_params *p)
{
	enum vcpu_sysreg reg = idx_of(desc);
	bool memory = desc->loc[vcpu->arch.loaded_bank - BANK_VEL1] == LOC_M;
	u64 val;

	if (!p->is_write)
		return read_as(p, memory ? READ_ONCE(__vcpu_sys_reg(vcpu, reg)) :
					   vcpu_read_sys_reg(vcpu, reg));
	val = sysreg_sanitize(reg, p->val);
	if (memory)
		__vcpu_sys_reg(vcpu, reg) = val;
	else
		vcpu_write_sys_reg(vcpu, val, reg);
	return TRAP_HANDLED;
}

enum trap_result access_ro(struct kvm_vcpu *vcpu, const struct sysreg_desc *desc,
			   struct sys_reg_params *p)
{
	if (p->is_write)
		return TRAP_UNDEF;
	return read_as(p, vcpu_read_sys_reg(vcpu, idx_of(desc)));
}

enum trap_result access_raz(struct kvm_vcpu *vcpu, const struct sysreg_desc *desc,
			    struct sys_reg_params *p)
{
	(void)vcpu, (void)desc;
	return p->is_write ? TRAP_HANDLED : read_as(p, 0);
}

enum trap_result access_undef(struct kvm_vcpu *vcpu, const struct sysreg_desc *desc,
			      struct sys_reg_params *p)
{
	(void)vcpu, (void)desc, (void)p;
	return TRAP_UNDEF;
}

/* Only mechanism pv brings it here: its hardware knows of no EL2 above what runs. */
enum trap_result access_currentel(struct kvm_vcpu *vcpu, const struct sysreg_desc *desc,
				  struct sys_reg_params *p)
{
	(void)desc;
	if (p->is_write)
		return TRAP_UNDEF;
	return read_as(p, *vcpu_cpsr(vcpu) & 0xc);
}

/* Under vel2.pv=page the hardware's is the veneers' while vEL2 runs: see nested/pv-page.c. */
enum trap_result access_tpidr_el1(struct kvm_vcpu *vcpu, const struct sysreg_desc *desc,
				  struct sys_reg_params *p)
{
	if (!nested_mech->page || vcpu->arch.loaded_bank == BANK_VEL1)
		return access_rw(vcpu, desc, p);
	if (!p->is_write)
		return read_as(p, __vcpu_sys_reg(vcpu, PV_SLOT_TPIDR));
	__vcpu_sys_reg(vcpu, PV_SLOT_TPIDR) = p->val;
	return TRAP_HANDLED;
}

/* ------------------------------------------------------------------ identification */

enum trap_result access_id(struct kvm_vcpu *vcpu, const struct sysreg_desc *desc,
			   struct sys_reg_params *p)
{
	if (p->is_write)
		return TRAP_UNDEF;
	/* vEL1&0 sees what L1 put into VPIDR_EL2 and VMPIDR_EL2 (MIDR_EL1, MPIDR_EL1 pseudocode). */
	if (!is_hyp_ctxt(vcpu) && desc->idx == MIDR_EL1)
		return read_as(p, __vcpu_sys_reg(vcpu, VPIDR_EL2));
	if (!is_hyp_ctxt(vcpu) && desc->idx == MPIDR_EL1)
		return read_as(p, __vcpu_sys_reg(vcpu, VMPIDR_EL2));
	return read_as(p, idreg_read(vcpu, desc->enc));
}

enum trap_result access_csselr(struct kvm_vcpu *vcpu, const struct sysreg_desc *desc,
			       struct sys_reg_params *p)
{
	return access_rw(vcpu, desc, p);
}

/* CSSELR_EL1 lives in the hardware while the vCPU is loaded, so the hardware selects. */
enum trap_result access_ccsidr(struct kvm_vcpu *vcpu, const struct sysreg_desc *desc,
			       struct sys_reg_params *p)
{
	(void)vcpu;
	if (p->is_write)
		return TRAP_UNDEF;
	/* CCSIDR2_EL1 has a meaning for AArch32 only. */
	return read_as(p, desc->idx == CCSIDR_EL1 ? read_sysreg(ccsidr_el1) : 0);
}

/* ------------------------------------------------------------------ EL2's translation and control */

/* Registers that an nVHE vEL2 has in the hardware in another format. */
enum trap_result access_vm_el2(struct kvm_vcpu *vcpu, const struct sysreg_desc *desc,
			       struct sys_reg_params *p)
{
	enum trap_result r;

	/* FEAT_LPA2 is not offered; the hardware may have it, and then descriptors of another format. */
	if (p->is_write && idx_of(desc) == TCR_EL2)
		p->val &= ~(vcpu_el2_e2h_is_set(vcpu) ? TCR_DS : TCR_EL2_DS);
	r = access_rw(vcpu, desc, p);
	if (p->is_write)
		shadow_refresh_nvhe(vcpu);
	return r;
}

enum trap_result access_sctlr_el2(struct kvm_vcpu *vcpu, const struct sysreg_desc *desc,
				  struct sys_reg_params *p)
{
	return access_vm_el2(vcpu, desc, p);
}

enum trap_result access_cptr_el2(struct kvm_vcpu *vcpu, const struct sysreg_desc *desc,
				 struct sys_reg_params *p)
{
	enum trap_result r = access_rw(vcpu, desc, p);

	if (p->is_write)
		shadow_refresh_cptr(vcpu);
	return r;
}

/*
 * At vEL2: ZCR_EL2, or ZCR_EL1 by its EL12 name, which lives in memory there. Both ask for what
 * CPTR_EL2 lets through (ZCR_EL2 pseudocode; that FPEN counts, too, is QEMU's reading).
 */
static enum trap_result refused(struct sys_reg_params *p, u64 esr)
{
	p->val = esr;
	return TRAP_VEL2;
}

enum trap_result access_zcr(struct kvm_vcpu *vcpu, const struct sysreg_desc *desc,
			    struct sys_reg_params *p)
{
	u64 cptr = vcpu_read_sys_reg(vcpu, CPTR_EL2);
	bool e2h = vcpu_el2_e2h_is_set(vcpu);

	if (e2h ? !(cptr & CPACR_ZEN_EL1) : cptr & CPTR_TZ)
		return refused(p, ESR_OF_SVE);
	if (e2h ? !(cptr & CPACR_FPEN_EL1) : cptr & CPTR_TFP)
		return refused(p, ESR_OF_FP);
	p->val &= ZCR_LEN;
	if (desc->idx != ZCR_EL2)
		return access_rw(vcpu, desc, p);
	if (!p->is_write)
		return read_as(p, shadow_read_zcr_el2(vcpu));
	shadow_write_zcr_el2(vcpu, p->val);
	return TRAP_HANDLED;
}

enum trap_result access_spsr_el2(struct kvm_vcpu *vcpu, const struct sysreg_desc *desc,
				 struct sys_reg_params *p)
{
	return access_rw(vcpu, desc, p);
}

/*
 * Nothing in the hardware follows: the bits act on vEL1&0, whose entry reads them, and a changed E2H
 * makes the next entry load another bank.
 */
enum trap_result access_hcr_el2(struct kvm_vcpu *vcpu, const struct sysreg_desc *desc,
				struct sys_reg_params *p)
{
	(void)desc;
	if (!p->is_write)
		return read_as(p, vcpu_hcr_el2(vcpu));
	__vcpu_sys_reg(vcpu, HCR_EL2) = sysreg_sanitize(HCR_EL2, p->val);
	return TRAP_HANDLED;
}

enum trap_result access_vttbr_el2(struct kvm_vcpu *vcpu, const struct sysreg_desc *desc,
				  struct sys_reg_params *p)
{
	return access_rw(vcpu, desc, p);
}

enum trap_result access_fgt(struct kvm_vcpu *vcpu, const struct sysreg_desc *desc,
			    struct sys_reg_params *p)
{
	return access_rw(vcpu, desc, p);
}

/* Where EL2 is the highest level: it is AArch64, and a reset request has no taker. */
enum trap_result access_rmr(struct kvm_vcpu *vcpu, const struct sysreg_desc *desc,
			    struct sys_reg_params *p)
{
	(void)vcpu, (void)desc;
	return p->is_write ? TRAP_HANDLED : read_as(p, 1);
}

/* ------------------------------------------------------------------ timers */

enum trap_result access_cnthctl_el2(struct kvm_vcpu *vcpu, const struct sysreg_desc *desc,
				    struct sys_reg_params *p)
{
	enum trap_result r = access_rw(vcpu, desc, p);

	if (p->is_write)
		timer_hyp_ctl_changed(vcpu);
	return r;
}

enum trap_result access_cntvoff_el2(struct kvm_vcpu *vcpu, const struct sysreg_desc *desc,
				    struct sys_reg_params *p)
{
	return access_cnthctl_el2(vcpu, desc, p);
}

enum trap_result access_cntfrq(struct kvm_vcpu *vcpu, const struct sysreg_desc *desc,
			       struct sys_reg_params *p)
{
	(void)vcpu, (void)desc;
	if (p->is_write)
		return TRAP_UNDEF;
	return read_as(p, read_sysreg(cntfrq_el0));
}

enum trap_result access_cntpct(struct kvm_vcpu *vcpu, const struct sysreg_desc *desc,
			       struct sys_reg_params *p)
{
	(void)vcpu, (void)desc;
	if (p->is_write)
		return TRAP_UNDEF;
	isb(); /* the counter is read no earlier than the access would have been */
	return read_as(p, read_sysreg(cntpct_el0));
}

/* The offset is 0 at EL2, and at EL0 under {E2H,TGE} = {1,1} (CNTVCT_EL0 pseudocode). */
enum trap_result access_cntvct(struct kvm_vcpu *vcpu, const struct sysreg_desc *desc,
			       struct sys_reg_params *p)
{
	enum trap_result r = access_cntpct(vcpu, desc, p);
	bool no_offset = is_hyp_ctxt(vcpu) && vcpu_el2_e2h_is_set(vcpu);

	if (r == TRAP_HANDLED && !no_offset)
		p->val -= READ_ONCE(__vcpu_sys_reg(vcpu, CNTVOFF_EL2));
	return r;
}

static bool timer_of(enum vcpu_sysreg reg, enum timer_id *id, enum timer_reg *what)
{
#define TIMER_CASE(n, el, i)        \
	case n##_TVAL_##el:         \
		*id = i;            \
		*what = TIMER_TVAL; \
		return true;        \
	case n##_CTL_##el:          \
		*id = i;            \
		*what = TIMER_CTL;  \
		return true;        \
	case n##_CVAL_##el:         \
		*id = i;            \
		*what = TIMER_CVAL; \
		return true;
	switch ((unsigned int)reg) {
		TIMER_CASE(CNTV, EL0, TIMER_V)
		TIMER_CASE(CNTP, EL0, TIMER_P)
		TIMER_CASE(CNTHV, EL2, TIMER_HV)
		TIMER_CASE(CNTHP, EL2, TIMER_HP)
	}
#undef TIMER_CASE
	return false;
}

enum trap_result access_timer(struct kvm_vcpu *vcpu, const struct sysreg_desc *desc,
			      struct sys_reg_params *p)
{
	enum timer_id id;
	enum timer_reg what;

	if (!timer_of(idx_of(desc), &id, &what))
		return TRAP_UNDEF;
	if (!p->is_write)
		return read_as(p, timer_read(vcpu, id, what));
	if (!timer_write(vcpu, id, what, p->val))
		return TRAP_HANDLED;
	p->host_exit = HOST_EXIT_VGIC;
	return TRAP_TO_HOST;
}

/* ------------------------------------------------------------------ L1's ICH_* interface */

/*
 * A write may raise or lower L1's maintenance interrupt, which the host's vGIC delivers: at once. What FEAT_NV2
 * makes a store of it sees at the next exit to it.
 */
static enum trap_result access_ich(struct kvm_vcpu *vcpu, const struct sysreg_desc *desc,
				   struct sys_reg_params *p)
{
	enum trap_result result = access_rw(vcpu, desc, p);

	if (!p->is_write || !vgic_maint_changed(vcpu))
		return result;
	p->host_exit = HOST_EXIT_VGIC;
	return TRAP_TO_HOST;
}

enum trap_result access_ich_lr(struct kvm_vcpu *vcpu, const struct sysreg_desc *desc,
			       struct sys_reg_params *p)
{
	if ((unsigned int)(desc->idx - ICH_LR0_EL2) > (vgic_read_ich_vtr(vcpu) & ICH_VTR_LISTREGS))
		return TRAP_UNDEF;
	return access_ich(vcpu, desc, p);
}

/* ICH_AP0Rn, AP1Rn: 32 preemption levels a register, as many as ICH_VTR_EL2.PREbits asks for. */
enum trap_result access_ich_ap(struct kvm_vcpu *vcpu, const struct sysreg_desc *desc,
			       struct sys_reg_params *p)
{
	unsigned int prebits = ((vgic_read_ich_vtr(vcpu) >> ICH_VTR_PREBITS_SHIFT) & 7) + 1;
	unsigned int n = desc->idx - (desc->idx >= ICH_AP1R0_EL2 ? ICH_AP1R0_EL2 : ICH_AP0R0_EL2);

	if (n >= (prebits > 5 ? 1u << (prebits - 5) : 1))
		return TRAP_UNDEF;
	return access_rw(vcpu, desc, p);
}

enum trap_result access_ich_hcr(struct kvm_vcpu *vcpu, const struct sysreg_desc *desc,
				struct sys_reg_params *p)
{
	return access_ich(vcpu, desc, p);
}

enum trap_result access_ich_vmcr(struct kvm_vcpu *vcpu, const struct sysreg_desc *desc,
				 struct sys_reg_params *p)
{
	if (p->is_write)
		p->val = ich_vmcr_written(p->val, vgic_read_ich_vtr(vcpu));
	return access_ich(vcpu, desc, p);
}

#define ICH_RO(name)                                                                              \
	enum trap_result access_ich_##name(struct kvm_vcpu *vcpu, const struct sysreg_desc *desc, \
					   struct sys_reg_params *p)                              \
	{                                                                                         \
		(void)desc;                                                                       \
		if (p->is_write)                                                                  \
			return TRAP_UNDEF;                                                        \
		return read_as(p, vgic_read_ich_##name(vcpu));                                    \
	}

ICH_RO(vtr)
ICH_RO(misr)
ICH_RO(eisr)
ICH_RO(elrsr)

/* System registers always: SRE, DFB, DIB and Enable are RAO/WI. */
enum trap_result access_icc_sre(struct kvm_vcpu *vcpu, const struct sysreg_desc *desc,
				struct sys_reg_params *p)
{
	(void)vcpu;
	if (p->is_write)
		return TRAP_HANDLED;
	return read_as(p, desc->idx == ICC_SRE_EL2 ? ICC_SRE_EL2_RESET : ICC_SRE_EL2_RESET & 7);
}

/* ICC_SGI0R, SGI1R, ASGI1R: the host finds the targets. Write-only. */
enum trap_result access_icc_sgi(struct kvm_vcpu *vcpu, const struct sysreg_desc *desc,
				struct sys_reg_params *p)
{
	if (!p->is_write)
		return TRAP_UNDEF;
	vcpu->arch.smccc_args[0] = p->val;
	vcpu->arch.smccc_args[1] = desc->idx;
	p->host_exit = HOST_EXIT_SGI;
	return TRAP_TO_HOST;
}

/*
 * Of the CPU interface only ICC_DIR_EL1 can arrive, while L1 has more active interrupts than list
 * registers: L0 sets no other trap of its own, and L1's are forwarded.
 */
enum trap_result access_icc(struct kvm_vcpu *vcpu, const struct sysreg_desc *desc,
			    struct sys_reg_params *p)
{
	if (desc->idx != ICC_DIR_EL1)
		return TRAP_UNDEF;
	return access_icc_sgi(vcpu, desc, p);
}
