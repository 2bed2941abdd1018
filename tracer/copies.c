/* SPDX-License-Identifier: MIT */
/*
 * copies.c - copies of denied programs
 *
 * Programs on the search path are judged by name, so only a file from
 * elsewhere can be a copy. The first such file makes us list the search path
 * and ask the policy about each program; contents are hashed only for denied
 * programs of exactly the same size, and at most once. What the linker says of
 * a build is compared as well: a copy that was changed a little still says it.
 *
 * A file has the names of its links as well: nc may be a link to nc.openbsd.
 * It is denied when all its link names are, whatever its own is called; when
 * some are allowed it is a multi-call binary, judged by the name it is called
 * by. The same holds for hard links.
 */
#include "tracer/copies.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/digest.h"
#include "base/path.h"
#include "base/vec.h"
#include "core/limits.h"
#include "tracer/elf_facts.h"
#include "tracer/ownfd.h"

#define COPIES_MAX_PROGRAMS 65536
#define COPIES_CACHE        256
#define COPIES_MAX_DIRS     32

struct program {
	dev_t dev;
	ino_t ino;
	off_t size;
	char *path; /* owned */
	bool denied, hashed, is_link;
	bool looked_at; /* for its build */
	uint8_t hash[SHA256_LEN];
	struct elf_facts facts;
};

struct dir {
	dev_t dev;
	ino_t ino;
	struct str name; /* in path */
};

struct seen {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec mtime, ctime;
	bool valid, denied;
};

struct copies {
	const struct policy *policy;      /* borrowed */
	char *path;                       /* owned: the search path as given */
	struct dir dirs[COPIES_MAX_DIRS]; /* as they were at first */
	size_t n_dirs;
	bool scanned;
	VEC(struct program) programs;
	struct seen cache[COPIES_CACHE];
};

static bool stat_dir(struct str name, struct stat *ret)
{
	char path[LIMIT_PATH];

	if (name.n == 0 || name.n >= sizeof(path))
		return false;
	memcpy(path, name.p, name.n);
	path[name.n] = 0;
	return stat(path, ret) == 0 && S_ISDIR(ret->st_mode);
}

int copies_new(const struct policy *p, const char *path, struct copies **ret)
{
	struct copies *c = calloc(1, sizeof(*c));
	struct str rest, name;

	if (!c)
		return -ENOMEM;
	c->policy = p;
	c->path = str_dup(str_from(path));
	if (!c->path) {
		free(c);
		return -ENOMEM;
	}
	rest = str_from(c->path);
	while (c->n_dirs < COPIES_MAX_DIRS && str_split(&rest, ':', &name)) {
		struct stat st;
		bool twice = false;

		if (!stat_dir(name, &st))
			continue;
		for (size_t i = 0; i < c->n_dirs; i++)
			twice |= st.st_ino == c->dirs[i].ino &&
				 st.st_dev == c->dirs[i].dev;
		if (!twice)
			c->dirs[c->n_dirs++] =
				(struct dir){ st.st_dev, st.st_ino, name };
	}
	*ret = c;
	return 0;
}

struct copies *copies_free(struct copies *c)
{
	if (!c)
		return NULL;
	free(c->path);
	for (size_t i = 0; i < c->programs.n; i++)
		free(c->programs.data[i].path);
	vec_done(&c->programs);
	free(c);
	return NULL;
}

static bool is_denied(const struct copies *c, const char *path)
{
	struct str argv = str_basename(str_from(path));
	struct op op = { .kind = OP_EXEC,
			 .exec = { .path = str_from(path),
				   .argv = &argv,
				   .argc = 1,
				   .depth = 1,
				   .exec_enforced = true } };

	return policy_decide(c->policy, &op).kind == VERDICT_DENY;
}

static void add_program(struct copies *c, const char *dir, const char *name,
			const struct stat *st, bool is_link)
{
	_cleanup_buf_ struct buf path = BUF_INIT;
	struct program p = { .dev = st->st_dev,
			     .ino = st->st_ino,
			     .size = st->st_size,
			     .is_link = is_link };

	buf_printf(&path, "%s/%s", dir, name);
	p.path = buf_take(&path);
	if (!p.path)
		return;
	p.denied = is_denied(c, p.path);
	if (vec_push(&c->programs, p) < 0)
		free(p.path);
}

static void scan_dir(struct copies *c, const char *dir)
{
	_cleanup_closedir_ DIR *d = opendir(dir);
	const struct dirent *e;

	while (d && (e = readdir(d)) && c->programs.n < COPIES_MAX_PROGRAMS) {
		struct stat st, own;

		if (e->d_type == DT_DIR ||
		    fstatat(dirfd(d), e->d_name, &own, AT_SYMLINK_NOFOLLOW) <
			    0 ||
		    fstatat(dirfd(d), e->d_name, &st, 0) < 0)
			continue;
		if (S_ISREG(st.st_mode) && (st.st_mode & 0111) != 0)
			add_program(c, dir, e->d_name, &st,
				    S_ISLNK(own.st_mode));
	}
}

static bool same_file(const struct program *a, const struct program *b)
{
	return a->ino == b->ino && a->dev == b->dev;
}

