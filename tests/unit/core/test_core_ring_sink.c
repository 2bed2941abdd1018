/* SPDX-License-Identifier: MIT */
/*
 * test_core_ring_sink.c - overload: gaps are declared, denials are kept
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/event.h"
#include "core/ring_sink.h"

static struct ring *reader, *writer;
static struct ring_sink sink;

static int setup(void **state)
{
	int memfd, event;

	(void)state;
	if (ring_create(4096, &reader, &memfd, &event) < 0 ||
	    ring_attach(dup(memfd), dup(event), &writer) < 0)
		return -1;
	ring_sink_init(&sink, writer, STR("session-1"), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	ring_sink_done(&sink);
	reader = ring_free(reader);
	writer = ring_free(writer);
	return 0;
}

static int emit(bool denial)
{
	struct event e = EVENT_INIT("file_open");

	e.action = denial ? EVENT_BLOCKED : EVENT_ALLOWED;
	return sink_emit(&sink.sink, &e);
}

struct seen {
	unsigned int events, denials, gaps;
	int64_t dropped;
};

static void note(const struct event *e, struct seen *seen)
{
	if (str_eq(e->type, STR("events_dropped"))) {
		assert_string_equal(e->fields[0].key, "count");
		assert_true(str_eq(e->session_id, STR("session-1")));
		seen->gaps++;
		seen->dropped += e->fields[0].num;
		return;
	}
	seen->events++;
	if (e->action == EVENT_BLOCKED)
		seen->denials++;
}

/* Reads at most max events. */
static void drain(struct seen *seen, unsigned int max)
{
	struct str record;

	while (max-- && ring_peek(reader, &record) == 0) {
		_cleanup_arena_ struct arena a = ARENA_INIT(4096);
		struct event e;

		assert_int_equal(event_decode(record, &a, &e), 0);
		note(&e, seen);
		ring_consume(reader);
	}
}

static void test_overload(void **state)
{
	struct seen seen = { 0 };

	(void)state;
	for (int i = 0; i < 1000; i++)
		assert_int_equal(emit(false), 0);
	/* Gaps did not take the room of a denial, nor is anything lost. */
	assert_int_equal(emit(true), 0);
	drain(&seen, UINT32_MAX);
	assert_int_equal(seen.gaps, 1);
	assert_int_equal(seen.denials, 1);
	assert_int_equal((int64_t)seen.events + seen.dropped, 1001);
	assert_int_equal(emit(false), 0);
	drain(&seen, UINT32_MAX);
	assert_int_equal(seen.gaps, 1); /* declared once */
	assert_int_equal((int64_t)seen.events + seen.dropped, 1002);
}

/* A reader that is slow all the time: every event is there or counted. */
static void test_slow_reader(void **state)
{
	struct seen seen = { 0 };

	(void)state;
	for (int i = 0; i < 2000; i++) {
		assert_int_equal(emit(false), 0);
		if (i % 3 == 0)
			drain(&seen, 1);
	}
	drain(&seen, UINT32_MAX);
	assert_int_equal(emit(false), 0);
	drain(&seen, UINT32_MAX);
	assert_true(seen.gaps > 0 && seen.dropped > 0);
	assert_int_equal((int64_t)seen.events + seen.dropped, 2001);
}

/* Who has the time waits, and then nothing may happen; it is counted. */
static void test_waiting(void **state)
{
	struct seen seen = { 0 };
	unsigned int fit = 0;

	(void)state;
	sink.wait_ms = 20;
	while (emit(false) == 0)
		fit++;
	assert_true(fit > 10);
	assert_int_equal(emit(false), -EAGAIN);
	drain(&seen, UINT32_MAX);
	assert_int_equal(seen.events, fit);
	assert_int_equal(emit(false), 0);
	drain(&seen, UINT32_MAX);
	assert_int_equal(seen.gaps, 1);
	assert_int_equal(seen.dropped, 2);
}

static void test_reader_gone(void **state)
{
	(void)state;
	reader = ring_free(reader);
	assert_int_equal(emit(false), -EPIPE);
	assert_int_equal(emit(true), -EPIPE);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_overload),
		TEST(test_slow_reader),
		TEST(test_waiting),
		TEST(test_reader_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
