/* SPDX-License-Identifier: MIT */
/*
 * stream.c - one non-blocking socket with an input and an output buffer
 */
#include "netproxy/stream.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "core/wakeful.h"

static ssize_t read_some(struct stream *s, char *p, size_t n)
{
	if (!s->io)
		return read(s->fd, p, n);
	return s->io->read(s->io_arg, p, n, &s->io_wants);
}

static ssize_t write_some(struct stream *s, const char *p, size_t n)
{
	if (!s->io)
		return send(s->fd, p, n, MSG_NOSIGNAL);
	return s->io->write(s->io_arg, p, n, &s->io_wants);
}

/* Fills in as far as there is room. A reset ends input like an end of file,
 * after what arrived before it, and is remembered. */
static void fill(struct stream *s)
{
	while (!s->eof && !s->failed && s->in.len < STREAM_BUFFER) {
		size_t room = STREAM_BUFFER - s->in.len;
		char *p = buf_reserve(&s->in, room);
		ssize_t n;

		if (!p) {
			s->failed = true;
			return;
		}
		n = read_some(s, p, room);
		if (n > 0) {
			s->in.len += (size_t)n;
			s->in.data[s->in.len] = 0;
			s->n_in += (uint64_t)n;
		} else if (n == 0) {
			s->eof = true;
		} else if (errno == EAGAIN) {
			break;
		} else if (errno != EINTR) {
			s->eof = s->reset = true;
		}
		if (n > 0 && (size_t)n < room && !s->hung_up && !s->io)
			return; /* the usual case: nothing more there */
	}
	if (s->in.len == 0)
		buf_done(&s->in);
}

void stream_wipe(struct buf *b)
{
	if (b->data)
		explicit_bzero(b->data, b->size);
}

void stream_flush(struct stream *s)
{
	size_t done = 0;

	while (done < s->out.len && !s->failed) {
		ssize_t n =
			write_some(s, s->out.data + done, s->out.len - done);

		if (n >= 0)
			done += (size_t)n;
		else if (errno == EAGAIN)
			break;
		else if (errno != EINTR)
			s->failed = true;
	}
	s->n_out += done;
	if (s->wipe && (done == s->out.len || s->failed))
		stream_wipe(&s->out);
	if (done == s->out.len || s->failed)
		buf_done(&s->out);
	else
		buf_consume(&s->out, done);
	if (s->out.len == 0 && s->shut_when_flushed && !s->shut) {
		if (s->io)
			s->io->shut(s->io_arg);
		(void)shutdown(s->fd, SHUT_WR); /* a dead peer is no news */
		s->shut = true;
	}
}

/*
 * EPOLLHUP (both directions are over, or reset) is reported for ever and
 * cannot be masked, so the source goes. What was not read yet stays in the
 * socket: stream_want() brings the source back while there is something to do.
 */
static void on_io(struct loop *l, int fd, uint32_t events, void *arg)
{
	const uint32_t readable =
		(uint32_t)(EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR);
	struct stream *s = arg;

	(void)l;
	(void)fd;
	wakeful_touch();
	s->hung_up = events & (uint32_t)(EPOLLHUP | EPOLLERR);
	s->unwanted = (events & readable) &&
		      !(s->reading && s->in.len < STREAM_BUFFER);
	if (s->io) { /* TLS may have to read to write, and the reverse */
		s->io_wants = 0;
		stream_flush(s);
		if (s->reading)
			fill(s);
	} else {
		if (events & (uint32_t)EPOLLOUT)
			stream_flush(s);
		if ((events & readable) && s->reading && !s->raw)
			fill(s);
	}
	if (s->hung_up) {
		s->source = loop_remove(s->source);
		s->events = 0;
	}
	s->fn(s, s->arg);
}

void stream_keep_alive(int fd)
{
	const int one = 1, idle = 60, interval = 20, count = 6;

	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval,
			 sizeof(interval));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof(count));
}

void stream_set_reset(int fd, bool on)
{
	const struct linger l = { .l_onoff = on };

	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
}

