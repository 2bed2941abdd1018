/* SPDX-License-Identifier: MIT */
/*
 * canary.c - forbidden things tried from inside a throw-away sandbox
 *
 * Results travel through a shared page or a pipe, because the child may be
 * killed in the middle (that is what a limit on memory does to it); what it did
 * not reach stays "not tried".
 *
 * A refusal must look like one. ENOENT or EINVAL would mean that the kernel
 * looked at the arguments, i.e. that nothing stood in front of it.
 */
#include "confine/canary.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/macro.h"
#include "confine/canary_try.h"
#include "confine/caps.h"

#define CHILD_SECONDS 20
#define MPTCP         262
#define NEW_LISTENER  (1UL << 3)
#define TRACE_SEIZE   0x4206
#define TREE_CLONE    1

/* Each returns 0 (it worked), or -errno of the refusal. */
typedef int (*canary_fn)(const struct canary_scene *s);

static int result_of(long r)
{
	return r < 0 ? -errno : 0;
}

/* An fd-returning attempt: closed again. */
static int opened(long fd)
{
	int r = result_of(fd);

	if (fd >= 0)
		(void)close((int)fd);
	return r;
}

static int read_secret(const struct canary_scene *s)
{
	if (!s->secret)
		return -ENOENT;
	return opened(open(s->secret, O_RDONLY | O_CLOEXEC | O_NOCTTY));
}

static int write_core_pattern(const struct canary_scene *s)
{
	(void)s;
	return opened(
		open("/proc/sys/kernel/core_pattern", O_WRONLY | O_CLOEXEC));
}

static int read_environ(const struct canary_scene *s)
{
	char path[40];

	(void)snprintf(path, sizeof(path), "/proc/%d/environ", (int)s->outside);
	return opened(open(path, O_RDONLY | O_CLOEXEC));
}

static int trace_parent(const struct canary_scene *s)
{
	return result_of(syscall(SYS_ptrace, TRACE_SEIZE, s->outside, 0, 0));
}

static int read_memory(const struct canary_scene *s)
{
	char c;
	struct iovec to = { &c, 1 }, from = { &c, 1 };

	return result_of(process_vm_readv(s->outside, &to, 1, &from, 1, 0));
}

static int signal_parent(const struct canary_scene *s)
{
	return result_of(kill(s->outside, 0));
}

static int limit_parent(const struct canary_scene *s)
{
	struct rlimit same;

	if (prlimit(s->outside, RLIMIT_CORE, NULL, &same) < 0)
		return -errno;
	return result_of(prlimit(s->outside, RLIMIT_CORE, &same, NULL));
}

static int have_capabilities(const struct canary_scene *s)
{
	uint64_t effective = 0, permitted = 0, bounding = 0;
	int r = caps_get(&effective, &permitted, &bounding);

	return r == 0 && ((effective | permitted) & ~s->caps) ? 0 : -EPERM;
}

static int gain_privileges(const struct canary_scene *s)
{
	(void)s;
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? -EPERM : 0;
}

static int user_namespace(const struct canary_scene *s)
{
	(void)s;
	return result_of(unshare(CLONE_NEWUSER));
}

static int clone_mounts(const struct canary_scene *s)
{
	(void)s;
	return opened(syscall(428 /* open_tree */, AT_FDCWD, "/", TREE_CLONE));
}

static int change_root(const struct canary_scene *s)
{
	(void)s;
	return result_of(chroot("/"));
}

static int own_listener(const struct canary_scene *s)
{
	struct sock_filter allow[] = { BPF_STMT(BPF_RET | BPF_K, 0x7fff0000U) };
	struct sock_fprog p = { ARRAY_LEN(allow), allow };

	(void)s;
	return opened(syscall(SYS_seccomp, 1, NEW_LISTENER, &p));
}

static int io_uring(const struct canary_scene *s)
{
	char params[120] = { 0 };

	(void)s;
	return opened(syscall(425 /* io_uring_setup */, 1, params));
}

static int keyring(const struct canary_scene *s)
{
	(void)s;
	return result_of(syscall(SYS_keyctl, 0, -2, 0));
}

static int bpf_map(const struct canary_scene *s)
{
	/* type array, 4-byte key and value, one entry */
	uint32_t attr[32] = { 2, 4, 4, 1 };

	(void)s;
	return opened(syscall(SYS_bpf, 0, attr, sizeof(attr)));
}

static int userfault(const struct canary_scene *s)
{
	(void)s;
	return opened(syscall(SYS_userfaultfd, O_CLOEXEC | 1));
}

static int push_input(const struct canary_scene *s)
{
	/* on a pipe the kernel would say ENOTTY */
	(void)s;
	return result_of(ioctl(0, TIOCSTI, ""));
}

