/* SPDX-License-Identifier: MIT */
/*
 * exec_redact_tty.c - a second terminal between a local client and its command
 *
 *	client ── its terminal pair ── us ── our terminal pair ── command
 *
 * The client lends the slave of a pair whose master it serves. With redaction
 * the command gets the slave of a pair of ours; the client's is set to raw, so
 * that only one line discipline acts, and what is typed is passed on here. Its
 * size is looked at whenever bytes pass, either way.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/fd.h"
#include "server/exec.h"

#define INPUT_MAX 65536U

struct redact_tty {
	struct command *command;
	int fd; /* the client's slave, opened anew; owned */
	struct loop_source *io, *out;
	int out_fd;       /* our master, to wait for room; owned */
	struct buf input; /* typed, and not taken yet */
	struct winsize size;
};

void redact_tty_size(struct command *c)
{
	struct redact_tty *t = c->redact_tty;
	struct winsize now;

	if (!t || ioctl(t->fd, TIOCGWINSZ, &now) < 0 ||
	    memcmp(&now, &t->size, sizeof(now)) == 0)
		return;
	t->size = now;
	(void)ioctl(c->pty, TIOCSWINSZ, &now); /* sends SIGWINCH, too */
}

static void pass_on(struct redact_tty *t)
{
	while (t->input.len) {
		ssize_t n = write(t->out_fd, t->input.data, t->input.len);

		if (n <= 0)
			break;
		buf_consume(&t->input, (size_t)n);
	}
	if (t->io)
		(void)loop_mod_io(t->io,
				  t->input.len < INPUT_MAX ? EPOLLIN : 0);
	(void)loop_mod_io(t->out, t->input.len ? EPOLLOUT : 0);
}

static void on_room(struct loop *l, int fd, uint32_t events, void *arg)
{
	(void)l;
	(void)fd;
	(void)events;
	pass_on(arg);
}

static void on_typed(struct loop *l, int fd, uint32_t events, void *arg)
{
	struct redact_tty *t = arg;
	char bytes[4096];
	ssize_t n = read(fd, bytes, sizeof(bytes));

	(void)l;
	(void)events;
	redact_tty_size(t->command);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) { /* the client is gone; its connection says so, too */
		t->io = loop_remove(t->io);
		return;
	}
	buf_put(&t->input, bytes, (size_t)n);
	pass_on(t);
}

void redact_tty_free(struct command *c)
{
	struct redact_tty *t = c->redact_tty;

	if (!t)
		return;
	c->redact_tty = NULL;
	t->io = loop_remove(t->io);
	t->out = loop_remove(t->out);
	if (t->fd >= 0)
		(void)close(t->fd);
	if (t->out_fd >= 0)
		(void)close(t->out_fd);
	buf_done(&t->input);
	free(t);
}

/* Ours alone to make non-blocking, where that is permitted. */
static int open_anew(int fd)
{
	char name[48];
	int own;

	(void)snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	own = open(name, O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return own >= 0 ? own : fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

int redact_tty_open(struct command *c)
{
	struct redact_tty *t = calloc(1, sizeof(*t));
	struct termios mode;
	int r;

	if (!t)
		return -ENOMEM;
	c->redact_tty = t;
	t->command = c;
	t->out_fd = -1;
	t->fd = open_anew(c->fds[0]);
	if (t->fd < 0 || tcgetattr(t->fd, &mode) < 0)
		return -errno;
	/* The command's terminal is as the client's was. */
	(void)tcsetattr(c->pty, TCSANOW, &mode);
	cfmakeraw(&mode);
	if (tcsetattr(t->fd, TCSANOW, &mode) < 0)
		return -errno;
	redact_tty_size(c);
	t->out_fd = fcntl(c->pty, F_DUPFD_CLOEXEC, 3);
	if (t->out_fd < 0)
		return -errno;
	r = loop_add_io(c->app->loop, t->out_fd, 0, on_room, t, &t->out);
	if (r == 0)
		r = loop_add_io(c->app->loop, t->fd, EPOLLIN, on_typed, t,
				&t->io);
	return r;
}
