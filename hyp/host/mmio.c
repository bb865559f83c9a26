// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest's access to a device that L0 emulates. In the host.
 */
#include <kvm_hyp.h>
#include <nested.h>
#include <run.h>

static u64 sign_extend(u64 val, unsigned int bytes, bool to64)
{
	unsigned int shift = 64 - 8 * bytes;
	s64 wide = (s64)(val << shift) >> shift;

	return to64 ? (u64)wide : (u32)wide;
}

/* Bits of a register that are as wide as the access. */
static u64 low_bytes(u64 val, unsigned int bytes)
{
	return bytes == 8 ? val : val & ((1ULL << (8 * bytes)) - 1);
}

/* The devices are little-endian. */
static u64 swap(u64 val, unsigned int bytes)
{
	return __builtin_bswap64(val) >> (64 - 8 * bytes);
}

void mmio_emulate(struct kvm_vcpu *vcpu)
{
	u64 esr = vcpu->arch.fault.esr, val = 0;
	unsigned int size = 1U << ESR_SAS(esr), rt = (unsigned int)ESR_SRT(esr);
	bool is_write = esr & ESR_WNR, big_endian = vcpu->arch.fault.big_endian;

	if (is_write)
		val = low_bytes(vcpu_get_reg(vcpu, rt), size);
	if (unlikely(big_endian))
		val = swap(val, size);
	if (!vgic_mmio(vcpu, vcpu->arch.fault.l1_ipa, is_write, size, &val) &&
	    !vuart_mmio(vcpu, vcpu->arch.fault.l1_ipa, is_write, size, &val)) {
		kvm_call_hyp(nested_external_abort, vcpu);
		return;
	}
	if (!is_write) {
		val = low_bytes(val, size);
		if (unlikely(big_endian))
			val = swap(val, size);
		vcpu_set_reg(vcpu, rt, esr & ESR_SSE ? sign_extend(val, size, esr & ESR_SF) : val);
	}
	kvm_skip_any_instr(vcpu, esr);
}
