// SPDX-License-Identifier: GPL-2.0-only
/*
 * The L1 virtual machine: made once, from modules and the device tree; ended by its own PSCI call.
 *
 * In the host, on the boot CPU, before any other vCPU runs. L1's RAM is what the machine has above L0's 6 MiB, and
 * begins for L1 where the machine's RAM begins for L0.
 */
#include <libfdt.h>

#include <fdt-l1.h>
#include <gic.h>
#include <host.h>
#include <hyp_init.h>
#include <idregs.h>
#include <kvm_hyp.h>
#include <l1.h>
#include <libfdt.h>
#include <loader.h>
#include <log.h>
#include <mmu.h>
#include <nested.h>
#include <options.h>
#include <page_pool.h>
#include <psci.h>
#include <pcie.h>
#include <pv.h>
#include <stats.h>
#include <string.h>

#define ERRLEN		256

struct kvm l1;

/* Of L0's memory the one page that L1 may touch. */
static struct pvtime pvtime[PVTIME_PAGE / sizeof(struct pvtime)] __aligned(PVTIME_PAGE);
_Static_assert(sizeof(pvtime) == PVTIME_PAGE && ARRAY_SIZE(pvtime) >= MAX_VCPUS, "a page");

extern char _start[], __pool_start[], __pool_end[];

static pa_t to_pa(ipa_t ipa)
{
	return ipa + l1.ram_offset;
}

/* A module's place as L1 sees it; one that lies below L1's RAM becomes huge and fails the range checks. */
static struct range module_range(const struct l0_module *m)
{
	return (struct range){ m->size ? m->addr - l1.ram_offset : 0, m->size };
}

static void l1_memory(void)
{
	u64 pool_end = (u64)__pool_end, end = plat.ram_base + plat.ram_size;

	l1.ram_base = plat.ram_base;
	l1.ram_offset = pool_end - plat.ram_base;
	l1.ram_size = ALIGN_DOWN(end - pool_end, SZ_2M);
	if (!l1.ram_size)
		l0_fatal_user("no memory left for L1: give the machine more");
}

/* vCPUs come off the front of the pool: they live as long as L0, and need whole pages. */
static void l1_vcpus(void)
{
	struct kvm_vcpu *vcpu = (struct kvm_vcpu *)__pool_start;
	unsigned int i, n = l0_nr_vcpus();

	l1.nr_vcpus = (int)n;
	for (i = 0; i < n; i++, vcpu++) {

		kvm_call_hyp(nested_vcpu_create, vcpu, &l1, i);
		vcpu->cpu = -1;
		vcpu->arch.mpidr = BIT(31) | (i < plat.nr_cpus ? plat.mpidr[i] : i);
		vcpu->arch.powered_off = i > 0;
		l1.vcpus[i] = vcpu;
	}
	if (kvm_call_hyp(hyp_page_pool_init, vcpu, __pool_end))
		l0_fatal_user("no memory left for L0's page pool");
}

static unsigned int id_field(u64 reg, unsigned int shift)
{
	return (reg >> shift) & 0xf;
}

#define read_id(name)							\
	({								\
		u64 __v;						\
		asm("mrs %0, " name : "=r"(__v));			\
		__v;							\
	})

static u8 pa_bits(unsigned int parange)
{
	static const u8 bits[] = { 32, 36, 40, 42, 44, 48, 52 };

	return bits[parange < ARRAY_SIZE(bits) ? parange : ARRAY_SIZE(bits) - 1];
}

/* TGran*_2: 0 as for stage 1, 1 no, 2 and above yes. */
static bool gran(unsigned int stage2, bool stage1)
{
	return stage2 ? stage2 >= 2 : stage1;
}

static u64 virtual_id(u32 enc)
{
	return kvm_call_hyp(idreg_read, l1.vcpus[0], enc);
}

/* What L1's stage 2 may use is what its ID registers say: the vCPUs have been initialised. */
static struct s2_caps stage2_caps(void)
{
	u64 mmfr0 = virtual_id(SYS_ID_AA64MMFR0_EL1), mmfr1 = virtual_id(SYS_ID_AA64MMFR1_EL1);
	u64 mmfr2 = virtual_id(SYS_ID_AA64MMFR2_EL1), isar0 = virtual_id(SYS_ID_AA64ISAR0_EL1);
	u8 bits = pa_bits(id_field(mmfr0, 0));

