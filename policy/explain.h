/* SPDX-License-Identifier: MIT */
/*
 * explain.h - why the policy says what it says of an operation
 */
#ifndef POLICY_EXPLAIN_H
#define POLICY_EXPLAIN_H

#include "base/json.h"
#include "core/op.h"
#include "policy/policy.h"

#define EXPLAIN_WORDS 64

/* An operation as people write it; holds what op points to. */
struct explain_op {
	struct op op;
	struct str words[EXPLAIN_WORDS];
};

/*
 * word: "exec", "connect" or "net_*", a file verb with or without "file_", or
 * empty: guessed from the target. target: a path, HOST[:PORT], or a command
 * with its arguments between spaces; borrowed. 0, or -EINVAL.
 */
int explain_op_parse(struct str word, struct str target,
		     struct explain_op *ret);

/*
 * Writes members of the current object: operation, decision, rule, line,
 * message, is_default, passed_over ([{rule, line, decision, why}]: earlier
 * rules that speak of the target and do not apply), unrelated (how many others
 * came before), change ({yaml, before}: the smallest rule that would turn the
 * answer around; absent where no rule can).
 */
void policy_explain(const struct policy *p, const struct op *op,
		    struct json_writer *w);

#endif
