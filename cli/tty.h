/* SPDX-License-Identifier: MIT */
/*
 * tty.h - a pseudo-terminal for a command, and our own terminal in raw mode
 */
#ifndef CLI_TTY_H
#define CLI_TTY_H

#include <stdbool.h>
#include <termios.h>

/*
 * A pair whose slave has the size and modes of our terminal `like` (or the
 * defaults when that is none). *ret_master is non-blocking. 0 or -errno.
 */
int tty_pair(int like, int *ret_master, int *ret_slave);
/* Copies the window size. */
void tty_copy_size(int from, int to);

/* Our own terminal. Zeroed = not raw. */
struct tty_raw {
	int fd;
	bool active;
	struct termios saved;
};

/* 0 or -errno; nothing to undo on failure. */
int tty_raw_enter(struct tty_raw *t, int fd);
/* Puts everything back; harmless when not raw. */
void tty_raw_leave(struct tty_raw *t);
/* True if fd is a terminal and we are in its foreground. */
bool tty_is_ours(int fd);

#endif
