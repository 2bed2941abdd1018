/* SPDX-License-Identifier: MIT */
/*
 * decide.h - the pure function behind policy_decide(), in parts (private)
 *
 * Nothing here allocates, locks, reads a clock or does I/O; anything that
 * cannot be judged is denied as BUILTIN_INVALID_OP.
 */
#ifndef POLICY_DECIDE_H
#define POLICY_DECIDE_H

#include "core/op.h"
#include "policy/image.h"
#include "policy/index.h"

/* kind by a rule that no file has: a default, or why nothing can be judged. */
struct verdict builtin_verdict(const struct policy *p, enum verdict_kind kind,
			       enum builtin_rule rule);
/* Verdict of rule number `rule` of a family. */
struct verdict rule_verdict(const struct policy *p, enum img_family family,
			    uint32_t rule);
/* The rule a verdict names; NULL for a built-in one or an index out of range.
 */
const struct img_rule *verdict_rule(const struct policy *p, struct verdict v);
/* True when no rule of the policy matched and a default decided. */
bool verdict_is_default(struct verdict v);

/* One per kind of op: policy_decide() picks, and only that calls them. */
struct verdict decide_file(const struct policy *p, const struct op_file *op);
struct verdict decide_exec(const struct policy *p, const struct op_exec *op);
struct verdict decide_net(const struct policy *p, const struct op_net *op);
struct verdict decide_dns(const struct policy *p, const struct op_net *op);
struct verdict decide_unix(const struct policy *p, const struct op_unix *op);
struct verdict decide_signal(const struct policy *p,
			     const struct op_signal *op);
struct verdict decide_http(const struct policy *p, const struct op_http *op);

/*
 * First matching file rule for one clean absolute path and the defaults,
 * without guards and without looking at a second name.
 */
struct verdict file_rules_verdict(const struct policy *p, struct str path,
				  enum file_verb verb);

/* A command as rules see it. args: without the command's own name. */
struct command_view {
	struct str path; /* or a bare name */
	const struct str *args;
	size_t n_args;
	struct str argv0;
	unsigned int depth;
	bool truncated; /* there are more args than we see */
};

/*
 * First matching command rule; *ret is written only if there is one. A path
 * over LIMIT_FULL_PATH matches a built-in denial.
 */
bool command_rule_verdict(const struct policy *p, const struct command_view *c,
			  struct verdict *ret);
/* Lower-cased last component without ".real", into out (n bytes); the empty
 * string if it does not fit. */
struct str command_basename(struct str path, char *out, size_t n);

#endif
