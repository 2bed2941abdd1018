/* SPDX-License-Identifier: MIT */
/*
 * divert.c - redirect verdicts of file rules: another file takes the place of
 * the one that was named
 */
#include "tracer/divert.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/path.h"

#define DIRS_MAX 64

/* One component, made if it is missing and `make`; never through a link. */
static int step(int at, const char *name, bool make)
{
	struct open_how how = { .flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
				.resolve = RESOLVE_BENEATH |
					   RESOLVE_NO_SYMLINKS };
	int fd = (int)syscall(SYS_openat2, at, name, &how, sizeof(how));

	if (fd >= 0 || errno != ENOENT || !make)
		return fd < 0 ? -errno : fd;
	if (mkdirat(at, name, 0755) < 0 && errno != EEXIST)
		return -errno;
	fd = (int)syscall(SYS_openat2, at, name, &how, sizeof(how));
	return fd < 0 ? -errno : fd;
}

/* Descends from `at` (taken) along path. An O_PATH descriptor or -errno. */
static int descend(int at, struct str path, bool make)
{
	struct str part;

	while (at >= 0 && str_split(&path, '/', &part)) {
		_cleanup_close_ int from = at;
		char name[NAME_MAX + 1];

		if (part.n == 0) {
			at = TAKE_FD(from);
			continue;
		}
		if (part.n > NAME_MAX)
			return -ENAMETOOLONG;
		memcpy(name, part.p, part.n);
		name[part.n] = 0;
		at = step(from, name, make);
	}
	return at;
}

/* The rule's directory: its author may have links in it, so it is followed as
 * a whole; what is missing of it is made. */
static int open_top(const struct tracer *t, struct str dir, bool make)
{
	_cleanup_buf_ struct buf path = BUF_INIT;
	int fd, r = path_join(str_from(t->workspace), dir, &path);

	if (r < 0)
		return r;
	fd = open(buf_cstr(&path), O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0 || errno != ENOENT || !make)
		return fd < 0 ? -errno : fd;
	fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : descend(fd, buf_str(&path), make);
}

static bool makes_something(const struct file_call *f)
{
	return !file_verb_is_read(f->verb) && f->verb != FILE_DELETE &&
	       f->verb != FILE_RMDIR;
}

/* Parent directory of the diverted file. */
static int open_parent(const struct file_call *f, struct str path,
		       const struct policy_redirect *to)
{
	bool make = makes_something(f);
	struct str name = str_basename(path);
	int fd = open_top(f->q->tracer, to->target, make);

	if (fd < 0 || !to->preserve_tree)
		return fd;
	return descend(fd, str_from_n(path.p, path.n - name.n), make);
}

/* Calls that can do with a name of which only the directory is there. */
static bool makes_name(const struct file_call *f)
{
	switch ((int)f->verb) {
	case FILE_OPEN:
	case FILE_WRITE:
		return (f->flags & O_CREAT) != 0;
	case FILE_CREATE:
	case FILE_MKDIR:
	case FILE_MKNOD:
	case FILE_SYMLINK:
		return true;
	default:
		return false;
	}
}

/* A target that was found as an object must be one here, too; links are only
 * what they are for calls that act on names. */
static int replace(struct file_call *f, struct file_target *x,
		   const struct policy_redirect *to)
{
	bool by_name = x->parent >= 0 && !x->missing;
	struct str name = str_basename(buf_str(&x->path));
	char last[NAME_MAX + 1];
	int r;

	if (name.n == 0 || name.n > NAME_MAX)
		return -EACCES;
	memcpy(last, name.p, name.n);
	last[name.n] = 0;
	r = open_parent(f, buf_str(&x->path), to);
	file_forget(x);
	if (r < 0)
		return r;
	x->parent = r;
	memcpy(x->last, last, name.n + 1);
	r = file_have_parent(f, x);
	if (r < 0)
		return r;
	if (x->fd >= 0 && S_ISLNK(x->st.st_mode) && !by_name)
		return -ELOOP;
	/* nothing is made by a call that did not find what it names */
	if (!file_exists(x) && x == &f->a && !makes_name(f))
		return -ENOENT;
	return file_is_ours(f, buf_str(&x->path)) ? -EACCES : 0;
}

static int divert_target(struct file_call *f, struct file_target *x,
			 bool *ret_any)
{
	const struct policy *p = guard_policy(f->q->tracer->guard);
	struct policy_redirect to = { 0 };
	struct verdict v;
	struct op op;
	int r;

	file_fill_op(f, x, f->verb, &op);
	v = policy_decide(p, &op);
	if (v.kind != VERDICT_REDIRECT)
		return 0;
	r = policy_rule_redirect(p, v, &to, NULL, 0, NULL, 0);
	if (r < 0 || to.target.n == 0)
		return -EACCES; /* a rule that does not say where to */
	*ret_any = true;
	return replace(f, x, &to);
}

int file_divert(struct file_call *f)
{
	bool any = false;
	int r = divert_target(f, &f->a, &any);

	if (r == 0 && f->two)
		r = divert_target(f, &f->b, &any);
	if (r < 0)
		return r;
	/* Diverted is only what reading would: nothing says where to. */
	if (!any)
		return -EACCES;
	/* What a rule diverts never goes on by itself: it is carried out. An
	 * O_PATH descriptor cannot be handed over; a readable one is more. */
	f->diverted = true;
	f->act = f->perform;
	f->flags &= f->verb == FILE_OPEN ? ~(uint64_t)O_PATH : ~0ULL;
	return 0;
}

/* By its name alone, as the caller gave it. */
static bool name_diverts(struct file_call *f, struct file_target *x)
{
	struct op op;
	bool yes;

	if (x->parent >= 0 || x->fd >= 0 || x->text[0] == 0)
		return x->parent >= 0 || x->fd >= 0;
	buf_reset(&x->path);
	buf_reset(&x->name);
	if (resolve_name(&f->viewer, x->dirfd, x->text, &x->path) < 0 ||
	    !request_valid(f->q))
		return false;
	file_fill_op(f, x, f->verb, &op);
	yes = policy_decide(guard_policy(f->q->tracer->guard), &op).kind ==
	      VERDICT_REDIRECT;
	x->missing = yes;
	return yes;
}

static bool target_diverts(struct file_call *f, struct file_target *x)
{
	struct op op;

	file_fill_op(f, x, f->verb, &op);
	return x->path.len > 0 &&
	       policy_decide(guard_policy(f->q->tracer->guard), &op).kind ==
		       VERDICT_REDIRECT;
}

bool file_name_diverted(struct file_call *f)
{
	if (!f->q->tracer->diverts || f->diverted)
		return false;
	if (!name_diverts(f, &f->a) || (f->two && !name_diverts(f, &f->b)))
		return false;
	/* one of them exists, and the other is no matter of a redirect */
	return target_diverts(f, &f->a) || (f->two && target_diverts(f, &f->b));
}

void divert_prepare(const struct tracer *t)
{
	struct str dirs[DIRS_MAX];
	size_t n = policy_redirect_dirs(t->policy, dirs, DIRS_MAX);

	for (size_t i = 0; i < MIN(n, (size_t)DIRS_MAX); i++) {
		int fd = open_top(t, dirs[i], /* make */ true);

		if (fd >= 0)
			(void)close(fd);
	}
}
