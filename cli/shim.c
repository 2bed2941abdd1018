/* SPDX-License-Identifier: MIT */
/*
 * shim.c - agentsh-shell-shim: stands where /bin/sh and /bin/bash were
 *
 *	agentsh -c calls, inside a session,	-> exec NAME.real
 *	no terminal and not forced,
 *	forced but no server (ready_gate)
 *	else					-> exec agentsh exec ... NAME.real
 *
 * Both ends are an exec: the shell keeps our descriptors, terminal, process
 * group and parent, so nothing is copied and no order of output is lost.
 */
#include "cli/shim.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/fd.h"
#include "base/rendezvous.h"
#include "base/vec.h"
#include "cli/url.h"

#define EXIT_FAILED     127
#define EXIT_REQUIRED   126
#define GATE_TIMEOUT_MS 200
#define STDIN_MAX       ((size_t)16 << 20)
/* Set for agentsh, so that an `agentsh` that is a script finds a shell. */
#define MARK_RUNNING "AGENTSH_SHIM_RUNNING"

static void debug(const struct shim *s, const char *step, const char *detail)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	if (!s->debug)
		return;
	buf_printf(&b, "agentsh-shell-shim: %s%s%s\n", step,
		   detail[0] ? ": " : "", detail);
	(void)fd_write_full(STDERR_FILENO, b.data, b.len);
}

static int fatal(const char *message, const char *detail, const char *hint)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	buf_printf(&b, "%s%s%s\nHint: %s\n", message, detail[0] ? ": " : "",
		   detail, hint);
	(void)fd_write_full(STDERR_FILENO, b.data, b.len);
	return EXIT_FAILED;
}

static bool env_is(const char *name, const char *value)
{
	const char *is = getenv(name);

	return is && strcmp(is, value) == 0;
}

/* PREFIX/bin/sh and PREFIX/usr/bin/sh read PREFIX/etc/agentsh/shim.conf. */
static void conf_path(const struct shim *s, struct buf *out)
{
	struct str dir = buf_str(&s->exe);

	dir.n -= MIN(dir.n, str_basename(dir).n);
	if (str_ends(dir, STR("/usr/bin/")))
		dir.n -= strlen("/usr/bin/");
	else if (str_ends(dir, STR("/bin/")))
		dir.n -= strlen("/bin/");
	else
		dir.n = 0;
	buf_printf(out, STR_FMT SHIM_CONF_PATH, STR_ARG(dir));
}

static int read_conf(struct shim *s)
{
	_cleanup_buf_ struct buf path = BUF_INIT, error = BUF_INIT;
	int r;

	conf_path(s, &path);
	r = shim_conf_read(buf_cstr(&path), &s->conf, &error);
	if (r == -EINVAL)
		return fatal(buf_cstr(&error), "",
			     "correct the file, or remove it for the defaults");
	if (r < 0)
		debug(s, "configuration unreadable, so force=true",
		      buf_cstr(&error));
	if (env_is("AGENTSH_SHIM_INSTALL", "on"))
		s->conf.install = SHIM_INSTALL_ON;
	return 0;
}

/* exec; returns only when it failed. */
static int run(const struct shim *s, const char *program, char **argv)
{
	debug(s, "exec", program);
	(void)execv(program, argv);
	return fatal(program, strerror(errno),
		     "agentsh shim status shows what is installed; agentsh "
		     "shim uninstall-shell takes it away");
}

static int run_real(const struct shim *s, const char *why)
{
	debug(s, "real shell", why);
	return run(s, buf_cstr(&s->real), s->argv);
}

static int try_connect(const struct sockaddr *addr, socklen_t len)
{
	_cleanup_close_ int fd = socket(
		addr->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	socklen_t n = sizeof(int);
	int error = 0;

	if (fd < 0)
		return -errno;
	if (connect(fd, addr, len) == 0)
		return 0;
	if (errno != EINPROGRESS)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	if (poll(&p, 1, GATE_TIMEOUT_MS) != 1)
		return -ETIMEDOUT;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n) < 0)
		return -errno;
	return -error;
}

/* 0 there, -errno; -EREMOTE: not on this machine, so not ours to judge. */
static int probe_server(void)
{
	_cleanup_buf_ struct buf error = BUF_INIT;
	const char *text = getenv("AGENTSH_SERVER");
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct server_url url;
	int fd;

	if (server_url_parse(text && text[0] ? text : URL_DEFAULT, &url,
			     &error) < 0)
		return -EINVAL;
	if (url.path[0]) {
		memcpy(un.sun_path, url.path,
		       MIN(sizeof(un.sun_path) - 1, strlen(url.path)));
		return try_connect((const struct sockaddr *)&un, sizeof(un));
	}
	if (!url.loopback)
		return -EREMOTE;
	fd = rendezvous_connect(url.port);
	if (fd >= 0) {
		(void)close(fd);
		return 0;
	}
	in.sin_port = htons(url.port);
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return try_connect((const struct sockaddr *)&in, sizeof(in));
}

static bool local_server(void)
{
	_cleanup_buf_ struct buf error = BUF_INIT;
	const char *text = getenv("AGENTSH_SERVER");
	struct server_url url;

	return !text || !text[0] || server_url_parse(text, &url, &error) < 0 ||
	       url.path[0] || url.loopback;
}

/* argv under construction; all words are borrowed. */
struct words {
	VEC(char *) v;
	int error;
};

