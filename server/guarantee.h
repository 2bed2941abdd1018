/* SPDX-License-Identifier: MIT */
/*
 * guarantee.h - which of the nine guarantees hold, from layers and canaries
 *
 * One table says which layers keep which guarantee; sandbox.require, session
 * records and `detect` all read it.
 */
#ifndef SERVER_GUARANTEE_H
#define SERVER_GUARANTEE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/json.h"
#include "confine/canary.h"

enum guarantee_state {
	GUARANTEE_NOT_HELD = 0,
	GUARANTEE_WEAKER, /* some of what it promises holds */
	GUARANTEE_HELD,
};

#define GUARANTEES 9

/* What is known besides the layers. */
struct guarantee_facts {
	bool audit_stored;  /* there is an audit log */
	bool unrecorded;    /* a refusal was seen that no event told of */
	bool fast_reads;    /* file_monitor.write_only_opens */
	bool proxy;         /* the network proxy runs */
	bool policy_denies; /* the canaries had something to try */
};

struct guarantee {
	const char *id, *name, *title; /* "G1", "commands", "command policy" */
	enum guarantee_state state;
	struct buf by;  /* layers that keep it, comma-separated */
	struct buf why; /* it does not hold in full; empty if it does */
};

/*
 * layers: the array of a session's record ([{name, active, detail}]). canary:
 * NULL when none was tried. Fills all of out (release with guarantees_done).
 */
void guarantees_judge(const struct json *layers,
		      const struct guarantee_facts *facts,
		      const struct canary_report *canary,
		      struct guarantee out[GUARANTEES]);
void guarantees_done(struct guarantee g[GUARANTEES]);
/* [{id, name, title, state, by, why}]. */
void guarantees_to_json(const struct guarantee g[GUARANTEES],
			struct json_writer *w);
const char *guarantee_state_to_string(enum guarantee_state state);

/*
 * For sandbox.require: the first layer that `want` (a guarantee's name or a
 * layer's) needs and that is not active. Return: it, NULL when all are.
 */
const char *guarantee_missing(const struct json *layers, struct str want);

#endif
