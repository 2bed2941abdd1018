/* SPDX-License-Identifier: MIT */
/*
 * decode_net.c - connect, bind, listen, sendto: judged on a copied address,
 * done on the caller's socket
 *
 * The address is copied once; what was copied is judged and then used, on the
 * socket that we hold (pidfd_getfd shares the caller's open file). A path of a
 * unix socket is resolved in the caller's view and reached through the held
 * descriptor, so no name is looked up twice.
 *
 * A call on a blocking socket could block us, while the one it waits for may
 * need us: a forked worker makes it and answers. On a non-blocking socket it
 * is made here.
 *
 * The peer of a unix socket sees our pid (and the caller's uid) as its
 * credentials: the kernel takes them from whoever calls connect().
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/path.h"
#include "base/proc.h"
#include "core/limits.h"
#include "tracer/identity.h"
#include "tracer/net.h"
#include "tracer/replace.h"

/* Looks at who shares memory: after 0.5, 1, 2, 4 ... 128 ms. */
#define ALONE_LOOKS 9U
#define ALONE_NS    500000ULL

static void net_free(void *data)
{
	struct net_call *n = data;

	(void)loop_remove(n->io);
	(void)loop_remove(n->timer);
	if (n->sock >= 0)
		(void)close(n->sock);
	if (n->object >= 0)
		(void)close(n->object);
	for (size_t i = 0; i < n->n_passed; i++)
		(void)close(n->passed[i]);
	buf_done(&n->path);
	free(n->bytes);
	free(n);
}

/* A caller seldom calls once: the descriptor of the last one is kept. */
static int pidfd_of(struct tracer *t, pid_t pid)
{
	if (t->last_pid == pid)
		return t->last_pidfd;
	if (t->last_pid)
		(void)close(t->last_pidfd);
	t->last_pid = 0;
	t->last_pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (t->last_pidfd < 0)
		return -errno;
	t->last_pid = pid;
	return t->last_pidfd;
}

int net_getfd(const struct request *q, int fd)
{
	_cleanup_identity_ struct identity *was = identity_look();
	struct tracer *t = q->tracer;
	int r = -ESRCH;

	if (fd < 0)
		return -EBADF;
	/* That number may be another process's by now: then ESRCH, once. */
	for (int i = 0; i < 2 && r == -ESRCH; i++) {
		int pidfd = pidfd_of(t, q->pid);

		if (pidfd < 0)
			return pidfd;
		r = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
		if (r >= 0)
			return r;
		r = -errno;
		if (r == -ESRCH) {
			(void)close(t->last_pidfd);
			t->last_pid = 0;
		}
	}
	return r;
}

static int sockopt_int(int fd, int name)
{
	int v = -1;
	socklen_t n = sizeof(v);

	return getsockopt(fd, SOL_SOCKET, name, &v, &n) < 0 ? -errno : v;
}

/* On record: an allowed call that cannot be kept to what was judged. */
static int64_t refuse_unsafe(const struct net_call *n)
{
	struct event e = EVENT_INIT("seccomp_blocked");

	request_event(n->q, &e);
	e.action = EVENT_BLOCKED;
	e.operation = STR("memory shared with other threads");
	event_add_str(&e, "syscall", str_from(n->q->name));
	event_add_int(&e, "syscall_nr", n->q->nr);
	event_add_str(&e, "action", STR("errno"));
	event_add_str(&e, "outcome", STR("denied"));
	(void)sink_emit(&n->q->tracer->sink, &e); /* it is refused anyhow */
	return -EACCES;
}

/* In a network namespace of its own: whatever leaves is seen there, and only
 * paths lead out of it. A socket of ours would be outside. */
static bool is_caught(const struct net_call *n)
{
	return n->q->tracer->net_ns >= 0 &&
	       (n->domain != AF_UNIX ||
		(n->addr_len > offsetof(struct sockaddr_un, sun_path) &&
		 n->addr.un.sun_path[0] == 0));
}

static void on_another_look(struct loop *l _unused_, void *arg)
{
	struct net_call *n = arg;

	if (request_valid(n->q))
		net_run(n);
	else
		request_fail(n->q, EINTR);
}

