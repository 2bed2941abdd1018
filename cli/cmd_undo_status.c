/* SPDX-License-Identifier: MIT */
/*
 * cmd_undo_status.c - undo status: what can be undone, and what cannot
 */
#include <errno.h>
#include <inttypes.h>

#include "base/clock.h"
#include "base/json.h"
#include "cli/output.h"
#include "cli/store.h"
#include "trash/list.h"

#define SHOWN 10

struct overview {
	struct buf b;
	struct json_writer w;
	bool json;
	uint64_t commands, unkept;
	unsigned int shown;
};

/* True of the mount and of system calls alike (docs/design/undo.md). */
static const char *const not_covered[] = {
	"a file that is open for writing, or mapped, is kept as it was when "
	"the command opened it: not each of its later states",
	"what a descriptor opened outside the session does is not seen",
	"content over the copy limit that can be neither moved nor reflinked "
	"is refused or counted as not kept",
};

static void group_json(struct overview *o, const struct trash_group_info *g)
{
	_cleanup_buf_ struct buf when = BUF_INIT;

	clock_format_rfc3339(&when, g->start_ns);
	json_begin_object(&o->w);
	json_kv_str(&o->w, "command", g->command);
	json_kv_str(&o->w, "session", g->session);
	json_kv_str(&o->w, "detail", g->detail);
	json_kv_str(&o->w, "started", buf_str(&when));
	json_kv_i64(&o->w, "removed", (int64_t)g->stat.removed);
	json_kv_i64(&o->w, "changed", (int64_t)g->stat.changed);
	json_kv_i64(&o->w, "created", (int64_t)g->stat.created);
	json_kv_i64(&o->w, "not_kept", (int64_t)g->stat.unkept);
	json_kv_bool(&o->w, "running", !g->ended);
	json_kv_bool(&o->w, "undone", g->undone);
	json_kv_bool(&o->w, "is_undo", g->is_undo);
	json_end_object(&o->w);
}

static void group_text(struct overview *o, const struct trash_group_info *g)
{
	clock_format_rfc3339(&o->b, g->start_ns);
	buf_printf(&o->b, "  " STR_FMT "  ", STR_ARG(g->command));
	buf_put_escaped(&o->b, g->detail);
	buf_printf(&o->b,
		   "\n    removed %" PRIu64 ", changed %" PRIu64
		   ", created %" PRIu64,
		   g->stat.removed, g->stat.changed, g->stat.created);
	if (g->stat.unkept)
		buf_printf(&o->b, ", NOT KEPT %" PRIu64, g->stat.unkept);
	buf_printf(&o->b, "%s%s%s\n", g->undone ? ", undone" : "",
		   g->is_undo ? ", an undo" : "",
		   g->ended ? "" : ", still running");
}

/* The newest commands, and all that could not keep something. */
static int on_group(void *arg, const struct trash_group_info *g)
{
	struct overview *o = arg;

	if (g->stat.removed + g->stat.changed + g->stat.created +
		    g->stat.unkept ==
	    0)
		return 0;
	o->commands++;
	o->unkept += g->stat.unkept;
	if (o->shown >= SHOWN && g->stat.unkept == 0)
		return 0;
	o->shown++;
	if (o->json)
		group_json(o, g);
	else
		group_text(o, g);
	return 0;
}

static void usage_json(struct json_writer *w, const struct trash *t,
		       const struct trash_usage *u)
{
	json_kv_str(w, "workspace", trash_root_path(t));
	json_kv_str(w, "trash", trash_path(t));
	json_kv_i64(w, "entries", (int64_t)u->entries);
	json_kv_i64(w, "bytes", (int64_t)u->bytes);
	json_kv_i64(w, "max_bytes", (int64_t)u->max_bytes);
	json_kv_i64(w, "max_entries", (int64_t)u->max_entries);
	json_kv_i64(w, "journal_bytes", (int64_t)u->journal_bytes);
	json_kv_bool(w, "mounted", u->mounted);
	json_kv_i64(w, "live_writers", (int64_t)u->live_writers);
}

static int show_json(struct trash *t, const struct trash_usage *u)
{
	struct overview o = { .json = true };
	int r;

	json_writer_init(&o.w, &o.b, 2);
	json_begin_object(&o.w);
	usage_json(&o.w, t, u);
	json_key(&o.w, "commands");
	json_begin_array(&o.w);
	r = trash_list_groups(t, NULL, on_group, &o);
	json_end_array(&o.w);
	json_kv_i64(&o.w, "commands_total", (int64_t)o.commands);
	json_kv_i64(&o.w, "not_kept", (int64_t)o.unkept);
	json_key(&o.w, "not_covered");
	json_begin_array(&o.w);
	for (size_t i = 0; i < ARRAY_LEN(not_covered); i++)
		json_cstr(&o.w, not_covered[i]);
	json_end_array(&o.w);
	json_end_object(&o.w);
	buf_putc(&o.b, '\n');
	r = r < 0 ? fail_errno(r, "undo status") : out_buf(&o.b);
	buf_done(&o.b);
	return r;
}

static void head_text(struct buf *b, const struct trash *t,
		      const struct trash_usage *u, const struct overview *o)
{
	buf_printf(b, "Workspace: " STR_FMT "\nKept:      %" PRIu64 " entries",
		   STR_ARG(trash_root_path(t)), u->entries);
	if (u->max_entries)
		buf_printf(b, " of %" PRIu64, u->max_entries);
	buf_puts(b, ", ");
	store_put_size(b, u->bytes);
	if (u->max_bytes) {
		buf_puts(b, " of ");
		store_put_size(b, u->max_bytes);
	}
	buf_printf(b, "\nCommands:  %" PRIu64 "\nNot kept:  %" PRIu64 "%s\n",
		   o->commands, o->unkept,
		   o->unkept ? " (over a limit; cannot be undone)" : "");
	buf_printf(b, "Running:   %" PRIu32 " session%s\n", u->live_writers,
		   u->live_writers == 1 ? "" : "s");
	buf_printf(b, "Caught by: %s\nNot covered:\n",
		   u->mounted ? "a FUSE mount over the workspace"
			      : "system calls (no mount is there now)");
	for (size_t i = 0; i < ARRAY_LEN(not_covered); i++)
		buf_printf(b, "  - %s\n", not_covered[i]);
	buf_putc(b, '\n');
}

static int show_text(struct trash *t, const struct trash_usage *u)
{
	_cleanup_buf_ struct buf head = BUF_INIT;
	struct overview o = { 0 };
	int r = trash_list_groups(t, NULL, on_group, &o);

	if (r < 0) {
		buf_done(&o.b);
		return fail_errno(r, "undo status");
	}
	head_text(&head, t, u, &o);
	(void)out_buf(&head);
	r = out_buf(&o.b);
	buf_done(&o.b);
	return r;
}

int cmd_undo_status(struct cli *c)
{
	_cleanup_trash_ struct trash *t = NULL;
	struct trash_usage u;
	int r = store_open(c, true, &t);

	if (r == -ENOENT)
		return out_line("nothing is kept here: no %s in this directory "
				"or above it",
				TRASH_DEFAULT_DIR);
	if (r)
		return r;
	r = trash_usage(t, &u);
	if (r < 0)
		return fail_errno(r, "undo status");
	return (flag_bool(&c->flags, "json") ? show_json : show_text)(t, &u);
}
