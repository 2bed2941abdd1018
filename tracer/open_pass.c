/* SPDX-License-Identifier: MIT */
/*
 * open_pass.c - reads that go on: judged by name and recorded, nothing opened
 *
 * Where Landlock by itself holds what the policy says of reads (decision 0010)
 * an open for reading is let go on, and nothing rests on what is found here
 * but the record. So nothing is held either: the path is read, the object is
 * looked at once, the name is judged. Opening, naming and closing it, as
 * decode_open.c does with what it carries out, costs more than all of that.
 *
 * The record has to name the object, whatever links led to it. That costs a
 * look-up of its own, which is made for directories and held for HOLD_NS: most
 * opens are of several files in the same one. The last component is looked at
 * each time; a link there, and everything unusual, goes the long way.
 *
 * What is held of a directory is wrong once it or one above it was renamed,
 * or removed and another one or a link put in its place. Commands of this
 * session have that done by us, and dirs_forget() is called then. What others
 * do shows after HOLD_NS. Nothing but the record depends on it: the kernel does
 * what it does, and a path without links is recorded as it was named.
 *
 * The id of the notification is not asked about again: if the caller was
 * killed, the answer goes nowhere. A line too many in the record would take a
 * new thread with the same id, which takes a whole round of ids.
 */
#include "tracer/open_pass.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "tracer/file.h"
#include "tracer/identity.h"
#include "tracer/ownfd.h"
#include "tracer/quarantine.h"

#define HOLD_NS 50000000U /* 50 ms */

static const struct str DELETED = { " (deleted)", 10 };

