/* SPDX-License-Identifier: MIT */
/*
 * flags.h - command-line flags as pflag reads them
 *
 * --name value, --name=value, switches --name and --name=false, clustered
 * short flags (-jo file), flags and positionals in any order; the first "--"
 * ends the flags and is removed. Messages are those of the interface
 * reference, section 0.
 */
#ifndef CLI_FLAGS_H
#define CLI_FLAGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "base/vec.h"

enum flag_type {
	FLAG_BOOL = 0,
	FLAG_STRING,
	FLAG_LIST, /* may be given several times */
	FLAG_INT,  /* 64-bit decimal */
};

struct flag {
	const char *name; /* without the dashes; NULL ends a table */
	char shorthand;   /* 0 = none */
	enum flag_type type;
	const char *value; /* placeholder in help, e.g. "DIR" */
	const char *dflt;  /* value when absent; NULL = empty or 0 */
	const char *help;
	bool required;
	bool hidden;
};

struct flag_value {
	bool set; /* given on the command line */
	bool boolean;
	int64_t number;
	const char *text;         /* borrowed from argv or the table */
	VEC(const char *) values; /* FLAG_LIST */
};

/* Rows of a table: a text, a text with a default, and a switch. */
#define TEXT(name_, value_, help_)                                       \
	{                                                                \
		.name = (name_), .type = FLAG_STRING, .value = (value_), \
		.help = (help_)                                          \
	}
#define TEXT_OR(name_, value_, dflt_, help_)                             \
	{                                                                \
		.name = (name_), .type = FLAG_STRING, .value = (value_), \
		.dflt = (dflt_), .help = (help_)                         \
	}
#define SWITCH(name_, help_)                                        \
	{                                                           \
		.name = (name_), .type = FLAG_BOOL, .help = (help_) \
	}

#define FLAG_TABLES 4
#define FLAG_MAX    32 /* per invocation, over all tables */

struct flag_set {
	const struct flag *tables[FLAG_TABLES]; /* borrowed */
	size_t n_tables;
	struct flag_value values[FLAG_MAX]; /* in order of the tables */
	bool help;                          /* -h or --help was given */
};

void flag_set_done(struct flag_set *f);
/*
 * Adds a table and sets its defaults. Later tables are looked at first, so a
 * verb may redefine a global flag. 0 or -E2BIG.
 */
int flag_set_add(struct flag_set *f, const struct flag *table);
/* A command line: in argv, argc and until_positional, out the rest. */
struct flag_words {
	char **argv;
	int argc;
	/* Stop at the first positional and do not look further. */
	bool until_positional;
	int n;    /* positionals, moved to the front of argv in order */
	int dash; /* index among them where "--" stood, or -1 */
};

/*
 * Parses w->argv. Return: 0, or -EINVAL with one line in error.
 */
int flag_set_parse(struct flag_set *f, struct flag_words *w, struct buf *error);
/* `required flag(s) "a", "b" not set`, or 0. */
int flag_set_check_required(const struct flag_set *f, struct buf *error);

/* The switch `name` of the first table was given, wherever it stood. */
bool flag_set_global(const struct flag_set *f, const char *name);
/* Sets flag, a row of a table of f, as if it had been given. 0 or -EINVAL. */
int flag_set_value(struct flag_set *f, const struct flag *flag,
		   const char *text);

/* Values by name; naming a flag that is in no table is a bug (assert). */
bool flag_bool(const struct flag_set *f, const char *name);
bool flag_given(const struct flag_set *f, const char *name);
const char *flag_text(const struct flag_set *f, const char *name);
int64_t flag_int(const struct flag_set *f, const char *name);
size_t flag_list(const struct flag_set *f, const char *name,
		 const char *const **ret);

#endif
