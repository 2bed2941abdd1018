/* SPDX-License-Identifier: MIT */
/*
 * test_policy_beneath.c - does a rule that denies speak of what is in a directory?
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/macro.h"
#include "policy/beneath.h"

static const char POLICY[] =
	"version: 1\nname: t\nfile_rules:\n"
	"  - {name: samples, paths: ['/p/.git/hooks/*.sample'], "
	"operations: [create, rename], decision: allow}\n"
	"  - {name: early, paths: ['/p/early/**'], operations: ['*'], "
	"decision: allow}\n"
	"  - {name: hooks, paths: ['/p/.git/hooks/*'], "
	"operations: [create, rename], decision: deny}\n"
	"  - {name: deep, paths: ['**/.agent/**', '/home/*/.ssh', "
	"'/p/early/late/**'], operations: ['*'], decision: deny}\n"
	"  - {name: name, paths: ['/srv/**/key'], operations: [rename], "
	"decision: deny}\n"
	"  - {name: p, paths: ['/p/**'], operations: ['*'], decision: allow}\n"
	"  - {name: rest, paths: ['**'], operations: ['*'], decision: deny}\n";

struct fixture {
	struct policy *policy;
	struct policy_beneath *beneath;
};

static int setup(void **state)
{
	static struct fixture f;
	struct diag diag = DIAG_INIT;
	int r = policy_compile("t", str_from(POLICY), NULL, 1, &f.policy,
			       &diag);

	diag_done(&diag);
	*state = &f;
	return r < 0 ? r : policy_beneath_new(f.policy, &f.beneath);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	f->beneath = policy_beneath_free(f->beneath);
	(void)policy_unref(f->policy);
	return 0;
}

/* A pattern that may begin anywhere may mean something in any directory. */
static void test_may(void **state)
{
	static const char *const dirs[] = { "/", "/p", "/p/.git", "/q/a" };
	const struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(dirs); i++)
		assert_true(policy_beneath_may(f->beneath, FILE_RENAME,
					       str_from(dirs[i])));
}

/* Without a pattern that may begin anywhere. */
static void test_may_not(void **state _unused_)
{
	static const char yaml[] =
		"version: 1\nname: t\nfile_rules:\n"
		"  - {name: hooks, paths: ['/p/.git/hooks/*', '/home/*/.ssh', "
		"'/q/**'], operations: [rename], decision: deny}\n"
		"  - {name: rest, paths: ['**'], operations: ['*'], "
		"decision: deny}\n";
	static const struct {
		const char *dir;
		bool yes;
	} cases[] = {
		{ "/p/.git", true },
		{ "/p/src", false },
		{ "/p/.git/objects", false },
		{ "/p/.git/hooks", true },
		{ "/p/.git/hooks/x", false },
		{ "/home/a", true },
		{ "/home/a/src", false },
		{ "/home/a/.ssh", false },
		{ "/q", true },
		{ "/q/in/it", false },
		{ "/", true },
		{ "/p/.gitx", false },
	};
	struct diag diag = DIAG_INIT;
	struct policy_beneath *b;
	struct policy *p;

	assert_int_equal(
		policy_compile("t", str_from(yaml), NULL, 1, &p, &diag), 0);
	diag_done(&diag);
	assert_int_equal(policy_beneath_new(p, &b), 0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		if (policy_beneath_may(b, FILE_RENAME,
				       str_from(cases[i].dir)) != cases[i].yes)
			fail_msg("%s", cases[i].dir);
		assert_false(policy_beneath_may(b, FILE_CREATE,
						STR("/p/.git/hooks")));
	}
	(void)policy_beneath_free(b);
	(void)policy_unref(p);
}

static void test_named(void **state)
{
	static const struct {
		const char *dir, *example;
	} cases[] = {
		{ "/p/.git", "/p/.git/hooks/x" },
		{ "/p/.git/hooks", "/p/.git/hooks/x" },
		{ "/p", "/p/.git/hooks/x" },
		{ "/p/a/.agent", "/p/a/.agent/x" },
		{ "/p/a", NULL },
		{ "/p/early", NULL }, /* permitted before it is denied */
		{ "/p/early/late", NULL },
		{ "/p/.git/refs", NULL },
	};
	const struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_buf_ struct buf path = BUF_INIT;
		int r = policy_beneath_named(f->beneath, f->policy, FILE_CREATE,
					     str_from(cases[i].dir), &path);

		if (r != (cases[i].example != NULL))
			fail_msg("%s: %d %s", cases[i].dir, r, buf_cstr(&path));
		if (r)
			assert_string_equal(buf_cstr(&path), cases[i].example);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_may, setup, teardown),
		cmocka_unit_test(test_may_not),
		cmocka_unit_test_setup_teardown(test_named, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
