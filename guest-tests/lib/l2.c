// SPDX-License-Identifier: GPL-2.0-only
/* Runs L2 functions for the tests. EL2, one L2 at a time. */
#include "l2.h"

#define S2_IPA_BITS	40
#define RAM_BASE	0x40000000UL
#define RAM_SIZE	0x10000000UL
#define CPTR_VHE	(3UL << 20)
#define CPTR_NVHE	0x33ffUL
#define EXIT_LIMIT	64

extern char l2_vectors[];

u64 l2_hcr;
struct pgtable l2_s2;

static u8 stack_el1[8192] __attribute__((aligned(16)));
static u8 stack_el0[8192] __attribute__((aligned(16)));

void l2_reset_el1(void)
{
	guest_write(SCTLR_EL1_RES1 | SCTLR_nTWI | SCTLR_nTWE | SCTLR_DZE | SCTLR_UCT | SCTLR_UCI,
		    SCTLR);
	guest_write(3UL << 20, CPACR);
	guest_write(0, TCR);
	guest_write(0, TTBR0);
	guest_write(0, TTBR1);
	guest_write(0, MAIR);
	guest_write(0, CNTKCTL);
	guest_write((u64)l2_vectors, VBAR);
	write_sysreg(0, mdscr_el1);
	isb();
}

void l2_set_stage2(const struct pgtable *s2, u64 vmid)
{
	write_sysreg(s2_vtcr(s2), vtcr_el2);
	write_sysreg((u64)s2->root | vmid << 48, vttbr_el2);
	isb();
}

/* HPMN is all counters, so that none is reserved for EL2. Without a PMU there is no PMCR_EL0. */
static u64 mdcr_no_traps(void)
{
	u64 pmuver = FIELD(read_sysreg(id_aa64dfr0_el1), 11, 8);

	return pmuver && pmuver != 0xf ? FIELD(read_sysreg(pmcr_el0), 15, 11) : 0;
}

void l2_init(void)
{
	l2_hcr = HCR_RW | HCR_VM | HCR_IMO | HCR_FMO | HCR_AMO | (vhe_mode ? HCR_E2H : 0);
	/* pointer authentication instructions and keys are L2's own where the CPU has them */
	l2_hcr |= HCR_APK | HCR_API;
	if (!l2_s2.root) {
		pt_init(&l2_s2, 12, S2_IPA_BITS, 1);
		pt_map(&l2_s2, RAM_BASE, RAM_BASE, RAM_SIZE, S2_RW | S2_NORMAL);
	}
	write_sysreg(read_sysreg(midr_el1), vpidr_el2);
	write_sysreg(read_sysreg(mpidr_el1), vmpidr_el2);
	write_sysreg(vhe_mode ? CPTR_VHE : CPTR_NVHE, cptr_el2);
	write_sysreg(vhe_mode ? 3UL << 10 : 3, cnthctl_el2);
	write_sysreg(0, cntvoff_el2);
	write_sysreg(0, hstr_el2);
	write_sysreg(mdcr_no_traps(), mdcr_el2);
	l2_set_stage2(&l2_s2, 1);
	l2_reset_el1();
	asm volatile("tlbi alle1" : : : "memory");
	dsb(nsh);		/* nothing of an earlier VMID 1 is left */
	isb();
}

void l2_mmu_on(const struct pgtable *s1)
{
	guest_write(MAIR_VALUE, MAIR);
	guest_write(s1_tcr(s1), TCR);
	guest_write((u64)s1->root, TTBR0);
	isb();
	guest_write(guest_read(SCTLR) | SCTLR_M | SCTLR_C | SCTLR_I, SCTLR);
	isb();
}

void l2_mmu_off(void)
{
	guest_write(guest_read(SCTLR) & ~(SCTLR_M | SCTLR_C | SCTLR_I), SCTLR);
	isb();
}

void l2_prepare(struct vcpu *v, l2_fn fn, u64 a, u64 b, u64 pstate)
{
	bool el0 = (pstate & PSR_M) == PSR_EL0t;

	memset(v, 0, sizeof(*v));
	v->x[0] = a;
	v->x[1] = b;
	v->x[30] = el0 ? (u64)l2_return_el0 : (u64)l2_return_el1;
	v->pc = (u64)fn;
	v->pstate = pstate;
	write_sysreg((u64)stack_el1 + sizeof(stack_el1), sp_el1);
	write_sysreg((u64)stack_el0 + sizeof(stack_el0), sp_el0);
}

u64 l2_enter(struct vcpu *v, u64 extra)
{
	u64 hcr = read_sysreg(hcr_el2);
	u64 vec;

	write_sysreg(l2_hcr | extra, hcr_el2);
	isb();
	vec = guest_enter(v);
	write_sysreg(hcr, hcr_el2);
	isb();
	return vec;
}

