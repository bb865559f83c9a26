// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tries files with a fuzz target where there is no libFuzzer: replay FILE... Status 0, or whatever the first one
 * that fails ends with, after its name.
 */
#include "fuzz.h"

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		FILE *f = fopen(argv[i], "rb");
		u8 *data;
		long size;

		unit_case = argv[i];
		CHECK(f && !fseek(f, 0, SEEK_END));
		size = ftell(f);
		rewind(f);
		data = malloc(size ? (size_t)size : 1);
		CHECK(data && fread(data, 1, (size_t)size, f) == (size_t)size);
		fclose(f);
		LLVMFuzzerTestOneInput(data, (size_t)size);
		free(data);
	}
	return 0;
}
