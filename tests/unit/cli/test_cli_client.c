/* SPDX-License-Identifier: MIT */
/*
 * test_cli_client.c - the program against a scripted server
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/cli/fake_server.h"

#define HEAD(status) "HTTP/1.1 " status "\r\nConnection: close\r\n\r\n"
#define OK           HEAD("200 OK")
#define NO_SESSION   HEAD("404 Not Found") "{\"error\":\"session not found\"}\n"
#define RESPONSE(result)                                                    \
	"{\"command_id\":\"cmd-1\",\"session_id\":\"s\",\"result\":" result \
	",\"events\":{\"file_operations\":[],\"network_operations\":[],"    \
	"\"blocked_operations\":[]}}\n"
#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static bool has(const struct buf *b, const char *text)
{
	return strstr(buf_cstr(b), text) != NULL;
}

/* One run against f's script; both are to be released by the caller. */
static void go(struct fake *f, bool unix_socket, struct run *r,
	       const char *input, const char *const *words)
{
	fake_start(f, unix_socket);
	run_agentsh(r, f, input, words);
	fake_stop(f);
}

static void done(struct fake *f, struct run *r)
{
	fake_done(f);
	run_done(r);
}

static void test_exec_captured(void **state)
{
	struct fake f = {
		.n_steps = 1,
		.steps = { { .answer = OK RESPONSE(
				     "{\"exit_code\":3,\"stdout\":"
				     "\"o\\n\",\"stderr\":\"e\\n\"}") } }
	};
	struct run r = { 0 };

	(void)state;
	go(&f, false, &r, NULL, WORDS("exec", "s", "--", "ls", "-l"));
	assert_int_equal(r.status, 3);
	assert_string_equal(buf_cstr(&r.out), "o\n");
	assert_string_equal(buf_cstr(&r.err), "e\n");
	assert_true(has(&f.requests[0], "POST /api/v1/sessions/s/exec "));
	assert_true(has(&f.requests[0], "{\"command\":\"ls\",\"args\":[\"-l\"],"
					"\"include_events\":\"none\"}"));
	assert_int_equal(f.n_fds[0], 0);
	done(&f, &r);
}

static void test_exec_creates_session(void **state)
{
	struct fake f = {
		.n_steps = 3,
		.steps = { { .answer = NO_SESSION },
			   { .answer = HEAD("201 Created") "{\"id\":\"s\"}" },
			   { .answer = OK RESPONSE("{\"exit_code\":0}") } }
	};
	struct run r = { 0 };

	(void)state;
	go(&f, false, &r, NULL,
	   WORDS("exec", "--root=/tmp/x/..", "--no-detect-root", "s", "--",
		 "ls"));
	assert_int_equal(r.status, 0);
	assert_int_equal(f.n, 3);
	assert_true(has(&f.requests[1], "POST /api/v1/sessions "));
	assert_true(has(&f.requests[1], "{\"id\":\"s\",\"workspace\":\"/tmp"));
	assert_true(has(&f.requests[1], "\"detect_project_root\":false"));
	assert_true(has(&f.requests[2], "/s/exec "));
	done(&f, &r);
}

static void test_exec_is_never_sent_twice(void **state)
{
	struct fake f = { .n_steps = 2 }; /* closes without an answer */
	struct run r = { 0 };

	(void)state;
	go(&f, false, &r, NULL, WORDS("exec", "s", "--", "ls"));
	assert_int_equal(r.status, 1);
	assert_int_equal(f.n, 1);
	assert_true(has(&r.err, "was not sent again"));
	done(&f, &r);
}

static void test_exec_timeout_is_final(void **state)
{
	struct fake f = {
		.n_steps = 2,
		.steps = { { .delay_ms = 400,
			     .answer = OK RESPONSE("{\"exit_code\":0}") } }
	};
	struct run r = { 0 };

	(void)state;
	go(&f, false, &r, NULL,
	   WORDS("--client-timeout", "100ms", "exec", "s", "--", "ls"));
	assert_int_equal(r.status, 1);
	assert_int_equal(f.n, 1);
	assert_true(has(&r.err, "--client-timeout"));
	done(&f, &r);
}

