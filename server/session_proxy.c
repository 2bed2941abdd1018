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
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/num.h"
#include "core/ports.h"
#include "core/proto.h"
#include "server/approvals.h"
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
		session_announce(s);
		session_proceed_all(s);
		return;
	}
	s->tracer_state = WORKER_NONE; /* it has been waiting for this */
	if (session_need_tracer(s) < 0)
		while (s->commands)
			command_abort(s->commands,
				      "the session's sandbox did not start");
}

static const struct proto_layer *find_layer(const struct proto_ready *m,
					    const char *name)
{
	static const struct proto_layer none;

	for (uint32_t i = 0; i < m->n_layers; i++)
		if (str_eq_c(m->layers[i].name, name))
			return &m->layers[i];
	return &none;
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
	/* one process cannot be in the user namespaces of both */
	if (s->mount_user_ns >= 0)
		return;
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

static void note_llm(struct session *s, const struct proto_layer *l)
{
	s->llm.on = l->active && s->proxy_port;
	if (s->llm.on)
		(void)app_emit_simple(s->app, s, "llm_proxy_started",
				      "proxy_url", buf_str(&s->proxy_url));
	if (!s->app->cfg.llm || s->llm.on)
		return;
	log_error("session %s: no language model proxy: " STR_FMT, s->id,
		  STR_ARG(l->detail));
	(void)app_emit_simple(s->app, s, "llm_proxy_failed", "error",
			      l->detail);
}

void session_close_ports(const struct session *s, bool closed)
{
	ports_set(s->app->proxies, s->proxy_port, closed);
	ports_set(s->app->proxies, s->dns_port, closed);
}

static int on_ready(struct session *s, struct channel_msg *msg)
{
	_cleanup_arena_ struct arena a = ARENA_INIT(1U << 16);
	const struct proto_layer *proxy, *space;
	struct proto_ready m;
	int r = proto_ready_decode(msg->body, &a, &m);

	if (r < 0 || s->proxy_state != WORKER_STARTING)
		return -EBADMSG;
	space = find_layer(&m, "namespace");
	if (space->name.n)
		take_namespaces(s, space, msg);
	s->net_datagrams = find_layer(&m, "datagrams")->active;
	proxy = find_layer(&m, "proxy");
	session_close_ports(s, false);
	s->proxy_port = layer_port(proxy);
	s->dns_port = layer_port(find_layer(&m, "dns"));
	session_close_ports(s, true);
	if (!s->proxy_port) {
		log_error("session %s: no network proxy: " STR_FMT, s->id,
			  STR_ARG(proxy->detail));
		(void)app_emit_simple(s->app, s, "net_proxy_failed", "error",
				      proxy->detail);
		settled(s, WORKER_READY);
		return 0;
	}
	buf_reset(&s->proxy_url);
	buf_puts(&s->proxy_url, "http://");
	buf_put_str(&s->proxy_url, proxy->detail);
	(void)app_emit_simple(s->app, s, "net_proxy_started", "proxy_url",
			      buf_str(&s->proxy_url));
	note_llm(s, find_layer(&m, "llm"));
	free(s->llm.phantoms);
	s->llm.phantoms = str_dup(find_layer(&m, "phantoms")->detail);
	settled(s, WORKER_READY);
	return 0;
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

/* A question of the proxy, about whatever command is behind a port. */
static int on_ask(struct session *s, const struct channel_msg *m)
{
	_cleanup_buf_ struct buf body = BUF_INIT;
	struct proto_approval_ask ask;
	struct channel_msg named = *m;
	struct event e = { .depth = -1 };
	int64_t port = 0;
	int r = proto_approval_ask_decode(m->body, &ask);

	if (r < 0 || !str_starts(ask.command_id, STR("port:")) ||
	    num_parse_range(str_skip(ask.command_id, 5), 0, UINT16_MAX, &port) <
		    0)
		return -EBADMSG;
	event_add_int(&e, "client_port", port);
	ask.command_id = whose(s, &e);
	r = proto_approval_ask_encode(&ask, &body);
	if (r < 0)
		return r;
	named.body = buf_str(&body);
	return approval_from_worker(s, s->proxy, &named);
}

static int on_message(void *arg, struct channel_msg *m)
{
	if (m->type == PROTO_APPROVAL_ASK)
		return on_ask(arg, m);
	return m->type == PROTO_READY ? on_ready(arg, m) : -EBADMSG;
}

static int64_t field(const struct event *e, const char *key)
{
	for (size_t i = 0; i < e->n_fields; i++)
		if (strcmp(e->fields[i].key, key) == 0 &&
		    e->fields[i].type == EVENT_INT)
			return MAX(e->fields[i].num, (int64_t)0);
	return 0;
}

/* What proxy status shows, and what the next proxy of the session is told. */
static void count_llm(struct session *s, const struct event *e)
{
	if (str_eq(e->type, STR("llm_request"))) {
		s->llm.requests++;
		s->llm.redacted += field(e, "redactions") > 0;
	} else if (str_eq(e->type, STR("llm_response"))) {
		int64_t cached = field(e, "cache_read_tokens") +
				 field(e, "cache_write_tokens");

		s->llm.input += field(e, "input_tokens") + cached;
		s->llm.output += field(e, "output_tokens");
	}
}

static int on_event(void *arg, struct event *e)
{
	struct session *s = arg;
	int r;

	e->session_id = str_from(s->id);
	e->id = STR_NONE;
	e->command_id = whose(s, e);
	r = app_emit(s->app, e);
	if (r == 0) /* else it comes again */
		count_llm(s, e);
	return r;
}

/* It reads secrets only before it listens to commands (netproxy/shield.h): a
 * policy with new ones is for the next one of it, on the same ports. */
static void on_died(void *arg, const char *how)
{
	static const char again[] = "exit status 75"; /* HERITAGE_AGAIN */
	struct session *s = arg;

	approvals_drop_worker(s->app, s, s->proxy);
	s->proxy = NULL;
	if (s->proxy_state == WORKER_READY && strcmp(how, again) == 0) {
		s->proxy_state = WORKER_NONE;
		(void)session_need_proxy(s); /* it says what is wrong */
		return;
	}
	log_error("session %s: agentsh-netproxy died: %s", s->id, how);
	(void)app_emit_simple(s->app, s, "net_proxy_failed", "error",
			      str_from(how));
	if (s->proxy_state == WORKER_STARTING) {
		session_close_ports(s, false);
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

/* Where requests are written down; the directory is made if need be. */
static void put_log(const struct session *s, struct json_writer *w)
{
	_cleanup_buf_ struct buf path = BUF_INIT;
	const char *dir = s->app->cfg.sessions_dir;

	if (!dir[0] || s->app->trial)
		return;
	buf_printf(&path, "%s/%s", dir, s->id);
	(void)fd_mkdirs(buf_cstr(&path), 0700); /* opening the log will fail */
	json_kv_str(w, "dir", buf_str(&path)); /* of bodies, if they are kept */
	buf_puts(&path, "/llm-requests.jsonl");
	json_kv_str(w, "log", buf_str(&path));
}

/* Where commands find whom to trust. Not among the server's own files: those are
 * hidden from commands. */
int session_trust_dir(const struct session *s, struct buf *out)
{
	const char *tmp = getenv("TMPDIR");

	buf_printf(out, "%s/agentsh-trust-%u-%s",
		   tmp && tmp[0] == '/' ? tmp : "/tmp", (unsigned int)getuid(),
		   s->id);
	return out->error;
}

void session_remove_trust(const struct session *s)
{
	_cleanup_buf_ struct buf path = BUF_INIT;
	size_t n;

	if (!s->app->cfg.tls_inspection || session_trust_dir(s, &path) < 0)
		return;
	n = path.len;
	buf_puts(&path, "/ca.pem");
	(void)unlink(buf_cstr(&path));
	path.len = n;
	buf_puts(&path, "/bundle.pem");
	(void)unlink(buf_cstr(&path));
	path.len = n;
	path.data[n] = 0;
	(void)rmdir(buf_cstr(&path)); /* something else in it is not ours */
}

static void put_llm(const struct session *s, struct json_writer *w)
{
	_cleanup_buf_ struct buf trust = BUF_INIT;
	const struct settings *cfg = &s->app->cfg;

	if (!cfg->llm)
		return;
	json_key(w, "llm");
	json_begin_object(w);
	json_kv_bool(w, "serve", true);
	put_log(s, w);
	if (cfg->tls_inspection && session_trust_dir(s, &trust) == 0)
		json_kv_str(w, "trust", buf_str(&trust));
	json_kv_i64_opt(w, "requests", s->llm.requests);
	json_kv_i64_opt(w, "tokens", s->llm.input + s->llm.output);
	buf_putc(w->out, ',');
	buf_put_str(w->out, cfg->llm_json);
	json_end_object(w);
	json_kv_str_opt(w, "dlp", cfg->dlp_json);
	if (s->llm.phantoms && s->llm.phantoms[0]) {
		json_key(w, "phantoms");
		json_raw(w, str_from(s->llm.phantoms));
	}
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
				  .mount_root = -1,
				  .user_ns = -1,
				  .hello = &hello,
				  .owner = &owner };
	struct json_writer w;
	int r;

	if (!cfg->net_proxy || s->proxy_state != WORKER_NONE)
		return 0;
	json_writer_init(&w, &settings, 0);
	json_begin_object(&w);
	json_kv_i64(&w, "control_port", s->app->http_port);
	json_kv_bool(&w, "approvals", cfg->approvals);
	json_key(&w, "listen");
	if (s->proxy_port) {
		_cleanup_buf_ struct buf same = BUF_INIT;

		buf_put_str(&same, str_skip(buf_str(&s->proxy_url), 7));
		json_str(&w, buf_str(&same));
		json_kv_i64(&w, "dns_port", s->dns_port);
	} else {
		json_cstr(&w, cfg->net_listen);
		/* another session may have the port that was asked for */
		json_kv_bool(&w, "any_port", true);
	}
	json_kv_bool(&w, "namespace", cfg->net_namespace);
	if (cfg->net_json.n) {
		json_key(&w, "net");
		json_raw(&w, cfg->net_json);
	}
	session_put_namespaces(s, &o);
	if (s->app->proxies)
		o.hello_fds[o.n_hello_fds++] = s->app->proxies_fd;
	put_llm(s, &w);
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
