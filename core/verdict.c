/* SPDX-License-Identifier: MIT */
/*
 * verdict.c - what was decided
 */
#include "core/verdict.h"

#include <errno.h>

static const struct {
	struct str name;
	unsigned int strictness;
} kinds[VERDICT_KIND_MAX] = {
	[VERDICT_DENY] = { STR("deny"), 5 },
	[VERDICT_ALLOW] = { STR("allow"), 0 },
	[VERDICT_AUDIT] = { STR("audit"), 1 },
	[VERDICT_APPROVE] = { STR("approve"), 4 },
	[VERDICT_REDIRECT] = { STR("redirect"), 3 },
	[VERDICT_SOFT_DELETE] = { STR("soft_delete"), 2 },
};

/* What is no verdict is a denial. */
static enum verdict_kind checked(enum verdict_kind kind)
{
	return (unsigned int)kind < VERDICT_KIND_MAX ? kind : VERDICT_DENY;
}

const char *verdict_kind_to_string(enum verdict_kind kind)
{
	return kinds[checked(kind)].name.p;
}

int verdict_kind_from_string(struct str word, enum verdict_kind *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (str_eq_icase(word, kinds[i].name)) {
			*ret = (enum verdict_kind)i;
			return 0;
		}
	return -EINVAL;
}

struct verdict verdict_stricter(struct verdict a, struct verdict b)
{
	return kinds[checked(b.kind)].strictness >
			       kinds[checked(a.kind)].strictness
		       ? b
		       : a;
}

bool verdict_permits(enum verdict_kind kind)
{
	return checked(kind) != VERDICT_DENY;
}
