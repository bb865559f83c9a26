/* SPDX-License-Identifier: GPL-2.0-only */
/* Parts of the host's run loop. */
#ifndef RUN_H
#define RUN_H

#include <kvm_host.h>

/* Emulate the access in vcpu->arch.fault, or give the guest an external abort for it. */
void mmio_emulate(struct kvm_vcpu *vcpu);

#endif
