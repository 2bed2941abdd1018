/* SPDX-License-Identifier: MIT */
/*
 * test_confine_landlock.c - grants and holes as the kernel enforces them
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/macro.h"
#include "confine/landlock.h"

static char top[64];

static const char *in(const char *name)
{
	static char text[8][256];
	static unsigned int next;
	char *t = text[next++ % ARRAY_LEN(text)];

	(void)snprintf(t, sizeof(text[0]), "%s/%s", top, name);
	return t;
}

static void touch(const char *name)
{
	int fd = open(in(name), O_WRONLY | O_CREAT | O_CLOEXEC, 0755);

	assert_true(fd >= 0);
	(void)close(fd);
}

static const char *const dirs[] = { "ro",     "ro/a",   "ro/a/b",
				    "ro/c",   "ro/hid", "rw",
				    "rw/sub", "other",  "ro/a/hid" };
static const char *const files[] = {
	"ro/f",     "ro/secret", "ro/a/f",        "ro/a/b/f", "ro/a/b/secret",
	"ro/c/f",   "ro/hid/f",  "ro/a/hid/f",    "rw/f",     "rw/.env",
	"rw/sub/f", "other/f",   "other/granted",
};

static int setup(void **state)
{
	(void)state;
	(void)snprintf(top, sizeof(top), "/tmp/agentsh-landlock.XXXXXX");
	assert_non_null(mkdtemp(top));
	for (size_t i = 0; i < ARRAY_LEN(dirs); i++)
		assert_int_equal(mkdir(in(dirs[i]), 0755), 0);
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		touch(files[i]);
	assert_int_equal(symlink(in("ro/secret"), in("ro/a/link")), 0);
	assert_int_equal(symlink(in("ro"), in("alias")), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	(void)unlink(in("ro/a/link"));
	(void)unlink(in("alias"));
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		(void)unlink(in(files[i]));
	for (size_t i = ARRAY_LEN(dirs); i-- > 0;)
		(void)rmdir(in(dirs[i]));
	return rmdir(top);
}

struct want {
	const char *name;
	int flags;
	int error; /* 0 = must open */
};

/* In a child under g: every line of w; its exit status is the first wrong. */
static int child_try(int ruleset, const struct want *w, size_t n)
{
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (landlock_restrict(ruleset,
			      landlock_restrict_flags(landlock_abi())) < 0)
		return 200;
	for (size_t i = 0; i < n; i++) {
		int fd = open(in(w[i].name), w[i].flags | O_CLOEXEC, 0600);
		int error = fd < 0 ? errno : 0;

		if (error != w[i].error) {
			(void)fprintf(stderr, "%s: %s\n", w[i].name,
				      strerror(error));
			return (int)i + 1;
		}
		if (w[i].flags & O_CREAT)
			(void)unlink(in(w[i].name));
	}
	return 0;
}

static void check(const struct grant_set *g, const struct want *w, size_t n,
		  struct landlock_report *report)
{
	_cleanup_close_ int ruleset = landlock_build(g, report);
	int status = 0;
	pid_t pid;

