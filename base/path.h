/* SPDX-License-Identifier: MIT */
/*
 * path.h - paths: lexical cleaning, safe opening beneath a directory
 */
#ifndef BASE_PATH_H
#define BASE_PATH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

/*
 * Lexically cleans an absolute path into out: collapses // and /./, resolves
 * /../ without looking at the file system, drops a trailing slash. For
 * patterns and messages only: what the kernel would open is path_of_fd().
 * Return: 0, -EINVAL if not absolute, -ENAMETOOLONG.
 */
int path_clean(struct str path, struct buf *out);
/* path_clean(dir + "/" + path), or of path itself when it is absolute; up to
 * PATH_FAR_MAX. */
int path_join(struct str dir, struct str path, struct buf *out);
/*
 * The kernel's name of an open fd (readlink /proc/self/fd/N): absolute and
 * free of symlinks, "... (deleted)" kept as it is. Appends to out.
 * Return: 0 or -errno.
 */
int path_of_fd(int fd, struct buf *out);
/* Appends what the symbolic link says. 0, -ENAMETOOLONG or another -errno. */
int path_of_link(int dirfd, const char *name, struct buf *out);
/* Longest path that is made here: a far directory and a path below it. */
#define PATH_FAR_MAX (3 * 4096)
/*
 * The same of a directory that may be further away than PATH_MAX, where
 * path_of_fd() says -ENAMETOOLONG. Slow; -ENAMETOOLONG when it cannot be told
 * (directories that may not be read, a rename meanwhile).
 */
int path_of_far_dir(int fd, struct buf *out);
/* True if path equals dir or lies below it; both clean and absolute. */
bool path_beneath(struct str path, struct str dir);
/*
 * openat2 with RESOLVE_BENEATH|RESOLVE_NO_MAGICLINKS; falls back to a
 * component walk with O_NOFOLLOW on kernels before 5.6.
 * Return: fd (CLOEXEC) or -errno (-EXDEV = left dirfd).
 */
int path_open_beneath(int dirfd, const char *path, int flags, unsigned mode);

#endif
