/* SPDX-License-Identifier: MIT */
/*
 * test_tracer_resolve.c - paths in a caller's view, as objects
 *
 * The caller is a child of this test that sits in a directory of its own and
 * holds one of its own descriptors.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/path.h"
#include "tracer/resolve.h"

#define CHILD_FD 77

static char dir[] = "/tmp/agentsh-resolve.XXXXXX";
static struct viewer child;

static void in_dir(char out[PATH_MAX], const char *name)
{
	(void)snprintf(out, PATH_MAX, "%s/%s", dir, name);
}

static void make_link(const char *target, const char *name)
{
	char path[PATH_MAX];

	in_dir(path, name);
	assert_int_equal(symlink(target, path), 0);
}

static int setup(void **state _unused_)
{
	char path[PATH_MAX];
	int ready[2], fd;
	char byte;

	assert_non_null(mkdtemp(dir));
	in_dir(path, "sub");
	assert_int_equal(mkdir(path, 0755), 0);
	in_dir(path, "sub/file");
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	make_link("sub/file", "link");
	make_link("link", "link2");
	make_link("loop", "loop");
	make_link("missing", "dangling");
	make_link("/proc/self/cwd/file", "through");
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", CHILD_FD);
	make_link(path, "viafd");
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	child.pid = child.tid = fork();
	if (child.pid == 0) {
		in_dir(path, "sub");
		if (chdir(path) == 0 && dup2(fd, CHILD_FD) == CHILD_FD &&
		    write(ready[1], "x", 1) == 1)
			(void)pause();
		_exit(0);
	}
	(void)close(fd);
	(void)close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	(void)close(ready[0]);
	return 0;
}

static int teardown(void **state _unused_)
{
	static const char *const names[] = { "link",     "link2",   "loop",
					     "dangling", "through", "viafd",
					     "sub/file" };
	char path[PATH_MAX];

	(void)kill(child.pid, SIGKILL);
	(void)waitpid(child.pid, NULL, 0);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		in_dir(path, names[i]);
		(void)unlink(path);
	}
	in_dir(path, "sub");
	(void)rmdir(path);
	return rmdir(dir);
}

static void expect(const char *path, unsigned int flags, const char *name)
{
	_cleanup_buf_ struct buf got = BUF_INIT;
	char want[PATH_MAX];
	_cleanup_close_ int fd =
		resolve_object(&child, AT_FDCWD, path, flags, 0);

	assert_true(fd >= 0);
	assert_int_equal(path_of_fd(fd, &got), 0);
	in_dir(want, name);
	assert_string_equal(buf_cstr(&got), want);
}

/* Without a link on the way the name is the object's path, and st is set. */
static void expect_plain(const char *path, unsigned int flags, bool plain)
{
	struct resolved how = { .plain = !plain };
	_cleanup_buf_ struct buf name = BUF_INIT, real = BUF_INIT;
	_cleanup_close_ int base = -1;
	_cleanup_close_ int fd = -1;
	struct stat st;

	assert_int_equal(resolve_base(&child, AT_FDCWD, path, &base), 0);
	fd = resolve_object_at(&child, base, path, flags, 0, &how);
	assert_true(fd >= 0);
	assert_int_equal(how.plain, plain);
	if (!plain)
		return;
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(how.st.st_ino, st.st_ino);
	assert_int_equal(resolve_name_at(base, path, &name), 0);
	assert_int_equal(path_of_fd(fd, &real), 0);
	assert_string_equal(buf_cstr(&name), buf_cstr(&real));
}

static void test_plain(void **state _unused_)
{
	expect_plain("file", 0, true);
	expect_plain("..//sub/./file", 0, true);
	expect_plain("../link", RESOLVE_NOFOLLOW, true);
	expect_plain("../link", 0, false);
	expect_plain("../through", 0, false);
	expect_plain("/proc/self/cwd/file", 0, false);
	/* For us there is no such descriptor, for the caller there is. */
	expect("../viafd", 0, "sub/file");
}

static void test_views(void **state _unused_)
{
	char path[PATH_MAX];

	expect("file", 0, "sub/file");
	expect("../link", 0, "sub/file");
	expect("../link", RESOLVE_NOFOLLOW, "link");
	expect("../link2", 0, "sub/file");
	expect("../through", 0, "sub/file");
	expect("/proc/self/cwd/file", 0, "sub/file");
	expect("/proc/thread-self/cwd/file", 0, "sub/file");
	expect("/proc/self/fd/77", 0, "sub/file");
	expect("/dev/fd/77", 0, "sub/file");
	in_dir(path, "sub/file");
	expect(path, 0, "sub/file");
	(void)snprintf(path, sizeof(path), "/proc/self/root%s/link", dir);
	expect(path, 0, "sub/file");
}

static void test_errors(void **state _unused_)
{
	assert_int_equal(resolve_object(&child, AT_FDCWD, "../loop", 0, 0),
			 -ELOOP);
	assert_int_equal(resolve_object(&child, AT_FDCWD, "../dangling", 0, 0),
			 -ENOENT);
	assert_int_equal(resolve_object(&child, AT_FDCWD, "", 0, 0), -ENOENT);
	assert_int_equal(resolve_object(&child, AT_FDCWD, "file/x", 0, 0),
			 -ENOTDIR);
	assert_int_equal(resolve_object(&child, 78, "x", 0, 0), -EBADF);
	assert_int_equal(resolve_object(&child, AT_FDCWD, "../link", 0,
					RESOLVE_BENEATH),
			 -EXDEV);
}

static void test_parent(void **state _unused_)
{
	_cleanup_buf_ struct buf got = BUF_INIT;
	char last[NAME_MAX + 1], want[PATH_MAX];
	bool slash;
	int fd = resolve_parent(&child, AT_FDCWD, "../sub//new/", 0, last,
				&slash);

	assert_true(fd >= 0);
	assert_true(slash);
	assert_string_equal(last, "new");
	assert_int_equal(path_of_fd(fd, &got), 0);
	(void)close(fd);
	in_dir(want, "sub");
	assert_string_equal(buf_cstr(&got), want);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(
			resolve_parent(&child, AT_FDCWD,
				       (const char *[]){ "..", "/",
							 "../sub/." }[i],
				       0, last, &slash),
			-EISDIR);
}

static void test_name(void **state _unused_)
{
	_cleanup_buf_ struct buf got = BUF_INIT;
	char want[PATH_MAX];

	assert_int_equal(resolve_name(&child, AT_FDCWD, "./../link", &got), 0);
	in_dir(want, "link");
	assert_string_equal(buf_cstr(&got), want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_views),  cmocka_unit_test(test_plain),
		cmocka_unit_test(test_errors), cmocka_unit_test(test_parent),
		cmocka_unit_test(test_name),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
