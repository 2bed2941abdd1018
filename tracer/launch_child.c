/* SPDX-License-Identifier: MIT */
/*
 * launch_child.c - what runs between clone and exec, and what it needs to know
 *
 * Shared by the launcher and the zygotes. A child shares its parent's memory
 * until it has exec'd, and the parent is asleep meanwhile: nothing here
 * allocates in the child, locks, or touches stdio.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "confine/canary.h"
#include "confine/rlimit.h"
#include "core/limits.h"
#include "tracer/launch.h"

#define LAUNCH_MAX_ARGS 65536
#define CANARY_SECONDS  10

static void unblock_signals(void)
{
	/* Zeroes: not on a stack that execve() leaves for the next command, with
	 * what AddressSanitizer knows of it. */
	static const sigset_t none;

	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

void launch_reset_signals(void)
{
	struct sigaction dfl = { .sa_handler = SIG_DFL };

	for (int s = 1; s < NSIG; s++)
		(void)sigaction(s, &dfl, NULL); /* KILL and STOP refuse */
	unblock_signals();
}

/* Order matters only in that a source may itself be one of 0-2. */
int launch_place_stdio(const int stdio[3])
{
	for (int i = 0; i < 3; i++)
		if (stdio[i] >= 0 && dup2(stdio[i], i) < 0)
			return -errno;
	return 0;
}

uint32_t launch_failed_step(const struct confine_report *report)
{
	for (uint32_t i = 0; i < CONFINE_STEP_MAX; i++)
		if (report->result[i] == CONFINE_FAILED)
			return i;
	return LAUNCH_STEP_SETUP;
}

int launch_fail(struct launch *l, int r, uint32_t step)
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
int launch_canary(const struct launch *l)
{
	struct canary_scene s = {
		.secret = scene_text(l, "secret"),
		.create = scene_text(l, "create"),
		.program = scene_text(l, "program"),
		.alias = scene_text(l, "alias"),
		.workspace = scene_text(l, "workspace"),
		.control = scene_text(l, "control"),
		.address = scene_address(l),
		.caps = l->config->caps_keep,
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

/* What a confined child still has to do when it learns what it is. */
int launch_enter(struct launch *l)
{
	int r = launch_place_stdio(l->stdio);

	unblock_signals();
	if (r < 0)
		return launch_fail(l, r, LAUNCH_STEP_SETUP);
	if ((l->flags & SPAWN_TTY) && ioctl(0, TIOCSCTTY, 0) < 0)
		return launch_fail(l, -errno, CONFINE_SESSION);
	/* With the key this needs no answer (confine/seccomp.h). */
	if (syscall(SYS_chdir, l->plan.cwd, l->config->key) < 0)
		return launch_fail(l, -errno, CONFINE_CWD);
	if (l->flags & SPAWN_CANARY)
		return launch_canary(l);
	(void)execve(l->file, l->argv, l->envp);
	return launch_fail(l, -errno, LAUNCH_STEP_EXEC);
}

/*
 * execve() without errno: that of a child which shares our memory is ours, and
 * the caller of a direct launcher is running again by now (launch_client.c).
 * Returns the error.
 */
static int exec_quietly(const struct launch *l)
{
#if defined(__x86_64__)
	long r;

	__asm__ volatile("syscall"
			 : "=a"(r)
			 : "0"((long)SYS_execve), "D"(l->file), "S"(l->argv),
			   "d"(l->envp)
			 : "rcx", "r11", "memory");
	return (int)r;
#elif defined(__aarch64__)
	register long nr __asm__("x8") = SYS_execve;
	register long r __asm__("x0") = (long)l->file;
	register long argv __asm__("x1") = (long)l->argv;
	register long envp __asm__("x2") = (long)l->envp;

	__asm__ volatile("svc 0"
			 : "+r"(r)
			 : "r"(nr), "r"(argv), "r"(envp)
			 : "memory");
	return (int)r;
#else
#	error "how does this machine make a system call?"
#endif
}

int launch_child(void *arg)
{
	struct launch *l = arg;
	struct launch_event e = { .kind = LAUNCH_CONFINED, .id = l->id };
	int r;

	/* The tracer's death must not leave a command running unwatched. */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	unblock_signals();
	r = launch_place_stdio(l->stdio);
	if (r < 0)
		return launch_fail(l, r, LAUNCH_STEP_SETUP);
	r = confine_apply(&l->plan, -1, &l->report);
	if (r < 0)
		return launch_fail(l, r, launch_failed_step(&l->report));
	e.pid = (int32_t)syscall(SYS_getpid);
	e.listener = l->report.listener;
	e.report = l->report;
	if (write(e.listener >= 0 && l->sender[0] >= 0 ? l->sender[0]
						       : l->events,
		  &e, sizeof(e)) != (ssize_t)sizeof(e))
		return launch_fail(l, -EPIPE, LAUNCH_STEP_SETUP);
	if (l->flags & SPAWN_CANARY)
		return launch_canary(l);
	return launch_fail(l, exec_quietly(l), LAUNCH_STEP_EXEC);
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

void launch_make_plan(struct launch *l, const int *cgroup_fds, size_t n)
{
	struct confine_plan p = {
		.cwd_fd = -1,
		.caps_keep = l->config->caps_keep,
		.landlock_fd = -1,
		.filter = l->config->filter,
		.filter_static = l->config->floor_filter,
		.listener = l->config->listener,
		.wait_killable = !l->config->interruptible,
		.same_group = l->same_group,
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
int launch_plan_rlimits(struct launch *l, const struct proto_limits *p)
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

int launch_decode(struct launch *l, struct arena *a,
		  const struct channel_msg *m, struct proto_spawn *s)
{
	if (m->body.n < 1)
		return -EBADMSG;
	l->dry_run = m->body.p[0] != 0;
	return proto_spawn_decode(str_skip(m->body, 1), a, s);
}

/* What is to run, with which descriptors, where. */
int launch_take_program(struct launch *l, struct arena *a, struct buf *file,
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

int launch_wait(struct channel *c, struct channel_msg *ret)
{
	struct pollfd p = { .fd = channel_fd(c), .events = POLLIN };
	int r;

	while ((r = channel_recv(c, ret)) == -EAGAIN)
		(void)poll(&p, 1, -1);
	return r;
}
