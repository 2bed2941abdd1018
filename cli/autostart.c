/* SPDX-License-Identifier: MIT */
/*
 * autostart.c - starting a server when none answers
 *
 * Only for the loopback address and the default port: a server elsewhere is
 * somebody else's. The new server inherits none of our descriptors and is in a
 * session of its own; it stays when we are gone.
 *
 * Several clients may find no server at once. A lock beside the rendezvous
 * socket lets one of them start it; the others wait and then find it healthy.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/notify.h"
#include "base/rendezvous.h"
#include "cli/exec.h"
#include "cli/output.h"
#include "config/config.h"

#define START_TIMEOUT_NS (30 * UINT64_C(1000000000))
#define PROBE_NS         (150 * UINT64_C(1000000))
#define STEP_MIN_NS      (2 * INT64_C(1000000))
#define STEP_MAX_NS      (50 * INT64_C(1000000))
#define MESSAGE_MAX      ((size_t)500)

static bool healthy(const struct client *cl, uint64_t timeout_ns)
{
	_cleanup_conn_ struct conn c = CONN_INIT;
	struct conn_request rq = { .method = "GET", .target = "/health" };
	uint64_t deadline = client_deadline(timeout_ns);

	return conn_open(&c, &cl->url, deadline) == 0 &&
	       conn_send(&c, &cl->url, NULL, &rq, deadline) == 0 &&
	       conn_wait(&c, deadline) == 0 && c.status == 200;
}

/* In the child of a process without threads: exec or exit. */
static _noreturn_ void child(const char *self, const char *config, int log,
			     const char *ready)
{
	char name[] = "agentsh", verb[] = "server", flag[] = "--config";
	char *argv[] = { name, verb, flag, NULL, NULL };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	memcpy(&argv[3], &config, sizeof(config));
	(void)setsid();
	(void)(ready ? setenv("NOTIFY_SOCKET", ready, 1)
		     : unsetenv("NOTIFY_SOCKET"));
	(void)signal(SIGPIPE, SIG_DFL);
	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 ||
	    dup2(log, 2) < 0 || syscall(SYS_close_range, 3, ~0U, 0) < 0)
		_exit(126);
	/* By its path, so that ps(1) says agentsh and not exe; the link works
	 * even when the file was replaced meanwhile. */
	(void)execv(self, argv);
	(void)execv("/proc/self/exe", argv);
	_exit(127);
}

/*
 * The lock file, locked; -1 when there is no directory of our own for it, and
 * then it goes without. The descriptor is the lock: closing it lets go.
 */
static int take_lock(uint16_t port)
{
	_cleanup_buf_ struct buf path = BUF_INIT, dir = BUF_INIT;
	_cleanup_close_ int fd = -1;
	struct stat st;
	ptrdiff_t slash;

	if (rendezvous_path(0, port, &path) < 0)
		return -1;
	slash = str_rindex(buf_str(&path), '/');
	buf_put(&dir, path.data, slash > 0 ? (size_t)slash : 0);
	if (dir.len == 0 || fd_mkdirs(buf_cstr(&dir), 0700) < 0 ||
	    lstat(buf_cstr(&dir), &st) < 0 || !S_ISDIR(st.st_mode) ||
	    st.st_uid != geteuid() || (st.st_mode & 022) != 0)
		return -1;
	buf_puts(&path, ".lock");
	fd = open(buf_cstr(&path), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
		  0600);
	if (fd < 0 || flock(fd, LOCK_EX) < 0)
		return -1;
	return TAKE_FD(fd);
}

static int failed(int log, struct buf *error)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct str s;

	(void)lseek(log, 0, SEEK_SET);
	(void)fd_read_all(log, MESSAGE_MAX * 16, &text);
	s = str_trim(buf_str(&text));
	buf_puts(error, "server did not become ready");
	if (s.n) {
		bool cut = s.n > MESSAGE_MAX;

		s.n = MIN(s.n, MESSAGE_MAX);
		buf_printf(error, ": " STR_FMT "%s", STR_ARG(s),
			   cut ? "..." : "");
	}
	return -1;
}

/*
 * Until /health answers, the child is gone, or time is up. The server says when
 * to look (base/notify.h); one of an older build does not, or ready is -1, and
 * then the steps between looks grow.
 */
static int wait_ready(const struct client *cl, pid_t pid, int ready)
{
	uint64_t deadline = client_deadline(START_TIMEOUT_NS);
	int64_t step = STEP_MIN_NS;
	int status;

	while (clock_monotonic_ns() < deadline) {
		if (healthy(cl, 250 * UINT64_C(1000000)))
			return 0;
		/* Without the lock two may start at once: the loser's server
		 * ends and the winner's answers. */
		if (waitpid(pid, &status, WNOHANG) == pid)
			return healthy(cl, 1000 * UINT64_C(1000000)) ? 0 : -1;
		(void)notify_wait(ready, step);
		step = MIN(step * 2, STEP_MAX_NS);
	}
	return -1;
}

int autostart(const struct client *cl, struct buf *error)
{
	_cleanup_buf_ struct buf config = BUF_INIT;
	_cleanup_buf_ struct buf name = BUF_INIT;
	_cleanup_close_ int lock = -1, log = -1, ready = -1;
	enum config_source source;
	char self[4096];
	ssize_t n;
	pid_t pid;

	if (!cl->url.loopback ||
	    (cl->url.port_given && cl->url.port != URL_DEFAULT_PORT)) {
		buf_printf(error, "server not reachable at %s", cl->text);
		return -1;
	}
	if (healthy(cl, PROBE_NS))
		return 0;
	lock = take_lock(cl->url.port);
	if (lock >= 0 && healthy(cl, PROBE_NS))
		return 0;
	source = config_find(NULL, environ, &config);
	(void)fail("agentsh: auto-starting server (config %s%s)",
		   buf_cstr(&config),
		   source == CONFIG_SOURCE_PACKAGED
			   ? ", packaged: none is installed"
			   : "");
	log = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (log < 0)
		log = memfd_create("agentsh-server-log", MFD_CLOEXEC);
	if (log < 0) {
		buf_printf(error, "log file: %s", strerror(errno));
		return -1;
	}
	n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	self[n > 0 ? n : 0] = '\0';
	ready = notify_open(&name);
	pid = fork();
	if (pid < 0) {
		buf_printf(error, "fork: %s", strerror(errno));
		return -1;
	}
	if (pid == 0)
		child(self, buf_cstr(&config), log,
		      ready >= 0 ? buf_cstr(&name) : NULL);
	return wait_ready(cl, pid, ready) == 0 ? 0 : failed(log, error);
}
