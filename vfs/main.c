/* SPDX-License-Identifier: MIT */
/*
 * main.c - agentsh-vfs: the workspace of one session, policed and undoable
 *
 * Born of the server with the descriptors of core/heritage.h. After PROTO_HELLO
 * it mounts and answers PROTO_READY, with one descriptor when it mounted in a
 * namespace of its own: that namespace, which commands are to enter.
 * Which process belongs to which command is in memory that comes with it
 * (core/attribution.h); PROTO_EXITED, as the tracer sent it, ends a command.
 * When the channel closes, the mount goes.
 */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/path.h"
#include "core/proto.h"
#include "vfs/gate.h"
#include "vfs/selffd.h"
#include "vfs/session.h"
#include "vfs/vfs.h"
#include "vfs/watch.h"

#define MAINTAIN_NS     2000000000ULL
#define MAINTAIN_BUDGET 20U /* ms */
#define NODES_MANY      4096U

static int open_policy(struct vfs *v)
{
	int fd = TAKE_FD(v->heritage.policy_fd);
	int r = policy_from_fd(fd, &v->policy);

	if (r < 0)
		return r;
	return guard_new(v->policy, &v->sink,
			 v->settings.approvals ? &v->approver : NULL,
			 &v->guard);
}

static int open_trash(struct vfs *v)
{
	struct str store;
	int r;

	if (!v->settings.keep)
		return 0;
	r = trash_open(v->root_fd, &v->settings.trash, &v->trash);

	if (r < 0) {
		(void)log_warn_errno(r,
				     "no quarantine for %s: nothing that "
				     "is destroyed will be kept",
				     v->workspace);
		return v->settings.mode == VFS_SOFT_DELETE ? r : 0;
	}
	trash_id(v->trash, &v->trash_dev, &v->trash_ino);
	store = str_skip(trash_path(v->trash), trash_root_path(v->trash).n + 1);
	v->trash_in_root =
		path_beneath(trash_path(v->trash), trash_root_path(v->trash)) &&
		str_index(store, '/') < 0;
	return 0;
}

/* From here on by the name that the kernel gives it. */
static int resolve_workspace(struct vfs *v)
{
	_cleanup_buf_ struct buf path = BUF_INIT;
	char *copy;
	int r = path_of_fd(v->root_fd, &path);

	if (r < 0)
		return r;
	copy = str_dup(buf_str(&path));
	if (!copy)
		return -ENOMEM;
	free(v->workspace);
	v->workspace = copy;
	return 0;
}

