/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the virtual CPU says of itself: ID registers, features, and what follows from them for the
 * walkers. One policy for a VM: all its vCPUs have the values that the boot CPU's hardware led to.
 */
#ifndef IDREGS_H
#define IDREGS_H

#include <at.h>
#include <s2.h>
#include <types.h>

struct kvm_vcpu;

/* Values and kvm.vcpu_features, from the hardware of this CPU. EL2. 0, -ENODEV without GICv3 or EL2. */
int nested_idregs_init(struct kvm_vcpu *vcpu);

/* Value of an ID register (op0=3, CRn=0) as vEL2 reads it, by encoding; 0 for reserved ones. */
u64 idreg_read(const struct kvm_vcpu *vcpu, u32 enc);

/*
 * Pure: what is offered of ID register @enc (op0=3, op1=0, CRn=0, CRm 1-7) where the hardware has @hw.
 * @vhe_only: L1 is told that E2H is RES1. @off: features (enum id_feature) that are turned off.
 */
u64 idreg_policy(u32 enc, u64 hw, bool vhe_only, u64 off);

/* HFGITR_EL2 bits that L0 needs for what is turned off and the hardware has. */
u64 idregs_hfgitr(void);

/* What AT may assume of L1's stage 1, by the values that L1 sees. */
void idregs_s1_caps(struct s1_caps *caps);

/* Breakpoints and watchpoints that ID_AA64DFR0_EL1 promises. */
unsigned int idregs_breakpoints(void);
unsigned int idregs_watchpoints(void);

#endif
