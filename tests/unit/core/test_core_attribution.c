/* SPDX-License-Identifier: MIT */
/*
 * test_core_attribution.c - who acts for whom, between two mappings
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/macro.h"
#include "core/attribution.h"

static struct attribution *writer, *reader;

static int open_both(void **state _unused_)
{
	int fd = -1, r = attribution_create(&fd);

	if (r == 0)
		r = attribution_map(fd, &writer);
	if (r == 0)
		r = attribution_map(fd, &reader);
	(void)close(fd);
	return r;
}

static int close_both(void **state _unused_)
{
	writer = attribution_unmap(writer);
	reader = attribution_unmap(reader);
	return 0;
}

static uint64_t of_thread(pid_t tid, uint32_t *place, pid_t *caller, bool *own)
{
	return attribution_of_thread(reader, tid, place, caller, own);
}

static void test_acting(void **state _unused_)
{
	uint32_t a = 0, b = 0, place = 9;
	struct attributed who;
	pid_t caller = 0;
	bool own = false;
	uint64_t g;

	assert_int_equal(of_thread(getpid(), &place, &caller, &own), 0);
	assert_int_equal(
		attribution_add(writer, STR("one"), STR("ls -l"), 11, &a), 0);
	assert_int_equal(attribution_add(writer, STR("two"), STR(""), 0, &b),
			 0);
	attribution_act(writer, b, 77);
	g = of_thread(getpid(), &place, &caller, &own);
	assert_true(g != 0 && own);
	assert_int_equal(place, b);
	assert_int_equal(caller, 77);
	assert_int_equal(attribution_get(reader, place, g, &who), 0);
	assert_string_equal(who.id, "two");
	attribution_remove(writer, b);
	assert_int_equal(of_thread(getpid(), &place, &caller, &own), 0);
	assert_int_equal(attribution_get(reader, b, g, &who), -ESTALE);
	/* the place is used again, by another command */
	assert_int_equal(attribution_add(writer, STR("three"), STR(""), 0, &b),
			 0);
	assert_int_equal(attribution_get(reader, b, g, &who), -ESTALE);
	attribution_leave();
	assert_int_equal(of_thread(getpid(), &place, &caller, &own), 0);
}

static void test_first(void **state _unused_)
{
	uint64_t changes = attribution_changes(reader), g;
	uint32_t a = 0, place = 9;
	struct attributed who;

	assert_int_equal(attribution_of_only(reader, &place), 0);
	assert_int_equal(
		attribution_add(writer, STR("one"), STR("ls -l"), 0, &a), 0);
	assert_true(attribution_changes(reader) != changes);
	assert_int_equal(attribution_of_first(reader, 11, &place), 0);
	attribution_set_first(writer, a, 11);
	g = attribution_of_first(reader, 11, &place);
	assert_true(g != 0);
	assert_int_equal(attribution_of_only(reader, &place), g);
	assert_int_equal(attribution_get(reader, place, g, &who), 0);
	assert_string_equal(who.words, "ls -l");
	attribution_reset(writer);
	assert_int_equal(attribution_of_first(reader, 11, &place), 0);
}

static void test_child_is_not_the_writer(void **state _unused_)
{
	uint32_t a = 0;
	int status = 1;
	pid_t pid;

	assert_int_equal(attribution_add(writer, STR("one"), STR(""), 0, &a),
			 0);
	attribution_act(writer, a, 1);
	pid = fork();
	if (pid == 0) {
		uint32_t place;
		pid_t caller = 0;
		bool own = true;

		attribution_forked();
		attribution_act(writer, a, 5);
		_exit(!of_thread(getpid(), &place, &caller, &own) || own ||
		      caller != 5);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void test_totals(void **state _unused_)
{
	struct attribution_totals in = { 1, 2, 3, 4, 5, 6, 7 }, out;
	uint32_t a = 0, place = 0;
	uint64_t g;

	assert_int_equal(attribution_add(writer, STR("one"), STR(""), 3, &a),
			 0);
	g = attribution_of_first(reader, 3, &place);
	attribution_put_totals(reader, a, g + 1, &in); /* somebody else's */
	attribution_get_totals(writer, a, &out);
	assert_int_equal(out.removed, 0);
	attribution_put_totals(reader, a, g, &in);
	attribution_get_totals(writer, a, &out);
	assert_memory_equal(&in, &out, sizeof(in));
}

static void test_hostile(void **state _unused_)
{
	struct attribution_totals out;
	struct attributed who;
	struct attribution *a;

	assert_int_equal(attribution_map(STDIN_FILENO, &a) < 0, 1);
	assert_int_equal(attribution_get(reader, UINT32_MAX, 1, &who), -ESTALE);
	attribution_get_totals(reader, UINT32_MAX, &out);
	assert_int_equal(out.removed, 0);
	attribution_remove(writer, ATTRIBUTION_NONE);
	attribution_set_first(writer, ATTRIBUTION_NONE, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_acting, open_both,
						close_both),
		cmocka_unit_test_setup_teardown(test_first, open_both,
						close_both),
		cmocka_unit_test_setup_teardown(test_child_is_not_the_writer,
						open_both, close_both),
		cmocka_unit_test_setup_teardown(test_totals, open_both,
						close_both),
		cmocka_unit_test_setup_teardown(test_hostile, open_both,
						close_both),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
