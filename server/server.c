/* SPDX-License-Identifier: MIT */
/*
 * server.c - start, run and stop
 *
 * Stopping: no new connections; sessions are destroyed, which ends their
 * commands and answers who waits for them; then the loop goes on until the
 * workers are gone, for 10 s at most.
 */
#include "server/server.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/notify.h"
#include "base/rendezvous.h"
#include "confine/cgroup.h"
#include "core/limits.h"
#include "core/ports.h"
#include "server/api.h"
#include "server/dlp.h"
#include "server/edge.h"
#include "server/listen.h"
#include "server/logfile.h"
#include "server/policy_file.h"
#include "server/reload.h"
#include "server/state.h"
#include "server/webhook.h"
#include "server/worker.h"

#define NOFILE_WANTED 16384
#define STOP_NS       (30ULL * 1000000000)
#define RETRY_NS      (200ULL * 1000000)

/* ---- configuration ---- */

static int load_settings(struct app *app, const char *path)
{
	struct diag *diag = calloc(1, sizeof(*diag));
	_cleanup_buf_ struct buf text = BUF_INIT;
	int r;

	if (!diag)
		return -ENOMEM;
	r = settings_load(path, &app->cfg, diag);
	diag_format(diag, &text);
	(void)fputs(buf_cstr(&text), stderr);
	diag_done(diag);
	free(diag);
	if (r < 0)
		return r;
	buf_reset(&text);
	r = settings_refuse(&app->cfg, &text);
	if (r < 0)
		(void)fprintf(stderr, "%s\n", buf_cstr(&text));
	return r;
}

static int make_parent(const char *path)
{
	_cleanup_free_ char *dir = NULL;
	ptrdiff_t slash = str_rindex(str_from(path), '/');

	if (slash <= 0)
		return 0;
	dir = str_dup(str_from_n(path, (size_t)slash));
	return dir ? fd_mkdirs(dir, 0755) : -ENOMEM;
}

/* Says which key of the configuration asks for what cannot be. */
static int cannot_make(int r, const char *key, const char *path)
{
	(void)fprintf(stderr,
		      "cannot make the directory of %s: %s; %s names "
		      "another place\n",
		      path, strerror(-r), key);
	return r;
}

static int make_directories(const struct settings *cfg)
{
	int r = make_parent(cfg->sqlite_path);

	if (r < 0)
		return cannot_make(r,
				   "AGENTSH_DATA_DIR or "
				   "audit.storage.sqlite_path",
				   cfg->sqlite_path);
	r = make_parent(cfg->jsonl_path);
	if (r < 0)
		return cannot_make(r, "audit.output", cfg->jsonl_path);
	if (cfg->sessions_dir[0])
		r = fd_mkdirs(cfg->sessions_dir, 0755);
	if (r < 0)
		return cannot_make(r, "AGENTSH_DATA_DIR or sessions.base_dir",
				   cfg->sessions_dir);
	/*
	 * The system's directory is not every user's; they have a socket in
	 * their runtime directory (base/rendezvous.h), and listening says so.
	 */
	if (cfg->unix_enabled)
		(void)make_parent(cfg->unix_path);
	return 0;
}

/* The default policy must be good before anybody relies on it. */
static int check_policy(const struct settings *cfg)
{
	_cleanup_buf_ struct buf path = BUF_INIT, text = BUF_INIT,
				 why = BUF_INIT, errors = BUF_INIT;
	struct diag *diag;
	int r = policy_file_read(cfg, str_from(cfg->default_policy), &path,
				 &text, &why);

	if (r == -EKEYREJECTED) {
		(void)fprintf(stderr, "policy %s: %s\n", buf_cstr(&path),
			      buf_cstr(&why));
		return r;
	}
	if (r == -ENOENT)
		(void)fprintf(stderr,
			      "policy \"%s\" not found in \"%s\" "
			      "(policies.default, policies.dir)\n",
			      cfg->default_policy, cfg->policies_dir);
	else if (r < 0)
		(void)fprintf(stderr, "policy %s: %s\n", buf_cstr(&path),
			      strerror(-r));
	if (r < 0)
		return r;
	diag = calloc(1, sizeof(*diag));
	if (!diag)
		return -ENOMEM;
	r = policy_validate(buf_cstr(&path), buf_str(&text), diag);
	diag_format(diag, &errors);
	if (r < 0)
		(void)fputs(buf_cstr(&errors), stderr);
	diag_done(diag);
	free(diag);
	return r;
}

