/* SPDX-License-Identifier: GPL-2.0-only */
/* Pieces of EL0 code in pages that EL0 may execute (user.S); each ends with SVC #0x7ff. */
#ifndef GUEST_USER_H
#define GUEST_USER_H

extern char user_load[], user_store[], user_wfi[], user_ctr[], user_zva[], user_ivau[];
extern char user_cntvct[], user_cntpct[], user_timer[], user_tpidr[], user_tpidrro[];
extern char user_daif[], user_udf[], user_brk[], user_el1[], user_jump[], user_spin[];
extern char user_regs[], user_sp[];

#endif
