/* SPDX-License-Identifier: MIT */
/*
 * device.c - files that are no files: devices, terminals, settings of processes
 *
 * "Reading is allowed" is not meant for a disk, a keyboard or somebody's
 * terminal, and yet to the kernel they are files of the user's own, root's in
 * particular. So:
 *
 *  - A device is opened where it is harmless, or where the rule that allows it
 *    names it: a pattern that says more than "/dev/" before its first wildcard.
 *    Mode, owner and attributes of the harmless ones are nobody's to change:
 *    every program of the machine uses them.
 *  - A terminal is opened by those whose it is: it controls the caller, or is
 *    one of its first three descriptors, or its other end (/dev/ptmx) is held
 *    by a process of the session. What is written to another one can be a
 *    command to whoever sits there, and what is read is what they type. No rule
 *    changes that; the numbers are reused, so the end that is held is looked
 *    for each time (procfs tells its number), it is not remembered.
 *  - Settings of a process in procfs (oom_score_adj) are changed for processes
 *    of the session only. The kernel asks for no more than the same user.
 *  - Settings of the kernel (/proc/sys, /sys, and what else in /proc is no
 *    process's) are changed where a rule names them, as with devices.
 *  - Procfs is opened where it is, in /proc. Another mount of it shows the same
 *    processes, ours among them, by names that nothing here knows.
 *
 * Where reads are Landlock's alone it holds the same but for a terminal of
 * one's own, which has to be opened for writing too, or as /dev/tty.
 */
#include "tracer/device.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/num.h"
#include "base/path.h"
#include "base/proc.h"
#include "core/grant.h"
#include "tracer/command.h"
#include "tracer/identity.h"
#include "tracer/tracer.h"

#define PTS_MAJOR_FIRST 136
#define PTS_MAJOR_LAST  143
#define ANCESTORS_MAX   64

static bool is_terminal(dev_t dev)
{
	return major(dev) >= PTS_MAJOR_FIRST && major(dev) <= PTS_MAJOR_LAST;
}

/* null, zero, full, random, urandom; tty and ptmx, which are the opener's. */
static bool is_harmless(dev_t dev)
{
	static const struct {
		unsigned int major, minor;
	} known[] = { { 1, 3 }, { 1, 5 }, { 1, 7 }, { 1, 8 },
		      { 1, 9 }, { 5, 0 }, { 5, 2 } };

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (dev == makedev(known[i].major, known[i].minor))
			return true;
	return false;
}

/* ---- terminals ---- */

/* The number of a terminal as procfs writes it in stat. */
static dev_t tty_of(unsigned int tty)
{
	return makedev((tty >> 8) & 0xfff,
		       (tty & 0xff) | (tty >> 12 & 0xfff00));
}

static bool controls(pid_t pid, dev_t dev)
{
	struct proc_stat st;

	return proc_stat_read(pid, &st) == 0 && st.tty != 0 &&
	       tty_of(st.tty) == dev;
}

/* Open already, and in the same direction. */
static bool is_open(pid_t tid, int fd, dev_t dev, uint64_t flags)
{
	struct stat st, link;
	char path[48];
	bool reads = (flags & O_ACCMODE) != O_WRONLY;
	bool writes = (flags & O_ACCMODE) != O_RDONLY;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", tid, fd);
	return stat(path, &st) == 0 && S_ISCHR(st.st_mode) &&
	       st.st_rdev == dev && lstat(path, &link) == 0 &&
	       (!reads || (link.st_mode & S_IRUSR)) &&
	       (!writes || (link.st_mode & S_IWUSR));
}

