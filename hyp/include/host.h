/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The host: what L0 found at boot, and what its parts call each other by.
 */
#ifndef HOST_H
#define HOST_H

#include <limits.h>
#include <types.h>

#define MPIDR_AFF_MASK	0xff00ffffffULL
#define L0_MAX_MODULES	16

/* What the machine is, from its device tree. All addresses are PA. */
struct l0_module {
	pa_t addr;
	u64 size;	 /* bytes, 0: not there */
	const char *args; /* in the device tree, "" if it has none */
};

/* What an L1 is made from. */
struct l0_modules {
	struct l0_module kernel, initrd;
	unsigned int nr;	/* further ones, for L1 to find in its own tree */
	struct l0_module module[L0_MAX_MODULES];
};

/*
 * A PCIe root behind an SMMUv3 that has all its devices: configuration space and windows, a device's each, and
 * the interrupts of INTA to INTD (INTIDs).
 */
#define PCIE_MAX_WINDOWS	3	/* I/O, memory below and above 4 GiB */
#define PCIE_NR_INTX		4

struct l0_pcie {
	pa_t ecam;
	u64 ecam_size;		/* 0: there is none that L1 could be given */
	unsigned int nr_windows;
	struct {
		pa_t base;
		u64 size;
	} window[PCIE_MAX_WINDOWS];
	unsigned int nr_intx;
	u32 intx[PCIE_NR_INTX];
	pa_t smmu;
	u32 smmu_event, smmu_error;	/* INTIDs, edge-triggered */
};

struct l0_platform {
	pa_t fdt;
	u64 fdt_size;
	pa_t ram_base;
	u64 ram_size;
	pa_t uart0;		/* L1's */
	u32 uart0_intid;
	u32 uart1_intid;	/* L0's own, at L0_UART_BASE */
	pa_t gicd, gicr;
	u64 gicd_size, gicr_size;
	pa_t flash;		/* L1's, all banks */
	u64 flash_size;		/* 0: none */
	pa_t rtc;		/* L1's PL031, 0: none */
	u32 rtc_intid;
	struct l0_pcie pcie;	/* L1's; the SMMU is L0's */
	unsigned int nr_cpus;	/* at most MAX_CPUS, boot CPU included */
	u64 mpidr[MAX_CPUS];	/* affinity fields of each CPU; the boot CPU is number 0 */
};

extern struct l0_platform plat; /* valid from the end of l0_early() */
extern unsigned int nr_online_cpus;
/* vCPUs of each L1. */
unsigned int l0_nr_vcpus(void);

/*
 * Read what L0 needs from the tree at @fdt, of at most @max bytes. On failure -EINVAL and one line in
 * @err. Pure; no unaligned access (MMU off). The tree may be hostile.
 */
int platform_parse(const void *fdt, u64 max, struct l0_platform *p, char *err, size_t errlen);
/*
 * The modules that begin in [@start, @end) (PA), which is one L1's memory. @fdt was accepted by platform_parse(). On
 * failure -EINVAL and one line in @err; no kernel is none. Pure.
 *
 * Modules are /chosen's, by Xen's multiboot binding, as QEMU's guest-loader writes them. The kernel at the lowest
 * address is L1's. If it is the only one, the ramdisk is L1's initrd; if not, every other module, also one in a
 * node below /chosen, is for L1 to start guests of its own with.
 */
int platform_modules(const void *fdt, pa_t start, pa_t end, struct l0_modules *m, char *err,
		     size_t errlen);
/*
 * The PCIe root of the tree at @fdt, if L0 can give it to L1: behind an SMMUv3 with every device that it may
 * have, nothing of it over anything else of @p. Else ecam_size is 0. Pure.
 */
void platform_pcie(const void *fdt, struct l0_platform *p);
/* Whether @node is a module with a usable address and size, and then which. Pure. */
bool platform_module(const void *fdt, int node, struct l0_module *m);
/* /chosen/bootargs, "" if there are none. @fdt was accepted by platform_parse(). */
const char *platform_bootargs(const void *fdt);

/* --- called by hyp/el2/head.S --- */
void l0_early(void);			 /* EL2, MMU off, boot CPU */
void __noreturn l0_no_el2(void);	 /* EL1, MMU off */
void host_main(void);			 /* as the host, MMU on, boot CPU */
void host_secondary(unsigned int cpu);	 /* as the host, MMU on */

/* --- the console of L0 --- */
/* UART1 raised its receive interrupt: do what the bytes say. In the host, interrupts masked. */
void l0_console_irq(void);

#endif
