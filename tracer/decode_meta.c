/* SPDX-License-Identifier: MIT */
/*
 * decode_meta.c - chmod, chown and utime in all their forms
 *
 * Landlock does not mediate any of these, so they are always performed here,
 * on the object held, with the caller's user and groups and no capability. The
 * calls on a descriptor are judged as well: one opened for reading suffices
 * for fchmod.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <utime.h>

#include "tracer/file.h"
#include "tracer/identity.h"

static bool over_owners(void)
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct d[_LINUX_CAPABILITY_U32S_3] = { 0 };

	return syscall(SYS_capget, &h, d) < 0 ||
	       (d[0].effective & (1U << CAP_FOWNER | 1U << CAP_CHOWN)) != 0;
}

/* What is going to be refused (inode_change_ok() of the kernel, and for user
 * attributes the right to write) changes nothing and has no place on record. */
static bool may_change(const struct file_call *f, unsigned int what)
{
	if ((what & TRASH_META_XATTR) && strncmp(f->xattr, "user.", 5) == 0)
		return file_may_write(f) == 0;
	return f->a.st.st_uid == geteuid() || over_owners() ||
	       ((what & TRASH_META_TIMES) && file_may_write(f) == 0);
}

int file_keep_meta(struct file_call *f, unsigned int what)
{
	struct keep_req req = { .verb = KEEP_META,
				.fd = f->a.fd,
				.meta = what,
				.xattr = f->xattr[0] ? f->xattr : NULL };

	/* Without a store only links need the directory: act_utime(). */
	if ((!f->q->tracer->trash && !S_ISLNK(f->a.st.st_mode)) ||
	    !may_change(f, what))
		return 0;
	file_hold_parent(&f->a);
	req.at = file_at(&f->a);
	return file_keep(f, &req);
}

/* A program that runs as somebody else; on a directory it is about groups. */
static bool makes_setid(const struct file_call *f)
{
	return !f->q->tracer->seccomp.allow_setid && f->verb == FILE_CHMOD &&
	       (f->mode & (S_ISUID | S_ISGID)) && !S_ISDIR(f->a.st.st_mode);
}

static void judge_found(struct file_call *f)
{
	if (makes_setid(f))
		request_refuse(f->q, EPERM);
	else
		file_judge(f);
}

void file_judge_path(struct file_call *f, int dirfd, uint64_t path, int flags)
{
	int r = flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)
			? -EINVAL
			: file_get_path(f, &f->a, dirfd, path);

	if (r == 0)
		r = file_find_object(f, &f->a, !(flags & AT_SYMLINK_NOFOLLOW),
				     (flags & AT_EMPTY_PATH) != 0);
	if (r < 0)
		file_error(f, r);
	else
		judge_found(f);
}

/* What cannot be read or written (O_PATH) cannot be changed this way. */
static bool is_path_only(const struct file_call *f, int fd)
{
	_cleanup_identity_ struct identity *was = identity_look();
	char path[64];
	struct stat st;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", f->viewer.tid, fd);
	return lstat(path, &st) == 0 && (st.st_mode & 0600) == 0;
}

void file_judge_fd(struct file_call *f, int fd)
{
	int r = fd < 0 ? -EBADF : file_find_fd(f, &f->a, fd);

	if (r == 0 && is_path_only(f, fd))
		r = -EBADF;
	if (r < 0)
		file_error(f, r);
	else
		judge_found(f);
}

static int64_t act_chmod(struct file_call *f)
{
	char path[FILE_SELF_MAX];
	int r;

	if (S_ISLNK(f->a.st.st_mode))
		return -EOPNOTSUPP; /* as Linux says of links */
	if (makes_setid(f))
		return -EPERM;
	r = file_keep_meta(f, TRASH_META_MODE);
	if (r < 0)
		return r;
	file_self_path(f->a.fd, path);
	return chmod(path, (mode_t)f->mode & 07777) < 0 ? -errno : 0;
}

static struct file_call *new_chmod(struct request *q, uint64_t mode)
{
	struct file_call *f = file_new(q, FILE_CHMOD, act_chmod);

	if (f)
		f->mode = (uint32_t)mode;
	return f;
}

#ifdef SYS_chmod
void decode_chmod(struct request *q)
{
	struct file_call *f = new_chmod(q, q->args[1]);

	if (f)
		file_judge_path(f, AT_FDCWD, q->args[0], 0);
}
#endif

void decode_fchmod(struct request *q)
{
	struct file_call *f = new_chmod(q, q->args[1]);

	if (f)
		file_judge_fd(f, (int)q->args[0]);
}

/* fchmodat has no flags argument; fchmodat2 has. */
void decode_fchmodat(struct request *q)
{
	struct file_call *f = new_chmod(q, q->args[2]);
	int flags = q->nr == SYS_fchmodat ? 0 : (int)q->args[3];

	if (f)
		file_judge_path(f, (int)q->args[0], q->args[1], flags);
}

