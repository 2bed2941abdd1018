/* SPDX-License-Identifier: MIT */
/*
 * worker.c - starting, hearing, ending and reaping worker programs
 *
 *	ALIVE ──stop──▶ STOPPING ──5 s──▶ SIGKILL
 *	  │ channel closed, bad message, corrupt ring
 *	  └──▶ SIGKILL ──reaped──▶ drain the ring ──▶ owner.died()
 *
 * The ring's memory is ours too, so what a dead worker wrote is not lost.
 */
#include "server/worker.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/num.h"
#include "base/path.h"
#include "base/proc.h"
#include "config.h"
#include "confine/userns.h"
#include "core/heritage.h"
#include "core/ring.h"
#include "server/app.h"

#define STOP_TIMEOUT_NS (15ULL * 1000000000)
#define DRAIN_PER_TURN  2000
#define POLL_NS         (16ULL * 1000000)
#define QUIET_POLLS     3 /* looks that found nothing, before we sleep */
#define RETRY_NS        (20ULL * 1000000)

struct worker {
	struct app *app;
	struct worker *next, **link;
	struct worker_owner owner;
	char *session_id;   /* owned: whose events these are, to the end */
	bool owned;         /* false after worker_stop() */
	bool paused;        /* the store refuses; retry is armed */
	unsigned int quiet; /* looks since the last event */
	pid_t pid;
	struct channel *channel;
	struct ring *ring;
	int ring_event; /* borrowed from the ring */
	struct loop_source *channel_io, *ring_io, *timer, *poll;
};

/* ---- where the programs are ---- */

static bool has_tracer(const char *dir)
{
	_cleanup_buf_ struct buf path = BUF_INIT;

	buf_printf(&path, "%s/agentsh-tracer", dir);
	return !path.error && access(buf_cstr(&path), X_OK) == 0;
}

int worker_find_libexec(char **ret)
{
	static const char *const BESIDE[] = { "../libexec/agentsh", "../tracer",
					      "." };
	_cleanup_buf_ struct buf dir = BUF_INIT;
	char link[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", link, sizeof(link) - 1);
	ptrdiff_t slash;

	if (n < 0)
		return -errno;
	slash = str_rindex(str_from_n(link, (size_t)n), '/');
	link[MAX(slash, 0)] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(BESIDE); i++) {
		buf_reset(&dir);
		if (path_join(str_from(link), str_from(BESIDE[i]), &dir) < 0)
			continue;
		if (has_tracer(buf_cstr(&dir))) {
			*ret = buf_take(&dir);
			return *ret ? 0 : -ENOMEM;
		}
	}
	*ret = str_dup(STR(AGENTSH_LIBEXECDIR));
	return *ret ? 0 : -ENOMEM;
}

/* In libexec, or in a build tree: each worker in its own directory. */
static int find_program(const struct app *app, const char *name,
			struct buf *out)
{
	struct str folder = str_skip(str_from(name), strlen("agentsh-"));

	buf_printf(out, "%s/%s", app->libexec, name);
	if (!out->error && access(buf_cstr(out), X_OK) < 0) {
		buf_reset(out);
		buf_printf(out, "%s/../" STR_FMT "/%s", app->libexec,
			   STR_ARG(folder), name);
	}
	if (out->error)
		return out->error;
	return access(buf_cstr(out), X_OK) < 0
		       ? log_error_errno(-errno, "%s", buf_cstr(out))
		       : 0;
}

/* ---- birth ---- */

static struct rlimit original_nofile; /* rlim_max 0 = not raised */

void worker_keep_nofile(const struct rlimit *original)
{
	original_nofile = *original;
}

