// SPDX-License-Identifier: GPL-2.0-only
/*
 * The four timers of a CPU as EL2 sees them: EL2 physical and virtual (CNTHP, CNTHV), EL1 physical
 * and virtual (CNTP, CNTV, by EL02 name under E2H). CVAL, TVAL, ISTATUS, IMASK, their PPIs, CNTVOFF,
 * the traps of CNTHCTL_EL2, and L2 with a timer of its own. No time is printed.
 */
#include "gic.h"
#include "l2.h"

#define FUTURE		(~0UL >> 1)
#define CTL_ENABLE	BIT(0)
#define CTL_IMASK	BIT(1)
#define CTL_ISTATUS	BIT(2)
#define PATIENCE	20000000UL

#define TIMER(name, ctl, cval, tval)						\
	static u64 name##_get_ctl(void) { return read_sysreg(ctl); }		\
	static void name##_set_ctl(u64 v) { write_sysreg(v, ctl); isb(); }	\
	static u64 name##_get_cval(void) { return read_sysreg(cval); }		\
	static void name##_set_cval(u64 v) { write_sysreg(v, cval); isb(); }	\
	static u64 name##_get_tval(void) { return read_sysreg(tval); }		\
	static void name##_set_tval(u64 v) { write_sysreg(v, tval); isb(); }

#define OPS(name) name##_get_ctl, name##_set_ctl, name##_get_cval, name##_set_cval,	\
		  name##_get_tval, name##_set_tval

TIMER(hp, cnthp_ctl_el2, cnthp_cval_el2, cnthp_tval_el2)
TIMER(hv, SYS_CNTHV_CTL_EL2, SYS_CNTHV_CVAL_EL2, SYS_CNTHV_TVAL_EL2)
TIMER(p_el0, cntp_ctl_el0, cntp_cval_el0, cntp_tval_el0)
TIMER(v_el0, cntv_ctl_el0, cntv_cval_el0, cntv_tval_el0)
TIMER(p_el02, SYS_CNTP_CTL_EL02, SYS_CNTP_CVAL_EL02, SYS_CNTP_TVAL_EL02)
TIMER(v_el02, SYS_CNTV_CTL_EL02, SYS_CNTV_CVAL_EL02, SYS_CNTV_TVAL_EL02)

struct timer {
	const char *name;
	u64 (*get_ctl)(void);
	void (*set_ctl)(u64 v);
	u64 (*get_cval)(void);
	void (*set_cval)(u64 v);
	u64 (*get_tval)(void);
	void (*set_tval)(u64 v);
	unsigned int ppi;
	bool is_virtual;		/* CNTVOFF_EL2 counts */
};

static const struct timer vhe_timers[] = {
	{ "cnthp", OPS(hp), PPI_CNTHP, false },
	{ "cnthv", OPS(hv), PPI_CNTHV, false },
	{ "cnthp by el0 name", OPS(p_el0), PPI_CNTHP, false },
	{ "cnthv by el0 name", OPS(v_el0), PPI_CNTHV, false },
	{ "cntp by el02 name", OPS(p_el02), PPI_CNTP, false },
	{ "cntv by el02 name", OPS(v_el02), PPI_CNTV, true },
};

static const struct timer nvhe_timers[] = {
	{ "cnthp", OPS(hp), PPI_CNTHP, false },
	{ "cnthv", OPS(hv), PPI_CNTHV, false },
	{ "cntp", OPS(p_el0), PPI_CNTP, false },
	{ "cntv", OPS(v_el0), PPI_CNTV, true },
};

static const struct timer *timers;
static unsigned int ntimers;

static u64 now(const struct timer *t)
{
	isb();
	return read_sysreg(cntpct_el0) - (t->is_virtual ? read_sysreg(cntvoff_el2) : 0);
}

static u64 ctl(const struct timer *t)
{
	isb();
	return t->get_ctl() & (CTL_ENABLE | CTL_IMASK | CTL_ISTATUS);
}

