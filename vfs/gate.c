/* SPDX-License-Identifier: MIT */
/*
 * gate.c - from a FUSE request to a verdict
 */
#include "vfs/gate.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include "base/path.h"
#include "core/event.h"
#include "core/proto.h"
#include "vfs/selffd.h"
#include "vfs/session.h"

#define LENIENT_WAIT_MS 500

static int ask_server(void *arg, const struct op *op, struct str rule,
		      struct str message, int64_t timeout_ns)
{
	struct vfs *v = arg;
	_cleanup_buf_ struct buf body = BUF_INIT;
	struct proto_approval_ask ask = {
		.command_id = str_from(v->asking->id),
		.kind = str_from(op_kind_to_string(op->kind)),
		.target = op->file.path,
		.rule = rule,
		.message = message,
		.timeout_ns = timeout_ns > 0 ? (uint64_t)timeout_ns : 0,
	};
	uint32_t ticket = ++v->next_ticket & 0x7fffffff;
	int r = proto_approval_ask_encode(&ask, &body);

	if (r == 0)
		r = channel_send(v->heritage.channel, PROTO_APPROVAL_ASK,
				 ticket, buf_str(&body), NULL, 0);
	return r < 0 ? r : (int)ticket;
}

/* What cannot be recorded in time is refused, or goes on and is counted. */
static int emit(void *arg, const struct event *e)
{
	struct vfs *v = arg;
	int r;

	v->ring_sink.wait_ms = v->settings.strict ? RING_SINK_WAIT_MS
						  : LENIENT_WAIT_MS;
	r = v->ring_sink.sink.emit(v->ring_sink.sink.arg, e);
	if (r >= 0 || v->settings.strict || event_is_denial(e))
		return r;
	v->ring_sink.gap++;
	return 0;
}

void gate_init(struct vfs *v)
{
	(void)pthread_mutex_init(&v->gate_lock, NULL);
	/* Used with gate_lock held: by the guard, which we call so. */
	ring_sink_init(&v->ring_sink, v->heritage.ring, STR_NONE,
		       RING_SINK_WAIT_MS);
	v->sink = (struct sink){ .emit = emit, .arg = v };
	v->approver = (struct approver){ .ask = ask_server, .arg = v };
}

struct answer {
	pthread_cond_t cond;
	bool done;
	enum verdict_kind kind;
};

static void on_verdict(void *arg, struct verdict v)
{
	struct answer *a = arg;

	a->kind = v.kind;
	a->done = true;
	(void)pthread_cond_signal(&a->cond);
}

static struct op to_op(const struct gate_op *g, struct str path)
{
	return (struct op){
		.kind = OP_FILE,
		.file = { .verb = g->verb, .path = path, .is_dir = g->is_dir }
	};
}

static int outcome(const struct vfs *v, enum verdict_kind kind)
{
	switch (kind) {
	case VERDICT_ALLOW:
	case VERDICT_AUDIT:
		return 0;
	case VERDICT_SOFT_DELETE:
		return 1;
	case VERDICT_DENY:
	case VERDICT_APPROVE:
	case VERDICT_REDIRECT: /* not carried out here: refused */
	case VERDICT_KIND_MAX:
		break;
	}
	(void)v;
	return -EACCES;
}

/* Nothing to record: a verdict, and only a denial goes on. */
static bool plainly_allowed(const struct vfs *v, const struct gate_op *g)
{
	struct op op = to_op(g, g->path);
	struct verdict d = policy_decide(guard_policy(v->guard), &op);

	return d.kind == VERDICT_ALLOW || d.kind == VERDICT_AUDIT;
}

/* What the supervisor has judged: 0 or 1 as gate_ask(), -EACCES when the policy
 * denies it under our name for it, which is then judged and recorded. */
static int judged(struct vfs *v, const struct gate_op *g)
{
	struct op op = to_op(g, g->path), op2 = to_op(g, g->path2);
	struct verdict d, d2 = { .kind = VERDICT_ALLOW };

	(void)pthread_mutex_lock(&v->gate_lock);
	d = policy_decide(guard_policy(v->guard), &op);
	if (g->path2.n > 0)
		d2 = policy_decide(guard_policy(v->guard), &op2);
	(void)pthread_mutex_unlock(&v->gate_lock);
	if (d.kind == VERDICT_DENY || d2.kind == VERDICT_DENY)
		return -EACCES;
	return d.kind == VERDICT_SOFT_DELETE || d2.kind == VERDICT_SOFT_DELETE;
}

static bool is_looking(enum file_verb verb)
{
	return verb == FILE_STAT || verb == FILE_LIST || verb == FILE_READLINK;
}

static struct event to_event(const struct vfs *v, const struct gate_op *g)
{
	struct event e = EVENT_INIT("");

	e.type = str_from(g->type);
	e.session_id = str_from(v->session_id);
	e.command_id = str_from(g->command->id);
	e.source = STR("fuse");
	e.pid = g->pid;
	e.path = g->path;
	e.operation = str_from(file_verb_to_string(g->verb));
	event_add_str(&e, "platform", STR("linux-fuse3"));
	if (g->path2.n > 0)
		event_add_str(&e, "to_path", g->path2);
	return e;
}

