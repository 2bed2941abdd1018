/* SPDX-License-Identifier: MIT */
/*
 * restore.c - bring kept things back
 *
 * A token leads to one entry, or to several: a removed directory with what the
 * same command removed below it, or a whole group. Several are brought back
 * newest first, so that a directory is there before what was in it (it was
 * removed after). Times of directories are set at the end: filling them changes
 * them.
 */
#include "trash/restore.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/progress.h"
#include "trash/copy.h"
#include "trash/legacy.h"
#include "trash/place.h"
#include "trash/xattr.h"

struct dir_times {
	char *path; /* owned; below the root, or absolute */
	int64_t atime_ns, mtime_ns;
};

struct restoring {
	struct trash *t;
	const struct restore_options *o;
	restore_fn *fn;
	void *arg;
	struct restore_result *ret;
	struct place place;
	struct index ix;
	struct str top;  /* path of the tree or entry that dest replaces */
	struct buf dest; /* where `top` goes: below the root, or absolute */
	bool outside;    /* dest is not in the workspace */
	VEC(struct dir_times) times;
};

/* --- where things go --- */

/* dest below the root when it lies in the workspace, else absolute. */
static int set_dest(struct restoring *rs, struct str path)
{
	_cleanup_buf_ struct buf full = BUF_INIT;
	_cleanup_free_ char *cwd = NULL;
	struct str root = trash_root_path(rs->t), s;
	int r;

	if (path.p[0] == '/') {
		r = path_clean(path, &full);
	} else {
		cwd = getcwd(NULL, 0);
		if (!cwd)
			return -errno;
		r = path_join(str_from(cwd), path, &full);
	}
	if (r < 0)
		return r;
	s = buf_str(&full);
	rs->outside = !path_beneath(s, root) || s.n == root.n;
	if (!rs->outside)
		s = str_skip(s, root.n + (root.n > 1 ? 1 : 0));
	buf_put_str(&rs->dest, s);
	return rs->dest.error;
}

static int choose_dest(struct restoring *rs, struct str top)
{
	ptrdiff_t slash;

	rs->top = top;
	if (rs->o->dest.n > 0)
		return set_dest(rs, rs->o->dest);
	slash = str_rindex(top, '/');
	if (rs->o->as_name.n > 0) {
		if (!record_name_ok(rs->o->as_name))
			return -EINVAL;
		buf_put_str(&rs->dest, str_from_n(top.p, (size_t)(slash + 1)));
		buf_put_str(&rs->dest, rs->o->as_name);
	} else {
		buf_put_str(&rs->dest, top);
	}
	return rs->dest.error;
}

/* Where a path on record goes now. */
static int target_of(struct restoring *rs, struct str path, struct buf *out)
{
	if (rs->top.n == 0 && rs->dest.len > 0) {
		buf_printf(out, "%s/" STR_FMT, buf_cstr(&rs->dest),
			   STR_ARG(path));
	} else if (path_beneath(path, rs->top)) {
		buf_put_str(out, buf_str(&rs->dest));
		buf_put_str(out, str_skip(path, rs->top.n));
	} else {
		buf_put_str(out, path);
	}
	return out->error;
}

/* Parent of a destination outside the workspace: the operator named it. */
static int outside_at(struct restoring *rs, struct str path,
		      char name[NAME_MAX + 1], struct trash_at *ret)
{
	_cleanup_free_ char *dir = NULL;
	ptrdiff_t slash = str_rindex(path, '/');
	struct str last = str_skip(path, (size_t)(slash + 1));
	int r;

	if (!record_name_ok(last))
		return -EINVAL;
	memcpy(name, last.p, last.n);
	name[last.n] = '\0';
	dir = str_dup(slash > 0 ? str_from_n(path.p, (size_t)slash) : STR("/"));
	if (!dir)
		return -ENOMEM;
	r = rs->o->dry_run ? 0 : fd_mkdirs(dir, 0755);
	if (r < 0)
		return r;
	place_reset(&rs->place);
	rs->place.last_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (rs->place.last_fd < 0)
		return -errno;
	*ret = (struct trash_at){ .dirfd = rs->place.last_fd, .name = name };
	return 0;
}

static int target_at(struct restoring *rs, struct str path,
		     char name[NAME_MAX + 1], struct trash_at *ret)
{
	if (rs->outside && path.n > 0 && path.p[0] == '/')
		return outside_at(rs, path, name, ret);
	return place_at(&rs->place, path, !rs->o->dry_run, name, ret);
}

/* --- reporting --- */

static void absolute(struct restoring *rs, struct str path, struct buf *out)
{
	if (!rs->outside || path.n == 0 || path.p[0] != '/') {
		buf_put_str(out, trash_root_path(rs->t));
		if (path.n > 0 && out->len > 1)
			buf_putc(out, '/');
	}
	buf_put_str(out, path);
}

