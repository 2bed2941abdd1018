/* SPDX-License-Identifier: MIT */
/*
 * state.c - sessions outlive the server that made them
 *
 *	server_started ... server_stopped     an orderly life
 *	server_started ... server_started     the first one was killed
 *
 * In the second case there is a gap between the last event of the first life
 * and the second server_started, which names both ends. What ran was killed by
 * its tracer when the channel closed: a command_finished with an error is
 * written for each command that has none.
 *
 * Records are not synced: they are for a server that died, not for a machine
 * that did, and a half-written one is never seen (rename).
 */
#include "server/state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "server/session_priv.h"

#define RECORD       "session.json"
#define RECORD_BYTES (4U << 20)

/* ---- writing ---- */

static void format(const struct session *s, struct buf *out)
{
	struct json_writer w;

	json_writer_init(&w, out, 0);
	json_begin_object(&w);
	json_kv_cstr(&w, "id", s->id);
	json_kv_i64(&w, "created_ns", s->created_ns);
	json_kv_cstr(&w, "workspace", s->workspace);
	json_kv_cstr(&w, "policy", s->policy_name);
	if (s->profile)
		json_kv_cstr(&w, "profile", s->profile);
	json_kv_cstr(&w, "cwd", s->cwd);
	json_kv_cstr(&w, "virtual_root", s->virtual_root);
	json_kv_cstr(&w, "home", s->home);
	json_kv_cstr(&w, "project_root", s->project_root);
	json_kv_cstr(&w, "git_root", s->git_root);
	json_kv_i64(&w, "generation", s->generation);
	json_key(&w, "env");
	json_begin_object(&w);
	for (size_t i = 0; i < s->env.n; i++)
		json_kv_cstr(&w, s->env.data[i].name, s->env.data[i].value);
	json_end_object(&w);
	json_end_object(&w);
}

