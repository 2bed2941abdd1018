/* SPDX-License-Identifier: MIT */
/*
 * test_server_guidance.c - what an agent is told, and when it is told nothing
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/exec.h"

static char text[4096];

static const char *guidance(const struct command *c)
{
	_cleanup_buf_ struct buf out = BUF_INIT;
	struct json_writer w;

	json_writer_init(&w, &out, 0);
	json_begin_object(&w);
	guidance_to_json(c, &w);
	json_end_object(&w);
	assert_true(out.len < sizeof(text));
	memcpy(text, buf_cstr(&out), out.len + 1);
	return text;
}

static struct command *command(int exit_code)
{
	static struct command c;

	c = (struct command){ .exit_code = exit_code,
			      .rq.command = STR("/bin/bash") };
	return &c;
}

static void says_nothing(void **state)
{
	struct command *c = command(0);

	(void)state;
	assert_string_equal(guidance(c), "{}");
	/* a probe that was denied, and did not matter */
	c->seen.n_blocked = 3;
	c->seen.rule = STR("block-sensitive");
	assert_string_equal(guidance(c), "{}");
}

static void denied(void **state)
{
	struct command *c = command(126);

	(void)state;
	c->rule = STR("block-network-tools");
	command_set_error(c, 126, "E_POLICY_DENIED",
			  "command denied by policy");
	assert_string_equal(
		guidance(c),
		"{\"guidance\":{\"status\":\"blocked\",\"blocked\":true,"
		"\"reason\":\"command denied by policy\","
		"\"policy_rule\":\"block-network-tools\","
		"\"blocked_operation\":\"command_precheck\","
		"\"blocked_target\":\"/bin/bash\","
		"\"suggestions\":[{\"action\":\"adjust_policy\","
		"\"command\":\"\",\"reason\":\"operation denied by policy; "
		"adjust policy or change command\"}]}}");
}

static void blocked(void **state)
{
	struct command *c = command(1);
	const char *at;

	(void)state;
	c->seen.n_blocked = 1;
	c->seen.rule = STR("deny-system-write");
	at = strstr(guidance(c), "blocked by policy");
	assert_non_null(at);
	assert_null(strstr(at + 1, "blocked by policy")); /* said once */
	assert_non_null(strstr(text, "\"policy_rule\":\"deny-system-write\""));
	/* the network is told even when the program did not mind */
	c->exit_code = 0;
	c->seen.network_blocked = true;
	assert_non_null(strstr(guidance(c), "blocked by policy"));
}

static void failed(void **state)
{
	struct command *c = command(127);

	(void)state;
	assert_non_null(strstr(guidance(c), "\"command failed\""));
	assert_non_null(strstr(text, "use_absolute_exe"));
	c = command(124);
	c->timed_out = true;
	c->seen.n_blocked = 1;
	assert_non_null(strstr(guidance(c), "\"command timed out\""));
	assert_non_null(strstr(text, "agentsh exec --timeout 2m ..."));
	assert_non_null(strstr(text, "\"retryable\":true"));
}

static void ids(void **state)
{
	(void)state;
	assert_true(command_id_valid(
		STR("cmd-11111111-1111-4111-8111-0123456789ab")));
	assert_false(command_id_valid(
		STR("cmd-11111111-1111-4111-8111-0123456789aB")));
	assert_false(command_id_valid(STR("cmd-1")));
	assert_false(command_id_valid(
		STR("cmd-11111111-1111-4111-8111-0123456789ab/")));
	assert_true(session_id_valid(STR("demo_1-x")));
	assert_false(session_id_valid(STR("-demo")));
	assert_false(session_id_valid(STR("a/b")));
	assert_false(session_id_valid(STR("")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_nothing), cmocka_unit_test(denied),
		cmocka_unit_test(blocked),      cmocka_unit_test(failed),
		cmocka_unit_test(ids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
