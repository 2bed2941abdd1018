/* SPDX-License-Identifier: MIT */
/*
 * rendezvous.h - where local clients find the server that serves a TCP port
 *
 * The server listens on a unix socket (0600, in a directory of mode 0700)
 * whose path follows from the port of its HTTP address alone, so that a client
 * that knows the URL knows the socket. Candidates, first that works:
 *
 *	$AGENTSH_RUNTIME_DIR/http-PORT.sock     (then it is the only one)
 *	/run/agentsh/http-PORT.sock             uid 0
 *	$XDG_RUNTIME_DIR/agentsh/http-PORT.sock other users
 *	/tmp/agentsh-UID/http-PORT.sock
 *
 * A directory that belongs to someone else, or that others may write to, is
 * never used by either side; nor is a socket of a session's command.
 */
#ifndef BASE_RENDEZVOUS_H
#define BASE_RENDEZVOUS_H

#include <stdint.h>

#include "base/str.h"

/*
 * The i-th candidate path (from 0) replaces what out holds.
 * Return: 0, -ENOENT past the last one, -ENOMEM.
 */
int rendezvous_path(unsigned int i, uint16_t port, struct buf *out);
/*
 * Connects to the server of this port. Return: fd (CLOEXEC, blocking) or
 * -errno; -ENOENT/-ECONNREFUSED: nobody there, use TCP.
 */
int rendezvous_connect(uint16_t port);
/*
 * Whoever listens on the other end of a connected unix socket is no command of a
 * session, which would be handed our terminal. 0, -EPERM or -errno.
 */
int rendezvous_check_server(int fd);
/*
 * Makes the directory, removes a stale socket, binds and listens; *ret_path
 * gets the path. Return: fd (CLOEXEC, non-blocking) or -errno; -EADDRINUSE
 * when another server is alive there.
 */
int rendezvous_listen(uint16_t port, struct buf *ret_path);

#endif
