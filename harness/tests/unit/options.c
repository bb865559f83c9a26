// SPDX-License-Identifier: GPL-2.0-only
/* unit: hyp/host/options.c hyp/host/regset.c -Ihyp/include */
/* L0's options: every good one, and that every bad one is named in the message. */
#include <idfeatures.h>
#include <options.h>
#include <string.h>

#include "check.h"

static struct l0_options o;
static char err[OPT_ERR_MAX];

static int parse(const char *s)
{
	char *copy = strdup(s); /* exact size: the sanitizer sees a byte too far */
	int ret = options_parse(copy, &o, err, sizeof(err));

	free(copy);
	return ret;
}

static void good(void)
{
	CHECK(!parse(""));
	CHECK(o.host == HOST_AUTO && o.mech == MECH_AUTO && !o.smp && !o.markers && !o.trace);
	CHECK(!parse("  vel2.host=nvhe\tvel2.mech=nv \n vel2.smp=8 vel2.markers=on "));
	CHECK(o.host == HOST_NVHE && o.mech == MECH_NV && o.smp == 8 && o.markers);
	CHECK(!parse("vel2.host=vhe vel2.mech=nv2 vel2.l1_mode=vhe vel2.trace=256 vel2.markers=off"));
	CHECK(o.host == HOST_VHE && o.mech == MECH_NV2 && o.l1_mode == L1_VHE && o.trace == 256);
	CHECK(!o.markers);
	CHECK(!parse("vel2.test=corrupt-stack vel2.l1_mode=any"));
	CHECK(o.test == TEST_CORRUPT_STACK && o.l1_mode == L1_ANY);
	CHECK(!parse("vel2.smp=1 vel2.smp=2") && o.smp == 2 && o.l1s == 1);
	CHECK(!parse("vel2.l1s=4") && o.l1s == 4);
}

static void ranges(void)
{
	static const char *const wrong[] = { "", "-", "4-0", "0-6", "0-4,", "0x0-4", "0-100000000", "0-4G" };
	char line[64];

	CHECK(!parse("vel2.pv=page") && o.pv_page && !parse("vel2.pv=trap") && !o.pv_page);
	CHECK(!parse("vel2.mech=pv") && o.mech == MECH_PV && !o.nr_pv_code);
	CHECK(!parse("vel2.pv_code=0-40,1000-fffffffc") && o.nr_pv_code == 2);
	CHECK(o.pv_code[0].start == 0 && o.pv_code[0].end == 0x40);
	CHECK(o.pv_code[1].start == 0x1000 && o.pv_code[1].end == 0xfffffffc);
	CHECK(!parse("vel2.pv_code=0-4,0-4,0-4,0-4,0-4,0-4,0-4,0-4 vel2.pv_code=0-4,0-4,0-4,0-4,0-4,0-4,0-4,0-4"));
	CHECK(parse("vel2.pv_code=0-4,0-4,0-4,0-4,0-4,0-4,0-4,0-4,0-4,0-4,0-4,0-4,0-4,0-4,0-4,0-4,0-8") < 0 &&
	      strstr(err, "'0-8'"));
	CHECK(parse("vel2.pv_code=0-4,8") < 0 && strstr(err, "'8'"));
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		snprintf(line, sizeof(line), "vel2.pv_code=%s", wrong[i]);
		CHECK(parse(line) < 0 && strstr(err, "bad range"));
	}
}

static void features(void)
{
	char names[OPT_ERR_MAX];

	CHECK(!parse("vel2.host=vhe") && !o.features_off && !o.features_on);
	CHECK(!parse("vel2.features=-pauth,+fgt,-tlbios"));
	CHECK(o.features_off == (BIT(IDF_PAUTH) | BIT(IDF_TLBIOS)));
	CHECK(o.features_on == BIT(IDF_FGT));
	CHECK(!parse("vel2.features=-pauth vel2.features=+pauth,-nv,+nv,-nv"));
	CHECK(o.features_off == BIT(IDF_NV) && o.features_on == BIT(IDF_PAUTH));
	/* All names in a message, which are all that there are. */
	CHECK(options_feature_names(names, sizeof(names)) < sizeof(names) - 200);
	CHECK(parse("vel2.features=-sme") < 0 && strstr(err, "'-sme'") && strstr(err, names));
	CHECK(options_feature_names(names, 8) == 7 && strlen(names) == 7);
}

static void bad(void)
{
	static const char *const words[] = {
		"vel2.host=", "vel2.host", "vel2.host=VHE", "vel2.host=vhe2", "vel2.host=vh",
		"vel2.smp=0", "vel2.smp=9", "vel2.smp=-1", "vel2.smp=0x1", "vel2.smp=",
		"vel2.smp=99999999999999999999", "vel2.l1s=0", "vel2.l1s=5", "vel2.l1s", "vel2.trace=257", "vel2.trace=1e2",
		"vel2.features", "vel2.mech=nv3", "vel2.pv_code", "vel2.markers=yes", "vel2.test=none", "vel2.nonsense=1", "vel2.",
		"console=ttyAMA0", "=", "vel2.hostvhe", "\xff\xfe", "vel2.host=vhe=nvhe",
	};
	char line[128];
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		err[0] = 0;
		CHECK(parse(words[i]) < 0);
		CHECK(strstr(err, words[i]));
		snprintf(line, sizeof(line), "vel2.host=vhe %s vel2.smp=1", words[i]);
		CHECK(parse(line) < 0 && strstr(err, words[i]));
	}
}

static void registers(void)
{
	CHECK(!parse("vel2.trap=HCR_EL2,SCTLR_EL1:r vel2.notrap=nv2"));
	CHECK(reg_set_has(&o.trap, DESC_HCR_EL2, false) &&
	      reg_set_has(&o.trap, DESC_HCR_EL2, true));
	CHECK(reg_set_has(&o.trap, DESC_SCTLR_EL12, false));
	CHECK(!reg_set_has(&o.trap, DESC_SCTLR_EL1, true));
	CHECK(reg_set_has(&o.notrap, DESC_VTTBR_EL2, true));
	CHECK(!reg_set_has(&o.notrap, DESC_HPFAR_EL2, true));
	CHECK(!parse("vel2.notrap=neve,timer"));
	CHECK(reg_set_has(&o.notrap, DESC_CPTR_EL2, false));
	CHECK(!reg_set_has(&o.notrap, DESC_CPTR_EL2, true));
	CHECK(reg_set_has(&o.notrap, DESC_CNTHP_CTL_EL2, true));
	CHECK(parse("vel2.trap=") < 0 && parse("vel2.trap=HCR_EL2,") < 0);
	CHECK(parse("vel2.trap=HCR_EL") < 0 && strstr(err, "'HCR_EL'"));
	CHECK(parse("vel2.trap=:r") < 0 && parse("vel2.notrap=none") < 0);
}

static void endless(void)
{
	char *s = malloc(100001);

	memset(s, 'a', 100000);
	s[100000] = 0;
	CHECK(parse(s) < 0 && strlen(err) < sizeof(err));
	memcpy(s, "vel2.host=", 10);
	CHECK(parse(s) < 0 && strlen(err) < sizeof(err));
	free(s);
	CHECK(options_parse("vel2.host=x", &o, err, 4) < 0 && strlen(err) == 3);
}

int main(void)
{
	good();
	features();
	registers();
	ranges();
	bad();
	endless();
	return 0;
}
