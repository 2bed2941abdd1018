/* SPDX-License-Identifier: MIT */
/*
 * test_policy_facts.c - messages, redirects, environment, variables, images
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/json.h"
#include "policy/image.h"
#include "policy/policy.h"

#define HEAD "version: 1\nname: t\n"

static struct policy *compile_with(const char *yaml,
				   const struct policy_vars *vars)
{
	_cleanup_diag_ struct diag d = DIAG_INIT;
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct policy *p = NULL;

	if (policy_compile("t.yaml", str_from(yaml), vars, 9, &p, &d) < 0) {
		diag_format(&d, &text);
		fail_msg("%s", buf_cstr(&text));
	}
	return p;
}

static struct policy *compile(const char *yaml)
{
	return compile_with(yaml, NULL);
}

static void assert_error(const char *yaml, const char *want)
{
	_cleanup_diag_ struct diag d = DIAG_INIT;
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct policy *p = NULL;

	assert_int_equal(policy_compile("t.yaml", str_from(yaml), NULL, 1, &p,
					&d),
			 -EINVAL);
	diag_first_error(&d, &text);
	assert_string_equal(buf_cstr(&text), want);
}

static struct verdict run(const struct policy *p, const char *path,
			  const struct str *argv, size_t argc, struct op *op)
{
	*op = (struct op){ .kind = OP_EXEC };
	op->exec.path = str_from(path);
	op->exec.argv = argv;
	op->exec.argc = argc;
	op->exec.precheck = true;
	return policy_decide(p, op);
}

static void test_message_and_redirect(void **state)
{
	static const struct str argv[] = { STR("curl"), STR("-s"), STR("x") };
	struct policy *p = compile(
		HEAD
		"command_rules:\n"
		"- name: r\n  commands: [curl]\n  decision: redirect\n"
		"  message: '{{.Command}} [{{.Args}}] {{ .Nothing }}!{{'\n"
		"  redirect_to: {command: fetch, args: [--audit], args_append: "
		"[last], environment: {A: b}}\n");
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct policy_redirect r;
	struct str args[4], env[4];
	struct verdict v;
	struct op op;

	(void)state;
	v = run(p, "curl", argv, 3, &op);
	assert_int_equal(v.kind, VERDICT_REDIRECT);
	policy_rule_message(p, v, &op, &b);
	assert_string_equal(buf_cstr(&b), "curl [-s x] !{{");
	assert_int_equal(policy_rule_redirect(p, v, &r, args, 4, env, 4), 0);
	assert_true(str_eq_c(r.target, "fetch"));
	assert_int_equal(r.n_args, 2);
	assert_true(str_eq_c(args[1], "last"));
	assert_true(r.n_environment == 1 && str_eq_c(env[0], "A=b"));
	assert_int_equal(policy_rule_redirect(p, v, &r, args, 1, env, 4),
			 -E2BIG);
	(void)policy_unref(p);
}

static void test_environment(void **state)
{
	static const struct str argv[] = { STR("npm") };
	struct policy *p = compile(
		HEAD "env_policy: {deny: ['MY_*'], max_keys: 10}\n"
		     "env_inject: {BASH_ENV: /x}\n"
		     "command_rules:\n"
		     "- {name: n, commands: [npm], decision: allow, env_allow: "
		     "['NPM_*'], env_max_keys: 3}\n"
		     "- {name: o, commands: [ls], decision: allow}\n");
	struct policy_env env;
	struct verdict v, w;
	struct str name, value;
	struct op op;

	(void)state;
	v = run(p, "npm", argv, 1, &op);
	w = run(p, "ls", argv, 1, &op);
	assert_true(policy_env_allows(p, v, STR("NPM_X")));
	assert_false(policy_env_allows(p, v, STR("PATH")));
	assert_true(policy_env_allows(p, v, STR("AGENTSH_SESSION_ID")));
	assert_true(policy_env_allows(p, w, STR("PATH")));
	assert_false(policy_env_allows(p, w, STR("MY_X")));
	assert_false(policy_env_allows(p, w, STR("LD_PRELOAD")));
	assert_false(policy_env_allows(p, w, STR("AWS_SESSION_TOKEN")));
	policy_env_limits(p, v, &env);
	assert_int_equal(env.max_keys, 3);
	policy_env_limits(p, w, &env);
	assert_int_equal(env.max_keys, 10);
	assert_true(policy_env_inject(p, 0, &name, &value));
	assert_true(str_eq_c(name, "BASH_ENV") && str_eq_c(value, "/x"));
	assert_false(policy_env_inject(p, 1, &name, &value));
	(void)policy_unref(p);
}

static enum verdict_kind write_to(const struct policy *p, const char *path)
{
	struct op op = { .kind = OP_FILE };

	op.file.verb = FILE_WRITE;
	op.file.path = str_from(path);
	return policy_decide(p, &op).kind;
}

static void test_variables(void **state)
{
	static const struct str names[] = { STR("WS"), STR("ODD") };
	static const struct str values[] = { STR("/w"), STR("/x*") };
	static char home[] = "HOME=/h";
	static char *const environment[] = { home, NULL };
	struct policy_vars vars = { names, values, 2, environment };
	struct policy *p = compile_with(
		HEAD "file_rules:\n- {name: a, decision: allow, paths: "
		     "['${WS}/a', '${HOME}/a', '${NO:-${WS}/{b,c}}', "
		     "'${ODD}/a']}\n",
		&vars);

	(void)state;
	assert_int_equal(write_to(p, "/w/a"), VERDICT_ALLOW);
	assert_int_equal(write_to(p, "/h/a"), VERDICT_ALLOW);
	assert_int_equal(write_to(p, "/w/c"), VERDICT_ALLOW);
	/* a value is text: its star is a star */
	assert_int_equal(write_to(p, "/x*/a"), VERDICT_ALLOW);
	assert_int_equal(write_to(p, "/xy/a"), VERDICT_DENY);
	(void)policy_unref(p);
	assert_error(HEAD "file_rules:\n- {name: a, decision: allow, paths: "
			  "['${NOPE}/a']}\n",
		     "t.yaml:4:38: file rule \"a\": undefined variable: NOPE");
}

