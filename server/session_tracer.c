/* SPDX-License-Identifier: MIT */
/*
 * session_tracer.c - a session's side of its agentsh-tracer
 *
 * One tracer per session, started with it. When it dies, what it ran is dead
 * or dying (its listener is closed, its tracees are killed with it) and is
 * reported so; the next command gets a new one. Nothing ever runs without.
 */
#include <errno.h>
#include <stdlib.h>

#include "audit/spool.h"
#include "base/log.h"
#include "base/path.h"
#include "server/approvals.h"
#include "server/clients.h"
#include "server/guarantee.h"
#include "server/oneshot_plan.h"
#include "server/session_priv.h"
#include "server/worker.h"

static struct command *by_request(struct session *s, uint32_t id)
{
	struct command *c = s->commands;

	while (c && c->request_id != id)
		c = c->next;
	return c;
}

void session_proceed_all(struct session *s)
{
	struct command *c = s->commands;

	/* Who is waited for next comes back here. */
	if (s->proxy_state == WORKER_STARTING)
		return;
	/* One at a time: each may end others, or itself. */
	while (c) {
		if (c->state == COMMAND_WAIT_TRACER) {
			command_proceed(c);
			c = s->commands;
			continue;
		}
		c = c->next;
	}
}

static bool enforces_exec(const struct proto_layer *l)
{
	return l->active &&
	       (str_eq_c(l->name, "notify") || str_eq_c(l->name, "ptrace"));
}

/* sandbox.require: a guarantee as a condition for running anything. */
static void check_required(struct session *s, const struct proto_ready *m)
{
	const struct settings *cfg = &s->app->cfg;
	_cleanup_arena_ struct arena a = ARENA_INIT(1U << 20);
	struct json *layers = NULL;

	(void)json_parse(&a, buf_str(&s->layers), &layers);
	buf_reset(&s->unmet);
	buf_reset(&s->weakness);
	for (uint32_t i = 0; i < m->n_layers; i++) {
		if (m->layers[i].active)
			continue;
		buf_puts(&s->weakness, s->weakness.len ? ", " : "");
		buf_put_str(&s->weakness, m->layers[i].name);
	}
	for (size_t i = 0; i < cfg->required.n && !s->unmet.len; i++) {
		struct str want = cfg->required.data[i];
		const char *layer = guarantee_missing(layers, want);

		if (str_eq_c(want, "audit") && !cfg->sqlite_path[0])
			layer = "audit.storage";
		if (layer && str_eq_c(want, "ptrace"))
			buf_puts(&s->unmet,
				 "sandbox.ptrace.on_attach_failure: "
				 "fail_closed, and commands cannot be traced "
				 "on this host");
		else if (layer)
			buf_printf(&s->unmet,
				   "sandbox.require: " STR_FMT
				   " does not hold on this host (%s)",
				   STR_ARG(want), layer);
	}
}

/* Where commands run that should have a network of their own. */
static int add_namespace_layer(const struct session *s, struct arena *a,
			       struct proto_ready *m)
{
	struct proto_layer *all =
		arena_alloc(a, (m->n_layers + 1) * sizeof(*all));
	const char *error = s->mount_user_ns >= 0
				    ? "the workspace's mount has a user "
				      "namespace of its own"
			    : s->net_ns_error ? s->net_ns_error
					      : "the proxy did not start";
	bool inside = s->net_ns >= 0 && s->mount_user_ns < 0;

	if (!s->app->cfg.net_namespace)
		return 0;
	if (!all)
		return -ENOMEM;
	memcpy(all, m->layers, m->n_layers * sizeof(*all));
	all[m->n_layers] = (struct proto_layer){
		.name = STR("namespace"),
		.active = inside,
		.detail = !inside ? str_from(error)
			  : s->user_ns >= 0
				  ? STR("network, in a user namespace")
				  : STR("network"),
	};
	if (inside && !s->net_datagrams)
		all[m->n_layers].detail =
			s->user_ns >= 0
				? STR("network, in a user namespace; UDP "
				      "closed: no nft tproxy")
				: STR("network; UDP closed: no nft tproxy");
	m->layers = all;
	m->n_layers++;
	return 0;
}

