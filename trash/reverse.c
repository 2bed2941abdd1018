/* SPDX-License-Identifier: MIT */
/*
 * reverse.c - reversing one record of an undo: a function per verb
 */
#include "trash/reverse.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "core/wire.h"
#include "trash/copy.h"
#include "trash/work.h"
#include "trash/xattr.h"

static int conflict(struct undoing *u, const char *why)
{
	u->why = why;
	return REVERSE_CONFLICT;
}

static int lost(struct undoing *u, const char *why)
{
	u->why = why;
	return REVERSE_LOST;
}

static int skipped(struct undoing *u, const char *why)
{
	u->why = why;
	return REVERSE_SKIPPED;
}

/* --- what is there now --- */

static struct sim *sim_find(struct undoing *u, struct str path)
{
	for (size_t i = u->sims.n; i-- > 0;)
		if (str_eq_c(path, u->sims.data[i].path))
			return &u->sims.data[i];
	return NULL;
}

static int sim_set(struct undoing *u, struct str path, bool present,
		   const struct record_stat *st)
{
	struct sim *s = sim_find(u, path), fresh = { .present = present };
	int r;

	if (s) {
		s->present = present;
		s->st = st ? *st : (struct record_stat){ 0 };
		return 0;
	}
	fresh.path = str_dup(path);
	if (!fresh.path)
		return -ENOMEM;
	if (st)
		fresh.st = *st;
	r = vec_push(&u->sims, fresh);
	if (r < 0)
		free(fresh.path);
	return r;
}

/* 0, or -ENOENT (no such name, or its directory is not there). */
static int look(struct undoing *u, struct str path, struct record_stat *ret)
{
	const struct sim *s = u->sel->dry_run ? sim_find(u, path) : NULL;
	char name[NAME_MAX + 1];
	struct trash_at at;
	int r;

	if (s) {
		*ret = s->st;
		return s->present ? 0 : -ENOENT;
	}
	r = place_at(&u->place, path, false /* make */, name, &at);
	if (r == 0)
		r = store_stat(at.dirfd, name, ret);
	return r == -ENOTDIR || r == -ELOOP ? -ENOENT : r;
}

void reverse_touch(struct undoing *u, const struct record_stat *st)
{
	if (links_get(&u->touched, st->dev, st->ino) == 0)
		links_add(&u->touched, st->dev, st->ino, 1);
}

