// SPDX-License-Identifier: GPL-2.0-only
/*
 * SMMUv3: one stage 2 for all devices.
 *
 * EL2, interrupts masked, under both hosts. The lock is for the command queue alone. Invariant: from
 * smmu_init() on, a transaction either goes through the canonical table of L1 or is aborted. The queues and
 * tables are Normal memory, and the SMMU reads them coherently (IDR0.COHACC, which is required).
 */
#include <bug.h>
#include <errno.h>
#include <lock.h>
#include <page_pool.h>
#include <s2.h>
#include <smmu.h>

#include "s2_pte.h"

#define IDR0		0x00
#define IDR0_S2P	BIT(0)
#define IDR0_TTF64	BIT(3)	/* TTF: 2 AArch64, 3 both */
#define IDR0_COHACC	BIT(4)
#define IDR0_MSI	BIT(13)
#define IDR0_ST_2LVL	BIT(27)
#define IDR1		0x04
#define IDR1_PRESET	GENMASK_ULL(30, 29)	/* tables or queues where they cannot be moved */
#define IDR1_CMDQS	GENMASK_ULL(25, 21)
#define IDR1_EVENTQS	GENMASK_ULL(20, 16)
#define IDR1_SIDSIZE	GENMASK_ULL(5, 0)
#define IDR5		0x14
#define IDR5_GRAN4K	BIT(4)
#define IDR5_OAS	GENMASK_ULL(2, 0)
#define CR0		0x20
#define CR0ACK		0x24
#define CR0_SMMUEN	BIT(0)
#define CR0_EVENTQEN	BIT(2)
#define CR0_CMDQEN	BIT(3)
#define CR1		0x28
/* Tables and queues: Inner Shareable, write-back. */
#define CR1_COHERENT	(3U << 10 | 1U << 8 | 1U << 6 | 3U << 4 | 1U << 2 | 1U)
#define CR2		0x2c
#define CR2_PTM		BIT(2)	/* the CPUs' broadcast TLBIs do not count here, smmu_tlbi() does */
#define CR2_RECINVSID	BIT(1)
#define GBPA		0x44
#define GBPA_UPDATE	BIT(31)
#define GBPA_ABORT	BIT(20)
#define IRQ_CTRL	0x50
#define IRQ_CTRL_ACK	0x54
#define IRQ_CTRL_GERROR	BIT(0)
#define IRQ_CTRL_EVENTQ	BIT(2)
#define GERROR		0x60
#define GERRORN		0x64
#define GERROR_IRQ_CFG0	0x68
#define STRTAB_BASE	0x80
#define STRTAB_CFG	0x88
#define STRTAB_CFG_2LVL	BIT(16)
#define CMDQ_BASE	0x90
#define CMDQ_PROD	0x98
#define CMDQ_CONS	0x9c
#define EVENTQ_BASE	0xa0
#define EVENTQ_IRQ_CFG0	0xb0
#define EVENTQ_PROD	0x100a8
#define EVENTQ_CONS	0x100ac
#define QUEUE_OVERFLOW	BIT(31)	/* of EVENTQ_PROD and _CONS */
#define ALLOCATE	BIT(62)	/* hint of the base registers */

/* A page each: 256 commands of 16 bytes, 128 events of 32. */
#define CMDQ_SHIFT	8
#define EVENTQ_SHIFT	7
#define SPLIT		8	/* log2 of the entries of a second-level stream table: 16 KiB */
#define SID_BITS	16	/* PCIe has no more */

#define STE_V		BIT(0)
#define STE_CONFIG_S2	(6ULL << 1)
#define STE1_SHCFG	(1ULL << 44)	/* shareability as the device says */
#define STE2_VTCR_SHIFT	32		/* the fields of VTCR_EL2[18:0] in their order */
#define STE2_VTCR	GENMASK_ULL(18, 0)
#define STE2_S2AA64	BIT(51)
#define STE2_S2R	BIT(58)		/* record faults */

#define CMD_CFGI_ALL		0x04
#define CMD_TLBI_EL2_ALL	0x20
#define CMD_TLBI_S12_VMALL	0x28
#define CMD_TLBI_NSNH_ALL	0x30
#define CMD_SYNC		0x46

#define POLLS		(1U << 24)	/* far more than anything takes */

static struct {
	u64 base;	/* 0: there is no SMMU */
	u64 *cmdq;
	const u64 *eventq;
	u32 prod;	/* of the command queue, with the wrap bit */
	u32 cons;	/* of the event queue, with wrap and overflow bit */
	u16 vmid;
	u32 lock;
} smmu;

static u32 rd32(u32 off)
{
	u32 v;

	asm volatile("ldr %w0, [%1]" : "=r"(v) : "r"(smmu.base + off) : "memory");
	return v;
}

static void wr32(u64 v, u32 off)
{
	asm volatile("str %w0, [%1]" : : "rZ"(v), "r"(smmu.base + off) : "memory");
}

static void wr64(u64 v, u32 off)
{
	asm volatile("str %x0, [%1]" : : "rZ"(v), "r"(smmu.base + off) : "memory");
}

