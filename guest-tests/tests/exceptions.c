// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exceptions to EL2 from EL2 itself (SP_EL0 and SP_EL2 groups) and from L2 (AArch64 group;
 * a32.c has the other one): vector, class, syndrome, FAR, SPSR. MMU on.
 */
#include "gic.h"
#include "l2.h"

#define UNMAPPED	0x200000000UL	/* neither stage has it */
#define RO_PAGE		0x50000000UL	/* mapped by main() for this test */
#define XN_PAGE		0x50001000UL
#define NO_AF_PAGE	0x50002000UL
#define UNMAPPED_PAGE	0x50003000UL
#define SGI		3

static u8 page[SZ_4K] __attribute__((aligned(4096)));

#define TRY(name, insns, ...) do {				\
	exc_arm(0);						\
	asm volatile(insns : : __VA_ARGS__);			\
	exc_show(name, exc_take());					\
} while (0)

/* The same on SP_EL0: nothing may touch the stack in between, so all of it is one asm. */
#define TRY_SP0(name, insns, ...) do {				\
	exc_arm(0);						\
	asm volatile("msr spsel, #0\n" insns "\nmsr spsel, #1"	\
		     : : __VA_ARGS__);				\
	exc_show("sp0 " name, exc_take());				\
} while (0)

static void try_jump(const char *name, u64 target)
{
	exc_arm((u64)jump_resume);
	jump_to(target);
	exc_show(name, exc_take());
}

static void from_el2(void)
{
	TRY("hvc", "hvc #0x77", "r"(0) : "memory");
	TRY("svc", "svc #0x78", "r"(0) : "memory");
	TRY("brk", "brk #0x79", "r"(0) : "memory");
	TRY("udf", ".inst 0x00000000", "r"(0) : "memory");
	TRY("mrs of nothing", "mrs x9, S3_6_C15_C0_7", "r"(0) : "x9", "memory");
	TRY("read unmapped", "ldr x9, [%0]", "r"(UNMAPPED) : "x9", "memory");
	TRY("write unmapped", "str xzr, [%0]", "r"(UNMAPPED) : "memory");
	TRY("byte read unmapped page", "ldrb w9, [%0]", "r"(UNMAPPED_PAGE + 5) : "x9", "memory");
	TRY("pair unmapped page", "ldp x9, x10, [%0]", "r"(UNMAPPED_PAGE) : "x9", "x10", "memory");
	TRY("beyond the address size", "ldr x9, [%0]", "r"(BIT(50)) : "x9", "memory");
	TRY("write read-only", "str xzr, [%0]", "r"(RO_PAGE + 8) : "memory");
	TRY("read access flag", "ldr x9, [%0]", "r"(NO_AF_PAGE) : "x9", "memory");
	TRY("dc zva read-only", "dc zva, %0", "r"(RO_PAGE) : "memory");
	TRY("ldxr misaligned", "ldxr x9, [%0]", "r"((u64)page + 13) : "x9", "memory");
	try_jump("jump unmapped", UNMAPPED);
	try_jump("jump xn", XN_PAGE);
	try_jump("jump misaligned", (u64)page + 2);
}

static void from_el2_sp0(void)
{
	u64 sp0 = read_sysreg(sp_el0);

	write_sysreg((u64)page + sizeof(page), sp_el0);
	TRY_SP0("hvc", "hvc #0x87", "r"(0) : "memory");
	TRY_SP0("svc", "svc #0x88", "r"(0) : "memory");
	TRY_SP0("brk", "brk #0x89", "r"(0) : "memory");
	TRY_SP0("read unmapped", "ldr x9, [%0]", "r"(UNMAPPED) : "x9", "memory");
	write_sysreg(sp0, sp_el0);
}

static bool on_irq(struct vcpu *ctx)
{
	unsigned int intid;

	if ((ctx->vec & 3) != KIND_IRQ)
		return false;
	intid = gic_ack();
	printf("%s intid %u spsr %lx\n", vec_name(ctx->vec), intid, ctx->pstate & (PSR_M | PSR_DAIF));
	gic_eoi(intid);
	return true;
}

static void interrupts(void)
{
	u64 hcr = read_sysreg(hcr_el2);

	gic_init();
	gic_enable(SGI);
	exc_set_hook(on_irq);
	write_sysreg(hcr | HCR_IMO, hcr_el2);
	isb();
	gic_send_sgi(SGI);
	printf("masked:\n");
	isb();
	printf("unmasked:\n");
	asm volatile("msr daifclr, #2\n isb\n msr daifset, #2" : : : "memory");
	gic_send_sgi(SGI);
	printf("unmasked on SP_EL0:\n");
	asm volatile("msr spsel, #0\n msr daifclr, #2\n isb\n msr daifset, #2\n msr spsel, #1"
		     : : : "memory");
	exc_set_hook(NULL);
	write_sysreg(hcr, hcr_el2);
	isb();
}

