// SPDX-License-Identifier: GPL-2.0-only
/*
 * L0's own page tables. See mmu.h for the regimes they serve.
 *
 * mmu_init() runs once, at EL2 with the MMU off; the tables never change afterwards, so no TLB
 * maintenance is needed beyond the one before the MMU is turned on.
 */
#include <host.h>
#include <hyp_init.h>
#include <log.h>
#include <mmu.h>
#include <pauth.h>
#include <smmu.h>
#include <stacks.h>
#include <string.h>
#include <uart.h>

#include "page-tables.h"

#define NR_TABLES	24
#define DESC_AP1	BIT(6)
#define DESC_RO		BIT(7)	/* AP[2] */
#define DESC_PXN	BIT(53)	/* RES0 in the EL2 regime, where XN alone counts */
#define DESC_XN		BIT(54)

#define ATTR_IDX(n)	((u64)(n) << 2)
#define ATTR_DEVICE	(ATTR_IDX(HYP_MAIR_DEVICE) | DESC_XN | DESC_PXN)
#define ATTR_NORMAL	(ATTR_IDX(HYP_MAIR_NORMAL) | DESC_ISH)
#define ATTR_TEXT	(ATTR_NORMAL | DESC_RO | (L0_PAUTH ? DESC_GP : 0))
#define ATTR_RODATA	(ATTR_NORMAL | DESC_RO | DESC_XN | DESC_PXN)
#define ATTR_DATA	(ATTR_NORMAL | DESC_XN | DESC_PXN)

/* The nVHE host's stage 1, too, so it reads them. */
static u64 tables[NR_TABLES][DESC_ENTRIES] __aligned(4096) __host_ro_bss;
static struct page_tables stage1 = { .tables = tables, .nr = NR_TABLES };

extern char _start[], __text_end[], __rodata_start[], __rodata_end[], __data_start[], __pool_end[];

static u64 *new_table(struct page_tables *t)
{
	if (t->used == t->nr)
		l0_fatal_user("more memory than L0 can map: give the machine less");
	return t->tables[t->used++];
}

/* The table below @entry, made if there is none. */
static u64 *next_table(struct page_tables *t, u64 *entry)
{
	if ((*entry & (DESC_VALID | DESC_TABLE)) == DESC_VALID)
		l0_fatal_user("broken device tree: two devices at the same address");
	if (!(*entry & DESC_VALID))
		*entry = (u64)(uintptr_t)new_table(t) | DESC_TABLE | DESC_VALID;
	return (u64 *)(uintptr_t)(*entry & DESC_ADDR);
}

void page_tables_init(struct page_tables *t, u64 leaf)
{
	new_table(t);
	t->leaf = leaf | DESC_AF | DESC_VALID;
}

void page_tables_map(struct page_tables *pt, u64 alias, u64 pa, u64 end, u64 attr)
{
	u64 *l1 = &pt->tables[0][alias >> 30], *t, size;

	if (end > HYP_RO_ALIAS)
		l0_fatal_user("memory above 0x%llx: give the machine less", HYP_RO_ALIAS);
	attr |= pt->leaf;
	for (; pa < end; pa += size) {
		if (!(pa & (SZ_1G - 1)) && end - pa >= SZ_1G) {
			size = SZ_1G;
			l1[pa >> 30] = pa | attr;
			continue;
		}
		t = next_table(pt, &l1[pa >> 30]);
		if (!(pa & (SZ_2M - 1)) && end - pa >= SZ_2M) {
			size = SZ_2M;
			t[(pa >> 21) % DESC_ENTRIES] = pa | attr;
			continue;
		}
		size = SZ_4K;
		t = next_table(pt, &t[(pa >> 21) % DESC_ENTRIES]);
		t[(pa >> 12) % DESC_ENTRIES] = pa | attr | DESC_PAGE;
	}
}

static void map(u64 pa, u64 end, u64 attr)
{
	page_tables_map(&stage1, 0, pa, end, attr);
}

static void map_device(u64 pa, u64 size)
{
	map(ALIGN_DOWN(pa, SZ_4K), ALIGN_UP(pa + size, SZ_4K), ATTR_DEVICE);
}

/* The lowest guard of a stack at or above @from, of any CPU; ~0 if there is none. */
static u64 next_guard(u64 from)
{
	u64 next = ~0ULL;

	for (unsigned int cpu = 0; cpu < MAX_CPUS; cpu++) {
		const u64 guards[] = {
			(u64)(uintptr_t)per_cpu_ptr(hyp_stack, cpu)->guard,
			(u64)(uintptr_t)per_cpu_ptr(host_stack, cpu)->guard,
			(u64)(uintptr_t)per_cpu_ptr(panic_stack, cpu)->guard,
		};

		for (unsigned int i = 0; i < ARRAY_SIZE(guards); i++) {
			if (guards[i] >= from && guards[i] < next)
				next = guards[i];
		}
	}
	return next;
}

/* All but the guards: a stack that overflows faults there, and the panic has a stack of its own. */
static void map_data(u64 at, u64 end)
{
	u64 guard;

	while ((guard = next_guard(at)) < end) {
		map(at, guard, ATTR_DATA);
		at = guard + GUARD_SIZE;
	}
	map(at, end, ATTR_DATA);
}

static void map_image(void)
{
	u64 text = (u64)(uintptr_t)_start, ro = (u64)(uintptr_t)__rodata_start;
	u64 data = (u64)(uintptr_t)__data_start;

	map(text, (u64)(uintptr_t)__text_end, ATTR_TEXT);
	map(ro, (u64)(uintptr_t)__rodata_end, ATTR_RODATA);
	map_data(data, (u64)(uintptr_t)__pool_end);
}

void mmu_init(bool vhe)
{
	u64 ram_end = plat.ram_base + plat.ram_size, pool_end = (u64)(uintptr_t)__pool_end;

	page_tables_init(&stage1, vhe ? 0 : DESC_AP1);
	map_image();
	/* What lies before the image stays unmapped: QEMU's boot stub, never used again. */
	map(pool_end, ALIGN_DOWN(ram_end, SZ_4K), ATTR_DATA);
	page_tables_map(&stage1, HYP_RO_ALIAS, pool_end, ALIGN_DOWN(ram_end, SZ_4K), ATTR_RODATA);
	map_device(L0_UART_BASE, L0_UART_SIZE);
	map_device(plat.uart0, SZ_4K);
	if (plat.flash_size)
		map_device(plat.flash, plat.flash_size);	/* L1's page tables may lie there */
	if (plat.pcie.ecam_size)
		map_device(plat.pcie.smmu, SMMU_SIZE);
	map_device(plat.gicd, plat.gicd_size);
	map_device(plat.gicr, plat.gicr_size);

	hyp_pgd = (u64)(uintptr_t)tables[0];
}

void cache_flush(const void *va, u64 size)
{
	u64 ctr, line, p = (u64)(uintptr_t)va, end = p + size;

	asm("mrs %0, ctr_el0" : "=r"(ctr));
	line = 4ULL << ((ctr >> 16) & 0xf);
	for (p = ALIGN_DOWN(p, line); p < end; p += line)
		asm volatile("dc civac, %0" : : "r"(p) : "memory");
	/* Nothing after this may find the old bytes in memory. */
	asm volatile("dsb sy" : : : "memory");
}
