/* SPDX-License-Identifier: MIT */
/*
 * guard.c - decide, approve, record, answer
 *
 * A request is answered exactly once. One that waits for approval owns copies
 * of all it needs, including a reference to the policy that judged it, so that
 * neither a reload nor the caller's memory matters while it waits.
 */
#include "policy/guard.h"

#include <errno.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/vec.h"
#include "core/limits.h"

/* Copies of one parked operation and its event. */
#define PARKED_MAX (1U << 20)

struct parked {
	int ticket;
	struct verdict v;
	struct policy *policy; /* referenced */
	struct arena arena;
	struct op *op; /* the one that decided; in the arena */
	struct event event;
	struct buf event_bytes; /* what event borrows from */
	guard_done_fn *done;
	void *arg;
};

struct guard {
	struct policy *policy; /* referenced */
	struct sink sink;
	struct approver approver;
	VEC(struct parked *) parked; /* owned */
};

/* What is recorded beside the verdict. */
struct outcome {
	struct verdict v;     /* as decided */
	bool permitted;       /* in the end */
	const char *approval; /* "shadow", "enforced" or NULL */
};

int guard_new(struct policy *policy, const struct sink *sink,
	      const struct approver *approver, struct guard **ret)
{
	struct guard *g = calloc(1, sizeof(*g));

	if (!g)
		return -ENOMEM;
	g->policy = policy_ref(policy);
	g->sink = *sink;
	if (approver)
		g->approver = *approver;
	*ret = g;
	return 0;
}

static struct parked *parked_free(struct parked *k)
{
	if (!k)
		return NULL;
	(void)policy_unref(k->policy);
	arena_done(&k->arena);
	buf_done(&k->event_bytes);
	free(k);
	return NULL;
}
DEFINE_CLEANUP(parked_free, struct parked *)

struct guard *guard_free(struct guard *g)
{
	if (!g)
		return NULL;
	guard_cancel_all(g);
	vec_done(&g->parked);
	(void)policy_unref(g->policy);
	free(g);
	return NULL;
}

void guard_set_policy(struct guard *g, struct policy *policy)
{
	struct policy *old = g->policy;

	g->policy = policy_ref(policy);
	(void)policy_unref(old);
}

const struct policy *guard_policy(const struct guard *g)
{
	return g->policy;
}

static struct str redirect_target(const struct policy *p, struct verdict v)
{
	struct policy_redirect r = { 0 };
	struct str args[64], env[64];

	if (v.kind != VERDICT_REDIRECT)
		return STR_NONE;
	if (policy_rule_redirect(p, v, &r, args, ARRAY_LEN(args), env,
				 ARRAY_LEN(env)) < 0)
		return STR_NONE;
	return r.target;
}

/* Writes the event. 0 or -errno: then the operation is to be denied. */
static int record(const struct guard *g, const struct policy *p,
		  const struct op *op, const struct event *proto,
		  const struct outcome *o)
{
	_cleanup_buf_ struct buf message = BUF_INIT;
	struct event e = *proto;

	policy_rule_message(p, o->v, op, &message);
	if (message.error)
		return message.error;
	e.has_policy = true;
	e.decision = o->v.kind;
	e.effective_decision = o->permitted ? VERDICT_ALLOW : VERDICT_DENY;
	e.action = o->permitted ? EVENT_ALLOWED : EVENT_BLOCKED;
	e.rule = policy_rule_name(p, o->v);
	e.message = buf_str(&message);
	e.generation = o->v.generation;
	e.redirect_to = redirect_target(p, o->v);
	if (o->approval) {
		e.approval_required = true;
		e.approval_mode = str_from(o->approval);
	}
	return sink_emit(&g->sink, &e);
}

/* Records and gives what the catcher is to do. */
static struct verdict settle(const struct guard *g, const struct policy *p,
			     const struct op *op, const struct event *proto,
			     const struct outcome *o)
{
	struct verdict v = o->v;

	if (!o->permitted)
		v.kind = VERDICT_DENY;
	else if (v.kind == VERDICT_APPROVE)
		v.kind = VERDICT_ALLOW;
	if (record(g, p, op, proto, o) < 0)
		v.kind = VERDICT_DENY;
	return v;
}

static int park_copies(struct parked *k, const struct op *op,
		       const struct event *proto)
{
	int r;

	k->op = op_dup(&k->arena, op);
	if (!k->op)
		return -ENOMEM;
	r = event_encode(proto, &k->event_bytes);
	if (r < 0)
		return r;
	return event_decode(buf_str(&k->event_bytes), &k->arena, &k->event);
}

