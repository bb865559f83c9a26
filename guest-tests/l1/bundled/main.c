// SPDX-License-Identifier: GPL-2.0-only
/*
 * The bundled L1, at EL2 or virtual EL2: iters= (16) measured and warm= (4) unmeasured operations
 * of every row of regions.def, first on itself, then in its L2. split=1: what emulates for L2 runs at
 * EL1 (nVHE only). ops=ipi: nothing but what needs a second CPU.
 */
#include "bundled.h"
#include "gic.h"
#include "pgtable.h"

struct bench bench;

void guest_main(void)
{
	bench.iters = (unsigned int)arg_u64("iters", 16);
	bench.warm = (unsigned int)arg_u64("warm", 4);
	bench.split = arg_u64("split", 0);
	bench.only_ipi = arg_is("ops", "ipi");
	if (bench.iters < 1 || bench.iters > 1024 || bench.warm > 64)
		fail("iters= is 1..1024, warm= 0..64");
	if (bench.split && vhe_mode)
		fail("split=1 is nVHE: there is one level where a VHE hypervisor and its host run");
	printf("bundled L1 at EL%lu, %s, %u iterations\n", FIELD(read_sysreg(CurrentEL), 3, 2),
	       bench.split ? "split nvhe" : vhe_mode ? "vhe" : "nvhe", bench.iters);
	mmu_init_el2();
	gic_init();
	bench.second = smp_start();
	if (bench.only_ipi && !bench.second)
		fail("ops=ipi needs a second CPU");
	vm_run();
	hyp_run();
}
