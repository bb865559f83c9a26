/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * L1's device tree, made from L0's.
 */
#ifndef FDT_L1_H
#define FDT_L1_H

#include <host.h>
#include <types.h>

/*
 * What a buffer for L1's tree needs beyond the size of L0's: the whole of that goes in first, with the slack
 * that QEMU leaves in it. The result is packed.
 */
#define L1_FDT_ROOM	SZ_64K

struct l1_fdt_config {
	ipa_t ram_base;
	u64 ram_size;
	unsigned int nr_vcpus;
	pa_t uart0;
	bool uart1;		/* L1 has the other PL011 too */
	bool flash;		/* L1 has the flash */
	bool rtc;		/* L1 has the clock */
	bool pcie;		/* L1 has the PCIe root */
	u64 ram_offset;		/* PA of L1's RAM less its IPA */
	ipa_t kernel;		/* where L1's kernel was loaded as a module */
	ipa_t initrd;		/* 0 size: none */
	u64 initrd_size;
	const char *bootargs;
};

/*
 * Write L1's tree into @buf (@size bytes, 8-byte aligned, apart from @fdt): CPUs, GICv3, timer, PSCI by SMC,
 * UART0 and its clock, flash and RTC as @fdt has them, PCIe without SMMU and MSIs; memory, /chosen and /aliases
 * new; nothing else, so that a device
 * that nobody thought of is not L1's. What stands below /chosen stays but for L1's own kernel and initrd and for what
 * is about modules outside of its memory; its modules have their addresses as L1 sees them: who gives L1 modules gives
 * them as for L1 on the machine itself. 0, or -EINVAL / -ENOSPC with a line in @err. Pure.
 */
int l1_fdt_build(const void *fdt, void *buf, size_t size, const struct l1_fdt_config *cfg,
		 char *err, size_t errlen);

#endif
