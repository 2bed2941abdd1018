/* SPDX-License-Identifier: MIT */
/*
 * shield.h - what this process may still do once it reads what commands send
 */
#ifndef NETPROXY_SHIELD_H
#define NETPROXY_SHIELD_H

#include <stdbool.h>

#include "base/str.h"

struct shield {
	const char *write_dir;  /* what is written down, NULL = nothing */
	const char *stored_dir; /* bodies of all sessions, or NULL */
	const char *ca;         /* certificates to trust; file or directory */
};

/*
 * For good: no capability (bounding set too), no_new_privs, a Landlock domain
 * (reads resolver and trust configuration, writes below the two directories,
 * binds no TCP port) and a system call filter: no program is started, no other
 * process touched, no socket but TCP, UDP and unix, none that listens. Listeners,
 * namespaces and secrets are there already; threads of later share it.
 * 0; -errno: capabilities or no_new_privs stayed. What the kernel lacks of the
 * rest is left out and named in ret_missing.
 */
int shield_raise(const struct shield *s, struct buf *ret_missing);

#endif
