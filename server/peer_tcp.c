/* SPDX-License-Identifier: MIT */
/*
 * peer_tcp.c - the other end of a loopback connection
 *
 * The kernel answers for one connection by sock_diag(7); where that is refused or
 * its module is missing, /proc/net/tcp has all of them. Neither names a process: that is in /proc/PID/fd.
 */
#include "server/peer_tcp.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/num.h"
#include "base/str.h"

#define PROC_NET_MAX (4U << 20)
#define MAX_BELOW    65536U
#define RECENT       32

/* ---- sock_diag ---- */

struct question {
	struct nlmsghdr head;
	struct inet_diag_req_v2 rq;
};

/* The socket is asked for as its owner sees it: theirs first. */
static void put_id(const struct sockaddr_storage *theirs,
		   const struct sockaddr_storage *ours,
		   struct inet_diag_req_v2 *rq)
{
	const struct sockaddr_in *t4 = (const struct sockaddr_in *)theirs;
	const struct sockaddr_in *o4 = (const struct sockaddr_in *)ours;
	const struct sockaddr_in6 *t6 = (const struct sockaddr_in6 *)theirs;
	const struct sockaddr_in6 *o6 = (const struct sockaddr_in6 *)ours;

	rq->sdiag_family = (uint8_t)theirs->ss_family;
	rq->sdiag_protocol = IPPROTO_TCP;
	rq->idiag_states = UINT32_MAX;
	rq->id.idiag_cookie[0] = rq->id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
	if (theirs->ss_family == AF_INET) {
		rq->id.idiag_sport = t4->sin_port;
		rq->id.idiag_dport = o4->sin_port;
		memcpy(rq->id.idiag_src, &t4->sin_addr, 4);
		memcpy(rq->id.idiag_dst, &o4->sin_addr, 4);
	} else {
		rq->id.idiag_sport = t6->sin6_port;
		rq->id.idiag_dport = o6->sin6_port;
		memcpy(rq->id.idiag_src, &t6->sin6_addr, 16);
		memcpy(rq->id.idiag_dst, &o6->sin6_addr, 16);
	}
}

/* 1 found, 0 no such connection, -errno it cannot be asked. */
static int ask(const struct sockaddr_storage *theirs,
	       const struct sockaddr_storage *ours, uid_t *ret_uid,
	       uint64_t *ret_inode)
{
	struct question q = { .head = { .nlmsg_len = sizeof(q),
					.nlmsg_type = SOCK_DIAG_BY_FAMILY,
					.nlmsg_flags = NLM_F_REQUEST } };
	union {
		struct nlmsghdr head;
		char bytes[2048];
	} answer;
	const struct inet_diag_msg *m = NLMSG_DATA(&answer.head);
	_cleanup_close_ int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC,
					NETLINK_SOCK_DIAG);
	ssize_t n;

	if (fd < 0)
		return -errno;
	put_id(theirs, ours, &q.rq);
	if (send(fd, &q, sizeof(q), MSG_NOSIGNAL) != (ssize_t)sizeof(q))
		return -errno;
	n = recv(fd, &answer, sizeof(answer), MSG_DONTWAIT);
	if (n < (ssize_t)sizeof(answer.head))
		return n < 0 ? -errno : -EBADMSG;
	/* -ENOENT: no such socket, or no tcp_diag module to look for it. */
	if (answer.head.nlmsg_type == NLMSG_ERROR)
		return -EOPNOTSUPP;
	if (answer.head.nlmsg_type != SOCK_DIAG_BY_FAMILY ||
	    n < (ssize_t)NLMSG_LENGTH(sizeof(*m)))
		return -EBADMSG;
	*ret_uid = m->idiag_uid;
	*ret_inode = m->idiag_inode;
	/* a listener would be the answer where the connection is gone */
	return m->id.idiag_dport == q.rq.id.idiag_dport;
}

/* ---- /proc/net/tcp ---- */

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

static bool read_table(const struct sockaddr_storage *theirs,
		       const struct sockaddr_storage *ours, uid_t *ret_uid,
		       uint64_t *ret_inode)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	char local[48], remote[48];
	struct str rest, line;

	address_text(theirs, local);
	address_text(ours, remote);
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

bool peer_tcp_socket(const struct sockaddr_storage *theirs,
		     const struct sockaddr_storage *ours, uid_t *ret_uid,
		     uint64_t *ret_inode)
{
	int r = ask(theirs, ours, ret_uid, ret_inode);

	return r < 0 ? read_table(theirs, ours, ret_uid, ret_inode) : r > 0;
}