	return (struct s2_caps){
		.pa_bits = bits > 48 ? 48 : bits,
		.tgran4 = gran(id_field(mmfr0, 40), id_field(mmfr0, 28) != 0xf),
		.tgran16 = gran(id_field(mmfr0, 32), id_field(mmfr0, 20) != 0),
		.tgran64 = gran(id_field(mmfr0, 36), id_field(mmfr0, 24) != 0xf),
		.ds = id_field(mmfr0, 40) == 3,
		.ttst = id_field(mmfr2, 28),
		.xnx = id_field(mmfr1, 28),
		.hafdbs_af = id_field(mmfr1, 0) >= 1,
		.hafdbs_db = id_field(mmfr1, 0) >= 2,
		.vmid16 = id_field(mmfr1, 4) == 2,
		.ttl = id_field(mmfr2, 48),
		.tlbirange = id_field(isar0, 56) >= 2,
	};
}

static void l1_stage2(void)
{
	u64 mmfr0 = read_id("id_aa64mmfr0_el1"), mmfr1 = read_id("id_aa64mmfr1_el1");
	struct s2_config cfg = {
		.pool = &hyp_page_pool,
		.hw_pa_bits = pa_bits(id_field(mmfr0, 0)),
		.hw_vmid_bits = id_field(mmfr1, 4) == 2 ? 16 : 8,
		.hw_xnx = id_field(mmfr1, 28) != 0,
		.nr_vcpus = (u8)l1.nr_vcpus,
		.nr_shadows = S2_MAX_SHADOWS,
		.nr_stage1s = opts.mech == MECH_PV ? (u8)l1.nr_vcpus : 0,
		.nr_owns = opts.pv_page ? (u8)l1.nr_vcpus : 0,
	};
	int ret;

	cfg.caps = stage2_caps();
	cfg.l1_ipa_bits = cfg.caps.pa_bits > 48 ? 48 : cfg.caps.pa_bits;
	ret = (int)kvm_call_hyp(s2_vm_init, &l1.s2, &cfg);
	if (!ret)
		ret = (int)kvm_call_hyp(s2_vm_map_ram, &l1.s2, l1.ram_base, to_pa(l1.ram_base),
					l1.ram_size);
	if (!ret)
		ret = (int)kvm_call_hyp(s2_vm_map_device, &l1.s2, plat.uart0, plat.uart0, SZ_4K);
	if (!ret)
		ret = (int)kvm_call_hyp(s2_vm_map_ram, &l1.s2, PVTIME_IPA, (pa_t)pvtime,
					PVTIME_PAGE);
	/* Firmware runs from there; what of it is to be a device, L1's own stage 1 says. */
	if (!ret && plat.flash_size)
		ret = (int)kvm_call_hyp(s2_vm_map_ram, &l1.s2, plat.flash, plat.flash,
					plat.flash_size);
	if (!ret && plat.rtc)
		ret = (int)kvm_call_hyp(s2_vm_map_device, &l1.s2, plat.rtc, plat.rtc, SZ_4K);
	if (ret)
		l0_fatal_user("cannot map L1's memory (error %d)", ret);
	l1.has_pcie = pcie_give(&l1);
}

static void l1_devices(void)
{
	int i;

	vgic_init(&l1);
	if (plat.rtc) {
		vgic_hand_through(&l1, plat.rtc_intid);
		gic_enable_spi(plat.rtc_intid, false);
	}
	for (i = 0; i < l1.nr_vcpus; i++) {
		struct kvm_vcpu *vcpu = l1.vcpus[i];

		vgic_vcpu_init(vcpu, vcpu->arch.mpidr);
		if ((int)kvm_call_hyp(nested_vcpu_init, vcpu))
			l0_fatal_user("this CPU cannot offer what an L1 hypervisor needs");
		timer_vcpu_init(vcpu, opts.mech == MECH_NV2);
	}
}

/* L1's tree into L1's memory, before anything is moved over L0's. */
static void write_fdt(const struct l1_place *pl)
{
	struct l1_fdt_config cfg = {
		.ram_base = l1.ram_base,
		.ram_size = l1.ram_size,
		.nr_vcpus = (unsigned int)l1.nr_vcpus,
		.uart0 = plat.uart0,
		.uart1 = opts.uart1,
		.rtc = plat.rtc != 0,
		.pcie = l1.has_pcie,
		.ram_offset = l1.ram_offset,
		.kernel = pl->module.base,
		.initrd = pl->initrd.base,
		.initrd_size = pl->initrd.size,
		.bootargs = plat.kernel.args,
	};
	void *buf = (void *)to_pa(pl->fdt);
	char err[ERRLEN];

	/* QEMU's tree has a megabyte of room at its end, which fdt_open_into() would want too. */
	if (fdt_pack((void *)plat.fdt))
		l0_fatal_user("L0's device tree is broken");
	if (l1_fdt_build((const void *)plat.fdt, buf, pl->fdt_size, &cfg, err, sizeof(err)))
		l0_fatal_user("%s", err);
	cache_flush(buf, fdt_totalsize(buf));
}

