/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What runs at EL2: register accessors for both kinds of host, the world switch, and the one way
 * in which the host reaches it (kvm_call_hyp).
 */
#ifndef KVM_HYP_H
#define KVM_HYP_H

#include <alternative.h>
#include <kvm_host.h>
#include <percpu.h>
#include <sysreg.h>

/* HCR_EL2 while the host runs. A VHE host leaves the guest bits that TGE overrides alone. */
#define HCR_HOST_VHE_FLAGS	(HCR_RW | HCR_TGE | HCR_E2H)
#define HCR_HOST_NVHE_FLAGS	(HCR_RW | HCR_API | HCR_APK)
#define CPTR_HOST_NVHE_FLAGS	(CPTR_RES1 | CPTR_TFP)
#define MDCR_GUEST_FLAGS	(MDCR_TPM | MDCR_TPMCR | MDCR_TDA | MDCR_TDOSA | MDCR_TDRA | \
				 MDCR_TTRF | MDCR_TDCC)

/* HVC immediate of an nVHE host's own vectors. */
#define HOST_EXCEPTION	0xdead

#define has_vhe()	alternative_has_cap(CAP_VHE)

/*
 * Guest registers from EL2: by their own name under an nVHE host, by the EL12/EL02 name under a
 * VHE host, where the plain name means EL2's. The two encodings differ in op1 alone (5).
 */
#define __ALT_MRS(a, b)							\
	({								\
		u64 __v;						\
		asm volatile(ALTERNATIVE("mrs %0, " a, "mrs %0, " b, CAP_VHE) \
			     : "=r"(__v));				\
		__v;							\
	})
#define __ALT_MSR(v, a, b)						\
	do {								\
		u64 __v = (u64)(v);					\
		asm volatile(ALTERNATIVE("msr " a ", %x0", "msr " b ", %x0", CAP_VHE) \
			     : : "rZ"(__v));				\
	} while (0)

#define read_sysreg_el1(r)	__ALT_MRS("S3_0_" GUEST_##r, "S3_5_" GUEST_##r)
#define write_sysreg_el1(v, r)	__ALT_MSR(v, "S3_0_" GUEST_##r, "S3_5_" GUEST_##r)
#define read_sysreg_el0(r)	__ALT_MRS("S3_3_" GUEST_##r, "S3_5_" GUEST_##r)
#define write_sysreg_el0(v, r)	__ALT_MSR(v, "S3_3_" GUEST_##r, "S3_5_" GUEST_##r)

#define GUEST_SCTLR		"C1_C0_0"
#define GUEST_CPACR		"C1_C0_2"
#define GUEST_ZCR		"C1_C2_0"
#define GUEST_TTBR0		"C2_C0_0"
#define GUEST_TTBR1		"C2_C0_1"
#define GUEST_TCR		"C2_C0_2"
#define GUEST_SPSR		"C4_C0_0"
#define GUEST_ELR		"C4_C0_1"
#define GUEST_AFSR0		"C5_C1_0"
#define GUEST_AFSR1		"C5_C1_1"
#define GUEST_ESR		"C5_C2_0"
#define GUEST_FAR		"C6_C0_0"
#define GUEST_MAIR		"C10_C2_0"
#define GUEST_AMAIR		"C10_C3_0"
#define GUEST_VBAR		"C12_C0_0"
#define GUEST_CONTEXTIDR	"C13_C0_1"
#define GUEST_CNTKCTL		"C14_C1_0"
#define GUEST_CNTP_CTL		"C14_C2_1"
#define GUEST_CNTP_CVAL		"C14_C2_2"
#define GUEST_CNTV_CTL		"C14_C3_1"
#define GUEST_CNTV_CVAL		"C14_C3_2"

#define isb()		asm volatile("isb" : : : "memory")
#define dsb(opt)	asm volatile("dsb " #opt : : : "memory")

DECLARE_PER_CPU(struct kvm_cpu_context, kvm_host_cpu_state);

/* Why __kvm_vcpu_run() returned to the host. */
enum host_exit {
	HOST_EXIT_RESUME = 0,	/* never seen by the host: go back into the guest */
	HOST_EXIT_IRQ,		/* a physical interrupt is pending */
	HOST_EXIT_MMIO,		/* arch.fault: emulate an access to fault.l1_ipa */
	HOST_EXIT_WFI,
	HOST_EXIT_SMC,		/* SMCCC call that only the host can answer */
	HOST_EXIT_SGI,		/* a write to ICC_SGI*R or ICC_DIR: arch.smccc_args */
	HOST_EXIT_VGIC,		/* virtual interrupt state changed: sync and flush */
	HOST_EXIT_SERROR,
	HOST_EXIT_SHUTDOWN,	/* the guest cannot go on; a log line says why */
};

