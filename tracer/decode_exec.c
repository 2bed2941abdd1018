/* SPDX-License-Identifier: MIT */
/*
 * decode_exec.c - execve and execveat: what will run, under which names
 *
 * Before: the file is opened (O_PATH) in the caller's view and judged with
 * every name that led to it: the name as given, each link's name, argv[0]; of
 * a script also its interpreters, of ld.so and busybox what they will run. A
 * denial is EACCES, as if the file were not executable.
 *
 * What that costs is saved where the same name leads to the same file again
 * (programs.c).
 *
 * After: an allowed call continues, so the kernel looks the name up and copies
 * argv once more, and a second thread may have changed either. The process is
 * therefore marked. The first call that its new image makes and that is
 * notified finds the mark: /proc/PID/exe and cmdline are now facts, the new
 * memory is private and has a single thread. If they are not what was judged
 * they are judged again, and a denied image is killed (exec_image.c). That call
 * is the loader's first open of a library, or arch_prctl(ARCH_SET_FS) of the C
 * library's start-up where that comes first or opens are not notified; both
 * come before main(). At the latest it is whatever the image does next.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/path.h"
#include "base/proc.h"
#include "core/limits.h"
#include "tracer/copies.h"
#include "tracer/divert_exec.h"
#include "tracer/exec.h"
#include "tracer/notify.h"
#include "tracer/ownfd.h"
#include "tracer/programs.h"
#include "tracer/ptrace.h"

#define EXEC_MAX_LINKS 8
#define CHUNK_POINTERS 512 /* a page */
#define ARG_ROOM       2048
#define ARG_COUNT      32

void exec_done(struct exec *x)
{
	arena_done(&x->arena);
	if (x->fd >= 0)
		(void)close(x->fd);
}

/* Room for the text of arguments; the limit is seldom needed. */
struct arg_room {
	char *at;
	size_t left;   /* at `at` */
	size_t budget; /* of all that is still to come */
};

static int give_room(struct exec *x, struct arg_room *room, size_t n)
{
	n = MIN(n, room->budget);
	room->at = arena_alloc(&x->arena, n + 1);
	room->left = n;
	return room->at ? 0 : -ENOMEM;
}

static int give_argv(struct exec *x, size_t n)
{
	struct str *v = arena_alloc(&x->arena, (n + 1) * sizeof(*v));

	if (!v)
		return -ENOMEM;
	if (x->argc)
		memcpy(v, x->argv, x->argc * sizeof(*v));
	x->argv = v;
	return 0;
}

/* The string at p is one more argument. */
static int add_arg(struct request *q, struct exec *x, struct mem_window *w,
		   uint64_t p, struct arg_room *room)
{
	ssize_t n = mem_window_string(&q->mem, w, p, room->at, room->left);

	if (n == -ENAMETOOLONG && room->left < room->budget) {
		if (give_room(x, room, room->budget) < 0)
			return -ENOMEM;
		n = mem_window_string(&q->mem, w, p, room->at, room->left);
	}
	if (n == -ENAMETOOLONG) {
		x->truncated = true;
		n = (ssize_t)room->left - 1;
	} else if (n < 0) {
		return (int)n;
	}
	x->argv[x->argc++] = str_from_n(room->at, (size_t)n);
	room->at += n + 1;
	room->left -= (size_t)n + 1;
	room->budget -= (size_t)n + 1;
	return 0;
}

/*
 * An array of pointers. One at a time would be a system call each; it is read in
 * chunks that stop at page ends, because what follows it may not be mapped.
 */
struct pointers {
	uint64_t addr; /* of the one after the chunk's next */
	uint64_t chunk[CHUNK_POINTERS];
	size_t have, at, want;
};

static int next_pointer(struct request *q, struct pointers *a, uint64_t *ret)
{
	if (a->at == a->have) {
		size_t left = (4096 - (a->addr & 4095)) / sizeof(*ret);

		a->have = MIN(left ? left : 1, a->want);
		a->want = CHUNK_POINTERS;
		a->at = 0;
		if (mem_get(&q->mem, a->addr, a->chunk,
			    a->have * sizeof(*ret)) < 0)
			return -EFAULT;
	}
	*ret = a->chunk[a->at++];
	a->addr += sizeof(*ret);
	return 0;
}

