/* SPDX-License-Identifier: MIT */
/*
 * test_core_event.c - binary form, JSON form, and what counts as a denial
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/event.h"
#include "core/limits.h"

static const struct str argv[] = { { "sh", 2 }, { "-c", 2 }, { "<&>", 3 } };

/* Every member set. */
static struct event full(void)
{
	struct event e = EVENT_INIT("execve");

	e.id = STR("id-1");
	e.timestamp_ns = 1767225600123000000;
	e.session_id = STR("s");
	e.command_id = STR("cmd");
	e.source = STR("ptrace");
	e.pid = 10;
	e.parent_pid = 9;
	e.depth = 2;
	e.has_policy = true;
	e.decision = VERDICT_APPROVE;
	e.effective_decision = VERDICT_DENY;
	e.rule = STR("r");
	e.message = STR("m");
	e.generation = 7;
	e.approval_required = true;
	e.approval_mode = STR("enforced");
	e.approval_id = STR("approval-1");
	e.redirect_to = STR("/bin/true");
	e.filename = STR("/bin/sh");
	e.raw_filename = STR("sh");
	e.argv = argv;
	e.argc = 3;
	e.truncated = true;
	e.unwrapped_from = STR("env");
	e.payload_command = STR("ls");
	e.path = STR("/p");
	e.abstract = true;
	e.domain = STR("d");
	e.remote = STR("1.2.3.4:5");
	e.operation = STR("exec");
	e.action = EVENT_BLOCKED;
	event_add_str(&e, "z", STR("last"));
	event_add_int(&e, "size", -5);
	event_add_bool(&e, "blocked", true);
	event_add_json(&e, "args", STR("[\"a\"]"));
	return e;
}

#define FULL_JSON                                                             \
	"{\"id\":\"id-1\",\"timestamp\":\"2026-01-01T00:00:00.123Z\","        \
	"\"type\":\"execve\",\"session_id\":\"s\",\"command_id\":\"cmd\","    \
	"\"source\":\"ptrace\",\"pid\":10,\"policy\":{\"decision\":"          \
	"\"approve\",\"effective_decision\":\"deny\",\"rule\":\"r\","         \
	"\"message\":\"m\",\"approval\":{\"required\":true,\"mode\":"         \
	"\"enforced\",\"id\":\"approval-1\"},\"redirect\":{\"command\":"      \
	"\"/bin/true\"}},\"parent_pid\":9,\"depth\":2,\"filename\":"          \
	"\"/bin/sh\",\"raw_filename\":\"sh\",\"argv\":[\"sh\",\"-c\","        \
	"\"\\u003c\\u0026\\u003e\"],\"truncated\":true,\"unwrapped_from\":"   \
	"\"env\",\"payload_command\":\"ls\",\"path\":\"/p\",\"abstract\":"    \
	"true,\"domain\":\"d\",\"remote\":\"1.2.3.4:5\",\"operation\":"       \
	"\"exec\",\"effective_action\":\"blocked\",\"fields\":{\"args\":"     \
	"[\"a\"],\"blocked\":true,\"policy_generation\":7,\"size\":-5,\"z\":" \
	"\"last\"}}"

static void to_json(const struct event *e, const char *want)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct json_writer w;

	json_writer_init(&w, &b, 0);
	event_to_json(e, &w);
	assert_string_equal(buf_cstr(&b), want);
}

static void test_json(void **state)
{
	struct event e = full(), least = EVENT_INIT("file_open");

	(void)state;
	to_json(&e, FULL_JSON);
	least.timestamp_ns = 1;
	to_json(&least, "{\"timestamp\":\"1970-01-01T00:00:00.000000001Z\","
			"\"type\":\"file_open\",\"session_id\":\"\"}");
}

static void test_round_trip(void **state)
{
	_cleanup_arena_ struct arena a = ARENA_INIT(0);
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct event e = full(), back;

	(void)state;
	assert_int_equal(event_encode(&e, &b), 0);
	assert_int_equal(event_decode(buf_str(&b), &a, &back), 0);
	to_json(&back, FULL_JSON);
	assert_int_equal(back.generation, 7);
	assert_int_equal(back.depth, 2);
}

static void test_defaults(void **state)
{
	_cleanup_arena_ struct arena a = ARENA_INIT(0);
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct event e = EVENT_INIT("file_open"), back;

	(void)state;
	assert_int_equal(event_encode(&e, &b), 0);
	assert_int_equal(event_decode(buf_str(&b), &a, &back), 0);
	assert_true(back.timestamp_ns > 1700000000LL * 1000000000);
	assert_int_equal(back.depth, -1);
	assert_false(back.has_policy);
	assert_int_equal(back.n_fields, 0);
	assert_null(back.argv);
}

