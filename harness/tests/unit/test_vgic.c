// SPDX-License-Identifier: GPL-2.0-only
/* unit: hyp/host/vgic.c hyp/host/vgic-mmio.c harness/tests/unit/unit.c harness/tests/unit/vgic_model.c -Ihyp/include */
/*
 * L1's emulated GIC against a guest that acknowledges and ends interrupts in the list registers, on the
 * machine of vgic_model.h.
 */
#include <vgic-state.h>

#include "vgic_model.h"

static void reset(const char *name)
{
	reset_cpus(name, 2);
}

static u64 rd(u64 ipa, unsigned int size)
{
	u64 val = 0xdeaddead;

	vgic_sync(&cpu[0]);
	CHECK(vgic_mmio(&cpu[0], ipa, false, size, &val));
	return val;
}

static void wr(u64 ipa, unsigned int size, u64 val)
{
	vgic_sync(&cpu[0]);
	CHECK(vgic_mmio(&cpu[0], ipa, true, size, &val));
}

/* As before each run. */
static void flush(struct kvm_vcpu *v)
{
	vgic_begin(v);
	vgic_flush(v);
	vgic_end(v);
}

#define GICD(off)	(VGIC_GICD_IPA + (off))
#define GICR_SGI(off)	(VGIC_GICR_IPA + 0x10000 + (off))

/* Group 1, enabled, as an operating system sets it up. */
static void enable(u32 intid, u8 prio)
{
	u64 base = intid < 32 ? GICR_SGI(0) : GICD(0);

	wr(GICD(0), 4, 0x13);
	wr(base + 0x80 + intid / 32 * 4, 4, rd(base + 0x80 + intid / 32 * 4, 4) | 1u << intid % 32);
	wr(base + 0x400 + intid, 1, prio);
	wr(base + 0x100 + intid / 32 * 4, 4, 1u << intid % 32);
}

static void test_identity(void)
{
	u64 val;

	reset("identity");
	CHECK_EQ(rd(GICD(0), 4), 0x50);
	CHECK_EQ(rd(GICD(4), 4) & 0x1f, 8);
	CHECK_EQ(rd(GICD(0xffe8), 4) >> 4, 3);
	CHECK_EQ(rd(VGIC_GICR_IPA + 0xffe8, 4) >> 4, 3);
	CHECK_EQ(rd(VGIC_GICR_IPA + 8, 8), 0);
	CHECK_EQ(rd(VGIC_GICR_IPA + VGIC_GICR_STRIDE + 8, 8), 1ull << 32 | 1 << 8 | 1 << 4);
	CHECK(!vgic_mmio(&cpu[0], VGIC_GICR_IPA + 2 * VGIC_GICR_STRIDE, false, 4, &val));
	CHECK(!vgic_mmio(&cpu[0], VGIC_GICD_IPA - 4, false, 4, &val));
	CHECK_EQ(rd(VGIC_GICR_IPA + 0x14, 4), 6);
	wr(VGIC_GICR_IPA + 0x14, 4, 0);
	CHECK_EQ(rd(VGIC_GICR_IPA + 0x14, 4), 0);
}

