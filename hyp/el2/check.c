// SPDX-License-Identifier: GPL-2.0-only
/* The checking build's panic. EL2, from any context. */
#include <check.h>
#include <kvm_hyp.h>
#include <log.h>

#define STATUS_PANIC	2

void __noreturn check_failed(const char *what, u64 is, u64 should_be)
{
	const struct kvm_vcpu *vcpu = __hyp_this_cpu_ptr(kvm_host_cpu_state)->__hyp_running_vcpu;
	struct json j;

	json_begin(&j, "panic");
	json_fmt(&j, "msg", "check: %s is 0x%llx, should be 0x%llx", what, is, should_be);
	json_u64(&j, "cpu", __hyp_this_cpu_read(cpu_number));
	if (vcpu) {
		json_vm(&j, vcpu->kvm->id);
		json_u64(&j, "vcpu", (u64)vcpu->vcpu_id);
		json_hex(&j, "guest_pc", vcpu->arch.ctxt.regs.pc);
	}
	json_end(&j);
	l0_exit(STATUS_PANIC);
}