/* "tty-index:" of a descriptor's fdinfo, which only /dev/ptmx has; -1. */
static int64_t master_of(pid_t pid, const char *fd)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	char path[300];
	struct str rest, line;
	int64_t n = -1;
	ptrdiff_t at;

	(void)snprintf(path, sizeof(path), "/proc/%d/fdinfo/%s", pid, fd);
	if (fd_read_file(AT_FDCWD, path, 4096, &text) < 0)
		return -1;
	at = str_find(buf_str(&text), STR("tty-index:"));
	if (at < 0)
		return -1;
	rest = str_skip(buf_str(&text), (size_t)at + 10);
	return str_split(&rest, '\n', &line) &&
			       num_parse_i64(str_trim(line), &n) == 0
		       ? n
		       : -1;
}

static bool holds_master(pid_t pid, int64_t number)
{
	_cleanup_closedir_ DIR *d = NULL;
	const struct dirent *e;
	char path[300], to[16];

	(void)snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	d = opendir(path);
	while (d && (e = readdir(d))) {
		ssize_t n;

		(void)snprintf(path, sizeof(path), "/proc/%d/fd/%s", pid,
			       e->d_name);
		n = readlink(path, to, sizeof(to));
		/* "/dev/ptmx", "/dev/pts/ptmx" */
		if (n >= 9 && memcmp(to + n - 4, "ptmx", 4) == 0 &&
		    master_of(pid, e->d_name) == number)
			return true;
	}
	return false;
}

static bool made_inside(const struct tracer *t, const struct stat *st)
{
	int64_t number = (int64_t)(major(st->st_rdev) - PTS_MAJOR_FIRST) * 256 +
			 minor(st->st_rdev);
	struct stat pts;

	/* of another instance, which has numbers of its own */
	if (stat("/dev/pts", &pts) < 0 || pts.st_dev != st->st_dev)
		return false;
	for (const struct command *c = t->commands; c; c = c->next)
		for (size_t i = 0; i < c->procs.size; i++)
			if (c->procs.slots[i].pid &&
			    holds_master(c->procs.slots[i].pid, number))
				return true;
	return false;
}

static bool terminal_is_own(const struct file_call *f)
{
	_cleanup_identity_ struct identity *was = identity_look();
	dev_t dev = f->a.st.st_rdev;

	if (controls(f->viewer.pid, dev))
		return true;
	for (int i = 0; i < 3; i++)
		if (is_open(f->viewer.tid, i, dev, f->flags))
			return true;
	return made_inside(f->q->tracer, &f->a.st);
}

/* ---- processes ---- */

/* All that our commands make is below us: we are their subreaper. */
static bool is_ours_below(pid_t pid)
{
	for (int i = 0; i < ANCESTORS_MAX && pid > 1; i++) {
		if (pid == getpid())
			return i > 0;
		if (proc_parent(pid, &pid) < 0)
			return false;
	}
	return false;
}

static bool is_foreign_process(struct str path)
{
	struct str rest, part;
	uint64_t pid;

	if (!str_starts(path, STR("/proc/")))
		return false;
	rest = str_skip(path, 6);
	return str_split(&rest, '/', &part) && num_parse_u64(part, &pid) == 0 &&
	       rest.n > 0 && (pid > INT32_MAX || !is_ours_below((pid_t)pid));
}

/* Its name may be looked at, removed or moved like any other. */
static bool reaches_device(const struct file_call *f)
{
	static const enum file_verb verbs[] = {
		FILE_OPEN,  FILE_READ,  FILE_WRITE,    FILE_CREATE, FILE_LINK,
		FILE_CHMOD, FILE_CHOWN, FILE_TRUNCATE, FILE_UTIME,  FILE_XATTR,
	};

	if (f->verb == FILE_OPEN && (f->flags & O_PATH))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
		if (f->verb == verbs[i])
			return true;
	return false;
}

/* Whose it is and who may open it: lasts, and everybody has the same one. */
static bool changes_node(enum file_verb verb)
{
	return verb == FILE_CHMOD || verb == FILE_CHOWN || verb == FILE_XATTR;
}

/* Settings of the kernel, its networks among them: of the whole machine. The
 * tree they are in, or NULL. */
