// SPDX-License-Identifier: GPL-2.0-only
/* See virtio.h. */
#include "virtio.h"

#include "lib.h"
#include "mmio.h"

#define ECAM		0x4010000000UL
#define MMIO_WINDOW	0x10000000UL
#define SPI_INTA	35		/* INTID of INTA of slot 0; the four rotate by slot */
#define SLOTS		32

#define PCI_COMMAND	0x04
#define PCI_BAR(n)	(0x10 + 4 * (n))
#define PCI_CAPS	0x34
#define PCI_PIN		0x3d
#define CAP_MSIX	0x11
#define CAP_VENDOR	0x09
#define MSIX_ENABLE	BIT(15)
#define VIRTIO_VENDOR	0x1af4

#define CFG_COMMON	1
#define CFG_NOTIFY	2
#define CFG_ISR		3

#define C_FEATURE_SEL	0
#define C_FEATURE	4
#define C_DRIVER_SEL	8
#define C_DRIVER	12
#define C_MSIX_CONFIG	16
#define C_STATUS	20
#define C_QUEUE		22
#define C_SIZE		24
#define C_VECTOR	26
#define C_ENABLE	28
#define C_NOTIFY_OFF	30
#define C_DESC		32
#define C_AVAIL		40
#define C_USED		48

#define ST_ACK		1
#define ST_DRIVER	2
#define ST_DRIVER_OK	4
#define ST_FEATURES_OK	8

#define F_VERSION_1	BIT(0)		/* of the second word */
#define F_PLATFORM	BIT(1)

#define SIZE		8		/* of the queue */
#define DESC_NEXT	1
#define DESC_WRITE	2

static struct {
	struct {
		u64 addr;
		u32 len;
		u16 flags, next;
	} desc[SIZE];
	struct {
		u16 flags, idx, ring[SIZE];
	} avail;
	struct {
		u16 flags, idx;
		struct {
			u32 id, len;
		} ring[SIZE];
	} used __attribute__((aligned(4)));
} queue __attribute__((aligned(64)));

static u64 config(unsigned int slot, unsigned int off)
{
	return ECAM + ((u64)slot << 15) + off;
}

u32 pci_read(unsigned int slot, unsigned int off)
{
	return mmio_read32(config(slot, off));
}

/* Give each memory BAR its size at @next; their bases into @bars. */
static void set_bars(unsigned int slot, u64 *bars)
{
	u64 next = MMIO_WINDOW + ((u64)slot << 20);

	for (unsigned int i = 0; i < 6; i++) {
		u64 at = config(slot, PCI_BAR(i));
		u32 kind = mmio_read32(at), size;

		mmio_write32(at, 0xffffffff);
		size = ~(mmio_read32(at) & ~0xfU) + 1;
		bars[i] = 0;
		if (!size || (kind & 1)) {
			mmio_write32(at, 0);
			continue;
		}
		next = ALIGN_UP(next, size);
		mmio_write32(at, (u32)next);
		bars[i] = next;
		next += size;
		if ((kind & 6) == 4)	/* 64 bits: the next register is the upper half */
			mmio_write32(config(slot, PCI_BAR(++i)), 0);
	}
	mmio_write16(config(slot, PCI_COMMAND), 6);	/* memory, bus master */
}

static void read_caps(struct virtio_dev *dev, const u64 *bars)
{
	u64 at;

	for (u8 off = mmio_read8(config(dev->slot, PCI_CAPS)); off; off = mmio_read8(at + 1)) {
		u32 word;
		u64 base;

		at = config(dev->slot, off);
		if (mmio_read8(at) == CAP_MSIX) {
			word = mmio_read32(at + 4);
			dev->msix_cap = at;
			dev->msix_table = bars[word & 7] + (word & ~7U);
		}
		if (mmio_read8(at) != CAP_VENDOR || mmio_read8(at + 4) > 5)
			continue;
		base = bars[mmio_read8(at + 4)] + mmio_read32(at + 8);
		switch (mmio_read8(at + 3)) {
		case CFG_COMMON:
			dev->common = base;
			break;
		case CFG_NOTIFY:
			dev->notify = base;
			dev->notify_multiplier = mmio_read32(at + 16);
			break;
		case CFG_ISR:
			dev->isr = base;
			break;
		}
	}
}

