// SPDX-License-Identifier: GPL-2.0-only
/*
 * PCIe for L1: passed through, behind L0's SMMU. In the host, interrupts masked.
 *
 * Configuration space and windows are mapped into L1's stage 2, so that nothing of them costs an exit, and L1 may
 * program them as it likes. What it can do with that:
 *   - BARs and bridges decide what answers to an address *inside* the windows; the root decodes no other.
 *   - Any DMA, of any requester ID, goes through the SMMU and so through L1's own stage 2. An MSI is a DMA write:
 *     the ITS's doorbell is not mapped for L1, so it is refused like any other address that is not L1's.
 *   - A wire that is kept high interrupts L0 once: the interrupt stays active until L1's own EOI.
 * That all devices are behind the SMMU is looked at once, at boot: pcie-scan.c.
 */
#include <gic.h>
#include <host.h>
#include <kvm_hyp.h>
#include <log.h>
#include <pcie.h>
#include <smmu.h>
#include <vgic.h>

#define MAX_TOLD	32	/* lines about refused accesses: L1 can cause any number */
#define MAX_EVENTS	16384	/* and of the accesses themselves, many of which are one line */

static unsigned int told, seen;

static bool fits(const struct kvm *kvm, pa_t base, u64 size)
{
	return base + size <= BIT(kvm->s2.canonical.table.ia_bits);
}

static int map(struct kvm *kvm, pa_t base, u64 size)
{
	return (int)kvm_call_hyp(s2_vm_map_device, &kvm->s2, base, base, size);
}

static int map_all(struct kvm *kvm)
{
	const struct l0_pcie *pcie = &plat.pcie;
	int ret = map(kvm, pcie->ecam, pcie->ecam_size);

	for (unsigned int i = 0; !ret && i < pcie->nr_windows; i++)
		ret = map(kvm, pcie->window[i].base, pcie->window[i].size);
	return ret;
}

static bool all_fit(const struct kvm *kvm)
{
	const struct l0_pcie *pcie = &plat.pcie;
	bool ok = fits(kvm, pcie->ecam, pcie->ecam_size);

	for (unsigned int i = 0; i < pcie->nr_windows; i++)
		ok = ok && fits(kvm, pcie->window[i].base, pcie->window[i].size);
	return ok;
}

bool pcie_give(struct kvm *kvm)
{
	const struct l0_pcie *pcie = &plat.pcie;
	int ret;

	if (!pcie->ecam_size) {
		log_info("no PCIe for L1: no root behind an SMMUv3 (QEMU: -machine iommu=smmuv3)");
		return false;
	}
	if (!all_fit(kvm)) {
		log_warn("no PCIe for L1: it lies above what L1 can address");
		return false;
	}
	ret = (int)kvm_call_hyp(smmu_init, pcie->smmu, &kvm->s2, kvm->ram_base + kvm->ram_size);
	if (ret) {
		log_warn("no PCIe for L1: the SMMU at 0x%llx cannot hold its devices to L1's memory (error %d)",
			 pcie->smmu, ret);
		return false;
	}
	ret = map_all(kvm);
	if (ret)
		l0_fatal_user("cannot map PCIe for L1 (error %d)", ret);
	gic_enable_spi(pcie->smmu_event, true);
	gic_enable_spi(pcie->smmu_error, true);
	for (unsigned int i = 0; i < pcie->nr_intx; i++) {
		vgic_hand_through(kvm, pcie->intx[i]);
		gic_enable_spi(pcie->intx[i], false);
	}
	return true;
}

static const char *why(u8 type)
{
	switch (type) {
	case SMMU_EVT_F_TRANSLATION:
		return "not L1's memory";
	case SMMU_EVT_F_ADDR_SIZE:
		return "beyond L1's addresses";
	case SMMU_EVT_F_PERMISSION:
		return "not allowed there";
	default:
		return "SMMU event";
	}
}

/* An access of the device's may be many of the bus: one line for those of a page. */
static void say(const struct smmu_event *ev)
{
	static struct smmu_event last;
	bool same = ev->type == last.type && ev->sid == last.sid && ev->read == last.read &&
		    ev->addr >> 12 == last.addr >> 12;

	last = *ev;
	if (same)
		return;
	told++;
	log_warn("DMA %s of PCI %02x:%02x.%x at 0x%llx refused: %s (0x%x)",
		 ev->read ? "read" : "write", ev->sid >> 8, ev->sid >> 3 & 0x1f, ev->sid & 7,
		 ev->addr, why(ev->type), ev->type);
}

/* L1's devices could keep L0 busy with nothing but this: after so many events it listens no more. */
void pcie_irq(void)
{
	struct smmu_event ev;
	u32 errors = (u32)kvm_call_hyp(smmu_errors);

	if (seen == MAX_EVENTS)
		return;
	while (told < MAX_TOLD && seen < MAX_EVENTS && kvm_call_hyp(smmu_next_event, &ev)) {
		say(&ev);
		seen++;
	}
	/* The queue was full: more was refused than could be recorded. */
	if ((errors & ~SMMU_GERROR_EVENTQ) && told < MAX_TOLD) {
		told++;
		log_error("SMMU error 0x%x", errors);
	}
	if (told < MAX_TOLD && seen < MAX_EVENTS)
		return;
	seen = MAX_EVENTS;
	kvm_call_hyp(smmu_forget_events);
	log_warn("DMA refused again: further lines about it are left out");
}
