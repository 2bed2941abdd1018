/* SPDX-License-Identifier: MIT */
/*
 * cmd_checkpoint.c - checkpoint create, list, show, rollback, purge
 *
 * A checkpoint is a mark in the undo journal: nothing is copied, and rolling
 * back is undoing what came after it.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/num.h"
#include "base/path.h"
#include "base/progress.h"
#include "cli/bar.h"
#include "cli/client.h"
#include "cli/output.h"
#include "cli/store.h"
#include "cli/textdiff.h"
#include "trash/list.h"
#include "trash/undo.h"

static int open_store(const struct cli *c, bool read_only, struct trash **ret)
{
	const char *dir = flag_text(&c->flags, "workspace");
	int r = store_open_workspace(dir, read_only, ret);

	return r == -ENOENT ? fail("no checkpoints in %s", dir) : r;
}

static void put_time(struct buf *b, int64_t ns)
{
	clock_format_rfc3339(b, ns / 1000000000 * 1000000000);
}

int cmd_checkpoint_create(struct cli *c)
{
	_cleanup_trash_ struct trash *t = NULL;
	_cleanup_buf_ struct buf when = BUF_INIT;
	const char *session = flag_text(&c->flags, "session");
	const char *reason = flag_text(&c->flags, "reason");
	char id[37];
	int r = open_store(c, false, &t);

	if (r)
		return r;
	r = checkpoint_create(t, str_from(session), str_from(reason), id);
	if (r < 0)
		return fail_errno(r, "create checkpoint");
	put_time(&when, clock_realtime_ns());
	return out_line("Created checkpoint %s\n  Session:     %s\n"
			"  Reason:      %s\n  Can rollback: true\n"
			"  Created:     %s",
			id, session, reason, buf_cstr(&when));
}

struct rows {
	struct buf b;
	struct json_writer w;
	bool json;
	size_t n;
};

static int put_row(void *arg, const struct checkpoint *k)
{
	struct rows *r = arg;
	_cleanup_buf_ struct buf when = BUF_INIT;

	put_time(&when, k->created_ns);
	if (r->json) {
		json_begin_object(&r->w);
		json_kv_cstr(&r->w, "id", k->id);
		json_kv_str(&r->w, "session_id", k->session);
		json_kv_str(&r->w, "created_at", buf_str(&when));
		json_kv_str(&r->w, "reason", k->reason);
		json_kv_bool(&r->w, "can_rollback", true);
		json_end_object(&r->w);
	} else {
		if (r->n == 0)
			buf_printf(&r->b, "%-36s  %-20s  %-10s  %s\n", "ID",
				   "CREATED", "ROLLBACK", "REASON");
		buf_printf(&r->b, "%-36s  %-20s  %-10s  " STR_FMT "\n", k->id,
			   buf_cstr(&when), "yes", STR_ARG(k->reason));
	}
	r->n++;
	return 0;
}

int cmd_checkpoint_list(struct cli *c)
{
	_cleanup_trash_ struct trash *t = NULL;
	struct rows rows = { .json = flag_bool(&c->flags, "json") };
	int r = store_open_workspace(flag_text(&c->flags, "workspace"), true,
				     &t);

	if (r > 0)
		return r;
	json_writer_init(&rows.w, &rows.b, 2);
	if (rows.json)
		json_begin_array(&rows.w);
	if (r == 0)
		r = checkpoint_list(t,
				    str_from(flag_text(&c->flags, "session")),
				    put_row, &rows);
	if (rows.json) {
		json_end_array(&rows.w);
		buf_putc(&rows.b, '\n');
	} else if (rows.n == 0) {
		buf_puts(&rows.b, "No checkpoints found\n");
	}
	if (r < 0 && r != -ENOENT)
		r = fail_errno(r, "list checkpoints");
	else
		r = out_buf(&rows.b);
	buf_done(&rows.b);
	return r;
}

static int find(const struct cli *c, struct trash *t, struct buf *b,
		struct checkpoint *ret)
{
	int r = checkpoint_find(t, str_from(c->args[0]), b, ret);

	if (r == -ENOENT)
		return fail("checkpoint %s not found (agentsh checkpoint list "
			    "names those there are)",
			    c->args[0]);
	return r < 0 ? fail_errno(r, "checkpoint %s", c->args[0]) : 0;
}

struct changes {
	struct trash *t;
	struct buf b, texts;
	uint64_t n;
};

static int put_change(void *arg, const struct checkpoint_change *k)
{
	struct changes *s = arg;

	s->n += k->kind != '-';
	buf_printf(&s->b, "  %c ", k->kind);
	buf_put_name(&s->b, k->path);
	buf_printf(&s->b, "%s\n",
		   k->kind == '+'   ? " (restore deleted)"
		   : k->kind == '-' ? " (file was added after checkpoint)"
				    : "");
	return 0;
}

#define DIFF_MAX (1U << 20) /* longer files are only named */

/* What the file holds now; empty when it is gone. */
static int read_now(struct trash *t, struct str path, struct buf *out)
{
	_cleanup_buf_ struct buf name = BUF_INIT;
	_cleanup_close_ int fd = -1;

	buf_put_str(&name, path);
	fd = path_open_beneath(trash_root_fd(t), buf_cstr(&name),
			       O_RDONLY | O_NONBLOCK | O_NOFOLLOW, 0);
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	return fd_read_all(fd, DIFF_MAX, out);
}

static int put_text(struct trash *t, const struct checkpoint_change *k,
		    struct buf *out)
{
	_cleanup_buf_ struct buf then = BUF_INIT, now = BUF_INIT;
	_cleanup_close_ int fd = -1;
	int r;

