/* SPDX-License-Identifier: MIT */
/*
 * session_new.c - making a session: workspace, policy, first worker
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/path.h"
#include "core/limits.h"
#include "server/home.h"
#include "server/policy_file.h"
#include "server/project.h"
#include "server/session_priv.h"
#include "server/state.h"

#define VIRTUAL_ROOT "/workspace"

struct failure {
	unsigned int status;
	struct buf *text;
};

static int fail(struct failure *f, unsigned int status, int r, const char *fmt,
		...) _printf_(4, 5);

static int fail(struct failure *f, unsigned int status, int r, const char *fmt,
		...)
{
	va_list ap;

	f->status = status;
	buf_reset(f->text);
	va_start(ap, fmt);
	buf_vprintf(f->text, fmt, ap);
	va_end(ap);
	return r;
}

static int find_workspace(struct session *s, struct str given,
			  struct failure *f)
{
	_cleanup_free_ char *name = NULL;
	char real[PATH_MAX];
	struct stat st;

	if (given.n == 0)
		return fail(f, 400, -EINVAL, "workspace is required");
	name = str_dup(given);
	if (!name)
		return -ENOMEM;
	if (str_index(given, '\0') >= 0 || !realpath(name, real) ||
	    stat(real, &st) < 0)
		return fail(f, 400, -ENOENT, "workspace stat: %s: %s", name,
			    strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return fail(f, 400, -ENOTDIR, "workspace must be a directory");
	s->workspace = str_dup(str_from(real));
	return s->workspace ? 0 : -ENOMEM;
}

static int set_roots(struct session *s, const struct session_request *rq)
{
	const struct settings *cfg = &s->app->cfg;
	bool real = rq->has_real_paths ? rq->real_paths : cfg->real_paths;
	bool detect = rq->has_detect ? rq->detect_project_root
				     : cfg->detect_project_root;

	s->virtual_root =
		str_dup(real ? str_from(s->workspace) : STR(VIRTUAL_ROOT));
	s->cwd = str_dup(str_from(s->virtual_root));
	s->home = str_dup(rq->home.n ? rq->home : str_from(getenv("HOME")));
	if (!s->virtual_root || !s->cwd || !s->home)
		return -ENOMEM;
	if (rq->project_root.n == 0 && detect)
		return project_detect(cfg, s->workspace, &s->project_root,
				      &s->git_root);
	s->project_root = str_dup(rq->project_root.n ? rq->project_root
						     : str_from(s->workspace));
	s->git_root = str_dup(rq->project_root);
	return s->project_root && s->git_root ? 0 : -ENOMEM;
}

static bool policy_allowed(const struct settings *cfg, struct str name)
{
	if (cfg->allowed_policies.n == 0 || str_eq_c(name, cfg->default_policy))
		return true;
	for (size_t i = 0; i < cfg->allowed_policies.n; i++)
		if (str_eq(cfg->allowed_policies.data[i], name))
			return true;
	return false;
}

static bool policy_name_valid(struct str name)
{
	if (name.n == 0 || name.n > 200 || name.p[0] == '.')
		return false;
	return str_index(name, '/') < 0 && str_index(name, '\0') < 0;
}

static void warn_unsigned(const struct buf *path, const struct buf *why)
{
	if (why->len)
		log_warn("policy %s is used although not vouched for: %s",
			 buf_cstr(path), buf_cstr(why));
}

static int compile(const struct session *s, uint32_t generation,
		   const char *path, struct str text, struct policy **ret,
		   struct buf *ret_error)
{
	const struct str names[] = { STR("PROJECT_ROOT"), STR("GIT_ROOT"),
				     STR("HOME") };
	const struct str values[] = {
		str_from(s->project_root),
		str_from(s->git_root[0] ? s->git_root : s->project_root),
		str_from(s->home),
	};
	const struct policy_vars vars = { names, values, ARRAY_LEN(names),
					  environ };
	struct diag *diag = calloc(1, sizeof(*diag));
	int r;

	if (!diag)
		return -ENOMEM;
	r = policy_compile(path, text, &vars, generation, ret, diag);
	diag_first_error(diag, ret_error);
	diag_done(diag);
	free(diag);
	return r;
}

static int compile_first(struct session *s, const char *path, struct str text,
			 struct failure *f)
{
	_cleanup_buf_ struct buf first = BUF_INIT;
	int r = compile(s, s->generation, path, text, &s->policy, &first);
	bool undefined = str_find(buf_str(&first), STR("undefined variable")) >=
			 0;

	digest_sha256(text, s->policy_digest);
	if (r == 0)
		return 0;
	return fail(f, undefined ? 400 : 500, r, "%s policy: %s",
		    undefined ? "compile" : "load", buf_cstr(&first));
}

int session_reload_policy(struct session *s, struct buf *err)
{
	_cleanup_buf_ struct buf path = BUF_INIT, text = BUF_INIT,
				 why = BUF_INIT;
	uint8_t digest[SHA256_LEN];
	struct policy *fresh = NULL;
	int fd = -1;
	int r = policy_file_read(&s->app->cfg, str_from(s->policy_name), &path,
				 &text, &why);

	if (r < 0) {
		buf_printf(err, "%s: %s", buf_cstr(&path),
			   why.len ? buf_cstr(&why) : strerror(-r));
		return r;
	}
	warn_unsigned(&path, &why);
	digest_sha256(buf_str(&text), digest);
	if (memcmp(digest, s->policy_digest, sizeof(digest)) == 0)
		return 0;
	r = compile(s, s->generation + 1, buf_cstr(&path), buf_str(&text),
		    &fresh, err);
	if (r == 0)
		r = policy_to_fd(fresh, &fd);
	if (r < 0) {
		(void)policy_unref(fresh);
		return r;
	}
	memcpy(s->policy_digest, digest, sizeof(digest));
	(void)policy_unref(s->policy);
	(void)close(s->policy_fd);
	s->policy = fresh;
	s->policy_fd = fd;
	s->generation++;
	policy_limits(s->policy, &s->limits);
	return 1;
}

static int load_policy(struct session *s, struct str name, struct failure *f)
{
	_cleanup_buf_ struct buf path = BUF_INIT, text = BUF_INIT,
				 why = BUF_INIT;
	const struct settings *cfg = &s->app->cfg;
	int r;

	if (name.n == 0)
		name = str_from(cfg->default_policy);
	if (!policy_name_valid(name))
		return fail(f, 400, -EINVAL,
			    "resolve policy: invalid policy name");
	if (!policy_allowed(cfg, name))
		return fail(f, 400, -EPERM,
			    "resolve policy: policy \"" STR_FMT
			    "\" is not in policies.allowed",
			    STR_ARG(name));
	r = policy_file_read(cfg, name, &path, &text, &why);
	if (r == -ENOENT)
		return fail(f, 400, r,
			    "resolve policy: policy \"" STR_FMT
			    "\" not found in \"%s\"",
			    STR_ARG(name), cfg->policies_dir);
	if (r == -EKEYREJECTED)
		return fail(f, 403, r, "load policy: %s: %s", buf_cstr(&path),
			    buf_cstr(&why));
	if (r < 0)
		return fail(f, 500, r, "load policy: %s: %s", buf_cstr(&path),
			    strerror(-r));
	warn_unsigned(&path, &why);
	s->policy_name = str_dup(name);
	if (!s->policy_name)
		return -ENOMEM;
	r = compile_first(s, buf_cstr(&path), buf_str(&text), f);
	if (r < 0)
		return r;
	policy_limits(s->policy, &s->limits);
	r = policy_to_fd(s->policy, &s->policy_fd);
	return r < 0 ? fail(f, 500, r, "load policy: %s", strerror(-r)) : 0;
}

static int set_id(struct session *s, struct str id, struct failure *f)
{
	char uuid[UUID_LEN + 1];

	if (id.n == 0) {
		uuid4(uuid);
		(void)snprintf(s->id, sizeof(s->id), "session-%s", uuid);
		return 0;
	}
	if (!session_id_valid(id))
		return fail(f, 400, -EINVAL, "invalid session id");
	if (session_find(s->app, id))
		return fail(f, 409, -EEXIST, "session already exists");
	(void)snprintf(s->id, sizeof(s->id), STR_FMT, STR_ARG(id));
	return 0;
}

static int record_created(struct session *s)
{
	struct event e = EVENT_INIT("session_created");

	e.session_id = str_from(s->id);
	event_add_str(&e, "workspace", str_from(s->workspace));
	event_add_str(&e, "policy", str_from(s->policy_name));
	event_add_str(&e, "project_root", str_from(s->project_root));
	event_add_str(&e, "git_root", str_from(s->git_root));
	return app_emit(s->app, &e);
}

static int build(struct session *s, const struct session_request *rq,
		 struct failure *f)
{
	struct app *app = s->app;
	unsigned int max = app->cfg.max_sessions ? app->cfg.max_sessions
						 : LIMIT_SESSIONS;
	int r = set_id(s, rq->id, f);

	if (r < 0)
		return r;
	if (app->n_sessions >= max)
		return fail(f, 400, -EBUSY, "max sessions reached");
	r = find_workspace(s, rq->workspace, f);
	if (r == 0)
		r = set_roots(s, rq);
	if (r == 0)
		r = load_policy(s, rq->policy, f);
	return r;
}

int session_create(struct app *app, const struct session_request *rq,
		   struct session **ret, unsigned int *ret_status,
		   struct buf *err)
{
	_cleanup_(session_free_p) struct session *s = calloc(1, sizeof(*s));
	struct failure f = { 500, err };
	int r;

	if (!s)
		return -ENOMEM;
	s->app = app;
	s->policy_fd = -1;
	s->mount_ns = s->mount_root = s->mount_user_ns = -1;
	s->net_ns = s->user_ns = -1;
	s->attribution = -1;
	s->generation = 1;
	s->created_ns = clock_realtime_ns();
	s->created_mono = s->last_used_mono = clock_monotonic_ns();
	if (rq->restored)
		s->generation = MAX(rq->generation, 1U);
	r = build(s, rq, &f);
	if (r == 0 && !rq->restored && record_created(s) < 0)
		r = fail(&f, 503, -EIO, "cannot record the session");
	if (r < 0) {
		if (err->len == 0)
			(void)fail(&f, 500, r, "%s", strerror(-r));
		*ret_status = f.status;
		return r;
	}
	s->next = app->sessions;
	s->link = &app->sessions;
	if (s->next)
		s->next->link = &s->next;
	home_prepare(s);
	app->sessions = s;
	app->n_sessions++;
	state_changed(s);
	if (rq->restored) {
		*ret = TAKE(s);
		return 0;
	}
	/* The first command finds it ready; a failure is told then. */
	(void)session_need_tracer(s);
	*ret = TAKE(s);
	return 0;
}