static void test_exec_denied(void **state)
{
	struct fake f = { .n_steps = 1,
			  .steps = {
				  { .answer = HEAD("403 Forbidden") RESPONSE(
					    "{\"exit_code\":126},\"guidance\":{"
					    "\"blocked\":true,\"reason\":"
					    "\"command denied by policy\","
					    "\"policy_rule\":\"r\"}") } } };
	struct run r = { 0 };

	(void)state;
	go(&f, false, &r, NULL, WORDS("exec", "s", "--", "nc"));
	assert_int_equal(r.status, 126);
	assert_string_equal(buf_cstr(&r.err),
			    "agentsh: command denied by policy (rule=r)\n");
	done(&f, &r);
}

static void test_exec_passes_descriptors(void **state)
{
	struct fake f = {
		.n_steps = 1,
		.steps = { { .read_fd0 = "typed",
			     .to_fd1 = "to stdout",
			     .to_fd2 = "to stderr",
			     .answer = OK RESPONSE("{\"exit_code\":9}") } }
	};
	struct run r = { 0 };

	(void)state;
	go(&f, true, &r, "typed", WORDS("exec", "s", "--", "cat"));
	assert_int_equal(r.status, 9);
	assert_int_equal(f.n_fds[0], 3);
	assert_true(f.input_ok);
	assert_string_equal(buf_cstr(&r.out), "to stdout");
	assert_string_equal(buf_cstr(&r.err), "to stderr");
	assert_true(has(&f.requests[0], "\r\nX-Agentsh-Stdio: fds\r\n"));
	assert_true(has(&f.requests[0], "\r\nX-Agentsh-Command-Id: cmd-"));
	done(&f, &r);
}

static void test_exec_json_stdin(void **state)
{
	struct fake f = {
		.n_steps = 1,
		.steps = { { .read_fd0 = "given",
			     .answer = OK RESPONSE("{\"exit_code\":0}") } }
	};
	struct run r = { 0 };

	(void)state;
	go(&f, true, &r, "other",
	   WORDS("exec", "s", "--json",
		 "{\"command\":\"cat\",\"stdin\":\"given\"}"));
	assert_int_equal(r.status, 0);
	assert_true(f.input_ok);
	done(&f, &r);
}

static void test_exec_terminal(void **state)
{
	struct fake f = {
		.n_steps = 1,
		.steps = { { .read_fd0 = "hi\n",
			     .to_fd1 = "on the terminal\n",
			     .answer = OK RESPONSE("{\"exit_code\":5}") } }
	};
	struct run r = { 0 };

	(void)state;
	fake_start(&f, true);
	run_agentsh_tty(&r, &f, "hi\n", WORDS("exec", "s", "--", "vi"));
	fake_stop(&f);
	assert_int_equal(r.status, 5);
	assert_true(f.input_ok);
	assert_true(has(&f.requests[0], "\r\nX-Agentsh-Stdio: tty\r\n"));
	/* the command's terminal turned \n into \r\n, ours did not again */
	assert_true(has(&r.out, "on the terminal\r\n"));
	assert_false(has(&r.out, "\r\r"));
	assert_string_equal(buf_cstr(&r.err), "restored");
	done(&f, &r);
}

static void test_exec_json_output(void **state)
{
	struct fake f = {
		.n_steps = 1,
		.steps = { { .answer = OK RESPONSE("{\"exit_code\":2}") } }
	};
	struct run r = { 0 };

	(void)state;
	go(&f, true, &r, NULL,
	   WORDS("exec", "--output", "json", "s", "--", "x"));
	assert_int_equal(r.status, 2);
	assert_true(has(&r.out, "{\n  \"command_id\": \"cmd-1\",\n"));
	assert_int_equal(f.n_fds[0], 0);
	assert_true(has(&f.requests[0], "\"include_events\":\"summary\""));
	done(&f, &r);
}

static void test_exec_stream(void **state)
{
	struct fake f = {
		.n_steps = 1,
		.steps = { { .answer = OK
			     "event: stdout\ndata: {\"data\":\"a\\n\"}\n\n"
			     "event: stderr\ndata: {\"data\":\"b\"}\n\n"
			     "event: done\ndata: {\"exit_code\":4,"
			     "\"duration_ms\":7}\n\n" } }
	};
	struct run r = { 0 };

	(void)state;
	go(&f, false, &r, NULL, WORDS("exec", "--stream", "s", "--", "x"));
	assert_int_equal(r.status, 4);
	assert_string_equal(buf_cstr(&r.out), "a\n");
	assert_string_equal(buf_cstr(&r.err), "b");
	assert_true(has(&f.requests[0], "/s/exec/stream "));
	done(&f, &r);
}

