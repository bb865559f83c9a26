// SPDX-License-Identifier: GPL-2.0-only
/*
 * What L1 does about an exit of L2 once the registers are saved: hypercalls, ID registers, devices, stage-2
 * faults, interrupts. At EL2, or split at EL1 as the host: it uses no register that only EL2 has, unless
 * vhe_mode. Interrupts masked.
 */
#include "bundled.h"
#include "gic.h"
#include "l2-abi.h"
#include "pgtable.h"

#define CNTV_IMASK	BIT(1)

static u64 faults;
static struct vcpu user;	/* VHE: the user space that emulates L2_DEVICE */

/* What L2 reads under TID3: L1's own values, read once. Others of the group are RES0. */
static struct {
	u64 iss, value;
} idregs[] = {
	{ SYS_ISS(3, 0, 0, 4, 0), 0 },
	{ SYS_ISS(3, 0, 0, 5, 0), 0 },
	{ SYS_ISS(3, 0, 0, 6, 0), 0 },
	{ SYS_ISS(3, 0, 0, 6, 1), 0 },
	{ SYS_ISS(3, 0, 0, 7, 0), 0 },
	{ SYS_ISS(3, 0, 0, 7, 1), 0 },
	{ SYS_ISS(3, 0, 0, 7, 2), 0 },
};

void exits_init(void)
{
	idregs[0].value = read_sysreg(id_aa64pfr0_el1);
	idregs[1].value = read_sysreg(id_aa64dfr0_el1);
	idregs[2].value = read_sysreg(id_aa64isar0_el1);
	idregs[3].value = read_sysreg(id_aa64isar1_el1);
	idregs[4].value = read_sysreg(id_aa64mmfr0_el1);
	idregs[5].value = read_sysreg(id_aa64mmfr1_el1);
	idregs[6].value = read_sysreg(SYS_ID_AA64MMFR2_EL1);
	user.pc = (u64)user_device;
	user.pstate = PSR_EL0t | PSR_DAIF;
}

static void set_reg(struct l2cpu *me, u64 n, u64 v)
{
	if (n < 31)
		me->v.x[n] = v;
}

static u64 get_reg(const struct l2cpu *me, u64 n)
{
	return n < 31 ? me->v.x[n] : 0;
}

static void give_up(const struct l2cpu *me, const char *what)
{
	printf("FAIL %s: %s esr %lx pc %lx far %lx\n", what, vec_name(me->v.vec), me->v.esr,
	       me->v.pc, me->v.far);
	system_off();
}

/* No list register is in use but LR0, and L2 takes one interrupt before it asks for another. */
static void inject(struct l2cpu *me, u64 vintid)
{
	me->lr = ICH_LR_PENDING | ICH_LR_GROUP1 | ICH_LR_PRIO(0xa0) | vintid;
}

static void do_hvc(struct l2cpu *me)
{
	u64 *x = me->v.x;

	switch (x[0]) {
	case L2_HC_NOP:
		x[0] = x[1] + 1;
		break;
	case L2_HC_INJECT:
		inject(me, x[1]);
		break;
	case L2_HC_FAULTS:
		x[0] = faults;
		break;
	case L2_HC_CPU_ON:
		smp_set(&l2cpus[1].start, x[1]);
		break;
	case L2_HC_CPU_OFF:
		me->ended = true;
		break;
	case L2_HC_END:
		me->ended = true;
		if (x[1])
			fail("L2 says so");
		break;
	default:
		give_up(me, "hypercall");
	}
}

/* ICC_SGI1R_EL1: to the other vCPU, whose CPU may be in it. */
static void do_sgi(const struct l2cpu *me, u64 value)
{
	u64 to = 1 - me->cpu;

	if (FIELD(value, 15, 0) != BIT(to))
		give_up(me, "SGI for somebody else");
	smp_set(&l2cpus[to].sgi, FIELD(value, 27, 24));
	smp_send_sgi(to, SGI_KICK);
}

