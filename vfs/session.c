/* SPDX-License-Identifier: MIT */
/*
 * session.c - the mount, the connection to the kernel, the request threads
 *
 * Threads wake-up costs are what a FUSE server is made of: four threads that
 * wait on the device in turn are two to three times slower than one. So one
 * thread is the reader: it holds `turn`, reads a request, handles it itself and
 * reads the next. Only when a handler is about to wait (fsync, a large copy,
 * an approval) does it give the turn away (session_block), and another thread
 * becomes the reader; afterwards it queues for the turn.
 *
 * libfuse decodes and encodes. Two things go past it: the INIT reply is
 * completed on its way out (flags that this libfuse does not know), and
 * requests it does not know are answered by ops_raw().
 */
#include "vfs/session.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/log.h"
#include "confine/userns.h"
#include "core/wakeful.h"
#include "vfs/pace.h"
#include "vfs/request.h"
#include "vfs/wire.h"

#define MAX_WRITE   (1U << 20)
#define BUF_SIZE    (MAX_WRITE + 65536U)
#define THREADS     4U
#define MAX_THREADS 16U
#define OPCODES     64U

struct session {
	struct vfs *vfs;
	struct fuse_session *se; /* owned */
	int dev;                 /* owned: /dev/fuse */
	char *where;             /* owned: mount point */
	char *shown;             /* owned: another, which the host sees; NULL */
	int host_ns, host_root;  /* owned: of `shown`; -1 */
	bool mounted;
	bool passthrough; /* relaxed access */
	uint64_t init_unique;
	uint32_t offered, offered2; /* flags of the INIT request */
	uint32_t minor;             /* of it; relaxed access */

	pthread_mutex_t turn;
	pthread_mutex_t lock; /* threads */
	pthread_t threads[MAX_THREADS];
	unsigned int n_threads, blocked;
	bool stop;
	uint64_t counts[OPCODES]; /* requests; relaxed access */
};

static _Thread_local bool has_turn, was_blocked;

/* --- talking to the kernel --- */

static void patch_init(struct session *s, struct wire_init_out *o)
{
	if (s->offered & WIRE_HANDLE_KILLPRIV_V2)
		o->flags |= WIRE_HANDLE_KILLPRIV_V2;
	if (!(s->offered & WIRE_INIT_EXT) ||
	    !(s->offered2 & WIRE_PASSTHROUGH) || !s->passthrough ||
	    !s->vfs->privileged) {
		s->passthrough = false;
		return;
	}
	o->minor = MAX(o->minor, WIRE_MINOR_PASSTHROUGH);
	o->flags |= WIRE_INIT_EXT;
	o->flags2 |= WIRE_PASSTHROUGH;
	/* One file system below us, which may be an overlay itself. */
	o->max_stack_depth = 2;
}

static ssize_t dev_writev(int fd, struct iovec *iov, int count, void *userdata)
{
	struct vfs *v = userdata;
	struct session *s = v->session;
	const struct fuse_out_header *head = iov[0].iov_base;
	struct wire_init_out init;
	struct iovec patched[2];

	if (!s || !s->init_unique || head->unique != s->init_unique ||
	    count != 2 || head->error || iov[1].iov_len != sizeof(init))
		return writev(fd, iov, count);
	s->init_unique = 0;
	memcpy(&init, iov[1].iov_base, sizeof(init));
	patch_init(s, &init);
	patched[0] = iov[0];
	patched[1] = (struct iovec){ &init, sizeof(init) };
	return writev(fd, patched, 2);
}

static ssize_t dev_read(int fd, void *buf, size_t size, void *userdata)
{
	(void)userdata;
	return read(fd, buf, size);
}

static void on_init(void *userdata, struct fuse_conn_info *c)
{
	struct vfs *v = userdata;
	unsigned int want = FUSE_CAP_ATOMIC_O_TRUNC | FUSE_CAP_DONT_MASK |
			    FUSE_CAP_PARALLEL_DIROPS | FUSE_CAP_READDIRPLUS |
			    FUSE_CAP_READDIRPLUS_AUTO | FUSE_CAP_ASYNC_DIO |
			    FUSE_CAP_ASYNC_READ | FUSE_CAP_IOCTL_DIR |
			    FUSE_CAP_AUTO_INVAL_DATA | FUSE_CAP_POSIX_ACL;

	/* Symlink targets are judged when read; cached ones would not be. */
	c->want = want & c->capable;
	c->max_write = MAX_WRITE;
	if (v->settings.max_background)
		c->max_background = v->settings.max_background;
}

