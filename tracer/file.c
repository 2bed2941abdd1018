/* SPDX-License-Identifier: MIT */
/*
 * file.c - common part of the decoders of calls that name files
 *
 * The path that is judged is the kernel's name of the object we hold (or of
 * the held parent directory plus one component that is not a link). The name
 * as the caller gave it is judged too; the stricter verdict wins.
 *
 * We act with the caller's authority, not with ours: this process has dropped
 * its capabilities, has the commands' uid and groups, and lives in a Landlock
 * domain that grants what theirs grants and little more (session.c). What it
 * could do beyond that is refused by is_ours().
 */
#include "tracer/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/num.h"
#include "base/path.h"
#include "base/proc.h"
#include "tracer/brake.h"
#include "tracer/device.h"
#include "tracer/divert.h"
#include "tracer/identity.h"
#include "tracer/net.h"
#include "tracer/ownfd.h"
#include "tracer/ownproc.h"
#include "tracer/permit.h"
#include "tracer/programs.h"
#include "tracer/quarantine.h"

void file_base_done(struct file_target *t)
{
	if (t->base >= 0 && !t->base_held)
		(void)close(t->base);
	t->base = -1;
	t->base_held = false;
	t->base_path = STR_NONE;
}

static void target_done(struct file_target *t)
{
	file_base_done(t);
	if (t->parent >= 0)
		(void)close(t->parent);
	if (t->fd >= 0)
		(void)close(t->fd);
	buf_done(&t->path);
	buf_done(&t->name);
}

void file_forget(struct file_target *t)
{
	target_done(t);
	t->parent = t->fd = -1;
	t->slash = t->plain = t->missing = t->there = false;
	t->path = t->name = BUF_INIT;
}

static void file_free(void *data)
{
	struct file_call *f = data;

	target_done(&f->a);
	target_done(&f->b);
	free(f->value);
	buf_done(&f->inner);
	free(f);
}

/* The text arrays stay unset: 8 KiB less to clear for each call. */
static void target_init(struct file_target *t)
{
	t->dirfd = AT_FDCWD;
	t->text[0] = t->last[0] = 0;
	t->how_resolve = 0;
	t->base = t->parent = t->fd = -1;
	t->base_held = false;
	t->base_path = STR_NONE;
	t->slash = t->plain = t->missing = t->unheld = false;
	t->there = t->unseen = false;
	t->path = t->name = BUF_INIT;
}

struct file_call *file_new(struct request *q, enum file_verb verb,
			   int64_t (*act)(struct file_call *f))
{
	struct file_call *f = malloc(sizeof(*f));

	if (!f) {
		request_fail(q, ENOMEM);
		return NULL;
	}
	target_init(&f->a);
	target_init(&f->b);
	f->q = q;
	f->viewer = (struct viewer){ q->pid, q->tid, q->tracer };
	f->verb = verb;
	f->act = f->perform = act;
	f->two = f->exposes = f->times_now = false;
	f->kept = (struct trash_kept){ 0 };
	f->flags = f->mode = 0;
	f->refusal = EACCES;
	f->held = f->diverted = false;
	f->value = NULL;
	f->value_n = 0;
	f->inner = BUF_INIT;
	f->xattr[0] = 0;
	f->uid = f->gid = UINT32_MAX;
	q->data = f;
	q->free_data = file_free;
	return f;
}

int file_get_path(struct file_call *f, struct file_target *t, int dirfd,
		  uint64_t addr)
{
	ssize_t n = mem_get_string(&f->q->mem, addr, t->text, sizeof(t->text));

	t->dirfd = dirfd;
	return n < 0 ? (int)n : 0; /* valid? asked when the object is held */
}

void file_self_path(int fd, char out[FILE_SELF_MAX])
{
	(void)snprintf(out, FILE_SELF_MAX, "/proc/self/fd/%d", fd);
}

