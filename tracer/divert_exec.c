/* SPDX-License-Identifier: MIT */
/*
 * divert_exec.c - redirect verdicts of command rules, for an execve that is
 * already under way
 *
 * The caller of an execve may share its memory with its parent (vfork,
 * posix_spawn), so the path that is overwritten is put back: at the new image's
 * first notified call, which is before its main().
 */
#include "tracer/divert_exec.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/proc.h"
#include "core/limits.h"
#include "tracer/ownfd.h"

#define DIVERTED_MAX 64 /* on their way at the same time */
#define STUB_NAME    "agentsh-stub"
#define REDIRECT_MAX 256
#define VECTOR_MAX   65536 /* arguments or variables looked at */

/* One execve that became the stub's. */
struct diverted {
	pid_t pid; /* 0 = free */
	uint64_t start_ticks;
	struct buf orders; /* what the memfd says */
	bool arrived;      /* the stub runs */
	pid_t parent;      /* shares the path's memory; 0 = nobody */
	uint64_t addr;
	char now[32];   /* what was written */
	struct buf was; /* what was there */
};

struct divert_exec {
	int stub;       /* owned */
	struct stat st; /* of it, as it was found */
	struct buf path;
	struct diverted v[DIVERTED_MAX];
	size_t next;
};

void exec_divert_open(struct tracer *t)
{
	struct divert_exec *d = calloc(1, sizeof(*d));
	_cleanup_buf_ struct buf exe = BUF_INIT, path = BUF_INIT;
	ptrdiff_t slash;

	if (!d)
		return;
	d->stub = -1;
	t->divert = d;
	if (proc_exe(getpid(), &exe) < 0)
		return;
	slash = str_rindex(buf_str(&exe), '/');
	buf_put_str(&path, str_from_n(exe.data, (size_t)(slash + 1)));
	buf_puts(&path, STUB_NAME);
	if (!path.error)
		d->stub = open(buf_cstr(&path), O_RDONLY | O_CLOEXEC);
	if (d->stub >= 0 &&
	    (fstat(d->stub, &d->st) < 0 || ownfd_path(d->stub, &d->path) < 0))
		(void)close(TAKE_FD(d->stub));
}

/* Written to since? (A build tree in the workspace may be.) Nobody can write
 * to it while it runs. */
static bool stub_is_same(const struct divert_exec *d)
{
	struct stat now;

	return fstat(d->stub, &now) == 0 &&
	       now.st_ctim.tv_sec == d->st.st_ctim.tv_sec &&
	       now.st_ctim.tv_nsec == d->st.st_ctim.tv_nsec &&
	       now.st_nlink == d->st.st_nlink;
}

static void forget(struct diverted *x)
{
	buf_done(&x->orders);
	buf_done(&x->was);
	*x = (struct diverted){ .pid = 0 };
}

void exec_divert_close(struct tracer *t)
{
	struct divert_exec *d = t->divert;

	if (!d)
		return;
	for (size_t i = 0; i < DIVERTED_MAX; i++)
		forget(&d->v[i]);
	if (d->stub >= 0)
		(void)close(d->stub);
	buf_done(&d->path);
	free(d);
	t->divert = NULL;
}

const char *exec_divert_path(const struct tracer *t)
{
	return t->divert && t->divert->stub >= 0 ? buf_cstr(&t->divert->path)
						 : NULL;
}

static struct diverted *find(const struct request *q)
{
	struct divert_exec *d = q->tracer->divert;
	struct proc_stat st;

	for (size_t i = 0; d && i < DIVERTED_MAX; i++)
		if (d->v[i].pid == q->pid && proc_stat_read(q->pid, &st) == 0 &&
		    st.start_ticks == d->v[i].start_ticks)
			return &d->v[i];
	return NULL;
}

static void put_word(struct buf *b, struct str s)
{
	buf_put_str(b, s);
	buf_putc(b, 0);
}

static void put_count(struct buf *b, size_t n)
{
	buf_printf(b, "%zu", n);
	buf_putc(b, 0);
}

/* As a shell would find it; the name itself if it has a slash or is nowhere. */
static void find_program(const struct tracer *t, struct str name,
			 struct buf *out)
{
	struct str rest = str_from(t->settings.path ? t->settings.path : "");
	struct str dir;