static void test_registers(void)
{
	reset("registers");
	/* The distributor has no private interrupts, a redistributor no SPIs. */
	wr(GICD(0x100), 4, ~0u);
	CHECK_EQ(rd(GICR_SGI(0x100), 4), 0);
	wr(GICR_SGI(0x104), 4, ~0u);
	CHECK_EQ(rd(GICD(0x104), 4), 0);
	wr(GICD(0x104), 4, 0xf0);
	wr(GICD(0x184), 4, 0x30);
	CHECK_EQ(rd(GICD(0x104), 4), 0xc0);
	CHECK_EQ(rd(GICD(0x184), 4), 0xc0);
	wr(GICD(0x420), 4, 0x44332211);
	CHECK_EQ(rd(GICD(0x422), 1), 0x33);
	wr(GICD(0x421), 1, 0xaa);
	CHECK_EQ(rd(GICD(0x420), 4), 0x4433aa11);
	CHECK_EQ(rd(GICD(0x420), 2), 0);
	wr(GICD(0xc08), 4, 0xffffffff);
	CHECK_EQ(rd(GICD(0xc08), 4), 0xaaaaaaaa);
	CHECK_EQ(rd(GICR_SGI(0xc00), 4), 0xaaaaaaaa);
	wr(GICD(0x6100), 8, 0xff80000001ull);
	CHECK_EQ(rd(GICD(0x6100), 8), 0xff00000001ull);
	wr(GICD(0x6104), 4, 0);
	CHECK_EQ(rd(GICD(0x6100), 8), 1);
	CHECK_EQ(vm.vgic.spi[0].target, 1);
	/* Beyond the 288 interrupts. */
	wr(GICD(0x124), 4, ~0u);
	CHECK_EQ(rd(GICD(0x124), 4), 0);
	wr(GICD(0x6100 + 256 * 8), 8, 1);
	CHECK_EQ(rd(GICD(0x6100 + 256 * 8), 8), 0);
}

static void test_sgi(void)
{
	struct kvm_vcpu *v = &cpu[0];

	reset("sgi");
	enable(3, 0x80);
	vgic_send_sgi(v, 3ull << 24 | 1, true);
	flush(v);
	CHECK_EQ(v->arch.vgic.used_lrs, 1);
	CHECK_EQ(v->arch.vgic.lr[0], ICH_LR_PENDING | ICH_LR_GROUP | 0x80ull << 48 | 3);
	CHECK_EQ(guest_ack(v), 3);
	/* A second one while the first is active must not get lost, and not twice either. */
	vgic_sync(v);
	vgic_send_sgi(v, 3ull << 24 | 1, true);
	flush(v);
	CHECK_EQ(state_of(v, 3), ICH_LR_STATE);
	guest_eoi(v, 3);
	CHECK_EQ(guest_ack(v), 3);
	guest_eoi(v, 3);
	vgic_sync(v);
	flush(v);
	CHECK_EQ(v->arch.vgic.used_lrs, 0);
	/* The wrong group's register, another target, everybody else. */
	vgic_send_sgi(v, 3ull << 24 | 1, false);
	vgic_send_sgi(v, 3ull << 24 | 2, true);
	vgic_send_sgi(v, 3ull << 24 | 1ull << 40, true);
	vgic_send_sgi(v, 3ull << 24 | 1ull << 16 | 1, true);
	vgic_send_sgi(v, 3ull << 24 | 1ull << 44 | 1, true);
	flush(v);
	CHECK_EQ(v->arch.vgic.used_lrs, 0);
	CHECK_EQ(cpu[1].arch.vgic.private[3].latch, 0);	/* Group 0 there */
	cpu[1].arch.vgic.private[3].group1 = true;
	cpu[1].arch.vgic.private[3].enabled = true;
	kicked = 0;
	vgic_send_sgi(v, 3ull << 24 | 1ull << 40, true);
	CHECK_EQ(kicked, 2);
	flush(&cpu[1]);
	CHECK_EQ(state_of(&cpu[1], 3), ICH_LR_PENDING);
}

