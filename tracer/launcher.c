/* SPDX-License-Identifier: MIT */
/*
 * launcher.c - the process that starts commands as the tracer's children
 *
 *	tracer                  launcher                 command
 *	  | spawn(id, argv, fds) |                          |
 *	  |--------------------->| clone(VM|VFORK|PARENT)   |
 *	  |                      |------------------------->| confine_apply()
 *	  |        LAUNCH_CONFINED {pid, listener number}   |
 *	  |<------------------------------------------------| execve: notified
 *	  | pidfd_getfd(listener), judge, CONTINUE          |
 *	  |------------------------------------------------>| new image
 *	  |  LAUNCH_DONE {0}     | resumes                  |
 *	  |<---------------------|                          |
 *
 * Why a process of its own: CLONE_VFORK suspends the caller until the child
 * has exec'd, and the exec waits for the tracer's answer, so the tracer cannot
 * be the caller. CLONE_VFORK and not fork: copying page tables costs several
 * times as much as the rest of a spawn. CLONE_PARENT makes the tracer the
 * parent, so it reaps the command and is the subreaper of its daemons.
 *
 * The launcher puts itself into the session's Landlock domain once; commands
 * inherit it. That is one layer per session (the kernel allows 16), no
 * per-command set-up, and the same domain for everything of a session.
 * Capabilities and the filter are applied per command, in the child: the
 * launcher needs neither, and a listener per command attributes each
 * notification to its command without any guess.
 *
 * The child tells the listener's number by a plain write(): sending the
 * descriptor itself would take sendmsg(), which the filter it just installed
 * may hand to the very supervisor that does not have the listener yet. Where a
 * container refuses pidfd_getfd(), the child shares its descriptor table with
 * a third process, the sender, which has no filter and passes the listener on;
 * the kernel gives the child a table of its own when it execs.
 *
 * The child shares the launcher's memory until it has exec'd. It runs nothing
 * but the code below, and the launcher is asleep meanwhile.
 *
 * The ready child. Between two commands the launcher makes the next one in
 * advance: in its cgroup, confined, its listener at the tracer, and waiting
 * for LAUNCH_GO, which it takes from the channel itself. A command then costs
 * one wake-up and its exec; the fork, the cgroup's RCU grace period and the
 * filter's compilation were paid before. There is one listener per command
 * still, so that nothing has to guess whose a notification is. The launcher
 * sleeps on a pipe that closes with the exec, not in vfork: the kernel counts
 * a vfork's parent as load.
 */
#include "tracer/launcher.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/log.h"
#include "base/path.h"
#include "confine/canary.h"
#include "confine/landlock.h"
#include "confine/rlimit.h"
#include "core/channel.h"
#include "core/limits.h"

/* Messages of the tracer. After PREPARE comes GO or CANCEL, nothing else. */
#define LAUNCH_REQUEST    1
#define LAUNCH_PREPARE    2
#define LAUNCH_GO         3
#define LAUNCH_CANCEL     4
#define LAUNCH_STACK_SIZE (128U * 1024)
#define LAUNCH_MAX_ARGS   65536
#define CANARY_SECONDS    10

struct launcher {
	pid_t pid;
	int landlock_error;
	int events;              /* owned */
	struct channel *channel; /* owned */
};

/* The launcher's own state, and what it shares with a child. */
struct launch {
	const struct launcher_config *config;
	int events;
	struct channel *channel; /* owned */
	char *stack;
	uint32_t id;
	bool dry_run;
	bool went;             /* the ready child was told to go */
	struct arena *arena;   /* of what the ready child was told */
	struct buf *file_text; /* its program */
	int flags;             /* enum proto_spawn_flags */
	struct confine_plan plan;
	int sender[2]; /* socket pair to the sender; -1 = there is none */
	int null;      /* /dev/null, to put back when the table is shared */
	int stdio[3];
	const char *file;
	char *const *argv;
	char *const *envp;
	struct confine_report report;
	int error; /* errno of the failed step */
	uint32_t step;
};

