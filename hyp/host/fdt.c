// SPDX-License-Identifier: GPL-2.0-only
/*
 * What L0 needs to know of the machine, from its device tree.
 *
 * Pure: also runs on the build machine. In L0 it runs at EL2 with the MMU off: cells are read byte
 * by byte (fdt32_ld). The tree is checked as a whole first; after that libfdt bounds every access.
 */
#include <errno.h>
#include <host.h>
#include <libfdt.h>
#include <log.h>
#include <string.h>
#include <uart.h>
#include <vgic.h>

#define SPI_BASE	32

struct cells {
	int addr, size;
};

static u64 read_cells(const fdt32_t *p, int n)
{
	u64 v = 0;

	while (n--)
		v = v << 32 | fdt32_ld(p++);
	return v;
}

/* #address-cells and #size-cells of the root; false unless they are 1 or 2. */
static bool root_cells(const void *fdt, struct cells *c)
{
	c->addr = fdt_address_cells(fdt, 0);
	c->size = fdt_size_cells(fdt, 0);
	return c->addr >= 1 && c->addr <= 2 && c->size >= 1 && c->size <= 2;
}

/* Entry @index of the "reg" of @node. */
static bool read_reg(const void *fdt, int node, const struct cells *c, int index, u64 *base,
		     u64 *size)
{
	int len, entry = c->addr + c->size;
	const fdt32_t *reg = fdt_getprop(fdt, node, "reg", &len);

	if (!reg || len < (index + 1) * entry * 4)
		return false;
	reg += index * entry;
	*base = read_cells(reg, c->addr);
	*size = read_cells(reg + c->addr, c->size);
	return *base + *size >= *base;
}

/* INTID of the first interrupt, in the GIC's three-cell format; 0 if there is none. */
static u32 read_spi(const void *fdt, int node)
{
	int len;
	const fdt32_t *p = fdt_getprop(fdt, node, "interrupts", &len);

	if (!p || len < 12 || fdt32_ld(p) != 0 || fdt32_ld(p + 1) >= 988)
		return 0;
	return SPI_BASE + fdt32_ld(p + 1);
}

static bool has_type(const void *fdt, int node, const char *type)
{
	int len;
	const char *p = fdt_getprop(fdt, node, "device_type", &len);

	return p && len == (int)strlen(type) + 1 && !memcmp(p, type, (size_t)len);
}

static int parse_memory(const void *fdt, const struct cells *c, struct l0_platform *p)
{
	u64 base, size;
	int node;

	fdt_for_each_subnode(node, fdt, 0) {
		if (!has_type(fdt, node, "memory") || !read_reg(fdt, node, c, 0, &base, &size))
			continue;
		if (!p->ram_size || base < p->ram_base) {
			p->ram_base = base;
			p->ram_size = size;
		}
	}
	return p->ram_size ? 0 : -EINVAL;
}

static int parse_uarts(const void *fdt, const struct cells *c, struct l0_platform *p)
{
	u64 base, size;
	int node;

	for (node = fdt_node_offset_by_compatible(fdt, -1, "arm,pl011"); node >= 0;
	     node = fdt_node_offset_by_compatible(fdt, node, "arm,pl011")) {
		if (!read_reg(fdt, node, c, 0, &base, &size))
			continue;
		if (base == L0_UART_BASE) {
			p->uart1_intid = read_spi(fdt, node);
		} else if (!p->uart0) {
			p->uart0 = base;
			p->uart0_intid = read_spi(fdt, node);
		}
	}
	return p->uart0 && p->uart0_intid && p->uart1_intid ? 0 : -EINVAL;
}

/* Flash is not required. One node has all banks, in ascending order. */
static void parse_flash(const void *fdt, const struct cells *c, struct l0_platform *p)
{
	int node = fdt_node_offset_by_compatible(fdt, -1, "cfi-flash"), i;
	u64 base, size;

	for (i = 0; node >= 0 && read_reg(fdt, node, c, i, &base, &size); i++) {
		if (!i)
			p->flash = base;
		p->flash_size = base + size - p->flash;
	}
}

