/* SPDX-License-Identifier: MIT */
/*
 * ports.h - the ports of this host that belong to sessions' proxies
 *
 * A session's proxy listens on loopback, which other sessions may talk to. It
 * would let them out by its own session's policy: so those ports are closed to
 * all commands but the session's. The server keeps one set for all, in memory
 * that its workers read; a session that comes or goes is seen at once.
 *
 * Writer: the server alone. Readers: any process that was given the descriptor.
 */
#ifndef CORE_PORTS_H
#define CORE_PORTS_H

#include <stdbool.h>
#include <stdint.h>

struct ports;

/* The server's: memory that nobody else can write to. *ret_fd is owned by the
 * caller, as *ret is. 0 or -errno. */
int ports_create(int *ret_fd, struct ports **ret);
/* Maps it for reading; fd is borrowed. -EBADMSG: not of this kind. */
int ports_map(int fd, const struct ports **ret);
/* NULL is a no-op; returns NULL. */
struct ports *ports_unmap(const struct ports *p);

/* 0 is no port. NULL: nothing happens. */
void ports_set(struct ports *p, uint16_t port, bool taken);
bool ports_has(const struct ports *p, uint16_t port);

#endif
