/* SPDX-License-Identifier: MIT */
/*
 * dial.c - from a judged name to a connected socket
 */
#include "netproxy/dial.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/num.h"
#include "netproxy/timers.h"

/* per address; shorter while there is another one to try */
#define DIAL_TIMEOUT_NS TIMER_NS(10000000000ULL)
#define DIAL_NEXT_NS    TIMER_NS(2000000000ULL)

struct dial {
	const struct dialer *dialer;
	char *host; /* owned */
	uint16_t port, asked_port;
	struct addr asked; /* if literal */
	dial_fn *fn;
	void *arg;
	struct dial **handle; /* the caller's pointer; cleared before fn */
	bool literal, begun, declared;
	struct ask *asking;
	bool asked_address; /* once is enough */
	uint32_t approved;  /* rule; 0 = none */
	char *target;       /* owned: of a connect_redirect, else NULL */
	bool else_original; /* should the target fail */
	struct resolve_query *query;
	struct addr addrs[RESOLVE_MAX_ADDRS];
	size_t n_addrs, next;
	int fd;
	struct loop_source *io, *timer;
	struct dial_result result;
};

static void dial_free(struct dial *d)
{
	resolve_cancel(d->query);
	(void)ask_cancel(d->asking);
	(void)loop_remove(d->io);
	(void)loop_remove(d->timer);
	if (d->fd >= 0)
		(void)close(d->fd);
	free(d->host);
	free(d->target);
	free(d);
}

static void finish(struct dial *d, int error)
{
	struct dial_result result = d->result;
	char *target = d->target;
	dial_fn *fn = d->fn;
	void *arg = d->arg;

	result.error = error;
	result.fd = error ? -1 : TAKE_FD(d->fd);
	result.redirect = target;
	result.approved = d->approved;
	d->target = NULL;
	*d->handle = NULL;
	dial_free(d);
	fn(arg, &result);
	free(target);
}

static void try_next(struct dial *d);
static void dial_original(struct dial *d);

static void give_up_address(struct dial *d, int error)
{
	d->io = loop_remove(d->io);
	d->timer = loop_remove(d->timer);
	if (d->fd >= 0)
		(void)close(d->fd);
	d->fd = -1;
	d->result.error = error;
	try_next(d);
}

/* The connection is made, or it has failed. */
static void settle(struct dial *d)
{
	int error = 0;
	socklen_t n = sizeof(error);

	if (getsockopt(d->fd, SOL_SOCKET, SO_ERROR, &error, &n) < 0)
		error = errno;
	if (error) {
		give_up_address(d, -error);
		return;
	}
	d->io = loop_remove(d->io);
	finish(d, 0);
}

static void on_connected(struct loop *l, int fd, uint32_t events, void *arg)
{
	(void)l;
	(void)fd;
	(void)events;
	settle(arg);
}

/* As it is on this host: then the loop need not be asked. */
static bool is_connected(int fd)
{
	struct sockaddr_storage peer;
	socklen_t n = sizeof(peer);

	return getpeername(fd, (struct sockaddr *)&peer, &n) == 0;
}

static void on_timeout(struct loop *l, void *arg)
{
	(void)l;
	give_up_address(arg, -ETIMEDOUT);
}

static int open_socket(const struct addr *a, uint16_t port)
{
	_cleanup_close_ int fd = -1;
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
				    .sin6_port = htons(port) };
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_port = htons(port) };
	bool v4 = addr_is_v4(a);
	const int one = 1;
	int r;

	fd = socket(v4 ? AF_INET : AF_INET6,
		    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	memcpy(&in6.sin6_addr, a->b, sizeof(a->b));
	memcpy(&in.sin_addr, a->b + 12, 4);
	if (v4)
		r = connect(fd, (const struct sockaddr *)&in, sizeof(in));
	else
		r = connect(fd, (const struct sockaddr *)&in6, sizeof(in6));
	if (r < 0 && errno != EINPROGRESS)
		return -errno;
	return TAKE_FD(fd);
}

/* The target of a redirect is the policy's choice; only what is closed to
 * everybody stays so. */
static struct net_answer judge_address(const struct dial *d,
				       const struct addr *a)
{
	const struct gate *g = d->dialer->gate;
	struct net_answer answer = d->result.answer;

	if (!d->target && !d->declared) {
		answer = gate_decide(g, str_from(d->host), a, d->port);
		answer.allowed |= d->approved &&
				  ask_net_may(d->dialer->asker, &answer) &&
				  answer.verdict.rule == d->approved;
		return answer;
	}
	if (net_is_closed(&g->floor, a, d->port)) {
		answer.allowed = false;
		answer.builtin = "net-floor-control-plane";
	}
	return answer;
}

/* Asks about the answer; true if fn will be called. */
static bool ask(struct dial *d, const struct addr *a,
		const struct net_answer *answer, ask_done_fn *fn)
{
	const struct ask_net q = { .gate = d->dialer->gate,
				   .host = str_from(d->host),
				   .addr = a,
				   .port = d->port,
				   .answer = answer };

	return ask_net_may(d->dialer->asker, answer) &&
	       ask_net(d->dialer->asker, &q, fn, d, &d->asking) == 0;
}