static void test_level(void)
{
	struct kvm_vcpu *v = &cpu[0];

	reset("level");
	enable(50, 0x40);
	vgic_set_irq(&vm, NULL, 50, true);
	flush(v);
	CHECK_EQ(state_of(v, 50), ICH_LR_PENDING);
	CHECK(v->arch.vgic.lr[0] & ICH_LR_EOI);
	/* Lowered before it was taken: gone. */
	vgic_sync(v);
	vgic_set_irq(&vm, NULL, 50, false);
	flush(v);
	CHECK_EQ(v->arch.vgic.used_lrs, 0);
	/* High all the time: again after each EOI. */
	vgic_set_irq(&vm, NULL, 50, true);
	for (int i = 0; i < 3; i++) {
		flush(v);
		CHECK_EQ(guest_ack(v), 50);
		guest_eoi(v, 50);
		vgic_sync(v);
	}
	/* Lowered while active: not again. */
	flush(v);
	CHECK_EQ(guest_ack(v), 50);
	vgic_sync(v);
	vgic_set_irq(&vm, NULL, 50, false);
	flush(v);
	CHECK_EQ(state_of(v, 50), ICH_LR_ACTIVE);
	guest_eoi(v, 50);
	vgic_sync(v);
	flush(v);
	CHECK_EQ(v->arch.vgic.used_lrs, 0);
	/* Edge: remembered although the line falls. */
	wr(GICD(0xc0c), 4, 2u << 4);
	vgic_set_irq(&vm, NULL, 50, true);
	vgic_set_irq(&vm, NULL, 50, false);
	flush(v);
	CHECK_EQ(state_of(v, 50), ICH_LR_PENDING);
	CHECK_EQ(rd(GICD(0x204), 4), 1u << 18);
	wr(GICD(0x284), 4, 1u << 18);
	flush(v);
	CHECK_EQ(v->arch.vgic.used_lrs, 0);
}

static void test_hw(void)
{
	struct kvm_vcpu *v = &cpu[0];
	u64 lr;

	reset("hw");
	enable(33, 0x20);
	phys_line[33] = true;
	take_physical(33);
	flush(v);
	lr = v->arch.vgic.lr[0];
	CHECK_EQ(lr & ICH_LR_STATE, ICH_LR_PENDING);
	CHECK(lr & ICH_LR_HW);
	CHECK_EQ(FIELD_GET(ICH_LR_PINTID, lr), 33);
	/* Stays pending over exits while its line is high, is withdrawn when it falls. */
	vgic_sync(v);
	flush(v);
	CHECK_EQ(state_of(v, 33), ICH_LR_PENDING);
	phys_line[33] = false;
	vgic_sync(v);
	flush(v);
	CHECK(!phys_active[33]);
	CHECK_EQ(v->arch.vgic.used_lrs, 0);
	/* The same while it is disabled, so that no list register has had it. */
	wr(GICD(0x184), 4, 2);
	phys_line[33] = true;
	take_physical(33);
	flush(v);
	vgic_sync(v);
	CHECK_EQ(rd(GICD(0x204), 4), 2);
	phys_line[33] = false;
	CHECK_EQ(rd(GICD(0x204), 4), 0);
	CHECK(!phys_active[33]);
	phys_line[33] = true;
	take_physical(33);
	phys_line[33] = false;
	wr(GICD(0x104), 4, 2);
	flush(v);
	CHECK_EQ(v->arch.vgic.used_lrs, 0);
	/* Taken and ended; the physical one is free again and may come again at once. */
	phys_line[33] = true;
	take_physical(33);
	flush(v);
	CHECK_EQ(guest_ack(v), 33);
	vgic_sync(v);
	CHECK(phys_active[33]);
	CHECK_EQ(rd(GICD(0x204), 4), 2);	/* its line is high */
	flush(v);
	CHECK_EQ(state_of(v, 33), ICH_LR_ACTIVE);
	guest_eoi(v, 33);
	take_physical(33);	/* before the fold */
	vgic_sync(v);
	flush(v);
	CHECK_EQ(state_of(v, 33), ICH_LR_PENDING);
	/* Software ends it: the physical one follows. */
	CHECK_EQ(guest_ack(v), 33);
	wr(GICD(0x384), 4, 2);
	CHECK(!phys_active[33]);
	wr(GICD(0x304), 4, 2);
	CHECK(phys_active[33]);
	CHECK_EQ(rd(GICD(0x304), 4), 2);
}