_noreturn_ static void child(const char *program, const int fds[4],
			     const struct worker_start *o)
{
	sigset_t none;
	char *argv[2];
	char name[64];
	int null;

	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	/* No PR_SET_PDEATHSIG: a worker that is killed with us could not end
	 * its commands; it sees its channel close and does so. */
	/* Programs that use select() mind a higher one. */
	if (original_nofile.rlim_max)
		(void)setrlimit(RLIMIT_NOFILE, &original_nofile);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0 || dup2(null, 0) < 0 || dup2(2, 1) < 0)
		_exit(127);
	/* entering it gives the rights to enter what it owns */
	if (o->user_ns >= 0 && setns(o->user_ns, CLONE_NEWUSER) < 0)
		_exit(126);
	if (o->mount_ns >= 0 && mountns_enter(o->mount_ns, o->mount_root) < 0)
		_exit(126);
	if (heritage_bequeath(fds[0], fds[1], fds[2], fds[3]) < 0)
		_exit(127);
	(void)snprintf(name, sizeof(name), "%s", strrchr(program, '/') + 1);
	argv[0] = name;
	argv[1] = NULL;
	(void)execv(program, argv);
	_exit(127);
}

static int fork_worker(struct worker *w, const char *program, int ring_fd,
		       const struct worker_start *o)
{
	_cleanup_close_ int theirs = -1;
	int socks[2], fds[4];
	int r = channel_pair(socks);

	if (r < 0)
		return r;
	theirs = socks[1];
	r = channel_new(socks[0], &w->channel);
	if (r < 0) {
		(void)close(socks[0]);
		return r;
	}
	fds[0] = theirs;
	fds[1] = ring_fd;
	fds[2] = w->ring_event;
	fds[3] = o->policy_fd;
	w->pid = fork();
	if (w->pid < 0)
		return -errno;
	if (w->pid == 0)
		child(program, fds, o);
	return 0;
}

/* ---- hearing ---- */

static int record(struct worker *w, struct str bytes)
{
	_cleanup_arena_ struct arena a = ARENA_INIT(1U << 20);
	struct event e;

	/* Not what we speak: skip it rather than stop at it. The worker
	 * that wrote it is not to be trusted any further. */
	if (event_decode(bytes, &a, &e) < 0) {
		worker_kill(w);
		return 0;
	}
	if (w->owned)
		return w->owner.event(w->owner.arg, &e);
	/* The session is gone, what its commands did last is not. */
	e.session_id = str_from(w->session_id);
	e.id = STR_NONE;
	return app_emit(w->app, &e);
}

/* Return: 1 there may be more, 0 empty or stuck. */
static int drain_some(struct worker *w, bool sleep_when_empty)
{
	struct str bytes;
	int r = 0;

	for (int i = 0; i < DRAIN_PER_TURN; i++) {
		if (!sleep_when_empty && !ring_pending(w->ring))
			return 0;
		r = ring_peek(w->ring, &bytes);
		if (r < 0)
			break;
		if (record(w, bytes) < 0) {
			w->paused = true;
			(void)loop_timer_arm(w->timer, RETRY_NS);
			return 0;
		}
		ring_consume(w->ring);
	}
	if (r == -EBADMSG) {
		log_error("worker %d corrupted its event ring", (int)w->pid);
		w->ring_io = loop_remove(w->ring_io);
		worker_kill(w);
		return 0;
	}
	return r == 0;
}

void worker_drain(struct worker *w)
{
	while (!w->paused && drain_some(w, /* sleep_when_empty */ true) > 0)
		;
}

/*
 * While events keep coming we look again every few milliseconds instead of
 * being woken for each: the writer then makes no system call per event, and we
 * record many per turn (where all CPUs are busy, a turn costs more than what it
 * records). The looks get rarer while there is nothing new (16 ms, 32, 48), and
 * after some of them we sleep. A compiler that opens a file now and then would
 * otherwise wake us for each, which costs its caller more than the event itself;
 * the ring holds far more than can come in between.
 */
static void on_poll(struct loop *l, void *arg)
{
	struct worker *w = arg;
	bool more = ring_pending(w->ring);

	(void)l;
	if (w->paused)
		return;
	w->quiet = more ? 0 : w->quiet + 1;
	if (drain_some(w, /* sleep_when_empty */ w->quiet >= QUIET_POLLS) > 0)
		w->quiet = 0;
	if (w->quiet < QUIET_POLLS && !w->paused)
		(void)loop_timer_arm(w->poll, POLL_NS * (w->quiet + 1));
}