void file_umask_on(const struct file_call *f)
{
	mode_t mask;

	/* Not to be had: the strictest one. */
	if (proc_umask(f->viewer.tid, &mask) < 0)
		mask = 0077;
	(void)umask(mask);
}

void file_umask_off(void)
{
	(void)umask(0);
}

void file_hold_parent(struct file_target *t)
{
	_cleanup_identity_ struct identity *was = identity_look();
	struct str path = buf_str(&t->path), name = str_basename(path);
	_cleanup_buf_ struct buf dir = BUF_INIT;
	_cleanup_close_ int fd = -1;
	struct stat st;

	if (t->parent >= 0 || name.n == 0 || name.n > NAME_MAX)
		return;
	buf_put_str(&dir, str_from_n(path.p, path.n - name.n));
	fd = open(buf_cstr(&dir), O_PATH | O_DIRECTORY | O_CLOEXEC);
	memcpy(t->last, name.p, name.n);
	t->last[name.n] = 0;
	if (fd >= 0 && fstatat(fd, t->last, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    st.st_dev == t->st.st_dev && st.st_ino == t->st.st_ino)
		t->parent = TAKE_FD(fd);
}

struct trash_at file_at(const struct file_target *t)
{
	return (struct trash_at){ .dirfd = t->parent,
				  .name = t->last,
				  .known = t->there ? &t->sx : NULL };
}

static bool in_workspace(const struct tracer *t, const struct file_target *x)
{
	return path_beneath(buf_str(&x->path), str_from(t->workspace));
}

/*
 * The store keeps what lies in the workspace. Something that has no name there
 * any more (unlinked, still open) has none to be restored to either.
 */
static bool is_kept(const struct file_call *f, const struct keep_req *req)
{
	const struct tracer *t = f->q->tracer;

	if (!t->trash)
		return false;
	if (req->verb == KEEP_RENAME)
		return in_workspace(t, &f->a) || in_workspace(t, &f->b);
	return req->at.dirfd >= 0 &&
	       in_workspace(t, f->two && req->at.dirfd == f->b.parent ? &f->b
								      : &f->a);
}

bool file_leaves_store(const struct file_call *f)
{
	const struct tracer *t = f->q->tracer;

	return t->trash && in_workspace(t, &f->a) && !in_workspace(t, &f->b);
}

/* Spares the keeper asking the kernel for the directory's name once more. */
static void know_dir(const struct file_call *f, struct trash_at *at)
{
	const struct file_target *t = at->name == f->b.last ? &f->b : &f->a;
	struct str root = trash_root_path(f->q->tracer->trash), last, dir;

	if (at->dir.p || at->name != t->last || at->dirfd != t->parent)
		return;
	dir = buf_str(&t->path);
	last = str_from(t->last);
	if (root.n < 2 || dir.n <= last.n || !str_ends(dir, last) ||
	    dir.p[dir.n - last.n - 1] != '/')
		return;
	dir.n -= last.n + 1;
	if (!path_beneath(dir, root))
		return;
	at->dir = dir.n == root.n ? str_from_n(dir.p + dir.n, 0)
				  : str_skip(dir, root.n + 1);
}

static bool may_be_link(const struct file_call *f)
{
	return f->a.fd < 0 || S_ISLNK(f->a.st.st_mode);
}

/* The quarantine's owner acts, and with rights over everybody's files: what the
 * caller has is asked before. */
static int keep_for(struct file_call *f, struct keep_req *req)
{
	_cleanup_identity_ struct identity *was = NULL;
	int r = 0;

	if (identity_enabled() && req->verb == KEEP_RENAME)
		r = permit_rename(f);
	else if (identity_enabled() &&
		 (req->verb == KEEP_UNLINK || req->verb == KEEP_RMDIR))
		r = permit_remove(f);
	if (r < 0)
		return r;
	was = identity_keep();
	req->group = command_group(f->q->command);
	return keeper_keep(&f->q->tracer->keeper, req, &f->kept);
}

int file_keep(struct file_call *f, struct keep_req *req)
{
	const struct keeper none = keeper_none();

	f->kept = (struct trash_kept){ 0 };
	if (req->verb == KEEP_RENAME) {
		cwd_renamed(f->q->tracer);
		programs_forget(f->q->tracer);
	}
	if (req->verb == KEEP_RENAME || req->verb == KEEP_RMDIR ||
	    (req->verb == KEEP_UNLINK && may_be_link(f)))
		dirs_forget(f->q->tracer);
	if (!is_kept(f, req))
		return keeper_keep(&none, req, NULL);
	know_dir(f, &req->at);
	know_dir(f, &req->to);
	return keep_for(f, req);
}

int file_may_write(const struct file_call *f)
{
	char path[FILE_SELF_MAX];

	file_self_path(f->a.fd, path);
	/* access(2) asks for the real user, who is ours whoever we are. */
	if (identity_enabled())
		return faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) < 0 ? -errno
								       : 0;
	return access(path, W_OK) < 0 ? -errno : 0;
}