static void copy_segment(const struct l1_image *img, const struct l1_segment *s)
{
	u8 *dst = (u8 *)to_pa(s->dst);
	const u8 *src = (const u8 *)plat.kernel.addr + s->file_off;

	if (dst != src)
		memmove(dst, src, s->file_size);
	/* An Image zeroes its own BSS; an ELF file relies on the loader. */
	if (img->elf)
		memset(dst + s->file_size, 0, s->mem_size - s->file_size);
	if (dst != src || img->elf)
		cache_flush(dst, img->elf ? s->mem_size : s->file_size);
}

static pa_t pa_of_file_offset(const struct l1_image *img, u64 off)
{
	for (unsigned int i = 0; i < img->nr_segments; i++) {
		const struct l1_segment *s = &img->seg[i];

		if (off >= s->file_off && off - s->file_off + 4 <= s->file_size)
			return to_pa(s->dst + (off - s->file_off));
	}
	return 0;
}

struct patching {
	const struct l1_image *img;
	unsigned int sites;
};

/* An instruction of L1's: if it has to, it becomes another one. */
static int patch_insn(void *ctx, u64 file_off, u32 insn)
{
	struct patching *p = ctx;
	pa_t pa = pa_of_file_offset(p->img, file_off);
	unsigned long now;

	/* A section that no segment loads is not there. */
	if (!pa)
		return 0;
	now = kvm_call_hyp(nested_pv_site, pa, insn);
	if (now == PV_KEEP)
		return 0;
	if (now == PV_FULL)
		l0_fatal_user("vel2.mech=pv: more than %u instructions of L1 would have to be rewritten",
			      p->sites);
	*(u32 *)pa = (u32)now;
	cache_flush((void *)pa, sizeof(u32));
	p->sites++;
	return 0;
}

/* A word that nobody said is code: worth a line if it would have been rewritten. */
static int left_alone(void *ctx, u64 file_off, u32 insn)
{
	unsigned int *n = ctx;

	if (!kvm_call_hyp(nested_pv_matters, insn))
		return 0;
	if ((*n)++ == 0)
		log_warn("pv: 0x%x at 0x%llx of L1's Image is outside of vel2.pv_code and stays", insn,
			 file_off);
	return 0;
}

/* The Image where it lies now: it may have been moved over the module. */
static int find_in_image(const struct l1_image *img, const struct pv_finder *finder, char *err,
			 size_t errlen)
{
	const void *data = (const void *)to_pa(img->seg[0].dst);
	u64 size = img->seg[0].file_size;
	unsigned int alone = 0;
	const struct pv_finder others = { .insn = left_alone, .ctx = &alone };
	int ret = pv_find_image(data, size, opts.pv_code, opts.nr_pv_code, true, finder, err,
				errlen);

	if (!ret)
		ret = pv_find_image(data, size, opts.pv_code, opts.nr_pv_code, false, &others, err,
				    errlen);
	if (alone > 1)
		log_warn("pv: %u such words in all; if any is code of vEL2, it will not do what it should",
			 alone);
	return ret;
}

/* vel2.pv=page: the pages of L1's image that are for it. */
static void give_room(const struct l1_image *img)
{
	const void *data = (const void *)plat.kernel.addr;
	struct pv_section veneers, page;
	struct pv_room room;
	char err[ERRLEN];

	if (!img->elf)
		l0_fatal_user("vel2.pv=page: L1 must be an ELF file, with sections .vel2.veneers and .vel2.page");
	if (pv_find_room(data, plat.kernel.size, &veneers, &page, err, sizeof(err)))
		l0_fatal_user("%s", err);
	room = (struct pv_room){ pa_of_file_offset(img, veneers.off), veneers.size,
				 pa_of_file_offset(img, page.off) };
	if (!room.veneers || !room.page || ((room.veneers | room.page) & 0xfff) ||
	    pa_of_file_offset(img, veneers.off + veneers.size - 4) !=
		    room.veneers + veneers.size - 4)
		l0_fatal_user("vel2.pv=page: .vel2.veneers and .vel2.page of L1's ELF file are not loaded, or not to whole pages");
	if ((int)kvm_call_hyp(nested_pv_room, &l1, &room))
		l0_fatal_user("no memory left for the veneers of vel2.pv=page");
}

