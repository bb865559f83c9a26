// SPDX-License-Identifier: GPL-2.0-only
/*
 * FEAT_NV and FEAT_NV2 of this EL2: its L2 takes itself to be at EL2. What it sees, what traps, what goes
 * to the page of VNCR_EL2, and the faults of that page. part=nv: FEAT_NV alone.
 */
#include "l2.h"

#define HCR_NV		BIT(42)
#define HCR_NV1		BIT(43)
#define HCR_NV2		BIT(45)
#define SYS_VNCR_EL2	S3_4_C2_C2_0

#define UNMAPPED	0x200000000UL	/* no table */
#define BEYOND		0x8000000000UL	/* more than TCR_EL2.T0SZ says */
#define WINDOW		0x50000000UL	/* mapped by main(): a page for each of these */
enum { P_RW, P_RO, P_NOAF, P_INVALID, P_OTHER, NPAGES };

#define SLOTS		(SZ_4K / 8)
#define PATTERN(i)	(0xabc0000UL + (u64)(i) * 8)
#define WRITTEN		0x5a50UL
#define HCR_SLOT	(0x78 / 8)

static u64 page[SLOTS] __attribute__((aligned(4096)));
static u64 other[SLOTS] __attribute__((aligned(4096)));

/* EL2's names; those of EL1 and EL12; R(name, register) */
#define EL2_ROWS(R)								\
	R(hcr, hcr_el2) R(hstr, hstr_el2) R(hacr, hacr_el2) R(vttbr, vttbr_el2)	\
	R(vtcr, vtcr_el2) R(vmpidr, vmpidr_el2) R(vpidr, vpidr_el2)		\
	R(tpidr, tpidr_el2) R(cntvoff, cntvoff_el2) R(cnthctl, cnthctl_el2)	\
	R(sctlr, sctlr_el2) R(actlr, actlr_el2) R(cptr, cptr_el2)		\
	R(mdcr, mdcr_el2) R(tcr, tcr_el2) R(ttbr0, ttbr0_el2)			\
	R(mair, mair_el2) R(vbar, vbar_el2) R(hpfar, hpfar_el2)			\
	R(elr, elr_el2) R(esr, esr_el2) R(far, far_el2) R(spsr, spsr_el2)	\
	R(sp_el1, sp_el1) R(vncr, S3_4_C2_C2_0)					\
	R(ich_hcr, S3_4_C12_C11_0) R(ich_vmcr, S3_4_C12_C11_7)			\
	R(ich_lr0, S3_4_C12_C12_0) R(cnthp_ctl, S3_4_C14_C2_1)

#define EL12_ROWS(R)								\
	R(sctlr, S3_5_C1_C0_0) R(cpacr, S3_5_C1_C0_2) R(ttbr0, S3_5_C2_C0_0)	\
	R(tcr, S3_5_C2_C0_2) R(mair, S3_5_C10_C2_0) R(vbar, S3_5_C12_C0_0)	\
	R(contextidr, S3_5_C13_C0_1) R(spsr, S3_5_C4_C0_0)			\
	R(elr, S3_5_C4_C0_1) R(esr, S3_5_C5_C2_0) R(far, S3_5_C6_C0_0)		\
	R(cntkctl, S3_5_C14_C1_0)

#define EL02_ROWS(R)								\
	R(cntv_ctl, S3_5_C14_C3_1) R(cntv_cval, S3_5_C14_C3_2)			\
	R(cntp_ctl, S3_5_C14_C2_1) R(cntp_cval, S3_5_C14_C2_2)

#define EL1_ROWS(R)								\
	R(sctlr, sctlr_el1) R(actlr, actlr_el1) R(cpacr, cpacr_el1) R(ttbr0, ttbr0_el1) \
	R(tcr, tcr_el1) R(mair, mair_el1) R(vbar, vbar_el1)			\
	R(contextidr, contextidr_el1) R(spsr, spsr_el1) R(elr, elr_el1)		\
	R(esr, esr_el1) R(far, far_el1) R(cntkctl, cntkctl_el1)

