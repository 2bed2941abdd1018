/* SPDX-License-Identifier: MIT */
/*
 * landlock_tree.c - granted trees and the holes in them as few rules
 *
 * Rights add up on the way from a file to the root, so what a tree above has
 * granted needs no rule of its own, and a hole that lies in a tree granted as a
 * whole need not be left out of another: it is open either way. Whole trees
 * come first, therefore (those in which files may be created), then the others
 * from the root down. What is left out this way changes nothing about what may
 * be reached; only names that lead to the same file by another mount would
 * need the rule.
 */
#include "confine/landlock_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/path.h"

/* A hole made by a rule lies here; most share a few directories. */
struct place {
	struct str name; /* owned: as it was written */
	struct str real; /* owned: as the kernel names it */
	bool exists;
};

struct places {
	VEC(struct place) v;
};

static void str_free(struct str s)
{
	free((char *)(uintptr_t)s.p);
}

static void places_done(struct places *p)
{
	for (size_t i = 0; i < p->v.n; i++) {
		str_free(p->v.data[i].name);
		str_free(p->v.data[i].real);
	}
	vec_done(&p->v);
}

/* dir and name as one path, owned. */
static int join(struct str dir, struct str name, struct str *ret)
{
	_cleanup_buf_ struct buf out = BUF_INIT;

	if (dir.n > 1)
		buf_put_str(&out, dir);
	buf_putc(&out, '/');
	buf_put_str(&out, name);
	if (out.error)
		return out.error;
	ret->n = out.len;
	ret->p = buf_take(&out);
	return ret->p ? 0 : -ENOMEM;
}

/* The last component, of which the kernel's name of the directory is known. */
static int resolve_last(const struct place *dir, struct str path,
			struct place *ret)
{
	struct str name = str_basename(path);
	char target[2], *real;
	int r = join(dir->real, name, &ret->real);

	if (r < 0)
		return r;
	ret->exists = false;
	if (!dir->exists)
		return 0;
	if (readlink(ret->real.p, target, sizeof(target)) < 0) {
		ret->exists = errno == EINVAL;
		return 0;
	}
	real = realpath(ret->real.p, NULL);
	if (!real) /* dangling: its own name has to do */
		return 0;
	str_free(ret->real);
	ret->real = str_from(real);
	ret->exists = true;
	return 0;
}

static struct str parent_of(struct str path)
{
	ptrdiff_t slash = str_rindex(path, '/');

	return str_from_n(path.p, slash > 0 ? (size_t)slash : 1);
}

static const struct place *find_place(const struct places *p, struct str path)
{
	for (size_t i = p->v.n; i-- > 0;)
		if (str_eq(p->v.data[i].name, path))
			return &p->v.data[i];
	return NULL;
}

/* The longest directory of path that is known, or "/". */
static const struct place *nearest(const struct places *p, struct str path)
{
	const struct place *found = NULL;

	while (!found && path.n > 1) {
		path = parent_of(path);
		found = find_place(p, path);
	}
	return found;
}

/* All directories on the way to path, the last one being its parent. */
static int resolve_dirs(struct places *known, struct str path,
			struct place *ret)
{
	static const struct place root = { { "/", 1 }, { "/", 1 }, true };
	struct str parent = parent_of(path);
	const struct place *at = nearest(known, path);
	struct place next;
	size_t end;
	int r;

	*ret = at ? *at : root;
	while (ret->name.n < parent.n) {
		end = ret->name.n == 1 ? 1 : ret->name.n + 1;
		while (end < parent.n && parent.p[end] != '/')
			end++;
		next.name.p = str_dup(str_from_n(parent.p, end));
		next.name.n = end;
		if (!next.name.p)
			return -ENOMEM;
		r = resolve_last(ret, next.name, &next);
		if (r == 0) {
			r = vec_push(&known->v, next);
			if (r < 0)
				str_free(next.real);
		}
		if (r < 0) {
			str_free(next.name);
			return r;
		}
		*ret = next;
	}
	return 0;
}

/* Takes path on success. */
static int push_hole(struct landlock_builder *b, struct str path, bool unread)
{
	return vec_push(&b->holes, (struct landlock_hole){ .path = path,
							   .unread = unread });
}

/*
 * Two holes if the kernel's name differs from the one given: what does not
 * exist (yet) is named after the nearest directory that does.
 */