/* What looks for secrets on their way to language models. */
static int add_dlp_layer(const struct session *s, struct arena *a,
			 struct proto_ready *m)
{
	const struct settings *cfg = &s->app->cfg;
	struct proto_layer *all =
		arena_alloc(a, (m->n_layers + 1) * sizeof(*all));

	if (!cfg->llm || !cfg->dlp_json.n)
		return 0;
	if (!all)
		return -ENOMEM;
	memcpy(all, m->layers, m->n_layers * sizeof(*all));
	all[m->n_layers] = (struct proto_layer){
		.name = STR("dlp"),
		.active = s->llm.on,
		.detail = s->llm.on ? str_from(cfg->dlp_mode)
				    : STR("the proxy did not start"),
	};
	m->layers = all;
	m->n_layers++;
	return 0;
}

/* With a mount over the workspace, that is what keeps what is destroyed. */
static int add_mount_layers(const struct session *s, struct arena *a,
			    struct proto_ready *m)
{
	struct proto_layer *all =
		arena_alloc(a, (m->n_layers + 1) * sizeof(*all));
	bool mounted = s->mount_ns >= 0;

	if (!s->app->cfg.fuse)
		return 0;
	if (!all)
		return -ENOMEM;
	for (uint32_t i = 0; i < m->n_layers; i++) {
		all[i] = m->layers[i];
		if (!mounted || !str_eq_c(all[i].name, "undo"))
			continue;
		all[i].active = s->app->cfg.keeps;
		all[i].detail =
			s->app->cfg.keeps
				? STR("by the mount over the workspace")
				: STR("sandbox.fuse.audit.enabled is false");
	}
	/* the tracer does not know of it: it only runs inside the mount */
	all[m->n_layers] = (struct proto_layer){
		.name = STR("fuse"),
		.active = mounted,
		.detail = mounted ? STR_NONE
				  : STR("the workspace is not mounted"),
	};
	m->layers = all;
	m->n_layers++;
	return 0;
}

static int on_ready(struct session *s, struct str body)
{
	_cleanup_arena_ struct arena a = ARENA_INIT(1U << 20);
	struct proto_ready m;
	struct json_writer w;
	int r = proto_ready_decode(body, &a, &m);

	if (r < 0 || s->tracer_state != WORKER_STARTING)
		return -EBADMSG;
	r = add_mount_layers(s, &a, &m);
	if (r == 0)
		r = add_namespace_layer(s, &a, &m);
	if (r == 0)
		r = add_dlp_layer(s, &a, &m);
	if (r < 0)
		return r;
	buf_reset(&s->layers);
	json_writer_init(&w, &s->layers, 0);
	json_begin_array(&w);
	s->exec_enforced = false;
	for (uint32_t i = 0; i < m.n_layers; i++) {
		s->exec_enforced |= enforces_exec(&m.layers[i]);
		json_begin_object(&w);
		json_kv_str(&w, "name", m.layers[i].name);
		json_kv_bool(&w, "active", m.layers[i].active);
		json_kv_str_opt(&w, "detail", m.layers[i].detail);
		json_end_object(&w);
	}
	json_end_array(&w);
	check_required(s, &m);
	s->tracer_state = WORKER_READY;
	if (!s->protection_recorded) {
		struct event e = EVENT_INIT("session_protection");

		e.session_id = str_from(s->id);
		e.fields[e.n_fields++] =
			(struct event_field){ .key = "layers",
					      .type = EVENT_JSON,
					      .str = buf_str(&s->layers) };
		s->protection_recorded = app_emit(s->app, &e) == 0;
	}
	session_proceed_all(s);
	return 0;
}

static int on_spawned(struct session *s, struct str body)
{
	_cleanup_arena_ struct arena a = ARENA_INIT(1U << 20);
	struct proto_spawned m;
	struct command *c;
	int r = proto_spawned_decode(body, &a, &m);

	if (r < 0)
		return r;
	c = session_command(s, m.command_id);
	if (c)
		command_spawned(c, &m);
	return 0;
}

