/* SPDX-License-Identifier: MIT */
/*
 * resolve.h - a caller's path as an object that we hold
 *
 * The answer is an O_PATH descriptor of what the caller would get: its working
 * directory and descriptors, its /proc/self, links followed as the kernel
 * does. What is then judged and used is the descriptor, never the string.
 */
#ifndef TRACER_RESOLVE_H
#define TRACER_RESOLVE_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/str.h"

struct tracer;

/* Whose view of the file system. */
struct viewer {
	pid_t pid; /* thread group: /proc/self */
	pid_t tid; /* thread: /proc/thread-self, its own fd table and cwd */
	/* whose own processes are nobody's to look into; NULL in tests */
	const struct tracer *tracer;
};

/* The error for what leads into a process of ours: no path has it otherwise. */
#define RESOLVE_CLOSED ENOMEDIUM

enum resolve_flags {
	RESOLVE_NOFOLLOW = 1 << 0, /* a link as last component is the object */
	RESOLVE_DIR = 1 << 1,      /* must be a directory */
};

/*
 * dirfd: the caller's number or AT_FDCWD. how_resolve: RESOLVE_* of the
 * caller's openat2, 0 otherwise. Return: fd (owned) or -errno, the error that
 * the caller would get.
 */
int resolve_object(const struct viewer *v, int dirfd, const char *path,
		   unsigned int flags, uint64_t how_resolve);

/*
 * The same in two steps, so that the base serves resolve_name_at too. *ret_fd:
 * where a relative path starts (owned), -1 for an absolute one.
 */
int resolve_base(const struct viewer *v, int dirfd, const char *path,
		 int *ret_fd);
/* How an object was found, and what fstat says of it. */
struct resolved {
	/* No link was followed: the object's path is the path as named,
	 * cleaned. */
	bool plain;
	struct stat st; /* if plain */
};
int resolve_object_at(const struct viewer *v, int base, const char *path,
		      unsigned int flags, uint64_t how_resolve,
		      struct resolved *ret_how);

/*
 * The directory that holds (or would hold) the last component. last: room for
 * NAME_MAX + 1. A last component of "." or ".." or an empty one ("/") gives
 * -EISDIR. Trailing slashes set *ret_slash.
 */
int resolve_parent(const struct viewer *v, int dirfd, const char *path,
		   uint64_t how_resolve, char *last, bool *ret_slash);

/* The same, relative to a directory that we hold (borrowed). */
int resolve_parent_at(const struct viewer *v, int base, const char *path,
		      uint64_t how_resolve, char *last, bool *ret_slash);

/* O_PATH of the caller's descriptor (the object, links not followed). */
int resolve_fd(const struct viewer *v, int fd);

/*
 * The path as the caller named it, absolute, cleaned lexically; for judging
 * by name as well and for the record. 0 or -errno.
 */
int resolve_name(const struct viewer *v, int dirfd, const char *path,
		 struct buf *out);
int resolve_name_at(int base, const char *path, struct buf *out);

#endif