#define EL2_FN(name, reg)							\
	L2_ASM(rd_el2_##name, "mrs x0, " STR(reg))				\
	L2_ASM(wr_el2_##name, "msr " STR(reg) ", x0")
#define EL12_FN(name, reg)							\
	L2_ASM(rd_el12_##name, "mrs x0, " STR(reg))				\
	L2_ASM(wr_el12_##name, "msr " STR(reg) ", x0")
#define EL02_FN(name, reg)							\
	L2_ASM(rd_el02_##name, "mrs x0, " STR(reg))				\
	L2_ASM(wr_el02_##name, "msr " STR(reg) ", x0")
#define EL1_FN(name, reg)							\
	L2_ASM(rd_el1_##name, "mrs x0, " STR(reg))				\
	L2_ASM(wr_el1_##name, "msr " STR(reg) ", x0")
EL2_ROWS(EL2_FN)
EL12_ROWS(EL12_FN)
EL02_ROWS(EL02_FN)
EL1_ROWS(EL1_FN)

#define EL2_ROW(name, reg)	{ #name "_el2", rd_el2_##name, wr_el2_##name },
#define EL12_ROW(name, reg)	{ #name "_el12", rd_el12_##name, wr_el12_##name },
#define EL02_ROW(name, reg)	{ #name "_el02", rd_el02_##name, wr_el02_##name },
#define EL1_ROW(name, reg)	{ #name "_el1", rd_el1_##name, wr_el1_##name },

struct row {
	const char *name;
	l2_fn rd, wr;
};

static const struct row el2_rows[] = { EL2_ROWS(EL2_ROW) };
static const struct row el12_rows[] = { EL12_ROWS(EL12_ROW) };
static const struct row el02_rows[] = { EL02_ROWS(EL02_ROW) };
static const struct row el1_rows[] = { EL1_ROWS(EL1_ROW) };

L2_ASM(current_el, "mrs x0, CurrentEL")
L2_ASM(do_eret, "eret")
L2_ASM(do_hvc, "hvc #0x55")
L2_ASM(do_smc, "smc #0x56")
L2_ASM(do_brk, "brk #0x57")
L2_ASM(do_svc, "svc #0x58")
L2_ASM(tlbi_alle1, "tlbi alle1")
L2_ASM(tlbi_vmalle1, "tlbi vmalle1")
L2_ASM(tlbi_ipas2, "tlbi ipas2e1, x0")
L2_ASM(at_s12, "at s12e1r, x0")
L2_ASM(elr_then_read, "msr elr_el2, x0\n msr spsr_el2, x1\n mrs x0, elr_el1\n mrs x1, spsr_el1")
L2_ASM(set_and_get_hcr, "msr hcr_el2, x0\n mrs x0, hcr_el2")

static void instructions(u64 nv)
{
	struct vcpu v;

	printf("CurrentEL %lx\n", l2_trace("CurrentEL", current_el, 0, 0, L2_EL1, nv));
	l2_trace("eret", do_eret, 0, 0, L2_EL1, nv);
	l2_trace("hvc", do_hvc, 0, 0, L2_EL1, nv);
	l2_trace("smc", do_smc, 0, 0, L2_EL1, nv | HCR_TSC);
	l2_trace("tlbi alle1", tlbi_alle1, 0, 0, L2_EL1, nv);
	l2_trace("tlbi vmalle1", tlbi_vmalle1, 0, 0, L2_EL1, nv);
	l2_trace("tlbi ipas2e1", tlbi_ipas2, 0, 0, L2_EL1, nv);
	l2_trace("at s12e1r", at_s12, 0, 0, L2_EL1, nv);
	l2_trace("hcr_el2 at el0", rd_el2_hcr, 0, 0, L2_EL0, 0);
	/* SPSR_EL1.M says EL2: what the vector of EL1 tells */
	v = l2_first_exit(do_brk, 0, 0, L2_EL1, nv);
	l2_print_exit("brk", &v);
	v = l2_first_exit(do_svc, 0, 0, L2_EL1, nv);
	l2_print_exit("svc", &v);
	v = l2_first_exit(do_brk, 0, 0, L2_EL0, nv);
	l2_print_exit("brk at el0", &v);
}

static void fill(u64 *p, u64 seed)
{
	for (unsigned int i = 0; i < SLOTS; i++)
		p[i] = PATTERN(i) + seed;
}

static void changes(const char *name)
{
	for (unsigned int i = 0; i < SLOTS; i++) {
		if (page[i] != PATTERN(i))
			printf("%s: offset %x is %lx\n", name, i * 8, page[i]);
		page[i] = PATTERN(i);
	}
}

/* Where an access goes: a trap prints a line, the page has a value of its own in each slot. */
static void access(const struct row *row, u64 nv, bool may_write)
{
	/* what is no memory is the register of EL1, and that was set to 0 */
	u64 v = l2_trace(row->name, row->rd, 0, 0, L2_EL1, nv);

	if (v >= PATTERN(0) && v < PATTERN(SLOTS))
		printf("%s: offset %lx\n", row->name, v - PATTERN(0));
	if (!may_write)
		return;
	l2_trace(row->name, row->wr, WRITTEN, 0, L2_EL1, nv);
	changes(row->name);
}

/* EL1's names are real registers unless NV1 makes them memory. */
static void registers(u64 nv)
{
	bool el1_is_memory = (nv & HCR_NV2) && (nv & HCR_NV1);

	for (unsigned int i = 0; i < sizeof(el2_rows) / sizeof(el2_rows[0]); i++)
		access(&el2_rows[i], nv, true);
	for (unsigned int i = 0; i < sizeof(el12_rows) / sizeof(el12_rows[0]); i++)
		access(&el12_rows[i], nv, true);
	for (unsigned int i = 0; i < sizeof(el02_rows) / sizeof(el02_rows[0]); i++)
		access(&el02_rows[i], nv, true);
	for (unsigned int i = 0; i < sizeof(el1_rows) / sizeof(el1_rows[0]); i++)
		access(&el1_rows[i], nv, el1_is_memory);
}

static void set_vncr(u64 va)
{
	write_sysreg(va, SYS_VNCR_EL2);
	isb();
}

/* FEAT_ECV: the timers' names of another level trap in place of what is made memory of them. */
static void timer_traps(u64 nv)
{
	static const char *const names[] = { "EL1NVPCT", "EL1NVVCT" };
	u64 old = read_sysreg(cnthctl_el2);

	if (!FIELD(read_sysreg(id_aa64mmfr0_el1), 63, 60))
		return;
	for (unsigned int i = 0; i < ARRAY_SIZE(names); i++) {
		write_sysreg(old | BIT(15 + i), cnthctl_el2);
		isb();
		printf("%s\n", names[i]);
		for (unsigned int n = 0; n < ARRAY_SIZE(el02_rows); n++)
			access(&el02_rows[n], nv, true);
	}
	write_sysreg(old, cnthctl_el2);
	isb();
}

/* ELR_EL2, SPSR_EL2, ESR_EL2 and FAR_EL2 are EL1's registers, not memory. */
static void redirected(u64 nv)
{
	struct vcpu v = l2_first_exit(elr_then_read, 0x1230, PSR_DAIF | PSR_EL2h, L2_EL1, nv);

	l2_print_exit("redirected", &v);
	printf("elr %lx spsr %lx\n", guest_read(ELR), guest_read(SPSR));
	if (!(nv & HCR_NV1))
		printf("by EL1's names: %lx %lx\n", v.x[0], v.x[1]);
}

static void faults(const char *name, u64 va, u64 nv)
{
	set_vncr(va);
	printf("%s: %lx\n", name, l2_trace(name, rd_el2_hcr, 0, 0, L2_EL1, nv));
	l2_trace(name, wr_el2_hcr, WRITTEN, 0, L2_EL1, nv);
	changes(name);
}

static void remap(unsigned int n, u64 desc)
{
	u64 va = WINDOW + n * SZ_4K;

	*pt_leaf(&el2_low, va, NULL) = desc;
	dsb(ishst);
	asm volatile("tlbi vae2is, %0" : : "r"(va >> 12) : "memory");
	dsb(ish);
	isb();
}

/* A fault, what was amiss mended, and the same instruction again; pages that change under a TLBI. */
static void mended(u64 nv)
{
	u64 ro = (u64)page | PTE_VALID | PTE_TABLE | el2_normal() | PTE_RDONLY;
	u64 rw = ro & ~PTE_RDONLY;
	struct vcpu v;

	set_vncr(WINDOW + P_INVALID * SZ_4K);
	v = l2_first_exit(set_and_get_hcr, 0x77, 0, L2_EL1, nv);
	l2_print_exit("unmapped", &v);
	remap(P_INVALID, ro);
	l2_enter(&v, nv);
	l2_print_exit("read-only", &v);
	check_eq("nothing was stored", page[HCR_SLOT], PATTERN(HCR_SLOT));
	remap(P_INVALID, rw);
	l2_enter(&v, nv);
	check_eq("done", l2_done(&v), true);
	check_eq("read back", v.x[0], 0x77);
	changes("mended");
	remap(P_INVALID, (u64)other | (rw & ~PTE_ADDR));
	printf("another page: %lx\n", l2_trace("another page", rd_el2_hcr, 0, 0, L2_EL1, nv));
	set_vncr(WINDOW + P_RW * SZ_4K);
	printf("another VNCR_EL2: %lx\n", l2_trace("again", rd_el2_hcr, 0, 0, L2_EL1, nv));
	remap(P_INVALID, 0);
	printf("VNCR_EL2 %lx\n", read_sysreg(SYS_VNCR_EL2));
}

/* @pt with another page at @va, in tables of its own as far as they differ. */
static u64 other_root(const struct pgtable *pt, u64 va, u64 desc)
{
	u64 *table[3], *old = pt->root;

	for (unsigned int i = 0; i < 3; i++) {
		unsigned int n = FIELD(va, 38 - 9 * i, 30 - 9 * i);

		table[i] = pages_alloc(SZ_4K, SZ_4K);
		memcpy(table[i], old, SZ_4K);
		if (i)
			table[i - 1][FIELD(va, 47 - 9 * i, 39 - 9 * i)] = (u64)table[i] | 3;
		old = (u64 *)(table[i][n] & PTE_ADDR);
	}
	table[2][FIELD(va, 20, 12)] = desc;
	dsb(ish);
	return (u64)table[0];
}

/* EL2 changes its address space by TTBR0_EL2, ASID and all, without a TLBI; or its MMU goes off. */
static void other_tables(u64 nv)
{
	u64 va = WINDOW + P_RW * SZ_4K, old = read_sysreg(ttbr0_el2),
	    *p = pt_leaf(&el2_low, va, NULL);
	u64 desc = *p, ng = vhe_mode ? PTE_NG : 0;
	u64 root = other_root(&el2_low, va, (desc & ~PTE_ADDR) | (u64)other | ng);

	remap(P_RW, desc | ng);
	set_vncr(va);
	printf("one address space: %lx\n", l2_trace("one", rd_el2_hcr, 0, 0, L2_EL1, nv));
	write_sysreg(root | 5UL << 48, ttbr0_el2);
	isb();
	if (!vhe_mode)
		asm volatile("tlbi alle2\n dsb ish\n isb" : : : "memory");
	printf("another: %lx\n", l2_trace("another", rd_el2_hcr, 0, 0, L2_EL1, nv));
	write_sysreg(old, ttbr0_el2);
	isb();
	if (!vhe_mode)
		asm volatile("tlbi alle2\n dsb ish\n isb" : : : "memory");
	printf("the first again: %lx\n", l2_trace("first", rd_el2_hcr, 0, 0, L2_EL1, nv));
	remap(P_RW, desc);
}

/* FEAT_HAFDBS: the access flag and the dirty state of the page, by L2's accesses to it. */
static void hardware_updates(u64 nv)
{
	u64 va = WINDOW + P_RW * SZ_4K, tcr = read_sysreg(tcr_el2),
	    *p = pt_leaf(&el2_low, va, NULL);
	u64 desc = *p;

	if (FIELD(read_sysreg(id_aa64mmfr1_el1), 3, 0) < 2)
		return;
	write_sysreg(tcr | 3UL << (vhe_mode ? 39 : 21), tcr_el2);	/* HA, HD */
	isb();
	remap(P_RW, (desc | PTE_RDONLY | PTE_DBM) & ~PTE_AF);
	set_vncr(va);
	printf("read %lx", l2_trace("read", rd_el2_hcr, 0, 0, L2_EL1, nv));
	printf(" af %lu read-only %lu\n", FIELD(*p, 10, 10), FIELD(*p, 7, 7));
	l2_trace("write", wr_el2_hcr, WRITTEN, 0, L2_EL1, nv);
	changes("written");
	printf("af %lu read-only %lu\n", FIELD(*p, 10, 10), FIELD(*p, 7, 7));
	write_sysreg(tcr, tcr_el2);
	isb();
	remap(P_RW, desc);
}

static void map_window(void)
{
	pt_map_at(&el2_low, WINDOW + P_RW * SZ_4K, (u64)page, el2_normal(), 3);
	pt_map_at(&el2_low, WINDOW + P_RO * SZ_4K, (u64)page, el2_normal() | PTE_RDONLY, 3);
	pt_map_at(&el2_low, WINDOW + P_NOAF * SZ_4K, (u64)page, el2_normal() & ~PTE_AF, 3);
	pt_map_at(&el2_low, WINDOW + P_OTHER * SZ_4K, (u64)other, el2_normal(), 3);
	dsb(ish);
	isb();
}

static void nv2(u64 nv)
{
	set_vncr(WINDOW + P_RW * SZ_4K);
	instructions(nv);
	l2_reset_el1();
	registers(nv);
	timer_traps(nv);
	l2_reset_el1();
	redirected(nv);
	faults("valid", WINDOW + P_RW * SZ_4K, nv);
	faults("read-only", WINDOW + P_RO * SZ_4K, nv);
	faults("no access flag", WINDOW + P_NOAF * SZ_4K, nv);
	faults("unmapped page", WINDOW + P_INVALID * SZ_4K, nv);
	faults("no table", UNMAPPED, nv);
	faults("beyond the address size", BEYOND, nv);
	if (vhe_mode)
		faults("high", (u64)page - 0x40000000UL + HIGH_BASE, nv);
	mended(nv);
	other_tables(nv);
	hardware_updates(nv);
	/* what L2 left in the page is nothing that this EL2 runs with */
	check_eq("HCR_EL2.NV here", read_sysreg(hcr_el2) & HCR_NV, 0);
}

static void guest_registers_zero(void)
{
	guest_write(0, ELR);
	guest_write(0, SPSR);
	guest_write(0, ESR);
	guest_write(0, FAR);
	guest_write(0, CONTEXTIDR);
}

void guest_main(void)
{
	static const u64 bits[] = { HCR_NV, HCR_NV | HCR_NV1 };
	u64 level = FIELD(read_sysreg(SYS_ID_AA64MMFR2_EL1), 27, 24);

	fill(page, 0);
	fill(other, 0x10000000);
	mmu_init_el2();
	map_window();
	l2_init();
	check(level >= 1, "FEAT_NV");
	for (unsigned int i = 0; i < 2; i++) {
		printf("NV%s\n", i ? " NV1" : "");
		guest_registers_zero();
		instructions(bits[i]);
		l2_reset_el1();
		registers(bits[i]);
		l2_reset_el1();
	}
	if (arg_is("part", "nv"))
		return;
	check(level >= 2, "FEAT_NV2");
	for (unsigned int i = 0; i < 2; i++) {
		printf("NV2%s\n", i ? " NV1" : "");
		guest_registers_zero();
		nv2(bits[i] | HCR_NV2);
	}
}
