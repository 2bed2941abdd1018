/* SPDX-License-Identifier: MIT */
/*
 * decode_send.c - sendto, sendmsg, sendmmsg with the copied address
 *
 * The destination is in memory, and so is whether there is one (msg_name), so
 * a message that goes on in the kernel could go anywhere. The message is
 * copied, judged, and sent from here; descriptors in it are copied along. A
 * stream may take less than offered, which bounds the copy.
 *
 * sendmmsg sends the first message and says so; its callers go on with the
 * rest, as after any partial result.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "tracer/control.h"
#include "tracer/identity.h"
#include "tracer/net.h"

#define SEND_MAX_IOV 1024 /* UIO_MAXIOV */

/* Control data follows the payload, aligned for its headers. */
static char *control_of(const struct net_call *n)
{
	return n->bytes + CMSG_ALIGN(n->n_bytes);
}

static int64_t do_send(struct net_call *n, int extra)
{
	struct iovec iov = { n->bytes, n->n_bytes };
	struct msghdr m = {
		.msg_name = n->addr_len ? &n->addr : NULL,
		.msg_namelen = n->addr_len,
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = n->n_control ? control_of(n) : NULL,
		.msg_controllen = n->n_control,
	};
	/* SIGPIPE would be ours; the caller gets it with EPIPE below. */
	ssize_t r = sendmsg(n->sock, &m, n->flags | extra | MSG_NOSIGNAL);

	if (r >= 0)
		return r;
	r = -errno;
	if (r == -EPIPE && !(n->flags & MSG_NOSIGNAL)) {
		_cleanup_identity_ struct identity *was = identity_look();

		(void)kill(n->q->pid, SIGPIPE);
	}
	return r;
}

static int64_t send_blocking(struct net_call *n)
{
	return do_send(n, 0);
}

static int64_t act_send(struct net_call *n)
{
	int64_t r;

	net_announce(n);
	r = do_send(n, MSG_DONTWAIT);

	if (r == -EAGAIN && n->blocking && !(n->flags & MSG_DONTWAIT))
		return net_in_worker(n, send_blocking);
	return r;
}

/* sendmmsg: the length goes into the caller's vector, the result is 1. */
static int64_t act_mmsg(struct net_call *n)
{
	int64_t r = (net_announce(n), do_send(n, MSG_DONTWAIT));
	uint32_t len = (uint32_t)r;
	struct iovec local = { &len, sizeof(len) };
	struct iovec remote = { (void *)(uintptr_t)n->mmsg_len, sizeof(len) };

	if (r < 0)
		return r;
	_cleanup_identity_ struct identity *was = identity_look();

	if (process_vm_writev(n->q->tid, &local, 1, &remote, 1, 0) < 0)
		return -EFAULT;
	return 1;
}

static int copy_payload(struct net_call *n, uint64_t addr, uint64_t len)
{
	if (n->sock < 0)
		return 0; /* the kernel takes it */
	n->n_bytes = (size_t)MIN(len, (uint64_t)NET_MAX_BYTES);
	if (n->n_bytes < len && !n->partial)
		return -EMSGSIZE;
	n->bytes = malloc(n->n_bytes ? n->n_bytes : 1);
	if (!n->bytes)
		return -ENOMEM;
	return mem_get(&n->q->mem, addr, n->bytes, n->n_bytes);
}

static void judge_send(struct net_call *n)
{
	if (n->addr_len)
		net_judge(n, UNIX_SENDTO);
	else
		net_run(n);
}

static bool is_stream(const struct net_call *n)
{
	int type = 0;
	socklen_t len = sizeof(type);

	return getsockopt(n->sock, SOL_SOCKET, SO_TYPE, &type, &len) == 0 &&
	       type == SOCK_STREAM;
}

void decode_sendto(struct request *q)
{
	struct net_call *n = net_new(q, (int)q->args[0], act_send);
	int r = 0;

	if (!n)
		return;
	n->flags = (int)q->args[3];
	n->partial = is_stream(n);
	if (q->args[4])
		r = net_get_address(n, q->args[4], (uint32_t)q->args[5]);
	if (r == 0)
		r = copy_payload(n, q->args[1], q->args[2]);
	if (r < 0)
		request_fail(q, -r);
	else
		judge_send(n);
}

