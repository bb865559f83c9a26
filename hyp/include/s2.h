/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Stage 2: walking the one that L1 wrote, building those that the hardware uses, and keeping the
 * second true to the first.
 *
 * Runs at EL2 with interrupts masked, under both hosts. Every function that takes a struct s2_vm or
 * struct s2_mmu and says nothing else takes the VM's lock itself; none of them sleeps or logs.
 * Nothing that a guest writes into its tables or registers makes these functions fail in another
 * way than by a result that describes what the architecture says.
 *
 * Three parts, each of which can be used without the next:
 *   1. s2_walk     pure walker of L1's tables (l2ipa_t -> ipa_t)
 *   2. s2_table    editor of hardware tables, 4K granule (input address -> pa_t)
 *   3. s2_mmu      the canonical table of an L1, its shadow tables, TLBIs, faults
 */
#ifndef VEL2_S2_H
#define VEL2_S2_H

#include <page_pool.h>
#include <types.h>

/*
 * What the virtual ID registers offer to L1 (not what the hardware has). Filled once, by the ID
 * register policy. Whatever is false here must be hidden there: L1 cannot be stopped from setting the
 * bits, they are then ignored as RES0.
 */
struct s2_caps {
	u8 pa_bits;    /* ID_AA64MMFR0.PARange as a number of bits: 32..48, or 52 */
	bool tgran4;   /* stage-2 granules offered */
	bool tgran16;
	bool tgran64;
	bool ds;       /* 52 bits with 4K and 16K granules (FEAT_LPA2 at stage 2) */
	bool ttst;     /* T0SZ up to 48 (FEAT_TTST) */
	bool xnx;      /* XN[1:0] tells EL1 from EL0 (FEAT_XNX) */
	bool hafdbs_af;/* VTCR_EL2.HA works */
	bool hafdbs_db;/* VTCR_EL2.HD works */
	bool vmid16;   /* 16-bit VMIDs if VTCR_EL2.VS */
	bool ttl;      /* TTL hint in TLBI by address (FEAT_TTL) */
	bool tlbirange;/* range TLBIs (FEAT_TLBIRANGE) */
};

/* ---------------------------------------------------------------------------------------------
 * 1. The walker
 */

/* What an access wants. S2_ACC_EL0 only matters for S2_ACC_EXEC, under FEAT_XNX. */
#define S2_ACC_READ BIT(0)
#define S2_ACC_WRITE BIT(1)
#define S2_ACC_EXEC BIT(2)
#define S2_ACC_EL0 BIT(3)   /* by EL0 */
#define S2_ACC_S1PTW BIT(4) /* by the stage-1 walker */

/* Permissions of a leaf. */
#define S2_PERM_R BIT(0)
#define S2_PERM_W BIT(1)
#define S2_PERM_PX BIT(2) /* execute at EL1 */
#define S2_PERM_UX BIT(3) /* execute at EL0 */
#define S2_PERM_RWX (S2_PERM_R | S2_PERM_W | S2_PERM_PX | S2_PERM_UX)

enum s2_fault_kind {
	S2_FAULT_NONE,
	S2_FAULT_ADDRESS_SIZE,
	S2_FAULT_TRANSLATION,
	S2_FAULT_ACCESS_FLAG,
	S2_FAULT_PERMISSION,
	S2_FAULT_EXTERNAL, /* synchronous external abort on the walk itself */
};

/*
 * ESR_ELx.{D,I}FSC (also PAR_EL1.FST) of a fault: kind and level (-1..3) into the six bits of the
 * architecture.
 */
u8 s2_fault_fsc(enum s2_fault_kind kind, int level);

/* How the walker reaches L1's memory. */
struct s2_mem_ops {
	/*
	 * Reads 8 bytes at L1's physical address `addr` (8-byte aligned), once, little-endian.
	 * 0, or -EFAULT where a load by the hardware would take an external abort.
	 */
	int (*read)(void *ctx, ipa_t addr, u64 *val);
	/*
	 * Replaces `old` by `new` at `addr` if it still is `old`: 0, -EAGAIN if it is not, -EFAULT if it
	 * cannot be written. Only used for hardware AF/dirty updates; may be NULL without them.
	 */
	int (*cmpxchg)(void *ctx, ipa_t addr, u64 old, u64 new);
	void *ctx;
};

