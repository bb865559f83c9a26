// SPDX-License-Identifier: GPL-2.0-only
/* Exceptions from EL2 to EL2: recorded when expected, fatal when not. Called by vectors.S. */
#include "asm-offsets.h"
#include "lib.h"

_Static_assert(offsetof(struct vcpu, pc) == CTX_PC, "vectors.S");
_Static_assert(offsetof(struct vcpu, pstate) == CTX_PSTATE, "vectors.S");
_Static_assert(offsetof(struct vcpu, esr) == CTX_ESR, "vectors.S");
_Static_assert(offsetof(struct vcpu, far) == CTX_FAR, "vectors.S");
_Static_assert(offsetof(struct vcpu, vec) == CTX_VEC, "vectors.S");
_Static_assert(sizeof(struct vcpu) == CTX_SIZE, "vectors.S");

static bool armed;
static u64 resume_at;
static struct exc last;
static bool (*exc_hook)(struct vcpu *ctx);

static const char *const kinds[] = { "sync", "irq", "fiq", "serror" };
static const char *const groups[] = { "sp0", "spx", "a64", "a32" };

const char *vec_name(u64 vec)
{
	static char name[16];
	char *p = name;

	for (const char *s = groups[(vec >> 2) & 3]; *s; s++)
		*p++ = *s;
	*p++ = '-';
	for (const char *s = kinds[vec & 3]; *s; s++)
		*p++ = *s;
	*p = 0;
	return name;
}

const char *ec_name(u64 esr)
{
	static const char *const names[64] = {
		[EC_UNKNOWN] = "unknown", [EC_WFX] = "wfx", [EC_FP] = "fp", [EC_PAC] = "pac",
		[EC_ILLEGAL] = "illegal", [EC_SVC] = "svc", [EC_HVC] = "hvc", [EC_SMC] = "smc",
		[EC_SYS] = "sys", [EC_SVE] = "sve", [EC_ERET] = "eret",
		[EC_IABT_LOW] = "iabt-low", [EC_IABT_CUR] = "iabt-cur",
		[EC_PC_ALIGN] = "pc-align", [EC_DABT_LOW] = "dabt-low",
		[EC_DABT_CUR] = "dabt-cur", [EC_SP_ALIGN] = "sp-align",
		[EC_SERROR] = "serror", [EC_BRK] = "brk", [0x03] = "cp15-32", [0x0d] = "bti",
		[0x1c] = "fpac", [0x11] = "svc32", [0x12] = "hvc32", [0x13] = "smc32", [0x32] = "step-low", [0x33] = "step-cur", [0x30] = "bp-low", [0x31] = "bp-cur",
	};

	return names[ESR_EC(esr)] ? names[ESR_EC(esr)] : "?";
}

void exc_arm(u64 resume)
{
	last.count = 0;
	resume_at = resume;
	armed = true;
}

struct exc exc_take(void)
{
	/* an asynchronous or just executed exception is recorded before this point */
	isb();
	armed = false;
	return last;
}

void exc_set_hook(bool (*hook)(struct vcpu *ctx))
{
	exc_hook = hook;
}

/* FAR is printed only where the architecture gives it a value. */
void print_syndrome(u64 vec, u64 esr, u64 far)
{
	u64 ec = ESR_EC(esr);
	u64 fsc = FIELD(esr, 5, 0);
	bool abort = ec == EC_IABT_LOW || ec == EC_IABT_CUR || ec == EC_DABT_LOW ||
		     ec == EC_DABT_CUR;

	printf("%s", vec_name(vec));
	if ((vec & 3) == KIND_SYNC)
		printf(" %s il %lu iss %07lx", ec_name(esr), FIELD(esr, 25, 25), ESR_ISS(esr));
	if ((vec & 3) == KIND_SYNC && ((abort && fsc != 0x10) || ec == EC_PC_ALIGN))
		printf(" far %lx", far);
}

void exc_show(const char *name, struct exc e)
{
	printf("%s: ", name);
	if (!e.count) {
		printf("no exception\n");
		return;
	}
	print_syndrome(e.vec, e.esr, e.far);
	printf(" spsr %lx", e.pstate & (PSR_M | PSR_DAIF | PSR_IL));
	printf(e.count > 1 ? " count %u\n" : "\n", e.count);
}

static bool returns_after(u64 esr)
{
	return ESR_EC(esr) == EC_SVC || ESR_EC(esr) == EC_HVC;
}

void exc_el2(struct vcpu *ctx)
{
	if ((ctx->vec & 3) == KIND_SYNC && is_marker(ctx->esr))
		return;
	if (exc_hook && exc_hook(ctx))
		return;
	if (!armed) {
		printf("FAIL unexpected %s %s esr %lx elr %lx far %lx spsr %lx\n",
		       vec_name(ctx->vec), ec_name(ctx->esr), ctx->esr, ctx->pc, ctx->far,
		       ctx->pstate);
		system_off();
	}
	last.count++;
	last.vec = ctx->vec;
	last.esr = ctx->esr;
	last.far = ctx->far;
	last.pc = ctx->pc;
	last.pstate = ctx->pstate;
	/* an Illegal Execution state is left by the return, or it would be taken again */
	if (ESR_EC(ctx->esr) == EC_ILLEGAL && (ctx->vec & 3) == KIND_SYNC)
		ctx->pstate &= ~PSR_IL;
	if (resume_at)
		ctx->pc = resume_at;
	else if ((ctx->vec & 3) == KIND_SYNC && !returns_after(ctx->esr))
		ctx->pc += 4;
}
