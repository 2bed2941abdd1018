/* SPDX-License-Identifier: MIT */
/*
 * static_tls.c - what libraries must not take from libc when linked statically
 *
 * libcrypto's socket helpers and c-ares' getnameinfo refer to lookups that would
 * load shared objects. They are never called: names are looked up by
 * netproxy/resolve.c, services by nobody. The linker's --wrap sends what is left
 * here.
 */
#include <errno.h>
#include <netdb.h>
#include <stddef.h>

int __wrap_getaddrinfo(const char *node, const char *service,
		       const struct addrinfo *hints, struct addrinfo **ret);
struct hostent *__wrap_gethostbyname(const char *name);
int __wrap_getservbyport_r(int port, const char *proto, struct servent *space,
			   char *text, size_t n, struct servent **ret);

int __wrap_getaddrinfo(const char *node, const char *service,
		       const struct addrinfo *hints, struct addrinfo **ret)
{
	(void)node;
	(void)service;
	(void)hints;
	(void)ret;
	return EAI_FAIL;
}

struct hostent *__wrap_gethostbyname(const char *name)
{
	(void)name;
	return NULL;
}

int __wrap_getservbyport_r(int port, const char *proto, struct servent *space,
			   char *text, size_t n, struct servent **ret)
{
	(void)port;
	(void)proto;
	(void)space;
	(void)text;
	(void)n;
	*ret = NULL;
	return ENOENT;
}
