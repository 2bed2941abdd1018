/* SPDX-License-Identifier: MIT */
/*
 * probe.c - what this kernel and container really let us do
 *
 * Each probe is a function run in a throw-away child that performs the
 * operation and looks at its effect: a filter must change an answer, Landlock
 * must refuse an open, a notification must come back with our value. A child
 * that is killed (a container's filter may do that) or hangs counts as "no".
 * Mounts happen in the child's own mount namespace and die with it.
 */
#include "confine/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/macro.h"
#include "confine/caps.h"
#include "confine/cgroup.h"
#include "confine/landlock.h"

#ifndef SYS_pidfd_open
#	define SYS_pidfd_open 434
#endif
#ifndef SYS_pidfd_getfd
#	define SYS_pidfd_getfd 438
#endif

#define CHILD_SECONDS 15
#define MAGIC         4242

#define NEW_LISTENER  (1UL << 3)
#define WAIT_KILLABLE (1UL << 5)
#define ADDFD_SEND    (1U << 1) /* SECCOMP_ADDFD_FLAG_SEND, 5.14 */
/* SECCOMP_IOCTL_NOTIF_SET_FLAGS and _FD_SYNC_WAKE_UP, 6.6 */
#define NOTIF_SET_FLAGS _IOW('!', 4, uint64_t)
#define NOTIF_SYNC_WAKE 1UL
/* <sys/ptrace.h> belongs to tracer/; these three requests suffice */
#define TRACE_SEIZE     0x4206
#define TRACE_INTERRUPT 0x4207
#define TRACE_DETACH    17

typedef int (*probe_fn)(void);

/* Runs fn in a child; its 0 or -errno becomes the item. */
static struct probe_item in_child(probe_fn fn)
{
	pid_t pid = fork();
	int status = 0;

	if (pid < 0)
		return (struct probe_item){ false, errno };
	if (pid == 0) {
		int r;

		(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		(void)alarm(CHILD_SECONDS);
		r = fn();
		_exit(r < 0 ? (r > -255 ? -r : EIO) : 0);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!WIFEXITED(status))
		return (struct probe_item){ false, WTERMSIG(status) == SIGALRM
							   ? ETIMEDOUT
							   : EPERM };
	return (struct probe_item){ WEXITSTATUS(status) == 0,
				    WEXITSTATUS(status) };
}

static int no_new_privs(void)
{
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

/* --- Landlock --- */

static int try_landlock(void)
{
	struct grant_set none = { .tcp_connect_any = true,
				  .tcp_bind_any = true };
	int fd = landlock_build(&none, NULL);
	int r = fd < 0 ? fd : no_new_privs();

	if (r == 0)
		r = landlock_restrict(fd, 0);
	if (r < 0)
		return r;
	if (open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC) >= 0)
		return -ENOTSUP;
	return errno == EACCES ? 0 : -errno;
}

/* --- seccomp --- */

/* `action` for getppid(), which nobody needs here; everything else runs. */
static int install(uint32_t action, unsigned long flags)
{
	struct sock_filter f[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, action),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog p = { ARRAY_LEN(f), f };
	int r = no_new_privs();

	if (r < 0)
		return r;
	r = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &p);
	return r < 0 ? -errno : r;
}

static int try_filter(void)
{
	int r = install(SECCOMP_RET_ERRNO | MAGIC % 4096, 0);

	if (r < 0)
		return r;
	return syscall(SYS_getppid) == -1 && errno == MAGIC % 4096 ? 0
								   : -ENOTSUP;
}

struct trip {
	unsigned long install_flags;
	bool addfd, sync;
};

/* The governed side: asks once, and wants the supervisor's answer. */
static int trip_client(const struct trip *t, int sock)
{
	int listener = install(SECCOMP_RET_USER_NOTIF,
			       NEW_LISTENER | t->install_flags);
	int32_t r = listener < 0 ? listener : 0;
	long answer;

	if (fd_send(sock, &r, sizeof(r), &listener, listener >= 0,
		    MSG_NOSIGNAL) < 0 ||
	    r < 0)
		return r ? r : -EIO;
	/* the supervisor's is then the only one: closing it ends our wait */
	(void)close(listener);
	answer = syscall(SYS_getppid);
	if (t->addfd)
		return answer > 2 && fcntl((int)answer, F_GETFD) >= 0
			       ? 0
			       : -ENOTSUP;
	return answer == MAGIC ? 0 : -ENOTSUP;
}

