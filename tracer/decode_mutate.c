/* SPDX-License-Identifier: MIT */
/*
 * decode_mutate.c - unlink, rename, link, symlink, mkdir, mknod, truncate:
 * performed here, beneath held parents
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/num.h"
#include "base/path.h"
#include "tracer/file.h"
#include "tracer/identity.h"
#include "tracer/permit.h"

#define LIMITS_MAX 8192

/* unlink() of a directory: whether it could be removed is looked at first. */
static int unlink_dir_error(const struct file_call *f)
{
	int r = permit_remove(f);

	return r < 0 ? r : -EISDIR;
}

static int64_t act_unlink(struct file_call *f)
{
	struct keep_req req = { .verb = f->verb == FILE_RMDIR ? KEEP_RMDIR
							      : KEEP_UNLINK,
				.fd = f->a.fd,
				.at = file_at(&f->a) };

	if (!file_exists(&f->a))
		return -ENOENT;
	if (f->verb == FILE_RMDIR && !S_ISDIR(f->a.st.st_mode)) {
		int r = permit_remove(f);

		return r < 0 ? r : -ENOTDIR;
	}
	if (f->verb != FILE_RMDIR && S_ISDIR(f->a.st.st_mode))
		return unlink_dir_error(f);
	if (f->verb != FILE_RMDIR && f->a.slash)
		return -ENOTDIR;
	return file_keep(f, &req);
}

/* What the kernel says of ".", ".." and "/" in this place. */
static int last_error(int r, int instead)
{
	return r == -EISDIR ? instead : r;
}

static int rmdir_error(const char *last)
{
	if (strcmp(last, ".") == 0)
		return -EINVAL;
	return strcmp(last, "..") == 0 ? -ENOTEMPTY : -EBUSY;
}

static void unlink_common(struct request *q, int dirfd, uint64_t path,
			  bool rmdir_it)
{
	struct file_call *f =
		file_new(q, rmdir_it ? FILE_RMDIR : FILE_DELETE, act_unlink);
	int r;

	if (!f)
		return;
	f->a.unheld = !rmdir_it;
	r = file_get_path(f, &f->a, dirfd, path);
	if (r == 0)
		r = file_find_name(f, &f->a);
	if (r == -EISDIR && rmdir_it)
		r = rmdir_error(f->a.last);
	if (r == 0 && !file_exists(&f->a))
		r = -ENOENT;
	if (r < 0)
		file_error(f, r);
	else
		file_judge(f);
}

#ifdef SYS_unlink
void decode_unlink(struct request *q)
{
	unlink_common(q, AT_FDCWD, q->args[0], /* rmdir_it */ false);
}

void decode_rmdir(struct request *q)
{
	unlink_common(q, AT_FDCWD, q->args[0], /* rmdir_it */ true);
}
#endif

void decode_unlinkat(struct request *q)
{
	int flags = (int)q->args[2];

	if (flags & ~AT_REMOVEDIR)
		request_fail(q, EINVAL);
	else
		unlink_common(q, (int)q->args[0], q->args[1],
			      flags == AT_REMOVEDIR);
}

/* What the kernel says of the two names together, in its order. */
static int rename_error(const struct file_call *f)
{
	bool exchange = (f->flags & RENAME_EXCHANGE) != 0;
	bool there = f->b.fd >= 0;

	if ((f->flags & RENAME_NOREPLACE) && there)
		return -EEXIST;
	if (exchange && !there)
		return -ENOENT;
	/* What is not a directory must not be named as one. */
	if (exchange && f->b.slash && !S_ISDIR(f->b.st.st_mode))
		return -ENOTDIR;
	if ((f->a.slash || (f->b.slash && !exchange)) &&
	    !S_ISDIR(f->a.st.st_mode))
		return -ENOTDIR;
	/* Nothing can take the place of what it lies in. */
	if (there && !exchange && S_ISDIR(f->b.st.st_mode) &&
	    !str_eq(buf_str(&f->a.path), buf_str(&f->b.path)) &&
	    path_beneath(buf_str(&f->a.path), buf_str(&f->b.path)))
		return -ENOTEMPTY;
	return 0;
}

static int64_t act_rename(struct file_call *f)
{
	struct keep_req req = { .verb = KEEP_RENAME,
				.fd = f->a.fd,
				.at = file_at(&f->a),
				.to = file_at(&f->b),
				.rename_flags = (unsigned int)f->flags };

	int r = rename_error(f);

	return r < 0 ? r : file_keep(f, &req);
}

#define RENAME_FLAGS (RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT)

struct two_paths {
	int dirfd_a, dirfd_b;
	uint64_t a, b;
};