static int64_t act_chown(struct file_call *f)
{
	int r = file_keep_meta(f, TRASH_META_OWNER | TRASH_META_MODE);

	if (r < 0)
		return r;
	if (fchownat(f->a.fd, "", f->uid, f->gid, AT_EMPTY_PATH) == 0)
		return 0;
	/* EINVAL: nobody with this number in our user namespace */
	return errno == EINVAL ? -EPERM : -errno;
}

static struct file_call *new_chown(struct request *q, uint64_t uid,
				   uint64_t gid)
{
	struct file_call *f = file_new(q, FILE_CHOWN, act_chown);

	if (f) {
		f->uid = (uint32_t)uid;
		f->gid = (uint32_t)gid;
	}
	return f;
}

#ifdef SYS_chown
void decode_chown(struct request *q)
{
	struct file_call *f = new_chown(q, q->args[1], q->args[2]);

	if (f)
		file_judge_path(f, AT_FDCWD, q->args[0],
				q->nr == SYS_lchown ? AT_SYMLINK_NOFOLLOW : 0);
}
#endif

void decode_fchown(struct request *q)
{
	struct file_call *f = new_chown(q, q->args[1], q->args[2]);

	if (f)
		file_judge_fd(f, (int)q->args[0]);
}

void decode_fchownat(struct request *q)
{
	struct file_call *f = new_chown(q, q->args[2], q->args[3]);

	if (f)
		file_judge_path(f, (int)q->args[0], q->args[1],
				(int)q->args[4]);
}

static bool nsec_valid(const struct timespec *t)
{
	return t->tv_nsec == UTIME_NOW || t->tv_nsec == UTIME_OMIT ||
	       (t->tv_nsec >= 0 && t->tv_nsec < 1000000000);
}

static int64_t act_utime(struct file_call *f)
{
	const struct timespec *ts = f->times_now ? NULL : f->times;
	char path[FILE_SELF_MAX];
	int r;

	if (ts && (!nsec_valid(&ts[0]) || !nsec_valid(&ts[1])))
		return -EINVAL;
	r = file_keep_meta(f, TRASH_META_TIMES);
	if (r < 0)
		return r;
	if (S_ISLNK(f->a.st.st_mode)) { /* no way through /proc/self/fd */
		if (f->a.parent < 0)
			return -ENOENT;
		r = utimensat(f->a.parent, f->a.last, ts, AT_SYMLINK_NOFOLLOW);
		return r < 0 ? -errno : 0;
	}
	file_self_path(f->a.fd, path);
	return utimensat(AT_FDCWD, path, ts, 0) < 0 ? -errno : 0;
}

#ifdef SYS_utime
/* timeval pair at addr, or now when it is NULL. */
static int read_timevals(struct file_call *f, uint64_t addr)
{
	int64_t tv[4];

	f->times_now = addr == 0;
	if (addr == 0)
		return 0;
	if (mem_get(&f->q->mem, addr, tv, sizeof(tv)) < 0)
		return -EFAULT;
	for (int i = 0; i < 2; i++) {
		if (tv[2 * i + 1] < 0 || tv[2 * i + 1] >= 1000000)
			return -EINVAL;
		f->times[i].tv_sec = tv[2 * i];
		f->times[i].tv_nsec = tv[2 * i + 1] * 1000;
	}
	return 0;
}

static int read_utimbuf(struct file_call *f, uint64_t addr)
{
	int64_t t[2];

	f->times_now = addr == 0;
	if (addr == 0)
		return 0;
	if (mem_get(&f->q->mem, addr, t, sizeof(t)) < 0)
		return -EFAULT;
	for (int i = 0; i < 2; i++)
		f->times[i] = (struct timespec){ .tv_sec = t[i] };
	return 0;
}

/* utime, utimes, futimesat */
void decode_utime(struct request *q)
{
	bool at = q->nr == SYS_futimesat;
	struct file_call *f = file_new(q, FILE_UTIME, act_utime);
	uint64_t times = q->args[at ? 2 : 1];
	int r;

	if (!f)
		return;
	r = q->nr == SYS_utime ? read_utimbuf(f, times)
			       : read_timevals(f, times);
	if (r < 0)
		file_error(f, r);
	else if (at && q->args[1] == 0)
		file_judge_fd(f, (int)q->args[0]);
	else
		file_judge_path(f, at ? (int)q->args[0] : AT_FDCWD,
				q->args[at ? 1 : 0], 0);
}
#endif

void decode_utimensat(struct request *q)
{
	struct file_call *f = file_new(q, FILE_UTIME, act_utime);
	int dirfd = (int)q->args[0], flags = (int)q->args[3];

	if (!f)
		return;
	f->times_now = q->args[2] == 0;
	if (!f->times_now &&
	    mem_get(&q->mem, q->args[2], f->times, sizeof(f->times)) < 0)
		file_error(f, -EFAULT);
	else if (!f->times_now && f->times[0].tv_nsec == UTIME_OMIT &&
		 f->times[1].tv_nsec == UTIME_OMIT)
		request_return(q, 0); /* not even the path is looked at */
	else if (q->args[1] || dirfd == AT_FDCWD)
		file_judge_path(f, dirfd, q->args[1], flags);
	else if (flags)
		file_error(f, -EINVAL);
	else /* futimens */
		file_judge_fd(f, dirfd);
}
