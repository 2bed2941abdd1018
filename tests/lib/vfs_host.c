/* SPDX-License-Identifier: MIT */
/*
 * vfs_host.c - runs a command inside an agentsh-vfs mount, without a server
 *
 * vfs_host [-p POLICY.yaml] [-s SETTINGS.json] [-o EVENTS] [-c ID]
 *	[-a yes|no|later] [-r SIZE] VFS WORKSPACE -- CMD
 *
 * Plays the server's part: policy, ring, channel, hello; enters the mount
 * namespace that the worker answers with, runs CMD there with WORKSPACE as its
 * directory, and ends the worker. -o: events as JSON lines. -r: a ring of that
 * size, which is not read before SIGUSR1; the command gets one back when it was.
 * -a: the answer to approvals; "later" is yes, after SIGUSR2. The exit status is
 * the command's; 77 when mounting is not possible.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "confine/userns.h"
#include "core/attribution.h"
#include "core/channel.h"
#include "core/event.h"
#include "core/heritage.h"
#include "core/proto.h"
#include "core/ring.h"
#include "policy/policy.h"

#define ALLOW_ALL                                                         \
	"version: 1\nname: test\nfile_rules:\n  - name: all\n    paths: " \
	"[\"/**\", \"/\"]\n    operations: [\"*\"]\n    decision: allow\n"

#define LOOK_US 5000

struct host {
	struct channel *channel;
	struct ring *ring;
	struct attribution *attribution;
	pid_t worker;
	FILE *events;        /* NULL: not wanted */
	const char *approve; /* "yes", "no", "later"; NULL: nothing comes */
	int mnt_ns, mnt_root;
	volatile sig_atomic_t lazy;  /* events are not read yet */
	bool tell;                   /* the command, when they were */
	volatile sig_atomic_t later; /* approvals are not answered yet */
	uint32_t size;               /* of the ring */
};

static _Noreturn void die(const char *what, int r)
{
	(void)fprintf(stderr, "vfs_host: %s: %s\n", what, strerror(-r));
	exit(1);
}

static int compile(const char *file)
{
	_cleanup_buf_ struct buf text = BUF_INIT, messages = BUF_INIT;
	static struct diag d;
	struct policy_vars vars = { 0 };
	struct policy *p;
	int fd, r;

	if (file)
		r = fd_read_file(AT_FDCWD, file, 1 << 20, &text);
	else
		r = (buf_puts(&text, ALLOW_ALL), text.error);
	if (r < 0)
		die(file, r);
	r = policy_compile(file ? file : "built-in", buf_str(&text), &vars, 1,
			   &p, &d);
	if (r < 0) {
		diag_format(&d, &messages);
		(void)fputs(buf_cstr(&messages), stderr);
		die("policy", r);
	}
	r = policy_to_fd(p, &fd);
	if (r < 0)
		die("policy image", r);
	(void)policy_unref(p);
	return fd;
}

static void start_worker(struct host *h, const char *program, int policy)
{
	int socks[2] = { -1, -1 }, memfd = -1, eventfd = -1, r;

	r = channel_pair(socks);
	if (r == 0)
		r = channel_new(socks[0], &h->channel);
	if (r == 0)
		r = ring_create(h->size, &h->ring, &memfd, &eventfd);
	if (r < 0)
		die("set-up", r);
	h->worker = fork();
	if (h->worker == 0) {
		r = heritage_bequeath(socks[1], memfd, eventfd, policy);
		if (r == 0)
			(void)execl(program, program, (char *)NULL);
		_exit(127);
	}
	(void)close(socks[1]);
	(void)close(policy);
}

static void drain(struct host *h)
{
	struct str record;

	/* Never asleep: as with the server, an event is no wake-up. */
	while (ring_pending(h->ring) && ring_peek(h->ring, &record) == 0) {
		_cleanup_arena_ struct arena a = ARENA_INIT(1 << 20);
		_cleanup_buf_ struct buf out = BUF_INIT;
		struct json_writer w;
		struct event e;

		if (h->events && event_decode(record, &a, &e) == 0) {
			json_writer_init(&w, &out, 0);
			event_to_json(&e, &w);
			(void)fprintf(h->events, "%s\n", buf_cstr(&out));
		}
		ring_consume(h->ring);
	}
}

static void hello(struct host *h, const char *workspace, const char *settings)
{
	_cleanup_buf_ struct buf body = BUF_INIT, text = BUF_INIT;
	struct proto_hello m = { .session_id = STR("test"),
				 .workspace = str_from(workspace),
				 .policy_generation = 1 };
	_cleanup_close_ int shared = -1;
	int r = attribution_create(&shared);

	if (r == 0)
		r = attribution_map(shared, &h->attribution);
	if (r < 0)
		die("attribution", r);
	if (settings)
		r = fd_read_file(AT_FDCWD, settings, 1 << 20, &text);
	else
		buf_puts(&text, "{}");
	if (r < 0)
		die(settings, r);
	m.settings_json = buf_str(&text);
	r = proto_hello_encode(&m, &body);
	if (r == 0)
		r = channel_send(h->channel, PROTO_HELLO, 1, buf_str(&body),
				 &shared, 1);
	if (r < 0)
		die("hello", r);
}

