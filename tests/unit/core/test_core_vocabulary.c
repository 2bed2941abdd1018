/* SPDX-License-Identifier: MIT */
/*
 * test_core_vocabulary.c - verdicts, operations, grants
 */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/grant.h"
#include "core/op.h"
#include "core/verdict.h"

static void test_zero_denies(void **state)
{
	struct verdict v = { 0 };
	struct op op = { 0 };

	(void)state;
	assert_int_equal(v.kind, VERDICT_DENY);
	assert_int_equal(op.kind, OP_NONE);
	assert_false(verdict_permits(v.kind));
	assert_false(verdict_permits((enum verdict_kind)99));
	assert_true(verdict_permits(VERDICT_APPROVE));
	assert_string_equal(verdict_kind_to_string((enum verdict_kind)99),
			    "deny");
}

static void test_verdict_names(void **state)
{
	enum verdict_kind back = VERDICT_KIND_MAX;

	(void)state;
	for (int k = 0; k < VERDICT_KIND_MAX; k++) {
		const char *name = verdict_kind_to_string((enum verdict_kind)k);

		assert_int_equal(
			verdict_kind_from_string(str_from(name), &back), 0);
		assert_int_equal(back, k);
	}
	assert_int_equal(verdict_kind_from_string(STR("DeNy"), &back), 0);
	assert_int_equal(back, VERDICT_DENY);
	assert_int_equal(verdict_kind_from_string(STR("den"), &back), -EINVAL);
	assert_int_equal(verdict_kind_from_string(STR(""), &back), -EINVAL);
}

static void test_strictness(void **state)
{
	static const enum verdict_kind order[] = {
		VERDICT_ALLOW,    VERDICT_AUDIT,   VERDICT_SOFT_DELETE,
		VERDICT_REDIRECT, VERDICT_APPROVE, VERDICT_DENY,
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(order); i++)
		for (size_t j = 0; j < ARRAY_LEN(order); j++) {
			struct verdict a = { order[i], 1, 0 };
			struct verdict b = { order[j], 2, 0 };
			struct verdict v = verdict_stricter(a, b);

			assert_int_equal(v.kind, order[MAX(i, j)]);
			assert_int_equal(v.rule, j > i ? 2 : 1);
		}
	/* What is no verdict is as strict as a denial. */
	assert_int_equal(
		verdict_stricter((struct verdict){ .rule = 1, .kind = 99 },
				 (struct verdict){ .rule = 2, .kind = 1 })
			.rule,
		1);
}

static void test_verbs(void **state)
{
	enum file_verb verb = FILE_VERB_MAX;
	enum unix_verb un = UNIX_VERB_MAX;

	(void)state;
	for (int v = 0; v < FILE_VERB_MAX; v++) {
		const char *name = file_verb_to_string((enum file_verb)v);

		assert_non_null(name);
		assert_int_equal(file_verb_from_string(str_from(name), &verb),
				 0);
		assert_int_equal(verb, v);
	}
	assert_int_equal(file_verb_alias(FILE_TRUNCATE), FILE_WRITE);
	assert_int_equal(file_verb_alias(FILE_XATTR), FILE_WRITE);
	assert_int_equal(file_verb_alias(FILE_RMDIR), FILE_RMDIR);
	assert_true(file_verb_is_read(FILE_READLINK));
	assert_false(file_verb_is_read(FILE_CREATE));
	assert_false(file_verb_is_read((enum file_verb)1000));
	assert_null(file_verb_to_string(FILE_VERB_MAX));
	assert_int_equal(file_verb_from_string(STR("UNLINK"), &verb), -EINVAL);
	assert_int_equal(unix_verb_from_string(STR("SendTo"), &un), 0);
	assert_int_equal(un, UNIX_SENDTO);
	assert_string_equal(unix_verb_to_string(UNIX_BIND), "bind");
	assert_null(unix_verb_to_string(UNIX_VERB_MAX));
	assert_string_equal(op_kind_to_string(OP_SIGNAL), "signal");
	assert_null(op_kind_to_string(OP_KIND_MAX));
}

