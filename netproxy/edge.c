/* SPDX-License-Identifier: MIT */
/*
 * edge.c - agentsh-edge: TLS for the server and the command line (edge.h)
 */
#include "netproxy/edge.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/num.h"

int edge_answer(struct str text)
{
	ssize_t n =
		fd_send(EDGE_CHANNEL, text.p, text.n, NULL, 0, MSG_NOSIGNAL);

	return n < 0 ? (int)n : 0;
}

/* ---- connect ---- */

static void over(struct edge_pump *p)
{
	loop_quit(p->near.loop, p->greeted || p->near.eof ? 0 : 1);
}

int edge_connect(const char *host, const char *port_text)
{
	_cleanup_buf_ struct buf err = BUF_INIT;
	struct edge_pump p = { .far.fd = -1, .near.fd = -1, .over = over };
	struct edge_dialer d = { 0 };
	int64_t port = 0;
	int r = num_parse_range(str_from(port_text), 1, 65535, &port);

	if (r == 0)
		r = edge_dialer_init(&d, str_from(host), (uint16_t)port, true,
				     &err);
	if (r == 0)
		r = edge_dial(&d, &p.far, edge_pump_run, &p, &err);
	if (r == 0)
		r = stream_open(&p.near, d.loop, EDGE_CHANNEL, edge_pump_run,
				&p);
	if (r == 0) {
		stream_want(&p.far, true);
		stream_want(&p.near, true);
		r = loop_run(d.loop);
	}
	if (r != 0 && !err.len)
		buf_puts(&err, r > 0 && tls_error(&p.far)[0]
				       ? tls_error(&p.far)
				       : strerror(r < 0 ? -r : ECONNRESET));
	if (r != 0)
		(void)fprintf(stderr, "https://%s:%s: %s\n", host, port_text,
			      buf_cstr(&err));
	stream_close(&p.far);
	stream_close(&p.near);
	edge_dialer_done(&d);
	return r != 0;
}

/* ---- start ---- */

/* Nobody reads this process's memory, and its core is not written. */
static void harden(void)
{
	const struct rlimit none = { 0, 0 };

	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	(void)setrlimit(RLIMIT_CORE, &none);
	(void)signal(SIGPIPE, SIG_IGN);
}

static int with_settings(int (*fn)(const struct json *))
{
	_cleanup_arena_ struct arena a = ARENA_INIT(1U << 20);
	static char text[EDGE_MESSAGE];
	struct json *settings = NULL;
	size_t none = 0;
	ssize_t n = fd_recv(EDGE_CHANNEL, text, sizeof(text), NULL, &none, 0);
	int r = n <= 0 ? -EBADMSG
		       : json_parse(&a, str_from_n(text, (size_t)n), &settings);

	if (r < 0)
		return 1;
	return fn(settings);
}

int main(int argc, char **argv)
{
	log_inherit("agentsh-edge");
	harden();
	if (fcntl(EDGE_CHANNEL, F_SETFD, FD_CLOEXEC) < 0) {
		(void)fputs("agentsh-edge is started by agentsh\n", stderr);
		return 2;
	}
	if (argc == 2 && strcmp(argv[1], "serve") == 0)
		return with_settings(edge_serve);
	if (argc == 2 && strcmp(argv[1], "post") == 0)
		return with_settings(edge_post);
	if (argc == 4 && strcmp(argv[1], "connect") == 0)
		return edge_connect(argv[2], argv[3]);
	(void)fputs("agentsh-edge is started by agentsh\n", stderr);
	return 2;
}
