/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Names for what the compiler is asked to do. The C library of the build machine has some of them
 * too (unit tests), hence the guards.
 */
#ifndef VEL2_COMPILER_H
#define VEL2_COMPILER_H

#ifndef __ASSEMBLER__

#define __aligned(n) __attribute__((aligned(n)))
#define __section(s) __attribute__((section(s)))

/*
 * Under vel2.protect=on an nVHE host reaches nothing of EL2's rooms (vel2.lds.S) but these. __host_ro: it reads
 * the variable, which EL2 or the boot code writes; _bss: without an initial value, for what is large.
 */
#define __shared_text __section(".shared.text")
#define __host_ro __section(".host_ro")
#define __host_ro_bss __section(".bss..host_ro")
#define __printf(fmt, args) __attribute__((format(printf, fmt, args)))

#ifndef __packed
#define __packed __attribute__((packed))
#endif
#ifndef __noreturn
#define __noreturn __attribute__((noreturn))
#endif
#ifndef __used
#define __used __attribute__((used))
#endif
#ifndef __weak
#define __weak __attribute__((weak))
#endif
#ifndef __maybe_unused
#define __maybe_unused __attribute__((unused))
#endif
#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif
#ifndef noinline
#define noinline __attribute__((noinline))
#endif

/*
 * For what each trap of an L1 pays for: nothing of such a function's locals is an array, so that there is
 * nothing in it to run over the end of.
 */
#ifndef __no_stack_protector
#define __no_stack_protector __attribute__((no_stack_protector))
#endif

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#define READ_ONCE(x) (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile __typeof__(x) *)&(x) = (v))
#define barrier() __asm__ volatile("" : : : "memory")

#endif /* !__ASSEMBLER__ */

#endif /* VEL2_COMPILER_H */
