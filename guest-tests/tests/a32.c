// SPDX-License-Identifier: GPL-2.0-only
/*
 * AArch32 below EL2: EL0 under an AArch64 EL1 (exceptions to EL2 still use the AArch64 group, the
 * next lower level counts), and EL1 itself with HCR_EL2.RW clear (the AArch32 group). Where the ID
 * registers do not offer it, a return to it must be illegal.
 */
#include "gic.h"
#include "l2.h"

#define SGI		3
#define PSR_A32_USR	(0x10 | (PSR_DAIF & ~PSR_D))
#define PSR_A32_SVC	(0x13 | (PSR_DAIF & ~PSR_D))
#define PSR_T		BIT(5)
#define PSR_Z		BIT(30)
#define PSR_IT		(BIT(26) | BIT(25) | 0xfc00)
#define EC_CP15		0x03
#define EC_CP14		0x05
#define EC_SVC32	0x11
#define EC_HVC32	0x12
#define EC_BKPT32	0x38
#define MDCR_TDE	BIT(8)
#define MDCR_TDRA	BIT(11)
#define HFGITR_SVC_EL0	BIT(52)
#define HFGRTR_TPIDRRO_EL0 BIT(34)

/* mov r0, #5; wfi; svc #7; b . */
static const u32 usr_code[] = { 0xe3a00005, 0xe320f003, 0xef000007, 0xeafffffe };
/* bkpt #3 */
static const u32 bkpt_code[] = { 0xe1200073 };
/* mrc p15, 0, r0, c13, c0, 3 (TPIDRURO); b . */
static const u32 cp15_code[] = { 0xee1d0f70, 0xeafffffe };
/* mrc p14, 0, r0, c1, c0, 0 (DBGDRAR); svc #7 */
static const u32 cp14_code[] = { 0xee110e10, 0xef000007 };
/* Thumb. cmp r0, r0; it eq; wfieq; movs r0, #8; svc #9: only the condition of the first is IT's */
static const u16 thumb_code[] = { 0x4280, 0xbf08, 0xbf30, 0x2008, 0xdf09 };
/* ldr r0, [r1]; svc #7 */
static const u32 device_code[] = { 0xe5910000, 0xef000007 };
/* Thumb. cmp r0, r0; itt eq; ldreq r0, [r1]; moveq r2, #8; adds r2, #1, which only sets flags outside of IT; svc #9 */
static const u16 device_thumb[] = { 0x4280, 0xbf04, 0x6808, 0x2208, 0x3201, 0xdf09 };
/* mov r0, #6; wfi; hvc #9; ldr r1, [r2]; mcr p15, 0, r0, c13, c0, 1 (CONTEXTIDR); hvc #10 */
static const u32 svc_code[] = { 0xe3a00006, 0xe320f003, 0xe1400079, 0xe5921000, 0xee0d0f30,
				0xe140007a };

/* ERET from here to pstate is illegal: IL is set and EL2 goes on. */
static bool refused(u64 pstate)
{
	struct exc e;

	exc_arm(0);
	asm volatile("adr x9, 1f\n"
		     "msr elr_el2, x9\n"
		     "msr spsr_el2, %0\n"
		     "eret\n"
		     "1: nop\n"
		     "msr daifset, #0xf"
		     : : "r"(pstate) : "x9", "memory");
	e = exc_take();
	return e.count == 1 && ESR_EC(e.esr) == EC_ILLEGAL;
}

static bool exits(struct vcpu *v, u64 hcr, u64 vec, u64 esr)
{
	bool good;

	l2_enter(v, hcr);
	good = v->vec == vec && ((vec & 3) != KIND_SYNC || (v->esr & ~BIT(25)) == esr);
	if (!good)
		l2_print_exit("unexpected", v);
	return good;
}

