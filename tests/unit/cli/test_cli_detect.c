/* SPDX-License-Identifier: MIT */
/*
 * test_cli_detect.c - score, mode and forms of detect for known hosts
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/detect.h"
#include "cli/yaml.h"

#define WORKS  ((struct probe_item){ .works = true })
#define NOT(e) ((struct probe_item){ .error = (e) })

/* What the Render web service of the seed has. */
static void render(struct detect *d)
{
	*d = (struct detect){ 0 };
	d->probe.landlock_abi = 5;
	d->probe.landlock = WORKS;
	d->probe.seccomp_filter = WORKS;
	d->probe.notify = WORKS;
	d->probe.caps_drop = WORKS;
	d->probe.ptrace = NOT(EPERM);
	d->probe.fuse = NOT(ENOENT);
	d->probe.pid_ns = NOT(EPERM);
	d->cgroup.memory = d->cgroup.pids = d->cgroup.cpu = CGROUP_V2;
	(void)snprintf(d->cgroup_text, sizeof(d->cgroup_text), "v2: all");
	detect_evaluate(d);
}

static void test_render_host(void **state)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct detect d;

	(void)state;
	render(&d);
	assert_int_equal(d.score, 100);
	assert_string_equal(d.mode, "landlock-only");
	assert_string_equal(d.domains[DETECT_FILE].active, "landlock");
	assert_string_equal(d.domains[DETECT_ISOLATION].active,
			    "capability-drop");
	detect_table(&d, &b);
	assert_non_null(strstr(buf_cstr(&b), "Protection Score: 100/100\n"));
	assert_non_null(
		strstr(buf_cstr(&b),
		       "\nFILE PROTECTION                          25/25\n"
		       "  fuse                 -  No such file or directory "
		       "file interception, soft-delete, redirect\n"
		       "  landlock             \xe2\x9c\x93  ABI v5           "
		       "kernel path restrictions\n"));
	assert_non_null(strstr(buf_cstr(&b), "  landlock_abi             "
					     "\xe2\x9c\x93 (v5)\n"));
	assert_null(strstr(buf_cstr(&b), "TIPS"));
}

static void test_bare_host(void **state)
{
	_cleanup_arena_ struct arena a = ARENA_INIT(1 << 20);
	_cleanup_buf_ struct buf b = BUF_INIT, table = BUF_INIT;
	const struct json *tips;
	struct json_writer w;
	struct json *v = NULL;
	struct detect d = { 0 };

	(void)state;
	detect_evaluate(&d);
	assert_int_equal(d.score, 0);
	assert_string_equal(d.mode, "minimal");
	detect_table(&d, &table);
	assert_non_null(strstr(buf_cstr(&table), "\nTIPS\n"));
	json_writer_init(&w, &b, 2);
	detect_json(&d, &w);
	assert_int_equal(json_parse(&a, buf_str(&b), &v), 0);
	tips = json_get(v, "tips");
	assert_int_equal(tips->n, 10);
	assert_non_null(strstr(buf_cstr(&b), "(+25 pts)"));
}

/* Old Landlock: files yes, network no. */
static void test_abi_3(void **state)
{
	struct detect d;

	(void)state;
	render(&d);
	d.probe.landlock_abi = 3;
	detect_evaluate(&d);
	assert_int_equal(d.score, 80);
	assert_string_equal(d.domains[DETECT_NETWORK].active, "none");
}

static void test_yaml(void **state)
{
	static const char json[] =
		"{\"a\":\"plain text\",\"b\":\"no\",\"c\":\"\",\"n\":12,"
		"\"l\":[{\"x\":1,\"y\":[true,null]},\"z: w\"],\"e\":[],"
		"\"o\":{\"p\":\"5\"}}";
	_cleanup_arena_ struct arena a = ARENA_INIT(1 << 20);
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct json *v = NULL;

	(void)state;
	assert_int_equal(json_parse(&a, str_from(json), &v), 0);
	yaml_put(&b, v);
	assert_string_equal(buf_cstr(&b),
			    "a: plain text\nb: \"no\"\nc: \"\"\nn: 12\n"
			    "l:\n  - x: 1\n    y:\n      - true\n"
			    "      - null\n  - \"z: w\"\ne: []\n"
			    "o:\n  p: \"5\"\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_render_host),
		cmocka_unit_test(test_bare_host),
		cmocka_unit_test(test_abi_3),
		cmocka_unit_test(test_yaml),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
