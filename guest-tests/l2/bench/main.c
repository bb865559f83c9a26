// SPDX-License-Identifier: GPL-2.0-only
/*
 * An L2 for somebody else's L1 (Linux/KVM with QEMU's virt machine): does operations that cost a
 * hypervisor something and marks each. EL1 with its own stage 1, interrupts masked but where one is
 * waited for. iters=N samples of each operation after warm=N that are none; ends by PSCI. One CPU; ops=ipi
 * starts a second one and measures what takes two.
 */
#include "gic.h"
#include "lib.h"
#include "mmio.h"
#include "pgtable.h"
#include "smp.h"

#define VA_BITS		32
#define UART		0x09000000UL
#define UART_PERIPHID0	0xfe0		/* in the VMM: no kernel emulates a PL011 */
#define UART_ID0	0x11
#define SGI		3
#define SGI_OTHER	4
#define NO_SGI		99
#define TIMER_US	100
#define CNTV_ENABLE	1

void bench_main(const void *dtb);
void bench_irq(void);
void bench_bad(void);
void bench_second(void);
void bench_second_main(void);

static struct pgtable pt;

static volatile unsigned int irqs;
static unsigned int expected;		/* INTID of the next interrupt */
static u64 iters, warm, timer_ticks;
static u32 iidr;
static volatile u64 ready, done;	/* rounds of the ipi operation, by its receiver */
static u64 round;			/* the same, by its sender */
static u8 second_stack[8192] __attribute__((aligned(16)));

static u64 psci3(u64 fn, u64 a1, u64 a2, u64 a3)
{
	register u64 x0 asm("x0") = fn;
	register u64 x1 asm("x1") = a1;
	register u64 x2 asm("x2") = a2;
	register u64 x3 asm("x3") = a3;

	asm volatile("hvc #0"
		     : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)
		     :
		     : "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14",
		       "x15", "x16", "x17", "memory");
	return x0;
}

static u64 psci(u64 fn)
{
	return psci3(fn, 0, 0, 0);
}

static void die(const char *what)
{
	printf("vel2: l2-error: %s\n", what);
	for (;;)
		psci(PSCI_SYSTEM_OFF);
}

void bench_bad(void)
{
	printf("esr %lx elr %lx far %lx\n", read_sysreg(esr_el1), read_sysreg(elr_el1),
	       read_sysreg(far_el1));
	die("unexpected exception");
}

static void timer_stop(void)
{
	write_sysreg(0, cntv_ctl_el0);
	isb();			/* the level falls before the interrupt is ended */
}

void bench_irq(void)
{
	unsigned int intid = gic_ack();

	if (intid == INTID_SPURIOUS)
		return;
	if (intid == PPI_CNTV)
		timer_stop();
	gic_eoi(intid);
	if (intid != expected)
		die("wrong interrupt");
	irqs++;
}

static inline void unmask(void)
{
	asm volatile("msr daifclr, #2" : : : "memory");
}

static inline void mask(void)
{
	asm volatile("msr daifset, #2" : : : "memory");
}

static inline void timer_start(u64 ticks)
{
	write_sysreg(ticks, cntv_tval_el0);
	write_sysreg(CNTV_ENABLE, cntv_ctl_el0);
	isb();			/* it runs before what waits for it */
}

static inline bool op_empty(void)
{
	return true;
}

static inline bool op_hypercall(void)
{
	return (psci(PSCI_VERSION) >> 16) != 0;
}

static inline bool op_mmio(void)
{
	return (mmio_read32(UART + UART_PERIPHID0) & 0xff) == UART_ID0;
}

static inline bool op_mmio_kernel(void)
{
	return mmio_read32(GICD_BASE + GICD_IIDR) == iidr;
}

static inline bool op_veoi(void)
{
	unsigned int intid = gic_ack();

	gic_eoi(intid);
	return intid == SGI;
}

static inline bool op_self_ipi(void)
{
	unsigned int before = irqs;

	gic_send_sgi(SGI);
	while (irqs == before)
		;
	return true;
}

/* As an idle loop does it: nothing is lost between the test and WFI, which wakes for masked ones. */
static inline bool op_wfi_timer(void)
{
	unsigned int before = irqs;

	timer_start(timer_ticks);
	while (irqs == before) {
		wfi();
		unmask();
		isb();		/* what is pending is taken here */
		mask();
	}
	return true;
}

static inline bool op_timer(void)
{
	unsigned int before = irqs;

	timer_start(0);
	while (irqs == before)
		;
	return true;
}