/*
 * What hyp/el2 asks of the rooms above it: defined in nested/, bound at link time, and the only way
 * upward. entry.S calls the first three for an exit of each kind, with everything of the guest in
 * its context; they return a host_exit, HOST_EXIT_RESUME when they are done with the exit.
 */
struct hyp_upcalls {
	enum host_exit (*sync)(struct kvm_vcpu *vcpu);
	enum host_exit (*irq)(struct kvm_vcpu *vcpu);
	enum host_exit (*serror)(struct kvm_vcpu *vcpu);
	void (*enter)(
		struct kvm_vcpu *vcpu); /* from the host: choose and load the bank, interrupts */
	void (*leave)(struct kvm_vcpu *vcpu);	/* to the host: list registers */
	void (*load)(struct kvm_vcpu *vcpu);	/* vCPU comes onto this CPU: stage 2, timers, vGIC */
	void (*put)(struct kvm_vcpu *vcpu);
};
extern const struct hyp_upcalls hyp_exit_handlers;

int __guest_enter(struct kvm_vcpu *vcpu);
/* The same with a stack pointer that points nowhere: vel2.test=corrupt-stack. Ends in hyp_panic. */
int __guest_enter_corrupt(struct kvm_vcpu *vcpu);
void __fpsimd_save(struct fpsimd_state *fp);
void __fpsimd_restore(const struct fpsimd_state *fp);
/* The same under CAP_SVE, at the vector length of ZCR_EL2. FPSR and FPCR are in @fp. */
void __sve_save(struct sve_state *sve, struct fpsimd_state *fp);
void __sve_restore(const struct sve_state *sve, const struct fpsimd_state *fp);

/* FP/SIMD and SVE: loaded at the guest's first use after vcpu_load. */
void hyp_fpsimd_load(struct kvm_vcpu *vcpu);

/* --- callable by the host through kvm_call_hyp(), listed in hypcalls.def --- */

/* Run @vcpu, which is loaded on this CPU, until the host is needed. Returns a host_exit. */
int __kvm_vcpu_run(struct kvm_vcpu *vcpu);
/* VHE host: load/unload deferrable registers; nVHE host: bookkeeping only. */
void __kvm_vcpu_load(struct kvm_vcpu *vcpu);
void __kvm_vcpu_put(struct kvm_vcpu *vcpu);

unsigned long __kvm_call_hyp(unsigned long fn, unsigned long a0, unsigned long a1,
			     unsigned long a2, unsigned long a3);

#define HYPCALL(name, call)	__HYPCALL_##name,
enum hypcall_id {
#include <hypcalls.def>
	NR_HYPCALLS,
};
#undef HYPCALL

/* One four-word wrapper a function, generated from hypcalls.def in nested/hypcalls.c. */
#define HYPCALL(name, call)						\
	unsigned long hyp_call_##name(unsigned long a0, unsigned long a1,	\
				      unsigned long a2, unsigned long a3);
#include <hypcalls.def>
#undef HYPCALL

typedef unsigned long (*hypcall_fn)(unsigned long, unsigned long, unsigned long, unsigned long);
extern const hypcall_fn hyp_call_table[NR_HYPCALLS];

#define __HC_0(...)			0, 0, 0, 0
#define __HC_1(a)			(unsigned long)(a), 0, 0, 0
#define __HC_2(a, b)			(unsigned long)(a), (unsigned long)(b), 0, 0
#define __HC_3(a, b, c)			(unsigned long)(a), (unsigned long)(b), (unsigned long)(c), 0
#define __HC_4(a, b, c, d) \
	(unsigned long)(a), (unsigned long)(b), (unsigned long)(c), (unsigned long)(d)
#define __HC_PICK(_0, _1, _2, _3, _4, n, ...)	n
#define __HC_ARGS(...) \
	__HC_PICK(_, ##__VA_ARGS__, __HC_4, __HC_3, __HC_2, __HC_1, __HC_0)(__VA_ARGS__)

/**
 * kvm_call_hyp - call @fn at EL2 from the host: a function call under VHE, an HVC under nVHE.
 * @fn is listed in hypcalls.def; its value comes back as an unsigned long.
 */
#define kvm_call_hyp(fn, ...)						\
	({								\
		unsigned long __r;					\
		if (has_vhe())						\
			__r = __HC_CALL(hyp_call_##fn, __HC_ARGS(__VA_ARGS__)); \
		else							\
			__r = __HC_CALL(__kvm_call_hyp,			\
					__HYPCALL_##fn, __HC_ARGS(__VA_ARGS__)); \
		__r;							\
	})
#define __HC_CALL(f, ...)	f(__VA_ARGS__)

#endif
