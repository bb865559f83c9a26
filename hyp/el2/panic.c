// SPDX-License-Identifier: GPL-2.0-only
/*
 * The last words. EL2, on the panic stack; nothing else that was in memory is trusted more than it
 * must be: the vcpu comes from the per-CPU host context.
 */
#include <kvm_hyp.h>
#include <log.h>

static const char *const level_names[NR_LEVELS] = { "host", "L1", "L2" };

void __noreturn hyp_panic_report(u64 esr, u64 pc, u64 far, u64 spsr, struct kvm_vcpu *vcpu, u64 sp);

static void report_vcpu(struct json *j, const struct kvm_vcpu *vcpu)
{
	bool vel1 = vcpu->arch.loaded_bank == BANK_VEL1;
	unsigned int level = vel1 && (vcpu_hcr_el2(vcpu) & HCR_VM) ? LEVEL_L2 : LEVEL_L1;

	json_vm(j, vcpu->kvm->id);
	json_u64(j, "vcpu", (u64)vcpu->vcpu_id);
	json_str(j, "level", level_names[level]);
	json_hex(j, "guest_pc", vcpu->arch.ctxt.regs.pc);
	json_hex(j, "guest_pstate", vcpu->arch.ctxt.regs.pstate);
	json_u64(j, "bank", (u64)vcpu->arch.loaded_bank);
}

/* What happened, and more about it where an nVHE host did it. Its addresses are physical ones. */
static void explain(struct json *j, u64 esr, u64 far, const struct kvm_vcpu *vcpu)
{
	u64 ec = has_vhe() || vcpu ? ESR_EC_UNKNOWN : ESR_EC(esr);

	if (ec == ESR_EC_HVC64 && (esr & 0xffff) == HOST_EXCEPTION) {
		json_hex(j, "host_esr", read_sysreg(ESR_EL1));
		json_hex(j, "host_pc", read_sysreg(ELR_EL1));
		json_hex(j, "host_far", read_sysreg(FAR_EL1));
		json_str(j, "msg", "exception in L0's host at EL1");
	} else if (ec == ESR_EC_IABT_LOW || ec == ESR_EC_DABT_LOW) {
		json_fmt(j, "msg", "L0's host at EL1 has no access to 0x%llx, EL2's", far);
	} else {
		json_str(j, "msg", "exception at EL2 that L0 did not expect");
	}
}

void __noreturn hyp_panic_report(u64 esr, u64 pc, u64 far, u64 spsr, struct kvm_vcpu *vcpu, u64 sp)
{
	struct json j;

	json_begin(&j, "panic");
	json_u64(&j, "cpu", __hyp_this_cpu_read(cpu_number));
	json_hex(&j, "esr", esr);
	json_hex(&j, "pc", pc);
	json_hex(&j, "far", far);
	json_hex(&j, "spsr", spsr);
	json_hex(&j, "sp", sp);
	if (vcpu)
		report_vcpu(&j, vcpu);
	else
		json_null(&j, "vcpu");
	explain(&j, esr, far, vcpu);
	json_end(&j);
	l0_exit(STATUS_PANIC);
}
