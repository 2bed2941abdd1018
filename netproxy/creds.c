/* SPDX-License-Identifier: MIT */
/*
 * creds.c - secrets that commands may use and never see
 *
 * Reading goes straight into the locked memory: no buffer of the C library or
 * of ours ever holds a secret. The process is not dumpable (main.c), so that
 * neither /proc nor ptrace of the same user shows it.
 */
#include "netproxy/creds.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/num.h"

#define MEMORY     (128U << 10)
#define COMMAND_NS 10000000000ULL
#define MAX_ARGS   64

/* --- the memory ---------------------------------------------------------- */

static int need_memory(struct creds *c)
{
	void *p;

	if (c->memory)
		return 0;
	p = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return -ENOMEM;
	(void)madvise(p, MEMORY, MADV_DONTDUMP);
	(void)madvise(p, MEMORY, MADV_WIPEONFORK);
	/* RLIMIT_MEMLOCK may be 0 for a user: told, and used all the same */
	c->unlocked = mlock(p, MEMORY) < 0;
	c->memory = p;
	return 0;
}

void creds_done(struct creds *c)
{
	for (size_t i = 0; i < c->n; i++) {
		free(c->v[i].name);
		free(c->v[i].phantom);
	}
	if (c->memory) {
		explicit_bzero(c->memory, MEMORY);
		(void)munmap(c->memory, MEMORY);
	}
	*c = (struct creds){ 0 };
}

/* --- where from ---------------------------------------------------------- */

/* Reads fd to its end into p. Return: bytes, -E2BIG, -ETIMEDOUT, -errno. */
static ssize_t read_into(int fd, char *p, uint64_t deadline)
{
	size_t n = 0;

	for (;;) {
		struct pollfd pfd = { fd, POLLIN, 0 };
		uint64_t now = clock_monotonic_ns();
		ssize_t r;

		if (now >= deadline)
			return -ETIMEDOUT;
		if (poll(&pfd, 1, (int)((deadline - now) / 1000000) + 1) <= 0)
			continue;
		r = read(fd, p + n, CRED_MAX_SECRET - n);
		if (r == 0)
			return (ssize_t)n;
		if (r < 0 && errno != EINTR && errno != EAGAIN)
			return -errno;
		n += r > 0 ? (size_t)r : 0;
		if (n == CRED_MAX_SECRET)
			return -E2BIG;
	}
}

static ssize_t from_env(struct str name, char *p)
{
	_cleanup_free_ char *key = str_dup(name);
	char *value = key ? getenv(key) : NULL;
	size_t n = value ? strlen(value) : 0;

	if (!value)
		return -ENOENT;
	if (n >= CRED_MAX_SECRET)
		return -E2BIG;
	memcpy(p, value, n);
	explicit_bzero(value, n); /* or children and /proc would have it */
	return (ssize_t)n;
}

static ssize_t from_file(struct str path, char *p)
{
	_cleanup_free_ char *name = str_dup(path);
	_cleanup_close_ int fd = -1;

	if (!name)
		return -ENOMEM;
	if (name[0] != '/')
		return -EINVAL;
	fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	return read_into(fd, p, clock_monotonic_ns() + COMMAND_NS);
}

static int start(char *const *argv, int out, pid_t *ret)
{
	posix_spawn_file_actions_t files;
	int r = posix_spawn_file_actions_init(&files);

	if (r)
		return -r;
	r = posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY,
					     0);
	if (!r)
		r = posix_spawn_file_actions_adddup2(&files, out, 1);
	if (!r)
		r = posix_spawn(ret, argv[0], &files, NULL, argv, environ);
	(void)posix_spawn_file_actions_destroy(&files);
	return -r;
}

static ssize_t from_command(struct str line, char *p)
{
	_cleanup_free_ char *text = str_dup(line);
	_cleanup_close_ int in = -1, out = -1;
	char *argv[MAX_ARGS + 1] = { NULL };
	int pair[2], status = 0;
	size_t n = 0;
	ssize_t got;
	pid_t pid;
	int r;

	for (char *s = text; s && *s && n < MAX_ARGS;) {
		size_t skip = strspn(s, " "), len = strcspn(s + skip, " ");

		s += skip;
		if (len)
			argv[n++] = s;
		s += len;
		if (*s)
			*s++ = 0;
	}
	if (n == 0 || argv[0][0] != '/')
		return -EINVAL;
	if (pipe2(pair, O_CLOEXEC) < 0)
		return -errno;
	in = pair[0];
	out = pair[1];
	r = start(argv, out, &pid);
	if (r < 0)
		return r;
	(void)close(TAKE_FD(out));
	got = read_into(in, p, clock_monotonic_ns() + COMMAND_NS);
	if (got < 0)
		(void)kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (got >= 0 && !(WIFEXITED(status) && WEXITSTATUS(status) == 0))
		got = -ECHILD;
	return got;
}

/* The rest of ref if it begins with kind and ":"; p is NULL if not. */
static struct str after(struct str ref, const char *kind)
{
	struct str k = str_from(kind);

	if (!str_starts(ref, k))
		return STR_NONE;
	ref = str_skip(ref, k.n);
	return str_starts(ref, STR("//")) ? str_skip(ref, 2) : ref;
}

static ssize_t fetch(struct str ref, char *p)
{
	struct str rest = after(ref, "env:");

	if (rest.p)
		return from_env(rest, p);
	rest = after(ref, "file:");
	if (rest.p)
		return from_file(rest, p);
	rest = after(ref, "command:");
	if (rest.p)
		return from_command(rest, p);
	return -EOPNOTSUPP;
}

