/* SPDX-License-Identifier: MIT */
/*
 * exec_image.c - after an execve: is what runs what was judged?
 *
 * The first notified call of a new image asks (decode_exec.c has the why). What
 * was judged is kept as three hashes: the name of the file, the file itself
 * with its times, and the arguments; under a key that nobody else has, because
 * the one who would like two of them to be equal chooses all three.
 *
 * Usually all is well, and that takes a stat() through /proc/PID/exe and one
 * read of cmdline. A file with a single link that is the same and has not been
 * changed (renaming it would have) has the name that was judged, or somebody
 * renamed a directory above it meanwhile; only others are asked for theirs.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/proc.h"
#include "base/siphash.h"
#include "core/limits.h"
#include "tracer/copies.h"
#include "tracer/divert_exec.h"
#include "tracer/exec.h"
#include "tracer/notify.h"
#include "tracer/ownfd.h"

#define CMDLINE_SHORT 4096

static uint64_t hash_of(const void *p, size_t n)
{
	struct siphash h;

	siphash_init(&h, siphash_key());
	siphash_add(&h, p, n);
	return siphash_end(&h);
}

static uint64_t hash_file(const struct stat *st)
{
	const uint64_t file[] = {
		(uint64_t)st->st_dev,          (uint64_t)st->st_ino,
		(uint64_t)st->st_size,         (uint64_t)st->st_mtim.tv_sec,
		(uint64_t)st->st_mtim.tv_nsec, (uint64_t)st->st_ctim.tv_sec,
		(uint64_t)st->st_ctim.tv_nsec
	};

	return hash_of(file, sizeof(file));
}

struct image_id exec_image_id(struct str path, const struct stat *st,
			      const struct str *argv, size_t argc)
{
	struct siphash h;

	siphash_init(&h, siphash_key());
	for (size_t i = 0; i < argc; i++) {
		siphash_add(&h, argv[i].p, argv[i].n);
		siphash_add(&h, "", 1); /* as in cmdline */
	}
	return (struct image_id){ .path = hash_of(path.p, path.n),
				  .file = hash_file(st),
				  .args = siphash_end(&h) };
}

static bool same_image(const struct image_id *a, const struct image_id *b)
{
	return a->path == b->path && a->file == b->file && a->args == b->args;
}

/* Called when a real image is not one that the policy allows. */
static void on_mismatch(void *arg, struct verdict v _unused_)
{
	request_kill(arg);
}

/* Splits the kernel's NUL-separated vector. */
static size_t split_cmdline(struct str text, struct str *argv, size_t max)
{
	struct str part;
	size_t n = 0;

	if (text.n && text.p[text.n - 1] == 0)
		text.n--;
	while (n < max && text.p && str_split(&text, 0, &part))
		argv[n++] = part;
	return n;
}

static bool image_allowed(struct request *q, const struct proc_entry *e,
			  const struct op *op)
{
	enum verdict_kind kind;

	kind = policy_decide(guard_policy(q->tracer->guard), op).kind;
	/* An approval was given to what this process was forked from. */
	if (kind == VERDICT_APPROVE && e->orphan)
		return true;
	return kind == VERDICT_ALLOW || kind == VERDICT_AUDIT;
}

/*
 * The image that runs, x, is not the one that was judged. A loader's arguments
 * say what it is going to load.
 */
static bool judge_image(struct request *q, const struct proc_entry *e,
			struct exec *x, unsigned int depth)
{
	struct op op = { .kind = OP_EXEC }, op2 = { .kind = OP_EXEC };
	struct event ev = EVENT_INIT("execve");
	bool read = exec_follow(x) == 0, second = x->interp.n > 0;

	op.exec = (struct op_exec){
		.path = x->path,
		.argv = x->argv,
		.argc = x->argc,
		.depth = depth,
		.truncated = x->argc == EVENT_MAX_ARGV,
		.exec_enforced = true,
		.denied_content = copies_match(x->copies, x->fd),
	};
	op2.exec = (struct op_exec){ .path = x->interp,
				     .argv = x->interp_argv,
				     .argc = x->interp_argc,
				     .depth = depth,
				     .truncated = op.exec.truncated,
				     .exec_enforced = true,
				     .denied_content = x->interp_denied };
	if (!read) /* whatever it is going to load, nobody can judge it */
		op.kind = OP_NONE;
	else if (image_allowed(q, e, &op) &&
		 (!second || image_allowed(q, e, &op2)))
		return true;
	request_event(q, &ev);
	ev.filename = x->path;
	ev.argv = x->argv;
	ev.argc = x->argc;
	ev.operation = STR("image differs from the one judged");
	request_ask(q, &op, second ? &op2 : NULL, &ev, on_mismatch);
	return false;
}

