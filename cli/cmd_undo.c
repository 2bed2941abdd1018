/* SPDX-License-Identifier: MIT */
/*
 * cmd_undo.c - undo, redo, undo status
 */
#include <errno.h>
#include <inttypes.h>

#include "base/clock.h"
#include "cli/client.h"
#include "cli/output.h"
#include "cli/store.h"
#include "trash/undo.h"

#define PATHS_MAX 256

struct undoing {
	struct buf b;
	bool dry_run, verbose;
};

static void put_step(struct undoing *u, const char *word,
		     const struct undo_step *s)
{
	const char *verb = trash_verb_to_string(s->verb);

	buf_printf(&u->b, "%-9s %-9s " STR_FMT, word, verb ? verb : "?",
		   STR_ARG(s->path));
	if (s->path2.n)
		buf_printf(&u->b, " -> " STR_FMT, STR_ARG(s->path2));
	if (s->status == UNDO_FAILED)
		buf_printf(&u->b, ": %s", strerror(-s->error));
	else if (s->why && s->status != UNDO_DONE)
		buf_printf(&u->b, ": %s", s->why);
	buf_putc(&u->b, '\n');
}

static int on_step(void *arg, const struct undo_step *s)
{
	struct undoing *u = arg;

	if (s->status == UNDO_DONE) {
		if (u->dry_run || u->verbose)
			put_step(u, u->dry_run ? "would undo" : "undone", s);
	} else if (s->status != UNDO_SKIPPED) {
		put_step(u, undo_status_to_string(s->status), s);
	}
	return 0;
}

static void put_summary(struct undoing *u, const struct undo_result *r,
			bool redo)
{
	buf_printf(&u->b, "%s %" PRIu64 " change%s",
		   u->dry_run ? (redo ? "would redo" : "would undo")
			      : (redo ? "redone:" : "undone:"),
		   r->done, r->done == 1 ? "" : "s");
	if (r->conflicts)
		buf_printf(&u->b,
			   ", %" PRIu64 " changed since (--force "
			   "replaces them, keeping what is there)",
			   r->conflicts);
	if (r->lost)
		buf_printf(&u->b, ", %" PRIu64 " not kept", r->lost);
	if (r->failed)
		buf_printf(&u->b, ", %" PRIu64 " failed", r->failed);
	buf_putc(&u->b, '\n');
	if (!u->dry_run && r->done && !redo)
		buf_puts(&u->b, "agentsh undo --redo takes this back\n");
}

/* A word that names a command is one, everything else is a path. */
static int select_words(const struct cli *c, struct undo_select *sel,
			struct str paths[PATHS_MAX], struct buf names[])
{
	for (int i = 0; i < c->n_args; i++) {
		struct str word = str_from(c->args[i]);

		if (str_starts(word, STR("cmd-"))) {
			if (sel->command.n)
				return fail("one command at a time, please");
			sel->command = word;
			continue;
		}
		if (sel->n_paths == PATHS_MAX)
			return fail("more than %d paths", PATHS_MAX);
		client_absolute(c->args[i], &names[sel->n_paths]);
		paths[sel->n_paths] = buf_str(&names[sel->n_paths]);
		sel->n_paths++;
	}
	sel->paths = paths;
	return 0;
}

static int run(struct cli *c, struct undo_select *sel)
{
	bool redo = flag_bool(&c->flags, "redo");
	struct undoing u = { .dry_run = sel->dry_run,
			     .verbose = flag_bool(&c->flags, "verbose") };
	_cleanup_trash_ struct trash *t = NULL;
	struct undo_result r = { 0 };
	int status = store_open(c, sel->dry_run, &t);

	if (status > 0)
		return status;
	if (status == 0)
		status = (redo ? trash_redo : trash_undo)(t, sel, on_step, &u,
							  &r);
	if (status == -ENOENT)
		return fail("nothing to %s", redo ? "redo" : "undo");
	if (status == 0)
		put_summary(&u, &r, redo);
	else
		(void)fail_errno(status, "undo");
	(void)out_buf(&u.b);
	buf_done(&u.b);
	return status < 0 || r.conflicts || r.lost || r.failed;
}

int cmd_undo(struct cli *c)
{
	static struct buf names[PATHS_MAX];
	struct str paths[PATHS_MAX];
	struct undo_select sel = {
		.session = str_from(flag_text(&c->flags, "session")),
		.dry_run = flag_bool(&c->flags, "dry-run"),
		.force = flag_bool(&c->flags, "force"),
		.detail = STR("agentsh undo"),
	};
	int status = store_parse_since("since", flag_text(&c->flags, "since"),
				       &sel.since_ns);

	if (status == 0)
		status = select_words(c, &sel, paths, names);
	if (status == 0)
		status = run(c, &sel);
	for (size_t i = 0; i < PATHS_MAX; i++)
		buf_done(&names[i]);
	return status;
}

struct overview {
	struct buf b;
	uint64_t commands, unkept;
	unsigned int shown;
};

/* The newest commands, and all that could not keep something. */
static int on_group(void *arg, const struct trash_group_info *g)
{
	struct overview *o = arg;

	o->commands++;
	o->unkept += g->stat.unkept;
	if (o->shown >= 10 && g->stat.unkept == 0)
		return 0;
	o->shown++;
	clock_format_rfc3339(&o->b, g->start_ns);
	buf_printf(&o->b,
		   "  " STR_FMT "  " STR_FMT "\n    removed %" PRIu64
		   ", changed %" PRIu64 ", created %" PRIu64,
		   STR_ARG(g->command), STR_ARG(g->detail), g->stat.removed,
		   g->stat.changed, g->stat.created);
	if (g->stat.unkept)
		buf_printf(&o->b, ", NOT KEPT %" PRIu64, g->stat.unkept);
	buf_printf(&o->b, "%s%s\n", g->undone ? ", undone" : "",
		   g->is_undo ? ", an undo" : "");
	return 0;
}

int cmd_undo_status(struct cli *c)
{
	_cleanup_trash_ struct trash *t = NULL;
	_cleanup_buf_ struct buf head = BUF_INIT;
	struct overview o = { 0 };
	struct trash_usage u;
	int r = store_open(c, true, &t);

	if (r == -ENOENT)
		return out_line("nothing kept here (no trash at %s)",
				flag_text(&c->flags, "trash-path"));
	if (r)
		return r;
	r = trash_usage(t, &u);
	if (r == 0)
		r = trash_list_groups(t, NULL, on_group, &o);
	if (r < 0)
		return fail_errno(r, "undo status");
	buf_printf(&head,
		   "Workspace: " STR_FMT "\nKept:      %" PRIu64 " entries, ",
		   STR_ARG(trash_root_path(t)), u.entries);
	store_put_size(&head, u.bytes);
	if (u.max_bytes) {
		buf_puts(&head, " of ");
		store_put_size(&head, u.max_bytes);
	}
	buf_printf(&head,
		   "\nCommands:  %" PRIu64 "\nNot kept:  %" PRIu64 "%s\n\n",
		   o.commands, o.unkept,
		   o.unkept ? " (over a limit; cannot be undone)" : "");
	(void)out_buf(&head);
	r = out_buf(&o.b);
	buf_done(&o.b);
	return r;
}
