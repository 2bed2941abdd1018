/* SPDX-License-Identifier: MIT */
/*
 * shim_install.h - putting the shim where the shells are, and taking it away
 */
#ifndef CLI_SHIM_INSTALL_H
#define CLI_SHIM_INSTALL_H

#include <stdbool.h>
#include <sys/stat.h>

#include "base/str.h"
#include "base/vec.h"

#define SHIM_BYTES_MAX ((size_t)64 << 20)

/* A root file system; paths in it never lead out of it. */
struct shim_root {
	const char *text; /* as given; borrowed */
	int fd, bin;      /* owned; bin = -1: there is no /bin in it */
	bool host;        /* it is this host's own "/" */
};

void shim_root_close(struct shim_root *r);
#define _cleanup_shim_root_ _cleanup_(shim_root_close)
/* Return: 0 or -errno. */
int shim_root_open(const char *text, struct shim_root *ret);
/* "/bin/sh" below the root as it is shown, e.g. "/srv/img/bin/sh.real". */
void shim_root_path(const struct shim_root *r, const char *name,
		    const char *suffix, struct buf *out);

struct shim_file {
	bool exists;
	struct stat st;
	struct buf link; /* what a symbolic link says */
};

/* What stands at /bin/NAME and /bin/NAME.real now. */
struct shim_place {
	const char *name;
	struct shim_file target, real;
	bool matches; /* the target is these very bytes */
	bool is_shim; /* it is a shim, perhaps another version's */
};

void shim_place_done(struct shim_place *p);
#define _cleanup_shim_place_ _cleanup_(shim_place_done)
/* shim: the bytes to compare with; empty = none. Return: 0 or -errno. */
int shim_place_look(const struct shim_root *r, const char *name,
		    struct str shim, struct shim_place *ret);
/* missing, installed, not_installed or partial_missing_real. */
const char *shim_place_state(const struct shim_place *p);
/* True if these bytes are a shim of some version. */
bool shim_is_shim(struct str bytes);

struct shim_action {
	const char *op; /* rename, write, remove, skip, note */
	char *path, *from, *to, *note;
};

/* What was done, or would be done when dry is set. */
struct shim_plan {
	bool dry;
	VEC(struct shim_action) actions;
};

void shim_plan_done(struct shim_plan *p);
/* Records a step; NULL for what it does not have. 0 or -ENOMEM. */
int shim_plan_add(struct shim_plan *p, const char *op, const char *path,
		  const char *note);
/*
 * One shell. At every moment between the steps the target is a shell or the
 * shim, and the shim is there only while its real shell is: stopping anywhere
 * leaves a working system, and running again finishes the work.
 * Return: 0 or -errno, with what failed in error.
 */
int shim_install_one(const struct shim_root *r, const char *name,
		     const struct buf *shim, struct shim_plan *plan,
		     struct buf *error);
int shim_uninstall_one(const struct shim_root *r, const char *name,
		       struct shim_plan *plan, struct buf *error);
/* force in /etc/agentsh/shim.conf of the root. check: only whether it could. */
int shim_install_conf(const struct shim_root *r, bool force, bool check,
		      struct shim_plan *plan, struct buf *error);

#endif
