/* SPDX-License-Identifier: MIT */
/*
 * names.c - which names an address was given out for by the DNS stub
 */
#include "netproxy/names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char *names_get(const struct names *s, const struct addr *a, size_t i)
{
	for (size_t k = 1; k <= s->n; k++) {
		const struct name_entry *e =
			&s->entries[(s->next + NAMES_MAX - k) % NAMES_MAX];

		if (memcmp(e->addr.b, a->b, sizeof(a->b)) == 0 && i-- == 0)
			return e->host;
	}
	return NULL;
}

bool names_has(const struct names *s, const struct addr *a, struct str host)
{
	const char *name;

	for (size_t i = 0; (name = names_get(s, a, i)); i++)
		if (str_eq_c(host, name))
			return true;
	return false;
}

int names_add(struct names *s, const struct addr *a, struct str host)
{
	struct name_entry *e = &s->entries[s->next];
	char *copy;

	if (names_has(s, a, host))
		return 0;
	copy = str_dup(host);
	if (!copy)
		return -ENOMEM;
	free(e->host);
	*e = (struct name_entry){ *a, copy };
	s->next = (s->next + 1) % NAMES_MAX;
	s->n = MIN(s->n + 1, (size_t)NAMES_MAX);
	return 0;
}

void names_done(struct names *s)
{
	for (size_t i = 0; i < NAMES_MAX; i++)
		free(s->entries[i].host);
	*s = (struct names){ .n = 0 };
}
