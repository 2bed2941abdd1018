/* SPDX-License-Identifier: MIT */
/*
 * creds.h - secrets that commands may use and never see
 *
 * A secret is read once, into memory that is locked, left out of core dumps and
 * wiped in children. What commands get is a phantom: random text of the same
 * shape and length, good nowhere but here.
 */
#ifndef NETPROXY_CREDS_H
#define NETPROXY_CREDS_H

#include <stdbool.h>

#include "base/str.h"

#define CRED_MAX        64
#define CRED_MAX_SECRET 8192
#define CRED_MIN_SECRET 8

struct cred {
	char *name;      /* owned: of the service */
	struct str real; /* in the locked memory; "" = could not be had */
	char *phantom;   /* owned */
	char error[160]; /* why it could not be had */
};

struct creds {
	char *memory; /* locked; NULL until the first secret */
	size_t used;
	struct cred v[CRED_MAX];
	size_t n;
	bool unlocked; /* mlock() was refused */
};

void creds_done(struct creds *c);
/*
 * Reads the secret that ref names:
 *	env:NAME	of this process; its copy of the variable is wiped
 *	file:PATH	absolute; white space at the end is left out
 *	command:PATH ARGS	what it prints, without a shell, within 10 s
 * ("//" may follow the colon.) The phantom is `known` if that is not empty, else
 * made from format ("ghp_{rand:36}") or from the secret's own shape. A secret
 * that cannot be read makes an entry with an error. Blocks. NULL: no memory, or
 * over CRED_MAX.
 */
const struct cred *creds_add(struct creds *c, struct str name, struct str ref,
			     struct str format, struct str known);
const struct cred *creds_find(const struct creds *c, struct str name);

/* A phantom for a secret; pure but for its randomness. Appended to out. */
void phantom_make(struct str real, struct str format, struct buf *out);

#endif
