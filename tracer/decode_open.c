/* SPDX-License-Identifier: MIT */
/*
 * decode_open.c - open, openat, openat2, creat: opened here, given to the
 * caller
 *
 * An existing object is held by O_PATH, judged, and then re-opened through
 * /proc/self/fd: nothing is looked up again. A new file is made beneath the
 * held parent by its last component, with O_NOFOLLOW: if a link appears there
 * meanwhile the call starts over.
 *
 * Where it matters who opens:
 *   - /dev/tty is the opener's terminal: the caller's is looked up instead;
 *   - a terminal must never become ours: O_NOCTTY;
 *   - a FIFO can block until somebody opens the other end, who may be waiting
 *     for us: a forked worker opens it and answers;
 *   - the umask is the caller's; ours is 0.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/log.h"
#include "core/attribution.h"
#include "tracer/file.h"
#include "tracer/ownfd.h"

#define TTY_MAJOR_ALT   5 /* /dev/tty is 5:0 */
#define PTS_MAJOR_FIRST 136
#define PTS_MAJOR_LAST  143
#define CREATE_RETRIES  8
#define O_TMPFILE_BIT   (O_TMPFILE & ~O_DIRECTORY)
#define PATH_FLAGS      (O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
/* What open(2) ignores openat2(2) refuses. */
#define OPENAT2_FLAGS                                                      \
	((uint64_t)(O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC |    \
		    O_APPEND | O_NONBLOCK | O_DSYNC | O_ASYNC | O_DIRECT | \
		    O_LARGEFILE | OPEN_LARGE | O_DIRECTORY | O_NOFOLLOW |  \
		    O_NOATIME | O_CLOEXEC | O_SYNC | O_PATH | O_TMPFILE))
#define OPENAT2_RESOLVE                                                       \
	((uint64_t)(RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS |                 \
		    RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH | RESOLVE_IN_ROOT | \
		    0x20 /* RESOLVE_CACHED */))

static bool has(const struct file_call *f, int flags)
{
	return (f->flags & (uint64_t)flags) == (uint64_t)flags;
}

static bool for_writing(const struct file_call *f)
{
	return (f->flags & O_ACCMODE) != O_RDONLY || has(f, O_TRUNC);
}

static int inject(struct file_call *f, int fd)
{
	request_inject(f->q, fd, has(f, O_CLOEXEC));
	return 0;
}

static int own_flags(const struct file_call *f)
{
	uint64_t drop = O_CREAT | O_EXCL | O_NOFOLLOW;

	return (int)((f->flags & ~drop) | O_CLOEXEC | O_NOCTTY);
}

static int reopen(const struct file_call *f, int flags)
{
	return ownfd_open(f->a.fd, flags, (mode_t)f->mode);
}

/* Terminal of the caller; procfs gives its device number. */
static int open_own_tty(const struct file_call *f)
{
	char path[32];
	struct proc_stat st;
	unsigned int maj, min;
	int fd;

	if (proc_stat_read(f->viewer.pid, &st) < 0 || st.tty == 0)
		return -ENXIO;
	maj = (st.tty >> 8) & 0xfff;
	min = (st.tty & 0xff) | ((st.tty >> 12) & 0xfff00);
	if (maj < PTS_MAJOR_FIRST || maj > PTS_MAJOR_LAST)
		return -ENXIO; /* no console of the machine for a sandbox */
	(void)snprintf(path, sizeof(path), "/dev/pts/%u",
		       (maj - PTS_MAJOR_FIRST) * 256 + min);
	fd = open(path, own_flags(f) & ~O_TRUNC);
	return fd < 0 ? -errno : fd;
}

/* Devices may wait for a line to come up; callers expect to get it then. */
static int open_device(const struct file_call *f)
{
	int fd = reopen(f, own_flags(f) | O_NONBLOCK);

	if (fd >= 0 && !has(f, O_NONBLOCK))
		(void)fd_set_nonblock(fd, false);
	return fd;
}

/* Others are opened here. */
static bool fifo_waits(const struct file_call *f)
{
	return !has(f, O_NONBLOCK) && (f->flags & O_ACCMODE) != O_RDWR;
}

/*
 * Opens in a child of ours, which blocks instead of us. It ends with the
 * command or when the caller goes away; the request is the child's to answer.
 */
