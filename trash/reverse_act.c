/* SPDX-License-Identifier: MIT */
/*
 * reverse_act.c - taking away and putting back, for a reversal
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "trash/reverse_step.h"
#include "trash/work.h"

int reverse_at(struct undoing *u, struct str path, bool make,
	       char name[NAME_MAX + 1], struct trash_at *ret)
{
	return place_at(&u->place, path, make, name, ret);
}

/* What is at path goes to the quarantine. */
int reverse_take_away(struct undoing *u, struct str path,
		      const struct record_stat *st)
{
	char name[NAME_MAX + 1];
	struct trash_at at;
	int r;

	if (u->sel->dry_run)
		return reverse_sim_set(u, path, false, NULL);
	r = reverse_at(u, path, false /* make */, name, &at);
	if (r == 0)
		r = S_ISDIR(st->mode) ? trash_rmdir(u->t, u->group, &at, NULL)
				      : trash_unlink(u->t, u->group, &at, NULL);
	if (r == 0 && S_ISDIR(st->mode))
		place_reset(&u->place);
	return r;
}

#define TREE_DEPTH 128
#define LATE_NS    2000000000LL

static int list_names(struct undoing *u, struct str path, struct buf *out)
{
	_cleanup_closedir_ DIR *d = NULL;
	char name[NAME_MAX + 1];
	struct trash_at at;
	struct dirent *e;
	int r = reverse_at(u, path, false /* make */, name, &at);

	if (r == 0)
		r = fd_opendir(at.dirfd, name, &d);
	if (r < 0)
		return r;
	while ((e = readdir(d)) != NULL)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			buf_put(out, e->d_name, strlen(e->d_name) + 1);
	return out->error;
}

/* A whole directory goes to the quarantine, file by file. */
int reverse_take_tree(struct undoing *u, struct str path, unsigned int depth)
{
	_cleanup_buf_ struct buf names = BUF_INIT, child = BUF_INIT;
	struct record_stat st;
	int r = depth > TREE_DEPTH ? -ELOOP : list_names(u, path, &names);

	for (size_t at = 0; r == 0 && at < names.len;
	     at += strlen(names.data + at) + 1) {
		buf_reset(&child);
		buf_put_str(&child, path);
		buf_putc(&child, '/');
		buf_puts(&child, names.data + at);
		r = child.error ? child.error
				: reverse_look(u, buf_str(&child), &st);
		if (r == 0 && S_ISDIR(st.mode))
			r = reverse_take_tree(u, buf_str(&child), depth + 1);
		else if (r == 0)
			r = reverse_take_away(u, buf_str(&child), &st);
	}
	if (r == 0)
		r = reverse_look(u, path, &st);
	return r == 0 ? reverse_take_away(u, path, &st) : r;
}

/* Every entry, if all are about as old as the last record is. */
static int late_names(struct undoing *u, struct str path, int64_t limit,
		      struct buf *names)
{
	_cleanup_buf_ struct buf child = BUF_INIT;
	int r = list_names(u, path, names);

	for (size_t at = 0; r == 0 && at < names->len;
	     at += strlen(names->data + at) + 1) {
		buf_reset(&child);
		buf_put_str(&child, path);
		buf_putc(&child, '/');
		buf_puts(&child, names->data + at);
		r = child.error                                 ? child.error
		    : reverse_ctime(u, buf_str(&child)) > limit ? -ENOTEMPTY
								: 0;
	}
	return r;
}

int reverse_take_late(struct undoing *u, struct str path)
{
	const struct index_group *g = plan_group(&u->plan, u->item, &u->op);
	_cleanup_buf_ struct buf names = BUF_INIT;
	int r;

	if (!g || g->ended)
		return -ENOTEMPTY;
	r = late_names(u, path, g->end_ns + LATE_NS, &names);
	return r < 0 ? r : reverse_take_tree(u, path, 0);
}

/* An undo that was killed was at work there. */
static bool cut_off_at(const struct undoing *u, struct str path)
{
	const struct plan_later *l = plan_later(&u->plan, path);

	return l && l->undone_ns == INT64_MAX && l->seq <= u->op.seq;
}

/* The name must be free; with force it is made so. */
int reverse_make_room(struct undoing *u, struct str path)
{
	struct record_stat st;
	int r = reverse_look(u, path, &st);

	if (r == -ENOENT)
		return REVERSE_DONE;
	if (r < 0)
		return r;
	if (!u->sel->force && (S_ISDIR(st.mode) || !cut_off_at(u, path)))
		return reverse_conflict(u, "something else has this name now");
	r = reverse_take_away(u, path, &st);
	return r == -ENOTEMPTY
		       ? reverse_conflict(u, "a directory with files in it "
					     "has this name now")
		       : r;
}