/* The other CPU is running, and has taken it when this is over. */
static inline bool op_ipi(void)
{
	dsb(ishst);
	write_sysreg((u64)SGI_OTHER << 24 | BIT(1), SYS_ICC_SGI1R_EL1);
	isb();
	wait_not(&done, round - 1);
	return true;
}

static void prep_ipi(void)
{
	wait_not(&ready, round++);
}

static void no_prep(void)
{
}

static void prep_veoi(void)
{
	gic_send_sgi(SGI);
	while (read_sysreg(SYS_ICC_HPPIR1_EL1) != SGI)
		;
}

static void prep_self_ipi(void)
{
	expected = SGI;
	unmask();
}

static void prep_wfi_timer(void)
{
	expected = PPI_CNTV;
}

static void prep_timer(void)
{
	expected = PPI_CNTV;
	unmask();
}

/* The operation is inlined between its markers, so that nothing else is measured. */
#define MEASURE(name, prep) do {					\
	bool good_ = true;						\
									\
	for (u64 i_ = 0; i_ < warm; i_++) {				\
		prep();							\
		good_ &= op_##name();					\
		mask();							\
	}								\
	for (u64 i_ = 0; i_ < iters; i_++) {				\
		prep();							\
		marker_begin(REGION_##name##_nested);			\
		good_ &= op_##name();					\
		marker_end(REGION_##name##_nested, 1);			\
		mask();							\
	}								\
	if (!good_)							\
		die(#name);						\
} while (0)

static void mmu_init(void)
{
	pt_init(&pt, 12, VA_BITS, -1);
	pt_map(&pt, (u64)_text_start, (u64)_text_start, 2 * SZ_2M, PTE_NORMAL | PTE_UXN);
	pt_map(&pt, GICD_BASE, GICD_BASE, 8 * SZ_2M, PTE_DEVICE | PTE_PXN);
	pt_map(&pt, UART, UART, SZ_2M, PTE_DEVICE | PTE_PXN);
	mmu_on_el1(&pt);
}

/*
 * The receiver of the ipi operation. Its side of a round begins before it says that it waits, and ends
 * before the sender may go on: of two regions of one operation, the sender's always ends last.
 */
void bench_second_main(void)
{
	mmu_on_el1(&pt);
	write_sysreg(1, SYS_ICC_SRE_EL1);
	isb();			/* system registers before their use */
	gic_init_cpu_el1(1, BIT(SGI_OTHER));
	unmask();
	for (u64 i = 1; i <= warm + iters; i++) {
		unsigned int before = irqs;

		if (i > warm)
			marker_begin(PEER_ipi_nested);
		barrier_write(&ready, i);
		while (irqs == before)
			asm volatile("yield");
		if (i > warm)
			marker_end(PEER_ipi_nested, 1);
		barrier_write(&done, i);
	}
	for (;;)
		psci(PSCI_CPU_OFF);
}

static void measure_two(void)
{
	expected = SGI_OTHER;
	if (psci3(PSCI_CPU_ON, 1, (u64)bench_second, (u64)second_stack + sizeof(second_stack)))
		die("no second CPU");
	MEASURE(ipi, prep_ipi);
}

static void measure_alone(void)
{
	MEASURE(hypercall, no_prep);
	MEASURE(mmio, no_prep);
	MEASURE(mmio_kernel, no_prep);
	MEASURE(veoi, prep_veoi);
	MEASURE(self_ipi, prep_self_ipi);
	MEASURE(wfi_timer, prep_wfi_timer);
	MEASURE(timer, prep_timer);
}

void bench_main(const void *dtb)
{
	args_init(fdt_bootargs(dtb));
	iters = arg_u64("iters", 100);
	warm = arg_u64("warm", 16);
	mmu_init();
	write_sysreg(1, SYS_ICC_SRE_EL1);
	isb();			/* system registers before their use */
	gic_init_el1();
	gic_enable(SGI);
	gic_enable(PPI_CNTV);
	iidr = gicd_read(GICD_IIDR);
	timer_ticks = read_sysreg(cntfrq_el0) * TIMER_US / 1000000;
	expected = NO_SGI;
	printf("vel2: l2-bench\n");

	MEASURE(empty, no_prep);
	if (arg_is("ops", "ipi"))
		measure_two();
	else
		measure_alone();
	printf("vel2: l2-done\n");
	for (;;)
		psci(PSCI_SYSTEM_OFF);
}
