/* SPDX-License-Identifier: MIT */
/*
 * channel.c - control messages between the server and one worker
 *
 * Datagram: u8 version, u8 type, u16 flags, u32 id (little-endian), body.
 * CHANNEL_FLAG_MEMFD: the datagram has no body; its last descriptor is a memfd
 * that holds it. The receiver wants that memfd sealed, because one that the
 * sender can still shrink or rewrite could change after it was checked, and it
 * reads a copy instead of mapping it.
 */
#include "core/channel.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/clock.h"

#define CHANNEL_FLAG_MEMFD 0x0001U
#define CHANNEL_SEND_WAIT  5000000000ULL /* ns */
#define CHANNEL_BODY_SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)
#define CHANNEL_RX_SIZE    (sizeof(struct channel_head) + CHANNEL_INLINE_MAX)
#define CHANNEL_SOCKET_BUF (1 << 20) /* asked for; the kernel may give less */

struct channel_head {
	uint8_t version;
	uint8_t type;
	uint16_t flags; /* little-endian, like id */
	uint32_t id;
};

struct channel {
	int sock;       /* owned */
	struct buf tx;  /* the datagram being sent */
	struct buf rx;  /* room for one datagram */
	struct buf big; /* body that came in a memfd */
};

int channel_pair(int ret_socks[2])
{
	int size = CHANNEL_SOCKET_BUF;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret_socks) <
	    0)
		return -errno;
	/* A smaller buffer only makes the sender wait earlier. */
	for (int i = 0; i < 2; i++)
		(void)setsockopt(ret_socks[i], SOL_SOCKET, SO_SNDBUF, &size,
				 sizeof(size));
	return 0;
}

int channel_new(int sock, struct channel **ret)
{
	struct channel *c;
	int r = fd_set_nonblock(sock, /* on */ true);

	if (r == 0)
		r = fd_set_cloexec(sock, /* on */ true);
	if (r < 0)
		return r;
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	if (!buf_reserve(&c->rx, CHANNEL_RX_SIZE)) {
		free(c);
		return -ENOMEM;
	}
	c->sock = sock;
	*ret = c;
	return 0;
}

struct channel *channel_free(struct channel *c)
{
	if (!c)
		return NULL;
	(void)close(c->sock);
	buf_done(&c->tx);
	buf_done(&c->rx);
	buf_done(&c->big);
	free(c);
	return NULL;
}

int channel_fd(const struct channel *c)
{
	return c->sock;
}

static int wait_writable(int sock, uint64_t deadline)
{
	struct pollfd p = { .fd = sock, .events = POLLOUT };
	uint64_t now = clock_monotonic_ns();

	if (now >= deadline)
		return -ETIMEDOUT;
	/* Rounded up, so that the last wait does not spin. */
	if (poll(&p, 1, (int)((deadline - now) / 1000000U) + 1) < 0 &&
	    errno != EINTR)
		return -errno;
	return 0;
}

static int send_datagram(struct channel *c, const int *fds, size_t n_fds)
{
	uint64_t deadline = clock_monotonic_ns() + CHANNEL_SEND_WAIT;

	for (;;) {
		ssize_t n = fd_send(c->sock, c->tx.data, c->tx.len, fds, n_fds,
				    MSG_DONTWAIT);
		int r;

		if (n >= 0)
			return 0;
		if (n == -ECONNRESET)
			return -EPIPE;
		if (n != -EAGAIN)
			return (int)n;
		r = wait_writable(c->sock, deadline);
		if (r < 0)
			return r;
	}
}

static void put_head(struct channel *c, uint8_t type, uint32_t id,
		     uint16_t flags)
{
	struct channel_head head = { .version = CHANNEL_VERSION,
				     .type = type,
				     .flags = htole16(flags),
				     .id = htole32(id) };

	buf_reset(&c->tx);
	buf_put(&c->tx, &head, sizeof(head));
}

static int send_in_memfd(struct channel *c, uint8_t type, uint32_t id,
			 struct str body, const int *fds, size_t n_fds)
{
	_cleanup_close_ int memfd = -1;
	int all[FD_PASS_MAX];

