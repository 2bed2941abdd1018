/* SPDX-License-Identifier: MIT */
/*
 * recover.c - journals whose writer died
 *
 * At each point where a writer can be killed, one of these holds, and this puts
 * it right before anybody relies on the store:
 *
 *   a torn record at the end         its action never began: skipped over
 *   record, original in place        the action did not happen: taken back
 *   record, payload there            done
 *   rename: payload linked, target   the link is removed, the record taken
 *	still the old file		back
 *   rename by exchange: target under finished: moved from the source's name
 *	the source's name		to the payload directory
 *   a copy ('^') without record      removed if the file is as it was then,
 *	else recorded as an earlier version of it
 *   an inode ('~') without record    recorded again, from the origin that the
 *	(power cut lost the journal)	payload directory carries
 *   a thing being made, no record    recorded, if it was born then (making.h)
 *
 * Runs under the maintenance lock; a second run finds nothing to do.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "base/clock.h"
#include "base/fd.h"
#include "trash/index.h"
#include "trash/making.h"
#include "trash/mend.h"
#include "trash/place.h"
#include "trash/summary.h"

struct recovery {
	struct trash *t;
	struct index *ix;
	struct index_writer *w;
	int jfd; /* its journal, locked by us */
	uint64_t end;
	uint32_t orphan_group;
};

static int append(struct recovery *rc, struct buf *b)
{
	if (b->error)
		return b->error;
	for (size_t done = 0; done < b->len;) {
		ssize_t n = pwrite(rc->jfd, b->data + done, b->len - done,
				   (off_t)(rc->end + done));

		if (n <= 0) {
			int r = n < 0 ? -errno : -ENOSPC;

			if (reserve_use(rc->t, r))
				continue;
			return r;
		}
		done += (size_t)n;
	}
	rc->end += b->len;
	return 0;
}

static int append_abort(struct recovery *rc, struct index_item *item)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	item->flags |= INDEX_ABORTED;
	record_put_ref(&b, RECORD_ABORT,
		       &(struct record_ref){ .seq = item->seq });
	return append(rc, &b);
}

static int skip_torn(struct recovery *rc)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct stat st;
	uint64_t torn;

	rc->end = rc->w->valid;
	if (fstat(rc->jfd, &st) < 0)
		return -errno;
	torn = (uint64_t)st.st_size - MIN(rc->end, (uint64_t)st.st_size);
	if (torn == 0)
		return 0;
	if (torn <= RECORD_MAX + RECORD_FRAME && torn > RECORD_FRAME) {
		record_put_skip(&b, torn);
		return append(rc, &b);
	}
	if (torn <= RECORD_FRAME) {
		record_put_skip(&b, RECORD_FRAME + 1);
		return append(rc, &b);
	}
	/* Larger than any record: no write of ours. Cut it off. */
	return ftruncate(rc->jfd, (off_t)rc->end) < 0 ? -errno : 0;
}

/* Attributes of the object that now has the record's (first/second) name. */
static int stat_name(struct recovery *rc, uint32_t writer, uint32_t dir,
		     struct str name, struct record_stat *ret)
{
	_cleanup_buf_ struct buf path = BUF_INIT;
	int r = index_path(rc->ix, writer, dir, name, &path);

	return r < 0 ? r : place_stat(rc->t, buf_str(&path), ret);
}

static int payload_stat(struct recovery *rc, const struct index_item *item,
			const struct record_op *op, int *ret_dirfd,
			char name[SLOT_NAME_MAX + 1], struct record_stat *ret)
{
	int r = index_payload(rc->ix, item, op, ret_dirfd, name);

	return r < 0 ? r : store_stat(*ret_dirfd, name, ret);
}

/* The exchange was done, the move off the source's name was not. */
static int finish_exchange(struct recovery *rc, const struct index_item *item,
			   const struct record_op *op)
{
	_cleanup_buf_ struct buf path = BUF_INIT;
	_cleanup_close_ int from = -1, dirfd = -1;
	char slot[SLOT_NAME_MAX + 1], name[NAME_MAX + 1];
	struct record_stat at_source;
	int r;

	r = stat_name(rc, item->writer, op->dir, op->name, &at_source);
	if (r < 0 || !record_same_object(&at_source, &op->st))
		return -ENOENT;
	r = index_path(rc->ix, item->writer, op->dir, op->name, &path);
	if (r < 0)
		return r;
	from = place_parent_of(rc->t, buf_str(&path), name);
	if (from < 0)
		return from;
	r = index_payload(rc->ix, item, op, &dirfd, slot);
	if (r < 0)
		return r;
	return renameat2(from, name, dirfd, slot, RENAME_NOREPLACE) < 0 ? -errno
									: 0;
}