bool l2_at_el1_vector(const struct vcpu *v, u64 *vec)
{
	u64 imm = FIELD(v->esr, 15, 0);

	if (v->vec != VEC(GROUP_A64, KIND_SYNC) || ESR_EC(v->esr) != EC_HVC)
		return false;
	if (imm < L2_VEC_IMM || imm > L2_VEC_IMM + 15)
		return false;
	*vec = imm - L2_VEC_IMM;
	return true;
}

bool l2_done(const struct vcpu *v)
{
	u64 vec, esr;

	if ((v->vec & 3) != KIND_SYNC || ESR_EC(v->esr) != EC_HVC)
		return false;
	if (FIELD(v->esr, 15, 0) == L2_DONE_IMM)
		return true;
	if (!l2_at_el1_vector(v, &vec) || (vec & 3) != KIND_SYNC)
		return false;
	esr = guest_read(ESR);
	return ESR_EC(esr) == EC_SVC && FIELD(esr, 15, 0) == L2_DONE_IMM;
}

/* ELR already is behind an SVC or HVC. */
static bool returns_after(u64 esr)
{
	return ESR_EC(esr) == EC_SVC || ESR_EC(esr) == EC_HVC || ESR_EC(esr) == 0x11 ||
	       ESR_EC(esr) == 0x12;
}

void l2_skip(struct vcpu *v)
{
	u64 vec;

	if (l2_at_el1_vector(v, &vec)) {
		if ((vec & 3) == KIND_SYNC && !returns_after(guest_read(ESR)))
			guest_write(guest_read(ELR) + 4, ELR);
		guest_write(guest_read(SPSR) & ~PSR_IL, SPSR);
	} else if ((v->vec & 3) == KIND_SYNC && !returns_after(v->esr)) {
		v->pc += 4;
	}
}

void l2_print_exit(const char *name, const struct vcpu *v)
{
	u64 ec = ESR_EC(v->esr);
	u64 fsc = FIELD(v->esr, 5, 2);
	bool abort = ec == EC_IABT_LOW || ec == EC_DABT_LOW;
	u64 vec;

	printf("%s: ", name);
	if (l2_at_el1_vector(v, &vec)) {
		printf("EL1 ");
		print_syndrome(vec, guest_read(ESR), guest_read(FAR));
		printf(" spsr %lx\n", guest_read(SPSR) & (PSR_M | PSR_DAIF | PSR_IL));
		return;
	}
	print_syndrome(v->vec, v->esr, v->far);
	/* translation, access flag and (only with S1PTW) permission faults have an IPA here */
	if ((v->vec & 3) == KIND_SYNC && abort &&
	    (fsc == 1 || fsc == 2 || fsc == 0 || (v->esr & ISS_S1PTW)))
		printf(" ipa %lx", FIELD(read_sysreg(hpfar_el2), 43, 4) << 12);
	printf(" spsr %lx\n", v->pstate & (PSR_M | PSR_DAIF | PSR_IL));
}

u64 l2_trace(const char *name, l2_fn fn, u64 a, u64 b, u64 pstate, u64 extra_hcr)
{
	struct vcpu v;
	unsigned int exits = 0;

	l2_prepare(&v, fn, a, b, pstate);
	for (;;) {
		l2_enter(&v, extra_hcr);
		if (l2_done(&v))
			break;
		l2_print_exit(name, &v);
		l2_skip(&v);
		if (++exits == EXIT_LIMIT)
			fail(name);
	}
	if (!exits)
		printf("%s: no exit\n", name);
	return v.x[0];
}

struct vcpu l2_first_exit(l2_fn fn, u64 a, u64 b, u64 pstate, u64 extra_hcr)
{
	struct vcpu v;

	l2_prepare(&v, fn, a, b, pstate);
	l2_enter(&v, extra_hcr);
	return v;
}

u64 l2_call(l2_fn fn, u64 a, u64 b)
{
	struct vcpu v = l2_first_exit(fn, a, b, L2_EL1, 0);

	if (!l2_done(&v)) {
		l2_print_exit("FAIL unexpected exit of L2", &v);
		system_off();
	}
	return v.x[0];
}

u64 l2_check_shared(l2_fn fill, l2_fn sum, u64 seed)
{
	u64 want = sum(0, 0);

	check(l2_call(sum, 0, 0) == want, "L2 sees what EL2 left");
	l2_call(fill, seed, 0);
	want = l2_call(sum, 0, 0);
	check(sum(0, 0) == want, "EL2 sees what L2 left");
	/* something that the hypervisor below does for us in between */
	smccc(PSCI_VERSION, 0, 0, 0);
	check(sum(0, 0) == want, "still after an SMC");
	return want;
}
