/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The rows of hyp/features.def. No include guard: define the kinds of rows you want, include, done.
 * Those not defined expand to nothing, all are undefined afterwards.
 */
#ifndef IDFIELD
#define IDFIELD(...)
#endif
#ifndef IDSIGNED
#define IDSIGNED(...)
#endif
#ifndef IDLIMIT
#define IDLIMIT(...)
#endif
#ifndef FEATURE
#define FEATURE(...)
#endif
#ifndef OFFERED
#define OFFERED(...)
#endif
#ifndef HIDDEN
#define HIDDEN(...)
#endif
#include <features.def>
#undef IDFIELD
#undef IDSIGNED
#undef IDLIMIT
#undef FEATURE
#undef OFFERED
#undef HIDDEN
