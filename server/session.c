/* SPDX-License-Identifier: MIT */
/*
 * session.c - the table of sessions, their state, streams and end
 */
#include "server/session.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/path.h"
#include "server/approvals.h"
#include "server/exec.h"
#include "server/home.h"
#include "server/session_priv.h"
#include "server/state.h"
#include "server/worker.h"

bool session_id_valid(struct str id)
{
	if (id.n == 0 || id.n > SESSION_ID_MAX)
		return false;
	for (size_t i = 0; i < id.n; i++) {
		char c = id.p[i];
		bool alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
			     (c >= 'A' && c <= 'Z');

		if (!alnum && (i == 0 || (c != '_' && c != '-')))
			return false;
	}
	return true;
}

struct session *session_find(struct app *app, struct str id)
{
	struct session *s = app->sessions;

	while (s && !str_eq_c(id, s->id))
		s = s->next;
	return s;
}

struct command *session_command(struct session *s, struct str id)
{
	struct command *c = s->commands;

	while (c && !str_eq_c(id, c->id))
		c = c->next;
	return c;
}

void session_touch(struct session *s)
{
	s->last_used_mono = clock_monotonic_ns();
}

/* ---- environment ---- */

static struct session_var *find_var(const struct session *s, struct str name)
{
	for (size_t i = 0; i < s->env.n; i++)
		if (str_eq_c(name, s->env.data[i].name))
			return &s->env.data[i];
	return NULL;
}

int session_env_set(struct session *s, struct str name, struct str value)
{
	struct session_var *v = find_var(s, name);
	_cleanup_free_ char *text = NULL, *key = NULL;
	int r;

	if (name.n == 0 || str_index(name, '=') >= 0 ||
	    str_index(name, '\0') >= 0 || str_index(value, '\0') >= 0)
		return -EINVAL;
	text = str_dup(value);
	if (!text)
		return -ENOMEM;
	state_changed(s);
	if (v) {
		free(v->value);
		v->value = TAKE(text);
		return 0;
	}
	if (s->env.n >= SESSION_MAX_ENV)
		return -E2BIG;
	key = str_dup(name);
	if (!key)
		return -ENOMEM;
	r = vec_push(&s->env, (struct session_var){ key, text });
	if (r < 0)
		return r;
	(void)TAKE(key);
	(void)TAKE(text);
	return 0;
}

void session_env_unset(struct session *s, struct str name)
{
	struct session_var *v = find_var(s, name);

	if (!v)
		return;
	state_changed(s);
	free(v->name);
	free(v->value);
	*v = s->env.data[--s->env.n];
}

/* ---- paths ---- */

/* Label to path: the virtual root stands for the workspace. */
static int label_to_path(const struct session *s, struct str label,
			 struct buf *ret_label, struct buf *ret_path)
{
	_cleanup_buf_ struct buf clean = BUF_INIT;
	struct str root = str_from(s->virtual_root);
	int r = path_join(str_from(s->cwd), label.n ? label : str_from(s->cwd),
			  &clean);

	if (r < 0)
		return r;
	if (path_beneath(buf_str(&clean), root)) {
		buf_puts(ret_path, s->workspace);
		buf_put_str(ret_path, str_skip(buf_str(&clean), root.n));
		buf_put_str(ret_label, buf_str(&clean));
	} else if (path_beneath(buf_str(&clean), str_from(s->workspace))) {
		/* the real directory is as good a name for it */
		buf_put_str(ret_path, buf_str(&clean));
		buf_put_str(ret_label, root);
		buf_put_str(ret_label,
			    str_skip(buf_str(&clean), strlen(s->workspace)));
	} else {
		return -EXDEV;
	}
	return ret_path->error ? ret_path->error : ret_label->error;
}

int session_real_path(const struct session *s, struct str label,
		      struct buf *ret_real)
{
	_cleanup_buf_ struct buf name = BUF_INIT;

	return label_to_path(s, label, &name, ret_real);
}

int session_resolve_dir(const struct session *s, struct str label,
			struct buf *ret_real, struct buf *ret_label)
{
	_cleanup_buf_ struct buf path = BUF_INIT, name = BUF_INIT;
	_cleanup_close_ int fd = -1;
	int r = label_to_path(s, label, &name, &path);