static void rename_common(struct request *q, struct two_paths p, uint64_t flags)
{
	struct file_call *f = file_new(q, FILE_RENAME, act_rename);
	bool found = false;
	int r;

	if (!f)
		return;
	f->two = true;
	f->exposes = true;
	f->flags = flags;
	if (flags & ~(uint64_t)RENAME_FLAGS ||
	    (flags & RENAME_EXCHANGE &&
	     flags & (RENAME_NOREPLACE | RENAME_WHITEOUT))) {
		file_error(f, -EINVAL);
		return;
	}
	r = file_get_path(f, &f->a, p.dirfd_a, p.a);
	if (r == 0)
		r = last_error(file_find_name(f, &f->a), -EBUSY);
	if (r == 0)
		r = file_get_path(f, &f->b, p.dirfd_b, p.b);
	if (r == 0) {
		r = last_error(file_find_name(f, &f->b),
			       flags & RENAME_NOREPLACE ? -EEXIST : -EBUSY);
		found = r == 0 || r == -ENAMETOOLONG;
	}
	/* The old name is looked up before the new one is. */
	if (found && f->a.fd < 0)
		r = -ENOENT;
	if (r < 0)
		file_error(f, r);
	else
		file_judge(f);
}

#ifdef SYS_rename
void decode_rename(struct request *q)
{
	rename_common(q,
		      (struct two_paths){ AT_FDCWD, AT_FDCWD, q->args[0],
					  q->args[1] },
		      0);
}
#endif

void decode_renameat(struct request *q)
{
	struct two_paths p = { (int)q->args[0], (int)q->args[2], q->args[1],
			       q->args[3] };

	rename_common(q, p, q->nr == SYS_renameat2 ? (uint32_t)q->args[4] : 0);
}

/* The directory's times are on record before they change. */
static void before_make(struct file_call *f, const struct file_target *t)
{
	struct keep_req req = { .verb = KEEP_MAKE, .fd = -1, .at = file_at(t) };

	(void)file_keep(f, &req);
}

static void note_made(struct file_call *f, const struct file_target *t,
		      enum trash_made made)
{
	struct keep_req req = {
		.verb = KEEP_MADE, .fd = -1, .at = file_at(t), .made = made
	};

	(void)file_keep(f, &req); /* nothing was destroyed */
}

/* Under a name outside of the workspace a file could be destroyed unkept: as for
 * a rename, what is outside is another file system. */
static int link_error(const struct file_call *f)
{
	if (f->b.slash)
		return -ENOENT;
	return f->a.st.st_nlink > 0 && file_leaves_store(f) ? -EXDEV : 0;
}

static int64_t act_link(struct file_call *f)
{
	char path[FILE_SELF_MAX];
	int r = link_error(f);

	if (r < 0)
		return r;
	/* AT_EMPTY_PATH would need CAP_DAC_READ_SEARCH. */
	file_self_path(f->a.fd, path);
	if (!S_ISDIR(f->a.st.st_mode)) /* which the kernel refuses */
		before_make(f, &f->b);
	if (linkat(AT_FDCWD, path, f->b.parent, f->b.last, AT_SYMLINK_FOLLOW) <
	    0)
		return -errno;
	note_made(f, &f->b, TRASH_MADE_LINK);
	return 0;
}

/* A link itself cannot be re-opened; its name beneath the parent will do. */
static int64_t act_link_name(struct file_call *f)
{
	int r = f->a.slash ? -ENOENT : link_error(f);

	if (r < 0)
		return r;
	before_make(f, &f->b);
	if (linkat(f->a.parent, f->a.last, f->b.parent, f->b.last, 0) < 0)
		return -errno;
	note_made(f, &f->b, TRASH_MADE_LINK);
	return 0;
}

/* The kernel has whoever opened a descriptor link it; as the caller we are not
 * who opened this one. errno is that of the link. */
static int link_by_name(struct file_call *f)
{
	if (errno != ENOENT || !identity_enabled())
		return -1;
	file_hold_parent(&f->a);
	errno = ENOENT;
	return f->a.parent < 0 ? -1
			       : linkat(f->a.parent, f->a.last, f->b.parent,
					f->b.last, 0);
}

/* A link that is named by a descriptor alone. */
static int64_t act_link_fd(struct file_call *f)
{
	int r = link_error(f);

	if (r < 0)
		return r;
	before_make(f, &f->b);
	if (linkat(f->a.fd, "", f->b.parent, f->b.last, AT_EMPTY_PATH) < 0 &&
	    link_by_name(f) < 0)
		return -errno;
	note_made(f, &f->b, TRASH_MADE_LINK);
	return 0;
}

