// SPDX-License-Identifier: GPL-2.0-only
/*
 * The bundled L1 as a hypervisor of one L2: stage 2, entry and exit, the devices that its hypervisor part
 * emulates, list register 0. At EL2, interrupts masked. The exit path reads no register but what
 * guest_enter() saves and, for an abort, HPFAR_EL2.
 */
#include "bundled.h"
#include "gic.h"
#include "guest-regs.h"
#include "l2-abi.h"
#include "pgtable.h"

#define IPA_BITS	32
/* No trap of FP to EL2: VHE has FPEN, nVHE has RES1 bits and TFP clear. */
#define CPTR_VHE	(3UL << 20)
#define CPTR_NVHE	0x33ffUL
/* EL1 may use the physical counter and timer. */
#define CNTHCTL_VHE	(3UL << 10)
#define CNTHCTL_NVHE	3UL

extern const char l2_image[], l2_image_end[];

struct pgtable l2_stage2;
struct l2cpu l2cpus[NR_CPUS];

static void stage2_init(void)
{
	u64 mem = (u64)pages_alloc(L2_SIZE, SZ_2M);

	memcpy((void *)mem, l2_image, l2_image_end - l2_image);
	/* L2 fetches what was just stored */
	for (u64 p = mem; p < mem + (u64)(l2_image_end - l2_image); p += 64)
		asm volatile("dc cvau, %0" : : "r"(p) : "memory");
	dsb(ish);
	asm volatile("ic ialluis" : : : "memory");
	dsb(ish);
	isb();
	pt_init(&l2_stage2, 12, IPA_BITS, -1);
	pt_map(&l2_stage2, L2_BASE, mem, L2_SIZE, S2_RW | S2_NORMAL);
}

/* Everything of EL2's that L2 runs under, but for HCR_EL2. */
static void el2_init(u64 cpu)
{
	write_sysreg(read_sysreg(midr_el1), vpidr_el2);
	write_sysreg((read_sysreg(mpidr_el1) & ~0xffUL) | cpu, vmpidr_el2);
	write_sysreg(s2_vtcr(&l2_stage2), vtcr_el2);
	write_sysreg((u64)l2_stage2.root | 1UL << 48, vttbr_el2);
	write_sysreg(vhe_mode ? CPTR_VHE : CPTR_NVHE, cptr_el2);
	write_sysreg(vhe_mode ? CNTHCTL_VHE : CNTHCTL_NVHE, cnthctl_el2);
	write_sysreg(0, cntvoff_el2);
	write_sysreg(0, hstr_el2);
	write_sysreg(ICH_HCR_EN, SYS_ICH_HCR_EL2);
	write_sysreg(0, SYS_ICH_VMCR_EL2);
	guest_write(SCTLR_EL1_RES1, SCTLR);
	guest_write(0, CPACR);
	guest_write(0, CNTKCTL);
	isb();
	write_sysreg(L2_HCR, hcr_el2);
	isb();
	/* tables and VMID are new, but what the TLB held before is not known */
	asm volatile("tlbi vmalls12e1" : : : "memory");
	dsb(nsh);
	isb();
}

static u64 l2_has(void)
{
	return (vhe_mode || bench.split ? L2_HAS_HOST : 0) | (bench.second ? L2_HAS_CPU1 : 0) |
	       (bench.only_ipi ? L2_ONLY_IPI : 0);
}

static void l2cpu_init(struct l2cpu *me, u64 cpu, u64 pc)
{
	me->cpu = cpu;
	me->v.x[0] = bench.iters;
	me->v.x[1] = bench.warm;
	me->v.x[2] = l2_has();
	me->v.pc = pc;
	me->v.pstate = PSR_EL1h | PSR_DAIF;
}

static void load_lr(struct l2cpu *me)
{
	if (read_sysreg(SYS_ICH_LR0_EL2) & ICH_LR_STATE)
		fail("list register 0 still in use");
	write_sysreg(me->lr, SYS_ICH_LR0_EL2);
	me->lr = 0;
}

/* Is the exit dealt with here, so that L2 goes on? */
static bool handled_at_once(struct l2cpu *me)
{
	if (me->v.vec != VEC(GROUP_A64, KIND_SYNC))
		return false;
	if (ESR_EC(me->v.esr) == EC_HVC)
		return is_marker(me->v.esr);
	if (ESR_EC(me->v.esr) != EC_DABT_LOW)
		return false;
	me->ipa = FIELD(read_sysreg(hpfar_el2), 39, 4) << 12;
	if (me->ipa != L2_UART)
		return false;
	exits_uart(me);
	return true;
}

/* Run L2 until an exit that exits_handle() is to see. */
void hyp_enter_l2(struct l2cpu *me)
{
	if (me->lr)
		load_lr(me);
	do
		guest_enter(&me->v);
	while (handled_at_once(me));
}

/* This CPU's vCPU of L2 from its start, at me->start, to its end. */
void hyp_cpu_run(struct l2cpu *me)
{
	u64 cpu = (u64)(me - l2cpus);

	el2_init(cpu);
	l2cpu_init(me, cpu, me->start);
	if (bench.split) {
		split_run(me);
	} else {
		while (!me->ended) {
			hyp_enter_l2(me);
			exits_handle(me);
		}
	}
	write_sysreg(HYP_HCR, hcr_el2);
	isb();
}

void hyp_run(void)
{
	stage2_init();
	exits_init();
	gic_enable(PPI_CNTV);
	l2cpus[0].start = L2_BASE;
	hyp_cpu_run(&l2cpus[0]);
}
