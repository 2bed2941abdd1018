/* SPDX-License-Identifier: MIT */
/*
 * matrix.h - every call on every kind of object: one printed line per case
 *
 * posix-matrix DIR [EVERY-NTH [prepare UID | act]] runs in an empty directory
 * and prints what the file system answers, free of anything that differs between
 * two directories of one kind: its output on the mount must equal that on the
 * plain directory. EVERY-NTH 0: the tables not at all, only what comes once.
 */
#ifndef SUITES_MATRIX_H
#define SUITES_MATRIX_H

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

enum thing { /* what a name refers to */
	NOTHING,
	FILE_,
	EMPTY_FILE,
	DIR_,
	FULL_DIR,
	LINK_FILE,
	LINK_DIR,
	LINK_NONE,
	LINK_LOOP,
	FIFO_,
	SOCKET_,
	CHAR_,
	THINGS,
};

extern const char *const thing_names[THINGS];

/* Makes `name` a thing of this kind; with old times. */
void thing_make(const char *name, enum thing t);
/* Removes it whatever it is, with all below. */
void thing_clear(const char *name);

/* The error's name, or "ok". */
const char *err(long r);

/* Before and after: what changed of a path. */
struct before {
	bool there;
	struct stat st;
};
void look(const char *path, struct before *b);
/* Appends " NAME:..." to the case's line. */
void changes(const char *label, const char *path, const struct before *b);

void line(const char *format, ...) __attribute__((format(printf, 1, 2)));
void line_end(void);

/* True for cases that this run leaves out. */
bool left_out(void);
/* Waits for the file system's clock to move on. */
void tick(void);

void matrix_single(void);
void matrix_pair(void);
void matrix_cred(void);
/* owner: the trees are made, with files of this user; NULL: acts on them. */
void matrix_as(const char *owner);
void matrix_fd(void);
void matrix_misc(void);
void matrix_attr(void);
void matrix_io(void);
void matrix_lock(void);
void matrix_args(void);
void matrix_more(void);
void matrix_data(void);
void matrix_users(void);
void matrix_random(void);

#endif
