/* SPDX-License-Identifier: MIT */
/*
 * reverse.c - reversing one record of an undo: a function per verb
 */
#include "trash/reverse.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "trash/reverse_step.h"
#include "trash/work.h"

#define MOVED "moved or removed since"

static int reverse_removal(struct undoing *u, struct str recorded)
{
	struct str path = buf_str(&u->path);
	struct record_stat st;
	int r;

	if (u->op.how == TRASH_HOW_NOTHING) {
		links_add(&u->never, u->op.st.dev, u->op.st.ino, 1);
		return reverse_skipped(u, "the command itself had made it");
	}

	r = reverse_look(u, path, &st);
	if (r == 0 && S_ISDIR(u->op.st.mode) && S_ISDIR(st.mode))
		return reverse_dir_again(u, recorded, path);
	if (r == 0 && u->op.st.ino && record_same_object(&st, &u->op.st))
		return reverse_skipped(u, "it is back already");
	if (u->op.how == TRASH_HOW_DROPPED)
		return reverse_lost(
			u, "it was not kept (over the quarantine's budget)");
	if (!reverse_has_payload(u))
		return reverse_lost(u, "restored elsewhere or purged since");
	r = reverse_make_room(u, path);
	return r == REVERSE_DONE ? reverse_put_back(u, recorded, path) : r;
}

static int reverse_creation(struct undoing *u, struct str recorded)
{
	struct str path = buf_str(&u->path);
	struct record_stat st;
	const char *why;
	int r;

	r = reverse_look(u, path, &st);
	if (r == -ENOENT && links_get(&u->stuck, u->op.st.dev, u->op.st.ino))
		return reverse_conflict(u, "renamed, which was not undone");
	if (r == -ENOENT)
		return reverse_skipped(u, "it is gone already");
	if (r < 0)
		return r;
	if (!reverse_same_object(u, &st) && !u->sel->force && !S_ISDIR(st.mode))
		return reverse_conflict(u, "another file has this name now");
	if (S_ISDIR(st.mode) != S_ISDIR(u->op.st.mode))
		return reverse_conflict(u, "something else has this name now");
	/* Emptiness is what tells for a directory. A further link changes
	 * nothing in the file. */
	why = S_ISDIR(st.mode) || u->op.verb == TRASH_VERB_LINK
		      ? NULL
		      : reverse_changed(u, recorded, path, &st);
	if (why && !u->sel->force)
		return reverse_conflict(u, why);
	reverse_touch(u, &st);
	r = reverse_take_away(u, path, &st);
	if (r == -ENOTEMPTY && reverse_same_object(u, &st))
		r = reverse_take_late(u, path);
	return r == -ENOTEMPTY
		       ? reverse_conflict(u, "files made later are in it")
		       : r;
}

static int move_back(struct undoing *u, unsigned int flags)
{
	char from_name[NAME_MAX + 1], to_name[NAME_MAX + 1];
	_cleanup_close_ int to = -1;
	struct trash_at a, b;
	int r;

	/* Two parents at once: the cache holds one. */
	to = place_parent_of(u->t, buf_str(&u->path2), to_name);
	if (to < 0)
		return to;
	r = reverse_at(u, buf_str(&u->path), true /* make */, from_name, &a);
	if (r < 0)
		return r;
	b = (struct trash_at){ .dirfd = to, .name = to_name };
	r = trash_rename(u->t, u->group, &b, &a, flags, NULL);
	place_reset(&u->place); /* a directory may have moved */
	if (r < 0)
		return r;
	return (flags & RENAME_EXCHANGE ? dirtimes_swapped : dirtimes_moved)(
		&u->times, buf_str(&u->path2), buf_str(&u->path));
}

static int sim_move(struct undoing *u, const struct record_stat *st)
{
	int r = reverse_sim_set(u, buf_str(&u->path2), false, NULL);

	return r < 0 ? r : reverse_sim_set(u, buf_str(&u->path), true, st);
}

/* The file that the rename replaced. */
static int bring_back_target(struct undoing *u)
{
	if (u->op.flags & RECORD_OP_OWN)
		links_add(&u->never, u->op.st.dev, u->op.st.ino, 1);
	if (u->op.how == TRASH_HOW_NOTHING)
		return REVERSE_DONE;
	if (u->op.how == TRASH_HOW_DROPPED)
		return reverse_lost(u, "the replaced file was not kept");
	if (!reverse_has_payload(u))
		return reverse_lost(u,
				    "the replaced file was restored or purged");
	return reverse_put_back(u, buf_str(&u->path2), buf_str(&u->path2));
}

/* What RENAME_WHITEOUT left under the old name. */
static int take_whiteout(struct undoing *u)
{
	struct record_stat st;

	if (!(u->op.flags & RECORD_OP_WHITEOUT) ||
	    reverse_look(u, buf_str(&u->path), &st) < 0 || !S_ISCHR(st.mode))
		return 0;
	return reverse_take_away(u, buf_str(&u->path), &st);
}

/* What was renamed is not there. With force what it replaced comes back; it
 * itself may yet, so the record is not done with. */
static int rename_missing(struct undoing *u)
{
	int r;

	if (!u->sel->force)
		return reverse_conflict(u, MOVED);
	r = bring_back_target(u);
	return r == REVERSE_DONE ? reverse_lost(u, MOVED) : r;
}

/* An undo that was killed has brought the replaced file back. */
static bool is_target(const struct undoing *u, const struct record_stat *st)
{
	return u->op.how != TRASH_HOW_NOTHING && u->op.st.ino &&
	       u->op.st.ino != u->op.arg &&
	       (record_same_object(st, &u->op.st) ||
		plan_was_remade(&u->plan, &u->op.st, st));
}