static void test_exec_session_file(void **state)
{
	struct fake f = {
		.n_steps = 2,
		.steps = { { .answer = NO_SESSION },
			   { .answer = HEAD(
				     "400 Bad Request") "{\"error\":\"x\"}" } }
	};
	char path[] = "/tmp/agentsh-sid.XXXXXX";
	struct run r = { 0 };

	(void)state;
	(void)close(mkstemp(path));
	go(&f, false, &r, NULL,
	   WORDS("exec", "--session-file", path, "s", "--", "x"));
	assert_int_equal(r.status, 1);
	assert_string_equal(buf_cstr(&r.err),
			    "agentsh: session \"s\" cannot be made: "
			    "{\"error\":\"x\"}\n"
			    "session \"s\" no longer exists (cache "
			    "invalidated); retry your command\n");
	assert_int_equal(access(path, F_OK), -1);
	done(&f, &r);
}

struct verb_case {
	const char *const *words;
	const char *answer;
	const char *request; /* must be in it */
	const char *out, *err;
	int status;
};

static const struct verb_case verb_cases[] = {
	{ WORDS("session", "destroy", "a b"), HEAD("204 No Content"),
	  "DELETE /api/v1/sessions/a%20b ", "ok\n", "", 0 },
	{ WORDS("session", "info", "x"), NO_SESSION, "GET /api/v1/sessions/x ",
	  "",
	  "GET /api/v1/sessions/x: 404 Not Found: "
	  "{\"error\":\"session not found\"}\n"
	  "agentsh: hint: agentsh session list names those there are\n",
	  1 },
	{ WORDS("session", "list"), OK "[]", "GET /api/v1/sessions ", "[]\n",
	  "", 0 },
	{ WORDS("session", "create", "--workspace", "/tmp"),
	  HEAD("201 Created") "{\"id\":\"session-1\"}",
	  "{\"workspace\":\"/tmp\",\"home\":", "Session session-1 started\n",
	  "", 0 },
	{ WORDS("session", "update", "s", "--set-env", "A=b=c", "--unset-env",
		"D"),
	  OK "{\"id\":\"s\"}", "{\"env\":{\"A\":\"b=c\"},\"unset\":[\"D\"]}",
	  "{\n  \"id\": \"s\"\n}\n", "", 0 },
	{ WORDS("kill", "s", "cmd-1"), OK "{\"ok\":true}",
	  "POST /api/v1/sessions/s/kill/cmd-1 ", "ok\n", "", 0 },
	{ WORDS("output", "s", "cmd-1", "--stream=stderr", "--offset", "2"),
	  OK "{\"data\":\"xyz\",\"has_more\":true,\"total_bytes\":9}",
	  "/output/cmd-1?stream=stderr&offset=2&limit=65536 ", "xyz",
	  "\n-- more -- offset=5 total=9\n", 0 },
	{ WORDS("events", "query", "--session", "s", "--type", "a,b",
		"--path-like", "/etc/%", "--limit", "3"),
	  OK "null",
	  "GET /api/v1/events/search?session_id=s&type=a%2Cb&path_like=%2F"
	  "etc%2F%25&limit=3&offset=0 ",
	  "null\n", "", 0 },
	{ WORDS("events", "tail", "s"),
	  OK "event: ready\ndata: {}\n\ndata: {\"type\":\"x\"}\n\n",
	  "GET /api/v1/sessions/s/events ", "{\"type\":\"x\"}\n", "", 0 },
	{ WORDS("approve", "resolve", "approval-1", "--allow", "--reason",
		"fine"),
	  OK "{\"ok\":true}", "{\"decision\":\"approve\",\"reason\":\"fine\"}",
	  "ok\n", "", 0 },
	{ WORDS("debug", "pending"), OK "[]", "GET /api/v1/approvals ",
	  "No pending approvals\n", "", 0 },
	{ WORDS("debug", "policy-test", "--op", "file_write", "--path",
		"/etc/x"),
	  OK "{\"decision\":\"deny\",\"policy_decision\":\"deny\",\"reason\":"
	     "\"no\",\"rule\":\"r\"}",
	  "{\"operation\":\"file_write\",\"path\":\"/etc/x\"}",
	  "Operation: file_write\nPath:      /etc/x\n\nDecision:  DENY\n"
	  "Rule:      r\nReason:    no\nSource:    default policy\n",
	  "", 0 },
	{ WORDS("proxy", "status", "s"),
	  OK "{\"state\":\"running\",\"address\":\"127.0.0.1:5\",\"mode\":"
	     "\"embedded\",\"dlp_mode\":\"redact\",\"active_patterns\":3,"
	     "\"total_requests\":2,\"requests_with_redactions\":1,"
	     "\"total_input_tokens\":10,\"total_output_tokens\":20}",
	  "GET /api/v1/sessions/s/proxy ",
	  "Session: s\nProxy: running on 127.0.0.1:5\nMode: embedded\n"
	  "DLP: redact (3 patterns active)\nRequests: 2 (1 with redactions)\n"
	  "Tokens: 10 in / 20 out\n",
	  "", 0 },
};