static void test_priorities(void)
{
	struct kvm_vcpu *v = &cpu[0];

	reset("priorities");
	for (u32 i = 0; i < 8; i++) {
		enable(64 + i, (u8)(0x80 - i * 8));
		wr(GICD(0x208), 4, 1u << i);
	}
	flush(v);
	CHECK_EQ(v->arch.vgic.used_lrs, NR_LRS);
	CHECK(v->arch.vgic.hcr & ICH_HCR_NPIE);
	for (u32 i = 0; i < 8; i++) {
		CHECK_EQ(guest_ack(v), 71 - i);
		guest_eoi(v, 71 - i);
		vgic_sync(v);
		flush(v);
	}
	CHECK_EQ(v->arch.vgic.used_lrs, 0);
	CHECK_EQ(v->arch.vgic.hcr, ICH_HCR_EN);
	/* More active ones than list registers: of those that have none, the highest priority ends first. */
	wr(GICD(0x308), 4, 0x3f);
	wr(GICD(0x440), 4, 0x00506010);	/* 64 to 67 */
	wr(GICD(0x444), 1, 0x68);
	wr(GICD(0x445), 1, 0x70);
	flush(v);
	CHECK_EQ(v->arch.vgic.used_lrs, NR_LRS);
	CHECK_EQ(find_lr(v, 68), -1);
	CHECK_EQ(find_lr(v, 69), -1);
	CHECK(v->arch.vgic.hcr & ICH_HCR_LRENPIE);
	v->arch.vgic.hcr |= 1ull << ICH_HCR_EOICOUNT_SHIFT;
	vgic_sync(v);
	CHECK_EQ(rd(GICD(0x308), 4), 0x2f);
	/* In EOImode 0 a DIR deactivates nothing, and in EOImode 1 an EOI. */
	vgic_write_dir(v, 64);
	CHECK_EQ(rd(GICD(0x308), 4), 0x2f);
	v->arch.vgic.vmcr |= ICH_VMCR_VEOIM;
	vgic_write_dir(v, 64);
	CHECK_EQ(rd(GICD(0x308), 4), 0x2e);
	wr(GICD(0x308), 4, 0x3f);
	flush(v);
	v->arch.vgic.hcr |= 1ull << ICH_HCR_EOICOUNT_SHIFT;
	vgic_sync(v);
	CHECK_EQ(rd(GICD(0x308), 4), 0x3f);
	/* However many are active, the highest pending one is there to preempt them. */
	wr(GICD(0x446), 1, 8);
	wr(GICD(0x208), 4, 0xc0);
	flush(v);
	CHECK_EQ(v->arch.vgic.used_lrs, NR_LRS);
	CHECK_EQ(state_of(v, 70), ICH_LR_PENDING);
	CHECK_EQ(find_lr(v, 71), -1);
	CHECK(v->arch.vgic.hcr & ICH_HCR_NPIE);
}

