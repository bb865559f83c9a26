// SPDX-License-Identifier: GPL-2.0-only
/*
 * The second CPU, at EL2: what it does of each operation of two CPUs, in the order of vm.c and hyp.c.
 */
#include "bundled.h"
#include "gic.h"
#include "mmio.h"
#include "pgtable.h"

#define STACK_SIZE	16384
#define GICR_STRIDE	0x20000UL
#define DEFAULT_PRIO	0xa0a0a0a0U

extern char secondary_entry[];
extern u64 secondary_hcr;
u64 secondary_hcr;
void secondary_main(void);

static u8 stack[STACK_SIZE] __attribute__((aligned(16)));
static volatile u64 started;

void smp_set(volatile u64 *p, u64 v)
{
	dsb(ish);		/* what it announces is seen before it */
	*p = v;
	dsb(ish);
}

void smp_wait(const volatile u64 *p, u64 v)
{
	while (*p != v)
		asm volatile("yield");
	dsb(ish);		/* nothing later is read before it */
}

void smp_send_sgi(u64 cpu, unsigned int intid)
{
	dsb(ishst);
	write_sysreg((u64)intid << 24 | BIT(cpu), SYS_ICC_SGI1R_EL1);
	isb();
}

/* The redistributor and CPU interface of CPU 1; the distributor is CPU 0's to set up. */
static void gic_init_second(void)
{
	u64 base = GICR_BASE + GICR_STRIDE;

	mmio_write32(base + GICR_WAKER, 0);
	while (mmio_read32(base + GICR_WAKER) & BIT(2))
		;
	mmio_write32(base + GICR_SGI + GICD_IGROUPR(0), ~0U);
	for (unsigned int i = 0; i < 32; i += 4)
		mmio_write32(base + GICR_SGI + GICD_IPRIORITYR(i), DEFAULT_PRIO);
	mmio_write32(base + GICR_SGI + GICD_ISENABLER(0), 1U << SGI_IPI | 1U << SGI_KICK);
	write_sysreg(0xf, SYS_ICC_SRE_EL2);
	isb();
	write_sysreg(0xff, SYS_ICC_PMR_EL1);
	write_sysreg(0, SYS_ICC_CTLR_EL1);
	write_sysreg(1, SYS_ICC_IGRPEN1_EL1);
	isb();
}

void secondary_main(void)
{
	struct l2cpu *me = &l2cpus[1];

	mmu_init_el2();
	gic_init_second();
	smp_set(&started, 1);
	vm_ipi_receive();
	while (!me->start)
		asm volatile("yield");
	dsb(ish);
	hyp_cpu_run(me);
	smccc(PSCI_CPU_OFF, 0, 0, 0);
	fail("CPU_OFF came back");
}

bool smp_start(void)
{
	s64 ret;

	secondary_hcr = HYP_HCR | HCR_IMO | HCR_FMO | HCR_AMO;
	dsb(ish);		/* read there with the MMU off */
	asm volatile("dc civac, %0\n dsb sy" : : "r"(&secondary_hcr) : "memory");
	ret = smccc(PSCI_CPU_ON, 1, (u64)secondary_entry, (u64)stack + STACK_SIZE);
	if (ret)
		return false;
	smp_wait(&started, 1);
	gic_enable(SGI_KICK);
	return true;
}