static int socket_of(int family, int type, int protocol)
{
	return opened(socket(family, type | SOCK_CLOEXEC, protocol));
}

static int raw_socket(const struct canary_scene *s)
{
	(void)s;
	return socket_of(AF_INET, SOCK_RAW, IPPROTO_ICMP);
}

static int packet_socket(const struct canary_scene *s)
{
	(void)s;
	return socket_of(AF_PACKET, SOCK_DGRAM, 0);
}

static int mptcp_socket(const struct canary_scene *s)
{
	(void)s;
	return socket_of(AF_INET, SOCK_STREAM, MPTCP);
}

static int fast_open(const struct canary_scene *s)
{
	/* no address: refused by the filter, or EDESTADDRREQ by the kernel */
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int r;

	(void)s;
	if (fd < 0)
		return -errno;
	r = result_of(sendto(fd, "", 1, MSG_FASTOPEN | MSG_NOSIGNAL, NULL, 0));
	(void)close(fd);
	return r;
}

#ifdef __x86_64__
/* 32-bit getpid, in a child: the filter kills for it. */
static int foreign_abi(const struct canary_scene *s)
{
	pid_t pid = fork();
	int status = 0;
	long r;

	(void)s;
	if (pid == 0) {
		__asm__ volatile("int $0x80"
				 : "=a"(r)
				 : "a"(20)
				 : "memory", "r8", "r9", "r10", "r11");
		_exit(r > 0 ? 0 : 1);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return -ENOENT;
	return status == 0 ? 0 : -ENOSYS;
}
#endif

static const struct canary {
	const char *name, *what;
	unsigned char guarantee;
	canary_fn try;
} canaries[] = {
	{ "secret", "reads a denied file", 2, read_secret },
	{ "create", "makes a file where none may be made", 2, canary_create },
	{ "program", "runs a denied program", 1, canary_program },
	{ "alias", "runs it by another name", 1, canary_alias },
	{ "connect", "connects to a denied address", 4, canary_connect },
	{ "datagram", "addresses datagrams to it", 4, canary_datagram },
	{ "control", "connects to its governor's socket", 7, canary_control },
	{ "undo", "destroys a file for good", 3, canary_undo },
	{ "core_pattern", "sets what runs on a crash", 2, write_core_pattern },
	{ "environ", "reads another process's environment", 7, read_environ },
	{ "ptrace", "traces its parent", 7, trace_parent },
	{ "process_vm", "reads its parent's memory", 7, read_memory },
	{ "signal", "signals a process outside", 7, signal_parent },
	{ "prlimit", "limits a process outside", 7, limit_parent },
	{ "capabilities", "has capabilities", 7, have_capabilities },
	{ "setuid", "gains privileges by exec", 7, gain_privileges },
	{ "user_namespace", "becomes root of a namespace", 7, user_namespace },
	{ "mount", "copies the mount tree", 7, clone_mounts },
	{ "chroot", "changes its root", 7, change_root },
	{ "listener", "answers for its own system calls", 1, own_listener },
	{ "io_uring", "works around the filter by io_uring", 2, io_uring },
	{ "keyctl", "uses the kernel's keyrings", 5, keyring },
	{ "bpf", "loads into the kernel", 7, bpf_map },
	{ "userfaultfd", "stops the kernel at will", 7, userfault },
	{ "tiocsti", "types into a terminal", 7, push_input },
	{ "raw_socket", "sends raw packets", 4, raw_socket },
	{ "packet_socket", "sends and sees frames", 4, packet_socket },
	{ "mptcp", "connects by MPTCP", 4, mptcp_socket },
	{ "fast_open", "connects by TCP Fast Open", 4, fast_open },
#ifdef __x86_64__
	{ "foreign_abi", "uses the 32-bit system calls", 1, foreign_abi },
#endif
	{ "processes", "starts too many processes", 6, canary_processes },
	{ "survivor", "outlives its command", 6, canary_survivor },
	/* It may end the canary. */
	{ "memory", "takes too much memory", 6, canary_memory },
};

_Static_assert(ARRAY_LEN(canaries) <= CANARY_MAX, "report too small");

/* What the child leaves behind; every field is written once. */
struct shared {
	struct confine_report steps;
	int applied; /* 1 + -error of confine_apply(); 0 = not reached */
	int error[CANARY_MAX]; /* 1 + errno of canary i; 0 = not reached */
};

static void child_main(const struct confine_plan *plan, const char *secret,
		       pid_t parent, struct shared *out)
{
	const struct canary_scene s = { .secret = secret, .outside = parent };
	int r;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	(void)alarm(CHILD_SECONDS);
	r = confine_apply(plan, -1, &out->steps);
	out->applied = 1 - r;
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(canaries); i++)
		out->error[i] = 1 - canaries[i].try(&s);
}

