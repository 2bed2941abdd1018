/* SPDX-License-Identifier: MIT */
/*
 * static_tls.c - what libcrypto must not take from libc when linked statically
 *
 * Its socket helpers refer to name lookups that would load shared objects. They
 * are never called: names are looked up by netproxy/resolve.c. The linker's
 * --wrap sends what is left here.
 */
#include <netdb.h>
#include <stddef.h>

int __wrap_getaddrinfo(const char *node, const char *service,
		       const struct addrinfo *hints, struct addrinfo **ret);
struct hostent *__wrap_gethostbyname(const char *name);

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
