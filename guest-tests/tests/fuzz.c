// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs programs that harness/vel2 fuzz makes, for ever, and records what is architecturally visible of
 * them: the values that they read, every exception to EL2 and EL1 in order, what is left in memory.
 * fuzz-abi.h has the layout.
 *
 * A program is machine code at EL2 (MMU off, at addresses of its own) that may ERET to code below.
 * Whatever is taken to EL2 is recorded, then the instruction skipped; code below EL2 ends with
 * HVC or SVC #FUZZ_IMM_DONE, at which the code at EL2 goes on at x27. A program puts back the registers
 * that it wrote itself; only its own code may break this one, which the harness sees as a hang.
 */
#include "fuzz-abi.h"
#include "gic.h"
#include "guest-regs.h"
#include "mmio.h"

#define UART_BASE	0x09000000UL
#define UART_DR		0x00
#define UART_FR		0x18
#define UART_FR_RXFE	BIT(4)
#define UART_IMSC	0x38
#define UART_IMSC_RX	(BIT(4) | BIT(6))

#define EL2H		(PSR_EL2h | PSR_DAIF)
#define NEVER		(~0UL)		/* of the watchdog, which always runs: each access may be a trap */
/* A record and the header of one may still be written when this many words are left. */
#define LOG_SPARE	(FUZZ_NR_PAGES * FUZZ_NR_SLOTS + FUZZ_NR_GPRS + 16)

struct mailbox {
	u32 magic, programs;
	volatile u32 finished;
	u32 mode;
	u64 ticks;
};

struct program {
	u32 size, words2, words1, after, puts;
	u32 words[];
};

struct output {
	u32 size, end;
	u64 log[];
};

extern char fuzz_vectors[], fuzz_stubs[], fuzz_stubs_end[], fuzz_done[], fuzz_call_pairs[];
void fuzz_run(u64 entry, u64 log, const u64 *pairs, u64 n);
void fuzz_exception(struct vcpu *c);

static struct mailbox *const mailbox = (struct mailbox *)FUZZ_MAILBOX;
static struct output *out;
static u64 *log;			/* where the next record goes */
static u32 exceptions, exceptions1;
static bool ending;			/* the program's own end runs: nothing is recorded */
static u32 vncr_words;			/* that the last program left in FUZZ_VNCR */

static bool log_full(void)
{
	return log + LOG_SPARE > out->log + FUZZ_LOG_WORDS;
}

static void record(u64 kind, u64 what, const u64 *words, u64 n)
{
	if (ending || log_full())
		return;
	*log++ = kind << 56 | what << 32 | n;
	for (u64 i = 0; i < n; i++)
		*log++ = words[i];
}

static void leave(struct vcpu *c, u32 end)
{
	if (!ending)
		out->end = end;
	c->pc = (u64)fuzz_done;
	c->pstate = EL2H;
}

/* FAR has a value for aborts, unless FnV says otherwise, for PC alignment faults and watchpoints. */
static bool far_valid(u64 esr)
{
	u64 ec = ESR_EC(esr);

	if (ec == EC_IABT_LOW || ec == EC_IABT_CUR || ec == EC_DABT_LOW || ec == EC_DABT_CUR)
		return !(esr & BIT(10) && FIELD(esr, 5, 0) == 0x10);
	return ec == EC_PC_ALIGN || ec == 0x34 || ec == 0x35;
}

/* HPFAR has one for stage 2: translation, access flag and address size; else with S1PTW only. */
static bool hpfar_valid(u64 vec, u64 esr)
{
	u64 ec = ESR_EC(esr), fsc = FIELD(esr, 5, 2);

	if (vec < VEC(GROUP_A64, KIND_SYNC) || (ec != EC_IABT_LOW && ec != EC_DABT_LOW) ||
	    read_sysreg(hcr_el2) & HCR_TGE)
		return false;
	return fsc <= 2 || (fsc == 3 && esr & ISS_S1PTW);
}

static void record_sync(const struct vcpu *c)
{
	u64 words[5] = { c->esr, c->pc, c->pstate, 0, 0 };

	if (far_valid(c->esr))
		words[3] = c->far;
	if (hpfar_valid(c->vec, c->esr))
		words[4] = read_sysreg(hpfar_el2);
	record(FUZZ_REC_EXC, c->vec, words, ARRAY_SIZE(words));
}

