/* SPDX-License-Identifier: MIT */
/*
 * test_core_channel.c - messages, descriptors, big bodies, hostile datagrams
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "core/channel.h"
#include "core/heritage.h"

static struct channel *a, *b;
static int open_before;

static int count_open(void)
{
	_cleanup_closedir_ DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	while (dir && readdir(dir))
		n++;
	return n;
}

static int setup(void **state)
{
	int s[2];

	(void)state;
	open_before = count_open();
	if (channel_pair(s) < 0 || channel_new(s[0], &a) < 0)
		return -1;
	return channel_new(s[1], &b);
}

/* Also: no test leaves a descriptor open. */
static int teardown(void **state)
{
	(void)state;
	a = channel_free(a);
	b = channel_free(b);
	return count_open() == open_before ? 0 : -1;
}

static void test_small(void **state)
{
	struct channel_msg m;

	(void)state;
	assert_int_equal(channel_recv(b, &m), -EAGAIN);
	assert_int_equal(channel_send(a, 3, 0xdeadbeef, STR("body"), NULL, 0),
			 0);
	assert_int_equal(channel_send(a, 4, 0, STR_NONE, NULL, 0), 0);
	assert_int_equal(channel_recv(b, &m), 1);
	assert_int_equal(m.type, 3);
	assert_int_equal(m.id, 0xdeadbeef);
	assert_true(str_eq(m.body, STR("body")));
	assert_int_equal(m.n_fds, 0);
	assert_int_equal(channel_recv(b, &m), 1);
	assert_int_equal(m.body.n, 0);
	assert_int_equal(channel_recv(b, &m), -EAGAIN);
	a = channel_free(a);
	assert_int_equal(channel_recv(b, &m), 0);
	assert_int_equal(channel_send(b, 1, 0, STR("x"), NULL, 0), -EPIPE);
}

static void check_body(size_t n, size_t n_fds)
{
	_cleanup_free_ char *body = malloc(n ? n : 1);
	int fds[FD_PASS_MAX];
	struct channel_msg m;

	assert_non_null(body);
	for (size_t i = 0; i < n; i++)
		body[i] = (char)(i * 31);
	for (size_t i = 0; i < n_fds; i++)
		fds[i] = channel_fd(a);
	assert_int_equal(channel_send(a, 9, 1, str_from_n(body, n), fds, n_fds),
			 0);
	assert_int_equal(channel_recv(b, &m), 1);
	assert_true(str_eq(m.body, str_from_n(body, n)));
	assert_int_equal(m.n_fds, n_fds);
	for (size_t i = 0; i < n_fds; i++)
		assert_true(fcntl(m.fds[i], F_GETFD) & FD_CLOEXEC);
	channel_msg_done(&m);
}

static void test_sizes(void **state)
{
	(void)state;
	check_body(0, 1);
	check_body(CHANNEL_INLINE_MAX - 1, 3);
	check_body(CHANNEL_INLINE_MAX, FD_PASS_MAX);
	check_body(CHANNEL_INLINE_MAX + 1, 0);
	check_body(CHANNEL_INLINE_MAX + 1, FD_PASS_MAX - 1);
	check_body(CHANNEL_BODY_MAX, 2);
}

static void test_too_much(void **state)
{
	static char big[CHANNEL_BODY_MAX + 1];
	int fds[FD_PASS_MAX + 1] = { 0 };

	(void)state;
	assert_int_equal(channel_send(a, 1, 0, str_from_n(big, sizeof(big)),
				      NULL, 0),
			 -E2BIG);
	assert_int_equal(channel_send(a, 1, 0, STR("x"), fds, FD_PASS_MAX + 1),
			 -E2BIG);
	assert_int_equal(channel_send(a, 1, 0,
				      str_from_n(big, CHANNEL_INLINE_MAX + 1),
				      fds, FD_PASS_MAX),
			 -E2BIG);
}

static void refused(struct str datagram, const int *fds, size_t n_fds)
{
	struct channel_msg m;

	assert_int_equal(fd_send(channel_fd(a), datagram.p, datagram.n, fds,
				 n_fds, 0),
			 (ssize_t)datagram.n);
	assert_int_equal(channel_recv(b, &m), -EBADMSG);
}