static void test_errors(void **state)
{
	(void)state;
	assert_error(HEAD "file_rules:\n- {name: a, decision: allow, paths: "
			  "['/x[']}\n",
		     "t.yaml:4:38: compile file rule \"a\" glob \"/x[\": '[' "
		     "without ']'");
	assert_error(HEAD "command_rules:\n- {name: b, decision: deny, "
			  "args_patterns: ['(']}\n",
		     "t.yaml:4:45: compile command rule \"b\" arg pattern "
		     "\"(\": '(' without ')'");
	assert_error(HEAD "network_rules:\n- {name: c, decision: deny, cidrs: "
			  "['10.0.0.0']}\n",
		     "t.yaml:4:37: parse network rule \"c\" cidr \"10.0.0.0\": "
		     "write ADDRESS/BITS, as in 10.0.0.0/8");
}

/* An allow pattern sees the arguments, a deny pattern also argv[0]. */
static void test_args_forms(void **state)
{
	static const struct str argv[] = { STR("git"), STR("push") };
	struct policy *p = compile(
		HEAD "command_rules:\n"
		     "- {name: a, commands: [git], args_patterns: ['^git "
		     "push'], decision: allow}\n"
		     "- {name: b, commands: [git], args_patterns: ['^git "
		     "push'], decision: deny}\n");
	struct op op;
	struct verdict v = run(p, "git", argv, 2, &op);

	(void)state;
	assert_int_equal(v.kind, VERDICT_DENY);
	assert_true(str_eq_c(policy_rule_name(p, v), "b"));
	(void)policy_unref(p);
}

/* The very name, in whatever letters, or any; not one of a zone. */
static void test_names_host(void **state)
{
	static const struct {
		struct str host;
		bool named;
	} rows[] = {
		{ STR("a.example"), true },
		{ STR("b.example"), true },
		{ STR("x.c.example"), false },
		{ STR("d.example"), true }, /* for any host */
		{ STR("x.e.example"), true },
	};
	struct policy *p = compile(
		HEAD "network_rules:\n"
		     "- {name: a, domains: [a.example, B.Example, "
		     "'*.c.example'], decision: allow}\n"
		     "- {name: b, domains: [f.example, '**'], ports: [1], "
		     "decision: allow}\n");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct op op = { .kind = OP_DNS };

		op.net.host = rows[i].host;
		assert_int_equal(policy_rule_names_host(p,
							policy_decide(p, &op),
							rows[i].host),
				 rows[i].named);
	}
	(void)policy_unref(p);
}

