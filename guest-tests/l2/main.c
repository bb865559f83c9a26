// SPDX-License-Identifier: GPL-2.0-only
/*
 * The bundled L2, at EL1 with its own stage 1: does every nested operation of regions.def and marks
 * each. Interrupts are masked but where one is waited for. Ends with a hypercall. A second vCPU, where
 * L1 has one, receives the virtual IPIs of the first.
 */
#include "mmio.h"
#include "gic.h"
#include "l2-abi.h"
#include "lib.h"
#include "pgtable.h"

#define VA_BITS	32

#define CNTV_ENABLE	1

void l2_main(u64 iters, u64 warm, u64 has);
void l2_second_main(u64 iters, u64 warm);
void l2_irq(void);
void l2_bad(void);
u64 l2_user(void);
extern char l2_second[];

static volatile unsigned int irqs, timer_irqs, ipis;
static volatile u64 ready, done;	/* rounds of the ipi operation, by its receiver */
static u64 round;			/* the same, by its sender */
static unsigned int next_fault;
static u64 mmfr0, switches;
static struct pgtable pt;

static u64 hypercall(u64 fn, u64 arg)
{
	register u64 x0 asm("x0") = fn;
	register u64 x1 asm("x1") = arg;

	asm volatile("hvc #0" : "+r"(x0) : "r"(x1) : "memory");
	return x0;
}

static void die(const char *what)
{
	printf("FAIL L2 %s\n", what);
	hypercall(L2_HC_END, 1);
}

void l2_irq(void)
{
	unsigned int intid = gic_ack();

	if (intid == PPI_CNTV) {
		write_sysreg(0, cntv_ctl_el0);
		isb();		/* the level falls before the interrupt is ended */
	}
	gic_eoi(intid);
	if (intid != L2_VIRQ && intid != L2_IPI && intid != PPI_CNTV)
		die("wrong interrupt");
	irqs += intid == L2_VIRQ;
	ipis += intid == L2_IPI;
	timer_irqs += intid == PPI_CNTV;
}

void l2_bad(void)
{
	printf("L2 esr %lx elr %lx far %lx\n", read_sysreg(esr_el1), read_sysreg(elr_el1),
	       read_sysreg(far_el1));
	die("unexpected exception");
}

static inline u64 op_hypercall(void)
{
	return hypercall(L2_HC_NOP, 41) == 42;
}

static inline u64 op_mmio(void)
{
	return mmio_read32((u64)L2_UART + L2_UART_PERIPHID) == L2_UART_ID;
}

static inline u64 op_mmio_host(void)
{
	return mmio_read32((u64)L2_DEVICE + L2_UART_PERIPHID) == L2_UART_ID;
}

static inline u64 op_s2fault(void)
{
	*(volatile u64 *)(L2_FAULT_BASE + SZ_4K * next_fault++) = 1;
	return 1;
}

static inline u64 op_sysreg(void)
{
	return read_sysreg(id_aa64mmfr0_el1) == mmfr0;
}

static inline u64 op_wfi(void)
{
	wfi();
	return 1;
}

static inline u64 op_virq(void)
{
	unsigned int before = irqs;

	hypercall(L2_HC_INJECT, L2_VIRQ);
	while (irqs == before)
		;
	return 1;
}

static inline u64 op_veoi(void)
{
	unsigned int intid = gic_ack();

	gic_eoi(intid);
	return intid == L2_VIRQ;
}

static inline u64 op_syscall(void)
{
	return ESR_EC(l2_user()) == EC_SVC;
}

static inline u64 op_timer(void)
{
	unsigned int before = timer_irqs;

	write_sysreg(0, cntv_tval_el0);
	write_sysreg(CNTV_ENABLE, cntv_ctl_el0);
	isb();			/* it runs before what waits for it */
	while (timer_irqs == before)
		;
	return 1;
}

/* Another address space, whose ASID somebody else had before. */
static inline u64 op_ctxsw(void)
{
	u64 asid = (1 + (++switches & 1)) << 48;

	write_sysreg((u64)pt.root | asid, ttbr0_el1);
	isb();			/* the table first, then what another one left */
	asm volatile("tlbi aside1, %0" : : "r"(asid) : "memory");
	dsb(nsh);
	isb();
	return 1;
}

static void announce(volatile u64 *p, u64 v)
{
	dsb(ish);		/* what it announces is seen before it */
	*p = v;
	dsb(ish);
}

static void wait_for(const volatile u64 *p, u64 v)
{
	while (*p != v)
		asm volatile("yield");
	dsb(ish);		/* nothing later is read before it */
}

static inline u64 op_ipi(void)
{
	dsb(ishst);
	write_sysreg((u64)L2_IPI << 24 | BIT(1), SYS_ICC_SGI1R_EL1);
	isb();
	wait_for(&done, round);
	return 1;
}

