/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An L1 for the tests of the shadow stage 2: its memory, the stage 2 tables it writes, and guests of its that
 * touch memory on the machine of tlb_model.h.
 */
#ifndef VEL2_L1_MODEL_H
#define VEL2_L1_MODEL_H

#include <s2.h>
#include "tlb_model.h"
#include "unit.h"

/*
 * L1's memory: real bytes at IPA 1 GiB, for its tables; and 3 GiB from 4 GiB on that nobody reads, which L1
 * gives to its guests. PA is not IPA, and agrees with it modulo 2M and not modulo 1G.
 */
#define RAM_IPA 0x40000000ULL
#define RAM_SIZE 0x2000000ULL
#define FAR_IPA 0x100000000ULL
#define FAR_SIZE 0xc0000000ULL
#define FAR_PA (FAR_IPA + 0x600000)
#define DEV_IPA 0x9000000ULL
#define POOL_PAGES 3000

#define AF BIT(10)
#define S2_R BIT(6)
#define S2_W BIT(7)
#define ATTR (AF | S2_R | S2_W | 0xfULL << 2 | 3ULL << 8)

#define HCR_VM BIT(0)
#define HCR_DC BIT(12)
#define HCR_TGE BIT(27)
#define HCR_E2H BIT(34)

extern struct gmem ram;
extern struct page_pool pool;
extern struct s2_vm vm;
extern u8 l1_stage1s; /* of the next VM: shadows of vEL2's stage 1, none as it is */

void l1_create(void);
void l1_destroy(void);

/* A new VM in an empty machine, with a table budget (0: the default) and so many shadows. */
void l1_start(u32 shadow_pages, unsigned int nr_shadows, unsigned int hw_pa_bits);

/* A stage 2 of L1's. */
struct stage2 {
	struct shape s;
	u64 vtcr;
	unsigned int vmid;
};

struct stage2 l1_stage2(unsigned int page_shift, unsigned int ia_bits, int level,
			unsigned int vmid);
struct s2_guest l1_guest(const struct stage2 *x);
void l1_map(const struct stage2 *x, u64 ia, int level, u64 out, u64 attr);
int l1_fault(struct s2_mmu *mmu, u64 ia, u32 access, struct s2_fault_result *out);
/* The guest touches ia, L0 does its part; the TLB entry it ends with. */
struct tlb_entry l2_touch(struct s2_mmu *mmu, u64 ia, u32 access);
/* log2 of the hardware's leaf for ia; 0: none. */
unsigned int l2_leaf_shift(const struct s2_mmu *mmu, u64 ia);

#endif /* VEL2_L1_MODEL_H */
