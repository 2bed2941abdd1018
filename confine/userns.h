/* SPDX-License-Identifier: MIT */
/*
 * userns.h - a user namespace for those who are not root, and entering others
 */
#ifndef CONFINE_USERNS_H
#define CONFINE_USERNS_H

/*
 * Leaves for a new user namespace together with the namespaces of clone_flags
 * (CLONE_NEWNET, CLONE_NEWNS, ...), with all capabilities in them. Only the own
 * uid and gid have a name there: what others own looks like nobody's. The
 * process becomes dumpable. One thread only (unshare(2)). 0 or -errno: EPERM and
 * ENOSPC where the host forbids it.
 */
int userns_unshare(int clone_flags);

/*
 * Enters the mount namespace `ns`, below the directory `root` (O_PATH, opened in
 * there). setns(2) alone makes the namespace's own root ours: a process in a
 * chroot would be out of it. The working directory becomes `root`. Needs
 * CAP_SYS_ADMIN and CAP_SYS_CHROOT; one thread only. 0 or -errno, and then the
 * caller must not go on.
 */
int mountns_enter(int ns, int root);

#endif
