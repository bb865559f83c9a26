// SPDX-License-Identifier: GPL-2.0-only
/*
 * The L1 virtual machines: made once, from modules and the device tree; each ended by its own PSCI call.
 *
 * In the host, on the boot CPU, before any vCPU runs. The L1s' RAM is what the machine has above L0's 6 MiB, in equal
 * pieces one behind the other, and begins for each L1 where the machine's RAM begins for L0. A module is for the L1
 * in whose memory it lies. The machine's devices are the first one's; the others have an emulated UART.
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
#include <run.h>
#include <sched.h>
#include <stats.h>
#include <string.h>

#define ERRLEN		256

struct kvm vms[MAX_VMS];
unsigned int nr_vms;

/* Of L0's memory the one page that an L1 may touch. */
static struct pvtime pvtime[MAX_VMS][PVTIME_PAGE / sizeof(struct pvtime)] __aligned(PVTIME_PAGE);
_Static_assert(OPT_L1S_MAX == MAX_VMS, "vel2.l1s=");
_Static_assert(sizeof(pvtime[0]) == PVTIME_PAGE && ARRAY_SIZE(pvtime[0]) >= MAX_VCPUS, "a page");

/* What L1 is made from, between looking at it and moving it to its place. */
struct l1_source {
	struct l0_modules modules;
	struct l1_image img;
	struct l1_place place;
};
static struct l1_source sources[MAX_VMS];

extern char _start[], __pool_start[], __pool_end[];

#define for_each_vm(kvm)	for (struct kvm *kvm = vms; kvm < vms + nr_vms; kvm++)

static pa_t to_pa(const struct kvm *kvm, ipa_t ipa)
{
	return ipa + kvm->ram_offset;
}

/* What the user did wrong about @kvm; it is named where there are several. */
static void __noreturn __printf(2, 3) l1_refuse(const struct kvm *kvm, const char *fmt, ...)
{
	char text[ERRLEN];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (nr_vms == 1)
		l0_fatal_user("%s", text);
	l0_fatal_user("L1 number %u: %s", kvm->id, text);
}

/* A module's place as L1 sees it; one that lies below L1's RAM becomes huge and fails the range checks. */
static struct range module_range(const struct kvm *kvm, const struct l0_module *m)
{
	return (struct range){ m->size ? m->addr - kvm->ram_offset : 0, m->size };
}

static void l1_memory(struct kvm *kvm)
{
	u64 pool_end = (u64)__pool_end, end = plat.ram_base + plat.ram_size;
	u64 size = ALIGN_DOWN((end - pool_end) / nr_vms, SZ_2M);

	kvm->ram_base = plat.ram_base;
	kvm->ram_offset = pool_end + kvm->id * size - plat.ram_base;
	kvm->ram_size = size;
	if (!size)
		l0_fatal_user("no memory left for L1: give the machine more");
}