static void link_common(struct request *q, struct two_paths p, int flags)
{
	struct file_call *f = file_new(q, FILE_LINK, act_link);
	int r;

	if (!f)
		return;
	f->two = true;
	f->exposes = true;
	r = file_get_path(f, &f->a, p.dirfd_a, p.a);
	if (r == 0)
		r = file_find_object(f, &f->a, flags & AT_SYMLINK_FOLLOW,
				     flags & AT_EMPTY_PATH);
	if (r == 0 && S_ISLNK(f->a.st.st_mode) && f->a.text[0] == 0) {
		f->act = act_link_fd;
	} else if (r == 0 && S_ISLNK(f->a.st.st_mode)) {
		file_forget(&f->a);
		r = file_find_name(f, &f->a);
		f->act = act_link_name;
	}
	if (r == 0)
		r = file_get_path(f, &f->b, p.dirfd_b, p.b);
	if (r == 0)
		r = last_error(file_find_name(f, &f->b), -EEXIST);
	if (r == 0 && f->b.fd >= 0)
		r = -EEXIST;
	if (r < 0)
		file_error(f, r);
	else
		file_judge(f);
}

#ifdef SYS_link
void decode_link(struct request *q)
{
	link_common(q,
		    (struct two_paths){ AT_FDCWD, AT_FDCWD, q->args[0],
					q->args[1] },
		    0);
}
#endif

void decode_linkat(struct request *q)
{
	struct two_paths p = { (int)q->args[0], (int)q->args[2], q->args[1],
			       q->args[3] };
	int flags = (int)q->args[4];

	if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
		request_fail(q, EINVAL);
	else
		link_common(q, p, flags);
}

/* Devices are nobody's to make, nor are programs of others; unless they may
 * (capabilities.allow). */
static bool may_mknod(const struct file_call *f)
{
	const struct seccomp_options *o = &f->q->tracer->seccomp;
	bool device = S_ISCHR(f->mode) || S_ISBLK(f->mode);

	return (o->allow_devices || !device) &&
	       (o->allow_setid || !(f->mode & (S_ISUID | S_ISGID)));
}

static bool may_make(const struct file_target *t)
{
	return faccessat(t->parent, ".", W_OK | X_OK,
			 identity_enabled() ? AT_EACCESS : 0) == 0;
}

/* symlink, mkdir, mknod: a new name. */
static void make_common(struct file_call *f, int dirfd, uint64_t path)
{
	int r;

	if (!f)
		return;
	r = file_get_path(f, &f->a, dirfd, path);
	if (r == 0)
		r = last_error(file_find_name(f, &f->a), -EEXIST);
	if (r == 0 && f->a.fd >= 0)
		r = -EEXIST;
	if (r == 0 && f->a.slash && f->verb != FILE_MKDIR)
		r = -ENOENT;
	if (r < 0)
		file_error(f, r);
	else if (f->verb == FILE_MKNOD && !may_mknod(f))
		request_refuse(f->q, may_make(&f->a) ? EPERM : EACCES);
	else
		file_judge(f);
}

static int64_t act_symlink(struct file_call *f)
{
	before_make(f, &f->a);
	if (symlinkat(f->value, f->a.parent, f->a.last) < 0)
		return -errno;
	note_made(f, &f->a, TRASH_MADE_SYMLINK);
	return 0;
}

void decode_symlink(struct request *q)
{
	bool at = q->nr == SYS_symlinkat;
	struct file_call *f = file_new(q, FILE_SYMLINK, act_symlink);
	ssize_t n;

	if (!f)
		return;
	f->value = malloc(LIMIT_PATH);
	n = f->value ? mem_get_string(&q->mem, q->args[0], f->value, LIMIT_PATH)
		     : -ENOMEM;
	if (n < 0)
		file_error(f, (int)n);
	else
		make_common(f, at ? (int)q->args[1] : AT_FDCWD,
			    q->args[at ? 2 : 1]);
}

static int64_t act_mkdir(struct file_call *f)
{
	mode_t mode = (mode_t)f->mode & 01777;
	int r;

	before_make(f, &f->a);
	file_umask_on(f);
	r = mkdirat(f->a.parent, f->a.last, mode) < 0 ? -errno : 0;
	file_umask_off();
	if (r < 0)
		return r;
	note_made(f, &f->a, TRASH_MADE_DIR);
	return 0;
}

void decode_mkdir(struct request *q)
{
	bool at = q->nr == SYS_mkdirat;
	struct file_call *f = file_new(q, FILE_MKDIR, act_mkdir);

	if (f)
		f->mode = (uint32_t)q->args[at ? 2 : 1];
	make_common(f, at ? (int)q->args[0] : AT_FDCWD, q->args[at ? 1 : 0]);
}