	assert_true(ruleset >= 0);
	assert_true(fcntl(ruleset, F_GETFD) & FD_CLOEXEC);
	pid = fork();
	if (pid == 0)
		_exit(child_try(ruleset, w, n));
	(void)waitpid(pid, &status, 0);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

#define NEED_LANDLOCK()                                    \
	do {                                               \
		if (landlock_abi() <= 0) {                 \
			print_message("needs Landlock\n"); \
			skip();                            \
		}                                          \
	} while (0)

static void test_grants(void **state)
{
	static const struct want w[] = {
		{ "ro/f", O_RDONLY, 0 },
		{ "ro/a/b/f", O_RDONLY, 0 },
		{ "ro/a", O_RDONLY | O_DIRECTORY, 0 },
		{ "ro/f", O_WRONLY, EACCES },
		{ "ro/new", O_WRONLY | O_CREAT, EACCES },
		{ "rw/f", O_RDWR, 0 },
		{ "rw/sub/new", O_WRONLY | O_CREAT, 0 },
		{ "other/f", O_RDONLY, EACCES },
		{ "other/granted", O_RDONLY, 0 },
		{ "other", O_RDONLY | O_DIRECTORY, EACCES },
		{ "ro/a/link", O_RDONLY, 0 },
	};
	struct landlock_report r;
	struct grant_set g = { .tcp_connect_any = true, .tcp_bind_any = true };

	(void)state;
	NEED_LANDLOCK();
	(void)grant_set_add(&g, in("alias"), GRANT_READ, false);
	(void)grant_set_add(&g, in("rw"), GRANT_RW, false);
	/* rights of directories are trimmed on a file */
	(void)grant_set_add(&g, in("other/granted"), GRANT_RW, false);
	(void)grant_set_add(&g, in("missing"), GRANT_RW, false);
	(void)grant_set_add(&g, in("ro/f/below"), GRANT_RW, false);
	check(&g, w, ARRAY_LEN(w), &r);
	assert_int_equal(r.n_rules, 3);
	assert_int_equal(r.n_missing, 2);
	assert_int_equal(r.n_holes_open, 0);
	assert_false(r.net);
	grant_set_done(&g);
}

static void test_holes(void **state)
{
	static const struct want w[] = {
		{ "ro/f", O_RDONLY, 0 },
		{ "ro/secret", O_RDONLY, EACCES },
		{ "ro/a/link", O_RDONLY, EACCES },
		{ "ro/hid/f", O_RDONLY, EACCES },
		{ "ro/a/hid/f", O_RDONLY, EACCES },
		{ "ro/a/b/secret", O_RDONLY, EACCES },
		{ "ro/a/b/f", O_RDONLY, 0 },
		{ "ro/a/f", O_RDONLY, 0 },
		{ "ro/c/f", O_RDONLY, 0 },
		{ "ro", O_RDONLY | O_DIRECTORY, 0 },
		{ "ro/a/b", O_RDONLY | O_DIRECTORY, 0 },
		{ "rw/.env", O_RDONLY, 0 }, /* left to the catchers */
		{ "rw/new", O_WRONLY | O_CREAT, 0 },
	};
	struct landlock_report r;
	struct grant_set g = { .tcp_connect_any = true, .tcp_bind_any = true };

	(void)state;
	NEED_LANDLOCK();
	(void)grant_set_add(&g, in("ro"), GRANT_READ | GRANT_EXECUTE, false);
	(void)grant_set_add(&g, in("rw"), GRANT_RW, false);
	/* by another name, through a symlink, and one not made yet */
	(void)grant_set_add_hole(&g, in("alias/secret"));
	(void)grant_set_add_hole(&g, in("ro/a/../hid"));
	(void)grant_set_add_hole(&g, in("ro/a/hid"));
	(void)grant_set_add_hole(&g, in("ro/a/b/secret"));
	(void)grant_set_add_hole(&g, in("ro/a/b/later"));
	(void)grant_set_add_hole(&g, in("rw/.env"));
	check(&g, w, ARRAY_LEN(w), &r);
	assert_int_equal(r.n_holes_open, 1);
	grant_set_done(&g);
}

/* A hole in a tree that is granted as a whole is open either way: it needs no
 * tree around it to be taken apart, and what a tree above grants, no rule. */
static void test_few_rules(void **state)
{
	static const struct want w[] = {
		{ "ro/f", O_RDONLY, 0 },
		{ "ro/a/f", O_RDONLY, 0 },
		{ "ro/a/hid/f", O_RDONLY, EACCES },
		{ "rw/.env", O_RDONLY, 0 },
		{ "rw/.env", O_WRONLY, 0 },
		{ "rw/sub/new", O_WRONLY | O_CREAT, 0 },
		{ "ro/new", O_WRONLY | O_CREAT, EACCES },
	};
	struct landlock_report r;
	struct grant_set g = { .tcp_connect_any = true, .tcp_bind_any = true };

	(void)state;
	NEED_LANDLOCK();
	(void)grant_set_add(&g, in("ro/a/b"), GRANT_READ, false);
	(void)grant_set_add(&g, in("ro"), GRANT_READ, false);
	(void)grant_set_add(&g, in("."), GRANT_READ, false);
	(void)grant_set_add(&g, in("rw/sub"), GRANT_RW, false);
	(void)grant_set_add(&g, in("rw"), GRANT_RW, false);
	(void)grant_set_add(&g, in("ro/f"), GRANT_READ, false);
	(void)grant_set_add_hole(&g, in("rw/.env"));
	check(&g, w, 2, &r);
	assert_int_equal(r.n_rules, 2);
	assert_int_equal(r.n_holes_open, 1);
	/* one that is not: top, ro and ro/a are taken apart */
	(void)grant_set_add_hole(&g, in("ro/a/hid"));
	check(&g, w, ARRAY_LEN(w), &r);
	/* rw, the right to list, other; ro: c, f, hid, secret; a: b, f */
	assert_int_equal(r.n_rules, 9);
	assert_int_equal(r.n_holes_open, 1);
	/* what is more than the tree above grants is not left out */
	(void)grant_set_add(&g, in("ro/c"), GRANT_READ | GRANT_EXECUTE, false);
	check(&g, w, ARRAY_LEN(w), &r);
	assert_int_equal(r.n_rules, 10);
	grant_set_done(&g);
}

/* A hole that does not exist yet cannot be filled and then read. */
static void test_hole_made_later(void **state)
{
	static const struct want w[] = { { "ro/a/b/later", O_RDONLY, EACCES },
					 { "ro/a/b/f", O_RDONLY, 0 } };
	struct grant_set g = { .tcp_connect_any = true, .tcp_bind_any = true };
	_cleanup_close_ int ruleset = -1;
	int status = 0;
	pid_t pid;

	(void)state;
	NEED_LANDLOCK();
	(void)grant_set_add(&g, in("ro"), GRANT_READ, false);
	(void)grant_set_add_hole(&g, in("ro/a/b/later"));
	ruleset = landlock_build(&g, NULL);
	assert_true(ruleset >= 0);
	touch("ro/a/b/later");
	pid = fork();
	if (pid == 0)
		_exit(child_try(ruleset, w, ARRAY_LEN(w)));
	(void)waitpid(pid, &status, 0);
	(void)unlink(in("ro/a/b/later"));
	assert_int_equal(status, 0);
	grant_set_done(&g);
}

static void test_expand_and_hole_above(void **state)
{
	static const struct want w[] = {
		{ "rw/f", O_RDWR, 0 },
		{ "rw/.env", O_RDONLY, EACCES },
		{ "rw/sub/new", O_WRONLY | O_CREAT, 0 },
		{ "rw/new", O_WRONLY | O_CREAT, EACCES },
		{ "ro/a/f", O_RDONLY, EACCES }, /* the grant lies in a hole */
	};
	struct grant_set g = { .tcp_connect_any = true, .tcp_bind_any = true };

	(void)state;
	NEED_LANDLOCK();
	(void)grant_set_add(&g, in("rw"), GRANT_RW, true);
	(void)grant_set_add(&g, in("ro/a"), GRANT_READ, false);
	(void)grant_set_add_hole(&g, in("rw/.env"));
	(void)grant_set_add_hole(&g, in("ro"));
	check(&g, w, ARRAY_LEN(w), NULL);
	grant_set_done(&g);
}

/* Moves between granted directories work, out of them do not. */
static int child_move(int ruleset)
{
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (landlock_restrict(ruleset, 0) < 0)
		return 1;
	if (rename(in("rw/f"), in("rw/sub/moved")) < 0 ||
	    rename(in("rw/sub/moved"), in("rw/f")) < 0)
		return 2;
	if (symlink("x", in("rw/s")) < 0 || unlink(in("rw/s")) < 0 ||
	    mkfifo(in("rw/p"), 0600) < 0 || unlink(in("rw/p")) < 0)
		return 3;
	if (rename(in("rw/f"), in("other/f2")) == 0)
		return 4;
	return truncate(in("rw/f"), 0) < 0 ? 5 : 0;
}

static void test_moves(void **state)
{
	struct grant_set g = { .tcp_connect_any = true, .tcp_bind_any = true };
	_cleanup_close_ int ruleset = -1;
	int status = 0;
	pid_t pid;

	(void)state;
	if (landlock_abi() < 2) {
		print_message("needs Landlock ABI 2 (REFER)\n");
		skip();
	}
	(void)grant_set_add(&g, in("rw"), GRANT_RW, false);
	ruleset = landlock_build(&g, NULL);
	pid = fork();
	if (pid == 0)
		_exit(child_move(ruleset));
	(void)waitpid(pid, &status, 0);
	assert_int_equal(WEXITSTATUS(status), 0);
	grant_set_done(&g);
}

static int connect_to(uint16_t port)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons(port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	_cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return connect(fd, (const struct sockaddr *)&a, sizeof(a)) < 0 ? -errno
								       : 0;
}

/* Only what the set restricts is handled: connect limited, bind free. */
static int child_ports(int ruleset)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	_cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (landlock_restrict(ruleset, 0) < 0)
		return 1;
	if (connect_to(1) != -ECONNREFUSED) /* granted; nobody listens */
		return 2;
	if (connect_to(2) != -EACCES)
		return 3;
	return bind(fd, (const struct sockaddr *)&a, sizeof(a)) < 0 ? 4 : 0;
}

