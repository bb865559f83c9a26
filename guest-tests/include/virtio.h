/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * PCIe of the virt machine, and one virtio device on its first bus: found, given addresses, and
 * driven through one queue. Caches and MMU may be off: everything is by plain accesses.
 * Source: virtio 1.2, 4.1 (PCI) and 2.7 (split virtqueues).
 */
#ifndef VIRTIO_H
#define VIRTIO_H

#include "types.h"

#define VIRTIO_BLK		0x1042	/* PCI device ID */
#define VIRTIO_STATUS_RESET	BIT(6)	/* the device gave up */
#define VIRTIO_INTX		0xffff	/* no MSI-X vector */

struct virtio_dev {
	unsigned int slot, pin;		/* of bus 0; 1: INTA */
	unsigned int intid;		/* of its wire */
	u64 common, notify, isr;	/* addresses of the register blocks */
	u32 notify_multiplier;
	u64 msix_table;
	u64 msix_cap;			/* address of the capability */
	bool behind_iommu;		/* its DMA goes where the platform's IOMMU says */
	u16 avail, used;		/* requests made, and answers seen */
};

/* A piece of memory of a request. */
struct virtio_part {
	u64 addr;
	u32 len;
	bool device_writes;
};

u32 pci_read(unsigned int slot, unsigned int off);	/* bus 0, function 0 */
/* The first device @id of bus 0, with its BARs in the window below RAM and bus mastering on. */
bool virtio_find(struct virtio_dev *dev, u16 id);
/* Reset, agree on features, set up queue 0 with interrupts by wire or by vector 0. False: refused. */
bool virtio_start(struct virtio_dev *dev, u16 vector);
/* Vector 0 writes @data to @addr; the device must be started with it. */
void virtio_msi(struct virtio_dev *dev, u64 addr, u32 data);
void virtio_no_msi(struct virtio_dev *dev);
/* Make one request of @n parts and wait for the answer or for the device to give up: false. */
bool virtio_request(struct virtio_dev *dev, const struct virtio_part *parts, unsigned int n);
u8 virtio_status(const struct virtio_dev *dev);
/* Why it interrupted (1: queue, 2: configuration); lowers the wire. */
u8 virtio_isr(const struct virtio_dev *dev);

#endif
