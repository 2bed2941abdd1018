/* SPDX-License-Identifier: MIT */
/*
 * receipt.c - what a command destroyed, and how to have it back
 */
#include "core/receipt.h"

#include <inttypes.h>
#include <string.h>

#include "core/event.h"

static int64_t number(const struct event *e, const char *key)
{
	for (size_t i = 0; i < e->n_fields; i++)
		if (strcmp(e->fields[i].key, key) == 0 &&
		    e->fields[i].type == EVENT_INT)
			return e->fields[i].num;
	return 0;
}

struct receipt receipt_of(const struct event *e)
{
	return (struct receipt){
		.present = true,
		.removed = number(e, "removed"),
		.changed = number(e, "changed"),
		.created = number(e, "created"),
		.kept_bytes = number(e, "kept_bytes"),
		.not_kept = number(e, "not_kept"),
	};
}

static void put_count(struct buf *out, int64_t n, const char *what, bool *first)
{
	if (n == 0)
		return;
	buf_printf(out, "%s%" PRId64 "%s %s", *first ? "" : ", ", n,
		   !*first  ? ""
		   : n == 1 ? " file"
			    : " files",
		   what);
	*first = false;
}

void receipt_text(const struct receipt *r, struct str undo, struct buf *out)
{
	bool first = true;

	buf_puts(out, "agentsh: ");
	put_count(out, r->removed, "removed", &first);
	put_count(out, r->changed, "changed", &first);
	put_count(out, r->not_kept, "NOT KEPT (over the quota)", &first);
	buf_printf(out, "; bring back with: " STR_FMT "\n", STR_ARG(undo));
}
