/* SPDX-License-Identifier: MIT */
/*
 * store.c - open and close a store; groups
 */
#include "trash/store.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/path.h"
#include "trash/mend.h"

static struct trash *store_free(struct trash *t)
{
	store_unmap_state(t);
	slot_cache_done(t);
	for (size_t i = 0; i < t->groups.n; i++)
		(void)group_free(t->groups.data[i]);
	vec_done(&t->groups);
	buf_done(&t->root_path);
	buf_done(&t->path);
	buf_done(&t->rel);
	buf_done(&t->scratch);
	seen_done(&t->seen);
	links_done(&t->links);
	cleanup_close_p(&t->root_fd);
	cleanup_close_p(&t->dir_fd);
	cleanup_close_p(&t->base_fd);
	cleanup_close_p(&t->mounted_fd);
	cleanup_close_p(&t->wfd);
	cleanup_close_p(&t->jfd);
	cleanup_close_p(&t->gfd);
	(void)pthread_mutex_destroy(&t->lock);
	free(t);
	return NULL;
}
DEFINE_CLEANUP(store_free, struct trash *)

static int store_alloc(const struct trash_options *o, struct trash **ret)
{
	struct trash *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->root_fd = t->dir_fd = t->base_fd = t->mounted_fd = -1;
	t->wfd = t->jfd = t->gfd = -1;
	t->opt = *o;
	t->opt.dir = NULL;
	t->opened_ns = clock_realtime_ns();
	if (t->opt.max_copy == 0)
		t->opt.max_copy = COPY_DEFAULT_MAX;
	(void)pthread_mutex_init(&t->lock, NULL);
	*ret = t;
	return 0;
}

static bool is_layered(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 && fs.f_type == OVERLAYFS_SUPER_MAGIC;
}

