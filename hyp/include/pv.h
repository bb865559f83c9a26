/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Mechanism pv: a CPU without FEAT_NV. What of L1's code the hardware would not trap at vEL2 is found in
 * its file before it runs, and rewritten into HVC #imm; an HVC taken from such a place is then what stood
 * there. With vel2.pv=page, what FEAT_NV2 serves from memory is rewritten into a branch to loads and stores.
 *
 * The host's loader finds code and writes it (hyp/host/pv.c); EL2 says what must be rewritten and keeps
 * the table of what was (nested/pv.c, nested/pv-page.c). Which EL runs a rewritten instruction does not matter: at
 * vEL1 L0 does with it what the hardware would do there.
 */
#ifndef PV_H
#define PV_H

#include <options.h>
#include <types.h>

struct kvm;
struct kvm_vcpu;

/* --- nested/pv.c, EL2 --- */

/* What nested_pv_site() says of an instruction that is no site. */
#define PV_KEEP	0UL	/* the hardware does the right thing with it, or traps it by itself */
#define PV_FULL	1UL	/* it must be rewritten, but there are as many sites as an HVC can name */

/**
 * nested_pv_site - the instruction that stands at @pa (in L1's RAM) in place of @insn from now on,
 * PV_KEEP or PV_FULL. Boot CPU, before L1 runs.
 */
unsigned long nested_pv_site(pa_t pa, u32 insn);

/* Would nested_pv_site() say anything but PV_KEEP? */
bool nested_pv_matters(u32 insn);

/**
 * nested_pv_syndrome - ESR_EL2 as if what stood at a site had trapped by itself, with ELR_EL2 to fit;
 * @esr itself, of an HVC that was just taken, if it is L1's own (or its guest's).
 */
u64 nested_pv_syndrome(const struct kvm_vcpu *vcpu, u64 esr);

/**
 * nested_pv_leave - an exit that is no HVC was just taken from vEL2: if it was in the midst of a veneer, ELR_EL2 and
 * the vCPU's registers become those before the instruction that it stands for, or after it if that is done.
 */
void nested_pv_leave(struct kvm_vcpu *vcpu);

/* --- nested/pv-page.c, EL2 --- */

/* What of L1's image vEL2 is to find something else in: whole pages of L1's RAM. */
struct pv_room {
	pa_t veneers;
	u64 size;	/* bytes, of which 64 KiB count */
	pa_t page;
};

/**
 * nested_pv_room - gives each vEL2 of @kvm a page of its registers and all of them the veneers that
 * nested_pv_site() is going to write. Boot CPU, before L1 runs. 0, -ENOMEM.
 */
int nested_pv_room(struct kvm *kvm, const struct pv_room *room);

/* How many sites are served, and how many of those that could be are not because the room is full. */
unsigned int nested_pv_served(void);
unsigned int nested_pv_unserved(void);

/* --- hyp/host/pv.c, the host's loader --- */

struct pv_finder {
	/* Each instruction that vEL2 may execute, by its place in the file. Non-zero ends the search. */
	int (*insn)(void *ctx, u64 file_off, u32 insn);
	void *ctx;
};

/**
 * pv_find_elf - the instructions of an ELF file: those of its executable sections, of which the mapping
 * symbols (AAELF64: $x, $d) say what is data. A section whose name begins with .text.vel1 holds code that
 * never runs at vEL2: it is left out.
 * 0, what insn() returned, or -ENOEXEC and one line in @err. Pure.
 */
int pv_find_elf(const void *data, u64 size, const struct pv_finder *f, char *err, size_t errlen);

/* A section's bytes in the file. */
struct pv_section {
	u64 off, size;
};

/**
 * pv_find_room - the sections .vel2.veneers and .vel2.page of an ELF file, in which L1 has room for vel2.pv=page. Code
 * reaches them by their distance, so the file's segments must lie in memory as they are linked.
 * 0, or -ENOEXEC and one line in @err. Pure.
 */
int pv_find_room(const void *data, u64 size, struct pv_section *veneers, struct pv_section *page,
		 char *err, size_t errlen);

/**
 * pv_find_image - the words of an Image: those inside of the @n ranges of vel2.pv_code, or (@inside false)
 * those outside of all of them, code or not. As pv_find_elf(); an error is a range beyond the file. Pure.
 */
int pv_find_image(const void *data, u64 size, const struct opt_range *ranges, unsigned int n,
		  bool inside, const struct pv_finder *f, char *err, size_t errlen);

#endif
