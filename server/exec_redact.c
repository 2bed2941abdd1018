/* SPDX-License-Identifier: MIT */
/*
 * exec_redact.c - a command's output without its secrets
 *
 *	command ─pipe─▶ on_output ─▶ DLP stream ─▶ response, SSE, websocket
 *	                                      └──▶ relay ─▶ the client's descriptor
 *
 * The DLP stream keeps back what may still turn out to be a secret. When
 * nothing comes for IDLE_NS it lets go of words and numbers, so that prompts
 * and echoes appear; what has begun like a key waits for LONG_NS. A secret
 * written in one go arrives within less than that.
 *
 * A client that lent its descriptors gets the output through a relay. They are
 * never made non-blocking: others share them. A pipe or terminal is opened
 * anew for that; where this is not possible at most RELAY_SMALL bytes are
 * written when poll says there is room. A client that reads slowly slows the
 * command: beyond RELAY_HIGH nothing more is taken from it.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "server/dlp.h"
#include "server/exec.h"

#define IDLE_NS     (15ULL * 1000000)
#define LONG_NS     (500ULL * 1000000)
#define RELAY_HIGH  (1U << 20)
#define RELAY_SMALL 4096U

struct redact {
	struct command_output *output;
	struct dlp_stream *stream; /* owned */
	struct loop_source *timer;
	bool waited;          /* the short time is over, the long one runs */
	unsigned int *counts; /* findings by type; owned */
	/* relay, if fd >= 0 */
	int fd; /* the client's, or the same opened anew; owned */
	bool nonblock;
	struct buf pending;
	struct loop_source *io;
};

/* ---- relay ---- */

static void give_up(struct redact *x)
{
	x->io = loop_remove(x->io);
	if (x->fd >= 0)
		(void)close(x->fd);
	x->fd = -1;
	buf_done(&x->pending);
}