L2_ASM(do_hvc, "hvc #0x55")
L2_ASM(do_smc, "smc #0x56")
L2_ASM(do_svc, "svc #0x57")
L2_ASM(do_brk, "brk #0x58")
L2_ASM(do_udf, ".inst 0")
L2_ASM(do_wfi, "wfi")
L2_ASM(do_wfe, "wfe")
L2_ASM(do_load, "ldr x0, [x0]")
L2_ASM(do_load_byte_signed, "ldrsb w1, [x0]")
L2_ASM(do_load_pair, "ldp x1, x2, [x0]")
L2_ASM(do_store, "str x1, [x0]")
L2_ASM(do_store_half, "strh w3, [x0]")
L2_ASM(do_store_post, "str x1, [x0], #8")
VEL1_CODE L2_ASM(do_mrs_el2, "mrs x0, hcr_el2")
	L2_ASM(do_eret_el0, "msr spsr_el1, xzr\n msr elr_el1, x0\n eret")

		static void from_l2(void)
{
	l2_trace("hvc", do_hvc, 0, 0, L2_EL1, 0);
	l2_trace("smc", do_smc, 0, 0, L2_EL1, HCR_TSC);
	l2_trace("svc at el1", do_svc, 0, 0, L2_EL1, 0);
	l2_trace("svc at el0", do_svc, 0, 0, L2_EL0, 0);
	l2_trace("hvc at el0", do_hvc, 0, 0, L2_EL0, 0);
	l2_trace("smc at el0", do_smc, 0, 0, L2_EL0, HCR_TSC);
	l2_trace("brk", do_brk, 0, 0, L2_EL1, 0);
	l2_trace("brk at el0", do_brk, 0, 0, L2_EL0, 0);
	l2_trace("udf", do_udf, 0, 0, L2_EL1, 0);
	l2_trace("udf at el0", do_udf, 0, 0, L2_EL0, 0);
	l2_trace("wfi", do_wfi, 0, 0, L2_EL1, HCR_TWI);
	l2_trace("wfe", do_wfe, 0, 0, L2_EL1, HCR_TWE);
	l2_trace("load", do_load, UNMAPPED, 0, L2_EL1, 0);
	l2_trace("load at el0", do_load, UNMAPPED, 0, L2_EL0, 0);
	l2_trace("load byte signed", do_load_byte_signed, UNMAPPED + 3, 0, L2_EL1, 0);
	l2_trace("load pair", do_load_pair, UNMAPPED + 8, 0, L2_EL1, 0);
	l2_trace("store", do_store, UNMAPPED, 0, L2_EL1, 0);
	l2_trace("store half", do_store_half, UNMAPPED, 0, L2_EL1, 0);
	l2_trace("store post-indexed", do_store_post, UNMAPPED, 0, L2_EL1, 0);
	l2_trace("EL2 register", do_mrs_el2, 0, 0, L2_EL1, 0);
	l2_trace("EL2 register at el0", do_mrs_el2, 0, 0, L2_EL0, 0);
	l2_trace("eret to el0 and svc", do_eret_el0, (u64)user_svc_then_done, 0, L2_EL1, 0);
}

static void jump_from_l2(const char *name, u64 target, u64 pstate)
{
	struct vcpu v = l2_first_exit((l2_fn)target, 0, 0, pstate, 0);
	u64 vec;

	l2_print_exit(name, &v);
	check_eq("pc", l2_at_el1_vector(&v, &vec) ? guest_read(ELR) : v.pc, target);
}

static void irq_from_l2(void)
{
	struct vcpu v;

	gic_send_sgi(SGI);
	l2_prepare(&v, do_hvc, 0, 0, L2_EL1);
	l2_enter(&v, 0);
	l2_print_exit("irq at L2, masked there", &v);
	check_eq("intid", gic_ack(), SGI);
	gic_eoi(SGI);
	check_eq("pc", v.pc, (u64)do_hvc);
	l2_enter(&v, 0);
	l2_print_exit("after it", &v);
}

void guest_main(void)
{
	mmu_init_el2();
	pt_map_at(&el2_low, RO_PAGE, (u64)page, el2_normal() | PTE_RDONLY, 3);
	pt_map_at(&el2_low, XN_PAGE, (u64)page, el2_normal() | (vhe_mode ? PTE_PXN : PTE_UXN), 3);
	pt_map_at(&el2_low, NO_AF_PAGE, (u64)page, el2_normal() & ~PTE_AF, 3);
	dsb(ish);
	isb();
	from_el2();
	from_el2_sp0();
	interrupts();
	l2_init();
	from_l2();
	jump_from_l2("jump unmapped", UNMAPPED, L2_EL1);
	jump_from_l2("jump unmapped at el0", UNMAPPED, L2_EL0);
	jump_from_l2("jump misaligned", (u64)do_hvc + 2, L2_EL1);
	irq_from_l2();
}