static void test_routing(void)
{
	reset("routing");
	enable(100, 0x80);
	wr(GICD(0x6000 + 8 * 100), 8, 1);
	kicked = 0;
	wr(GICD(0x20c), 4, 1u << 4);
	CHECK_EQ(kicked, 2);
	flush(&cpu[0]);
	CHECK_EQ(cpu[0].arch.vgic.used_lrs, 0);
	flush(&cpu[1]);
	CHECK_EQ(cpu[1].arch.vgic.used_lrs, 1);
	CHECK_EQ(guest_ack(&cpu[1]), 100);
	/* Routed away while active: it stays with the CPU that acknowledged it. */
	vgic_sync(&cpu[1]);
	wr(GICD(0x6000 + 8 * 100), 8, 0);
	flush(&cpu[0]);
	flush(&cpu[1]);
	CHECK_EQ(cpu[0].arch.vgic.used_lrs, 0);
	CHECK_EQ(state_of(&cpu[1], 100), ICH_LR_ACTIVE);
	/* Any CPU may deactivate it, but only this one's list register says so by itself. */
	CHECK(cpu[0].arch.vgic.hcr & ICH_HCR_TDIR);
	CHECK(!(cpu[1].arch.vgic.hcr & ICH_HCR_TDIR));
	/* Meanwhile it comes again: for the one that it is routed to now, when this one is done. */
	vgic_sync(&cpu[1]);
	wr(GICD(0x20c), 4, 1u << 4);
	flush(&cpu[1]);
	CHECK_EQ(state_of(&cpu[1], 100), ICH_LR_ACTIVE);
	CHECK(cpu[1].arch.vgic.lr[0] & ICH_LR_EOI);
	guest_eoi(&cpu[1], 100);
	kicked = 0;
	vgic_sync(&cpu[1]);
	CHECK_EQ(kicked, 1);
	flush(&cpu[0]);
	CHECK_EQ(guest_ack(&cpu[0]), 100);
	guest_eoi(&cpu[0], 100);
	vgic_sync(&cpu[0]);
	/* To nobody. */
	wr(GICD(0x6000 + 8 * 100), 8, 7);
	wr(GICD(0x20c), 4, 1u << 4);
	flush(&cpu[0]);
	flush(&cpu[1]);
	CHECK_EQ(cpu[0].arch.vgic.used_lrs + cpu[1].arch.vgic.used_lrs, 0);
}

static void test_masks(void)
{
	struct kvm_vcpu *v = &cpu[0];

	reset("masks");
	enable(5, 0x80);
	vgic_send_sgi(v, 5ull << 24 | 1, true);
	v->arch.vgic.vmcr = ICH_VMCR_VENG1 | 0x80ull << ICH_VMCR_VPMR_SHIFT;
	CHECK(!vgic_has_pending(v));
	v->arch.vgic.vmcr = ICH_VMCR_VENG1 | 0x88ull << ICH_VMCR_VPMR_SHIFT;
	CHECK(vgic_has_pending(v));
	CHECK_EQ(v->arch.vgic.l1_pending, VGIC_L1_IRQ);
	v->arch.vgic.vmcr = ICH_VMCR_VENG0 | 0x88ull << ICH_VMCR_VPMR_SHIFT;
	CHECK(!vgic_has_pending(v));
	v->arch.vgic.vmcr = ICH_VMCR_VENG1 | 0xf0ull << ICH_VMCR_VPMR_SHIFT;
	v->arch.vgic.ap1r[0] = 1u << (0x80 / 8);
	CHECK(!vgic_has_pending(v));
	v->arch.vgic.ap1r[0] = 1u << (0x88 / 8);
	CHECK(vgic_has_pending(v));
	/* Disabled at the distributor: group, then interrupt. */
	wr(GICD(0), 4, 1);
	CHECK(!vgic_has_pending(v));
	wr(GICD(0), 4, 2);
	CHECK(vgic_has_pending(v));
	wr(GICR_SGI(0x180), 4, 1 << 5);
	CHECK(!vgic_has_pending(v));
	/* What L1 gives its L2 counts while that runs. */
	v->arch.ctxt.regs.pstate = PSR_MODE_EL1h;
	v->arch.ctxt.sys_regs[HCR_EL2] = HCR_IMO;
	v->arch.ctxt.sys_regs[ICH_HCR_EL2] = ICH_HCR_EN;
	v->arch.ctxt.sys_regs[ICH_VMCR_EL2] = ICH_VMCR_VENG1 | 0xffull << ICH_VMCR_VPMR_SHIFT;
	v->arch.ctxt.sys_regs[ICH_LR0_EL2 + 2] = ICH_LR_PENDING | ICH_LR_GROUP | 27;
	CHECK(vgic_has_pending(v));
	v->arch.ctxt.regs.pstate = PSR_MODE_EL2h;
	CHECK(!vgic_has_pending(v));
}

