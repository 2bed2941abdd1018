/* SPDX-License-Identifier: MIT */
/*
 * test_base_fd.c - descriptors, passing them, small files, path opening
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/path.h"

static char dir[64];

static int make_dir(void **state)
{
	(void)state;
	(void)snprintf(dir, sizeof(dir), "/tmp/agentsh-test.XXXXXX");
	return mkdtemp(dir) && chdir(dir) == 0 ? 0 : -1;
}

static int remove_dir(void **state)
{
	static const char *const files[] = { "in/link", "in/up", "in/abs",
					     "in/f",    "f",     "in/a/c" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		(void)unlink(files[i]);
	(void)rmdir("in/a/b");
	(void)rmdir("in/a");
	(void)rmdir("in");
	return chdir("/") == 0 && rmdir(dir) == 0 ? 0 : -1;
}

static bool is_cloexec(int fd)
{
	return fcntl(fd, F_GETFD) & FD_CLOEXEC;
}

static void test_files(void **state)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct stat st;

	(void)state;
	assert_int_equal(fd_write_file_atomic(AT_FDCWD, "f", STR("one"), 0640),
			 0);
	assert_int_equal(
		fd_write_file_atomic(AT_FDCWD, "f", STR("second"), 0640), 0);
	assert_int_equal(stat("f", &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	assert_int_equal(fd_read_file(AT_FDCWD, "f", 6, &b), 0);
	assert_string_equal(buf_cstr(&b), "second");
	buf_reset(&b);
	assert_int_equal(fd_read_file(AT_FDCWD, "f", 5, &b), -EFBIG);
	assert_int_equal(fd_read_file(AT_FDCWD, "none", 5, &b), -ENOENT);
	assert_int_equal(fd_write_file_atomic(AT_FDCWD, "no/f", STR(""), 0600),
			 -ENOENT);
	assert_int_equal(fd_write_file_atomic(AT_FDCWD, "x/", STR(""), 0600),
			 -EISDIR);
	assert_int_equal(fd_mkdirs("in/a/b", 0700), 0);
	assert_int_equal(fd_mkdirs("in/a/b", 0700), 0);
	assert_int_equal(fd_mkdirs("f/x", 0700), -ENOTDIR);
	assert_int_equal(fd_mkdirs("f", 0700), -ENOTDIR);
}

static void test_passing(void **state)
{
	int s[2], got[3] = { -1, -1, -1 }, send[3];
	size_t n = 3;
	char text[8];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, s), 0);
	send[0] = send[1] = send[2] = s[0];
	assert_int_equal(fd_send(s[0], "hello", 5, send, 3, 0), 5);
	assert_int_equal(fd_recv(s[1], text, sizeof(text), got, &n, 0), 5);
	assert_int_equal(n, 3);
	for (size_t i = 0; i < n; i++) {
		assert_true(is_cloexec(got[i]));
		(void)close(got[i]);
	}
	/* More than there is room for: all closed, and an error. */
	assert_int_equal(fd_send(s[0], "x", 1, send, 3, 0), 1);
	n = 1;
	assert_int_equal(fd_recv(s[1], text, sizeof(text), got, &n, 0),
			 -EMSGSIZE);
	/* A datagram that was cut. */
	assert_int_equal(fd_send(s[0], "0123456789", 10, NULL, 0, 0), 10);
	assert_int_equal(fd_recv(s[1], text, sizeof(text), NULL, NULL, 0),
			 -EMSGSIZE);
	assert_int_equal(fd_recv(s[1], text, sizeof(text), NULL, NULL,
				 MSG_DONTWAIT),
			 -EAGAIN);
	(void)close(s[0]);
	assert_int_equal(fd_recv(s[1], text, sizeof(text), NULL, NULL, 0), 0);
	assert_int_equal(fd_send(s[1], "x", 1, NULL, 0, 0), -EPIPE);
	(void)close(s[1]);
	/* Nothing leaked: the lowest free descriptor is the first we had. */
	assert_int_equal(fcntl(s[0], F_GETFD), -1);
}

static void test_memfd(void **state)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	_cleanup_close_ int fd = fd_sealed_memfd("t", STR("data"));

	(void)state;
	assert_true(fd >= 0);
	assert_true(is_cloexec(fd));
	assert_int_equal(write(fd, "x", 1), -1);
	assert_int_equal(ftruncate(fd, 0), -1);
	assert_int_equal(fd_read_all(fd, 100, &b), 0);
	assert_string_equal(buf_cstr(&b), "data");
}

