/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A CPU for code of EL2 on the build machine: system registers are memory, and nothing follows from them. Given to the
 * compiler by -include, so that what it redefines is seen by every source.
 */
#ifndef VEL2_FAKE_CPU_H
#define VEL2_FAKE_CPU_H

#include <kvm_hyp.h>
#include <sysreg.h>

/* The register of that name, and the one of that encoding: another. Zero until written. */
u64 *fake_reg(const char *name);
u64 *fake_reg_s(u32 enc);

extern u32 fake_caps; /* bits CAP_* */
extern u64 fake_at;   /* what AT writes to PAR_EL1 */

#undef read_sysreg
#undef write_sysreg
#undef read_sysreg_s
#undef write_sysreg_s
#undef sys_insn
#undef isb
#undef dsb
#undef alternative_has_cap
#undef __hyp_this_cpu_ptr
#undef this_cpu_ptr
#define read_sysreg(r)		 (*fake_reg(#r))
#define write_sysreg(v, r)	 (*fake_reg(#r) = (u64)(v))
#define read_sysreg_s(e)	 (*fake_reg_s(e))
#define write_sysreg_s(v, e)	 (*fake_reg_s(e) = (u64)(v))
#define sys_insn(i, arg)	 ((void)(arg), *fake_reg("par_el1") = fake_at)
#define isb()			 ((void)0)
#define dsb(opt)		 ((void)0)
#define alternative_has_cap(cap) ((fake_caps >> (cap)) & 1)
#define __hyp_this_cpu_ptr(sym)	 (&(sym))
#define this_cpu_ptr(sym)	 (&(sym))

#endif /* VEL2_FAKE_CPU_H */