/* Not kept: it did not happen, or (older) it was restored or purged. */
static int missing(struct recovery *rc, struct index_item *item,
		   const struct record_op *op, bool recent)
{
	if (recent)
		return append_abort(rc, item);
	return index_mark_gone(rc->ix, item, op, 0);
}

static int check_moved(struct recovery *rc, struct index_item *item,
		       const struct record_op *op, bool recent)
{
	bool renamed = op->verb == TRASH_VERB_RENAME;
	struct record_stat kept, there;
	_cleanup_close_ int dirfd = -1;
	char name[SLOT_NAME_MAX + 1];
	bool same;
	int r;

	r = payload_stat(rc, item, op, &dirfd, name, &kept);
	if (r == -ENOENT) {
		if (renamed && finish_exchange(rc, item, op) == 0)
			return 0;
		return missing(rc, item, op, recent);
	}
	if (r < 0)
		return r;
	r = stat_name(rc, item->writer, renamed ? op->dir2 : op->dir,
		      renamed ? op->name2 : op->name, &there);
	same = r == 0 && record_same_object(&kept, &there);
	/* The swap did not happen: the payload is the empty successor. */
	if (op->how == TRASH_HOW_SWAPPED && !record_same_object(&kept, &op->st))
		same = true;
	if (!same)
		return 0;
	if (unlinkat(dirfd, name, 0) < 0 && errno != ENOENT)
		return -errno;
	return append_abort(rc, item);
}

static int check_copied(struct recovery *rc, struct index_item *item,
			const struct record_op *op, bool recent)
{
	struct record_stat kept, there;
	_cleanup_close_ int dirfd = -1;
	char name[SLOT_NAME_MAX + 1];
	int r;

	r = payload_stat(rc, item, op, &dirfd, name, &kept);
	if (r == -ENOENT)
		return missing(rc, item, op, recent);
	if (r < 0 || op->verb != TRASH_VERB_UNLINK)
		return r;
	/* Copied for an unlink that did not come. */
	r = stat_name(rc, item->writer, op->dir, op->name, &there);
	if (r < 0 || !record_same_object(&there, &op->st))
		return 0;
	(void)unlinkat(dirfd, name, 0);
	return append_abort(rc, item);
}

static int check_rmdir(struct recovery *rc, struct index_item *item,
		       const struct record_op *op)
{
	struct record_stat there;
	int r = stat_name(rc, item->writer, op->dir, op->name, &there);

	if (r == 0 && record_same_object(&there, &op->st))
		return append_abort(rc, item);
	return 0;
}

/* A rename without a kept target: did it happen? */
static int check_renamed(struct recovery *rc, struct index_item *item,
			 const struct record_op *op)
{
	struct record_stat there;

	if (stat_name(rc, item->writer, op->dir, op->name, &there) == 0 &&
	    there.ino == op->arg)
		return append_abort(rc, item);
	return 0;
}

/* The last operation of a name decides; so newest first, and only while the
 * record can still be in doubt: the ones before it completed. */
static int check_op(struct recovery *rc, struct index_item *item, bool recent)
{
	struct record_op op;

	if (item->flags & (INDEX_ABORTED | INDEX_GONE) ||
	    index_op(rc->ix, item, &op) < 0)
		return 0;
	if (op.how == TRASH_HOW_MOVED || op.how == TRASH_HOW_SWAPPED)
		return check_moved(rc, item, &op, recent);
	if (op.how == TRASH_HOW_COPY || op.how == TRASH_HOW_REFLINK)
		return check_copied(rc, item, &op, recent);
	if (!recent)
		return 0;
	if (op.verb == TRASH_VERB_RMDIR)
		return check_rmdir(rc, item, &op);
	if (op.verb == TRASH_VERB_RENAME && op.how == TRASH_HOW_NOTHING)
		return check_renamed(rc, item, &op);
	return 0;
}