static int64_t act_mknod(struct file_call *f)
{
	mode_t type = (mode_t)f->mode & S_IFMT;
	mode_t mode = type | ((mode_t)f->mode & 07777);
	int r;

	if (!may_mknod(f))
		return -EPERM;
	before_make(f, &f->a);
	file_umask_on(f);
	r = mknodat(f->a.parent, f->a.last, mode, (dev_t)f->flags) < 0 ? -errno
								       : 0;
	file_umask_off();
	if (r < 0)
		return r;
	note_made(f, &f->a,
		  type == 0 || type == S_IFREG ? TRASH_MADE_FILE
					       : TRASH_MADE_NODE);
	return 0;
}

static bool is_node(uint64_t mode)
{
	return (mode & S_IFMT) == 0 || S_ISREG(mode) || S_ISCHR(mode) ||
	       S_ISBLK(mode) || S_ISFIFO(mode) || S_ISSOCK(mode);
}

void decode_mknod(struct request *q)
{
	bool at = q->nr == SYS_mknodat;
	const uint64_t *a = q->args + (at ? 1 : 0);
	struct file_call *f = file_new(q, FILE_MKNOD, act_mknod);

	if (!f)
		return;
	f->mode = (uint32_t)a[1];
	f->flags = (uint32_t)a[2];
	if (!is_node(f->mode)) {
		file_error(f, S_ISDIR(f->mode) ? -EPERM : -EINVAL);
		return;
	}
	make_common(f, at ? (int)q->args[0] : AT_FDCWD, a[0]);
}

/* prlimit() does not tell of another user's process what procfs tells. */
static int fsize_limit(pid_t tid, uint64_t *ret)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct str rest, word;
	struct rlimit l;
	char path[48];
	ptrdiff_t at;

	if (prlimit(tid, RLIMIT_FSIZE, NULL, &l) == 0) {
		*ret = l.rlim_cur == RLIM_INFINITY ? UINT64_MAX : l.rlim_cur;
		return 0;
	}
	(void)snprintf(path, sizeof(path), "/proc/%d/limits", tid);
	if (fd_read_file(AT_FDCWD, path, LIMITS_MAX, &text) < 0)
		return -ESRCH;
	at = str_find(buf_str(&text), STR("\nMax file size"));
	if (at < 0)
		return -ESRCH;
	rest = str_trim(str_skip(buf_str(&text), (size_t)at + 14));
	if (!str_split(&rest, ' ', &word))
		return -ESRCH;
	*ret = UINT64_MAX; /* "unlimited" */
	(void)num_parse_u64(word, ret);
	return 0;
}

/* The caller's limit; ours would let it pass. setrlimit(2): RLIMIT_FSIZE. */
static int check_size(const struct file_call *f)
{
	_cleanup_identity_ struct identity *was = NULL;
	const struct request *q = f->q;
	uint64_t limit;

	if ((off_t)f->flags <= f->a.st.st_size)
		return 0;
	was = identity_look();
	if (fsize_limit(q->tid, &limit) < 0 || f->flags <= limit)
		return 0;
	(void)syscall(SYS_tgkill, q->pid, q->tid, SIGXFSZ);
	return -EFBIG;
}

static int64_t act_truncate(struct file_call *f)
{
	struct keep_req req = { .verb = KEEP_TRUNCATE,
				.fd = f->a.fd,
				.length = (off_t)f->flags };
	char path[FILE_SELF_MAX];
	int r = file_may_write(f);

	if (r == 0)
		r = check_size(f);
	if (r < 0)
		return r;
	file_hold_parent(&f->a);
	req.at = file_at(&f->a);
	r = file_keep(f, &req);
	if (r < 0)
		return r;
	file_self_path(f->a.fd, path);
	return truncate(path, (off_t)f->flags) < 0 ? -errno : 0;
}

void decode_truncate(struct request *q)
{
	struct file_call *f = file_new(q, FILE_TRUNCATE, act_truncate);
	int r;

	if (!f)
		return;
	f->flags = q->args[1];
	r = (int64_t)q->args[1] < 0
		    ? -EINVAL
		    : file_get_path(f, &f->a, AT_FDCWD, q->args[0]);
	if (r == 0)
		r = file_find_object(f, &f->a, /* follow */ true,
				     /* empty */ false);
	if (r == 0 && S_ISDIR(f->a.st.st_mode))
		r = -EISDIR;
	if (r == 0 && !S_ISREG(f->a.st.st_mode))
		r = -EINVAL;
	if (r < 0)
		file_error(f, r);
	else
		file_judge(f);
}
