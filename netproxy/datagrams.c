/* SPDX-License-Identifier: MIT */
/*
 * datagrams.c - UDP of a captured namespace
 *
 *	command --any address--> ns->udp --flow's socket--> the place itself
 *	command <--raw packet from that address-- us <--------|
 *
 * The kernel brings only what some rule could allow (netns_open_places()), the
 * rest is EACCES at once. What is refused here, because a rule before that one
 * denies it, is answered "port unreachable", which is ECONNREFUSED for the
 * command; nothing is sent. A flow that was refused is remembered like others,
 * so that one event speaks for it.
 *
 * A flow ends when nothing was sent for FLOW_IDLE, or when DATAGRAMS_MAX_FLOWS
 * others are younger. Then a new datagram begins it anew.
 */
#include "netproxy/datagrams.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "core/event.h"
#include "netproxy/timers.h"
#include "policy/policy.h"

#define FLOW_IDLE TIMER_NS(180000000000ULL)
#define PER_TURN  64
#define HELD_MOST 2048 /* of a first datagram, while somebody is asked */

struct flow {
	struct datagrams *d;
	struct flow *next, **link; /* of its bucket */
	struct flow *older, *younger;
	struct packet_ends ends; /* from: the command */
	int fd;                  /* owned; -1: refused, or not decided yet */
	struct loop_source *source;
	struct ask *asking;
	bool approved;
	uint64_t last, sent, received;
	struct buf held;
};

/* --- flows ------------------------------------------------------------- */

static unsigned int bucket_of(const struct packet_ends *e)
{
	const unsigned char *p = (const void *)e;
	uint32_t h = 2166136261U;

	for (size_t i = 0; i < sizeof(*e); i++)
		h = (h ^ p[i]) * 16777619U;
	return (h ^ h >> 15) % DATAGRAMS_BUCKETS;
}

static void leave_order(struct flow *f)
{
	struct datagrams *d = f->d;

	*(f->older ? &f->older->younger : &d->oldest) = f->younger;
	*(f->younger ? &f->younger->older : &d->newest) = f->older;
	f->older = f->younger = NULL;
}

static void be_newest(struct flow *f)
{
	struct datagrams *d = f->d;

	f->last = loop_now(d->loop);
	f->older = d->newest;
	f->younger = NULL;
	*(d->newest ? &d->newest->younger : &d->oldest) = f;
	d->newest = f;
}

static struct gate_request request_of(const struct flow *f, struct str host)
{
	return (struct gate_request){
		.type = STR("net_connect"),
		.host = host,
		.port = f->ends.to_port,
		.addr = &f->ends.to,
		.client_port = f->ends.from_port,
		.by_datagram = true,
	};
}

static void record_end(const struct flow *f)
{
	const struct gate *g = f->d->gate;
	_cleanup_buf_ struct buf host = BUF_INIT, remote = BUF_INIT;
	struct event e = {
		.type = STR("net_close"),
		.depth = -1,
		.session_id = str_from(g->session_id),
		.source = STR("netproxy"),
	};

	addr_format(&f->ends.to, &host);
	buf_printf(&remote, "%s:%u", buf_cstr(&host),
		   (unsigned int)f->ends.to_port);
	e.domain = buf_str(&host);
	e.remote = buf_str(&remote);
	event_add_str(&e, "transport", STR("udp"));
	event_add_int(&e, "bytes_sent", (int64_t)f->sent);
	event_add_int(&e, "bytes_received", (int64_t)f->received);
	event_add_int(&e, "client_port", f->ends.from_port);
	(void)sink_emit(g->sink, &e); /* it is over either way */
}

static void flow_shut(struct flow *f)
{
	if (f->fd < 0)
		return;
	record_end(f);
	f->source = loop_remove(f->source);
	(void)close(f->fd);
	f->fd = -1;
}

static void flow_free(struct flow *f)
{
	flow_shut(f);
	(void)ask_cancel(f->asking);
	leave_order(f);
	*f->link = f->next;
	if (f->next)
		f->next->link = f->link;
	f->d->n--;
	buf_done(&f->held);
	free(f);
}

static struct flow *flow_find(struct datagrams *d, const struct packet_ends *e)
{
	struct flow *f = d->buckets[bucket_of(e)];

	while (f && memcmp(&f->ends, e, sizeof(*e)) != 0)
		f = f->next;
	return f;
}

static struct flow *flow_new(struct datagrams *d, const struct packet_ends *e)
{
	struct flow **bucket = &d->buckets[bucket_of(e)];
	struct flow *f;

