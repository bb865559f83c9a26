// SPDX-License-Identifier: GPL-2.0-only
/*
 * The smallest VMM that Linux/KVM on arm64 starts a guest with: vCPUs, memory, KVM's own GICv3, timers and PSCI, and
 * a PL011, laid out as on QEMU's `virt` machine. It runs where QEMU cannot do what is wanted (an L1 at a virtual EL2
 * with E2H free) or takes longer than what is measured (Linux as L1 under KVM); the same binary as L0's VMM and as L1's.
 *
 * vmm [-2 | -0] -m MIB -k IMAGE [-i INITRD] [-a BOOTARGS] [-c CPUS]
 *   -2  at a virtual EL2, E2H fixed at 1        -0  at a virtual EL2, E2H fixed at 0        else at EL1
 *   -c  several vCPUs, each a thread on a CPU of its own: what one does is then that CPU's, as who counts there needs it
 * Exit status 0 when the guest powers itself off; one line on stderr and 1 for everything else.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <libfdt.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define GICD		  0x08000000ul
#define GICD_SIZE	  0x10000ul
#define GICR		  0x080a0000ul
#define GICR_SIZE	  0x20000ul /* of each vCPU */
#define UART		  0x09000000ul
#define UART_SIZE	  0x1000ul
#define UART_SPI	  1
#define RAM		  0x40000000ul
#define MIB		  (1ul << 20)
#define INITRD_AT	  (128 * MIB) /* from the beginning of RAM; the kernel is below */
#define DTB_SIZE	  (64ul << 10)
#define MAX_CPUS	  8

/* Newer than the headers of Debian 12. */
#define CAP_ARM_EL2	  240
#define CAP_ARM_EL2_E2H0  241
#define VCPU_HAS_EL2	  7
#define VCPU_HAS_EL2_E2H0 8

enum el { EL1, EL2_E2H, EL2_NVHE };

struct guest;

struct vcpu {
	struct guest *g;
	unsigned int id;
	int fd;
	struct kvm_run *run;
};

struct guest {
	enum el el;
	size_t size; /* of RAM, bytes */
	uint8_t *ram;
	const char *kernel, *initrd, *bootargs;
	size_t initrd_size;
	int kvm, vm;
	unsigned long cpus;
	struct vcpu vcpu[MAX_CPUS];
	pthread_mutex_t lock; /* of the UART */
	uint32_t uart_imsc;
};

__attribute__((noreturn, format(printf, 1, 2))) static void die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fflush(stdout);
	fputs("vmm: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	exit(1);
}

static int control(int fd, unsigned long request, void *arg, const char *what)
{
	int got = ioctl(fd, request, arg);

	if (got < 0)
		die("%s: %s", what, strerror(errno));
	return got;
}

static size_t load(const struct guest *g, const char *path, size_t at)
{
	int fd = open(path, O_RDONLY);
	struct stat info;
	size_t done = 0;

	if (fd < 0 || fstat(fd, &info))
		die("%s: %s", path, strerror(errno));
	if ((size_t)info.st_size > g->size || at + (size_t)info.st_size > g->size - DTB_SIZE)
		die("%s: does not fit", path);
	while (done < (size_t)info.st_size) {
		ssize_t got = read(fd, g->ram + at + done, (size_t)info.st_size - done);

		if (got <= 0)
			die("%s: %s", path, got ? strerror(errno) : "shorter than it was");
		done += (size_t)got;
	}
	close(fd);
	return done;
}

/* ---- the device tree ---- */

#define GIC_HANDLE   1
#define CLOCK_HANDLE 2
#define PPI(intid)   1, (intid)-16, 4
#define SPI(number)  0, (number), 4

#define cells(fdt, name, ...)                                                    \
	do {                                                                     \
		uint32_t cells_[] = { __VA_ARGS__ };                             \
                                                                                 \
		for (size_t i_ = 0; i_ < sizeof(cells_) / sizeof(*cells_); i_++) \
			cells_[i_] = cpu_to_fdt32(cells_[i_]);                   \
		fdt_property(fdt, name, cells_, sizeof(cells_));                 \
	} while (0)

#define PAIR(value)		 (uint32_t)((uint64_t)(value) >> 32), (uint32_t)(value)
#define STRINGS(fdt, name, text) fdt_property(fdt, name, text, sizeof(text))

