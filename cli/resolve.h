/* SPDX-License-Identifier: MIT */
/*
 * resolve.h - host name to addresses, without the C library's resolver
 *
 * The program is linked statically, and glibc's getaddrinfo() then still wants
 * its shared modules. Numeric addresses and "localhost" need no resolver; any
 * other name is put to getent(1), which knows the host's own rules.
 */
#ifndef CLI_RESOLVE_H
#define CLI_RESOLVE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define RESOLVE_MAX 8

struct resolved {
	struct sockaddr_storage addr;
	socklen_t len;
};

/*
 * At most RESOLVE_MAX addresses, at least one.
 * Return: 0, or -EHOSTUNREACH when the name is not known.
 */
int resolve_host(const char *host, uint16_t port,
		 struct resolved out[RESOLVE_MAX], size_t *ret_n);

#endif
