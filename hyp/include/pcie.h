/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The machine's PCIe root as L1's. In the host.
 */
#ifndef PCIE_H
#define PCIE_H

#include <kvm_host.h>

/*
 * Look at the devices of plat.pcie: does not return, with a line that names it, if one passes by the SMMU. EL2, MMU
 * off.
 */
void pcie_check_devices(void);

/*
 * Give @kvm the root of plat.pcie, if there is one and its SMMU can hold its devices to L1's memory: register
 * space, windows and INTx are L1's from then on. Says in the log why not, if not. After @kvm's RAM is mapped and its
 * GIC is there, before it runs; boot CPU.
 */
bool pcie_give(struct kvm *kvm);

/* An interrupt of the SMMU: what it refused goes to the log. */
void pcie_irq(void);

#endif
