/* SPDX-License-Identifier: MIT */
/*
 * undo.c - reverse what commands did
 *
 * Records are reversed newest first. Each reversal looks at what is there now
 * and compares it with what the record left behind: another object, an object
 * changed after the command ended, or something in the way is a conflict.
 * Reversals go through the keep functions, in a group of their own, so an undo
 * destroys nothing either and can be undone.
 *
 * "Changed after the command ended" is ctime against the end of the group. A
 * later change that was itself undone does not count: the end of that undo is
 * the limit then. Objects that this very run has touched are not asked again.
 *
 * A dry run goes the same way on a model: names that would be there or not are
 * kept in a table, renames in a list.
 */
#include "trash/undo.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "trash/copy.h"
#include "trash/reverse.h"
#include "trash/work.h"

static const char *const status_names[] = {
	[UNDO_DONE] = "done",     [UNDO_CONFLICT] = "conflict",
	[UNDO_LOST] = "lost",     [UNDO_SKIPPED] = "skipped",
	[UNDO_FAILED] = "failed",
};

const char *undo_status_to_string(enum undo_status s)
{
	return (size_t)s < ARRAY_LEN(status_names) ? status_names[s] : NULL;
}

/* --- the run --- */

static void absolute(struct undoing *u, struct buf *path, struct buf *out)
{
	if (path->len == 0)
		return;
	buf_put_str(out, trash_root_path(u->t));
	if (out->len > 1)
		buf_putc(out, '/');
	buf_put_str(out, buf_str(path));
}

static int report(struct undoing *u, int outcome)
{
	const struct index_group *g = plan_group(&u->plan, u->item, &u->op);
	uint64_t writer = u->plan.ix.writers.data[u->item->writer].id;
	_cleanup_buf_ struct buf a = BUF_INIT, b = BUF_INIT;
	struct undo_step s = {
		.verb = (enum trash_verb)u->op.verb,
		.why = u->why,
		.bytes = u->op.st.size,
		.token = token_make(writer, u->op.seq),
		.nr = ++u->nr,
		.total = u->plan.items.n,
	};

	switch (outcome) {
	case REVERSE_DONE:
		s.status = UNDO_DONE;
		u->ret->done++;
		break;
	case REVERSE_CONFLICT:
		s.status = UNDO_CONFLICT;
		u->ret->conflicts++;
		break;
	case REVERSE_LOST:
		s.status = UNDO_LOST;
		u->ret->lost++;
		break;
	case REVERSE_SKIPPED:
		s.status = UNDO_SKIPPED;
		u->ret->skipped++;
		break;
	default:
		s.status = UNDO_FAILED;
		s.error = outcome;
		u->ret->failed++;
	}
	if (!u->fn)
		return 0;
	absolute(u, &u->path, &a);
	absolute(u, &u->path2, &b);
	s.path = buf_str(&a);
	s.path2 = buf_str(&b);
	if (g)
		s.command = g->rec.command;
	return u->fn(u->arg, &s);
}

/*
 * Directories get back the times they had before the command, when nobody but
 * the command has changed them since. Asked before a record is reversed.
 */
static bool is_foreign(struct undoing *u, struct str path,
		       const struct record_stat *now)
{
	const struct index_group *g = plan_group(&u->plan, u->item, &u->op);
	const struct plan_later *l = plan_later_in(&u->plan, path);
	int64_t limit;

	if (!g || !g->ended || links_get(&u->touched, now->dev, now->ino) > 0)
		return false;
	limit = g->end_ns;
	/* What later commands did there was undone, and nothing came after. */
	if (l && l->seq <= u->op.seq)
		limit = MAX(limit, l->undone_ns);
	return now->mtime_ns > limit;
}

static int note_dir(struct undoing *u, uint32_t id, struct str path)
{
	const struct record_dir *d =
		index_dir(&u->plan.ix, u->item->writer, id);
	bool known = dirtimes_find(&u->times, path) != NULL;
	struct record_stat now;
	struct dirtime *e;
	int r;

	if (!d)
		return 0;
	if (path.n == 0)
		r = store_stat(u->t->root_fd, "", &now);
	else
		r = place_stat(u->t, path, &now);
	if (r < 0 || !S_ISDIR(now.mode))
		return 0;
	r = dirtimes_note(&u->times, path, &d->st, &e);
	if (r < 0 || known)
		return r;
	e->found_ns = now.mtime_ns;
	e->partial = plan_leaves(&u->plan, d->path);
	e->foreign = is_foreign(u, path, &now);
	if (!e->foreign)
		reverse_touch(u, &now);
	return 0;
}