static bool el0(void)
{
	struct vcpu v;
	bool good;

	l2_prepare(&v, (l2_fn)usr_code, 0, 0, PSR_A32_USR);
	good = exits(&v, HCR_TWI, VEC(GROUP_A64, KIND_SYNC), 0x1e00000UL | (u64)EC_WFX << 26);
	good &= (u32)v.x[0] == 5 && v.pc == (u64)&usr_code[1];
	v.pc += 4;
	l2_enter(&v, HCR_TWI);
	good &= ESR_EC(guest_read(ESR)) == EC_SVC32 && FIELD(guest_read(ESR), 15, 0) == 7;
	l2_prepare(&v, (l2_fn)usr_code, 0, 0, PSR_A32_USR);
	gic_send_sgi(SGI);
	good &= exits(&v, HCR_TWI, VEC(GROUP_A64, KIND_IRQ), 0);
	gic_eoi(gic_ack());
	return good;
}

/* A virtual interrupt that is masked ends WFI; at vEL2 somebody has to know how long that is. */
static bool thumb(void)
{
	struct vcpu v;
	u64 vec;

	l2_prepare(&v, (l2_fn)thumb_code, 0, 0, PSR_A32_USR | PSR_T);
	l2_enter(&v, HCR_VI);
	return l2_at_el1_vector(&v, &vec) && vec == VEC(GROUP_A32, KIND_SYNC) &&
	       ESR_EC(guest_read(ESR)) == EC_SVC32 && FIELD(guest_read(ESR), 15, 0) == 9 &&
	       guest_read(ELR) == (u64)thumb_code + sizeof(thumb_code) && (u32)v.x[0] == 8 &&
	       !(guest_read(SPSR) & PSR_IT);
}

/* A device that a hypervisor below may emulate: then that has to know how long a load is, and of an IT block's end. */
static bool device(const void *insns, u64 size, u64 flags)
{
	u32 typer = gicd_read(GICD_TYPER);
	struct vcpu v;
	u64 vec;

	l2_prepare(&v, (l2_fn)insns, 0, GICD_BASE + GICD_TYPER, PSR_A32_USR | flags);
	l2_enter(&v, 0);
	return l2_at_el1_vector(&v, &vec) && vec == VEC(GROUP_A32, KIND_SYNC) &&
	       ESR_EC(guest_read(ESR)) == EC_SVC32 && guest_read(ELR) == (u64)insns + size &&
	       (u32)v.x[0] == typer && (!flags || (u32)v.x[2] == 9) &&
	       !(guest_read(SPSR) & (PSR_IT | (flags ? PSR_Z : 0)));
}

static bool bkpt(void)
{
	u64 mdcr = read_sysreg(mdcr_el2);
	struct vcpu v;
	bool good;

	write_sysreg(mdcr | MDCR_TDE, mdcr_el2);
	l2_prepare(&v, (l2_fn)bkpt_code, 0, 0, PSR_A32_USR);
	good = exits(&v, 0, VEC(GROUP_A64, KIND_SYNC), 3 | (u64)EC_BKPT32 << 26);
	write_sysreg(mdcr, mdcr_el2);
	return good && v.pc == (u64)bkpt_code;
}

/* DBGDRAR is EL0's to read, but for MDCR_EL2.TDRA. (DBGDIDR need not be there without AArch32 at EL1.) */
static bool cp14(void)
{
	u64 mdcr = read_sysreg(mdcr_el2);
	struct vcpu v;
	bool good;

	l2_prepare(&v, (l2_fn)cp14_code, 0, 0, PSR_A32_USR);
	l2_enter(&v, 0);
	good = ESR_EC(guest_read(ESR)) == EC_SVC32;
	write_sysreg(mdcr | MDCR_TDRA, mdcr_el2);
	l2_prepare(&v, (l2_fn)cp14_code, 0, 0, PSR_A32_USR);
	good &= exits(&v, 0, VEC(GROUP_A64, KIND_SYNC), 0x1e00401UL | (u64)EC_CP14 << 26);
	write_sysreg(mdcr, mdcr_el2);
	return good && v.pc == (u64)cp14_code;
}