static int report(struct restoring *rs, struct trash_token token,
		  struct str path, int error, struct str expected,
		  struct str computed)
{
	_cleanup_buf_ struct buf full = BUF_INIT;
	struct restore_item item = {
		.token = token,
		.expected = expected,
		.computed = computed,
	};

	switch (error) {
	case 0:
		item.status = RESTORE_DONE;
		rs->ret->done++;
		break;
	case -EEXIST:
	case -ENOTEMPTY:
		item.status = RESTORE_CONFLICT;
		rs->ret->conflicts++;
		break;
	case -ESTALE:
		item.status = RESTORE_GONE;
		rs->ret->failed++;
		break;
	case -EBADMSG:
		item.status = expected.n ? RESTORE_HASH_MISMATCH
					 : RESTORE_FAILED;
		item.error = error;
		rs->ret->failed++;
		break;
	default:
		item.status = RESTORE_FAILED;
		item.error = error;
		rs->ret->failed++;
	}
	absolute(rs, path, &full);
	item.path = buf_str(&full);
	return rs->fn ? rs->fn(rs->arg, &item) : 0;
}

/* --- one entry --- */

/* True if the hash on record is that of the payload, or there is none. */
static bool hash_holds(int dirfd, const char *name, struct str expected,
		       struct buf *computed)
{
	_cleanup_close_ int fd = -1, data = -1;
	uint8_t hash[SHA256_LEN];

	fd = openat(dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	data = fd < 0 ? -1 : copy_open(fd);
	if (data < 0 || digest_sha256_fd(data, hash) < 0)
		return true; /* nothing to compare with */
	hex_encode(computed, hash, sizeof(hash));
	return str_eq_icase(buf_str(computed), expected);
}

static int check_hash(struct restoring *rs, const struct index_item *item,
		      const struct record_op *op, struct buf *expected,
		      struct buf *computed)
{
	char name[SLOT_NAME_MAX + 1];
	_cleanup_close_ int dirfd = -1;
	uint8_t hash[RECORD_HASH];

	if (!op_has_payload(op) || !index_hash(&rs->ix, item->seq, hash))
		return 0;
	hex_encode(expected, hash, sizeof(hash));
	if (index_payload(&rs->ix, item, op, &dirfd, name) < 0)
		return 0;
	if (hash_holds(dirfd, name, buf_str(expected), computed))
		return 0;
	return rs->o->force ? 0 : -EBADMSG;
}

static int note_times(struct restoring *rs, struct str path,
		      const struct index_item *item, const struct record_op *op,
		      struct str recorded)
{
	const struct record_stat *first = index_first_touch(
		&rs->ix, item->writer, op->group, recorded, &op->st);
	struct dir_times dt = {
		.path = str_dup(path),
		.atime_ns = first ? first->atime_ns : op->st.atime_ns,
		.mtime_ns = first ? first->mtime_ns : op->st.mtime_ns,
	};
	int r = dt.path ? vec_push(&rs->times, dt) : -ENOMEM;

	if (r < 0)
		free(dt.path);
	return r;
}

static int restore_dir(struct restoring *rs, struct index_item *item,
		       const struct record_op *op, const struct trash_at *at,
		       struct str path, struct str recorded)
{
	struct record_stat st;
	int r;

	/* There already (an earlier restore, or made anew): filled up. */
	r = store_stat(at->dirfd, at->name, &st);
	if (r == 0 && S_ISDIR(st.mode))
		return index_mark_gone(&rs->ix, item, op, item->seq);
	if (r == 0 && !rs->o->force)
		return -EEXIST;
	if (r == 0) {
		r = place_clear(&rs->place, at);
		if (r < 0)
			return r;
	}
	r = place_dir(&rs->place, &rs->ix, item, op, at);
	return r < 0 ? r : note_times(rs, path, item, op, recorded);
}

static int restore_at(struct restoring *rs, struct index_item *item,
		      const struct record_op *op, struct str path,
		      struct str recorded)
{
	char name[NAME_MAX + 1];
	struct trash_at at;
	struct record_stat st;
	int r;

