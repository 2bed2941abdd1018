/* SPDX-License-Identifier: MIT */
/*
 * peer.c - who is calling: a person's tool, or a command of a session
 *
 * A process belongs to a session if its line of parents leads to the session's
 * tracer (which is the subreaper of what it runs) or if it is in one of the
 * session's cgroups. Nothing the caller says counts. A command of another server,
 * or of `agentsh run`, bears a mark (base/mark.h) and is inside as well.
 *
 * A unix socket names its peer. For loopback TCP, the kernel gives the inode
 * of the other end, and somebody's /proc/PID/fd has it. While commands run,
 * such a caller must be found, and found outside; one that sent its request
 * and exited at once is not found and is treated as inside. With no command
 * running there is nobody of ours inside who could call; what a command has sent
 * may be read when it is gone, so whoever was there by then is looked for as well. All
 * processes are looked at until one holds the socket, the newest first, and then
 * those below us, which is where commands are: a caller may share its socket
 * with one.
 */
#include "server/peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mark.h"
#include "base/proc.h"
#include "server/peer_tcp.h"
#include "server/session.h"
#include "server/worker.h"

#define MAX_PARENTS 256

static bool is_worker(const struct worker *w, pid_t pid)
{
	return w && worker_pid(w) == pid;
}

/* The proxy counts too: it speaks for the commands that use it. */
static struct session *by_worker(struct app *app, pid_t pid)
{
	for (struct session *s = app->sessions; s; s = s->next)
		if (is_worker(s->tracer, pid) || is_worker(s->proxy, pid))
			return s;
	return NULL;
}

static struct session *by_cgroup(struct app *app, pid_t pid)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	char path[48];

	(void)snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)pid);
	if (fd_read_file(AT_FDCWD, path, 65536, &text) < 0)
		return NULL;
	for (struct session *s = app->sessions; s; s = s->next) {
		char leaf[SESSION_ID_MAX + 16];

		(void)snprintf(leaf, sizeof(leaf), "/agentsh-%.80s-cmd-",
			       s->id);
		if (str_find(buf_str(&text), str_from(leaf)) >= 0)
			return s;
	}
	return NULL;
}

struct session *peer_session_of(struct app *app, pid_t pid)
{
	pid_t at = pid;

	for (int i = 0; i < MAX_PARENTS && at > 1; i++) {
		struct session *s = by_worker(app, at);

		if (s)
			return s;
		if (proc_parent(at, &at) < 0)
			break;
	}
	return by_cgroup(app, pid);
}

static bool anything_runs(const struct app *app)
{
	for (const struct session *s = app->sessions; s; s = s->next)
		if (s->commands)
			return true;
	return false;
}

void peer_commands_changed(struct app *app)
{
	if (app->http)
		http_server_busy(app->http, anything_runs(app));
}

/* ---- TCP ---- */

static bool is_loopback(const struct sockaddr_storage *a)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)a;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)a;

	if (a->ss_family == AF_INET)
		return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
	return a->ss_family == AF_INET6 &&
	       (IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr) ||
		(IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr) &&
		 v6->sin6_addr.s6_addr[12] == 127));
}

/* The session below us that shares the socket. *ret_r: 0 or -errno. */
static struct session *inside_holder(struct app *app, uint64_t inode,
				     int *ret_r)
{
	pid_list pids = VEC_INIT;
	struct session *s = NULL;

	*ret_r = peer_tcp_descendants(getpid(), &pids);
	for (size_t i = 1; *ret_r == 0 && i < pids.n && !s; i++)
		if (peer_tcp_holds(pids.data[i], inode))
			s = peer_session_of(app, pids.data[i]);
	vec_done(&pids);
	return s;
}

/* -ENOTSUP of the above: whoever holds it is asked for its parents. */
static struct session *slow_inside_holder(struct app *app, uint64_t inode,
					  int *ret_r)
{
	pid_list pids = VEC_INIT;
	struct session *s = NULL;

	*ret_r = peer_tcp_processes(&pids);
	for (size_t i = 0; *ret_r == 0 && i < pids.n && !s; i++)
		if (pids.data[i] != getpid() &&
		    peer_tcp_holds(pids.data[i], inode))
			s = peer_session_of(app, pids.data[i]);
	vec_done(&pids);
	return s;
}

