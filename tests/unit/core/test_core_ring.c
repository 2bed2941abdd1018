/* SPDX-License-Identifier: MIT */
/*
 * test_core_ring.c - wrap, overload, wake-ups, hostile memory, two processes
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "core/ring.h"

#define SIZE   4096U
#define HEADER 4096U
#define TAIL   64U /* offset of the writer's counter, see ring.c */

static struct ring *reader, *writer;
static int memfd, event;

static int setup(void **state)
{
	(void)state;
	if (ring_create(SIZE, &reader, &memfd, &event) < 0)
		return -1;
	return ring_attach(dup(memfd), dup(event), &writer);
}

static int teardown(void **state)
{
	(void)state;
	reader = ring_free(reader);
	writer = ring_free(writer);
	return 0;
}

static bool readable(void)
{
	struct pollfd p = { .fd = event, .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

static struct str peek(void)
{
	struct str s = STR_NONE;

	assert_int_equal(ring_peek(reader, &s), 0);
	return s;
}

static void assert_empty(void)
{
	struct str s;

	assert_int_equal(ring_peek(reader, &s), -EAGAIN);
}

static void test_basics(void **state)
{
	(void)state;
	assert_empty();
	assert_int_equal(ring_write(writer, STR("one"), false, 0), 0);
	assert_int_equal(ring_write(writer, STR_NONE, false, 0), 0);
	assert_true(str_eq(peek(), STR("one")));
	assert_true(str_eq(peek(), STR("one"))); /* until consumed */
	ring_consume(reader);
	assert_true(str_eq(peek(), STR("")));
	ring_consume(reader);
	assert_empty();
	ring_consume(reader); /* nothing to consume: no harm */
	assert_empty();
}

/* Sizes that do not divide the ring, so that records and lengths wrap. */
static void test_wrap(void **state)
{
	char record[700];

	(void)state;
	for (size_t i = 0; i < 5000; i++) {
		size_t n = i * 37 % sizeof(record);

		memset(record, (int)('a' + i % 26), sizeof(record));
		assert_int_equal(
			ring_write(writer, str_from_n(record, n), false, 0), 0);
		assert_true(str_eq(peek(), str_from_n(record, n)));
		ring_consume(reader);
	}
}

static void test_wakeup(void **state)
{
	(void)state;
	assert_int_equal(ring_write(writer, STR("a"), false, 0), 0);
	assert_false(readable()); /* the reader never said it sleeps */
	(void)peek();
	ring_consume(reader);
	assert_empty();
	assert_false(readable());
	assert_int_equal(ring_write(writer, STR("b"), false, 0), 0);
	assert_true(readable());
	assert_int_equal(ring_write(writer, STR("c"), false, 0), 0);
	(void)peek();
	assert_false(readable()); /* reset by looking */
	ring_consume(reader);
	(void)peek();
	ring_consume(reader);
	assert_empty();
	assert_empty();
	assert_int_equal(ring_write(writer, STR("d"), false, 0), 0);
	assert_true(readable());
}

static void test_overload(void **state)
{
	char record[120] = { 0 };
	struct str s = str_from_n(record, sizeof(record));
	int n = 0;

	(void)state;
	while (ring_write(writer, s, false, 0) == 0)
		n++;
	assert_true(n * 128 <= (int)(SIZE - SIZE / 8));
	assert_int_equal(ring_write(writer, s, false, 0), -EAGAIN);
	assert_int_equal(ring_take_dropped(writer), 2);
	assert_int_equal(ring_take_dropped(writer), 0);
	/* The last eighth is for what must be kept. */
	assert_int_equal(ring_write(writer, s, true, 0), 0);
	while (ring_write(writer, s, true, 0) == 0)
		n++;
	assert_int_equal(ring_write(writer, s, true, 5), -EAGAIN);
	assert_int_equal(ring_take_dropped(writer), 2);
	(void)peek();
	ring_consume(reader);
	assert_int_equal(ring_write(writer, s, true, 0), 0);
}

static void test_limits(void **state)
{
	static char record[SIZE];
	int a, b;
	struct ring *r = NULL;

	(void)state;
	assert_int_equal(ring_write(writer, str_from_n(record, SIZE / 2 - 4),
				    false, 0),
			 0);
	assert_int_equal(ring_write(writer, str_from_n(record, SIZE / 2 - 3),
				    true, 0),
			 -E2BIG);
	assert_int_equal(ring_create(5000, &r, &a, &b), -EINVAL);
	assert_int_equal(ring_create(1024, &r, &a, &b), -EINVAL);
	assert_int_equal(ring_attach(-1, event, &r), -EBADF);
	a = fd_sealed_memfd("no ring", STR("x"));
	assert_int_equal(ring_attach(a, event, &r), -EBADMSG);
	(void)close(a);
	assert_int_equal(ftruncate(memfd, 0), -1); /* sealed */
}

static void test_reader_gone(void **state)
{
	(void)state;
	reader = ring_free(reader);
	assert_int_equal(ring_write(writer, STR("x"), false, 0), -EPIPE);
	assert_int_equal(ring_write(writer, STR("x"), true, 1000), -EPIPE);
}

/* A shared view of the ring's memory, as a hostile worker has it. */
static unsigned char *memory(void)
{
	void *p = mmap(NULL, HEADER + SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
		       memfd, 0);

	assert_true(p != MAP_FAILED);
	return p;
}

static void set_tail(unsigned char *p, uint64_t tail)
{
	memcpy(p + TAIL, &tail, sizeof(tail));
}

static void check_corrupt(uint64_t tail, uint32_t length)
{
	unsigned char *p = memory();
	struct str s;

	set_tail(p, tail);
	memcpy(p + HEADER, &length, sizeof(length));
	assert_int_equal(ring_peek(reader, &s), -EBADMSG);
	set_tail(p, 0); /* no way back */
	assert_int_equal(ring_peek(reader, &s), -EBADMSG);
	(void)munmap(p, HEADER + SIZE);
	(void)teardown(NULL);
	assert_int_equal(setup(NULL), 0);
}

static void test_corruption(void **state)
{
	(void)state;
	check_corrupt(16, 0xffffffff);     /* length beyond everything */
	check_corrupt(16, 13);             /* one beyond what is published */
	check_corrupt(SIZE, SIZE / 2 - 3); /* more than a record may be */
	check_corrupt(13, 1);              /* not at a boundary */
	check_corrupt(SIZE + 8, 1);        /* more than the ring holds */
	check_corrupt(UINT64_MAX - 7, 1);
}

static void test_tail_goes_back(void **state)
{
	unsigned char *p = memory();
	struct str s;

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(ring_write(writer, STR("x"), false, 0), 0);
	(void)peek();
	ring_consume(reader);
	set_tail(p, 0);
	assert_int_equal(ring_peek(reader, &s), -EBADMSG);
	(void)munmap(p, HEADER + SIZE);
}

/* Each step is small enough, but together they pass the reader's head. */
static void test_tail_runs_away(void **state)
{
	unsigned char *p = memory();
	struct str s;

	(void)state;
	assert_int_equal(ring_write(writer, STR("x"), false, 0), 0);
	set_tail(p, SIZE);
	(void)peek();
	ring_consume(reader);
	set_tail(p, 2 * SIZE);
	assert_int_equal(ring_peek(reader, &s), -EBADMSG);
	(void)munmap(p, HEADER + SIZE);
}

/* What was handed out does not change with the memory it came from. */
static void test_private_copy(void **state)
{
	unsigned char *p = memory();
	struct str s;

	(void)state;
	assert_int_equal(ring_write(writer, STR("checked"), false, 0), 0);
	s = peek();
	memset(p + HEADER, 0xff, SIZE);
	assert_true(str_eq(s, STR("checked")));
	assert_true(str_eq(peek(), STR("checked")));
	ring_consume(reader);
	assert_empty();
	(void)munmap(p, HEADER + SIZE);
}

#define MANY 1000000U

/* In the child: every record carries its number; every tenth is long. */
static void write_many(void)
{
	char record[300] = { 0 };

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (uint32_t i = 0; i < MANY; i++) {
		size_t n = i % 10 ? 12 : sizeof(record);

		memcpy(record, &i, sizeof(i));
		if (ring_write(writer, str_from_n(record, n), true, 10000) < 0)
			_exit(1);
	}
	_exit(0);
}

static void test_two_processes(void **state)
{
	struct pollfd p = { .events = POLLIN };
	uint32_t next = 0, got;
	int status = -1;
	struct str s;
	pid_t pid;

	(void)state;
	(void)teardown(NULL);
	assert_int_equal(ring_create(65536, &reader, &memfd, &event), 0);
	assert_int_equal(ring_attach(dup(memfd), dup(event), &writer), 0);
	pid = fork();
	if (pid == 0)
		write_many();
	p.fd = event;
	while (next < MANY) {
		int r = ring_peek(reader, &s);

		if (r == -EAGAIN) { /* a lost wake-up would end here */
			assert_int_equal(poll(&p, 1, 10000), 1);
			continue;
		}
		assert_int_equal(r, 0);
		assert_int_equal(s.n, next % 10 ? 12 : 300);
		memcpy(&got, s.p, sizeof(got));
		assert_int_equal(got, next);
		next++;
		ring_consume(reader);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* Records written by a process that was killed are all there. */
static void test_survives_writer(void **state)
{
	int status = 0, n = 0;
	struct str s;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		for (int i = 0; i < 10; i++)
			(void)ring_write(writer, STR("last words"), true, 0);
		(void)kill(getpid(), SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	while (ring_peek(reader, &s) == 0) {
		assert_true(str_eq(s, STR("last words")));
		ring_consume(reader);
		n++;
	}
	assert_int_equal(n, 10);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_basics),         TEST(test_wrap),
		TEST(test_wakeup),         TEST(test_overload),
		TEST(test_limits),         TEST(test_reader_gone),
		TEST(test_corruption),     TEST(test_tail_goes_back),
		TEST(test_tail_runs_away), TEST(test_private_copy),
		TEST(test_two_processes),  TEST(test_survives_writer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