/* Directories whose reading every program's start needs (section 4.5). */
static bool is_startup_path(struct str path)
{
	static const char *const nodes[] = {
		"/",          "/dev", "/dev/pts", "/dev/fd",          "/proc",
		"/proc/self", "/sys", "/etc",     "/proc/thread-self"
	};
	static const char *const trees[] = { "/usr",   "/lib",    "/lib64",
					     "/lib32", "/libx32", "/bin",
					     "/sbin" };

	for (size_t i = 0; i < ARRAY_LEN(nodes); i++)
		if (str_eq_c(path, nodes[i]))
			return true;
	for (size_t i = 0; i < ARRAY_LEN(trees); i++)
		if (path_beneath(path, str_from(trees[i])))
			return true;
	return str_starts(path, STR("/etc/ld.so."));
}

/* Reads that only the catch-all rule denies, of what the loader needs. */
static bool startup_guard(const struct file_call *f, const struct op *op)
{
	const struct policy *p = guard_policy(f->q->tracer->guard);
	struct verdict v;
	struct str rule;

	if (!file_verb_is_read(f->verb) || !is_startup_path(op->file.path))
		return false;
	v = policy_decide(p, op);
	rule = policy_rule_name(p, v);
	return v.kind == VERDICT_DENY && str_eq_c(rule, "default-deny-files");
}

/* A copy of the workspace has such a directory too: nothing gets into it. */
static bool is_empty_copy(const struct file_call *f, struct str path)
{
	struct stat st;

	if (f->verb == FILE_MKDIR)
		return f->a.fd < 0;
	return (f->verb == FILE_CHMOD || f->verb == FILE_CHOWN ||
		f->verb == FILE_UTIME || f->verb == FILE_XATTR ||
		f->verb == FILE_RMDIR) &&
	       f->a.fd >= 0 && str_eq(path, buf_str(&f->a.path)) &&
	       fstatat(f->a.fd, TRASH_STORE_SUBDIR, &st, AT_SYMLINK_NOFOLLOW) <
		       0 &&
	       errno == ENOENT;
}

/* The quarantine: it can be seen and listed, no more. */
static bool is_kept_from(const struct file_call *f, struct str path)
{
	switch (quarantine_of(f->q->tracer, path)) {
	case QUARANTINE_NONE:
		return false;
	case QUARANTINE_TOP:
		return f->verb != FILE_OPEN && f->verb != FILE_LIST &&
		       f->verb != FILE_STAT && f->verb != FILE_ACCESS &&
		       !is_empty_copy(f, path);
	case QUARANTINE_INSIDE:
		break;
	}
	return true;
}

/* The directory a command opens is an empty one. */
static int64_t act_open_empty(struct file_call *f)
{
	int fd = quarantine_open_empty(f->q->tracer);

	if (fd < 0)
		return fd;
	request_inject(f->q, fd, (f->flags & O_CLOEXEC) != 0);
	(void)close(fd);
	return FILE_ANSWERED;
}

