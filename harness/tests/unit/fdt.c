// SPDX-License-Identifier: GPL-2.0-only
/* unit: hyp/host/fdt.c hyp/host/fdt-pcie.c hyp/host/fdt-l1.c -Ihyp/include -lfdt */
/*
 * L0's reading of its device tree, and L1's tree made from it; then the same with trees damaged in every way. A
 * tree lies at the end of a page that nothing follows, so that reading past it is seen in libfdt too.
 */
#include <fdt-l1.h>
#include <host.h>
#include <libfdt.h>
#include <string.h>
#include <sys/mman.h>

#include "check.h"

#define AREA	(1UL << 20)

static char good[1 << 16];
static size_t good_size;
static char *area; /* AREA bytes, then a page without access */
static struct l0_platform plat_;
static struct l0_modules mods;
static char err[256];

/* Tests run at the repository's root. */
static void load(void)
{
	FILE *f = popen("dtc -q -I dts -O dtb harness/tests/unit/virt.dts", "r");

	CHECK(f);
	good_size = fread(good, 1, sizeof(good), f);
	CHECK(!pclose(f));
	CHECK(good_size > 1000 && good_size < sizeof(good));
	area = mmap(NULL, AREA + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(area != MAP_FAILED && !mprotect(area + AREA, 4096, PROT_NONE));
}

static char *at_end(const void *data, size_t size)
{
	char *p = area + AREA - ((size + 7) & ~7UL);

	memcpy(p, data, size);
	return p;
}

static int parse(const void *fdt, size_t size)
{
	return platform_parse(fdt, size, &plat_, err, sizeof(err));
}

/* The modules of one L1 that has all memory. */
static int parse_modules(const void *fdt)
{
	return platform_modules(fdt, 0, ~0ULL, &mods, err, sizeof(err));
}

static void platform(void)
{
	char *fdt = at_end(good, good_size);

	CHECK(!parse(fdt, good_size));
	CHECK(plat_.ram_base == 0x40000000 && plat_.ram_size == 0x40600000);
	CHECK(plat_.uart0 == 0x9000000 && plat_.uart0_intid == 33 && plat_.uart1_intid == 40);
	CHECK(plat_.gicd == 0x8000000 && plat_.gicd_size == 0x10000);
	CHECK(plat_.flash == 0 && plat_.flash_size == 0x8000000);
	CHECK(plat_.rtc == 0x9010000 && plat_.rtc_intid == 34);
	CHECK(plat_.gicr == 0x80a0000 && plat_.gicr_size == 0xf60000);
	CHECK(plat_.nr_cpus == 2 && plat_.mpidr[0] == 0 && plat_.mpidr[1] == 1);
	CHECK(!parse_modules(fdt));
	CHECK(mods.kernel.addr == 0x40800000 && mods.kernel.size == 0x100000);
	CHECK(!strcmp(mods.kernel.args, "console=ttyAMA0 quiet"));
	CHECK(mods.initrd.addr == 0x48400000 && mods.initrd.size == 0x300000);
	CHECK(!strcmp(mods.initrd.args, ""));
	CHECK(!strcmp(platform_bootargs(fdt), "vel2.host=vhe vel2.mech=nv2"));
}

static void pcie(void)
{
	const struct l0_pcie *p = &plat_.pcie;

	CHECK(!parse(at_end(good, good_size), good_size));
	CHECK(p->ecam == 0x4010000000 && p->ecam_size == 0x10000000 && p->nr_windows == 3);
	CHECK(p->window[0].base == 0x3eff0000 && p->window[0].size == 0x10000);
	CHECK(p->window[1].base == 0x10000000 && p->window[1].size == 0x2eff0000);
	CHECK(p->window[2].base == 0x8000000000 && p->window[2].size == 0x8000000000);
	CHECK(p->nr_intx == 3 && p->intx[0] == 35 && p->intx[1] == 36 && p->intx[2] == 37);
	CHECK(p->smmu == 0x9050000 && p->smmu_event == 106 && p->smmu_error == 109);
}

/* A tree in which one cell of a property is another. */
static void with_cell(const char *path, const char *prop, int cell, u32 val)
{
	static char buf[1 << 16] __attribute__((aligned(8)));
	fdt32_t v;

	memcpy(buf, good, good_size);
	fdt32_st(&v, val);
	CHECK(!fdt_setprop_inplace_namelen_partial(buf, fdt_path_offset(buf, path), prop,
						   (int)strlen(prop), (u32)cell * 4, &v, 4));
	CHECK(!parse(buf, sizeof(buf)));
}

/* A root that its SMMU does not have as a whole, or that lies over something else, is nobody's. */
static void no_pcie(void)
{
	static const struct {
		const char *path, *prop;
		int cell;
		u32 val;
	} rows[] = {
		{ "/pcie@10000000", "iommu-map", 0, 0x100 },	  /* bus 0 passes by it */
		{ "/pcie@10000000", "iommu-map", 1, 0x777 },	  /* no such SMMU */
		{ "/pcie@10000000", "iommu-map", 2, 8 },
		{ "/pcie@10000000", "iommu-map", 3, 0xff00 },	  /* the last bus passes by it */
		{ "/pcie@10000000", "ranges", 4, 0x08000000 },	  /* I/O over the GIC */
		{ "/pcie@10000000", "ranges", 4, 0x09050000 },	  /* over the SMMU */
		{ "/pcie@10000000", "ranges", 4, 0x09040000 },	  /* over L0's UART */
		{ "/pcie@10000000", "ranges", 13, 0x30010000 },	  /* memory window into RAM */
		{ "/pcie@10000000", "ranges", 17, 0xffffffff },	  /* beyond all addresses */
		{ "/pcie@10000000", "reg", 0, 0 },		  /* registers over a window */
		{ "/pcie@10000000", "interrupt-map", 8, 1 },	  /* L1's UART */
		{ "/pcie@10000000", "interrupt-map", 8, 8 },	  /* L0's */
		{ "/pcie@10000000", "interrupt-map", 8, 74 },	  /* the SMMU's */
		{ "/pcie@10000000", "interrupt-map", 8, 300 },	  /* more than L1's GIC has */
		{ "/pcie@10000000", "interrupt-map", 7, 1 },	  /* a PPI */
		{ "/pcie@10000000", "interrupt-map", 4, 0x777 },  /* another controller */
		{ "/smmuv3@9050000", "reg", 1, 0x48000000 },	  /* in RAM */
		{ "/smmuv3@9050000", "reg", 3, 0x10000 },	  /* half of it */
		{ "/smmuv3@9050000", "interrupts", 0, 1 },	  /* a PPI */
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		with_cell(rows[i].path, rows[i].prop, rows[i].cell, rows[i].val);
		CHECK(!plat_.pcie.ecam_size && !plat_.pcie.smmu && !plat_.pcie.nr_windows);
	}
	with_cell("/pcie@10000000", "interrupt-map", 8, 9);
	CHECK(plat_.pcie.ecam_size && plat_.pcie.intx[0] == 41);
}

static struct l1_fdt_config config(unsigned int cpus)
{
	return (struct l1_fdt_config){
		.ram_base = 0x40000000,
		.ram_size = 0x40000000,
		.nr_vcpus = cpus,
		.uart0 = 0x9000000,
		.flash = true,
		.rtc = true,
		.ram_offset = 0x600000,
		.kernel = 0x40200000,
		.initrd = 0x47e00000,
		.initrd_size = 0x300000,
		.bootargs = "a=b quiet",
	};
}

static void l1_pcie(void)
{
	static char buf[(1 << 16) + L1_FDT_ROOM] __attribute__((aligned(8)));
	static const char *const gone[] = { "iommu-map", "msi-map" };
	struct l1_fdt_config cfg = config(1);
	int node;

	cfg.pcie = true;
	CHECK(!l1_fdt_build(good, buf, sizeof(buf), &cfg, err, sizeof(err)));
	node = fdt_path_offset(buf, "/pcie@10000000");
	CHECK(node > 0 && fdt_path_offset(buf, "/smmuv3@9050000") < 0);
	for (size_t i = 0; i < ARRAY_SIZE(gone); i++)
		CHECK(!fdt_getprop(buf, node, gone[i], NULL));
	CHECK(fdt_getprop(buf, node, "interrupt-map", NULL) && fdt_getprop(buf, node, "ranges", NULL));
	/* An L1 that is vel2 has no SMMU for it, and so gives it to nobody. */
	platform_pcie(buf, &plat_);
	CHECK(!plat_.pcie.ecam_size);
}

static const char *str_at(const void *fdt, const char *path, const char *prop)
{
	int node = fdt_path_offset(fdt, path);

	return node < 0 ? NULL : fdt_getprop(fdt, node, prop, NULL);
}

static unsigned long long u64_at(const void *fdt, const char *path, const char *prop, int i)
{
	int len;
	const fdt64_t *v = fdt_getprop(fdt, fdt_path_offset(fdt, path), prop, &len);

	CHECK(v && len >= (i + 1) * 8);
	return fdt64_ld(v + i);
}

static void children(const void *fdt)
{
	static const char *const known[] = { "psci", "pl011@9000000", "intc@8000000", "cpus", "timer",
					     "apb-pclk", "memory@40000000", "aliases", "chosen",
					     "flash@0", "pl031@9010000" };
	int node, n = 0;
	size_t i;

	fdt_for_each_subnode(node, fdt, 0) {
		for (i = 0; i < ARRAY_SIZE(known); i++) {
			if (!strcmp(fdt_get_name(fdt, node, NULL), known[i]))
				break;
		}
		CHECK(i < ARRAY_SIZE(known));
		n++;
	}
	CHECK(n == ARRAY_SIZE(known));
}

static void l1_tree(void)
{
	static char buf[(1 << 16) + L1_FDT_ROOM] __attribute__((aligned(8)));
	struct l1_fdt_config cfg = config(1);

	CHECK(!l1_fdt_build(good, buf, sizeof(buf), &cfg, err, sizeof(err)));
	CHECK(!fdt_check_full(buf, sizeof(buf)) && !fdt_num_mem_rsv(buf));
	children(buf);
	CHECK(!strcmp(str_at(buf, "/chosen", "bootargs"), "a=b quiet"));
	CHECK(!strcmp(str_at(buf, "/chosen", "stdout-path"), "/pl011@9000000"));
	CHECK(!strcmp(str_at(buf, "/aliases", "serial0"), "/pl011@9000000"));
	CHECK(!strcmp(str_at(buf, "/psci", "method"), "smc"));
	CHECK(u64_at(buf, "/chosen", "linux,initrd-start", 0) == 0x47e00000);
	CHECK(u64_at(buf, "/chosen", "linux,initrd-end", 0) == 0x48100000);
	/* L1's own kernel and initrd are no modules for it. */
	CHECK(fdt_first_subnode(buf, fdt_path_offset(buf, "/chosen")) < 0);
	CHECK(u64_at(buf, "/memory@40000000", "reg", 1) == 0x40000000);
	CHECK(u64_at(buf, "/intc@8000000", "reg", 2) == 0x80a0000);
	CHECK(fdt_path_offset(buf, "/cpus/cpu@0") > 0 && fdt_path_offset(buf, "/cpus/cpu@1") < 0);
	CHECK(fdt_path_offset(buf, "/cpus/cpu-map") < 0);
	CHECK(fdt_path_offset(buf, "/intc@8000000/its@8080000") < 0);
	CHECK(!str_at(buf, "/chosen", "kaslr-seed"));
	/* L1's tree is one that L0 would take for its own, but for the second UART. */
	CHECK(parse(buf, sizeof(buf)) < 0 && strstr(err, "second PL011"));
	cfg = config(2);
	cfg.initrd_size = 0;
	CHECK(!l1_fdt_build(good, buf, sizeof(buf), &cfg, err, sizeof(err)));
	CHECK(fdt_path_offset(buf, "/cpus/cpu@1") > 0);
	CHECK(!str_at(buf, "/chosen", "linux,initrd-start"));
	cfg = config(3); /* one more than L0 has */
	CHECK(!l1_fdt_build(good, buf, sizeof(buf), &cfg, err, sizeof(err)));
	CHECK(fdt_path_offset(buf, "/cpus/cpu@2") > 0);
	cfg = config(1);
	CHECK(l1_fdt_build(good, buf, good_size, &cfg, err, sizeof(err)) == 0);
	CHECK(l1_fdt_build(good, buf, 256, &cfg, err, sizeof(err)) < 0 && strstr(err, "more than"));
}

static int add_module(void *fdt, const char *parent, const char *name, const char *kind, u64 addr)
{
	int node = fdt_add_subnode(fdt, fdt_path_offset(fdt, parent), name);
	char compatible[64];
	int n = snprintf(compatible, sizeof(compatible), "%s%cmultiboot,module", kind, 0) + 1;

	CHECK(node > 0);
	CHECK(!fdt_setprop(fdt, node, "compatible", compatible, n));
	CHECK(!fdt_appendprop_u64(fdt, node, "reg", addr));
	CHECK(!fdt_appendprop_u64(fdt, node, "reg", 0x1000));
	return node;
}

/* Modules for L1: a second kernel makes the ramdisk one, too, and so does every node in another. */
static void modules(void)
{
	static char in[1 << 16] __attribute__((aligned(8)));
	static char buf[(1 << 16) + L1_FDT_ROOM] __attribute__((aligned(8)));
	struct l1_fdt_config cfg = config(1);
	int node;

	CHECK(!fdt_open_into(good, in, sizeof(in)));
	node = add_module(in, "/chosen", "module@4a000000", "multiboot,kernel", 0x4a000000);
	CHECK(!fdt_setprop_string(in, node, "bootargs", "console=hvc0"));
	CHECK(fdt_add_subnode(in, fdt_path_offset(in, "/chosen"), "domU1") > 0);
	add_module(in, "/chosen/domU1", "module@4c000000", "multiboot,kernel", 0x4c000000);
	CHECK(!parse(in, sizeof(in)) && !parse_modules(in));
	CHECK(mods.kernel.addr == 0x40800000 && !mods.initrd.size && mods.nr == 3);
	cfg.initrd_size = 0;
	CHECK(!l1_fdt_build(in, buf, sizeof(buf), &cfg, err, sizeof(err)));
	CHECK(!fdt_check_full(buf, sizeof(buf)));
	CHECK(!strcmp(str_at(buf, "/chosen", "bootargs"), "a=b quiet"));
	CHECK(!str_at(buf, "/chosen", "kaslr-seed"));
	CHECK(fdt_path_offset(buf, "/chosen/module@0x40800000") < 0);
	CHECK(u64_at(buf, "/chosen/module@0x48400000", "reg", 0) == 0x47e00000);
	CHECK(u64_at(buf, "/chosen/module@4a000000", "reg", 0) == 0x49a00000);
	CHECK(u64_at(buf, "/chosen/module@4a000000", "reg", 1) == 0x1000);
	CHECK(!strcmp(str_at(buf, "/chosen/module@4a000000", "bootargs"), "console=hvc0"));
	CHECK(u64_at(buf, "/chosen/domU1/module@4c000000", "reg", 0) == 0x4ba00000);
	node = add_module(in, "/chosen", "again", "multiboot,kernel", 0x40800000);
	CHECK(parse_modules(in) < 0 && strstr(err, "two kernel modules"));
	CHECK(!fdt_delprop(in, node, "reg"));
	CHECK(parse_modules(in) < 0 && strstr(err, "reg property: again"));
}

/* Two L1s: each has the modules in its own memory, and learns of no others. */
static void two(void)
{
	static char in[1 << 16] __attribute__((aligned(8)));
	static char buf[(1 << 16) + L1_FDT_ROOM] __attribute__((aligned(8)));
	struct l1_fdt_config cfg = config(1);
	const u64 half = 0x20000000;

	CHECK(!fdt_open_into(good, in, sizeof(in)));
	add_module(in, "/chosen", "module@62000000", "multiboot,kernel", 0x62000000);
	CHECK(fdt_add_subnode(in, fdt_path_offset(in, "/chosen"), "domU1") > 0);
	add_module(in, "/chosen/domU1", "module@64000000", "multiboot,kernel", 0x64000000);
	CHECK(!platform_modules(in, 0, 0x60600000, &mods, err, sizeof(err)));
	CHECK(mods.kernel.addr == 0x40800000 && mods.initrd.addr == 0x48400000 && !mods.nr);
	cfg.ram_size = half;
	CHECK(!l1_fdt_build(in, buf, sizeof(buf), &cfg, err, sizeof(err)));
	CHECK(fdt_path_offset(buf, "/chosen/module@62000000") < 0);
	CHECK(fdt_path_offset(buf, "/chosen/domU1") < 0);
	CHECK(u64_at(buf, "/chosen", "linux,initrd-start", 0) == 0x47e00000);
	CHECK(!platform_modules(in, 0x60600000, ~0ULL, &mods, err, sizeof(err)));
	CHECK(mods.kernel.addr == 0x62000000 && !mods.initrd.size && mods.nr == 1);
	cfg.ram_offset += half;
	cfg.kernel = 0x41a00000;
	cfg.initrd_size = 0;
	cfg.flash = cfg.rtc = false;
	CHECK(!l1_fdt_build(in, buf, sizeof(buf), &cfg, err, sizeof(err)));
	CHECK(fdt_path_offset(buf, "/chosen/module@62000000") < 0);
	CHECK(fdt_path_offset(buf, "/chosen/module@0x48400000") < 0);
	CHECK(u64_at(buf, "/chosen/domU1/module@64000000", "reg", 0) == 0x43a00000);
	CHECK(u64_at(buf, "/memory@40000000", "reg", 0) == 0x40000000);
	CHECK(fdt_path_offset(buf, "/flash@0") < 0 && fdt_path_offset(buf, "/pl031@9010000") < 0);
	CHECK(fdt_path_offset(buf, "/pl011@9000000") > 0);
}

/* What is missing is named. */
static void missing(void)
{
	static const struct {
		const char *path, *says;
	} rows[] = {
		{ "/memory@40000000", "memory" }, { "/pl011@9040000", "PL011" },
		{ "/pl011@9000000", "PL011" },	  { "/intc@8000000", "GICv3" },
		{ "/cpus", "/cpus" },
	};
	static char buf[1 << 16] __attribute__((aligned(8)));
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		memcpy(buf, good, good_size);
		CHECK(!fdt_del_node(buf, fdt_path_offset(buf, rows[i].path)));
		CHECK(parse(buf, sizeof(buf)) < 0 && strstr(err, rows[i].says));
	}
	memcpy(buf, good, good_size);
	CHECK(!fdt_del_node(buf, fdt_path_offset(buf, "/chosen")));
	CHECK(!parse(buf, sizeof(buf)) && !parse_modules(buf));
	CHECK(!mods.kernel.size && !mods.initrd.size);
	CHECK(!strcmp(platform_bootargs(buf), ""));
	memset(buf, 0, 64);
	CHECK(parse(buf, sizeof(buf)) < 0 && strstr(err, "broken device tree"));
}

