/* SPDX-License-Identifier: MIT */
/*
 * test_config_render.c - the Render demonstration's configuration and policy,
 * and the configuration we ship: they load, and warn of exactly what is due
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/fd.h"
#include "config/config.h"
#include "policy/rules.h"

static char *no_env[] = { NULL };

static void source_path(struct buf *out, const char *name)
{
	const char *root = getenv("SOURCE_ROOT");

	buf_printf(out, "%s/%s", root ? root : ".", name);
}

static void read_source(const char *name, struct buf *out)
{
	_cleanup_buf_ struct buf path = BUF_INIT;

	source_path(&path, name);
	assert_int_equal(fd_read_file(AT_FDCWD, buf_cstr(&path), 1U << 20, out),
			 0);
}

/* Messages of name against the golden file beside it. */
static void test_render_config(void **state)
{
	_cleanup_buf_ struct buf text = BUF_INIT, want = BUF_INIT;
	_cleanup_buf_ struct buf got = BUF_INIT;
	_cleanup_diag_ struct diag diag = DIAG_INIT;
	_cleanup_(config_free_p) struct config *c = NULL;

	(void)state;
	read_source("tests/golden/render/config.yaml", &text);
	read_source("tests/golden/render/config.warnings", &want);
	assert_int_equal(config_parse("config.yaml", buf_str(&text),
				      CONFIG_SOURCE_SYSTEM, no_env, &c, &diag),
			 0);
	diag_format(&diag, &got);
	assert_string_equal(buf_cstr(&got), buf_cstr(&want));
	assert_true(c->landlock.enabled);
	assert_int_equal(c->landlock.deny_paths.n, 2);
	assert_string_equal(c->policies.default_name, "default");
	assert_false(config_on(c->sandbox.unix_sockets.enabled));
	assert_true(config_on(c->sandbox.seccomp.file_monitor.enabled));
	assert_true(c->sandbox.ptrace.enabled);
	assert_int_equal(c->sandbox.env_inject.n, 1);
	assert_int_equal(c->dlp.custom_patterns.n, 3);
	assert_true(c->development.disable_auth);
}

static void test_render_policy(void **state)
{
	_cleanup_buf_ struct buf text = BUF_INIT, got = BUF_INIT;
	_cleanup_diag_ struct diag diag = DIAG_INIT;
	_cleanup_arena_ struct arena arena = ARENA_INIT(16U << 20);
	struct policy_rules rules = { 0 };
	int r = 0;

	(void)state;
	read_source("tests/golden/render/default.yaml", &text);
	r = policy_parse("default.yaml", buf_str(&text), &arena, &rules, &diag);
	diag_format(&diag, &got);
	assert_string_equal(buf_cstr(&got), "");
	assert_int_equal(r, 0);
	assert_int_equal(rules.n_commands, 7);
	assert_int_equal(rules.n_files, 8);
	assert_int_equal(rules.n_networks, 9);
	assert_int_equal(rules.resources.pids_max, 100);
}

/* What we ship asks for nothing that we do not do. */
static void test_shipped_config(void **state)
{
	_cleanup_buf_ struct buf path = BUF_INIT, got = BUF_INIT;
	_cleanup_diag_ struct diag diag = DIAG_INIT;
	int r = 0;

	(void)state;
	source_path(&path, "data/config.yaml");
	r = config_validate(buf_cstr(&path), CONFIG_SOURCE_SYSTEM, no_env,
			    &diag);
	diag_format(&diag, &got);
	assert_string_equal(buf_cstr(&got), "");
	assert_int_equal(r, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_render_config),
		cmocka_unit_test(test_render_policy),
		cmocka_unit_test(test_shipped_config),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