static const char *explain(ssize_t r)
{
	switch (r) {
	case -EOPNOTSUPP:
		return "secret.ref must be env:NAME, file:/PATH or "
		       "command:/PATH";
	case -ENOENT:
		return "not there";
	case -ECHILD:
		return "the command failed";
	case -E2BIG:
		return "longer than 8 KB";
	case -EINVAL:
		return "an absolute path is wanted";
	case -EBADMSG:
		return "it must be 8 or more printable characters";
	default:
		return strerror((int)-r);
	}
}

/* A header field must be able to hold it. */
static ssize_t check(const char *p, ssize_t n)
{
	while (n > 0 && (p[n - 1] == '\n' || p[n - 1] == '\r' ||
			 p[n - 1] == ' ' || p[n - 1] == '\t'))
		n--;
	for (ssize_t i = 0; i < n; i++)
		if (p[i] < 0x20 || p[i] == 0x7f)
			return -EBADMSG;
	return n < 0 || n >= CRED_MIN_SECRET ? n : -EBADMSG;
}

/* --- phantoms ------------------------------------------------------------ */

static char random_of(const char *set, size_t n)
{
	unsigned char c;

	do {
		if (getrandom(&c, 1, 0) != 1)
			abort(); /* no phantom is better than a guessable one */
	} while (c >= 256 - 256 % n);
	return set[c % n];
}

#define LOWER  "abcdefghijklmnopqrstuvwxyz"
#define UPPER  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

static char random_like(char c, bool hex)
{
	if (c >= '0' && c <= '9')
		return random_of(DIGITS, 10);
	if (c >= 'a' && c <= 'z')
		return random_of(LOWER, hex ? 6 : 26);
	if (c >= 'A' && c <= 'Z')
		return random_of(UPPER, hex ? 6 : 26);
	return c;
}

static bool is_hex(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!strchr("0123456789abcdefABCDEF-", s.p[i]))
			return false;
	return true;
}

/* "sk-ant-api03-", "ghp_", "AKIA": what says whose token it is. */
static size_t prefix_length(struct str real)
{
	size_t limit = MIN(real.n / 3, (size_t)16), n = 0;

	for (size_t i = 0; i < limit; i++)
		if (real.p[i] == '_' || real.p[i] == '-' || real.p[i] == '.')
			n = i + 1;
	if (n || real.n < 16 || is_hex(real))
		return n;
	while (n < 4 && real.p[n] >= 'A' && real.p[n] <= 'Z')
		n++;
	return n == 4 ? n : 0;
}

static bool from_format(struct str format, struct buf *out)
{
	ptrdiff_t at = str_find(format, STR("{rand:"));
	struct str rest;
	ptrdiff_t end;
	int64_t n;

	if (at < 0)
		return false;
	rest = str_skip(format, (size_t)at + 6);
	end = str_index(rest, '}');
	if (end < 0 ||
	    num_parse_range(str_from_n(rest.p, (size_t)end), 8, 1024, &n) < 0)
		return false;
	buf_put_str(out, str_from_n(format.p, (size_t)at));
	for (int64_t i = 0; i < n; i++)
		buf_putc(out, random_of(LOWER UPPER DIGITS, 62));
	buf_put_str(out, str_skip(rest, (size_t)end + 1));
	return true;
}

void phantom_make(struct str real, struct str format, struct buf *out)
{
	size_t keep = prefix_length(real);
	bool hex = is_hex(real);

	if (from_format(format, out))
		return;
	buf_put_str(out, str_from_n(real.p, keep));
	for (size_t i = keep; i < real.n; i++)
		buf_putc(out, random_like(real.p[i], hex));
	/* too short to be told from text that happens to be the same */
	for (size_t i = real.n; i < 20; i++)
		buf_putc(out, random_of(LOWER DIGITS, 36));
}

/* --- all together -------------------------------------------------------- */

static int make_phantom(struct cred *it, struct str format, struct str known)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	if (known.n >= 16) {
		it->phantom = str_dup(known);
		return it->phantom ? 0 : -ENOMEM;
	}
	do {
		buf_reset(&b);
		phantom_make(it->real, format, &b);
	} while (str_eq(buf_str(&b), it->real));
	it->phantom = buf_take(&b);
	return it->phantom ? 0 : -ENOMEM;
}

const struct cred *creds_add(struct creds *c, struct str name, struct str ref,
			     struct str format, struct str known)
{
	struct cred *it = &c->v[c->n];
	ssize_t n;

	if (c->n == CRED_MAX || need_memory(c) < 0)
		return NULL;
	*it = (struct cred){ .name = str_dup(name) };
	if (!it->name)
		return NULL;
	if (MEMORY - c->used < CRED_MAX_SECRET)
		n = -ENOMEM;
	else
		n = fetch(ref, c->memory + c->used);
	if (n >= 0)
		n = check(c->memory + c->used, n);
	if (n < 0) {
		(void)snprintf(it->error, sizeof(it->error), "%s", explain(n));
	} else {
		it->real = str_from_n(c->memory + c->used, (size_t)n);
		c->used += (size_t)n + 1;
		if (make_phantom(it, format, known) < 0) {
			free(it->name);
			return NULL;
		}
	}
	c->n++;
	return it;
}

const struct cred *creds_find(const struct creds *c, struct str name)
{
	for (size_t i = 0; i < c->n; i++)
		if (str_eq_c(name, c->v[i].name))
			return &c->v[i];
	return NULL;
}
