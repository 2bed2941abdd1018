/* SPDX-License-Identifier: MIT */
/*
 * session.h - the mount, the connection to the kernel, the request threads
 */
#ifndef VFS_SESSION_H
#define VFS_SESSION_H

#include <stdbool.h>

struct inode;
struct vfs;
struct session;

/*
 * Enters a new mount namespace (settings.mount_point NULL), with v->mnt_ns set, and
 * shows the mount below settings.mount_base. Before the workspace is opened: what
 * is opened outside has, in a chroot, no path in there. -errno.
 */
int session_open(struct vfs *v, struct session **ret);
/*
 * Mounts over v->workspace, or at the mount point, and negotiates. Whoever is not
 * root enters the namespace only here. -errno: close it.
 */
int session_mount(struct session *s);
/* Starts the threads. */
int session_start(struct session *s);
/* Unmounts and joins the threads; NULL is a no-op. Then still to be closed. */
void session_end(struct session *s);
/* Unmounts, joins the threads. NULL is a no-op; returns NULL. */
struct session *session_close(struct session *s);

/* The calling request thread will wait: another one takes the next request.
 * May be nested in nothing else. */
void session_block(struct session *s);
void session_unblock(struct session *s);

/* Where the host sees the mount, too; NULL. */
const char *session_shown(const struct session *s);
int session_dev_fd(const struct session *s);
/* Opens may be passed through to the backing file. */
bool session_passthrough(const struct session *s);
void session_no_passthrough(struct session *s);
/* What follows may wait for directories' locks: call it with none of ours. */
/* The kernel asks again for every name (new policy). */
void session_invalidate(struct session *s);
/* It can be told to ask again for a name and keep what uses it (6.2). */
bool session_expires(const struct session *s);
void session_expire_entry(struct session *s, const struct inode *parent,
			  const char *name);
void session_expire_attr(struct session *s, const struct inode *i);

#endif