static inline u64 op_empty(void)
{
	return 1;
}

static void no_prep(void)
{
}

static void unmask(void)
{
	asm volatile("msr daifclr, #2" : : : "memory");
}

static void mask(void)
{
	asm volatile("msr daifset, #2" : : : "memory");
}

static void prep_ipi(void)
{
	wait_for(&ready, ++round);
}

static void prep_veoi(void)
{
	mask();
	hypercall(L2_HC_INJECT, L2_VIRQ);
}

/* The operation is inlined between its markers, so that nothing else is measured. */
#define MEASURE(name, prep) do {					\
	bool good_ = true;						\
									\
	for (u64 i_ = 0; i_ < warm; i_++) {				\
		prep();							\
		good_ &= op_##name() == 1;				\
	}								\
	for (u64 i_ = 0; i_ < iters; i_++) {				\
		prep();							\
		marker_begin(REGION_##name##_nested);			\
		good_ &= op_##name() == 1;				\
		marker_end(REGION_##name##_nested, 1);			\
	}								\
	if (!good_)							\
		die(#name);						\
	printf("op " #name " nested ok\n");				\
} while (0)

static void tables_init(void)
{
	pt_init(&pt, 12, VA_BITS, -1);
	pt.pages_only = true;
	pt_map(&pt, (u64)_text_start, (u64)_text_start, _user_text_start - _text_start,
	       PTE_NORMAL | PTE_UXN);
	pt_map(&pt, (u64)_user_text_start, (u64)_user_text_start,
	       _user_text_end - _user_text_start, PTE_NORMAL | PTE_USER | PTE_RDONLY | PTE_PXN);
	pt_map(&pt, (u64)_user_text_end, (u64)_user_text_end,
	       L2_BASE + SZ_2M - (u64)_user_text_end, PTE_NORMAL | PTE_UXN | PTE_PXN);
	pt.pages_only = false;
	pt_map(&pt, L2_FAULT_BASE, L2_FAULT_BASE, L2_FAULT_SIZE, PTE_NORMAL | PTE_UXN | PTE_PXN);
	pt_map(&pt, L2_UART, L2_UART, L2_UART_SIZE, PTE_DEVICE | PTE_PXN);
	pt_map(&pt, L2_DEVICE, L2_DEVICE, L2_UART_SIZE, PTE_DEVICE | PTE_PXN);
}

/* MMU and CPU interface, of either vCPU. */
static void cpu_init(void)
{
	mmu_on_el1(&pt);
	write_sysreg(1, SYS_ICC_SRE_EL1);
	isb();
	write_sysreg(0xff, SYS_ICC_PMR_EL1);
	write_sysreg(0, SYS_ICC_CTLR_EL1);
	write_sysreg(1, SYS_ICC_IGRPEN1_EL1);
	isb();
}

/*
 * The receiver of the ipi operation. Its side of a round begins before it says that it waits, and ends
 * before the sender may go on: of two regions of one operation, the sender's always ends last.
 */
void l2_second_main(u64 iters, u64 warm)
{
	cpu_init();
	unmask();
	for (u64 i = 1; i <= warm + iters; i++) {
		unsigned int before = ipis;

		if (i > warm)
			marker_begin(PEER_ipi_nested);
		announce(&ready, i);
		while (ipis == before)
			asm volatile("yield");
		if (i > warm)
			marker_end(PEER_ipi_nested, 1);
		announce(&done, i);
	}
	hypercall(L2_HC_CPU_OFF, 0);
}

static void measure_alone(u64 iters, u64 warm, u64 has)
{
	MEASURE(hypercall, no_prep);
	MEASURE(mmio, no_prep);
	if (has & L2_HAS_HOST)
		MEASURE(mmio_host, no_prep);
	else
		printf("op mmio_host nested none: L1 is a hypervisor and nothing else\n");
	MEASURE(s2fault, no_prep);
	if (hypercall(L2_HC_FAULTS, 0) != iters + warm)
		die("s2fault: pages backed");
	MEASURE(sysreg, no_prep);
	MEASURE(wfi, no_prep);
	MEASURE(virq, unmask);
	MEASURE(veoi, prep_veoi);
	MEASURE(timer, unmask);
	MEASURE(ctxsw, mask);
	MEASURE(syscall, no_prep);
}

void l2_main(u64 iters, u64 warm, u64 has)
{
	tables_init();
	cpu_init();
	mmfr0 = read_sysreg(id_aa64mmfr0_el1);

	MEASURE(empty, no_prep);
	if (has & L2_HAS_CPU1) {
		hypercall(L2_HC_CPU_ON, (u64)l2_second);
		MEASURE(ipi, prep_ipi);
	}
	if (!(has & L2_ONLY_IPI))
		measure_alone(iters, warm, has);
	printf("L2 end\n");
	hypercall(L2_HC_END, 0);
}