static const char *settings_tree(struct str path)
{
	static const char *const trees[] = { "/proc/sys/", "/sys/" };
	struct str rest, part;
	uint64_t pid;

	for (size_t i = 0; i < ARRAY_LEN(trees); i++)
		if (str_starts(path, str_from(trees[i])))
			return trees[i];
	if (!str_starts(path, STR("/proc/")))
		return NULL;
	rest = str_skip(path, 6);
	return str_split(&rest, '/', &part) && num_parse_u64(part, &pid) < 0
		       ? "/proc/"
		       : NULL;
}

/* What a second mount of procfs (a chroot's, an image's) says of processes is
 * for those who know which ones are ours; here nothing but names is. */
static bool on_other_procfs(const struct file_call *f,
			    const struct file_target *x)
{
	struct statfs fs;

	return x->fd >= 0 && major(x->st.st_dev) == 0 &&
	       !path_beneath(buf_str(&x->path), STR("/proc")) &&
	       !open_is_plain(f->q->tracer, &x->st, -1) &&
	       fstatfs(x->fd, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC;
}

/* A node that a command made, or may have made: its name and whose it is, no
 * more. It is opened by no rule that does not name it. */
static bool is_made_node(const struct file_call *f, struct str path)
{
	const struct tracer *t = f->q->tracer;

	return t->seccomp.allow_devices &&
	       path_beneath(path, str_from(t->workspace)) &&
	       (changes_node(f->verb) || f->verb == FILE_UTIME ||
		f->verb == FILE_LINK);
}

const char *device_refuses(const struct file_call *f, const struct op *op)
{
	const struct policy *p = guard_policy(f->q->tracer->guard);
	mode_t mode = f->a.fd >= 0 ? f->a.st.st_mode : 0;

	const char *tree = settings_tree(op->file.path);

	if (on_other_procfs(f, &f->a) || (f->two && on_other_procfs(f, &f->b)))
		return "procfs-guard";
	if (!file_verb_is_read(f->verb) && is_foreign_process(op->file.path))
		return "process-guard";
	if (!file_verb_is_read(f->verb) && tree &&
	    !policy_rule_names(p, policy_decide(p, op), op->file.path,
			       str_from(tree)))
		return "settings-guard";
	if ((!S_ISCHR(mode) && !S_ISBLK(mode)) || !reaches_device(f) ||
	    is_made_node(f, op->file.path))
		return NULL;
	if (S_ISCHR(mode) && is_terminal(f->a.st.st_rdev))
		return terminal_is_own(f) ? NULL : "terminal-guard";
	if (S_ISCHR(mode) && is_harmless(f->a.st.st_rdev))
		return changes_node(f->verb) ? "device-guard" : NULL;
	return policy_rule_names(p, policy_decide(p, op), op->file.path,
				 STR("/dev/"))
		       ? NULL
		       : "device-guard";
}

/* ---- for readers that nobody sees ---- */

/* What in /dev is no device to keep away from. */
static bool is_open_to_all(int dir, const char *name, bool terminals)
{
	static const char *const dirs[] = { "shm", "mqueue", "hugepages" };
	struct stat st;

	if (strcmp(name, "pts") == 0)
		return terminals;
	for (size_t i = 0; i < ARRAY_LEN(dirs); i++)
		if (strcmp(name, dirs[i]) == 0)
			return true;
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return true; /* gone */
	return S_ISCHR(st.st_mode)
		       ? is_harmless(st.st_rdev)
		       : !S_ISBLK(st.st_mode) && !S_ISDIR(st.st_mode);
}

int device_holes(const struct tracer *t, struct grant_set *g)
{
	_cleanup_closedir_ DIR *d = opendir("/dev");
	const struct dirent *e;
	char path[300];
	int r = 0;

	while (r == 0 && d && (e = readdir(d))) {
		if (e->d_name[0] == '.' ||
		    is_open_to_all(dirfd(d), e->d_name, t->floor_only))
			continue;
		(void)snprintf(path, sizeof(path), "/dev/%s", e->d_name);
		r = grant_set_add_hole(g, path);
	}
	return r;
}