static int copy_vector(struct net_call *n, uint64_t addr, uint64_t count,
		       size_t room)
{
	struct iovec *iov;
	uint64_t total = 0;
	size_t at = 0;
	int r;

	if (n->sock < 0)
		return 0; /* the kernel takes it */
	if (count > SEND_MAX_IOV)
		return -EMSGSIZE;
	iov = malloc(count ? count * sizeof(*iov) : 1);
	if (!iov)
		return -ENOMEM;
	r = mem_get(&n->q->mem, addr, iov, count * sizeof(*iov));
	for (uint64_t i = 0; r == 0 && i < count; i++)
		if (__builtin_add_overflow(total, iov[i].iov_len, &total))
			r = -EINVAL;
	if (r == 0 && total > NET_MAX_BYTES && !n->partial)
		r = -EMSGSIZE;
	n->n_bytes = (size_t)MIN(total, (uint64_t)NET_MAX_BYTES);
	n->bytes = r == 0 ? malloc(n->n_bytes + room + 1) : NULL;
	if (r == 0 && !n->bytes)
		r = -ENOMEM;
	for (uint64_t i = 0; r == 0 && i < count && at < n->n_bytes; i++) {
		size_t take = MIN(iov[i].iov_len, n->n_bytes - at);

		r = mem_get(&n->q->mem, (uint64_t)(uintptr_t)iov[i].iov_base,
			    n->bytes + at, take);
		at += take;
	}
	free(iov);
	return r;
}

/* Replaces the caller's numbers in one SCM_RIGHTS by copies of ours. */
static int translate_rights(struct net_call *n, struct cmsghdr *c)
{
	size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	int *fds = (int *)(void *)CMSG_DATA(c);

	for (size_t i = 0; i < count; i++) {
		int got;

		if (n->n_passed == NET_MAX_PASSED)
			return -EINVAL;
		got = net_getfd(n->q, fds[i]);
		if (got < 0)
			return got;
		n->passed[n->n_passed++] = got;
		fds[i] = got;
	}
	return 0;
}

/* Of a socket that the kernel takes the message of: only looked at. */
static int look_at_control(struct net_call *n, uint64_t addr, size_t len)
{
	_cleanup_free_ char *copy = NULL;
	int r;

	if (n->domain == AF_UNIX)
		return 0;
	copy = malloc(len);
	if (!copy)
		return -ENOMEM;
	n->control_at = addr;
	r = mem_get(&n->q->mem, addr, copy, len);
	return r < 0 ? r : control_stays(copy, len);
}

static int copy_control(struct net_call *n, uint64_t addr, size_t len)
{
	char *at = control_of(n);
	struct msghdr m = { .msg_control = at, .msg_controllen = len };
	int r;

	if (len == 0)
		return 0;
	if (n->sock < 0)
		return look_at_control(n, addr, len);
	n->n_control = len;
	r = mem_get(&n->q->mem, addr, at, len);
	if (r == 0 && n->domain != AF_UNIX)
		return control_stays(at, len);
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); r == 0 && c;
	     c = CMSG_NXTHDR(&m, c)) {
		if (c->cmsg_len < sizeof(*c) ||
		    c->cmsg_len > len - (size_t)((char *)c - at))
			return -EINVAL;
		if (c->cmsg_level != SOL_SOCKET)
			continue;
		if (c->cmsg_type == SCM_RIGHTS)
			r = translate_rights(n, c);
		else
			r = -EPERM; /* credentials would have to be ours */
	}
	return r;
}

static void send_message(struct net_call *n, uint64_t addr)
{
	struct request *q = n->q;
	struct msghdr m;
	int r = mem_get(&q->mem, addr, &m, sizeof(m)) < 0 ? -EFAULT : 0;

	n->partial = is_stream(n);
	if (r == 0 && m.msg_controllen > NET_MAX_CONTROL)
		r = -ENOBUFS;
	if (r == 0 && m.msg_name && m.msg_namelen)
		r = net_get_address(n, (uint64_t)(uintptr_t)m.msg_name,
				    m.msg_namelen);
	if (r == 0)
		r = copy_vector(n, (uint64_t)(uintptr_t)m.msg_iov, m.msg_iovlen,
				m.msg_controllen + 64);
	if (r == 0 && m.msg_control && m.msg_controllen)
		r = copy_control(n, (uint64_t)(uintptr_t)m.msg_control,
				 m.msg_controllen);
	if (r < 0)
		request_fail(q, -r);
	else
		judge_send(n);
}

void decode_sendmsg(struct request *q)
{
	struct net_call *n = net_new(q, (int)q->args[0], act_send);

	if (!n)
		return;
	n->flags = (int)q->args[2];
	send_message(n, q->args[1]);
}

void decode_sendmmsg(struct request *q)
{
	struct net_call *n;

	if ((uint32_t)q->args[2] == 0) {
		request_return(q, 0);
		return;
	}
	n = net_new(q, (int)q->args[0], act_mmsg);
	if (!n)
		return;
	n->flags = (int)q->args[3];
	n->mmsg_len = q->args[1] + offsetof(struct mmsghdr, msg_len);
	send_message(n, q->args[1]);
}
