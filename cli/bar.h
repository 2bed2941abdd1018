/* SPDX-License-Identifier: MIT */
/*
 * bar.h - a progress bar for what takes longer than a second
 *
 * On standard error, and only if that is a terminal that can go back to the
 * start of a line (TERM is not "dumb"); never with --json or --quiet. It has no
 * colours. Work reports through base/progress.h. One bar at a time, one thread.
 */
#ifndef CLI_BAR_H
#define CLI_BAR_H

#include <stdint.h>

struct cli;

enum bar_unit {
	BAR_COUNT = 0, /* "12 of 345 entries" */
	BAR_BYTES,     /* "1.2 of 34.5 MB" */
};

/* what: "purging"; of: "entries", unused for bytes; borrowed, until bar_end(). */
void bar_begin(const struct cli *c, const char *what, const char *of,
	       enum bar_unit unit);
/* Takes it off the screen for what is printed now; it may come back. */
void bar_hide(void);
/* It is over. Harmless when there is none. */
void bar_end(void);

/* The line for a terminal of so many columns, without its end; for tests. */
struct buf;
void bar_format(struct buf *out, const char *what, const char *of,
		enum bar_unit unit, uint64_t done, uint64_t total,
		unsigned int columns);

#endif
