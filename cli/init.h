/* SPDX-License-Identifier: MIT */
/*
 * init.h - a project's own policy, made from a shipped one
 */
#ifndef CLI_INIT_H
#define CLI_INIT_H

#include <stdbool.h>

#include "base/str.h"

/* What a project is built with; bits, several can hold. */
enum project_kind {
	PROJECT_NODE = 1 << 0,
	PROJECT_PYTHON = 1 << 1,
	PROJECT_RUST = 1 << 2,
	PROJECT_GO = 1 << 3,
	PROJECT_JVM = 1 << 4,
	PROJECT_RUBY = 1 << 5,
	PROJECT_PHP = 1 << 6,
	PROJECT_DOTNET = 1 << 7,
	PROJECT_C = 1 << 8,
};

/* By the files in dir itself; 0 when none is known or dir cannot be read. */
unsigned int project_kinds(const char *dir);
/* "node, rust", or "no build system known". */
void project_kinds_text(unsigned int found, struct buf *out);

struct init_input {
	struct str base; /* text of the policy to begin with */
	struct str base_name, name;
	unsigned int kinds;
	bool open_network; /* keep what base allows */
};

/*
 * The project's policy: base under its own name, with what an agent must not
 * plant for later protected, and the network narrowed to code hosts and the
 * package sources of kinds. Return: 0; -EINVAL when base has no section
 * file_rules or network_rules at the start of a line; -ENOMEM.
 */
int init_policy(const struct init_input *in, struct buf *out);

#endif