static void test_maintenance(void)
{
	struct kvm_vcpu *v = &cpu[0];
	u64 *r = v->arch.ctxt.sys_regs;

	reset("maintenance");
	enable(25, 0x10);
	r[ICH_HCR_EL2] = ICH_HCR_EN | ICH_HCR_UIE;
	r[ICH_LR0_EL2] = ICH_LR_ACTIVE | 40;
	r[ICH_LR0_EL2 + 1] = ICH_LR_PENDING | 41;
	vgic_sync(v);
	CHECK(!v->arch.vgic.maint);
	r[ICH_LR0_EL2] &= ~ICH_LR_STATE;
	vgic_sync(v);
	CHECK(v->arch.vgic.maint);
	flush(v);
	CHECK_EQ(state_of(v, 25), ICH_LR_PENDING);
	r[ICH_HCR_EL2] = 0;
	vgic_sync(v);
	flush(v);
	CHECK_EQ(v->arch.vgic.used_lrs, 0);
}

/*
 * Whatever happens in whatever order: each edge is delivered (edges of one interrupt may merge while it
 * is pending), none appears from nowhere, and a physical interrupt is active iff its virtual one flies.
 */
static void test_random(u64 rounds)
{
	struct kvm_vcpu *v = &cpu[0];
	bool want[16] = { false };
	unsigned int active[16], depth = 0;

	reset("random");
	for (u32 i = 0; i < 16; i++)
		enable(i, (u8)(i * 8));
	enable(33, 0x50);
	flush(v);
	for (u64 n = 0; n < rounds; n++) {
		u32 intid;
		unsigned int i;

		switch (below(6)) {
		case 0:
			vgic_sync(v);
			intid = (u32)below(16);
			want[intid] = true;
			vgic_send_sgi(v, (u64)intid << 24 | 1, true);
			flush(v);
			break;
		case 1:
			/* Only one that preempts what is active; with too many active, none. */
			for (i = 0, intid = 1023; i < v->arch.vgic.used_lrs; i++) {
				u64 lr = v->arch.vgic.lr[i];

				if ((lr & ICH_LR_STATE) == ICH_LR_PENDING &&
				    (lr & ICH_LR_VINTID) < 16 && (lr & ICH_LR_VINTID) < intid)
					intid = (u32)(lr & ICH_LR_VINTID);
			}
			if (intid == 1023 || depth == 3 || (depth && active[depth - 1] <= intid))
				break;
			CHECK(want[intid]);
			want[intid] = false;
			v->arch.vgic.lr[find_lr(v, intid)] ^= ICH_LR_STATE;
			active[depth++] = intid;
			break;
		case 2:
			if (depth)
				guest_eoi(v, active[--depth]);
			break;
		case 3:
			vgic_sync(v);
			flush(v);
			break;
		case 4:
			if (!phys_active[33]) {
				vgic_sync(v);
				phys_line[33] = true;
				take_physical(33);
				flush(v);
			} else if (one_in(2)) {
				phys_line[33] = false;
				vgic_sync(v);
				flush(v);
			}
			break;
		default:
			if (find_lr(v, 33) >= 0 && state_of(v, 33) == ICH_LR_PENDING && one_in(2)) {
				v->arch.vgic.lr[find_lr(v, 33)] ^= ICH_LR_STATE;
				guest_eoi(v, 33);
			}
			vgic_sync(v);
			CHECK_EQ(phys_active[33], vm.vgic.candidates[0] >> 1 & 1);
			flush(v);
			break;
		}
	}
	for (unsigned int i = 0; i < 16; i++) {
		vgic_sync(v);
		CHECK_EQ(rd(GICR_SGI(0x200), 4) >> i & 1, want[i]);
	}
}

/*
 * Several vCPUs against a GIC that is nothing but what the architecture says of each interrupt. Whoever
 * reads or writes whichever state, while others have it in their list registers: it is the model's.
 */
#define MODEL_SPIS	6
#define MODEL_SGIS	4
#define MODEL_FIRST	64	/* INTID of the first SPI; edge-triggered */

