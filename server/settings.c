/* SPDX-License-Identifier: MIT */
/*
 * settings.c - what the server needs of its configuration, in one place
 */
#include "server/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/fd.h"
#include "base/json.h"
#include "base/num.h"
#include "base/yamldoc.h"
#include "config/config.h"
#include "core/limits.h"
#include "server/profiles.h"
#include "server/settings_edge.h"
#include "server/settings_sockets.h"
#include "server/settings_workers.h"

#define SETTINGS_ARENA_MAX (16U << 20)
#define KEY_FILE_MAX       65536
#define INTEGRITY_KEY_MIN  32
#define DEFAULT_FLUSH_NS   (50LL * 1000000)
#define DAY_NS             (86400LL * 1000000000)
#define DEFAULT_APPROVAL   (300LL * 1000000000)
#define DEFAULT_CLEANUP_NS (60LL * 1000000000)

static const char *keep(struct settings *s, const char *text)
{
	return text ? arena_dup(&s->arena, str_from(text)) : "";
}

static struct str keep_str(struct settings *s, struct str text)
{
	char *p = arena_dup(&s->arena, text);

	return p ? str_from_n(p, text.n) : STR_NONE;
}

/* ---- callers ---- */

static enum auth_role role_from(struct str word)
{
	if (str_eq_c(word, "agent"))
		return ROLE_AGENT;
	if (str_eq_c(word, "approver"))
		return ROLE_APPROVER;
	if (word.n == 0 || str_eq_c(word, "admin"))
		return ROLE_ADMIN;
	return ROLE_NONE;
}

static struct str scalar(const struct ynode *map, const char *key)
{
	const struct ynode *n = ynode_get(map, key);

	return n && n->type == YNODE_SCALAR ? n->text : STR_NONE;
}

static int add_key(struct settings *s, const char *path,
		   const struct ynode *entry, struct diag *diag)
{
	struct api_key k = {
		.id = keep_str(s, scalar(entry, "id")),
		.key = keep_str(s, scalar(entry, "key")),
		.role = role_from(scalar(entry, "role")),
	};

	if (k.key.n == 0 || k.role == ROLE_NONE) {
		diag_error(diag, path, entry->line, entry->column,
			   "an API key needs a `key`, and a `role` of agent, "
			   "approver or admin");
		return -EINVAL;
	}
	return vec_push(&s->keys, k);
}

static int load_keys(struct settings *s, const char *path, struct diag *diag)
{
	_cleanup_arena_ struct arena a = ARENA_INIT(1U << 20);
	_cleanup_buf_ struct buf text = BUF_INIT;
	const struct yamldoc_caps caps = { KEY_FILE_MAX, 4096, 8 };
	const struct ynode *doc;
	int r = fd_read_file(AT_FDCWD, path, KEY_FILE_MAX, &text);

	if (r < 0) {
		diag_error(diag, path, 0, 0, "auth.api_key.keys_file: %s",
			   strerror(-r));
		return r;
	}
	r = yamldoc_parse(&a, path, buf_str(&text), &caps, &doc, diag);
	if (r == 0 && doc->type != YNODE_SEQUENCE) {
		diag_error(diag, path, 1, 1, "a list of API keys is expected");
		r = -EINVAL;
	}
	if (r < 0)
		return r;
	ynode_foreach(it, doc)
	{
		r = add_key(s, path, it->value, diag);
		if (r < 0)
			return r;
	}
	return 0;
}

static int set_auth(struct settings *s, const struct config *c,
		    struct diag *diag)
{
	s->key_header = keep(s, c->auth.api_key.header_name);
	if (c->development.disable_auth || c->auth.type == CONFIG_AUTH_NONE)
		return 0;
	if (c->auth.type != CONFIG_AUTH_API_KEY) {
		diag_error(diag, c->file, 0, 0,
			   "auth.type: only none and api_key are supported");
		return -EINVAL;
	}
	s->auth = AUTH_API_KEY;
	if (!c->auth.api_key.keys_file || !c->auth.api_key.keys_file[0]) {
		diag_error(diag, c->file, 0, 0,
			   "auth.type: api_key needs auth.api_key.keys_file");
		return -EINVAL;
	}
	return load_keys(s, c->auth.api_key.keys_file, diag);
}

/* ---- audit ---- */