/* The stage 2 that L1 programmed. */
struct s2_walk_info {
	u64 vttbr;       /* virtual VTTBR_EL2 */
	u64 vtcr;        /* virtual VTCR_EL2 */
	bool big_endian; /* virtual SCTLR_EL2.EE */
	bool ptw;        /* virtual HCR_EL2.PTW: no stage-1 tables in Device memory */
};

/* Shape of a translation table, of either stage. */
struct vmsa_geometry {
	u8 page_shift; /* 12, 14, 16 */
	u8 stride;     /* bits of index a level: page_shift - 3 */
	u8 ia_bits;
	u8 oa_bits;
	s8 start_level; /* -1..3 */
	bool ds;        /* 4K or 16K with 52-bit descriptors */
	bool oa52;      /* 64K with 52-bit descriptors */
};

/* What a walk needs of s2_walk_info and s2_caps, worked out once for many walks. */
struct s2_walk_plan {
	struct vmsa_geometry g;
	bool valid; /* the configuration is one; else every walk is a level-0 translation fault */
	bool ha, hd;
	bool xnx;
	bool big_endian;
	bool ptw;
	u8 sh;      /* VTCR_EL2.SH0, which counts under DS */
	ipa_t root;
};

struct s2_walk_result {
	enum s2_fault_kind fault;
	s8 level;        /* of the leaf, or of the fault: -1..3 */
	/* The rest only without a fault. */
	u8 shift;        /* the leaf maps 2^shift bytes, aligned (without regard to the contiguous bit) */
	u8 perm;         /* S2_PERM_*; without W while L1's hardware-dirty bit is clear */
	u8 memattr;      /* MemAttr[3:0], as in the descriptor, FWB clear */
	u8 sh;           /* SH[1:0] */
	bool contiguous;
	ipa_t ipa;       /* where the exact input address goes */
	u64 desc;        /* the leaf itself, host byte order */
};

/*
 * Walks L1's stage 2 for one access. Returns 0 if the access is allowed, else -EFAULT with
 * res->fault and res->level (a fault is data, not an error of ours). After S2_FAULT_PERMISSION the leaf's
 * fields are valid too. access == 0 asks for the translation without any permission check.
 * Order of checks as in AArch64.S2Translate: invalid configuration (translation, level 0), input
 * size, address size of the base, per level external abort / translation / address size, access flag,
 * permission.
 */
int s2_walk(const struct s2_walk_info *info, const struct s2_caps *caps,
	    const struct s2_mem_ops *mem, l2ipa_t ipa, u32 access, struct s2_walk_result *res);
/* The same in two steps. */
void s2_walk_make_plan(const struct s2_walk_info *info, const struct s2_caps *caps,
		       struct s2_walk_plan *plan);
int s2_walk_planned(const struct s2_walk_plan *plan, const struct s2_mem_ops *mem, l2ipa_t ipa,
		    u32 access, struct s2_walk_result *res);

/* Granule (12, 14 or 16) selected by VTCR_EL2.TG0, for TLBI sizes; 16 for the reserved value. */
unsigned int s2_vtcr_granule_shift(u64 vtcr, const struct s2_caps *caps);

/* ---------------------------------------------------------------------------------------------
 * 2. Hardware tables
 */

struct s2_table;

/*
 * What the editor needs from the machine. The order is the contract, and the unit tests check it:
 *
 *   new mapping      write descriptor; publish()
 *   split a block    fill the new table; publish(); clear the entry; tlbi(block); link; publish()
 *   change a leaf    clear the entry; tlbi(leaf); write it again; publish()
 *   take W away      rewrite the leaf in place (its output stays); tlbi(range)
 *   unmap            clear all entries of the range, unlink emptied tables; tlbi(range); only then
 *                    the table pages go back to the pool
 *
 * tlbi() itself orders the cleared entries before it (DSB ISHST) and returns when no CPU can use the old
 * translation or anything derived from it any more, stage 1 and cached table walks included.
 */