static bool returns_after(u64 esr)
{
	u64 ec = ESR_EC(esr);

	return ec == EC_SVC || ec == EC_HVC || ec == 0x11 || ec == 0x12;
}

static bool is_code(u64 pc)
{
	return pc >= FUZZ_CODE2 && pc < FUZZ_CODE_END;
}

/* Where to go on after an exception of code at pc; whatever it called may be unusable. */
static u64 next_pc(const struct vcpu *c, u64 pc, u64 esr)
{
	if (returns_after(esr))
		return pc;
	return is_code(pc) && !(pc & 3) ? pc + 4 : c->x[30];
}

/* Quiets the source. True if it was the watchdog. */
static bool interrupt(u64 vec, u64 pc, u64 pstate)
{
	unsigned int intid = gic_ack();
	u64 words[2] = { pc, pstate };

	if (intid == PPI_CNTHP) {
		write_sysreg(NEVER, cnthp_cval_el2);
	} else if (intid == PPI_CNTV) {
		if (vhe_mode)
			write_sysreg(0, SYS_CNTV_CTL_EL02);
		else
			write_sysreg(0, cntv_ctl_el0);
	} else if (intid == PPI_CNTP) {
		if (vhe_mode)
			write_sysreg(0, SYS_CNTP_CTL_EL02);
		else
			write_sysreg(0, cntp_ctl_el0);
	} else if (intid == PPI_CNTHV) {
		write_sysreg(0, SYS_CNTHV_CTL_EL2);
	} else if (intid == PPI_MAINTENANCE) {
		write_sysreg(0, SYS_ICH_HCR_EL2);
	}
	isb();
	if (intid < 1020)
		gic_eoi(intid);
	if (intid == PPI_CNTHP)
		return true;
	record(FUZZ_REC_IRQ, (u64)intid << 8 | vec, words, ARRAY_SIZE(words));
	return false;
}

/* Without IMO a physical interrupt goes to EL1, whose vector calls; EL1 goes on where it was. */
static void el1_interrupt(struct vcpu *c, u64 vec, u64 pc, u64 pstate)
{
	c->pc = pc;
	c->pstate = pstate;
	if (interrupt(0x10 | vec, pc, pstate))
		leave(c, FUZZ_END_WATCH);
}

/* EL1 took an exception, and its vector calls. */
static void from_el1_vector(struct vcpu *c, u64 vec)
{
	u64 esr = guest_read(ESR), pc = guest_read(ELR), pstate = guest_read(SPSR);
	u64 words[5] = { esr, pc, pstate, 0, 0 };

	if ((vec & 3) == KIND_IRQ && !(read_sysreg(hcr_el2) & (HCR_IMO | HCR_TGE))) {
		el1_interrupt(c, vec, pc, pstate);
		return;
	}
	if ((vec & 3) != KIND_SYNC)
		words[0] = 0;
	else if (far_valid(esr))
		words[3] = guest_read(FAR);
	record(FUZZ_REC_EXC1, vec, words, ARRAY_SIZE(words));
	c->pc = (vec & 3) == KIND_SYNC ? next_pc(c, pc, esr) : pc;
	if ((vec & 3) == KIND_IRQ || (vec & 3) == KIND_FIQ)
		pstate |= PSR_I | PSR_F;	/* what is pending stays so */
	/* with HCR_EL2.NV EL1's own exceptions show EL2: it is still EL1 that goes on */
	if ((pstate & 0xc) == (PSR_EL2t & 0xc))
		pstate ^= PSR_EL2t ^ PSR_EL1t;
	c->pstate = pstate & ~PSR_IL;
}

/* Code below EL2 has come to its end, or to one exception too many. */
static void back_to_el2(struct vcpu *c)
{
	record(FUZZ_REC_GPRS, 0, c->x, FUZZ_NR_GPRS);
	exceptions1 = 0;
	c->pc = c->x[27];
	c->pstate = EL2H;
}

