/* SPDX-License-Identifier: MIT */
/*
 * test_core_proto.c - every message there and back, and cut at every byte
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/proto.h"
#include "core/wire.h"

/* A decoder of any message, told only whether it succeeds. */
typedef int decode_fn(struct str body, struct arena *a);

/* Whole: 0. Any prefix, and one byte more: -EBADMSG. */
static void check_cuts(struct str body, decode_fn *decode)
{
	for (size_t n = 0; n <= body.n + 1; n++) {
		_cleanup_arena_ struct arena a = ARENA_INIT(65536);
		char *copy = calloc(1, n + 1);

		assert_non_null(copy);
		memcpy(copy, body.p, MIN(n, body.n));
		assert_int_equal(decode(str_from_n(copy, n), &a),
				 n == body.n ? 0 : -EBADMSG);
		free(copy);
	}
}

static int decode_hello(struct str body, struct arena *a)
{
	struct proto_hello m;
	int r = proto_hello_decode(body, &m);

	(void)a;
	if (r == 0) {
		assert_true(str_eq(m.session_id, STR("session-1")));
		assert_true(str_eq(m.workspace, STR("/w")));
		assert_true(str_eq(m.settings_json, STR("{}")));
		assert_int_equal(m.policy_generation, 3);
	}
	return r;
}

static void test_hello(void **state)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct proto_hello m = { STR("session-1"), STR("/w"), STR("{}"), 3 };

	(void)state;
	assert_int_equal(proto_hello_encode(&m, &b), 0);
	check_cuts(buf_str(&b), decode_hello);
}

static const struct str argv[] = { { "ls", 2 }, { "", 0 }, { "a\0b", 3 } };
static const struct str env[] = { { "A=b", 3 } };

static int decode_spawn(struct str body, struct arena *a)
{
	struct proto_spawn m;
	int r = proto_spawn_decode(body, a, &m);

	if (r < 0)
		return r;
	assert_int_equal(m.argc, 3);
	assert_int_equal(m.n_env, 1);
	assert_true(str_eq(m.argv[2], argv[2]));
	assert_true(str_eq(m.env[0], env[0]));
	assert_true(str_eq(m.file, STR("ls")));
	assert_int_equal(m.flags, SPAWN_TTY);
	assert_int_equal(m.timeout_ns, 5);
	assert_int_equal(m.limits.memory_bytes, 1);
	assert_true(m.limits.swap_set);
	assert_int_equal(m.limits.disk_write_bps, 6);
	return 0;
}

static struct proto_spawn spawn_message(void)
{
	return (struct proto_spawn){
		.command_id = STR("cmd-1"),
		.argv = argv,
		.argc = 3,
		.file = STR("ls"),
		.env = env,
		.n_env = 1,
		.cwd = STR("/w"),
		.flags = SPAWN_TTY,
		.timeout_ns = 5,
		.limits = { 1, 2, true, 3, 4, 5, 6 },
	};
}

static void test_spawn(void **state)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct proto_spawn m = spawn_message();

	(void)state;
	assert_int_equal(proto_spawn_encode(&m, &b), 0);
	check_cuts(buf_str(&b), decode_spawn);
}

/* Nothing to run, or a flag nobody knows: refused, not ignored. */
static void test_bad_spawn(void **state)
{
	_cleanup_arena_ struct arena a = ARENA_INIT(65536);
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct proto_spawn m = spawn_message(), back;

	(void)state;
	m.argc = 0;
	assert_int_equal(proto_spawn_encode(&m, &b), 0);
	assert_int_equal(proto_spawn_decode(buf_str(&b), &a, &back), -EBADMSG);
	m = spawn_message();
	m.flags = 1U << 31;
	buf_reset(&b);
	assert_int_equal(proto_spawn_encode(&m, &b), 0);
	assert_int_equal(proto_spawn_decode(buf_str(&b), &a, &back), -EBADMSG);
}

static int decode_signal(struct str body, struct arena *a)
{
	struct proto_signal m;
	int r = proto_signal_decode(body, &m);

	(void)a;
	assert_true(r < 0 || m.signo == -9);
	return r;
}

static int decode_exited(struct str body, struct arena *a)
{
	struct proto_exited m;
	int r = proto_exited_decode(body, &m);

	(void)a;
	assert_true(r < 0 || (m.wait_status == 256 && m.timed_out &&
			      !m.oom_killed && m.memory_peak_kb == 4));
	return r;
}

static int decode_ask(struct str body, struct arena *a)
{
	struct proto_approval_ask m;
	int r = proto_approval_ask_decode(body, &m);

	(void)a;
	assert_true(r < 0 || (str_eq(m.message, STR("m")) &&
			      m.timeout_ns == 1ULL << 40));
	return r;
}

