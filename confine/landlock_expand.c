/* SPDX-License-Identifier: MIT */
/*
 * landlock_expand.c - a tree with holes: its entries instead of itself
 *
 * Level by level, and only on the levels that lead to a hole. Symlinks are
 * skipped: a rule binds to an inode, and the target has its own. A level's
 * names stay listable, also those of what is held back; the right to list is
 * the top's, and holds for all below it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "confine/landlock_tree.h"

/* One directory whose entries are granted one by one. */
struct level {
	int fd;          /* open for reading, owned */
	struct str path; /* owned */
};

/* An entry of a level that is not simply granted; borrows. */
struct mark {
	struct str name;
	bool hole;       /* left out */
	bool hole_below; /* a level itself */
	uint64_t rights; /* that it has by a rule of its own */
};

struct expansion {
	VEC(struct level) todo;
	VEC(struct mark) marks; /* of the level at hand */
	uint64_t rights;
};

static void expansion_done(struct expansion *x)
{
	for (size_t i = 0; i < x->todo.n; i++) {
		(void)close(x->todo.data[i].fd);
		free((char *)(uintptr_t)x->todo.data[i].path.p);
	}
	vec_done(&x->todo);
	vec_done(&x->marks);
}

static int push_level(struct expansion *x, int fd, struct str path)
{
	struct level l = { fd, { str_dup(path), path.n } };
	int r = l.path.p ? vec_push(&x->todo, l) : -ENOMEM;

	if (r < 0)
		free((char *)(uintptr_t)l.path.p);
	return r;
}

static struct mark *find_mark(const struct expansion *x, struct str name)
{
	for (size_t i = 0; i < x->marks.n; i++)
		if (str_eq(x->marks.data[i].name, name))
			return &x->marks.data[i];
	return NULL;
}

/* What path has to say about an entry of the level, if it lies below it; rest:
 * what follows the entry's name. */
static int mark_entry(struct expansion *x, const struct level *l,
		      struct str path, struct mark **ret, struct str *ret_rest)
{
	size_t top = l->path.n == 1 ? 0 : l->path.n;
	struct str name;
	ptrdiff_t slash;
	int r;

	*ret = NULL;
	if (path.n <= top + 1 || !path_beneath(path, l->path))
		return 0;
	*ret_rest = name = str_skip(path, top + 1);
	slash = str_index(name, '/');
	if (slash >= 0)
		name.n = (size_t)slash;
	*ret_rest = str_skip(*ret_rest, name.n);
	*ret = find_mark(x, name);
	if (*ret)
		return 0;
	r = vec_push(&x->marks, (struct mark){ .name = name });
	if (r == 0)
		*ret = &x->marks.data[x->marks.n - 1];
	return r;
}

static int mark_level(const struct landlock_builder *b, struct expansion *x,
		      const struct level *l)
{
	struct mark *m;
	struct str rest;
	int r = 0;

	x->marks.n = 0;
	for (size_t i = 0; r == 0 && i < b->holes.n; i++) {
		const struct landlock_hole *h = &b->holes.data[i];

		if ((x->rights & ~h->open) == 0)
			continue;
		r = mark_entry(x, l, h->path, &m, &rest);
		if (m && rest.n == 0)
			m->hole = true;
		else if (m)
			m->hole_below = true;
	}
	for (size_t i = 0; r == 0 && i < b->trees.n; i++) {
		const struct landlock_tree *t = &b->trees.data[i];

		if (!t->whole)
			continue;
		r = mark_entry(x, l, t->path, &m, &rest);
		if (m && rest.n == 0)
			m->rights |= t->rights;
	}
	return r;
}

/* What lies below may have to be granted after all. */
static int note_blind(struct landlock_builder *b, struct str path)
{
	struct str copy = { str_dup(path), path.n };
	int r = copy.p ? vec_push(&b->blind, copy) : -ENOMEM;

	if (r < 0)
		free((char *)(uintptr_t)copy.p);
	return r;
}

/* 1: not a directory, and to be treated like any other entry. */
static int add_level(struct landlock_builder *b, struct expansion *x,
		     const struct level *l, const char *name)
{
	_cleanup_close_ int fd = openat(
		l->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	_cleanup_buf_ struct buf path = BUF_INIT;
	int r;

	if (fd < 0 && (errno == ENOTDIR || errno == ELOOP))
		return 1;
	if (fd < 0 && errno != EACCES)
		return errno == EMFILE || errno == ENFILE ? -errno : 0;
	if (l->path.n > 1)
		buf_put_str(&path, l->path);
	buf_putc(&path, '/');
	buf_puts(&path, name);
	if (path.error)
		return path.error;
	if (fd < 0)
		return note_blind(b, buf_str(&path));
	r = push_level(x, fd, buf_str(&path));
	if (r == 0)
		(void)TAKE_FD(fd); /* owned by the list now */
	return r;
}

static int add_entry(struct landlock_builder *b, const struct expansion *x,
		     const struct level *l, const struct dirent *e)
{
	_cleanup_close_ int fd =
		openat(l->fd, e->d_name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0) /* gone, or not for us: then not for the command either */
		return errno == EMFILE || errno == ENFILE ? -errno : 0;
	/* A file that has become a directory since gets less than it could. */
	if (e->d_type != DT_UNKNOWN)
		return landlock_add_path(b, fd, x->rights, e->d_type == DT_DIR);
	if (fstat(fd, &st) < 0)
		return -errno;
	if (S_ISLNK(st.st_mode))
		return 0;
	return landlock_add_path(b, fd, x->rights, S_ISDIR(st.st_mode));
}

/* An entry of an expanded level: skipped, granted, or expanded itself. */
static int expand_entry(struct landlock_builder *b, struct expansion *x,
			const struct level *l, const struct dirent *e)
{
	const struct mark *m = find_mark(x, str_from(e->d_name));
	int r;

	if (e->d_type == DT_LNK || (m && m->hole))
		return 0;
	if (m && m->hole_below) {
		r = add_level(b, x, l, e->d_name);
		if (r <= 0)
			return r;
	} else if (m && (x->rights & ~m->rights) == 0) {
		return 0;
	}
	return add_entry(b, x, l, e);
}

/* Takes the level's descriptor. */
static int expand_level(struct landlock_builder *b, struct expansion *x,
			const struct level *l)
{
	_cleanup_closedir_ DIR *dir = fdopendir(l->fd);
	const struct dirent *e;
	int r;

	if (!dir) {
		(void)close(l->fd);
		return -ENOMEM;
	}
	r = mark_level(b, x, l);
	while (r == 0 && (errno = 0, e = readdir(dir))) {
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			r = expand_entry(b, x, l, e);
		if (r < 0)
			return r;
	}
	return r < 0 ? r : -errno;
}

int landlock_expand(struct landlock_builder *b, int fd, struct str path,
		    uint64_t rights)
{
	struct expansion x = { .rights = rights };
	int top, r;

	r = landlock_add_path(b, fd, rights & LANDLOCK_FS_READ_DIR, true);
	if (r < 0)
		return r;
	top = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (top < 0)
		return errno == EACCES ? note_blind(b, path) : -errno;
	r = push_level(&x, top, path);
	if (r < 0)
		(void)close(top);
	while (r == 0 && x.todo.n > 0) {
		struct level l = x.todo.data[--x.todo.n];

		r = expand_level(b, &x, &l);
		free((char *)(uintptr_t)l.path.p);
	}
	expansion_done(&x);
	return r;
}
