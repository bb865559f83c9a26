/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Features of the virtual CPU that vel2.features= names, as bits of a word (hyp/features.def).
 */
#ifndef IDFEATURES_H
#define IDFEATURES_H

#define FEATURE(id, name, ...) IDF_##id,
enum id_feature {
	IDF_BASE, /* never off */
#include <idfeature-each.h>
	NR_ID_FEATURES,
};
_Static_assert(NR_ID_FEATURES <= 64, "they are bits of a word");

#endif