/* Both steps on a damaged tree: whatever they say, they come back. */
static void try_both(const char *data, size_t size)
{
	static char buf[(1 << 16) + L1_FDT_ROOM] __attribute__((aligned(8)));
	struct l1_fdt_config cfg = config(1);
	char *fdt = at_end(data, size);

	err[0] = 0;
	if (parse(fdt, size) || parse_modules(fdt)) {
		CHECK(err[0]);
		return;
	}
	platform_bootargs(fdt);
	CHECK(strlen(mods.kernel.args) < size);
	cfg.bootargs = mods.kernel.args;
	cfg.pcie = plat_.pcie.ecam_size;
	err[0] = 0;
	if (l1_fdt_build(fdt, buf, sizeof(buf), &cfg, err, sizeof(err)))
		CHECK(err[0]);
	else
		CHECK(!fdt_check_full(buf, sizeof(buf)));
}

static void damaged(void)
{
	static char p[1 << 16];
	unsigned long long seed = 2463534242ULL;
	unsigned int k;
	size_t i;

	for (i = 64; i < good_size; i += 4) /* cut short, header as it was */
		try_both(good, i);
	for (i = 0; i < good_size; i++) {
		memcpy(p, good, good_size);
		p[i] = (char)~p[i];
		try_both(p, good_size);
		p[i] = (char)(good[i] ^ 1);
		try_both(p, good_size);
	}
	for (i = 0; i < 20000; i++) {
		memcpy(p, good, good_size);
		for (k = unit_random(&seed) % 8 + 1; k; k--)
			p[unit_random(&seed) % good_size] = (char)unit_random(&seed);
		try_both(p, good_size);
	}
}

int main(void)
{
	load();
	platform();
	pcie();
	no_pcie();
	l1_pcie();
	l1_tree();
	modules();
	two();
	missing();
	damaged();
	return 0;
}