	while (str_index(name, '/') < 0 && str_split(&rest, ':', &dir)) {
		struct stat st;

		buf_reset(out);
		buf_printf(out, STR_FMT "/" STR_FMT, STR_ARG(dir),
			   STR_ARG(name));
		if (dir.n && !out->error && stat(buf_cstr(out), &st) == 0 &&
		    S_ISREG(st.st_mode) && (st.st_mode & 0111))
			return;
	}
	buf_reset(out);
	buf_put_str(out, name);
}

static int write_orders(const struct tracer *t, struct verdict v,
			struct buf *out)
{
	struct str args[REDIRECT_MAX], env[REDIRECT_MAX];
	_cleanup_buf_ struct buf program = BUF_INIT;
	struct policy_redirect to;
	int r = policy_rule_redirect(guard_policy(t->guard), v, &to, args,
				     REDIRECT_MAX, env, REDIRECT_MAX);

	if (r < 0 || to.target.n == 0)
		return -EACCES;
	find_program(t, to.target, &program);
	put_word(out, STR(DIVERT_MAGIC));
	put_word(out, buf_str(&program));
	put_count(out, to.n_args + 1);
	put_word(out, to.target);
	for (size_t i = 0; i < to.n_args; i++)
		put_word(out, to.args[i]);
	put_count(out, to.n_environment);
	for (size_t i = 0; i < to.n_environment; i++)
		put_word(out, to.environment[i]);
	return out->error;
}

/* A descriptor of ours among the caller's: its number, or -errno. */
static int give(const struct request *q, int fd, bool cloexec)
{
	struct seccomp_notif_addfd add = {
		.id = q->id,
		.srcfd = (uint32_t)fd,
		.newfd_flags = cloexec ? O_CLOEXEC : 0,
	};
	int n = ioctl(q->command->listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add);

	return n < 0 ? -errno : n;
}

static int write_memory(pid_t pid, uint64_t addr, const char *s, size_t n)
{
	struct iovec local = { (void *)(uintptr_t)s, n };
	struct iovec remote = { (void *)(uintptr_t)addr, n };

	return process_vm_writev(pid, &local, 1, &remote, 1, 0) == (ssize_t)n
		       ? 0
		       : -EACCES;
}

/* Whose memory it is too: the parent that waits in vfork. Where nobody may
 * ask, the parent is taken for one; its memory is compared before it is
 * written to. */
static pid_t sharer(pid_t pid)
{
	pid_t parent;

	if (proc_parent(pid, &parent) < 0)
		return 0;
	return syscall(SYS_kcmp, pid, parent, KCMP_VM, 0, 0) > 0 ? 0 : parent;
}

/* Is [from, to) part of what execve reads besides the path: the vectors, or a
 * variable? (What the arguments say is of no use to the stub.) */
static bool is_used(const struct request *q, uint64_t from, uint64_t to)
{
	bool at = q->nr == SYS_execveat;
	const uint64_t vectors[] = { q->args[at ? 2 : 1], q->args[at ? 3 : 2] };
	uint64_t p;

	for (size_t v = 0; v < ARRAY_LEN(vectors); v++) {
		size_t i = 0;

		do {
			uint64_t place = vectors[v] + i * sizeof(p);

			if (!vectors[v])
				break;
			if (i++ == VECTOR_MAX ||
			    (place + sizeof(p) > from && place < to) ||
			    mem_get(&q->mem, place, &p, sizeof(p)) < 0)
				return true;
			if (v == 1 && p >= from && p < to)
				return true;
		} while (p);
	}
	return false;
}

/*
 * "/dev/fd/N" in the place of the path. A shorter path is written beyond, where
 * nothing lies that this call still needs; what was there is put back if
 * somebody shares it, and is gone with the old image if nobody does.
 */
static int redirect_path(struct request *q, struct diverted *x, struct str path)
{
	const struct divert_exec *d = q->tracer->divert;
	int n = give(q, d->stub, /* cloexec */ true);
	char was[sizeof(x->now)];
	size_t size;

	if (n < 0)
		return n;
	(void)snprintf(x->now, sizeof(x->now), "/dev/fd/%d", n);
	size = strlen(x->now) + 1;
	if ((size > path.n + 1 &&
	     is_used(q, x->addr + path.n + 1, x->addr + size)) ||
	    mem_get(&q->mem, x->addr, was, size) < 0)
		return -EACCES;
	buf_put(&x->was, was, size);
	if (x->was.error)
		return x->was.error;
	return write_memory(q->tid, x->addr, x->now, size);
}

