// SPDX-License-Identifier: GPL-2.0-only
/*
 * Breakpoints and watchpoints as the hardware has them. EL2, interrupts masked.
 *
 * They are the hardware's own while a vCPU is loaded (LOC(H, H, H)); L0 uses none. But vEL2 is the hardware's EL1,
 * so while MDSCR_EL1 lets them act there (MDE and KDE), the hardware has translated control registers (dbg_armed): L1's
 * own are then in memory, and vEL2's accesses trap under every mechanism.
 */
#include <debug.h>
#include <kvm_hyp.h>
#include <nested.h>
#include <sysreg.h>

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

static unsigned int nr_breakpoints, nr_watchpoints;

void dbg_init(unsigned int breakpoints, unsigned int watchpoints)
{
	nr_breakpoints = breakpoints;
	nr_watchpoints = watchpoints;
}

/* Row of breakpoint or watchpoint register @kind (op2) number @n. */
static enum vcpu_sysreg dbg_reg(unsigned int kind, unsigned int n)
{
	return (enum vcpu_sysreg)sysreg_lookup(sys_reg(2, 0, 0, n, kind))->idx;
}

static void dbg_each(struct kvm_vcpu *vcpu, unsigned int of_breakpoint, unsigned int of_watchpoint,
		     void (*fn)(struct kvm_vcpu *, enum vcpu_sysreg))
{
	for (unsigned int n = 0; n < nr_breakpoints; n++)
		fn(vcpu, dbg_reg(of_breakpoint, n));
	for (unsigned int n = 0; n < nr_watchpoints; n++)
		fn(vcpu, dbg_reg(of_watchpoint, n));
}

static void dbg_load(struct kvm_vcpu *vcpu, enum vcpu_sysreg reg)
{
	dbg_write(reg, __vcpu_sys_reg(vcpu, reg));
}

static void dbg_save(struct kvm_vcpu *vcpu, enum vcpu_sysreg reg)
{
	__vcpu_sys_reg(vcpu, reg) = dbg_read(reg);
}

/* --- vEL2's own breakpoints and watchpoints --- */

/* The same fields in DBGBCR<n>_EL1 and DBGWCR<n>_EL1. */
#define DBGCR_E		  BIT(0)
#define DBGCR_EL1	  BIT(1)	/* PMC or PAC */
#define DBGCR_EL0	  BIT(2)
#define DBGCR_HMC	  BIT(13)
#define DBGCR_SSC	  GENMASK_ULL(15, 14)
#define DBGCR_SSC_SECURE  2
#define DBGBCR_BT	  GENMASK_ULL(23, 20)
#define BT_LINKED	  1U
#define BT_CONTEXT	  0xaU		/* either bit: not an address */
#define BT_CONTEXTIDR	  0x2U		/* that of whoever runs */
#define BT_CONTEXTIDR_EL2 0xcU

/*
 * What the hardware must have at vEL2, its EL1, for L1's @cr (pseudocode AArch64.StateMatch): it matches there
 * if it does at EL2 and not if it does at EL1, which does not run. SSC says more than Secure or not with HMC alone.
 */
static u64 els_at_vel2(u64 cr)
{
	u64 els = cr & DBGCR_EL0;

	if (cr & DBGCR_HMC) {
		if (FIELD_GET(DBGCR_SSC, cr) == DBGCR_SSC_SECURE)
			return cr & ~DBGCR_E;
		cr &= ~(DBGCR_HMC | DBGCR_SSC);
		els |= DBGCR_EL1;
	}
	cr = (cr & ~(DBGCR_EL1 | DBGCR_EL0)) | els;
	return els ? cr : cr & ~DBGCR_E;
}

/*
 * At EL2 no context but CONTEXTIDR_EL2 matches (pseudocode AArch64.BreakpointValueMatch): the one of whoever
 * runs means it with E2H alone, and then the hardware's CONTEXTIDR_EL1 has it. Of a breakpoint that another
 * one is linked to nothing else counts. (Of a watchpoint BT_LINKED alone exists.)
 */
