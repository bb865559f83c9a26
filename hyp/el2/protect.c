// SPDX-License-Identifier: GPL-2.0-only
/*
 * vel2.protect=on at EL2: the nVHE host's stage 2 (hyp/host/protect.c) in the hardware, and what it allows. EL2.
 */
#include <errno.h>
#include <hyp_init.h>
#include <kvm_hyp.h>
#include <protect.h>

extern char _start[], __pool_end[];

void hyp_protect_host(void)
{
	write_sysreg(host_vttbr, VTTBR_EL2);
	write_sysreg(HOST_VTCR, VTCR_EL2);
	write_sysreg(HCR_HOST_NVHE_FLAGS | HCR_VM, HCR_EL2);
}

unsigned int hyp_host_access(pa_t pa)
{
	const u64 *table = (const u64 *)host_vttbr;
	u64 desc;

	if (!table)
		return HOST_READS | HOST_WRITES;
	if (pa >> HYP_VA_BITS)
		return 0;
	for (unsigned int level = 1;; level++) {
		desc = table[pa >> (12 + 9 * (3 - level)) & (DESC_ENTRIES - 1)];
		if (!(desc & DESC_VALID))
			return 0;
		if (level == 3 || !(desc & DESC_TABLE))
			break;
		table = (const u64 *)(desc & DESC_ADDR);
	}
	return (desc & S2AP_R ? HOST_READS : 0) | (desc & S2AP_W ? HOST_WRITES : 0);
}

int hyp_host_gives(pa_t pa, u64 size)
{
	u64 from = (u64)_start, to = (u64)__pool_end;

	if (pa + size < pa)
		return -EINVAL;
	for (u64 page = pa > from ? pa : from; page < pa + size && page < to; page += SZ_4K) {
		if (!(hyp_host_access(page) & HOST_WRITES))
			return -EPERM;
	}
	return 0;
}
