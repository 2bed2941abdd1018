/* SPDX-License-Identifier: MIT */
/*
 * cgroup.c - what this host's cgroups let us do, found out by doing it
 *
 * Per mounted hierarchy: make the base directory beneath our own cgroup, in it
 * a probe directory, write each limit, read it back, remove the probe. What
 * survived that is used; nothing is concluded from names, versions or uid.
 * The controllers of one host may be spread over v1 hierarchies and v2; on such
 * a hybrid the v2 tree often has no controllers at all and still gives
 * cgroup.kill, so it is part of every set.
 */
#include "confine/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/macro.h"
#include "base/num.h"
#include "base/proc.h"
#include "confine/cgroup_root.h"

#define DEFAULT_BASE "agentsh"
#define BASE_TRIES   10
#define PROC_MAX     (1U << 20) /* bytes of mountinfo read */

int cgroup_write(int dirfd, const char *file, const char *text)
{
	_cleanup_close_ int fd = openat(dirfd, file, O_WRONLY | O_CLOEXEC);
	size_t n = strlen(text);

	if (fd < 0)
		return -errno;
	return write(fd, text, n) == (ssize_t)n ? 0 : -errno;
}

int cgroup_write_u64(int dirfd, const char *file, uint64_t value)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	return cgroup_write(dirfd, file, text);
}

