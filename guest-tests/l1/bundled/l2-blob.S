/* SPDX-License-Identifier: GPL-2.0-only */
/* The L2 image, inside L1's. */
	.section .blob, "a"
	.balign	4096
	.global	l2_image, l2_image_end
l2_image:
	.incbin	L2_IMAGE
l2_image_end:
