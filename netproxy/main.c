/* SPDX-License-Identifier: MIT */
/*
 * main.c - agentsh-netproxy: the explicit proxy of one session
 *
 * Born with the worker's descriptors (core/heritage.h). Settings in PROTO_HELLO:
 *	"listen"	address to listen on, default "127.0.0.1:0"
 *	"control_port"	port of the server's HTTP API, never reachable from here
 *	"dns_port"	of the DNS stub on 127.0.0.1, default any
 *	"llm", "dlp"	see netproxy/api.h
 *	"approvals"	true: what a rule says `approve` to waits for a person
 *	"net"		an object: "proxy_port", "dns_port" taken if they are free
 *			(here and not above: nobody knows them yet); "no_dns"
 *			true: the stub refuses all; "own" the namespace's own
 *			address; "ca_cert", "ca_key" (mitm.h); "limits" (rate.h)
 *	"namespace"	true: capture what commands send in a namespace of their
 *			own (capture.h). With descriptors, in theirs: the
 *			network namespace, the user namespace around it if any
 * READY carries the layers "proxy" and "dns", the detail of each being the
 * address it listens on, or what went wrong; "llm": what went wrong, if it did;
 * "phantoms": what services_put_phantoms() says; and "namespace" if it was asked
 * for, with the same descriptors if it is there, and "datagrams" if UDP is led
 * out of it.
 * Losing the server ends the process, and with it every connection.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <malloc.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "base/json.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/num.h"
#include "core/heritage.h"
#include "core/ports.h"
#include "core/proto.h"
#include "core/ring_sink.h"
#include "core/wakeful.h"
#include "netproxy/ask.h"
#include "netproxy/capture.h"
#include "netproxy/conn.h"
#include "netproxy/datagrams.h"
#include "netproxy/service.h"
#include "netproxy/shield.h"
#include "netproxy/stub.h"

struct netproxy {
	struct loop *loop;
	struct heritage heritage;
	struct ring_sink sink;
	struct gate gate;
	struct conn_table conns;
	struct names names;
	struct stub stub;
	struct api api;
	uint16_t dns_port;
	char *session_id; /* owned */
	struct listener listener;
	struct capture capture;
	struct asker asker;
	struct datagrams datagrams;
	uint16_t port;
	bool ready;
};

static int open_listener(struct str where, uint16_t *ret_port)
{
	_cleanup_close_ int fd = -1;
	ptrdiff_t colon = str_rindex(where, ':');
	struct sockaddr_in in = { .sin_family = AF_INET };
	socklen_t n = sizeof(in);
	const int one = 1;
	struct addr a;
	int64_t port;

	if (colon < 0 || addr_parse(str_from_n(where.p, (size_t)colon), &a) ||
	    !addr_is_v4(&a) ||
	    num_parse_range(str_skip(where, (size_t)colon + 1), 0, 65535,
			    &port) < 0)
		return -EINVAL;
	memcpy(&in.sin_addr, a.b + 12, 4);
	in.sin_port = htons((uint16_t)port);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	/* the port of a proxy that died, with its connections in TIME_WAIT */
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (const struct sockaddr *)&in, sizeof(in)) < 0 ||
	    listen(fd, 512) < 0 ||
	    getsockname(fd, (struct sockaddr *)&in, &n) < 0)
		return -errno;
	*ret_port = ntohs(in.sin_port);
	return TAKE_FD(fd);
}

struct listening {
	const char *name;
	uint16_t port;
	int error;
	struct buf detail;
};

static void put_layer(struct listening *l, struct proto_layer *ret)
{
	if (l->error < 0)
		buf_puts(&l->detail, strerror(-l->error));
	else
		buf_printf(&l->detail, "127.0.0.1:%u", (unsigned int)l->port);
	*ret = (struct proto_layer){ .name = str_from(l->name),
				     .active = l->error >= 0,
				     .detail = buf_str(&l->detail) };
}

struct started {
	int proxy, dns, capture, datagrams; /* 0 or -errno */
	bool wants_capture;
	struct str llm; /* words */
	struct str phantoms;
};