/* --- threads --- */

static void note_init(struct session *s, const char *buf, size_t n)
{
	const struct fuse_in_header *h = (const void *)buf;
	const struct fuse_init_in *in = (const void *)(buf + sizeof(*h));

	if (n < sizeof(*h) + 16 || h->opcode != FUSE_INIT)
		return;
	s->init_unique = h->unique;
	s->offered = in->flags;
	__atomic_store_n(&s->minor, in->minor, __ATOMIC_RELAXED);
	if (n >= sizeof(*h) + sizeof(*in))
		s->offered2 = in->flags2;
}

/* One request. False: the connection has ended. */
static bool serve_one(struct session *s, char *buf)
{
	const struct fuse_in_header *h;
	struct fuse_buf fb = { .mem = buf };
	ssize_t n = read(s->dev, buf, BUF_SIZE);

	if (n < 0)
		return errno == EINTR || errno == EAGAIN || errno == ENOENT;
	if (n < (ssize_t)sizeof(struct fuse_in_header))
		return false;
	note_init(s, buf, (size_t)n);
	h = (const void *)buf;
	(void)__atomic_fetch_add(&s->counts[h->opcode % OPCODES], 1,
				 __ATOMIC_RELAXED);
	pace_request((pid_t)h->pid);
	wakeful_touch();
	fb.size = (size_t)n;
	if (!ops_raw(s->vfs, buf, (size_t)n))
		fuse_session_process_buf(s->se, &fb);
	pace_answered();
	return true;
}

static void take_turn(struct session *s)
{
	(void)pthread_mutex_lock(&s->turn);
	has_turn = true;
}

static void give_turn(struct session *s)
{
	has_turn = false;
	(void)pthread_mutex_unlock(&s->turn);
}

static void *run_thread(void *arg)
{
	struct session *s = arg;
	char *buf = malloc(BUF_SIZE);
	int r = buf ? cred_thread_init(s->vfs) : -ENOMEM;
	bool go = true;

	if (r < 0)
		(void)log_error_errno(r, "request thread");
	pace_init();
	while (r == 0 && go && !__atomic_load_n(&s->stop, __ATOMIC_ACQUIRE)) {
		if (!has_turn)
			take_turn(s);
		go = serve_one(s, buf);
	}
	if (has_turn)
		give_turn(s);
	pace_done();
	free(buf);
	return NULL;
}

static int add_thread(struct session *s)
{
	sigset_t all, old;
	int r = 0;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	(void)pthread_mutex_lock(&s->lock);
	if (s->n_threads < MAX_THREADS && !s->stop) {
		r = -pthread_create(&s->threads[s->n_threads], NULL, run_thread,
				    s);
		if (r == 0)
			s->n_threads++;
	}
	(void)pthread_mutex_unlock(&s->lock);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	return r;
}

void session_block(struct session *s)
{
	bool short_of_threads;

	if (!has_turn)
		return;
	pace_away(true);
	(void)pthread_mutex_lock(&s->lock);
	was_blocked = true;
	s->blocked++;
	short_of_threads = s->blocked >= s->n_threads;
	(void)pthread_mutex_unlock(&s->lock);
	if (short_of_threads)
		(void)add_thread(s);
	give_turn(s);
}

void session_unblock(struct session *s)
{
	/* The turn is another's now; this thread goes on without it, answers,
	 * and queues for it in run_thread(). */
	if (!was_blocked)
		return;
	pace_away(false);
	was_blocked = false;
	(void)pthread_mutex_lock(&s->lock);
	s->blocked--;
	(void)pthread_mutex_unlock(&s->lock);
}

int session_start(struct session *s)
{
	if (s->vfs->settings.follow && pace_start(s->dev) < 0)
		log_debug("request threads do not follow their clients");
	if (s->vfs->settings.stay_awake)
		(void)wakeful_start();
	for (unsigned int i = 0; i < THREADS; i++) {
		int r = add_thread(s);

		if (r < 0)
			return r;
	}
	return 0;
}

/* --- mounting --- */

static int private_namespace(struct vfs *v)
{
	int r = unshare(CLONE_NEWNS) < 0 ? -errno : 0;

	if (r == -EPERM) {
		r = userns_unshare(CLONE_NEWNS);
		if (r < 0)
			return r;
		v->user_ns = open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC);
		if (v->user_ns < 0)
			r = -errno;
	}
	if (r < 0)
		return r;
	/* Later mounts of the host still reach us, ours do not reach it. */
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return -errno;
	v->mnt_ns = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	v->mnt_root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return v->mnt_ns < 0 || v->mnt_root < 0 ? -errno : 0;
}

