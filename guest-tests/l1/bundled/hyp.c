// SPDX-License-Identifier: GPL-2.0-only
/*
 * The bundled L1 as a hypervisor of one L2: stage 2, an emulated PL011, ID registers, WFI, virtual
 * interrupts through list register 0. At EL2, interrupts masked. The exit path reads no register but
 * what guest_enter() saves and, for an abort, HPFAR_EL2.
 */
#include "bundled.h"
#include "gic.h"
#include "guest-regs.h"
#include "l2-abi.h"
#include "lib.h"
#include "pgtable.h"

#define IPA_BITS	32
#define L2_HCR		(HCR_RW | HCR_VM | HCR_IMO | HCR_FMO | HCR_AMO | HCR_TWI | HCR_TSC | \
			 HCR_TID3)
/* No trap of FP to EL2: VHE has FPEN, nVHE has RES1 bits and TFP clear. */
#define CPTR_VHE	(3UL << 20)
#define CPTR_NVHE	0x33ffUL
/* EL1 may use the physical counter and timer. */
#define CNTHCTL_VHE	(3UL << 10)
#define CNTHCTL_NVHE	3UL

extern const char l2_image[], l2_image_end[];

static struct pgtable s2;
static struct vcpu l2;
static u64 faults;
static bool ended;

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

static void idregs_init(void)
{
	idregs[0].value = read_sysreg(id_aa64pfr0_el1);
	idregs[1].value = read_sysreg(id_aa64dfr0_el1);
	idregs[2].value = read_sysreg(id_aa64isar0_el1);
	idregs[3].value = read_sysreg(id_aa64isar1_el1);
	idregs[4].value = read_sysreg(id_aa64mmfr0_el1);
	idregs[5].value = read_sysreg(id_aa64mmfr1_el1);
	idregs[6].value = read_sysreg(SYS_ID_AA64MMFR2_EL1);
}

static void set_reg(u64 n, u64 v)
{
	if (n < 31)
		l2.x[n] = v;
}

static u64 get_reg(u64 n)
{
	return n < 31 ? l2.x[n] : 0;
}

static void give_up(const char *what)
{
	printf("FAIL %s: %s esr %lx pc %lx far %lx\n", what, vec_name(l2.vec), l2.esr, l2.pc,
	       l2.far);
	system_off();
}

/* No list register is in use but LR0, and L2 takes one interrupt before it asks for another. */
static void inject(u64 vintid)
{
	if (read_sysreg(SYS_ICH_LR0_EL2) & ICH_LR_STATE)
		fail("list register 0 still in use");
	write_sysreg(ICH_LR_PENDING | ICH_LR_GROUP1 | ICH_LR_PRIO(0xa0) | vintid, SYS_ICH_LR0_EL2);
}

static void do_hvc(void)
{
	if (is_marker(l2.esr))
		return;
	switch (l2.x[0]) {
	case L2_HC_NOP:
		l2.x[0] = l2.x[1] + 1;
		break;
	case L2_HC_INJECT:
		inject(l2.x[1]);
		break;
	case L2_HC_FAULTS:
		l2.x[0] = faults;
		break;
	case L2_HC_END:
		ended = true;
		if (l2.x[1])
			fail("L2 says so");
		break;
	default:
		give_up("hypercall");
	}
}

static void do_sysreg(void)
{
	if (!(l2.esr & SYS_ISS_READ))
		give_up("sysreg write");
	for (unsigned int i = 0; i < ARRAY_SIZE(idregs); i++) {
		if ((l2.esr & SYS_ISS_MASK) == idregs[i].iss) {
			set_reg(SYS_ISS_RT(l2.esr), idregs[i].value);
			l2.pc += 4;
			return;
		}
	}
	give_up("sysreg");
}

/* The PL011: transmits at once, never busy. */
static void do_uart(u64 off)
{
	u64 rt = FIELD(l2.esr, 20, 16);

	if (!(l2.esr & ISS_ISV))
		give_up("mmio without a syndrome");
	if (l2.esr & ISS_WNR) {
		if (off == 0)
			putc((char)get_reg(rt));
	} else {
		set_reg(rt, off == L2_UART_PERIPHID ? L2_UART_ID : 0);
	}
	l2.pc += 4;
}

static void do_abort(void)
{
	u64 ipa = FIELD(read_sysreg(hpfar_el2), 39, 4) << 12;
	u64 page;

	if (ipa == L2_UART) {
		do_uart(l2.far & 0xfff);
		return;
	}
	if (ipa < L2_FAULT_BASE || ipa >= L2_FAULT_BASE + (u64)L2_FAULT_SIZE)
		give_up("abort");
	page = (u64)pages_alloc(SZ_4K, SZ_4K);
	pt_map_at(&s2, ipa, page, S2_RW | S2_NORMAL | S2_XN, 3);
	faults++;
}

static void do_sync(void)
{
	switch (ESR_EC(l2.esr)) {
	case EC_HVC:
		do_hvc();
		break;
	case EC_SYS:
		do_sysreg();
		break;
	case EC_DABT_LOW:
		do_abort();
		break;
	case EC_WFX:
		l2.pc += 4;
		break;
	default:
		give_up("exit");
	}
}

static void do_irq(void)
{
	unsigned int intid = gic_ack();

	if (intid != INTID_SPURIOUS)
		gic_eoi(intid);
}

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
	pt_init(&s2, 12, IPA_BITS, -1);
	pt_map(&s2, L2_BASE, mem, L2_SIZE, S2_RW | S2_NORMAL);
}

static void l2_init(const struct bench *b)
{
	stage2_init();
	idregs_init();
	write_sysreg(read_sysreg(midr_el1), vpidr_el2);
	write_sysreg(read_sysreg(mpidr_el1), vmpidr_el2);
	write_sysreg(s2_vtcr(&s2), vtcr_el2);
	write_sysreg((u64)s2.root | 1UL << 48, vttbr_el2);
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
	write_sysreg(L2_HCR | (vhe_mode ? HCR_E2H : 0), hcr_el2);
	isb();
	/* tables and VMID are new, but what the TLB held before is not known */
	asm volatile("tlbi vmalls12e1" : : : "memory");
	dsb(nsh);
	isb();
	l2.x[0] = b->iters;
	l2.x[1] = b->warm;
	l2.pc = L2_BASE;
	l2.pstate = PSR_EL1h | PSR_DAIF;
}

void hyp_run(const struct bench *b)
{
	l2_init(b);
	while (!ended) {
		u64 vec = guest_enter(&l2);

		if (vec == VEC(GROUP_A64, KIND_SYNC))
			do_sync();
		else if (vec == VEC(GROUP_A64, KIND_IRQ))
			do_irq();
		else
			give_up("vector");
	}
	write_sysreg(HCR_RW | (vhe_mode ? HCR_E2H : 0), hcr_el2);
	isb();
}