void gate_closed(struct vfs *v, const struct gate_op *g, const char *rule)
{
	struct event e = to_event(v, g);

	e.has_policy = true;
	e.decision = e.effective_decision = VERDICT_DENY;
	e.rule = str_from(rule);
	e.action = EVENT_BLOCKED;
	(void)pthread_mutex_lock(&v->gate_lock);
	(void)sink_emit(&v->sink, &e); /* it is refused in any case */
	(void)pthread_mutex_unlock(&v->gate_lock);
}

int gate_ask(struct vfs *v, const struct gate_op *g)
{
	struct answer a = { .cond = PTHREAD_COND_INITIALIZER };
	struct op op = to_op(g, g->path), op2 = to_op(g, g->path2);
	struct event e;
	bool waited = false;
	int r = g->judged && !is_looking(g->verb) ? judged(v, g) : -EACCES;

	if (r >= 0)
		return r;
	e = to_event(v, g);
	(void)pthread_mutex_lock(&v->gate_lock);
	if ((g->quiet || g->judged) && plainly_allowed(v, g)) {
		(void)pthread_mutex_unlock(&v->gate_lock);
		return 0;
	}
	v->asking = g->command;
	if (g->path2.n > 0)
		guard_ask2(v->guard, &op, &op2, &e, on_verdict, &a);
	else
		guard_ask(v->guard, &op, &e, on_verdict, &a);
	while (!a.done) {
		if (!waited)
			session_block(v->session);
		waited = true;
		(void)pthread_cond_wait(&a.cond, &v->gate_lock);
	}
	(void)pthread_mutex_unlock(&v->gate_lock);
	if (waited)
		session_unblock(v->session);
	return outcome(v, a.kind);
}

bool gate_visible(struct vfs *v, struct str path, bool is_dir)
{
	struct gate_op g = { .verb = FILE_STAT,
			     .path = path,
			     .is_dir = is_dir };
	bool yes;

	(void)pthread_mutex_lock(&v->gate_lock);
	yes = plainly_allowed(v, &g);
	(void)pthread_mutex_unlock(&v->gate_lock);
	return yes;
}

static bool is_quarantined(const struct vfs *v, struct str path)
{
	return v->trash && path_beneath(path, trash_path(v->trash));
}

/* The kernel adds " (deleted)" to what has lost its name; a name may also end
 * so by itself. */
static bool is_deleted(const struct vfs *v, const struct inode *i,
		       struct str path)
{
	_cleanup_buf_ struct buf rel = BUF_INIT;
	struct str root = str_from(v->workspace);
	struct stat st;

	if (!str_ends(path, STR(" (deleted)")))
		return false;
	if (!path_beneath(path, root) || path.n == root.n)
		return true;
	buf_put_str(&rel, str_skip(path, root.n + (root.n > 1)));
	return fstatat(v->root_fd, buf_cstr(&rel), &st, AT_SYMLINK_NOFOLLOW) <
		       0 ||
	       st.st_ino != i->ino || st.st_dev != i->dev;
}

/* By a name it is known by; its descriptor shows one that it has lost. */
static int other_name(struct vfs *v, struct inode *i, struct buf *out)
{
	struct inode *dir;
	char name[NAME_MAX + 1];
	int r = inode_name(&v->inodes, i, &dir, name);

	if (r < 0)
		return r;
	buf_reset(out);
	r = inode_fd(&v->inodes, dir);
	if (r >= 0) {
		r = gate_path_at(v, dir, r, name, out);
		inode_put_fd(&v->inodes, dir);
	}
	inode_put_fd(&v->inodes, dir); /* held by inode_name() */
	return r < 0 ? r : is_quarantined(v, buf_str(out)) ? -ENOENT : 0;
}

int gate_path(struct vfs *v, struct inode *i, int fd, struct buf *out)
{
	int r = selffd_path(fd, out);

	if (r == -ENAMETOOLONG)
		r = inode_long_path(&v->inodes, i, out);
	if (r < 0)
		return r;
	if (is_quarantined(v, buf_str(out)) || is_deleted(v, i, buf_str(out)))
		return other_name(v, i, out);
	return 0;
}

int gate_path_at(struct vfs *v, struct inode *dir, int dirfd, const char *name,
		 struct buf *out)
{
	int r = inode_path(&v->inodes, dir, dirfd, out);

	if (r < 0)
		return r;
	if (out->len > 1)
		buf_putc(out, '/');
	buf_puts(out, name);
	return out->error;
}

void gate_soft_deleted(struct vfs *v, const struct gate_op *g,
		       struct trash_token token)
{
	struct event e = EVENT_INIT("file_soft_deleted");
	char digits[TRASH_TOKEN_LEN + 1];
	_cleanup_buf_ struct buf hint = BUF_INIT;

	trash_token_format(token, digits);
	buf_printf(&hint, "agentsh trash restore %s", digits);
	e.session_id = str_from(v->session_id);
	e.command_id = str_from(g->command->id);
	e.source = STR("fuse");
	e.pid = g->pid;
	e.path = g->path;
	event_add_str(&e, "trash_token", str_from(digits));
	event_add_str(&e, "restore_hint", buf_str(&hint));
	(void)pthread_mutex_lock(&v->gate_lock);
	(void)sink_emit(&v->sink, &e);
	(void)pthread_mutex_unlock(&v->gate_lock);
}
