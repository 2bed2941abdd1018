/* SPDX-License-Identifier: MIT */
/*
 * test_cli_report.c - reports, counts and words
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/report.h"
#include "cli/stats.h"
#include "cli/tally.h"
#include "cli/words.h"

static const char events[] =
	"[{\"timestamp\":\"2026-01-01T00:00:00Z\",\"type\":\"session_created\","
	"\"fields\":{\"policy\":\"default\"}},"
	"{\"timestamp\":\"2026-01-01T00:00:01Z\",\"type\":\"command_started\","
	"\"fields\":{\"command\":\"cat\"}},"
	"{\"timestamp\":\"2026-01-01T00:00:02Z\",\"type\":\"file_open\","
	"\"path\":\"/etc/shadow\",\"policy\":{\"decision\":\"deny\","
	"\"effective_decision\":\"deny\",\"rule\":\"secrets\"}},"
	"{\"timestamp\":\"2026-01-01T00:00:03Z\",\"type\":\"net_connect\","
	"\"domain\":\"10.0.0.1\",\"remote\":\"10.0.0.1:8080\",\"policy\":{"
	"\"decision\":\"allow\",\"effective_decision\":\"allow\"}},"
	"{\"timestamp\":\"2026-01-01T00:01:05Z\",\"type\":\"command_finished\","
	"\"fields\":{\"exit_code\":1,\"command\":\"a|b`c\"}}]";

static void parse(struct arena *a, struct json **ret)
{
	assert_int_equal(json_parse(a, str_from(events), ret), 0);
}

static bool has(const struct buf *b, const char *text)
{
	return strstr(buf_cstr(b), text) != NULL;
}

static void test_report(void **state)
{
	_cleanup_arena_ struct arena a = ARENA_INIT(1 << 20);
	_cleanup_buf_ struct buf b = BUF_INIT, d = BUF_INIT;
	struct report_input in = { .session = "s",
				   .now_ns = INT64_C(1767225600000000000) };

	(void)state;
	parse(&a, &in.events);
	report_render(&in, &b);
	assert_true(has(&b, "# Session Report: s\n\n"
			    "**Generated:** 2026-01-01 00:00:00 UTC\n"));
	assert_true(has(&b, "| Duration | 1m 5s |\n| Commands | 1 |\n"
			    "| Policy | default |\n| Status | Active |\n"));
	assert_true(has(&b, "| Allowed | 1 |\n| Blocked | 1 |\n"));
	assert_false(has(&b, "| Redirected |"));
	assert_true(has(&b, "[CRITICAL] **Operations blocked** (1)"));
	assert_true(has(&b, "[WARNING] **Sensitive path access** (1)"));
	assert_true(has(&b, "[WARNING] **Direct IP connections** (1)"));
	assert_true(has(&b, "[WARNING] **Unusual port connections** (1)"));
	assert_true(has(&b, "[INFO] **Commands failed** (1)"));
	assert_false(has(&b, "## Event Timeline"));
	in.detailed = true;
	report_render(&in, &d);
	assert_true(has(&d, "# Session Report: s (Detailed)\n"));
	assert_true(has(&d, "## Blocked Operations\n\n- 2026-01-01T00:00:02Z "
			    "`file_open` /etc/shadow **blocked** (rule "
			    "secrets)\n"));
	/* text from the record cannot break the table or the markup */
	assert_true(has(&d, "a\\|b\\`c"));
}

static void test_report_llm(void **state)
{
	static const char text[] =
		"[{\"timestamp\":\"2026-01-01T00:00:00Z\",\"type\":"
		"\"llm_request\",\"fields\":{\"provider\":\"anthropic\","
		"\"redactions\":3}},"
		"{\"timestamp\":\"2026-01-01T00:00:01Z\",\"type\":"
		"\"llm_response\",\"fields\":{\"status\":200,"
		"\"input_tokens\":12,\"output_tokens\":34}},"
		"{\"timestamp\":\"2026-01-01T00:00:02Z\",\"type\":"
		"\"llm_request\",\"fields\":{\"provider\":\"anthropic\","
		"\"blocked_type\":\"ssn\"}}]";
	_cleanup_arena_ struct arena a = ARENA_INIT(1 << 20);
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct report_input in = { .session = "s" };

	(void)state;
	assert_int_equal(json_parse(&a, str_from(text), &in.events), 0);
	report_render(&in, &b);
	assert_true(has(&b, "## LLM Usage\n\n| | |\n|---|---|\n"
			    "| Requests | 2 |\n| Input tokens | 12 |\n"
			    "| Output tokens | 34 |\n"));
	assert_true(has(&b, "- anthropic (2, 1 blocked)\n"));
	assert_true(has(&b, "## DLP Events\n\n| | |\n|---|---|\n"
			    "| Redacted in requests | 3 |\n"
			    "| Requests blocked | 1 |\n"));
}

static void test_stats(void **state)
{
	_cleanup_arena_ struct arena a = ARENA_INIT(1 << 20);
	_cleanup_buf_ struct buf text = BUF_INIT, json = BUF_INIT;
	struct stats s = { .session = STR("s"),
			   .state = STR("ready"),
			   .uptime_sec = 3723 };
	struct json *v = NULL;

	(void)state;
	parse(&a, &v);
	stats_count(&s, v);
	stats_text(&s, &text);
	assert_true(has(&text, "Session: s\nState:   ready\n"
			       "Uptime:  1h 2m 3s\n"));
	assert_true(has(&text, "  allow        1 (50.0%)\n"
			       "  deny         1 (50.0%)\n"
			       "  prompt       0 (0.0%)\n"));
	stats_json(&s, &json);
	assert_true(has(&json, "\"duration\": \"1h 2m 3s\",\n"
			       "  \"duration_sec\": 3723,"));
	assert_true(has(&json, "\"total_events\": 5\n"));
}

static void test_tally(void **state)
{
	_cleanup_tally_ struct tally t = { 0 };
	char names[500][8];

	(void)state;
	for (unsigned int i = 0; i < 500; i++) {
		(void)snprintf(names[i], sizeof(names[i]), "n%u", i);
		for (unsigned int k = 0; k <= i % 7; k++)
			assert_int_equal(
				tally_add(&t, str_from(names[i]), k == 0), 0);
	}
	tally_sort(&t);
	assert_int_equal(t.items.n, 500);
	assert_int_equal(t.items.data[0].n, 7);
	assert_true(str_eq_c(t.items.data[0].text, "n6"));
	assert_int_equal(t.items.data[499].n, 1);
	assert_int_equal(t.items.data[499].denied, 1);
}

static void test_words(void **state)
{
	static const struct {
		const char *line;
		size_t n;
		const char *last;
		int r;
	} t[] = {
		{ "a b  c", 3, "c", 0 },
		{ "  'a b' \"c\\\"d\"", 2, "c\"d", 0 },
		{ "a\\ b", 1, "a b", 0 },
		{ "x ''", 2, "", 0 },
		{ "x'y'z", 1, "xyz", 0 },
		{ "", 0, NULL, 0 },
		{ "'open", 0, NULL, -EINVAL },
		{ "end\\", 0, NULL, -EINVAL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		_cleanup_words_ struct words w = WORDS_INIT;

		assert_int_equal(words_split(&w, str_from(t[i].line)), t[i].r);
		if (t[i].r < 0)
			continue;
		assert_int_equal(w.v.n, t[i].n);
		if (t[i].last)
			assert_string_equal(w.v.data[w.v.n - 1], t[i].last);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_report),
		cmocka_unit_test(test_report_llm),
		cmocka_unit_test(test_stats),
		cmocka_unit_test(test_tally),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