	if (d->n >= DATAGRAMS_MAX_FLOWS)
		flow_free(d->oldest);
	f = calloc(1, sizeof(*f));
	if (!f)
		return NULL;
	f->d = d;
	f->ends = *e;
	f->fd = -1;
	f->next = *bucket;
	f->link = bucket;
	if (f->next)
		f->next->link = &f->next;
	*bucket = f;
	be_newest(f);
	d->n++;
	return f;
}

static void on_timer(struct loop *l, void *arg)
{
	struct datagrams *d = arg;

	(void)l;
	while (d->oldest && loop_now(d->loop) - d->oldest->last >= FLOW_IDLE)
		flow_free(d->oldest);
	(void)loop_timer_arm(d->timer, d->n ? FLOW_IDLE / 4 : 0);
}

/* --- to the command ------------------------------------------------------ */

static void send_raw(const struct datagrams *d, const struct addr *to, size_t n)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };

	if (n == 0)
		return;
	if (addr_is_v4(to)) {
		memcpy(&in.sin_addr, to->b + 12, 4);
		(void)sendto(d->ns->raw4, d->out, n, MSG_DONTWAIT,
			     (const void *)&in, sizeof(in));
	} else if (d->ns->raw6 >= 0) {
		memcpy(&in6.sin6_addr, to->b, sizeof(to->b));
		(void)sendto(d->ns->raw6, d->out, n, MSG_DONTWAIT,
			     (const void *)&in6, sizeof(in6));
	}
}

static void refuse(const struct flow *f)
{
	struct datagrams *d = f->d;

	send_raw(d, &f->ends.from, packet_put_refusal(&f->ends, d->out));
}

static void on_outside(struct loop *l, int fd, uint32_t events, void *arg)
{
	struct flow *f = arg;
	struct datagrams *d = f->d;
	const struct packet_ends back = { .from = f->ends.to,
					  .to = f->ends.from,
					  .from_port = f->ends.to_port,
					  .to_port = f->ends.from_port };

	(void)l;
	(void)events;
	for (int i = 0; i < PER_TURN; i++) {
		ssize_t n = recv(fd, d->in, sizeof(d->in), MSG_DONTWAIT);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n < 0) { /* nobody is there: the command hears it, too */
			refuse(f);
			continue;
		}
		f->received += (uint64_t)n;
		send_raw(d, &back.to,
			 packet_put_udp(&back, str_from_n(d->in, (size_t)n),
					d->out));
	}
}

/* --- to the world -------------------------------------------------------- */

static int open_outside(const struct packet_ends *e)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_port = htons(e->to_port) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
				    .sin6_port = htons(e->to_port) };
	bool v4 = addr_is_v4(&e->to);
	_cleanup_close_ int fd =
		socket(v4 ? AF_INET : AF_INET6,
		       SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int r;

	if (fd < 0)
		return -errno;
	memcpy(&in.sin_addr, e->to.b + 12, 4);
	memcpy(&in6.sin6_addr, e->to.b, sizeof(e->to.b));
	r = v4 ? connect(fd, (const void *)&in, sizeof(in))
	       : connect(fd, (const void *)&in6, sizeof(in6));
	return r < 0 ? -errno : TAKE_FD(fd);
}

