/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where L0 lies: 6 MiB of RAM from 0x40000000 on; QEMU's boot stub owns the first 512 KiB.
 *
 * What only EL2 touches has pages apart from what an nVHE host touches too, so that vel2.protect=on can lock it
 * out (hyp/host/protect.c). A file that is not named here is EL2's alone; __shared_text, __host_ro and the
 * per-CPU variants (percpu.h) are the exceptions within one.
 */
#include <limits.h>

OUTPUT_ARCH(aarch64)
ENTRY(_start)

/* Files of EL2's rooms whose functions an nVHE host calls at EL1: output, strings, constant answers, the end. */
#define SHARED(...)						\
	*hyp?el2?bug.c.o(__VA_ARGS__)				\
	*hyp?el2?exit.S.o(__VA_ARGS__)				\
	*hyp?el2?exit.c.o(__VA_ARGS__)				\
	*hyp?el2?log.c.o(__VA_ARGS__)				\
	*hyp?el2?printf.c.o(__VA_ARGS__)			\
	*hyp?el2?stackguard.c.o(__VA_ARGS__)			\
	*hyp?el2?string.c.o(__VA_ARGS__)			\
	*hyp?el2?uart.c.o(__VA_ARGS__)				\
	*nested?psci.c.o(__VA_ARGS__)
#define HOST(...)						\
	SHARED(__VA_ARGS__)					\
	*hyp?host?*.o(__VA_ARGS__)				\
	*libfdt.a:*(__VA_ARGS__)

SECTIONS
{
	. = 0x40080000;
	_start = .;
	__text_start = .;
	.head.text : { *(.head.text) }

	. = ALIGN(4096);
	__host_text_start = .;
	.host.text : {
		*(.shared.text)
		HOST(.text .text.*)
	}
	. = ALIGN(4096);
	__host_text_end = .;
	.text : { *(.text .text.*) }
	.altinstr_replacement : { *(.altinstr_replacement) }
	. = ALIGN(4096);
	__text_end = .;

	__rodata_start = .;
	__host_rodata_start = .;
	.host.rodata : { HOST(.rodata .rodata.*) }
	. = ALIGN(4096);
	__host_rodata_end = .;
	.rodata : { *(.rodata .rodata.*) }
	. = ALIGN(8);
	.altinstructions : {
		__alt_instructions = .;
		KEEP(*(.altinstructions))
		__alt_instructions_end = .;
	}
	.eh_frame : { *(.eh_frame) }
	.note : { *(.note.*) }
	. = ALIGN(4096);
	__rodata_end = .;

	/* The copy of the per-CPU variables that head.S makes each CPU's from. */
	__data_start = .;
	.data..percpu : {
		__per_cpu_start = .;
		*(.data..percpu)
		. = ALIGN(4096);
		__per_cpu_host_ro = .;
		*(.data..percpu..host_ro)
		. = ALIGN(4096);
		__per_cpu_host = .;
		*(.data..percpu..host)
		. = ALIGN(4096);
		__per_cpu_end = .;
	}
	. = ALIGN(4096);
	__host_ro_start = .;
	.host_ro : { *(.host_ro) }
	. = ALIGN(4096);
	__host_ro_end = .;
	__host_data_start = .;
	.host.data : { HOST(.data .data.[!.]*) *(.got .got.plt) }
	. = ALIGN(4096);
	__host_data_end = .;
	.data : { *(.data .data.[!.]*) }
	__image_end = .;

	/* head.S clears all of it. */
	. = ALIGN(4096);
	__bss_start = .;
	__host_ro_bss_start = .;
	.host_ro.bss (NOLOAD) : { *(.bss..host_ro) }
	. = ALIGN(4096);
	__host_ro_bss_end = .;
	__host_bss_start = .;
	.host.bss (NOLOAD) : { HOST(.bss .bss.[!.]*) }
	. = ALIGN(4096);
	__host_bss_end = .;
	.bss (NOLOAD) : {
		*(.bss .bss.*) *(COMMON)
		. = ALIGN(16);
		__bss_end = .;
	}
	. = ALIGN(4096);
	.stacks (NOLOAD) : {
		__per_cpu_areas = .;
		. += MAX_CPUS * (__per_cpu_end - __per_cpu_start);
	}
	. = ALIGN(4096);
	__pool_start = .;
	__pool_end = 0x40600000;
	_end = __pool_end;
	ASSERT(__pool_start < __pool_end - 0x200000, "L0 leaves less than 2 MiB for its page pool")

	/DISCARD/ : { *(.comment) *(.interp) *(.dynamic) }
}