/* A file that is reached by denied link names only is denied itself. */
static void judge_by_links(struct copies *c, struct program *p)
{
	bool denied = false;

	for (size_t i = 0; i < c->programs.n; i++) {
		const struct program *link = &c->programs.data[i];

		if (!link->is_link || !same_file(link, p))
			continue;
		if (!link->denied)
			return;
		denied = true;
	}
	p->denied |= denied;
}

static void scan(struct copies *c)
{
	c->scanned = true;
	for (size_t i = 0; i < c->n_dirs; i++) {
		_cleanup_free_ char *name = str_dup(c->dirs[i].name);
		_cleanup_free_ char *real = name ? realpath(name, NULL) : NULL;

		if (real)
			scan_dir(c, real);
	}
	for (size_t i = 0; i < c->programs.n; i++)
		if (!c->programs.data[i].is_link)
			judge_by_links(c, &c->programs.data[i]);
}

static bool inode_allowed(const struct copies *c, dev_t dev, ino_t ino)
{
	for (size_t i = 0; i < c->programs.n; i++) {
		const struct program *p = &c->programs.data[i];

		if (p->dev == dev && p->ino == ino && !p->denied)
			return true;
	}
	return false;
}

static bool on_search_path(const struct copies *c, int fd)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct stat st;
	ptrdiff_t slash;

	if (ownfd_path(fd, &b) < 0)
		return false;
	slash = str_rindex(buf_str(&b), '/');
	if (slash < 0 ||
	    !stat_dir(str_from_n(b.data, (size_t)MAX(slash, 1)), &st))
		return false;
	for (size_t i = 0; i < c->n_dirs; i++)
		if (st.st_ino == c->dirs[i].ino && st.st_dev == c->dirs[i].dev)
			return true;
	return false;
}

static int hash_object(int fd, uint8_t out[SHA256_LEN])
{
	char path[48];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	_cleanup_close_ int f = open(path, O_RDONLY | O_CLOEXEC);
	return f < 0 ? -errno : digest_sha256_fd(f, out);
}

static bool same_content(struct program *p, const uint8_t hash[SHA256_LEN])
{
	if (!p->hashed) {
		_cleanup_close_ int fd = open(p->path, O_RDONLY | O_CLOEXEC);

		if (fd < 0 || digest_sha256_fd(fd, p->hash) < 0)
			return false;
		p->hashed = true;
	}
	return memcmp(p->hash, hash, SHA256_LEN) == 0;
}

/* A copy that had something appended, or its symbols taken out. */
static bool same_build(struct program *p, const struct elf_facts *of)
{
	if (of->build_id_n == 0)
		return false;
	if (!p->looked_at) {
		_cleanup_close_ int fd = open(p->path, O_RDONLY | O_CLOEXEC);

		p->facts.build_id_n = 0;
		p->looked_at = true;
		if (fd >= 0)
			(void)elf_look_fd(fd, &p->facts);
	}
	return p->facts.build_id_n == of->build_id_n &&
	       memcmp(p->facts.build_id, of->build_id, of->build_id_n) == 0;
}

static void look_at(int object, struct elf_facts *ret)
{
	_cleanup_close_ int fd =
		ownfd_open(object, O_RDONLY | O_NONBLOCK | O_CLOEXEC, 0);

	ret->build_id_n = 0;
	if (fd >= 0)
		(void)elf_look_fd(fd, ret);
}

static bool is_copy(struct copies *c, int fd, const struct stat *st)
{
	uint8_t hash[SHA256_LEN];
	struct elf_facts facts;
	bool hashed = false;

	look_at(fd, &facts);
	for (size_t i = 0; i < c->programs.n; i++) {
		struct program *p = &c->programs.data[i];

		if (p->is_link || !p->denied ||
		    inode_allowed(c, p->dev, p->ino))
			continue;
		if (same_build(p, &facts))
			return true;
		if (p->size != st->st_size)
			continue;
		if (p->dev == st->st_dev && p->ino == st->st_ino)
			return true;
		if (!hashed && hash_object(fd, hash) < 0)
			return false;
		hashed = true;
		if (same_content(p, hash))
			return true;
	}
	return false;
}

static bool same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

bool copies_match(struct copies *c, int fd)
{
	struct stat st;
	struct seen *s;

	if (!c || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
	    on_search_path(c, fd))
		return false;
	if (!c->scanned)
		scan(c);
	s = &c->cache[(st.st_ino ^ st.st_dev) % COPIES_CACHE];
	/* ctime: mtime can be set back by whoever rewrote the content. */
	if (s->valid && s->dev == st.st_dev && s->ino == st.st_ino &&
	    s->size == st.st_size && same_time(s->mtime, st.st_mtim) &&
	    same_time(s->ctime, st.st_ctim))
		return s->denied;
	*s = (struct seen){ .dev = st.st_dev,
			    .ino = st.st_ino,
			    .size = st.st_size,
			    .mtime = st.st_mtim,
			    .ctime = st.st_ctim,
			    .valid = true,
			    .denied = is_copy(c, fd, &st) };
	return s->denied;
}
