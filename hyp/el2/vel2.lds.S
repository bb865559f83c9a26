/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where L0 lies: 6 MiB of RAM from 0x40000000 on; QEMU's boot stub owns the first 512 KiB.
 * What runs at EL2 (hyp/el2, shadow, nested) has pages of its own, apart from the host's, so that
 * an nVHE host can be locked out of them.
 */
#include <limits.h>

OUTPUT_ARCH(aarch64)
ENTRY(_start)

SECTIONS
{
	. = 0x40080000;
	_start = .;
	__text_start = .;
	.head.text : { *(.head.text) }

	. = ALIGN(4096);
	__hyp_text_start = .;
	.hyp.text : {
		*hyp?el2?*.o(.text .text.*)
		*shadow?*.o(.text .text.*)
		*nested?*.o(.text .text.*)
	}
	. = ALIGN(4096);
	__hyp_text_end = .;
	.text : { *(.text .text.*) }
	.altinstr_replacement : { *(.altinstr_replacement) }
	. = ALIGN(4096);
	__text_end = .;

	__rodata_start = .;
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

	__data_start = .;
	.data : { *(.data .data.[!.]* ) *(.got .got.plt) }
	. = ALIGN(4096);
	.data..percpu : {
		__per_cpu_start = .;
		*(.data..percpu)
		. = ALIGN(4096);
		__per_cpu_end = .;
	}
	__image_end = .;

	.bss (NOLOAD) : {
		__bss_start = .;
		*(.bss .bss.*) *(COMMON)
		. = ALIGN(16);
		__bss_end = .;
	}
	. = ALIGN(4096);
	__hyp_data_start = .;
	.stacks (NOLOAD) : {
		__per_cpu_areas = .;
		. += MAX_CPUS * (__per_cpu_end - __per_cpu_start);
	}
	__hyp_data_end = .;
	. = ALIGN(4096);
	__pool_start = .;
	__pool_end = 0x40600000;
	_end = __pool_end;
	ASSERT(__pool_start < __pool_end - 0x200000, "L0 leaves less than 2 MiB for its page pool")

	/DISCARD/ : { *(.comment) *(.interp) *(.dynamic) }
}