static int64_t open_in_worker(struct file_call *f)
{
	struct request *q = f->q;
	pid_t *slot = command_worker_slot(q->command);
	pid_t pid;

	if (!slot)
		return -EAGAIN;
	pid = request_fork(q);
	if (pid < 0)
		return pid;
	if (pid == 0) {
		int fd;

		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		ownfd_forked();
		attribution_forked();
		request_attribute(q);
		fd = reopen(f, own_flags(f));
		if (fd < 0)
			request_fail(q, -fd);
		else
			request_inject_last(q, fd, has(f, O_CLOEXEC));
		attribution_leave();
		_exit(0);
	}
	*slot = pid;
	request_abandon(q);
	return FILE_ANSWERED;
}

/* What can be read can be mapped, and written to where it is. How such a
 * descriptor is made into more is seen: decode_shorten.c. */
static bool appends_only(const struct file_call *f)
{
	return has(f, O_APPEND) && (f->flags & O_ACCMODE) == O_WRONLY;
}

/* What is in the file is kept before it can be written to. */
static int keep_content(struct file_call *f)
{
	struct keep_req req = {
		.verb = has(f, O_TRUNC)   ? KEEP_TRUNCATE
			: appends_only(f) ? KEEP_APPEND
					  : KEEP_WRITE,
		.fd = f->a.fd,
	};
	int r = file_may_write(f);

	if (r < 0 || !f->q->tracer->trash)
		return r;
	file_hold_parent(&f->a);
	req.at = file_at(&f->a);
	if (req.verb == KEEP_TRUNCATE)
		req.flags = TRASH_MAY_SWAP;
	r = file_keep(f, &req);
	if (r < 0 || f->kept.how != TRASH_HOW_SWAPPED)
		return r;
	/* What we hold is the kept version now; the name has a new file. */
	(void)close(f->a.fd);
	f->a.fd =
		openat(f->a.parent, f->a.last, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	return f->a.fd < 0 ? -errno : 0;
}

static int64_t open_existing(struct file_call *f)
{
	mode_t mode = f->a.st.st_mode;
	int fd, r;

	if (f->a.slash && has(f, O_CREAT))
		return -EISDIR;
	if (has(f, O_CREAT | O_EXCL))
		return -EEXIST;
	if (S_ISLNK(mode))
		return -ELOOP;
	if (f->a.slash && !S_ISDIR(mode))
		return -ENOTDIR;
	if (S_ISDIR(mode) && has(f, O_CREAT))
		return -EISDIR;
	if (S_ISFIFO(mode) && fifo_waits(f))
		return open_in_worker(f);
	if (S_ISREG(mode) && for_writing(f)) {
		r = keep_content(f);
		if (r < 0)
			return r;
	}
	if (S_ISCHR(mode) && f->a.st.st_rdev == makedev(TTY_MAJOR_ALT, 0))
		fd = open_own_tty(f);
	else if (S_ISCHR(mode) || S_ISBLK(mode))
		fd = open_device(f);
	else
		fd = reopen(f, own_flags(f));
	if (fd < 0)
		return fd;
	(void)inject(f, fd);
	(void)close(fd);
	return FILE_ANSWERED;
}

static bool makes_setid(const struct file_call *f)
{
	return !f->q->tracer->seccomp.allow_setid &&
	       (f->mode & (S_ISUID | S_ISGID));
}

/* The file that has come to the name since we looked, for open_existing(), which
 * keeps it. 0; -ELOOP, -ENOENT: look again. */
static int find_appeared(struct file_call *f)
{
	_cleanup_close_ int fd = -1;
	struct stat st;

	fd = openat(f->a.parent, f->a.last, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (S_ISLNK(st.st_mode))
		return -ELOOP;
	if (!S_ISREG(st.st_mode))
		return S_ISDIR(st.st_mode) ? -EISDIR : -EACCES;
	f->a.fd = TAKE_FD(fd);
	f->a.st = st;
	return 0;
}

/* A new file's descriptor, or -EEXIST. */
static int create(struct file_call *f)
{
	int flags = (int)(f->flags | O_EXCL | O_CLOEXEC | O_NOCTTY);
	int fd;

	file_umask_on(f);
	fd = openat(f->a.parent, f->a.last, flags, (mode_t)f->mode & 07777);
	fd = fd < 0 ? -errno : fd;
	file_umask_off();
	return fd;
}

static int64_t open_new(struct file_call *f)
{
	struct keep_req made = { .verb = KEEP_MAKE,
				 .fd = -1,
				 .at = file_at(&f->a) };
	struct statx seen;
	int fd = -EEXIST, r = -ENOENT;

	if (!has(f, O_CREAT))
		return -ENOENT;
	if (makes_setid(f))
		return -EPERM; /* as the filter says of chmod */
	if (f->a.slash)
		return -EISDIR;
	(void)file_keep(f, &made);
	for (int i = 0; i < CREATE_RETRIES && fd == -EEXIST; i++) {
		fd = create(f);
		if (fd != -EEXIST || has(f, O_EXCL))
			break;
		r = find_appeared(f);
		if (r == 0)
			return open_existing(f);
		if (r != -ENOENT && r != -ELOOP)
			return r;
	}
	if (fd < 0)
		return fd == -EEXIST && !has(f, O_EXCL) ? r : fd;
	made.verb = KEEP_MADE;
	made.fd = fd;
	/* Something else may have come to the name by now. Where nobody keeps
	 * it, a mount is not asked for the time of birth, which it does not
	 * remember. */
	if (f->q->tracer->trash &&
	    statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME,
		  &seen) == 0)
		made.at.known = &seen;
	(void)file_keep(f, &made); /* the record of something made */
	(void)inject(f, fd);
	(void)close(fd);
	return FILE_ANSWERED;
}

static int64_t open_tmpfile(struct file_call *f)
{
	int fd;

	if (makes_setid(f))
		return -EPERM;
	f->mode &= 07777;
	file_umask_on(f);
	fd = reopen(f, (int)(f->flags | O_CLOEXEC));
	file_umask_off();
	if (fd < 0)
		return fd;
	(void)inject(f, fd);
	(void)close(fd);
	return FILE_ANSWERED;
}

static int64_t act_open(struct file_call *f)
{
	if (has(f, O_TMPFILE))
		return open_tmpfile(f);
	return f->a.fd >= 0 ? open_existing(f) : open_new(f);
}

/* Vocabulary of policies: interface reference, section 4.5. */
static enum file_verb verb_of(const struct file_call *f)
{
	if (has(f, O_PATH))
		return FILE_OPEN;
	if (has(f, O_TMPFILE) || has(f, O_CREAT | O_EXCL))
		return FILE_CREATE;
	if (for_writing(f) || has(f, O_APPEND) || has(f, O_CREAT))
		return FILE_WRITE;
	return FILE_OPEN;
}

static int find(struct file_call *f)
{
	bool follow = !has(f, O_NOFOLLOW);

	if (has(f, O_PATH))
		return file_find_object(f, &f->a, follow, /* empty */ false);
	if (has(f, O_TMPFILE)) {
		int r = file_find_object(f, &f->a, follow, /* empty */ false);

		/* Rules speak of what is in a directory. */
		if (r == 0)
			buf_puts(&f->a.path, "/#tmpfile");
		return r < 0 ? r : f->a.path.error;
	}
	if (has(f, O_CREAT) && !has(f, O_EXCL))
		return file_find_for_create(f, &f->a, follow);
	if (has(f, O_CREAT)) {
		f->a.unseen = true; /* O_EXCL: it must not be there */
		return file_find_name(f, &f->a);
	}
	return file_find_object(f, &f->a, follow, /* empty */ false);
}

/* Something a link of procfs leads to is found as an object only. */
static int find_any(struct file_call *f)
{
	int r = find(f);

	if (!has(f, O_CREAT) || (r != -ENOENT && r != -EISDIR))
		return r;
	file_forget(&f->a);
	return file_find_object(f, &f->a, !has(f, O_NOFOLLOW),
				/* empty */ false);
}

/*
 * A read that the floor judges in the same way may simply go on: nothing rests
 * on what we saw but the record.
 */
static int64_t act_continue(struct file_call *f)
{
	request_continue(f->q);
	return FILE_ANSWERED;
}

/* f->a.fd is open already as the caller asked for. */
static int64_t act_give(struct file_call *f)
{
	(void)inject(f, f->a.fd);
	return FILE_ANSWERED;
}

static void open_common(struct file_call *f)
{
	int r;

	if (has(f, O_TMPFILE) && !has(f, O_PATH) &&
	    (has(f, O_CREAT) || (f->flags & O_ACCMODE) == O_RDONLY)) {
		file_error(f, -EINVAL);
		return;
	}
	/* O_PATH ignores all but these: open(2). */
	if (has(f, O_PATH))
		f->flags &= PATH_FLAGS;
	f->verb = verb_of(f);
	/* The kernel does not let O_PATH descriptors be injected. Such a one
	 * gives no access: whatever is done with it is judged then. */
	if (has(f, O_PATH) ||
	    (f->verb == FILE_OPEN && !f->q->tracer->reads_on_behalf))
		f->act = act_continue;
	if (f->verb == FILE_OPEN && f->act == act_open && open_read(f)) {
		f->act = act_give;
		file_judge(f);
		return;
	}
	r = find_any(f);
	if (r < 0) {
		file_error(f, r);
		return;
	}
	if (f->verb == FILE_OPEN)
		open_read_learn(f);
	/* Whose terminal it is the floor does not know. */
	if (f->act == act_continue && !has(f, O_PATH) && f->a.fd >= 0 &&
	    S_ISCHR(f->a.st.st_mode))
		f->act = act_open;
	file_judge(f);
}

void decode_open(struct request *q)
{
	bool at = q->nr == SYS_openat;
	int dirfd = at ? (int)q->args[0] : AT_FDCWD;
	const uint64_t *a = q->args + (at ? 1 : 0);
	struct file_call *f;
	int r;

	if (open_pass(q, dirfd, a[0], (uint32_t)a[1]))
		return;
	f = file_new(q, FILE_OPEN, act_open);
	if (!f)
		return;
	f->flags = (uint32_t)a[1];
	f->mode = (uint32_t)a[2];
	/* The bit alone is ignored by open(2) when O_DIRECTORY is missing. */
	if (((f->flags & O_TMPFILE_BIT) && !has(f, O_TMPFILE)) ||
	    (has(f, O_CREAT | O_DIRECTORY) && !has(f, O_PATH))) {
		file_error(f, -EINVAL);
		return;
	}
	r = file_get_path(f, &f->a, dirfd, a[0]);
	if (r < 0)
		file_error(f, r);
	else
		open_common(f);
}

#ifdef SYS_creat
void decode_creat(struct request *q)
{
	struct file_call *f = file_new(q, FILE_OPEN, act_open);
	int r;

	if (!f)
		return;
	f->flags = O_CREAT | O_WRONLY | O_TRUNC;
	f->mode = (uint32_t)q->args[1];
	r = file_get_path(f, &f->a, AT_FDCWD, q->args[0]);
	if (r < 0)
		file_error(f, r);
	else
		open_common(f);
}
#endif

/* struct open_how may grow; what we do not know must be zero. */
static int read_how(struct request *q, struct open_how *how)
{
	char raw[256] = { 0 };
	size_t size = q->args[3] > sizeof(raw) ? 0 : (size_t)q->args[3];

	if (q->args[3] < sizeof(*how))
		return -EINVAL;
	if (size == 0)
		return -E2BIG;
	if (mem_get(&q->mem, q->args[2], raw, size) < 0)
		return -EFAULT;
	for (size_t i = sizeof(*how); i < size; i++)
		if (raw[i])
			return -E2BIG;
	memcpy(how, raw, sizeof(*how));
	if ((how->flags & ~OPENAT2_FLAGS) || (how->resolve & ~OPENAT2_RESOLVE))
		return -EINVAL;
	if ((how->flags & O_PATH) && (how->flags & ~(uint64_t)PATH_FLAGS))
		return -EINVAL;
	if ((how->mode & ~07777ULL) ||
	    (how->mode && !(how->flags & (O_CREAT | (uint64_t)O_TMPFILE_BIT))))
		return -EINVAL;
	/* We cannot tell what is cached: the answer that is always right. */
	return how->resolve & 0x20 ? -EAGAIN : 0;
}

/* RESOLVE_IN_ROOT makes "/x" relative to dirfd. */
static void root_relative(struct file_target *t)
{
	size_t n = strspn(t->text, "/");

	memmove(t->text, t->text + n, strlen(t->text + n) + 1);
	if (t->text[0] == 0)
		memcpy(t->text, ".", 2);
}

void decode_openat2(struct request *q)
{
	struct file_call *f = file_new(q, FILE_OPEN, act_open);
	struct open_how how = { 0 };
	int r;

	if (!f)
		return;
	r = read_how(q, &how);
	if (r == 0)
		r = file_get_path(f, &f->a, (int)q->args[0], q->args[1]);
	if (r < 0) {
		file_error(f, r);
		return;
	}
	f->flags = how.flags;
	f->mode = how.mode;
	f->a.how_resolve = how.resolve;
	if ((how.resolve & RESOLVE_IN_ROOT) && f->a.text[0] == '/')
		root_relative(&f->a);
	open_common(f);
}
