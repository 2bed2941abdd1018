/* SPDX-License-Identifier: MIT */
/*
 * file_find.c - the files that a call names, held and with their names
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "base/path.h"
#include "tracer/file.h"
#include "tracer/ownfd.h"
#include "tracer/tracer.h"

/* Of a descriptor: those that are removed from. */
static bool held_dirfd(struct file_call *f, struct file_target *t)
{
	const struct dirfd *d = NULL;

	if ((f->verb == FILE_DELETE || f->verb == FILE_RMDIR) &&
	    t->dirfd != AT_FDCWD && t->text[0] && t->text[0] != '/')
		d = dirfd_of(f->q, t->dirfd);
	if (!d)
		return false;
	t->base = d->fd;
	t->base_held = true;
	t->base_path = buf_str(&d->path);
	return true;
}

int file_base(struct file_call *f, struct file_target *t)
{
	const struct cwd *c = NULL;

	if (held_dirfd(f, t))
		return 0;
	if (t->dirfd == AT_FDCWD && t->text[0] && t->text[0] != '/')
		c = cwd_of(f->q);
	if (!c)
		return resolve_base(&f->viewer, t->dirfd, t->text, &t->base);
	t->base = c->fd;
	t->base_held = true;
	t->base_path = buf_str(&c->path);
	return 0;
}

int file_name(const struct file_target *t, struct buf *out)
{
	if (t->base_held)
		return path_join(t->base_path, str_from(t->text), out);
	return resolve_name_at(t->base, t->text, out);
}

bool file_has_dotdot(const char *path)
{
	for (const char *p = path; (p = strstr(p, "..")); p++)
		if ((p == path || p[-1] == '/') && (p[2] == 0 || p[2] == '/'))
			return true;
	return false;
}

bool file_name_is_path(const struct file_target *t)
{
	return t->plain && (t->base < 0 || t->base_held) &&
	       !file_has_dotdot(t->text);
}

static bool is_named(const struct file_target *t)
{
	struct stat st;

	return t->st.st_nlink > 0 &&
	       fstatat(AT_FDCWD, buf_cstr(&t->path), &st,
		       AT_SYMLINK_NOFOLLOW) == 0 &&
	       st.st_dev == t->st.st_dev && st.st_ino == t->st.st_ino;
}

/*
 * " (deleted)" is how procfs marks a name that is gone; it stays when a file of
 * O_TMPFILE gets one. On FUSE such a file is called "/" in its directory.
 */
static void strip_deleted(struct file_target *t)
{
	static const struct str mark = { " (deleted)", 10 };

	if (!str_ends(buf_str(&t->path), mark) || is_named(t))
		return;
	t->path.len -= mark.n;
	t->path.data[t->path.len] = 0;
	if (str_ends(buf_str(&t->path), STR("//"))) {
		t->path.len--;
		buf_puts(&t->path, "#tmpfile");
	}
}

static int name_target(struct file_call *f, struct file_target *t)
{
	int r = 0;

	if (t->text[0] && !t->plain)
		r = file_name(t, &t->name);
	file_base_done(t);
	if (r < 0)
		return r;
	if (str_eq(buf_str(&t->name), buf_str(&t->path)))
		buf_reset(&t->name);
	return request_valid(f->q) ? 0 : -ESRCH;
}

/* t->st is filled, too */
static int have_stated(struct file_call *f, struct file_target *t)
{
	int r;

	if (file_name_is_path(t)) {
		r = file_name(t, &t->path);
	} else {
		r = ownfd_path(t->fd, &t->path);
		/* the kernel has no name for what is so deep */
		if (r == -ENAMETOOLONG && t->plain && t->text[0] &&
		    !file_has_dotdot(t->text))
			r = file_name(t, &t->path);
		strip_deleted(t);
		r = r < 0 ? r : t->path.error;
	}
	return r < 0 ? r : name_target(f, t);
}

static int have_object(struct file_call *f, struct file_target *t)
{
	int r = ownfd_look(t->fd, &t->st);

	return r < 0 ? r : have_stated(f, t);
}

int file_find_object(struct file_call *f, struct file_target *t, bool follow,
		     bool empty)
{
	struct resolved how;
	int r;

	if (empty && t->text[0] == 0)
		return file_find_fd(f, t, t->dirfd);
	r = file_base(f, t);
	if (r < 0)
		return r;
	t->fd = resolve_object_at(&f->viewer, t->base, t->text,
				  follow ? 0 : RESOLVE_NOFOLLOW, t->how_resolve,
				  &how);
	if (t->fd < 0)
		return t->fd;
	t->plain = how.plain;
	if (!how.plain)
		return have_object(f, t);
	t->st = how.st;
	return have_stated(f, t);
}

