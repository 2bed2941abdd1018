/* SPDX-License-Identifier: MIT */
/*
 * quarantine.c - what commands see of the store that keeps what they destroy
 */
#include "tracer/quarantine.h"

#include <errno.h>

#include "base/path.h"
#include "core/attribution.h"
#include "tracer/command.h"
#include "tracer/identity.h"
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
	_cleanup_identity_ struct identity *was = identity_keep();

	return t->trash ? trash_open_empty(t->trash) : -EACCES;
}

bool quarantine_totals(const struct command *c, struct trash_group_stat *ret)
{
	const struct tracer *t = c->tracer;
	struct attribution_totals a;

	if (t->trash)
		return c->has_group &&
		       trash_group_get(t->trash, c->trash_group, ret) == 0;
	if (!t->attribution)
		return false;
	attribution_get_totals(t->attribution, c->place, &a);
	*ret = (struct trash_group_stat){
		.token = { a.token_hi, a.token_lo },
		.kept_bytes = a.kept_bytes,
		.removed = a.removed,
		.changed = a.changed,
		.created = a.created,
		.unkept = a.unkept,
	};
	return !trash_token_is_zero(ret->token);
}

void quarantine_receipt(const struct command *c)
{
	struct event e = EVENT_INIT("undo_receipt");
	struct trash_group_stat s;
	char token[TRASH_TOKEN_LEN + 1];

	if (!quarantine_totals(c, &s) || s.removed + s.changed + s.unkept == 0)
		return;
	trash_token_format(s.token, token);
	e.session_id = str_from(c->tracer->session_id);
	e.command_id = str_from(c->id);
	e.source = c->tracer->by_ptrace ? STR("ptrace") : STR("seccomp");
	event_add_int(&e, "removed", (int64_t)s.removed);
	event_add_int(&e, "changed", (int64_t)s.changed);
	event_add_int(&e, "created", (int64_t)s.created);
	event_add_int(&e, "kept_bytes", (int64_t)s.kept_bytes);
	event_add_int(&e, "not_kept", (int64_t)s.unkept);
	event_add_str(&e, "token", str_from(token));
	(void)sink_emit(&c->tracer->sink, &e); /* the store has it too */
}
