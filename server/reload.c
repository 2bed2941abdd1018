/* SPDX-License-Identifier: MIT */
/*
 * reload.c - a changed policy file reaches the sessions that run under it
 *
 * What is judged follows at once: each worker of a session gets the new image
 * and every later event names its generation. What the kernel was told cannot
 * follow: a Landlock domain is never widened, and running processes keep
 * theirs. So commands that run now are judged by the new rules within the old
 * floor (the stricter of both), and the session gets a new tracer, with a new
 * floor, as soon as a command starts while none runs.
 *
 * A file that does not compile changes nothing but the log.
 */
#include "server/reload.h"

#include <errno.h>
#include <signal.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/log.h"
#include "server/session_priv.h"
#include "server/state.h"
#include "server/worker.h"

#define SETTLE_NS (200ULL * 1000000) /* an editor's save is several events */

static void tell_worker(const struct session *s, struct worker *w)
{
	if (w &&
	    worker_send(w, PROTO_POLICY, 0, STR_NONE, &s->policy_fd, 1) < 0)
		log_warn("session %s: a worker did not take the new policy",
			 s->id);
}

static void record(struct session *s, const char *error)
{
	struct event e = EVENT_INIT("policy_reload_failed");

	if (!error)
		e.type = STR("policy_reloaded");
	e.session_id = str_from(s->id);
	event_add_str(&e, "policy", str_from(s->policy_name));
	event_add_int(&e, "generation", s->generation);
	if (error)
		event_add_str(&e, "error", str_from(error));
	else if (s->commands)
		event_add_str(&e, "floor",
			      STR("running commands keep the Landlock rules "
				  "they started with"));
	(void)app_emit(s->app, &e);
}

enum reload_result reload_session(struct session *s, struct buf *err)
{
	int r = session_reload_policy(s, err);

	if (r == 0)
		return RELOAD_UNCHANGED;
	if (r < 0) {
		if (!err->len)
			buf_puts(err, strerror(-r));
		log_error("session %s: policy not reloaded, generation %u "
			  "stays: %s",
			  s->id, s->generation, buf_cstr(err));
		record(s, buf_cstr(err));
		return RELOAD_REFUSED;
	}
	s->floor_is_old = s->tracer_state != WORKER_NONE;
	tell_worker(s, s->vfs);
	tell_worker(s, s->tracer);
	tell_worker(s, s->proxy);
	state_changed(s);
	record(s, NULL);
	return RELOAD_DONE;
}

void reload_all(struct app *app)
{
	for (struct session *s = app->sessions; s; s = s->next) {
		_cleanup_buf_ struct buf err = BUF_INIT;

		(void)reload_session(s, &err);
	}
}

void reload_renew_floor(struct session *s)
{
	if (!s->floor_is_old || s->commands ||
	    s->tracer_state == WORKER_STARTING)
		return;
	s->tracer = worker_stop(s->tracer);
	s->tracer_state = WORKER_NONE;
	s->floor_is_old = false;
}

/* ---- when ---- */

static void on_settled(struct loop *l, void *arg)
{
	struct app *app = arg;

	(void)l;
	reload_all(app);
	if (app->cfg.reload_ns > 0)
		(void)loop_timer_arm(app->reload_timer,
				     (uint64_t)app->cfg.reload_ns);
}

static void on_changed(struct loop *l, int fd, uint32_t events, void *arg)
{
	struct app *app = arg;
	char bytes[4096];

	(void)l;
	(void)events;
	/* Which file it was does not matter: contents are compared. */
	while (read(fd, bytes, sizeof(bytes)) > 0)
		continue;
	(void)loop_timer_arm(app->reload_timer, SETTLE_NS);
}

static void on_hangup(struct loop *l, int signo, void *arg)
{
	struct app *app = arg;

	(void)l;
	(void)signo;
	log_info("SIGHUP: reading policies again");
	reload_all(app);
}

static int watch_directory(struct app *app)
{
	app->reload_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (app->reload_fd < 0 ||
	    inotify_add_watch(app->reload_fd, app->cfg.policies_dir,
			      IN_CLOSE_WRITE | IN_MOVED_TO | IN_ONLYDIR) < 0)
		return -errno;
	return loop_add_io(app->loop, app->reload_fd, EPOLLIN, on_changed, app,
			   &app->reload_io);
}

int reload_watch(struct app *app)
{
	int r = loop_add_timer(app->loop, (uint64_t)app->cfg.reload_ns,
			       on_settled, app, &app->reload_timer);

	if (r == 0)
		r = loop_add_signal(app->loop, SIGHUP, on_hangup, app);
	if (r < 0)
		return r;
	r = watch_directory(app);
	if (r < 0)
		(void)log_warn_errno(r,
				     "changes of %s are not noticed by "
				     "themselves; send SIGHUP",
				     app->cfg.policies_dir);
	return 0;
}

void reload_done(struct app *app)
{
	app->reload_io = loop_remove(app->reload_io);
	if (app->reload_fd >= 0)
		(void)close(app->reload_fd);
	app->reload_fd = -1;
}