static void show(const struct timer *t, const char *what)
{
	printf("%s, %s: ctl %lx ppi pending %u\n", t->name, what, ctl(t), gic_is_pending(t->ppi));
}

static void conditions(const struct timer *t)
{
	s64 left;

	t->set_ctl(0);
	t->set_cval(FUTURE);
	t->set_ctl(CTL_ENABLE);
	show(t, "far future");
	t->set_cval(0);
	show(t, "past");
	t->set_ctl(CTL_ENABLE | CTL_IMASK);
	show(t, "past, masked");
	t->set_ctl(CTL_ENABLE);
	show(t, "past, unmasked");
	t->set_cval(now(t) + FUTURE / 4);
	show(t, "future");
	t->set_tval(0x7fffffff);
	left = (s64)(t->get_cval() - now(t));
	printf("%s, tval sets cval: %u\n", t->name, left > 0 && left <= 0x7fffffff);
	left = (s64)(int)t->get_tval();
	printf("%s, tval counts down: %u\n", t->name, left > 0 && left <= 0x7fffffff);
	show(t, "tval future");
	t->set_tval((u32)-5);
	show(t, "tval past");
	printf("%s, tval negative: %u\n", t->name, (int)t->get_tval() < 0);
	t->set_ctl(0);
	printf("%s, off: enable %lu ppi pending %u\n", t->name, ctl(t) & 1, gic_is_pending(t->ppi));
}

static void fires(const struct timer *t)
{
	u64 tries = 0;
	unsigned int intid;

	gic_enable(t->ppi);
	t->set_tval(read_sysreg(cntfrq_el0) / 10000);
	t->set_ctl(CTL_ENABLE);
	do {
		intid = gic_ack();
	} while (intid == INTID_SPURIOUS && tries++ < PATIENCE);
	printf("%s fires: ppi %u ctl %lx\n", t->name, intid, ctl(t));
	t->set_ctl(0);
	if (intid != INTID_SPURIOUS)
		gic_eoi(intid);
	printf("%s stopped: pending %u active %u\n", t->name, gic_is_pending(t->ppi),
	       gic_is_active(t->ppi));
	t->set_tval(read_sysreg(cntfrq_el0) / 10000);
	t->set_ctl(CTL_ENABLE);
	wfi();
	printf("%s wakes WFI: ctl %lx\n", t->name, ctl(t));
	t->set_ctl(0);
	gic_disable(t->ppi);
}

static void apart(void)
{
	unsigned int n = vhe_mode ? 6 : 4, good = 0;

	for (unsigned int i = 0; i < n; i++)
		if (!vhe_mode || i < 2 || i > 3)
			timers[i].set_cval(0x1111111111UL * (i + 1));
	for (unsigned int i = 0; i < n; i++)
		if (!vhe_mode || i < 2 || i > 3)
			good += timers[i].get_cval() == 0x1111111111UL * (i + 1);
	printf("four values kept apart: %u\n", good);
}

L2_ASM(l2_cntvct, "isb\n mrs x0, cntvct_el0")
L2_ASM(l2_cntpct, "isb\n mrs x0, cntpct_el0")
L2_ASM(l2_cntfrq, "mrs x0, cntfrq_el0")
L2_ASM(l2_cntp_ctl, "mrs x0, cntp_ctl_el0")
L2_ASM(l2_cntp_cval, "msr cntp_cval_el0, x0")
L2_ASM(l2_cntp_tval, "mrs x0, cntp_tval_el0")
L2_ASM(l2_cntv_ctl, "mrs x0, cntv_ctl_el0")
/* Program the timer, then wait: in a loop that ends by itself, or in WFI. */
#define START(t)	"msr cnt" t "_tval_el0, x0\n mov x0, #1\n msr cnt" t "_ctl_el0, x0\n isb\n"
#define SPIN		"1: subs x1, x1, #1\n b.ne 1b"
L2_ASM(l2_cntv_spin, START("v") SPIN)
L2_ASM(l2_cntp_spin, START("p") SPIN)
/* A call that whoever is below leaves the fast ways for, and then the counter. */
L2_ASM(l2_visit_cntpct, "mov x2, xzr\n mov x3, xzr\n smc #0\n isb\n mrs x0, cntpct_el0")
L2_ASM(l2_take, "mrs x0, S3_0_C12_C12_0\n dsb sy\n msr cntv_ctl_el0, xzr\n isb\n"
		"msr S3_0_C12_C12_1, x0\n isb")