/* Copies argv. NULL is an empty vector to the kernel. */
static int read_argv(struct request *q, struct exec *x, struct mem_window *w,
		     uint64_t addr)
{
	size_t max = q->tracer->settings.max_argc;
	struct arg_room room = { .budget = q->tracer->settings.max_argv_bytes };
	struct pointers a;
	int r;

	a.addr = addr;
	a.have = a.at = 0;
	a.want = 16;
	r = give_room(x, &room, ARG_ROOM);
	if (r == 0)
		r = give_argv(x, MIN(max, (size_t)ARG_COUNT));
	while (r == 0 && addr != 0) {
		uint64_t p;

		r = next_pointer(q, &a, &p);
		if (r < 0 || p == 0)
			return r;
		if (x->argc == max || room.budget == 0) {
			x->truncated = true;
			return 0;
		}
		if (x->argc == ARG_COUNT)
			r = give_argv(x, max);
		if (r == 0)
			r = add_arg(q, x, w, p, &room);
	}
	return r;
}

/* Names of the links from the given name to the file, by reading them. */
static void add_link_names(struct exec *x, struct str name)
{
	for (int i = 0; i < EXEC_MAX_LINKS; i++) {
		char target[LIMIT_PATH];
		_cleanup_buf_ struct buf next = BUF_INIT;
		const char *c = arena_dup(&x->arena, name);
		ptrdiff_t slash = str_rindex(name, '/');
		ssize_t n = c ? readlink(c, target, sizeof(target)) : -1;

		if (n <= 0 || slash < 0)
			return;
		if (path_join(str_from_n(name.p, (size_t)MAX(slash, 1)),
			      str_from_n(target, (size_t)n), &next) < 0)
			return;
		name = exec_keep(x, buf_str(&next));
		exec_add_name(x, name);
	}
}

static int open_file(struct request *q, struct exec *x, int dirfd,
		     const char *path, int flags)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	if (*path == 0 && (flags & AT_EMPTY_PATH)) {
		x->fd = resolve_fd(&x->viewer, dirfd);
	} else {
		x->fd = resolve_object(
			&x->viewer, dirfd, path,
			flags & AT_SYMLINK_NOFOLLOW ? RESOLVE_NOFOLLOW : 0, 0);
		if (x->fd >= 0 &&
		    resolve_name(&x->viewer, dirfd, path, &b) == 0) {
			struct str name = exec_keep(x, buf_str(&b));

			exec_add_name(x, name);
			add_link_names(x, name);
		}
	}
	if (x->fd < 0)
		return x->fd;
	buf_reset(&b);
	if (ownfd_path(x->fd, &b) < 0)
		return -EACCES;
	x->path = exec_keep(x, buf_str(&b));
	return request_valid(q) ? 0 : -ESRCH;
}

/* Nearest ancestor that has made itself known; NULL if none is left. */
static struct proc_entry *known_ancestor(const struct proctab *tab, pid_t pid)
{
	for (int i = 0; i < 64 && pid > 1; i++) {
		struct proc_entry *up = proctab_find(tab, pid);
		struct proc_ident its;

		if (up)
			return up;
		if (proc_ident_read(pid, &its) < 0)
			return NULL;
		pid = its.parent;
	}
	return NULL;
}

/*
 * Process table entry of the caller. A process that is new here runs the image
 * of the ancestor it was forked from; if that was not verified yet, or is not
 * known any more, it has to be verified in this process.
 */
static struct proc_entry *first_entry(struct request *q)
{
	struct proc_entry *e = proctab_get(&q->command->procs, q->pid);

	if (e && !e->first)
		*e = (struct proc_entry){ .pid = q->pid,
					  .parent = getpid(),
					  .first = true };
	return e;
}

struct proc_entry *exec_entry(struct request *q)
{
	struct proctab *tab = &q->command->procs;
	struct proc_entry *e = proctab_find(tab, q->pid);
	struct proc_entry fresh = { .pid = q->pid };
	const struct proc_entry *up;
	struct proc_ident own;