static int on_exited(struct session *s, struct str body)
{
	struct proto_exited m;
	struct command *c;
	int r = proto_exited_decode(body, &m);

	if (r < 0)
		return r;
	/* What it did before it ended comes first. */
	worker_drain(s->tracer);
	session_drain_proxy(s);
	session_tell_vfs_exited(s, body);
	session_drain_vfs(s);
	c = session_command(s, m.command_id);
	if (c)
		command_exited(c, &m);
	return 0;
}

static int on_message(void *arg, struct channel_msg *m)
{
	struct session *s = arg;

	switch (m->type) {
	case PROTO_READY:
		return on_ready(s, m->body);
	case PROTO_SPAWNED:
		return on_spawned(s, m->body);
	case PROTO_EXITED:
		return on_exited(s, m->body);
	case PROTO_APPROVAL_ASK:
		return approval_from_worker(s, s->tracer, m);
	case PROTO_NOTICE: {
		_cleanup_buf_ struct buf text = BUF_INIT;
		struct command *c = by_request(s, m->id);

		buf_put_escaped(&text, m->body);
		log_info("session %s: %s", s->id, buf_cstr(&text));
		if (c && m->id)
			buf_printf(&c->extra_stderr, "agentsh: %s\n",
				   buf_cstr(&text));
		return 0;
	}
	default:
		return -EBADMSG;
	}
}

static int on_event(void *arg, struct event *e)
{
	struct session *s = arg;

	/* A worker speaks of its own session only. */
	e->session_id = str_from(s->id);
	e->id = STR_NONE;
	if (str_eq_c(e->type, "net_client")) { /* for us, not for the record */
		clients_note(&s->clients, e);
		return 0;
	}
	return app_emit(s->app, e);
}

static void on_died(void *arg, const char *how)
{
	struct session *s = arg;
	_cleanup_buf_ struct buf why = BUF_INIT;

	s->tracer = NULL;
	s->tracer_state = WORKER_NONE;
	s->exec_enforced = false;
	buf_printf(&why, "the session's sandbox (agentsh-tracer) died: %s",
		   how);
	log_error("session %s: %s", s->id, buf_cstr(&why));
	(void)app_emit_simple(s->app, s, "worker_died", "error", buf_str(&why));
	while (s->commands)
		command_abort(s->commands, buf_cstr(&why));
	app_reap_cgroups(s->app);
}

/* The path as the kernel names it; what does not exist yet as it is. */
static void put_path(struct json_writer *w, const char *path,
		     const char *suffix)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	char *real;

	if (!path || !*path)
		return;
	buf_printf(&text, "%s%s", path, suffix);
	real = realpath(buf_cstr(&text), NULL);
	json_cstr(w, real ? real : buf_cstr(&text));
	free(real);
}

/* What `agentsh run` leaves: its record, and plans of what may run. */
static void put_oneshot(const struct settings *cfg, struct json_writer *w)
{
	_cleanup_buf_ struct buf spool = BUF_INIT, cache = BUF_INIT;
	const char *log = cfg->sqlite_path[0] ? cfg->sqlite_path
					      : cfg->jsonl_path;

	if (log[0] && spool_path(log, &spool) == 0)
		put_path(w, buf_cstr(&spool), "");
	if (oneshot_cache_dir(&cache) == 0)
		put_path(w, buf_cstr(&cache), "");
}

