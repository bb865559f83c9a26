// SPDX-License-Identifier: GPL-2.0-only
/*
 * The bundled L1, at EL2 or virtual EL2: iters= (16) measured and warm= (4) unmeasured operations
 * of every row of regions.def, first on itself, then in its L2.
 */
#include "bundled.h"
#include "gic.h"
#include "lib.h"
#include "pgtable.h"

void guest_main(void)
{
	struct bench b = { .iters = arg_u64("iters", 16), .warm = arg_u64("warm", 4) };

	if (b.iters < 1 || b.iters > 1024 || b.warm > 64)
		fail("iters= is 1..1024, warm= 0..64");
	printf("bundled L1 at EL%lu, %s, %u iterations\n", FIELD(read_sysreg(CurrentEL), 3, 2),
	       vhe_mode ? "vhe" : "nvhe", b.iters);
	mmu_init_el2();
	gic_init();
	vm_run(&b);
	hyp_run(&b);
}