struct s2_table_ops {
	void (*tlbi)(struct s2_table *t, u64 ia, u64 size);
	void (*publish)(struct s2_table *t);
};

struct s2_budget {
	u32 used; /* pages */
	u32 max;
};

struct s2_table {
	u64 *root;         /* 2^root_order contiguous pages */
	u8 ia_bits;        /* input addresses: 32..48 bits */
	u8 start_level;    /* 0 or 1 */
	u8 root_order;     /* concatenation: 0..4 */
	u32 pages;         /* table pages below the root */
	u32 leaves;        /* valid leaf descriptors */
	struct page_pool *pool;
	struct s2_budget *budget; /* counts and limits pages below the root; may be NULL */
	const struct s2_table_ops *ops;
};

struct s2_leaf {
	pa_t pa;     /* where the exact input address goes */
	u8 level;    /* 1..3 */
	u8 shift;    /* 30, 21 or 12 */
	u8 perm;     /* S2_PERM_* */
	u8 memattr;  /* MemAttr[3:0] */
	u8 sh;       /* SH[1:0] */
	u8 note;     /* four bits of software use: SW bits [58:55] */
};

/* Allocates the root. 0, -EINVAL (ia_bits), -ENOMEM. */
int s2_table_init(struct s2_table *t, unsigned int ia_bits, struct page_pool *pool,
		  struct s2_budget *budget, const struct s2_table_ops *ops);
/* The same on a root that stays the caller's: zeroed, 2^s2_table_root_order() pages, aligned to that. */
int s2_table_init_at(struct s2_table *t, unsigned int ia_bits, u64 *root, struct page_pool *pool,
		     struct s2_budget *budget, const struct s2_table_ops *ops);
unsigned int s2_table_root_order(unsigned int ia_bits);

/*
 * Maps [ia, ia+size) to [pa, pa+size) with the attributes in `attr` (perm, memattr, sh, note), in
 * the largest blocks that both alignments allow and that are not above max_shift (30, 21 or 12).
 * What was mapped there before is replaced. 0, -EINVAL (alignment, range), -ENOMEM (what was mapped until
 * then stays mapped, and the call may be repeated).
 */
int s2_table_map(struct s2_table *t, u64 ia, pa_t pa, u64 size, const struct s2_leaf *attr,
		 unsigned int max_shift);

/*
 * Unmaps at least [ia, ia+size) (clipped to the table's input size), and frees tables that become
 * empty. A block that is only partly inside goes whole, so that no memory is needed. Returns the number of leaves removed.
 */
u64 s2_table_unmap(struct s2_table *t, u64 ia, u64 size);

/* Unmaps all and frees all tables below the root, by what is mapped. One tlbi() for all. */
void s2_table_clear(struct s2_table *t);

/* True and *leaf filled if ia is mapped. */
bool s2_table_lookup(const struct s2_table *t, u64 ia, struct s2_leaf *leaf);

/* ---------------------------------------------------------------------------------------------
 * 3. MMUs of one L1
 */

#define S2_MAX_SHADOWS 16
#define S2_MAX_STAGE1S 8
#define S2_RAM_RANGES 4
#define S2_MAX_VMIDS (1 + S2_MAX_SHADOWS + 2 * S2_MAX_STAGE1S) /* hardware VMIDs of one VM, at most */
#define S2_SHADOW_PAGES 512 /* that L0 has for the shadow tables of all VMs */

struct s2_vm;

/*
 * One stage-2 context of the hardware: a VMID of its own and a table. The lead loads hw_vtcr and
 * hw_vttbr into VTCR_EL2 and VTTBR_EL2, and HCR_EL2.VM = 1 always, whatever L1's HCR_EL2.VM says.
 *
 *   canonical         vEL2 and vEL0 under TGE
 *   own               the same with windows of one vCPU's, see s2_vm_map_window(): canonical's VMID
 *   nested_stage2_enabled == false
 *                     vEL1&0 with virtual VM = DC = 0: another VMID, the canonical table
 *   nested_stage2_enabled == true
 *                     vEL1&0 with virtual VM or DC: a shadow table
 *
 * hw_vttbr and hw_vtcr stay the same while a reference is held.
 */
