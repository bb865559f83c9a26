// SPDX-License-Identifier: GPL-2.0-only
/*
 * Boot, first part: what the machine is and what the user wants.
 *
 * l0_early() runs once on the boot CPU at EL2 with the MMU off (no unaligned access, no exclusives);
 * after it `opts` and `plat` never change.
 */
#include <alternative.h>
#include <errno.h>
#include <idfeatures.h>
#include <host.h>
#include <hyp_init.h>
#include <libfdt.h>
#include <log.h>
#include <mmu.h>
#include <options.h>
#include <pauth.h>
#include <pcie.h>
#include <protect.h>
#include <string.h>
#include <sysreg.h>
#include <uart.h>

/* A tree larger than this is none: libfdt's own limit is INT_MAX. */
#define MAX_FDT		SZ_2M

#define FNV_PRIME	0x100000001b3ULL

struct l0_platform plat;

extern char _start[], __pool_end[];

#define ID_FIELD(reg, shift)					\
	({							\
		u64 __v;					\
		asm("mrs %0, " reg : "=r"(__v));		\
		(unsigned int)((__v >> (shift)) & 0xf);		\
	})

static bool cpu_has_vhe(void)
{
	return ID_FIELD("id_aa64mmfr1_el1", 8) != 0;
}

/* FEAT_NV: 1, FEAT_NV2: 2. Without FEAT_NV in the old field NV_frac may still say NV2 alone. */
static unsigned int cpu_nv(void)
{
	unsigned int nv = ID_FIELD("id_aa64mmfr2_el1", 24);
	unsigned int frac = ID_FIELD("s3_0_c0_c7_4", 20); /* ID_AA64MMFR4_EL1.NV_frac */

	return nv ? nv : frac ? 2 : 0;
}

static void choose_host(void)
{
	if (opts.host == HOST_AUTO)
		opts.host = cpu_has_vhe() && !opts.protect ? HOST_VHE : HOST_NVHE;
	if (opts.host == HOST_VHE && opts.protect)
		l0_fatal_user("vel2.protect=on: a VHE host runs at EL2 itself, where nothing is out of its reach; use vel2.host=nvhe");
	if (opts.host == HOST_VHE && !cpu_has_vhe())
		l0_fatal_user("vel2.host=vhe: this CPU has no FEAT_VHE; use vel2.host=nvhe");
}

/* Its veneers are made for one value of L1's HCR_EL2.E2H. */
static void check_pv(void)
{
	if (opts.pv_page && opts.mech != MECH_PV)
		l0_fatal_user("vel2.pv=page: is a way of vel2.mech=pv");
	if (opts.pv_page && opts.l1_mode == L1_ANY)
		l0_fatal_user("vel2.pv=page: names of registers mean what L1's E2H says: vel2.l1_mode=vhe or nvhe");
}

static void choose_mech(void)
{
	unsigned int nv = cpu_nv();

	if (opts.mech == MECH_NV2 && nv < 2)
		l0_fatal_user("vel2.mech=nv2: this CPU has no FEAT_NV2; use a CPU model that has it (max, neoverse-v1) or vel2.mech=pv");
	if (opts.mech == MECH_NV && !nv)
		l0_fatal_user("vel2.mech=nv: this CPU has no FEAT_NV; use a CPU model that has it (max, neoverse-v1) or vel2.mech=pv");
	if (opts.mech != MECH_AUTO)
		return;
	if (nv)
		opts.mech = nv >= 2 ? MECH_NV2 : MECH_NV;
	else if (opts.test == TEST_PERCPU)
		opts.mech = MECH_NONE;
	else
		opts.mech = MECH_PV;
}