/* A thread that was joined may not have left the kernel yet: who is not alone
 * is so once more within a moment, or is refused. */
static int64_t look_again(struct net_call *n)
{
	int r = -ENOMEM;

	if (n->waited >= ALONE_LOOKS)
		return refuse_unsafe(n);
	n->timer = loop_remove(n->timer);
	r = loop_add_timer(n->q->tracer->loop, ALONE_NS << n->waited++,
			   on_another_look, n, &n->timer);
	return r < 0 ? refuse_unsafe(n) : NET_ANSWERED;
}

/*
 * Where containers refuse pidfd_getfd() the socket cannot be had (replace.h).
 * What does not bring a new one goes on, if nobody can change meanwhile what
 * was judged; without an address the peer is the one that was connected.
 */
static int64_t act_continue(struct net_call *n)
{
	const struct request *q = n->q;
	bool by_message = q->nr == SYS_sendmsg || q->nr == SYS_sendmmsg;
	uint64_t at[3] = { n->addr_at, by_message ? q->args[1] : 0,
			   n->control_at };
	bool names = n->addr_len > 0 || replace_is_datagram(q, (int)q->args[0]);

	if (q->nr == SYS_bind) /* ports: Landlock's as well */
		names = n->domain == AF_UNIX;
	if (names && q->nr != SYS_recvfrom && !is_caught(n) &&
	    !caller_is_alone(q, at, ARRAY_LEN(at)))
		return look_again(n);
	/* Only the first message was judged; a caller tries one by one then. */
	if (q->nr == SYS_sendmmsg && (uint32_t)q->args[2] > 1 && !is_caught(n))
		return -ENOSYS;
	request_continue(n->q);
	return NET_ANSWERED;
}

/* A socket of ours in the place of the caller's, for calls that make it into
 * something: what was set on it before is lost, and that is little. */
static bool bring_own(struct net_call *n, int fd,
		      int64_t (*act)(struct net_call *n))
{
	int r;

	if (!n->q->tracer->no_getfd || is_caught(n))
		return true;
	r = replace_socket(n, fd);
	if (r == 0)
		n->act = act;
	else if (r != -EOPNOTSUPP)
		request_fail(n->q, -r);
	return r == 0 || r == -EOPNOTSUPP;
}

struct net_call *net_new(struct request *q, int fd,
			 int64_t (*act)(struct net_call *n))
{
	struct net_call *n = calloc(1, sizeof(*n));

	if (!n) {
		request_fail(q, ENOMEM);
		return NULL;
	}
	n->q = q;
	n->act = act;
	n->object = -1;
	n->path = BUF_INIT;
	n->sock = -1;
	q->data = n;
	q->free_data = net_free;
	if (q->tracer->no_getfd) {
		n->act = act_continue;
		n->domain = -1;
		return n;
	}
	n->sock = net_getfd(q, fd);
	if (n->sock < 0 || !request_valid(q)) {
		request_fail(q, n->sock < 0 ? -n->sock : EBADF);
		return NULL;
	}
	n->domain = sockopt_int(n->sock, SO_DOMAIN);
	if (n->domain < 0) {
		request_fail(q, -n->domain); /* ENOTSOCK */
		return NULL;
	}
	n->protocol = sockopt_int(n->sock, SO_PROTOCOL);
	n->blocking = !(fcntl(n->sock, F_GETFL) & O_NONBLOCK);
	return n;
}

int net_get_address(struct net_call *n, uint64_t addr, uint64_t len)
{
	if (len > sizeof(n->addr))
		return -EINVAL;
	if (mem_get(&n->q->mem, addr, &n->addr, (size_t)len) < 0)
		return -EFAULT;
	n->addr_len = (socklen_t)len;
	n->addr_at = addr;
	/* AF_UNSPEC is IPv4 to whoever sends; others refuse it. */
	if (n->domain < 0 && len >= sizeof(sa_family_t))
		n->domain = n->addr.any.sa_family == AF_UNSPEC
				    ? AF_INET
				    : n->addr.any.sa_family;
	if (len < sizeof(sa_family_t))
		return -EINVAL;
	return 0;
}

