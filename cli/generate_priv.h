/* SPDX-License-Identifier: MIT */
/*
 * generate_priv.h - between the halves of `policy generate`
 */
#ifndef CLI_GENERATE_PRIV_H
#define CLI_GENERATE_PRIV_H

#include "cli/generate.h"
#include "core/op.h"

/* What looks and changes nothing: allowed together. */
#define GENERATE_READS                                               \
	((1U << FILE_OPEN) | (1U << FILE_READ) | (1U << FILE_LIST) | \
	 (1U << FILE_STAT) | (1U << FILE_ACCESS) | (1U << FILE_READLINK))

enum seen_family {
	SEEN_FILE = 0,
	SEEN_EXEC,
	SEEN_NET,
	SEEN_UNIX
};

/* Something that happened, any number of times. Texts are borrowed. */
struct observation {
	enum seen_family family;
	struct str text;   /* path, program name, host */
	unsigned int ops;  /* files: bits 1 << enum file_verb */
	bool keep;         /* files: deleted to quarantine */
	struct str word;   /* programs: first argument that is a plain word */
	unsigned int port; /* 0 = unknown */
	bool denied;
	struct str rule; /* that decided the first */
	struct str first, last;
	uint64_t n;
};

struct generate {
	const struct generate_input *in;
	struct arena *a;
	struct str root; /* the session's ${PROJECT_ROOT} */
	/* sorted: by family, allowed before denied, by text */
	struct {
		struct observation *data;
		size_t n, size;
	} seen;
};

/*
 * A name that was seen as the pattern that matches it and nothing else: a program
 * may be called "*". The text lives in a. Return: 0 or -ENOMEM.
 */
int generate_escape(struct arena *a, struct str name, struct str *ret);
/* s as a double-quoted YAML scalar. */
void generate_quoted(struct buf *out, struct str s);
/* All sections of rules. Return: 0 or -ENOMEM. */
int generate_rules(struct generate *g, struct buf *out);

#endif