/*
 * By ptrace the registers of the caller can be changed: the execve becomes that
 * of a descriptor (ptrace_inject.c), and its memory stays as it is. The path
 * ends in an empty string.
 */
static int redirect_call(struct request *q, uint64_t path_addr, struct str path,
			 int orders)
{
	return q->backend->divert(q, q->tracer->divert->stub, orders,
				  path_addr + path.n);
}

/* An execve by descriptor: the number becomes the stub's. */
static int redirect_fd(const struct request *q)
{
	struct seccomp_notif_addfd add = {
		.id = q->id,
		.flags = SECCOMP_ADDFD_FLAG_SETFD,
		.srcfd = (uint32_t)q->tracer->divert->stub,
		.newfd = (uint32_t)q->args[0],
		.newfd_flags = O_CLOEXEC,
	};

	return ioctl(q->command->listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add) < 0
		       ? -errno
		       : 0;
}

static bool by_descriptor(const struct request *q, struct str path)
{
	return path.n == 0 && q->nr == SYS_execveat &&
	       (q->args[4] & AT_EMPTY_PATH);
}

int exec_divert(struct request *q, struct verdict v, uint64_t path_addr,
		struct str path)
{
	struct divert_exec *d = q->tracer->divert;
	_cleanup_close_ int orders = -1;
	struct diverted *x;
	struct proc_stat st;
	int r;

	if (!d || d->stub < 0 || !stub_is_same(d) ||
	    proc_stat_read(q->pid, &st) < 0)
		return -EACCES;
	x = &d->v[d->next++ % DIVERTED_MAX];
	forget(x);
	*x = (struct diverted){ .start_ticks = st.start_ticks,
				.parent = q->backend->divert ? 0
							     : sharer(q->pid),
				.addr = path_addr };
	r = write_orders(q->tracer, v, &x->orders);
	if (r == 0)
		orders = fd_sealed_memfd("agentsh-orders", buf_str(&x->orders));
	if (r == 0 && orders < 0)
		r = orders;
	if (r == 0 && q->backend->divert) {
		r = redirect_call(q, path_addr, path, orders);
	} else if (r == 0) {
		r = by_descriptor(q, path) ? redirect_fd(q)
					   : redirect_path(q, x, path);
		if (r == 0)
			r = give(q, orders, /* cloexec */ false);
	}
	if (r < 0) {
		forget(x);
		return r;
	}
	x->pid = q->pid;
	return 0;
}

/* Put back in the parent's memory, if it is still what we wrote. */
static void restore(const struct diverted *x)
{
	char there[sizeof(x->now)];
	struct mem mem = { mem_read_process, (void *)(uintptr_t)&x->parent };
	size_t n = strlen(x->now);

	if (n > 0 && x->parent > 0 &&
	    mem_get(&mem, x->addr, there, n + 1) == 0 &&
	    memcmp(there, x->now, n + 1) == 0)
		(void)write_memory(x->parent, x->addr, x->was.data, n + 1);
}

bool exec_divert_arrived(struct request *q, struct str exe)
{
	const struct divert_exec *d = q->tracer->divert;
	struct diverted *x = d && d->stub >= 0 ? find(q) : NULL;

	if (!x || !str_eq(exe, buf_str(&d->path)) || !stub_is_same(d))
		return false;
	if (!x->arrived)
		restore(x);
	x->arrived = true;
	return true;
}

bool exec_divert_wanted(const struct request *q, struct str path,
			const struct str *argv, size_t argc)
{
	struct diverted *x = find(q);
	_cleanup_buf_ struct buf have = BUF_INIT;
	bool same;

	if (!x || !x->arrived)
		return false;
	put_word(&have, STR(DIVERT_MAGIC));
	put_word(&have, path);
	put_count(&have, argc);
	for (size_t i = 0; i < argc; i++)
		put_word(&have, argv[i]);
	same = !have.error && str_starts(buf_str(&x->orders), buf_str(&have));
	forget(x);
	return same;
}