static int load_integrity(struct settings *s, const struct config *c,
			  struct diag *diag)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	const char *env;
	int r = 0;

	if (!c->audit.integrity.enabled)
		return 0;
	s->integrity_sha512 = c->audit.integrity.algorithm ==
			      CONFIG_INTEGRITY_HMAC_SHA512;
	if (c->audit.integrity.key_source <= CONFIG_KEY_FILE &&
	    c->audit.integrity.key_file) {
		r = fd_read_file(AT_FDCWD, c->audit.integrity.key_file,
				 KEY_FILE_MAX, &text);
	} else if (c->audit.integrity.key_source <= CONFIG_KEY_ENV &&
		   c->audit.integrity.key_env) {
		env = getenv(c->audit.integrity.key_env);
		buf_puts(&text, env ? env : "");
	} else {
		r = -EINVAL;
	}
	s->integrity_key = keep_str(s, str_trim(buf_str(&text)));
	if (r == 0 && s->integrity_key.n >= INTEGRITY_KEY_MIN)
		return 0;
	diag_error(diag, c->file, 0, 0,
		   "audit.integrity: needs a key of at least %d bytes from "
		   "key_source file or env",
		   INTEGRITY_KEY_MIN);
	return -EINVAL;
}

static unsigned int positive(int64_t v, unsigned int dflt)
{
	return v > 0 && v <= INT32_MAX ? (unsigned int)v : dflt;
}

static int set_audit(struct settings *s, const struct config *c,
		     struct diag *diag)
{
	s->sqlite_path = c->audit.storage.enabled
				 ? keep(s, c->audit.storage.sqlite_path)
				 : "";
	s->jsonl_path = keep(s, c->audit.output);
	s->rotate_bytes = (uint64_t)positive(c->audit.rotation.max_size_mb, 500)
			  << 20;
	s->max_backups = positive(c->audit.rotation.max_backups, 10);
	s->audit_max_age_ns = c->audit.rotation.max_age_days > 0
				      ? c->audit.rotation.max_age_days * DAY_NS
				      : 0;
	s->batch_size = positive(c->audit.storage.batch_size, 512);
	s->flush_interval_ns = c->audit.storage.flush_interval > 0
				       ? c->audit.storage.flush_interval
				       : DEFAULT_FLUSH_NS;
	return load_integrity(s, c, diag);
}

/* ---- listeners ---- */

static int split_addr(struct settings *s, const char *file, struct diag *diag)
{
	struct str addr = str_from(s->http_addr), host;
	ptrdiff_t colon = str_rindex(addr, ':');
	int64_t port = 0;

	if (colon < 0 || num_parse_range(str_skip(addr, (size_t)colon + 1), 0,
					 65535, &port) < 0) {
		diag_error(diag, file, 0, 0,
			   "server.http.addr: \"%s\" is not HOST:PORT",
			   s->http_addr);
		return -EINVAL;
	}
	host = str_from_n(addr.p, (size_t)colon);
	if (str_starts(host, STR("[")) && str_ends(host, STR("]")))
		host = str_from_n(host.p + 1, host.n - 2);
	s->http_host = arena_dup(&s->arena, host);
	s->http_port = (uint16_t)port;
	return s->http_host ? 0 : -ENOMEM;
}

static int set_listeners(struct settings *s, const struct config *c,
			 struct diag *diag)
{
	const char *mode = c->server.unix_socket.permissions;
	uint32_t bits = 0660;

	s->http_addr = keep(s, c->server.http.addr);
	s->read_timeout_ns = (uint64_t)MAX(c->server.http.read_timeout, 0);
	s->write_timeout_ns = (uint64_t)MAX(c->server.http.write_timeout, 0);
	s->max_request_bytes = c->server.http.max_request_size
				       ? c->server.http.max_request_size
				       : 10000000;
	s->unix_enabled = c->server.unix_socket.enabled;
	s->unix_path = keep(s, c->server.unix_socket.path);
	if (mode && mode[0] &&
	    (num_parse_octal(str_from(mode), &bits) < 0 || bits > 0777)) {
		diag_error(diag, c->file, 0, 0,
			   "server.unix_socket.permissions: \"%s\" is not an "
			   "octal mode such as 0660",
			   mode);
		return -EINVAL;
	}
	s->unix_mode = (mode_t)bits;
	return split_addr(s, c->file, diag);
}

/* ---- the rest ---- */

static int copy_list(struct settings *s, const struct ystrings *from, void *vec)
{
	VEC(struct str) *to = vec;

	for (size_t i = 0; i < from->n; i++)
		if (vec_push(to, keep_str(s, from->v[i])) < 0)
			return -ENOMEM;
	return 0;
}

static int set_sessions(struct settings *s, const struct config *c)
{
	int r;

	s->sessions_dir = keep(s, c->sessions.base_dir);
	s->max_sessions = positive(c->sessions.max_sessions, LIMIT_SESSIONS);
	s->session_timeout_ns = c->sessions.default_timeout;
	s->idle_timeout_ns = c->sessions.default_idle_timeout;
	s->cleanup_ns = c->sessions.cleanup_interval > 0
				? c->sessions.cleanup_interval
				: DEFAULT_CLEANUP_NS;
	s->real_paths = c->sessions.real_paths;
	s->policies_dir = keep(s, c->policies.dir);
	s->trust_store = keep(s, c->policies.signing.trust_store);
	s->signing = c->policies.signing.mode;
	s->policy_manifest = keep(s, c->policies.manifest_path);
	s->reload_ns = MAX(c->policies.reload_interval, 0);
	s->default_policy = keep(s, c->policies.default_name);
	s->detect_project_root = c->policies.detect_project_root;
	r = copy_list(s, &c->policies.allowed, &s->allowed_policies);
	if (r == 0)
		r = copy_list(s, &c->policies.project_markers,
			      &s->project_markers);
	return r;
}

