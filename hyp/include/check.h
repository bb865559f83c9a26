/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The checking build (make CHECK=1): L0 compares what it believes with what is there, by code that shares
 * nothing with the code it checks. The first contradiction is a panic that names it. In the plain build all
 * of this is nothing.
 *
 * EL2, interrupts masked. The rooms' check.c say what is compared.
 */
#ifndef CHECK_H
#define CHECK_H

#include <s2.h>

struct kvm_vcpu;

#ifdef CONFIG_CHECK

/* The panic: what should be one is the other. */
void __noreturn check_failed(const char *what, u64 is, u64 should_be);

#define CHECK_IS(what, is, should_be)                   \
	do {                                            \
		u64 is_ = (is), should_ = (should_be);  \
		if (unlikely(is_ != should_))           \
			check_failed(what, is_, should_); \
	} while (0)

/* shadow/check.c; the caller holds the VM's lock. */
/* @ipa has just been mapped: as L1's tables and L0's map say, no more and no less? */
void check_mapped(const struct s2_mmu *mmu, l2ipa_t ipa);
/* All of a shadow: nothing but L1's memory, and the editor's own books. */
void check_shadow(const struct s2_mmu *mmu);
/* L1's TLBI is done: does nothing of what it names remain? Arguments as of s2_emulate_tlbi(). */
void check_tlbi(const struct s2_vm *vm, const struct s2_guest *g, u32 sys, u64 val);
/* @vm has these VMIDs of the hardware: does no other L1? Before any vCPU runs; needs no lock. */
void check_vmids(const struct s2_vm *vm, u32 first, u32 last);

/* nested/check.c */
/* An exit was taken; it is one that nobody counts. */
void check_exit(struct kvm_vcpu *vcpu);
void check_uncounted(struct kvm_vcpu *vcpu);
/* Before and after a vCPU leaves the CPU. */
void check_loaded(struct kvm_vcpu *vcpu);
void check_put(struct kvm_vcpu *vcpu);

#else

static inline void check_mapped(const struct s2_mmu *mmu, l2ipa_t ipa)
{
	(void)mmu, (void)ipa;
}

static inline void check_shadow(const struct s2_mmu *mmu)
{
	(void)mmu;
}

static inline void check_tlbi(const struct s2_vm *vm, const struct s2_guest *g, u32 sys, u64 val)
{
	(void)vm, (void)g, (void)sys, (void)val;
}

static inline void check_vmids(const struct s2_vm *vm, u32 first, u32 last)
{
	(void)vm, (void)first, (void)last;
}

static inline void check_exit(struct kvm_vcpu *vcpu)
{
	(void)vcpu;
}

static inline void check_uncounted(struct kvm_vcpu *vcpu)
{
	(void)vcpu;
}

static inline void check_loaded(struct kvm_vcpu *vcpu)
{
	(void)vcpu;
}

static inline void check_put(struct kvm_vcpu *vcpu)
{
	(void)vcpu;
}

#endif

#endif
