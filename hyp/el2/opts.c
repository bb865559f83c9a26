// SPDX-License-Identifier: GPL-2.0-only
/*
 * The options in effect. They lie in EL2's room because it reads them; the host's boot code writes
 * them once, before the MMU is on.
 */
#include <options.h>

struct l0_options opts __host_ro;
