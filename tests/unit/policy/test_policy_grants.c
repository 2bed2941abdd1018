/* SPDX-License-Identifier: MIT */
/*
 * test_policy_grants.c - what a policy becomes for Landlock
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/grant.h"
#include "policy/policy.h"

#define HEAD "version: 1\nname: t\n"

struct derived {
	struct policy *policy;
	struct grant_set g;
};

static void derive(struct derived *d, const char *yaml)
{
	struct diag diag = DIAG_INIT;

	*d = (struct derived){ 0 };
	assert_int_equal(policy_compile("t", str_from(yaml), NULL, 1,
					&d->policy, &diag),
			 0);
	assert_int_equal(policy_derive_grants(d->policy, STR("/workspace"),
					      &d->g, NULL),
			 0);
	diag_done(&diag);
}

static void derived_done(struct derived *d)
{
	grant_set_done(&d->g);
	(void)policy_unref(d->policy);
}

static uint32_t access_to(const struct derived *d, const char *path)
{
	for (size_t i = 0; i < d->g.fs.n; i++) {
		if (strcmp(d->g.fs.data[i].path, path) == 0)
			return d->g.fs.data[i].access;
	}
	return 0;
}

static bool has_hole(const struct derived *d, const char *path)
{
	for (size_t i = 0; i < d->g.holes.n; i++) {
		if (strcmp(d->g.holes.data[i], path) == 0)
			return true;
	}
	return false;
}

static void test_reads_by_default(void **state)
{
	struct derived d;

	(void)state;
	derive(&d, HEAD "file_rules:\n"
			"- {name: s, paths: [/etc/shadow, '/root/.ssh/**'], "
			"decision: deny}\n"
			"- {name: t, paths: ['/tmp/**'], decision: allow}\n");
	assert_true(access_to(&d, "/") & GRANT_READ);
	assert_false(access_to(&d, "/") & GRANT_WRITE);
	assert_true(has_hole(&d, "/etc/shadow"));
	assert_true(has_hole(&d, "/root/.ssh"));
	assert_int_equal(access_to(&d, "/tmp") & GRANT_RW, GRANT_RW);
	assert_int_equal(access_to(&d, "/workspace"), GRANT_RW | GRANT_EXECUTE);
	assert_true(access_to(&d, "/usr/bin") & GRANT_EXECUTE);
	assert_false(policy_needs_open_notify(d.policy, STR("/workspace")));
	derived_done(&d);
}

/* A file is granted as a file, never as its directory. */
static void test_exact_paths(void **state)
{
	struct derived d;

	(void)state;
	derive(&d, HEAD "file_rules:\n"
			"- {name: n, paths: [/dev/null], decision: allow}\n"
			"- {name: a, paths: ['**'], decision: deny}\n");
	assert_int_equal(access_to(&d, "/dev/null") & GRANT_RW, GRANT_RW);
	assert_int_equal(access_to(&d, "/dev"), 0);
	assert_int_equal(access_to(&d, "/"), 0);
	assert_int_equal(access_to(&d, "/usr"), 0);
	derived_done(&d);
}

/* Rules behind one that denies everything grant nothing. */
static void test_unreachable(void **state)
{
	struct derived d;

	(void)state;
	derive(&d, HEAD "file_rules:\n"
			"- {name: default-deny-files, paths: ['**'], decision: "
			"deny}\n"
			"- {name: x, paths: ['/x/**'], decision: allow}\n");
	assert_int_equal(access_to(&d, "/x"), 0);
	assert_true(access_to(&d, "/usr") & GRANT_READ);
	derived_done(&d);
}

/* An earlier permission inside a denied tree keeps the tree from being a hole.
 */
static void test_order(void **state)
{
	struct derived d;

	(void)state;
	derive(&d, HEAD "file_rules:\n"
			"- {name: p, paths: [/etc/ok], decision: allow}\n"
			"- {name: e, paths: ['/etc/**'], decision: deny}\n");
	assert_false(has_hole(&d, "/etc"));
	assert_true(policy_needs_open_notify(d.policy, STR("/workspace")));
	derived_done(&d);
	derive(&d, HEAD "file_rules:\n"
			"- {name: p, paths: ['/etc/**'], decision: allow}\n"
			"- {name: e, paths: [/etc/shadow], decision: deny}\n");
	assert_false(has_hole(&d, "/etc/shadow"));
	derived_done(&d);
}

/* Where new names are to be made, neighbours cannot be listed in advance. */
static void test_no_hole_in_changing_trees(void **state)
{
	struct derived d;

	(void)state;
	derive(&d, HEAD "file_rules:\n"
			"- {name: d, paths: [/rw/secret, '/workspace/.git/**', "
			"/proc/kcore, /etc/shadow], decision: deny}\n"
			"- {name: p, paths: ['/rw/**'], decision: allow}\n");
	assert_false(has_hole(&d, "/rw/secret"));
	assert_false(has_hole(&d, "/workspace/.git"));
	assert_false(has_hole(&d, "/proc/kcore"));
	assert_true(has_hole(&d, "/etc/shadow"));
	assert_true(policy_needs_open_notify(d.policy, STR("/workspace")));
	derived_done(&d);
}