static void on_ring(struct loop *l, int fd, uint32_t events, void *arg)
{
	struct worker *w = arg;
	uint64_t n;

	(void)events;
	(void)!read(fd, &n, sizeof(n)); /* resets the eventfd */
	on_poll(l, w);
}

static void on_timer(struct loop *l, void *arg)
{
	struct worker *w = arg;
	uint64_t one = 1;

	(void)l;
	if (!w->owned) {
		worker_kill(w);
		return;
	}
	w->paused = false;
	(void)!write(w->ring_event, &one, sizeof(one));
}

static void on_channel(struct loop *l, int fd, uint32_t events, void *arg)
{
	struct worker *w = arg;
	struct channel_msg m;
	int r = 1;

	(void)l;
	(void)fd;
	(void)events;
	for (int i = 0; i < 64 && w->channel_io; i++) {
		r = channel_recv(w->channel, &m);
		if (r <= 0)
			break;
		r = w->owned ? w->owner.message(w->owner.arg, &m) : 0;
		channel_msg_done(&m);
		if (r < 0)
			break;
		r = 1;
	}
	if (r == 1 || r == -EAGAIN)
		return;
	if (r < 0)
		log_error_errno(r, "worker %d sent a bad message", (int)w->pid);
	w->channel_io = loop_remove(w->channel_io);
	worker_kill(w);
}

/* ---- death ---- */

void worker_kill(struct worker *w)
{
	if (w->pid > 0)
		(void)kill(w->pid, SIGKILL); /* ours and not reaped yet */
}

static void worker_free(struct worker *w)
{
	if (w->link) {
		*w->link = w->next;
		if (w->next)
			w->next->link = w->link;
	}
	w->channel_io = loop_remove(w->channel_io);
	w->ring_io = loop_remove(w->ring_io);
	w->timer = loop_remove(w->timer);
	w->poll = loop_remove(w->poll);
	(void)channel_free(w->channel);
	(void)ring_free(w->ring);
	free(w->session_id);
	free(w);
}

struct worker *worker_stop(struct worker *w)
{
	if (!w)
		return NULL;
	worker_drain(w);
	w->owned = false;
	(void)loop_timer_arm(w->timer, STOP_TIMEOUT_NS);
	if (!w->channel_io ||
	    channel_send(w->channel, PROTO_SHUTDOWN, 0, STR_NONE, NULL, 0) < 0)
		worker_kill(w);
	return NULL;
}

static void died(struct worker *w, int status)
{
	struct worker_owner owner = w->owner;
	bool owned = w->owned;
	char how[64];

	w->paused = false;
	worker_drain(w);
	if (WIFSIGNALED(status))
		(void)snprintf(how, sizeof(how), "killed by signal %d",
			       WTERMSIG(status));
	else
		(void)snprintf(how, sizeof(how), "exit status %d",
			       WEXITSTATUS(status));
	if (owned)
		w->app->metrics.workers_died++;
	w->pid = 0;
	w->owned = false;
	worker_free(w);
	if (owned)
		owner.died(owner.arg, how);
}

static struct worker *by_pid(struct app *app, pid_t pid)
{
	struct worker *w = app->workers;

	while (w && w->pid != pid)
		w = w->next;
	return w;
}

/* Seccomp filters on a process; -1 if that is not known (before 5.9). */
static int64_t count_filters(const char *pid)
{
	_cleanup_buf_ struct buf path = BUF_INIT, text = BUF_INIT;
	struct str rest, line;
	int64_t n = -1;

	buf_printf(&path, "/proc/%s/status", pid);
	if (fd_read_file(AT_FDCWD, buf_cstr(&path), 65536, &text) < 0)
		return -1;
	rest = buf_str(&text);
	while (str_split(&rest, '\n', &line))
		if (str_starts(line, STR("Seccomp_filters:")))
			(void)num_parse_i64(str_trim(str_skip(line, 16)), &n);
	return n;
}

/*
 * What a dead tracer ran becomes ours, since we are the next subreaper up: we
 * end it. Its children become ours in turn, and are met on the next SIGCHLD.
 * Children that are no session's (we may be process 1 of a container) are told
 * by that they carry no more filters than we do.
 */
