/* SPDX-License-Identifier: MIT */
/*
 * policy_ops.h - one operation of every kind, for fuzzing decisions
 */
#ifndef TESTS_FUZZ_POLICY_OPS_H
#define TESTS_FUZZ_POLICY_OPS_H

#include <assert.h>

#include "core/op.h"
#include "policy/policy.h"

static void decide_one(const struct policy *p, const struct op *op)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct policy_redirect redirect;
	struct str args[64], env[64];
	struct verdict v = policy_decide(p, op);

	assert((unsigned int)v.kind < VERDICT_KIND_MAX);
	(void)policy_rule_name(p, v);
	policy_rule_message(p, v, op, &b);
	(void)policy_rule_redirect(p, v, &redirect, args, 64, env, 64);
	(void)policy_env_allows(p, v, STR("PATH"));
}

static void decide_everything(const struct policy *p)
{
	static const struct str argv[] = { STR("/bin/bash"), STR("-c"),
					   STR("env nc -h") };
	static const struct str names[] = { STR("nc"), STR("/usr/bin/env") };
	struct op op = { .kind = OP_FILE };

	op.file.path = STR("/workspace/a/b.txt");
	op.file.name = STR("/etc/shadow");
	for (op.file.verb = 0; op.file.verb < FILE_VERB_MAX; op.file.verb++)
		decide_one(p, &op);
	op = (struct op){ .kind = OP_EXEC };
	op.exec = (struct op_exec){ .path = STR("/bin/bash"),
				    .names = names,
				    .n_names = 2,
				    .argv = argv,
				    .argc = 3,
				    .precheck = true };
	decide_one(p, &op);
	op = (struct op){ .kind = OP_NET };
	op.net.host = STR("a.evil.com");
	op.net.has_addr = true;
	op.net.addr[15] = 1;
	op.net.port = 443;
	decide_one(p, &op);
	op.kind = OP_DNS;
	decide_one(p, &op);
	op = (struct op){ .kind = OP_UNIX };
	op.un.path = STR("/run/x.sock");
	decide_one(p, &op);
	op = (struct op){ .kind = OP_SIGNAL };
	op.sig = (struct op_signal){ 15, 99, SIGREL_CHILD, STR("sleep") };
	decide_one(p, &op);
	op = (struct op){ .kind = OP_HTTP };
	op.http = (struct op_http){ STR("api"), STR("GET"), STR("/v1/x") };
	decide_one(p, &op);
}

#endif
