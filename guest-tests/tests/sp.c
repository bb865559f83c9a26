// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stack pointers: SPSel at EL2, SP_EL0 and SP_EL2 apart, exceptions taken from EL2t on SP_EL2,
 * SP_EL1 and SP_EL0 shared with L2.
 */
#include "l2.h"

static u64 seen_sp;

static bool on_hvc(struct vcpu *ctx)
{
	if (ESR_EC(ctx->esr) != EC_HVC || FIELD(ctx->esr, 15, 0) != 0x31)
		return false;
	seen_sp = (u64)ctx + sizeof(*ctx);
	return true;
}

static void el2t(void)
{
	u64 sp2, sp_t, sp_after, sel, at_hvc;

	write_sysreg(0x123450, sp_el0);
	exc_set_hook(on_hvc);
	asm volatile("mov %0, sp\n"
		     "msr spsel, #0\n"
		     "mrs %3, spsel\n"
		     "mov %1, sp\n"
		     "add sp, sp, #0x100\n"
		     "hvc #0x31\n"
		     "mov %2, sp\n"
		     "msr spsel, #1\n"
		     : "=&r"(sp2), "=&r"(sp_t), "=&r"(sp_after), "=&r"(sel)
		     :
		     : "memory");
	at_hvc = seen_sp;
	exc_set_hook(NULL);
	check_eq("SPSel", sel, 0);
	check_eq("SP at EL2t is SP_EL0", sp_t, 0x123450);
	check_eq("changed there", sp_after, 0x123550);
	check_eq("SP_EL0 as EL2h reads it", read_sysreg(sp_el0), 0x123550);
	check(at_hvc == sp2, "exception from EL2t on SP_EL2");
	asm volatile("mov %0, sp" : "=r"(sp_t));
	check(sp_t == sp2, "SP_EL2 unchanged");
	exc_arm(0);
	asm volatile("msr spsel, #0\n mrs x9, sp_el0\n msr spsel, #1" : : : "x9", "memory");
	exc_show("SP_EL0 by name at EL2t", exc_take());
	exc_arm(0);
	asm volatile("mrs x9, S3_6_C4_C1_0" : : : "x9", "memory");
	exc_show("SP_EL2 by name at EL2", exc_take());
}

L2_ASM(get_sp, "mov x0, sp")
L2_ASM(get_sp0, "mrs x0, sp_el0")
L2_ASM(set_sp0, "msr sp_el0, x0")
L2_ASM(get_sp_t, "msr spsel, #0\n mov x0, sp\n msr spsel, #1")
L2_ASM(set_sp, "mov x1, sp\n mov sp, x0\n hvc #0x44\n mov sp, x1")
L2_ASM(get_sp1, "mrs x0, sp_el1")

static u64 run_with_sp(l2_fn fn, u64 sp1, u64 sp0, u64 arg, u64 pstate, struct vcpu *v)
{
	l2_prepare(v, fn, arg, 0, pstate);
	write_sysreg(sp1, sp_el1);
	write_sysreg(sp0, sp_el0);
	l2_enter(v, 0);
	return v->x[0];
}

static void shared(void)
{
	struct vcpu v;

	check_eq("EL1h: SP_EL1", run_with_sp(get_sp, 0x11110, 0x22220, 0, L2_EL1, &v), 0x11110);
	check_eq("EL1h: SP_EL0", run_with_sp(get_sp0, 0x11110, 0x22220, 0, L2_EL1, &v), 0x22220);
	check_eq("EL1t: SP",
		 run_with_sp(get_sp, 0x11110, 0x22220, 0, PSR_EL1t | PSR_DAIF, &v), 0x22220);
	check_eq("EL0: SP", run_with_sp(get_sp, 0x11110, 0x33330, 0, L2_EL0, &v), 0x33330);
	check_eq("SPSel 0 at EL1", run_with_sp(get_sp_t, 0x11110, 0x44440, 0, L2_EL1, &v), 0x44440);
	run_with_sp(set_sp0, 0x11110, 0, 0x55550, L2_EL1, &v);
	check_eq("set by L2: SP_EL0", read_sysreg(sp_el0), 0x55550);
	run_with_sp(set_sp, 0x11110, 0, 0x66660, L2_EL1, &v);
	l2_print_exit("sp moved", &v);
	check_eq("set by L2: SP_EL1", read_sysreg(sp_el1), 0x66660);
	write_sysreg(0x77770, sp_el1);
	l2_enter(&v, 0);
	check_eq("restored by L2", read_sysreg(sp_el1), 0x11110);
	run_with_sp(get_sp1, 0, 0, 0, L2_EL1, &v);
	l2_print_exit("SP_EL1 by name at EL1", &v);
}

void guest_main(void)
{
	mmu_init_el2();
	el2t();
	l2_init();
	shared();
}