static int write_record(const struct session *s)
{
	_cleanup_buf_ struct buf text = BUF_INIT, dir = BUF_INIT;
	_cleanup_close_ int at = -1, fd = -1;

	format(s, &text);
	buf_printf(&dir, "%s/%s", s->app->cfg.sessions_dir, s->id);
	if (text.error || dir.error)
		return -ENOMEM;
	if (mkdir(buf_cstr(&dir), 0700) < 0 && errno != EEXIST)
		return -errno;
	at = open(buf_cstr(&dir), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (at < 0)
		return -errno;
	fd = openat(at, RECORD ".new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
		    0600);
	if (fd < 0)
		return -errno;
	if (fd_write_full(fd, text.data, text.len) < 0)
		return -EIO;
	return renameat(at, RECORD ".new", at, RECORD) < 0 ? -errno : 0;
}

void state_write(struct app *app)
{
	for (struct session *s = app->sessions; s; s = s->next) {
		int r = s->state_dirty ? write_record(s) : 0;

		s->state_dirty = false;
		if (r < 0)
			(void)log_warn_errno(r, "session %s: not written down",
					     s->id);
	}
}

static void write_changed(struct loop *l, void *arg)
{
	struct app *app = arg;

	(void)l;
	app->state_armed = false;
	state_write(app);
}

void state_changed(struct session *s)
{
	struct app *app = s->app;

	if (app->trial || !app->cfg.sessions_dir[0])
		return;
	s->state_dirty = true;
	if (!app->state_armed)
		app->state_armed = loop_defer(app->loop, write_changed, app) ==
				   0;
}

void state_remove(const struct session *s)
{
	_cleanup_buf_ struct buf path = BUF_INIT;

	if (s->app->trial || !s->app->cfg.sessions_dir[0])
		return;
	buf_printf(&path, "%s/%s/" RECORD, s->app->cfg.sessions_dir, s->id);
	(void)unlink(buf_cstr(&path));
	buf_puts(&path, ".new");
	(void)unlink(buf_cstr(&path));
	buf_reset(&path);
	buf_printf(&path, "%s/%s", s->app->cfg.sessions_dir, s->id);
	(void)rmdir(buf_cstr(&path)); /* stays when there are logs in it */
}

/* ---- reading ---- */

static int set_text(char **at, const struct json *doc, const char *key)
{
	char *copy = str_dup(json_get_str(doc, key));

	if (!copy)
		return -ENOMEM;
	free(*at);
	*at = copy;
	return 0;
}

/* The rest of what it was; a directory that is gone is not mourned. */
static int adopt(struct session *s, const struct json *doc)
{
	int64_t created = json_get_i64(doc, "created_ns", s->created_ns);
	uint64_t age = (uint64_t)MAX(clock_realtime_ns() - created, 0);
	int r = set_text(&s->git_root, doc, "git_root");

	s->created_ns = created;
	s->created_mono -= MIN(age, s->created_mono);
	json_foreach(v, json_get(doc, "env"))
	{
		if (r == 0 && v->type == JSON_STRING)
			r = session_env_set(s, v->key, v->text);
	}
	if (r == 0 && session_set_cwd(s, json_get_str(doc, "cwd")) < 0)
		log_info("session %s: its directory is gone", s->id);
	return r;
}

static int restore(struct app *app, const struct json *doc)
{
	struct str virtual_root = json_get_str(doc, "virtual_root");
	const struct session_request rq = {
		.id = json_get_str(doc, "id"),
		.workspace = json_get_str(doc, "workspace"),
		.policy = json_get_str(doc, "policy"),
		.profile = json_get_str(doc, "profile"),
		.home = json_get_str(doc, "home"),
		.project_root = json_get_str(doc, "project_root"),
		.has_real_paths = true,
		.real_paths =
			str_eq(virtual_root, json_get_str(doc, "workspace")),
		.restored = true,
		.generation = (uint32_t)(json_get_i64(doc, "generation", 1) &
					 0x7fffffff),
	};
	_cleanup_buf_ struct buf err = BUF_INIT;
	struct session *s = NULL;
	unsigned int status = 0;
	int r = session_create(app, &rq, &s, &status, &err);

	if (r == 0)
		r = adopt(s, doc);
	if (r < 0) {
		struct event e = EVENT_INIT("session_lost");

		e.session_id = rq.id;
		event_add_str(&e, "error",
			      err.len ? buf_str(&err) : str_from(strerror(-r)));
		(void)app_emit(app, &e);
		if (s)
			session_destroy(s, NULL, NULL);
		return r;
	}
	return app_emit_simple(app, s, "session_restored", NULL, STR_NONE);
}

static int restore_one(struct app *app, int dir, const char *name)
{
	_cleanup_arena_ struct arena a = ARENA_INIT(4 * RECORD_BYTES);
	_cleanup_buf_ struct buf path = BUF_INIT, text = BUF_INIT;
	struct json *doc = NULL;
	int r;

	if (!session_id_valid(str_from(name)))
		return -EINVAL;
	buf_printf(&path, "%s/" RECORD ".new", name);
	(void)unlinkat(dir, buf_cstr(&path), 0);
	buf_reset(&path);
	buf_printf(&path, "%s/" RECORD, name);
	r = fd_read_file(dir, buf_cstr(&path), RECORD_BYTES, &text);
	if (r < 0)
		return r;
	r = json_parse(&a, buf_str(&text), &doc);
	if (r == 0 && !str_eq_c(json_get_str(doc, "id"), name))
		r = -EBADMSG;
	if (r == 0)
		r = restore(app, doc);
	if (r < 0) {
		(void)log_warn_errno(r, "session %s cannot be restored", name);
		(void)unlinkat(dir, buf_cstr(&path), 0);
	}
	return r;
}

static unsigned int restore_all(struct app *app)
{
	_cleanup_closedir_ DIR *dir = NULL;
	const struct dirent *e;
	unsigned int n = 0;

	if (!app->cfg.sessions_dir[0])
		return 0;
	dir = opendir(app->cfg.sessions_dir);
	while (dir && (e = readdir(dir)))
		n += restore_one(app, dirfd(dir), e->d_name) == 0;
	return n;
}

/* ---- the log ---- */

struct past {
	struct arena arena;
	struct str type, timestamp; /* of the event asked for */
	int64_t started_ns;         /* of the last server_started */
};

static int take_event(void *arg, struct str json)
{
	struct past *p = arg;
	struct json *doc = NULL;

	if (json_parse(&p->arena, json, &doc) < 0)
		return 0;
	p->type = json_get_str(doc, "type");
	p->timestamp = json_get_str(doc, "timestamp");
	return 1;
}

static void ask(struct app *app, const struct str *types, size_t n,
		struct past *p)
{
	const struct audit_filter f = { .types = types,
					.n_types = n,
					.limit = 1 };

	p->type = p->timestamp = STR_NONE;
	(void)audit_query(app->store, &f, take_event, p);
}

static int close_command(void *arg, struct str session, struct str command)
{
	struct app *app = arg;
	struct event e = EVENT_INIT("command_finished");

	e.session_id = session;
	e.command_id = command;
	event_add_int(&e, "exit_code", -1);
	event_add_str(&e, "error", STR("server died"));
	return app_emit(app, &e) < 0 ? -EIO : 0;
}

/* Reading and writing by one connection: first all are read. */
struct lost {
	struct arena arena;
	VEC(struct str) ids; /* session, command, session, ... */
};

static int note_lost(void *arg, struct str session, struct str command)
{
	struct lost *l = arg;
	const struct str both[] = { session, command };

	for (size_t i = 0; i < 2; i++) {
		char *copy = arena_dup(&l->arena, both[i]);

		if (!copy || vec_push(&l->ids, str_from(copy)) < 0)
			return -ENOMEM;
	}
	return 0;
}

static unsigned int close_commands(struct app *app, int64_t since_ns)
{
	struct lost l = { .arena = ARENA_INIT(16U << 20) };
	unsigned int n = 0;

	(void)audit_unfinished(app->store, since_ns, note_lost, &l);
	for (size_t i = 0; i + 1 < l.ids.n; i += 2)
		n += close_command(app, l.ids.data[i], l.ids.data[i + 1]) == 0;
	vec_done(&l.ids);
	arena_done(&l.arena);
	return n;
}

static int record_start(struct app *app, const char *previous,
			struct str last_event, unsigned int lost)
{
	struct event e = EVENT_INIT("server_started");

	event_add_int(&e, "pid", getpid());
	event_add_str(&e, "previous", str_from(previous));
	if (last_event.n)
		event_add_str(&e, "previous_last_event", last_event);
	event_add_int(&e, "commands_lost", lost);
	event_add_int(&e, "sessions_restored", (int64_t)app->n_sessions);
	return app_emit(app, &e);
}

int state_recover(struct app *app)
{
	static const struct str LIFE[] = { STR("server_started"),
					   STR("server_stopped") };
	struct past p = { .arena = ARENA_INIT(1U << 20) };
	const char *previous = "none";
	struct str last;
	int64_t since = 0;
	unsigned int lost = 0;
	int r;

	ask(app, LIFE, ARRAY_LEN(LIFE), &p);
	if (p.type.n)
		previous = str_eq_c(p.type, "server_started") ? "died"
							      : "stopped";
	if (strcmp(previous, "died") == 0 &&
	    clock_parse_rfc3339(p.timestamp, &since) == 0)
		lost = close_commands(app, since);
	ask(app, NULL, 0, &p);
	last = p.timestamp;
	(void)restore_all(app);
	r = record_start(app, previous, last, lost);
	if (r == 0 && strcmp(previous, "died") == 0)
		log_warn("the last server was killed: %zu sessions restored, "
			 "%u commands lost",
			 app->n_sessions, lost);
	arena_done(&p.arena);
	return r < 0 ? r : audit_flush(app->store);
}

void state_stopped(struct app *app)
{
	struct event e = EVENT_INIT("server_stopped");

	event_add_int(&e, "pid", getpid());
	(void)app_emit(app, &e);
}
