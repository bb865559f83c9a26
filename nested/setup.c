// SPDX-License-Identifier: GPL-2.0-only
/*
 * A vCPU's constants: what it offers, what it always traps. EL2, once a vCPU, before it runs.
 */
#include <debug.h>
#include <idregs.h>
#include <options.h>

#include <kvm_hyp.h>
#include <nested.h>
#include <string.h>

/* Whatever runs: stage 2, virtual interrupts, and what L0 must see or hide. */
#define HCR_BASE	(HCR_VM | HCR_RW | HCR_IMO | HCR_FMO | HCR_AMO | HCR_TSC | HCR_TID3 | \
			 HCR_TACR | HCR_TIDCP | HCR_TWI | HCR_TLOR | HCR_TERR | HCR_API | HCR_APK | \
			 HCR_FB | HCR_BSU_IS | HCR_TSW)

/* HCR_EL2 bits that act on vEL1&0 for L1 exactly as it wrote them. */
#define HCR_L1_BITS	(HCR_TWI | HCR_TWE | HCR_TID0 | HCR_TID1 | HCR_TID2 | HCR_TID3 | HCR_TSC | \
			 HCR_TIDCP | HCR_TACR | HCR_TSW | HCR_TPCP | HCR_TPU | HCR_TTLB | HCR_TVM | \
			 HCR_TDZ | HCR_TRVM | HCR_TLOR | HCR_TERR | HCR_TEA | HCR_AT | \
			 HCR_PTW | HCR_DC | HCR_CD | HCR_ID | HCR_VI | HCR_VF | HCR_VSE)
#define HCR_L1_EVT	(HCR_TID4 | HCR_TICAB | HCR_TOCU | HCR_TTLBIS | HCR_TTLBOS)

static void choose_mech(void)
{
	nested_mech = &nested_mechs[opts.mech - MECH_NV2 + opts.pv_page];
	markers_on = opts.markers;
}

/* HCR_EL2 of the hardware, by what the virtual CPU has. */
static void init_hcr(struct kvm_vcpu *vcpu)
{
	u64 features = vcpu->kvm->vcpu_features;
	u64 base = HCR_BASE | (has_vhe() ? HCR_E2H : 0), l1 = HCR_L1_BITS;

	/* Keys and instructions of pointer authentication trap when clear, and then are UNDEFINED. */
	if (!(features & BIT(FEAT_PAUTH)))
		base &= ~(HCR_API | HCR_APK);
	if (features & BIT(FEAT_EVT))
		l1 |= HCR_L1_EVT;
	if (features & BIT(FEAT_NV))
		l1 |= HCR_NV | HCR_NV1;
	if (features & BIT(FEAT_NV2))
		l1 |= HCR_NV2;
	vcpu->arch.hcr_base = base;
	vcpu->arch.hcr_e2h = base | nested_mech->hcr_e2h;
	vcpu->arch.hcr_el2 = base;
	vcpu->arch.hcr_l1_bits = l1;
}

void nested_vcpu_create(struct kvm_vcpu *vcpu, struct kvm *kvm, int id)
{
	memset(vcpu, 0, sizeof(*vcpu));
	vcpu->kvm = kvm;
	vcpu->vcpu_id = id;
}

int nested_vcpu_init(struct kvm_vcpu *vcpu)
{
	int ret;

	if (vcpu->kvm->id == 0 && vcpu->vcpu_id == 0) {
		sysreg_table_init();
		choose_mech();
	}
	vcpu->arch.hcr_res1 = opts.l1_mode == L1_VHE ? HCR_E2H : 0;
	vcpu->arch.midr = read_sysreg(MIDR_EL1);
	vcpu->arch.vel2_mmu = &vcpu->kvm->s2.canonical;
	ret = nested_idregs_init(vcpu);
	debug_hyp_init(vcpu);
	vcpu->arch.hfgitr = idregs_hfgitr();
	init_hcr(vcpu);
	return ret;
}
