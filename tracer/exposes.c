/* SPDX-License-Identifier: MIT */
/*
 * exposes.c - would a new name make something denied readable?
 *
 * Rules speak of paths. A directory that is allowed may hold entries that are
 * not; moved away, they would have names that no rule knows. Each entry is
 * judged by its present name before the directory is moved. The walk holds a
 * descriptor per level and follows no link.
 */
#include "tracer/exposes.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fd.h"

#define EXPOSES_MAX_DEPTH   64
#define EXPOSES_MAX_ENTRIES 200000

struct walk {
	DIR *dirs[EXPOSES_MAX_DEPTH];      /* owned, 0 .. depth - 1 */
	size_t lengths[EXPOSES_MAX_DEPTH]; /* of path at each level */
	unsigned int depth, seen;
	struct buf path;
};

static int enter(struct walk *w, int at, const char *name)
{
	int r;

	if (w->depth == EXPOSES_MAX_DEPTH)
		return -ELOOP;
	r = fd_opendir(at, name, &w->dirs[w->depth]);
	if (r < 0)
		return r;
	w->lengths[w->depth++] = w->path.len;
	return 0;
}

static void leave(struct walk *w)
{
	(void)closedir(w->dirs[--w->depth]);
}

static bool is_denied(const struct walk *w, const struct policy *p,
		      const struct settings *s, bool is_dir)
{
	struct op op = { .kind = OP_FILE };

	op.file.verb = FILE_OPEN;
	op.file.path = buf_str(&w->path);
	op.file.is_dir = is_dir;
	return settings_denies(s, op.file.path) ||
	       policy_decide(p, &op).kind == VERDICT_DENY;
}

static bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* What nobody of ours can look into has nothing denied where all is allowed. */
static int enter_unless_closed(struct walk *w, const struct policy *p, int at,
			       const char *name)
{
	int r = enter(w, at, name);

	return r == -EACCES && policy_permits_below(p, buf_str(&w->path),
						    FILE_OPEN)
		       ? 0
		       : r;
}

/* One entry of the innermost directory. 1: denied; 0: go on; -errno. */
static int step(struct walk *w, const struct policy *p,
		const struct settings *s)
{
	DIR *dir = w->dirs[w->depth - 1];
	const struct dirent *e;

	errno = 0;
	e = readdir(dir);
	if (!e) {
		int r = -errno;

		leave(w);
		return r;
	}
	if (is_dots(e->d_name))
		return 0;
	if (++w->seen > EXPOSES_MAX_ENTRIES)
		return -E2BIG;
	w->path.len = w->lengths[w->depth - 1];
	buf_putc(&w->path, '/');
	buf_puts(&w->path, e->d_name);
	if (w->path.error)
		return w->path.error;
	if (is_denied(w, p, s, e->d_type == DT_DIR))
		return 1;
	if (e->d_type != DT_DIR)
		return 0;
	return enter_unless_closed(w, p, dirfd(dir), e->d_name);
}

bool exposes_denied(const struct policy *p, const struct settings *s, int fd,
		    struct str path)
{
	struct walk w = { .path = BUF_INIT };
	int r;

	buf_put_str(&w.path, path);
	r = w.path.error ? w.path.error : enter_unless_closed(&w, p, fd, ".");
	while (r == 0 && w.depth > 0)
		r = step(&w, p, s);
	while (w.depth > 0)
		leave(&w);
	buf_done(&w.path);
	return r != 0;
}