static void send_outside(struct flow *f, struct str bytes)
{
	if (send(f->fd, bytes.p ? bytes.p : "", bytes.n,
		 MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
		f->sent += bytes.n;
	else if (errno != EAGAIN && errno != EINTR)
		refuse(f);
}

static void flow_open(struct flow *f)
{
	f->fd = open_outside(&f->ends);
	if (f->fd >= 0 && loop_add_io(f->d->loop, f->fd, EPOLLIN, on_outside, f,
				      &f->source) < 0) {
		(void)close(f->fd);
		f->fd = -1;
	}
}

/* Records the answer; true if the flow may be opened. */
static bool settle(const struct flow *f, struct str host,
		   const struct net_answer *a)
{
	const struct gate_request r = request_of(f, host);

	return gate_record(f->d->gate, &r, a) == 0 && a->allowed;
}

static void on_approval(void *arg, bool approved)
{
	struct flow *f = arg;
	_cleanup_buf_ struct buf host = BUF_INIT;
	struct net_answer a =
		gate_decide_datagram(f->d->gate, &f->ends.to, f->ends.to_port);

	f->asking = NULL;
	/* the policy may be another by now */
	a.allowed = approved && !a.builtin &&
		    (a.allowed || a.verdict.kind == VERDICT_APPROVE);
	addr_format(&f->ends.to, &host);
	f->approved = a.allowed;
	if (!settle(f, buf_str(&host), &a)) {
		refuse(f);
	} else {
		flow_open(f);
		if (f->fd >= 0)
			send_outside(f, buf_str(&f->held));
	}
	buf_done(&f->held);
}

static int ask(struct flow *f, struct str host, const struct net_answer *a)
{
	const struct ask_net q = { .gate = f->d->gate,
				   .host = host,
				   .addr = &f->ends.to,
				   .port = f->ends.to_port,
				   .answer = a };

	return ask_net(f->d->asker, &q, on_approval, f, &f->asking);
}

static void begin(struct flow *f, struct str bytes)
{
	struct datagrams *d = f->d;
	_cleanup_buf_ struct buf host = BUF_INIT;
	struct net_answer a =
		gate_decide_datagram(d->gate, &f->ends.to, f->ends.to_port);

	addr_format(&f->ends.to, &host);
	if ((a.allowed || ask_net_may(d->asker, &a)) &&
	    !rate_take(d->rate, buf_str(&host), loop_now(d->loop)))
		a = (struct net_answer){ .builtin = "net-rate-limit" };
	if (ask_net_may(d->asker, &a) && ask(f, buf_str(&host), &a) == 0) {
		buf_put(&f->held, bytes.p, MIN(bytes.n, (size_t)HELD_MOST));
		return;
	}
	if (settle(f, buf_str(&host), &a))
		flow_open(f);
}

static void take(struct datagrams *d, const struct packet_ends *e,
		 struct str bytes)
{
	struct flow *f = flow_find(d, e);
	bool fresh = !f;

	if (fresh) {
		f = flow_new(d, e);
		if (!f)
			return;
		begin(f, bytes);
		if (d->n == 1)
			(void)loop_timer_arm(d->timer, FLOW_IDLE / 4);
	} else {
		leave_order(f);
		be_newest(f);
	}
	if (f->fd >= 0)
		send_outside(f, bytes);
	else if (!f->asking)
		refuse(f);
}

static void on_inside(struct loop *l, int fd, uint32_t events, void *arg)
{
	struct datagrams *d = arg;

	(void)l;
	(void)events;
	for (int i = 0; i < PER_TURN; i++) {
		struct packet_ends e;
		ssize_t n;

		memset(&e, 0, sizeof(e)); /* it is a key: no holes */
		n = netns_recv(fd, d->in, sizeof(d->in), &e.from, &e.from_port,
			       &e.to, &e.to_port);
		if (n == -EAGAIN)
			return;
		if (n >= 0)
			take(d, &e, str_from_n(d->in, (size_t)n));
	}
}

/* --- all of them --------------------------------------------------------- */

static int open_places(struct datagrams *d)
{
	struct policy_network all[NETNS_PLACES];
	struct netns_place p[NETNS_PLACES];
	size_t n = policy_datagram_places(
		d->gate->policy, d->gate->floor.monitor, all, NETNS_PLACES);

	for (size_t i = 0; i < MIN(n, (size_t)NETNS_PLACES); i++) {
		p[i] = (struct netns_place){ .first = all[i].first,
					     .last = all[i].last,
					     .bits = all[i].bits };
		memcpy(p[i].net.b, all[i].net, sizeof(all[i].net));
	}
	return netns_open_places(d->ns, p, n);
}

int datagrams_start(struct datagrams *d)
{
	int r;

	if (d->ns->udp < 0)
		return -EOPNOTSUPP;
	r = loop_add_io(d->loop, d->ns->udp, EPOLLIN, on_inside, d, &d->source);
	if (r == 0)
		r = loop_add_timer(d->loop, 0, on_timer, d, &d->timer);
	return r < 0 ? r : open_places(d);
}

int datagrams_judge_again(struct datagrams *d)
{
	if (!d->source)
		return 0;
	for (struct flow *f = d->oldest, *next; f; f = next) {
		struct net_answer a = gate_decide_datagram(d->gate, &f->ends.to,
							   f->ends.to_port);

		next = f->younger;
		if (f->asking ||
		    (f->fd >= 0 &&
		     (a.allowed || (f->approved && !a.builtin &&
				    a.verdict.kind == VERDICT_APPROVE))))
			continue;
		if (f->fd >= 0) {
			_cleanup_buf_ struct buf host = BUF_INIT;

			addr_format(&f->ends.to, &host);
			(void)settle(f, buf_str(&host), &a); /* ended anyway */
		}
		flow_free(f);
	}
	return open_places(d);
}

void datagrams_stop(struct datagrams *d)
{
	while (d->oldest)
		flow_free(d->oldest);
	d->source = loop_remove(d->source);
	d->timer = loop_remove(d->timer);
}
