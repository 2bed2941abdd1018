/* SPDX-License-Identifier: MIT */
/*
 * swap.h - phantoms become secrets on the way out, and back on the way in
 */
#ifndef NETPROXY_SWAP_H
#define NETPROXY_SWAP_H

#include <stdbool.h>

#include "base/str.h"

/* Appends s with every `from` replaced by `to`. Return: how many. */
size_t swap_text(struct str s, struct str from, struct str to, struct buf *out);

/* True for a header field that carries a credential. */
bool swap_is_credential_field(struct str name);
/* A parameter of a URL that carries a credential, such as "key". */
bool swap_is_credential_parameter(struct str name);
/*
 * The value of a header field with the phantom replaced, also inside of
 * "Basic ..."; appended to out. Return: 1 replaced, 0 nothing to replace.
 */
int swap_header(struct str value, struct str phantom, struct str real,
		struct buf *out);
/* True if the query of path has a parameter that carries a credential (token,
 * access_token, api_key, ...) and is not the phantom. */
bool swap_foreign_query(struct str path, struct str phantom);

/* A stream in which `from` becomes `to`; zeroed before the first use. */
struct scrub {
	struct buf held; /* maybe the beginning of one */
	size_t n;        /* replaced so far */
};

void scrub_done(struct scrub *s);
/* Takes bytes, appends to out what can be told by now; all of it at the end. */
void scrub_feed(struct scrub *s, struct str bytes, struct str from,
		struct str to, bool end, struct buf *out);

#endif
