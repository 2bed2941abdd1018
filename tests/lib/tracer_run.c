/* SPDX-License-Identifier: MIT */
/*
 * tracer_run.c - runs one command under agentsh-tracer without a server
 *
 *	tracer-run [-p policy.yaml] [-s settings.json] [-w workspace]
 *	           [-e events] [-m messages] [-t seconds] [-k signo] [-l memory]
 *	           TRACER -- COMMAND [ARGUMENT...]
 *
 * Events go as JSON lines to the file of -e; READY's and SPAWNED's layers and
 * EXITED's facts as text to that of -m. The exit code is the command's (128 +
 * signal, 127 when it did not start). -k sends signo once the command has
 * made the file "ready". Used by
 * tests/cases and for measuring by hand.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/num.h"
#include "core/event.h"
#include "core/heritage.h"
#include "core/proto.h"
#include "policy/policy.h"

#define LOOK_MS     8
#define QUIET_LOOKS 3 /* that found nothing, before we sleep */

struct run {
	const char *policy, *settings, *workspace, *events, *messages, *tracer;
	char **argv;
	int64_t timeout, signo, memory, repeat, tty;
	pid_t pid;
	struct channel *channel;
	struct ring *ring;
	FILE *events_out, *messages_out;
	int exit_code, left, quiet;
	uint64_t started;
};

static void usage(void)
{
	(void)fputs("usage: tracer-run [-p policy] [-s settings] [-w dir] "
		    "[-e events] [-m messages] [-t s] [-k signo] [-l bytes] "
		    "[-n times] [-T] TRACER -- COMMAND...\n",
		    stderr);
	exit(2);
}

static int64_t number(const char *s)
{
	int64_t v;

	if (num_parse_i64(str_from(s), &v) < 0)
		usage();
	return v;
}

static void parse(struct run *r, int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "+p:s:w:e:m:t:k:l:n:T")) != -1) {
		switch (c) {
		case 'p':
			r->policy = optarg;
			break;
		case 's':
			r->settings = optarg;
			break;
		case 'w':
			r->workspace = optarg;
			break;
		case 'e':
			r->events = optarg;
			break;
		case 'm':
			r->messages = optarg;
			break;
		case 't':
			r->timeout = number(optarg);
			break;
		case 'k':
			r->signo = number(optarg);
			break;
		case 'l':
			r->memory = number(optarg);
			break;
		case 'n':
			r->repeat = number(optarg);
			break;
		case 'T':
			r->tty = 1;
			break;
		default:
			usage();
		}
	}
	if (argc - optind < 3 || strcmp(argv[optind + 1], "--") != 0)
		usage();
	r->tracer = argv[optind];
	r->argv = argv + optind + 2;
}

static void die(const char *what, int r)
{
	(void)fprintf(stderr, "tracer-run: %s: %s\n", what, strerror(-r));
	exit(125);
}

static int compile(const struct run *r)
{
	_cleanup_buf_ struct buf yaml = BUF_INIT, text = BUF_INIT;
	_cleanup_diag_ struct diag diag = DIAG_INIT;
	struct str name = STR("PROJECT_ROOT"), value = str_from(r->workspace);
	struct policy_vars vars = { &name, &value, 1, environ };
	struct policy *p = NULL;
	int fd, e;

	e = fd_read_file(AT_FDCWD, r->policy, 1 << 20, &yaml);
	if (e < 0)
		die(r->policy, e);
	e = policy_compile(r->policy, buf_str(&yaml), &vars, 1, &p, &diag);
	if (e < 0) {
		diag_format(&diag, &text);
		(void)fputs(buf_cstr(&text), stderr);
		die("policy", e);
	}
	e = policy_to_fd(p, &fd);
	if (e < 0)
		die("policy image", e);
	(void)policy_unref(p);
	return fd;
}

static void start_tracer(struct run *r)
{
	int socks[2] = { -1, -1 }, memfd, event, policy = compile(r), e;

	e = channel_pair(socks);
	if (e == 0)
		e = ring_create(RING_DEFAULT_SIZE, &r->ring, &memfd, &event);
	if (e < 0)
		die("channel", e);
	r->pid = fork();
	if (r->pid == 0) {
		if (heritage_bequeath(socks[1], memfd, event, policy) < 0)
			_exit(125);
		(void)execl(r->tracer, "agentsh-tracer", (char *)NULL);
		_exit(125);
	}
	(void)close(socks[1]);
	e = channel_new(socks[0], &r->channel);
	if (e < 0)
		die("channel", e);
}

