/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the bundled L1 and its L2 agree on: L2's memory map (L2 IPAs), hypercalls (HVC #0, function
 * in x0, argument in x1, result in x0). L2 starts at L2_BASE, EL1, MMU off, x0 = iterations,
 * x1 = warm-ups, x2 = what there is (L2_HAS_*); its memory behind the image is zero. A second vCPU
 * starts the same way where L2_HC_CPU_ON says.
 */
#ifndef GUEST_L2_ABI_H
#define GUEST_L2_ABI_H

#define L2_BASE		0x80000000
#define L2_SIZE		0x00400000
#define L2_UART		0x09000000	/* a PL011 that L1 emulates */
#define L2_UART_SIZE	0x1000
#define L2_UART_PERIPHID 0xfe0
#define L2_UART_ID	0x11
#define L2_DEVICE	0x09010000	/* the same registers, in the part of L1 that is no hypervisor */
#define L2_FAULT_BASE	0xa0000000	/* L1 backs a page of it when L2 first touches it */
#define L2_FAULT_SIZE	0x01000000

#define L2_HC_NOP	0		/* returns argument + 1 */
#define L2_HC_INJECT	1		/* make virtual interrupt <argument> pending */
#define L2_HC_FAULTS	2		/* returns how many pages L1 has backed */
#define L2_HC_END	3		/* argument 0: all well */

#define L2_HC_CPU_ON	4		/* start the second vCPU at <argument> */
#define L2_HC_CPU_OFF	5		/* this vCPU ends; does not return */

#define L2_HAS_HOST	1		/* somebody emulates L2_DEVICE */
#define L2_HAS_CPU1	2		/* a second vCPU */
#define L2_ONLY_IPI	4		/* nothing but the operation of two vCPUs is wanted */

#define L2_IPI		3		/* the SGI of the ipi operation */
#define L2_VIRQ		40		/* virtual INTID of the virq and veoi operations */

#endif
