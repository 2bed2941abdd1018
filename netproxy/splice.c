/* SPDX-License-Identifier: MIT */
/*
 * splice.c - bytes from socket to socket without passing through this process
 */
#include "netproxy/splice.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* Pages beyond the default of 64 KB are the kernel's to refuse. */
#define PIPE_SIZE (1 << 20)
#define PER_TURN  16 /* so that others get their turn */

struct splice {
	int in, out; /* of the pipe; owned */
	size_t held;
};

int splice_open(struct splice **ret)
{
	struct splice *s = malloc(sizeof(*s));
	int ends[2];

	if (!s)
		return -ENOMEM;
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) {
		free(s);
		return -errno;
	}
	(void)fcntl(ends[1], F_SETPIPE_SZ, PIPE_SIZE);
	*s = (struct splice){ .in = ends[1], .out = ends[0] };
	*ret = s;
	return 0;
}

struct splice *splice_close(struct splice *s)
{
	if (!s)
		return NULL;
	(void)close(s->in);
	(void)close(s->out);
	free(s);
	return NULL;
}

size_t splice_held(const struct splice *s)
{
	return s ? s->held : 0;
}

/* How much was taken. */
static size_t take(struct splice *s, struct stream *from, uint64_t max)
{
	ssize_t n = splice(from->fd, NULL, s->in, NULL,
			   (size_t)MIN(max, (uint64_t)PIPE_SIZE),
			   SPLICE_F_MOVE | SPLICE_F_NONBLOCK);

	if (n > 0) {
		s->held += (size_t)n;
		from->n_in += (uint64_t)n;
	} else if (n == 0) {
		from->eof = true;
	} else if (errno != EAGAIN && errno != EINTR) {
		from->eof = from->reset = true;
	}
	return n > 0 ? (size_t)n : 0;
}

/* True if all was given. */
static bool give(struct splice *s, struct stream *to)
{
	while (s->held) {
		ssize_t n = splice(s->out, NULL, to->fd, NULL, s->held,
				   SPLICE_F_MOVE | SPLICE_F_NONBLOCK);

		if (n > 0) {
			s->held -= (size_t)n;
			to->n_out += (uint64_t)n;
		} else if (n < 0 && errno == EINTR) {
			continue;
		} else {
			to->failed = n == 0 || errno != EAGAIN;
			return false;
		}
	}
	return true;
}

uint64_t splice_move(struct splice *s, struct stream *from, struct stream *to,
		     uint64_t max)
{
	uint64_t taken = 0;

	for (int i = 0; i < PER_TURN; i++) {
		size_t n = 0;

		if (give(s, to) && !from->eof && taken < max)
			n = take(s, from, max - taken);
		if (n == 0)
			break;
		taken += n;
	}
	if (s->held)
		(void)give(s, to);
	return taken;
}