static int do_mount(struct session *s)
{
	char data[160];

	s->dev = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (s->dev < 0)
		return -errno;
	(void)snprintf(data, sizeof(data),
		       "fd=%d,rootmode=40000,user_id=%u,group_id=%u,"
		       "default_permissions,allow_other",
		       s->dev, getuid(), getgid());
	if (mount("agentsh", s->where, "fuse.agentsh", MS_NOSUID | MS_NODEV,
		  data) < 0)
		return -errno;
	s->mounted = true;
	return 0;
}

/* The directories of settings.mount_base/SESSION/workspace-mnt. */
static int make_shown(struct session *s, struct buf *path)
{
	buf_puts(path, s->vfs->settings.mount_base);
	(void)mkdir(buf_cstr(path), 0711);
	buf_printf(path, "/%s", s->vfs->session_id);
	(void)mkdir(buf_cstr(path), 0711);
	buf_puts(path, "/workspace-mnt");
	if (path->error)
		return path->error;
	/* of one that was killed */
	(void)umount2(buf_cstr(path), MNT_DETACH);
	return mkdir(buf_cstr(path), 0755) < 0 && errno != EEXIST ? -errno : 0;
}

/*
 * The mount as the host sees it, made before we leave the host's namespace. The
 * one over the workspace is a second sight of it.
 */
static int mount_shown(struct session *s)
{
	_cleanup_buf_ struct buf path = BUF_INIT;
	char *inner = s->where;
	int r = make_shown(s, &path);

	if (r < 0)
		return r;
	s->host_ns = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	s->host_root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (s->host_ns < 0 || s->host_root < 0)
		return -errno;
	s->shown = strdup(buf_cstr(&path));
	if (!s->shown)
		return -ENOMEM;
	s->where = s->shown;
	r = do_mount(s);
	s->where = inner;
	s->mounted = false; /* not there yet */
	if (r < 0) {
		(void)rmdir(s->shown);
		free(TAKE(s->shown));
	}
	return r;
}

static int bind_shown(struct session *s)
{
	if (mount(s->shown, s->where, NULL, MS_BIND, NULL) < 0)
		return -errno;
	s->mounted = true;
	return 0;
}

/* No thread shares our file system context any more. */
static void unmount_shown(struct session *s)
{
	if (!s->shown)
		return;
	/* EINVAL: the server was faster */
	if (mountns_enter(s->host_ns, s->host_root) < 0 ||
	    (umount2(s->shown, MNT_DETACH) < 0 && errno != EINVAL))
		log_warn("cannot unmount %s", s->shown);
	(void)rmdir(s->shown);
	*strrchr(s->shown, '/') = '\0';
	(void)rmdir(s->shown);
}

static int make_session(struct session *s)
{
	static const struct fuse_custom_io io = { .writev = dev_writev,
						  .read = dev_read };
	struct fuse_lowlevel_ops ops = { .init = on_init };
	char name[] = "agentsh-vfs";
	char *argv[] = { name, NULL };
	struct fuse_args args = FUSE_ARGS_INIT(1, argv);

	ops_name(&ops);
	ops_dir(&ops);
	ops_file(&ops);
	ops_data(&ops);
	ops_attr(&ops);
	s->se = fuse_session_new(&args, &ops, sizeof(ops), s->vfs);
	fuse_opt_free_args(&args);
	if (!s->se)
		return -ENOMEM;
	if (fuse_session_custom_io(s->se, &io, s->dev) < 0)
		return -EINVAL;
	return 0;
}

int session_open(struct vfs *v, struct session **ret)
{
	struct session *s = calloc(1, sizeof(*s));
	int r = 0;

	if (!s)
		return -ENOMEM;
	s->vfs = v;
	s->dev = s->host_ns = s->host_root = -1;
	s->passthrough = v->settings.passthrough;
	(void)pthread_mutex_init(&s->turn, NULL);
	(void)pthread_mutex_init(&s->lock, NULL);
	if (v->settings.mount_base && mount_shown(s) < 0)
		log_warn("the mount is not shown below %s",
			 v->settings.mount_base);
	/* In a user namespace what others own looks different: that waits. */
	if (!v->settings.mount_point && v->privileged)
		r = private_namespace(v);
	if (r < 0) {
		(void)session_close(s);
		return r;
	}
	*ret = s;
	return 0;
}

