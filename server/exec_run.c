/* SPDX-License-Identifier: MIT */
/*
 * exec_run.c - handing a command to the tracer, its output, its end
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "core/limits.h"
#include "server/exec.h"
#include "server/worker.h"

/*
 * Commands that one tracer is asked to start at a time. Its launcher starts
 * one after the other, and neither socket on the way may fill up: whoever
 * waits in a send cannot answer what the other one waits for.
 */
#define MAX_STARTING    4
#define READ_MAX        65536
#define RELAY_PIPE      (1 << 20)
#define DRAIN_NS        (5000ULL * 1000000)
#define TRACER_GRACE_NS (15ULL * 1000000000)
#define STREAM_HIGH     (1U << 20)

/* ---- output ---- */

void output_done(struct command_output *o)
{
	o->io = loop_remove(o->io);
	if (o->fd >= 0)
		(void)close(o->fd);
	o->fd = -1;
	redact_free(o);
	buf_done(&o->data);
}

void command_output_close(struct command_output *o)
{
	o->io = loop_remove(o->io);
	if (o->fd >= 0)
		(void)close(o->fd);
	o->fd = -1;
}

static void close_output(struct command_output *o)
{
	command_output_close(o);
	redact_end(o);
}

void command_maybe_finish(struct command *c)
{
	if (c->state != COMMAND_DRAINING || c->out.fd >= 0 || c->err.fd >= 0)
		return;
	if (c->conn && (redact_pending(&c->out) || redact_pending(&c->err)))
		return;
	command_finish(c);
}

static void on_client_drained(void *arg)
{
	struct command *c = arg;

	if (c->out.io)
		(void)loop_mod_io(c->out.io, EPOLLIN);
	if (c->err.io)
		(void)loop_mod_io(c->err.io, EPOLLIN);
}

/* A client that reads slowly slows the command, as a pipe would. */
static void hold_back(struct command *c)
{
	if (!c->conn || c->mode == EXEC_JSON ||
	    http_backlog(c->conn) < STREAM_HIGH)
		return;
	if (c->out.io)
		(void)loop_mod_io(c->out.io, 0);
	if (c->err.io)
		(void)loop_mod_io(c->err.io, 0);
	http_on_drain(c->conn, on_client_drained, c);
}

void command_output_add(struct command_output *o, struct str data)
{
	struct command *c = o->command;
	size_t room = LIMIT_OUTPUT_CAPTURE -
		      MIN(o->data.len, (size_t)LIMIT_OUTPUT_CAPTURE);

	o->total += data.n;
	buf_put(&o->data, data.p, MIN(room, data.n));
	if (c->mode == EXEC_STREAM && c->conn)
		exec_stream_output(c, o, data);
	else if (c->mode == EXEC_PTY && c->conn)
		pty_output(c, data);
	hold_back(c);
}

static void on_output(struct loop *l, int fd, uint32_t events, void *arg)
{
	struct command_output *o = arg;
	struct command *c = o->command;
	static char bytes[READ_MAX];
	ssize_t n = read(fd, bytes, sizeof(bytes));

	(void)l;
	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	redact_tty_size(c);
	if (n > 0 && o->redact)
		redact_feed(o, str_from_n(bytes, (size_t)n));
	else if (n > 0)
		command_output_add(o, str_from_n(bytes, (size_t)n));
	if (n > 0)
		return;
	/* End of file; a terminal whose other side is closed says EIO. */
	close_output(o);
	command_maybe_finish(c);
}

static int watch(struct command *c, struct command_output *o, int fd)
{
	int r = fd_set_nonblock(fd, true);

	o->fd = fd;
	if (r == 0)
		r = loop_add_io(c->app->loop, fd, EPOLLIN, on_output, o,
				&o->io);
	return r;
}

static int capture(struct command *c, struct command_output *o, int *ret_theirs)
{
	int p[2];

	if (pipe2(p, O_CLOEXEC) < 0)
		return -errno;
	*ret_theirs = p[1];
	return watch(c, o, p[0]);
}

/* ---- descriptors of the command ---- */

