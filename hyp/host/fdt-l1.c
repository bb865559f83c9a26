// SPDX-License-Identifier: GPL-2.0-only
/*
 * L1's device tree: a copy of L0's from which everything goes that is not on the list of what L1 has.
 *
 * Pure: also runs on the build machine.
 */
#include <errno.h>
#include <fdt-l1.h>
#include <libfdt.h>
#include <log.h>
#include <string.h>

#define TRY(call)                    \
	do {                         \
		int __r = (call);    \
		if (__r < 0)         \
			return __r;  \
	} while (0)

#define PCIE "pci-host-ecam-generic"

/* Whether a node stays in L1's tree. */
typedef bool (*keep_fn)(const void *fdt, int node, const struct l1_fdt_config *cfg);

static bool is_compatible(const void *fdt, int node, const char *what)
{
	return !fdt_node_check_compatible(fdt, node, what);
}

/* The PL011 that is L1's; any, if both are. */
static bool is_uart0(const void *fdt, int node, const struct l1_fdt_config *cfg)
{
	u64 uart0 = cfg->uart1 ? 0 : cfg->uart0;
	int len, cells = fdt_address_cells(fdt, 0), i;
	const fdt32_t *reg = fdt_getprop(fdt, node, "reg", &len);
	u64 base = 0;

	if (!is_compatible(fdt, node, "arm,pl011") || !reg || len < cells * 4)
		return false;
	for (i = 0; i < cells; i++)
		base = base << 32 | fdt32_ld(reg + i);
	return !uart0 || base == uart0;
}

/* Whether L1 has the device of this child of the root. */
static bool is_l1s(const void *fdt, int node, const struct l1_fdt_config *cfg)
{
	const char *name = fdt_get_name(fdt, node, NULL);

	return (name && (!strcmp(name, "cpus") || !strcmp(name, "chosen"))) ||
	       is_compatible(fdt, node, "arm,gic-v3") ||
	       is_compatible(fdt, node, "arm,armv8-timer") ||
	       is_compatible(fdt, node, "arm,psci-1.0") || is_compatible(fdt, node, "arm,psci-0.2") ||
	       is_compatible(fdt, node, "fixed-clock") ||
	       (cfg->flash && is_compatible(fdt, node, "cfi-flash")) ||
	       (cfg->rtc && is_compatible(fdt, node, "arm,pl031")) ||
	       (cfg->pcie && is_compatible(fdt, node, PCIE)) || is_uart0(fdt, node, cfg);
}

/* Deletes the first child of @parent that @keep refuses; 0 if there is none, 1 if one went. */
static int del_one(void *fdt, int parent, keep_fn keep, const struct l1_fdt_config *cfg)
{
	int node;

	fdt_for_each_subnode(node, fdt, parent) {
		if (!keep(fdt, node, cfg)) {
			TRY(fdt_del_node(fdt, node));
			return 1;
		}
	}
	return node == -FDT_ERR_NOTFOUND ? 0 : node;
}

static int del_others(void *fdt, int parent, keep_fn keep, const struct l1_fdt_config *cfg)
{
	int ret;

	/* Offsets move with every deletion: begin again. */
	do {
		ret = del_one(fdt, parent, keep, cfg);
	} while (ret > 0);
	return ret;
}

static bool keep_none(const void *fdt, int node, const struct l1_fdt_config *cfg)
{
	(void)fdt, (void)node, (void)cfg;
	return false;
}

static bool is_cpu(const void *fdt, int node, const struct l1_fdt_config *cfg)
{
	int len;
	const char *p = fdt_getprop(fdt, node, "device_type", &len);

	(void)cfg;
	return p && len == 4 && !memcmp(p, "cpu", 4);
}

/* A CPU that L0's machine has not: it shares one with others. Like the first, with affinity @n. */
static int add_cpu(void *fdt, int cpus, unsigned int n)
{
	int node = fdt_first_subnode(fdt, cpus), len, cells = fdt_address_cells(fdt, cpus);
	const char *p = fdt_getprop(fdt, node, "compatible", &len);
	char name[16], compatible[64];
	u64 reg = n;

	TRY(cells);
	if (!p || len > (int)sizeof(compatible))
		return -FDT_ERR_BADVALUE;
	memcpy(compatible, p, (size_t)len);	/* the tree moves under @p */
	snprintf(name, sizeof(name), "cpu@%x", n);
	node = fdt_add_subnode(fdt, cpus, name);
	TRY(node);
	TRY(fdt_setprop_string(fdt, node, "device_type", "cpu"));
	TRY(fdt_setprop(fdt, node, "compatible", compatible, len));
	TRY(fdt_setprop_string(fdt, node, "enable-method", "psci"));
	return cells == 2 ? fdt_setprop_u64(fdt, node, "reg", reg) :
			    fdt_setprop_u32(fdt, node, "reg", n);
}

