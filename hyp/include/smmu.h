/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The SMMUv3 in front of PCIe: with it L1's devices reach what L1's stage 2 maps, and nothing else.
 *
 * Every stream, present or not, has the same entry of the stream table: stage 2 alone, by the canonical
 * table of L1. So whatever L1 does to its devices (bus numbers, BARs, the addresses of queues and of
 * MSIs), a DMA of theirs is an access of L1's. L1 sees no SMMU. EL2, interrupts masked.
 *
 * Source: Arm System Memory Management Unit Architecture Specification, version 3 (IHI 0070).
 */
#ifndef SMMU_H
#define SMMU_H

#include <types.h>

struct s2_vm;

#define SMMU_SIZE	0x20000ULL	/* two pages of 64K */

/* What the SMMU says of a transaction that it did not let pass. */
struct smmu_event {
	u8 type;	/* event number of the specification, SMMU_EVT_* for those that a device can cause */
	u32 sid;	/* stream: requester ID, bus << 8 | device << 3 | function */
	bool read;
	u64 addr;	/* as the device gave it (IPA of L1) */
};

#define SMMU_EVT_F_TRANSLATION	0x10
#define SMMU_EVT_F_ADDR_SIZE	0x11
#define SMMU_EVT_F_PERMISSION	0x13

/*
 * Take over the SMMU whose registers are at @base (PA, mapped as a device): nothing passes until it is set up,
 * then every stream goes through the canonical table of @vm, which holds L1's RAM below @ram_end (IPA) already.
 * 0; -ENODEV if it lacks what that needs (stage 2 of AArch64 with 4K pages, coherent walks, a stream table of
 * two levels) or cannot address all of that RAM; -ENOMEM; -ETIMEDOUT if it does not answer. After a failure it
 * lets nothing pass. Once, before L1 runs.
 */
int smmu_init(pa_t base, struct s2_vm *vm, ipa_t ram_end);

/* The canonical table changed: no device may go by the old one any more when this returns. Any CPU. */
void smmu_tlbi(void);

/* The oldest event that was not read yet; false if there is none. One caller at a time. */
bool smmu_next_event(struct smmu_event *ev);

#define SMMU_GERROR_EVENTQ	BIT(2)	/* an event could not be recorded */

/* No event is recorded, and no interrupt comes for any, from now on: devices can cause any number. */
void smmu_forget_events(void);

/* What went wrong in the SMMU itself since the last call: bits of its GERROR register, acknowledged. */
u32 smmu_errors(void);

#endif
