// SPDX-License-Identifier: GPL-2.0-only
/*
 * L0's options: any line is taken, or refused in one line; and what is taken is within its bounds.
 *
 * unit: harness/tests/unit/unit.c hyp/host/options.c hyp/host/regset.c -idirafter hyp/include
 */
#include "fuzz.h"

#include <options.h>

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static struct l0_options o;
	char *line =
		strndup((const char *)data, size); /* exact: the sanitizer sees a byte too far */
	char err[OPT_ERR_MAX];
	int ret;

	memset(err, 0x5a, sizeof(err));
	ret = options_parse(line, &o, err, sizeof(err));
	free(line);
	if (ret) {
		CHECK_EQ(ret, -EINVAL);
		CHECK(err[0] && memchr(err, 0, sizeof(err)) && !strchr(err, '\n'));
		return 0;
	}
	CHECK(o.host <= HOST_NVHE && o.mech <= MECH_NONE && o.l1_mode <= L1_NVHE);
	CHECK(o.test <= TEST_OVERRUN && o.smp <= OPT_SMP_MAX && o.trace <= OPT_TRACE_MAX);
	CHECK(o.nr_pv_code <= OPT_CODE_MAX && !(o.features_on & o.features_off));
	for (unsigned int i = 0; i < o.nr_pv_code; i++)
		CHECK(o.pv_code[i].start < o.pv_code[i].end);
	return 0;
}
