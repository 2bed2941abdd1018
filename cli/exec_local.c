/* SPDX-License-Identifier: MIT */
/*
 * exec_local.c - exec on a server of this machine
 *
 * The command gets descriptors, not copies of bytes. Over the unix socket, with
 * the first byte of the request, travel
 *
 *	X-Agentsh-Stdio: fds	our own 0, 1 and 2
 *	X-Agentsh-Stdio: tty	the slave of a pseudo-terminal made here (and
 *				our own 2 when that is no terminal)
 *
 * so a pipe keeps its speed and its SIGPIPE, and a file its offset. With a
 * terminal we sit between the two: raw mode on ours, bytes relayed both ways,
 * so that ^C and ^Z are the command's business and the agent never holds the
 * user's terminal (no TIOCSTI, no reading what is typed later).
 *
 *	user's terminal <-> stdin/stdout | relay | master <-> slave (command)
 *
 * The answer comes when the command has ended and everything it left has been
 * killed; output is drained after that, the terminal restored on every path.
 * Signals sent to us go to the command by POST .../signal/ID. When the server
 * does not know the command (any more), the signal is ours and ends us; the
 * server sees the connection close and kills the command.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "cli/exec.h"
#include "cli/prompt.h"
#include "cli/tty.h"

#define RELAY_CHUNK 65536
#define DRAIN_NS    (3000 * UINT64_C(1000000)) /* for a busy machine */

struct relay {
	const struct exec_call *x;
	struct conn *conn;
	int signals;  /* owned: signalfd */
	int master;   /* owned: -1 without a terminal */
	bool input;   /* stdin is still read */
	bool hung_up; /* nobody has the slave open now */
	struct tty_raw raw;
	struct prompt prompt;
	struct buf to_master; /* typed, not yet taken by the command */
	sigset_t old_mask;
};

static const int forwarded[] = { SIGINT,  SIGTERM, SIGHUP,  SIGQUIT, SIGUSR1,
				 SIGUSR2, SIGTSTP, SIGCONT, SIGWINCH };

const char *exec_signal_name(int signo)
{
	switch (signo) {
	case SIGINT:
		return "SIGINT";
	case SIGTERM:
		return "SIGTERM";
	case SIGHUP:
		return "SIGHUP";
	case SIGQUIT:
		return "SIGQUIT";
	case SIGUSR1:
		return "SIGUSR1";
	case SIGUSR2:
		return "SIGUSR2";
	case SIGSTOP:
		return "SIGSTOP";
	case SIGCONT:
		return "SIGCONT";
	default:
		return NULL;
	}
}

int exec_send_signal(const struct exec_call *x, int signo)
{
	_cleanup_conn_ struct conn answer = CONN_INIT;
	_cleanup_buf_ struct buf target = BUF_INIT, body = BUF_INIT;
	struct conn_request rq = { .method = "POST" };
	const char *name = exec_signal_name(signo);
	int r;

	if (!name)
		return -EINVAL;
	client_session_path(&target, x->session, "/signal/");
	url_escape(&target, str_from(x->command_id));
	buf_printf(&body, "{\"signal\":\"%s\"}", name);
	rq.target = buf_cstr(&target);
	rq.body = buf_str(&body);
	r = client_call(&x->client, &rq, &answer);
	if (r < 0)
		return r;
	return answer.status >= 200 && answer.status <= 299 ? 0 : -ESRCH;
}

static int relay_signals_init(struct relay *r)
{
	sigset_t set;

	(void)sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_LEN(forwarded); i++)
		(void)sigaddset(&set, forwarded[i]);
	if (sigprocmask(SIG_BLOCK, &set, &r->old_mask) < 0)
		return -errno;
	r->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return r->signals < 0 ? -errno : 0;
}

static void relay_done(struct relay *r)
{
	tty_raw_leave(&r->raw);
	prompt_done(&r->prompt);
	if (r->master >= 0)
		(void)close(r->master);
	if (r->signals >= 0)
		(void)close(r->signals);
	buf_done(&r->to_master);
	(void)sigprocmask(SIG_SETMASK, &r->old_mask, NULL);
}

/*
 * ^Z at our own shell: the command stops, then we do. SIGSTOP and not SIGTSTP,
 * because the command's process group has no parent in its session and the
 * kernel then ignores the terminal's stop signals. Execution goes on here when
 * someone sends SIGCONT, which the signalfd then reports.
 */