static void send_msg(struct run *r, uint8_t type, uint32_t id,
		     const struct buf *b, const int *fds, size_t n)
{
	int e = b->error ? b->error
			 : channel_send(r->channel, type, id, buf_str(b), fds,
					n);

	if (e < 0)
		die("send", e);
}

static void say_hello(struct run *r)
{
	_cleanup_buf_ struct buf b = BUF_INIT, json = BUF_INIT;
	/* Its own: names of cgroups are made of it. */
	_cleanup_buf_ struct buf session = BUF_INIT;
	struct proto_hello h = { .workspace = str_from(r->workspace),
				 .policy_generation = 1 };
	int e = 0;

	if (r->settings)
		e = fd_read_file(AT_FDCWD, r->settings, 1 << 20, &json);
	if (e < 0)
		die(r->settings, e);
	buf_printf(&session, "test-%d", getpid());
	h.session_id = buf_str(&session);
	h.settings_json = buf_str(&json);
	(void)proto_hello_encode(&h, &b);
	send_msg(r, PROTO_HELLO, 1, &b, NULL, 0);
}

static void ask_spawn(struct run *r)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct str argv[256], env[256];
	char cwd[4096];
	struct proto_spawn s = { .command_id = STR("cmd"),
				 .argv = argv,
				 .env = env,
				 .file = str_from(r->argv[0]),
				 .flags = r->tty ? SPAWN_TTY : 0,
				 .timeout_ns =
					 (uint64_t)r->timeout * 1000000000U };
	int fds[3] = { 0, 1, 2 };

	for (; r->argv[s.argc] && s.argc < 256; s.argc++)
		argv[s.argc] = str_from(r->argv[s.argc]);
	for (; environ[s.n_env] && s.n_env < 256; s.n_env++)
		env[s.n_env] = str_from(environ[s.n_env]);
	s.cwd = str_from(getcwd(cwd, sizeof(cwd)));
	s.limits.memory_bytes = (uint64_t)r->memory;
	(void)proto_spawn_encode(&s, &b);
	r->started = clock_monotonic_ns();
	send_msg(r, PROTO_SPAWN, 7, &b, fds, 3);
}

static int drain_events(struct run *r)
{
	struct str rec;
	int n = 0;

	for (; ring_peek(r->ring, &rec) == 0; n++) {
		_cleanup_arena_ struct arena a = ARENA_INIT(1 << 22);
		_cleanup_buf_ struct buf out = BUF_INIT;
		struct json_writer w;
		struct event ev;

		if (event_decode(rec, &a, &ev) < 0)
			die("event", -EBADMSG);
		if (r->events_out) {
			json_writer_init(&w, &out, 0);
			event_to_json(&ev, &w);
			(void)fprintf(r->events_out, "%s\n", buf_cstr(&out));
		}
		ring_consume(r->ring);
	}
	return n;
}

/*
 * As the server does: while events come it looks by itself, and the writer has
 * nobody to wake for each. Return: how long to wait, ms; -1 for ever.
 */
static int next_look(struct run *r, int n)
{
	r->quiet = n ? 0 : r->quiet + 1;
	if (r->quiet >= QUIET_LOOKS)
		return r->signo ? 50 : -1;
	ring_stay_awake(r->ring);
	return LOOK_MS * (r->quiet + 1);
}

static void print_layers(FILE *f, const char *what, const struct proto_layer *l,
			 uint32_t n)
{
	for (uint32_t i = 0; f && i < n; i++)
		(void)fprintf(f, "%s %.*s %s %.*s\n", what, STR_ARG(l[i].name),
			      l[i].active ? "on" : "off", STR_ARG(l[i].detail));
}