static void dsb_sy(void)
{
	asm volatile("dsb sy" : : : "memory");
}

/* Until (register & mask) == want. */
static int wait_for(u32 off, u64 mask, u64 want)
{
	for (u32 i = 0; i < POLLS; i++) {
		if ((rd32(off) & mask) == want)
			return 0;
	}
	return -ETIMEDOUT;
}

static int write_acked(u64 v, u32 off, u32 ack)
{
	wr32(v, off);
	return wait_for(ack, ~0U, v);
}

/* ---- commands ---- */

static void command(u64 w0, u64 w1)
{
	u64 *slot = &smmu.cmdq[(smmu.prod & (BIT(CMDQ_SHIFT) - 1)) * 2];

	slot[0] = w0;
	slot[1] = w1;
	smmu.prod = (smmu.prod + 1) & (u32)(BIT(CMDQ_SHIFT + 1) - 1);
}

/* Everything before is done when it returns: the queue is empty again, so no caller can fill it. */
static int sync_commands(void)
{
	command(CMD_SYNC, 0);
	/* The commands, and the tables they are about, before the SMMU is told that there are any. */
	dsb_sy();
	wr32(smmu.prod, CMDQ_PROD);
	return wait_for(CMDQ_CONS, BIT(CMDQ_SHIFT + 1) - 1, smmu.prod);
}

void smmu_tlbi(void)
{
	if (!smmu.base)
		return;
	lock(&smmu.lock);
	command(CMD_TLBI_S12_VMALL | (u64)smmu.vmid << 32, 0);
	/* Going on would leave devices with memory that is no longer L1's. */
	BUG_ON(sync_commands());
	unlock(&smmu.lock);
}

/* ---- events ---- */

bool smmu_next_event(struct smmu_event *ev)
{
	u32 prod = rd32(EVENTQ_PROD), index = BIT(EVENTQ_SHIFT + 1) - 1;
	const u64 *w = &smmu.eventq[(smmu.cons & (BIT(EVENTQ_SHIFT) - 1)) * 4];

	if (!((prod ^ smmu.cons) & index)) {
		/* What did not fit is lost; acknowledged, or the next overflow would not show. */
		if ((prod ^ smmu.cons) & QUEUE_OVERFLOW) {
			smmu.cons ^= QUEUE_OVERFLOW;
			wr32(smmu.cons, EVENTQ_CONS);
		}
		return false;
	}
	/* The event after the index that says that it is there. */
	asm volatile("dmb oshld" : : : "memory");
	*ev = (struct smmu_event){
		.type = (u8)READ_ONCE(w[0]), .sid = (u32)(READ_ONCE(w[0]) >> 32),
		.read = READ_ONCE(w[1]) & BIT(35), .addr = READ_ONCE(w[2]),
	};
	smmu.cons = (smmu.cons & (u32)QUEUE_OVERFLOW) | ((smmu.cons + 1) & index);
	/* Read before it may be written over. */
	dsb_sy();
	wr32(smmu.cons, EVENTQ_CONS);
	return true;
}

void smmu_forget_events(void)
{
	/* What is refused stays so whether this is acknowledged or not. */
	write_acked(IRQ_CTRL_GERROR, IRQ_CTRL, IRQ_CTRL_ACK);
	write_acked(CR0_CMDQEN | CR0_SMMUEN, CR0, CR0ACK);
}

u32 smmu_errors(void)
{
	u32 now = rd32(GERROR), pending = now ^ rd32(GERRORN);

	wr32(now, GERRORN);
	return pending;
}

/* ---- setting up ---- */

/*
 * VTCR_EL2 for the canonical table as devices use it: an SMMU may have fewer address bits than the CPU. A
 * table that begins at level 0 serves any size down to 44 bits; 0 if this one does not do.
 */
static u64 dma_vtcr(const struct s2_vm *vm, ipa_t ram_end)
{
	const struct s2_table *t = &vm->canonical.table;
	unsigned int oas = ps_to_bits(rd32(IDR5) & IDR5_OAS), bits = t->ia_bits;
	u64 vtcr = vm->canonical.hw_vtcr;

	if (bits > oas) {
		if (t->start_level || oas < 44)
			return 0;
		bits = oas;
	}
	if (above_bits(ram_end - 1, bits) || above_bits((u64)(uintptr_t)t->root, oas))
		return 0;
	vtcr = (vtcr & ~VTCR_T0SZ) | FIELD_PREP(VTCR_T0SZ, 64 - bits);
	if (FIELD_GET(VTCR_PS, vtcr) > (rd32(IDR5) & IDR5_OAS))
		vtcr = (vtcr & ~VTCR_PS) | FIELD_PREP(VTCR_PS, rd32(IDR5) & IDR5_OAS);
	return vtcr;
}

