// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exits of L2 that this EL2 does not see where there is a hypervisor below it (a device, firmware, an
 * ID register, a page of its own): L2 goes on as if nothing had been, with what it had before.
 */
#include "gic.h"
#include "l2.h"

#define HCR_NV		BIT(42)
#define MDCR_TDE	BIT(8)
#define MDSCR_SS	BIT(0)
#define MDSCR_TDCC	BIT(12)
#define TCR_HA		BIT(39)
#define IDR		(GICD_BASE + GICD_IIDR)
#define NOWHERE		0x300000000UL
#define BLOCK		0x4c000000UL	/* RAM that nothing else uses */

extern char serror_counts[];		/* vectors of EL1: an SError adds one to x3 and returns */
asm(".pushsection .text.resume, \"ax\"\n"
    ".balign 0x800\n"
    "serror_counts: .org serror_counts + 0x380\n"
    "add x3, x3, #1\n"
    "eret\n"
    ".org serror_counts + 0x800\n"
    ".popsection");

L2_ASM(do_device, "ldr w2, [x0]\n nop\n nop")
L2_ASM(do_smc, "smc #0\n nop\n nop")
L2_ASM(do_id, "mrs x2, id_aa64pfr0_el1\n nop\n nop")
L2_ASM(do_cold, "ldr x2, [x0]\n nop\n nop")
L2_ASM(do_mdscr, "msr mdscr_el1, x1\n ldr w2, [x0]\n mrs x0, mdscr_el1")
L2_ASM(do_serror, "mov x3, #0\n msr daifclr, #4\n isb\n ldr w2, [x0]\n isb\n ldr w2, [x0]\n"
		  "isb\n msr daifset, #4\n mov x0, x3")
L2_ASM(do_hvc, "hvc #2")
L2_ASM(do_load, "ldr x0, [x0]")

/* The instruction itself is the one step, whoever executes it. */
static void step(const char *name, l2_fn fn, u64 a, u64 pstate)
{
	struct vcpu v;

	write_sysreg(read_sysreg(mdcr_el2) | MDCR_TDE, mdcr_el2);
	write_sysreg(MDSCR_SS, mdscr_el1);
	isb();
	v = l2_first_exit(fn, a, 0, pstate | PSR_SS, 0);
	/* ISV of the syndrome tells where the PE lost the step's instruction, which it may. */
	printf("%s: %s at +%lx, spsr.ss %lu\n", name, ec_name(v.esr), v.pc - (u64)fn,
	       FIELD(v.pstate, 21, 21));
	write_sysreg(0, mdscr_el1);
	write_sysreg(read_sysreg(mdcr_el2) & ~MDCR_TDE, mdcr_el2);
	isb();
}

static void virtual_serror(void)
{
	guest_write((u64)serror_counts, VBAR);
	isb();
	printf("virtual SErrors taken: %lu\n", l2_first_exit(do_serror, IDR, 0, L2_EL1, HCR_VSE).x[0]);
	l2_reset_el1();
}

/* An exception from a guest's virtual EL2 to its EL1 shows EL2 in SPSR_EL1, whoever delivers it. */
static void nested_undefined(void)
{
	struct vcpu v;

	if (!FIELD(read_sysreg(S3_0_C0_C7_2), 27, 24))
		return;
	guest_write(NOWHERE, VBAR);
	v = l2_first_exit(do_hvc, 0, 0, L2_EL1, HCR_HCD | HCR_NV);
	l2_print_exit("HCD with NV", &v);
	printf("  spsr_el1 %lx\n", guest_read(SPSR) & PSR_M);
	l2_reset_el1();
}

/* The walker's update of an access flag is a write, which stage 2 may refuse it. */
static void access_flag(void)
{
	struct pgtable s1, s2;
	unsigned int level;
	u64 *leaf, *table;

	if (!FIELD(read_sysreg(id_aa64mmfr1_el1), 3, 0))
		return;
	pt_init(&s1, 12, 39, -1);
	pt_map(&s1, 0x40000000UL, 0x40000000UL, 0x10000000UL, PTE_NORMAL);
	pt_init(&s2, 12, 40, 1);
	s2.pages_only = true;
	pt_map(&s2, 0x40000000UL, 0x40000000UL, 0x10000000UL, S2_RW | S2_NORMAL);
	leaf = pt_leaf(&s1, BLOCK, &level);
	table = (u64 *)((u64)leaf & ~0xfffUL);
	*leaf &= ~PTE_AF;
	*pt_leaf(&s2, (u64)table, &level) &= ~S2_W;
	dsb(sy);
	l2_set_stage2(&s2, 2);
	l2_mmu_on(&s1);
	guest_write(s1_tcr(&s1) | TCR_HA, TCR);
	isb();
	l2_print_exit("load, access flag",
		      &(struct vcpu[]){ l2_first_exit(do_load, BLOCK, 0, L2_EL1, 0) }[0]);
	printf("  ipa is that of the table: %u\n",
	       FIELD(read_sysreg(hpfar_el2), 43, 4) << 12 == (u64)table);
	l2_print_exit("fetch, access flag",
		      &(struct vcpu[]){ l2_first_exit((l2_fn)BLOCK, 0, 0, L2_EL1, 0) }[0]);
	*pt_leaf(&s2, (u64)table, &level) |= S2_W;
	asm volatile("dsb ishst\n tlbi vmalls12e1is\n dsb ish\n isb" : : : "memory");
	l2_print_exit("load, table writable",
		      &(struct vcpu[]){ l2_first_exit(do_load, BLOCK, 0, L2_EL1, 0) }[0]);
	printf("  access flag %u\n", (*leaf & PTE_AF) != 0);
	l2_mmu_off();
	l2_set_stage2(&l2_s2, 1);
	l2_reset_el1();
}

/* A deadline that wraps around with the offset is far away, not past. */
static void far_deadline(void)
{
	gic_init();
	write_sysreg(1000, cntvoff_el2);
	if (vhe_mode) {
		write_sysreg(~0UL, S3_5_C14_C3_2);
		write_sysreg(1, S3_5_C14_C3_1);
	} else {
		write_sysreg(~0UL, cntv_cval_el0);
		write_sysreg(1, cntv_ctl_el0);
	}
	isb();
	printf("device: %s\n", gicd_read(GICD_IIDR) ? "ok" : "0");
	printf("CNTV at the end of time: pending %u\n", gic_is_pending(PPI_CNTV));
	if (vhe_mode)
		write_sysreg(0, S3_5_C14_C3_1);
	else
		write_sysreg(0, cntv_ctl_el0);
	write_sysreg(0, cntvoff_el2);
}

void guest_main(void)
{
	mmu_init_el2();
	l2_init();
	pt_map(&l2_s2, GICD_BASE, GICD_BASE, SZ_64K, S2_RW | S2_DEVICE | PTE_AF);
	dsb(sy);
	write_sysreg(0, oslar_el1);
	isb();
	check_eq("MDSCR_EL1 after a device", l2_call(do_mdscr, IDR, MDSCR_TDCC), MDSCR_TDCC);
	check_eq("as EL2 reads it", read_sysreg(mdscr_el1), MDSCR_TDCC);
	write_sysreg(0, mdscr_el1);
	step("step of a device", do_device, IDR, L2_EL1);
	step("step of a device at EL0", do_device, IDR, L2_EL0);
	step("step of an SMC", do_smc, PSCI_VERSION, L2_EL1);
	step("step of an ID register", do_id, 0, L2_EL1);
	step("step of a cold page", do_cold, BLOCK, L2_EL1);
	virtual_serror();
	nested_undefined();
	access_flag();
	far_deadline();
}