/* The name may be used, and an address of it with an approval. */
static void on_address_approval(void *arg, bool approved)
{
	struct dial *d = arg;

	d->asking = NULL;
	if (approved)
		d->approved = gate_decide(d->dialer->gate, str_from(d->host),
					  &d->addrs[d->next], d->port)
				      .verdict.rule;
	try_next(d);
}

static bool ask_for_address(struct dial *d, const struct addr *a,
			    const struct net_answer *answer)
{
	if (d->asked_address || !ask_net_may(d->dialer->asker, answer))
		return false;
	d->asked_address = true;
	d->next--;
	if (ask(d, a, answer, on_address_approval))
		return true;
	d->next++;
	return false;
}

static void try_next(struct dial *d)
{
	while (d->next < d->n_addrs) {
		const struct addr *a = &d->addrs[d->next++];
		struct net_answer answer = judge_address(d, a);
		int fd;

		if (ask_for_address(d, a, &answer))
			return;

		/* keep the first denial for the message, but prefer to report
		 * a network failure of an allowed address */
		if (!answer.allowed) {
			if (!d->result.has_addr) {
				d->result.answer = answer;
				d->result.addr = *a;
				d->result.has_addr = true;
			}
			continue;
		}
		d->result.answer = answer;
		d->result.addr = *a;
		d->result.has_addr = true;
		fd = open_socket(a, d->port);
		if (fd < 0) {
			d->result.error = fd;
			continue;
		}
		d->fd = fd;
		if (is_connected(fd)) {
			finish(d, 0);
			return;
		}
		if (loop_add_io(d->dialer->loop, fd, EPOLLOUT, on_connected, d,
				&d->io) == 0 &&
		    loop_add_timer(d->dialer->loop,
				   d->next < d->n_addrs ? DIAL_NEXT_NS
							: DIAL_TIMEOUT_NS,
				   on_timeout, d, &d->timer) == 0)
			return;
		finish(d, -ENOMEM);
		return;
	}
	if (d->target && d->else_original) {
		dial_original(d);
		return;
	}
	if (d->result.has_addr && !d->result.answer.allowed)
		finish(d, -EACCES);
	else
		finish(d, d->result.error ? d->result.error : -ENOENT);
}

static void on_resolved(void *arg, int error, const struct addr *addrs,
			size_t n, uint32_t ttl)
{
	struct dial *d = arg;

	(void)ttl;
	d->query = NULL;
	if (error && d->target && d->else_original) {
		dial_original(d);
		return;
	}
	if (error) {
		finish(d, error);
		return;
	}
	memcpy(d->addrs, addrs, n * sizeof(*addrs));
	d->n_addrs = n;
	d->next = 0;
	try_next(d);
}

static void resolve(struct dial *d, const char *name)
{
	int r = resolve_start(d->dialer->resolver, str_from(name), on_resolved,
			      d, &d->query);

	if (r < 0)
		finish(d, r);
}

/*
 * To look a name up is to tell it to whoever runs its zone. Where a rule is for
 * all names of a zone the same limits hold as for queries (stub.c).
 */
static bool may_look_up(struct dial *d)
{
	const struct dialer *how = d->dialer;
	struct net_answer *a = &d->result.answer;
	struct str host = str_from(d->host);

	if (d->declared ||
	    policy_rule_names_host(how->gate->policy, a->verdict, host))
		return true;
	if (gate_name_tells(how->gate, host, a))
		a->builtin = "net-floor-dns-data";
	else if (!resolve_may_ask(how->resolver, host))
		a->builtin = "net-floor-dns-rate";
	else
		return true;
	a->allowed = false;
	return false;
}

/* What was asked for, judged already as far as it is known. */
static void dial_original(struct dial *d)
{
	struct policy_divert divert;

	free(d->target);
	d->target = NULL;
	d->port = d->asked_port;
	d->next = 0;
	if (d->literal) {
		d->addrs[0] = d->asked;
		d->n_addrs = 1;
		try_next(d);
	} else if (policy_dns_divert(d->dialer->gate->policy, str_from(d->host),
				     &divert) &&
		   addr_parse(divert.target, &d->addrs[0]) == 0) {
		d->n_addrs = 1;
		try_next(d);
	} else if (may_look_up(d)) {
		resolve(d, d->host);
	} else {
		finish(d, -EACCES);
	}
}

/*
 * With no more rights than any other program of our user: they were given up
 * (shield.h). -EPERM where these are not enough, so that it does not look like
 * the policy's refusal.
 */
static int connect_unix(struct str path)
{
	_cleanup_close_ int fd =
		socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	if (fd < 0)
		return -errno;
	if (path.n >= sizeof(un.sun_path))
		return -ENAMETOOLONG;
	memcpy(un.sun_path, path.p, path.n);
	if (connect(fd, (const struct sockaddr *)&un, sizeof(un)) == 0)
		return TAKE_FD(fd);
	if (errno != EACCES)
		return -errno;
	log_warn("connect_redirects: " STR_FMT ": permission denied; let the "
		 "server's user, or others, write to this socket and search "
		 "its directories: the proxy has no capabilities",
		 STR_ARG(path));
	return -EPERM;
}