static void test_image(void **state)
{
	struct policy *p = compile(HEAD), *q = NULL;
	_cleanup_buf_ struct buf b = BUF_INIT;
	int fd;

	(void)state;
	assert_int_equal(policy_to_fd(p, &fd), 0);
	assert_int_equal(policy_from_fd(fd, &q), 0);
	assert_true(str_eq_c(policy_name(q), "t"));
	assert_int_equal(policy_generation(q), 9);
	(void)policy_unref(q);
	/* one bit changed, anywhere: refused */
	for (size_t i = 0; i < p->size; i += 37) {
		buf_reset(&b);
		buf_put(&b, p->base, p->size);
		b.data[i] = (char)(b.data[i] ^ 4);
		fd = fd_sealed_memfd("x", buf_str(&b));
		assert_true(fd >= 0);
		/* the generation is in front of what is summed */
		if (i >= 12 && i < 16)
			(void)close(fd);
		else
			assert_int_equal(policy_from_fd(fd, &q), -EBADMSG);
	}
	(void)policy_unref(p);
}

static void decide_some(const struct policy *p)
{
	static const struct str argv[] = { STR("bash"), STR("-c"),
					   STR("nc x") };
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct op op = { .kind = OP_NET };

	(void)write_to(p, "/a/b/x.c");
	(void)write_to(p, "/q/node_modules/z");
	policy_rule_message(p, run(p, "/bin/bash", argv, 3, &op), &op, &b);
	op = (struct op){ .kind = OP_NET };
	op.net.host = STR("a.b.example");
	op.net.has_addr = true;
	op.net.addr[0] = 0x20;
	(void)policy_rule_name(p, policy_decide(p, &op));
}

/*
 * Every word of an image replaced by something absurd, with a good checksum:
 * refused, or harmless to those who read it.
 */
static void test_damage(void **state)
{
	static const uint32_t absurd[] = { 0xFFFFFFFEU, 0x00FFFFF0U };
	struct policy *p = compile(
		HEAD
		"file_rules:\n- {name: a, decision: allow, paths: "
		"['/a/**/x*c', '**/node_modules/**', '/q/[a-z]*', /z]}\n"
		"command_rules:\n- {name: c, commands: ['n*', bash], "
		"args_patterns: ['a+[b-d]'], decision: deny}\n"
		"network_rules:\n- {name: n, decision: deny, cidrs: "
		"['2000::/3'], ports: [1, 2]}\n"
		"- {name: d, domains: ['*.b.example'], decision: allow}\n");
	struct policy damaged = *p;
	char *block = malloc(p->size);
	size_t accepted = 0, refused = 0;
	uint64_t sum;

	(void)state;
	assert_non_null(block);
	for (size_t i = 0; i < p->size; i += 4) {
		for (size_t j = 0; j < 2; j++) {
			memcpy(block, p->base, p->size);
			memcpy(block + i, &absurd[j], 4);
			sum = img_checksum(block, p->size);
			memcpy(block + offsetof(struct img_header, checksum),
			       &sum, sizeof(sum));
			damaged.base = block;
			damaged.h = (const void *)block;
			if (image_check(block, p->size) < 0) {
				refused++;
				continue;
			}
			accepted++;
			decide_some(&damaged);
		}
	}
	assert_true(refused > 200 && accepted > 100);
	free(block);
	(void)policy_unref(p);
}

static void test_json(void **state)
{
	struct policy *p = compile(
		HEAD "file_rules:\n- {name: a, decision: allow, paths: [/x], "
		     "operations: [read]}\n"
		     "network_rules:\n- {name: n, decision: deny, cidrs: "
		     "['10.0.0.0/8', '::1/128']}\n");
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct json_writer w;

	(void)state;
	json_writer_init(&w, &b, 0);
	assert_int_equal(policy_to_json(p, &w), 0);
	assert_non_null(strstr(buf_cstr(&b),
			       "\"FileRules\":[{\"Name\":\"a\",\"Decision\":"
			       "\"allow\",\"Paths\":[\"/x\"],\"Operations\":["
			       "\"read\"]}]"));
	assert_non_null(
		strstr(buf_cstr(&b), "\"CIDRs\":[\"10.0.0.0/8\",\"::1/128\"]"));
	(void)policy_unref(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_message_and_redirect),
		cmocka_unit_test(test_environment),
		cmocka_unit_test(test_variables),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_args_forms),
		cmocka_unit_test(test_names_host),
		cmocka_unit_test(test_image),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
