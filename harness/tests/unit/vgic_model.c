// SPDX-License-Identifier: GPL-2.0-only
/* See vgic_model.h. */
#include "vgic_model.h"

struct vgic_hw_info vgic_hw = { .nr_lrs = NR_LRS, .nr_aprs = 1 };

struct kvm vm;
struct kvm_vcpu cpu[NR_CPUS];
bool phys_active[1024], phys_line[1024];
u32 kicked;

bool gic_irq_is_pending(const struct kvm_vcpu *vcpu, u32 intid)
{
	(void)vcpu;
	return phys_line[intid];
}

void gic_irq_set_active(const struct kvm_vcpu *vcpu, u32 intid, bool active)
{
	(void)vcpu;
	phys_active[intid] = active;
}

void hyp_bug(const char *file, unsigned int line)
{
	fprintf(stderr, "%s:%u: invariant broken\n", file, line);
	abort();
}

void kvm_vcpu_kick(struct kvm_vcpu *vcpu)
{
	kicked |= 1u << vcpu->vcpu_id;
	/* It leaves its guest: what its own CPU does then. At once, where that is waited for: without the lock. */
	if (vcpu->arch.vgic.begun && !vcpu->kvm->vgic.lock) {
		vgic_sync(vcpu);
		vgic_end(vcpu);
	}
}

void vgic_fetch_vmcr(struct kvm_vcpu *vcpu)
{
	(void)vcpu;
}

void reset_cpus(const char *name, int n)
{
	unit_case = name;
	memset(&vm, 0, sizeof(vm));
	memset(phys_active, 0, sizeof(phys_active));
	memset(phys_line, 0, sizeof(phys_line));
	vm.nr_vcpus = n;
	vgic_init(&vm);
	vgic_hand_through(&vm, GIC_SPI_UART0);
	for (int i = 0; i < n; i++) {
		memset(&cpu[i], 0, sizeof(cpu[i]));
		cpu[i].kvm = &vm;
		cpu[i].vcpu_id = i;
		cpu[i].arch.ctxt.regs.pstate = PSR_MODE_EL2h;
		vm.vcpus[i] = &cpu[i];
	}
	for (int i = 0; i < n; i++)
		vgic_vcpu_init(&cpu[i], 0x80000000u | (unsigned int)i);
}

int find_lr(struct kvm_vcpu *v, u32 intid)
{
	for (unsigned int i = 0; i < v->arch.vgic.used_lrs; i++)
		if ((v->arch.vgic.lr[i] & ICH_LR_VINTID) == intid)
			return (int)i;
	return -1;
}

u64 state_of(struct kvm_vcpu *v, u32 intid)
{
	int i = find_lr(v, intid);

	return i < 0 ? 0 : v->arch.vgic.lr[i] & ICH_LR_STATE;
}

u32 guest_ack(struct kvm_vcpu *v)
{
	int best = -1;

	for (unsigned int i = 0; i < v->arch.vgic.used_lrs; i++) {
		u64 lr = v->arch.vgic.lr[i];

		if ((lr & ICH_LR_STATE) != ICH_LR_PENDING)
			continue;
		if (best < 0 || (lr & ICH_LR_PRIO) < (v->arch.vgic.lr[best] & ICH_LR_PRIO))
			best = (int)i;
	}
	if (best < 0)
		return 1023;
	v->arch.vgic.lr[best] ^= ICH_LR_STATE;
	return (u32)(v->arch.vgic.lr[best] & ICH_LR_VINTID);
}

void guest_eoi(struct kvm_vcpu *v, u32 intid)
{
	int i = find_lr(v, intid);

	CHECK(i >= 0);
	CHECK(v->arch.vgic.lr[i] & ICH_LR_ACTIVE);
	v->arch.vgic.lr[i] &= ~ICH_LR_ACTIVE;
	if (v->arch.vgic.lr[i] & ICH_LR_HW)
		phys_active[FIELD_GET(ICH_LR_PINTID, v->arch.vgic.lr[i])] = false;
}

void take_physical(u32 intid)
{
	CHECK(!phys_active[intid]);
	phys_active[intid] = true;
	vgic_hw_irq_taken(&vm, &cpu[0], intid);
}
