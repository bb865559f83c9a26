// SPDX-License-Identifier: GPL-2.0-only
/*
 * Self-hosted debug registers. EL2, interrupts masked, the vCPU loaded.
 *
 * Breakpoint and watchpoint registers are the hardware's own while a vCPU is loaded (see shadow/debug.c),
 * whether an access traps or not; L0 uses none, and an nVHE host runs with PSTATE.D set. MDSCR_EL1,
 * which vEL1 and vEL2 share, lives in its slot of the VNCR page at vEL2: NV2 redirects vEL2's
 * accesses there (under nv they trap: MDCR_EL2.TDA), and the hardware follows at each entry
 * (debug_hyp_enter_vel2), which is when a change of SS or MDE has to be seen. At vEL1&0 it is the
 * hardware's, and nothing of debug traps that L1 does not want to trap, AArch32's names included: so under
 * nv2 vEL1 and vEL2 run with one MDCR_EL2.
 */
#include <debug.h>
#include <idregs.h>
#include <kvm_hyp.h>
#include <nested.h>
#include <sysreg.h>

#include "sysreg-access.h"

/* What L1's MDCR_EL2 asks for vEL1&0. The PMU is not offered, so its counters stay L0's. */
#define MDCR_L1_BITS	 (MDCR_TDE | MDCR_TDA | MDCR_TDOSA | MDCR_TDRA | MDCR_TPM | MDCR_TPMCR)

void debug_hyp_init(struct kvm_vcpu *vcpu)
{
	u64 base = read_sysreg(mdcr_el2) & ~MDCR_DEBUG_TRAPS;

	vcpu->arch.mdcr_vel2 = base | (nested_mech->vncr ? 0 : MDCR_TDA);
	debug_hyp_reset(vcpu);
	dbg_init(idregs_breakpoints(), idregs_watchpoints());
}

enum trap_result access_mdcr_el2(struct kvm_vcpu *vcpu, const struct sysreg_desc *desc,
				 struct sys_reg_params *p)
{
	enum trap_result r = access_rw(vcpu, desc, p);
	u64 mdcr = __vcpu_sys_reg(vcpu, MDCR_EL2);

	/* Not redirected by any mechanism, so that this is the one place where L1 changes it. */
	if (p->is_write) {
		debug_hyp_reset(vcpu);
		vcpu->arch.mdcr_vel1 |= mdcr & MDCR_L1_BITS;
	}
	return r;
}

bool debug_steps_vel1(const struct kvm_vcpu *vcpu, u64 pstate)
{
	u64 mdscr = vcpu_read_sys_reg(vcpu, MDSCR_EL1);
	bool at_el1 = pstate & PSR_MODE_EL1t;

	if (!(mdscr & MDSCR_SS) || (read_sysreg(oslsr_el1) & OSLSR_OSLK))
		return false;
	return !at_el1 || debug_routed_to_vel2(vcpu) || ((mdscr & MDSCR_KDE) && !(pstate & PSR_D));
}

enum trap_result access_mdscr(struct kvm_vcpu *vcpu, const struct sysreg_desc *desc,
			      struct sys_reg_params *p)
{
	(void)desc;
	if (!p->is_write) {
		p->val = READ_ONCE(__vcpu_sys_reg(vcpu, MDSCR_EL1));
		return TRAP_HANDLED;
	}
	__vcpu_sys_reg(vcpu, MDSCR_EL1) = p->val;
	write_sysreg(p->val, mdscr_el1);
	if (vcpu->arch.dbg_armed)
		debug_hyp_disarm(vcpu);	/* the way back arms it again if it is to be */
	return TRAP_HANDLED;
}

enum trap_result access_dbgreg(struct kvm_vcpu *vcpu, const struct sysreg_desc *desc,
			       struct sys_reg_params *p)
{
	bool watch = sys_reg_Op2(desc->enc) >= DBG_WVR;
	bool control = sys_reg_Op2(desc->enc) & 1;

