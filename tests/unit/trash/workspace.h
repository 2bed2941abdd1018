/* SPDX-License-Identifier: MIT */
/*
 * workspace.h - a temporary workspace with an open store, for the tests of
 * trash/
 */
#ifndef TESTS_TRASH_WORKSPACE_H
#define TESTS_TRASH_WORKSPACE_H

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "trash/keep.h"
#include "trash/list.h"
#include "trash/restore.h"
#include "trash/undo.h"

struct ws {
	char path[64];
	int fd;
	struct trash *t;
	uint32_t group;
};

static inline void ws_reopen(struct ws *w, const struct trash_options *o)
{
	struct trash_options none = { 0 };

	w->t = trash_close(w->t);
	assert_int_equal(trash_open(w->fd, o ? o : &none, &w->t), 0);
	w->group = 0;
}

static inline void ws_command(struct ws *w, const char *id)
{
	if (w->group)
		trash_group_close(w->t, w->group);
	assert_int_equal(trash_group_open(w->t, STR("s1"), str_from(id),
					  STR("cmd"), &w->group),
			 0);
}

static inline void ws_init(struct ws *w, const struct trash_options *o)
{
	const char *base = getenv("TEST_TRASH_DIR");

	memset(w, 0, sizeof(*w));
	(void)umask(022); /* modes are compared */
	(void)snprintf(w->path, sizeof(w->path), "%.40s/trash-XXXXXX",
		       base ? base : "/tmp");
	assert_non_null(mkdtemp(w->path));
	w->fd = open(w->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(w->fd >= 0);
	ws_reopen(w, o);
	ws_command(w, "cmd-1");
}

static inline int ws_rm_cb(const char *p, const struct stat *st, int flag,
			   struct FTW *f)
{
	(void)st;
	(void)flag;
	(void)f;
	return remove(p);
}

static inline void ws_done(struct ws *w)
{
	w->t = trash_close(w->t);
	(void)close(w->fd);
	(void)nftw(w->path, ws_rm_cb, 16, FTW_DEPTH | FTW_PHYS);
}

static inline void ws_write(struct ws *w, const char *path, const char *text)
{
	int fd = openat(w->fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
			0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	(void)close(fd);
}

static inline void ws_read(struct ws *w, const char *path, char *out,
			   size_t size)
{
	int fd = openat(w->fd, path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0) {
		(void)snprintf(out, size, "<%s>", strerror(errno));
		return;
	}
	n = read(fd, out, size - 1);
	assert_true(n >= 0);
	out[n] = '\0';
	(void)close(fd);
}

#define ws_assert_text(w, path, text)                     \
	do {                                              \
		char got_[4096];                          \
		ws_read((w), (path), got_, sizeof(got_)); \
		assert_string_equal(got_, (text));        \
	} while (0)

static inline bool ws_exists(struct ws *w, const char *path)
{
	struct stat st;

	return fstatat(w->fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* The directory and last component of path; close ret->dirfd. */
static inline struct trash_at ws_at(struct ws *w, const char *path)
{
	const char *slash = strrchr(path, '/');
	struct trash_at at = { .name = slash ? slash + 1 : path };
	char dir[256] = ".";

	if (slash)
		(void)snprintf(dir, sizeof(dir), "%.*s", (int)(slash - path),
			       path);
	at.dirfd = openat(w->fd, dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return at;
}

static inline int ws_unlink(struct ws *w, const char *path,
			    struct trash_kept *ret)
{
	struct trash_at at = ws_at(w, path);
	int r = trash_unlink(w->t, w->group, &at, ret);

	(void)close(at.dirfd);
	return r;
}

static inline int ws_rmdir(struct ws *w, const char *path,
			   struct trash_kept *ret)
{
	struct trash_at at = ws_at(w, path);
	int r = trash_rmdir(w->t, w->group, &at, ret);

	(void)close(at.dirfd);
	return r;
}

static inline int ws_rename(struct ws *w, const char *from, const char *to,
			    unsigned int flags, struct trash_kept *ret)
{
	struct trash_at a = ws_at(w, from), b = ws_at(w, to);
	int r = trash_rename(w->t, w->group, &a, &b, flags, ret);

	(void)close(a.dirfd);
	(void)close(b.dirfd);
	return r;
}

static inline int ws_before_write(struct ws *w, const char *path,
				  enum trash_write how, off_t length,
				  unsigned int flags, struct trash_kept *ret)
{
	struct trash_at at = ws_at(w, path);
	int r = trash_before_write(w->t, w->group, &at, -1,
				   (struct trash_change){ how, length, flags },
				   ret);

	(void)close(at.dirfd);
	return r;
}

static inline int ws_note(struct ws *w, const char *path, enum trash_made what)
{
	struct trash_at at = ws_at(w, path);
	int r = trash_note_made(w->t, w->group, &at, what);

	(void)close(at.dirfd);
	return r;
}

static inline int ws_before_meta(struct ws *w, const char *path,
				 unsigned int what, const char *xattr)
{
	struct trash_at at = ws_at(w, path);
	int r = trash_before_meta(w->t, w->group, &at, -1, what, xattr);

	(void)close(at.dirfd);
	return r;
}

/* Overwrites the way a catcher would: keep, then write. */
static inline void ws_overwrite(struct ws *w, const char *path,
				const char *text)
{
	assert_int_equal(
		ws_before_write(w, path, TRASH_WRITE_TRUNCATE, 0, 0, NULL), 0);
	ws_write(w, path, text);
}

static inline void ws_create(struct ws *w, const char *path, const char *text)
{
	ws_write(w, path, text);
	assert_int_equal(ws_note(w, path, TRASH_MADE_FILE), 0);
}

static inline void ws_restore(struct ws *w, struct trash_token token,
			      bool force, struct restore_result *ret)
{
	struct restore_options o = { .force = force };

	assert_int_equal(trash_restore(w->t, token, &o, NULL, NULL, ret), 0);
}

#endif