static void suspend_self(struct relay *r)
{
	bool raw = r->raw.active;

	(void)exec_send_signal(r->x, SIGSTOP);
	tty_raw_leave(&r->raw);
	(void)kill(getpid(), SIGSTOP);
	if (raw && tty_is_ours(STDIN_FILENO)) {
		(void)tty_raw_enter(&r->raw, STDIN_FILENO);
		tty_copy_size(STDIN_FILENO, r->master);
	}
}

/* Return: 0 go on, or the signal that ends us. */
static int relay_one_signal(struct relay *r, int signo)
{
	if (signo == SIGWINCH) {
		if (r->master >= 0)
			tty_copy_size(STDIN_FILENO, r->master);
		return 0;
	}
	if (signo == SIGTSTP) {
		suspend_self(r);
		return 0;
	}
	if (exec_send_signal(r->x, signo) == 0 || signo == SIGCONT)
		return 0;
	return signo;
}

static int relay_signals(struct relay *r)
{
	struct signalfd_siginfo info;

	while (read(r->signals, &info, sizeof(info)) == sizeof(info)) {
		int signo = relay_one_signal(r, (int)info.ssi_signo);

		if (signo)
			return signo;
	}
	return 0;
}

/* stdin -> buffer; at its end the command's terminal gets ^D. */
static void relay_input(struct relay *r)
{
	char chunk[4096];
	ssize_t n = read(STDIN_FILENO, chunk, sizeof(chunk));

	if (n > 0) {
		buf_put(&r->to_master, chunk, (size_t)n);
	} else if (n == 0 || (errno != EINTR && errno != EAGAIN)) {
		r->input = false;
		buf_putc(&r->to_master, 4);
	}
}

static void relay_to_master(struct relay *r)
{
	ssize_t n = write(r->master, r->to_master.data, r->to_master.len);

	if (n > 0)
		buf_consume(&r->to_master, (size_t)n);
	else if (n < 0 && errno != EAGAIN && errno != EINTR)
		buf_reset(&r->to_master); /* EIO: nobody reads any more */
}