/* A directory made again has the times from before it was emptied. */
static int note_remade_dir(struct undoing *u, struct str recorded,
			   struct str path)
{
	const struct record_stat *first = index_first_touch(
		&u->plan.ix, u->item->writer, u->op.group, recorded, &u->op.st);
	struct dirtime *e;
	int r = dirtimes_note(&u->times, path, first ? first : &u->op.st, &e);

	if (r < 0)
		return r;
	e->fresh = true;
	e->foreign = false;
	return 0;
}

/* recorded: the name it had, path: where it goes. */
int reverse_put_back(struct undoing *u, struct str recorded, struct str path)
{
	char name[NAME_MAX + 1];
	struct record_stat st = { 0 };
	struct trash_at at;
	int r;

	if (u->sel->dry_run)
		return reverse_sim_set(u, path, true, &u->op.st);
	r = reverse_at(u, path, true /* make */, name, &at);
	if (r < 0)
		return r;
	if (S_ISDIR(u->op.st.mode))
		r = place_dir(&u->place, &u->plan.ix, u->item, &u->op, &at);
	else
		r = place_payload(&u->place, &u->plan.ix, u->item, &u->op, &at);
	if (r < 0)
		return r;
	if (store_stat(at.dirfd, name, &st) == 0) {
		reverse_touch(u, &st);
		if (!record_same_object(&st, &u->op.st)) {
			links_add(&u->remade, st.dev, st.ino, 1);
			journal_ref(u->t, RECORD_REMADE,
				    &(struct record_ref){ .seq = u->op.seq,
							  .st = st });
		}
	}
	return S_ISDIR(u->op.st.mode) ? note_remade_dir(u, recorded, path) : 0;
}

void reverse_note(struct undoing *u)
{
	if (!u->noted)
		journal_ref(u->t, RECORD_UNDONE,
			    &(struct record_ref){ .seq = u->op.seq,
						  .by = u->group_seq });
	u->noted = true;
}

/* The directory itself may not be there yet, or no more, under this name. */
static int note_again(struct undoing *u, uint32_t id, struct str path)
{
	const struct record_dir *d =
		index_dir(&u->plan.ix, u->item->writer, id);
	struct dirtime *e;

	return d ? dirtimes_note(&u->times, path, &d->st, &e) : 0;
}

static struct str parent_of(struct str path)
{
	ptrdiff_t slash = str_rindex(path, '/');

	return str_from_n(path.p, slash < 0 ? 0 : (size_t)slash);
}

int reverse_again(struct undoing *u, struct str recorded)
{
	struct str path = buf_str(&u->path), path2 = buf_str(&u->path2);
	struct record_stat st;
	int r;

	/* As where these are reversed: what the command made is not kept. */
	if ((u->op.verb == TRASH_VERB_UNLINK &&
	     u->op.how == TRASH_HOW_NOTHING) ||
	    (u->op.verb == TRASH_VERB_RENAME && u->op.flags & RECORD_OP_OWN))
		links_add(&u->never, u->op.st.dev, u->op.st.ino, 1);
	r = note_again(u, u->op.dir, parent_of(path));
	if (r == 0 && path2.n > 0)
		r = note_again(u, u->op.dir2, parent_of(path2));
	if (r < 0)
		return r;
	if (u->op.verb == TRASH_VERB_RENAME)
		return dirtimes_moved(&u->times, path2, path);
	if (u->op.verb == TRASH_VERB_EXCHANGE)
		return dirtimes_swapped(&u->times, path2, path);
	if (u->op.verb != TRASH_VERB_RMDIR || reverse_look(u, path, &st) < 0 ||
	    !S_ISDIR(st.mode))
		return 0;
	return note_remade_dir(u, recorded, path);
}

/* A directory that was being made again: as it was, by the record. */
int reverse_dir_again(struct undoing *u, struct str recorded, struct str path)
{
	_cleanup_close_ int fd = -1;
	char name[NAME_MAX + 1];
	struct record_stat st;
	struct trash_at at;
	int r;

	if (u->sel->dry_run || !cut_off_at(u, path))
		return reverse_skipped(u, "the directory is there");
	r = reverse_at(u, path, false /* make */, name, &at);
	if (r < 0)
		return r;
	fd = openat(at.dirfd, name,
		    O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = place_dir_attributes(fd, &u->op);
	if (r == 0)
		r = store_stat(fd, "", &st);
	if (r < 0)
		return r;
	reverse_touch(u, &st);
	if (!record_same_object(&st, &u->op.st)) {
		links_add(&u->remade, st.dev, st.ino, 1);
		journal_ref(u->t, RECORD_REMADE,
			    &(struct record_ref){ .seq = u->op.seq, .st = st });
	}
	return note_remade_dir(u, recorded, path);
}
