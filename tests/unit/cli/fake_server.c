/* SPDX-License-Identifier: MIT */
/*
 * fake_server.c - a server that answers from a script
 */
#include "tests/unit/cli/fake_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>

#include "base/fd.h"
#include "base/num.h"

const char *agentsh_path;

static _noreturn_ void die(const char *what)
{
	perror(what);
	abort();
}

/* Bytes still missing of the request in b; head and Content-Length. */
static bool complete(const struct buf *b)
{
	struct str s = buf_str(b);
	ptrdiff_t head = str_find(s, STR("\r\n\r\n"));
	ptrdiff_t at = str_find(s, STR("Content-Length: "));
	uint64_t n = 0;

	if (head < 0)
		return false;
	if (at >= 0 && at < head) {
		struct str v = str_skip(s, (size_t)at + 16);

		v.n = (size_t)str_index(v, '\r');
		(void)num_parse_u64(v, &n);
	}
	return s.n >= (size_t)head + 4 + n;
}

static size_t read_request(int sock, struct buf *b, int fds[FD_PASS_MAX])
{
	size_t total = 0;

	while (!complete(b)) {
		char chunk[4096];
		size_t n_fds = FD_PASS_MAX - total;
		ssize_t n = fd_recv(sock, chunk, sizeof(chunk), fds + total,
				    &n_fds, 0);

		if (n <= 0)
			break;
		total += n_fds;
		buf_put(b, chunk, (size_t)n);
	}
	return total;
}

static void write_text(int fd, const char *text)
{
	if (text)
		(void)fd_write_full(fd, text, strlen(text));
}

static void serve(struct fake *f, int sock)
{
	const struct fake_step *s = &f->steps[f->n];
	int fds[FD_PASS_MAX];
	size_t n = read_request(sock, &f->requests[f->n], fds);
	struct timespec ts = { .tv_sec = s->delay_ms / 1000,
			       .tv_nsec = s->delay_ms % 1000 * 1000000L };

	f->n_fds[f->n] = n;
	if (n == 3 && s->read_fd0) {
		char got[256] = { 0 };
		ssize_t r = read(fds[0], got, sizeof(got) - 1);

		f->input_ok = r > 0 && strcmp(got, s->read_fd0) == 0;
	}
	if (n == 3) {
		write_text(fds[1], s->to_fd1);
		write_text(fds[2], s->to_fd2);
	}
	for (size_t i = 0; i < n; i++)
		(void)close(fds[i]);
	(void)nanosleep(&ts, NULL);
	write_text(sock, s->answer);
	f->n++;
}

static void *server_thread(void *arg)
{
	struct fake *f = arg;

	while (f->n < f->n_steps) {
		int sock = accept4(f->listener, NULL, NULL, SOCK_CLOEXEC);

		if (sock < 0)
			break;
		serve(f, sock);
		(void)close(sock);
	}
	return NULL;
}

static void listen_unix(struct fake *f)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };

	(void)snprintf(f->path, sizeof(f->path), "/tmp/agentsh-fake.%d.sock",
		       (int)getpid());
	(void)unlink(f->path);
	memcpy(sa.sun_path, f->path, strlen(f->path));
	f->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(f->listener, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		die("bind");
	(void)snprintf(f->url, sizeof(f->url), "unix://%s", f->path);
}

static void listen_tcp(struct fake *f)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(sa);

	f->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(f->listener, (struct sockaddr *)&sa, n) < 0 ||
	    getsockname(f->listener, (struct sockaddr *)&sa, &n) < 0)
		die("bind");
	(void)snprintf(f->url, sizeof(f->url), "http://127.0.0.1:%u",
		       (unsigned int)ntohs(sa.sin_port));
}

void fake_start(struct fake *f, bool unix_socket)
{
	if (unix_socket)
		listen_unix(f);
	else
		listen_tcp(f);
	if (listen(f->listener, 8) < 0 ||
	    pthread_create(&f->thread, NULL, server_thread, f) != 0)
		die("listen");
}

