/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * TLB maintenance of the real machine for stage 2. shadow/s2_hw.c at EL2; the unit tests have a model of
 * TLBs instead.
 *
 * Every function acts on all CPUs (Inner Shareable) and returns when the invalidation is complete
 * there. Whatever L0's own state is (VHE host with TGE set or not, nVHE), it is the same afterwards.
 */
#ifndef VEL2_SHADOW_S2_HW_H
#define VEL2_SHADOW_S2_HW_H

#include <types.h>

/* Descriptors written before are seen by table walks after, on all CPUs. */
void s2_hw_publish(void);

/*
 * Stage-2 translations of [ia, ia+size) under the VMID of hw_vttbr, table walks cached on the way to them,
 * and everything that stage 1 combined with them (that is: all of the VMID's stage 1).
 */
void s2_hw_tlbi_range(u64 hw_vttbr, u64 ia, u64 size);

/* Stages 1 and 2 of one VMID; of all VMIDs. */
void s2_hw_tlbi_vmid(u64 hw_vttbr);
void s2_hw_tlbi_all(void);
/* Of all VMIDs, on this CPU alone. */
void s2_hw_tlbi_all_local(void);

/*
 * A TLBI of EL1&0's stage 1 under one VMID: `op2` and `range` as in the encoding of the E1IS instructions
 * (CRn 8, CRm 3 or, by range, 2), `val` its register.
 */
#define S2_HW_VMALLE1 0
#define S2_HW_VAE1 1
#define S2_HW_ASIDE1 2
#define S2_HW_VAAE1 3
#define S2_HW_VALE1 5
#define S2_HW_VAALE1 7
void s2_hw_tlbi_stage1(u64 hw_vttbr, bool range, unsigned int op2, u64 val);

#endif /* VEL2_SHADOW_S2_HW_H */