static void hide_quarantine(struct file_call *f)
{
	enum quarantine q = quarantine_of(f->q->tracer, buf_str(&f->a.path));

	if (q == QUARANTINE_NONE && f->two)
		q = quarantine_of(f->q->tracer, buf_str(&f->b.path));
	if (q == QUARANTINE_TOP && f->verb == FILE_OPEN &&
	    !(f->flags & O_PATH) && f->a.fd >= 0)
		f->act = act_open_empty;
	if (q == QUARANTINE_TOP &&
	    (f->verb == FILE_RMDIR || f->verb == FILE_DELETE ||
	     f->verb == FILE_RENAME))
		f->refusal = EBUSY;
}

/* What is closed by the server; and procfs of ourselves, which would answer us
 * what it refuses the caller. */
bool file_is_ours(const struct file_call *f, struct str path)
{
	struct str rest = str_skip(path, 6), part;
	uint64_t pid;

	const struct tracer *t = f->q->tracer;
	bool moves = f->verb == FILE_RENAME || f->verb == FILE_DELETE ||
		     f->verb == FILE_RMDIR;

	if (settings_denies(&t->settings, path) || is_kept_from(f, path))
		return true;
	if (!file_verb_is_read(f->verb) &&
	    settings_protects(&t->settings, path, moves))
		return true;
	/* Nor may the quarantine be carried off with what it lies in. */
	if (moves && t->trash && path_beneath(trash_path(t->trash), path))
		return true;
	if (!str_starts(path, STR("/proc/")) || !str_split(&rest, '/', &part) ||
	    num_parse_u64(part, &pid) < 0)
		return false;
	if (ownproc_is(t, (pid_t)MIN(pid, (uint64_t)INT32_MAX)))
		return true;
	if (t->blocks_iteration && f->verb == FILE_OPEN &&
	    str_eq_c(str_basename(path), "environ"))
		return true;
	/* Memory of another process: never through us. */
	return str_eq_c(str_basename(path), "mem") && f->verb != FILE_STAT;
}

void file_fill_op(const struct file_call *f, const struct file_target *t,
		  enum file_verb verb, struct op *op)
{
	*op = (struct op){ .kind = OP_FILE };
	op->file.verb = verb;
	op->file.path = buf_str(&t->path);
	op->file.name = buf_str(&t->name);
	op->file.is_dir = (file_exists(t) && S_ISDIR(t->st.st_mode)) ||
			  f->verb == FILE_MKDIR;
}

static const char *event_type(enum file_verb verb)
{
	static const char *const names[] = {
		[FILE_OPEN] = "file_open",
		[FILE_READ] = "file_read",
		[FILE_LIST] = "file_list",
		[FILE_WRITE] = "file_write",
		[FILE_CREATE] = "file_create",
		[FILE_DELETE] = "file_delete",
		[FILE_RMDIR] = "file_rmdir",
		[FILE_MKDIR] = "file_mkdir",
		[FILE_RENAME] = "file_rename",
		[FILE_LINK] = "file_link",
		[FILE_SYMLINK] = "file_symlink",
		[FILE_CHMOD] = "file_chmod",
		[FILE_CHOWN] = "file_chown",
		[FILE_MKNOD] = "file_mknod",
		[FILE_STAT] = "file_stat",
		[FILE_ACCESS] = "file_access",
		[FILE_READLINK] = "file_readlink",
		[FILE_TRUNCATE] = "file_truncate",
		[FILE_UTIME] = "file_utime",
		[FILE_XATTR] = "file_xattr",
	};

	return (size_t)verb < ARRAY_LEN(names) ? names[verb] : "file_other";
}

/* What a rule soft-deletes is on record with the way to have it back. (What
 * else is destroyed is kept as well; the receipt at the end says so.) */