static void run_act(struct net_call *n)
{
	_cleanup_identity_ struct identity *was = NULL;
	struct request *q = n->q;
	int64_t r = identity_enter(q, &was);

	if (r == 0)
		r = n->act(n);
	if (r == NET_ANSWERED)
		return;
	if (r < 0)
		request_fail(q, (int)-r);
	else
		request_return(q, r);
}

int64_t net_in_worker(struct net_call *n, int64_t (*act)(struct net_call *n))
{
	struct request *q = n->q;
	pid_t *slot = command_worker_slot(q->command);
	pid_t pid;

	if (!slot)
		return -EAGAIN;
	pid = request_fork(q);
	if (pid < 0)
		return pid;
	if (pid == 0) {
		int64_t r;

		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		r = act(n);
		if (r < 0)
			request_fail(q, (int)-r);
		else
			request_return(q, r);
		_exit(0);
	}
	*slot = pid;
	request_abandon(q);
	return NET_ANSWERED;
}

void net_run(struct net_call *n)
{
	run_act(n);
}

void net_judged(void *arg, struct verdict v)
{
	struct request *q = arg;

	switch (v.kind) {
	case VERDICT_ALLOW:
	case VERDICT_AUDIT:
	case VERDICT_SOFT_DELETE:
		run_act(q->data);
		return;
	case VERDICT_DENY:
	case VERDICT_APPROVE:
	case VERDICT_REDIRECT: /* by name, in the proxy */
	case VERDICT_KIND_MAX:
		break;
	}
	request_fail(q, EACCES);
}

/* Sockets that hand out the machine: closed even without any rule. */
static bool is_forbidden_socket(const struct tracer *t, struct str path)
{
	static const char *const names[] = {
		"docker.sock",    "containerd.sock", "podman.sock", "crio.sock",
		"buildkitd.sock", "dockershim.sock", "agentsh.sock"
	};
	struct str base = str_basename(path);

	if (settings_denies(&t->settings, path) ||
	    (t->settings.control_socket &&
	     str_eq_c(path, t->settings.control_socket)))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (str_eq_c(base, names[i]))
			return true;
	return false;
}

bool net_socket_is_closed(const struct tracer *t, struct str path)
{
	const struct op op = { .kind = OP_UNIX,
			       .un = { .verb = UNIX_CONNECT, .path = path } };

	return is_forbidden_socket(t, path) ||
	       (t->settings.unix_sockets &&
		policy_decide(guard_policy(t->guard), &op).kind ==
			VERDICT_DENY);
}

static void judge_unix(struct net_call *n, enum unix_verb verb, bool abstract)
{
	const struct tracer *t = n->q->tracer;
	struct op op = { .kind = OP_UNIX };
	struct event e = EVENT_INIT("unix_socket_op");
	bool forbidden = !abstract && verb != UNIX_BIND &&
			 is_forbidden_socket(t, buf_str(&n->path));

	/* Rules hold only when the feature is on (section 4.7). */
	if (!forbidden && !t->settings.unix_sockets) {
		run_act(n);
		return;
	}
	op.un = (struct op_unix){ .verb = verb,
				  .path = buf_str(&n->path),
				  .abstract = abstract };
	if (forbidden)
		op.kind = OP_NONE;
	request_event(n->q, &e);
	e.path = buf_str(&n->path);
	e.abstract = abstract;
	e.operation = str_from(unix_verb_to_string(verb));
	request_ask(n->q, &op, NULL, &e, net_judged);
}

/* The address is replaced by one that leads through the held descriptor. */
static int point_at(struct net_call *n, int fd, const char *last)
{
	int len = snprintf(n->addr.un.sun_path, sizeof(n->addr.un.sun_path),
			   "/proc/self/fd/%d%s%s", fd, *last ? "/" : "", last);

	if (len < 0 || (size_t)len >= sizeof(n->addr.un.sun_path))
		return -ENAMETOOLONG;
	n->addr_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
				  (size_t)len + 1);
	return 0;
}

