/* SPDX-License-Identifier: GPL-2.0-only */
/* Parts of the host's run loop. */
#ifndef RUN_H
#define RUN_H

#include <kvm_host.h>

/* Emulate the access in vcpu->arch.fault, or give the guest an external abort for it. */
void mmio_emulate(struct kvm_vcpu *vcpu);

/* L1's second UART (vel2.uart1=on). False: @ipa is not its. */
bool vuart_mmio(u64 ipa, bool is_write, unsigned int size, u64 *val);

#endif