int cgroup_read(int dirfd, const char *file, char *text, size_t size)
{
	_cleanup_close_ int fd = openat(dirfd, file, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = fd_read_full(fd, text, size - 1);
	if (n < 0)
		return (int)n;
	text[n] = '\0';
	return 0;
}

int cgroup_read_key(int dirfd, const char *file, const char *key, uint64_t *ret)
{
	char text[1024];
	int r = cgroup_read(dirfd, file, text, sizeof(text));
	struct str rest = str_from(text), line, word;

	if (r < 0)
		return r;
	while (str_split(&rest, '\n', &line)) {
		if (str_split(&line, ' ', &word) && str_eq_c(word, key))
			return num_parse_u64(str_trim(line), ret);
	}
	return -ENOENT;
}

/* --- probing --- */

static bool probe_value(int dir, const char *file, const char *want)
{
	char text[64];
	size_t n = strlen(want);

	return cgroup_write(dir, file, want) == 0 &&
	       cgroup_read(dir, file, text, sizeof(text)) == 0 &&
	       strncmp(text, want, n) == 0;
}

struct probe_step {
	enum cgroup_kind kind;
	uint32_t controller;
	const char *file, *value;
};

static const struct probe_step probe_steps[] = {
	{ CGROUP_V1, CGROUP_MEMORY, "memory.limit_in_bytes", "67108864" },
	{ CGROUP_V1, CGROUP_PIDS, "pids.max", "64" },
	{ CGROUP_V1, CGROUP_CPU, "cpu.cfs_quota_us", "50000" },
	{ CGROUP_V1, CGROUP_FREEZER, "freezer.state", "FROZEN" },
	{ CGROUP_V2, CGROUP_MEMORY, "memory.max", "67108864" },
	{ CGROUP_V2, CGROUP_PIDS, "pids.max", "64" },
	{ CGROUP_V2, CGROUP_CPU, "cpu.max", "50000 100000" },
	{ CGROUP_V2, CGROUP_FREEZER, "cgroup.freeze", "1" },
};

/*
 * A directory beside processes of which a threaded controller (pids, cpu) was
 * taken away takes no process itself: "domain invalid".
 */
static bool takes_processes(int dirfd)
{
	char type[32];

	return cgroup_read(dirfd, "cgroup.type", type, sizeof(type)) < 0 ||
	       str_eq_c(str_trim(str_from(type)), "domain");
}

static int tree_probe(struct cgroup_tree *t, uint32_t offered)
{
	_cleanup_close_ int dir = -1;
	char name[64];

	(void)snprintf(name, sizeof(name), "probe.%d", (int)getpid());
	if (mkdirat(t->fd, name, 0755) < 0 && errno != EEXIST)
		return -errno;
	dir = openat(t->fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir >= 0 && t->kind == CGROUP_V2 && !takes_processes(dir)) {
		(void)unlinkat(t->fd, name, AT_REMOVEDIR);
		return -EBUSY;
	}
	for (size_t i = 0; dir >= 0 && i < ARRAY_LEN(probe_steps); i++) {
		const struct probe_step *s = &probe_steps[i];

		if (s->kind == t->kind && (s->controller & offered) &&
		    probe_value(dir, s->file, s->value))
			t->use |= s->controller;
	}
	if (t->kind == CGROUP_V2 && dir >= 0)
		t->kill = cgroup_write(dir, "cgroup.kill", "1") == 0;
	t->freeze = (t->use & CGROUP_FREEZER) != 0;
	t->use &= ~CGROUP_FREEZER;
	if (unlinkat(t->fd, name, AT_REMOVEDIR) < 0)
		return -errno;
	return t->use || t->kill || t->freeze ? 0 : -EOPNOTSUPP;
}

/* --- v2: controllers are passed down level by level --- */

/* This process, or another program of ours. */
static bool is_family(pid_t pid)
{
	_cleanup_buf_ struct buf exe = BUF_INIT;

	return pid == getpid() ||
	       (proc_exe(pid, &exe) == 0 &&
		str_starts(str_basename(buf_str(&exe)), STR("agentsh")));
}

/*
 * Moves what is in own_fd to the directory `to` (-1: only looks whether that
 * may be done). -EBUSY if somebody else is there: their place is not ours to
 * choose.
 */
static int family_move(const struct cgroup_tree *t, int to)
{
	char text[4096];
	int r = cgroup_read(t->own_fd, "cgroup.procs", text, sizeof(text));
	struct str rest = str_from(text), line;
	int64_t pid;

	while (r == 0 && str_split(&rest, '\n', &line)) {
		if (line.n == 0)
			continue;
		if (num_parse_range(line, 1, INT32_MAX, &pid) < 0 ||
		    !is_family((pid_t)pid))
			return -EBUSY;
		if (to >= 0)
			r = cgroup_write_u64(to, "cgroup.procs", (uint64_t)pid);
	}
	return r;
}

/* The no-internal-process rule: make room by stepping into a child. */
static int step_aside(struct cgroup_tree *t)
{
	_cleanup_close_ int self = -1;
	int r = family_move(t, -1);

	if (r < 0)
		return r;
	if (mkdirat(t->own_fd, CGROUP_SELF, 0755) < 0 && errno != EEXIST)
		return -errno;
	self = openat(t->own_fd, CGROUP_SELF,
		      O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (self < 0)
		return -errno;
	r = family_move(t, self);
	t->moved = r == 0;
	return r;
}

static const struct {
	uint32_t bit;
	const char *enable, *disable, *name;
} v2_controllers[] = {
	{ CGROUP_MEMORY, "+memory", "-memory", "memory" },
	{ CGROUP_PIDS, "+pids", "-pids", "pids" },
	{ CGROUP_CPU, "+cpu", "-cpu", "cpu" },
};

static int enable_one(struct cgroup_tree *t, const char *word)
{
	int r = 0;

	if (!t->above)
		r = cgroup_write(t->own_fd, "cgroup.subtree_control", word);
	if (r == -EBUSY && !t->moved && step_aside(t) == 0)
		r = cgroup_write(t->own_fd, "cgroup.subtree_control", word);
	if (r == 0)
		r = cgroup_write(t->fd, "cgroup.subtree_control", word);
	return r;
}

/*
 * Somebody else's processes are beside our directory and stay there. memory
 * was refused for that; pids and cpu were not, but would make our directories
 * ones that take no process.
 */
static uint32_t v2_undo_partial(const struct cgroup_tree *t, uint32_t offered)
{
	if (t->above || takes_processes(t->fd))
		return offered;
	for (size_t i = 0; i < ARRAY_LEN(v2_controllers); i++) {
		if (!(offered & v2_controllers[i].bit))
			continue;
		(void)cgroup_write(t->fd, "cgroup.subtree_control",
				   v2_controllers[i].disable);
		(void)cgroup_write(t->own_fd, "cgroup.subtree_control",
				   v2_controllers[i].disable);
	}
	return CGROUP_FREEZER;
}

static uint32_t v2_enable(struct cgroup_tree *t, struct buf *why)
{
	uint32_t offered = CGROUP_FREEZER;
	char have[256];

	/* Above our own cgroup others decide what is passed down. */
	if (cgroup_read(t->above ? t->fd : t->own_fd, "cgroup.controllers",
			have, sizeof(have)) < 0)
		return offered;
	for (size_t i = 0; i < ARRAY_LEN(v2_controllers); i++) {
		struct str rest = str_trim(str_from(have)), word;
		int r = -ENOENT;

		while (r == -ENOENT && str_split(&rest, ' ', &word)) {
			if (str_eq_c(word, v2_controllers[i].name))
				r = enable_one(t, v2_controllers[i].enable);
		}
		if (r == 0)
			offered |= v2_controllers[i].bit;
		else if (r != -ENOENT && why)
			buf_printf(why, "v2 %s: %s; ", v2_controllers[i].name,
				   strerror(-r));
	}
	return v2_undo_partial(t, offered);
}

/* --- one hierarchy --- */

/*
 * The base directory is shared by every worker of every server here: each
 * holds a shared lock on it, and who can make that exclusive is the last one.
 */
static bool base_release(struct cgroup_tree *t)
{
	bool removed = false;

	if (t->fd < 0)
		return false;
	if (t->made && flock(t->fd, LOCK_EX | LOCK_NB) == 0)
		removed = rmdir(t->dir) == 0;
	(void)close(t->fd);
	return removed;
}

static void tree_done(struct cgroup_tree *t)
{
	/* only the last one may take the controllers away, and step back */
	if (base_release(t) && t->moved) {
		for (size_t i = 0; i < ARRAY_LEN(v2_controllers); i++)
			(void)cgroup_write(t->own_fd, "cgroup.subtree_control",
					   v2_controllers[i].disable);
		if (cgroup_write(t->own_fd, "cgroup.procs", "0") == 0)
			(void)unlinkat(t->own_fd, CGROUP_SELF, AT_REMOVEDIR);
	}
	if (t->own_fd >= 0)
		(void)close(t->own_fd);
	free(t->dir);
	free(t->path);
	*t = (struct cgroup_tree){ .fd = -1, .own_fd = -1 };
}

/* Opens the base directory, made if need be, and locks it against removal. */
static int base_acquire(struct cgroup_tree *t)
{
	for (unsigned int i = 0; i < BASE_TRIES; i++) {
		struct stat held, named;
		bool made = mkdir(t->dir, 0755) == 0;

		if (!made && errno != EEXIST)
			return -errno;
		t->made |= made;
		t->fd = open(t->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (t->fd >= 0 && flock(t->fd, LOCK_SH) == 0 &&
		    fstat(t->fd, &held) == 0 && stat(t->dir, &named) == 0 &&
		    held.st_ino == named.st_ino)
			return 0;
		/* the last user removed it just before we locked it */
		if (t->fd >= 0)
			(void)close(t->fd);
		t->fd = -1;
	}
	return -EBUSY;
}

/*
 * The directory that `base` means in this hierarchy. An absolute one names the
 * v2 place; what follows its mount point (or the directory that holds all
 * hierarchies) is reused elsewhere.
 */
static void base_place(const struct cgroup_mount *m, const char *base,
		       struct buf *dir, struct buf *path)
{
	const char *parent_end = strrchr(m->point, '/');
	size_t point = strlen(m->point);
	size_t parent = parent_end ? (size_t)(parent_end - m->point) : 0;

	if (base[0] != '/') {
		buf_printf(dir, "%s/%s", m->own, base);
		buf_printf(path, "%s/%s",
			   strcmp(m->path, "/") == 0 ? "" : m->path, base);
		return;
	}
	if (strncmp(base, m->point, point) == 0 && base[point] == '/')
		base += point;
	else if (parent > 1 && strncmp(base, m->point, parent) == 0 &&
		 base[parent] == '/')
		base += parent;
	buf_printf(dir, "%s%s", m->point, base);
	buf_puts(path, base);
}

static int tree_open(const struct cgroup_mount *m, const char *base,
		     struct buf *why, struct cgroup_tree *t)
{
	_cleanup_buf_ struct buf dir = BUF_INIT;
	_cleanup_buf_ struct buf path = BUF_INIT;
	uint32_t offered;
	int r;

	base_place(m, base, &dir, &path);
	t->kind = m->kind;
	t->moved = m->aside;
	t->dir = buf_take(&dir);
	t->path = buf_take(&path);
	if (!t->dir || !t->path)
		return -ENOMEM;
	t->own_fd = open(m->own, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (t->own_fd < 0)
		return -errno;
	t->made = strcmp(base, DEFAULT_BASE) == 0;
	r = base_acquire(t);
	if (r < 0)
		return r;
	offered = m->kind == CGROUP_V2 ? v2_enable(t, why) : m->controllers;
	return tree_probe(t, offered);
}

/*
 * Beside processes that are not ours (a shell's session) v2 passes memory down
 * to nobody. A directory further up, as container engines have one, is as good
 * to who may make it; what bounds our own cgroup bounds it as well.
 */
static void tree_climb(const struct cgroup_mount *m, struct cgroup_tree *t)
{
	struct cgroup_mount up = { .kind = m->kind,
				   .point = str_dup(str_from(m->point)),
				   .own = str_dup(str_from(m->own)),
				   .path = str_dup(str_from(m->path)) };

	while (up.point && up.own && up.path && cgroup_mount_up(&up)) {
		struct cgroup_tree x = { .fd = -1,
					 .own_fd = -1,
					 .above = true };

		if (tree_open(&up, DEFAULT_BASE, NULL, &x) == 0 &&
		    (x.use & CGROUP_MEMORY) && (x.use & CGROUP_PIDS) &&
		    cgroup_copy_bounds(m->own, up.own, x.fd) == 0) {
			tree_done(t);
			*t = x;
			break;
		}
		tree_done(&x);
	}
	cgroup_mounts_done(&up, 1);
}

static bool wants_more(const struct cgroup_tree *t)
{
	char have[256];

	return t->kind == CGROUP_V2 && !(t->use & CGROUP_MEMORY) &&
	       cgroup_read(t->own_fd, "cgroup.controllers", have,
			   sizeof(have)) == 0 &&
	       strstr(have, "memory");
}

/* --- the host --- */

static bool base_ok(const char *base)
{
	size_t n = strlen(base);

	return n > 0 && n < 200 && !strstr(base, "..") && base[n - 1] != '/';
}

uint64_t cgroup_pid_namespace(void)
{
	struct stat st;

	return stat("/proc/self/ns/pid", &st) == 0 ? st.st_ino : 0;
}

static int owner_name(struct cgroup_root *r)
{
	uint64_t ticks;
	int e = proc_start_ticks(getpid(), &ticks);

	if (e < 0)
		return e;
	(void)snprintf(r->owner, sizeof(r->owner), "@%d.%llu.%llu",
		       (int)getpid(), (unsigned long long)ticks,
		       (unsigned long long)cgroup_pid_namespace());
	return 0;
}

/* Opens every mounted hierarchy that lets us; 0 or -ENOMEM. */
static int root_fill(struct cgroup_root *r, const struct cgroup_mount *mounts,
		     size_t n, const char *base, struct buf *why)
{
	for (size_t i = 0; i < n; i++) {
		struct cgroup_tree *t = &r->trees[r->n];
		int e;

		*t = (struct cgroup_tree){ .fd = -1, .own_fd = -1 };
		e = tree_open(&mounts[i], base, why, t);
		if ((e == 0 || e == -EBUSY) && wants_more(t) &&
		    strcmp(base, DEFAULT_BASE) == 0) {
			tree_climb(&mounts[i], t);
			e = t->above ? 0 : e;
		}
		if (e == 0) {
			r->n++;
			continue;
		}
		tree_done(t);
		if (e == -ENOMEM)
			return e;
		if (why)
			buf_printf(why, "%s: %s; ", mounts[i].own,
				   strerror(-e));
	}
	return 0;
}

int cgroup_root_open_why(const char *base, struct buf *why,
			 struct cgroup_root **ret)
{
	struct cgroup_mount mounts[CGROUP_MAX_MOUNTS] = { { 0 } };
	_cleanup_buf_ struct buf info = BUF_INIT;
	_cleanup_buf_ struct buf self = BUF_INIT;
	struct cgroup_root *r;
	int n, e;

	if (!base || !*base)
		base = DEFAULT_BASE;
	if (!base_ok(base))
		return -EINVAL;
	if (fd_read_file(AT_FDCWD, "/proc/self/mountinfo", PROC_MAX, &info) <
		    0 ||
	    fd_read_file(AT_FDCWD, "/proc/self/cgroup", PROC_MAX, &self) < 0)
		return -EOPNOTSUPP;
	r = calloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	n = cgroup_mounts_parse(buf_str(&info), buf_str(&self), mounts);
	e = n < 0 ? n : owner_name(r);
	if (e == 0)
		e = root_fill(r, mounts, (size_t)n, base, why);
	cgroup_mounts_done(mounts, n < 0 ? 0 : (size_t)n);
	if (e == 0 && r->n == 0) {
		if (why && n == 0)
			buf_puts(why, "no cgroup file system is mounted");
		e = -EOPNOTSUPP;
	}
	if (e < 0) {
		(void)cgroup_root_close(r);
		return e;
	}
	*ret = r;
	return 0;
}

int cgroup_root_open(const char *base, struct cgroup_root **ret)
{
	return cgroup_root_open_why(base, NULL, ret);
}

struct cgroup_root *cgroup_root_close(struct cgroup_root *r)
{
	if (!r)
		return NULL;
	for (size_t i = 0; i < r->n; i++)
		tree_done(&r->trees[i]);
	free(r);
	return NULL;
}

/* v2 where both could: one write places a process, and it is not going away. */
static void prefer(enum cgroup_kind *slot, const struct cgroup_tree *t,
		   uint32_t controller)
{
	if ((t->use & controller) && *slot != CGROUP_V2)
		*slot = t->kind;
}

void cgroup_root_info(const struct cgroup_root *r, struct cgroup_root_info *ret)
{
	*ret = (struct cgroup_root_info){ .memory = CGROUP_NONE };
	for (size_t i = 0; r && i < r->n; i++) {
		prefer(&ret->memory, &r->trees[i], CGROUP_MEMORY);
		prefer(&ret->pids, &r->trees[i], CGROUP_PIDS);
		prefer(&ret->cpu, &r->trees[i], CGROUP_CPU);
		ret->kill |= r->trees[i].kill;
		ret->freeze |= r->trees[i].freeze;
	}
}

static void describe_kind(const struct cgroup_root_info *i,
			  enum cgroup_kind kind, bool extra_kill,
			  bool extra_freeze, struct buf *out)
{
	_cleanup_buf_ struct buf words = BUF_INIT;

	if (i->memory == kind)
		buf_puts(&words, " memory");
	if (i->pids == kind)
		buf_puts(&words, " pids");
	if (i->cpu == kind)
		buf_puts(&words, " cpu");
	if (extra_kill)
		buf_puts(&words, " kill");
	if (extra_freeze)
		buf_puts(&words, " freeze");
	if (words.len == 0)
		return;
	buf_printf(out, "%s:%s", kind == CGROUP_V1 ? "v1" : "v2",
		   buf_cstr(&words));
}

void cgroup_root_describe(const struct cgroup_root *r, struct buf *out)
{
	_cleanup_buf_ struct buf v2 = BUF_INIT;
	struct cgroup_root_info info;
	bool freeze_v1 = false, freeze_v2 = false;
	size_t start = out->len; /* others' text may stand there */

	if (!r) {
		buf_puts(out, "none");
		return;
	}
	cgroup_root_info(r, &info);
	for (size_t i = 0; i < r->n; i++) {
		if (r->trees[i].kind == CGROUP_V1)
			freeze_v1 |= r->trees[i].freeze;
		else
			freeze_v2 |= r->trees[i].freeze;
	}
	describe_kind(&info, CGROUP_V1, false, freeze_v1 && !freeze_v2, out);
	describe_kind(&info, CGROUP_V2, info.kill, freeze_v2, &v2);
	if (v2.len)
		buf_printf(out, "%s%s", out->len > start ? "; " : "",
			   buf_cstr(&v2));
}