/* HFGITR_EL2.SVC_EL0 is for A32's, too. */
static bool svc(void)
{
	struct vcpu v;
	bool good;

	write_sysreg(HFGITR_SVC_EL0, SYS_HFGITR_EL2);
	l2_prepare(&v, (l2_fn)&usr_code[2], 0, 0, PSR_A32_USR);
	good = exits(&v, 0, VEC(GROUP_A64, KIND_SYNC), 7 | (u64)EC_SVC32 << 26);
	write_sysreg(0, SYS_HFGITR_EL2);
	return good && v.pc == (u64)&usr_code[2]; /* ELR: of the trapped instruction */
}

static bool cp15_exits(void)
{
	struct vcpu v;

	l2_prepare(&v, (l2_fn)cp15_code, 0, 0, PSR_A32_USR);
	return exits(&v, 0, VEC(GROUP_A64, KIND_SYNC), 0x1e63401UL | (u64)EC_CP15 << 26) &&
	       v.pc == (u64)cp15_code;
}

/* TPIDRURO is EL0's own, but for HSTR_EL2.T13 or a fine-grained trap. */
static bool hstr(bool fgt)
{
	bool good;

	write_sysreg(BIT(13), hstr_el2);
	good = cp15_exits();
	write_sysreg(0, hstr_el2);
	if (!fgt)
		return good;
	write_sysreg(HFGRTR_TPIDRRO_EL0, SYS_HFGRTR_EL2);
	good &= cp15_exits();
	write_sysreg(0, SYS_HFGRTR_EL2);
	return good;
}

static bool el1(void)
{
	static const struct {
		u64 esr;
		bool skip;
	} want[] = {
		{ 0x1e00000UL | (u64)EC_WFX << 26, true }, { 9 | (u64)EC_HVC32 << 26, false },
		{ 0x1810005UL | (u64)EC_DABT_LOW << 26, true },
		{ 0x1e23400UL | (u64)EC_CP15 << 26, true }, { 10 | (u64)EC_HVC32 << 26, false },
	};
	bool good = true;
	struct vcpu v;

	l2_hcr &= ~HCR_RW;
	l2_prepare(&v, (l2_fn)svc_code, 0, 0, PSR_A32_SVC);
	v.x[2] = 0x20000000;
	for (unsigned int i = 0; i < ARRAY_SIZE(want); i++) {
		good &= exits(&v, HCR_TWI | HCR_TVM, VEC(GROUP_A32, KIND_SYNC), want[i].esr);
		v.pc += want[i].skip ? 4 : 0;
	}
	l2_hcr |= HCR_RW;
	return good && (u32)v.x[0] == 6;
}

void guest_main(void)
{
	u64 pfr0 = read_sysreg(id_aa64pfr0_el1);
	bool fgt = FIELD(read_sysreg(id_aa64mmfr0_el1), 59, 56) != 0;

	mmu_init_el2();
	gic_init();
	gic_enable(SGI);
	l2_init();
	check(FIELD(pfr0, 3, 0) == 2 ? el0() : refused(PSR_A32_USR), "AArch32 at EL0");
	check(FIELD(pfr0, 3, 0) != 2 || thumb(), "Thumb at EL0");
	check(FIELD(pfr0, 3, 0) != 2 || bkpt(), "BKPT at EL0 to EL2");
	check(FIELD(pfr0, 3, 0) != 2 || !fgt || svc(), "SVC at EL0 to EL2");
	check(FIELD(pfr0, 3, 0) != 2 || cp14(), "debug registers at EL0");
	check(FIELD(pfr0, 3, 0) != 2 || hstr(fgt), "HSTR_EL2 of AArch32 at EL0");
	check(FIELD(pfr0, 7, 4) == 2 ? el1() : refused(PSR_A32_SVC), "AArch32 at EL1");
	pt_map_at(&l2_s2, GICD_BASE & ~0x1fffffUL, GICD_BASE & ~0x1fffffUL,
		  S2_RW | S2_DEVICE | PTE_AF, 2);
	check(FIELD(pfr0, 3, 0) != 2 || device(device_code, sizeof(device_code), 0),
	      "a device at EL0");
	check(FIELD(pfr0, 3, 0) != 2 || device(device_thumb, sizeof(device_thumb), PSR_T),
	      "a device in Thumb at EL0");
}