/* All the master has now. 0: nothing more, 1: there may be more later. */
static int relay_from_master(struct relay *r)
{
	static char chunk[RELAY_CHUNK];

	for (;;) {
		ssize_t n = read(r->master, chunk, sizeof(chunk));

		if (n > 0) {
			if (fd_write_full(STDOUT_FILENO, chunk, (size_t)n) < 0)
				return 0;
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		return n < 0 && errno == EAGAIN;
	}
}

/* Return: 0, or -ETIMEDOUT. */
static int relay_poll(struct relay *r, struct pollfd p[4], uint64_t deadline)
{
	bool room = r->to_master.len < RELAY_CHUNK;
	uint64_t now = clock_monotonic_ns();
	short master = POLLIN;
	int wait = prompt_wait_ms(&r->prompt);

	if (deadline && now >= deadline)
		return -ETIMEDOUT;
	if (deadline)
		wait = (int)MIN((deadline - now) / 1000000 + 1,
				wait < 0 ? 1000000000 : (uint64_t)wait);
	if (r->to_master.len)
		master |= POLLOUT;
	p[0] = (struct pollfd){ .fd = r->conn->fd, .events = POLLIN };
	p[1] = (struct pollfd){ .fd = r->signals, .events = POLLIN };
	p[2] = (struct pollfd){ .fd = r->hung_up ? -1 : r->master,
				.events = master };
	p[3] = (struct pollfd){ .fd = r->input && room ? STDIN_FILENO : -1,
				.events = POLLIN };
	if (poll(p, 4, wait) <= 0)
		for (size_t i = 0; i < 4; i++)
			p[i].revents = 0;
	return 0;
}

/*
 * Both directions of the terminal. The master stays open when its last slave
 * is closed (POLLHUP, EIO): the command may be between fork and exec, so it is
 * only left out of the poll set.
 */
static void relay_terminal(struct relay *r, short master, short input)
{
	if (input)
		relay_input(r);
	if (master & POLLOUT)
		relay_to_master(r);
	if (master & (POLLIN | POLLHUP | POLLERR) && relay_from_master(r) == 0)
		r->hung_up = true;
}

/*
 * What the command wrote last may still be on its way: the kernel moves bytes
 * from slave to master in the background, and only EIO, once every slave is
 * closed, says that all have come. Bounded, in case someone keeps one open.
 */
static void relay_drain(struct relay *r)
{
	uint64_t deadline = client_deadline(DRAIN_NS);

	while (r->master >= 0 && relay_from_master(r) != 0)
		if (conn_poll(r->master, POLLIN, deadline) < 0)
			return;
}

/*
 * Until the answer is complete. Return: 0, -errno of the exchange, or a signal
 * number that ends us.
 */
static int relay_run(struct relay *r, uint64_t deadline)
{
	int s = 0;

	while (s == 0) {
		struct pollfd p[4];

		s = relay_poll(r, p, deadline);
		if (s == 0 && p[1].revents)
			s = relay_signals(r);
		if (s != 0)
			return s;
		relay_terminal(r, p[2].revents, p[3].revents);
		prompt_look(&r->prompt, &r->raw);
		if (p[0].revents)
			s = conn_feed(r->conn);
	}
	if (s > 0)
		relay_drain(r);
	return s > 0 ? 0 : s;
}

/* "stdin" of --json as a file to read from. */
static int stdin_file(const struct exec_call *x)
{
	return fd_sealed_memfd("stdin", buf_str(&x->stdin_data));
}

static int send_request(struct exec_call *x, struct relay *r, const int *fds,
			const char *stdio)
{
	_cleanup_buf_ struct buf target = BUF_INIT, headers = BUF_INIT;
	struct conn_request rq = { .method = "POST", .fds = fds, .n_fds = 3 };

	client_session_path(&target, x->session, "/exec");
	buf_printf(&headers,
		   "X-Agentsh-Stdio: %s\r\nX-Agentsh-Command-Id: %s\r\n", stdio,
		   x->command_id);
	rq.target = buf_cstr(&target);
	rq.body = buf_str(&x->body);
	rq.headers = buf_str(&headers);
	return conn_send(r->conn, &x->client.url, x->client.api_key, &rq,
			 client_deadline(x->client.timeout_ns));
}

/* Makes the terminal pair and raw mode; *ret_slave is owned by the caller. */
static int setup_tty(struct exec_call *x, struct relay *r, int *ret_slave)
{
	int like = isatty(STDIN_FILENO) ? STDIN_FILENO : STDOUT_FILENO;
	int e = tty_pair(like, &r->master, ret_slave);

	(void)x;
	if (e < 0)
		return e;
	r->input = true;
	if (tty_is_ours(STDIN_FILENO))
		e = tty_raw_enter(&r->raw, STDIN_FILENO);
	return e;
}

/* A terminal for the command? Only when we are in front of ours. */
static bool want_tty(const struct exec_call *x)
{
	if (x->has_stdin)
		return false;
	return x->pty || (tty_is_ours(STDIN_FILENO) && isatty(STDOUT_FILENO));
}

void exec_local(struct exec_call *x, struct exec_result *res)
{
	struct relay r = {
		.x = x, .conn = &res->conn, .signals = -1, .master = -1
	};
	_cleanup_close_ int slave = -1, in = -1;
	int fds[3] = { STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO };
	bool tty = want_tty(x);
	int e = relay_signals_init(&r);

	prompt_init(&r.prompt, &x->client, x->session, x->command_id);
	if (e == 0 && tty)
		e = setup_tty(x, &r, &slave);
	if (e == 0 && x->has_stdin) {
		in = stdin_file(x);
		e = in < 0 ? in : 0;
		fds[0] = in;
	}
	if (tty) {
		fds[0] = fds[1] = slave;
		if (isatty(STDERR_FILENO) || x->pty)
			fds[2] = slave;
	}
	if (e == 0)
		e = send_request(x, &r, fds, tty ? "tty" : "fds");
	if (slave >= 0)
		(void)close(TAKE_FD(slave));
	if (e == 0)
		e = relay_run(&r, exec_deadline(x));
	relay_done(&r);
	if (e > 0) { /* a signal that the command did not get */
		res->done = true;
		res->status = 128 + e;
		e = 0;
	}
	res->error = e;
	res->streamed = true;
}