static bool is_refusal(int error)
{
	switch (error) {
	case EPERM:
	case EACCES:
	case EROFS: /* a container's own /proc/sys */
	case ENOSYS:
	case EBUSY:
	case EAFNOSUPPORT:
	case EPROTONOSUPPORT:
	case EOPNOTSUPP:
		return true;
	default:
		return false;
	}
}

/* errors: 1 + errno of each canary; 0 = not reached. */
static void judge(const int errors[], struct canary_report *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(canaries); i++) {
		struct canary_item *item = &ret->items[ret->n++];

		*item = (struct canary_item){
			.name = canaries[i].name,
			.what = canaries[i].what,
			.guarantee = canaries[i].guarantee,
		};
		if (errors[i] == 0)
			continue;
		item->error = errors[i] - 1;
		if (item->error == ENOENT) /* nothing there to protect */
			continue;
		item->result = is_refusal(item->error) ? CANARY_BLOCKED
						       : CANARY_OPEN;
		ret->n_open += item->result == CANARY_OPEN;
	}
}

static int run_child(const struct confine_plan *plan, const char *secret,
		     struct shared *shared)
{
	pid_t parent = getpid();
	pid_t pid = fork();
	int status = 0;

	if (pid < 0)
		return -errno;
	if (pid == 0) {
		child_main(plan, secret, parent, shared);
		_exit(0);
	}
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return shared->applied ? 1 - shared->applied : -ECHILD;
}

int canary_run(const struct confine_plan *plan, const char *secret,
	       struct canary_report *ret)
{
	struct confine_plan p = *plan;
	struct shared *shared;
	int r;

	if (p.listener && p.filter_static)
		p.filter = p.filter_static;
	p.listener = false;
	p.tty = false;
	p.n_cgroups = 0;
	p.cwd = NULL;
	p.cwd_fd = -1;
	p.required &= ~(1U << CONFINE_CGROUP | 1U << CONFINE_CWD);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return -errno;
	*ret = (struct canary_report){ .n = 0 };
	r = run_child(&p, secret, shared);
	ret->steps = shared->steps;
	if (r == 0)
		judge(shared->error, ret);
	(void)munmap(shared, sizeof(*shared));
	return r;
}

/* ---- by report over a pipe ---- */

struct record {
	int32_t index;
	int32_t error; /* errno; BEGUN: it is being tried */
};

#define BEGUN (-1)

static void tell(int fd, size_t index, int error)
{
	struct record r = { (int32_t)index, error };

	/* Nobody to tell: nothing to do either. */
	if (write(fd, &r, sizeof(r)) != (ssize_t)sizeof(r))
		_exit(1);
}

void canary_attempt(const struct canary_scene *s, int out_fd)
{
	for (size_t i = 0; i < ARRAY_LEN(canaries); i++) {
		tell(out_fd, i, BEGUN);
		tell(out_fd, i, -canaries[i].try(s));
	}
}

int canary_read(struct str bytes, struct canary_report *ret)
{
	const int last = (int)ARRAY_LEN(canaries) - 1;
	int errors[CANARY_MAX] = { 0 }, begun = -1;
	struct record r;

	*ret = (struct canary_report){ .n = 0 };
	for (; bytes.n >= sizeof(r); bytes = str_skip(bytes, sizeof(r))) {
		memcpy(&r, bytes.p, sizeof(r));
		if (r.index < 0 || r.index > last || r.error < BEGUN ||
		    r.error > 4095)
			return -EBADMSG;
		begun = r.index;
		if (r.error != BEGUN)
			errors[r.index] = 1 + r.error;
	}
	/* The limit on memory takes the whole command along. */
	if (begun == last && errors[last] == 0)
		errors[last] = 1 + EPERM;
	judge(errors, ret);
	return begun == last ? 0 : -EBADMSG;
}

void canary_set(struct canary_report *report, const char *name,
		enum canary_result result)
{
	for (size_t i = 0; i < report->n; i++) {
		struct canary_item *item = &report->items[i];

		if (strcmp(item->name, name) != 0)
			continue;
		report->n_open -= item->result == CANARY_OPEN;
		report->n_open += result == CANARY_OPEN;
		item->result = result;
	}
}

const struct canary_item *canary_find(const struct canary_report *report,
				      const char *name)
{
	for (size_t i = 0; i < report->n; i++)
		if (strcmp(report->items[i].name, name) == 0)
			return &report->items[i];
	return NULL;
}
