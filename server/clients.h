/* SPDX-License-Identifier: MIT */
/*
 * clients.h - which command a local port of a connection belongs to
 *
 * The proxy sees ports, the tracer sees whose sockets they are. A small table
 * of what was said last; an entry that another took the place of is not known.
 */
#ifndef SERVER_CLIENTS_H
#define SERVER_CLIENTS_H

#include "core/event.h"

struct clients;

/* Notes what a tracer's event "net_client" says. *c is made when it is NULL;
 * without memory nothing is noted. */
void clients_note(struct clients **c, const struct event *e);
/* The command of a proxy's event, by its fields client_port and transport, or
 * none. Valid until the next clients_note(). */
struct str clients_find(const struct clients *c, const struct event *e);

#endif