static int reverse_rename(struct undoing *u)
{
	bool own = links_get(&u->never, u->op.st.dev, u->op.arg) > 0;
	struct record_stat st, back;
	int r;

	r = reverse_look(u, buf_str(&u->path2), &st);
	/* Files of the command's own have no earlier state to go back to. */
	if (r == -ENOENT && own) {
		r = take_whiteout(u);
		return r < 0 ? r : bring_back_target(u);
	}
	if (r == 0 && own && is_target(u, &st)) {
		reverse_touch(u, &st);
		return reverse_skipped(u, "it is back already");
	}
	if (r < 0 && r != -ENOENT)
		return r;
	/* An undo that was killed got this far. */
	if (reverse_look(u, buf_str(&u->path), &back) == 0 &&
	    back.ino == u->op.arg && (r < 0 || st.ino != u->op.arg)) {
		reverse_touch(u, &back);
		return r < 0 ? bring_back_target(u)
			     : reverse_skipped(u, "it is back already");
	}
	if (r == -ENOENT)
		return rename_missing(u);
	if (!reverse_same_inode(u, &st)) {
		if (!u->sel->force)
			return reverse_conflict(
				u, "another file has this name now");
		if (is_target(u, &st))
			return reverse_lost(u, MOVED);
	}
	reverse_touch(u, &st);
	if (u->op.flags & RECORD_OP_FROM_OUTSIDE) {
		/* Where it came from is not ours to write to: it is kept. */
		r = S_ISDIR(st.mode) && !u->sel->dry_run
			    ? reverse_take_tree(u, buf_str(&u->path2), 0)
			    : reverse_take_away(u, buf_str(&u->path2), &st);
		return r < 0 ? r : bring_back_target(u);
	}
	r = take_whiteout(u);
	if (r == 0)
		r = reverse_make_room(u, buf_str(&u->path));
	if (r != REVERSE_DONE)
		return r;
	r = u->sel->dry_run ? sim_move(u, &st) : move_back(u, RENAME_NOREPLACE);
	return r < 0 ? r : bring_back_target(u);
}

/* One side was the command's own and is no more: the other goes back. */
static int exchange_half(struct undoing *u, bool a_there, bool b_there,
			 const struct record_stat *st)
{
	int r;

	if (a_there == b_there)
		return reverse_skipped(u, "the command itself had made both");
	if (u->sel->dry_run) {
		r = reverse_sim_set(u, buf_str(&u->path), b_there, st);
		return r < 0 ? r
			     : reverse_sim_set(u, buf_str(&u->path2), a_there,
					       st);
	}
	if (a_there) {
		struct buf swap = u->path;

		u->path = u->path2;
		u->path2 = swap;
	}
	return move_back(u, RENAME_NOREPLACE);
}

static int reverse_exchange(struct undoing *u)
{
	struct record_stat a = { 0 }, b = { 0 };
	int ra, rb, r;

	ra = reverse_look(u, buf_str(&u->path), &a);
	rb = reverse_look(u, buf_str(&u->path2), &b);
	/* An undo that was killed got this far. */
	if ((ra == 0 && a.ino == u->op.arg) ||
	    (rb == 0 && b.ino == u->op.st.ino)) {
		if (ra == 0)
			reverse_touch(u, &a);
		if (rb == 0)
			reverse_touch(u, &b);
		return reverse_skipped(u, "it is back already");
	}
	if (((ra == -ENOENT &&
	      !links_get(&u->never, u->op.st.dev, u->op.st.ino)) ||
	     (rb == -ENOENT &&
	      !links_get(&u->never, u->op.st.dev, u->op.arg))) &&
	    (!u->sel->force || ra == rb))
		return reverse_conflict(u, MOVED);
	if (ra == -ENOENT || rb == -ENOENT) {
		reverse_touch(u, ra == 0 ? &a : &b);
		return exchange_half(u, ra == 0, rb == 0, ra == 0 ? &a : &b);
	}
	if (ra < 0 || rb < 0)
		return ra < 0 ? ra : rb;
	if (!reverse_same_inode(u, &b) && !u->sel->force)
		return reverse_conflict(u, "another file has this name now");
	reverse_touch(u, &a);
	reverse_touch(u, &b);
	if (u->sel->dry_run) {
		r = reverse_sim_set(u, buf_str(&u->path), true, &b);
		return r < 0 ? r
			     : reverse_sim_set(u, buf_str(&u->path2), true, &a);
	}
	return move_back(u, RENAME_EXCHANGE);
}

int reverse_record(struct undoing *u, struct str recorded)
{
	switch ((enum trash_verb)u->op.verb) {
	case TRASH_VERB_UNLINK:
	case TRASH_VERB_RMDIR:
		return reverse_removal(u, recorded);
	case TRASH_VERB_RENAME:
		return reverse_rename(u);
	case TRASH_VERB_EXCHANGE:
		return reverse_exchange(u);
	case TRASH_VERB_WRITE:
	case TRASH_VERB_TRUNCATE:
	case TRASH_VERB_APPEND:
		return reverse_content(u, recorded);
	case TRASH_VERB_META:
		return reverse_meta(u, recorded);
	case TRASH_VERB_CREATE:
	case TRASH_VERB_MKDIR:
	case TRASH_VERB_SYMLINK:
	case TRASH_VERB_MKNOD:
	case TRASH_VERB_LINK:
	case TRASH_VERB_RESTORE:
		return reverse_creation(u, recorded);
	case TRASH_VERB_NONE:
	case TRASH_VERB_MAX:
		break;
	}
	return -EBADMSG;
}
