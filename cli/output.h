/* SPDX-License-Identifier: MIT */
/*
 * output.h - what the user sees: errors, JSON, colours
 *
 * Results go to stdout, everything else to stderr. Colours only on a terminal
 * and not when NO_COLOR is set or TERM is "dumb".
 */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include <stdbool.h>

#include "base/diag.h"
#include "base/json.h"
#include "base/str.h"

/* One line on stderr. Return: 1, the exit status, so `return fail(...)`. */
int fail(const char *fmt, ...) _printf_(1, 2);
/* "text: strerror(-r)" on stderr. Return: 1. */
int fail_errno(int r, const char *fmt, ...) _printf_(2, 3);
/* "agentsh: hint: text" on stderr, behind what failed: what would mend it. */
void hint(const char *fmt, ...) _printf_(1, 2);

/*
 * Writes all of s to fd 1 or 2. A reader that went away (EPIPE) is not an
 * error worth a message. Return: 0 or -errno.
 */
int out_write(int fd, struct str s);
/* Writes b to stdout. Return: the exit status (0, or 1 if it could not). */
int out_buf(const struct buf *b);
/*
 * Writes b to the file path, replacing it at once, and says so ("WHAT written to
 * PATH"); to stdout when path is "". Prints. Return: the exit status.
 */
int out_file(const char *path, const char *what, const struct buf *b);
int out_line(const char *fmt, ...) _printf_(1, 2);

/*
 * --json of a verb that prints lines: from out_collect() on, nothing is printed;
 * out_collected() prints what was, as one object: {"command": NAME, "status":
 * STATUS, "output": [lines of stdout], "messages": [lines of stderr]}. Where
 * stdout holds one JSON document, that is printed as it is, and the messages to
 * stderr. For the one thread that prints. Return: the exit status.
 */
void out_collect(void);
bool out_is_collecting(void);
int out_collected(const char *name, int status);

/* Copies a parsed value into w; object order is kept. */
void json_copy(struct json_writer *w, const struct json *v);
/*
 * text (one JSON document) on stdout, indented by two spaces. What does not
 * parse is printed as it came. Return: the exit status.
 */
int out_json(struct str text);
/* Same for a tree. */
int out_json_tree(const struct json *v);

/* "\033[31m" and the like, or "" when stdout is not a terminal. */
enum colour {
	COLOUR_OFF = 0,
	COLOUR_RED,
	COLOUR_GREEN,
	COLOUR_YELLOW,
	COLOUR_BOLD,
	COLOUR_DIM
};
const char *colour(enum colour c);

/* All messages of d on stderr. */
void out_diag(const struct diag *d);

#endif