/*
 * security: a mode as a condition, by the layers it stands for; strict makes
 * one of the chosen mode and of everything that is switched on.
 */
static int require_security(struct settings *s, const struct config *c)
{
	bool strict = c->security.strict;
	unsigned int mode = c->security.mode, least = c->security.minimum_mode;
	bool full = least == CONFIG_MINIMUM_FULL ||
		    (strict && mode == CONFIG_SECURITY_FULL);
	bool mounted = full || least == CONFIG_MINIMUM_LANDLOCK ||
		       (strict && mode == CONFIG_SECURITY_LANDLOCK);
	bool landlock = mounted || least == CONFIG_MINIMUM_LANDLOCK_ONLY ||
			(strict && (mode == CONFIG_SECURITY_LANDLOCK_ONLY ||
				    c->landlock.enabled));
	const struct {
		bool wanted;
		const char *what;
	} all[] = {
		{ landlock, "landlock" },
		{ full || (strict && c->sandbox.seccomp.enabled), "commands" },
		{ mounted || (strict && c->sandbox.fuse.enabled), "fuse" },
		{ strict && c->sandbox.cgroups.enabled, "cgroups" },
		{ strict && c->sandbox.ptrace.enabled, "ptrace" },
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(all); i++)
		if (all[i].wanted)
			r = vec_push(&s->required, str_from(all[i].what));
	return r;
}

static int set_commands(struct settings *s, const struct config *c)
{
	const struct ystrmap *env = &c->sandbox.env_inject;

	for (size_t i = 0; i < env->n; i++) {
		struct setting_pair p = { keep_str(s, env->names[i]),
					  keep_str(s, env->values[i]) };

		if (vec_push(&s->env_inject, p) < 0)
			return -ENOMEM;
	}
	if (copy_list(s, &c->sandbox.require, &s->required) < 0)
		return -ENOMEM;
	/* fail_closed makes the layer a condition, as sandbox.require does. */
	if (c->sandbox.ptrace.enabled &&
	    c->sandbox.ptrace.on_attach_failure == CONFIG_ATTACH_FAIL_CLOSED &&
	    vec_push(&s->required, STR("ptrace")) < 0)
		return -ENOMEM;
	if (require_security(s, c) < 0)
		return -ENOMEM;
	s->opaque = (enum config_opaque)c->sandbox.seccomp.shellc.opaque;
	s->fast_reads =
		config_on(c->sandbox.seccomp.file_monitor.enabled) &&
		config_on(c->sandbox.seccomp.file_monitor.write_only_opens);
	s->trash_dir = keep(s, c->sandbox.fuse.audit.trash_path);
	s->cgroups = c->sandbox.cgroups.enabled;
	s->limit_memory_mb = (uint64_t)MAX(c->sandbox.limits.max_memory_mb, 0);
	s->limit_cpu_percent = positive(c->sandbox.limits.max_cpu_percent, 0);
	s->limit_pids = positive(c->sandbox.limits.max_processes, 0);
	s->cgroup_base = keep(s, c->sandbox.cgroups.base_path);
	s->net_proxy = c->sandbox.network.enabled;
	s->net_listen = keep(s, c->sandbox.network.proxy_listen_addr);
	s->net_namespace = s->net_proxy &&
			   c->sandbox.network.transparent.enabled;
	return settings_set_workers(s, c);
}

/*
 * Text on stderr has no time: it is a terminal, or the journal or container
 * log, which stamps lines itself.
 */
static void set_logging(struct settings *s, const struct config *c)
{
	static const enum log_level LEVELS[] = {
		[CONFIG_LEVEL_ERROR] = LOG_LEVEL_ERROR,
		[CONFIG_LEVEL_WARN] = LOG_LEVEL_WARN,
		[CONFIG_LEVEL_INFO] = LOG_LEVEL_INFO,
		[CONFIG_LEVEL_DEBUG] = LOG_LEVEL_DEBUG,
	};
	struct logfile_options *o = &s->log;
	const char *output = keep(s, c->logging.output);

	o->level = c->logging.level < ARRAY_LEN(LEVELS)
			   ? LEVELS[c->logging.level]
			   : LOG_LEVEL_INFO;
	o->to_stdout = strcmp(output, "stdout") == 0;
	o->path = o->to_stdout || strcmp(output, "stderr") == 0 ? "" : output;
	o->form = c->logging.format == CONFIG_FORMAT_JSON ? LOG_FORM_JSON
		  : o->path[0]                            ? LOG_FORM_STAMPED
							  : LOG_FORM_TEXT;
	o->rotate_bytes = (uint64_t)positive(c->logging.rotation.max_size_mb, 0)
			  << 20;
	o->max_backups = positive(c->logging.rotation.max_backups, 5);
	o->max_age_ns = c->logging.rotation.max_age_days > 0
				? c->logging.rotation.max_age_days * DAY_NS
				: 0;
}

