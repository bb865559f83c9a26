// SPDX-License-Identifier: GPL-2.0-only
/*
 * Self-hosted debug registers. EL2, interrupts masked, the vCPU loaded.
 *
 * Breakpoint and watchpoint registers are the hardware's own while a vCPU is loaded (LOC(H, H, H)),
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

static bool routed_to_el2(const struct kvm_vcpu *vcpu)
{
	return (__vcpu_sys_reg(vcpu, MDCR_EL2) & MDCR_TDE) || (vcpu_hcr_el2(vcpu) & HCR_TGE);
}

/*
 * Debug exceptions that go to EL1 are disabled at EL2 (GenerateDebugExceptionsFrom()), but the hardware
 * is at EL1 there: KDE enables them only where MDCR_EL2.TDE or TGE routes them to EL2.
 */
u64 debug_vel2_mdscr(const struct kvm_vcpu *vcpu, u64 mdscr)
{
	return routed_to_el2(vcpu) ? mdscr : mdscr & ~MDSCR_KDE;
}

bool debug_steps_vel1(const struct kvm_vcpu *vcpu, u64 pstate)
{
	u64 mdscr = vcpu_read_sys_reg(vcpu, MDSCR_EL1);
	bool at_el1 = pstate & PSR_MODE_EL1t;

	if (!(mdscr & MDSCR_SS) || (read_sysreg(oslsr_el1) & OSLSR_OSLK))
		return false;
	return !at_el1 || routed_to_el2(vcpu) || ((mdscr & MDSCR_KDE) && !(pstate & PSR_D));
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
	return TRAP_HANDLED;
}

/* Breakpoints and watchpoints by encoding: CRm is n, op2 says which of the four. */
#define LOC(v1, e2h, nvhe) v1
#define SYSALIAS(...)
#define SYSREG(name, op0, op1, n, m, o2, loc, peer, fmt, vncr, redir, reset, group, ...) \
	DBG_ROW(group, loc, name)
#define DBG_ROW(group, v1, name)  DBG_ROW_(group, v1, name)
#define DBG_ROW_(group, v1, name) DBG_##group##_##v1(name)
#define DBG_NONE_M(...)
#define DBG_EL1BANK_M(...)
#define DBG_EL1BANK_H(...)
#define DBG_SP_M(...)
#define DBG_SHARED_H(...)
#define DBG_PAUTH_H(...)
#define DBG_PAUTH_A(...)
#define DBG_SVE_H(...)
#define DBG_SVE_M(...)
#define DBG_DEBUG_M(...)
#define DBG_TIMER_M(...)
#define DBG_GIC_M(...)
#define DBG_GIC_H(...)
#define DBG_NONE_H(...)

#define DBG_DEBUG_H(name) \
	case name:        \
		return read_sysreg_s(SYS_##name);
static u64 dbg_read(unsigned int reg)
{
	switch (reg) {
#include <sysregs.def>
	}
	return 0;
}
#undef DBG_DEBUG_H

#define DBG_DEBUG_H(name)                        \
	case name:                               \
		write_sysreg_s(val, SYS_##name); \
		return;
static void dbg_write(unsigned int reg, u64 val)
{
	switch (reg) {
#include <sysregs.def>
	}
}
#undef DBG_DEBUG_H

enum trap_result access_dbgreg(struct kvm_vcpu *vcpu, const struct sysreg_desc *desc,
			       struct sys_reg_params *p)
{
	bool watch = sys_reg_Op2(desc->enc) >= 6;

	(void)vcpu;
	/* Those beyond the last one are UNDEFINED (DBGBVR<n>_EL1 pseudocode). */
	if (sys_reg_CRm(desc->enc) >= (watch ? idregs_watchpoints() : idregs_breakpoints()))
		return TRAP_UNDEF;
	if (p->is_write)
		dbg_write(desc->idx, p->val);
	else
		p->val = dbg_read(desc->idx);
	return TRAP_HANDLED;
}

/* Row of breakpoint or watchpoint register @kind (op2) number @n. */
static enum vcpu_sysreg dbg_reg(unsigned int kind, unsigned int n)
{
	return (enum vcpu_sysreg)sysreg_lookup(sys_reg(2, 0, 0, n, kind))->idx;
}

static void dbg_each(struct kvm_vcpu *vcpu, void (*fn)(struct kvm_vcpu *, enum vcpu_sysreg))
{
	for (unsigned int n = 0; n < idregs_breakpoints(); n++) {
		fn(vcpu, dbg_reg(4, n));
		fn(vcpu, dbg_reg(5, n));
	}
	for (unsigned int n = 0; n < idregs_watchpoints(); n++) {
		fn(vcpu, dbg_reg(6, n));
		fn(vcpu, dbg_reg(7, n));
	}
}

static void dbg_load(struct kvm_vcpu *vcpu, enum vcpu_sysreg reg)
{
	dbg_write(reg, __vcpu_sys_reg(vcpu, reg));
}

static void dbg_save(struct kvm_vcpu *vcpu, enum vcpu_sysreg reg)
{
	__vcpu_sys_reg(vcpu, reg) = dbg_read(reg);
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
	dbg_each(vcpu, dbg_load);
	lock_load(vcpu);
}

void debug_hyp_put(struct kvm_vcpu *vcpu)
{
	dbg_each(vcpu, dbg_save);
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