/* What no policy opens to a command: our own data and what governs it. */
static void put_own_paths(const struct session *s, struct buf *out)
{
	const struct settings *cfg = &s->app->cfg;
	struct json_writer w;

	buf_puts(out, ",\"closed_paths\":");
	json_writer_init(&w, out, 0);
	json_begin_array(&w);
	put_path(&w, cfg->sqlite_path, "");
	put_path(&w, cfg->sqlite_path, "-wal");
	put_path(&w, cfg->sqlite_path, "-shm");
	put_path(&w, cfg->jsonl_path, "");
	put_path(&w, cfg->sessions_dir, "");
	if (cfg->ca_key && cfg->ca_key[0])
		put_path(&w, cfg->ca_key, "");
	put_oneshot(cfg, &w);
	json_end_array(&w);
	buf_puts(out, ",\"protected_paths\":");
	json_writer_init(&w, out, 0);
	json_begin_array(&w);
	put_path(&w, cfg->config_path, "");
	put_path(&w, cfg->policies_dir, "");
	/* a build tree in the workspace may be built */
	if (!path_beneath(str_from(s->app->libexec), str_from(s->workspace)))
		put_path(&w, s->app->libexec, "");
	json_end_array(&w);
}

static int settings_text(struct session *s, struct buf *out)
{
	const struct app *app = s->app;
	struct json_writer w;

	buf_putc(out, '{');
	buf_put_str(out, app->cfg.worker_json);
	if (app->cfg.worker_json.n)
		buf_putc(out, ',');
	buf_puts(out, "\"control_socket\":");
	json_writer_init(&w, out, 0);
	json_str(&w, buf_str(&app->local_path));
	put_own_paths(s, out);
	/* The mount keeps what is destroyed; twice would be once too often. */
	if (s->mount_ns >= 0)
		buf_puts(out, ",\"trash\":{\"enabled\":false}");
	buf_printf(out,
		   ",\"net\":{\"notify\":true,\"monitor\":%s,"
		   "\"datagrams\":%s,\"proxy_port\":%u,\"dns_port\":%u}",
		   app->cfg.net_monitor ? "true" : "false",
		   s->net_datagrams ? "true" : "false",
		   (unsigned int)s->proxy_port, (unsigned int)s->dns_port);
	buf_printf(out, ",\"approvals\":{\"enabled\":%s}}",
		   app->cfg.approvals ? "true" : "false");
	return out->error;
}

int session_need_tracer(struct session *s)
{
	_cleanup_buf_ struct buf settings = BUF_INIT;
	const struct worker_owner owner = { on_message, on_event, on_died, s };
	struct proto_hello hello = {
		.session_id = str_from(s->id),
		.workspace = str_from(s->workspace),
		.policy_generation = s->generation,
	};
	struct worker_start o = { .program = "agentsh-tracer",
				  .policy_fd = s->policy_fd,
				  .mount_ns = s->mount_ns,
				  .mount_root = s->mount_root,
				  .user_ns = s->mount_user_ns,
				  .hello = &hello,
				  .owner = &owner };
	int r;

	if (s->app->cfg.fuse_deferred && !s->wanted) {
		/* the proxy's address is part of the session's answer */
		r = session_need_proxy(s);
		if (s->proxy_state != WORKER_STARTING)
			session_announce(s);
		return r;
	}
	/* Also brings back a proxy that died under a living tracer. */
	r = session_need_vfs(s);
	if (r == 0 && s->vfs_state == WORKER_STARTING) {
		s->tracer_state =
			WORKER_STARTING; /* session_vfs.c comes back */
		return 0;
	}
	r = session_need_proxy(s);
	if (s->tracer_state != WORKER_NONE)
		return 0;
	if (r == 0 && s->proxy_state == WORKER_STARTING) {
		s->tracer_state = WORKER_STARTING; /* settled() comes back */
		return 0;
	}
	session_announce(s);
	r = settings_text(s, &settings);
	if (r < 0)
		return r;
	hello.settings_json = buf_str(&settings);
	session_put_namespaces(s, &o);
	if (s->attribution >= 0)
		o.hello_fds[o.n_hello_fds++] = s->attribution;
	if (s->app->proxies)
		o.hello_fds[o.n_hello_fds++] = s->app->proxies_fd;
	r = worker_start(s->app, &o, &s->tracer);
	if (r < 0)
		return log_error_errno(r, "session %s: cannot start the tracer",
				       s->id);
	s->tracer_state = WORKER_STARTING;
	return 0;
}
