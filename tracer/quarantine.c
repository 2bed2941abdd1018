/* SPDX-License-Identifier: MIT */
/*
 * quarantine.c - what commands see of the store that keeps what they destroy
 */
#include "tracer/quarantine.h"

#include <errno.h>

#include "base/path.h"
#include "tracer/tracer.h"

static enum quarantine named_so(struct str path)
{
	struct str rest = path, part;

	while (str_split(&rest, '/', &part))
		if (str_eq_c(part, TRASH_DEFAULT_DIR))
			return rest.n ? QUARANTINE_INSIDE : QUARANTINE_TOP;
	return QUARANTINE_NONE;
}

enum quarantine quarantine_of(const struct tracer *t, struct str path)
{
	struct str own = t->trash ? trash_path(t->trash) : STR_NONE;

	if (own.n && path_beneath(path, own))
		return path.n > own.n ? QUARANTINE_INSIDE : QUARANTINE_TOP;
	return named_so(path);
}

int quarantine_open_empty(const struct tracer *t)
{
	return t->trash ? trash_open_empty(t->trash) : -EACCES;
}
