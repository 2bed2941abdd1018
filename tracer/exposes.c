/* SPDX-License-Identifier: MIT */
/*
 * exposes.c - would a new name of a directory get around a rule?
 *
 * Rules speak of paths. A directory that is allowed may hold entries that are
 * not; moved away, they would have names that no rule knows, and what could not
 * be made under a name may come to it with its directory. Each entry is judged
 * by its present and by its future name before the directory is moved; a link
 * also by what its future name would lead to. The walk holds a descriptor per
 * level and follows no link.
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
	const struct exposure *e;
	DIR *dirs[EXPOSES_MAX_DEPTH];      /* owned, 0 .. depth - 1 */
	size_t lengths[EXPOSES_MAX_DEPTH]; /* of path at each level */
	unsigned int depth, seen;
	struct buf path;   /* present name */
	struct buf *found; /* what is denied; scratch before that */
	enum file_verb *verb;
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

static bool is_denied(const struct walk *w, enum file_verb verb,
		      struct str path, bool is_dir)
{
	struct op op = { .kind = OP_FILE };

	op.file.verb = verb;
	op.file.path = path;
	op.file.is_dir = is_dir;
	*w->verb = verb;
	return policy_decide(w->e->policy, &op).kind == VERDICT_DENY;
}

/* What the present name is afterwards. */
static int put_future(const struct walk *w)
{
	struct str rest = str_skip(buf_str(&w->path), w->e->path.n);

	buf_reset(w->found);
	buf_put_str(w->found, w->e->other);
	buf_put_str(w->found, rest);
	return w->found->error;
}

/* By its names before and after. 1, 0, -errno. */
static int judge_move(const struct walk *w, unsigned char type)
{
	_cleanup_buf_ struct buf future = BUF_INIT;
	bool is_dir = type == DT_DIR;
	int r = put_future(w);

	if (r < 0)
		return r;
	if (is_denied(w, FILE_RENAME, buf_str(w->found), is_dir))
		return 1;
	if (type == DT_LNK) {
		buf_put_str(&future, buf_str(w->found));
		r = future.error
			    ? future.error
			    : policy_beneath_named(w->e->beneath, w->e->policy,
						   FILE_CREATE,
						   buf_str(&future), w->found);
		*w->verb = FILE_CREATE;
		if (r != 0)
			return r;
	}
	buf_reset(w->found);
	buf_put_str(w->found, buf_str(&w->path));
	if (w->found->error)
		return w->found->error;
	return is_denied(w, FILE_RENAME, buf_str(w->found), is_dir);
}

static int judge(const struct walk *w, unsigned char type)
{
	struct str path = buf_str(&w->path);

	if (w->e->reads) {
		if (settings_denies(w->e->settings, path))
			return -EACCES;
		if (is_denied(w, FILE_OPEN, path, type == DT_DIR)) {
			buf_reset(w->found);
			buf_put_str(w->found, path);
			return w->found->error ? w->found->error : 1;
		}
	}
	return w->e->moves ? judge_move(w, type) : 0;
}

static bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* No rule that would be broken below this name can be broken in there. */
static bool is_open_below(const struct walk *w)
{
	const struct exposure *e = w->e;
	struct str path = buf_str(&w->path);

	if (e->reads && !policy_permits_below(e->policy, path, FILE_OPEN))
		return false;
	if (!e->moves)
		return true;
	return put_future(w) == 0 &&
	       !policy_beneath_may(e->beneath, FILE_RENAME, path) &&
	       !policy_beneath_may(e->beneath, FILE_RENAME, buf_str(w->found));
}

/* What nobody of ours can look into has nothing denied where all is allowed. */
static int enter_unless_closed(struct walk *w, int at, const char *name)
{
	int r = enter(w, at, name);

	return r == -EACCES && is_open_below(w) ? 0 : r;
}

/* One entry of the innermost directory. 1: denied; 0: go on; -errno. */
static int step(struct walk *w)
{
	DIR *dir = w->dirs[w->depth - 1];
	const struct dirent *e;
	int r;

	errno = 0;
	e = readdir(dir);
	if (!e) {
		r = -errno;
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
	r = judge(w, e->d_type);
	if (r != 0)
		return r;
	if (e->d_type != DT_DIR)
		return 0;
	return enter_unless_closed(w, dirfd(dir), e->d_name);
}

int exposes_find(const struct exposure *e, int fd, struct buf *ret_path,
		 enum file_verb *ret_verb)
{
	struct walk w = {
		.e = e, .path = BUF_INIT, .found = ret_path, .verb = ret_verb
	};
	int r;

	buf_put_str(&w.path, e->path);
	r = w.path.error ? w.path.error : enter_unless_closed(&w, fd, ".");
	while (r == 0 && w.depth > 0)
		r = step(&w);
	while (w.depth > 0)
		leave(&w);
	buf_done(&w.path);
	return r;
}