static int add_hole(struct landlock_builder *b, struct places *known,
		    const char *path, bool unread)
{
	_cleanup_buf_ struct buf clean = BUF_INIT;
	struct place dir, hole = { .exists = false };
	struct str literal;
	int r = path_clean(str_from(path), &clean);

	if (r < 0)
		return r;
	literal = buf_str(&clean);
	if (literal.n <= 1) {
		hole.real = str_from_n(str_dup(literal), literal.n);
		r = hole.real.p ? 0 : -ENOMEM;
	} else {
		r = resolve_dirs(known, literal, &dir);
		if (r == 0)
			r = resolve_last(&dir, literal, &hole);
	}
	if (r < 0)
		return r;
	r = push_hole(b, hole.real, unread);
	if (r < 0) {
		str_free(hole.real);
		return r;
	}
	if (str_eq(hole.real, literal))
		return 0;
	literal = str_from_n(str_dup(literal), literal.n);
	r = literal.p ? push_hole(b, literal, unread) : -ENOMEM;
	if (r < 0)
		str_free(literal);
	return r;
}

int landlock_add_holes(struct landlock_builder *b, const struct grant_set *g)
{
	struct places known = { 0 };
	int r = 0;

	for (size_t i = 0; r == 0 && i < g->holes.n; i++)
		r = add_hole(b, &known, g->holes.data[i], i < g->n_unread);
	places_done(&known);
	return r;
}

/* ---- grants ---- */

static bool is_held_back(const struct landlock_builder *b, struct str path)
{
	for (size_t i = 0; i < b->holes.n; i++)
		if (path_beneath(path, b->holes.data[i].path))
			return true;
	return false;
}

/* Something below must be left out of a tree with these rights. */
static bool hole_below(const struct landlock_builder *b, struct str path,
		       uint64_t rights)
{
	for (size_t i = 0; i < b->holes.n; i++) {
		const struct landlock_hole *h = &b->holes.data[i];

		if ((rights & ~h->open) && h->path.n > path.n &&
		    path_beneath(h->path, path))
			return true;
	}
	return false;
}

static bool is_blind(const struct landlock_builder *b, struct str path)
{
	for (size_t i = 0; i < b->blind.n; i++)
		if (path_beneath(path, b->blind.data[i]))
			return true;
	return false;
}

/* Do trees above (or the same) grant all of this? whole: only those that have
 * nothing left out count. */
static bool is_granted(const struct landlock_builder *b, struct str path,
		       uint64_t rights, bool whole)
{
	bool blind = !whole && is_blind(b, path);

	for (size_t i = 0; i < b->trees.n && rights; i++) {
		const struct landlock_tree *t = &b->trees.data[i];

		if ((t->whole || (!whole && !blind)) &&
		    path_beneath(path, t->path))
			rights &= ~t->rights;
	}
	return rights == 0;
}

static int note_tree(struct landlock_builder *b, struct str path,
		     uint64_t rights, bool whole)
{
	struct landlock_tree t = { { str_dup(path), path.n }, rights, whole };
	int r = t.path.p ? vec_push(&b->trees, t) : -ENOMEM;

	if (r < 0) {
		str_free(t.path);
		return r;
	}
	for (size_t i = 0; whole && i < b->holes.n; i++)
		if (path_beneath(b->holes.data[i].path, path))
			b->holes.data[i].open |= rights;
	return 0;
}

/* A tree in which files may be created cannot have holes. inside: in one it is
 * meant to be open. */
static void count_open(struct landlock_builder *b, struct str path, bool inside)
{
	for (size_t i = 0; i < b->holes.n; i++) {
		const struct landlock_hole *h = &b->holes.data[i];
		bool open = path_beneath(h->path, path) &&
			    !(inside && h->path.n == path.n);

		b->report.n_holes_open += open;
		b->report.n_reads_open += open && h->unread;
	}
}

static bool can_shrink(const struct fs_grant *g)
{
	return (g->access & (GRANT_CREATE | GRANT_REMOVE)) == 0;
}

static int add_tree(struct landlock_builder *b, const struct fs_grant *g,
		    int fd, struct str path)
{
	uint64_t rights = landlock_fs_rights(g->access) & b->handled_fs;
	bool shrinks = can_shrink(g), expand;
	int r;

	expand = g->expand || (shrinks && hole_below(b, path, rights));
	if (!expand && !shrinks)
		count_open(b, path, g->inside);
	if (is_granted(b, path, rights, !shrinks))
		return 0;
	r = expand ? landlock_expand(b, fd, path, rights)
		   : landlock_add_path(b, fd, rights, true);
	return r < 0 ? r : note_tree(b, path, rights, !expand);
}

