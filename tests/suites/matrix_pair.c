/* SPDX-License-Identifier: MIT */
/*
 * matrix_pair.c - rename and link: every kind of source on every kind of target
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/suites/matrix.h"

static long p_rename(const char *a, const char *b)
{
	return rename(a, b);
}
static long p_noreplace(const char *a, const char *b)
{
	return renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_NOREPLACE);
}
static long p_exchange(const char *a, const char *b)
{
	return renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE);
}
static long p_both(const char *a, const char *b)
{
	return renameat2(AT_FDCWD, a, AT_FDCWD, b,
			 RENAME_NOREPLACE | RENAME_EXCHANGE);
}
static long p_link(const char *a, const char *b)
{
	return link(a, b);
}
static long p_link_follow(const char *a, const char *b)
{
	return linkat(AT_FDCWD, a, AT_FDCWD, b, AT_SYMLINK_FOLLOW);
}
/* Both names are links of one inode: nothing may happen. */
static long p_rename_twin(const char *a, const char *b)
{
	(void)unlink(b);
	(void)!link(a, b);
	return rename(a, b);
}

static const struct call {
	const char *name;
	long (*run)(const char *a, const char *b);
} calls[] = {
	{ "rename", p_rename },     { "noreplace", p_noreplace },
	{ "exchange", p_exchange }, { "both", p_both },
	{ "link", p_link },         { "linkf", p_link_follow },
	{ "twin", p_rename_twin },
};

static const struct place {
	const char *label, *from, *to;
} places[] = {
	{ "same", "w/a", "w/b" },         { "other", "w/a", "w/d2/b" },
	{ "up", "w/d2/a", "w/b" },        { "slashes", "w/a/", "w/b/" },
	{ "into-self", "w/a", "w/a/b" },  { "onto-parent", "w/d2/a", "w/d2" },
	{ "nodir", "w/a", "w/absent/b" },
};

static void one(const struct call *c, enum thing a, enum thing b,
		const struct place *p)
{
	struct before root, sub, from, to;
	char a_name[64], b_name[64];
	long r;

	if (left_out())
		return;
	thing_clear("w");
	(void)mkdir("w", 0755);
	(void)mkdir("w/d2", 0755);
	(void)snprintf(a_name, sizeof(a_name), "%s", p->from);
	(void)snprintf(b_name, sizeof(b_name), "%s", p->to);
	a_name[strcspn(a_name + 2, "/") == 1 ? 3 : strlen(a_name)] = '\0';
	if (strcmp(p->label, "slashes") == 0)
		b_name[3] = '\0';
	thing_make(a_name, a);
	if (strcmp(p->label, "into-self") != 0 &&
	    strcmp(p->label, "onto-parent") != 0 &&
	    strcmp(p->label, "nodir") != 0)
		thing_make(b_name, b);
	look("w", &root);
	look("w/d2", &sub);
	look(a_name, &from);
	look(b_name, &to);
	tick();
	line("%s %s %s %s:", c->name, thing_names[a], thing_names[b], p->label);
	r = c->run(p->from, p->to);
	line(" %s", err(r));
	changes("w", "w", &root);
	changes("d2", "w/d2", &sub);
	changes("from", a_name, &from);
	changes("to", b_name, &to);
	changes("moved", b_name, &from);
	line_end();
}

void matrix_pair(void)
{
	for (size_t c = 0; c < sizeof(calls) / sizeof(*calls); c++)
		for (enum thing a = 0; a < CHAR_; a++)
			for (enum thing b = 0; b < CHAR_; b++)
				for (size_t p = 0;
				     p < sizeof(places) / sizeof(*places); p++)
					if (p < 3 || b <= DIR_)
						one(&calls[c], a, b,
						    &places[p]);
}
