/* SPDX-License-Identifier: MIT */
/*
 * verdict.h - what was decided
 *
 * Zeroed memory is a denial by no rule.
 */
#ifndef CORE_VERDICT_H
#define CORE_VERDICT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

enum verdict_kind {
	VERDICT_DENY = 0,
	VERDICT_ALLOW,
	VERDICT_AUDIT, /* allow, and always recorded */
	VERDICT_APPROVE,
	VERDICT_REDIRECT,
	VERDICT_SOFT_DELETE,
	VERDICT_KIND_MAX,
};

struct verdict {
	enum verdict_kind kind;
	uint32_t rule; /* opaque to all but policy/: rule id for its accessors */
	uint32_t generation; /* of the policy that decided */
};

const char *verdict_kind_to_string(enum verdict_kind kind);
/* Case-insensitive; -EINVAL for an unknown word. */
int verdict_kind_from_string(struct str word, enum verdict_kind *ret);
/*
 * Strictness: deny > approve > redirect > soft_delete > audit > allow.
 * Returns the stricter of two; a on a tie.
 */
struct verdict verdict_stricter(struct verdict a, struct verdict b);
/* True when the operation may go ahead once approvals and diversions are
 * done: everything but deny. */
bool verdict_permits(enum verdict_kind kind);

#endif
