// SPDX-License-Identifier: GPL-2.0-only
/* unit: harness/tests/unit/unit.c -Ihyp/include */
/*
 * What a virtual CPU interface says of itself, against the statements of the architecture written
 * down one interrupt at a time.
 */
#include <vgic-state.h>

#include "unit.h"

static u64 lr[16], ap0r[4], ap1r[4];

static struct ich_state state(unsigned int nr_lrs, unsigned int nr_aprs)
{
	return (struct ich_state){
		.lr = lr, .ap0r = ap0r, .ap1r = ap1r, .nr_lrs = nr_lrs, .nr_aprs = nr_aprs,
	};
}

static u64 random_lr(void)
{
	u64 v = below(1024) | below(32) << (ICH_LR_PRIO_SHIFT + 3);

	v |= below(4) << 62;
	v |= one_in(3) ? ICH_LR_HW : 0;
	v |= one_in(3) ? ICH_LR_EOI : 0;
	return v | (one_in(2) ? ICH_LR_GROUP : 0);
}

static void test_lists(u64 rounds)
{
	unit_case = "lists";
	while (rounds--) {
		unsigned int n = 1 + (unsigned int)below(16), valid = 0, pending = 0;
		struct ich_state s = state(n, 1);
		u64 eisr = 0, elrsr = 0, misr = 0;

		s.hcr = below(256) | below(32) << 27;
		s.vmcr = below(4);
		for (unsigned int i = 0; i < n; i++) {
			unsigned int st;

			lr[i] = random_lr();
			st = (unsigned int)(lr[i] >> 62);
			valid += st != 0;
			pending += st == 1;
			if (st == 0 && !(lr[i] >> 61 & 1) && (lr[i] >> 41 & 1))
				eisr |= 1u << i;
			else if (st == 0)
				elrsr |= 1u << i;
		}
		misr |= eisr ? 1 : 0;
		misr |= (s.hcr & 2) && valid < 2 ? 2 : 0;
		misr |= (s.hcr & 4) && s.hcr >> 27 ? 4 : 0;
		misr |= (s.hcr & 8) && !pending ? 8 : 0;
		misr |= (s.hcr & 0x10) && (s.vmcr & 1) ? 0x10 : 0;
		misr |= (s.hcr & 0x20) && !(s.vmcr & 1) ? 0x20 : 0;
		misr |= (s.hcr & 0x40) && (s.vmcr & 2) ? 0x40 : 0;
		misr |= (s.hcr & 0x80) && !(s.vmcr & 2) ? 0x80 : 0;
		CHECK_EQ(ich_eisr(&s), eisr);
		CHECK_EQ(ich_elrsr(&s), elrsr);
		CHECK_EQ(ich_misr(&s), misr);
	}
}

/* Active priorities: every bit of every register, for each number of registers. */
static void test_running(void)
{
	unit_case = "running priority";
	for (unsigned int aprs = 1; aprs <= 4; aprs *= 2) {
		struct ich_state s = state(0, aprs);

		CHECK_EQ(ich_running_priority(&s), 0x100);
		for (unsigned int bit = 0; bit < 32 * aprs; bit++) {
			u64 *r = bit % 2 ? ap0r : ap1r;

			r[bit / 32] = 1u << bit % 32;
			ap1r[aprs - 1] |= 1u << 31;	/* a lower one is active too */
			CHECK_EQ(ich_running_priority(&s), bit * (8 / aprs));
			memset(ap0r, 0, sizeof(ap0r));
			memset(ap1r, 0, sizeof(ap1r));
		}
	}
}