static void set_misc(struct settings *s, const struct config *c)
{
	static const char *const MODES[] = { "local_tty", "api", "totp",
					     "webauthn" };

	s->config_path = keep(s, c->file);
	s->approvals = c->approvals.enabled;
	s->approvals_mode = c->approvals.mode < ARRAY_LEN(MODES)
				    ? MODES[c->approvals.mode]
				    : "local_tty";
	s->exec_approval_timeout_ns =
		MAX(c->sandbox.seccomp.execve.approval_timeout, INT64_C(0));
	s->approval_timeout_ns = c->approvals.timeout > 0 ? c->approvals.timeout
							  : DEFAULT_APPROVAL;
	s->health_path = keep(s, c->health.path);
	s->ready_path = keep(s, c->health.readiness_path);
	s->metrics = c->metrics.enabled;
	s->metrics_path = keep(s, c->metrics.path);
}

static int copy(struct settings *s, const struct config *c, struct diag *diag)
{
	int r = set_listeners(s, c, diag);

	if (r == 0)
		r = set_auth(s, c, diag);
	if (r == 0)
		r = set_audit(s, c, diag);
	if (r == 0)
		r = set_sessions(s, c);
	if (r == 0)
		r = profiles_set(s, c, diag);
	if (r == 0)
		r = settings_check_sockets(c, diag);
	if (r == 0)
		r = set_commands(s, c);
	if (r == 0)
		r = settings_set_proxy(s, c, diag);
	if (r == 0)
		r = settings_set_net(s, c, diag);
	if (r == 0)
		r = settings_set_edge(s, c);
	set_misc(s, c);
	set_logging(s, c);
	return r;
}

int settings_load(const char *path, struct settings *ret, struct diag *diag)
{
	struct settings s = { .arena = ARENA_INIT(SETTINGS_ARENA_MAX) };
	_cleanup_(config_free_p) struct config *c = NULL;
	_cleanup_buf_ struct buf found = BUF_INIT;
	enum config_source source = config_find(path, environ, &found);
	int r;

	if (found.error)
		return found.error;
	r = config_load(buf_cstr(&found), source, environ, &c, diag);
	if (r == 0 && source == CONFIG_SOURCE_PACKAGED)
		diag_warn(diag, buf_cstr(&found), 0, 0,
			  "no configuration is installed: using the packaged "
			  "one, data in %s",
			  c->data_dir);
	if (r == 0)
		r = copy(&s, c, diag);
	if (r < 0) {
		settings_done(&s);
		return r;
	}
	*ret = s;
	return 0;
}

void settings_done(struct settings *s)
{
	if (s->integrity_key.n)
		explicit_bzero((void *)(uintptr_t)s->integrity_key.p,
			       s->integrity_key.n);
	if (s->webhook.settings.n) /* its headers may hold a key */
		explicit_bzero((void *)(uintptr_t)s->webhook.settings.p,
			       s->webhook.settings.n);
	vec_done(&s->keys);
	vec_done(&s->allowed_policies);
	vec_done(&s->profiles);
	vec_done(&s->project_markers);
	vec_done(&s->required);
	vec_done(&s->env_inject);
	vec_done(&s->dlp_shown);
	vec_done(&s->llm_providers);
	arena_done(&s->arena);
}

static bool is_loopback(const char *host)
{
	struct str h = str_from(host);

	return str_eq_c(h, "localhost") || str_eq_c(h, "::1") ||
	       str_starts(h, STR("127."));
}

int settings_refuse(const struct settings *s, struct buf *out)
{
	if (s->auth == AUTH_NONE && !is_loopback(s->http_host)) {
		buf_printf(out,
			   "refusing to listen on \"%s\" with auth.type=none "
			   "(use 127.0.0.1/localhost or enable auth)",
			   s->http_addr);
		return -EPERM;
	}
	if (s->approvals && str_eq_c(str_from(s->approvals_mode), "api") &&
	    s->auth == AUTH_NONE) {
		buf_puts(out, "approvals.mode=api requires auth.type=api_key "
			      "(auth is disabled)");
		return -EPERM;
	}
	return 0;
}