static int open_dir(const char *path, uint64_t resolve)
{
	struct open_how how = { .flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
				.resolve = resolve };

	return (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
}

/* What is known of a name. */
enum found {
	FOUND_OBJECT,
	FOUND_NOTHING, /* the kernel will say so to the caller */
	FOUND_MORE,    /* it has to be looked at closer */
};

/* Where d->name leads. What depends on who asks is behind links. */
static enum found look(struct tracer *t, struct dir_name *d)
{
	_cleanup_close_ int fd =
		open_dir(buf_cstr(&d->name), RESOLVE_NO_SYMLINKS);
	struct stat st;

	d->plain = fd >= 0;
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return FOUND_NOTHING;
	if (fd < 0 && errno == ELOOP)
		fd = open_dir(buf_cstr(&d->name), RESOLVE_NO_MAGICLINKS);
	if (fd < 0 || fstat(fd, &st) < 0 || !open_is_plain(t, &st, fd))
		return FOUND_MORE;
	buf_reset(&d->path);
	if (d->plain)
		return FOUND_OBJECT;
	return ownfd_path(fd, &d->path) == 0 && d->path.len > 1 &&
			       d->path.data[0] == '/' &&
			       !str_ends(buf_str(&d->path), DELETED)
		       ? FOUND_OBJECT
		       : FOUND_MORE;
}

static size_t slot_of(struct str name)
{
	size_t h = name.n;

	for (size_t i = 0; i < name.n; i++)
		h = h * 31 + (unsigned char)name.p[i];
	return h % DIR_SLOTS;
}

/* name: absolute and clean. */
static enum found dir_of(struct tracer *t, struct str name,
			 const struct dir_name **ret)
{
	struct dir_name *d = &t->opens->dirs[slot_of(name)];
	uint64_t now = loop_now(t->loop);
	enum found r;

	*ret = d;
	if (now < d->until_ns && str_eq(buf_str(&d->name), name))
		return FOUND_OBJECT;
	d->until_ns = 0;
	buf_reset(&d->name);
	buf_put_str(&d->name, name);
	r = d->name.error ? FOUND_MORE : look(t, d);
	if (r == FOUND_OBJECT)
		d->until_ns = now + HOLD_NS;
	return r;
}

/* The directory that the caller has open as fd, by name. */
static bool fd_name(const struct request *q, int fd, struct buf *out)
{
	_cleanup_identity_ struct identity *was = identity_look();
	char link[64], *p = buf_reserve(out, LIMIT_PATH);
	ssize_t n;

	(void)snprintf(link, sizeof(link), "/proc/%d/fd/%d", q->tid, fd);
	n = p ? readlink(link, p, LIMIT_PATH) : -1;
	if (n <= 0 || n == LIMIT_PATH || p[0] != '/')
		return false;
	out->len += (size_t)n;
	out->data[out->len] = '\0';
	return !str_ends(buf_str(out), DELETED);
}

/* The path as named, absolute and clean, into o->name. */
static bool name_it(const struct request *q, int dirfd, struct open_pass *o)
{
	struct str text = str_from(o->text);
	const struct cwd *c;

	buf_reset(&o->name);
	if (text.p[0] == '/')
		return path_clean(text, &o->name) == 0;
	if (dirfd == AT_FDCWD) {
		c = cwd_of(q);
		return c && path_join(buf_str(&c->path), text, &o->name) == 0;
	}
	buf_reset(&o->path);
	return fd_name(q, dirfd, &o->path) &&
	       path_join(buf_str(&o->path), text, &o->name) == 0;
}

/*
 * Looks at what o->name is, not through a link at its end. Its own path is
 * o->name, or the same through no link in o->path.
 */
static enum found find(struct tracer *t, struct open_pass *o, struct str *ret,
		       struct stat *ret_st)
{
	struct str name = buf_str(&o->name), dir = name;
	const struct dir_name *d;
	enum found r;

	dir.n -= str_basename(name).n;
	if (dir.n == name.n) /* "/" */
		return FOUND_MORE;
	if (dir.n > 1)
		dir.n--;
	r = dir_of(t, dir, &d);
	if (r != FOUND_OBJECT)
		return r;
	*ret = name;
	if (!d->plain) {
		buf_reset(&o->path);
		buf_put_str(&o->path, buf_str(&d->path));
		buf_putc(&o->path, '/');
		buf_put_str(&o->path, str_basename(name));
		*ret = buf_str(&o->path);
	}
	if (o->path.error)
		return FOUND_MORE;
	if (fstatat(AT_FDCWD, ret->p, ret_st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? FOUND_NOTHING : FOUND_MORE;
	return open_is_plain(t, ret_st, -1) ? FOUND_OBJECT : FOUND_MORE;
}

/* A rule may keep what is there, or show something else in its place. */
static bool is_special(const struct tracer *t, struct str path)
{
	return quarantine_of(t, path) != QUARANTINE_NONE ||
	       settings_denies(&t->settings, path);
}

static bool ends_as_dir(const char *text)
{
	struct str s = str_from(text);

	return str_ends(s, STR("/")) || str_ends(s, STR("/.")) ||
	       str_eq(s, STR("."));
}

/* 1: recorded; 0: no plain permission; -errno: not to be recorded. */
static int judge(struct request *q, const struct op *op)
{
	struct event e = EVENT_INIT("file_open");

	request_event(q, &e);
	e.path = op->file.path;
	e.operation = str_from(file_verb_to_string(FILE_OPEN));
	event_add_str(&e, "syscall", str_from(q->name));
	if (op->file.name.n)
		event_add_str(&e, "name", op->file.name);
	return guard_pass(q->tracer->guard, op, &e);
}

static bool is_for_us(const struct request *q, uint64_t flags)
{
	const struct tracer *t = q->tracer;

	return !t->reads_on_behalf && !t->diverts && (flags & ~OPEN_USUAL) == 0;
}

static struct open_pass *buffers(struct tracer *t)
{
	if (!t->opens)
		t->opens = calloc(1, sizeof(*t->opens));
	return t->opens;
}

bool open_pass(struct request *q, int dirfd, uint64_t addr, uint64_t flags)
{
	struct tracer *t = q->tracer;
	struct open_pass *o;
	struct op op = { .kind = OP_FILE };
	enum found found;
	struct stat st;
	struct str path;
	int r;

	if (!is_for_us(q, flags) || !(o = buffers(t)) ||
	    mem_get_string(&q->mem, addr, o->text, sizeof(o->text)) <= 0 ||
	    file_has_dotdot(o->text) || !name_it(q, dirfd, o))
		return false;
	found = find(t, o, &path, &st);
	if (found == FOUND_NOTHING) { /* what fails is on record nowhere */
		request_continue(q);
		return true;
	}
	if (found == FOUND_MORE || is_special(t, path) ||
	    (S_ISREG(st.st_mode) && ends_as_dir(o->text)))
		return false;
	op.file = (struct op_file){ .verb = FILE_OPEN,
				    .path = path,
				    .is_dir = S_ISDIR(st.st_mode) };
	if (path.p != o->name.data)
		op.file.name = buf_str(&o->name);
	r = judge(q, &op);
	if (r < 0)
		request_fail(q, EACCES);
	else if (r > 0)
		request_continue(q);
	return r != 0;
}

void dirs_forget(struct tracer *t)
{
	for (size_t i = 0; t->opens && i < DIR_SLOTS; i++)
		t->opens->dirs[i].until_ns = 0;
}

void open_pass_done(struct tracer *t)
{
	struct open_pass *o = TAKE(t->opens);

	if (!o)
		return;
	for (size_t i = 0; i < DIR_SLOTS; i++) {
		buf_done(&o->dirs[i].name);
		buf_done(&o->dirs[i].path);
	}
	buf_done(&o->name);
	buf_done(&o->path);
	free(o);
}