static bool wait_ready(struct host *h)
{
	_cleanup_arena_ struct arena a = ARENA_INIT(1 << 20);
	struct proto_ready ready;
	struct channel_msg m;
	int r;

	do {
		struct pollfd p = { .fd = channel_fd(h->channel),
				    .events = POLLIN };

		(void)poll(&p, 1, 10000);
		r = channel_recv(h->channel, &m);
	} while (r == -EAGAIN);
	if (r != 1 || m.type != PROTO_READY ||
	    proto_ready_decode(m.body, &a, &ready) < 0)
		die("no ready", r < 0 ? r : -EPROTO);
	for (uint32_t i = 0; i < ready.n_layers; i++)
		if (!ready.layers[i].active)
			(void)printf("skip: %.*s: %.*s\n",
				     STR_ARG(ready.layers[i].name),
				     STR_ARG(ready.layers[i].detail));
	h->mnt_ns = m.n_fds ? TAKE_FD(m.fds[0]) : -1;
	h->mnt_root = m.n_fds > 1 ? TAKE_FD(m.fds[1]) : -1;
	r = ready.n_layers > 0 && ready.layers[0].active;
	channel_msg_done(&m);
	return r;
}

static struct host *signalled;

static void read_again(int n)
{
	(void)n;
	signalled->lazy = false;
}

static void answer_now(int n)
{
	(void)n;
	signalled->later = false;
}

/* The memory says it before its first process does anything. */
static uint32_t begin(struct host *h, const char *id, char **argv, pid_t pid)
{
	_cleanup_buf_ struct buf words = BUF_INIT;
	uint32_t place;
	int r;

	for (; *argv; argv++)
		buf_printf(&words, "%s%s", words.len ? " " : "", *argv);
	r = attribution_add(h->attribution, str_from(id), buf_str(&words), pid,
			    &place);
	if (r < 0)
		die("attribution", r);
	return place;
}

static void end(struct host *h, const char *id, uint32_t place)
{
	struct proto_exited e = { .command_id = str_from(id) };
	_cleanup_buf_ struct buf body = BUF_INIT;

	attribution_remove(h->attribution, place);
	(void)proto_exited_encode(&e, &body);
	(void)channel_send(h->channel, PROTO_EXITED, 0, buf_str(&body), NULL,
			   0);
}

static void answer(struct host *h)
{
	struct proto_approval a = { .approved = h->approve &&
						strcmp(h->approve, "no") != 0,
				    .approval_id = STR("x") };
	_cleanup_buf_ struct buf body = BUF_INIT;
	struct channel_msg m;

	if (channel_recv(h->channel, &m) != 1)
		return;
	if (m.type == PROTO_APPROVAL_ASK) {
		while (h->later) {
			drain(h);
			(void)usleep(LOOK_US);
		}
		(void)proto_approval_encode(&a, &body);
		(void)channel_send(h->channel, PROTO_APPROVAL, m.id,
				   buf_str(&body), NULL, 0);
	}
	channel_msg_done(&m);
}

static int run(struct host *h, const char *workspace, const char *id,
	       char **argv)
{
	int go[2], status = 0;
	uint32_t place;
	pid_t pid;

	if (pipe2(go, O_CLOEXEC) < 0)
		die("pipe", -errno);
	pid = fork();
	if (pid == 0) {
		char c;

		if ((h->mnt_ns >= 0 &&
		     mountns_enter(h->mnt_ns, h->mnt_root) < 0) ||
		    chdir(workspace) < 0 || read(go[0], &c, 1) != 1)
			_exit(126);
		(void)execvp(argv[0], argv);
		_exit(127);
	}
	place = begin(h, id, argv, pid);
	(void)!write(go[1], "x", 1);
	ring_stay_awake(h->ring);
	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (!h->lazy) {
			drain(h);
			if (h->tell)
				(void)kill(pid, SIGUSR1);
			h->tell = false;
		}
		answer(h);
		(void)usleep(LOOK_US);
	}
	drain(h);
	end(h, id, place);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static int finish(struct host *h)
{
	int status = 0;

	(void)channel_send(h->channel, PROTO_SHUTDOWN, 0, STR_NONE, NULL, 0);
	if (waitpid(h->worker, &status, 0) != h->worker || status != 0) {
		(void)fprintf(stderr, "vfs_host: worker ended with %#x\n",
			      (unsigned int)status);
		return 1;
	}
	drain(h);
	return 0;
}

int main(int argc, char **argv)
{
	const char *policy = NULL, *settings = NULL, *id = "cmd-test";
	struct host h = { .mnt_ns = -1,
			  .mnt_root = -1,
			  .size = RING_DEFAULT_SIZE };
	int opt, code;

	while ((opt = getopt(argc, argv, "+p:s:c:o:a:r:")) >= 0) {
		if (opt == 'p')
			policy = optarg;
		else if (opt == 's')
			settings = optarg;
		else if (opt == 'c')
			id = optarg;
		else if (opt == 'r')
			h.lazy = (h.size = (uint32_t)atoi(optarg)) > 0;
		else if (opt == 'a')
			h.approve = optarg;
		else if (opt == 'o')
			h.events = fopen(optarg, "we");
		else
			return 2;
	}
	if (argc - optind < 3)
		return 2;
	if (strcmp(argv[optind + 2], "--") == 0 && argc - optind < 4)
		return 2;
	signalled = &h;
	h.tell = h.lazy;
	h.later = h.approve && strcmp(h.approve, "later") == 0;
	(void)signal(SIGUSR1, read_again);
	(void)signal(SIGUSR2, answer_now);
	start_worker(&h, argv[optind], compile(policy));
	hello(&h, argv[optind + 1], settings);
	if (!wait_ready(&h))
		return 77;
	code = run(&h, argv[optind + 1], id,
		   argv + optind + 2 + (strcmp(argv[optind + 2], "--") == 0));
	opt = finish(&h);
	if (h.events)
		(void)fclose(h.events);
	return opt ? 1 : code;
}