struct s2_mmu {
	u64 hw_vttbr;
	u64 hw_vtcr;

	struct s2_vm *vm;
	struct s2_table table; /* unused (root NULL) where the canonical one is shared */
	u64 *root_pages;       /* reserved for the table's root, whatever its shape */
	u64 tlb_vttbr;         /* key: virtual VTTBR_EL2 without CnP */
	u64 tlb_vtcr;          /* key: virtual VTCR_EL2 */
	bool nested_stage2_enabled;
	bool valid;            /* the key means something */
	bool stage1;           /* the table is a stage 1 of vEL2's, see s2_stage1_fault() */
	struct s2_walk_plan
		plan;	 /* for walking L1's tables; SCTLR_EL2.EE and HCR_EL2.PTW are keys */
	u8 max_l1_shift;       /* largest leaf of L1's that something here was made from; 0: empty */
	u16 vmid;              /* the hardware's */
	u32 refcnt;            /* vCPUs that run on it, or may any moment */
	u64 last_used;
};

struct s2_config {
	struct page_pool *pool;
	struct s2_caps caps; /* pa_bits at most 48 and at most hw_pa_bits */
	u8 l1_ipa_bits;      /* input size of the canonical table, 32..48; at least caps.pa_bits or L1 can name
				addresses that fault at an odd level */
	u8 hw_pa_bits;       /* the CPU's PARange in bits; above 48 counts as 48 */
	u8 hw_vmid_bits;     /* 8 or 16 (16: VTCR_EL2.VS is set in hw_vtcr) */
	bool hw_xnx;         /* the CPU has FEAT_XNX */
	u8 nr_vcpus;         /* of the VM: with one, nobody changes L1's tables while they are walked */
	u8 nr_shadows;       /* 1..S2_MAX_SHADOWS; more than the VM has vCPUs */
	u8 nr_stage1s;       /* vCPUs whose vEL2 may have its stage 1 shadowed: 0..S2_MAX_STAGE1S */
	u8 nr_owns;          /* vCPUs whose vEL2 may have windows: 0..S2_MAX_STAGE1S */
	u16 vmid_base;       /* first of nr_shadows + nr_stage1s + 1 hardware VMIDs; 0 (the host's): 1 */
	/*
	 * Limit of pages for all shadow tables; 0: S2_SHADOW_PAGES. One instruction may need some sixty at once (its
	 * own page, its operands, stage-1 tables for each, all in places of their own): with
	 * fewer, a guest may not get on.
	 */
	u32 shadow_pages;
};

struct s2_stats {
	u64 shadow_faults;   /* s2_shadow_fault() on a shadow */
	u64 mapped;          /* of these: mapped */
	u64 mapped_blocks;   /* of these: with a block */
	u64 injected;        /* of these: L1's fault */
	u64 prefilled;
	u64 mmu_switches;    /* lookup_s2_mmu() found a live one */
	u64 mmu_recycled;    /* ... or took another's place */
	u64 pages_reclaimed;
	u64 tlbi;            /* L1's TLBIs emulated */
	u64 tlbi_unmapped;   /* leaves dropped by them */
};

struct s2_ram {
	ipa_t ipa;
	u64 size;
	pa_t pa;
};

struct s2_vm {
	u32 lock;
	struct s2_config cfg;
	struct s2_budget budget;
	u8 root_order;         /* of each shadow's reserved root */
	struct s2_mem_ops mem; /* L1's RAM, for walks */
	/* RAM again, for finding a word of it faster than by the table. Some of it or all. */
	struct s2_ram ram[S2_RAM_RANGES];
	u8 nr_ram;
	struct s2_mmu canonical;
	struct s2_owns *owns; /* a page of the pool's, or NULL */
	struct s2_mmu shadow[S2_MAX_SHADOWS];
	struct s2_mmu stage1[S2_MAX_STAGE1S]; /* by vCPU */
	u64 tick;
	struct s2_stats stats;
};

