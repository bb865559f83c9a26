/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the fuzz targets share. Each of the other files is a target: its `unit:` line says what it is built from,
 * and LLVMFuzzerTestOneInput() tries one input; what must always hold is a CHECK. vel2lib/hostfuzz.py builds them
 * with clang's libFuzzer to find inputs, and with gcc and replay.c to try those of the corpus again.
 */
#ifndef VEL2_FUZZ_H
#define VEL2_FUZZ_H

#include "../unit.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

/* An input that is read like a stream; past its end are zeros. */
struct input {
	const u8 *at, *end;
};

static inline bool more(const struct input *in)
{
	return in->at < in->end;
}

/* The next @bytes of it, 1 to 8, little-endian. */
static inline u64 take(struct input *in, unsigned int bytes)
{
	u64 v = 0;

	for (unsigned int i = 0; i < bytes && more(in); i++)
		v |= (u64)*in->at++ << (8 * i);
	return v;
}

#endif /* VEL2_FUZZ_H */
