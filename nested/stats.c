// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counters into JSON. EL2: for markers, and for the host (end of the run, console); nothing here changes a vCPU.
 */
#include <alternative.h>
#include <hyp_init.h>
#include <log.h>
#include <percpu.h>
#include <stats.h>
#include <sysreg.h>

DECLARE_PER_CPU(u64, host_hvcs);

static const char *const level_names[NR_LEVELS] = { "host", "L1", "L2" };
static const char *const outcome_names[NR_OUTCOMES] = { "handled", "forwarded", "reflected", "served" };
static const char *const bank_names[] = { "NONE", "VEL1", "VEL2_E2H", "VEL2_NVHE" };

static bool counts_instructions(void)
{
	return hyp_pmu && (hyp_caps & BIT(CAP_INSN));
}

/* kvm_call_hyp() of an nVHE host, on the CPU that runs @vcpu: an exception to EL2 like any other. */
static u64 host_calls(const struct kvm_vcpu *vcpu)
{
	int cpu = vcpu->cpu >= 0 ? vcpu->cpu : vcpu->vcpu_id % MAX_CPUS;

	return *per_cpu_ptr(host_hvcs, (unsigned int)cpu);
}

/* Ticks of CNTPCT_EL0 as nanoseconds. */
static u64 nanoseconds(u64 ticks)
{
	u64 freq = read_sysreg(CNTFRQ_EL0) ?: 1;

	return ticks / freq * 1000000000 + ticks % freq * 1000000000 / freq;
}

/* Accesses that the modelled architecture serves without a trap. */
static u64 served(const struct kvm_vcpu *vcpu)
{
	return vcpu->arch.stats.exits[LEVEL_L1][EXIT_SYSREG][OUT_SERVED];
}

static u64 exits_of(const struct kvm_vcpu *vcpu, unsigned int reason)
{
	u64 n = 0;
	int l, o;

	for (l = 0; l < NR_LEVELS; l++) {
		for (o = 0; o < OUT_SERVED; o++)
			n += vcpu->arch.stats.exits[l][reason][o];
	}
	return n;
}

static void emit_exit_row(struct json *j, const char *name, const u64 *outcomes, u64 instructions)
{
	int o;

	json_obj(j, name);
	for (o = 0; o < NR_OUTCOMES; o++) {
		if (o < OUT_SERVED || outcomes[o])
			json_u64(j, outcome_names[o], outcomes[o]);
	}
	if (counts_instructions())
		json_u64(j, "instructions", instructions);
	else
		json_null(j, "instructions");
	json_obj_end(j);
}

/* Rows of one level; returns the instructions of all of them. */
static u64 emit_level(struct json *j, const struct kvm_vcpu *vcpu, unsigned int level)
{
	const struct vcpu_stats *st = &vcpu->arch.stats;
	u64 sum = 0, out[NR_OUTCOMES];
	unsigned int r;
	int o;

	json_obj(j, level_names[level]);
	for (r = 0; r < NR_EXITS; r++) {
		for (o = 0; o < NR_OUTCOMES; o++)
			out[o] = st->exits[level][r][o];
		if (level == LEVEL_HOST && r == EXIT_HVC)
			out[OUT_HANDLED] += host_calls(vcpu);
		if (out[OUT_HANDLED] || out[OUT_FORWARDED] || out[OUT_REFLECTED] || out[OUT_SERVED])
			emit_exit_row(j, exit_names[r], out, st->instructions[level][r]);
		sum += st->instructions[level][r];
	}
	json_obj_end(j);
	return sum;
}

/* Registers that trapped since @base (NULL: since boot). */
static void emit_sysregs(struct json *j, const struct kvm_vcpu *vcpu, u32 (*base)[2])
{
	unsigned int i;
	u32 rd, wr;

	json_obj(j, "sysregs");
	for (i = 0; i < NR_SYS_DESCS; i++) {
		rd = vcpu->arch.stats.sysregs[i][0] - (base ? base[i][0] : 0);
		wr = vcpu->arch.stats.sysregs[i][1] - (base ? base[i][1] : 0);
		if (!rd && !wr)
			continue;
		json_obj(j, sysreg_descs[i].name);
		json_u64(j, "read", rd);
		json_u64(j, "write", wr);
		json_obj_end(j);
	}
	json_obj_end(j);
}

/* L0's memory for shadow tables, which no guest can make it exceed; and how little was ever left in all. */
static void emit_pages(struct json *j, const struct s2_vm *vm)
{
	json_obj(j, "table_pages");
	json_u64(j, "shadow", vm->budget.used);
	json_u64(j, "shadow_max", vm->budget.max);
	json_u64(j, "reclaimed", vm->stats.pages_reclaimed);
	json_u64(j, "pool_low_water", vm->cfg.pool->low_water);
	json_obj_end(j);
}

void stats_emit(struct kvm_vcpu *vcpu, bool end)
{
	u64 instructions = 0;
	unsigned int level;
	struct json j;

	json_begin(&j, "counters");
	json_vm(&j, vcpu->kvm->id);
	json_str(&j, "why", end ? "end" : "snapshot");
	json_u64(&j, "vcpu", (u64)vcpu->vcpu_id);
	json_obj(&j, "exits");
	for (level = 0; level < NR_LEVELS; level++)
		instructions += emit_level(&j, vcpu, level);
	json_obj_end(&j);
	emit_sysregs(&j, vcpu, NULL);
	json_u64(&j, "el1_bank_switches", vcpu->arch.el1_bank_switches);
	emit_pages(&j, &vcpu->kvm->s2);
	json_u64(&j, "migrations", vcpu->sched.migrations);
	json_u64(&j, "run_ns", nanoseconds(vcpu->sched.ran));
	if (counts_instructions())
		json_u64(&j, "l0_instructions", instructions);
	else
		json_null(&j, "l0_instructions");
	json_end(&j);
}

