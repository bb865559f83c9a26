// SPDX-License-Identifier: GPL-2.0-only
/*
 * AArch32 below EL2: EL0 under an AArch64 EL1 (exceptions to EL2 still use the AArch64 group, the
 * next lower level counts), and EL1 itself with HCR_EL2.RW clear (the AArch32 group).
 */
#include "gic.h"
#include "l2.h"

#define SGI		3
#define PSR_A32_USR	(0x10 | (PSR_DAIF & ~PSR_D))
#define PSR_A32_SVC	(0x13 | (PSR_DAIF & ~PSR_D))

/* mov r0, #5; wfi; svc #7; b . */
static const u32 usr_code[] = { 0xe3a00005, 0xe320f003, 0xef000007, 0xeafffffe };
/* mov r0, #6; wfi; hvc #9; ldr r1, [r2]; mcr p15, 0, r0, c13, c0, 1 (CONTEXTIDR); hvc #10 */
static const u32 svc_code[] = { 0xe3a00006, 0xe320f003, 0xe1400079, 0xe5921000, 0xee0d0f30,
				0xe140007a };

static void el0(void)
{
	struct vcpu v;

	if (FIELD(read_sysreg(id_aa64pfr0_el1), 3, 0) != 2) {
		printf("no AArch32 at EL0\n");
		return;
	}
	l2_prepare(&v, (l2_fn)usr_code, 0, 0, PSR_A32_USR);
	l2_enter(&v, HCR_TWI);
	l2_print_exit("usr wfi", &v);
	check_eq("r0", v.x[0] & 0xffffffff, 5);
	check_eq("pc", v.pc, (u64)&usr_code[1]);
	v.pc += 4;
	l2_enter(&v, HCR_TWI);
	l2_print_exit("usr svc", &v);
	l2_prepare(&v, (l2_fn)usr_code, 0, 0, PSR_A32_USR);
	gic_send_sgi(SGI);
	l2_enter(&v, HCR_TWI);
	l2_print_exit("usr irq", &v);
	gic_eoi(gic_ack());
}

static void el1(void)
{
	struct vcpu v;

	if (FIELD(read_sysreg(id_aa64pfr0_el1), 7, 4) != 2) {
		printf("no AArch32 at EL1\n");
		return;
	}
	l2_hcr &= ~HCR_RW;
	l2_prepare(&v, (l2_fn)svc_code, 0, 0, PSR_A32_SVC);
	v.x[2] = 0x20000000;
	for (unsigned int i = 0; i < 5; i++) {
		l2_enter(&v, HCR_TWI | HCR_TVM);
		l2_print_exit("svc mode", &v);
		if (v.vec == VEC(GROUP_A32, KIND_SYNC) && ESR_EC(v.esr) != 0x12)	/* HVC of A32 */
			v.pc += 4;
	}
	check_eq("r0", v.x[0] & 0xffffffff, 6);
	l2_hcr |= HCR_RW;
}

void guest_main(void)
{
	mmu_init_el2();
	gic_init();
	gic_enable(SGI);
	l2_init();
	el0();
	el1();
}
