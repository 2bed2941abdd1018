/* SPDX-License-Identifier: MIT */
/*
 * selffd.h - what a descriptor of ours is called, and opening it anew
 */
#ifndef VFS_SELFFD_H
#define VFS_SELFFD_H

#include "base/str.h"

/*
 * Once, before there are threads. Without it, or when it fails, everything
 * goes the long way: three components to walk for each look-up.
 */
void selffd_start(void);

/* Appends the kernel's name of the object: as path_of_fd(). */
int selffd_path(int fd, struct buf *out);
/* A new descriptor (CLOEXEC, NONBLOCK) of the object, or -errno. */
int selffd_open(int fd, int flags);

#endif
