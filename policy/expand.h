/* SPDX-License-Identifier: MIT */
/*
 * expand.h - ${NAME} and ${NAME:-fallback} in paths and domains (private)
 */
#ifndef POLICY_EXPAND_H
#define POLICY_EXPAND_H

#include "base/str.h"
#include "policy/policy.h"

/*
 * Appends text with its variables replaced. Looked up: vars, then the
 * environment (non-empty values), then the fallback, which may itself hold
 * variables. "$$" and a '$' before anything but '{' are kept as they are.
 * any_name: a variable that is not defined becomes its own name (validation
 * without a session).
 * Return: 0; -ENOENT with *ret_name (part of text) for an undefined one;
 * -EINVAL for "${" without "}" or bad names; -E2BIG; -ENOMEM.
 */
int expand_vars(struct str text, const struct policy_vars *vars, bool any_name,
		struct buf *out, struct str *ret_name);

#endif