/* A clock is not required either. */
static void parse_rtc(const void *fdt, const struct cells *c, struct l0_platform *p)
{
	int node = fdt_node_offset_by_compatible(fdt, -1, "arm,pl031");
	u64 base, size;

	if (node < 0 || !read_reg(fdt, node, c, 0, &base, &size))
		return;
	p->rtc_intid = read_spi(fdt, node);
	p->rtc = p->rtc_intid ? base : 0;
}

static int parse_gic(const void *fdt, const struct cells *c, struct l0_platform *p)
{
	int node = fdt_node_offset_by_compatible(fdt, -1, "arm,gic-v3");

	if (node < 0 || !read_reg(fdt, node, c, 0, &p->gicd, &p->gicd_size) ||
	    !read_reg(fdt, node, c, 1, &p->gicr, &p->gicr_size))
		return -EINVAL;
	return 0;
}

static int parse_cpus(const void *fdt, struct l0_platform *p)
{
	int cpus = fdt_path_offset(fdt, "/cpus"), node, len, cells;
	const fdt32_t *reg;

	if (cpus < 0)
		return -EINVAL;
	cells = fdt_address_cells(fdt, cpus);
	if (cells < 1 || cells > 2)
		return -EINVAL;
	fdt_for_each_subnode(node, fdt, cpus) {
		if (!has_type(fdt, node, "cpu") || p->nr_cpus == MAX_CPUS)
			continue;
		reg = fdt_getprop(fdt, node, "reg", &len);
		if (!reg || len < cells * 4)
			return -EINVAL;
		p->mpidr[p->nr_cpus++] = read_cells(reg, cells) & MPIDR_AFF_MASK;
	}
	return p->nr_cpus ? 0 : -EINVAL;
}

static const char *string_prop(const void *fdt, int node, const char *name)
{
	int len;
	const char *s = fdt_getprop(fdt, node, name, &len);

	return s && len > 0 && s[len - 1] == '\0' ? s : "";
}

static bool is_compatible(const void *fdt, int node, const char *what)
{
	return !fdt_node_check_compatible(fdt, node, what);
}

/*
 * The "reg" of a module: QEMU's guest loader writes 64-bit address and size and no #address-cells, so its
 * length says which it is.
 */
bool platform_module(const void *fdt, int node, struct l0_module *m)
{
	int len;
	const fdt32_t *reg;

	if (!is_compatible(fdt, node, "multiboot,module"))
		return false;
	reg = fdt_getprop(fdt, node, "reg", &len);
	if (!reg || (len != 16 && len != 12 && len != 8))
		return false;
	m->addr = read_cells(reg, len == 8 ? 1 : 2);
	m->size = read_cells(reg + (len == 8 ? 1 : 2), len == 16 ? 2 : 1);
	m->args = string_prop(fdt, node, "bootargs");
	return m->size && m->addr + m->size > m->addr;
}

/* An L1's memory, in which its modules begin. */
struct module_range {
	pa_t start, end;
};

static bool in_range(const struct module_range *r, const struct l0_module *m)
{
	return m->addr >= r->start && m->addr < r->end;
}

/* L1's kernel, and how many kernels there are. */
static int parse_kernels(const void *fdt, int chosen, const struct module_range *r,
			 struct l0_modules *p, char *err, size_t errlen)
{
	struct l0_module m;
	int node, n = 0;

	fdt_for_each_subnode(node, fdt, chosen) {
		if (!is_compatible(fdt, node, "multiboot,kernel") ||
		    !platform_module(fdt, node, &m) || !in_range(r, &m))
			continue;
		if (n && m.addr == p->kernel.addr) {
			snprintf(err, errlen, "two kernel modules at 0x%llx", m.addr);
			return -EINVAL;
		}
		if (!n++ || m.addr < p->kernel.addr)
			p->kernel = m;
	}
	return n;
}

static int add_module(struct l0_modules *p, const struct l0_module *m, bool initrd, char *err,
		      size_t errlen)
{
	if (initrd && p->initrd.size) {
		snprintf(err, errlen, "more than one initrd module");
		return -EINVAL;
	}
	if (!initrd && p->nr == L0_MAX_MODULES) {
		snprintf(err, errlen, "more than %d modules for L1", L0_MAX_MODULES);
		return -EINVAL;
	}
	if (initrd)
		p->initrd = *m;
	else
		p->module[p->nr++] = *m;
	return 0;
}

