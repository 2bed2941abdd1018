/* SPDX-License-Identifier: MIT */
/*
 * names.h - which names an address was given out for by the DNS stub
 *
 * So that a connection which the command makes by itself can be judged by the
 * name it looked up. Bounded: the oldest entry goes first.
 */
#ifndef NETPROXY_NAMES_H
#define NETPROXY_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/str.h"

#define NAMES_MAX 1024

struct name_entry {
	struct addr addr;
	char *host; /* owned; canonical */
};

struct names {
	struct name_entry entries[NAMES_MAX];
	size_t n, next; /* next: where the newest goes */
};

/* -ENOMEM: not learned, so not connectable. */
int names_add(struct names *s, const struct addr *a, struct str host);
bool names_has(const struct names *s, const struct addr *a, struct str host);
/* The i-th name of an address, newest first; NULL past the last. */
const char *names_get(const struct names *s, const struct addr *a, size_t i);
void names_done(struct names *s);

#endif