/* ---- processes ---- */

bool peer_tcp_holds(pid_t pid, uint64_t inode)
{
	_cleanup_closedir_ DIR *dir = NULL;
	char path[48], link[64], to[64];
	struct dirent *d;

	(void)snprintf(link, sizeof(link), "socket:[%llu]",
		       (unsigned long long)inode);
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

/* The number that was given to a process last: "... 1/234 5678". */
static pid_t last_pid(void)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct str s;
	int64_t pid = 0;

	if (fd_read_file(AT_FDCWD, "/proc/loadavg", 256, &text) < 0)
		return 0;
	s = str_trim(buf_str(&text));
	(void)num_parse_range(str_skip(s, (size_t)(str_rindex(s, ' ') + 1)), 1,
			      INT32_MAX, &pid);
	return (pid_t)pid;
}

static int newer_first(const void *a, const void *b)
{
	pid_t x = *(const pid_t *)a, y = *(const pid_t *)b;

	return (x < y) - (x > y);
}

int peer_tcp_processes(pid_list *out)
{
	_cleanup_closedir_ DIR *proc = opendir("/proc");
	pid_t last = last_pid();
	struct dirent *d;
	size_t older = 0, n;

	while (proc && (d = readdir(proc))) {
		int64_t pid = 0;
		int r;

		if (num_parse_range(str_from(d->d_name), 1, INT32_MAX, &pid) <
		    0)
			continue;
		r = vec_push(out, (pid_t)pid);
		if (r < 0)
			return r;
	}
	n = out->n;
	if (n)
		qsort(out->data, n, sizeof(pid_t), newer_first);
	/* numbers start again: above the last one are the oldest */
	while (older < n && out->data[older] > last)
		older++;
	for (size_t i = 0; i < older; i++) {
		int r = vec_push(out, out->data[i]);

		if (r < 0)
			return r;
	}
	if (older) {
		memmove(out->data, out->data + older, n * sizeof(pid_t));
		out->n = n;
	}
	return proc ? 0 : -ENOENT;
}

/* Without a look at what numbers there are. */
static pid_t recent_holder(uint64_t inode)
{
	pid_t last = last_pid(), self = getpid();

	for (pid_t pid = last; pid > 0 && pid > last - RECENT; pid--)
		if (pid != self && peer_tcp_holds(pid, inode))
			return pid;
	return 0;
}

pid_t peer_tcp_holder(uint64_t inode)
{
	pid_t self = getpid(), found = recent_holder(inode);
	pid_list pids = VEC_INIT;

	if (found)
		return found;
	if (peer_tcp_processes(&pids) == 0)
		for (size_t i = 0; i < pids.n && !found; i++)
			if (pids.data[i] != self &&
			    peer_tcp_holds(pids.data[i], inode))
				found = pids.data[i];
	vec_done(&pids);
	return found;
}

/* Children of one thread; a process that is gone has none. */
static int add_children(const char *path, pid_list *out)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct str rest, word;
	int r = fd_read_file(AT_FDCWD, path, 1U << 20, &text);

	if (r < 0)
		return 0;
	rest = buf_str(&text);
	while (str_split(&rest, ' ', &word)) {
		int64_t pid = 0;

		if (num_parse_range(word, 1, INT32_MAX, &pid) < 0)
			continue;
		r = out->n < MAX_BELOW ? vec_push(out, (pid_t)pid) : -E2BIG;
		if (r < 0)
			return r;
	}
	return 0;
}

static int add_below(pid_t pid, pid_list *out)
{
	_cleanup_closedir_ DIR *tasks = NULL;
	struct dirent *d;
	char path[64];
	int r = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	tasks = opendir(path);
	while (r == 0 && tasks && (d = readdir(tasks))) {
		char children[352];

		if (d->d_name[0] == '.')
			continue;
		(void)snprintf(children, sizeof(children), "%s/%s/children",
			       path, d->d_name);
		r = add_children(children, out);
	}
	return r;
}

int peer_tcp_descendants(pid_t root, pid_list *out)
{
	int r;

	if (access("/proc/thread-self/children", R_OK) < 0)
		return -ENOTSUP;
	r = vec_push(out, root);
	for (size_t i = 0; r == 0 && i < out->n; i++)
		r = add_below(out->data[i], out);
	return r;
}