static void do_sysreg(struct l2cpu *me)
{
	u64 esr = me->v.esr;

	if (!(esr & SYS_ISS_READ) && (esr & SYS_ISS_MASK) == SYS_ISS(3, 0, 12, 11, 5)) {
		do_sgi(me, get_reg(me, SYS_ISS_RT(esr)));
		me->v.pc += 4;
		return;
	}
	if (!(esr & SYS_ISS_READ))
		give_up(me, "sysreg write");
	for (unsigned int i = 0; i < ARRAY_SIZE(idregs); i++) {
		if ((esr & SYS_ISS_MASK) == idregs[i].iss) {
			set_reg(me, SYS_ISS_RT(esr), idregs[i].value);
			me->v.pc += 4;
			return;
		}
	}
	give_up(me, "sysreg");
}

static u64 uart_read(u64 off)
{
	return off == L2_UART_PERIPHID ? L2_UART_ID : 0;
}

/* The PL011: transmits at once, never busy. */
void exits_uart(struct l2cpu *me)
{
	u64 rt = FIELD(me->v.esr, 20, 16), off = me->v.far & 0xfff;

	if (!(me->v.esr & ISS_ISV))
		give_up(me, "mmio without a syndrome");
	if (!(me->v.esr & ISS_WNR))
		set_reg(me, rt, uart_read(off));
	else if (off == 0)
		putc((char)get_reg(me, rt));
	me->v.pc += 4;
}

/* A register of L2_DEVICE, as L1's user space has it. */
static u64 ask_user_space(u64 off)
{
	user.x[0] = off;
	write_sysreg(HYP_HCR | HCR_TGE, hcr_el2);
	isb();			/* EL0 is EL2's from here on */
	if (guest_enter(&user) != VEC(GROUP_A64, KIND_SYNC) || ESR_EC(user.esr) != EC_SVC)
		fail("L1's user space did not end with SVC");
	write_sysreg(L2_HCR, hcr_el2);
	isb();			/* what L2 runs under is there before its entry */
	return user.x[0];
}

/* Reads alone are emulated. */
static void do_device(struct l2cpu *me)
{
	u64 off = me->v.far & 0xfff;

	if ((me->v.esr & (ISS_ISV | ISS_WNR)) != ISS_ISV)
		give_up(me, "device");
	set_reg(me, FIELD(me->v.esr, 20, 16), vhe_mode ? ask_user_space(off) : uart_read(off));
	me->v.pc += 4;
}

static void do_abort(struct l2cpu *me)
{
	u64 page;

	if (me->ipa == L2_DEVICE) {
		do_device(me);
		return;
	}
	if (me->ipa < L2_FAULT_BASE || me->ipa >= L2_FAULT_BASE + (u64)L2_FAULT_SIZE)
		give_up(me, "abort");
	page = (u64)pages_alloc(SZ_4K, SZ_4K);
	pt_map_at(&l2_stage2, me->ipa, page, S2_RW | S2_NORMAL | S2_XN, 3);
	faults++;
}

static void do_sync(struct l2cpu *me)
{
	switch (ESR_EC(me->v.esr)) {
	case EC_HVC:
		do_hvc(me);
		break;
	case EC_SYS:
		do_sysreg(me);
		break;
	case EC_DABT_LOW:
		do_abort(me);
		break;
	case EC_WFX:
		me->v.pc += 4;
		break;
	default:
		give_up(me, "exit");
	}
}

/* L2's timer: masked until L2 has dealt with it, which is what the virtual interrupt asks it to. */
static void do_timer(struct l2cpu *me)
{
	if (vhe_mode)
		write_sysreg(read_sysreg(SYS_CNTV_CTL_EL02) | CNTV_IMASK, SYS_CNTV_CTL_EL02);
	else
		write_sysreg(read_sysreg(cntv_ctl_el0) | CNTV_IMASK, cntv_ctl_el0);
	isb();			/* the level falls before the interrupt is ended */
	inject(me, PPI_CNTV);
}

static void do_irq(struct l2cpu *me)
{
	unsigned int intid = gic_ack();

	if (intid == INTID_SPURIOUS)
		return;
	if (intid == PPI_CNTV)
		do_timer(me);
	gic_eoi(intid);
	if (me->sgi) {
		inject(me, me->sgi);
		me->sgi = 0;
	}
}

void exits_handle(struct l2cpu *me)
{
	if (me->v.vec == VEC(GROUP_A64, KIND_SYNC))
		do_sync(me);
	else if (me->v.vec == VEC(GROUP_A64, KIND_IRQ))
		do_irq(me);
	else
		give_up(me, "vector");
}