static int64_t ctime_of(struct undoing *u, struct str path)
{
	char name[NAME_MAX + 1];
	struct trash_at at;
	struct stat st;

	if (place_at(&u->place, path, false /* make */, name, &at) < 0 ||
	    fstatat(at.dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	return (int64_t)st.st_ctim.tv_sec * 1000000000LL + st.st_ctim.tv_nsec;
}

/* NULL if the object is as the command left it, else what is wrong. */
static const char *changed_since(struct undoing *u, struct str recorded,
				 struct str now, const struct record_stat *st)
{
	const struct index_group *g = plan_group(&u->plan, u->item, &u->op);
	const struct plan_later *l = plan_later(&u->plan, recorded);
	const struct plan_later *i = plan_later_inode(&u->plan, st);
	int64_t limit;

	if ((l && l->seq > u->op.seq) || (i && i->seq > u->op.seq))
		return "changed by a later command";
	if (links_get(&u->touched, st->dev, st->ino) > 0)
		return NULL;
	if (!g || !g->ended)
		return NULL; /* still running, or killed: nothing to tell by */
	if (S_ISDIR(st->mode))
		return NULL; /* files come and go in it: its ctime says nothing */
	limit = g->end_ns;
	if (l)
		limit = MAX(limit, l->undone_ns);
	if (i)
		limit = MAX(limit, i->undone_ns);
	if (u->sel->dry_run && sim_find(u, now))
		return NULL;
	return ctime_of(u, now) > limit ? "changed since the command ended"
					: NULL;
}

static bool same_object(const struct undoing *u, const struct record_stat *now)
{
	const struct record_stat *then = &u->op.st;

	return plan_was_remade(&u->plan, then, now) || then->ino == 0 ||
	       now->ino == 0 || record_same_object(then, now) ||
	       links_get(&u->remade, now->dev, now->ino) > 0;
}

/* The same of the inode number that a rename has on record. */
static bool same_inode(const struct undoing *u, const struct record_stat *now)
{
	struct record_stat then = { .dev = u->op.st.dev, .ino = u->op.arg };

	if (plan_was_remade(&u->plan, &then, now))
		return true;
	return S_ISDIR(now->mode) || now->ino == 0 || now->ino == u->op.arg ||
	       links_get(&u->remade, now->dev, now->ino) > 0;
}

/* --- acting --- */

static int at_path(struct undoing *u, struct str path, bool make,
		   char name[NAME_MAX + 1], struct trash_at *ret)
{
	return place_at(&u->place, path, make, name, ret);
}

/* What is at path goes to the quarantine. */
static int take_away(struct undoing *u, struct str path,
		     const struct record_stat *st)
{
	char name[NAME_MAX + 1];
	struct trash_at at;
	int r;

	if (u->sel->dry_run)
		return sim_set(u, path, false, NULL);
	r = at_path(u, path, false /* make */, name, &at);
	if (r == 0)
		r = S_ISDIR(st->mode) ? trash_rmdir(u->t, u->group, &at, NULL)
				      : trash_unlink(u->t, u->group, &at, NULL);
	if (r == 0 && S_ISDIR(st->mode))
		place_reset(&u->place);
	return r;
}

#define TREE_DEPTH 128

static int list_names(struct undoing *u, struct str path, struct buf *out)
{
	_cleanup_close_ int fd = -1;
	char name[NAME_MAX + 1];
	struct trash_at at;
	struct dirent *e;
	DIR *d;
	int r = at_path(u, path, false /* make */, name, &at);

	if (r < 0)
		return r;
	fd = openat(at.dirfd, name,
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	d = fd < 0 ? NULL : fdopendir(fd);
	if (!d)
		return -errno;
	(void)TAKE_FD(fd);
	while ((e = readdir(d)) != NULL)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			buf_put(out, e->d_name, strlen(e->d_name) + 1);
	(void)closedir(d);
	return out->error;
}

/* A whole directory goes to the quarantine, file by file. */
static int take_tree(struct undoing *u, struct str path, unsigned int depth)
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
		r = child.error ? child.error : look(u, buf_str(&child), &st);
		if (r == 0 && S_ISDIR(st.mode))
			r = take_tree(u, buf_str(&child), depth + 1);
		else if (r == 0)
			r = take_away(u, buf_str(&child), &st);
	}
	if (r == 0)
		r = look(u, path, &st);
	return r == 0 ? take_away(u, path, &st) : r;
}

/* The name must be free; with force it is made so. */
static int make_room(struct undoing *u, struct str path)
{
	struct record_stat st;
	int r = look(u, path, &st);

	if (r == -ENOENT)
		return REVERSE_DONE;
	if (r < 0)
		return r;
	if (!u->sel->force)
		return conflict(u, "something else has this name now");
	r = take_away(u, path, &st);
	return r == -ENOTEMPTY ? conflict(u, "a directory with files in it "
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
static int put_back(struct undoing *u, struct str recorded, struct str path)
{
	char name[NAME_MAX + 1];
	struct record_stat st = { 0 };
	struct trash_at at;
	int r;

	if (u->sel->dry_run)
		return sim_set(u, path, true, &u->op.st);
	r = at_path(u, path, true /* make */, name, &at);
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

static bool payload_there(struct undoing *u)
{
	char name[SLOT_NAME_MAX + 1];
	_cleanup_close_ int dirfd = -1;

	if (u->item->flags & INDEX_GONE)
		return false;
	if (!op_has_payload(&u->op))
		return u->op.how == TRASH_HOW_RECORD;
	if (index_payload(&u->plan.ix, u->item, &u->op, &dirfd, name) < 0)
		return false;
	return faccessat(dirfd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* --- one reversal per verb --- */

static int reverse_removal(struct undoing *u, struct str recorded)
{
	struct str path = buf_str(&u->path);
	struct record_stat st;
	int r;

	if (u->op.how == TRASH_HOW_NOTHING) {
		links_add(&u->never, u->op.st.dev, u->op.st.ino, 1);
		return skipped(u, "the command itself had made it");
	}

	r = look(u, path, &st);
	if (r == 0 && S_ISDIR(u->op.st.mode) && S_ISDIR(st.mode))
		return skipped(u, "the directory is there");
	if (r == 0 && u->op.st.ino && record_same_object(&st, &u->op.st))
		return skipped(u, "it is back already");
	if (u->op.how == TRASH_HOW_DROPPED)
		return lost(u,
			    "it was not kept (over the quarantine's budget)");
	if (!payload_there(u))
		return lost(u, "restored elsewhere or purged since");
	r = make_room(u, path);
	return r == REVERSE_DONE ? put_back(u, recorded, path) : r;
}

static int reverse_creation(struct undoing *u, struct str recorded)
{
	struct str path = buf_str(&u->path);
	struct record_stat st;
	const char *why;
	int r;

	r = look(u, path, &st);
	if (r == -ENOENT)
		return skipped(u, "it is gone already");
	if (r < 0)
		return r;
	if (!same_object(u, &st) && !u->sel->force && !S_ISDIR(st.mode))
		return conflict(u, "another file has this name now");
	if (S_ISDIR(st.mode) != S_ISDIR(u->op.st.mode))
		return conflict(u, "something else has this name now");
	/* Emptiness is what tells for a directory. A further link changes
	 * nothing in the file. */
	why = S_ISDIR(st.mode) || u->op.verb == TRASH_VERB_LINK
		      ? NULL
		      : changed_since(u, recorded, path, &st);
	if (why && !u->sel->force)
		return conflict(u, why);
	reverse_touch(u, &st);
	r = take_away(u, path, &st);
	return r == -ENOTEMPTY ? conflict(u, "files made later are in it") : r;
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
	r = at_path(u, buf_str(&u->path), true /* make */, from_name, &a);
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
	int r = sim_set(u, buf_str(&u->path2), false, NULL);

	return r < 0 ? r : sim_set(u, buf_str(&u->path), true, st);
}

/* The file that the rename replaced. */
static int bring_back_target(struct undoing *u)
{
	if (u->op.flags & RECORD_OP_OWN)
		links_add(&u->never, u->op.st.dev, u->op.st.ino, 1);
	if (u->op.how == TRASH_HOW_NOTHING)
		return REVERSE_DONE;
	if (u->op.how == TRASH_HOW_DROPPED)
		return lost(u, "the replaced file was not kept");
	if (!payload_there(u))
		return lost(u, "the replaced file was restored or purged");
	return put_back(u, buf_str(&u->path2), buf_str(&u->path2));
}

static int reverse_rename(struct undoing *u)
{
	struct record_stat st, back;
	int r;

	r = look(u, buf_str(&u->path2), &st);
	/* Files of the command's own have no earlier state to go back to. */
	if (r == -ENOENT && links_get(&u->never, u->op.st.dev, u->op.arg) > 0)
		return bring_back_target(u);
	if (r < 0 && r != -ENOENT)
		return r;
	/* An undo that was killed got this far. */
	if (look(u, buf_str(&u->path), &back) == 0 && back.ino == u->op.arg &&
	    (r < 0 || st.ino != u->op.arg)) {
		reverse_touch(u, &back);
		return r < 0 ? bring_back_target(u)
			     : skipped(u, "it is back already");
	}
	if (r == -ENOENT)
		return conflict(u, "moved or removed since");
	if (!same_inode(u, &st))
		return conflict(u, "another file has this name now");
	reverse_touch(u, &st);
	if (u->op.flags & RECORD_OP_FROM_OUTSIDE) {
		/* Where it came from is not ours to write to: it is kept. */
		r = S_ISDIR(st.mode) && !u->sel->dry_run
			    ? take_tree(u, buf_str(&u->path2), 0)
			    : take_away(u, buf_str(&u->path2), &st);
		return r < 0 ? r : bring_back_target(u);
	}
	r = make_room(u, buf_str(&u->path));
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
		return skipped(u, "the command itself had made both");
	if (u->sel->dry_run) {
		r = sim_set(u, buf_str(&u->path), b_there, st);
		return r < 0 ? r : sim_set(u, buf_str(&u->path2), a_there, st);
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

	ra = look(u, buf_str(&u->path), &a);
	rb = look(u, buf_str(&u->path2), &b);
	if ((ra == -ENOENT &&
	     !links_get(&u->never, u->op.st.dev, u->op.st.ino)) ||
	    (rb == -ENOENT && !links_get(&u->never, u->op.st.dev, u->op.arg)))
		return conflict(u, "moved or removed since");
	if (ra == -ENOENT || rb == -ENOENT) {
		reverse_touch(u, ra == 0 ? &a : &b);
		return exchange_half(u, ra == 0, rb == 0, ra == 0 ? &a : &b);
	}
	if (ra < 0 || rb < 0)
		return ra < 0 ? ra : rb;
	if (!same_inode(u, &b))
		return conflict(u, "another file has this name now");
	reverse_touch(u, &a);
	reverse_touch(u, &b);
	if (u->sel->dry_run) {
		r = sim_set(u, buf_str(&u->path), true, &b);
		return r < 0 ? r : sim_set(u, buf_str(&u->path2), true, &a);
	}
	return move_back(u, RENAME_EXCHANGE);
}

/* Writable handle of the file in `obj`, whatever its mode. */
static int open_write(int obj)
{
	char path[32];
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", obj);
	fd = open(path, O_WRONLY | O_CLOEXEC | O_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

static int copy_tail(int from, int to, off_t off, off_t end)
{
	char chunk[8192];

	while (off < end) {
		ssize_t n = pread(from, chunk,
				  (size_t)MIN((off_t)sizeof(chunk), end - off),
				  off);

		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		if (pwrite(to, chunk, (size_t)n, off) != n)
			return -EIO;
		off += n;
	}
	return 0;
}

/* Rewrites the file in place: its inode and links stay. */
static int rewrite(struct undoing *u, int obj)
{
	_cleanup_close_ int old = -1, to = open_write(obj);
	enum trash_how how;
	int r;

	if (to < 0)
		return to;
	if (u->op.verb == TRASH_VERB_APPEND) {
		r = ftruncate(to, (off_t)u->op.arg) < 0 ? -errno : 0;
	} else {
		old = content_open(&u->plan.ix, u->item, &u->op);
		if (old < 0)
			return old;
		if (u->op.flags & RECORD_OP_PARTIAL) {
			r = copy_tail(old, to, (off_t)u->op.arg,
				      (off_t)u->op.st.size);
			if (r == 0 && ftruncate(to, (off_t)u->op.st.size) < 0)
				r = -errno;
		} else {
			r = ftruncate(to, 0) < 0 ? -errno : 0;
			if (r == 0)
				r = copy_content(old, to, 0, UINT64_MAX,
						 !u->t->no_reflink, &how);
		}
	}
	if (r == 0)
		r = copy_times(obj, u->op.st.atime_ns, u->op.st.mtime_ns);
	return r;
}

static void drop_payload(struct undoing *u)
{
	char name[SLOT_NAME_MAX + 1];
	_cleanup_close_ int dirfd = -1;

	if (op_has_payload(&u->op) &&
	    index_payload(&u->plan.ix, u->item, &u->op, &dirfd, name) == 0) {
		(void)unlinkat(dirfd, name, 0);
		budget_give(u->t, u->op.st.bytes, 1);
	}
	(void)index_mark_gone(&u->plan.ix, u->item, &u->op, u->group_seq);
}

static int rewrite_kept(struct undoing *u, struct str path)
{
	_cleanup_close_ int obj = -1;
	char name[NAME_MAX + 1];
	struct trash_at at;
	bool append = u->op.verb == TRASH_VERB_APPEND;
	int r;

	r = at_path(u, path, false /* make */, name, &at);
	if (r < 0)
		return r;
	obj = openat(at.dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (obj < 0)
		return -errno;
	r = trash_before_write(u->t, u->group, &at, obj, TRASH_WRITE_TRUNCATE,
			       append ? (off_t)u->op.arg : 0, 0, NULL);
	if (r == 0)
		r = trash_before_meta(u->t, u->group, &at, obj,
				      TRASH_META_TIMES, NULL);
	if (r < 0)
		return r;
	TRASH_STEP("rewrite");
	r = rewrite(u, obj);
	if (r == 0)
		drop_payload(u);
	return r;
}

static int reverse_content(struct undoing *u, struct str recorded)
{
	struct str path = buf_str(&u->path);
	bool swapped = u->op.how == TRASH_HOW_SWAPPED;
	struct record_stat st;
	const char *why;
	int r;

	if (u->op.how == TRASH_HOW_DROPPED)
		return lost(u,
			    "it was not kept (over the quarantine's budget)");
	if (!payload_there(u))
		return lost(u, "restored elsewhere or purged since");
	r = look(u, path, &st);
	if (r == -ENOENT)
		return conflict(u, "moved or removed since");
	if (r < 0)
		return r;
	if (!S_ISREG(st.mode))
		return conflict(u, "something else has this name now");
	if (!swapped && !same_object(u, &st))
		return conflict(u, "another file has this name now");
	why = changed_since(u, recorded, path, &st);
	if (why && !u->sel->force)
		return conflict(u, why);
	if (u->op.verb == TRASH_VERB_APPEND && st.size < u->op.arg)
		return conflict(u, "shorter than it was");
	reverse_touch(u, &st);
	if (u->sel->dry_run)
		return REVERSE_DONE;
	if (!swapped)
		return rewrite_kept(u, path);
	r = take_away(u, path, &st);
	return r < 0 ? r : put_back(u, recorded, path);
}

static int set_meta(struct undoing *u, int obj)
{
	const struct record_stat *st = &u->op.st;
	uint64_t what = u->op.arg;
	char path[32];
	int r = 0;

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", obj);
	if (what & TRASH_META_OWNER &&
	    fchownat(obj, "", st->uid, st->gid, AT_EMPTY_PATH) < 0)
		return -errno;
	if (what & TRASH_META_XATTR) {
		bool absent = u->op.flags & RECORD_OP_ABSENT;

		r = absent ? xattr_remove(obj, u->op.blob)
			   : xattr_load(obj, u->op.blob, false /* exact */);
		if (r < 0)
			return r;
	}
	/* chown clears set-id bits, an ACL sets the mode: so after both. */
	if (what & (TRASH_META_MODE | TRASH_META_OWNER) && !S_ISLNK(st->mode) &&
	    chmod(path, st->mode & 07777) < 0)
		return -errno;
	if (what & TRASH_META_TIMES)
		r = copy_times(obj, st->atime_ns, st->mtime_ns);
	return r;
}

/* The name of the one attribute in the blob, for recording its present
 * value; owned, NULL if all are meant or there is none. */
static char *xattr_in(const struct record_op *op)
{
	struct wire_reader r = wire_reader_init(op->blob);
	struct str name = wire_get_str(&r);

	return r.error ? NULL : str_dup(name);
}

/* A change that failed, or was taken back. */
static bool is_as_before(const struct undoing *u, const struct record_stat *now)
{
	const struct record_stat *then = &u->op.st;
	uint64_t what = u->op.arg;

	if (what & TRASH_META_XATTR)
		return false;
	if (what & TRASH_META_MODE &&
	    (now->mode & 07777) != (then->mode & 07777))
		return false;
	if (what & TRASH_META_OWNER &&
	    (now->uid != then->uid || now->gid != then->gid))
		return false;
	return !(what & TRASH_META_TIMES) || now->mtime_ns == then->mtime_ns;
}

/* Times that the command gave a directory are not its oldest. */
static int note_own_times(struct undoing *u, struct str path,
			  const struct record_stat *now)
{
	struct dirtime *e;

	if (!(u->op.arg & TRASH_META_TIMES) || !S_ISDIR(now->mode))
		return 0;
	e = dirtimes_find(&u->times, path);
	if (e)
		e->st = u->op.st;
	return 0;
}

static int reverse_meta(struct undoing *u, struct str recorded)
{
	struct str path = buf_str(&u->path);
	_cleanup_free_ char *xattr = NULL;
	_cleanup_close_ int obj = -1;
	char name[NAME_MAX + 1];
	struct record_stat st;
	struct trash_at at;
	const char *why;
	int r;

	r = look(u, path, &st);
	if (r == -ENOENT)
		return conflict(u, "moved or removed since");
	if (r < 0)
		return r;
	if (!same_object(u, &st))
		return conflict(u, "another file has this name now");
	if (is_as_before(u, &st))
		return skipped(u, "it is as it was");
	why = changed_since(u, recorded, path, &st);
	if (why && !u->sel->force)
		return conflict(u, why);
	reverse_touch(u, &st);
	if (u->sel->dry_run)
		return REVERSE_DONE;
	r = note_own_times(u, path, &st);
	if (r < 0)
		return r;
	r = at_path(u, path, false /* make */, name, &at);
	if (r < 0)
		return r;
	obj = openat(at.dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (obj < 0)
		return -errno;
	xattr = u->op.arg & TRASH_META_XATTR ? xattr_in(&u->op) : NULL;
	r = trash_before_meta(u->t, u->group, &at, obj, (unsigned int)u->op.arg,
			      xattr);
	return r < 0 ? r : set_meta(u, obj);
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