static struct str parent_of(struct str path)
{
	ptrdiff_t slash = str_rindex(path, '/');

	return str_from_n(path.p, slash < 0 ? 0 : (size_t)slash);
}

static int note_dirs(struct undoing *u)
{
	int r;

	if (u->sel->dry_run)
		return 0;
	r = note_dir(u, u->op.dir, parent_of(buf_str(&u->path)));
	if (r == 0 && u->op.name2.n > 0)
		r = note_dir(u, u->op.dir2, parent_of(buf_str(&u->path2)));
	return r;
}

static int open_dir(struct undoing *u, struct str path)
{
	char name[NAME_MAX + 1];
	struct trash_at at;
	int r;

	if (path.n == 0)
		return fcntl(u->t->root_fd, F_DUPFD_CLOEXEC, 3);
	r = place_at(&u->place, path, false /* make */, name, &at);
	if (r < 0)
		return r;
	return openat(at.dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
}

/* A directory that only its times are changed of: for the redo. */
static void record_times(struct undoing *u, const struct dirtime *e,
			 const struct record_stat *now, int fd)
{
	char name[NAME_MAX + 1];
	struct trash_at at;

	if (e->fresh || e->found_ns != now->mtime_ns ||
	    now->mtime_ns == e->st.mtime_ns || e->path[0] == '\0')
		return;
	if (place_at(&u->place, str_from(e->path), false /* make */, name,
		     &at) == 0)
		(void)trash_before_meta(u->t, u->group, &at, fd,
					TRASH_META_TIMES, NULL);
}

static void set_times(struct undoing *u)
{
	for (size_t i = 0; i < u->times.entries.n; i++) {
		const struct dirtime *e = &u->times.entries.data[i];
		_cleanup_close_ int fd = -1;
		struct record_stat st;

		if (e->foreign || (e->partial && !e->fresh))
			continue;
		fd = open_dir(u, str_from(e->path));
		if (fd >= 0 && store_stat(fd, "", &st) == 0 &&
		    S_ISDIR(st.mode) &&
		    (e->fresh || record_same_object(&st, &e->st) ||
		     plan_was_remade(&u->plan, &e->st, &st))) {
			record_times(u, e, &st, fd);
			(void)copy_times(fd, e->st.atime_ns, e->st.mtime_ns);
		}
	}
}

/* Something stays as the command left it: so does the time of its directory. */
static void keep_times(struct undoing *u)
{
	const struct buf *paths[] = { &u->path, &u->path2 };

	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		struct dirtime *e =
			paths[i]->len == 0
				? NULL
				: dirtimes_find(&u->times,
						parent_of(buf_str(paths[i])));

		if (e)
			e->partial = true;
	}
}

/* What was renamed stays where it is: what came before is not over for it, though
 * nothing has its earlier name. */
static void note_stuck(struct undoing *u)
{
	if (u->op.verb != TRASH_VERB_RENAME &&
	    u->op.verb != TRASH_VERB_EXCHANGE)
		return;
	links_add(&u->stuck, u->op.st.dev, u->op.arg, 1);
	if (u->op.verb == TRASH_VERB_EXCHANGE)
		links_add(&u->stuck, u->op.st.dev, u->op.st.ino, 1);
}

static int undo_item(struct undoing *u, size_t i)
{
	_cleanup_buf_ struct buf a = BUF_INIT, b = BUF_INIT;
	int r, outcome;

	u->item = &u->plan.ix.items.data[i];
	u->why = NULL;
	r = index_op(&u->plan.ix, u->item, &u->op);
	if (r < 0)
		return 0;
	r = index_path(&u->plan.ix, u->item->writer, u->op.dir, u->op.name, &a);
	if (r == 0 && u->op.name2.n > 0)
		r = index_path(&u->plan.ix, u->item->writer, u->op.dir2,
			       u->op.name2, &b);
	if (r < 0)
		return 0;
	r = plan_translate(&u->plan, u->op.seq, buf_str(&a), &u->path);
	if (r == 0)
		r = plan_translate(&u->plan, u->op.seq, buf_str(&b), &u->path2);
	if (r < 0)
		return r;
	if (u->item->flags & INDEX_UNDONE)
		return u->sel->dry_run ? 0 : reverse_again(u, buf_str(&a));
	r = note_dirs(u);
	if (r < 0)
		return r;
	u->noted = false;
	outcome = reverse_record(u, buf_str(&a));
	if ((outcome == REVERSE_DONE || outcome == REVERSE_SKIPPED) &&
	    !u->sel->dry_run)
		reverse_note(u);
	if (outcome == REVERSE_CONFLICT || outcome == REVERSE_LOST ||
	    outcome < 0)
		note_stuck(u);
	if (outcome == REVERSE_CONFLICT || outcome < 0)
		keep_times(u);
	return report(u, outcome);
}