static bool is_usable(void)
{
	u64 need = IDR0_S2P | IDR0_TTF64 | IDR0_COHACC | IDR0_ST_2LVL;
	u32 idr1 = rd32(IDR1);

	return (rd32(IDR0) & need) == need && (rd32(IDR5) & IDR5_GRAN4K) &&
	       !(idr1 & IDR1_PRESET) && FIELD_GET(IDR1_SIDSIZE, idr1) >= SPLIT &&
	       FIELD_GET(IDR1_CMDQS, idr1) >= CMDQ_SHIFT &&
	       FIELD_GET(IDR1_EVENTQS, idr1) >= EVENTQ_SHIFT;
}

/*
 * All first-level descriptors point to one second-level table, and its entries are all the same: 64K streams
 * in 20 KiB.
 */
static int stream_table(const struct s2_vm *vm, u64 vtcr)
{
	unsigned int bits = (unsigned int)FIELD_GET(IDR1_SIDSIZE, rd32(IDR1));
	u64 *first = page_pool_alloc(&hyp_page_pool, 0),
	    *second = page_pool_alloc(&hyp_page_pool, 2);
	u64 root = (u64)(uintptr_t)vm->canonical.table.root;

	if (!first || !second)
		return -ENOMEM;
	if (bits > SID_BITS)
		bits = SID_BITS;
	for (u32 i = 0; i < BIT(SPLIT); i++) {
		u64 *ste = &second[i * 8];

		ste[1] = STE1_SHCFG;
		ste[2] = smmu.vmid | (vtcr & STE2_VTCR) << STE2_VTCR_SHIFT | STE2_S2AA64 | STE2_S2R;
		ste[3] = root;
		ste[0] = STE_V | STE_CONFIG_S2;
	}
	for (u32 i = 0; i < BIT(bits - SPLIT); i++)
		first[i] = (u64)(uintptr_t)second | (SPLIT + 1);
	wr64((u64)(uintptr_t)first | ALLOCATE, STRTAB_BASE);
	wr32(STRTAB_CFG_2LVL | SPLIT << 6 | bits, STRTAB_CFG);
	return 0;
}

static int queues(void)
{
	u64 *cmdq = page_pool_alloc(&hyp_page_pool, 0),
	    *eventq = page_pool_alloc(&hyp_page_pool, 0);

	if (!cmdq || !eventq)
		return -ENOMEM;
	smmu.cmdq = cmdq;
	smmu.eventq = eventq;
	wr64((u64)(uintptr_t)cmdq | CMDQ_SHIFT | ALLOCATE, CMDQ_BASE);
	wr32(0, CMDQ_PROD);
	wr32(0, CMDQ_CONS);
	wr64((u64)(uintptr_t)eventq | EVENTQ_SHIFT | ALLOCATE, EVENTQ_BASE);
	wr32(0, EVENTQ_PROD);
	wr32(0, EVENTQ_CONS);
	if (rd32(IDR0) & IDR0_MSI) {	/* wired interrupts; the registers' reset value is UNKNOWN */
		wr64(0, GERROR_IRQ_CFG0);
		wr64(0, EVENTQ_IRQ_CFG0);
	}
	return 0;
}

static int take_over(struct s2_vm *vm, ipa_t ram_end)
{
	u64 vtcr;
	int ret;

	/* While it is off, GBPA decides: abort, before the step from whatever it was to off. */
	ret = wait_for(GBPA, GBPA_UPDATE, 0);
	if (ret)
		return ret;
	wr32(GBPA_UPDATE | GBPA_ABORT, GBPA);
	ret = wait_for(GBPA, GBPA_UPDATE, 0);
	if (!ret)
		ret = write_acked(0, CR0, CR0ACK);
	if (!ret)
		ret = write_acked(0, IRQ_CTRL, IRQ_CTRL_ACK);
	if (ret)
		return ret;
	vtcr = is_usable() ? dma_vtcr(vm, ram_end) : 0;
	if (!vtcr)
		return -ENODEV;
	smmu.vmid = vm->canonical.vmid;
	wr32(CR1_COHERENT, CR1);
	wr32(CR2_PTM | CR2_RECINVSID, CR2);
	ret = stream_table(vm, vtcr);
	if (!ret)
		ret = queues();
	if (!ret)
		ret = write_acked(CR0_CMDQEN, CR0, CR0ACK);
	if (ret)
		return ret;
	/* What it may have cached before. */
	command(CMD_CFGI_ALL, 31);
	command(CMD_TLBI_EL2_ALL, 0);
	command(CMD_TLBI_NSNH_ALL, 0);
	ret = sync_commands();
	if (!ret)
		ret = write_acked(CR0_CMDQEN | CR0_EVENTQEN, CR0, CR0ACK);
	if (!ret)
		ret = write_acked(IRQ_CTRL_GERROR | IRQ_CTRL_EVENTQ, IRQ_CTRL, IRQ_CTRL_ACK);
	if (!ret)
		ret = write_acked(CR0_CMDQEN | CR0_EVENTQEN | CR0_SMMUEN, CR0, CR0ACK);
	return ret;
}

int smmu_init(pa_t base, struct s2_vm *vm, ipa_t ram_end)
{
	int ret;

	smmu.base = base;
	ret = take_over(vm, ram_end);
	if (ret)
		smmu.base = 0;
	return ret;
}
