/* SPDX-License-Identifier: MIT */
/*
 * session_proxy.c - a session's side of its agentsh-netproxy
 *
 * Started with the session, before the tracer, which has to know its port.
 * When it dies the session's way out is closed, not opened: the next command
 * starts it again on the same port, so that environments stay true.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/num.h"
#include "server/clients.h"
#include "server/exec.h"
#include "server/session_priv.h"
#include "server/worker.h"

/*
 * The tracer waits for the proxy's port, or for the news that there is none.
 * One that lives already knows the port, which a proxy that is started again
 * takes again; then only commands have waited.
 */
static void settled(struct session *s, enum worker_state state)
{
	s->proxy_state = state;
	if (s->tracer) {
		session_proceed_all(s);
		return;
	}
	s->tracer_state = WORKER_NONE; /* it has been waiting for this */
	if (session_need_tracer(s) < 0)
		while (s->commands)
			command_abort(s->commands,
				      "the session's sandbox did not start");
}

/* "127.0.0.1:PORT" of an active layer; 0 if it is not. */
static uint16_t layer_port(const struct proto_layer *l)
{
	ptrdiff_t colon = str_rindex(l->detail, ':');
	int64_t port;

	if (!l->active || colon < 0 ||
	    num_parse_range(str_skip(l->detail, (size_t)colon + 1), 1, 65535,
			    &port) < 0)
		return 0;
	return (uint16_t)port;
}

void session_put_namespaces(const struct session *s, struct worker_start *o)
{
	o->n_hello_fds = 0;
	if (s->net_ns >= 0)
		o->hello_fds[o->n_hello_fds++] = s->net_ns;
	if (s->user_ns >= 0)
		o->hello_fds[o->n_hello_fds++] = s->user_ns;
}

void session_forget_namespaces(struct session *s)
{
	if (s->net_ns >= 0)
		(void)close(s->net_ns);
	if (s->user_ns >= 0)
		(void)close(s->user_ns);
	s->net_ns = s->user_ns = -1;
	free(s->net_ns_error);
	s->net_ns_error = NULL;
}

/* The namespace that the proxy made. One that it was given stays as it is. */
static void take_namespaces(struct session *s, const struct proto_layer *l,
			    struct channel_msg *m)
{
	if (l->active && s->net_ns < 0 && m->n_fds > 0) {
		s->net_ns = TAKE_FD(m->fds[0]);
		if (m->n_fds > 1)
			s->user_ns = TAKE_FD(m->fds[1]);
		(void)app_emit_simple(s->app, s, "transparent_net_ready",
				      "capture", STR("namespace"));
	}
	if (l->active)
		return;
	log_warn("session %s: no network namespace: " STR_FMT, s->id,
		 STR_ARG(l->detail));
	(void)app_emit_simple(s->app, s, "transparent_net_failed", "error",
			      l->detail);
	free(s->net_ns_error);
	s->net_ns_error = str_dup(l->detail);
}

static int on_ready(struct session *s, struct channel_msg *msg)
{
	_cleanup_arena_ struct arena a = ARENA_INIT(1U << 16);
	struct proto_ready m;
	int r = proto_ready_decode(msg->body, &a, &m);

	if (r < 0 || s->proxy_state != WORKER_STARTING || m.n_layers < 2)
		return -EBADMSG;
	if (m.n_layers > 2)
		take_namespaces(s, &m.layers[2], msg);
	s->proxy_port = layer_port(&m.layers[0]);
	s->dns_port = layer_port(&m.layers[1]);
	if (!s->proxy_port) {
		log_error("session %s: no network proxy: " STR_FMT, s->id,
			  STR_ARG(m.layers[0].detail));
		(void)app_emit_simple(s->app, s, "net_proxy_failed", "error",
				      m.layers[0].detail);
		settled(s, WORKER_READY);
		return 0;
	}
	buf_reset(&s->proxy_url);
	buf_puts(&s->proxy_url, "http://");
	buf_put_str(&s->proxy_url, m.layers[0].detail);
	(void)app_emit_simple(s->app, s, "net_proxy_started", "proxy_url",
			      buf_str(&s->proxy_url));
	settled(s, WORKER_READY);
	return 0;
}

static int on_message(void *arg, struct channel_msg *m)
{
	return m->type == PROTO_READY ? on_ready(arg, m) : -EBADMSG;
}

/*
 * The proxy sees ports, not processes. The tracer has written whose a port is
 * before anything was sent from it, but we may not have read that yet. Where
 * it could not know (nothing is notified here), the only one that runs it is.
 */
static struct str whose(struct session *s, const struct event *e)
{
	struct str command = clients_find(s->clients, e);

	if (!command.n && s->tracer) {
		worker_drain(s->tracer);
		command = clients_find(s->clients, e);
	}
	if (!command.n && s->commands && !s->commands->next)
		command = str_from(s->commands->id);
	return command;
}

static int on_event(void *arg, struct event *e)
{
	struct session *s = arg;

	e->session_id = str_from(s->id);
	e->id = STR_NONE;
	e->command_id = whose(s, e);
	return app_emit(s->app, e);
}

static void on_died(void *arg, const char *how)
{
	struct session *s = arg;

	s->proxy = NULL;
	log_error("session %s: agentsh-netproxy died: %s", s->id, how);
	(void)app_emit_simple(s->app, s, "net_proxy_failed", "error",
			      str_from(how));
	if (s->proxy_state == WORKER_STARTING) {
		s->proxy_port = 0;
		settled(s, WORKER_READY);
	}
	s->proxy_state = WORKER_NONE;
}

void session_drain_proxy(struct session *s)
{
	if (s->proxy)
		worker_drain(s->proxy);
}

int session_need_proxy(struct session *s)
{
	_cleanup_buf_ struct buf settings = BUF_INIT;
	const struct worker_owner owner = { on_message, on_event, on_died, s };
	const struct settings *cfg = &s->app->cfg;
	struct proto_hello hello = {
		.session_id = str_from(s->id),
		.workspace = str_from(s->workspace),
		.policy_generation = s->generation,
	};
	struct worker_start o = { .program = "agentsh-netproxy",
				  .policy_fd = s->policy_fd,
				  .mount_ns = -1,
				  .hello = &hello,
				  .owner = &owner };
	struct json_writer w;
	int r;

	if (!cfg->net_proxy || s->proxy_state != WORKER_NONE)
		return 0;
	json_writer_init(&w, &settings, 0);
	json_begin_object(&w);
	json_kv_i64(&w, "control_port", s->app->http_port);
	json_key(&w, "listen");
	if (s->proxy_port) {
		_cleanup_buf_ struct buf same = BUF_INIT;

		buf_put_str(&same, str_skip(buf_str(&s->proxy_url), 7));
		json_str(&w, buf_str(&same));
		json_kv_i64(&w, "dns_port", s->dns_port);
	} else {
		json_cstr(&w, cfg->net_listen);
	}
	json_kv_bool(&w, "namespace", cfg->net_namespace);
	session_put_namespaces(s, &o);
	json_end_object(&w);
	if (settings.error)
		return settings.error;
	hello.settings_json = buf_str(&settings);
	r = worker_start(s->app, &o, &s->proxy);
	if (r < 0) {
		/* said once; the session goes on without a way out by name */
		(void)app_emit_simple(s->app, s, "net_proxy_failed", "error",
				      str_from(strerror(-r)));
		s->proxy_state = WORKER_READY;
		return log_error_errno(r, "session %s: cannot start the proxy",
				       s->id);
	}
	s->proxy_state = WORKER_STARTING;
	return 0;
}