bool virtio_find(struct virtio_dev *dev, u16 id)
{
	u64 bars[6];

	for (unsigned int slot = 0; slot < SLOTS; slot++) {
		if (pci_read(slot, 0) != (VIRTIO_VENDOR | (u32)id << 16))
			continue;
		*dev = (struct virtio_dev){ .slot = slot };
		dev->pin = mmio_read8(config(slot, PCI_PIN));
		dev->intid = SPI_INTA + (slot + dev->pin - 1) % 4;
		set_bars(slot, bars);
		read_caps(dev, bars);
		return dev->common && dev->notify && dev->isr;
	}
	return false;
}

static void write64(u64 addr, u64 val)
{
	mmio_write32(addr, (u32)val);
	mmio_write32(addr + 4, (u32)(val >> 32));
}

bool virtio_start(struct virtio_dev *dev, u16 vector)
{
	u64 c = dev->common;
	u32 offered;

	mmio_write8(c + C_STATUS, 0);
	while (mmio_read8(c + C_STATUS))
		;
	memset(&queue, 0, sizeof(queue));
	dev->avail = dev->used = 0;
	mmio_write8(c + C_STATUS, ST_ACK | ST_DRIVER);
	mmio_write32(c + C_FEATURE_SEL, 1);
	offered = mmio_read32(c + C_FEATURE);
	dev->behind_iommu = offered & F_PLATFORM;
	mmio_write32(c + C_DRIVER_SEL, 0);
	mmio_write32(c + C_DRIVER, 0);
	mmio_write32(c + C_DRIVER_SEL, 1);
	mmio_write32(c + C_DRIVER, offered & (F_VERSION_1 | F_PLATFORM));
	mmio_write8(c + C_STATUS, ST_ACK | ST_DRIVER | ST_FEATURES_OK);
	if (!(mmio_read8(c + C_STATUS) & ST_FEATURES_OK))
		return false;
	mmio_write16(c + C_MSIX_CONFIG, VIRTIO_INTX);
	mmio_write16(c + C_QUEUE, 0);
	mmio_write16(c + C_SIZE, SIZE);
	mmio_write16(c + C_VECTOR, vector);
	write64(c + C_DESC, (u64)queue.desc);
	write64(c + C_AVAIL, (u64)&queue.avail);
	write64(c + C_USED, (u64)&queue.used);
	mmio_write16(c + C_ENABLE, 1);
	mmio_write8(c + C_STATUS, ST_ACK | ST_DRIVER | ST_FEATURES_OK | ST_DRIVER_OK);
	return mmio_read16(c + C_VECTOR) == vector;
}

void virtio_msi(struct virtio_dev *dev, u64 addr, u32 data)
{
	write64(dev->msix_table, addr);
	mmio_write32(dev->msix_table + 8, data);
	mmio_write32(dev->msix_table + 12, 0);
	mmio_write16(dev->msix_cap + 2, MSIX_ENABLE);
}

void virtio_no_msi(struct virtio_dev *dev)
{
	mmio_write16(dev->msix_cap + 2, 0);
}

u8 virtio_status(const struct virtio_dev *dev)
{
	return mmio_read8(dev->common + C_STATUS);
}

u8 virtio_isr(const struct virtio_dev *dev)
{
	return mmio_read8(dev->isr);
}

bool virtio_request(struct virtio_dev *dev, const struct virtio_part *parts, unsigned int n)
{
	volatile u16 *answered = &queue.used.idx;

	for (unsigned int i = 0; i < n; i++) {
		queue.desc[i].addr = parts[i].addr;
		queue.desc[i].len = parts[i].len;
		queue.desc[i].flags = (u16)((parts[i].device_writes ? DESC_WRITE : 0) |
					    (i + 1 < n ? DESC_NEXT : 0));
		queue.desc[i].next = (u16)(i + 1);
	}
	queue.avail.ring[dev->avail++ % SIZE] = 0;
	dsb(sy);		/* the request before the index that offers it */
	*(volatile u16 *)&queue.avail.idx = dev->avail;
	dsb(sy);		/* and that before the device is told */
	mmio_write16(dev->notify + (u64)mmio_read16(dev->common + C_NOTIFY_OFF) *
				   dev->notify_multiplier, 0);
	while (*answered == dev->used) {
		if (virtio_status(dev) & VIRTIO_STATUS_RESET)
			return false;
	}
	dev->used++;
	dsb(sy);		/* what the device wrote is read after its index */
	return true;
}