static void from_below(struct vcpu *c)
{
	u64 imm = FIELD(c->esr, 15, 0), ec = ESR_EC(c->esr);
	bool call = ec == EC_HVC || ec == EC_SVC || ec == 0x11;

	if (call && imm == FUZZ_IMM_DONE) {
		back_to_el2(c);
		return;
	}
	if (ec == EC_HVC && imm >= FUZZ_IMM_VEC && imm < FUZZ_IMM_VEC + 16) {
		u64 esr = guest_read(ESR);

		if (imm % 4 == KIND_SYNC && FIELD(esr, 15, 0) == FUZZ_IMM_DONE &&
		    (ESR_EC(esr) == EC_SVC || ESR_EC(esr) == 0x11)) {
			back_to_el2(c);
			return;
		}
		from_el1_vector(c, imm - FUZZ_IMM_VEC);
	} else {
		record_sync(c);
		c->pc = next_pc(c, c->pc, c->esr);
		c->pstate &= ~PSR_IL;
	}
	if (++exceptions1 > FUZZ_MAX_EXC1)
		back_to_el2(c);
}

static void from_el2(struct vcpu *c)
{
	u64 imm = FIELD(c->esr, 15, 0), ec = ESR_EC(c->esr);

	if (ec == EC_HVC && imm == FUZZ_IMM_END) {
		leave(c, FUZZ_END_OK);
		return;
	}
	if (ec == EC_HVC && imm == FUZZ_IMM_DONE) {
		back_to_el2(c);
		return;
	}
	record_sync(c);
	/* an ERET that led nowhere, or did not leave: the code goes on behind it */
	if (c->pc < FUZZ_CODE2 || c->pc >= FUZZ_CODE1 || (c->pstate & PSR_IL)) {
		c->pc = c->x[27];
		c->pstate = EL2H;
	} else {
		c->pc = next_pc(c, c->pc, c->esr);
	}
}

void fuzz_exception(struct vcpu *c)
{
	u64 *theirs = (u64 *)c->x[28];

	if (mailbox->mode == FUZZ_MODE_ANY)
		vhe_mode = read_sysreg(hcr_el2) & HCR_E2H;

	if (theirs >= log && theirs <= out->log + FUZZ_LOG_WORDS)
		log = theirs;
	if ((c->vec & 3) == KIND_IRQ) {
		if (interrupt(c->vec, c->pc, c->pstate)) {
			leave(c, FUZZ_END_WATCH);
			return;
		}
	} else if ((c->vec & 3) != KIND_SYNC) {
		u64 words[2] = { c->pc, c->pstate };

		record(FUZZ_REC_IRQ, 0xfff00 | c->vec, words, ARRAY_SIZE(words));
	} else if (c->vec >= VEC(GROUP_A64, KIND_SYNC)) {
		from_below(c);
	} else {
		from_el2(c);
	}
	c->x[28] = (u64)log;
	if (++exceptions > FUZZ_MAX_EXC)
		leave(c, FUZZ_END_EVENTS);
	else if (log_full())
		leave(c, FUZZ_END_LOG);
}

static const u64 *store_pairs(const u64 *pair, u32 n)
{
	for (; n; n--, pair += 2)
		*(u64 *)pair[0] = pair[1];
	dsb(sy);
	return pair;
}

/* @before: words that the last program had there; they must not become a part of this one. */
static const u32 *copy_words(u64 to, const u32 *from, u32 n, u32 *before)
{
	memcpy((void *)to, from, n * 4UL);
	if (*before > n)
		memset((void *)(to + n * 4UL), 0, (*before - n) * 4UL);
	*before = n;
	return from + n;
}

static void new_code(void)
{
	asm volatile("dsb ish\n ic iallu\n dsb ish\n isb" : : : "memory");
}

static void fresh_pages(void)
{
	for (u64 i = 0; i < FUZZ_NR_PAGES; i++) {
		u64 page = FUZZ_PAGES + i * 4096;

		memset((void *)page, 0, i == FUZZ_VNCR_PAGE ? 4096 : FUZZ_PAGE_USED);
		*(u64 *)(page + FUZZ_PAGE_RET) = 0xd65f03c0;
		*(u64 *)(page + FUZZ_PAGE_TAG) = FUZZ_TAG | i;
	}
}

static void fresh_vncr(void)
{
	if (vncr_words)
		memset((void *)FUZZ_VNCR, 0, FUZZ_VNCR_SIZE);
}

static void record_vncr(void)
{
	const u64 *word = (const u64 *)FUZZ_VNCR;

	vncr_words = 0;
	for (u64 i = 0; i < FUZZ_VNCR_SIZE / 8; i++)
		if (word[i]) {
			record(FUZZ_REC_VNCR, i * 8, &word[i], 1);
			vncr_words++;
		}
}

