/* SPDX-License-Identifier: MIT */
/*
 * session_vfs.c - a session's side of its agentsh-vfs
 *
 * Started before everything else of the session: it mounts over the workspace
 * in a mount namespace of its own, and the tracer is then started inside that
 * namespace, so that commands and the supervisor see the same tree. The
 * namespace's descriptor is kept here. What the tracer says of commands is
 * passed on, so that the vfs knows whose operation it serves.
 *
 * A vfs that cannot mount is told once and the session goes on without: the
 * floor, with its own undo, stays. One that dies takes the session's commands
 * with it, because their workspace is gone; the next command gets a new one.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "core/attribution.h"
#include "server/approvals.h"
#include "server/exec.h"
#include "server/session_priv.h"
#include "server/worker.h"

/* The tracer waits for the mount, or for the news that there is none. */
static void settled(struct session *s)
{
	s->vfs_state = WORKER_READY;
	s->tracer_state = WORKER_NONE; /* it has been waiting for this */
	if (session_need_tracer(s) < 0)
		while (s->commands)
			command_abort(s->commands,
				      "the session's sandbox did not start");
}

/* Where the host sees the mount, too. */
static void take_mount_point(struct session *s, const struct proto_ready *m)
{
	for (uint32_t i = 0; i < m->n_layers; i++)
		if (str_eq_c(m->layers[i].name, "mount_point") &&
		    m->layers[i].active)
			s->workspace_mount = str_dup(m->layers[i].detail);
}

static int on_ready(struct session *s, struct channel_msg *m)
{
	_cleanup_arena_ struct arena a = ARENA_INIT(1U << 16);
	struct proto_ready ready;
	int r = proto_ready_decode(m->body, &a, &ready);

	if (r < 0 || s->vfs_state != WORKER_STARTING || ready.n_layers < 1)
		return -EBADMSG;
	if (ready.layers[0].active && m->n_fds >= 2) {
		s->mount_ns = TAKE_FD(m->fds[0]);
		s->mount_root = TAKE_FD(m->fds[1]);
		if (m->n_fds > 2)
			s->mount_user_ns = TAKE_FD(m->fds[2]);
		take_mount_point(s, &ready);
		(void)app_emit_simple(s->app, s, "fuse_mounted", "mount_point",
				      ready.layers[0].detail);
	} else {
		log_warn("session %s: no FUSE mount: " STR_FMT, s->id,
			 STR_ARG(ready.layers[0].detail));
		(void)app_emit_simple(s->app, s, "fuse_mount_failed", "error",
				      ready.layers[0].detail);
		s->vfs = worker_stop(s->vfs);
	}
	settled(s);
	return 0;
}

static int on_message(void *arg, struct channel_msg *m)
{
	struct session *s = arg;

	/* What no supervisor judged: a process' own call, where there is no
	 * listener. */
	if (m->type == PROTO_APPROVAL_ASK)
		return approval_from_worker(s, s->vfs, m);
	return m->type == PROTO_READY ? on_ready(arg, m) : -EBADMSG;
}

static int on_event(void *arg, struct event *e)
{
	struct session *s = arg;

	e->session_id = str_from(s->id);
	e->id = STR_NONE;
	return app_emit(s->app, e);
}

static void forget_mount(struct session *s)
{
	cleanup_close_p(&s->mount_ns);
	cleanup_close_p(&s->mount_root);
	cleanup_close_p(&s->mount_user_ns);
	s->mount_ns = s->mount_root = s->mount_user_ns = -1;
	/* one that was killed leaves it behind */
	if (s->workspace_mount)
		(void)umount2(s->workspace_mount, MNT_DETACH);
	free(s->workspace_mount);
	s->workspace_mount = NULL;
	if (s->attribution >= 0)
		(void)close(s->attribution);
	s->attribution = -1;
}

static void on_died(void *arg, const char *how)
{
	struct session *s = arg;
	bool mounted = s->mount_ns >= 0;

	s->vfs = NULL;
	forget_mount(s);
	log_error("session %s: agentsh-vfs died: %s", s->id, how);
	(void)app_emit_simple(s->app, s, "worker_died", "error", str_from(how));
	if (s->vfs_state == WORKER_STARTING) {
		settled(s);
		return;
	}
	s->vfs_state = WORKER_NONE;
	if (!mounted)
		return;
	while (s->commands)
		command_abort(s->commands, "the session's workspace mount "
					   "(agentsh-vfs) died");
	s->tracer = worker_stop(s->tracer);
	s->tracer_state = WORKER_NONE;
}

void session_stop_vfs(struct session *s)
{
	s->vfs = worker_stop(s->vfs);
	s->vfs_state = WORKER_NONE;
	forget_mount(s);
}

void session_tell_vfs_exited(struct session *s, struct str body)
{
	if (s->vfs && s->mount_ns >= 0)
		(void)worker_send(s->vfs, PROTO_EXITED, 0, body, NULL, 0);
}

void session_drain_vfs(struct session *s)
{
	if (s->vfs)
		worker_drain(s->vfs);
}

int session_need_vfs(struct session *s)
{
	const struct worker_owner owner = { on_message, on_event, on_died, s };
	const struct settings *cfg = &s->app->cfg;
	struct proto_hello hello = {
		.session_id = str_from(s->id),
		.workspace = str_from(s->workspace),
		.settings_json = cfg->vfs_json,
		.policy_generation = s->generation,
	};
	struct worker_start o = { .program = "agentsh-vfs",
				  .policy_fd = s->policy_fd,
				  .mount_ns = -1,
				  .mount_root = -1,
				  .user_ns = -1,
				  .hello = &hello,
				  .ring_size = cfg->fuse_ring,
				  .owner = &owner };
	int r;

	if (!cfg->fuse || s->vfs_state != WORKER_NONE)
		return 0;
	/* Without it, what the supervisor does for commands is told apart by
	 * guessing only: not worth a refusal. */
	if (s->attribution < 0 && attribution_create(&s->attribution) < 0)
		log_warn("session %s: no memory for attribution", s->id);
	if (s->attribution >= 0)
		o.hello_fds[o.n_hello_fds++] = s->attribution;
	r = worker_start(s->app, &o, &s->vfs);
	if (r < 0) {
		(void)app_emit_simple(s->app, s, "fuse_mount_failed", "error",
				      str_from(strerror(-r)));
		s->vfs_state = WORKER_READY; /* said once; goes on without */
		return log_error_errno(r, "session %s: cannot start the vfs",
				       s->id);
	}
	s->vfs_state = WORKER_STARTING;
	return 0;
}