	if (trash_token_is_zero(k->before))
		return 0; /* its content is what it was, or it is new */
	r = trash_open_content(t, k->before, &fd, NULL);
	if (r == 0)
		r = fd_read_all(fd, DIFF_MAX, &then);
	if (r == 0)
		r = read_now(t, k->path, &now);
	if (r == 0) {
		buf_puts(out, "--- a/");
		buf_put_name(out, k->path);
		buf_puts(out, "\n+++ b/");
		buf_put_name(out, k->path);
		buf_putc(out, '\n');
	}
	if (r == 0)
		r = textdiff(buf_str(&then), buf_str(&now), out);
	if (r == -ENOTSUP || r == -E2BIG)
		buf_puts(out, "(binary, or too different to be shown)\n");
	return 0; /* one that cannot be read does not hide the others */
}

static int put_difference(void *arg, const struct checkpoint_change *k)
{
	struct changes *s = arg;
	int r = put_change(arg, k);

	return r < 0 ? r : put_text(s->t, k, &s->texts);
}

int cmd_checkpoint_show(struct cli *c)
{
	_cleanup_trash_ struct trash *t = NULL;
	_cleanup_buf_ struct buf b = BUF_INIT, when = BUF_INIT;
	struct changes s = { 0 };
	struct checkpoint k;
	int r = open_store(c, true, &t);

	if (r == 0)
		r = find(c, t, &b, &k);
	if (r)
		return r;
	put_time(&when, k.created_ns);
	(void)out_line("Checkpoint %s\n  Session:     " STR_FMT
		       "\n  Reason:      " STR_FMT "\n  Created:     %s",
		       k.id, STR_ARG(k.session), STR_ARG(k.reason),
		       buf_cstr(&when));
	if (flag_bool(&c->flags, "diff")) {
		s.t = t;
		bar_begin(c, "comparing", "changes", BAR_COUNT);
		r = checkpoint_changes(t, k.seq, put_difference, &s);
		bar_end();
		buf_put_str(&s.b, buf_str(&s.texts));
		if (r < 0)
			r = fail_errno(r, "changes since %s", k.id);
		else
			r = out_buf(&s.b);
		buf_done(&s.b);
		buf_done(&s.texts);
	}
	return r;
}

static int on_step(void *arg, const struct undo_step *s)
{
	progress_tell(s->nr, s->total);
	if (s->status == UNDO_CONFLICT || s->status == UNDO_LOST ||
	    s->status == UNDO_FAILED) {
		buf_printf(arg, "%s: ", undo_status_to_string(s->status));
		buf_put_name(arg, s->path);
		buf_printf(arg, "%s%s\n", s->why ? ": " : "",
			   s->why ? s->why : "");
	}
	return 0;
}

static int roll_back(const struct cli *c, struct trash *t, uint64_t seq)
{
	struct undo_select sel = { .since_seq = seq,
				   .force = flag_bool(&c->flags, "force"),
				   .detail = STR("agentsh checkpoint "
						 "rollback") };
	_cleanup_buf_ struct buf problems = BUF_INIT;
	struct undo_result result = { 0 };
	int r;

	bar_begin(c, "rolling back", "changes", BAR_COUNT);
	r = trash_undo(t, &sel, on_step, &problems, &result);
	bar_end();
	if (r == -ENOENT)
		return out_line("No changes to rollback");
	if (r < 0)
		return fail_errno(r, "rollback");
	(void)out_write(STDERR_FILENO, buf_str(&problems));
	(void)out_line("Rolled back %" PRIu64 " files", result.done);
	return result.conflicts || result.lost || result.failed;
}

int cmd_checkpoint_rollback(struct cli *c)
{
	bool dry_run = flag_bool(&c->flags, "dry-run");
	_cleanup_trash_ struct trash *t = NULL;
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct changes s = { 0 };
	struct checkpoint k;
	int r = open_store(c, dry_run, &t);

	if (r == 0)
		r = find(c, t, &b, &k);
	if (r)
		return r;
	if (!dry_run)
		return roll_back(c, t, k.seq);
	bar_begin(c, "comparing", "changes", BAR_COUNT);
	r = checkpoint_changes(t, k.seq, put_change, &s);
	bar_end();
	if (r < 0) {
		r = fail_errno(r, "changes since %s", k.id);
	} else if (s.n == 0) {
		r = out_line("No changes to rollback");
	} else {
		(void)out_line("Will restore %" PRIu64 " files:", s.n);
		r = out_buf(&s.b);
	}
	buf_done(&s.b);
	return r;
}

int cmd_checkpoint_purge(struct cli *c)
{
	_cleanup_trash_ struct trash *t = NULL;
	const char *age = flag_text(&c->flags, "older-than");
	int64_t keep = flag_int(&c->flags, "keep"), ns = 0;
	int r;

	if (age[0] && num_parse_duration(str_from(age), &ns) < 0)
		return fail("invalid --older-than \"%s\" (expected a duration "
			    "such as 24h or 7d)",
			    age);
	r = open_store(c, false, &t);
	if (r)
		return r;
	r = checkpoint_purge(t, str_from(flag_text(&c->flags, "session")), ns,
			     flag_given(&c->flags, "keep") && keep >= 0
				     ? (size_t)keep
				     : SIZE_MAX);
	if (r < 0)
		return fail_errno(r, "purge checkpoints");
	return out_line("Purged %d checkpoints", r);
}
