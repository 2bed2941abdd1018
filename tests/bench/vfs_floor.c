/* SPDX-License-Identifier: MIT */
/*
 * vfs_floor.c - the least a FUSE file system over a directory can cost
 *
 *	vfs_floor DIR -- CMD ARG...
 *
 * Mounts itself over DIR in a namespace of its own, runs CMD there and ends. It
 * judges, records and keeps nothing, checks nothing and links no library: each
 * request is one read, the system calls it stands for, one writev. What it
 * takes from agentsh-vfs is what makes requests few and cheap: passthrough,
 * kernel permission checks, long timeouts, cached lists, request threads beside
 * their clients (vfs/pace.h) and CPUs kept awake (core/wakeful.h). It is no file
 * system to use: renames of directories and hard links confuse it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/wakeful.h"
#include "vfs/pace.h"
#include "vfs/wire.h"

#define BUF      ((1U << 20) + 65536U)
#define SLOTS    65536U
#define VALID    60U
#define ALIGN(n) (((n) + 7) & ~(size_t)7)

struct node {
	struct node *next, *parent;
	uint64_t ino, lookups;
	int fd; /* O_PATH; -1: not needed yet */
	int backing;
	char name[256];
};

static struct node *slots[SLOTS], root = { .fd = -1 };
static int dev;
static char in[BUF], out[BUF];

static _Noreturn void die(const char *what)
{
	perror(what);
	exit(1);
}

static struct node *node_of(uint64_t id)
{
	return id == FUSE_ROOT_ID ? &root : (struct node *)(uintptr_t)id;
}

static int node_fd(struct node *n)
{
	if (n->fd < 0)
		n->fd = openat(node_fd(n->parent), n->name,
			       O_PATH | O_NOFOLLOW | O_CLOEXEC);
	return n->fd;
}

static struct node *node_get(struct node *parent, const char *name,
			     uint64_t ino)
{
	struct node **at = &slots[ino % SLOTS], *n;

	for (n = *at; n && n->ino != ino; n = n->next)
		;
	if (!n) {
		n = calloc(1, sizeof(*n));
		if (!n)
			die("calloc");
		n->fd = -1;
		n->ino = ino;
		n->next = *at;
		*at = n;
	}
	n->parent = parent;
	(void)snprintf(n->name, sizeof(n->name), "%s", name);
	n->lookups++;
	return n;
}

static void node_forget(uint64_t id, uint64_t count)
{
	struct node *n = node_of(id), **at;

	if (n == &root)
		return;
	n->lookups -= count;
	if (n->lookups > 0)
		return;
	for (at = &slots[n->ino % SLOTS]; *at != n; at = &(*at)->next)
		;
	*at = n->next;
	if (n->fd >= 0)
		(void)close(n->fd);
	if (n->backing)
		(void)ioctl(dev, WIRE_BACKING_CLOSE, &n->backing);
	free(n);
}

static void reply(const struct fuse_in_header *h, int error, const void *body,
		  size_t n)
{
	struct fuse_out_header o = { .error = error, .unique = h->unique };
	struct iovec iov[2] = { { &o, sizeof(o) },
				{ (void *)(uintptr_t)body, n } };

	o.len = (uint32_t)(sizeof(o) + (error ? 0 : n));
	(void)!writev(dev, iov, error || n == 0 ? 1 : 2);
}

static void put_attr(struct fuse_attr *a, const struct stat *st)
{
	*a = (struct fuse_attr){
		.ino = st->st_ino,
		.size = (uint64_t)st->st_size,
		.blocks = (uint64_t)st->st_blocks,
		.atime = (uint64_t)st->st_atim.tv_sec,
		.mtime = (uint64_t)st->st_mtim.tv_sec,
		.ctime = (uint64_t)st->st_ctim.tv_sec,
		.atimensec = (uint32_t)st->st_atim.tv_nsec,
		.mtimensec = (uint32_t)st->st_mtim.tv_nsec,
		.ctimensec = (uint32_t)st->st_ctim.tv_nsec,
		.mode = st->st_mode,
		.nlink = (uint32_t)st->st_nlink,
		.uid = st->st_uid,
		.gid = st->st_gid,
		.rdev = (uint32_t)st->st_rdev,
		.blksize = (uint32_t)st->st_blksize,
	};
}

static void put_entry(struct fuse_entry_out *e, struct node *n,
		      const struct stat *st)
{
	*e = (struct fuse_entry_out){
		.nodeid = (uintptr_t)n,
		.entry_valid = VALID,
		.attr_valid = VALID,
	};
	if (n)
		put_attr(&e->attr, st);
}