int file_find_fd(struct file_call *f, struct file_target *t, int fd)
{
	if (fd == AT_FDCWD)
		t->fd = resolve_object(&f->viewer, AT_FDCWD, ".", 0, 0);
	else
		t->fd = resolve_fd(&f->viewer, fd);
	if (t->fd < 0)
		return t->fd;
	t->text[0] = 0;
	return have_object(f, t);
}

static int hold(struct file_target *t)
{
	t->fd = openat(t->parent, t->last, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (t->fd < 0)
		return errno == ENOENT ? 0 : -errno;
	return ownfd_look(t->fd, &t->st);
}

/* What is kept is recorded as it is now, and needs its birth time. */
static int look_at(const struct file_call *f, struct file_target *t)
{
	bool keeps = f->q->tracer->trash != NULL;

	if (statx(t->parent, t->last,
		  AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT |
			  (keeps ? 0 : AT_STATX_DONT_SYNC),
		  STATX_BASIC_STATS | (keeps ? STATX_BTIME : 0), &t->sx) < 0)
		return errno == ENOENT ? 0 : -errno;
	t->there = true;
	ownfd_from_statx(&t->sx, &t->st);
	return 0;
}

/* Parent and last are known: the judged path, and the object if it exists. */
static int have_parent(const struct file_call *f, struct file_target *t,
		       struct str dir)
{
	int r = 0;

	t->there = false;
	if (t->unheld)
		r = look_at(f, t);
	else if (!t->unseen)
		r = hold(t);
	if (r < 0)
		return r;
	buf_reset(&t->path);
	if (dir.n)
		buf_put_str(&t->path, dir);
	else
		r = ownfd_path(t->parent, &t->path);
	if (r < 0)
		return r;
	if (t->path.len > 1)
		buf_putc(&t->path, '/');
	buf_puts(&t->path, t->last);
	return t->path.error;
}

int file_have_parent(const struct file_call *f, struct file_target *t)
{
	return have_parent(f, t, STR_NONE);
}

static bool is_component(const char *text)
{
	return *text && !strchr(text, '/') && strcmp(text, ".") != 0 &&
	       strcmp(text, "..") != 0;
}

/* Most names are given relative to the directory they are in. */
static int find_here(struct file_call *f, struct file_target *t)
{
	size_t n = strlen(t->text);
	int r;

	if (n > NAME_MAX)
		return -ENAMETOOLONG;
	memcpy(t->last, t->text, n + 1);
	t->parent = t->base_held ? fcntl(t->base, F_DUPFD_CLOEXEC, 3)
				 : TAKE_FD(t->base);
	if (t->parent < 0)
		return -errno;
	t->plain = true;
	r = have_parent(f, t, t->base_path);
	return r < 0 ? r : name_target(f, t);
}

int file_find_name(struct file_call *f, struct file_target *t)
{
	int r = file_base(f, t);

	if (r < 0)
		return r;
	if (t->how_resolve == 0 && is_component(t->text))
		return find_here(f, t);
	t->parent = resolve_parent_at(&f->viewer, t->base, t->text,
				      t->how_resolve, t->last, &t->slash);
	if (t->parent < 0)
		return t->parent;
	r = file_have_parent(f, t);
	return r < 0 ? r : name_target(f, t);
}

/* Goes on at the target of the link that t->fd is. */
static int follow_last(struct file_call *f, struct file_target *t)
{
	char target[LIMIT_PATH];
	_cleanup_close_ int base = t->parent;
	ssize_t n = readlinkat(t->fd, "", target, sizeof(target) - 1);
	struct statfs fs;

	t->parent = -1;
	if (n < 0)
		return -errno;
	target[n] = 0;
	/* A link of procfs to a missing name means the reader, or nothing. */
	if (fstatfs(t->fd, &fs) < 0 || fs.f_type == PROC_SUPER_MAGIC)
		return -ENOENT;
	(void)close(TAKE_FD(t->fd));
	t->parent = resolve_parent_at(&f->viewer, base, target, 0, t->last,
				      &t->slash);
	return t->parent < 0 ? t->parent : file_have_parent(f, t);
}

int file_find_for_create(struct file_call *f, struct file_target *t,
			 bool follow)
{
	int r = file_find_name(f, t);
	bool slash = t->slash;

	if (slash) /* no file is made there, whatever it is */
		return r;
	for (int i = 0;
	     r == 0 && follow && t->fd >= 0 && S_ISLNK(t->st.st_mode); i++) {
		if (i == 40 || t->how_resolve != 0)
			return -ELOOP;
		/* the link is a name of what it leads to, and judged as one */
		if (t->name.len == 0)
			buf_put_str(&t->name, buf_str(&t->path));
		r = follow_last(f, t);
	}
	return r < 0 ? r : t->name.error;
}