static void tell_kept(struct file_call *f, enum verdict_kind kind)
{
	struct event e = EVENT_INIT("file_soft_deleted");
	char token[TRASH_TOKEN_LEN + 1];
	_cleanup_buf_ struct buf hint = BUF_INIT;

	if (kind != VERDICT_SOFT_DELETE || trash_token_is_zero(f->kept.token) ||
	    (f->verb != FILE_DELETE && f->verb != FILE_RMDIR))
		return;
	trash_token_format(f->kept.token, token);
	buf_printf(&hint, "agentsh trash restore %s", token);
	request_event(f->q, &e);
	e.path = buf_str(&f->a.path);
	e.operation = str_from(file_verb_to_string(f->verb));
	event_add_str(&e, "trash_token", str_from(token));
	event_add_str(&e, "restore_hint", buf_str(&hint));
	(void)sink_emit(&f->q->tracer->sink, &e); /* the store has it too */
}

static void run_act(struct file_call *f, enum verdict_kind kind)
{
	_cleanup_identity_ struct identity *was = NULL;
	struct request *q = f->q;
	int64_t r;

	request_attribute(q); /* others came between while this one waited */
	r = identity_enter(q, &was);
	if (r == 0)
		r = f->act(f);
	if (r == FILE_ANSWERED)
		return;
	if (r >= 0)
		tell_kept(f, kind);
	if (r < 0)
		request_fail(q, (int)-r);
	else
		request_return(q, r);
}

static void on_judged(void *arg, struct verdict v)
{
	struct request *q = arg;
	int r;

	switch (v.kind) {
	case VERDICT_ALLOW:
	case VERDICT_AUDIT:
	case VERDICT_SOFT_DELETE:
		if (((struct file_call *)q->data)->held)
			q->command->brake_released = true;
		run_act(q->data, v.kind);
		return;
	case VERDICT_REDIRECT:
		r = file_divert(q->data);
		if (r < 0)
			request_fail(q, -r);
		else
			run_act(q->data, v.kind);
		return;
	case VERDICT_DENY:
	case VERDICT_APPROVE:
	case VERDICT_KIND_MAX:
		break;
	}
	request_fail(q, ((struct file_call *)q->data)->refusal);
}

/* A second op that decides: the other path, or reading what is moved. */
static bool second_op(struct file_call *f, struct op *op)
{
	const struct policy *p = guard_policy(f->q->tracer->guard);
	enum file_verb verb;
	int r;

	if (f->exposes) {
		file_fill_op(f, &f->a, FILE_OPEN, op);
		if (policy_decide(p, op).kind == VERDICT_DENY)
			return true;
	}
	r = file_carries(f, &verb);
	if (r != 0) {
		*op = (struct op){ .kind = r < 0 ? OP_NONE : OP_FILE };
		op->file.verb = verb;
		op->file.path = buf_str(&f->inner);
		return true;
	}
	if (f->two)
		file_fill_op(f, &f->b, f->verb, op);
	return f->two;
}

static void allow_startup(struct file_call *f, struct event *e)
{
	e->has_policy = true;
	e->decision = e->effective_decision = VERDICT_ALLOW;
	e->rule = STR("startup-guard");
	e->action = EVENT_ALLOWED;
	if (sink_emit(&f->q->tracer->sink, e) < 0)
		request_fail(f->q, EACCES);
	else
		run_act(f, VERDICT_ALLOW);
}

/* A name of the workspace for something that lies elsewhere. */
static bool leads_out(const struct tracer *t, const struct file_target *x)
{
	return x->name.len > 0 &&
	       path_beneath(buf_str(&x->name), str_from(t->workspace)) &&
	       !in_workspace(t, x);
}

/* Sockets are known by their names: what may not be reached by this one gets
 * no other. */
static bool is_closed_socket(const struct tracer *t,
			     const struct file_target *x)
{
	return file_exists(x) && S_ISSOCK(x->st.st_mode) &&
	       net_socket_is_closed(t, buf_str(&x->path));
}

