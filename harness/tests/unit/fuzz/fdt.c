// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device tree of any bytes, or one that somebody changed: L0's reading of it, and L1's tree made from it. What is damaged is refused in one line;
 * what L1 gets is a tree, and no window of PCIe lies over what is not L1's.
 *
 * unit: harness/tests/unit/unit.c hyp/host/fdt.c hyp/host/fdt-pcie.c hyp/host/fdt-l1.c -Ihyp/include -lfdt
 */
#include "fuzz.h"

#include <fdt-l1.h>
#include <host.h>
#include <libfdt.h>
#include <sys/mman.h>
#include <uart.h>

#define AREA (1UL << 17)
#define ROOM (1UL << 14)

/* At the end of a page that nothing follows, for libfdt is not built with the sanitizers. */
static void *at_end(const u8 *data, size_t size)
{
	static u8 *area;
	u8 *p;

	if (!area) {
		area = mmap(NULL, AREA + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			    -1, 0);
		CHECK(area != MAP_FAILED && !mprotect(area + AREA, 4096, PROT_NONE));
	}
	p = area + AREA - ALIGN_UP(size, 8UL);
	memcpy(p, data, size);
	return p;
}

static bool apart(u64 a, u64 an, u64 b, u64 bn)
{
	return !an || !bn || (b >= a ? b - a >= an : a - b >= bn);
}

static void check_window(const struct l0_platform *p, u64 base, u64 size)
{
	CHECK(base + size > base);
	CHECK(apart(base, size, p->ram_base, p->ram_size));
	CHECK(apart(base, size, p->gicd, p->gicd_size) && apart(base, size, p->gicr, p->gicr_size));
	CHECK(apart(base, size, L0_UART_BASE, 0x1000) && apart(base, size, p->uart0, 0x1000));
	CHECK(apart(base, size, p->pcie.smmu, 0x20000));
}

static void check_platform(const struct l0_platform *p)
{
	const struct l0_pcie *pcie = &p->pcie;

	CHECK(p->nr_cpus >= 1 && p->nr_cpus <= MAX_CPUS);
	CHECK(p->ram_size && p->gicd_size && p->gicr_size);
	if (!pcie->ecam_size)
		return;
	CHECK(pcie->nr_windows <= PCIE_MAX_WINDOWS && pcie->nr_intx <= PCIE_NR_INTX);
	check_window(p, pcie->ecam, pcie->ecam_size);
	for (unsigned int i = 0; i < pcie->nr_windows; i++)
		check_window(p, pcie->window[i].base, pcie->window[i].size);
	for (unsigned int i = 0; i < pcie->nr_intx; i++)
		CHECK(pcie->intx[i] != p->uart0_intid && pcie->intx[i] != p->uart1_intid &&
		      pcie->intx[i] >= 32);
}

/* virt.dts as a tree with room for more. Tests run at the repository's root. */
static void load(u8 *tree)
{
	static u8 good[ROOM];
	FILE *f;

	if (!good[0]) {
		f = popen("dtc -q -I dts -O dtb harness/tests/unit/virt.dts", "r");
		CHECK(f && fread(tree, 1, ROOM, f) > 1000 && !pclose(f));
		CHECK(!fdt_open_into(tree, good, ROOM));
	}
	memcpy(tree, good, ROOM);
}

/* The @n-th node, the @k-th of its properties, counted round; negative if there is none. */
static int find_node(const void *fdt, unsigned int n)
{
	int node = 0, next;

	while (n--) {
		next = fdt_next_node(fdt, node, NULL);
		node = next < 0 ? 0 : next;
	}
	return node;
}

static int find_property(const void *fdt, int node, unsigned int k)
{
	int prop = fdt_first_property_offset(fdt, node), next;

	while (prop >= 0 && k--) {
		next = fdt_next_property_offset(fdt, prop);
		prop = next < 0 ? fdt_first_property_offset(fdt, node) : next;
	}
	return prop;
}

