/* SPDX-License-Identifier: MIT */
/*
 * peer.c - who is calling: a person's tool, or a command of a session
 *
 * A process belongs to a session if its line of parents leads to the session's
 * tracer (which is the subreaper of what it runs) or if it is in one of the
 * session's cgroups. Nothing the caller says counts.
 *
 * A unix socket names its peer. For loopback TCP, /proc/net/tcp gives the inode
 * of the other end, and somebody's /proc/PID/fd has it. While commands run,
 * such a caller must be found, and found outside; one that sent its request
 * and exited at once is not found and is treated as inside. With no command
 * running there is nobody inside who could call.
 */
#include "server/peer.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/num.h"
#include "base/proc.h"
#include "server/session.h"
#include "server/worker.h"

#define MAX_PARENTS  256
#define PROC_NET_MAX (4U << 20)

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

/* ---- TCP ---- */

/* "0100007F:1F90" of /proc/net/tcp: words in host order. */
static void address_text(const struct sockaddr_storage *a, char out[48])
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)a;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)a;
	uint32_t w[4] = { 0 };

	if (a->ss_family == AF_INET) {
		(void)snprintf(out, 48, "%08X:%04X", v4->sin_addr.s_addr,
			       ntohs(v4->sin_port));
		return;
	}
	memcpy(w, &v6->sin6_addr, sizeof(w));
	(void)snprintf(out, 48, "%08X%08X%08X%08X:%04X", w[0], w[1], w[2], w[3],
		       ntohs(v6->sin6_port));
}

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

/* sl local remote st tx:rx tr:tm retrnsmt uid timeout inode ... */
static bool match_row(struct str line, const char *local, const char *remote,
		      uid_t *ret_uid, uint64_t *ret_inode)
{
	struct str field[10], part;
	uint64_t uid = 0;
	size_t n = 0;

	while (n < ARRAY_LEN(field) && str_split(&line, ' ', &part))
		if (part.n)
			field[n++] = part;
	if (n < ARRAY_LEN(field) || !str_eq_c(field[1], local) ||
	    !str_eq_c(field[2], remote))
		return false;
	if (num_parse_u64(field[7], &uid) < 0 ||
	    num_parse_u64(field[9], ret_inode) < 0)
		return false;
	*ret_uid = (uid_t)uid;
	return true;
}

static bool find_inode(const struct http_peer *peer,
		       const struct sockaddr_storage *theirs, uid_t *ret_uid,
		       uint64_t *ret_inode)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct sockaddr_storage ours = { 0 };
	socklen_t n = sizeof(ours);
	char local[48], remote[48];
	struct str rest, line;

	if (getsockname(peer->fd, (struct sockaddr *)&ours, &n) < 0)
		return false;
	address_text(theirs, local);
	address_text(&ours, remote);
	if (fd_read_file(AT_FDCWD,
			 theirs->ss_family == AF_INET ? "/proc/net/tcp"
						      : "/proc/net/tcp6",
			 PROC_NET_MAX, &text) < 0)
		return false;
	rest = buf_str(&text);
	while (str_split(&rest, '\n', &line))
		if (match_row(line, local, remote, ret_uid, ret_inode))
			return true;
	return false;
}

static bool holds(pid_t pid, const char *link)
{
	_cleanup_closedir_ DIR *dir = NULL;
	char path[48], to[64];
	struct dirent *d;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	while (dir && (d = readdir(dir))) {
		ssize_t n =
			readlinkat(dirfd(dir), d->d_name, to, sizeof(to) - 1);

		if (n > 0 && str_eq_c(str_from_n(to, (size_t)n), link))
			return true;
	}
	return false;
}

/* True if a process outside holds the socket and none inside does. */
static bool held_outside_only(struct app *app, uint64_t inode,
			      struct session **ret_inside)
{
	_cleanup_closedir_ DIR *proc = opendir("/proc");
	bool outside = false;
	struct dirent *d;
	char link[64];

	(void)snprintf(link, sizeof(link), "socket:[%llu]",
		       (unsigned long long)inode);
	while (proc && (d = readdir(proc))) {
		int64_t pid = 0;

		if (num_parse_range(str_from(d->d_name), 1, INT32_MAX, &pid) <
			    0 ||
		    pid == getpid() || !holds((pid_t)pid, link))
			continue;
		*ret_inside = peer_session_of(app, (pid_t)pid);
		if (*ret_inside)
			return false;
		outside = true;
	}
	return outside;
}

static void check_tcp(struct app *app, struct http_peer *peer,
		      struct session **ret)
{
	struct sockaddr_storage theirs = { 0 };
	socklen_t n = sizeof(theirs);
	uint64_t inode = 0;
	uid_t uid = 0;

	if (!anything_runs(app) && app->cfg.auth != AUTH_NONE)
		return;
	if (getpeername(peer->fd, (struct sockaddr *)&theirs, &n) == 0 &&
	    !is_loopback(&theirs))
		return; /* another host */
	if (find_inode(peer, &theirs, &uid, &inode)) {
		peer->stranger = uid != 0 && uid != geteuid();
		if (!anything_runs(app))
			return;
		/* Commands run as we do; others' descriptors are not ours
		 * to read unless we are root. */
		if (geteuid() != 0 && uid != geteuid())
			return;
		if (inode && held_outside_only(app, inode, ret))
			return;
	}
	peer->in_session = anything_runs(app);
}

void peer_check(struct app *app, struct http_peer *peer)
{
	struct session *s = NULL;

	if (peer->checked)
		return;
	peer->checked = true;
	if (peer->local) {
		s = peer_session_of(app, peer->pid);
		peer->in_session = s != NULL;
	} else {
		check_tcp(app, peer, &s);
	}
	if (s)
		(void)snprintf(peer->session, sizeof(peer->session), "%s",
			       s->id);
}