/* What refuses a call whatever the policy says, by its name on record. */
static const char *refused_by(const struct file_call *f, const struct op *op)
{
	const struct tracer *t = f->q->tracer;

	if (t->settings.links_stay &&
	    (leads_out(t, &f->a) || (f->two && leads_out(t, &f->b))))
		return "symlink-escape";
	if ((f->verb == FILE_LINK || f->verb == FILE_RENAME) &&
	    (is_closed_socket(t, &f->a) || is_closed_socket(t, &f->b)))
		return "net-floor-socket";
	return device_refuses(f, op);
}

/* A command that has destroyed too much: refused, or held for a person. */
static void brake(struct file_call *f, struct op *op, struct event *e)
{
	enum brake b = brake_check(f);

	if (b == BRAKE_OFF || op->kind == OP_NONE)
		return;
	event_add_bool(e, "brake", true);
	f->held = b == BRAKE_APPROVE;
	f->refusal = EPERM;
	if (b == BRAKE_DENY)
		op->kind = OP_NONE;
}

/* What no rule can allow, or only one that names it. */
static void refuse_by(struct file_call *f, struct event *e, const char *rule)
{
	e->has_policy = true;
	e->decision = e->effective_decision = VERDICT_DENY;
	e->rule = str_from(rule);
	e->action = EVENT_BLOCKED;
	(void)sink_emit(&f->q->tracer->sink, e); /* it is refused in any case */
	request_fail(f->q, EACCES);
}

static void describe(const struct file_call *f, struct event *e)
{
	e->type = str_from(event_type(f->verb));
	request_event(f->q, e);
	e->path = buf_str(&f->a.path);
	e->operation = str_from(file_verb_to_string(f->verb));
	event_add_str(e, "syscall", str_from(f->q->name));
	if (f->a.name.len)
		event_add_str(e, "name", buf_str(&f->a.name));
	if (f->two)
		event_add_str(e, "path2", buf_str(&f->b.path));
}

void file_judge(struct file_call *f)
{
	struct op op, op2;
	struct event e = EVENT_INIT("");
	const char *guard = NULL;
	bool second;

	hide_quarantine(f);
	file_fill_op(f, &f->a, f->verb, &op);
	/* pipe:[1], socket:[2], anon_inode: not of any file system we judge */
	if (op.file.path.n == 0 || op.file.path.p[0] != '/') {
		run_act(f, VERDICT_ALLOW);
		return;
	}
	if (file_is_ours(f, op.file.path) ||
	    (f->two && file_is_ours(f, buf_str(&f->b.path))))
		op.kind = OP_NONE; /* denied by any policy */
	else
		guard = refused_by(f, &op);
	brake(f, &op, &e);
	second = second_op(f, &op2);
	describe(f, &e);
	if (guard)
		refuse_by(f, &e, guard);
	else if (op.kind != OP_NONE && startup_guard(f, &op))
		allow_startup(f, &e);
	else if (f->held)
		request_hold(f->q, &op, second ? &op2 : NULL, &e, on_judged);
	else
		request_ask(f->q, &op, second ? &op2 : NULL, &e, on_judged);
}

/* A way into a process of ours was looked for: on record by the name given. */
static void refuse_closed(struct file_call *f)
{
	struct file_target *t =
		f->two && (f->a.fd >= 0 || f->a.parent >= 0) ? &f->b : &f->a;
	struct event e = EVENT_INIT("");

	buf_reset(&f->a.path);
	buf_reset(&f->a.name);
	if (resolve_name(&f->viewer, t->dirfd, t->text, &f->a.path) < 0)
		buf_puts(&f->a.path, t->text);
	f->two = false;
	describe(f, &e);
	refuse_by(f, &e, "process-guard");
}

void file_error(struct file_call *f, int r)
{
	if (r == -RESOLVE_CLOSED) {
		refuse_closed(f);
		return;
	}
	/* What is not there may be somewhere else by a rule. */
	if ((r == -ENOENT || r == -ENOTDIR) && file_name_diverted(f))
		file_judge(f);
	else
		request_fail(f->q, -r);
}
