/* SPDX-License-Identifier: MIT */
/*
 * test_core_wakeful.c - held while requests flow, and only then
 *
 * A socket pair stands for the device: each write is one message.
 */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/wakeful.h"

#define SOON_MS 60000

static void pause_ms(long ms)
{
	const struct timespec ts = { .tv_nsec = ms * 1000000L };

	(void)nanosleep(&ts, NULL);
}

static int start(void)
{
	int sv[2];

	assert_int_equal(
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv), 0);
	assert_int_equal(wakeful_start_at(sv[1]), 0);
	return sv[0];
}

static void burst(void)
{
	for (unsigned int i = 0; i < 8 * WAKEFUL_BURST; i++)
		wakeful_touch();
}

/* Bursts until one was seen: on a busy machine each may be torn by a pause. */
static void flow(int device)
{
	struct pollfd p = { .fd = device, .events = POLLIN };

	for (int i = 0; i < 6000; i++) {
		burst();
		if (poll(&p, 1, 10) == 1)
			return;
	}
	fail();
}

static void assert_asked(int device, int32_t what)
{
	struct pollfd p = { .fd = device, .events = POLLIN };
	int32_t us = 12345;

	assert_int_equal(poll(&p, 1, SOON_MS), 1);
	assert_int_equal(read(device, &us, sizeof(us)), sizeof(us));
	assert_int_equal(us, what);
}

/* Held and let go in turn, as often as the flow was torn; let go in the end. */
static void assert_ends(int device)
{
	struct pollfd p = { .fd = device, .events = POLLIN };
	int32_t us, held = 0;

	assert_asked(device, -1);
	while (poll(&p, 1, 100) == 1 || held) {
		assert_int_equal(poll(&p, 1, SOON_MS), 1);
		assert_int_equal(read(device, &us, sizeof(us)), sizeof(us));
		assert_int_equal(us, held ? -1 : 0);
		held = !held;
	}
}

static void assert_silent(int device, int ms)
{
	struct pollfd p = { .fd = device, .events = POLLIN };

	assert_int_equal(poll(&p, 1, ms), 0);
}

static void test_holds_and_lets_go(void **state)
{
	int device = start();

	(void)state;
	for (int i = 0; i < 3; i++) {
		flow(device);
		assert_asked(device, 0);
		assert_ends(device);
	}
	wakeful_stop();
	(void)close(device);
}

/* One write for as long as they flow. */
static void test_one_write_per_flow(void **state)
{
	int device = start();

	(void)state;
	flow(device);
	assert_asked(device, 0);
	for (int i = 0; i < 2000; i++)
		burst();
	assert_ends(device);
	wakeful_stop();
	(void)close(device);
}

static void test_few_requests_do_not_count(void **state)
{
	int device = start();

	(void)state;
	for (unsigned int i = 0; i < 3 * WAKEFUL_BURST; i++) {
		wakeful_touch();
		pause_ms(3);
	}
	assert_silent(device, 0);
	wakeful_stop();
	(void)close(device);
}

static void test_ends_with_the_descriptor(void **state)
{
	int device = start();
	char c;

	(void)state;
	flow(device);
	assert_asked(device, 0);
	wakeful_stop();
	while (read(device, &c, 1) > 0)
		;
	wakeful_stop();
	burst(); /* nothing is there: nothing happens */
	(void)close(device);
	device = start();
	assert_int_equal(wakeful_start_at(dup(device)), -EALREADY);
	wakeful_stop();
	(void)close(device);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_holds_and_lets_go),
		cmocka_unit_test(test_one_write_per_flow),
		cmocka_unit_test(test_few_requests_do_not_count),
		cmocka_unit_test(test_ends_with_the_descriptor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