	/* Those beyond the last one are UNDEFINED (DBGBVR<n>_EL1 pseudocode). */
	if (sys_reg_CRm(desc->enc) >= (watch ? idregs_watchpoints() : idregs_breakpoints()))
		return TRAP_UNDEF;
	if (p->is_write)
		dbg_write_l1(vcpu, desc->idx, control, p->val);
	else
		p->val = dbg_read_l1(vcpu, desc->idx, control);
	return TRAP_HANDLED;
}

/*
 * The OS Lock and the claim tags, too, are the hardware's and go with the vCPU. Reading DBGCLAIMCLR_EL1 gives
 * the tags, of which DBGCLAIMSET_EL1 sets and it itself clears those that are written as 1.
 */
static void lock_load(struct kvm_vcpu *vcpu)
{
	u64 tags = vcpu->arch.dbgclaim, now = read_sysreg(dbgclaimclr_el1);

	if (now != tags) {
		write_sysreg(now & ~tags, dbgclaimclr_el1);
		write_sysreg(tags & ~now, dbgclaimset_el1);
	}
	if (!(read_sysreg(oslsr_el1) & OSLSR_OSLK) != !vcpu->arch.os_locked)
		write_sysreg(vcpu->arch.os_locked, oslar_el1);
}

static void lock_save(struct kvm_vcpu *vcpu)
{
	vcpu->arch.dbgclaim = (u8)read_sysreg(dbgclaimclr_el1);
	vcpu->arch.os_locked = read_sysreg(oslsr_el1) & OSLSR_OSLK;
}

void debug_hyp_load(struct kvm_vcpu *vcpu)
{
	dbg_load_all(vcpu);
	lock_load(vcpu);
}

void debug_hyp_put(struct kvm_vcpu *vcpu)
{
	dbg_save_all(vcpu);
	lock_save(vcpu);
	write_sysreg(0, mdscr_el1);
}

/* The OS Lock of a vCPU that is loaded is the hardware's. */
enum trap_result access_oslar(struct kvm_vcpu *vcpu, const struct sysreg_desc *desc,
			      struct sys_reg_params *p)
{
	(void)vcpu, (void)desc;
	if (!p->is_write)
		return TRAP_UNDEF;
	write_sysreg(p->val, oslar_el1);
	return TRAP_HANDLED;
}

enum trap_result access_oslsr(struct kvm_vcpu *vcpu, const struct sysreg_desc *desc,
			      struct sys_reg_params *p)
{
	(void)vcpu, (void)desc;
	if (p->is_write)
		return TRAP_UNDEF;
	p->val = read_sysreg(oslsr_el1);
	return TRAP_HANDLED;
}

enum trap_result access_dbgclaim(struct kvm_vcpu *vcpu, const struct sysreg_desc *desc,
				 struct sys_reg_params *p)
{
	bool set = desc->idx == DBGCLAIMSET_EL1;

	(void)vcpu;
	if (p->is_write && set)
		write_sysreg(p->val, dbgclaimset_el1);
	else if (p->is_write)
		write_sysreg(p->val, dbgclaimclr_el1);
	else
		p->val = set ? read_sysreg(dbgclaimset_el1) : read_sysreg(dbgclaimclr_el1);
	return TRAP_HANDLED;
}

enum trap_result access_dbgauth(struct kvm_vcpu *vcpu, const struct sysreg_desc *desc,
				struct sys_reg_params *p)
{
	(void)vcpu, (void)desc;
	if (p->is_write)
		return TRAP_UNDEF;
	p->val = read_sysreg(dbgauthstatus_el1);
	return TRAP_HANDLED;
}

/* The Debug Communications Channel: nobody at the other end, so never full and always empty. */
enum trap_result access_dcc(struct kvm_vcpu *vcpu, const struct sysreg_desc *desc,
			    struct sys_reg_params *p)
{
	(void)vcpu;
	if (p->is_write)
		return desc->idx == MDCCSR_EL0 ? TRAP_UNDEF : TRAP_HANDLED;
	p->val = 0;
	return TRAP_HANDLED;
}