L2_ASM(l2_cntv_wfi, START("v") "1: wfi\n b 1b")

/* Is v a count taken between from and to, less off? */
static bool within(u64 v, u64 from, u64 to, u64 off)
{
	return v >= from - off && v <= to - off;
}

static u64 count(void)
{
	isb();
	return read_sysreg(cntpct_el0);
}

/* As a hypervisor starts a guest: its virtual count begins now. */
static void offset(void)
{
	u64 off = count(), from = off, v, p, to;

	write_sysreg(off, cntvoff_el2);
	isb();
	v = l2_call(l2_cntvct, 0, 0);
	p = l2_call(l2_cntpct, 0, 0);
	to = count();
	printf("L2: CNTVCT is off by CNTVOFF: %u, CNTPCT is not: %u\n", within(v, from, to, off),
	       within(p, from, to, 0));
	from = count();
	v = read_sysreg(cntvct_el0);
	to = count();
	printf("EL2: CNTVCT has the offset: %u, has not: %u\n", within(v, from, to, off),
	       within(v, from, to, 0));
	printf("frequency seen by L2 is EL2's: %u\n",
	       l2_call(l2_cntfrq, 0, 0) == read_sysreg(cntfrq_el0));
}

static void l2_timer(const char *name, const struct timer *t, l2_fn fn, bool ends)
{
	struct vcpu v;

	gic_enable(t->ppi);
	l2_prepare(&v, fn, read_sysreg(cntfrq_el0) / 5000, PATIENCE, L2_EL1);
	l2_enter(&v, 0);
	printf("%s of L2: %s", name, vec_name(v.vec));
	if (v.vec == VEC(GROUP_A64, KIND_IRQ)) {
		unsigned int intid = gic_ack();

		printf(" ppi %u", intid);
		t->set_ctl(t->get_ctl() | CTL_IMASK);
		isb();
		gic_eoi(intid);
		printf(" ctl %lx", ctl(t));
		if (ends) {
			l2_enter(&v, 0);
			printf(" then %s", l2_done(&v) ? "goes on" : "another exit");
		}
	}
	printf("\n");
	t->set_ctl(0);
	gic_disable(t->ppi);
}

/*
 * As a hypervisor gives its guest a timer: the physical interrupt stays active until L2 ends the virtual one
 * that a list register links to it, and only then comes again.
 */
static void linked(const struct timer *t)
{
	gic_enable(t->ppi);
	write_sysreg(BIT(1), S3_0_C12_C12_4);		/* EOImode 1: EOI only drops the priority */
	write_sysreg(ICH_VMCR_PMR(0xf8) | ICH_VMCR_ENG1, SYS_ICH_VMCR_EL2);
	write_sysreg(ICH_HCR_EN, SYS_ICH_HCR_EL2);
	isb();
	for (unsigned int i = 0; i < 3; i++) {
		struct vcpu v;
		unsigned int intid;

		l2_prepare(&v, l2_cntv_spin, read_sysreg(cntfrq_el0) / 5000, PATIENCE, L2_EL1);
		l2_enter(&v, 0);
		intid = gic_ack();
		printf("linked: %s %u", vec_name(v.vec), intid);
		gic_eoi(intid);
		printf(" active %u", gic_is_active(t->ppi));
		write_sysreg(ICH_LR_PENDING | ICH_LR_HW | ICH_LR_GROUP1 | ICH_LR_PRIO(0xa0) |
				     ICH_LR_PINTID(t->ppi) | t->ppi, SYS_ICH_LR0_EL2);
		isb();
		printf(" L2 takes %lu", l2_call(l2_take, 0, 0));
		printf(" then active %u, lr state %lu\n", gic_is_active(t->ppi),
		       FIELD(read_sysreg(SYS_ICH_LR0_EL2), 63, 62));
	}
	write_sysreg(0, SYS_ICH_LR0_EL2);
	write_sysreg(0, SYS_ICH_HCR_EL2);
	write_sysreg(0, S3_0_C12_C12_4);
	isb();
	gic_disable(t->ppi);
}

