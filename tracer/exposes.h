/* SPDX-License-Identifier: MIT */
/*
 * exposes.h - would a new name of a directory get around a rule?
 */
#ifndef TRACER_EXPOSES_H
#define TRACER_EXPOSES_H

#include <stdbool.h>

#include "policy/beneath.h"
#include "policy/policy.h"
#include "tracer/settings.h"

struct exposure {
	const struct policy *policy;
	const struct settings *settings;
	const struct policy_beneath *beneath;
	struct str path;  /* of the directory now */
	struct str other; /* where it would go */
	bool reads;       /* something in it may be closed to readers */
	bool moves;       /* rules care about names below path or other */
};

/*
 * Is there anything below the directory fd (O_PATH; borrowed) that must keep its
 * name, or must not get the new one? 1: yes, and ret_verb of ret_path (emptied
 * first) is denied; 0: no; -errno: that cannot be found out (too deep, too many
 * entries, not readable, closed by no rule of the policy).
 */
int exposes_find(const struct exposure *e, int fd, struct buf *ret_path,
		 enum file_verb *ret_verb);

#endif
