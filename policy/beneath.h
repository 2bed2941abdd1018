/* SPDX-License-Identifier: MIT */
/*
 * beneath.h - is something below a directory meant by a rule that denies?
 *
 * Rules speak of paths. A directory that comes to a name brings along what is in
 * it, and one that goes away takes it along; a symbolic link lends its name to
 * what it leads to. Whoever moves or links has to know whether rules care about
 * what is below.
 */
#ifndef POLICY_BENEATH_H
#define POLICY_BENEATH_H

#include <stdbool.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "core/op.h"
#include "policy/policy.h"

struct policy_beneath;

/* The patterns of all file rules that do not permit what they speak of. 0 or
 * -ENOMEM. */
int policy_beneath_new(const struct policy *p, struct policy_beneath **ret);
struct policy_beneath *policy_beneath_free(struct policy_beneath *b);

/*
 * Could such a rule for `verb` match a path below dir, which is absolute? Not
 * for rules that hold for everything around dir as well.
 */
bool policy_beneath_may(const struct policy_beneath *b, enum file_verb verb,
			struct str dir);

/*
 * Is dir, by its name, one of the directories that such a rule leads through,
 * and is the verb denied below it? Then an example goes to ret_path, which is
 * emptied first. 1, 0 or -ENOMEM.
 */
int policy_beneath_named(const struct policy_beneath *b, const struct policy *p,
			 enum file_verb verb, struct str dir,
			 struct buf *ret_path);

#endif