static void machine_nodes(void *fdt, const struct guest *g)
{
	fdt_begin_node(fdt, "cpus");
	fdt_property_u32(fdt, "#address-cells", 1);
	fdt_property_u32(fdt, "#size-cells", 0);
	for (unsigned int i = 0; i < g->cpus; i++) {
		char name[] = { 'c', 'p', 'u', '@', (char)('0' + i), 0 };

		fdt_begin_node(fdt, name);
		fdt_property_string(fdt, "device_type", "cpu");
		fdt_property_string(fdt, "compatible", "arm,armv8");
		fdt_property_string(fdt, "enable-method", "psci");
		fdt_property_u32(fdt, "reg", i);
		fdt_end_node(fdt);
	}
	fdt_end_node(fdt);

	fdt_begin_node(fdt, "memory@40000000");
	fdt_property_string(fdt, "device_type", "memory");
	cells(fdt, "reg", PAIR(RAM), PAIR(g->size));
	fdt_end_node(fdt);

	fdt_begin_node(fdt, "psci");
	STRINGS(fdt, "compatible", "arm,psci-1.0\0arm,psci-0.2");
	fdt_property_string(fdt, "method", g->el == EL1 ? "hvc" : "smc");
	fdt_end_node(fdt);

	fdt_begin_node(fdt, "timer");
	STRINGS(fdt, "compatible", "arm,armv8-timer");
	fdt_property(fdt, "always-on", NULL, 0);
	cells(fdt, "interrupts", PPI(29), PPI(30), PPI(27), PPI(26), PPI(28));
	fdt_end_node(fdt);
}

static void device_nodes(void *fdt, const struct guest *g)
{
	fdt_begin_node(fdt, "intc@8000000");
	fdt_property_string(fdt, "compatible", "arm,gic-v3");
	fdt_property(fdt, "interrupt-controller", NULL, 0);
	fdt_property_u32(fdt, "#interrupt-cells", 3);
	cells(fdt, "reg", PAIR(GICD), PAIR(GICD_SIZE), PAIR(GICR), PAIR(g->cpus * GICR_SIZE));
	cells(fdt, "interrupts", PPI(25));
	fdt_property_u32(fdt, "phandle", GIC_HANDLE);
	fdt_end_node(fdt);

	fdt_begin_node(fdt, "apb-pclk");
	fdt_property_string(fdt, "compatible", "fixed-clock");
	fdt_property_u32(fdt, "#clock-cells", 0);
	fdt_property_u32(fdt, "clock-frequency", 24000000);
	fdt_property_u32(fdt, "phandle", CLOCK_HANDLE);
	fdt_end_node(fdt);

	fdt_begin_node(fdt, "pl011@9000000");
	STRINGS(fdt, "compatible", "arm,pl011\0arm,primecell");
	cells(fdt, "reg", PAIR(UART), PAIR(UART_SIZE));
	cells(fdt, "interrupts", SPI(UART_SPI));
	STRINGS(fdt, "clock-names", "uartclk\0apb_pclk");
	cells(fdt, "clocks", CLOCK_HANDLE, CLOCK_HANDLE);
	fdt_end_node(fdt);
}

static void make_dtb(const struct guest *g)
{
	void *fdt = g->ram + g->size - DTB_SIZE;

	fdt_create(fdt, DTB_SIZE);
	fdt_finish_reservemap(fdt);
	fdt_begin_node(fdt, "");
	fdt_property_string(fdt, "compatible", "linux,dummy-virt");
	fdt_property_u32(fdt, "#address-cells", 2);
	fdt_property_u32(fdt, "#size-cells", 2);
	fdt_property_u32(fdt, "interrupt-parent", GIC_HANDLE);
	fdt_begin_node(fdt, "chosen");
	fdt_property_string(fdt, "bootargs", g->bootargs);
	fdt_property_string(fdt, "stdout-path", "/pl011@9000000");
	if (g->initrd) {
		cells(fdt, "linux,initrd-start", PAIR(RAM + INITRD_AT));
		cells(fdt, "linux,initrd-end", PAIR(RAM + INITRD_AT + g->initrd_size));
	}
	fdt_end_node(fdt);
	machine_nodes(fdt, g);
	device_nodes(fdt, g);
	fdt_end_node(fdt);
	if (fdt_finish(fdt))
		die("the device tree does not fit");
}

/* ---- KVM ---- */

static void set_reg(const struct vcpu *v, uint64_t id, uint64_t value)
{
	struct kvm_one_reg reg = { .id = id, .addr = (uintptr_t)&value };

	control(v->fd, KVM_SET_ONE_REG, &reg, "a register");
}

