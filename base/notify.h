/* SPDX-License-Identifier: MIT */
/*
 * notify.h - a program says to what started it that it is ready
 *
 * The service managers' protocol, sd_notify(3): the starter puts the name of a
 * datagram socket into $NOTIFY_SOCKET, the program sends "READY=1" there. It is
 * a hint to look again: anybody in this network namespace may send one.
 */
#ifndef BASE_NOTIFY_H
#define BASE_NOTIFY_H

#include <stdint.h>

#include "base/str.h"

/*
 * Takes $NOTIFY_SOCKET out of the environment, which what this process starts
 * would inherit: *ret_name gets it, or nothing. Not thread-safe (setenv(3)).
 */
void notify_take(struct buf *ret_name);
/*
 * Sends READY=1 to the socket of that name (a path, or '@' and an abstract
 * name). Return: 1 sent, 0 the name is empty, or -errno.
 */
int notify_ready(struct str name);
/*
 * A socket for a program that is about to be started; *ret_name gets what
 * $NOTIFY_SOCKET must hold for it. Return: fd (CLOEXEC, non-blocking) or -errno.
 */
int notify_open(struct buf *ret_name);
/*
 * Waits timeout_ns at most for what comes to the socket of notify_open(), and
 * takes it. Return: 1 something came, 0 time is up or a signal, -errno.
 */
int notify_wait(int fd, int64_t timeout_ns);

#endif
