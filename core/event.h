/* SPDX-License-Identifier: MIT */
/*
 * event.h - what happened
 *
 * One event per operation, in the vocabulary of interface reference section 5.
 * A struct event borrows its strings for the duration of the call it is passed
 * to. It is encoded once by the catcher (event_encode) and travels as bytes;
 * event_to_json gives the object of section 5.1 with its field order.
 */
#ifndef CORE_EVENT_H
#define CORE_EVENT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/json.h"
#include "base/str.h"
#include "core/verdict.h"

enum event_field_type {
	EVENT_STR = 0,
	EVENT_INT,
	EVENT_BOOL,
	EVENT_JSON
};

/* One member of the `fields` object. */
struct event_field {
	const char *key;
	enum event_field_type type;
	struct str str; /* EVENT_STR, or raw JSON for EVENT_JSON */
	int64_t num;    /* EVENT_INT, EVENT_BOOL */
};

#define EVENT_MAX_FIELDS 24
#define EVENT_MAX_ARGV   256
#define EVENT_MAX_BYTES  (256U << 10) /* encoded; fits a ring record */

enum event_action {
	EVENT_ACTION_NONE = 0,
	EVENT_ALLOWED,
	EVENT_BLOCKED
};

struct event {
	struct str id;        /* "" = the store makes one */
	int64_t timestamp_ns; /* 0 = now, by event_encode */
	struct str type;      /* "execve", "file_write", ... */
	struct str session_id, command_id, source;
	pid_t pid, parent_pid;
	int depth; /* -1 = not known */

	/* policy{}: present when has_policy */
	bool has_policy;
	enum verdict_kind decision;           /* policy_decision */
	enum verdict_kind effective_decision; /* allow or deny in the end */
	struct str rule, message;
	uint32_t generation;
	bool approval_required;
	struct str approval_mode, approval_id; /* "shadow" | "enforced" */
	struct str redirect_to;                /* command or path */

	struct str filename, raw_filename;
	const struct str *argv;
	size_t argc;
	bool truncated;
	struct str unwrapped_from, payload_command;
	struct str path;
	bool abstract;
	struct str domain, remote, operation;
	enum event_action action; /* effective_action */

	struct event_field fields[EVENT_MAX_FIELDS];
	size_t n_fields;
};

#define EVENT_INIT(t) ((struct event){ .type = STR(t), .depth = -1 })

/*
 * Replace the field of that key, or add one; no-ops when EVENT_MAX_FIELDS is
 * reached. key and v are borrowed. json: one value on one line.
 */
void event_add_str(struct event *e, const char *key, struct str v);
void event_add_int(struct event *e, const char *key, int64_t v);
void event_add_bool(struct event *e, const char *key, bool v);
void event_add_json(struct event *e, const char *key, struct str json);

/* effective_decision == deny, or action blocked, or field blocked == true. */
bool event_is_denial(const struct event *e);

/*
 * Binary form, appended to out (core/wire.h encoding). argv beyond
 * EVENT_MAX_ARGV or LIMIT_ARGV_BYTES is cut and marked truncated.
 * Return: 0, -E2BIG (over EVENT_MAX_BYTES) or -ENOMEM; then out->error is set
 * and its length is as before.
 */
int event_encode(const struct event *e, struct buf *out);
/*
 * Decodes into *ret, which borrows from bytes and from a (argv array, keys).
 * Input is untrusted. 0, -EBADMSG, -ENOMEM (then *ret is not to be used).
 */
int event_decode(struct str bytes, struct arena *a, struct event *ret);

/*
 * The Event object of section 5.1, field order as there; policy_generation
 * is a member of `fields`. timestamp_ns must be set.
 */
void event_to_json(const struct event *e, struct json_writer *w);

#endif
