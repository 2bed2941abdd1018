/* SPDX-License-Identifier: MIT */
/*
 * cgroup_set.c - one command's cgroups: limits, membership, end
 *
 * A set has a directory in each hierarchy that has a controller it needs, and
 * in the one that can kill best. Membership is equal in all of them: a process
 * is attached to all before it execs, and can leave none (writing to cgroupfs
 * is what Landlock never grants).
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/macro.h"
#include "base/num.h"
#include "base/proc.h"
#include "confine/cgroup_root.h"

#define CPU_PERIOD_US  100000
#define REMOVE_TRIES   20
#define REMOVE_WAIT_MS 5
#define RECYCLE_MAX    (4U << 20) /* bytes still charged */
#define PEAK_SMALL     (1U << 20) /* a peak that need not be set back */

struct set_dir {
	const struct cgroup_tree *tree; /* borrowed from the root */
	int fd;                         /* owned */
	int procs_fd;                   /* owned; cgroup.procs for writing */
	int list_fd; /* owned; the same for reading, with a resident; -1 */
};

/* What is read of the memory controller when a command has ended. */
enum memory_file {
	MEMORY_PEAK = 0,
	MEMORY_EVENTS,
	MEMORY_NOW,
	MEMORY_FILES
};

struct cgroup_set {
	struct cgroup_root *root; /* borrowed */
	struct set_dir dirs[CGROUP_MAX_MOUNTS];
	size_t n;
	char name[280];
	struct cgroup_limits limits;
	struct buf missing;           /* limits that could not be set */
	uint64_t peak_base, oom_base; /* of the commands before */
	uint64_t peak, oom;           /* as last read, if has_usage */
	bool has_usage;
	pid_t resident; /* 0 = none */
	/* Of the memory controller, with a resident; owned, else -1. */
	int watch[MEMORY_FILES];
};

/* --- members --- */

int cgroup_set_kill(struct cgroup_set *s, unsigned int *ret_killed)
{
	unsigned int killed = 0;
	int r = 0;

	/* dirs[0] is the one that kills best; then what is only elsewhere */
	for (size_t i = 0; i < s->n; i++) {
		int e;

		if (i > 0 && cgroup_dir_empty(s->dirs[i].tree, s->dirs[i].fd))
			continue;
		e = cgroup_kill_dir(s->dirs[i].tree, s->dirs[i].fd, &killed);
		if (e < 0)
			r = e;
	}
	if (ret_killed)
		*ret_killed = killed;
	return r;
}

static bool dir_empty(const struct cgroup_set *s, const struct set_dir *d)
{
	char text[32];
	struct str pid;
	int64_t only;
	ssize_t n;

	if (!s->resident)
		return cgroup_dir_empty(d->tree, d->fd);
	/* a list that does not fit has more than one line */
	n = pread(d->list_fd, text, sizeof(text) - 1, 0);
	if (n < 0)
		return false;
	pid = str_trim(str_from_n(text, (size_t)n));
	return pid.n == 0 ||
	       (num_parse_i64(pid, &only) == 0 && only == (int64_t)s->resident);
}

/* Membership is equal in all; one file of v2 tells what a list of v1 does. */
bool cgroup_set_empty(const struct cgroup_set *s)
{
	size_t n = s->dirs[0].tree->kind == CGROUP_V2 ? 1 : s->n;

	for (size_t i = 0; i < n; i++) {
		if (!dir_empty(s, &s->dirs[i]))
			return false;
	}
	return true;
}

/* --- making one --- */

static bool name_ok(const char *name)
{
	size_t n = strlen(name);

	if (n == 0 || n > 200)
		return false;
	return strspn(name,
		      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		      "0123456789_.-") == n &&
	       name[0] != '.';
}

