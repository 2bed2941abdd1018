/* SPDX-License-Identifier: MIT */
/*
 * test_base_log.c - one line per message, whatever is in it
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"

static char text[8192];

/* Runs with stderr going to a pipe; what came out is in text. */
static void capture(void (*body)(void))
{
	int saved = dup(STDERR_FILENO), p[2];
	ssize_t n;

	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	assert_true(dup2(p[1], STDERR_FILENO) >= 0);
	(void)close(p[1]);
	body();
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	(void)close(saved);
	n = read(p[0], text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = '\0';
	(void)close(p[0]);
}

static void levels(void)
{
	log_init("prog", LOG_LEVEL_WARN);
	log_info("not shown");
	log_warn("shown %d", 1);
	assert_int_equal(log_error_errno(-ENOENT, "open %s", "x"), -ENOENT);
}

static void hostile(void)
{
	errno = 77;
	log_init("prog", LOG_LEVEL_DEBUG);
	log_debug("a\nprog: error: forged\x1b[2J");
	assert_int_equal(errno, 77);
}

static void long_line(void)
{
	char big[5000];

	memset(big, 'x', sizeof(big));
	big[sizeof(big) - 1] = '\0';
	log_error_errno(-EIO, "%s", big);
}

static void test_levels(void **state)
{
	(void)state;
	capture(levels);
	assert_string_equal(text, "prog: warn: shown 1\n"
				  "prog: error: open x: No such file or "
				  "directory\n");
}

static void test_one_line(void **state)
{
	(void)state;
	capture(hostile);
	assert_string_equal(text, "prog: debug: a?prog: error: forged?[2J\n");
	capture(long_line);
	assert_true(strlen(text) <= 2048);
	assert_int_equal(text[strlen(text) - 1], '\n');
}

static void as_json(void)
{
	log_init("prog", LOG_LEVEL_INFO);
	log_set_form(LOG_FORM_JSON);
	log_warn("a \"b\" \\ \x01 \xff \xc3\xa9");
	log_set_form(LOG_FORM_TEXT);
}

static void stamped(void)
{
	log_set_form(LOG_FORM_STAMPED);
	log_warn("late");
	log_set_form(LOG_FORM_TEXT);
}

static void big_json(void)
{
	char big[5000];

	memset(big, '"', sizeof(big));
	big[sizeof(big) - 1] = '\0';
	log_set_form(LOG_FORM_JSON);
	log_warn("%s", big);
	log_set_form(LOG_FORM_TEXT);
}

static void test_forms(void **state)
{
	(void)state;
	capture(as_json);
	assert_memory_equal(text, "{\"time\":\"20", 11);
	assert_string_equal(strchr(text, ','),
			    ",\"level\":\"warn\",\"program\":\"prog\","
			    "\"msg\":\"a \\\"b\\\" \\\\ ? "
			    "\xef\xbf\xbd \xc3\xa9\"}\n");
	capture(stamped);
	assert_string_equal(strchr(text, 'Z'), "Z prog: warn: late\n");
	capture(big_json);
	assert_true(strlen(text) <= 2048);
	assert_string_equal(text + strlen(text) - 4, "\"\"}\n");
}

static void inherit(void)
{
	log_inherit("child");
	log_info("hidden");
	log_warn("shown");
}

/* A worker logs as the server that starts it. */
static void test_inherited(void **state)
{
	(void)state;
	log_init("prog", LOG_LEVEL_WARN);
	assert_int_equal(log_bequeath(), 0);
	log_init("prog", LOG_LEVEL_DEBUG);
	capture(inherit);
	assert_string_equal(text, "child: warn: shown\n");
	assert_int_equal(setenv("AGENTSH_LOG", "9:x", 1), 0);
	capture(inherit);
	assert_string_equal(text, "child: info: hidden\nchild: warn: shown\n");
	(void)unsetenv("AGENTSH_LOG");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_levels),
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_inherited),
		cmocka_unit_test(test_one_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