static void on_spawned(struct run *r, struct str body)
{
	_cleanup_arena_ struct arena a = ARENA_INIT(1 << 20);
	struct proto_spawned m;

	if (proto_spawned_decode(body, &a, &m) < 0)
		die("SPAWNED", -EBADMSG);
	if (r->messages_out)
		(void)fprintf(r->messages_out, "spawned error=%d step=%.*s\n",
			      m.error, STR_ARG(m.step));
	print_layers(r->messages_out, "spawned", m.layers, m.n_layers);
	if (m.error) {
		(void)fprintf(stderr, "tracer-run: %.*s: %s\n", STR_ARG(m.step),
			      strerror(m.error));
		r->exit_code = 127;
		r->left = 0;
	}
}

static void on_exited(struct run *r, struct str body)
{
	struct proto_exited m;

	if (proto_exited_decode(body, &m) < 0)
		die("EXITED", -EBADMSG);
	(void)drain_events(r);
	if (r->messages_out)
		(void)fprintf(r->messages_out,
			      "exited status=%d timed_out=%d oom=%d "
			      "leftovers=%u peak_kb=%llu us=%llu\n",
			      m.wait_status, m.timed_out, m.oom_killed,
			      m.leftovers_killed,
			      (unsigned long long)m.memory_peak_kb,
			      (unsigned long long)(clock_monotonic_ns() -
						   r->started) /
				      1000);
	r->exit_code = WIFEXITED(m.wait_status) ? WEXITSTATUS(m.wait_status)
						: 128 + WTERMSIG(m.wait_status);
	if (--r->left > 0)
		ask_spawn(r);
}

static void on_message(struct run *r, const struct channel_msg *m)
{
	_cleanup_arena_ struct arena a = ARENA_INIT(1 << 20);
	struct proto_ready ready;

	switch (m->type) {
	case PROTO_READY:
		if (proto_ready_decode(m->body, &a, &ready) < 0)
			die("READY", -EBADMSG);
		print_layers(r->messages_out, "ready", ready.layers,
			     ready.n_layers);
		ask_spawn(r);
		break;
	case PROTO_SPAWNED:
		on_spawned(r, m->body);
		break;
	case PROTO_EXITED:
		on_exited(r, m->body);
		break;
	default:
		break;
	}
}

static void send_signal(struct run *r)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct proto_signal s = { .command_id = STR("cmd"),
				  .signo = (int32_t)r->signo };

	(void)proto_signal_encode(&s, &b);
	send_msg(r, PROTO_SIGNAL, 8, &b, NULL, 0);
	r->signo = 0;
}

static void serve(struct run *r)
{
	struct pollfd p[2] = {
		{ .fd = channel_fd(r->channel), .events = POLLIN },
		{ .fd = ring_eventfd(r->ring), .events = POLLIN }
	};
	struct channel_msg m;
	int e;

	while (r->left > 0) {
		(void)poll(p, 2, next_look(r, drain_events(r)));
		if (r->signo && r->started && access("ready", F_OK) == 0)
			send_signal(r);
		while ((e = channel_recv(r->channel, &m)) == 1) {
			on_message(r, &m);
			channel_msg_done(&m);
		}
		if (e != -EAGAIN)
			die("tracer ended", -EPIPE);
	}
	(void)drain_events(r);
}

static FILE *output(const char *path)
{
	return path ? fopen(path, "we") : NULL;
}

int main(int argc, char **argv)
{
	struct run r = { .policy = "policy.yaml",
			 .workspace = "/tmp",
			 .repeat = 1 };
	_cleanup_buf_ struct buf none = BUF_INIT;
	int status = 0;

	parse(&r, argc, argv);
	r.left = (int)r.repeat;
	r.events_out = output(r.events);
	r.messages_out = output(r.messages);
	start_tracer(&r);
	say_hello(&r);
	serve(&r);
	send_msg(&r, PROTO_SHUTDOWN, 9, &none, NULL, 0);
	(void)waitpid(r.pid, &status, 0);
	(void)drain_events(&r);
	if (status != 0)
		(void)fprintf(stderr, "tracer-run: tracer status %d\n", status);
	if (r.events_out)
		(void)fclose(r.events_out);
	if (r.messages_out)
		(void)fclose(r.messages_out);
	return status ? 126 : r.exit_code;
}