static void test_hostile(void **state)
{
	static char big[CHANNEL_INLINE_MAX + 100] = { 1, 1 };
	int sealed = fd_sealed_memfd("t", STR("body"));
	int loose = memfd_create("t", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int p[2];

	(void)state;
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	refused(STR("\1\1\0\0\0\0\0"), NULL, 0);        /* short header */
	refused(STR("\2\1\0\0\0\0\0\0"), NULL, 0);      /* version */
	refused(STR("\1\1\2\0\0\0\0\0"), NULL, 0);      /* unknown flag */
	refused(STR("\1\1\1\0\0\0\0\0"), NULL, 0);      /* memfd missing */
	refused(STR("\1\1\1\0\0\0\0\0x"), &sealed, 1);  /* and a body */
	refused(STR("\1\1\1\0\0\0\0\0"), &loose, 1);    /* not sealed */
	refused(STR("\1\1\1\0\0\0\0\0"), &p[0], 1);     /* would block */
	refused(str_from_n(big, sizeof(big)), NULL, 0); /* too long */
	refused(str_from_n(big, sizeof(big)), &sealed, 1);
	(void)close(sealed);
	(void)close(loose);
	(void)close(p[0]);
	(void)close(p[1]);
}

/* Runs in a child that has been given the four descriptors. */
static int be_worker(void)
{
	struct channel_msg m;
	struct heritage h;
	int r;

	for (int fd = HERITAGE_CHANNEL; fd < HERITAGE_END; fd++)
		if (fcntl(fd, F_GETFD) != 0) /* must survive exec */
			return 7;
	r = heritage_adopt(&h);
	if (r < 0)
		return 1;
	if (fcntl(HERITAGE_END, F_GETFD) >= 0 || fcntl(100, F_GETFD) >= 0)
		return 2;
	if (!(fcntl(h.policy_fd, F_GETFD) & FD_CLOEXEC))
		return 3;
	do {
		r = channel_recv(h.channel, &m);
	} while (r == -EAGAIN);
	if (r != 1 || !str_eq(m.body, STR("hello")))
		return 4;
	if (ring_write(h.ring, STR("event"), true, 1000) < 0)
		return 5;
	heritage_done(&h);
	return fcntl(HERITAGE_CHANNEL, F_GETFD) < 0 ? 0 : 6;
}

static void check_heritage(bool crossed)
{
	struct ring *ring;
	struct str record;
	int memfd, event, status = -1, policy;
	pid_t pid;

	assert_int_equal(ring_create(RING_DEFAULT_SIZE, &ring, &memfd, &event),
			 0);
	policy = fd_sealed_memfd("policy", STR("image"));
	pid = fork();
	if (pid == 0) {
		/* The targets are free, or each source sits on another's. */
		int from[4] = { channel_fd(b), memfd, event, policy };

		for (int i = 0; i < 4; i++)
			from[i] = dup3(from[i], 100 + i, O_CLOEXEC);
		for (int i = 0; i < 4; i++)
			(void)close(HERITAGE_CHANNEL + i);
		for (int i = 0; i < 4 && crossed; i++)
			from[i] = dup3(from[i], HERITAGE_POLICY - i, O_CLOEXEC);
		if (heritage_bequeath(from[0], from[1], from[2], from[3]) < 0)
			_exit(20);
		_exit(be_worker());
	}
	assert_int_equal(channel_send(a, 1, 0, STR("hello"), NULL, 0), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_equal(ring_peek(ring, &record), 0);
	assert_true(str_eq(record, STR("event")));
	(void)ring_free(ring);
	(void)close(policy);
}

static void test_heritage(void **state)
{
	(void)state;
	check_heritage(/* crossed */ false);
}

static void test_heritage_crossed(void **state)
{
	(void)state;
	check_heritage(/* crossed */ true);
}

/* Started by hand: the descriptors are something else, or not there. */
static void test_no_heritage(void **state)
{
	int status = -1;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		struct heritage h;

		for (int fd = HERITAGE_CHANNEL; fd < HERITAGE_END; fd++)
			(void)dup2(1, fd);
		_exit(heritage_adopt(&h) == -EBADF ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_small),       TEST(test_sizes),
		TEST(test_too_much),    TEST(test_hostile),
		TEST(test_heritage),    TEST(test_heritage_crossed),
		TEST(test_no_heritage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