	if (n_fds >= FD_PASS_MAX)
		return -E2BIG;
	memfd = fd_sealed_memfd("agentsh-message", body);
	if (memfd < 0)
		return memfd;
	if (n_fds)
		memcpy(all, fds, n_fds * sizeof(*fds));
	all[n_fds] = memfd;
	put_head(c, type, id, CHANNEL_FLAG_MEMFD);
	if (c->tx.error)
		return c->tx.error;
	return send_datagram(c, all, n_fds + 1);
}

int channel_send(struct channel *c, uint8_t type, uint32_t id, struct str body,
		 const int *fds, size_t n_fds)
{
	int r;

	if (n_fds > FD_PASS_MAX || body.n > CHANNEL_BODY_MAX)
		return -E2BIG;
	if (body.n <= CHANNEL_INLINE_MAX) {
		put_head(c, type, id, 0);
		buf_put_str(&c->tx, body);
		if (c->tx.error)
			return c->tx.error;
		r = send_datagram(c, fds, n_fds);
		/* A host may have set its socket buffers below our inline
		 * size: the memfd way works everywhere. */
		if (r != -EMSGSIZE)
			return r;
	}
	return send_in_memfd(c, type, id, body, fds, n_fds);
}

/* Copies the body out of a memfd (consumed). */
static int read_memfd_body(struct channel *c, int fd_in)
{
	_cleanup_close_ int fd = fd_in;
	struct stat st;
	int seals = fcntl(fd, F_GET_SEALS);
	off_t at = 0;
	char *p;

	if (seals < 0 || (seals & CHANNEL_BODY_SEALS) != CHANNEL_BODY_SEALS ||
	    fstat(fd, &st) < 0 || st.st_size > (off_t)CHANNEL_BODY_MAX)
		return -EBADMSG;
	buf_reset(&c->big);
	p = buf_reserve(&c->big, (size_t)st.st_size);
	if (!p)
		return c->big.error;
	/* pread: the sender shares the file offset and may move it. */
	while (at < st.st_size) {
		ssize_t n = pread(fd, p + at, (size_t)(st.st_size - at), at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -EBADMSG;
		at += n;
	}
	c->big.len = (size_t)st.st_size;
	c->big.data[c->big.len] = '\0';
	return 0;
}

/* Header and body of the datagram of n bytes in rx into *m. */
static int parse_datagram(struct channel *c, size_t n, struct channel_msg *m)
{
	struct channel_head head;
	uint16_t flags;
	int r;

	if (n < sizeof(head))
		return -EBADMSG;
	memcpy(&head, c->rx.data, sizeof(head));
	flags = le16toh(head.flags);
	if (head.version != CHANNEL_VERSION || (flags & ~CHANNEL_FLAG_MEMFD))
		return -EBADMSG;
	m->type = head.type;
	m->id = le32toh(head.id);
	m->body = str_from_n(c->rx.data + sizeof(head), n - sizeof(head));
	if (!(flags & CHANNEL_FLAG_MEMFD))
		return 0;
	if (m->body.n || m->n_fds == 0)
		return -EBADMSG;
	r = read_memfd_body(c, m->fds[--m->n_fds]);
	if (r == 0)
		m->body = buf_str(&c->big);
	return r;
}

int channel_recv(struct channel *c, struct channel_msg *ret)
{
	struct channel_msg m = { .n_fds = FD_PASS_MAX };
	ssize_t n = fd_recv(c->sock, c->rx.data, CHANNEL_RX_SIZE, m.fds,
			    &m.n_fds, MSG_DONTWAIT);
	int r;

	if (n == -ECONNRESET)
		return 0;
	if (n == -EMSGSIZE)
		return -EBADMSG;
	if (n < 0)
		return (int)n;
	if (n == 0 && m.n_fds == 0)
		return 0;
	r = parse_datagram(c, (size_t)n, &m);
	if (r < 0) {
		channel_msg_done(&m);
		return r;
	}
	*ret = m;
	return 1;
}

void channel_msg_done(struct channel_msg *m)
{
	for (size_t i = 0; i < m->n_fds; i++)
		if (m->fds[i] >= 0)
			(void)close(m->fds[i]);
	m->n_fds = 0;
}