int platform_modules(const void *fdt, pa_t start, pa_t end, struct l0_modules *p, char *err,
		     size_t errlen)
{
	int chosen = fdt_path_offset(fdt, "/chosen"), node, depth = 0, kernels, ret = 0;
	const struct module_range r = { start, end };
	struct l0_module m;

	*p = (struct l0_modules){ .kernel.args = "", .initrd.args = "" };
	if (chosen < 0)
		return 0;
	kernels = parse_kernels(fdt, chosen, &r, p, err, errlen);
	if (kernels < 0)
		return kernels;
	for (node = fdt_next_node(fdt, chosen, &depth); !ret && node >= 0 && depth > 0;
	     node = fdt_next_node(fdt, node, &depth)) {
		if (!is_compatible(fdt, node, "multiboot,module"))
			continue;
		if (!platform_module(fdt, node, &m)) {
			snprintf(err, errlen, "module with an empty or malformed reg property: %s",
				 fdt_get_name(fdt, node, NULL));
			return -EINVAL;
		}
		if (!in_range(&r, &m) || (depth == 1 && m.addr == p->kernel.addr))
			continue;
		ret = add_module(p, &m, depth == 1 && kernels < 2 &&
				 is_compatible(fdt, node, "multiboot,ramdisk"), err, errlen);
	}
	return ret;
}

const char *platform_bootargs(const void *fdt)
{
	int chosen = fdt_path_offset(fdt, "/chosen");

	return chosen < 0 ? "" : string_prop(fdt, chosen, "bootargs");
}

/* libfdt does not check that the blocks lie where their words are aligned. */
static bool blocks_aligned(const void *fdt)
{
	return !(fdt_off_dt_struct(fdt) & 3) && !(fdt_off_mem_rsvmap(fdt) & 7);
}

/* Devices lie below RAM and in the first GiB, where the machine model has them; L0 maps them there. */
static bool is_device(const struct l0_platform *p, u64 base, u64 size)
{
	return size && base < SZ_1G && size <= SZ_1G - base && base + size <= p->ram_base &&
	       !(base & 0xfff);
}

int platform_parse(const void *fdt, u64 max, struct l0_platform *p, char *err, size_t errlen)
{
	const char *what = NULL;
	struct cells c;
	int ret;

	*p = (struct l0_platform){ 0 };
	if (max < sizeof(struct fdt_header))
		ret = -FDT_ERR_TRUNCATED;
	else
		ret = (uintptr_t)fdt & 7 ? -FDT_ERR_ALIGNMENT : fdt_check_header(fdt);
	if (!ret && !blocks_aligned(fdt))
		ret = -FDT_ERR_ALIGNMENT;
	if (!ret)
		ret = fdt_check_full(fdt, max);
	if (ret) {
		snprintf(err, errlen, "broken device tree: %s", fdt_strerror(ret));
		return -EINVAL;
	}
	p->fdt = (pa_t)(uintptr_t)fdt;
	p->fdt_size = fdt_totalsize(fdt);
	if (!root_cells(fdt, &c))
		what = "#address-cells and #size-cells of 1 or 2";
	else if (parse_memory(fdt, &c, p))
		what = "memory node";
	else if (parse_uarts(fdt, &c, p))
		what = "second PL011 (give QEMU two -serial options)";
	else if (parse_gic(fdt, &c, p))
		what = "GICv3 (machine virt needs gic-version=3)";
	else if (!is_device(p, p->gicd, p->gicd_size) || !is_device(p, p->gicr, p->gicr_size) ||
		 !is_device(p, p->uart0, SZ_4K))
		what = "GIC and UART below its memory";
	else if (parse_cpus(fdt, p))
		what = "usable /cpus node";
	if (what) {
		snprintf(err, errlen, "device tree has no %s", what);
		return -EINVAL;
	}
	parse_flash(fdt, &c, p);
	if (p->flash_size && !is_device(p, p->flash, p->flash_size))
		p->flash_size = 0;
	parse_rtc(fdt, &c, p);
	if (!is_device(p, p->rtc, SZ_4K) || p->rtc_intid >= VGIC_NR_IRQS)
		p->rtc = 0;
	platform_pcie(fdt, p);
	return 0;
}