/* pv: L1 where it will run, with what the hardware does not trap rewritten. */
static void l1_rewrite(const struct l1_image *img)
{
	struct patching p = { .img = img };
	const struct pv_finder finder = { .insn = patch_insn, .ctx = &p };
	char err[ERRLEN];

	int ret;

	if (!img->elf && !opts.nr_pv_code)
		l0_fatal_user("vel2.mech=pv: L1 must be an ELF file with symbols, which tell its code from its data; of an Image vel2.pv_code=START-END,... says what is code");
	if (opts.pv_page)
		give_room(img);
	if (img->elf)
		ret = pv_find_elf((const void *)plat.kernel.addr, plat.kernel.size, &finder, err,
				  sizeof(err));
	else
		ret = find_in_image(img, &finder, err, sizeof(err));
	if (ret)
		l0_fatal_user("%s", err);
	log_info("pv: %u instructions of L1 rewritten", p.sites);
	if (opts.pv_page)
		log_info("pv: %u of them are served from memory, %u more would be if there were room",
			 (unsigned int)kvm_call_hyp(nested_pv_served),
			 (unsigned int)kvm_call_hyp(nested_pv_unserved));
}

static void l1_load(void)
{
	struct range modules[L0_MAX_MODULES];
	struct l1_place pl = {
		.ram = { l1.ram_base, l1.ram_size },
		.module = module_range(&plat.kernel),
		.initrd = module_range(&plat.initrd),
		.modules = modules,
		.nr_modules = plat.nr_modules,
		.l0_fdt = { plat.fdt - l1.ram_offset, plat.fdt_size },
		.fdt_size = ALIGN_UP(plat.fdt_size, SZ_4K) + L1_FDT_ROOM,
	};
	struct l1_image img;
	char err[ERRLEN];
	unsigned int i;

	for (i = 0; i < plat.nr_modules; i++)
		modules[i] = module_range(&plat.module[i]);
	if (!plat.kernel.size)
		l0_fatal_user("no L1 kernel: give QEMU -device guest-loader,addr=ADDRESS,kernel=FILE");
	if (plat.kernel.addr < (u64)__pool_end ||
	    plat.kernel.addr + plat.kernel.size > plat.ram_base + plat.ram_size)
		l0_fatal_user("L1 kernel module (0x%llx-0x%llx) lies outside of L1's memory (0x%llx-0x%llx)",
			      plat.kernel.addr, plat.kernel.addr + plat.kernel.size,
			      (u64)__pool_end, plat.ram_base + plat.ram_size);
	if (l1_image_parse((const void *)plat.kernel.addr, plat.kernel.size, l1.ram_base, &img,
			   err, sizeof(err)) ||
	    l1_place(&img, &pl, err, sizeof(err)))
		l0_fatal_user("%s", err);
	write_fdt(&pl);
	for (i = 0; i < img.nr_segments; i++)
		copy_segment(&img, &img.seg[i]);
	if (opts.mech == MECH_PV)
		l1_rewrite(&img);
	l1_vcpu_start(l1.vcpus[0], img.entry, pl.fdt);
}

void l1_vcpu_start(struct kvm_vcpu *vcpu, ipa_t entry, u64 arg)
{
	struct user_pt_regs *regs = &vcpu->arch.ctxt.regs;

	kvm_call_hyp(kvm_arm_init_cpu_context, vcpu);
	vgic_reset_interface(vcpu);
	memset(regs, 0, sizeof(*regs));
	regs->regs[0] = arg;
	regs->pc = entry;
	regs->pstate = PSR_MODE_EL2h | PSR_DAIF;
	vcpu->arch.wfi_waiting = false;
}

void l1_set_stolen(const struct kvm_vcpu *vcpu, u64 ns)
{
	__atomic_store_n(&pvtime[vcpu->vcpu_id].stolen_ns, ns, __ATOMIC_RELAXED);
}

void l1_create(void)
{
	l1_memory();
	l1_vcpus();
	l1_devices();
	l1_stage2();
	l1_load();
}

void l1_end(bool reset)
{
	struct json j;

	l1_counters(true);
	if (opts.trace)
		l1_dump();
	json_begin(&j, "end");
	json_str(&j, "why", reset ? "reset" : "system_off");
	json_end(&j);
	if (reset)
		l0_reset();
	l0_exit(0);
}

void l1_failed(void)
{
	l1_counters(true);
	l1_dump();
	l0_fatal_user("L1 cannot go on: see the log lines before");
}
