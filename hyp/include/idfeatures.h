/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Features of the virtual CPU that vel2.features= names, as bits of a word (hyp/features.def).
 */
#ifndef IDFEATURES_H
#define IDFEATURES_H

/* The rows that a user of <features.def> does not expand. */
#define NO_ROW(...)

#define IDFIELD		       NO_ROW
#define IDSIGNED	       NO_ROW
#define IDLIMIT		       NO_ROW
#define OFFERED		       NO_ROW
#define HIDDEN		       NO_ROW
#define FEATURE(id, name, ...) IDF_##id,
enum id_feature {
	IDF_BASE, /* never off */
#include <features.def>
	NR_ID_FEATURES,
};
#undef IDFIELD
#undef IDSIGNED
#undef IDLIMIT
#undef FEATURE
#undef OFFERED
#undef HIDDEN
_Static_assert(NR_ID_FEATURES <= 64, "they are bits of a word");

#endif