static int hold_path(struct net_call *n, enum unix_verb verb)
{
	struct viewer v = { n->q->pid, n->q->tid, n->q->tracer };
	char text[sizeof(n->addr.un.sun_path) + 1] = { 0 };
	char last[NAME_MAX + 1] = { 0 };
	bool slash;
	int r;

	memcpy(text, n->addr.un.sun_path,
	       n->addr_len - offsetof(struct sockaddr_un, sun_path));
	if (verb == UNIX_BIND)
		n->object = resolve_parent(&v, AT_FDCWD, text, 0, last, &slash);
	else
		n->object = resolve_object(&v, AT_FDCWD, text, 0, 0);
	if (n->object < 0)
		return n->object == -EISDIR ? -EADDRINUSE : n->object;
	r = path_of_fd(n->object, &n->path);
	if (*last) {
		buf_putc(&n->path, '/');
		buf_puts(&n->path, last);
	}
	if (r < 0 || n->path.error || !request_valid(n->q))
		return -EACCES;
	return point_at(n, n->object, last);
}

void net_judge_unix(struct net_call *n, enum unix_verb verb)
{
	size_t skip = offsetof(struct sockaddr_un, sun_path);
	int r = 0;

	if (n->addr_len > sizeof(n->addr.un) ||
	    n->addr.any.sa_family != AF_UNIX) {
		request_fail(n->q, EINVAL);
		return;
	}
	if (n->addr_len ==
	    skip) { /* autobind: an abstract name of no meaning */
		run_act(n);
		return;
	}
	if (n->addr.un.sun_path[0] == 0) {
		buf_put(&n->path, n->addr.un.sun_path + 1,
			n->addr_len - skip - 1);
		judge_unix(n, verb, /* abstract */ true);
		return;
	}
	r = hold_path(n, verb);
	if (r < 0)
		request_fail(n->q, -r);
	else
		judge_unix(n, verb, /* abstract */ false);
}

void net_judge(struct net_call *n, enum unix_verb verb)
{
	if (n->domain == AF_UNIX)
		net_judge_unix(n, verb);
	else if (n->domain == AF_INET || n->domain == AF_INET6)
		net_judge_inet(n);
	else
		run_act(n); /* netlink: the filter chose the families */
}

void decode_connect(struct request *q)
{
	struct net_call *n = net_new(q, (int)q->args[0], net_connect);
	int r;

	if (!n)
		return;
	n->connecting = true;
	r = net_get_address(n, q->args[1], q->args[2]);
	if (r < 0)
		request_fail(q, -r);
	else if (!bring_own(n, (int)q->args[0], net_connect))
		return;
	else if (n->addr.any.sa_family == AF_UNSPEC && n->replaced)
		request_return(q, 0); /* the new one never had any */
	else if (n->addr.any.sa_family == AF_UNSPEC)
		run_act(n); /* dissolves an association */
	else
		net_judge(n, UNIX_CONNECT);
}

/* The mode of a socket's name follows the caller's umask. */
static int64_t act_bind(struct net_call *n)
{
	mode_t mask, old;
	int r;

	if (proc_umask(n->q->tid, &mask) < 0)
		mask = 0077;
	old = umask(mask);
	r = bind(n->sock, &n->addr.any, n->addr_len) < 0 ? -errno : 0;
	(void)umask(old);
	return r;
}

void decode_bind(struct request *q)
{
	struct net_call *n = net_new(q, (int)q->args[0], act_bind);
	int r;

	if (!n)
		return;
	r = net_get_address(n, q->args[1], q->args[2]);
	if (r < 0)
		request_fail(q, -r);
	else if (n->domain != AF_UNIX)
		net_judge_bind(n);
	else if (bring_own(n, (int)q->args[0], act_bind))
		net_judge_unix(n, UNIX_BIND);
}

/* Scalars only; what may be bound, and by whom, was judged at bind. */
void decode_listen(struct request *q)
{
	request_continue(q);
}