/* Cut at every byte, and with one byte more: never an event. */
static void test_truncated(void **state)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct event e = full(), back;

	(void)state;
	assert_int_equal(event_encode(&e, &b), 0);
	for (size_t n = 0; n < b.len; n++) {
		_cleanup_arena_ struct arena a = ARENA_INIT(65536);
		char *copy = str_dup(str_from_n(b.data, n));

		assert_int_equal(event_decode(str_from_n(copy, n), &a, &back),
				 -EBADMSG);
		free(copy);
	}
	buf_putc(&b, 'x');
	{
		_cleanup_arena_ struct arena a = ARENA_INIT(65536);

		assert_int_equal(event_decode(buf_str(&b), &a, &back),
				 -EBADMSG);
	}
}

static void raw_json_refused(struct str json)
{
	_cleanup_arena_ struct arena a = ARENA_INIT(0);
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct event e = EVENT_INIT("x"), back;

	event_add_json(&e, "k", json);
	assert_int_equal(event_encode(&e, &b), 0);
	assert_int_equal(event_decode(buf_str(&b), &a, &back), -EBADMSG);
}

/* A worker cannot forge members or log lines with raw JSON. */
static void test_forged_json(void **state)
{
	(void)state;
	raw_json_refused(STR("1},\"policy\":{\"decision\":\"allow\"}"));
	raw_json_refused(STR("[1,\n2]"));
	raw_json_refused(STR("[1]\n{\"forged\":\"line\"}"));
	raw_json_refused(STR(""));
	raw_json_refused(STR("\"\xff\""));
}

static void test_long_argv(void **state)
{
	_cleanup_arena_ struct arena a = ARENA_INIT(0);
	_cleanup_buf_ struct buf b = BUF_INIT;
	static char big[LIMIT_ARGV_BYTES];
	static struct str many[EVENT_MAX_ARGV + 10];
	struct event e = EVENT_INIT("execve"), back;

	(void)state;
	e.argv = many;
	e.argc = ARRAY_LEN(many);
	assert_int_equal(event_encode(&e, &b), 0);
	assert_int_equal(event_decode(buf_str(&b), &a, &back), 0);
	assert_int_equal(back.argc, EVENT_MAX_ARGV);
	assert_true(back.truncated);
	many[0] = STR("prog");
	many[1] = str_from_n(big, sizeof(big));
	e.argc = 3;
	buf_reset(&b);
	assert_int_equal(event_encode(&e, &b), 0);
	assert_int_equal(event_decode(buf_str(&b), &a, &back), 0);
	assert_int_equal(back.argc, 1);
	assert_true(back.truncated);
}

static void test_too_big(void **state)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	static char big[EVENT_MAX_BYTES];
	struct event e = EVENT_INIT("x");

	(void)state;
	buf_puts(&b, "before");
	e.path = str_from_n(big, sizeof(big));
	assert_int_equal(event_encode(&e, &b), -E2BIG);
	assert_int_equal(b.len, 6);
}

static void test_fields(void **state)
{
	static char keys[40][8];
	struct event e = EVENT_INIT("x");

	(void)state;
	e.timestamp_ns = 1;
	event_add_int(&e, "k", 1);
	event_add_str(&e, "k", STR("two")); /* replaces */
	assert_int_equal(e.n_fields, 1);
	to_json(&e, "{\"timestamp\":\"1970-01-01T00:00:00.000000001Z\","
		    "\"type\":\"x\",\"session_id\":\"\","
		    "\"fields\":{\"k\":\"two\"}}");
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		(void)snprintf(keys[i], sizeof(keys[i]), "f%zu", i);
		event_add_int(&e, keys[i], 1);
	}
	assert_int_equal(e.n_fields, EVENT_MAX_FIELDS);
}

static void test_denials(void **state)
{
	struct event e = EVENT_INIT("x");

	(void)state;
	assert_false(event_is_denial(&e)); /* no policy, no action */
	e.has_policy = true;
	assert_true(event_is_denial(&e)); /* zeroed: deny */
	e.effective_decision = VERDICT_ALLOW;
	assert_false(event_is_denial(&e));
	event_add_bool(&e, "blocked", false);
	assert_false(event_is_denial(&e));
	event_add_bool(&e, "blocked", true);
	assert_true(event_is_denial(&e));
	e.n_fields = 0;
	e.action = EVENT_BLOCKED;
	assert_true(event_is_denial(&e));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_forged_json),
		cmocka_unit_test(test_long_argv),
		cmocka_unit_test(test_too_big),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_denials),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