/* The first @nr CPUs, without topology: what is left of it would name CPUs that are gone. */
static int fix_cpus(void *fdt, unsigned int nr)
{
	int cpus = fdt_path_offset(fdt, "/cpus"), node;
	unsigned int n;

	TRY(cpus);
	TRY(del_others(fdt, cpus, is_cpu, NULL));
	for (;;) {
		n = 0;
		fdt_for_each_subnode(node, fdt, cpus) {
			if (n++ == nr)
				break;
		}
		if (node < 0)
			break;
		TRY(fdt_del_node(fdt, node));
	}
	n = 0;
	fdt_for_each_subnode(node, fdt, cpus) {
		TRY(fdt_setprop_string(fdt, node, "enable-method", "psci"));
		n++;
	}
	if (!n)
		return -FDT_ERR_BADVALUE;
	for (; n < nr; n++)
		TRY(add_cpu(fdt, cpus, n));
	return 0;
}

/*
 * One of each, no children (the ITS is not L1's). L1 runs at EL2, where a guest's own conduit is SMC:
 * HVC would be a call to itself.
 */
static int fix_platform(void *fdt)
{
	int node = fdt_node_offset_by_compatible(fdt, -1, "arm,gic-v3");

	TRY(node);
	TRY(del_others(fdt, node, keep_none, NULL));
	node = fdt_node_offset_by_compatible(fdt, -1, "arm,psci-1.0");
	if (node < 0)
		node = fdt_node_offset_by_compatible(fdt, -1, "arm,psci-0.2");
	TRY(node);
	TRY(fdt_setprop_string(fdt, node, "method", "smc"));
	node = fdt_node_offset_by_compatible(fdt, -1, "arm,armv8-timer");
	TRY(node);
	return 0;
}

static int del_property(void *fdt, int node, const char *name)
{
	int ret = fdt_delprop(fdt, node, name);

	return ret == -FDT_ERR_NOTFOUND ? 0 : ret;
}

/* One root, without the SMMU, which is not L1's, and without the ITS: interrupts are wires. */
static int fix_pcie(void *fdt)
{
	static const char *const gone[] = { "iommu-map", "iommu-map-mask", "msi-map", "msi-map-mask",
					    "msi-parent" };
	int node = fdt_node_offset_by_compatible(fdt, -1, PCIE);

	TRY(node);
	for (size_t i = 0; i < ARRAY_SIZE(gone); i++)
		TRY(del_property(fdt, node, gone[i]));
	return del_others(fdt, node, keep_none, NULL);
}

static int add_reg(void *fdt, int node, u64 base, u64 size)
{
	int i, n[2] = { fdt_address_cells(fdt, 0), fdt_size_cells(fdt, 0) };
	u64 v[2] = { base, size };

	TRY(fdt_setprop(fdt, node, "reg", NULL, 0));
	for (i = 0; i < 2; i++) {
		if (n[i] == 2)
			TRY(fdt_appendprop_u64(fdt, node, "reg", v[i]));
		else if (n[i] == 1 && v[i] <= 0xffffffff)
			TRY(fdt_appendprop_u32(fdt, node, "reg", (u32)v[i]));
		else
			return -FDT_ERR_BADNCELLS;
	}
	return 0;
}

static int add_memory(void *fdt, const struct l1_fdt_config *cfg)
{
	char name[32];
	int node;

	snprintf(name, sizeof(name), "memory@%llx", cfg->ram_base);
	node = fdt_add_subnode(fdt, 0, name);
	TRY(node);
	TRY(fdt_setprop_string(fdt, node, "device_type", "memory"));
	return add_reg(fdt, node, cfg->ram_base, cfg->ram_size);
}

static int find_uart0(const void *fdt, const struct l1_fdt_config *cfg)
{
	int node;

	fdt_for_each_subnode(node, fdt, 0) {
		if (is_uart0(fdt, node, cfg))
			break;
	}
	return node;
}

/* Drop what L0's firmware told L0; the width of the modules' addresses stays. */
static int del_properties(void *fdt, int node)
{
	const char *name;
	int prop;

	for (prop = fdt_first_property_offset(fdt, node); prop >= 0;) {
		fdt_getprop_by_offset(fdt, prop, &name, NULL);
		if (!strcmp(name, "#address-cells") || !strcmp(name, "#size-cells")) {
			prop = fdt_next_property_offset(fdt, prop);
			continue;
		}
		TRY(fdt_delprop(fdt, node, name));
		prop = fdt_first_property_offset(fdt, node);
	}
	return 0;
}

/* The child of /chosen that is the module at @addr, if there is one, goes. */
static int del_module(void *fdt, int chosen, pa_t addr)
{
	struct l0_module m;
	int node;

	fdt_for_each_subnode(node, fdt, chosen) {
		if (platform_module(fdt, node, &m) && m.addr == addr)
			return fdt_del_node(fdt, node);
	}
	return 0;
}

