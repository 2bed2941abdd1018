/* SPDX-License-Identifier: MIT */
/*
 * stream.h - one non-blocking socket with an input and an output buffer
 *
 * The owner is called after every turn in which something moved and decides
 * what to do; stream_want() then tells the loop what to wait for. Buffers exist
 * only while they hold bytes, so an idle tunnel costs two descriptors and a
 * struct.
 */
#ifndef NETPROXY_STREAM_H
#define NETPROXY_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/loop.h"
#include "base/str.h"

#define STREAM_BUFFER 65536 /* bytes held per direction before reading stops */

struct stream;
typedef void stream_fn(struct stream *s, void *arg);

/*
 * What lies between the buffers and the socket, TLS; NULL = nothing. read and
 * write answer as the system calls do, -1 with errno; EAGAIN sets *wants to
 * what the socket has to be ready for.
 */
struct stream_io {
	ssize_t (*read)(void *arg, char *p, size_t n, uint32_t *wants);
	ssize_t (*write)(void *arg, const char *p, size_t n, uint32_t *wants);
	/* Bytes that read() would give without looking at the socket. */
	bool (*pending)(void *arg);
	void (*shut)(void *arg); /* nothing more will be written */
	void (*free)(void *arg);
};

struct stream {
	struct loop *loop;
	int fd; /* owned; -1 = none */
	struct loop_source *source;
	uint32_t events;
	bool wipe; /* what passes holds secrets: no trace of it in memory */
	struct buf in, out;
	bool eof;    /* nothing more will be read */
	bool reset;  /* and that was no proper end */
	bool failed; /* unwritable or out of memory: discard */
	bool hung_up;
	bool resets; /* its end is to be no proper one */
	bool shut_when_flushed, shut;
	bool reading;  /* the owner wants input */
	bool unwanted; /* there is input and the owner does not want it */
	bool raw;      /* and takes it from fd by itself */
	bool waiting;  /* the owner has output that is not in out */
	uint64_t n_in, n_out;
	const struct stream_io *io;
	void *io_arg;      /* owned */
	uint32_t io_wants; /* EPOLLIN, EPOLLOUT: to go on with the last call */
	stream_fn *fn;
	void *arg;
};

/* Takes fd (made non-blocking). connecting: wait for EPOLLOUT first. */
int stream_open(struct stream *s, struct loop *loop, int fd, stream_fn *fn,
		void *arg);
/* The same for a socket that does not block; the loop hears of it by the first
 * stream_want(). stream_set_reset() is the caller's to call, or was called for
 * the socket that accepted it. */
void stream_adopt(struct stream *s, struct loop *loop, int fd, stream_fn *fn,
		  void *arg);
/* on: closing resets the connection. Should this process be killed, nobody
 * takes that for a proper end; stream_close() undoes it. */
void stream_set_reset(int fd, bool on);
/* Dead peers are noticed after three minutes. */
void stream_keep_alive(int fd);
void stream_close(struct stream *s);
/* Puts TLS, or the like, in between; before the first byte is moved. Takes
 * arg. */
void stream_set_io(struct stream *s, const struct stream_io *io, void *arg);
/* The same, and the peer is told that it was no proper end (RST). */
void stream_abort(struct stream *s);
/* Gives the descriptor back, to the caller; buffers are dropped. Not with io. */
int stream_release(struct stream *s);
bool stream_is_open(const struct stream *s);

/* Zeros all that a buffer has room for. */
void stream_wipe(struct buf *b);
/* Writes what it can of out now. */
void stream_flush(struct stream *s);
/* Reads what there is, with io: also what it holds without the socket. */
void stream_pull(struct stream *s);
/* Sends FIN once out is empty. */
void stream_shutdown(struct stream *s);
/* Sets what to wait for from reading, out and eof. Call after changing them.
 * -errno: nothing will be heard of it; s has failed. */
int stream_want(struct stream *s, bool reading);
/* Moves up to max bytes of from->in to to->out, without copying if it can. */
size_t stream_move(struct stream *from, struct stream *to, size_t max);

#endif
