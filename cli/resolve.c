/* SPDX-License-Identifier: MIT */
/*
 * resolve.c - host name to addresses, without the C library's resolver
 */
#include "cli/resolve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>

#include "base/fd.h"

static int numeric(const char *host, uint16_t port, struct resolved *ret)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };

	*ret = (struct resolved){ 0 };
	if (inet_pton(AF_INET, host, &v4.sin_addr) == 1) {
		v4.sin_port = htons(port);
		memcpy(&ret->addr, &v4, sizeof(v4));
		ret->len = sizeof(v4);
		return 0;
	}
	if (inet_pton(AF_INET6, host, &v6.sin6_addr) == 1) {
		v6.sin6_port = htons(port);
		memcpy(&ret->addr, &v6, sizeof(v6));
		ret->len = sizeof(v6);
		return 0;
	}
	return -EINVAL;
}

/* Output of `getent ahosts HOST`; lines begin with an address. */
static int run_getent(const char *host, struct buf *out)
{
	char *argv[] = { (char[]){ "getent" }, (char[]){ "ahosts" },
			 (char[]){ "--" }, NULL, NULL };
	_cleanup_free_ char *name = strdup(host);
	posix_spawn_file_actions_t actions;
	int pipe_fds[2], status = 0, r;
	pid_t pid = -1;

	if (!name || pipe2(pipe_fds, O_CLOEXEC) < 0)
		return -errno;
	argv[3] = name;
	if (posix_spawn_file_actions_init(&actions) != 0) {
		(void)close(pipe_fds[0]);
		(void)close(pipe_fds[1]);
		return -ENOMEM;
	}
	(void)posix_spawn_file_actions_adddup2(&actions, pipe_fds[1], 1);
	r = -posix_spawnp(&pid, "getent", &actions, NULL, argv, environ);
	(void)posix_spawn_file_actions_destroy(&actions);
	(void)close(pipe_fds[1]);
	if (r == 0)
		r = fd_read_all(pipe_fds[0], 65536, out);
	(void)close(pipe_fds[0]);
	if (pid > 0)
		(void)waitpid(pid, &status, 0);
	if (r < 0)
		return r;
	return status == 0 ? 0 : -EHOSTUNREACH;
}

int resolve_host(const char *host, uint16_t port,
		 struct resolved out[RESOLVE_MAX], size_t *ret_n)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct str rest, line;
	size_t n = 0;

	if (str_eq_icase(str_from(host), STR("localhost"))) {
		(void)numeric("127.0.0.1", port, &out[0]);
		(void)numeric("::1", port, &out[1]);
		*ret_n = 2;
		return 0;
	}
	if (numeric(host, port, &out[0]) == 0) {
		*ret_n = 1;
		return 0;
	}
	if (run_getent(host, &text) < 0)
		return -EHOSTUNREACH;
	rest = buf_str(&text);
	while (n < RESOLVE_MAX && str_split(&rest, '\n', &line)) {
		char word[64];
		size_t len = 0;

		while (len < line.n && line.p[len] != ' ')
			len++;
		/* One line per socket type: STREAM is the one for us. */
		if (len >= sizeof(word) || str_find(line, STR("STREAM")) < 0)
			continue;
		memcpy(word, line.p, len);
		word[len] = '\0';
		if (numeric(word, port, &out[n]) == 0)
			n++;
	}
	if (n == 0)
		return -EHOSTUNREACH;
	*ret_n = n;
	return 0;
}