static void reset_signals(void)
{
	struct sigaction dfl = { .sa_handler = SIG_DFL };
	sigset_t none;

	for (int s = 1; s < NSIG; s++)
		(void)sigaction(s, &dfl, NULL); /* KILL and STOP refuse */
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Order matters only in that a source may itself be one of 0-2. */
static int place_stdio(const int stdio[3])
{
	for (int i = 0; i < 3; i++)
		if (stdio[i] >= 0 && dup2(stdio[i], i) < 0)
			return -errno;
	return 0;
}

static uint32_t failed_step(const struct confine_report *report)
{
	for (uint32_t i = 0; i < CONFINE_STEP_MAX; i++)
		if (report->result[i] == CONFINE_FAILED)
			return i;
	return LAUNCH_STEP_SETUP;
}

static int fail(struct launch *l, int r, uint32_t step)
{
	l->error = -r;
	l->step = step;
	return 127;
}

/* ---- canaries ---- */

static const char *scene_text(const struct launch *l, const char *key)
{
	size_t n = strlen(key);

	for (char *const *a = l->argv; *a; a++)
		if (strncmp(*a, key, n) == 0 && (*a)[n] == '=')
			return *a + n + 1;
	return NULL;
}

static uint32_t scene_address(const struct launch *l)
{
	const char *text = scene_text(l, "address");
	struct in_addr a = { 0 };

	return text && inet_pton(AF_INET, text, &a) == 1 ? a.s_addr : 0;
}

/*
 * In place of an exec: a process with memory of its own tries what the policy
 * forbids, judged like any command, because it is confined like one.
 */
static int canary_main(const struct launch *l)
{
	struct canary_scene s = {
		.secret = scene_text(l, "secret"),
		.create = scene_text(l, "create"),
		.program = scene_text(l, "program"),
		.alias = scene_text(l, "alias"),
		.workspace = scene_text(l, "workspace"),
		.control = scene_text(l, "control"),
		.address = scene_address(l),
		.limits = scene_text(l, "limits") != NULL,
		.outside = getppid(), /* the tracer: CLONE_PARENT */
	};
	long pid = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);

	if (pid == 0) {
		(void)alarm(CANARY_SECONDS);
		canary_attempt(&s, STDOUT_FILENO);
		_exit(0);
	}
	while (pid > 0 && waitpid((pid_t)pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	return 0;
}

/* Runs in the child, in the launcher's memory: async-signal-safe only. */
static int child_main(void *arg)
{
	struct launch *l = arg;
	struct launch_event e = { .kind = LAUNCH_CONFINED, .id = l->id };
	int r;

	/* The tracer's death must not leave a command running unwatched. */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	r = place_stdio(l->stdio);
	if (r < 0)
		return fail(l, r, LAUNCH_STEP_SETUP);
	r = confine_apply(&l->plan, -1, &l->report);
	if (r < 0)
		return fail(l, r, failed_step(&l->report));
	e.pid = (int32_t)syscall(SYS_getpid);
	e.listener = l->report.listener;
	e.report = l->report;
	if (write(e.listener >= 0 && l->sender[0] >= 0 ? l->sender[0]
						       : l->events,
		  &e, sizeof(e)) != (ssize_t)sizeof(e))
		return fail(l, -EPIPE, LAUNCH_STEP_SETUP);
	if (l->flags & SPAWN_CANARY)
		return canary_main(l);
	(void)execve(l->file, l->argv, l->envp);
	return fail(l, -errno, LAUNCH_STEP_EXEC);
}

/*
 * The sender: shares memory and descriptors with the launcher. It is started
 * inside the launcher's Landlock domain: the signal that ends it with the
 * launcher comes from there, and the domain's scope would hold it back.
 */
static int sender_main(void *arg)
{
	struct launch *l = arg;
	struct launch_event e;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (read(l->sender[1], &e, sizeof(e)) == (ssize_t)sizeof(e)) {
		int fd = e.listener;

		if (fd_send(l->events, &e, sizeof(e), &fd, 1, 0) < 0)
			break;
	}
	return 0;
}

static int start_sender(struct launch *l)
{
	char *stack;

	l->sender[0] = l->sender[1] = -1;
	if (!l->config->share_table)
		return 0;
	if (l->null < 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
				      l->sender) < 0)
		return -errno;
	stack = mmap(NULL, LAUNCH_STACK_SIZE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	if (stack == MAP_FAILED)
		return -errno;
	return clone(sender_main, stack + LAUNCH_STACK_SIZE,
		     CLONE_VM | CLONE_FILES | SIGCHLD, l) < 0
		       ? -errno
		       : 0;
}

/* What a child did to the table that it shared with us. */
static void restore_table(struct launch *l)
{
	for (int i = 0; i < 3; i++)
		(void)dup2(l->null, i);
	if (l->report.listener >= 0)
		(void)close(l->report.listener);
}

/* NUL-terminated vector in the arena; NULL when it is full. */
static char **strings(struct arena *a, const struct str *v, uint32_t n)
{
	char **out;

	if (n > LAUNCH_MAX_ARGS)
		return NULL;
	out = arena_alloc(a, ((size_t)n + 1) * sizeof(*out));
	for (uint32_t i = 0; out && i < n; i++) {
		out[i] = arena_dup(a, v[i]);
		if (!out[i])
			return NULL;
	}
	return out;
}

static bool is_program(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
	       (st.st_mode & 0111) != 0;
}

static struct str env_path(const struct proto_spawn *s)
{
	for (uint32_t i = 0; i < s->n_env; i++)
		if (str_starts(s->env[i], STR("PATH=")))
			return str_skip(s->env[i], 5);
	return STR("/usr/local/bin:/usr/bin:/bin");
}

/*
 * execvp's search, but for the first candidate that exists only: a denied
 * program must not be tried again under the next directory's name.
 */
static int find_program(const struct proto_spawn *s, struct buf *out)
{
	struct str rest = env_path(s), dir;

	if (s->file.n == 0)
		return -ENOENT;
	if (str_index(s->file, '/') >= 0) {
		buf_put_str(out, s->file);
		return out->error;
	}
	while (str_split(&rest, ':', &dir)) {
		buf_reset(out);
		if (dir.n == 0 || dir.p[0] != '/') {
			buf_put_str(out, s->cwd);
			buf_putc(out, '/');
		}
		buf_put_str(out, dir);
		buf_putc(out, '/');
		buf_put_str(out, s->file);
		if (out->error)
			return out->error;
		if (is_program(buf_cstr(out)))
			return 0;
	}
	return -ENOENT;
}

static void make_plan(struct launch *l, const int *cgroup_fds, size_t n)
{
	struct confine_plan p = {
		.cwd_fd = -1,
		.caps_keep = l->config->caps_keep,
		.landlock_fd = -1,
		.filter = l->config->filter,
		.filter_static = l->config->floor_filter,
		.listener = l->config->listener,
		.wait_killable = true,
		.required = 1U << CONFINE_CWD | 1U << CONFINE_NNP |
			    1U << CONFINE_FDS | 1U << CONFINE_SECCOMP |
			    1U << CONFINE_SESSION,
	};

	for (size_t i = 0; i < n && i < CONFINE_MAX_CGROUPS; i++)
		p.cgroup_procs[p.n_cgroups++] = cgroup_fds[i];
	if (n > 0)
		p.required |= 1U << CONFINE_CGROUP;
	l->plan = p;
}

/* What no cgroup limits is limited per process, as far as rlimits can. */
static int plan_rlimits(struct launch *l, const struct proto_limits *p)
{
	struct cgroup_limits limits = { .memory_bytes = p->memory_bytes,
					.swap_bytes = p->swap_bytes,
					.swap_set = p->swap_set,
					.cpu_percent = p->cpu_percent,
					.pids = p->pids };

	return rlimit_fallback(&limits,
			       l->plan.n_cgroups ? &l->config->have : NULL,
			       &l->plan, NULL, NULL);
}

static int decode(struct launch *l, struct arena *a,
		  const struct channel_msg *m, struct proto_spawn *s)
{
	if (m->body.n < 1)
		return -EBADMSG;
	l->dry_run = m->body.p[0] != 0;
	return proto_spawn_decode(str_skip(m->body, 1), a, s);
}

/* What is to run, with which descriptors, where. */
static int take_program(struct launch *l, struct arena *a, struct buf *file,
			const struct proto_spawn *s, const int *fds)
{
	int r;

	l->flags = (int)s->flags;
	l->plan.cwd = s->cwd.n ? arena_dup(a, s->cwd) : "/";
	l->argv = strings(a, s->argv, s->argc);
	l->envp = strings(a, s->env, s->n_env);
	if (!l->plan.cwd || !l->argv || !l->envp)
		return -ENOMEM;
	for (int i = 0; i < 3; i++)
		l->stdio[i] = fds[i];
	if (l->dry_run)
		buf_put_str(file, s->file);
	r = l->dry_run || (l->flags & SPAWN_CANARY) ? file->error
						    : find_program(s, file);
	l->file = buf_cstr(file);
	return r;
}

static int prepare(struct launch *l, struct arena *a, struct buf *file,
		   const struct channel_msg *m)
{
	struct proto_spawn s;
	int r;

	if (m->n_fds < 3)
		return -EBADMSG;
	r = decode(l, a, m, &s);
	if (r < 0)
		return r;
	make_plan(l, m->fds + 3, m->n_fds - 3);
	l->plan.tty = (s.flags & SPAWN_TTY) != 0;
	r = plan_rlimits(l, &s.limits);
	return r < 0 ? r : take_program(l, a, file, &s, m->fds);
}

static int launch_one(struct launch *l, const struct channel_msg *m)
{
	_cleanup_arena_ struct arena a = ARENA_INIT(CHANNEL_BODY_MAX * 2);
	_cleanup_buf_ struct buf file = BUF_INIT;
	struct launch_event e = { .kind = LAUNCH_DONE, .id = m->id };
	bool shared = l->sender[0] >= 0;
	int r;

	l->id = m->id;
	l->error = 0;
	l->report = (struct confine_report){ .listener = -1 };
	r = prepare(l, &a, &file, m);
	if (r < 0) {
		(void)fail(l, r,
			   r == -ENOENT ? LAUNCH_STEP_EXEC : LAUNCH_STEP_SETUP);
	} else {
		e.pid = clone(child_main, l->stack + LAUNCH_STACK_SIZE,
			      CLONE_VM | CLONE_VFORK | CLONE_PARENT | SIGCHLD |
				      (shared ? CLONE_FILES : 0),
			      l);
		if (e.pid < 0)
			(void)fail(l, -errno, LAUNCH_STEP_SETUP);
		if (shared)
			restore_table(l);
	}
	e.error = l->error;
	e.step = l->step;
	e.listener = -1;
	e.report = l->report;
	return fd_write_full(l->events, &e, sizeof(e));
}

/* ---- the ready child ---- */

static int wait_for_message(struct channel *c, struct channel_msg *ret)
{
	struct pollfd p = { .fd = channel_fd(c), .events = POLLIN };
	int r;

	while ((r = channel_recv(c, ret)) == -EAGAIN)
		(void)poll(&p, 1, -1);
	return r;
}

/* What a confined child still has to do when it learns what it is. */
static int enter(struct launch *l)
{
	int r = place_stdio(l->stdio);

	if (r < 0)
		return fail(l, r, LAUNCH_STEP_SETUP);
	if ((l->flags & SPAWN_TTY) && ioctl(0, TIOCSCTTY, 0) < 0)
		return fail(l, -errno, CONFINE_SESSION);
	if (chdir(l->plan.cwd) < 0)
		return fail(l, -errno, CONFINE_CWD);
	if (l->flags & SPAWN_CANARY)
		return canary_main(l);
	(void)execve(l->file, l->argv, l->envp);
	return fail(l, -errno, LAUNCH_STEP_EXEC);
}

/* Its allocations are the launcher's, which frees them. Its descriptors are
 * its own table's, all CLOEXEC. */
static int ready_main(void *arg)
{
	struct launch *l = arg;
	struct launch_event e = { .kind = LAUNCH_CONFINED, .id = l->id };
	struct channel_msg m;
	struct proto_spawn s;
	int r;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	r = confine_apply(&l->plan, -1, &l->report);
	if (r < 0)
		return fail(l, r, failed_step(&l->report));
	e.pid = (int32_t)syscall(SYS_getpid);
	e.listener = l->report.listener;
	e.report = l->report;
	if (write(l->events, &e, sizeof(e)) != (ssize_t)sizeof(e))
		return fail(l, -EPIPE, LAUNCH_STEP_SETUP);
	if (wait_for_message(l->channel, &m) <= 0 || m.type != LAUNCH_GO)
		return fail(l, -ECANCELED, LAUNCH_STEP_SETUP);
	l->went = true;
	r = m.n_fds != 3 ? -EBADMSG : decode(l, l->arena, &m, &s);
	if (r == 0)
		r = take_program(l, l->arena, l->file_text, &s, m.fds);
	if (r < 0)
		return fail(l, r,
			    r == -ENOENT ? LAUNCH_STEP_EXEC
					 : LAUNCH_STEP_SETUP);
	return enter(l);
}

/* Until the child has exec'd or ended: its end of the pipe closes. */
static pid_t run_ready(struct launch *l)
{
	int ends[2];
	char none;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	pid = clone(ready_main, l->stack + LAUNCH_STACK_SIZE,
		    CLONE_VM | CLONE_PARENT | SIGCHLD, l);
	if (pid < 0)
		pid = -errno;
	(void)close(ends[1]);
	while (pid > 0 && read(ends[0], &none, 1) < 0 && errno == EINTR)
		continue;
	(void)close(ends[0]);
	return pid;
}

static int launch_ready(struct launch *l, const struct channel_msg *m)
{
	_cleanup_arena_ struct arena a = ARENA_INIT(CHANNEL_BODY_MAX * 2);
	_cleanup_buf_ struct buf file = BUF_INIT;
	struct launch_event e = { .kind = LAUNCH_DONE, .id = m->id };
	struct proto_spawn s;
	int r;

	l->id = m->id;
	l->error = 0;
	l->went = false;
	l->arena = &a;
	l->file_text = &file;
	l->report = (struct confine_report){ .listener = -1 };
	make_plan(l, m->fds, m->n_fds);
	l->plan.required &= ~(1U << CONFINE_CWD);
	r = decode(l, &a, m, &s);
	if (r == 0)
		r = plan_rlimits(l, &s.limits);
	e.pid = r < 0 ? r : run_ready(l);
	if (e.pid < 0)
		(void)fail(l, e.pid, LAUNCH_STEP_SETUP);
	else if (!l->went && !l->error)
		(void)fail(l, -ECANCELED, LAUNCH_STEP_SETUP); /* killed */
	e.error = l->error;
	e.step = l->step;
	e.listener = -1;
	e.report = l->report;
	return fd_write_full(l->events, &e, sizeof(e));
}

/* First event: how restricting the launcher itself went. */
static int restrict_launcher(struct launch *l)
{
	struct launch_event e = { .kind = LAUNCH_DONE, .listener = -1 };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		e.error = errno;
	else if (l->config->landlock_fd >= 0)
		e.error = -landlock_restrict(l->config->landlock_fd,
					     l->config->landlock_flags);
	return fd_write_full(l->events, &e, sizeof(e));
}

static int handle(struct launch *l, const struct channel_msg *m)
{
	if (m->type == LAUNCH_REQUEST)
		return launch_one(l, m);
	if (m->type == LAUNCH_PREPARE)
		return launch_ready(l, m);
	return 0; /* for a ready child that was killed meanwhile */
}

_noreturn_ static void launcher_main(struct launch *l, int sock)
{
	struct channel_msg m;
	int r;

	reset_signals();
	(void)prctl(PR_SET_NAME, "agentsh-launch");
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)umask(l->config->umask);
	/* The policy need not grant it; the launcher does. */
	l->null = open("/dev/null", O_RDWR | O_CLOEXEC);
	l->stack = mmap(NULL, LAUNCH_STACK_SIZE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	if (l->stack == MAP_FAILED || channel_new(sock, &l->channel) < 0 ||
	    restrict_launcher(l) < 0 || start_sender(l) < 0)
		_exit(1);
	for (;;) {
		r = wait_for_message(l->channel, &m);
		if (r <= 0)
			_exit(r == 0 ? 0 : 1);
		r = handle(l, &m);
		channel_msg_done(&m);
		if (r < 0)
			_exit(1);
	}
}

/* Everything the tracer holds but the launcher's own three descriptors. */
static void close_others(int a, int b, int c)
{
	unsigned int from = 3;
	int keep[3] = { a, b, c };

	for (;;) {
		unsigned int next = ~0U;

		for (int i = 0; i < 3; i++)
			if (keep[i] >= 0 && (unsigned int)keep[i] >= from &&
			    (unsigned int)keep[i] < next)
				next = (unsigned int)keep[i];
		if (next == ~0U) {
			(void)syscall(SYS_close_range, from, ~0U, 0);
			return;
		}
		if (next > from)
			(void)syscall(SYS_close_range, from, next - 1, 0);
		from = next + 1;
	}
}

int launcher_new(const struct launcher_config *config, struct launcher **ret)
{
	int ctl[2] = { -1, -1 }, ev[2] = { -1, -1 };
	struct launcher *l = calloc(1, sizeof(*l));
	struct launch child = { .config = config, .step = 0 };
	struct launch_event first;
	int r;

	if (!l)
		return -ENOMEM;
	l->events = -1;
	r = channel_pair(ctl);
	if (r == 0 &&
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ev) < 0)
		r = -errno;
	if (r == 0) {
		l->pid = fork();
		if (l->pid == 0) {
			child.events = ev[1];
			close_others(ctl[1], ev[1], config->landlock_fd);
			launcher_main(&child, ctl[1]);
		}
		r = l->pid < 0 ? -errno : 0;
	}
	l->events = ev[0];
	for (int i = 0; i < 2; i++)
		if ((i ? ev[1] : ctl[1]) >= 0)
			(void)close(i ? ev[1] : ctl[1]);
	if (r == 0)
		r = channel_new(TAKE_FD(ctl[0]), &l->channel);
	if (r == 0)
		r = fd_read_full(l->events, &first, sizeof(first)) ==
				    (ssize_t)sizeof(first)
			    ? 0
			    : -EPIPE;
	if (ctl[0] >= 0)
		(void)close(ctl[0]);
	if (r < 0) {
		(void)launcher_free(l);
		return r;
	}
	l->landlock_error = first.error;
	(void)fd_set_nonblock(l->events, true);
	*ret = l;
	return 0;
}

struct launcher *launcher_free(struct launcher *l)
{
	if (!l)
		return NULL;
	(void)channel_free(l->channel);
	if (l->events >= 0)
		(void)close(l->events);
	free(l);
	return NULL;
}

pid_t launcher_pid(const struct launcher *l)
{
	return l->pid;
}

int launcher_event_fd(const struct launcher *l)
{
	return l->events;
}

int launcher_landlock_error(const struct launcher *l)
{
	return l->landlock_error;
}

static int ask(struct launcher *l, uint8_t type, uint32_t id,
	       const struct proto_spawn *spawn, const int *fds, size_t n_fds,
	       bool dry_run)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	int r;

	buf_putc(&b, dry_run ? 1 : 0);
	r = proto_spawn_encode(spawn, &b);
	if (r < 0)
		return r;
	return channel_send(l->channel, type, id, buf_str(&b), fds, n_fds);
}