/* As a hypervisor does: masked at the GIC while L2 runs on with the timer firing. */
static void l2_sees_istatus(const struct timer *t)
{
	t->set_cval(0);
	t->set_ctl(CTL_ENABLE | CTL_IMASK);
	printf("L2 reads CNTV_CTL %lx\n", l2_call(l2_cntv_ctl, 0, 0));
	t->set_cval(FUTURE);
	printf("L2 reads CNTV_CTL %lx\n", l2_call(l2_cntv_ctl, 0, 0));
	t->set_ctl(0);
}

/* FEAT_ECV: the virtual timer and counter trap too, and counters come in a self-synchronized kind. */
L2_ASM(l2_cntpctss, "mrs x0, S3_3_C14_C0_5")
L2_ASM(l2_cntvctss, "mrs x0, S3_3_C14_C0_6")
L2_ASM(l2_cntv_cval, "msr cntv_cval_el0, x0")
L2_ASM(l2_cntv_tval, "mrs x0, cntv_tval_el0")

#define CNTHCTL_EL1TVT	BIT(13)
#define CNTHCTL_EL1TVCT	BIT(14)

static void ecv(void)
{
	static const u64 bits[] = { 0, CNTHCTL_EL1TVT, CNTHCTL_EL1TVCT,
				    CNTHCTL_EL1TVT | CNTHCTL_EL1TVCT };
	u64 open = vhe_mode ? 3UL << 10 : 3, from, v, p, to, off = read_sysreg(cntvoff_el2);

	if (!FIELD(read_sysreg(id_aa64mmfr0_el1), 63, 60)) {
		printf("no FEAT_ECV\n");
		return;
	}
	from = count();
	v = l2_call(l2_cntvctss, 0, 0);
	p = l2_call(l2_cntpctss, 0, 0);
	to = count();
	printf("L2: CNTVCTSS is off by CNTVOFF: %u, CNTPCTSS is not: %u\n", within(v, from, to, off),
	       within(p, from, to, 0));
	v = read_sysreg(S3_3_C14_C0_5);
	p = read_sysreg(S3_3_C14_C0_6);
	printf("EL2: CNTPCTSS counts: %u, CNTVCTSS has the offset: %u\n", v >= to,
	       within(p, v, count(), off));
	guest_write(3 | 3UL << 8, CNTKCTL);
	for (unsigned int i = 0; i < ARRAY_SIZE(bits); i++) {
		write_sysreg(open | bits[i], cnthctl_el2);
		isb();
		printf("CNTHCTL EL1TVT %u EL1TVCT %u: reads %lx\n", i & 1, i >> 1,
		       read_sysreg(cnthctl_el2) & MASK(16, 12));
		l2_trace("cntv_ctl", l2_cntv_ctl, 0, 0, L2_EL1, 0);
		l2_trace("cntv_cval", l2_cntv_cval, 0, 0, L2_EL1, 0);
		l2_trace("cntv_tval at EL0", l2_cntv_tval, 0, 0, L2_EL0, 0);
		l2_trace("cntvct", l2_cntvct, 0, 0, L2_EL1, 0);
		l2_trace("cntvctss at EL0", l2_cntvctss, 0, 0, L2_EL0, 0);
		l2_trace("cntp_ctl", l2_cntp_ctl, 0, 0, L2_EL1, 0);
		l2_trace("cntpctss", l2_cntpctss, 0, 0, L2_EL1, 0);
		/* not this EL's own */
		printf("EL2: cntv_ctl %lx\n", read_sysreg(cntv_ctl_el0) & CTL_ENABLE);
	}
	write_sysreg(vhe_mode ? 2UL << 10 : 2, cnthctl_el2);
	isb();
	l2_trace("no counter, cntpctss", l2_cntpctss, 0, 0, L2_EL1, 0);
	write_sysreg(open, cnthctl_el2);
	isb();
	guest_write(0, CNTKCTL);
}

