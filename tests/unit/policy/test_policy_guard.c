/* SPDX-License-Identifier: MIT */
/*
 * test_policy_guard.c - decide, approve, record, answer: exactly once each
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "policy/guard.h"

static const char yaml[] =
	"version: 1\nname: t\n"
	"file_rules:\n"
	"- {name: ok, paths: ['/ok/**'], decision: allow}\n"
	"- {name: ask, paths: ['/ask/**'], decision: approve, message: 'may I "
	"touch {{.Path}}?', timeout: 5s}\n"
	"- {name: no, paths: ['/no/**'], decision: deny, message: 'not "
	"{{.Path}}'}\n";

struct world {
	struct policy *policy;
	struct guard *guard;
	/* sink */
	int sink_result;
	unsigned int n_events;
	char rule[32], message[64];
	enum verdict_kind decision, effective;
	/* approver */
	int next_ticket;
	unsigned int n_asked;
	char asked[64];
	int64_t timeout;
	/* answers */
	unsigned int n_done;
	struct verdict got;
};

static int emit(void *arg, const struct event *e)
{
	struct world *w = arg;

	w->n_events++;
	(void)snprintf(w->rule, sizeof(w->rule), STR_FMT, STR_ARG(e->rule));
	(void)snprintf(w->message, sizeof(w->message), STR_FMT,
		       STR_ARG(e->message));
	w->decision = e->decision;
	w->effective = e->effective_decision;
	return w->sink_result;
}

static int ask(void *arg, const struct op *op, struct str rule,
	       struct str message, int64_t timeout_ns)
{
	struct world *w = arg;

	(void)op;
	(void)rule;
	w->n_asked++;
	w->timeout = timeout_ns;
	(void)snprintf(w->asked, sizeof(w->asked), STR_FMT, STR_ARG(message));
	return w->next_ticket;
}

static void done(void *arg, struct verdict v)
{
	struct world *w = arg;

	w->n_done++;
	w->got = v;
}

static void start(struct world *w, bool approvals)
{
	struct sink sink = { emit, w };
	struct approver approver = { ask, w };
	struct diag d = DIAG_INIT;

	*w = (struct world){ .next_ticket = 1 };
	assert_int_equal(policy_compile("t", str_from(yaml), NULL, 3,
					&w->policy, &d),
			 0);
	assert_int_equal(guard_new(w->policy, &sink,
				   approvals ? &approver : NULL, &w->guard),
			 0);
	diag_done(&d);
}

static void stop(struct world *w)
{
	(void)guard_free(w->guard);
	(void)policy_unref(w->policy);
}

static void ask_path(struct world *w, const char *path)
{
	struct event e = EVENT_INIT("file_write");
	struct op op = { .kind = OP_FILE };

	op.file.verb = FILE_WRITE;
	op.file.path = str_from(path);
	guard_ask(w->guard, &op, &e, done, w);
}

static void test_immediate(void **state)
{
	struct world w;

	(void)state;
	start(&w, /* approvals */ true);
	ask_path(&w, "/ok/x");
	assert_int_equal(w.n_done, 1);
	assert_int_equal(w.got.kind, VERDICT_ALLOW);
	assert_string_equal(w.rule, "ok");
	ask_path(&w, "/no/x");
	assert_int_equal(w.n_done, 2);
	assert_int_equal(w.got.kind, VERDICT_DENY);
	assert_string_equal(w.message, "not /no/x");
	assert_int_equal(w.effective, VERDICT_DENY);
	assert_int_equal(w.got.generation, 3);
	stop(&w);
}

static void test_unrecorded_is_denied(void **state)
{
	struct world w;

	(void)state;
	start(&w, /* approvals */ true);
	w.sink_result = -EAGAIN;
	ask_path(&w, "/ok/x");
	assert_int_equal(w.got.kind, VERDICT_DENY);
	stop(&w);
}

static void test_approval(void **state)
{
	struct world w;

	(void)state;
	start(&w, /* approvals */ true);
	w.next_ticket = 7;
	ask_path(&w, "/ask/x");
	assert_int_equal(w.n_done, 0);
	assert_int_equal(w.n_events, 0);
	assert_string_equal(w.asked, "may I touch /ask/x?");
	assert_true(w.timeout == 5000000000LL);
	guard_answer(w.guard, 8, true);
	assert_int_equal(w.n_done, 0);
	guard_answer(w.guard, 7, true);
	assert_int_equal(w.n_done, 1);
	assert_int_equal(w.got.kind, VERDICT_ALLOW);
	assert_int_equal(w.decision, VERDICT_APPROVE);
	assert_int_equal(w.effective, VERDICT_ALLOW);
	guard_answer(w.guard, 7, false);
	assert_int_equal(w.n_done, 1);
	ask_path(&w, "/ask/y");
	guard_answer(w.guard, 7, false);
	assert_int_equal(w.got.kind, VERDICT_DENY);
	stop(&w);
}

static void test_shadow_and_failure(void **state)
{
	struct world w;

	(void)state;
	start(&w, /* approvals */ false);
	ask_path(&w, "/ask/x");
	assert_int_equal(w.got.kind, VERDICT_ALLOW);
	stop(&w);
	start(&w, /* approvals */ true);
	w.next_ticket = -EBUSY;
	ask_path(&w, "/ask/x");
	assert_int_equal(w.n_done, 1);
	assert_int_equal(w.got.kind, VERDICT_DENY);
	stop(&w);
}

/* What waits is denied when the guard goes, and counts as answered. */
static void test_cancel(void **state)
{
	struct world w;

	(void)state;
	start(&w, /* approvals */ true);
	for (int i = 0; i < 20; i++) {
		w.next_ticket = i + 1;
		ask_path(&w, "/ask/x");
	}
	/* ten are parked, the others over the limit and denied */
	assert_int_equal(w.n_asked, 10);
	assert_int_equal(w.n_done, 10);
	stop(&w);
	assert_int_equal(w.n_done, 20);
	assert_int_equal(w.got.kind, VERDICT_DENY);
}

static void test_two_names(void **state)
{
	struct event e = EVENT_INIT("file_rename");
	struct op a = { .kind = OP_FILE }, b = { .kind = OP_FILE };
	struct world w;

	(void)state;
	start(&w, /* approvals */ true);
	a.file.verb = b.file.verb = FILE_RENAME;
	a.file.path = STR("/ok/x");
	b.file.path = STR("/no/x");
	guard_ask2(w.guard, &a, &b, &e, done, &w);
	assert_int_equal(w.got.kind, VERDICT_DENY);
	assert_string_equal(w.message, "not /no/x");
	guard_ask2(w.guard, &b, &a, &e, done, &w);
	assert_int_equal(w.got.kind, VERDICT_DENY);
	assert_string_equal(w.message, "not /no/x");
	stop(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_immediate),
		cmocka_unit_test(test_unrecorded_is_denied),
		cmocka_unit_test(test_approval),
		cmocka_unit_test(test_shadow_and_failure),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_two_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