/* vCPUs come off the front of the pool: they live as long as L0, and need whole pages. */
static char *l1_vcpus(struct kvm *kvm, char *mem)
{
	struct kvm_vcpu *vcpu = (struct kvm_vcpu *)mem;
	unsigned int i, n = l0_nr_vcpus();

	kvm->nr_vcpus = (int)n;
	for (i = 0; i < n; i++, vcpu++) {
		kvm_call_hyp(nested_vcpu_create, vcpu, kvm, i);
		vcpu->cpu = -1;
		vcpu->arch.mpidr = BIT(31) | (i < plat.nr_cpus ? plat.mpidr[i] : i);
		vcpu->arch.powered_off = i > 0;
		kvm->vcpus[i] = vcpu;
	}
	return (char *)vcpu;
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

static u64 virtual_id(const struct kvm *kvm, u32 enc)
{
	return kvm_call_hyp(idreg_read, kvm->vcpus[0], enc);
}

/* What L1's stage 2 may use is what its ID registers say: the vCPUs have been initialised. */
static struct s2_caps stage2_caps(const struct kvm *kvm)
{
	u64 mmfr0 = virtual_id(kvm, SYS_ID_AA64MMFR0_EL1);
	u64 mmfr1 = virtual_id(kvm, SYS_ID_AA64MMFR1_EL1);
	u64 mmfr2 = virtual_id(kvm, SYS_ID_AA64MMFR2_EL1);
	u64 isar0 = virtual_id(kvm, SYS_ID_AA64ISAR0_EL1);
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

/* What of the machine is @kvm's, as it is. */
static int map_devices(struct kvm *kvm)
{
	struct s2_vm *s2 = &kvm->s2;
	int ret = (int)kvm_call_hyp(s2_vm_map_device, s2, plat.uart0, plat.uart0, SZ_4K);

	/* Firmware runs from there; what of it is to be a device, L1's own stage 1 says. */
	if (!ret && plat.flash_size)
		ret = (int)kvm_call_hyp(s2_vm_map_ram, s2, plat.flash, plat.flash, plat.flash_size);
	if (!ret && plat.rtc)
		ret = (int)kvm_call_hyp(s2_vm_map_device, s2, plat.rtc, plat.rtc, SZ_4K);
	return ret;
}

static void l1_stage2(struct kvm *kvm)
{
	u64 mmfr0 = read_id("id_aa64mmfr0_el1"), mmfr1 = read_id("id_aa64mmfr1_el1");
	struct s2_config cfg = {
		.pool = &hyp_page_pool,
		.hw_pa_bits = pa_bits(id_field(mmfr0, 0)),
		.hw_vmid_bits = id_field(mmfr1, 4) == 2 ? 16 : 8,
		.hw_xnx = id_field(mmfr1, 28) != 0,
		.nr_vcpus = (u8)kvm->nr_vcpus,
		.nr_shadows = S2_MAX_SHADOWS,
		.nr_stage1s = opts.mech == MECH_PV ? (u8)kvm->nr_vcpus : 0,
		.nr_owns = opts.pv_page ? (u8)kvm->nr_vcpus : 0,
		.vmid_base = (u16)(1 + kvm->id * S2_MAX_VMIDS),
		.shadow_pages = S2_SHADOW_PAGES / nr_vms,
	};
	int ret;

	cfg.caps = stage2_caps(kvm);
	cfg.l1_ipa_bits = cfg.caps.pa_bits > 48 ? 48 : cfg.caps.pa_bits;
	ret = (int)kvm_call_hyp(s2_vm_init, &kvm->s2, &cfg);
	if (!ret)
		ret = (int)kvm_call_hyp(s2_vm_map_ram, &kvm->s2, kvm->ram_base,
					to_pa(kvm, kvm->ram_base), kvm->ram_size);
	if (!ret)
		ret = (int)kvm_call_hyp(s2_vm_map_ram, &kvm->s2, PVTIME_IPA,
					(pa_t)pvtime[kvm->id], PVTIME_PAGE);
	if (!ret && kvm->has_devices)
		ret = map_devices(kvm);
	if (ret)
		l0_fatal_user("cannot map L1's memory (error %d)", ret);
	if (kvm->has_devices)
		kvm->has_pcie = pcie_give(kvm);
}

static void l1_devices(struct kvm *kvm)
{
	int i;

	vgic_init(kvm);
	if (kvm->has_devices) {
		vgic_hand_through(kvm, GIC_SPI_UART0);
		if (plat.rtc) {
			vgic_hand_through(kvm, plat.rtc_intid);
			gic_enable_spi(plat.rtc_intid, false);
		}
	}
	for (i = 0; i < kvm->nr_vcpus; i++) {
		struct kvm_vcpu *vcpu = kvm->vcpus[i];

		vgic_vcpu_init(vcpu, vcpu->arch.mpidr);
		if ((int)kvm_call_hyp(nested_vcpu_init, vcpu))
			l0_fatal_user("this CPU cannot offer what an L1 hypervisor needs");
		timer_vcpu_init(vcpu, opts.mech == MECH_NV2);
	}
}

/* L1's tree into L1's memory, before anything is moved over L0's. */
static void write_fdt(const struct kvm *kvm, const struct l1_source *src)
{
	const struct l1_place *pl = &src->place;
	struct l1_fdt_config cfg = {
		.ram_base = kvm->ram_base,
		.ram_size = kvm->ram_size,
		.nr_vcpus = (unsigned int)kvm->nr_vcpus,
		.uart0 = plat.uart0,
		.uart1 = opts.uart1,
		.flash = kvm->has_devices,
		.rtc = kvm->has_devices && plat.rtc,
		.pcie = kvm->has_pcie,
		.ram_offset = kvm->ram_offset,
		.kernel = pl->module.base,
		.initrd = pl->initrd.base,
		.initrd_size = pl->initrd.size,
		.bootargs = src->modules.kernel.args,
	};
	void *buf = (void *)to_pa(kvm, pl->fdt);
	char err[ERRLEN];

	if (l1_fdt_build((const void *)plat.fdt, buf, pl->fdt_size, &cfg, err, sizeof(err)))
		l1_refuse(kvm, "%s", err);
	cache_flush(buf, fdt_totalsize(buf));
}

static void copy_segment(const struct kvm *kvm, const struct l1_source *from,
			 const struct l1_segment *s)
{
	u8 *dst = (u8 *)to_pa(kvm, s->dst);
	const u8 *src = (const u8 *)from->modules.kernel.addr + s->file_off;
	bool elf = from->img.elf;

	if (dst != src)
		memmove(dst, src, s->file_size);
	/* An Image zeroes its own BSS; an ELF file relies on the loader. */
	if (elf)
		memset(dst + s->file_size, 0, s->mem_size - s->file_size);
	if (dst != src || elf)
		cache_flush(dst, elf ? s->mem_size : s->file_size);
}

static pa_t pa_of_file_offset(const struct kvm *kvm, const struct l1_image *img, u64 off)
{
	for (unsigned int i = 0; i < img->nr_segments; i++) {
		const struct l1_segment *s = &img->seg[i];

		if (off >= s->file_off && off - s->file_off + 4 <= s->file_size)
			return to_pa(kvm, s->dst + (off - s->file_off));
	}
	return 0;
}

struct patching {
	const struct kvm *kvm;
	const struct l1_image *img;
	unsigned int sites;
};

/* An instruction of L1's: if it has to, it becomes another one. */
static int patch_insn(void *ctx, u64 file_off, u32 insn)
{
	struct patching *p = ctx;
	pa_t pa = pa_of_file_offset(p->kvm, p->img, file_off);
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
static int find_in_image(const struct kvm *kvm, const struct l1_image *img,
			 const struct pv_finder *finder, char *err, size_t errlen)
{
	const void *data = (const void *)to_pa(kvm, img->seg[0].dst);
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
static void give_room(struct kvm *kvm, const struct l1_source *src)
{
	const void *data = (const void *)src->modules.kernel.addr;
	const struct l1_image *img = &src->img;
	struct pv_section veneers, page;
	struct pv_room room;
	char err[ERRLEN];

	if (nr_vms > 1)
		l0_fatal_user("vel2.pv=page: for one L1 alone");
	if (!img->elf)
		l0_fatal_user("vel2.pv=page: L1 must be an ELF file, with sections .vel2.veneers and .vel2.page");
	if (pv_find_room(data, src->modules.kernel.size, &veneers, &page, err, sizeof(err)))
		l0_fatal_user("%s", err);
	room = (struct pv_room){ pa_of_file_offset(kvm, img, veneers.off), veneers.size,
				 pa_of_file_offset(kvm, img, page.off) };
	if (!room.veneers || !room.page || ((room.veneers | room.page) & 0xfff) ||
	    pa_of_file_offset(kvm, img, veneers.off + veneers.size - 4) !=
		    room.veneers + veneers.size - 4)
		l0_fatal_user("vel2.pv=page: .vel2.veneers and .vel2.page of L1's ELF file are not loaded, or not to whole pages");
	if ((int)kvm_call_hyp(nested_pv_room, kvm, &room))
		l0_fatal_user("no memory left for the veneers of vel2.pv=page");
}

/* pv: L1 where it will run, with what the hardware does not trap rewritten. */
static void l1_rewrite(struct kvm *kvm, const struct l1_source *src)
{
	const struct l0_module *file = &src->modules.kernel;
	struct patching p = { .kvm = kvm, .img = &src->img };
	const struct pv_finder finder = { .insn = patch_insn, .ctx = &p };
	char err[ERRLEN];
	int ret;

	if (!src->img.elf && !opts.nr_pv_code)
		l0_fatal_user("vel2.mech=pv: L1 must be an ELF file with symbols, which tell its code from its data; of an Image vel2.pv_code=START-END,... says what is code");
	if (opts.pv_page)
		give_room(kvm, src);
	if (src->img.elf)
		ret = pv_find_elf((const void *)file->addr, file->size, &finder, err, sizeof(err));
	else
		ret = find_in_image(kvm, &src->img, &finder, err, sizeof(err));
	if (ret)
		l1_refuse(kvm, "%s", err);
	log_info("pv: %u instructions of L1 rewritten", p.sites);
	if (opts.pv_page)
		log_info("pv: %u of them are served from memory, %u more would be if there were room",
			 (unsigned int)kvm_call_hyp(nested_pv_served),
			 (unsigned int)kvm_call_hyp(nested_pv_unserved));
}

/* Where its memory begins and ends for modules: what lies in nobody's is the first's or the last's, to be refused. */
static void find_modules(const struct kvm *kvm, struct l0_modules *modules)
{
	pa_t start = to_pa(kvm, kvm->ram_base), end = start + kvm->ram_size;
	const struct l0_module *kernel = &modules->kernel;
	char err[ERRLEN];

	if (platform_modules((const void *)plat.fdt, kvm->id ? start : 0,
			     kvm->id + 1 < nr_vms ? end : ~0ULL, modules, err, sizeof(err)))
		l1_refuse(kvm, "%s", err);
	if (!kernel->size)
		l1_refuse(kvm, "no L1 kernel: give QEMU -device guest-loader,addr=ADDRESS,kernel=FILE");
	if (kernel->addr < start || kernel->addr + kernel->size > end)
		l1_refuse(kvm, "L1 kernel module (0x%llx-0x%llx) lies outside of L1's memory (0x%llx-0x%llx)",
			  kernel->addr, kernel->addr + kernel->size, start, end);
}

/* Find and check what L1 is, and where all of it goes. */
static void l1_look(const struct kvm *kvm, struct l1_source *src)
{
	struct l1_place *pl = &src->place;
	struct range ranges[L0_MAX_MODULES];
	char err[ERRLEN];
	unsigned int i;

	find_modules(kvm, &src->modules);
	for (i = 0; i < src->modules.nr; i++)
		ranges[i] = module_range(kvm, &src->modules.module[i]);
	*pl = (struct l1_place){
		.ram = { kvm->ram_base, kvm->ram_size },
		.module = module_range(kvm, &src->modules.kernel),
		.initrd = module_range(kvm, &src->modules.initrd),
		.modules = ranges,
		.nr_modules = src->modules.nr,
		.l0_fdt = { plat.fdt - kvm->ram_offset, plat.fdt_size },
		.fdt_size = ALIGN_UP(plat.fdt_size, SZ_4K) + L1_FDT_ROOM,
	};
	if (l1_image_parse((const void *)src->modules.kernel.addr, src->modules.kernel.size,
			   kvm->ram_base, &src->img, err, sizeof(err)) ||
	    l1_place(&src->img, pl, err, sizeof(err)))
		l1_refuse(kvm, "%s", err);
	pl->modules = NULL;	/* they end here */
}

static void l1_load(struct kvm *kvm, const struct l1_source *src)
{
	for (unsigned int i = 0; i < src->img.nr_segments; i++)
		copy_segment(kvm, src, &src->img.seg[i]);
	if (opts.mech == MECH_PV)
		l1_rewrite(kvm, src);
	l1_vcpu_start(kvm->vcpus[0], src->img.entry, src->place.fdt);
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
	__atomic_store_n(&pvtime[vcpu->kvm->id][vcpu->vcpu_id].stolen_ns, ns, __ATOMIC_RELAXED);
}

/* Memory and vCPUs, which come off the pool before it is one. */
static void make_vms(void)
{
	char *mem = __pool_start;

	nr_vms = opts.l1s;
	for (unsigned int i = 0; i < nr_vms; i++) {
		struct kvm *kvm = &vms[i];

		kvm->id = i;
		kvm->has_devices = i == 0;
		l1_memory(kvm);
		mem = l1_vcpus(kvm, mem);
		kvm->alone = nr_vms == 1 && kvm->nr_vcpus == 1;
	}
	if (kvm_call_hyp(hyp_page_pool_init, mem, __pool_end))
		l0_fatal_user("no memory left for L0's page pool");
}

void l1_create(void)
{
	u32 shadow_pages = 0, left;

	make_vms();
	for_each_vm(kvm) {
		l1_devices(kvm);
		l1_stage2(kvm);
		shadow_pages += kvm->s2.budget.max;
	}
	/* L0's tree may lie where any of them goes: all that is read of it, before anything moves. */
	for_each_vm(kvm) {
		l1_look(kvm, &sources[kvm->id]);
		write_fdt(kvm, &sources[kvm->id]);
	}
	for_each_vm(kvm)
		l1_load(kvm, &sources[kvm->id]);
	/* From here on only shadow tables take pages: what one L1 is allowed, the others leave it. */
	left = (u32)kvm_call_hyp(hyp_pages_free);
	if (left < shadow_pages)
		l0_fatal_user("L0 has %u pages for shadow tables and needs %u: fewer L1s, or vCPUs",
			      left, shadow_pages);
}

/* The last L1 has ended. */
static void __noreturn end_machine(void)
{
	bool reset = true;

	for_each_vm(kvm) {
		if (kvm->how == L1_FAILED)
			l0_fatal_user("L1 cannot go on: see the log lines before");
		reset = reset && kvm->how == L1_RESET;
	}
	if (reset)
		l0_reset();
	l0_exit(0);
}

static void say_end(const struct kvm *kvm, enum l1_end how)
{
	static const char *const why[] = {
		[L1_OFF] = "system_off", [L1_RESET] = "reset", [L1_FAILED] = "failed"
	};
	struct json j;

	vuart_end(kvm);
	l1_counters(kvm, true);
	if (opts.trace || how == L1_FAILED)
		l1_dump(kvm);
	json_begin(&j, "end");
	json_vm(&j, kvm->id);
	json_str(&j, "why", why[how]);
	json_end(&j);
}

void l1_end(struct kvm *kvm, enum l1_end how)
{
	static unsigned int over;	/* L1s that have ended */
	int i;

	if (__atomic_exchange_n(&kvm->ended, true, __ATOMIC_ACQ_REL))
		return;
	kvm->how = how;
	say_end(kvm, how);
	for (i = 0; i < kvm->nr_vcpus; i++)
		kvm_vcpu_kick(kvm->vcpus[i]);
	if (__atomic_add_fetch(&over, 1, __ATOMIC_ACQ_REL) == nr_vms)
		end_machine();
}