static int dir_add(struct cgroup_set *s, const struct cgroup_tree *t)
{
	struct set_dir d = {
		.tree = t, .fd = -1, .procs_fd = -1, .list_fd = -1
	};
	int r;

	if (mkdirat(t->fd, s->name, 0755) < 0 && errno != EEXIST)
		return -errno;
	d.fd = openat(t->fd, s->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (d.fd >= 0)
		d.procs_fd = openat(d.fd, "cgroup.procs", O_WRONLY | O_CLOEXEC);
	if (d.procs_fd < 0) {
		r = -errno;
		if (d.fd >= 0)
			(void)close(d.fd);
		(void)unlinkat(t->fd, s->name, AT_REMOVEDIR);
		return r;
	}
	s->dirs[s->n++] = d;
	return 0;
}

static int limit_memory(const struct set_dir *d, const struct cgroup_limits *l)
{
	bool v2 = d->tree->kind == CGROUP_V2;
	uint64_t swap = l->swap_set ? l->swap_bytes : 0;
	uint64_t both;
	int r = cgroup_write_u64(d->fd,
				 v2 ? "memory.max" : "memory.limit_in_bytes",
				 l->memory_bytes);

	if (r < 0)
		return r;
	if (v2)
		r = cgroup_write_u64(d->fd, "memory.swap.max", swap);
	else if (__builtin_add_overflow(l->memory_bytes, swap, &both))
		r = -ERANGE;
	else
		r = cgroup_write_u64(d->fd, "memory.memsw.limit_in_bytes",
				     both);
	/* absent: kernel without swap accounting, most often without swap */
	return r == -ENOENT && !l->swap_set ? 0 : r;
}

static int limit_cpu(const struct set_dir *d, const struct cgroup_limits *l)
{
	uint64_t quota = (uint64_t)l->cpu_percent * (CPU_PERIOD_US / 100);
	char text[64];
	int r;

	if (d->tree->kind == CGROUP_V2) {
		(void)snprintf(text, sizeof(text), "%llu %d",
			       (unsigned long long)quota, CPU_PERIOD_US);
		return cgroup_write(d->fd, "cpu.max", text);
	}
	r = cgroup_write_u64(d->fd, "cpu.cfs_period_us", CPU_PERIOD_US);
	return r < 0 ? r : cgroup_write_u64(d->fd, "cpu.cfs_quota_us", quota);
}

static const struct set_dir *dir_with(const struct cgroup_set *s,
				      uint32_t controller)
{
	const struct set_dir *found = NULL;

	for (size_t i = 0; i < s->n; i++) {
		if ((s->dirs[i].tree->use & controller) &&
		    (!found || s->dirs[i].tree->kind == CGROUP_V2))
			found = &s->dirs[i];
	}
	return found;
}

static void miss(struct buf *missing, const char *what)
{
	buf_printf(missing, "%s%s", missing->len ? " " : "", what);
}

static void limits_set(const struct cgroup_set *s,
		       const struct cgroup_limits *l, struct buf *missing)
{
	const struct set_dir *memory = dir_with(s, CGROUP_MEMORY);
	const struct set_dir *pids = dir_with(s, CGROUP_PIDS);
	const struct set_dir *cpu = dir_with(s, CGROUP_CPU);

	if (l->memory_bytes && (!memory || limit_memory(memory, l) < 0))
		miss(missing, "memory");
	if (l->pids &&
	    (!pids || cgroup_write_u64(pids->fd, "pids.max", l->pids) < 0))
		miss(missing, "pids");
	if (l->cpu_percent && (!cpu || limit_cpu(cpu, l) < 0))
		miss(missing, "cpu");
}

/* Controllers a command with these limits needs. Memory tells the peak, too. */
static uint32_t needed(const struct cgroup_limits *l)
{
	uint32_t use = CGROUP_MEMORY;

	if (l->pids)
		use |= CGROUP_PIDS;
	if (l->cpu_percent)
		use |= CGROUP_CPU;
	return use;
}

static const struct cgroup_tree *best_killer(const struct cgroup_root *r)
{
	const struct cgroup_tree *best = NULL;

	for (size_t i = 0; i < r->n; i++) {
		const struct cgroup_tree *t = &r->trees[i];

		if (t->kill)
			return t;
		if (!best || (t->freeze && !best->freeze))
			best = t;
	}
	return best;
}

static int dirs_add(struct cgroup_set *s, const struct cgroup_root *r,
		    uint32_t use)
{
	const struct cgroup_tree *killer = best_killer(r);
	int first = dir_add(s, killer);

	for (size_t i = 0; i < r->n; i++) {
		const struct cgroup_tree *t = &r->trees[i];
		int e;

		if (t == killer || !(t->use & use))
			continue;
		e = dir_add(s, t);
		if (e < 0 && first == 0)
			first = e;
	}
	return s->n > 0 ? 0 : first;
}

static int set_new(struct cgroup_root *r, const char *name,
		   const struct cgroup_limits *limits, struct cgroup_set **ret)
{
	struct cgroup_set *s = calloc(1, sizeof(*s));
	int e;

	if (!s)
		return -ENOMEM;
	s->root = r;
	for (size_t i = 0; i < MEMORY_FILES; i++)
		s->watch[i] = -1;
	s->limits = *limits;
	(void)snprintf(s->name, sizeof(s->name), "%s%s", name, r->owner);
	e = dirs_add(s, r, needed(limits));
	if (e < 0) {
		free(s);
		return e;
	}
	limits_set(s, limits, &s->missing);
	*ret = s;
	return 0;
}

int cgroup_set_create(struct cgroup_root *r, const char *name,
		      const struct cgroup_limits *limits,
		      struct cgroup_set **ret, struct buf *missing)
{
	struct cgroup_set *s = NULL;
	int e = name_ok(name) ? 0 : -EINVAL;

	if (e == 0)
		e = set_new(r, name, limits, &s);
	if (e < 0)
		return e;
	if (missing)
		buf_put_str(missing, buf_str(&s->missing));
	*ret = s;
	return 0;
}

unsigned int cgroup_set_procs_fds(const struct cgroup_set *s, int *fds,
				  unsigned int max)
{
	unsigned int n = 0;

	for (; n < s->n && n < max; n++)
		fds[n] = s->dirs[n].procs_fd;
	return n;
}

int cgroup_set_attach(struct cgroup_set *s, pid_t pid)
{
	char text[16];
	int n = snprintf(text, sizeof(text), "%d", (int)pid);
	int first = 0;

	for (size_t i = 0; i < s->n; i++) {
		if (write(s->dirs[i].procs_fd, text, (size_t)n) != n &&
		    first == 0)
			first = -errno;
	}
	return first;
}

static const char *memory_name(const struct set_dir *d, enum memory_file f)
{
	static const char *const v1[] = { "memory.max_usage_in_bytes",
					  "memory.oom_control",
					  "memory.usage_in_bytes" };
	static const char *const v2[] = { "memory.peak", /* 5.19 */
					  "memory.events", "memory.current" };

	return d->tree->kind == CGROUP_V2 ? v2[f] : v1[f];
}

/* 0 in a file that is not there or says nothing of the kind. */
static uint64_t memory_read(const struct cgroup_set *s, const struct set_dir *d,
			    enum memory_file f)
{
	char text[1024];
	struct str rest, line, word;
	uint64_t value = 0;
	ssize_t n = 0;

	if (s->watch[f] >= 0) {
		n = pread(s->watch[f], text, sizeof(text) - 1, 0);
		text[MAX(n, 0)] = '\0';
	} else if (cgroup_read(d->fd, memory_name(d, f), text, sizeof(text)) <
		   0) {
		n = -1;
	}
	if (n < 0)
		return 0;
	rest = str_from(text);
	while (f == MEMORY_EVENTS && str_split(&rest, '\n', &line)) {
		if (str_split(&line, ' ', &word) && str_eq_c(word, "oom_kill"))
			(void)num_parse_u64(str_trim(line), &value);
	}
	if (f != MEMORY_EVENTS)
		(void)num_parse_u64(str_trim(rest), &value);
	return value;
}

static void memory_watch(struct cgroup_set *s)
{
	const struct set_dir *d = dir_with(s, CGROUP_MEMORY);

	for (enum memory_file f = 0; d && f < MEMORY_FILES; f++)
		if (s->watch[f] < 0)
			s->watch[f] = openat(d->fd, memory_name(d, f),
					     O_RDONLY | O_CLOEXEC);
}

void cgroup_set_resident(struct cgroup_set *s, pid_t pid)
{
	const struct set_dir *pids = dir_with(s, CGROUP_PIDS);

	for (size_t i = 0; i < s->n; i++) {
		struct set_dir *d = &s->dirs[i];

		/* A set that cannot be looked into is never empty. */
		if (d->list_fd < 0)
			d->list_fd = openat(d->fd, "cgroup.procs",
					    O_RDONLY | O_CLOEXEC);
	}
	memory_watch(s);
	s->resident = pid;
	if (s->limits.pids && pids)
		(void)cgroup_write_u64(pids->fd, "pids.max",
				       (uint64_t)s->limits.pids + 1);
}

void cgroup_set_usage(struct cgroup_set *s, uint64_t *ret_peak_kb,
		      bool *ret_oom)
{
	const struct set_dir *d = dir_with(s, CGROUP_MEMORY);

	s->peak = d ? memory_read(s, d, MEMORY_PEAK) : 0;
	s->oom = d ? memory_read(s, d, MEMORY_EVENTS) : 0;
	s->has_usage = true;
	if (ret_peak_kb)
		*ret_peak_kb = s->peak > s->peak_base ? s->peak / 1024 : 0;
	if (ret_oom)
		*ret_oom = s->oom > s->oom_base;
}

/*
 * From here on only a higher peak counts. That of v1 can be set back, which is
 * worth its price when much was used; that of v2 not for other readers.
 */
static int memory_reset(struct cgroup_set *s, const struct set_dir *d,
			uint64_t left)
{
	uint64_t peak;
	int r = 0;

	/* What was read at the command's end is true still: since then there
	 * has been nobody but the resident. */
	if (!s->has_usage)
		cgroup_set_usage(s, NULL, NULL);
	s->has_usage = false;
	peak = s->peak;
	if (d->tree->kind == CGROUP_V1 && peak > left + PEAK_SMALL) {
		r = cgroup_write(d->fd, memory_name(d, MEMORY_PEAK), "0");
		peak = 0;
	}
	s->peak_base = peak;
	s->oom_base = s->oom;
	return r;
}

int cgroup_set_recycle(struct cgroup_set *s)
{
	const struct set_dir *d = dir_with(s, CGROUP_MEMORY);
	uint64_t left = d ? memory_read(s, d, MEMORY_NOW) : 0;

	if (!cgroup_set_empty(s) || left > RECYCLE_MAX)
		return -EBUSY;
	return d ? memory_reset(s, d, left) : 0;
}

bool cgroup_set_contains(const struct cgroup_set *s, pid_t pid)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	_cleanup_buf_ struct buf want = BUF_INIT;
	struct str rest, line;
	char file[64];

	(void)snprintf(file, sizeof(file), "/proc/%d/cgroup", (int)pid);
	if (fd_read_file(AT_FDCWD, file, 65536, &text) < 0)
		return false;
	/* names carry our pid and start time: unique among all hierarchies */
	buf_printf(&want, "%s/%s", s->dirs[0].tree->path, s->name);
	rest = buf_str(&text);
	while (!want.error && str_split(&rest, '\n', &line)) {
		ptrdiff_t at = str_index(line, '/');

		if (at >= 0 &&
		    str_eq(str_skip(line, (size_t)at), buf_str(&want)))
			return true;
	}
	return false;
}