/* What each vCPU has for itself. */
struct s2_owns {
	struct s2_mmu mmu[S2_MAX_STAGE1S]; /* by vCPU */
	struct s2_ram
		window[2 * S2_MAX_STAGE1S]; /* no RAM of L1's, and yet in one of their tables */
	u8 nr_windows;
};
_Static_assert(sizeof(struct s2_owns) <= SZ_4K, "a page");

/* Before anything else; allocates the roots of all tables. 0, -EINVAL, -ENOMEM. */
int s2_vm_init(struct s2_vm *vm, const struct s2_config *cfg);

/*
 * L1's physical address space. RAM is Normal write-back, a device Device-nGnRE; both RW, RAM executable.
 * 4K aligned. Everything else faults, for L0 to emulate. 0, -EINVAL, -ENOMEM.
 */
int s2_vm_map_ram(struct s2_vm *vm, ipa_t ipa, pa_t pa, u64 size);
int s2_vm_map_device(struct s2_vm *vm, ipa_t ipa, pa_t pa, u64 size);

/*
 * Memory of L0's in place of RAM of L1's, for vEL2 of vCPU @i alone: Normal write-back, @perm is S2_PERM_*.
 * Everybody else, this vCPU's vEL1 included, goes on seeing the RAM. Before L1 runs, after its RAM.
 * 0, -EINVAL, -ENOMEM.
 */
int s2_vm_map_window(struct s2_vm *vm, unsigned int i, const struct s2_ram *window, u8 perm);

/* Where L1's physical address is, and whether it is RAM (else a device). False if not mapped. */
bool s2_vm_ipa_to_pa(struct s2_vm *vm, ipa_t ipa, pa_t *pa, bool *ram);

/*
 * L1's RAM, 8 bytes at an aligned address, little-endian, once: what s2_walk and s1_walk use on behalf of
 * this VM (ctx is the struct s2_vm). -EFAULT outside of RAM. Take no lock: the canonical table only
 * changes while no vCPU runs.
 */
int s2_vm_read64(void *vm, ipa_t addr, u64 *val);
int s2_vm_cmpxchg64(void *vm, ipa_t addr, u64 old, u64 new);

/* L0's map of L1's physical addresses for what runs on @mmu: the canonical one, or that of a vCPU's vEL2. */
const struct s2_table *s2_vm_map_of(const struct s2_mmu *mmu);

/* The registers of L1 that select a stage 2. All virtual, all current. */
struct s2_guest {
	u64 hcr;   /* HCR_EL2 */
	u64 vttbr; /* VTTBR_EL2 */
	u64 vtcr;  /* VTCR_EL2 */
	u64 sctlr; /* SCTLR_EL2 (EE) */
};

/*
 * The MMU for vEL1&0 under these registers, with a reference: found by its key, else the least
 * recently used one that nobody runs on, emptied (VMALLS12E1IS on its VMID). NULL only if nr_shadows
 * references are held.
 * For vEL2 (and vEL0 under {E2H,TGE} == {1,1}) use &vm->canonical, or the vCPU's own, which need no
 * reference.
 */
struct s2_mmu *lookup_s2_mmu(struct s2_vm *vm, const struct s2_guest *g);
/* Still the right one? Cheap (a few compares), for the entry path. Does not count as a use. */
bool s2_mmu_matches(const struct s2_mmu *mmu, const struct s2_guest *g);
/* Gives the reference back. First load another VTTBR_EL2: a table without reference may go away. */
void s2_mmu_put(struct s2_mmu *mmu);

/* ---- faults ---- */

enum s2_fault_action {
	S2_RETRY = 0,  /* mapped now, or a spurious fault: run the guest again */
	S2_INJECT,     /* L1's stage 2 refuses it: give L1 the fault */
	S2_EMULATE,    /* L1's stage 2 allows it, but L0 has no memory there: a device of L0's */
};