static int start(struct vfs *v, const struct proto_hello *h, int attribution)
{
	int r = vfs_settings_parse(h->settings_json, &v->settings);

	if (r < 0)
		return r;
	v->session_id = str_dup(h->session_id);
	v->ring_sink.session_id = str_from(v->session_id);
	v->workspace = str_dup(h->workspace);
	if (!v->session_id || !v->workspace)
		return -ENOMEM;
	v->privileged = geteuid() == 0;
	enable_fuse(&v->settings);
	r = session_open(v, &v->session);
	if (r < 0)
		return r;
	v->root_fd = open(v->workspace, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (v->root_fd < 0)
		return -errno;
	r = resolve_workspace(v);
	if (r == 0)
		r = open_policy(v);
	if (r == 0)
		r = open_trash(v);
	if (r == 0)
		r = command_init(v, attribution);
	if (r == 0)
		r = inode_table_init(&v->inodes, v->root_fd);
	if (r == 0)
		r = session_mount(v->session);
	if (r < 0)
		v->session = session_close(v->session);
	if (r == 0 && v->trash)
		trash_set_mounted(v->trash);
	if (r == 0 && watch_start(v) < 0)
		log_warn("what the host changes in %s is seen late",
			 v->workspace);
	return r < 0 ? r : session_start(v->session);
}

static int send_ready(struct vfs *v, int error)
{
	_cleanup_buf_ struct buf body = BUF_INIT, detail = BUF_INIT;
	struct proto_layer layers[3] = { { .name = STR("fuse") },
					 { .name = STR("undo") },
					 { .name = STR("mount_point") } };
	struct proto_ready m = { .layers = layers, .n_layers = 2 };
	int entry[3];
	int r;

	if (error)
		buf_puts(&detail, strerrordesc_np(-error) ?: "?");
	else
		buf_printf(&detail, "%s%s", v->workspace,
			   v->mnt_ns < 0     ? " (at a mount point)"
			   : v->user_ns >= 0 ? " (in a user namespace)"
					     : "");
	layers[0].active = error == 0;
	layers[0].detail = buf_str(&detail);
	layers[1].active = v->trash != NULL;
	layers[1].detail = v->trash ? trash_path(v->trash) : STR_NONE;
	if (error == 0 && session_shown(v->session)) {
		layers[2].active = true;
		layers[2].detail = str_from(session_shown(v->session));
		m.n_layers = 3;
	}
	r = proto_ready_encode(&m, &body);
	if (r < 0)
		return r;
	entry[0] = v->mnt_ns;
	entry[1] = v->mnt_root;
	entry[2] = v->user_ns;
	return channel_send(v->heritage.channel, PROTO_READY, 0, buf_str(&body),
			    entry,
			    v->mnt_ns < 0     ? 0
			    : v->user_ns >= 0 ? 3
					      : 2);
}

static int on_hello(struct vfs *v, const struct channel_msg *m)
{
	struct proto_hello h;
	int r = proto_hello_decode(m->body, &h);
	int error;

	if (r < 0 || v->session_id)
		return r < 0 ? r : -EPROTO;
	error = start(v, &h, m->n_fds == 1 ? m->fds[0] : -1);
	if (error < 0)
		(void)log_error_errno(error, "cannot mount over %s",
				      v->workspace ? v->workspace : "?");
	r = send_ready(v, error);
	return r < 0 ? r : error;
}

static int on_policy(struct vfs *v, struct channel_msg *m)
{
	struct policy *fresh;
	int r;

	if (m->n_fds != 1 || !v->guard)
		return -EPROTO;
	r = policy_from_fd(TAKE_FD(m->fds[0]), &fresh);
	if (r < 0)
		return log_error_errno(r, "new policy refused, old one stays"),
		       0;
	(void)pthread_mutex_lock(&v->gate_lock);
	guard_set_policy(v->guard, fresh);
	(void)pthread_mutex_unlock(&v->gate_lock);
	(void)policy_unref(v->policy);
	v->policy = fresh;
	session_invalidate(v->session);
	return 0;
}

static int on_approval(struct vfs *v, const struct channel_msg *m)
{
	struct proto_approval a;
	int r = proto_approval_decode(m->body, &a);

	if (r < 0 || !v->guard)
		return r;
	(void)pthread_mutex_lock(&v->gate_lock);
	guard_answer(v->guard, (int)m->id, a.approved);
	(void)pthread_mutex_unlock(&v->gate_lock);
	return 0;
}

static int on_exited(struct vfs *v, const struct channel_msg *m)
{
	struct proto_exited e;
	int r = proto_exited_decode(m->body, &e);

	if (r == 0)
		command_ended(v, e.command_id);
	return r;
}

static int dispatch(void *arg, struct channel_msg *m)
{
	struct vfs *v = arg;

	switch ((enum proto_type)m->type) {
	case PROTO_HELLO:
		return on_hello(v, m);
	case PROTO_POLICY:
		return on_policy(v, m);
	case PROTO_APPROVAL:
		return on_approval(v, m);
	case PROTO_EXITED:
		return on_exited(v, m);
	case PROTO_SHUTDOWN:
		loop_quit(v->loop, 0);
		return 0;
	case PROTO_SPAWN:
	case PROTO_SPAWNED:
	case PROTO_SIGNAL:
	case PROTO_READY:
	case PROTO_APPROVAL_ASK:
	case PROTO_NOTICE:
	case PROTO_REPLY:
		break;
	}
	return -EPROTO;
}

/* What many nodes have left behind goes back to the system. */
static void give_back_memory(struct vfs *v)
{
	static size_t most;
	size_t n;

	(void)pthread_mutex_lock(&v->inodes.lock);
	n = v->inodes.n;
	(void)pthread_mutex_unlock(&v->inodes.lock);
	if (n < most / 2 && most > NODES_MANY) {
		(void)malloc_trim(0);
		most = n;
	}
	most = MAX(most, n);
}

static void on_idle(struct loop *loop _unused_, void *arg)
{
	struct vfs *v = arg;

	if (v->trash)
		(void)trash_maintain(v->trash, MAINTAIN_BUDGET);
	if (v->session)
		give_back_memory(v);
}

struct maintenance {
	struct vfs *v;
	struct loop_source *timer;
};

static void on_timer(struct loop *loop, void *arg)
{
	struct maintenance *m = arg;

	on_idle(loop, m->v);
	(void)loop_timer_arm(m->timer, MAINTAIN_NS);
}

static int run(struct vfs *v)
{
	struct maintenance m = { .v = v };
	int r = loop_new(&v->loop);

	if (r == 0)
		r = heritage_serve(&v->heritage, v->loop, dispatch, v);
	if (r == 0)
		r = loop_add_timer(v->loop, MAINTAIN_NS, on_timer, &m,
				   &m.timer);
	if (r < 0)
		return r;
	r = loop_run(v->loop);
	if (v->guard) {
		(void)pthread_mutex_lock(&v->gate_lock);
		guard_cancel_all(v->guard);
		(void)pthread_mutex_unlock(&v->gate_lock);
	}
	return r;
}

static void finish(struct vfs *v)
{
	session_end(v->session);
	watch_stop(v);
	v->session = session_close(v->session);
	v->trash = trash_close(v->trash);
	inode_table_done(&v->inodes);
	(void)guard_free(v->guard);
	(void)policy_unref(v->policy);
	command_done(v);
	arena_done(&v->settings.arena);
	ring_sink_done(&v->ring_sink);
	free(v->session_id);
	free(v->workspace);
	cleanup_close_p(&v->root_fd);
	cleanup_close_p(&v->mnt_ns);
	cleanup_close_p(&v->mnt_root);
	cleanup_close_p(&v->user_ns);
	heritage_done(&v->heritage);
	(void)loop_free(v->loop);
}

int main(void)
{
	static struct vfs v = {
		.root_fd = -1, .mnt_ns = -1, .mnt_root = -1, .user_ns = -1
	};
	int r;

	v.inodes.watch_fd = v.watch.stop_fd = -1;
	log_inherit("agentsh-vfs");
	(void)signal(SIGPIPE, SIG_IGN);
	(void)umask(0);
	(void)pthread_mutex_init(&v.command_lock, NULL);
	r = heritage_adopt(&v.heritage);
	if (r < 0) {
		(void)log_error_errno(r, "started by agentsh server only");
		return 2;
	}
	gate_init(&v);
	selffd_start();
	r = run(&v);
	finish(&v);
	return r == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