static int send_ready(struct netproxy *np, const struct started *s)
{
	_cleanup_buf_ struct buf body = BUF_INIT;
	struct listening proxy = { "proxy", np->port, s->proxy, BUF_INIT };
	struct listening dns = { "dns", np->dns_port, s->dns, BUF_INIT };
	struct proto_layer layers[6] = {
		[2] = { .name = STR("llm"),
			.active = np->api.enabled,
			.detail = s->llm },
		[3] = { .name = STR("phantoms"),
			.active = np->api.enabled,
			.detail = s->phantoms },
	};
	struct proto_ready ready = { .layers = layers, .n_layers = 4 };
	const int fds[2] = { np->capture.ns.net, np->capture.ns.user };
	size_t n_fds = fds[0] < 0 || s->capture < 0 ? 0 : fds[1] < 0 ? 1 : 2;
	int r;

	put_layer(&proxy, &layers[0]);
	put_layer(&dns, &layers[1]);
	layers[4] = (struct proto_layer){
		.name = STR("namespace"),
		.active = n_fds > 0,
		.detail = n_fds ? STR_NONE : str_from(strerror(-s->capture)),
	};
	layers[5] = (struct proto_layer){
		.name = STR("datagrams"),
		.active = n_fds > 0 && s->datagrams >= 0,
		.detail = s->datagrams < 0 ? str_from(strerror(-s->datagrams))
					   : STR_NONE,
	};
	ready.n_layers += s->wants_capture ? 2 : 0;
	r = proto_ready_encode(&ready, &body);
	if (r == 0)
		r = channel_send(np->heritage.channel, PROTO_READY, 0,
				 buf_str(&body), fds, n_fds);
	buf_done(&proxy.detail);
	buf_done(&dns.detail);
	return r;
}

static void set_floor(struct gate *g, uint16_t control_port)
{
	int n = net_own_addresses(g->own, GATE_MAX_OWN);

	g->floor = (struct net_floor){ .closed = { control_port },
				       .own = g->own,
				       .n_own = n < 0 ? 0 : (size_t)n };
}

/* The wished port of the same address, if it is free. */
static int open_preferred(struct str listen_at, int64_t port, uint16_t *ret)
{
	_cleanup_buf_ struct buf where = BUF_INIT;
	ptrdiff_t colon = str_rindex(listen_at, ':');

	if (!port || colon < 0 ||
	    !str_eq(str_skip(listen_at, (size_t)colon), STR(":0")))
		return -ENOENT;
	buf_put(&where, listen_at.p, (size_t)colon);
	buf_printf(&where, ":%u", (unsigned int)port);
	return open_listener(buf_str(&where), ret);
}

static int start_proxy(struct netproxy *np, struct str listen_at, int64_t port,
		       bool any_port)
{
	if (!listen_at.n)
		listen_at = STR("127.0.0.1:0");
	np->listener.fd = open_preferred(listen_at, port, &np->port);
	if (np->listener.fd < 0)
		np->listener.fd = open_listener(listen_at, &np->port);
	if (np->listener.fd == -EADDRINUSE && any_port)
		np->listener.fd = open_listener(STR("127.0.0.1:0"), &np->port);
	if (np->listener.fd < 0)
		return np->listener.fd;
	np->gate.floor.closed[1] = np->port;
	np->listener.loop = np->loop;
	np->listener.conns = &np->conns;
	np->listener.accept = conn_accept;
	return listener_start(&np->listener);
}

static int start_stub(struct netproxy *np, uint16_t port, bool wished)
{
	struct stub *s = &np->stub;
	int r;

	s->loop = np->loop;
	s->resolver = np->conns.dialer.resolver;
	s->gate = &np->gate;
	s->names = &np->names;
	r = stub_open(s, port, &np->dns_port);
	if (r == -EADDRINUSE && wished)
		r = stub_open(s, 0, &np->dns_port);
	if (r == 0)
		np->gate.floor.closed[2] = np->dns_port;
	return r;
}

static int start_datagrams(struct netproxy *np)
{
	struct datagrams *d = &np->datagrams;

	d->loop = np->loop;
	d->gate = &np->gate;
	d->asker = &np->asker;
	d->rate = &np->conns.rate;
	d->ns = &np->capture.ns;
	return datagrams_start(d);
}