static int open_audit(struct app *app)
{
	const struct settings *cfg = &app->cfg;
	const struct audit_options o = {
		.sqlite_path = cfg->sqlite_path,
		.jsonl_path = cfg->jsonl_path,
		.rotate_bytes = cfg->rotate_bytes,
		.max_backups = cfg->max_backups,
		.batch_size = cfg->batch_size,
		.hmac_key = (const uint8_t *)cfg->integrity_key.p,
		.hmac_key_len = cfg->integrity_key.n,
		.hmac_sha512 = cfg->integrity_sha512,
	};
	int r = server_dlp_open(app);

	if (r < 0)
		return r;
	r = audit_open(&o, &app->store);
	if (r == 0)
		audit_set_filter(app->store, server_dlp_event, app->dlp);
	if (r == -EWOULDBLOCK)
		(void)fprintf(stderr,
			      "audit log %s is in use by another "
			      "server: end that one, or set AGENTSH_DATA_DIR "
			      "for this one\n",
			      cfg->sqlite_path);
	else if (r == -EKEYREJECTED)
		(void)fprintf(stderr,
			      "audit log %s was made with another "
			      "integrity key\n",
			      cfg->jsonl_path);
	else if (r < 0)
		(void)fprintf(stderr, "audit log %s: %s%s\n",
			      cfg->sqlite_path[0] ? cfg->sqlite_path
						  : cfg->jsonl_path,
			      strerror(-r),
			      r == -EIO ? " (is the disk full?)" : "");
	return r;
}

/* ---- timers and signals ---- */

static void on_flush(struct loop *l, void *arg)
{
	struct app *app = arg;
	int r = audit_flush(app->store);

	(void)l;
	app->flush_armed = false;
	if (r < 0) {
		log_error_errno(r, "cannot write the audit log, will retry");
		app->flush_armed = loop_timer_arm(app->flush_timer, RETRY_NS) ==
				   0;
	}
}

static void on_reap_sessions(struct loop *l, void *arg)
{
	struct app *app = arg;

	(void)l;
	sessions_expire(app);
	(void)loop_timer_arm(app->reap_timer, (uint64_t)app->cfg.cleanup_ns);
}

static void stop_if_idle(struct app *app)
{
	if (app->stopping && workers_idle(app)) {
		state_stopped(app);
		loop_quit(app->loop, 0);
	}
}

static void on_child(struct loop *l, int signo, void *arg)
{
	struct app *app = arg;

	(void)l;
	(void)signo;
	workers_reap(app);
	stop_if_idle(app);
}

static void on_stop_timeout(struct loop *l, void *arg)
{
	(void)arg;
	log_warn("some workers did not end in time");
	loop_quit(l, 0);
}

static void on_stop(struct loop *l, int signo, void *arg)
{
	struct app *app = arg;

	(void)signo;
	if (app->stopping) {
		loop_quit(l, 0); /* asked twice */
		return;
	}
	app->stopping = true;
	http_server_stop_accepting(app->http);
	while (app->sessions)
		session_destroy(app->sessions, "session_destroyed", NULL);
	(void)loop_add_timer(l, STOP_NS, on_stop_timeout, app, NULL);
	stop_if_idle(app);
}

void app_reap_cgroups_now(const struct app *app)
{
	const char *base = app->cfg.cgroup_base; /* NULL: nothing was loaded */
	struct cgroup_root *root = NULL;
	int n;

	if (cgroup_root_open(base && base[0] ? base : NULL, &root) < 0)
		return;
	n = cgroup_root_reap_orphans(root);
	if (n > 0)
		log_info("removed %d cgroups that a dead server left", n);
	(void)cgroup_root_close(root);
}

