/* SPDX-License-Identifier: MIT */
/*
 * place.c - finding and filling places in the workspace
 */
#include "trash/place.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "trash/copy.h"
#include "trash/work.h"
#include "trash/xattr.h"

#define O_WALK (O_PATH | O_DIRECTORY | O_NOFOLLOW)

static int component(struct str part, char name[NAME_MAX + 1])
{
	if (!record_name_ok(part))
		return -EBADMSG;
	assert(part.p);
	memcpy(name, part.p, part.n);
	name[part.n] = '\0';
	return 0;
}

/* Opens a directory below the root, link-free. *reached: bytes of path that
 * exist when -ENOENT. */
static int walk(struct trash *t, struct str path, size_t *reached)
{
	_cleanup_close_ int fd = -1;
	struct str rest = path, part;

	*reached = 0;
	if (t->rel.len > 0 && path_beneath(path, buf_str(&t->rel)))
		return -EBUSY;
	fd = openat(t->root_fd, ".", O_WALK | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	while (path.n > 0 && str_split(&rest, '/', &part)) {
		char name[NAME_MAX + 1];
		int next, r;

		r = component(part, name);
		if (r < 0)
			return r;
		next = openat(fd, name, O_WALK | O_CLOEXEC);
		if (next < 0)
			return -errno;
		(void)close(fd);
		fd = next;
		*reached = (size_t)(part.p + part.n - path.p);
	}
	return TAKE_FD(fd);
}

static struct str split_last(struct str path, char name[NAME_MAX + 1], int *ret)
{
	ptrdiff_t slash = str_rindex(path, '/');

	*ret = component(str_skip(path, (size_t)(slash + 1)), name);
	return str_from_n(path.p, slash < 0 ? 0 : (size_t)slash);
}

int place_parent_of(struct trash *t, struct str path, char name[NAME_MAX + 1])
{
	struct str dir;
	size_t reached;
	int r;

	dir = split_last(path, name, &r);
	return r < 0 ? r : walk(t, dir, &reached);
}

int place_stat(struct trash *t, struct str path, struct record_stat *ret)
{
	_cleanup_close_ int fd = -1;
	char name[NAME_MAX + 1];

	fd = place_parent_of(t, path, name);
	return fd < 0 ? fd : store_stat(fd, name, ret);
}

void place_init(struct place *p, struct trash *t, uint32_t group)
{
	*p = (struct place){ .t = t, .group = group, .last_fd = -1 };
}

void place_reset(struct place *p)
{
	cleanup_close_p(&p->last_fd);
	p->last_fd = -1;
	p->has_last = false;
}

void place_done(struct place *p)
{
	place_reset(p);
	buf_done(&p->last_dir);
}

static int make_one(struct place *p, int up, struct str up_path,
		    struct str part)
{
	char name[NAME_MAX + 1];
	struct trash_at at = { .dirfd = up, .name = name, .dir = up_path };
	int r = component(part, name);

	if (r < 0)
		return r;
	if (!at.dir.p)
		at.dir = STR("");
	if (p->group)
		(void)trash_before_make(p->t, p->group, &at);
	r = reserve_mkdir(p->t, up, name, 0755);
	if (r < 0 && r != -EEXIST)
		return r;
	if (p->group)
		(void)trash_note_made(p->t, p->group, &at, TRASH_MADE_DIR);
	r = openat(up, name, O_WALK | O_CLOEXEC);
	return r < 0 ? -errno : r;
}

/* The directory `dir`, made as far as it is missing. */
static int walk_make(struct place *p, struct str dir)
{
	_cleanup_close_ int fd = -1;
	struct str rest, part;
	size_t reached;
	int r;

	r = walk(p->t, dir, &reached);
	if (r != -ENOENT)
		return r;
	fd = walk(p->t, str_from_n(dir.p, reached), &reached);
	if (fd < 0)
		return fd;
	rest = str_skip(dir, reached > 0 ? reached + 1 : 0);
	while (str_split(&rest, '/', &part)) {
		size_t up = part.p > dir.p ? (size_t)(part.p - dir.p) - 1 : 0;

		r = make_one(p, fd, str_from_n(dir.p, up), part);
		if (r < 0)
			return r;
		(void)close(fd);
		fd = r;
	}
	return TAKE_FD(fd);
}

int place_at(struct place *p, struct str path, bool make,
	     char name[NAME_MAX + 1], struct trash_at *ret)
{
	struct str dir;
	size_t reached;
	int r;

	dir = split_last(path, name, &r);
	if (r < 0)
		return r;
	if (!p->has_last || !str_eq(buf_str(&p->last_dir), dir)) {
		r = make ? walk_make(p, dir) : walk(p->t, dir, &reached);
		if (r < 0)
			return r;
		place_reset(p);
		p->last_fd = r;
		buf_reset(&p->last_dir);
		buf_put_str(&p->last_dir, dir);
		if (p->last_dir.error)
			return p->last_dir.error;
		p->has_last = true;
	}
	*ret = (struct trash_at){
		.dirfd = p->last_fd,
		.name = name,
		.dir = str_from(buf_cstr(&p->last_dir)),
	};
	/* A made-up record must not name the store itself. */
	if (p->t->rel.len > 0 && str_eq(path, buf_str(&p->t->rel)))
		return -EBUSY;
	return 0;
}

/* Records that the entry comes back to `at`. */
static int record_restore(struct place *p, const struct trash_at *at,
			  const struct index_item *item,
			  const struct record_stat *st, bool new_inode)
{
	struct record_op op = {
		.group = p->group,
		.verb = TRASH_VERB_RESTORE,
		.arg = item->seq,
		.st = *st,
		.name = str_from(at->name),
	};
	struct slotdir *slot = NULL;
	int r;

	if (!p->group || !at->dir.p)
		return 0;
	op.st.bytes = 0;
	if (new_inode) /* its number is not known yet */
		op.st.ino = 0;
	r = slot_get(p->t, p->group, at->dir, at->dirfd, false /* want_fd */,
		     &slot);
	if (r < 0)
		return r;
	op.dir = slot->id;
	r = work_record(p->t, &op, slot);
	slot_put(p->t, slot);
	return r;
}

static int copy_then_unlink(int dirfd, const char *name,
			    const struct record_stat *st,
			    const struct trash_at *at)
{
	_cleanup_close_ int fd = -1;
	enum trash_how how;
	int r;

	fd = openat(dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = copy_object(fd, st, at->dirfd, at->name, UINT64_MAX,
			true /* try_reflink */, &how);
	if (r == 0)
		(void)unlinkat(dirfd, name, 0);
	return r;
}

/* Old bytes up to where the payload starts, then the payload. */
static int build_whole(struct index *ix, const struct index_item *item,
		       const struct record_op *op, int tail,
		       const struct trash_at *at)
{
	_cleanup_close_ int content = content_open(ix, item, op), to = -1;
	enum trash_how how;
	int r;

	if (content < 0)
		return content;
	to = reserve_open(ix->t, at->dirfd, at->name,
			  O_RDWR | O_CREAT | O_EXCL);
	if (to < 0)
		return to;
	r = copy_content(content, to, 0, UINT64_MAX, true, &how);
	if (r == 0 && fchown(to, op->st.uid, op->st.gid) < 0 && errno != EPERM)
		r = -errno;
	if (r == 0)
		r = xattr_copy(tail, to);
	if (r == 0 && fchmod(to, op->st.mode & 07777) < 0)
		r = -errno;
	if (r == 0)
		r = copy_times(to, op->st.atime_ns, op->st.mtime_ns);
	return r;
}

static int build_from(struct index *ix, const struct index_item *item,
		      const struct record_op *op, int dirfd, const char *name,
		      const struct trash_at *at)
{
	_cleanup_close_ int tail = -1;

	tail = openat(dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	return tail < 0 ? -errno : build_whole(ix, item, op, tail, at);
}

static int move_payload(struct trash *t, int dirfd, const char *name,
			const struct record_stat *st, const struct trash_at *at)
{
	int r;

	do {
		r = renameat2(dirfd, name, at->dirfd, at->name,
			      RENAME_NOREPLACE) < 0
			    ? -errno
			    : 0;
	} while (reserve_use(t, r));
	if (r != -EXDEV && r != -EINVAL)
		return r;
	return copy_then_unlink(dirfd, name, st, at);
}

int place_payload(struct place *p, struct index *ix, struct index_item *item,
		  const struct record_op *op, const struct trash_at *at)
{
	char name[SLOT_NAME_MAX + 1];
	_cleanup_close_ int dirfd = -1;
	struct record_stat st;
	bool partial = op->flags & RECORD_OP_PARTIAL;
	int r;

	r = index_payload(ix, item, op, &dirfd, name);
	if (r == 0)
		r = store_stat(dirfd, name, &st);
	if (r < 0)
		return r == -ENOENT ? -ESTALE : r;
	if (faccessat(at->dirfd, at->name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return -EEXIST;
	r = record_restore(p, at, item, partial ? &op->st : &st, partial);
	if (r < 0)
		return r;
	TRASH_STEP("restore");
	r = partial ? build_from(ix, item, op, dirfd, name, at)
		    : move_payload(p->t, dirfd, name, &st, at);
	if (r < 0)
		return r;
	TRASH_STEP("restored");
	if (partial)
		(void)unlinkat(dirfd, name, 0);
	budget_give(p->t, op->st.bytes, 1);
	(void)pthread_mutex_lock(&p->t->lock);
	links_add(&p->t->links, st.dev, st.ino, -1);
	(void)pthread_mutex_unlock(&p->t->lock);
	return index_mark_gone(ix, item, op, item->seq);
}

int place_dir_attributes(int fd, const struct record_op *op)
{
	char path[32];
	int r;

	if (fchownat(fd, "", op->st.uid, op->st.gid, AT_EMPTY_PATH) < 0 &&
	    errno != EPERM)
		return -errno;
	/* fresh: a default ACL of the parent gave it one. */
	r = xattr_load(fd, op->blob, true /* fresh */);
	if (r < 0)
		return r;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return chmod(path, op->st.mode & 07777) < 0 ? -errno : 0;
}

int place_dir(struct place *p, struct index *ix, struct index_item *item,
	      const struct record_op *op, const struct trash_at *at)
{
	_cleanup_close_ int fd = -1;
	int r;

	r = record_restore(p, at, item, &op->st, true /* new_inode */);
	if (r < 0)
		return r;
	TRASH_STEP("restore-dir");
	r = reserve_mkdir(p->t, at->dirfd, at->name, 0700);
	if (r < 0)
		return r;
	fd = openat(at->dirfd, at->name, O_WALK | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	TRASH_STEP("restored-dir");
	r = place_dir_attributes(fd, op);
	if (r < 0)
		return r;
	return index_mark_gone(ix, item, op, item->seq);
}

int place_clear(struct place *p, const struct trash_at *at)
{
	struct record_stat st;
	int r = store_stat(at->dirfd, at->name, &st);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (!p->group || !at->dir.p)
		return -EEXIST;
	if (S_ISDIR(st.mode))
		return trash_rmdir(p->t, p->group, at, NULL);
	return trash_unlink(p->t, p->group, at, NULL);
}
