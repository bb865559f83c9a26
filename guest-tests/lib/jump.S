/* SPDX-License-Identifier: GPL-2.0-only */
/* jump_to(target): for targets that fault; exc_arm(jump_resume) makes it return. */
	.text
	.global	jump_to, jump_resume
jump_to:
	br	x0
jump_resume:
	ret