static void reap_cgroups(struct loop *l, void *arg)
{
	(void)l;
	app_reap_cgroups_now(arg);
}

void app_reap_cgroups(struct app *app)
{
	(void)loop_defer(app->loop, reap_cgroups, app);
}

static int set_up_loop(struct app *app)
{
	struct loop *l = app->loop;
	int r = loop_add_signal(l, SIGTERM, on_stop, app);

	if (r == 0)
		r = loop_add_signal(l, SIGINT, on_stop, app);
	if (r == 0)
		r = loop_add_signal(l, SIGCHLD, on_child, app);
	if (r == 0)
		r = loop_add_timer(l, 0, on_flush, app, &app->flush_timer);
	if (r == 0)
		r = loop_add_timer(l, (uint64_t)app->cfg.cleanup_ns,
				   on_reap_sessions, app, &app->reap_timer);
	return r;
}

/* ---- listening ---- */

static int listen_local(struct app *app, uint16_t port)
{
	int fd = rendezvous_listen(port, &app->local_path);

	if (fd < 0) {
		/* HTTP still works; the command line falls back to it. */
		log_warn_errno(fd, "no local socket for port %u",
			       (unsigned int)port);
		buf_reset(&app->local_path);
		return 0;
	}
	return http_server_listen(app->http, fd, /* local */ true);
}

static int listen_configured(struct app *app)
{
	const struct settings *cfg = &app->cfg;
	int fd;

	if (!cfg->unix_enabled || !cfg->unix_path[0])
		return 0;
	fd = listen_unix(cfg->unix_path, cfg->unix_mode);
	if (fd == -EACCES || fd == -EPERM || fd == -EROFS ||
	    (fd == -ENOENT && geteuid() != 0)) {
		log_warn_errno(fd, "unix socket %s", cfg->unix_path);
		return 0;
	}
	if (fd < 0)
		return log_error_errno(fd, "unix socket %s", cfg->unix_path);
	buf_puts(&app->unix_path, cfg->unix_path);
	return http_server_listen(app->http, fd, /* local */ true);
}

/* Takes fd. */
static int listen_http(struct app *app, int fd)
{
	_cleanup_buf_ struct buf err = BUF_INIT;
	int r;

	if (!app->cfg.tls)
		return http_server_listen(app->http, fd, /* local */ false);
	r = edge_listen(app, fd, &err);
	if (r < 0)
		(void)fprintf(stderr, "server.tls: %s\n", buf_cstr(&err));
	return r;
}

static int start_webhook(struct app *app)
{
	_cleanup_buf_ struct buf err = BUF_INIT;
	int r = webhook_start(app, &err);

	if (r < 0)
		(void)fprintf(stderr, "audit.webhook: %s\n",
			      err.len ? buf_cstr(&err) : strerror(-r));
	return r;
}

static int start_listening(struct app *app)
{
	const struct http_options o = {
		.loop = app->loop,
		.max_body = app->cfg.max_request_bytes,
		.read_timeout = app->cfg.read_timeout_ns,
		.write_timeout = app->cfg.write_timeout_ns,
		.handler = api_handle,
		.arg = app
	};
	const char *host = app->cfg.http_host;
	uint16_t port = 0;
	int fd, r = http_server_new(&o, &app->http);

	if (r < 0)
		return r;
	fd = listen_tcp(host, app->cfg.http_port, &port);
	if (fd < 0) {
		(void)fprintf(stderr, "listen %s: %s%s\n", app->cfg.http_addr,
			      strerror(-fd),
			      fd == -EADDRINUSE || fd == -EACCES
				      ? "; server.http.addr or "
					"AGENTSH_HTTP_ADDR names another"
				      : "");
		return fd;
	}
	app->http_port = port;
	r = listen_http(app, fd);
	if (r == 0)
		r = listen_local(app, port);
	if (r == 0)
		r = listen_configured(app);
	if (r < 0)
		return r;
	(void)printf(strchr(host, ':') ? "agentsh server listening on [%s]:%u\n"
				       : "agentsh server listening on %s:%u\n",
		     host, (unsigned int)port);
	(void)fflush(stdout);
	return 0;
}

