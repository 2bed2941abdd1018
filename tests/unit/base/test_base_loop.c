/* SPDX-License-Identifier: MIT */
/*
 * test_base_loop.c - sources removed under the loop's feet, timers, signals
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/loop.h"
#include "base/macro.h"

#define MS 1000000ULL

static struct loop *loop;
static int calls;

static int setup(void **state)
{
	(void)state;
	calls = 0;
	return loop_new(&loop);
}

static int teardown(void **state)
{
	(void)state;
	loop = loop_free(loop);
	return 0;
}

struct pair {
	int fds[2][2];
	struct loop_source *source[2];
};

/* Both are readable in one batch; the first to run removes both. */
static void remove_both(struct loop *l, int fd, uint32_t events, void *arg)
{
	struct pair *p = arg;

	(void)fd;
	(void)events;
	calls++;
	p->source[0] = loop_remove(p->source[0]);
	p->source[1] = loop_remove(p->source[1]);
	loop_quit(l, 5);
}

static void test_remove_in_callback(void **state)
{
	struct pair p;

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(pipe2(p.fds[i], O_CLOEXEC), 0);
		assert_int_equal(write(p.fds[i][1], "x", 1), 1);
		assert_int_equal(loop_add_io(loop, p.fds[i][0], EPOLLIN,
					     remove_both, &p, &p.source[i]),
				 0);
	}
	assert_int_equal(loop_run(loop), 5);
	assert_int_equal(calls, 1);
	for (int i = 0; i < 2; i++) {
		(void)close(p.fds[i][0]);
		(void)close(p.fds[i][1]);
	}
}

/* Both go on: the second must be seen dead within the same batch. */
static void remove_other(struct loop *l, int fd, uint32_t events, void *arg)
{
	struct pair *p = arg;
	int self = fd == p->fds[0][0] ? 0 : 1;

	(void)l;
	(void)events;
	calls++;
	p->source[!self] = loop_remove(p->source[!self]);
}

static void quit(struct loop *l, void *arg)
{
	loop_quit(l, *(int *)arg);
}

static void test_remove_other(void **state)
{
	struct pair p;
	int code = 3;

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(pipe2(p.fds[i], O_CLOEXEC), 0);
		assert_int_equal(write(p.fds[i][1], "x", 1), 1);
		/* Edge-triggered: one call each, were it not removed. */
		assert_int_equal(loop_add_io(loop, p.fds[i][0],
					     EPOLLIN | EPOLLET, remove_other,
					     &p, &p.source[i]),
				 0);
	}
	assert_int_equal(loop_add_timer(loop, 500 * MS, quit, &code, NULL), 0);
	assert_int_equal(loop_run(loop), 3);
	assert_int_equal(calls, 1);
	for (int i = 0; i < 2; i++) {
		(void)close(p.fds[i][0]);
		(void)close(p.fds[i][1]);
	}
}

struct order {
	int seen[8];
	int n;
	struct loop_source *t[4];
};

static struct order order;

static void on_timer(struct loop *l, void *arg)
{
	int id = (int)(intptr_t)arg;

	order.seen[order.n++] = id;
	if (id == 1) { /* removes a later one, re-arms itself once */
		order.t[2] = loop_remove(order.t[2]);
		if (order.n == 1)
			assert_int_equal(loop_timer_arm(order.t[1], 20 * MS),
					 0);
	}
	if (id == 3) {
		order.t[3] = loop_remove(order.t[3]); /* its own */
		loop_quit(l, 0);
	}
}

static void test_timers(void **state)
{
	static const uint64_t delay[4] = { 0, 2 * MS, 4 * MS, 1500 * MS };
	uint64_t start = clock_monotonic_ns();

	(void)state;
	order = (struct order){ 0 };
	for (intptr_t i = 3; i >= 0; i--)
		assert_int_equal(loop_add_timer(loop, delay[i], on_timer,
						(void *)i, &order.t[i]),
				 0);
	assert_int_equal(loop_run(loop), 0);
	assert_true(clock_monotonic_ns() - start >= 1500 * MS);
	assert_int_equal(order.n, 3); /* 0 never armed, 2 removed */
	assert_int_equal(order.seen[0], 1);
	assert_int_equal(order.seen[1], 1);
	assert_int_equal(order.seen[2], 3);
}

static void count(struct loop *l, void *arg)
{
	(void)l;
	(void)arg;
	calls++;
}

