// SPDX-License-Identifier: GPL-2.0-only
/*
 * The PCIe root and its SMMUv3 in L0's device tree. See fdt.c, of which this is a part.
 *
 * Pure: also runs on the build machine. The tree was found sound, but may say anything: what does not have the
 * form that is known here, or lies where L0 or L1 have something else, is not handed out.
 */
#include <host.h>
#include <libfdt.h>
#include <smmu.h>
#include <string.h>
#include <uart.h>

#define SPI_BASE	32
#define NR_SPIS		256	/* that L1's GIC has */
#define NR_RIDS		0x10000	/* requester IDs of one root */
#define MAX_PA		BIT(48)

static u64 cells(const fdt32_t *p, int n)
{
	u64 v = 0;

	while (n--)
		v = v << 32 | fdt32_ld(p++);
	return v;
}

/* @n cells at least of a property of @node, NULL if it is shorter; its length in cells. */
static const fdt32_t *prop_cells(const void *fdt, int node, const char *name, int n, int *have)
{
	int len;
	const fdt32_t *p = fdt_getprop(fdt, node, name, &len);

	*have = p ? len / 4 : 0;
	return *have >= n ? p : NULL;
}

/* INTID of the SPI that these three cells name in the GIC's own format; 0 if they do not. */
static u32 spi_of(const fdt32_t *p)
{
	u32 n = fdt32_ld(p + 1);

	return fdt32_ld(p) == 0 && n < NR_SPIS ? SPI_BASE + n : 0;
}

/* The interrupt of the SMMU that is called @name. */
static u32 named_spi(const void *fdt, int node, const char *name)
{
	int i = fdt_stringlist_search(fdt, node, "interrupt-names", name), have;
	const fdt32_t *p = i < 0 || i > 3 ? NULL :
				   prop_cells(fdt, node, "interrupts", 3 * (i + 1), &have);

	return p ? spi_of(p + 3 * i) : 0;
}

static bool overlap(u64 a, u64 a_size, u64 b, u64 b_size)
{
	return a < b + b_size && b < a + a_size;
}

/* Nothing else of the machine that L0 or L1 use is in there. */
static bool is_free(const struct l0_platform *p, u64 base, u64 size)
{
	const struct l0_pcie *pcie = &p->pcie;

	if (!size || ((base | size) & 0xfff) || base >= MAX_PA || size > MAX_PA - base)
		return false;
	for (unsigned int i = 0; i < pcie->nr_windows; i++) {
		if (overlap(base, size, pcie->window[i].base, pcie->window[i].size))
			return false;
	}
	return !overlap(base, size, p->ram_base, p->ram_size) &&
	       !overlap(base, size, p->gicd, p->gicd_size) &&
	       !overlap(base, size, p->gicr, p->gicr_size) &&
	       !overlap(base, size, p->uart0, SZ_4K) &&
	       !overlap(base, size, L0_UART_BASE, L0_UART_SIZE) &&
	       !overlap(base, size, pcie->smmu, SMMU_SIZE) &&
	       !overlap(base, size, p->flash, p->flash_size);
}

/* The one SMMU that has every requester ID of the root at @node, as they are. */
static bool parse_smmu(const void *fdt, int node, struct l0_platform *p)
{
	int have, smmu;
	const fdt32_t *map = prop_cells(fdt, node, "iommu-map", 4, &have), *reg;

	if (!map || have != 4 || fdt32_ld(map) || fdt32_ld(map + 2) || fdt32_ld(map + 3) < NR_RIDS)
		return false;
	smmu = fdt_node_offset_by_phandle(fdt, fdt32_ld(map + 1));
	if (smmu < 0 || fdt_node_check_compatible(fdt, smmu, "arm,smmu-v3") ||
	    fdt_parent_offset(fdt, smmu) != 0)
		return false;
	reg = prop_cells(fdt, smmu, "reg", 4, &have);
	if (!reg || cells(reg + 2, 2) < SMMU_SIZE)
		return false;
	p->pcie.smmu_event = named_spi(fdt, smmu, "eventq");
	p->pcie.smmu_error = named_spi(fdt, smmu, "gerror");
	p->pcie.smmu = cells(reg, 2);
	/* Where L0 maps devices: fdt.c. */
	return p->pcie.smmu_event && p->pcie.smmu_error && !(p->pcie.smmu & 0xffff) &&
	       p->pcie.smmu < SZ_1G && p->pcie.smmu + SMMU_SIZE <= p->ram_base;
}