/* Asks the approver. 0 when the request is parked, else -errno: deny. */
static int park(struct guard *g, struct verdict v, const struct op *op,
		const struct event *proto, guard_done_fn *done, void *arg)
{
	_cleanup_(parked_free_p) struct parked *k = NULL;
	_cleanup_buf_ struct buf message = BUF_INIT;
	int r;

	if (g->parked.n >= LIMIT_APPROVALS)
		return -EBUSY;
	k = calloc(1, sizeof(*k));
	if (!k)
		return -ENOMEM;
	k->arena = ARENA_INIT(PARKED_MAX);
	k->v = v;
	k->policy = policy_ref(g->policy);
	k->done = done;
	k->arg = arg;
	r = park_copies(k, op, proto);
	if (r == 0)
		r = vec_reserve(&g->parked, g->parked.n + 1);
	if (r < 0)
		return r;
	policy_rule_message(g->policy, v, op, &message);
	r = g->approver.ask(g->approver.arg, k->op,
			    policy_rule_name(g->policy, v), buf_str(&message),
			    policy_rule_timeout(g->policy, v));
	if (r <= 0)
		return r < 0 ? r : -EINVAL;
	k->ticket = r;
	g->parked.data[g->parked.n++] = TAKE(k);
	return 0;
}

static void ask_with(struct guard *g, struct verdict v, const struct op *op,
		     const struct event *proto, guard_done_fn *done, void *arg)
{
	struct outcome o = { .v = v, .permitted = verdict_permits(v.kind) };

	if (v.kind == VERDICT_APPROVE) {
		o.approval = g->approver.ask ? "enforced" : "shadow";
		if (g->approver.ask) {
			if (park(g, v, op, proto, done, arg) == 0)
				return;
			o.permitted = false;
		}
	}
	done(arg, settle(g, g->policy, op, proto, &o));
}

void guard_ask(struct guard *g, const struct op *op, const struct event *proto,
	       guard_done_fn *done, void *arg)
{
	ask_with(g, policy_decide(g->policy, op), op, proto, done, arg);
}

int guard_pass(struct guard *g, const struct op *op, const struct event *proto)
{
	struct outcome o = { .v = policy_decide(g->policy, op),
			     .permitted = true };
	int r;

	if (o.v.kind != VERDICT_ALLOW && o.v.kind != VERDICT_AUDIT)
		return 0;
	r = record(g, g->policy, op, proto, &o);
	return r < 0 ? r : 1;
}

void guard_ask2(struct guard *g, const struct op *op, const struct op *op2,
		const struct event *proto, guard_done_fn *done, void *arg)
{
	struct verdict a = policy_decide(g->policy, op);
	struct verdict b = policy_decide(g->policy, op2);
	struct verdict v = verdict_stricter(a, b);
	bool second = v.kind == b.kind && v.rule == b.rule &&
		      (v.kind != a.kind || v.rule != a.rule);

	ask_with(g, v, second ? op2 : op, proto, done, arg);
}

void guard_hold(struct guard *g, const struct op *op, const struct op *op2,
		const struct event *proto, guard_done_fn *done, void *arg)
{
	struct verdict v = policy_decide(g->policy, op);

	if (op2)
		v = verdict_stricter(v, policy_decide(g->policy, op2));
	if (verdict_permits(v.kind))
		v.kind = VERDICT_APPROVE;
	ask_with(g, v, op, proto, done, arg);
}

static void answer_parked(struct guard *g, size_t i, bool approved)
{
	_cleanup_(parked_free_p) struct parked *k = g->parked.data[i];
	struct outcome o = { .v = k->v,
			     .permitted = approved,
			     .approval = "enforced" };

	g->parked.data[i] = g->parked.data[--g->parked.n];
	k->done(k->arg, settle(g, k->policy, k->op, &k->event, &o));
}

void guard_answer(struct guard *g, int ticket, bool approved)
{
	for (size_t i = 0; i < g->parked.n; i++) {
		if (g->parked.data[i]->ticket == ticket) {
			answer_parked(g, i, approved);
			return;
		}
	}
}

void guard_cancel_all(struct guard *g)
{
	while (g->parked.n > 0)
		answer_parked(g, g->parked.n - 1, /* approved */ false);
}