static void word(struct words *w, const char *text)
{
	char *p = NULL;

	memcpy(&p, &text, sizeof(p)); /* execv() does not write to it */
	if (vec_push(&w->v, p) < 0)
		w->error = -ENOMEM;
}

/*
 * A script on standard input that a server elsewhere would not get: all of it
 * becomes the word after -c.
 */
static int script_from_stdin(const struct shim *s, struct buf *script)
{
	struct stat st;

	if (s->argc > 1 || local_server() || fstat(STDIN_FILENO, &st) < 0 ||
	    !S_ISFIFO(st.st_mode))
		return 0;
	return fd_read_all(STDIN_FILENO, STDIN_MAX, script);
}

static void build_words(const struct shim *s, const struct shim_session *ss,
			const struct buf *script, struct words *w)
{
	/* lives until the exec */
	char *cwd = shim_session_cwd(ss);

	word(w, buf_cstr(&s->agentsh));
	word(w, "exec");
	if (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO))
		word(w, "--pty");
	if (ss->file.len) {
		word(w, "--session-file");
		word(w, buf_cstr(&ss->file));
	}
	word(w, "--root");
	word(w, buf_cstr(&ss->root));
	if (cwd) {
		word(w, "--cwd");
		word(w, cwd);
	}
	word(w, "--argv0");
	word(w, s->argv[0]);
	word(w, buf_cstr(&ss->id));
	word(w, "--");
	word(w, buf_cstr(&s->real));
	for (int i = 1; i < s->argc; i++)
		word(w, s->argv[i]);
	if (script->len) {
		word(w, "-c");
		word(w, buf_cstr(script));
	}
	word(w, NULL);
}

static int run_governed(const struct shim *s)
{
	struct shim_session ss = { .root = BUF_INIT };
	_cleanup_buf_ struct buf script = BUF_INIT;
	struct words w = { .v = VEC_INIT };
	int r;

	if (s->agentsh.len == 0)
		return fatal("agentsh is not on PATH", "",
			     "install it, or name it in AGENTSH_BIN");
	shim_session_find(&ss);
	debug(s, "session", buf_cstr(&ss.id));
	r = script_from_stdin(s, &script);
	if (r < 0)
		return fatal("standard input", strerror(-r),
			     "pass the script with -c or as a file");
	build_words(s, &ss, &script, &w);
	if (w.error || setenv(MARK_RUNNING, "1", 1) < 0)
		return fatal("agentsh-shell-shim", strerror(ENOMEM),
			     "try again");
	r = run(s, buf_cstr(&s->agentsh), w.v.data);
	vec_done(&w.v);
	shim_session_done(&ss);
	return r;
}

/* shim.conf's force with ready_gate: no server here yet, so no session. */
static int gate(bool *ret_open)
{
	int r = probe_server();

	*ret_open = r == 0;
	if (r == 0 || r == -ECONNREFUSED || r == -ENOENT || r == -ETIMEDOUT)
		return 0;
	if (r == -EREMOTE)
		return fatal("ready_gate needs a server of this machine", "",
			     "unset AGENTSH_SERVER or set ready_gate=false");
	return fatal("AGENTSH_SERVER", strerror(-r),
		     "http://127.0.0.1:PORT or unix:///PATH");
}

static int decide(const struct shim *s)
{
	bool required = s->conf.install == SHIM_INSTALL_ON && s->argc > 1;
	bool open = true;
	int r = 0;

	if (shim_is_agentsh_call(s))
		return run_real(s, "a call of agentsh");
	if (env_is("AGENTSH_IN_SESSION", "1"))
		return run_real(s, "inside a session");
	if (env_is(MARK_RUNNING, "1"))
		return run_real(s, "agentsh itself wants a shell");
	if (!isatty(STDIN_FILENO) && !required && !s->conf.force &&
	    !env_is("AGENTSH_SHIM_FORCE", "1"))
		return run_real(s, "no terminal and not forced");
	if (s->conf.force && s->conf.ready_gate)
		r = gate(&open);
	if (r != 0)
		return r;
	if (!open)
		return run_real(s, "the server is not ready");
	r = run_governed(s);
	return required ? EXIT_REQUIRED : r;
}

static int init(struct shim *s)
{
	char self[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self));

	if (n > 0 && (size_t)n < sizeof(self))
		buf_put(&s->exe, self, (size_t)n);
	if (stat("/proc/self/exe", &s->exe_st) < 0)
		debug(s, "/proc", strerror(errno));
	s->debug = env_is("AGENTSH_SHIM_DEBUG", "1");
	return read_conf(s);
}

int main(int argc, char **argv)
{
	char *fallback[] = { NULL, NULL };
	char name[] = "sh";
	struct shim s = { .argv = argv, .argc = argc };
	int r;

	if (argc < 1) {
		fallback[0] = name;
		s.argv = fallback;
		s.argc = 1;
	}
	s.name = shim_name(s.argv[0]);
	r = init(&s);
	if (r != 0)
		return r;
	if (shim_find_real(&s, &s.real) < 0 &&
	    (!env_is("AGENTSH_IN_SESSION", "1") ||
	     shim_find_path_shell(&s, &s.real) < 0))
		return fatal("the real shell is missing", s.name,
			     "agentsh shim status; it should be beside the "
			     "shim, with .real at its end");
	(void)shim_find_agentsh(&s.agentsh);
	return decide(&s);
}
