// SPDX-License-Identifier: GPL-2.0-only
/* Structure offsets for assembly: compiled to text, never linked. */
#include <alternative.h>
#include <kvm_hyp.h>
#include <percpu.h>

#define DEFINE(sym, val) asm volatile("\n.ascii \"->" #sym " %0 \"" : : "i"(val))

_Static_assert(offsetof(struct kvm_cpu_context, hw_pstate) ==
		       offsetof(struct kvm_cpu_context, regs.pc) + 8,
	       "entry.S loads both at once");
_Static_assert(offsetof(struct kvm_vcpu, arch.ctxt) == 0, "entry.S takes a vcpu for its context");

int main(void);
int main(void)
{
	DEFINE(NR_HYPCALLS, NR_HYPCALLS);
	DEFINE(HOST_EXCEPTION, HOST_EXCEPTION);
	DEFINE(CPU_XREG_0, offsetof(struct kvm_cpu_context, regs.regs[0]));
	DEFINE(CPU_PC, offsetof(struct kvm_cpu_context, regs.pc));
	DEFINE(CPU_APIAKEYLO, offsetof(struct kvm_cpu_context, sys_regs[APIAKEYLO_EL1]));
	DEFINE(CPU_APIAKEYHI, offsetof(struct kvm_cpu_context, sys_regs[APIAKEYHI_EL1]));
	DEFINE(FP_FPSR, offsetof(struct fpsimd_state, fpsr));
	DEFINE(SVE_P, offsetof(struct sve_state, p));
	DEFINE(CPU_FP_VREGS, offsetof(struct kvm_cpu_context, fp.vregs));
	DEFINE(CPU_FPSR, offsetof(struct kvm_cpu_context, fp.fpsr));
	DEFINE(HOST_CONTEXT_VCPU, offsetof(struct kvm_cpu_context, __hyp_running_vcpu));
	DEFINE(UPCALL_SYNC, offsetof(struct hyp_upcalls, sync));
	DEFINE(UPCALL_IRQ, offsetof(struct hyp_upcalls, irq));
	DEFINE(UPCALL_SERROR, offsetof(struct hyp_upcalls, serror));
	return 0;
}