	/* A tracee's id means nobody else, and its maker is known. */
	if (e &&
	    (q->entry_checked || (q->tracer->ptracer &&
				  ptracer_listed(q->tracer->ptracer, q->pid))))
		return e;
	/* Our child until we have waited for it: nobody else has its id. */
	if (q->pid == q->command->pid && !q->command->reaped &&
	    !q->tracer->ptracer)
		return first_entry(q);
	if (proc_ident_read(q->pid, &own) < 0)
		return NULL;
	q->entry_checked = true;
	if (e && e->id == own.id) {
		e->parent = own.parent;
		return e;
	}
	fresh.parent = own.parent;
	fresh.id = own.id;
	fresh.has_image = q->pid != q->command->pid;
	if (fresh.has_image) {
		up = q->tracer->ptracer
			     ? ptracer_origin(q->tracer->ptracer, q->pid)
			     : NULL;
		if (up)
			fresh.parent = up->pid;
		else
			up = known_ancestor(tab, own.parent);
		fresh.unverified = !up || up->unverified;
		fresh.orphan = !up;
		if (up) {
			fresh.depth = up->depth;
			fresh.pending_depth = up->pending_depth;
			fresh.expected = up->expected;
			fresh.image = up->image;
		}
	}
	e = proctab_get(tab, q->pid); /* may move other entries */
	if (!e)
		return NULL;
	*e = fresh;
	if (q->tracer->ptracer)
		ptracer_list(q->tracer->ptracer, q->pid);
	return e;
}

static uint64_t path_arg(const struct request *q)
{
	return q->args[q->nr == SYS_execveat ? 1 : 0];
}

static void on_decided(void *arg, struct verdict v)
{
	struct request *q = arg;
	struct proc_entry *e = proctab_find(&q->command->procs, q->pid);
	const struct exec *x = q->data;
	int r;

	switch (v.kind) {
	case VERDICT_ALLOW:
	case VERDICT_AUDIT:
	case VERDICT_SOFT_DELETE:
		if (!e)
			break;
		e->unverified = true;
		e->has_image = true;
		request_continue(q);
		return;
	case VERDICT_REDIRECT:
		r = e && x ? exec_divert(q, v, path_arg(q), x->raw) : -EACCES;
		if (r < 0 || !e)
			break;
		/* The stub is no level of its own. */
		e->pending_depth -= e->pending_depth > 0;
		e->expected = (struct image_id){ 0 };
		e->unverified = true;
		e->has_image = true;
		request_continue(q);
		return;
	case VERDICT_DENY:
	case VERDICT_APPROVE:
	case VERDICT_KIND_MAX:
		break;
	}
	request_fail(q, EACCES);
}

/* What the server or a rule has decided already: on record, and it runs. */
static void go_on_decided(struct request *q, const struct event *proto,
			  struct proc_entry *e, struct str rule)
{
	struct event ev = *proto;

	ev.has_policy = true;
	ev.decision = ev.effective_decision = VERDICT_ALLOW;
	ev.rule = rule;
	ev.action = EVENT_ALLOWED;
	if (sink_emit(&q->tracer->sink, &ev) < 0) {
		request_fail(q, EACCES);
		return;
	}
	e->unverified = true;
	e->has_image = true;
	request_continue(q);
}

/* The first exec of a command about which was asked before it started. */
static bool is_decided(const struct request *q, const struct proc_entry *e,
		       const struct op *op, const struct op *op2,
		       struct str *rule)
{
	const struct policy *p = guard_policy(q->tracer->guard);
	struct verdict v;

	if (!q->command->decided || e->has_image)
		return false;
	if (q->command->decided & SPAWN_REDIRECTED)
		return true;
	v = policy_decide(p, op);
	if (op2)
		v = verdict_stricter(v, policy_decide(p, op2));
	*rule = policy_rule_name(p, v);
	return v.kind == VERDICT_APPROVE;
}