int stream_open(struct stream *s, struct loop *loop, int fd, stream_fn *fn,
		void *arg)
{
	int r = fd_set_nonblock(fd, true);

	if (r < 0) {
		(void)close(fd);
		return r;
	}
	stream_set_reset(fd, true);
	stream_adopt(s, loop, fd, fn, arg);
	r = loop_add_io(loop, fd, 0, on_io, s, &s->source);
	if (r < 0)
		stream_close(s);
	return r;
}

void stream_adopt(struct stream *s, struct loop *loop, int fd, stream_fn *fn,
		  void *arg)
{
	*s = (struct stream){ .loop = loop, .fd = fd, .fn = fn, .arg = arg };
}

int stream_release(struct stream *s)
{
	int fd = s->fd;

	s->source = loop_remove(s->source);
	stream_set_reset(fd, false);
	s->fd = -1;
	stream_close(s);
	return fd;
}

void stream_set_io(struct stream *s, const struct stream_io *io, void *arg)
{
	s->io = io;
	s->io_arg = arg;
}

void stream_abort(struct stream *s)
{
	s->resets = true;
	stream_close(s);
}

void stream_close(struct stream *s)
{
	s->source = loop_remove(s->source);
	if (s->fd >= 0 && !s->resets)
		stream_set_reset(s->fd, false);
	if (s->io)
		s->io->free(s->io_arg);
	s->io = NULL;
	if (s->fd >= 0)
		(void)close(s->fd);
	s->fd = -1;
	if (s->wipe) {
		stream_wipe(&s->in);
		stream_wipe(&s->out);
	}
	buf_done(&s->in);
	buf_done(&s->out);
}

bool stream_is_open(const struct stream *s)
{
	return s->fd >= 0;
}

void stream_pull(struct stream *s)
{
	fill(s);
}

void stream_shutdown(struct stream *s)
{
	s->shut_when_flushed = true;
	stream_flush(s);
}

/*
 * Nothing is to be read for now. Mostly that is over before anything comes: the
 * kernel is told only when something has come.
 */
static bool may_stay_armed(const struct stream *s, uint32_t events)
{
	return s->source && !s->hung_up && !s->unwanted && !s->eof && !s->io &&
	       s->events == (events | (uint32_t)EPOLLIN);
}

int stream_want(struct stream *s, bool reading)
{
	uint32_t events = 0;
	int r;

	if (!stream_is_open(s))
		return 0;
	s->reading = reading;
	if (reading && !s->eof && s->in.len < STREAM_BUFFER)
		events |= (uint32_t)EPOLLIN;
	if (s->io) {
		/* records that are read already wake nobody: a socket is nearly
		 * always writable */
		if ((events & (uint32_t)EPOLLIN) && s->io->pending(s->io_arg))
			events |= (uint32_t)EPOLLOUT;
		events |= s->io_wants;
	}
	if ((s->out.len || s->waiting) && !(s->io && s->io_wants))
		events |= (uint32_t)EPOLLOUT;
	if (events == s->events || may_stay_armed(s, events))
		return 0;
	if (s->hung_up && !events) {
		s->source = loop_remove(s->source);
		s->events = 0;
		return 0;
	}
	r = s->source
		    ? loop_mod_io(s->source, events)
		    : loop_add_io(s->loop, s->fd, events, on_io, s, &s->source);
	if (r == 0)
		s->events = events;
	else
		s->failed = true;
	return r;
}

size_t stream_move(struct stream *from, struct stream *to, size_t max)
{
	size_t n = MIN(from->in.len, max);

	if (n == 0 || to->out.len >= STREAM_BUFFER)
		return 0;
	if (n == from->in.len && to->out.len == 0) {
		struct buf empty = to->out;

		to->out = from->in;
		from->in = empty;
		buf_reset(&from->in);
	} else {
		buf_put(&to->out, from->in.data, n);
		if (to->out.error) {
			to->failed = true;
			return 0;
		}
		buf_consume(&from->in, n);
	}
	if (from->in.len == 0)
		buf_done(&from->in);
	stream_flush(to);
	return n;
}