#define CORE(member)                                           \
	(KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | \
	 offsetof(struct kvm_regs, member) / sizeof(uint32_t))

static void gic_attr(int gic, uint32_t group, uint64_t which, uint64_t value)
{
	struct kvm_device_attr attr = {
		.group = group,
		.attr = which,
		.addr = (uintptr_t)&value,
	};

	control(gic, KVM_SET_DEVICE_ATTR, &attr, "GICv3");
}

static bool offers(const struct guest *g, unsigned long what)
{
	return ioctl(g->vm, KVM_CHECK_EXTENSION, what) > 0;
}

/* The first runs, the others wait for PSCI's CPU_ON, which KVM itself does. */
static void make_vcpu(struct guest *g, unsigned int id)
{
	struct kvm_vcpu_init init = { 0 };
	struct vcpu *v = &g->vcpu[id];
	int size = control(g->kvm, KVM_GET_VCPU_MMAP_SIZE, NULL, "/dev/kvm");

	v->g = g;
	v->id = id;
	v->fd = ioctl(g->vm, KVM_CREATE_VCPU, (unsigned long)id);
	if (v->fd < 0)
		die("vCPU %u: %s", id, strerror(errno));
	v->run = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, v->fd, 0);
	if (v->run == MAP_FAILED)
		die("vCPU %u: %s", id, strerror(errno));
	control(g->vm, KVM_ARM_PREFERRED_TARGET, &init, "a vCPU");
	init.features[0] |= 1u << KVM_ARM_VCPU_PSCI_0_2;
	if (offers(g, KVM_CAP_ARM_PTRAUTH_ADDRESS) && offers(g, KVM_CAP_ARM_PTRAUTH_GENERIC))
		init.features[0] |= 1u << KVM_ARM_VCPU_PTRAUTH_ADDRESS |
				    1u << KVM_ARM_VCPU_PTRAUTH_GENERIC;
	if (g->el != EL1)
		init.features[0] |= 1u << VCPU_HAS_EL2;
	if (g->el == EL2_NVHE)
		init.features[0] |= 1u << VCPU_HAS_EL2_E2H0;
	if (id)
		init.features[0] |= 1u << KVM_ARM_VCPU_POWER_OFF;
	control(v->fd, KVM_ARM_VCPU_INIT, &init, "a vCPU of these features");
	if (id)
		return;
	set_reg(v, CORE(regs.pc), RAM);
	set_reg(v, CORE(regs.regs[0]), RAM + g->size - DTB_SIZE);
}

static void make_vm(struct guest *g)
{
	struct kvm_create_device device = { .type = KVM_DEV_TYPE_ARM_VGIC_V3 };
	struct kvm_userspace_memory_region memory = { .guest_phys_addr = RAM };

	g->kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (g->kvm < 0)
		die("/dev/kvm: %s", strerror(errno));
	g->vm = control(g->kvm, KVM_CREATE_VM, NULL, "a VM");
	memory.memory_size = g->size;
	memory.userspace_addr = (uintptr_t)g->ram;
	control(g->vm, KVM_SET_USER_MEMORY_REGION, &memory, "memory");
	if (g->el != EL1 && !offers(g, CAP_ARM_EL2))
		die("this KVM gives no guest a virtual EL2");
	if (g->el == EL2_NVHE && !offers(g, CAP_ARM_EL2_E2H0))
		die("this KVM gives no guest a virtual EL2 without E2H");
	for (unsigned int i = 0; i < g->cpus; i++)
		make_vcpu(g, i);
	control(g->vm, KVM_CREATE_DEVICE, &device, "GICv3");
	gic_attr((int)device.fd, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_DIST, GICD);
	gic_attr((int)device.fd, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_REDIST, GICR);
	gic_attr((int)device.fd, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT, 0);
}

/* ---- the PL011: what is written is sent at once, nothing is ever received ---- */

#define UART_DR	       0x000
#define UART_FR	       0x018
#define UART_IMSC      0x038
#define UART_RIS       0x03c
#define UART_MIS       0x040
#define UART_PERIPHID0 0xfe0
#define FR_EMPTY       0x90 /* both FIFOs */
#define INT_TX	       0x20

static uint32_t uart_read(const struct guest *g, uint64_t offset)
{
	static const uint8_t id[] = { 0x11, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };

	switch (offset) {
	case UART_FR:
		return FR_EMPTY;
	case UART_IMSC:
		return g->uart_imsc;
	case UART_RIS:
		return INT_TX;
	case UART_MIS:
		return INT_TX & g->uart_imsc;
	}
	return offset >= UART_PERIPHID0 ? id[(offset - UART_PERIPHID0) / 4 % sizeof(id)] : 0;
}

