/* SPDX-License-Identifier: GPL-2.0-only */
/* What guests, harness and L0 agree on. Nothing else of L0 is theirs to see. */
#ifndef ABI_H
#define ABI_H

#define MARKER_HVC	0x4e56	/* HVC #imm: x0 = function, x1 = region, x2 = operations (end) */
#define MARKER_BEGIN	1
#define MARKER_END	2

#endif