/* From here on commands are listened to. */
static int raise_shield(struct netproxy *np)
{
	const struct api *a = &np->api;
	_cleanup_buf_ struct buf missing = BUF_INIT;
	_cleanup_free_ char *all =
		a->store ? str_dup(str_from_n(
				   a->dir,
				   (size_t)str_rindex(str_from(a->dir), '/')))
			 : NULL;
	const struct shield s = { .write_dir = a->dir,
				  .stored_dir = all,
				  .ca = a->ca };
	int r = shield_raise(&s, &missing);

	if (r < 0)
		return log_error_errno(r, "cannot give up privileges");
	if (missing.len)
		log_info("without " STR_FMT, STR_ARG(buf_str(&missing)));
	return 0;
}

/* What is to listen, and where; what cannot is told in READY. */
static int start_all(struct netproxy *np, const struct json *settings,
		     struct channel_msg *m)
{
	const struct json *net = json_get(settings, "net");
	int64_t wish = json_get_i64(net, "dns_port", 0);
	int64_t port = json_get_i64(settings, "dns_port", wish);
	_cleanup_buf_ struct buf err = BUF_INIT, phantoms = BUF_INIT;
	struct started s = {
		.wants_capture = json_get_bool(settings, "namespace", false),
	};

	s.proxy = rate_init(&np->conns.rate, json_get(net, "limits"),
			    loop_now(np->loop));
	if (s.proxy == 0)
		s.proxy =
			start_proxy(np, json_get_str(settings, "listen"),
				    json_get_i64(net, "proxy_port", 0),
				    json_get_bool(settings, "any_port", false));
	np->ready = s.proxy == 0;
	np->asker.channel = np->heritage.channel;
	np->asker.enabled = json_get_bool(settings, "approvals", false);
	np->gate.approvals = np->asker.enabled;
	(void)api_init(&np->api, settings, &err); /* err says why not */
	s.llm = buf_str(&err);
	np->gate.intercept = np->api.enabled && np->api.mitm;
	if (np->api.enabled)
		services_put_phantoms(np->api.services, &phantoms);
	s.phantoms = buf_str(&phantoms);
	np->gate.floor.monitor = json_get_bool(net, "monitor", false);
	np->stub.off = json_get_bool(net, "no_dns", false);
	s.dns = start_stub(np,
			   port > 0 && port <= UINT16_MAX ? (uint16_t)port : 0,
			   wish > 0);
	if (m->n_fds > 0 &&
	    ports_map(m->fds[m->n_fds - 1], &np->gate.floor.proxies) == 0)
		(void)close(m->fds[--m->n_fds]);
	if (m->n_fds > 0)
		np->capture.ns.net = TAKE_FD(m->fds[0]);
	if (m->n_fds > 1)
		np->capture.ns.user = TAKE_FD(m->fds[1]);
	if (s.wants_capture && s.proxy == 0 && s.dns == 0)
		s.capture = capture_open(&np->capture, &np->conns, &np->stub,
					 np->port, json_get_str(net, "own"));
	if (s.wants_capture && s.capture == 0)
		s.datagrams = start_datagrams(np);
	if (raise_shield(np) < 0)
		return -EPERM;
	if (json_get_bool(net, "stay_awake", false))
		(void)wakeful_start(); /* a thread: shielded as we are */
	return send_ready(np, &s);
}

static int on_hello(struct netproxy *np, struct channel_msg *m)
{
	_cleanup_arena_ struct arena a = ARENA_INIT(1U << 20);
	struct proto_hello hello;
	struct json *settings;
	int r = proto_hello_decode(m->body, &hello);

	if (r < 0 || np->ready)
		return -EBADMSG;
	r = json_parse(&a, hello.settings_json, &settings);
	if (r < 0)
		return r;
	np->session_id = str_dup(hello.session_id);
	if (!np->session_id)
		return -ENOMEM;
	ring_sink_init(&np->sink, np->heritage.ring, str_from(np->session_id),
		       /* wait_ms */ 0);
	np->gate.session_id = np->session_id;
	np->gate.sink = &np->sink.sink;
	set_floor(&np->gate,
		  (uint16_t)json_get_i64(settings, "control_port", 0));
	return start_all(np, settings, m);
}

