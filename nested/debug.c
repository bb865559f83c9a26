// SPDX-License-Identifier: GPL-2.0-only
/*
 * Self-hosted debug registers. EL2, interrupts masked, the vCPU loaded.
 *
 * Breakpoint and watchpoint registers are the hardware's own while a vCPU is loaded (LOC(H, H, H)),
 * whether an access traps or not; L0 uses none. Only MDSCR_EL1 has two homes: the hardware in bank
 * VEL1, and its slot of the VNCR page at vEL2, where NV2 redirects it although it acts there too. The
 * hardware then follows at each entry (debug_hyp_enter).
 */
#include <debug.h>
#include <idregs.h>
#include <kvm_hyp.h>
#include <nested.h>
#include <sysreg.h>

#include "sysreg-access.h"

static bool mdscr_in_hw(const struct kvm_vcpu *vcpu)
{
	return vcpu->arch.loaded_bank == BANK_VEL1;
}

void debug_hyp_switch(struct kvm_vcpu *vcpu, enum loaded_bank from, enum loaded_bank to)
{
	if (from == BANK_VEL1)
		__vcpu_sys_reg(vcpu, MDSCR_EL1) = read_sysreg(mdscr_el1);
	else if (to == BANK_VEL1)
		write_sysreg(__vcpu_sys_reg(vcpu, MDSCR_EL1), mdscr_el1);
}

enum trap_result access_mdscr(struct kvm_vcpu *vcpu, const struct sysreg_desc *desc,
			      struct sys_reg_params *p)
{
	(void)desc;
	if (!p->is_write) {
		p->val = mdscr_in_hw(vcpu) ? read_sysreg(mdscr_el1)
					   : READ_ONCE(__vcpu_sys_reg(vcpu, MDSCR_EL1));
		return TRAP_HANDLED;
	}
	if (!mdscr_in_hw(vcpu))
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

/* OS Lock: the hardware's, which L0 itself does not use. */
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