int launcher_spawn(struct launcher *l, uint32_t id,
		   const struct proto_spawn *spawn, const int *fds,
		   size_t n_fds, bool dry_run)
{
	return ask(l, LAUNCH_REQUEST, id, spawn, fds, n_fds, dry_run);
}

int launcher_prepare(struct launcher *l, uint32_t id,
		     const struct proto_limits *limits, const int *procs_fds,
		     size_t n_fds)
{
	struct str argv = STR("ready");
	struct proto_spawn spawn = { .command_id = argv,
				     .argv = &argv,
				     .argc = 1,
				     .file = argv,
				     .cwd = STR("/"),
				     .limits = *limits };

	return ask(l, LAUNCH_PREPARE, id, &spawn, procs_fds, n_fds,
		   /* dry_run */ false);
}

int launcher_go(struct launcher *l, uint32_t id,
		const struct proto_spawn *spawn, const int fds[3])
{
	return ask(l, LAUNCH_GO, id, spawn, fds, 3, /* dry_run */ false);
}

int launcher_cancel(struct launcher *l, uint32_t id)
{
	return channel_send(l->channel, LAUNCH_CANCEL, id, STR_NONE, NULL, 0);
}

int launcher_next(struct launcher *l, struct launch_event *ret, int *ret_fd)
{
	struct launch_event e;
	size_t n_fds = 1;
	int fd = -1;
	ssize_t n =
		fd_recv(l->events, &e, sizeof(e), &fd, &n_fds, MSG_DONTWAIT);

	if (n == -EAGAIN || n == -EINTR)
		return -EAGAIN;
	if (n != (ssize_t)sizeof(e)) {
		if (n > 0 && n_fds)
			(void)close(fd);
		return -EPIPE;
	}
	*ret = e;
	*ret_fd = n_fds ? fd : -1;
	return 1;
}