static void kill_strays(struct app *app)
{
	_cleanup_closedir_ DIR *proc = opendir("/proc");
	int64_t ours = count_filters("self");
	struct dirent *d;
	pid_t parent;

	while (proc && (d = readdir(proc))) {
		int64_t pid = 0;

		if (num_parse_range(str_from(d->d_name), 2, INT32_MAX, &pid) ==
			    0 &&
		    proc_parent((pid_t)pid, &parent) == 0 &&
		    parent == getpid() && !by_pid(app, (pid_t)pid) &&
		    count_filters(d->d_name) > ours)
			(void)kill((pid_t)pid, SIGKILL);
	}
}

void workers_reap(struct app *app)
{
	bool orphans = false;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		struct worker *w = by_pid(app, pid);

		if (w)
			died(w, status);
		orphans = true;
	}
	if (orphans)
		kill_strays(app);
}

void workers_kill_all(struct app *app)
{
	while (app->workers) {
		struct worker *w = app->workers;

		w->owned = false;
		worker_kill(w);
		(void)waitpid(w->pid, NULL, 0);
		worker_drain(w);
		w->pid = 0;
		worker_free(w);
	}
}

bool workers_idle(const struct app *app)
{
	return app->workers == NULL;
}

pid_t worker_pid(const struct worker *w)
{
	return w->pid;
}

void worker_expect(struct worker *w)
{
	if (w->paused || !w->ring_io)
		return;
	ring_stay_awake(w->ring);
	(void)loop_timer_arm(w->poll, POLL_NS);
}

int worker_send(struct worker *w, uint8_t type, uint32_t id, struct str body,
		const int *fds, size_t n_fds)
{
	int r;

	if (!w->channel_io)
		return -EPIPE;
	r = channel_send(w->channel, type, id, body, fds, n_fds);
	if (r < 0)
		worker_kill(w);
	return r;
}

static int send_hello(struct worker *w, const struct worker_start *o)
{
	_cleanup_buf_ struct buf body = BUF_INIT;
	int r = proto_hello_encode(o->hello, &body);

	return r < 0 ? r
		     : worker_send(w, PROTO_HELLO, 0, buf_str(&body),
				   o->hello_fds, o->n_hello_fds);
}

static int set_up(struct worker *w, const struct worker_start *o)
{
	_cleanup_buf_ struct buf program = BUF_INIT;
	int ring_fd = -1;
	int r;

	r = find_program(w->app, o->program, &program);
	if (r < 0)
		return r;
	r = ring_create(o->ring_size ? o->ring_size : RING_DEFAULT_SIZE,
			&w->ring, &ring_fd, &w->ring_event);
	if (r == 0)
		r = loop_add_timer(w->app->loop, 0, on_timer, w, &w->timer);
	if (r == 0)
		r = loop_add_timer(w->app->loop, 0, on_poll, w, &w->poll);
	if (r == 0)
		r = fork_worker(w, buf_cstr(&program), ring_fd, o);
	if (r == 0)
		r = loop_add_io(w->app->loop, channel_fd(w->channel), EPOLLIN,
				on_channel, w, &w->channel_io);
	if (r == 0)
		r = loop_add_io(w->app->loop, w->ring_event, EPOLLIN, on_ring,
				w, &w->ring_io);
	/* The writer wakes a reader that said it sleeps: say so. */
	if (r == 0)
		(void)drain_some(w, /* sleep_when_empty */ true);
	return r;
}

int worker_start(struct app *app, const struct worker_start *o,
		 struct worker **ret)
{
	struct worker *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return -ENOMEM;
	w->app = app;
	w->owner = *o->owner;
	w->session_id = str_dup(o->hello->session_id);
	r = w->session_id ? set_up(w, o) : -ENOMEM;
	if (r < 0 && w->pid <= 0) {
		worker_free(w);
		return r;
	}
	w->next = app->workers;
	w->link = &app->workers;
	if (w->next)
		w->next->link = &w->next;
	app->workers = w;
	w->owned = true;
	if (r == 0)
		r = send_hello(w, o);
	if (r < 0) {
		w->owned = false; /* reaped later, unheard */
		worker_kill(w);
		return r;
	}
	*ret = w;
	return 0;
}
