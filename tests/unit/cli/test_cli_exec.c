/* SPDX-License-Identifier: MIT */
/*
 * test_cli_exec.c - exec: whose session, which command, what is explained
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/exec.h"
#include "cli/words.h"

struct resolve_case {
	const char *words; /* after the parser: its "--" is gone */
	int dash;
	const char *env;
	const char *session; /* NULL: an error */
	int first;
};

static const struct resolve_case resolve_cases[] = {
	/* words, where the dash was, environment -> session, first word */
	{ "demo ls -l", 1, "", "demo", 1 },
	{ "demo ls", 1, "other", "demo", 1 }, /* the word wins */
	{ "ls", 0, "env", "env", 0 },
	{ "ls", 0, "", NULL, 0 },
	{ "demo ls", -1, "", "demo", 1 },
	{ "env ls", -1, "env", "env", 1 },
	{ "ls -l", -1, "env", "env", 0 },
	{ "demo ls -x", 2, "", "demo", 1 },
	{ "demo -- ls", 0, "", "demo", 2 }, /* a second, literal one */
	{ "-- ls", 0, "env", "env", 1 },
	{ "-- ls", 0, "", NULL, 0 },
	{ "", -1, "", NULL, 0 },
	{ "demo", -1, "", "demo", 1 }, /* no command: noticed later */
};

static void test_resolve(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(resolve_cases); i++) {
		const struct resolve_case *t = &resolve_cases[i];
		_cleanup_words_ struct words w = WORDS_INIT;
		_cleanup_buf_ struct buf error = BUF_INIT;
		struct exec_words x;
		int r;

		assert_int_equal(words_split(&w, str_from(t->words)), 0);
		x = (struct exec_words){ .args = w.v.data,
					 .n = (int)w.v.n,
					 .dash = t->dash,
					 .env_session = t->env };
		r = exec_resolve(&x, &error);
		if (!t->session) {
			assert_true(r < 0);
			assert_non_null(strstr(buf_cstr(&error),
					       "session id is required"));
			continue;
		}
		assert_int_equal(r, 0);
		assert_string_equal(x.session, t->session);
		assert_int_equal(x.first, t->first);
	}
}

struct guidance_case {
	const char *response;
	const char *text;
	int status;
};

static const struct guidance_case guidance_cases[] = {
	{ "{\"result\":{\"exit_code\":126},\"guidance\":{\"blocked\":true,"
	  "\"reason\":\"command denied by policy\",\"policy_rule\":\"r1\","
	  "\"suggestions\":[{\"action\":\"a\",\"command\":\"\","
	  "\"reason\":\"adjust\"}]}}",
	  "agentsh: command denied by policy (rule=r1)\n"
	  "agentsh: hint: adjust\n",
	  126 },
	/* the rule once, not twice */
	{ "{\"result\":{\"exit_code\":0},\"guidance\":{\"blocked\":true,"
	  "\"blocked_operation\":\"net_connect\","
	  "\"reason\":\"blocked by policy (rule=r2)\",\"policy_rule\":\"r2\","
	  "\"substitutions\":[{\"command\":\"wget x\"}]}}",
	  "agentsh: blocked by policy (rule=r2)\nagentsh: try: wget x\n", 0 },
	/* a file looked at in vain by a command that succeeded: silence */
	{ "{\"result\":{\"exit_code\":0},\"guidance\":{\"blocked\":true,"
	  "\"blocked_operation\":\"file_open\","
	  "\"reason\":\"blocked by policy\"}}",
	  "", 0 },
	{ "{\"result\":{\"exit_code\":1},\"guidance\":{\"blocked\":true,"
	  "\"blocked_operation\":\"file_open\",\"policy_rule\":\"r\","
	  "\"reason\":\"blocked by policy\"}}",
	  "agentsh: blocked by policy (rule=r)\n", 1 },
	{ "{\"result\":{\"exit_code\":127},\"guidance\":{"
	  "\"reason\":\"command failed\"}}",
	  "agentsh: command failed\n", 127 },
	{ "{\"result\":{\"exit_code\":0},\"guidance\":{\"status\":\"ok\"}}", "",
	  0 },
	{ "{\"result\":{\"exit_code\":-1}}", "", 255 },
	/* old servers */
	{ "{\"request\":{\"command\":\"/usr/bin/curl\","
	  "\"args\":[\"-s\",\"http://x/\"]},\"result\":{\"exit_code\":126,"
	  "\"error\":{\"policy_rule\":\"r3\",\"message\":\"M\"}}}",
	  "agentsh: blocked by policy (rule=r3): M\n"
	  "agentsh: try: wget -qO- http://x/\n",
	  126 },
	{ "{\"result\":{\"exit_code\":1},\"events\":{\"blocked_operations\":["
	  "{\"path\":\"/etc/shadow\",\"policy\":{\"rule\":\"r4\"}}]}}",
	  "agentsh: blocked by policy (rule=r4): /etc/shadow\n", 1 },
};

static void test_guidance(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(guidance_cases); i++) {
		const struct guidance_case *t = &guidance_cases[i];
		_cleanup_arena_ struct arena a = ARENA_INIT(1 << 20);
		_cleanup_buf_ struct buf out = BUF_INIT;
		struct json *v = NULL;

		assert_int_equal(json_parse(&a, str_from(t->response), &v), 0);
		exec_guidance(v, &out);
		assert_string_equal(buf_cstr(&out), t->text);
		assert_int_equal(exec_status(v), t->status);
	}
}

static void test_request(void **state)
{
	char cmd[] = "/bin/sh", arg[] = "a\"<b";
	char *argv[] = { cmd, arg };
	struct exec_call x = { .argv = argv,
			       .argc = 2,
			       .timeout = "1s",
			       .argv0 = "",
			       .json = "",
			       .events = "none" };

	(void)state;
	assert_int_equal(exec_build_request(&x), 0);
	assert_string_equal(buf_cstr(&x.body),
			    "{\"command\":\"/bin/sh\",\"args\":[\"a\\\"\\u003cb"
			    "\"],\"timeout\":\"1s\","
			    "\"include_events\":\"none\"}");
	exec_call_done(&x);
}

static void test_request_json(void **state)
{
	struct exec_call x = { .timeout = "9s",
			       .argv0 = "",
			       .events = "summary",
			       .json = "{\"command\":\"cat\",\"timeout\":\"1s\","
				       "\"stdin\":\"hi\"}" };

	(void)state;
	assert_int_equal(exec_build_request(&x), 0);
	assert_string_equal(buf_cstr(&x.body),
			    "{\"command\":\"cat\",\"stdin\":\"hi\","
			    "\"timeout\":\"9s\","
			    "\"include_events\":\"summary\"}");
	assert_true(x.has_stdin);
	assert_string_equal(buf_cstr(&x.stdin_data), "hi");
	exec_call_done(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_resolve),
		cmocka_unit_test(test_guidance),
		cmocka_unit_test(test_request),
		cmocka_unit_test(test_request_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