static u32 value(struct input *in)
{
	static const u32 values[] = { 0,	  1,	     2,		 3,	     4,
				      0xff,	  0x1000,    0x10000,	 0x8000000,  0x9000000,
				      0x9040000,  0x9050000, 0x10000000, 0x40000000, 0x80000000,
				      0xfffff000, 0xffffffff };
	u64 which = take(in, 1);

	return which < ARRAY_SIZE(values) ? values[which] : (u32)take(in, 4);
}

/* One change of the tree, which stays one. */
static void edit(struct input *in, void *fdt)
{
	static const char compatible[][24] = { "arm,pl011", "arm,gic-v3", "pci-host-ecam-generic",
					       "arm,smmu-v3", "multiboot,kernel", "multiboot,ramdisk",
					       "multiboot,module", "cfi-flash", "arm,pl031" };
	u64 how = take(in, 1);
	int node = find_node(fdt, (unsigned int)take(in, 1)), prop, len;
	const char *name;
	fdt32_t cell;
	u8 *at;

	if (how % 8 == 0) {
		fdt_del_node(fdt, node);
		return;
	}
	if (how % 8 == 1) {
		name = compatible[(how >> 3) % ARRAY_SIZE(compatible)];
		fdt_setprop_string(fdt, node, "compatible", name);
		return;
	}
	prop = find_property(fdt, node, (unsigned int)(how >> 3));
	at = prop < 0 ? NULL : (u8 *)(uintptr_t)fdt_getprop_by_offset(fdt, prop, &name, &len);
	if (!at)
		return;
	if (how % 8 == 2) {
		fdt_delprop(fdt, node, name);
	} else if (how % 8 == 3) {
		fdt32_st(&cell, value(in));
		fdt_appendprop(fdt, node, name, &cell, sizeof(cell));
	} else if (len >= 4) {
		fdt32_st(at + take(in, 1) % ((unsigned int)len / 4) * 4, value(in));
	}
}

/* The tree of an input: bytes as they are, or virt.dts with changes and then damage. */
static size_t make(struct input *in, u8 *tree)
{
	u64 how = take(in, 1);
	size_t size = (size_t)(in->end - in->at);

	if (!how) {
		size = size > ROOM ? ROOM : size;
		memcpy(tree, in->at, size);
		return size;
	}
	load(tree);
	for (u64 i = 0; i < (how & 15); i++)
		edit(in, tree);
	fdt_pack(tree);
	size = fdt_totalsize(tree);
	for (u64 i = 0; i < how >> 4 && more(in); i++) {
		size_t at = (size_t)take(in, 2);

		tree[at % size] = (u8)take(in, 1);
	}
	return size;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static char l1[AREA + L1_FDT_ROOM] __attribute__((aligned(8)));
	static u8 tree[ROOM] __attribute__((aligned(8)));
	static struct l0_platform p;
	static struct l0_modules modules;
	struct input in = { data, data + size };
	struct l1_fdt_config cfg = {
		.ram_base = 0x40000000,
		.ram_size = 0x40000000,
		.nr_vcpus = 2,
		.ram_offset = 0x600000,
		.kernel = 0x40200000,
		.flash = true,
		.rtc = true,
	};
	char err[256] = "";
	void *fdt;

	size = make(&in, tree);
	fdt = at_end(tree, size);
	if (platform_parse(fdt, size, &p, err, sizeof(err)) ||
	    platform_modules(fdt, 0, ~0ULL, &modules, err, sizeof(err))) {
		CHECK(err[0] && !strchr(err, '\n'));
		return 0;
	}
	check_platform(&p);
	CHECK(modules.nr <= L0_MAX_MODULES);
	cfg.uart0 = p.uart0;
	cfg.pcie = p.pcie.ecam_size;
	cfg.bootargs = modules.kernel.size ? modules.kernel.args : platform_bootargs(fdt);
	CHECK(strlen(cfg.bootargs) < size);
	err[0] = 0;
	if (l1_fdt_build(fdt, l1, sizeof(l1), &cfg, err, sizeof(err)))
		CHECK(err[0] && !strchr(err, '\n'));
	else
		CHECK(!fdt_check_full(l1, sizeof(l1)));
	return 0;
}