	if (r < 0)
		return r;
	fd = open(buf_cstr(&path), O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	/* Where the kernel ended up, links and all. */
	r = path_of_fd(fd, ret_real);
	if (r < 0)
		return r;
	if (!path_beneath(buf_str(ret_real), str_from(s->workspace)))
		return -EXDEV;
	if (ret_label)
		buf_put_str(ret_label, buf_str(&name));
	return ret_label ? ret_label->error : 0;
}

int session_set_cwd(struct session *s, struct str label)
{
	_cleanup_buf_ struct buf real = BUF_INIT, name = BUF_INIT;
	int r = session_resolve_dir(s, label, &real, &name);
	char *cwd;

	if (r < 0)
		return r;
	cwd = buf_take(&name);
	if (!cwd)
		return -ENOMEM;
	free(s->cwd);
	s->cwd = cwd;
	state_changed(s);
	return 0;
}

/* ---- event streams ---- */

static void on_subscriber_gone(void *arg)
{
	struct subscriber *sub = arg;
	struct subscriber **at = &sub->session->subs;

	while (*at != sub)
		at = &(*at)->next;
	*at = sub->next;
	sub->session->n_subs--;
	free(sub);
}

int session_subscribe(struct session *s, struct http_conn *c)
{
	struct subscriber *sub;

	if (s->n_subs >= SESSION_MAX_SUBS)
		return -EBUSY;
	sub = calloc(1, sizeof(*sub));
	if (!sub)
		return -ENOMEM;
	sub->session = s;
	sub->conn = c;
	sub->next = s->subs;
	s->subs = sub;
	s->n_subs++;
	http_on_gone(c, on_subscriber_gone, sub);
	http_stream_begin(c, "text/event-stream");
	(void)http_stream_write(c, STR("event: ready\ndata: {}\n\n"));
	return 0;
}

void session_publish(struct session *s, struct str event_json)
{
	_cleanup_buf_ struct buf frame = BUF_INIT;
	struct subscriber *next;

	if (!s->subs)
		return;
	buf_puts(&frame, "data: ");
	buf_put_str(&frame, event_json);
	buf_puts(&frame, "\n\n");
	for (struct subscriber *sub = s->subs; sub; sub = next) {
		next = sub->next; /* a write may find it gone */
		if (frame.error ||
		    http_stream_write(sub->conn, buf_str(&frame)) < 0)
			s->app->metrics.sse_dropped++;
	}
}

static void end_streams(struct session *s)
{
	while (s->subs) {
		struct subscriber *sub = s->subs;
		struct http_conn *c = sub->conn;

		s->subs = sub->next;
		free(sub);
		http_on_gone(c, NULL, NULL);
		http_stream_end(c);
	}
}

/* ---- JSON ---- */

void session_to_json(const struct session *s, struct json_writer *w)
{
	_cleanup_buf_ struct buf when = BUF_INIT;

	clock_format_rfc3339(&when, s->created_ns);
	json_begin_object(w);
	json_kv_cstr(w, "id", s->id);
	json_kv_cstr(w, "state", s->commands ? "busy" : "ready");
	json_kv_str(w, "created_at", buf_str(&when));
	json_kv_cstr(w, "workspace", s->workspace);
	json_kv_cstr(w, "workspace_mount",
		     s->workspace_mount ? s->workspace_mount : s->workspace);
	json_kv_cstr(w, "policy", s->policy_name);
	if (s->profile) {
		json_kv_cstr(w, "profile", s->profile);
		json_key(w, "mounts");
		session_put_mounts(s, w);
	}
	json_kv_i64(w, "policy_generation", s->generation);
	json_kv_cstr(w, "cwd", s->cwd);
	json_kv_cstr(w, "virtual_root", s->virtual_root);
	json_kv_str_opt(w, "proxy_url", buf_str(&s->proxy_url));
	if (s->llm.on)
		json_kv_str(w, "llm_proxy_url", buf_str(&s->proxy_url));
	json_kv_str_opt(w, "project_root", str_from(s->project_root));
	json_kv_str_opt(w, "git_root", str_from(s->git_root));
	if (s->layers.len) {
		json_key(w, "protection");
		json_raw(w, buf_str(&s->layers));
	}
	json_end_object(w);
}

/* ---- the end ---- */

void session_free(struct session *s)
{
	if (!s)
		return;
	home_tidy(s);
	session_announce(s);
	for (size_t i = 0; i < s->env.n; i++) {
		free(s->env.data[i].name);
		free(s->env.data[i].value);
	}
	for (size_t i = 0; i < s->history.n; i++)
		free(s->history.data[i]);
	vec_done(&s->env);
	vec_done(&s->history);
	free(s->workspace);
	free(s->policy_name);
	free(s->profile);
	for (size_t i = 0; i < s->mounts.n; i++)
		free(s->mounts.data[i].path);
	vec_done(&s->mounts);
	free(s->cwd);
	free(s->virtual_root);
	free(s->home);
	free(s->project_root);
	free(s->git_root);
	buf_done(&s->layers);
	buf_done(&s->unmet);
	buf_done(&s->weakness);
	buf_done(&s->proxy_url);
	free(s->llm.phantoms);
	session_forget_namespaces(s);
	free(s->clients);
	(void)policy_unref(s->policy);
	if (s->policy_fd >= 0)
		(void)close(s->policy_fd);
	free(s);
}

void session_destroy(struct session *s, const char *event,
		     const char *expired_by)
{
	struct app *app = s->app;

	while (s->commands)
		command_abort(s->commands, "the session has ended");
	approvals_drop_session(app, s);
	s->tracer = worker_stop(s->tracer);
	s->tracer_state = WORKER_NONE;
	s->proxy = worker_stop(s->proxy);
	session_close_ports(s, false);
	session_remove_trust(s);
	s->proxy_state = WORKER_NONE;
	session_stop_vfs(s);
	if (event) {
		(void)app_emit_simple(app, s, event,
				      expired_by ? "expired_by" : NULL,
				      str_from(expired_by));
		state_remove(s);
	}
	end_streams(s);
	*s->link = s->next;
	if (s->next)
		s->next->link = s->link;
	app->n_sessions--;
	session_free(s);
}

static bool is_over(uint64_t since, int64_t a, int64_t b)
{
	uint64_t age = clock_monotonic_ns() - since;
	int64_t limit = a > 0 && (b <= 0 || a < b) ? a : b;

	return limit > 0 && age > (uint64_t)limit;
}

void sessions_expire(struct app *app)
{
	struct session *next;

	for (struct session *s = app->sessions; s; s = next) {
		next = s->next;
		if (is_over(s->created_mono, s->limits.session_timeout_ns,
			    app->cfg.session_timeout_ns))
			session_destroy(s, "session_expired",
					"session_timeout");
		else if (!s->commands &&
			 is_over(s->last_used_mono, s->limits.idle_timeout_ns,
				 app->cfg.idle_timeout_ns))
			session_destroy(s, "session_expired", "idle_timeout");
	}
}
