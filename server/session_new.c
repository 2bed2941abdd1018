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
#include "server/project.h"
#include "server/session_priv.h"
#include "server/state.h"

#define VIRTUAL_ROOT "/workspace"

int session_fail(struct session_failure *f, unsigned int status, int r,
		 const char *fmt, ...)
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
			  struct session_failure *f)
{
	_cleanup_free_ char *name = NULL;
	char real[PATH_MAX];
	struct stat st;

	if (given.n == 0)
		return session_fail(f, 400, -EINVAL, "workspace is required");
	name = str_dup(given);
	if (!name)
		return -ENOMEM;
	if (str_index(given, '\0') >= 0 || !realpath(name, real) ||
	    stat(real, &st) < 0)
		return session_fail(f, 400, -ENOENT, "workspace stat: %s: %s",
				    name, strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return session_fail(f, 400, -ENOTDIR,
				    "workspace must be a directory");
	s->workspace = str_dup(str_from(real));
	return s->workspace ? 0 : -ENOMEM;
}

/* A profile without a workspace is about its first mount. */
static struct str workspace_of(const struct session *s,
			       const struct session_request *rq)
{
	if (rq->workspace.n == 0 && s->mounts.n > 0)
		return str_from(s->mounts.data[0].path);
	return rq->workspace;
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

static int set_id(struct session *s, struct str id, struct session_failure *f)
{
	char uuid[UUID_LEN + 1];

	if (id.n == 0) {
		uuid4(uuid);
		(void)snprintf(s->id, sizeof(s->id), "session-%s", uuid);
		return 0;
	}
	if (!session_id_valid(id))
		return session_fail(f, 400, -EINVAL, "invalid session id");
	if (session_find(s->app, id))
		return session_fail(f, 409, -EEXIST, "session already exists");
	(void)snprintf(s->id, sizeof(s->id), STR_FMT, STR_ARG(id));
	return 0;
}

static int record_created(struct session *s)
{
	_cleanup_buf_ struct buf mounts = BUF_INIT;
	struct event e = EVENT_INIT("session_created");
	struct json_writer w;

	e.session_id = str_from(s->id);
	event_add_str(&e, "workspace", str_from(s->workspace));
	event_add_str(&e, "policy", str_from(s->policy_name));
	event_add_str(&e, "project_root", str_from(s->project_root));
	event_add_str(&e, "git_root", str_from(s->git_root));
	if (s->profile) {
		json_writer_init(&w, &mounts, 0);
		session_put_mounts(s, &w);
		event_add_str(&e, "profile", str_from(s->profile));
		event_add_str(&e, "base_policy", str_from(s->policy_name));
		event_add_json(&e, "mounts", buf_str(&mounts));
	}
	return app_emit(s->app, &e);
}

static int build(struct session *s, const struct session_request *rq,
		 struct session_failure *f)
{
	struct app *app = s->app;
	unsigned int max = app->cfg.max_sessions ? app->cfg.max_sessions
						 : LIMIT_SESSIONS;
	int r = set_id(s, rq->id, f);

	if (r < 0)
		return r;
	if (app->n_sessions >= max)
		return session_fail(f, 400, -EBUSY, "max sessions reached");
	r = session_find_profile(s, rq, f);
	if (r == 0)
		r = find_workspace(s, workspace_of(s, rq), f);
	if (r == 0)
		r = set_roots(s, rq);
	if (r == 0)
		r = session_load_policy(s, rq->policy, f);
	return r;
}

int session_create(struct app *app, const struct session_request *rq,
		   struct session **ret, unsigned int *ret_status,
		   struct buf *err)
{
	_cleanup_(session_free_p) struct session *s = calloc(1, sizeof(*s));
	struct session_failure f = { 500, err };
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
		r = session_fail(&f, 503, -EIO, "cannot record the session");
	if (r < 0) {
		if (err->len == 0)
			(void)session_fail(&f, 500, r, "%s", strerror(-r));
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