static int decode_approval(struct str body, struct arena *a)
{
	struct proto_approval m;
	int r = proto_approval_decode(body, &m);

	(void)a;
	assert_true(r < 0 || (m.approved && str_eq(m.reason, STR("ok"))));
	return r;
}

static void test_flat_messages(void **state)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct proto_signal s = { STR("cmd-1"), -9 };
	struct proto_exited e = { .command_id = STR("cmd-1"),
				  .wait_status = 256,
				  .timed_out = true,
				  .memory_peak_kb = 4 };
	struct proto_approval_ask ask = { STR("c"), STR("file"), STR("/x"),
					  STR("r"), STR("m"),    1ULL << 40 };
	struct proto_approval answer = { true, STR("approval-1"), STR("ok") };

	(void)state;
	assert_int_equal(proto_signal_encode(&s, &b), 0);
	check_cuts(buf_str(&b), decode_signal);
	buf_reset(&b);
	assert_int_equal(proto_exited_encode(&e, &b), 0);
	check_cuts(buf_str(&b), decode_exited);
	buf_reset(&b);
	assert_int_equal(proto_approval_ask_encode(&ask, &b), 0);
	check_cuts(buf_str(&b), decode_ask);
	buf_reset(&b);
	assert_int_equal(proto_approval_encode(&answer, &b), 0);
	check_cuts(buf_str(&b), decode_approval);
	b.data[0] = 2; /* a bool is 0 or 1 */
	assert_int_equal(proto_approval_decode(buf_str(&b), &answer), -EBADMSG);
}

static const struct proto_layer layers[] = {
	{ { "landlock", 8 }, true, { "ABI v7", 6 } },
	{ { "cgroup", 6 }, false, { "EROFS", 5 } },
};

static int decode_ready(struct str body, struct arena *a)
{
	struct proto_ready m;
	int r = proto_ready_decode(body, a, &m);

	assert_true(r < 0 || (m.n_layers == 2 && !m.layers[1].active &&
			      str_eq(m.layers[1].detail, STR("EROFS"))));
	return r;
}

static int decode_spawned(struct str body, struct arena *a)
{
	struct proto_spawned m;
	int r = proto_spawned_decode(body, a, &m);

	assert_true(r < 0 || (m.pid == 0 && m.error == EACCES &&
			      m.n_layers == 2 && m.layers[0].active));
	return r;
}

static void test_layers(void **state)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct proto_ready ready = { layers, 2 };
	struct proto_spawned spawned = {
		STR("cmd-1"), 0, EACCES, STR("exec"), STR("/x"), layers, 2
	};

	(void)state;
	assert_int_equal(proto_ready_encode(&ready, &b), 0);
	check_cuts(buf_str(&b), decode_ready);
	buf_reset(&b);
	assert_int_equal(proto_spawned_encode(&spawned, &b), 0);
	check_cuts(buf_str(&b), decode_spawned);
}

/* A count is bounded by the message, an array by the arena. */
static void test_hostile_counts(void **state)
{
	_cleanup_arena_ struct arena a = ARENA_INIT(4096);
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct proto_ready ready;

	(void)state;
	wire_put_u32(&b, UINT32_MAX);
	assert_int_equal(proto_ready_decode(buf_str(&b), &a, &ready), -EBADMSG);
	assert_int_equal(a.used, 0);
	buf_reset(&b);
	wire_put_u32(&b, 1000);
	for (int i = 0; i < 1000; i++) {
		wire_put_str(&b, STR_NONE);
		wire_put_bool(&b, false);
		wire_put_str(&b, STR_NONE);
	}
	assert_int_equal(proto_ready_decode(buf_str(&b), &a, &ready), -ENOMEM);
}

static void test_wire(void **state)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct wire_reader r;

	(void)state;
	wire_put_u8(&b, 0xfe);
	wire_put_u16(&b, 0x1234);
	wire_put_i64(&b, INT64_MIN);
	wire_put_str(&b, STR("x"));
	assert_memory_equal(b.data + 1, "\x34\x12", 2); /* little-endian */
	r = wire_reader_init(buf_str(&b));
	assert_int_equal(wire_get_u8(&r), 0xfe);
	assert_int_equal(wire_get_u16(&r), 0x1234);
	assert_true(wire_get_i64(&r) == INT64_MIN);
	assert_int_equal(wire_finish(&r), -EBADMSG); /* something left */
	assert_true(str_eq(wire_get_str(&r), STR("x")));
	assert_int_equal(wire_finish(&r), 0);
	assert_int_equal(wire_get_u64(&r), 0);
	assert_int_equal(wire_finish(&r), -EBADMSG); /* sticks */
	assert_int_equal(wire_get_str(&r).n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hello),
		cmocka_unit_test(test_spawn),
		cmocka_unit_test(test_bad_spawn),
		cmocka_unit_test(test_flat_messages),
		cmocka_unit_test(test_layers),
		cmocka_unit_test(test_hostile_counts),
		cmocka_unit_test(test_wire),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
