/* SPDX-License-Identifier: MIT */
/*
 * guard.h - the only door from a catcher to a decision
 *
 *	decide -> approve (if the rule says so) -> record -> done
 *
 * done() gets deny, allow, audit, redirect or soft_delete, never approve. If
 * the event cannot be recorded, done() gets a denial. Approval parks the
 * request: guard_ask returns and done() is called later from the same loop.
 */
#ifndef POLICY_GUARD_H
#define POLICY_GUARD_H

#include "core/event.h"
#include "core/op.h"
#include "core/sink.h"
#include "core/verdict.h"
#include "policy/policy.h"

struct guard;

/* How approvals are asked; NULL ask = approvals are off (shadow: allow). */
struct approver {
	/* Returns a ticket > 0 or -errno (then: deny). The answer comes to
	 * guard_answer() with that ticket. */
	int (*ask)(void *arg, const struct op *op, struct str rule,
		   struct str message, int64_t timeout_ns);
	void *arg;
};

typedef void guard_done_fn(void *arg, struct verdict v);

/* policy is referenced; sink and approver are borrowed. */
int guard_new(struct policy *policy, const struct sink *sink,
	      const struct approver *approver, struct guard **ret);
struct guard *guard_free(struct guard *g);
/* Swaps the policy (reload); requests already parked keep their verdict. */
void guard_set_policy(struct guard *g, struct policy *policy);
const struct policy *guard_policy(const struct guard *g);

/*
 * proto: event with who and what filled in (type, session, command, pid, path,
 * ...); guard adds policy, rule, message, generation, action. Strings of op
 * and proto are borrowed until done() for an immediate answer and copied when
 * parked.
 */
void guard_ask(struct guard *g, const struct op *op, const struct event *proto,
	       guard_done_fn *done, void *arg);
/*
 * For what goes on anyway when it is allowed. 1: a rule allows it, and that is
 * recorded; 0: nothing was done, guard_ask() has to; -errno: it is allowed, but
 * cannot be recorded, so deny.
 */
int guard_pass(struct guard *g, const struct op *op, const struct event *proto);
/* Two ops of one operation (rename, link): the stricter verdict wins. */
void guard_ask2(struct guard *g, const struct op *op, const struct op *op2,
		const struct event *proto, guard_done_fn *done, void *arg);
/* An approval's answer; a late or unknown ticket is ignored. */
/*
 * As guard_ask2() (op2 may be NULL), but what the policy would permit waits for
 * an approval first; without an approver it is denied.
 */
void guard_hold(struct guard *g, const struct op *op, const struct op *op2,
		const struct event *proto, guard_done_fn *done, void *arg);
void guard_answer(struct guard *g, int ticket, bool approved);
/* Denies everything parked (shutdown, peer gone). */
void guard_cancel_all(struct guard *g);

#endif