static bool is_here(const struct l0_module *m, const struct l1_fdt_config *cfg)
{
	return m->addr - cfg->ram_offset - cfg->ram_base < cfg->ram_size;
}

/* Whether a child of /chosen is, or has, none but other L1s' modules. */
static bool is_others(const void *fdt, int node, const struct l1_fdt_config *cfg)
{
	struct l0_module m;
	bool found = false;
	int depth = 0;

	do {
		if (platform_module(fdt, node, &m)) {
			if (is_here(&m, cfg))
				return false;
			found = true;
		}
		node = fdt_next_node(fdt, node, &depth);
	} while (node >= 0 && depth > 0);
	return found;
}

static bool is_no_others(const void *fdt, int node, const struct l1_fdt_config *cfg)
{
	return !is_others(fdt, node, cfg);
}

/* From PA to IPA. In place, so that no offset moves. */
static int move_modules(void *fdt, int chosen, u64 offset)
{
	struct l0_module m;
	int node, len, depth = 0;
	fdt32_t v[2];

	for (node = fdt_next_node(fdt, chosen, &depth); node >= 0 && depth > 0;
	     node = fdt_next_node(fdt, node, &depth)) {
		if (!platform_module(fdt, node, &m))
			continue;
		fdt_getprop(fdt, node, "reg", &len);
		m.addr -= offset;
		fdt32_st(&v[0], (u32)(m.addr >> 32));
		fdt32_st(&v[1], (u32)m.addr);
		TRY(fdt_setprop_inplace_namelen_partial(fdt, node, "reg", 3, 0,
							len == 8 ? &v[1] : v, len == 8 ? 4 : 8));
	}
	return 0;
}

/* /chosen as L0 has it, with L1's modules alone. */
static int keep_modules(void *fdt, const struct l1_fdt_config *cfg)
{
	int chosen = fdt_path_offset(fdt, "/chosen");

	if (chosen == -FDT_ERR_NOTFOUND)
		return fdt_add_subnode(fdt, 0, "chosen");
	TRY(chosen);
	TRY(del_properties(fdt, chosen));
	TRY(del_module(fdt, chosen, cfg->kernel + cfg->ram_offset));
	if (cfg->initrd_size)
		TRY(del_module(fdt, chosen, cfg->initrd + cfg->ram_offset));
	TRY(del_others(fdt, chosen, is_no_others, cfg));
	TRY(move_modules(fdt, chosen, cfg->ram_offset));
	return chosen;
}

static int add_chosen(void *fdt, const struct l1_fdt_config *cfg)
{
	char path[64];
	int node = find_uart0(fdt, cfg);

	TRY(node);
	TRY(fdt_get_path(fdt, node, path, sizeof(path)));
	node = fdt_add_subnode(fdt, 0, "aliases");
	TRY(node);
	TRY(fdt_setprop_string(fdt, node, "serial0", path));
	node = keep_modules(fdt, cfg);
	TRY(node);
	TRY(fdt_setprop_string(fdt, node, "bootargs", cfg->bootargs));
	TRY(fdt_setprop_string(fdt, node, "stdout-path", path));
	if (!cfg->initrd_size)
		return 0;
	TRY(fdt_setprop_u64(fdt, node, "linux,initrd-start", cfg->initrd));
	return fdt_setprop_u64(fdt, node, "linux,initrd-end", cfg->initrd + cfg->initrd_size);
}

static int build(const void *fdt, void *buf, size_t size, const struct l1_fdt_config *cfg)
{
	int i;

	TRY(fdt_open_into(fdt, buf, (int)size));
	for (i = fdt_num_mem_rsv(buf); i > 0; i--)
		TRY(fdt_del_mem_rsv(buf, i - 1));
	TRY(del_others(buf, 0, is_l1s, cfg));
	TRY(fix_cpus(buf, cfg->nr_vcpus));
	TRY(fix_platform(buf));
	if (cfg->pcie)
		TRY(fix_pcie(buf));
	TRY(add_memory(buf, cfg));
	TRY(add_chosen(buf, cfg));
	return fdt_pack(buf);
}

int l1_fdt_build(const void *fdt, void *buf, size_t size, const struct l1_fdt_config *cfg,
		 char *err, size_t errlen)
{
	int ret = build(fdt, buf, size, cfg);

	if (!ret)
		return 0;
	if (ret == -FDT_ERR_NOSPACE) {
		snprintf(err, errlen, "L1's device tree needs more than %zu bytes", size);
		return -ENOSPC;
	}
	snprintf(err, errlen,
		 "cannot make L1's device tree (CPUs, GICv3, timer, PSCI or UART missing?): %s",
		 fdt_strerror(ret));
	return -EINVAL;
}
