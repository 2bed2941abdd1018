/* SPDX-License-Identifier: MIT */
/*
 * edge.c - an agentsh-edge of ours
 */
#include "server/edge.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/json.h"
#include "base/log.h"
#include "core/edge.h"
#include "server/app.h"

#define START_MS 10000
#define AGAIN_NS 1000000000ULL
#define TEXT_MAX 4096

struct edge {
	struct app *app;  /* borrowed */
	const char *mode; /* borrowed */
	struct buf settings;
	int fd; /* owned; -1 while it is down */
	bool up;
	struct loop_source *io, *again;
	edge_fn *fn;
	void *arg;
};

/* ---- birth and death ---- */

static int spawn(struct edge *e)
{
	char *argv[3] = { NULL, (char *)(uintptr_t)e->mode, NULL };
	_cleanup_close_ int ours = -1, theirs = -1;
	int socks[2];
	pid_t pid;
	ssize_t n;
	int r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, socks) < 0)
		return -errno;
	ours = socks[0];
	theirs = socks[1];
	n = fd_send(ours, e->settings.data, e->settings.len, NULL, 0,
		    MSG_NOSIGNAL);
	if (n < 0)
		return (int)n;
	r = edge_spawn(argv, theirs, &pid);
	if (r < 0)
		return r;
	e->fd = TAKE_FD(ours);
	return 0;
}

static void down(struct edge *e)
{
	e->io = loop_remove(e->io);
	if (e->fd >= 0)
		(void)close(e->fd);
	e->fd = -1;
	e->up = false;
	(void)loop_timer_arm(e->again, AGAIN_NS);
}

static void on_channel(struct loop *l, int fd, uint32_t events, void *arg)
{
	struct edge *e = arg;
	char text[TEXT_MAX];
	size_t none = 0;
	ssize_t n = fd_recv(fd, text, sizeof(text), NULL, &none, MSG_DONTWAIT);
	struct str s = str_from_n(text, (size_t)MAX(n, (ssize_t)0));

	(void)l;
	(void)events;
	if (n == -EAGAIN || n == -EINTR)
		return;
	if (n <= 0) {
		log_warn("agentsh-edge %s ended, and is started again",
			 e->mode);
		down(e);
	} else if (e->up) {
		if (e->fn)
			e->fn(e->arg, s);
	} else if (str_eq(s, STR("ok"))) {
		e->up = true;
		if (e->fn)
			e->fn(e->arg, STR_NONE);
	} else {
		log_warn("agentsh-edge %s: " STR_FMT, e->mode, STR_ARG(s));
		down(e);
	}
}

static int watch(struct edge *e)
{
	return loop_add_io(e->app->loop, e->fd, EPOLLIN, on_channel, e, &e->io);
}

static void on_again(struct loop *l, void *arg)
{
	struct edge *e = arg;

	(void)l;
	if (spawn(e) < 0 || watch(e) < 0)
		down(e);
}

/* The first time somebody waits for the answer. */
static int wait_for_it(struct edge *e, struct buf *err)
{
	struct pollfd p = { .fd = e->fd, .events = POLLIN };
	char text[TEXT_MAX];
	size_t none = 0;
	ssize_t n;

	if (poll(&p, 1, START_MS) <= 0) {
		buf_puts(err, "agentsh-edge does not answer");
		return -ETIMEDOUT;
	}
	n = fd_recv(e->fd, text, sizeof(text), NULL, &none, MSG_DONTWAIT);
	if (n <= 0) {
		buf_puts(err, "agentsh-edge does not start");
		return -EPIPE;
	}
	e->up = str_eq(str_from_n(text, (size_t)n), STR("ok"));
	if (!e->up)
		buf_put(err, text, (size_t)n);
	return e->up ? 0 : -EINVAL;
}

int edge_start(struct app *app, const char *mode, struct str settings,
	       edge_fn *fn, void *arg, struct edge **ret, struct buf *err)
{
	struct edge *e = calloc(1, sizeof(*e));
	int r;

	if (!e)
		return -ENOMEM;
	*e = (struct edge){
		.app = app, .mode = mode, .fd = -1, .fn = fn, .arg = arg
	};
	buf_put_str(&e->settings, settings);
	r = e->settings.error;
	if (r == 0)
		r = loop_add_timer(app->loop, 0, on_again, e, &e->again);
	if (r == 0)
		r = spawn(e);
	if (r == 0)
		r = wait_for_it(e, err);
	if (r == 0)
		r = watch(e);
	if (r < 0) {
		if (!err->len)
			buf_printf(err, "agentsh-edge: %s", strerror(-r));
		(void)edge_stop(e);
		return r;
	}
	*ret = e;
	return 0;
}

struct edge *edge_stop(struct edge *e)
{
	if (!e)
		return NULL;
	e->io = loop_remove(e->io);
	e->again = loop_remove(e->again);
	if (e->fd >= 0)
		(void)close(e->fd);
	buf_done(&e->settings);
	free(e);
	return NULL;
}

int edge_send(struct edge *e, const int *fds, size_t n_fds)
{
	ssize_t n;

	if (!e || !e->up)
		return -EAGAIN;
	n = fd_send(e->fd, "m", 1, fds, n_fds, MSG_NOSIGNAL | MSG_DONTWAIT);
	return n < 0 ? (int)n : 0;
}

/* ---- server.tls ---- */

/* The server reads and writes one end of a pair, agentsh-edge the other, and
 * the connection itself stays open here only to be asked whose it is. */
static int decrypted(void *arg, int tcp)
{
	struct app *app = arg;
	_cleanup_close_ int ours = -1, theirs = -1;
	int pair[2], fds[2], r;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
		       pair) < 0)
		return -errno;
	ours = pair[0];
	theirs = pair[1];
	fds[0] = tcp;
	fds[1] = theirs;
	r = edge_send(app->tls, fds, ARRAY_LEN(fds));
	return r < 0 ? r : TAKE_FD(ours);
}

int edge_listen(struct app *app, int fd, struct buf *err)
{
	_cleanup_close_ int listener = fd;
	_cleanup_buf_ struct buf settings = BUF_INIT;
	const struct settings *cfg = &app->cfg;
	struct json_writer w;
	int r;

	json_writer_init(&w, &settings, 0);
	json_begin_object(&w);
	json_kv_cstr(&w, "cert", cfg->tls_cert);
	json_kv_cstr(&w, "key", cfg->tls_key);
	json_kv_cstr(&w, "ca", cfg->tls_ca);
	json_end_object(&w);
	r = edge_start(app, "serve", buf_str(&settings), NULL, NULL, &app->tls,
		       err);
	if (r == 0)
		r = http_server_listen_via(app->http, TAKE_FD(listener),
					   decrypted, app);
	return r;
}