/* Bytes written, 0 for "not now", -errno. */
static ssize_t write_some(const struct redact *x)
{
	struct pollfd p = { .fd = x->fd, .events = POLLOUT };
	size_t n = x->pending.len;
	ssize_t r;

	if (!x->nonblock) {
		if (poll(&p, 1, 0) <= 0 || !(p.revents & (POLLOUT | POLLERR)))
			return 0;
		n = MIN(n, (size_t)RELAY_SMALL);
	}
	r = write(x->fd, x->pending.data, n);
	if (r < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	return r < 0 ? -errno : r;
}

/* False when nobody will read any more. */
static bool drain(struct redact *x)
{
	size_t done = 0;

	while (x->pending.len) {
		ssize_t n = write_some(x);

		if (n < 0)
			return false;
		if (n == 0)
			break;
		buf_consume(&x->pending, (size_t)n);
		done += (size_t)n;
		if (!x->io && done >= RELAY_HIGH)
			break;
	}
	return true;
}

static void after_drain(struct redact *x)
{
	struct command_output *o = x->output;

	if (!drain(x)) {
		/* As if the command wrote there itself: broken pipe. */
		give_up(x);
		command_output_close(o);
	} else if (x->io) {
		(void)loop_mod_io(x->io, x->pending.len ? EPOLLOUT : 0);
	}
	if (o->io)
		(void)loop_mod_io(o->io,
				  x->pending.len < RELAY_HIGH ? EPOLLIN : 0);
}

static void on_writable(struct loop *l, int fd, uint32_t events, void *arg)
{
	struct redact *x = arg;
	struct command *c = x->output->command;

	(void)l;
	(void)fd;
	(void)events;
	after_drain(x);
	command_maybe_finish(c);
}

static void relay(struct redact *x, struct str bytes)
{
	if (x->fd < 0)
		return;
	buf_put_str(&x->pending, bytes);
	if (x->pending.error)
		give_up(x);
	else
		after_drain(x);
}

/* The client's descriptor, or the same file with a mode of its own. */
static int relay_open(struct redact *x, int fd)
{
	char name[48];
	struct stat st;
	int own = -1, r = 0;

	if (fstat(fd, &st) < 0)
		return -errno;
	(void)snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	if (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode))
		own = open(name, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	x->nonblock = own >= 0 || S_ISREG(st.st_mode);
	x->fd = own >= 0 ? own : fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (x->fd < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		r = loop_add_io(x->output->command->app->loop, x->fd, 0,
				on_writable, x, &x->io);
	return r == -EPERM ? 0 : r; /* what cannot wait is always ready */
}

bool redact_pending(const struct command_output *o)
{
	return o->redact && o->redact->fd >= 0 && o->redact->pending.len > 0;
}

/* ---- stream ---- */

static void on_out(void *arg, struct str bytes)
{
	struct redact *x = arg;

	if (x->output->command->mode == EXEC_FDS)
		relay(x, bytes);
	else
		command_output_add(x->output, bytes);
}

static void on_found(void *arg, const struct dlp_finding *f)
{
	struct redact *x = arg;

	x->counts[f->type]++;
}

/* Without memory nothing passes any more. */
static void check(struct redact *x, int r)
{
	if (r < 0)
		log_error_errno(r, "cannot redact the output of %s",
				x->output->command->id);
}

static void on_timer(struct loop *l, void *arg)
{
	struct redact *x = arg;
	bool was = x->waited;

	(void)l;
	x->waited = true;
	if (!was && dlp_stream_held(x->stream))
		(void)loop_timer_arm(x->timer, LONG_NS - IDLE_NS);
	check(x, dlp_stream_flush(x->stream,
				  was ? DLP_FLUSH_LONG : DLP_FLUSH_IDLE));
}

void redact_feed(struct command_output *o, struct str bytes)
{
	struct redact *x = o->redact;

	check(x, dlp_stream_feed(x->stream, bytes));
	x->waited = false;
	(void)loop_timer_arm(x->timer,
			     dlp_stream_held(x->stream) ? IDLE_NS : 0);
}

void redact_end(struct command_output *o)
{
	struct redact *x = o->redact;

	if (!x)
		return;
	(void)loop_timer_arm(x->timer, 0);
	check(x, dlp_stream_finish(x->stream));
}

/* ---- one command ---- */

bool redact_wanted(const struct command *c)
{
	return server_dlp_output(c->app) != NULL;
}

void redact_free(struct command_output *o)
{
	struct redact *x = o->redact;

	if (!x)
		return;
	o->redact = NULL;
	x->timer = loop_remove(x->timer);
	give_up(x);
	(void)dlp_stream_free(x->stream);
	free(x->counts);
	free(x);
}

int redact_open(struct command_output *o, int client_fd)
{
	struct command *c = o->command;
	const struct dlp_engine *e = server_dlp_output(c->app);
	struct redact *x = calloc(1, sizeof(*x));
	struct dlp_sink sink = { .found = on_found, .out = on_out, .arg = x };
	int r;

	if (!x)
		return -ENOMEM;
	x->output = o;
	x->fd = -1;
	o->redact = x;
	x->counts = calloc(dlp_engine_n_types(e) + 1, sizeof(*x->counts));
	if (!x->counts)
		return -ENOMEM;
	r = dlp_stream_new(e, &sink, &x->stream);
	if (r == 0)
		r = loop_add_timer(c->app->loop, 0, on_timer, x, &x->timer);
	if (r == 0 && client_fd >= 0)
		r = relay_open(x, client_fd);
	return r;
}

/* ---- on record ---- */

static void count_types(const struct command_output *o, struct json_writer *w,
			int64_t *total)
{
	const struct dlp_engine *e = server_dlp_output(o->command->app);

	for (size_t t = 0; o->redact && t < dlp_engine_n_types(e); t++) {
		unsigned int n = o->redact->counts[t];

		if (n == 0)
			continue;
		json_kv_i64(w, dlp_type_name(e, (unsigned int)t), n);
		*total += n;
	}
}

static void put_counts(struct event *e, const char *key,
		       const struct command_output *o, struct buf *out,
		       int64_t *total)
{
	struct json_writer w;

	json_writer_init(&w, out, 0);
	json_begin_object(&w);
	count_types(o, &w, total);
	json_end_object(&w);
	if (out->error == 0 && out->len > 2)
		event_add_json(e, key, buf_str(out));
}

void redact_record(struct command *c)
{
	struct event e = EVENT_INIT("output_redacted");
	_cleanup_buf_ struct buf out = BUF_INIT, err = BUF_INIT;
	int64_t total = 0;

	e.session_id = str_from(c->session->id);
	e.command_id = str_from(c->id);
	put_counts(&e, "stdout", &c->out, &out, &total);
	put_counts(&e, "stderr", &c->err, &err, &total);
	event_add_int(&e, "count", total);
	if (total)
		(void)app_emit(c->app, &e); /* it has happened */
}