/* Five bits of preemption: 2 and 3; seven: 0 and 1. The rest of a value stays. */
static void test_vmcr_minimum(void)
{
	unit_case = "minimum of the binary points";
	for (u64 bpr = 0; bpr < 8; bpr++) {
		u64 v = bpr << ICH_VMCR_VBPR0_SHIFT | bpr << ICH_VMCR_VBPR1_SHIFT | ICH_VMCR_VENG1;
		u64 w = ich_vmcr_written(v, 4ull << ICH_VTR_PREBITS_SHIFT);

		CHECK_EQ((w & ICH_VMCR_VBPR0) >> ICH_VMCR_VBPR0_SHIFT, bpr < 2 ? 2 : bpr);
		CHECK_EQ((w & ICH_VMCR_VBPR1) >> ICH_VMCR_VBPR1_SHIFT, bpr < 3 ? 3 : bpr);
		CHECK_EQ((w ^ v) & ~(ICH_VMCR_VBPR0 | ICH_VMCR_VBPR1), 0);
		w = ich_vmcr_written(v, 6ull << ICH_VTR_PREBITS_SHIFT);
		CHECK_EQ((w & ICH_VMCR_VBPR0) >> ICH_VMCR_VBPR0_SHIFT, bpr);
		CHECK_EQ((w & ICH_VMCR_VBPR1) >> ICH_VMCR_VBPR1_SHIFT, bpr < 1 ? 1 : bpr);
	}
}

/* VGroupBits: which bits of a priority decide preemption, by binary point. */
static void test_binary_point(void)
{
	static const u8 mask[8] = { 0xfe, 0xfc, 0xf8, 0xf0, 0xe0, 0xc0, 0x80, 0 };

	unit_case = "binary point";
	for (u64 bpr = 0; bpr < 8; bpr++) {
		CHECK_EQ(ich_group_priority_mask(bpr << ICH_VMCR_VBPR0_SHIFT, false), mask[bpr]);
		CHECK_EQ(
			ich_group_priority_mask(bpr << ICH_VMCR_VBPR0_SHIFT | ICH_VMCR_VCBPR, true),
			mask[bpr]);
		if (bpr)
			CHECK_EQ(ich_group_priority_mask(bpr << ICH_VMCR_VBPR1_SHIFT, true),
				 mask[bpr - 1]);
	}
}

static void test_signals(void)
{
	struct ich_state s = state(2, 1);
	u64 prio40 = 0x40ull << ICH_LR_PRIO_SHIFT, prio48 = 0x48ull << ICH_LR_PRIO_SHIFT;

	unit_case = "signals";
	s.vmcr = 0xf8ull << ICH_VMCR_VPMR_SHIFT | ICH_VMCR_VENG0 | ICH_VMCR_VENG1 |
		 3ull << ICH_VMCR_VBPR1_SHIFT | 2ull << ICH_VMCR_VBPR0_SHIFT;
	lr[0] = ICH_LR_PENDING | ICH_LR_GROUP | prio48 | 30;
	lr[1] = ICH_LR_PENDING | prio40 | 31;
	CHECK_EQ(ich_signals(&s), VGIC_L1_FIQ);	/* the higher priority alone counts */
	lr[1] |= ICH_LR_ACTIVE;			/* active and pending cannot be signalled */
	CHECK_EQ(ich_signals(&s), VGIC_L1_IRQ);
	s.vmcr &= ~ICH_VMCR_VENG1;
	CHECK_EQ(ich_signals(&s), 0);
	s.vmcr |= ICH_VMCR_VENG1;
	ap0r[0] = 1u << (0x40 / 8);
	CHECK_EQ(ich_signals(&s), 0);
	ap0r[0] = 1u << (0x50 / 8);
	CHECK_EQ(ich_signals(&s), VGIC_L1_IRQ);
	s.vmcr |= 5ull << ICH_VMCR_VBPR1_SHIFT;	/* 7: only bit 7 decides */
	CHECK_EQ(ich_signals(&s), 0);
	ap0r[0] = 0;
	s.vmcr = (s.vmcr & ~(0xffull << ICH_VMCR_VPMR_SHIFT)) | 0x48ull << ICH_VMCR_VPMR_SHIFT;
	CHECK_EQ(ich_signals(&s), 0);		/* PMR masks its own value too */
	lr[0] |= 0xf8ull << ICH_LR_PRIO_SHIFT;
	s.vmcr |= 0xffull << ICH_VMCR_VPMR_SHIFT;
	CHECK_EQ(ich_signals(&s), VGIC_L1_IRQ);
	lr[0] |= 0xffull << ICH_LR_PRIO_SHIFT;
	CHECK_EQ(ich_signals(&s), 0);		/* idle priority is never signalled */
}

int main(int argc, char **argv)
{
	u64 rounds = unit_args(argc, argv, 100000);

	test_lists(rounds);
	test_running();
	test_vmcr_minimum();
	test_binary_point();
	test_signals();
	return 0;
}