struct model_irq {
	bool pending, enabled;
	int active;		/* on which vCPU, -1: none */
	int target;		/* SPI */
};

static struct model_irq spi[MODEL_SPIS], sgi[NR_CPUS][MODEL_SGIS];

static struct model_irq *model_of(int v, u32 intid)
{
	return intid < 32 ? &sgi[v][intid] : &spi[intid - MODEL_FIRST];
}

static void enter(int v)
{
	vgic_begin(&cpu[v]);
	vgic_flush(&cpu[v]);
}

static void leave(int v)
{
	if (!cpu[v].arch.vgic.begun)
		return;
	vgic_sync(&cpu[v]);
	vgic_end(&cpu[v]);
}

static u64 access_as(int v, u64 ipa, bool is_write, unsigned int size, u64 val)
{
	leave(v);
	CHECK(vgic_mmio(&cpu[v], ipa, is_write, size, &val));
	return val;
}

static void ack_one(int v)
{
	struct vgic_cpu *vgic = &cpu[v].arch.vgic;
	struct model_irq *m;
	u32 intid;

	/* No more are active than there are list registers. */
	for (unsigned int i = 0, n = 0; i < vgic->used_lrs; i++) {
		n += vgic->lr[i] >> 63;
		if (n == NR_LRS - 1)
			return;
	}
	intid = vgic->begun ? guest_ack(&cpu[v]) : 1023;
	if (intid == 1023)
		return;
	m = model_of(v, intid);
	CHECK(m->pending && m->enabled && m->active < 0);
	CHECK(intid < 32 || m->target == v);
	m->pending = false;
	m->active = v;
	/* From now on any other one may deactivate it. */
	for (int i = 0; i < NR_CPUS && intid >= 32; i++)
		CHECK(i == v || !cpu[i].arch.vgic.begun ||
		      (cpu[i].arch.vgic.hcr & ICH_HCR_TDIR));
}

/* @v deactivates what any vCPU has active. */
static void dir_one(int v, u32 intid)
{
	struct model_irq *m = model_of(v, intid);

	if (m->active < 0)
		return;
	leave(v);
	vgic_write_dir(&cpu[v], intid);
	m->active = -1;
}

static void eoi_one(int v)
{
	struct vgic_cpu *vgic = &cpu[v].arch.vgic;

	for (unsigned int i = 0; vgic->begun && i < vgic->used_lrs; i++) {
		u32 intid = (u32)(vgic->lr[i] & ICH_LR_VINTID);

		if (!(vgic->lr[i] & ICH_LR_ACTIVE))
			continue;
		CHECK_EQ(model_of(v, intid)->active, v);
		guest_eoi(&cpu[v], intid);
		model_of(v, intid)->active = -1;
		return;
	}
}

/* A write of @v to a bit of an interrupt: of an SPI, or of an SGI of @of. */
static void write_bit(int v, int of, u32 intid, unsigned int reg)
{
	u64 base = intid < 32 ? GICR_SGI((u64)of * VGIC_GICR_STRIDE) : GICD(0);
	struct model_irq *m = model_of(of, intid);

	access_as(v, base + reg + intid / 32 * 4, true, 4, 1u << intid % 32);
	switch (reg) {
	case 0x100:
	case 0x180:
		m->enabled = reg == 0x100;
		break;
	case 0x200:
	case 0x280:
		m->pending = reg == 0x200;
		break;
	default:
		m->active = -1;
	}
}

static void check_bits(int v, int of, u32 intid)
{
	u64 base = intid < 32 ? GICR_SGI((u64)of * VGIC_GICR_STRIDE) : GICD(0);
	const struct model_irq *m = model_of(of, intid);

	base += intid / 32 * 4;
	CHECK_EQ(access_as(v, base + 0x200, false, 4, 0) >> intid % 32 & 1, m->pending);
	CHECK_EQ(access_as(v, base + 0x300, false, 4, 0) >> intid % 32 & 1, m->active >= 0);
}