void fake_stop(struct fake *f)
{
	(void)shutdown(f->listener, SHUT_RDWR);
	(void)pthread_join(f->thread, NULL);
	(void)close(f->listener);
	if (f->path[0])
		(void)unlink(f->path);
}

void fake_done(struct fake *f)
{
	for (size_t i = 0; i < FAKE_STEPS; i++)
		buf_done(&f->requests[i]);
}

static _noreturn_ void child(const struct fake *f, const char *const *words)
{
	char *argv[32] = { (char[]){ "agentsh" } };
	size_t n = 1;

	for (; *words && n < ARRAY_LEN(argv) - 1; words++)
		memcpy(&argv[n++], words, sizeof(*words));
	(void)setenv("AGENTSH_SERVER", f ? f->url : "http://127.0.0.1:1", 1);
	(void)setenv("AGENTSH_RUNTIME_DIR", "/nonexistent", 1);
	(void)unsetenv("AGENTSH_SESSION_ID");
	(void)unsetenv("AGENTSH_NO_AUTO");
	(void)unsetenv("AGENTSH_IN_SESSION");
	(void)signal(SIGPIPE, SIG_DFL);
	(void)execv(agentsh_path, argv);
	_exit(125);
}

static void wait_for(pid_t pid, struct run *r)
{
	int status = 0;

	if (waitpid(pid, &status, 0) != pid)
		die("waitpid");
	r->status = WIFEXITED(status) ? WEXITSTATUS(status)
				      : 128 + WTERMSIG(status);
}

static int text_file(const char *text)
{
	int fd = memfd_create("text", MFD_CLOEXEC);

	if (fd < 0)
		die("memfd_create");
	write_text(fd, text);
	(void)lseek(fd, 0, SEEK_SET);
	return fd;
}

static void collect(int fd, struct buf *out)
{
	(void)lseek(fd, 0, SEEK_SET);
	(void)fd_read_all(fd, 1 << 20, out);
	(void)close(fd);
}

void run_agentsh(struct run *r, const struct fake *f, const char *input,
		 const char *const *words)
{
	int in = text_file(input), out = text_file(NULL), err = text_file(NULL);
	pid_t pid = fork();

	if (pid == 0) {
		(void)dup2(in, 0);
		(void)dup2(out, 1);
		(void)dup2(err, 2);
		child(f, words);
	}
	wait_for(pid, r);
	(void)close(in);
	collect(out, &r->out);
	collect(err, &r->err);
}

static bool same_modes(const struct termios *a, const struct termios *b)
{
	return a->c_iflag == b->c_iflag && a->c_oflag == b->c_oflag &&
	       a->c_cflag == b->c_cflag && a->c_lflag == b->c_lflag &&
	       memcmp(a->c_cc, b->c_cc, sizeof(a->c_cc)) == 0;
}

void run_agentsh_tty(struct run *r, const struct fake *f, const char *typed,
		     const char *const *words)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), slave;
	struct termios before, after;
	char name[64];
	pid_t pid;

	if (master < 0 || unlockpt(master) < 0 ||
	    ptsname_r(master, name, sizeof(name)) != 0)
		die("posix_openpt");
	slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	(void)tcgetattr(slave, &before);
	pid = fork();
	if (pid == 0) {
		(void)setsid();
		(void)ioctl(slave, TIOCSCTTY, 0);
		(void)dup2(slave, 0);
		(void)dup2(slave, 1);
		(void)dup2(slave, 2);
		child(f, words);
	}
	write_text(master, typed);
	wait_for(pid, r);
	(void)tcgetattr(slave, &after);
	(void)close(slave); /* ends the reading below with EIO */
	(void)fd_read_all(master, 1 << 20, &r->out);
	/* The terminal must be as it was. */
	buf_puts(&r->err,
		 same_modes(&before, &after) ? "restored" : "not restored");
	(void)close(master);
}

void run_done(struct run *r)
{
	buf_done(&r->out);
	buf_done(&r->err);
}