static void test_ports(void **state)
{
	struct grant_set g = { .tcp_bind_any = true };
	struct landlock_report r;
	_cleanup_close_ int ruleset = -1;
	int status = 0;
	pid_t pid;

	(void)state;
	if (landlock_abi() < 4) {
		print_message("needs Landlock ABI 4 (TCP)\n");
		skip();
	}
	assert_int_equal(vec_push(&g.tcp_connect_ports, 1), 0);
	ruleset = landlock_build(&g, &r);
	assert_true(ruleset >= 0 && r.net);
	pid = fork();
	if (pid == 0)
		_exit(child_ports(ruleset));
	(void)waitpid(pid, &status, 0);
	assert_int_equal(WEXITSTATUS(status), 0);
	grant_set_done(&g);
}

static void test_flags_by_abi(void **state)
{
	(void)state;
	assert_int_equal(landlock_restrict_flags(0), 0);
	assert_int_equal(landlock_restrict_flags(6), 0);
	assert_int_equal(landlock_restrict_flags(7), 2);
	assert_int_equal(landlock_restrict_flags(11), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grants),
		cmocka_unit_test(test_holes),
		cmocka_unit_test(test_few_rules),
		cmocka_unit_test(test_hole_made_later),
		cmocka_unit_test(test_expand_and_hole_above),
		cmocka_unit_test(test_moves),
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_flags_by_abi),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