/*
 * An edge is about to come. One that comes while the last is pending in a list register, and is taken before
 * the kick that follows, is seen a second time; the architecture would merge the two. Here the kick is quicker.
 */
static void merge(const struct vgic_irq *irq)
{
	if (irq->in_lr != VGIC_NO_TARGET)
		leave(irq->in_lr);
}

static void model_step(void)
{
	static const u16 regs[] = { 0x100, 0x180, 0x200, 0x280, 0x380 };
	int v = (int)below(NR_CPUS), of = (int)below(NR_CPUS), n = (int)below(MODEL_SPIS);
	u32 intid = one_in(2) ? (u32)below(MODEL_SGIS) : MODEL_FIRST + (u32)n;

	switch (below(10)) {
	case 0:
	case 1:
		leave(v);
		enter(v);
		break;
	case 2:
	case 3:
		ack_one(v);
		break;
	case 4:
		eoi_one(v);
		break;
	case 5:
		leave(v);
		merge(&cpu[of].arch.vgic.private[intid % MODEL_SGIS]);
		vgic_send_sgi(&cpu[v], (u64)(intid % MODEL_SGIS) << 24 | 1u << of, true);
		sgi[of][intid % MODEL_SGIS].pending = true;
		break;
	case 6:
		merge(&vm.vgic.spi[MODEL_FIRST - 32 + n]);
		vgic_set_irq(&vm, NULL, MODEL_FIRST + (u32)n, true);
		vgic_set_irq(&vm, NULL, MODEL_FIRST + (u32)n, false);
		spi[n].pending = true;
		break;
	case 7:
		if (one_in(3)) {
			access_as(v, GICD(0x6000 + 8 * (MODEL_FIRST + n)), true, 8, (u64)of);
			spi[n].target = of;
		} else {
			write_bit(v, of, intid, regs[below(ARRAY_SIZE(regs))]);
		}
		break;
	case 8:
		dir_one(v, intid);
		break;
	default:
		check_bits(v, of, intid);
	}
}

static void test_model(u64 rounds)
{
	reset_cpus("model", NR_CPUS);
	access_as(0, GICD(0), true, 4, 2);
	access_as(0, GICD(0x80 + MODEL_FIRST / 8), true, 4, ~0u);
	access_as(0, GICD(0xc00 + MODEL_FIRST / 4), true, 4, ~0u);
	for (int v = 0; v < NR_CPUS; v++) {
		cpu[v].arch.vgic.vmcr |= ICH_VMCR_VEOIM;
		access_as(v, GICR_SGI((u64)v * VGIC_GICR_STRIDE + 0x80), true, 4, ~0u);
		for (int i = 0; i < MODEL_SGIS; i++)
			sgi[v][i].active = -1;
	}
	for (int i = 0; i < MODEL_SPIS; i++)
		spi[i].active = -1;
	while (rounds--)
		model_step();
	/* In the end all that is pending and enabled comes to somebody. */
	for (int i = 0; i < 100; i++) {
		for (int v = 0; v < NR_CPUS; v++) {
			leave(v);
			enter(v);
			ack_one(v);
			eoi_one(v);
		}
	}
	for (int i = 0; i < MODEL_SPIS; i++)
		CHECK(!(spi[i].pending && spi[i].enabled));
	for (int v = 0; v < NR_CPUS; v++)
		for (int i = 0; i < MODEL_SGIS; i++)
			CHECK(!(sgi[v][i].pending && sgi[v][i].enabled));
}

int main(int argc, char **argv)
{
	u64 rounds = unit_args(argc, argv, 200000);

	test_identity();
	test_registers();
	test_sgi();
	test_level();
	test_hw();
	test_priorities();
	test_routing();
	test_masks();
	test_maintenance();
	test_random(rounds);
	test_model(rounds);
	return 0;
}
