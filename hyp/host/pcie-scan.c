// SPDX-License-Identifier: GPL-2.0-only
/*
 * A look at what is on PCIe before L1 gets it. At EL2, MMU off, boot CPU: ECAM is not in L0's page tables.
 *
 * QEMU's virtio devices pass by the SMMU unless they are told not to (iommu_platform=on), and then reach all of the
 * machine's memory by real addresses. Which they do is in their features: VIRTIO_F_ACCESS_PLATFORM. Those are read
 * through the window that a device has in its configuration space, so that no BAR needs an address (virtio 1.2,
 * 4.1.4.9). Everything is left as it was found.
 */
#include <host.h>
#include <log.h>
#include <pcie.h>

#define MAX_DEPTH	8	/* bridges behind each other */

#define PCI_ID		0x00
#define PCI_HEADER	0x0e
#define PCI_HEADER_MULTI	BIT(7)
#define PCI_HEADER_BRIDGE	1
#define PCI_BUSES	0x18	/* of a bridge: primary, secondary, subordinate, and a timer */
#define PCI_CAPS	0x34
#define MAX_CAPS	48	/* that fit into 192 bytes */
#define CAP_VENDOR	0x09

#define VIRTIO_VENDOR	0x1af4
#define VIRTIO_FIRST	0x1000	/* device IDs */
#define VIRTIO_LAST	0x107f

/* A vendor capability of virtio: type, BAR, offset and length, and for the window its data. */
#define CAP_TYPE	3
#define CAP_BAR		4
#define CAP_OFFSET	8
#define CAP_LENGTH	12
#define CAP_DATA	16
#define TYPE_COMMON	1
#define TYPE_WINDOW	5
#define FEATURE_SELECT	0	/* in the common configuration */
#define FEATURE		4
#define ACCESS_PLATFORM	BIT(1)	/* of the second 32 features */

static u8 rd8(u64 at)
{
	u8 v;

	asm volatile("ldrb %w0, [%1]" : "=r"(v) : "r"(at) : "memory");
	return v;
}

static u32 rd32(u64 at)
{
	u32 v;

	asm volatile("ldr %w0, [%1]" : "=r"(v) : "r"(at) : "memory");
	return v;
}

static void wr8(u8 v, u64 at)
{
	asm volatile("strb %w0, [%1]" : : "rZ"(v), "r"(at) : "memory");
}

static void wr32(u32 v, u64 at)
{
	asm volatile("str %w0, [%1]" : : "rZ"(v), "r"(at) : "memory");
}

/* Point the window @win at 4 bytes of the BAR where @common's registers are, @reg into them. */
static u64 window(u64 win, u64 common, u32 reg)
{
	wr8(rd8(common + CAP_BAR), win + CAP_BAR);
	wr32(rd32(common + CAP_OFFSET) + reg, win + CAP_OFFSET);
	wr32(4, win + CAP_LENGTH);
	return win + CAP_DATA;
}

static bool is_behind_smmu(u64 config)
{
	u64 common = 0, win = 0;
	u32 features;
	u8 off = rd8(config + PCI_CAPS) & 0xfc;

	for (int i = 0; off && i < MAX_CAPS; i++, off = rd8(config + off + 1) & 0xfc) {
		if (rd8(config + off) != CAP_VENDOR)
			continue;
		if (rd8(config + off + CAP_TYPE) == TYPE_COMMON)
			common = config + off;
		else if (rd8(config + off + CAP_TYPE) == TYPE_WINDOW)
			win = config + off;
	}
	if (!common || !win)
		return false;	/* of before 1.0: it has no such feature */
	wr32(1, window(win, common, FEATURE_SELECT));
	features = rd32(window(win, common, FEATURE));
	wr32(0, window(win, common, FEATURE_SELECT));
	return features & ACCESS_PLATFORM;
}

static bool is_virtio(u32 id)
{
	return (id & 0xffff) == VIRTIO_VENDOR && id >> 16 >= VIRTIO_FIRST &&
	       id >> 16 <= VIRTIO_LAST;
}

static void scan_bus(u32 bus);

/* The next bus, behind the bridge at @config, which gets its numbers for as long. */
static void scan_bridge(u64 config, u32 bus)
{
	u32 buses = rd32(config + PCI_BUSES);

	if (bus + 1 == MAX_DEPTH)
		l0_fatal_user("more than %d PCIe bridges behind each other", MAX_DEPTH - 1);
	wr32((buses & 0xff000000) | 0xff0000 | (bus + 1) << 8 | bus, config + PCI_BUSES);
	scan_bus(bus + 1);
	wr32(buses, config + PCI_BUSES);
}

static void scan_bus(u32 bus)
{
	for (u32 devfn = 0; devfn < 256; devfn++) {
		u64 config = plat.pcie.ecam + ((u64)bus << 20 | (u64)devfn << 12);
		u32 id = rd32(config + PCI_ID);
		u8 header;

		if ((id & 0xffff) == 0xffff) {
			if (!(devfn & 7))
				devfn += 7;	/* without function 0 there is no other */
			continue;
		}
		header = rd8(config + PCI_HEADER);
		if (is_virtio(id) && !is_behind_smmu(config))
			l0_fatal_user("PCI device %02x:%02x.%x (virtio) passes by the SMMU, to all memory: give QEMU iommu_platform=on with it",
				      bus, devfn >> 3, devfn & 7);
		if ((header & 0x7f) == PCI_HEADER_BRIDGE)
			scan_bridge(config, bus);
		if (!(devfn & 7) && !(header & PCI_HEADER_MULTI))
			devfn += 7;
	}
}

void pcie_check_devices(void)
{
	if (plat.pcie.ecam_size >= MAX_DEPTH << 20)
		scan_bus(0);
}
