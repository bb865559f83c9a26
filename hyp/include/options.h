/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * L0's options: the words "vel2.NAME=VALUE" of its own /chosen/bootargs.
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <ablation.h>
#include <types.h>

enum opt_host { HOST_AUTO = 0, HOST_VHE, HOST_NVHE };
enum opt_mech { MECH_AUTO = 0, MECH_NV2, MECH_NV, MECH_PV, MECH_NONE };
enum opt_l1_mode { L1_ANY = 0, L1_VHE, L1_NVHE };
enum opt_test {
	TEST_NONE = 0,
	TEST_PERCPU,
	TEST_CORRUPT_STACK,
	TEST_OVERFLOW,
	TEST_OVERRUN,
	TEST_WRITE_TEXT,	/* at EL2 */
	TEST_EXEC_DATA,
	TEST_HOST_WRITE_TEXT,	/* in the host */
	TEST_HOST_EXEC_DATA,
	TEST_HOST_WRITE,	/* to EL2's memory */
	TEST_HOST_REACH,
	TEST_RETURN_ADDRESS,
	TEST_LANDING_PAD,
};

#define OPT_L1S_MAX	4	/* MAX_VMS */
#define OPT_SMP_MAX	8
#define OPT_TRACE_MAX	256	/* TRACE_RING */
#define OPT_CODE_MAX	16

/* Bytes of L1's Image, from its beginning. */
struct opt_range {
	u32 start, end;
};

struct l0_options {
	enum opt_host host;	/* never AUTO once l0_early() is done */
	enum opt_mech mech;	/* never AUTO once l0_early() is done; NONE: no NV, self test only */
	enum opt_l1_mode l1_mode;
	enum opt_test test;
	unsigned int l1s;	/* how many L1s there are */
	unsigned int smp;	/* vCPUs of each L1; 0: as many as there are CPUs */
	unsigned int trace;	/* exits kept for each vCPU, 0: no trace */
	/* Features of the virtual CPU by enum id_feature: turned off, and explicitly asked for. */
	u64 features_off, features_on;
	struct reg_set trap, notrap;	/* see ablation.h */
	struct opt_range pv_code[OPT_CODE_MAX];	/* what of an Image is code that vEL2 may run */
	unsigned int nr_pv_code;
	bool pv_page;		/* pv serves from a page what FEAT_NV2 would, see nested/pv-page.c */
	bool markers;
	bool eager;		/* a VHE host defers nothing */
	bool protect;		/* an nVHE host does not reach EL2's memory: see protect.c */
	bool uart1;		/* L1 has a second UART, whose lines become records */
};

/* In effect; valid from the end of l0_early(). */
extern struct l0_options opts;

#define OPT_ERR_MAX	640	/* a message that lists the features is long */

/*
 * Parse @args, words separated by white space. A word that does not begin with "vel2." is an error too:
 * nobody else reads this line. On failure -EINVAL, and @err (of @errlen bytes) says which word is wrong and why.
 * Pure.
 */
int options_parse(const char *args, struct l0_options *o, char *err, size_t errlen);

/* Names that vel2.features= knows, by spaces, into @buf; their length. And that of one. */
size_t options_feature_names(char *buf, size_t size);
const char *options_feature_name(unsigned int feature);

const char *host_name(enum opt_host host);
const char *mech_name(enum opt_mech mech);

#endif
