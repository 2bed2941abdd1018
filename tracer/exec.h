/* SPDX-License-Identifier: MIT */
/*
 * exec.h - what one execve is about; private to decode_exec.c and the files
 * exec_*.c, programs.c
 */
#ifndef TRACER_EXEC_H
#define TRACER_EXEC_H

#include <sys/stat.h>

#include "base/arena.h"
#include "base/str.h"
#include "tracer/copies.h"
#include "tracer/notify.h"
#include "tracer/proctab.h"
#include "tracer/resolve.h"

#define EXEC_MAX_NAMES 16

/* Strings live in the arena. */
struct exec {
	struct arena arena;
	struct viewer viewer;
	struct copies *copies; /* borrowed */
	struct str raw;        /* as given; "" for an empty path */
	struct str path; /* of the file; of the interpreter in a script's */
	struct str names[EXEC_MAX_NAMES];
	size_t n_names;
	struct str *argv;
	size_t argc;
	bool truncated, denied_content;
	int fd; /* owned: O_PATH of the file */
	/* the last interpreter of a script, or what a loader loads; n == 0 if
	 * there is neither */
	struct str interp;
	const struct str *interp_argv;
	size_t interp_argc;
	bool interp_denied; /* one of them, by its content */
	bool loader;        /* something on the way was a dynamic loader */
	/* what /proc/PID/exe and cmdline will say */
	struct str image;
	const struct str *image_argv;
	size_t image_argc;
	struct stat image_st; /* of the file, before it was run */
	bool known;           /* by its name: see programs.h */
};

#define EXEC_ARENA_MAX (8U << 20)
/* Frees what x owns. */
void exec_done(struct exec *x);

/* A copy that lasts as long as x. */
struct str exec_keep(struct exec *x, struct str s);
void exec_add_name(struct exec *x, struct str name);

/* What /proc/PID/exe (its name, the file) and cmdline will say. */
struct image_id exec_image_id(struct str path, const struct stat *st,
			      const struct str *argv, size_t argc);

/* Process table entry of the caller, made if it is new; NULL: it is gone. */
struct proc_entry *exec_entry(struct request *q);

/*
 * From x->fd to what the kernel will run for it: interpreters of scripts, and
 * what dynamic loaders are told to load. 0 or -errno.
 */
int exec_follow(struct exec *x);

#endif