static void op_init(const struct fuse_in_header *h, const void *body)
{
	const struct fuse_init_in *i = body;
	struct wire_init_out o = {
		.major = FUSE_KERNEL_VERSION,
		.minor = WIRE_MINOR_PASSTHROUGH,
		.max_readahead = i->max_readahead,
		.flags = i->flags &
			 (FUSE_ASYNC_READ | FUSE_ATOMIC_O_TRUNC |
			  FUSE_BIG_WRITES | FUSE_DONT_MASK |
			  FUSE_DO_READDIRPLUS | FUSE_READDIRPLUS_AUTO |
			  FUSE_PARALLEL_DIROPS | FUSE_MAX_PAGES |
			  WIRE_HANDLE_KILLPRIV_V2 | WIRE_INIT_EXT),
		.max_background = 12,
		.congestion_threshold = 9,
		.max_write = 1U << 20,
		.max_pages = 256,
		.time_gran = 1,
		.flags2 = i->flags2 & WIRE_PASSTHROUGH,
		.max_stack_depth = 2,
	};

	reply(h, 0, &o, sizeof(o));
}

static void op_lookup(const struct fuse_in_header *h, const char *name)
{
	struct node *p = node_of(h->nodeid);
	struct fuse_entry_out e;
	struct stat st;

	if (fstatat(node_fd(p), name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		put_entry(&e, node_get(p, name, st.st_ino), &st);
	else
		put_entry(&e, NULL, &st);
	reply(h, 0, &e, sizeof(e));
}

static int stat_node(struct node *n, struct stat *st)
{
	if (n->fd < 0)
		return fstatat(node_fd(n->parent), n->name, st,
			       AT_SYMLINK_NOFOLLOW);
	return fstatat(n->fd, "", st, AT_EMPTY_PATH);
}

static void attr_out(const struct fuse_in_header *h, struct node *n)
{
	struct fuse_attr_out a = { .attr_valid = VALID };
	struct stat st;

	if (stat_node(n, &st) < 0) {
		reply(h, -errno, NULL, 0);
		return;
	}
	put_attr(&a.attr, &st);
	reply(h, 0, &a, sizeof(a));
}

static void op_setattr(const struct fuse_in_header *h, const void *body)
{
	const struct fuse_setattr_in *s = body;
	struct node *n = node_of(h->nodeid);
	struct timespec ts[2] = { { .tv_nsec = UTIME_OMIT },
				  { .tv_nsec = UTIME_OMIT } };
	char path[32];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", node_fd(n));
	if (s->valid & FATTR_MODE)
		(void)!chmod(path, s->mode & 07777);
	if (s->valid & FATTR_SIZE)
		(void)!truncate(path, (off_t)s->size);
	if (s->valid & (FATTR_UID | FATTR_GID))
		(void)!fchownat(n->fd, "",
				s->valid & FATTR_UID ? s->uid : (uid_t)-1,
				s->valid & FATTR_GID ? s->gid : (gid_t)-1,
				AT_EMPTY_PATH);
	if (s->valid & FATTR_ATIME)
		ts[0] = (struct timespec){ (time_t)s->atime, s->atimensec };
	if (s->valid & FATTR_MTIME)
		ts[1] = (struct timespec){ (time_t)s->mtime, s->mtimensec };
	if (s->valid & FATTR_ATIME_NOW)
		ts[0].tv_nsec = UTIME_NOW;
	if (s->valid & FATTR_MTIME_NOW)
		ts[1].tv_nsec = UTIME_NOW;
	if (s->valid & (FATTR_ATIME | FATTR_MTIME))
		(void)utimensat(n->fd, "", ts, AT_EMPTY_PATH);
	attr_out(h, n);
}

static void pass(struct wire_open_out *o, struct node *n)
{
	struct wire_backing_map map = { .fd = node_fd(n) };

	if (!n->backing)
		n->backing = ioctl(dev, WIRE_BACKING_OPEN, &map);
	if (n->backing < 0)
		die("no passthrough here");
	*o = (struct wire_open_out){ .open_flags = WIRE_OPEN_PASSTHROUGH,
				     .backing_id = n->backing };
}

static void op_open(const struct fuse_in_header *h, const void *body)
{
	const struct fuse_open_in *i = body;
	struct node *n = node_of(h->nodeid);
	struct wire_open_out o;
	char path[32];

	if (i->flags & O_TRUNC) {
		(void)snprintf(path, sizeof(path), "/proc/self/fd/%d",
			       node_fd(n));
		(void)!truncate(path, 0);
	}
	pass(&o, n);
	reply(h, 0, &o, sizeof(o));
}

static void op_create(const struct fuse_in_header *h, const void *body)
{
	const struct fuse_create_in *i = body;
	const char *name = (const char *)(i + 1);
	struct node *p = node_of(h->nodeid), *n;
	struct {
		struct fuse_entry_out entry;
		struct wire_open_out open;
	} o;
	struct stat st;
	int fd = openat(node_fd(p), name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC,
			i->mode & ~i->umask & 07777);

	if (fd < 0 || fstat(fd, &st) < 0) {
		reply(h, -errno, NULL, 0);
		return;
	}
	(void)close(fd);
	n = node_get(p, name, st.st_ino);
	put_entry(&o.entry, n, &st);
	pass(&o.open, n);
	reply(h, 0, &o, sizeof(o));
}

static void op_mkdir(const struct fuse_in_header *h, const void *body)
{
	const struct fuse_mkdir_in *i = body;
	const char *name = (const char *)(i + 1);

	if (mkdirat(node_fd(node_of(h->nodeid)), name,
		    i->mode & ~i->umask & 07777) < 0)
		reply(h, -errno, NULL, 0);
	else
		op_lookup(h, name);
}

static void op_symlink(const struct fuse_in_header *h, const char *name)
{
	const char *target = name + strlen(name) + 1;

	if (symlinkat(target, node_fd(node_of(h->nodeid)), name) < 0)
		reply(h, -errno, NULL, 0);
	else
		op_lookup(h, name);
}

static void op_remove(const struct fuse_in_header *h, const char *name,
		      int flags)
{
	int r = unlinkat(node_fd(node_of(h->nodeid)), name, flags);

	reply(h, r < 0 ? -errno : 0, NULL, 0);
}

static void op_rename(const struct fuse_in_header *h, const void *body)
{
	const struct fuse_rename2_in *i = body;
	bool two = h->opcode == FUSE_RENAME2;
	const char *from =
		two ? (const char *)(i + 1)
		    : (const char *)body + sizeof(struct fuse_rename_in);
	const char *to = from + strlen(from) + 1;
	struct node *p = node_of(i->newdir), *n;
	int r = renameat2(node_fd(node_of(h->nodeid)), from, node_fd(p), to,
			  two ? i->flags : 0);
	int error = r < 0 ? -errno : 0;
	struct stat st;

	if (r == 0 && fstatat(node_fd(p), to, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		n = node_get(p, to, st.st_ino);
		n->lookups--;
	}
	reply(h, error, NULL, 0);
}

static void op_opendir(const struct fuse_in_header *h)
{
	int fd = openat(node_fd(node_of(h->nodeid)), ".",
			O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct fuse_open_out o = { .fh = (uintptr_t)d,
				   .open_flags = FOPEN_CACHE_DIR |
						 FOPEN_KEEP_CACHE };

	reply(h, d ? 0 : -errno, &o, sizeof(o));
}

static size_t put_dirent(struct node *p, DIR *d, const struct dirent *e,
			 char *at, bool plus)
{
	size_t n = strlen(e->d_name);
	struct fuse_direntplus *o = (void *)at;
	struct fuse_dirent *head = plus ? &o->dirent : (void *)at;
	struct stat st;

	if (plus)
		put_entry(&o->entry_out, NULL, &st);
	if (plus && strcmp(e->d_name, ".") != 0 &&
	    strcmp(e->d_name, "..") != 0 &&
	    fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		put_entry(&o->entry_out, node_get(p, e->d_name, st.st_ino),
			  &st);
	*head = (struct fuse_dirent){ .ino = e->d_ino,
				      .off = (uint64_t)e->d_off,
				      .namelen = (uint32_t)n,
				      .type = e->d_type };
	memcpy(head->name, e->d_name, n);
	return ALIGN((size_t)(head->name - at) + n);
}

static void op_readdir(const struct fuse_in_header *h, const void *body,
		       bool plus)
{
	const struct fuse_read_in *i = body;
	DIR *d = (DIR *)(uintptr_t)i->fh;
	struct dirent *e;
	size_t used = 0;
	long at = telldir(d);

	if (at != (long)i->offset)
		seekdir(d, (long)i->offset);
	while (used + sizeof(struct fuse_direntplus) + 264 < i->size) {
		e = readdir(d);
		if (!e)
			break;
		used += put_dirent(node_of(h->nodeid), d, e, out + used, plus);
	}
	reply(h, 0, out, used);
}

static void op_forget(const struct fuse_in_header *h, const void *body)
{
	const struct fuse_batch_forget_in *b = body;
	const struct fuse_forget_one *one = (const void *)(b + 1);

	if (h->opcode == FUSE_FORGET)
		node_forget(h->nodeid,
			    ((const struct fuse_forget_in *)body)->nlookup);
	for (uint32_t k = 0; h->opcode != FUSE_FORGET && k < b->count; k++)
		node_forget(one[k].nodeid, one[k].nlookup);
}

static void op_readlink(const struct fuse_in_header *h)
{
	ssize_t n = readlinkat(node_fd(node_of(h->nodeid)), "", out, 4096);

	reply(h, n < 0 ? -errno : 0, out, n < 0 ? 0 : (size_t)n);
}

static void op_statfs(const struct fuse_in_header *h)
{
	struct fuse_statfs_out o = { .st = { .bsize = 4096, .namelen = 255 } };

	reply(h, 0, &o, sizeof(o));
}

static void op_release(const struct fuse_in_header *h, const void *body)
{
	const struct fuse_release_in *i = body;

	if (i->fh)
		(void)closedir((DIR *)(uintptr_t)i->fh);
	reply(h, 0, NULL, 0);
}

/* False: it is about something else than names. */
static bool serve_name(const struct fuse_in_header *h, const void *body)
{
	switch (h->opcode) {
	case FUSE_LOOKUP:
		op_lookup(h, body);
		break;
	case FUSE_CREATE:
		op_create(h, body);
		break;
	case FUSE_MKDIR:
		op_mkdir(h, body);
		break;
	case FUSE_SYMLINK:
		op_symlink(h, body);
		break;
	case FUSE_UNLINK:
		op_remove(h, body, 0);
		break;
	case FUSE_RMDIR:
		op_remove(h, body, AT_REMOVEDIR);
		break;
	case FUSE_RENAME:
	case FUSE_RENAME2:
		op_rename(h, body);
		break;
	default:
		return false;
	}
	return true;
}

static void serve(const struct fuse_in_header *h)
{
	const void *body = h + 1;

	if (serve_name(h, body))
		return;
	switch (h->opcode) {
	case FUSE_INIT:
		op_init(h, body);
		break;
	case FUSE_GETATTR:
		attr_out(h, node_of(h->nodeid));
		break;
	case FUSE_SETATTR:
		op_setattr(h, body);
		break;
	case FUSE_OPEN:
		op_open(h, body);
		break;
	case FUSE_OPENDIR:
		op_opendir(h);
		break;
	case FUSE_READDIR:
	case FUSE_READDIRPLUS:
		op_readdir(h, body, h->opcode == FUSE_READDIRPLUS);
		break;
	case FUSE_READLINK:
		op_readlink(h);
		break;
	case FUSE_STATFS:
		op_statfs(h);
		break;
	case FUSE_RELEASE:
	case FUSE_RELEASEDIR:
		op_release(h, body);
		break;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
		op_forget(h, body);
		break;
	case FUSE_INTERRUPT: /* nothing takes long */
		break;
	case FUSE_GETXATTR:
		reply(h, -ENODATA, NULL, 0);
		break;
	default:
		reply(h, -ENOSYS, NULL, 0);
	}
}

static void *run(void *arg)
{
	const struct fuse_in_header *h = (const void *)in;

	(void)arg;
	/* The umask is not the command's. */
	if (unshare(CLONE_FS) < 0)
		die("unshare");
	(void)umask(0);
	pace_init();
	while (read(dev, in, sizeof(in)) > 0) {
		pace_request((pid_t)h->pid);
		wakeful_touch();
		serve(h);
		pace_answered();
	}
	pace_done();
	return NULL;
}

static void mount_over(const char *dir)
{
	char data[128];

	root.fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	dev = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (root.fd < 0 || dev < 0 || unshare(CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		die(dir);
	(void)snprintf(data, sizeof(data),
		       "fd=%d,rootmode=40000,user_id=0,group_id=0,"
		       "default_permissions,allow_other",
		       dev);
	if (mount("floor", dir, "fuse.floor", MS_NOSUID | MS_NODEV, data) < 0)
		die("mount");
}

int main(int argc, char **argv)
{
	struct rlimit rl;
	pthread_t t;
	pid_t pid;
	int st = 0;

	if (argc < 4 || strcmp(argv[2], "--") != 0)
		return 2;
	if (getrlimit(RLIMIT_NOFILE, &rl) == 0) {
		rl.rlim_cur = rl.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &rl);
	}
	mount_over(argv[1]);
	(void)pace_start(dev);
	(void)wakeful_start();
	if (pthread_create(&t, NULL, run, NULL) != 0)
		return 1;
	pid = fork();
	if (pid == 0) {
		if (chdir(argv[1]) == 0)
			(void)execvp(argv[3], argv + 3);
		_exit(127);
	}
	(void)waitpid(pid, &st, 0);
	(void)umount2(argv[1], MNT_DETACH | MNT_FORCE);
	(void)pthread_join(t, NULL);
	pace_stop();
	return WEXITSTATUS(st);
}
