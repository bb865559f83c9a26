/* SPDX-License-Identifier: GPL-2.0-only */
/* Parts of the host's run loop. */
#ifndef RUN_H
#define RUN_H

#include <kvm_host.h>

/* Emulate the access in vcpu->arch.fault, or give the guest an external abort for it. */
void mmio_emulate(struct kvm_vcpu *vcpu);

/* The UARTs of @vcpu's L1 that L0 emulates. False: @ipa is none's. */
bool vuart_mmio(struct kvm_vcpu *vcpu, ipa_t ipa, bool is_write, unsigned int size, u64 *val);
/* Whatever line @kvm has begun there is over. */
void vuart_end(const struct kvm *kvm);

#endif