	r = target_at(rs, path, name, &at);
	if (rs->o->dry_run) {
		if (r == -ENOENT)
			return 0; /* the parent will be made */
		if (r < 0)
			return r;
		r = store_stat(at.dirfd, at.name, &st);
		if (r < 0)
			return r == -ENOENT ? 0 : r;
		return rs->o->force || op->verb == TRASH_VERB_RMDIR ? 0
								    : -EEXIST;
	}
	if (r < 0)
		return r;
	if (S_ISDIR(op->st.mode))
		return restore_dir(rs, item, op, &at, path, recorded);
	r = place_payload(&rs->place, &rs->ix, item, op, &at);
	if (r == -EEXIST && rs->o->force) {
		r = place_clear(&rs->place, &at);
		if (r == 0)
			r = place_payload(&rs->place, &rs->ix, item, op, &at);
	}
	return r;
}

static int restore_item(struct restoring *rs, struct index_item *item,
			const struct record_op *op, struct str path)
{
	_cleanup_buf_ struct buf target = BUF_INIT;
	_cleanup_buf_ struct buf expected = BUF_INIT, computed = BUF_INIT;
	uint64_t writer = rs->ix.writers.data[item->writer].id;
	int r;

	r = target_of(rs, path, &target);
	if (r < 0)
		return r;
	if (item->flags & INDEX_GONE)
		r = -ESTALE;
	if (r == 0)
		r = check_hash(rs, item, op, &expected, &computed);
	if (r == 0)
		r = restore_at(rs, item, op, buf_str(&target), path);
	if (r == 0)
		rs->ret->bytes += op->st.size;
	return report(rs, token_make(writer, item->seq), buf_str(&target), r,
		      r == -EBADMSG ? buf_str(&expected) : STR_NONE,
		      buf_str(&computed));
}

static int kept_path(const struct index *ix, const struct index_item *item,
		     const struct record_op *op, struct buf *out)
{
	bool target = op->verb == TRASH_VERB_RENAME;

	return index_path(ix, item->writer, target ? op->dir2 : op->dir,
			  target ? op->name2 : op->name, out);
}

/* Everything kept of the group at or below `below` ("" = all), newest
 * first. */
static int restore_many(struct restoring *rs, uint32_t group, size_t from,
			struct str below)
{
	int r = 0;

	for (size_t i = from + 1; r == 0 && i-- > 0;) {
		struct index_item *item = &rs->ix.items.data[i];
		_cleanup_buf_ struct buf path = BUF_INIT;
		struct record_op op;

		progress_tell(from - i, from + 1);
		if (item->flags & (INDEX_ABORTED | INDEX_GONE) ||
		    index_op(&rs->ix, item, &op) < 0 || op.group != group ||
		    !op_is_kept(&op) ||
		    kept_path(&rs->ix, item, &op, &path) < 0)
			continue;
		if (below.n > 0 && !path_beneath(buf_str(&path), below))
			continue;
		r = restore_item(rs, item, &op, buf_str(&path));
	}
	return r;
}

static int find_group(const struct index *ix, uint64_t seq, uint32_t *ret)
{
	if (ix->writers.n != 1)
		return -ENOENT;
	for (size_t i = 0; i < ix->writers.data[0].groups.n; i++) {
		const struct record_group *g =
			&ix->writers.data[0].groups.data[i].rec;

		if (g->seq != seq)
			continue;
		*ret = g->id;
		return 0;
	}
	return -ENOENT;
}

static int restore_entry(struct restoring *rs, size_t at)
{
	_cleanup_buf_ struct buf path = BUF_INIT;
	struct index_item *item = &rs->ix.items.data[at];
	struct record_op op;
	int r;

	r = index_op(&rs->ix, item, &op);
	if (r < 0)
		return r;
	if (item->flags & INDEX_ABORTED || !op_is_kept(&op))
		return -ENOENT;
	r = kept_path(&rs->ix, item, &op, &path);
	if (r == 0)
		r = choose_dest(rs, buf_str(&path));
	if (r < 0)
		return r;
	if (op.verb == TRASH_VERB_RMDIR)
		return restore_many(rs, op.group, at, buf_str(&path));
	return restore_item(rs, item, &op, buf_str(&path));
}

static int restore_ours(struct restoring *rs, struct trash_token token)
{
	uint64_t seq = token_seq(token);
	uint32_t group;
	ptrdiff_t at;
	int r;

	r = index_load(rs->t, token.lo, &rs->ix);
	if (r < 0)
		return r;
	at = index_find_seq(&rs->ix, seq);
	if (at >= 0)
		return restore_entry(rs, (size_t)at);
	r = find_group(&rs->ix, seq, &group);
	if (r < 0)
		return r;
	if (rs->o->dest.n > 0) { /* a group goes below dest as a whole */
		r = set_dest(rs, rs->o->dest);
		if (r < 0)
			return r;
	}
	return rs->ix.items.n == 0
		       ? 0
		       : restore_many(rs, group, rs->ix.items.n - 1, STR_NONE);
}

/* --- the Go program's entries --- */

static int legacy_apply_owner(const struct trash_at *at,
			      const struct legacy_entry *e)
{
	if (e->has_owner &&
	    fchownat(at->dirfd, at->name, e->uid, e->gid, AT_SYMLINK_NOFOLLOW) <
		    0 &&
	    errno != EPERM)
		return -errno;
	return 0;
}

static int legacy_place(struct restoring *rs, const struct legacy_entry *e,
			struct str path, struct buf *computed)
{
	char payload[TRASH_TOKEN_LEN + 1], name[NAME_MAX + 1];
	_cleanup_close_ int dirfd = -1;
	struct trash_at at = { .dirfd = -1 };
	int r;