static int open_group(struct undoing *u)
{
	struct trash_group_stat stat = { 0 };
	char id[UUID_LEN + 1];
	struct str command = u->sel->by_command;
	int r;

	if (command.n == 0) {
		uuid4(id);
		(void)snprintf(u->ret->command, sizeof(u->ret->command),
			       "undo-%.8s", id);
		command = str_from(u->ret->command);
	} else {
		(void)snprintf(u->ret->command, sizeof(u->ret->command),
			       STR_FMT, STR_ARG(command));
	}
	r = store_group_open(
		u->t,
		RECORD_GROUP_UNDO |
			(plan_is_redo(&u->plan) ? RECORD_GROUP_REDO : 0),
		u->sel->by_session, command, u->sel->detail, &u->group);
	if (r == 0)
		r = trash_group_get(u->t, u->group, &stat);
	if (r < 0)
		return r;
	u->ret->group = stat.token;
	u->group_seq = token_seq(stat.token);
	return 0;
}

/* So that what was begun is known for what it is, should this be killed. */
static void note_begin(struct undoing *u)
{
	for (size_t i = 0; u->sel->n_paths == 0 && i < u->plan.marked.n; i++)
		journal_ref(u->t, RECORD_UNDOES,
			    &(struct record_ref){ .seq = u->plan.marked.data[i],
						  .by = u->group_seq });
}

static int run(struct undoing *u)
{
	int r = u->sel->dry_run ? 0 : open_group(u);

	if (r < 0)
		return r;
	place_init(&u->place, u->t, u->group);
	if (!u->sel->dry_run)
		note_begin(u);
	for (size_t i = u->plan.items.n; r == 0 && i-- > 0;)
		r = undo_item(u, u->plan.items.data[i]);
	if (u->sel->dry_run)
		return r;
	set_times(u);
	for (size_t i = 0; i < u->plan.halves.n; i++)
		(void)chain_add(u->t, u->plan.halves.data[i].seq,
				u->plan.halves.data[i].by);
	for (size_t i = 0; u->sel->n_paths == 0 && i < u->plan.marked.n; i++)
		if (u->ret->done + u->ret->skipped > 0)
			(void)chain_add(u->t, u->plan.marked.data[i],
					u->group_seq);
	trash_group_close(u->t, u->group);
	return r;
}

static int undo_or_redo(struct trash *t, const struct undo_select *sel,
			bool redo, undo_step_fn *fn, void *arg,
			struct undo_result *ret)
{
	struct undoing u = {
		.t = t, .sel = sel, .fn = fn, .arg = arg, .ret = ret
	};
	int r;

	*ret = (struct undo_result){ 0 };
	if (t->opt.read_only && !sel->dry_run)
		return -EROFS;
	r = plan_make(t, sel, redo, &u.plan);
	if (r < 0)
		return r;
	r = run(&u);
	place_done(&u.place);
	plan_done(&u.plan);
	links_done(&u.touched);
	links_done(&u.never);
	links_done(&u.remade);
	links_done(&u.stuck);
	for (size_t i = 0; i < u.sims.n; i++)
		free(u.sims.data[i].path);
	vec_done(&u.sims);
	dirtimes_done(&u.times);
	buf_done(&u.path);
	buf_done(&u.path2);
	return r;
}

int trash_undo(struct trash *t, const struct undo_select *sel, undo_step_fn *fn,
	       void *arg, struct undo_result *ret)
{
	return undo_or_redo(t, sel, false, fn, arg, ret);
}

int trash_redo(struct trash *t, const struct undo_select *sel, undo_step_fn *fn,
	       void *arg, struct undo_result *ret)
{
	return undo_or_redo(t, sel, true, fn, arg, ret);
}