static int trip_answer(const struct trip *t, int listener)
{
	struct seccomp_notif req = { 0 };
	struct seccomp_notif_resp resp = { 0 };
	struct seccomp_notif_addfd add = { 0 };

	if (t->sync && ioctl(listener, NOTIF_SET_FLAGS, NOTIF_SYNC_WAKE) < 0)
		return -errno;
	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &req) < 0)
		return -errno;
	if (t->addfd) {
		add.id = req.id;
		add.flags = ADDFD_SEND;
		add.srcfd = (uint32_t)listener;
		return ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add) < 0
			       ? -errno
			       : 0;
	}
	resp.id = req.id;
	resp.val = MAGIC;
	return ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &resp) < 0 ? -errno
								    : 0;
}

static int trip_serve(const struct trip *t, int sock)
{
	int32_t r = -EIO;
	int fds[1];
	size_t n = 1;
	ssize_t got = fd_recv(sock, &r, sizeof(r), fds, &n, 0);

	if (got < 0)
		return (int)got;
	if (got != sizeof(r) || r < 0 || n != 1)
		return r < 0 ? r : -EIO;
	r = trip_answer(t, fds[0]);
	(void)close(fds[0]); /* a waiting client then gets ENOSYS */
	return r;
}

static int round_trip(const struct trip *t)
{
	int sock[2], status = 0, r;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sock) < 0)
		return -errno;
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		(void)alarm(CHILD_SECONDS);
		(void)close(sock[0]);
		r = trip_client(t, sock[1]);
		_exit(r < 0 ? -r : 0);
	}
	(void)close(sock[1]);
	r = trip_serve(t, sock[0]);
	(void)waitpid(pid, &status, 0);
	if (r < 0)
		return r;
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -EIO;
}

static int try_notify(void)
{
	return round_trip(&(struct trip){ .install_flags = 0 });
}

static int try_addfd_send(void)
{
	return round_trip(&(struct trip){ .addfd = true });
}

static int try_wait_killable(void)
{
	return round_trip(&(struct trip){ .install_flags = WAIT_KILLABLE });
}

static int try_sync_wakeup(void)
{
	return round_trip(&(struct trip){ .sync = true });
}

/* --- looking into a child --- */

/* fn(pid of a sleeping copy of ourselves); the copy is killed and reaped. */
static int with_child(int (*fn)(pid_t))
{
	pid_t pid = fork();
	int r;

	if (pid < 0)
		return -errno;
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		for (;;)
			(void)pause();
	}
	r = fn(pid);
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	return r;
}

static uint32_t landmark = 0x600df00d; /* same address in the copy */

static int look_vm(pid_t pid)
{
	uint32_t seen = 0;
	struct iovec to = { &seen, sizeof(seen) };
	struct iovec from = { &landmark, sizeof(landmark) };

	if (process_vm_readv(pid, &to, 1, &from, 1, 0) < 0)
		return -errno;
	return seen == landmark ? 0 : -EIO;
}

static int look_mem(pid_t pid)
{
	_cleanup_close_ int fd = -1;
	uint32_t seen = 0;
	char path[32];

	(void)snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (pread(fd, &seen, sizeof(seen), (off_t)(uintptr_t)&landmark) !=
	    sizeof(seen))
		return -errno;
	return seen == landmark ? 0 : -EIO;
}

static int look_fd(pid_t pid)
{
	_cleanup_close_ int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	_cleanup_close_ int fd = -1;

	if (pidfd < 0)
		return -errno;
	fd = (int)syscall(SYS_pidfd_getfd, pidfd, 0, 0);
	/* stdin may be closed; being refused is EPERM */
	return fd >= 0 || errno == EBADF ? 0 : -errno;
}

static int look_trace(pid_t pid)
{
	int status = 0;

	if (syscall(SYS_ptrace, TRACE_SEIZE, pid, 0, 0) < 0 ||
	    syscall(SYS_ptrace, TRACE_INTERRUPT, pid, 0, 0) < 0)
		return -errno;
	if (waitpid(pid, &status, __WALL) != pid || !WIFSTOPPED(status))
		return -EIO;
	return syscall(SYS_ptrace, TRACE_DETACH, pid, 0, 0) < 0 ? -errno : 0;
}

