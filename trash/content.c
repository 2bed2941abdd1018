/* SPDX-License-Identifier: MIT */
/*
 * content.c - reading a kept version
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "trash/copy.h"
#include "trash/legacy.h"
#include "trash/place.h"

static int open_payload(struct index *ix, const struct index_item *item,
			const struct record_op *op)
{
	char name[SLOT_NAME_MAX + 1];
	_cleanup_close_ int dirfd = -1, fd = -1;
	int r;

	r = index_payload(ix, item, op, &dirfd, name);
	if (r < 0)
		return r == -ENOENT ? -ESTALE : r;
	fd = openat(dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ESTALE : -errno;
	return copy_open(fd);
}

/* The file that the record is about, if it still is that file. */
static int open_present(struct index *ix, const struct index_item *item,
			const struct record_op *op)
{
	_cleanup_buf_ struct buf path = BUF_INIT;
	_cleanup_close_ int dirfd = -1, fd = -1;
	char name[NAME_MAX + 1];
	struct record_stat st;
	int r;

	r = index_path(ix, item->writer, op->dir, op->name, &path);
	if (r < 0)
		return r;
	dirfd = place_parent_of(ix->t, buf_str(&path), name);
	if (dirfd < 0)
		return dirfd;
	fd = openat(dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = store_stat(fd, "", &st);
	if (r < 0)
		return r;
	if (!record_same_object(&st, &op->st))
		return -ESTALE;
	return copy_open(fd);
}

/* The same file in the quarantine, where a later removal moved it. */
static int open_later(struct index *ix, const struct index_item *item,
		      const struct record_op *op)
{
	for (size_t i = index_after(ix, item->seq); i < ix->items.n; i++) {
		const struct index_item *later = &ix->items.data[i];
		struct record_op l;

		if (!(later->flags & (INDEX_ABORTED | INDEX_GONE)) &&
		    index_op(ix, later, &l) == 0 && l.how == TRASH_HOW_MOVED &&
		    record_same_object(&l.st, &op->st))
			return open_payload(ix, later, &l);
	}
	return -ESTALE;
}

static int open_base(struct index *ix, const struct index_item *item,
		     const struct record_op *op)
{
	int r = open_present(ix, item, op);

	return r == -ENOENT || r == -ENOTDIR || r == -ELOOP || r == -ESTALE
		       ? open_later(ix, item, op)
		       : r;
}

static int copy_range(int from, int to, off_t start, off_t end)
{
	char chunk[8192];

	while (start < end) {
		size_t want = (size_t)MIN((off_t)sizeof(chunk), end - start);
		ssize_t n = pread(from, chunk, want, start);

		if (n <= 0)
			return n < 0 ? -errno : -ESTALE;
		if (pwrite(to, chunk, (size_t)n, start) != n)
			return -ENOSPC;
		start += n;
	}
	return 0;
}

/* Content in parts: the first `arg` bytes are in the file itself. */
static int open_joined(struct index *ix, const struct index_item *item,
		       const struct record_op *op)
{
	bool partial = op->flags & RECORD_OP_PARTIAL;
	_cleanup_close_ int present = -1, fd = -1, tail = -1;
	int r;

	if (op->arg > 0) {
		present = open_base(ix, item, op);
		if (present < 0)
			return present;
	}
	if (partial) {
		tail = open_payload(ix, item, op);
		if (tail < 0)
			return tail;
	}
	fd = memfd_create("version", MFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = copy_range(present, fd, 0, (off_t)op->arg);
	if (r == 0 && partial)
		r = copy_range(tail, fd, (off_t)op->arg, (off_t)op->st.size);
	if (r == 0 && ftruncate(fd, (off_t)op->st.size) < 0)
		r = -errno;
	return r < 0 ? r : TAKE_FD(fd);
}

int content_open(struct index *ix, const struct index_item *item,
		 const struct record_op *op)
{
	if (S_ISDIR(op->st.mode))
		return -EISDIR;
	if (S_ISLNK(op->st.mode))
		return -ELOOP;
	if (!S_ISREG(op->st.mode))
		return -ENXIO;
	if (op->verb == TRASH_VERB_APPEND || op->flags & RECORD_OP_PARTIAL)
		return open_joined(ix, item, op);
	return open_payload(ix, item, op);
}

static int open_legacy(struct trash *t, struct trash_token token, int *ret_fd,
		       struct trash_entry *ret)
{
	_cleanup_arena_ struct arena a = ARENA_INIT(4U << 20);
	_cleanup_close_ int dirfd = -1, fd = -1;
	char name[TRASH_TOKEN_LEN + 1];
	struct legacy_entry e;
	int r;

	r = legacy_find(t, token, &a, &e);
	if (r == 0)
		r = legacy_payload(t, token, &dirfd, name);
	if (r < 0)
		return r;
	fd = openat(dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ESTALE : -errno;
	r = copy_open(fd);
	if (r < 0)
		return r == -EINVAL ? -EISDIR : r;
	*ret_fd = r;
	if (ret)
		*ret = (struct trash_entry){
			.token = token,
			.verb = TRASH_VERB_UNLINK,
			.how = TRASH_HOW_MOVED,
			.when_ns = e.created_ns,
			.mode = e.mode,
			.size = e.size,
			.kept = true,
			.legacy = true,
		};
	return 0;
}

int trash_open_content(struct trash *t, struct trash_token token, int *ret_fd,
		       struct trash_entry *ret)
{
	_cleanup_index_ struct index ix = { 0 };
	struct record_op op;
	ptrdiff_t at;
	int r;

	if (token_is_legacy(token))
		return open_legacy(t, token, ret_fd, ret);
	r = index_load(t, token.lo, &ix);
	if (r < 0)
		return r;
	at = index_find_seq(&ix, token_seq(token));
	if (at < 0)
		return -ENOENT;
	r = index_op(&ix, &ix.items.data[at], &op);
	if (r < 0)
		return r;
	r = content_open(&ix, &ix.items.data[at], &op);
	if (r < 0)
		return r;
	*ret_fd = r;
	if (ret)
		*ret = (struct trash_entry){
			.token = token,
			.verb = (enum trash_verb)op.verb,
			.how = (enum trash_how)op.how,
			.when_ns = op.when_ns,
			.mode = op.st.mode,
			.uid = op.st.uid,
			.gid = op.st.gid,
			.size = op.st.size,
			.mtime_ns = op.st.mtime_ns,
			.kept = true,
			.seq = op.seq,
		};
	return 0;
}