static void uart_write(struct guest *g, uint64_t offset, uint32_t value)
{
	struct kvm_irq_level line = {
		.irq = KVM_ARM_IRQ_TYPE_SPI << KVM_ARM_IRQ_TYPE_SHIFT | (32 + UART_SPI),
	};

	if (offset == UART_DR) {
		putchar((int)(value & 0xff));
		if ((value & 0xff) == '\n')
			fflush(stdout);
	} else if (offset == UART_IMSC) {
		g->uart_imsc = value;
		line.level = !!(value & INT_TX);
		control(g->vm, KVM_IRQ_LINE, &line, "an interrupt");
	}
}

static void mmio(struct vcpu *v)
{
	uint64_t offset = v->run->mmio.phys_addr - UART;
	uint32_t value = 0;

	if (v->run->mmio.phys_addr < UART || offset >= UART_SIZE ||
	    v->run->mmio.len > sizeof(value))
		die("nothing is at %#llx", (unsigned long long)v->run->mmio.phys_addr);
	pthread_mutex_lock(&v->g->lock);
	if (v->run->mmio.is_write) {
		memcpy(&value, v->run->mmio.data, v->run->mmio.len);
		uart_write(v->g, offset, value);
	} else {
		value = uart_read(v->g, offset);
		memcpy(v->run->mmio.data, &value, sizeof(value));
	}
	pthread_mutex_unlock(&v->g->lock);
}

/* Until the guest ends, with all of its vCPUs. */
static void *run(void *data)
{
	struct vcpu *v = data;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(v->id, &set);
	if (v->g->cpus > 1 && sched_setaffinity(0, sizeof(set), &set))
		die("no CPU for vCPU %u: %s", v->id, strerror(errno));
	for (;;) {
		if (ioctl(v->fd, KVM_RUN, 0) < 0 && errno != EINTR)
			die("the guest cannot run on: %s", strerror(errno));
		switch (v->run->exit_reason) {
		case KVM_EXIT_MMIO:
			mmio(v);
			break;
		case KVM_EXIT_INTR:
			break;
		case KVM_EXIT_SYSTEM_EVENT:
			fflush(stdout);
			exit(v->run->system_event.type != KVM_SYSTEM_EVENT_SHUTDOWN);
		default:
			die("the guest left for reason %u", v->run->exit_reason);
		}
	}
	return NULL;
}

int main(int argc, char **argv)
{
	static struct guest g = {
		.bootargs = "",
		.cpus = 1,
		.lock = PTHREAD_MUTEX_INITIALIZER,
	};
	pthread_t thread;
	int option;

	while ((option = getopt(argc, argv, "20m:k:i:a:c:")) >= 0) {
		switch (option) {
		case '2':
			g.el = EL2_E2H;
			break;
		case '0':
			g.el = EL2_NVHE;
			break;
		case 'm':
			g.size = strtoul(optarg, NULL, 10) * MIB;
			break;
		case 'k':
			g.kernel = optarg;
			break;
		case 'i':
			g.initrd = optarg;
			break;
		case 'a':
			g.bootargs = optarg;
			break;
		case 'c':
			g.cpus = strtoul(optarg, NULL, 10);
			break;
		default:
			return 1;
		}
	}
	if (!g.kernel || g.size < INITRD_AT + MIB || !g.cpus || g.cpus > MAX_CPUS || optind != argc)
		die("vmm [-2 | -0] -m MIB -k IMAGE [-i INITRD] [-a BOOTARGS] [-c CPUS]; more than 128 MiB, "
		    "up to %d CPUs",
		    MAX_CPUS);
	/* Aligned, so that the kernel can map it in large pieces. */
	g.ram = aligned_alloc(2 * MIB, g.size);
	if (!g.ram)
		die("no %lu MiB of memory", g.size / MIB);
	madvise(g.ram, g.size, MADV_HUGEPAGE);
	load(&g, g.kernel, 0);
	if (g.initrd)
		g.initrd_size = load(&g, g.initrd, INITRD_AT);
	make_dtb(&g);
	make_vm(&g);
	for (unsigned int i = 1; i < g.cpus; i++)
		if (pthread_create(&thread, NULL, run, &g.vcpu[i]))
			die("no thread for vCPU %u", i);
	run(&g.vcpu[0]);
}
