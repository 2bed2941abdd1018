/* SPDX-License-Identifier: MIT */
/*
 * cmd_undo.c - undo, redo
 *
 * The output is a report: which command, what came back, what could not and
 * why. Exit status: 0 all of it, 1 nothing or an error, 2 some of it.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/json.h"
#include "base/progress.h"
#include "cli/bar.h"
#include "cli/client.h"
#include "cli/output.h"
#include "cli/store.h"
#include "trash/undo.h"

#define PATHS_MAX    256
#define PARTLY_DONE  2
#define PROBLEMS_MAX 50 /* lines about what did not come back */

struct undoing {
	struct buf b;     /* lines about steps */
	struct buf steps; /* the same as JSON */
	struct json_writer w;
	struct buf command; /* that the newest step reverses */
	bool dry_run, verbose, json, redo;
	uint64_t problems;
};

static void put_step(struct undoing *u, const char *word,
		     const struct undo_step *s)
{
	const char *verb = trash_verb_to_string(s->verb);

	buf_printf(&u->b, "%-10s %-8s ", word, verb ? verb : "?");
	buf_put_escaped(&u->b, s->path);
	if (s->path2.n) {
		buf_puts(&u->b, " -> ");
		buf_put_escaped(&u->b, s->path2);
	}
	if (s->status == UNDO_FAILED)
		buf_printf(&u->b, ": %s", strerror(-s->error));
	else if (s->why && s->status != UNDO_DONE)
		buf_printf(&u->b, ": %s", s->why);
	buf_putc(&u->b, '\n');
}

static void step_json(struct undoing *u, const struct undo_step *s)
{
	const char *verb = trash_verb_to_string(s->verb);

	json_begin_object(&u->w);
	json_kv_cstr(&u->w, "status", undo_status_to_string(s->status));
	json_kv_cstr(&u->w, "verb", verb ? verb : "?");
	json_kv_str(&u->w, "path", s->path);
	json_kv_str_opt(&u->w, "path2", s->path2);
	if (s->status == UNDO_FAILED)
		json_kv_cstr(&u->w, "reason", strerror(-s->error));
	else if (s->why)
		json_kv_cstr(&u->w, "reason", s->why);
	json_kv_str_opt(&u->w, "command", s->command);
	json_end_object(&u->w);
}

static int on_step(void *arg, const struct undo_step *s)
{
	struct undoing *u = arg;
	bool problem = s->status != UNDO_DONE && s->status != UNDO_SKIPPED;

	progress_tell(s->nr, s->total);
	if (u->command.len == 0)
		buf_put_str(&u->command, s->command);
	if (problem && u->problems++ >= PROBLEMS_MAX && !u->verbose)
		return 0;
	if (!problem &&
	    (s->status == UNDO_SKIPPED || !(u->dry_run || u->verbose)))
		return 0;
	if (u->json)
		step_json(u, s);
	else
		put_step(u,
			 problem      ? undo_status_to_string(s->status)
			 : u->dry_run ? "would undo"
				      : "undone",
			 s);
	return 0;
}

struct title {
	struct str command;
	struct buf *out;
};

static int put_title(void *arg, const struct trash_group_info *g)
{
	struct title *t = arg;

	if (!str_eq(t->command, g->command))
		return 0;
	buf_puts(t->out, ": ");
	buf_put_escaped(t->out,
			str_from_n(g->detail.p, MIN(g->detail.n, (size_t)200)));
	buf_puts(t->out, " (");
	store_put_age(t->out, g->start_ns);
	buf_puts(t->out, " ago)");
	return 1;
}

/* "cmd-...: rm -rf docs (2m5s ago)" */
static void put_head(struct undoing *u, struct trash *t, struct buf *out)
{
	struct title title = { buf_str(&u->command), out };

	if (u->command.len == 0)
		return;
	buf_put_str(out, title.command);
	(void)trash_list_groups(t, NULL, put_title, &title);
	buf_putc(out, '\n');
}

static void put_summary(struct undoing *u, const struct undo_result *r,
			struct buf *out)
{
	const char *verb = u->redo ? "redo" : "undo";

	if (u->problems > PROBLEMS_MAX && !u->verbose)
		buf_printf(out, "... and %" PRIu64 " more (--verbose)\n",
			   u->problems - PROBLEMS_MAX);
	buf_printf(out, "%s%s %" PRIu64 " change%s", u->dry_run ? "would " : "",
		   u->dry_run ? verb
		   : u->redo  ? "redone:"
			      : "undone:",
		   r->done, r->done == 1 ? "" : "s");
	if (r->conflicts)
		buf_printf(out,
			   ", %" PRIu64 " changed since (--force replaces "
			   "them, keeping what is there)",
			   r->conflicts);
	if (r->lost)
		buf_printf(out, ", %" PRIu64 " not kept", r->lost);
	if (r->failed)
		buf_printf(out, ", %" PRIu64 " failed", r->failed);
	buf_putc(out, '\n');
	if (!u->dry_run && r->done)
		buf_printf(out, "agentsh undo %s takes this back\n",
			   u->redo ? r->command : "--redo");
}

