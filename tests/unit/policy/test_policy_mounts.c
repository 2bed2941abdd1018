/* SPDX-License-Identifier: MIT */
/*
 * test_policy_mounts.c - in a mount its own policy decides, elsewhere the base
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/macro.h"
#include "policy/policy.h"

#define HEAD "version: 1\nname: t\nfile_rules:\n"

#define BASE                                                            \
	HEAD "  - {name: base-x, paths: ['**/x'], operations: ['*'], "  \
	     "decision: audit}\n"                                       \
	     "  - {name: base-a, paths: ['/a/**'], operations: ['*'], " \
	     "decision: allow}\n"
#define OUTER                                                      \
	HEAD "  - {name: outer-y, paths: ['**/y', '/a/{b,z}/x'], " \
	     "operations: [read, open], decision: allow}\n"        \
	     "  - {name: outer-home, paths: ['${HOME}/**'], "      \
	     "operations: ['*'], decision: soft_delete}\n"
#define INNER                                                              \
	HEAD "  - {name: inner, paths: ['**'], operations: [read, open], " \
	     "decision: allow}\n"

static const struct policy_mount MOUNTS[] = {
	{ STR("/a/b"), "outer", STR(OUTER) },
	{ STR("/a/b/x"), "inner", STR(INNER) },
};

static const struct str VAR_NAMES[] = { STR("HOME") };
static const struct str VAR_VALUES[] = { STR("/a/b/y") };
static const struct policy_vars VARS = { VAR_NAMES, VAR_VALUES, 1, NULL };

static int compile(const char *yaml, const struct policy_mount *mounts,
		   size_t n, struct policy **ret, struct buf *error)
{
	const struct policy_source src = {
		.file = "base",
		.yaml = str_from(yaml),
		.vars = &VARS,
		.generation = 1,
		.mounts = mounts,
		.n_mounts = n,
	};
	struct diag diag = DIAG_INIT;
	int r = policy_compile_source(&src, ret, &diag);

	diag_first_error(&diag, error);
	diag_done(&diag);
	return r;
}

static struct policy *policy_of(const char *yaml, size_t n_mounts)
{
	_cleanup_buf_ struct buf error = BUF_INIT;
	struct policy *p = NULL;

	assert_int_equal(compile(yaml, MOUNTS, n_mounts, &p, &error), 0);
	return p;
}

static struct verdict judge(const struct policy *p, struct str path,
			    enum file_verb verb)
{
	struct op op = { .kind = OP_FILE };

	op.file.verb = verb;
	op.file.path = path;
	return policy_decide(p, &op);
}

static bool in(struct str path, struct str dir)
{
	return str_starts(path, dir) &&
	       (path.n == dir.n || path.p[dir.n] == '/');
}

/* Each path is judged as by the policy that it belongs to. */
static void test_each_by_its_own(void **state _unused_)
{
	static const char *const names[] = { "/a", "/b", "/x", "/y", "/z" };
	struct policy *all = policy_of(BASE, 2);
	struct policy *one[] = { policy_of(BASE, 0), policy_of(OUTER, 0),
				 policy_of(INNER, 0) };
	size_t seen[3] = { 0 };

	srandom(7);
	for (int i = 0; i < 20000; i++) {
		_cleanup_buf_ struct buf b = BUF_INIT;
		enum file_verb verb =
			(enum file_verb)(random() % FILE_VERB_MAX);
		size_t owner = 0;
		struct verdict v, w;

		buf_puts(&b, i % 2 ? "/a/b" : "");
		buf_puts(&b, i % 4 == 1 ? "/x" : "");
		for (long n = 1 + random() % 3; n > 0; n--)
			buf_puts(&b, names[random() % 5]);
		for (size_t m = 0; m < ARRAY_LEN(MOUNTS); m++)
			owner = in(buf_str(&b), MOUNTS[m].path) ? m + 1 : owner;
		v = judge(all, buf_str(&b), verb);
		w = judge(one[owner], buf_str(&b), verb);
		assert_int_equal(v.kind, w.kind);
		assert_true(str_eq(policy_rule_name(all, v),
				   policy_rule_name(one[owner], w)));
		seen[owner]++;
	}
	for (size_t i = 0; i < 3; i++) {
		assert_true(seen[i] > 1000);
		(void)policy_unref(one[i]);
	}
	(void)policy_unref(all);
}

static void test_errors(void **state _unused_)
{
	static const struct policy_mount twice[] = {
		{ STR("/a"), "m", STR(INNER) },
		{ STR("/a"), "m", STR(INNER) },
	};
	static const struct policy_mount bad[] = {
		{ STR("/a"), "mount.yaml",
		  STR(HEAD "  - {name: r, paths: ['[x'], operations: "
			   "['*'], decision: allow}\n") },
	};
	static const struct policy_mount braces[] = {
		{ STR("/a"), "mount.yaml",
		  STR(HEAD "  - {name: r, operations: ['*'], decision: "
			   "allow, paths: ['{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}"
			   "{a,b}']}\n") },
	};
	const struct {
		const struct policy_mount *mounts;
		size_t n;
		const char *says;
	} cases[] = {
		{ twice, 2, "two mounts at /a" },
		{ bad, 1, "mount.yaml:4" },
		{ braces, 1, "too many alternatives" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_buf_ struct buf error = BUF_INIT;
		struct policy *p = NULL;

		assert_int_equal(compile(BASE, cases[i].mounts, cases[i].n, &p,
					 &error),
				 -EINVAL);
		assert_non_null(strstr(buf_cstr(&error), cases[i].says));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_by_its_own),
		cmocka_unit_test(test_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
