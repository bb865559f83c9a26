// SPDX-License-Identifier: GPL-2.0-only
/*
 * L1's emulated GIC under accesses of every offset, size and value, by vCPUs that enter and leave, while interrupts
 * come, are acknowledged and ended, and L1's own list registers hold anything. An interrupt is in one list register
 * at most, no list register is used that is not there, and the physical interrupt behind one is not lost.
 *
 * unit: harness/tests/unit/unit.c harness/tests/unit/vgic_model.c hyp/host/vgic.c hyp/host/vgic-mmio.c -Ihyp/include
 */
#include "../vgic_model.h"
#include "fuzz.h"

#define OPS	500
#define HW_SPI	33

static void enter(struct kvm_vcpu *v)
{
	if (v->arch.vgic.begun)
		return;
	vgic_begin(v);
	vgic_flush(v);
}

static void leave(struct kvm_vcpu *v)
{
	if (!v->arch.vgic.begun)
		return;
	vgic_sync(v);
	vgic_end(v);
}

static void check_vcpu(struct kvm_vcpu *v)
{
	struct vgic_cpu *vgic = &v->arch.vgic;

	CHECK(vgic->used_lrs <= NR_LRS && !vgic->paused);
	if (!vgic->begun)
		return;
	for (unsigned int i = 0; i < vgic->used_lrs; i++) {
		u32 intid = (u32)(vgic->lr[i] & ICH_LR_VINTID);

		CHECK(intid < VGIC_NR_IRQS);
		if (!(vgic->lr[i] & ICH_LR_STATE))
			continue;
		CHECK_EQ(find_lr(v, intid), i);
		for (int k = 0; intid >= VGIC_NR_PRIVATE && k < NR_CPUS; k++)
			CHECK(&cpu[k] == v || !cpu[k].arch.vgic.begun || !state_of(&cpu[k], intid));
		if (vgic->lr[i] & ICH_LR_HW)
			CHECK(intid == HW_SPI && FIELD_GET(ICH_LR_PINTID, vgic->lr[i]) == HW_SPI);
	}
}

static void access_gic(struct input *in, struct kvm_vcpu *v, u64 op)
{
	u64 where = take(in, 2), val = op & 0x80 ? take(in, 8) : ~0ULL, base;
	unsigned int size = 1U << (op >> 4 & 3);
	bool gicd = where & 1;

	/* Bit 0: the distributor; if not, bits 2:1 a redistributor's first or second page. */
	base = gicd ? VGIC_GICD_IPA : VGIC_GICR_IPA + (where >> 1 & 7) * 0x10000;
	where = gicd ? where : (where >> 3 & 0xfff) << 1;
	leave(v);
	CHECK(vgic_mmio(v, base + (where & 0xffff & ~(u64)(size - 1)), op & 0x40, size, &val) ||
	      !gicd);
}

static void eoi_any(struct kvm_vcpu *v, u64 which)
{
	struct vgic_cpu *vgic = &v->arch.vgic;

	if (!vgic->begun || which >= vgic->used_lrs || !(vgic->lr[which] & ICH_LR_ACTIVE))
		return;
	guest_eoi(v, (u32)(vgic->lr[which] & ICH_LR_VINTID));
}

/* What L1 has in the memory copies of its own list registers: anything. */
static void set_own(struct input *in, struct kvm_vcpu *v)
{
	u64 *r = v->arch.ctxt.sys_regs;

	r[ICH_HCR_EL2] = take(in, 4);
	r[ICH_VMCR_EL2] = take(in, 4);
	r[ICH_LR0_EL2 + (take(in, 1) & 15)] = take(in, 8);
	v->arch.ctxt.regs.pstate = take(in, 1) & 1 ? PSR_MODE_EL1h : PSR_MODE_EL2h;
	r[HCR_EL2] = take(in, 1) & 1 ? HCR_IMO | HCR_FMO : 0;
}

static void step(struct input *in)
{
	u64 op = take(in, 1), arg;
	struct kvm_vcpu *v = &cpu[take(in, 1) % NR_CPUS];

	switch (op & 15) {
	case 0:
	case 1:
	case 2:
	case 3:
	case 4:
		access_gic(in, v, op);
		break;
	case 5:
	case 6:
		leave(v);
		enter(v);
		break;
	case 7:
	case 8:
		if (v->arch.vgic.begun)
			guest_ack(v);
		break;
	case 9:
	case 10:
		eoi_any(v, op >> 4);
		break;
	case 11:
		leave(v);
		vgic_send_sgi(v, take(in, 8), op >> 4 & 1);
		break;
	case 12:
		arg = take(in, 2) % VGIC_NR_IRQS;
		if (arg != HW_SPI)
			vgic_set_irq(&vm, arg < VGIC_NR_PRIVATE ? v : NULL, (u32)arg, op >> 4 & 1);
		break;
	case 13:
		phys_line[HW_SPI] = op >> 4 & 1;
		if (phys_line[HW_SPI] && !phys_active[HW_SPI])
			take_physical(HW_SPI);
		break;
	case 14:
		leave(v);
		vgic_write_dir(v, take(in, 8));
		break;
	default:
		leave(v);
		set_own(in, v);
		vgic_begin(v);
		vgic_has_pending(v);
		vgic_end(v);
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct input in = { data, data + size };

	reset_cpus("fuzz", NR_CPUS);
	vgic_hand_through(&vm, HW_SPI);
	for (unsigned int i = 0; i < OPS && more(&in); i++) {
		step(&in);
		for (unsigned int k = 0; k < NR_CPUS; k++)
			check_vcpu(&cpu[k]);
	}
	return 0;
}
