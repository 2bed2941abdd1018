/* SPDX-License-Identifier: MIT */
/*
 * detect.h - what this host lets agentsh enforce, in agentsh's terms
 *
 * The tables of interface reference section 7, filled from confine/probe.h:
 * "available" means that the mechanism was used in a throw-away child a moment
 * ago and did what it should, not that the kernel claims to have it.
 */
#ifndef CLI_DETECT_H
#define CLI_DETECT_H

#include <stdbool.h>

#include "base/json.h"
#include "confine/cgroup.h"
#include "confine/probe.h"

#define DETECT_DETAIL 96

struct detect_backend {
	const char *name, *description, *check_method;
	bool available;
	char detail[DETECT_DETAIL];
};

#define DETECT_BACKENDS 4

struct detect_domain {
	const char *name;
	unsigned int weight, score;
	struct detect_backend backends[DETECT_BACKENDS];
	size_t n_backends;
	const char *active; /* "none" */
};

enum detect_domain_id {
	DETECT_FILE = 0,
	DETECT_COMMAND,
	DETECT_NETWORK,
	DETECT_RESOURCES,
	DETECT_ISOLATION,
	DETECT_DOMAINS,
};

struct detect {
	struct arena arena;       /* owns trial */
	const struct json *trial; /* what a session showed; NULL = not tried */
	bool inside;              /* we run in a session */
	struct probe probe;
	struct cgroup_root_info cgroup;
	char cgroup_text[DETECT_DETAIL]; /* "" = none */
	struct detect_domain domains[DETECT_DOMAINS];
	const char *mode;
	unsigned int score;
};

/*
 * Tries everything (some tenths of a second) with a session of that
 * configuration ("" = the usual places). Inside a session that cannot be:
 * session_json is then what the server says of it, or is empty when it does not
 * answer; else it is NULL. Release with detect_done().
 */
void detect_run(struct detect *d, const char *config,
		const struct str *session_json);
void detect_done(struct detect *d);
/* Fills the rest from probe, cgroup and cgroup_text; for tests. */
void detect_evaluate(struct detect *d);

void detect_table(const struct detect *d, struct buf *out);
void detect_json(const struct detect *d, struct json_writer *w);
/* A configuration that uses what works here. */
void detect_config(const struct detect *d, struct buf *out);

#endif