/* O_PATH | O_DIRECTORY handle of the directory that fd stands for. */
static int open_root(struct trash *t, int fd)
{
	t->root_fd = openat(fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (t->root_fd < 0)
		return -errno;
	t->layered = is_layered(t->root_fd);
	return path_of_fd(t->root_fd, &t->root_path);
}

/* Paths and identity of the opened trash directory. */
static int store_identify(struct trash *t)
{
	struct record_stat st;
	struct str path, root;
	int r;

	r = store_stat(t->dir_fd, "", &st);
	if (r < 0)
		return r;
	t->dev = st.dev;
	t->ino = st.ino;
	r = path_of_fd(t->dir_fd, &t->path);
	if (r < 0)
		return r;
	path = buf_str(&t->path);
	root = buf_str(&t->root_path);
	if (path_beneath(path, root) && path.n > root.n)
		buf_put_str(&t->rel,
			    str_skip(path, root.n + (root.n > 1 ? 1 : 0)));
	return t->rel.error;
}

/* Git shall not list the quarantine as untracked files. Failing is harmless. */
static void hide_from_git(const struct trash *t)
{
	_cleanup_close_ int fd = openat(
		t->dir_fd, ".gitignore",
		O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd >= 0)
		(void)fd_write_full(fd, "*\n", 2);
}

#define STORE_EMPTY "empty"

static void make_empty(const struct trash *t)
{
	if (!t->opt.read_only)
		(void)mkdirat(t->base_fd, STORE_EMPTY, 0555);
}

int trash_open_empty(const struct trash *t)
{
	int fd = openat(t->base_fd, STORE_EMPTY,
			O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	return fd < 0 ? -errno : fd;
}

static int store_enter(struct trash *t)
{
	int r;

	if (!t->opt.read_only) {
		/* Also after the Go program, which makes it 0755. */
		(void)fchmod(t->dir_fd, 0700);
		hide_from_git(t);
		if (mkdirat(t->dir_fd, STORE_SUBDIR, 0700) < 0 &&
		    errno != EEXIST)
			return -errno;
	}
	t->base_fd = openat(t->dir_fd, STORE_SUBDIR,
			    O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (t->base_fd < 0) /* read only: the Go program's entries alone */
		return t->opt.read_only && errno == ENOENT ? 0 : -errno;
	make_empty(t);
	r = store_map_state(t);
	if (r < 0)
		return r;
	if (t->opt.read_only)
		return 0;
	if (t->opt.sets_budget) {
		store_claim(t);
		t->state->max_bytes = t->opt.max_bytes;
		t->state->max_entries = t->opt.max_entries;
	}
	r = t->fresh ? mend_state(t) : 0;
	if (r == 0)
		r = recover_all(t);
	reserve_make(t);
	return r;
}

static bool is_root(int fd, const struct trash_state *s)
{
	struct record_stat st;

	return store_stat(fd, "", &st) == 0 && st.dev == s->root_dev &&
	       st.ino == s->root_ino;
}

/* Descriptor of the directory that the store's state names as its workspace, if
 * that is there and the very one it was made for; else -1. */
static int stated_root(int dir_fd, bool *ret_is_above)
{
	_cleanup_close_ int up = -1, fd = -1, other = -1;
	struct trash_state s = { 0 };
	ssize_t n = 0;

	*ret_is_above = false;
	up = openat(dir_fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
	fd = openat(dir_fd, STORE_SUBDIR "/state",
		    O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd >= 0)
		n = pread(fd, &s, sizeof(s), 0);
	if (n != (ssize_t)sizeof(s) || s.magic != STORE_MAGIC ||
	    s.root_len >= sizeof(s.root))
		return -1;
	s.root[s.root_len] = '\0';
	*ret_is_above = up >= 0 && is_root(up, &s);
	if (*ret_is_above || s.root[0] != '/')
		return -1;
	other = open(s.root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return other >= 0 && is_root(other, &s) ? TAKE_FD(other) : -1;
}

/*
 * The workspace a store belongs to: the directory above it, or the one written
 * in its state; both only if it is the very directory it was made for, as far
 * as the state says.
 */
static int find_root(int dir_fd)
{
	bool above;
	int fd = stated_root(dir_fd, &above);

	if (fd >= 0)
		return fd;
	fd = openat(dir_fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* Copied with its workspace, or put there by whoever made the directory. */
static bool is_of_another(const struct trash *t)
{
	_cleanup_close_ int fd = -1;
	struct record_stat st, own;
	bool above;

	fd = stated_root(t->dir_fd, &above);
	return fd >= 0 && store_stat(fd, "", &st) == 0 &&
	       store_stat(t->root_fd, "", &own) == 0 &&
	       (st.dev != own.dev || st.ino != own.ino);
}

int trash_open(int root_fd, const struct trash_options *o, struct trash **ret)
{
	_cleanup_(store_free_p) struct trash *t = NULL;
	const char *dir = o->dir && *o->dir ? o->dir : TRASH_DEFAULT_DIR;
	int r;

	r = store_alloc(o, &t);
	if (r < 0)
		return r;
	r = open_root(t, root_fd);
	if (r < 0)
		return r;
	if (!o->read_only && *dir == '/') {
		r = fd_mkdirs(dir, 0700);
		if (r < 0)
			return r;
	} else if (!o->read_only && mkdirat(t->root_fd, dir, 0700) < 0 &&
		   errno != EEXIST) {
		return -errno;
	}
	t->dir_fd = openat(t->root_fd, dir,
			   O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (t->dir_fd < 0)
		return -errno;
	r = store_identify(t);
	if (r < 0)
		return r;
	if (o->only_own && is_of_another(t))
		return -EXDEV;
	r = store_enter(t);
	if (r < 0)
		return r;
	*ret = TAKE(t);
	return 0;
}

int trash_open_path(const char *path, const struct trash_options *o,
		    struct trash **ret)
{
	_cleanup_(store_free_p) struct trash *t = NULL;
	_cleanup_close_ int root = -1;
	int r;

	r = store_alloc(o, &t);
	if (r < 0)
		return r;
	t->dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (t->dir_fd < 0)
		return -errno;
	root = find_root(t->dir_fd);
	if (root < 0)
		return root;
	r = open_root(t, root);
	if (r < 0)
		return r;
	r = store_identify(t);
	if (r < 0)
		return r;
	r = store_enter(t);
	if (r < 0)
		return r;
	*ret = TAKE(t);
	return 0;
}

struct trash *trash_close(struct trash *t)
{
	if (!t)
		return NULL;
	(void)pthread_mutex_lock(&t->lock);
	journal_close(t);
	(void)pthread_mutex_unlock(&t->lock);
	return store_free(t);
}

struct str trash_root_path(const struct trash *t)
{
	return buf_str(&t->root_path);
}

struct str trash_path(const struct trash *t)
{
	return buf_str(&t->path);
}

int trash_root_fd(const struct trash *t)
{
	return t->root_fd;
}

void trash_id(const struct trash *t, dev_t *ret_dev, ino_t *ret_ino)
{
	*ret_dev = t->dev;
	*ret_ino = t->ino;
}

struct group *store_group(struct trash *t, uint32_t id)
{
	return id > 0 && id <= t->groups.n ? t->groups.data[id - 1] : NULL;
}

static int group_add(struct trash *t, const struct record_group *rec,
		     uint32_t *ret_group)
{
	_cleanup_(group_free_p) struct group *g = NULL;
	int r;

	r = vec_reserve(&t->groups, t->groups.n + 1);
	if (r < 0)
		return r;
	r = group_new(rec, &g);
	if (r < 0)
		return r;
	record_put_group(journal_scratch(t),
			 &(struct record_group){
				 .id = rec->id,
				 .flags = rec->flags,
				 .seq = rec->seq,
				 .when_ns = rec->when_ns,
				 .session = str_from(g->session),
				 .command = str_from(g->command),
				 .detail = str_from(g->detail),
			 });
	g->off = t->joff;
	r = journal_commit(t);
	if (r < 0)
		return r;
	g->dirty = true;
	t->groups.data[t->groups.n++] = TAKE(g);
	*ret_group = rec->id;
	return 0;
}

static int group_open_locked(struct trash *t, struct record_group *rec,
			     uint32_t *ret_group)
{
	int r;

	for (size_t i = t->groups.n; i-- > 0;) {
		const struct group *g = t->groups.data[i];

		if (str_eq_c(rec->session, g->session) &&
		    str_eq_c(rec->command, g->command) &&
		    g->flags == rec->flags) {
			*ret_group = g->id;
			return 0;
		}
	}
	r = journal_ready(t);
	if (r < 0)
		return r;
	rec->id = (uint32_t)t->groups.n + 1;
	rec->seq = store_tick(t);
	rec->when_ns = clock_realtime_ns();
	return group_add(t, rec, ret_group);
}

int store_group_open(struct trash *t, uint32_t flags, struct str session,
		     struct str command, struct str detail, uint32_t *ret_group)
{
	struct record_group rec = {
		.flags = flags,
		.session = session,
		.command = command,
		.detail = detail,
	};
	int r;

	if (t->opt.read_only)
		return -EROFS;
	if (session.n > 512 || command.n > 512)
		return -ENAMETOOLONG;
	(void)pthread_mutex_lock(&t->lock);
	r = group_open_locked(t, &rec, ret_group);
	(void)pthread_mutex_unlock(&t->lock);
	return r;
}

int trash_group_open(struct trash *t, struct str session, struct str command,
		     struct str detail, uint32_t *ret_group)
{
	return store_group_open(t, 0, session, command, detail, ret_group);
}

void trash_group_close(struct trash *t, uint32_t group)
{
	struct group *g;

	(void)pthread_mutex_lock(&t->lock);
	g = store_group(t, group);
	if (g && !g->ended) {
		g->end_ns = clock_realtime_ns();
		g->ended = true;
		g->dirty = true;
		record_put_ref(journal_scratch(t), RECORD_END,
			       &(struct record_ref){ .by = group,
						     .when_ns = g->end_ns });
		(void)journal_commit(t);
		(void)journal_summarise(t);
	}
	(void)pthread_mutex_unlock(&t->lock);
}

int trash_group_get(struct trash *t, uint32_t group,
		    struct trash_group_stat *ret)
{
	const struct group *g;
	int r = -ENOENT;

	(void)pthread_mutex_lock(&t->lock);
	g = store_group(t, group);
	if (g) {
		*ret = g->stat;
		ret->token = token_make(t->writer, g->seq);
		r = 0;
	}
	(void)pthread_mutex_unlock(&t->lock);
	return r;
}

uint32_t trash_links(struct trash *t, dev_t dev, ino_t ino)
{
	uint32_t n;

	if (__atomic_load_n(&t->links.used, __ATOMIC_RELAXED) == 0)
		return 0;
	(void)pthread_mutex_lock(&t->lock);
	n = links_get(&t->links, dev, ino);
	(void)pthread_mutex_unlock(&t->lock);
	return n;
}