static void finish_unix(struct dial *d)
{
	int error = MIN(d->fd, 0);

	if (error)
		d->fd = -1;
	finish(d, error);
}

/* Goes to the target of a connect_redirect instead. */
static void dial_target(struct dial *d, const struct policy_divert *v)
{
	_cleanup_buf_ struct buf host = BUF_INIT;
	ptrdiff_t colon = str_rindex(v->target, ':');
	int64_t port;
	int kind;

	d->else_original = v->fail_open || v->retry_original;
	d->target = str_dup(v->unix_path.n ? v->unix_path : v->target);
	if (!d->target) {
		finish(d, -ENOMEM);
		return;
	}
	if (v->unix_path.n) {
		d->fd = connect_unix(v->unix_path);
		if (d->fd < 0 && d->else_original)
			dial_original(d);
		else
			finish_unix(d);
		return;
	}
	if (colon < 0 || num_parse_range(str_skip(v->target, (size_t)colon + 1),
					 1, 65535, &port) < 0) {
		finish(d, -EINVAL);
		return;
	}
	d->port = (uint16_t)port;
	kind = host_canonical(str_from_n(v->target.p, (size_t)colon), &host,
			      &d->addrs[0]);
	d->n_addrs = 1;
	d->next = 0;
	if (kind == 1)
		try_next(d);
	else if (kind == 0)
		resolve(d, buf_cstr(&host));
	else
		finish(d, -EINVAL);
}

static void dial_allowed(struct dial *d)
{
	_cleanup_buf_ struct buf place = BUF_INIT;
	struct policy_divert divert;

	buf_printf(&place, "%s:%u", d->host, (unsigned int)d->port);
	if (!place.error && policy_connect_divert(d->dialer->gate->policy,
						  buf_str(&place), &divert))
		dial_target(d, &divert);
	else
		dial_original(d);
}

static void refuse(struct dial *d)
{
	d->result.addr = d->asked;
	d->result.has_addr = d->literal;
	finish(d, -EACCES);
}

static void on_approval(void *arg, bool approved)
{
	struct dial *d = arg;
	struct net_answer *a = &d->result.answer;

	d->asking = NULL;
	/* the policy may be another by now */
	*a = gate_decide(d->dialer->gate, str_from(d->host),
			 d->literal ? &d->asked : NULL, d->port);
	if (approved && ask_net_may(d->dialer->asker, a)) {
		d->approved = a->verdict.rule;
		a->allowed = true;
	}
	if (a->allowed)
		dial_allowed(d);
	else
		refuse(d);
}

/* First turn of the loop after dial_start. */
static void begin(struct loop *l, void *arg)
{
	struct dial *d = arg;

	(void)l;
	if (!d->fn) { /* cancelled meanwhile */
		dial_free(d);
		return;
	}
	d->begun = true;
	if (d->declared) {
		d->result.answer = (struct net_answer){ .allowed = true };
		dial_original(d);
		return;
	}
	/* the name first: a denied one is never looked up */
	d->result.answer = gate_decide(d->dialer->gate, str_from(d->host),
				       d->literal ? &d->asked : NULL, d->port);
	if (d->result.answer.allowed)
		dial_allowed(d);
	else if (!ask(d, d->literal ? &d->asked : NULL, &d->result.answer,
		      on_approval))
		refuse(d);
}

static int start(const struct dial *how, struct str host,
		 const struct addr *literal, struct dial **ret)
{
	struct dial *d = calloc(1, sizeof(*d));

	if (!d)
		return -ENOMEM;
	*d = *how;
	d->host = str_dup(host);
	d->handle = ret;
	d->fd = -1;
	d->literal = literal != NULL;
	if (literal)
		d->asked = *literal;
	if (!d->host || loop_defer(d->dialer->loop, begin, d) < 0) {
		dial_free(d);
		return -ENOMEM;
	}
	*ret = d;
	return 0;
}

int dial_start(const struct dialer *dialer, struct str host,
	       const struct addr *literal, uint16_t port, dial_fn *fn,
	       void *arg, struct dial **ret)
{
	const struct dial how = { .dialer = dialer,
				  .port = port,
				  .asked_port = port,
				  .fn = fn,
				  .arg = arg };

	return start(&how, host, literal, ret);
}

int dial_declared(const struct dialer *dialer, struct str host,
		  const struct addr *literal, uint16_t port, dial_fn *fn,
		  void *arg, struct dial **ret)
{
	const struct dial how = { .dialer = dialer,
				  .port = port,
				  .asked_port = port,
				  .fn = fn,
				  .arg = arg,
				  .declared = true };

	return start(&how, host, literal, ret);
}

void dial_cancel(struct dial *d)
{
	if (!d)
		return;
	if (d->begun)
		dial_free(d);
	else
		d->fn = NULL;
}
