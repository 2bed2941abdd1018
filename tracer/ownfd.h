/* SPDX-License-Identifier: MIT */
/*
 * ownfd.h - our own descriptors by name: path of one, and opening it anew
 *
 * What "/proc/self/fd/N" does, with the directory held open: three components
 * less to walk for each of the two look-ups that every notified open makes.
 */
#ifndef TRACER_OWNFD_H
#define TRACER_OWNFD_H

#include <sys/stat.h>
#include <sys/types.h>

#include "base/str.h"

/* Appends the kernel's name of the object. 0 or -errno. */
int ownfd_path(int fd, struct buf *out);
/* A new descriptor of the object that fd holds (O_PATH), or -errno. */
int ownfd_open(int fd, int flags, mode_t mode);
/*
 * What never changes of the object: file system, number, type, device. Modes,
 * owner and sizes may be of a moment ago where another process serves the file
 * system: that one is not asked. 0 or -errno.
 */
int ownfd_look(int fd, struct stat *ret);
void ownfd_from_statx(const struct statx *sx, struct stat *ret);
/* In a forked child: the directory held is the parent's, whose numbers do not
 * stay what they were. From here on by the long way. */
void ownfd_forked(void);

#endif