static int open_stdin(struct command *c)
{
	_cleanup_close_ int memfd = -1;
	char name[48];
	int fd;

	if (c->rq.stdin_data.n == 0) {
		fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
		return fd < 0 ? -errno : fd;
	}
	memfd = fd_sealed_memfd("stdin", c->rq.stdin_data);
	if (memfd < 0)
		return memfd;
	/* Opened anew: read-only, at offset 0. */
	(void)snprintf(name, sizeof(name), "/proc/self/fd/%d", memfd);
	fd = open(name, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int open_terminal(struct command *c, int fds[3])
{
	struct winsize size = { .ws_row = c->rows, .ws_col = c->cols };
	char name[64];
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (master < 0)
		return -errno;
	c->pty = master;
	if (grantpt(master) < 0 || unlockpt(master) < 0 ||
	    ptsname_r(master, name, sizeof(name)) != 0)
		return -errno;
	(void)ioctl(master, TIOCSWINSZ, &size);
	for (size_t i = 0; i < 3; i++) {
		fds[i] = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
		if (fds[i] < 0)
			return -errno;
	}
	master = fcntl(c->pty, F_DUPFD_CLOEXEC, 3);
	return master < 0 ? -errno : watch(c, &c->out, master);
}

/* Whether both are one file, so that one pipe keeps them in order. */
static bool same_file(int a, int b)
{
	struct stat x, y;

	return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev &&
	       x.st_ino == y.st_ino;
}

/* The client's descriptors, with our pipes in front of its outputs. */
static int open_relayed(struct command *c, int fds[3])
{
	int r = capture(c, &c->out, &fds[1]);

	/* Fewer turns between the two; what is permitted will do. */
	(void)fcntl(c->out.fd, F_SETPIPE_SZ, RELAY_PIPE);
	fds[0] = TAKE_FD(c->fds[0]);
	if (r == 0)
		r = redact_open(&c->out, c->fds[1]);
	if (r == 0 && same_file(c->fds[1], c->fds[2])) {
		fds[2] = fcntl(fds[1], F_DUPFD_CLOEXEC, 3);
		return fds[2] < 0 ? -errno : 0;
	}
	if (r == 0)
		r = capture(c, &c->err, &fds[2]);
	return r < 0 ? r : redact_open(&c->err, c->fds[2]);
}

/* The same for a terminal: the command gets one of ours. */
static int open_relayed_tty(struct command *c, int fds[3])
{
	int r = open_terminal(c, fds);

	if (r == 0)
		r = redact_tty_open(c);
	if (r == 0)
		r = redact_open(&c->out, c->fds[1]);
	if (r < 0 || same_file(c->fds[1], c->fds[2]))
		return r;
	(void)close(TAKE_FD(fds[2]));
	r = capture(c, &c->err, &fds[2]);
	return r < 0 ? r : redact_open(&c->err, c->fds[2]);
}

static int open_captured(struct command *c, int fds[3])
{
	int r;

	fds[0] = open_stdin(c);
	if (fds[0] < 0)
		return fds[0];
	r = capture(c, &c->out, &fds[1]);
	if (r == 0)
		r = capture(c, &c->err, &fds[2]);
	if (r == 0 && redact_wanted(c))
		r = redact_open(&c->out, -1);
	return r == 0 && redact_wanted(c) ? redact_open(&c->err, -1) : r;
}

static int open_fds(struct command *c, int fds[3])
{
	int r;

	if (c->mode == EXEC_FDS && redact_wanted(c))
		return c->tty ? open_relayed_tty(c, fds) : open_relayed(c, fds);
	if (c->mode == EXEC_FDS) {
		for (size_t i = 0; i < 3; i++)
			fds[i] = TAKE_FD(c->fds[i]);
		return 0;
	}
	if (c->mode != EXEC_PTY)
		return open_captured(c, fds);
	r = open_terminal(c, fds);
	return r == 0 && redact_wanted(c) ? redact_open(&c->out, -1) : r;
}

/* ---- starting ---- */

static void fail(struct command *c, int exit_code, const char *fmt, ...)
	_printf_(3, 4);

static void fail(struct command *c, int exit_code, const char *fmt, ...)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	/* It may quote names that the agent made up. */
	buf_put_plain(&c->extra_stderr, buf_str(&text));
	buf_putc(&c->extra_stderr, '\n');
	command_set_error(c, exit_code, "E_COMMAND_FAILED", "command failed");
	command_finish(c);
}

static void set_limits(const struct command *c, struct proto_limits *l)
{
	const struct policy_limits *p = &c->session->limits;
	const struct settings *cfg = &c->app->cfg;

	if (!cfg->cgroups)
		return;
	l->memory_bytes = (p->memory_mb ? p->memory_mb : cfg->limit_memory_mb)
			  << 20;
	l->swap_set = p->has_swap;
	l->swap_bytes = p->swap_max_mb << 20;
	l->cpu_percent = p->cpu_percent ? p->cpu_percent
					: cfg->limit_cpu_percent;
	l->pids = p->pids ? p->pids : cfg->limit_pids;
	l->disk_read_bps = p->disk_read_bps;
	l->disk_write_bps = p->disk_write_bps;
}

/* A name with a slash is relative to the command's directory. */
static int program_path(struct command *c, struct str cwd, struct buf *out)
{
	if (str_index(c->command, '/') < 0) {
		buf_put_str(out, c->command);
		return out->error;
	}
	if (c->command.p[0] != '/') {
		buf_put_str(out, cwd);
		buf_putc(out, '/');
	}
	/* As it was asked for: the kernel resolves it, not we. */
	buf_put_str(out, c->command);
	return out->error;
}

static int send_spawn(struct command *c, struct proto_spawn *m,
		      const int fds[3])
{
	_cleanup_buf_ struct buf body = BUF_INIT;
	int r = proto_spawn_encode(m, &body);

	if (r < 0)
		return r;
	c->request_id = ++c->session->next_request;
	return worker_send(c->session->tracer, PROTO_SPAWN, c->request_id,
			   buf_str(&body), fds, 3);
}

static const struct str *full_argv(struct command *c)
{
	struct str *argv =
		arena_alloc(&c->arena, (c->n_args + 1) * sizeof(*argv));

	if (!argv)
		return NULL;
	argv[0] = c->argv0.n ? c->argv0 : c->command;
	for (size_t i = 0; i < c->n_args; i++)
		argv[i + 1] = c->args[i];
	return argv;
}

static void on_timer(struct loop *l, void *arg)
{
	struct command *c = arg;

	(void)l;
	if (c->state == COMMAND_DRAINING) {
		/* somebody else still holds the pipe: we do not wait */
		close_output(&c->out);
		close_output(&c->err);
		command_maybe_finish(c);
		return;
	}
	log_error("%s outlived its time and its tracer's word", c->id);
	if (c->session->tracer)
		worker_kill(c->session->tracer);
}

static int spawn(struct command *c, struct str cwd, const struct str *env,
		 size_t n_env)
{
	_cleanup_buf_ struct buf file = BUF_INIT;
	struct proto_spawn m = { .command_id = str_from(c->id),
				 .argc = (uint32_t)c->n_args + 1,
				 .env = env,
				 .n_env = (uint32_t)n_env,
				 .cwd = cwd,
				 .timeout_ns = c->timeout_ns };
	int fds[3] = { -1, -1, -1 };
	int r = program_path(c, cwd, &file);

	m.argv = full_argv(c);
	m.file = buf_str(&file);
	if (c->mode == EXEC_PTY || c->tty)
		m.flags |= SPAWN_TTY;
	if (c->approved)
		m.flags |= SPAWN_APPROVED;
	if (c->redirected)
		m.flags |= SPAWN_REDIRECTED;
	set_limits(c, &m.limits);
	if (r == 0 && !m.argv)
		r = -ENOMEM;
	if (r == 0)
		r = open_fds(c, fds);
	if (r == 0)
		r = loop_add_timer(c->app->loop,
				   c->timeout_ns + TRACER_GRACE_NS, on_timer, c,
				   &c->timer);
	if (r == 0) {
		worker_expect(c->session->tracer);
		r = send_spawn(c, &m, fds);
	}
	if (r == 0) {
		c->starting = true;
		c->session->n_starting++;
	}
	for (size_t i = 0; i < 3; i++)
		if (fds[i] >= 0)
			(void)close(fds[i]);
	return r;
}

/* Once per session, to the person at the terminal. */
static void tell_weakness(struct command *c)
{
	struct session *s = c->session;

	if (c->mode != EXEC_FDS || s->weakness_told || !s->weakness.len)
		return;
	s->weakness_told = true;
	buf_printf(&c->extra_stderr,
		   "agentsh: this session runs without: %s (see agentsh "
		   "detect)\n",
		   buf_cstr(&s->weakness));
}

/* The one that waits longest; the list has the newest first. */
static struct command *next_turn(struct session *s)
{
	struct command *found = NULL;

	for (struct command *c = s->commands; c; c = c->next)
		if (c->state == COMMAND_WAIT_TURN)
			found = c;
	return found;
}

void command_started(struct command *c)
{
	struct session *s = c->session;
	struct command *next;

	if (!c->starting)
		return;
	c->starting = false;
	s->n_starting--;
	next = s->tracer_state == WORKER_READY ? next_turn(s) : NULL;
	if (next)
		command_run(next);
}

void command_run(struct command *c)
{
	_cleanup_buf_ struct buf cwd = BUF_INIT, err = BUF_INIT;
	struct session *s = c->session;
	const struct str *env = NULL;
	size_t n_env = 0;
	int r;

	if (s->tracer_state != WORKER_READY) {
		command_abort(c, "the session's sandbox is not running");
		return;
	}
	if (s->n_starting >= MAX_STARTING) {
		c->state = COMMAND_WAIT_TURN; /* command_started() comes back */
		return;
	}
	r = session_resolve_dir(s, c->rq.working_dir, &cwd, NULL);
	if (r == -EXDEV) {
		fail(c, EXEC_EXIT_USAGE, "working_dir must be under %s",
		     s->virtual_root);
		return;
	}
	if (r < 0) {
		fail(c, EXEC_EXIT_USAGE, "working_dir: %s", strerror(-r));
		return;
	}
	r = exec_build_env(c, &env, &n_env, &err);
	if (r < 0) {
		fail(c, EXEC_EXIT_USAGE, "%s",
		     err.len ? buf_cstr(&err) : strerror(-r));
		return;
	}
	tell_weakness(c);
	c->state = COMMAND_WAIT_SPAWN;
	r = spawn(c, buf_str(&cwd), env, n_env);
	if (r < 0)
		fail(c, EXEC_EXIT_NOT_RUN, "agentsh: cannot start: %s",
		     strerror(-r));
}

/* ---- what the tracer says ---- */

static void report_failure(struct command *c, const struct proto_spawned *m)
{
	const char *why = strerror(m->error);

	c->not_executable = m->error == EACCES || m->error == ENOEXEC;
	if (m->step.n == 0 || str_eq_c(m->step, "exec"))
		fail(c, EXEC_EXIT_NOT_RUN, "agentsh: " STR_FMT ": %s",
		     STR_ARG(m->path.n ? m->path : c->command), why);
	else
		fail(c, EXEC_EXIT_NOT_RUN,
		     "agentsh: the sandbox refused to start (" STR_FMT
		     " " STR_FMT "): %s",
		     STR_ARG(m->step), STR_ARG(m->path), why);
}

#define SIGNALS 64 /* bits of pending */

void command_spawned(struct command *c, const struct proto_spawned *m)
{
	if (c->state != COMMAND_WAIT_SPAWN)
		return;
	command_started(c);
	if (m->pid <= 0) {
		worker_drain(c->session->tracer);
		report_failure(c, m);
		return;
	}
	c->pid = m->pid;
	c->state = COMMAND_RUNNING;
	if (!c->conn) /* it left while we started */
		(void)command_signal(c, SIGKILL);
	for (int signo = 1; signo <= SIGNALS; signo++)
		if (c->pending >> (signo - 1) & 1)
			(void)command_signal(c, signo);
}

static int exit_code(const struct proto_exited *m)
{
	if (m->timed_out)
		return EXEC_EXIT_TIMEOUT;
	if (WIFEXITED(m->wait_status))
		return WEXITSTATUS(m->wait_status);
	return -1; /* ended by a signal: what the API has always said */
}

void command_exited(struct command *c, const struct proto_exited *m)
{
	if (c->state != COMMAND_RUNNING && c->state != COMMAND_WAIT_SPAWN)
		return;
	c->exit_code = exit_code(m);
	c->timed_out = m->timed_out;
	c->oom_killed = m->oom_killed;
	c->cpu_user_us = m->cpu_user_us;
	c->cpu_system_us = m->cpu_system_us;
	c->memory_peak_kb = m->memory_peak_kb;
	if (m->timed_out)
		buf_puts(&c->extra_stderr, "command timed out\n");
	if (m->oom_killed)
		buf_puts(&c->extra_stderr,
			 "agentsh: memory limit reached, command killed\n");
	c->state = COMMAND_DRAINING;
	(void)loop_timer_arm(c->timer, DRAIN_NS);
	command_maybe_finish(c);
}

int command_signal(struct command *c, int signo)
{
	struct proto_signal m = { .command_id = str_from(c->id),
				  .signo = signo };
	_cleanup_buf_ struct buf body = BUF_INIT;
	int r;

	if (signo <= 0 || signo > SIGNALS)
		return -EINVAL;
	/* Its output may be here before the news that it runs. */
	if (c->state == COMMAND_WAIT_SPAWN) {
		c->pending |= 1ULL << (signo - 1);
		return 0;
	}
	if (c->state != COMMAND_RUNNING || !c->session->tracer)
		return -ESRCH;
	r = proto_signal_encode(&m, &body);
	if (r < 0)
		return r;
	return worker_send(c->session->tracer, PROTO_SIGNAL, c->request_id,
			   buf_str(&body), NULL, 0);
}