/* Whether this CPU has @feature, so that it is offered. */
#define HAS_MORE(reg, shift, limit, id) \
	if (feature == IDF_##id && ((read_sysreg_s(SYS_##reg) >> (shift)) & 0xf) > (limit)) \
		return true;
#define IDFIELD(reg, field, shift, max, id) HAS_MORE(reg, shift, 0, id)
#define IDLIMIT			HAS_MORE
static bool cpu_has_feature(unsigned int feature)
{
	if ((opts.features_off & BIT(feature)) || (feature == IDF_NV2 && opts.mech != MECH_NV2) ||
	    (feature == IDF_NV && opts.mech == MECH_PV))
		return false;
#include <idfeature-each.h>
	return false;
}

static void check_features(void)
{
	char names[OPT_ERR_MAX];

	/* With E2H=0 the name ZCR_EL1 would reach vEL2's own, and nothing traps it alone. */
	if (opts.mech != MECH_NV2 && opts.l1_mode != L1_VHE)
		opts.features_off |= BIT(IDF_SVE);
	for (unsigned int i = IDF_BASE + 1; i < NR_ID_FEATURES; i++) {
		if (!(opts.features_on & BIT(i)) || cpu_has_feature(i))
			continue;
		options_feature_names(names, sizeof(names));
		l0_fatal_user("vel2.features=+%s: cannot be offered on this CPU (vel2.mech=%s); known are %s",
			      options_feature_name(i), mech_name(opts.mech), names);
	}
}

static void check_ablation(void)
{
	bool fgt = ID_FIELD("id_aa64mmfr0_el1", 56) != 0;
	const char *name, *problem;

	problem = ablation_init(&opts.trap, &opts.notrap, opts.mech == MECH_NV2, fgt, &name);
	if (problem)
		l0_fatal_user("%s: %s", name, problem);
}

static void read_machine(void)
{
	char err[OPT_ERR_MAX];
	int ret = -EINVAL;

	snprintf(err, sizeof(err), "no device tree");
	if (boot_fdt)
		ret = platform_parse((const void *)boot_fdt, MAX_FDT, &plat, err, sizeof(err));
	/* Without a UART of its own L0 can still say so. */
	uart_init(ret && plat.uart0 && !plat.uart1_intid ? plat.uart0 : L0_UART_BASE);
	if (ret)
		l0_fatal_user("%s", err);
	/*
	 * QEMU pads its tree to 1 MiB, more than L1's copy has. It has just been found sound, so it may be
	 * packed; what was found in it has moved.
	 */
	if (fdt_pack((void *)boot_fdt) ||
	    platform_parse((const void *)boot_fdt, MAX_FDT, &plat, err, sizeof(err)))
		l0_fatal_user("broken device tree: cannot be packed");
	if ((u64)_start < plat.ram_base ||
	    (u64)__pool_end > plat.ram_base + plat.ram_size)
		l0_fatal_user("machine's memory 0x%llx-0x%llx does not hold L0 (0x%llx-0x%llx)",
			      plat.ram_base, plat.ram_base + plat.ram_size,
			      (u64)_start, (u64)__pool_end);
	if (options_parse(platform_bootargs((const void *)boot_fdt), &opts, err, sizeof(err)))
		l0_fatal_user("%s", err);
}

/* The CPU that runs this is number 0, whatever the tree's order. */
static void boot_cpu_first(void)
{
	u64 me, tmp;
	unsigned int i;

	asm("mrs %0, mpidr_el1" : "=r"(me));
	me &= MPIDR_AFF_MASK;
	for (i = 0; i < plat.nr_cpus && plat.mpidr[i] != me; i++)
		;
	if (i == plat.nr_cpus)
		l0_fatal_user("boot CPU 0x%llx is not in the device tree", me);
	tmp = plat.mpidr[0];
	plat.mpidr[0] = plat.mpidr[i];
	plat.mpidr[i] = tmp;
}

/* PMUv3 with event INST_RETIRED: under QEMU that is icount. */
static bool cpu_counts_instructions(void)
{
	unsigned int ver = ID_FIELD("id_aa64dfr0_el1", 8);
	u64 events;

	if (!ver || ver == 0xf)
		return false;
	asm("mrs %0, pmceid0_el0" : "=r"(events));
	return events & BIT(8);
}

/* Whatever L1 is offered. APA, API, APA3: one for each algorithm. */
static bool cpu_has_pauth(void)
{
	return ID_FIELD("id_aa64isar1_el1", 4) || ID_FIELD("id_aa64isar1_el1", 8) ||
	       ID_FIELD("s3_0_c0_c6_2", 12);
}

/*
 * 128 bits that nobody knows, and another 128 at each boot: QEMU's seed in the device tree, the CPU's generator
 * (FEAT_RNG), the time. They are folded by multiplication (FNV-1a's prime, odd, so that nothing is lost).
 */
static void boot_random(u64 out[2])
{
	int len = 0, node = fdt_path_offset((const void *)boot_fdt, "/chosen");
	const u8 *seed = node < 0 ? NULL :
				    fdt_getprop((const void *)boot_fdt, node, "rng-seed", &len);
	u64 v;

	for (unsigned int i = 0; i < 2; i++) {
		asm volatile("isb\n\tmrs %0, cntpct_el0" : "=r"(v));
		out[i] = (v + i) * FNV_PRIME;
		if (ID_FIELD("id_aa64isar0_el1", 60)) {
			asm volatile("mrs %0, s3_3_c2_c4_0" : "=r"(v) : : "cc");
			out[i] = (out[i] ^ v) * FNV_PRIME;
		}
		for (int k = (int)i; seed && k < len; k += 2)
			out[i] = (out[i] ^ seed[k]) * FNV_PRIME;
		out[i] ^= out[i] >> 32;
	}
}

static void choose_caps(void)
{
	if (opts.host == HOST_VHE)
		hyp_caps |= BIT(CAP_VHE);
	if (opts.mech == MECH_NV2)
		hyp_caps |= BIT(CAP_NV2);
	if (opts.mech == MECH_PV)
		hyp_caps |= BIT(CAP_PV);
	if (opts.trace)
		hyp_caps |= BIT(CAP_TRACE);
	if (!reg_set_is_empty(&opts.trap) || !reg_set_is_empty(&opts.notrap))
		hyp_caps |= BIT(CAP_ABLATE);
	if (opts.protect)
		hyp_caps |= BIT(CAP_PROTECT);
	if (L0_PAUTH && cpu_has_pauth()) {
		hyp_caps |= BIT(CAP_PAUTH);
		boot_random(hyp_apia_key);
	}
	if (cpu_has_feature(IDF_SVE))
		hyp_caps |= BIT(CAP_SVE);
	if (ID_FIELD("id_aa64pfr0_el1", 28))
		hyp_caps |= BIT(CAP_RAS);
	/* It costs instructions itself: not while a marked region is measured. */
	if (!opts.markers && cpu_counts_instructions())
		hyp_caps |= BIT(CAP_INSN);
}

void l0_early(void)
{
	read_machine();
	choose_host();
	choose_mech();
	check_pv();
	check_features();
	check_ablation();
	pcie_check_devices();
	boot_cpu_first();
	choose_caps();
	mmu_init(opts.host == HOST_VHE);
	if (opts.protect)
		protect_init();
}

unsigned int l0_nr_vcpus(void)
{
	return opts.smp ? opts.smp : plat.nr_cpus;
}

void l0_no_el2(void)
{
	uart_init(L0_UART_BASE);
	l0_fatal_user("not started at EL2: give QEMU -machine virt,virtualization=on");
}