static void record_pages(void)
{
	u64 words[FUZZ_NR_PAGES * FUZZ_NR_SLOTS];
	u64 n = 0;

	for (u64 i = 0; i < FUZZ_NR_PAGES; i++)
		for (u64 s = 0; s < FUZZ_NR_SLOTS; s++)
			words[n++] = ((u64 *)(FUZZ_PAGES + i * 4096 + FUZZ_PAGE_SLOTS))[s];
	record(FUZZ_REC_PAGES, 0, words, n);
}

static void run_code(u64 entry, const u64 *pairs, u64 n)
{
	exceptions = exceptions1 = 0;
	fuzz_run(entry, (u64)log, pairs, n);
}

static void run(const struct program *p)
{
	static u32 before2, before1;
	const u32 *words = copy_words(FUZZ_CODE2, p->words, p->words2, &before2);
	const u32 *end = copy_words(FUZZ_CODE1, words, p->words1, &before1);
	const u64 *pairs = (const u64 *)ALIGN_UP((u64)end, 8);
	u64 deadline;

	fresh_pages();
	fresh_vncr();
	new_code();
	out->end = FUZZ_END_OK;
	log = out->log;
	ending = false;
	isb();
	deadline = read_sysreg(cntpct_el0) + mailbox->ticks;
	write_sysreg(deadline, cnthp_cval_el2);
	run_code(FUZZ_CODE2, NULL, 0);
	isb();
	/* expired, but EL2 let no interrupt through: ISR_EL1 may have shown it */
	if (read_sysreg(cntpct_el0) >= deadline)
		out->end = FUZZ_END_WATCH;
	write_sysreg(NEVER, cnthp_cval_el2);

	ending = true;
	pairs = store_pairs(pairs, p->after);
	run_code((u64)fuzz_call_pairs, pairs, p->puts);
	ending = false;
	record_pages();			/* now that EL2's MMU is off in any case */
	record_vncr();
	out->size = (u32)((u64)log - (u64)out);
}

static void wait_for_bell(void)
{
	while (mmio_read32(UART_BASE + UART_FR) & UART_FR_RXFE)
		wfi();
	while (!(mmio_read32(UART_BASE + UART_FR) & UART_FR_RXFE))
		mmio_read32(UART_BASE + UART_DR);
	dsb(sy);
	/* a list register keeps what the line has dropped since: a spurious interrupt otherwise */
	for (unsigned int intid = gic_ack(); intid < 1020; intid = gic_ack())
		gic_eoi(intid);
}

static void run_batch(void)
{
	const struct program *p = (const struct program *)FUZZ_IN;

	out = (struct output *)FUZZ_OUT;
	for (u32 i = 0; i < mailbox->programs; i++) {
		mailbox->finished = i;
		if ((u64)(out->log + FUZZ_LOG_WORDS) > FUZZ_OUT_END)
			fail("a batch of programs too long for its records");
		run(p);
		p = (const struct program *)((u64)p + p->size);
		out = (struct output *)((u64)out + out->size);
	}
	mailbox->finished = mailbox->programs;
	dsb(sy);			/* the records before the bell */
}

void guest_main(void)
{
	memcpy((void *)FUZZ_STUBS, fuzz_stubs, (u64)(fuzz_stubs_end - fuzz_stubs));
	write_sysreg((u64)fuzz_vectors, vbar_el2);
	gic_init();
	write_sysreg(NEVER, cnthp_cval_el2);
	write_sysreg(1, cnthp_ctl_el2);
	gic_set_priority(PPI_CNTHP, 0);	/* programs write ICC_PMR_EL1 */
	gic_enable(PPI_CNTHP);
	gic_enable(SPI_UART0);
	mmio_write32(UART_BASE + UART_IMSC, UART_IMSC_RX);
	write_sysreg(read_sysreg(hcr_el2) | HCR_IMO | HCR_FMO | HCR_AMO, hcr_el2);
	write_sysreg(0, oslar_el1);
	isb();
	mailbox->mode = vhe_mode;
	mailbox->magic = FUZZ_MAGIC;
	dsb(sy);
	putc(FUZZ_READY);
	for (;;) {
		wait_for_bell();
		run_batch();
		putc(FUZZ_BELL);
	}
}