static int read_origin(int fd, struct buf *out)
{
	char *p = buf_reserve(out, PATH_MAX);
	ssize_t n;

	if (!p)
		return out->error;
	n = fgetxattr(fd, "user.agentsh.path", p, PATH_MAX);
	if (n < 0)
		return fd_read_file(fd, ".path", PATH_MAX, out);
	out->len += (size_t)n;
	out->data[out->len] = '\0';
	return 0;
}

/* The group of what no record names. */
static uint32_t orphans(struct recovery *rc, struct buf *b, int64_t when_ns)
{
	if (rc->orphan_group == 0) {
		rc->orphan_group =
			rc->w->groups_before + (uint32_t)rc->w->groups.n + 1;
		record_put_group(b, &(struct record_group){
					    .id = rc->orphan_group,
					    .seq = store_tick(rc->t),
					    .when_ns = when_ns,
					    .command = STR("recovered"),
				    });
	}
	return rc->orphan_group;
}

/* Path of a payload directory: on record, or what it carries. */
static int origin_of(struct recovery *rc, int dirfd, uint32_t id,
		     struct buf *out, bool *ret_recorded)
{
	const struct record_dir *d =
		index_dir(rc->ix, (uint32_t)(rc->w - rc->ix->writers.data), id);
	int r;

	*ret_recorded = d != NULL;
	if (d) {
		buf_put_str(out, d->path);
		return out->error;
	}
	r = read_origin(dirfd, out);
	if (r < 0)
		return r;
	return record_path_ok(buf_str(out)) ? 0 : -EBADMSG;
}

/* The file that a copy was made of. */
static int copied_path(struct str dir, struct str name, struct buf *out)
{
	buf_put_str(out, dir);
	if (dir.n > 0)
		buf_putc(out, '/');
	buf_put_str(out, name);
	return out->error;
}

/*
 * From `from` on. Where that is not known, a part that was not copied is a hole
 * at the beginning of a. Any doubt is a difference.
 */
static bool same_content(int a, int b, uint64_t from)
{
	off_t data = lseek(a, (off_t)from, SEEK_DATA);
	off_t at = MAX(data, (off_t)from);
	char x[4096], y[4096];
	ssize_t n;

	while ((n = pread(a, x, sizeof(x), at)) > 0) {
		if (pread(b, y, (size_t)n, at) != n ||
		    memcmp(x, y, (size_t)n) != 0)
			return false;
		at += n;
	}
	return n == 0 && pread(b, y, 1, at) == 0;
}

