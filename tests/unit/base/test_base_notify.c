/* SPDX-License-Identifier: MIT */
/*
 * test_base_notify.c - a program says to what started it that it is ready
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/notify.h"

#define MINUTE (60000 * INT64_C(1000000))

static void test_told(void **state)
{
	_cleanup_buf_ struct buf name = BUF_INIT, taken = BUF_INIT;
	_cleanup_close_ int fd = notify_open(&name);
	int status;
	pid_t pid;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(name.data[0], '@');
	assert_int_equal(setenv("NOTIFY_SOCKET", buf_cstr(&name), 1), 0);
	notify_take(&taken);
	assert_string_equal(buf_cstr(&taken), buf_cstr(&name));
	assert_null(getenv("NOTIFY_SOCKET"));

	assert_int_equal(notify_wait(fd, 0), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(notify_ready(buf_str(&taken)) == 1 ? 0 : 1);
	assert_int_equal(notify_wait(fd, MINUTE), 1);
	assert_int_equal(notify_wait(fd, 0), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void test_nobody(void **state)
{
	_cleanup_buf_ struct buf name = BUF_INIT, taken = BUF_INIT;

	(void)state;
	notify_take(&taken);
	assert_int_equal(taken.len, 0);
	assert_int_equal(notify_ready(buf_str(&taken)), 0);
	assert_int_equal(notify_ready(STR("relative")), -EINVAL);
	assert_int_equal(notify_ready(STR("/")), -EINVAL);
	assert_int_equal(notify_ready(STR("/dev/null")), -ECONNREFUSED);
	for (size_t i = 0; i < 200; i++)
		buf_putc(&name, '@');
	assert_int_equal(notify_ready(buf_str(&name)), -EINVAL);
	/* without a socket it is a pause */
	assert_int_equal(notify_wait(-1, 1000), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_told),
		cmocka_unit_test(test_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
