/* SPDX-License-Identifier: GPL-2.0-only */
/* The bundled L1: vm.c measures L1 itself, hyp.c runs the L2 that measures itself. */
#ifndef BUNDLED_H
#define BUNDLED_H

#include "types.h"

struct bench {
	unsigned int iters;
	unsigned int warm;
};

void vm_run(const struct bench *b);
void hyp_run(const struct bench *b);

#endif