int session_mount(struct session *s)
{
	struct vfs *v = s->vfs;
	int r = 0;

	s->where = strdup(v->settings.mount_point ? v->settings.mount_point
						  : v->workspace);
	if (!s->where)
		return -ENOMEM;
	if (!v->settings.mount_point && v->mnt_ns < 0)
		r = private_namespace(v);
	if (r == 0)
		r = s->shown ? bind_shown(s) : do_mount(s);
	if (r == 0)
		r = make_session(s);
	if (r == 0)
		v->inodes.dev_fuse = s->dev;
	return r;
}

/* For tests: what the kernel asked for, by the numbers of linux/fuse.h. */
static void tell_counts(const struct session *s)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	for (unsigned int i = 0; i < OPCODES; i++)
		if (s->counts[i])
			buf_printf(&b, " %u=%llu", i,
				   (unsigned long long)s->counts[i]);
	if (s->vfs->settings.count)
		log_info("requests:%s", buf_cstr(&b));
	else
		log_debug("requests:%s", buf_cstr(&b));
}

void session_end(struct session *s)
{
	if (!s || __atomic_load_n(&s->stop, __ATOMIC_RELAXED))
		return;
	__atomic_store_n(&s->stop, true, __ATOMIC_RELEASE);
	/* Requests of processes still in the mount end with an error; the
	 * reader's read() with ENODEV. */
	if (s->mounted && umount2(s->where, MNT_DETACH | MNT_FORCE) < 0)
		log_warn("cannot unmount %s", s->where);
	for (unsigned int i = 0; i < s->n_threads; i++)
		(void)pthread_join(s->threads[i], NULL);
	pace_stop();
	wakeful_stop();
}

struct session *session_close(struct session *s)
{
	if (!s)
		return NULL;
	session_end(s);
	if (s->vfs)
		tell_counts(s);
	if (s->vfs)
		s->vfs->inodes.dev_fuse = -1;
	unmount_shown(s);
	cleanup_close_p(&s->host_ns);
	cleanup_close_p(&s->host_root);
	free(s->shown);
	if (s->se)
		fuse_session_destroy(s->se);
	else if (s->dev >= 0)
		(void)close(s->dev);
	free(s->where);
	free(s);
	return NULL;
}

const char *session_shown(const struct session *s)
{
	return s->shown;
}

int session_dev_fd(const struct session *s)
{
	return s->dev;
}

bool session_passthrough(const struct session *s)
{
	return __atomic_load_n(&s->passthrough, __ATOMIC_RELAXED);
}

void session_no_passthrough(struct session *s)
{
	__atomic_store_n(&s->passthrough, false, __ATOMIC_RELAXED);
}

bool session_expires(const struct session *s)
{
	return __atomic_load_n(&s->minor, __ATOMIC_RELAXED) >=
	       WIRE_MINOR_EXPIRE;
}

/* libfuse of the distributions lacks the flag. */
void session_expire_entry(struct session *s, const struct inode *parent,
			  const char *name)
{
	size_t n = strlen(name);
	struct wire_inval_entry_out body = {
		.parent = rq_nodeid(s->vfs, parent),
		.namelen = (uint32_t)n,
		.flags = session_expires(s) ? WIRE_EXPIRE_ONLY : 0,
	};
	struct fuse_out_header head = {
		.len = (uint32_t)(sizeof(head) + sizeof(body) + n + 1),
		.error = WIRE_NOTIFY_INVAL_ENTRY,
	};
	struct iovec iov[3] = { { &head, sizeof(head) },
				{ &body, sizeof(body) },
				{ (void *)(uintptr_t)name, n + 1 } };

	(void)!writev(s->dev, iov, 3); /* -ENOENT: the kernel has it not */
}

void session_expire_attr(struct session *s, const struct inode *i)
{
	struct inode_table *t = &s->vfs->inodes;
	bool data;

	(void)pthread_mutex_lock(&t->lock);
	data = i->plain;
	(void)pthread_mutex_unlock(&t->lock);
	(void)fuse_lowlevel_notify_inval_inode(s->se, rq_nodeid(s->vfs, i),
					       data ? 0 : -1, 0);
}

static void expire_one(void *arg, struct inode *parent, const char *name)
{
	session_expire_entry(arg, parent, name);
}

void session_invalidate(struct session *s)
{
	inode_each_name(&s->vfs->inodes, expire_one, s);
}