/* ---- all of it ---- */

static void app_done(struct app *app)
{
	while (app->sessions)
		session_destroy(app->sessions, NULL, NULL);
	(void)http_server_free(app->http);
	if (app->local_path.len)
		(void)unlink(buf_cstr(&app->local_path));
	if (app->unix_path.len)
		(void)unlink(buf_cstr(&app->unix_path));
	workers_kill_all(app);
	app->webhook = webhook_stop(app->webhook);
	app->tls = edge_stop(app->tls);
	reload_done(app);
	(void)audit_close(app->store);
	(void)server_dlp_free(app->dlp);
	(void)loop_free(app->loop);
	buf_done(&app->local_path);
	buf_done(&app->unix_path);
	if (app->proxies)
		(void)close(app->proxies_fd);
	app->proxies = ports_unmap(app->proxies);
	free(app->libexec);
	settings_done(&app->cfg);
}

/* Only now: what keeps a server from starting is told where it was started. */
static int start_log(struct app *app)
{
	const struct logfile_options *o = &app->cfg.log;
	int r = logfile_start(o);

	if (r < 0)
		return log_error_errno(r, "logging.output %s", o->path);
	return logfile_watch(app);
}

static int start(struct app *app, const char *config_path)
{
	int r = load_settings(app, config_path);

	if (r < 0)
		return r;
	log_init("agentsh-server", app->cfg.log.level);
	log_set_form(app->cfg.log.form);
	r = make_directories(&app->cfg);
	if (r < 0)
		return r;
	r = check_policy(&app->cfg);
	if (r == 0)
		r = open_audit(app);
	if (r == 0)
		app_import_spool(app);
	if (r == 0)
		r = ports_create(&app->proxies_fd, &app->proxies);
	if (r == 0)
		r = worker_find_libexec(&app->libexec);
	if (r == 0)
		r = loop_new(&app->loop);
	if (r == 0)
		r = set_up_loop(app);
	if (r == 0)
		app_reap_cgroups(app);
	if (r == 0)
		r = start_webhook(app);
	if (r == 0)
		r = state_recover(app);
	if (r == 0)
		r = reload_watch(app);
	if (r == 0)
		r = start_listening(app);
	if (r == 0)
		r = start_log(app);
	return r;
}

/* A descriptor per client, three per running command, five per worker. */
static void raise_nofile(void)
{
	struct rlimit now, more;

	if (getrlimit(RLIMIT_NOFILE, &now) < 0)
		return;
	more = now;
	more.rlim_cur = MIN(now.rlim_max, (rlim_t)NOFILE_WANTED);
	if (more.rlim_cur > now.rlim_cur &&
	    setrlimit(RLIMIT_NOFILE, &more) == 0)
		worker_keep_nofile(&now);
}

int server_main(const char *config_path)
{
	struct app app = { .started_ns = clock_realtime_ns(), .reload_fd = -1 };
	_cleanup_buf_ struct buf starter = BUF_INIT;
	int r;

	notify_take(&starter);
	raise_nofile();
	(void)signal(SIGPIPE, SIG_IGN);
	/* What we hold must not be readable by what we govern. */
	(void)prctl(PR_SET_DUMPABLE, 0);
	/* What a dead tracer leaves behind comes to us, not to init. */
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
	r = start(&app, config_path);
	if (r == 0 && notify_ready(buf_str(&starter)) < 0)
		log_warn("$NOTIFY_SOCKET names no socket that listens");
	if (r == 0)
		r = loop_run(app.loop);
	app_done(&app);
	return r < 0 ? 1 : r;
}