static int try_vm_readv(void)
{
	return with_child(look_vm);
}

static int try_proc_mem(void)
{
	return with_child(look_mem);
}

static int try_pidfd_getfd(void)
{
	return with_child(look_fd);
}

static int try_ptrace(void)
{
	return with_child(look_trace);
}

/* --- namespaces and mounts --- */

static int private_mounts(void)
{
	if (unshare(CLONE_NEWNS) < 0)
		return -errno;
	return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ? -errno
								     : 0;
}

static int try_mount_ns(void)
{
	int r = private_mounts();

	if (r == 0 && mount("agentsh-probe", "/", "tmpfs", 0, "size=4k") < 0)
		r = -errno;
	return r;
}

/* Some hosts create the namespace and then give it no capabilities. */
static int try_user_ns(void)
{
	return unshare(CLONE_NEWUSER) < 0 ? -errno : private_mounts();
}

static int try_pid_ns(void)
{
	int status = 0;
	pid_t pid;

	if (unshare(CLONE_NEWPID) < 0)
		return -errno;
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0)
		_exit(getpid() != 1);
	(void)waitpid(pid, &status, 0);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -ENOTSUP;
}

static int try_net_ns(void)
{
	return unshare(CLONE_NEWNET) < 0 ? -errno : 0;
}

static int try_fuse(void)
{
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	char options[96];
	int r;

	if (fd < 0)
		return -errno;
	r = private_mounts();
	if (r < 0)
		return r;
	(void)snprintf(options, sizeof(options),
		       "fd=%d,rootmode=40000,user_id=%u,group_id=%u", fd,
		       getuid(), getgid());
	/* returns at once: the first request is asynchronous */
	return mount("agentsh-probe", "/", "fuse", MS_NOSUID | MS_NODEV,
		     options) < 0
		       ? -errno
		       : 0;
}

/* --- the rest --- */

static int try_caps_drop(void)
{
	uint64_t e = 0, p = 0, b = 0;
	int r = caps_restrict(0);

	if (r == 0)
		r = caps_get(&e, &p, &b);
	if (r < 0)
		return r;
	return e == 0 && p == 0 ? 0 : -EPERM;
}

/*
 * In this process, not a child: on v2 it may have to step aside within its own
 * cgroup, and only it can tell whether it is allowed to. Closing undoes it.
 */
static void probe_cgroups(struct probe *p)
{
	struct cgroup_root *root = NULL;
	struct cgroup_root_info info = { 0 };
	char base[64];
	int r;

	(void)snprintf(base, sizeof(base), "agentsh-probe-%d", (int)getpid());
	r = cgroup_root_open(base, &root);
	if (r == 0)
		cgroup_root_info(root, &info);
	root = cgroup_root_close(root);
	r = r < 0 ? -r : EOPNOTSUPP;
	p->cgroup_memory = (struct probe_item){ info.memory != CGROUP_NONE,
						info.memory ? 0 : r };
	p->cgroup_pids = (struct probe_item){ info.pids != CGROUP_NONE,
					      info.pids ? 0 : r };
	p->cgroup_cpu = (struct probe_item){ info.cpu != CGROUP_NONE,
					     info.cpu ? 0 : r };
}

void probe_run(struct probe *ret)
{
	int abi = landlock_abi();

	*ret = (struct probe){ .landlock_abi = abi > 0 ? abi : 0 };
	ret->landlock = in_child(try_landlock);
	ret->seccomp_filter = in_child(try_filter);
	ret->notify = in_child(try_notify);
	ret->notify_addfd_send = in_child(try_addfd_send);
	ret->notify_wait_killable = in_child(try_wait_killable);
	ret->notify_sync_wakeup = in_child(try_sync_wakeup);
	ret->vm_readv = in_child(try_vm_readv);
	ret->proc_mem = in_child(try_proc_mem);
	ret->pidfd_getfd = in_child(try_pidfd_getfd);
	ret->ptrace = in_child(try_ptrace);
	ret->fuse = in_child(try_fuse);
	ret->mount_ns = in_child(try_mount_ns);
	ret->user_ns = in_child(try_user_ns);
	ret->pid_ns = in_child(try_pid_ns);
	ret->net_ns = in_child(try_net_ns);
	ret->caps_drop = in_child(try_caps_drop);
	probe_cgroups(ret);
}
