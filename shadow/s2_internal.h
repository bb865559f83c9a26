/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the shadow stage 2 share and nobody else sees. The caller holds vm->lock.
 */
#ifndef VEL2_SHADOW_S2_INTERNAL_H
#define VEL2_SHADOW_S2_INTERNAL_H

#include <s2.h>

/* Drops all that a shadow holds; its key stays. Nothing to do for one without tables of its own. */
void s2_mmu_empty(struct s2_mmu *mmu);
/* Frees the tables of some shadow, that of `needy` last. Pages freed; 0 if there was nothing. */
u32 s2_reclaim(struct s2_vm *vm, struct s2_mmu *needy);

#endif /* VEL2_SHADOW_S2_INTERNAL_H */