/* "ranges": PCI address in three cells, CPU address in two, size in two. */
static bool parse_windows(const void *fdt, int node, struct l0_platform *p)
{
	int have, i;
	const fdt32_t *r = prop_cells(fdt, node, "ranges", 7, &have);

	if (!r || have % 7 || have / 7 > PCIE_MAX_WINDOWS)
		return false;
	for (i = 0; i < have; i += 7) {
		u64 base = cells(r + i + 3, 2), size = cells(r + i + 5, 2);

		if (!is_free(p, base, size))
			return false;
		p->pcie.window[p->pcie.nr_windows].base = base;
		p->pcie.window[p->pcie.nr_windows++].size = size;
	}
	return true;
}

static bool note_intx(struct l0_pcie *pcie, u32 intid)
{
	for (unsigned int i = 0; i < pcie->nr_intx; i++) {
		if (pcie->intx[i] == intid)
			return true;
	}
	if (pcie->nr_intx == PCIE_NR_INTX)
		return false;
	pcie->intx[pcie->nr_intx++] = intid;
	return true;
}

/* "interrupt-map": device in three cells, pin, GIC, its address cells (of no meaning), interrupt in three. */
static bool parse_intx(const void *fdt, int node, struct l0_platform *p)
{
	int gic = fdt_node_offset_by_compatible(fdt, -1, "arm,gic-v3"), have, i, entry;
	const fdt32_t *m = prop_cells(fdt, node, "interrupt-map", 1, &have), *a;
	u32 intid;

	if (!m || gic < 0)
		return false;
	a = prop_cells(fdt, gic, "#address-cells", 1, &entry);
	if (a && fdt32_ld(a) > 2)
		return false;
	entry = 3 + 1 + 1 + (a ? (int)fdt32_ld(a) : 0) + 3;
	if (have % entry)
		return false;
	for (i = 0; i < have; i += entry) {
		intid = spi_of(m + i + entry - 3);
		if (fdt32_ld(m + i + 4) != fdt_get_phandle(fdt, gic) || !intid ||
		    intid == p->uart0_intid || intid == p->uart1_intid ||
		    intid == p->pcie.smmu_event || intid == p->pcie.smmu_error ||
		    !note_intx(&p->pcie, intid))
			return false;
	}
	return true;
}

static bool parse(const void *fdt, int node, struct l0_platform *p)
{
	int have;
	const fdt32_t *reg = prop_cells(fdt, node, "reg", 4, &have);

	/* A bus is a MiB of configuration space: pcie-scan.c. Addresses of two cells, as the virt machine has them. */
	if (fdt_address_cells(fdt, 0) != 2 || fdt_size_cells(fdt, 0) != 2 || !reg ||
	    fdt_parent_offset(fdt, node) != 0 || !parse_smmu(fdt, node, p) ||
	    !parse_windows(fdt, node, p) || !is_free(p, cells(reg, 2), cells(reg + 2, 2)) ||
	    !parse_intx(fdt, node, p))
		return false;
	p->pcie.ecam = cells(reg, 2);
	p->pcie.ecam_size = cells(reg + 2, 2);
	return true;
}

void platform_pcie(const void *fdt, struct l0_platform *p)
{
	int node = fdt_node_offset_by_compatible(fdt, -1, "pci-host-ecam-generic");

	if (node < 0 || !parse(fdt, node, p))
		p->pcie = (struct l0_pcie){ 0 };
}
