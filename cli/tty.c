/* SPDX-License-Identifier: MIT */
/*
 * tty.c - a pseudo-terminal for a command, and our own terminal in raw mode
 */
#include "cli/tty.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>

#include "base/fd.h"

void tty_copy_size(int from, int to)
{
	struct winsize size;

	if (ioctl(from, TIOCGWINSZ, &size) == 0)
		(void)ioctl(to, TIOCSWINSZ, &size);
}

int tty_pair(int like, int *ret_master, int *ret_slave)
{
	_cleanup_close_ int master = -1, slave = -1;
	struct winsize size = { .ws_row = 24, .ws_col = 80 };
	struct termios modes;
	char name[64];

	master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (master < 0)
		return -errno;
	if (grantpt(master) < 0 || unlockpt(master) < 0 ||
	    ptsname_r(master, name, sizeof(name)) != 0)
		return -errno;
	slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0)
		return -errno;
	(void)ioctl(like, TIOCGWINSZ, &size);
	(void)ioctl(master, TIOCSWINSZ, &size);
	if (tcgetattr(like, &modes) == 0)
		(void)tcsetattr(slave, TCSANOW, &modes);
	if (fd_set_nonblock(master, true) < 0)
		return -errno;
	*ret_master = TAKE_FD(master);
	*ret_slave = TAKE_FD(slave);
	return 0;
}

bool tty_is_ours(int fd)
{
	return isatty(fd) && tcgetpgrp(fd) == getpgrp();
}

int tty_raw_enter(struct tty_raw *t, int fd)
{
	struct termios raw;

	if (t->active)
		return 0;
	if (tcgetattr(fd, &t->saved) < 0)
		return -errno;
	raw = t->saved;
	cfmakeraw(&raw);
	if (tcsetattr(fd, TCSADRAIN, &raw) < 0)
		return -errno;
	t->fd = fd;
	t->active = true;
	return 0;
}

void tty_raw_leave(struct tty_raw *t)
{
	if (t->active)
		(void)tcsetattr(t->fd, TCSADRAIN, &t->saved);
	t->active = false;
}
