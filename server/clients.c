/* SPDX-License-Identifier: MIT */
/*
 * clients.c - which command a local port of a connection belongs to
 */
#include "server/clients.h"

#include <stdlib.h>
#include <string.h>

#define PLACES      2048
#define COMMAND_MAX 64

struct clients {
	struct client {
		uint16_t port;
		bool udp;
		uint8_t n; /* bytes of command; 0 = free */
		char command[COMMAND_MAX];
	} places[PLACES];
};

static bool key_of(const struct event *e, uint16_t *ret_port, bool *ret_udp)
{
	bool found = false;

	*ret_udp = false;
	for (size_t i = 0; i < e->n_fields; i++) {
		const struct event_field *f = &e->fields[i];

		if (strcmp(f->key, "client_port") == 0 && f->num > 0 &&
		    f->num <= UINT16_MAX) {
			*ret_port = (uint16_t)f->num;
			found = true;
		} else if (strcmp(f->key, "transport") == 0) {
			*ret_udp = str_eq(f->str, STR("udp"));
		}
	}
	return found;
}

static size_t place_of(uint16_t port, bool udp)
{
	return (port * 2U + udp) % PLACES;
}

void clients_note(struct clients **c, const struct event *e)
{
	struct client *p;
	uint16_t port;
	bool udp;

	if (!key_of(e, &port, &udp) || e->command_id.n == 0 ||
	    e->command_id.n > COMMAND_MAX)
		return;
	if (!*c)
		*c = calloc(1, sizeof(**c));
	if (!*c)
		return;
	p = &(*c)->places[place_of(port, udp)];
	p->port = port;
	p->udp = udp;
	p->n = (uint8_t)e->command_id.n;
	memcpy(p->command, e->command_id.p, e->command_id.n);
}

struct str clients_find(const struct clients *c, const struct event *e)
{
	const struct client *p;
	uint16_t port;
	bool udp;

	if (!c || !key_of(e, &port, &udp))
		return STR_NONE;
	p = &c->places[place_of(port, udp)];
	if (!p->n || p->port != port || p->udp != udp)
		return STR_NONE;
	return str_from_n(p->command, p->n);
}
