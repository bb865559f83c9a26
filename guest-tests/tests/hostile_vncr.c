// SPDX-License-Identifier: GPL-2.0-only
/*
 * The page of VNCR_EL2 as an enemy of whoever is below would choose it, while L2 is at its virtual EL2: any bit set, any
 * number, memory that is not there, devices, this EL2's own tables, L2's, its code. What the architecture answers is
 * printed; of what it leaves open, only that there is an answer.
 */
#include "l2.h"

#define HCR_NV		BIT(42)
#define HCR_NV1		BIT(43)
#define HCR_NV2		BIT(45)
#define SYS_VNCR_EL2	S3_4_C2_C2_0
#define RAM		0x40000000UL
#define RAM_END		0x50000000UL
#define WINDOW		0x200000000UL	/* a page of EL2's, wherever it leads */
#define SLOTS		(SZ_4K / 8)
#define TAG		0x5a50UL
#define NRANDOM		300

static u64 page[SLOTS] __attribute__((aligned(4096)));
static u64 victim[SLOTS] __attribute__((aligned(4096)));

L2_ASM(rd_tpidr, "mrs x0, tpidr_el2")
L2_ASM(wr_tpidr, "msr tpidr_el2, x0")
L2_ASM(set_and_get, "msr tpidr_el2, x0\n mrs x0, tpidr_el2")

static void set_vncr(u64 va)
{
	write_sysreg(va, SYS_VNCR_EL2);
	isb();
}

static void set_window(u64 desc)
{
	*pt_leaf(&el2_low, WINDOW, NULL) = desc;
	dsb(ishst);
	asm volatile("tlbi vae2is, %0\n dsb ish\n isb" : : "r"(WINDOW >> 12) : "memory");
}

static void attempt(const char *name, l2_fn fn, u64 nv)
{
	struct vcpu v = l2_first_exit(fn, TAG, 0, L2_EL1, nv);

	if (l2_done(&v))
		printf("%s: %lx\n", name, v.x[0]);
	else
		l2_print_exit(name, &v);
}

static void bits(u64 nv)
{
	for (unsigned int bit = 12; bit < 64; bit++) {
		set_vncr((u64)page ^ BIT(bit));
		/* RESS: the architecture does not say what follows where it is not all the same */
		if (bit >= 53) {
			l2_first_exit(rd_tpidr, 0, 0, L2_EL1, nv);
			continue;
		}
		printf("bit %u ", bit);
		/* a page of this program, or of nobody */
		attempt("read", rd_tpidr, nv);
	}
	for (unsigned int i = 0; i < NRANDOM; i++) {
		u64 va = rnd() & MASK(51, 12);

		/* where this EL2 has memory, it may be anything */
		if (va < RAM_END)
			continue;
		set_vncr(va);
		printf("%u ", i);
		attempt("random", i % 2 ? rd_tpidr : wr_tpidr, nv);
	}
	/* low bits are RES0 */
	set_vncr((u64)page | 0xfff);
	attempt("low bits", set_and_get, nv);
}

/* Pages that EL2 maps and nobody has, and tables' attributes that are no memory's. */
static void nowhere(u64 nv)
{
	static const u64 places[] = {
		RAM_END,
		RAM_END + 0x5ff000,
		RAM_END + 0x600000,
		RAM_END + 0x680000,
		RAM_END + 0x10000000,
		RAM_END + 0x20000000,
		0x80000000,
		0x10000000000,
		0xfffffffff000,
	};

	set_vncr(WINDOW);
	for (unsigned int i = 0; i < ARRAY_SIZE(places); i++) {
		set_window((places[i] & PTE_ADDR) | PTE_VALID | PTE_TABLE | el2_normal());
		printf("at %lx ", places[i]);
		attempt("read", rd_tpidr, nv);
		attempt("write", wr_tpidr, nv);
	}
}

/* Device memory: a register of some device, or an abort. */
static void devices(u64 nv)
{
	static const u64 places[] = { 0x08000000, 0x080a0000, 0x080b0000, 0x09000000, 0x09010000,
				      0x09040000, 0x0a000000 };

	for (unsigned int i = 0; i < ARRAY_SIZE(places); i++) {
		set_window(places[i] | PTE_VALID | PTE_TABLE | el2_normal());
		l2_first_exit(rd_tpidr, 0, 0, L2_EL1, nv);
	}
	check(true, "devices");
}

/* Each writes one word that no walk of this program uses. */
static void tables(u64 nv)
{
	const u64 places[] = { (u64)el2_low.root, (u64)pt_leaf(&el2_low, WINDOW, NULL) & PTE_ADDR,
			       (u64)l2_s2.root, (u64)victim };

	for (unsigned int i = 0; i < ARRAY_SIZE(places); i++) {
		set_window(places[i] | PTE_VALID | PTE_TABLE | el2_normal());
		printf("table %u ", i);
		attempt("written", set_and_get, nv);
		attempt("read", rd_tpidr, nv);
		check_eq("what is there", *(volatile u64 *)(places[i] + 0x90), TAG);
		*(volatile u64 *)(places[i] + 0x90) = 0;
	}
	/* execute-only of no level, no access flag, read-only, at once and one after the other, without a TLBI */
	for (unsigned int i = 0; i < 64; i++) {
		u64 desc = (u64)victim | PTE_VALID | PTE_TABLE | el2_normal();

		desc ^= (i & 1 ? PTE_RDONLY : 0) | (i & 2 ? PTE_AF : 0) | (i & 4 ? PTE_VALID : 0) |
			(i & 8 ? PTE_PXN : 0) | (i & 16 ? PTE_UXN : 0) | (i & 32 ? PTE_TABLE : 0);
		set_window(desc);
		printf("descriptor %u ", i);
		attempt("write", wr_tpidr, nv);
	}
}

void guest_main(void)
{
	static const u64 modes[] = { HCR_NV | HCR_NV2, HCR_NV | HCR_NV1 | HCR_NV2 };

	mmu_init_el2();
	pt_map_at(&el2_low, WINDOW, (u64)page, el2_normal(), 3);
	l2_init();
	for (unsigned int i = 0; i < ARRAY_SIZE(modes); i++) {
		bits(modes[i]);
		nowhere(modes[i]);
		devices(modes[i]);
		tables(modes[i]);
	}
}