/* "/" grants it already: no need to look. */
static bool is_granted_by_root(const struct landlock_builder *b,
			       uint64_t rights)
{
	rights &= b->handled_fs;
	for (size_t i = 0; i < b->trees.n; i++) {
		const struct landlock_tree *t = &b->trees.data[i];

		if (t->path.n == 1 && (t->whole || b->blind.n == 0))
			rights &= ~t->rights;
	}
	return rights == 0;
}

/* One that is there, by the name the kernel has for it. */
static int add_found(struct landlock_builder *b, const struct fs_grant *g,
		     int fd, struct str path, bool is_dir)
{
	uint64_t rights = landlock_fs_rights(g->access);

	if (!g->inside && is_held_back(b, path))
		return 0;
	if (is_dir)
		return add_tree(b, g, fd, path);
	rights &= b->handled_fs & LANDLOCK_FS_OF_FILES;
	if (is_granted(b, path, rights, false))
		return 0;
	return landlock_add_path(b, fd, rights, false);
}

static int add_nameless(struct landlock_builder *b, int fd, uint64_t rights,
			bool is_dir)
{
	int r = landlock_add_path(b, fd, rights, is_dir);

	if (r == 0 && b->outer)
		r = landlock_add_path(b->outer, fd, rights, is_dir);
	return r;
}

/* A path without symlinks and needless parts is the kernel's name for what is
 * there; then nothing need be looked up in /proc. Else `name` stays empty. */
static int open_grant(const char *path, struct buf *name)
{
	const struct open_how how = { .flags = O_PATH | O_CLOEXEC,
				      .resolve = RESOLVE_NO_SYMLINKS };
	int fd = (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == EACCES))
		return -errno;
	if (fd < 0) { /* a symlink, or no such call here */
		fd = open(path, O_PATH | O_CLOEXEC);
		return fd < 0 ? -errno : fd;
	}
	if (path_clean(str_from(path), name) < 0 ||
	    !str_eq_c(buf_str(name), path))
		buf_reset(name);
	return fd;
}

static int add_grant(struct landlock_builder *b, const struct fs_grant *g)
{
	_cleanup_buf_ struct buf path = BUF_INIT;
	_cleanup_close_ int fd = -1;
	uint64_t rights = landlock_fs_rights(g->access);
	struct stat st;
	int r;

	if (can_shrink(g) && is_granted_by_root(b, rights) &&
	    (!b->outer || is_granted_by_root(b->outer, rights)))
		return 0;
	fd = open_grant(g->path, &path);
	/* What we cannot reach, our commands cannot either. */
	if (fd == -ENOENT || fd == -ENOTDIR || fd == -EACCES) {
		b->report.n_missing++;
		return 0;
	}
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	r = path.len ? 0 : path_of_fd(fd, &path);
	if (r < 0 && b->holes.n)
		return r;
	if (r < 0 || path.data[0] != '/') /* of no name: a rule of its own */
		return add_nameless(b, fd, rights, S_ISDIR(st.st_mode));
	if (b->outer)
		r = add_found(b->outer, g, fd, buf_str(&path),
			      S_ISDIR(st.st_mode));
	return r < 0 ? r
		     : add_found(b, g, fd, buf_str(&path), S_ISDIR(st.st_mode));
}

struct order {
	const struct fs_grant *grant;
	size_t n; /* length of its path */
};

/* Those with no holes first, then from the root down. */
static int by_order(const void *a, const void *b)
{
	const struct order *x = a, *y = b;
	bool sx = can_shrink(x->grant), sy = can_shrink(y->grant);

	if (sx != sy)
		return sx ? 1 : -1;
	return (x->n > y->n) - (x->n < y->n);
}

int landlock_add_grants(struct landlock_builder *b, const struct grant_set *g)
{
	struct order *order = calloc(g->fs.n + 1, sizeof(*order));
	int r = 0;

	if (!order)
		return -ENOMEM;
	for (size_t i = 0; i < g->fs.n; i++)
		order[i] = (struct order){ &g->fs.data[i],
					   strlen(g->fs.data[i].path) };
	qsort(order, g->fs.n, sizeof(*order), by_order);
	for (size_t i = 0; r == 0 && i < g->fs.n; i++)
		r = add_grant(b, order[i].grant);
	free(order);
	return r;
}

void landlock_builder_done(struct landlock_builder *b)
{
	for (size_t i = 0; i < b->holes.n; i++)
		str_free(b->holes.data[i].path);
	for (size_t i = 0; i < b->trees.n; i++)
		str_free(b->trees.data[i].path);
	for (size_t i = 0; i < b->blind.n; i++)
		str_free(b->blind.data[i]);
	vec_done(&b->holes);
	vec_done(&b->trees);
	vec_done(&b->blind);
}
