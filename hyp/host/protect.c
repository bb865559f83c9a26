// SPDX-License-Identifier: GPL-2.0-only
/*
 * vel2.protect=on: what of L0 its own nVHE host, at EL1, does not reach.
 *
 * A stage 2 maps what the host shares with EL2 to itself, and nothing else: not EL2's code and data, its stacks, its
 * per-CPU variables, the pool with the shadow tables, this table, the SMMU. What is only EL2's to write (vCPUs'
 * register files, which are the VNCR pages; the L1s' stage 2; options; the tables of stage 1) the
 * host may read. No page is writable and executable. The host's access to anything else ends in hyp_panic.
 *
 * protect_init() runs once, at EL2 with the MMU off. The table never changes, and VMID 0 is the host's alone, so
 * that nothing is ever invalidated.
 */
#include <host.h>
#include <hyp_init.h>
#include <kvm_host.h>
#include <l1.h>
#include <mmu.h>
#include <options.h>
#include <percpu.h>
#include <protect.h>
#include <stacks.h>
#include <uart.h>

#include "page-tables.h"

#define NR_TABLES	16

#define HOST_RX		(S2_MEMATTR_NORMAL | DESC_ISH | S2AP_R)
#define HOST_RO		(HOST_RX | S2_XN)
#define HOST_RW		(HOST_RO | S2AP_W)
#define HOST_DEVICE	(S2_MEMATTR_DEVICE | S2AP_R | S2AP_W | S2_XN)

static u64 tables[NR_TABLES][DESC_ENTRIES] __aligned(SZ_4K) __section(".bss..hyp");
static struct page_tables stage2 = { .tables = tables, .nr = NR_TABLES };

extern char __host_text_start[], __host_text_end[], __host_rodata_start[], __host_rodata_end[];
extern char __host_ro_start[], __host_ro_end[], __host_ro_bss_start[], __host_ro_bss_end[];
extern char __host_data_start[], __host_data_end[], __host_bss_start[], __host_bss_end[];
extern char __per_cpu_host_ro[], __per_cpu_host[], __pool_start[], __pool_end[];

/* [from, to), by whole pages: vel2.lds.S and the types see to it that they hold nothing else. */
static void give(const void *from, const void *to, u64 attr)
{
	page_tables_map(&stage2, 0, (u64)(uintptr_t)from, (u64)(uintptr_t)to, attr);
}

static void give_device(pa_t pa, u64 size)
{
	page_tables_map(&stage2, 0, ALIGN_DOWN(pa, SZ_4K), ALIGN_UP(pa + size, SZ_4K), HOST_DEVICE);
}

static void give_image(void)
{
	give(__host_text_start, __host_text_end, HOST_RX);
	give(__host_rodata_start, __host_rodata_end, HOST_RO);
	give(__host_ro_start, __host_ro_end, HOST_RO);
	give(__host_ro_bss_start, __host_ro_bss_end, HOST_RO);
	give(__host_data_start, __host_data_end, HOST_RW);
	give(__host_bss_start, vms, HOST_RW);
	for (const struct kvm *kvm = vms; kvm < vms + MAX_VMS; kvm++) {
		give(kvm, &kvm->vgic, HOST_RO);
		give(&kvm->vgic, kvm + 1, HOST_RW);
	}
	give(vms + MAX_VMS, __host_bss_end, HOST_RW);
}

static void give_cpu(unsigned int cpu)
{
	const char *ro = __per_cpu_host_ro + per_cpu_offset(cpu);
	const char *rw = __per_cpu_host + per_cpu_offset(cpu);

	give(ro, rw, HOST_RO);
	give(rw, __per_cpu_end + per_cpu_offset(cpu), HOST_RW);
}

static void give_vcpu(const struct kvm_vcpu *vcpu)
{
	const struct kvm_vcpu_arch *arch = &vcpu->arch;

	give(vcpu, arch->ctxt.sys_regs, HOST_RW);
	give(arch->ctxt.sys_regs, &arch->vgic, HOST_RO);
	give(&arch->vgic, vcpu + 1, HOST_RW);
}

void protect_init(void)
{
	u64 pool_end = (u64)(uintptr_t)__pool_end, ram_end = plat.ram_base + plat.ram_size;

	page_tables_init(&stage2, 0);
	give_image();
	for (unsigned int cpu = 0; cpu < plat.nr_cpus; cpu++)
		give_cpu(cpu);
	for (unsigned int i = 0; i < opts.l1s * l0_nr_vcpus(); i++)
		give_vcpu((const struct kvm_vcpu *)__pool_start + i);
	/* L1's memory: the host loads L1 there. */
	page_tables_map(&stage2, 0, pool_end, ALIGN_DOWN(ram_end, SZ_4K), HOST_RW);
	give_device(L0_UART_BASE, L0_UART_SIZE);
	give_device(plat.gicd, plat.gicd_size);
	give_device(plat.gicr, plat.gicr_size);
	host_vttbr = (u64)(uintptr_t)tables[0];
}