static int open_image(pid_t pid, struct stat *ret)
{
	char path[48];
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	fd = open(path, O_PATH | O_CLOEXEC);
	if (fd >= 0 && fstat(fd, ret) == 0)
		return fd;
	if (fd >= 0)
		(void)close(fd);
	return -EACCES;
}

/* By what name does it run? With one link, by the one that was judged. */
static bool name_is(const char *exe, const struct stat *st, uint64_t name)
{
	char path[LIMIT_PATH];
	ssize_t n;

	if (st->st_nlink == 1)
		return true;
	n = readlink(exe, path, sizeof(path));
	return n > 0 && n < (ssize_t)sizeof(path) &&
	       hash_of(path, (size_t)n) == name;
}

static bool args_are(pid_t pid, uint64_t args)
{
	char path[48], text[CMDLINE_SHORT];
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, text, sizeof(text));
	return n > 0 && n < (ssize_t)sizeof(text) &&
	       hash_of(text, (size_t)n) == args;
}

/*
 * The short way: what was judged runs, or still what ran before an exec that
 * failed. False: have a closer look.
 */
static bool is_as_judged(struct request *q, struct proc_entry *e)
{
	const struct image_id *id = &e->expected;
	char exe[48];
	struct stat st;
	uint64_t file;

	(void)snprintf(exe, sizeof(exe), "/proc/%d/exe", q->pid);
	if (stat(exe, &st) < 0)
		return false;
	file = hash_file(&st);
	if (file != id->file)
		id = &e->image;
	if (file != id->file || !name_is(exe, &st, id->path) ||
	    !args_are(q->pid, id->args) || !request_valid(q))
		return false;
	if (id != &e->image)
		e->image = *id;
	return true;
}

/* What runs, read in full, is in x (argv in room for EVENT_MAX_ARGV). */
static bool look_closer(struct request *q, struct proc_entry *e, bool is_exec,
			struct exec *x, const struct stat *st)
{
	struct image_id id = exec_image_id(x->path, st, x->argv, x->argc);

	/* The stub; or still the image before a failed exec, or the one that
	 * was judged. */
	if (exec_divert_arrived(q, x->path))
		return true;
	if (same_image(&id, &e->expected) || same_image(&id, &e->image)) {
		e->image = id;
		return true;
	}
	e->image = id;
	return judge_image(q, e, x, is_exec ? e->depth : e->pending_depth);
}

/* False when the image could not be read or the policy denies it; the request
 * has been answered then. */
static bool verify_image(struct request *q, struct proc_entry *e, bool is_exec)
{
	_cleanup_buf_ struct buf exe = BUF_INIT, cmdline = BUF_INIT;
	struct str argv[EVENT_MAX_ARGV];
	struct exec x = { .arena = ARENA_INIT(EXEC_ARENA_MAX) };
	struct stat st;
	bool allowed;

	if (is_as_judged(q, e))
		return true;
	x.fd = open_image(q->pid, &st);
	if (x.fd < 0 || ownfd_path(x.fd, &exe) < 0 ||
	    proc_cmdline(q->pid, &cmdline) < 0 || !request_valid(q)) {
		exec_done(&x);
		request_fail(q, EACCES);
		return false;
	}
	x.viewer = (struct viewer){ q->pid, q->pid, q->tracer };
	x.copies = q->tracer->copies;
	x.path = buf_str(&exe);
	x.argv = argv;
	x.argc = split_cmdline(buf_str(&cmdline), argv, ARRAY_LEN(argv));
	allowed = look_closer(q, e, is_exec, &x, &st);
	exec_done(&x);
	return allowed;
}

bool exec_verify(struct request *q)
{
	struct proc_entry *e = proctab_find(&q->command->procs, q->pid);
	bool is_exec = q->nr == SYS_execve || q->nr == SYS_execveat;

	if (!e)
		e = exec_entry(q);
	if (!e) {
		request_fail(q, EACCES);
		return false;
	}
	/* The launcher's code, about to exec for the first time. */
	if (!e->unverified || !e->has_image)
		return true;
	if (!verify_image(q, e, is_exec))
		return false;
	e->unverified = false;
	e->orphan = false; /* what it starts itself is asked about */
	if (!is_exec)
		e->depth = e->pending_depth;
	if (q->command->slot && !q->command->launched &&
	    q->pid == q->command->pid)
		command_launched(q->command, 0, 0, 0);
	return true;
}

bool exec_image(struct request *q)
{
	struct proc_entry *e = exec_entry(q);

	if (!e) {
		request_fail(q, EACCES);
		return false;
	}
	/* An exec that nobody announced: nothing of it was judged. */
	if (!e->unverified)
		e->expected = e->image = (struct image_id){ 0 };
	e->has_image = true;
	e->orphan = false; /* this image is its own doing */
	if (!verify_image(q, e, /* is_exec */ false))
		return false;
	e->unverified = false;
	e->depth = e->pending_depth;
	return true;
}