static int on_policy(struct netproxy *np, struct channel_msg *m)
{
	struct policy *p;
	int r;

	if (m->n_fds != 1)
		return -EBADMSG;
	r = policy_from_fd(TAKE_FD(m->fds[0]), &p);
	if (r < 0)
		return r;
	if (np->api.enabled && services_need_secrets(p, &np->api.creds)) {
		/* we may not read them any more; the next one of us may */
		(void)policy_unref(p);
		loop_quit(np->loop, HERITAGE_AGAIN);
		return 0;
	}
	(void)policy_unref(np->gate.policy);
	np->gate.policy = p;
	if (np->api.enabled && api_set_policy(&np->api, NULL) < 0)
		return -ENOMEM;
	conn_judge_again(&np->conns);
	/* what it cannot open stays closed */
	if (datagrams_judge_again(&np->datagrams) < 0)
		log_warn("no datagrams in the session's network");
	return 0;
}

static int dispatch(void *arg, struct channel_msg *m)
{
	struct netproxy *np = arg;

	switch (m->type) {
	case PROTO_HELLO:
		return on_hello(np, m);
	case PROTO_POLICY:
		return on_policy(np, m);
	case PROTO_APPROVAL:
		return ask_answer(&np->asker, m);
	case PROTO_SHUTDOWN:
		loop_quit(np->loop, 0);
		return 0;
	default:
		return -EBADMSG;
	}
}

/* Nobody reads this process's memory, and its core is not written. */
static void harden(void)
{
	const struct rlimit none = { 0, 0 };
	struct rlimit files;

	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	(void)setrlimit(RLIMIT_CORE, &none);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
	(void)signal(SIGPIPE, SIG_IGN);
}

/* Buffers come and go with every turn of a busy stream: keep them from being
 * mapped and returned to the system each time. */
static void tune_malloc(void)
{
	(void)mallopt(M_MMAP_THRESHOLD, 4 << 20);
	(void)mallopt(M_TRIM_THRESHOLD, 8 << 20);
}

static int set_up(struct netproxy *np)
{
	int r = heritage_adopt(&np->heritage);

	if (r < 0)
		return log_error_errno(
			r, "agentsh-netproxy is started by agentsh server");
	r = policy_from_fd(TAKE_FD(np->heritage.policy_fd), &np->gate.policy);
	if (r < 0)
		return log_error_errno(r, "policy image");
	r = loop_new(&np->loop);
	if (r == 0)
		r = resolver_new(np->loop, &np->conns.dialer.resolver);
	if (r == 0)
		r = heritage_serve(&np->heritage, np->loop, dispatch, np);
	if (r < 0)
		return log_error_errno(r, "event loop");
	np->conns.gate = np->conns.dialer.gate = &np->gate;
	np->conns.dialer.asker = &np->asker;
	np->conns.dialer.loop = np->conns.pool.loop = np->loop;
	np->conns.names = &np->names;
	np->conns.api = &np->api;
	np->api.loop = np->loop;
	np->api.dialer = &np->conns.dialer;
	np->api.gate = &np->gate;
	np->api.asker = &np->asker;
	np->gate.services = &np->api.services;
	return 0;
}

int main(void)
{
	static struct netproxy np = { .listener.fd = -1,
				      .capture = CAPTURE_NONE };
	int r;

	log_inherit("agentsh-netproxy");
	harden();
	tune_malloc();
	r = set_up(&np);
	if (r == 0)
		r = loop_run(np.loop);
	datagrams_stop(&np.datagrams);
	conn_close_all(&np.conns);
	rate_done(&np.conns.rate);
	api_done(&np.api);
	stub_close(&np.stub);
	names_done(&np.names);
	(void)resolver_free(np.conns.dialer.resolver);
	capture_close(&np.capture);
	listener_stop(&np.listener);
	if (np.listener.fd >= 0)
		(void)close(np.listener.fd);
	(void)loop_free(np.loop);
	(void)policy_unref(np.gate.policy);
	/* The server kills whoever has closed its channel and not ended: then
	 * it would not learn this. */
	if (r == HERITAGE_AGAIN)
		_exit(r);
	heritage_done(&np.heritage);
	ring_sink_done(&np.sink);
	free(np.session_id);
	return r < 0 ? 1 : r;
}
