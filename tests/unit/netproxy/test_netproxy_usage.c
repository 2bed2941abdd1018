/* SPDX-License-Identifier: MIT */
/* Usage as the services' documentation shows it; events in every split. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "netproxy/sse.h"
#include "netproxy/usage.h"

static void take(void *arg, struct str name, struct str data)
{
	(void)name;
	usage_take(arg, data);
}

static void test_anthropic(void **state)
{
	static const char text[] =
		"event: message_start\r\n"
		"data: {\"type\":\"message_start\",\"message\":{\"usage\":"
		"{\"input_tokens\":21,\"cache_creation_input_tokens\":5,\r\n"
		"data: \"cache_read_input_tokens\":7,\"output_tokens\":1}}}"
		"\r\n\r\n: comment\nevent: ping\ndata: {}\n\n"
		"event: message_delta\ndata:{\"usage\":{\"output_tokens\":11}}"
		"\n\n";

	(void)state;
	for (size_t cut = 0; cut < sizeof(text) - 1; cut++) {
		struct usage u = { 0 };
		struct sse s = { 0 };

		sse_feed(&s, str_from_n(text, cut), take, &u);
		sse_feed(&s, str_skip(str_from(text), cut), take, &u);
		assert_true(u.present);
		assert_int_equal(u.input, 21);
		assert_int_equal(u.output, 11);
		assert_int_equal(u.cache_read, 7);
		assert_int_equal(u.cache_write, 5);
		assert_int_equal(usage_total(&u), 44);
		sse_done(&s);
	}
}

static void test_openai(void **state)
{
	struct usage u = { 0 };

	(void)state;
	usage_take(&u, STR("{\"usage\":null}"));
	assert_false(u.present);
	usage_take(&u, STR("{\"usage\":{\"prompt_tokens\":30,"
			   "\"completion_tokens\":9,\"prompt_tokens_details\":"
			   "{\"cached_tokens\":10},"
			   "\"completion_tokens_details\":"
			   "{\"reasoning_tokens\":4}}}"));
	assert_int_equal(u.input, 20);
	assert_int_equal(u.cache_read, 10);
	assert_int_equal(u.output, 9);
	assert_int_equal(u.reasoning, 4);
	u = (struct usage){ 0 };
	usage_take(&u, STR("{\"type\":\"response.completed\",\"response\":"
			   "{\"usage\":{\"input_tokens\":40,\"output_tokens\":"
			   "12,\"input_tokens_details\":{\"cached_tokens\":15}"
			   "}}}"));
	assert_int_equal(u.input, 25);
	assert_int_equal(u.cache_read, 15);
	assert_int_equal(u.output, 12);
	/* nonsense does not count */
	u = (struct usage){ 0 };
	usage_take(&u, STR("{\"usage\":{\"input_tokens\":-5}}"));
	usage_take(&u, STR("{\"usage\":{\"input_tokens\":1e99}}"));
	usage_take(&u, STR("{\"usage\":[1]}"));
	usage_take(&u, STR("{\"usage\""));
	assert_int_equal(usage_total(&u), 0);
}

static void count(void *arg, struct str name, struct str data)
{
	(void)name;
	(void)data;
	++*(int *)arg;
}

static void test_long_event(void **state)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct sse s = { 0 };
	int n = 0;

	(void)state;
	buf_puts(&text, "data: ");
	for (size_t i = 0; i < SSE_MAX_EVENT + 10; i++)
		buf_putc(&text, 'x');
	buf_puts(&text, "\n\ndata: y\n\n");
	for (size_t i = 0; i < text.len; i += 65536)
		sse_feed(&s,
			 str_from_n(text.data + i,
				    MIN((size_t)65536, text.len - i)),
			 count, &n);
	assert_int_equal(n, 1);
	assert_int_equal(s.skipped, 1);
	sse_done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_anthropic),
		cmocka_unit_test(test_openai),
		cmocka_unit_test(test_long_event),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