static void judge(struct request *q, struct exec *x, struct proc_entry *e)
{
	unsigned int depth = e->has_image ? e->depth + 1 : e->depth;
	struct op op = { .kind = OP_EXEC }, op2 = { .kind = OP_EXEC };
	struct event ev = EVENT_INIT("execve");
	const struct settings *s = &q->tracer->settings;
	bool second = x->interp.n > 0;
	bool strict = x->truncated && !s->truncated_allowed;
	struct str rule = STR("redirected");

	op.exec = (struct op_exec){ .path = x->path,
				    .names = x->names,
				    .n_names = x->n_names,
				    .argv = x->argv,
				    .argc = x->argc,
				    .depth = depth,
				    .truncated = strict,
				    .exec_enforced = true,
				    .denied_content = x->denied_content };
	op2.exec = (struct op_exec){ .path = x->interp,
				     .argv = x->interp_argv,
				     .argc = x->interp_argc,
				     .depth = depth,
				     .truncated = strict,
				     .exec_enforced = true,
				     .denied_content = x->interp_denied };
	request_event(q, &ev);
	ev.depth = (int)depth;
	ev.filename = x->path;
	ev.raw_filename = x->raw;
	ev.argv = x->argv;
	ev.argc = MIN(x->argc, (size_t)EVENT_MAX_ARGV);
	ev.truncated = x->truncated;
	e->pending_depth = depth;
	e->expected = exec_image_id(x->image, &x->image_st, x->image_argv,
				    x->image_argc);
	if (is_decided(q, e, &op, second ? &op2 : NULL, &rule) ||
	    exec_divert_wanted(q, x->raw, x->argv, x->argc)) {
		go_on_decided(q, &ev, e, rule);
		return;
	}
	/* For a redirect, which is decided at once: x is gone when we return,
	 * and q may be. An approval that comes later has no use for it. */
	q->data = x;
	if (x->truncated && s->truncated_asks)
		request_hold(q, &op, second ? &op2 : NULL, &ev, on_decided);
	else
		request_ask(q, &op, second ? &op2 : NULL, &ev, on_decided);
}

/* Records and refuses what could not be read: never run unjudged. */
static void refuse_unreadable(struct request *q, struct exec *x, int error)
{
	struct op op = { .kind = OP_NONE };
	struct event ev = EVENT_INIT("execve");

	request_event(q, &ev);
	ev.raw_filename = x->raw;
	ev.operation = STR("unreadable arguments");
	event_add_int(&ev, "errno", -error);
	request_ask(q, &op, NULL, &ev, on_decided);
}

/* The file. Names are looked for along PATH: what fails fails here. */
static int find_file(struct request *q, struct exec *x, struct mem_window *w)
{
	bool at = q->nr == SYS_execveat;
	char *path = arena_alloc(&x->arena, LIMIT_PATH);
	ssize_t n;

	if (!path)
		return -ENOMEM;
	n = mem_window_string(&q->mem, w, path_arg(q), path, LIMIT_PATH);
	if (n < 0)
		return (int)n;
	x->raw = str_from_n(path, (size_t)n);
	x->known = programs_find(q->tracer, x);
	if (x->known)
		return 0;
	return open_file(q, x, at ? (int)q->args[0] : AT_FDCWD, path,
			 at ? (int)q->args[4] : 0);
}

/* What it is called with, and what will run instead of it. */
static int gather(struct request *q, struct exec *x, struct mem_window *w)
{
	int r = read_argv(q, x, w, q->args[q->nr == SYS_execveat ? 2 : 1]);
	size_t n_names = x->n_names;

	if (r == 0 && !request_valid(q))
		r = -ESRCH;
	if (r < 0)
		return r;
	if (x->argc)
		exec_add_name(x, x->argv[0]);
	if (x->known) {
		x->image_argv = x->argv;
		x->image_argc = x->argc;
		return 0;
	}
	x->denied_content = copies_match(x->copies, x->fd);
	r = exec_follow(x);
	if (r == 0)
		programs_learn(q->tracer, x, n_names);
	return r;
}

/* Errors that the kernel itself would give, and that run nothing. */
static bool is_plain_error(int r)
{
	return r == -ENOENT || r == -ENOTDIR || r == -ELOOP ||
	       r == -ENAMETOOLONG || r == -EBADF;
}

void decode_exec(struct request *q)
{
	struct exec x = { .arena = ARENA_INIT(EXEC_ARENA_MAX), .fd = -1 };
	struct proc_entry *e = NULL;
	struct mem_window w;
	int r;

	w.n = 0;
	x.viewer = (struct viewer){ q->pid, q->tid, q->tracer };
	x.copies = q->tracer->copies;
	r = find_file(q, &x, &w);
	if (r == 0) {
		e = exec_entry(q);
		r = e ? gather(q, &x, &w) : -ESRCH;
	}
	if (r == 0)
		judge(q, &x, e);
	else if (is_plain_error(r))
		request_fail(q, -r);
	else
		refuse_unreadable(q, &x, r);
	exec_done(&x);
}
