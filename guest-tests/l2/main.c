// SPDX-License-Identifier: GPL-2.0-only
/*
 * The bundled L2, at EL1 with its own stage 1: does every nested operation of regions.def and marks
 * each. Interrupts are masked but in virq. Ends with a hypercall.
 */
#include "mmio.h"
#include "gic.h"
#include "l2-abi.h"
#include "lib.h"
#include "pgtable.h"

#define VA_BITS	32

void l2_main(u64 iters, u64 warm);
void l2_irq(void);
void l2_bad(void);
u64 l2_user(void);

static volatile unsigned int irqs;
static unsigned int next_fault;
static u64 mmfr0;

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

	gic_eoi(intid);
	if (intid != L2_VIRQ)
		die("wrong interrupt");
	irqs++;
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

static inline u64 op_empty(void)
{
	return 1;
}

static void no_prep(void)
{
}

static void prep_virq(void)
{
	asm volatile("msr daifclr, #2" : : : "memory");
}

static void prep_veoi(void)
{
	asm volatile("msr daifset, #2" : : : "memory");
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

static void mmu_init(void)
{
	static struct pgtable pt;

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
	mmu_on_el1(&pt);
}

void l2_main(u64 iters, u64 warm)
{
	mmu_init();
	write_sysreg(1, SYS_ICC_SRE_EL1);
	isb();
	write_sysreg(0xff, SYS_ICC_PMR_EL1);
	write_sysreg(0, SYS_ICC_CTLR_EL1);
	write_sysreg(1, SYS_ICC_IGRPEN1_EL1);
	isb();
	mmfr0 = read_sysreg(id_aa64mmfr0_el1);

	MEASURE(empty, no_prep);
	MEASURE(hypercall, no_prep);
	MEASURE(mmio, no_prep);
	MEASURE(s2fault, no_prep);
	if (hypercall(L2_HC_FAULTS, 0) != iters + warm)
		die("s2fault: pages backed");
	MEASURE(sysreg, no_prep);
	MEASURE(wfi, no_prep);
	MEASURE(virq, prep_virq);
	MEASURE(veoi, prep_veoi);
	MEASURE(syscall, no_prep);
	printf("L2 end\n");
	hypercall(L2_HC_END, 0);
}
