// SPDX-License-Identifier: GPL-2.0-only
/*
 * Registers of a device, which is little-endian, by accesses of either order of bytes: of EL2 (SCTLR_EL2.EE), of L2's EL1
 * (SCTLR_EL1.EE), of its EL0 (E0E), and of AArch32 at EL0 (PSTATE.E). The MMUs are off: EE is the tables' order, too.
 */
#include "gic.h"
#include "l2.h"

#define EE		BIT(25)
#define E0E		BIT(24)
#define PSR_A32_USR	(0x10 | (PSR_DAIF & ~PSR_D))
#define PSR_A32_E	BIT(9)
#define FIRST		40		/* of the SPIs that are used */
#define PRIORITIES	(GICD_BASE + GICD_IPRIORITYR(FIRST))
#define IROUTER		(GICD_BASE + 0x6000 + 8 * FIRST)
#define AFF_BITS	(MASK(39, 32) | MASK(23, 0))

/* EL2 or EL1, for one access in the other order. */
#define OTHER_ORDER(el, access)							\
	"mrs x2, sctlr_" el "\n orr x3, x2, #(1 << 25)\n msr sctlr_" el ", x3\n isb\n"	\
	access "\n msr sctlr_" el ", x2\n isb"
#define FUNCTIONS(name, access)							\
	L2_ASM(name##_el2, OTHER_ORDER("el2", access))				\
	L2_ASM(name##_el1, OTHER_ORDER("el1", access))				\
	L2_ASM(name##_el0, access)

FUNCTIONS(load1, "ldrb w0, [x0]")
FUNCTIONS(load2, "ldrh w0, [x0]")
FUNCTIONS(load4, "ldr w0, [x0]")
FUNCTIONS(load8, "ldr x0, [x0]")
FUNCTIONS(signed4, "ldrsw x0, [x0]")
FUNCTIONS(store1, "strb w1, [x0]")
FUNCTIONS(store4, "str w1, [x0]")
FUNCTIONS(store8, "str x1, [x0]")

/* ldr r0, [r0]; svc. str r1, [r0]; svc. */
static const u32 load_a32[] = { 0xe5900000, 0xef000000 }, store_a32[] = { 0xe5801000, 0xef000000 };

static const struct {
	const char *name;
	l2_fn el2, el1, el0;
	u64 addr;
	bool is_write;
} rows[] = {
#define ROW(n, addr, w) { #n, n##_el2, n##_el1, n##_el0, addr, w }
	ROW(load1, PRIORITIES, false),	  ROW(load2, PRIORITIES, false),
	ROW(load4, PRIORITIES, false),	  ROW(signed4, PRIORITIES, false),
	ROW(load4, IROUTER, false),	  ROW(load8, IROUTER, false),
	ROW(store1, PRIORITIES, true),	  ROW(store4, PRIORITIES, true),
	ROW(store8, IROUTER, true),
};

static struct pgtable s2;

static void fill(void)
{
	gicd_write(GICD_IPRIORITYR(FIRST), 0x18283898);
	*(volatile u64 *)IROUTER = 0x5600123456;
	dsb(sy);
}

static void show(const char *who, unsigned int row, u64 got)
{
	printf("%s %s: ", who, rows[row].name);
	if (!rows[row].is_write)
		printf("%lx\n", got);
	else
		printf("%x %lx\n", gicd_read(GICD_IPRIORITYR(FIRST)),
		       *(volatile u64 *)IROUTER & AFF_BITS);
}

static void by_el2(void)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		fill();
		show("EL2", i, rows[i].el2(rows[i].addr, 0xab12345678));
	}
}

static void by_l2(void)
{
	struct vcpu v;

	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		fill();
		show("EL1", i, l2_call(rows[i].el1, rows[i].addr, 0xab12345678));
	}
	for (u64 order = 0; order <= E0E; order += E0E) {
		guest_write(SCTLR_EL1_RES1 | order, SCTLR);
		for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
			fill();
			v = l2_first_exit(rows[i].el0, rows[i].addr, 0xab12345678, L2_EL0, 0);
			show(order ? "EL0, E0E" : "EL0", i, v.x[0]);
		}
	}
	l2_reset_el1();
}

static void by_a32(void)
{
	struct vcpu v;

	for (u64 order = 0; order <= PSR_A32_E; order += PSR_A32_E) {
		fill();
		l2_prepare(&v, (l2_fn)load_a32, PRIORITIES, 0, PSR_A32_USR | order);
		l2_enter(&v, 0);
		printf("A32 load: %lx\n", v.x[0] & MASK(31, 0));
		l2_prepare(&v, (l2_fn)store_a32, PRIORITIES, 0x12345678, PSR_A32_USR | order);
		l2_enter(&v, 0);
		printf("A32 store: %x\n", gicd_read(GICD_IPRIORITYR(FIRST)));
	}
}

void guest_main(void)
{
	pt_init(&s2, 12, 40, 1);
	pt_map(&s2, 0x40000000, 0x40000000, 0x10000000, S2_RW | S2_NORMAL);
	pt_map(&s2, GICD_BASE, GICD_BASE, 0x200000, S2_RW | S2_DEVICE | PTE_AF);
	gic_init_el2();
	by_el2();
	l2_init();
	l2_set_stage2(&s2, 3);
	by_l2();
	if (FIELD(read_sysreg(id_aa64pfr0_el1), 3, 0) == 2)
		by_a32();
}