static void test_dup_exec(void **state)
{
	_cleanup_arena_ struct arena a = ARENA_INIT(0);
	char path[] = "/bin/ls", arg[] = "-la";
	struct str argv[] = { str_from(path), str_from(arg) };
	struct op op = { .kind = OP_EXEC }, *copy;

	(void)state;
	op.exec.path = argv[0];
	op.exec.argv = argv;
	op.exec.argc = 2;
	op.exec.depth = 3;
	copy = op_dup(&a, &op);
	assert_non_null(copy);
	memset(path, 'x', sizeof(path) - 1);
	memset(arg, 'x', sizeof(arg) - 1);
	argv[0] = STR_NONE;
	assert_true(str_eq(copy->exec.path, STR("/bin/ls")));
	assert_true(str_eq(copy->exec.argv[0], STR("/bin/ls")));
	assert_true(str_eq(copy->exec.argv[1], STR("-la")));
	assert_int_equal(copy->exec.depth, 3);
	assert_int_equal(copy->exec.n_names, 0);
}

static void test_dup_kinds(void **state)
{
	_cleanup_arena_ struct arena a = ARENA_INIT(0);
	_cleanup_arena_ struct arena tiny = ARENA_INIT(256);
	char text[] = "some/name";
	struct op op = { .kind = OP_FILE }, *copy;

	(void)state;
	op.file.path = op.file.name = str_from(text);
	copy = op_dup(&a, &op);
	assert_true(copy && copy->file.name.p != text &&
		    copy->file.path.p != text);
	op = (struct op){ .kind = OP_HTTP };
	op.http.path = str_from(text);
	copy = op_dup(&a, &op);
	assert_true(copy && copy->http.path.p != text);
	op = (struct op){ .kind = OP_DNS };
	op.net.host = str_from(text);
	copy = op_dup(&a, &op);
	assert_true(copy && copy->net.host.p != text);
	op.net.host = str_from_n(text, 0);
	assert_non_null(op_dup(&a, &op));
	while (op_dup(&tiny, &op))
		; /* ends by the cap */
}

static void test_v4(void **state)
{
	static const uint8_t want[16] = { [10] = 0xff, 0xff, 10, 1, 2, 3 };
	struct op_net net;

	(void)state;
	memset(&net, 0xaa, sizeof(net));
	op_net_set_v4(&net, inet_addr("10.1.2.3"));
	assert_memory_equal(net.addr, want, 16);
	assert_true(net.has_addr);
}

static void test_grants(void **state)
{
	struct grant_set g = { 0 };

	(void)state;
	assert_int_equal(grant_set_add(&g, "/usr", GRANT_READ, false), 0);
	assert_int_equal(grant_set_add(&g, "/usr", GRANT_EXECUTE, false), 0);
	assert_int_equal(grant_set_add(&g, "/usr", GRANT_READ, true), 0);
	assert_int_equal(grant_set_add(&g, "usr", GRANT_READ, false), -EINVAL);
	assert_int_equal(grant_set_add(&g, "", GRANT_READ, false), -EINVAL);
	assert_int_equal(g.fs.n, 2);
	assert_int_equal(g.fs.data[0].access, GRANT_READ | GRANT_EXECUTE);
	assert_int_equal(grant_set_add_hole(&g, "/etc/shadow"), 0);
	assert_int_equal(grant_set_add_hole(&g, "/etc/shadow"), 0);
	assert_int_equal(grant_set_add_hole(&g, "x"), -EINVAL);
	assert_int_equal(g.holes.n, 1);
	assert_int_equal(vec_push(&g.tcp_bind_ports, 80), 0);
	grant_set_done(&g);
	assert_int_equal(g.fs.n, 0);
	assert_null(g.tcp_bind_ports.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_zero_denies),
		cmocka_unit_test(test_verdict_names),
		cmocka_unit_test(test_strictness),
		cmocka_unit_test(test_verbs),
		cmocka_unit_test(test_dup_exec),
		cmocka_unit_test(test_dup_kinds),
		cmocka_unit_test(test_v4),
		cmocka_unit_test(test_grants),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
