/* SPDX-License-Identifier: MIT */
/*
 * static_link.c - what a statically linked program must not take from libc
 *
 * Linked into static programs only. Some vendor libraries refer to calls that,
 * in a static program, would load shared objects at run time: SQLite's
 * extensions and libfuse's modules through dlopen(), c-ares' service names
 * through the name service switch. No program here uses those features, and
 * one that enforces a policy shall not be able to load code by name at all.
 * The linker takes the definitions below in place of libc's.
 */
#include <errno.h>
#include <netdb.h>
#include <stddef.h>

/* The linker's --wrap=dlopen sends every call here; NULL is "not found". */
void *__wrap_dlopen(const char *file, int mode);

void *__wrap_dlopen(const char *file, int mode)
{
	(void)file;
	(void)mode;
	return NULL;
}

/* Ports are given as numbers; a name stays unknown. */
struct servent *getservbyname(const char *name, const char *proto)
{
	(void)name;
	(void)proto;
	return NULL;
}

int __wrap_getservbyname_r(const char *name, const char *proto,
			   struct servent *restrict result_buf,
			   char *restrict buf, size_t buflen,
			   struct servent **restrict result);

int __wrap_getservbyname_r(const char *name, const char *proto,
			   struct servent *restrict result_buf,
			   char *restrict buf, size_t buflen,
			   struct servent **restrict result)
{
	(void)name;
	(void)proto;
	(void)result_buf;
	(void)buf;
	(void)buflen;
	*result = NULL;
	return ENOENT;
}

int getservbyport_r(int port, const char *proto,
		    struct servent *restrict result_buf, char *restrict buf,
		    size_t buflen, struct servent **restrict result)
{
	(void)port;
	(void)proto;
	(void)result_buf;
	(void)buf;
	(void)buflen;
	*result = NULL;
	return ENOENT;
}
