/* SPDX-License-Identifier: MIT */
/*
 * listener.c - accepts connections until there are no descriptors left
 */
#include "netproxy/listener.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "base/addr.h"
#include "netproxy/stream.h"

#define PER_TURN 64
#define PAUSE_NS 100000000ULL

static void on_accept(struct loop *loop, int fd, uint32_t events, void *arg);

static void resume(struct loop *loop, void *arg)
{
	struct listener *l = arg;

	l->pause = loop_remove(l->pause);
	if (listener_start(l) < 0)
		loop_quit(loop, -ENOMEM);
}

/* Out of descriptors: the listener would be reported as ready for ever. */
static void pause_accepting(struct listener *l)
{
	l->source = loop_remove(l->source);
	if (loop_add_timer(l->loop, PAUSE_NS, resume, l, &l->pause) < 0)
		loop_quit(l->loop, -ENOMEM);
}

static void on_accept(struct loop *loop, int fd, uint32_t events, void *arg)
{
	struct listener *l = arg;

	(void)loop;
	(void)events;
	for (int i = 0; i < PER_TURN; i++) {
		struct sockaddr_storage peer = { .ss_family = AF_UNSPEC };
		socklen_t n = sizeof(peer);
		struct addr addr;
		uint16_t port = 0;
		int client = accept4(fd, (struct sockaddr *)&peer, &n,
				     SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (client < 0 && (errno == EMFILE || errno == ENFILE ||
				   errno == ENOMEM || errno == ENOBUFS)) {
			pause_accepting(l);
			return;
		}
		if (client < 0)
			return;
		(void)addr_from_sockaddr(&peer, n, &addr, &port);
		l->accept(l->conns, client, port);
	}
}

/*
 * What accepted sockets are to have is set here, once: they inherit it. They
 * reset their connections when this process is killed (stream.h), and notice
 * peers that are gone without a word.
 */
static void prepare(int fd, bool clients_speak_first)
{
	const int one = 1;

	/* One wake-up for the connection and its request; who says nothing is
	 * handed over after a second. */
	if (clients_speak_first)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &one,
				 sizeof(one));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	stream_keep_alive(fd);
	stream_set_reset(fd, true);
}

int listener_start(struct listener *l)
{
	prepare(l->fd, l->accept == conn_accept);
	return loop_add_io(l->loop, l->fd, EPOLLIN, on_accept, l, &l->source);
}

void listener_stop(struct listener *l)
{
	l->source = loop_remove(l->source);
	l->pause = loop_remove(l->pause);
}