/* Stars within components: what matches now, and the directories on the way. */
static void test_wildcard_holes(void **state)
{
	struct derived d;

	(void)state;
	derive(&d,
	       HEAD "file_rules:\n"
		    "- {name: e, paths: ['/home/*/.ssh/**', '/et?/passwd'], "
		    "decision: deny}\n"
		    "- {name: k, paths: ['/workspace/**'], operations: "
		    "[delete], decision: soft_delete}\n"
		    "- {name: w, paths: ['/workspace/**', '/dev/pts/*'], "
		    "decision: allow}\n");
	assert_true(has_hole(&d, "/home/*/.ssh"));
	assert_true(has_hole(&d, "/et?/passwd"));
	assert_true(has_hole(&d, "/etc/passwd"));
	assert_false(policy_needs_open_notify(d.policy, STR("/workspace")));
	/* the same rules over a workspace that they reach into */
	assert_true(policy_needs_open_notify(d.policy, STR("/etc")));
	derived_done(&d);
	derive(&d,
	       HEAD "file_rules:\n"
		    "- {name: e, paths: ['/home/*/a/**/b'], decision: deny}\n");
	assert_true(policy_needs_open_notify(d.policy, STR("/workspace")));
	derived_done(&d);
}

static void test_globs_need_notify(void **state)
{
	struct derived d;

	(void)state;
	derive(&d, HEAD "file_rules:\n"
			"- {name: e, paths: ['**/.env'], decision: deny}\n");
	assert_true(policy_needs_open_notify(d.policy, STR("/workspace")));
	derived_done(&d);
	/* denied writes where nothing is granted are no gap */
	derive(&d, HEAD "file_rules:\n"
			"- {name: e, paths: ['/etc/**'], operations: [write], "
			"decision: deny}\n");
	assert_false(policy_needs_open_notify(d.policy, STR("/workspace")));
	derived_done(&d);
}

static void test_execute(void **state)
{
	struct derived d;

	(void)state;
	derive(&d, HEAD "command_rules:\n"
			"- {name: a, commands: [/opt/x/tool, '/srv/bin/*'], "
			"decision: allow}\n"
			"- {name: b, commands: [/opt/y/tool], decision: "
			"deny}\n");
	assert_true(access_to(&d, "/opt/x/tool") & GRANT_EXECUTE);
	assert_true(access_to(&d, "/srv/bin") & GRANT_EXECUTE);
	assert_int_equal(access_to(&d, "/opt/y/tool"), 0);
	assert_false(access_to(&d, "/") & GRANT_EXECUTE);
	derived_done(&d);
	derive(&d, HEAD "command_rules:\n"
			"- {name: a, commands: ['*'], decision: allow}\n");
	assert_true(access_to(&d, "/") & GRANT_EXECUTE);
	derived_done(&d);
}

/* Everything below a directory, whatever it is called. */
static void test_permits_below(void **state)
{
	struct derived d;

	(void)state;
	derive(&d, HEAD "file_rules:\n"
			"  - {name: no, paths: ['/a/closed/**', '/b/{x,y}'],"
			" operations: ['*'], decision: deny}\n"
			"  - {name: w, paths: ['/c/**'], operations: [write],"
			" decision: deny}\n"
			"  - {name: all, paths: ['/a/**', '/b/**', '/c/**'],"
			" operations: ['*'], decision: allow}\n"
			"  - {name: env, paths: ['**/.env'], operations: ['*'],"
			" decision: deny}\n"
			"  - {name: d, paths: ['/d/**'], operations: ['*'],"
			" decision: allow}\n");
#define BELOW(dir) policy_permits_below(d.policy, STR(dir), FILE_OPEN)
	assert_true(BELOW("/a/open"));
	assert_false(BELOW("/a"));
	assert_false(BELOW("/a/closed"));
	assert_false(BELOW("/a/closed/in"));
	assert_false(BELOW("/b"));
	assert_true(BELOW("/b/z"));
	assert_true(BELOW("/c"));
	assert_false(BELOW("/d/x")); /* .env, before it is permitted */
	assert_false(BELOW("/e"));
#undef BELOW
	derived_done(&d);
}

static void test_ports(void **state)
{
	struct derived d;

	(void)state;
	derive(&d, HEAD "network_rules:\n"
			"- {name: a, ports: [443, 80], decision: allow}\n"
			"- {name: b, ports: [22], decision: deny}\n");
	assert_false(d.g.tcp_connect_any);
	assert_int_equal(d.g.tcp_connect_ports.n, 2);
	derived_done(&d);
	derive(&d, HEAD "network_rules:\n"
			"- {name: a, domains: [x], decision: allow}\n");
	assert_true(d.g.tcp_connect_any);
	derived_done(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads_by_default),
		cmocka_unit_test(test_exact_paths),
		cmocka_unit_test(test_unreachable),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_no_hole_in_changing_trees),
		cmocka_unit_test(test_wildcard_holes),
		cmocka_unit_test(test_globs_need_notify),
		cmocka_unit_test(test_execute),
		cmocka_unit_test(test_permits_below),
		cmocka_unit_test(test_ports),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
