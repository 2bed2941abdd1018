/* SPDX-License-Identifier: MIT */
/*
 * test_confine_canary.c - the canaries die inside and live outside
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/macro.h"
#include "confine/canary.h"
#include "confine/landlock.h"
#include "confine/seccomp.h"

static char secret[] = "/tmp/agentsh-canary.XXXXXX";

static int setup(void **state)
{
	int fd = mkstemp(secret);

	(void)state;
	return fd < 0 ? -1 : close(fd);
}

static int teardown(void **state)
{
	(void)state;
	return unlink(secret);
}

static enum canary_result result(const struct canary_report *r,
				 const char *name)
{
	for (size_t i = 0; i < r->n; i++) {
		if (strcmp(r->items[i].name, name) == 0)
			return r->items[i].result;
	}
	fail_msg("no canary %s", name);
	return CANARY_NOT_TRIED;
}

static void test_full_plan(void **state)
{
	struct seccomp_options o = { .landlock_abi = landlock_abi() };
	struct grant_set g = { .tcp_connect_any = true, .tcp_bind_any = true };
	_cleanup_free_ struct sock_fprog *f = NULL;
	struct confine_plan p = { .cwd_fd = -1, .landlock_fd = -1 };
	struct canary_report r;
	size_t blocked = 0;

	(void)state;
	assert_int_equal(seccomp_build(&o, &f, NULL), 0);
	(void)grant_set_add(&g, "/usr", GRANT_READ, false);
	p.filter = f;
	p.listener = true; /* no static one given: installed without listener */
	if (o.landlock_abi > 0)
		p.landlock_fd = landlock_build(&g, NULL);
	p.required = 1U << CONFINE_SECCOMP | 1U << CONFINE_CAPS;
	assert_int_equal(canary_run(&p, secret, &r), 0);
	for (size_t i = 0; i < r.n; i++) {
		const struct canary_item *c = &r.items[i];
		bool by_landlock = strcmp(c->name, "signal") == 0 ||
				   strcmp(c->name, "secret") == 0 ||
				   strcmp(c->name, "environ") == 0 ||
				   strcmp(c->name, "core_pattern") == 0;

		if (by_landlock && o.landlock_abi < 6)
			continue;
		if (c->result == CANARY_OPEN)
			print_message("%s: %s\n", c->name, strerror(c->error));
		assert_int_not_equal(c->result, CANARY_OPEN);
		blocked += c->result == CANARY_BLOCKED;
	}
	print_message("%zu of %zu blocked\n", blocked, r.n);
	assert_true(blocked >= 15);
	assert_int_equal(r.steps.result[CONFINE_SECCOMP], CONFINE_OK);
	if (p.landlock_fd >= 0)
		(void)close(p.landlock_fd);
	grant_set_done(&g);
}

/* Without layers they must be found open, or the report means nothing. */
static void test_no_layers(void **state)
{
	struct confine_plan p = { .cwd_fd = -1,
				  .landlock_fd = -1,
				  .caps_keep = UINT64_MAX };
	struct canary_report r;

	(void)state;
	assert_int_equal(canary_run(&p, secret, &r), 0);
	assert_int_equal(result(&r, "secret"), CANARY_OPEN);
	assert_int_equal(result(&r, "signal"), CANARY_OPEN);
	assert_int_equal(result(&r, "fast_open"), CANARY_OPEN);
	assert_int_equal(result(&r, "prlimit"), CANARY_OPEN);
	assert_int_equal(result(&r, "setuid"), CANARY_BLOCKED);
	assert_true(r.n_open >= 4);
	assert_int_equal(canary_run(&p, NULL, &r), 0);
	assert_int_equal(result(&r, "secret"), CANARY_NOT_TRIED);
}

static void test_required_step_fails(void **state)
{
	struct confine_plan p = { .cwd_fd = -1, .landlock_fd = 9999 };
	struct canary_report r;

	(void)state;
	p.required = 1U << CONFINE_LANDLOCK;
	assert_true(canary_run(&p, NULL, &r) < 0);
	assert_int_equal(r.steps.result[CONFINE_LANDLOCK], CONFINE_FAILED);
	assert_int_equal(r.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_full_plan),
		cmocka_unit_test(test_no_layers),
		cmocka_unit_test(test_required_step_fails),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
