// SPDX-License-Identifier: GPL-2.0-only
/*
 * PCIe: a virtio disk reads and writes memory by DMA, interrupts by its wire and by messages, and reaches nothing
 * that is not this machine's memory. The disk's sector n holds the words n * 128, n * 128 + 1, ...; ram_mib= is
 * the size of RAM.
 *
 * Where memory ends nothing answers natively either. Under a hypervisor something does lie there in the machine;
 * if DMA went to real addresses it would be, some MiB further up, this program's own last memory: that is watched.
 */
#include "gic.h"
#include "lib.h"
#include "mmio.h"
#include "virtio.h"

#define SECTOR		512
#define WORDS		(SECTOR / 4)
#define BLK_IN		0
#define BLK_OUT		1
#define RAM		0x40000000UL
#define SZ_1M		0x100000UL
#define SHIFTS		16		/* MiB that real addresses may be apart from ours, at most */
#define SECRET		0x5ec4e700U

static struct {
	u32 type, reserved;
	u64 sector;
} header;
static u32 data[WORDS] __attribute__((aligned(64)));
static volatile u8 answer;
static volatile u32 message;
static struct virtio_dev disk;

/* One sector between the disk and @where. */
static bool transfer(u32 type, u64 sector, u64 where)
{
	const struct virtio_part parts[] = {
		{ (u64)&header, sizeof(header), false },
		{ where, SECTOR, type == BLK_IN },
		{ (u64)&answer, 1, true },
	};

	header.type = type;
	header.sector = sector;
	answer = 0xff;
	return virtio_request(&disk, parts, 3);
}

static bool is_sector(u64 sector)
{
	for (u32 i = 0; i < WORDS; i++)
		if (data[i] != sector * WORDS + i)
			return false;
	return true;
}

/* Until the wire's interrupt comes, or for a second. */
static unsigned int wait_irq(void)
{
	u64 end = read_sysreg(cntpct_el0) + read_sysreg(cntfrq_el0);
	unsigned int intid;

	do {
		intid = gic_ack();
	} while (intid >= 1020 && read_sysreg(cntpct_el0) < end);
	return intid;
}

static void end_irq(unsigned int intid)
{
	printf("interrupt: %s, isr %u", intid == disk.intid ? "the disk's" : "none", virtio_isr(&disk));
	if (intid < 1020)
		gic_eoi(intid);
	printf(", then pending %u active %u\n", gic_is_pending(disk.intid), gic_is_active(disk.intid));
}

static void reads(void)
{
	for (u64 sector = 0; sector < 3; sector++) {
		memset(data, 0xa5, sizeof(data));
		check(transfer(BLK_IN, sector, (u64)data) && !answer && is_sector(sector), "read");
		end_irq(wait_irq());
	}
	gic_disable(disk.intid);
	check(transfer(BLK_IN, 7, (u64)data) && is_sector(7), "read with its interrupt disabled");
	printf("interrupt: %s\n", gic_ack() < 1020 ? "came" : "kept back");
	gic_enable(disk.intid);
	end_irq(wait_irq());
}

static void writes(void)
{
	for (u32 i = 0; i < WORDS; i++)
		data[i] = ~i;
	check(transfer(BLK_OUT, 9, (u64)data) && !answer, "write");
	end_irq(wait_irq());
	memset(data, 0, sizeof(data));
	check(transfer(BLK_IN, 9, (u64)data) && data[0] == ~0U && data[WORDS - 1] == ~(WORDS - 1U),
	      "written");
	end_irq(wait_irq());
}

static void set_memory(u64 end, u64 at)
{
	for (u64 i = 1; i <= SHIFTS; i++)
		for (u64 word = 0; word < WORDS; word++)
			mmio_write32(end + at - i * SZ_1M + 4 * word, SECRET + (u32)i);
}

static bool is_unchanged(u64 end, u64 at)
{
	for (u64 i = 1; i <= SHIFTS; i++)
		for (u64 word = 0; word < WORDS; word++)
			if (mmio_read32(end + at - i * SZ_1M + 4 * word) != SECRET + (u32)i)
				return false;
	return true;
}

/* The device may or may not answer: after a reset it works as before. */
static bool works_again(void)
{
	bool started = virtio_start(&disk, VIRTIO_INTX), right;
	unsigned int intid;

	virtio_isr(&disk);
	intid = gic_ack();	/* of before */
	if (intid < 1020)
		gic_eoi(intid);
	right = transfer(BLK_IN, 2, (u64)data) && is_sector(2);
	end_irq(wait_irq());
	return started && right;
}

static void again(const char *what)
{
	check(works_again(), what);
}

static void outside(u64 end)
{
	u64 at = 0x1000;

	set_memory(end, at);
	transfer(BLK_IN, 1, end + at);
	check(is_unchanged(end, at), "DMA write where no memory is: changes nothing");
	again("read after that");
	transfer(BLK_OUT, 11, end + at);
	again("read after a DMA read where no memory is");
	check(transfer(BLK_IN, 11, (u64)data) && (data[0] & ~0xffU) != SECRET, "which read no memory");
	end_irq(wait_irq());
}

static void messages(u64 end)
{
	u64 at = 0x3000;

	message = 0;
	check(virtio_start(&disk, 0), "started with MSI-X");
	virtio_msi(&disk, (u64)&message, 0x1234abcd);
	check(transfer(BLK_IN, 3, (u64)data) && is_sector(3), "read");
	for (unsigned int i = 0; i < 100000000 && !message; i++)
		;
	check_eq("message to memory", message, 0x1234abcd);
	set_memory(end, at);
	virtio_msi(&disk, end + at, 0x1234abcd);
	check(transfer(BLK_IN, 4, (u64)data) && is_sector(4), "read");
	virtio_no_msi(&disk);
	again("read after a message where no memory is");
	check(is_unchanged(end, at), "that changed nothing");
}

/* How often the hypervisor below hears of it is its own business: the device works afterwards. */
static void storm(u64 end, u64 times)
{
	unsigned int lost = 0;

	for (u64 i = 0; i < times; i++) {
		transfer(BLK_IN, 1, end + 0x1000 * (1 + i % 8));
		lost += !works_again();
	}
	if (times)
		check_eq("reads lost after many that went nowhere", lost, 0);
}

void guest_main(void)
{
	u64 end = RAM + arg_u64("ram_mib", 0) * SZ_1M;

	gic_init_el2();
	printf("root %x\n", pci_read(0, 0));
	if (!virtio_find(&disk, VIRTIO_BLK))
		fail("no virtio disk (QEMU: -device virtio-blk-pci)");
	printf("disk in slot %u, pin %u, interrupt %u\n", disk.slot, disk.pin, disk.intid);
	gic_enable(disk.intid);
	check(virtio_start(&disk, VIRTIO_INTX), "started");
	check(disk.behind_iommu, "behind the IOMMU");
	reads();
	writes();
	if (end > RAM) {
		outside(end);
		messages(end);
		storm(end, arg_u64("storm", 0));
	}
}