static u64 cr_at_vel2(u64 cr, bool e2h)
{
	unsigned int bt = (unsigned int)FIELD_GET(DBGBCR_BT, cr), kind = bt & ~BT_LINKED;

	if (!(bt & BT_CONTEXT))
		return els_at_vel2(cr);
	if (kind != BT_CONTEXTIDR_EL2 && !(kind == BT_CONTEXTIDR && e2h))
		return cr & ~DBGCR_E;
	return bt & BT_LINKED ? cr : els_at_vel2(cr);
}

static void dbg_load_vel2(struct kvm_vcpu *vcpu, enum vcpu_sysreg reg)
{
	dbg_write(reg, cr_at_vel2(__vcpu_sys_reg(vcpu, reg), vcpu_el2_e2h_is_set(vcpu)));
}

/* L0 has no use for the hardware's CONTEXTIDR_EL2: breakpoints alone look at it. */
static void load_contextidr(const struct kvm_vcpu *vcpu, u64 contextidr)
{
	if (vcpu->kvm->vcpu_features & BIT(FEAT_VHE))
		write_sysreg_s(contextidr, SYS_CONTEXTIDR_EL2);
}

static void arm(struct kvm_vcpu *vcpu)
{
	load_contextidr(vcpu, vcpu_read_sys_reg(vcpu, CONTEXTIDR_EL2));
	if (vcpu->arch.dbg_armed)
		return;
	dbg_each(vcpu, DBG_BCR, DBG_WCR, dbg_save);
	dbg_each(vcpu, DBG_BCR, DBG_WCR, dbg_load_vel2);
	vcpu->arch.dbg_armed = true;
	vcpu->arch.mdcr_vel2 |= MDCR_TDA;
	write_sysreg(vcpu->arch.mdcr_vel2, mdcr_el2);
	/* The next change of banks must come by. */
	vcpu->arch.hw_mdcr = ~0ULL;
}

void debug_hyp_disarm(struct kvm_vcpu *vcpu)
{
	dbg_each(vcpu, DBG_BCR, DBG_WCR, dbg_load);
	vcpu->arch.dbg_armed = false;
	if (nested_mech->vncr)
		vcpu->arch.mdcr_vel2 &= ~MDCR_TDA;
	write_sysreg(vcpu->arch.mdcr_vel2, mdcr_el2);
	vcpu->arch.hw_mdcr = vcpu->arch.mdcr_vel2;
}

/*
 * Debug exceptions that go to EL1 are disabled at EL2 (GenerateDebugExceptionsFrom()), but the hardware
 * is at EL1 there: KDE enables them only where MDCR_EL2.TDE or TGE routes them to EL2.
 */
void debug_vel2_kde(struct kvm_vcpu *vcpu, u64 mdscr)
{
	if (!debug_routed_to_vel2(vcpu))
		mdscr &= ~MDSCR_KDE;
	else if (mdscr & MDSCR_MDE)
		arm(vcpu);
	write_sysreg(mdscr, mdscr_el1);
}

void debug_vel1_mde(const struct kvm_vcpu *vcpu)
{
	load_contextidr(vcpu, __vcpu_sys_reg(vcpu, CONTEXTIDR_EL2));
}

/* --- vcpu_load, vcpu_put --- */

void dbg_load_all(struct kvm_vcpu *vcpu)
{
	dbg_each(vcpu, DBG_BVR, DBG_WVR, dbg_load);
	dbg_each(vcpu, DBG_BCR, DBG_WCR, dbg_load);
}

void dbg_save_all(struct kvm_vcpu *vcpu)
{
	if (vcpu->arch.dbg_armed)
		debug_hyp_disarm(vcpu);
	dbg_each(vcpu, DBG_BVR, DBG_WVR, dbg_save);
	dbg_each(vcpu, DBG_BCR, DBG_WCR, dbg_save);
}

/* --- L1's accesses --- */

u64 dbg_read_l1(const struct kvm_vcpu *vcpu, enum vcpu_sysreg reg, bool control)
{
	return control && vcpu->arch.dbg_armed ? __vcpu_sys_reg(vcpu, reg) : dbg_read(reg);
}

void dbg_write_l1(struct kvm_vcpu *vcpu, enum vcpu_sysreg reg, bool control, u64 val)
{
	dbg_write(reg, val);
	if (!control || !vcpu->arch.dbg_armed)
		return;
	dbg_save(vcpu, reg);	/* what the hardware keeps of it */
	dbg_load_vel2(vcpu, reg);
}