void sample_begin(struct kvm_vcpu *vcpu)
{
	struct sample_base *s = &vcpu->arch.stats.base;
	unsigned int i;

	for (i = 0; i < NR_EXITS; i++)
		s->exits[i] = exits_of(vcpu, i);
	for (i = 0; i < NR_SYS_DESCS; i++) {
		s->sysregs[i][0] = vcpu->arch.stats.sysregs[i][0];
		s->sysregs[i][1] = vcpu->arch.stats.sysregs[i][1];
	}
	s->served = served(vcpu);
	s->host_calls = host_calls(vcpu);
}

/* Exits by reason; the nVHE host's own calls are "host_call". Also "traps", their sum. */
static void emit_reasons(struct json *j, const struct kvm_vcpu *vcpu, const struct sample_base *s)
{
	u64 n, total = 0;
	unsigned int i;

	json_obj(j, "by_reason");
	for (i = 0; i < NR_EXITS; i++) {
		n = exits_of(vcpu, i) - s->exits[i];
		if (n)
			json_u64(j, exit_names[i], n);
		total += n;
	}
	n = host_calls(vcpu) - s->host_calls;
	if (n)
		json_u64(j, "host_call", n);
	json_obj_end(j);
	json_u64(j, "traps", total + n);
}

void sample_emit(struct kvm_vcpu *vcpu, u64 region, enum level level, u64 ops, u64 instructions)
{
	struct sample_base *s = &vcpu->arch.stats.base;
	struct json j;

	json_begin(&j, "sample");
	json_vm(&j, vcpu->kvm->id);
	json_u64(&j, "region", region);
	json_str(&j, "level", level_names[level]);
	json_u64(&j, "ops", ops);
	emit_reasons(&j, vcpu, s);
	emit_sysregs(&j, vcpu, s->sysregs);
	/* What they cost L0 is no part of what the modelled machine would spend. */
	if (served(vcpu) != s->served)
		json_u64(&j, "served", served(vcpu) - s->served);
	if (instructions == NO_INSTRUCTIONS || served(vcpu) != s->served)
		json_null(&j, "l0_instructions");
	else
		json_u64(&j, "l0_instructions", instructions);
	json_end(&j);
}

static void emit_exit_names(struct json *j, unsigned int level, unsigned int reason,
			    unsigned int outcome)
{
	json_str(j, "level", level < NR_LEVELS ? level_names[level] : "?");
	json_str(j, "reason", reason < NR_EXITS ? exit_names[reason] : "?");
	json_str(j, "outcome", outcome < NR_OUTCOMES ? outcome_names[outcome] : "?");
}

void trace_emit(const struct kvm_vcpu *vcpu, unsigned int n)
{
	u64 end = vcpu->arch.stats.trace_seq, seq;
	const struct exit_trace *t;
	struct json j;

	if (n > TRACE_RING)
		n = TRACE_RING;
	for (seq = end > n ? end - n : 0; seq < end; seq++) {
		t = &vcpu->arch.stats.trace[seq % TRACE_RING];
		json_begin(&j, "trace");
		json_vm(&j, vcpu->kvm->id);
		json_u64(&j, "vcpu", (u64)vcpu->vcpu_id);
		json_u64(&j, "seq", seq);
		emit_exit_names(&j, t->level, t->reason, t->outcome);
		json_hex(&j, "esr", t->esr);
		json_hex(&j, "pc", t->pc);
		json_hex(&j, "far", t->far);
		json_hex(&j, "hpfar", t->hpfar);
		json_u64(&j, "taken_ns", nanoseconds(t->taken));
		json_u64(&j, "returned_ns", nanoseconds(t->returned));
		json_end(&j);
	}
}

void vcpu_emit(const struct kvm_vcpu *vcpu)
{
	const struct kvm_vcpu_arch *a = &vcpu->arch;
	struct json j;

	json_begin(&j, "vcpu");
	json_vm(&j, vcpu->kvm->id);
	json_u64(&j, "vcpu", (u64)vcpu->vcpu_id);
	if (vcpu->cpu >= 0)
		json_u64(&j, "cpu", (u64)vcpu->cpu);
	else
		json_null(&j, "cpu");
	json_str(&j, "state", a->powered_off ? "off" : a->wfi_waiting ? "wfi" : "on");
	emit_exit_names(&j, a->exit_level, a->exit_reason, a->exit_outcome);
	json_hex(&j, "pc", a->ctxt.regs.pc);
	json_hex(&j, "pstate", a->ctxt.regs.pstate);
	json_hex(&j, "lr", a->ctxt.regs.regs[30]);
	json_str(&j, "bank", bank_names[a->loaded_bank & 3]);
	json_hex(&j, "HCR_EL2", __vcpu_sys_reg(vcpu, HCR_EL2));
	json_hex(&j, "fault_esr", a->fault.esr);
	json_hex(&j, "fault_far", a->fault.far);
	json_end(&j);
}