static void test_verbs(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(verb_cases); i++) {
		const struct verb_case *t = &verb_cases[i];
		struct fake f = { .n_steps = 1,
				  .steps = { { .answer = t->answer } } };
		struct run r = { 0 };

		go(&f, false, &r, NULL, t->words);
		assert_true(has(&f.requests[0], t->request));
		assert_string_equal(buf_cstr(&r.out), t->out);
		assert_string_equal(buf_cstr(&r.err), t->err);
		assert_int_equal(r.status, t->status);
		done(&f, &r);
	}
}

static void expect_usage(const char *const *words, const char *err)
{
	struct run r = { 0 };

	run_agentsh(&r, NULL, NULL, words);
	assert_string_equal(buf_cstr(&r.err), err);
	assert_int_equal(r.status, 1);
	run_done(&r);
}

static void test_usage_errors(void **state)
{
	(void)state;
	expect_usage(WORDS("xyzzy"),
		     "unknown command \"xyzzy\" for \"agentsh\"\n");
	expect_usage(WORDS("session", "info"),
		     "accepts 1 arg(s), received 0\n"
		     "agentsh: hint: usage: agentsh session info SESSION\n");
	expect_usage(WORDS("exec", "--nope"), "unknown flag: --nope\n");
	expect_usage(WORDS("report", "latest"),
		     "required flag(s) \"level\" not set\n");
	expect_usage(WORDS("exec", "--output=xml", "s", "--", "ls"),
		     "invalid --output \"xml\" (expected shell|json)\n");
	expect_usage(WORDS("exec", "--tiemout", "1s"),
		     "unknown flag: --tiemout (did you mean \"--timeout\"?)\n");
	expect_usage(WORDS("exec", "s", "--"),
		     "command is required\nagentsh: hint: usage: agentsh exec "
		     "[flags] [SESSION] -- COMMAND [ARG...]\n");
	expect_usage(WORDS("exec", "s", "--", "rm", "a\xff"),
		     "word 2 of the command is not UTF-8 and cannot be sent: "
		     "a\\xff (a shell inside can make it: sh -c 'cmd "
		     "\"$(printf ...)\"')\n");
	expect_usage(WORDS("exec", "--", "ls"),
		     "session id is required (provide as argument or set "
		     "AGENTSH_SESSION_ID)\n");
	expect_usage(WORDS("approve", "resolve", "x", "--allow", "--deny"),
		     "choose exactly one of --allow or --deny\n");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exec_captured),
		cmocka_unit_test(test_exec_creates_session),
		cmocka_unit_test(test_exec_is_never_sent_twice),
		cmocka_unit_test(test_exec_timeout_is_final),
		cmocka_unit_test(test_exec_denied),
		cmocka_unit_test(test_exec_passes_descriptors),
		cmocka_unit_test(test_exec_json_stdin),
		cmocka_unit_test(test_exec_terminal),
		cmocka_unit_test(test_exec_json_output),
		cmocka_unit_test(test_exec_stream),
		cmocka_unit_test(test_exec_session_file),
		cmocka_unit_test(test_verbs),
		cmocka_unit_test(test_usage_errors),
	};

	agentsh_path = argc > 1 ? argv[1] : "agentsh";
	return cmocka_run_group_tests(tests, NULL, NULL);
}