	r = legacy_payload(rs->t, e->token, &dirfd, payload);
	if (r < 0)
		return r == -ENOENT ? -ESTALE : r;
	if (e->hash.n > 0 && !rs->o->force &&
	    !hash_holds(dirfd, payload, e->hash, computed))
		return -EBADMSG;
	r = target_at(rs, path, name, &at);
	if (r < 0)
		return r;
	if (faccessat(at.dirfd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
		r = rs->o->force ? place_clear(&rs->place, &at) : -EEXIST;
		if (r < 0)
			return r;
	}
	if (rs->o->dry_run)
		return 0;
	if (renameat2(dirfd, payload, at.dirfd, name, RENAME_NOREPLACE) < 0)
		return errno == ENOENT ? -ESTALE : -errno;
	r = legacy_apply_owner(&at, e);
	return r < 0 ? r : legacy_remove(rs->t, e->token, false);
}

static int restore_legacy(struct restoring *rs, struct trash_token token)
{
	_cleanup_arena_ struct arena a = ARENA_INIT(4U << 20);
	_cleanup_buf_ struct buf computed = BUF_INIT;
	struct legacy_entry e;
	struct str path;
	int r;

	r = legacy_find(rs->t, token, &a, &e);
	if (r < 0)
		return r;
	/* A manifest may name any path; without --dest only one in the
	 * workspace is followed. */
	path = e.original_path;
	if (rs->o->dest.n == 0) {
		struct str root = trash_root_path(rs->t);

		if (!path_beneath(path, root) || path.n == root.n)
			return -EXDEV;
		path = str_skip(path, root.n + (root.n > 1 ? 1 : 0));
		if (!record_path_ok(path))
			return -EXDEV;
	}
	r = choose_dest(rs, path);
	if (r < 0)
		return r;
	r = legacy_place(rs, &e, buf_str(&rs->dest), &computed);
	if (r == 0)
		rs->ret->bytes += e.size;
	return report(rs, token, buf_str(&rs->dest), r,
		      r == -EBADMSG ? e.hash : STR_NONE, buf_str(&computed));
}

/* --- all --- */

static void set_times(struct restoring *rs)
{
	/* Restored top down: set bottom up. */
	for (size_t i = rs->times.n; i-- > 0;) {
		struct dir_times *dt = &rs->times.data[i];
		_cleanup_close_ int fd = -1;
		char name[NAME_MAX + 1];
		struct trash_at at = { .dirfd = -1 };

		if (target_at(rs, str_from(dt->path), name, &at) == 0)
			fd = openat(at.dirfd, name,
				    O_PATH | O_NOFOLLOW | O_CLOEXEC);
		if (fd >= 0)
			(void)copy_times(fd, dt->atime_ns, dt->mtime_ns);
		free(dt->path);
	}
	vec_done(&rs->times);
}

static int open_own_group(struct restoring *rs, uint32_t *ret)
{
	char id[UUID_LEN + 1];
	struct str command = rs->o->command;

	if (command.n == 0) {
		uuid4(id);
		command = str_from(id);
	}
	return store_group_open(rs->t, RECORD_GROUP_UNDO, rs->o->session,
				command, STR("restore"), ret);
}

int trash_restore(struct trash *t, struct trash_token token,
		  const struct restore_options *o, restore_fn *fn, void *arg,
		  struct restore_result *ret)
{
	struct restoring rs = {
		.t = t, .o = o, .fn = fn, .arg = arg, .ret = ret
	};
	struct trash_group_stat stat;
	uint32_t group = 0;
	int r = 0;

	*ret = (struct restore_result){ 0 };
	if (trash_token_is_zero(token))
		return -ENOENT;
	if (!o->dry_run)
		r = open_own_group(&rs, &group);
	if (r < 0)
		return r;
	place_init(&rs.place, t, group);
	r = token_is_legacy(token) ? restore_legacy(&rs, token)
				   : restore_ours(&rs, token);
	set_times(&rs);
	place_done(&rs.place);
	index_done(&rs.ix);
	buf_done(&rs.dest);
	if (group && trash_group_get(t, group, &stat) == 0)
		ret->group = stat.token;
	if (group)
		trash_group_close(t, group);
	return r;
}
