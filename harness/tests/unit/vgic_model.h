/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A machine for the tests of L1's emulated GIC: its vCPUs, the physical interrupts behind them, and the hardware's
 * part in the list registers.
 */
#ifndef VEL2_VGIC_MODEL_H
#define VEL2_VGIC_MODEL_H

#include <gic.h>
#include <kvm_host.h>

#include "unit.h"

#define NR_LRS	4
#define NR_CPUS	3

extern struct kvm vm;
extern struct kvm_vcpu cpu[NR_CPUS];
extern bool phys_active[1024], phys_line[1024];
extern u32 kicked; /* bitmap */

/* A machine of @n vCPUs, at vEL2, in which nothing has happened. @name: of what is tested. */
void reset_cpus(const char *name, int n);

/* The list register that has @intid, or -1; and its state, 0 for none. */
int find_lr(struct kvm_vcpu *v, u32 intid);
u64 state_of(struct kvm_vcpu *v, u32 intid);

/* The highest priority pending one becomes active; its INTID, or 1023. */
u32 guest_ack(struct kvm_vcpu *v);
/* @intid, which is active, is so no more. */
void guest_eoi(struct kvm_vcpu *v, u32 intid);

/* The physical interrupt @intid is taken, for the first vCPU. */
void take_physical(u32 intid);

#endif /* VEL2_VGIC_MODEL_H */