/* True if a process outside holds the socket and none inside does. */
static bool held_outside_only(struct app *app, pid_t holder, uint64_t inode,
			      struct session **ret_inside)
{
	int r;

	if (!holder)
		return false;
	*ret_inside = peer_session_of(app, holder);
	if (*ret_inside)
		return false;
	*ret_inside = inside_holder(app, inode, &r);
	if (r == -ENOTSUP)
		*ret_inside = slow_inside_holder(app, inode, &r);
	return r == 0 && !*ret_inside;
}

/*
 * The other end of a loopback connection, as far as it is ours to look for:
 * *ret_holder is 0 if nobody is found. False: whoever it was is gone.
 */
static bool find_caller(struct http_peer *peer,
			const struct sockaddr_storage *theirs,
			const struct sockaddr_storage *ours, bool *ret_others,
			uint64_t *ret_inode, pid_t *ret_holder)
{
	uid_t uid = 0;

	if (!peer_tcp_socket(theirs, ours, &uid, ret_inode))
		return false;
	peer->stranger = uid != 0 && uid != geteuid();
	/* Others' descriptors are not ours to read unless we are root. A socket
	 * whose process is gone is nobody's: no inode, and root's by its
	 * number. */
	*ret_others = *ret_inode && geteuid() != 0 && uid != geteuid();
	if (!*ret_inode)
		return false;
	*ret_holder = *ret_others ? 0 : peer_tcp_holder(*ret_inode);
	return true;
}

/* A proxy of another server hides its descriptors: from all but root, and from a
 * root without CAP_SYS_PTRACE. Who may not see the one may not see the other. */
static bool hides_from_us(pid_t pid)
{
	char path[48], link[8];

	(void)snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	return readlink(path, link, sizeof(link)) < 0 &&
	       (errno == EACCES || errno == EPERM);
}

/* What we started: whether one of these may be the caller is asked before. */
static bool is_ours(pid_t pid)
{
	for (int i = 0; i < MAX_PARENTS && pid > 1 && pid != getpid(); i++)
		if (proc_parent(pid, &pid) < 0)
			return false;
	return pid == getpid();
}

/* Nobody is found who holds the socket: one of another server's may. */
static bool marked_may_hold(void)
{
	pid_list pids = VEC_INIT;
	bool found = false;

	if (peer_tcp_processes(&pids) == 0)
		for (size_t i = 0; i < pids.n && !found; i++)
			found = mark_is_on(pids.data[i]) &&
				hides_from_us(pids.data[i]) &&
				!is_ours(pids.data[i]);
	vec_done(&pids);
	return found;
}

static void check_tcp(struct app *app, struct http_peer *peer,
		      struct session **ret)
{
	struct sockaddr_storage theirs = { 0 }, ours = { 0 };
	socklen_t n = sizeof(theirs), n_ours = sizeof(ours);
	bool possible = peer->early || anything_runs(app), others = false;
	uint64_t inode = 0;
	pid_t holder = 0;

	if (!possible && app->cfg.auth != AUTH_NONE)
		return;
	if (getpeername(peer->fd, (struct sockaddr *)&theirs, &n) == 0 &&
	    !is_loopback(&theirs))
		return; /* another host */
	if (getsockname(peer->fd, (struct sockaddr *)&ours, &n_ours) < 0 ||
	    !find_caller(peer, &theirs, &ours, &others, &inode, &holder)) {
		/* A command of somebody else's may have been it. */
		peer->in_session = true;
		return;
	}
	if (possible && !others)
		peer->in_session = !held_outside_only(app, holder, inode, ret);
	if (holder ? mark_is_on(holder) : !others && marked_may_hold())
		peer->in_session = true;
}

void peer_check(struct app *app, struct http_peer *peer)
{
	struct session *s = NULL;

	if (peer->checked)
		return;
	peer->checked = true;
	if (peer->local) {
		s = peer_session_of(app, peer->pid);
		/* Nobody can be asked about one that is gone. */
		peer->in_session =
			s || (peer->pid > 0 &&
			      (mark_is_on(peer->pid) ||
			       (kill(peer->pid, 0) < 0 && errno == ESRCH)));
	} else {
		check_tcp(app, peer, &s);
	}
	if (s)
		(void)snprintf(peer->session, sizeof(peer->session), "%s",
			       s->id);
}
