// SPDX-License-Identifier: GPL-2.0-only
/*
 * Save and restore lists, and single accesses, of the registers of sysregs.def that a vCPU has in
 * hardware. EL2, interrupts masked.
 *
 * Each list is the table expanded by group and by "where it lives in bank VEL1": a row that lives
 * in the hardware there (H) is one load or store here, every other row is nothing.
 */
#include <kvm_hyp.h>
#include <pauth.h>
#include <sysreg-sr.h>

/* An EL1BANK register has an EL12 name that differs in op1 alone; SP_EL1 (op1 4) has none. */
#define EL12_0	"5"
#define EL12_4	"4"
#define BANK_MRS(op1, n, m, o2) \
	__ALT_MRS("S3_" #op1 "_C" #n "_C" #m "_" #o2, "S3_" EL12_##op1 "_C" #n "_C" #m "_" #o2)
#define BANK_MSR(v, op1, n, m, o2) \
	__ALT_MSR(v, "S3_" #op1 "_C" #n "_C" #m "_" #o2, "S3_" EL12_##op1 "_C" #n "_C" #m "_" #o2)

#define PLAIN_MRS(op1, n, m, o2)					\
	({								\
		u64 __v;						\
		asm volatile("mrs %0, S3_" #op1 "_C" #n "_C" #m "_" #o2 : "=r"(__v)); \
		__v;							\
	})
#define PLAIN_MSR(v, op1, n, m, o2) \
	asm volatile("msr S3_" #op1 "_C" #n "_C" #m "_" #o2 ", %x0" : : "rZ"((u64)(v)))

#define LOC(v1, e2h, nvhe)	v1
#define SYSALIAS(...)
#define SYSREG(name, op0, op1, n, m, o2, loc, peer, fmt, vncr, redir, reset, group, ...) \
	ROW(group, loc, name, op1, n, m, o2)
#define ROW(group, v1, ...)	ROW_##v1(group, __VA_ARGS__)
#define ROW_M(...)
#define ROW_X(...)
#define ROW_H(group, ...)	ROW_##group(__VA_ARGS__)
#if L0_PAUTH
#define ROW_A(...)
#else
#define ROW_A			ROW_H
#endif
#define ROW_NONE(...)
#define ROW_SP(...)
#define ROW_DEBUG(...)
#define ROW_TIMER(...)
#define ROW_GIC(...)
#define ROW_SVE(...)

/* --- the EL1 bank --- */

#define ROW_SHARED(...)
#define ROW_PAUTH(...)

/*
 * All of one side, then all of the other: the compiler moves two slots at a time where
 * they are neighbours. A register without a slot is a constant false.
 */
#define ROW_EL1BANK(name, op1, n, m, o2) \
	u64 v_##name = name < VNCR_SLOTS ? BANK_MRS(op1, n, m, o2) : 0;
void __sysreg_save_el1_bank(u64 *hw)
{
#include <sysregs.def>
	barrier();
#undef ROW_EL1BANK
#define ROW_EL1BANK(name, op1, n, m, o2) \
	if (name < VNCR_SLOTS)           \
		hw[name % VNCR_SLOTS] = v_##name;
#include <sysregs.def>
}
#undef ROW_EL1BANK

#define ROW_EL1BANK(name, op1, n, m, o2) \
	u64 v_##name = name < VNCR_SLOTS ? hw[name % VNCR_SLOTS] : 0;
void __sysreg_restore_el1_bank(const u64 *hw)
{
#include <sysregs.def>
	barrier();
#undef ROW_EL1BANK
#define ROW_EL1BANK(name, op1, n, m, o2) \
	if (name < VNCR_SLOTS)           \
		BANK_MSR(v_##name, op1, n, m, o2);
#include <sysregs.def>
}
#undef ROW_EL1BANK

/* --- what all banks share --- */

#define ROW_EL1BANK(...)
#undef ROW_SHARED
#undef ROW_PAUTH

#define ROW_SHARED(name, op1, n, m, o2)	sys_regs[name] = PLAIN_MRS(op1, n, m, o2);
#define ROW_PAUTH(name, op1, n, m, o2)	if (pauth) sys_regs[name] = PLAIN_MRS(op1, n, m, o2);
void __sysreg_save_shared(u64 *sys_regs, bool pauth)
{
#include <sysregs.def>
}
#undef ROW_SHARED
#undef ROW_PAUTH

#define ROW_SHARED(name, op1, n, m, o2)	PLAIN_MSR(sys_regs[name], op1, n, m, o2);
#define ROW_PAUTH(name, op1, n, m, o2)	if (pauth) PLAIN_MSR(sys_regs[name], op1, n, m, o2);
void __sysreg_restore_shared(const u64 *sys_regs, bool pauth)
{
#include <sysregs.def>
}
#undef ROW_SHARED
#undef ROW_PAUTH
#undef ROW_EL1BANK

/* --- one register --- */

#define ROW_EL1BANK(name, op1, n, m, o2)	case name: *val = BANK_MRS(op1, n, m, o2); return true;
#define ROW_SHARED(name, op1, n, m, o2)		case name: *val = PLAIN_MRS(op1, n, m, o2); return true;
#define ROW_PAUTH	ROW_SHARED
bool sysreg_hw_read(enum vcpu_sysreg reg, u64 *val)
{
	switch ((unsigned int)reg) {
#include <sysregs.def>
	}
	return false;
}
#undef ROW_EL1BANK
#undef ROW_SHARED
#undef ROW_PAUTH

#define ROW_EL1BANK(name, op1, n, m, o2)	case name: BANK_MSR(val, op1, n, m, o2); return true;
#define ROW_SHARED(name, op1, n, m, o2)		case name: PLAIN_MSR(val, op1, n, m, o2); return true;
#define ROW_PAUTH	ROW_SHARED
bool sysreg_hw_write(enum vcpu_sysreg reg, u64 val)
{
	switch ((unsigned int)reg) {
#include <sysregs.def>
	}
	return false;
}