struct s2_fault_result {
	/* S2_INJECT: */
	enum s2_fault_kind kind;
	s8 level;
	u8 fsc;           /* ready for ESR_EL2.{D,I}FSC */
	l2ipa_t fipa;     /* for HPFAR_EL2: the input address */
	/* S2_EMULATE: */
	ipa_t l1_ipa;     /* L1's physical address of the access */
	/* S2_RETRY, S2_EMULATE: what L1's stage 2 says of the page */
	u8 perm;
	u8 shift;         /* S2_RETRY: 2^shift bytes were mapped around the address */
};

/*
 * A stage-2 fault was taken to real EL2 while the CPU ran on `mmu` (any kind: canonical too). `ipa` is
 * the exact faulting input address: HPFAR_EL2's page, with the low bits of FAR_EL2 where they belong to
 * it. `access` from ESR_EL2 and SPSR_EL2: S2_ACC_*.
 * Returns enum s2_fault_action, or -ENOMEM if the budget is too small even for one page's tables.
 */
int s2_shadow_fault(struct s2_mmu *mmu, l2ipa_t ipa, u32 access, struct s2_fault_result *out);

/*
 * Maps the page of `ipa` if L1's tables have it now and it is RAM, without telling anybody if not.
 * For L1's ERET after a stage-2 fault that was forwarded to it. Never sets L1's dirty bits.
 * 0 if mapped, -ENOENT otherwise.
 */
int s2_shadow_prefill(struct s2_mmu *mmu, l2ipa_t ipa);

/* ---- vEL2's own stage 1, where the hardware cannot use L1's tables ---- */

struct at_ctx;

/*
 * A fault taken while the CPU ran vEL2 (E2H=0) on `mmu`, of vm->stage1: the hardware's own stage 1 is off
 * (HCR_EL2.DC) and the table maps L1's virtual addresses to physical ones, both stages in one. It is filled
 * by faults, from L1's tables as they are then, and emptied by L1's TLBIs: a TLB, as L1 sees it.
 * `va` is FAR_EL2. Sets AF and dirty state in L1's tables where L1's TCR_EL2 asks for that.
 * As s2_shadow_fault(); S2_INJECT is a stage-1 abort, with kind, level and fsc.
 */
int s2_stage1_fault(struct s2_mmu *mmu, const struct at_ctx *ctx, va_t va, u32 access,
		    struct s2_fault_result *out);

/* L1 changed a register that the walks depend on: nothing that was made from the old one stays. */
void s2_stage1_clear(struct s2_mmu *mmu);

/* ---- TLB maintenance by L1 ---- */

/* A system instruction SYS #op1, Cn, Cm, #op2 in one number (op0 is 1). */
#define S2_SYS(op1, crn, crm, op2) (((op1) << 11) | ((crn) << 7) | ((crm) << 3) | (op2))

/*
 * Emulates a TLBI that L1 executed at vEL2 (`sys` by S2_SYS, CRn 8, or 9 for the nXS form; `val` is Xt).
 * What of the shadow tables it covers is dropped, and the hardware's TLBs of the VMIDs concerned are
 * invalidated on all CPUs, before it returns. Every TLBI, of E1, E2 and S12, with {E2H,TGE} as in g->hcr.
 * 0, or -EINVAL if it is no TLBI or one that the caps do not offer (UNDEF for L1). g may be wrong about
 * everything but hcr, vttbr and vtcr.
 */
int s2_emulate_tlbi(struct s2_vm *vm, const struct s2_guest *g, u32 sys, u64 val);

/*
 * A TLBI of E1 type executed by a guest of L1's at its own EL1 that L1 does not want (HCR_EL2.TTLB
 * clear there), but L0 trapped: acts on that guest's MMU alone. 0 or -EINVAL.
 */
int s2_emulate_tlbi_vel1(struct s2_mmu *mmu, u32 sys, u64 val);

/* All stage-1 translations of vEL1&0, of every VMID but vEL2's, on all CPUs. For clearing TTLB. */
void s2_flush_guest_stage1(struct s2_vm *vm);
/*
 * All guest translations on this CPU alone. vCPUs of one VM share VMIDs, yet each may give an ASID a meaning
 * of its own: for a CPU that goes from one vCPU to another.
 */
void s2_flush_this_cpu(void);

#endif /* VEL2_S2_H */
