/* SPDX-License-Identifier: MIT */
/*
 * grant.h - what the floor may let through, as data
 *
 * policy/ derives a list of these from its rules; confine/ turns them into a
 * Landlock ruleset for whatever ABI the kernel has. A grant set is a superset
 * of the policy: what it leaves out is denied by the kernel, what it grants is
 * still judged by the catchers.
 */
#ifndef CORE_GRANT_H
#define CORE_GRANT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/vec.h"

enum grant_access {
	GRANT_READ = 1 << 0,   /* read files, list directories */
	GRANT_WRITE = 1 << 1,  /* write, truncate existing files */
	GRANT_CREATE = 1 << 2, /* make files, dirs, links, fifos, sockets */
	GRANT_REMOVE = 1 << 3, /* unlink, rmdir, rename away */
	GRANT_EXECUTE = 1 << 4,
	GRANT_IOCTL = 1 << 5,  /* device ioctls */
	GRANT_DEVICE = 1 << 6, /* mknod of devices */
};

#define GRANT_RW (GRANT_READ | GRANT_WRITE | GRANT_CREATE | GRANT_REMOVE)

struct fs_grant {
	char *path; /* owned; absolute; a file or the top of a tree */
	uint32_t access;
	/*
	 * Path is a directory of which only the named entries are granted
	 * (denied leaves left out): expand at set-up time by listing it.
	 */
	bool expand;
	bool inside; /* granted although it is, or is in, a hole */
};

struct grant_set {
	VEC(struct fs_grant) fs;
	/* owned; absolute paths that no grant may cover, however they are
	 * reached: denied inside granted trees */
	VEC(char *) holes;
	/* so many of the holes, the first ones, must not be read at all; what
	 * the others deny is of no use to a reader */
	size_t n_unread;
	/* Whoever builds it leaves all that is held back inside a tree to the
	 * catchers, who see every open: grant_set_add_hole() adds nothing. */
	bool no_holes;
	bool tcp_connect_any, tcp_bind_any;
	VEC(uint16_t) tcp_connect_ports, tcp_bind_ports;
};

/*
 * path is copied; access of a path that is there with the same expand is
 * added to it. 0, -EINVAL (not absolute), -ENOMEM.
 */
int grant_set_add(struct grant_set *g, const char *path, uint32_t access,
		  bool expand);
/* Likewise; once each. */
int grant_set_add_hole(struct grant_set *g, const char *path);
void grant_set_done(struct grant_set *g);

#endif