/* --- the end --- */

/* A directory is busy for a moment after its last process died. */
static int dir_remove(const struct cgroup_tree *t, const char *name)
{
	for (unsigned int i = 0; i < REMOVE_TRIES; i++) {
		if (unlinkat(t->fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
			return 0;
		if (errno != EBUSY)
			return -errno;
		(void)poll(NULL, 0, REMOVE_WAIT_MS);
	}
	return -EBUSY;
}

struct cgroup_set *cgroup_set_destroy(struct cgroup_set *s)
{
	if (!s)
		return NULL;
	(void)cgroup_set_kill(s, NULL);
	for (size_t i = 0; i < s->n; i++) {
		(void)close(s->dirs[i].procs_fd);
		if (s->dirs[i].list_fd >= 0)
			(void)close(s->dirs[i].list_fd);
		(void)close(s->dirs[i].fd);
		(void)dir_remove(s->dirs[i].tree, s->name);
	}
	for (size_t i = 0; i < MEMORY_FILES; i++)
		if (s->watch[i] >= 0)
			(void)close(s->watch[i]);
	buf_done(&s->missing);
	free(s);
	return NULL;
}

/*
 * True for NAME@PID.TICKS.PIDNS whose owner is gone (or is another process
 * now). Of another PID namespace nothing can be said: its pids are not ours.
 */
static bool is_orphan(const char *name)
{
	struct str rest = str_from(name), pid_text, ticks_text;
	ptrdiff_t at = str_rindex(rest, '@');
	int64_t pid;
	uint64_t ticks, ns, now;

	if (at < 0)
		return false;
	rest = str_skip(rest, (size_t)at + 1);
	if (!str_split(&rest, '.', &pid_text) ||
	    num_parse_range(pid_text, 1, INT32_MAX, &pid) < 0 ||
	    !str_split(&rest, '.', &ticks_text) ||
	    num_parse_u64(ticks_text, &ticks) < 0 ||
	    num_parse_u64(rest, &ns) < 0 || ns != cgroup_pid_namespace())
		return false;
	return proc_start_ticks((pid_t)pid, &now) < 0 || now != ticks;
}

static int tree_reap(const struct cgroup_tree *t)
{
	_cleanup_closedir_ DIR *dir = NULL;
	const struct dirent *e;
	int r = fd_opendir(t->fd, ".", &dir);

	if (r < 0)
		return r;
	while ((e = readdir(dir))) {
		_cleanup_close_ int one = -1;
		unsigned int killed = 0;

		if (!is_orphan(e->d_name))
			continue;
		one = openat(t->fd, e->d_name,
			     O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (one >= 0)
			(void)cgroup_kill_dir(t, one, &killed);
		(void)dir_remove(t, e->d_name);
	}
	return 0;
}

int cgroup_root_reap_orphans(struct cgroup_root *r)
{
	int first = 0;

	for (size_t i = 0; i < r->n; i++) {
		int e = tree_reap(&r->trees[i]);

		if (e < 0 && first == 0)
			first = e;
	}
	return first;
}
