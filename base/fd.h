/* SPDX-License-Identifier: MIT */
/*
 * fd.h - descriptors: full reads and writes, passing, small files
 *
 * Every descriptor made here is CLOEXEC. Errors are negative errno. A program
 * that writes to pipes ignores SIGPIPE; sockets never raise it here.
 */
#ifndef BASE_FD_H
#define BASE_FD_H

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/cleanup.h"
#include "base/str.h"

/* Reads until n bytes or EOF. Return: bytes read or -errno. */
ssize_t fd_read_full(int fd, void *p, size_t n);
/* Writes all n bytes. Return: 0 or -errno. */
int fd_write_full(int fd, const void *p, size_t n);
int fd_set_nonblock(int fd, bool on);
int fd_set_cloexec(int fd, bool on);
/* Appends the whole of fd/file to b, at most max bytes (-EFBIG beyond). */
int fd_read_all(int fd, size_t max, struct buf *b);
int fd_read_file(int dirfd, const char *path, size_t max, struct buf *b);
/*
 * Replaces path atomically (temporary file beside it, fsync, rename).
 * mode is used for a new file.
 */
int fd_write_file_atomic(int dirfd, const char *path, struct str data,
			 mode_t mode);
/*
 * Opens the directory for readdir(); name may be ".", a link as its last
 * component is refused. *ret_dir is the caller's. Return: 0 or -errno.
 */
int fd_opendir(int dirfd, const char *name, DIR **ret_dir);
/* mkdir -p; existing directories are fine. */
int fd_mkdirs(const char *path, mode_t mode);

#define FD_PASS_MAX 16

/*
 * One datagram/segment with up to FD_PASS_MAX descriptors (borrowed).
 * Return: bytes sent or -errno.
 */
ssize_t fd_send(int sock, const void *p, size_t n, const int *fds, size_t n_fds,
		int flags);
/*
 * Receives into p and fds (owned by the caller, CLOEXEC); *n_fds is in: room,
 * out: received. Descriptors that do not fit are closed and give -EMSGSIZE, as
 * does a truncated datagram. Return: bytes (0 = EOF) or -errno.
 */
ssize_t fd_recv(int sock, void *p, size_t n, int *fds, size_t *n_fds,
		int flags);

/*
 * Sealed memfd holding data (SHRINK|GROW|WRITE|SEAL), for handing immutable
 * bytes to another process. Return: fd or -errno.
 */
int fd_sealed_memfd(const char *name, struct str data);

#endif
