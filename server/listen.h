/* SPDX-License-Identifier: MIT */
/*
 * listen.h - listening sockets
 */
#ifndef SERVER_LISTEN_H
#define SERVER_LISTEN_H

#include "server/app.h"

/* TCP; *ret_port is the port in use. fd or -errno. */
int listen_tcp(const char *host, uint16_t port, uint16_t *ret_port);
/* Replaces a stale socket. fd or -errno. */
int listen_unix(const char *path, mode_t mode);

#endif