static void traps(void)
{
	static const struct {
		const char *name;
		u64 vhe, nvhe;
	} rows[] = {
		{ "all allowed", 3UL << 10, 3 }, { "no timer", 1UL << 10, 1 },
		{ "no counter", 2UL << 10, 2 }, { "nothing", 0, 0 },
	};

	guest_write(3 | 3UL << 8, CNTKCTL);
	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		write_sysreg(vhe_mode ? rows[i].vhe : rows[i].nvhe, cnthctl_el2);
		isb();
		printf("CNTHCTL %s\n", rows[i].name);
		l2_trace("cntpct", l2_cntpct, 0, 0, L2_EL1, 0);
		l2_trace("cntpct at EL0", l2_cntpct, 0, 0, L2_EL0, 0);
		l2_trace("cntpct after a call", l2_visit_cntpct, PSCI_AFFINITY_INFO,
			 read_sysreg(mpidr_el1) & 0xff00ffffffUL, L2_EL1, 0);
		l2_trace("cntvct", l2_cntvct, 0, 0, L2_EL1, 0);
		l2_trace("cntp_ctl", l2_cntp_ctl, 0, 0, L2_EL1, 0);
		l2_trace("cntp_cval", l2_cntp_cval, 0, 0, L2_EL1, 0);
		l2_trace("cntp_tval at EL0", l2_cntp_tval, 0, 0, L2_EL0, 0);
		l2_trace("cntv_ctl", l2_cntv_ctl, 0, 0, L2_EL1, 0);
	}
	guest_write(0, CNTKCTL);
	l2_trace("CNTKCTL 0, cntvct at EL0", l2_cntvct, 0, 0, L2_EL0, 0);
	l2_trace("CNTKCTL 0, cntp_tval at EL0", l2_cntp_tval, 0, 0, L2_EL0, 0);
	write_sysreg(vhe_mode ? 3UL << 10 : 3, cnthctl_el2);
	isb();
}

void guest_main(void)
{
	const struct timer *p, *v;

	mmu_init_el2();
	gic_init_el2();
	l2_init();
	timers = vhe_mode ? vhe_timers : nvhe_timers;
	ntimers = vhe_mode ? ARRAY_SIZE(vhe_timers) : ARRAY_SIZE(nvhe_timers);
	p = &timers[ntimers - 2];
	v = &timers[ntimers - 1];
	for (unsigned int i = 0; i < ntimers; i++) {
		conditions(&timers[i]);
		fires(&timers[i]);
	}
	apart();
	for (unsigned int i = 0; i < ntimers; i++)
		timers[i].set_ctl(0);
	offset();
	printf("with an offset\n");
	conditions(v);
	fires(v);
	conditions(p);
	l2_timer("CNTV", v, l2_cntv_spin, true);
	l2_timer("CNTP", p, l2_cntp_spin, true);
	l2_timer("CNTV in WFI", v, l2_cntv_wfi, false);
	linked(v);
	l2_hcr &= ~HCR_FMO;
	l2_timer("CNTV, IMO without FMO", v, l2_cntv_spin, true);
	l2_hcr |= HCR_FMO;
	l2_sees_istatus(v);
	traps();
	ecv();
}
