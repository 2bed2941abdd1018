/* SPDX-License-Identifier: MIT */
/*
 * test_cli_shim.c - shim.conf, and which calls are agentsh's own
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cli/shim.h"

static void test_conf_values(void **state)
{
	_cleanup_shim_conf_ struct shim_conf c = { .other = BUF_INIT };
	_cleanup_buf_ struct buf error = BUF_INIT, text = BUF_INIT;

	(void)state;
	assert_int_equal(
		shim_conf_parse(STR("# note\n\n zeta = 1 \nforce=1\n"
				    "shim_install=on\nready_gate=true\na=b\n"),
				&c, &error),
		0);
	assert_true(c.force && c.force_given && c.ready_gate);
	assert_int_equal(c.install, SHIM_INSTALL_ON);
	shim_conf_render(&c, &text);
	assert_string_equal(buf_cstr(&text),
			    "# Written by: agentsh shim install-shell\n"
			    "a=b\nforce=true\nready_gate=true\n"
			    "shim_install=on\nzeta=1\n");
}

static void test_conf_errors(void **state)
{
	static const char *const bad[] = {
		"force=yes",         "force=", "ready_gate=2",
		"shim_install=true", "force",  "force=true\njunk\n"
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		_cleanup_buf_ struct buf error = BUF_INIT;
		struct shim_conf c;

		assert_int_equal(shim_conf_parse(str_from(bad[i]), &c, &error),
				 -EINVAL);
		assert_memory_equal(buf_cstr(&error), "shim.conf: ", 11);
	}
}

static void test_conf_file(void **state)
{
	_cleanup_buf_ struct buf error = BUF_INIT;
	struct shim_conf c;

	(void)state;
	assert_int_equal(shim_conf_read("/nonexistent/x", &c, &error), 0);
	assert_false(c.force);
	/* there, but not readable as a file: force */
	assert_true(shim_conf_read("/", &c, &error) < 0);
	assert_true(c.force);
}

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(shim_name("bash"), "bash");
	assert_string_equal(shim_name("-bash"), "bash");
	assert_string_equal(shim_name("/usr/bin/bash"), "bash");
	assert_string_equal(shim_name("-/bin/sh"), "sh");
	assert_string_equal(shim_name("rbash"), "sh");
	assert_string_equal(shim_name(""), "sh");
}

static bool is_call(const char *command)
{
	char sh[] = "sh", c[] = "-c";
	char *argv[] = { sh, c, str_dup(str_from(command)), NULL };
	struct shim s = { .argv = argv, .argc = 3, .agentsh = BUF_INIT };
	bool r;

	/* any program will do in agentsh's place */
	assert_int_equal(setenv("AGENTSH_BIN", "/bin/ls", 1), 0);
	assert_int_equal(shim_find_agentsh(&s.agentsh), 0);
	r = shim_is_agentsh_call(&s);
	buf_done(&s.agentsh);
	free(argv[2]);
	return r;
}

static void test_agentsh_calls(void **state)
{
	static const char *const own[] = {
		"/bin/ls",
		"  ls --version",
		"exec nice nohup command ls -l",
		"ls exec s -- sh -c 'a; b | c && d $(e)'",
		"ls \"a;b\" a\\;b $HOME >x",
	};
	static const char *const others[] = {
		"",         "true", "ls; true",     "ls | cat",  "ls && x",
		"ls || x",  "ls &", "ls \"$(x)\"",  "ls `x`",    "ls <(true)",
		"ls\nx",    "(ls)", "ls 'x",        "exec",      "sh -c ls",
		"FOO=1 ls", "ls2",  "nice -n 5 ls", "exec exec",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(own); i++)
		if (!is_call(own[i]))
			fail_msg("not seen as agentsh's: %s", own[i]);
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		if (is_call(others[i]))
			fail_msg("seen as agentsh's: %s", others[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conf_values),
		cmocka_unit_test(test_conf_errors),
		cmocka_unit_test(test_conf_file),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_agentsh_calls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
