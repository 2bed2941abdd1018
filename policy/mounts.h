/* SPDX-License-Identifier: MIT */
/*
 * mounts.h - directories with policies of their own (private to policy/)
 */
#ifndef POLICY_MOUNTS_H
#define POLICY_MOUNTS_H

#include "policy/policy.h"
#include "policy/rules.h"

/*
 * Puts the file rules of src->mounts before those that rules has, the
 * innermost mount first, each mount's ended by one that denies the rest of it.
 * arena: what rules lives in. Return: 0; -EINVAL with an error in diag;
 * -ENOMEM.
 */
int mounts_add(const struct policy_source *src, struct arena *arena,
	       struct policy_rules *rules, struct diag *diag);

#endif