static void put_json(struct undoing *u, const struct undo_result *r,
		     struct buf *out)
{
	struct json_writer w;

	json_writer_init(&w, out, 0);
	json_begin_object(&w);
	json_kv_str_opt(&w, "command", buf_str(&u->command));
	json_kv_bool(&w, "dry_run", u->dry_run);
	json_kv_bool(&w, "redo", u->redo);
	json_kv_i64(&w, "done", (int64_t)r->done);
	json_kv_i64(&w, "conflicts", (int64_t)r->conflicts);
	json_kv_i64(&w, "lost", (int64_t)r->lost);
	json_kv_i64(&w, "failed", (int64_t)r->failed);
	json_kv_i64(&w, "skipped", (int64_t)r->skipped);
	json_kv_str_opt(&w, "undone_by", str_from(r->command));
	json_key(&w, "steps");
	json_raw(&w, buf_str(&u->steps));
	json_end_object(&w);
}

static void report(struct undoing *u, struct trash *t,
		   const struct undo_result *r)
{
	_cleanup_buf_ struct buf out = BUF_INIT;

	if (u->json) {
		json_end_array(&u->w);
		put_json(u, r, &out);
		(void)out_json(buf_str(&out));
		return;
	}
	put_head(u, t, &out);
	buf_put_str(&out, buf_str(&u->b));
	put_summary(u, r, &out);
	(void)out_buf(&out);
}

/* A word that names a command is one, everything else is a path. */
static int select_words(const struct cli *c, struct undo_select *sel,
			struct str paths[PATHS_MAX], struct buf names[])
{
	sel->command = str_from(flag_text(&c->flags, "command"));
	for (int i = 0; i < c->n_args; i++) {
		struct str word = str_from(c->args[i]);

		if (str_starts(word, STR("cmd-")) ||
		    str_starts(word, STR("undo-"))) {
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

static int nothing(const struct cli *c, const struct undo_select *sel,
		   bool redo)
{
	if (sel->command.n)
		return fail(STR_FMT ": nothing on record that is left to %s; "
				    "what was undone and redone goes by the "
				    "redo's name (agentsh undo status)",
			    STR_ARG(sel->command), redo ? "redo" : "undo");
	if (sel->n_paths)
		return fail("%s: nothing on record that could be %s",
			    c->args[0], redo ? "redone" : "undone");
	return fail("nothing to %s", redo ? "redo" : "undo");
}

/* Return: the exit status. */
static int run_on(struct cli *c, struct trash *t, struct undo_select *sel,
		  struct undoing *u)
{
	_cleanup_buf_ struct buf command = BUF_INIT;
	struct undo_result r = { 0 };
	int e = 0;

	if (sel->command.n) {
		e = store_find_command(t, sel->command, &command);
		if (e)
			return e;
		sel->command = buf_str(&command);
	}
	bar_begin(c, u->redo ? "redoing" : "undoing", "changes", BAR_COUNT);
	e = (u->redo ? trash_redo : trash_undo)(t, sel, on_step, u, &r);
	bar_end();
	if (e == -ENOENT)
		return nothing(c, sel, u->redo);
	if (e < 0)
		return fail_errno(e, u->redo ? "redo" : "undo");
	report(u, t, &r);
	return r.conflicts || r.lost || r.failed ? PARTLY_DONE : 0;
}

static int run(struct cli *c, struct undo_select *sel, bool redo)
{
	struct undoing u = { .dry_run = sel->dry_run,
			     .verbose = flag_bool(&c->flags, "verbose"),
			     .json = flag_bool(&c->flags, "json"),
			     .redo = redo };
	_cleanup_trash_ struct trash *t = NULL;
	int status = store_open(c, sel->dry_run, &t);

	json_writer_init(&u.w, &u.steps, 0);
	json_begin_array(&u.w);
	if (status == -ENOENT)
		status = fail("nothing to %s: no %s in this directory or above "
			      "it (--root names the workspace)",
			      u.redo ? "redo" : "undo", TRASH_DEFAULT_DIR);
	else if (status == 0)
		status = run_on(c, t, sel, &u);
	buf_done(&u.b);
	buf_done(&u.steps);
	buf_done(&u.command);
	return status;
}

static int undo_or_redo(struct cli *c, bool redo)
{
	static struct buf names[PATHS_MAX];
	struct str paths[PATHS_MAX];
	struct undo_select sel = {
		.session = str_from(flag_text(&c->flags, "session")),
		.dry_run = flag_bool(&c->flags, "dry-run"),
		.force = flag_bool(&c->flags, "force"),
		.detail = redo ? STR("agentsh redo") : STR("agentsh undo"),
	};
	int status = store_parse_since("since", flag_text(&c->flags, "since"),
				       &sel.since_ns);

	if (status == 0)
		status = select_words(c, &sel, paths, names);
	if (status == 0)
		status = run(c, &sel, redo);
	for (size_t i = 0; i < PATHS_MAX; i++)
		buf_done(&names[i]);
	return status;
}

int cmd_undo(struct cli *c)
{
	return undo_or_redo(c, flag_bool(&c->flags, "redo"));
}

int cmd_redo(struct cli *c)
{
	return undo_or_redo(c, true);
}