static void test_nonblocking_pipe(void **state)
{
	int p[2];
	char text[4] = "";

	(void)state;
	assert_int_equal(pipe2(p, O_CLOEXEC | O_NONBLOCK), 0);
	assert_int_equal(fd_write_full(p[1], "abc", 3), 0);
	assert_int_equal(fd_read_full(p[0], text, 3), 3);
	assert_string_equal(text, "abc");
	(void)close(p[1]);
	assert_int_equal(fd_read_full(p[0], text, 3), 0);
	(void)close(p[0]);
	assert_int_equal(fd_read_full(p[0], text, 3), -EBADF);
}

static void test_open_beneath(void **state)
{
	_cleanup_close_ int top = -1;
	_cleanup_buf_ struct buf b = BUF_INIT;
	_cleanup_buf_ struct buf want = BUF_INIT;
	int fd;

	(void)state;
	assert_int_equal(fd_mkdirs("in/a", 0700), 0);
	assert_int_equal(fd_write_file_atomic(AT_FDCWD, "in/f", STR("x"), 0600),
			 0);
	assert_int_equal(symlink("..", "in/up"), 0);
	assert_int_equal(symlink("/etc", "in/abs"), 0);
	assert_int_equal(symlink("f", "in/link"), 0);
	top = open("in", O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(top >= 0);
	fd = path_open_beneath(top, "a/../f", O_RDONLY, 0);
	assert_true(fd >= 0 || fd == -EXDEV); /* the fallback is stricter */
	if (fd >= 0)
		(void)close(fd);
	fd = path_open_beneath(top, "f", O_RDONLY, 0);
	assert_true(fd >= 0);
	assert_true(is_cloexec(fd));
	assert_int_equal(path_of_fd(fd, &b), 0);
	buf_printf(&want, "%s/in/f", dir);
	assert_string_equal(buf_cstr(&b), buf_cstr(&want));
	(void)close(fd);
	assert_int_equal(path_open_beneath(top, "../f", O_RDONLY, 0), -EXDEV);
	assert_int_equal(path_open_beneath(top, "/etc/passwd", O_RDONLY, 0),
			 -EXDEV);
	assert_true(path_open_beneath(top, "up/f", O_RDONLY, 0) < 0);
	assert_true(path_open_beneath(top, "abs/passwd", O_RDONLY, 0) < 0);
	fd = path_open_beneath(top, "a/c", O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0);
	(void)close(fd);
	assert_int_equal(path_open_beneath(top, "none", O_RDONLY, 0), -ENOENT);
}

static void cleaned(const char *in, const char *want)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	assert_int_equal(path_clean(str_from(in), &b), 0);
	assert_string_equal(buf_cstr(&b), want);
}

static void test_clean(void **state)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	(void)state;
	cleaned("/", "/");
	cleaned("//", "/");
	cleaned("/a/b/", "/a/b");
	cleaned("/a//b/./c", "/a/b/c");
	cleaned("/a/b/../c", "/a/c");
	cleaned("/../../a", "/a");
	cleaned("/a/..", "/");
	cleaned("/a/../..", "/");
	cleaned("/...", "/...");
	cleaned("/a/.b/..c", "/a/.b/..c");
	assert_int_equal(path_clean(STR(""), &b), -EINVAL);
	assert_int_equal(path_clean(STR("a"), &b), -EINVAL);
	buf_puts(&b, "keep:");
	assert_int_equal(path_clean(STR("/x/../../y"), &b), 0);
	assert_string_equal(buf_cstr(&b), "keep:/y");
	buf_reset(&b);
	assert_int_equal(path_join(STR("/a/b"), STR("../c"), &b), 0);
	assert_string_equal(buf_cstr(&b), "/a/c");
	buf_reset(&b);
	assert_int_equal(path_join(STR("/a"), STR("/b/"), &b), 0);
	assert_string_equal(buf_cstr(&b), "/b");
	assert_int_equal(path_join(STR("a"), STR("b"), &b), -EINVAL);
}

static void test_beneath(void **state)
{
	(void)state;
	assert_true(path_beneath(STR("/a/b"), STR("/a")));
	assert_true(path_beneath(STR("/a"), STR("/a")));
	assert_true(path_beneath(STR("/a"), STR("/")));
	assert_false(path_beneath(STR("/ab"), STR("/a")));
	assert_false(path_beneath(STR("/"), STR("/a")));
	assert_false(path_beneath(STR(""), STR("/")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_passing),
		cmocka_unit_test(test_memfd),
		cmocka_unit_test(test_nonblocking_pipe),
		cmocka_unit_test(test_open_beneath),
		cmocka_unit_test(test_clean),
		cmocka_unit_test(test_beneath),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
