/* SPDX-License-Identifier: MIT */
/*
 * tarball.h - regular files in a .tar.gz (POSIX ustar, over zlib)
 *
 * Only what a backup needs: names of at most 100 bytes, no links, no
 * directories. The reader trusts nothing it reads.
 */
#ifndef CLI_TARBALL_H
#define CLI_TARBALL_H

#include <stdint.h>

#include "base/str.h"

struct tarball;

#define TARBALL_NAME_MAX 100

/* Takes fd in every case. Return: 0 or -errno. */
int tarball_create(int fd, struct tarball **ret);
/* The whole of a regular file, read from its start. -EOVERFLOW over 64 GiB. */
int tarball_add(struct tarball *t, const char *name, int from_fd);
/* Ends the archive. 0 or the first error of all calls; frees t. */
int tarball_finish(struct tarball *t);

/* Takes fd in every case. */
int tarball_open(int fd, struct tarball **ret);
/*
 * The next regular file. Return: 1; 0 at the end; -EBADMSG (not a tar archive,
 * damaged, cut short, or with an entry of another kind); -errno.
 */
int tarball_next(struct tarball *t, char name[TARBALL_NAME_MAX + 1],
		 uint64_t *ret_size);
/* The current file's bytes to to_fd; -1 reads them and drops them. */
int tarball_extract(struct tarball *t, int to_fd);
/* NULL is a no-op. */
struct tarball *tarball_close(struct tarball *t);

#endif