static void test_many_timers(void **state)
{
	struct loop_source *t[200];
	int code = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		assert_int_equal(loop_add_timer(loop,
						(1 + i * 7919 % 200) * MS / 50,
						count, NULL, &t[i]),
				 0);
	for (size_t i = 0; i < ARRAY_LEN(t); i += 2)
		t[i] = loop_remove(t[i]);
	assert_int_equal(loop_add_timer(loop, 500 * MS, quit, &code, NULL), 0);
	assert_int_equal(loop_run(loop), 0);
	assert_int_equal(calls, 100);
}

static void defer_again(struct loop *l, void *arg)
{
	(void)arg;
	if (++calls == 3)
		loop_quit(l, 9);
	else
		assert_int_equal(loop_defer(l, defer_again, NULL), 0);
}

static void test_defer(void **state)
{
	(void)state;
	assert_int_equal(loop_defer(loop, defer_again, NULL), 0);
	assert_int_equal(loop_run(loop), 9);
	assert_int_equal(calls, 3);
}

static void on_child(struct loop *l, int signo, void *arg)
{
	int status;

	(void)arg;
	assert_int_equal(signo, SIGCHLD);
	while (waitpid(-1, &status, WNOHANG) > 0)
		if (++calls == 3)
			loop_quit(l, 0);
}

static void test_children(void **state)
{
	(void)state;
	assert_int_equal(loop_add_signal(loop, SIGCHLD, on_child, NULL), 0);
	for (int i = 0; i < 3; i++)
		if (fork() == 0)
			_exit(0);
	assert_int_equal(loop_run(loop), 0);
	assert_int_equal(calls, 3);
	assert_int_equal(loop_add_signal(loop, 0, on_child, NULL), -EINVAL);
}

#define MANY 20 /* more than the loop waits for directly */

struct many {
	int fds[MANY][2];
	struct loop_source *source[MANY];
	unsigned int seen; /* bit per source */
};

static void read_one(struct loop *l, int fd, uint32_t events, void *arg)
{
	struct many *m = arg;
	char c;

	assert_true(events & EPOLLIN);
	assert_int_equal(read(fd, &c, 1), 1);
	m->seen |= 1U << (unsigned int)c;
	calls++;
	if (calls % MANY == 0)
		loop_quit(l, 7);
}

static void on_late(struct loop *l, void *arg)
{
	(void)arg;
	loop_quit(l, 9);
}

/* Direct and pushed-out sources, timers and removal: nobody is forgotten. */
static void test_direct(void **state)
{
	struct many m = { .seen = 0 };
	struct loop_source *timer = NULL;

	(void)state;
	for (int i = 0; i < MANY; i++) {
		assert_int_equal(pipe2(m.fds[i], O_CLOEXEC), 0);
		assert_int_equal(loop_add_io(loop, m.fds[i][0], EPOLLIN,
					     read_one, &m, &m.source[i]),
				 0);
		assert_int_equal(loop_direct_io(m.source[i]), 0);
		assert_int_equal(loop_direct_io(m.source[i]), 0);
	}
	for (int round = 0; round < 2; round++) {
		m.seen = 0;
		for (char i = 0; i < MANY; i++)
			assert_int_equal(write(m.fds[(int)i][1], &i, 1), 1);
		assert_int_equal(loop_run(loop), 7);
		assert_int_equal(m.seen, (1U << MANY) - 1);
	}
	/* Nothing readable: a timer still ends the wait. */
	assert_int_equal(loop_add_timer(loop, MS, on_late, NULL, &timer), 0);
	assert_int_equal(loop_run(loop), 9);
	/* Disabled and removed sources do not call. */
	assert_int_equal(loop_mod_io(m.source[MANY - 1], 0), 0);
	m.source[MANY - 2] = loop_remove(m.source[MANY - 2]);
	assert_int_equal(write(m.fds[MANY - 1][1], "", 1), 1);
	assert_int_equal(write(m.fds[MANY - 2][1], "", 1), 1);
	assert_int_equal(loop_timer_arm(timer, MS), 0);
	assert_int_equal(loop_run(loop), 9);
	for (int i = 0; i < MANY; i++) {
		m.source[i] = loop_remove(m.source[i]);
		(void)close(m.fds[i][0]);
		(void)close(m.fds[i][1]);
	}
}

static void test_bad_fd(void **state)
{
	struct loop_source *s = NULL;

	(void)state;
	assert_int_equal(loop_add_io(loop, -1, EPOLLIN, remove_both, NULL, &s),
			 -EBADF);
	assert_null(s);
	assert_null(loop_remove(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_remove_in_callback, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_remove_other, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_timers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many_timers, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_defer, setup, teardown),
		cmocka_unit_test_setup_teardown(test_children, setup, teardown),
		cmocka_unit_test_setup_teardown(test_direct, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bad_fd, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