/* Where the kept part of a copy begins, see keep_content.c. */
static uint64_t copied_from(int dirfd, const char *file)
{
	_cleanup_close_ int fd =
		openat(dirfd, file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	uint64_t from = 0;

	if (fd < 0 || fgetxattr(fd, SLOT_FROM_XATTR, &from, sizeof(from)) !=
			      (ssize_t)sizeof(from))
		return 0;
	return from;
}

/*
 * Nothing was done to the file after it was copied. Its times alone do not tell:
 * those of two changes within one tick of the kernel's clock are equal.
 */
static bool is_as_copied(struct recovery *rc, struct str path, int dirfd,
			 const char *file, const struct record_stat *was,
			 const struct record_stat *now)
{
	_cleanup_close_ int parent = -1, kept = -1, fd = -1;
	char name[NAME_MAX + 1];

	if (now->size != was->size || now->mtime_ns != was->mtime_ns)
		return false;
	parent = place_parent_of(rc->t, path, name);
	if (parent < 0)
		return false;
	fd = openat(parent, name,
		    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	kept = openat(dirfd, file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	return fd >= 0 && kept >= 0 &&
	       same_content(kept, fd, copied_from(dirfd, file));
}

/* Return: false when it is not needed and was removed. */
static bool adopt_copy(struct recovery *rc, struct str dir, int dirfd,
		       const char *file, struct record_op *op)
{
	_cleanup_buf_ struct buf path = BUF_INIT;
	struct record_stat now = { 0 };

	if (copied_path(dir, op->name, &path) < 0 ||
	    place_stat(rc->t, buf_str(&path), &now) < 0)
		now = (struct record_stat){ 0 }; /* it is gone */
	if (op->st.size == 0 ||
	    is_as_copied(rc, buf_str(&path), dirfd, file, &op->st, &now)) {
		(void)unlinkat(dirfd, file, 0);
		return false;
	}
	op->st.dev = now.dev;
	op->st.ino = now.ino;
	op->st.btime_ns = now.btime_ns;
	op->arg = copied_from(dirfd, file);
	op->flags |= op->arg ? RECORD_OP_PARTIAL : 0;
	return true;
}

/* An inode or a copy in a payload directory that no record names. */
static int adopt_orphan(struct recovery *rc, int dirfd, uint32_t dir_id,
			const char *file, uint64_t seq)
{
	_cleanup_buf_ struct buf b = BUF_INIT, origin = BUF_INIT;
	bool copy = file[16] == '^', recorded;
	struct record_op op = {
		.seq = seq,
		.when_ns = clock_realtime_ns(),
		.verb = copy ? TRASH_VERB_WRITE : TRASH_VERB_UNLINK,
		.how = copy ? TRASH_HOW_COPY : TRASH_HOW_MOVED,
		.dir = dir_id,
		.flags = RECORD_OP_RECOVERED,
		.name = str_from(file + 17),
	};

	if (!record_name_ok(op.name) || op.name.n >= 200)
		return 0; /* cut short: stays for a person to look at */
	if (store_stat(dirfd, file, &op.st) < 0 ||
	    origin_of(rc, dirfd, dir_id, &origin, &recorded) < 0)
		return 0;
	if (copy && !adopt_copy(rc, buf_str(&origin), dirfd, file, &op))
		return 0;
	if (!recorded)
		record_put_dir(
			&b, &(struct record_dir){ .id = dir_id,
						  .path = buf_str(&origin) });
	op.group = orphans(rc, &b, op.when_ns);
	record_put_op(&b, &op);
	return append(rc, &b);
}

static int check_payload_dir(struct recovery *rc, const char *name)
{
	_cleanup_closedir_ DIR *d = NULL;
	uint32_t id = (uint32_t)store_hex(name);
	struct dirent *e;
	int r;

	r = fd_opendir(rc->w->fd, name, &d);
	if (r < 0)
		return r;
	while (r == 0 && (e = readdir(d))) {
		uint64_t seq;

		if (strlen(e->d_name) < 17 ||
		    (e->d_name[16] != '~' && e->d_name[16] != '^'))
			continue;
		seq = store_hex(e->d_name);
		if (seq == 0 || index_find_seq(rc->ix, seq) >= 0)
			continue;
		r = adopt_orphan(rc, dirfd(d), id, e->d_name, seq);
	}
	return r;
}

static int check_payload_dirs(struct recovery *rc)
{
	_cleanup_closedir_ DIR *d = NULL;
	struct dirent *e;
	int r;

	r = fd_opendir(rc->w->fd, ".", &d);
	if (r < 0)
		return r;
	while (r == 0 && (e = readdir(d)))
		if (strlen(e->d_name) == 8 &&
		    strspn(e->d_name, "0123456789abcdef") == 8)
			r = check_payload_dir(rc, e->d_name);
	return r;
}

/* A record after the making began names it. */
static bool made_on_record(struct recovery *rc, const struct making_place *p)
{
	for (size_t i = rc->ix->items.n; i-- > 0;) {
		const struct index_item *item = &rc->ix->items.data[i];
		const struct record_dir *a, *b;
		struct record_op op;

		if (item->seq <= p->seq)
			return false;
		if (index_op(rc->ix, item, &op) < 0)
			continue;
		a = index_dir(rc->ix, item->writer, op.dir);
		b = index_dir(rc->ix, item->writer, p->dir);
		if (a && b && str_eq(a->path, b->path) &&
		    str_eq(op.name, str_from_n(p->name, p->len)))
			return true;
	}
	return false;
}

/* Made by a writer that was killed before it could say so. */
static int adopt_made(struct recovery *rc, const struct making_place *p)
{
	_cleanup_buf_ struct buf path = BUF_INIT, b = BUF_INIT;
	uint32_t writer = (uint32_t)(rc->w - rc->ix->writers.data);
	struct record_op op = {
		.when_ns = p->when_ns,
		.group = p->group,
		.dir = p->dir,
		.flags = RECORD_OP_RECOVERED,
		.name = str_from_n(p->name, MIN(p->len, (uint16_t)NAME_MAX)),
	};
	_cleanup_close_ int parent = -1;
	char name[NAME_MAX + 1];
	enum trash_verb verb;

	if (p->group == 0 || !record_name_ok(op.name) ||
	    !index_group(rc->ix, writer, p->group) || made_on_record(rc, p) ||
	    index_path(rc->ix, writer, p->dir, op.name, &path) < 0)
		return 0;
	parent = place_parent_of(rc->t, buf_str(&path), name);
	if (parent < 0 || !making_fits(p, parent, name, &op.st, &verb))
		return 0;
	op.verb = (uint8_t)verb;
	op.st.bytes = 0;
	op.seq = store_tick(rc->t);
	record_put_op(&b, &op);
	return append(rc, &b);
}

static int check_making(struct recovery *rc)
{
	struct making m;
	int r = making_load(rc->w->fd, &m);

	if (r < 0)
		return 0; /* nothing was being made, or nobody can tell */
	for (size_t i = 0; r == 0 && i < MAKING_PLACES; i++)
		r = adopt_made(rc, &m.place[i]);
	return r;
}

#define IN_DOUBT 256 /* records: more than operations can be under way */

static int recover_locked(struct recovery *rc)
{
	size_t n = rc->ix->items.n;
	int fd, r;

	r = skip_torn(rc);
	for (size_t i = n; r == 0 && i-- > 0;)
		r = check_op(rc, &rc->ix->items.data[i], n - i <= IN_DOUBT);
	if (r == 0)
		r = check_payload_dirs(rc);
	if (r == 0)
		r = check_making(rc);
	if (r < 0)
		return r;
	fd = openat(rc->w->fd, "closed", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	(void)close(fd);
	making_remove(rc->w->fd);
	return 0;
}

/* Its journal, unless it lives after all. */
static int mend_writer(struct trash *t, uint64_t id)
{
	_cleanup_close_ int wfd = -1, jfd = -1;
	char name[32];

	(void)snprintf(name, sizeof(name), STORE_WRITER_PREFIX "%016llx",
		       (unsigned long long)id);
	wfd = openat(t->base_fd, name,
		     O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	jfd = wfd < 0 ? -1
		      : openat(wfd, "journal", O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (jfd < 0)
		return errno == ENOENT ? 0 : -errno;
	return store_own_journal(jfd) < 0 ? 0 : mend_journal(t, wfd);
}

static int recover_writer(struct trash *t, uint64_t id)
{
	_cleanup_index_ struct index ix = { 0 };
	struct recovery rc = { .t = t, .ix = &ix };
	_cleanup_close_ int jfd = -1;
	uint64_t last;
	int r;

	r = mend_writer(t, id);
	if (r == 0)
		r = index_load(t, id, &ix);
	if (r < 0 || ix.writers.n != 1)
		return r;
	rc.w = &ix.writers.data[0];
	jfd = openat(rc.w->fd, "journal", O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (jfd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (store_own_journal(jfd) < 0)
		return 0; /* it lives after all */
	rc.jfd = jfd;
	/* The clock may have been lost with the page it is on. */
	last = ix.items.n > 0 ? ix.items.data[ix.items.n - 1].seq : 0;
	while (__atomic_load_n(&t->state->clock, __ATOMIC_RELAXED) < last)
		__atomic_store_n(&t->state->clock, last, __ATOMIC_RELAXED);
	return recover_locked(&rc);
}

static bool needs_recovery(struct trash *t, const char *name, uint64_t *ret_id)
{
	_cleanup_close_ int fd = -1;
	char path[64];

	if (strncmp(name, STORE_WRITER_PREFIX, 2) != 0 || strlen(name) != 18)
		return false;
	*ret_id = store_hex(name + 2);
	(void)snprintf(path, sizeof(path), "%s/closed", name);
	if (faccessat(t->base_fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return false;
	(void)snprintf(path, sizeof(path), "%s/journal", name);
	fd = openat(t->base_fd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	return fd >= 0 && !store_journal_live(fd);
}

int recover_all(struct trash *t)
{
	_cleanup_closedir_ DIR *d = NULL;
	_cleanup_close_ int lock = -1;
	struct dirent *e;
	int r;

	r = fd_opendir(t->base_fd, ".", &d);
	if (r < 0)
		return r;
	while (r == 0 && (e = readdir(d))) {
		uint64_t id;

		if (!needs_recovery(t, e->d_name, &id))
			continue;
		if (lock < 0) {
			lock = store_lock(t);
			if (lock < 0)
				return lock;
		}
		r = recover_writer(t, id);
		if (r == 0)
			r = summary_rebuild(t, id);
	}
	return r;
}
